//! ECS service.
//!
//! - The name is unique in its cluster. The client token makes a repeated create safe, but it outlives its service: AWS
//!   may answer with the dead one, and then the next token is tried.
//! - A deleted service drains for minutes, keeps its name while it does, and is described as INACTIVE for a while after.
//! - Each change of what tasks are made of starts a deployment; `rollout.rs` tells how it ends.
//! - Where a scalable target exists, autoscaling owns the number of tasks: `desiredCountRange` says so.

use std::collections::{BTreeMap, BTreeSet};

use async_trait::async_trait;
use aws_sdk_ecs::types::{
    AssignPublicIp, AwsVpcConfiguration, DeploymentCircuitBreaker, DeploymentConfiguration,
    LaunchType, LoadBalancer as EcsLoadBalancer, NetworkConfiguration as EcsNetwork, PropagateTags,
    Service as EcsService, ServiceField,
};
use futures_util::future::try_join_all;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::rollout::{self, Awaited};
use crate::aws::context::Context;
use crate::aws::error::{AwsResult, expected};
use crate::aws::resource_type::{Change, Live, LiveOf, New, ResourceType, adopt};
use crate::aws::wait::{Poll, Wait, until_visible};
use crate::resource::diff::sorted;
use crate::resource::provider::{DataPolicy, Progress, Query};
use crate::resource::{
    Condition, CreateClass, ErrorKind, Properties, Property, ProviderError, Schema, Value,
};

/// Keeps a number of tasks running.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Inputs {
    /// 1 to 255 letters, digits, `_` and `-`; unique in the cluster.
    pub name: String,
    /// Name or ARN of the cluster.
    pub cluster: String,
    /// `family:revision`, or the ARN of a revision.
    pub task_definition: String,
    /// How many tasks run. Default: 0, or the lower end of `desiredCountRange`.
    pub desired_count: Option<i32>,
    /// The limits between which autoscaling owns the number of tasks: inside them the live number is left alone.
    pub desired_count_range: Option<CountRange>,
    /// `FARGATE`, `EC2` or `EXTERNAL`. Default: AWS chooses by the cluster. A change replaces the service.
    #[schemars(extend("enum" = ["FARGATE", "EC2", "EXTERNAL", null]))]
    pub launch_type: Option<String>,
    /// Fargate platform version. Default: `LATEST`.
    pub platform_version: String,
    /// Needed in `awsvpc` mode, which Fargate needs.
    pub network_configuration: Option<NetworkConfiguration>,
    /// The target groups that tasks are registered in.
    #[serde(default)]
    pub load_balancers: Vec<LoadBalancer>,
    /// Default: off.
    pub deployment_circuit_breaker: CircuitBreaker,
    /// Most tasks during a deployment, in percent of the desired count. Default: 200.
    pub deployment_maximum_percent: i32,
    /// Fewest healthy tasks during a deployment, in percent of the desired count. Default: 100.
    pub deployment_minimum_healthy_percent: i32,
    /// Seconds after a task's start in which failing health checks of the load balancer do not count. Default: 0.
    pub health_check_grace_period_seconds: i32,
    /// Whether `aws ecs execute-command` works. Default: false.
    pub enable_execute_command: bool,
    /// Whether AWS tags the tasks with cluster and service. Default: false.
    pub enable_ecs_managed_tags: bool,
    /// Where tasks have their tags from: `SERVICE`, `TASK_DEFINITION` or `NONE`. Default: `NONE`.
    #[schemars(extend("enum" = ["SERVICE", "TASK_DEFINITION", "NONE"]))]
    pub propagate_tags: String,
    /// Whether each update starts a deployment, even if nothing that tasks are made of changes. Default: false.
    pub force_new_deployment: Option<bool>,
    /// Whether to wait until a deployment is complete, and to fail if it is not. Default: true.
    pub wait_for_steady_state: Option<bool>,
}

/// The limits of autoscaling.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct CountRange {
    pub min: i32,
    pub max: i32,
}

/// Where tasks have their network interfaces.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct NetworkConfiguration {
    /// 1 to 16 subnets of one VPC.
    pub subnets: Vec<String>,
    /// At most 5. Default: the VPC's default group.
    #[serde(default)]
    pub security_groups: Vec<String>,
    /// Default: false.
    #[serde(default)]
    pub assign_public_ip: bool,
}

/// A target group, and what is registered in it.
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
    /// Whether the last deployment that was complete comes back.
    pub rollback: bool,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Outputs {
    /// Id of the deployment that the last call started or found.
    pub deployment: Option<String>,
    /// ARN of the task definition that this deployment runs.
    pub deployment_task_definition: Option<String>,
}

pub struct Service;

#[async_trait]
impl ResourceType for Service {
    type Inputs = Inputs;
    type Outputs = Outputs;

    fn schema(&self) -> Schema {
        Schema::new::<Inputs>("aws:ecs:Service", CreateClass::Token)
            .named("name", 255)
            .properties([
                Property::new("name").replaces(),
                Property::new("cluster")
                    .required()
                    .replaces()
                    .canonical(super::by_name),
                Property::new("taskDefinition")
                    .required()
                    .canonical(super::by_name),
                Property::new("desiredCount").server_chooses(),
                Property::new("desiredCountRange").write_only(),
                Property::new("launchType").server_chooses().replaces(),
                Property::new("platformVersion").default(LATEST),
                Property::new("networkConfiguration").canonical(canonical_network),
                Property::new("loadBalancers").set(),
                Property::new("deploymentCircuitBreaker").default(Value::object([
                    ("enable", false.into()),
                    ("rollback", false.into()),
                ])),
                Property::new("deploymentMaximumPercent").default(200),
                Property::new("deploymentMinimumHealthyPercent").default(100),
                Property::new("healthCheckGracePeriodSeconds").default(0),
                Property::new("enableExecuteCommand").default(false),
                Property::new("enableEcsManagedTags").default(false),
                Property::new("propagateTags").default(NONE),
                Property::new("forceNewDeployment")
                    .default(false)
                    .write_only(),
                Property::new("waitForSteadyState")
                    .default(true)
                    .write_only(),
            ])
            .reads_after(&[CLUSTER])
            .deletes_after(&["aws:appautoscaling:Target"])
            .defers(keep_scaled_count)
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

    async fn create(
        &self,
        context: &Context,
        new: New<'_, Self::Inputs>,
    ) -> AwsResult<LiveOf<Self>> {
        match start(context, &new).await {
            Ok(service) => {
                let started = live(&service);
                Ok(Live {
                    inputs: Inputs {
                        desired_count: started.inputs.desired_count,
                        ..new.inputs.clone()
                    },
                    tags: new.tags.clone(),
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
                adopt(new.urn, live(&service), error)
            }
            Err(error) => Err(error),
        }
    }

    async fn update(&self, context: &Context, change: Change<'_, Self>) -> AwsResult<LiveOf<Self>> {
        const OPERATION: &str = "ecs:UpdateService";
        let wanted = change.wanted;
        let touches = |property: &str| change.diff.touches(property);
        let network = match (
            touches("networkConfiguration"),
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
        let task_definition = revision(wanted)?;
        let answer = until_visible(|| {
            context.call(OPERATION, || {
                context
                    .ecs
                    .update_service()
                    .cluster(&change.observed.inputs.cluster)
                    .service(&change.observed.inputs.name)
                    .set_task_definition(
                        touches("taskDefinition").then(|| task_definition.to_owned()),
                    )
                    .set_desired_count(
                        touches("desiredCount")
                            .then_some(wanted.desired_count)
                            .flatten(),
                    )
                    .set_platform_version(
                        touches("platformVersion").then(|| wanted.platform_version.clone()),
                    )
                    .set_network_configuration(network.clone())
                    .set_load_balancers(touches("loadBalancers").then(|| to_load_balancers(wanted)))
                    .set_deployment_configuration(deployment.clone())
                    .set_health_check_grace_period_seconds(
                        touches("healthCheckGracePeriodSeconds")
                            .then_some(wanted.health_check_grace_period_seconds),
                    )
                    .set_enable_execute_command(
                        touches("enableExecuteCommand").then_some(wanted.enable_execute_command),
                    )
                    .set_enable_ecs_managed_tags(
                        touches("enableEcsManagedTags").then_some(wanted.enable_ecs_managed_tags),
                    )
                    .set_propagate_tags(
                        touches("propagateTags")
                            .then(|| PropagateTags::from(wanted.propagate_tags.as_str())),
                    )
                    .set_force_new_deployment(
                        (wanted.force_new_deployment == Some(true)).then_some(true),
                    )
                    .send()
            })
        })
        .await?;
        let service = expected(OPERATION, answer.service, "a service")?;
        let mut outputs = live(&service).outputs;
        let answered = outputs
            .deployment_task_definition
            .as_deref()
            .unwrap_or_default();
        if super::name_of(answered) != super::name_of(task_definition) {
            // The answer does not show the deployment yet: it is recognised by what it runs.
            outputs = Outputs {
                deployment: None,
                deployment_task_definition: Some(task_definition.to_owned()),
            };
        }
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
        rollout::wait(
            context,
            &live.inputs.cluster,
            &live.inputs.name,
            &awaited(&live.outputs),
            progress,
        )
        .await?;
        Ok(Live {
            condition: Condition::Ready,
            ..live
        })
    }

    async fn delete(
        &self,
        context: &Context,
        live: &LiveOf<Self>,
        _data: DataPolicy,
        progress: &dyn Progress,
    ) -> AwsResult<()> {
        let (cluster, name) = (&live.inputs.cluster, &live.inputs.name);
        let deleted = context
            .call("ecs:DeleteService", || {
                context
                    .ecs
                    .delete_service()
                    .cluster(cluster)
                    .service(name)
                    // Scales to nothing first.
                    .force(true)
                    .send()
            })
            .await;
        match deleted {
            Ok(_) => {}
            // Gone, or draining since an earlier run.
            Err(error) if error.is(ErrorKind::NotFound) => {}
            Err(error) => return Err(error),
        }
        Wait::long("ecs:DescribeServices", 20, progress)
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

const CLUSTER: &str = "aws:ecs:Cluster";
const INACTIVE: &str = "INACTIVE";
const DRAINING: &str = "DRAINING";
const LATEST: &str = "LATEST";
const NONE: &str = "NONE";

/// How many dead services with tokens of ours AWS may remember before a create is given up.
const GENERATIONS: u32 = 16;

/// Where services may be: clusters by name, and the names to ask for in each.
fn places<'a>(query: Query<'a>) -> BTreeMap<&'a str, BTreeSet<&'a str>> {
    let ours: Vec<&str> = query
        .parents(CLUSTER)
        .map(|cluster| super::name_of(&cluster.id))
        .collect();
    let mut places: BTreeMap<&str, BTreeSet<&str>> =
        ours.iter().map(|name| (*name, BTreeSet::new())).collect();
    for wanted in query.wanted {
        let text = |property: &str| wanted.inputs.get(property).and_then(Value::as_str);
        let Some(name) = text("name") else {
            continue;
        };
        match text("cluster") {
            Some(cluster) => {
                places
                    .entry(super::name_of(cluster))
                    .or_default()
                    .insert(name);
            }
            // A cluster that is not known yet is one of ours, or does not exist.
            None => {
                for cluster in &ours {
                    places.entry(cluster).or_default().insert(name);
                }
            }
        }
    }
    for entry in query.indexed {
        if let Some((_, path)) = entry.arn.split_once(":service/")
            && let Some((cluster, name)) = path.split_once('/')
        {
            places.entry(cluster).or_default().insert(name);
        }
    }
    places
}

/// The named services of a cluster, and every other one if the cluster is ours and runs more than those.
async fn in_cluster(
    context: &Context,
    query: Query<'_>,
    cluster: &str,
    names: BTreeSet<&str>,
) -> AwsResult<Vec<EcsService>> {
    let names: Vec<String> = names.into_iter().map(str::to_owned).collect();
    let mut found = match describe(context, cluster, &names).await {
        // The index lists for a while what is gone, and what is wanted may not exist yet.
        Err(error) if error.is(ErrorKind::NotFound) => return Ok(Vec::new()),
        other => other?,
    };
    let parent = query
        .parents(CLUSTER)
        .find(|parent| super::name_of(&parent.id) == cluster);
    if let Some(parent) = parent {
        let active = found
            .iter()
            .filter(|service| service.status() == Some("ACTIVE"))
            .count();
        // A service that neither file nor index names: the index lags behind.
        if super::cluster::active_services(query.session, &parent.id).await? > active {
            let others: Vec<String> = list(context, cluster)
                .await?
                .into_iter()
                .filter(|name| !names.contains(name))
                .collect();
            found.extend(describe(context, cluster, &others).await?);
        }
    }
    Ok(found)
}

/// The names of a cluster's services.
async fn list(context: &Context, cluster: &str) -> AwsResult<Vec<String>> {
    let mut names = Vec::new();
    let mut token: Option<String> = None;
    loop {
        let page = context
            .call("ecs:ListServices", || {
                context
                    .ecs
                    .list_services()
                    .cluster(cluster)
                    .max_results(100)
                    .set_next_token(token.clone())
                    .send()
            })
            .await?;
        token = page.next_token().map(str::to_owned);
        names.extend(
            page.service_arns()
                .iter()
                .map(|arn| super::name_of(arn).to_owned()),
        );
        if token.is_none() {
            return Ok(names);
        }
    }
}

/// Services of a cluster by name, at most ten a call.
pub(super) async fn describe(
    context: &Context,
    cluster: &str,
    names: &[String],
) -> AwsResult<Vec<EcsService>> {
    const OPERATION: &str = "ecs:DescribeServices";
    let answers = try_join_all(names.chunks(10).map(|names| async move {
        let answer = context
            .call(OPERATION, || {
                context
                    .ecs
                    .describe_services()
                    .cluster(cluster)
                    .set_services(Some(names.to_vec()))
                    .include(ServiceField::Tags)
                    .send()
            })
            .await?;
        super::check(OPERATION, answer.failures())?;
        Ok(answer.services.unwrap_or_default())
    }))
    .await?;
    Ok(answers.into_iter().flatten().collect())
}

/// Makes the service, after its predecessor of the same name has drained.
async fn start(context: &Context, new: &New<'_, Inputs>) -> AwsResult<EcsService> {
    const OPERATION: &str = "ecs:CreateService";
    let inputs = new.inputs;
    let task_definition = revision(inputs)?;
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
            context.call(OPERATION, || {
                context
                    .ecs
                    .create_service()
                    .client_token(&token)
                    .service_name(&inputs.name)
                    .cluster(&inputs.cluster)
                    .task_definition(task_definition)
                    .desired_count(count)
                    .set_launch_type(inputs.launch_type.as_deref().map(LaunchType::from))
                    .set_platform_version(
                        (inputs.platform_version != LATEST)
                            .then(|| inputs.platform_version.clone()),
                    )
                    .set_network_configuration(network.clone())
                    .set_load_balancers(
                        (!load_balancers.is_empty()).then(|| load_balancers.clone()),
                    )
                    .deployment_configuration(deployment_configuration(inputs))
                    .set_health_check_grace_period_seconds(
                        // Refused without a load balancer.
                        (inputs.health_check_grace_period_seconds > 0)
                            .then_some(inputs.health_check_grace_period_seconds),
                    )
                    .enable_execute_command(inputs.enable_execute_command)
                    .enable_ecs_managed_tags(inputs.enable_ecs_managed_tags)
                    .set_propagate_tags(
                        (inputs.propagate_tags != NONE)
                            .then(|| PropagateTags::from(inputs.propagate_tags.as_str())),
                    )
                    .set_tags(Some(super::to_sdk(new.tags)))
                    .send()
            })
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

/// The revision to run. A family alone would mean another revision each time.
fn revision(inputs: &Inputs) -> AwsResult<&str> {
    let reference = inputs.task_definition.as_str();
    if super::name_of(reference).contains(':') {
        return Ok(reference);
    }
    Err(ProviderError::new(
        ErrorKind::Invalid,
        "aws:ecs:Service",
        format!(
            "`taskDefinition` is `{reference}`: it must name a revision, as `{reference}:1` does"
        ),
    ))
}

fn awaited(outputs: &Outputs) -> Awaited<'_> {
    Awaited {
        deployment: outputs.deployment.as_deref(),
        task_definition: outputs.deployment_task_definition.as_deref(),
    }
}

/// Whether to wait, as the author wants it.
fn condition_for(inputs: &Inputs, service: &EcsService, outputs: &Outputs) -> Condition {
    if inputs.wait_for_steady_state == Some(false) {
        return Condition::Ready;
    }
    rollout::condition(service, &awaited(outputs))
}

fn live(service: &EcsService) -> LiveOf<Service> {
    let arn = service.service_arn().unwrap_or_default().to_owned();
    let configuration = service.deployment_configuration();
    let breaker = configuration.and_then(DeploymentConfiguration::deployment_circuit_breaker);
    let primary = rollout::primary(service);
    let outputs = Outputs {
        deployment: primary.and_then(|primary| primary.id().map(str::to_owned)),
        deployment_task_definition: primary
            .and_then(|primary| primary.task_definition().map(str::to_owned)),
    };
    Live {
        id: arn.clone(),
        arn: Some(arn),
        inputs: Inputs {
            name: service.service_name().unwrap_or_default().to_owned(),
            cluster: service.cluster_arn().unwrap_or_default().to_owned(),
            task_definition: service.task_definition().unwrap_or_default().to_owned(),
            desired_count: Some(service.desired_count()),
            desired_count_range: None,
            launch_type: service.launch_type().map(|kind| kind.as_str().to_owned()),
            platform_version: service.platform_version().unwrap_or(LATEST).to_owned(),
            network_configuration: service
                .network_configuration()
                .and_then(EcsNetwork::awsvpc_configuration)
                .map(|network| NetworkConfiguration {
                    subnets: network.subnets().to_vec(),
                    security_groups: network.security_groups().to_vec(),
                    assign_public_ip: network.assign_public_ip() == Some(&AssignPublicIp::Enabled),
                }),
            load_balancers: service
                .load_balancers()
                .iter()
                .map(|entry| LoadBalancer {
                    target_group_arn: entry.target_group_arn().unwrap_or_default().to_owned(),
                    container_name: entry.container_name().unwrap_or_default().to_owned(),
                    container_port: entry.container_port().unwrap_or_default(),
                })
                .collect(),
            deployment_circuit_breaker: CircuitBreaker {
                enable: breaker.is_some_and(DeploymentCircuitBreaker::enable),
                rollback: breaker.is_some_and(DeploymentCircuitBreaker::rollback),
            },
            deployment_maximum_percent: configuration
                .and_then(DeploymentConfiguration::maximum_percent)
                .unwrap_or(200),
            deployment_minimum_healthy_percent: configuration
                .and_then(DeploymentConfiguration::minimum_healthy_percent)
                .unwrap_or(100),
            health_check_grace_period_seconds: service
                .health_check_grace_period_seconds()
                .unwrap_or(0),
            enable_execute_command: service.enable_execute_command(),
            enable_ecs_managed_tags: service.enable_ecs_managed_tags(),
            propagate_tags: service
                .propagate_tags()
                .map_or(NONE, PropagateTags::as_str)
                .to_owned(),
            force_new_deployment: None,
            wait_for_steady_state: None,
        },
        tags: super::from_sdk(service.tags()),
        condition: match service.status() {
            // Its name is free only once it is gone, so it is deleted to the end and made again.
            Some(DRAINING) => Condition::Broken("draining".to_owned()),
            _ => rollout::condition(service, &awaited(&outputs)),
        },
        outputs,
    }
}

fn deployment_configuration(inputs: &Inputs) -> DeploymentConfiguration {
    let breaker = DeploymentCircuitBreaker::builder()
        .enable(inputs.deployment_circuit_breaker.enable)
        .rollback(inputs.deployment_circuit_breaker.rollback)
        .build();
    DeploymentConfiguration::builder()
        .deployment_circuit_breaker(breaker)
        .maximum_percent(inputs.deployment_maximum_percent)
        .minimum_healthy_percent(inputs.deployment_minimum_healthy_percent)
        .build()
}

fn to_network(operation: &str, network: &NetworkConfiguration) -> AwsResult<EcsNetwork> {
    let configuration = AwsVpcConfiguration::builder()
        .set_subnets(Some(network.subnets.clone()))
        .set_security_groups(Some(network.security_groups.clone()))
        .assign_public_ip(if network.assign_public_ip {
            AssignPublicIp::Enabled
        } else {
            AssignPublicIp::Disabled
        })
        .build()
        .map_err(super::invalid(operation))?;
    Ok(EcsNetwork::builder()
        .awsvpc_configuration(configuration)
        .build())
}

fn to_load_balancers(inputs: &Inputs) -> Vec<EcsLoadBalancer> {
    inputs
        .load_balancers
        .iter()
        .map(|entry| {
            EcsLoadBalancer::builder()
                .target_group_arn(&entry.target_group_arn)
                .container_name(&entry.container_name)
                .container_port(entry.container_port)
                .build()
        })
        .collect()
}

/// Subnets and groups are sets; a public address is not given unless asked for.
fn canonical_network(value: Value) -> Value {
    let Value::Object(mut network) = value else {
        return value;
    };
    for list in ["subnets", "securityGroups"] {
        if let Some(values) = network.remove(list) {
            network.insert(list.to_owned(), sorted(values));
        }
    }
    network
        .entry("assignPublicIp".to_owned())
        .or_insert(Value::Bool(false));
    Value::Object(network)
}

/// Where autoscaling owns the number of tasks, the live number stays, brought between the limits.
///
/// A count of 0 outside the limits switches the service off; a service that is off starts with the count of the file.
fn keep_scaled_count(desired: &mut Properties, observed: &Properties) {
    let limits = desired
        .get("desiredCountRange")
        .and_then(Value::as_object)
        .and_then(|range| {
            Some((
                range.get("min")?.as_number()?,
                range.get("max")?.as_number()?,
            ))
        })
        .filter(|(min, max)| min <= max);
    let live = observed.get("desiredCount").and_then(Value::as_number);
    let count = match (desired.get("desiredCount"), limits, live) {
        (None | Some(Value::Null), None, _) => 0.0,
        (None | Some(Value::Null), Some((min, max)), Some(live)) => live.clamp(min, max),
        (Some(Value::Number(wanted)), Some((min, max)), Some(live)) => {
            if *wanted == 0.0 && min > 0.0 {
                0.0
            } else if live == 0.0 && min > 0.0 {
                wanted.clamp(min, max)
            } else {
                live.clamp(min, max)
            }
        }
        _ => return,
    };
    desired.insert("desiredCount".to_owned(), count.into());
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::resource::value::properties;

    fn kept(desired: serde_json::Value, live: i32) -> Option<Value> {
        let Value::Object(mut desired) = Value::from(desired) else {
            return None;
        };
        keep_scaled_count(&mut desired, &properties([("desiredCount", live.into())]));
        desired.remove("desiredCount")
    }

    #[test]
    fn the_count_of_autoscaling_stays_between_its_limits() {
        let range = json!({"min": 1, "max": 3});
        let scaled = |count: i32| json!({"desiredCount": count, "desiredCountRange": range});
        assert_eq!(kept(scaled(1), 2), Some(2.into()));
        assert_eq!(kept(scaled(1), 5), Some(3.into()));
        // Switched off, and on again.
        assert_eq!(kept(scaled(0), 2), Some(0.into()));
        assert_eq!(kept(scaled(2), 0), Some(2.into()));
        // No range: the file decides.
        assert_eq!(kept(json!({"desiredCount": 1}), 2), Some(1.into()));
        assert_eq!(kept(json!({}), 2), Some(0.into()));
        assert_eq!(kept(json!({"desiredCountRange": range}), 2), Some(2.into()));
        // A scheduled zero inside the range is autoscaling's too.
        assert_eq!(
            kept(
                json!({"desiredCount": 1, "desiredCountRange": {"min": 0, "max": 3}}),
                0
            ),
            Some(0.into())
        );
    }

    #[test]
    fn order_of_subnets_means_nothing() {
        assert_eq!(
            canonical_network(json!({"subnets": ["b", "a"]}).into()),
            canonical_network(json!({"subnets": ["a", "b"], "assignPublicIp": false}).into())
        );
    }

    #[test]
    fn a_family_alone_is_refused() {
        let mut inputs = live(&EcsService::builder().build()).inputs;
        inputs.task_definition = "api".to_owned();
        assert!(revision(&inputs).unwrap_err().message.contains("`api:1`"));
        inputs.task_definition = "arn:aws:ecs:eu-south-2:1:task-definition/api:3".to_owned();
        assert!(revision(&inputs).is_ok());
    }
}
