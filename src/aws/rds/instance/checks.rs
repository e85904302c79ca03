//! Combinations that RDS does not accept in an instance. It says so when the instance is made, after the network exists.

use std::ops::RangeInclusive;

use super::model::Inputs;
use crate::resource::database::{self, Window};
use crate::resource::rule::Beside;
use crate::resource::{InvalidInput, Properties, Value};

/// The storage size from which gp3 can have more operations and throughput than its baseline.
/// <https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/CHAP_Storage.html>
const GP3_THRESHOLD: i32 = 400;

/// The ports that RDS accepts.
const PORTS: RangeInclusive<i32> = 1150..=65535;

/// The seconds that RDS accepts.
const MONITORING_INTERVALS: [i32; 7] = [0, 1, 5, 10, 15, 30, 60];

/// The objects that an instance has to be compatible with.
pub(super) const BESIDE: &[Beside] = &[
    Beside {
        by: "parameterGroupName",
        token: "aws:rds:ParameterGroup",
        check: beside_parameters,
    },
    Beside {
        by: "replicateSourceDb",
        token: "aws:rds:Instance",
        check: beside_source,
    },
];

/// Checks the parameter group, which is for one major version of one engine: `postgres16`, `mysql8.4`.
fn beside_parameters(instance: &Properties, group: &Properties) -> Vec<InvalidInput> {
    let text =
        |of: &Properties, name: &str| of.get(name).and_then(Value::as_str).map(str::to_owned);
    let (Some(engine), Some(version), Some(family)) = (
        text(instance, "engine"),
        text(instance, "engineVersion"),
        text(group, "family"),
    ) else {
        return Vec::new();
    };
    let Some(major) = family
        .to_lowercase()
        .strip_prefix(&engine.to_lowercase())
        .map(str::to_owned)
    else {
        let reason = format!("is for `{family}`, and the engine is `{engine}`");
        return vec![InvalidInput::new("parameterGroupName", reason).decided_by([])];
    };
    // `15` is for 15.4, and `8.4` for 8.4.3.
    if version == major
        || version.starts_with(&format!("{major}."))
        || !major.starts_with(|c: char| c.is_ascii_digit())
    {
        return Vec::new();
    }
    let is_shorter = major.starts_with(&format!("{version}."));
    if is_shorter {
        return Vec::new();
    }
    let reason = format!("is for `{family}`, and the version is {version}");
    vec![InvalidInput::new("parameterGroupName", reason).decided_by([])]
}

fn beside_source(_replica: &Properties, source: &Properties) -> Vec<InvalidInput> {
    let days = source
        .get("backupRetentionPeriod")
        .and_then(Value::as_number);
    if days != Some(0.0) {
        return Vec::new();
    }
    let reason = "keeps no backups, which a replica needs: its `backupRetentionPeriod` is 0";
    vec![InvalidInput::new("replicateSourceDb", reason).decided_by([])]
}

pub(super) fn fit(inputs: &Inputs) -> Vec<InvalidInput> {
    let mut invalid_inputs = Vec::new();
    fit_windows(inputs, &mut invalid_inputs);
    fit_names(inputs, &mut invalid_inputs);
    fit_storage(inputs, &mut invalid_inputs);
    fit_monitoring(inputs, &mut invalid_inputs);
    if inputs.multi_az && inputs.availability_zone.is_some() {
        let reason = "does not go with `multiAz`: AWS chooses both zones then";
        invalid_inputs.push(InvalidInput::new("availabilityZone", reason).decided_by(["multiAz"]));
    }
    if inputs.storage_encrypted == Some(false) && inputs.kms_key_id.is_some() {
        let reason = "goes with `storageEncrypted` alone";
        invalid_inputs.push(InvalidInput::new("kmsKeyId", reason).decided_by(["storageEncrypted"]));
    }
    if inputs
        .backup_retention_period
        .is_some_and(|days| !(0..=35).contains(&days))
    {
        invalid_inputs.push(InvalidInput::new(
            "backupRetentionPeriod",
            "takes 0 to 35 days",
        ));
    }
    if inputs.port.is_some_and(|port| !PORTS.contains(&port)) {
        invalid_inputs.push(InvalidInput::new("port", "takes 1150 to 65535"));
    }
    invalid_inputs
}

fn fit_windows(inputs: &Inputs, invalid_inputs: &mut Vec<InvalidInput>) {
    let daily = inputs.backup_window.as_deref();
    let backup = daily.map(Window::daily);
    let maintenance = inputs.maintenance_window.as_deref().map(Window::weekly);
    if backup == Some(None) {
        let reason = "is not a time of day in UTC of half an hour at least, such as `03:00-04:00`";
        invalid_inputs.push(InvalidInput::new("backupWindow", reason));
    }
    if maintenance == Some(None) {
        let reason = "is not a time of the week in UTC of half an hour at least, such as `sun:04:30-sun:05:30`";
        invalid_inputs.push(InvalidInput::new("maintenanceWindow", reason));
    }
    if let (Some(Some(backup)), Some(Some(maintenance))) = (backup, maintenance)
        && backup.overlaps(&maintenance)
    {
        let daily = daily.unwrap_or_default();
        let reason = format!("overlaps `backupWindow`, {daily}, which is daily");
        let invalid_input = InvalidInput::new("maintenanceWindow", reason);
        invalid_inputs.push(invalid_input.decided_by(["backupWindow", "maintenanceWindow"]));
    }
}

fn fit_names(inputs: &Inputs, invalid_inputs: &mut Vec<InvalidInput>) {
    let Some(engine) = inputs.engine.as_deref().map(str::to_lowercase) else {
        return;
    };
    for (property, name, wrong) in [
        (
            "dbName",
            &inputs.db_name,
            database::wrong_name as fn(&str, &str) -> Option<String>,
        ),
        ("username", &inputs.username, database::wrong_username),
    ] {
        if let Some(reason) = name.as_deref().and_then(|name| wrong(&engine, name)) {
            invalid_inputs
                .push(InvalidInput::new(property, reason).decided_by([property, "engine"]));
        }
    }
}

fn fit_storage(inputs: &Inputs, invalid_inputs: &mut Vec<InvalidInput>) {
    let kind = inputs.storage_type.as_str();
    let storage = inputs.allocated_storage;
    let small = storage.filter(|storage| *storage < GP3_THRESHOLD);
    // Oracle's threshold is lower, and SQL Server has none.
    let engine = inputs.engine.as_deref().unwrap_or_default().to_lowercase();
    let striped = ["postgres", "mysql", "mariadb"].contains(&engine.as_str());
    for (property, value) in [
        ("iops", inputs.iops),
        ("storageThroughput", inputs.storage_throughput),
    ] {
        if value.is_none() {
            continue;
        }
        let mut refuse = |reason: String| {
            let decide = ["storageType", "allocatedStorage", "engine"];
            invalid_inputs.push(InvalidInput::new(property, reason).decided_by(decide));
        };
        match kind {
            "gp2" => refuse("does not go with the storage type `gp2`".to_owned()),
            "gp3" if striped => {
                if let Some(small) = small {
                    refuse(format!(
                        "goes with `gp3` from {GP3_THRESHOLD} GiB on, and there are {small}"
                    ));
                }
            }
            "io1" | "io2" if property == "storageThroughput" => {
                refuse(format!("does not go with the storage type `{kind}`"));
            }
            _ => {}
        }
    }
    if ["io1", "io2"].contains(&kind)
        && inputs.iops.is_none()
        && inputs.replicate_source_db.is_none()
    {
        let reason = format!("must be given for the storage type `{kind}`");
        invalid_inputs.push(InvalidInput::new("iops", reason).decided_by(["storageType"]));
    }
    if let (Some(most), Some(storage)) = (inputs.max_allocated_storage, storage)
        && most != 0
        && i64::from(most) * 10 < i64::from(storage) * 11
    {
        let reason = format!("must be at least a tenth more than the {storage} GiB it starts with");
        let decide = ["maxAllocatedStorage", "allocatedStorage"];
        invalid_inputs.push(InvalidInput::new("maxAllocatedStorage", reason).decided_by(decide));
    }
}

fn fit_monitoring(inputs: &Inputs, invalid_inputs: &mut Vec<InvalidInput>) {
    let interval = inputs.monitoring_interval;
    if !MONITORING_INTERVALS.contains(&interval) {
        let reason = "takes 0, 1, 5, 10, 15, 30 or 60 seconds";
        invalid_inputs.push(InvalidInput::new("monitoringInterval", reason));
    } else if interval > 0 && inputs.monitoring_role_arn.is_none() {
        let reason = "must be given where `monitoringInterval` is above 0";
        invalid_inputs.push(
            InvalidInput::new("monitoringRoleArn", reason).decided_by(["monitoringInterval"]),
        );
    }
    let at = Inputs::PERFORMANCE_INSIGHTS_RETENTION_PERIOD;
    if let Some(days) = inputs.performance_insights_retention_period {
        let known = days == 7 || days == 731 || (days > 0 && days % 31 == 0 && days <= 23 * 31);
        if !known {
            let reason = "takes 7, 731, or a multiple of 31 up to 713";
            invalid_inputs.push(InvalidInput::new(at, reason));
        } else if !inputs.performance_insights_enabled {
            let reason = "goes with `performanceInsightsEnabled` alone";
            let invalid_input = InvalidInput::new(at, reason);
            invalid_inputs.push(invalid_input.decided_by(["performanceInsightsEnabled"]));
        }
    }
}
