//! `network.flowLogs`: a record of the traffic of the VPC, and what it is written to.
//!
//! ```yaml
//! network:
//!   flowLogs: { to: logs, retentionDays: 14 }
//! ```
//!
//! All traffic is recorded, accepted and refused. A record covers up to 600 seconds, which is AWS's own default: 60 would
//! make more records, each of which is paid for. Interfaces on Nitro have 60 seconds or less in any case:
//! <https://docs.aws.amazon.com/vpc/latest/userguide/flow-logs-basics.html>.

use schemars::JsonSchema;
use serde::Deserialize;

use crate::resource::value::properties;
use crate::resource::{Properties, StackId, Urn, Value};
use crate::stack::Fault;

use super::urns::{KEY, vpc};
use crate::component::context::Context;
use crate::component::log_bucket::{LogBucket, encrypted_transport};
use crate::component::{log_retention, policy};

/// The setting for having none.
const KEEP: &str = "network.flowLogs: false";

/// The service that writes records to a log group.
const SERVICE: &str = "vpc-flow-logs.amazonaws.com";

/// The service that writes files to a bucket.
const DELIVERY: &str = "delivery.logs.amazonaws.com";

/// Flow logs as they are by default, none, or with settings of their own.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(untagged)]
#[schemars(inline)]
pub enum FlowLogsSpec {
    Switch(bool),
    Settings(FlowLogSettings),
}

/// The destination of the records of the traffic, and how long they are kept.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
#[schemars(rename = "FlowLogs")]
pub struct FlowLogSettings {
    /// The destination. Default: `logs`.
    pub to: Option<To>,
    /// Days for which they are kept. A log group takes 1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096,
    /// 1827, 2192, 2557, 2922, 3288 or 3653, and with 0 it keeps them indefinitely; a bucket takes any number from 1.
    /// Default: 14 in dev, 30 in staging, 365 in prod.
    #[schemars(example = 14, range(max = 3653))]
    pub retention_days: Option<u32>,
}

/// The destination of the records.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(extend("x-synonyms" = { "cloudWatch": "logs", "logGroup": "logs", "bucket": "s3" }))]
pub enum To {
    /// A log group of the stack's own, where they can be searched.
    Logs,
    /// A bucket of the stack's own, for a fraction of the price.
    S3,
}

/// Flow logs, settled.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FlowLogs {
    to: To,
    days: u32,
    /// True if the file does not say that they are wanted.
    by_default: bool,
}

/// Fills in the defaults and checks the key. `None` if there should be none.
pub fn resolve_defaults(
    context: &mut Context<'_>,
    spec: Option<&FlowLogsSpec>,
) -> Option<FlowLogs> {
    const DAYS: &str = "network.flowLogs.retentionDays";
    let default = FlowLogSettings::default();
    let settings = match spec {
        Some(FlowLogsSpec::Settings(settings)) => settings,
        Some(FlowLogsSpec::Switch(true)) => &default,
        None if context.environment().choose(false, false, true) => &default,
        Some(FlowLogsSpec::Switch(false)) | None => return None,
    };
    let to = settings.to.unwrap_or(To::Logs);
    match (to, settings.retention_days) {
        (To::Logs, Some(days)) => log_retention::check(context, days, DAYS),
        (To::S3, Some(0)) => {
            let label = "a bucket keeps files for one day at least";
            context.refuse(Fault::OutOfRange, DAYS, label);
        }
        _ => {}
    }
    let days = context.environment().choose(14, 30, 365);
    Some(FlowLogs {
        to,
        days: settings.retention_days.unwrap_or(days),
        by_default: spec.is_none(),
    })
}

/// The flow log.
fn flow_log(stack: &StackId) -> Urn {
    Urn::new(stack, "aws:ec2:FlowLog", "network/flowLog")
}

impl FlowLogs {
    /// Adds the flow log of the VPC, with what it is written to.
    pub fn expand(&self, context: &mut Context<'_>) {
        let stack = context.id.clone();
        let first = context.resources.len();
        let mut inputs = properties([
            ("vpcId", Value::output(&vpc(&stack), "id")),
            ("trafficType", "ALL".into()),
            ("maxAggregationInterval", 600.into()),
        ]);
        let needed = match self.to {
            To::Logs => {
                inputs.extend(self.to_group(context, &stack));
                None
            }
            To::S3 => {
                let (more, policy) = self.to_bucket(context, &stack);
                inputs.extend(more);
                Some(policy)
            }
        };
        let log = context.add_named(KEY, flow_log(&stack), inputs);
        log.options.depends_on.extend(needed);
        if self.by_default {
            for made in context.resources.iter_mut().skip(first) {
                made.new_by_default(KEEP);
            }
        }
    }

    /// Adds a log group, and the role that may write to it.
    fn to_group(&self, context: &mut Context<'_>, stack: &StackId) -> Properties {
        let group = Urn::new(stack, "aws:cloudwatch:LogGroup", "network/flowLogGroup");
        let role = Urn::new(stack, "aws:iam:Role", "network/flowLogRole");
        let name = format!("/aws/vpc/{}-{}/flow-logs", stack.name, stack.environment);
        let inputs = properties([("name", name.into()), ("retentionInDays", self.days.into())]);
        context.add(KEY, group.clone(), inputs);
        let source = source_arn(context, "ec2", "vpc-flow-log/*");
        let trust = policy::document(vec![Value::object([
            ("Effect", "Allow".into()),
            ("Action", "sts:AssumeRole".into()),
            ("Principal", Value::object([("Service", SERVICE.into())])),
            ("Condition", acting_for(stack, source, [])),
        ])]);
        let inputs = properties([
            ("description", "Flow logs of the network".into()),
            ("assumeRolePolicy", trust),
        ]);
        context.add(KEY, role.clone(), inputs);
        let group_arn = Value::output(&group, "arn");
        // These are the actions that AWS requires,
        // <https://docs.aws.amazon.com/vpc/latest/userguide/flow-logs-iam-role.html>, except for `logs:CreateLogGroup`: late
        // records would bring back a deleted group (terraform-aws-modules/terraform-aws-vpc#435). Without `:*` no stream can
        // be made: #1262 there.
        let write = policy::allow(
            &[
                "logs:CreateLogStream",
                "logs:DescribeLogGroups",
                "logs:DescribeLogStreams",
                "logs:PutLogEvents",
            ],
            vec![Value::join([group_arn.clone(), ":*".into()])],
        );
        let inputs = properties([
            ("name", "write".into()),
            ("role", Value::output(&role, "name")),
            ("policy", policy::document(vec![write])),
        ]);
        let role_policy = context.urn("aws:iam:RolePolicy", "network/flowLogPolicy");
        context.add(KEY, role_policy, inputs);
        properties([
            ("logDestinationType", "cloud-watch-logs".into()),
            ("logDestination", group_arn),
            ("iamRoleArn", Value::output(&role, "arn")),
        ])
    }

    /// Adds a bucket that AWS may write to, and returns its policy: without it AWS would write one of its own.
    fn to_bucket(&self, context: &mut Context<'_>, stack: &StackId) -> (Properties, Urn) {
        let bucket = LogBucket {
            origin: KEY,
            name: "network/flowLogBucket",
            days: self.days,
        };
        let name = LogBucket::derived_name(context, "flow-logs");
        bucket.add(context, name);
        bucket.guard(context);
        let urn = bucket.urn(stack);
        let arn = Value::output(&urn, "arn");
        let account = policy::account_id(stack);
        let statement = |sid: &str, actions: Value, resource: Value, condition: Value| {
            Value::object([
                ("Sid", sid.into()),
                ("Effect", "Allow".into()),
                ("Principal", Value::object([("Service", DELIVERY.into())])),
                ("Action", actions),
                ("Resource", resource),
                ("Condition", condition),
            ])
        };
        let source = source_arn(context, "logs", "*");
        let owned = [("s3:x-amz-acl", "bucket-owner-full-control".into())];
        let objects = Value::join([arn.clone(), "/AWSLogs/".into(), account, "/*".into()]);
        // The statements are as AWS would write them, so that it adds none:
        // <https://docs.aws.amazon.com/vpc/latest/userguide/flow-logs-s3-permissions.html>
        let statements = vec![
            statement(
                "AWSLogDeliveryWrite",
                "s3:PutObject".into(),
                objects,
                acting_for(stack, source.clone(), owned),
            ),
            statement(
                "AWSLogDeliveryAclCheck",
                ["s3:GetBucketAcl", "s3:ListBucket"].to_vec().into(),
                arn.clone(),
                acting_for(stack, source, []),
            ),
            encrypted_transport(&arn),
        ];
        let policy = context.urn("aws:s3:BucketPolicy", "network/flowLogBucketPolicy");
        let inputs = properties([
            ("bucket", Value::output(&urn, "bucket")),
            ("policy", policy::document(statements)),
        ]);
        context.add(KEY, policy.clone(), inputs);
        let inputs = properties([("logDestinationType", "s3".into()), ("logDestination", arn)]);
        (inputs, policy)
    }
}

/// The ARN of the resources in this account and region that a service may act for.
fn source_arn(context: &Context<'_>, service: &str, resource: &str) -> Value {
    let (stack, region) = (&context.id, &context.stack.region);
    Value::join([
        "arn:".into(),
        policy::partition(stack),
        format!(":{service}:{region}:").into(),
        policy::account_id(stack),
        format!(":{resource}").into(),
    ])
}

/// The condition that a service acts for this account, and for this source in it: another account's flow log must not write
/// here.
fn acting_for<const N: usize>(stack: &StackId, source: Value, more: [(&str, Value); N]) -> Value {
    let mut equal = properties([("aws:SourceAccount", policy::account_id(stack))]);
    equal.extend(properties(more));
    Value::object([
        ("StringEquals", Value::Object(equal)),
        ("ArnLike", Value::object([("aws:SourceArn", source)])),
    ])
}

#[cfg(test)]
mod tests {
    use expect_test::expect;

    use crate::component::testing::{catalog, faults_of, load, render};
    use crate::component::{Expansion, expand};

    fn network(environment: &str, lines: &str) -> Expansion {
        let text = format!(
            "name: shop\nenvironment: {environment}\nregion: eu-south-2\nnetwork:\n  cidr: 10.0.0.0/16\n{lines}"
        );
        let stack = load(&[("dev.yaml", &text)], &[]).unwrap();
        expand(&stack, &catalog()).unwrap()
    }

    /// Returns the parts of flow logs.
    fn of_flow_logs(mut expansion: Expansion) -> Expansion {
        let is_of_it = |name: &str| name.starts_with("network/flowLog");
        expansion.resources.retain(|it| is_of_it(it.urn.name()));
        expansion
    }

    #[test]
    fn there_are_flow_logs_in_prod_and_where_the_file_wants_them() {
        for (environment, lines, count) in [
            ("dev", "", 0),
            ("staging", "", 0),
            ("prod", "", 4),
            ("prod", "  flowLogs: false\n", 0),
            ("dev", "  flowLogs: true\n", 4),
            ("staging", "  flowLogs: { retentionDays: 30 }\n", 4),
            ("dev", "  flowLogs: {}\n", 4),
            ("dev", "  flowLogs: { to: s3 }\n", 6),
        ] {
            let made = of_flow_logs(network(environment, lines)).resources;
            assert_eq!(made.len(), count, "{environment}: {lines}");
            // A setting in the file itself is not news.
            for resource in made {
                let news: Vec<&str> = resource
                    .options
                    .new_defaults
                    .iter()
                    .map(|default| default.keep.as_str())
                    .collect();
                let expected: &[&str] = if lines.is_empty() {
                    &["network.flowLogs: false"]
                } else {
                    &[]
                };
                assert_eq!(news, expected, "{}", resource.urn);
            }
        }
        // Nothing else is reported to have come with them.
        for resource in network("prod", "").resources {
            let is_of_it = resource.urn.name().starts_with("network/flowLog");
            let mut news = resource.options.new_defaults.iter();
            let is_told = news.any(|default| default.keep == "network.flowLogs: false");
            assert_eq!(is_told, is_of_it, "{}", resource.urn);
        }
    }

    #[test]
    fn records_go_to_a_group_by_a_role_that_can_do_no_more() {
        expect![[r#"
            network/flowLogGroup aws:cloudwatch:LogGroup
              name: "/aws/vpc/shop-prod/flow-logs"
              retentionInDays: 365
            network/flowLogRole aws:iam:Role
              assumeRolePolicy: {"Statement": [{"Action": "sts:AssumeRole", "Condition": {"ArnLike": {"aws:SourceArn": Join(["arn:", ${aws.partition}, ":ec2:eu-south-2:", ${aws.accountId}, ":vpc-flow-log/*"])}, "StringEquals": {"aws:SourceAccount": ${aws.accountId}}}, "Effect": "Allow", "Principal": {"Service": "vpc-flow-logs.amazonaws.com"}}], "Version": "2012-10-17"}
              description: "Flow logs of the network"
            network/flowLogPolicy aws:iam:RolePolicy
              name: "write"
              policy: {"Statement": [{"Action": ["logs:CreateLogStream", "logs:DescribeLogGroups", "logs:DescribeLogStreams", "logs:PutLogEvents"], "Effect": "Allow", "Resource": [Join([${network/flowLogGroup.arn}, ":*"])]}], "Version": "2012-10-17"}
              role: ${network/flowLogRole.name}
            network/flowLog aws:ec2:FlowLog
              iamRoleArn: ${network/flowLogRole.arn}
              logDestination: ${network/flowLogGroup.arn}
              logDestinationType: "cloud-watch-logs"
              maxAggregationInterval: 600
              trafficType: "ALL"
              vpcId: ${network/vpc.id}
        "#]]
        .assert_eq(&render(&of_flow_logs(network("prod", ""))));
    }

    #[test]
    fn files_go_to_a_bucket_that_others_cannot_write_to() {
        let lines = "  flowLogs: { to: s3, retentionDays: 20 }\n";
        expect![[r#"
            network/flowLogBucket aws:s3:Bucket
              bucket: Join(["shop-dev-flow-logs-", ${aws.accountId}, "-eu-south-2"])
            network/flowLogBucketPublicAccess aws:s3:BucketPublicAccessBlock
              blockPublicAcls: true
              blockPublicPolicy: true
              bucket: ${network/flowLogBucket.bucket}
              ignorePublicAcls: true
              restrictPublicBuckets: true
            network/flowLogBucketEncryption aws:s3:BucketServerSideEncryptionConfiguration
              bucket: ${network/flowLogBucket.bucket}
              rules: [{"applyServerSideEncryptionByDefault": {"sseAlgorithm": "AES256"}}]
            network/flowLogBucketLifecycle aws:s3:BucketLifecycleConfiguration
              bucket: ${network/flowLogBucket.bucket}
              rules: [{"abortIncompleteMultipartUpload": {"daysAfterInitiation": 1}, "expiration": {"days": 20}, "id": "expire", "status": "Enabled"}]
            network/flowLogBucketPolicy aws:s3:BucketPolicy
              bucket: ${network/flowLogBucket.bucket}
              policy: {"Statement": [{"Action": "s3:PutObject", "Condition": {"ArnLike": {"aws:SourceArn": Join(["arn:", ${aws.partition}, ":logs:eu-south-2:", ${aws.accountId}, ":*"])}, "StringEquals": {"aws:SourceAccount": ${aws.accountId}, "s3:x-amz-acl": "bucket-owner-full-control"}}, "Effect": "Allow", "Principal": {"Service": "delivery.logs.amazonaws.com"}, "Resource": Join([${network/flowLogBucket.arn}, "/AWSLogs/", ${aws.accountId}, "/*"]), "Sid": "AWSLogDeliveryWrite"}, {"Action": ["s3:GetBucketAcl", "s3:ListBucket"], "Condition": {"ArnLike": {"aws:SourceArn": Join(["arn:", ${aws.partition}, ":logs:eu-south-2:", ${aws.accountId}, ":*"])}, "StringEquals": {"aws:SourceAccount": ${aws.accountId}}}, "Effect": "Allow", "Principal": {"Service": "delivery.logs.amazonaws.com"}, "Resource": ${network/flowLogBucket.arn}, "Sid": "AWSLogDeliveryAclCheck"}, {"Action": "s3:*", "Condition": {"Bool": {"aws:SecureTransport": "false"}}, "Effect": "Deny", "Principal": {"AWS": "*"}, "Resource": [${network/flowLogBucket.arn}, Join([${network/flowLogBucket.arn}, "/*"])], "Sid": "EncryptedTransport"}], "Version": "2012-10-17"}
            network/flowLog aws:ec2:FlowLog
              logDestination: ${network/flowLogBucket.arn}
              logDestinationType: "s3"
              maxAggregationInterval: 600
              trafficType: "ALL"
              vpcId: ${network/vpc.id}
              after network/flowLogBucketPolicy
        "#]]
        .assert_eq(&render(&of_flow_logs(network("dev", lines))));
    }

    #[test]
    fn records_are_kept_for_as_long_as_the_environment_wants_or_the_file_says() {
        for (environment, lines, expected) in [
            ("dev", "  flowLogs: true\n", 14),
            ("staging", "  flowLogs: true\n", 30),
            ("prod", "", 365),
            ("prod", "  flowLogs: { retentionDays: 14 }\n", 14),
            ("dev", "  flowLogs: { retentionDays: 0 }\n", 0),
        ] {
            let made = network(environment, lines).resources;
            let group = made
                .iter()
                .find(|made| made.urn.name() == "network/flowLogGroup");
            let days = &group.expect("a group").inputs["retentionInDays"];
            assert_eq!(*days, expected.into(), "{environment}: {lines}");
        }
    }

    #[test]
    fn faults() {
        for (lines, expected) in [
            ("flowLogs: { retentionDays: 30 }", expect!["fine"]),
            (
                "flowLogs: { retentionDays: 10 }",
                expect![[r#"
                    1:39 out_of_range `10`: CloudWatch does not keep logs for 10 days
                        help: the next longer time is 14; 0 keeps them indefinitely
                "#]],
            ),
            ("flowLogs: { to: s3, retentionDays: 10 }", expect!["fine"]),
            (
                "flowLogs: { to: s3, retentionDays: 0 }",
                expect![[r#"
                    1:47 out_of_range `0`: a bucket keeps files for one day at least
                "#]],
            ),
        ] {
            expected.assert_eq(&faults_of(&format!("network: {{ {lines} }}\n")));
        }
    }
}
