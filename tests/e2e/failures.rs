//! The user's view of each failure: the whole screen as a file of `tests/snapshots/failures/`, the exit status, and that
//! nothing more was done than the message says.

use std::net::TcpListener;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use aws_sdk_ec2::types::Filter;
use expect_test::expect_file;

use crate::common::program::{Ended, Program};
use crate::common::proxy::{Answer, Proxy, Refusal};
use crate::common::sdk::Sdk;
use crate::common::{World, endpoint, indent};

/// Exit statuses (`design.md` §6).
const DONE: i32 = 0;
const ERROR: i32 = 1;
const USAGE: i32 = 2;
const CREDENTIALS: i32 = 3;
const RESOURCE_FAILED: i32 = 4;
const REFUSED: i32 = 5;
const NO_STACK: i32 = 6;

/// A run whose steps come in the same order each time.
const UP: [&str; 3] = ["--yes", "--parallel", "1"];

/// The screens are those of the file, and the last one ends like this.
fn check_screens(name: &str, ended: &[&Ended], status: i32) {
    let screens: Vec<&str> = ended.iter().map(|ended| ended.screen.as_str()).collect();
    let last = ended.last().expect("there is a screen");
    assert_eq!(last.status, Some(status), "{}", last.screen);
    // Another account has another number, and other words.
    if std::env::var_os("AWS_ENDPOINT_URL").is_none() {
        let file = format!("../snapshots/failures/{name}.txt");
        expect_file![file].assert_eq(&screens.join("\n"));
    }
}

fn check_screen(name: &str, ended: &Ended, status: i32) {
    check_screens(name, &[ended], status);
}

fn assert_nothing_changed(ended: &Ended) {
    assert_eq!(ended.mutating, [] as [String; 0], "{}", ended.screen);
}

#[tokio::test]
async fn another_account_is_refused_before_anything_is_read() {
    let world = World::new("e2e-failure-account").await;
    let program = Program::of(&world);
    let resources = "topic: { type: aws:sns:Topic }";
    let text = format!("account: '999999999999'\n{}", world.file(resources));
    for (command, arguments) in [
        ("up", &["--yes"][..]),
        ("preview", &[]),
        ("destroy", &["--yes"]),
        ("output", &[]),
    ] {
        let ended = program.run_file(&text, command, arguments);
        assert_eq!(ended.status, Some(REFUSED), "{}", ended.screen);
        if command == "up" {
            check_screen("wrong_account", &ended, REFUSED);
        }
        if std::env::var_os("AWS_ENDPOINT_URL").is_none() {
            assert_eq!(ended.calls, ["sts:GetCallerIdentity"], "{command}");
        }
    }
}

#[tokio::test]
async fn another_region_is_refused_before_any_call() {
    let world = World::new("e2e-failure-region").await;
    let resources = "topic: { type: aws:sns:Topic }";
    let program = Program::of(&world);
    let flag = program.run(resources, "up", &["--yes", "--region", "eu-west-1"]);
    assert_eq!(flag.calls, [] as [String; 0], "{}", flag.screen);
    check_screen("wrong_region", &flag, REFUSED);
}

/// The shell's region is for all tools, and the file's for this stack: a run goes there, and says so.
#[tokio::test]
async fn the_region_of_the_shell_does_not_count() {
    let world = World::new("e2e-failure-shell-region").await;
    let resources = "topic: { type: aws:sns:Topic }";
    let program = Program::of(&world).with("AWS_REGION", "us-east-1");
    let ended = program.run(resources, "up", &["--yes"]);
    assert_eq!(ended.status, Some(0), "{}", ended.screen);
    let note = "note: AWS_REGION is us-east-1; the stack is in eu-south-2, as stacks/dev.yaml says";
    assert!(ended.stderr.contains(note), "{}", ended.screen);
    let topics = world.sdk.sns.list_topics().send().await.expect("topics");
    let name = format!(":{}-topic", world.stack_tag().replace('/', "-"));
    let arns = topics.topics().iter().filter_map(|topic| topic.topic_arn());
    let made: Vec<&str> = arns.filter(|arn| arn.ends_with(&name)).collect();
    assert_eq!(made.len(), 1, "{topics:?}");
    assert!(made[0].contains(":eu-south-2:"), "{made:?}");
    world.destroy(resources).await;
}

/// AWS refuses signatures that are more than five minutes off.
#[tokio::test]
async fn a_clock_that_is_off_is_named() {
    let world = World::new("e2e-failure-clock").await;
    let proxy = Proxy::before(endpoint(), |_| {
        let refusal = Refusal {
            status: 403,
            code: "SignatureDoesNotMatch",
            message: "Signature expired: 20260101T100000Z is now earlier than 20260101T105500Z (20260101T110000Z - 5 min.)",
        };
        Some(refusal.into())
    });
    let program = Program::of(&world).with("AWS_ENDPOINT_URL", &proxy.endpoint);
    let ended = program.run("topic: { type: aws:sns:Topic }", "preview", &[]);
    check_screen("clock", &ended, CREDENTIALS);
}

#[tokio::test]
async fn without_credentials_both_ways_on_are_named() {
    let world = World::new("e2e-failure-credentials").await;
    let program = Program::of(&world)
        .without("AWS_ACCESS_KEY_ID")
        .without("AWS_SECRET_ACCESS_KEY");
    let started = Instant::now();
    let ended = program.run("topic: { type: aws:sns:Topic }", "up", &["--yes"]);
    let elapsed = started.elapsed();
    check_screen("no_credentials", &ended, CREDENTIALS);
    assert!(elapsed < Duration::from_secs(10), "{elapsed:?}");
}

/// The credentials of the environment do not stand in for it either: they may be those of another account.
#[tokio::test]
async fn a_profile_that_is_not_there_is_named() {
    let world = World::new("e2e-failure-profile").await;
    let program = Program::of(&world);
    let arguments = ["--profile", "customer"];
    let resources = "topic: { type: aws:sns:Topic }";
    let nowhere = program.run(resources, "preview", &arguments);
    program.write("aws-config", "[profile other]\nregion = eu-south-2\n");
    let program = program.with("AWS_CONFIG_FILE", "aws-config");
    let elsewhere = program.run(resources, "preview", &arguments);
    for ended in [&nowhere, &elsewhere] {
        assert_eq!(ended.status, Some(CREDENTIALS), "{}", ended.screen);
        assert_eq!(ended.calls, [] as [String; 0]);
    }
    check_screens("no_such_profile", &[&nowhere, &elsewhere], CREDENTIALS);
}

const THREE: &str = "\
logs: { type: aws:cloudwatch:LogGroup, properties: { name: /e2e/NAME } }
topic: { type: aws:sns:Topic, properties: { name: NAME } }
policy:
  type: aws:sns:TopicPolicy
  properties:
    arn: ${topic.arn}
    policy: { Version: '2012-10-17', Statement: [{ Effect: Allow, Principal: { Service: cloudwatch.amazonaws.com }, Action: sns:Publish, Resource: '${topic.arn}' }] }
";

/// A log group; a topic, and the resource that needs it.
fn three(name: &str) -> String {
    THREE.replace("NAME", name)
}

/// The same, beside a network: its create call has neither token nor name, and made twice it makes two.
fn three_and_a_vpc(name: &str) -> String {
    let vpc = "vpc: { type: aws:ec2:Vpc, properties: { cidrBlock: 10.0.0.0/16 } }";
    format!("{}{vpc}", three(name))
}

/// The number of networks of the stack.
async fn vpcs(world: &World) -> usize {
    let ours = Filter::builder()
        .name("tag:fde:stack")
        .values(world.stack_tag())
        .build();
    let answer = world.sdk.ec2.describe_vpcs().filters(ours).send().await;
    answer.expect("networks can be listed").vpcs().len()
}

async fn has_log_group(sdk: &Sdk, name: &str) -> bool {
    let name = format!("/e2e/{name}");
    let found = sdk
        .logs
        .describe_log_groups()
        .log_group_name_prefix(&name)
        .send()
        .await;
    let found = found.expect("log groups can be listed");
    found
        .log_groups()
        .iter()
        .any(|group| group.log_group_name() == Some(&name))
}

/// The number of topics with this name at the end.
async fn topics(sdk: &Sdk, name: &str) -> usize {
    let mut pages = sdk.sns.list_topics().into_paginator().send();
    let mut count = 0;
    while let Some(page) = pages.next().await {
        let page = page.expect("topics can be listed");
        let arns = page.topics().iter().filter_map(|topic| topic.topic_arn());
        count += arns
            .filter(|arn| arn.ends_with(&format!(":{name}")))
            .count();
    }
    count
}

const NOT_ALLOWED: Refusal = Refusal {
    status: 403,
    code: "AuthorizationError",
    message: "User: arn:aws:iam::123456789012:user/ci is not authorized to perform this action",
};

/// A denied read is no sign that there is nothing.
#[tokio::test]
async fn what_cannot_be_read_is_not_taken_for_absent() {
    let name = "e2e-failure-read";
    let world = World::new(name).await;
    world.up(&three(name)).await;
    let proxy = Proxy::before(endpoint(), |call| {
        (call.operation == "GetTopicAttributes").then(|| NOT_ALLOWED.into())
    });
    let program = Program::of(&world).with("AWS_ENDPOINT_URL", &proxy.endpoint);
    let previewed = program.run(&three(name), "preview", &[]);
    check_screen("denied_read", &previewed, ERROR);
    assert_nothing_changed(&previewed);
    for command in ["up", "destroy"] {
        let ended = program.run(&three(name), command, &["--yes"]);
        assert_eq!(ended.status, Some(ERROR), "{}", ended.screen);
        assert_nothing_changed(&ended);
    }
    world.destroy(&three(name)).await;
}

#[tokio::test]
async fn a_denied_call_stops_only_what_needs_it() {
    let name = "e2e-failure-denied";
    let world = World::new(name).await;
    let proxy = Proxy::before(endpoint(), |call| {
        (call.operation == "CreateTopic").then(|| NOT_ALLOWED.into())
    });
    let program = Program::of(&world).with("AWS_ENDPOINT_URL", &proxy.endpoint);
    let ended = program.run(&three(name), "up", &UP);
    check_screen("denied_write", &ended, RESOURCE_FAILED);
    assert_eq!(proxy.calls("CreateTopic"), 1);
    assert_eq!(proxy.calls("SetTopicAttributes"), 0);
    assert!(has_log_group(&world.sdk, name).await);
    assert_eq!(topics(&world.sdk, name).await, 0);
    // Allowed, it goes on from there.
    world.up(&three(name)).await;
    assert_eq!(topics(&world.sdk, name).await, 1);
    world.destroy(&three(name)).await;
}

/// A resource that cannot be deleted stays, and the resources that it needs with it; the rest goes.
#[tokio::test]
async fn a_denied_deletion_leaves_what_it_says() {
    let name = "e2e-failure-undeleted";
    let world = World::new(name).await;
    world.up(&three(name)).await;
    let proxy = Proxy::before(endpoint(), |call| {
        (call.operation == "DeleteTopic").then(|| NOT_ALLOWED.into())
    });
    let program = Program::of(&world).with("AWS_ENDPOINT_URL", &proxy.endpoint);
    let ended = program.run(&three(name), "destroy", &UP);
    check_screen("denied_delete", &ended, RESOURCE_FAILED);
    assert_eq!(topics(&world.sdk, name).await, 1);
    assert!(!has_log_group(&world.sdk, name).await);
    // Allowed, it goes on from there.
    world.destroy(&three(name)).await;
    assert_eq!(topics(&world.sdk, name).await, 0);
}

#[tokio::test]
async fn a_name_that_somebody_else_has_is_theirs() {
    let name = "e2e-failure-taken";
    let trust = r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"Service":"ecs-tasks.amazonaws.com"},"Action":"sts:AssumeRole"}]}"#;
    let world = World::new(name).await;
    // A run that died here has left it.
    drop(world.sdk.iam.delete_role().role_name(name).send().await);
    world
        .sdk
        .iam
        .create_role()
        .role_name(name)
        .assume_role_policy_document(trust)
        .send()
        .await
        .expect("the role can be made");
    let resources = format!(
        "role: {{ type: aws:iam:Role, properties: {{ name: {name}, assumeRolePolicy: '{trust}' }} }}"
    );
    let program = Program::of(&world);
    let previewed = program.run(&resources, "preview", &[]);
    assert_eq!(previewed.status, Some(REFUSED), "{}", previewed.screen);
    assert_nothing_changed(&previewed);
    let ended = program.run(&resources, "up", &["--yes"]);
    check_screen("name_taken", &ended, REFUSED);
    assert_nothing_changed(&ended);
    let tags = world.sdk.iam.list_role_tags().role_name(name).send().await;
    assert!(tags.expect("the role is there").tags().is_empty());
    drop(world.sdk.iam.delete_role().role_name(name).send().await);
}

#[tokio::test]
async fn what_aws_cannot_change_is_refused_before_anything_is_done() {
    let world = World::new("e2e-failure-forbidden").await;
    let resources = |storage: u32, label: &str| {
        format!(
            "password: {{ type: aws:secretsmanager:Secret, properties: {{ generateSecretString: {{ passwordLength: 20, secretStringTemplate: '{{}}', generateStringKey: password }} }} }}
topic: {{ type: aws:sns:Topic, properties: {{ displayName: {label} }} }}
store: {{ type: aws:rds:Instance, properties: {{ identifier: e2e-failure-forbidden, engine: postgres, engineVersion: '16', instanceClass: db.t3.micro, allocatedStorage: {storage}, username: app, masterPasswordSecretArn: '${{password.arn}}' }} }}"
        )
    };
    let before = resources(40, "before");
    world.up(&before).await;
    let program = Program::of(&world);
    let ended = program.run(&resources(20, "after"), "up", &["--yes"]);
    check_screen("forbidden", &ended, REFUSED);
    assert_nothing_changed(&ended);
    assert!(world.preview(&before).await.is_empty());
    world.destroy(&before).await;
}

/// Input that AWS would take for something else leads to no call at all, also where a file does not say it by itself.
#[tokio::test]
async fn what_cannot_work_is_refused_once_it_is_known() {
    let world = World::new("e2e-failure-misfit").await;
    let resources = |topic: &str, protocol: &str| {
        format!(
            "topic: {{ type: aws:sns:Topic, properties: {{ name: {topic} }} }}
vpc: {{ type: aws:ec2:Vpc, properties: {{ cidrBlock: 10.91.0.0/16 }} }}
group: {{ type: aws:ec2:SecurityGroup, properties: {{ vpcId: '${{vpc.id}}' }} }}
rule:
  type: aws:vpc:SecurityGroupIngressRule
  properties:
    securityGroupId: '${{group.id}}'
    ipProtocol: {protocol}
    fromPort: 443
    toPort: 443
    cidrIpv4: 10.0.0.0/8"
        )
    };
    let program = Program::of(&world);
    let wrong = resources("all", "'${topic.name}'");
    let ended = program.run(&wrong, "up", &["--yes"]);
    assert_eq!(ended.status, Some(RESOURCE_FAILED), "{}", ended.screen);
    let reason = "AWS would let all ports through";
    assert!(ended.screen.contains(reason), "{}", ended.screen);
    let asked = |name: &String| name.contains("AuthorizeSecurityGroupIngress");
    assert!(!ended.mutating.iter().any(asked), "{}", ended.screen);
    world.up(&resources("all", "tcp")).await;
    world.destroy(&wrong).await;
}

/// A throttled call is retried until it is through, also one that would make a twin if it had acted. (A call that is
/// throttled permanently is given up after five minutes; `src/aws/retry.rs` tests that on a clock of its own.)
#[tokio::test]
async fn throttling_is_waited_out() {
    let name = "e2e-failure-throttled";
    let world = World::new(name).await;
    let proxy = Proxy::before(endpoint(), |call| {
        let (status, code) = match (call.operation, call.turn) {
            ("CreateVpc", 1..=3) => (503, "RequestLimitExceeded"),
            ("CreateTopic", 1..=3) => (400, "Throttling"),
            ("CreateLogGroup", 1..=3) => (400, "ThrottlingException"),
            _ => return None,
        };
        let message = "Rate exceeded";
        let refusal = Refusal {
            status,
            code,
            message,
        };
        Some(refusal.into())
    });
    let resources = three_and_a_vpc(name);
    let program = Program::of(&world).with("AWS_ENDPOINT_URL", &proxy.endpoint);
    let ended = program.run(&resources, "up", &UP);
    check_screen("throttled", &ended, DONE);
    for operation in ["CreateVpc", "CreateTopic", "CreateLogGroup"] {
        assert_eq!(proxy.calls(operation), 4, "{operation}");
    }
    assert_eq!(vpcs(&world).await, 1);
    assert_eq!(topics(&world.sdk, name).await, 1);
    world.destroy(&resources).await;
}

/// A create call whose response was lost: made again, it would make a twin. So the run looks for what it may have made.
#[tokio::test]
async fn a_lost_answer_makes_no_twin() {
    let name = "e2e-failure-lost";
    let world = World::new(name).await;
    let proxy = Proxy::before(endpoint(), |call| {
        matches!(
            (call.operation, call.turn),
            ("CreateVpc" | "CreateTopic" | "CreateLogGroup", 1)
        )
        .then_some(Answer::Lost)
    });
    let program = Program::of(&world).with("AWS_ENDPOINT_URL", &proxy.endpoint);
    let ended = program.run(&three_and_a_vpc(name), "up", &UP);
    check_screen("lost_answer", &ended, DONE);
    assert_eq!(proxy.calls("CreateVpc"), 1);
    assert_eq!(vpcs(&world).await, 1);
    assert_eq!(topics(&world.sdk, name).await, 1);
    let again = program.run(&three_and_a_vpc(name), "up", &UP);
    assert_eq!(again.status, Some(DONE), "{}", again.screen);
    assert_nothing_changed(&again);
    world.destroy(&three_and_a_vpc(name)).await;
}

/// Tasks of an image with this tag never become healthy in the local account; the circuit breaker ends their deployment.
pub const UNHEALTHY: &str = "\
network: { natGateways: none }
loadBalancer: {}
services:
  api: { image: 'public.ecr.aws/shop/api:unhealthy', port: 8000, default: true, scaling: { min: 1, max: 1 } }
";

const LOG: &str = r#"{"events":[
    {"timestamp":1718000000000,"message":"starting on port 8000"},
    {"timestamp":1718000001000,"message":"KeyError: 'DATABASE_URL'\n"}]}"#;

#[tokio::test]
async fn a_service_that_does_not_become_healthy_says_why() {
    // Elsewhere there is no such image.
    if std::env::var_os("AWS_ENDPOINT_URL").is_some() {
        return;
    }
    let world = World::new("e2e-failure-unhealthy").await;
    // No container runs there, and so none logs.
    let proxy = Proxy::before(endpoint(), |call| {
        (call.operation == "GetLogEvents").then_some(Answer::Json(LOG))
    });
    let program = Program::of(&world).with("AWS_ENDPOINT_URL", &proxy.endpoint);
    let text = world.file("").replace("resources: {}\n", UNHEALTHY);
    let ended = program.run_file(&text, "up", &UP);
    check_screen("unhealthy_service", &ended, RESOURCE_FAILED);
    // With an image that works, it goes on from there.
    let text = text.replace("api:unhealthy", "api:1");
    let ended = program.run_file(&text, "up", &["--yes"]);
    assert_eq!(ended.status, Some(DONE), "{}", ended.screen);
    let ended = program.run_file(&text, "destroy", &["--yes"]);
    assert_eq!(ended.status, Some(DONE), "{}", ended.screen);
}

#[tokio::test]
async fn an_endpoint_that_nobody_listens_at_is_named() {
    let world = World::new("e2e-failure-endpoint").await;
    // A port that was free a moment ago.
    let listener = TcpListener::bind("127.0.0.1:0").expect("there is a free port");
    let address = listener.local_addr().expect("the port is known");
    drop(listener);
    let program = Program::of(&world).with("AWS_ENDPOINT_URL", &format!("http://{address}"));
    let started = Instant::now();
    let ended = program.run("topic: { type: aws:sns:Topic }", "preview", &[]);
    let elapsed = started.elapsed();
    check_screen("unreachable", &ended, ERROR);
    assert!(elapsed < Duration::from_secs(30), "{elapsed:?}");
}

fn expired(service: &str) -> Refusal {
    let by_json = !matches!(service, "ec2" | "iam" | "rds" | "sns" | "sts");
    Refusal {
        status: if by_json { 400 } else { 403 },
        code: if by_json {
            "ExpiredTokenException"
        } else {
            "ExpiredToken"
        },
        message: "The security token included in the request is expired",
    }
}

#[tokio::test]
async fn credentials_that_expire_half_way_are_renewed_and_it_goes_on() {
    let name = "e2e-failure-expired";
    let world = World::new(name).await;
    let is_late = AtomicBool::new(false);
    let proxy = Proxy::before(endpoint(), move |call| {
        if call.operation == "CreateTopic" {
            is_late.store(true, Ordering::Relaxed);
        }
        is_late
            .load(Ordering::Relaxed)
            .then(|| expired(call.service).into())
    });
    let program = Program::of(&world).with("AWS_ENDPOINT_URL", &proxy.endpoint);
    let halfway = program.run(&three(name), "up", &UP);
    check_screen("expired_halfway", &halfway, CREDENTIALS);
    assert_eq!(proxy.calls("CreateTopic"), 1);
    // Now they are expired from the first call on.
    let again = program.run(&three(name), "up", &UP);
    check_screen("expired", &again, CREDENTIALS);

    let renewed = program.with("AWS_ENDPOINT_URL", endpoint());
    let ended = renewed.run(&three(name), "up", &UP);
    assert_eq!(ended.status, Some(DONE), "{}", ended.screen);
    assert_eq!(topics(&world.sdk, name).await, 1);
    assert!(has_log_group(&world.sdk, name).await);
    world.destroy(&three(name)).await;
}

/// Answers to HEAD have no body that could say why.
#[tokio::test]
async fn expired_credentials_are_named_where_an_answer_has_no_body() {
    let name = "e2e-failure-head";
    let world = World::new(name).await;
    let proxy = Proxy::before(endpoint(), move |call| {
        let refusal = Refusal {
            code: "ExpiredToken",
            ..expired(call.service)
        };
        let is_of_bucket = call.operation.contains(&format!("/{name}"));
        is_of_bucket.then(|| refusal.into())
    });
    let program = Program::of(&world).with("AWS_ENDPOINT_URL", &proxy.endpoint);
    let resources = format!("bucket: {{ type: aws:s3:Bucket, properties: {{ bucket: {name} }} }}");
    let ended = program.run(&resources, "preview", &[]);
    assert_eq!(ended.status, Some(CREDENTIALS), "{}", ended.screen);
    let help = "set new credentials";
    assert!(ended.stderr.contains(help), "{}", ended.screen);
    assert_eq!(proxy.calls(&format!("HEAD /{name}/")), 1);
}

#[tokio::test]
async fn a_faulty_file_shows_all_its_faults() {
    let world = World::new("e2e-failure-file").await;
    let program = Program::of(&world);
    let body = "\
network:
  cidr: 10.0.0.0/16
  publicSubnets: [10.0.101.0/24, 10.1.102.0/24]
database:
  backupRetention: 1
loadBalancer: {}
services:
  api: { port: 8000, cpu: 256, memoryMiB: 4096, default: true }
  web: { port: 3000, default: true, secrets: { URL: '${databse.url}' } }
";
    let text = world.file("").replace("resources: {}\n", body);
    let validated = program.run_file(&text, "validate", &[]);
    check_screen("faulty_file", &validated, USAGE);
    for (command, arguments) in [
        ("preview", &[][..]),
        ("up", &["--yes"]),
        ("destroy", &["--yes"]),
    ] {
        let ended = program.run_file(&text, command, arguments);
        assert_eq!(ended.status, Some(USAGE), "{}", ended.screen);
        assert_eq!(ended.stderr, validated.stderr, "{command}");
        assert_eq!(ended.calls, [] as [String; 0], "{command}");
    }
}

#[tokio::test]
async fn a_stack_that_is_not_there() {
    let world = World::new("e2e-failure-stack").await;
    let program = Program::of(&world);
    drop(program.run("", "validate", &[]));
    let near = program.run_words(&["preview", "dew"]);
    let far = program.run_words(&["up", "production", "--yes"]);
    check_screens("no_such_stack", &[&near, &far], NO_STACK);
    assert_eq!(near.status, Some(NO_STACK));
}

#[tokio::test]
async fn nobody_is_there_to_say_yes() {
    let world = World::new("e2e-failure-yes").await;
    let program = Program::of(&world);
    let resources = "topic: { type: aws:sns:Topic }";
    let up = program.run(resources, "up", &[]);
    let destroy = program.run(resources, "destroy", &[]);
    check_screens("nobody_to_ask", &[&up, &destroy], USAGE);
    assert_eq!(up.status, Some(USAGE));
    assert_eq!(up.calls, [] as [String; 0]);
    assert_eq!(destroy.calls, [] as [String; 0]);
}

#[tokio::test]
async fn names_that_name_nothing() {
    let world = World::new("e2e-failure-names").await;
    let program = Program::of(&world);
    let resources = indent(&three("e2e-failure-names"), 0);
    let screens = [
        program.run(
            &resources,
            "preview",
            &["--target", "tpic", "--target", "logs,polcy"],
        ),
        program.run(&resources, "up", &["--yes", "--exclude", "database/*"]),
        program.run(&resources, "up", &["--yes", "--replace", "polcy"]),
        program.run(&resources, "destroy", &["--yes", "--target", "lgs"]),
    ];
    for ended in &screens {
        assert_eq!(ended.status, Some(USAGE), "{}", ended.screen);
        assert_nothing_changed(ended);
    }
    check_screens("names_nothing", &screens.each_ref(), USAGE);
}

#[tokio::test]
async fn slips_on_the_command_line() {
    let world = World::new("e2e-failure-slips").await;
    let program = Program::of(&world);
    let resources = "topic: { type: aws:sns:Topic }";
    let screens = [
        program.run(resources, "up", &["--yess"]),
        program.run(resources, "preview", &["--set", "resuorces.topic=1"]),
        program.run(resources, "preview", &["--set", "network.cird=10.0.0.0/16"]),
        program.run(resources, "preview", &["--set", "network"]),
        program.run(resources, "apply", &[]),
        program.run(resources, "previw", &[]),
        program.run(resources, "up", &["--yes", "--parallel", "0"]),
    ];
    for ended in &screens {
        assert_eq!(ended.status, Some(USAGE), "{}", ended.screen);
        assert_eq!(ended.calls, [] as [String; 0], "{}", ended.screen);
    }
    check_screens("slips", &screens.each_ref(), USAGE);
}

const THROTTLED: Refusal = Refusal {
    status: 503,
    code: "RequestLimitExceeded",
    message: "Request limit exceeded.",
};

#[tokio::test]
async fn a_reading_that_is_held_up_says_so() {
    let world = World::new("e2e-failure-reading").await;
    let proxy = Proxy::before(endpoint(), |call| {
        (call.operation == "DescribeVpcs" && call.turn <= 3).then(|| THROTTLED.into())
    });
    let program = Program::of(&world).with("AWS_ENDPOINT_URL", &proxy.endpoint);
    let resources = "vpc: { type: aws:ec2:Vpc, properties: { cidrBlock: 10.0.0.0/16 } }\n";
    let ended = program.run(resources, "preview", &[]);
    assert_eq!(ended.status, Some(DONE), "{}", ended.screen);
    assert_eq!(proxy.calls("DescribeVpcs"), 4);
    let told = "note: reading e2e-failure-reading/dev";
    assert!(ended.stderr.contains(told), "{}", ended.screen);
    let why = ended
        .stderr
        .split_whitespace()
        .collect::<Vec<_>>()
        .join(" ");
    let shown = "AWS throttles ec2:DescribeVpcs: waiting, attempt 4";
    assert!(why.contains(shown), "{}", ended.screen);
    // Data stays data.
    let ended = program.run(resources, "preview", &["--json"]);
    let told: serde_json::Value = serde_json::from_str(&ended.stdout).expect("JSON");
    assert!(told.is_object(), "{told}");
}

/// A new account has five addresses in a region.
#[tokio::test]
async fn a_full_quota_is_named_with_the_command_that_asks_for_more() {
    let world = World::new("e2e-failure-quota").await;
    let proxy = Proxy::before(endpoint(), |call| {
        let full = Refusal {
            status: 400,
            code: "AddressLimitExceeded",
            message: "The maximum number of addresses has been reached.",
        };
        (call.operation == "AllocateAddress").then(|| full.into())
    });
    let program = Program::of(&world).with("AWS_ENDPOINT_URL", &proxy.endpoint);
    let address = "address: { type: aws:ec2:Eip, properties: { domain: vpc } }";
    let ended = program.run(address, "up", &UP);
    assert_eq!(ended.status, Some(RESOURCE_FAILED), "{}", ended.screen);
    for words in [
        "Elastic IP addresses in a region (5 in a new account)",
        "aws service-quotas request-service-quota-increase --service-code ec2 --quota-code L-0263D0A3 --desired-value 10 --region eu-south-2",
    ] {
        assert!(ended.stderr.contains(words), "{words}: {}", ended.screen);
    }
    assert_eq!(proxy.calls("AllocateAddress"), 1);
    world.destroy("").await;
}
