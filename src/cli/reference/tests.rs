//! The reference of the commands, `docs/commands.md`, made from clap's description of them and from the statuses of
//! `exit.rs`.
//!
//! After a change: `UPDATE_EXPECT=1 cargo test --lib cli::reference`.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use clap::{Arg, ArgAction, CommandFactory};
use expect_test::expect_file;

use super::{COMMANDS, Cli};
use crate::display::line::wrap;

/// The width of the text.
const WIDTH: usize = 120;

/// Variables without a flag that are for users.
const VARIABLES: &[(&str, &str)] = &[
    (
        "FDE_INFRA_SANDBOX_NAME",
        "A name for the local account: each has its own process and its own objects.",
    ),
    (
        "FDE_INFRA_SANDBOX_DIR",
        "The directory of the local accounts, instead of the cache of the user.",
    ),
    ("NO_COLOR", "No colours, whatever the terminal can show."),
    (
        "COLUMNS",
        "The width of the output, where there is no terminal to ask.",
    ),
];

/// The page.
struct Page {
    text: String,
}

impl Page {
    fn line(&mut self, line: &str) {
        writeln!(self.text, "{line}").unwrap();
    }

    fn heading(&mut self, level: usize, heading: &str) {
        let marks = "#".repeat(level);
        self.line(&format!("\n{marks} {heading}\n"));
    }

    fn prose(&mut self, text: &str) {
        for line in wrap(text, Some(WIDTH)) {
            self.line(&line);
        }
    }

    fn item(&mut self, text: &str) {
        for (index, line) in wrap(text, Some(WIDTH - 2)).iter().enumerate() {
            let mark = if index == 0 { "- " } else { "  " };
            self.line(&format!("{mark}{line}"));
        }
    }

    fn table<const N: usize>(
        &mut self,
        head: [&str; N],
        rows: impl IntoIterator<Item = [String; N]>,
    ) {
        self.line(&format!("| {} |", head.join(" | ")));
        self.line(&format!("|{}", "---|".repeat(N)));
        for row in rows {
            let cells = row.map(|cell| cell.replace('|', "\\|"));
            self.line(&format!("| {} |", cells.join(" | ")));
        }
    }

    fn arguments<'a>(&mut self, title: &str, arguments: impl Iterator<Item = &'a Arg>) {
        let items: Vec<String> = arguments.map(argument).collect();
        if items.is_empty() {
            return;
        }
        self.line(&format!("\n{title}:\n"));
        for item in items {
            self.item(&item);
        }
    }
}

/// An argument in one paragraph: how it is written, what it does, its default and its variable.
fn argument(argument: &Arg) -> String {
    let values = argument.get_value_names().unwrap_or_default();
    let values: Vec<String> = values.iter().map(|name| format!("<{name}>")).collect();
    let takes = argument.get_action().takes_values();
    let mut spellings = Vec::new();
    if let Some(short) = argument.get_short() {
        spellings.push(format!("`-{short}`"));
    }
    match argument.get_long() {
        Some(long) if takes => spellings.push(format!("`--{long} {}`", values.join(" "))),
        Some(long) => spellings.push(format!("`--{long}`")),
        None => spellings.push(format!("`{}`", argument.get_id().as_str().to_uppercase())),
    }
    let help = argument.get_long_help().or(argument.get_help());
    let help = help.map(ToString::to_string).unwrap_or_default();
    let mut text = format!("**{}**: {help}", spellings.join(", "));
    if !text.ends_with('.') {
        text.push('.');
    }
    let possible = argument.get_possible_values();
    if takes && !possible.is_empty() && !argument.is_hide_possible_values_set() {
        let words = possible
            .iter()
            .map(|value| format!("`{}`", value.get_name()));
        text += &format!(" One of {}.", words.collect::<Vec<_>>().join(", "));
    }
    let defaults = argument.get_default_values().iter();
    let defaults: Vec<String> = defaults
        .map(|value| value.to_string_lossy().into_owned())
        .collect();
    if takes && !defaults.is_empty() {
        text += &format!(" Default: `{}`.", defaults.join(","));
    }
    if let Some(variable) = argument.get_env() {
        let several = match (argument.get_action(), argument.get_value_delimiter()) {
            (ArgAction::Append, Some(_)) => ", several with commas between",
            _ => "",
        };
        text += &format!(" Variable: `{}`{several}.", variable.to_string_lossy());
    }
    text
}

fn built() -> clap::Command {
    // The help of a flag shows what its variable is set to; this page does not.
    let mut program = Cli::command();
    program.build();
    program
}

/// The usage of a command, without styles and without the word before it.
fn usage(command: &clap::Command) -> String {
    let usage = command.clone().render_usage().to_string();
    usage.trim_start_matches("Usage: ").to_owned()
}

fn of_command(page: &mut Page, level: usize, path: &str, command: &clap::Command) {
    page.heading(level, &format!("`{path}`"));
    let about = command.get_long_about().or(command.get_about());
    let about = about.map(ToString::to_string).unwrap_or_default();
    page.prose(&format!("{}.", about.trim_end_matches('.')));
    let aliases: Vec<String> = command
        .get_visible_aliases()
        .map(|alias| format!("`{alias}`"))
        .collect();
    if !aliases.is_empty() {
        page.line("");
        page.prose(&format!("Also {}.", aliases.join(", ")));
    }
    page.line(&format!("\n```text\n{}\n```", usage(command)));
    let shown = |argument: &&Arg| {
        !argument.is_global_set() && !argument.is_hide_set() && !is_of_clap(argument)
    };
    page.arguments("Arguments", command.get_positionals().filter(shown));
    let options = command
        .get_arguments()
        .filter(|argument| !argument.is_positional());
    page.arguments("Options", options.filter(shown));
    for below in command
        .get_subcommands()
        .filter(|below| below.get_name() != "help")
    {
        of_command(
            page,
            level + 1,
            &format!("{path} {}", below.get_name()),
            below,
        );
    }
}

fn is_of_clap(argument: &Arg) -> bool {
    ["help", "version"].contains(&argument.get_id().as_str())
}

/// The exit statuses with their doc comments, in the order of the source.
fn statuses() -> Vec<(String, String)> {
    let source = include_str!("../exit.rs");
    let (_, body) = source.split_once("pub enum Exit {").unwrap();
    let (body, _) = body.split_once("\n}").unwrap();
    let mut statuses = Vec::new();
    let mut doc = Vec::new();
    for line in body.lines().map(str::trim) {
        if let Some(text) = line.strip_prefix("/// ") {
            doc.push(text);
        } else if let Some((_, number)) = line.trim_end_matches(',').split_once(" = ") {
            statuses.push((number.to_owned(), doc.join(" ")));
            doc.clear();
        }
    }
    statuses
}

fn commands_page() -> String {
    let program = built();
    let mut page = Page {
        text: "# Commands\n\n".to_owned(),
    };
    let about = program
        .get_long_about()
        .map(ToString::to_string)
        .unwrap_or_default();
    let (_, about) = about.split_once("\n\n").unwrap_or(("", &about));
    page.line("```text");
    page.line("fde-infra <command> [STACK] [options]");
    page.line("```");
    page.line("");
    page.prose(&about.replace('\n', " "));
    page.line("");
    page.prose(
        "A variable that is nearly one of these (`FDE_INFRA_EXCLUDES`) is an error. Data goes to the standard output, everything else \
         to the standard error. This page is made from the program, and a test compares the two; `fde-infra help COMMAND` prints the options of a command.",
    );
    page.line("");
    let rows = COMMANDS.iter().map(|command| {
        let reads = if command.only_reads {
            "reads"
        } else {
            "changes"
        };
        [
            format!("[`{0}`](#{0})", command.name),
            command.about.to_owned(),
            reads.to_owned(),
        ]
    });
    page.table(["command", "what it does", "AWS"], rows);
    for command in COMMANDS {
        let described = program.find_subcommand(command.name).unwrap();
        of_command(&mut page, 2, command.name, described);
    }
    page.heading(2, "Options of every command");
    let global = program
        .get_arguments()
        .filter(|argument| argument.is_global_set());
    for item in global.map(argument) {
        page.item(&item);
    }
    page.item("**`-h`, `--help`**: Print the help.");
    page.item("**`-V`, `--version`**: Print the version.");
    page.heading(2, "Variables without an option");
    for (name, meaning) in VARIABLES {
        page.item(&format!("**`{name}`**: {meaning}"));
    }
    page.heading(2, "Exit status");
    let mut known: BTreeMap<u8, Vec<String>> = BTreeMap::new();
    for (number, meaning) in statuses() {
        let number: u8 = number.parse().unwrap();
        // Under `--detailed-exitcode` it is 2.
        let status = if number == super::Exit::Changes as u8 {
            super::Exit::Changes.status()
        } else {
            number
        };
        known.entry(status).or_default().push(meaning);
    }
    let rows = known
        .into_iter()
        .map(|(status, meanings)| [status.to_string(), meanings.join(" ")]);
    page.table(["status", "meaning"], rows);
    page.line("");
    page.prose("With `preview --detailed-exitcode`: 0 no changes, 1 error, 2 changes.");
    page.text
}

#[test]
fn the_reference_is_that_of_the_commands() {
    expect_file!["../../../docs/commands.md"].assert_eq(&commands_page());
}

/// Every flag and every variable of the program stands on the page.
#[test]
fn nothing_is_left_out() {
    let page = commands_page();
    let mut open = vec![built()];
    let mut count = 0;
    while let Some(command) = open.pop() {
        for argument in command
            .get_arguments()
            .filter(|argument| !argument.is_hide_set())
        {
            let long = argument.get_long().map(|long| format!("--{long}"));
            let variable = argument
                .get_env()
                .map(|name| name.to_string_lossy().into_owned());
            for word in long.into_iter().chain(variable) {
                assert!(page.contains(&format!("`{word}")), "{word}");
                count += 1;
            }
        }
        let below = command.get_subcommands();
        open.extend(below.filter(|below| below.get_name() != "help").cloned());
    }
    assert!(count > 80, "{count}");
    assert_eq!(statuses().len(), 12);
}
