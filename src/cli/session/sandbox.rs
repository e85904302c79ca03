//! The local account behind `--sandbox`.
//!
//! Only an endpoint and credentials come out of it; from there on it is an account like any other.

use tokio::sync::mpsc::unbounded_channel;

use crate::aws::Connection;
use crate::cli::report::Failure;
use crate::cli::{Exit, Invocation};
use crate::display::{Line, Message, Style};
use crate::sandbox::{self, SandboxError};

/// Makes sure that the local account runs, and points the connection there.
pub async fn enter(
    invocation: &mut Invocation,
    connection: &mut Connection,
) -> Result<(), Failure> {
    let (sender, mut receiver) = unbounded_channel::<String>();
    let starting = tokio::task::spawn_blocking(move || {
        // No one listens any more once the command was interrupted.
        sandbox::ensure_running(&mut |text| drop(sender.send(text.to_owned())))
    });
    let can_animate = invocation.can_animate();
    let terminal = &mut invocation.terminal;
    let waiting = async {
        while let Some(text) = receiver.recv().await {
            let line = Line::styled(Style::Faint, format!("The sandbox: {text} …"));
            if can_animate {
                terminal.status(line);
            } else {
                terminal.report(&[line]);
            }
        }
        starting.await
    };
    let account = invocation.interrupts.guard(waiting).await?;
    let account = ended(account)?;
    invocation.terminal.report(&[Line::styled(
        Style::Faint,
        format!("The sandbox: {}", account.endpoint),
    )]);
    let (key, secret) = sandbox::CREDENTIALS;
    connection.profile = None;
    connection.static_credentials = Some((key.to_owned(), secret.to_owned()));
    connection.endpoint_url = Some(account.endpoint);
    Ok(())
}

/// Runs work on the local account, which blocks its thread.
pub async fn blocking<T: Send + 'static>(
    invocation: &Invocation,
    work: impl FnOnce() -> Result<T, SandboxError> + Send + 'static,
) -> Result<T, Failure> {
    let working = tokio::task::spawn_blocking(work);
    ended(invocation.interrupts.guard(working).await?)
}

fn ended<T>(result: Result<Result<T, SandboxError>, tokio::task::JoinError>) -> Result<T, Failure> {
    match result {
        Ok(Ok(done)) => Ok(done),
        Ok(Err(error)) => Err(of_sandbox(&error)),
        Err(error) => Err(Failure::new(
            Exit::Bug,
            Message::error("the sandbox's work ended without an answer")
                .fact("answer", error.to_string())
                .help(crate::display::bug()),
        )),
    }
}

fn of_sandbox(error: &SandboxError) -> Failure {
    let mut message = Message::error(error.to_string());
    let mut source = std::error::Error::source(error);
    while let Some(cause) = source {
        message = message.fact("because", cause.to_string());
        source = cause.source();
    }
    if let Some(output) = error.output() {
        message = message.fact("it wrote", output);
    }
    if let Some(help) = error.help() {
        message = message.help(help);
    }
    Failure::new(Exit::Error, message)
}
