//! Changes and deletions by others are told from edits of the file: also where there are no tags to tell, and where nothing
//! is left.

use aws_sdk_s3::types::{BucketVersioningStatus, VersioningConfiguration};
use serde_json::Value as Json;

use crate::common::World;
use crate::common::program::{Ended, Program};

fn succeeded(ended: Ended) -> Ended {
    assert_eq!(ended.status, Some(0), "{}", ended.screen);
    ended
}

fn file(name: &str, versions: &str) -> String {
    format!(
        "bucket: {{ type: aws:s3:Bucket, properties: {{ bucket: {name} }} }}
versions: {{ type: aws:s3:BucketVersioning, properties: {{ bucket: '${{bucket.id}}', versioningConfiguration: {{ status: {versions} }} }} }}
topic: {{ type: aws:sns:Topic, properties: {{ name: {name} }} }}
other: {{ type: aws:sns:Topic, properties: {{ name: {name}-other }} }}
"
    )
}

/// The number of steps that count as drift, and the reason for each step.
fn drift(program: &Program<'_>, file: &str) -> (u64, Vec<(String, String)>) {
    let shown = succeeded(program.run(file, "preview", &["--json"]));
    let document: Json = serde_json::from_str(&shown.stdout).expect("a document");
    let text = |step: &Json, key: &str| step[key].as_str().expect("a text").to_owned();
    let steps = document["steps"].as_array().expect("a list").iter();
    let steps = steps.map(|step| (text(step, "name"), text(step, "because")));
    let count = document["summary"]["drift"].as_u64().expect("a count");
    (count, steps.collect())
}

fn steps(steps: &[(&str, &str)]) -> Vec<(String, String)> {
    let steps = steps.iter();
    steps
        .map(|(name, because)| ((*name).to_owned(), (*because).to_owned()))
        .collect()
}

#[tokio::test]
async fn what_is_gone_or_has_no_tags_counts_as_drift() {
    let name = "e2e-drift";
    let world = World::new(name).await;
    let program = Program::of(&world);
    let enabled = file(name, "Enabled");
    let suspended = file(name, "Suspended");
    let none = "bucket: { type: aws:s3:Bucket, properties: { bucket: e2e-drift } }\n";
    succeeded(program.run(none, "up", &["--yes"]));
    let all = [
        ("other", "missing"),
        ("topic", "missing"),
        ("versions", "missing"),
    ];
    let (count, mut planned) = drift(&program, &enabled);
    planned.retain(|(name, _)| name != "bucket");
    planned.sort();
    assert_eq!(
        (count, planned),
        (0, steps(&all)),
        "never made, so not gone"
    );
    succeeded(program.run(&enabled, "up", &["--yes"]));
    // An edit is an edit.
    assert_eq!(
        drift(&program, &suspended),
        (0, steps(&[("versions", "edited")]))
    );

    let topics = world.sdk.sns.list_topics().send().await;
    let topics = topics.expect("SNS answers");
    let arn = topics.topics().iter().filter_map(|topic| topic.topic_arn());
    let arn = arn.filter(|arn| arn.ends_with(name)).collect::<Vec<_>>()[0];
    let gone = world.sdk.sns.delete_topic().topic_arn(arn).send().await;
    gone.expect("it goes");
    let by_hand = VersioningConfiguration::builder().status(BucketVersioningStatus::Suspended);
    let set = world.sdk.s3.put_bucket_versioning().bucket(name);
    let set = set.versioning_configuration(by_hand.build()).send().await;
    set.expect("it is set");
    let (count, mut drifted) = drift(&program, &enabled);
    drifted.sort();
    let both = [("topic", "gone"), ("versions", "drifted")];
    assert_eq!((count, drifted), (2, steps(&both)));
    let shown = succeeded(program.run(&enabled, "preview", &[]));
    assert!(shown.stdout.contains("drift: gone"), "{}", shown.screen);
    assert!(
        shown.stdout.contains("drift: 2 have drifted"),
        "{}",
        shown.screen
    );
    // The file now says what others have set: nothing is left to do but for the topic.
    assert_eq!(
        drift(&program, &suspended),
        (1, steps(&[("topic", "gone")]))
    );

    // A run that leaves some of it out does not forget it.
    let part = ["--yes", "--target", "versions"];
    succeeded(program.run(&enabled, "up", &part));
    assert_eq!(drift(&program, &enabled), (1, steps(&[("topic", "gone")])));
    succeeded(program.run(&enabled, "up", &["--yes"]));
    assert_eq!(drift(&program, &enabled), (0, Vec::new()));
    // A destroyed resource does not count as gone.
    succeeded(program.run(&enabled, "destroy", &["--yes", "--allow-delete", "*"]));
    let (count, planned) = drift(&program, &enabled);
    assert_eq!(count, 0, "{planned:?}");
    assert!(
        planned.iter().all(|(_, because)| because == "missing"),
        "{planned:?}"
    );
}

/// Without a record that can be read, a plan is the same but for its words.
#[tokio::test]
async fn a_record_that_cannot_be_read_costs_words_alone() {
    let name = "e2e-drift-unread";
    let world = World::new(name).await;
    let program = Program::of(&world);
    let topic = format!("topic: {{ type: aws:sns:Topic, properties: {{ name: {name} }} }}\n");
    succeeded(program.run(&topic, "up", &["--yes"]));
    let record = format!("/fde-infra/{name}/dev/deployments");
    let spoilt = world.sdk.ssm.put_parameter().name(record);
    let spoilt = spoilt.value("not a record").overwrite(true).send().await;
    spoilt.expect("it is put");
    // The record is asked for only where something is to be done.
    let other = format!("other: {{ type: aws:sns:Topic, properties: {{ name: {name}-other }} }}\n");
    let both = format!("{topic}{other}");
    assert_eq!(drift(&program, &both), (0, steps(&[("other", "missing")])));
    let shown = program.run(&both, "preview", &[]);
    assert!(
        shown.calls.iter().any(|call| call == "ssm:GetParameters"),
        "{:?}",
        shown.calls
    );
    succeeded(program.run(&both, "up", &["--yes"]));
    succeeded(program.run(&both, "destroy", &["--yes"]));
}
