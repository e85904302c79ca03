//! Ownership controls of a bucket: whether access control lists count.
//!
//! New buckets have `BucketOwnerEnforced`. A bucket without the configuration behaves as `ObjectWriter`, so that is what
//! "not found" reads as, and restoring the default is a put, not a delete.
//!
//! S3 does not switch access control lists off while the bucket's own list grants something to others
//! (hashicorp/terraform-provider-aws#26164): the remedy says how to remove that list.

use aws_sdk_s3::types::{
    ObjectOwnership as SdkOwnership, OwnershipControls, OwnershipControlsRule,
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::part::Part;
use crate::aws::context::Context;
use crate::aws::error::AwsResult;
use crate::resource::{PropertyTable, ReadSession, Schema};

const OPERATION: &str = "s3:PutBucketOwnershipControls";

/// The ownership of the objects of a bucket.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema, PropertyTable)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Inputs {
    /// The bucket's name.
    #[property(required, replaces)]
    pub bucket: String,
    /// The rule; a bucket has one.
    #[property(required)]
    pub rule: Rule,
}

#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Rule {
    pub object_ownership: ObjectOwnership,
}

/// `BucketOwnerEnforced`: the bucket's owner owns everything, and access control lists count for nothing.
/// `BucketOwnerPreferred`: objects written with the list `bucket-owner-full-control` are the bucket owner's.
/// `ObjectWriter`: the writer of an object owns it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum ObjectOwnership {
    BucketOwnerEnforced,
    BucketOwnerPreferred,
    ObjectWriter,
}

pub struct BucketOwnershipControls;

impl Part for BucketOwnershipControls {
    type Inputs = Inputs;

    const TOKEN: &'static str = "aws:s3:BucketOwnershipControls";

    fn describe(common: Schema) -> Schema {
        common.made_by_aws()
    }

    async fn get(context: &Context, _: &ReadSession, bucket: &str) -> AwsResult<Option<Inputs>> {
        let answer = context
            .send(context.s3.get_bucket_ownership_controls().bucket(bucket))
            .await;
        let object_ownership = match answer {
            Err(error) if error.code == "OwnershipControlsNotFoundError" => {
                ObjectOwnership::ObjectWriter
            }
            answer => ObjectOwnership::from_sdk(answer?.ownership_controls()),
        };
        Ok(Some(Inputs {
            bucket: bucket.to_owned(),
            rule: Rule { object_ownership },
        }))
    }

    async fn put(context: &Context, inputs: &Inputs) -> AwsResult<()> {
        put(context, &inputs.bucket, inputs.rule.object_ownership).await
    }

    async fn reset(context: &Context, bucket: &str) -> AwsResult<()> {
        put(context, bucket, ObjectOwnership::BucketOwnerEnforced).await
    }

    fn is_default(inputs: &Inputs) -> bool {
        inputs.rule.object_ownership == ObjectOwnership::BucketOwnerEnforced
    }

    fn bucket(inputs: &Inputs) -> &str {
        &inputs.bucket
    }
}

impl ObjectOwnership {
    fn from_sdk(controls: Option<&OwnershipControls>) -> Self {
        let rule = controls.and_then(|controls| controls.rules().first());
        match rule.map(OwnershipControlsRule::object_ownership) {
            Some(SdkOwnership::BucketOwnerEnforced) => Self::BucketOwnerEnforced,
            Some(SdkOwnership::BucketOwnerPreferred) => Self::BucketOwnerPreferred,
            _ => Self::ObjectWriter,
        }
    }
}

async fn put(context: &Context, bucket: &str, ownership: ObjectOwnership) -> AwsResult<()> {
    let ownership = match ownership {
        ObjectOwnership::BucketOwnerEnforced => SdkOwnership::BucketOwnerEnforced,
        ObjectOwnership::BucketOwnerPreferred => SdkOwnership::BucketOwnerPreferred,
        ObjectOwnership::ObjectWriter => SdkOwnership::ObjectWriter,
    };
    let rule = OwnershipControlsRule::builder()
        .object_ownership(ownership)
        .build()
        .map_err(super::unbuildable(OPERATION))?;
    let controls = OwnershipControls::builder()
        .rules(rule)
        .build()
        .map_err(super::unbuildable(OPERATION))?;
    let request = context
        .s3
        .put_bucket_ownership_controls()
        .bucket(bucket)
        .ownership_controls(controls.clone());
    context.send(request).await?;
    Ok(())
}
