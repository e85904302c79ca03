//! RDS parameter group.
//!
//! - Of the hundreds of parameters of a group, only those that a user has set are compared, and those that the author names:
//!   one that is set to its default does not count as set.
//! - A call changes at most 20 parameters, and parameters that depend on each other must be sent together.
//! - A static parameter takes effect at the next reboot and must say so; the others at once. AWS may report either way, so
//!   only values are compared.
//! - The sent and the returned value can be two spellings of one value: [`kind`] compares them.

mod kind;

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use aws_sdk_rds::types::{ApplyMethod, DbParameterGroup, Filter, Parameter as SdkParameter};
use futures_util::future::try_join_all;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use self::kind::Kind;
use crate::aws::context::Context;
use crate::aws::error::{AwsResult, expected};
use crate::aws::pages::{few_pages, one_by_one, worth};
use crate::aws::resource_type::{
    Asking, Change, Live, LiveOf, New, NoOutputs, Old, ResourceType, adopt,
};
use crate::aws::wait::until_visible;
use crate::resource::path::{Path, Segment};
use crate::resource::provider::{Holder, Query, Wanted};
use crate::resource::{
    Condition, CreateClass, Diff, ErrorKind, Properties, PropertyTable, Schema, Tags, Value,
};

/// The most parameters that one call changes.
const BATCH: usize = 20;

/// The parameters that only work together, and go into the first call together.
const DEPENDENT: [&str; 4] = [
    "password_encryption",
    "rds.accepted_password_auth_method",
    "ssl_max_protocol_version",
    "ssl_min_protocol_version",
];

/// Settings of a database engine.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema, PropertyTable)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Inputs {
    /// The name: 1 to 255 letters, digits and hyphens, a letter first; lower-cased by AWS.
    #[property(replaces, lower_cased, text(super::NAME))]
    pub name: String,
    /// The engine and its major version: `postgres15`.
    #[property(required, replaces, lower_cased)]
    pub family: String,
    /// The description. AWS cannot change it: another description is another group.
    #[property(default("Managed by fde-infra"), replaces)]
    pub description: String,
    /// The differences from the family's defaults.
    #[property(canonical(values_by_name))]
    pub parameters: Option<Vec<Parameter>>,
}

/// One setting.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Parameter {
    pub name: String,
    /// The value: text, a number, or a truth value, which RDS writes as `1` and `0`.
    pub value: Setting,
    /// The method: `immediate` or `pending-reboot`. Default: `pending-reboot` for static parameters, else `immediate`. A
    /// change of only this has no effect.
    pub apply_method: Option<String>,
}

/// A parameter's value as authors write it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(untagged)]
pub enum Setting {
    Truth(bool),
    Number(f64),
    Text(String),
}

impl Setting {
    /// Returns the text that RDS accepts.
    fn text(&self) -> String {
        match self {
            Self::Truth(true) => "1".to_owned(),
            Self::Truth(false) => "0".to_owned(),
            Self::Number(number) => number.to_string(),
            Self::Text(text) => text.clone(),
        }
    }
}

pub struct ParameterGroup;

impl ResourceType for ParameterGroup {
    type Inputs = Inputs;
    type Outputs = NoOutputs;

    fn schema(&self) -> Schema {
        Schema::of::<Inputs, NoOutputs>("aws:rds:ParameterGroup", CreateClass::NaturalKey)
            .blockers(&["aws:rds:Instance"])
            .generated_name(Inputs::NAME, 255)
            .name_ignores_case()
            .static_settings(static_changes)
    }

    async fn read(&self, context: &Context, query: Query<'_>) -> AwsResult<Vec<LiveOf<Self>>> {
        let groups = search(context, &query).await?;
        let names = super::wanted_names(&query, "name");
        let found = try_join_all(groups.iter().map(|group| async {
            let name = group.db_parameter_group_name().unwrap_or_default();
            let arn = group.db_parameter_group_arn().unwrap_or_default();
            let Some(tags) = super::tags_of(context, &query, &names, name, arn).await? else {
                return Ok(None);
            };
            let owner = tags.owner();
            let wanted = query.wanted.iter().find(|wanted| {
                let given = wanted.inputs.get("name").and_then(Value::as_str);
                Some(&wanted.urn) == owner.as_ref()
                    || given.is_some_and(|given| given.eq_ignore_ascii_case(name))
            });
            let parameters = parameters_of(
                context,
                name,
                &wanted.map_or_else(BTreeMap::new, set_values),
            )
            .await?;
            Ok(parameters.map(|parameters| live(group, parameters, tags)))
        }))
        .await?;
        Ok(found.into_iter().flatten().collect())
    }

    async fn create(&self, context: &Context, new: New<'_, Self>) -> AwsResult<LiveOf<Self>> {
        let inputs = new.inputs;
        let request = context
            .rds
            .create_db_parameter_group()
            .db_parameter_group_name(&inputs.name)
            .db_parameter_group_family(&inputs.family)
            .description(&inputs.description)
            .set_tags(Some(super::to_sdk(new.tags)));
        let created = context.send(request).await;
        match created {
            Ok(answer) => {
                let group = expected(
                    "rds:CreateDBParameterGroup",
                    answer.db_parameter_group,
                    "a parameter group",
                )?;
                // All parameters still have their defaults, whatever is wanted: `update` brings the rest, and sees by the
                // missing list that nothing uses the group yet.
                let mut created = live(&group, Vec::new(), new.tags.clone());
                created.inputs.parameters = None;
                Ok(created)
            }
            Err(error) if error.is(ErrorKind::AlreadyExists) => {
                adopt(new.tags, get(context, &inputs.name).await?, error)
            }
            Err(error) => Err(error),
        }
    }

    async fn update(&self, context: &Context, change: Change<'_, Self>) -> AwsResult<LiveOf<Self>> {
        let name = &change.observed.id;
        let wanted = by_name(change.wanted.parameters.as_deref());
        let observed = by_name(change.observed.inputs.parameters.as_deref());
        let changed: Vec<&Parameter> = wanted
            .iter()
            .filter(|(name, parameter)| {
                observed
                    .get(*name)
                    .is_none_or(|live| live.value.text() != parameter.value.text())
            })
            .map(|(_, parameter)| *parameter)
            .collect();
        let is_static = match &change.observed.inputs.parameters {
            // An instance that uses a new group later starts with all of its parameters, so AWS need not be asked.
            None => wanted.keys().cloned().collect(),
            Some(_) => static_names(context, name, &changed).await?,
        };
        for batch in in_order(changed, &is_static).chunks(BATCH) {
            until_visible(|| {
                let request = context
                    .rds
                    .modify_db_parameter_group()
                    .db_parameter_group_name(name)
                    .set_parameters(Some(batch.to_vec()));
                context.send(request)
            })
            .await?;
        }
        let removed: Vec<SdkParameter> = observed
            .iter()
            .filter(|(name, _)| !wanted.contains_key(*name))
            .map(|(name, parameter)| {
                SdkParameter::builder()
                    .parameter_name(name)
                    .set_apply_method(parameter.apply_method.as_deref().map(ApplyMethod::from))
                    .build()
            })
            .collect();
        for batch in removed.chunks(BATCH) {
            let request = context
                .rds
                .reset_db_parameter_group()
                .db_parameter_group_name(name)
                .reset_all_parameters(false)
                .set_parameters(Some(batch.to_vec()));
            context.send(request).await?;
        }
        Ok(change.applied())
    }

    async fn delete(&self, context: &Context, old: Old<'_, Self>) -> AwsResult<()> {
        let request = context
            .rds
            .delete_db_parameter_group()
            .db_parameter_group_name(&old.live.id);
        context.send(request).await?;
        Ok(())
    }

    async fn blockers_of(
        &self,
        context: &Context,
        live: &LiveOf<Self>,
        asking: &Asking<'_>,
    ) -> AwsResult<Vec<Holder>> {
        super::instance::using(context, asking, &live.tags, |instance| {
            let mut groups = instance.db_parameter_groups().iter();
            groups.any(|group| group.db_parameter_group_name() == Some(live.id.as_str()))
        })
        .await
    }

    /// Returns the time that the deletion of an instance that uses the group may take.
    fn delete_patience(&self) -> Duration {
        super::instance::DELETION
    }
}

/// Returns values by parameter: the list's order and the ways of applying mean nothing. A list with a name that is not known
/// yet stays as it is.
fn values_by_name(parameters: Value) -> Value {
    let entry = |parameter: &Value| {
        let fields = parameter.as_object()?;
        let name = fields.get("name")?.as_str()?.to_lowercase();
        let value = match fields.get("value")? {
            Value::Number(number) => Setting::Number(*number).text().into(),
            Value::Bool(truth) => Setting::Truth(*truth).text().into(),
            other => other.clone(),
        };
        Some((name, value))
    };
    parameters
        .as_list()
        .and_then(|list| list.iter().map(entry).collect::<Option<_>>())
        .map_or(parameters, Value::Object)
}

/// Returns the changed parameters that wait for a reboot, according to AWS.
fn static_changes(diff: &Diff, observed: &Properties) -> Vec<String> {
    let listed = observed.get("parameters").and_then(Value::as_list);
    let is_static = |name: &str| {
        let mut all = listed.into_iter().flatten().filter_map(Value::as_object);
        all.any(|parameter| {
            let text = |key: &str| parameter.get(key).and_then(Value::as_str);
            text("name").is_some_and(|listed| listed.eq_ignore_ascii_case(name))
                && text("applyMethod") == Some("pending-reboot")
        })
    };
    diff.changes
        .iter()
        .filter_map(|change| parameter_at(&change.path))
        .filter(|name| is_static(name))
        .map(str::to_owned)
        .collect()
}

/// Returns the parameter that a path leads to.
pub(super) fn parameter_at(path: &Path) -> Option<&str> {
    match path.segments() {
        [Segment::Key(property), Segment::Key(name)] if property == "parameters" => Some(name),
        _ => None,
    }
}

fn by_name(parameters: Option<&[Parameter]>) -> BTreeMap<String, &Parameter> {
    parameters
        .unwrap_or_default()
        .iter()
        .map(|parameter| (parameter.name.to_lowercase(), parameter))
        .collect()
}

/// Returns the parameters that the author sets, with their values as far as they are known.
fn set_values(wanted: &Wanted) -> BTreeMap<String, Option<String>> {
    let parameters = wanted.inputs.get("parameters").cloned();
    let values = parameters.map(values_by_name);
    let values = values.as_ref().and_then(Value::as_object);
    values
        .into_iter()
        .flatten()
        .map(|(name, value)| (name.clone(), value.as_str().map(str::to_owned)))
        .collect()
}

/// Sorts parameters for the calls: dependent ones first, so that they are in one call; then those that act at once, then
/// those that wait for a reboot.
fn in_order(parameters: Vec<&Parameter>, is_static: &BTreeSet<String>) -> Vec<SdkParameter> {
    let mut parameters: Vec<(String, ApplyMethod, &Parameter)> = parameters
        .into_iter()
        .map(|parameter| {
            let name = parameter.name.to_lowercase();
            let method = match &parameter.apply_method {
                Some(method) => ApplyMethod::from(method.as_str()),
                None if is_static.contains(&name) => ApplyMethod::PendingReboot,
                None => ApplyMethod::Immediate,
            };
            (name, method, parameter)
        })
        .collect();
    parameters.sort_by_cached_key(|(name, method, _)| {
        (
            !DEPENDENT.contains(&name.as_str()),
            *method != ApplyMethod::Immediate,
            name.clone(),
        )
    });
    parameters
        .into_iter()
        .map(|(name, method, parameter)| {
            SdkParameter::builder()
                .parameter_name(name)
                .parameter_value(parameter.value.text())
                .apply_method(method)
                .build()
        })
        .collect()
}

/// Returns which of some parameters are static, and those that AWS does not describe: waiting for a reboot is never refused.
async fn static_names(
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
async fn parameters_of(
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
async fn search(context: &Context, query: &Query<'_>) -> AwsResult<Vec<DbParameterGroup>> {
    const OPERATION: &str = "rds:DescribeDBParameterGroups";
    let names = super::candidates(query, "name");
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

async fn get(context: &Context, name: &str) -> AwsResult<LiveOf<ParameterGroup>> {
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
    let tags = super::list_tags(context, arn).await?.unwrap_or_default();
    let parameters = parameters_of(context, name, &BTreeMap::new()).await?;
    Ok(live(group, parameters.unwrap_or_default(), tags))
}

fn live(
    group: &DbParameterGroup,
    parameters: Vec<Parameter>,
    tags: Tags,
) -> LiveOf<ParameterGroup> {
    let name = group
        .db_parameter_group_name()
        .unwrap_or_default()
        .to_owned();
    Live {
        id: name.clone(),
        arn: group.db_parameter_group_arn().map(str::to_owned),
        inputs: Inputs {
            name,
            family: group
                .db_parameter_group_family()
                .unwrap_or_default()
                .to_owned(),
            description: group.description().unwrap_or_default().to_owned(),
            parameters: Some(parameters),
        },
        outputs: NoOutputs {},
        tags,
        condition: Condition::Ready,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn only_names_and_values_count() {
        let wanted = json!([
            {"name": "max_connections", "value": 200},
            {"name": "rds.force_ssl", "value": true, "applyMethod": "immediate"},
        ]);
        let live = json!([
            {"name": "rds.force_ssl", "value": "1", "applyMethod": "pending-reboot"},
            {"name": "max_connections", "value": "200", "applyMethod": "pending-reboot"},
        ]);
        assert_eq!(values_by_name(wanted.into()), values_by_name(live.into()));
    }

    #[test]
    fn what_is_not_known_yet_is_left_alone() {
        let unknown = Value::list([Value::object([("name", Value::join(["a".into()]))])]);
        assert_eq!(values_by_name(unknown.clone()), unknown);
        assert_eq!(values_by_name(Value::Null), Value::Null);
    }

    #[test]
    fn dependent_parameters_travel_first_and_reboots_come_last() {
        let parameters: Vec<Parameter> = serde_json::from_value(json!([
            {"name": "shared_preload_libraries", "value": "pg_stat_statements"},
            {"name": "log_min_duration_statement", "value": 1000.5},
            {"name": "work_mem", "value": "64", "applyMethod": "pending-reboot"},
            {"name": "rds.accepted_password_auth_method", "value": "scram"},
            {"name": "password_encryption", "value": "scram-sha-256"},
        ]))
        .unwrap();
        let is_static = BTreeSet::from(["shared_preload_libraries".to_owned()]);
        let ordered = in_order(parameters.iter().collect(), &is_static);
        let lines: Vec<String> = ordered
            .iter()
            .map(|parameter| {
                format!(
                    "{}={} {}",
                    parameter.parameter_name().unwrap(),
                    parameter.parameter_value().unwrap(),
                    parameter.apply_method().unwrap().as_str()
                )
            })
            .collect();
        assert_eq!(
            lines,
            [
                "password_encryption=scram-sha-256 immediate",
                "rds.accepted_password_auth_method=scram immediate",
                "log_min_duration_statement=1000.5 immediate",
                "shared_preload_libraries=pg_stat_statements pending-reboot",
                "work_mem=64 pending-reboot",
            ]
        );
    }
}
