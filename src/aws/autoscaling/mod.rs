//! Application Auto Scaling, for ECS services: the namespace that is supported. One listing covers all targets of the
//! account; if they fill more than a page, only the wanted ones are requested. Policies come ten a page, and no more may be
//! requested, while targets come fifty a page: if the first page of policies is the only one, it covers all targets;
//! otherwise the policies of each target of the stack are requested.
//! <https://docs.aws.amazon.com/autoscaling/application/APIReference/API_DescribeScalingPolicies.html> (`MaxResults`)

pub mod policy;
pub mod target;

use fde_infra_derive::operations;
use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

use aws_sdk_applicationautoscaling::types::{
    ScalableDimension, ScalableTarget, ScalingPolicy, ServiceNamespace,
};
use futures_util::future::try_join_all;

use super::context::Context;
use super::error::{AwsResult, expected};
use crate::aws::pages::{few_pages, pages, worth};
use crate::resource::provider::Query;
use crate::resource::{InvalidInput, ReadSession};

operations! {
    aws_sdk_applicationautoscaling, "application-autoscaling":
    DeleteScalingPolicy,
    DeregisterScalableTarget,
    DescribeScalableTargets,
    DescribeScalingPolicies,
    ListTagsForResource,
    PutScalingPolicy,
    RegisterScalableTarget,
    TagResource,
    UntagResource,
}

const NAMESPACE: &str = "ecs";
const DIMENSION: &str = "ecs:service:DesiredCount";

/// The time for which a registration waits for another one on the same target.
const PATIENCE: Duration = Duration::from_mins(2);

/// The longest page of targets, and the most services that may be requested at once.
const PAGE: usize = 50;

/// Every scalable target of the namespace; in an account with more than a page of them, those of these services.
async fn targets(
    context: &Context,
    query: &Query<'_>,
    services: &HashSet<&str>,
) -> AwsResult<Vec<ScalableTarget>> {
    let services: Vec<String> = services.iter().map(|id| (*id).to_owned()).collect();
    let chunks = services.chunks(PAGE);
    if let Some(all) = list(context, worth(query, chunks.len()), None).await? {
        return Ok(all);
    }
    let found = chunks.map(|services| list(context, usize::MAX, Some(services)));
    let found = try_join_all(found).await?.into_iter().flatten();
    let found: Vec<ScalableTarget> = found.flatten().collect();
    // An ARN does not name its service: other targets in the index are found only in the listing.
    let is_found = |arn: &str| {
        let mut found = found.iter();
        found.any(|target| target.scalable_target_arn() == Some(arn))
    };
    if query.indexed.iter().all(|entry| is_found(&entry.arn)) {
        return Ok(found);
    }
    let all = list(context, usize::MAX, None).await?;
    Ok(all.unwrap_or_default())
}

/// The targets of the namespace, or of these services alone, unless they fill more than `most` pages.
async fn list(
    context: &Context,
    most: usize,
    services: Option<&[String]>,
) -> AwsResult<Option<Vec<ScalableTarget>>> {
    const OPERATION: &str = "application-autoscaling:DescribeScalableTargets";
    few_pages(OPERATION, most, |token| async move {
        let request = context
            .autoscaling
            .describe_scalable_targets()
            .service_namespace(ServiceNamespace::Ecs)
            .set_resource_ids(services.map(<[String]>::to_vec))
            .set_next_token(token.clone());
        let page = context.send(request).await?;
        let next = page.next_token().map(str::to_owned);
        let targets = expected(OPERATION, page.scalable_targets, "`ScalableTargets`")?;
        Ok((Some(targets), next))
    })
    .await
}

const POLICIES: &str = "application-autoscaling:DescribeScalingPolicies";

/// The first page of the namespace's scaling policies.
struct FirstPage {
    policies: Vec<ScalingPolicy>,
    /// True if there is no other page.
    is_all: bool,
}

async fn first_page(context: &Context, session: &ReadSession) -> AwsResult<Arc<FirstPage>> {
    session
        .once(POLICIES, || async {
            let request = context
                .autoscaling
                .describe_scaling_policies()
                .service_namespace(ServiceNamespace::Ecs);
            let page = context.send(request).await?;
            Ok(FirstPage {
                is_all: page.next_token().is_none_or(str::is_empty),
                policies: expected(POLICIES, page.scaling_policies, "`ScalingPolicies`")?,
            })
        })
        .await
}

/// The scaling policies of these targets.
async fn policies(
    context: &Context,
    session: &ReadSession,
    targets: &[&str],
) -> AwsResult<Vec<ScalingPolicy>> {
    let first = first_page(context, session).await?;
    if first.is_all {
        let of_targets = first
            .policies
            .iter()
            .filter(|policy| targets.contains(&policy.resource_id()));
        return Ok(of_targets.cloned().collect());
    }
    let found = targets.iter().map(|target| policies_of(context, target));
    Ok(try_join_all(found).await?.into_iter().flatten().collect())
}

async fn policies_of(context: &Context, target: &str) -> AwsResult<Vec<ScalingPolicy>> {
    pages(POLICIES, |token| async move {
        let request = context
            .autoscaling
            .describe_scaling_policies()
            .service_namespace(ServiceNamespace::Ecs)
            .resource_id(target)
            .scalable_dimension(ScalableDimension::EcsServiceDesiredCount)
            .set_next_token(token.clone());
        let page = context.send(request).await?;
        let next = page.next_token().map(str::to_owned);
        let policies = expected(POLICIES, page.scaling_policies, "`ScalingPolicies`")?;
        Ok((Some(policies), next))
    })
    .await
}

/// Refuses what a read would not find again.
fn fit(namespace: &str, dimension: &str) -> Vec<InvalidInput> {
    let judged = [
        ("serviceNamespace", namespace, NAMESPACE),
        ("scalableDimension", dimension, DIMENSION),
    ];
    judged
        .into_iter()
        .filter(|(_, value, supported)| value != supported)
        .map(|(property, value, supported)| {
            let reason = format!("`{value}` is not supported, only `{supported}` is");
            InvalidInput::new(property, reason)
        })
        .collect()
}
