//! The architecture of `src/lib.rs`, held in place: which room may know which, that no files use each other in a circle,
//! where asynchronous code and the outside world may be; and that every resource type is in each list that is to have it.
//!
//! Each failure ends with what to do.

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
use std::sync::LazyLock;

#[path = "tidy/modules.rs"]
mod modules;
#[path = "tidy/properties.rs"]
mod properties;
#[path = "tidy/types.rs"]
mod types;

use modules::{Modules, circles, tests_alone, without_texts};

/// The rooms that a room may use, besides itself.
const MAY_USE: &[(&str, &[&str])] = &[
    ("version", &[]),
    ("regular_file", &[]),
    ("facts", &[]),
    ("resource", &["version"]),
    ("graph", &["resource"]),
    ("stack", &["resource"]),
    ("component", &["resource", "graph", "stack", "facts"]),
    ("live", &["resource", "graph"]),
    ("plan", &["resource", "graph"]),
    ("fingerprint", &["resource", "graph"]),
    ("execute", &["resource", "graph", "plan"]),
    // A room that needs a few of AWS's calls says which, as `resource` does of its providers.
    ("deployment", &["resource", "version"]),
    ("aws", &["resource", "deployment", "regular_file", "facts"]),
    (
        "display",
        &[
            "resource",
            "graph",
            "plan",
            "execute",
            "deployment",
            "version",
        ],
    ),
    ("sandbox", &["regular_file", "facts"]),
    ("testing", &["resource", "graph", "execute", "deployment"]),
    (
        "cli",
        &[
            "facts",
            "resource",
            "graph",
            "stack",
            "component",
            "live",
            "plan",
            "fingerprint",
            "execute",
            "deployment",
            "aws",
            "display",
            "sandbox",
            "regular_file",
            "version",
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
    // What is computed once and kept.
    "OnceCell",
    "OnceLock",
    "LazyLock",
];

/// The files that read variables of the process environment, by room and name, each with the reason: what a variable decides
/// is decided where the command begins, and handed on.
const READS_ENVIRONMENT: &[(&str, &str, &str)] = &[
    (
        "aws",
        "context.rs",
        "AWS_CA_BUNDLE, as the SDKs of AWS take it",
    ),
    (
        "aws",
        "credentials.rs",
        "which source of credentials the SDK goes by, for the remedy",
    ),
    (
        "aws",
        "endpoints.rs",
        "which variable an endpoint comes from, to name it",
    ),
    (
        "cli",
        "environment.rs",
        "where the program runs: terminal, pipeline, host",
    ),
    (
        "display",
        "terminal.rs",
        "width, and whether colours are wanted",
    ),
    (
        "sandbox",
        "command.rs",
        "the environment of the programs that it starts",
    ),
    (
        "sandbox",
        "place.rs",
        "where the files of the local account lie",
    ),
];

/// The crates of AWS, which only `src/aws` names.
const SDK: [&str; 5] = [
    "aws_sdk_",
    "aws_config",
    "aws_smithy",
    "aws_types",
    "aws_credential_types",
];

/// The circles of files that there still are: the beginnings of their members' names, and the reason.
const CIRCLES: &[(&[&str], &str)] = &[
    (
        &[
            "src/resource/catalog.rs",
            "src/resource/diff.rs",
            "src/resource/interruption.rs",
            "src/resource/last_run.rs",
            "src/resource/pending.rs",
            "src/resource/proof.rs",
            "src/resource/property.rs",
            "src/resource/provider.rs",
            "src/resource/schema.rs",
            "src/resource/session.rs",
            "src/resource/snapshot.rs",
            "src/resource/tags.rs",
        ],
        "a schema holds functions of its type, which take differences and live objects; and it is by schemas that objects are \
         compared and proven",
    ),
    (
        &["src/resource/path.rs", "src/resource/value.rs"],
        "a value refers to others by path, and a path leads through values",
    ),
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

/// Fails if there are faults, with what to do about them.
fn none(faults: &[String], to_do: &str) {
    assert!(
        faults.is_empty(),
        "\n{}\n\nWhat to do: {to_do}\n",
        faults.join("\n")
    );
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn rust_files(under: &str) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut open = vec![root().join(under)];
    while let Some(directory) = open.pop() {
        for entry in fs::read_dir(&directory).expect("the folder is readable") {
            let path = entry.expect("the entry is readable").path();
            // The macros are a package of their own.
            if path.is_dir() && !path.ends_with("src/derive") {
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

/// Files and folders that are compiled for tests alone.
static FOR_TESTS: LazyLock<Vec<String>> = LazyLock::new(|| {
    let files = rust_files("src").into_iter();
    files
        .flat_map(|path| tests_alone(&name(&path), &read(&path)))
        .collect()
});

fn read(path: &Path) -> String {
    fs::read_to_string(path).expect("the file is readable")
}

/// Returns whether a file is test code, which may use any room to set a scene.
fn is_for_tests(name: &str) -> bool {
    let module = name.trim_end_matches(".rs");
    let is_declared = |alone: &String| {
        module
            .strip_prefix(alone.as_str())
            .is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
    };
    name.ends_with("tests.rs") || name.contains("/tests/") || FOR_TESTS.iter().any(is_declared)
}

/// The code of a file without its comments and its tests.
fn product_code(path: &Path) -> String {
    if is_for_tests(&name(path)) {
        return String::new();
    }
    let text = read(path);
    let tests = ["#[cfg(test)]\nmod tests", "#[cfg(test)]\npub mod tests"];
    let begins = tests.iter().filter_map(|tests| text.find(tests));
    let end = begins.min().unwrap_or(text.len());
    text[..end]
        .lines()
        .filter(|line| !line.trim_start().starts_with("//"))
        .collect::<Vec<_>>()
        .join("\n")
}

/// The folder or file of `src` that a file belongs to.
fn room(name: &str) -> Option<&str> {
    let inside = name.strip_prefix("src/")?;
    let room = match inside.split_once('/') {
        Some((room, _)) => room,
        None => inside.strip_suffix(".rs")?,
    };
    // The page itself, and the one line that starts it all.
    (!["lib", "main"].contains(&room)).then_some(room)
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
            .unwrap_or_else(|| panic!(
                "{name}: a new room: add it to `MAY_USE` in tests/tidy.rs, to the page in src/lib.rs, and to docs/architecture.md"
            ));
        let code = without_texts(&product_code(&path));
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
    none(
        &broken,
        "hand the thing in as an argument or as a trait that the room below defines, or move it down; \
         where the arrow is right, add it to `MAY_USE` in tests/tidy.rs and to docs/architecture.md",
    );
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
    none(
        &broken,
        "have the caller do that (`cli`, `live`, `execute`, `aws`) and hand in what comes of it",
    );
}

#[test]
fn the_sdk_stays_in_its_room_and_the_local_account_in_its_own() {
    let mut broken = Vec::new();
    for path in rust_files("src") {
        let name = name(&path);
        let code = product_code(&path);
        if room(&name) != Some("aws") {
            let named = SDK.iter().filter(|named| code.contains(**named));
            broken.extend(named.map(|named| format!("{name} names `{named}` of the SDK")));
        }
        if room(&name) != Some("sandbox") && code.to_lowercase().contains("moto") {
            broken.push(format!("{name} knows the local account"));
        }
    }
    none(
        &broken,
        "put calls of the SDK in src/aws, behind a function or trait in our own terms; and what is special about the \
         local account in src/sandbox",
    );
}

#[test]
fn no_files_use_each_other_in_a_circle() {
    let files = rust_files("src")
        .into_iter()
        .map(|path| (name(&path), product_code(&path)));
    let uses = Modules::read(files).uses();
    let mut broken = Vec::new();
    let mut there = BTreeSet::new();
    for circle in circles(&uses) {
        let is_listed = |(begins, _): &(&[&str], &str)| {
            let is_of_it = |file: &String| begins.iter().any(|begin| file.starts_with(begin));
            circle.iter().all(is_of_it)
        };
        let listed = CIRCLES.iter().position(is_listed);
        let reason = listed.map_or("not listed", |index| CIRCLES[index].1);
        let mut text = format!("{} files ({reason}):\n", circle.len());
        for file in &circle {
            let used = uses[file].iter().filter(|(used, _)| circle.contains(*used));
            for (used, path) in used {
                text.push_str(&format!("  {file} uses {used} by `{path}`\n"));
            }
        }
        println!("{text}");
        match listed {
            Some(index) => {
                there.insert(index);
            }
            None => broken.push(text),
        }
    }
    let gone = (0..CIRCLES.len()).filter(|index| !there.contains(index));
    broken.extend(gone.map(|index| {
        let (files, reason) = CIRCLES[index];
        format!(
            "{files:?} ({reason}) is no circle any more: take it out of `CIRCLES` in tests/tidy.rs"
        )
    }));
    none(
        &broken,
        "put what both need in a file below them, such as `model.rs` with inputs, outputs and constants of a type; or hand \
         it in. A circle that has to be is listed in `CIRCLES` with its reason",
    );
}

#[test]
fn the_environment_is_read_in_few_places() {
    let mut broken = Vec::new();
    let mut there = BTreeSet::new();
    for path in rust_files("src") {
        let name = name(&path);
        let code = without_texts(&product_code(&path));
        if !["env::var(", "env::var_os(", "env::vars(", "env::vars_os("]
            .iter()
            .any(|read| code.contains(read))
        {
            continue;
        }
        let file = name.rsplit('/').next().unwrap_or_default();
        let of = room(&name).unwrap_or_default();
        let listed = READS_ENVIRONMENT
            .iter()
            .position(|(room, listed, _)| *room == of && *listed == file);
        match listed {
            Some(index) => {
                there.insert(index);
                println!(
                    "{name} reads the environment: {}",
                    READS_ENVIRONMENT[index].2
                );
            }
            None => broken.push(format!("{name} reads the environment")),
        }
    }
    let gone = (0..READS_ENVIRONMENT.len()).filter(|index| !there.contains(index));
    broken.extend(gone.map(|index| {
        let (room, file, _) = READS_ENVIRONMENT[index];
        format!("{file} of {room} reads it no longer: take it out of the list")
    }));
    none(
        &broken,
        "read the variable in src/cli/environment.rs and hand the value in, or list the file with its reason in \
         `READS_ENVIRONMENT` in tests/tidy.rs",
    );
}

/// The page that `src/lib.rs` opens with.
fn page() -> String {
    let text = read(&root().join("src/lib.rs"));
    let lines = text.lines().map_while(|line| line.strip_prefix("//!"));
    lines.collect::<Vec<_>>().join("\n")
}

/// The page names every room, and only rooms; those it says are pure are those that are held to be.
#[test]
fn the_page_names_the_rooms_that_there_are() {
    let page = page();
    let named: BTreeSet<&str> = page
        .lines()
        .filter_map(|line| line.trim().strip_prefix("| [`")?.split('`').next())
        .collect();
    let rooms: BTreeSet<String> = rust_files("src")
        .iter()
        .filter_map(|path| room(&name(path)).map(str::to_owned))
        .collect();
    // Doubles for tests, and one constant.
    let rooms: BTreeSet<&str> = rooms
        .iter()
        .map(String::as_str)
        .filter(|room| !["testing", "version"].contains(room))
        .collect();
    assert_eq!(
        named, rooms,
        "\nWhat to do: a row for each room, and no other, in the table of src/lib.rs"
    );
    let pure = page
        .split_once("The pure rooms (`")
        .expect("it lists them")
        .1;
    let mut pure: Vec<&str> = pure
        .split('`')
        .next()
        .unwrap_or_default()
        .split(' ')
        .collect();
    pure.push("display");
    assert_eq!(
        pure, PURE,
        "\nWhat to do: the same list, in the same order, in src/lib.rs and in `PURE` of tests/tidy.rs"
    );
}

/// The functions and modules that the page names, `plan::build` and the like, are in the `mod.rs` of their rooms.
#[test]
fn the_page_names_functions_that_there_are() {
    let page = page();
    let is_part = |character: char| character.is_alphanumeric() || "_:".contains(character);
    let mut seen = 0;
    let mut broken = Vec::new();
    for path in page.split(|character| !is_part(character)) {
        let Some((room, item)) = path.split_once("::") else {
            continue;
        };
        let code = product_code(&root().join(format!("src/{room}/mod.rs")));
        let is_there = ["pub fn ", "pub async fn ", "pub struct ", "pub mod "]
            .iter()
            .any(|kind| {
                let declared = format!("{kind}{item}");
                let mut found = code.match_indices(declared.as_str());
                found.any(|(at, text)| !code[at + text.len()..].starts_with(char::is_alphanumeric))
            })
            || code
                .lines()
                .any(|line| line.starts_with("pub use") && line.contains(item));
        seen += 1;
        if !is_there {
            broken.push(format!("{path} is not in the `mod.rs` of its room"));
        }
    }
    none(
        &broken,
        "correct the name on the page (src/lib.rs), or hand the function out in that `mod.rs`",
    );
    assert!(seen > 5, "{seen}");
}

/// Of what is wanted and what is there, the executor sees what the plan says, so that nothing runs that was not shown.
#[test]
fn the_executor_is_given_the_plan_alone() {
    let mut broken = Vec::new();
    for path in rust_files("src/execute") {
        let code = product_code(&path);
        for word in ["ResourceGraph", "LiveSnapshot", "Request"] {
            if code.contains(word) {
                broken.push(format!("{} names `{word}`", name(&path)));
            }
        }
    }
    none(
        &broken,
        "have `plan::build` put what the executor needs into the step, so that what is shown is what runs",
    );
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
    none(
        &long,
        &format!(
            "find the second subject and give it a file of its own: {LONGEST} lines are the most"
        ),
    );
}

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
    none(
        &faults,
        "say which party is meant and what happens, in place of a word of `DIALECT`; begin a doc comment with a noun phrase, \
         or with a verb and its object",
    );
}

/// The lines and the places that a property may take, on average over all types; see [`properties`]. What is counted beyond
/// field, reading and sending are the checks of what AWS refuses. These hold what was reached.
const LINES_OF_A_PROPERTY: f64 = 10.0;
const PLACES_OF_A_PROPERTY: f64 = 6.4;

#[test]
fn a_property_has_few_homes() {
    let mut all: Vec<properties::Cost> = Vec::new();
    for path in rust_files("src/aws") {
        // What lies in the folder of a type counts with it.
        let folder = path.parent().map(|folder| folder.with_extension("rs"));
        if folder.is_some_and(|type_file| type_file.is_file()) {
            continue;
        }
        let mut code = product_code(&path);
        let beside = path.with_extension("");
        if !beside.is_dir() && !code.contains("pub struct Inputs {") {
            continue;
        }
        let of_folder = rust_files("src/aws")
            .into_iter()
            .filter(|other| other.starts_with(&beside));
        of_folder.for_each(|other| code.push_str(&product_code(&other)));
        all.extend(properties::cost(&name(&path), &code));
    }
    all.sort_by_key(|cost| std::cmp::Reverse(cost.lines));
    println!(
        "{:64} {:>5} {:>6} {:>6} {:>6}",
        "type", "lines", "props", "naming", "places"
    );
    let mean = |of: usize, properties: usize| of as f64 / properties as f64;
    for cost in &all {
        let (naming, places) = (
            mean(cost.naming, cost.properties),
            mean(cost.places, cost.properties),
        );
        println!(
            "{:64} {:5} {:6} {naming:6.1} {places:6.1}",
            cost.file, cost.lines, cost.properties
        );
    }
    let sum = |of: fn(&properties::Cost) -> usize| all.iter().map(of).sum::<usize>();
    let count = sum(|cost| cost.properties);
    let naming = mean(sum(|cost| cost.naming), count);
    let places = mean(sum(|cost| cost.places), count);
    println!(
        "{} types, {count} properties: {naming:.1} lines, {places:.1} places each",
        all.len()
    );
    assert!(count > 290, "{count}");
    let to_do = "say what the schema has to know on the field (`#[property(…)]`), and send it in one place; the table above \
                 (`--nocapture`) says which type costs most";
    assert!(
        naming <= LINES_OF_A_PROPERTY,
        "{naming:.2} lines per property, {LINES_OF_A_PROPERTY} are the most\n\nWhat to do: {to_do}"
    );
    assert!(
        places <= PLACES_OF_A_PROPERTY,
        "{places:.2} places per property, {PLACES_OF_A_PROPERTY} are the most\n\nWhat to do: {to_do}"
    );
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
    let forgotten: Vec<String> = forgotten.into_iter().cloned().collect();
    none(
        &forgotten,
        "name the file after the command, as docs/adding-a-command.md says",
    );
}

/// All that the command line goes by in its surroundings can be found in one place.
#[test]
fn one_file_of_the_command_line_reads_the_environment() {
    let readers: Vec<String> = rust_files("src/cli")
        .iter()
        .filter(|path| product_code(path).contains("std::env"))
        .map(|path| name(path))
        .collect();
    assert_eq!(
        readers,
        ["src/cli/environment.rs"],
        "\nWhat to do: read it in src/cli/environment.rs, and take it from `Environment`"
    );
}

#[test]
fn every_command_is_tested_end_to_end() {
    let main = fs::read_to_string(root().join("tests/e2e/main.rs")).expect("readable");
    let commands = commands();
    assert!(commands.len() >= 7, "{commands:?}");
    let forgotten: Vec<String> = commands
        .into_iter()
        .filter(|command| {
            let exists = root().join(format!("tests/e2e/{command}.rs")).is_file();
            !exists || !main.contains(&format!("mod {command};"))
        })
        .map(|command| format!("`{command}` has no tests/e2e/{command}.rs in tests/e2e/main.rs"))
        .collect();
    none(
        &forgotten,
        "write that file and its `mod`, as docs/adding-a-command.md says",
    );
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
    none(
        &found,
        "do it now, or take the note out and file an issue; fix a test instead of switching it off",
    );
}
