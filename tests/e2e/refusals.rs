//! Following the advice of a refusal makes the refusal go away.

use std::collections::BTreeMap;

use aws_sdk_sns::types::Tag;

use crate::common::World;
use crate::common::commands::DONE;
use crate::common::program::{Ended, Program};

const REFUSED: Option<i32> = Some(5);

fn refused(ended: Ended, code: &str) -> Ended {
    assert_eq!(ended.status, REFUSED, "{}", ended.screen);
    assert!(ended.stderr.contains(code), "{code}\n{}", ended.screen);
    ended
}

fn done(ended: &Ended) {
    assert_eq!(ended.status, DONE, "{}", ended.screen);
}

/// The lines to be copied, without what begins each.
fn copied<'a>(ended: &'a Ended, start: &str) -> Vec<&'a str> {
    let lines = ended.raw.lines();
    lines
        .filter_map(|line| line.strip_prefix("    ")?.strip_prefix(start))
        .collect()
}

/// Runs the command that a refusal ends with, as a preview.
fn follow(program: &Program<'_>, resources: &str, ended: &Ended) {
    let commands = copied(ended, "fde-infra ");
    let command = commands.last().expect("a command to be copied");
    let flags: Vec<&str> = command.split(' ').skip(2).collect();
    assert!(!flags.is_empty(), "{command}");
    done(&program.run(resources, "preview", &flags));
}

fn topic(name: &str, key: &str, options: &str) -> String {
    format!(
        "{key}: {{ type: aws:sns:Topic, properties: {{ name: {name} }}, options: {{ {options} }} }}"
    )
}

#[tokio::test]
async fn what_is_retained_is_left_under_another_key_or_let_go() {
    let name = "e2e-refusals-retained";
    let world = World::new(name).await;
    let program = Program::of(&world);
    world
        .up(&topic(name, "topic", "retainOnDelete: true"))
        .await;
    let other = format!("{name}-other");
    let renamed = topic(&other, "topic", "retainOnDelete: true");
    let ended = program.run(&renamed, "preview", &[]);
    refused(ended, "fde::guard::retained");
    let another_key = topic(&other, "second", "retainOnDelete: true");
    done(&program.run(&another_key, "preview", &[]));
    let let_go = topic(&other, "topic", "");
    done(&program.run(&let_go, "preview", &[]));
    world.up(&let_go).await;
    world.destroy(&let_go).await;
}

#[tokio::test]
async fn what_is_protected_goes_once_the_file_or_its_tag_says_so() {
    let name = "e2e-refusals-protected";
    let world = World::new(name).await;
    let program = Program::of(&world);
    world.up(&topic(name, "topic", "protect: true")).await;
    let other = topic(&format!("{name}-other"), "topic", "protect: true");
    let ended = program.run(&other, "preview", &[]);
    refused(ended, "set `protect: false` for it in stacks/dev.yaml");
    let let_go = other.replace("protect: true", "protect: false");
    done(&program.run(&let_go, "preview", &[]));
    // Out of the file, its tag still holds it.
    let without = "other: { type: aws:sns:Topic }";
    let ended = program.run(without, "preview", &[]);
    refused(ended, "remove its tag `fde:protect`");
    let arn = format!("arn:aws:sns:eu-south-2:123456789012:{name}");
    let untag = world.sdk.sns.untag_resource().resource_arn(&arn);
    untag.tag_keys("fde:protect").send().await.expect("it goes");
    done(&program.run(without, "preview", &[]));
    world.up(without).await;
    world.destroy(without).await;
}

#[tokio::test]
async fn a_name_that_is_taken_is_adopted_by_the_tags_that_are_named() {
    let name = "e2e-refusals-name";
    let world = World::new(name).await;
    let program = Program::of(&world);
    let made = world.sdk.sns.create_topic().name(name).send().await;
    let arn = made.expect("a topic can be made").topic_arn;
    let id = arn.clone().expect("it has an ARN");
    let trust = ["--trust", &id];
    let resources = topic(name, "topic", "");
    let ended = program.run(&resources, "preview", &[]);
    let ended = refused(ended, "fde::guard::name_taken");
    let (_, tags) = ended.raw.split_once("--tags '").expect("a command");
    let (tags, _) = tags.split_once('\'').expect("quoted");
    let tags: BTreeMap<String, String> = serde_json::from_str(tags).expect("a map");
    let tags = tags.into_iter().map(|(key, value)| {
        let tag = Tag::builder().key(key).value(value);
        tag.build().expect("a tag")
    });
    let tags: Vec<Tag> = tags.collect();
    let tag = world.sdk.sns.tag_resource().set_resource_arn(arn);
    tag.set_tags(Some(tags)).send().await.expect("it is tagged");
    // Following the last line of the message: tags alone are no proof.
    assert!(
        ended.raw.contains(&format!("--trust {id}")),
        "{}",
        ended.screen
    );
    done(&program.run(&resources, "preview", &trust));
    let renamed = topic(&format!("{name}-other"), "topic", "");
    done(&program.run(&renamed, "preview", &trust));
    world.up(&resources).await;
    world.destroy(&resources).await;
}

#[tokio::test]
async fn data_goes_with_the_command_that_is_named() {
    let name = "e2e-refusals-data";
    let world = World::new(name).await;
    let program = Program::of(&world);
    let bucket =
        |name: &str| format!("bucket: {{ type: aws:s3:Bucket, properties: {{ bucket: {name} }} }}");
    world.up(&bucket(name)).await;
    let renamed = bucket(&format!("{name}-other"));
    let ended = program.run(&renamed, "preview", &[]);
    let ended = refused(ended, "fde::guard::holds_data");
    follow(&program, &renamed, &ended);
    world.destroy(&bucket(name)).await;
}

/// A name with the account's number in it, and one that a deleted secret keeps until it is gone.
#[tokio::test]
async fn names_that_are_taken_are_seen_in_the_preview() {
    let name = "e2e-refusals-taken";
    let world = World::new(name).await;
    let program = Program::of(&world);
    let bucket = format!("{name}-123456789012");
    let made = world.sdk.s3.create_bucket().bucket(&bucket);
    let here = aws_sdk_s3::types::CreateBucketConfiguration::builder();
    let here = here.location_constraint(aws_sdk_s3::types::BucketLocationConstraint::EuSouth2);
    let made = made.create_bucket_configuration(here.build()).send().await;
    made.expect("a bucket can be made");
    let made = world.sdk.secrets.create_secret().name(name);
    made.secret_string("theirs")
        .send()
        .await
        .expect("it is made");
    let deleted = world.sdk.secrets.delete_secret().secret_id(name);
    deleted.send().await.expect("it is scheduled");
    for resources in [
        format!(
            "bucket: {{ type: aws:s3:Bucket, properties: {{ bucket: '{name}-${{aws.accountId}}' }} }}"
        ),
        format!("secret: {{ type: aws:secretsmanager:Secret, properties: {{ name: {name} }} }}"),
    ] {
        let ended = program.run(&resources, "preview", &[]);
        refused(ended, "fde::guard::name_taken");
    }
    let gone = world.sdk.s3.delete_bucket().bucket(&bucket);
    gone.send().await.expect("it goes");
    let gone = world.sdk.secrets.delete_secret().secret_id(name);
    let gone = gone.force_delete_without_recovery(true).send().await;
    gone.expect("it goes");
}
