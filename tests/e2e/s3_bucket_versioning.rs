//! `aws:s3:BucketVersioning`.

use async_trait::async_trait;
use aws_sdk_s3::types::{BucketVersioningStatus, VersioningConfiguration};
use serde_json::{Value as Json, json};

use crate::common::needs::TWO_BUCKETS;
use crate::common::resource_type::{Edit, ResourceTypeTest, check};
use crate::common::sdk::Sdk;

struct BucketVersioning;

#[async_trait]
impl ResourceTypeTest for BucketVersioning {
    fn token(&self) -> &'static str {
        "aws:s3:BucketVersioning"
    }

    fn needs(&self) -> &'static str {
        TWO_BUCKETS
    }

    fn base(&self) -> &'static str {
        "{ bucket: '${first.bucket}', versioningConfiguration: { status: Enabled } }"
    }

    fn edits(&self) -> Vec<Edit> {
        vec![
            Edit::in_place(
                "/status",
                ("versioningConfiguration: { status: Enabled }", "Enabled"),
                (
                    "versioningConfiguration: { status: Suspended }",
                    "Suspended",
                ),
            )
            .removed("Enabled"),
            Edit::moves(
                "/bucket",
                ("bucket: ${first.bucket}", "first"),
                ("bucket: ${second.bucket}", "second"),
            ),
        ]
    }

    async fn look(&self, sdk: &Sdk, id: &str) -> Option<Json> {
        let asked = sdk.s3.get_bucket_versioning().bucket(id).send();
        let answer = asked.await.ok()?;
        Some(json!({
            "bucket": sdk.name_of(&format!("arn:aws:s3:::{id}")).await,
            "status": answer.status().map(|status| status.as_str()),
        }))
    }

    /// Once versioned, a bucket can only be suspended.
    async fn is_gone(&self, sdk: &Sdk, id: &str) -> bool {
        let looked = self.look(sdk, id).await;
        looked.is_none_or(|looked| looked["status"] != "Enabled")
    }

    async fn vanish(&self, _sdk: &Sdk, _id: &str) -> bool {
        false
    }

    async fn drift(&self, sdk: &Sdk, id: &str) -> bool {
        let suspended = VersioningConfiguration::builder()
            .status(BucketVersioningStatus::Suspended)
            .build();
        sdk.s3
            .put_bucket_versioning()
            .bucket(id)
            .versioning_configuration(suspended)
            .send()
            .await
            .is_ok()
    }

    async fn foreign_tag(&self, _sdk: &Sdk, _id: &str, _set: bool) -> Option<bool> {
        None
    }
}

#[tokio::test]
async fn bucket_versioning() {
    check("e2e-s3-bucket-versioning", &BucketVersioning).await;
}
