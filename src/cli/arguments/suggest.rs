//! Mistakes on the command line: clap's messages, and the right word for those of other tools.

use std::ffi::OsString;

use clap::error::{ContextKind, ContextValue, Error, ErrorKind};

use crate::cli::Exit;
use crate::cli::report::show;
use crate::cli::session::stack_file;
use crate::display::{
    Annotation, ColorChoice, EventStream, Line, Message, Severity, Terminal, events, sanitize,
};
use crate::resource::shell::quoted;

/// The commands that users of other tools type, each with its name here.
const ELSEWHERE: &[(&str, &str)] = &[
    ("plan", "preview"),
    ("build", "preview"),
    ("apply", "up"),
    ("deploy", "up"),
    ("push", "up"),
    ("refresh", "up"),
    ("delete", "destroy"),
    ("remove", "destroy"),
    ("rm", "destroy"),
    ("kill", "destroy"),
    ("stop", "destroy"),
    ("check", "validate"),
    ("describe", "explain"),
    ("doc", "explain"),
    ("docs", "explain"),
    ("man", "explain"),
    ("lint", "validate"),
    ("stack", "output"),
    ("cancel", "unlock"),
    ("force-unlock", "unlock"),
    ("log", "history"),
    ("stacks", "list"),
];

/// Prints help where it was asked for, and the mistake otherwise.
pub fn report(error: &Error, arguments: &[OsString], detailed: bool, events: &EventStream) -> Exit {
    let mut terminal = Terminal::new(ColorChoice::Auto).with_events(events);
    if let Some((word, right)) = from_elsewhere(error) {
        // Of what follows, only a stack is sure to mean the same here.
        let stack = arguments
            .iter()
            .filter_map(|argument| argument.to_str())
            .skip_while(|argument| *argument != word)
            .nth(1)
            .filter(|stack| stack_file::named(stack).is_some());
        let stack = stack.map_or_else(String::new, |stack| format!(" {}", quoted(stack)));
        let message = Message::error(format!("there is no command `{word}`"))
            .help(format!("did you mean `{right}`?"))
            .command(format!("fde-infra {right}{stack}"));
        show(&[message], &mut terminal);
    } else if is_harmless(error) {
        if error.print().is_err() {
            return Exit::Error;
        }
    } else {
        // It quotes the command line, which a script may have put together from anything.
        let text = error.render().to_string();
        let lines: Vec<Line> = text.lines().map(Line::plain).collect();
        terminal.report(&lines);
    }
    if error.use_stderr() && from_elsewhere(error).is_none() {
        let text = error.render().to_string();
        let usage = Annotation::new(Severity::Error, "usage", None);
        let text = text.trim_end().trim_start_matches("error: ");
        terminal.annotate(&[usage.line(text)]);
        let mut lines = text.lines().map(str::trim).filter(|line| !line.is_empty());
        let message = Message::error(lines.next().unwrap_or_default());
        terminal.event(&events::diagnostic(&lines.fold(message, Message::help)));
    }
    match error.kind() {
        ErrorKind::DisplayHelp | ErrorKind::DisplayVersion => Exit::Done,
        // Under this flag, 2 means changes.
        _ if detailed => Exit::Error,
        _ => Exit::Usage,
    }
}

/// Returns whether clap's own print of an error gives a terminal or a CI system nothing to obey.
fn is_harmless(error: &Error) -> bool {
    let text = error.render().to_string();
    let is_line_end = |character: char| character == '\n';
    text.lines()
        .all(|line| sanitize::workflow_commands(line).is_empty())
        && !text
            .contains(|character: char| sanitize::is_harmful(character) && !is_line_end(character))
}

/// The unknown command, with its name here, if it is one of another tool.
pub fn from_elsewhere(error: &Error) -> Option<(&str, &'static str)> {
    if error.kind() != ErrorKind::InvalidSubcommand {
        return None;
    }
    let ContextValue::String(word) = error.get(ContextKind::InvalidSubcommand)? else {
        return None;
    };
    let (_, here) = ELSEWHERE.iter().find(|(elsewhere, _)| elsewhere == word)?;
    Some((word, here))
}
