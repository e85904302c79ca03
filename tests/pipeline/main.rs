//! The pipeline, run here: the composite actions and the workflows of `.github`, with bash, against a local account and a
//! stand-in for GitHub's API. [`runner`] does what GitHub's runner does; the files beside it tell the stories.

#![allow(
    clippy::expect_used,
    clippy::panic,
    clippy::print_stderr,
    clippy::unwrap_used,
    reason = "a test that cannot go on fails where it stands, and says what it saw"
)]

mod account;
mod bound;
mod comment;
mod deploy;
mod drift;
mod ending;
mod expression;
mod github;
mod gitlab;
#[path = "../common/http.rs"]
#[allow(dead_code, reason = "the end-to-end tests use the rest")]
mod http;
mod image;
mod images;
mod install;
mod installer;
#[path = "../common/page.rs"]
mod page;
mod release;
mod repository;
mod runner;
mod stand_ins;

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use serde_json::Value as Json;

/// The files that are told of elsewhere: what they run is the whole of the tests.
const ELSEWHERE: &[&str] = &[".github/workflows/ci.yml"];

/// The place of every script in a list of steps, as [`runner`] names it.
fn scripts(place: &str, steps: &Json, found: &mut BTreeSet<String>) {
    for (index, step) in steps.as_array().into_iter().flatten().enumerate() {
        if step["run"].is_string() {
            found.insert(format!("{place} step {}", index + 1));
        }
    }
}

#[test]
fn every_script_is_run() {
    let root = runner::root();
    let files = |folder: &str| {
        let entries = fs::read_dir(root.join(folder)).expect("the folder is readable");
        entries
            .map(|entry| entry.expect("an entry").path())
            .collect::<Vec<_>>()
    };
    let name = |path: &Path| {
        path.strip_prefix(root)
            .expect("below")
            .to_string_lossy()
            .into_owned()
    };
    let mut there = BTreeSet::new();
    for path in files(".github/workflows") {
        let file = name(&path);
        if !ELSEWHERE.contains(&file.as_str()) {
            for (job, content) in runner::read(&path)["jobs"].as_object().expect("jobs") {
                scripts(&format!("{file} {job}"), &content["steps"], &mut there);
            }
        }
    }
    for path in files(".github/actions") {
        let file = path.join("action.yml");
        let action = runner::read(&file);
        scripts(&name(&file), &action["runs"]["steps"], &mut there);
        // A script beside an action is one that the action runs.
        for script in fs::read_dir(&path)
            .expect("readable")
            .map(|entry| entry.expect("an entry").path())
        {
            let is_script = script
                .extension()
                .is_some_and(|extension| extension == "sh");
            let script = script.file_name().expect("a name").to_string_lossy();
            let runs = action["runs"]["steps"].to_string().contains(&*script);
            assert!(
                runs || !is_script || script == "common.sh",
                "nobody runs {script}"
            );
        }
    }
    let stories = [
        install::told(),
        comment::told(),
        deploy::told(),
        drift::told(),
        release::told(),
    ];
    let ran: BTreeSet<String> = stories.into_iter().flatten().cloned().collect();
    assert_eq!(
        there.difference(&ran).collect::<Vec<_>>(),
        [] as [&String; 0]
    );
}
