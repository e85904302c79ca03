//! Tags by ARN, for every service at once.

use std::collections::HashMap;

use super::context::Context;
use super::error::{AwsResult, kind};
use crate::resource::provider::Indexed;
use crate::resource::{ErrorKind, ProviderError, StackId, Tags, tags};

/// Every tagged thing of a stack that the tagging API knows: one call per 100 (`aws-resources.md` §1.1).
///
/// Its answer lags behind and lists what is gone, so it only says where to look. IAM roles and policies are not in it.
pub async fn index(context: &Context, stack: &StackId) -> AwsResult<Vec<Indexed>> {
    let filter = aws_sdk_resourcegroupstagging::types::TagFilter::builder()
        .key(tags::STACK)
        .values(stack.to_string())
        .build();
    let mut found = Vec::new();
    let mut token: Option<String> = None;
    loop {
        let page = context
            .call("tag:GetResources", || {
                context
                    .tagging
                    .get_resources()
                    .tag_filters(filter.clone())
                    .resources_per_page(100)
                    .set_pagination_token(token.clone())
                    .send()
            })
            .await?;
        for mapping in page.resource_tag_mapping_list() {
            let Some(arn) = mapping.resource_arn() else {
                continue;
            };
            found.push(Indexed {
                arn: arn.to_owned(),
                tags: mapping
                    .tags()
                    .iter()
                    .map(|tag| (tag.key().to_owned(), tag.value().to_owned()))
                    .collect(),
            });
        }
        token = page
            .pagination_token()
            .filter(|token| !token.is_empty())
            .map(str::to_owned);
        if token.is_none() {
            return Ok(found);
        }
    }
}

/// Sets and removes tags of one object.
///
/// # Errors
/// Those of the call, and the failures that the tagging API reports inside a successful answer.
pub async fn retag(
    context: &Context,
    arn: Option<&str>,
    set: &Tags,
    remove: &[String],
) -> AwsResult<()> {
    let arn = arn.ok_or_else(|| {
        ProviderError::new(
            ErrorKind::Bug,
            "tag:TagResources",
            "an object without an ARN cannot be tagged through the tagging API",
        )
    })?;
    if !set.is_empty() {
        let tags: HashMap<String, String> = set
            .iter()
            .map(|(key, value)| (key.to_owned(), value.to_owned()))
            .collect();
        let answer = context
            .call("tag:TagResources", || {
                context
                    .tagging
                    .tag_resources()
                    .resource_arn_list(arn)
                    .set_tags(Some(tags.clone()))
                    .send()
            })
            .await?;
        check("tag:TagResources", answer.failed_resources_map())?;
    }
    if !remove.is_empty() {
        let answer = context
            .call("tag:UntagResources", || {
                context
                    .tagging
                    .untag_resources()
                    .resource_arn_list(arn)
                    .set_tag_keys(Some(remove.to_vec()))
                    .send()
            })
            .await?;
        check("tag:UntagResources", answer.failed_resources_map())?;
    }
    Ok(())
}

/// A 200 answer may carry failures.
fn check(
    operation: &str,
    failed: Option<&HashMap<String, aws_sdk_resourcegroupstagging::types::FailureInfo>>,
) -> AwsResult<()> {
    let Some((arn, failure)) = failed.and_then(|failed| failed.iter().next()) else {
        return Ok(());
    };
    let code = failure
        .error_code()
        .map(|code| code.as_str().to_owned())
        .unwrap_or_default();
    let message = failure.error_message().unwrap_or_default();
    let status = u16::try_from(failure.status_code()).unwrap_or(500);
    let mut error = ProviderError::new(
        kind(&code, message, status),
        operation,
        format!("{arn}: {message}"),
    );
    error.code = code;
    error.status = Some(status);
    Err(error)
}
