//! S3 buckets, each of whose settings is a resource of its own: a part.
//!
//! - A part carries no tags; it is ours when its bucket is. It is identified by the bucket's name.
//! - A new bucket already has most parts, at AWS's defaults (`aws-resources.md` §10). So a part is read as present only
//!   where it differs from the default or is wanted, and deleting one restores the default.
//! - S3 returns `OperationAborted` for two changes of one bucket at a time (hashicorp/terraform-provider-aws#7628, #33478):
//!   [`change`] takes turns. It still retries the call on that answer, because others may change the bucket too (#36873).
//! - A setting that was put may not be read back for some seconds (#24232, #29351), so nothing is read after a put.

pub mod bucket;
pub mod bucket_lifecycle_configuration;
pub mod bucket_ownership_controls;
pub mod bucket_policy;
pub mod bucket_public_access_block;
pub mod bucket_server_side_encryption_configuration;
pub mod bucket_versioning;
mod emptying;
mod lifecycle_checks;
mod lifecycle_rule;

use fde_infra_derive::operations;
use std::collections::HashSet;
use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use aws_sdk_s3::types::BucketVersioningStatus;
use aws_smithy_types::error::operation::BuildError;
use futures_util::future::{join_all, try_join_all};

use super::context::Context;
use super::error::{AwsResult, if_there};
use super::resource_type::Live;
use super::wait::{until_visible, while_in_use};
use crate::resource::provider::{Progress, Query};
use crate::resource::{Condition, ErrorKind, ProviderError, ReadSession, Tags};

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

/// A part of a bucket.
fn part<Inputs, Outputs>(bucket: &str, inputs: Inputs, outputs: Outputs) -> Live<Inputs, Outputs> {
    Live {
        id: bucket.to_owned(),
        arn: None,
        inputs,
        outputs,
        tags: Tags::default(),
        condition: Condition::Ready,
    }
}

/// Reads one kind of part of each bucket of ours. "Not found", of the part or of its bucket, means that there is none.
async fn parts<Inputs, Outputs, F, Fut>(
    query: Query<'_>,
    read: F,
) -> AwsResult<Vec<Live<Inputs, Outputs>>>
where
    F: Fn(String) -> Fut,
    Fut: Future<Output = AwsResult<Option<Live<Inputs, Outputs>>>>,
{
    let buckets = query.parents_of_parts(BUCKET, "bucket");
    let reads = buckets.into_iter().map(|bucket| {
        let read = read(bucket);
        async move { Ok(if_there(read.await)?.flatten()) }
    });
    Ok(try_join_all(reads).await?.into_iter().flatten().collect())
}

/// Requests in advance one kind of part of each bucket that the index names.
async fn ahead<T, F, Fut>(query: Query<'_>, ask: F)
where
    F: Fn(String) -> Fut,
    Fut: Future<Output = AwsResult<T>>,
{
    let buckets = query.parents_of_parts(BUCKET, "bucket");
    drop(join_all(buckets.into_iter().map(ask)).await);
}

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

/// The buckets for which the stack wants the part that is read.
fn wanting(query: Query<'_>) -> HashSet<String> {
    query
        .wanted
        .iter()
        .filter_map(|wanted| wanted.inputs.get("bucket")?.as_str())
        .map(str::to_owned)
        .collect()
}

/// Changes a part: in turn with the other parts of the bucket, and with retries while the bucket is new.
async fn change<T, F, Fut>(
    context: &Context,
    bucket: &str,
    progress: &dyn Progress,
    attempt: F,
) -> AwsResult<T>
where
    F: Fn() -> Fut,
    Fut: Future<Output = AwsResult<T>>,
{
    in_turn(context, bucket, progress, || until_visible(&attempt)).await
}

/// Does the same as [`change`], for a part that may be gone together with its bucket.
async fn in_turn<T, F, Fut>(
    context: &Context,
    bucket: &str,
    progress: &dyn Progress,
    attempt: F,
) -> AwsResult<T>
where
    F: Fn() -> Fut,
    Fut: Future<Output = AwsResult<T>>,
{
    let _turn = context.turn(&format!("{BUCKET} {bucket}")).await;
    while_in_use(Duration::from_mins(2), progress, attempt).await
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
