//! RDS. Instances come with their tags; subnet groups, parameter groups and event subscriptions do not, and are asked for them
//! one by one, but only where the tag index does not know them and they may be ours. All come a hundred a page: in an account
//! with more, what is as it is wanted is asked for by name; of event subscriptions there are twenty.

pub mod event_subscription;
pub mod instance;
pub mod parameter_group;
pub mod subnet_group;

use std::collections::BTreeSet;

use super::context::Context;
use super::error::{AwsResult, if_there};
use super::sdk_tag::{from_sdk, to_sdk};
use crate::resource::names::may_be_derived;
use crate::resource::provider::{Indexed, Query};
use crate::resource::text_rule::is_plain;
use crate::resource::{Tags, TextRule};

/// Names of parameter groups.
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

/// The tags of a group or a subscription, if it may be ours or has a wanted name; else `None`.
async fn tags_of(
    context: &Context,
    query: &Query<'_>,
    wanted: &BTreeSet<String>,
    name: &str,
    arn: &str,
) -> AwsResult<Option<Tags>> {
    let is_wanted = wanted.contains(name);
    // The index lags, so what may well be ours is asked.
    let may_be_ours = is_wanted || query.is_indexed(arn) || may_be_derived(query.stack, name);
    let tags = match query.settled_tags(arn) {
        Some(tags) => Some(tags.clone()),
        None if may_be_ours => list_tags(context, arn).await?,
        None => None,
    };
    Ok(tags.filter(|tags| is_wanted || tags.belongs_to(query.stack)))
}

/// The tags of one object; `None` if it has gone meanwhile.
async fn list_tags(context: &Context, arn: &str) -> AwsResult<Option<Tags>> {
    let answer = context
        .call("rds:ListTagsForResource", || {
            context
                .rds
                .list_tags_for_resource()
                .resource_name(arn)
                .send()
        })
        .await;
    Ok(if_there(answer)?.map(|answer| from_sdk(answer.tag_list())))
}

/// The names that the stack wants, as RDS keeps them.
fn wanted_names(query: &Query<'_>, property: &str) -> BTreeSet<String> {
    query
        .wanted_names(property)
        .into_iter()
        .map(str::to_lowercase)
        .collect()
}

/// The names of what may be the stack's: those of the file, and those of the index.
fn candidates(query: &Query<'_>, property: &str) -> BTreeSet<String> {
    let indexed = query.indexed.iter().map(Indexed::last_segment);
    let mut names = wanted_names(query, property);
    names.extend(indexed.map(str::to_lowercase));
    names
}
