//! `history`: the runs of a stack, newest first.

use clap::Args;

use crate::cli::arguments::{StackArguments, boolean};
use crate::cli::report::Failure;
use crate::cli::session::{Offline, Session};
use crate::cli::{CommandResult, Context, Exit};
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

pub async fn run(context: &mut Context, arguments: &Arguments) -> CommandResult {
    let offline = Offline::load("history", &arguments.stack, &context.global)?;
    let session = Session::connect(context, offline).await?;
    let again = session.offline.command_line("history");
    let stack = &session.offline.graph.stack;
    let history = History::of(stack, session.provider.context());
    let listed = context.interrupts.guard(history.list()).await?;
    let deployments = listed.map_err(|error| {
        Failure::of_calling("could not read the history of the stack", &error, &again)
    })?;
    if arguments.json {
        let document = history::document(&stack.to_string(), &deployments);
        let text = serde_json::to_string_pretty(&document)
            .map_err(|error| Failure::of_writing(&error.into()))?;
        context
            .terminal
            .data(&sanitize::json(&text))
            .map_err(|error| Failure::of_writing(&error))?;
        return Ok(Exit::Done);
    }
    let place = session.place();
    if deployments.is_empty() {
        let text = format!("No run of {place} is on record.");
        context.terminal.print(&[Line::plain(text)]);
        return Ok(Exit::Done);
    }
    let width = context.terminal.width();
    let mut lines = vec![
        Line::styled(Style::Heading, "History").and(format!(" ({place}):")),
        Line::new(),
    ];
    lines.extend(history::table(&deployments, width));
    context.terminal.print(&lines);
    Ok(Exit::Done)
}
