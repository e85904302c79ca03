//! `history`: the runs of a stack, newest first.

use clap::Args;

use crate::cli::arguments::{StackArguments, boolean};
use crate::cli::report::Failure;
use crate::cli::session::{Offline, Session};
use crate::cli::{CommandResult, Exit, Invocation};
use crate::deployment::History;
use crate::display::{Line, Style, history, sanitize};

#[derive(Debug, Args)]
pub struct Arguments {
    #[command(flatten)]
    stack: StackArguments,
    /// Print JSON.
    #[arg(long, env = "FDE_INFRA_JSON", value_parser = boolean)]
    json: bool,
}

pub async fn run(invocation: &mut Invocation, arguments: &Arguments) -> CommandResult {
    invocation.stack = arguments.stack.clone();
    let offline = Offline::load(invocation)?;
    let session = Session::connect(invocation, offline).await?;
    let stack = &session.offline.graph.stack;
    let history = History::of(stack, session.provider.context());
    let listed = invocation.interrupts.guard(history.list()).await?;
    let deployments = listed.map_err(|error| {
        Failure::of_calling(
            invocation,
            "could not read the history of the stack",
            &error,
        )
    })?;
    if arguments.json {
        let document = history::document(&stack.to_string(), &deployments);
        let text = serde_json::to_string_pretty(&document)
            .map_err(|error| Failure::of_writing(&error.into()))?;
        invocation
            .terminal
            .data(&sanitize::json(&text))
            .map_err(|error| Failure::of_writing(&error))?;
        return Ok(Exit::Done);
    }
    let place = session.place();
    if deployments.is_empty() {
        let text = format!("No run of {place} is on record.");
        invocation.terminal.print(&[Line::plain(text)]);
        return Ok(Exit::Done);
    }
    let width = invocation.terminal.width();
    let mut lines = vec![
        Line::styled(Style::Heading, "History").and(format!(" ({place}):")),
        Line::new(),
    ];
    lines.extend(history::table(&deployments, width));
    invocation.terminal.print(&lines);
    Ok(Exit::Done)
}
