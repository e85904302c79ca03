//! `destroy`: what goes, what stays and why, and what it takes to let data go. The rules for each kind of data are in
//! `data.rs`.

use std::collections::BTreeSet;

use aws_sdk_ssm::types::ParameterType;
use expect_test::expect_file;
use serde_json::json;

use crate::common::commands::{DONE, REFUSED, SHOP, USAGE, assert_fits, assert_plain, screens};
use crate::common::program::{Ended, Program, STACK};
use crate::common::proxy::{Answer, Proxy};
use crate::common::{World, endpoint};
use crate::lock::{parameter, unlocked};

const YES: [&str; 3] = ["--yes", "--parallel", "1"];

#[tokio::test]
async fn everything_and_again() {
    let world = World::new("e2e-destroy").await;
    let program = Program::of(&world);
    world.up(SHOP).await;
    let unasked = program.run(SHOP, "destroy", &[]);
    assert_eq!(unasked.status, USAGE, "{}", unasked.screen);
    assert_eq!(unasked.calls, [] as [String; 0]);
    let part = program.run(
        SHOP,
        "destroy",
        &[&YES[..], &["--target", "subnet"]].concat(),
    );
    assert_eq!(part.status, DONE, "{}", part.screen);
    assert_eq!(world.sdk.tagged(&world.stack_tag()).await.len(), 4);
    let first = program.run(SHOP, "destroy", &YES);
    assert_eq!(first.status, DONE, "{}", first.screen);
    assert_eq!(
        world.sdk.tagged(&world.stack_tag()).await,
        [] as [String; 0]
    );
    let second = program.run(SHOP, "destroy", &YES);
    assert_eq!(second.status, DONE, "{}", second.screen);
    assert_eq!(second.mutating, [] as [String; 0]);
    let all = [unasked, part, first, second];
    for ended in &all {
        assert_plain(ended);
        assert_fits(ended);
    }
    expect_file!["../snapshots/commands/destroy.txt"].assert_eq(&screens(&all));
}

/// A resource that the author wants to keep stays, is named, and is no failure.
#[tokio::test]
async fn what_is_to_be_retained() {
    let world = World::new("e2e-destroy-retained").await;
    let program = Program::of(&world);
    let resources = "\
kept: { type: aws:sns:Topic, options: { retainOnDelete: true } }
vpc: { type: aws:ec2:Vpc, properties: { cidrBlock: 10.0.0.0/16 } }
";
    world.up(resources).await;
    let topic = world.id(resources, "kept").await;
    let ended = program.run(resources, "destroy", &YES);
    assert_eq!(ended.status, DONE, "{}", ended.screen);
    assert_eq!(
        world.sdk.tagged(&world.stack_tag()).await,
        std::slice::from_ref(&topic)
    );
    let again = program.run(resources, "destroy", &YES);
    assert_eq!(again.status, DONE, "{}", again.screen);
    assert_eq!(again.mutating, [] as [String; 0]);
    assert_fits(&ended);
    assert_fits(&again);
    expect_file!["../snapshots/commands/destroy_retained.txt"]
        .assert_eq(&screens([&ended, &again]));
    let free = resources.replace(", options: { retainOnDelete: true }", "");
    world.up(&free).await;
    world.destroy(&free).await;
}

/// In prod data stays until its loss is agreed to, by name; what holds none goes.
#[tokio::test]
async fn data_in_prod() {
    let world = World::in_environment("e2e-destroy-prod", "prod").await;
    let program = Program::of(&world);
    world.up(SHOP).await;
    let password = world.id(SHOP, "password").await;
    let refused = program.run(SHOP, "destroy", &YES);
    assert_eq!(refused.status, REFUSED, "{}", refused.screen);
    assert_eq!(
        world.sdk.tagged(&world.stack_tag()).await,
        std::slice::from_ref(&password)
    );
    let secret = world
        .sdk
        .secrets
        .describe_secret()
        .secret_id(&password)
        .send()
        .await;
    assert_eq!(secret.expect("it is there").deleted_date(), None);
    let again = program.run(SHOP, "destroy", &YES);
    assert_eq!(again.status, REFUSED, "{}", again.screen);
    assert_eq!(again.mutating, [] as [String; 0]);
    let agreed = [&YES[..], &["--allow-delete", "password"]].concat();
    let agreed = program.run(SHOP, "destroy", &agreed);
    assert_eq!(agreed.status, DONE, "{}", agreed.screen);
    let secret = world
        .sdk
        .secrets
        .describe_secret()
        .secret_id(&password)
        .send()
        .await;
    assert!(secret.map_or(true, |secret| secret.deleted_date().is_some()));
    let all = [refused, again, agreed];
    for ended in &all {
        assert_fits(ended);
    }
    expect_file!["../snapshots/commands/destroy_data.txt"].assert_eq(&screens(&all));
}

/// A protected resource stops it all, before anything is sent; the environment can say yes, and that does not help.
#[tokio::test]
async fn what_is_protected() {
    let world = World::new("e2e-destroy-protected").await;
    let program = Program::of(&world).with("FDE_INFRA_YES", "true");
    let protected = "\
topic: { type: aws:sns:Topic, options: { protect: true } }
vpc: { type: aws:ec2:Vpc, properties: { cidrBlock: 10.0.0.0/16 } }
";
    let free = protected.replace("true", "false");
    // A leftover of a run that died here is protected from the next.
    world.destroy(&free).await;
    world.up(protected).await;
    let refused = program.run(protected, "destroy", &[]);
    assert_eq!(refused.status, REFUSED, "{}", refused.screen);
    assert_eq!(refused.mutating, [] as [String; 0]);
    assert_eq!(world.sdk.tagged(&world.stack_tag()).await.len(), 2);
    assert_fits(&refused);
    // The file is enough; it takes no `up` in between.
    program.write("stacks/dev.yaml", &world.file(&free));
    let gone: Ended = program.with("FDE_INFRA_STACK", STACK).run_words(&["down"]);
    assert_eq!(gone.status, DONE, "{}", gone.screen);
    assert_eq!(
        world.sdk.tagged(&world.stack_tag()).await,
        [] as [String; 0]
    );
    expect_file!["../snapshots/commands/destroy_protected.txt"].assert_eq(&refused.screen);
}

/// A resource that has left the file is found before AWS's index of tags knows of it: the record of the last run names it.
#[tokio::test]
async fn what_the_index_does_not_know_yet() {
    const EMPTY: &str = r#"{"ResourceTagMappingList":[]}"#;
    let world = World::new("e2e-destroy-behind").await;
    let proxy = Proxy::before(endpoint(), |call| {
        (call.operation == "GetResources").then_some(Answer::Json(EMPTY))
    });
    let program = Program::of(&world).with("AWS_ENDPOINT_URL", &proxy.endpoint);
    let all = format!(
        "{SHOP}\nimages: {{ type: aws:ecr:Repository, properties: {{ name: e2e/destroy-behind }} }}
dashboard: {{ type: aws:cloudwatch:Dashboard, properties: {{ dashboardName: e2e-destroy-behind, dashboardBody: {{ widgets: [] }} }} }}
logs: {{ type: aws:cloudwatch:LogGroup, properties: {{ name: /e2e/destroy-behind }} }}
settings: {{ type: aws:rds:ParameterGroup, properties: {{ family: postgres16 }} }}
balanced: {{ type: aws:lb:TargetGroup, properties: {{ port: 80, protocol: HTTP, vpcId: '${{vpc.id}}' }} }}"
    );
    let up = program.run(&all, "up", &["--yes"]);
    assert_eq!(up.status, DONE, "{}", up.screen);
    assert_eq!(world.sdk.tagged(&world.stack_tag()).await.len(), 10);
    let only = "vpc: { type: aws:ec2:Vpc, properties: { cidrBlock: 10.0.0.0/16 } }";
    let everything = ["--yes", "--allow-delete", "*"];
    let gone = program.run(only, "destroy", &everything);
    assert_eq!(gone.status, DONE, "{}", gone.screen);
    // A secret stays through its recovery window.
    let mut left = world.sdk.tagged(&world.stack_tag()).await;
    left.retain(|arn| !arn.contains(":secret:"));
    assert_eq!(left, [] as [String; 0], "{}", gone.screen);
    assert!(!gone.screen.contains("may be left"), "{}", gone.screen);
    // An object that is gone is no hint any more.
    let again = program.run(only, "destroy", &everything);
    assert_eq!(again.status, DONE, "{}", again.screen);
    assert_eq!(again.mutating, [] as [String; 0]);
    assert!(again.stdout.contains("nothing of"), "{}", again.screen);
}

/// The record is a hint: any party that can write it can name objects, and only tags say whose they are.
#[tokio::test]
async fn what_a_record_names_and_no_tag_claims_stays() {
    let world = unlocked("e2e-destroy-forged").await;
    let sdk = &world.sdk;
    let made = sdk.sns.create_topic().name("e2e-destroy-forged-theirs");
    let made = made.send().await.expect("a topic can be made");
    let theirs = made.topic_arn.expect("it has an ARN");
    let record = json!({
        "command": "up",
        "outcome": "succeeded",
        "types": ["sns:Topic"],
        "objects": { "sns:Topic": [theirs] },
    });
    let put = sdk.ssm.put_parameter().value(record.to_string());
    let put = put.name(parameter(&world, "deployments"));
    let put = put.r#type(ParameterType::String).send().await;
    put.expect("the record can be written");

    let everything = ["--yes", "--allow-delete", "*"];
    let topic = "topic: { type: aws:sns:Topic }";
    let gone = Program::of(&world).run(topic, "destroy", &everything);
    assert_eq!(gone.status, DONE, "{}", gone.screen);
    assert_eq!(gone.mutating, [] as [String; 0], "{}", gone.screen);
    let asked = sdk.sns.get_topic_attributes().topic_arn(&theirs);
    asked.send().await.expect("it is there");
    let delete = sdk.sns.delete_topic().topic_arn(&theirs);
    delete.send().await.expect("it can be deleted");
}

/// Container Insights makes its log group again when the cluster is gone. That is reported, and costs no call.
#[tokio::test]
async fn what_aws_writes_by_itself_is_named_at_the_end() {
    let world = World::new("e2e-destroy-aftermath").await;
    let program = Program::of(&world);
    let file = |value: &str| {
        format!(
            "cluster: {{ type: aws:ecs:Cluster, properties: {{ name: e2e-destroy-aftermath, settings: [{{ name: containerInsights, value: {value} }}] }} }}"
        )
    };
    let group = "/aws/ecs/containerinsights/e2e-destroy-aftermath/performance";
    let mut calls = Vec::new();
    for (value, is_named) in [("enabled", true), ("disabled", false)] {
        let resources = file(value);
        world.up(&resources).await;
        let ended = program.run(&resources, "destroy", &["--yes"]);
        assert_eq!(ended.status, DONE, "{}", ended.screen);
        assert_eq!(ended.stdout.contains(group), is_named, "{}", ended.screen);
        // A wait asks as often as it takes.
        calls.push(ended.calls.into_iter().collect::<BTreeSet<String>>());
    }
    assert_eq!(calls[0], calls[1]);
}
