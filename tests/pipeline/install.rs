//! The installation of the program by the action: only a binary that matches its release, and that the release workflow has
//! made.

use std::collections::BTreeSet;
use std::fs;
use std::sync::OnceLock;

use serde_json::{Value as Json, json};

use super::github::BOT;
use super::repository::ARCHIVE;
use super::runner::{Event, Repository};

const STACK: &str = "\
name: installed
environment: dev
region: eu-south-2
resources:
  topic: { type: aws:sns:Topic, properties: { displayName: Shop } }
";

fn repository(name: &str) -> Repository {
    Repository::new(name, &[("stacks/dev.yaml", STACK)])
}

/// The scripts that this story runs.
pub fn told() -> &'static BTreeSet<String> {
    static TOLD: OnceLock<BTreeSet<String>> = OnceLock::new();
    TOLD.get_or_init(|| {
        let repository = repository("install");
        let job = repository.action(&Event::push(), &json!({ "command": "preview" }));
        assert_eq!(job.result, "success", "{}", job.log);
        assert_eq!(job.outputs["changes"], "true", "{}", job.log);
        assert_eq!(job.outputs["summary"], "1 to create");
        assert!(
            job.summary.contains("### Preview: `installed/dev`"),
            "{}",
            job.summary
        );
        let [verified] = &repository.calls()[..] else {
            panic!("{:?}", repository.calls())
        };
        let expected = format!(
            "gh attestation verify {ARCHIVE} --repo happyrobot-ai/fde-infra \
             --signer-workflow happyrobot-ai/fde-infra/.github/workflows/release.yml \
             --source-ref refs/tags/v{} --deny-self-hosted-runners",
            env!("CARGO_PKG_VERSION")
        );
        assert_eq!(*verified, expected);
        repository.told()
    })
}

#[test]
fn a_release_is_installed_once_it_is_verified() {
    told();
}

#[test]
fn an_action_by_its_commit_takes_what_was_built_from_that_commit() {
    let commit = "0123456789abcdef".repeat(3)[..40].to_owned();
    let of_commit = format!(" --source-digest {commit} ");
    let of_tag = format!(" --source-ref refs/tags/v{} ", env!("CARGO_PKG_VERSION"));
    for (action_ref, with, is_bound) in [
        (commit.as_str(), json!({}), true),
        ("v0.1.0", json!({}), false),
        ("", json!({}), false),
        // Another release was chosen, or the workflow is the repository's own.
        (
            commit.as_str(),
            json!({ "version": env!("CARGO_PKG_VERSION") }),
            false,
        ),
        (
            commit.as_str(),
            json!({ "repository": "happyrobot/platform" }),
            false,
        ),
    ] {
        let mut repository = repository("commit");
        repository.action_ref = action_ref.to_owned();
        let job = repository.action(&Event::push(), &with);
        assert_eq!(job.result, "success", "{}", job.log);
        let calls = repository.calls();
        assert_eq!(calls.len(), 1, "{calls:?}");
        let bound = calls[0].contains(&of_commit);
        assert_eq!(bound, is_bound, "{action_ref} {with}: {calls:?}");
        assert!(calls[0].contains(&of_tag), "{calls:?}");
    }
    let mut repository = repository("moved");
    repository.action_ref.clone_from(&commit);
    repository.fail("gh");
    let job = repository.action(&Event::push(), &json!({}));
    let expected = format!(" and the commit {commit}");
    assert!(job.log.contains(&expected), "{}", job.log);
}

#[test]
fn what_one_repository_has_released_is_not_anothers() {
    let repository = repository("two");
    let step = |with: Json| json!({ "uses": "$/.github/actions/fde-infra", "with": with });
    let workflow = json!({
        "permissions": { "contents": "read" },
        "jobs": { "one": { "steps": [
            {
                "uses": format!("actions/checkout@{}", "0".repeat(40)),
                "with": { "persist-credentials": false },
            },
            {
                "uses": format!("aws-actions/configure-aws-credentials@{}", "0".repeat(40)),
                "with": { "aws-access-key-id": "tester", "aws-region": "eu-south-2" },
            },
            step(json!({})),
            step(json!({ "repository": "others/fde-infra" })),
            step(json!({})),
        ] } },
    });
    let jobs = repository.run("a test", &workflow, &Event::push());
    assert_eq!(jobs["one"][0].result, "success", "{}", jobs["one"][0].log);
    let calls = repository.calls();
    let verified: Vec<&str> = calls
        .iter()
        .filter_map(|call| call.split(" --repo ").nth(1)?.split(' ').next())
        .collect();
    assert_eq!(verified, ["happyrobot-ai/fde-infra", "others/fde-infra"]);
}

#[test]
fn the_checkout_is_built_where_that_is_asked_for() {
    let repository = repository("source");
    let job = repository.action(
        &Event::push(),
        &json!({ "command": "up", "version": "source" }),
    );
    assert_eq!(job.result, "success", "{}", job.log);
    let calls = repository.calls();
    assert!(
        calls[0].starts_with("cargo install --locked --path "),
        "{calls:?}"
    );
    assert_eq!(calls.len(), 1, "{calls:?}");
    repository.account.topic("installed-dev-topic");
}

#[test]
fn a_wrong_checksum_stops_the_action() {
    let repository = repository("checksum");
    repository
        .github
        .state()
        .release
        .get_mut(ARCHIVE)
        .expect("it is there")
        .push(0);
    let job = repository.action(&Event::push(), &json!({ "command": "up" }));
    assert_eq!(job.result, "failure");
    assert!(
        job.log.contains("is not what its release says: SHA-256 "),
        "{}",
        job.log
    );
    assert_eq!(repository.calls(), [] as [&str; 0]);
    assert_eq!(repository.account.mutating("tester"), [] as [&str; 0]);
}

#[test]
fn a_missing_checksum_stops_the_action() {
    let repository = repository("unlisted");
    repository
        .github
        .state()
        .release
        .insert("SHA256SUMS".to_owned(), b"abc  other.tar.gz\n".to_vec());
    let job = repository.action(&Event::push(), &json!({ "command": "up" }));
    assert_eq!(job.result, "failure");
    assert!(
        job.log.contains("instead of one that is listed"),
        "{}",
        job.log
    );
}

#[test]
fn a_refused_attestation_stops_the_action() {
    let repository = repository("attestation");
    repository.fail("gh");
    let job = repository.action(&Event::push(), &json!({ "command": "up" }));
    assert_eq!(job.result, "failure");
    assert!(
        job.log.contains(
            "was not attested by the release workflow of happyrobot-ai/fde-infra at the tag v"
        ),
        "{}",
        job.log
    );
    assert_eq!(repository.account.mutating("tester"), [] as [&str; 0]);
}

#[test]
fn another_version_under_this_name_stops_the_action() {
    for (says, expected) in [
        (
            "fde-infra 0.0.9 (0123456 2026-01-31)",
            "holds fde-infra 0.0.9",
        ),
        ("", "holds fde-infra of no version"),
    ] {
        let repository = repository("downgrade");
        let older = format!("#!/bin/sh\necho '{says}'\n");
        fs::write(repository.directory.join("bin/built"), older).expect("written");
        repository.release();
        let job = repository.action(&Event::push(), &json!({ "command": "up" }));
        assert_eq!(job.result, "failure", "{says}");
        assert!(job.log.contains(expected), "{says}: {}", job.log);
        assert_eq!(repository.account.mutating("tester"), [] as [&str; 0]);
    }
}

#[test]
fn what_cannot_be_installed_is_said() {
    let repository = repository("refusals");
    for (with, expected) in [
        (
            json!({ "version": "9.9.9" }),
            "could not read release v9.9.9 of happyrobot-ai/fde-infra",
        ),
        (
            json!({ "version": "../../x" }),
            "is neither a release, as in 1.2.3, nor source: ../../x",
        ),
        (
            json!({ "repository": "a/b/c" }),
            "`repository` is no owner/name: a/b/c",
        ),
        (
            json!({ "repository": "a/.." }),
            "`repository` is no owner/name: a/..",
        ),
        (
            json!({ "command": "graph" }),
            "`command` is none of preview, up, destroy and output: graph",
        ),
        (
            json!({ "stack": "--sandbox" }),
            "`stack` is no name and no path: --sandbox",
        ),
    ] {
        let job = repository.action(&Event::push(), &with);
        assert_eq!(job.result, "failure", "{with}");
        let said = job
            .log
            .lines()
            .any(|line| line.starts_with("::error title=fde-infra::") && line.contains(expected));
        assert!(said, "{with}: {}", job.log);
    }
    assert!(
        repository
            .github
            .comments(1)
            .iter()
            .all(|comment| comment.login == BOT)
    );
}
