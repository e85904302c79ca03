//! Application load balancers, their target groups, listeners and rules.
//!
//! - No Describe call returns tags. The tag index has most of them; those that it does not know yet are requested here, 20
//!   ARNs a call: for objects that may be the stack's by their name, and for all others only if there are few of them.
//! - `CreateLoadBalancer`, `CreateTargetGroup` and `CreateListener` return an existing object of the same settings as if
//!   they had just made it, no matter who owns it. Nothing in the answer for a target group or listener distinguishes the
//!   two cases, so `only_ours` checks the owner tag once; an unused object without any tags was just made. A new load
//!   balancer is known by its state, `provisioning`: only one that another user of the account made in the same minutes,
//!   with the same name, subnets and groups, would be taken for ours, and the next read finds out.

mod access_logs;
mod action;
mod attribute;
mod condition;
mod health_check;
pub mod listener;
pub mod listener_rule;
pub mod load_balancer;
pub mod target_group;

use fde_infra_derive::operations;
use std::collections::HashMap;
use std::time::Duration;

use futures_util::future::try_join_all;
use schemars::JsonSchema;
use serde::{Deserialize, Deserializer};

use super::context::Context;
use super::error::AwsResult;
use super::resource_type::{Asking, LiveOf, New, ResourceType, adopt};
use super::sdk_tag::{from_sdk, to_sdk};
use super::wait::until_visible;
use crate::resource::provider::{Holder, Query, Remedy};
use crate::resource::text_rule::is_plain;
use crate::resource::{ErrorKind, Properties, ProviderError, Tags, TextRule, Value};

operations! {
    aws_sdk_elasticloadbalancingv2, "elasticloadbalancing":
    AddTags,
    CreateListener,
    CreateLoadBalancer,
    CreateRule,
    CreateTargetGroup,
    DeleteListener,
    DeleteLoadBalancer,
    DeleteRule,
    DeleteTargetGroup,
    DescribeListeners,
    DescribeLoadBalancerAttributes,
    DescribeLoadBalancers,
    DescribeRules,
    DescribeTags,
    DescribeTargetGroupAttributes,
    DescribeTargetGroups,
    DescribeTargetHealth,
    ModifyListener,
    ModifyLoadBalancerAttributes,
    ModifyRule,
    ModifyTargetGroup,
    ModifyTargetGroupAttributes,
    RemoveTags,
    SetIpAddressType,
    SetRulePriorities,
    SetSecurityGroups,
    SetSubnets,
}

/// The longest page of every Describe call.
const PAGE: i32 = 400;

/// The most characters in names of load balancers and of target groups.
const LONGEST_NAME: usize = 32;

/// Names of load balancers and of target groups.
const NAME: TextRule =
    TextRule::new(1..=LONGEST_NAME).of(|c| is_plain(c) || c == '-', "letters, digits and hyphens");

fn is_name(name: &str) -> bool {
    !name.starts_with('-') && !name.ends_with('-')
}

/// The most ARNs that `DescribeTags` takes.
const TAGS_AT_ONCE: usize = 20;

/// The tags of every object: from the index, and from the service where the index may lag behind.
async fn tags(
    context: &Context,
    query: &Query<'_>,
    arns: impl Iterator<Item = &str>,
) -> AwsResult<HashMap<String, Tags>> {
    let mut found = HashMap::new();
    let mut unknown = Vec::new();
    for arn in arns {
        match query.settled_tags(arn) {
            Some(tags) => {
                found.insert(arn.to_owned(), tags.clone());
            }
            None => unknown.push(arn),
        }
    }
    let answers = try_join_all(
        unknown
            .chunks(TAGS_AT_ONCE)
            .map(|batch| describe_batch(context, batch)),
    )
    .await?;
    found.extend(answers.into_iter().flatten());
    Ok(found)
}

/// The tags of at most 20 objects. An object that was deleted after it was listed fails the whole call, so the others are
/// then requested one by one.
async fn describe_batch(context: &Context, arns: &[&str]) -> AwsResult<HashMap<String, Tags>> {
    match describe_tags(context, arns).await {
        Err(error) if error.is(ErrorKind::NotFound) => {}
        other => return other,
    }
    let answers = try_join_all(arns.iter().map(|arn| async move {
        match describe_tags(context, &[*arn]).await {
            Err(error) if error.is(ErrorKind::NotFound) => Ok(HashMap::new()),
            other => other,
        }
    }))
    .await?;
    Ok(answers.into_iter().flatten().collect())
}

async fn describe_tags(context: &Context, arns: &[&str]) -> AwsResult<HashMap<String, Tags>> {
    let arns: Vec<String> = arns.iter().map(|arn| (*arn).to_owned()).collect();
    let request = context
        .elbv2
        .describe_tags()
        .set_resource_arns(Some(arns.clone()));
    let answer = context.send(request).await?;
    Ok(answer
        .tag_descriptions()
        .iter()
        .filter_map(|description| {
            let arn = description.resource_arn()?.to_owned();
            Some((arn, from_sdk(description.tags())))
        })
        .collect())
}

/// Load balancers that keep something from being deleted. `cure` makes, from name and ARN, the remedy for a load balancer
/// of another owner.
pub(in crate::aws) async fn holding(
    context: &Context,
    arns: &[String],
    asking: &Asking<'_>,
    tags: &Tags,
    cure: impl Fn(&str, &str) -> Remedy,
) -> AwsResult<Vec<Holder>> {
    let texts = arns.iter().map(String::as_str);
    let texts: Vec<&str> = texts.filter(|arn| !asking.ours.contains(arn)).collect();
    let mut known = HashMap::new();
    for batch in texts.chunks(TAGS_AT_ONCE) {
        known.extend(describe_batch(context, batch).await?);
    }
    let holders = known.into_iter().map(|(arn, of)| {
        let name = arn.rsplit('/').nth(1).unwrap_or(&arn);
        let text = format!("load balancer `{name}`");
        if of.are_of_one_stack(tags) {
            return Holder::passing(arn.clone(), text);
        }
        let hand = cure(&format!("{text}, which is not of this stack,"), &arn);
        Holder::lasting(arn.clone(), text, hand)
    });
    let mut holders: Vec<Holder> = holders.collect();
    holders.sort_by(|left, right| left.id.cmp(&right.id));
    Ok(holders)
}

/// Accepts the object that a create call returned if its owner tag is ours, and refuses another owner's object, which the
/// call returns as readily as a new one. `refusal` is the error to report then.
///
/// With `is_unused`, an object that has no tags at all is accepted, too: nothing had its name when the stack was read, so
/// it is the one just made, and its tags were lost.
async fn only_ours<T: ResourceType>(
    context: &Context,
    new: &New<'_, T>,
    mut live: LiveOf<T>,
    is_unused: bool,
    refusal: ProviderError,
) -> AwsResult<LiveOf<T>> {
    // The tags of a new object may appear a moment after the object; those of another owner never become ours.
    for pause in [250, 500, 1000, 2000, 0] {
        let arns = [live.id.as_str()];
        let tags = until_visible(|| describe_tags(context, &arns)).await?;
        live.tags = tags.into_values().next().unwrap_or_default();
        if !live.tags.is_empty() {
            break;
        }
        tokio::time::sleep(Duration::from_millis(pause)).await;
    }
    if is_unused && live.tags.is_empty() {
        return Ok(live);
    }
    adopt(new.tags, live, refusal)
}

/// The refusal for an object that a create call returned instead of making one.
fn met(operation: &str) -> ProviderError {
    ProviderError::new(ErrorKind::AlreadyExists, operation, String::new())
}

fn invalid(token: &str, message: impl Into<String>) -> ProviderError {
    ProviderError::new(ErrorKind::Invalid, token, message)
}

/// `arn:…:listener-rule/app/NAME/A/B/C` belongs to `arn:…:listener/app/NAME/A/B`, and that to
/// `arn:…:loadbalancer/app/NAME/A`.
fn parent_arn(arn: &str) -> Option<String> {
    let (parent, _) = arn.rsplit_once('/')?;
    if parent.contains(":listener-rule/") {
        Some(parent.replacen(":listener-rule/", ":listener/", 1))
    } else if parent.contains(":listener/") {
        Some(parent.replacen(":listener/", ":loadbalancer/", 1))
    } else {
        None
    }
}

/// A value that AWS keeps as text and authors also write as a number: a port or a status code.
#[derive(Deserialize, JsonSchema)]
#[serde(untagged, expecting = "text or a whole number")]
enum Written {
    Text(String),
    Number(u32),
}

fn text<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<String>, D::Error> {
    let written = Option::<Written>::deserialize(deserializer)?;
    Ok(written.map(|written| match written {
        Written::Text(text) => text,
        Written::Number(number) => number.to_string(),
    }))
}

/// The canonical form of what [`text`] reads.
fn as_text(value: &mut Value) {
    if let Value::Number(number) = value {
        *value = Value::String(number.to_string());
    }
}

/// Sets a property that is not set.
fn fill(object: &mut Properties, name: &str, default: Value) {
    let value = object.entry(name.to_owned()).or_insert(Value::Null);
    if value.is_null() {
        *value = default;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn children_name_their_parents() {
        let rule = "arn:aws:elasticloadbalancing:eu-south-2:1:listener-rule/app/web/a/b/c";
        let listener = parent_arn(rule).unwrap();
        assert_eq!(
            listener,
            "arn:aws:elasticloadbalancing:eu-south-2:1:listener/app/web/a/b"
        );
        let balancer = parent_arn(&listener).unwrap();
        assert_eq!(
            balancer,
            "arn:aws:elasticloadbalancing:eu-south-2:1:loadbalancer/app/web/a"
        );
        assert_eq!(parent_arn(&balancer), None);
    }
}
