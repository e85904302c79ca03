//! `aws:s3:BucketServerSideEncryptionConfiguration`.

use async_trait::async_trait;
use serde_json::{Value as Json, json};

use crate::common::needs::TWO_BUCKETS;
use crate::common::resource_type::{Edit, ResourceTypeTest, check};
use crate::common::sdk::Sdk;

struct Encryption;

/// The one rule: algorithm, key, and whether there is a key of the bucket.
async fn rule(sdk: &Sdk, id: &str) -> Option<Json> {
    let asked = sdk.s3.get_bucket_encryption().bucket(id).send();
    let answer = asked.await.ok()?;
    let configuration = answer.server_side_encryption_configuration()?;
    let [rule] = configuration.rules() else {
        panic!("{configuration:?}");
    };
    let default = rule.apply_server_side_encryption_by_default()?;
    Some(json!([
        default.sse_algorithm().as_str(),
        default.kms_master_key_id(),
        rule.bucket_key_enabled()
    ]))
}

#[async_trait]
impl ResourceTypeTest for Encryption {
    fn token(&self) -> &'static str {
        "aws:s3:BucketServerSideEncryptionConfiguration"
    }

    fn needs(&self) -> &'static str {
        TWO_BUCKETS
    }

    fn base(&self) -> &'static str {
        "
bucket: ${first.bucket}
rules: [{ applyServerSideEncryptionByDefault: { sseAlgorithm: 'aws:kms' } }]
"
    }

    fn edits(&self) -> Vec<Edit> {
        vec![
            Edit::moves(
                "/bucket",
                ("bucket: ${first.bucket}", "first"),
                ("bucket: ${second.bucket}", "second"),
            ),
            Edit::in_place(
                "/rule",
                (
                    "rules: [{ applyServerSideEncryptionByDefault: { sseAlgorithm: AES256 } }]",
                    json!(["AES256", null, false]),
                ),
                (
                    "rules: [{ applyServerSideEncryptionByDefault: { sseAlgorithm: 'aws:kms', kmsMasterKeyId: alias/aws/s3 }, bucketKeyEnabled: true }]",
                    json!(["aws:kms", "alias/aws/s3", true]),
                ),
            )
            .removed(json!(["aws:kms", null, false])),
            Edit::in_place(
                "/rule",
                (
                    "rules: [{ applyServerSideEncryptionByDefault: { sseAlgorithm: 'aws:kms' }, bucketKeyEnabled: true }]",
                    json!(["aws:kms", null, true]),
                ),
                (
                    "rules: [{ applyServerSideEncryptionByDefault: { sseAlgorithm: 'aws:kms:dsse' }, bucketKeyEnabled: false }]",
                    json!(["aws:kms:dsse", null, false]),
                ),
            ),
        ]
    }

    async fn look(&self, sdk: &Sdk, id: &str) -> Option<Json> {
        Some(json!({
            "rule": rule(sdk, id).await?,
            "bucket": sdk.name_of(&format!("arn:aws:s3:::{id}")).await,
        }))
    }

    async fn is_gone(&self, sdk: &Sdk, id: &str) -> bool {
        let found = rule(sdk, id).await;
        found.is_none_or(|found| found == json!(["AES256", null, false]))
    }

    async fn vanish(&self, _sdk: &Sdk, _id: &str) -> bool {
        false
    }

    /// Without it, S3 encrypts with keys of its own.
    async fn drift(&self, sdk: &Sdk, id: &str) -> bool {
        let deleted = sdk.s3.delete_bucket_encryption().bucket(id).send().await;
        deleted.is_ok()
    }

    async fn foreign_tag(&self, _sdk: &Sdk, _id: &str, _set: bool) -> Option<bool> {
        None
    }
}

#[tokio::test]
async fn bucket_server_side_encryption_configuration() {
    check("e2e-s3-bucket-encryption", &Encryption).await;
}
