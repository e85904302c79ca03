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

async fn add(context: &Context, arn: &str, tags: &Tags) -> AwsResult<()> {
    match service_of(arn) {
        "ec2" => {
            let request = context.ec2.create_tags().resources(last_of(arn));
            context.send(request.set_tags(Some(to_sdk(tags)))).await?;
        }
        "elasticloadbalancing" => {
            let request = context.elbv2.add_tags().resource_arns(arn);
            context.send(request.set_tags(Some(to_sdk(tags)))).await?;
        }
        "rds" => {
            let request = context.rds.add_tags_to_resource().resource_name(arn);
            context.send(request.set_tags(Some(to_sdk(tags)))).await?;
        }
        "ecs" => {
            let request = context.ecs.tag_resource().resource_arn(arn);
            context.send(request.set_tags(Some(to_sdk(tags)))).await?;
        }
        "ecr" => {
            let request = context.ecr.tag_resource().resource_arn(arn);
            context.send(request.set_tags(Some(to_sdk(tags)))).await?;
        }
        "logs" => {
            let request = context.logs.tag_resource().resource_arn(arn);
            context.send(request.set_tags(Some(to_map(tags)))).await?;
        }
        "cloudwatch" => {
            let request = context.cloudwatch.tag_resource().resource_arn(arn);
            context.send(request.set_tags(Some(to_sdk(tags)))).await?;
        }
        "application-autoscaling" => {
            let request = context.autoscaling.tag_resource().resource_arn(arn);
            let request = request.set_tags(Some(to_map(tags)));
            until_visible(|| context.send(request.clone())).await?;
        }
        "secretsmanager" => {
            let request = context.secrets.tag_resource().secret_id(arn);
            context.send(request.set_tags(Some(to_sdk(tags)))).await?;
        }
        "kms" => {
            let request = context.kms.tag_resource().key_id(arn);
            let request = request.set_tags(Some(to_sdk(tags)));
            until_visible(|| context.send(request.clone())).await?;
        }
        "sns" => {
            let request = context.sns.tag_resource().resource_arn(arn);
            context.send(request.set_tags(Some(to_sdk(tags)))).await?;
        }
        "wafv2" => {
            let request = context.wafv2.tag_resource().resource_arn(arn);
            context.send(request.set_tags(Some(to_sdk(tags)))).await?;
        }
        "iam" if is_role(arn) => {
            let request = context.iam.tag_role().role_name(last_of(arn));
            context.send(request.set_tags(Some(to_sdk(tags)))).await?;
        }
        "iam" => {
            let request = context.iam.tag_policy().policy_arn(arn);
            context.send(request.set_tags(Some(to_sdk(tags)))).await?;
        }
        _ => {
            const OPERATION: &str = "tag:TagResources";
            let tags = Some(to_map(tags));
            let request = context.tagging.tag_resources().resource_arn_list(arn);
            let request = request.set_tags(tags);
            let answer = || async {
                let answer = request.clone().send().await;
                let answer = answer.map_err(|error| from_sdk(OPERATION, &error))?;
                check(OPERATION, answer.failed_resources_map())
            };
            context.repeated(OPERATION, answer).await?;
        }
    }
    Ok(())
}

async fn take(context: &Context, arn: &str, keys: &[String]) -> AwsResult<()> {
    let all = || Some(keys.to_vec());
    match service_of(arn) {
        "ec2" => {
            let request = context.ec2.delete_tags().resources(last_of(arn));
            context
                .send(request.set_tags(Some(ec2::keys_to_sdk(keys))))
                .await?;
        }
        "elasticloadbalancing" => {
            let request = context.elbv2.remove_tags().resource_arns(arn);
            context.send(request.set_tag_keys(all())).await?;
        }
        "rds" => {
            let request = context.rds.remove_tags_from_resource().resource_name(arn);
            context.send(request.set_tag_keys(all())).await?;
        }
        "ecs" => {
            let request = context.ecs.untag_resource().resource_arn(arn);
            context.send(request.set_tag_keys(all())).await?;
        }
        "ecr" => {
            let request = context.ecr.untag_resource().resource_arn(arn);
            context.send(request.set_tag_keys(all())).await?;
        }
        "logs" => {
            let request = context.logs.untag_resource().resource_arn(arn);
            context.send(request.set_tag_keys(all())).await?;
        }
        "cloudwatch" => {
            let request = context.cloudwatch.untag_resource().resource_arn(arn);
            context.send(request.set_tag_keys(all())).await?;
        }
        "application-autoscaling" => {
            let request = context.autoscaling.untag_resource().resource_arn(arn);
            context.send(request.set_tag_keys(all())).await?;
        }
        "secretsmanager" => {
            let request = context.secrets.untag_resource().secret_id(arn);
            context.send(request.set_tag_keys(all())).await?;
        }
        "kms" => {
            let request = context.kms.untag_resource().key_id(arn);
            context.send(request.set_tag_keys(all())).await?;
        }
        "sns" => {
            let request = context.sns.untag_resource().resource_arn(arn);
            context.send(request.set_tag_keys(all())).await?;
        }
        "wafv2" => {
            let request = context.wafv2.untag_resource().resource_arn(arn);
            context.send(request.set_tag_keys(all())).await?;
        }
        "iam" if is_role(arn) => {
            let request = context.iam.untag_role().role_name(last_of(arn));
            context.send(request.set_tag_keys(all())).await?;
        }
        "iam" => {
            let request = context.iam.untag_policy().policy_arn(arn);
            context.send(request.set_tag_keys(all())).await?;
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
            context.repeated(OPERATION, answer).await?;
        }
    }
    Ok(())
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
