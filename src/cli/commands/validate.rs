//! `validate`: a stack file without AWS.

use clap::Args;

use crate::cli::arguments::StackArguments;
use crate::cli::session::Offline;
use crate::cli::{CommandResult, Exit, Invocation};
use crate::display::Line;

#[derive(Debug, Args)]
pub struct Arguments {
    #[command(flatten)]
    stack: StackArguments,
}

pub fn run(invocation: &mut Invocation, arguments: &Arguments) -> CommandResult {
    invocation.stack = arguments.stack.clone();
    let offline = Offline::load(invocation)?;
    offline.warn(&mut invocation.terminal);
    let count = match offline.graph.len() {
        1 => "1 resource".to_owned(),
        count => format!("{count} resources"),
    };
    let text = format!(
        "{} is valid: {} with {count} in {}",
        offline.file_name(),
        offline.graph.stack,
        offline.stack.region
    );
    invocation.terminal.print(&[Line::plain(text)]);
    Ok(Exit::Done)
}
