//! Combinations that AWS does not accept in a flow log.

use super::model::{Destination, Inputs};
use crate::resource::InvalidInput;

pub(super) fn fit(inputs: &Inputs) -> Vec<InvalidInput> {
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
    // The destination decides about the role, and about the form of files.
    let by_type = |at: &str, reason: &str| {
        InvalidInput::new(at, reason).decided_by([Inputs::LOG_DESTINATION_TYPE])
    };
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
                    by_type(
                        "iamRoleArn",
                        "must be given where records go to a log group",
                    )
                    .help("the role lets `vpc-flow-logs.amazonaws.com` write to the group"),
                );
            }
            if inputs.destination_options.is_some() {
                invalid_inputs.push(
                    by_type("destinationOptions", "is about files in a bucket").help(
                        "leave it out, or send the records to a bucket: `logDestinationType: s3`",
                    ),
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
                    by_type("iamRoleArn", "AWS takes no role where records go to a bucket")
                        .help(
                            "leave it out: the policy of the bucket lets `delivery.logs.amazonaws.com` in",
                        ),
                );
            }
        }
    }
    invalid_inputs
}
