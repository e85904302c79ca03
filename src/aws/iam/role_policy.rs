//! Inline policy of an IAM role.
//!
//! - It has no tags: it belongs to its role, and is read with it.
//! - `PutRolePolicy` creates and overwrites alike, so that a change never leaves the role without it
//!   (hashicorp/terraform-provider-aws#22336).
//! - The document comes back URL-encoded.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::document;
use crate::aws::context::Context;
use crate::aws::error::AwsResult;
use crate::aws::policy::{canonical_policy, decode, is_narrowed, least_size, to_policy_text};
use crate::aws::resource_type::{Change, Live, LiveOf, New, NoOutputs, Old, ResourceType};
use crate::resource::provider::{Progress, Query};
use crate::resource::rule::Limit;
use crate::resource::{Condition, CreateClass, PropertyTable, Schema, Tags};

/// The permissions of a role, kept in the role itself.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema, PropertyTable)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Inputs {
    /// The name: 1 to 128 letters, digits and `_+=,.@-`; unique in the role.
    #[property(replaces, text(document::name(128)))]
    pub name: String,
    /// The name of the role.
    #[property(
        required,
        replaces,
        canonical(super::lower_case),
        text(document::name(64))
    )]
    pub role: String,
    /// The policy document, as an object or as JSON text. All inline policies of a role together hold at most 10,240
    /// characters.
    #[property(required, canonical(canonical_policy))]
    pub policy: serde_json::Value,
}

/// The most characters of all inline policies of a role, white space not counted.
const LONGEST: usize = 10_240;

pub struct RolePolicy;

impl ResourceType for RolePolicy {
    type Inputs = Inputs;
    type Outputs = NoOutputs;

    fn schema(&self) -> Schema {
        Schema::of::<Inputs, NoOutputs>("aws:iam:RolePolicy", CreateClass::PartOfParent)
            .named(Inputs::NAME, 128)
            .key(&[Inputs::ROLE, Inputs::NAME])
            .checks(|inputs| document::check(inputs, Inputs::POLICY, LONGEST))
            .limits(&[Limit {
                by: &[Inputs::ROLE],
                measure: |inputs| inputs.get(Inputs::POLICY).map_or(0, least_size),
                most: LONGEST,
                quota: None,
                what: "characters of inline policies of one role, white space not counted",
                help: "make a policy of its own of some (`aws:iam:Policy`, 6144 characters each), or say with `*` what \
                       many statements say one by one",
            }])
            .reads_after(&["aws:iam:Role"])
            .child_of(Inputs::ROLE, "aws:iam:Role")
            .opens()
            .holds_parent()
            // Running workloads have to keep their permissions until others have taken over.
            .updates_after_rollout(|observed, wanted| {
                let change = observed.get(Inputs::POLICY).zip(wanted.get(Inputs::POLICY));
                change.is_some_and(|(observed, wanted)| is_narrowed(observed, wanted))
            })
    }

    async fn read(&self, context: &Context, query: Query<'_>) -> AwsResult<Vec<LiveOf<Self>>> {
        let account = super::account(context, query.session).await?;
        let mut policies = Vec::new();
        for role in &account.roles {
            let role_name = role.role_name().unwrap_or_default();
            let ours = query.parents("aws:iam:Role").any(|own| own.id == role_name);
            for policy in role.role_policy_list() {
                let name = policy.policy_name().unwrap_or_default();
                if ours || super::wants_part(&query, role_name, Inputs::NAME, name) {
                    policies.push(live(Inputs {
                        name: name.to_owned(),
                        role: role_name.to_owned(),
                        policy: decode(policy.policy_document().unwrap_or_default()),
                    }));
                }
            }
        }
        Ok(policies)
    }

    async fn create(&self, context: &Context, new: New<'_, Self>) -> AwsResult<LiveOf<Self>> {
        put(context, new.inputs, new.progress).await?;
        Ok(live(new.inputs.clone()))
    }

    async fn update(&self, context: &Context, change: Change<'_, Self>) -> AwsResult<LiveOf<Self>> {
        put(context, change.wanted, change.progress).await?;
        Ok(change.applied())
    }

    async fn delete(&self, context: &Context, old: Old<'_, Self>) -> AwsResult<()> {
        let live = old.live;
        let _turn = super::turn(context, &live.inputs.role).await;
        let request = context
            .iam
            .delete_role_policy()
            .role_name(&live.inputs.role)
            .policy_name(&live.inputs.name);
        context.send(request).await?;
        Ok(())
    }
}

async fn put(context: &Context, inputs: &Inputs, progress: &dyn Progress) -> AwsResult<()> {
    super::change_role(context, &inputs.role, progress, || {
        let request = context
            .iam
            .put_role_policy()
            .role_name(&inputs.role)
            .policy_name(&inputs.name)
            .policy_document(to_policy_text(&inputs.policy));
        context.send(request)
    })
    .await?;
    Ok(())
}

fn live(inputs: Inputs) -> LiveOf<RolePolicy> {
    Live {
        id: format!("{}:{}", inputs.role, inputs.name),
        arn: None,
        inputs,
        outputs: NoOutputs {},
        tags: Tags::default(),
        condition: Condition::Ready,
    }
}
