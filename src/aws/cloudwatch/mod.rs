//! CloudWatch alarms and dashboards.
//!
//! - Both are put as a whole: a put over an object of another owner overwrites it without an error. So the create calls look
//!   first, although the engine has read before.
//! - Tags only count in the first put; afterwards they are set by separate calls.

pub mod dashboard;
pub mod metric_alarm;
pub mod metric_query;

use super::context::Context;
use super::error::AwsResult;
use super::sdk_tag::{from_sdk, to_sdk};
use crate::resource::provider::Query;
use crate::resource::{ErrorKind, ProviderError, Tags};
use fde_infra_derive::operations;

operations! {
    aws_sdk_cloudwatch, "cloudwatch":
    DeleteAlarms,
    DeleteDashboards,
    DescribeAlarms,
    GetDashboard,
    ListTagsForResource,
    PutDashboard,
    PutMetricAlarm,
    TagResource,
    UntagResource,
}

/// Returns the tags of an object that exists: those of the index, or, where the index may lag behind, those from a call.
async fn tags_of(context: &Context, query: Query<'_>, arn: &str) -> AwsResult<Tags> {
    match query.settled_tags(arn) {
        Some(tags) => Ok(tags.clone()),
        None => list_tags(context, arn).await,
    }
}

async fn list_tags(context: &Context, arn: &str) -> AwsResult<Tags> {
    let request = context
        .cloudwatch
        .list_tags_for_resource()
        .resource_arn(arn);
    let answer = context.send(request).await?;
    Ok(from_sdk(answer.tags()))
}

/// Returns the error of a create call that found an existing object under the wanted name.
fn standing(context: &Context, operation: &'static str) -> ProviderError {
    let mut error = ProviderError::new(ErrorKind::AlreadyExists, operation, "the name is taken");
    error.region.clone_from(&context.region);
    error
}
