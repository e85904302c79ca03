//! The holder of a stack's lock, in words.

use super::message::Message;
use super::seconds;
use crate::deployment::{Lease, Seen};

/// Adds the holder of a lock to a message. `until` is the time at which its lease ends, in UTC.
#[must_use]
pub fn held(message: Message, seen: &Seen, until: &str) -> Message {
    let message = holder(message, &seen.lease);
    let lease = if seen.is_over() {
        "expired; the run that held it has not renewed it".to_owned()
    } else {
        format!(
            "until {} (in {}) unless it is renewed",
            clock(until),
            seconds(seen.left())
        )
    };
    let message = message.fact("lease", lease);
    match &seen.lease.run_url {
        Some(url) => message.fact("CI run", url.as_str()),
        None => message,
    }
}

/// Adds the holder of a lease.
#[must_use]
pub fn holder(message: Message, lease: &Lease) -> Message {
    let holder = match lease.holder.as_str() {
        "" => "a run of a newer version of fde-infra",
        holder => holder,
    };
    let holder = match &lease.host {
        Some(host) => format!("{holder}, on {host}"),
        None => holder.to_owned(),
    };
    let message = message.fact("held by", holder);
    if lease.command.is_empty() {
        return message;
    }
    let since = clock(&lease.since);
    message.fact("for", format!("`{}`, since {since}", lease.command))
}

/// `2026-01-31T09:15:00Z` as `2026-01-31 09:15:00 UTC`.
pub fn clock(moment: &str) -> String {
    match moment.strip_suffix('Z') {
        Some(local) => format!("{} UTC", local.replacen('T', " ", 1)),
        None => moment.to_owned(),
    }
}
