//! Log groups that were there before: AWS makes them itself, and other stacks have theirs.

use crate::common::program::Program;
use crate::common::sdk::{FOREIGN, Sdk};
use crate::common::showing::Showing;
use crate::common::{World, indent};
use crate::data::{Kind, LogGroup, assert_refused, write_line};

/// AWS makes log groups itself, without tags: one with a wanted name is taken over, lines and all; but lines older than the
/// file says go by consent alone, and so does the group.
#[tokio::test]
async fn a_log_group_without_any_tags_is_taken_over() {
    let world = World::new("e2e-data-adopted").await;
    let program = Program::of(&world);
    let resources = "kept: { type: aws:cloudwatch:LogGroup, properties: { name: /e2e/data/adopted, retentionInDays: 7 } }";
    let group = "/e2e/data/adopted";
    make_group(&world.sdk, group, None).await;
    write_line(&world.sdk, group).await;
    let ended = program.run(resources, "up", &["--yes"]);
    assert_refused(&ended, "--allow-delete kept", "a shorter time");
    assert!(
        ended.stdout.contains("takes over what is there"),
        "{ended:#?}"
    );

    let consent = ["--yes", "--allow-delete", "kept"];
    let ended = program.run(resources, "up", &consent);
    assert_eq!(ended.status, Some(0), "{ended:#?}");
    assert_eq!(world.id(resources, "kept").await, group);
    assert!(LogGroup.holds(&world.sdk, group).await);
    let found = described(&world.sdk, group).await;
    assert_eq!(found.retention_in_days(), Some(7));
    let tags = world
        .sdk
        .tags_of(found.log_group_arn().expect("an ARN"))
        .await;
    assert_eq!(tags.get("fde:stack"), Some(&world.stack_tag()));

    let ended = program.run(resources, "destroy", &["--yes"]);
    assert_refused(&ended, "--allow-delete kept", "destroy");
    assert!(LogGroup.holds(&world.sdk, group).await);
    let ended = program.run(resources, "destroy", &consent);
    assert_eq!(ended.status, Some(0), "{ended:#?}");
}

/// The owner of the tags has a use for the group.
#[tokio::test]
async fn a_log_group_with_tags_of_others_is_left_alone() {
    let _shown = Showing::of("R19", "a log group with tags of others", 1);
    let world = World::new("e2e-data-tagged").await;
    let program = Program::of(&world);
    let group = "/e2e/data/tagged";
    let resources = format!(
        "kept: {{ type: aws:cloudwatch:LogGroup, properties: {{ name: {group}, retentionInDays: 7 }} }}"
    );
    make_group(&world.sdk, group, Some(FOREIGN)).await;
    write_line(&world.sdk, group).await;
    let ended = program.run(&resources, "up", &["--yes"]);
    assert_refused(
        &ended,
        "resources.kept.properties.name",
        "a name that is taken",
    );
    assert_eq!(described(&world.sdk, group).await.retention_in_days(), None);
    let ended = program.run(&resources, "destroy", &["--yes"]);
    assert_eq!(ended.mutating, [] as [String; 0]);
    assert!(LogGroup.holds(&world.sdk, group).await);
    let gone = world.sdk.logs.delete_log_group().log_group_name(group);
    gone.send().await.expect("the group can be deleted");
}

async fn described(sdk: &Sdk, group: &str) -> aws_sdk_cloudwatchlogs::types::LogGroup {
    let asked = sdk.logs.describe_log_groups().log_group_name_prefix(group);
    let found = asked.send().await.expect("log groups can be listed");
    found.log_groups()[0].clone()
}

/// One that another stack owns is not touched, and the message names the key to change.
#[tokio::test]
async fn a_log_group_of_another_stack_stands_in_the_way() {
    let _shown = Showing::of("R19", "a log group of another stack", 1);
    let world = World::new("e2e-data-taken").await;
    let program = Program::of(&world);
    let group = "/aws/ecs/e2e-data-taken-dev/e2e-taken";
    let owner = "urn:fde:other/prod::aws:cloudwatch:LogGroup::services/e2e-taken/logGroup";
    make_group(&world.sdk, group, Some(("fde:urn", owner))).await;

    let raw = format!("kept: {{ type: aws:cloudwatch:LogGroup, properties: {{ name: {group} }} }}");
    let ended = program.run(&raw, "up", &["--yes"]);
    assert_refused(&ended, "resources.kept.properties.name", "a resource");
    assert!(ended.stderr.contains(owner), "{ended:#?}");

    let text = world.file("").replace(
        "resources: {}",
        &format!(
            "network: {{ natGateways: none }}\nservices:\n{}",
            indent(
                "e2e-taken: { image: public.ecr.aws/x/y:1, scaling: { min: 1, max: 1 } }",
                2
            )
        ),
    );
    let ended = program.run_file(&text, "up", &["--yes"]);
    assert_refused(&ended, "services.e2e-taken.logGroup", "a service");
    assert!(ended.stderr.contains(owner), "{ended:#?}");
    drop(
        world
            .sdk
            .logs
            .delete_log_group()
            .log_group_name(group)
            .send()
            .await,
    );
}

/// A log group with this tag at most, whatever was there before.
async fn make_group(sdk: &Sdk, name: &str, tag: Option<(&str, &str)>) {
    drop(
        sdk.logs
            .delete_log_group()
            .log_group_name(name)
            .send()
            .await,
    );
    sdk.logs
        .create_log_group()
        .log_group_name(name)
        .set_tags(tag.map(|(key, value)| [(key.to_owned(), value.to_owned())].into()))
        .send()
        .await
        .expect("the group can be made");
}
