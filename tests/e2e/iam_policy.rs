//! `aws:iam:Policy`.

use async_trait::async_trait;
use aws_sdk_iam::types::Tag;
use fde_infra::resource::Observed;
use serde_json::{Value as Json, json};

use crate::common::World;
use crate::common::resource_type::{Edit, Effect, ResourceTypeTest, check};
use crate::common::sdk::{FOREIGN, Sdk, Tags};

struct Policy;

#[async_trait]
impl ResourceTypeTest for Policy {
    fn token(&self) -> &'static str {
        "aws:iam:Policy"
    }

    fn base(&self) -> &'static str {
        r#"policy: { Version: "2012-10-17", Statement: [{ Effect: Allow, Action: "s3:ListAllMyBuckets", Resource: "*" }] }"#
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
                set: "path: /one/",
                change: "path: /two/",
                effect: Effect::Replaces,
                shows: "/path",
                after_set: json!("/one/"),
                after_change: json!("/two/"),
                after_removal: Some(json!("/")),
            },
            Edit {
                set: "description: one",
                change: "description: two",
                effect: Effect::Replaces,
                shows: "/description",
                after_set: json!("one"),
                after_change: json!("two"),
                after_removal: Some(json!("")),
            },
            Edit {
                set: "name: e2e-iam-policy-one",
                change: "name: e2e-iam-policy-two",
                effect: Effect::Replaces,
                shows: "/name",
                after_set: json!("e2e-iam-policy-one"),
                after_change: json!("e2e-iam-policy-two"),
                after_removal: None,
            },
        ]
    }

    async fn look(&self, sdk: &Sdk, id: &str) -> Option<Json> {
        let answer = sdk.iam.get_policy().policy_arn(id).send().await.ok()?;
        let policy = answer.policy()?;
        let version = sdk
            .iam
            .get_policy_version()
            .policy_arn(id)
            .version_id(policy.default_version_id()?)
            .send()
            .await
            .ok()?;
        let document = version.policy_version()?.document()?;
        let document = percent_encoding::percent_decode_str(document)
            .decode_utf8()
            .expect("a policy is text");
        let document: Json = serde_json::from_str(&document).expect("a policy is JSON");
        Some(json!({
            "name": policy.policy_name(),
            "path": policy.path(),
            "description": policy.description().unwrap_or_default(),
            "policy": document,
        }))
    }

    async fn vanish(&self, sdk: &Sdk, id: &str) -> bool {
        let versions = sdk
            .iam
            .list_policy_versions()
            .policy_arn(id)
            .send()
            .await
            .expect("versions can be listed");
        for version in versions.versions() {
            if !version.is_default_version() {
                sdk.iam
                    .delete_policy_version()
                    .policy_arn(id)
                    .version_id(version.version_id().expect("it has an id"))
                    .send()
                    .await
                    .expect("an old version can be deleted");
            }
        }
        sdk.iam.delete_policy().policy_arn(id).send().await.is_ok()
    }

    async fn drift(&self, sdk: &Sdk, id: &str) -> bool {
        let document = json!({
            "Version": "2012-10-17",
            "Statement": [{ "Effect": "Allow", "Action": "*", "Resource": "*" }],
        });
        sdk.iam
            .create_policy_version()
            .policy_arn(id)
            .policy_document(document.to_string())
            .set_as_default(true)
            .send()
            .await
            .is_ok()
    }

    async fn foreign_tag(&self, sdk: &Sdk, id: &str, set: bool) -> Option<bool> {
        if set {
            let tag = Tag::builder()
                .key(FOREIGN.0)
                .value(FOREIGN.1)
                .build()
                .expect("a tag");
            sdk.iam
                .tag_policy()
                .policy_arn(id)
                .tags(tag)
                .send()
                .await
                .expect("tags can be set");
        }
        Some(tags_of(sdk, id).await.get(FOREIGN.0).map(String::as_str) == Some(FOREIGN.1))
    }

    async fn tags(&self, sdk: &Sdk, live: &Observed) -> Tags {
        tags_of(sdk, &live.id).await
    }
}

/// Asked of IAM, because the tagging API knows policies in IAM's home region alone.
async fn tags_of(sdk: &Sdk, arn: &str) -> Tags {
    let answer = sdk
        .iam
        .list_policy_tags()
        .policy_arn(arn)
        .send()
        .await
        .expect("tags can be listed");
    answer
        .tags()
        .iter()
        .map(|tag| (tag.key().to_owned(), tag.value().to_owned()))
        .collect()
}

#[tokio::test]
async fn policy() {
    check("e2e-iam-policy", &Policy).await;
}

/// AWS answers with no description at all.
#[tokio::test]
async fn an_empty_description_is_none() {
    let world = World::new("e2e-iam-policy-empty").await;
    let file = |description: &str| {
        format!(
            r#"tested:
  type: aws:iam:Policy
  properties:
    {description}
    policy: {{ Version: "2012-10-17", Statement: [{{ Effect: Allow, Action: "s3:ListAllMyBuckets", Resource: "*" }}] }}"#
        )
    };
    let empty = file("description: ''");
    world.up(&empty).await;
    let id = world.id(&empty, "tested").await;
    assert!(world.preview(&empty).await.is_empty());
    assert!(world.preview(&file("")).await.is_empty());
    let policy = world.sdk.iam.get_policy().policy_arn(&id).send().await;
    let policy = policy.expect("it is there");
    let description = policy.policy().and_then(|policy| policy.description());
    assert_eq!(description.unwrap_or_default(), "");
    world.destroy(&empty).await;
}
