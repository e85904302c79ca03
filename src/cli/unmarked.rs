//! Messages about objects that have lost their tags.

use super::session::{self, Session};
use crate::aws;
use crate::display::Message;
use crate::plan::{Plan, Refusal, Unmarked};

/// The refusal to create a second object, with the command that restores the tags of the first.
pub fn refused(refusal: &Refusal, session: &Session, again: &str) -> Option<Message> {
    let Refusal::TagsLost(unmarked) = refusal else {
        return None;
    };
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
            .command(again),
        None => message,
    };
    Some(
        message
            .help("to leave it alone and make another one, run")
            .command(format!("{again} --replace {}", session::quoted(urn.name()))),
    )
}

/// Warnings about objects that `destroy` leaves because their tags are lost.
pub fn left(plan: &Plan, session: &Session, again: &str) -> Vec<Message> {
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
                .command(again),
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
    aws::tags::command(&unmarked.urn, &unmarked.id, unmarked.arn.as_deref(), region)
}
