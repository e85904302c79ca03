//! The runs of a stack: a table for people, JSON for scripts.

use serde_json::{Value as Json, json};

use super::line::{Line, cut_middle};
use super::seconds;
use super::style::{self, Style};
use crate::deployment::{Deployment, Ending, Record};
use crate::plan::Op;

/// The version of the JSON: it grows when something is taken away or changes its meaning.
const VERSION: u32 = 1;

/// The width that longer names are cut to.
const WHO: usize = 16;

/// A row for each run, and what else is known of it below.
pub fn table(deployments: &[Deployment], width: Option<usize>) -> Vec<Line> {
    let who: Vec<String> = deployments
        .iter()
        .map(|deployment| cut_middle(person(&deployment.by), WHO))
        .collect();
    let names = who.iter().map(|name| name.chars().count());
    let widths = [
        16,
        names.max().unwrap_or(0).max("Who".len()),
        "destroy".len(),
        "cancelled".len(),
        "10m00s".len(),
    ];
    let heads = ["When (UTC)", "Who", "What", "Outcome", "Took", "Changes"];
    let mut lines = vec![row(
        heads.map(|head| Line::styled(Style::Bold, head)),
        widths,
    )];
    for (deployment, who) in deployments.iter().zip(&who) {
        let record = &deployment.record;
        let (word, style) = ending(record.outcome);
        let cells = [
            Line::plain(minute(&deployment.ended)),
            Line::plain(who),
            Line::plain(&record.command),
            Line::styled(style, word),
            Line::plain(took(record)),
            changes(record),
        ];
        lines.push(row(cells, widths));
        for detail in details(record) {
            // An address that is broken cannot be followed.
            let line = Line::plain(" ".repeat(widths[0] + 4)).with(Style::Faint, detail);
            lines.push(line);
        }
    }
    match width {
        Some(width) => lines.into_iter().map(|line| fitted(line, width)).collect(),
        None => lines,
    }
}

fn row(cells: [Line; 6], widths: [usize; 5]) -> Line {
    let mut row = Line::plain("  ");
    for (index, cell) in cells.into_iter().enumerate() {
        let cell = match widths.get(index) {
            Some(width) => cell.padded(*width).and("  "),
            None => cell,
        };
        row = row.then(cell);
    }
    row
}

/// Cuts a line to a width, but not an address.
fn fitted(line: Line, width: usize) -> Line {
    if line.render(false).contains("://") {
        line
    } else {
        line.cut(width)
    }
}

/// `2026-01-31T09:15:00Z` to the minute.
fn minute(moment: &str) -> String {
    let local = moment.get(..16).unwrap_or(moment);
    local.replacen('T', " ", 1)
}

/// The part of an ARN that names a person: `user/anna` is anna, `assumed-role/deploy/ci` is deploy/ci.
pub(super) fn person(arn: &str) -> &str {
    let resource = arn.splitn(6, ':').nth(5).unwrap_or(arn);
    resource.split_once('/').map_or(resource, |(_, name)| name)
}

pub(super) fn ending(ending: Ending) -> (&'static str, Style) {
    match ending {
        Ending::Succeeded => ("succeeded", Style::Create),
        Ending::Failed => ("failed", Style::Error),
        Ending::Cancelled => ("cancelled", Style::Warning),
        Ending::Unknown => ("unknown", Style::Faint),
    }
}

fn took(record: &Record) -> String {
    // It comes from a text that anyone may have written.
    let time = std::time::Duration::try_from_secs_f64(record.seconds);
    time.map_or_else(|_| "?".to_owned(), seconds)
}

/// `+81 ~2`, as a preview marks them.
pub(super) fn changes(record: &Record) -> Line {
    let mut line = Line::new();
    for (op, count) in [
        (Op::Create, record.created),
        (Op::Update, record.updated),
        (Op::Replace, record.replaced),
        (Op::Delete, record.deleted),
    ] {
        if count == 0 {
            continue;
        }
        if !line.is_empty() {
            line.push(Style::Plain, " ");
        }
        let symbol = style::symbol(op).trim_end();
        line.push(style::of(op), format!("{symbol}{count}"));
    }
    if line.is_empty() {
        line.push(Style::Faint, "none");
    }
    line
}

fn details(record: &Record) -> Vec<String> {
    let mut details = Vec::new();
    let counts = [(record.failed, "failed"), (record.unfinished, "not done")];
    let counts: Vec<String> = counts
        .iter()
        .filter(|(count, _)| *count > 0)
        .map(|(count, what)| format!("{count} {what}"))
        .collect();
    if !counts.is_empty() {
        details.push(counts.join(", "));
    }
    if !record.set.is_empty() {
        let besides = match record.set_besides {
            0 => String::new(),
            count => format!(", and {count} more"),
        };
        details.push(format!("--set {}{besides}", record.set.join(", ")));
    }
    details.extend(record.run_url.clone());
    details
}

/// All that is known of each run.
pub fn document(stack: &str, deployments: &[Deployment]) -> Json {
    let runs: Vec<Json> = deployments
        .iter()
        .map(|deployment| {
            let mut run = json!(deployment.record);
            run["number"] = deployment.number.into();
            run["ended"] = deployment.ended.clone().into();
            run["by"] = deployment.by.clone().into();
            run
        })
        .collect();
    json!({ "version": VERSION, "stack": stack, "deployments": runs })
}
