//! Emptying a bucket, so that it can be deleted.
//!
//! A bucket holds more than its listing shows: old versions, delete markers, and the parts of unfinished uploads.

use aws_sdk_s3::types::{Delete, ObjectIdentifier};
use futures_util::future::try_join_all;

use super::{refusal, unbuildable};
use crate::aws::context::Context;
use crate::aws::error::{AwsResult, kind};
use crate::aws::pages::Tokens;
use crate::resource::ErrorKind;
use crate::resource::provider::Progress;

/// Deletes every version of every object, every delete marker and every unfinished upload.
pub(super) async fn empty(context: &Context, name: &str, progress: &dyn Progress) -> AwsResult<()> {
    const LIST: &str = "s3:ListObjectVersions";
    let mut deleted = 0;
    let mut pages = Tokens::without_bound(LIST);
    let mut markers: Markers = (None, None);
    loop {
        let request = context
            .s3
            .list_object_versions()
            .bucket(name)
            .set_key_marker(markers.0.clone())
            .set_version_id_marker(markers.1.clone());
        let page = context.send(request).await?;
        let versions = page
            .versions()
            .iter()
            .map(|version| (version.key(), version.version_id()));
        let delete_markers = page
            .delete_markers()
            .iter()
            .map(|marker| (marker.key(), marker.version_id()));
        let objects: Result<Vec<ObjectIdentifier>, _> = versions
            .chain(delete_markers)
            .map(|(key, version)| {
                ObjectIdentifier::builder()
                    .set_key(key.map(str::to_owned))
                    .set_version_id(version.map(str::to_owned))
                    .build()
            })
            .collect();
        let objects = objects.map_err(unbuildable("s3:DeleteObjects"))?;
        if !objects.is_empty() {
            deleted += objects.len();
            delete_objects(context, name, objects).await?;
            progress.status(&format!("emptying: {deleted} objects deleted"));
        }
        if !page.is_truncated().unwrap_or(false) {
            break;
        }
        markers = (
            page.next_key_marker().map(str::to_owned),
            page.next_version_id_marker().map(str::to_owned),
        );
        pages.follow(Some(token_of(&markers)))?;
    }
    abort_uploads(context, name).await
}

/// The start of a page: a key, and the marker that tells apart the versions or uploads under it.
type Markers = (Option<String>, Option<String>);

/// Both markers as one text. A page that has a next one always has them; without them, the next would be the first again.
fn token_of((key, other): &Markers) -> String {
    let [key, other] = [key, other].map(|text| text.as_deref().unwrap_or_default());
    format!("{key}\n{other}")
}

/// Deletes up to 1000 objects. The answer is 200 even if some have failed.
async fn delete_objects(
    context: &Context,
    name: &str,
    objects: Vec<ObjectIdentifier>,
) -> AwsResult<()> {
    let request = Delete::builder()
        .set_objects(Some(objects))
        .quiet(true)
        .build()
        .map_err(unbuildable("s3:DeleteObjects"))?;
    let request = context
        .s3
        .delete_objects()
        .bucket(name)
        .delete(request.clone());
    let answer = context.send(request).await?;
    let Some(first) = answer.errors().first() else {
        return Ok(());
    };
    let code = first.code().unwrap_or_default();
    let message = first.message().unwrap_or_default();
    let meaning = match kind(code, message, 400) {
        // Deletion continues later, as with objects that were written meanwhile.
        ErrorKind::Throttled | ErrorKind::Transient => ErrorKind::InUse,
        other => other,
    };
    let key = first.key().unwrap_or_default();
    let message = format!("`{key}`: {message}");
    let mut error = refusal(context, meaning, "s3:DeleteObjects", message);
    code.clone_into(&mut error.code);
    error.details = vec![format!(
        "{} objects could not be deleted",
        answer.errors().len()
    )];
    Err(error)
}

async fn abort_uploads(context: &Context, name: &str) -> AwsResult<()> {
    const LIST: &str = "s3:ListMultipartUploads";
    let mut pages = Tokens::without_bound(LIST);
    let mut markers: Markers = (None, None);
    loop {
        let request = context
            .s3
            .list_multipart_uploads()
            .bucket(name)
            .set_key_marker(markers.0.clone())
            .set_upload_id_marker(markers.1.clone());
        let page = context.send(request).await?;
        let aborts = page.uploads().iter().map(|upload| async {
            let request = context
                .s3
                .abort_multipart_upload()
                .bucket(name)
                .set_key(upload.key().map(str::to_owned))
                .set_upload_id(upload.upload_id().map(str::to_owned));
            let aborted = context.send(request).await;
            match aborted {
                // Finished or aborted meanwhile.
                Err(error) if error.code == "NoSuchUpload" => Ok(()),
                other => other.map(drop),
            }
        });
        try_join_all(aborts).await?;
        if !page.is_truncated().unwrap_or(false) {
            return Ok(());
        }
        markers = (
            page.next_key_marker().map(str::to_owned),
            page.next_upload_id_marker().map(str::to_owned),
        );
        pages.follow(Some(token_of(&markers)))?;
    }
}
