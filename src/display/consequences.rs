//! Consequences that a reader of a plan must not miss: what goes, with its data, and what stays although it would go.

use std::collections::{BTreeMap, BTreeSet};

use super::line::{Line, wrap};
use super::rows::{fate_of_data, interruption, reason, rows};
use super::style::{self, Style};
use super::view::View;
use crate::plan::{Action, Goal, Op, ReplaceOrder, RetainReason, Step};
use crate::resource::Urn;

/// Columns before the text of an item.
const INDENT: usize = 7;

/// The objects that are deleted or replaced: in an `up` all, in a `destroy`, which deletes by its nature, those with data.
pub fn going(view: View<'_>) -> Vec<Line> {
    let rows = rows(view.plan);
    let of = |op: Op| {
        let rows = rows.iter().filter(move |row| row.op == op);
        rows.filter_map(|row| row.step).collect::<Vec<_>>()
    };
    let mut lines = Vec::new();
    for step in of(Op::Delete) {
        let fate = fate_of_data(view.catalog, step);
        let text = match (view.plan.goal, fate) {
            (Goal::Destroy, None) => continue,
            (Goal::Destroy, Some(fate)) => fate,
            (Goal::Up, fate) => with(&reason(step), fate),
        };
        item(Op::Delete, step.urn.name(), &text, view.width, &mut lines);
    }
    let replaced = of(Op::Replace);
    replacements(&replaced, view, &mut lines);
    for step in of(Op::Update) {
        if let Some(fate) = fate_of_data(view.catalog, step) {
            item(Op::Update, step.urn.name(), &fate, view.width, &mut lines);
        }
    }
    let destroys = !lines.is_empty();
    for step in of(Op::Delete)
        .into_iter()
        .chain(replaced)
        .chain(of(Op::Update))
        .chain(of(Op::Create))
    {
        if let Some(effect) = interruption(view.plan, view.catalog, step) {
            let text = format!("interrupts: {effect}");
            marked(
                Style::Error,
                "! ",
                step.urn.name(),
                &text,
                view.width,
                &mut lines,
            );
        }
    }
    if !lines.is_empty() {
        let title = match view.plan.goal {
            Goal::Up if destroys => "Deletes and replaces:",
            Goal::Up => "Interrupts:",
            Goal::Destroy => "Deletes data:",
        };
        lines.insert(0, Line::styled(Style::Heading, title));
    }
    lines
}

/// One item for each replacement that the file or AWS asks for; those that only follow are named beneath it.
fn replacements(steps: &[&Step], view: View<'_>, lines: &mut Vec<Line>) {
    let replaced: BTreeSet<&Urn> = steps.iter().map(|step| &step.urn).collect();
    let causes: BTreeMap<&Urn, BTreeSet<&Urn>> = steps
        .iter()
        .map(|step| (&step.urn, follows(step, &replaced)))
        .collect();
    let follower =
        |step: &Step| !causes[&step.urn].is_empty() && fate_of_data(view.catalog, step).is_none();
    for step in steps.iter().filter(|step| !follower(step)) {
        let fate = fate_of_data(view.catalog, step);
        let order = order(step).map_or("", |order| match order {
            ReplaceOrder::CreateFirst => "; the new one comes first",
            ReplaceOrder::DeleteFirst => "; the old one goes first",
        });
        let text = with(&format!("{}{order}", reason(step)), fate);
        item(Op::Replace, step.urn.name(), &text, view.width, lines);
    }
    for (wanted, text) in [
        (
            ReplaceOrder::CreateFirst,
            "what needs these, the new one first",
        ),
        (
            ReplaceOrder::DeleteFirst,
            "what needs these, the old one first",
        ),
    ] {
        let mut names: Vec<&str> = steps
            .iter()
            .filter(|step| follower(step) && order(step) == Some(wanted))
            .map(|step| step.urn.name())
            .collect();
        names.sort_unstable();
        if !names.is_empty() {
            item(Op::Replace, text, &names.join(", "), view.width, lines);
        }
    }
}

/// The replaced resources that are the only reason to replace this one; none if it has a reason of its own.
fn follows<'a>(step: &Step, replaced: &BTreeSet<&'a Urn>) -> BTreeSet<&'a Urn> {
    let mut causes = BTreeSet::new();
    let changes = step.comparison().map(|comparison| &comparison.diff.changes);
    for change in changes
        .into_iter()
        .flatten()
        .filter(|change| change.replaces)
    {
        let references = change.after.references();
        if references.is_empty() {
            return BTreeSet::new();
        }
        for reference in references {
            causes.extend(replaced.get(&reference.urn));
        }
    }
    causes
}

fn order(step: &Step) -> Option<ReplaceOrder> {
    match &step.action {
        Action::CreateReplacement { order, .. } => Some(*order),
        _ => None,
    }
}

fn with(text: &str, fate: Option<String>) -> String {
    match fate {
        Some(fate) => format!("{text}; {fate}"),
        None => text.to_owned(),
    }
}

/// The objects that stay, and why.
pub fn staying(view: View<'_>) -> Vec<Line> {
    let mut lines = Vec::new();
    for retained in &view.plan.retained {
        if retained.reason != RetainReason::NotTargeted {
            let text = format!("{} ({})", retained.reason, retained.observed.id);
            item(
                Op::Retain,
                retained.urn.name(),
                &text,
                view.width,
                &mut lines,
            );
        }
    }
    if !lines.is_empty() {
        lines.insert(0, Line::styled(Style::Heading, "Stays:"));
    }
    lines
}

pub(super) fn item(op: Op, name: &str, text: &str, width: Option<usize>, lines: &mut Vec<Line>) {
    marked(style::of(op), style::symbol(op), name, text, width, lines);
}

fn marked(
    style: Style,
    symbol: &str,
    name: &str,
    text: &str,
    width: Option<usize>,
    lines: &mut Vec<Line>,
) {
    let lead = name.chars().count() + 2;
    let wrapped = wrap(
        &format!("{name}: {text}"),
        width.map(|width| width.saturating_sub(INDENT)),
    );
    for (index, text) in wrapped.iter().enumerate() {
        let line = if index == 0 {
            let rest: String = text.chars().skip(lead).collect();
            Line::plain("    ")
                .with(style, symbol)
                .and(" ")
                .with(Style::Bold, text.chars().take(lead).collect::<String>())
                .and(rest)
        } else {
            Line::plain(" ".repeat(INDENT)).and(text)
        };
        lines.push(line);
    }
}
