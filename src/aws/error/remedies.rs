//! Remedies for refusals, as far as the error message tells.

use super::quotas;
use crate::resource::provider::Remedy;
use crate::resource::{ErrorKind, ProviderError};

/// Returns the remedy for a refusal that says more than which call was refused.
pub(super) fn of(error: &ProviderError) -> Option<Remedy> {
    if is_tag_policy(error) {
        return Some(Remedy::new(
            "give the tag a value that the organization's tag policy allows, with `tags` in the stack file, then run",
        ));
    }
    if is_storage_in_change(error) {
        return Some(Remedy::new(
            "RDS changes the storage of an instance once in six hours, and not while it optimizes it: when that is over, run",
        ));
    }
    // <https://github.com/hashicorp/terraform-provider-aws/issues/22107>
    if error.code.starts_with("DBUpgradeDependencyFailure") {
        let text = "RDS requires the replicas of a database to be upgraded before it: upgrade those that it names, \
                    then run";
        return Some(Remedy::new(text).command(
            "aws rds modify-db-instance --db-instance-identifier REPLICA --engine-version VERSION --apply-immediately",
        ));
    }
    // <https://docs.aws.amazon.com/waf/latest/developerguide/logging-cw-logs.html>,
    // <https://github.com/hashicorp/terraform-provider-aws/issues/25296>
    if error.code.starts_with("WAFLogDestinationPermissionIssue") {
        let text = "WAF writes a resource policy of CloudWatch Logs in the caller's name: allow logs:CreateLogDelivery, \
                    logs:PutResourcePolicy, logs:DescribeResourcePolicies and logs:DescribeLogGroups, and make room, for a \
                    region has ten such policies of 5120 characters each, and what names groups that are gone stays in them; \
                    then run";
        return Some(Remedy::new(text).command("aws logs describe-resource-policies"));
    }
    // <https://github.com/hashicorp/terraform-provider-aws/issues/26164>
    if error.code == "InvalidBucketAclWithObjectOwnership" {
        let text = "the bucket's access control list grants something to others, and `BucketOwnerEnforced` ends such lists: \
                    grant it in the bucket's policy, take the list back, then run";
        return Some(
            Remedy::new(text).command("aws s3api put-bucket-acl --bucket BUCKET --acl private"),
        );
    }
    // CloudWatch Logs says so, whatever the key lacks: hashicorp/terraform-provider-aws#29282.
    if error
        .message
        .contains("The specified KMS key does not exist")
    {
        let text = "CloudWatch Logs cannot use the key: it has to be there and enabled, and its policy has to let \
                    `logs.{region}.amazonaws.com` use it for this log group; then run";
        return Some(
            Remedy::new(text).command("aws kms get-key-policy --policy-name default --key-id KEY"),
        );
    }
    match error.kind {
        ErrorKind::Quota => quotas::remedy(error),
        ErrorKind::Denied => denied(error),
        _ => None,
    }
}

/// Returns the remedy for a missing permission, by the text of the refusal.
/// <https://docs.aws.amazon.com/IAM/latest/UserGuide/troubleshoot_access-denied.html>
fn denied(error: &ProviderError) -> Option<Remedy> {
    if matches!(
        error.code.as_str(),
        "OptInRequired" | "SubscriptionRequiredException"
    ) {
        return Some(Remedy::new(
            "the account has not signed up for this service, as happens where the registration is not finished (payment, \
             telephone): finish it at <https://portal.aws.amazon.com/billing/signup>, wait for AWS's mail, then run",
        ));
    }
    if error.operation == "s3:PutBucketPolicy" && may_be_blocked(&error.message) {
        return Some(Remedy::new(
            "a policy that lets everyone in is refused while the public access block of the bucket or of the account says so: \
             give the bucket an `aws:s3:BucketPublicAccessBlock` with `blockPublicPolicy: false`, name it in `dependsOn` of \
             the policy, or else allow s3:PutBucketPolicy; then run",
        ));
    }
    let encoded = error.message.contains("Encoded authorization failure");
    let Some((_, action)) = error.message.split_once("not authorized to perform: ") else {
        if error.operation == "ec2:CreateFlowLogs" {
            return Some(refused_flow_log());
        }
        return encoded.then(|| encoded_refusal(&error.operation));
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
    let decides = DECIDING
        .iter()
        .find(|deciding| error.message.contains(deciding.words));
    if let Some(deciding) = decides {
        return Some(Remedy::new(deciding.advice(
            &error.message,
            &action,
            reason,
        )));
    }
    (action != error.operation).then(|| Remedy::new(format!("allow {action}{reason}, then run")))
}

/// Returns whether a public access block may be the cause. S3 names the block in newer answers, and gives no reason at all
/// in others: hashicorp/terraform-provider-aws#31363, pulumi/pulumi-aws#2927.
fn may_be_blocked(message: &str) -> bool {
    message.contains("BlockPublicPolicy") || !message.contains("not authorized to perform: ")
}

/// Returns the remedy for a refused flow log. EC2 gives the same error whichever of these is missing:
/// RiotGames/cloud-inquisitor#150, hashicorp/terraform-provider-aws#11970.
fn refused_flow_log() -> Remedy {
    Remedy::new(
        "allow ec2:CreateFlowLogs, ec2:CreateTags, iam:PassRole for the role of the flow log and, where it goes to a bucket, \
         logs:CreateLogDelivery; then run",
    )
}

/// Returns the remedy for an encoded refusal: EC2 tells what was denied only to callers who may decode it.
fn encoded_refusal(operation: &str) -> Remedy {
    let name = operation.strip_prefix("ec2:").unwrap_or_default();
    let may_be_tags = ["Create", "Allocate", "Authorize"]
        .iter()
        .any(|verb| name.starts_with(verb));
    let tags = if may_be_tags {
        " and, for the tags that it sends, ec2:CreateTags"
    } else {
        ""
    };
    Remedy::new(format!(
        "allow {operation}{tags}; `aws sts decode-authorization-message --encoded-message …` tells what was denied, to a role \
         that has sts:DecodeAuthorizationMessage; then run"
    ))
}

/// A kind of policy that decides besides those of the caller's identity: allowing more in the latter does not help.
struct Deciding {
    words: &'static str,
    /// The kind of policy, and its owner.
    policy: &'static str,
    /// The possible requirement of the policy, or a way around it.
    hint: &'static str,
}

const DECIDING: &[Deciding] = &[
    Deciding {
        words: "service control policy",
        policy: "a service control policy of the organization",
        hint: "it may want tags, which `tags` in the stack file gives, or allow some regions only",
    },
    Deciding {
        words: "resource control policy",
        policy: "a resource control policy of the organization",
        hint: "it binds every caller",
    },
    Deciding {
        words: "permissions boundary",
        policy: "the permissions boundary of the caller",
        hint: "a policy of the role alone does not help; where it wants that roles have a boundary, an `aws:iam:Role` takes \
               `permissionsBoundary`",
    },
    Deciding {
        words: "session policy",
        policy: "the policy of the session",
        hint: "it was given when the role was assumed, perhaps by the CI system",
    },
    Deciding {
        words: "VPC endpoint policy",
        policy: "the policy of the VPC endpoint that the call goes through",
        hint: "another network has other endpoints",
    },
    Deciding {
        words: "resource-based policy",
        policy: "the policy of what is called",
        hint: "the owner of that resource can change it",
    },
    Deciding {
        words: "explicit deny in an identity-based policy",
        policy: "a policy of the caller",
        hint: "a denial wins over every permission",
    },
    // Before 2021, and with some services still, that is the whole message: duo-labs/cloudmapper#592.
    Deciding {
        words: "with an explicit deny",
        policy: "a policy",
        hint: "a denial wins over every permission; it may be the organization's, or want roles to have a permissions boundary",
    },
];

impl Deciding {
    fn advice(&self, message: &str, action: &str, reason: &str) -> String {
        let Self { policy, hint, .. } = self;
        // "because no … allows the … action", or "with an explicit deny in a …".
        let does = if message.contains("explicit deny") {
            "denies"
        } else {
            "does not allow"
        };
        format!("{policy} {does} {action}; {hint}; once it allows {action}{reason}, run")
    }
}

/// Returns whether the organization's tag policy refuses a tag: EC2 has a code for it, other services say it in the message.
/// <https://docs.aws.amazon.com/organizations/latest/userguide/orgs_manage_policies_tag-policies-enforcement.html>
fn is_tag_policy(error: &ProviderError) -> bool {
    error.code.starts_with("TagPolicy")
        || (400..500).contains(&error.status.unwrap_or_default())
            && error
                .message
                .to_lowercase()
                .contains("the tag policy does not allow")
}

/// Returns whether the storage of a database was changed a short time ago.
/// <https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/USER_ModifyInstance.Settings.html>,
/// <https://github.com/hashicorp/terraform-provider-aws/issues/12493>
fn is_storage_in_change(error: &ProviderError) -> bool {
    error.operation.starts_with("rds:")
        && error
            .message
            .contains("previous storage change is being optimized")
}

#[cfg(test)]
mod tests {
    use aws_sdk_sns::operation::create_topic::CreateTopicError;
    use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
    use aws_smithy_runtime_api::client::result::SdkError;
    use aws_smithy_types::body::SdkBody;
    use aws_smithy_types::error::ErrorMetadata;

    use crate::aws::error::from_sdk;

    fn remedy_of(operation: &str, code: &str, message: &str) -> Option<String> {
        let metadata = ErrorMetadata::builder().code(code).message(message);
        let error = CreateTopicError::generic(metadata.build());
        let answer = HttpResponse::new(403.try_into().unwrap(), SdkBody::empty());
        let error = from_sdk(operation, &SdkError::service_error(error, answer));
        error.remedy.map(|remedy| remedy.text)
    }

    #[test]
    fn a_refusal_says_what_to_allow_or_to_wait_for() {
        let user = "User: arn:aws:sts::1:assumed-role/ci/run is not authorized to perform: ";
        let of_identity = "because no identity-based policy allows it";
        for (operation, code, message, expected) in [
            (
                "rds:ModifyDBInstance",
                "DBUpgradeDependencyFailure",
                "One or more of the DB Instance's read replicas need to be upgraded: shop-replica1".to_owned(),
                Some(
                    "RDS requires the replicas of a database to be upgraded before it: upgrade those that it names, \
                     then run",
                ),
            ),
            (
                "rds:ModifyDBInstance",
                "InvalidParameterCombination",
                "You can't currently modify the storage of this DB instance because the previous storage change is being optimized."
                    .to_owned(),
                Some(
                    "RDS changes the storage of an instance once in six hours, and not while it optimizes it: when that is over, \
                     run",
                ),
            ),
            (
                "wafv2:PutLoggingConfiguration",
                "WAFLogDestinationPermissionIssueException",
                "Unable to deliver logs to the configured destination.".to_owned(),
                Some(
                    "WAF writes a resource policy of CloudWatch Logs in the caller's name: allow logs:CreateLogDelivery, \
                     logs:PutResourcePolicy, logs:DescribeResourcePolicies and logs:DescribeLogGroups, and make room, for a \
                     region has ten such policies of 5120 characters each, and what names groups that are gone stays in them; \
                     then run",
                ),
            ),
            (
                "s3:PutBucketOwnershipControls",
                "InvalidBucketAclWithObjectOwnership",
                "Bucket cannot have ACLs set with ObjectOwnership's BucketOwnerEnforced setting".to_owned(),
                Some(
                    "the bucket's access control list grants something to others, and `BucketOwnerEnforced` ends such lists: \
                     grant it in the bucket's policy, take the list back, then run",
                ),
            ),
            (
                "s3:PutBucketPolicy",
                "AccessDenied",
                "Access Denied".to_owned(),
                Some(
                    "a policy that lets everyone in is refused while the public access block of the bucket or of the account \
                     says so: give the bucket an `aws:s3:BucketPublicAccessBlock` with `blockPublicPolicy: false`, name it in \
                     `dependsOn` of the policy, or else allow s3:PutBucketPolicy; then run",
                ),
            ),
            (
                "s3:PutBucketPolicy",
                "AccessDenied",
                format!("{user}s3:PutBucketPolicy on resource: arn:aws:s3:::b {of_identity}"),
                None,
            ),
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
            // An action with the name of the call itself needs no further word.
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
                    "allow ec2:CreateVpc and, for the tags that it sends, ec2:CreateTags; `aws sts decode-authorization-message \
                     --encoded-message …` tells what was denied, to a role that has sts:DecodeAuthorizationMessage; then run",
                ),
            ),
            (
                "ec2:CreateVpc",
                "UnauthorizedOperation",
                format!("{user}ec2:CreateVpc on resource: x with an explicit deny in a service control policy"),
                Some(
                    "a service control policy of the organization denies ec2:CreateVpc; it may want tags, which `tags` in \
                     the stack file gives, or allow some regions only; once it allows ec2:CreateVpc, run",
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
            let remedy = remedy_of(operation, code, &message);
            assert_eq!(remedy.as_deref(), expected, "{message}");
        }
    }

    /// <https://docs.aws.amazon.com/IAM/latest/UserGuide/troubleshoot_access-denied.html> has these forms.
    #[test]
    fn a_refusal_names_the_kind_of_policy_that_decides() {
        let user = "User: arn:aws:sts::1:assumed-role/ci/run is not authorized to perform: ";
        for (says, expected) in [
            (
                "because no service control policy allows the ecs:CreateCluster action",
                "a service control policy of the organization does not allow ecs:CreateCluster",
            ),
            (
                "with an explicit deny in a resource control policy",
                "a resource control policy of the organization denies ecs:CreateCluster",
            ),
            (
                "because no permissions boundary allows the ecs:CreateCluster action",
                "the permissions boundary of the caller does not allow ecs:CreateCluster",
            ),
            (
                "with an explicit deny in a permissions boundary: arn:aws:iam::1:policy/b",
                "the permissions boundary of the caller denies ecs:CreateCluster",
            ),
            (
                "because no session policy allows the ecs:CreateCluster action",
                "the policy of the session does not allow ecs:CreateCluster",
            ),
            (
                "with an explicit deny in a VPC endpoint policy",
                "the policy of the VPC endpoint that the call goes through denies ecs:CreateCluster",
            ),
            (
                "because no resource-based policy allows the ecs:CreateCluster action",
                "the policy of what is called does not allow ecs:CreateCluster",
            ),
            (
                "with an explicit deny in an identity-based policy",
                "a policy of the caller denies ecs:CreateCluster",
            ),
            ("with an explicit deny", "a policy denies ecs:CreateCluster"),
        ] {
            let message = format!("{user}ecs:CreateCluster on resource: * {says}");
            let remedy = remedy_of("ecs:CreateCluster", "AccessDeniedException", &message);
            let remedy = remedy.unwrap_or_else(|| panic!("{says}"));
            assert!(remedy.starts_with(expected), "{remedy}");
            let end = "once it allows ecs:CreateCluster, run";
            assert!(remedy.ends_with(end), "{remedy}");
        }
        // Where no policy of the caller allows it, the name of the action is enough.
        let none = format!(
            "{user}ecs:CreateCluster on resource: * because no identity-based policy allows the ecs:CreateCluster action"
        );
        assert_eq!(
            remedy_of("ecs:CreateCluster", "AccessDeniedException", &none),
            None
        );
    }

    #[test]
    fn what_ec2_encodes_is_decoded_for_deletions_as_well() {
        let message = "You are not authorized to perform this operation. Encoded authorization failure message: x";
        let remedy = remedy_of("ec2:DeleteVpc", "UnauthorizedOperation", message);
        let remedy = remedy.expect("a remedy");
        assert!(remedy.starts_with("allow ec2:DeleteVpc; "), "{remedy}");
        assert!(remedy.contains("decode-authorization-message"), "{remedy}");
    }

    #[test]
    fn a_flow_log_wants_more_than_its_own_right_and_ec2_does_not_say_which() {
        let message = "You are not authorized to perform this operation.";
        let remedy = remedy_of("ec2:CreateFlowLogs", "UnauthorizedOperation", message);
        let remedy = remedy.expect("a remedy");
        for action in ["iam:PassRole", "logs:CreateLogDelivery", "ec2:CreateTags"] {
            assert!(remedy.contains(action), "{remedy}");
        }
        let message = "You are not authorized to perform this operation. User: x is not authorized to perform: \
                       iam:PassRole because no identity-based policy allows the iam:PassRole action";
        let remedy = remedy_of("ec2:CreateFlowLogs", "UnauthorizedOperation", message);
        assert_eq!(remedy.as_deref(), Some("allow iam:PassRole, then run"));
    }

    #[test]
    fn an_account_that_is_not_signed_up_is_told_so() {
        for code in ["OptInRequired", "SubscriptionRequiredException"] {
            let message = "The AWS Access Key Id needs a subscription for the service";
            let remedy = remedy_of("ecs:ListServices", code, message).expect(code);
            assert!(remedy.contains("has not signed up"), "{remedy}");
        }
    }
}
