//! Messages about objects whose tags do not tell their owner: lost tags, and copied ones.

use super::stopped::Stopped;
use crate::aws;
use crate::cli::Invocation;
use crate::cli::command_line::CommandLine;
use crate::cli::session::Session;
use crate::display::Message;
use crate::plan::{Plan, Refusal, Unmarked};
use crate::resource::{Proof, Urn};

/// The number of objects that one message names.
const MOST_NAMED: usize = 20;

/// The refusal to take objects for ours because of their tags alone, with both ways out. Without any record, either the
/// record is missing, or all of them belong to others.
pub(super) fn claimed(stopped: &Stopped<'_>) -> Vec<Message> {
    let Stopped {
        invocation,
        session,
        plan,
    } = *stopped;
    let claims = plan.refusals.iter().filter_map(|refusal| match refusal {
        Refusal::TagsAlone { urn, id, .. } => Some((urn, id)),
        _ => None,
    });
    let claims: Vec<_> = claims.collect();
    let remembered = session.remembered();
    let is_recorded = remembered.as_ref().is_some_and(|remembered| {
        let whereabouts = &remembered.whereabouts;
        whereabouts.age.is_some() || !whereabouts.unfinished.is_empty()
    });
    if is_recorded {
        let claims = plan.refusals.iter();
        let claims = claims.filter_map(|refusal| claim(refusal, stopped));
        return claims.take(MOST_NAMED).collect();
    }
    if claims.is_empty() {
        return Vec::new();
    }
    let stack = &plan.stack;
    let count = claims.len();
    let summary = match remembered {
        Some(_) => format!("no run of {stack} is on record, and {count} objects have its tags"),
        None => format!("the record of {stack} cannot be read, and {count} objects have its tags"),
    };
    let message = Message::error(summary).code("fde::guard::tags_alone");
    let named = claims.iter().take(MOST_NAMED);
    let message = named.fold(message, |message, (urn, id)| {
        message.fact(urn.name(), format!("{} `{id}`", urn.token()))
    });
    let message = match count.saturating_sub(MOST_NAMED) {
        0 => message,
        more => message.fact("and", format!("{more} more")),
    };
    let message = message
        .fact("now", "nothing was changed")
        .help(
            "if others made them, remove the tags `fde:stack` and `fde:urn` from them; if the stack did, and its \
             record (the parameter `deployments`) is lost or out of reach, run",
        )
        .command(trusting(invocation, "*"));
    vec![message]
}

/// The refusal to take one object for ours because of its tags alone.
fn claim(refusal: &Refusal, stopped: &Stopped<'_>) -> Option<Message> {
    let Refusal::TagsAlone {
        urn,
        id,
        arn,
        is_second,
    } = refusal
    else {
        return None;
    };
    let Stopped {
        invocation,
        session,
        ..
    } = *stopped;
    let region = session.offline.graph.region.as_deref();
    if let Some(own) = on_record(session, id)
        && let Some(tagging) = aws::tags::command(&own, id, arn.as_deref(), region, None)
    {
        let summary = format!(
            "the tags of `{}` were changed: they say that it is `{}`",
            own.name(),
            urn.name()
        );
        let message = Message::error(summary)
            .code("fde::guard::tags_alone")
            .at(session.offline.place(&own))
            .fact("type", urn.token())
            .fact("object", format!("`{id}`"))
            .fact("now", "nothing was changed");
        let message = message.help("give it its own tags back, then run");
        return Some(message.command(tagging).command(invocation.retry_command()));
    }
    let summary = if *is_second {
        format!(
            "a second `{}` has its tags, and no run of this stack has made it",
            urn.name()
        )
    } else {
        format!(
            "the object with the tags of `{}` was made by no run of this stack",
            urn.name()
        )
    };
    let message = Message::error(summary)
        .code("fde::guard::tags_alone")
        .at(session.offline.place(urn))
        .fact("type", urn.token())
        .fact("object", format!("`{id}`"))
        .fact("now", "nothing was changed");
    let message = match aws::tags::removal(urn.token(), id, arn.as_deref(), region) {
        Some(removal) => message
            .help("if others made it, remove the copied tags from it, then run")
            .command(removal)
            .command(invocation.retry_command()),
        None => message,
    };
    let help = if *is_second {
        "if the stack made it and its record is lost, confirm it; it is then left over from a replacement, and is \
         deleted"
    } else {
        "if the stack made it and its record is lost, confirm it"
    };
    Some(message.help(help).command(trusting(invocation, id)))
}

/// The resource of the file as which an object is on record.
fn on_record(session: &Session, id: &str) -> Option<Urn> {
    let Proof::Known { made, .. } = session.remembered()?.whereabouts.proof else {
        return None;
    };
    let mut resources = session.offline.graph.iter();
    let found = resources.find(|resource| made.has_object(&resource.urn, id));
    found.map(|resource| resource.urn.clone())
}

/// The command line of the same run, in which the user vouches for an object.
pub(super) fn trusting(invocation: &Invocation, id: &str) -> CommandLine {
    invocation.retry_command().with("--trust", [id])
}

/// The refusal to create a second object, with the command that restores the tags of the first.
pub(super) fn refused(refusal: &Refusal, stopped: &Stopped<'_>) -> Option<Message> {
    let Refusal::TagsLost(unmarked) = refusal else {
        return None;
    };
    let Stopped {
        invocation,
        session,
        ..
    } = *stopped;
    let urn = &unmarked.urn;
    let message = Message::error(format!(
        "{} `{}` would be made a second time: its tags are lost",
        urn.token(),
        urn.name()
    ));
    let message = message
        .code("fde::guard::tags_lost")
        .at(session.offline.place(urn));
    let message = without_tags(message, unmarked).fact("now", "nothing was changed");
    let message = match tagging(unmarked, session) {
        Some(tagging) => message
            .help("if this stack made it, tag it, then run")
            .command(tagging)
            .command(trusting(invocation, &unmarked.id)),
        None => message,
    };
    Some(
        message
            .help("to leave it alone and make another one, run")
            .command(invocation.retry_command().with("--replace", [urn.name()])),
    )
}

/// Warnings about objects that `destroy` leaves because their tags are lost.
pub fn left(invocation: &Invocation, session: &Session, plan: &Plan) -> Vec<Message> {
    let left = plan.unmarked.iter().map(|unmarked| {
        let urn = &unmarked.urn;
        let message = Message::warning(format!(
            "{} `{}` stays: its tags are lost",
            urn.token(),
            urn.name()
        ));
        let message = without_tags(message, unmarked);
        match tagging(unmarked, session) {
            Some(tagging) => message
                .help("if this stack made it, tag it, then run")
                .command(tagging)
                .command(trusting(invocation, &unmarked.id)),
            None => message,
        }
    });
    left.collect()
}

fn without_tags(message: Message, unmarked: &Unmarked) -> Message {
    let message = message.fact("object", format!("`{}`", unmarked.id));
    if unmarked.users.is_empty() {
        return message;
    }
    let users = unmarked
        .users
        .iter()
        .map(|user| format!("`{}`", user.name()));
    message.fact("used by", users.collect::<Vec<_>>().join(", "))
}

fn tagging(unmarked: &Unmarked, session: &Session) -> Option<String> {
    let region = session.offline.graph.region.as_deref();
    let arn = unmarked.arn.as_deref();
    aws::tags::command(&unmarked.urn, &unmarked.id, arn, region, None)
}
