//! Web ACLs of the region, what they guard, and where they log it.
//!
//! One write a second: rules come and go with their ACL, in one call.

mod logging_filter;
mod rule;
mod statement;
pub mod web_acl;
pub mod web_acl_association;
pub mod web_acl_logging_configuration;

use aws_sdk_wafv2::types::Tag;

use crate::resource::{ErrorKind, ProviderError, Tags};

fn invalid(token: &str, message: impl Into<String>) -> ProviderError {
    ProviderError::new(ErrorKind::Invalid, token, message)
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
