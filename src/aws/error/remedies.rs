//! What cures a refusal, as far as its words tell.

use crate::resource::provider::Remedy;
use crate::resource::{ErrorKind, ProviderError};

/// What cures a refusal that says more than which call was refused.
pub(super) fn of(error: &ProviderError) -> Option<Remedy> {
    if is_tag_policy(error) {
        return Some(Remedy::new(
            "give the tag a value that the organization's tag policy allows, with `tags` in the stack file, then run",
        ));
    }
    if error.kind != ErrorKind::Denied {
        return None;
    }
    // <https://docs.aws.amazon.com/IAM/latest/UserGuide/troubleshoot_access-denied.html>
    let Some((_, action)) = error.message.split_once("not authorized to perform: ") else {
        let makes = ["ec2:Create", "ec2:Allocate", "ec2:Authorize"];
        let may_be_tags = error
            .message
            .contains("Encoded authorization failure message")
            && makes.iter().any(|verb| error.operation.starts_with(verb));
        return may_be_tags.then(|| {
            Remedy::new(format!(
                "allow {} and, for the tags that it sends, ec2:CreateTags; `aws sts decode-authorization-message` tells what \
                 was denied; then run",
                error.operation
            ))
        });
    };
    let action: String = action
        .chars()
        .take_while(|character| character.is_ascii_alphanumeric() || "-:*".contains(*character))
        .collect();
    let is_tagging = [":CreateTags", ":Tag", ":AddTags"]
        .iter()
        .any(|verb| action.contains(verb));
    let reason = if is_tagging {
        ", since whatever a stack makes is known by its tags"
    } else {
        ""
    };
    if error.message.contains("service control policy") {
        return Some(Remedy::new(format!(
            "a service control policy of the organization denies {action}; it may want tags, which `tags` in the stack file \
             gives; once it allows {action}{reason}, run"
        )));
    }
    (action != error.operation).then(|| Remedy::new(format!("allow {action}{reason}, then run")))
}

/// Whether the organization's tag policy refuses a tag: EC2 has a code for it, other services say it in words.
/// <https://docs.aws.amazon.com/organizations/latest/userguide/orgs_manage_policies_tag-policies-enforcement.html>
fn is_tag_policy(error: &ProviderError) -> bool {
    error.code.starts_with("TagPolicy")
        || (400..500).contains(&error.status.unwrap_or_default())
            && error
                .message
                .to_lowercase()
                .contains("the tag policy does not allow")
}

#[cfg(test)]
mod tests {
    use aws_sdk_sns::operation::create_topic::CreateTopicError;
    use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
    use aws_smithy_runtime_api::client::result::SdkError;
    use aws_smithy_types::body::SdkBody;
    use aws_smithy_types::error::ErrorMetadata;

    use crate::aws::error::from_sdk;

    #[test]
    fn a_refusal_of_tags_says_what_to_allow() {
        let denied = |operation: &str, code: &str, message: &str| {
            let metadata = ErrorMetadata::builder().code(code).message(message);
            let error = CreateTopicError::generic(metadata.build());
            let answer = HttpResponse::new(403.try_into().unwrap(), SdkBody::empty());
            let error = from_sdk(operation, &SdkError::service_error(error, answer));
            error.remedy.map(|remedy| remedy.text)
        };
        let user = "User: arn:aws:sts::1:assumed-role/ci/run is not authorized to perform: ";
        let of_identity = "because no identity-based policy allows it";
        for (operation, code, message, expected) in [
            (
                "iam:CreateRole",
                "AccessDenied",
                format!("{user}iam:TagRole on resource: arn:aws:iam::1:role/x {of_identity}"),
                Some("allow iam:TagRole, since whatever a stack makes is known by its tags, then run"),
            ),
            (
                "elasticloadbalancing:CreateListener",
                "AccessDenied",
                format!("{user}elasticloadbalancing:AddTags on resource: x {of_identity}"),
                Some(
                    "allow elasticloadbalancing:AddTags, since whatever a stack makes is known by its tags, then run",
                ),
            ),
            (
                "ecs:CreateService",
                "AccessDeniedException",
                format!("{user}iam:PassRole on resource: arn:aws:iam::1:role/x {of_identity}"),
                Some("allow iam:PassRole, then run"),
            ),
            // What the call itself is called needs no further word.
            (
                "iam:CreateRole",
                "AccessDenied",
                format!("{user}iam:CreateRole on resource: arn:aws:iam::1:role/x {of_identity}"),
                None,
            ),
            (
                "ec2:CreateVpc",
                "UnauthorizedOperation",
                "You are not authorized to perform this operation. Encoded authorization failure message: x"
                    .to_owned(),
                Some(
                    "allow ec2:CreateVpc and, for the tags that it sends, ec2:CreateTags; `aws sts \
                     decode-authorization-message` tells what was denied; then run",
                ),
            ),
            (
                "ec2:CreateVpc",
                "UnauthorizedOperation",
                format!("{user}ec2:CreateVpc on resource: x with an explicit deny in a service control policy"),
                Some(
                    "a service control policy of the organization denies ec2:CreateVpc; it may want tags, which `tags` in \
                     the stack file gives; once it allows ec2:CreateVpc, run",
                ),
            ),
            (
                "ec2:CreateVpc",
                "TagPolicyViolation",
                "The tag policy does not allow the specified value for the following tag key: 'Project'."
                    .to_owned(),
                Some(
                    "give the tag a value that the organization's tag policy allows, with `tags` in the stack file, then run",
                ),
            ),
        ] {
            let remedy = denied(operation, code, &message);
            assert_eq!(remedy.as_deref(), expected, "{message}");
        }
    }
}
