//! Regions that an account has to enable before it can use them.
//!
//! AWS answers calls there as if the credentials were wrong: `InvalidClientTokenId`, or the service's own code for it. So
//! the same credentials are tried where they always work.
//! <https://docs.aws.amazon.com/accounts/latest/reference/manage-acct-regions.html>

use aws_types::SdkConfig;

use super::rate::Pacer;
use super::retry::{Repeat, call};
use crate::resource::ProviderError;
use crate::resource::provider::Remedy;

/// A region that every account has enabled, and that knows the state of the others.
pub(super) const ALWAYS_ENABLED: &str = "us-east-1";

/// Returns whether an answer may come from a region that is not enabled.
pub(super) fn may_be_why(error: &ProviderError) -> bool {
    let other_partition = ["cn-", "us-gov-", "us-iso", "eu-iso", "eusc-"]
        .iter()
        .any(|start| error.region.starts_with(start));
    !other_partition
        && error.region != ALWAYS_ENABLED
        && matches!(
            error.code.as_str(),
            "InvalidClientTokenId"
                | "UnrecognizedClientException"
                | "AuthFailure"
                | "InvalidToken"
                | "OptInRequired"
                // STS, about a role that is to be assumed there.
                | "RegionDisabledException"
        )
}

/// Returns the remedy, if the credentials are valid and the region is the reason for their refusal. `config` is that of
/// [`ALWAYS_ENABLED`].
pub(super) async fn remedy(config: &SdkConfig, region: &str) -> Option<Remedy> {
    let pacer = Pacer::default();
    let sts = aws_sdk_sts::Client::new(config);
    call(&pacer, "sts:GetCallerIdentity", Repeat::First, || {
        sts.get_caller_identity().send()
    })
    .await
    .ok()?;
    let ec2 = aws_sdk_ec2::Client::new(config);
    let regions = call(&pacer, "ec2:DescribeRegions", Repeat::First, || {
        ec2.describe_regions()
            .all_regions(true)
            .region_names(region)
            .send()
    })
    .await;
    let regions = match regions {
        Ok(answer) => answer.regions.unwrap_or_default(),
        // A caller without the permission to ask gets the most likely reason.
        Err(error) if error.is(crate::resource::ErrorKind::Denied) => Vec::new(),
        Err(_) => return None,
    };
    let state = regions.first().and_then(|found| found.opt_in_status());
    Some(match state {
        Some("opted-in" | "opt-in-not-required") => Remedy::new(format!(
            "{region} is enabled, but takes no session of AWS's global STS endpoint: where these credentials are made, set \
             AWS_STS_REGIONAL_ENDPOINTS=regional, and make them again; then run"
        )),
        _ => Remedy::new(format!(
            "the credentials are good in {ALWAYS_ENABLED}, but the account has not enabled {region}; enable it, which \
             takes minutes to hours (`aws account get-region-opt-status --region-name {region}` says how far it is), \
             then run"
        ))
        .command(format!("aws account enable-region --region-name {region}")),
    })
}
