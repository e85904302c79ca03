//! CloudWatch Logs.

use fde_infra_derive::operations;

operations! {
    aws_sdk_cloudwatchlogs, "logs":
    AssociateKmsKey,
    CreateLogGroup,
    DeleteLogGroup,
    DeleteRetentionPolicy,
    DescribeLogGroups,
    DisassociateKmsKey,
    GetLogEvents,
    ListTagsForResource,
    PutRetentionPolicy,
    TagResource,
    UntagResource,
}

pub mod log_group;
