//! `aws:iam:RolePolicy`.

use async_trait::async_trait;
use serde_json::{Value as Json, json};

use crate::common::resource_type::{Edit, Effect, ResourceTypeTest, check};
use crate::common::sdk::Sdk;

struct RolePolicy;

#[async_trait]
impl ResourceTypeTest for RolePolicy {
    fn token(&self) -> &'static str {
        "aws:iam:RolePolicy"
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
"#
    }

    fn base(&self) -> &'static str {
        r#"
role: ${role.name}
policy: { Version: "2012-10-17", Statement: [{ Effect: Allow, Action: "s3:ListAllMyBuckets", Resource: "*" }] }
"#
    }

    fn edits(&self) -> Vec<Edit> {
        vec![
            Edit {
                set: r#"policy: { Version: "2012-10-17", Statement: [{ Effect: Allow, Action: "s3:GetObject", Resource: "*" }] }"#,
                change: r#"policy: { Version: "2012-10-17", Statement: [{ Effect: Deny, Action: "s3:PutObject", Resource: "*" }] }"#,
                effect: Effect::InPlace,
                shows: "/policy/Statement/0/Action",
                after_set: json!("s3:GetObject"),
                after_change: json!("s3:PutObject"),
                after_removal: None,
            },
            Edit {
                set: "name: one",
                change: "name: two",
                effect: Effect::Moves,
                shows: "/name",
                after_set: json!("one"),
                after_change: json!("two"),
                after_removal: None,
            },
            Edit {
                set: "role: ${role.name}",
                change: "role: ${other.name}",
                effect: Effect::Moves,
                shows: "/policy/Version",
                after_set: json!("2012-10-17"),
                after_change: json!("2012-10-17"),
                after_removal: None,
            },
        ]
    }

    async fn look(&self, sdk: &Sdk, id: &str) -> Option<Json> {
        let (role, name) = split(id);
        let answer = sdk
            .iam
            .get_role_policy()
            .role_name(role)
            .policy_name(name)
            .send()
            .await
            .ok()?;
        let document = percent_encoding::percent_decode_str(answer.policy_document())
            .decode_utf8()
            .expect("a policy is text");
        let policy: Json = serde_json::from_str(&document).expect("a policy is JSON");
        Some(json!({ "name": answer.policy_name(), "policy": policy }))
    }

    async fn vanish(&self, sdk: &Sdk, id: &str) -> bool {
        let (role, name) = split(id);
        sdk.iam
            .delete_role_policy()
            .role_name(role)
            .policy_name(name)
            .send()
            .await
            .is_ok()
    }

    async fn drift(&self, sdk: &Sdk, id: &str) -> bool {
        let (role, name) = split(id);
        let document = json!({
            "Version": "2012-10-17",
            "Statement": [{ "Effect": "Allow", "Action": "*", "Resource": "*" }],
        });
        sdk.iam
            .put_role_policy()
            .role_name(role)
            .policy_name(name)
            .policy_document(document.to_string())
            .send()
            .await
            .is_ok()
    }

    async fn foreign_tag(&self, _sdk: &Sdk, _id: &str, _set: bool) -> Option<bool> {
        None
    }
}

/// The role and the policy that an id names.
fn split(id: &str) -> (&str, &str) {
    id.split_once(':').expect("a role and a policy")
}

#[tokio::test]
async fn role_policy() {
    check("e2e-iam-role-policy", &RolePolicy).await;
}
