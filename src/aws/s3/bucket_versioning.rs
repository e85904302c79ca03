//! Versioning of a bucket.
//!
//! A bucket that was never versioned returns nothing at all. Once versioned it can only be suspended, which keeps the
//! versions it has: so that is what deleting this resource does, and a suspended bucket counts as one at the default. MFA
//! delete, which only the root user can set, is left out.

use aws_sdk_s3::types::{BucketVersioningStatus, VersioningConfiguration as SdkConfiguration};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::part::Part;
use crate::aws::context::Context;
use crate::aws::error::AwsResult;
use crate::resource::{PropertyTable, ReadSession, Schema};

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

impl Part for BucketVersioning {
    type Inputs = Inputs;

    const TOKEN: &'static str = "aws:s3:BucketVersioning";

    fn describe(common: Schema) -> Schema {
        common.made_by_aws()
    }

    async fn get(
        context: &Context,
        session: &ReadSession,
        bucket: &str,
    ) -> AwsResult<Option<Inputs>> {
        let status = super::versioning(context, session, bucket).await?;
        Ok(status.as_ref().as_ref().map(|status| Inputs {
            bucket: bucket.to_owned(),
            versioning_configuration: VersioningConfiguration {
                status: match status {
                    BucketVersioningStatus::Enabled => Status::Enabled,
                    _ => Status::Suspended,
                },
            },
        }))
    }

    async fn put(context: &Context, inputs: &Inputs) -> AwsResult<()> {
        let status = inputs.versioning_configuration.status;
        put(context, &inputs.bucket, status).await
    }

    async fn reset(context: &Context, bucket: &str) -> AwsResult<()> {
        put(context, bucket, Status::Suspended).await
    }

    fn is_default(inputs: &Inputs) -> bool {
        inputs.versioning_configuration.status == Status::Suspended
    }

    fn bucket(inputs: &Inputs) -> &str {
        &inputs.bucket
    }
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
