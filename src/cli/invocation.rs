//! One run of the program: what was typed, and where it runs.

use super::arguments::{ForceArguments, GlobalArguments, SelectionArguments, StackArguments};
use super::command_line::CommandLine;
use super::environment::Environment;
use super::interrupt::Interrupts;
use crate::display::Terminal;

/// The arguments of a run as far as commands share them, and its surroundings.
///
/// A command first sets the stack that it works on, and the selection if it takes one: everything after that, from the
/// file that is read to the line that an error advises, goes by them.
pub struct Invocation {
    pub command: &'static str,
    /// True if the user has said beforehand that nothing is to be asked.
    pub yes: bool,
    pub global: GlobalArguments,
    pub stack: StackArguments,
    pub selection: SelectionArguments,
    pub force: ForceArguments,
    pub environment: Environment,
    pub terminal: Terminal,
    pub interrupts: Interrupts,
    /// Describes the whole command line.
    pub program: fn() -> clap::Command,
}

impl Invocation {
    pub fn new(
        command: &'static str,
        global: GlobalArguments,
        environment: Environment,
        terminal: Terminal,
        interrupts: Interrupts,
        program: fn() -> clap::Command,
    ) -> Self {
        Self {
            command,
            yes: false,
            global,
            stack: StackArguments::default(),
            selection: SelectionArguments::default(),
            force: ForceArguments::default(),
            environment,
            terminal,
            interrupts,
            program,
        }
    }

    /// The command line that repeats this run. A run that told events can ask nothing the next time either.
    pub fn retry_command(&self) -> CommandLine {
        let streams = self.terminal.streams();
        CommandLine {
            command: self.command,
            yes: self.yes && streams,
            streams,
            global: self.global.clone(),
            stack: self.stack.clone(),
            selection: self.selection.clone(),
            force: self.force.clone(),
            added: String::new(),
        }
    }

    /// The line of another command for the same stack, as a whole.
    pub fn stack_command(&self, command: &'static str) -> CommandLine {
        self.retry_command().of_whole_stack(command)
    }

    /// Returns whether frames may be drawn.
    pub fn can_animate(&self) -> bool {
        self.environment.can_animate(self.global.non_interactive)
    }

    /// Returns whether there is a user to ask.
    pub fn is_interactive(&self) -> bool {
        self.environment.is_interactive(self.global.non_interactive)
    }
}
