//! IAM role. Exemplar of a type that is found by name.
//!
//! - The name is unique in the account, regardless of case: a repeated create answers `EntityAlreadyExists`, and the owner
//!   tag tells whether the role is our own half-finished work.
//! - The trust policy comes back URL-encoded.
//! - Consumers need a few more seconds before they can assume a new role: their calls are retried, so there is no sleep
//!   here.

use std::collections::HashMap;

use aws_sdk_iam::types::Role as SdkRole;
use futures_util::future::try_join;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::document;
use crate::aws::context::Context;
use crate::aws::error::{AwsResult, expected, if_there};
use crate::aws::policy::{canonical_policy, decode, to_policy_text};
use crate::aws::resource_type::{Asking, Change, Live, LiveOf, New, Old, ResourceType, adopt};
use crate::aws::wait::until_visible;
use crate::resource::provider::{Holder, Query, Remedy};
use crate::resource::{
    Condition, CreateClass, ErrorKind, OutputTable, PropertyTable, Schema, Tags,
};

/// An identity that services assume.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema, PropertyTable)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schemars(extend("x-parts" = { "inlinePolicies": "aws:iam:RolePolicy", "policies": "aws:iam:RolePolicy", "managedPolicyArns": "aws:iam:RolePolicyAttachment" }))]
pub struct Inputs {
    /// The name: 1 to 64 letters, digits and `_+=,.@-`; unique in the account, regardless of case.
    #[property(replaces, canonical(super::lower_case), text(document::name(64)))]
    pub name: String,
    /// The path, which begins and ends with `/`.
    #[property(default("/"), replaces, text(document::PATH))]
    pub path: String,
    /// The description: at most 1000 characters.
    // No call removes it other than by the empty text, which is returned as it is.
    #[property(text(document::ROLE_DESCRIPTION))]
    pub description: Option<String>,
    /// The trust policy, which says who may assume the role: a policy document, as an object or as JSON text.
    #[property(required, canonical(canonical_policy))]
    pub assume_role_policy: serde_json::Value,
    /// The seconds that a session may last, 3600 to 43200.
    #[schemars(range(min = 3600, max = 43200))]
    #[property(default(3600))]
    pub max_session_duration: i32,
    /// The ARN of the policy that bounds what the role can ever be allowed.
    pub permissions_boundary: Option<String>,
}

#[derive(Debug, Clone, Serialize, Deserialize, OutputTable)]
#[serde(rename_all = "camelCase")]
pub struct Outputs {
    /// The unique id, `AROA…`; a role made again under the same name has another.
    pub unique_id: Option<String>,
}

/// The most characters of a trust policy, once AWS has raised the default of 2048.
const LONGEST_TRUST: usize = 4096;

pub struct Role;

impl ResourceType for Role {
    type Inputs = Inputs;
    type Outputs = Outputs;

    fn schema(&self) -> Schema {
        Schema::of::<Inputs, Outputs>("aws:iam:Role", CreateClass::NaturalKey)
            .generated_name(Inputs::NAME, 64)
            .name_ignores_case()
            .tag_keys_ignore_case()
            .blockers(&["aws:iam:RolePolicy", "aws:iam:RolePolicyAttachment"])
            .unindexed()
            .global()
            .checks(|inputs| {
                document::check_trust(inputs, Inputs::ASSUME_ROLE_POLICY, LONGEST_TRUST)
            })
    }

    async fn read(&self, context: &Context, query: Query<'_>) -> AwsResult<Vec<LiveOf<Self>>> {
        let (account, list) =
            try_join(super::account(context, query.session), list(context)).await?;
        Ok(account
            .roles
            .iter()
            .map(|role| {
                let name = role.role_name().unwrap_or_default();
                // The bulk answer leaves out description and session duration; the list has them.
                let listed = list.get(name);
                Live {
                    id: name.to_owned(),
                    arn: role.arn().map(str::to_owned),
                    inputs: Inputs {
                        name: name.to_owned(),
                        path: role.path().unwrap_or("/").to_owned(),
                        description: listed.and_then(|role| role.description().map(str::to_owned)),
                        max_session_duration: listed
                            .and_then(SdkRole::max_session_duration)
                            .unwrap_or(3600),
                        assume_role_policy: decode(
                            role.assume_role_policy_document().unwrap_or_default(),
                        ),
                        permissions_boundary: role
                            .permissions_boundary()
                            .and_then(|boundary| boundary.permissions_boundary_arn())
                            .map(str::to_owned),
                    },
                    outputs: Outputs {
                        unique_id: role.role_id().map(str::to_owned),
                    },
                    tags: super::from_sdk(role.tags()),
                    condition: Condition::Ready,
                }
            })
            .filter(|role| role.tags.belongs_to(query.stack) || super::is_wanted(&query, &role.id))
            .collect())
    }

    async fn create(&self, context: &Context, new: New<'_, Self>) -> AwsResult<LiveOf<Self>> {
        let inputs = new.inputs;
        let request = context
            .iam
            .create_role()
            .role_name(&inputs.name)
            .path(&inputs.path)
            .set_description(inputs.description.clone())
            .assume_role_policy_document(to_policy_text(&inputs.assume_role_policy))
            .max_session_duration(inputs.max_session_duration)
            .set_permissions_boundary(inputs.permissions_boundary.clone())
            .set_tags(Some(super::to_sdk(new.tags)));
        let created = context.send(request).await;
        match created {
            Ok(answer) => {
                let role = expected("iam:CreateRole", answer.role, "a role")?;
                Ok(of(&role, inputs.clone()))
            }
            Err(error) if error.is(ErrorKind::AlreadyExists) => {
                adopt(new.tags, get(context, &inputs.name).await?, error)
            }
            Err(error) => Err(error),
        }
    }

    async fn update(&self, context: &Context, change: Change<'_, Self>) -> AwsResult<LiveOf<Self>> {
        let name = &change.observed.id;
        let wanted = change.wanted;
        if change.touches(Inputs::ASSUME_ROLE_POLICY) {
            let request = context
                .iam
                .update_assume_role_policy()
                .role_name(name)
                .policy_document(to_policy_text(&wanted.assume_role_policy));
            context.send(request).await?;
        }
        if change.touches(Inputs::DESCRIPTION) || change.touches(Inputs::MAX_SESSION_DURATION) {
            let request = context
                .iam
                .update_role()
                .role_name(name)
                .description(wanted.description.as_deref().unwrap_or_default())
                .max_session_duration(wanted.max_session_duration);
            context.send(request).await?;
        }
        if change.touches(Inputs::PERMISSIONS_BOUNDARY) {
            if let Some(boundary) = &wanted.permissions_boundary {
                let request = context
                    .iam
                    .put_role_permissions_boundary()
                    .role_name(name)
                    .permissions_boundary(boundary);
                context.send(request).await?;
            } else {
                let request = context.iam.delete_role_permissions_boundary();
                context.send(request.role_name(name)).await?;
            }
        }
        Ok(change.applied())
    }

    async fn delete(&self, context: &Context, old: Old<'_, Self>) -> AwsResult<()> {
        context
            .send(context.iam.delete_role().role_name(&old.live.id))
            .await?;
        Ok(())
    }

    async fn blockers_of(
        &self,
        context: &Context,
        live: &LiveOf<Self>,
        asking: &Asking<'_>,
    ) -> AwsResult<Vec<Holder>> {
        let role = &live.id;
        let asked = asking.session.once("iam:ListInstanceProfiles", || {
            context.pages(
                |marker| {
                    context
                        .iam
                        .list_instance_profiles()
                        .max_items(1000)
                        .set_marker(marker)
                },
                |page| (Some(page.instance_profiles), page.marker),
            )
        });
        let profiles = asked.await?;
        let profiles = profiles.iter().filter(|profile| {
            let mut roles = profile.roles().iter();
            roles.any(|held| held.role_name() == role)
        });
        let holders = profiles.map(|profile| {
            let name = profile.instance_profile_name();
            let text = format!("instance profile `{name}`");
            let hand = Remedy::new(format!(
                "{text}, which is not of this stack, gives it to instances; take it out, then run"
            ))
            .command(format!(
                "aws iam remove-role-from-instance-profile --instance-profile-name {name} --role-name {role}"
            ));
            Holder::lasting(profile.arn(), text, hand)
        });
        Ok(holders.collect())
    }
}

/// Returns every role of the account by name, without its tags.
async fn list(context: &Context) -> AwsResult<HashMap<String, SdkRole>> {
    let roles = context
        .pages(
            |marker| context.iam.list_roles().max_items(1000).set_marker(marker),
            |page| (Some(page.roles), page.marker),
        )
        .await?;
    let by_name = |role: SdkRole| (role.role_name().to_owned(), role);
    Ok(roles.into_iter().map(by_name).collect())
}

/// Returns one role, with its tags.
async fn get(context: &Context, name: &str) -> AwsResult<LiveOf<Role>> {
    let answer = until_visible(|| context.send(context.iam.get_role().role_name(name))).await?;
    let role = expected("iam:GetRole", answer.role, "a role")?;
    let inputs = Inputs {
        name: name.to_owned(),
        path: role.path().to_owned(),
        description: role.description().map(str::to_owned),
        max_session_duration: role.max_session_duration().unwrap_or(3600),
        assume_role_policy: decode(role.assume_role_policy_document().unwrap_or_default()),
        permissions_boundary: role
            .permissions_boundary()
            .and_then(|boundary| boundary.permissions_boundary_arn())
            .map(str::to_owned),
    };
    Ok(of(&role, inputs))
}

fn of(role: &SdkRole, inputs: Inputs) -> LiveOf<Role> {
    Live {
        id: inputs.name.clone(),
        arn: Some(role.arn().to_owned()),
        inputs,
        outputs: Outputs {
            unique_id: Some(role.role_id().to_owned()),
        },
        tags: super::from_sdk(role.tags()),
        condition: Condition::Ready,
    }
}

/// Returns a role's tags; `None` if the role has been deleted meanwhile.
pub(super) async fn tags_of(context: &Context, name: &str) -> AwsResult<Option<Tags>> {
    let answer = context.send(context.iam.get_role().role_name(name)).await;
    let role = if_there(answer)?.and_then(|answer| answer.role);
    Ok(role.map(|role| super::from_sdk(role.tags())))
}
