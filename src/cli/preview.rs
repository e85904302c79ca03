//! `preview`: what `up` would do.

use std::ffi::OsString;

use clap::Args;

use super::arguments::{SelectionArguments, StackArguments, boolean, exclusive};
use super::report::Failure;
use super::saved_plan::{Previewed, SavedPlan};
use super::session::{Offline, Session, ShowOptions, quoted, suffix};
use super::{CommandResult, Context, Exit, refusal};
use crate::display::{Line, Message, View, inert, json, markdown, message};
use crate::plan::Goal;

const DETAILED: &str = "FDE_INFRA_DETAILED_EXITCODE";

#[derive(Debug, Args)]
pub struct Arguments {
    #[command(flatten)]
    stack: StackArguments,
    /// Show every property that changes.
    #[arg(long, env = "FDE_INFRA_DIFF", value_parser = boolean)]
    diff: bool,
    /// Print the plan as JSON.
    #[arg(long, env = "FDE_INFRA_JSON", value_parser = boolean)]
    json: bool,
    /// Print the plan as Markdown, for a pull request or a step summary.
    #[arg(long, env = "FDE_INFRA_MARKDOWN", value_parser = boolean)]
    markdown: bool,
    /// With --markdown: at most so many bytes; what matters least is left out first.
    #[arg(
        long,
        env = "FDE_INFRA_MAX_BYTES",
        value_name = "N",
        default_value_t = markdown::MAX_BYTES,
        value_parser = max_bytes
    )]
    max_bytes: usize,
    /// Also show what stays as it is.
    #[arg(long, env = "FDE_INFRA_SHOW_SAMES", value_parser = boolean)]
    show_sames: bool,
    /// Exit with 7 if there is anything to do.
    #[arg(long, env = "FDE_INFRA_EXPECT_NO_CHANGES", value_parser = boolean)]
    expect_no_changes: bool,
    /// Exit with 0 for no changes, 1 for an error, 2 for changes.
    #[arg(long, env = DETAILED, value_parser = boolean)]
    pub detailed_exitcode: bool,
    #[command(flatten)]
    selection: SelectionArguments,
    /// Replace this resource. Can be repeated.
    #[arg(
        long,
        env = "FDE_INFRA_REPLACE",
        value_name = "NAME",
        value_delimiter = ','
    )]
    replace: Vec<String>,
    /// Write the plan to a file, for `up --plan`.
    #[arg(long, env = "FDE_INFRA_SAVE_PLAN", value_name = "FILE")]
    save_plan: Option<String>,
}

/// Whether `--detailed-exitcode` is given, even where the rest of the command line cannot be understood.
pub fn asks_for_detailed_exit_code(arguments: &[OsString]) -> bool {
    arguments.iter().any(|word| word == "--detailed-exitcode")
        || std::env::var(DETAILED).is_ok_and(|value| boolean(&value) == Ok(true))
}

pub async fn run(context: &mut Context, arguments: &Arguments) -> CommandResult {
    exclusive([
        ("--detailed-exitcode", arguments.detailed_exitcode),
        ("--expect-no-changes", arguments.expect_no_changes),
    ])?;
    exclusive([
        ("--json", arguments.json),
        ("--markdown", arguments.markdown),
    ])?;
    let offline = Offline::load("preview", &arguments.stack, &context.global)?;
    let session = Session::connect(context, offline).await?;
    let again = session.offline.command_line("preview");
    let again = arguments.selection.added_to(again, &arguments.replace);
    let live = session.read(context, &again).await?;
    let request = arguments.selection.request(Goal::Up, &arguments.replace);
    let plan = session.plan(&live, &request)?;
    let options = ShowOptions {
        diff: arguments.diff,
        show_sames: arguments.show_sames,
    };
    if arguments.json {
        let document = json::document(&plan, &session.offline.catalog);
        let text = serde_json::to_string_pretty(&document)
            .map_err(|error| Failure::of_writing(&error.into()))?;
        data(context, &inert::json(&text))?;
    } else if arguments.markdown {
        let view = View {
            plan: &plan,
            catalog: &session.offline.catalog,
            sections: &Offline::sections(),
            show_sames: arguments.show_sames,
            width: None,
        };
        data(context, &markdown::render(view, arguments.max_bytes))?;
    } else {
        session.show(context, &plan, options);
    }
    if arguments.json || arguments.markdown {
        session.tell_drift(context, &plan);
    }
    if let Some(refused) = refusal::of(&plan, &session, &again) {
        return Err(refused);
    }
    if let Some(path) = arguments
        .save_plan
        .as_deref()
        .filter(|path| !path.is_empty())
    {
        let previewed = Previewed {
            session: &session,
            live: &live,
            plan: &plan,
        };
        let replace = &arguments.replace;
        SavedPlan::of(&previewed, &arguments.stack, &arguments.selection, replace)?.write(path)?;
        // Not on standard output, from which a script takes the document.
        let lines = saved(context, &arguments.stack, path);
        context.terminal.report(&lines);
    }
    if plan.is_empty() {
        Ok(Exit::Done)
    } else if arguments.expect_no_changes {
        let up = session.offline.command_line("up");
        let message = Message::error("no changes were expected, and there are some")
            .help("to make them, run")
            .command(arguments.selection.added_to(up, &arguments.replace));
        Err(Failure::new(Exit::UnexpectedChanges, message))
    } else if arguments.detailed_exitcode {
        Ok(Exit::Changes)
    } else {
        Ok(Exit::Done)
    }
}

/// Room for a page, in bytes.
fn max_bytes(text: &str) -> Result<usize, String> {
    let number = text.parse().ok();
    number
        .filter(|bytes| *bytes >= markdown::LEAST_BYTES)
        .ok_or_else(|| format!("write a number from {} on", markdown::LEAST_BYTES))
}

/// Writes what a script takes from standard output.
fn data(context: &mut Context, text: &str) -> Result<(), Failure> {
    let written = context.terminal.data(text);
    written.map_err(|error| Failure::of_writing(&error))
}

/// What to do with the file.
fn saved(context: &Context, stack: &StackArguments, path: &str) -> Vec<Line> {
    let text = "the plan is saved; to apply it, and nothing else, run";
    let mut lines = message::note(text, context.terminal.width());
    let stack = StackArguments {
        set: Vec::new(),
        ..stack.clone()
    };
    let command = format!(
        "    fde-infra up{} --plan {}",
        suffix(&stack, &context.global),
        quoted(path)
    );
    lines.push(Line::plain(command));
    lines
}
