//! `validate`: stack files without AWS.

use clap::Args;

use crate::cli::arguments::StackArguments;
use crate::cli::report::Failure;
use crate::cli::session::{Offline, stack_file};
use crate::cli::{CommandResult, Exit, Invocation};
use crate::display::Line;
use crate::display::line::wrap;

#[derive(Debug, Args)]
pub struct Arguments {
    #[command(flatten)]
    stack: StackArguments,
    /// More of them. Without any, all of stacks/; `-` reads a file from standard input.
    #[arg(value_name = "MORE")]
    more: Vec<String>,
}

/// Judges every file, and ends as the first that is refused.
pub fn run(invocation: &mut Invocation, arguments: &Arguments) -> CommandResult {
    let given = arguments
        .stack
        .stack
        .iter()
        .filter(|stack| !stack.is_empty());
    let mut stacks: Vec<String> = given.chain(&arguments.more).cloned().collect();
    if stacks.is_empty() {
        stacks = stack_file::all();
    }
    if stacks.is_empty() {
        // The refusal says how a stack is given.
        return judge(invocation).map(|()| Exit::Done);
    }
    let mut ended = Exit::Done;
    for stack in stacks {
        invocation.stack = StackArguments {
            stack: Some(stack),
            ..arguments.stack.clone()
        };
        if let Err(failure) = judge(invocation) {
            let exit = failure.report(&mut invocation.terminal);
            if ended == Exit::Done {
                ended = exit;
            }
        }
    }
    Ok(ended)
}

fn judge(invocation: &mut Invocation) -> Result<(), Failure> {
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
    let lines = wrap(&text, invocation.terminal.width());
    let lines: Vec<Line> = lines.iter().map(Line::plain).collect();
    invocation.terminal.print(&lines);
    Ok(())
}
