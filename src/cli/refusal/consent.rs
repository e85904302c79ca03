//! Deletions that need consent by name: of data, and of what AWS is to protect from deletion.

use super::stopped::{Stopped, name_key, past};
use crate::cli::command_line::CommandLine;
use crate::cli::session::Session;
use crate::display::Message;
use crate::execute::Report;
use crate::plan::{Goal, Op, Plan, Refusal};
use crate::resource::{Catalog, ErrorKind, Urn};

/// Data that would go without consent by name.
pub(super) fn holds_data(stopped: &Stopped<'_>) -> Option<Message> {
    let Stopped {
        invocation,
        session,
        plan,
    } = *stopped;
    let found: Vec<_> = plan
        .refusals
        .iter()
        .filter_map(|refusal| match refusal {
            Refusal::HoldsData { urn, id, op, guard } => Some((urn, id, *op, *guard)),
            _ => None,
        })
        .collect();
    let (first, ..) = found.first()?;
    let mut message = Message::error("data is not deleted without consent")
        .code("fde::guard::holds_data")
        .at(session.offline.place(first));
    for (urn, id, op, guard) in &found {
        let holds = match guard {
            Some(guard) => format!("holds data, has `{guard}` on,"),
            None => "holds data".to_owned(),
        };
        message = message.fact(
            urn.name(),
            format!("{} `{id}` {holds} and would be {}", urn.token(), past(*op)),
        );
    }
    message = message.fact("now", "nothing was changed");
    for (urn, id, ..) in &found {
        if let Some(help) = keeping(plan, session, urn, id) {
            message = message.help(help);
        }
    }
    let names = found
        .iter()
        .map(|(urn, id, op, _)| name_of(plan, session, urn, id, *op));
    let command = invocation.retry_command().with("--allow-delete", names);
    Some(
        message
            .help("to consent to the loss of the data, run")
            .command(command),
    )
}

/// Objects with AWS's own protection on, which the plan would switch off without consent by name. They hold no data; their
/// type says what is lost with them.
pub(super) fn guarded(stopped: &Stopped<'_>) -> Option<Message> {
    let Stopped {
        invocation,
        session,
        plan,
    } = *stopped;
    let found: Vec<_> = plan
        .refusals
        .iter()
        .filter_map(|refusal| match refusal {
            Refusal::Guarded { urn, id, op, guard } => Some((urn, id, *op, *guard)),
            _ => None,
        })
        .collect();
    let (first, ..) = found.first()?;
    let mut message =
        Message::error("what AWS protects from deletion is not deleted without consent")
            .code("fde::guard::protected_by_aws")
            .at(session.offline.place(first));
    for (urn, id, op, guard) in &found {
        message = message.fact(
            urn.name(),
            format!(
                "{} `{id}` has `{guard}` on, and would be {}",
                urn.token(),
                past(*op)
            ),
        );
        let schema = session.offline.catalog.get(urn.token());
        let interruption = schema.and_then(|schema| schema.interruption);
        let lost = interruption.and_then(|interruption| match op {
            Op::Replace => interruption.create_first,
            _ => interruption.deleted,
        });
        if let Some(lost) = lost {
            message = message.fact("then", lost);
        }
    }
    let names = found
        .iter()
        .map(|(urn, id, op, _)| name_of(plan, session, urn, id, *op));
    let command = invocation.retry_command().with("--allow-delete", names);
    Some(
        message
            .fact("now", "nothing was changed")
            .help("to consent to its deletion, run")
            .command(command),
    )
}

/// The name by which an object is consented to. The logical one is that of the object that stays, too.
fn name_of<'a>(plan: &Plan, session: &Session, urn: &'a Urn, id: &'a str, op: Op) -> &'a str {
    let is_second =
        plan.goal == Goal::Up && op == Op::Delete && session.offline.graph.contains(urn);
    if is_second { id } else { urn.name() }
}

/// The way to keep the data of an object that may have been renamed: it goes, and another of its type comes.
fn keeping(plan: &Plan, session: &Session, urn: &Urn, id: &str) -> Option<String> {
    if session.offline.graph.contains(urn) || id.starts_with("arn:") {
        return None;
    }
    let mut coming = plan.steps.iter().filter(|step| {
        step.op() == Op::Create && step.urn.token() == urn.token() && step.urn != *urn
    });
    let (now, None) = (&coming.next()?.urn, coming.next()) else {
        return None;
    };
    let schema = session.offline.catalog.get(urn.token())?;
    let key = match name_key(now, session) {
        Some(key) => key.to_string(),
        None => schema.name?.property.to_owned(),
    };
    let (before, now) = (urn.name(), now.name());
    let file = session.offline.file_name();
    Some(format!(
        "if `{before}` is now `{now}`, keep it: `{key}: {id}` in {file}"
    ))
}

/// The message with what to type where a run has met data that no snapshot can be made of, and has left it alone.
pub fn left_alone(
    plan: &Plan,
    report: &Report,
    catalog: &Catalog,
    retry: CommandLine,
) -> Option<Message> {
    let names: Vec<&str> = report
        .failed
        .iter()
        .filter(|(_, error)| error.kind == ErrorKind::Guarded)
        .map(|(id, _)| &plan.steps[*id])
        .filter(|step| step.is_delete())
        .map(|step| &step.urn)
        .filter(|urn| {
            let schema = catalog.get(urn.token());
            schema.is_some_and(|schema| schema.stateful && schema.leaves.is_none())
        })
        .map(Urn::name)
        .collect();
    if names.is_empty() {
        return None;
    }
    let message = Message::warning("data is not deleted without consent")
        .code("fde::guard::holds_data")
        .fact("left", names.join(", "))
        .help("to consent to the loss of the data, run")
        .command(retry.with("--allow-delete", names));
    Some(message)
}
