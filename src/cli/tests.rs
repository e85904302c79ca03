//! The command line itself: what is accepted, what it means, what each flag is called in the environment.

use std::ffi::OsString;

use clap::{Command as ClapCommand, CommandFactory, Parser};
use expect_test::{Expect, expect};

use super::arguments::suggest::{self, Answer};
use super::arguments::{boolean, duration, region};
use super::{COMMANDS, Cli, Exit, variables};
use crate::resource::shell::quoted;

fn each_command(command: &ClapCommand, see: &mut dyn FnMut(&ClapCommand)) {
    see(command);
    for inner in command.get_subcommands() {
        each_command(inner, see);
    }
}

#[test]
fn clap_finds_no_fault() {
    Cli::command().debug_assert();
}

#[test]
fn every_flag_has_its_twin_in_the_environment() {
    each_command(&Cli::command(), &mut |command| {
        for argument in command.get_arguments() {
            let Some(long) = argument.get_long() else {
                continue;
            };
            if ["help", "version"].contains(&long) {
                continue;
            }
            let twin = format!("FDE_INFRA_{}", long.to_uppercase().replace('-', "_"));
            let env = argument
                .get_env()
                .map(|env| env.to_string_lossy().into_owned());
            assert_eq!(env, Some(twin), "{} --{long}", command.get_name());
        }
    });
}

#[test]
fn every_argument_and_command_is_explained() {
    each_command(&Cli::command(), &mut |command| {
        assert!(command.get_about().is_some(), "{}", command.get_name());
        for argument in command.get_arguments() {
            let name = command.get_name();
            assert!(argument.get_help().is_some(), "{name} {argument}");
        }
    });
}

/// The name of the command that the words mean.
fn parsed(words: &str) -> Result<&'static str, clap::Error> {
    let words = std::iter::once("fde-infra").chain(words.split_whitespace());
    Cli::try_parse_from(words).map(|cli| cli.command.command.name)
}

#[test]
fn other_names_of_commands() {
    for (words, name) in [
        ("pre dev", "preview"),
        ("update dev -y", "up"),
        ("down", "destroy"),
        ("dn dev --yes", "destroy"),
        ("--sandbox output dev vpcId --json", "output"),
    ] {
        assert_eq!(parsed(words).ok(), Some(name), "{words}");
    }
    assert!(parsed("up --parallel 0").is_err());
}

/// A command that changes something in AWS can be told not to ask; the others have nothing to ask.
#[test]
fn commands_that_change_something_take_yes() {
    let program = Cli::command();
    for command in COMMANDS {
        let described = program.find_subcommand(command.name).unwrap();
        let mut flags = described.get_arguments().filter_map(clap::Arg::get_long);
        assert_eq!(
            flags.any(|flag| flag == "yes"),
            !command.only_reads,
            "{}",
            command.name
        );
    }
}

fn check_suggestion(words: &str, expected: Expect) {
    let arguments: Vec<OsString> = words.split(' ').map(OsString::from).collect();
    let error = parsed(words).expect_err("an unknown command or flag");
    let suggestion = match suggest::from_elsewhere(&error, &arguments) {
        Some((word, Answer::Here(right))) => format!("{word} → {right}"),
        Some((word, Answer::Instead(_, line))) => format!("{word}: {line}"),
        None => suggest::flag_from_elsewhere(&error, &arguments)
            .unwrap_or_default()
            .to_owned(),
    };
    expected.assert_eq(&suggestion);
}

#[test]
fn words_of_other_tools_are_understood() {
    check_suggestion("plan dev", expect!["plan → preview"]);
    check_suggestion("apply", expect!["apply → up"]);
    check_suggestion("delete", expect!["delete → destroy"]);
    check_suggestion("force-unlock dev", expect!["force-unlock → unlock"]);
    check_suggestion("stack ls", expect!["stack → list"]);
    check_suggestion("stack output", expect!["stack → output"]);
    check_suggestion("stack init", expect!["stack → init"]);
    check_suggestion("workspace new", expect!["workspace → init"]);
    check_suggestion("plan output", expect!["plan → preview"]);
    check_suggestion("state", expect!["state: fde-infra list"]);
    check_suggestion("taint x", expect!["taint: fde-infra up --replace NAME"]);
    check_suggestion("nonsense", expect![""]);
    check_suggestion(
        "preview -s dev",
        expect!["the stack stands by itself, as in `fde-infra preview dev`"],
    );
    check_suggestion("up -auto-approve", expect!["`--yes` does not ask"]);
    check_suggestion("up -x", expect![""]);
}

#[test]
fn times_are_written_as_people_do() {
    for (text, seconds) in [
        ("0", 0),
        ("90", 90),
        ("0s", 0),
        ("30s", 30),
        ("10m", 600),
        ("1h30m", 5400),
        ("1h2m3s", 3723),
    ] {
        let read = duration(text).map(|time| time.as_secs());
        assert_eq!(read, Ok(seconds), "{text}");
    }
    for text in [
        "",
        "m",
        "-1",
        "1.5h",
        "10 m",
        "1h30",
        "1d",
        "9h9é",
        "9000000h",
        "99999999999999999999s",
    ] {
        assert!(duration(text).is_err(), "{text}");
    }
}

#[test]
fn switches_in_the_environment() {
    for on in ["1", "TRUE", "yes", "on"] {
        assert_eq!(boolean(on), Ok(true), "{on}");
    }
    for off in ["", "0", "false", "No", "off"] {
        assert_eq!(boolean(off), Ok(false), "{off}");
    }
    assert!(boolean("maybe").is_err());
}

#[test]
fn exit_statuses_are_those_of_the_table() {
    let statuses = [
        (Exit::Done, 0),
        (Exit::Error, 1),
        (Exit::Usage, 2),
        (Exit::Credentials, 3),
        (Exit::ResourceFailed, 4),
        (Exit::Refused, 5),
        (Exit::NoStack, 6),
        (Exit::UnexpectedChanges, 7),
        (Exit::Cancelled, 8),
        (Exit::TimedOut, 9),
        (Exit::Bug, 70),
        (Exit::Changes, 2),
    ];
    for (exit, status) in statuses {
        assert_eq!(exit.status(), status, "{exit:?}");
    }
}

#[test]
fn command_lines_can_be_copied() {
    assert_eq!(quoted("services/api"), "services/api");
    assert_eq!(quoted("*TargetGroup"), "'*TargetGroup'");
    assert_eq!(quoted("it's"), "'it'\\''s'");
}

/// A variable that documents and workflows name must not be taken for another one misspelt.
#[test]
fn variables_that_documents_name_are_known() {
    let known = variables(&Cli::command());
    let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut named = std::collections::BTreeSet::new();
    let mut places = vec![
        root.join("README.md"),
        root.join("docs"),
        root.join(".github"),
    ];
    while let Some(place) = places.pop() {
        if place.is_dir() {
            let entries = std::fs::read_dir(&place).unwrap();
            places.extend(entries.map(|entry| entry.unwrap().path()));
            continue;
        }
        let text = std::fs::read_to_string(&place).unwrap();
        named.extend(text.split("FDE_INFRA_").skip(1).map(|rest| {
            let is_part = |letter: &char| letter.is_ascii_uppercase() || *letter == '_';
            let name: String = rest.chars().take_while(is_part).collect();
            format!("FDE_INFRA_{name}")
        }));
    }
    // The prefix itself, and the example of one that is misspelt.
    named.retain(|name| name != "FDE_INFRA_" && name != "FDE_INFRA_EXCLUDES");
    assert!(named.len() > 20, "{named:?}");
    let unknown: Vec<&String> = named.iter().filter(|name| !known.contains(name)).collect();
    assert!(unknown.is_empty(), "{unknown:?}");
}

#[test]
fn a_misspelt_region_is_no_consent() {
    for fine in ["eu-south-2", "us-gov-west-1", "eu-west-9", ""] {
        assert_eq!(region(fine).as_deref(), Ok(fine));
    }
    let nearest = "is not a region of AWS; did you mean `eu-south-2`?";
    assert_eq!(region("eu-suoth-2").unwrap_err(), nearest);
    let zone = "is not of the form `eu-south-2`; that is a zone; its region is `eu-south-2`";
    assert_eq!(region("eu-south-2a").unwrap_err(), zone);
    assert!(parsed("up dev --allow-region eu-south-2,eu-suoth-2").is_err());
    assert!(parsed("preview dev --allow-region eu-south-2,eu-west-1").is_ok());
}
