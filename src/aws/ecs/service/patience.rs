//! The time limit of a rollout before it is given up.
//!
//! The circuit breaker ends a deployment after a number of failed tasks, and each of them may be checked for minutes before
//! it counts as one: the grace period of the load balancer, the start period of a container, and then as many checks as have
//! to fail. A run that gives up before the breaker does leaves the service in the middle of a deployment, and does not learn
//! how it ends. <https://docs.aws.amazon.com/AmazonECS/latest/developerguide/deployment-circuit-breaker.html>

use std::time::Duration;

use aws_sdk_ecs::types::{
    ContainerDefinition, Service as EcsService, TaskDefinition as EcsTaskDefinition,
};
use aws_sdk_elasticloadbalancingv2::types::TargetGroup;
use futures_util::future::join_all;

use super::diagnosis::groups_of;
use super::model::Inputs;
use crate::aws::context::Context;
use crate::aws::ecs::task_definition;
use crate::aws::error::AwsResult;

/// The least limit: nothing is given up earlier.
const LEAST: Duration = Duration::from_mins(20);
/// The time for one-time steps: the service is scheduled, the last events are written.
const ONCE: Duration = Duration::from_mins(5);
/// The time from the request for a task to its first container: an interface, an image, volumes.
const START: Duration = Duration::from_mins(3);
/// The time for a load balancer's checks while their settings are not known: AWS's default interval is 30 s, its largest 300
/// s.
const BALANCED: Duration = Duration::from_mins(5);

/// The checks of a task before it counts as healthy or failed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct Checks {
    /// The time in which failures do not count.
    grace: Duration,
    /// The time for as many failed checks as it takes.
    failing: Duration,
    /// The time from the end of a task's traffic to its end.
    draining: Duration,
}

/// The number of failed tasks at which the circuit breaker ends a deployment.
pub(super) fn threshold(desired: i32) -> i32 {
    let half = (desired + 1) / 2;
    half.clamp(3, 200)
}

/// Returns the limit for a rollout, as far as the service alone tells.
pub(super) fn limit(inputs: &Inputs) -> Duration {
    let is_balanced = !inputs.load_balancers.is_empty();
    within(
        inputs,
        Checks {
            grace: grace(inputs),
            failing: if is_balanced {
                BALANCED
            } else {
                Duration::ZERO
            },
            draining: Duration::ZERO,
        },
    )
}

/// Returns the limit for a rollout, including its task definition and its target groups. Called once the other limit has
/// passed: most rollouts take no calls for it. A failed read prolongs nothing.
pub(super) async fn longest(context: &Context, service: &EcsService, inputs: &Inputs) -> Duration {
    let definition = task_definition::describe(context, &inputs.task_definition).await;
    let definition = definition.ok().flatten().map(|(definition, _)| definition);
    let containers = definition
        .as_ref()
        .map_or(&[][..], EcsTaskDefinition::container_definitions);
    let mut checks = of_containers(containers);
    checks.grace = checks.grace.max(grace(inputs));
    let groups = groups_of(service).map(|group| of_group(context, group));
    for of_group in join_all(groups).await.into_iter().flatten() {
        checks.failing = checks.failing.max(of_group.failing);
        checks.draining = checks.draining.max(of_group.draining);
    }
    within(inputs, checks)
}

fn grace(inputs: &Inputs) -> Duration {
    seconds(inputs.health_check_grace_period_seconds)
}

fn seconds(number: i32) -> Duration {
    Duration::from_secs(u64::try_from(number).unwrap_or_default())
}

/// Returns the limit, counted in rounds. A round is the time of tasks that start together; there are as many as the circuit
/// breaker needs, or as follow from the number of tasks that the percentages allow at once.
fn within(inputs: &Inputs, checks: Checks) -> Duration {
    let desired = inputs.desired_count.unwrap_or_default().max(1);
    let failing = divided(threshold(desired), desired);
    let share = |percent: i32| i64::from(desired) * i64::from(percent.max(0)) / 100;
    let fewest = desired
        - i32::try_from(share(100 - inputs.deployment_minimum_healthy_percent)).unwrap_or(0);
    let most = i32::try_from(share(inputs.deployment_maximum_percent)).unwrap_or(i32::MAX);
    let at_once = most.saturating_sub(fewest).max(1);
    let rounds = failing.max(divided(desired, at_once));
    let round = START + checks.grace + checks.failing;
    let rounds = u32::try_from(rounds).unwrap_or(1);
    LEAST.max(ONCE + round.saturating_mul(rounds) + checks.draining)
}

/// Returns a quotient, rounded up.
fn divided(number: i32, by: i32) -> i32 {
    number / by + i32::from(number % by != 0)
}

/// Returns the containers' own checks: one container may wait for another, so their times add up.
fn of_containers(containers: &[ContainerDefinition]) -> Checks {
    let mut checks = Checks::default();
    for container in containers {
        checks.draining = checks
            .draining
            .max(seconds(container.stop_timeout().unwrap_or(30)));
        let Some(check) = container.health_check() else {
            continue;
        };
        checks.grace += seconds(check.start_period().unwrap_or(0));
        let each = check.interval().unwrap_or(30) + check.timeout().unwrap_or(5);
        checks.failing += seconds(each * check.retries().unwrap_or(3));
    }
    checks
}

async fn of_group(context: &Context, arn: &str) -> AwsResult<Checks> {
    let request = context
        .elbv2
        .describe_target_groups()
        .target_group_arns(arn);
    let described = context.send(request);
    let failing = described
        .await?
        .target_groups()
        .first()
        .map_or(Duration::ZERO, failing_of);
    let request = context
        .elbv2
        .describe_target_group_attributes()
        .target_group_arn(arn);
    let attributes = context.send(request);
    let attributes = attributes.await?;
    let delay = attributes
        .attributes()
        .iter()
        .find(|attribute| attribute.key() == Some("deregistration_delay.timeout_seconds"));
    let delay = delay.and_then(|attribute| attribute.value()?.parse().ok());
    Ok(Checks {
        grace: Duration::ZERO,
        failing,
        draining: seconds(delay.unwrap_or(300)),
    })
}

fn failing_of(group: &TargetGroup) -> Duration {
    let each = group.health_check_interval_seconds().unwrap_or(30);
    seconds(each * group.unhealthy_threshold_count().unwrap_or(2))
}

#[cfg(test)]
mod tests {
    use aws_sdk_ecs::types::HealthCheck;

    use super::*;
    use crate::aws::ecs::service::form::live;
    use crate::aws::ecs::service::model::LoadBalancer;

    fn inputs(desired: i32, grace: i32, balanced: bool) -> Inputs {
        let mut inputs = live(&EcsService::builder().build()).inputs;
        inputs.desired_count = Some(desired);
        inputs.health_check_grace_period_seconds = grace;
        if balanced {
            inputs.load_balancers.push(LoadBalancer {
                target_group_arn: "arn".to_owned(),
                container_name: "web".to_owned(),
                container_port: 80,
            });
        }
        inputs
    }

    fn minutes(inputs: &Inputs) -> u64 {
        limit(inputs).as_secs() / 60
    }

    /// Three tasks one after the other, each with five minutes of grace and another five until its checks have failed.
    #[test]
    fn a_rollout_lasts_as_long_as_the_circuit_breaker_may_need() {
        assert_eq!(minutes(&inputs(1, 0, false)), 20);
        assert_eq!(minutes(&inputs(1, 300, true)), 5 + 3 * 13);
        // Three of four fail together.
        assert_eq!(minutes(&inputs(4, 300, true)), 20);
        assert_eq!(minutes(&inputs(4, 900, true)), 5 + 23);
    }

    #[test]
    fn few_tasks_at_once_take_more_rounds() {
        let mut slow = inputs(10, 300, true);
        slow.deployment_maximum_percent = 100;
        slow.deployment_minimum_healthy_percent = 90;
        assert_eq!(minutes(&slow), 5 + 10 * 13);
        slow.deployment_maximum_percent = 110;
        assert_eq!(minutes(&slow), 5 + 5 * 13);
    }

    #[test]
    fn what_containers_check_of_themselves_counts() {
        let check = |start: i32| {
            let check = HealthCheck::builder().command("true").start_period(start);
            check.interval(55).timeout(5).retries(10).build().unwrap()
        };
        let container = |start: i32| {
            let container = ContainerDefinition::builder().health_check(check(start));
            container.stop_timeout(120).build()
        };
        let plain = ContainerDefinition::builder().build();
        let checks = of_containers(&[container(300), container(60), plain]);
        let expected = Checks {
            grace: Duration::from_mins(6),
            failing: Duration::from_mins(20),
            draining: Duration::from_mins(2),
        };
        assert_eq!(checks, expected);
        let limit = within(&inputs(1, 0, false), checks);
        assert_eq!(limit, Duration::from_mins(5 + 3 * 29 + 2));
    }

    /// The circuit breaker counts half of the desired tasks, at least 3 and at most 200.
    #[test]
    fn failing_tasks_are_counted_as_the_circuit_breaker_counts_them() {
        assert_eq!([1, 6, 7, 1000].map(threshold), [3, 3, 4, 200]);
    }
}
