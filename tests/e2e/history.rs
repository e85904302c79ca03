//! `history`: what is kept of each run, and what is left out.

use expect_test::expect_file;
use serde_json::json;

use crate::common::commands::{
    DONE, ERROR, RESOURCE_FAILED, assert_fits, assert_plain, json, screens,
};
use crate::common::endpoint;
use crate::common::program::Program;
use crate::common::proxy::{Proxy, Refusal};
use crate::lock::{parameter, unlocked};

const RESOURCES: &str = "\
vpc: { type: aws:ec2:Vpc, properties: { cidrBlock: 10.0.0.0/16 } }
topic: { type: aws:sns:Topic, properties: { displayName: Shop } }
";

const YES: [&str; 3] = ["--yes", "--parallel", "1"];

#[tokio::test]
async fn every_run_that_changes_something_is_on_record() {
    let world = unlocked("e2e-history").await;
    let program = Program::of(&world).with(
        "CI_JOB_URL",
        "https://gitlab.com/happyrobot/platform/-/jobs/4711",
    );
    let none = program.run(RESOURCES, "history", &[]);
    assert_eq!(none.status, DONE, "{}", none.screen);
    assert_eq!(none.mutating, [] as [String; 0]);

    // A run that fails, one that is made with a secret, one that has nothing to do, and the end of it all.
    let denied = Refusal {
        status: 403,
        code: "AuthorizationError",
        message: "not authorized",
    };
    let proxy = Proxy::before(crate::common::endpoint(), move |call| {
        (call.operation == "CreateTopic").then(|| denied.into())
    });
    let program = program.with("AWS_ENDPOINT_URL", &proxy.endpoint);
    let failed = program.run(RESOURCES, "up", &YES);
    assert_eq!(failed.status, RESOURCE_FAILED, "{}", failed.screen);
    let program = program.with("AWS_ENDPOINT_URL", endpoint());
    let set = "resources.topic.properties.displayName=hunter2-canary";
    let words = [&YES[..], &["--set", set]].concat();
    for _ in 0..2 {
        let done = program.run(RESOURCES, "up", &words);
        assert_eq!(done.status, DONE, "{}", done.screen);
    }
    let program = program.without("CI_JOB_URL");
    let destroyed = program.run(RESOURCES, "destroy", &YES);
    assert_eq!(destroyed.status, DONE, "{}", destroyed.screen);

    // It outlives the stack, of which nothing else is left.
    assert_eq!(
        world.sdk.tagged(&world.stack_tag()).await,
        [] as [String; 0]
    );
    let table = program.run(RESOURCES, "history", &[]);
    assert_eq!(table.status, DONE, "{}", table.screen);
    let listed = program.run(RESOURCES, "history", &["--json"]);
    let document = json(&listed);
    let runs = document["deployments"].as_array().expect("a list");
    let brief: Vec<_> = runs
        .iter()
        .map(|run| {
            json!([
                run["command"],
                run["outcome"],
                run["created"],
                run["deleted"],
                run["failed"],
                run["set"],
                run["runUrl"],
            ])
        })
        .collect();
    let url = "https://gitlab.com/happyrobot/platform/-/jobs/4711";
    let path = "resources.topic.properties.displayName";
    assert_eq!(
        brief,
        [
            json!(["destroy", "succeeded", 0, 2, 0, null, null]),
            json!(["up", "succeeded", 1, 0, 0, [path], url]),
            json!(["up", "failed", 1, 0, 1, null, url]),
        ]
    );
    // The user, as AWS knows them.
    for run in runs {
        assert!(
            run["by"]
                .as_str()
                .is_some_and(|by| by.starts_with("arn:aws:")),
            "{run}"
        );
    }
    // A file that is the same has the same hash, whatever was set.
    assert_eq!(runs[0]["file"], runs[2]["file"]);

    // The values that were set are recorded nowhere: they may be secrets.
    let name = parameter(&world, "deployments");
    let kept = world
        .sdk
        .ssm
        .get_parameter_history()
        .name(name)
        .send()
        .await;
    for version in kept.expect("SSM answers").parameters() {
        assert!(!version.value().unwrap_or_default().contains("canary"));
    }
    let all = [none, table];
    for ended in &all {
        assert_plain(ended);
        assert_fits(ended);
        assert!(!ended.raw.contains("canary"));
    }
    if std::env::var_os("AWS_ENDPOINT_URL").is_none() {
        expect_file!["../snapshots/commands/history.txt"].assert_eq(&screens(&all));
    }
}

/// SSM keeps a hundred, and answers fifty at a time.
#[tokio::test]
async fn the_last_hundred_are_kept() {
    let world = unlocked("e2e-history-long").await;
    let program = Program::of(&world);
    for number in 1..=105 {
        let record = json!({ "command": "up", "created": number });
        world
            .sdk
            .ssm
            .put_parameter()
            .name(parameter(&world, "deployments"))
            .value(record.to_string())
            .r#type(aws_sdk_ssm::types::ParameterType::String)
            .overwrite(true)
            .send()
            .await
            .expect("it can be written");
    }
    let listed = program.run("", "history", &["--json"]);
    let document = json(&listed);
    let runs = document["deployments"].as_array().expect("a list");
    assert_eq!(runs.len(), 100);
    assert_eq!(
        (&runs[0]["created"], &runs[99]["created"]),
        (&json!(105), &json!(6))
    );
}

#[tokio::test]
async fn a_history_that_cannot_be_read_is_not_empty() {
    let world = unlocked("e2e-history-denied").await;
    let refusal = Refusal {
        status: 400,
        code: "AccessDeniedException",
        message: "User: arn:aws:iam::123456789012:user/ci is not authorized to perform: ssm:GetParameterHistory",
    };
    let proxy = Proxy::before(crate::common::endpoint(), move |call| {
        (call.service == "ssm").then(|| refusal.into())
    });
    let program = Program::of(&world).with("AWS_ENDPOINT_URL", &proxy.endpoint);
    let ended = program.run(RESOURCES, "history", &[]);
    assert_eq!(ended.status, ERROR, "{}", ended.screen);
    assert!(
        ended.stderr.contains("allow ssm:GetParameterHistory"),
        "{}",
        ended.screen
    );
}
