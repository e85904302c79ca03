//! Ownership controls of a bucket: whether access control lists count.
//!
//! New buckets have `BucketOwnerEnforced`. A bucket without the configuration behaves as `ObjectWriter`, so that is what
//! "not found" reads as, and restoring the default is a put, not a delete.
//!
//! S3 does not switch access control lists off while the bucket's own list grants something to others
//! (hashicorp/terraform-provider-aws#26164): the remedy says how to remove that list.

use std::sync::Arc;

use aws_sdk_s3::types::{
    ObjectOwnership as SdkOwnership, OwnershipControls, OwnershipControlsRule,
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::aws::context::Context;
use crate::aws::error::AwsResult;
use crate::aws::resource_type::{Change, LiveOf, New, NoOutputs, Old, ResourceType};
use crate::resource::provider::Query;
use crate::resource::{CreateClass, PropertyTable, ReadSession, Schema};

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

impl ResourceType for BucketOwnershipControls {
    type Inputs = Inputs;
    type Outputs = NoOutputs;

    fn schema(&self) -> Schema {
        Schema::of::<Inputs, NoOutputs>("aws:s3:BucketOwnershipControls", CreateClass::PartOfParent)
            .key(&[Inputs::BUCKET])
            .reads_after(&[super::BUCKET])
            .made_by_aws()
            .child_of(Inputs::BUCKET, super::BUCKET)
    }

    async fn ahead(&self, context: &Context, query: Query<'_>) {
        super::ahead(query, |bucket| async move {
            kept(context, query.session, &bucket).await
        })
        .await;
    }

    async fn read(&self, context: &Context, query: Query<'_>) -> AwsResult<Vec<LiveOf<Self>>> {
        let wanting = super::wanting(query);
        super::parts(query, |bucket| {
            let wanted = wanting.contains(&bucket);
            async move {
                let ownership = *kept(context, query.session, &bucket).await?;
                let shown = wanted || ownership != ObjectOwnership::BucketOwnerEnforced;
                Ok(shown.then(|| live(&bucket, ownership)))
            }
        })
        .await
    }

    async fn create(&self, context: &Context, new: New<'_, Self>) -> AwsResult<LiveOf<Self>> {
        let Inputs { bucket, rule } = new.inputs;
        super::change(context, bucket, new.progress, || {
            put(context, bucket, rule.object_ownership)
        })
        .await?;
        Ok(live(bucket, rule.object_ownership))
    }

    async fn update(&self, context: &Context, change: Change<'_, Self>) -> AwsResult<LiveOf<Self>> {
        let bucket = &change.observed.id;
        super::change(context, bucket, change.progress, || {
            put(context, bucket, change.wanted.rule.object_ownership)
        })
        .await?;
        Ok(change.applied())
    }

    async fn delete(&self, context: &Context, old: Old<'_, Self>) -> AwsResult<()> {
        let live = old.live;
        let default = ObjectOwnership::BucketOwnerEnforced;
        if live.inputs.rule.object_ownership == default {
            return Ok(());
        }
        super::in_turn(context, &live.id, old.progress, || {
            put(context, &live.id, default)
        })
        .await
    }
}

fn live(bucket: &str, object_ownership: ObjectOwnership) -> LiveOf<BucketOwnershipControls> {
    let inputs = Inputs {
        bucket: bucket.to_owned(),
        rule: Rule { object_ownership },
    };
    super::part(bucket, inputs, NoOutputs {})
}

/// Returns what [`get`] returns, requested once per read session.
async fn kept(
    context: &Context,
    session: &ReadSession,
    bucket: &str,
) -> AwsResult<Arc<ObjectOwnership>> {
    let key = format!("s3:GetBucketOwnershipControls {bucket}");
    session.once(&key, || get(context, bucket)).await
}

async fn get(context: &Context, bucket: &str) -> AwsResult<ObjectOwnership> {
    let answer = context
        .send(context.s3.get_bucket_ownership_controls().bucket(bucket))
        .await;
    let answer = match answer {
        Err(error) if error.code == "OwnershipControlsNotFoundError" => {
            return Ok(ObjectOwnership::ObjectWriter);
        }
        other => other?,
    };
    let rule = answer
        .ownership_controls()
        .and_then(|controls| controls.rules().first());
    Ok(match rule.map(OwnershipControlsRule::object_ownership) {
        Some(SdkOwnership::BucketOwnerEnforced) => ObjectOwnership::BucketOwnerEnforced,
        Some(SdkOwnership::BucketOwnerPreferred) => ObjectOwnership::BucketOwnerPreferred,
        _ => ObjectOwnership::ObjectWriter,
    })
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
