//! The end of a change, of a start and of a deletion: when an instance has come to rest, with the values that were asked for.

use std::time::Duration;

use aws_sdk_rds::types::{DbInstance, PendingModifiedValues};

use super::defer::keep_live;
use super::form;
use super::model::{self, CHANGE_MINUTES, DELETION, Inputs, LiveInstance};
use super::search::describe;
use super::state::{
    self, PENDING_REBOOT, REBOOTING, is_steady, replication, serves_unknown, status,
};
use crate::aws::context::Context;
use crate::aws::error::AwsResult;
use crate::aws::states::{DB_PARAMETERS, DB_REPLICATION, DB_SECURITY_GROUP, Standing, standing};
use crate::aws::wait::{Poll, Wait, until_visible};
use crate::resource::diff::compare;
use crate::resource::provider::Progress;
use crate::resource::{Condition, ErrorKind, Properties, ProviderError, Value};

/// The time for which AWS may say `available` before a modification shows.
pub(super) const STALE: Duration = Duration::from_secs(90);

/// The time to wait out a state of a part of the instance that AWS has added since.
pub(super) const NEW_WORD: Duration = Duration::from_mins(10);

/// Polls until the instance is ready and has the settings of `live`.
pub(super) async fn until_settled(
    context: &Context,
    live: &LiveInstance,
    progress: &dyn Progress,
) -> AwsResult<DbInstance> {
    let started = tokio::time::Instant::now();
    Wait::long("rds:DescribeDBInstances", CHANGE_MINUTES, progress)
        .until(|| async {
            let instance = until_visible(|| describe(context, &live.id)).await?;
            let failed = |reason: &str| {
                let message = format!("`{}` is {reason}", live.id);
                let operation = "rds:DescribeDBInstances";
                let mut error = ProviderError::new(ErrorKind::Failed, operation, message);
                error.remedy = state::hand(&instance);
                Err(error)
            };
            if let Some(reason) = state::failure(&instance) {
                return failed(&reason);
            }
            let elapsed = started.elapsed();
            let unfinished = unfinished(&instance, &live.inputs, elapsed)
                .or_else(|| not_rebooted_yet(&instance, &live.condition, elapsed));
            match unfinished {
                Some(status) => Ok(Poll::Pending(status)),
                None if state::is_full(&instance) => failed(&status(&instance)),
                None => Ok(Poll::Ready(instance)),
            }
        })
        .await
}

pub(super) async fn wait_until_gone(
    context: &Context,
    id: &str,
    progress: &dyn Progress,
) -> AwsResult<()> {
    let minutes = DELETION.as_secs() / 60;
    Wait::long("rds:DescribeDBInstances", minutes, progress)
        .until(|| async {
            match describe(context, id).await {
                Ok(instance) => Ok(Poll::Pending(status(&instance))),
                Err(gone) if gone.is(ErrorKind::NotFound) => Ok(Poll::Ready(())),
                Err(error) => Err(error),
            }
        })
        .await
}

/// Returns in a word what is missing until the instance is as wanted; `None` once nothing is.
///
/// `available` alone proves nothing: right after a modification it is stale. So the wanted values must show as well, for the
/// time that this can take.
pub(super) fn unfinished(
    instance: &DbInstance,
    wanted: &Inputs,
    elapsed: Duration,
) -> Option<String> {
    let now = instance.db_instance_status().unwrap_or_default();
    let is_unknown = serves_unknown(instance);
    if !is_steady(now) && !is_unknown {
        return Some(status(instance));
    }
    let open = |what: &str| Some(format!("{}, {what}", status(instance)));
    if wanted.apply_immediately
        && instance
            .pending_modified_values()
            .is_some_and(|pending| *pending != PendingModifiedValues::builder().build())
    {
        return open("changes pending");
    }
    let groups = instance.db_parameter_groups().iter();
    let parameters = groups.filter_map(|group| group.parameter_apply_status());
    let memberships = instance.vpc_security_groups().iter();
    let memberships = memberships.filter_map(|group| group.status());
    for (what, states, word) in parameters
        .map(|word| ("parameter group", DB_PARAMETERS, word))
        .chain(memberships.map(|word| ("security group", DB_SECURITY_GROUP, word)))
        .chain(replication(instance).map(|word| ("replication", DB_REPLICATION, word)))
    {
        match standing(states, word) {
            Some(Standing::Usable) => {}
            None if elapsed >= NEW_WORD => {}
            _ => return open(&format!("{what}: {word}")),
        }
    }
    let shown = form::live(instance, !wanted.apply_immediately).inputs;
    let missing = differences(wanted, &shown);
    // In an unknown state, AWS may be working on it for as long as they do not show.
    if (is_unknown || elapsed < STALE) && !missing.is_empty() {
        return open(&format!("not changed yet: {}", missing.join(", ")));
    }
    None
}

/// Returns the status of an instance that has not begun a requested reboot yet.
fn not_rebooted_yet(
    instance: &DbInstance,
    condition: &Condition,
    elapsed: Duration,
) -> Option<String> {
    let groups = instance.db_parameter_groups();
    let waits = groups
        .iter()
        .any(|group| group.parameter_apply_status() == Some(PENDING_REBOOT));
    let told = *condition == Condition::Settling(REBOOTING.to_owned());
    (told && waits && elapsed < STALE).then(|| format!("{}, not rebooted yet", status(instance)))
}

/// Returns the properties that do not show the wanted value.
fn differences(wanted: &Inputs, shown: &Inputs) -> Vec<String> {
    let (mut wanted, shown) = (properties(wanted), properties(shown));
    keep_live(&mut wanted, &shown);
    let diff = compare(&model::properties(), &wanted, &shown);
    diff.properties().into_iter().map(str::to_owned).collect()
}

fn properties(inputs: &Inputs) -> Properties {
    let json = serde_json::to_value(inputs).unwrap_or_default();
    match Value::from(json) {
        Value::Object(mut properties) => {
            properties.retain(|_, value| !value.is_null());
            properties
        }
        _ => Properties::new(),
    }
}
