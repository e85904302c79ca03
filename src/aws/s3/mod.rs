//! S3 buckets, each of whose settings is a resource of its own: a part.
//!
//! - A part carries no tags; it is ours when its bucket is. It is identified by the bucket's name.
//! - A new bucket already has most parts, at AWS's defaults (`aws-resources.md` §10). So a part is read as present only
//!   where it differs from the default or is wanted, and deleting one restores the default.
//! - S3 returns `OperationAborted` for two changes of one bucket at a time (hashicorp/terraform-provider-aws#7628, #33478):
//!   [`part`] takes turns. It still retries the call on that answer, because others may change the bucket too (#36873).
//! - A setting that was put may not be read back for some seconds (#24232, #29351), so nothing is read after a put.

pub mod bucket;
pub mod bucket_lifecycle_configuration;
pub mod bucket_ownership_controls;
pub mod bucket_policy;
pub mod bucket_public_access_block;
pub mod bucket_server_side_encryption_configuration;
pub mod bucket_versioning;
mod emptying;
mod part;

use std::future::Future;
use std::sync::Arc;

use aws_sdk_s3::types::BucketVersioningStatus;
use aws_smithy_types::error::operation::BuildError;
use fde_infra_derive::operations;

use super::context::Context;
use super::error::AwsResult;
use crate::resource::{ErrorKind, ProviderError, ReadSession};

operations! {
    aws_sdk_s3, "s3":
    AbortMultipartUpload,
    CreateBucket,
    DeleteBucket,
    DeleteBucketEncryption,
    DeleteBucketLifecycle,
    DeleteBucketPolicy,
    DeleteObjects,
    GetBucketEncryption,
    GetBucketLifecycleConfiguration,
    GetBucketOwnershipControls,
    GetBucketPolicy,
    GetBucketTagging,
    GetBucketVersioning,
    GetPublicAccessBlock,
    HeadBucket,
    ListBuckets,
    ListMultipartUploads,
    ListObjectVersions,
    ListObjectsV2,
    PutBucketEncryption,
    PutBucketLifecycleConfiguration,
    PutBucketOwnershipControls,
    PutBucketPolicy,
    PutBucketVersioning,
    PutPublicAccessBlock,
}

const BUCKET: &str = "aws:s3:Bucket";

/// Returns whether a bucket is versioned; `None` if it never was. The call, which is needed anyway, also tells that a
/// bucket which the tag index names exists and can be read.
async fn versioning(
    context: &Context,
    session: &ReadSession,
    bucket: &str,
) -> AwsResult<Arc<Option<BucketVersioningStatus>>> {
    session
        .once(&format!("s3:GetBucketVersioning {bucket}"), || async {
            let answer = context
                .send(context.s3.get_bucket_versioning().bucket(bucket))
                .await?;
            Ok(answer.status().cloned())
        })
        .await
}

/// A request that the SDK's builder does not take, although every required field was given.
fn unbuildable(operation: &'static str) -> impl Fn(BuildError) -> ProviderError {
    move |error| ProviderError::new(ErrorKind::Bug, operation, error.to_string())
}

/// A refusal that is ours, or hidden in a successful answer.
fn refusal(context: &Context, kind: ErrorKind, operation: &str, message: String) -> ProviderError {
    let mut error = ProviderError::new(kind, operation, message);
    error.region.clone_from(&context.region);
    error
}
