//! The inputs and outputs of an instance, and what its parts share: its live object, and the comparison of its properties.

use std::collections::BTreeMap;
use std::time::Duration;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::aws::kms::canonical_key;
use crate::aws::rds::NAME;
use crate::aws::resource_type::Live;
use crate::resource::{CreateClass, OutputTable, PropertyTable, Schema, TextRule, Value};

/// The times that an instance may take to come up, to change, and to be deleted (`aws-resources.md` §18).
pub(super) const CHANGE_MINUTES: u64 = 80;
pub(in crate::aws::rds) const DELETION: Duration = Duration::from_mins(60);

const IDENTIFIER: TextRule = NAME.at_most(63);

/// A database instance, or a read replica of one.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema, PropertyTable)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is a switch of its own in the API"
)]
pub struct Inputs {
    /// The identifier: 1 to 63 letters, digits and single hyphens, a letter first; lower-cased by AWS.
    #[property(replaces, lower_cased, text(IDENTIFIER))]
    pub identifier: String,
    /// The engine: `postgres`, `mysql`, `mariadb`, … Required except for a replica.
    #[property(server_chooses, replaces, lower_cased)]
    pub engine: Option<String>,
    /// The version: `15`, or `15.4`. AWS's newer minor versions of the same major version count as equal. A new instance
    /// accepts only versions that are still on offer, which old minor versions are not. Default: AWS's choice.
    #[property(server_chooses)]
    pub engine_version: Option<String>,
    /// The class: `db.t3.micro`, `db.r6g.large`, ……
    #[property(required)]
    pub instance_class: String,
    /// The storage in GiB. It can only grow. Required except for a replica.
    #[property(server_chooses)]
    pub allocated_storage: Option<i32>,
    /// The size in GiB up to which AWS lets the storage grow by itself. Default: it does not grow.
    #[property(canonical(zero_as_none))]
    pub max_allocated_storage: Option<i32>,
    /// The storage type: `gp2`, `gp3`, `io1` or `io2`.
    #[property(default("gp3"))]
    pub storage_type: String,
    /// True if the storage is encrypted. Default: AWS's choice, false for an instance and that of its source for a replica.
    #[property(server_chooses, replaces)]
    pub storage_encrypted: Option<bool>,
    /// The id, ARN or alias of the KMS key that encrypts the storage. Default: `alias/aws/rds`.
    #[property(server_chooses, replaces, canonical(canonical_key), regional)]
    pub kms_key_id: Option<String>,
    /// The provisioned operations per second. With `gp3` only from 400 GiB on. Default: the baseline of the storage type.
    #[property(server_chooses)]
    pub iops: Option<i32>,
    /// The throughput in MiB per second. Only with `gp3` and from 400 GiB on. Default: the baseline.
    #[property(server_chooses)]
    pub storage_throughput: Option<i32>,
    /// The database that is made along with the instance. Default: only the engine's own.
    #[property(server_chooses, replaces)]
    pub db_name: Option<String>,
    /// The master user. Required except for a replica.
    #[property(server_chooses, replaces)]
    pub username: Option<String>,
    /// The ARN of the secret whose JSON key `password` is the master password. Read when the instance is created, and again
    /// when the secret is another one, or, for a secret of the stack that does not rotate by itself, another version of it.
    /// Required except for a replica.
    #[property(remembered, regional)]
    pub master_password_secret_arn: Option<String>,
    /// The port. Default: the engine's own, such as 5432.
    #[property(server_chooses)]
    pub port: Option<i32>,
    /// The subnet group. Default: the group `default`, which is the default VPC.
    #[property(server_chooses, replaces, lower_cased)]
    pub db_subnet_group_name: Option<String>,
    /// The security groups. Default: the default security group of the VPC.
    #[property(server_chooses, set)]
    pub vpc_security_group_ids: Option<Vec<String>>,
    /// The parameter group. Default: AWS's group for the family. Another group takes full effect after a reboot.
    #[property(server_chooses, lower_cased)]
    pub parameter_group_name: Option<String>,
    /// True if a standby is kept in another zone.
    #[property(default(false))]
    pub multi_az: bool,
    /// The zone of an instance without a standby. Default: AWS's choice.
    #[property(server_chooses, replaces, zone)]
    pub availability_zone: Option<String>,
    /// True if the host name resolves to a public address outside the VPC.
    #[property(default(false))]
    pub publicly_accessible: bool,
    /// The days for which backups are kept, 0 to 35; 0 keeps none. Default: AWS's choice, 1 for an instance and 0 for a
    /// replica.
    #[property(server_chooses)]
    pub backup_retention_period: Option<i32>,
    /// The time for backups: `04:00-04:30`, UTC. Default: AWS's choice.
    #[property(server_chooses)]
    pub backup_window: Option<String>,
    /// The time for maintenance: `sun:05:00-sun:05:30`, UTC. Default: AWS's choice.
    #[property(server_chooses, lower_cased)]
    pub maintenance_window: Option<String>,
    /// True if AWS refuses to delete the instance.
    #[property(default(false))]
    pub deletion_protection: bool,
    /// True if Performance Insights is on.
    #[property(default(false))]
    pub performance_insights_enabled: bool,
    /// The days for which Performance Insights keeps data: 7, 731, or a multiple of 31. Default: 7.
    #[property(server_chooses)]
    pub performance_insights_retention_period: Option<i32>,
    /// The KMS key of Performance Insights. Default: `alias/aws/rds`. Cannot change once set.
    #[property(server_chooses, canonical(canonical_key))]
    pub performance_insights_kms_key_id: Option<String>,
    /// The seconds between points of enhanced monitoring: 0, 1, 5, 10, 15, 30 or 60; 0 is off.
    #[property(default(0))]
    pub monitoring_interval: i32,
    /// The role with which enhanced monitoring writes. Required if it is on.
    #[property(server_chooses)]
    pub monitoring_role_arn: Option<String>,
    /// True if AWS installs minor versions in the maintenance window.
    #[property(default(true))]
    pub auto_minor_version_upgrade: bool,
    /// True if a change of `engineVersion` may be one of the major version.
    #[property(default(false), write_only)]
    pub allow_major_version_upgrade: bool,
    /// True if changes happen at once, false if in the maintenance window.
    #[property(default(true), write_only)]
    pub apply_immediately: bool,
    /// True if snapshots get the tags of the instance.
    #[property(default(false))]
    pub copy_tags_to_snapshot: bool,
    /// The logs to send to CloudWatch: `postgresql`, `upgrade`, … Default: none.
    #[property(set)]
    pub enabled_cloudwatch_logs_exports: Option<Vec<String>>,
    /// True if IAM identities can log in.
    #[property(default(false))]
    pub iam_database_authentication_enabled: bool,
    /// The certificate authority: `rds-ca-rsa2048-g1`, …… Default: AWS's choice.
    #[property(server_chooses)]
    pub ca_cert_identifier: Option<String>,
    /// The instance to be a replica of, in the same region; it must keep backups. If this is removed, the replica is
    /// promoted to an independent instance.
    #[property(canonical(source_name))]
    pub replicate_source_db: Option<String>,
}

#[derive(Debug, Clone, Default, Serialize, Deserialize, OutputTable)]
#[serde(rename_all = "camelCase")]
pub struct Outputs {
    /// The address with the port: `host:port`.
    pub endpoint: Option<String>,
    /// The host name.
    pub address: Option<String>,
    /// The zone of the host name, for alias records.
    pub hosted_zone_id: Option<String>,
    /// The permanent id, `db-…`; it stays the same when the instance is renamed.
    pub resource_id: Option<String>,
    /// True if parameters wait for a reboot.
    pub pending_reboot: bool,
    /// The values that wait for the maintenance window, by property.
    pub pending: Option<BTreeMap<String, serde_json::Value>>,
    /// The maintenance that AWS has announced.
    #[serde(default)]
    pub maintenance: Option<Vec<Maintenance>>,
}

/// One announcement.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Maintenance {
    /// The action, in AWS's words: `system-update (New Operating System update is available)`; or the reason why it is not
    /// known.
    pub what: String,
    /// The day from which it is done in the maintenance window.
    pub planned: Option<String>,
    /// The day on which it is done regardless of the window.
    pub forced: Option<String>,
    /// True if AWS could not be asked.
    #[serde(default)]
    pub unknown: bool,
}

/// An instance as it is in AWS.
pub(super) type LiveInstance = Live<Inputs, Outputs>;

/// Returns the schema as far as inputs are compared by it. The type adds what the engine has to know beyond that.
pub(super) fn properties() -> Schema {
    Schema::of::<Inputs, Outputs>("aws:rds:Instance", CreateClass::NaturalKey)
}

/// Converts 0, Pulumi's value for storage that does not grow by itself, into null.
fn zero_as_none(value: Value) -> Value {
    if value.as_number() == Some(0.0) {
        Value::Null
    } else {
        value
    }
}

/// Returns a replica's source by name, as AWS reports it within a region.
fn source_name(source: Value) -> Value {
    let name = source
        .as_str()
        .map(|text| text.rsplit(':').next().unwrap_or(text).to_lowercase());
    name.map_or(source, Value::from)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_source_is_known_by_its_name() {
        assert_eq!(
            source_name("arn:aws:rds:r:1:db:Shop".into()),
            source_name("shop".into())
        );
        assert!(source_name(Value::Null).is_null());
    }
}
