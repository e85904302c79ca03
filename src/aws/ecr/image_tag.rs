//! A tag that keeps the image of a service from expiring: part of a repository, set by us once the service runs it.
//!
//! - Expiry looks neither at what runs nor at what a task definition names. A rule of the lifecycle policy that selects tags
//!   of this kind and expires none of them keeps these images: what a rule selects, no later rule expires.
//!   <https://docs.aws.amazon.com/AmazonECR/latest/userguide/LifecyclePolicies.html>
//! - A tag may be pushed again while its older image runs: ECS resolves a tag once per deployment, and starts every task of
//!   it from that digest. So where the image is called by a tag, ECS says which digest that was.
//!   <https://docs.aws.amazon.com/AmazonECS/latest/developerguide/deployment-type-ecs.html>
//! - `PutImage` with the manifest of an image that is there adds a tag to it, or moves the tag there, unless the repository
//!   is immutable for it. Where it has the tag already, AWS answers `ImageAlreadyExistsException`, and not only there:
//!   aws/aws-sdk-js-v3#6642.
//! - With its last tag AWS deletes an image (`BatchDeleteImage`). So the tag is never taken away: it is moved, and goes with
//!   its repository.
//! - While there is nothing to keep, there is no tag, and all is as it is wanted.

use std::collections::BTreeMap;

use async_trait::async_trait;
use aws_sdk_ecr::types::{Image, ImageFailureCode, ImageIdentifier};
use aws_sdk_ecs::types::ServiceDeploymentStatus;
use futures_util::future::try_join_all;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::images::digests;
use crate::aws::context::Context;
use crate::aws::error::{AwsResult, expected};
use crate::aws::resource_type::{Change, Live, LiveOf, New, ResourceType, check};
use crate::aws::wait::until_visible;
use crate::resource::provider::{DataPolicy, Progress, Query, Wanted};
use crate::resource::{
    Condition, CreateClass, ErrorKind, Misfit, Property, ProviderError, Schema, Tags, Value,
};

/// How every such tag begins, and what a lifecycle policy selects them by.
pub const PREFIX: &str = "fde-live-";

/// A tag on the image that a service runs, which keeps it from expiring.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Inputs {
    /// Name of the repository. A change replaces the tag.
    pub repository: String,
    /// The tag: `fde-live-`, and up to 119 letters, digits and `._-`. A change replaces it.
    #[schemars(example = &"fde-live-api")]
    pub tag: String,
    /// The image that bears it: its whole address, or a tag or digest in the repository. Null for none; an image of another
    /// repository is none here.
    #[schemars(example = &"2024-06-01-abc123")]
    pub image: Option<String>,
    /// ARN of the ECS service that runs the image. Where `image` is a tag, ECS says which image the service has with it.
    /// Default: the one that has the tag now.
    pub service: Option<String>,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Outputs {
    /// The digest of the image, `sha256:…`.
    pub digest: Option<String>,
}

pub struct ImageTag;

#[async_trait]
impl ResourceType for ImageTag {
    type Inputs = Inputs;
    type Outputs = Outputs;

    fn schema(&self) -> Schema {
        Schema::new::<Inputs>("aws:ecr:ImageTag", CreateClass::PartOfParent)
            .properties([
                Property::new("repository").required().replaces(),
                Property::new("tag").required().replaces(),
                Property::new("image").canonical(short),
                Property::new("service").write_only(),
            ])
            .checks(|inputs| check(inputs, fit))
            .outputs(&["digest"])
            .key(&["repository", "tag"])
            .reads_after(&["aws:ecr:Repository"])
            .compares_after(&["aws:ecs:TaskDefinition", "aws:ecs:Service"])
            .hangs_on("repository", "aws:ecr:Repository")
            .goes_with_parent()
    }

    async fn read(&self, context: &Context, query: Query<'_>) -> AwsResult<Vec<LiveOf<Self>>> {
        let repositories = query.parents_of_parts("aws:ecr:Repository", "repository");
        let wanted = query.wanted.iter().filter_map(|wanted| {
            let (repository, tag) = (wanted.text("repository")?, wanted.text("tag")?);
            let is_there = repositories.contains(repository);
            is_there.then(|| look(context, query, wanted, repository, tag))
        });
        Ok(try_join_all(wanted).await?.into_iter().flatten().collect())
    }

    async fn create(
        &self,
        context: &Context,
        new: New<'_, Self::Inputs>,
    ) -> AwsResult<LiveOf<Self>> {
        put(context, new.inputs).await
    }

    async fn update(&self, context: &Context, change: Change<'_, Self>) -> AwsResult<LiveOf<Self>> {
        put(context, change.wanted).await
    }

    /// It goes with its repository.
    async fn delete(
        &self,
        _context: &Context,
        _live: &LiveOf<Self>,
        _data: DataPolicy,
        _progress: &dyn Progress,
    ) -> AwsResult<()> {
        Ok(())
    }
}

/// How AWS calls an image in a repository.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Called<'a> {
    Digest(&'a str),
    Tag(&'a str),
}

impl<'a> Called<'a> {
    fn read(image: &'a str) -> Self {
        let name = image.rsplit('/').next().unwrap_or(image);
        if let Some((_, digest)) = name.split_once('@') {
            return Self::Digest(digest);
        }
        if name.starts_with("sha256:") {
            return Self::Digest(name);
        }
        match name.split_once(':') {
            Some((_, tag)) => Self::Tag(tag),
            // An address without a tag is one with this.
            None if image.contains('/') => Self::Tag("latest"),
            None => Self::Tag(name),
        }
    }

    fn text(self) -> &'a str {
        match self {
            Self::Digest(text) | Self::Tag(text) => text,
        }
    }

    fn identifier(self) -> ImageIdentifier {
        match self {
            Self::Digest(digest) => ImageIdentifier::builder().image_digest(digest).build(),
            Self::Tag(tag) => ImageIdentifier::builder().image_tag(tag).build(),
        }
    }
}

/// The image that is to bear the tag, if it is in the repository.
fn image_here<'a>(context: &Context, repository: &str, image: Option<&'a str>) -> Option<&'a str> {
    let image = image?;
    let Some((host, path)) = image.split_once('/') else {
        return Some(image);
    };
    let own = format!("{}.dkr.ecr.{}.", context.account_id, context.region);
    let name = path.split(['@', ':']).next().unwrap_or_default();
    (host.starts_with(&own) && name == repository).then_some(image)
}

/// What there is of a tag that is wanted.
async fn look(
    context: &Context,
    query: Query<'_>,
    wanted: &Wanted,
    repository: &str,
    tag: &str,
) -> AwsResult<Option<LiveOf<ImageTag>>> {
    let digests = digests(context, query, repository).await?;
    let digest = digests.get(tag).map(String::as_str);
    let given = wanted.inputs.get("image");
    let image = given.and_then(Value::as_str);
    // An image of which only a run will know.
    let is_open = !matches!(given, None | Some(Value::Null | Value::String(_)));
    let here = image_here(context, repository, image);
    let found = match (digest, here) {
        (None, Some(_)) => return Ok(None),
        (None, None) if is_open => return Ok(None),
        (Some(digest), None) if is_open => Some(called(&digests, digest)),
        (Some(digest), Some(here)) => {
            let service = wanted.text("service");
            let is_kept = is_kept(context, &digests, digest, here, service).await?;
            Some(if is_kept {
                here
            } else {
                called(&digests, digest)
            })
        }
        // There is nothing to keep, and what had the tag before may have it.
        (_, None) => image,
    };
    Ok(Some(live(repository, tag, found, digest)))
}

/// Whether the image with the tag is the one that the service runs.
async fn is_kept(
    context: &Context,
    digests: &BTreeMap<String, String>,
    bearer: &str,
    image: &str,
    service: Option<&str>,
) -> AwsResult<bool> {
    let tag = match Called::read(image) {
        Called::Digest(digest) => return Ok(digest == bearer),
        Called::Tag(tag) => tag,
    };
    if digests.get(tag).is_some_and(|digest| digest == bearer) {
        return Ok(true);
    }
    // The tag has been pushed again, or is gone, which is nothing to the service.
    let runs = match service {
        Some(service) => digest_of_service(context, service, image).await?,
        None => None,
    };
    Ok(runs.is_some_and(|runs| runs == bearer))
}

/// What people call an image: by a tag of theirs, if it has one.
fn called<'a>(digests: &'a BTreeMap<String, String>, digest: &'a str) -> &'a str {
    let mut tags = digests.iter();
    tags.find(|(tag, of)| !tag.starts_with(PREFIX) && *of == digest)
        .map_or(digest, |(tag, _)| tag)
}

/// The digest that an ECS service runs what it calls by this image, by its last deployment that was completed. `None` where
/// ECS does not say: the service has none, or another image by now, or resolves no tags.
async fn digest_of_service(
    context: &Context,
    service: &str,
    image: &str,
) -> AwsResult<Option<String>> {
    const DEPLOYMENTS: &str = "ecs:ListServiceDeployments";
    const REVISIONS: &str = "ecs:DescribeServiceRevisions";
    let Some((_, path)) = service.split_once(":service/") else {
        return Ok(None);
    };
    let cluster = path.split('/').next().unwrap_or_default();
    let answer = context
        .call(DEPLOYMENTS, || {
            context
                .ecs
                .list_service_deployments()
                .service(service)
                .cluster(cluster)
                .status(ServiceDeploymentStatus::Successful)
                .status(ServiceDeploymentStatus::RollbackSuccessful)
                .max_results(1)
                .send()
        })
        .await?;
    let deployments = expected(
        DEPLOYMENTS,
        answer.service_deployments,
        "`serviceDeployments`",
    )?;
    let revision = deployments
        .first()
        .and_then(|deployment| deployment.target_service_revision_arn());
    let Some(revision) = revision else {
        return Ok(None);
    };
    let answer = context
        .call(REVISIONS, || {
            context
                .ecs
                .describe_service_revisions()
                .service_revision_arns(revision)
                .send()
        })
        .await?;
    let revisions = expected(REVISIONS, answer.service_revisions, "`serviceRevisions`")?;
    let mut images = revisions
        .iter()
        .flat_map(|revision| revision.container_images());
    let resolved = images.find(|resolved| resolved.image() == Some(image));
    Ok(resolved.and_then(|resolved| resolved.image_digest().map(str::to_owned)))
}

/// Gives the tag to the image, or moves it there.
async fn put(context: &Context, inputs: &Inputs) -> AwsResult<LiveOf<ImageTag>> {
    const PUT: &str = "ecr:PutImage";
    let repository = &inputs.repository;
    let given = inputs.image.as_deref();
    let Some(image) = image_here(context, repository, given) else {
        return Ok(live(repository, &inputs.tag, given, None));
    };
    let called = Called::read(image);
    let runs = match (called, &inputs.service) {
        (Called::Tag(_), Some(service)) => digest_of_service(context, service, image).await?,
        _ => None,
    };
    let called = runs.as_deref().map_or(called, Called::Digest);
    let found = until_visible(|| find(context, repository, called)).await?;
    let manifest = expected(FIND, found.image_manifest, "`imageManifest`")?;
    let digest = found.image_id.and_then(|id| id.image_digest);
    let put = context
        .call(PUT, || {
            context
                .ecr
                .put_image()
                .repository_name(repository)
                .image_manifest(&manifest)
                .set_image_manifest_media_type(found.image_manifest_media_type.clone())
                .image_tag(&inputs.tag)
                .set_image_digest(digest.clone())
                .send()
        })
        .await;
    if let Err(error) = put {
        // It is for AWS to say what there is: some have met this answer for a tag that was not there.
        let has_it = error.code == "ImageAlreadyExistsException" && {
            let bearer = find(context, repository, Called::Tag(&inputs.tag)).await?;
            bearer.image_id.and_then(|id| id.image_digest) == digest
        };
        if !has_it {
            return Err(error);
        }
    }
    Ok(live(
        repository,
        &inputs.tag,
        Some(image),
        digest.as_deref(),
    ))
}

const FIND: &str = "ecr:BatchGetImage";

/// Every form of a manifest: AWS answers with another one than the image has to who does not take that.
const MEDIA_TYPES: [&str; 4] = [
    "application/vnd.docker.distribution.manifest.v2+json",
    "application/vnd.docker.distribution.manifest.list.v2+json",
    "application/vnd.oci.image.manifest.v1+json",
    "application/vnd.oci.image.index.v1+json",
];

async fn find(context: &Context, repository: &str, called: Called<'_>) -> AwsResult<Image> {
    let answer = context
        .call(FIND, || {
            context
                .ecr
                .batch_get_image()
                .repository_name(repository)
                .image_ids(called.identifier())
                .set_accepted_media_types(Some(MEDIA_TYPES.map(str::to_owned).to_vec()))
                .send()
        })
        .await?;
    if let Some(failure) = answer.failures().first() {
        let is_gone = failure.failure_code() == Some(&ImageFailureCode::ImageNotFound);
        let kind = if is_gone {
            ErrorKind::NotFound
        } else {
            ErrorKind::Failed
        };
        let reason = failure.failure_reason().unwrap_or("no reason is given");
        let code = failure.failure_code().map(|code| code.as_str().to_owned());
        let message = format!(
            "image `{}` of repository `{repository}`: {reason}",
            called.text()
        );
        let mut error = ProviderError::new(kind, FIND, message);
        error.code = code.unwrap_or_default();
        return Err(error);
    }
    expected(
        FIND,
        answer.images.unwrap_or_default().into_iter().next(),
        "an image",
    )
}

fn live(
    repository: &str,
    tag: &str,
    image: Option<&str>,
    digest: Option<&str>,
) -> LiveOf<ImageTag> {
    Live {
        id: format!("{repository}:{tag}"),
        arn: None,
        inputs: Inputs {
            repository: repository.to_owned(),
            tag: tag.to_owned(),
            image: image.map(str::to_owned),
            service: None,
        },
        outputs: Outputs {
            digest: digest.map(str::to_owned),
        },
        tags: Tags::default(),
        condition: Condition::Ready,
    }
}

/// An image by what tells it from the others of its repository.
fn short(image: Value) -> Value {
    match &image {
        Value::String(text) => Called::read(text).text().into(),
        _ => image,
    }
}

fn fit(inputs: &Inputs) -> Vec<Misfit> {
    let own = inputs.tag.strip_prefix(PREFIX);
    let is_sound = |tag: &str| {
        (1..=119).contains(&tag.len())
            && tag
                .chars()
                .all(|c| c.is_ascii_alphanumeric() || "._-".contains(c))
    };
    if own.is_some_and(is_sound) {
        return Vec::new();
    }
    let reason = format!("must be `{PREFIX}` and 1 to 119 letters, digits and `._-` behind it");
    let help = "by its beginning a lifecycle policy knows what to keep";
    vec![Misfit::new("tag", reason).help(help)]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_image_is_known_by_tag_or_digest() {
        let host = "1.dkr.ecr.eu-south-2.amazonaws.com";
        for (image, called) in [
            ("v9".to_owned(), Called::Tag("v9")),
            ("sha256:ab".to_owned(), Called::Digest("sha256:ab")),
            (format!("{host}/team/api:v9"), Called::Tag("v9")),
            (format!("{host}/team/api"), Called::Tag("latest")),
            (format!("{host}/api@sha256:ab"), Called::Digest("sha256:ab")),
            (
                format!("{host}/api:v9@sha256:ab"),
                Called::Digest("sha256:ab"),
            ),
        ] {
            assert_eq!(Called::read(&image), called, "{image}");
        }
    }

    #[test]
    fn people_know_an_image_by_their_own_tag() {
        let digests: BTreeMap<String, String> =
            [("fde-live-api", "a"), ("v9", "a"), ("fde-live-b", "c")]
                .map(|(tag, digest)| (tag.to_owned(), digest.to_owned()))
                .into();
        assert_eq!(called(&digests, "a"), "v9");
        assert_eq!(called(&digests, "c"), "c");
    }
}
