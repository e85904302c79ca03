//! The reports of guards that stop a plan: what is in the way, and what to type. Cases that go by consent alone are in
//! `refusal/consent.rs`.

mod consent;
pub mod unmarked;

pub use consent::left_alone;

use crate::aws;
use crate::cli::report::Failure;
use crate::cli::session::Session;
use crate::cli::{Exit, session};
use crate::display::Message;
use crate::plan::{DeleteFirst, Goal, Held, Op, Owner, Plan, Refusal};
use crate::resource::provider::Remedy;
use crate::resource::{Path, Urn, tags};

/// The report about everything that stops a plan; `None` if nothing does.
pub fn of(plan: &Plan, session: &Session, again: &str) -> Option<Failure> {
    if plan.refusals.is_empty() {
        return None;
    }
    let mut messages: Vec<Message> = plan
        .refusals
        .iter()
        .filter_map(|refusal| unmarked::refused(refusal, session, again))
        .collect();
    messages.extend(unmarked::claimed(plan, session, again));
    if !messages.is_empty() {
        // The other refusals take objects for gone, or for ours, that are not.
        return Some(Failure::several(Exit::Refused, messages));
    }
    messages.extend(
        plan.refusals
            .iter()
            .filter_map(|refusal| name_taken(refusal, session, again)),
    );
    messages.extend(
        plan.refusals
            .iter()
            .filter_map(|refusal| forbidden(refusal, session)),
    );
    messages.extend(
        plan.refusals
            .iter()
            .filter_map(|refusal| others(refusal, plan, session, again)),
    );
    let in_use = plan.refusals.iter();
    messages.extend(in_use.filter_map(|refusal| in_use_by_others(refusal, plan, session)));
    let held = plan.refusals.iter();
    messages.extend(held.filter_map(|refusal| place_held(refusal, session)));
    let held = plan.refusals.iter();
    messages.extend(held.filter_map(|refusal| held_by_others(refusal, plan, session, again)));
    messages.extend(interrupts(plan, session, again));
    messages.extend(protected(plan, session, again));
    messages.extend(retained(plan, session));
    messages.extend(consent::holds_data(plan, session, again));
    messages.extend(consent::guarded(plan, session, again));
    Some(Failure::several(Exit::Refused, messages))
}

fn name_taken(refusal: &Refusal, session: &Session, again: &str) -> Option<Message> {
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
    Some(owned(message, refusal, session, &rename, again))
}

/// Says who owns the object that is in the way, and what to do: `else_do`, or to give it our tags.
fn owned(
    message: Message,
    refusal: &Refusal,
    session: &Session,
    else_do: &str,
    again: &str,
) -> Message {
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
        Owner::Others => "nobody that fde-infra knows: it has tags, and no `fde:urn`".to_owned(),
        Owner::Untagged => "not known: it has no tags at all".to_owned(),
    };
    let message = message
        .fact("owner", whose)
        .fact("now", "nothing was changed");
    let region = session.offline.graph.region.as_deref();
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
        .command(unmarked::trusting(again, id))
}

fn forbidden(refusal: &Refusal, session: &Session) -> Option<Message> {
    let Refusal::Forbidden { urn, id, reason } = refusal else {
        return None;
    };
    let message = Message::error(format!(
        "{} `{}` cannot be changed so",
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
fn others(refusal: &Refusal, plan: &Plan, session: &Session, again: &str) -> Option<Message> {
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
                owned(message, refusal, session, &elsewhere, again)
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
                .command(format!("{again} --remove {}", session::quoted(id)))
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
            .command(format!("{again} --allow-region {here}"))
        }
        Refusal::Shortens { id, what, .. } => {
            let summary = match what {
                Some(_) => format!("{of} would lose data"),
                None => format!("{of} was there before this stack, and its data would go"),
            };
            let mut message = message(summary, "fde::guard::holds_data");
            if let Some(what) = what {
                message = message.fact("because", what);
            }
            now(message.fact("object", format!("`{id}`")))
                .help(if what.is_some() {
                    "if that may go, say so by name"
                } else {
                    "if what is older than the file says may go, say so by name"
                })
                .command(format!(
                    "{again} --allow-delete {}",
                    session::quoted(urn.name())
                ))
        }
        _ => return None,
    })
}

fn in_use_by_others(refusal: &Refusal, plan: &Plan, session: &Session) -> Option<Message> {
    let Refusal::InUse {
        urn,
        id,
        users,
        because,
        place,
    } = refusal
    else {
        return None;
    };
    let file = session.offline.file_name();
    let asked = match because {
        Held::DeleteFirst(DeleteFirst::PlaceWanted(other) | DeleteFirst::With(other)) => other,
        _ => urn,
    };
    let place = properties_of(asked, place, session);
    let wait =
        "AWS does not delete it while it is in use, and its users cannot let go of it before";
    let (reason, help) = match because {
        Held::DeleteFirst(DeleteFirst::SamePlace) => (
            format!(
                "the {place} of old and new {}, so the old one would have to go first; {wait}",
                if overlaps(urn, session) {
                    "overlap"
                } else {
                    "is the same"
                }
            ),
            format!(
                "give it another {place} in {file}: then the new one comes first, and its users move to it"
            ),
        ),
        Held::DeleteFirst(DeleteFirst::Asked) => (
            format!("`deleteBeforeReplace` has the old one go first; {wait}"),
            format!(
                "take `deleteBeforeReplace` off in {file}: then the new one comes first, and its users move to it"
            ),
        ),
        Held::DeleteFirst(DeleteFirst::With(root)) => (
            format!(
                "it needs `{}`, whose old object has to go first; {wait}",
                root.name()
            ),
            format!(
                "give `{}` another {place} in {file}: then the new ones come first",
                root.name()
            ),
        ),
        Held::DeleteFirst(DeleteFirst::PlaceWanted(by)) => (
            format!(
                "`{}` is to have its {place}, so it would have to go first; {wait}",
                by.name()
            ),
            if is_exchanged(plan, urn, by) {
                two_steps_of_both(urn, by, &place, &file)
            } else {
                two_steps(by, &place, &file)
            },
        ),
        Held::DeleteFirst(DeleteFirst::InTheWay) => (
            format!("it is in the way of others that change at the same time; {wait}"),
            format!("make the changes in {file} one after the other, with an `up` for each"),
        ),
        Held::OutOfReach => (
            "what uses it would let go of it, but `--target` or `--exclude` leaves it out"
                .to_owned(),
            "take in what uses it as well".to_owned(),
        ),
        Held::Stays => (
            "what uses it goes on using it, and AWS does not delete it as long as that is so"
                .to_owned(),
            format!("have its users let go of it first, or keep it in {file}"),
        ),
    };
    let users: Vec<&str> = users.iter().map(Urn::name).collect();
    let message = Message::error(format!(
        "{} `{}` cannot be deleted when it would have to be",
        urn.token(),
        urn.name()
    ))
    .code("fde::guard::in_use")
    .at(session.offline.place(urn))
    .fact("object", format!("`{id}`"))
    .fact("used by", users.join(", "))
    .fact("because", reason)
    .fact("now", "nothing was changed");
    Some(message.help(help))
}

fn held_by_others(
    refusal: &Refusal,
    plan: &Plan,
    session: &Session,
    again: &str,
) -> Option<Message> {
    let Refusal::HeldByOthers { urn, id, holders } = refusal else {
        return None;
    };
    let mut message = Message::error(format!(
        "{} `{}` cannot be deleted: others use it",
        urn.token(),
        urn.name()
    ))
    .code("fde::guard::held_by_others")
    .at(session.offline.place(urn))
    .fact("object", format!("`{id}`"));
    let texts: Vec<&str> = holders.iter().map(|holder| holder.text.as_str()).collect();
    message = message
        .fact("used by", texts.join(", "))
        .fact("now", "nothing was changed");
    if let Some(remedy) = Remedy::of(holders) {
        message = message.remedy(&remedy, again);
    }
    let held = plan.refusals.iter().filter_map(|refusal| match refusal {
        Refusal::HeldByOthers { urn, .. } => Some(urn),
        _ => None,
    });
    let held: Vec<&Urn> = held.collect();
    // One help for all of them, after the last.
    if held.last() != Some(&urn) {
        return Some(message);
    }
    let excluding = held.iter().map(|urn| session::quoted(urn.name()));
    let excluding: String = excluding.map(|name| format!(" --exclude {name}")).collect();
    Some(match plan.goal {
        Goal::Destroy => message
            .help("to delete all but what others use, and what that needs, run")
            .command(format!("{again}{excluding}")),
        Goal::Up => message.help(format!(
            "or keep it as it was in {}",
            session.offline.file_name()
        )),
    })
}

fn place_held(refusal: &Refusal, session: &Session) -> Option<Message> {
    let Refusal::PlaceHeld { urn, by, id, place } = refusal else {
        return None;
    };
    let place = properties_of(urn, place, session);
    let message = Message::error(format!(
        "{} `{}` cannot have its {place}: it is taken",
        urn.token(),
        urn.name()
    ))
    .code("fde::guard::place_held")
    .at(session.offline.place(urn))
    .fact(
        "taken by",
        format!(
            "`{}` (`{id}`) of this stack, which does not leave it before",
            by.name()
        ),
    )
    .fact("now", "nothing was changed");
    Some(message.help(two_steps(urn, &place, &session.offline.file_name())))
}

/// Returns whether AWS takes no two objects of this type side by side whose places have anything in common.
fn overlaps(urn: &Urn, session: &Session) -> bool {
    let schema = session.offline.catalog.get(urn.token());
    schema.is_some_and(|schema| schema.overlaps.is_some())
}

/// Returns whether two objects are to have each other's places.
fn is_exchanged(plan: &Plan, urn: &Urn, by: &Urn) -> bool {
    plan.refusals.iter().any(|refusal| match refusal {
        Refusal::InUse {
            urn: other,
            because: Held::DeleteFirst(DeleteFirst::PlaceWanted(wanted)),
            ..
        } => other == by && wanted == urn,
        _ => false,
    })
}

/// The two steps by which two objects that are in use come to each other's places.
fn two_steps_of_both(urn: &Urn, by: &Urn, place: &str, file: &str) -> String {
    let (first, second) = if urn < by { (urn, by) } else { (by, urn) };
    format!(
        "in two steps: give both `{}` and `{}` a {place} in {file} that nobody has, and run `up`; then those that they are \
         to have, and run `up` again",
        first.name(),
        second.name()
    )
}

/// The two steps by which an object comes to a place that another one has.
fn two_steps(urn: &Urn, place: &str, file: &str) -> String {
    format!(
        "in two steps: give `{}` a {place} in {file} that nobody has, and run `up`; then the one that it is to have, and \
         run `up` again",
        urn.name()
    )
}

/// Names properties like [`properties`], but by the key of the file where it has one for them.
fn properties_of(urn: &Urn, names: &[String], session: &Session) -> String {
    match name_key(urn, session) {
        Some(key) => format!("`{key}`"),
        None => properties(names),
    }
}

/// Properties in a sentence.
fn properties(names: &[String]) -> String {
    let names: Vec<String> = names.iter().map(|name| format!("`{name}`")).collect();
    match names.split_last() {
        None => "name".to_owned(),
        Some((last, [])) => last.clone(),
        Some((last, others)) => format!("{} and {last}", others.join(", ")),
    }
}

fn interrupts(plan: &Plan, session: &Session, again: &str) -> Option<Message> {
    let found: Vec<_> = plan
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
    let mut command = again.to_owned();
    for (urn, id, names, effect) in &found {
        let changed = properties(names);
        message = message.fact(
            urn.name(),
            format!(
                "{} `{id}` has another {changed} than the file and would be replaced: {effect}",
                urn.token()
            ),
        );
        command.push_str(" --replace ");
        command.push_str(&session::quoted(urn.name()));
    }
    let file = session.offline.file_name();
    Some(
        message
            .fact("now", "nothing was changed")
            .help(format!(
                "to keep it as it is, write into {file} what it has; to have it replaced, say so by name with `--replace`"
            ))
            .command(command),
    )
}

/// The key in the file that says what a resource is called.
fn name_key<'a>(urn: &Urn, session: &'a Session) -> Option<&'a Path> {
    let resource = session.offline.graph.get(urn)?;
    resource.origin.name_key.as_ref()
}

fn protected(plan: &Plan, session: &Session, again: &str) -> Option<Message> {
    let found: Vec<_> = plan
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
            .command(again)
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
            "to leave the old one, give the new one another key in {file}; to let it go, take `retainOnDelete` off"
        ))
    })
}

fn past(op: Op) -> &'static str {
    match op {
        Op::Replace => "replaced",
        _ => "deleted",
    }
}
