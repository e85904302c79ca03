//! The search for buckets, and for their tags.

use std::collections::{BTreeSet, HashMap};

use aws_sdk_s3::types::Bucket as SdkBucket;

use crate::aws::context::Context;
use crate::aws::error::{AwsResult, if_there};
use crate::aws::sdk_tag::from_sdk;
use crate::resource::{ErrorKind, ReadSession, Tags};

/// True if a bucket that the index names answers as one of ours does. Any other answer is left to the longer check, which
/// finds the owner.
pub(super) async fn is_there(
    context: &Context,
    session: &ReadSession,
    name: &str,
) -> AwsResult<bool> {
    match crate::aws::s3::versioning(context, session, name).await {
        Ok(_) => Ok(true),
        Err(error) if matches!(error.kind, ErrorKind::NotFound | ErrorKind::Denied) => Ok(false),
        // Another region answers 301, which the client does not follow.
        Err(error) if error.status == Some(301) => Ok(false),
        Err(error) => Err(error),
    }
}

/// The buckets of the account whose names begin with `prefix`, with their regions.
pub(super) async fn list(context: &Context, prefix: &str) -> AwsResult<HashMap<String, String>> {
    let buckets = context
        .pages(
            |token| {
                context
                    .s3
                    .list_buckets()
                    .prefix(prefix)
                    .max_buckets(1000)
                    .set_continuation_token(token)
            },
            |page| (page.buckets, page.continuation_token),
        )
        .await?;
    let region_of = |bucket: SdkBucket| {
        let region = bucket
            .bucket_region
            .unwrap_or_else(|| context.region.clone());
        Some((bucket.name?, region))
    };
    Ok(buckets.into_iter().filter_map(region_of).collect())
}

/// The tags of a bucket, `None` if there is no bucket. A bucket of another account or region has none that we could see.
pub(super) async fn tags_of(
    context: &Context,
    name: &str,
    region: Option<&str>,
    settled: Option<Tags>,
) -> AwsResult<Option<Tags>> {
    let tags = match region {
        Some(region) if region != context.region => Ok(Tags::default()),
        Some(_) => match settled {
            Some(tags) => Ok(tags),
            None => get_tags(context, name).await,
        },
        // Not of this account, just made, or not there.
        None => match head(context, name).await {
            Ok(()) => match get_tags(context, name).await {
                Err(error) if error.is(ErrorKind::Denied) => Ok(Tags::default()),
                other => other,
            },
            Err(error) if error.is(ErrorKind::Denied) || error.status == Some(301) => {
                Ok(Tags::default())
            }
            Err(error) => Err(error),
        },
    };
    if_there(tags)
}

/// Checks that a bucket exists, and that we may look at it.
///
/// The response to a HEAD has no body, so a refusal has no code: "400" is all that it says of expired credentials. A call
/// that needs the same permission, and has a body, is told more.
/// <https://docs.aws.amazon.com/AmazonS3/latest/API/API_HeadBucket.html>
async fn head(context: &Context, name: &str) -> AwsResult<()> {
    let answer = context.send(context.s3.head_bucket().bucket(name)).await;
    match answer {
        Err(error) if error.status == Some(400) => {}
        answer => return answer.map(|_| ()),
    }
    context
        .send(context.s3.list_objects_v2().bucket(name).max_keys(0))
        .await?;
    Ok(())
}

pub(super) async fn get_tags(context: &Context, name: &str) -> AwsResult<Tags> {
    let request = context
        .s3
        .get_bucket_tagging()
        .bucket(name)
        .expected_bucket_owner(&context.account_id);
    let answer = context.send(request).await;
    match answer {
        Ok(answer) => Ok(from_sdk(answer.tag_set())),
        Err(error) if error.code == "NoSuchTagSet" => Ok(Tags::default()),
        Err(error) => Err(error),
    }
}

/// The common prefix of all names, so that one listing covers all of them.
pub(super) fn common_prefix(names: &BTreeSet<String>) -> &str {
    // The names are sorted, so all share what the first and the last share.
    let (Some(first), Some(last)) = (names.first(), names.last()) else {
        return "";
    };
    let shared = first
        .char_indices()
        .zip(last.chars())
        .find(|((_, left), right)| left != right)
        .map_or(first.len().min(last.len()), |((index, _), _)| index);
    &first[..shared]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_listing_covers_all_names() {
        let prefix = |names: &[&str]| {
            let names = names.iter().map(|name| (*name).to_owned()).collect();
            common_prefix(&names).to_owned()
        };
        assert_eq!(prefix(&["logs-dev"]), "logs-dev");
        assert_eq!(prefix(&["shop-logs", "shop-data", "shop-l"]), "shop-");
        assert_eq!(prefix(&["shop", "shop-data"]), "shop");
        assert_eq!(prefix(&["a", "b"]), "");
    }
}
