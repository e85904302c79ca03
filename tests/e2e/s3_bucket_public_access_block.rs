//! `aws:s3:BucketPublicAccessBlock`.

use async_trait::async_trait;
use aws_sdk_s3::types::PublicAccessBlockConfiguration;
use serde_json::{Value as Json, json};

use crate::common::needs::TWO_BUCKETS;
use crate::common::resource_type::{Edit, ResourceTypeTest, check};
use crate::common::sdk::Sdk;

struct BucketPublicAccessBlock;

const DEFAULT: [Option<bool>; 4] = [Some(true); 4];

async fn switches(sdk: &Sdk, id: &str) -> Option<[Option<bool>; 4]> {
    let asked = sdk.s3.get_public_access_block().bucket(id).send();
    let answer = asked.await.ok()?;
    let block = answer.public_access_block_configuration()?;
    Some([
        block.block_public_acls(),
        block.block_public_policy(),
        block.ignore_public_acls(),
        block.restrict_public_buckets(),
    ])
}

#[async_trait]
impl ResourceTypeTest for BucketPublicAccessBlock {
    fn token(&self) -> &'static str {
        "aws:s3:BucketPublicAccessBlock"
    }

    fn needs(&self) -> &'static str {
        TWO_BUCKETS
    }

    fn base(&self) -> &'static str {
        "bucket: ${first.bucket}"
    }

    fn edits(&self) -> Vec<Edit> {
        vec![
            Edit::moves(
                "/bucket",
                ("bucket: ${first.bucket}", "first"),
                ("bucket: ${second.bucket}", "second"),
            ),
            Edit::in_place(
                "/blockPublicAcls",
                ("blockPublicAcls: true", true),
                ("blockPublicAcls: false", false),
            )
            .removed(false),
            Edit::in_place(
                "/blockPublicPolicy",
                ("blockPublicPolicy: true", true),
                ("blockPublicPolicy: false", false),
            )
            .removed(false),
            Edit::in_place(
                "/ignorePublicAcls",
                ("ignorePublicAcls: true", true),
                ("ignorePublicAcls: false", false),
            )
            .removed(false),
            Edit::in_place(
                "/restrictPublicBuckets",
                ("restrictPublicBuckets: false", false),
                ("restrictPublicBuckets: true", true),
            )
            .removed(false),
        ]
    }

    async fn look(&self, sdk: &Sdk, id: &str) -> Option<Json> {
        let [acls, policy, ignore, restrict] = switches(sdk, id).await?;
        Some(json!({
            "bucket": sdk.name_of(&format!("arn:aws:s3:::{id}")).await,
            "blockPublicAcls": acls,
            "blockPublicPolicy": policy,
            "ignorePublicAcls": ignore,
            "restrictPublicBuckets": restrict,
        }))
    }

    /// A bucket whose block is in no file has all four switches on, as a new one has.
    async fn is_gone(&self, sdk: &Sdk, id: &str) -> bool {
        let found = switches(sdk, id).await;
        found.is_none_or(|found| found == DEFAULT)
    }

    /// Without it, a bucket has all four off, which is what is wanted: nothing to see.
    async fn vanish(&self, _sdk: &Sdk, _id: &str) -> bool {
        false
    }

    async fn drift(&self, sdk: &Sdk, id: &str) -> bool {
        let block = PublicAccessBlockConfiguration::builder()
            .ignore_public_acls(true)
            .build();
        sdk.s3
            .put_public_access_block()
            .bucket(id)
            .public_access_block_configuration(block)
            .send()
            .await
            .is_ok()
    }

    async fn foreign_tag(&self, _sdk: &Sdk, _id: &str, _set: bool) -> Option<bool> {
        None
    }
}

#[tokio::test]
async fn bucket_public_access_block() {
    check("e2e-s3-bucket-access-block", &BucketPublicAccessBlock).await;
}
