//! The status of an instance: whether it can be used and changed, and what a person has to do about it.

use aws_sdk_rds::types::{DbInstance, Endpoint};

use crate::aws::states::{
    self, DB_INSTANCE, DB_PARAMETERS, DB_REPLICATION, DB_RESTORE, Standing, standing,
};
use crate::resource::Condition;
use crate::resource::provider::{Holder, Remedy};

/// The states of an instance that can no longer be used. One that never came up is empty; one that did has its data in its
/// backups.
pub(super) const FAILED: [&str; 4] = [
    "failed",
    "incompatible-create",
    "incompatible-restore",
    "restore-error",
];

/// The state of a full storage. The instance accepts changes, the one that ends this state among them.
const FULL: &str = "storage-full";

/// Returns whether an instance of this status can be changed.
pub(super) fn is_steady(status: &str) -> bool {
    status == FULL || standing(DB_INSTANCE, status) == Some(Standing::Usable)
}

/// The states in which AWS works on an instance that keeps its endpoint; a change has to wait, which `update` does. Work in
/// a maintenance window is among these.
pub(super) const AT_WORK: [&str; 10] = [
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
pub(super) const PENDING_REBOOT: &str = "pending-reboot";

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
pub(super) fn serves_unknown(instance: &DbInstance) -> bool {
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

/// Returns the state of a replica's replication.
pub(super) fn replication(instance: &DbInstance) -> Option<&str> {
    instance
        .status_infos()
        .iter()
        .find(|info| info.status_type() == Some("read replication"))?
        .status()
}

/// Returns whether an instance of this status can only be deleted without a final snapshot.
/// <https://docs.aws.amazon.com/AmazonRDS/latest/APIReference/API_DeleteDBInstance.html>
pub(super) fn takes_no_snapshot(status: &str) -> bool {
    ["failed", "incompatible-restore", "incompatible-network"]
        .iter()
        .any(|start| status.starts_with(start))
}

pub(super) fn condition(instance: &DbInstance) -> Condition {
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
