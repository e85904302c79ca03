//! The remains that AWS keeps when a stack is gone: logs that it writes by itself, and what deletions leave on purpose.

use std::collections::BTreeSet;

use super::consequences::item;
use super::line::Line;
use super::style::Style;
use crate::execute::Report;
use crate::plan::{Action, Goal, Op, Plan};
use crate::resource::Catalog;

/// The block at the end of `destroy` and `up`; nothing if nothing stays. Costs no call: it follows from what was deleted.
pub fn block(plan: &Plan, report: &Report, catalog: &Catalog, width: Option<usize>) -> Vec<Line> {
    let mut lines = Vec::new();
    let mut said = BTreeSet::new();
    for id in &report.succeeded {
        let step = &plan.steps[*id];
        let (Action::Delete { observed, data } | Action::DeleteReplaced { observed, data }) =
            &step.action
        else {
            continue;
        };
        let schema = catalog.get(step.urn.token());
        let Some(aftermath) = schema.and_then(|schema| schema.aftermath) else {
            continue;
        };
        for text in aftermath(observed, *data) {
            if said.insert(text.clone()) {
                item(Op::Retain, step.urn.name(), &text, width, &mut lines);
            }
        }
    }
    if !lines.is_empty() {
        lines.insert(
            0,
            Line::styled(
                Style::Heading,
                match plan.goal {
                    Goal::Destroy => "Not deleted with the stack:",
                    Goal::Up => "Not deleted:",
                },
            ),
        );
    }
    lines
}
