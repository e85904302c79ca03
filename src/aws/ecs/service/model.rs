//! The inputs and outputs of a service.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::canonical::canonical_network;
use crate::aws::ecs::{NAME, by_name};
use crate::resource::{OutputTable, PropertyTable, Value};

/// Keeps a number of tasks running.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema, PropertyTable)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Inputs {
    /// The name: 1 to 255 letters, digits, `_` and `-`; unique in the cluster.
    #[property(replaces, text(NAME))]
    pub name: String,
    /// The name or ARN of the cluster.
    #[property(required, replaces, canonical(by_name))]
    pub cluster: String,
    /// The task definition: `family:revision`, or the ARN of a revision.
    #[property(required, canonical(by_name))]
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

pub(in crate::aws::ecs) const CLUSTER: &str = "aws:ecs:Cluster";
pub(in crate::aws::ecs) const LATEST: &str = "LATEST";
pub(in crate::aws::ecs) const NONE: &str = "NONE";
