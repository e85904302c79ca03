//! Application Auto Scaling, for ECS services: the namespace that is supported. One listing answers for all targets of
//! the account, one for all policies.

pub mod policy;
pub mod target;

use std::sync::Arc;
use std::time::Duration;

use aws_sdk_applicationautoscaling::types::{ScalableTarget, ScalingPolicy, ServiceNamespace};

use super::context::Context;
use super::error::AwsResult;
use crate::aws::pages::pages;
use crate::resource::{Misfit, ReadSession};

const NAMESPACE: &str = "ecs";
const DIMENSION: &str = "ecs:service:DesiredCount";

/// How long a registration waits for another one on the same target.
const PATIENCE: Duration = Duration::from_mins(2);

/// Every scalable target of the namespace.
async fn targets(context: &Context, session: &ReadSession) -> AwsResult<Arc<Vec<ScalableTarget>>> {
    const OPERATION: &str = "application-autoscaling:DescribeScalableTargets";
    session
        .once(OPERATION, || async {
            pages(|token| async move {
                let page = context
                    .call(OPERATION, || {
                        context
                            .autoscaling
                            .describe_scalable_targets()
                            .service_namespace(ServiceNamespace::Ecs)
                            .set_next_token(token.clone())
                            .send()
                    })
                    .await?;
                let next = page.next_token().map(str::to_owned);
                Ok((page.scalable_targets, next))
            })
            .await
        })
        .await
}

/// Every scaling policy of the namespace.
async fn policies(context: &Context, session: &ReadSession) -> AwsResult<Arc<Vec<ScalingPolicy>>> {
    const OPERATION: &str = "application-autoscaling:DescribeScalingPolicies";
    session
        .once(OPERATION, || async {
            pages(|token| async move {
                let page = context
                    .call(OPERATION, || {
                        context
                            .autoscaling
                            .describe_scaling_policies()
                            .service_namespace(ServiceNamespace::Ecs)
                            .set_next_token(token.clone())
                            .send()
                    })
                    .await?;
                let next = page.next_token().map(str::to_owned);
                Ok((page.scaling_policies, next))
            })
            .await
        })
        .await
}

/// Refuses what `read` would not find again.
fn fit(namespace: &str, dimension: &str) -> Vec<Misfit> {
    let judged = [
        ("serviceNamespace", namespace, NAMESPACE),
        ("scalableDimension", dimension, DIMENSION),
    ];
    judged
        .into_iter()
        .filter(|(_, value, supported)| value != supported)
        .map(|(property, value, supported)| {
            let reason = format!("`{value}` is not supported, only `{supported}` is");
            Misfit::new(property, reason)
        })
        .collect()
}
