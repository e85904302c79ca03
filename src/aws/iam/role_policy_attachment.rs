//! Attachment of a managed policy to an IAM role.
//!
//! - It has no tags: it belongs to its role, and is read with it.
//! - Attaching twice succeeds. Nothing about an attachment can change: another role or policy is another attachment.

use async_trait::async_trait;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::aws::context::Context;
use crate::aws::error::AwsResult;
use crate::aws::resource_type::{Change, Live, LiveOf, New, ResourceType};
use crate::resource::provider::{DataPolicy, Progress, Query};
use crate::resource::rule::{Limit, one};
use crate::resource::{Condition, CreateClass, Property, Schema, Tags};

/// A managed policy on a role. A role takes 10 by default.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Inputs {
    /// Name of the role.
    pub role: String,
    /// ARN of the policy: the account's own, or AWS's such as `arn:aws:iam::aws:policy/ReadOnlyAccess`.
    pub policy_arn: String,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Outputs {}

pub struct RolePolicyAttachment;

#[async_trait]
impl ResourceType for RolePolicyAttachment {
    type Inputs = Inputs;
    type Outputs = Outputs;

    fn schema(&self) -> Schema {
        Schema::new::<Inputs>("aws:iam:RolePolicyAttachment", CreateClass::PartOfParent)
            .key(&["role", "policyArn"])
            .limits(&[Limit {
                by: &["role"],
                measure: one,
                most: 25,
                quota: Some(10),
                what: "policies attached to one role",
                help: "put several into one, or ask AWS to raise the quota of managed policies per role",
            }])
            // The policy is part of the key, so its ARN must be known by then.
            .reads_after(&["aws:iam:Role", "aws:iam:Policy"])
            .hangs_on("role", "aws:iam:Role")
            .opens()
            .holds_parent()
            .properties([
                Property::new("role").required().replaces(),
                Property::new("policyArn").required().replaces(),
            ])
    }

    async fn read(&self, context: &Context, query: Query<'_>) -> AwsResult<Vec<LiveOf<Self>>> {
        let account = super::account(context, query.session).await?;
        let mut attachments = Vec::new();
        for role in &account.roles {
            let role_name = role.role_name().unwrap_or_default();
            let ours = query.parents("aws:iam:Role").any(|own| own.id == role_name);
            for policy in role.attached_managed_policies() {
                let arn = policy.policy_arn().unwrap_or_default();
                // On a role that is not ours, only what the author names is ours.
                if ours || wanted(&query, role_name, arn) {
                    attachments.push(live(Inputs {
                        role: role_name.to_owned(),
                        policy_arn: arn.to_owned(),
                    }));
                }
            }
        }
        Ok(attachments)
    }

    async fn create(
        &self,
        context: &Context,
        new: New<'_, Self::Inputs>,
    ) -> AwsResult<LiveOf<Self>> {
        super::change_role(context, &new.inputs.role, new.progress, || {
            context.call("iam:AttachRolePolicy", || {
                context
                    .iam
                    .attach_role_policy()
                    .role_name(&new.inputs.role)
                    .policy_arn(&new.inputs.policy_arn)
                    .send()
            })
        })
        .await?;
        Ok(live(new.inputs.clone()))
    }

    async fn update(
        &self,
        _context: &Context,
        change: Change<'_, Self>,
    ) -> AwsResult<LiveOf<Self>> {
        Ok(change.applied())
    }

    async fn delete(
        &self,
        context: &Context,
        live: &LiveOf<Self>,
        _data: DataPolicy,
        _progress: &dyn Progress,
    ) -> AwsResult<()> {
        let _turn = super::turn(context, &live.inputs.role).await;
        context
            .call("iam:DetachRolePolicy", || {
                context
                    .iam
                    .detach_role_policy()
                    .role_name(&live.inputs.role)
                    .policy_arn(&live.inputs.policy_arn)
                    .send()
            })
            .await?;
        Ok(())
    }
}

fn wanted(query: &Query<'_>, role: &str, arn: &str) -> bool {
    query.wanted.iter().any(|wanted| {
        let is = |property: &str, value: &str| {
            wanted.inputs.get(property).and_then(|v| v.as_str()) == Some(value)
        };
        is("role", role) && is("policyArn", arn)
    })
}

fn live(inputs: Inputs) -> LiveOf<RolePolicyAttachment> {
    Live {
        id: format!("{}/{}", inputs.role, inputs.policy_arn),
        arn: None,
        inputs,
        outputs: Outputs {},
        tags: Tags::default(),
        condition: Condition::Ready,
    }
}
