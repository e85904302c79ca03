//! Public access block of a bucket.
//!
//! New buckets have all four switches on. A bucket without the configuration has all four off, so that is what "not
//! found" reads as (boto/boto3#3627), and restoring the default is a put, not a delete. All four are always sent: S3 takes
//! no configuration that names none (crossplane-contrib/provider-aws#1742).

use aws_sdk_s3::types::PublicAccessBlockConfiguration;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::part::Part;
use crate::aws::context::Context;
use crate::aws::error::AwsResult;
use crate::resource::{PropertyTable, ReadSession, Schema};

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

impl Part for BucketPublicAccessBlock {
    type Inputs = Inputs;

    const TOKEN: &'static str = "aws:s3:BucketPublicAccessBlock";

    fn describe(common: Schema) -> Schema {
        common.made_by_aws().opens()
    }

    async fn get(context: &Context, _: &ReadSession, bucket: &str) -> AwsResult<Option<Inputs>> {
        let answer = context
            .send(context.s3.get_public_access_block().bucket(bucket))
            .await;
        let answer = match answer {
            Err(error) if error.code == "NoSuchPublicAccessBlockConfiguration" => {
                return Ok(Some(Inputs::all(bucket, false)));
            }
            other => other?,
        };
        let block = answer.public_access_block_configuration();
        let is_on = |of: fn(&PublicAccessBlockConfiguration) -> Option<bool>| {
            block.and_then(of).unwrap_or(false)
        };
        Ok(Some(Inputs {
            bucket: bucket.to_owned(),
            block_public_acls: is_on(PublicAccessBlockConfiguration::block_public_acls),
            block_public_policy: is_on(PublicAccessBlockConfiguration::block_public_policy),
            ignore_public_acls: is_on(PublicAccessBlockConfiguration::ignore_public_acls),
            restrict_public_buckets: is_on(PublicAccessBlockConfiguration::restrict_public_buckets),
        }))
    }

    async fn put(context: &Context, inputs: &Inputs) -> AwsResult<()> {
        put(context, inputs).await
    }

    async fn reset(context: &Context, bucket: &str) -> AwsResult<()> {
        put(context, &Inputs::all(bucket, true)).await
    }

    fn is_default(inputs: &Inputs) -> bool {
        *inputs == Inputs::all(&inputs.bucket, true)
    }

    fn bucket(inputs: &Inputs) -> &str {
        &inputs.bucket
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
