//! Databases in states that no run has brought about: failed, at work, or in a state that AWS may add one day; and values
//! that the account keeps in other letters than they were sent.

use std::collections::BTreeMap;

use aws_sdk_rds::types::{DbInstance, Tag};

use crate::common::World;
use crate::common::commands::{DONE, json};
use crate::common::program::{Ended, Program};

/// The status with which `up` ends if a resource failed.
const RESOURCE_FAILED: Option<i32> = Some(4);

/// The tag that puts an instance of the local account into a state.
const STATUS: &str = "sandbox:status";

fn file(name: &str, more: &str) -> String {
    format!(
        "password:
  type: aws:secretsmanager:Secret
  properties:
    generateSecretString: {{ secretStringTemplate: {{ username: app }}, generateStringKey: password, excludePunctuation: true }}
main:
  type: aws:rds:Instance
  properties:
    identifier: {name}
    engine: postgres
    engineVersion: '16'
    instanceClass: db.t3.micro
    allocatedStorage: 20
    backupRetentionPeriod: 1
    username: app
    masterPasswordSecretArn: '${{password.arn}}'
    {more}
"
    )
}

async fn instance(world: &World, name: &str) -> DbInstance {
    let answer = world.sdk.rds.describe_db_instances();
    let answer = answer.db_instance_identifier(name).send().await;
    let mut answer = answer.expect("the instance is there");
    answer
        .db_instances
        .as_mut()
        .and_then(Vec::pop)
        .expect("one instance")
}

/// Puts the instance into a state, or out of it.
async fn put(world: &World, name: &str, status: Option<&str>) {
    let arn = format!("arn:aws:rds:eu-south-2:123456789012:db:{name}");
    if let Some(status) = status {
        let tag = Tag::builder().key(STATUS).value(status).build();
        let add = world.sdk.rds.add_tags_to_resource();
        let add = add.resource_name(arn).tags(tag).send().await;
        add.expect("it can be tagged");
        let shown = instance(world, name).await;
        assert_eq!(shown.db_instance_status(), Some(status));
    } else {
        let remove = world.sdk.rds.remove_tags_from_resource();
        let remove = remove.resource_name(arn).tag_keys(STATUS).send().await;
        remove.expect("the tag can be taken away");
    }
}

fn words(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

fn ends(ended: &Ended, status: Option<i32>) {
    assert_eq!(ended.status, status, "{}", ended.screen);
}

#[tokio::test]
async fn a_database_that_has_failed_is_not_replaced_by_an_empty_one() {
    let name = "e2e-states-failed";
    let world = World::new(name).await;
    world.up(&file(name, "")).await;
    let before = instance(&world, name).await;
    put(&world, name, Some("failed")).await;
    let program = Program::of(&world);

    let preview = program.run(&file(name, ""), "preview", &["--json"]);
    ends(&preview, DONE);
    let steps = json(&preview);
    let ops: Vec<&str> = steps["steps"]
        .as_array()
        .expect("steps")
        .iter()
        .filter_map(|step| step["op"].as_str())
        .collect();
    assert_eq!(ops, ["update"], "{}", preview.screen);
    let up = program.run(&file(name, ""), "up", &["--yes", "--allow-delete", "*"]);
    ends(&up, RESOURCE_FAILED);
    let restore = format!(
        "aws rds restore-db-instance-to-point-in-time --source-db-instance-identifier {name}"
    );
    assert!(up.stderr.contains(&restore), "{}", up.screen);
    let calls = up.mutating.iter();
    let calls: Vec<&String> = calls.filter(|call| call.starts_with("rds:")).collect();
    assert_eq!(calls, [] as [&String; 0], "{}", up.screen);
    let after = instance(&world, name).await;
    assert_eq!(after.dbi_resource_id(), before.dbi_resource_id());

    put(&world, name, None).await;
    assert!(world.preview(&file(name, "")).await.is_empty());
    world.destroy(&file(name, "")).await;
}

/// The work of AWS in a maintenance window is no drift, and a change waits until that is over.
#[tokio::test]
async fn a_database_that_aws_is_at_work_on_leaves_nothing_to_do() {
    let name = "e2e-states-busy";
    let world = World::new(name).await;
    world.up(&file(name, "")).await;
    let program = Program::of(&world);
    for (status, says) in [
        (
            "upgrading",
            "its state is `upgrading`: AWS is at work on it",
        ),
        (
            "maintenance",
            "its state is `maintenance`: AWS is at work on it",
        ),
        (
            "modifying",
            "its state is `modifying`: AWS is at work on it",
        ),
        (
            "something-new",
            "its state is `something-new`, which this version does not know",
        ),
    ] {
        put(&world, name, Some(status)).await;
        let preview = program.run(&file(name, ""), "preview", &["--expect-no-changes"]);
        ends(&preview, DONE);
        let shown = words(&preview.stdout);
        assert!(
            shown.contains(&format!("main: {says}")),
            "{}",
            preview.screen
        );
        assert!(shown.contains("nothing is left for a run to do"), "{shown}");
        let document = json(&program.run(&file(name, ""), "preview", &["--json"]));
        assert_eq!(document["pending"][0]["until"], "busy", "{status}");
        let up = program.run(&file(name, ""), "up", &["--yes"]);
        ends(&up, DONE);
        assert_eq!(up.mutating, [] as [String; 0], "{status}");
    }
    put(&world, name, None).await;
    let quiet = program.run(&file(name, ""), "preview", &["--expect-no-changes"]);
    ends(&quiet, DONE);
    assert!(!quiet.stdout.contains("Pending"), "{}", quiet.screen);
    world.destroy(&file(name, "")).await;
}

/// The refusals of RDS that the checks of files are there for: a reserved name, windows that meet, a database that is
/// stopped.
#[tokio::test]
async fn the_local_account_refuses_what_rds_refuses() {
    let name = "e2e-states-refused";
    let world = World::new(name).await;
    let rds = &world.sdk.rds;
    let create = |user: &str, database: &str, backup: &str| {
        let create = rds.create_db_instance().db_instance_identifier(name);
        let create = create.engine("postgres").db_instance_class("db.t3.micro");
        let create = create
            .allocated_storage(20)
            .master_user_password("Password12345");
        let create = create.master_username(user).db_name(database);
        let create = create.preferred_backup_window(backup);
        create
            .preferred_maintenance_window("sun:03:30-sun:04:30")
            .send()
    };
    for (user, database, backup, says) in [
        (
            "app",
            "order",
            "05:00-05:30",
            "reserved word for this engine",
        ),
        (
            "admin",
            "shop",
            "05:00-05:30",
            "reserved word for this engine",
        ),
        ("app", "shop", "03:00-04:00", "must not overlap"),
    ] {
        let refused = create(user, database, backup).await;
        let refused = format!("{:?}", refused.expect_err("it is refused"));
        assert!(
            refused.contains(says),
            "{user} {database} {backup}: {refused}"
        );
    }
    world.up(&file(name, "")).await;
    let stop = rds.stop_db_instance().db_instance_identifier(name).send();
    stop.await.expect("it can be stopped");
    let modify = rds.modify_db_instance().db_instance_identifier(name);
    let modify = modify.copy_tags_to_snapshot(true).send().await;
    let refused = format!("{:?}", modify.expect_err("it is refused"));
    assert!(refused.contains("InvalidDBInstanceState"), "{refused}");
    let program = Program::of(&world);
    let preview = program.run(&file(name, ""), "preview", &["--expect-no-changes"]);
    ends(&preview, DONE);
    let shown = words(&preview.stdout);
    assert!(shown.contains("main: its state is `stopped`"), "{shown}");
    let start = rds.start_db_instance().db_instance_identifier(name).send();
    start.await.expect("it can be started");
    world.destroy(&file(name, "")).await;
}

/// RDS keeps these in lower case. A dimension of an alarm is another with other letters, and would watch nothing.
#[tokio::test]
async fn names_with_capitals_are_those_that_rds_keeps() {
    let world = World::new("e2e-states-letters").await;
    let resources = "
password:
  type: aws:secretsmanager:Secret
  properties:
    generateSecretString: { secretStringTemplate: { username: app }, generateStringKey: password, excludePunctuation: true }
parameters: { type: aws:rds:ParameterGroup, properties: { name: E2E-States-Letters, family: Postgres16 } }
main:
  type: aws:rds:Instance
  properties:
    identifier: E2E-States-Letters
    engine: Postgres
    engineVersion: '16'
    instanceClass: db.t3.micro
    allocatedStorage: 20
    username: app
    parameterGroupName: ${parameters.name}
    masterPasswordSecretArn: ${password.arn}
alarm:
  type: aws:cloudwatch:MetricAlarm
  properties:
    name: e2e-states-letters
    namespace: AWS/RDS
    metricName: CPUUtilization
    statistic: Average
    period: 60
    evaluationPeriods: 1
    comparisonOperator: GreaterThanThreshold
    threshold: 80
    dimensions: { DBInstanceIdentifier: '${main.identifier}' }
";
    world.up(resources).await;
    assert!(world.preview(resources).await.is_empty());
    let live = instance(&world, "e2e-states-letters").await;
    assert_eq!(live.engine(), Some("postgres"));
    let group = world.sdk.rds.describe_db_parameter_groups();
    let group = group
        .db_parameter_group_name("e2e-states-letters")
        .send()
        .await;
    let group = group.expect("the group is there");
    let family = group.db_parameter_groups()[0].db_parameter_group_family();
    assert_eq!(family, Some("postgres16"));
    let alarms = world.sdk.cloudwatch.describe_alarms();
    let alarms = alarms.alarm_names("e2e-states-letters").send().await;
    let alarms = alarms.expect("alarms can be listed");
    let dimensions: BTreeMap<_, _> = alarms.metric_alarms()[0]
        .dimensions()
        .iter()
        .map(|dimension| (dimension.name(), dimension.value()))
        .collect();
    assert_eq!(
        dimensions[&Some("DBInstanceIdentifier")],
        Some("e2e-states-letters")
    );
    world.destroy(resources).await;
}

/// `MySQL`'s words for truth come back as `1` and `0`.
#[tokio::test]
async fn parameters_of_mysql_are_compared_by_what_they_mean() {
    let world = World::new("e2e-states-mysql").await;
    let resources = |slow: &str| {
        format!(
            "group:
  type: aws:rds:ParameterGroup
  properties:
    name: e2e-states-mysql
    family: mysql8.4
    parameters:
      - {{ name: slow_query_log, value: {slow} }}
      - {{ name: general_log, value: 'OFF' }}
      - {{ name: log_bin_trust_function_creators, value: 'TRUE' }}
      - {{ name: max_connections, value: 'LEAST({{DBInstanceClassMemory/9531392}}, 500)' }}
"
        )
    };
    world.up(&resources("'ON'")).await;
    let live = world.sdk.rds.describe_db_parameters();
    let live = live
        .db_parameter_group_name("e2e-states-mysql")
        .source("user");
    let live = live.send().await.expect("parameters can be listed");
    let values: BTreeMap<_, _> = live
        .parameters()
        .iter()
        .map(|parameter| {
            (
                parameter.parameter_name().unwrap(),
                parameter.parameter_value(),
            )
        })
        .collect();
    assert_eq!(values["slow_query_log"], Some("1"));
    assert_eq!(values["general_log"], Some("0"));
    assert!(world.preview(&resources("'ON'")).await.is_empty());
    assert!(world.preview(&resources("true")).await.is_empty());
    assert!(!world.preview(&resources("'OFF'")).await.is_empty());
    world.destroy(&resources("'ON'")).await;
}

/// A replica that cannot grow stops replaying when it is full.
#[tokio::test]
async fn a_replica_grows_with_its_source() {
    let name = "e2e-states-replica";
    let world = World::new(name).await;
    let copy = format!("{name}-copy");
    let resources = |size: u32, limit: u32| {
        let storage = format!("maxAllocatedStorage: {limit}");
        let source = file(name, &storage)
            .replace("allocatedStorage: 20", &format!("allocatedStorage: {size}"));
        format!(
            "{source}copy:
  type: aws:rds:Instance
  properties:
    identifier: {copy}
    instanceClass: db.t3.micro
    replicateSourceDb: '${{main.identifier}}'
    allocatedStorage: {size}
    {storage}
"
        )
    };
    // It has grown by itself before there is a replica: that begins with as much.
    world.up(&file(name, "maxAllocatedStorage: 100")).await;
    let grown = world
        .sdk
        .rds
        .modify_db_instance()
        .db_instance_identifier(name);
    let grown = grown
        .allocated_storage(40)
        .apply_immediately(true)
        .send()
        .await;
    grown.expect("it can grow");
    world.up(&resources(20, 100)).await;
    let storage = async |id: &str| {
        let live = instance(&world, id).await;
        (live.allocated_storage(), live.max_allocated_storage())
    };
    assert_eq!(storage(&copy).await, (Some(40), Some(100)));
    assert!(world.preview(&resources(20, 100)).await.is_empty());
    world.up(&resources(60, 200)).await;
    assert_eq!(storage(name).await, (Some(60), Some(200)));
    assert_eq!(storage(&copy).await, (Some(60), Some(200)));
    assert!(world.preview(&resources(60, 200)).await.is_empty());
    world.destroy(&resources(60, 200)).await;
}
