//! The search for services: by name, in our clusters and in those that file and index name.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use aws_sdk_ecs::types::Service as EcsService;

use super::listing::{describe, list};
use super::model::CLUSTER;
use crate::aws::context::Context;
use crate::aws::ecs::{cluster, name_of};
use crate::aws::error::AwsResult;
use crate::resource::provider::Query;
use crate::resource::{ErrorKind, Value};

/// Returns the places of services: clusters by name, and the names to ask for in each.
pub(super) fn places(query: Query<'_>) -> BTreeMap<&str, BTreeSet<&str>> {
    let ours: Vec<&str> = query
        .parents(CLUSTER)
        .map(|cluster| name_of(&cluster.id))
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
                places.entry(name_of(cluster)).or_default().insert(name);
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
        .find(|parent| name_of(&parent.id) == cluster);
    if let Some(parent) = parent {
        let active = found
            .iter()
            .filter(|service| service.status() == Some("ACTIVE"))
            .count();
        // There is a service that neither file nor index names: the index lags behind.
        if cluster::active_services(query.session, &parent.id).await? > active {
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
