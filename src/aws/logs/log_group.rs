//! Log group.
//!
//! - Services make log groups themselves, under the names that they write to, without retention and without tags. So one
//!   with a wanted name and without an owner is adopted. Its log lines stay.
//! - `DescribeLogGroups` returns no tags, and looks names up by prefix: longer names are returned as well.
//! - Of its two ARNs, the one that ends in `:*` is for policies; tagging and everything here use the other.
//! - Retention is a separate call; without it, events never expire.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::time::Duration;

use aws_sdk_cloudwatchlogs::types::LogGroup as SdkLogGroup;
use futures_util::future::try_join_all;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::aws::answer::text;
use crate::aws::context::Context;
use crate::aws::error::{AwsResult, expected, if_there};
use crate::aws::kms::canonical_key;
use crate::aws::pages::few_pages;
use crate::aws::resource_type::{
    Change, Live, LiveOf, New, NoOutputs, Old, ResourceType, adopt, check,
};
use crate::aws::sdk_tag::to_map;
use crate::aws::wait::{until_visible, while_in_use};
use crate::resource::provider::Query;
use crate::resource::text_rule::is_plain;
use crate::resource::{
    Condition, CreateClass, ErrorKind, InvalidInput, Properties, PropertyTable, Schema, Tags,
    TextRule, Value,
};

/// A group of log lines from one origin.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema, PropertyTable)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Inputs {
    /// The name: 1 to 512 letters, digits and `.-_/#`; not starting with `aws/`.
    #[property(replaces, text(NAME))]
    pub name: String,
    /// The retention in days: 1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922,
    /// 3288 or 3653; with 0 events never expire. Default: 0.
    #[property(canonical(zero_as_none))]
    pub retention_in_days: Option<i32>,
    /// The ARN of the KMS key that encrypts new lines. Its policy must let CloudWatch Logs use it. Default: AWS's own key.
    #[property(canonical(canonical_key), regional)]
    pub kms_key_id: Option<String>,
}

const NAME: TextRule = TextRule::new(1..=512)
    .of(
        |c| is_plain(c) || ".-_/#".contains(c),
        "letters, digits and `.-_/#`",
    )
    .must("not begin with `aws/`", |name| !name.starts_with("aws/"));

/// The retention periods of CloudWatch Logs, in days; with 0 events never expire.
const DAYS: [i32; 23] = [
    0, 1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922,
    3288, 3653,
];

fn fit(inputs: &Inputs) -> Vec<InvalidInput> {
    match inputs.retention_in_days {
        Some(days) if !DAYS.contains(&days) => {
            let nearest = DAYS.iter().skip(1).min_by_key(|one| (*one - days).abs());
            let reason = format!("AWS has no retention of {days} days");
            let invalid_input = InvalidInput::new("retentionInDays", reason);
            vec![match nearest {
                Some(nearest) => invalid_input.help(format!("the nearest is {nearest}")),
                None => invalid_input,
            }]
        }
        _ => Vec::new(),
    }
}

pub struct LogGroup;

impl ResourceType for LogGroup {
    type Inputs = Inputs;
    type Outputs = NoOutputs;

    fn schema(&self) -> Schema {
        Schema::of::<Inputs, NoOutputs>("aws:cloudwatch:LogGroup", CreateClass::NaturalKey)
            .found_by_name()
            .named(Inputs::NAME, 512)
            .blockers(&[])
            .stateful()
            .adopts_untagged()
            .discards(|observed, wanted| {
                let days = |inputs: &Properties| inputs.get(Inputs::RETENTION_IN_DAYS)?.as_number();
                let is_shorter = days(wanted)
                    .is_some_and(|wanted| days(observed).is_none_or(|days| days > wanted));
                is_shorter.then_some("older events are deleted")
            })
            .checks(|inputs| check(inputs, fit))
    }

    async fn read(&self, context: &Context, query: Query<'_>) -> AwsResult<Vec<LiveOf<Self>>> {
        let indexed = query.indexed.iter();
        let indexed: HashMap<&str, &str> = indexed
            .filter_map(|entry| Some((name_in(&entry.arn)?, entry.arn.as_str())))
            .collect();
        let wanted = query.wanted_names("name");
        let names: BTreeSet<&str> = indexed.keys().chain(&wanted).copied().collect();
        let pages = prefixes(&names);
        let searched = pages.iter().map(|prefix| search(context, prefix, &names));
        let groups = try_join_all(searched).await?;
        let groups: BTreeMap<String, SdkLogGroup> = groups
            .into_iter()
            .flatten()
            .filter_map(|group| Some((group.log_group_name()?.to_owned(), group)))
            .filter(|(name, _)| names.contains(name.as_str()))
            .collect();
        let found = try_join_all(groups.iter().map(|(name, group)| async {
            let arn = indexed.get(name.as_str());
            let tags = match arn.and_then(|arn| query.settled_tags(arn)) {
                Some(tags) => Some(tags.clone()),
                None => tags_of(context, name).await?,
            };
            Ok(tags.map(|tags| live(context, group, tags)))
        }))
        .await?;
        Ok(found.into_iter().flatten().collect())
    }

    async fn create(&self, context: &Context, new: New<'_, Self>) -> AwsResult<LiveOf<Self>> {
        let inputs = new.inputs;
        // Its predecessor may still be in deletion.
        let created = while_in_use(Duration::from_mins(2), new.progress, || {
            let request = context
                .logs
                .create_log_group()
                .log_group_name(&inputs.name)
                .set_kms_key_id(inputs.kms_key_id.clone())
                .set_tags(Some(to_map(new.tags)));
            context.send(request)
        })
        .await;
        match created {
            Ok(_) => {
                // Retention needs a second call, which `update` makes.
                let made = Inputs {
                    retention_in_days: None,
                    ..inputs.clone()
                };
                Ok(of(context, made, new.tags.clone()))
            }
            Err(error) if error.is(ErrorKind::AlreadyExists) => {
                let met = get(context, &inputs.name).await?;
                if met.tags.iter().any(|(key, _)| key.starts_with("fde:")) {
                    adopt(new.tags, met, error)
                } else {
                    Ok(met)
                }
            }
            Err(error) => Err(error),
        }
    }

    async fn update(&self, context: &Context, change: Change<'_, Self>) -> AwsResult<LiveOf<Self>> {
        let name = &change.observed.id;
        if change.touches(Inputs::RETENTION_IN_DAYS) {
            let days = change.wanted.retention_in_days.filter(|days| *days > 0);
            until_visible(|| async {
                match days {
                    Some(days) => context
                        .send(
                            context
                                .logs
                                .put_retention_policy()
                                .log_group_name(name)
                                .retention_in_days(days),
                        )
                        .await
                        .map(drop),
                    None => context
                        .send(context.logs.delete_retention_policy().log_group_name(name))
                        .await
                        .map(drop),
                }
            })
            .await?;
        }
        if change.touches(Inputs::KMS_KEY_ID) {
            match &change.wanted.kms_key_id {
                Some(key) => {
                    let request = context
                        .logs
                        .associate_kms_key()
                        .log_group_name(name)
                        .kms_key_id(key);
                    context.send(request).await?;
                }
                None => {
                    context
                        .send(context.logs.disassociate_kms_key().log_group_name(name))
                        .await?;
                }
            }
        }
        Ok(change.applied())
    }

    async fn delete(&self, context: &Context, old: Old<'_, Self>) -> AwsResult<()> {
        context
            .send(context.logs.delete_log_group().log_group_name(&old.live.id))
            .await?;
        Ok(())
    }
}

fn arn(context: &Context, name: &str) -> String {
    context.arn("logs", &format!("log-group:{name}"))
}

/// Returns the name in a log group's ARN, of either form.
fn name_in(arn: &str) -> Option<&str> {
    let name = arn.splitn(7, ':').nth(6)?;
    Some(name.strip_suffix(":*").unwrap_or(name))
}

/// Returns the prefixes to look up, so that few calls find all names: groups of one service or program share a folder, and
/// within it the common prefix of all wanted names keeps other groups out.
fn prefixes(names: &BTreeSet<&str>) -> Vec<String> {
    let mut folders: BTreeMap<&str, &str> = BTreeMap::new();
    for name in names {
        let folder = name
            .char_indices()
            .filter(|(_, character)| *character == '/')
            .nth(2)
            .map_or("", |(end, _)| &name[..end]);
        // Outside of folders, names have nothing in common.
        let folder = if folder.is_empty() { name } else { folder };
        folders
            .entry(folder)
            .and_modify(|prefix| *prefix = common(prefix, name))
            .or_insert(name);
    }
    folders.into_values().map(str::to_owned).collect()
}

/// Returns the common prefix of two texts.
fn common<'a>(left: &'a str, right: &str) -> &'a str {
    let length = left
        .char_indices()
        .zip(right.chars())
        .take_while(|((_, left), right)| left == right)
        .last()
        .map_or(0, |((at, character), _)| at + character.len_utf8());
    &left[..length]
}

const DESCRIBE: &str = "logs:DescribeLogGroups";

/// Returns the groups of these names with this prefix, and others with them. If others share the prefix and fill more pages
/// of fifty than there are names, each name is asked for by itself.
async fn search(
    context: &Context,
    prefix: &str,
    names: &BTreeSet<&str>,
) -> AwsResult<Vec<SdkLogGroup>> {
    let names = names.iter().filter(|name| name.starts_with(prefix));
    let most = names.clone().count();
    if let Some(all) = few_pages(DESCRIBE, most, |token| page(context, prefix, token)).await? {
        return Ok(all);
    }
    let found = try_join_all(names.map(|name| named(context, name))).await?;
    Ok(found.into_iter().flatten().collect())
}

/// Returns the group of a name. Of those that begin with the name, it is the first: "The results are ASCII-sorted by log
/// group name." <https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_DescribeLogGroups.html>
async fn named(context: &Context, name: &str) -> AwsResult<Option<SdkLogGroup>> {
    let (groups, _) = page(context, name, None).await?;
    let mut groups = groups.unwrap_or_default().into_iter();
    Ok(groups.find(|group| group.log_group_name() == Some(name)))
}

async fn page(
    context: &Context,
    prefix: &str,
    token: Option<String>,
) -> AwsResult<(Option<Vec<SdkLogGroup>>, Option<String>)> {
    let request = context
        .logs
        .describe_log_groups()
        .log_group_name_prefix(prefix)
        .limit(50)
        .set_next_token(token.clone());
    let page = context.send(request).await?;
    let groups = expected(DESCRIBE, page.log_groups, "`logGroups`")?;
    Ok((Some(groups), page.next_token))
}

/// Returns a group's tags; `None` if the group has been deleted meanwhile.
async fn tags_of(context: &Context, name: &str) -> AwsResult<Option<Tags>> {
    const OPERATION: &str = "logs:ListTagsForResource";
    let arn = arn(context, name);
    let answer = context
        .send(context.logs.list_tags_for_resource().resource_arn(&arn))
        .await;
    let Some(answer) = if_there(answer)? else {
        return Ok(None);
    };
    let tags = expected(OPERATION, answer.tags, "`tags`")?;
    Ok(Some(tags.into_iter().collect()))
}

/// Returns the existing group that a create call met.
async fn get(context: &Context, name: &str) -> AwsResult<LiveOf<LogGroup>> {
    let group = named(context, name).await?;
    let group = expected(DESCRIBE, group.as_ref(), "the log group that exists")?;
    let tags = tags_of(context, name).await?.unwrap_or_default();
    Ok(live(context, group, tags))
}

fn live(context: &Context, group: &SdkLogGroup, tags: Tags) -> LiveOf<LogGroup> {
    let inputs = Inputs {
        name: text(group.log_group_name()),
        retention_in_days: group.retention_in_days(),
        kms_key_id: group.kms_key_id().map(str::to_owned),
    };
    of(context, inputs, tags)
}

fn of(context: &Context, inputs: Inputs, tags: Tags) -> LiveOf<LogGroup> {
    Live {
        id: inputs.name.clone(),
        arn: Some(arn(context, &inputs.name)),
        inputs,
        outputs: NoOutputs {},
        tags,
        condition: Condition::Ready,
    }
}

/// Converts 0, Pulumi's value for events that never expire, into null.
fn zero_as_none(days: Value) -> Value {
    if days.as_number() == Some(0.0) {
        Value::Null
    } else {
        days
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn few_prefixes_find_all_names() {
        let names = BTreeSet::from([
            "/aws/ecs/containers-api",
            "/aws/ecs/containers-web",
            "/aws/lambda/shop-é",
            "/aws/lambda/shop-è",
            "plain",
            "/one",
        ]);
        assert_eq!(
            prefixes(&names),
            ["/aws/ecs/containers-", "/aws/lambda/shop-", "/one", "plain"]
        );
    }

    #[test]
    fn names_are_found_in_arns_of_both_forms() {
        let name = Some("/aws/ecs/containers-api");
        let arn = "arn:aws:logs:eu-south-2:1:log-group:/aws/ecs/containers-api";
        assert_eq!(name_in(arn), name);
        assert_eq!(name_in(&format!("{arn}:*")), name);
    }
}
