//! The objects with our tags, for every service at once.

use aws_sdk_resourcegroupstagging::config::Builder;
use aws_sdk_resourcegroupstagging::types::TagFilter;
use aws_types::region::Region;

use super::context::Clients;
use super::error::{AwsResult, expected};
use super::pages::pages;
use super::sdk_tag::from_sdk;
use crate::resource::provider::Indexed;
use crate::resource::{StackId, Tags, tags};

/// Returns every tagged object of a stack that the tagging API knows: one call per 100 (`aws-resources.md` §1.1).
///
/// Its answer lags behind and lists deleted objects, so it only says where to look. IAM roles and policies are not in it.
pub async fn index(clients: &Clients, stack: &StackId) -> AwsResult<Vec<Indexed>> {
    let found = tagged(clients, stack, None, None).await?;
    let own = found.into_iter().filter(|(arn, _)| !is_copy(arn));
    let indexed = own.map(|(arn, tags)| Indexed { arn, tags });
    Ok(indexed.collect())
}

/// Returns whether AWS itself has copied the tags of an object of ours to the one that this ARN names: to the tasks of a
/// service (`propagateTags`), to the snapshots of a database (`copyTagsToSnapshot`). No resource of a stack is such a copy,
/// and copies outlive the objects that they have the tags from: a stopped task for an hour, a final snapshot until it is
/// deleted.
fn is_copy(arn: &str) -> bool {
    let mut parts = arn.splitn(6, ':');
    let (service, kind) = (parts.nth(2), parts.nth(2));
    match (service, kind) {
        (Some("ecs"), Some(kind)) => kind.starts_with("task/"),
        (Some("rds"), Some(kind)) => ["snapshot:", "cluster-snapshot:", "auto-backup:"]
            .iter()
            .any(|copy| kind.starts_with(copy)),
        _ => false,
    }
}

/// Returns the objects of a stack that the tagging API of a region knows, by ARN: of one type, or of all types.
pub async fn tagged(
    clients: &Clients,
    stack: &StackId,
    kind: Option<&str>,
    region: Option<&'static str>,
) -> AwsResult<Vec<(String, Tags)>> {
    let filter = TagFilter::builder()
        .key(tags::STACK)
        .values(stack.to_string())
        .build();
    found(clients, &filter, kind, region).await
}

/// Returns the tags of every object that the tagging API of this region knows to belong to a stack, whichever it is.
pub async fn stacks(clients: &Clients) -> AwsResult<Vec<Tags>> {
    let filter = TagFilter::builder().key(tags::STACK).build();
    let found = found(clients, &filter, None, None).await?;
    let own = found.into_iter().filter(|(arn, _)| !is_copy(arn));
    Ok(own.map(|(_, tags)| tags).collect())
}

/// Returns the objects that pass a filter, by ARN.
async fn found(
    clients: &Clients,
    filter: &TagFilter,
    kind: Option<&str>,
    region: Option<&'static str>,
) -> AwsResult<Vec<(String, Tags)>> {
    const OPERATION: &str = "tag:GetResources";
    let mappings = pages(OPERATION, |token| async move {
        let page = clients
            .call(OPERATION, || {
                let asking = clients
                    .tagging
                    .get_resources()
                    .set_resource_type_filters(kind.map(|kind| vec![kind.to_owned()]))
                    .tag_filters(filter.clone())
                    .resources_per_page(100)
                    .set_pagination_token(token.clone())
                    .customize();
                match region {
                    Some(region) => asking
                        .config_override(Builder::new().region(Region::new(region)))
                        .send(),
                    None => asking.send(),
                }
            })
            .await?;
        let mappings = page.resource_tag_mapping_list;
        let mappings = expected(OPERATION, mappings, "`ResourceTagMappingList`")?;
        Ok((Some(mappings), page.pagination_token))
    })
    .await?;
    let found = mappings.into_iter().filter_map(|mapping| {
        let tags = from_sdk(mapping.tags());
        Some((mapping.resource_arn?, tags))
    });
    Ok(found.collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_aws_copies_tags_to_is_told_by_its_arn() {
        let arn = |rest: &str| format!("arn:aws:{rest}");
        for copy in [
            "ecs:eu-south-2:1:task/shop/0123",
            "rds:eu-south-2:1:snapshot:shop-final",
            "rds:eu-south-2:1:snapshot:rds:shop-2026-01-01",
            "rds:eu-south-2:1:cluster-snapshot:shop",
            "rds:eu-south-2:1:auto-backup:ab-1",
        ] {
            assert!(is_copy(&arn(copy)), "{copy}");
        }
        for own in [
            "ecs:eu-south-2:1:service/task/api",
            "ecs:eu-south-2:1:task-definition/task:1",
            "ecs:eu-south-2:1:cluster/task",
            "rds:eu-south-2:1:db:snapshot",
            "rds:eu-south-2:1:subgrp:snapshot:x",
            "s3:::task",
            "logs:eu-south-2:1:log-group:task/x",
        ] {
            assert!(!is_copy(&arn(own)), "{own}");
        }
    }
}
