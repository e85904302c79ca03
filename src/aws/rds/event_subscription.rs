//! RDS event subscription: events of databases and their parameter groups that go to a topic.
//!
//! - The name is lower-cased by AWS.
//! - RDS checks at once whether it may publish (`SNSNoAuthorization`), and later whenever it has an event to send: if not,
//!   the subscription is `no-permission`, or `topic-not-exist`, and delivers nothing.
//! - A `ModifyEventSubscription` that omits a setting can change that setting, too: in
//!   hashicorp/terraform-provider-aws#25171 a new topic switched the subscription off. So every call sends all settings.
//! - Sources are added and removed by separate calls, one by one. No source at all means all sources of the account.
//! - Categories require a source type: hashicorp/terraform-provider-aws#1817.

use aws_sdk_rds::types::EventSubscription as SdkSubscription;
use futures_util::future::try_join_all;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::aws::context::Context;
use crate::aws::error::{AwsResult, expected};
use crate::aws::resource_type::{
    Change, Live, LiveOf, New, NoOutputs, Old, ResourceType, adopt, check,
};
use crate::aws::states::{self, EVENT_SUBSCRIPTION};
use crate::aws::wait::{Poll, Wait, until_visible};
use crate::resource::diff::sorted;
use crate::resource::property::lower_case;
use crate::resource::provider::{Progress, Query};
use crate::resource::text_rule::is_plain;
use crate::resource::{
    Condition, CreateClass, ErrorKind, InvalidInput, PropertyTable, ProviderError, Schema, Tags,
    TextRule, Value,
};

/// The kinds of sources for which RDS has events:
/// <https://docs.aws.amazon.com/AmazonRDS/latest/APIReference/API_CreateEventSubscription.html>
const SOURCE_TYPES: [&str; 10] = [
    "blue-green-deployment",
    "custom-engine-version",
    "db-cluster",
    "db-cluster-snapshot",
    "db-instance",
    "db-parameter-group",
    "db-proxy",
    "db-security-group",
    "db-snapshot",
    "zero-etl",
];

/// The minutes that a change may take. Terraform allows forty for each; most take one.
const CHANGE_MINUTES: u64 = 40;

/// Events of RDS that go to a topic.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema, PropertyTable)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Inputs {
    /// The name: 1 to 254 letters, digits and hyphens; lower-cased by AWS.
    #[property(replaces, lower_cased, text(NAME))]
    pub name: String,
    /// The ARN of a topic whose policy lets `events.rds.amazonaws.com` publish. RDS accepts no FIFO topic.
    #[property(required, regional)]
    pub sns_topic: String,
    /// The kind of sources: `db-instance`, `db-parameter-group`, `db-snapshot` and so on. Unset: all kinds.
    // Sources and categories are of one type, and AWS cannot switch back to all types.
    #[property(replaces)]
    pub source_type: Option<String>,
    /// The identifiers of sources of that type, lower-cased by AWS. Unset: all sources of the account.
    #[property(canonical(lower_cased_set))]
    pub source_ids: Option<Vec<String>>,
    /// The categories of that type: `failure`, `low storage`, `configuration change` and so on. Unset: all.
    #[property(set)]
    pub event_categories: Option<Vec<String>>,
    /// True if events are sent.
    #[property(default(true))]
    pub enabled: bool,
}

const NAME: TextRule =
    TextRule::new(1..=254).of(|c| is_plain(c) || c == '-', "letters, digits and hyphens");

fn fit(inputs: &Inputs) -> Vec<InvalidInput> {
    let mut invalid_inputs = Vec::new();
    if inputs.sns_topic.rsplit('.').next() == Some("fifo") {
        invalid_inputs.push(InvalidInput::new(
            "snsTopic",
            "is a FIFO topic, which RDS does not take",
        ));
    }
    match inputs.source_type.as_deref() {
        None => {
            for (property, list) in [
                ("sourceIds", &inputs.source_ids),
                ("eventCategories", &inputs.event_categories),
            ] {
                if list.as_ref().is_some_and(|list| !list.is_empty()) {
                    let invalid_input = InvalidInput::new(property, "goes with `sourceType`");
                    invalid_inputs.push(invalid_input.decided_by([]));
                }
            }
        }
        Some(kind) if !SOURCE_TYPES.contains(&kind) => {
            let kinds = SOURCE_TYPES.map(|kind| format!("`{kind}`")).join(", ");
            invalid_inputs.push(InvalidInput::new(
                "sourceType",
                format!("is one of {kinds}"),
            ));
        }
        Some(_) => {}
    }
    invalid_inputs
}

pub struct EventSubscription;

impl ResourceType for EventSubscription {
    type Inputs = Inputs;
    type Outputs = NoOutputs;

    fn schema(&self) -> Schema {
        Schema::of::<Inputs, NoOutputs>("aws:rds:EventSubscription", CreateClass::NaturalKey)
            .blockers(&[])
            .generated_name(Inputs::NAME, 254)
            .name_ignores_case()
            .checks(|inputs| check(inputs, fit))
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

/// Converts identifiers to lower case, and sorts them: their order means nothing.
fn lower_cased_set(ids: Value) -> Value {
    match ids {
        Value::List(ids) => sorted(Value::list(ids.into_iter().map(lower_case))),
        other => other,
    }
}

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
    let name = name_of(subscription).to_owned();
    let status = subscription.status().unwrap_or("active");
    let source_type = subscription.source_type().filter(|kind| !kind.is_empty());
    Live {
        id: name.clone(),
        arn: Some(arn_of(context, subscription)),
        inputs: Inputs {
            name,
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::resource::diff::compare;
    use crate::resource::value::properties;

    fn invalid_inputs(given: &[(&str, Value)]) -> Vec<String> {
        let schema = EventSubscription.schema();
        let mut inputs = properties([("name", "a".into()), ("snsTopic", "arn".into())]);
        inputs.extend(
            given
                .iter()
                .map(|(name, value)| ((*name).to_owned(), value.clone())),
        );
        let invalid_inputs = schema.invalid_inputs(&schema.with_defaults(inputs));
        invalid_inputs
            .into_iter()
            .map(|invalid_input| invalid_input.at)
            .collect()
    }

    #[test]
    fn sources_and_categories_go_with_a_type() {
        let nothing = [""; 0];
        assert_eq!(invalid_inputs(&[]), nothing);
        let ids = ("sourceIds", vec!["shop"].into());
        let categories = ("eventCategories", vec!["failure"].into());
        let both = [ids.clone(), categories.clone()];
        assert_eq!(invalid_inputs(&both), ["sourceIds", "eventCategories"]);
        let kind = |kind: &str| ("sourceType", Value::from(kind));
        assert_eq!(
            invalid_inputs(&[kind("db-instance"), ids, categories]),
            nothing
        );
        assert_eq!(invalid_inputs(&[kind("instance")]), ["sourceType"]);
        assert_eq!(
            invalid_inputs(&[("snsTopic", "a.fifo".into())]),
            ["snsTopic"]
        );
    }

    /// RDS returns empty lists for unset properties, and values in lower case and in an order of its own.
    #[test]
    fn what_rds_fills_in_is_no_difference() {
        let schema = EventSubscription.schema();
        let all = properties([("name", "a".into()), ("snsTopic", "t".into())]);
        let empty: Value = Vec::<&str>::new().into();
        let mut observed = all.clone();
        observed.extend(properties([
            ("sourceIds", empty.clone()),
            ("eventCategories", empty),
            ("enabled", true.into()),
        ]));
        let wanted = schema.with_defaults(all.clone());
        assert_eq!(compare(&schema, &wanted, &observed).changes, []);
        let mut wanted = all.clone();
        wanted.extend(properties([
            ("sourceType", "db-instance".into()),
            ("sourceIds", vec!["Shop", "copy"].into()),
            ("eventCategories", vec!["low storage", "failure"].into()),
        ]));
        let mut observed = all;
        observed.extend(properties([
            ("sourceType", "db-instance".into()),
            ("sourceIds", vec!["copy", "shop"].into()),
            ("eventCategories", vec!["failure", "low storage"].into()),
            ("enabled", true.into()),
        ]));
        let wanted = schema.with_defaults(wanted);
        assert_eq!(compare(&schema, &wanted, &observed).changes, []);
    }
}
