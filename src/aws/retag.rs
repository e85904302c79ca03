//! Setting and removing tags of existing objects, by the calls of each service.
//!
//! The tagging API does that for all services, but is used only for buckets: S3's own call replaces all tags at once, those
//! of other owners as well. The tagging API takes few calls per second, requires permissions besides those of the service,
//! and reports failures of the service inside a 200, where an internal error is an ordinary one
//! (<https://docs.aws.amazon.com/resourcegroupstagging/latest/APIReference/API_FailureInfo.html>). As part of the answer
//! these are retried like any other error.

use std::collections::HashMap;

use aws_sdk_resourcegroupstagging::types::FailureInfo;

use super::context::Context;
use super::error::{AwsResult, from_sdk, kind};
use super::sdk_tag::{to_map, to_sdk};
use super::wait::until_visible;
use super::{ec2, iam};
use crate::resource::{ErrorKind, ProviderError, Tags};

/// Sets and removes tags of one object. Tags that are not named stay as they are.
///
/// # Errors
/// Those of the calls.
pub async fn retag(
    context: &Context,
    arn: Option<&str>,
    set: &Tags,
    remove: &[String],
) -> AwsResult<()> {
    let arn = arn.ok_or_else(|| {
        let text = "an object without an ARN cannot be tagged";
        ProviderError::new(ErrorKind::Bug, "tag:TagResources", text)
    })?;
    if !set.is_empty() {
        add(context, arn, set).await?;
    }
    let remove = match service_of(arn) {
        "iam" => iam::still_there(remove, set),
        _ => remove.to_vec(),
    };
    if !remove.is_empty() {
        take(context, arn, &remove).await?;
    }
    Ok(())
}

/// One call of a service.
macro_rules! call {
    ($context:ident, $operation:literal, $service:ident.$method:ident, $($set:ident($value:expr)),+) => {
        $context
            .call($operation, || $context.$service.$method()$(.$set($value))+.send())
            .await
            .map(drop)
    };
}

async fn add(context: &Context, arn: &str, tags: &Tags) -> AwsResult<()> {
    match service_of(arn) {
        "ec2" => {
            let tags = Some(to_sdk(tags));
            call!(
                context,
                "ec2:CreateTags",
                ec2.create_tags,
                resources(last_of(arn)),
                set_tags(tags.clone())
            )
        }
        "elasticloadbalancing" => {
            let tags = Some(to_sdk(tags));
            call!(
                context,
                "elasticloadbalancing:AddTags",
                elbv2.add_tags,
                resource_arns(arn),
                set_tags(tags.clone())
            )
        }
        "rds" => {
            let tags = Some(to_sdk(tags));
            call!(
                context,
                "rds:AddTagsToResource",
                rds.add_tags_to_resource,
                resource_name(arn),
                set_tags(tags.clone())
            )
        }
        "ecs" => {
            let tags = Some(to_sdk(tags));
            call!(
                context,
                "ecs:TagResource",
                ecs.tag_resource,
                resource_arn(arn),
                set_tags(tags.clone())
            )
        }
        "ecr" => {
            let tags = Some(to_sdk(tags));
            call!(
                context,
                "ecr:TagResource",
                ecr.tag_resource,
                resource_arn(arn),
                set_tags(tags.clone())
            )
        }
        "logs" => {
            let tags = Some(to_map(tags));
            call!(
                context,
                "logs:TagResource",
                logs.tag_resource,
                resource_arn(arn),
                set_tags(tags.clone())
            )
        }
        "cloudwatch" => {
            let tags = Some(to_sdk(tags));
            call!(
                context,
                "cloudwatch:TagResource",
                cloudwatch.tag_resource,
                resource_arn(arn),
                set_tags(tags.clone())
            )
        }
        "application-autoscaling" => {
            let tags = Some(to_map(tags));
            until_visible(|| async {
                call!(
                    context,
                    "application-autoscaling:TagResource",
                    autoscaling.tag_resource,
                    resource_arn(arn),
                    set_tags(tags.clone())
                )
            })
            .await
        }
        "secretsmanager" => {
            let tags = Some(to_sdk(tags));
            call!(
                context,
                "secretsmanager:TagResource",
                secrets.tag_resource,
                secret_id(arn),
                set_tags(tags.clone())
            )
        }
        "kms" => {
            let tags = Some(to_sdk(tags));
            until_visible(|| async {
                call!(
                    context,
                    "kms:TagResource",
                    kms.tag_resource,
                    key_id(arn),
                    set_tags(tags.clone())
                )
            })
            .await
        }
        "sns" => {
            let tags = Some(to_sdk(tags));
            call!(
                context,
                "sns:TagResource",
                sns.tag_resource,
                resource_arn(arn),
                set_tags(tags.clone())
            )
        }
        "wafv2" => {
            let tags = Some(to_sdk(tags));
            call!(
                context,
                "wafv2:TagResource",
                wafv2.tag_resource,
                resource_arn(arn),
                set_tags(tags.clone())
            )
        }
        "iam" if is_role(arn) => {
            let tags = Some(to_sdk(tags));
            call!(
                context,
                "iam:TagRole",
                iam.tag_role,
                role_name(last_of(arn)),
                set_tags(tags.clone())
            )
        }
        "iam" => {
            let tags = Some(to_sdk(tags));
            call!(
                context,
                "iam:TagPolicy",
                iam.tag_policy,
                policy_arn(arn),
                set_tags(tags.clone())
            )
        }
        _ => {
            const OPERATION: &str = "tag:TagResources";
            let tags = Some(to_map(tags));
            let ask = || {
                let request = context.tagging.tag_resources().resource_arn_list(arn);
                request.set_tags(tags.clone()).send()
            };
            let answer = || async {
                let answer = ask().await.map_err(|error| from_sdk(OPERATION, &error))?;
                check(OPERATION, answer.failed_resources_map())
            };
            context.repeated(OPERATION, answer).await
        }
    }
}

async fn take(context: &Context, arn: &str, keys: &[String]) -> AwsResult<()> {
    let all = || Some(keys.to_vec());
    match service_of(arn) {
        "ec2" => {
            call!(
                context,
                "ec2:DeleteTags",
                ec2.delete_tags,
                resources(last_of(arn)),
                set_tags(Some(ec2::keys_to_sdk(keys)))
            )
        }
        "elasticloadbalancing" => {
            call!(
                context,
                "elasticloadbalancing:RemoveTags",
                elbv2.remove_tags,
                resource_arns(arn),
                set_tag_keys(all())
            )
        }
        "rds" => {
            call!(
                context,
                "rds:RemoveTagsFromResource",
                rds.remove_tags_from_resource,
                resource_name(arn),
                set_tag_keys(all())
            )
        }
        "ecs" => {
            call!(
                context,
                "ecs:UntagResource",
                ecs.untag_resource,
                resource_arn(arn),
                set_tag_keys(all())
            )
        }
        "ecr" => {
            call!(
                context,
                "ecr:UntagResource",
                ecr.untag_resource,
                resource_arn(arn),
                set_tag_keys(all())
            )
        }
        "logs" => {
            call!(
                context,
                "logs:UntagResource",
                logs.untag_resource,
                resource_arn(arn),
                set_tag_keys(all())
            )
        }
        "cloudwatch" => {
            call!(
                context,
                "cloudwatch:UntagResource",
                cloudwatch.untag_resource,
                resource_arn(arn),
                set_tag_keys(all())
            )
        }
        "application-autoscaling" => {
            call!(
                context,
                "application-autoscaling:UntagResource",
                autoscaling.untag_resource,
                resource_arn(arn),
                set_tag_keys(all())
            )
        }
        "secretsmanager" => {
            call!(
                context,
                "secretsmanager:UntagResource",
                secrets.untag_resource,
                secret_id(arn),
                set_tag_keys(all())
            )
        }
        "kms" => {
            call!(
                context,
                "kms:UntagResource",
                kms.untag_resource,
                key_id(arn),
                set_tag_keys(all())
            )
        }
        "sns" => {
            call!(
                context,
                "sns:UntagResource",
                sns.untag_resource,
                resource_arn(arn),
                set_tag_keys(all())
            )
        }
        "wafv2" => {
            call!(
                context,
                "wafv2:UntagResource",
                wafv2.untag_resource,
                resource_arn(arn),
                set_tag_keys(all())
            )
        }
        "iam" if is_role(arn) => {
            call!(
                context,
                "iam:UntagRole",
                iam.untag_role,
                role_name(last_of(arn)),
                set_tag_keys(all())
            )
        }
        "iam" => {
            call!(
                context,
                "iam:UntagPolicy",
                iam.untag_policy,
                policy_arn(arn),
                set_tag_keys(all())
            )
        }
        _ => {
            const OPERATION: &str = "tag:UntagResources";
            let ask = || {
                let request = context.tagging.untag_resources().resource_arn_list(arn);
                request.set_tag_keys(all()).send()
            };
            let answer = || async {
                let answer = ask().await.map_err(|error| from_sdk(OPERATION, &error))?;
                check(OPERATION, answer.failed_resources_map())
            };
            context.repeated(OPERATION, answer).await
        }
    }
}

/// Returns the service of an ARN: `ec2` of `arn:aws:ec2:eu-south-2:123456789012:vpc/vpc-1`.
fn service_of(arn: &str) -> &str {
    arn.split(':').nth(2).unwrap_or_default()
}

/// Returns the id or name at the end of an ARN, without its path.
fn last_of(arn: &str) -> &str {
    arn.rsplit('/').next().unwrap_or_default()
}

fn is_role(arn: &str) -> bool {
    arn.contains(":role/")
}

/// Returns the failures that a 200 of the tagging API may carry as an error.
fn check(operation: &str, failed: Option<&HashMap<String, FailureInfo>>) -> AwsResult<()> {
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
