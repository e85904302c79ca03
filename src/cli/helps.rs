//! Checks that the program takes the command lines and flags that its help texts tell users to type.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use clap::{CommandFactory, Parser};

use super::Cli;

fn files(folder: &Path, extensions: &[&str]) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).expect("the folder can be listed") {
        let path = entry.expect("the entry can be read").path();
        if path.is_dir() {
            found.extend(files(&path, extensions));
        } else if extensions
            .iter()
            .any(|extension| path.extension().is_some_and(|found| found == *extension))
        {
            found.push(path);
        }
    }
    found.sort();
    found
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// Splits a line as a shell does.
fn words(line: &str) -> Vec<String> {
    let mut words = Vec::new();
    let mut rest = line.trim();
    while !rest.is_empty() {
        let mut word = String::new();
        let mut quote = None;
        let mut end = rest.len();
        for (at, character) in rest.char_indices() {
            match quote {
                None if character.is_whitespace() => {
                    end = at;
                    break;
                }
                None if character == '\'' || character == '"' => quote = Some(character),
                Some(open) if character == open => quote = None,
                _ => word.push(character),
            }
        }
        words.push(word);
        rest = rest[end..].trim_start();
    }
    words
}

/// Each command line in a recorded screen that is there to be copied.
#[test]
fn commands_that_screens_name_are_taken() {
    let mut tried = BTreeSet::new();
    let mut wrong = Vec::new();
    for path in files(&root().join("tests/snapshots"), &["txt", "md"]) {
        let text = std::fs::read_to_string(&path).expect("the screen can be read");
        for line in text.lines() {
            // A shell's prompt is no part of it.
            let Some(command) = line.strip_prefix("    fde-infra ") else {
                continue;
            };
            if !tried.insert(command.to_owned()) {
                continue;
            }
            let mut arguments = words(command);
            arguments.insert(0, "fde-infra".to_owned());
            if let Err(error) = Cli::try_parse_from(arguments) {
                wrong.push(format!("{}: {command}\n{error}", path.display()));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(tried.len() > 10, "{tried:?}");
}

/// Each flag that a text of the program names, except those of other programs.
#[test]
fn flags_that_texts_name_are_there() {
    let mut known: BTreeSet<String> = ["help", "version"].map(str::to_owned).into();
    let mut commands = vec![Cli::command()];
    while let Some(command) = commands.pop() {
        let longs = command.get_arguments().filter_map(clap::Arg::get_long);
        known.extend(longs.map(str::to_owned));
        commands.extend(command.get_subcommands().cloned());
    }
    let mut named = BTreeSet::new();
    for room in ["cli", "component", "deployment", "display", "plan", "stack"] {
        for path in files(&root().join("src").join(room), &["rs"]) {
            let text = std::fs::read_to_string(&path).expect("the source can be read");
            for line in text.lines().map(str::trim_start) {
                // `cargo` and `aws` have flags of their own.
                if line.starts_with("//") || line.contains("aws ") || line.contains("git ") {
                    continue;
                }
                let Some((_, literal)) = line.split_once('"') else {
                    continue;
                };
                for piece in literal.split("--").skip(1) {
                    let flag: String = piece
                        .chars()
                        .take_while(|c| c.is_ascii_lowercase() || *c == '-')
                        .collect();
                    let flag = flag.trim_end_matches('-');
                    if flag.len() > 1 {
                        named.insert((flag.to_owned(), path.clone()));
                    }
                }
            }
        }
    }
    let unknown: Vec<_> = named
        .iter()
        .filter(|(flag, _)| !known.contains(flag))
        .collect();
    assert!(named.len() > 20, "{named:?}");
    assert!(unknown.is_empty(), "{unknown:?}");
}
