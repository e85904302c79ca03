//! Subscription to a topic.
//!
//! - Mail and web endpoints wait for a person to confirm, some days at most. Until then AWS lists `PendingConfirmation` in
//!   place of the ARN, returns none of the settings, and can neither change nor remove the subscription. So there is no wait
//!   here: the state is an output, the settings are compared once they can be read, and a pending subscription that is no
//!   longer wanted is left to expire. One that expired, or whose receiver has followed the unsubscribe link, is offered
//!   again, and is no drift: the file has not changed.
//! - Queues and functions of the same account confirm themselves.
//! - `Subscribe` on an existing subscription returns it, and sends the mail again.
//! - AWS shows the password in a web endpoint as `****`, and may list a telephone number in another format
//!   (ansible-collections/community.aws#453).
//! - For some time after a topic was deleted and made again, calls still return a subscription that its list does not have
//!   (hashicorp/terraform-provider-aws#41984, #9645): the list counts.
//! - A stream requires a role to be written to (aws/aws-cdk#15764). Topics can only be called in their own region
//!   (aws/aws-cdk#7044).

use std::collections::HashMap;
use std::sync::Arc;

use aws_sdk_sns::types::Subscription;
use futures_util::future::{join_all, try_join_all};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::Attributes;
use crate::aws::answer::text;
use crate::aws::context::Context;
use crate::aws::error::{AwsResult, expected};
use crate::aws::policy::{canonical_json, to_text};
use crate::aws::resource_type::{Change, Live, LiveOf, New, Old, ResourceType, check};
use crate::aws::wait::{Poll, Wait, until_visible};
use crate::resource::provider::{Progress, Query};
use crate::resource::{
    Condition, CreateClass, ErrorKind, InvalidInput, Observed, OutputTable, Pending, Properties,
    PropertyTable, Schema, Tags, Until, Value,
};

/// The text that stands in the lists in place of an ARN.
const PENDING: &str = "PendingConfirmation";
const DELETED: &str = "Deleted";

const BY_ATTRIBUTES: &str = "MessageAttributes";
const BY_BODY: &str = "MessageBody";

/// The settings that cannot be read, let alone changed, before the subscription is confirmed.
const SETTINGS: [&str; 3] = ["rawMessageDelivery", "filterPolicy", "filterPolicyScope"];

/// A receiver of the messages of a topic.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema, PropertyTable)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Inputs {
    /// The topic's ARN.
    #[property(required, replaces, regional)]
    pub topic: String,
    /// The protocol: `email`, `email-json`, `http`, `https`, `sms`, `sqs`, `lambda`, `application` or `firehose`.
    #[property(required, replaces)]
    pub protocol: String,
    /// The mail address, URL, telephone number or ARN, depending on the protocol.
    #[property(required, replaces, canonical(as_shown), secret_if(holds_password))]
    pub endpoint: String,
    /// True if messages are delivered without SNS's envelope; for `sqs`, `http`, `https` and `firehose`.
    #[property(default(false))]
    pub raw_message_delivery: Option<bool>,
    /// The filter of messages to deliver, as an object or as JSON text. Unset: all.
    #[property(canonical(canonical_json))]
    pub filter_policy: Option<serde_json::Value>,
    /// The part of a message that the filter applies to, `MessageAttributes` or `MessageBody`.
    #[property(default(BY_ATTRIBUTES))]
    pub filter_policy_scope: Option<String>,
    /// The ARN of the role by which SNS writes to the stream; only for `firehose`, which requires it.
    pub subscription_role_arn: Option<String>,
}

#[derive(Debug, Clone, Serialize, Deserialize, OutputTable)]
#[serde(rename_all = "camelCase")]
pub struct Outputs {
    /// True if the subscription still has to be confirmed.
    pub pending_confirmation: bool,
}

pub struct TopicSubscription;

impl ResourceType for TopicSubscription {
    type Inputs = Inputs;
    type Outputs = Outputs;

    fn schema(&self) -> Schema {
        Schema::of::<Inputs, Outputs>("aws:sns:TopicSubscription", CreateClass::PartOfParent)
            .key(&[Inputs::TOPIC, Inputs::PROTOCOL, Inputs::ENDPOINT])
            .reads_after(&[super::TOPIC])
            .child_of(Inputs::TOPIC, super::TOPIC)
            .checks(|inputs| check(inputs, fit))
            .pending(unconfirmed)
            .lapses(waits_for_person)
            .server_managed(settings_of_pending)
    }

    async fn ahead(&self, context: &Context, query: Query<'_>) {
        let topics = query.parents_of_parts(super::TOPIC, "topic");
        let asked = topics.iter().map(|topic| on_topic(context, query, topic));
        drop(join_all(asked).await);
    }

    async fn read(&self, context: &Context, query: Query<'_>) -> AwsResult<Vec<LiveOf<Self>>> {
        let wanted = wanted_keys(query);
        let topics = query.parents_of_parts(super::TOPIC, "topic");
        let lists = topics.iter().map(|topic| on_topic(context, query, topic));
        let lists = try_join_all(lists).await?;
        let listed = lists.iter().flat_map(|listed| listed.iter());
        let reads = listed.map(|subscription| {
            let wanted = wanted.contains(&key(subscription));
            find(context, subscription.clone(), wanted)
        });
        Ok(try_join_all(reads).await?.into_iter().flatten().collect())
    }

    async fn create(&self, context: &Context, new: New<'_, Self>) -> AwsResult<LiveOf<Self>> {
        let inputs = new.inputs;
        let attributes = attributes_of(inputs);
        let answer = until_visible(|| {
            let request = context
                .sns
                .subscribe()
                .topic_arn(&inputs.topic)
                .protocol(&inputs.protocol)
                .endpoint(&inputs.endpoint)
                .set_attributes(Some(attributes.clone()))
                .return_subscription_arn(true);
            context.send(request)
        })
        .await?;
        let arn = expected("sns:Subscribe", answer.subscription_arn, "an ARN")?;
        let confirmation = Confirmation::of(&inputs.protocol);
        Ok(Live {
            condition: match confirmation {
                Confirmation::ByItself => Condition::Settling("pending confirmation".to_owned()),
                Confirmation::ByPerson | Confirmation::None => Condition::Ready,
            },
            outputs: Outputs {
                pending_confirmation: confirmation == Confirmation::ByPerson,
            },
            ..live(arn, inputs.clone())
        })
    }

    async fn update(&self, context: &Context, change: Change<'_, Self>) -> AwsResult<LiveOf<Self>> {
        let wanted = change.wanted;
        let arn = &change.observed.id;
        if change.touches(Inputs::RAW_MESSAGE_DELIVERY) {
            let raw = wanted.raw_message_delivery.unwrap_or(false).to_string();
            set(context, arn, "RawMessageDelivery", &raw).await?;
        }
        let policy = wanted.filter_policy.as_ref();
        let scope = wanted.filter_policy_scope.as_deref();
        // Only a policy has a scope; and a policy must not be in force together with a scope that does not allow it.
        let scope =
            scope.filter(|_| policy.is_some() && change.touches(Inputs::FILTER_POLICY_SCOPE));
        if let Some(scope @ BY_BODY) = scope {
            set(context, arn, "FilterPolicyScope", scope).await?;
        }
        if change.touches(Inputs::FILTER_POLICY) {
            let policy = policy.map_or_else(|| "{}".to_owned(), to_text);
            set(context, arn, "FilterPolicy", &policy).await?;
        }
        if let Some(scope) = scope.filter(|scope| *scope != BY_BODY) {
            set(context, arn, "FilterPolicyScope", scope).await?;
        }
        if let Some(role) = &wanted.subscription_role_arn
            && change.touches(Inputs::SUBSCRIPTION_ROLE_ARN)
        {
            set(context, arn, "SubscriptionRoleArn", role).await?;
        }
        Ok(change.applied())
    }

    async fn wait(
        &self,
        context: &Context,
        live: LiveOf<Self>,
        progress: &dyn Progress,
    ) -> AwsResult<LiveOf<Self>> {
        Wait::short("sns:GetSubscriptionAttributes", 2, progress)
            .until(|| async {
                let attributes = until_visible(|| get(context, &live.id)).await?;
                Ok(if is_pending(&attributes) {
                    Poll::Pending("pending confirmation".to_owned())
                } else {
                    Poll::Ready(())
                })
            })
            .await?;
        Ok(Live {
            condition: Condition::Ready,
            ..live
        })
    }

    async fn delete(&self, context: &Context, old: Old<'_, Self>) -> AwsResult<()> {
        let Some(arn) = &old.live.arn else {
            return Ok(());
        };
        let removed = context
            .send(context.sns.unsubscribe().subscription_arn(arn))
            .await;
        match removed {
            // It is deleted with the topic, or expires.
            Err(error) if error.message.contains("pending confirmation") => Ok(()),
            other => other.map(drop),
        }
    }
}

/// The party that confirms a subscription.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Confirmation {
    ByPerson,
    ByItself,
    None,
}

/// Returns the recipient who has to confirm, if there is one.
fn unconfirmed(subscription: &Observed) -> Vec<Pending> {
    let is_pending = subscription.outputs.get("pendingConfirmation");
    if is_pending.and_then(Value::as_bool) != Some(true) {
        return Vec::new();
    }
    let endpoint = subscription.inputs.get("endpoint").cloned();
    // A web endpoint may contain a password.
    let endpoint = endpoint.map(without_password);
    let endpoint = endpoint.as_ref().and_then(Value::as_str);
    vec![Pending {
        what: endpoint.unwrap_or("its endpoint").to_owned(),
        until: Until::Confirmation,
    }]
}

fn waits_for_person(inputs: &Properties) -> bool {
    let protocol = inputs.get("protocol").and_then(Value::as_str);
    protocol.is_some_and(|protocol| Confirmation::of(protocol) == Confirmation::ByPerson)
}

impl Confirmation {
    fn of(protocol: &str) -> Self {
        match protocol {
            "email" | "email-json" | "http" | "https" => Self::ByPerson,
            "sqs" | "lambda" | "firehose" => Self::ByItself,
            _ => Self::None,
        }
    }
}

fn live(arn: String, inputs: Inputs) -> LiveOf<TopicSubscription> {
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

type Key = [String; 3];

fn key(subscription: &Subscription) -> Key {
    [
        subscription.topic_arn(),
        subscription.protocol(),
        subscription.endpoint(),
    ]
    .map(|part| text(part))
}

/// Returns the subscriptions that the stack wants, as far as they are known.
fn wanted_keys(query: Query<'_>) -> Vec<Key> {
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

/// Returns the subscriptions of one topic, asked for once per reading.
async fn on_topic(
    context: &Context,
    query: Query<'_>,
    topic: &str,
) -> AwsResult<Arc<Vec<Subscription>>> {
    let key = format!("sns:ListSubscriptionsByTopic {topic}");
    query.session.once(&key, || list(context, topic)).await
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
    match subscriptions.await {
        // The topic has been deleted meanwhile.
        Err(error) if error.is(ErrorKind::NotFound) => Ok(Vec::new()),
        other => other,
    }
}

async fn find(
    context: &Context,
    subscription: Subscription,
    wanted: bool,
) -> AwsResult<Option<LiveOf<TopicSubscription>>> {
    let [topic, protocol, endpoint] = key(&subscription);
    let inputs = Inputs {
        topic,
        protocol,
        endpoint,
        raw_message_delivery: None,
        filter_policy: None,
        filter_policy_scope: None,
        subscription_role_arn: None,
    };
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
    let Some(attributes) = attributes else {
        return Ok(wanted.then(|| Live {
            id: format!("{PENDING}/{}/{}", inputs.protocol, inputs.endpoint),
            arn: None,
            outputs: Outputs {
                pending_confirmation: true,
            },
            ..live(String::new(), inputs)
        }));
    };
    let filter_policy = attributes
        .get("FilterPolicy")
        .filter(|policy| policy.as_str() != "{}")
        .map(|policy| serde_json::Value::String(policy.clone()));
    let scope = attributes
        .get("FilterPolicyScope")
        .filter(|_| filter_policy.is_some())
        .map_or(BY_ATTRIBUTES, String::as_str);
    let raw = attributes.get("RawMessageDelivery");
    Ok(Some(live(
        arn.to_owned(),
        Inputs {
            raw_message_delivery: Some(raw.is_some_and(|raw| raw == "true")),
            filter_policy_scope: Some(scope.to_owned()),
            filter_policy,
            subscription_role_arn: attributes.get("SubscriptionRoleArn").cloned(),
            ..inputs
        },
    )))
}

async fn get(context: &Context, arn: &str) -> AwsResult<Attributes> {
    let request = context
        .sns
        .get_subscription_attributes()
        .subscription_arn(arn);
    let answer = context.send(request).await?;
    Ok(answer.attributes.unwrap_or_default())
}

fn is_pending(attributes: &Attributes) -> bool {
    attributes
        .get("PendingConfirmation")
        .is_some_and(|pending| pending == "true")
}

async fn set(context: &Context, arn: &str, name: &str, value: &str) -> AwsResult<()> {
    until_visible(|| {
        let request = context
            .sns
            .set_subscription_attributes()
            .subscription_arn(arn)
            .attribute_name(name)
            .attribute_value(value);
        context.send(request)
    })
    .await?;
    Ok(())
}

fn fit(inputs: &Inputs) -> Vec<InvalidInput> {
    let mut invalid_inputs = Vec::new();
    if inputs.filter_policy.is_none() && inputs.filter_policy_scope.as_deref() == Some(BY_BODY) {
        invalid_inputs.push(InvalidInput::new(
            "filterPolicyScope",
            "needs a `filterPolicy`",
        ));
    }
    let reason = match (inputs.protocol.as_str(), &inputs.subscription_role_arn) {
        ("firehose", None) => Some("is missing: SNS writes to a stream by a role"),
        ("firehose", Some(_)) | (_, None) => None,
        (_, Some(_)) => Some("goes with the protocol `firehose` alone"),
    };
    invalid_inputs.extend(
        reason.map(|reason| {
            InvalidInput::new("subscriptionRoleArn", reason).decided_by(["protocol"])
        }),
    );
    invalid_inputs
}

/// Returns the attributes that differ from the defaults: several protocols accept no such attribute at all.
fn attributes_of(inputs: &Inputs) -> HashMap<String, String> {
    let mut attributes = HashMap::new();
    if inputs.raw_message_delivery == Some(true) {
        attributes.insert("RawMessageDelivery".to_owned(), "true".to_owned());
    }
    if let Some(policy) = &inputs.filter_policy {
        attributes.insert("FilterPolicy".to_owned(), to_text(policy));
        if let Some(scope) = &inputs.filter_policy_scope {
            attributes.insert("FilterPolicyScope".to_owned(), scope.clone());
        }
    }
    if let Some(role) = &inputs.subscription_role_arn {
        attributes.insert("SubscriptionRoleArn".to_owned(), role.clone());
    }
    attributes
}

/// Keeps the settings of a pending subscription: until it is confirmed, they are the ones wanted when it was made.
fn settings_of_pending(desired: &mut Properties, observed: &Properties) {
    if !observed.contains_key("rawMessageDelivery") {
        desired.retain(|name, _| !SETTINGS.contains(&name.as_str()));
    }
}

/// Converts an endpoint into one spelling, as the lists show it.
fn as_shown(endpoint: Value) -> Value {
    let digits = endpoint.as_str().and_then(|text| {
        let number = text.strip_prefix('+')?;
        let is_number = number
            .chars()
            .all(|c| c.is_ascii_digit() || " ()-./".contains(c));
        let digits: String = number.chars().filter(char::is_ascii_digit).collect();
        is_number.then(|| format!("+{digits}"))
    });
    match digits {
        Some(number) => number.into(),
        None => without_password(endpoint),
    }
}

/// Returns a URL as AWS shows it: `https://user:****@host/`.
fn without_password(endpoint: Value) -> Value {
    let masked = endpoint.as_str().and_then(|url| {
        let (scheme, rest) = url.split_once("://")?;
        let (authority, path) = rest.split_at(rest.find(['/', '?', '#']).unwrap_or(rest.len()));
        let (credentials, host) = authority.rsplit_once('@')?;
        let (user, _) = credentials.split_once(':')?;
        Some(format!("{scheme}://{user}:****@{host}{path}"))
    });
    masked.map_or(endpoint, Value::from)
}

/// Returns whether an endpoint contains a password, even if a part of the URL is not known yet.
fn holds_password(endpoint: &Value) -> bool {
    let text = match serde_json::Value::from(endpoint) {
        serde_json::Value::String(text) => Value::from(text),
        _ => return false,
    };
    without_password(text.clone()) != text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::resource::value::properties;

    #[test]
    fn passwords_are_masked_as_aws_does() {
        let masked = |url: &str| without_password(url.into());
        assert_eq!(
            masked("https://a:b@host/c@d"),
            "https://a:****@host/c@d".into()
        );
        for other in ["https://host/a:b@c", "me@shop.example", "arn:aws:sqs:r:1:q"] {
            assert_eq!(masked(other), other.into());
            assert!(!holds_password(&other.into()));
        }
        assert!(holds_password(&Value::join([
            "https://a:b@".into(),
            "host".into()
        ])));
    }

    #[test]
    fn a_telephone_number_is_the_same_in_every_spelling() {
        let shown = |endpoint: &str| as_shown(endpoint.into());
        for spelled in ["+34 600 123 456", "+34-600.123/456", "+(34)600123456"] {
            assert_eq!(shown(spelled), "+34600123456".into());
        }
        for other in ["+34x", "me+shop@shop.example", "https://host/+1"] {
            assert_eq!(shown(other), other.into());
        }
    }

    #[test]
    fn a_stream_and_it_alone_has_a_role() {
        let invalid_inputs = |protocol: &str, role: Option<&str>| {
            let inputs = Inputs {
                topic: "t".into(),
                protocol: protocol.into(),
                endpoint: "e".into(),
                raw_message_delivery: None,
                filter_policy: None,
                filter_policy_scope: None,
                subscription_role_arn: role.map(str::to_owned),
            };
            let attributes = attributes_of(&inputs);
            let sent = attributes.get("SubscriptionRoleArn").cloned();
            assert_eq!(sent.as_deref(), role);
            fit(&inputs).len()
        };
        assert_eq!(invalid_inputs("firehose", Some("arn:aws:iam::1:role/r")), 0);
        assert_eq!(invalid_inputs("sqs", None), 0);
        assert_eq!(invalid_inputs("firehose", None), 1);
        assert_eq!(invalid_inputs("sqs", Some("arn:aws:iam::1:role/r")), 1);
    }

    #[test]
    fn settings_of_a_pending_subscription_are_not_compared() {
        let wanted = || properties([("topic", "t".into()), ("rawMessageDelivery", true.into())]);
        let mut desired = wanted();
        settings_of_pending(&mut desired, &properties([("topic", "t".into())]));
        assert_eq!(desired, properties([("topic", "t".into())]));
        let mut desired = wanted();
        settings_of_pending(
            &mut desired,
            &properties([("rawMessageDelivery", false.into())]),
        );
        assert_eq!(desired, wanted());
    }

    #[test]
    fn a_scope_needs_a_policy() {
        let mut inputs = Inputs {
            topic: "t".into(),
            protocol: "sqs".into(),
            endpoint: "q".into(),
            raw_message_delivery: None,
            filter_policy: None,
            filter_policy_scope: Some(BY_BODY.into()),
            subscription_role_arn: None,
        };
        assert!(!fit(&inputs).is_empty());
        assert!(attributes_of(&inputs).is_empty());
        inputs.filter_policy = Some(serde_json::json!({"kind": ["a"]}));
        assert!(fit(&inputs).is_empty());
        assert_eq!(attributes_of(&inputs).len(), 2);
    }
}
