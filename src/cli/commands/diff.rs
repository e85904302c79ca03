//! `diff`: two stacks, or a stack and what it was, compared without AWS.

use clap::Args;

use crate::cli::arguments::{StackArguments, boolean};
use crate::cli::report::Failure;
use crate::cli::session::revision::Revision;
use crate::cli::session::{Offline, stack_file};
use crate::cli::{CommandResult, Exit, Invocation};
use crate::display::{Message, compared, sanitize};

#[derive(Debug, Args)]
pub struct Arguments {
    #[command(flatten)]
    stack: StackArguments,
    /// The stack to compare it with.
    #[arg(value_name = "OTHER")]
    other: Option<String>,
    /// Compare the stack with what it was at this revision of git, its layers included: a commit, a branch or a tag.
    #[arg(long, env = "FDE_INFRA_GIT", value_name = "REV")]
    git: Option<String>,
    /// Print JSON.
    #[arg(long, env = "FDE_INFRA_JSON", value_parser = boolean)]
    json: bool,
    /// Exit with 0 if they are equal, 1 for an error, 2 if they differ.
    #[arg(long, env = "FDE_INFRA_EXIT_CODE", value_parser = boolean)]
    exit_code: bool,
}

/// The name that clap has for the switch that asks for other exit statuses.
pub const EXIT_CODE: &str = "exit_code";

pub fn run(invocation: &mut Invocation, arguments: &Arguments) -> CommandResult {
    invocation.stack = arguments.stack.clone();
    let git = arguments.git.as_deref().filter(|name| !name.is_empty());
    let (left, right, names) = match (&arguments.other, git) {
        (Some(_), Some(_)) => {
            let message = Message::error("OTHER and --git cannot be used together")
                .help("compare two stacks, or one with a revision of itself");
            return Err(Failure::new(Exit::Usage, message));
        }
        (None, None) => return Err(nothing_to_compare_with(invocation)),
        (Some(other), None) => {
            let left = Offline::load(invocation)?;
            let stack = StackArguments {
                stack: Some(other.clone()),
                ..invocation.stack.clone()
            };
            invocation.stack = stack;
            let right = Offline::load(invocation);
            invocation.stack = arguments.stack.clone();
            let right = right?;
            let names = [left.file_name(), right.file_name()];
            (left, right, names)
        }
        (None, Some(name)) => {
            let right = Offline::load(invocation)?;
            let file = stack_file::find(invocation)?;
            let revision = Revision::find(invocation, &file, name)?;
            let left = Offline::load_at(invocation, &revision)?;
            let then = format!("{} at {}", left.file_name(), revision.name);
            let names = [then, right.file_name()];
            (left, right, names)
        }
    };
    let [left_name, right_name] = &names;
    let side = |offline: &Offline| {
        compared::head(
            &offline.graph,
            &offline.stack.region,
            offline.stack.account.as_deref(),
        )
    };
    let compared = compared::compare(
        (&left.graph, side(&left)),
        (&right.graph, side(&right)),
        &left.catalog,
    );
    if arguments.json {
        let document = compared.document(left_name, right_name);
        let text = serde_json::to_string_pretty(&document)
            .map_err(|error| Failure::of_writing(&error.into()))?;
        let written = invocation.terminal.data(&sanitize::json(&text));
        written.map_err(|error| Failure::of_writing(&error))?;
    } else {
        let lines = compared.render(left_name, right_name, invocation.terminal.width());
        invocation.terminal.print(&lines);
    }
    if arguments.exit_code && !compared.is_equal() {
        return Ok(Exit::Changes);
    }
    Ok(Exit::Done)
}

/// The refusal of a comparison with nothing: users of other tools look for what is live.
fn nothing_to_compare_with(invocation: &Invocation) -> Failure {
    let message = Message::error("`diff` compares two stacks")
        .help("name a second stack, or a revision of the same one (`--git HEAD~1`); to compare a stack with what is live, run")
        .command(invocation.stack_command("preview"));
    Failure::new(Exit::Usage, message)
}
