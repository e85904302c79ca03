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

use aws_sdk_iam::types::{EntityType, ManagedPolicyDetail, RoleDetail};
use tokio::sync::OwnedMutexGuard;

use super::context::Context;
use super::error::AwsResult;
use super::pages::Tokens;
use super::sdk_tag::{from_sdk, to_sdk};
use super::wait::{until_visible, while_in_use};
use crate::resource::provider::{Progress, Query};
use crate::resource::{ReadSession, Tags, Value};

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
    const OPERATION: &str = "iam:GetAccountAuthorizationDetails";
    session
        .once(OPERATION, || async {
            let mut account = Account {
                roles: Vec::new(),
                policies: Vec::new(),
            };
            let mut markers = Tokens::of(OPERATION);
            let mut marker: Option<String> = None;
            loop {
                let asking = context.call(OPERATION, || {
                    context
                        .iam
                        .get_account_authorization_details()
                        .filter(EntityType::Role)
                        .filter(EntityType::LocalManagedPolicy)
                        .max_items(1000)
                        .set_marker(marker.clone())
                        .send()
                });
                let page = markers.page(asking).await?;
                marker = markers.follow(page.marker().map(str::to_owned))?;
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

/// Changes a role's children. Role and policy may have been made a moment ago, and a role takes one change at a time
/// (hashicorp/terraform-provider-aws#34371, #39421).
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

/// Whether the stack wants an object of this name. IAM keeps the case in which a name was given, and takes two that differ in
/// it for one: "Names are not distinguished by case."
/// <https://docs.aws.amazon.com/IAM/latest/APIReference/API_CreateRole.html>
fn is_wanted(query: &Query<'_>, name: &str) -> bool {
    let mut wanted = query.wanted_names("name").into_iter();
    wanted.any(|wanted| wanted.eq_ignore_ascii_case(name))
}

/// The form in which names are compared.
fn lower_case(name: Value) -> Value {
    match name.as_str() {
        Some(text) => text.to_lowercase().into(),
        None => name,
    }
}

/// Of the keys that are to go, those whose tags stay there once others have been set: a key that is set in another case has
/// taken the place of the former already.
/// <https://docs.aws.amazon.com/IAM/latest/UserGuide/id_tags.html#id_tags_rules_case>
pub(super) fn still_there(remove: &[String], set: &Tags) -> Vec<String> {
    let is_replaced = |key: &str| set.iter().any(|(other, _)| other.eq_ignore_ascii_case(key));
    let left = remove.iter().filter(|key| !is_replaced(key));
    left.cloned().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_that_was_set_in_another_case_is_not_taken_away() {
        let set: Tags = [("project".to_owned(), "shop".to_owned())]
            .into_iter()
            .collect();
        let remove = ["Project".to_owned(), "team".to_owned()];
        assert_eq!(still_there(&remove, &set), ["team"]);
        assert_eq!(still_there(&remove, &Tags::default()), remove);
    }
}
