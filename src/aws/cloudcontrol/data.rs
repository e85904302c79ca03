//! Facts of types that the published schemas leave out: whether objects hold data, and where they are.

/// The types whose objects hold data that cannot be made again, or something else that cannot be had back: a key, the name
/// servers of a zone.
const DATA: &[&str] = &[
    "AWS::AmazonMQ::Broker",
    "AWS::Backup::BackupVault",
    "AWS::Backup::LogicallyAirGappedBackupVault",
    "AWS::Cassandra::Keyspace",
    "AWS::Cassandra::Table",
    "AWS::CloudTrail::EventDataStore",
    "AWS::CodeArtifact::Domain",
    "AWS::CodeArtifact::Repository",
    "AWS::Cognito::IdentityPool",
    "AWS::Cognito::UserPool",
    "AWS::DAX::Cluster",
    "AWS::DSQL::Cluster",
    "AWS::DocDB::DBCluster",
    "AWS::DocDBElastic::Cluster",
    "AWS::DynamoDB::GlobalTable",
    "AWS::DynamoDB::Table",
    "AWS::EC2::Instance",
    "AWS::EC2::Volume",
    "AWS::ECR::PublicRepository",
    "AWS::ECR::Repository",
    "AWS::EFS::FileSystem",
    "AWS::ElastiCache::CacheCluster",
    "AWS::ElastiCache::GlobalReplicationGroup",
    "AWS::ElastiCache::ReplicationGroup",
    "AWS::ElastiCache::ServerlessCache",
    "AWS::Elasticsearch::Domain",
    "AWS::FSx::FileSystem",
    "AWS::FSx::Volume",
    "AWS::Glue::Database",
    "AWS::HealthLake::FHIRDatastore",
    "AWS::KMS::Key",
    "AWS::KMS::ReplicaKey",
    "AWS::Kendra::Index",
    "AWS::Kinesis::Stream",
    "AWS::KinesisVideo::Stream",
    "AWS::Lightsail::Bucket",
    "AWS::Lightsail::Database",
    "AWS::Lightsail::Disk",
    "AWS::Lightsail::Instance",
    "AWS::Logs::LogGroup",
    "AWS::MSK::Cluster",
    "AWS::MSK::ServerlessCluster",
    "AWS::MemoryDB::Cluster",
    "AWS::Neptune::DBCluster",
    "AWS::NeptuneGraph::Graph",
    "AWS::OpenSearchServerless::Collection",
    "AWS::OpenSearchService::Domain",
    "AWS::QLDB::Ledger",
    "AWS::RDS::DBCluster",
    "AWS::RDS::DBInstance",
    "AWS::RDS::GlobalCluster",
    "AWS::Redshift::Cluster",
    "AWS::RedshiftServerless::Namespace",
    "AWS::Route53::HostedZone",
    "AWS::S3::Bucket",
    "AWS::S3Express::DirectoryBucket",
    "AWS::S3Tables::Table",
    "AWS::S3Tables::TableBucket",
    "AWS::S3Vectors::VectorBucket",
    "AWS::SQS::Queue",
    "AWS::SSM::Parameter",
    "AWS::SecretsManager::Secret",
    "AWS::Timestream::Database",
    "AWS::Timestream::InfluxDBInstance",
    "AWS::Timestream::Table",
    "AWS::WorkSpaces::Workspace",
];

/// The services whose objects are in no region: their names are unique in the account, and the tag index of one region alone
/// lists them, if any does.
const GLOBAL: &[&str] = &[
    "Account",
    "Budgets",
    "CE",
    "CloudFront",
    "GlobalAccelerator",
    "IAM",
    "NetworkManager",
    "Organizations",
    "Route53",
    "Route53RecoveryControl",
    "Route53RecoveryReadiness",
    "Shield",
];

pub(super) fn holds_data(name: &str) -> bool {
    DATA.binary_search(&name).is_ok()
}

pub(super) fn is_global(name: &str) -> bool {
    let service = name.split("::").nth(1);
    service.is_some_and(|service| GLOBAL.contains(&service))
}

/// Returns whether the tag index of a region does not list objects of this type.
pub(super) fn is_unindexed(name: &str) -> bool {
    is_global(name)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::facts;

    /// Types of other regions than those of the facts may be missing there.
    #[test]
    fn the_tables_are_sorted_and_name_what_exists() {
        assert!(DATA.is_sorted());
        assert!(GLOBAL.is_sorted());
        let known = DATA
            .iter()
            .filter(|name| facts::get(name).is_some())
            .count();
        assert!(known > 40, "{known}");
        assert!(holds_data("AWS::DynamoDB::Table") && !holds_data("AWS::SNS::Topic"));
        assert!(is_global("AWS::IAM::InstanceProfile") && !is_global("AWS::SQS::Queue"));
    }
}
