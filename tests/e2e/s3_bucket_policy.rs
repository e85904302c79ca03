//! `aws:s3:BucketPolicy`.

use async_trait::async_trait;
use serde_json::{Value as Json, json};

use crate::common::needs::TWO_BUCKETS;
use crate::common::resource_type::{Edit, ResourceTypeTest, check};
use crate::common::sdk::Sdk;

struct BucketPolicy;

#[async_trait]
impl ResourceTypeTest for BucketPolicy {
    fn token(&self) -> &'static str {
        "aws:s3:BucketPolicy"
    }

    fn needs(&self) -> &'static str {
        TWO_BUCKETS
    }

    fn base(&self) -> &'static str {
        "
bucket: ${first.bucket}
policy:
  Version: '2012-10-17'
  Statement:
    - Sid: base
      Effect: Allow
      Principal: { AWS: '${aws.accountId}' }
      Action: s3:GetObject
      Resource: '${first.arn}/*'
"
    }

    fn edits(&self) -> Vec<Edit> {
        vec![
            Edit::moves(
                "/bucket",
                ("bucket: ${first.bucket}", "first"),
                (
                    "
bucket: ${second.bucket}
policy:
  Version: '2012-10-17'
  Statement:
    - { Effect: Allow, Principal: { AWS: '${aws.accountId}' }, Action: s3:GetObject, Resource: '${second.arn}/*' }
",
                    "second",
                ),
            ),
            Edit::in_place(
                "/statements",
                (
                    // As JSON text.
                    r#"policy: '{"Version": "2012-10-17", "Statement": {"Sid": "text", "Effect": "Allow", "Principal": "*", "Action": "s3:GetObject", "Resource": "${first.arn}/*", "Condition": {"Bool": {"aws:SecureTransport": true}}}}'"#,
                    json!(["text"]),
                ),
                (
                    "
policy:
  Version: '2012-10-17'
  Statement:
    - Sid: read
      Effect: Allow
      Principal: { AWS: 'arn:aws:iam::${aws.accountId}:root' }
      Action: [s3:GetObject, s3:GetObjectVersion]
      Resource: ['${first.arn}/a/*', '${first.arn}/b/*']
    - Sid: secure
      Effect: Deny
      Principal: '*'
      Action: s3:*
      Resource: '${first.arn}/*'
      Condition: { Bool: { aws:SecureTransport: 'false' } }
",
                    json!(["read", "secure"]),
                ),
            )
            .removed(json!(["base"])),
        ]
    }

    async fn look(&self, sdk: &Sdk, id: &str) -> Option<Json> {
        let answer = sdk.s3.get_bucket_policy().bucket(id).send().await.ok()?;
        let policy: Json = serde_json::from_str(answer.policy()?).expect("a policy is JSON");
        let statements = match &policy["Statement"] {
            Json::Array(statements) => statements.clone(),
            single => vec![single.clone()],
        };
        let ids: Vec<&Json> = statements.iter().map(|one| &one["Sid"]).collect();
        Some(json!({
            "bucket": sdk.name_of(&format!("arn:aws:s3:::{id}")).await,
            "statements": ids,
        }))
    }

    async fn vanish(&self, sdk: &Sdk, id: &str) -> bool {
        let deleted = sdk.s3.delete_bucket_policy().bucket(id).send().await;
        deleted.is_ok()
    }

    async fn drift(&self, sdk: &Sdk, id: &str) -> bool {
        let policy = json!({
            "Version": "2012-10-17",
            "Statement": [{
                "Sid": "drift", "Effect": "Deny", "Principal": "*", "Action": "s3:PutObject",
                "Resource": format!("arn:aws:s3:::{id}/*"),
            }],
        });
        let put = sdk.s3.put_bucket_policy().bucket(id);
        put.policy(policy.to_string()).send().await.is_ok()
    }

    async fn foreign_tag(&self, _sdk: &Sdk, _id: &str, _set: bool) -> Option<bool> {
        None
    }
}

#[tokio::test]
async fn bucket_policy() {
    check("e2e-s3-bucket-policy", &BucketPolicy).await;
}
