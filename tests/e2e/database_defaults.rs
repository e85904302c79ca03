//! The later defaults of `database:`: a live database gets them in place, and says so; and the remains of a database tell
//! whose it was.

use std::collections::{BTreeMap, BTreeSet};

use aws_sdk_rds::types::{ApplyMethod, DbInstance, Parameter};

use crate::common::World;
use crate::common::commands::DONE;
use crate::common::program::{Ended, Program};

/// A whole file with a small network and this database.
fn file(world: &World, database: &str) -> String {
    let sections = format!("network: {{ natGateways: none }}\ndatabase: {database}\n");
    world.file("").replace("resources: {}\n", &sections)
}

fn done(ended: &Ended) {
    assert_eq!(ended.status, DONE, "{}", ended.screen);
}

fn words(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

async fn instance(world: &World, name: &str) -> DbInstance {
    let described = world.sdk.rds.describe_db_instances();
    let described = described.db_instance_identifier(name).send().await;
    let mut instances = described.expect("it is there").db_instances.unwrap();
    instances.remove(0)
}

/// The parameter in the group of an instance, set by a user.
async fn force_ssl(world: &World, group: &str) -> Option<Parameter> {
    let described = world.sdk.rds.describe_db_parameters();
    let described = described.db_parameter_group_name(group).source("user");
    let parameters = described.send().await.expect("the group is there");
    let mut parameters = parameters.parameters().iter();
    let is_it = |one: &&Parameter| one.parameter_name() == Some("rds.force_ssl");
    parameters.find(is_it).cloned()
}

/// The days of the log groups of an instance, by log.
async fn log_groups(world: &World, name: &str) -> BTreeMap<String, Option<i32>> {
    let prefix = format!("/aws/rds/instance/{name}/");
    let described = world.sdk.logs.describe_log_groups();
    let described = described.log_group_name_prefix(&prefix).send().await;
    let described = described.expect("log groups can be listed");
    let groups = described.log_groups().iter();
    groups
        .map(|group| {
            let name = group.log_group_name().unwrap();
            let log = name.strip_prefix(&prefix).unwrap().to_owned();
            (log, group.retention_in_days())
        })
        .collect()
}

/// Before PostgreSQL 15, connections without TLS are let in by default.
#[tokio::test]
async fn a_database_comes_to_insist_on_tls_without_a_restart() {
    let name = "e2e-database-tls";
    let world = World::new(name).await;
    let program = Program::of(&world);
    let before = file(
        &world,
        &format!(
            "{{ name: {name}, engineVersion: \"14\", parameters: {{ rds.force_ssl: 0, log_lock_waits: 1 }} }}"
        ),
    );
    let up = program.run_file(&before, "up", &["--yes"]);
    done(&up);
    let group = instance(&world, name).await;
    let group = group.db_parameter_groups()[0].clone();
    let group = group.db_parameter_group_name().unwrap();
    let live = force_ssl(&world, group).await.expect("it is set");
    assert_eq!(live.parameter_value(), Some("0"));

    let silent = before.replace("rds.force_ssl: 0, ", "");
    world.was_made_by_an_earlier_version().await;
    let preview = program.run_file(&silent, "preview", &[]);
    done(&preview);
    let keep = "`database.parameters: { rds.force_ssl: 0 }` in the file keeps what it was";
    assert!(words(&preview.stdout).contains(keep), "{}", preview.screen);
    let up = program.run_file(&silent, "up", &["--yes"]);
    done(&up);
    let of_rds: BTreeSet<&str> = up
        .mutating
        .iter()
        .filter_map(|call| call.strip_prefix("rds:"))
        .filter(|call| !call.ends_with("TagsToResource"))
        .collect();
    assert!(
        of_rds.is_subset(&BTreeSet::from(["ModifyDBParameterGroup"])),
        "{of_rds:?}"
    );
    let live = force_ssl(&world, group).await.expect("it is set");
    assert_eq!(live.parameter_value(), Some("1"));
    assert_eq!(live.apply_method(), Some(&ApplyMethod::Immediate));
    let status = instance(&world, name).await;
    let status = status.db_parameter_groups()[0].parameter_apply_status();
    assert_ne!(status, Some("pending-reboot"));

    // Another parameter is no news of this one.
    let edited = silent.replace("log_lock_waits: 1", "log_lock_waits: 0");
    let preview = program.run_file(&edited, "preview", &[]);
    done(&preview);
    assert!(
        !preview.stdout.contains("New defaults"),
        "{}",
        preview.screen
    );
    let again = program.run_file(&silent, "up", &["--yes"]);
    done(&again);
    assert_eq!(again.mutating, [] as [String; 0], "{}", again.screen);
    done(&program.run_file(&silent, "destroy", &["--yes"]));
}

/// In staging, by default: the groups are there, with the stack's retention, before RDS could make them.
#[tokio::test]
async fn a_database_sends_its_logs_to_groups_that_were_there_first() {
    let name = "e2e-database-logs";
    let world = World::in_environment(name, "staging").await;
    let program = Program::of(&world);
    let keys = format!("name: {name}, readReplicas: 1, iamAuthentication: true");
    let silent = file(&world, &format!("{{ {keys} }}"));
    // A group that RDS has made before, for an instance that is gone.
    let made = world.sdk.logs.create_log_group();
    let made = made.log_group_name(format!("/aws/rds/instance/{name}/upgrade"));
    drop(made.send().await);

    let consent = ["--yes", "--allow-delete", "*"];
    let up = program.run_file(&silent, "up", &consent);
    done(&up);
    let at = |call: &str| up.calls.iter().position(|made| made == call);
    let first = at("logs:PutRetentionPolicy").expect("the groups have a retention");
    assert!(Some(first) < at("rds:CreateDBInstance"), "{:?}", up.calls);
    let days = Some(14);
    let both = BTreeMap::from([
        ("postgresql".to_owned(), days),
        ("upgrade".to_owned(), days),
    ]);
    for instance_name in [name.to_owned(), format!("{name}-replica1")] {
        let live = instance(&world, &instance_name).await;
        let exports: BTreeSet<_> = live.enabled_cloudwatch_logs_exports().iter().collect();
        let exports: Vec<&str> = exports.into_iter().map(String::as_str).collect();
        assert_eq!(exports, ["postgresql", "upgrade"], "{instance_name}");
        assert_eq!(live.iam_database_authentication_enabled(), Some(true));
        assert_eq!(log_groups(&world, &instance_name).await, both);
    }
    let again = program.run_file(&silent, "up", &["--yes"]);
    done(&again);
    assert_eq!(again.mutating, [] as [String; 0], "{}", again.screen);

    let fewer = file(&world, &format!("{{ {keys}, logExports: [upgrade] }}"));
    done(&program.run_file(&fewer, "up", &consent));
    let live = instance(&world, name).await;
    assert_eq!(live.enabled_cloudwatch_logs_exports(), ["upgrade"]);

    done(&program.run_file(&fewer, "destroy", &consent));
    assert_is_left(&world, name).await;
}

/// RDS copies all tags if it is asked to, and those of ownership among them.
#[tokio::test]
async fn a_final_snapshot_with_copied_tags_is_not_the_stacks() {
    let name = "e2e-database-copied-tags";
    let world = World::in_environment(name, "staging").await;
    let program = Program::of(&world);
    let resources = format!(
        "password: {{ type: aws:secretsmanager:Secret, properties: {{ generateSecretString: {{ passwordLength: 20, secretStringTemplate: '{{}}', generateStringKey: password }} }} }}
store: {{ type: aws:rds:Instance, properties: {{ identifier: {name}, engine: postgres, engineVersion: '16', instanceClass: db.t3.micro, allocatedStorage: 40, username: app, copyTagsToSnapshot: true, masterPasswordSecretArn: '${{password.arn}}' }} }}"
    );
    done(&program.run(&resources, "up", &["--yes"]));
    done(&program.run(&resources, "destroy", &["--yes"]));
    assert_is_left(&world, name).await;
}

/// The final snapshot tells whose it was, and is not the stack's any more. It goes.
async fn assert_is_left(world: &World, name: &str) {
    let snapshots = world.sdk.rds.describe_db_snapshots();
    let snapshots = snapshots.db_instance_identifier(name).send().await;
    let snapshots = snapshots.expect("snapshots can be listed");
    let mut finals = snapshots.db_snapshots().iter().filter(|snapshot| {
        let id = snapshot.db_snapshot_identifier().unwrap_or_default();
        id.starts_with(&format!("{name}-final-"))
    });
    let snapshot = finals.next().expect("a final snapshot");
    let tags = snapshot.tag_list().iter();
    let tags: BTreeMap<_, _> = tags
        .map(|tag| (tag.key().unwrap(), tag.value().unwrap()))
        .collect();
    let stack = world.stack_tag();
    let expected = BTreeMap::from([("fde:left-by", stack.as_str()), ("project", "end-to-end")]);
    assert_eq!(tags, expected);
    let ours = world.sdk.tagged(&stack).await;
    let is_snapshot = |arn: &&String| arn.contains(":snapshot:");
    assert_eq!(ours.iter().find(is_snapshot), None);
    let snapshot = snapshot.db_snapshot_identifier().unwrap();
    let delete = world.sdk.rds.delete_db_snapshot();
    let delete = delete.db_snapshot_identifier(snapshot).send().await;
    delete.expect("it can be deleted");
}
