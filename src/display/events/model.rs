//! The events, and how each is made from what a run says.
//!
//! The number in [`JsonEvent::Start`] grows when something is taken away or changes its meaning; a new field or a new kind
//! of event does not change it.

use std::time::Duration;

use serde::Serialize;
use serde_json::Value as Json;

use super::super::annotation::Place;
use super::super::estimate::Estimate;
use super::super::json::{self, Document};
use super::super::message::{Help, Message};
use super::super::outputs::all_json;
use super::super::severity::Severity;
use super::super::summary::tally;
use crate::deployment::Seen;
use crate::execute::{Event, Report, Skipped, Work};
use crate::plan::{Op, Plan, StepId};
use crate::resource::{Catalog, ErrorKind, ProviderError, Urn, Value};

/// The version of this format.
pub const VERSION: u32 = 1;

/// One line of the stream.
#[derive(Debug, Serialize)]
#[serde(
    tag = "event",
    rename_all = "camelCase",
    rename_all_fields = "camelCase"
)]
pub enum JsonEvent {
    /// The first one.
    Start {
        version: u32,
        tool_version: &'static str,
        command: String,
    },
    /// The plan that the run goes by, as `preview --json` prints it. A later one takes the place of an earlier one.
    Plan {
        plan: Box<Document>,
    },
    Lock(JsonLock),
    Step(Box<JsonStepEvent>),
    /// A signal was heard.
    Interrupted {
        signal: String,
        count: usize,
    },
    /// Nothing new is started any more.
    Cancelling {
        in_flight: usize,
        at: f64,
    },
    Outputs {
        outputs: Json,
    },
    /// Something that the user still has to do.
    Note {
        text: String,
        /// Lines to copy for that.
        commands: Vec<String>,
    },
    Diagnostic(JsonDiagnostic),
    /// The last one.
    Summary(JsonSummary),
}

/// The state of the stack's lock.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct JsonLock {
    state: &'static str,
    /// The run that holds it, while it is waited for.
    #[serde(skip_serializing_if = "Option::is_none")]
    holder: Option<JsonHolder>,
    /// The seconds that this run has waited so far.
    #[serde(skip_serializing_if = "Option::is_none")]
    waited: Option<f64>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct JsonHolder {
    holder: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    host: Option<String>,
    command: String,
    since: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    run_url: Option<String>,
}

/// A step of the plan at work.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct JsonStepEvent {
    state: &'static str,
    /// Its position in the `steps` of the plan.
    step: StepId,
    urn: String,
    #[serde(rename = "type")]
    kind: String,
    name: String,
    op: &'static str,
    /// Seconds since the first step could start.
    at: f64,
    /// Seconds that the step has taken.
    #[serde(skip_serializing_if = "Option::is_none")]
    seconds: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    id: Option<String>,
    /// The state that it waits on, in AWS's words.
    #[serde(skip_serializing_if = "Option::is_none")]
    status: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<JsonError>,
    #[serde(skip_serializing_if = "Option::is_none")]
    because: Option<&'static str>,
    /// The URN of the step that it needs, which failed or was skipped.
    #[serde(skip_serializing_if = "Option::is_none")]
    needs: Option<String>,
}

/// An error of a call to AWS.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct JsonError {
    /// A word for machines.
    kind: &'static str,
    operation: String,
    region: String,
    /// AWS's code.
    #[serde(skip_serializing_if = "Option::is_none")]
    code: Option<String>,
    message: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    status: Option<u16>,
    #[serde(skip_serializing_if = "Option::is_none")]
    request_id: Option<String>,
    attempts: u32,
    details: Vec<String>,
}

/// An error or a warning, with the facts and the advice that people read.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct JsonDiagnostic {
    pub(super) severity: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    code: Option<&'static str>,
    summary: String,
    facts: Vec<JsonFact>,
    details: Vec<String>,
    help: Vec<String>,
    /// Lines to copy.
    pub(super) commands: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    place: Option<JsonPlace>,
}

#[derive(Debug, Serialize)]
struct JsonFact {
    name: String,
    text: String,
}

#[derive(Debug, Serialize)]
struct JsonPlace {
    file: String,
    line: usize,
    column: usize,
}

/// The end of a run.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct JsonSummary {
    pub(super) result: &'static str,
    pub(super) exit_code: u8,
    /// Seconds since the program was started.
    pub(super) seconds: f64,
    #[serde(flatten)]
    pub(super) changes: JsonChanges,
    /// The commands that the diagnostics advise, in their order.
    pub(super) next: Vec<String>,
}

/// The work that a run has done, and left.
#[derive(Debug, Clone, Default, Serialize)]
pub struct JsonChanges {
    changes: JsonCounts,
    /// The steps that did not succeed.
    unfinished: Vec<JsonUnfinished>,
}

/// The number of resources by what was done to them, and of steps that did not succeed.
#[derive(Debug, Clone, Default, Serialize)]
struct JsonCounts {
    created: usize,
    updated: usize,
    replaced: usize,
    deleted: usize,
    retained: usize,
    unchanged: usize,
    failed: usize,
    interrupted: usize,
    skipped: usize,
}

#[derive(Debug, Clone, Serialize)]
struct JsonUnfinished {
    urn: String,
    step: StepId,
    state: &'static str,
}

pub fn of_plan(plan: &Plan, catalog: &Catalog, estimate: Option<&Estimate>) -> JsonEvent {
    JsonEvent::Plan {
        plan: Box::new(json::document(plan, catalog).with_estimate(estimate)),
    }
}

/// The lock was taken, or given back.
pub fn lock_state(state: &'static str) -> JsonEvent {
    JsonEvent::Lock(JsonLock {
        state,
        holder: None,
        waited: None,
    })
}

/// Another run holds the lock.
pub fn lock_waiting(seen: &Seen, waited: Duration) -> JsonEvent {
    let lease = &seen.lease;
    JsonEvent::Lock(JsonLock {
        state: "waiting",
        holder: Some(JsonHolder {
            holder: lease.holder.clone(),
            host: lease.host.clone(),
            command: lease.command.clone(),
            since: lease.since.clone(),
            run_url: lease.run_url.clone(),
        }),
        waited: Some(rounded(waited)),
    })
}

/// The outputs of a stack, secrets masked, unknown ones `null`: as `output --json` prints them.
pub fn outputs(outputs: &[(String, Value)]) -> JsonEvent {
    let known = outputs.iter().map(|(name, value)| {
        let known = value.is_known().then(|| value.clone());
        (name.clone(), known.unwrap_or(Value::Null))
    });
    JsonEvent::Outputs {
        outputs: all_json(&known.collect::<Vec<_>>(), false),
    }
}

/// An event of the executor, whose texts are masked already.
pub fn happened(plan: &Plan, event: &Event) -> JsonEvent {
    let step = |id: StepId, state, urn: &Urn, work: Work, at: Duration| JsonStepEvent {
        state,
        step: id,
        urn: urn.to_string(),
        kind: urn.token().to_owned(),
        name: urn.name().to_owned(),
        op: op(work),
        at: rounded(at),
        seconds: None,
        id: None,
        status: None,
        error: None,
        because: None,
        needs: None,
    };
    let event = match event {
        Event::Cancelling { in_flight, at } => {
            return JsonEvent::Cancelling {
                in_flight: *in_flight,
                at: rounded(*at),
            };
        }
        Event::Started {
            step: id,
            urn,
            work,
            at,
        } => step(*id, "started", urn, *work, *at),
        Event::Waiting {
            step: id,
            status,
            at,
        } => {
            let planned = &plan.steps[*id];
            let work = crate::execute::work(planned);
            JsonStepEvent {
                status: Some(status.clone()),
                ..step(*id, "waiting", &planned.urn, work, *at)
            }
        }
        Event::Succeeded {
            step: at_step,
            urn,
            work,
            id,
            elapsed,
            at,
        } => JsonStepEvent {
            id: Some(id.clone()),
            seconds: Some(rounded(*elapsed)),
            ..step(*at_step, "finished", urn, *work, *at)
        },
        Event::Failed {
            step: id,
            urn,
            work,
            error,
            elapsed,
            at,
        } => JsonStepEvent {
            error: Some(failure(error)),
            seconds: Some(rounded(*elapsed)),
            ..step(*id, "failed", urn, *work, *at)
        },
        Event::Interrupted {
            step: id,
            urn,
            work,
            status,
            elapsed,
            at,
        } => JsonStepEvent {
            status: status.clone(),
            seconds: Some(rounded(*elapsed)),
            ..step(*id, "interrupted", urn, *work, *at)
        },
        Event::Skipped {
            step: id,
            urn,
            work,
            because,
            at,
        } => JsonStepEvent {
            because: Some(match because {
                Skipped::Needs(_) => "needs",
                Skipped::Cancelled => "cancelled",
                Skipped::NoCredentials => "noCredentials",
            }),
            needs: match because {
                Skipped::Needs(other) => Some(other.to_string()),
                _ => None,
            },
            ..step(*id, "skipped", urn, *work, *at)
        },
    };
    JsonEvent::Step(Box::new(event))
}

fn op(work: Work) -> &'static str {
    match work {
        Work::Create => json::CREATE,
        Work::Update => json::UPDATE,
        Work::CreateReplacement => json::CREATE_REPLACEMENT,
        Work::DeleteReplaced => json::DELETE_REPLACED,
        Work::Delete => json::DELETE,
    }
}

fn failure(error: &ProviderError) -> JsonError {
    JsonError {
        kind: kind(error.kind),
        operation: error.operation.clone(),
        region: error.region.clone(),
        code: Some(error.code.clone()).filter(|code| !code.is_empty()),
        message: error.message.clone(),
        status: error.status,
        request_id: error.request_id.clone(),
        attempts: error.attempts,
        details: error.details.clone(),
    }
}

fn kind(kind: ErrorKind) -> &'static str {
    match kind {
        ErrorKind::NotFound => "notFound",
        ErrorKind::AlreadyExists => "alreadyExists",
        ErrorKind::NotOurs => "notOurs",
        ErrorKind::InUse => "inUse",
        ErrorKind::Conflict => "conflict",
        ErrorKind::NotVisibleYet => "notVisibleYet",
        ErrorKind::Throttled => "throttled",
        ErrorKind::Transient => "transient",
        ErrorKind::Indeterminate => "indeterminate",
        ErrorKind::Denied => "denied",
        ErrorKind::Credentials => "credentials",
        ErrorKind::Quota => "quota",
        ErrorKind::Invalid => "invalid",
        ErrorKind::Failed => "failed",
        ErrorKind::TimedOut => "timedOut",
        ErrorKind::Guarded => "guarded",
        ErrorKind::Bug => "bug",
    }
}

pub fn diagnostic(message: &Message) -> JsonEvent {
    let mut help = Vec::new();
    let mut commands = Vec::new();
    for advice in &message.help {
        match advice {
            Help::Text(text) => help.push(text.clone()),
            Help::Command(line) => commands.push(line.clone()),
        }
    }
    let facts = message.facts.iter().map(|(name, text)| JsonFact {
        name: name.clone(),
        text: text.clone(),
    });
    JsonEvent::Diagnostic(JsonDiagnostic {
        severity: match message.severity {
            Severity::Error => "error",
            Severity::Warning => "warning",
        },
        code: message.code,
        summary: message.summary.clone(),
        facts: facts.collect(),
        details: message.details.clone(),
        help,
        commands,
        place: message.place.as_ref().map(
            |Place {
                 file, line, column, ..
             }| JsonPlace {
                file: file.clone(),
                line: *line,
                column: *column,
            },
        ),
    })
}

/// The outcome of a run, for the summary.
pub fn changes(plan: &Plan, report: &Report) -> JsonChanges {
    let done = tally(plan, report);
    let count = |op| done.get(&op).copied().unwrap_or(0);
    let unfinished = |step: StepId, state| JsonUnfinished {
        urn: plan.steps[step].urn.to_string(),
        step,
        state,
    };
    let failed = report.failed.iter().map(|(id, _)| (*id, "failed"));
    let interrupted = report.interrupted.iter().map(|id| (*id, "interrupted"));
    let skipped = report.skipped.iter().map(|(id, _)| (*id, "skipped"));
    JsonChanges {
        changes: JsonCounts {
            created: count(Op::Create),
            updated: count(Op::Update),
            replaced: count(Op::Replace),
            deleted: count(Op::Delete),
            retained: count(Op::Retain),
            unchanged: count(Op::Same),
            failed: report.failed.len(),
            interrupted: report.interrupted.len(),
            skipped: report.skipped.len(),
        },
        unfinished: failed
            .chain(interrupted)
            .chain(skipped)
            .map(|(id, state)| unfinished(id, state))
            .collect(),
    }
}

/// Seconds, to the millisecond.
pub(super) fn rounded(time: Duration) -> f64 {
    (time.as_secs_f64() * 1000.0).round() / 1000.0
}
