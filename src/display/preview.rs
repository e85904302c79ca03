//! A plan as a tree with a summary: what `preview` shows, and `up` and `destroy` before they ask.

use std::collections::BTreeMap;

use super::line::{Line, wrap};
use super::style::{self, Style};
use super::tree::{Cells, Row, Tree};
use crate::plan::{
    Action, Because, Goal, Op, Plan, ReplaceOrder, RetainReason, Retained, Step, StepId,
};
use crate::resource::provider::DataPolicy;
use crate::resource::{Catalog, Change, ChangeKind, Urn};

/// How a plan is looked at.
#[derive(Clone, Copy)]
pub struct View<'a> {
    pub plan: &'a Plan,
    pub catalog: &'a Catalog,
    /// Sections in the order in which they are shown.
    pub sections: &'a [&'a str],
    /// Also show what stays as it is.
    pub show_sames: bool,
    /// Columns; `None` where lines may be as long as they like.
    pub width: Option<usize>,
}

/// One row of a plan: an object and what happens to it. A replacement's two steps are one row.
pub struct PlanRow<'a> {
    pub urn: &'a Urn,
    pub op: Op,
    /// The step that says the most about it.
    pub step: Option<&'a Step>,
    pub steps: Vec<StepId>,
    pub retained: Option<&'a Retained>,
}

/// The rows of a plan: first what has steps, in their order, then what stays.
pub fn rows(plan: &Plan) -> Vec<PlanRow<'_>> {
    let mut replaced: BTreeMap<&Urn, usize> = BTreeMap::new();
    let mut rows: Vec<PlanRow<'_>> = Vec::new();
    for (id, step) in plan.steps.iter().enumerate() {
        let tells_most = matches!(step.action, Action::CreateReplacement { .. });
        if step.op() == Op::Replace {
            if let Some(&row) = replaced.get(&step.urn) {
                rows[row].steps.push(id);
                if tells_most {
                    rows[row].step = Some(step);
                }
                continue;
            }
            replaced.insert(&step.urn, rows.len());
        }
        rows.push(PlanRow {
            urn: &step.urn,
            op: step.op(),
            step: Some(step),
            steps: vec![id],
            retained: None,
        });
    }
    rows.extend(plan.retained.iter().map(|retained| PlanRow {
        urn: &retained.urn,
        op: Op::Retain,
        step: None,
        steps: Vec::new(),
        retained: Some(retained),
    }));
    rows.extend(plan.kept.iter().map(|kept| PlanRow {
        urn: &kept.urn,
        op: Op::Same,
        step: None,
        steps: Vec::new(),
        retained: None,
    }));
    rows
}

/// The tree, what goes or stays against expectation, and the counts.
pub fn render(view: View<'_>) -> Vec<Line> {
    let mut lines = tree(view);
    for mut block in [going(view), staying(view)] {
        if !block.is_empty() {
            lines.append(&mut block);
            lines.push(Line::new());
        }
    }
    lines.extend(counts(view.plan));
    lines
}

fn tree(view: View<'_>) -> Vec<Line> {
    let rows: Vec<Row> = rows(view.plan)
        .iter()
        .filter(|row| view.show_sames || is_shown(row))
        .map(|row| Row {
            urn: row.urn.clone(),
            cells: Cells {
                op: Some(row.op),
                status: Line::styled(style::of(row.op), word(row.op)),
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
        sections: view.sections,
    };
    let mut lines = tree.render(view.width);
    lines.push(Line::new());
    lines
}

/// What stays as it is hides; so does what is out of the reach of a target.
pub(super) fn is_shown(row: &PlanRow<'_>) -> bool {
    match row.op {
        Op::Same => false,
        Op::Retain => row
            .retained
            .is_some_and(|retained| retained.reason != RetainReason::NotTargeted),
        _ => true,
    }
}

/// The stack comes and goes with its resources.
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

/// An operation as the third column has it.
pub fn word(op: Op) -> &'static str {
    match op {
        Op::Same => "",
        Op::Create => "create",
        Op::Update => "update",
        Op::Replace => "replace",
        Op::Delete => "delete",
        Op::Retain => "retain",
    }
}

fn info(view: View<'_>, row: &PlanRow<'_>) -> Line {
    if let Some(retained) = row.retained {
        return Line::plain(retained.reason.to_string());
    }
    let Some(step) = row.step else {
        return Line::new();
    };
    let mut line = Line::new();
    let mut add = |style, text: &str| {
        if !line.is_empty() {
            line.push(Style::Plain, " ");
        }
        line.push(style, text);
    };
    match &step.because {
        // The symbol says it.
        Because::Missing | Because::Edited | Because::Destroy | Because::CannotChange(_) => {}
        Because::Drifted => add(Style::Warning, "drift"),
        because => add(Style::Plain, &because.to_string()),
    }
    if let Some(comparison) = step.comparison()
        && row.op != Op::Create
    {
        let changed = changed(comparison.changes());
        if !changed.is_empty() {
            add(Style::Plain, &format!("[diff: {changed}]"));
        }
    }
    if let Some(fate) = fate_of_data(view, step) {
        add(Style::Warning, fate);
    }
    line
}

/// `~cidrBlock,+tags`: the properties that change, each with what happens to it.
pub fn changed<'a>(changes: impl Iterator<Item = &'a Change>) -> String {
    let mut properties: Vec<(&str, char)> = Vec::new();
    for change in changes {
        let symbol = match change.kind {
            ChangeKind::Add if change.path == change.property() => '+',
            ChangeKind::Delete if change.path == change.property() => '-',
            _ => '~',
        };
        if !properties
            .iter()
            .any(|(name, _)| *name == change.property())
        {
            properties.push((change.property(), symbol));
        }
    }
    let properties: Vec<String> = properties
        .into_iter()
        .map(|(name, symbol)| format!("{symbol}{name}"))
        .collect();
    properties.join(",")
}

/// What a deletion does with data, where there is any.
fn fate_of_data(view: View<'_>, step: &Step) -> Option<&'static str> {
    let schema = view.catalog.get(step.urn.token())?;
    if !schema.stateful {
        return None;
    }
    let data = match &step.action {
        Action::Delete { data, .. } | Action::DeleteReplaced { data, .. } => *data,
        // Its deletion is a step of its own, with the same answer.
        Action::CreateReplacement { .. } if schema.snapshots => DataPolicy::Snapshot,
        Action::CreateReplacement { .. } => DataPolicy::Discard,
        _ => return None,
    };
    Some(match data {
        DataPolicy::Discard => "its data goes for good",
        DataPolicy::Snapshot => "a final snapshot or recovery window stays",
    })
}

/// Op and reason in words: `replace, new one first: cidrBlock cannot change in place`.
pub fn headline(plan: &Plan, step: &Step) -> String {
    let mut text = word(step.op()).to_owned();
    if let Action::CreateReplacement { order, .. } = &step.action {
        text.push_str(match order {
            ReplaceOrder::CreateFirst => ", new one first",
            ReplaceOrder::DeleteFirst => ", old one first",
        });
    }
    let reason = match &step.because {
        Because::Missing | Because::Destroy => return text,
        Because::Edited if step.op() == Op::Update => return text,
        Because::CannotChange(properties) => {
            format!("{} cannot change in place", properties.join(", "))
        }
        because => because.to_string(),
    };
    // A replacement that drift asks for should say what drifted.
    let detail = match (&step.because, step.comparison()) {
        (Because::Drifted, Some(comparison)) if step.op() == Op::Replace => {
            let replacing = comparison.changes().filter(|change| change.replaces);
            format!(" [diff: {}]", changed(replacing))
        }
        _ => String::new(),
    };
    let _ = plan;
    format!("{text}: {reason}{detail}")
}

/// What an `up` deletes or replaces: first in the summary, because it is what a reader must not miss.
fn going(view: View<'_>) -> Vec<Line> {
    let mut lines = Vec::new();
    let rows = rows(view.plan);
    let goes = |op: Op| {
        let rows = rows.iter().filter(move |row| row.op == op);
        rows.filter_map(|row| Some((row.op, row.step?)))
    };
    for (op, step) in goes(Op::Delete).chain(goes(Op::Replace)) {
        let fate = fate_of_data(view, step);
        if view.plan.goal == Goal::Destroy && fate.is_none() {
            continue;
        }
        let mut text = headline(view.plan, step);
        if let Some(fate) = fate {
            text = format!("{text}; {fate}");
        }
        item(op, step.urn.name(), &text, view.width, &mut lines);
    }
    if !lines.is_empty() {
        let title = match view.plan.goal {
            Goal::Up => "Deletes and replaces:",
            Goal::Destroy => "Deletes data:",
        };
        lines.insert(0, Line::styled(Style::Heading, title));
    }
    lines
}

fn staying(view: View<'_>) -> Vec<Line> {
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

fn item(op: Op, name: &str, text: &str, width: Option<usize>, lines: &mut Vec<Line>) {
    const INDENT: usize = 7;
    let lead = name.chars().count() + 2;
    let wrapped = wrap(
        &format!("{name}: {text}"),
        width.map(|width| width.saturating_sub(INDENT)),
    );
    for (index, text) in wrapped.iter().enumerate() {
        let line = if index == 0 {
            let rest: String = text.chars().skip(lead).collect();
            Line::plain("    ")
                .with(style::of(op), style::symbol(op))
                .and(" ")
                .with(Style::Bold, text.chars().take(lead).collect::<String>())
                .and(rest)
        } else {
            Line::plain(" ".repeat(INDENT)).and(text)
        };
        lines.push(line);
    }
}

/// How many rows have which operation.
pub fn tally(plan: &Plan) -> BTreeMap<Op, usize> {
    let mut tally = BTreeMap::new();
    for row in rows(plan) {
        // What lives beside its successor is counted with its deletion.
        *tally.entry(row.op).or_insert(0) += 1;
    }
    tally
}

/// `Resources:` and below, in Pulumi's words; what destroys comes first.
fn counts(plan: &Plan) -> Vec<Line> {
    let tally = tally(plan);
    let mut lines = vec![Line::styled(Style::Heading, "Resources:")];
    let changes = [Op::Delete, Op::Replace, Op::Create, Op::Update, Op::Retain];
    let mut kinds = 0;
    let mut changed = 0;
    for op in changes {
        let Some(&count) = tally.get(&op) else {
            continue;
        };
        if op != Op::Retain {
            kinds += 1;
            changed += count;
        }
        let text = format!("{}{count} to {}", style::symbol(op), word(op));
        lines.push(Line::plain("    ").with(style::of(op), text));
    }
    lines.extend(totals(
        kinds,
        changed,
        tally.get(&Op::Same).copied().unwrap_or(0),
    ));
    let drifted = plan
        .steps
        .iter()
        .filter(|step| step.because == Because::Drifted && !step.is_delete())
        .count();
    if drifted > 0 {
        let text = match drifted {
            1 => "1 was changed outside of its stack file; `up` sets it back".to_owned(),
            count => {
                format!("{count} were changed outside of their stack file; `up` sets them back")
            }
        };
        lines.push(Line::plain("    ").with(Style::Warning, format!("drift: {text}")));
    }
    lines
}

/// The last line of the counts: with several kinds of change a sum, and what stays the same.
pub(super) fn totals(kinds: usize, changed: usize, unchanged: usize) -> Option<Line> {
    let text = match (kinds, unchanged) {
        (0 | 1, 0) if changed > 0 => return None,
        (0 | 1, unchanged) => format!("{unchanged} unchanged"),
        (_, 0) => format!("{changed} changes"),
        (_, unchanged) => format!("{changed} changes. {unchanged} unchanged"),
    };
    Some(Line::plain(format!("    {text}")))
}
