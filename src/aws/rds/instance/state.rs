//! The status of an instance, and the inputs that would make it as it is now.

use std::time::Duration;

use aws_sdk_rds::types::{DbInstance, Endpoint, PendingModifiedValues};

use super::{Inputs, Instance, Outputs};
use crate::aws::resource_type::{Live, LiveOf, ResourceType};
use crate::aws::states::{
    self, DB_INSTANCE, DB_PARAMETERS, DB_REPLICATION, DB_RESTORE, DB_SECURITY_GROUP, Standing,
    standing,
};
use crate::resource::diff::compare;
use crate::resource::provider::{Holder, Remedy};
use crate::resource::{Condition, Properties, Value};

/// The states of an instance that can no longer be used. One that never came up is empty; one that did has its data in its
/// backups.
const FAILED: [&str; 4] = [
    "failed",
    "incompatible-create",
    "incompatible-restore",
    "restore-error",
];

/// The state of a full storage. The instance accepts changes, the one that ends this state among them.
const FULL: &str = "storage-full";

/// Returns whether an instance of this status can be changed.
fn is_steady(status: &str) -> bool {
    status == FULL || standing(DB_INSTANCE, status) == Some(Standing::Usable)
}

/// The states in which AWS works on an instance that keeps its endpoint; a change has to wait, which `update` does. Work in
/// a maintenance window is among these.
const AT_WORK: [&str; 10] = [
    "backing-up",
    "backtracking",
    "configuring-enhanced-monitoring",
    "configuring-iam-database-auth",
    "configuring-log-exports",
    "maintenance",
    "modifying",
    REBOOTING,
    "resetting-master-credentials",
    "upgrading",
];

/// The state of an instance that a person or a schedule has stopped; AWS starts it again after seven days.
const STOPPED: &str = "stopped";

/// The state of an instance that is rebooting.
pub(super) const REBOOTING: &str = "rebooting";

/// The state of a group's parameters that a reboot has yet to apply.
const PENDING_REBOOT: &str = "pending-reboot";

/// The time for which AWS may say `available` before a modification shows.
const STALE: Duration = Duration::from_secs(90);

/// The time to wait out a state of a part of the instance that AWS has added since.
const NEW_WORD: Duration = Duration::from_mins(10);

pub(super) fn is_dying(instance: &DbInstance) -> bool {
    instance.db_instance_status() == Some("deleting")
}

/// Returns whether the instance ever had a database. An endpoint, the time of creation and the latest restorable time exist
/// once it has come up, and not before. <https://docs.aws.amazon.com/AmazonRDS/latest/APIReference/API_DBInstance.html>
fn has_come_up(instance: &DbInstance) -> bool {
    let address = instance.endpoint().and_then(Endpoint::address);
    address.is_some()
        || instance.latest_restorable_time().is_some()
        || instance.instance_create_time().is_some()
}

/// Returns whether the status is one that AWS has added since, and the instance works all the same.
fn serves_unknown(instance: &DbInstance) -> bool {
    let now = instance.db_instance_status().unwrap_or_default();
    let address = instance.endpoint().and_then(Endpoint::address);
    !now.is_empty() && standing(DB_INSTANCE, now).is_none() && address.is_some()
}

/// Returns whether AWS is working on an instance, so that a change of it has to wait.
pub(super) fn is_at_work(condition: &Condition) -> bool {
    match condition {
        Condition::Settling(_) => true,
        Condition::Busy(text) => text.trim_matches('`') != STOPPED,
        Condition::Ready | Condition::Broken(_) => false,
    }
}

/// Returns the status in AWS's own words, with the progress and the complaints.
pub(super) fn status(instance: &DbInstance) -> String {
    let mut text = instance
        .db_instance_status()
        .unwrap_or("unknown")
        .to_owned();
    if let Some(percent) = instance.percent_progress().filter(|text| !text.is_empty()) {
        text = format!("{text} ({percent} %)");
    }
    for info in instance.status_infos() {
        let told = info.message().filter(|message| !message.is_empty());
        if info.normal() == Some(false) || told.is_some() {
            let kind = info.status_type().unwrap_or("status");
            let said = told.or(info.status()).unwrap_or_default();
            text = format!("{text}, {kind}: {said}");
        }
    }
    text
}

/// Returns what holds up a change or a deletion that AWS refuses because of the instance's state.
pub(super) fn holder(instance: &DbInstance) -> Holder {
    let id = instance.db_instance_identifier().unwrap_or_default();
    Holder {
        id: id.to_owned(),
        text: format!("`{id}` is {}", status(instance)),
        hand: hand_of_status(instance),
    }
}

/// Returns what a person has to do about the instance's own state.
fn hand_of_status(instance: &DbInstance) -> Option<Remedy> {
    let id = instance.db_instance_identifier().unwrap_or_default();
    let now = instance.db_instance_status().unwrap_or_default();
    if FAILED.contains(&now) && has_come_up(instance) {
        return Some(DB_RESTORE.remedy(id));
    }
    states::hand(DB_INSTANCE, now, id)
}

/// Returns what a person has to do about the state of the instance, its replication or its parameters, if the state waits
/// for that.
pub(super) fn hand(instance: &DbInstance) -> Option<Remedy> {
    let id = instance.db_instance_identifier().unwrap_or_default();
    hand_of_status(instance)
        .or_else(|| states::hand(DB_REPLICATION, replication(instance)?, id))
        .or_else(|| states::hand(DB_PARAMETERS, refused_parameters(instance)?, id))
}

/// Returns the status of a parameter group whose values the instance cannot accept, once AWS is no longer working on it.
fn refused_parameters(instance: &DbInstance) -> Option<&str> {
    let now = instance.db_instance_status().unwrap_or_default();
    let groups = instance.db_parameter_groups().iter();
    groups
        .filter_map(|group| group.parameter_apply_status())
        .find(|status| matches!(standing(DB_PARAMETERS, status), Some(Standing::Waits(_))))
        .filter(|_| is_steady(now))
}

/// Returns whether nothing is left to wait for, and yet nothing can be written.
pub(super) fn is_full(instance: &DbInstance) -> bool {
    instance.db_instance_status() == Some(FULL)
}

/// Returns why waiting is useless, if it is.
pub(super) fn failure(instance: &DbInstance) -> Option<String> {
    let now = instance.db_instance_status().unwrap_or_default();
    let ends = |states, word: &str| {
        matches!(
            standing(states, word),
            Some(Standing::Lost | Standing::Waits(_))
        )
    };
    if let Some(word) = replication(instance).filter(|word| ends(DB_REPLICATION, word)) {
        return Some(format!("{}, replication: {word}", status(instance)));
    }
    if let Some(word) = refused_parameters(instance) {
        return Some(format!("{}, parameter group: {word}", status(instance)));
    }
    (ends(DB_INSTANCE, now) && now != FULL).then(|| status(instance))
}

/// Returns in a word what is missing until the instance is as wanted; `None` once nothing is.
///
/// `available` alone proves nothing: right after a modification it is stale. So the wanted values must show as well, for the
/// time that this can take.
pub(super) fn unfinished(
    instance: &DbInstance,
    wanted: &Inputs,
    elapsed: Duration,
) -> Option<String> {
    let now = instance.db_instance_status().unwrap_or_default();
    let is_unknown = serves_unknown(instance);
    if !is_steady(now) && !is_unknown {
        return Some(status(instance));
    }
    let open = |what: &str| Some(format!("{}, {what}", status(instance)));
    if wanted.apply_immediately
        && instance
            .pending_modified_values()
            .is_some_and(|pending| *pending != PendingModifiedValues::builder().build())
    {
        return open("changes pending");
    }
    let groups = instance.db_parameter_groups().iter();
    let parameters = groups.filter_map(|group| group.parameter_apply_status());
    let memberships = instance.vpc_security_groups().iter();
    let memberships = memberships.filter_map(|group| group.status());
    for (what, states, word) in parameters
        .map(|word| ("parameter group", DB_PARAMETERS, word))
        .chain(memberships.map(|word| ("security group", DB_SECURITY_GROUP, word)))
        .chain(replication(instance).map(|word| ("replication", DB_REPLICATION, word)))
    {
        match standing(states, word) {
            Some(Standing::Usable) => {}
            None if elapsed >= NEW_WORD => {}
            _ => return open(&format!("{what}: {word}")),
        }
    }
    let shown = live(instance, !wanted.apply_immediately).inputs;
    let missing = differences(wanted, &shown);
    // In an unknown state, AWS may be working on it for as long as they do not show.
    if (is_unknown || elapsed < STALE) && !missing.is_empty() {
        return open(&format!("not changed yet: {}", missing.join(", ")));
    }
    None
}

/// Returns the status of an instance that has not begun a requested reboot yet.
pub(super) fn not_rebooted_yet(
    instance: &DbInstance,
    condition: &Condition,
    elapsed: Duration,
) -> Option<String> {
    let groups = instance.db_parameter_groups();
    let waits = groups
        .iter()
        .any(|group| group.parameter_apply_status() == Some(PENDING_REBOOT));
    let told = *condition == Condition::Settling(REBOOTING.to_owned());
    (told && waits && elapsed < STALE).then(|| format!("{}, not rebooted yet", status(instance)))
}

/// Returns the state of a replica's replication.
fn replication(instance: &DbInstance) -> Option<&str> {
    instance
        .status_infos()
        .iter()
        .find(|info| info.status_type() == Some("read replication"))?
        .status()
}

/// Returns the properties that do not show the wanted value.
fn differences(wanted: &Inputs, shown: &Inputs) -> Vec<String> {
    let schema = Instance.schema();
    let (mut wanted, shown) = (properties(wanted), properties(shown));
    super::defer::keep_live(&mut wanted, &shown);
    let diff = compare(&schema, &wanted, &shown);
    diff.properties().into_iter().map(str::to_owned).collect()
}

fn properties(inputs: &Inputs) -> Properties {
    let json = serde_json::to_value(inputs).unwrap_or_default();
    match Value::from(json) {
        Value::Object(mut properties) => {
            properties.retain(|_, value| !value.is_null());
            properties
        }
        _ => Properties::new(),
    }
}

/// Returns whether an instance of this status can only be deleted without a final snapshot.
/// <https://docs.aws.amazon.com/AmazonRDS/latest/APIReference/API_DeleteDBInstance.html>
pub(super) fn takes_no_snapshot(status: &str) -> bool {
    ["failed", "incompatible-restore", "incompatible-network"]
        .iter()
        .any(|start| status.starts_with(start))
}

/// Returns the same object in a settling condition.
pub(super) fn settling(live: LiveOf<Instance>, status: &str) -> LiveOf<Instance> {
    Live {
        condition: Condition::Settling(status.to_owned()),
        ..live
    }
}

fn condition(instance: &DbInstance) -> Condition {
    let now = instance.db_instance_status().unwrap_or_default();
    let has_endpoint = instance.endpoint().and_then(Endpoint::address).is_some();
    if FAILED.contains(&now) && !has_come_up(instance) {
        Condition::Broken(status(instance))
    } else if is_steady(now) {
        Condition::Ready
    } else if now == STOPPED && has_endpoint {
        Condition::Busy(format!("`{STOPPED}`"))
    } else if AT_WORK.contains(&now) && has_endpoint {
        Condition::Busy(format!("`{}`: AWS is at work on it", status(instance)))
    } else if serves_unknown(instance) {
        Condition::Busy(states::unknown(&status(instance)))
    } else {
        Condition::Settling(status(instance))
    }
}

/// Converts an instance. Changes that wait for the maintenance window count as done, if `with_pending`.
pub(super) fn live(instance: &DbInstance, with_pending: bool) -> LiveOf<Instance> {
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
            pending: super::pending::values(instance),
            maintenance: None,
        },
        tags: crate::aws::rds::from_sdk(instance.tag_list()),
        condition,
    }
}

fn inputs(instance: &DbInstance, with_pending: bool) -> Inputs {
    let text = |value: Option<&str>| value.map(str::to_owned);
    let pending = instance.pending_modified_values().filter(|_| with_pending);
    let allocated = pending
        .and_then(PendingModifiedValues::allocated_storage)
        .or(instance.allocated_storage());
    Inputs {
        identifier: text(instance.db_instance_identifier()).unwrap_or_default(),
        engine: text(instance.engine()),
        engine_version: text(
            pending
                .and_then(PendingModifiedValues::engine_version)
                .or(instance.engine_version()),
        ),
        instance_class: text(
            pending
                .and_then(PendingModifiedValues::db_instance_class)
                .or(instance.db_instance_class()),
        )
        .unwrap_or_default(),
        allocated_storage: allocated,
        // A limit equal to the size keeps the storage from growing.
        max_allocated_storage: instance
            .max_allocated_storage()
            .filter(|limit| Some(*limit) != allocated),
        storage_type: text(
            pending
                .and_then(PendingModifiedValues::storage_type)
                .or(instance.storage_type()),
        )
        .unwrap_or_default(),
        storage_encrypted: instance.storage_encrypted(),
        kms_key_id: text(instance.kms_key_id()),
        iops: pending
            .and_then(PendingModifiedValues::iops)
            .or(instance.iops()),
        storage_throughput: pending
            .and_then(PendingModifiedValues::storage_throughput)
            .or(instance.storage_throughput()),
        db_name: text(instance.db_name()),
        username: text(instance.master_username()),
        master_password_secret_arn: None,
        port: pending.and_then(PendingModifiedValues::port).or_else(|| {
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
        multi_az: pending
            .and_then(PendingModifiedValues::multi_az)
            .or(instance.multi_az())
            .unwrap_or(false),
        availability_zone: text(instance.availability_zone()),
        publicly_accessible: instance.publicly_accessible().unwrap_or(false),
        backup_retention_period: pending
            .and_then(PendingModifiedValues::backup_retention_period)
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
            .and_then(PendingModifiedValues::iam_database_authentication_enabled)
            .or(instance.iam_database_authentication_enabled())
            .unwrap_or(false),
        ca_cert_identifier: text(
            pending
                .and_then(PendingModifiedValues::ca_certificate_identifier)
                .or(instance.ca_certificate_identifier()),
        ),
        replicate_source_db: text(instance.read_replica_source_db_instance_identifier())
            .filter(|source| !source.is_empty()),
    }
}

fn log_exports(instance: &DbInstance, pending: Option<&PendingModifiedValues>) -> Vec<String> {
    let mut logs = instance.enabled_cloudwatch_logs_exports().to_vec();
    if let Some(pending) = pending.and_then(PendingModifiedValues::pending_cloudwatch_logs_exports)
    {
        logs.retain(|log| !pending.log_types_to_disable().contains(log));
        logs.extend(pending.log_types_to_enable().iter().cloned());
    }
    logs
}

#[cfg(test)]
mod tests {
    use aws_sdk_rds::types::builders::DbInstanceBuilder;
    use aws_sdk_rds::types::{DbInstanceStatusInfo, DbParameterGroupStatus};

    use super::*;

    fn instance(status: &str) -> DbInstanceBuilder {
        let endpoint = Endpoint::builder().address("db.example").port(5432).build();
        DbInstance::builder()
            .db_instance_identifier("shop")
            .db_instance_status(status)
            .db_instance_class("db.t3.micro")
            .engine_version("15.7")
            .storage_type("gp3")
            .endpoint(endpoint)
    }

    fn wanted() -> Inputs {
        Inputs {
            engine_version: Some("15".to_owned()),
            ..live(&instance("available").build(), false).inputs
        }
    }

    fn open(instance: DbInstanceBuilder) -> Option<String> {
        unfinished(&instance.build(), &wanted(), Duration::ZERO)
    }

    #[test]
    fn an_instance_is_done_once_all_of_it_is() {
        assert_eq!(open(instance("available")), None);
        assert_eq!(open(instance("storage-optimization")), None);
        assert_eq!(
            open(instance("modifying").percent_progress("40")).as_deref(),
            Some("modifying (40 %)")
        );
        let pending = PendingModifiedValues::builder().multi_az(true).build();
        assert!(open(instance("available").pending_modified_values(pending)).is_some());
        let group = DbParameterGroupStatus::builder()
            .db_parameter_group_name("p")
            .parameter_apply_status("applying")
            .build();
        assert!(open(instance("available").db_parameter_groups(group)).is_some());
        let unknown = DbParameterGroupStatus::builder()
            .parameter_apply_status("something-new")
            .build();
        assert_eq!(
            open(instance("available").db_parameter_groups(unknown)).as_deref(),
            Some("available, parameter group: something-new")
        );
        let replica = DbInstanceStatusInfo::builder()
            .status_type("read replication")
            .status("connecting")
            .build();
        assert_eq!(
            open(instance("available").status_infos(replica)).as_deref(),
            Some("available, replication: connecting")
        );
    }

    /// Neither state ends by itself, whatever the state of the instance.
    #[test]
    fn stopped_replication_and_refused_parameters_wait_for_a_person() {
        let replication = |word: &str| {
            let info = DbInstanceStatusInfo::builder();
            let info = info.status_type("read replication").status(word).build();
            instance("available").status_infos(info).build()
        };
        let stopped = replication("stopped");
        assert_eq!(
            failure(&stopped).as_deref(),
            Some("available, replication: stopped")
        );
        assert!(hand(&stopped).expect("a hand").text.contains("`shop`"));
        // A change of it that AWS refuses has nothing to do with its replication.
        assert_eq!(holder(&stopped).hand, None);
        assert_eq!(failure(&replication("connecting")), None);
        assert!(failure(&replication("terminated")).is_some());
        let refused = DbParameterGroupStatus::builder()
            .parameter_apply_status("failed-to-apply")
            .build();
        let refused = |status: &str| {
            let instance = instance(status).db_parameter_groups(refused.clone());
            failure(&instance.build())
        };
        assert_eq!(
            refused("available").as_deref(),
            Some("available, parameter group: failed-to-apply")
        );
        assert_eq!(refused("modifying"), None);
    }

    /// A run has nothing to do about work of AWS in a maintenance window, or about states that AWS may add one day.
    #[test]
    fn an_instance_that_serves_while_aws_is_at_work_is_usable() {
        for state in AT_WORK {
            let found = live(&instance(state).build(), false).condition;
            assert!(
                matches!(&found, Condition::Busy(text) if text.contains(state)),
                "{state}: {found:?}"
            );
            // A change waits until that is over.
            assert!(is_at_work(&found), "{state}");
            assert!(open(instance(state)).is_some(), "{state}");
        }
        let unknown = live(&instance("something-new").build(), false).condition;
        assert!(
            matches!(&unknown, Condition::Busy(text) if text.contains("`something-new`")),
            "{unknown:?}"
        );
        assert_eq!(open(instance("something-new")), None);
        let without_endpoint = DbInstance::builder().db_instance_status("something-new");
        let found = live(&without_endpoint.build(), false).condition;
        assert_eq!(found, Condition::Settling("something-new".to_owned()));
        // The requested values have to show, however long it takes.
        let before = instance("something-new").db_instance_class("db.t3.small");
        assert!(unfinished(&before.build(), &wanted(), NEW_WORD * 2).is_some());
        assert!(!is_at_work(
            &live(&instance("stopped").build(), false).condition
        ));
    }

    /// AWS says to restore it; a new, empty instance would take its name, and its backups would be lost.
    #[test]
    fn a_failed_instance_that_had_come_up_waits_for_a_person() {
        let bare = |status: &str| {
            let instance = DbInstance::builder().db_instance_identifier("shop");
            instance.db_instance_status(status)
        };
        let time = || aws_smithy_types::DateTime::from_secs(1_800_000_000);
        for status in FAILED {
            let failed_on_create = bare(status).build();
            assert_eq!(
                live(&failed_on_create, false).condition,
                Condition::Broken(status.to_owned())
            );
            assert_eq!(hand(&failed_on_create), None, "{status}");
            for had_come_up in [
                instance(status).build(),
                bare(status).latest_restorable_time(time()).build(),
                bare(status).instance_create_time(time()).build(),
            ] {
                assert_eq!(
                    live(&had_come_up, false).condition,
                    Condition::Settling(status.to_owned())
                );
                assert!(failure(&had_come_up).is_some(), "{status}");
                let remedy = hand(&had_come_up).expect("a hand");
                let command = &remedy.commands[0];
                assert!(
                    command.contains("--use-latest-restorable-time"),
                    "{command}"
                );
                assert_eq!(holder(&had_come_up).hand, Some(remedy));
            }
        }
    }

    #[test]
    fn a_word_that_aws_has_added_since_holds_nothing_up_for_long() {
        let group = DbParameterGroupStatus::builder()
            .parameter_apply_status("something-new")
            .build();
        let instance = instance("available").db_parameter_groups(group).build();
        let wanted = Inputs {
            parameter_group_name: None,
            ..wanted()
        };
        assert!(unfinished(&instance, &wanted, Duration::ZERO).is_some());
        assert_eq!(unfinished(&instance, &wanted, NEW_WORD), None);
    }

    #[test]
    fn a_stale_available_is_not_believed_at_first() {
        let before = instance("available").db_instance_class("db.t3.small");
        let before = before.build();
        assert_eq!(
            unfinished(&before, &wanted(), Duration::ZERO).as_deref(),
            Some("available, not changed yet: instanceClass")
        );
        assert!(unfinished(&before, &wanted(), STALE).is_none());
    }

    #[test]
    fn what_waits_for_the_window_counts_where_it_is_wanted() {
        let pending = PendingModifiedValues::builder()
            .db_instance_class("db.t3.large")
            .build();
        let instance = instance("available")
            .pending_modified_values(pending)
            .build();
        let class = |with_pending| live(&instance, with_pending).inputs.instance_class;
        assert_eq!(class(true), "db.t3.large");
        assert_eq!(class(false), "db.t3.micro");
    }

    #[test]
    fn conditions() {
        let condition = |status: &str| live(&instance(status).build(), false).condition;
        assert_eq!(condition("available"), Condition::Ready);
        assert_eq!(condition("storage-initialization"), Condition::Ready);
        assert_eq!(
            condition("stopped"),
            Condition::Busy("`stopped`".to_owned())
        );
        for state in ["creating", "starting", "stopping", "delete-precheck"] {
            assert_eq!(condition(state), Condition::Settling(state.to_owned()));
        }
        assert_eq!(
            condition("incompatible-network"),
            Condition::Settling("incompatible-network".to_owned())
        );
        for state in [
            "incompatible-network",
            "insufficient-capacity",
            "stopped",
            "deleting",
        ] {
            assert!(failure(&instance(state).build()).is_some(), "{state}");
        }
        // A change that raises its storage is what ends it.
        assert!(failure(&instance("storage-full").build()).is_none());
        assert!(failure(&instance("creating").build()).is_none());
    }
}
