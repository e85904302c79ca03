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
mod pager;
mod prompt;
mod refusal;
mod report;
mod saved_plan;
mod session;

use std::ffi::OsString;
use std::panic::AssertUnwindSafe;
use std::process::ExitCode;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use clap::{CommandFactory, Parser};

use crate::display::{ColorChoice, EventStream, Message, Terminal};
use arguments::{GlobalArguments, suggest};
#[doc(hidden)]
pub use commands::COMMANDS;
use commands::{Given, diff, preview};
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
    let events = EventStream::new(since_1970);
    report_panics(&events);
    let mut cli = match Cli::try_parse_from(&arguments) {
        Ok(cli) => cli,
        Err(error) => {
            if error.use_stderr()
                && let Some(command) = commands::streaming(&arguments)
            {
                Terminal::new(ColorChoice::Auto).begin_events(&events, command);
            }
            let exit = suggest::report(&error, &arguments, detailed, &events);
            return end(&events, exit, ColorChoice::Auto);
        }
    };
    let color = cli.global.color;
    if cli.command.streams() {
        Terminal::new(color).begin_events(&events, cli.command.command.name);
        // A question would be lost among the events.
        cli.global.non_interactive = true;
    }
    if let Some(failure) = misspelt_variables() {
        let exit = failure.report(&mut Terminal::new(color).with_events(&events));
        return end(&events, exit, color);
    }
    // Nothing of it is used after a panic, except for the stream, of which each line is whole.
    let running = AssertUnwindSafe(|| run(cli, environment, &events));
    let status = std::panic::catch_unwind(running);
    end(&events, status.unwrap_or(Exit::Bug), color)
}

/// Ends the stream of events, if there is one, and the program.
fn end(events: &EventStream, exit: Exit, color: ColorChoice) -> ExitCode {
    let mut terminal = Terminal::new(color).with_events(events);
    match terminal.end_events(exit.ending()) {
        Err(error) => {
            let failed = Failure::of_writing(&error).report(&mut terminal);
            // What went wrong before says more.
            if exit == Exit::Done { failed } else { exit }
        }
        Ok(()) => exit,
    }
    .into()
}

/// The clock of the events.
fn since_1970() -> Duration {
    let now = SystemTime::now().duration_since(UNIX_EPOCH);
    now.unwrap_or_default()
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

/// Variables without a flag: of the pipeline, the install script, the sandbox and the tests.
const OTHER_VARIABLES: &[&str] = &[
    "FDE_INFRA_ATTESTATION",
    "FDE_INFRA_BIN",
    "FDE_INFRA_DRIFT_STACKS",
    "FDE_INFRA_ENVIRONMENTS",
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

fn run(cli: Cli, environment: Environment, events: &EventStream) -> Exit {
    let mut terminal = Terminal::new(cli.global.color).with_events(events);
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
    let switches = [preview::DETAILED_EXITCODE, diff::EXIT_CODE];
    let detailed = switches.iter().any(|id| cli.command.has_switch(id));
    let cancelled = if detailed {
        Exit::Error
    } else {
        Exit::Cancelled
    };
    let interrupts = Interrupts::listen(cancelled, cli.global.color, events);
    let exit = runtime.block_on(async {
        let command = cli.command.command.name;
        let mut invocation = Invocation::new(
            command,
            cli.global,
            environment,
            terminal,
            interrupts,
            Cli::command,
        );
        let result = cli.command.run(&mut invocation).await;
        let heard = invocation.interrupts.heard();
        if heard.count > 0 && !events.is_interrupted() {
            invocation.terminal.event(&heard.event());
        }
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
fn report_panics(events: &EventStream) {
    let events = events.clone();
    std::panic::set_hook(Box::new(move |panic| {
        let mut terminal = Terminal::new(ColorChoice::Auto).with_events(&events);
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
