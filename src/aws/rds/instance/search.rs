//! The search for instances: in the account's listing, or by their identifiers if the listing is long.

use aws_sdk_rds::types::{DbInstance, Filter};
use futures_util::future::try_join_all;

use crate::aws::context::Context;
use crate::aws::error::AwsResult;
use crate::aws::pages::{few_pages, one_by_one, worth};
use crate::aws::rds;
use crate::resource::ErrorKind;
use crate::resource::provider::Query;

const OPERATION: &str = "rds:DescribeDBInstances";

/// The longest page.
const PAGE: i32 = 100;

/// Returns all instances of the account in this region.
pub(super) async fn all(context: &Context) -> AwsResult<Vec<DbInstance>> {
    let all = list(context, usize::MAX, None).await?;
    Ok(all.unwrap_or_default())
}

/// Returns all instances of the account in this region; in an account with more than a page of them, those that may be the
/// stack's.
pub(super) async fn candidates(context: &Context, query: &Query<'_>) -> AwsResult<Vec<DbInstance>> {
    let names: Vec<String> = rds::candidates(query, "identifier").into_iter().collect();
    let chunks = names.chunks(PAGE as usize);
    if let Some(all) = list(context, worth(query, chunks.len()), None).await? {
        return Ok(all);
    }
    let found = chunks.map(|names| named(context, names));
    Ok(try_join_all(found).await?.into_iter().flatten().collect())
}

/// Returns the existing instances of these identifiers. A filter leaves out missing instances; should AWS refuse it for that
/// reason, they are asked for one by one.
/// <https://docs.aws.amazon.com/AmazonRDS/latest/APIReference/API_DescribeDBInstances.html>
async fn named(context: &Context, names: &[String]) -> AwsResult<Vec<DbInstance>> {
    match list(context, usize::MAX, Some(names)).await {
        Err(error) if error.is(ErrorKind::NotFound) => {
            one_by_one(names, |name| async move {
                Ok(vec![super::describe(context, name).await?])
            })
            .await
        }
        found => Ok(found?.unwrap_or_default()),
    }
}

async fn list(
    context: &Context,
    most: usize,
    names: Option<&[String]>,
) -> AwsResult<Option<Vec<DbInstance>>> {
    let filters = names.map(|names| {
        let by_identifier = Filter::builder()
            .name("db-instance-id")
            .set_values(Some(names.to_vec()));
        vec![by_identifier.build()]
    });
    let filters = &filters;
    few_pages(OPERATION, most, |marker| async move {
        let request = context
            .rds
            .describe_db_instances()
            .set_filters(filters.clone())
            .max_records(PAGE)
            .set_marker(marker.clone());
        let page = context.send(request).await?;
        Ok((page.db_instances, page.marker))
    })
    .await
}
