//! The types of AWS that are written by hand here, and the names that they have.
//!
//! An object has one type in a stack: parts refer to their parents by it, and it is by its type that it is found again.

/// The types by CloudFormation's name, sorted.
const BY_HAND: &[(&str, &str)] = &[
    (
        "AWS::ApplicationAutoScaling::ScalableTarget",
        "aws:appautoscaling:Target",
    ),
    (
        "AWS::ApplicationAutoScaling::ScalingPolicy",
        "aws:appautoscaling:Policy",
    ),
    ("AWS::CloudWatch::Alarm", "aws:cloudwatch:MetricAlarm"),
    ("AWS::CloudWatch::Dashboard", "aws:cloudwatch:Dashboard"),
    ("AWS::EC2::EIP", "aws:ec2:Eip"),
    ("AWS::EC2::FlowLog", "aws:ec2:FlowLog"),
    ("AWS::EC2::InternetGateway", "aws:ec2:InternetGateway"),
    ("AWS::EC2::NatGateway", "aws:ec2:NatGateway"),
    ("AWS::EC2::Route", "aws:ec2:Route"),
    ("AWS::EC2::RouteTable", "aws:ec2:RouteTable"),
    ("AWS::EC2::SecurityGroup", "aws:ec2:SecurityGroup"),
    (
        "AWS::EC2::SecurityGroupEgress",
        "aws:vpc:SecurityGroupEgressRule",
    ),
    (
        "AWS::EC2::SecurityGroupIngress",
        "aws:vpc:SecurityGroupIngressRule",
    ),
    ("AWS::EC2::Subnet", "aws:ec2:Subnet"),
    (
        "AWS::EC2::SubnetRouteTableAssociation",
        "aws:ec2:RouteTableAssociation",
    ),
    ("AWS::EC2::VPC", "aws:ec2:Vpc"),
    ("AWS::ECR::Repository", "aws:ecr:Repository"),
    ("AWS::ECS::Cluster", "aws:ecs:Cluster"),
    ("AWS::ECS::Service", "aws:ecs:Service"),
    ("AWS::ECS::TaskDefinition", "aws:ecs:TaskDefinition"),
    ("AWS::ElasticLoadBalancingV2::Listener", "aws:lb:Listener"),
    (
        "AWS::ElasticLoadBalancingV2::ListenerRule",
        "aws:lb:ListenerRule",
    ),
    (
        "AWS::ElasticLoadBalancingV2::LoadBalancer",
        "aws:lb:LoadBalancer",
    ),
    (
        "AWS::ElasticLoadBalancingV2::TargetGroup",
        "aws:lb:TargetGroup",
    ),
    ("AWS::IAM::ManagedPolicy", "aws:iam:Policy"),
    ("AWS::IAM::Role", "aws:iam:Role"),
    ("AWS::IAM::RolePolicy", "aws:iam:RolePolicy"),
    ("AWS::KMS::Alias", "aws:kms:Alias"),
    ("AWS::KMS::Key", "aws:kms:Key"),
    ("AWS::Logs::LogGroup", "aws:cloudwatch:LogGroup"),
    ("AWS::RDS::DBInstance", "aws:rds:Instance"),
    ("AWS::RDS::DBParameterGroup", "aws:rds:ParameterGroup"),
    ("AWS::RDS::DBSubnetGroup", "aws:rds:SubnetGroup"),
    ("AWS::RDS::EventSubscription", "aws:rds:EventSubscription"),
    ("AWS::S3::Bucket", "aws:s3:Bucket"),
    ("AWS::S3::BucketPolicy", "aws:s3:BucketPolicy"),
    ("AWS::SNS::Subscription", "aws:sns:TopicSubscription"),
    ("AWS::SNS::Topic", "aws:sns:Topic"),
    ("AWS::SNS::TopicPolicy", "aws:sns:TopicPolicy"),
    ("AWS::SecretsManager::Secret", "aws:secretsmanager:Secret"),
    (
        "AWS::SecretsManager::SecretTargetAttachment",
        "fde:secretsmanager:TargetAttachment",
    ),
    (
        "AWS::WAFv2::LoggingConfiguration",
        "aws:wafv2:WebAclLoggingConfiguration",
    ),
    ("AWS::WAFv2::WebACL", "aws:wafv2:WebAcl"),
    (
        "AWS::WAFv2::WebACLAssociation",
        "aws:wafv2:WebAclAssociation",
    ),
];

/// The token of the type that is written by hand for a type of AWS.
pub fn by_hand(name: &str) -> Option<&'static str> {
    let at = BY_HAND.binary_search_by_key(&name, |(of, _)| of).ok()?;
    Some(BY_HAND[at].1)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::component::testing::catalog;
    use crate::facts;

    #[test]
    fn both_names_exist() {
        let catalog = catalog();
        assert!(BY_HAND.is_sorted_by_key(|(name, _)| *name));
        for (name, token) in BY_HAND {
            assert!(facts::get(name).is_some(), "{name}");
            assert!(catalog.get(token).is_some(), "{token}");
        }
    }
}
