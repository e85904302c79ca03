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

mod confirmation;
mod endpoint;
mod model;
mod search;

use std::collections::HashMap;

use futures_util::future::{join_all, try_join_all};

pub use self::model::{Inputs, Outputs};

use self::confirmation::{Confirmation, settings_of_pending, unconfirmed, waits_for_person};
use self::model::BY_BODY;
use self::search::{by_topic, find, get, is_pending, key, live, wanted_keys};
use crate::aws::context::Context;
use crate::aws::error::{AwsResult, expected};
use crate::aws::policy::to_text;
use crate::aws::resource_type::{Change, Live, LiveOf, New, Old, ResourceType, check};
use crate::aws::wait::{Poll, Wait, until_visible};
use crate::resource::provider::{Progress, Query};
use crate::resource::{Condition, CreateClass, InvalidInput, Schema};

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
        drop(join_all(by_topic(context, query)).await);
    }

    async fn read(&self, context: &Context, query: Query<'_>) -> AwsResult<Vec<LiveOf<Self>>> {
        let wanted = wanted_keys(query);
        let lists = try_join_all(by_topic(context, query)).await?;
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

#[cfg(test)]
mod tests {
    use super::*;

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
