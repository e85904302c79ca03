//! Obstacles to a deployment: the complaints of the service's events, its stopped tasks and its targets, and which of them
//! only a person can end.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use aws_sdk_ecs::types::{Deployment, Service, ServiceEvent, Task};
use aws_sdk_elasticloadbalancingv2::types::{TargetHealthDescription, TargetHealthReasonEnum};
use aws_smithy_types::DateTime;
use tokio::time::Instant;

use crate::aws::ecs::name_of;
use crate::aws::states::{SERVICE_EVENT, Standing, States, TARGET_REASON, TASK_STOPPED};
use crate::resource::provider::Remedy;

/// The time for which an obstacle may go on that only a person can end. ECS says the same of a role that was made a moment
/// ago, and retries after half a minute: <https://github.com/pulumi/pulumi-awsx/issues/927>.
const GRACE: Duration = Duration::from_secs(90);

/// One obstacle to a deployment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Obstacle {
    /// The description for a status line.
    pub text: String,
    /// The action of a person, if the obstacle does not end by itself.
    pub hand: Option<Remedy>,
    /// The time from the start of the deployment until the obstacle was last seen, by AWS's clock.
    after: Duration,
}

/// Returns the obstacle in the latest events, those since the last sign of progress. One that only a person can end comes
/// before others.
pub(super) fn of_events(service: &Service, deployment: Option<&Deployment>) -> Option<Obstacle> {
    let spoken = since(service, deployment)
        .map_while(|event| obstacle(service, deployment, event))
        .collect::<Vec<_>>();
    let with_hand = spoken.iter().find(|obstacle| obstacle.hand.is_some());
    with_hand.or(spoken.first()).cloned()
}

/// Returns what a person has to do about the obstacles of a deployment that has failed or come to nothing.
pub(super) fn remedy(
    service: &Service,
    deployment: Option<&Deployment>,
    tasks: &[Task],
) -> Option<Remedy> {
    let definition = definition(service, deployment);
    let of_events = since(service, deployment)
        .filter_map(|event| obstacle(service, deployment, event))
        .filter(|obstacle| obstacle.after >= GRACE)
        .find_map(|obstacle| obstacle.hand);
    let of_task = |task: &Task| {
        let reasons = task.containers().iter().filter_map(|one| one.reason());
        let mut reasons = task.stopped_reason().into_iter().chain(reasons);
        reasons.find_map(|reason| said(TASK_STOPPED, reason, definition)?.1)
    };
    of_events.or_else(|| tasks.iter().find_map(of_task))
}

/// Returns whether tasks of a deployment could not start because ECS could not assume one of their roles. A role that was
/// made a moment ago is not known everywhere yet, so the first tasks of a stack may fail for it (pulumi-awsx#927), enough of
/// them to end a deployment.
pub(super) fn wants_role(service: &Service, deployment: &Deployment) -> bool {
    since(service, Some(deployment))
        .filter_map(ServiceEvent::message)
        .any(|message| message.contains("unable to assume the role"))
}

/// Returns the obstacle of a target.
pub(super) fn of_target(group: &str, target: &TargetHealthDescription) -> Option<Obstacle> {
    let health = target.target_health()?;
    let reason = health.reason().map(TargetHealthReasonEnum::as_str)?;
    let (_, hand) = said(TARGET_REASON, reason, group)?;
    let id = target.target().and_then(|target| target.id());
    hand.is_some().then(|| Obstacle {
        text: format!("target {} {reason}", id.unwrap_or_default()),
        hand,
        after: Duration::ZERO,
    })
}

/// Returns the events since a deployment began, latest first, as AWS lists them.
fn since<'a>(
    service: &'a Service,
    deployment: Option<&'a Deployment>,
) -> impl Iterator<Item = &'a ServiceEvent> {
    let began = deployment.and_then(Deployment::created_at);
    service
        .events()
        .iter()
        .take_while(move |event| began.is_none_or(|began| event.created_at() >= Some(began)))
}

fn definition<'a>(service: &'a Service, deployment: Option<&'a Deployment>) -> &'a str {
    let of_deployment = deployment.and_then(Deployment::task_definition);
    name_of(
        of_deployment
            .or(service.task_definition())
            .unwrap_or_default(),
    )
}

/// Returns the obstacle in an event; `None` if there is none.
fn obstacle(
    service: &Service,
    deployment: Option<&Deployment>,
    event: &ServiceEvent,
) -> Option<Obstacle> {
    let message = event.message()?;
    let (_, hand) = said(SERVICE_EVENT, message, definition(service, deployment))?;
    let began = deployment.and_then(Deployment::created_at);
    let seconds = |time: &DateTime| u64::try_from(time.secs()).unwrap_or_default();
    let after = event
        .created_at()
        .zip(began)
        .map(|(event, began)| Duration::from_secs(seconds(event).saturating_sub(seconds(began))));
    Some(Obstacle {
        text: complaint(message).to_owned(),
        hand,
        after: after.unwrap_or_default(),
    })
}

/// Returns the state of a table whose words a text contains, with the action of a person; `None` for a state that is no
/// obstacle.
fn said(states: &States, text: &str, id: &str) -> Option<(&'static str, Option<Remedy>)> {
    let (words, standing) = states.iter().find(|(words, _)| text.contains(words))?;
    match standing {
        Standing::Usable => None,
        Standing::Waits(hand) => Some((words, Some(hand.remedy(id)))),
        Standing::Passing | Standing::Lost => Some((words, None)),
    }
}

/// Returns an event without the names before it and the advice to read on after it.
fn complaint(message: &str) -> &str {
    let text = message
        .split(" For more information")
        .next()
        .unwrap_or(message);
    let mut text = text.trim().trim_end_matches('.');
    if let Some(rest) = text.strip_prefix("service ") {
        text = rest.split_once(' ').map_or(rest, |(_, rest)| rest);
    }
    while let Some((_, rest)) = text
        .strip_prefix('(')
        .and_then(|rest| rest.split_once(") "))
    {
        text = rest;
    }
    text
}

/// The time since when the same obstacle has been present.
#[derive(Default)]
pub(super) struct Lasting(Mutex<Option<(String, Instant)>>);

impl Lasting {
    /// Returns what a person has to do, once an obstacle has lasted longer than one that ends by itself.
    pub(super) fn hand(&self, obstacle: Option<&Obstacle>) -> Option<Remedy> {
        let mut since = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let Some((obstacle, hand)) = obstacle.and_then(|one| Some((one, one.hand.as_ref()?)))
        else {
            *since = None;
            return None;
        };
        let began = match since.take() {
            Some((text, began)) if text == hand.text => began,
            _ => Instant::now(),
        };
        *since = Some((hand.text.clone(), began));
        let lasted = began.elapsed().max(obstacle.after);
        (lasted >= GRACE).then(|| hand.clone())
    }
}

#[cfg(test)]
mod tests {
    use aws_sdk_elasticloadbalancingv2::types::{TargetDescription, TargetHealth};

    use super::*;

    const BEGAN: i64 = 1_700_000_000;
    const ROLE: &str = "(service api) failed to launch a task with (error ECS was unable to assume the role 'arn:aws:iam::1:role/api' that was provided for this task. Please verify that the role being passed has the proper trust relationship and permissions and that your IAM user has permissions to pass this role.).";
    const CAPACITY: &str = "(service api) was unable to place a task. Reason: Capacity is unavailable at this time. Please try again later or in a different availability zone. For more information, see the Troubleshooting section of the Amazon ECS Developer Guide.";
    const IMPAIRED: &str = "(service api) is unable to consistently start tasks successfully. For more information, see the Troubleshooting section of the Amazon ECS Developer Guide.";

    /// Makes a service with events that are the given seconds younger than its deployment, latest first.
    fn service(events: &[(i64, &str)]) -> Service {
        let deployment = Deployment::builder()
            .id("d1")
            .status("PRIMARY")
            .task_definition("arn:aws:ecs:r:1:task-definition/api:3")
            .created_at(DateTime::from_secs(BEGAN))
            .build();
        let events = events.iter().map(|(seconds, message)| {
            ServiceEvent::builder()
                .created_at(DateTime::from_secs(BEGAN + seconds))
                .message(*message)
                .build()
        });
        Service::builder()
            .service_name("api")
            .deployments(deployment)
            .set_events(Some(events.collect()))
            .build()
    }

    fn spoken(events: &[(i64, &str)]) -> Option<Obstacle> {
        let service = service(events);
        of_events(&service, service.deployments().first())
    }

    #[test]
    fn an_event_is_an_obstacle_until_there_is_progress() {
        let role = spoken(&[(40, IMPAIRED), (30, ROLE)]).expect("an obstacle");
        let hand = role.hand.expect("a hand");
        assert!(hand.text.contains("ecs-tasks.amazonaws.com"));
        assert!(hand.commands[0].contains("--task-definition api:3 "));
        let started = "(service api) has started 1 tasks: (task 0f).";
        assert_eq!(spoken(&[(60, started), (30, ROLE)]), None);
        // This is of the deployment before.
        assert_eq!(spoken(&[(-5, ROLE)]), None);
        let capacity = spoken(&[(30, CAPACITY)]).expect("an obstacle");
        assert_eq!(capacity.hand, None);
        assert_eq!(
            capacity.text,
            "was unable to place a task. Reason: Capacity is unavailable at this time. Please try again later or in a \
             different availability zone"
        );
        assert_eq!(
            complaint("service api failed to launch a task."),
            "failed to launch a task"
        );
        let steady = "(service api) has reached a steady state.";
        assert_eq!(spoken(&[(30, steady)]), None);
    }

    #[test]
    fn a_role_that_could_not_be_assumed_counts_for_its_own_deployment_alone() {
        let wanted = |events: &[(i64, &str)]| {
            let service = service(events);
            wants_role(&service, &service.deployments()[0])
        };
        assert!(wanted(&[(40, IMPAIRED), (30, ROLE)]));
        assert!(!wanted(&[(40, IMPAIRED), (-5, ROLE)]));
        assert!(!wanted(&[(30, CAPACITY)]));
    }

    /// Messages that users have reported, and who can end the obstacle.
    #[test]
    fn what_only_a_person_ends_is_told_from_what_passes() {
        for (message, by_hand) in [
            (ROLE, true),
            (CAPACITY, false),
            (IMPAIRED, false),
            (
                "(service api) was unable to place a task. Reason: You've reached the limit on the number of vCPUs you can run concurrently.",
                true,
            ),
            (
                "(service api) was unable to place a task. Reason: The requested MEMORY configuration is above your limit.",
                true,
            ),
            (
                "(service api) was unable to place a task because no container instance met all of its requirements. Reason: No Container Instances were found in your cluster.",
                true,
            ),
            (
                "(service api) was unable to place a task because no container instance met all of its requirements. The closest matching (container-instance 1f) has insufficient memory available.",
                false,
            ),
            (
                "(service api) failed to launch a task with (error The subnet ID 'subnet-1' does not exist).",
                true,
            ),
            (
                "(service api) failed to launch a task with (error Rate exceeded).",
                false,
            ),
            (
                "(service api) operations are being throttled. Will try again later.",
                false,
            ),
            (
                "(service api) was unable to stop or start tasks during a deployment because of the service deployment configuration. Update the minimumHealthyPercent or maximumPercent value and try again.",
                true,
            ),
            (
                "(service api) (port 8000) is unhealthy in (target-group arn:x) due to (reason Health checks failed).",
                false,
            ),
        ] {
            let obstacle = spoken(&[(10, message)]).unwrap_or_else(|| panic!("{message}"));
            assert_eq!(obstacle.hand.is_some(), by_hand, "{message}");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn only_what_lasts_ends_the_wait() {
        let lasting = Lasting::default();
        let early = spoken(&[(5, ROLE)]);
        assert_eq!(lasting.hand(early.as_ref()), None);
        tokio::time::advance(Duration::from_secs(60)).await;
        assert_eq!(lasting.hand(early.as_ref()), None);
        // Progress in between counts.
        assert_eq!(lasting.hand(None), None);
        tokio::time::advance(Duration::from_secs(60)).await;
        assert_eq!(lasting.hand(early.as_ref()), None);
        tokio::time::advance(GRACE).await;
        assert!(lasting.hand(early.as_ref()).is_some());
        // AWS's clock also counts the time before this wait.
        let late = spoken(&[(100, ROLE)]);
        assert!(Lasting::default().hand(late.as_ref()).is_some());
    }

    #[test]
    fn a_target_that_no_load_balancer_uses_waits_for_a_person() {
        let target = |reason: TargetHealthReasonEnum| {
            let health = TargetHealth::builder().reason(reason).build();
            let id = TargetDescription::builder().id("10.0.1.5").build();
            let target = TargetHealthDescription::builder().target(id);
            of_target("arn:group", &target.target_health(health).build())
        };
        let unused = target(TargetHealthReasonEnum::NotInUse).expect("an obstacle");
        assert_eq!(unused.text, "target 10.0.1.5 Target.NotInUse");
        assert!(unused.hand.unwrap().commands[0].contains("--target-group-arns arn:group "));
        assert_eq!(target(TargetHealthReasonEnum::Timeout), None);
        assert_eq!(target("Target.Something".into()), None);
    }

    #[test]
    fn a_task_that_could_not_start_says_what_to_do() {
        let service = service(&[]);
        let remedy = |reason: &str| {
            let task = Task::builder().stopped_reason(reason).build();
            let remedy = remedy(&service, service.deployments().first(), &[task]);
            remedy.map(|remedy| remedy.text)
        };
        for (reason, word) in [
            (
                "CannotPullContainerError: pull image manifest has been retried 1 time(s): failed to resolve ref repo:v9: not found",
                "tag",
            ),
            (
                "ResourceInitializationError: unable to pull secrets or registry auth: execution resource retrieval failed: AccessDeniedException",
                "execution role",
            ),
            (
                "ResourceInitializationError: failed to validate logger args: The specified log group does not exist",
                "log group",
            ),
            (
                "OutOfMemoryError: Container killed due to memory usage",
                "memory",
            ),
            ("Essential container in task exited", "log"),
        ] {
            let text = remedy(reason).unwrap_or_else(|| panic!("{reason}"));
            assert!(text.contains(word), "{reason}: {text}");
        }
        assert_eq!(
            remedy("Scaling activity initiated by (deployment d1)"),
            None
        );
    }
}
