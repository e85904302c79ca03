//! `preview --all`: every file in `stacks/`, one after the other, and the worst exit status.

use super::preview::{Arguments, begin, of_stack};
use crate::cli::arguments::{StackArguments, exclusive};
use crate::cli::report::Failure;
use crate::cli::session::files::every;
use crate::cli::{CommandResult, Exit, Invocation, environment};
use crate::display::overview::{self, Previewed};
use crate::display::{Line, Message, Style, sanitize};

pub async fn run(invocation: &mut Invocation, arguments: &Arguments) -> CommandResult {
    begin(invocation, arguments)?;
    refuse_what_is_of_one_stack(arguments)?;
    let given = StackArguments {
        stack: None,
        ..arguments.stack.clone()
    };
    invocation.stack = given.clone();
    let files = every(invocation);
    if files.is_empty() {
        let message = Message::error("there is no stack file in stacks/ of the working directory")
            .help("write a stack file stacks/dev.yaml");
        return Err(Failure::new(Exit::NoStack, message));
    }
    let mut worst = Exit::Done;
    let mut all = Vec::new();
    for file in files {
        invocation.stack = StackArguments {
            stack: Some(file.name),
            ..given.clone()
        };
        let path = file.path.to_string_lossy().into_owned();
        if !arguments.json {
            let title = Line::styled(Style::Bold, &path);
            invocation.terminal.print(&[title]);
        }
        let mut document = None;
        let result = match file.offline {
            Ok(offline) => of_stack(invocation, arguments, offline, Some(&mut document)).await,
            Err(failure) => Err(failure),
        };
        let exit = match result {
            Ok(exit) => exit,
            Err(failure) => failure.report(&mut invocation.terminal),
        };
        if exit == Exit::Cancelled {
            return Ok(exit);
        }
        if !arguments.json {
            invocation.terminal.print(&[Line::new()]);
        }
        if weight(exit) > weight(worst) {
            worst = exit;
        }
        all.push(Previewed {
            file: path,
            document,
            exit_code: exit.status(),
            is_failed: weight(exit) > weight(Exit::UnexpectedChanges),
        });
    }
    if arguments.json {
        let text = overview::document(&all)
            .and_then(|document| serde_json::to_string_pretty(&document))
            .map_err(|error| Failure::of_writing(&error.into()))?;
        let written = invocation.terminal.data(&sanitize::json(&text));
        written.map_err(|error| Failure::of_writing(&error))?;
    } else {
        let width = invocation.terminal.width();
        invocation.terminal.print(&overview::table(&all, width));
    }
    Ok(worst)
}

/// Refuses arguments that can be about one stack alone.
fn refuse_what_is_of_one_stack(arguments: &Arguments) -> Result<(), Failure> {
    let stack = arguments.stack.stack.as_ref();
    // The variable names the stack of the other commands.
    let is_named =
        stack.is_some_and(|stack| !stack.is_empty()) && stack != environment::stack().as_ref();
    let given = |file: &Option<String>| file.as_ref().is_some_and(|file| !file.is_empty());
    for other in [
        ("STACK", is_named),
        ("--save-plan", given(&arguments.save_plan)),
        ("--json-into", given(&arguments.json_into)),
        ("--markdown", arguments.markdown),
        ("--markdown-into", arguments.writes_pages()),
    ] {
        exclusive([("--all", true), other])?;
    }
    Ok(())
}

/// How bad an exit status is beside others.
fn weight(exit: Exit) -> usize {
    const WORSE_AND_WORSE: [Exit; 12] = [
        Exit::Done,
        Exit::Changes,
        Exit::UnexpectedChanges,
        Exit::Refused,
        Exit::NoStack,
        Exit::Usage,
        Exit::TimedOut,
        Exit::ResourceFailed,
        Exit::Error,
        Exit::Credentials,
        Exit::Cancelled,
        Exit::Bug,
    ];
    let place = WORSE_AND_WORSE.iter().position(|other| *other == exit);
    place.unwrap_or(WORSE_AND_WORSE.len())
}
