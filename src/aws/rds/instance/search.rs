//! The search for instances: in the account's listing, or by their identifiers if the listing is long. And those that use a
//! group of RDS.

use aws_sdk_rds::types::{DbInstance, Filter};
use futures_util::future::try_join_all;

use crate::aws::context::Context;
use crate::aws::error::{AwsResult, expected};
use crate::aws::pages::{few_pages, one_by_one, worth};
use crate::aws::rds;
use crate::aws::resource_type::Asking;
use crate::resource::provider::{Holder, Query, Remedy};
use crate::resource::{ErrorKind, Tags};

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
                Ok(vec![describe(context, name).await?])
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

/// Returns one instance.
pub(super) async fn describe(context: &Context, id: &str) -> AwsResult<DbInstance> {
    let request = context
        .rds
        .describe_db_instances()
        .db_instance_identifier(id);
    let answer = context.send(request).await?;
    expected(
        "rds:DescribeDBInstances",
        answer.db_instances.unwrap_or_default().pop(),
        "an instance",
    )
}

/// Returns the instances that use an RDS group, and so keep it from being deleted.
pub(in crate::aws::rds) async fn using(
    context: &Context,
    asking: &Asking<'_>,
    tags: &Tags,
    uses: impl Fn(&DbInstance) -> bool,
) -> AwsResult<Vec<Holder>> {
    let asked = asking
        .session
        .once("rds:DescribeDBInstances", || all(context));
    let instances = asked.await?;
    let users = instances.iter().filter(|instance| uses(instance));
    Ok(users
        .map(|instance| {
            let id = instance.db_instance_identifier().unwrap_or_default();
            let text = format!("database `{id}`");
            if rds::from_sdk(instance.tag_list()).are_of_one_stack(tags) {
                return Holder::passing(id, text);
            }
            let hand = Remedy::new(format!(
                "{text}, which is not of this stack, uses it; give that another one, or delete it, then run"
            ))
            .command(format!(
                "aws rds describe-db-instances --db-instance-identifier {id}"
            ));
            Holder::lasting(id, text, hand)
        })
        .collect())
}
