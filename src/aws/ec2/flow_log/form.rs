//! A flow log in our form and in the SDK's.

use aws_sdk_ec2::types::{
    DestinationFileFormat, DestinationOptionsRequest, DestinationOptionsResponse,
    FlowLog as SdkFlowLog, LogDestinationType, TrafficType,
};

use super::canonical::bare;
use super::model::{Destination, DestinationOptions, FileFormat, Inputs, Traffic};
use crate::aws::context::Context;
use crate::aws::resource_type::{Live, NoOutputs};
use crate::resource::Condition;

/// Reads a flow log of a supported kind: transit gateways and Firehose have flow logs, too.
pub(super) fn live(context: &Context, log: &SdkFlowLog) -> Option<Live<Inputs, NoOutputs>> {
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
        tags: crate::aws::ec2::from_sdk(log.tags()),
        condition: condition(log),
        id,
    })
}

/// The condition of a flow log, which has one state. Delivery of the records is another matter: AWS reports it some minutes
/// later, and a report that does not change once the role is fixed is no reason to make another flow log with each run.
pub(super) fn condition(log: &SdkFlowLog) -> Condition {
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

pub(super) fn options_to_sdk(options: &DestinationOptions) -> DestinationOptionsRequest {
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
