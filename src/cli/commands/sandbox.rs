//! `sandbox status|stop|reset`: looks after the local account that `--sandbox` uses.

use clap::{Args, Subcommand};

use crate::cli::session::sandbox::blocking;
use crate::cli::{CommandResult, Exit, Invocation};
use crate::display::Line;
use crate::sandbox;

#[derive(Debug, Args)]
pub struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Clone, Copy, Subcommand)]
enum Command {
    /// Say whether the local account runs, and where.
    Status,
    /// Stop the local account; everything in it is gone.
    Stop,
    /// Empty the local account.
    Reset,
}

pub async fn run(invocation: &mut Invocation, arguments: &Arguments) -> CommandResult {
    let mut details = Vec::new();
    let line = match arguments.command {
        Command::Status => match blocking(invocation, sandbox::status).await? {
            Some(account) => {
                details = vec![
                    Line::plain(format!("    process  {}", account.pid)),
                    Line::plain(format!("    log      {}", account.log.display())),
                ];
                format!("running at {}", account.endpoint)
            }
            None => "not running".to_owned(),
        },
        Command::Stop => match blocking(invocation, sandbox::stop).await? {
            true => "stopped".to_owned(),
            false => "not running".to_owned(),
        },
        Command::Reset => match blocking(invocation, sandbox::reset).await? {
            true => "emptied".to_owned(),
            false => "not running".to_owned(),
        },
    };
    // Nothing follows an address: it is there to be copied.
    let end = if details.is_empty() { "." } else { "" };
    let mut lines = vec![Line::plain(format!("The sandbox: {line}{end}"))];
    lines.append(&mut details);
    invocation.terminal.print(&lines);
    Ok(Exit::Done)
}
