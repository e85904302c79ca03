//! RDS. Instances are listed with their tags; subnet groups, parameter groups and event subscriptions are not, and their
//! tags are asked for one by one, but only if the tag index does not know them and they may be ours. All listings have a
//! hundred objects per page: in an account with more, objects that are as wanted are asked for by name; there are at most
//! twenty event subscriptions.

pub mod event_subscription;
pub mod instance;
pub mod offers;
pub mod parameter_group;
pub mod subnet_group;

use fde_infra_derive::operations;
use std::collections::BTreeSet;

use super::context::Context;
use super::error::{AwsResult, if_there};
use super::sdk_tag::{from_sdk, to_sdk};
use crate::resource::names::may_be_derived;
use crate::resource::provider::{Indexed, Query};
use crate::resource::text_rule::is_plain;
use crate::resource::{Tags, TextRule};

operations! {
    aws_sdk_rds, "rds":
    AddSourceIdentifierToSubscription,
    AddTagsToResource,
    CreateDBInstance,
    CreateDBInstanceReadReplica,
    CreateDBParameterGroup,
    CreateDBSubnetGroup,
    CreateEventSubscription,
    DeleteDBInstance,
    DeleteDBParameterGroup,
    DeleteDBSubnetGroup,
    DeleteEventSubscription,
    DescribeDBEngineVersions,
    DescribeDBInstances,
    DescribeDBParameterGroups,
    DescribeDBParameters,
    DescribeDBSubnetGroups,
    DescribeEventSubscriptions,
    DescribeOrderableDBInstanceOptions,
    DescribePendingMaintenanceActions,
    ListTagsForResource,
    ModifyDBInstance,
    ModifyDBParameterGroup,
    ModifyDBSubnetGroup,
    ModifyEventSubscription,
    PromoteReadReplica,
    RebootDBInstance,
    RemoveSourceIdentifierFromSubscription,
    RemoveTagsFromResource,
    ResetDBParameterGroup,
}

/// The rule for names of parameter groups.
const NAME: TextRule = TextRule::new(1..=255)
    .of(|c| is_plain(c) || c == '-', "letters, digits and hyphens")
    .must(
        "begin with a letter, and have single hyphens, none of them at the end",
        |name| {
            name.starts_with(|c: char| c.is_ascii_alphabetic())
                && !name.ends_with('-')
                && !name.contains("--")
        },
    );

/// Returns the tags of a group or a subscription, if it may be ours or has a wanted name; otherwise `None`.
async fn tags_of(
    context: &Context,
    query: &Query<'_>,
    wanted: &BTreeSet<String>,
    name: &str,
    arn: &str,
) -> AwsResult<Option<Tags>> {
    let is_wanted = wanted.contains(name);
    // The index lags behind, so the tags of an object that may well be ours are asked for.
    let may_be_ours = is_wanted || query.is_indexed(arn) || may_be_derived(query.stack, name);
    let tags = match query.settled_tags(arn) {
        Some(tags) => Some(tags.clone()),
        None if may_be_ours => list_tags(context, arn).await?,
        None => None,
    };
    Ok(tags.filter(|tags| is_wanted || tags.belongs_to(query.stack)))
}

/// Returns the tags of one object; `None` if it has been deleted meanwhile.
async fn list_tags(context: &Context, arn: &str) -> AwsResult<Option<Tags>> {
    let answer = context
        .send(context.rds.list_tags_for_resource().resource_name(arn))
        .await;
    Ok(if_there(answer)?.map(|answer| from_sdk(answer.tag_list())))
}

/// Returns the names that the stack wants, as RDS keeps them.
fn wanted_names(query: &Query<'_>, property: &str) -> BTreeSet<String> {
    query
        .wanted_names(property)
        .into_iter()
        .map(str::to_lowercase)
        .collect()
}

/// Returns the names of objects that may be the stack's: those of the file, and those of the index.
fn candidates(query: &Query<'_>, property: &str) -> BTreeSet<String> {
    let indexed = query.indexed.iter().map(Indexed::last_segment);
    let mut names = wanted_names(query, property);
    names.extend(indexed.map(str::to_lowercase));
    names
}
