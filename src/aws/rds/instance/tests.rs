//! States of an instance, and what is done about them.

use std::time::Duration;

use aws_sdk_rds::types::builders::DbInstanceBuilder;
use aws_sdk_rds::types::{
    DbInstance, DbInstanceStatusInfo, DbParameterGroupStatus, Endpoint, PendingModifiedValues,
};

use super::form::live;
use super::model::Inputs;
use super::readiness::{NEW_WORD, STALE, unfinished};
use super::state::{AT_WORK, FAILED, failure, hand, holder, is_at_work};
use crate::resource::Condition;

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
