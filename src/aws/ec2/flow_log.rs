//! Flow log.
//!
//! - Only its tags can change: any other difference makes it another flow log. AWS takes any number of flow logs for one
//!   VPC, but no two that are alike (`FlowLogAlreadyExists`).
//! - `CreateFlowLogs` and `DeleteFlowLogs` take lists, and report inside a 200 which of the items they have not done, often
//!   with a status such as `400` as the code.
//! - The role is assumed when the flow log is made, and a new role may not be visible yet:
//!   `Unable to assume given IAM role`. The same is true of the policy of a bucket. A missing log group is no error: it
//!   shows later, as a delivery that fails.
//! - AWS fills in the destination options of a flow log that goes to a bucket, and refuses them for one that goes to a log
//!   group: terraform-aws-modules/terraform-aws-vpc#703.
//! - Records arrive for some minutes after the flow log is gone. With `logs:CreateLogGroup` in its role they bring a
//!   deleted log group back: terraform-aws-modules/terraform-aws-vpc#435.

use std::collections::BTreeSet;
use std::sync::Arc;

use aws_sdk_ec2::types::{
    DestinationFileFormat, DestinationOptionsRequest, DestinationOptionsResponse, Filter,
    FlowLog as SdkFlowLog, FlowLogsResourceType, LogDestinationType, ResourceType as Ec2Type,
    TrafficType, UnsuccessfulItem,
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{ByToken, Creation};
use crate::aws::context::Context;
use crate::aws::error::{AwsResult, expected, from_sdk, kind};
use crate::aws::resource_type::{
    Change, Live, LiveOf, New, NoOutputs, Old, ResourceType, adopt, check,
};
use crate::aws::wait::until_visible;
use crate::resource::provider::{Query, Remedy};
use crate::resource::value::properties;
use crate::resource::{
    Condition, CreateClass, ErrorKind, InvalidInput, PropertyTable, ProviderError, Schema, Value,
};

/// A record of the traffic of a VPC, a subnet or a network interface: who has spoken to whom, and what was refused.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema, PropertyTable)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Inputs {
    /// Id of the VPC, if all of its traffic is recorded.
    #[property(replaces)]
    pub vpc_id: Option<String>,
    /// Id of the subnet, if the traffic of a subnet is recorded.
    #[property(replaces)]
    pub subnet_id: Option<String>,
    /// Id of the network interface, if the traffic of a network interface is recorded.
    #[property(replaces)]
    pub eni_id: Option<String>,
    /// The traffic that is recorded: all of it, only what is accepted, or only what is refused.
    #[property(default("ALL"), replaces)]
    pub traffic_type: Traffic,
    /// The kind of the destination.
    #[property(default("cloud-watch-logs"), replaces)]
    pub log_destination_type: Destination,
    /// ARN of the log group or of the bucket. The ARN of a bucket may end in a folder, in which the records are then
    /// stored.
    #[property(required, replaces, canonical(bare_arn), regional)]
    pub log_destination: String,
    /// The fields of a record, in their order: `${version} ${srcaddr} ${dstaddr}`. In a stack file each `$` is written `$$`,
    /// since `${…}` is a reference there. Default: AWS's own format of version 2.
    #[property(replaces, canonical(unusual_format))]
    pub log_format: Option<String>,
    /// The longest time, in seconds, over which the packets of one flow become one record: 60 or 600.
    #[property(default(600), replaces)]
    pub max_aggregation_interval: i32,
    /// ARN of the role with which the records are written to a log group. A bucket has a policy instead.
    #[property(replaces)]
    pub iam_role_arn: Option<String>,
    /// The form of the files in a bucket. Default: plain text, in a folder for each day.
    #[property(replaces, canonical(unusual_options))]
    pub destination_options: Option<DestinationOptions>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "UPPERCASE")]
#[schemars(inline)]
pub enum Traffic {
    Accept,
    All,
    Reject,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
#[schemars(inline)]
pub enum Destination {
    CloudWatchLogs,
    S3,
}

/// The form of the files in a bucket.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schemars(inline)]
pub struct DestinationOptions {
    /// Default: `plain-text`.
    pub file_format: Option<FileFormat>,
    /// True if the folders are named in the style of Hive: `year=2026/month=11`. Default: false.
    pub hive_compatible_partitions: Option<bool>,
    /// True if there is a folder for each hour instead of for each day. Default: false.
    pub per_hour_partition: Option<bool>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
#[schemars(inline)]
pub enum FileFormat {
    PlainText,
    Parquet,
}

/// The format that AWS uses if none is given. It is sent nevertheless, so that later records have the format that was asked
/// for.
/// <https://docs.aws.amazon.com/vpc/latest/userguide/flow-log-records.html>
const DEFAULT_FORMAT: &str = "${version} ${account-id} ${interface-id} ${srcaddr} ${dstaddr} ${srcport} ${dstport} ${protocol} \
     ${packets} ${bytes} ${start} ${end} ${action} ${log-status}";

const CREATE: &str = "ec2:CreateFlowLogs";
const DESCRIBE: &str = "ec2:DescribeFlowLogs";
const DELETE: &str = "ec2:DeleteFlowLogs";

impl Inputs {
    /// The recorded resource, by kind and id. `None` unless there is exactly one.
    fn watched(&self) -> Option<(FlowLogsResourceType, &str)> {
        match (&self.vpc_id, &self.subnet_id, &self.eni_id) {
            (Some(id), None, None) => Some((FlowLogsResourceType::Vpc, id)),
            (None, Some(id), None) => Some((FlowLogsResourceType::Subnet, id)),
            (None, None, Some(id)) => Some((FlowLogsResourceType::NetworkInterface, id)),
            _ => None,
        }
    }

    fn format(&self) -> &str {
        self.log_format.as_deref().unwrap_or(DEFAULT_FORMAT)
    }

    /// Returns whether the two are so alike that AWS does not take one beside the other.
    fn is_like(&self, other: &Self) -> bool {
        self.watched() == other.watched()
            && bare(&self.log_destination) == bare(&other.log_destination)
            && self.traffic_type == other.traffic_type
            && self.format() == other.format()
    }
}

fn fit(inputs: &Inputs) -> Vec<InvalidInput> {
    let mut invalid_inputs = Vec::new();
    if inputs.watched().is_none() {
        let reason = "one of `vpcId`, `subnetId` and `eniId` says what is recorded";
        invalid_inputs.push(InvalidInput::new("vpcId", reason).decided_by([]));
    }
    if ![60, 600].contains(&inputs.max_aggregation_interval) {
        invalid_inputs.push(
            InvalidInput::new("maxAggregationInterval", "AWS takes 60 and 600 seconds")
                .help("600 makes fewer records, and costs less; 60 shows what happens sooner"),
        );
    }
    let destination = &inputs.log_destination;
    let is_arn_of = |service: &str| destination.split(':').nth(2) == Some(service);
    match inputs.log_destination_type {
        Destination::CloudWatchLogs => {
            if destination.starts_with("arn:") && !is_arn_of("logs") {
                invalid_inputs.push(
                    InvalidInput::new("logDestination", "is not the ARN of a log group")
                        .help("records go to a bucket with `logDestinationType: s3`"),
                );
            }
            if inputs.iam_role_arn.is_none() {
                invalid_inputs.push(
                    InvalidInput::new(
                        "iamRoleArn",
                        "must be given where records go to a log group",
                    )
                    .decided_by(["logDestinationType"])
                    .help("the role lets `vpc-flow-logs.amazonaws.com` write to the group"),
                );
            }
            if inputs.destination_options.is_some() {
                invalid_inputs.push(
                    InvalidInput::new("destinationOptions", "is about files in a bucket")
                        .decided_by(["logDestinationType"])
                        .help("leave it out, or send the records to a bucket: `logDestinationType: s3`"),
                );
            }
        }
        Destination::S3 => {
            if destination.starts_with("arn:") && !is_arn_of("s3") {
                invalid_inputs.push(InvalidInput::new(
                    "logDestination",
                    "is not the ARN of a bucket",
                ));
            }
            // awslabs: "DeliverLogsPermissionArn is not applicable for s3 delivery",
            // aws-secure-environment-accelerator#1111.
            if inputs.iam_role_arn.is_some() {
                invalid_inputs.push(
                    InvalidInput::new("iamRoleArn", "AWS takes no role where records go to a bucket")
                        .decided_by(["logDestinationType"])
                        .help(
                            "leave it out: the policy of the bucket lets `delivery.logs.amazonaws.com` in",
                        ),
                );
            }
        }
    }
    invalid_inputs
}

pub struct FlowLog;

impl ResourceType for FlowLog {
    type Inputs = Inputs;
    type Outputs = NoOutputs;

    fn schema(&self) -> Schema {
        Schema::of::<Inputs, NoOutputs>("aws:ec2:FlowLog", CreateClass::Token)
            // AWS takes no second flow log that is like it in these.
            .key(&[
                Inputs::VPC_ID,
                Inputs::SUBNET_ID,
                Inputs::ENI_ID,
                Inputs::LOG_DESTINATION,
                Inputs::TRAFFIC_TYPE,
                Inputs::LOG_FORMAT,
            ])
            .reads_after(&[
                "aws:ec2:Vpc",
                "aws:ec2:Subnet",
                "aws:cloudwatch:LogGroup",
                "aws:s3:Bucket",
            ])
            .assumes(&[Inputs::IAM_ROLE_ARN])
            .blockers(&[])
            .checks(|inputs| check(inputs, fit))
    }

    async fn ahead(&self, context: &Context, query: Query<'_>) {
        drop(of_stack(context, query).await);
    }

    async fn read(&self, context: &Context, query: Query<'_>) -> AwsResult<Vec<LiveOf<Self>>> {
        let mut logs = of_stack(context, query).await?.as_ref().clone();
        // A flow log that is like a missing one may belong to another owner, or be ours without its tags.
        let missing = query.missing(logs.iter().map(|log| &log.tags));
        let watched = missing.into_iter().flat_map(|wanted| {
            let names = ["vpcId", "subnetId", "eniId"].into_iter();
            names.filter_map(|name| wanted.text(name))
        });
        let watched: BTreeSet<&str> = watched.collect();
        if !watched.is_empty() {
            let mut others = list(context, super::filter_of("resource-id", watched)).await?;
            others.retain(|other| logs.iter().all(|own| own.id != other.id));
            logs.append(&mut others);
        }
        Ok(logs)
    }

    async fn create(&self, context: &Context, new: New<'_, Self>) -> AwsResult<LiveOf<Self>> {
        let creation = Creation { context, new: &new };
        let made = super::create_by_token(new.instead_of, &creation).await;
        match made {
            Err(error) if error.is(ErrorKind::AlreadyExists) => met(context, &new, error).await,
            made => made,
        }
    }

    /// Nothing changes in place.
    async fn update(
        &self,
        _context: &Context,
        change: Change<'_, Self>,
    ) -> AwsResult<LiveOf<Self>> {
        Ok(change.applied())
    }

    async fn delete(&self, context: &Context, old: Old<'_, Self>) -> AwsResult<()> {
        context
            .repeated(DELETE, || async {
                let answer = context
                    .ec2
                    .delete_flow_logs()
                    .flow_log_ids(&old.live.id)
                    .send()
                    .await
                    .map_err(|error| from_sdk(DELETE, &error))?;
                all_done(DELETE, answer.unsuccessful())
            })
            .await
    }
}

impl ByToken for Creation<'_, FlowLog> {
    type Made = LiveOf<FlowLog>;

    async fn make(&self, generation: u32) -> AwsResult<String> {
        make(self.context, self.new, generation).await
    }

    async fn look(&self, id: &str) -> AwsResult<Option<Self::Made>> {
        find(self.context, id).await.map(Some)
    }

    async fn touch(&self, id: &str) -> AwsResult<()> {
        super::tag(self.context, id, self.new.tags).await
    }
}

/// Makes the call, and returns the id.
async fn make(context: &Context, new: &New<'_, FlowLog>, generation: u32) -> AwsResult<String> {
    let inputs = new.inputs;
    let Some((resource_type, id)) = inputs.watched() else {
        let text = "it has to say of which VPC, subnet or network interface it is";
        return Err(ProviderError::new(ErrorKind::Invalid, CREATE, text));
    };
    let token = new.client_token(generation);
    let options = inputs.destination_options.as_ref().map(options_to_sdk);
    let ask = || {
        context
            .ec2
            .create_flow_logs()
            .resource_type(resource_type.clone())
            .resource_ids(id)
            .traffic_type(match inputs.traffic_type {
                Traffic::Accept => TrafficType::Accept,
                Traffic::All => TrafficType::All,
                Traffic::Reject => TrafficType::Reject,
            })
            .log_destination_type(match inputs.log_destination_type {
                Destination::CloudWatchLogs => LogDestinationType::CloudWatchLogs,
                Destination::S3 => LogDestinationType::S3,
            })
            .log_destination(bare(&inputs.log_destination))
            .log_format(inputs.format())
            .max_aggregation_interval(inputs.max_aggregation_interval)
            .set_deliver_logs_permission_arn(inputs.iam_role_arn.clone())
            .set_destination_options(options.clone())
            .client_token(&token)
            .tag_specifications(super::on_create(Ec2Type::VpcFlowLog, new.tags))
            .send()
    };
    context
        .repeated(CREATE, || async {
            let answer = ask().await.map_err(|error| from_sdk(CREATE, &error))?;
            all_done(CREATE, answer.unsuccessful())?;
            let id = answer.flow_log_ids().first().cloned();
            expected(CREATE, id, "the id of a flow log")
        })
        .await
}

/// Returns the result of a list of failures for one object: the same as if the call itself had failed.
fn all_done(operation: &str, failures: &[UnsuccessfulItem]) -> AwsResult<()> {
    let Some(failure) = failures.first() else {
        return Ok(());
    };
    let error = failure.error();
    let code = error.and_then(|error| error.code()).unwrap_or_default();
    let message = error.and_then(|error| error.message());
    let message = message.unwrap_or("AWS gave no reason");
    let status = code.parse().unwrap_or(400);
    let mut error = ProviderError::new(kind(code, message, status), operation, message);
    code.clone_into(&mut error.code);
    error.status = Some(status);
    Err(error)
}

/// The flow log that already exists according to AWS.
async fn met(
    context: &Context,
    new: &New<'_, FlowLog>,
    mut error: ProviderError,
) -> AwsResult<LiveOf<FlowLog>> {
    let wanted = new.inputs;
    let Some((_, id)) = wanted.watched() else {
        return Err(error);
    };
    let found = until_visible(|| async {
        let found = list(context, super::filter("resource-id", id)).await?;
        let to_same = |log: &&LiveOf<FlowLog>| {
            bare(&log.inputs.log_destination) == bare(&wanted.log_destination)
        };
        let like = found.iter().find(|log| log.inputs.is_like(wanted));
        like.or_else(|| found.iter().find(to_same))
            .cloned()
            .ok_or_else(|| super::not_listed(DESCRIBE, "the flow log that exists"))
    })
    .await;
    match found {
        Ok(log) if new.instead_of.contains(&log.id) => {
            let text = "AWS does not accept it beside the one that it replaces: give it the option \
                        `deleteBeforeReplace: true`, then run";
            error.details.push(format!("`{}` is there", log.id));
            error.remedy = Some(Remedy::new(text));
            Err(error)
        }
        Ok(log) => adopt(new.tags, log, error),
        Err(unseen) if unseen.is(ErrorKind::NotFound) => Err(error),
        Err(failed) => Err(failed),
    }
}

async fn find(context: &Context, id: &str) -> AwsResult<LiveOf<FlowLog>> {
    let found = list(context, super::filter("flow-log-id", id)).await?;
    let mut found = found.into_iter();
    found.next().ok_or_else(|| super::not_listed(DESCRIBE, id))
}

/// The flow logs with the stack's tag, requested once per read session.
async fn of_stack(context: &Context, query: Query<'_>) -> AwsResult<Arc<Vec<LiveOf<FlowLog>>>> {
    let ask = || list(context, super::of_stack(query.stack));
    query.session.once(DESCRIBE, ask).await
}

async fn list(context: &Context, by: Filter) -> AwsResult<Vec<LiveOf<FlowLog>>> {
    let by = &by;
    let logs = context
        .pages(
            |token| {
                context
                    .ec2
                    .describe_flow_logs()
                    .filter(by.clone())
                    .max_results(1000)
                    .set_next_token(token)
            },
            |page| (page.flow_logs, page.next_token),
        )
        .await?;
    Ok(logs.iter().filter_map(|log| live(context, log)).collect())
}

/// Reads a flow log of a supported kind: transit gateways and Firehose have flow logs, too.
fn live(context: &Context, log: &SdkFlowLog) -> Option<LiveOf<FlowLog>> {
    let id = log.flow_log_id()?.to_owned();
    let watched = log.resource_id()?;
    let of = |prefix: &str| watched.starts_with(prefix).then(|| watched.to_owned());
    let inputs = Inputs {
        vpc_id: of("vpc-"),
        subnet_id: of("subnet-"),
        eni_id: of("eni-"),
        traffic_type: match log.traffic_type() {
            Some(TrafficType::Accept) => Traffic::Accept,
            Some(TrafficType::Reject) => Traffic::Reject,
            _ => Traffic::All,
        },
        log_destination_type: match log.log_destination_type() {
            None | Some(LogDestinationType::CloudWatchLogs) => Destination::CloudWatchLogs,
            Some(LogDestinationType::S3) => Destination::S3,
            Some(_) => return None,
        },
        log_destination: match (log.log_destination(), log.log_group_name()) {
            (Some(arn), _) => bare(arn).to_owned(),
            // A flow log that was made with the name of a group has no ARN: hashicorp/terraform-provider-aws#45770.
            (None, Some(name)) => context.arn("logs", &format!("log-group:{name}")),
            (None, None) => return None,
        },
        log_format: log.log_format().map(str::to_owned),
        max_aggregation_interval: log.max_aggregation_interval().unwrap_or(600),
        iam_role_arn: log.deliver_logs_permission_arn().map(str::to_owned),
        destination_options: log.destination_options().map(options_from_sdk),
    };
    inputs.watched()?;
    Some(Live {
        arn: Some(context.arn("ec2", &format!("vpc-flow-log/{id}"))),
        inputs,
        outputs: NoOutputs {},
        tags: super::from_sdk(log.tags()),
        condition: condition(log),
        id,
    })
}

/// The condition of a flow log, which has one state. Delivery of the records is another matter: AWS reports it some minutes
/// later, and a report that does not change once the role is fixed is no reason to make another flow log with each run.
fn condition(log: &SdkFlowLog) -> Condition {
    match log.deliver_logs_status() {
        Some("FAILED") => {
            let reason = log.deliver_logs_error_message();
            let reason = reason.unwrap_or("AWS gives no reason");
            // terraform-aws-modules/terraform-aws-vpc#1262: it stays so after the policy is fixed.
            Condition::Busy(format!(
                "`FAILED`: no record arrives ({reason}); if correcting the role or the policy does not help, `up \
                 --replace` does"
            ))
        }
        _ => Condition::Ready,
    }
}

fn options_to_sdk(options: &DestinationOptions) -> DestinationOptionsRequest {
    let format = options.file_format.map(|format| match format {
        FileFormat::PlainText => DestinationFileFormat::PlainText,
        FileFormat::Parquet => DestinationFileFormat::Parquet,
    });
    DestinationOptionsRequest::builder()
        .set_file_format(format)
        .set_hive_compatible_partitions(options.hive_compatible_partitions)
        .set_per_hour_partition(options.per_hour_partition)
        .build()
}

fn options_from_sdk(options: &DestinationOptionsResponse) -> DestinationOptions {
    DestinationOptions {
        file_format: Some(match options.file_format() {
            Some(DestinationFileFormat::Parquet) => FileFormat::Parquet,
            _ => FileFormat::PlainText,
        }),
        hive_compatible_partitions: options.hive_compatible_partitions(),
        per_hour_partition: options.per_hour_partition(),
    }
}

/// The ARN of a log group without the `:*` behind it that policies want, and flow logs do not.
fn bare(arn: &str) -> &str {
    arn.strip_suffix(":*").unwrap_or(arn)
}

fn bare_arn(arn: Value) -> Value {
    match arn.as_str() {
        Some(text) => bare(text).into(),
        None => arn,
    }
}

/// A format other than AWS's own.
fn unusual_format(format: Value) -> Value {
    if format.as_str() == Some(DEFAULT_FORMAT) {
        return Value::Null;
    }
    format
}

/// The options that differ from the defaults.
fn unusual_options(options: Value) -> Value {
    let Value::Object(mut fields) = options else {
        return options;
    };
    let usual = properties([
        ("fileFormat", "plain-text".into()),
        ("hiveCompatiblePartitions", false.into()),
        ("perHourPartition", false.into()),
    ]);
    fields.retain(|name, value| !value.is_null() && usual.get(name) != Some(value));
    if fields.is_empty() {
        return Value::Null;
    }
    Value::Object(fields)
}

#[cfg(test)]
mod tests;
