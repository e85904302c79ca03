//! Messages about a stack's lock and the record of its runs: the wait for another run, and all that can go wrong.

use std::time::{Duration, SystemTime};

use crate::cli::report::{Failure, show};
use crate::cli::session::Session;
use crate::cli::{Exit, Invocation};
use crate::deployment::{Loss, Seen, moment};
use crate::display::{Line, Message, Style, Terminal, events, lock, seconds};
use crate::resource::{ErrorKind, ProviderError};

/// The time between two lines that say that the wait goes on.
const STILL_WAITING: Duration = Duration::from_secs(60);

/// The fate of a lock that was not given back.
pub(super) const LAPSES: &str =
    "the lock expires within a minute; on this machine the next run does not wait for it";

/// The audience that is told what is being waited for.
pub(super) struct Audience {
    can_animate: bool,
    place: String,
    patience: Duration,
    /// The lease that was reported last, and after which time of waiting.
    last_shown: Option<(String, Duration)>,
}

impl Audience {
    pub(super) fn new(can_animate: bool, session: &Session, patience: Duration) -> Self {
        Self {
            can_animate,
            place: session.place(),
            patience,
            last_shown: None,
        }
    }

    pub(super) fn on_wait(&mut self, seen: &Seen, waited: Duration, terminal: &mut Terminal) {
        let is_news = match &self.last_shown {
            None => true,
            Some((id, _)) if *id != seen.lease.id => true,
            Some((_, then)) => !self.can_animate && waited >= *then + STILL_WAITING,
        };
        if is_news {
            terminal.event(&events::lock_waiting(seen, waited));
            let message = Message::warning(format!(
                "waiting for another run to end, {} of at most {}",
                seconds(waited),
                seconds(self.patience)
            ));
            let message = held(message, seen);
            match &self.last_shown {
                None => show(&[message], terminal),
                // Once is enough beside the run.
                Some(_) => terminal.report(&message.render(terminal.width())),
            }
            self.last_shown = Some((seen.lease.id.clone(), waited));
        }
        if self.can_animate {
            terminal.status(waiting(waited, self.patience, &self.place));
        }
    }
}

/// The status line of a wait. The times come first: the end is cut where there is too little room.
fn waiting(waited: Duration, patience: Duration, place: &str) -> Line {
    let text = format!(
        "Waiting for the lock, {} of at most {}: {place} …",
        seconds(waited),
        seconds(patience)
    );
    Line::styled(Style::Faint, text)
}

/// The status line while the lock is taken.
pub(super) fn taking(place: &str) -> Line {
    let text = format!("Taking the lock, so that no other run changes the stack: {place} …");
    Line::styled(Style::Faint, text)
}

/// The status line while the run is announced.
pub(super) fn announcing(place: &str) -> Line {
    let text = format!("Recording that this run begins: {place} …");
    Line::styled(Style::Faint, text)
}

/// The status line of the last calls.
pub(super) fn ending(place: &str) -> Line {
    let text = format!("Recording how the run ended, and releasing the lock: {place} …");
    Line::styled(Style::Faint, text)
}

fn held(message: Message, seen: &Seen) -> Message {
    let until = moment::utc(SystemTime::now() + seen.left());
    lock::held(message, seen, &until)
}

pub(super) fn in_vain(invocation: &Invocation, seen: &Seen, patience: Duration) -> Failure {
    let message = Message::error("another run is changing this stack").code("fde::lock::held");
    let message = held(message, seen)
        .fact("waited", seconds(patience))
        .fact("now", "nothing was changed")
        .help("wait longer (`--lock-timeout 30m`); or, if that run has died, remove its lock")
        .command(invocation.stack_command("unlock"));
    Failure::new(Exit::TimedOut, message)
}

/// The warning about a run without the lock. The lock is a courtesy; correctness does not depend on it.
pub(super) fn without_lock(error: &ProviderError) -> Message {
    let message = Message::warning("going on without a lock: it could not be taken")
        .answer(error)
        .fact(
            "now",
            "others can change the stack at the same time; the next run corrects the result",
        );
    match error.kind {
        ErrorKind::Denied => message.help(format!(
            "allow {} on parameter/fde-infra/*, or set FDE_INFRA_NO_LOCK=true",
            error.operation
        )),
        _ => message,
    }
}

/// The troubles at the end of a run, besides those of the run.
pub(super) fn failures(
    unwritten: Option<ProviderError>,
    unreleased: Option<ProviderError>,
    loss: Option<&Loss>,
) -> Vec<Message> {
    let mut messages: Vec<Message> = match (unwritten, unreleased) {
        (Some(_), Some(error)) => {
            let summary = "this run could not be recorded, and its lock could not be released";
            vec![allowed(Message::warning(summary), &error).fact("now", LAPSES)]
        }
        (Some(error), None) => {
            let summary = "this run could not be recorded: `history` does not list it";
            vec![allowed(Message::warning(summary), &error)]
        }
        (None, Some(error)) => {
            let summary = "the lock could not be released";
            vec![allowed(Message::warning(summary), &error).fact("now", LAPSES)]
        }
        (None, None) => Vec::new(),
    };
    messages.extend(loss.map(lost));
    messages
}

/// Adds what AWS said, and the permission that is missing.
fn allowed(message: Message, error: &ProviderError) -> Message {
    let message = message.answer(error);
    match error.kind {
        ErrorKind::Denied => {
            let operation = &error.operation;
            message.help(format!("allow {operation} on parameter/fde-infra/*"))
        }
        _ => message,
    }
}

pub(super) fn lost(loss: &Loss) -> Message {
    let message = Message::warning("the lock was removed during this run");
    let message = match loss {
        Loss::Removed => message.fact("by", "`unlock`"),
        Loss::TakenBy(lease) => lock::holder(message, lease),
    };
    message.fact(
        "now",
        "two runs may have changed the stack at the same time; the next one corrects the result",
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_times_of_a_wait_are_not_cut() {
        let place = "happyrobot-fde-of-a-customer/staging in 123456789012, eu-south-2";
        let (waited, patience) = (Duration::from_secs(65), Duration::from_secs(600));
        let line = waiting(waited, patience, place).cut(79).render(false);
        let expected = "Waiting for the lock, 1m05s of at most 10m00s: happyrobot-fde";
        assert!(line.starts_with(expected), "{line}");
    }
}
