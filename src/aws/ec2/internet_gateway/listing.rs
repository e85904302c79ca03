//! The calls that list internet gateways.

use aws_sdk_ec2::types::InternetGateway as SdkGateway;

use crate::aws::context::Context;
use crate::aws::error::AwsResult;

/// The one that is attached to a VPC.
pub(in crate::aws::ec2) async fn of_vpc(
    context: &Context,
    vpc: &str,
) -> AwsResult<Option<SdkGateway>> {
    let request = context
        .ec2
        .describe_internet_gateways()
        .filters(crate::aws::ec2::filter("attachment.vpc-id", vpc));
    let answer = context.send(request).await?;
    Ok(answer
        .internet_gateways
        .unwrap_or_default()
        .into_iter()
        .next())
}
