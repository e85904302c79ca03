//! Questions to the user, and the refusals where no one says yes.

use super::Exit;
use super::invocation::Invocation;
use super::report::Failure;
use crate::display::{Message, terminal};

/// The choices at a prompt.
pub const YES: &str = "yes";
pub const NO: &str = "no";

/// Lets the user choose one of several answers, the second unless they move; `None` where the terminal went away.
///
/// # Errors
/// [`Failure::cancelled`].
pub async fn choose<const N: usize>(
    invocation: &mut Invocation,
    question: &'static str,
    choices: &'static [&'static str; N],
) -> Result<Option<&'static str>, Failure> {
    let colour = invocation.terminal.colours();
    let asking = move || terminal::choose(question, choices, 1, colour);
    let chosen = ask(invocation, asking).await?;
    Ok(chosen.map(|index| choices[index]))
}

/// Asks on a thread of its own, so that a signal ends the question; `None` where the terminal went away.
///
/// # Errors
/// [`Failure::cancelled`].
pub async fn ask<T: Send + 'static>(
    invocation: &mut Invocation,
    asking: impl FnOnce() -> Option<T> + Send + 'static,
) -> Result<Option<T>, Failure> {
    let asking = tokio::task::spawn_blocking(asking);
    let answer = invocation.interrupts.guard(asking).await;
    if answer.is_err() {
        invocation.terminal.leave_question();
    }
    Ok(answer?.ok().flatten())
}

/// Refuses to go on where no one is there to say yes, and no one has said it beforehand.
///
/// # Errors
/// A usage error with the line that says yes.
pub fn check_consent(invocation: &Invocation, yes: bool) -> Result<(), Failure> {
    if yes || invocation.is_interactive() {
        return Ok(());
    }
    let command = invocation.command;
    let when = if invocation.terminal.streams() {
        "with --json"
    } else if invocation.global.non_interactive {
        "with --non-interactive"
    } else {
        "in non-interactive mode"
    };
    let message = Message::error(format!(
        "--yes must be passed in to proceed with `{command}` when running {when}"
    ))
    .fact("now", "nothing was read or changed")
    .help("to go on without being asked (or set FDE_INFRA_YES=true), run")
    .command(invocation.retry_command().with_yes());
    Err(Failure::new(Exit::Usage, message))
}

/// The end of a run to which the user said no.
pub fn declined() -> Failure {
    Failure::new(
        Exit::Cancelled,
        Message::warning("declined; nothing was changed"),
    )
}
