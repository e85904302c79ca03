//! The reports of guards that stop a plan: what is in the way, and what to type. Cases that go by consent alone are in
//! `refusal/consent.rs`.

mod consent;
mod in_use;
mod missing;
mod not_offered;
mod stopped;
pub mod unmarked;

pub use consent::left_alone;

use crate::aws;
use crate::cli::report::Failure;
use crate::cli::session::Session;
use crate::cli::{Exit, Invocation};
use crate::display::Message;
use crate::plan::{Owner, Plan, Refusal};
use crate::resource::tags;
use stopped::{Stopped, name_key, past, properties};

/// The report about everything that stops a plan; `None` if nothing does.
pub fn of(invocation: &Invocation, session: &Session, plan: &Plan) -> Option<Failure> {
    let stopped = &Stopped {
        invocation,
        session,
        plan,
    };
    if plan.refusals.is_empty() {
        let missing = missing::images(stopped);
        return (!missing.is_empty()).then(|| Failure::several(Exit::Refused, missing));
    }
    let mut messages: Vec<Message> = plan
        .refusals
        .iter()
        .filter_map(|refusal| unmarked::refused(refusal, stopped))
        .collect();
    messages.extend(unmarked::claimed(stopped));
    if !messages.is_empty() {
        // The other refusals take objects for gone, or for ours, that are not.
        return Some(Failure::several(Exit::Refused, messages));
    }
    messages.extend(
        plan.refusals
            .iter()
            .filter_map(|refusal| name_taken(refusal, stopped)),
    );
    messages.extend(
        plan.refusals
            .iter()
            .filter_map(|refusal| forbidden(refusal, session)),
    );
    messages.extend(
        plan.refusals
            .iter()
            .filter_map(|refusal| others(refusal, stopped)),
    );
    let in_use = plan.refusals.iter();
    messages.extend(in_use.filter_map(|refusal| in_use::in_use_by_others(refusal, stopped)));
    let held = plan.refusals.iter();
    messages.extend(held.filter_map(|refusal| in_use::place_held(refusal, session)));
    let held = plan.refusals.iter();
    messages.extend(held.filter_map(|refusal| in_use::held_by_others(refusal, stopped)));
    messages.extend(interrupts(stopped));
    messages.extend(protected(stopped));
    messages.extend(retained(plan, session));
    messages.extend(consent::holds_data(stopped));
    messages.extend(consent::guarded(stopped));
    messages.extend(not_offered::options(stopped));
    messages.extend(missing::images(stopped));
    Some(Failure::several(Exit::Refused, messages))
}

fn name_taken(refusal: &Refusal, stopped: &Stopped<'_>) -> Option<Message> {
    let session = stopped.session;
    let Refusal::NameTaken { urn, id, .. } = refusal else {
        return None;
    };
    let message = Message::error(format!(
        "{} `{}` cannot be created: its name is taken",
        urn.token(),
        urn.name()
    ))
    .code("fde::guard::name_taken")
    .at(session.offline.place(urn))
    .fact("taken by", format!("`{id}`"));
    let file = session.offline.file_name();
    let rename = match name_key(urn, session) {
        Some(key) => format!("give it another name in {file}, with `{key}`"),
        None => format!("give it another name in {file}"),
    };
    Some(owned(message, refusal, stopped, &rename))
}

/// Says who owns the object that is in the way, and what to do: `else_do`, or to give it our tags.
fn owned(message: Message, refusal: &Refusal, stopped: &Stopped<'_>, else_do: &str) -> Message {
    let (Refusal::NameTaken {
        urn,
        id,
        arn,
        owner,
    }
    | Refusal::PlaceTaken {
        urn,
        id,
        arn,
        owner,
    }) = refusal
    else {
        return message;
    };
    let whose = match owner {
        Owner::Resource(owner) => owner.clone(),
        Owner::Others => "an unknown owner: it has tags, but no `fde:urn`".to_owned(),
        Owner::Untagged => "not known: it has no tags at all".to_owned(),
    };
    let message = message
        .fact("owner", whose)
        .fact("now", "nothing was changed");
    let region = stopped.session.offline.graph.region.as_deref();
    let tagging = aws::tags::command(urn, id, arn.as_deref(), region, None);
    let adopt = match owner {
        // Without that right, S3 does not say that a free name is free either:
        // <https://docs.aws.amazon.com/AmazonS3/latest/API/API_HeadBucket.html>.
        Owner::Untagged if urn.token() == "aws:s3:Bucket" => {
            "if the role lacks s3:ListBucket on it, allow that, for S3 then answers as if every name were taken; or, if this \
             stack made it and its tags were lost, or to adopt it, tag it, then run"
        }
        Owner::Untagged => {
            "if this stack made it and its tags were lost, or to adopt it, tag it, then run"
        }
        Owner::Others => "to adopt what is there, tag it, then run",
        // Its tags do not say in which region it is, where its name is one of all regions; or one of the tags is lost.
        Owner::Resource(owner) if owner.split(" in ").next() == Some(&*urn.to_string()) => {
            "if it is this stack's own, tag it as such, then run"
        }
        Owner::Resource(_) => return message.help(else_do),
    };
    let Some(tagging) = tagging else {
        return message.help(else_do);
    };
    message
        .help(format!("{else_do}; or, {adopt}"))
        .command(tagging)
        .command(unmarked::trusting(stopped.invocation, id))
}

fn forbidden(refusal: &Refusal, session: &Session) -> Option<Message> {
    let Refusal::Forbidden { urn, id, reason } = refusal else {
        return None;
    };
    let message = Message::error(format!(
        "{} `{}` cannot be changed in place",
        urn.token(),
        urn.name()
    ));
    let message = message
        .code("fde::guard::forbidden")
        .at(session.offline.place(urn))
        .fact("object", format!("`{id}`"))
        .fact("because", reason.clone());
    Some(message.fact("now", "nothing was changed"))
}

/// The message about an object that is in the way because others own it.
fn others(refusal: &Refusal, stopped: &Stopped<'_>) -> Option<Message> {
    let Stopped {
        invocation,
        session,
        plan,
    } = *stopped;
    let file = session.offline.file_name();
    let urn = refusal.urn();
    let of = format!("{} `{}`", urn.token(), urn.name());
    let message = |summary: String, code| {
        let message = Message::error(summary).code(code);
        message.at(session.offline.place(urn))
    };
    let now = |message: Message| message.fact("now", "nothing was changed");
    Some(match refusal {
        Refusal::ParentNotOurs { parent, .. } => {
            let summary = format!("{of} would change what is not of this stack");
            let message = message(summary, "fde::guard::parent");
            now(message.fact("belongs to", format!("`{parent}`"))).help(format!(
                "refer to a resource of this stack; or, to take this part of it over, write `options: {{ import: \"{parent}\" }}` in {file}"
            ))
        }
        Refusal::PlaceTaken { id, .. } => {
            let summary = format!("{of} cannot be put in its place: others are there");
            let message = message(summary, "fde::guard::place_taken");
            let message = message.fact("taken by", format!("`{id}`"));
            let schema = session.offline.catalog.get(urn.token());
            let message = if schema.is_some_and(|schema| schema.taggable) {
                let elsewhere = format!("give it another place in {file}");
                owned(message, refusal, stopped, &elsewhere)
            } else {
                now(message).help(format!(
                    "take it out of {file}; or, to take over what is there, give it `options: {{ import: ID }}`, with the \
                     id of what it is part of"
                ))
            };
            // An object that is none of its parts is not the stack's to take away.
            let is_part = plan.added.iter().any(|added| added.observed.id == *id);
            if !is_part || schema.is_some_and(|schema| schema.goes_with_parent) {
                return Some(message);
            }
            message
                .help("to take away what is there, run")
                .command(invocation.retry_command().with("--remove", [id]))
        }
        Refusal::Elsewhere {
            id, regions, here, ..
        } => {
            let summary = format!("{} stands in another region already", urn.stack());
            let message = message(summary, "fde::guard::region");
            let known = if regions.is_empty() {
                "not recorded: it was made by an earlier version".to_owned()
            } else {
                regions.join(", ")
            };
            now(message
                .fact("region", known)
                .fact("seen by", format!("`{id}`")))
            .help(format!(
                "correct `region` in {file}; or, to set it up in {here} too, run"
            ))
            .command(invocation.retry_command().with("--allow-region", [here]))
        }
        Refusal::Shortens { id, what, .. } => {
            let summary = match what {
                Some(_) => format!("{of} would lose data"),
                None => format!("{of} was there before this stack, and its data would be lost"),
            };
            let mut message = message(summary, "fde::guard::holds_data");
            if let Some(what) = what {
                message = message.fact("because", what);
            }
            now(message.fact("object", format!("`{id}`")))
                .help(if what.is_some() {
                    "to consent to that, run"
                } else {
                    "to consent to the loss of older data, run"
                })
                .command(
                    invocation
                        .retry_command()
                        .with("--allow-delete", [urn.name()]),
                )
        }
        _ => return None,
    })
}

fn interrupts(stopped: &Stopped<'_>) -> Option<Message> {
    let session = stopped.session;
    let found: Vec<_> = stopped
        .plan
        .refusals
        .iter()
        .filter_map(|refusal| match refusal {
            Refusal::Interrupts {
                urn,
                id,
                properties,
                effect,
            } => Some((urn, id, properties, effect)),
            _ => None,
        })
        .collect();
    let (first, ..) = found.first()?;
    let mut message = Message::error("drift alone does not replace what serves traffic")
        .code("fde::guard::interrupts")
        .at(session.offline.place(first));
    for (urn, id, names, effect) in &found {
        let changed = properties(names);
        message = message.fact(
            urn.name(),
            format!(
                "{} `{id}` has another {changed} than the file and would be replaced: {effect}",
                urn.token()
            ),
        );
    }
    let file = session.offline.file_name();
    let command = stopped.invocation.retry_command();
    let command = command.with("--replace", found.iter().map(|(urn, ..)| urn.name()));
    Some(
        message
            .fact("now", "nothing was changed")
            .help(format!(
                "to keep it as it is, write into {file} what it has; to replace it, pass its name to `--replace`"
            ))
            .command(command),
    )
}

fn protected(stopped: &Stopped<'_>) -> Option<Message> {
    let session = stopped.session;
    let found: Vec<_> = stopped
        .plan
        .refusals
        .iter()
        .filter_map(|refusal| match refusal {
            Refusal::Protected { urn, id, op } => Some((urn, id, *op)),
            _ => None,
        })
        .collect();
    let (first, ..) = found.first()?;
    let mut message = Message::error("what is protected is not deleted or replaced")
        .code("fde::guard::protected")
        .at(session.offline.place(first));
    for (urn, id, op) in &found {
        message = message.fact(
            urn.name(),
            format!("{} `{id}` would be {}", urn.token(), past(*op)),
        );
    }
    message = message.fact("now", "nothing was changed");
    let file = session.offline.file_name();
    Some(if session.offline.graph.contains(first) {
        message
            .help(format!("set `protect: false` for it in {file}, then run"))
            .command(stopped.invocation.retry_command())
    } else {
        message.help(format!(
            "it is no longer in {file}: bring it back, with `protect: false`; or remove its tag `{}`",
            tags::PROTECT
        ))
    })
}

fn retained(plan: &Plan, session: &Session) -> Option<Message> {
    let mut message =
        Message::error("what is retained is not replaced").code("fde::guard::retained");
    let mut found = false;
    for refusal in &plan.refusals {
        if let Refusal::Retained { urn, id } = refusal {
            found = true;
            message = message.fact(
                urn.name(),
                format!("{} `{id}` would be replaced", urn.token()),
            );
        }
    }
    let file = session.offline.file_name();
    found.then(|| {
        message.fact("now", "nothing was changed").help(format!(
            "to leave the old one, give the new one another key in {file}; to delete it, remove `retainOnDelete`"
        ))
    })
}
