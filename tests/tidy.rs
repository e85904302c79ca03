//! The architecture of `src/lib.rs`, held in place: which room may know which, where asynchronous code and the outside world
//! may be, and that every resource type is registered, tested, and made in the lab.

#![allow(
    clippy::expect_used,
    clippy::panic,
    clippy::print_stderr,
    clippy::print_stdout,
    clippy::unwrap_used,
    reason = "a test that cannot go on fails where it stands, and says what it saw"
)]

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

/// The rooms that a room may use, besides itself.
const MAY_USE: &[(&str, &[&str])] = &[
    ("resource", &[]),
    ("graph", &["resource"]),
    // `component::registry` alone: which sections a file can have is said once, where the sections are.
    ("stack", &["resource", "graph", "component"]),
    ("component", &["resource", "graph", "stack"]),
    ("live", &["resource", "graph"]),
    ("plan", &["resource", "graph"]),
    ("execute", &["resource", "graph", "plan"]),
    // A room that needs a few of AWS's calls says which, as `resource` does of its providers.
    ("deployment", &["resource"]),
    ("aws", &["resource", "deployment"]),
    (
        "display",
        &["resource", "graph", "plan", "execute", "deployment"],
    ),
    ("sandbox", &[]),
    ("testing", &["resource", "graph", "execute", "deployment"]),
    (
        "cli",
        &[
            "resource",
            "graph",
            "stack",
            "component",
            "live",
            "plan",
            "execute",
            "deployment",
            "aws",
            "display",
            "sandbox",
        ],
    ),
];

/// Rooms without `async`, clock, environment or files.
const PURE: &[&str] = &["stack", "component", "graph", "resource", "plan", "display"];

/// The files of a pure room that are its door: the read session is filled by providers, the writer writes.
const DOORS: &[&str] = &[
    "src/resource/session.rs",
    "src/resource/provider.rs",
    "src/display/terminal.rs",
];

/// The words that a pure room must not mention.
const OUTSIDE: &[&str] = &[
    "async fn",
    ".await",
    "std::env",
    "std::fs",
    "std::net",
    "std::process",
    "Instant::now",
    "SystemTime",
    "println!",
];

/// Words of a dialect: comments say which party is meant, and what happens.
const DIALECT: &[&str] = &[
    "whoever",
    "somebody",
    "nobody",
    "anybody",
    "everybody",
    "anew",
    "in vain",
    "so many",
];

/// Words that a doc comment does not begin with: its first sentence is a noun phrase, or a verb with its object.
const NO_BEGINNING: &[&str] = &["What", "Whether", "Who", "Where"];

/// The most lines of a file: a longer one holds several subjects.
const LONGEST: usize = 700;

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn rust_files(under: &str) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut open = vec![root().join(under)];
    while let Some(directory) = open.pop() {
        for entry in fs::read_dir(&directory).expect("the folder is readable") {
            let path = entry.expect("the entry is readable").path();
            if path.is_dir() {
                open.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                found.push(path);
            }
        }
    }
    found.sort();
    found
}

/// Path from the project's root.
fn name(path: &Path) -> String {
    path.strip_prefix(root())
        .expect("below the root")
        .to_string_lossy()
        .replace('\\', "/")
}

/// The code of a file without its comments and its tests.
fn product_code(path: &Path) -> String {
    // The code that sets a scene may come from any room.
    let is_test = path.ends_with("tests.rs") || name(path).contains("/tests/");
    if is_test || path.ends_with("component/testing.rs") {
        return String::new();
    }
    let text = fs::read_to_string(path).expect("the file is readable");
    let end = text.find("#[cfg(test)]").unwrap_or(text.len());
    text[..end]
        .lines()
        .filter(|line| !line.trim_start().starts_with("//"))
        .collect::<Vec<_>>()
        .join("\n")
}

fn room(name: &str) -> Option<&str> {
    let (room, _) = name.strip_prefix("src/")?.split_once('/')?;
    Some(room)
}

#[test]
fn rooms_use_only_what_they_may() {
    let allowed: BTreeMap<&str, &[&str]> = MAY_USE.iter().copied().collect();
    let mut broken = Vec::new();
    for path in rust_files("src") {
        let name = name(&path);
        let Some(room) = room(&name) else { continue };
        let may = allowed
            .get(room)
            .unwrap_or_else(|| panic!("{name}: a room that tests/tidy.rs does not know"));
        let code = product_code(&path);
        for (position, _) in code.match_indices("crate::") {
            let used: String = code[position + "crate::".len()..]
                .chars()
                .take_while(|character| character.is_alphanumeric() || *character == '_')
                .collect();
            if used != room && allowed.contains_key(used.as_str()) && !may.contains(&used.as_str())
            {
                broken.push(format!("{name} uses {used}"));
            }
        }
    }
    assert_eq!(broken, [] as [String; 0]);
}

#[test]
fn pure_rooms_do_not_look_outside() {
    let mut broken = Vec::new();
    for path in rust_files("src") {
        let name = name(&path);
        let pure = room(&name).is_some_and(|room| PURE.contains(&room));
        if !pure || DOORS.contains(&name.as_str()) {
            continue;
        }
        let code = product_code(&path);
        for word in OUTSIDE {
            if code.contains(word) {
                broken.push(format!("{name} mentions `{word}`"));
            }
        }
    }
    assert_eq!(broken, [] as [String; 0]);
}

#[test]
fn the_sdk_stays_in_its_room_and_the_local_account_in_its_own() {
    let mut broken = Vec::new();
    for path in rust_files("src") {
        let name = name(&path);
        let code = product_code(&path);
        if room(&name) != Some("aws") && (code.contains("aws_sdk_") || code.contains("aws_config"))
        {
            broken.push(format!("{name} names the SDK"));
        }
        if room(&name) != Some("sandbox") && code.to_lowercase().contains("moto") {
            broken.push(format!("{name} knows the local account"));
        }
    }
    assert_eq!(broken, [] as [String; 0]);
}

#[test]
fn files_hold_one_subject() {
    let long: Vec<String> = rust_files("src")
        .iter()
        .map(|path| {
            let lines = fs::read_to_string(path).expect("readable").lines().count();
            (name(path), lines)
        })
        .filter(|(_, lines)| *lines > LONGEST)
        .map(|(name, lines)| format!("{name}: {lines} lines"))
        .collect();
    assert_eq!(long, [] as [String; 0]);
}

/// Files in `src/aws/<service>/` that define a resource type.
/// A comment of a line: how it begins, and its text.
fn comment(line: &str) -> Option<(&str, &str)> {
    let line = line.trim_start();
    let mark = ["///", "//!", "//"]
        .into_iter()
        .find(|mark| line.starts_with(mark))?;
    Some((mark, line[mark.len()..].trim()))
}

#[test]
fn comments_are_plain_and_say_first_what_it_is() {
    let mut faults = Vec::new();
    for path in rust_files("src").into_iter().chain(rust_files("tests")) {
        let text = fs::read_to_string(&path).expect("source is readable");
        let mut before = "";
        for (number, line) in (1..).zip(text.lines()) {
            let Some((mark, said)) = comment(line) else {
                before = "";
                continue;
            };
            let lower = format!(
                " {} ",
                said.to_lowercase()
                    .replace(|c: char| !c.is_alphanumeric(), " ")
            );
            let place = format!("{}:{number}", name(&path));
            for word in DIALECT {
                if lower.contains(&format!(" {word} ")) {
                    faults.push(format!("{place}: `{word}`"));
                }
            }
            let begins = mark != "//" && before != mark;
            let first = said.split(' ').next().unwrap_or_default();
            if begins && NO_BEGINNING.contains(&first) {
                faults.push(format!("{place}: begins with `{first}`"));
            }
            before = mark;
        }
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

fn resource_type_files() -> BTreeSet<String> {
    rust_files("src/aws")
        .iter()
        .filter(|path| product_code(path).contains("impl ResourceType for"))
        .map(|path| name(path))
        .collect()
}

#[test]
fn every_resource_type_is_registered() {
    let registry = fs::read_to_string(root().join("src/aws/registry.rs")).expect("readable");
    let forgotten: Vec<String> = resource_type_files()
        .into_iter()
        .filter(|file| {
            let path = file
                .trim_start_matches("src/aws/")
                .trim_end_matches(".rs")
                .replace('/', "::");
            !registry.contains(&format!("{path}::"))
        })
        .collect();
    assert_eq!(forgotten, [] as [String; 0]);
}

#[test]
fn every_resource_type_is_tested_end_to_end() {
    let main = fs::read_to_string(root().join("tests/e2e/main.rs")).expect("readable");
    let mut forgotten = Vec::new();
    for file in resource_type_files() {
        let test = file
            .trim_start_matches("src/aws/")
            .trim_end_matches(".rs")
            .replace('/', "_");
        let exists = root().join(format!("tests/e2e/{test}.rs")).is_file();
        if !exists || !main.contains(&format!("mod {test};")) {
            forgotten.push(format!(
                "{file} has no tests/e2e/{test}.rs in tests/e2e/main.rs"
            ));
        }
    }
    assert_eq!(forgotten, [] as [String; 0]);
}

/// The lab kills an `up` at the first call of each operation, of a stack that is to have every type.
#[test]
fn every_resource_type_is_made_in_the_lab() {
    let path = root().join("tests/lab/every-type.yaml");
    let catalog = fde_infra::aws::registry::catalog();
    let read = |path: &str| fs::read_to_string(path);
    let stack = fde_infra::stack::load(&path.to_string_lossy(), &read, &[])
        .expect("the lab's stack is sound");
    let (graph, _) =
        fde_infra::component::stack_graph(&stack, &catalog).expect("the lab's stack is sound");
    let made: BTreeSet<&str> = graph.iter().map(|resource| resource.urn.token()).collect();
    let tokens: Vec<&str> = catalog.iter().map(|schema| schema.token).collect();
    assert_eq!(tokens.len(), resource_type_files().len());
    let forgotten: Vec<&str> = tokens
        .into_iter()
        .filter(|token| !made.contains(token))
        .collect();
    assert_eq!(forgotten, [] as [&str; 0]);
}

/// The commands, by the names that users type.
fn commands() -> Vec<&'static str> {
    let commands = fde_infra::cli::COMMANDS.iter();
    commands.map(|command| command.name).collect()
}

#[test]
fn every_command_has_a_file() {
    let files: BTreeSet<String> = rust_files("src/cli/commands")
        .iter()
        .map(|path| name(path))
        .filter(|name| !name.ends_with("/mod.rs"))
        .collect();
    let named: BTreeSet<String> = commands()
        .iter()
        .map(|command| format!("src/cli/commands/{command}.rs"))
        .collect();
    let forgotten: Vec<&String> = named.difference(&files).collect();
    assert_eq!(forgotten, [] as [&String; 0]);
}

/// All that the command line goes by in its surroundings can be found in one place.
#[test]
fn one_file_of_the_command_line_reads_the_environment() {
    let readers: Vec<String> = rust_files("src/cli")
        .iter()
        .filter(|path| product_code(path).contains("std::env"))
        .map(|path| name(path))
        .collect();
    assert_eq!(readers, ["src/cli/environment.rs"]);
}

#[test]
fn every_command_is_tested_end_to_end() {
    let main = fs::read_to_string(root().join("tests/e2e/main.rs")).expect("readable");
    let commands = commands();
    assert!(commands.len() >= 7, "{commands:?}");
    let forgotten: Vec<&str> = commands
        .into_iter()
        .filter(|command| {
            let exists = root().join(format!("tests/e2e/{command}.rs")).is_file();
            !exists || !main.contains(&format!("mod {command};"))
        })
        .collect();
    assert_eq!(forgotten, [] as [&str; 0]);
}

#[test]
fn promises_are_kept_not_noted() {
    // Assembled, so that this file does not find itself.
    let marks = [
        ["TO", "DO"],
        ["FIX", "ME"],
        ["unimplement", "ed!("],
        ["#[igno", "re"],
    ]
    .map(|m| m.concat());
    let mut found = Vec::new();
    for path in rust_files("src").into_iter().chain(rust_files("tests")) {
        let text = fs::read_to_string(&path).expect("readable");
        for mark in &marks {
            if text.contains(mark.as_str()) {
                found.push(format!("{}: {mark}", name(&path)));
            }
        }
    }
    assert_eq!(found, [] as [String; 0]);
}
