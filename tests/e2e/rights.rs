//! The policies of `docs/rights.md` are enough, and no wider than they have to be: the local account holds a caller to them, as
//! IAM does (`src/sandbox/permissions.py`).

use std::process::{Command, Output, Stdio};

use aws_config::{BehaviorVersion, Region};
use aws_credential_types::Credentials;
use serde_json::{Value as Json, json};

use crate::common::program::Program;
use crate::common::rights::{self, DEV, Policies, Policy, STAGING};
use crate::common::{REGION, World, endpoint, http};

/// Policies are enforced in the local account alone.
fn is_elsewhere() -> bool {
    std::env::var_os("AWS_ENDPOINT_URL").is_some()
}

/// An account of a test's own, with nothing in it.
fn account() -> String {
    let answer = http::post(endpoint(), "/_account/fork");
    let answer: Json = serde_json::from_str(&answer).expect("JSON");
    let account = format!("http://127.0.0.1:{}", answer["port"]);
    http::post(&account, "/_account/reset");
    account
}

/// Holds a caller to these policies.
fn give(account: &str, caller: &str, documents: &[Json]) {
    let body = json!({ "caller": caller, "documents": documents });
    http::send(account, "/_account/policies", &body.to_string());
}

fn document(policy: &Policy) -> Json {
    serde_json::from_str(&policy.text()).expect("a policy is JSON")
}

/// The roles of `docs/rights.md` as callers: the one that previews, the one that reads, and the one that deploys.
fn give_roles(account: &str, policies: &Policies) {
    let preview = document(&policies.preview);
    let read = document(&policies.read);
    let (change, own) = (document(&policies.change), document(&policies.own));
    give(account, "preview", std::slice::from_ref(&preview));
    let (read_key, own_key) = (document(&policies.read_key), document(&policies.own_key));
    give(account, "read", &[preview.clone(), read.clone(), read_key]);
    give(account, "deploy", &[preview, read, change, own, own_key]);
}

/// Runs the program on a file of `stacks/`.
fn run(account: &str, caller: &str, words: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_fde-infra"))
        .args(words)
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .env_clear()
        .env("AWS_ENDPOINT_URL", account)
        .env("AWS_ACCESS_KEY_ID", caller)
        .env("AWS_SECRET_ACCESS_KEY", "test")
        .env("NO_COLOR", "1")
        .stdin(Stdio::null())
        .output()
        .expect("the program starts")
}

fn succeed(account: &str, caller: &str, words: &[&str]) -> String {
    let output = run(account, caller, words);
    let text = String::from_utf8_lossy(&output.stdout).into_owned()
        + &String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{caller}: {words:?}\n{text}");
    text
}

/// The calls that were refused for lack of a right.
fn refused(account: &str) -> Vec<String> {
    let log: Json = serde_json::from_str(&http::get(account, "/_account/calls")).expect("JSON");
    let calls = log["calls"].as_array().expect("a list of calls");
    let refused = calls.iter().filter(|call| call["status"] == 403);
    let name = |call: &Json, key: &str| call[key].as_str().unwrap_or_default().to_owned();
    refused
        .map(|call| format!("{}:{}", name(call, "service"), name(call, "operation")))
        .collect()
}

const NONE: [String; 0] = [];

/// The reference stack with every type of resource.
const EVERY_TYPE: &str = "tests/lab/every-type.yaml";

#[test]
fn the_roles_of_the_readme_are_enough() {
    if is_elsewhere() {
        return;
    }
    let account = account();
    give_roles(&account, &rights::policies(&DEV));
    let none = ["preview", EVERY_TYPE, "--expect-no-changes"];
    let up = ["up", EVERY_TYPE, "--yes"];
    succeed(&account, "read", &["preview", EVERY_TYPE]);
    succeed(&account, "deploy", &up);
    succeed(&account, "deploy", &up);
    succeed(&account, "read", &none);
    succeed(&account, "read", &["output", EVERY_TYPE, "--json"]);
    // Sizes, values, and tags of everything.
    let edit = [
        "tags.team=platform",
        "services.api.cpu=512",
        "services.api.memoryMiB=1024",
        "database.instanceClass=db.t3.small",
        "monitoring.logRetentionDays=14",
        "resources.version.properties.secretString=other",
    ];
    let edit = edit.iter().flat_map(|edit| ["--set", *edit]);
    let edited: Vec<&str> = up.into_iter().chain(edit).collect();
    succeed(&account, "deploy", &edited);
    // Shorter retention lets logs go, which wants consent.
    let back = [&up[..], &["--allow-delete", "*"]].concat();
    succeed(&account, "deploy", &back);
    succeed(&account, "deploy", &["destroy", EVERY_TYPE, "--yes"]);
    assert_eq!(refused(&account), NONE);

    // Without the right to the values of secrets a preview does not compare them, and is refused nothing else.
    succeed(&account, "deploy", &up);
    let told = succeed(&account, "preview", &none);
    assert!(told.contains("value not compared"), "{told}");
    succeed(&account, "preview", &["history", EVERY_TYPE]);
    let refused = refused(&account);
    let is_value = |call: &String| call.ends_with("GetSecretValue");
    assert!(
        !refused.is_empty() && refused.iter().all(is_value),
        "{refused:?}"
    );
    let changing = [&up[..], &["--set", "tags.team=x"]].concat();
    let changing = run(&account, "preview", &changing);
    assert!(!changing.status.success(), "{changing:?}");
    http::tell(&account, "/_account/stop");
}

/// The text of the page itself, with a stack that leaves nothing but what it must.
#[tokio::test]
async fn the_policies_in_the_documents_are_enough_for_its_stack_and_for_no_other() {
    if is_elsewhere() {
        return;
    }
    let account = account();
    let page = std::fs::read_to_string(rights::root().join(rights::PAGE)).expect("a page");
    let policies = rights::policies(&STAGING);
    for policy in [
        &policies.preview,
        &policies.read,
        &policies.change,
        &policies.own,
    ] {
        assert!(page.contains(&policy.text()), "{}", policy.first());
    }
    give_roles(&account, &policies);
    succeed(&account, "deploy", &["up", "staging", "--yes"]);
    succeed(
        &account,
        "read",
        &["preview", "staging", "--expect-no-changes"],
    );
    let all = ["destroy", "staging", "--yes", "--allow-delete", "*"];
    succeed(&account, "deploy", &all);
    assert_eq!(refused(&account), NONE);
    // Another stack has other names.
    let owner = secrets_of(&account, "rights-owner").await;
    let made = owner
        .create_secret()
        .name("happyrobot-fde-prod-database-secret")
        .secret_string("value")
        .send()
        .await;
    made.expect("the secret is made");
    let gone = secrets_of(&account, "deploy")
        .await
        .delete_secret()
        .secret_id("happyrobot-fde-prod-database-secret")
        .send()
        .await;
    let gone = gone
        .expect_err("it is another stack's")
        .into_service_error();
    let message = gone.meta().message().unwrap_or_default().to_owned();
    assert!(message.contains("secretsmanager:DeleteSecret"), "{message}");
    // Without the right to look, S3 says of every name that it is taken.
    let other = run(&account, "deploy", &["up", "dev", "--yes"]);
    assert_eq!(other.status.code(), Some(5), "{other:?}");
    let answer = String::from_utf8_lossy(&other.stderr).into_owned();
    let answer = answer.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(answer.contains("lacks s3:ListBucket"), "{answer}");
    http::tell(&account, "/_account/stop");
}

/// Everything but one action.
fn all_but(action: &str) -> Json {
    json!({
        "Version": "2012-10-17",
        "Statement": [{ "Effect": "Allow", "NotAction": action, "Resource": "*" }],
    })
}

/// Each is an action that a call needs without bearing its name, and a resource that needs it.
#[tokio::test]
async fn what_is_missing_is_said_by_its_name() {
    if is_elsewhere() {
        return;
    }
    let name = "e2e-rights-missing";
    let world = World::new(name).await;
    let role = "\
role:
  type: aws:iam:Role
  properties: { name: e2e-rights-missing, assumeRolePolicy: { Version: '2012-10-17', Statement: [{ Effect: Allow, Principal: { Service: ecs-tasks.amazonaws.com }, Action: sts:AssumeRole }] } }
";
    let task = format!(
        "{role}task:
  type: aws:ecs:TaskDefinition
  properties:
    family: {name}
    cpu: '256'
    memory: '512'
    networkMode: awsvpc
    requiresCompatibilities: [FARGATE]
    executionRoleArn: ${{role.arn}}
    containerDefinitions: [{{ name: app, image: 'nginx:1' }}]
"
    );
    let topic = format!("topic: {{ type: aws:sns:Topic, properties: {{ name: {name} }} }}");
    let group =
        "group: { type: aws:cloudwatch:LogGroup, properties: { name: /e2e/rights-missing } }";
    let vpc = "vpc: { type: aws:ec2:Vpc, properties: { cidrBlock: 10.0.0.0/16 } }";
    let flow_log = "\
vpc: { type: aws:ec2:Vpc, properties: { cidrBlock: 10.0.0.0/16 } }
group: { type: aws:cloudwatch:LogGroup, properties: { name: /e2e/rights-missing-flow } }
role: { type: aws:iam:Role, properties: { name: e2e-rights-missing-flow, assumeRolePolicy: { Version: '2012-10-17', Statement: [{ Effect: Allow, Principal: { Service: vpc-flow-logs.amazonaws.com }, Action: 'sts:AssumeRole' }] } } }
log: { type: aws:ec2:FlowLog, properties: { vpcId: '${vpc.id}', logDestination: '${group.arn}', iamRoleArn: '${role.arn}' } }";
    let files = "\
vpc: { type: aws:ec2:Vpc, properties: { cidrBlock: 10.0.0.0/16 } }
bucket: { type: aws:s3:Bucket, properties: { bucket: e2e-rights-missing-flow } }
log: { type: aws:ec2:FlowLog, properties: { vpcId: '${vpc.id}', logDestinationType: s3, logDestination: '${bucket.arn}' } }";
    for (number, (resources, action)) in [
        (flow_log, "iam:PassRole"),
        (files, "logs:CreateLogDelivery"),
        (topic.as_str(), "sns:TagResource"),
        (role, "iam:TagRole"),
        (task.as_str(), "iam:PassRole"),
        (task.as_str(), "ecs:TagResource"),
        (group, "logs:TagResource"),
        (vpc, "ec2:CreateTags"),
        (vpc, "ec2:CreateVpc"),
    ]
    .into_iter()
    .enumerate()
    {
        let caller = format!("rights-missing-{number}");
        give(endpoint(), &caller, &[all_but(action)]);
        let program = Program::of(&world).called_by(&caller, "test", "token");
        let ended = program.run(resources, "up", &["--yes"]);
        assert_eq!(ended.status, Some(4), "{action}: {}", ended.screen);
        let help = format!("allow {action}");
        assert!(ended.stderr.contains(&help), "{action}: {}", ended.screen);
        world.destroy("").await;
    }
}

async fn secrets_of(endpoint: &str, caller: &str) -> aws_sdk_secretsmanager::Client {
    let config = aws_config::defaults(BehaviorVersion::latest())
        .region(Region::new(REGION))
        .endpoint_url(endpoint)
        .credentials_provider(Credentials::new(caller, "test", None, None, "test"))
        .load()
        .await;
    aws_sdk_secretsmanager::Client::new(&config)
}

/// A secret by its tag alone; a key of the customer's only with the rights on that key.
#[tokio::test]
async fn the_account_evaluates_conditions_and_denials_as_iam_does() {
    if is_elsewhere() {
        return;
    }
    let everything = json!({ "Effect": "Allow", "Action": "*", "Resource": "*" });
    let statement =
        |statements: &[&Json]| json!({ "Version": "2012-10-17", "Statement": statements });
    let owner = secrets_of(endpoint(), "rights-owner").await;
    let tag = aws_sdk_secretsmanager::types::Tag::builder()
        .key("fde:stack")
        .value("happyrobot-fde/staging")
        .build();
    for (name, tags) in [
        ("happyrobot-fde-staging-rights-tagged", vec![tag]),
        ("happyrobot-fde-staging-rights-bare", Vec::new()),
    ] {
        let made = owner
            .create_secret()
            .name(name)
            .secret_string("value")
            .set_tags(Some(tags))
            .send()
            .await;
        made.expect("the secret is made");
    }
    give(
        endpoint(),
        "rights-read",
        &[document(&rights::policies(&STAGING).read)],
    );
    let reader = secrets_of(endpoint(), "rights-read").await;
    let read = |name: &str| reader.get_secret_value().secret_id(name).send();
    read("happyrobot-fde-staging-rights-tagged")
        .await
        .expect("a secret with the stack's tag is read");
    let bare = read("happyrobot-fde-staging-rights-bare").await;
    let bare = bare
        .expect_err("a secret without it is not")
        .into_service_error();
    assert_eq!(bare.meta().code(), Some("AccessDeniedException"));
    // Of several, the permitted ones are returned, and for the others there is an error.
    let both = reader
        .batch_get_secret_value()
        .secret_id_list("happyrobot-fde-staging-rights-tagged")
        .secret_id_list("happyrobot-fde-staging-rights-bare")
        .send()
        .await
        .expect("a batch is answered");
    assert_eq!(both.secret_values().len(), 1);
    assert_eq!(both.errors().len(), 1);

    // A denial wins over what is allowed.
    let deny = json!({ "Effect": "Deny", "Action": "secretsmanager:Delete*", "Resource": "*" });
    give(
        endpoint(),
        "rights-denied",
        &[statement(&[&everything, &deny])],
    );
    let denied = secrets_of(endpoint(), "rights-denied").await;
    let bare = "happyrobot-fde-staging-rights-bare";
    let gone = denied.delete_secret().secret_id(bare).send().await;
    let gone = gone.expect_err("it is denied").into_service_error();
    let message = gone.meta().message().unwrap_or_default().to_owned();
    assert!(message.contains("with an explicit deny"), "{message}");

    // Keys.
    let key = "arn:aws:kms:eu-south-2:123456789012:key/11111111-2222-3333-4444-555555555555";
    let secrets = json!({ "Effect": "Allow", "Action": "secretsmanager:*", "Resource": "*" });
    let make = |client: aws_sdk_secretsmanager::Client| async move {
        let name = "happyrobot-fde-staging-rights-keyed";
        client
            .create_secret()
            .name(name)
            .secret_string("value")
            .kms_key_id(key)
            .send()
            .await
    };
    give(endpoint(), "rights-keyless", &[statement(&[&secrets])]);
    let keyless = make(secrets_of(endpoint(), "rights-keyless").await).await;
    let keyless = keyless
        .expect_err("the key is not the caller's")
        .into_service_error();
    let message = keyless.meta().message().unwrap_or_default().to_owned();
    assert!(message.contains("kms:GenerateDataKey"), "{message}");
    let keys = document(&rights::policies(&STAGING).keys);
    give(endpoint(), "rights-keyed", &[statement(&[&secrets]), keys]);
    let keyed = make(secrets_of(endpoint(), "rights-keyed").await).await;
    keyed.expect("the key may be used");

    for name in ["tagged", "bare", "keyed"] {
        let gone = owner
            .delete_secret()
            .secret_id(format!("happyrobot-fde-staging-rights-{name}"))
            .force_delete_without_recovery(true)
            .send()
            .await;
        gone.expect("the secret is deleted");
    }
}
