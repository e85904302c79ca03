//! Rules for the values of some types that their schemas do not tell, as reads of real accounts show them (`tests/corpus`).

/// A rule for the values at one place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Rule {
    /// A list whose order has no meaning.
    Set,
    /// A list whose elements are told apart by this key.
    By(&'static str),
    /// A list of which only declared elements are compared, by this key: AWS adds others.
    SubsetBy(&'static str),
    /// A list whose order counts, although the schema, or its content, says otherwise.
    Ordered,
    /// Texts that differ in case alone are the same.
    AnyCase,
    /// A text that AWS returns with this in front of it.
    Prefixed(&'static str),
    /// A text that AWS returns with this behind it.
    Followed(&'static str),
    /// A text that holds JSON, perhaps with `${…}` that AWS has filled in.
    Template,
    /// AWS fills in what is declared empty.
    Filled,
    /// A word that AWS also answers with another one.
    Either(&'static str, &'static str),
}

use Rule::{AnyCase, By, Either, Filled, Followed, Ordered, Prefixed, Set, SubsetBy, Template};

/// The rules by type and place, sorted by type.
const RULES: &[(&str, &str, Rule)] = &[
    (
        "AWS::ApiGatewayV2::Api",
        "CorsConfiguration/AllowHeaders",
        Set,
    ),
    (
        "AWS::ApiGatewayV2::Api",
        "CorsConfiguration/AllowHeaders/*",
        AnyCase,
    ),
    (
        "AWS::ApiGatewayV2::Api",
        "CorsConfiguration/ExposeHeaders",
        Set,
    ),
    (
        "AWS::ApiGatewayV2::Api",
        "CorsConfiguration/ExposeHeaders/*",
        AnyCase,
    ),
    (
        "AWS::AppSync::Resolver",
        "PipelineConfig/Functions",
        Ordered,
    ),
    (
        "AWS::AutoScaling::AutoScalingGroup",
        "LifecycleHookSpecificationList",
        By("lifecycleHookName"),
    ),
    (
        "AWS::Backup::BackupPlan",
        "BackupPlan/BackupPlanRule",
        By("ruleName"),
    ),
    ("AWS::Batch::ComputeEnvironment", "Type", AnyCase),
    ("AWS::Batch::JobDefinition", "Type", AnyCase),
    (
        "AWS::CloudFront::CachePolicy",
        "CachePolicyConfig/ParametersInCacheKeyAndForwardedToOrigin/HeadersConfig/Headers",
        Set,
    ),
    (
        "AWS::CloudFront::Distribution",
        "DistributionConfig/Aliases",
        Set,
    ),
    (
        "AWS::CloudFront::Distribution",
        "DistributionConfig/CacheBehaviors/*/AllowedMethods",
        Set,
    ),
    (
        "AWS::CloudFront::Distribution",
        "DistributionConfig/CacheBehaviors/*/CachedMethods",
        Set,
    ),
    (
        "AWS::CloudFront::Distribution",
        "DistributionConfig/CustomErrorResponses",
        By("errorCode"),
    ),
    (
        "AWS::CloudFront::Distribution",
        "DistributionConfig/DefaultCacheBehavior/AllowedMethods",
        Set,
    ),
    (
        "AWS::CloudFront::Distribution",
        "DistributionConfig/DefaultCacheBehavior/CachedMethods",
        Set,
    ),
    (
        "AWS::CloudFront::Distribution",
        "DistributionConfig/Restrictions/GeoRestriction/Locations",
        Set,
    ),
    ("AWS::CloudTrail::Trail", "EventSelectors", Filled),
    (
        "AWS::CodeDeploy::DeploymentGroup",
        "AutoRollbackConfiguration/Events",
        Set,
    ),
    ("AWS::CodePipeline::Pipeline", "Stages", Ordered),
    ("AWS::CodePipeline::Pipeline", "Stages/*/Actions", Ordered),
    ("AWS::Cognito::UserPool", "Schema", SubsetBy("name")),
    (
        "AWS::Cognito::UserPool",
        "Schema/*/Name",
        Prefixed("custom:"),
    ),
    ("AWS::Cognito::UserPoolClient", "AllowedOAuthFlows", Set),
    ("AWS::Cognito::UserPoolClient", "AllowedOAuthScopes", Set),
    ("AWS::Cognito::UserPoolClient", "CallbackURLs", Set),
    ("AWS::Cognito::UserPoolClient", "ExplicitAuthFlows", Set),
    ("AWS::Cognito::UserPoolClient", "LogoutURLs", Set),
    ("AWS::Cognito::UserPoolClient", "ReadAttributes", Set),
    (
        "AWS::Cognito::UserPoolClient",
        "SupportedIdentityProviders",
        Set,
    ),
    ("AWS::Cognito::UserPoolClient", "WriteAttributes", Set),
    ("AWS::Config::ConfigRule", "InputParameters", Template),
    ("AWS::DocDB::DBCluster", "DBClusterIdentifier", AnyCase),
    (
        "AWS::DocDB::DBCluster",
        "DBClusterParameterGroupName",
        AnyCase,
    ),
    ("AWS::DocDB::DBCluster", "DBSubnetGroupName", AnyCase),
    ("AWS::DocDB::DBInstance", "DBClusterIdentifier", AnyCase),
    ("AWS::DocDB::DBInstance", "DBInstanceIdentifier", AnyCase),
    (
        "AWS::DynamoDB::Table",
        "GlobalSecondaryIndexes",
        By("indexName"),
    ),
    (
        "AWS::DynamoDB::Table",
        "GlobalSecondaryIndexes/*/Projection/NonKeyAttributes",
        Set,
    ),
    (
        "AWS::DynamoDB::Table",
        "LocalSecondaryIndexes",
        By("indexName"),
    ),
    (
        "AWS::DynamoDB::Table",
        "LocalSecondaryIndexes/*/Projection/NonKeyAttributes",
        Set,
    ),
    ("AWS::EC2::PrefixList", "Entries", By("cidr")),
    ("AWS::ECS::Cluster", "CapacityProviders", Set),
    (
        "AWS::ECS::TaskDefinition",
        "ContainerDefinitions/*/PortMappings",
        By("containerPort"),
    ),
    (
        "AWS::EFS::FileSystem",
        "FileSystemProtection/ReplicationOverwriteProtection",
        Either("DISABLED", "REPLICATING"),
    ),
    ("AWS::EMRServerless::Application", "Type", AnyCase),
    (
        "AWS::ElastiCache::CacheCluster",
        "CacheParameterGroupName",
        AnyCase,
    ),
    (
        "AWS::ElastiCache::CacheCluster",
        "CacheSubnetGroupName",
        AnyCase,
    ),
    ("AWS::ElastiCache::CacheCluster", "ClusterName", AnyCase),
    (
        "AWS::ElastiCache::CacheCluster",
        "LogDeliveryConfigurations",
        By("logType"),
    ),
    (
        "AWS::ElastiCache::ReplicationGroup",
        "LogDeliveryConfigurations",
        By("logType"),
    ),
    ("AWS::ElastiCache::ReplicationGroup", "UserGroupIds", Set),
    (
        "AWS::ElastiCache::ReplicationGroup",
        "UserGroupIds/*",
        AnyCase,
    ),
    (
        "AWS::ElastiCache::ServerlessCache",
        "ServerlessCacheName",
        AnyCase,
    ),
    ("AWS::ElastiCache::ServerlessCache", "UserGroupId", AnyCase),
    (
        "AWS::ElastiCache::SubnetGroup",
        "CacheSubnetGroupName",
        AnyCase,
    ),
    ("AWS::GuardDuty::Detector", "Features", SubsetBy("name")),
    (
        "AWS::GuardDuty::Detector",
        "Features/*/AdditionalConfiguration",
        SubsetBy("name"),
    ),
    ("AWS::IAM::Role", "Policies", By("policyName")),
    (
        "AWS::Lambda::EventSourceMapping",
        "SelfManagedEventSource/Endpoints/KafkaBootstrapServers",
        Set,
    ),
    ("AWS::Lambda::Function", "Layers", Ordered),
    ("AWS::Logs::Transformer", "TransformerConfig", Ordered),
    (
        "AWS::Neptune::DBCluster",
        "EnableCloudwatchLogsExports",
        Set,
    ),
    ("AWS::RDS::DBCluster", "EnableCloudwatchLogsExports", Set),
    ("AWS::RDS::DBClusterParameterGroup", "Family", AnyCase),
    ("AWS::RDS::DBInstance", "EnableCloudwatchLogsExports", Set),
    ("AWS::RDS::DBParameterGroup", "Family", AnyCase),
    ("AWS::RDS::OptionGroup", "EngineName", AnyCase),
    ("AWS::Redshift::Cluster", "ClusterIdentifier", AnyCase),
    (
        "AWS::Redshift::Cluster",
        "ClusterParameterGroupName",
        AnyCase,
    ),
    ("AWS::Redshift::Cluster", "ClusterSubnetGroupName", AnyCase),
    ("AWS::Route53::HostedZone", "Name", Followed(".")),
    (
        "AWS::Scheduler::Schedule",
        "Target/EcsParameters/PlacementStrategy",
        Ordered,
    ),
    (
        "AWS::SecretsManager::Secret",
        "ReplicaRegions",
        By("region"),
    ),
    ("AWS::StepFunctions::StateMachine", "Definition", Template),
    (
        "AWS::StepFunctions::StateMachine",
        "DefinitionString",
        Template,
    ),
    ("AWS::WAFv2::IPSet", "Addresses", Set),
];

/// Places at which a type returns, as JSON text under another name, what was sent as an object.
pub(super) const MIRRORS: &[(&str, &str, &str)] = &[(
    "AWS::StepFunctions::StateMachine",
    "Definition",
    "DefinitionString",
)];

/// Names that a service keeps in lower case wherever they stand in a type.
const LOWER_CASE: &[(&str, &[&str])] = &[
    ("AWS::WAFv2::RuleGroup", &["SingleHeader", "Name"]),
    ("AWS::WAFv2::RuleGroup", &["SingleQueryArgument", "Name"]),
    ("AWS::WAFv2::WebACL", &["SingleHeader", "Name"]),
    ("AWS::WAFv2::WebACL", &["SingleQueryArgument", "Name"]),
];

/// Returns the rule for a place of a type, if there is one.
pub(super) fn rule(type_name: &str, place: &[&str]) -> Option<Rule> {
    let first = RULES.partition_point(|(name, _, _)| *name < type_name);
    let own = RULES[first..]
        .iter()
        .take_while(|(name, _, _)| *name == type_name);
    let is_here = |path: &str| path.split('/').eq(place.iter().copied());
    let found = own.into_iter().find(|(_, path, _)| is_here(path));
    let lower = LOWER_CASE
        .iter()
        .any(|(name, end)| *name == type_name && place.ends_with(end));
    found
        .map(|(_, _, rule)| *rule)
        .or_else(|| lower.then_some(AnyCase))
}

/// Returns whether a place, which the schema calls write-only, can be read under another name.
pub(super) fn is_mirrored(type_name: &str, place: &[&str]) -> bool {
    let mut mirrors = MIRRORS.iter();
    mirrors.any(|(name, property, _)| *name == type_name && place.first() == Some(property))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::facts::{self, ANY, Spelling};

    #[test]
    fn every_rule_is_about_a_place_that_exists() {
        assert!(RULES.is_sorted_by_key(|(name, path, _)| (*name, *path)));
        for (name, path, rule) in RULES {
            let facts = facts::get(name).unwrap_or_else(|| panic!("{name}"));
            let mut shape = facts.shape();
            for key in path.split('/') {
                let inner = match key {
                    ANY => shape.items(),
                    key => shape
                        .property(key, Spelling::CloudFormation)
                        .map(|(_, shape)| shape),
                };
                shape = inner.unwrap_or_else(|| panic!("{name} has no {path}"));
            }
            if let By(key) | SubsetBy(key) = rule {
                let items = shape
                    .items()
                    .unwrap_or_else(|| panic!("{name}: {path} is a list"));
                let is_there = items.property(key, Spelling::Native).is_some();
                assert!(is_there, "{name}: elements of {path} have no {key}");
            }
        }
    }
}
