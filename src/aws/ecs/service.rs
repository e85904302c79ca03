//! ECS service.
//!
//! - The name is unique in its cluster. The client token makes a repeated create safe, but it outlives its service: AWS may
//!   return the deleted one, and then the next token is tried.
//! - A deleted service drains for minutes, keeps its name while it does, and is shown as INACTIVE for a while after.
//! - Each change of the tasks themselves starts a deployment; `service/rollout.rs` tells how it ends.
//! - The number of tasks is no such change: a service that starts its first task would do so without circuit breaker, in a
//!   deployment that was complete without tasks. So its start is a forced deployment.
//!   <https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_UpdateService.html>
//! - A service found with a failed deployment gets a new one, once per run.
//! - A launch type and a capacity provider exclude each other. A service that was moved to Fargate Spot comes back to the
//!   launch type by an empty strategy, which changes the tasks only with a forced deployment.
//! - Where a scalable target exists, autoscaling owns the number of tasks: `desiredCountRange` says so.

mod canonical;
mod checks;
mod container_log;
mod deployment;
mod diagnosis;
mod form;
pub(super) mod listing;
mod model;
mod modification;
mod obstacle;
mod patience;
mod rollout;
mod search;

use aws_sdk_ecs::types::{LaunchType, PropagateTags, Service as EcsService};
use futures_util::future::{join_all, try_join_all};

pub use self::model::{
    CircuitBreaker, CountRange, Inputs, LoadBalancer, NetworkConfiguration, Outputs,
};

use self::canonical::keep_scaled_count;
use self::form::{deployment_configuration, live, to_load_balancers, to_network};
use self::listing::find;
use self::model::{CLUSTER, LATEST, NONE};
use self::modification::with_changes;
use self::rollout::{condition_for, outputs_after, settle};
use self::search::{in_cluster, named, places};
use crate::aws::context::Context;
use crate::aws::error::{AwsResult, expected, if_there};
use crate::aws::resource_type::{Change, Live, LiveOf, New, Old, ResourceType, adopt, check};
use crate::aws::wait::{Poll, Wait, until_visible};
use crate::resource::provider::{Progress, Query};
use crate::resource::rule::Beside;
use crate::resource::{CreateClass, ErrorKind, Interruption, ProviderError, Schema};

pub struct Service;

impl ResourceType for Service {
    type Inputs = Inputs;
    type Outputs = Outputs;

    fn schema(&self) -> Schema {
        Schema::of::<Inputs, Outputs>("aws:ecs:Service", CreateClass::Token)
            .found_by_name()
            .checks(|inputs| check(inputs, checks::fit))
            .named(Inputs::NAME, 255)
            .named_within(&[Inputs::CLUSTER])
            .beside(&[Beside {
                by: Inputs::TASK_DEFINITION,
                token: "aws:ecs:TaskDefinition",
                check: checks::beside_service,
            }])
            .blockers(&[])
            .assumes(&[Inputs::TASK_DEFINITION])
            .rolls_out()
            .interrupts(Interruption::new(
                "no task runs from the end of the old one until the new one has started",
            ))
            .reads_after(&[CLUSTER])
            .deletes_after(&["aws:appautoscaling:Target"])
            .server_managed(keep_scaled_count)
    }

    async fn ahead(&self, context: &Context, query: Query<'_>) {
        let asked = places(query)
            .into_iter()
            .map(|(cluster, names)| named(context, query, cluster, names));
        drop(join_all(asked).await);
    }

    async fn read(&self, context: &Context, query: Query<'_>) -> AwsResult<Vec<LiveOf<Self>>> {
        let places = places(query);
        let found = places
            .into_iter()
            .map(|(cluster, names)| in_cluster(context, query, cluster, names));
        let wanted = query.wanted_names("name");
        Ok(try_join_all(found)
            .await?
            .iter()
            .flatten()
            .filter(|service| service.status() != Some(INACTIVE))
            .map(live)
            .filter(|service| {
                service.tags.belongs_to(query.stack)
                    || wanted.contains(service.inputs.name.as_str())
            })
            .collect())
    }

    async fn create(&self, context: &Context, new: New<'_, Self>) -> AwsResult<LiveOf<Self>> {
        match start(context, &new).await {
            Ok(service) => {
                let started = live(&service);
                Ok(Live {
                    inputs: Inputs {
                        desired_count: started.inputs.desired_count,
                        ..new.inputs.clone()
                    },
                    condition: condition_for(new.inputs, &service, &started.outputs),
                    ..started
                })
            }
            Err(error) if error.message.contains("not idempotent") => {
                let found = find(context, new.inputs).await?;
                let service = expected("ecs:DescribeServices", found, "the service")?;
                adopt(new.tags, live(&service), error)
            }
            Err(error) => Err(error),
        }
    }

    async fn update(&self, context: &Context, change: Change<'_, Self>) -> AwsResult<LiveOf<Self>> {
        const OPERATION: &str = "ecs:UpdateService";
        let wanted = change.wanted;
        let touches = |property: &str| change.touches(property);
        let network = match (
            touches(Inputs::NETWORK_CONFIGURATION),
            &wanted.network_configuration,
        ) {
            (false, _) => None,
            (true, Some(network)) => Some(to_network(OPERATION, network)?),
            (true, None) => {
                return Err(ProviderError::new(
                    ErrorKind::Invalid,
                    OPERATION,
                    "`networkConfiguration` cannot be taken away from a service",
                ));
            }
        };
        let leaves_provider =
            touches(Inputs::LAUNCH_TYPE) && change.observed.inputs.launch_type.is_none();
        let forced =
            wanted.force_new_deployment == Some(true) || leaves_provider || needs_force(&change);
        let answer = until_visible(|| {
            let request = context
                .ecs
                .update_service()
                .cluster(&change.observed.inputs.cluster)
                .service(&change.observed.inputs.name)
                .set_capacity_provider_strategy(leaves_provider.then(Vec::new))
                .set_network_configuration(network.clone())
                .set_force_new_deployment(forced.then_some(true));
            context.send(with_changes(request, wanted, change.diff))
        })
        .await?;
        let service = expected(OPERATION, answer.service, "a service")?;
        let before = forced.then_some(&change.observed.outputs);
        let outputs = outputs_after(&service, wanted, before);
        Ok(Live {
            inputs: Inputs {
                desired_count: Some(service.desired_count()),
                ..wanted.clone()
            },
            condition: condition_for(wanted, &service, &outputs),
            outputs,
            ..change.observed.clone()
        })
    }

    async fn wait(
        &self,
        context: &Context,
        live: LiveOf<Self>,
        progress: &dyn Progress,
    ) -> AwsResult<LiveOf<Self>> {
        settle(context, live, progress).await
    }

    async fn delete(&self, context: &Context, old: Old<'_, Self>) -> AwsResult<()> {
        let inputs = &old.live.inputs;
        let request = context
            .ecs
            .delete_service()
            .cluster(&inputs.cluster)
            .service(&inputs.name)
            // This scales to zero first.
            .force(true);
        // It may be gone, or draining since an earlier run.
        if_there(context.send(request).await)?;
        Wait::long("ecs:DescribeServices", 20, old.progress)
            .until(|| async {
                let found = if_there(find(context, inputs).await)?.flatten();
                Ok(match found {
                    Some(service) if service.status() != Some(INACTIVE) => {
                        Poll::Pending(format!("draining, {} running", service.running_count()))
                    }
                    _ => Poll::Ready(()),
                })
            })
            .await
    }
}

const INACTIVE: &str = "INACTIVE";
const DRAINING: &str = "DRAINING";
/// The number of deleted services with our tokens that AWS may remember before a create is given up.
const GENERATIONS: u32 = 16;

/// Makes the service, after its predecessor of the same name has drained.
async fn start(context: &Context, new: &New<'_, Service>) -> AwsResult<EcsService> {
    const OPERATION: &str = "ecs:CreateService";
    let inputs = new.inputs;
    let network = inputs
        .network_configuration
        .as_ref()
        .map(|network| to_network(OPERATION, network))
        .transpose()?;
    let count = inputs.desired_count.unwrap_or_else(|| {
        inputs
            .desired_count_range
            .as_ref()
            .map_or(0, |range| range.min)
    });
    for generation in 0..GENERATIONS {
        let token = new.client_token(generation);
        let call = || {
            let request = context
                .ecs
                .create_service()
                .client_token(&token)
                .service_name(&inputs.name)
                .cluster(&inputs.cluster)
                .task_definition(&inputs.task_definition)
                .desired_count(count)
                .set_launch_type(inputs.launch_type.as_deref().map(LaunchType::from))
                .set_platform_version(
                    (inputs.platform_version != LATEST).then(|| inputs.platform_version.clone()),
                )
                .set_network_configuration(network.clone())
                .set_load_balancers(
                    Some(to_load_balancers(inputs)).filter(|targets| !targets.is_empty()),
                )
                .deployment_configuration(deployment_configuration(inputs))
                .set_health_check_grace_period_seconds(
                    // It is refused without a load balancer.
                    Some(inputs.health_check_grace_period_seconds).filter(|seconds| *seconds > 0),
                )
                .enable_execute_command(inputs.enable_execute_command)
                .enable_ecs_managed_tags(inputs.enable_ecs_managed_tags)
                .set_propagate_tags(
                    Some(inputs.propagate_tags.as_str())
                        .filter(|source| *source != NONE)
                        .map(PropagateTags::from),
                )
                .set_tags(Some(super::to_sdk(new.tags)));
            context.send(request)
        };
        let answer = Wait::long(OPERATION, 20, new.progress)
            .until(|| async {
                match until_visible(call).await {
                    Ok(answer) => Ok(Poll::Ready(answer)),
                    Err(error)
                        if error.is(ErrorKind::NotVisibleYet)
                            && error.message.contains("Draining") =>
                    {
                        Ok(Poll::Pending(
                            "an earlier service of this name is still draining".to_owned(),
                        ))
                    }
                    Err(error) => Err(error),
                }
            })
            .await?;
        let service = expected(OPERATION, answer.service, "a service")?;
        if service.status() != Some(INACTIVE) && service.status() != Some(DRAINING) {
            return Ok(service);
        }
    }
    Err(ProviderError::new(
        ErrorKind::Failed,
        OPERATION,
        format!(
            "AWS answered {GENERATIONS} times with a deleted service `{}`",
            inputs.name
        ),
    ))
}

/// Returns whether an update has to start a deployment that AWS would not start for it: the first tasks of a service, and
/// those after a deployment that has failed.
fn needs_force(change: &Change<'_, Service>) -> bool {
    let observed = change.observed;
    let starts = observed.inputs.desired_count == Some(0) && change.touches(Inputs::DESIRED_COUNT);
    let runs_tasks = change.wanted.desired_count.unwrap_or_default() > 0;
    runs_tasks && (starts || observed.outputs.failed)
}
