//! How a deployment of a service gets along, and how it ends.
//!
//! "One deployment, and as many tasks as wanted" is not success: a rollback of the circuit breaker ends in exactly that
//! state. So the very deployment that a call started is watched. It has succeeded once it is the primary one, completed,
//! alone, and all its tasks run; it has failed once AWS says so, or has put another in its place.
//!
//! A deployment that has failed starts no more tasks, and where none was complete before it, none comes back: it stays in
//! force, and only a new deployment goes on from there, with the same task definition too, whose tags it resolves anew.
//! <https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_Deployment.html> (`rolloutState`)

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use aws_sdk_ecs::types::{Deployment, DeploymentRolloutState, Service};
use tokio::time::Instant;

use super::{diagnosis, service_search};
use crate::aws::context::Context;
use crate::aws::error::AwsResult;
use crate::aws::wait::{Poll, Wait};
use crate::resource::provider::Progress;
use crate::resource::{Condition, ErrorKind, ProviderError};

/// What tells a deployment from others.
pub(super) struct Awaited<'a> {
    /// Its id; unknown where the answer that started it did not show it yet.
    pub deployment: Option<&'a str>,
    /// The task definition that it runs.
    pub task_definition: Option<&'a str>,
    /// Id of the deployment that it was started in place of, which may run the same, and which answers may still show.
    pub instead_of: Option<&'a str>,
}

/// Where a deployment stands.
#[derive(Debug, PartialEq, Eq)]
enum Standing {
    Steady,
    UnderWay(String),
    Failed(String),
    /// The answer does not know the deployment: it is too new, or another took its place.
    NotListed(String),
}

const OPERATION: &str = "ecs:DescribeServices";

/// How long an answer may be behind the call that started the deployment.
const VISIBILITY: Duration = Duration::from_mins(2);

/// The deployment that AWS is bringing about.
pub(super) fn primary(service: &Service) -> Option<&Deployment> {
    service
        .deployments()
        .iter()
        .find(|deployment| deployment.status() == Some("PRIMARY"))
}

/// What is left to wait for after a call that changed the service.
pub(super) fn condition_after(service: &Service, awaited: &Awaited<'_>) -> Condition {
    match standing(service, awaited) {
        Standing::Steady => Condition::Ready,
        Standing::UnderWay(status) | Standing::NotListed(status) | Standing::Failed(status) => {
            Condition::Settling(status)
        }
    }
}

/// Whether the deployment in force has failed, so that waiting for it would be in vain.
pub(super) fn has_failed(service: &Service) -> bool {
    service.desired_count() > 0
        && primary(service).and_then(Deployment::rollout_state)
            == Some(&DeploymentRolloutState::Failed)
}

/// What is left to wait for in a service as it was found. The number of tasks is not: autoscaling changes it, and tasks
/// come and go. A failed deployment is unfinished business, which a new one finishes; it is no reason for a new service.
pub(super) fn condition(service: &Service) -> Condition {
    let unfinished = primary(service).filter(|primary| {
        service.desired_count() > 0
            && primary
                .rollout_state()
                .is_some_and(|state| *state != DeploymentRolloutState::Completed)
    });
    let Some(primary) = unfinished else {
        return Condition::Ready;
    };
    let awaited = Awaited {
        deployment: primary.id(),
        task_definition: primary.task_definition(),
        instead_of: None,
    };
    match condition_after(service, &awaited) {
        Condition::Settling(status) if has_failed(service) => {
            Condition::Settling(format!("{status}; a new one is due"))
        }
        other => other,
    }
}

fn standing(service: &Service, awaited: &Awaited<'_>) -> Standing {
    let name = service.service_name().unwrap_or_default();
    if let Some(status @ ("INACTIVE" | "DRAINING")) = service.status() {
        return Standing::Failed(format!("service `{name}` is {status}"));
    }
    if service.desired_count() == 0 {
        return Standing::Steady;
    }
    let primary = primary(service);
    let ours = match (awaited.deployment, awaited.task_definition) {
        (Some(id), _) => service
            .deployments()
            .iter()
            .find(|deployment| deployment.id() == Some(id)),
        (None, Some(task_definition)) => service.deployments().iter().find(|deployment| {
            (awaited.instead_of.is_none() || deployment.id() != awaited.instead_of)
                && deployment
                    .task_definition()
                    .is_some_and(|found| super::name_of(found) == super::name_of(task_definition))
        }),
        (None, None) => primary,
    };
    let Some(ours) = ours else {
        return Standing::NotListed("the deployment is not listed yet".to_owned());
    };
    let reason = ours.rollout_state_reason().unwrap_or("no reason given");
    let reason = reason.trim_end_matches('.');
    if ours.rollout_state() == Some(&DeploymentRolloutState::Failed) {
        return Standing::Failed(format!(
            "deployment {} failed: {reason}{}",
            ours.id().unwrap_or_default(),
            in_its_place(ours, primary),
        ));
    }
    if ours.status() != Some("PRIMARY") {
        return Standing::Failed(format!(
            "deployment {} was given up{}",
            ours.id().unwrap_or_default(),
            in_its_place(ours, primary),
        ));
    }
    let completed = ours
        .rollout_state()
        .is_none_or(|state| *state == DeploymentRolloutState::Completed);
    let (running, desired) = (ours.running_count(), service.desired_count());
    let others = service.deployments().len().saturating_sub(1);
    if completed && others == 0 && running == desired && service.pending_count() == 0 {
        return Standing::Steady;
    }
    let failed = match ours.failed_tasks() {
        0 => String::new(),
        failed => format!(", {failed} failed"),
    };
    let draining = if running == desired && others > 0 {
        ", earlier tasks draining"
    } else {
        ""
    };
    Standing::UnderWay(format!("{running}/{desired} running{failed}{draining}"))
}

fn in_its_place(ours: &Deployment, primary: Option<&Deployment>) -> String {
    primary
        .filter(|primary| primary.id() != ours.id())
        .map(|primary| {
            format!(
                "; `{}` is in its place",
                super::name_of(primary.task_definition().unwrap_or_default())
            )
        })
        .unwrap_or_default()
}

/// Waits until the deployment is complete.
///
/// # Errors
/// [`ErrorKind::Failed`] or [`ErrorKind::TimedOut`], with everything that explains it in the details.
pub(super) async fn wait(
    context: &Context,
    cluster: &str,
    name: &str,
    awaited: &Awaited<'_>,
    progress: &dyn Progress,
) -> AwsResult<()> {
    let names = [name.to_owned()];
    let started = Instant::now();
    let was_listed = AtomicBool::new(false);
    let failed = |message: String| Err(ProviderError::new(ErrorKind::Failed, OPERATION, message));
    let waited = Wait::long(OPERATION, 20, progress)
        .until(|| async {
            let found = service_search::describe(context, cluster, &names).await?;
            let standing = found.first().map_or_else(
                || Standing::NotListed("the service is not listed yet".to_owned()),
                |service| standing(service, awaited),
            );
            if !matches!(standing, Standing::NotListed(_)) {
                was_listed.store(true, Ordering::Relaxed);
            }
            match (standing, found.first()) {
                (Standing::Steady, _) => Ok(Poll::Ready(())),
                (Standing::Failed(reason), _) => failed(reason),
                (Standing::NotListed(status), found) => {
                    if !was_listed.load(Ordering::Relaxed) && started.elapsed() < VISIBILITY {
                        return Ok(Poll::Pending(status));
                    }
                    failed(match found.and_then(primary) {
                        Some(primary) => format!(
                            "another deployment took the place of the one that was started: it runs `{}`",
                            super::name_of(primary.task_definition().unwrap_or_default())
                        ),
                        None => format!("service `{name}` is gone"),
                    })
                }
                (Standing::UnderWay(status), Some(service)) => {
                    let health = diagnosis::target_health(context, service).await;
                    Ok(Poll::Pending(status + &health))
                }
                (Standing::UnderWay(status), None) => Ok(Poll::Pending(status)),
            }
        })
        .await;
    match waited {
        Err(error) if matches!(error.kind, ErrorKind::Failed | ErrorKind::TimedOut) => {
            let details = diagnosis::explain(context, cluster, name, awaited).await;
            Err(error.with_details(details))
        }
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn deployment(id: &str, status: &str, state: &str, running: i32) -> Deployment {
        Deployment::builder()
            .id(id)
            .status(status)
            .task_definition(format!("arn:aws:ecs:r:1:task-definition/api:{}", &id[1..]))
            .rollout_state(DeploymentRolloutState::from(state))
            .rollout_state_reason("circuit breaker")
            .running_count(running)
            .build()
    }

    fn of(desired: i32, deployments: Vec<Deployment>) -> Service {
        Service::builder()
            .service_name("api")
            .status("ACTIVE")
            .desired_count(desired)
            .set_deployments(Some(deployments))
            .build()
    }

    fn check(service: &Service) -> Standing {
        standing(
            service,
            &Awaited {
                deployment: Some("d2"),
                task_definition: Some("api:2"),
                instead_of: None,
            },
        )
    }

    #[test]
    fn only_the_awaited_deployment_alone_and_complete_is_steady() {
        let complete = deployment("d2", "PRIMARY", "COMPLETED", 2);
        assert_eq!(check(&of(2, vec![complete.clone()])), Standing::Steady);
        let draining = vec![complete, deployment("d1", "ACTIVE", "COMPLETED", 1)];
        assert_eq!(
            check(&of(2, draining)),
            Standing::UnderWay("2/2 running, earlier tasks draining".to_owned())
        );
        let starting = vec![deployment("d2", "PRIMARY", "IN_PROGRESS", 1)];
        assert_eq!(
            check(&of(2, starting)),
            Standing::UnderWay("1/2 running".to_owned())
        );
    }

    #[test]
    fn a_rollback_is_a_failure() {
        let rolling_back = vec![
            deployment("d1", "PRIMARY", "IN_PROGRESS", 2),
            deployment("d2", "ACTIVE", "FAILED", 0),
        ];
        assert_eq!(
            check(&of(2, rolling_back)),
            Standing::Failed(
                "deployment d2 failed: circuit breaker; `api:1` is in its place".to_owned()
            )
        );
        // Rolled back to the end: looks steady, and is not ours.
        let rolled_back = vec![deployment("d1", "PRIMARY", "COMPLETED", 2)];
        assert!(matches!(check(&of(2, rolled_back)), Standing::NotListed(_)));
    }

    #[test]
    fn a_service_without_tasks_is_ready_at_once() {
        let starting = vec![deployment("d2", "PRIMARY", "IN_PROGRESS", 0)];
        assert_eq!(check(&of(0, starting)), Standing::Steady);
    }

    #[test]
    fn a_service_as_found_settles_only_while_it_is_deployed() {
        let found = |state: &str, running: i32| {
            condition(&of(2, vec![deployment("d1", "PRIMARY", state, running)]))
        };
        assert_eq!(found("COMPLETED", 1), Condition::Ready);
        assert_eq!(
            found("IN_PROGRESS", 1),
            Condition::Settling("1/2 running".to_owned())
        );
        assert_eq!(
            found("FAILED", 0),
            Condition::Settling(
                "deployment d1 failed: circuit breaker; a new one is due".to_owned()
            )
        );
    }

    #[test]
    fn only_a_deployment_that_is_wanted_can_have_failed() {
        let found = |desired: i32, state: &str| {
            has_failed(&of(desired, vec![deployment("d1", "PRIMARY", state, 0)]))
        };
        assert!(found(1, "FAILED"));
        assert!(!found(1, "IN_PROGRESS"));
        assert!(!found(0, "FAILED"));
    }

    #[test]
    fn a_deployment_is_not_taken_for_the_one_in_its_place() {
        let awaited = Awaited {
            deployment: None,
            task_definition: Some("api:2"),
            instead_of: Some("d2"),
        };
        let failed = deployment("d2", "PRIMARY", "FAILED", 0);
        assert!(matches!(
            standing(&of(1, vec![failed]), &awaited),
            Standing::NotListed(_)
        ));
    }

    #[test]
    fn a_deployment_without_id_is_known_by_what_it_runs() {
        let service = of(1, vec![deployment("d2", "PRIMARY", "COMPLETED", 1)]);
        let awaited = |task_definition| Awaited {
            deployment: None,
            task_definition: Some(task_definition),
            instead_of: None,
        };
        assert_eq!(standing(&service, &awaited("api:2")), Standing::Steady);
        assert!(matches!(
            standing(&service, &awaited("api:3")),
            Standing::NotListed(_)
        ));
    }
}
