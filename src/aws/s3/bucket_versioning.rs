//! Versioning of a bucket.
//!
//! A bucket that was never versioned returns nothing at all. Once versioned it can only be suspended, which keeps the
//! versions it has: so that is what deleting this resource does, and a suspended bucket counts as one at the default. MFA
//! delete, which only the root user can set, is left out.

use aws_sdk_s3::types::{BucketVersioningStatus, VersioningConfiguration as SdkConfiguration};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::aws::context::Context;
use crate::aws::error::AwsResult;
use crate::aws::resource_type::{Change, LiveOf, New, NoOutputs, Old, ResourceType};
use crate::resource::provider::Query;
use crate::resource::{CreateClass, PropertyTable, Schema};

/// The versioning of a bucket: whether it keeps what is overwritten or deleted.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema, PropertyTable)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Inputs {
    /// The bucket's name.
    #[property(required, replaces)]
    pub bucket: String,
    #[property(required)]
    pub versioning_configuration: VersioningConfiguration,
}

#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct VersioningConfiguration {
    pub status: Status,
}

/// `Enabled`, or `Suspended`: then new objects get no version of their own, and the old versions stay.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum Status {
    Enabled,
    Suspended,
}

pub struct BucketVersioning;

impl ResourceType for BucketVersioning {
    type Inputs = Inputs;
    type Outputs = NoOutputs;

    fn schema(&self) -> Schema {
        Schema::of::<Inputs, NoOutputs>("aws:s3:BucketVersioning", CreateClass::PartOfParent)
            .key(&[Inputs::BUCKET])
            .reads_after(&[super::BUCKET])
            .made_by_aws()
            .child_of(Inputs::BUCKET, super::BUCKET)
    }

    async fn ahead(&self, context: &Context, query: Query<'_>) {
        super::ahead(query, |bucket| async move {
            super::versioning(context, query.session, &bucket).await
        })
        .await;
    }

    async fn read(&self, context: &Context, query: Query<'_>) -> AwsResult<Vec<LiveOf<Self>>> {
        let wanting = super::wanting(query);
        super::parts(query, |bucket| {
            let wanted = wanting.contains(&bucket);
            async move {
                let status = super::versioning(context, query.session, &bucket).await?;
                let status = status.as_ref().as_ref().map(|status| match status {
                    BucketVersioningStatus::Enabled => Status::Enabled,
                    _ => Status::Suspended,
                });
                Ok(status
                    .filter(|status| wanted || *status == Status::Enabled)
                    .map(|status| live(&bucket, status)))
            }
        })
        .await
    }

    async fn create(&self, context: &Context, new: New<'_, Self>) -> AwsResult<LiveOf<Self>> {
        let bucket = &new.inputs.bucket;
        let status = new.inputs.versioning_configuration.status;
        super::change(context, bucket, new.progress, || {
            put(context, bucket, status)
        })
        .await?;
        Ok(live(bucket, status))
    }

    async fn update(&self, context: &Context, change: Change<'_, Self>) -> AwsResult<LiveOf<Self>> {
        let bucket = &change.observed.id;
        let status = change.wanted.versioning_configuration.status;
        super::change(context, bucket, change.progress, || {
            put(context, bucket, status)
        })
        .await?;
        Ok(change.applied())
    }

    async fn delete(&self, context: &Context, old: Old<'_, Self>) -> AwsResult<()> {
        let live = old.live;
        if live.inputs.versioning_configuration.status == Status::Suspended {
            return Ok(());
        }
        super::in_turn(context, &live.id, old.progress, || {
            put(context, &live.id, Status::Suspended)
        })
        .await
    }
}

fn live(bucket: &str, status: Status) -> LiveOf<BucketVersioning> {
    let inputs = Inputs {
        bucket: bucket.to_owned(),
        versioning_configuration: VersioningConfiguration { status },
    };
    super::part(bucket, inputs, NoOutputs {})
}

async fn put(context: &Context, bucket: &str, status: Status) -> AwsResult<()> {
    let status = match status {
        Status::Enabled => BucketVersioningStatus::Enabled,
        Status::Suspended => BucketVersioningStatus::Suspended,
    };
    let configuration = SdkConfiguration::builder().status(status).build();
    let request = context
        .s3
        .put_bucket_versioning()
        .bucket(bucket)
        .versioning_configuration(configuration.clone());
    context.send(request).await?;
    Ok(())
}
