//! Web ACLs of the region, the resources that they guard, and the destinations of their logs.
//!
//! AWS takes one write a second: rules are created and deleted with their ACL, in one call.

mod action;
mod place;
mod rule;
mod statement;
pub mod web_acl;
pub mod web_acl_association;
pub mod web_acl_logging_configuration;

use fde_infra_derive::operations;

use super::sdk_tag::{from_sdk, to_sdk};
use crate::resource::{ErrorKind, ProviderError};

operations! {
    aws_sdk_wafv2, "wafv2":
    AssociateWebACL,
    CreateWebACL,
    DeleteLoggingConfiguration,
    DeleteWebACL,
    DisassociateWebACL,
    GetLoggingConfiguration,
    GetWebACL,
    GetWebACLForResource,
    ListResourcesForWebACL,
    ListTagsForResource,
    PutLoggingConfiguration,
    TagResource,
    UntagResource,
    UpdateWebACL,
}

fn invalid(token: &str, message: impl Into<String>) -> ProviderError {
    ProviderError::new(ErrorKind::Invalid, token, message)
}
