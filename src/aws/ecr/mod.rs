//! ECR. Repositories are found by name: Describe returns no tags, so the tag index says which are ours.

pub mod image_tag;
mod images;
pub mod lifecycle_policy;
pub mod repository;

use super::sdk_tag::{from_sdk, to_sdk};
use fde_infra_derive::operations;

operations! {
    aws_sdk_ecr, "ecr":
    BatchGetImage,
    CreateRepository,
    DeleteLifecyclePolicy,
    DeleteRepository,
    DescribeRepositories,
    GetLifecyclePolicy,
    ListImages,
    ListTagsForResource,
    PutImage,
    PutImageScanningConfiguration,
    PutImageTagMutability,
    PutLifecyclePolicy,
    TagResource,
    UntagResource,
}

/// Returns the name in a repository's ARN. Names may contain `/`, so it is more than the last segment.
fn name_of(arn: &str) -> Option<&str> {
    Some(arn.split_once(":repository/")?.1)
}

#[cfg(test)]
mod tests {
    #[test]
    fn names_may_hold_slashes() {
        assert_eq!(
            super::name_of("arn:aws:ecr:eu-south-2:1:repository/team/api"),
            Some("team/api")
        );
    }
}
