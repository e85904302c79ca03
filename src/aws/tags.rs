//! Tags by ARN, for every service at once.

use std::collections::HashMap;

use aws_sdk_resourcegroupstagging::config::Builder;
use aws_sdk_resourcegroupstagging::types::TagFilter;
use aws_types::region::Region;

use super::context::Context;
use super::error::{AwsResult, kind};
use super::pages::pages;
use crate::resource::provider::Indexed;
use crate::resource::shell::quoted;
use crate::resource::{ErrorKind, ProviderError, StackId, Tags, Urn, tags};

/// Every tagged thing of a stack that the tagging API knows: one call per 100 (`aws-resources.md` §1.1).
///
/// Its answer lags behind and lists what is gone, so it only says where to look. IAM roles and policies are not in it.
pub async fn index(context: &Context, stack: &StackId) -> AwsResult<Vec<Indexed>> {
    let found = tagged(context, stack, None, None).await?;
    let indexed = found.into_iter().map(|(arn, tags)| Indexed { arn, tags });
    Ok(indexed.collect())
}

/// What the tagging API of a region knows of a stack, by ARN: of one type, or of all.
pub async fn tagged(
    context: &Context,
    stack: &StackId,
    kind: Option<&str>,
    region: Option<&'static str>,
) -> AwsResult<Vec<(String, Tags)>> {
    let filter = TagFilter::builder()
        .key(tags::STACK)
        .values(stack.to_string())
        .build();
    let filter = &filter;
    let mappings = pages(|token| async move {
        let page = context
            .call("tag:GetResources", || {
                let asking = context
                    .tagging
                    .get_resources()
                    .set_resource_type_filters(kind.map(|kind| vec![kind.to_owned()]))
                    .tag_filters(filter.clone())
                    .resources_per_page(100)
                    .set_pagination_token(token.clone())
                    .customize();
                match region {
                    Some(region) => asking
                        .config_override(Builder::new().region(Region::new(region)))
                        .send(),
                    None => asking.send(),
                }
            })
            .await?;
        Ok((page.resource_tag_mapping_list, page.pagination_token))
    })
    .await?;
    let found = mappings.into_iter().filter_map(|mapping| {
        let tags = mapping.tags().iter();
        let tags = tags
            .map(|tag| (tag.key().to_owned(), tag.value().to_owned()))
            .collect();
        Some((mapping.resource_arn?, tags))
    });
    Ok(found.collect())
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

/// The command that gives an object the tags by which it is known as this resource; `None` for one without an ARN.
pub fn command(urn: &Urn, id: &str, arn: Option<&str>, region: Option<&str>) -> Option<String> {
    let of_region = region.map(|region| (tags::REGION, region.to_owned()));
    let owner = [
        (tags::STACK, urn.stack().to_string()),
        (tags::URN, urn.to_string()),
    ];
    let tags = owner.into_iter().chain(of_region);
    let pairs = || {
        let pairs = tags.clone();
        let pairs = pairs.map(|(key, value)| serde_json::json!({"Key": key, "Value": value}));
        serde_json::Value::from(pairs.collect::<Vec<_>>())
    };
    let map = || {
        let tags = tags.clone();
        let tags = tags.map(|(key, value)| (key.to_owned(), serde_json::Value::from(value)));
        serde_json::Value::from(tags.collect::<serde_json::Map<_, _>>())
    };
    let arn = arn.map(quoted);
    let (call, of, tags) = match urn.token() {
        // Of what is seen in use alone, the id is known.
        token if arn.is_none() && token.starts_with("aws:ec2:") => {
            ("ec2 create-tags --resources", quoted(id), pairs())
        }
        // Not in the tagging API.
        "aws:iam:Role" => ("iam tag-role --role-name", quoted(id), pairs()),
        "aws:iam:Policy" => ("iam tag-policy --policy-arn", arn?, pairs()),
        "aws:appautoscaling:Target" => {
            let call = "application-autoscaling tag-resource --resource-arn";
            (call, arn?, map())
        }
        "aws:cloudwatch:MetricAlarm" | "aws:cloudwatch:Dashboard" => {
            ("cloudwatch tag-resource --resource-arn", arn?, pairs())
        }
        _ => {
            let call = "resourcegroupstaggingapi tag-resources --resource-arn-list";
            (call, arn?, map())
        }
    };
    let region = region.map_or_else(String::new, |region| format!(" --region {region}"));
    let tags = quoted(&tags.to_string());
    Some(format!("aws {call} {of} --tags {tags}{region}"))
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
