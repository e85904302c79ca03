//! Types that go through Cloud Control: `aws-native:…` and `AWS::…`.

use serde_json::{Value as Json, json};

use crate::common::commands::{DONE, RESOURCE_FAILED};
use crate::common::program::Program;
use crate::common::sdk::Sdk;
use crate::common::{World, endpoint, http};

/// A type whose identifier AWS makes, in both spellings, and two whose names are ours: tags as a list, and as a map.
const FILE: &str = "\
dead: { type: aws-native:sqs:Queue }
mails:
  type: AWS::SQS::Queue
  properties:
    DelaySeconds: 5
    RedrivePolicy: { deadLetterTargetArn: '${dead.Arn}', maxReceiveCount: 3 }
    Tags: [{ Key: team, Value: blue }]
orders:
  type: aws-native:dynamodb:Table
  properties:
    billingMode: PAY_PER_REQUEST
    attributeDefinitions: [{ attributeName: pk, attributeType: S }]
    keySchema: [{ attributeName: pk, keyType: HASH }]
vault: { type: aws-native:backup:BackupVault, properties: { backupVaultName: NAME } }
";

fn file(name: &str) -> String {
    FILE.replace("NAME", name)
}

/// The properties of an object, as Cloud Control returns them; `None` if there is no such object.
async fn look(sdk: &Sdk, type_name: &str, id: &str) -> Option<Json> {
    let get = sdk.cloudcontrol.get_resource();
    let answer = get.type_name(type_name).identifier(id).send().await.ok()?;
    let text = answer.resource_description?.properties?;
    Some(serde_json::from_str(&text).expect("properties are JSON"))
}

/// The objects of a type that carry the stack's tag, with their identifiers.
async fn own(world: &World, type_name: &str) -> Vec<(String, Json)> {
    let list = world.sdk.cloudcontrol.list_resources().type_name(type_name);
    let list = list.send().await.expect("a list");
    let mut own = Vec::new();
    for description in list.resource_descriptions() {
        let id = description.identifier().expect("an identifier");
        let object = look(&world.sdk, type_name, id).await.expect("it is there");
        if object.to_string().contains(&world.stack_tag()) {
            own.push((id.to_owned(), object));
        }
    }
    own
}

#[tokio::test]
async fn a_stack_comes_changes_and_goes() {
    let world = World::new("e2e-cloud-control").await;
    let program = Program::of(&world);
    let first = file("e2e-cloud-control");
    let up = |text: &str| program.run_file(&world.file(text), "up", &["--yes"]);
    let made = up(&first);
    assert_eq!(made.status, DONE, "{}", made.screen);
    let queues = own(&world, "AWS::SQS::Queue").await;
    let is_mails = |(_, queue): &&(String, Json)| queue.get("RedrivePolicy").is_some();
    let (mails, queue) = queues.iter().find(is_mails).expect("a queue with a policy");
    let dead = queues
        .iter()
        .find(|queue| !is_mails(queue))
        .expect("a queue without one");
    let redrive = queue["RedrivePolicy"].to_string();
    assert!(
        redrive.contains(dead.1["Arn"].as_str().expect("an ARN")),
        "{redrive}"
    );
    let tags = queue["Tags"].as_array().expect("tags");
    assert!(
        tags.contains(&json!({ "Key": "team", "Value": "blue" })),
        "{tags:?}"
    );
    let vault = look(&world.sdk, "AWS::Backup::BackupVault", "e2e-cloud-control").await;
    let vault = vault.expect("a vault");
    assert_eq!(vault["BackupVaultTags"]["fde:stack"], world.stack_tag());
    // Again, and nothing is written.
    let again = up(&first);
    assert_eq!(
        (again.status, again.mutating.as_slice()),
        (DONE, &[][..]),
        "{}",
        again.screen
    );
    // In place, by the smallest patch; a policy as an object, a tag by the tagging API.
    let second = first
        .replace("DelaySeconds: 5", "DelaySeconds: 9")
        .replace("blue", "red");
    let changed = up(&second);
    assert_eq!(changed.status, DONE, "{}", changed.screen);
    let queue = look(&world.sdk, "AWS::SQS::Queue", mails)
        .await
        .expect("the same queue");
    assert_eq!(queue["DelaySeconds"].to_string().trim_matches('"'), "9");
    assert!(queue["Tags"].to_string().contains("red"), "{queue}");
    assert!(queue["RedrivePolicy"].to_string().contains('3'), "{queue}");
    // What another party changes is drift, and taken back.
    let patch = json!([{ "op": "add", "path": "/DelaySeconds", "value": 1 }]).to_string();
    let update = world
        .sdk
        .cloudcontrol
        .update_resource()
        .type_name("AWS::SQS::Queue");
    let update = update.identifier(mails).patch_document(patch);
    let event = update
        .send()
        .await
        .expect("an update")
        .progress_event
        .expect("an event");
    settle(&world.sdk, event.request_token().expect("a token")).await;
    let mended = up(&second);
    assert!(mended.screen.contains("delaySeconds"), "{}", mended.screen);
    let queue = look(&world.sdk, "AWS::SQS::Queue", mails)
        .await
        .expect("the same queue");
    assert_eq!(queue["DelaySeconds"].to_string().trim_matches('"'), "9");
    let gone = program.run_file(&world.file(&second), "destroy", &["--yes"]);
    assert_eq!(gone.status, DONE, "{}", gone.screen);
    for type_name in [
        "AWS::SQS::Queue",
        "AWS::DynamoDB::Table",
        "AWS::Backup::BackupVault",
    ] {
        assert_eq!(own(&world, type_name).await, [], "{type_name}");
    }
}

/// Asks until a request has ended.
async fn settle(sdk: &Sdk, token: &str) {
    loop {
        let ask = sdk
            .cloudcontrol
            .get_resource_request_status()
            .request_token(token);
        let event = ask
            .send()
            .await
            .expect("a status")
            .progress_event
            .expect("an event");
        match event.operation_status().map(|status| status.as_str()) {
            Some("PENDING" | "IN_PROGRESS") => {}
            status => return assert_eq!(status, Some("SUCCESS")),
        }
    }
}

/// AWS answers a token with the request that it was used for, also once the object is gone: nothing would be made.
#[tokio::test]
async fn what_was_destroyed_is_made_again() {
    let world = World::new("e2e-cloud-control-again").await;
    let program = Program::of(&world);
    let text =
        world.file("queue: { type: aws-native:sqs:Queue, properties: { delaySeconds: 3 } }\n");
    let mut ids = Vec::new();
    for _ in 0..3 {
        let made = program.run_file(&text, "up", &["--yes"]);
        assert_eq!(made.status, DONE, "{}", made.screen);
        let own = own(&world, "AWS::SQS::Queue").await;
        let [(id, _)] = own.as_slice() else {
            panic!("one queue: {own:?}");
        };
        ids.push(id.clone());
        let gone = program.run_file(&text, "destroy", &["--yes"]);
        assert_eq!(gone.status, DONE, "{}", gone.screen);
    }
    ids.dedup();
    assert_eq!(ids.len(), 3, "{ids:?}");
}

/// The name is another party's, and stays that.
#[tokio::test]
async fn what_others_have_is_not_taken() {
    let world = World::new("e2e-cloud-control-others").await;
    let name = "e2e-cloud-control-others";
    let state = json!({ "BackupVaultName": name }).to_string();
    let create = world.sdk.cloudcontrol.create_resource();
    let create = create
        .type_name("AWS::Backup::BackupVault")
        .desired_state(state);
    let event = create
        .send()
        .await
        .expect("a vault")
        .progress_event
        .expect("an event");
    settle(&world.sdk, event.request_token().expect("a token")).await;
    let text = format!(
        "vault: {{ type: aws-native:backup:BackupVault, properties: {{ backupVaultName: {name} }} }}\n"
    );
    let program = Program::of(&world);
    let refused = program.run_file(&world.file(&text), "up", &["--yes"]);
    assert_ne!(refused.status, DONE, "{}", refused.screen);
    assert!(refused.screen.contains(name), "{}", refused.screen);
    let vault = look(&world.sdk, "AWS::Backup::BackupVault", name)
        .await
        .expect("it stays");
    assert!(!vault.to_string().contains("fde:"), "{vault}");
    let delete = world.sdk.cloudcontrol.delete_resource();
    let delete = delete
        .type_name("AWS::Backup::BackupVault")
        .identifier(name);
    let event = delete.send().await.expect("a deletion").progress_event;
    let event = event.expect("an event");
    settle(&world.sdk, event.request_token().expect("a token")).await;
}

/// The reason is AWS's.
#[tokio::test]
async fn what_aws_refuses_is_told() {
    let world = World::new("e2e-cloud-control-refused").await;
    let program = Program::of(&world);
    let text = world.file(
        "stream: { type: aws-native:kinesis:Stream, properties: { streamModeDetails: { streamMode: NONE } } }\n",
    );
    let refused = program.run_file(&text, "up", &["--yes"]);
    assert_eq!(refused.status, RESOURCE_FAILED, "{}", refused.screen);
    for part in ["cloudformation:CreateResource", "StreamMode"] {
        assert!(refused.stderr.contains(part), "{}", refused.screen);
    }
    assert_eq!(own(&world, "AWS::Kinesis::Stream").await, []);
}

/// The code of a function is never returned: it is sent again once the file names another.
#[tokio::test]
async fn what_is_never_returned_is_sent_again_once_it_is_another() {
    let world = World::new("e2e-cloud-control-code").await;
    let program = Program::of(&world);
    let text = |key: &str| {
        let code = format!("{{ S3Bucket: bucket, S3Key: {key} }}");
        world.file(&format!(
            "fn: {{ type: AWS::Lambda::Function, properties: {{ Role: 'arn:aws:iam::123456789012:role/x', Code: {code}, \
             Handler: index.handler, Runtime: nodejs22.x }} }}\n"
        ))
    };
    let made = program.run_file(&text("v1.zip"), "up", &["--yes"]);
    assert_eq!(made.status, DONE, "{}", made.screen);
    let same = program.run_file(&text("v1.zip"), "up", &["--yes"]);
    assert_eq!(
        (same.status, same.mutating.len()),
        (DONE, 0),
        "{}",
        same.screen
    );
    let changed = program.run_file(&text("v2.zip"), "up", &["--yes"]);
    assert_eq!(changed.status, DONE, "{}", changed.screen);
    let updates = |call: &&String| call.ends_with(":UpdateResource");
    assert_eq!(
        changed.mutating.iter().filter(updates).count(),
        1,
        "{:?}",
        changed.mutating
    );
    let again = program.run_file(&text("v2.zip"), "up", &["--yes"]);
    assert_eq!(
        (again.status, again.mutating.len()),
        (DONE, 0),
        "{}",
        again.screen
    );
    let gone = program.run_file(&text("v2.zip"), "destroy", &["--yes"]);
    assert_eq!(gone.status, DONE, "{}", gone.screen);
    assert_eq!(own(&world, "AWS::Lambda::Function").await, []);
}

/// A handler that does not find an object which is there has not deleted it.
#[tokio::test]
async fn what_is_still_there_is_not_deleted() {
    let world = World::new("e2e-cloud-control-kept").await;
    let program = Program::of(&world);
    let text = world.file(
        "tracker: { type: aws-native:location:Tracker, properties: { trackerName: e2e-kept } }\n",
    );
    let made = program.run_file(&text, "up", &["--yes"]);
    assert_eq!(made.status, DONE, "{}", made.screen);
    let script = json!({
        "type": "AWS::Location::Tracker", "operation": "DELETE", "error": "NotFound", "message": "not here",
    });
    http::send(endpoint(), "/_account/cloudcontrol", &script.to_string());
    let kept = program.run_file(&text, "destroy", &["--yes"]);
    assert_eq!(kept.status, RESOURCE_FAILED, "{}", kept.screen);
    assert_eq!(own(&world, "AWS::Location::Tracker").await.len(), 1);
    let gone = program.run_file(&text, "destroy", &["--yes"]);
    assert_eq!(gone.status, DONE, "{}", gone.screen);
    assert_eq!(own(&world, "AWS::Location::Tracker").await, []);
}
