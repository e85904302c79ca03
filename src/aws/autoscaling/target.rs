//! Scalable target: the number of tasks of a service, put under autoscaling.
//!
//! - Registering is an upsert that brings the service's number of tasks between the limits at once. Tags are taken with
//!   the first registration only.
//! - Its tags are not changed through the tagging API, but by calls of its own.
//! - Deregistering also deletes policies, and the alarms that they made. So does the deletion of the service, even if one
//!   of the same name takes its place: <https://github.com/hashicorp/terraform-provider-aws/issues/10432>, issues/9473,
//!   issues/14254.

use std::collections::HashSet;

use aws_sdk_applicationautoscaling::types::{ScalableDimension, ScalableTarget, ServiceNamespace};
use futures_util::future::{try_join, try_join_all};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::aws::context::Context;
use crate::aws::error::{AwsResult, expected};
use crate::aws::resource_type::{
    Change, Live, LiveOf, New, NoOutputs, Old, ResourceType, adopt, check,
};
use crate::aws::sdk_tag::to_map;
use crate::aws::wait::while_in_use;
use crate::resource::provider::{Progress, Query};
use crate::resource::{
    Condition, CreateClass, ErrorKind, InvalidInput, PropertyTable, ProviderError, Schema, Tags,
};

/// The number that autoscaling may set, and its limits.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema, PropertyTable)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Inputs {
    /// `ecs`.
    #[schemars(extend("enum" = ["ecs"]))]
    #[property(required, replaces)]
    pub service_namespace: String,
    /// `service/<cluster name>/<service name>`.
    #[property(required, replaces)]
    pub resource_id: String,
    /// `ecs:service:DesiredCount`.
    #[schemars(extend("enum" = ["ecs:service:DesiredCount"]))]
    #[property(required, replaces)]
    pub scalable_dimension: String,
    /// Fewest tasks, at least 0. Default: 0, or the value of an existing target.
    #[schemars(range(min = 0))]
    #[property(server_chooses)]
    pub min_capacity: Option<i32>,
    /// Most tasks, at least `minCapacity`.
    #[schemars(range(min = 0))]
    #[property(required)]
    pub max_capacity: i32,
}

pub struct Target;

impl ResourceType for Target {
    type Inputs = Inputs;
    type Outputs = NoOutputs;

    fn schema(&self) -> Schema {
        Schema::of::<Inputs, NoOutputs>("aws:appautoscaling:Target", CreateClass::NaturalKey)
            .found_by_name()
            // Its policies are deleted with it, and it is deleted with its service.
            .blockers(&[])
            .goes_with(&["aws:ecs:Service"])
            .key(&[
                Inputs::SERVICE_NAMESPACE,
                Inputs::RESOURCE_ID,
                Inputs::SCALABLE_DIMENSION,
            ])
            .checks(|inputs| check(inputs, fit))
    }

    async fn read(&self, context: &Context, query: Query<'_>) -> AwsResult<Vec<LiveOf<Self>>> {
        if query.wanted.is_empty() && query.indexed.is_empty() {
            return Ok(Vec::new());
        }
        let wanted: HashSet<&str> = query.wanted_names("resourceId");
        // The policies are read at the same time, so that they cost no round trip of their own.
        let (targets, _) = try_join(
            super::targets(context, &query, &wanted),
            super::first_page(context, query.session),
        )
        .await?;
        let wants_unknown = query.wanted.iter().any(|wanted| {
            wanted
                .inputs
                .get("resourceId")
                .is_some_and(|id| !id.is_known())
        });
        let found = targets.iter().map(|target| async {
            let arn = target.scalable_target_arn().unwrap_or_default();
            let may_be_ours =
                wants_unknown || query.is_indexed(arn) || wanted.contains(target.resource_id());
            let tags = match query.settled_tags(arn) {
                Some(tags) => tags.clone(),
                None if may_be_ours => {
                    match tags_of(context, arn).await {
                        // Deregistered between the two calls.
                        Err(error) if error.is(ErrorKind::NotFound) => return Ok(None),
                        other => other?,
                    }
                }
                None => return Ok(None),
            };
            let is_ours = tags.belongs_to(query.stack);
            let is_wanted = wanted.contains(target.resource_id());
            Ok((is_ours || is_wanted).then(|| live(target, tags)))
        });
        Ok(try_join_all(found).await?.into_iter().flatten().collect())
    }

    async fn create(&self, context: &Context, new: New<'_, Self>) -> AwsResult<LiveOf<Self>> {
        // Registering would silently overwrite another owner's limits.
        if let Some(met) = get(context, &new.inputs.resource_id).await? {
            let exists = ProviderError::new(ErrorKind::AlreadyExists, REGISTER, String::new());
            return adopt(new.tags, met, exists);
        }
        let arn = register(context, new.inputs, Some(new.tags), new.progress).await?;
        Ok(Live {
            id: new.inputs.resource_id.clone(),
            arn,
            inputs: new.inputs.clone(),
            outputs: NoOutputs {},
            tags: new.tags.clone(),
            condition: Condition::Ready,
        })
    }

    async fn update(&self, context: &Context, change: Change<'_, Self>) -> AwsResult<LiveOf<Self>> {
        register(context, change.wanted, None, change.progress).await?;
        Ok(change.applied())
    }

    async fn delete(&self, context: &Context, old: Old<'_, Self>) -> AwsResult<()> {
        let request = context
            .autoscaling
            .deregister_scalable_target()
            .service_namespace(ServiceNamespace::Ecs)
            .resource_id(&old.live.inputs.resource_id)
            .scalable_dimension(ScalableDimension::EcsServiceDesiredCount);
        context.send(request).await?;
        Ok(())
    }
}

const REGISTER: &str = "application-autoscaling:RegisterScalableTarget";

/// The target of a service, with its tags.
async fn get(context: &Context, resource_id: &str) -> AwsResult<Option<LiveOf<Target>>> {
    const OPERATION: &str = "application-autoscaling:DescribeScalableTargets";
    let request = context
        .autoscaling
        .describe_scalable_targets()
        .service_namespace(ServiceNamespace::Ecs)
        .resource_ids(resource_id)
        .scalable_dimension(ScalableDimension::EcsServiceDesiredCount);
    let answer = context.send(request).await?;
    let targets = expected(OPERATION, answer.scalable_targets, "`ScalableTargets`")?;
    let Some(target) = targets.first() else {
        return Ok(None);
    };
    let tags = tags_of(context, target.scalable_target_arn().unwrap_or_default()).await?;
    Ok(Some(live(target, tags)))
}

fn fit(inputs: &Inputs) -> Vec<InvalidInput> {
    let mut invalid_inputs = super::fit(&inputs.service_namespace, &inputs.scalable_dimension);
    let max = inputs.max_capacity;
    if let Some(min) = inputs.min_capacity
        && min > max
    {
        let reason = format!("is {min}, and `maxCapacity` is {max}");
        let invalid_input = InvalidInput::new("minCapacity", reason);
        invalid_inputs.push(invalid_input.decided_by(["minCapacity", "maxCapacity"]));
    }
    invalid_inputs
}

/// Creates or updates; tags go with the first registration, and are refused with a later one.
async fn register(
    context: &Context,
    inputs: &Inputs,
    tags: Option<&Tags>,
    progress: &dyn Progress,
) -> AwsResult<Option<String>> {
    // A new target must have a lower limit, and an existing one keeps the limit that it has.
    let min = inputs.min_capacity.or(tags.map(|_| 0));
    let answer = while_in_use(super::PATIENCE, progress, || {
        let request = context
            .autoscaling
            .register_scalable_target()
            .service_namespace(ServiceNamespace::Ecs)
            .resource_id(&inputs.resource_id)
            .scalable_dimension(ScalableDimension::EcsServiceDesiredCount)
            .set_min_capacity(min)
            .max_capacity(inputs.max_capacity)
            .set_tags(tags.map(to_map));
        context.send(request)
    })
    .await?;
    Ok(answer.scalable_target_arn().map(str::to_owned))
}

async fn tags_of(context: &Context, arn: &str) -> AwsResult<Tags> {
    let request = context
        .autoscaling
        .list_tags_for_resource()
        .resource_arn(arn);
    let answer = context.send(request).await?;
    Ok(answer.tags.unwrap_or_default().into_iter().collect())
}

fn live(target: &ScalableTarget, tags: Tags) -> LiveOf<Target> {
    Live {
        id: target.resource_id().to_owned(),
        arn: target.scalable_target_arn().map(str::to_owned),
        inputs: Inputs {
            service_namespace: target.service_namespace().as_str().to_owned(),
            resource_id: target.resource_id().to_owned(),
            scalable_dimension: target.scalable_dimension().as_str().to_owned(),
            min_capacity: Some(target.min_capacity()),
            max_capacity: target.max_capacity(),
        },
        outputs: NoOutputs {},
        tags,
        condition: Condition::Ready,
    }
}
