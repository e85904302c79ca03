//! Objects that cannot go because they are in use, and places that are not free yet.

use super::stopped::{Stopped, name_key, properties};
use crate::cli::session::Session;
use crate::display::Message;
use crate::plan::{DeleteFirst, Goal, Held, Plan, Refusal};
use crate::resource::Urn;
use crate::resource::provider::Remedy;

pub(super) fn in_use_by_others(refusal: &Refusal, stopped: &Stopped<'_>) -> Option<Message> {
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
    let (session, plan) = (stopped.session, stopped.plan);
    let file = session.offline.file_name();
    let asked = match because {
        Held::DeleteFirst(DeleteFirst::PlaceWanted(other) | DeleteFirst::With(other)) => other,
        _ => urn,
    };
    let place = properties_of(asked, place, session);
    let wait = "AWS does not delete it while it is in use, and its users cannot switch before that";
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
                "remove `deleteBeforeReplace` in {file}: then the new one comes first, and its users move to it"
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
            format!("it blocks other changes of the same run; {wait}"),
            format!("make the changes in {file} one after the other, with an `up` for each"),
        ),
        Held::OutOfReach => (
            "its users would stop using it, but `--target` or `--exclude` leaves them out"
                .to_owned(),
            "include its users as well".to_owned(),
        ),
        Held::Stays => (
            "its users go on using it, and AWS does not delete it while they do".to_owned(),
            format!("make its users stop using it first, or keep it in {file}"),
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

pub(super) fn held_by_others(refusal: &Refusal, stopped: &Stopped<'_>) -> Option<Message> {
    let Stopped {
        invocation,
        session,
        plan,
    } = *stopped;
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
        message = message.remedy(&remedy, &invocation.retry_command().to_string());
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
    let names = held.iter().map(|urn| urn.name());
    Some(match plan.goal {
        Goal::Destroy => message
            .help("to delete all but what others use, and what that needs, run")
            .command(invocation.retry_command().with("--exclude", names)),
        Goal::Up => message.help(format!(
            "or keep it as it was in {}",
            session.offline.file_name()
        )),
    })
}

pub(super) fn place_held(refusal: &Refusal, session: &Session) -> Option<Message> {
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
        "in two steps: give both `{}` and `{}` an unused {place} in {file}, and run `up`; then the ones that they \
         should have, and run `up` again",
        first.name(),
        second.name()
    )
}

/// The two steps by which an object comes to a place that another one has.
fn two_steps(urn: &Urn, place: &str, file: &str) -> String {
    format!(
        "in two steps: give `{}` an unused {place} in {file}, and run `up`; then the one that it should have, and run \
         `up` again",
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
