//! Public access block of a bucket.
//!
//! New buckets have all four switches on. A bucket without the configuration has all four off, so that is what "not
//! found" reads as (boto/boto3#3627), and restoring the default is a put, not a delete. All four are always sent: S3 takes
//! no configuration that names none (crossplane-contrib/provider-aws#1742).

use std::sync::Arc;

use aws_sdk_s3::types::PublicAccessBlockConfiguration;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::aws::context::Context;
use crate::aws::error::AwsResult;
use crate::aws::resource_type::{Change, LiveOf, New, NoOutputs, Old, ResourceType};
use crate::resource::provider::Query;
use crate::resource::{CreateClass, PropertyTable, ReadSession, Schema};

/// Switches that decide whether a bucket can be made public.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema, PropertyTable)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "AWS has these four switches, each for itself"
)]
pub struct Inputs {
    /// The bucket's name.
    #[property(required, replaces)]
    pub bucket: String,
    /// Refuses access control lists that grant public access.
    #[property(default(false))]
    pub block_public_acls: bool,
    /// Refuses bucket policies that grant public access.
    #[property(default(false))]
    pub block_public_policy: bool,
    /// Ignores the access control lists that grant public access.
    #[property(default(false))]
    pub ignore_public_acls: bool,
    /// Lets only AWS services and the bucket's account in, where a policy grants public access.
    #[property(default(false))]
    pub restrict_public_buckets: bool,
}

pub struct BucketPublicAccessBlock;

impl ResourceType for BucketPublicAccessBlock {
    type Inputs = Inputs;
    type Outputs = NoOutputs;

    fn schema(&self) -> Schema {
        Schema::of::<Inputs, NoOutputs>("aws:s3:BucketPublicAccessBlock", CreateClass::PartOfParent)
            .key(&[Inputs::BUCKET])
            .reads_after(&[super::BUCKET])
            .made_by_aws()
            .child_of(Inputs::BUCKET, super::BUCKET)
            .opens()
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
                let inputs = kept(context, query.session, &bucket).await?;
                let inputs = inputs.as_ref().clone();
                let shown = wanted || inputs != Inputs::all(&bucket, true);
                Ok(shown.then(|| super::part(&bucket, inputs, NoOutputs {})))
            }
        })
        .await
    }

    async fn create(&self, context: &Context, new: New<'_, Self>) -> AwsResult<LiveOf<Self>> {
        let inputs = new.inputs;
        super::change(context, &inputs.bucket, new.progress, || {
            put(context, inputs)
        })
        .await?;
        Ok(super::part(&inputs.bucket, inputs.clone(), NoOutputs {}))
    }

    async fn update(&self, context: &Context, change: Change<'_, Self>) -> AwsResult<LiveOf<Self>> {
        super::change(context, &change.observed.id, change.progress, || {
            put(context, change.wanted)
        })
        .await?;
        Ok(change.applied())
    }

    async fn delete(&self, context: &Context, old: Old<'_, Self>) -> AwsResult<()> {
        let live = old.live;
        let default = Inputs::all(&live.id, true);
        if live.inputs == default {
            return Ok(());
        }
        super::in_turn(context, &live.id, old.progress, || put(context, &default)).await
    }
}

impl Inputs {
    /// All four switches alike.
    fn all(bucket: &str, on: bool) -> Self {
        Self {
            bucket: bucket.to_owned(),
            block_public_acls: on,
            block_public_policy: on,
            ignore_public_acls: on,
            restrict_public_buckets: on,
        }
    }
}

/// Returns what [`get`] returns, requested once per read session.
async fn kept(context: &Context, session: &ReadSession, bucket: &str) -> AwsResult<Arc<Inputs>> {
    let key = format!("s3:GetPublicAccessBlock {bucket}");
    session.once(&key, || get(context, bucket)).await
}

async fn get(context: &Context, bucket: &str) -> AwsResult<Inputs> {
    let answer = context
        .send(context.s3.get_public_access_block().bucket(bucket))
        .await;
    let answer = match answer {
        Err(error) if error.code == "NoSuchPublicAccessBlockConfiguration" => {
            return Ok(Inputs::all(bucket, false));
        }
        other => other?,
    };
    let block = answer.public_access_block_configuration();
    let is_on = |of: fn(&PublicAccessBlockConfiguration) -> Option<bool>| {
        block.and_then(of).unwrap_or(false)
    };
    Ok(Inputs {
        bucket: bucket.to_owned(),
        block_public_acls: is_on(PublicAccessBlockConfiguration::block_public_acls),
        block_public_policy: is_on(PublicAccessBlockConfiguration::block_public_policy),
        ignore_public_acls: is_on(PublicAccessBlockConfiguration::ignore_public_acls),
        restrict_public_buckets: is_on(PublicAccessBlockConfiguration::restrict_public_buckets),
    })
}

async fn put(context: &Context, inputs: &Inputs) -> AwsResult<()> {
    let block = PublicAccessBlockConfiguration::builder()
        .block_public_acls(inputs.block_public_acls)
        .block_public_policy(inputs.block_public_policy)
        .ignore_public_acls(inputs.ignore_public_acls)
        .restrict_public_buckets(inputs.restrict_public_buckets)
        .build();
    context
        .send(
            context
                .s3
                .put_public_access_block()
                .bucket(&inputs.bucket)
                .public_access_block_configuration(block),
        )
        .await?;
    Ok(())
}
