//! The status of a service's deployments.
//!
//! "One deployment, and as many tasks as wanted" is not success: a rollback of the circuit breaker ends in exactly that
//! state. So a deployment is judged by itself: it has succeeded once it is the primary one, completed, alone, and all its
//! tasks run; it has failed once AWS says so, or has put another in its place.

use aws_sdk_ecs::types::{Deployment, DeploymentRolloutState, Service};

use super::model::Outputs;
use crate::aws::ecs::name_of;
use crate::aws::states::{self, DEPLOYMENT, ROLLOUT, SERVICE, is_lost};
use crate::resource::Condition;

/// The marks that tell a deployment from others.
pub(super) struct Awaited<'a> {
    /// Its id; unknown where the answer that started it did not show it yet.
    pub deployment: Option<&'a str>,
    /// The task definition that it runs.
    pub task_definition: Option<&'a str>,
    /// The id of the deployment that it replaces, which may run the same, and which answers may still show.
    pub instead_of: Option<&'a str>,
}

impl<'a> Awaited<'a> {
    pub(super) fn of(outputs: &'a Outputs) -> Self {
        Self {
            deployment: outputs.deployment.as_deref(),
            task_definition: outputs.deployment_task_definition.as_deref(),
            instead_of: outputs.instead_of.as_deref(),
        }
    }

    /// Returns the deployment, if the service's answer has it.
    pub(super) fn among<'s>(&self, service: &'s Service) -> Option<&'s Deployment> {
        let mut deployments = service.deployments().iter();
        match (self.deployment, self.task_definition) {
            (Some(id), _) => deployments.find(|deployment| deployment.id() == Some(id)),
            (None, Some(task_definition)) => deployments.find(|deployment| {
                (self.instead_of.is_none() || deployment.id() != self.instead_of)
                    && deployment
                        .task_definition()
                        .is_some_and(|found| name_of(found) == name_of(task_definition))
            }),
            (None, None) => primary(service),
        }
    }
}

/// The status of a deployment.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Standing {
    Steady,
    UnderWay(String),
    Failed(String),
    /// The answer does not have the deployment: it is too new, or another took its place.
    NotListed(String),
}

/// Returns the deployment that AWS is rolling out.
pub(super) fn primary(service: &Service) -> Option<&Deployment> {
    service
        .deployments()
        .iter()
        .find(|deployment| deployment.status() == Some("PRIMARY"))
}

/// Returns what is left to wait for after a call that changed the service.
pub(super) fn condition_after(service: &Service, awaited: &Awaited<'_>) -> Condition {
    match standing(service, awaited) {
        Standing::Steady => Condition::Ready,
        Standing::UnderWay(status) | Standing::NotListed(status) | Standing::Failed(status) => {
            Condition::Settling(status)
        }
    }
}

/// Returns whether the deployment in force has failed, so that waiting for it would be useless.
pub(super) fn has_failed(service: &Service) -> bool {
    service.desired_count() > 0
        && primary(service).and_then(Deployment::rollout_state)
            == Some(&DeploymentRolloutState::Failed)
}

/// Returns what is left to wait for in a service as it was found. The number of tasks does not count: autoscaling changes
/// it, and tasks come and go. A failed deployment is unfinished business, which a new one finishes; it is no reason for a
/// new service.
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
        Condition::Ready => Condition::Busy(states::unknown(
            primary
                .rollout_state()
                .map_or("", DeploymentRolloutState::as_str),
        )),
        other => other,
    }
}

pub(super) fn standing(service: &Service, awaited: &Awaited<'_>) -> Standing {
    let name = service.service_name().unwrap_or_default();
    if let Some(status) = service.status().filter(|status| is_lost(SERVICE, status)) {
        return Standing::Failed(format!("service `{name}` is {status}"));
    }
    if service.desired_count() == 0 {
        return Standing::Steady;
    }
    let primary = primary(service);
    let Some(ours) = awaited.among(service) else {
        return Standing::NotListed("the deployment is not listed yet".to_owned());
    };
    let reason = ours.rollout_state_reason().unwrap_or("no reason given");
    let reason = reason.trim_end_matches('.');
    let state = ours.rollout_state().map(DeploymentRolloutState::as_str);
    if state.is_some_and(|state| is_lost(ROLLOUT, state)) {
        return Standing::Failed(format!(
            "deployment {} failed: {reason}{}",
            ours.id().unwrap_or_default(),
            in_its_place(ours, primary),
        ));
    }
    if ours
        .status()
        .is_some_and(|status| is_lost(DEPLOYMENT, status))
    {
        return Standing::Failed(format!(
            "deployment {} was given up{}",
            ours.id().unwrap_or_default(),
            in_its_place(ours, primary),
        ));
    }
    // If all tasks run and no others are left, a state that AWS has added since holds nothing up.
    let completed = state.is_none_or(|state| {
        matches!(
            states::standing(ROLLOUT, state),
            None | Some(states::Standing::Usable)
        )
    });
    // States that AWS has added since are named.
    let unknown = |table, word: Option<&str>| {
        word.filter(|word| states::standing(table, word).is_none())
            .map(|word| format!(", {word}"))
            .unwrap_or_default()
    };
    let unknown = unknown(SERVICE, service.status())
        + &unknown(DEPLOYMENT, ours.status())
        + &unknown(ROLLOUT, state);
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
    Standing::UnderWay(format!(
        "{running}/{desired} running{failed}{draining}{unknown}"
    ))
}

pub(super) fn has_breaker(service: &Service) -> bool {
    let configuration = service.deployment_configuration();
    let breaker = configuration.and_then(|one| one.deployment_circuit_breaker());
    breaker.is_some_and(|breaker| breaker.enable())
}

fn in_its_place(ours: &Deployment, primary: Option<&Deployment>) -> String {
    primary
        .filter(|primary| primary.id() != ours.id())
        .map(|primary| {
            format!(
                "; `{}` is in its place",
                name_of(primary.task_definition().unwrap_or_default())
            )
        })
        .unwrap_or_default()
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
    fn a_state_that_aws_has_added_since_is_named() {
        let paused = vec![deployment("d2", "PRIMARY", "PAUSED", 1)];
        assert_eq!(
            check(&of(2, paused)),
            Standing::UnderWay("1/2 running, PAUSED".to_owned())
        );
        let waiting = vec![deployment("d2", "WAITING", "COMPLETED", 1)];
        assert_eq!(
            check(&of(2, waiting)),
            Standing::UnderWay("1/2 running, WAITING".to_owned())
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
        // It is fully rolled back: it looks steady, and is not ours.
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
    fn a_state_that_aws_has_added_since_holds_nothing_up_where_all_tasks_run() {
        let of_state = |running| {
            of(
                2,
                vec![deployment("d1", "PRIMARY", "SOMETHING_NEW", running)],
            )
        };
        let found = condition(&of_state(2));
        assert!(
            matches!(&found, Condition::Busy(text) if text.contains("`SOMETHING_NEW`")),
            "{found:?}"
        );
        assert_eq!(
            condition(&of_state(1)),
            Condition::Settling("1/2 running, SOMETHING_NEW".to_owned())
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
