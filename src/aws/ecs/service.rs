//! ECS service.
//!
//! - The name is unique in its cluster. The client token makes a repeated create safe, but it outlives its service: AWS may
//!   return the deleted one, and then the next token is tried.
//! - A deleted service drains for minutes, keeps its name while it does, and is shown as INACTIVE for a while after.
//! - Each change of the tasks themselves starts a deployment; `rollout.rs` tells how it ends.
//! - The number of tasks is no such change: a service that starts its first task would do so without circuit breaker, in a
//!   deployment that was complete without tasks. So its start is a forced deployment.
//!   <https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_UpdateService.html>
//! - A service found with a failed deployment gets a new one, once per run.
//! - A launch type and a capacity provider exclude each other. A service that was moved to Fargate Spot comes back to the
//!   launch type by an empty strategy, which changes the tasks only with a forced deployment.
//! - Where a scalable target exists, autoscaling owns the number of tasks: `desiredCountRange` says so.

use aws_sdk_ecs::types::{LaunchType, PropagateTags, Service as EcsService};
use futures_util::future::{join_all, try_join_all};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::rollout::{self, Ended};
use super::service_form::{
    awaited, canonical_network, deployment_configuration, keep_scaled_count, live,
    to_load_balancers, to_network,
};
use super::service_search::{describe, in_cluster, named, places};
use crate::aws::context::Context;
use crate::aws::error::{AwsResult, expected};
use crate::aws::resource_type::{Change, Live, LiveOf, New, Old, ResourceType, adopt, check};
use crate::aws::wait::{Poll, Wait, until_visible};
use crate::resource::provider::{Progress, Query};
use crate::resource::rule::Beside;
use crate::resource::{
    Condition, CreateClass, ErrorKind, Interruption, InvalidInput, OutputTable, PropertyTable,
    ProviderError, Schema, Value,
};

/// Keeps a number of tasks running.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema, PropertyTable)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Inputs {
    /// The name: 1 to 255 letters, digits, `_` and `-`; unique in the cluster.
    #[property(replaces, text(super::NAME))]
    pub name: String,
    /// The name or ARN of the cluster.
    #[property(required, replaces, canonical(super::by_name))]
    pub cluster: String,
    /// The task definition: `family:revision`, or the ARN of a revision.
    #[property(required, canonical(super::by_name))]
    pub task_definition: String,
    /// The number of tasks that run. Default: 0, or the lower end of `desiredCountRange`.
    #[property(server_chooses)]
    pub desired_count: Option<i32>,
    /// The limits between which autoscaling owns the number of tasks: inside them the live number is left alone.
    #[property(write_only)]
    pub desired_count_range: Option<CountRange>,
    /// The launch type: `FARGATE`, `EC2` or `EXTERNAL`. Default: AWS chooses by the cluster. A change replaces the service;
    /// a service that was moved to a capacity provider comes back in place.
    #[schemars(extend("enum" = ["FARGATE", "EC2", "EXTERNAL", null]))]
    // A service that was given a capacity provider has no launch type, and takes it back in place.
    #[property(server_chooses, replaces_once_set)]
    pub launch_type: Option<String>,
    /// The Fargate platform version.
    #[property(default(LATEST))]
    pub platform_version: String,
    /// The network of the tasks. Required in `awsvpc` mode, which Fargate requires.
    #[property(canonical(canonical_network))]
    pub network_configuration: Option<NetworkConfiguration>,
    /// The target groups that tasks are registered in.
    #[serde(default)]
    #[property(set)]
    pub load_balancers: Vec<LoadBalancer>,
    /// The deployment circuit breaker. Default: off.
    #[property(default(Value::object([ ("enable", false.into()), ("rollback", false.into()), ])))]
    pub deployment_circuit_breaker: CircuitBreaker,
    /// The most tasks during a deployment, in percent of the desired count.
    #[property(default(200))]
    pub deployment_maximum_percent: i32,
    /// The fewest healthy tasks during a deployment, in percent of the desired count.
    #[property(default(100))]
    pub deployment_minimum_healthy_percent: i32,
    /// The seconds after a task's start in which failing health checks of the load balancer do not count.
    #[property(default(0))]
    pub health_check_grace_period_seconds: i32,
    /// True if `aws ecs execute-command` works.
    #[property(default(false))]
    pub enable_execute_command: bool,
    /// True if AWS tags the tasks with cluster and service.
    #[property(default(false))]
    pub enable_ecs_managed_tags: bool,
    /// The source of the tasks' tags: `SERVICE`, `TASK_DEFINITION` or `NONE`.
    #[schemars(extend("enum" = ["SERVICE", "TASK_DEFINITION", "NONE"]))]
    #[property(default(NONE))]
    pub propagate_tags: String,
    /// True if each update starts a deployment, even if nothing about the tasks changes.
    #[property(default(false), write_only)]
    pub force_new_deployment: Option<bool>,
    /// True if a run waits until a deployment is complete, and fails if it is not.
    #[property(default(true), write_only)]
    pub wait_for_steady_state: Option<bool>,
}

/// The limits of autoscaling.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct CountRange {
    pub min: i32,
    pub max: i32,
}

/// The network interfaces of tasks.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct NetworkConfiguration {
    /// The subnets: 1 to 16 of one VPC.
    pub subnets: Vec<String>,
    /// The security groups: at most 5. Default: the VPC's default group.
    #[serde(default)]
    pub security_groups: Vec<String>,
    /// True if tasks have public addresses.
    #[serde(default)]
    pub assign_public_ip: bool,
}

/// A target group, and the container that is registered in it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct LoadBalancer {
    pub target_group_arn: String,
    pub container_name: String,
    pub container_port: i32,
}

/// Ends deployments whose tasks keep failing.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct CircuitBreaker {
    pub enable: bool,
    /// True if a failed deployment is rolled back to the last complete one.
    pub rollback: bool,
}

#[derive(Debug, Clone, Serialize, Deserialize, OutputTable)]
#[serde(rename_all = "camelCase")]
pub struct Outputs {
    /// The id of the deployment that the last call started or found.
    #[output(internal)]
    pub deployment: Option<String>,
    /// The ARN of the task definition that this deployment runs.
    #[output(internal)]
    pub deployment_task_definition: Option<String>,
    /// True if this deployment has failed independently of this run: a new one has to take its place.
    #[serde(default)]
    #[output(internal)]
    pub failed: bool,
    /// The id of the deployment that this one replaces, running the same.
    #[output(internal)]
    pub instead_of: Option<String>,
}

pub struct Service;

impl ResourceType for Service {
    type Inputs = Inputs;
    type Outputs = Outputs;

    fn schema(&self) -> Schema {
        Schema::of::<Inputs, Outputs>("aws:ecs:Service", CreateClass::Token)
            .found_by_name()
            .checks(|inputs| check(inputs, fit))
            .named(Inputs::NAME, 255)
            .named_within(&[Inputs::CLUSTER])
            .beside(&[Beside {
                by: Inputs::TASK_DEFINITION,
                token: "aws:ecs:TaskDefinition",
                check: super::checks::beside_service,
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
                let (cluster, name) = (&new.inputs.cluster, &new.inputs.name);
                let found = describe(context, cluster, std::slice::from_ref(name)).await?;
                let service = expected(
                    "ecs:DescribeServices",
                    found.into_iter().next(),
                    "the service",
                )?;
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
        let deployment = [
            "deploymentCircuitBreaker",
            "deploymentMaximumPercent",
            "deploymentMinimumHealthyPercent",
        ]
        .into_iter()
        .any(touches)
        .then(|| deployment_configuration(wanted));
        let task_definition = wanted.task_definition.as_str();
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
                .set_task_definition(
                    touches(Inputs::TASK_DEFINITION).then(|| task_definition.to_owned()),
                )
                .set_desired_count(
                    touches(Inputs::DESIRED_COUNT)
                        .then_some(wanted.desired_count)
                        .flatten(),
                )
                .set_capacity_provider_strategy(leaves_provider.then(Vec::new))
                .set_platform_version(
                    touches(Inputs::PLATFORM_VERSION).then(|| wanted.platform_version.clone()),
                )
                .set_network_configuration(network.clone())
                .set_load_balancers(
                    touches(Inputs::LOAD_BALANCERS).then(|| to_load_balancers(wanted)),
                )
                .set_deployment_configuration(deployment.clone())
                .set_health_check_grace_period_seconds(
                    touches(Inputs::HEALTH_CHECK_GRACE_PERIOD_SECONDS)
                        .then_some(wanted.health_check_grace_period_seconds),
                )
                .set_enable_execute_command(
                    touches(Inputs::ENABLE_EXECUTE_COMMAND)
                        .then_some(wanted.enable_execute_command),
                )
                .set_enable_ecs_managed_tags(
                    touches(Inputs::ENABLE_ECS_MANAGED_TAGS)
                        .then_some(wanted.enable_ecs_managed_tags),
                )
                .set_propagate_tags(
                    touches(Inputs::PROPAGATE_TAGS)
                        .then(|| PropagateTags::from(wanted.propagate_tags.as_str())),
                )
                .set_force_new_deployment(forced.then_some(true));
            context.send(request)
        })
        .await?;
        let service = expected(OPERATION, answer.service, "a service")?;
        let before = forced.then_some(&change.observed.outputs);
        let outputs = outputs_after(&service, task_definition, before);
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
        let mut live = if live.outputs.failed {
            deploy_again(context, live, None).await?
        } else {
            live
        };
        if let Ended::WantsRole(failed) = watch(context, &live, true, progress).await? {
            progress.status("ECS did not know the role of the tasks yet: a new deployment");
            live.outputs.deployment = Some(failed);
            let revision = live.inputs.task_definition.clone();
            live = deploy_again(context, live, Some(revision)).await?;
            watch(context, &live, false, progress).await?;
        }
        Ok(Live {
            condition: Condition::Ready,
            ..live
        })
    }

    async fn delete(&self, context: &Context, old: Old<'_, Self>) -> AwsResult<()> {
        let (cluster, name) = (&old.live.inputs.cluster, &old.live.inputs.name);
        let request = context
            .ecs
            .delete_service()
            .cluster(cluster)
            .service(name)
            // This scales to zero first.
            .force(true);
        let deleted = context.send(request).await;
        match deleted {
            Ok(_) => {}
            // It is gone, or draining since an earlier run.
            Err(error) if error.is(ErrorKind::NotFound) => {}
            Err(error) => return Err(error),
        }
        Wait::long("ecs:DescribeServices", 20, old.progress)
            .until(|| async {
                let found = match describe(context, cluster, std::slice::from_ref(name)).await {
                    Err(error) if error.is(ErrorKind::NotFound) => Vec::new(),
                    other => other?,
                };
                Ok(match found.first() {
                    Some(service) if service.status() != Some(INACTIVE) => {
                        Poll::Pending(format!("draining, {} running", service.running_count()))
                    }
                    _ => Poll::Ready(()),
                })
            })
            .await
    }
}

pub(super) const CLUSTER: &str = "aws:ecs:Cluster";
const INACTIVE: &str = "INACTIVE";
const DRAINING: &str = "DRAINING";
pub(super) const LATEST: &str = "LATEST";
pub(super) const NONE: &str = "NONE";

/// The number of deleted services with our tokens that AWS may remember before a create is given up.
const GENERATIONS: u32 = 16;

/// Makes the service, after its predecessor of the same name has drained.
async fn start(context: &Context, new: &New<'_, Service>) -> AwsResult<EcsService> {
    const OPERATION: &str = "ecs:CreateService";
    let inputs = new.inputs;
    let task_definition = inputs.task_definition.as_str();
    let network = inputs
        .network_configuration
        .as_ref()
        .map(|network| to_network(OPERATION, network))
        .transpose()?;
    let load_balancers = to_load_balancers(inputs);
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
                .task_definition(task_definition)
                .desired_count(count)
                .set_launch_type(inputs.launch_type.as_deref().map(LaunchType::from))
                .set_platform_version(
                    (inputs.platform_version != LATEST).then(|| inputs.platform_version.clone()),
                )
                .set_network_configuration(network.clone())
                .set_load_balancers((!load_balancers.is_empty()).then(|| load_balancers.clone()))
                .deployment_configuration(deployment_configuration(inputs))
                .set_health_check_grace_period_seconds(
                    // It is refused without a load balancer.
                    (inputs.health_check_grace_period_seconds > 0)
                        .then_some(inputs.health_check_grace_period_seconds),
                )
                .enable_execute_command(inputs.enable_execute_command)
                .enable_ecs_managed_tags(inputs.enable_ecs_managed_tags)
                .set_propagate_tags(
                    (inputs.propagate_tags != NONE)
                        .then(|| PropagateTags::from(inputs.propagate_tags.as_str())),
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

/// Waits for the deployment that the last call has started.
async fn watch(
    context: &Context,
    live: &LiveOf<Service>,
    roles_may_be_new: bool,
    progress: &dyn Progress,
) -> AwsResult<Ended> {
    let watch = rollout::Watch {
        inputs: &live.inputs,
        awaited: awaited(&live.outputs),
        roles_may_be_new,
    };
    rollout::wait(context, &watch, progress).await
}

/// Starts the same deployment again in place of a failed one: the cause may be fixed where AWS is not asked, such as in an
/// image of the same tag. `revision` is given if the circuit breaker may have rolled back to an earlier one.
async fn deploy_again(
    context: &Context,
    live: LiveOf<Service>,
    revision: Option<String>,
) -> AwsResult<LiveOf<Service>> {
    const OPERATION: &str = "ecs:UpdateService";
    let request = context
        .ecs
        .update_service()
        .cluster(&live.inputs.cluster)
        .service(&live.inputs.name)
        .set_task_definition(revision.clone())
        .force_new_deployment(true);
    let answer = context.send(request).await?;
    let service = expected(OPERATION, answer.service, "a service")?;
    Ok(Live {
        outputs: outputs_after(&service, &live.inputs.task_definition, Some(&live.outputs)),
        ..live
    })
}

/// Returns the outputs with the deployment to wait for after an update. `before` is given if a forced deployment was started
/// in place of it.
fn outputs_after(service: &EcsService, task_definition: &str, before: Option<&Outputs>) -> Outputs {
    let answered = live(service).outputs;
    let shown = answered
        .deployment_task_definition
        .as_deref()
        .is_some_and(|found| super::name_of(found) == super::name_of(task_definition));
    let instead_of = before.and_then(|before| before.deployment.clone());
    if shown && (instead_of.is_none() || answered.deployment != instead_of) {
        return answered;
    }
    // The answer does not show the deployment yet: it is recognized by what it runs.
    Outputs {
        deployment: None,
        deployment_task_definition: Some(task_definition.to_owned()),
        failed: false,
        instead_of,
    }
}

/// Checks the inputs. A family alone would mean another revision each time.
fn fit(inputs: &Inputs) -> Vec<InvalidInput> {
    let mut invalid_inputs = Vec::new();
    let reference = inputs.task_definition.as_str();
    if !super::name_of(reference).contains(':') {
        let reason = format!("`{reference}` must name a revision, as `{reference}:1` does");
        invalid_inputs.push(InvalidInput::new("taskDefinition", reason));
    }
    let (fewest, most) = (
        inputs.deployment_minimum_healthy_percent,
        inputs.deployment_maximum_percent,
    );
    if most <= fewest || most <= 100 && fewest >= 100 {
        let reason = format!(
            "is {most}, and `deploymentMinimumHealthyPercent` is {fewest}: no task could be replaced"
        );
        let decide = [
            "deploymentMaximumPercent",
            "deploymentMinimumHealthyPercent",
        ];
        invalid_inputs
            .push(InvalidInput::new("deploymentMaximumPercent", reason).decided_by(decide));
    }
    if inputs.health_check_grace_period_seconds > 0 && inputs.load_balancers.is_empty() {
        let reason = "goes with `loadBalancers` alone";
        invalid_inputs.push(InvalidInput::new("healthCheckGracePeriodSeconds", reason));
    }
    if let Some(range) = &inputs.desired_count_range
        && range.min > range.max
    {
        let reason = format!("`min` is {}, `max` is {}", range.min, range.max);
        invalid_inputs.push(InvalidInput::new("desiredCountRange", reason));
    }
    let is_fargate = inputs.launch_type.as_deref() == Some("FARGATE");
    match &inputs.network_configuration {
        None if is_fargate => {
            let reason = "must be given for the launch type `FARGATE`";
            let invalid_input = InvalidInput::new("networkConfiguration", reason);
            invalid_inputs.push(invalid_input.decided_by(["launchType"]));
        }
        Some(network) => {
            for (list, count, most) in [
                ("subnets", network.subnets.len(), 16),
                ("securityGroups", network.security_groups.len(), 5),
            ] {
                if count > most {
                    let at = format!("networkConfiguration.{list}");
                    let reason = format!("names {count}; AWS takes {most}");
                    // Their number is known, whichever they are.
                    invalid_inputs.push(InvalidInput::new(at, reason).decided_by([]));
                }
            }
        }
        None => {}
    }
    invalid_inputs
}

/// Returns what to wait for, if the author wants that.
fn condition_for(inputs: &Inputs, service: &EcsService, outputs: &Outputs) -> Condition {
    if inputs.wait_for_steady_state == Some(false) {
        return Condition::Ready;
    }
    rollout::condition_after(service, &awaited(outputs))
}

#[cfg(test)]
mod tests {
    use aws_sdk_ecs::types::Deployment;

    use super::*;

    #[test]
    fn an_answer_that_shows_the_deployment_before_is_seen_through() {
        let service = |id: &str| {
            let deployment = Deployment::builder()
                .id(id)
                .status("PRIMARY")
                .task_definition("arn:aws:ecs:r:1:task-definition/api:3")
                .build();
            EcsService::builder().deployments(deployment).build()
        };
        let before = live(&service("d1")).outputs;
        let shown = outputs_after(&service("d2"), "api:3", Some(&before));
        assert_eq!(shown.deployment.as_deref(), Some("d2"));
        let late = outputs_after(&service("d1"), "api:3", Some(&before));
        assert_eq!(late.deployment, None);
        assert_eq!(late.instead_of.as_deref(), Some("d1"));
        // An update that starts no deployment goes on with the existing one.
        let unforced = outputs_after(&service("d1"), "api:3", None);
        assert_eq!(unforced.deployment.as_deref(), Some("d1"));
    }

    #[test]
    fn a_family_alone_is_refused() {
        let mut inputs = live(&EcsService::builder().build()).inputs;
        inputs.task_definition = "api".to_owned();
        assert!(fit(&inputs)[0].reason.contains("`api:1`"));
        inputs.task_definition = "arn:aws:ecs:eu-south-2:1:task-definition/api:3".to_owned();
        assert_eq!(fit(&inputs), []);
    }
}
