//! `aws:s3:Bucket`.

use async_trait::async_trait;
use aws_sdk_s3::primitives::ByteStream;
use fde_infra::plan::{Goal, Request, RetainReason, Retained};
use serde_json::{Value as Json, json};

use crate::common::World;
use crate::common::resource_type::{Edit, ResourceTypeTest, check};
use crate::common::sdk::Sdk;

struct Bucket;

/// Returns whether a bucket exists.
async fn exists(sdk: &Sdk, name: &str) -> bool {
    sdk.s3.head_bucket().bucket(name).send().await.is_ok()
}

#[async_trait]
impl ResourceTypeTest for Bucket {
    fn token(&self) -> &'static str {
        "aws:s3:Bucket"
    }

    fn base(&self) -> &'static str {
        "{}"
    }

    fn edits(&self) -> Vec<Edit> {
        // Names are unique among all accounts. `forceDestroy` is nothing that AWS knows: it has tests of its own.
        vec![Edit::replaces(
            "/name",
            ("bucket: 'e2e-s3-bucket-one-${aws.accountId}'", "one"),
            ("bucket: 'e2e-s3-bucket-two-${aws.accountId}'", "two"),
        )]
    }

    fn without_a_row(&self) -> &'static [(&'static str, &'static str)] {
        &[("forceDestroy", "nothing AWS keeps: tested below the table")]
    }

    async fn look(&self, sdk: &Sdk, id: &str) -> Option<Json> {
        let parts: Vec<&str> = id.split('-').collect();
        let name = exists(sdk, id).await.then(|| parts.get(3).copied())?;
        Some(json!({ "name": name }))
    }

    async fn vanish(&self, sdk: &Sdk, id: &str) -> bool {
        sdk.s3.delete_bucket().bucket(id).send().await.is_ok()
    }

    /// All that could drift is a resource of its own.
    async fn drift(&self, _sdk: &Sdk, _id: &str) -> bool {
        false
    }

    async fn foreign_tag(&self, sdk: &Sdk, id: &str, set: bool) -> Option<bool> {
        sdk.foreign_tag(&format!("arn:aws:s3:::{id}"), set).await
    }
}

#[tokio::test]
async fn bucket() {
    check("e2e-s3-bucket", &Bucket).await;
}

const EMPTIED: &str = "tested: { type: aws:s3:Bucket, properties: { forceDestroy: true } }";
const KEPT: &str = "tested: { type: aws:s3:Bucket }";

/// Puts two versions of an object and a delete marker into a versioned bucket.
async fn fill(sdk: &Sdk, bucket: &str) {
    use aws_sdk_s3::types::{BucketVersioningStatus, VersioningConfiguration};
    let enabled = VersioningConfiguration::builder()
        .status(BucketVersioningStatus::Enabled)
        .build();
    let versioned = sdk.s3.put_bucket_versioning().bucket(bucket);
    versioned
        .versioning_configuration(enabled)
        .send()
        .await
        .expect("it takes versions");
    for text in ["one", "two"] {
        let put = sdk.s3.put_object().bucket(bucket).key("object");
        put.body(ByteStream::from_static(text.as_bytes()))
            .send()
            .await
            .expect("it takes objects");
    }
    let delete = sdk.s3.delete_object().bucket(bucket).key("object");
    delete.send().await.expect("objects can be deleted");
}

#[tokio::test]
async fn data_goes_only_with_consent() {
    // In staging, data is to be left in a snapshot, which buckets do not have.
    let world = World::in_environment("e2e-s3-bucket-data", "staging").await;
    world.up(KEPT).await;
    let bucket = world.id(KEPT, "tested").await;
    fill(&world.sdk, &bucket).await;
    let destroy = Request {
        goal: Goal::Destroy,
        ..Request::default()
    };

    let plan = world.plan_for(KEPT, &destroy).await;
    let of_bucket = |retained: &&Retained| retained.observed.id == bucket;
    let kept = plan.retained.iter().find(of_bucket);
    let kept = kept.expect("it is to stay");
    assert_eq!(kept.reason, RetainReason::LeavesNothing);
    world.run(plan).await;
    assert!(exists(&world.sdk, &bucket).await);

    let plan = world.plan_for(EMPTIED, &destroy).await;
    world.run(plan).await;
    assert!(!exists(&world.sdk, &bucket).await, "it was to be emptied");
}

#[tokio::test]
async fn a_bucket_with_objects_leaves_the_file_only_with_consent() {
    let world = World::new("e2e-s3-bucket-left").await;
    world.up(KEPT).await;
    let bucket = world.id(KEPT, "tested").await;
    fill(&world.sdk, &bucket).await;

    let plan = world.plan_for("", &Request::default()).await;
    assert_eq!(plan.refusals.len(), 1, "{:#?}", plan.refusals);

    // `World::up` consents.
    world.up("").await;
    assert!(!exists(&world.sdk, &bucket).await);
}
