//! IAM. Global, and left out of the tagging API: one call answers for all roles of the account with their tags, inline
//! policies and attachments, and for the account's own managed policies. The types here share it.

mod document;
pub mod policy;
pub mod role;
pub mod role_policy;
pub mod role_policy_attachment;

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use aws_sdk_iam::types::{EntityType, ManagedPolicyDetail, RoleDetail, Tag};
use tokio::sync::OwnedMutexGuard;

use super::context::Context;
use super::error::AwsResult;
use super::wait::{until_visible, while_in_use};
use crate::resource::provider::Progress;
use crate::resource::{ReadSession, Tags};

/// IAM settles conflicts in seconds; one that stays is somebody else's use (`aws-resources.md` §11).
const PATIENCE: Duration = Duration::from_mins(2);

/// What IAM holds of an account, as far as the types here need it.
struct Account {
    /// With tags and policies. `ListRoles` never returns tags, although its shape has the field.
    roles: Vec<RoleDetail>,
    /// The account's own managed policies with all their versions, but without tags.
    policies: Vec<ManagedPolicyDetail>,
}

async fn account(context: &Context, session: &ReadSession) -> AwsResult<Arc<Account>> {
    session
        .once("iam:GetAccountAuthorizationDetails", || async {
            let mut account = Account {
                roles: Vec::new(),
                policies: Vec::new(),
            };
            let mut marker: Option<String> = None;
            loop {
                let page = context
                    .call("iam:GetAccountAuthorizationDetails", || {
                        context
                            .iam
                            .get_account_authorization_details()
                            .filter(EntityType::Role)
                            .filter(EntityType::LocalManagedPolicy)
                            .max_items(1000)
                            .set_marker(marker.clone())
                            .send()
                    })
                    .await?;
                marker = page.marker().map(str::to_owned);
                account
                    .roles
                    .extend(page.role_detail_list.unwrap_or_default());
                account.policies.extend(page.policies.unwrap_or_default());
                if marker.is_none() {
                    return Ok(account);
                }
            }
        })
        .await
}

/// Changes a role's children. Role and policy may have been made a moment ago, and a role takes one change at a time.
async fn change_role<T, F, Fut>(
    context: &Context,
    role: &str,
    progress: &dyn Progress,
    attempt: F,
) -> AwsResult<T>
where
    F: Fn() -> Fut,
    Fut: Future<Output = AwsResult<T>>,
{
    let _turn = turn(context, role).await;
    while_in_use(PATIENCE, progress, || until_visible(&attempt)).await
}

/// Waits until nobody else changes a role: concurrent changes are refused.
async fn turn(context: &Context, role: &str) -> OwnedMutexGuard<()> {
    context.turn(&format!("iam:role/{role}")).await
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
