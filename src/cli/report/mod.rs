//! Failures that end a command early, as a report and an exit status.
//!
//! Faults of a stack file are shown at their places in the text, by `fault`; all others are messages.

mod calls;
mod excerpt;
mod fault;

pub use fault::{excerpt, place};

use std::fmt;

use crate::cli::Exit;
use crate::display::{Annotation, Line, Message, Severity, Style, Terminal, events};
use crate::plan::verify::Violation;
use crate::stack::StackErrors;
use fault::show_places;

/// The result of a command.
pub type CommandResult = Result<Exit, Failure>;

/// The reason why a command ended early.
#[derive(Debug)]
pub struct Failure {
    exit: Exit,
    body: Body,
}

#[derive(Debug)]
enum Body {
    Messages(Vec<Message>),
    Stack(Box<StackErrors>),
}

impl Failure {
    pub fn new(exit: Exit, message: Message) -> Self {
        Self {
            exit,
            body: Body::Messages(vec![message]),
        }
    }

    pub fn several(exit: Exit, messages: Vec<Message>) -> Self {
        Self {
            exit,
            body: Body::Messages(messages),
        }
    }

    /// A signal came before anything was changed.
    pub fn cancelled() -> Self {
        Self::new(
            Exit::Cancelled,
            Message::warning("cancelled; nothing was changed"),
        )
    }

    /// A plan broke a rule that all plans keep.
    pub fn of_plan(violation: &Violation) -> Self {
        let message = Message::error("the plan breaks a rule that every plan must keep")
            .fact("rule", violation.to_string())
            .fact("now", "nothing was changed")
            .help(crate::display::bug());
        Self::new(Exit::Bug, message)
    }

    /// Data could not be written to standard output.
    pub fn of_writing(error: &std::io::Error) -> Self {
        let message =
            Message::error("could not write to standard output").fact("answer", error.to_string());
        Self::new(Exit::Error, message)
    }

    /// Tells the user, and returns the exit status.
    pub fn report(&self, terminal: &mut Terminal) -> Exit {
        match &self.body {
            Body::Messages(messages) => show(messages, terminal),
            Body::Stack(errors) => {
                let annotations = show_places(errors, Severity::Error, terminal);
                terminal.report(&[Line::styled(Style::Error, "error").and(format!(": {errors}"))]);
                terminal.annotate(&annotations);
            }
        }
        self.exit
    }
}

/// Warns about parts of a stack file that may, or may not, be mistakes.
pub fn warn(warnings: &StackErrors, terminal: &mut Terminal) {
    let annotations = show_places(warnings, Severity::Warning, terminal);
    terminal.annotate(&annotations);
}

/// Writes messages to standard error, a blank line between them.
pub fn show(messages: &[Message], terminal: &mut Terminal) {
    let width = terminal.width();
    for (index, message) in messages.iter().enumerate() {
        terminal.event(&events::diagnostic(message));
        let mut lines = message.render(width);
        if index > 0 {
            lines.insert(0, Line::new());
        }
        terminal.report(&lines);
    }
    let annotations: Vec<Annotation> = messages.iter().map(Message::annotation).collect();
    terminal.annotate(&annotations);
}

impl From<StackErrors> for Failure {
    fn from(errors: StackErrors) -> Self {
        Self {
            exit: Exit::Usage,
            body: Body::Stack(Box::new(errors)),
        }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "exit status {}", self.exit.status())
    }
}
