//! `database:`: a PostgreSQL instance in the private subnets, reached by the services alone, with a password that no one
//! sees.
//!
//! ```yaml
//! database:
//!   engineVersion: "15"
//!   instanceClass: db.t3.micro
//!   parameters: { max_connections: 200 }
//! ```
//!
//! Secrets Manager generates the password; RDS gets it from there, and services through `secrets:`. Offers
//! `${database.endpoint}`, `host`, `port`, `databaseName`, `username`, `identifier`, `arn`, `secretArn`, `replicaHosts`,
//! `resourceId`, and, for `secrets:` of a service alone, `${database.url}` and `${database.password}`. The section is
//! checked in `database_checks.rs`; its logs are in `database_logs.rs`, and logins without a password in
//! `database_access.rs`.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::Deserialize;

use crate::graph::OnDelete;
use crate::resource::value::properties;
use crate::resource::{Path, Properties, StackId, Urn, Value};
use crate::stack::Environment;

use super::logs::{LogExport, Logs};
use super::parameters::FORCE_SSL;
use super::{checks as database_checks, parameters};
use crate::component::context::Context;
use crate::component::lookup::{Export, SecretKey};
use crate::component::network::{self, Network, security_groups};
use crate::component::{Platform, Scalar, elsewhere, policy};

pub const KEY: &str = "database";

const PORT: u16 = 5432;
pub const ENGINE: &str = "postgres";
/// The version if the file names none.
pub const DEFAULT_VERSION: &str = "16";

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
    /// The GiB up to which the storage grows by itself, at least a tenth more than it starts with. Default: it does not grow
    /// in dev; twice its size in staging, five times in prod.
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
    pub backup_window: Option<String>,
    /// The time window in which AWS may maintain the instance, in UTC, at least half an hour. Default: AWS chooses.
    #[schemars(example = &"sun:04:30-sun:05:30")]
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
    /// `postgresql`, the server's, and `upgrade`, that of upgrades of the major version. Default: both in staging and
    /// prod, none in dev.
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
    fn word(self) -> &'static str {
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

/// A database, settled.
#[derive(Debug, Clone, PartialEq)]
pub struct Database {
    name: Option<String>,
    database_name: String,
    username: String,
    engine_version: String,
    allow_major_version_upgrade: bool,
    pub instance_class: String,
    pub storage: u32,
    pub max_storage: Option<u32>,
    multi_az: bool,
    backup_retention_days: u8,
    backup_window: Option<String>,
    maintenance_window: Option<String>,
    apply_changes: ApplyChanges,
    deletion_protection: bool,
    on_delete: OnDelete,
    parameters: BTreeMap<String, String>,
    pub read_replicas: u8,
    performance_insights: bool,
    monitoring_interval: u32,
    ssl_mode: SslMode,
    ssl_root_cert: Option<String>,
    logs: Logs,
    /// True if IAM roles can log in.
    pub iam_authentication: bool,
    /// True if the file does not say whether connections have to be encrypted.
    forces_tls_by_default: bool,
    pub port: u16,
    /// The value of `max_connections`.
    pub max_connections: u32,
}

/// The instance.
pub fn instance(stack: &StackId) -> Urn {
    Urn::new(stack, "aws:rds:Instance", "database/instance")
}

/// The parameters of the instance and its replicas.
pub fn parameter_group(stack: &StackId) -> Urn {
    Urn::new(stack, "aws:rds:ParameterGroup", "database/parameterGroup")
}

fn secret(stack: &StackId) -> Urn {
    Urn::new(stack, "aws:secretsmanager:Secret", "database/secret")
}

/// The attachment that completes the secret with host and URL. Resources that read these keys have to come after it.
fn secret_attachment(stack: &StackId) -> Urn {
    let name = "database/secretAttachment";
    Urn::new(stack, "fde:secretsmanager:TargetAttachment", name)
}

/// A read replica, counted from 1.
pub fn replica(stack: &StackId, number: u8) -> Urn {
    Urn::new(
        stack,
        "aws:rds:Instance",
        format!("database/replica{number}"),
    )
}

/// Fills in the defaults and checks the section. `None` if it is absent or structurally at fault.
pub fn resolve_defaults(context: &mut Context<'_>) -> Option<Database> {
    let spec: DatabaseSpec = context.spec(KEY)?;
    let environment = context.environment();
    context.need_section(KEY, network::KEY, "a database lives in a network");
    database_checks::check(context, &spec);
    database_checks::check_tls(context, &spec);
    let mut parameters: BTreeMap<String, String> = spec
        .parameters
        .iter()
        .map(|(name, value)| (name.clone(), parameters::text(&value.0)))
        .collect();
    parameters
        .entry("max_connections".to_owned())
        .or_insert_with(|| environment.choose(100, 200, 200).to_string());
    let forces_tls_by_default = database_checks::forces_tls_by_default(&spec);
    if forces_tls_by_default {
        parameters.insert(FORCE_SSL.to_owned(), "1".to_owned());
    }
    let logs = Logs::resolve_defaults(context, &spec);
    let max_connections = parameters::check(context, &parameters);
    let backup_retention_days = database_checks::backup_retention(&spec, environment);
    let storage = spec.storage_gib.unwrap_or(environment.choose(20, 50, 50));
    let grown = environment.choose(None, Some(2), Some(5));
    Some(Database {
        database_name: spec
            .database_name
            .unwrap_or_else(|| context.id.name.replace('-', "_")),
        username: spec.username.unwrap_or_else(|| "postgres".to_owned()),
        engine_version: spec
            .engine_version
            .unwrap_or_else(|| DEFAULT_VERSION.to_owned()),
        allow_major_version_upgrade: spec.allow_major_version_upgrade.unwrap_or(false),
        instance_class: spec.instance_class.unwrap_or_else(|| {
            environment
                .choose("db.t3.micro", "db.t3.small", "db.t3.medium")
                .to_owned()
        }),
        storage,
        max_storage: spec
            .max_storage_gib
            .or_else(|| grown.map(|factor: u32| (storage * factor).min(65536))),
        multi_az: spec.multi_az.unwrap_or(environment == Environment::Prod),
        backup_retention_days,
        backup_window: spec.backup_window,
        maintenance_window: spec.maintenance_window.map(|window| window.to_lowercase()),
        apply_changes: spec.apply_changes.unwrap_or(ApplyChanges::Now),
        deletion_protection: spec
            .deletion_protection
            .unwrap_or(environment == Environment::Prod),
        on_delete: spec.on_delete.map_or_else(
            || environment.choose(OnDelete::Delete, OnDelete::Snapshot, OnDelete::Retain),
            OnDelete::from,
        ),
        parameters,
        read_replicas: spec.read_replicas.unwrap_or(0),
        performance_insights: spec.performance_insights.unwrap_or(true),
        monitoring_interval: spec
            .monitoring_interval_seconds
            .map_or(60, |interval| interval.0),
        ssl_mode: spec.ssl_mode.unwrap_or(SslMode::Require),
        ssl_root_cert: spec.ssl_root_cert,
        logs,
        iam_authentication: spec.iam_authentication.unwrap_or(false),
        forces_tls_by_default,
        port: PORT,
        max_connections,
        name: spec.name,
    })
}

impl Database {
    /// Returns what happens to its data when the stack is destroyed.
    pub fn on_delete(&self) -> OnDelete {
        self.on_delete
    }

    /// The outputs that `${database.…}` can ask for.
    pub fn exports(&self, context: &Context<'_>) -> BTreeMap<String, Export> {
        let stack = &context.id;
        let instance = instance(stack);
        let secret_key = |key| {
            Export::SecretKey(SecretKey {
                arn: Value::output(&secret(stack), "arn"),
                written_arn: Value::output(&secret_attachment(stack), "secretId"),
                key,
            })
        };
        let replicas = self.replicas(stack);
        let replica_hosts = replicas.map(|replica| Value::output(&replica, "address"));
        let mut exports: BTreeMap<String, Export> = [
            ("endpoint", Value::output(&instance, "endpoint")),
            ("host", Value::output(&instance, "address")),
            ("port", u32::from(self.port).into()),
            ("databaseName", self.database_name.as_str().into()),
            ("username", self.username.as_str().into()),
            ("identifier", Value::output(&instance, "identifier")),
            ("arn", Value::output(&instance, "arn")),
            ("secretArn", Value::output(&secret(stack), "arn")),
            ("replicaHosts", Value::list(replica_hosts)),
            ("resourceId", Value::output(&instance, "resourceId")),
        ]
        .into_iter()
        .map(|(name, value)| (name.to_owned(), Export::Value(value)))
        .collect();
        exports.insert("url".to_owned(), secret_key("url"));
        exports.insert("password".to_owned(), secret_key("password"));
        exports
    }

    /// The replicas.
    pub fn replicas(&self, stack: &StackId) -> impl Iterator<Item = Urn> {
        (1..=self.read_replicas).map(|number| replica(stack, number))
    }

    /// Adds the resources of the section.
    pub fn expand(&self, context: &mut Context<'_>, platform: &Platform, network: &Network) {
        let stack = context.id.clone();
        let log_days = platform.log_retention_days(context);
        let subnet_group = Urn::new(&stack, "aws:rds:SubnetGroup", "database/subnetGroup");
        let group_inputs = properties([
            ("description", "The private subnets".into()),
            ("subnetIds", network.private_subnet_ids(&stack)),
            ("vpcId", Value::output(&network::vpc(&stack), "id")),
        ]);
        context.add(KEY, subnet_group.clone(), group_inputs);
        let parameter_group = self.add_parameter_group(context, &stack);
        let monitoring_role =
            (self.monitoring_interval > 0).then(|| add_monitoring_role(context, &stack));
        self.add_secret(context, &stack);

        let shared = self.shared_inputs(&stack, &parameter_group, monitoring_role.as_ref());
        let mut inputs = shared.clone();
        inputs.extend(properties([
            ("identifier", self.name.as_deref().into()),
            ("engine", ENGINE.into()),
            ("engineVersion", self.engine_version.as_str().into()),
            ("allocatedStorage", self.storage.into()),
            ("maxAllocatedStorage", self.max_storage.into()),
            ("storageType", "gp3".into()),
            ("storageEncrypted", true.into()),
            ("dbName", self.database_name.as_str().into()),
            ("username", self.username.as_str().into()),
            (
                "masterPasswordSecretArn",
                Value::output(&secret(&stack), "arn"),
            ),
            ("port", u32::from(self.port).into()),
            ("dbSubnetGroupName", Value::output(&subnet_group, "name")),
            ("multiAz", self.multi_az.into()),
            (
                "backupRetentionPeriod",
                u32::from(self.backup_retention_days).into(),
            ),
            ("backupWindow", self.backup_window.as_deref().into()),
            (
                "maintenanceWindow",
                self.maintenance_window.as_deref().into(),
            ),
            ("deletionProtection", self.deletion_protection.into()),
        ]));
        if self.allow_major_version_upgrade {
            inputs.insert("allowMajorVersionUpgrade".to_owned(), true.into());
        }
        let resource = context.add(KEY, instance(&stack), inputs);
        resource.options.on_delete = self.on_delete;
        resource.origin.name_key = Some(Path::from(KEY).key("name"));
        let name = self.name.as_deref();
        self.logs.expand(context, &instance(&stack), name, log_days);

        let attachment = properties([
            ("secretId", Value::output(&secret(&stack), "arn")),
            ("engine", ENGINE.into()),
            ("host", Value::output(&instance(&stack), "address")),
            ("port", u32::from(self.port).into()),
            ("dbname", self.database_name.as_str().into()),
            ("username", self.username.as_str().into()),
            ("sslMode", self.ssl_mode.word().into()),
            ("sslRootCert", self.ssl_root_cert.as_deref().into()),
        ]);
        context.add(KEY, secret_attachment(&stack), attachment);
        self.add_replicas(context, &stack, &shared, log_days);

        let endpoint = Value::output(&instance(&stack), "endpoint");
        context
            .outputs
            .push(("databaseEndpoint".to_owned(), endpoint));
        let secret_arn = Value::output(&secret(&stack), "arn");
        context
            .outputs
            .push(("databaseSecretArn".to_owned(), secret_arn));
    }

    /// The inputs that the instance and its replicas have in common.
    fn shared_inputs(
        &self,
        stack: &StackId,
        parameter_group: &Urn,
        monitoring_role: Option<&Urn>,
    ) -> Properties {
        let group = Value::output(&security_groups::database(stack), "id");
        let mut inputs = properties([
            ("instanceClass", self.instance_class.as_str().into()),
            ("vpcSecurityGroupIds", Value::list([group])),
            ("parameterGroupName", Value::output(parameter_group, "name")),
            ("publiclyAccessible", false.into()),
            ("autoMinorVersionUpgrade", true.into()),
            // A snapshot with our ownership tags would count as part of the stack. A final snapshot gets the other tags.
            ("copyTagsToSnapshot", false.into()),
            (
                "performanceInsightsEnabled",
                self.performance_insights.into(),
            ),
            ("monitoringInterval", self.monitoring_interval.into()),
            (
                "applyImmediately",
                (self.apply_changes == ApplyChanges::Now).into(),
            ),
        ]);
        if self.performance_insights {
            inputs.insert("performanceInsightsRetentionPeriod".to_owned(), 7.into());
        }
        if let Some(role) = monitoring_role {
            inputs.insert("monitoringRoleArn".to_owned(), Value::output(role, "arn"));
        }
        // A replica does not inherit it from its source:
        // <https://docs.aws.amazon.com/AmazonRDS/latest/APIReference/API_CreateDBInstanceReadReplica.html>
        if self.iam_authentication {
            inputs.insert("iamDatabaseAuthenticationEnabled".to_owned(), true.into());
        }
        inputs
    }

    fn add_parameter_group(&self, context: &mut Context<'_>, stack: &StackId) -> Urn {
        let urn = parameter_group(stack);
        let major = self.engine_version.split('.').next().unwrap_or_default();
        let parameters = self.parameters.iter().map(|(name, value)| {
            Value::object([
                ("name", name.as_str().into()),
                ("value", value.as_str().into()),
            ])
        });
        let inputs = properties([
            ("family", format!("{ENGINE}{major}").into()),
            ("description", "Parameters of the database".into()),
            ("parameters", Value::list(parameters)),
        ]);
        let resource = context.add(KEY, urn.clone(), inputs);
        if self.forces_tls_by_default {
            // Older versions have 0, and newer ones may have been set to it.
            let keep = "database.parameters: { rds.force_ssl: 0 }";
            let path = Path::from("parameters").key(FORCE_SSL);
            resource.new_default(path, None::<Value>, keep);
        }
        urn
    }

    fn add_secret(&self, context: &mut Context<'_>, stack: &StackId) {
        let template = serde_json::json!({ "username": self.username }).to_string();
        let inputs = properties([
            ("description", "Access to the database".into()),
            (
                "generateSecretString",
                Value::object([
                    ("secretStringTemplate", template.into()),
                    ("generateStringKey", "password".into()),
                    ("passwordLength", 32.into()),
                    // RDS refuses some punctuation, and in a URL most of it would have to be escaped.
                    ("excludePunctuation", true.into()),
                ]),
            ),
        ]);
        let resource = context.add(KEY, secret(stack), inputs);
        resource.options.on_delete = self.on_delete;
    }

    fn add_replicas(
        &self,
        context: &mut Context<'_>,
        stack: &StackId,
        shared: &Properties,
        log_days: u32,
    ) {
        for number in 1..=self.read_replicas {
            let mut inputs = shared.clone();
            // A replica that is full stops replaying, and what it has not replayed then fills its source.
            inputs.insert("allocatedStorage".to_owned(), self.storage.into());
            inputs.insert("maxAllocatedStorage".to_owned(), self.max_storage.into());
            let source = Value::output(&instance(stack), "identifier");
            inputs.insert("replicateSourceDb".to_owned(), source);
            let name = self.name.as_ref();
            let name = name.map(|name| format!("{name}-replica{number}"));
            inputs.extend(properties([("identifier", name.as_deref().into())]));
            let resource = context.add(KEY, replica(stack, number), inputs);
            resource.origin.name_key = Some(Path::from(KEY).key("name"));
            // All it holds, the instance holds too.
            resource.options.on_delete = OnDelete::Delete;
            if number > 1 {
                // RDS makes replicas of one source one at a time.
                let before = replica(stack, number - 1);
                resource.options.depends_on.insert(before);
            }
            // It sends its own logs, and does not inherit which.
            let urn = replica(stack, number);
            self.logs.expand(context, &urn, name.as_deref(), log_days);
        }
    }
}

fn add_monitoring_role(context: &mut Context<'_>, stack: &StackId) -> Urn {
    let role = Urn::new(stack, "aws:iam:Role", "database/monitoringRole");
    let inputs = properties([
        ("description", "Enhanced monitoring of the database".into()),
        (
            "assumeRolePolicy",
            policy::assumed_by(stack, "monitoring.rds.amazonaws.com"),
        ),
    ]);
    context.add(KEY, role.clone(), inputs);
    let managed = ":iam::aws:policy/service-role/AmazonRDSEnhancedMonitoringRole";
    let attachment = properties([
        ("role", Value::output(&role, "name")),
        (
            "policyArn",
            Value::join(["arn:".into(), policy::partition(stack), managed.into()]),
        ),
    ]);
    let urn = context.urn("aws:iam:RolePolicyAttachment", "database/monitoringPolicy");
    context.add(KEY, urn, attachment);
    role
}
