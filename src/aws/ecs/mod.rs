//! ECS. Describe calls return tags when asked to, and answer 200 with a list of failures for objects that they do not find.

pub mod cluster;
pub mod service;
pub mod task_definition;

use aws_sdk_ecs::types::Failure;
use fde_infra_derive::operations;

use super::error::AwsResult;
use super::sdk_tag::{from_sdk, to_sdk};
use crate::resource::text_rule::is_plain;
use crate::resource::{ErrorKind, ProviderError, TextRule, Value};

operations! {
    aws_sdk_ecs, "ecs":
    CreateCluster,
    CreateService,
    DeleteCluster,
    DeleteService,
    DeregisterTaskDefinition,
    DescribeClusters,
    DescribeServiceRevisions,
    DescribeServices,
    DescribeTaskDefinition,
    DescribeTasks,
    ListServiceDeployments,
    ListServices,
    ListTaskDefinitions,
    ListTasks,
    RegisterTaskDefinition,
    TagResource,
    UntagResource,
    UpdateClusterSettings,
    UpdateService,
}

/// The rule for names of clusters, services, families and containers.
const NAME: TextRule = TextRule::new(1..=255).of(
    |c| is_plain(c) || "_-".contains(c),
    "letters, digits, `_` and `-`",
);

/// Returns the name in an ARN: `api:3` in `…:task-definition/api:3`. A name stays as it is.
fn name_of(arn_or_name: &str) -> &str {
    arn_or_name.rsplit('/').next().unwrap_or(arn_or_name)
}

/// Converts an ARN into a name: AWS accepts a name where it returns an ARN, so both compare by name.
fn by_name(value: Value) -> Value {
    match &value {
        Value::String(text) => name_of(text).into(),
        _ => value,
    }
}

/// Does the same as [`by_name`] for roles. A role with a path is not the one of its name without a path: tasks can no longer
/// assume that one.
fn by_role(value: Value) -> Value {
    match &value {
        Value::String(text) => {
            let (_, role) = text.split_once(":role/").unwrap_or(("", text));
            role.into()
        }
        _ => value,
    }
}

/// Checks a 200 answer, which may carry failures. A missing object is no error: the caller sees that it is not in the
/// answer.
fn check(operation: &str, failures: &[Failure]) -> AwsResult<()> {
    let Some(failure) = failures
        .iter()
        .find(|failure| failure.reason() != Some("MISSING"))
    else {
        return Ok(());
    };
    let mut error = ProviderError::new(
        ErrorKind::Transient,
        operation,
        format!(
            "{}: {}",
            failure.arn().unwrap_or_default(),
            failure
                .detail()
                .or_else(|| failure.reason())
                .unwrap_or_default()
        ),
    );
    failure
        .reason()
        .unwrap_or_default()
        .clone_into(&mut error.code);
    Err(error)
}

/// Returns the error of a request that the SDK refuses to build.
fn invalid(
    operation: &str,
) -> impl Fn(aws_smithy_types::error::operation::BuildError) -> ProviderError {
    move |error| ProviderError::new(ErrorKind::Invalid, operation, error.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::aws::error::kind;

    #[test]
    fn arns_and_names_compare_equal() {
        assert_eq!(
            by_name("arn:aws:ecs:eu-south-2:123456789012:cluster/shop".into()),
            by_name("shop".into())
        );
        assert_eq!(
            by_name("arn:aws:ecs:eu-south-2:123456789012:task-definition/api:3".into()),
            Value::from("api:3")
        );
        assert_eq!(by_name(Value::Null), Value::Null);
        let role = |text: &str| by_role(text.into());
        assert_eq!(role("arn:aws:iam::1:role/task"), role("task"));
        assert_ne!(
            role("arn:aws:iam::1:role/fde/task"),
            role("arn:aws:iam::1:role/task")
        );
        assert_eq!(by_role(Value::Null), Value::Null);
    }

    #[test]
    fn missing_is_no_error_and_everything_else_is() {
        let failure = |reason: &str| Failure::builder().arn("a").reason(reason).build();
        assert!(check("ecs:DescribeServices", &[failure("MISSING")]).is_ok());
        assert!(check("ecs:DescribeServices", &[failure("ACCESS_DENIED")]).is_err());
    }

    /// The objects that a service refers to may have been made a moment ago, and ECS asks other services for them.
    #[test]
    fn what_ecs_does_not_see_yet_is_waited_for_and_what_is_wrong_is_not() {
        let not_yet = [
            "Error retrieving subnet information for [subnet-1]: The subnet ID 'subnet-1' does not exist (ErrorCode: InvalidSubnetID.NotFound)",
            "Error retrieving security group information for [sg-1]: The security group 'sg-1' does not exist (ErrorCode: InvalidGroup.NotFound)",
            "ECS was unable to assume the configured ECS Infrastructure Role 'arn:aws:iam::1:role/volumes'. Please verify that the role being passed has the proper trust relationship with Amazon ECS.",
            "ECS was unable to assume the role 'arn:aws:iam::1:role/api' that was provided for this task.",
            "Unable to assume the service linked role. Please verify that the ECS service linked role exists.",
            "Unable to assume role and validate the listeners configured on your load balancer. Please verify the role being passed has the proper permissions.",
            "The specified target group does not exist. (targetGroupArn arn)",
        ];
        for message in not_yet {
            let kind = kind("InvalidParameterException", message, 400);
            assert_eq!(kind, ErrorKind::NotVisibleYet, "{message}");
        }
        let role = "Role is not valid";
        assert_eq!(kind("ClientException", role, 400), ErrorKind::NotVisibleYet);
        let service = "ECS service doesn't exist: service/shop/api";
        let found = kind("ValidationException", service, 400);
        assert_eq!(found, ErrorKind::NotVisibleYet);
        let wrong = "The container web does not exist in the task definition.";
        let found = kind("InvalidParameterException", wrong, 400);
        assert_eq!(found, ErrorKind::Invalid);
    }
}
