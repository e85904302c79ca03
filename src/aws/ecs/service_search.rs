//! The search for services: by name, in our clusters and in those that file and index name.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use aws_sdk_ecs::types::{Service as EcsService, ServiceField};
use futures_util::future::try_join_all;

use super::service::CLUSTER;
use crate::aws::context::Context;
use crate::aws::error::{AwsResult, expected, expected_or_failed};
use crate::aws::pages::pages;
use crate::resource::provider::Query;
use crate::resource::{ErrorKind, Value};

/// Returns the places of services: clusters by name, and the names to ask for in each.
pub(super) fn places(query: Query<'_>) -> BTreeMap<&str, BTreeSet<&str>> {
    let ours: Vec<&str> = query
        .parents(CLUSTER)
        .map(|cluster| super::name_of(&cluster.id))
        .collect();
    let mut places: BTreeMap<&str, BTreeSet<&str>> =
        ours.iter().map(|name| (*name, BTreeSet::new())).collect();
    for wanted in query.wanted {
        let text = |property: &str| wanted.inputs.get(property).and_then(Value::as_str);
        let Some(name) = text("name") else {
            continue;
        };
        match text("cluster") {
            Some(cluster) => {
                places
                    .entry(super::name_of(cluster))
                    .or_default()
                    .insert(name);
            }
            // A cluster that is not known yet is ours, or does not exist.
            None => {
                for cluster in &ours {
                    places.entry(cluster).or_default().insert(name);
                }
            }
        }
    }
    for entry in query.indexed {
        if let Some((_, path)) = entry.arn.split_once(":service/")
            && let Some((cluster, name)) = path.split_once('/')
        {
            places.entry(cluster).or_default().insert(name);
        }
    }
    places
}

/// Returns the named services of a cluster, asked for once per reading.
pub(super) async fn named(
    context: &Context,
    query: Query<'_>,
    cluster: &str,
    names: BTreeSet<&str>,
) -> AwsResult<Arc<Vec<EcsService>>> {
    let names: Vec<String> = names.into_iter().map(str::to_owned).collect();
    let key = format!("ecs:DescribeServices {cluster}: {}", names.join(" "));
    let asked = || describe(context, cluster, &names);
    query.session.once(&key, asked).await
}

/// Returns the named services of a cluster, and every other one if the cluster is ours and runs more than those.
pub(super) async fn in_cluster(
    context: &Context,
    query: Query<'_>,
    cluster: &str,
    names: BTreeSet<&str>,
) -> AwsResult<Vec<EcsService>> {
    let mut found = match named(context, query, cluster, names.clone()).await {
        // The index lists deleted clusters for a while, and a wanted one may not exist yet.
        Err(error) if error.is(ErrorKind::NotFound) => return Ok(Vec::new()),
        other => other?.to_vec(),
    };
    let parent = query
        .parents(CLUSTER)
        .find(|parent| super::name_of(&parent.id) == cluster);
    if let Some(parent) = parent {
        let active = found
            .iter()
            .filter(|service| service.status() == Some("ACTIVE"))
            .count();
        // There is a service that neither file nor index names: the index lags behind.
        if super::cluster::active_services(query.session, &parent.id).await? > active {
            let others: Vec<String> = list(context, cluster)
                .await?
                .into_iter()
                .filter(|name| !names.contains(name.as_str()))
                .collect();
            found.extend(describe(context, cluster, &others).await?);
        }
    }
    Ok(found)
}

/// Returns the names of a cluster's services.
pub(super) async fn list(context: &Context, cluster: &str) -> AwsResult<Vec<String>> {
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
        let names = arns.iter().map(|arn| super::name_of(arn).to_owned());
        let names = names.collect();
        Ok((Some(names), page.next_token))
    })
    .await
}

/// Returns services of a cluster by name, at most ten per call.
pub(super) async fn describe(
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
        super::check(OPERATION, answer.failures())?;
        let has_failures = !answer.failures().is_empty();
        expected_or_failed(OPERATION, answer.services, has_failures, "`services`")
    }))
    .await?;
    Ok(answers.into_iter().flatten().collect())
}
