//! Manual changes are found the next morning: an issue is opened, edited, and closed.

use std::collections::BTreeSet;
use std::sync::OnceLock;

use serde_json::json;

use super::runner::{Event, Repository, result};

const STACK: &str = "\
name: drifting
environment: dev
region: eu-south-2
resources:
  topic: { type: aws:sns:Topic, properties: { displayName: Shop } }
";

const READER: &str = "arn:aws:iam::123456789012:role/reader";

/// The scripts that this story runs.
pub fn told() -> &'static BTreeSet<String> {
    static TOLD: OnceLock<BTreeSet<String>> = OnceLock::new();
    TOLD.get_or_init(|| {
        let mut repository = Repository::new("drift", &[("stacks/my-dev.yaml", STACK)]);
        repository.vars =
            json!({ "FDE_INFRA_DRIFT_STACKS": "[\"my-dev\"]", "AWS_READ_ROLE_MY_DEV": READER });
        let job = repository.action(&Event::push(), &json!({ "command": "up" }));
        assert_eq!(job.result, "success", "{}", job.log);
        let topic = repository.account.topic("drifting-dev-topic");
        let look = || {
            let jobs = repository.workflow("drift.yml", &Event::schedule());
            assert_eq!(
                result(&jobs["drift"]),
                "success",
                "{}",
                jobs["drift"][0].log
            );
            repository.github.state().issues.clone()
        };

        assert_eq!(look().len(), 0);

        repository.account.set_display_name(&topic, "By hand");
        let issues = look();
        assert_eq!(issues.len(), 1, "{issues:?}");
        assert!(issues[0].open);
        assert_eq!(issues[0].title, "Drift: my-dev is not as its file says");
        assert!(
            issues[0].body.contains("1 drifted") && issues[0].body.contains("By hand"),
            "{}",
            issues[0].body
        );

        repository
            .account
            .set_display_name(&topic, "By another hand");
        let issues = look();
        assert_eq!(issues.len(), 1, "{issues:?}");
        assert!(
            issues[0].body.contains("By another hand"),
            "{}",
            issues[0].body
        );

        repository.account.set_display_name(&topic, "Shop");
        let issues = look();
        assert_eq!((issues.len(), issues[0].open), (1, false), "{issues:?}");
        let [farewell] = &repository.github.comments(1)[..] else {
            panic!("{issues:?}")
        };
        assert!(
            farewell.body.contains("Nothing differs any more"),
            "{}",
            farewell.body
        );

        // The next drift is another one.
        repository.account.set_display_name(&topic, "Once more");
        let open: Vec<bool> = look().iter().map(|issue| issue.open).collect();
        assert_eq!(open, [false, true]);
        let caller = READER.replace([':', '/'], "-");
        assert_eq!(repository.account.mutating(&caller), [] as [&str; 0]);
        repository.told()
    })
}

#[test]
fn drift_opens_edits_and_closes_one_issue() {
    told();
}

#[test]
fn a_workflow_that_calls_says_who_looks_where() {
    let repository = Repository::new("called", &[("stacks/dev.yaml", STACK)]);
    let inputs = json!({
        "stacks": "[\"dev\"]", "read-role-to-assume": "other-reader", "aws-region": "eu-south-2", "version": "source",
    });
    let jobs = repository.workflow("drift.yml", &Event::schedule().called(inputs));
    assert_eq!(
        result(&jobs["drift"]),
        "success",
        "{}",
        jobs["drift"][0].log
    );
    assert!(repository.account.calls("other-reader") > 0);
    assert!(repository.calls()[0].starts_with("cargo install "));
}

#[test]
fn what_could_not_be_looked_at_is_no_news() {
    let mut repository = Repository::new(
        "undrift",
        &[("stacks/dev.yaml", "name: drifting\nregio: x\n")],
    );
    let drift = |repository: &Repository| repository.workflow("drift.yml", &Event::schedule());
    assert_eq!(result(&drift(&repository)["drift"]), "skipped");
    repository.vars = json!({ "FDE_INFRA_DRIFT_STACKS": "[\"dev\"]", "AWS_READ_ROLE_DEV": READER });
    let jobs = drift(&repository);
    assert_eq!(result(&jobs["drift"]), "failure");
    let expected = "whether dev has drifted is not known: preview ended with exit code 2";
    assert!(
        jobs["drift"][0].log.contains(expected),
        "{}",
        jobs["drift"][0].log
    );
    assert_eq!(repository.github.state().issues.len(), 0);
}
