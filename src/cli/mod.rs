//! The command line: arguments, wiring, exit status, and errors into reports.
//!
//! Decides nothing: each command calls the rooms in order and shows what comes back. Begin with [`commands`] (the list of
//! them, and a file for each), then [`session`] (stack file to plan, which most of them share) and [`execution`] (plan to
//! end of run). An [`Invocation`] goes with a command all the way: it has what was typed, the terminal, and the line that
//! repeats the run. [`refusal`] and [`report`] are what is said when it does not go well.

mod arguments;
mod command_line;
mod commands;
mod environment;
mod execution;
mod exit;
mod interrupt;
mod invocation;
mod prompt;
mod refusal;
mod report;
mod saved_plan;
mod session;

use std::ffi::OsString;
use std::panic::AssertUnwindSafe;
use std::process::ExitCode;

use clap::{CommandFactory, Parser};

use crate::display::{ColorChoice, Message, Terminal};
use arguments::{GlobalArguments, suggest};
#[doc(hidden)]
pub use commands::COMMANDS;
use commands::{Given, preview};
use environment::Environment;
pub use exit::Exit;
use interrupt::Interrupts;
use invocation::Invocation;
#[doc(hidden)]
pub use report::excerpt;
use report::{CommandResult, Failure};
#[doc(hidden)]
pub use saved_plan::is_saved_plan;

use crate::version::VERSION;

/// Pulumi-style infrastructure as code with live AWS as its only state.
///
/// STACK is the name of a file in stacks/ (dev for stacks/dev.yaml) or a path. Without it, the stack is the one that
/// `FDE_INFRA_STACK` names, or the only one there is. Every flag can also be set as `FDE_INFRA_<FLAG>`; an empty variable
/// counts as unset.
#[derive(Debug, Parser)]
#[command(name = "fde-infra", version = VERSION, propagate_version = true)]
#[command(arg_required_else_help = true, infer_subcommands = false)]
pub struct Cli {
    #[command(flatten)]
    global: GlobalArguments,
    #[command(subcommand)]
    command: Given,
}

/// Runs the program with its arguments, the name of the program first.
pub fn main(arguments: impl IntoIterator<Item = OsString>) -> ExitCode {
    let arguments: Vec<OsString> = arguments.into_iter().collect();
    environment::leave_out_empty_variables(&arguments);
    let environment = Environment::from_environment();
    let detailed = preview::asks_for_detailed_exit_code(&arguments);
    report_panics();
    let cli = match Cli::try_parse_from(&arguments) {
        Ok(cli) => cli,
        Err(error) => return suggest::report(&error, &arguments, detailed).into(),
    };
    if let Some(failure) = misspelt_variables() {
        return failure.report(&mut Terminal::new(cli.global.color)).into();
    }
    // Nothing of it is used after a panic.
    let running = AssertUnwindSafe(|| run(cli, environment));
    let status = std::panic::catch_unwind(running);
    status.unwrap_or(Exit::Bug).into()
}

/// The usage error for environment variables that look like misspelt flags.
fn misspelt_variables() -> Option<Failure> {
    let known = variables(&Cli::command());
    let messages = environment::misspelt_variables(&known).into_iter();
    let messages: Vec<Message> = messages
        .map(|(name, meant)| {
            Message::error(format!("{name} is no variable of fde-infra"))
                .fact("now", "nothing was changed")
                .help(format!("did you mean `{meant}`? If not, unset it"))
        })
        .collect();
    (!messages.is_empty()).then(|| Failure::several(Exit::Usage, messages))
}

/// All environment variables that the program reads: those of a command's flags, of its subcommands', and others.
fn variables(command: &clap::Command) -> Vec<String> {
    let own = command.get_arguments().filter_map(clap::Arg::get_env);
    let own = own.map(|name| name.to_string_lossy().into_owned());
    let below = command.get_subcommands().flat_map(variables);
    let others = OTHER_VARIABLES.iter().map(|name| (*name).to_owned());
    own.chain(below).chain(others).collect()
}

/// Variables without a flag: of the pipeline, the sandbox and the tests.
const OTHER_VARIABLES: &[&str] = &[
    "FDE_INFRA_DRIFT_STACKS",
    "FDE_INFRA_FUZZ",
    "FDE_INFRA_LAB",
    "FDE_INFRA_LAB_PROGRAM",
    "FDE_INFRA_PROMISES",
    "FDE_INFRA_SANDBOX_DIR",
    "FDE_INFRA_SANDBOX_NAME",
    "FDE_INFRA_SEED",
    "FDE_INFRA_SEEDS",
    "FDE_INFRA_SHELL",
    "FDE_INFRA_VERSION",
];

fn run(cli: Cli, environment: Environment) -> Exit {
    let mut terminal = Terminal::new(cli.global.color);
    let runtime = match tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
    {
        Ok(runtime) => runtime,
        Err(error) => {
            let message = Message::error("could not start").fact("answer", error.to_string());
            report::show(&[message], &mut terminal);
            return Exit::Error;
        }
    };
    let detailed = cli.command.has_switch(preview::DETAILED_EXITCODE);
    let cancelled = if detailed {
        Exit::Error
    } else {
        Exit::Cancelled
    };
    let interrupts = Interrupts::listen(cancelled, cli.global.color);
    let exit = runtime.block_on(async {
        let command = cli.command.command.name;
        let mut invocation =
            Invocation::new(command, cli.global, environment, terminal, interrupts);
        let result = cli.command.run(&mut invocation).await;
        match result {
            Ok(exit) => exit,
            Err(failure) => failure.report(&mut invocation.terminal),
        }
    });
    // A prompt or an installation may still hold a thread; no one waits for it.
    runtime.shutdown_background();
    match exit {
        // Under this flag 2 means changes, so that every failure has to be 1.
        Exit::Done | Exit::Changes => exit,
        _ if detailed => Exit::Error,
        exit => exit,
    }
}

/// Makes a panic say where it happened, and nothing that was in memory: that could be a secret.
fn report_panics() {
    std::panic::set_hook(Box::new(|panic| {
        let mut terminal = Terminal::new(ColorChoice::Auto);
        let place = panic
            .location()
            .map_or_else(|| "an unknown place".to_owned(), ToString::to_string);
        let message = Message::error("internal error in fde-infra")
            .fact("place", place)
            .fact(
                "now",
                "AWS goes on with what was under way; the next run finds it and resumes",
            )
            .help(crate::display::bug());
        report::show(&[message], &mut terminal);
    }));
}

#[cfg(test)]
mod helps;
#[cfg(test)]
#[path = "reference/tests.rs"]
mod reference;
#[cfg(test)]
mod tests;
