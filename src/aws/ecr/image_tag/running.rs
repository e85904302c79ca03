//! The image that a service runs, by the word of ECS.

use aws_sdk_ecr::types::ImageIdentifier;
use aws_sdk_ecs::types::ServiceDeploymentStatus;

use super::model::Inputs;
use crate::aws::context::Context;
use crate::aws::error::{AwsResult, expected};

/// The name of an image in a repository, by the end of its address.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Called<'a> {
    Digest(&'a str),
    Tag(&'a str),
}

impl<'a> Called<'a> {
    pub(super) fn read(image: &'a str) -> Self {
        let name = image.rsplit('/').next().unwrap_or(image);
        match (name.split_once('@'), name.split_once(':')) {
            (Some((_, digest)), _) => Self::Digest(digest),
            (None, Some((_, tag))) => Self::Tag(tag),
            (None, None) => Self::Tag("latest"),
        }
    }

    pub(super) fn text(self) -> &'a str {
        match self {
            Self::Digest(text) | Self::Tag(text) => text,
        }
    }

    pub(super) fn identifier(self) -> ImageIdentifier {
        match self {
            Self::Digest(digest) => ImageIdentifier::builder().image_digest(digest).build(),
            Self::Tag(tag) => ImageIdentifier::builder().image_tag(tag).build(),
        }
    }
}

/// Returns whether an image is in the repository, by its whole address as ECS has it.
pub(super) fn is_here(context: &Context, repository: &str, image: &str) -> bool {
    let own = format!("{}.dkr.ecr.{}.", context.account_id, context.region);
    image.split_once('/').is_some_and(|(host, path)| {
        let name = path.split(['@', ':']).next().unwrap_or_default();
        host.starts_with(&own) && name == repository
    })
}

/// Returns the image in a repository that an ECS service runs with a revision, and its digest, from the last completed
/// deployment. `None` if that was of another revision, or ECS does not say: it forgets deployments after a while. There is
/// no digest if nothing was started, or tags are not resolved.
pub(super) async fn running(
    context: &Context,
    inputs: &Inputs,
    revision: &str,
) -> AwsResult<Option<(String, Option<String>)>> {
    const DEPLOYMENTS: &str = "ecs:ListServiceDeployments";
    const REVISIONS: &str = "ecs:DescribeServiceRevisions";
    let Some((_, path)) = inputs.service.split_once(":service/") else {
        return Ok(None);
    };
    let cluster = path.split('/').next().unwrap_or_default();
    let request = context
        .ecs
        .list_service_deployments()
        .service(&inputs.service)
        .cluster(cluster)
        .status(ServiceDeploymentStatus::Successful)
        .status(ServiceDeploymentStatus::RollbackSuccessful)
        .max_results(1);
    let answer = context.send(request).await?;
    let deployments = expected(
        DEPLOYMENTS,
        answer.service_deployments,
        "`serviceDeployments`",
    )?;
    let target = deployments
        .first()
        .and_then(|deployment| deployment.target_service_revision_arn());
    let Some(target) = target else {
        return Ok(None);
    };
    let request = context
        .ecs
        .describe_service_revisions()
        .service_revision_arns(target);
    let answer = context.send(request).await?;
    let revisions = expected(REVISIONS, answer.service_revisions, "`serviceRevisions`")?;
    let mut images = revisions
        .iter()
        .filter(|of_service| of_service.task_definition() == Some(revision))
        .flat_map(|of_service| of_service.container_images());
    Ok(images.find_map(|resolved| {
        let image = resolved
            .image()
            .filter(|image| is_here(context, &inputs.repository, image))?;
        Some((image.to_owned(), resolved.image_digest().map(str::to_owned)))
    }))
}

/// Returns the image in a repository that a revision names.
pub(super) async fn named(
    context: &Context,
    inputs: &Inputs,
    revision: &str,
) -> AwsResult<Option<String>> {
    const DESCRIBE: &str = "ecs:DescribeTaskDefinition";
    let request = context
        .ecs
        .describe_task_definition()
        .task_definition(revision);
    let answer = context.send(request).await?;
    let definition = expected(DESCRIBE, answer.task_definition, "`taskDefinition`")?;
    let mut images = definition
        .container_definitions()
        .iter()
        .filter_map(|container| container.image());
    let image = images.find(|image| is_here(context, &inputs.repository, image));
    Ok(image.map(str::to_owned))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_image_is_known_by_tag_or_digest() {
        let host = "1.dkr.ecr.eu-south-2.amazonaws.com";
        for (image, called) in [
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
}
