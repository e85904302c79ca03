//! The keys of `database:`.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::Deserialize;

use super::logs::LogExport;
use crate::component::elsewhere;
use crate::component::text::Scalar;
use crate::graph::OnDelete;

pub const ENGINE: &str = "postgres";
/// The version if the file names none.
pub const DEFAULT_VERSION: &str = "16";

/// The key that decides about an input of the instance and its replicas, where one does.
pub fn key_of(input: &str) -> Option<&'static str> {
    Some(match input {
        "allocatedStorage" => "storageGiB",
        "engineVersion" => "engineVersion",
        "iamDatabaseAuthenticationEnabled" => "iamAuthentication",
        "instanceClass" => "instanceClass",
        "maxAllocatedStorage" => "maxStorageGiB",
        "monitoringInterval" => "monitoringIntervalSeconds",
        "multiAz" => "multiAz",
        "performanceInsightsEnabled" => "performanceInsights",
        _ => return None,
    })
}

/// A PostgreSQL database on RDS, encrypted, in the private subnets.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
#[schemars(
    rename = "Database",
    extend("x-synonyms" = elsewhere::database_synonyms(), "x-unsupported" = elsewhere::database_unsupported())
)]
pub struct DatabaseSpec {
    /// The name of the instance in AWS: 1 to 63 lower-case letters, digits and single hyphens, a letter first.
    /// Default: derived from the stack.
    #[schemars(example = &"happyrobot-fde-postgres", length(min = 1, max = 63))]
    pub name: Option<String>,
    /// The database that is made with the instance. Default: the name of the stack, with `_` for `-`.
    #[schemars(example = &"happyrobot_fde", length(min = 1, max = 63))]
    pub database_name: Option<String>,
    /// The master user. Default: `postgres`.
    #[schemars(length(min = 1, max = 63))]
    pub username: Option<String>,
    /// The version of PostgreSQL, in quotes: better the major version alone, which takes the minor version that RDS prefers,
    /// since it closes old minor versions to new instances; `15.4`, for one, works as long as it is on offer. Default: `16`.
    #[schemars(example = &"15")]
    pub engine_version: Option<String>,
    /// Allows a change of `engineVersion` to another major version, which interrupts the database and has no way back.
    /// Default: false.
    pub allow_major_version_upgrade: Option<bool>,
    /// The size of the instance. Default: `db.t3.micro` in dev, `db.t3.small` in staging, `db.t3.medium` in prod.
    #[schemars(example = &"db.t3.micro")]
    pub instance_class: Option<String>,
    /// The storage in GiB, gp3. Default: 20 in dev, 50 in staging and prod.
    #[schemars(rename = "storageGiB", range(min = 20, max = 65536))]
    #[serde(rename = "storageGiB")]
    pub storage_gib: Option<u32>,
    /// The GiB up to which the storage grows by itself, at least a tenth more than it starts with. Default: no growth in dev,
    /// twice `storageGiB` in staging, five times `storageGiB` in prod.
    #[schemars(rename = "maxStorageGiB", range(min = 22, max = 65536))]
    #[serde(rename = "maxStorageGiB")]
    pub max_storage_gib: Option<u32>,
    /// Keeps a standby in a second zone that takes over. Default: true in prod.
    pub multi_az: Option<bool>,
    /// The number of days for which backups are kept; 0 switches them off. Default: 1 in dev, 7 in staging and prod.
    #[schemars(range(min = 0, max = 35))]
    pub backup_retention_days: Option<u8>,
    /// The time window in which backups are made, in UTC, at least half an hour. Default: AWS chooses.
    #[schemars(example = &"03:00-04:00")]
    #[schemars(extend("x-pattern" = "^[0-2][0-9]:[0-5][0-9]-[0-2][0-9]:[0-5][0-9]$"))]
    pub backup_window: Option<String>,
    /// The time window in which AWS may maintain the instance, in UTC, at least half an hour. Default: AWS chooses.
    #[schemars(example = &"sun:04:30-sun:05:30")]
    #[schemars(extend("x-pattern" = "^[a-z]{3}:[0-2][0-9]:[0-5][0-9]-[a-z]{3}:[0-2][0-9]:[0-5][0-9]$"))]
    pub maintenance_window: Option<String>,
    /// The time of changes to the instance that interrupt it or slow it down: at once, or in the maintenance window.
    /// Default: `now`.
    pub apply_changes: Option<ApplyChanges>,
    /// Makes RDS itself refuse to delete the instance. Default: true in prod.
    pub deletion_protection: Option<bool>,
    /// The action that `destroy` takes on the data. Default: `delete` in dev, `snapshot` in staging, `retain` in prod.
    pub on_delete: Option<OnDeleteSpec>,
    /// Parameters of PostgreSQL; `true` and `false` become `1` and `0`, as RDS takes them. `max_connections` has a default,
    /// 100 in dev and 200 elsewhere, which the alarm on connections is based on. So has `rds.force_ssl`: 1, for TLS alone;
    /// with `sslMode: disable` it is left to the version of PostgreSQL.
    #[schemars(example = serde_json::json!({"max_connections": 200, "log_min_duration_statement": 1000}))]
    pub parameters: BTreeMap<String, Scalar>,
    /// The number of copies to read from, which follow the instance; they need backups. Default: 0.
    #[schemars(range(min = 0, max = 5))]
    pub read_replicas: Option<u8>,
    /// Keeps a week of Performance Insights. Default: true.
    pub performance_insights: Option<bool>,
    /// Seconds between the readings of enhanced monitoring; 0 switches it off. Default: 60.
    pub monitoring_interval_seconds: Option<MonitoringInterval>,
    /// The encryption that `${database.url}` asks of the connection: `require` for TLS, `verify-full` for a certificate of
    /// RDS for this host as well, `disable` for neither, which PostgreSQL 15 and later refuse unless `rds.force_ssl` is 0.
    /// Default: `require`.
    pub ssl_mode: Option<SslMode>,
    /// The path in the image of the certificates of RDS, for `sslMode: verify-full`
    /// (<https://truststore.pki.rds.amazonaws.com/global/global-bundle.pem>).
    #[schemars(example = &"/etc/ssl/rds.pem")]
    pub ssl_root_cert: Option<String>,
    /// The logs that instance and replicas send to CloudWatch, to groups that keep them as long as those of the services:
    /// `postgresql`, the server's, and `upgrade`, that of upgrades of the major version. Default: none in dev,
    /// both in staging and prod.
    #[schemars(example = ["postgresql"])]
    pub log_exports: Option<Vec<LogExport>>,
    /// Lets IAM roles log in without a password, only over TLS: each service that uses the database logs in as the user of
    /// its own name, with `_` for `-`, once that user is made (`CREATE USER api; GRANT rds_iam TO api`). Default: false.
    pub iam_authentication: Option<bool>,
}

/// The required encryption of a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum SslMode {
    /// Not encrypted.
    Disable,
    /// Encrypted.
    Require,
    /// Encrypted, to a host whose certificate is one of RDS.
    VerifyFull,
}

impl SslMode {
    pub fn word(self) -> &'static str {
        match self {
            Self::Disable => "disable",
            Self::Require => "require",
            Self::VerifyFull => "verify-full",
        }
    }
}

/// The time of changes to the instance.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum ApplyChanges {
    /// At once.
    Now,
    /// In the maintenance window.
    Window,
}

/// The action that `destroy` takes on data.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum OnDeleteSpec {
    /// It is deleted permanently.
    Delete,
    /// It is deleted, and leaves a final snapshot.
    Snapshot,
    /// It stays.
    Retain,
}

impl From<OnDeleteSpec> for OnDelete {
    fn from(spec: OnDeleteSpec) -> Self {
        match spec {
            OnDeleteSpec::Delete => Self::Delete,
            OnDeleteSpec::Snapshot => Self::Snapshot,
            OnDeleteSpec::Retain => Self::Retain,
        }
    }
}

/// The intervals that RDS takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(transparent)]
pub struct MonitoringInterval(pub u32);

impl JsonSchema for MonitoringInterval {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> std::borrow::Cow<'static, str> {
        "MonitoringInterval".into()
    }

    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({ "type": "integer", "minimum": 0, "maximum": 60 })
    }
}
