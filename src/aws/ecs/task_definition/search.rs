//! The search for revisions: the families that file and index name, and in each the revisions that are ours or in use.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use aws_sdk_ecs::types::{
    SortOrder, TaskDefinition as EcsTaskDefinition, TaskDefinitionField, TaskDefinitionStatus,
};
use futures_util::future::{try_join, try_join_all};

use super::form::live;
use super::model::{Inputs, Outputs, SERVICE};
use crate::aws::context::Context;
use crate::aws::ecs::from_sdk;
use crate::aws::error::{AwsResult, expected};
use crate::aws::pages::pages;
use crate::aws::resource_type::Live;
use crate::aws::states;
use crate::resource::provider::Query;
use crate::resource::{ErrorKind, ProviderError, Tags};

/// The time by which the tag index may lag behind: minutes on AWS, a day to be safe, whatever our clock says.
const INDEX_LAG: Duration = Duration::from_hours(24);

/// Returns the families that file and index name.
pub(super) fn families(query: Query<'_>) -> BTreeSet<&str> {
    let indexed = query.indexed.iter();
    let indexed = indexed.filter_map(|entry| Some(revision_of(&entry.arn)?.0));
    let wanted = query.wanted_names("family").into_iter();
    wanted.chain(indexed).collect()
}

/// The ACTIVE revisions of a family.
pub(super) struct Active {
    latest: (EcsTaskDefinition, Tags),
    /// The ARNs of the others, newest first.
    older: Vec<String>,
}

/// Returns the ACTIVE revisions of a family, asked for once per reading; `None` if it has none.
pub(super) async fn active(
    context: &Context,
    query: Query<'_>,
    family: &str,
) -> AwsResult<Arc<Option<Active>>> {
    let key = format!("ecs:DescribeTaskDefinition {family}");
    query
        .session
        .once(&key, || async {
            // A family's name means its latest ACTIVE revision.
            let Some(latest) = describe(context, family).await? else {
                return Ok(None);
            };
            // Revisions are counted from 1 and never reused, so the first has no others beside it.
            let mut older = if latest.0.revision() == 1 {
                Vec::new()
            } else {
                list(context, family).await?
            };
            older.retain(|older| latest.0.task_definition_arn() != Some(older.as_str()));
            Ok(Some(Active { latest, older }))
        })
        .await
}

/// Returns the ACTIVE revisions of a family that carry our stack's tag, or that a service of the stack runs: most deploy
/// tools register revisions without tags.
pub(super) async fn of_family(
    context: &Context,
    query: Query<'_>,
    family: &str,
) -> AwsResult<Vec<Live<Inputs, Outputs>>> {
    let active = active(context, query, family).await?;
    let Some(Active { latest, older }) = active.as_ref() else {
        return Ok(Vec::new());
    };
    let running: BTreeSet<&str> = query
        .parents(SERVICE)
        .filter_map(|service| service.inputs.get("taskDefinition")?.as_str())
        .collect();
    let (indexed, others): (Vec<&String>, Vec<&String>) = older
        .iter()
        .partition(|arn| query.is_indexed(arn) || running.contains(arn.as_str()));
    let indexed = try_join_all(indexed.iter().map(|arn| describe(context, arn)));
    // A revision that is not in the index has another owner, or is too new to be in it. Newest first, so that a family with
    // many foreign revisions costs one call.
    let others = async {
        let mut recent = vec![Some(latest.clone())];
        if registered_before(&latest.0, SystemTime::now() - INDEX_LAG) {
            return Ok(recent);
        }
        for arn in &others {
            let Some(found) = describe(context, arn).await? else {
                continue;
            };
            let is_old = registered_before(&found.0, SystemTime::now() - INDEX_LAG);
            recent.push(Some(found));
            if is_old {
                break;
            }
        }
        Ok(recent)
    };
    let (indexed, recent) = try_join(indexed, others).await?;
    Ok(indexed
        .into_iter()
        .chain(recent)
        .flatten()
        .filter(|(found, tags)| {
            let is_running = || {
                let arn = found.task_definition_arn();
                arn.is_some_and(|arn| running.contains(arn))
            };
            let status = found.status().map(TaskDefinitionStatus::as_str);
            let lost = status.is_none_or(|status| states::is_lost(states::TASK_DEFINITION, status));
            !lost && (tags.belongs_to(query.stack) || is_running())
        })
        .map(|(found, tags)| live(&found, tags))
        .collect())
}

/// Returns the ARNs of a family's ACTIVE revisions, newest first.
async fn list(context: &Context, family: &str) -> AwsResult<Vec<String>> {
    const OPERATION: &str = "ecs:ListTaskDefinitions";
    let mut arns = pages(OPERATION, |token| async move {
        let request = context
            .ecs
            .list_task_definitions()
            .family_prefix(family)
            .status(TaskDefinitionStatus::Active)
            .sort(SortOrder::Desc)
            .max_results(100)
            .set_next_token(token.clone());
        let page = context.send(request).await?;
        let arns = expected(OPERATION, page.task_definition_arns, "`taskDefinitionArns`")?;
        Ok((Some(arns), page.next_token))
    })
    .await?;
    // Other families have the prefix, too.
    arns.retain(|arn| revision_of(arn).is_some_and(|(found, _)| found == family));
    Ok(arns)
}

/// Returns one revision, with its tags.
pub(in crate::aws::ecs) async fn describe(
    context: &Context,
    arn: &str,
) -> AwsResult<Option<(EcsTaskDefinition, Tags)>> {
    const OPERATION: &str = "ecs:DescribeTaskDefinition";
    let request = context
        .ecs
        .describe_task_definition()
        .task_definition(arn)
        .include(TaskDefinitionField::Tags);
    let answer = context.send(request).await;
    match answer {
        Ok(answer) => {
            let tags = from_sdk(answer.tags());
            let found = expected(OPERATION, answer.task_definition, "`taskDefinition`")?;
            Ok(Some((found, tags)))
        }
        Err(error) if is_gone(&error) => Ok(None),
        Err(error) => Err(error),
    }
}

/// Returns whether a revision does not exist, or is INACTIVE already. ECS has no code of its own for that.
pub(super) fn is_gone(error: &ProviderError) -> bool {
    error.is(ErrorKind::NotFound)
        || error.code == "ClientException"
            && [
                "Unable to describe task definition",
                "does not exist",
                "inactive",
            ]
            .iter()
            .any(|text| error.message.contains(text))
}

fn registered_before(definition: &EcsTaskDefinition, time: SystemTime) -> bool {
    definition
        .registered_at()
        .and_then(|registered| SystemTime::try_from(*registered).ok())
        .is_some_and(|registered| registered < time)
}

/// Returns family and revision of an ARN.
fn revision_of(arn: &str) -> Option<(&str, &str)> {
    arn.split_once(":task-definition/")?.1.rsplit_once(':')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arns_tell_family_and_revision() {
        assert_eq!(
            revision_of("arn:aws:ecs:eu-south-2:1:task-definition/api:12"),
            Some(("api", "12"))
        );
    }
}
