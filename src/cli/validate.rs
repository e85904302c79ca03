//! `validate`: a stack file without AWS.

use clap::Args;

use super::arguments::StackArguments;
use super::session::Offline;
use super::{CommandResult, Context, Exit};
use crate::display::Line;

#[derive(Debug, Args)]
pub struct Arguments {
    #[command(flatten)]
    stack: StackArguments,
}

pub fn run(context: &mut Context, arguments: &Arguments) -> CommandResult {
    let offline = Offline::load("validate", &arguments.stack, &context.global)?;
    let text = format!(
        "{} is valid: {} with {} resources in {}",
        offline.file_name(),
        offline.graph.stack,
        offline.graph.len(),
        offline.stack.region
    );
    context.terminal.print(&[Line::plain(text)]);
    Ok(Exit::Done)
}
