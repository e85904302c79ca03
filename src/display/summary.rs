//! The end of a run: what failed and why, what came of it, how long it took.
//!
//! A run that did all that it was to do ends with [`render`], any other with [`stopped`].

use std::collections::{BTreeMap, BTreeSet};

use super::annotation::Place;
use super::estimate::Estimate;
use super::line::Line;
use super::message::Message;
use super::pending;
use super::preview::totals;
use super::progress::verb;
use super::rows::rows;
use super::seconds;
use super::secrets::Secrets;
use super::style::{self, Style};
use crate::execute::{Outcome, Report, Skipped};
use crate::plan::{Action, Op, Plan, RetainReason, Step, StepId};
use crate::resource::{Catalog, ErrorKind, ProviderError, Urn};

/// The number of objects that each operation was done to.
pub fn tally(plan: &Plan, report: &Report) -> BTreeMap<Op, usize> {
    let succeeded: BTreeSet<StepId> = report.succeeded.iter().copied().collect();
    let mut done: BTreeMap<Op, usize> = BTreeMap::new();
    for row in rows(plan) {
        match row.op {
            Op::Retain => {
                let reason = row.retained.map(|retained| &retained.reason);
                if reason != Some(&RetainReason::NotTargeted) {
                    *done.entry(Op::Retain).or_default() += 1;
                }
            }
            // A replacement counts once both its steps are through.
            op if row.steps.iter().all(|step| succeeded.contains(step)) => {
                *done.entry(op).or_default() += 1;
            }
            _ => {}
        }
    }
    done
}

/// `Resources:` with what was done, and `Duration:`.
pub fn render(
    plan: &Plan,
    report: &Report,
    catalog: &Catalog,
    estimate: Option<&Estimate>,
    width: Option<usize>,
) -> Vec<Line> {
    let mut lines = vec![Line::styled(Style::Heading, "Resources:")];
    lines.extend(counts(plan, report));
    if lines.len() == 1 {
        lines.push(Line::plain("    0 unchanged"));
    }
    lines.push(Line::new());
    let waiting: Vec<_> = pending::of_report(plan, report, catalog)
        .into_iter()
        .filter(|waiting| !waiting.is_for_the_user())
        .collect();
    let mut waiting = pending::block(&waiting, width);
    if !waiting.is_empty() {
        lines.append(&mut waiting);
        lines.push(Line::new());
    }
    let took = seconds(report.elapsed);
    let expected = estimate.map_or_else(String::new, |estimate| {
        format!(" ({})", estimate.expected())
    });
    lines.push(Line::styled(Style::Heading, "Duration:").and(format!(" {took}{expected}")));
    lines
}

/// The number of resources that each operation was done to, a line each.
fn counts(plan: &Plan, report: &Report) -> Vec<Line> {
    let done = tally(plan, report);
    let unchanged = done.get(&Op::Same).copied().unwrap_or(0);
    let mut lines = Vec::new();
    let (mut kinds, mut changed) = (0, 0);
    for op in [Op::Delete, Op::Replace, Op::Create, Op::Update, Op::Retain] {
        if let Some(&count) = done.get(&op) {
            if op != Op::Retain {
                kinds += 1;
                changed += count;
            }
            let text = format!("{}{count} {}", style::symbol(op), past(op));
            lines.push(Line::plain("    ").with(style::of(op), text));
        }
    }
    let is_alone = lines.is_empty() && unchanged > 0;
    lines.extend(totals(kinds, changed, unchanged, is_alone));
    lines
}

/// The most names of one line.
const MOST_NAMES: usize = 5;

/// The end of a run that did not do all: what is done, what goes on in AWS by itself, what was not begun, and the command
/// that goes on.
pub fn stopped(
    plan: &Plan,
    outcome: &Outcome,
    estimate: Option<&Estimate>,
    again: &str,
    width: Option<usize>,
) -> Vec<Line> {
    let report = outcome.report();
    let (word, style) = match outcome {
        Outcome::Cancelled(_) => ("Interrupted", Style::Warning),
        Outcome::Failed(_) | Outcome::Done(_) => ("Failed", Style::Error),
    };
    let expected = estimate.map_or_else(String::new, |estimate| {
        format!(" ({})", estimate.expected())
    });
    let head =
        Line::styled(style, word).and(format!(" after {}{expected}", seconds(report.elapsed)));
    let mut lines = wrapped(head, width);
    lines.extend(counts(plan, report));
    let failed = report.failed.iter();
    let failed = failed.map(|(id, error)| match error.kind {
        ErrorKind::TimedOut => format!("{} (AWS goes on with it)", plan.steps[*id].urn.name()),
        _ => plan.steps[*id].urn.name().to_owned(),
    });
    named(Style::Error, "failed", failed.collect(), width, &mut lines);
    let under_way = report.interrupted.iter();
    let under_way: Vec<String> = under_way
        .map(|id| plan.steps[*id].urn.name().to_owned())
        .collect();
    let it = if under_way.len() == 1 { "it" } else { "them" };
    let word = format!("still under way, and AWS goes on with {it}");
    named(Style::Warning, &word, under_way, width, &mut lines);
    let reached: BTreeSet<&Urn> = report
        .failed
        .iter()
        .map(|(id, _)| id)
        .chain(&report.interrupted)
        .map(|id| &plan.steps[*id].urn)
        .collect();
    let not_begun: BTreeSet<&Urn> = report
        .skipped
        .iter()
        .map(|(id, _)| &plan.steps[*id].urn)
        .filter(|urn| !reached.contains(urn))
        .collect();
    if !not_begun.is_empty() {
        let text = format!("{} not begun", not_begun.len());
        lines.push(Line::plain("    ").with(Style::Warning, text));
    }
    let advice = if report.failed.is_empty() {
        "To go on, run"
    } else {
        "To go on, follow the help above, then run"
    };
    lines.extend(wrapped(Line::plain(advice), width));
    // Never wrapped: it would not survive the copying.
    lines.push(Line::plain("    ").and(again));
    lines
}

/// The number of resources of which something is true, and their names.
fn named(
    style: Style,
    word: &str,
    names: Vec<String>,
    width: Option<usize>,
    lines: &mut Vec<Line>,
) {
    if names.is_empty() {
        return;
    }
    let lead = format!("{} {word}", names.len());
    let more = names.len().saturating_sub(MOST_NAMES);
    let mut list = names[..names.len() - more].join(", ");
    if more > 0 {
        list.push_str(&format!(" and {more} more"));
    }
    let line = Line::styled(style, lead).and(format!(": {list}"));
    let room = width.map(|width| width.saturating_sub(6));
    for (index, line) in wrapped(line, room).into_iter().enumerate() {
        let indent = if index == 0 { "    " } else { "      " };
        lines.push(Line::plain(indent).then(line));
    }
}

fn wrapped(line: Line, width: Option<usize>) -> Vec<Line> {
    match width {
        Some(width) => line.wrapped(width, usize::MAX),
        None => vec![line],
    }
}

fn past(op: Op) -> &'static str {
    match op {
        Op::Same => "unchanged",
        Op::Create => "created",
        Op::Update => "updated",
        Op::Replace => "replaced",
        Op::Delete => "deleted",
        Op::Retain => "retained",
    }
}

/// The failure of each resource, and what to do next.
pub fn diagnostics(
    plan: &Plan,
    report: &Report,
    secrets: &Secrets,
    place: &dyn Fn(&Urn) -> Option<Place>,
    again: &str,
) -> Vec<Message> {
    let failed = report.failed.iter();
    failed
        .map(|(id, error)| {
            let mut error = error.clone();
            secrets.mask_error(&mut error);
            let step = &plan.steps[*id];
            let skipped = waiting_for(plan, report, *id);
            failure(step, &error, skipped, again).at(place(&step.urn))
        })
        .collect()
}

fn failure(step: &Step, error: &ProviderError, skipped: usize, again: &str) -> Message {
    let message = Message::error(format!(
        "could not {} {} `{}`",
        verb(step),
        step.urn.token(),
        step.urn.name()
    ))
    .answer(error);
    let mut now = now(step, error);
    match skipped {
        0 => {}
        1 => now.push_str("; 1 step that needs it was skipped"),
        count => now.push_str(&format!("; {count} steps that need it were skipped")),
    }
    help(message.fact("now", now), step, error, again)
}

/// The state of things after a failure.
fn now(step: &Step, error: &ProviderError) -> String {
    if let Some(done) = &error.done {
        return done.clone();
    }
    let refused = error
        .status
        .is_some_and(|status| (400..500).contains(&status))
        && error.kind != ErrorKind::Failed;
    match (&step.action, error.kind) {
        (_, ErrorKind::Indeterminate) => {
            "it is unknown whether the call took effect; the next run checks before it acts"
                .to_owned()
        }
        (_, ErrorKind::TimedOut) => {
            "it is still in progress; the next run goes on waiting for it".to_owned()
        }
        (Action::Update { .. }, ErrorKind::Failed) => {
            "it exists, but the change was not applied".to_owned()
        }
        (_, ErrorKind::Failed) => "it exists, but it does not work".to_owned(),
        (Action::Create { .. }, _) if refused => "nothing was created".to_owned(),
        (Action::CreateReplacement { .. }, _) if refused => {
            "the object it was to replace is as it was, unless it had to go first".to_owned()
        }
        (Action::Update { .. }, _) if refused => "the change was not applied".to_owned(),
        (Action::Delete { observed, .. } | Action::DeleteReplaced { observed, .. }, _) => {
            format!("`{}` is still there", observed.id)
        }
        _ => "the next run checks and resumes".to_owned(),
    }
}

fn help(message: Message, step: &Step, error: &ProviderError, again: &str) -> Message {
    if let Some(remedy) = &error.remedy {
        return message.remedy(remedy, again);
    }
    match error.kind {
        ErrorKind::Denied => message
            .help(format!("allow {}, then run", error.operation))
            .command(again),
        ErrorKind::Credentials => message
            .help("renew the credentials, then run")
            .command(again),
        ErrorKind::Quota => message
            .help("ask AWS for a higher quota (Service Quotas), or reduce what the stack needs, then run")
            .command(again),
        ErrorKind::NotOurs | ErrorKind::AlreadyExists => message.help(format!(
            "give `{}` another name in the stack file, or remove the object that has the name",
            step.urn.name()
        )),
        ErrorKind::Invalid => message
            .help(format!(
                "correct `{}` in the stack file, then run",
                step.urn.name()
            ))
            .command(again),
        ErrorKind::Failed => message
            .help("fix the problem above, then run")
            .command(again),
        ErrorKind::Guarded => message,
        ErrorKind::Bug => message.help(super::bug()),
        ErrorKind::Throttled
        | ErrorKind::Transient
        | ErrorKind::TimedOut
        | ErrorKind::Indeterminate
        | ErrorKind::InUse
        | ErrorKind::Conflict
        | ErrorKind::NotFound
        | ErrorKind::NotVisibleYet => message.help("run it again").command(again),
    }
}

/// The number of steps that were skipped because of a step, directly or down the line.
fn waiting_for(plan: &Plan, report: &Report, failed: StepId) -> usize {
    let skipped: BTreeSet<StepId> = report
        .skipped
        .iter()
        .filter(|(_, because)| matches!(because, Skipped::Needs(_)))
        .map(|(id, _)| *id)
        .collect();
    let mut reached = BTreeSet::from([failed]);
    for (id, step) in plan.steps.iter().enumerate() {
        if skipped.contains(&id) && step.waits_for.iter().any(|on| reached.contains(on)) {
            reached.insert(id);
        }
    }
    reached.len() - 1
}
