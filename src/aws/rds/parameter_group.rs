//! RDS parameter group.
//!
//! - Of the hundreds of parameters of a group, only those that a user has set are compared, and those that the author names:
//!   one that is set to its default does not count as set.
//! - A call changes at most 20 parameters, and parameters that depend on each other must be sent together.
//! - A static parameter takes effect at the next reboot and must say so; the others at once. AWS may report either way, so
//!   only values are compared.
//! - The sent and the returned value can be two spellings of one value: [`kind`] compares them.

mod kind;
mod model;
mod order;
mod search;

use std::collections::BTreeMap;
use std::time::Duration;

use aws_sdk_rds::types::{ApplyMethod, Parameter as SdkParameter};
use futures_util::future::try_join_all;

pub use self::model::{Inputs, Parameter, Setting};

pub(super) use self::model::parameter_at;

use self::model::by_name;
use self::order::{BATCH, in_order};
use self::search::{get, live, parameters_of, search, set_values, static_names};
use crate::aws::context::Context;
use crate::aws::error::{AwsResult, expected};
use crate::aws::resource_type::{Asking, Change, LiveOf, New, NoOutputs, Old, ResourceType, adopt};
use crate::aws::wait::until_visible;
use crate::resource::provider::{Holder, Query};
use crate::resource::{CreateClass, Diff, ErrorKind, Properties, Schema, Value};

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
            Ok(parameters.map(|parameters| live(group, Some(parameters), tags)))
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
                Ok(live(&group, None, new.tags.clone()))
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
