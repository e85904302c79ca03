//! R9, for the answers that AWS gives and the local account never does: things that are not visible yet, that are in use, or
//! that others change; services that are busy or out of order; and refusals that no retry cures.
//!
//! Each row is an answer of AWS, in its words, with the place where they were seen. All answers that a run has to get
//! through are given in one run of each job; each refusal has a run of its own, which has to end at once and to pass on what
//! AWS said. In a campaign each answer has a run of its own, too.

use std::fmt;
use std::time::Duration;

use crate::account::Before;
use crate::fault::Fault;
use crate::job::{DESTROY, DESTROY_EVERY_TYPE, EDIT, EVERY_TYPE, Job, MOVE, UP};
use crate::proxy::Refusal;
use crate::world::{World, campaign, each, gets_through, judge};

/// The number of times that an answer is given in one run.
#[derive(Debug, Clone, Copy)]
pub enum Often {
    Times(usize),
    /// From the first call on that meets it.
    For(Duration),
    Always,
}

impl Often {
    /// Returns whether there is an answer left, given this number of answers and this time since the first.
    pub fn is_due(self, given: usize, since: Duration) -> bool {
        match self {
            Self::Times(times) => given < times,
            Self::For(time) => since < time,
            Self::Always => true,
        }
    }
}

/// An answer that AWS gives instead of doing what it is asked.
pub struct Row {
    /// `ec2:CreateSubnet`; of S3 the method, and a part of the address: `s3:PUT ?policy`.
    call: &'static str,
    status: u16,
    code: &'static str,
    message: &'static str,
    pub often: Often,
    /// The place where it was seen, or where AWS documents it.
    #[allow(dead_code, reason = "for readers")]
    source: &'static str,
}

impl fmt::Debug for Row {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{} {}", self.call, self.code)
    }
}

impl Row {
    /// Returns whether it is an answer to this call: `s3:PUT /bucket/?policy`.
    pub fn meets(&self, call: &str) -> bool {
        match (self.call.strip_prefix("s3:"), call.strip_prefix("s3:")) {
            (Some(row), Some(call)) => {
                let (method, part) = row.split_once(' ').expect("a method and a part");
                let is_method = call.split(' ').next() == Some(method);
                // A bucket by itself has nothing after it but what names the operation.
                let of_bucket = !call.contains('?') || call.contains("?x-id=");
                is_method
                    && if part == "/" {
                        of_bucket
                    } else {
                        call.contains(part)
                    }
            }
            _ => self.call == call,
        }
    }

    pub fn refusal(&self) -> Refusal {
        let Self {
            status,
            code,
            message,
            ..
        } = *self;
        Refusal {
            status,
            code,
            message,
        }
    }
}

const fn once(
    call: &'static str,
    status: u16,
    code: &'static str,
    message: &'static str,
    source: &'static str,
) -> Row {
    Row {
        call,
        status,
        code,
        message,
        often: Often::Times(1),
        source,
    }
}

const fn twice(
    call: &'static str,
    status: u16,
    code: &'static str,
    message: &'static str,
    source: &'static str,
) -> Row {
    let mut row = once(call, status, code, message, source);
    row.often = Often::Times(2);
    row
}

const fn lasting(
    seconds: u64,
    call: &'static str,
    status: u16,
    code: &'static str,
    message: &'static str,
    source: &'static str,
) -> Row {
    let mut row = once(call, status, code, message, source);
    row.often = Often::For(Duration::from_secs(seconds));
    row
}

const fn always(
    call: &'static str,
    status: u16,
    code: &'static str,
    message: &'static str,
    source: &'static str,
) -> Row {
    let mut row = once(call, status, code, message, source);
    row.often = Often::Always;
    row
}

const EC2_CODES: &str =
    "https://docs.aws.amazon.com/AWSEC2/latest/APIReference/errors-overview.html";
const EC2_EVENTUAL: &str = "https://docs.aws.amazon.com/ec2/latest/devguide/eventual-consistency.html, and the codes of errors-overview.html";
const MODEL: &str = "the service's model: the error's code, status and description";

/// Answers about things that were made a moment ago and are not visible everywhere yet.
static NOT_VISIBLE: &[Row] = &[
    twice(
        "ec2:CreateSubnet",
        400,
        "InvalidVpcID.NotFound",
        "The vpc ID 'vpc-0765c67bbc82a1b7d' does not exist",
        EC2_EVENTUAL,
    ),
    once(
        "ec2:ModifyVpcAttribute",
        400,
        "InvalidVpcID.NotFound",
        "The vpc ID 'vpc-0765c67bbc82a1b7d' does not exist",
        EC2_EVENTUAL,
    ),
    once(
        "ec2:CreateRouteTable",
        400,
        "InvalidVpcID.NotFound",
        "The vpc ID 'vpc-0765c67bbc82a1b7d' does not exist",
        EC2_EVENTUAL,
    ),
    once(
        "ec2:CreateSecurityGroup",
        400,
        "InvalidVpcID.NotFound",
        "The vpc ID 'vpc-0765c67bbc82a1b7d' does not exist",
        "terraform-aws-modules/terraform-aws-alb#294",
    ),
    once(
        "ec2:AttachInternetGateway",
        400,
        "InvalidInternetGatewayID.NotFound",
        "The internetGateway ID 'igw-0765c67bbc82a1b7d' does not exist",
        EC2_EVENTUAL,
    ),
    once(
        "ec2:ModifySubnetAttribute",
        400,
        "InvalidSubnetID.NotFound",
        "The subnet ID 'subnet-632d513b' does not exist",
        "hashicorp/terraform#6813",
    ),
    once(
        "ec2:AssociateRouteTable",
        400,
        "InvalidSubnetID.NotFound",
        "The subnet ID 'subnet-632d513b' does not exist",
        "hashicorp/terraform#6813",
    ),
    once(
        "ec2:AssociateRouteTable",
        400,
        "InvalidRouteTableID.NotFound",
        "The routeTable ID 'rtb-f1296696' does not exist",
        "hashicorp/terraform#6813",
    ),
    once(
        "ec2:CreateRoute",
        400,
        "InvalidRouteTableID.NotFound",
        "The routeTable ID 'rtb-f1296696' does not exist",
        "hashicorp/terraform#6813",
    ),
    once(
        "ec2:CreateRoute",
        400,
        "InvalidGatewayID.NotFound",
        "The gateway ID 'igw-0765c67bbc82a1b7d' does not exist",
        EC2_EVENTUAL,
    ),
    once(
        "ec2:AuthorizeSecurityGroupIngress",
        400,
        "InvalidGroup.NotFound",
        "The security group 'sg-0765c67bbc82a1b7d' does not exist",
        EC2_EVENTUAL,
    ),
    once(
        "ec2:AuthorizeSecurityGroupEgress",
        400,
        "InvalidGroup.NotFound",
        "The security group 'sg-0765c67bbc82a1b7d' does not exist",
        EC2_EVENTUAL,
    ),
    once(
        "ec2:CreateNatGateway",
        400,
        "InvalidSubnetID.NotFound",
        "The subnet ID 'subnet-632d513b' does not exist",
        EC2_EVENTUAL,
    ),
    once(
        "ec2:CreateNatGateway",
        400,
        "InvalidAllocationID.NotFound",
        "The allocation ID 'eipalloc-0765c67bbc82a1b7d' does not exist",
        EC2_EVENTUAL,
    ),
    twice(
        "ec2:CreateFlowLogs",
        400,
        "InvalidParameter",
        "Unable to assume given IAM role: 'arn:aws:iam::123456789012:role/happyrobot-fde-dev-network-flowLogRole'",
        "hashicorp/terraform-provider-aws#29323",
    ),
    once(
        "ec2:CreateFlowLogs",
        400,
        "InvalidVpcID.NotFound",
        "The vpc ID 'vpc-0765c67bbc82a1b7d' does not exist",
        EC2_EVENTUAL,
    ),
    // Another service than EC2, with objects of EC2.
    once(
        "elasticloadbalancing:CreateLoadBalancer",
        400,
        "SubnetNotFound",
        "The subnet ID 'subnet-02bf5bfb982ebbcee' does not exist",
        "kubernetes-sigs/aws-load-balancer-controller#1047",
    ),
    once(
        "elasticloadbalancing:CreateLoadBalancer",
        400,
        "InvalidSubnetID.NotFound",
        "The subnet ID 'subnet-02bf5bfb982ebbcee' does not exist",
        "aws/aws-cdk#3676",
    ),
    once(
        "elasticloadbalancing:CreateLoadBalancer",
        400,
        "InvalidSubnet",
        "VPC vpc-0765c67bbc82a1b7d has no internet gateway",
        "openshift/installer#1110",
    ),
    once(
        "elasticloadbalancing:CreateLoadBalancer",
        400,
        "InvalidSecurityGroup",
        "The specified security group does not exist.",
        "https://docs.aws.amazon.com/elasticloadbalancing/latest/APIReference/API_CreateLoadBalancer.html",
    ),
    once(
        "elasticloadbalancing:CreateTargetGroup",
        400,
        "ValidationError",
        "The VPC ID 'vpc-0765c67bbc82a1b7d' is not found",
        "terraform-aws-modules/terraform-aws-alb#294, ansible/ansible#31919",
    ),
    lasting(
        4,
        "elasticloadbalancing:ModifyTargetGroupAttributes",
        400,
        "TargetGroupNotFound",
        "One or more target groups not found",
        "hashicorp/terraform-provider-aws#19920",
    ),
    once(
        "elasticloadbalancing:ModifyLoadBalancerAttributes",
        400,
        "LoadBalancerNotFound",
        "One or more load balancers not found",
        "hashicorp/terraform-provider-aws#15214",
    ),
    once(
        "elasticloadbalancing:ModifyLoadBalancerAttributes",
        400,
        "InvalidConfigurationRequest",
        "Access Denied for bucket: happyrobot-fde-alb-access-logs-dev. Please check S3bucket permission",
        "kubernetes-sigs/aws-load-balancer-controller#1956",
    ),
    once(
        "elasticloadbalancing:ModifyLoadBalancerAttributes",
        400,
        "InvalidConfigurationRequest",
        "S3Bucket validation transient issue",
        "cn-terraform/terraform-aws-ecs-alb#28",
    ),
    once(
        "elasticloadbalancing:CreateListener",
        400,
        "TargetGroupNotFound",
        "One or more target groups not found",
        "hashicorp/terraform-provider-aws#19920",
    ),
    once(
        "elasticloadbalancing:CreateListener",
        400,
        "LoadBalancerNotFound",
        "One or more load balancers not found",
        "hashicorp/terraform-provider-aws#15214",
    ),
    once(
        "elasticloadbalancing:CreateRule",
        400,
        "ListenerNotFound",
        "One or more listeners not found",
        MODEL,
    ),
    twice(
        "rds:CreateDBSubnetGroup",
        400,
        "InvalidParameterValue",
        "Some input subnets in :[subnet-089180afcefd3b923] are invalid.",
        "public logs of CreateDBSubnetGroup; subnets that RDS does not see yet",
    ),
    once(
        "rds:CreateDBInstance",
        400,
        "InvalidParameterValue",
        "IAM role ARN value is invalid or does not include the required permissions for: ENHANCED_MONITORING",
        "pulumi/pulumi#5628, terraform-aws-modules/terraform-aws-rds#393",
    ),
    twice(
        "rds:CreateEventSubscription",
        400,
        "SNSNoAuthorization",
        "You do not have permission to publish to the SNS topic ARN.",
        "the service's model; a change of a topic takes up to a minute: https://docs.aws.amazon.com/sns/latest/api/API_SetTopicAttributes.html",
    ),
    once(
        "rds:CreateEventSubscription",
        404,
        "SNSTopicArnNotFound",
        "The SNS topic ARN does not exist.",
        "the service's model, and aws-cloudformation/aws-cloudformation-resource-providers-rds#165",
    ),
    once(
        "rds:CreateEventSubscription",
        404,
        "SourceNotFound",
        "Could not find source :db-YK56SLLLPFEVYEW2XADSJ7RBZQ",
        "cloudposse/terraform-aws-rds-cloudwatch-sns-alarms#56",
    ),
    once(
        "ecs:CreateCluster",
        400,
        "InvalidParameterException",
        "Unable to assume the service linked role. Please verify that the ECS service linked role exists.",
        "awslabs/fargatecli#35",
    ),
    once(
        "ecs:RegisterTaskDefinition",
        400,
        "ClientException",
        "Role is not valid",
        "https://docs.aws.amazon.com/AmazonECS/latest/developerguide/api_failures_messages.html",
    ),
    once(
        "ecs:CreateService",
        400,
        "ClusterNotFoundException",
        "Cluster not found.",
        MODEL,
    ),
    once(
        "ecs:CreateService",
        400,
        "InvalidParameterException",
        "Error retrieving subnet information for [subnet-058326610d44d9229]: The subnet ID 'subnet-058326610d44d9229' does not exist (ErrorCode: InvalidSubnetID.NotFound)",
        "public logs of CreateService, through CloudFormation too",
    ),
    once(
        "ecs:CreateService",
        400,
        "InvalidParameterException",
        "Error retrieving security group information for [sg-058326610d44d9229]: The security group 'sg-058326610d44d9229' does not exist (ErrorCode: InvalidGroup.NotFound)",
        "as for subnets",
    ),
    once(
        "ecs:CreateService",
        400,
        "InvalidParameterException",
        "Unable to assume role and validate the specified targetGroupArn. Please verify that the ECS service role being passed has the proper permissions.",
        "trussworks/terraform-aws-ecs-service#335",
    ),
    once(
        "ecs:CreateService",
        400,
        "InvalidParameterException",
        "The target group with targetGroupArn arn:aws:elasticloadbalancing:eu-south-2:123456789012:targetgroup/a/0765c67bbc82a1b7 does not have an associated load balancer.",
        "hashicorp/terraform-provider-aws internal/service/ecs/service.go",
    ),
    once(
        "application-autoscaling:RegisterScalableTarget",
        400,
        "ValidationException",
        "ECS service doesn't exist: service/a/b",
        "hashicorp/terraform-provider-aws internal/service/appautoscaling/target.go",
    ),
    once(
        "application-autoscaling:PutScalingPolicy",
        400,
        "ObjectNotFoundException",
        "No scalable target registered for service namespace: ecs, resource ID: service/a/b, scalable dimension: ecs:service:DesiredCount",
        "hashicorp/terraform-provider-aws internal/service/appautoscaling/policy.go",
    ),
    once(
        "iam:CreateRole",
        400,
        "MalformedPolicyDocument",
        "Invalid principal in policy",
        "hashicorp/terraform-provider-aws internal/service/iam/role.go",
    ),
    once(
        "iam:PutRolePolicy",
        404,
        "NoSuchEntity",
        "The role with name happyrobot-fde-dev cannot be found.",
        "https://docs.aws.amazon.com/IAM/latest/UserGuide/troubleshoot.html#troubleshoot_general_eventual-consistency",
    ),
    once(
        "iam:AttachRolePolicy",
        404,
        "NoSuchEntity",
        "The role with name happyrobot-fde-dev cannot be found.",
        "https://docs.aws.amazon.com/IAM/latest/UserGuide/troubleshoot.html#troubleshoot_general_eventual-consistency",
    ),
    once(
        "secretsmanager:CreateSecret",
        400,
        "InvalidRequestException",
        "You can't create this secret because it was deleted.",
        "hashicorp/terraform-provider-aws internal/service/secretsmanager/secret.go",
    ),
    once(
        "secretsmanager:PutSecretValue",
        400,
        "ResourceNotFoundException",
        "Secrets Manager can't find the specified secret.",
        MODEL,
    ),
    once(
        "logs:PutRetentionPolicy",
        400,
        "ResourceNotFoundException",
        "The specified log group does not exist.",
        MODEL,
    ),
    once(
        "ecr:PutLifecyclePolicy",
        400,
        "RepositoryNotFoundException",
        "The repository with name 'happyrobot-api' does not exist in the registry with id '123456789012'",
        MODEL,
    ),
    once(
        "sns:SetTopicAttributes",
        404,
        "NotFound",
        "Topic does not exist",
        MODEL,
    ),
    once(
        "sns:Subscribe",
        404,
        "NotFound",
        "Topic does not exist",
        MODEL,
    ),
    once(
        "s3:PUT ?policy",
        404,
        "NoSuchBucket",
        "The specified bucket does not exist",
        "hashicorp/terraform-provider-aws internal/service/s3/bucket_policy.go",
    ),
    once(
        "s3:PUT ?publicAccessBlock",
        404,
        "NoSuchBucket",
        "The specified bucket does not exist",
        "hashicorp/terraform-provider-aws internal/service/s3/bucket_public_access_block.go",
    ),
    once(
        "wafv2:CreateWebACL",
        400,
        "WAFUnavailableEntityException",
        "AWS WAF couldn’t retrieve the resource that you requested. Retry your request.",
        "hashicorp/terraform-provider-aws internal/service/wafv2/web_acl.go",
    ),
    twice(
        "wafv2:AssociateWebACL",
        400,
        "WAFUnavailableEntityException",
        "AWS WAF couldn’t retrieve the resource that you requested. Retry your request.",
        "hashicorp/terraform-provider-aws#17527",
    ),
    once(
        "wafv2:PutLoggingConfiguration",
        400,
        "WAFServiceLinkedRoleErrorException",
        "AWS WAF is not able to access the service linked role.",
        MODEL,
    ),
    twice(
        "wafv2:PutLoggingConfiguration",
        400,
        "WAFLogDestinationPermissionIssueException",
        "Unable to deliver logs to the configured destination. You might need to grant log delivery permissions for the destination.",
        "hashicorp/terraform-provider-aws#36000",
    ),
    once(
        "wafv2:UpdateWebACL",
        400,
        "WAFUnavailableEntityException",
        "AWS WAF couldn’t retrieve the resource that you requested. Retry your request.",
        "hashicorp/terraform-provider-aws internal/service/wafv2/web_acl.go",
    ),
    once(
        "s3:PUT ?versioning",
        404,
        "NoSuchBucket",
        "The specified bucket does not exist",
        "hashicorp/terraform-provider-aws internal/service/s3/bucket_versioning.go",
    ),
    once(
        "s3:PUT ?ownershipControls",
        404,
        "NoSuchBucket",
        "The specified bucket does not exist",
        "hashicorp/terraform-provider-aws internal/service/s3/bucket_ownership_controls.go",
    ),
    once(
        "s3:PUT ?encryption",
        404,
        "NoSuchBucket",
        "The specified bucket does not exist",
        "hashicorp/terraform-provider-aws internal/service/s3/bucket_server_side_encryption_configuration.go",
    ),
    once(
        "s3:PUT ?lifecycle",
        404,
        "NoSuchBucket",
        "The specified bucket does not exist",
        "hashicorp/terraform-provider-aws internal/service/s3/bucket_lifecycle_configuration.go",
    ),
    once(
        "application-autoscaling:RegisterScalableTarget",
        400,
        "ValidationException",
        "Unable to assume IAM role: arn:aws:iam::123456789012:role/aws-service-role/ecs.application-autoscaling.amazonaws.com/AWSServiceRoleForApplicationAutoScaling_ECSService",
        "hashicorp/terraform-provider-aws internal/service/appautoscaling/target.go",
    ),
];

/// Answers about things that another call, or an operation within AWS, holds for a moment.
static HELD: &[Row] = &[
    once(
        "ec2:DeleteSubnet",
        400,
        "DependencyViolation",
        "The subnet 'subnet-632d513b' has dependencies and cannot be deleted.",
        EC2_CODES,
    ),
    once(
        "ec2:DeleteSecurityGroup",
        400,
        "DependencyViolation",
        "resource sg-0765c67bbc82a1b7d has a dependent object",
        EC2_CODES,
    ),
    once(
        "ec2:DeleteVpc",
        400,
        "DependencyViolation",
        "The vpc 'vpc-0765c67bbc82a1b7d' has dependencies and cannot be deleted.",
        EC2_CODES,
    ),
    once(
        "ec2:DeleteRouteTable",
        400,
        "DependencyViolation",
        "The routeTable 'rtb-f1296696' has dependencies and cannot be deleted.",
        EC2_CODES,
    ),
    once(
        "ec2:DetachInternetGateway",
        400,
        "DependencyViolation",
        "Network vpc-0765c67bbc82a1b7d has some mapped public address(es). Please unmap those public address(es) before detaching the gateway.",
        "hashicorp/terraform-provider-aws internal/service/ec2/vpc_internet_gateway.go",
    ),
    once(
        "ec2:DeleteInternetGateway",
        400,
        "DependencyViolation",
        "The internetGateway 'igw-0765c67bbc82a1b7d' has dependencies and cannot be deleted.",
        EC2_CODES,
    ),
    once(
        "ec2:ReleaseAddress",
        400,
        "InvalidIPAddress.InUse",
        "Address 203.0.113.7 is in use.",
        EC2_CODES,
    ),
    once(
        "elasticloadbalancing:DeleteTargetGroup",
        400,
        "ResourceInUse",
        "Target group 'arn:aws:elasticloadbalancing:eu-south-2:123456789012:targetgroup/a/0765c67bbc82a1b7' is currently in use by a listener or a rule",
        "hashicorp/terraform-provider-aws internal/service/elbv2/target_group.go",
    ),
    once(
        "rds:DeleteDBInstance",
        400,
        "InvalidParameterCombination",
        "Cannot delete protected DB Instance, please disable deletion protection and try again.",
        "hashicorp/terraform-provider-aws internal/service/rds/instance.go",
    ),
    once(
        "rds:DeleteDBSubnetGroup",
        400,
        "InvalidDBSubnetGroupStateFault",
        "Cannot delete the subnet group 'a' because at least one database instance: b is still using it.",
        MODEL,
    ),
    once(
        "rds:DeleteDBParameterGroup",
        400,
        "InvalidDBParameterGroupState",
        "One or more database instances are still members of this parameter group a, so the group cannot be deleted",
        "hashicorp/terraform-provider-aws internal/service/rds/parameter_group.go",
    ),
    once(
        "rds:DeleteEventSubscription",
        400,
        "InvalidEventSubscriptionState",
        "This error can occur if someone else is modifying a subscription. You should retry the action.",
        MODEL,
    ),
    once(
        "ecs:DeleteCluster",
        400,
        "ClusterContainsTasksException",
        "The Cluster cannot be deleted while Tasks are active.",
        "hashicorp/terraform-provider-aws internal/service/ecs/cluster.go",
    ),
    once(
        "ecs:DeleteCluster",
        400,
        "ClusterContainsServicesException",
        "The Cluster cannot be deleted while Services are active.",
        "hashicorp/terraform-provider-aws internal/service/ecs/cluster.go",
    ),
    once(
        "iam:DeleteRole",
        409,
        "DeleteConflict",
        "Cannot delete entity, must detach all policies first.",
        MODEL,
    ),
    once(
        "iam:DeleteRole",
        409,
        "ConcurrentModification",
        "The request was rejected because multiple requests to change this object were submitted simultaneously. Wait a few minutes and submit your request again.",
        MODEL,
    ),
    once(
        "logs:PutRetentionPolicy",
        400,
        "OperationAbortedException",
        "A conflicting operation is currently in progress against this resource. Please try again.",
        "https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_PutRetentionPolicy.html",
    ),
    once(
        "logs:DeleteLogGroup",
        400,
        "OperationAbortedException",
        "A conflicting operation is currently in progress against this resource. Please try again.",
        "https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_DeleteLogGroup.html",
    ),
    once(
        "s3:PUT ?policy",
        409,
        "OperationAborted",
        "A conflicting conditional operation is currently in progress against this resource. Please try again.",
        "ansible/ansible#67811",
    ),
    once(
        "s3:PUT ?publicAccessBlock",
        409,
        "OperationAborted",
        "A conflicting conditional operation is currently in progress against this resource. Please try again.",
        "sevenwestmedia-labs/pulumi-components#46",
    ),
    once(
        "application-autoscaling:RegisterScalableTarget",
        500,
        "ConcurrentUpdateException",
        "You already have a pending update to an Auto Scaling resource.",
        MODEL,
    ),
    once(
        "rds:ModifyDBInstance",
        400,
        "InvalidDBInstanceState",
        "Instance happyrobot-fde-postgres is currently configuring Enhanced Monitoring. Try your request later.",
        "hashicorp/terraform-provider-aws internal/service/rds/instance.go",
    ),
    once(
        "wafv2:UpdateWebACL",
        400,
        "WAFOptimisticLockException",
        "AWS WAF couldn’t save your changes because someone changed the resource after you started to edit it. Reapply your changes.",
        "hashicorp/terraform-provider-aws#45787",
    ),
    once(
        "wafv2:DeleteWebACL",
        400,
        "WAFAssociatedItemException",
        "AWS WAF couldn’t perform the operation because your resource is being used by another resource or it’s associated with another resource.",
        MODEL,
    ),
    once(
        "wafv2:DeleteWebACL",
        400,
        "WAFOptimisticLockException",
        "AWS WAF couldn’t save your changes because someone changed the resource after you started to edit it. Reapply your changes.",
        "hashicorp/terraform-provider-aws#27066",
    ),
    once(
        "iam:TagRole",
        409,
        "ConcurrentModification",
        "The request was rejected because multiple requests to change this object were submitted simultaneously. Wait a few minutes and submit your request again.",
        MODEL,
    ),
    once(
        "iam:DeletePolicy",
        409,
        "DeleteConflict",
        "Cannot delete a policy attached to entities.",
        MODEL,
    ),
    once(
        "s3:PUT ?lifecycle",
        409,
        "OperationAborted",
        "A conflicting conditional operation is currently in progress against this resource. Please try again.",
        "aws/aws-cli#2593, ansible/ansible#67811",
    ),
    once(
        "s3:DELETE /",
        409,
        "OperationAborted",
        "A conflicting conditional operation is currently in progress against this resource. Please try again.",
        "https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html",
    ),
    once(
        "monitoring:TagResource",
        429,
        "ConcurrentModificationException",
        "More than one process tried to modify a resource at the same time.",
        MODEL,
    ),
    once(
        "s3:PUT ?versioning",
        409,
        "OperationAborted",
        "A conflicting conditional operation is currently in progress against this resource. Please try again.",
        "ansible/ansible#67811, sevenwestmedia-labs/pulumi-components#46",
    ),
    once(
        "s3:PUT ?ownershipControls",
        409,
        "OperationAborted",
        "A conflicting conditional operation is currently in progress against this resource. Please try again.",
        "ansible/ansible#67811, sevenwestmedia-labs/pulumi-components#46",
    ),
    once(
        "s3:PUT ?encryption",
        409,
        "OperationAborted",
        "A conflicting conditional operation is currently in progress against this resource. Please try again.",
        "ansible/ansible#67811, sevenwestmedia-labs/pulumi-components#46",
    ),
    once(
        "s3:DELETE ?policy",
        409,
        "OperationAborted",
        "A conflicting conditional operation is currently in progress against this resource. Please try again.",
        "ansible/ansible#67811, sevenwestmedia-labs/pulumi-components#46",
    ),
    once(
        "s3:DELETE ?lifecycle",
        409,
        "OperationAborted",
        "A conflicting conditional operation is currently in progress against this resource. Please try again.",
        "ansible/ansible#67811, sevenwestmedia-labs/pulumi-components#46",
    ),
    once(
        "iam:CreatePolicy",
        409,
        "ConcurrentModification",
        "The request was rejected because multiple requests to change this object were submitted simultaneously. Wait a few minutes and submit your request again.",
        MODEL,
    ),
    once(
        "ecs:DeleteService",
        400,
        "InvalidParameterException",
        "The service cannot be stopped while deployments are active.",
        "hashicorp/terraform-provider-aws internal/service/ecs/service.go",
    ),
    once(
        "iam:CreateRole",
        409,
        "ConcurrentModification",
        "The request was rejected because multiple requests to change this object were submitted simultaneously. Wait a few minutes and submit your request again.",
        MODEL,
    ),
    once(
        "iam:TagPolicy",
        409,
        "ConcurrentModification",
        "The request was rejected because multiple requests to change this object were submitted simultaneously. Wait a few minutes and submit your request again.",
        MODEL,
    ),
    once(
        "sns:TagResource",
        400,
        "ConcurrentAccess",
        "Can't perform multiple operations on a tag simultaneously. Perform the operations sequentially.",
        MODEL,
    ),
    once(
        "sns:TagResource",
        400,
        "StaleTag",
        "A tag has been added to a resource with the same ARN as a deleted resource. Wait a short while and then retry the operation.",
        MODEL,
    ),
];

/// The ways of each service to say that there are too many calls, or that it is out of order.
static BUSY: &[Row] = &[
    twice(
        "ec2:AllocateAddress",
        503,
        "RequestLimitExceeded",
        "Request limit exceeded.",
        "https://docs.aws.amazon.com/ec2/latest/devguide/ec2-api-throttling.html",
    ),
    once(
        "ec2:DescribeVpcs",
        503,
        "Unavailable",
        "The service is unavailable. Please try again shortly.",
        EC2_CODES,
    ),
    once(
        "ec2:DeleteNatGateway",
        500,
        "InternalError",
        "An internal error has occurred",
        EC2_CODES,
    ),
    once(
        "elasticloadbalancing:CreateTargetGroup",
        400,
        "Throttling",
        "Rate exceeded",
        "https://docs.aws.amazon.com/elasticloadbalancing/latest/APIReference/CommonErrors.html",
    ),
    once(
        "rds:CreateDBParameterGroup",
        400,
        "Throttling",
        "Rate exceeded",
        "https://docs.aws.amazon.com/AmazonRDS/latest/APIReference/CommonErrors.html",
    ),
    once(
        "rds:DescribeDBInstances",
        500,
        "InternalFailure",
        "An internal error has occurred. Please try your query again at a later time.",
        "https://docs.aws.amazon.com/AmazonRDS/latest/APIReference/CommonErrors.html",
    ),
    twice(
        "ecs:CreateService",
        400,
        "InvalidParameterException",
        "Error retrieving subnet information for [subnet-058326610d44d9229]: Rate exceeded (ErrorCode: Throttling)",
        "public reports of RunTask: EC2 throttles ECS",
    ),
    once(
        "ecs:DeregisterTaskDefinition",
        400,
        "ThrottlingException",
        "Rate exceeded",
        "https://docs.aws.amazon.com/AmazonECS/latest/APIReference/request-throttling.html",
    ),
    once(
        "ecs:DescribeServices",
        500,
        "ServerException",
        "Service Unavailable. Please try again later.",
        MODEL,
    ),
    once(
        "application-autoscaling:PutScalingPolicy",
        400,
        "FailedResourceAccessException",
        "Failed access to resources caused an exception.",
        MODEL,
    ),
    once(
        "iam:AttachRolePolicy",
        400,
        "Throttling",
        "Rate exceeded",
        "https://docs.aws.amazon.com/IAM/latest/APIReference/CommonErrors.html",
    ),
    once(
        "iam:CreatePolicy",
        500,
        "ServiceFailure",
        "The request processing has failed because of an unknown error, exception or failure.",
        MODEL,
    ),
    once(
        "logs:CreateLogGroup",
        400,
        "ThrottlingException",
        "Rate exceeded",
        "https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/CommonErrors.html",
    ),
    once(
        "logs:CreateLogGroup",
        500,
        "ServiceUnavailableException",
        "The service cannot complete the request.",
        MODEL,
    ),
    once(
        "ecr:CreateRepository",
        500,
        "ServerException",
        "These errors are usually caused by a server-side issue.",
        MODEL,
    ),
    once(
        "sns:CreateTopic",
        400,
        "Throttling",
        "Rate exceeded",
        "https://docs.aws.amazon.com/sns/latest/api/CommonErrors.html",
    ),
    once(
        "wafv2:DisassociateWebACL",
        500,
        "WAFInternalErrorException",
        "Your request is valid, but WAF couldn’t perform the operation because of a system problem. Retry your request.",
        MODEL,
    ),
    once(
        "monitoring:PutMetricAlarm",
        400,
        "Throttling",
        "Rate exceeded",
        "https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/CommonErrors.html",
    ),
    once(
        "monitoring:PutDashboard",
        500,
        "InternalServiceError",
        "Request processing has failed due to some unknown error, exception, or failure.",
        MODEL,
    ),
    once(
        "secretsmanager:CreateSecret",
        500,
        "InternalServiceError",
        "An error occurred on the server side.",
        MODEL,
    ),
    once(
        "secretsmanager:CreateSecret",
        400,
        "ThrottlingException",
        "Rate exceeded",
        "https://docs.aws.amazon.com/secretsmanager/latest/apireference/CommonErrors.html",
    ),
    once(
        "ssm:PutParameter",
        400,
        "TooManyUpdates",
        "There are concurrent updates for a resource that supports one update at a time.",
        MODEL,
    ),
    once(
        "ssm:PutParameter",
        400,
        "ThrottlingException",
        "Rate exceeded",
        "https://docs.aws.amazon.com/systems-manager/latest/APIReference/CommonErrors.html",
    ),
    once(
        "s3:PUT /",
        503,
        "SlowDown",
        "Please reduce your request rate.",
        "https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html",
    ),
    once(
        "wafv2:CreateWebACL",
        500,
        "WAFInternalErrorException",
        "Your request is valid, but WAF couldn’t perform the operation because of a system problem. Retry your request.",
        MODEL,
    ),
    once(
        "wafv2:AssociateWebACL",
        400,
        "ThrottlingException",
        "Rate exceeded",
        "https://docs.aws.amazon.com/waf/latest/APIReference/CommonErrors.html",
    ),
    once(
        "tagging:GetResources",
        400,
        "ThrottledException",
        "The request failed because it exceeded the allowed frequency of submitted requests.",
        MODEL,
    ),
    once(
        "tagging:GetResources",
        500,
        "InternalServiceException",
        "The request processing failed because of an unknown error, exception, or failure.",
        MODEL,
    ),
    once(
        "tagging:TagResources",
        400,
        "ThrottledException",
        "The request failed because it exceeded the allowed frequency of submitted requests.",
        MODEL,
    ),
    once(
        "tagging:TagResources",
        500,
        "InternalServiceException",
        "The request processing failed because of an unknown error, exception, or failure.",
        MODEL,
    ),
    once(
        "ecs:UpdateService",
        400,
        "ThrottlingException",
        "Rate exceeded",
        "https://docs.aws.amazon.com/AmazonECS/latest/APIReference/request-throttling.html",
    ),
    once(
        "ecs:DeleteService",
        500,
        "ServerException",
        "Service Unavailable. Please try again later.",
        MODEL,
    ),
    once(
        "rds:ModifyDBParameterGroup",
        400,
        "Throttling",
        "Rate exceeded",
        "https://docs.aws.amazon.com/AmazonRDS/latest/APIReference/CommonErrors.html",
    ),
    once(
        "elasticloadbalancing:ModifyTargetGroup",
        503,
        "ServiceUnavailable",
        "The request has failed due to a temporary failure of the server.",
        "https://docs.aws.amazon.com/elasticloadbalancing/latest/APIReference/CommonErrors.html",
    ),
    once(
        "application-autoscaling:DeregisterScalableTarget",
        500,
        "ConcurrentUpdateException",
        "You already have a pending update to an Auto Scaling resource.",
        MODEL,
    ),
    once(
        "secretsmanager:DeleteSecret",
        500,
        "InternalServiceError",
        "An error occurred on the server side.",
        MODEL,
    ),
    once(
        "ecr:DeleteRepository",
        500,
        "ServerException",
        "These errors are usually caused by a server-side issue.",
        MODEL,
    ),
    once(
        "monitoring:DeleteAlarms",
        400,
        "Throttling",
        "Rate exceeded",
        "https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/CommonErrors.html",
    ),
    once(
        "wafv2:UpdateWebACL",
        400,
        "ThrottlingException",
        "Rate exceeded",
        "https://docs.aws.amazon.com/waf/latest/APIReference/CommonErrors.html",
    ),
    once(
        "wafv2:TagResource",
        400,
        "WAFTagOperationException",
        "An error occurred during the tagging operation. Retry your request.",
        MODEL,
    ),
    once(
        "wafv2:TagResource",
        500,
        "WAFTagOperationInternalErrorException",
        "WAF couldn’t perform your tagging operation because of an internal error. Retry your request.",
        MODEL,
    ),
    once(
        "ec2:CreateTags",
        503,
        "RequestLimitExceeded",
        "Request limit exceeded.",
        "https://docs.aws.amazon.com/ec2/latest/devguide/ec2-api-throttling.html",
    ),
    once(
        "elasticloadbalancing:AddTags",
        400,
        "Throttling",
        "Rate exceeded",
        "https://docs.aws.amazon.com/elasticloadbalancing/latest/APIReference/CommonErrors.html",
    ),
    once(
        "rds:AddTagsToResource",
        400,
        "Throttling",
        "Rate exceeded",
        "https://docs.aws.amazon.com/AmazonRDS/latest/APIReference/CommonErrors.html",
    ),
    once(
        "ecs:TagResource",
        400,
        "ThrottlingException",
        "Rate exceeded",
        "https://docs.aws.amazon.com/AmazonECS/latest/APIReference/request-throttling.html",
    ),
];

/// Answers that last minutes, tried only in a campaign.
static LASTING: &[(&Job, Row)] = &[
    (
        &EVERY_TYPE,
        lasting(
            240,
            "wafv2:CreateWebACL",
            400,
            "WAFUnavailableEntityException",
            "AWS WAF couldn’t retrieve the resource that you requested. Retry your request.",
            "hashicorp/terraform-provider-aws internal/service/wafv2/web_acl.go: five minutes",
        ),
    ),
    (
        &EVERY_TYPE,
        lasting(
            240,
            "wafv2:AssociateWebACL",
            400,
            "WAFUnavailableEntityException",
            "AWS WAF couldn’t retrieve the resource that you requested. Retry your request.",
            "hashicorp/terraform-provider-aws#17527",
        ),
    ),
    (
        &EDIT,
        lasting(
            240,
            "wafv2:UpdateWebACL",
            400,
            "WAFUnavailableEntityException",
            "AWS WAF couldn’t retrieve the resource that you requested. Retry your request.",
            "hashicorp/terraform-provider-aws internal/service/wafv2/web_acl.go: five minutes",
        ),
    ),
    (
        &EVERY_TYPE,
        lasting(
            100,
            "elasticloadbalancing:CreateLoadBalancer",
            400,
            "SubnetNotFound",
            "The subnet ID 'subnet-02bf5bfb982ebbcee' does not exist",
            "kubernetes-sigs/aws-load-balancer-controller#1047",
        ),
    ),
    (
        &EVERY_TYPE,
        lasting(
            100,
            "rds:CreateDBInstance",
            400,
            "InvalidParameterValue",
            "IAM role ARN value is invalid or does not include the required permissions for: ENHANCED_MONITORING",
            "pulumi/pulumi#5628",
        ),
    ),
];

/// Answers that no retry cures.
static REFUSED: &[(&Job, Row)] = &[
    (
        &UP,
        always(
            "ec2:AllocateAddress",
            400,
            "AddressLimitExceeded",
            "The maximum number of addresses has been reached.",
            EC2_CODES,
        ),
    ),
    (
        &UP,
        always(
            "ec2:CreateVpc",
            400,
            "VpcLimitExceeded",
            "The maximum number of VPCs has been reached.",
            EC2_CODES,
        ),
    ),
    (
        &UP,
        always(
            "ec2:CreateNatGateway",
            400,
            "NatGatewayLimitExceeded",
            "The maximum number of NAT Gateways has been reached.",
            EC2_CODES,
        ),
    ),
    (
        &UP,
        always(
            "elasticloadbalancing:CreateLoadBalancer",
            400,
            "OperationNotPermitted",
            "This AWS account currently does not support creating load balancers. For more information, please contact AWS Support.",
            "public reports of new accounts",
        ),
    ),
    (
        &UP,
        always(
            "iam:CreateRole",
            409,
            "LimitExceeded",
            "Cannot exceed quota for RolesPerAccount: 1000",
            "https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html",
        ),
    ),
    (
        &UP,
        always(
            "rds:CreateDBInstance",
            400,
            "InsufficientDBInstanceCapacity",
            "The specified DB instance class isn't available in the specified Availability Zone.",
            MODEL,
        ),
    ),
    (
        &PROD,
        always(
            "rds:CreateDBInstanceReadReplica",
            400,
            "InvalidDBInstanceState",
            "Automated backups are not enabled for this database instance. To enable automated backups, use ModifyDBInstance to set the backup retention period to a non-zero value.",
            "fog/fog-aws, and public logs",
        ),
    ),
    // A region that the account has not enabled, and a session token of the global endpoint of STS.
    (
        &UP,
        always(
            "sts:GetCallerIdentity",
            403,
            "InvalidClientTokenId",
            "The security token included in the request is invalid",
            "https://docs.aws.amazon.com/IAM/latest/UserGuide/id_credentials_temp_enable-regions.html",
        ),
    ),
    (
        &UP,
        always(
            "ec2:DescribeVpcs",
            401,
            "AuthFailure",
            "AWS was not able to validate the provided access credentials",
            EC2_CODES,
        ),
    ),
];

/// A stack with a replica.
static PROD: Job = Job {
    name: "up of prod",
    stack: "prod",
    before: Before::Nothing,
    command: "up",
    arguments: &[],
    may_delete: &[],
};

/// The most refusals of one operation in a run: five roles are made at once. One that is retried comes to many more.
const MOST_REFUSED: usize = 8;

/// The rows that a job meets, all of which it has to get through.
fn met(job: &'static Job) -> Vec<&'static Row> {
    let calls = &job.undisturbed().calls;
    // An object that a deletion does not find is gone, and is not asked for again.
    let unseen = if job.command == "destroy" {
        &[]
    } else {
        NOT_VISIBLE
    };
    let all = [unseen, HELD, BUSY].into_iter().flatten();
    all.filter(|row| calls.iter().any(|call| row.meets(&call.name)))
        .collect()
}

fn got_through(job: &'static Job, rows: Vec<&'static Row>) -> Vec<String> {
    let least = rows.len();
    gets_through(job, &[Fault::Answers(rows)], |ran, _| {
        (ran.harmed < least).then(|| format!("{} of {least} answers were given", ran.harmed))
    })
}

#[test]
fn what_aws_answers_for_a_while_is_waited_out() {
    let jobs: [&'static Job; 5] = [&EVERY_TYPE, &EDIT, &MOVE, &DESTROY, &DESTROY_EVERY_TYPE];
    let of_jobs = jobs.map(|job| (job, met(job)));
    let all = [NOT_VISIBLE, HELD, BUSY].into_iter().flatten();
    let unmet: Vec<&Row> = all
        .filter(|row| {
            !of_jobs
                .iter()
                .any(|(_, rows)| rows.iter().any(|met| std::ptr::eq(*met, *row)))
        })
        .collect();
    assert!(unmet.is_empty(), "no call meets {unmet:?}");
    let mut cases: Vec<(&'static Job, Vec<&'static Row>)> = Vec::new();
    if campaign().is_some() {
        cases.extend(LASTING.iter().map(|(job, row)| (*job, vec![row])));
    }
    for (job, rows) in of_jobs {
        if campaign().is_some() {
            cases.extend(rows.iter().map(|row| (job, vec![*row])));
        }
        cases.push((job, rows));
    }
    let results = each(&cases, |(job, rows)| Some(got_through(job, rows.clone())));
    judge("R9", "AWS's answers of the moment", None, results);
}

#[test]
fn what_no_repetition_cures_is_said_at_once() {
    let cases: Vec<&'static (&Job, Row)> = REFUSED.iter().collect();
    let results = each(&cases, |case| {
        let (job, row) = *case;
        let mut world = World::of(job);
        let ran = world.run_with(&[Fault::Answers(vec![row])], "16");
        let squeezed = |text: &str| text.split_whitespace().collect::<Vec<_>>().join(" ");
        let said = squeezed(&ran.screen);
        let mut problems = Vec::new();
        if ran.status == Some(0) || ran.status.is_none() {
            problems.push(format!("ended with {:?}", ran.status));
        }
        if ran.harmed == 0 || ran.harmed > MOST_REFUSED {
            problems.push(format!("was asked {} times", ran.harmed));
        }
        if ran.elapsed > Duration::from_secs(60) {
            problems.push(format!("took {} s", ran.elapsed.as_secs()));
        }
        for part in [row.code, row.message] {
            if !said.contains(part) {
                problems.push(format!("does not say `{part}`"));
            }
        }
        if !problems.is_empty() {
            problems.push(ran.last_words());
        }
        if campaign().is_some() {
            world.keep(ran);
            problems.extend(world.verdict());
        }
        let problems = problems.into_iter();
        Some(
            problems
                .map(|problem| format!("{}, {row:?}: {problem}", job.name))
                .collect(),
        )
    });
    judge("R9", "AWS's refusals", None, results);
}

#[test]
fn a_row_meets_its_calls_alone() {
    let row = |call| once(call, 400, "Code", "Text", MODEL);
    for (named, call, expected) in [
        ("ec2:CreateVpc", "ec2:CreateVpc", true),
        ("ec2:CreateVpc", "ec2:CreateVpcEndpoint", false),
        ("ecs:TagResource", "monitoring:TagResource", false),
        ("s3:PUT ?policy", "s3:PUT /bucket/?policy", true),
        ("s3:PUT ?policy", "s3:DELETE /bucket/?policy", false),
        ("s3:PUT ?policy", "s3:PUT /bucket/?versioning", false),
        ("s3:PUT /", "s3:PUT /bucket/", true),
        ("s3:PUT /", "s3:PUT /bucket/?x-id=CreateBucket", true),
        ("s3:PUT /", "s3:PUT /bucket/?policy", false),
    ] {
        assert_eq!(row(named).meets(call), expected, "{named}: {call}");
    }
    let (now, later) = (Duration::ZERO, Duration::from_secs(3));
    assert!(Often::Times(2).is_due(1, later) && !Often::Times(2).is_due(2, now));
    assert!(Often::For(later).is_due(9, now) && !Often::For(later).is_due(0, later));
    assert!(Often::Always.is_due(9, later));
}
