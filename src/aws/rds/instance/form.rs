//! An instance in its own terms: the inputs that would make it as it is now, and its outputs.

use aws_sdk_rds::types::{DbInstance, Endpoint, PendingModifiedValues};

use super::model::{Inputs, LiveInstance, Outputs};
use super::pending;
use super::state::{PENDING_REBOOT, condition, is_at_work};
use crate::aws::rds::from_sdk;
use crate::aws::resource_type::Live;
use crate::resource::Condition;

/// Returns the same object in a settling condition.
pub(super) fn settling(live: LiveInstance, status: &str) -> LiveInstance {
    Live {
        condition: Condition::Settling(status.to_owned()),
        ..live
    }
}

/// Converts an instance. Changes that wait for the maintenance window count as done, if `with_pending`.
pub(super) fn live(instance: &DbInstance, with_pending: bool) -> LiveInstance {
    let condition = condition(instance);
    // While AWS is at work, pending values are those that it is working on.
    let with_pending = with_pending || is_at_work(&condition);
    let endpoint = instance.endpoint();
    let address = endpoint.and_then(Endpoint::address);
    let port = endpoint.and_then(Endpoint::port);
    Live {
        id: instance
            .db_instance_identifier()
            .unwrap_or_default()
            .to_owned(),
        arn: instance.db_instance_arn().map(str::to_owned),
        inputs: inputs(instance, with_pending),
        outputs: Outputs {
            endpoint: address
                .zip(port)
                .map(|(address, port)| format!("{address}:{port}")),
            address: address.map(str::to_owned),
            hosted_zone_id: endpoint
                .and_then(|endpoint| endpoint.hosted_zone_id())
                .map(str::to_owned),
            resource_id: instance.dbi_resource_id().map(str::to_owned),
            pending_reboot: instance
                .db_parameter_groups()
                .iter()
                .any(|group| group.parameter_apply_status() == Some(PENDING_REBOOT)),
            pending: pending::values(instance),
            maintenance: None,
        },
        tags: from_sdk(instance.tag_list()),
        condition,
    }
}

fn inputs(instance: &DbInstance, with_pending: bool) -> Inputs {
    let text = |value: Option<&str>| value.map(str::to_owned);
    let none = PendingModifiedValues::builder().build();
    let pending = instance.pending_modified_values();
    let pending = pending.filter(|_| with_pending).unwrap_or(&none);
    let allocated = pending.allocated_storage().or(instance.allocated_storage());
    Inputs {
        identifier: text(instance.db_instance_identifier()).unwrap_or_default(),
        engine: text(instance.engine()),
        engine_version: text(pending.engine_version().or(instance.engine_version())),
        instance_class: text(pending.db_instance_class().or(instance.db_instance_class()))
            .unwrap_or_default(),
        allocated_storage: allocated,
        // A limit equal to the size keeps the storage from growing.
        max_allocated_storage: instance
            .max_allocated_storage()
            .filter(|limit| Some(*limit) != allocated),
        storage_type: text(pending.storage_type().or(instance.storage_type())).unwrap_or_default(),
        storage_encrypted: instance.storage_encrypted(),
        kms_key_id: text(instance.kms_key_id()),
        iops: pending.iops().or(instance.iops()),
        storage_throughput: pending
            .storage_throughput()
            .or(instance.storage_throughput()),
        db_name: text(instance.db_name()),
        username: text(instance.master_username()),
        master_password_secret_arn: None,
        port: pending.port().or_else(|| {
            instance
                .endpoint()
                .and_then(Endpoint::port)
                .or(instance.db_instance_port())
                .filter(|port| *port > 0)
        }),
        db_subnet_group_name: text(
            instance
                .db_subnet_group()
                .and_then(|group| group.db_subnet_group_name()),
        ),
        vpc_security_group_ids: Some(
            instance
                .vpc_security_groups()
                .iter()
                .filter(|group| group.status() != Some("removing"))
                .filter_map(|group| text(group.vpc_security_group_id()))
                .collect(),
        ),
        parameter_group_name: instance
            .db_parameter_groups()
            .first()
            .and_then(|group| text(group.db_parameter_group_name())),
        multi_az: pending.multi_az().or(instance.multi_az()).unwrap_or(false),
        availability_zone: text(instance.availability_zone()),
        publicly_accessible: instance.publicly_accessible().unwrap_or(false),
        backup_retention_period: pending
            .backup_retention_period()
            .or(instance.backup_retention_period()),
        backup_window: text(instance.preferred_backup_window()),
        maintenance_window: text(instance.preferred_maintenance_window()),
        deletion_protection: instance.deletion_protection().unwrap_or(false),
        performance_insights_enabled: instance.performance_insights_enabled().unwrap_or(false),
        performance_insights_retention_period: instance.performance_insights_retention_period(),
        performance_insights_kms_key_id: text(instance.performance_insights_kms_key_id()),
        monitoring_interval: instance.monitoring_interval().unwrap_or(0),
        monitoring_role_arn: text(instance.monitoring_role_arn()),
        auto_minor_version_upgrade: instance.auto_minor_version_upgrade().unwrap_or(true),
        allow_major_version_upgrade: false,
        apply_immediately: true,
        copy_tags_to_snapshot: instance.copy_tags_to_snapshot().unwrap_or(false),
        enabled_cloudwatch_logs_exports: Some(log_exports(instance, pending)),
        iam_database_authentication_enabled: pending
            .iam_database_authentication_enabled()
            .or(instance.iam_database_authentication_enabled())
            .unwrap_or(false),
        ca_cert_identifier: text(
            pending
                .ca_certificate_identifier()
                .or(instance.ca_certificate_identifier()),
        ),
        replicate_source_db: text(instance.read_replica_source_db_instance_identifier())
            .filter(|source| !source.is_empty()),
    }
}

fn log_exports(instance: &DbInstance, pending: &PendingModifiedValues) -> Vec<String> {
    let mut logs = instance.enabled_cloudwatch_logs_exports().to_vec();
    if let Some(pending) = pending.pending_cloudwatch_logs_exports() {
        logs.retain(|log| !pending.log_types_to_disable().contains(log));
        logs.extend(pending.log_types_to_enable().iter().cloned());
    }
    logs
}
