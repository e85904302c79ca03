//! IAM. It is global, and not part of the tagging API: one call returns all roles of the account with their tags, inline
//! policies and attachments, and the account's own managed policies. The types here share it.

mod document;
pub mod policy;
pub mod role;
pub mod role_policy;
pub mod role_policy_attachment;

use fde_infra_derive::operations;
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

operations! {
    aws_sdk_iam, "iam":
    AttachRolePolicy,
    CreatePolicy,
    CreatePolicyVersion,
    CreateRole,
    CreateServiceLinkedRole,
    DeletePolicy,
    DeletePolicyVersion,
    DeleteRole,
    DeleteRolePermissionsBoundary,
    DeleteRolePolicy,
    DetachRolePolicy,
    GetAccountAuthorizationDetails,
    GetPolicy,
    GetPolicyVersion,
    GetRole,
    ListEntitiesForPolicy,
    ListInstanceProfiles,
    ListPolicyTags,
    ListPolicyVersions,
    ListRoles,
    PutRolePermissionsBoundary,
    PutRolePolicy,
    TagPolicy,
    TagRole,
    UntagPolicy,
    UntagRole,
    UpdateAssumeRolePolicy,
    UpdateRole,
}

/// The time for which conflicts are retried. IAM settles them in seconds; one that stays is due to use by another party
/// (`aws-resources.md` §11).
const PATIENCE: Duration = Duration::from_mins(2);

/// The contents of an account in IAM, as far as the types here need them.
struct Account {
    /// The roles with tags and policies. `ListRoles` never returns tags, although its shape has the field.
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
                let request = context
                    .iam
                    .get_account_authorization_details()
                    .filter(EntityType::Role)
                    .filter(EntityType::LocalManagedPolicy)
                    .max_items(1000)
                    .set_marker(marker.clone());
                let asking = context.send(request);
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

/// Waits until no other caller changes a role: concurrent changes are refused.
async fn turn(context: &Context, role: &str) -> OwnedMutexGuard<()> {
    context.turn(&format!("iam:role/{role}")).await
}

/// Returns whether the stack wants an object of this name. IAM keeps the case in which a name was given, and takes names
/// that differ only in case for the same: "Names are not distinguished by case."
/// <https://docs.aws.amazon.com/IAM/latest/APIReference/API_CreateRole.html>
fn is_wanted(query: &Query<'_>, name: &str) -> bool {
    let mut wanted = query.wanted_names("name").into_iter();
    wanted.any(|wanted| wanted.eq_ignore_ascii_case(name))
}

/// Returns whether the stack wants a part of a role that this property names. On a role that is not ours, only such parts are.
fn wants_part(query: &Query<'_>, role: &str, property: &str, value: &str) -> bool {
    query.wanted.iter().any(|wanted| {
        let is_role = |wanted: &str| wanted.eq_ignore_ascii_case(role);
        wanted.text("role").is_some_and(is_role) && wanted.text(property) == Some(value)
    })
}

/// Returns the form in which names are compared.
fn lower_case(name: Value) -> Value {
    match name.as_str() {
        Some(text) => text.to_lowercase().into(),
        None => name,
    }
}

/// Returns, of the keys to remove, those whose tags are still there once others have been set: a key that is set in another
/// case has already replaced the former one.
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
