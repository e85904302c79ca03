//! The contents of a repository: asked for once per reading, for the repository and for the tags in it.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use aws_sdk_ecr::types::ImageIdentifier;

use crate::aws::context::Context;
use crate::aws::error::{AwsResult, expected};
use crate::aws::pages::pages;
use crate::resource::provider::Query;

const LIST: &str = "ecr:ListImages";

/// One page of what is in a repository.
#[derive(Clone)]
struct Page {
    images: Vec<ImageIdentifier>,
    next: Option<String>,
}

/// The numbers of images on the first page of a repository.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Count {
    pub all: usize,
    pub untagged: usize,
    /// Tags and digests, if the page has all of them.
    pub names: Option<Vec<String>>,
}

impl Page {
    /// Counts each image once, whatever number of tags it has.
    fn count(&self) -> Count {
        let digests = |tagged: bool| {
            let images = self.images.iter();
            let images = images.filter(move |image| tagged || image.image_tag.is_none());
            let digests: BTreeSet<_> = images.map(ImageIdentifier::image_digest).collect();
            digests.len()
        };
        let names = || {
            let images = self.images.iter();
            let names = images.flat_map(|image| [image.image_tag(), image.image_digest()]);
            let names: BTreeSet<&str> = names.flatten().collect();
            names.into_iter().map(str::to_owned).collect()
        };
        Count {
            all: digests(true),
            untagged: digests(false),
            names: self.next.is_none().then(names),
        }
    }
}

/// Counts the images of a repository. One without images may be deleted without consent.
pub(super) async fn count(
    context: &Context,
    query: Query<'_>,
    repository: &str,
) -> AwsResult<Count> {
    let page = first_page(context, query, repository).await?;
    Ok(page.count())
}

/// Counts as [`count`] does, outside of a reading.
pub(super) async fn count_now(context: &Context, repository: &str) -> AwsResult<Count> {
    let page = page(context, repository, None).await?;
    Ok(page.count())
}

/// As many as one page takes, asked for once per reading: all of a repository whose images expire.
async fn first_page(context: &Context, query: Query<'_>, repository: &str) -> AwsResult<Arc<Page>> {
    let key = format!("{LIST} {repository}");
    query
        .session
        .once(&key, || page(context, repository, None))
        .await
}

async fn page(context: &Context, repository: &str, token: Option<String>) -> AwsResult<Page> {
    let request = context
        .ecr
        .list_images()
        .repository_name(repository)
        .max_results(1000)
        .set_next_token(token.clone());
    let answer = context.send(request).await?;
    let next = answer.next_token().map(str::to_owned);
    let images = expected(LIST, answer.image_ids, "`imageIds`")?;
    Ok(Page { images, next })
}

/// The images of a repository.
pub(super) struct Images {
    pub digests: BTreeSet<String>,
    /// Digests by tag.
    pub tags: BTreeMap<String, String>,
}

/// All images of a repository.
pub(super) async fn all(
    context: &Context,
    query: Query<'_>,
    repository: &str,
) -> AwsResult<Images> {
    let images = pages(LIST, |token| async move {
        let page = match token {
            None => first_page(context, query, repository)
                .await?
                .as_ref()
                .clone(),
            token => page(context, repository, token).await?,
        };
        Ok((Some(page.images), page.next))
    })
    .await?;
    let digests = images.iter().filter_map(|image| image.image_digest.clone());
    Ok(Images {
        digests: digests.collect(),
        tags: images
            .into_iter()
            .filter_map(|image| Some((image.image_tag?, image.image_digest?)))
            .collect(),
    })
}
