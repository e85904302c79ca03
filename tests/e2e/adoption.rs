//! Log groups that were there before: AWS makes them itself, and other stacks have theirs.

use crate::common::program::Program;
use crate::common::sdk::{FOREIGN, Sdk};
use crate::common::{World, indent};
use crate::data::{Kind, LogGroup, assert_refused, write_line};

/// AWS makes log groups itself, without tags: one with a wanted name is taken over, lines and all.
#[tokio::test]
async fn a_log_group_that_nobody_owns_is_taken_over() {
    let world = World::new("e2e-data-adopted").await;
    let resources = "kept: { type: aws:cloudwatch:LogGroup, properties: { name: /e2e/data/adopted, retentionInDays: 7 } }";
    let group = "/e2e/data/adopted";
    make_group(&world.sdk, group, FOREIGN).await;
    write_line(&world.sdk, group).await;
    world.up(resources).await;
    assert_eq!(world.id(resources, "kept").await, group);
    assert!(LogGroup.holds(&world.sdk, group).await);
    let found = world
        .sdk
        .logs
        .describe_log_groups()
        .log_group_name_prefix(group)
        .send()
        .await;
    let found = found.expect("log groups can be listed");
    assert_eq!(found.log_groups()[0].retention_in_days(), Some(7));
    let tags = world
        .sdk
        .tags_of(
            found.log_groups()[0]
                .log_group_arn()
                .expect("it has an ARN"),
        )
        .await;
    assert_eq!(tags.get(FOREIGN.0).map(String::as_str), Some(FOREIGN.1));
    assert_eq!(tags.get("fde:stack"), Some(&world.stack_tag()));
    world.destroy(resources).await;
}

/// One that another stack owns is not touched, and the message names the key to change.
#[tokio::test]
async fn a_log_group_of_another_stack_stands_in_the_way() {
    let world = World::new("e2e-data-taken").await;
    let program = Program::of(&world);
    let group = "/aws/ecs/containers-e2e-taken";
    let owner = "urn:fde:other/prod::aws:cloudwatch:LogGroup::services/e2e-taken/logGroup";
    make_group(&world.sdk, group, ("fde:urn", owner)).await;

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

/// A log group with this tag alone, whatever was there before.
async fn make_group(sdk: &Sdk, name: &str, tag: (&str, &str)) {
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
        .tags(tag.0, tag.1)
        .send()
        .await
        .expect("the group can be made");
}
