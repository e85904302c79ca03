//! The calls that make and change an instance, and the checks before they are made.

use aws_sdk_rds::operation::modify_db_instance::builders::ModifyDBInstanceFluentBuilder;
use aws_sdk_rds::types::{CloudwatchLogsExportConfiguration, DbInstance};

use super::model::{Inputs, LiveInstance};
use crate::aws::context::Context;
use crate::aws::error::{AwsResult, expected};
use crate::aws::secretsmanager::SecretText;
use crate::resource::diff::REBOOT;
use crate::resource::{Diff, ErrorKind, Properties, ProviderError, Tags};

/// Refuses inputs that AWS would refuse late or with an unclear message.
pub(super) fn check(context: &Context, inputs: &Inputs) -> AwsResult<()> {
    match &inputs.replicate_source_db {
        None => {
            for (name, given) in [
                ("engine", inputs.engine.is_some()),
                ("allocatedStorage", inputs.allocated_storage.is_some()),
                ("username", inputs.username.is_some()),
                (
                    "masterPasswordSecretArn",
                    inputs.master_password_secret_arn.is_some(),
                ),
            ] {
                if !given {
                    return Err(invalid(format!(
                        "`{name}` is needed by every instance that is not a replica"
                    )));
                }
            }
        }
        Some(source) => {
            let region = source
                .strip_prefix("arn:")
                .and_then(|arn| arn.split(':').nth(2));
            if region.is_some_and(|region| region != context.region) {
                return Err(invalid(
                    "`replicateSourceDb` names an instance of another region, which is not supported"
                        .to_owned(),
                ));
            }
        }
    }
    Ok(())
}

pub(super) async fn create(
    context: &Context,
    inputs: &Inputs,
    tags: &Tags,
    password: &SecretText,
) -> AwsResult<DbInstance> {
    let request = context
        .rds
        .create_db_instance()
        .db_instance_identifier(&inputs.identifier)
        .set_engine(inputs.engine.clone())
        .set_engine_version(inputs.engine_version.clone())
        .db_instance_class(&inputs.instance_class)
        .set_allocated_storage(inputs.allocated_storage)
        .set_max_allocated_storage(storage_limit(inputs))
        .storage_type(&inputs.storage_type)
        .set_storage_encrypted(inputs.storage_encrypted)
        .set_kms_key_id(inputs.kms_key_id.clone())
        .set_iops(inputs.iops)
        .set_storage_throughput(inputs.storage_throughput)
        .set_db_name(inputs.db_name.clone())
        .set_master_username(inputs.username.clone())
        .master_user_password(password.expose())
        .set_port(inputs.port)
        .set_db_subnet_group_name(inputs.db_subnet_group_name.clone())
        .set_vpc_security_group_ids(inputs.vpc_security_group_ids.clone())
        .set_db_parameter_group_name(inputs.parameter_group_name.clone())
        .multi_az(inputs.multi_az)
        .set_availability_zone(inputs.availability_zone.clone())
        .publicly_accessible(inputs.publicly_accessible)
        .set_backup_retention_period(inputs.backup_retention_period)
        .set_preferred_backup_window(inputs.backup_window.clone())
        .set_preferred_maintenance_window(inputs.maintenance_window.clone())
        .deletion_protection(inputs.deletion_protection)
        .enable_performance_insights(inputs.performance_insights_enabled)
        .set_performance_insights_retention_period(inputs.performance_insights_retention_period)
        .set_performance_insights_kms_key_id(inputs.performance_insights_kms_key_id.clone())
        .monitoring_interval(inputs.monitoring_interval)
        .set_monitoring_role_arn(inputs.monitoring_role_arn.clone())
        .auto_minor_version_upgrade(inputs.auto_minor_version_upgrade)
        .copy_tags_to_snapshot(inputs.copy_tags_to_snapshot)
        .set_enable_cloudwatch_logs_exports(log_exports(inputs))
        .enable_iam_database_authentication(inputs.iam_database_authentication_enabled)
        .set_ca_certificate_identifier(inputs.ca_cert_identifier.clone())
        .set_tags(Some(crate::aws::rds::to_sdk(tags)));
    let answer = context.send(request).await?;
    expected("rds:CreateDBInstance", answer.db_instance, "an instance")
}

/// Makes a replica in its source's region, and so in its subnet group. A modification brings the settings that the call does
/// not accept. Most engines refuse a parameter group here, PostgreSQL among them, and give the replica the group of its
/// source: <https://docs.aws.amazon.com/AmazonRDS/latest/APIReference/API_CreateDBInstanceReadReplica.html>.
pub(super) async fn create_replica(
    context: &Context,
    inputs: &Inputs,
    tags: &Tags,
) -> AwsResult<DbInstance> {
    let request = context
        .rds
        .create_db_instance_read_replica()
        .db_instance_identifier(&inputs.identifier)
        .set_source_db_instance_identifier(inputs.replicate_source_db.clone())
        .db_instance_class(&inputs.instance_class)
        .set_allocated_storage(replica_storage(inputs))
        .set_max_allocated_storage(storage_limit(inputs))
        .storage_type(&inputs.storage_type)
        .set_iops(inputs.iops)
        .set_storage_throughput(inputs.storage_throughput)
        .set_port(inputs.port)
        .set_vpc_security_group_ids(inputs.vpc_security_group_ids.clone())
        .multi_az(inputs.multi_az)
        .set_availability_zone(inputs.availability_zone.clone())
        .publicly_accessible(inputs.publicly_accessible)
        .deletion_protection(inputs.deletion_protection)
        .enable_performance_insights(inputs.performance_insights_enabled)
        .set_performance_insights_retention_period(inputs.performance_insights_retention_period)
        .set_performance_insights_kms_key_id(inputs.performance_insights_kms_key_id.clone())
        .monitoring_interval(inputs.monitoring_interval)
        .set_monitoring_role_arn(inputs.monitoring_role_arn.clone())
        .auto_minor_version_upgrade(inputs.auto_minor_version_upgrade)
        .copy_tags_to_snapshot(inputs.copy_tags_to_snapshot)
        .set_enable_cloudwatch_logs_exports(log_exports(inputs))
        .enable_iam_database_authentication(inputs.iam_database_authentication_enabled)
        .set_ca_certificate_identifier(inputs.ca_cert_identifier.clone())
        .set_tags(Some(crate::aws::rds::to_sdk(tags)));
    let answer = context.send(request).await?;
    expected(
        "rds:CreateDBInstanceReadReplica",
        answer.db_instance,
        "an instance",
    )
}

/// A change of a request, by the wanted and the observed inputs.
type Say = fn(ModifyDBInstanceFluentBuilder, &Inputs, &Inputs) -> ModifyDBInstanceFluentBuilder;

/// Properties that are all sent if one of them differs, and how they are sent.
const MODIFICATIONS: &[(&[&str], Say)] = &[
    (&["engineVersion"], |request, wanted, _| {
        request
            .set_engine_version(wanted.engine_version.clone())
            .allow_major_version_upgrade(wanted.allow_major_version_upgrade)
    }),
    (&["instanceClass"], |request, wanted, _| {
        request.db_instance_class(&wanted.instance_class)
    }),
    (
        &[
            "allocatedStorage",
            "storageType",
            "iops",
            "storageThroughput",
        ],
        |request, wanted, observed| {
            let (iops, throughput) = performance(wanted, observed);
            request
                .set_allocated_storage(wanted.allocated_storage.or(observed.allocated_storage))
                .storage_type(&wanted.storage_type)
                .set_iops(wanted.iops.or(iops))
                .set_storage_throughput(wanted.storage_throughput.or(throughput))
        },
    ),
    (&["maxAllocatedStorage"], |request, wanted, observed| {
        let size = wanted.allocated_storage.or(observed.allocated_storage);
        // A limit equal to the size keeps the storage from growing.
        request.set_max_allocated_storage(storage_limit(wanted).or(size))
    }),
    (&["port"], |request, wanted, _| {
        request.set_db_port_number(wanted.port)
    }),
    (&["vpcSecurityGroupIds"], |request, wanted, _| {
        request.set_vpc_security_group_ids(wanted.vpc_security_group_ids.clone())
    }),
    (&["parameterGroupName"], |request, wanted, _| {
        request.set_db_parameter_group_name(wanted.parameter_group_name.clone())
    }),
    (&["multiAz"], |request, wanted, _| {
        request.multi_az(wanted.multi_az)
    }),
    (&["publiclyAccessible"], |request, wanted, _| {
        request.publicly_accessible(wanted.publicly_accessible)
    }),
    (&["backupRetentionPeriod"], |request, wanted, _| {
        request.set_backup_retention_period(wanted.backup_retention_period)
    }),
    (&["backupWindow"], |request, wanted, _| {
        request.set_preferred_backup_window(wanted.backup_window.clone())
    }),
    (&["maintenanceWindow"], |request, wanted, _| {
        request.set_preferred_maintenance_window(wanted.maintenance_window.clone())
    }),
    (&["deletionProtection"], |request, wanted, _| {
        request.deletion_protection(wanted.deletion_protection)
    }),
    (
        &[
            "performanceInsightsEnabled",
            "performanceInsightsRetentionPeriod",
            "performanceInsightsKmsKeyId",
        ],
        |request, wanted, _| {
            let request = request.enable_performance_insights(wanted.performance_insights_enabled);
            if !wanted.performance_insights_enabled {
                return request;
            }
            request
                .set_performance_insights_retention_period(
                    wanted.performance_insights_retention_period,
                )
                .set_performance_insights_kms_key_id(wanted.performance_insights_kms_key_id.clone())
        },
    ),
    (
        &["monitoringInterval", "monitoringRoleArn"],
        |request, wanted, _| {
            let role = wanted.monitoring_role_arn.clone();
            request
                .monitoring_interval(wanted.monitoring_interval)
                .set_monitoring_role_arn(role.filter(|_| wanted.monitoring_interval > 0))
        },
    ),
    (&["autoMinorVersionUpgrade"], |request, wanted, _| {
        request.auto_minor_version_upgrade(wanted.auto_minor_version_upgrade)
    }),
    (&["copyTagsToSnapshot"], |request, wanted, _| {
        request.copy_tags_to_snapshot(wanted.copy_tags_to_snapshot)
    }),
    (
        &["enabledCloudwatchLogsExports"],
        |request, wanted, observed| {
            let before = observed.enabled_cloudwatch_logs_exports.as_deref();
            let after = wanted.enabled_cloudwatch_logs_exports.as_deref();
            request.cloudwatch_logs_export_configuration(log_changes(
                before.unwrap_or_default(),
                after.unwrap_or_default(),
            ))
        },
    ),
    (
        &["iamDatabaseAuthenticationEnabled"],
        |request, wanted, _| {
            request.enable_iam_database_authentication(wanted.iam_database_authentication_enabled)
        },
    ),
    (&["caCertIdentifier"], |request, wanted, _| {
        request.set_ca_certificate_identifier(wanted.ca_cert_identifier.clone())
    }),
];

/// Returns the one modification with all differences; `None` if there is no difference, which AWS refuses.
pub(super) fn modify(
    context: &Context,
    wanted: &Inputs,
    observed: &LiveInstance,
    diff: &Diff,
    password: Option<&SecretText>,
) -> Option<ModifyDBInstanceFluentBuilder> {
    // Neither of them has its own setting in this call.
    let alone =
        |name: &&str| ["replicateSourceDb", "masterPasswordSecretArn", REBOOT].contains(name);
    if diff.properties().iter().all(alone) && password.is_none() {
        return None;
    }
    let mut request = context
        .rds
        .modify_db_instance()
        .db_instance_identifier(&observed.id)
        .apply_immediately(wanted.apply_immediately);
    if let Some(password) = password {
        request = request.master_user_password(password.expose());
    }
    for (names, say) in MODIFICATIONS {
        if names.iter().any(|name| diff.touches(name)) {
            request = say(request, wanted, &observed.inputs);
        }
    }
    Some(request)
}

/// Returns the operations and throughput to send with a change of storage if the author gives none: storage with figures of
/// its own is not changed without them. `gp3` has them from a certain size, below which they are refused; when it grows past
/// that size, AWS raises it to the new baseline, which the observed figures would undo.
///
/// <https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/CHAP_Storage.html#gp3-storage>
fn performance(wanted: &Inputs, observed: &Inputs) -> (Option<i32>, Option<i32>) {
    let (from, baseline) = own_figures(wanted, observed);
    let is_large = |of: &Inputs| of.allocated_storage.is_some_and(|size| size >= from);
    let stays = wanted.storage_type == observed.storage_type;
    match wanted.storage_type.as_str() {
        "gp3" if stays && is_large(observed) => (observed.iops, observed.storage_throughput),
        "gp3" if !stays && (is_large(wanted) || is_large(observed)) => {
            (Some(baseline.0), Some(baseline.1))
        }
        "io1" | "io2" if stays => (observed.iops, None),
        _ => (None, None),
    }
}

/// Returns the size in GiB from which `gp3` has figures of its own with an engine, and their defaults.
fn own_figures(wanted: &Inputs, observed: &Inputs) -> (i32, (i32, i32)) {
    let engine = wanted.engine.as_deref().or(observed.engine.as_deref());
    match engine.unwrap_or_default() {
        engine if engine.starts_with("oracle") => (200, (12_000, 500)),
        engine if engine.starts_with("sqlserver") => (0, (3000, 125)),
        _ => (400, (12_000, 500)),
    }
}

/// Returns the figures that storage has after a change if AWS raises them: the present figures are not the ones to wait for.
pub(super) fn raised(wanted: &Inputs, observed: &Inputs) -> Option<(i32, i32)> {
    let (from, baseline) = own_figures(wanted, observed);
    let is_gp3 = wanted.storage_type == "gp3" && observed.storage_type == "gp3";
    let grows = observed.allocated_storage < Some(from) && wanted.allocated_storage >= Some(from);
    (is_gp3 && grows).then_some(baseline)
}

fn storage_limit(inputs: &Inputs) -> Option<i32> {
    inputs.max_allocated_storage.filter(|limit| *limit > 0)
}

/// Returns the size to request for a replica. One that may grow has the size of its source, which may have grown already and
/// is then larger than the file says: RDS accepts no smaller replica. A modification brings what is still missing.
/// <https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/USER_PIOPS.Autoscaling.html>
fn replica_storage(inputs: &Inputs) -> Option<i32> {
    match storage_limit(inputs) {
        Some(_) => None,
        None => inputs.allocated_storage,
    }
}

fn log_exports(inputs: &Inputs) -> Option<Vec<String>> {
    inputs
        .enabled_cloudwatch_logs_exports
        .clone()
        .filter(|logs| !logs.is_empty())
}

fn log_changes(before: &[String], after: &[String]) -> CloudwatchLogsExportConfiguration {
    let missing = |from: &[String], of: &[String]| {
        let logs: Vec<String> = of
            .iter()
            .filter(|log| !from.contains(log))
            .cloned()
            .collect();
        (!logs.is_empty()).then_some(logs)
    };
    CloudwatchLogsExportConfiguration::builder()
        .set_enable_log_types(missing(before, after))
        .set_disable_log_types(missing(after, before))
        .build()
}

fn invalid(message: String) -> ProviderError {
    ProviderError::new(ErrorKind::Invalid, "aws:rds:Instance", message)
}

/// Returns which automated backups are deleted when they are kept for fewer days.
pub(super) fn discards(observed: &Properties, wanted: &Properties) -> Option<&'static str> {
    let days = |inputs: &Properties| inputs.get("backupRetentionPeriod")?.as_number();
    let (before, after) = (days(observed)?, days(wanted)?);
    if after >= before {
        None
    } else if after == 0.0 {
        Some("all automated backups are deleted")
    } else {
        Some("older automated backups are deleted")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::aws::rds::instance::form;

    #[test]
    fn storage_with_figures_of_its_own_is_changed_along_with_them() {
        let storage = |kind: &str, size: i32, iops: i32, throughput: i32| {
            let instance = DbInstance::builder()
                .engine("postgres")
                .storage_type(kind)
                .allocated_storage(size)
                .iops(iops)
                .storage_throughput(throughput)
                .build();
            form::live(&instance, false).inputs
        };
        for (from, to, expected) in [
            (("gp3", 20), ("gp3", 40), (None, None)),
            (("gp3", 100), ("gp3", 400), (None, None)),
            (("gp3", 400), ("gp3", 500), (Some(13_000), Some(600))),
            (("gp2", 100), ("gp3", 100), (None, None)),
            (("gp2", 400), ("gp3", 400), (Some(12_000), Some(500))),
            (("gp3", 400), ("gp2", 400), (None, None)),
            (("io1", 100), ("io1", 200), (Some(13_000), None)),
        ] {
            let observed = storage(from.0, from.1, 13_000, 600);
            let mut wanted = storage(to.0, to.1, 0, 0);
            (wanted.iops, wanted.storage_throughput) = (None, None);
            let found = performance(&wanted, &observed);
            assert_eq!(found, expected, "{from:?} to {to:?}");
        }
    }

    #[test]
    fn a_replica_that_may_grow_begins_with_the_storage_of_its_source() {
        let mut replica = form::live(&DbInstance::builder().build(), false).inputs;
        replica.allocated_storage = Some(50);
        assert_eq!(replica_storage(&replica), Some(50));
        replica.max_allocated_storage = Some(100);
        assert_eq!(replica_storage(&replica), None);
        replica.max_allocated_storage = Some(0);
        assert_eq!(replica_storage(&replica), Some(50));
    }

    #[test]
    fn logs_are_switched_one_by_one() {
        let logs = |names: &[&str]| {
            names
                .iter()
                .map(|name| (*name).to_owned())
                .collect::<Vec<_>>()
        };
        let change = log_changes(&logs(&["a", "b"]), &logs(&["b", "c"]));
        assert_eq!(change.enable_log_types(), ["c"]);
        assert_eq!(change.disable_log_types(), ["a"]);
    }
}
