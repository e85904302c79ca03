//! SNS topics, their policies and subscriptions.
//!
//! Topic and topic policy are read from one answer, `GetTopicAttributes`. Attributes are set one per call.

pub mod topic;
pub mod topic_policy;
pub mod topic_subscription;

use fde_infra_derive::operations;
use std::collections::HashMap;
use std::sync::Arc;

use super::context::Context;
use super::error::{AwsResult, if_there};
use super::wait::until_visible;
use crate::resource::ReadSession;

operations! {
    aws_sdk_sns, "sns":
    CreateTopic,
    DeleteTopic,
    GetSubscriptionAttributes,
    GetTopicAttributes,
    ListSubscriptionsByTopic,
    ListTagsForResource,
    SetSubscriptionAttributes,
    SetTopicAttributes,
    Subscribe,
    TagResource,
    Unsubscribe,
    UntagResource,
}

const TOPIC: &str = "aws:sns:Topic";

type Attributes = HashMap<String, String>;

/// Returns the attributes of a topic, `None` if there is no such topic.
async fn attributes(
    context: &Context,
    session: &ReadSession,
    arn: &str,
) -> AwsResult<Arc<Option<Attributes>>> {
    session
        .once(&format!("sns:GetTopicAttributes {arn}"), || async {
            let answer = context
                .send(context.sns.get_topic_attributes().topic_arn(arn))
                .await;
            let answer = if_there(answer)?;
            Ok(answer.map(|answer| answer.attributes.unwrap_or_default()))
        })
        .await
}

/// Sets an attribute of a topic.
async fn set_attribute(context: &Context, arn: &str, name: &str, value: &str) -> AwsResult<()> {
    until_visible(|| {
        let request = context
            .sns
            .set_topic_attributes()
            .topic_arn(arn)
            .attribute_name(name)
            .attribute_value(value);
        context.send(request)
    })
    .await?;
    Ok(())
}
