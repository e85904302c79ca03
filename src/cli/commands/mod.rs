//! The commands: one file for each, and one row in [`COMMANDS`].
//!
//! Begin with [`preview`], then [`up`]. A command sets on its [`Invocation`] what it works on, calls the rooms in order,
//! and shows what comes back.

mod completions;
mod destroy;
pub mod diff;
mod explain;
mod history;
mod init;
mod list;
mod output;
pub mod preview;
mod preview_all;
mod sandbox;
mod schema;
mod unlock;
mod up;
mod validate;

use std::ffi::OsString;
use std::future::Future;
use std::pin::Pin;

use clap::error::ErrorKind;
use clap::{ArgMatches, Args, FromArgMatches, Subcommand};

use super::arguments::JSON;
use super::{CommandResult, Exit, Invocation, environment};
use crate::cli::report::Failure;
use crate::display::Message;

/// A command of the program.
#[derive(Debug)]
pub struct Command {
    pub name: &'static str,
    /// Its line in the help.
    pub about: &'static str,
    /// Other names, as the help lists them.
    pub aliases: &'static [&'static str],
    /// Other names, which no help lists.
    pub hidden_aliases: &'static [&'static str],
    /// True if it leaves everything in AWS as it is.
    pub only_reads: bool,
    /// Adds its arguments to clap's description of it.
    arguments: fn(clap::Command) -> clap::Command,
    run: Run,
}

impl Command {
    /// Returns whether the command can tell what it does as events.
    fn can_stream(&self) -> bool {
        let described = (self.arguments)(clap::Command::new(self.name));
        let mut has = described.get_arguments().map(clap::Arg::get_id);
        !self.only_reads && has.any(|id| id == JSON)
    }
}

/// Runs a command with the arguments that clap has parsed.
type Run = for<'a> fn(&'a mut Invocation, &'a ArgMatches) -> Running<'a>;

/// A command at work.
type Running<'a> = Pin<Box<dyn Future<Output = CommandResult> + 'a>>;

/// The commands, in the order of the help.
pub const COMMANDS: &[Command] = &[
    Command {
        name: "init",
        about: "Write a first stack file",
        aliases: &["new"],
        hidden_aliases: &[],
        only_reads: true,
        arguments: init::Arguments::augment_args,
        run: |invocation, given| Box::pin(async { init::run(invocation, &read(given)?).await }),
    },
    Command {
        name: "preview",
        about: "Show what `up` would do",
        aliases: &["pre"],
        hidden_aliases: &[],
        only_reads: true,
        arguments: preview::Arguments::augment_args,
        run: |invocation, given| {
            Box::pin(async {
                let arguments: preview::Arguments = read(given)?;
                if arguments.all {
                    return preview_all::run(invocation, &arguments).await;
                }
                preview::run(invocation, &arguments).await
            })
        },
    },
    Command {
        name: "up",
        about: "Make AWS match the stack file",
        aliases: &["update"],
        hidden_aliases: &[],
        only_reads: false,
        arguments: up::Arguments::augment_args,
        run: |invocation, given| Box::pin(async { up::run(invocation, &read(given)?).await }),
    },
    Command {
        name: "destroy",
        about: "Delete everything that belongs to a stack",
        aliases: &["down"],
        hidden_aliases: &["dn"],
        only_reads: false,
        arguments: destroy::Arguments::augment_args,
        run: |invocation, given| Box::pin(async { destroy::run(invocation, &read(given)?).await }),
    },
    Command {
        name: "output",
        about: "Print the outputs of a stack: addresses, names, ids",
        aliases: &["outputs"],
        hidden_aliases: &[],
        only_reads: true,
        arguments: output::Arguments::augment_args,
        run: |invocation, given| Box::pin(async { output::run(invocation, &read(given)?).await }),
    },
    Command {
        name: "list",
        about: "List the stacks of an account: what is live, and the files in stacks/",
        aliases: &["ls"],
        hidden_aliases: &[],
        only_reads: true,
        arguments: list::Arguments::augment_args,
        run: |invocation, given| Box::pin(async { list::run(invocation, &read(given)?).await }),
    },
    Command {
        name: "history",
        about: "Show who has changed a stack, when, and how that ended",
        aliases: &[],
        hidden_aliases: &[],
        only_reads: true,
        arguments: history::Arguments::augment_args,
        run: |invocation, given| Box::pin(async { history::run(invocation, &read(given)?).await }),
    },
    Command {
        name: "unlock",
        about: "Remove the lock of a run that has died",
        aliases: &[],
        hidden_aliases: &[],
        only_reads: false,
        arguments: unlock::Arguments::augment_args,
        run: |invocation, given| Box::pin(async { unlock::run(invocation, &read(given)?).await }),
    },
    Command {
        name: "validate",
        about: "Check a stack file without AWS",
        aliases: &[],
        hidden_aliases: &[],
        only_reads: true,
        arguments: validate::Arguments::augment_args,
        run: |invocation, given| Box::pin(async { validate::run(invocation, &read(given)?) }),
    },
    Command {
        name: "explain",
        about: "Show what a key or a resource type is for, without AWS",
        aliases: &[],
        hidden_aliases: &[],
        only_reads: true,
        arguments: explain::Arguments::augment_args,
        run: |invocation, given| Box::pin(async { explain::run(invocation, &read(given)?) }),
    },
    Command {
        name: "diff",
        about: "Compare two stack files, or one with an earlier revision of it, without AWS",
        aliases: &[],
        hidden_aliases: &[],
        only_reads: true,
        arguments: diff::Arguments::augment_args,
        run: |invocation, given| Box::pin(async { diff::run(invocation, &read(given)?) }),
    },
    Command {
        name: "schema",
        about: "Print the JSON Schema of stack files, for editors",
        aliases: &[],
        hidden_aliases: &[],
        only_reads: true,
        arguments: |command| command,
        run: |invocation, _| Box::pin(async { schema::run(invocation) }),
    },
    Command {
        name: "completions",
        about: "Print the script that makes a shell complete commands, flags and stacks",
        aliases: &["completion"],
        hidden_aliases: &[],
        only_reads: true,
        arguments: completions::Arguments::augment_args,
        run: |invocation, given| Box::pin(async { completions::run(invocation, &read(given)?) }),
    },
    Command {
        name: "sandbox",
        about: "Look after the local AWS account that `--sandbox` uses",
        aliases: &[],
        hidden_aliases: &[],
        only_reads: true,
        arguments: sandbox::Arguments::augment_args,
        run: |invocation, given| Box::pin(async { sandbox::run(invocation, &read(given)?).await }),
    },
];

/// The command that a line asks for the events of, even where the rest of the line cannot be understood.
pub fn streaming(arguments: &[OsString]) -> Option<&'static str> {
    let asks = environment::asks_for_json() || arguments.iter().any(|word| word == "--json");
    let of = |word: &OsString| {
        COMMANDS.iter().find(|command| {
            let aliases = command.aliases.iter().chain(command.hidden_aliases);
            aliases.chain([&command.name]).any(|name| word == *name)
        })
    };
    let command = arguments.iter().skip(1).find_map(of).filter(|_| asks)?;
    command.can_stream().then_some(command.name)
}

/// Takes the arguments of a command from what clap has parsed.
fn read<A: FromArgMatches>(given: &ArgMatches) -> Result<A, Failure> {
    A::from_arg_matches(given).map_err(|error| {
        // clap has checked them against the same description.
        let message = Message::error("the arguments were parsed, and cannot be read")
            .fact("answer", error.to_string())
            .help(crate::display::bug());
        Failure::new(Exit::Bug, message)
    })
}

/// The command that a user has typed, with its arguments.
#[derive(Debug)]
pub struct Given {
    pub command: &'static Command,
    arguments: ArgMatches,
}

impl Given {
    pub async fn run(&self, invocation: &mut Invocation) -> CommandResult {
        (self.command.run)(invocation, &self.arguments).await
    }

    /// Returns whether the command is to tell what it does as events.
    pub fn streams(&self) -> bool {
        !self.command.only_reads && self.has_switch(JSON)
    }

    /// Returns whether the command has this switch, and it is on.
    pub fn has_switch(&self, id: &str) -> bool {
        let switch = self.arguments.try_get_one::<bool>(id);
        switch.is_ok_and(|switch| switch == Some(&true))
    }
}

impl FromArgMatches for Given {
    fn from_arg_matches(matches: &ArgMatches) -> Result<Self, clap::Error> {
        let given = matches.subcommand().and_then(|(name, arguments)| {
            let command = COMMANDS.iter().find(|command| command.name == name)?;
            let arguments = arguments.clone();
            Some(Self { command, arguments })
        });
        given.ok_or_else(|| clap::Error::new(ErrorKind::MissingSubcommand))
    }

    fn update_from_arg_matches(&mut self, matches: &ArgMatches) -> Result<(), clap::Error> {
        *self = Self::from_arg_matches(matches)?;
        Ok(())
    }
}

impl Subcommand for Given {
    fn augment_subcommands(program: clap::Command) -> clap::Command {
        program.subcommands(COMMANDS.iter().map(|command| {
            (command.arguments)(clap::Command::new(command.name))
                .about(command.about)
                .visible_aliases(command.aliases)
                .aliases(command.hidden_aliases)
        }))
    }

    fn augment_subcommands_for_update(program: clap::Command) -> clap::Command {
        Self::augment_subcommands(program)
    }

    fn has_subcommand(name: &str) -> bool {
        COMMANDS.iter().any(|command| command.name == name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::arguments::STREAMING;

    #[test]
    fn the_commands_that_tell_events_are_listed() {
        let streaming = COMMANDS.iter().filter(|command| command.can_stream());
        let names: Vec<&str> = streaming.map(|command| command.name).collect();
        assert_eq!(names, STREAMING);
    }
}
