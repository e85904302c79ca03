//! Reasons why a deployment does not come up: the service's events, its stopped tasks, its unhealthy targets, and the last
//! lines that a failing container logged.
//!
//! Every part is useful without the others, so a failed read is named in its place.

use std::collections::BTreeSet;

use aws_sdk_ecs::types::{DesiredStatus, Service, Task};
use aws_sdk_elasticloadbalancingv2::types::{
    TargetDescription, TargetHealthDescription, TargetHealthStateEnum,
};
use aws_smithy_types::DateTime;
use futures_util::future::{join, join_all};

use super::container_log::log_of;
use super::deployment::Awaited;
use super::listing;
use super::model::Inputs;
use super::obstacle::{self, Obstacle};
use crate::aws::context::Context;
use crate::aws::ecs::{check, name_of};
use crate::aws::error::AwsResult;
use crate::aws::states::{Standing, TARGET, standing};
use crate::resource::provider::Remedy;

const EVENTS: usize = 5;
const TASKS: usize = 3;
/// The advice for a failed check that ECS makes inside the container, by a shell that not every image has.
const WITHOUT_SHELL: &str = "the health check runs inside the container, by its shell: an image without `/bin/sh` always \
    fails it, and needs `healthCheck: { command: \"\" }` in the service's section, or `healthCheck` left out of a container \
    definition";

/// Returns everything that explains a failed or stuck deployment, a line each, and what to do about it.
pub(super) async fn explain(
    context: &Context,
    inputs: &Inputs,
    awaited: &Awaited<'_>,
) -> (Vec<String>, Option<Remedy>) {
    let service = match listing::find(context, inputs).await {
        Ok(Some(service)) => service,
        Ok(None) => return (vec!["the service is gone".to_owned()], None),
        Err(error) => {
            let line = format!("the service could not be read: {error}");
            return (vec![line], None);
        }
    };
    let mut lines = events(&service);
    let ((tasks, stopped), targets) = join(
        of_tasks(context, inputs, &service, awaited),
        unhealthy_targets(context, &service),
    )
    .await;
    lines.extend(tasks);
    lines.extend(targets);
    let remedy = obstacle::remedy(&service, awaited.among(&service), &stopped);
    (lines, remedy)
}

/// Returns the health of the service's targets for a status line, empty while there is nothing to say; and the obstacle that
/// keeps one of them from traffic until a person does something.
pub(super) async fn target_health(
    context: &Context,
    service: &Service,
) -> (String, Option<Obstacle>) {
    if service.running_count() == 0 {
        return (String::new(), None);
    }
    let groups =
        groups_of(service).map(|group| async move { (group, targets(context, group).await) });
    let mut words: BTreeSet<String> = BTreeSet::new();
    let mut obstacle = None;
    for (group, targets) in join_all(groups).await {
        let targets = match targets {
            Ok(targets) => targets,
            Err(error) => {
                words.insert(format!("target health unknown ({})", error.code));
                continue;
            }
        };
        for target in &targets {
            let state = state_of(target).map_or("healthy", TargetHealthStateEnum::as_str);
            let usable = standing(TARGET, state) == Some(Standing::Usable);
            // A draining target belongs to a task that is stopping.
            if !usable && state != TargetHealthStateEnum::Draining.as_str() {
                words.insert(format!("target {state}"));
            }
            obstacle = obstacle.or_else(|| obstacle::of_target(group, target));
        }
    }
    let words = words.iter().flat_map(|word| [", ", word]).collect();
    (words, obstacle)
}

/// Returns the latest events, oldest first.
fn events(service: &Service) -> Vec<String> {
    let mut lines: Vec<String> = service
        .events()
        .iter()
        .take(EVENTS)
        .filter_map(|event| event.message())
        .map(|message| format!("event: {message}"))
        .collect();
    lines.reverse();
    lines
}

pub(super) fn groups_of(service: &Service) -> impl Iterator<Item = &str> {
    service
        .load_balancers()
        .iter()
        .filter_map(|entry| entry.target_group_arn())
}

async fn targets(context: &Context, group: &str) -> AwsResult<Vec<TargetHealthDescription>> {
    let request = context
        .elbv2
        .describe_target_health()
        .target_group_arn(group);
    let answer = context.send(request).await?;
    Ok(answer.target_health_descriptions.unwrap_or_default())
}

fn state_of(target: &TargetHealthDescription) -> Option<&TargetHealthStateEnum> {
    target.target_health()?.state()
}

async fn unhealthy_targets(context: &Context, service: &Service) -> Vec<String> {
    let groups = groups_of(service).map(|group| async move {
        match targets(context, group).await {
            Ok(targets) => targets
                .iter()
                .filter(|target| {
                    state_of(target).is_some_and(|state| *state != TargetHealthStateEnum::Healthy)
                })
                .map(describe_target)
                .collect(),
            Err(error) => vec![format!("the targets of {group} could not be read: {error}")],
        }
    });
    join_all(groups).await.into_iter().flatten().collect()
}

fn describe_target(target: &TargetHealthDescription) -> String {
    let id = target
        .target()
        .and_then(TargetDescription::id)
        .unwrap_or_default();
    let port = target
        .target()
        .and_then(TargetDescription::port)
        .map(|port| format!(":{port}"))
        .unwrap_or_default();
    let health = target.target_health();
    let state = state_of(target).map_or("unknown", TargetHealthStateEnum::as_str);
    let reason = health
        .and_then(|health| health.reason())
        .map(|reason| format!(": {}", reason.as_str()))
        .unwrap_or_default();
    let description = health
        .and_then(|health| health.description())
        .map(|description| format!(": {description}"))
        .unwrap_or_default();
    format!("target {id}{port} is {state}{reason}{description}")
}

/// Returns the reasons why tasks stopped, and the last log lines of the latest one, with the stopped tasks.
async fn of_tasks(
    context: &Context,
    inputs: &Inputs,
    service: &Service,
    awaited: &Awaited<'_>,
) -> (Vec<String>, Vec<Task>) {
    let mut lines = Vec::new();
    let mut tasks = match tasks(context, inputs, DesiredStatus::Stopped).await {
        Ok(tasks) => tasks,
        Err(error) => {
            lines.push(format!("the stopped tasks could not be read: {error}"));
            Vec::new()
        }
    };
    tasks.retain(|task| belongs_to(task, awaited));
    tasks.sort_by_key(|task| std::cmp::Reverse(task.stopped_at().map(DateTime::secs)));
    lines.extend(tasks.iter().take(TASKS).map(describe_task));
    if tasks.iter().take(TASKS).any(fails_its_own_check) {
        lines.push(WITHOUT_SHELL.to_owned());
    }
    let stopped = tasks.clone();
    if tasks.is_empty() {
        // Nothing has stopped: running tasks do not become healthy.
        match self::tasks(context, inputs, DesiredStatus::Running).await {
            Ok(running) => {
                tasks.extend(running.into_iter().filter(|task| belongs_to(task, awaited)));
            }
            Err(error) => lines.push(format!("the running tasks could not be read: {error}")),
        }
    }
    if let Some(task) = tasks.first() {
        lines.extend(log_of(context, service, task).await);
    }
    (lines, stopped)
}

fn belongs_to(task: &Task, awaited: &Awaited<'_>) -> bool {
    match (awaited.deployment, awaited.task_definition) {
        (Some(deployment), _) => task.started_by() == Some(deployment),
        (None, Some(definition)) => {
            (awaited.instead_of.is_none() || task.started_by() != awaited.instead_of)
                && task
                    .task_definition_arn()
                    .is_some_and(|found| name_of(found) == name_of(definition))
        }
        (None, None) => true,
    }
}

async fn tasks(context: &Context, inputs: &Inputs, status: DesiredStatus) -> AwsResult<Vec<Task>> {
    const OPERATION: &str = "ecs:DescribeTasks";
    let request = context
        .ecs
        .list_tasks()
        .cluster(&inputs.cluster)
        .service_name(&inputs.name)
        .desired_status(status.clone())
        .max_results(100);
    let listed = context.send(request).await?;
    if listed.task_arns().is_empty() {
        return Ok(Vec::new());
    }
    let request = context
        .ecs
        .describe_tasks()
        .cluster(&inputs.cluster)
        .set_tasks(Some(listed.task_arns().to_vec()));
    let answer = context.send(request).await?;
    check(OPERATION, answer.failures())?;
    Ok(answer.tasks.unwrap_or_default())
}

fn describe_task(task: &Task) -> String {
    let mut line = format!(
        "task {} stopped: {}",
        name_of(task.task_arn().unwrap_or_default()),
        task.stopped_reason().unwrap_or("no reason given")
    );
    for container in task.containers() {
        let name = container.name().unwrap_or_default();
        let exit = container
            .exit_code()
            .map(|code| format!("container `{name}` exited with {code}"));
        let reason = container.reason().map(|reason| match &exit {
            Some(_) => format!(" ({reason})"),
            None => format!("container `{name}`: {reason}"),
        });
        if exit.is_some() || reason.is_some() {
            line += "; ";
            line += &exit.unwrap_or_default();
            line += &reason.unwrap_or_default();
        }
    }
    line
}

/// Returns whether a task was stopped for its container's own health check, and not for that of the load balancer.
/// <https://docs.aws.amazon.com/AmazonECS/latest/developerguide/stopped-task-error-codes.html>
fn fails_its_own_check(task: &Task) -> bool {
    task.stopped_reason()
        .is_some_and(|reason| reason.contains("failed container health checks"))
}

#[cfg(test)]
mod tests {
    use aws_sdk_elasticloadbalancingv2::types::{TargetHealth, TargetHealthReasonEnum};

    use super::super::container_log::failed_task;
    use super::*;

    #[test]
    fn a_stopped_task_says_why() {
        assert_eq!(
            describe_task(&failed_task()),
            "task abc stopped: Essential container in task exited; container `sidecar` exited with 0; container `api` exited with 1"
        );
    }

    #[test]
    fn a_check_inside_the_container_is_told_from_that_of_the_load_balancer() {
        let stopped =
            |reason: &str| fails_its_own_check(&Task::builder().stopped_reason(reason).build());
        assert!(stopped("Task failed container health checks"));
        assert!(!stopped(
            "Task failed ELB health checks in (target-group arn:aws:elasticloadbalancing:r:1:targetgroup/api/1)"
        ));
    }

    #[test]
    fn a_target_says_what_ails_it() {
        let health = TargetHealth::builder()
            .state(TargetHealthStateEnum::Unhealthy)
            .reason(TargetHealthReasonEnum::FailedHealthChecks)
            .description("Health checks failed with these codes: [502]")
            .build();
        let target = TargetHealthDescription::builder()
            .target(
                TargetDescription::builder()
                    .id("10.0.1.5")
                    .port(8000)
                    .build(),
            )
            .target_health(health)
            .build();
        assert_eq!(
            describe_target(&target),
            "target 10.0.1.5:8000 is unhealthy: Target.FailedHealthChecks: Health checks failed with these codes: [502]"
        );
    }
}
