//! Objects that a service does not see yet, or not yet in their present state: a call names them, and they were made,
//! changed or freed a moment ago. Recognized by code and text, since the same codes stand for mistakes, too
//! (`aws-resources.md` §1.5).

use std::time::Duration;

use crate::resource::ProviderError;

/// Terraform's value for IAM propagation (`aws-resources.md` §1.5).
const USUALLY: Duration = Duration::from_secs(120);

/// The limit for WAF, which makes rules ready for use after it has answered and refuses each call until then. Terraform
/// gives creates and updates five minutes: hashicorp/terraform-provider-aws#12688, #29080, #32329.
const FIREWALL: Duration = Duration::from_secs(300);

/// Returns how long to retry a call that is refused because an object is not visible yet.
pub(in crate::aws) fn patience(error: &ProviderError) -> Duration {
    match error.code.as_str() {
        "WAFUnavailableEntityException" => FIREWALL,
        _ => USUALLY,
    }
}

/// Returns whether an answer is about an object that was made a moment ago and is not visible everywhere yet.
pub(super) fn is_not_visible_yet(code: &str, message: &str) -> bool {
    let says = |texts: &[&str]| texts.iter().any(|text| message.contains(text));
    match code {
        "MalformedPolicyDocument" | "MalformedPolicyDocumentException" | "MalformedPolicy" => {
            says(&["rincipal"])
        }
        "InvalidParameter" => says(&["PrincipalNotFound", "Unable to assume given IAM role"]),
        // EC2, about a flow log, in a list of failures that has HTTP statuses as codes: the role, the bucket or its policy
        // is too new. awsdocs/amazon-vpc-user-guide#28 has the text.
        "400" => {
            says(&[
                "Unable to assume given IAM role",
                "Access Denied for LogDestination",
            ]) || says(&["LogDestination: "]) && says(&["does not exist"])
        }
        "InvalidParameterException" => says(&[
            "Principal not found",
            // ECS, about a role of a service: its own (terraform-provider-aws#85), the one for its volumes (#38538), and the
            // service-linked one of an account's first cluster (containers-roadmap#2614).
            "nable to assume",
            // CloudWatch Logs, about a key made a moment ago: hashicorp/terraform#24194.
            "The specified KMS Key Id could not be found",
            // ECS, which asks EC2: moosefs-csi#1, serverless-fargate#20 have the texts.
            "Error retrieving subnet information",
            "Error retrieving security group information",
            // ECS, which asks ELB.
            "The specified target group does not exist",
            "verify that the ECS service role being passed has the proper permissions",
            "does not have an associated load balancer",
            "still Draining",
        ]),
        // CloudWatch Logs, about a key whose policy it does not see yet, or whose policy denies it access:
        // hashicorp/terraform-provider-aws#29282.
        "AccessDeniedException" => says(&["The specified KMS key does not exist"]),
        "ClientException" => says(&["Role is not valid", "unable to assume"]),
        "ValidationException" => says(&["Unable to assume IAM role", "ECS service doesn't exist"]),
        // ELBv2 knows subnets and security groups by what EC2 tells it, seconds later. Both codes mean exactly this:
        // <https://docs.aws.amazon.com/elasticloadbalancing/latest/APIReference/API_CreateLoadBalancer.html>, as in
        // aws/aws-cdk#3676.
        "SubnetNotFound"
        | "InvalidSecurityGroup"
        | "FailedResourceAccessException"
        | "WAFUnavailableEntityException"
        // "This can be caused by a previous PutLoggingConfiguration request, which can lock the service linked role for about
        // 20 seconds" (model of `wafv2`).
        | "WAFServiceLinkedRoleErrorException"
        // About a log group made a moment ago: hashicorp/terraform-provider-aws#36000. Permissions or space may be missing
        // as well, as the remedy says.
        | "WAFLogDestinationPermissionIssueException" => true,
        // RDS, about the topic, its policy and the source of a subscription, which were made a moment ago. A change of a
        // topic takes up to a minute to be in force everywhere:
        // <https://docs.aws.amazon.com/sns/latest/api/API_SetTopicAttributes.html>
        "SNSNoAuthorization" | "SNSTopicArnNotFound" | "SourceNotFound" => true,
        // RDS, Secrets Manager, SNS and ECR, about a key made a moment ago: all of KMS sees it within seconds. With another
        // text the key is not enabled, or its policy denies them access.
        "KMSKeyNotAccessibleFault" | "KMSKeyNotAccessible" | "KmsException" | "KMSNotFoundException"
        | "KMSNotFound" => says(&["does not exist", "is not found", "not found"]),
        // RDS, about an instance whose deletion protection was switched off a moment ago.
        "InvalidParameterCombination" => says(&["Cannot delete protected DB Instance"]),
        "InvalidParameterValue" => says(&[
            "IAM role ARN value is invalid or does not include the required permissions",
            // RDS, about subnets made a moment ago, in the words of public reports; its model has `InvalidSubnet` for it.
            "Some input subnets in",
            // RDS, whose own role was made a moment ago.
            "Verify that you have permission to create service linked role",
        ]),
        // ELBv2, about access logs: the policy of the bucket, or the bucket itself, is too new.
        // hashicorp/terraform-provider-aws#12010, cn-terraform/terraform-aws-ecs-alb#28.
        "InvalidConfigurationRequest" | "InvalidConfigurationRequestException" => says(&[
            "Access Denied for bucket",
            "S3Bucket validation transient issue",
        ]),
        // RDS, about subnets made a moment ago; ELBv2, about a gateway attached a moment ago: openshift/installer#1110,
        // hashicorp/terraform#1283. The same code means a subnet without free addresses.
        "InvalidSubnet" => says(&["are invalid", "has no internet gateway"]),
        // ELBv2, about the network of a target group.
        "ValidationError" => {
            says(&["VPC ID"]) && says(&["is not found", "was not found", "does not exist"])
        }
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::aws::error::kind;
    use crate::resource::ErrorKind;

    #[test]
    fn what_a_load_balancer_does_not_see_yet_is_told_from_a_mistake() {
        use ErrorKind::{Invalid, NotVisibleYet, Quota};
        for (code, message, expected) in [
            (
                "SubnetNotFound",
                "The subnet ID 'subnet-0a' does not exist",
                NotVisibleYet,
            ),
            // As recorded in aws/aws-cdk#3676.
            ("SubnetNotFound", "InvalidSubnetID.NotFound", NotVisibleYet),
            (
                "InvalidSecurityGroup",
                "The security group 'sg-0a' does not exist",
                NotVisibleYet,
            ),
            (
                "InvalidSubnet",
                "VPC vpc-0765c67bbc82a1b7d has no internet gateway",
                NotVisibleYet,
            ),
            (
                "InvalidSubnet",
                "Not enough IP space available in subnet-0a. ELB requires at least 8 free IP addresses in each subnet.",
                Quota,
            ),
            (
                "ValidationError",
                "The VPC ID 'vpc-0a' is not found",
                NotVisibleYet,
            ),
            (
                "ValidationError",
                "At least two subnets in two different Availability Zones must be specified",
                Invalid,
            ),
            (
                "InvalidConfigurationRequest",
                "S3Bucket validation transient issue",
                NotVisibleYet,
            ),
            (
                "InvalidConfigurationRequest",
                "Access Denied for bucket: logs. Please check S3bucket permission",
                NotVisibleYet,
            ),
            (
                "InvalidConfigurationRequest",
                "One or more security groups are invalid",
                Invalid,
            ),
        ] {
            assert_eq!(kind(code, message, 400), expected, "{code}: {message}");
        }
    }

    #[test]
    fn a_firewall_has_more_patience_than_a_role() {
        let refused = |code: &str| {
            let mut error = ProviderError::new(ErrorKind::NotVisibleYet, "t:Create", "");
            code.clone_into(&mut error.code);
            patience(&error)
        };
        assert_eq!(refused("WAFUnavailableEntityException").as_secs(), 300);
        assert_eq!(refused("MalformedPolicyDocument").as_secs(), 120);
    }
}
