//! IAM. Global, and left out of the tagging API: one call answers for all roles of the account with their tags, inline
//! policies and attachments, and the types here share it.

pub mod role;

use std::sync::Arc;

use aws_sdk_iam::types::{EntityType, RoleDetail, Tag};

use super::context::Context;
use super::error::AwsResult;
use crate::resource::{ReadSession, Tags};

/// Every role of the account, with tags and policies. `ListRoles` never returns tags, although its shape has the field.
async fn roles(context: &Context, session: &ReadSession) -> AwsResult<Arc<Vec<RoleDetail>>> {
    session
        .once("iam:GetAccountAuthorizationDetails", || async {
            let mut roles = Vec::new();
            let mut marker: Option<String> = None;
            loop {
                let page = context
                    .call("iam:GetAccountAuthorizationDetails", || {
                        context
                            .iam
                            .get_account_authorization_details()
                            .filter(EntityType::Role)
                            .max_items(1000)
                            .set_marker(marker.clone())
                            .send()
                    })
                    .await?;
                marker = page.marker().map(str::to_owned);
                roles.extend(page.role_detail_list.unwrap_or_default());
                if marker.is_none() {
                    return Ok(roles);
                }
            }
        })
        .await
}

fn from_sdk(tags: &[Tag]) -> Tags {
    tags.iter()
        .map(|tag| (tag.key().to_owned(), tag.value().to_owned()))
        .collect()
}

fn to_sdk(tags: &Tags) -> Vec<Tag> {
    tags.iter()
        // `build` fails only where key or value is missing.
        .filter_map(|(key, value)| Tag::builder().key(key).value(value).build().ok())
        .collect()
}
