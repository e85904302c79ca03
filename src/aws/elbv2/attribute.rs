//! Attributes of load balancers and target groups: text by key, read and written by calls of their own.

use std::collections::{BTreeMap, HashMap};
use std::str::FromStr;

use futures_util::future::{try_join, try_join_all};

use crate::aws::context::Context;
use crate::aws::error::{AwsResult, if_there};
use crate::aws::pages::worth_asking;
use crate::aws::sdk_tag::SdkTag;
use crate::resource::Tags;
use crate::resource::names::may_be_derived_within;
use crate::resource::provider::Query;

/// The attributes that inputs stand for.
pub(super) type Settings = BTreeMap<&'static str, String>;

/// The attributes that an object has.
#[derive(Debug, Clone, Default)]
pub(super) struct Attributes(HashMap<String, String>);

impl Attributes {
    pub fn text(&self, key: &str, default: &str) -> String {
        self.0.get(key).map_or(default, String::as_str).to_owned()
    }

    pub fn optional(&self, key: &str) -> Option<String> {
        self.0.get(key).filter(|value| !value.is_empty()).cloned()
    }

    /// A number or a boolean; the default if it is missing, as it is in regions that do not know the key.
    pub fn parsed<T: FromStr>(&self, key: &str, default: T) -> T {
        let value = self.0.get(key).and_then(|value| value.parse().ok());
        value.unwrap_or(default)
    }
}

impl<Key: Into<String>, Text: Into<String>> FromIterator<(Key, Text)> for Attributes {
    fn from_iter<I: IntoIterator<Item = (Key, Text)>>(pairs: I) -> Self {
        Self(
            pairs
                .into_iter()
                .map(|(key, value)| (key.into(), value.into()))
                .collect(),
        )
    }
}

/// The settings that must be sent to get from one set to another.
pub(super) fn changed(observed: &Settings, mut wanted: Settings) -> Settings {
    wanted.retain(|key, value| observed.get(key) != Some(value));
    wanted
}

fn to_sdk<Attribute: SdkTag>(settings: &Settings) -> Vec<Attribute> {
    let settings = settings.iter();
    settings
        .filter_map(|(key, value)| Attribute::of(key, value))
        .collect()
}

pub(super) async fn of_load_balancer(context: &Context, arn: &str) -> AwsResult<Attributes> {
    let request = context
        .elbv2
        .describe_load_balancer_attributes()
        .load_balancer_arn(arn);
    let answer = context.send(request).await?;
    Ok(answer
        .attributes()
        .iter()
        .filter_map(SdkTag::pair)
        .collect())
}

pub(super) async fn modify_load_balancer(
    context: &Context,
    arn: &str,
    changed: &Settings,
) -> AwsResult<()> {
    if changed.is_empty() {
        return Ok(());
    }
    let request = context
        .elbv2
        .modify_load_balancer_attributes()
        .load_balancer_arn(arn)
        .set_attributes(Some(to_sdk(changed)));
    context.send(request).await?;
    Ok(())
}

pub(super) async fn of_target_group(context: &Context, arn: &str) -> AwsResult<Attributes> {
    let request = context
        .elbv2
        .describe_target_group_attributes()
        .target_group_arn(arn);
    let answer = context.send(request).await?;
    Ok(answer
        .attributes()
        .iter()
        .filter_map(SdkTag::pair)
        .collect())
}

pub(super) async fn modify_target_group(
    context: &Context,
    arn: &str,
    changed: &Settings,
) -> AwsResult<()> {
    if changed.is_empty() {
        return Ok(());
    }
    let request = context
        .elbv2
        .modify_target_group_attributes()
        .target_group_arn(arn)
        .set_attributes(Some(to_sdk(changed)));
    context.send(request).await?;
    Ok(())
}

/// An object from a listing, with the parts that the listing leaves out.
pub(super) struct Whole<Item> {
    pub item: Item,
    pub attributes: Attributes,
    pub tags: Tags,
}

/// The objects of a listing that carry the stack's tag or have a wanted name, each with tags and attributes.
///
/// A listing is short, at 400 a page, but tags come twenty a call: in an account that others share, they are requested only
/// where an object may be the stack's. Attributes take a round trip of their own: those of objects in the index are
/// requested while the listing is made.
pub(super) async fn read<Item, List, Ask, Answer>(
    context: &Context,
    query: &Query<'_>,
    list: List,
    arn_and_name: fn(&Item) -> (Option<&str>, Option<&str>),
    attributes: Ask,
) -> AwsResult<Vec<Whole<Item>>>
where
    List: Future<Output = AwsResult<Vec<Item>>>,
    Ask: Fn(String) -> Answer,
    Answer: Future<Output = AwsResult<Attributes>>,
{
    let promised = try_join_all(query.indexed.iter().map(|entry| {
        let asked = attributes(entry.arn.clone());
        async { Ok((entry.arn.clone(), if_there(asked.await)?)) }
    }));
    let (items, promised) = try_join(list, promised).await?;
    let promised: HashMap<String, Option<Attributes>> = promised.into_iter().collect();
    let names = query.wanted_names("name");
    let items = worth_asking(query, items, super::PAGE as usize, |item| {
        let (arn, name) = arn_and_name(item);
        arn.is_some_and(|arn| query.is_indexed(arn))
            || name.is_some_and(|name| {
                names.contains(name)
                    || may_be_derived_within(query.stack, name, super::LONGEST_NAME)
            })
    });
    let arns = items.iter().filter_map(|item| arn_and_name(item).0);
    let mut tags = super::tags(context, query, arns).await?;
    let mut wanted = Vec::new();
    for item in items {
        let (Some(arn), name) = arn_and_name(&item) else {
            continue;
        };
        let tags = tags.remove(arn).unwrap_or_default();
        if tags.belongs_to(query.stack) || name.is_some_and(|name| names.contains(name)) {
            wanted.push((arn.to_owned(), item, tags));
        }
    }
    let found = try_join_all(wanted.into_iter().map(|(arn, item, tags)| {
        let known = promised.get(&arn).cloned();
        let asked = known.is_none().then(|| attributes(arn));
        async {
            let attributes = match (known, asked) {
                (Some(known), _) => known,
                (None, Some(asked)) => if_there(asked.await)?,
                (None, None) => None,
            };
            Ok(attributes.map(|attributes| Whole {
                item,
                attributes,
                tags,
            }))
        }
    }))
    .await?;
    Ok(found.into_iter().flatten().collect())
}
