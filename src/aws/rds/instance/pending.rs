//! Changes of an instance that are decided but not in force, and the order in which instances are rebooted for them.

use std::collections::BTreeMap;

use aws_sdk_rds::types::DbInstance;
use serde_json::Value as Json;

use super::model::Maintenance;
use crate::aws::rds::parameter_group::parameter_at;
use crate::resource::{Change, Condition, Observed, Pending, Until, Value};

/// The parameters that a replica needs at least as high as its source has them:
/// <https://www.postgresql.org/docs/current/hot-standby.html#HOT-STANDBY-ADMIN>.
const AT_LEAST_AS_THE_SOURCE: [&str; 5] = [
    "max_connections",
    "max_locks_per_transaction",
    "max_prepared_transactions",
    "max_wal_senders",
    "max_worker_processes",
];

/// Returns the values that wait for the maintenance window, by property; `None` if none does. A password never waits:
/// <https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/USER_ModifyInstance.Settings.html>.
pub(super) fn values(instance: &DbInstance) -> Option<BTreeMap<String, Json>> {
    let pending = instance.pending_modified_values()?;
    let entries: [(&str, Json); 14] = [
        ("instanceClass", pending.db_instance_class().into()),
        ("allocatedStorage", pending.allocated_storage().into()),
        ("port", pending.port().into()),
        (
            "backupRetentionPeriod",
            pending.backup_retention_period().into(),
        ),
        ("multiAz", pending.multi_az().into()),
        ("engineVersion", pending.engine_version().into()),
        ("licenseModel", pending.license_model().into()),
        ("iops", pending.iops().into()),
        ("storageThroughput", pending.storage_throughput().into()),
        ("identifier", pending.db_instance_identifier().into()),
        ("storageType", pending.storage_type().into()),
        (
            "caCertIdentifier",
            pending.ca_certificate_identifier().into(),
        ),
        ("dbSubnetGroupName", pending.db_subnet_group_name().into()),
        (
            "iamDatabaseAuthenticationEnabled",
            pending.iam_database_authentication_enabled().into(),
        ),
    ];
    let mut values: BTreeMap<String, Json> = entries
        .into_iter()
        .filter(|(_, value)| !value.is_null())
        .map(|(name, value)| (name.to_owned(), value))
        .collect();
    if let Some(logs) = pending.pending_cloudwatch_logs_exports() {
        let signed = |sign: char, logs: &[String]| {
            let logs = logs.iter().map(|log| format!("{sign}{log}"));
            logs.collect::<Vec<_>>()
        };
        let mut changes = signed('+', logs.log_types_to_enable());
        changes.extend(signed('-', logs.log_types_to_disable()));
        if !changes.is_empty() {
            let property = "enabledCloudwatchLogsExports".to_owned();
            values.insert(property, changes.join(" ").into());
        }
    }
    (!values.is_empty()).then_some(values)
}

/// Returns the pending changes of an instance that AWS is not working on.
pub(super) fn of(instance: &Observed) -> Vec<Pending> {
    if instance.condition != Condition::Ready {
        return Vec::new();
    }
    let window = instance
        .inputs
        .get("maintenanceWindow")
        .and_then(Value::as_str);
    let values = instance.outputs.get("pending").and_then(Value::as_object);
    let mut pending: Vec<Pending> = values
        .into_iter()
        .flatten()
        .map(|(name, value)| {
            let value = match value {
                Value::String(text) => text.clone(),
                other => serde_json::Value::from(other).to_string(),
            };
            Pending {
                what: format!("{name} {value}"),
                until: Until::Window(window.map(|window| format!("{window} UTC"))),
            }
        })
        .collect();
    if instance
        .outputs
        .get("pendingReboot")
        .and_then(Value::as_bool)
        == Some(true)
    {
        pending.push(Pending {
            what: "what has changed in its parameters".to_owned(),
            until: Until::Reboot,
        });
    }
    let announced = instance
        .outputs
        .get("maintenance")
        .map(serde_json::Value::from);
    let announced =
        announced.and_then(|json| serde_json::from_value::<Vec<Maintenance>>(json).ok());
    pending.extend(announced.into_iter().flatten().map(Pending::from));
    pending
}

/// Returns whether replicas are rebooted before their source: this is so if a parameter grows that replicas need at least as
/// high. If it shrinks, or the direction is not known, the source comes first, and its replicas go on once they are
/// rebooted, too; a replica with too low a value stops.
pub(super) fn replicas_first(mut changes: &mut dyn Iterator<Item = &Change>) -> bool {
    let number = |value: &Value| match value {
        Value::String(text) => text.parse::<f64>().ok(),
        other => other.as_number(),
    };
    Iterator::any(&mut changes, |change| {
        let name = parameter_at(&change.path);
        let counts = name.is_some_and(|name| AT_LEAST_AS_THE_SOURCE.contains(&name));
        let grows = number(&change.before).zip(number(&change.after));
        counts && grows.is_some_and(|(before, after)| after > before)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::resource::diff::compare_values;

    #[test]
    fn replicas_come_first_where_what_they_need_grows() {
        for (name, before, after, expected) in [
            ("max_connections", "100", "200", true),
            ("max_connections", "200", "100", false),
            ("max_worker_processes", "8", "16", true),
            ("shared_buffers", "100", "200", false),
            // The value is a formula, or the default of the family.
            (
                "max_connections",
                "{DBInstanceClassMemory/9531392}",
                "200",
                false,
            ),
        ] {
            let parameters = |value: &str| Value::object([(name, value.into())]);
            let mut changes = Vec::new();
            let (before, after) = (parameters(before), parameters(after));
            compare_values(&"parameters".into(), &before, &after, &mut changes);
            assert_eq!(replicas_first(&mut changes.iter()), expected, "{name}");
        }
    }
}
