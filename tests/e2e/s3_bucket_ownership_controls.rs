//! `aws:s3:BucketOwnershipControls`.

use async_trait::async_trait;
use fde_infra::plan::Goal;
use serde_json::{Value as Json, json};

use crate::common::World;
use crate::common::needs::TWO_BUCKETS;
use crate::common::resource_type::{Edit, ResourceTypeTest, check};
use crate::common::sdk::Sdk;

struct BucketOwnershipControls;

async fn ownership(sdk: &Sdk, id: &str) -> Option<String> {
    let asked = sdk.s3.get_bucket_ownership_controls().bucket(id).send();
    let answer = asked.await.ok()?;
    let rule = answer.ownership_controls()?.rules().first()?;
    Some(rule.object_ownership().as_str().to_owned())
}

#[async_trait]
impl ResourceTypeTest for BucketOwnershipControls {
    fn token(&self) -> &'static str {
        "aws:s3:BucketOwnershipControls"
    }

    fn needs(&self) -> &'static str {
        TWO_BUCKETS
    }

    fn base(&self) -> &'static str {
        "{ bucket: '${first.bucket}', rule: { objectOwnership: BucketOwnerPreferred } }"
    }

    fn edits(&self) -> Vec<Edit> {
        vec![
            Edit::in_place(
                "/ownership",
                (
                    "rule: { objectOwnership: BucketOwnerEnforced }",
                    "BucketOwnerEnforced",
                ),
                ("rule: { objectOwnership: ObjectWriter }", "ObjectWriter"),
            )
            .removed("BucketOwnerPreferred"),
            Edit::moves(
                "/bucket",
                ("bucket: ${first.bucket}", "first"),
                ("bucket: ${second.bucket}", "second"),
            ),
        ]
    }

    async fn look(&self, sdk: &Sdk, id: &str) -> Option<Json> {
        Some(json!({
            "ownership": ownership(sdk, id).await?,
            "bucket": sdk.name_of(&format!("arn:aws:s3:::{id}")).await,
        }))
    }

    async fn is_gone(&self, sdk: &Sdk, id: &str) -> bool {
        let found = ownership(sdk, id).await;
        found.is_none_or(|found| found == "BucketOwnerEnforced")
    }

    async fn vanish(&self, _sdk: &Sdk, _id: &str) -> bool {
        false
    }

    /// A bucket without it behaves like one with `ObjectWriter`.
    async fn drift(&self, sdk: &Sdk, id: &str) -> bool {
        let delete = sdk.s3.delete_bucket_ownership_controls().bucket(id);
        assert!(delete.send().await.is_ok());
        use aws_sdk_s3::types::{ObjectOwnership, OwnershipControls, OwnershipControlsRule};
        let rule = OwnershipControlsRule::builder()
            .object_ownership(ObjectOwnership::ObjectWriter)
            .build()
            .expect("the rule is whole");
        let controls = OwnershipControls::builder().rules(rule).build();
        sdk.s3
            .put_bucket_ownership_controls()
            .bucket(id)
            .ownership_controls(controls.expect("there is a rule"))
            .send()
            .await
            .is_ok()
    }

    async fn foreign_tag(&self, _sdk: &Sdk, _id: &str, _set: bool) -> Option<bool> {
        None
    }
}

#[tokio::test]
async fn bucket_ownership_controls() {
    check("e2e-s3-bucket-ownership", &BucketOwnershipControls).await;
}

/// A part that has left the file goes under a name of its own, and before the object that it is part of.
#[tokio::test]
async fn what_is_left_of_a_bucket_is_told_from_the_bucket() {
    let world = World::new("e2e-s3-bucket-parts").await;
    let resources = "
logs: { type: aws:s3:Bucket, properties: { bucket: fde-e2e-bucket-parts } }
controls: { type: aws:s3:BucketOwnershipControls, properties: { bucket: '${logs.bucket}', rule: { objectOwnership: ObjectWriter } } }
access: { type: aws:s3:BucketPublicAccessBlock, properties: { bucket: '${logs.bucket}', blockPublicAcls: true } }
";
    world.up(resources).await;
    let plan = world.plan("", Goal::Up).await;
    let names: Vec<&str> = plan.steps.iter().map(|step| step.urn.name()).collect();
    let at = |name: &str| names.iter().position(|found| *found == name);
    for part in ["logs/ownershipControls", "logs/publicAccessBlock"] {
        assert!(at(part).is_some(), "{names:?}");
        assert!(at(part) < at("logs"), "{names:?}");
        let (part, bucket) = (at(part).unwrap(), at("logs").unwrap());
        assert!(plan.steps[bucket].waits_for.contains(&part), "{names:?}");
    }
    world.destroy("").await;
}
