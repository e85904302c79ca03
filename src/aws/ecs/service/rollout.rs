//! Progress and outcome of a service's deployment.
//!
//! "One deployment, and as many tasks as wanted" is not success: a rollback of the circuit breaker ends in exactly that
//! state. So the deployment that a call started is watched itself. It has succeeded once it is the primary one, completed,
//! alone, and all its tasks run; it has failed once AWS says so, or has put another in its place.
//!
//! A failed deployment starts no more tasks, and if none was complete before it, none is rolled back to: the failed one
//! stays in force, and only a new deployment goes on from there, even with the same task definition, whose tags it resolves
//! again. <https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_Deployment.html> (`rolloutState`)

use std::sync::atomic::{AtomicBool, AtomicI32, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use aws_sdk_ecs::types::{Deployment, Service};
use tokio::time::Instant;

use super::deployment::{Awaited, Standing, condition_after, has_breaker, primary, standing};
use super::form;
use super::model::{Inputs, Outputs};
use super::obstacle::{self, Lasting};
use super::{diagnosis, listing, patience};
use crate::aws::answer::text;
use crate::aws::context::Context;
use crate::aws::ecs::name_of;
use crate::aws::error::{AwsResult, expected};
use crate::aws::resource_type::Live;
use crate::aws::wait::{Poll, Wait};
use crate::resource::provider::Progress;
use crate::resource::{Condition, ErrorKind, ProviderError};

const OPERATION: &str = "ecs:DescribeServices";

/// The time by which an answer may lag behind the call that started the deployment.
const VISIBILITY: Duration = Duration::from_mins(2);

/// Waits until the service is steady. A failed deployment gets a new one, and so does one that was too early for a role of
/// its tasks.
pub(super) async fn settle(
    context: &Context,
    live: Live<Inputs, Outputs>,
    progress: &dyn Progress,
) -> AwsResult<Live<Inputs, Outputs>> {
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

/// Waits for the deployment that the last call has started.
async fn watch(
    context: &Context,
    live: &Live<Inputs, Outputs>,
    roles_may_be_new: bool,
    progress: &dyn Progress,
) -> AwsResult<Ended> {
    let watch = Watch {
        inputs: &live.inputs,
        awaited: Awaited::of(&live.outputs),
        roles_may_be_new,
    };
    wait(context, &watch, progress).await
}

/// Starts the same deployment again in place of a failed one: the cause may be fixed where AWS is not asked, such as in an
/// image of the same tag. `revision` is given if the circuit breaker may have rolled back to an earlier one.
async fn deploy_again(
    context: &Context,
    live: Live<Inputs, Outputs>,
    revision: Option<String>,
) -> AwsResult<Live<Inputs, Outputs>> {
    let request = context
        .ecs
        .update_service()
        .cluster(&live.inputs.cluster)
        .service(&live.inputs.name)
        .set_task_definition(revision.clone())
        .force_new_deployment(true);
    let answer = context.send(request).await?;
    let service = expected("ecs:UpdateService", answer.service, "a service")?;
    Ok(Live {
        outputs: outputs_after(&service, &live.inputs, Some(&live.outputs)),
        ..live
    })
}

/// Returns the outputs with the deployment to wait for after an update. `before` is given if a forced deployment was started
/// in place of it.
pub(super) fn outputs_after(
    service: &Service,
    wanted: &Inputs,
    before: Option<&Outputs>,
) -> Outputs {
    let answered = form::live(service).outputs;
    let shown = answered
        .deployment_task_definition
        .as_deref()
        .is_some_and(|found| name_of(found) == name_of(&wanted.task_definition));
    let instead_of = before.and_then(|before| before.deployment.clone());
    if shown && (instead_of.is_none() || answered.deployment != instead_of) {
        return answered;
    }
    // The answer does not show the deployment yet: it is recognized by what it runs.
    Outputs {
        deployment: None,
        deployment_task_definition: Some(wanted.task_definition.clone()),
        failed: false,
        instead_of,
    }
}

/// Returns what to wait for, if the author wants that.
pub(super) fn condition_for(inputs: &Inputs, service: &Service, outputs: &Outputs) -> Condition {
    if inputs.wait_for_steady_state == Some(false) {
        return Condition::Ready;
    }
    condition_after(service, &Awaited::of(outputs))
}

/// The end of a wait that is no error.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Ended {
    /// The deployment is complete.
    Steady,
    /// The deployment of this id has failed because ECS could not assume a role of its tasks.
    WantsRole(String),
}

/// The deployment to watch, and the settings for it.
struct Watch<'a> {
    pub inputs: &'a Inputs,
    pub awaited: Awaited<'a>,
    /// True if a role that cannot be assumed may have been made a moment ago, so that another deployment would find it.
    pub roles_may_be_new: bool,
}

impl Watch<'_> {
    /// Returns the end of a deployment that has failed for a role, if another deployment may find the role.
    fn wants_role(&self, service: &Service) -> Option<Ended> {
        let deployment = self.awaited.among(service)?;
        let wants = self.roles_may_be_new && obstacle::wants_role(service, deployment);
        wants.then(|| Ended::WantsRole(text(deployment.id())))
    }
}

/// Waits until the deployment is complete.
///
/// # Errors
/// [`ErrorKind::Failed`] or [`ErrorKind::TimedOut`], with everything that explains it in the details.
async fn wait(context: &Context, watch: &Watch<'_>, progress: &dyn Progress) -> AwsResult<Ended> {
    let Watch {
        inputs, awaited, ..
    } = watch;
    let started = Instant::now();
    let was_listed = AtomicBool::new(false);
    let lasting = Lasting::default();
    // Tasks that had failed before this wait began, perhaps for a reason that is fixed by now.
    let failed_before = AtomicI32::new(i32::MAX);
    let seen: Mutex<Option<Service>> = Mutex::new(None);
    let failed = |message: String| Err(ProviderError::new(ErrorKind::Failed, OPERATION, message));
    let poll = || async {
        let found = listing::find(context, inputs).await?;
        let standing = found.as_ref().map_or_else(
            || Standing::NotListed("the service is not listed yet".to_owned()),
            |service| standing(service, awaited),
        );
        if !matches!(standing, Standing::NotListed(_)) {
            was_listed.store(true, Ordering::Relaxed);
        }
        seen.lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone_from(&found);
        match (standing, found.as_ref()) {
            (Standing::Steady, _) => Ok(Poll::Ready(Ended::Steady)),
            (Standing::Failed(reason), found) => {
                match found.and_then(|one| watch.wants_role(one)) {
                    Some(ended) => Ok(Poll::Ready(ended)),
                    None => failed(reason),
                }
            }
            (Standing::NotListed(status), found) => {
                if !was_listed.load(Ordering::Relaxed) && started.elapsed() < VISIBILITY {
                    return Ok(Poll::Pending(status));
                }
                failed(match found.and_then(primary) {
                    Some(primary) => format!(
                        "another deployment took the place of the one that was started: it runs `{}`",
                        name_of(primary.task_definition().unwrap_or_default())
                    ),
                    None => format!("service `{}` is gone", inputs.name),
                })
            }
            (Standing::UnderWay(status), Some(service)) => {
                let deployment = awaited.among(service);
                let tasks = deployment.map_or(0, Deployment::failed_tasks);
                let before = failed_before.fetch_min(tasks, Ordering::Relaxed).min(tasks);
                // AWS starts tasks endlessly if no circuit breaker stops it.
                let enough = patience::threshold(service.desired_count());
                if !has_breaker(service) && tasks - before >= enough {
                    if let Some(ended) = watch.wants_role(service) {
                        return Ok(Poll::Ready(ended));
                    }
                    return failed(format!(
                        "{} tasks have failed, and no circuit breaker ends the deployment",
                        tasks - before
                    ));
                }
                let (health, of_targets) = diagnosis::target_health(context, service).await;
                let obstacle = obstacle::of_events(service, deployment);
                let obstacle = obstacle.filter(|one| one.hand.is_some() || of_targets.is_none());
                let obstacle = obstacle.or(of_targets);
                if let Some(hand) = lasting.hand(obstacle.as_ref()) {
                    let text = obstacle.map(|obstacle| obstacle.text).unwrap_or_default();
                    let mut error = ProviderError::new(ErrorKind::Failed, OPERATION, text);
                    error.remedy = Some(hand);
                    return Err(error);
                }
                let text = obstacle.map(|obstacle| format!(": {}", obstacle.text));
                Ok(Poll::Pending(status + &health + &text.unwrap_or_default()))
            }
            (Standing::UnderWay(status), None) => Ok(Poll::Pending(status)),
        }
    };
    let longer = || async {
        let seen = seen.lock().unwrap_or_else(PoisonError::into_inner).take();
        match seen {
            Some(service) => patience::longest(context, &service, inputs).await,
            None => Duration::ZERO,
        }
    };
    let limited = Wait {
        deadline: patience::limit(inputs),
        ..Wait::long(OPERATION, 0, progress)
    };
    match limited.until_at_longest(poll, longer).await {
        Err(error) if matches!(error.kind, ErrorKind::Failed | ErrorKind::TimedOut) => {
            let (details, remedy) = diagnosis::explain(context, inputs, awaited).await;
            let remedy = error.remedy.clone().or(remedy);
            Err(ProviderError {
                remedy,
                ..error.with_details(details)
            })
        }
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::aws::ecs::service::form::live;

    #[test]
    fn an_answer_that_shows_the_deployment_before_is_seen_through() {
        let service = |id: &str| {
            let deployment = Deployment::builder()
                .id(id)
                .status("PRIMARY")
                .task_definition("arn:aws:ecs:r:1:task-definition/api:3")
                .build();
            Service::builder().deployments(deployment).build()
        };
        let before = live(&service("d1")).outputs;
        let mut wanted = live(&service("d1")).inputs;
        wanted.task_definition = "api:3".to_owned();
        let shown = outputs_after(&service("d2"), &wanted, Some(&before));
        assert_eq!(shown.deployment.as_deref(), Some("d2"));
        let late = outputs_after(&service("d1"), &wanted, Some(&before));
        assert_eq!(late.deployment, None);
        assert_eq!(late.instead_of.as_deref(), Some("d1"));
        // An update that starts no deployment goes on with the existing one.
        let unforced = outputs_after(&service("d1"), &wanted, None);
        assert_eq!(unforced.deployment.as_deref(), Some("d1"));
    }
}
