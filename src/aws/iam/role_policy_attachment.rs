//! Attachment of a managed policy to an IAM role.
//!
//! - It has no tags: it belongs to its role, and is read with it.
//! - Attaching twice succeeds. Nothing about an attachment can change: another role or policy is another attachment.
//! - AWS keeps some of its policies under a path, most often `service-role/`; without it there is no such policy
//!   (hashicorp/terraform#31748, aws/aws-cdk#19830). None of AWS's policies was made a moment ago, so nothing is waited for.
//! - Policies of service-linked roles can only be attached to these (aws/aws-cdk#6131).

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::document;
use crate::aws::context::Context;
use crate::aws::error::AwsResult;
use crate::aws::resource_type::{Change, Live, LiveOf, New, NoOutputs, Old, ResourceType, check};
use crate::resource::provider::{Query, Remedy};
use crate::resource::rule::{Limit, one};
use crate::resource::{
    Condition, CreateClass, ErrorKind, InvalidInput, PropertyTable, ProviderError, Schema, Tags,
    TextRule,
};

/// A managed policy on a role. A role takes 10 by default.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema, PropertyTable)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Inputs {
    /// The name of the role.
    #[property(
        required,
        replaces,
        canonical(super::lower_case),
        text(document::name(64))
    )]
    pub role: String,
    /// The ARN of the policy: the account's own, or AWS's, such as `arn:aws:iam::aws:policy/ReadOnlyAccess`.
    #[property(required, replaces, text(POLICY_ARN))]
    pub policy_arn: String,
}

const POLICY_ARN: TextRule = TextRule::new(20..=2048).must(
    "be the ARN of a policy, `arn:…:iam::…:policy/…`",
    |arn| arn.starts_with("arn:") && arn.contains(":iam::") && arn.contains(":policy/"),
);

pub struct RolePolicyAttachment;

impl ResourceType for RolePolicyAttachment {
    type Inputs = Inputs;
    type Outputs = NoOutputs;

    fn schema(&self) -> Schema {
        Schema::of::<Inputs, NoOutputs>("aws:iam:RolePolicyAttachment", CreateClass::PartOfParent)
            .key(&[Inputs::ROLE, Inputs::POLICY_ARN])
            .limits(&[Limit {
                by: &[Inputs::ROLE],
                measure: one,
                most: 25,
                quota: Some(10),
                what: "policies attached to one role",
                help: "put several into one, or ask AWS to raise the quota of managed policies per role",
            }])
            // The policy is part of the key, so its ARN must be known by then.
            .reads_after(&["aws:iam:Role", "aws:iam:Policy"])
            .child_of(Inputs::ROLE, "aws:iam:Role")
            .opens()
            .holds_parent()
            .checks(|inputs| check(inputs, fit))
    }

    async fn read(&self, context: &Context, query: Query<'_>) -> AwsResult<Vec<LiveOf<Self>>> {
        let account = super::account(context, query.session).await?;
        let mut attachments = Vec::new();
        for role in &account.roles {
            let role_name = role.role_name().unwrap_or_default();
            let ours = query.parents("aws:iam:Role").any(|own| own.id == role_name);
            for policy in role.attached_managed_policies() {
                let arn = policy.policy_arn().unwrap_or_default();
                if ours || super::wants_part(&query, role_name, Inputs::POLICY_ARN, arn) {
                    attachments.push(live(Inputs {
                        role: role_name.to_owned(),
                        policy_arn: arn.to_owned(),
                    }));
                }
            }
        }
        Ok(attachments)
    }

    async fn create(&self, context: &Context, new: New<'_, Self>) -> AwsResult<LiveOf<Self>> {
        super::change_role(context, &new.inputs.role, new.progress, || async {
            let request = context
                .iam
                .attach_role_policy()
                .role_name(&new.inputs.role)
                .policy_arn(&new.inputs.policy_arn);
            let attached = context.send(request).await;
            attached.map_err(|error| explained(&new.inputs.policy_arn, error))
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

    async fn delete(&self, context: &Context, old: Old<'_, Self>) -> AwsResult<()> {
        let live = old.live;
        let _turn = super::turn(context, &live.inputs.role).await;
        let request = context
            .iam
            .detach_role_policy()
            .role_name(&live.inputs.role)
            .policy_arn(&live.inputs.policy_arn);
        context.send(request).await?;
        Ok(())
    }
}

fn fit(inputs: &Inputs) -> Vec<InvalidInput> {
    let is_linked = inputs
        .policy_arn
        .contains(":iam::aws:policy/aws-service-role/");
    let reason = "is a policy of a service-linked role, which AWS alone attaches";
    is_linked
        .then(|| InvalidInput::new("policyArn", reason))
        .into_iter()
        .collect()
}

/// Explains the refusal of an AWS policy that does not exist, with the way to its ARN. A missing role may be too new, and so
/// may a policy of the account's own.
fn explained(arn: &str, error: ProviderError) -> ProviderError {
    let is_of_aws = arn.contains(":iam::aws:policy/");
    if !is_of_aws || !error.is(ErrorKind::NotFound) || !error.message.contains("is not attachable")
    {
        return error;
    }
    let name = arn.rsplit('/').next().unwrap_or(arn);
    let remedy = Remedy::new(
        "AWS keeps some of its policies under a path, such as `service-role/`; write the ARN that this prints, then run",
    )
    .command(format!(
        "aws iam list-policies --scope AWS --query \"Policies[?PolicyName=='{name}'].Arn\" --output text"
    ));
    ProviderError {
        kind: ErrorKind::Invalid,
        remedy: Some(remedy),
        ..error
    }
}

fn live(inputs: Inputs) -> LiveOf<RolePolicyAttachment> {
    Live {
        id: format!("{}/{}", inputs.role, inputs.policy_arn),
        arn: None,
        inputs,
        outputs: NoOutputs {},
        tags: Tags::default(),
        condition: Condition::Ready,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const OF_AWS: &str = "arn:aws:iam::aws:policy/AmazonECSTaskExecutionRolePolicy";

    #[test]
    fn a_policy_of_aws_that_is_not_there_is_not_waited_for() {
        let answered = |arn: &str, message: &str| {
            let error = ProviderError::new(ErrorKind::NotFound, "iam:AttachRolePolicy", message);
            explained(arn, error)
        };
        let missing = format!("Policy {OF_AWS} does not exist or is not attachable.");
        let told = answered(OF_AWS, &missing);
        assert_eq!(told.kind, ErrorKind::Invalid);
        let commands = told.remedy.unwrap().commands;
        assert!(
            commands[0].contains("PolicyName=='AmazonECSTaskExecutionRolePolicy'"),
            "{commands:?}"
        );
        // A call on an object that may be too new is retried.
        let role = answered(OF_AWS, "The role with name a cannot be found.");
        assert_eq!(role.kind, ErrorKind::NotFound);
        let own = answered("arn:aws:iam::123456789012:policy/own", &missing);
        assert_eq!(own.kind, ErrorKind::NotFound);
    }

    #[test]
    fn policies_of_service_linked_roles_are_refused() {
        let said = |arn: &str| {
            let inputs = Inputs {
                role: "web".to_owned(),
                policy_arn: arn.to_owned(),
            };
            fit(&inputs).len()
        };
        assert_eq!(said(OF_AWS), 0);
        let linked = "arn:aws:iam::aws:policy/aws-service-role/AmazonECSServiceRolePolicy";
        assert_eq!(said(linked), 1);
    }

    #[test]
    fn a_role_is_a_name_and_a_policy_an_arn() {
        let schema = RolePolicyAttachment.schema();
        let rule = |name: &str| {
            let property = schema.properties.iter().find(|one| one.name == name);
            property.and_then(|property| property.text).unwrap()
        };
        assert_eq!(rule("role").check_text("web"), None);
        assert!(
            rule("role")
                .check_text("arn:aws:iam::123456789012:role/web")
                .is_some()
        );
        assert_eq!(rule("policyArn").check_text(OF_AWS), None);
        assert!(
            rule("policyArn")
                .check_text("AmazonECSTaskExecutionRolePolicy")
                .is_some()
        );
    }
}
