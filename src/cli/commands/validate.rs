//! `validate`: stack files without AWS.

use clap::Args;

use crate::cli::arguments::StackArguments;
use crate::cli::report::Failure;
use crate::cli::session::{Offline, files};
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
    let given = arguments.stack.stack.iter().chain(&arguments.more);
    let given: Vec<&String> = given.filter(|stack| !stack.is_empty()).collect();
    invocation.stack = arguments.stack.clone();
    let mut ended = Exit::Done;
    if given.is_empty() {
        let files = files::every(invocation);
        if files.is_empty() {
            // The refusal says how a stack is given.
            Offline::load(invocation)?;
        }
        for file in files {
            judge(invocation, file.offline, &mut ended);
        }
    }
    for stack in given {
        invocation.stack.stack = Some(stack.clone());
        let offline = Offline::load(invocation);
        judge(invocation, offline, &mut ended);
    }
    Ok(ended)
}

/// Says what is right or wrong with a file.
fn judge(invocation: &mut Invocation, offline: Result<Offline, Failure>, ended: &mut Exit) {
    let offline = match offline {
        Ok(offline) => offline,
        Err(failure) => {
            let exit = failure.report(&mut invocation.terminal);
            if *ended == Exit::Done {
                *ended = exit;
            }
            return;
        }
    };
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
}
