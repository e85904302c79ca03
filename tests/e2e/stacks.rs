//! The main job, with the program itself: each stack of `stacks/` from nothing to a running platform and back, and its cost
//! in calls.
//!
//! Each stack has an account of its own, because calls are counted by the account. Against another endpoint
//! (`AWS_ENDPOINT_URL`) everything holds but the counts, which are not kept there.

use std::process::{Command, Output, Stdio};

use aws_sdk_ec2::types::Filter;
use serde_json::Value as Json;

use crate::common::{REGION, http, sdk::Sdk};
use crate::controls;

/// Calls that `promises.md` allows on the reference stack of dev (P1, P8, P9).
const PREVIEW_CALLS: u64 = 50;
const UP_CALLS: u64 = 150;
const DESTROY_CALLS: u64 = 150;

/// The program, in an account of its own.
struct Program {
    endpoint: String,
    counts: bool,
}

impl Program {
    fn new(account: &str) -> Self {
        if let Ok(endpoint) = std::env::var("AWS_ENDPOINT_URL") {
            return Self {
                endpoint,
                counts: false,
            };
        }
        // Another instance than the one of the other tests, started by the program itself.
        let status = Command::new(env!("CARGO_BIN_EXE_fde-infra"))
            .args(["--sandbox", "preview", "dev"])
            .current_dir(env!("CARGO_MANIFEST_DIR"))
            .env("FDE_INFRA_SANDBOX_NAME", account)
            .stdin(Stdio::null())
            .output()
            .expect("the program starts");
        assert!(status.status.success(), "{status:?}");
        let output = Command::new(env!("CARGO_BIN_EXE_fde-infra"))
            .args(["sandbox", "reset"])
            .env("FDE_INFRA_SANDBOX_NAME", account)
            .output()
            .expect("the program starts");
        assert!(output.status.success(), "{output:?}");
        let output = Command::new(env!("CARGO_BIN_EXE_fde-infra"))
            .args(["sandbox", "status"])
            .env("FDE_INFRA_SANDBOX_NAME", account)
            .output()
            .expect("the program starts");
        let text = String::from_utf8_lossy(&output.stdout).into_owned()
            + &String::from_utf8_lossy(&output.stderr);
        let start = text.find("http://").expect("status names the endpoint");
        let endpoint: String = text[start..]
            .chars()
            .take_while(|c| c.is_ascii_alphanumeric() || "/:.".contains(*c))
            .collect();
        let endpoint = endpoint.trim_end_matches('.').to_owned();
        http::post(&endpoint, "/_account/checks");
        Self {
            endpoint,
            counts: true,
        }
    }

    fn run(&self, arguments: &[&str]) -> Output {
        Command::new(env!("CARGO_BIN_EXE_fde-infra"))
            .args(arguments)
            .current_dir(env!("CARGO_MANIFEST_DIR"))
            .env_clear()
            .env("AWS_ENDPOINT_URL", &self.endpoint)
            .env("AWS_ACCESS_KEY_ID", "test")
            .env("AWS_SECRET_ACCESS_KEY", "test")
            .env("NO_COLOR", "1")
            .stdin(Stdio::null())
            .output()
            .expect("the program starts")
    }

    fn succeed(&self, arguments: &[&str]) -> String {
        let output = self.run(arguments);
        let stdout = String::from_utf8_lossy(&output.stdout).into_owned();
        assert!(
            output.status.success(),
            "{arguments:?}: {}\n{stdout}\n{}",
            output.status,
            String::from_utf8_lossy(&output.stderr)
        );
        stdout
    }

    /// Calls since the last time this was asked: all, and those that change something.
    fn calls(&self) -> (u64, u64) {
        let log: Json = serde_json::from_str(&http::get(&self.endpoint, "/_account/calls"))
            .expect("the log is JSON");
        http::post(&self.endpoint, "/_account/calls/reset");
        let mutating = log["calls"].as_array().map_or(0, |calls| {
            calls.iter().filter(|call| call["mutating"] == true).count()
        });
        (log["total"].as_u64().unwrap_or_default(), mutating as u64)
    }
}

async fn there_and_back(stack: &str, consents: &[&str]) {
    let program = Program::new(&format!("e2e-{stack}"));
    // Values that only the run will know are told in words, and never by an internal name.
    for flags in ["--diff", "--json", "--markdown"] {
        let shown = program.succeed(&["preview", stack, flags]);
        assert!(!shown.contains("output<"), "{shown}");
        let says = "0 until the repository has an image, then ";
        // A comment on a pull request has a bound, beyond which it names the rest by number alone.
        let is_cut = flags == "--markdown" && shown.contains("more resources are left out here");
        assert!(shown.contains(says) || is_cut, "{flags}: {shown}");
    }
    if program.counts {
        program.calls();
    }
    program.succeed(&["up", stack, "--yes"]);
    let up = program.counts.then(|| program.calls());

    program.succeed(&["up", stack, "--yes"]);
    if program.counts {
        let (_, mutating) = program.calls();
        assert_eq!(mutating, 0, "the second up of {stack} changed something");
    }
    program.succeed(&["preview", stack, "--expect-no-changes"]);
    let preview = program.counts.then(|| program.calls());

    if program.counts {
        // Others may have something in another account.
        let broken = controls::broken(&Sdk::new(&program.endpoint).await, stack).await;
        assert_eq!(broken, [] as [String; 0], "{}", broken.join("\n"));
    }

    let outputs: Json = serde_json::from_str(&program.succeed(&["output", stack, "--json"]))
        .expect("outputs are JSON");
    for output in [
        "vpcId",
        "publicSubnetIds",
        "privateSubnetIds",
        "databaseEndpoint",
        "databaseSecretArn",
        "ecsClusterName",
        "apiRepositoryUrl",
        "apiImage",
        "webRepositoryUrl",
        "webImage",
        "url",
        "loadBalancerDnsName",
        "dashboardUrl",
    ] {
        assert!(
            outputs.get(output).is_some_and(|value| !value.is_null()),
            "{output}: {outputs}"
        );
    }

    let mut destroy = vec!["destroy", stack, "--yes"];
    destroy.extend(consents);
    if program.counts {
        program.calls();
    }
    program.succeed(&destroy);
    let destroyed = program.counts.then(|| program.calls());
    let sdk = Sdk::new(&program.endpoint).await;
    assert_eq!(left_behind(&sdk, stack).await, [] as [String; 0]);

    if let (Some((up, _)), Some((preview, _)), Some((destroy, _))) = (up, preview, destroyed) {
        println!("{stack}: up {up} calls, preview {preview} calls, destroy {destroy} calls");
        if stack == "dev" {
            assert!(preview <= PREVIEW_CALLS, "P1: {preview} calls");
            assert!(up <= UP_CALLS, "P8: {up} calls");
            assert!(destroy <= DESTROY_CALLS, "P9: {destroy} calls");
        }
    }
}

/// Everything that still carries the stack's tag. A final snapshot and a secret in its recovery window are what the
/// author asked to be left.
async fn left_behind(sdk: &Sdk, stack: &str) -> Vec<String> {
    let tag = format!("happyrobot-fde/{stack}");
    let mut left: Vec<String> = Vec::new();
    for arn in sdk.tagged(&tag).await {
        let in_recovery = arn.contains(":secret:")
            && sdk
                .secrets
                .describe_secret()
                .secret_id(&arn)
                .send()
                .await
                .is_ok_and(|secret| secret.deleted_date().is_some());
        // A deregistered revision stays on record for good; AWS has no way to be rid of it at once.
        let inactive = arn.contains(":task-definition/")
            && sdk
                .ecs
                .describe_task_definition()
                .task_definition(&arn)
                .send()
                .await
                .is_ok_and(|answer| {
                    answer
                        .task_definition()
                        .and_then(|definition| definition.status())
                        .is_some_and(|status| status.as_str() == "INACTIVE")
                });
        if !in_recovery && !inactive && !arn.contains(":snapshot:") {
            left.push(arn);
        }
    }
    let roles = sdk
        .iam
        .list_roles()
        .send()
        .await
        .expect("roles can be listed");
    for role in roles.roles() {
        let tags = sdk
            .iam
            .list_role_tags()
            .role_name(role.role_name())
            .send()
            .await
            .expect("tags can be read");
        if tags
            .tags()
            .iter()
            .any(|t| t.key() == "fde:stack" && t.value() == tag)
        {
            left.push(role.arn().to_owned());
        }
    }
    left
}

#[tokio::test]
async fn dev() {
    there_and_back("dev", &[]).await;
}

#[tokio::test]
async fn staging() {
    there_and_back("staging", &["--allow-delete", "*"]).await;
}

#[tokio::test]
async fn prod() {
    there_and_back("prod", &["--allow-delete", "*"]).await;
}

/// No part of a VPC moves to another one: everything in it is replaced, in an order that does not wait for itself.
#[tokio::test]
async fn a_platform_moves_to_another_network() {
    let program = Program::new("e2e-moving");
    // Elsewhere there is one account, and the test of the stack is in it.
    if !program.counts {
        return;
    }
    program.succeed(&["up", "dev", "--yes"]);
    let moved = [
        "--yes",
        "--set=network.cidr=10.7.0.0/16",
        "--set=network.publicSubnets=[10.7.101.0/24, 10.7.102.0/24]",
        "--set=network.privateSubnets=[10.7.1.0/24, 10.7.2.0/24]",
        "--allow-delete=database/instance",
    ];
    program.succeed(&[&["up", "dev"], &moved[..]].concat());
    let sdk = Sdk::new(&program.endpoint).await;
    let ours = Filter::builder()
        .name("tag:fde:stack")
        .values("happyrobot-fde/dev")
        .build();
    let answer = sdk.ec2.describe_vpcs().filters(ours).send().await;
    let answer = answer.expect("networks can be listed");
    let ranges: Vec<_> = answer.vpcs().iter().map(|vpc| vpc.cidr_block()).collect();
    assert_eq!(ranges, [Some("10.7.0.0/16")]);
    program.calls();
    program.succeed(&[&["up", "dev"], &moved[..]].concat());
    assert_eq!(program.calls().1, 0, "the second up changed something");
    program.succeed(&["destroy", "dev", "--yes"]);
    assert_eq!(left_behind(&sdk, "dev").await, [] as [String; 0]);
}

/// P2: a thousand alarms cost a preview a call per page, not a call each.
#[tokio::test]
async fn a_preview_of_a_thousand_alarms_costs_a_call_per_page() {
    let program = Program::new("e2e-alarms");
    if !program.counts {
        return;
    }
    let file = std::env::temp_dir().join(format!("fde-infra-alarms-{}.yaml", std::process::id()));
    let text = |count: usize| {
        let mut text =
            format!("name: many-alarms\nenvironment: dev\nregion: {REGION}\nresources:\n");
        for number in 0..count {
            text.push_str(&format!(
                "  alarm{number}:\n    type: aws:cloudwatch:MetricAlarm\n    properties: {{ comparisonOperator: \
                 GreaterThanThreshold, evaluationPeriods: 1, metricName: CPUUtilization, namespace: AWS/ECS, \
                 period: 60, statistic: Average, threshold: {number} }}\n"
            ));
        }
        text
    };
    let path = file.to_string_lossy().into_owned();
    std::fs::write(&file, text(1)).expect("the file can be written");
    program.succeed(&["preview", &path]);
    program.calls();
    program.succeed(&["preview", &path]);
    let (one, _) = program.calls();
    std::fs::write(&file, text(1000)).expect("the file can be written");
    program.succeed(&["preview", &path]);
    let (thousand, _) = program.calls();
    std::fs::remove_file(&file).expect("the file can be removed");
    println!("P2: {one} calls with one alarm, {thousand} with a thousand");
    assert!(thousand <= one + 10, "{thousand} calls");
}
