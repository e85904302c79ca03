//! The database, defaults filled in.

use std::collections::BTreeMap;

use super::checks;
use super::instance_class::{self, Credits};
use super::logs::Logs;
use super::parameters::{self, FORCE_SSL};
use super::spec::{ApplyChanges, DEFAULT_VERSION, DatabaseSpec, SslMode};
use super::urns::{KEY, replica};
use crate::component::context::Context;
use crate::component::key::SectionKey;
use crate::graph::OnDelete;
use crate::resource::{StackId, Urn};
use crate::stack::Environment;

const PORT: u16 = 5432;

/// A database, settled.
#[derive(Debug, Clone, PartialEq)]
pub struct Database {
    pub(super) name: Option<String>,
    pub(super) database_name: String,
    pub(super) username: String,
    pub(super) engine_version: String,
    pub(super) allow_major_version_upgrade: bool,
    pub instance_class: String,
    pub storage: u32,
    pub max_storage: Option<u32>,
    pub(super) multi_az: bool,
    pub(super) backup_retention_days: u8,
    pub(super) backup_window: Option<String>,
    pub(super) maintenance_window: Option<String>,
    pub(super) apply_changes: ApplyChanges,
    pub(super) deletion_protection: bool,
    pub(super) on_delete: OnDelete,
    pub(super) parameters: BTreeMap<String, String>,
    pub read_replicas: u8,
    pub(super) performance_insights: bool,
    pub(super) monitoring_interval: u32,
    pub(super) ssl_mode: SslMode,
    pub(super) ssl_root_cert: Option<String>,
    pub(super) logs: Logs,
    /// True if IAM roles can log in.
    pub iam_authentication: bool,
    /// True if the file does not say whether connections have to be encrypted.
    pub(super) forces_tls_by_default: bool,
    pub port: u16,
    /// The value of `max_connections`.
    pub max_connections: u32,
}

/// Fills in the defaults and checks the section. `None` if it is absent or structurally at fault.
pub fn resolve_defaults(context: &mut Context<'_>) -> Option<Database> {
    let spec: DatabaseSpec = context.spec(KEY)?;
    let environment = context.environment();
    context.need_section(KEY, SectionKey::Network, "a database lives in a network");
    checks::check(context, &spec);
    checks::check_tls(context, &spec);
    let mut parameters: BTreeMap<String, String> = spec
        .parameters
        .iter()
        .map(|(name, value)| (name.clone(), parameters::text(&value.0)))
        .collect();
    parameters
        .entry("max_connections".to_owned())
        .or_insert_with(|| environment.choose(100, 200, 200).to_string());
    let forces_tls_by_default = checks::forces_tls_by_default(&spec);
    if forces_tls_by_default {
        parameters.insert(FORCE_SSL.to_owned(), "1".to_owned());
    }
    let logs = Logs::resolve_defaults(context, spec.log_exports.as_deref());
    let max_connections = parameters::check(context, &parameters);
    let backup_retention_days = checks::backup_retention(&spec, environment);
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

    /// The replicas.
    pub fn replicas(&self, stack: &StackId) -> impl Iterator<Item = Urn> {
        (1..=self.read_replicas).map(|number| replica(stack, number))
    }

    /// The memory of each instance in MiB; `None` for classes that are not known here.
    pub fn memory_mib(&self) -> Option<u32> {
        instance_class::memory_mib(&self.instance_class)
    }

    /// The way in which each instance pays for bursts; `None` for classes that are not burstable.
    pub fn credits(&self) -> Option<Credits> {
        instance_class::credits(&self.instance_class)
    }
}
