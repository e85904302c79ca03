//! RDS event subscription: events of databases and their parameter groups that go to a topic.
//!
//! - The name is lower-cased by AWS.
//! - RDS checks at once whether it may publish (`SNSNoAuthorization`), and later whenever it has an event to send: if not,
//!   the subscription is `no-permission`, or `topic-not-exist`, and delivers nothing.
//! - A `ModifyEventSubscription` that omits a setting can change that setting, too: in
//!   hashicorp/terraform-provider-aws#25171 a new topic switched the subscription off. So every call sends all settings.
//! - Sources are added and removed by separate calls, one by one. No source at all means all sources of the account.
//! - Categories require a source type: hashicorp/terraform-provider-aws#1817.

mod checks;
mod model;

use aws_sdk_rds::types::EventSubscription as SdkSubscription;
use futures_util::future::try_join_all;

pub use self::model::Inputs;

use crate::aws::context::Context;
use crate::aws::error::{AwsResult, expected};
use crate::aws::resource_type::{
    Change, Live, LiveOf, New, NoOutputs, Old, ResourceType, adopt, check,
};
use crate::aws::states::{self, EVENT_SUBSCRIPTION};
use crate::aws::wait::{Poll, Wait, until_visible};
use crate::resource::provider::{Progress, Query};
use crate::resource::{Condition, CreateClass, ErrorKind, ProviderError, Schema, Tags};

/// The minutes that a change may take. Terraform allows forty for each; most take one.
const CHANGE_MINUTES: u64 = 40;

pub struct EventSubscription;

impl ResourceType for EventSubscription {
    type Inputs = Inputs;
    type Outputs = NoOutputs;

    fn schema(&self) -> Schema {
        Schema::of::<Inputs, NoOutputs>("aws:rds:EventSubscription", CreateClass::NaturalKey)
            .blockers(&[])
            .generated_name(Inputs::NAME, 254)
            .name_ignores_case()
            .checks(|inputs| check(inputs, checks::fit))
    }

    async fn read(&self, context: &Context, query: Query<'_>) -> AwsResult<Vec<LiveOf<Self>>> {
        let subscriptions = context
            .pages(
                |marker| {
                    context
                        .rds
                        .describe_event_subscriptions()
                        .max_records(100)
                        .set_marker(marker)
                },
                |page| (page.event_subscriptions_list, page.marker),
            )
            .await?;
        let wanted = super::wanted_names(&query, "name");
        let standing = subscriptions.iter().filter(|found| !is_dying(found));
        let found = try_join_all(standing.map(|subscription| async {
            let name = name_of(subscription);
            let arn = arn_of(context, subscription);
            let tags = super::tags_of(context, &query, &wanted, name, &arn).await?;
            Ok(tags.map(|tags| live(context, subscription, tags)))
        }))
        .await?;
        Ok(found.into_iter().flatten().collect())
    }

    async fn create(&self, context: &Context, new: New<'_, Self>) -> AwsResult<LiveOf<Self>> {
        let inputs = new.inputs;
        loop {
            let request = context
                .rds
                .create_event_subscription()
                .subscription_name(&inputs.name)
                .sns_topic_arn(&inputs.sns_topic)
                .set_source_type(inputs.source_type.clone())
                .set_source_ids(given(inputs.source_ids.as_ref()))
                .set_event_categories(given(inputs.event_categories.as_ref()))
                .enabled(inputs.enabled)
                .set_tags(Some(super::to_sdk(new.tags)));
            let created = context.send(request).await;
            let error = match created {
                Ok(answer) => {
                    let made = expected(
                        "rds:CreateEventSubscription",
                        answer.event_subscription,
                        "an event subscription",
                    )?;
                    return Ok(Live {
                        inputs: inputs.clone(),
                        ..live(context, &made, new.tags.clone())
                    });
                }
                Err(error) if error.is(ErrorKind::AlreadyExists) => error,
                Err(error) => return Err(error),
            };
            let met = match describe(context, &inputs.name).await {
                // It was deleted between the two calls.
                Err(gone) if gone.is(ErrorKind::NotFound) => continue,
                answer => answer?,
            };
            if is_dying(&met) {
                wait_until_gone(context, &inputs.name, new.progress).await?;
                continue;
            }
            let tags = super::list_tags(context, &arn_of(context, &met)).await?;
            return adopt(
                new.tags,
                live(context, &met, tags.unwrap_or_default()),
                error,
            );
        }
    }

    async fn update(&self, context: &Context, change: Change<'_, Self>) -> AwsResult<LiveOf<Self>> {
        let id = &change.observed.id;
        let (wanted, observed) = (
            ids(change.wanted.source_ids.as_deref()),
            ids(change.observed.inputs.source_ids.as_deref()),
        );
        let (coming, going) = (except(&wanted, &observed), except(&observed, &wanted));
        if ["snsTopic", "eventCategories", "enabled"]
            .iter()
            .any(|property| change.touches(property))
        {
            modify(context, id, change.wanted).await?;
            if !coming.is_empty() || !going.is_empty() {
                until_settled(context, id, change.progress).await?;
            }
        }
        // New sources are added first: without any source the subscription would get the events of all.
        for source in &coming {
            until_visible(|| {
                let request = context
                    .rds
                    .add_source_identifier_to_subscription()
                    .subscription_name(id)
                    .source_identifier(source);
                context.send(request)
            })
            .await?;
        }
        for source in &going {
            let request = context
                .rds
                .remove_source_identifier_from_subscription()
                .subscription_name(id)
                .source_identifier(source);
            let removed = context.send(request).await;
            match removed {
                // It was removed with its source.
                Err(error) if error.code == SOURCE_NOT_FOUND => {}
                other => drop(other?),
            }
        }
        Ok(Live {
            condition: Condition::Settling("modifying".to_owned()),
            ..change.applied()
        })
    }

    async fn wait(
        &self,
        context: &Context,
        live: LiveOf<Self>,
        progress: &dyn Progress,
    ) -> AwsResult<LiveOf<Self>> {
        // The topic may exist again, or its policy; RDS checks when it gets the topic.
        if let Condition::Settling(status) = &live.condition
            && states::hand(EVENT_SUBSCRIPTION, status, &live.id).is_some()
        {
            modify(context, &live.id, &live.inputs).await?;
        }
        until_settled(context, &live.id, progress).await?;
        Ok(Live {
            condition: Condition::Ready,
            ..live
        })
    }

    async fn delete(&self, context: &Context, old: Old<'_, Self>) -> AwsResult<()> {
        let request = context
            .rds
            .delete_event_subscription()
            .subscription_name(&old.live.id);
        context.send(request).await?;
        wait_until_gone(context, &old.live.id, old.progress).await
    }
}

/// The error code of RDS for a source that does not exist.
const SOURCE_NOT_FOUND: &str = "SourceNotFound";

/// Returns a list, unless it is empty.
fn given(list: Option<&Vec<String>>) -> Option<Vec<String>> {
    list.filter(|list| !list.is_empty()).cloned()
}

fn ids(list: Option<&[String]>) -> Vec<String> {
    let list = list.unwrap_or_default().iter();
    list.map(|id| id.to_lowercase()).collect()
}

fn except(list: &[String], others: &[String]) -> Vec<String> {
    let kept = list.iter().filter(|id| !others.contains(id));
    kept.cloned().collect()
}

fn name_of(subscription: &SdkSubscription) -> &str {
    subscription.cust_subscription_id().unwrap_or_default()
}

fn arn_of(context: &Context, subscription: &SdkSubscription) -> String {
    subscription.event_subscription_arn().map_or_else(
        || context.arn("rds", &format!("es:{}", name_of(subscription))),
        str::to_owned,
    )
}

fn is_dying(subscription: &SdkSubscription) -> bool {
    subscription.status() == Some("deleting")
}

/// Sends RDS all settings except the sources. An empty list of categories means all categories.
async fn modify(context: &Context, id: &str, inputs: &Inputs) -> AwsResult<()> {
    let categories = inputs.event_categories.clone().unwrap_or_default();
    // There are no categories without a source type.
    let categories = inputs.source_type.is_some().then_some(categories);
    until_visible(|| {
        let request = context
            .rds
            .modify_event_subscription()
            .subscription_name(id)
            .sns_topic_arn(&inputs.sns_topic)
            .set_source_type(inputs.source_type.clone())
            .set_event_categories(categories.clone())
            .enabled(inputs.enabled);
        context.send(request)
    })
    .await?;
    Ok(())
}

async fn describe(context: &Context, name: &str) -> AwsResult<SdkSubscription> {
    let request = context
        .rds
        .describe_event_subscriptions()
        .subscription_name(name);
    let answer = context.send(request).await?;
    expected(
        "rds:DescribeEventSubscriptions",
        answer.event_subscriptions_list.unwrap_or_default().pop(),
        "an event subscription",
    )
}

/// Polls until the subscription delivers events.
async fn until_settled(context: &Context, id: &str, progress: &dyn Progress) -> AwsResult<()> {
    Wait::long("rds:DescribeEventSubscriptions", CHANGE_MINUTES, progress)
        .until(|| async {
            let found = until_visible(|| describe(context, id)).await?;
            let status = found.status().unwrap_or("active");
            let remedy = states::hand(EVENT_SUBSCRIPTION, status, id);
            match states::condition(EVENT_SUBSCRIPTION, status) {
                Condition::Settling(status) if remedy.is_none() => Ok(Poll::Pending(status)),
                Condition::Settling(status) | Condition::Broken(status) => {
                    let operation = "rds:DescribeEventSubscriptions";
                    let message = format!("`{id}` is {status}");
                    let mut error = ProviderError::new(ErrorKind::Failed, operation, message);
                    error.remedy = remedy;
                    Err(error)
                }
                Condition::Ready | Condition::Busy(_) => Ok(Poll::Ready(())),
            }
        })
        .await
}

async fn wait_until_gone(context: &Context, id: &str, progress: &dyn Progress) -> AwsResult<()> {
    Wait::long("rds:DescribeEventSubscriptions", CHANGE_MINUTES, progress)
        .until(|| async {
            match describe(context, id).await {
                Ok(found) => Ok(Poll::Pending(
                    found.status().unwrap_or("deleting").to_owned(),
                )),
                Err(error) if error.is(ErrorKind::NotFound) => Ok(Poll::Ready(())),
                Err(error) => Err(error),
            }
        })
        .await
}

fn live(
    context: &Context,
    subscription: &SdkSubscription,
    tags: Tags,
) -> LiveOf<EventSubscription> {
    let status = subscription.status().unwrap_or("active");
    let source_type = subscription.source_type().filter(|kind| !kind.is_empty());
    Live {
        id: name_of(subscription).to_owned(),
        arn: Some(arn_of(context, subscription)),
        inputs: Inputs {
            name: name_of(subscription).to_owned(),
            sns_topic: subscription.sns_topic_arn().unwrap_or_default().to_owned(),
            source_type: source_type.map(str::to_owned),
            source_ids: Some(subscription.source_ids_list().to_vec()),
            event_categories: Some(subscription.event_categories_list().to_vec()),
            enabled: subscription.enabled().unwrap_or_default(),
        },
        outputs: NoOutputs {},
        tags,
        condition: states::condition(EVENT_SUBSCRIPTION, status),
    }
}
