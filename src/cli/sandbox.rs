//! `--sandbox` and `sandbox status|stop|reset`.
//!
//! Only an endpoint and credentials come out of the sandbox; from there on it is an account like any other.

use clap::Subcommand;
use tokio::sync::mpsc::unbounded_channel;

use super::report::Failure;
use super::{CommandResult, Context, Exit};
use crate::aws::Connection;
use crate::display::{Line, Message, Style};
use crate::sandbox::{self, SandboxError};

#[derive(Debug, Clone, Copy, Subcommand)]
pub enum Command {
    /// Say whether the local account runs, and where.
    Status,
    /// Stop the local account; everything in it is gone.
    Stop,
    /// Empty the local account.
    Reset,
}

pub async fn run(context: &mut Context, command: Command) -> CommandResult {
    let mut details = Vec::new();
    let line = match command {
        Command::Status => match blocking(context, sandbox::status).await? {
            Some(account) => {
                details = vec![
                    Line::plain(format!("    process  {}", account.pid)),
                    Line::plain(format!("    log      {}", account.log.display())),
                ];
                format!("running at {}", account.endpoint)
            }
            None => "not running".to_owned(),
        },
        Command::Stop => match blocking(context, sandbox::stop).await? {
            true => "stopped".to_owned(),
            false => "not running".to_owned(),
        },
        Command::Reset => match blocking(context, sandbox::reset).await? {
            true => "emptied".to_owned(),
            false => "not running".to_owned(),
        },
    };
    // Nothing follows an address: it is there to be copied.
    let end = if details.is_empty() { "." } else { "" };
    let mut lines = vec![Line::plain(format!("The sandbox: {line}{end}"))];
    lines.append(&mut details);
    context.terminal.print(&lines);
    Ok(Exit::Done)
}

/// Makes sure that the local account runs, and points the connection there.
pub async fn enter(context: &mut Context, connection: &mut Connection) -> Result<(), Failure> {
    let (sender, mut receiver) = unbounded_channel::<String>();
    let starting = tokio::task::spawn_blocking(move || {
        // No one listens any more once the command was interrupted.
        sandbox::ensure_running(&mut |text| drop(sender.send(text.to_owned())))
    });
    let can_animate = context.can_animate();
    let terminal = &mut context.terminal;
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
    let account = context.interrupts.guard(waiting).await?;
    let account = ended(account)?;
    context.terminal.report(&[Line::styled(
        Style::Faint,
        format!("The sandbox: {}", account.endpoint),
    )]);
    let (key, secret) = sandbox::CREDENTIALS;
    connection.profile = None;
    connection.static_credentials = Some((key.to_owned(), secret.to_owned()));
    connection.endpoint_url = Some(account.endpoint);
    Ok(())
}

async fn blocking<T: Send + 'static>(
    context: &Context,
    work: impl FnOnce() -> Result<T, SandboxError> + Send + 'static,
) -> Result<T, Failure> {
    let working = tokio::task::spawn_blocking(work);
    ended(context.interrupts.guard(working).await?)
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
