//! Mistakes on the command line: clap's messages, and the right word for those of other tools.

use std::ffi::OsString;

use clap::error::{ContextKind, ContextValue, Error, ErrorKind};

use crate::cli::Exit;
use crate::cli::report::show;
use crate::cli::session::stack_file;
use crate::display::message;
use crate::display::{
    Annotation, ColorChoice, EventStream, Line, Message, Severity, Terminal, events, sanitize,
};
use crate::resource::shell::quoted;

/// The answer to a user who types a word of another tool.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Answer {
    /// The command has this name here.
    Here(&'static str),
    /// There is no such command: the reason, and a line that does it or shows more.
    Instead(&'static str, &'static str),
}

use Answer::{Here, Instead};

/// The words that users of other tools type, with what they mean here. Of two words, the second is one of [`SECOND`].
const ELSEWHERE: &[(&str, Answer)] = &[
    ("plan", Here("preview")),
    ("build", Here("preview")),
    ("synth", Here("preview")),
    ("package", Here("preview")),
    ("apply", Here("up")),
    ("deploy", Here("up")),
    ("push", Here("up")),
    ("refresh", Here("up")),
    ("create", Here("up")),
    ("delete", Here("destroy")),
    ("remove", Here("destroy")),
    ("rm", Here("destroy")),
    ("kill", Here("destroy")),
    ("stop", Here("destroy")),
    ("check", Here("validate")),
    ("lint", Here("validate")),
    ("describe", Here("explain")),
    ("doc", Here("explain")),
    ("docs", Here("explain")),
    ("man", Here("explain")),
    ("stack", Here("list")),
    ("stacks", Here("list")),
    ("ls", Here("list")),
    ("workspace", Here("list")),
    ("cancel", Here("unlock")),
    ("force-unlock", Here("unlock")),
    ("log", Here("history")),
    ("completion", Here("completions")),
    (
        "logs",
        Instead(
            "the AWS CLI follows the logs of a service",
            "aws logs tail /aws/ecs/NAME-ENVIRONMENT/SERVICE --follow",
        ),
    ),
    (
        "import",
        Instead(
            "a part of something that is not of the stack is taken over by a key of the stack file",
            "fde-infra explain options.import",
        ),
    ),
    (
        "config",
        Instead(
            "settings are keys of the stack file, or --set",
            "fde-infra explain",
        ),
    ),
    (
        "state",
        Instead(
            "there is no state file; what is live in AWS is the state",
            "fde-infra list",
        ),
    ),
    (
        "taint",
        Instead(
            "a resource is made again by name",
            "fde-infra up --replace NAME",
        ),
    ),
    (
        "login",
        Instead(
            "there is nothing to log in to but AWS itself",
            "aws sso login",
        ),
    ),
    (
        "whoami",
        Instead(
            "AWS says whose credentials they are",
            "aws sts get-caller-identity",
        ),
    ),
];

/// Words that follow one of other tools and say more than it: `stack output`.
const SECOND: &[(&str, &str)] = &[
    ("init", "init"),
    ("new", "init"),
    ("output", "output"),
    ("outputs", "output"),
    ("history", "history"),
    ("rm", "destroy"),
    ("delete", "destroy"),
];

/// Flags that users of other tools type, without their hyphens, and what they mean here.
const FLAGS: &[(&[&str], &str)] = &[
    (
        &["s", "stack"],
        "the stack stands by itself, as in `fde-infra preview dev`",
    ),
    (
        &["auto-approve", "skip-preview", "f", "force"],
        "`--yes` does not ask",
    ),
    (
        &["var", "c", "config", "context"],
        "`--set PATH=VALUE` sets a key of the stack file",
    ),
    (
        &["e", "env"],
        "a stack has one environment; name the stack, as in `fde-infra preview dev`",
    ),
    (
        &["v", "verbose", "debug"],
        "`--diff` shows every property that changes",
    ),
    (
        &["cwd", "C", "chdir"],
        "run it in that directory, or give the path of the stack file",
    ),
];

/// Prints help where it was asked for, and the mistake otherwise.
pub fn report(error: &Error, arguments: &[OsString], detailed: bool, events: &EventStream) -> Exit {
    let mut terminal = Terminal::new(ColorChoice::Auto).with_events(events);
    if let Some((word, answer)) = from_elsewhere(error, arguments) {
        // Of what follows, only a stack is sure to mean the same here.
        let stack = arguments
            .iter()
            .filter_map(|argument| argument.to_str())
            .skip_while(|argument| *argument != word)
            .nth(1)
            .filter(|stack| stack_file::named(stack).is_some());
        let stack = stack.map_or_else(String::new, |stack| format!(" {}", quoted(stack)));
        let message = Message::error(format!("there is no command `{word}`"));
        let message = match answer {
            Here(right) => message
                .help(format!("did you mean `{right}`?"))
                .command(format!("fde-infra {right}{stack}")),
            Instead(why, line) => message.help(why).command(line),
        };
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
    if let Some(meant) = flag_from_elsewhere(error, arguments) {
        terminal.report(&message::help(meant, terminal.width()));
    }
    if error.use_stderr() && from_elsewhere(error, arguments).is_none() {
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

/// The unknown command, with what it means here, if it is one of another tool.
pub fn from_elsewhere<'a>(error: &'a Error, arguments: &[OsString]) -> Option<(&'a str, Answer)> {
    if error.kind() != ErrorKind::InvalidSubcommand {
        return None;
    }
    let ContextValue::String(word) = error.get(ContextKind::InvalidSubcommand)? else {
        return None;
    };
    let (_, answer) = ELSEWHERE.iter().find(|(elsewhere, _)| elsewhere == word)?;
    let words = arguments.iter().filter_map(|argument| argument.to_str());
    let second = words.skip_while(|one| one != word).nth(1);
    let second = SECOND
        .iter()
        .find(|(elsewhere, _)| Some(*elsewhere) == second);
    let is_group = matches!(answer, Here("list"));
    match second {
        Some((_, here)) if is_group => Some((word, Here(here))),
        _ => Some((word, *answer)),
    }
}

/// The meaning of an unknown flag here, if it is one of another tool.
pub fn flag_from_elsewhere(error: &Error, arguments: &[OsString]) -> Option<&'static str> {
    if error.kind() != ErrorKind::UnknownArgument {
        return None;
    }
    let ContextValue::String(flag) = error.get(ContextKind::InvalidArg)? else {
        return None;
    };
    // Terraform's long flags have one hyphen, and of such a word clap names the first letter.
    let mut arguments = arguments.iter().filter_map(|argument| argument.to_str());
    let typed = arguments.find(|argument| argument.starts_with(flag.as_str()))?;
    let name = typed.trim_start_matches('-').split('=').next()?;
    let (_, meant) = FLAGS.iter().find(|(flags, _)| flags.contains(&name))?;
    Some(meant)
}
