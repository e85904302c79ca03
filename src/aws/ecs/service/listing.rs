//! The calls that list and describe services.

use aws_sdk_ecs::types::{Service as EcsService, ServiceField};
use futures_util::future::try_join_all;

use super::model::Inputs;
use crate::aws::context::Context;
use crate::aws::ecs::{check, name_of};
use crate::aws::error::{AwsResult, expected, expected_or_failed};
use crate::aws::pages::pages;

/// Returns the names of a cluster's services.
pub(in crate::aws::ecs) async fn list(context: &Context, cluster: &str) -> AwsResult<Vec<String>> {
    const OPERATION: &str = "ecs:ListServices";
    pages(OPERATION, |token| async move {
        let request = context
            .ecs
            .list_services()
            .cluster(cluster)
            .max_results(100)
            .set_next_token(token.clone());
        let page = context.send(request).await?;
        let arns = expected(OPERATION, page.service_arns, "`serviceArns`")?;
        let names = arns.iter().map(|arn| name_of(arn).to_owned());
        let names = names.collect();
        Ok((Some(names), page.next_token))
    })
    .await
}

/// Returns the service of these inputs.
pub(super) async fn find(context: &Context, inputs: &Inputs) -> AwsResult<Option<EcsService>> {
    let found = describe(context, &inputs.cluster, std::slice::from_ref(&inputs.name)).await?;
    Ok(found.into_iter().next())
}

/// Returns services of a cluster by name, at most ten per call.
pub(in crate::aws::ecs) async fn describe(
    context: &Context,
    cluster: &str,
    names: &[String],
) -> AwsResult<Vec<EcsService>> {
    const OPERATION: &str = "ecs:DescribeServices";
    let answers = try_join_all(names.chunks(10).map(|names| async move {
        let request = context
            .ecs
            .describe_services()
            .cluster(cluster)
            .set_services(Some(names.to_vec()))
            .include(ServiceField::Tags);
        let answer = context.send(request).await?;
        check(OPERATION, answer.failures())?;
        let has_failures = !answer.failures().is_empty();
        expected_or_failed(OPERATION, answer.services, has_failures, "`services`")
    }))
    .await?;
    Ok(answers.into_iter().flatten().collect())
}
