//! The tags of existing objects: how those of each type are set and removed, by calls and by AWS CLI commands. All of that is
//! in one table, [`TAGGINGS`].
//!
//! The calls are those of each service. The tagging API does that for all services, but is used only for buckets: S3's own
//! call replaces all tags at once, those of other owners as well. The tagging API takes few calls per second, requires
//! permissions besides those of the service, and reports failures of the service inside a 200, where an internal error is an
//! ordinary one (<https://docs.aws.amazon.com/resourcegroupstagging/latest/APIReference/API_FailureInfo.html>). As part of the
//! answer these are retried like any other error.

use std::collections::HashMap;

use aws_sdk_ec2::types::Tag;
use aws_sdk_resourcegroupstagging::types::FailureInfo;
use futures_util::FutureExt;
use futures_util::future::BoxFuture;

use super::context::Context;
use super::error::{AwsResult, from_sdk, kind};
use super::iam;
use super::request::Request;
use super::sdk_tag::{to_map, to_sdk};
use super::wait::until_visible;
use crate::resource::shell::quoted;
use crate::resource::{ErrorKind, ProviderError, Tags, Urn, tags};

/// The way in which objects of some types are tagged.
struct Tagging {
    /// The tokens of the types, or the beginning of all tokens of a service.
    of: &'static [&'static str],
    /// Sets tags of the object of an ARN.
    set: for<'a> fn(&'a Context, &'a str, &'a Tags) -> Sent<'a>,
    /// Removes the tags of these keys.
    remove: for<'a> fn(&'a Context, &'a str, &'a [String]) -> Sent<'a>,
    /// The commands for the same. The first whose name of the object is known is told to users.
    commands: &'static [Command],
}

/// Commands of the AWS CLI that tag an object.
struct Command {
    add: &'static str,
    remove: &'static str,
    names: Names,
    /// True if tags are a list of pairs, and not a map.
    takes_pairs: bool,
}

/// The name by which a command knows an object.
enum Names {
    Arn,
    Id,
}

const TAGGING_API: Command = Command {
    add: "resourcegroupstaggingapi tag-resources --resource-arn-list",
    remove: "resourcegroupstaggingapi untag-resources --resource-arn-list",
    names: Names::Arn,
    takes_pairs: false,
};

/// All types with tags, sorted. A type of a service that is here needs no line of its own, if it is tagged like the others.
const TAGGINGS: &[Tagging] = &[
    // What goes through Cloud Control has no client of its own here.
    Tagging {
        of: &["aws-native:"],
        set: by_tagging_api,
        remove: removed_by_tagging_api,
        commands: &[TAGGING_API],
    },
    Tagging {
        of: &["aws:appautoscaling:Target"],
        set: |context, arn, tags| {
            let request = context.autoscaling.tag_resource().resource_arn(arn);
            sent_once_visible(context, request.set_tags(Some(to_map(tags))))
        },
        remove: |context, arn, keys| {
            let request = context.autoscaling.untag_resource().resource_arn(arn);
            sent(context, request.set_tag_keys(Some(keys.to_vec())))
        },
        commands: &[Command {
            add: "application-autoscaling tag-resource --resource-arn",
            remove: "application-autoscaling untag-resource --resource-arn",
            names: Names::Arn,
            takes_pairs: false,
        }],
    },
    Tagging {
        of: &["aws:cloudwatch:Dashboard", "aws:cloudwatch:MetricAlarm"],
        set: |context, arn, tags| {
            let request = context.cloudwatch.tag_resource().resource_arn(arn);
            sent(context, request.set_tags(Some(to_sdk(tags))))
        },
        remove: |context, arn, keys| {
            let request = context.cloudwatch.untag_resource().resource_arn(arn);
            sent(context, request.set_tag_keys(Some(keys.to_vec())))
        },
        commands: &[Command {
            add: "cloudwatch tag-resource --resource-arn",
            remove: "cloudwatch untag-resource --resource-arn",
            names: Names::Arn,
            takes_pairs: true,
        }],
    },
    Tagging {
        of: &["aws:cloudwatch:LogGroup"],
        set: |context, arn, tags| {
            let request = context.logs.tag_resource().resource_arn(arn);
            sent(context, request.set_tags(Some(to_map(tags))))
        },
        remove: |context, arn, keys| {
            let request = context.logs.untag_resource().resource_arn(arn);
            sent(context, request.set_tag_keys(Some(keys.to_vec())))
        },
        commands: &[TAGGING_API],
    },
    Tagging {
        of: &["aws:ec2:", "aws:vpc:"],
        set: |context, arn, tags| {
            let request = context.ec2.create_tags().resources(last_of(arn));
            sent(context, request.set_tags(Some(to_sdk(tags))))
        },
        remove: |context, arn, keys| {
            let request = context.ec2.delete_tags().resources(last_of(arn));
            sent(context, request.set_tags(Some(ec2_keys(keys))))
        },
        commands: &[
            TAGGING_API,
            // Only the id is known of an object that is only seen in use.
            Command {
                add: "ec2 create-tags --resources",
                remove: "ec2 delete-tags --resources",
                names: Names::Id,
                takes_pairs: true,
            },
        ],
    },
    Tagging {
        of: &["aws:ecr:"],
        set: |context, arn, tags| {
            let request = context.ecr.tag_resource().resource_arn(arn);
            sent(context, request.set_tags(Some(to_sdk(tags))))
        },
        remove: |context, arn, keys| {
            let request = context.ecr.untag_resource().resource_arn(arn);
            sent(context, request.set_tag_keys(Some(keys.to_vec())))
        },
        commands: &[TAGGING_API],
    },
    Tagging {
        of: &["aws:ecs:"],
        set: |context, arn, tags| {
            let request = context.ecs.tag_resource().resource_arn(arn);
            sent(context, request.set_tags(Some(to_sdk(tags))))
        },
        remove: |context, arn, keys| {
            let request = context.ecs.untag_resource().resource_arn(arn);
            sent(context, request.set_tag_keys(Some(keys.to_vec())))
        },
        commands: &[TAGGING_API],
    },
    Tagging {
        of: &["aws:iam:Policy"],
        set: |context, arn, tags| {
            let request = context.iam.tag_policy().policy_arn(arn);
            sent(context, request.set_tags(Some(to_sdk(tags))))
        },
        remove: |context, arn, keys| {
            let request = context.iam.untag_policy().policy_arn(arn);
            sent(context, request.set_tag_keys(Some(keys.to_vec())))
        },
        commands: &[Command {
            add: "iam tag-policy --policy-arn",
            remove: "iam untag-policy --policy-arn",
            names: Names::Arn,
            takes_pairs: true,
        }],
    },
    Tagging {
        of: &["aws:iam:Role"],
        set: |context, arn, tags| {
            let request = context.iam.tag_role().role_name(last_of(arn));
            sent(context, request.set_tags(Some(to_sdk(tags))))
        },
        remove: |context, arn, keys| {
            let request = context.iam.untag_role().role_name(last_of(arn));
            sent(context, request.set_tag_keys(Some(keys.to_vec())))
        },
        commands: &[Command {
            add: "iam tag-role --role-name",
            remove: "iam untag-role --role-name",
            names: Names::Id,
            takes_pairs: true,
        }],
    },
    Tagging {
        of: &["aws:kms:"],
        set: |context, arn, tags| {
            let request = context.kms.tag_resource().key_id(arn);
            sent_once_visible(context, request.set_tags(Some(to_sdk(tags))))
        },
        remove: |context, arn, keys| {
            let request = context.kms.untag_resource().key_id(arn);
            sent(context, request.set_tag_keys(Some(keys.to_vec())))
        },
        commands: &[TAGGING_API],
    },
    Tagging {
        of: &["aws:lb:"],
        set: |context, arn, tags| {
            let request = context.elbv2.add_tags().resource_arns(arn);
            sent(context, request.set_tags(Some(to_sdk(tags))))
        },
        remove: |context, arn, keys| {
            let request = context.elbv2.remove_tags().resource_arns(arn);
            sent(context, request.set_tag_keys(Some(keys.to_vec())))
        },
        commands: &[TAGGING_API],
    },
    Tagging {
        of: &["aws:rds:"],
        set: |context, arn, tags| {
            let request = context.rds.add_tags_to_resource().resource_name(arn);
            sent(context, request.set_tags(Some(to_sdk(tags))))
        },
        remove: |context, arn, keys| {
            let request = context.rds.remove_tags_from_resource().resource_name(arn);
            sent(context, request.set_tag_keys(Some(keys.to_vec())))
        },
        commands: &[TAGGING_API],
    },
    Tagging {
        // S3's own call replaces all tags at once, those of other owners as well.
        of: &["aws:s3:"],
        set: by_tagging_api,
        remove: removed_by_tagging_api,
        commands: &[TAGGING_API],
    },
    Tagging {
        of: &["aws:secretsmanager:"],
        set: |context, arn, tags| {
            let request = context.secrets.tag_resource().secret_id(arn);
            sent(context, request.set_tags(Some(to_sdk(tags))))
        },
        remove: |context, arn, keys| {
            let request = context.secrets.untag_resource().secret_id(arn);
            sent(context, request.set_tag_keys(Some(keys.to_vec())))
        },
        commands: &[TAGGING_API],
    },
    Tagging {
        of: &["aws:sns:"],
        set: |context, arn, tags| {
            let request = context.sns.tag_resource().resource_arn(arn);
            sent(context, request.set_tags(Some(to_sdk(tags))))
        },
        remove: |context, arn, keys| {
            let request = context.sns.untag_resource().resource_arn(arn);
            sent(context, request.set_tag_keys(Some(keys.to_vec())))
        },
        commands: &[TAGGING_API],
    },
    Tagging {
        of: &["aws:wafv2:"],
        set: |context, arn, tags| {
            let request = context.wafv2.tag_resource().resource_arn(arn);
            sent(context, request.set_tags(Some(to_sdk(tags))))
        },
        remove: |context, arn, keys| {
            let request = context.wafv2.untag_resource().resource_arn(arn);
            sent(context, request.set_tag_keys(Some(keys.to_vec())))
        },
        commands: &[TAGGING_API],
    },
];

type Sent<'a> = BoxFuture<'a, AwsResult<()>>;

fn sent<'a, R: Request + 'a>(context: &'a Context, request: R) -> Sent<'a> {
    async move { context.send(request).await.map(drop) }.boxed()
}

/// Does the same as [`sent`], for services that may not see a new object yet.
fn sent_once_visible<'a, R: Request + 'a>(context: &'a Context, request: R) -> Sent<'a> {
    async move {
        let visible = until_visible(|| context.send(request.clone()));
        visible.await.map(drop)
    }
    .boxed()
}

fn by_tagging_api<'a>(context: &'a Context, arn: &'a str, tags: &'a Tags) -> Sent<'a> {
    const OPERATION: &str = "tag:TagResources";
    let request = context.tagging.tag_resources().resource_arn_list(arn);
    let request = request.set_tags(Some(to_map(tags)));
    let answer = move || {
        let request = request.clone();
        async move {
            let answer = request.send().await;
            let answer = answer.map_err(|error| from_sdk(OPERATION, &error))?;
            check(OPERATION, answer.failed_resources_map())
        }
    };
    async move { context.repeated(OPERATION, answer).await }.boxed()
}

fn removed_by_tagging_api<'a>(context: &'a Context, arn: &'a str, keys: &'a [String]) -> Sent<'a> {
    const OPERATION: &str = "tag:UntagResources";
    let request = context.tagging.untag_resources().resource_arn_list(arn);
    let request = request.set_tag_keys(Some(keys.to_vec()));
    let answer = move || {
        let request = request.clone();
        async move {
            let answer = request.send().await;
            let answer = answer.map_err(|error| from_sdk(OPERATION, &error))?;
            check(OPERATION, answer.failed_resources_map())
        }
    };
    async move { context.repeated(OPERATION, answer).await }.boxed()
}

/// Returns the keys of tags to remove, whatever their values.
fn ec2_keys(keys: &[String]) -> Vec<Tag> {
    keys.iter()
        .map(|key| Tag::builder().key(key).build())
        .collect()
}

/// Returns the way in which objects of a type are tagged.
fn tagging_of(token: &str) -> Option<&'static Tagging> {
    let is_of = |of: &&str| *of == token || of.ends_with(':') && token.starts_with(*of);
    TAGGINGS.iter().find(|tagging| tagging.of.iter().any(is_of))
}

/// Sets and removes tags of one object. Tags that are not named stay as they are.
///
/// # Errors
/// Those of the calls.
pub(super) async fn retag(
    context: &Context,
    token: &str,
    arn: Option<&str>,
    set: &Tags,
    remove: &[String],
) -> AwsResult<()> {
    let cannot = |text: &str| ProviderError::new(ErrorKind::Bug, "tag:TagResources", text);
    let arn = arn.ok_or_else(|| cannot("an object without an ARN cannot be tagged"))?;
    let tagging = tagging_of(token).ok_or_else(|| cannot("this type has no tags"))?;
    if !set.is_empty() {
        (tagging.set)(context, arn, set).await?;
    }
    let remove = if token.starts_with("aws:iam:") {
        iam::still_there(remove, set)
    } else {
        remove.to_vec()
    };
    if !remove.is_empty() {
        (tagging.remove)(context, arn, &remove).await?;
    }
    Ok(())
}

/// Returns the id or name at the end of an ARN, without its path.
fn last_of(arn: &str) -> &str {
    arn.rsplit('/').next().unwrap_or_default()
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

/// Returns the command that gives an object the tags by which it is known as this resource; `None` for an object without an
/// ARN. Without the mark of a run, only the record or the user's word then proves the ownership.
pub fn command(
    urn: &Urn,
    id: &str,
    arn: Option<&str>,
    region: Option<&str>,
    run: Option<&str>,
) -> Option<String> {
    let of_region = region.map(|region| (tags::REGION, region.to_owned()));
    let of_run = run.map(|run| (tags::RUN, run.to_owned()));
    let owner = [
        (tags::STACK, urn.stack().to_string()),
        (tags::URN, urn.to_string()),
    ];
    let tags = owner.into_iter().chain(of_region).chain(of_run);
    let (command, object) = command_of(urn.token(), id, arn)?;
    let value = if command.takes_pairs {
        let pairs = tags.map(|(key, value)| serde_json::json!({"Key": key, "Value": value}));
        serde_json::Value::from(pairs.collect::<Vec<_>>())
    } else {
        let tags = tags.map(|(key, value)| (key.to_owned(), serde_json::Value::from(value)));
        serde_json::Value::from(tags.collect::<serde_json::Map<_, _>>())
    };
    let value = quoted(&value.to_string());
    Some(line(
        command.add,
        &object,
        &format!("--tags {value}"),
        region,
    ))
}

/// Returns the command that removes the tags by which an object is known as ours; `None` for an object without an ARN.
pub fn removal(token: &str, id: &str, arn: Option<&str>, region: Option<&str>) -> Option<String> {
    let (command, object) = command_of(token, id, arn)?;
    let keys = if command.remove.starts_with("ec2") {
        format!("--tags Key={} Key={}", tags::STACK, tags::URN)
    } else {
        format!("--tag-keys {} {}", tags::STACK, tags::URN)
    };
    Some(line(command.remove, &object, &keys, region))
}

/// Returns the commands for an object of a type, and the name by which they know it.
fn command_of(token: &str, id: &str, arn: Option<&str>) -> Option<(&'static Command, String)> {
    let mut commands = tagging_of(token)?.commands.iter();
    commands.find_map(|command| {
        let name = match command.names {
            Names::Arn => arn?,
            Names::Id => id,
        };
        Some((command, quoted(name)))
    })
}

fn line(call: &str, object: &str, tags: &str, region: Option<&str>) -> String {
    let region = region.map_or_else(String::new, |region| format!(" --region {region}"));
    format!("aws {call} {object} {tags}{region}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::aws::registry::catalog;

    #[test]
    fn every_type_with_tags_has_one_way_to_tag_it() {
        let catalog = catalog();
        let tokens = || {
            let types = catalog.iter().filter(|schema| schema.taggable);
            types.map(|schema| schema.token)
        };
        let missing: Vec<&str> = tokens()
            .filter(|token| tagging_of(token).is_none())
            .collect();
        assert!(
            missing.is_empty(),
            "{missing:?} have tags and no way to set them: add a row to `TAGGINGS` in src/aws/tags.rs, with the calls of \
             their service, or make them `PartOfParent`"
        );
        let rows = TAGGINGS.iter().flat_map(|tagging| tagging.of);
        for of in rows {
            let own = |token: &str| token.starts_with(of);
            let is_on_demand = catalog.get(&format!("{of}sqs:Queue")).is_some();
            assert!(
                tokens().any(own) || is_on_demand,
                "`{of}` in `TAGGINGS` of src/aws/tags.rs is of no type that has tags: take it out"
            );
        }
    }
}
