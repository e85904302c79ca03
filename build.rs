//! Says which commit the program is built from, for `fde-infra --version`: `0.1.0 (abc1234 2026-11-23)`.
//!
//! By git, where this directory is a checkout. By `FDE_INFRA_COMMIT` and `SOURCE_DATE_EPOCH` (seconds since 1970) before
//! that, for whoever builds from an archive and knows. Otherwise the number of the version stands alone. The date is the
//! commit's, never the build's: two builds of a commit are the same.

#![allow(clippy::print_stdout, reason = "that is how cargo is told")]

use std::env;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, UNIX_EPOCH};

#[path = "src/deployment/moment.rs"]
mod moment;

/// What the program is made from; a change elsewhere does not make it another.
const PARTS: [&str; 4] = ["src", "build.rs", "Cargo.toml", "Cargo.lock"];

fn main() {
    for part in PARTS {
        println!("cargo::rerun-if-changed={part}");
    }
    let number = env::var("CARGO_PKG_VERSION").unwrap_or_default();
    let version = match commit() {
        Some((commit, date)) => format!("{number} ({commit} {date})"),
        None => number,
    };
    println!("cargo::rustc-env=FDE_INFRA_VERSION={version}");
}

/// The commit, marked if what is built is not what was committed, and its date in UTC.
fn commit() -> Option<(String, String)> {
    let given = variable("FDE_INFRA_COMMIT");
    let epoch = variable("SOURCE_DATE_EPOCH");
    let commit = given.or_else(checked_out)?;
    let seconds = epoch.or_else(|| git(&["log", "-1", "--format=%ct"]))?;
    let time = UNIX_EPOCH + Duration::from_secs(seconds.parse().ok()?);
    let date = moment::utc(time);
    Some((commit, date.get(..10)?.to_owned()))
}

fn variable(name: &str) -> Option<String> {
    println!("cargo::rerun-if-env-changed={name}");
    env::var(name).ok().filter(|value| !value.is_empty())
}

fn checked_out() -> Option<String> {
    // An archive that was unpacked somewhere inside another repository is not of that repository.
    if !Path::new(".git").exists() {
        return None;
    }
    // Where the commit can change: in a worktree these files are elsewhere.
    let branch = git(&["symbolic-ref", "--quiet", "HEAD"]);
    let files = ["HEAD", "logs/HEAD", "packed-refs"];
    for name in files.into_iter().chain(branch.as_deref()) {
        let path = git(&["rev-parse", "--git-path", name])?;
        // Cargo takes a file that is not there for one that has changed.
        if Path::new(&path).exists() {
            println!("cargo::rerun-if-changed={path}");
        }
    }
    let head = git(&["rev-parse", "--verify", "HEAD"])?;
    // Git's own abbreviation depends on how much of the history a clone has.
    let short = head.get(..7)?;
    let changed = git(&[&["status", "--porcelain", "--"][..], &PARTS].concat())?;
    let mark = if changed.is_empty() { "" } else { "-dirty" };
    Some(format!("{short}{mark}"))
}

/// What git answers about this checkout; `None` where it cannot.
fn git(arguments: &[&str]) -> Option<String> {
    let output = Command::new("git")
        .args(arguments)
        // A hook sets these, for another repository perhaps.
        .env_remove("GIT_DIR")
        .env_remove("GIT_WORK_TREE")
        .env_remove("GIT_INDEX_FILE")
        .output()
        .ok()?;
    let text = String::from_utf8(output.stdout).ok()?;
    output.status.success().then(|| text.trim().to_owned())
}
