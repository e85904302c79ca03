//! The search for the subscriptions of topics.

use std::future::Future;
use std::sync::Arc;

use aws_sdk_sns::types::Subscription;

use super::endpoint::as_shown;
use super::model::{BY_ATTRIBUTES, Inputs, Outputs};
use crate::aws::answer::text;
use crate::aws::context::Context;
use crate::aws::error::{AwsResult, if_there};
use crate::aws::resource_type::Live;
use crate::aws::sns::{Attributes, TOPIC};
use crate::resource::provider::Query;
use crate::resource::{Condition, ErrorKind, Tags};

/// The text that stands in the lists in place of an ARN.
const PENDING: &str = "PendingConfirmation";

const DELETED: &str = "Deleted";

pub(super) type Key = [String; 3];

pub(super) fn key(subscription: &Subscription) -> Key {
    [
        subscription.topic_arn(),
        subscription.protocol(),
        subscription.endpoint(),
    ]
    .map(|part| text(part))
}

/// Returns the subscriptions that the stack wants, as far as they are known.
pub(super) fn wanted_keys(query: Query<'_>) -> Vec<Key> {
    query
        .wanted
        .iter()
        .filter_map(|wanted| {
            let known = |property: &str| {
                let value = as_shown(wanted.inputs.get(property)?.clone());
                value.as_str().map(str::to_owned)
            };
            Some([known("topic")?, known("protocol")?, known("endpoint")?])
        })
        .collect()
}

/// Returns the requests for the subscriptions of each topic, made once per reading.
pub(super) fn by_topic<'a>(
    context: &'a Context,
    query: Query<'a>,
) -> impl Iterator<Item = impl Future<Output = AwsResult<Arc<Vec<Subscription>>>>> {
    let topics = query.parents_of_parts(TOPIC, "topic");
    topics.into_iter().map(move |topic| async move {
        let key = format!("sns:ListSubscriptionsByTopic {topic}");
        query.session.once(&key, || list(context, &topic)).await
    })
}

async fn list(context: &Context, topic: &str) -> AwsResult<Vec<Subscription>> {
    let subscriptions = context.pages(
        |token| {
            context
                .sns
                .list_subscriptions_by_topic()
                .topic_arn(topic)
                .set_next_token(token)
        },
        |page| (page.subscriptions, page.next_token),
    );
    // The topic may have been deleted meanwhile.
    Ok(if_there(subscriptions.await)?.unwrap_or_default())
}

pub(super) async fn find(
    context: &Context,
    subscription: Subscription,
    wanted: bool,
) -> AwsResult<Option<Live<Inputs, Outputs>>> {
    let arn = subscription.subscription_arn().unwrap_or_default();
    let attributes = match arn {
        DELETED => return Ok(None),
        PENDING => None,
        arn => match get(context, arn).await {
            Ok(attributes) => Some(attributes).filter(|attributes| !is_pending(attributes)),
            Err(error) if error.is(ErrorKind::NotFound) => return Ok(None),
            Err(error) => return Err(error),
        },
    };
    let inputs = inputs_of(&subscription, attributes.as_ref());
    if attributes.is_some() {
        return Ok(Some(live(arn.to_owned(), inputs)));
    }
    Ok(wanted.then(|| Live {
        id: format!("{PENDING}/{}/{}", inputs.protocol, inputs.endpoint),
        arn: None,
        outputs: Outputs {
            pending_confirmation: true,
        },
        ..live(String::new(), inputs)
    }))
}

/// Returns the inputs of a subscription. Without its attributes, nothing is known of its settings.
fn inputs_of(subscription: &Subscription, attributes: Option<&Attributes>) -> Inputs {
    let [topic, protocol, endpoint] = key(subscription);
    let given = |name: &str| attributes?.get(name).map(String::as_str);
    let policy = given("FilterPolicy").filter(|policy| *policy != "{}");
    let scope = given("FilterPolicyScope").filter(|_| policy.is_some());
    Inputs {
        topic,
        protocol,
        endpoint,
        raw_message_delivery: attributes.map(|_| given("RawMessageDelivery") == Some("true")),
        filter_policy: policy.map(|policy| serde_json::Value::String(policy.to_owned())),
        filter_policy_scope: attributes.map(|_| scope.unwrap_or(BY_ATTRIBUTES).to_owned()),
        subscription_role_arn: given("SubscriptionRoleArn").map(str::to_owned),
    }
}

pub(super) async fn get(context: &Context, arn: &str) -> AwsResult<Attributes> {
    let request = context
        .sns
        .get_subscription_attributes()
        .subscription_arn(arn);
    let answer = context.send(request).await?;
    Ok(answer.attributes.unwrap_or_default())
}

pub(super) fn is_pending(attributes: &Attributes) -> bool {
    attributes
        .get("PendingConfirmation")
        .is_some_and(|pending| pending == "true")
}

pub(super) fn live(arn: String, inputs: Inputs) -> Live<Inputs, Outputs> {
    Live {
        id: arn.clone(),
        arn: Some(arn),
        inputs,
        outputs: Outputs {
            pending_confirmation: false,
        },
        tags: Tags::default(),
        condition: Condition::Ready,
    }
}
