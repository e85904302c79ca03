//! ECR. Repositories are found by name: Describe knows no tags, so the tag index says which are ours.

pub mod image_tag;
mod images;
pub mod lifecycle_policy;
pub mod repository;

use aws_sdk_ecr::types::Tag;

use crate::resource::Tags;

/// The name in a repository's ARN. Names may hold `/`, so it is more than the last segment.
fn name_of(arn: &str) -> Option<&str> {
    Some(arn.split_once(":repository/")?.1)
}

fn from_sdk(tags: &[Tag]) -> Tags {
    tags.iter()
        .map(|tag| (tag.key().to_owned(), tag.value().to_owned()))
        .collect()
}

pub(super) fn to_sdk(tags: &Tags) -> Vec<Tag> {
    tags.iter()
        // `build` fails only where key or value is missing.
        .filter_map(|(key, value)| Tag::builder().key(key).value(value).build().ok())
        .collect()
}
