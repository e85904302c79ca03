//! The inputs of a flow log.

use aws_sdk_ec2::types::FlowLogsResourceType;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::canonical::{DEFAULT_FORMAT, bare, bare_arn, unusual_format, unusual_options};
use crate::resource::PropertyTable;

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

impl Inputs {
    /// The recorded resource, by kind and id. `None` unless there is exactly one.
    pub(super) fn watched(&self) -> Option<(FlowLogsResourceType, &str)> {
        match (&self.vpc_id, &self.subnet_id, &self.eni_id) {
            (Some(id), None, None) => Some((FlowLogsResourceType::Vpc, id)),
            (None, Some(id), None) => Some((FlowLogsResourceType::Subnet, id)),
            (None, None, Some(id)) => Some((FlowLogsResourceType::NetworkInterface, id)),
            _ => None,
        }
    }

    pub(super) fn format(&self) -> &str {
        self.log_format.as_deref().unwrap_or(DEFAULT_FORMAT)
    }

    /// Returns whether the two are so alike that AWS does not take one beside the other.
    pub(super) fn is_like(&self, other: &Self) -> bool {
        self.watched() == other.watched()
            && bare(&self.log_destination) == bare(&other.log_destination)
            && self.traffic_type == other.traffic_type
            && self.format() == other.format()
    }
}
