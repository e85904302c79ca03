//! The groups of the account, and the parameters of a group.

use std::collections::{BTreeMap, BTreeSet};

use aws_sdk_rds::types::{ApplyMethod, DbParameterGroup, Filter, Parameter as SdkParameter};

use super::kind::Kind;
use super::model::{Inputs, LiveGroup, Parameter, Setting, values_by_name};
use crate::aws::answer::text;
use crate::aws::context::Context;
use crate::aws::error::{AwsResult, expected};
use crate::aws::pages::{few_pages, one_by_one, worth};
use crate::aws::rds;
use crate::aws::resource_type::{Live, NoOutputs};
use crate::aws::wait::until_visible;
use crate::resource::provider::{Query, Wanted};
use crate::resource::{Condition, ErrorKind, Tags, Value};

/// Returns the parameters that the author sets, with their values as far as they are known.
pub(super) fn set_values(wanted: &Wanted) -> BTreeMap<String, Option<String>> {
    let parameters = wanted.inputs.get("parameters").cloned();
    let values = parameters.map(values_by_name);
    let values = values.as_ref().and_then(Value::as_object);
    values
        .into_iter()
        .flatten()
        .map(|(name, value)| (name.clone(), value.as_str().map(str::to_owned)))
        .collect()
}

/// Returns which of some parameters are static, and those that AWS does not describe: waiting for a reboot is never refused.
pub(super) async fn static_names(
    context: &Context,
    group: &str,
    parameters: &[&Parameter],
) -> AwsResult<BTreeSet<String>> {
    let mut open: BTreeSet<String> = parameters
        .iter()
        .filter(|parameter| parameter.apply_method.is_none())
        .map(|parameter| parameter.name.to_lowercase())
        .collect();
    if !open.is_empty() {
        let described = until_visible(|| describe(context, group, Some(&open))).await?;
        for parameter in described {
            if parameter.apply_type() == Some("dynamic") {
                open.remove(parameter.parameter_name().unwrap_or_default());
            }
        }
    }
    Ok(open)
}

/// Returns the parameters that a user has set, and those that the author names, in the author's spelling if that is the same
/// value; `None` if the group has been deleted meanwhile.
pub(super) async fn parameters_of(
    context: &Context,
    group: &str,
    named: &BTreeMap<String, Option<String>>,
) -> AwsResult<Option<Vec<Parameter>>> {
    let mut found = match describe(context, group, None).await {
        Err(error) if error.is(ErrorKind::NotFound) => return Ok(None),
        answer => answer?,
    };
    let missing: BTreeSet<String> = named
        .keys()
        .filter(|name| {
            !found
                .iter()
                .any(|parameter| parameter.parameter_name() == Some(name.as_str()))
        })
        .cloned()
        .collect();
    if !missing.is_empty() {
        found.extend(describe(context, group, Some(&missing)).await?);
    }
    let parameters: BTreeMap<&str, Parameter> = found
        .iter()
        .filter_map(|parameter| {
            let name = parameter.parameter_name()?;
            let live = parameter.parameter_value()?;
            let value = match named.get(name) {
                Some(Some(wanted)) if Kind::of(parameter).is_same(wanted, live) => wanted,
                _ => live,
            };
            let method = match parameter.apply_type() {
                Some("static") => Some("pending-reboot"),
                // This holds for either way of setting it: one that is reset may go back at once.
                Some("dynamic") => Some("immediate"),
                _ => parameter.apply_method().map(ApplyMethod::as_str),
            };
            let parameter = Parameter {
                name: name.to_owned(),
                value: Setting::Text(value.to_owned()),
                apply_method: Some(method.unwrap_or("immediate").to_owned()),
            };
            Some((name, parameter))
        })
        .collect();
    Ok(Some(parameters.into_values().collect()))
}

/// Returns parameters of a group: some by name, or else those that a user has set.
async fn describe(
    context: &Context,
    group: &str,
    names: Option<&BTreeSet<String>>,
) -> AwsResult<Vec<SdkParameter>> {
    let filters = names.map(|names| {
        vec![
            Filter::builder()
                .name("parameter-name")
                .set_values(Some(names.iter().cloned().collect()))
                .build(),
        ]
    });
    let source = names.is_none().then_some("user");
    let filters = &filters;
    let mut found = context
        .pages(
            |marker| {
                context
                    .rds
                    .describe_db_parameters()
                    .db_parameter_group_name(group)
                    .set_source(source.map(str::to_owned))
                    .set_filters(filters.clone())
                    .max_records(100)
                    .set_marker(marker)
            },
            |page| (page.parameters, page.marker),
        )
        .await?;
    if let Some(names) = names {
        found.retain(|parameter| names.contains(parameter.parameter_name().unwrap_or_default()));
    }
    Ok(found)
}

/// Returns every group of account and region; in an account with more than a page of them, those that may be the stack's.
pub(super) async fn search(
    context: &Context,
    query: &Query<'_>,
) -> AwsResult<Vec<DbParameterGroup>> {
    const OPERATION: &str = "rds:DescribeDBParameterGroups";
    let names = rds::candidates(query, "name");
    let most = worth(query, names.len());
    let all = few_pages(OPERATION, most, |marker| async move {
        let request = context
            .rds
            .describe_db_parameter_groups()
            .max_records(100)
            .set_marker(marker.clone());
        let page = context.send(request).await?;
        Ok((page.db_parameter_groups, page.marker))
    })
    .await?;
    if let Some(all) = all {
        return Ok(all);
    }
    one_by_one(names, |name| async move {
        let request = context
            .rds
            .describe_db_parameter_groups()
            .db_parameter_group_name(&name);
        let answer = context.send(request).await?;
        Ok(answer.db_parameter_groups.unwrap_or_default())
    })
    .await
}

pub(super) async fn get(context: &Context, name: &str) -> AwsResult<LiveGroup> {
    let answer = until_visible(|| {
        let request = context
            .rds
            .describe_db_parameter_groups()
            .db_parameter_group_name(name);
        context.send(request)
    })
    .await?;
    let group = expected(
        "rds:DescribeDBParameterGroups",
        answer.db_parameter_groups().first(),
        "a parameter group",
    )?;
    let arn = group.db_parameter_group_arn().unwrap_or_default();
    let tags = rds::list_tags(context, arn).await?.unwrap_or_default();
    let parameters = parameters_of(context, name, &BTreeMap::new()).await?;
    Ok(live(group, Some(parameters.unwrap_or_default()), tags))
}

pub(super) fn live(
    group: &DbParameterGroup,
    parameters: Option<Vec<Parameter>>,
    tags: Tags,
) -> LiveGroup {
    Live {
        id: text(group.db_parameter_group_name()),
        arn: group.db_parameter_group_arn().map(str::to_owned),
        inputs: Inputs {
            name: text(group.db_parameter_group_name()),
            family: text(group.db_parameter_group_family()),
            description: text(group.description()),
            parameters,
        },
        outputs: NoOutputs {},
        tags,
        condition: Condition::Ready,
    }
}
