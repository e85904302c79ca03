//! The search for repositories, and for their tags.

use aws_sdk_ecr::types::Repository as EcrRepository;
use futures_util::future::try_join_all;

use crate::aws::context::Context;
use crate::aws::error::{AwsResult, expected};
use crate::aws::pages::{few_pages, one_by_one};
use crate::resource::Tags;

pub(super) const DESCRIBE: &str = "ecr:DescribeRepositories";

/// Returns repositories by name, at most 100 per call. Fails as a whole if one of them does not exist.
pub(super) async fn describe(context: &Context, names: &[&str]) -> AwsResult<Vec<EcrRepository>> {
    let answers = try_join_all(names.chunks(100).map(|names| async move {
        let request = context
            .ecr
            .describe_repositories()
            .set_repository_names(Some(names.iter().map(|name| (*name).to_owned()).collect()));
        let answer = context.send(request).await?;
        expected(DESCRIBE, answer.repositories, "`repositories`")
    }))
    .await?;
    Ok(answers.into_iter().flatten().collect())
}

/// Returns the existing repositories of these names, and others with them: a listing costs less than a call for each name,
/// unless it has more pages than there are names.
pub(super) async fn search(context: &Context, names: &[&str]) -> AwsResult<Vec<EcrRepository>> {
    let all = few_pages(DESCRIBE, names.len(), |token| async move {
        let request = context
            .ecr
            .describe_repositories()
            .max_results(1000)
            .set_next_token(token.clone());
        let page = context.send(request).await?;
        let next = page.next_token().map(str::to_owned);
        let repositories = expected(DESCRIBE, page.repositories, "`repositories`")?;
        Ok((Some(repositories), next))
    })
    .await?;
    if let Some(all) = all {
        return Ok(all);
    }
    one_by_one(names.iter().copied(), |name| named(context, name)).await
}

/// Returns the repository of a name, which has to exist.
pub(super) async fn named(context: &Context, name: &str) -> AwsResult<Vec<EcrRepository>> {
    describe(context, &[name]).await
}

/// Returns the tags of a repository that neither Describe nor the index has.
pub(super) async fn tags_of(context: &Context, repository: &EcrRepository) -> AwsResult<Tags> {
    const LIST_TAGS: &str = "ecr:ListTagsForResource";
    let request = context
        .ecr
        .list_tags_for_resource()
        .resource_arn(repository.repository_arn().unwrap_or_default());
    let answer = context.send(request).await?;
    let tags = expected(LIST_TAGS, answer.tags, "`tags`")?;
    Ok(crate::aws::ecr::from_sdk(&tags))
}
