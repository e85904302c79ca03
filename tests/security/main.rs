//! The basis of `docs/security.md`: the tests that it names exist, the services that it lists are those that are called, and
//! jobs that run code of others have no rights.

#![allow(
    clippy::expect_used,
    clippy::panic,
    reason = "a test that cannot go on fails where it stands, and says what it saw"
)]

mod controls;

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use serde_json::{Value as Json, json};

/// The beginning of the name of the SDK's crate for a service.
const SDK: &str = "aws-sdk-";

/// The head of the table of what each party cannot do.
const CANNOT: &str = "| party | cannot | held by |\n";

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn text(path: &Path) -> String {
    fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

fn document() -> String {
    text(&root().join("docs/security.md"))
}

/// The texts between backquotes, which do not go over the end of a line.
fn code(document: &str) -> Vec<&str> {
    let parts = document
        .lines()
        .flat_map(|line| line.split('`').skip(1).step_by(2));
    parts.collect()
}

/// The tests that are named as `binary: module::test`.
fn named(document: &str) -> Vec<(&str, &str)> {
    let is_path = |path: &str| {
        path.chars()
            .all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_' || c == ':')
    };
    let pairs = code(document).into_iter();
    let pairs = pairs.filter_map(|code| code.split_once(": "));
    pairs.filter(|(_, path)| is_path(path)).collect()
}

/// The files in which a module of a binary may be; `lib` is the library.
fn files(binary: &str, modules: &[&str]) -> [PathBuf; 2] {
    let base = match binary {
        "lib" => root().join("src"),
        _ => root().join("tests").join(binary),
    };
    if modules.is_empty() {
        return [base.with_extension("rs"), base.join("main.rs")];
    }
    let module = modules.iter().fold(base, |path, name| path.join(name));
    [module.with_extension("rs"), module.join("mod.rs")]
}

/// True if a file has a test of this name.
fn has_test(file: &Path, name: &str) -> bool {
    let text = text(file);
    let Some((before, _)) = text.split_once(&format!("fn {name}(")) else {
        return false;
    };
    let mut attributes = before.lines().rev().take(8);
    attributes.any(|line| line.contains("#[test]") || line.contains("#[tokio::test"))
}

fn exists(binary: &str, path: &str) -> bool {
    let mut modules: Vec<&str> = path.split("::").collect();
    let Some(test) = modules.pop() else {
        return false;
    };
    files(binary, &modules)
        .iter()
        .any(|file| file.is_file() && has_test(file, test))
}

#[test]
fn every_test_that_is_named_is_there() {
    let document = document();
    let named = named(&document);
    assert!(named.len() > 50, "{}", named.len());
    let missing: Vec<String> = named
        .into_iter()
        .filter(|(binary, path)| !exists(binary, path))
        .map(|(binary, path)| format!("{binary}: {path}"))
        .collect();
    assert_eq!(missing, [] as [String; 0]);
}

#[test]
fn what_a_party_cannot_do_is_held_by_a_test() {
    let document = document();
    let (_, table) = document.split_once(CANNOT).expect("there is the table");
    let rows = table.lines().skip(1);
    let rows: Vec<&str> = rows.take_while(|line| line.starts_with('|')).collect();
    assert!(rows.len() > 30, "{}", rows.len());
    for row in rows {
        let cells: Vec<&str> = row.split(" | ").collect();
        assert_eq!(cells.len(), 3, "{row}");
        let blockers_of = cells[2].trim_end_matches('|').trim();
        assert!(!named(blockers_of).is_empty(), "{row}");
    }
}

#[test]
fn the_services_that_are_called_are_those_of_the_sdk() {
    let manifest = text(&root().join("Cargo.toml"));
    let crates: BTreeSet<&str> = manifest
        .lines()
        .filter_map(|line| line.split_once(" = "))
        .map(|(name, _)| name)
        .filter(|name| name.starts_with(SDK))
        .collect();
    let document = document();
    let listed = code(&document).into_iter();
    let listed: BTreeSet<&str> = listed.filter(|code| code.starts_with(SDK)).collect();
    assert!(crates.len() > 10, "{crates:?}");
    assert_eq!(listed, crates);
}

fn workflows() -> Vec<(PathBuf, Json)> {
    let folder = fs::read_dir(root().join(".github/workflows")).expect("there are workflows");
    let files = folder.map(|entry| entry.expect("it can be listed").path());
    let files = files.filter(|path| path.extension().is_some_and(|ending| ending == "yml"));
    let read = |path: PathBuf| {
        let workflow = serde_yaml::from_str(&text(&path)).expect("the workflow is YAML");
        (path, workflow)
    };
    files.map(read).collect()
}

/// On these events GitHub runs a workflow with the repository's own token and secrets, also where a fork is behind them. On
/// `pull_request` it does not:
/// <https://docs.github.com/en/actions/reference/workflows-and-actions/events-that-trigger-workflows>
#[test]
fn nothing_runs_for_a_fork_with_the_token_of_the_repository() {
    const WITH_TOKEN: [&str; 7] = [
        "discussion",
        "discussion_comment",
        "fork",
        "issue_comment",
        "issues",
        "pull_request_target",
        "workflow_run",
    ];
    let workflows = workflows();
    let mut of_pull_requests = 0;
    for (path, workflow) in &workflows {
        let path = path.display();
        let events = workflow["on"]
            .as_object()
            .expect("events with their settings");
        for event in WITH_TOKEN {
            assert!(!events.contains_key(event), "{path}: {event}");
        }
        // A job has only the permissions that it is given.
        assert_eq!(workflow["permissions"], json!({}), "{path}");
        if !events.contains_key("pull_request") {
            continue;
        }
        of_pull_requests += 1;
        let jobs = workflow["jobs"].as_object().expect("jobs by name");
        for (name, job) in jobs {
            let permissions = job["permissions"].as_object().expect("each has its own");
            let mut levels = permissions.values();
            let writes = levels.any(|level| level == "write");
            // It depends on what `scope` has found out, which has nothing for a fork.
            let condition = job["if"].as_str().unwrap_or_default();
            let is_guarded = condition.contains("needs.") && condition != "always()";
            assert!(!writes || is_guarded, "{path}: {name}");
        }
    }
    assert_eq!(of_pull_requests, 2, "{}", workflows.len());
}

/// The jobs that run code of the project's dependencies.
#[test]
fn jobs_that_test_read_the_repository_and_have_no_other_right() {
    let text = text(&root().join(".github/workflows/deploy.yml"));
    let workflow: Json = serde_yaml::from_str(&text).expect("the workflow is YAML");
    assert_eq!(workflow["permissions"], json!({}));
    for name in ["test-api", "test-web"] {
        let job = &workflow["jobs"][name];
        assert_eq!(job["permissions"], json!({ "contents": "read" }), "{name}");
        let said = job.to_string();
        assert!(!said.contains("secrets."), "{name}: {said}");
        assert!(
            !said.contains("configure-aws-credentials"),
            "{name}: {said}"
        );
        assert!(said.contains("\"persist-credentials\":false"), "{name}");
    }
}
