//! `aws:ec2:FlowLog`, and the flow logs of a network.

use async_trait::async_trait;
use aws_sdk_ec2::types::{Filter, FlowLog as SdkFlowLog};
use serde_json::{Value as Json, json};

use crate::common::commands::{DONE, REFUSED};
use crate::common::program::{Ended, Program};
use crate::common::proxy::{Answer, Proxy, Refusal};
use crate::common::resource_type::{Edit, ResourceTypeTest, check};
use crate::common::sdk::Sdk;
use crate::common::{World, endpoint};

/// Two of each kind that can be recorded, and of each place that records go to.
const NEEDS: &str = "\
first: { type: aws:ec2:Vpc, properties: { cidrBlock: 10.0.0.0/16 } }
second: { type: aws:ec2:Vpc, properties: { cidrBlock: 10.1.0.0/16 } }
left: { type: aws:ec2:Subnet, properties: { vpcId: '${first.id}', cidrBlock: 10.0.1.0/24 } }
right: { type: aws:ec2:Subnet, properties: { vpcId: '${first.id}', cidrBlock: 10.0.2.0/24 } }
leftGateway: { type: aws:ec2:NatGateway, properties: { subnetId: '${left.id}', connectivityType: private } }
rightGateway: { type: aws:ec2:NatGateway, properties: { subnetId: '${right.id}', connectivityType: private } }
group: { type: aws:cloudwatch:LogGroup, properties: { name: /e2e/ec2-flow-log/group } }
other: { type: aws:cloudwatch:LogGroup, properties: { name: /e2e/ec2-flow-log/other } }
bucket: { type: aws:s3:Bucket, properties: { bucket: e2e-ec2-flow-log, forceDestroy: true } }
role:
  type: aws:iam:Role
  properties: { name: e2e-ec2-flow-log, assumeRolePolicy: { Version: '2012-10-17', Statement: [{ Effect: Allow, Principal: { Service: vpc-flow-logs.amazonaws.com }, Action: 'sts:AssumeRole' }] } }
otherRole:
  type: aws:iam:Role
  properties: { name: e2e-ec2-flow-log-other, assumeRolePolicy: { Version: '2012-10-17', Statement: [{ Effect: Allow, Principal: { Service: vpc-flow-logs.amazonaws.com }, Action: 'sts:AssumeRole' }] } }
";

struct FlowLog;

#[async_trait]
impl ResourceTypeTest for FlowLog {
    fn token(&self) -> &'static str {
        "aws:ec2:FlowLog"
    }

    fn needs(&self) -> &'static str {
        NEEDS
    }

    fn base(&self) -> &'static str {
        "{ vpcId: '${first.id}', logDestination: '${group.arn}', iamRoleArn: '${role.arn}' }"
    }

    fn edits(&self) -> Vec<Edit> {
        vec![
            Edit::replaces(
                "/resource",
                ("vpcId: ${first.id}", "first"),
                ("vpcId: ${second.id}", "second"),
            ),
            Edit::replaces(
                "/resource",
                ("{ vpcId: null, subnetId: '${left.id}' }", "left"),
                ("{ vpcId: null, subnetId: '${right.id}' }", "right"),
            )
            .removed("first"),
            // Interfaces that AWS itself has made bear no tag of ours.
            Edit::replaces(
                "/kind",
                (
                    "{ vpcId: null, eniId: '${leftGateway.networkInterfaceId}' }",
                    "eni",
                ),
                (
                    "{ vpcId: null, eniId: '${rightGateway.networkInterfaceId}' }",
                    "eni",
                ),
            )
            .removed("vpc"),
            Edit::replaces(
                "/traffic",
                ("trafficType: ACCEPT", "ACCEPT"),
                ("trafficType: REJECT", "REJECT"),
            )
            .removed("ALL"),
            Edit::replaces(
                "/destination",
                ("logDestination: ${group.arn}", "group"),
                ("logDestination: '${other.arn}:*'", "other"),
            ),
            Edit::replaces(
                "/to",
                (
                    "logDestinationType: cloud-watch-logs",
                    "cloud-watch-logs",
                ),
                (
                    "{ logDestinationType: s3, logDestination: '${bucket.arn}/folder', iamRoleArn: null }",
                    "s3",
                ),
            )
            .removed("cloud-watch-logs"),
            Edit::replaces(
                "/format",
                (
                    "logFormat: '$${version} $${srcaddr}'",
                    "${version} ${srcaddr}",
                ),
                (
                    "logFormat: '$${version} $${srcaddr} $${dstaddr}'",
                    "${version} ${srcaddr} ${dstaddr}",
                ),
            )
            .removed(
                "${version} ${account-id} ${interface-id} ${srcaddr} ${dstaddr} ${srcport} ${dstport} ${protocol} ${packets} ${bytes} ${start} ${end} ${action} ${log-status}",
            ),
            // AWS takes no two that differ in this alone: the old one goes first.
            Edit::replaces(
                "/interval",
                ("maxAggregationInterval: 60", 60),
                ("maxAggregationInterval: 600", 600),
            )
            .removed(600),
            Edit::replaces(
                "/role",
                ("iamRoleArn: ${role.arn}", "e2e-ec2-flow-log"),
                ("iamRoleArn: ${otherRole.arn}", "e2e-ec2-flow-log-other"),
            ),
            // The rest of the options is AWS's to fill in.
            Edit::replaces(
                "/options",
                (
                    "{ logDestinationType: s3, logDestination: '${bucket.arn}', iamRoleArn: null, destinationOptions: { perHourPartition: true } }",
                    json!({ "format": "plain-text", "hive": false, "hourly": true }),
                ),
                (
                    "{ logDestinationType: s3, logDestination: '${bucket.arn}', iamRoleArn: null, destinationOptions: { fileFormat: parquet, hiveCompatiblePartitions: true } }",
                    json!({ "format": "parquet", "hive": true, "hourly": false }),
                ),
            )
            .removed(Json::Null),
        ]
    }

    async fn look(&self, sdk: &Sdk, id: &str) -> Option<Json> {
        let log = by(sdk, "flow-log-id", id).await?;
        let resource = log.resource_id();
        let options = log.destination_options().map(|options| {
            json!({
                "format": options.file_format().map(|format| format.as_str()),
                "hive": options.hive_compatible_partitions(),
                "hourly": options.per_hour_partition(),
            })
        });
        let role = log.deliver_logs_permission_arn();
        let destination = log.log_destination().unwrap_or_default();
        assert!(!destination.ends_with(":*"), "{destination}");
        Some(json!({
            "resource": sdk.ec2_name(resource).await,
            "kind": resource.and_then(|id| id.split('-').next()),
            "traffic": log.traffic_type().map(|kind| kind.as_str()),
            "destination": sdk.name_of(destination).await,
            "to": log.log_destination_type().map(|kind| kind.as_str()),
            "format": log.log_format(),
            "interval": log.max_aggregation_interval(),
            "role": role.and_then(|arn| arn.rsplit('/').next()),
            "options": options,
        }))
    }

    async fn vanish(&self, sdk: &Sdk, id: &str) -> bool {
        let deleted = sdk.ec2.delete_flow_logs().flow_log_ids(id).send().await;
        deleted.is_ok()
    }

    async fn drift(&self, _sdk: &Sdk, _id: &str) -> bool {
        false
    }

    async fn foreign_tag(&self, sdk: &Sdk, id: &str, set: bool) -> Option<bool> {
        sdk.ec2_foreign_tag(id, set).await
    }
}

/// The flow log that a filter finds.
async fn by(sdk: &Sdk, name: &str, value: &str) -> Option<SdkFlowLog> {
    let filter = Filter::builder().name(name).values(value).build();
    let answer = sdk.ec2.describe_flow_logs().filter(filter).send().await;
    let mut found = answer.expect("EC2 answers").flow_logs.unwrap_or_default();
    assert!(found.len() < 2, "{found:?}");
    found.pop()
}

#[tokio::test]
async fn flow_log() {
    check("e2e-ec2-flow-log", &FlowLog).await;
}

const VPC: &str = "vpc: { type: aws:ec2:Vpc, properties: { cidrBlock: 10.96.0.0/16 } }\n";

/// A flow log to a group, by a role of its own.
fn to_group(name: &str) -> String {
    format!(
        "{VPC}\
group: {{ type: aws:cloudwatch:LogGroup, properties: {{ name: /e2e/{name} }} }}
role: {{ type: aws:iam:Role, properties: {{ name: {name}, assumeRolePolicy: {{ Version: '2012-10-17', Statement: [{{ Effect: Allow, Principal: {{ Service: vpc-flow-logs.amazonaws.com }}, Action: 'sts:AssumeRole' }}] }} }} }}
write: {{ type: aws:iam:RolePolicy, properties: {{ role: '${{role.id}}', name: write, policy: {{ Version: '2012-10-17', Statement: [{{ Effect: Allow, Action: 'logs:PutLogEvents', Resource: '*' }}] }} }} }}
log: {{ type: aws:ec2:FlowLog, properties: {{ vpcId: '${{vpc.id}}', logDestination: '${{group.arn}}', iamRoleArn: '${{role.arn}}' }} }}
"
    )
}

/// The answer of `CreateFlowLogs` about one that it has not made: a success, with a list of failures.
fn failed(message: &str) -> Answer {
    let body = format!(
        "<CreateFlowLogsResponse xmlns=\"http://ec2.amazonaws.com/doc/2016-11-15/\"><requestId>6f1c0c9e-0000-4000-8000-000000000000</requestId><flowLogIdSet/><unsuccessful><item><error><code>400</code><message>{message}</message></error><resourceId>vpc-0a</resourceId></item></unsuccessful></CreateFlowLogsResponse>"
    );
    let head = format!(
        "HTTP/1.1 200 OK\r\ncontent-type: text/xml\r\ncontent-length: {}\r\nconnection: close\r\n\r\n",
        body.len()
    );
    Answer::Raw((head + &body).into_bytes())
}

/// A role that cannot be assumed in the first seconds, said as an error (hashicorp/terraform-provider-aws#29323) and as a
/// failure inside a success.
#[tokio::test]
async fn a_flow_log_waits_for_its_role_and_its_policies_come_first() {
    let name = "e2e-flow-log-role";
    let world = World::new(name).await;
    let resources = to_group(name);
    let account = Proxy::before(endpoint(), |call| {
        match (call.operation, call.turn) {
        ("CreateFlowLogs", 1) => Some(
            Refusal {
                status: 400,
                code: "InvalidParameter",
                message: "Unable to assume given IAM role: 'arn:aws:iam::123456789012:role/e2e-flow-log-role'",
            }
            .into(),
        ),
        ("CreateFlowLogs", 2) => Some(failed(
            "Unable to assume given IAM role: 'arn:aws:iam::123456789012:role/e2e-flow-log-role'",
        )),
        _ => None,
    }
    });
    let program = Program::of(&world).with("AWS_ENDPOINT_URL", &account.endpoint);
    let ended = program.run(&resources, "up", &["--yes"]);
    assert_eq!(ended.status, DONE, "{}", ended.screen);
    assert_eq!(account.calls("CreateFlowLogs"), 3);
    let at = |call: &str| ended.mutating.iter().position(|made| made == call);
    assert!(
        at("iam:PutRolePolicy").expect("a policy") < at("ec2:CreateFlowLogs").expect("a flow log"),
        "{:#?}",
        ended.mutating
    );
    assert!(world.preview(&resources).await.is_empty());
    world.destroy(&resources).await;
}

/// A permanent refusal inside a success ends the run with AWS's own words, and nothing counts as made.
#[tokio::test]
async fn a_failure_inside_a_success_is_a_failure() {
    let name = "e2e-flow-log-refused";
    let world = World::new(name).await;
    let resources = to_group(name);
    let account = Proxy::before(endpoint(), |call| {
        (call.operation == "CreateFlowLogs").then(|| failed("Flow logs are full of eels"))
    });
    let program = Program::of(&world).with("AWS_ENDPOINT_URL", &account.endpoint);
    let ended = program.run(&resources, "up", &["--yes"]);
    assert_ne!(ended.status, DONE, "{}", ended.screen);
    assert_eq!(account.calls("CreateFlowLogs"), 1, "{}", ended.screen);
    for said in ["ec2:CreateFlowLogs", "Flow logs are full of eels"] {
        assert!(ended.stderr.contains(said), "{said}: {}", ended.screen);
    }
    // The next run makes it.
    let ended = Program::of(&world).run(&resources, "up", &["--yes"]);
    assert_eq!(ended.status, DONE, "{}", ended.screen);
    assert_eq!(
        ended
            .mutating
            .iter()
            .filter(|call| *call == "ec2:CreateFlowLogs")
            .count(),
        1
    );
    world.destroy(&resources).await;
}

/// AWS takes no two that are alike: one of others is named before anything is done, and stays.
#[tokio::test]
async fn a_flow_log_of_others_that_is_like_ours_is_named_and_left_alone() {
    let name = "e2e-flow-log-others";
    let world = World::new(name).await;
    let resources = to_group(name);
    let (before, _) = resources.split_once("log: ").expect("a flow log");
    let before = before.trim_end();
    world.up(before).await;
    let vpcs = world.sdk.tagged(&world.stack_tag()).await;
    let vpc = vpcs.iter().find_map(|arn| arn.split(":vpc/").nth(1));
    let vpc = vpc.expect("a VPC");
    let theirs = world
        .sdk
        .ec2
        .create_flow_logs()
        .resource_type("VPC".into())
        .resource_ids(vpc)
        .traffic_type("ALL".into())
        .log_destination(format!(
            "arn:aws:logs:eu-south-2:123456789012:log-group:/e2e/{name}"
        ))
        .deliver_logs_permission_arn(format!("arn:aws:iam::123456789012:role/{name}"))
        .send()
        .await
        .expect("theirs can be made");
    let theirs = &theirs.flow_log_ids()[0];
    let program = Program::of(&world);
    let ended = program.run(&resources, "up", &["--yes"]);
    assert_eq!(ended.status, REFUSED, "{}", ended.screen);
    assert_eq!(ended.mutating, [""; 0], "{}", ended.screen);
    assert!(ended.raw.contains(theirs.as_str()), "{}", ended.screen);
    let found = by(&world.sdk, "resource-id", vpc).await;
    assert_eq!(found.expect("theirs").flow_log_id(), Some(theirs.as_str()));
    let gone = world.sdk.ec2.delete_flow_logs().flow_log_ids(theirs);
    gone.send().await.expect("theirs can be deleted");
    world.destroy(before).await;
}

/// A successor that AWS takes beside the old one loses no record; otherwise the old one goes first.
#[tokio::test]
async fn a_new_one_is_made_first_unless_it_is_like_the_old_one() {
    let name = "e2e-flow-log-order";
    let world = World::new(name).await;
    let before = to_group(name);
    world.up(&before).await;
    let with = |lines: &str| {
        before.replace(
            "vpcId: '${vpc.id}'",
            &format!("vpcId: '${{vpc.id}}', {lines}"),
        )
    };
    let refused = with("trafficType: REJECT");
    let sooner = with("trafficType: REJECT, maxAggregationInterval: 60");
    let program = Program::of(&world);
    for (resources, order) in [
        (refused, ["ec2:CreateFlowLogs", "ec2:DeleteFlowLogs"]),
        (sooner, ["ec2:DeleteFlowLogs", "ec2:CreateFlowLogs"]),
    ] {
        let ended = program.run(&resources, "up", &["--yes"]);
        done(&ended);
        let made = ended.mutating.iter();
        let made: Vec<&String> = made.filter(|call| call.ends_with("FlowLogs")).collect();
        assert_eq!(made, order, "{}", ended.screen);
    }
    world.destroy(&before).await;
}

/// A group that is not there is no error to AWS (cloud-custodian/cloud-custodian#5645): nothing arrives, and that is
/// reported.
#[tokio::test]
async fn records_that_do_not_arrive_are_told() {
    let name = "e2e-flow-log-lost";
    let world = World::new(name).await;
    let resources = to_group(name).replace(
        "logDestination: '${group.arn}'",
        "logDestination: 'arn:aws:logs:eu-south-2:123456789012:log-group:/e2e/nowhere'",
    );
    let program = Program::of(&world);
    done(&program.run(&resources, "up", &["--yes"]));
    let ended = program.run(&resources, "preview", &["--expect-no-changes"]);
    done(&ended);
    let shown: Vec<&str> = ended.stdout.split_whitespace().collect();
    let shown = shown.join(" ");
    let says = "log: its state is `FAILED`: no record arrives (Access error)";
    assert!(shown.contains(says), "{}", ended.screen);
    world.destroy(&resources).await;
}

/// Once the group is back, the old flow log has the place of the new one: it goes first, and one run does.
#[tokio::test]
async fn a_group_that_was_deleted_by_hand_comes_back_in_one_run() {
    let name = "e2e-flow-log-group-gone";
    let world = World::new(name).await;
    let resources = to_group(name);
    world.up(&resources).await;
    let before = by(&world.sdk, "tag:fde:stack", &world.stack_tag()).await;
    let before = before.expect("a flow log").flow_log_id;
    let group = format!("/e2e/{name}");
    let gone = world.sdk.logs.delete_log_group().log_group_name(&group);
    gone.send().await.expect("the group can be deleted");
    let ended = Program::of(&world).run(&resources, "up", &["--yes"]);
    done(&ended);
    let now = by(&world.sdk, "tag:fde:stack", &world.stack_tag()).await;
    let now = now.expect("a flow log");
    assert_ne!(now.flow_log_id, before);
    let arn = now.log_destination().unwrap_or_default();
    assert!(arn.ends_with(&group), "{arn}");
    assert!(world.preview(&resources).await.is_empty());
    world.destroy(&resources).await;
}

/// The network of a stack, with more lines.
fn network(name: &str, lines: &str) -> String {
    format!(
        "name: {name}\nenvironment: dev\nregion: eu-south-2\nnetwork: {{ availabilityZones: 1, natGateways: none, {lines} }}\n"
    )
}

fn done(ended: &Ended) {
    assert_eq!(ended.status, DONE, "{}", ended.screen);
}

/// The resources that the section makes, and their deletion in an order in which nothing comes back.
#[tokio::test]
async fn the_traffic_of_a_network_is_recorded_in_a_group_of_its_own() {
    let name = "e2e-network-flow-logs";
    let world = World::new(name).await;
    let sdk = &world.sdk;
    let program = Program::of(&world);
    // Where there are none, and are to be none, nothing is asked about them.
    let off = network(name, "flowLogs: false");
    let ended = program.run_file(&off, "up", &["--yes"]);
    done(&ended);
    assert!(!ended.calls.iter().any(|call| call.ends_with("FlowLogs")));
    let recorded = network(name, "flowLogs: { retentionDays: 3 }");
    done(&program.run_file(&recorded, "up", &["--yes"]));
    let group = format!("/aws/vpc/{name}-dev/flow-logs");
    let log = by(sdk, "tag:fde:stack", &world.stack_tag()).await;
    let log = log.expect("a flow log");
    assert!(log.resource_id().expect("an id").starts_with("vpc-"));
    assert_eq!(log.traffic_type().map(|kind| kind.as_str()), Some("ALL"));
    assert_eq!(log.max_aggregation_interval(), Some(600));
    let destination = log.log_destination().expect("a destination");
    assert_eq!(destination.split(":log-group:").nth(1), Some(&*group));
    let groups = || async {
        let groups = sdk.logs.describe_log_groups().log_group_name_prefix(&group);
        let groups = groups.send().await.expect("logs answer");
        groups.log_groups.unwrap_or_default()
    };
    assert_eq!(groups().await[0].retention_in_days(), Some(3));

    let role = log.deliver_logs_permission_arn().expect("a role");
    let role = role.rsplit('/').next().expect("a name");
    let found = sdk.iam.get_role().role_name(role).send().await;
    let found = found.expect("IAM answers").role.expect("a role");
    let trust = decoded(found.assume_role_policy_document().unwrap_or_default());
    for part in [
        "vpc-flow-logs.amazonaws.com",
        "\"aws:SourceAccount\":\"123456789012\"",
        "\"aws:SourceArn\":\"arn:aws:ec2:eu-south-2:123456789012:vpc-flow-log/*\"",
    ] {
        assert!(trust.contains(part), "{part}: {trust}");
    }
    let policy = sdk.iam.get_role_policy().role_name(role);
    let policy = policy.policy_name("write").send().await;
    let policy = policy.expect("IAM answers");
    let rights = decoded(policy.policy_document());
    assert!(rights.contains(&format!("{destination}:*")), "{rights}");
    assert!(!rights.contains("CreateLogGroup"), "{rights}");

    done(&program.run_file(&recorded, "preview", &["--expect-no-changes"]));
    // Another time needs no other flow log.
    let longer = network(name, "flowLogs: { retentionDays: 7 }");
    let ended = program.run_file(&longer, "up", &["--yes"]);
    done(&ended);
    assert_eq!(groups().await[0].retention_in_days(), Some(7));
    assert!(!ended.mutating.iter().any(|call| call.ends_with("FlowLogs")));

    let ended = program.run_file(&off, "up", &["--yes", "--allow-delete", "*"]);
    done(&ended);
    let at = |call: &str| {
        let at = ended.mutating.iter().position(|made| made == call);
        at.unwrap_or_else(|| panic!("{call}: {:#?}", ended.mutating))
    };
    assert!(at("ec2:DeleteFlowLogs") < at("logs:DeleteLogGroup"));
    assert!(at("ec2:DeleteFlowLogs") < at("iam:DeleteRole"));
    assert_eq!(groups().await.len(), 0);
    done(&program.run_file(&off, "preview", &["--expect-no-changes"]));
    done(&program.run_file(&off, "destroy", &["--yes"]));
    assert_eq!(sdk.tagged(&world.stack_tag()).await, [""; 0]);
}

/// A document as IAM answers with it: percent-encoded.
fn decoded(text: &str) -> String {
    let mut bytes = Vec::new();
    let mut rest = text.as_bytes();
    while let [first, others @ ..] = rest {
        rest = others;
        let code = (*first == b'%').then(|| others.get(..2)).flatten();
        let code = code.and_then(|code| std::str::from_utf8(code).ok());
        match code.and_then(|code| u8::from_str_radix(code, 16).ok()) {
            Some(byte) => {
                bytes.push(byte);
                rest = &others[2..];
            }
            None => bytes.push(*first),
        }
    }
    let text = String::from_utf8_lossy(&bytes).into_owned();
    text.replace([' ', '\n', '+'], "")
}

/// Records go somewhere all the time: the role may write until the new flow log stands and the old one is gone.
#[tokio::test]
async fn a_role_can_write_until_the_traffic_is_recorded_elsewhere() {
    let name = "e2e-network-flow-moves";
    let world = World::new(name).await;
    let program = Program::of(&world);
    let before = network(name, "flowLogs: { to: logs }");
    done(&program.run_file(&before, "up", &["--yes"]));
    let after = network(name, "flowLogs: { to: s3 }");
    let ended = program.run_file(&after, "up", &["--yes", "--allow-delete", "*"]);
    done(&ended);
    let at = |call: &str| {
        let at = ended.mutating.iter().position(|made| made == call);
        at.unwrap_or_else(|| panic!("{call}: {:#?}", ended.mutating))
    };
    assert!(at("ec2:CreateFlowLogs") < at("ec2:DeleteFlowLogs"));
    assert!(at("ec2:DeleteFlowLogs") < at("iam:DeleteRolePolicy"));
    done(&program.run_file(&after, "preview", &["--expect-no-changes"]));
    done(&program.run_file(&after, "destroy", &["--yes", "--allow-delete", "*"]));
}

/// A bucket instead: the policy that lets AWS in stands before the flow log does.
#[tokio::test]
async fn the_traffic_of_a_network_is_recorded_in_a_bucket_of_its_own() {
    let name = "e2e-network-flow-files";
    let world = World::new(name).await;
    let sdk = &world.sdk;
    let program = Program::of(&world);
    let recorded = network(name, "flowLogs: { to: s3, retentionDays: 5 }");
    let ended = program.run_file(&recorded, "up", &["--yes"]);
    done(&ended);
    let log = by(sdk, "tag:fde:stack", &world.stack_tag()).await;
    let log = log.expect("a flow log");
    let bucket = format!("{name}-dev-flow-logs-123456789012-eu-south-2");
    let arn = format!("arn:aws:s3:::{bucket}");
    assert_eq!(log.log_destination(), Some(&*arn));
    assert_eq!(log.deliver_logs_permission_arn(), None);
    let policy = sdk.s3.get_bucket_policy().bucket(&bucket).send().await;
    let policy = policy.expect("S3 answers").policy.expect("a policy");
    for part in [
        "delivery.logs.amazonaws.com",
        "arn:aws:logs:eu-south-2:123456789012:*",
        "/AWSLogs/123456789012/*",
    ] {
        assert!(policy.contains(part), "{part}: {policy}");
    }
    done(&program.run_file(&recorded, "preview", &["--expect-no-changes"]));
    let ended = program.run_file(&recorded, "destroy", &["--yes", "--allow-delete", "*"]);
    done(&ended);
    assert_eq!(sdk.tagged(&world.stack_tag()).await, [""; 0]);
    let gone = sdk.s3.head_bucket().bucket(&bucket).send().await;
    assert!(gone.is_err());
}
