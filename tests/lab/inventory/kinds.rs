//! The things by which the lab sees the objects of each resource type. `tests/tidy.rs` holds this list to the types.

/// The trace of a type in the inventory.
pub enum Seen {
    /// Things of this kind, read in `tests/lab/inventory`.
    As(&'static str),
    /// A part of the things of another kind.
    Within(&'static str),
    /// Nothing, for this reason.
    Not(&'static str),
}

use Seen::{As, Not, Within};

/// Every type, by its token.
pub const KINDS: &[(&str, Seen)] = &[
    ("aws:appautoscaling:Policy", As("scaling policy")),
    ("aws:appautoscaling:Target", As("scalable target")),
    ("aws:cloudwatch:Dashboard", As("dashboard")),
    ("aws:cloudwatch:LogGroup", As("log group")),
    ("aws:cloudwatch:MetricAlarm", As("alarm")),
    ("aws:ec2:Eip", As("address")),
    ("aws:ec2:FlowLog", As("flow log")),
    ("aws:ec2:InternetGateway", As("internet gateway")),
    ("aws:ec2:NatGateway", As("NAT gateway")),
    ("aws:ec2:Route", As("route")),
    ("aws:ec2:RouteTable", As("route table")),
    ("aws:ec2:RouteTableAssociation", As("association")),
    ("aws:ec2:SecurityGroup", As("group")),
    ("aws:ec2:Subnet", As("subnet")),
    ("aws:ec2:Vpc", As("vpc")),
    (
        "aws:ecr:ImageTag",
        Not("no repository of the lab has an image that could be tagged"),
    ),
    ("aws:ecr:LifecyclePolicy", As("lifecycle policy")),
    ("aws:ecr:Repository", As("repository")),
    ("aws:ecs:Cluster", As("cluster")),
    ("aws:ecs:Service", As("service")),
    ("aws:ecs:TaskDefinition", As("task definition")),
    ("aws:iam:Policy", As("policy")),
    ("aws:iam:Role", As("role")),
    ("aws:iam:RolePolicy", As("role policy")),
    ("aws:iam:RolePolicyAttachment", As("attachment")),
    ("aws:kms:Alias", As("alias")),
    ("aws:kms:Key", As("key")),
    ("aws:lb:Listener", As("listener")),
    ("aws:lb:ListenerRule", As("rule")),
    ("aws:lb:LoadBalancer", As("load balancer")),
    ("aws:lb:TargetGroup", As("target group")),
    ("aws:rds:EventSubscription", As("event subscription")),
    ("aws:rds:Instance", As("database")),
    ("aws:rds:ParameterGroup", As("parameter group")),
    ("aws:rds:SubnetGroup", As("subnet group")),
    ("aws:s3:Bucket", As("bucket")),
    (
        "aws:s3:BucketLifecycleConfiguration",
        As("bucket lifecycle"),
    ),
    ("aws:s3:BucketOwnershipControls", As("bucket ownership")),
    ("aws:s3:BucketPolicy", As("bucket policy")),
    ("aws:s3:BucketPublicAccessBlock", As("public access block")),
    (
        "aws:s3:BucketServerSideEncryptionConfiguration",
        As("bucket encryption"),
    ),
    ("aws:s3:BucketVersioning", As("bucket versioning")),
    ("aws:secretsmanager:Secret", As("secret")),
    ("aws:secretsmanager:SecretVersion", Within("secret")),
    ("aws:sns:Topic", As("topic")),
    ("aws:sns:TopicPolicy", Within("topic")),
    ("aws:sns:TopicSubscription", As("subscription")),
    ("aws:vpc:SecurityGroupEgressRule", As("group rule")),
    ("aws:vpc:SecurityGroupIngressRule", As("group rule")),
    ("aws:wafv2:WebAcl", As("web ACL")),
    ("aws:wafv2:WebAclAssociation", As("web ACL association")),
    (
        "aws:wafv2:WebAclLoggingConfiguration",
        As("web ACL logging"),
    ),
    ("fde:secretsmanager:TargetAttachment", Within("secret")),
];
