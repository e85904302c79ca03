//! `aws:iam:RolePolicyAttachment`.

use async_trait::async_trait;
use serde_json::{Value as Json, json};

use crate::common::World;
use crate::common::program::Program;
use crate::common::resource_type::{Edit, Effect, ResourceTypeTest, check};
use crate::common::sdk::Sdk;

struct RolePolicyAttachment;

#[async_trait]
impl ResourceTypeTest for RolePolicyAttachment {
    fn token(&self) -> &'static str {
        "aws:iam:RolePolicyAttachment"
    }

    fn needs(&self) -> &'static str {
        r#"
role:
  type: aws:iam:Role
  properties:
    assumeRolePolicy: { Version: "2012-10-17", Statement: [{ Effect: Allow, Principal: { Service: ecs-tasks.amazonaws.com }, Action: "sts:AssumeRole" }] }
other:
  type: aws:iam:Role
  properties:
    assumeRolePolicy: { Version: "2012-10-17", Statement: [{ Effect: Allow, Principal: { Service: ecs-tasks.amazonaws.com }, Action: "sts:AssumeRole" }] }
first:
  type: aws:iam:Policy
  properties:
    name: e2e-attachment-first
    policy: { Version: "2012-10-17", Statement: [{ Effect: Allow, Action: "s3:ListAllMyBuckets", Resource: "*" }] }
second:
  type: aws:iam:Policy
  properties:
    name: e2e-attachment-second
    policy: { Version: "2012-10-17", Statement: [{ Effect: Allow, Action: "s3:GetObject", Resource: "*" }] }
"#
    }

    fn base(&self) -> &'static str {
        "{ role: '${role.name}', policyArn: '${first.arn}' }"
    }

    fn edits(&self) -> Vec<Edit> {
        vec![
            Edit {
                set: "policyArn: ${first.arn}",
                change: "policyArn: ${second.arn}",
                effect: Effect::Moves,
                shows: "/policy",
                after_set: json!("e2e-attachment-first"),
                after_change: json!("e2e-attachment-second"),
                after_removal: None,
            },
            Edit {
                set: "role: ${role.name}",
                change: "role: ${other.name}",
                effect: Effect::Moves,
                shows: "/policy",
                after_set: json!("e2e-attachment-first"),
                after_change: json!("e2e-attachment-first"),
                after_removal: None,
            },
        ]
    }

    async fn look(&self, sdk: &Sdk, id: &str) -> Option<Json> {
        let (role, arn) = split(id);
        let answer = sdk
            .iam
            .list_attached_role_policies()
            .role_name(role)
            .send()
            .await
            .ok()?;
        let attached = answer
            .attached_policies()
            .iter()
            .find(|policy| policy.policy_arn() == Some(arn))?;
        Some(json!({ "policy": attached.policy_name() }))
    }

    async fn vanish(&self, sdk: &Sdk, id: &str) -> bool {
        let (role, arn) = split(id);
        sdk.iam
            .detach_role_policy()
            .role_name(role)
            .policy_arn(arn)
            .send()
            .await
            .is_ok()
    }

    async fn drift(&self, _sdk: &Sdk, _id: &str) -> bool {
        false
    }

    async fn foreign_tag(&self, _sdk: &Sdk, _id: &str, _set: bool) -> Option<bool> {
        None
    }
}

/// The role and the policy that an id names.
fn split(id: &str) -> (&str, &str) {
    id.split_once('/').expect("a role and a policy")
}

#[tokio::test]
async fn role_policy_attachment() {
    check("e2e-iam-role-policy-attachment", &RolePolicyAttachment).await;
}

/// It is under `service-role/`, and the file leaves that out.
#[tokio::test]
async fn a_policy_of_aws_that_is_not_there_is_told_with_the_way_to_its_arn() {
    const FILE: &str = "\
role: { type: aws:iam:Role, properties: { name: e2e-attachment-path, assumeRolePolicy: { Version: '2012-10-17', Statement: [{ Effect: Allow, Principal: { Service: ecs-tasks.amazonaws.com }, Action: 'sts:AssumeRole' }] } } }
own: { type: aws:iam:RolePolicyAttachment, properties: { role: '${role.name}', policyArn: 'arn:aws:iam::aws:policy/AmazonECSTaskExecutionRolePolicy' } }
";
    let world = World::new("e2e-iam-attachment-path").await;
    let program = Program::of(&world);
    let ended = program.run_file(&world.file(FILE), "up", &["--yes"]);
    assert_ne!(ended.status, Some(0), "{}", ended.screen);
    let way = "PolicyName=='AmazonECSTaskExecutionRolePolicy'";
    assert!(ended.raw.contains(way), "{}", ended.screen);
    let attached = world.sdk.iam.list_attached_role_policies();
    let attached = attached.role_name("e2e-attachment-path").send().await;
    let attached = attached.expect("the role is there");
    assert_eq!(attached.attached_policies(), []);
    world.destroy(FILE).await;
}
