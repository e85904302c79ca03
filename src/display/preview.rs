//! A plan as a tree with a summary: `preview` shows it, and `up` and `destroy` do before they ask.

use super::line::Line;
use super::pending;
use super::rows::{PlanRow, fate_of_data, idle, is_shown, rows, tally, word};
use super::style::{self, Style};
use super::tree::{Cells, Row, Tree};
use super::view::View;
use super::{added, consequences, new_defaults};
use crate::plan::{Because, Goal, Op, Plan, Refusal};

/// The part below the tree: what goes or stays against expectation, and the counts.
pub fn conclusion(view: View<'_>) -> Vec<Line> {
    let mut lines = Vec::new();
    for mut block in [
        consequences::going(view),
        consequences::staying(view),
        added::render(view),
        new_defaults::render(view),
        pending::of_view(view),
    ] {
        if !block.is_empty() {
            lines.append(&mut block);
            lines.push(Line::new());
        }
    }
    lines.extend(counts(view));
    lines
}

/// All changes, each under what it belongs to; nothing if there are none.
pub fn tree(view: View<'_>) -> Vec<Line> {
    let rows: Vec<Row> = rows(view.plan)
        .iter()
        .filter(|row| view.show_sames || is_shown(row))
        .map(|row| Row {
            urn: row.urn.clone(),
            cells: Cells {
                op: Some(row.op),
                status: Line::styled(style::of(row.op), row.word()),
                info: info(view, row),
            },
        })
        .collect();
    if rows.is_empty() {
        return Vec::new();
    }
    let tree = Tree {
        status_title: "Plan",
        stack: view.plan.stack.to_string(),
        stack_cells: stack_cells(view.plan),
        rows,
        to_come: Vec::new(),
        sections: view.sections,
        info_lines: usize::MAX,
    };
    let mut lines = tree.render(view.width);
    lines.push(Line::new());
    lines
}

/// The number of resources that a plan changes.
pub fn changes(plan: &Plan) -> usize {
    let tally = tally(plan);
    let changes = tally
        .iter()
        .filter(|(op, _)| !matches!(op, Op::Same | Op::Retain));
    changes.map(|(_, count)| count).sum()
}

/// The row of the stack, which comes and goes with its resources.
pub(super) fn stack_cells(plan: &Plan) -> Cells {
    let all = |op: Op| {
        !plan.steps.is_empty()
            && plan.kept.is_empty()
            && plan.retained.is_empty()
            && plan.steps.iter().all(|step| step.op() == op)
    };
    let op = if all(Op::Create) {
        Some(Op::Create)
    } else if plan.goal == Goal::Destroy && all(Op::Delete) {
        Some(Op::Delete)
    } else {
        None
    };
    Cells {
        op,
        status: op.map_or_else(Line::new, |op| Line::styled(style::of(op), word(op))),
        info: Line::new(),
    }
}

pub(super) fn info(view: View<'_>, row: &PlanRow<'_>) -> Line {
    if let Some(refusal) = row.refusal {
        let mut line = Line::new();
        if let Some(id) = row.goes() {
            line = Line::styled(Style::Faint, id).and(" ");
        }
        let line = line.with(Style::Error, refused(refusal));
        return match refusal {
            Refusal::TagsAlone { id, .. } => line.and(format!(" {id}")),
            _ => line,
        };
    }
    if let Some(retained) = row.retained {
        return Line::plain(retained.reason.to_string());
    }
    let Some(step) = row.step else {
        return Line::new();
    };
    let mut line = Line::new();
    let mut add = |between: &str, style, text: &str| {
        if !line.is_empty() {
            line.push(Style::Plain, between);
        }
        line.push(style, text);
    };
    if let Some(id) = row.goes() {
        add("", Style::Faint, id);
    }
    match &step.because {
        // The symbol says it.
        Because::Missing | Because::Edited | Because::Destroy | Because::CannotChange(_) => {}
        Because::Drifted => add(" ", Style::Warning, "drift"),
        because @ Because::Gone => add(" ", Style::Warning, &because.to_string()),
        because => add(" ", Style::Plain, &because.to_string()),
    }
    if row.op != Op::Create && !new_defaults::of_step(step, view.catalog).is_empty() {
        add(" ", Style::Plain, "new default");
    }
    if let Some(comparison) = step.comparison()
        && row.op != Op::Create
    {
        let differences = row.differences(comparison);
        if !differences.is_empty() {
            add(" ", Style::Plain, &differences);
        }
    }
    if let Some(idle) = idle(view.plan, view.catalog, step) {
        add("; ", Style::Faint, idle);
    }
    if let Some(fate) = fate_of_data(view.catalog, step) {
        add("; ", Style::Warning, &fate);
    }
    if row.interruption(view.plan, view.catalog).is_some() {
        add("; ", Style::Error, "interrupts");
    }
    line
}

/// The reason why it cannot happen, in short; the report says more.
pub(super) fn refused(refusal: &Refusal) -> &'static str {
    match refusal {
        Refusal::NameTaken { .. } => "refused: its name is taken",
        Refusal::TagsLost(_) => "refused: it is there, without its tags",
        Refusal::TagsAlone { .. } => {
            "refused: has the stack's tags, and no run of the stack made it:"
        }
        Refusal::Protected { .. } => "refused: protected",
        Refusal::Retained { .. } => "refused: retained",
        Refusal::HoldsData { .. } => "refused: holds data",
        Refusal::Guarded { .. } => "refused: AWS protects it from deletion",
        Refusal::InUse { .. } => "refused: in use",
        Refusal::PlaceHeld { .. } => "refused: its place is taken",
        Refusal::Interrupts { .. } => "refused: interrupts",
        Refusal::Forbidden { .. } => "refused: cannot change in place",
        Refusal::ParentNotOurs { .. } => "refused: its parent is not of this stack",
        Refusal::PlaceTaken { .. } => "refused: its place is taken",
        Refusal::HeldByOthers { .. } => "refused: others use it",
        Refusal::Elsewhere { .. } => "refused: the stack is in another region",
        Refusal::NotOffered { .. } => "refused: not offered in the region",
        Refusal::Shortens { what: Some(_), .. } => "refused: data would be lost",
        Refusal::Shortens { what: None, .. } => {
            "refused: takes over what is there, and its data would be lost"
        }
    }
}

/// `Resources:` and below, in Pulumi's words; what destroys comes first.
pub fn counts(view: View<'_>) -> Vec<Line> {
    let plan = view.plan;
    let tally = tally(plan);
    let mut lines = vec![Line::styled(Style::Heading, "Resources:")];
    let changes = [Op::Delete, Op::Replace, Op::Create, Op::Update, Op::Retain];
    let mut kinds = 0;
    let mut total = 0;
    for op in changes {
        let Some(&count) = tally.get(&op) else {
            continue;
        };
        if op != Op::Retain {
            kinds += 1;
            total += count;
        }
        let text = format!("{}{count} to {}", style::symbol(op), word(op));
        lines.push(Line::plain("    ").with(style::of(op), text));
    }
    let refused = rows(plan)
        .iter()
        .filter(|row| row.refusal.is_some())
        .count();
    if refused > 0 {
        lines.push(Line::plain("    ").with(Style::Error, format!("{refused} refused")));
    }
    let interrupting = rows(plan)
        .iter()
        .filter(|row| row.refusal.is_none() && row.interruption(view.plan, view.catalog).is_some())
        .count();
    if interrupting > 0 {
        let verb = if interrupting == 1 {
            "interrupts"
        } else {
            "interrupt"
        };
        let text = format!("! {interrupting} {verb} traffic or addresses");
        lines.push(Line::plain("    ").with(Style::Error, text));
    }
    let unchanged = tally.get(&Op::Same).copied().unwrap_or(0);
    lines.extend(totals(kinds, total, unchanged, lines.len() == 1));
    let drifted = plan
        .steps
        .iter()
        .filter(|step| step.because.is_drift() && !step.is_delete())
        .count();
    if drifted > 0 {
        let text = match drifted {
            1 => "1 has drifted; `up` sets it back".to_owned(),
            count => format!("{count} have drifted; `up` sets them back"),
        };
        lines.push(Line::plain("    ").with(Style::Warning, format!("drift: {text}")));
    }
    let open = added::drifting(plan);
    if open > 0 {
        let it = if open == 1 { "it" } else { "them" };
        let text =
            format!("drift: {open} added by others; remove {it}, or accept {it} in the file");
        lines.push(Line::plain("    ").with(Style::Warning, text));
    }
    lines
}

/// The last line of the counts: with several kinds of change a sum, and the number that stay the same.
///
/// `alone` says that nothing has been counted above it.
pub(super) fn totals(kinds: usize, changed: usize, unchanged: usize, alone: bool) -> Option<Line> {
    let text = match (kinds, unchanged) {
        (0 | 1, 0) if !alone => return None,
        (0 | 1, unchanged) => format!("{unchanged} unchanged"),
        (_, 0) => format!("{changed} changes"),
        (_, unchanged) => format!("{changed} changes. {unchanged} unchanged"),
    };
    Some(Line::plain(format!("    {text}")))
}
