//! A tag that keeps the image of a service from expiring: part of a repository, set by us once the service runs it.
//!
//! - Expiry considers neither running tasks nor the images that a task definition names. A rule of the lifecycle policy that
//!   selects tags of this kind and expires none of them keeps these images: no later rule expires an image that an earlier
//!   rule selects. <https://docs.aws.amazon.com/AmazonECR/latest/userguide/LifecyclePolicies.html>
//! - A tag may be pushed again while its older image runs: ECS resolves a tag once per deployment, and starts every task of
//!   it from that digest. So where the image is named by a tag, ECS says which digest that was.
//!   <https://docs.aws.amazon.com/AmazonECS/latest/developerguide/deployment-type-ecs.html>
//! - `PutImage` with the manifest of an existing image adds a tag to it, or moves the tag there, unless the repository is
//!   immutable for the tag. If the image has the tag already, AWS answers `ImageAlreadyExistsException`, and not only then:
//!   aws/aws-sdk-js-v3#6642.
//! - Together with its last tag, AWS deletes an image (`BatchDeleteImage`). So the tag is never removed: it is moved, and is
//!   deleted with its repository.
//! - While there is nothing to keep, or the image is gone from the repository, there is no tag, and nothing is to be done:
//!   running tasks go on, and a wrong image fails where it is rolled out. The stack moves the tag, whether a run or a person
//!   has set it.

mod model;
mod running;

pub use self::model::{Inputs, Outputs, PREFIX};
use aws_sdk_ecr::types::{Image, ImageFailureCode};
use futures_util::future::try_join_all;

use self::running::{Called, is_here, named, running};
use super::images::{self, Images};
use crate::aws::context::Context;
use crate::aws::error::{AwsResult, expected};
use crate::aws::resource_type::{Change, Live, LiveOf, New, Old, ResourceType, check};
use crate::resource::provider::{Query, Wanted};
use crate::resource::{
    Condition, CreateClass, ErrorKind, InvalidInput, ProviderError, Schema, Tags,
};

pub struct ImageTag;

impl ResourceType for ImageTag {
    type Inputs = Inputs;
    type Outputs = Outputs;

    fn schema(&self) -> Schema {
        Schema::of::<Inputs, Outputs>("aws:ecr:ImageTag", CreateClass::PartOfParent)
            .checks(|inputs| check(inputs, fit))
            .key(&[Inputs::REPOSITORY, Inputs::TAG])
            .reads_after(&["aws:ecr:Repository"])
            .compares_after(&["aws:ecs:TaskDefinition", "aws:ecs:Service"])
            .child_of(Inputs::REPOSITORY, "aws:ecr:Repository")
            .made_by_aws()
            .goes_with_parent()
            .idle_at_first("nothing to keep yet")
    }

    async fn read(&self, context: &Context, query: Query<'_>) -> AwsResult<Vec<LiveOf<Self>>> {
        let repositories = query.parents_of_parts("aws:ecr:Repository", "repository");
        let wanted = query.wanted.iter().filter_map(|wanted| {
            let wanted = as_known(wanted)?;
            let is_there = repositories.contains(&wanted.repository);
            is_there.then(|| look(context, query, wanted))
        });
        try_join_all(wanted).await
    }

    async fn create(&self, context: &Context, new: New<'_, Self>) -> AwsResult<LiveOf<Self>> {
        put(context, new.inputs).await
    }

    async fn update(&self, context: &Context, change: Change<'_, Self>) -> AwsResult<LiveOf<Self>> {
        put(context, change.wanted).await
    }

    /// Does nothing: the tag is deleted with its repository.
    async fn delete(&self, _context: &Context, _old: Old<'_, Self>) -> AwsResult<()> {
        Ok(())
    }
}

/// Returns the inputs of a wanted tag, as far as they are known; `None` if it is not known which tag it is.
fn as_known(wanted: &Wanted) -> Option<Inputs> {
    let text = |property: &str| wanted.text(property).map(str::to_owned);
    Some(Inputs {
        repository: text("repository")?,
        tag: text("tag")?,
        service: text("service").unwrap_or_default(),
        task_definition: text("taskDefinition"),
    })
}

/// Reads a wanted tag.
async fn look(context: &Context, query: Query<'_>, wanted: Inputs) -> AwsResult<LiveOf<ImageTag>> {
    let images = images::all(context, query, &wanted.repository).await?;
    let bearer = images.tags.get(&wanted.tag).map(String::as_str);
    let found = |revision: Option<&str>| live(&wanted, revision, bearer);
    let current = revision_of(query, &wanted.service);
    let (Some(current), Some(_)) = (current, &wanted.task_definition) else {
        return Ok(found(None));
    };
    let defined = images_of(query, current);
    let image = defined
        .iter()
        .flatten()
        .find(|image| is_here(context, &wanted.repository, image));
    if defined.is_some() && image.is_none() {
        return Ok(found(Some(current)));
    }
    let now = image.and_then(|image| images.digest_of(Called::read(image)));
    if now.is_some() && now == bearer {
        return Ok(found(Some(current)));
    }
    // The tag may have been pushed again or deleted since: the service keeps the digest of its deployment.
    let is_tag = image.is_none_or(|image| matches!(Called::read(image), Called::Tag(_)));
    let runs = if is_tag {
        running(context, &wanted, current).await?
    } else {
        None
    };
    let runs = runs.and_then(|(_, digest)| digest);
    let runs = runs.as_deref().or(now);
    let is_gone = runs.is_none_or(|runs| !images.digests.contains(runs));
    Ok(found((is_gone || bearer == runs).then_some(current)))
}

/// Returns the revision that a live service runs, from what has been read of it.
fn revision_of<'a>(query: Query<'a>, service: &str) -> Option<&'a str> {
    let mut services = query.live.of_type("aws:ecs:Service");
    let found = services.find(|(_, live)| live.arn.as_deref() == Some(service));
    found?.1.inputs.get("taskDefinition")?.as_str()
}

/// Returns the images of a live revision, from what has been read of it.
fn images_of<'a>(query: Query<'a>, revision: &str) -> Option<Vec<&'a str>> {
    let mut revisions = query.live.of_type("aws:ecs:TaskDefinition");
    let found = revisions.find(|(_, live)| live.arn.as_deref() == Some(revision))?;
    let containers = found.1.inputs.get("containerDefinitions")?.as_list()?;
    let images = containers
        .iter()
        .filter_map(|container| container.as_object()?.get("image")?.as_str());
    Some(images.collect())
}

impl Images {
    /// Returns the present digest of an image by its name.
    fn digest_of<'a>(&'a self, called: Called<'a>) -> Option<&'a str> {
        match called {
            Called::Digest(digest) => Some(digest),
            Called::Tag(tag) => self.tags.get(tag).map(String::as_str),
        }
    }
}

/// Adds the tag to the image, or moves it there.
async fn put(context: &Context, inputs: &Inputs) -> AwsResult<LiveOf<ImageTag>> {
    let revision = inputs.task_definition.as_deref();
    let as_wanted = |digest: Option<&str>| live(inputs, revision, digest);
    let Some(revision) = revision else {
        return Ok(as_wanted(None));
    };
    let (image, digest) = match running(context, inputs, revision).await? {
        Some((image, digest)) => (Some(image), digest),
        None => (named(context, inputs, revision).await?, None),
    };
    let Some(image) = image else {
        return Ok(as_wanted(None));
    };
    let called = digest
        .as_deref()
        .map_or(Called::read(&image), Called::Digest);
    let found = match find(context, inputs, called).await {
        // It is gone, or never existed.
        Err(error) if error.is(ErrorKind::NotFound) => return Ok(as_wanted(None)),
        found => found?,
    };
    let manifest = expected(FIND, found.image_manifest, "`imageManifest`")?;
    let digest = found.image_id.and_then(|id| id.image_digest);
    let request = context
        .ecr
        .put_image()
        .repository_name(&inputs.repository)
        .image_manifest(&manifest)
        .set_image_manifest_media_type(found.image_manifest_media_type.clone())
        .image_tag(&inputs.tag)
        .set_image_digest(digest.clone());
    let put = context.send(request).await;
    if let Err(error) = put {
        // This answer has been seen for a tag that did not exist, so the tag is looked up.
        let has_it = error.code == "ImageAlreadyExistsException" && {
            let bearer = find(context, inputs, Called::Tag(&inputs.tag)).await?;
            bearer.image_id.and_then(|id| id.image_digest) == digest
        };
        if !has_it {
            return Err(error);
        }
    }
    Ok(as_wanted(digest.as_deref()))
}

const FIND: &str = "ecr:BatchGetImage";

/// All manifest formats: AWS converts the manifest for a client that does not accept its own format.
const MEDIA_TYPES: [&str; 4] = [
    "application/vnd.docker.distribution.manifest.v2+json",
    "application/vnd.docker.distribution.manifest.list.v2+json",
    "application/vnd.oci.image.manifest.v1+json",
    "application/vnd.oci.image.index.v1+json",
];

async fn find(context: &Context, inputs: &Inputs, called: Called<'_>) -> AwsResult<Image> {
    let request = context
        .ecr
        .batch_get_image()
        .repository_name(&inputs.repository)
        .image_ids(called.identifier())
        .set_accepted_media_types(Some(MEDIA_TYPES.map(str::to_owned).to_vec()));
    let answer = context.send(request).await?;
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
            "image `{}` of repository `{}`: {reason}",
            called.text(),
            inputs.repository
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

fn live(wanted: &Inputs, revision: Option<&str>, digest: Option<&str>) -> LiveOf<ImageTag> {
    Live {
        id: format!("{}:{}", wanted.repository, wanted.tag),
        arn: None,
        inputs: Inputs {
            service: String::new(),
            task_definition: revision.map(str::to_owned),
            ..wanted.clone()
        },
        outputs: Outputs {
            digest: digest.map(str::to_owned),
        },
        tags: Tags::default(),
        condition: Condition::Ready,
    }
}

fn fit(inputs: &Inputs) -> Vec<InvalidInput> {
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
    vec![InvalidInput::new("tag", reason).help(help)]
}
