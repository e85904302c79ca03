//! Parameters of PostgreSQL on RDS.

use std::collections::BTreeMap;

use crate::stack::Fault;

use super::context::Context;

/// Parameters that PostgreSQL reads at its start alone. RDS refuses to apply them at once, so they wait for a reboot.
const STATIC: &[&str] = &[
    "autovacuum_freeze_max_age",
    "autovacuum_max_workers",
    "autovacuum_multixact_freeze_max_age",
    "huge_pages",
    "ignore_invalid_pages",
    "jit_provider",
    "logging_collector",
    "max_connections",
    "max_files_per_process",
    "max_locks_per_transaction",
    "max_logical_replication_workers",
    "max_pred_locks_per_transaction",
    "max_prepared_transactions",
    "max_replication_slots",
    "max_wal_senders",
    "max_worker_processes",
    "min_dynamic_shared_memory",
    "old_snapshot_threshold",
    "pg_stat_statements.max",
    "rds.enable_plan_management",
    "rds.logical_replication",
    "shared_buffers",
    "shared_memory_type",
    "shared_preload_libraries",
    "superuser_reserved_connections",
    "track_activity_query_size",
    "track_commit_timestamp",
    "wal_buffers",
    "wal_level",
];

/// The range that RDS allows.
const CONNECTIONS: std::ops::RangeInclusive<u32> = 6..=262_143;

/// When RDS applies a parameter.
pub fn apply_method(name: &str) -> &'static str {
    if STATIC.contains(&name) {
        "pending-reboot"
    } else {
        "immediate"
    }
}

/// Checks the names, and answers with `max_connections`, which the alarm on connections goes by.
pub fn check(context: &mut Context<'_>, parameters: &BTreeMap<String, String>) -> u32 {
    for name in parameters.keys() {
        let alphabet = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || "._".contains(c);
        let path = format!("database.parameters.{name}");
        if name.is_empty() || !name.chars().all(alphabet) {
            let label = "a parameter takes lower-case letters, digits, `.` and `_`";
            context.refuse_key(Fault::Name, &path, label);
        }
    }
    let connections = parameters.get("max_connections");
    match connections.and_then(|value| value.parse().ok()) {
        Some(count) if CONNECTIONS.contains(&count) => count,
        _ => {
            let path = "database.parameters.max_connections";
            let label =
                "takes a whole number from 6 to 262143, which the alarm on connections goes by";
            context.refuse(Fault::OutOfRange, path, label);
            0
        }
    }
}
