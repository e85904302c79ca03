//! The calls that list route tables.

use std::sync::Arc;

use aws_sdk_ec2::types::{Filter, RouteTable as SdkRouteTable};

use crate::aws::context::Context;
use crate::aws::error::AwsResult;
use crate::resource::provider::Query;

/// The stack's route tables, with their routes and associations: requested once for all three types.
pub(in crate::aws::ec2) async fn of_stack(
    context: &Context,
    query: Query<'_>,
) -> AwsResult<Arc<Vec<SdkRouteTable>>> {
    let by = crate::aws::ec2::of_stack(query.stack);
    query
        .session
        .once("ec2:DescribeRouteTables", || list(context, by))
        .await
}

pub(in crate::aws::ec2) async fn list(
    context: &Context,
    by: Filter,
) -> AwsResult<Vec<SdkRouteTable>> {
    let by = &by;
    context
        .pages(
            |token| {
                context
                    .ec2
                    .describe_route_tables()
                    .filters(by.clone())
                    .max_results(100)
                    .set_next_token(token)
            },
            |page| (page.route_tables, page.next_token),
        )
        .await
}

/// One route table.
///
/// # Errors
/// [`crate::resource::ErrorKind::NotFound`] if there is none.
pub(in crate::aws::ec2) async fn find(context: &Context, id: &str) -> AwsResult<SdkRouteTable> {
    let answer = context
        .send(context.ec2.describe_route_tables().route_table_ids(id))
        .await?;
    answer
        .route_tables
        .unwrap_or_default()
        .into_iter()
        .next()
        .ok_or_else(|| crate::aws::ec2::not_listed("ec2:DescribeRouteTables", id))
}
