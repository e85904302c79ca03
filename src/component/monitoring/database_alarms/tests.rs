//! The alarms that a database has by its environment and its file, and the thresholds at which they ring.

use std::fmt::Write as _;

use expect_test::{Expect, expect};

use super::*;
use crate::component::testing::{catalog, faults_of, load};
use crate::component::{Expansion, expand};
use crate::graph::Resource;

fn expansion(environment: &str, sections: &str) -> Expansion {
    let text = format!(
        "name: shop\nenvironment: {environment}\nregion: eu-south-2\nnetwork: {{}}\n{sections}"
    );
    let stack = load(&[("stack.yaml", &text)], &[]).unwrap();
    expand(&stack, &catalog()).unwrap()
}

fn number(resource: &Resource, input: &str) -> f64 {
    match &resource.inputs[input] {
        Value::Number(number) => *number,
        other => panic!("{input} is {other:?}"),
    }
}

/// Checks the alarms on a shortage, one a line; `!` marks those that came by default.
fn check(environment: &str, sections: &str, expected: &Expect) {
    let mut text = String::new();
    for resource in expansion(environment, sections).resources {
        let metric = match resource.inputs.get("metricName") {
            Some(Value::String(metric)) => metric.clone(),
            _ => continue,
        };
        if resource.inputs["namespace"].as_str() != Some("AWS/RDS")
            || resource.inputs["treatMissingData"].as_str() != Some("ignore")
        {
            continue;
        }
        let short = resource.urn.name().trim_start_matches("monitoring/");
        let sign = match resource.inputs["comparisonOperator"].as_str() {
            Some("LessThanThreshold") => "<",
            Some("GreaterThanThreshold") => ">",
            other => panic!("{other:?}"),
        };
        let minutes = number(&resource, "period") * number(&resource, "evaluationPeriods") / 60.0;
        let unit = if metric.starts_with("Free") { MIB } else { 1.0 };
        let new = if resource.options.new_defaults.is_empty() {
            ""
        } else {
            " !"
        };
        let statistic = resource.inputs["statistic"].as_str().unwrap();
        let threshold = number(&resource, "threshold") / unit;
        writeln!(
            text,
            "{short}: {statistic} {metric} {sign} {threshold} for {minutes} min{new}"
        )
        .unwrap();
    }
    expected.assert_eq(&text);
}

#[test]
fn dev_has_the_alarms_that_its_file_asks_for() {
    let database = "database: { readReplicas: 1 }\n";
    check(
        "dev",
        &format!("{database}monitoring: {{}}\n"),
        &expect![""],
    );
    check(
        "dev",
        &format!(
            "{database}monitoring: {{ alarms: {{ databaseFreeStorageGiB: true, databaseReplicaLagSeconds: 60 }} }}\n"
        ),
        &expect![[r#"
            databaseFreeStorage: Minimum FreeStorageSpace < 2048 for 10 min
            databaseReplica1FreeStorage: Minimum FreeStorageSpace < 2048 for 10 min
            databaseReplica1Lag: Average ReplicaLag > 60 for 10 min
        "#]],
    );
}

#[test]
fn staging_and_prod_have_them_by_default_for_each_instance() {
    check(
        "staging",
        "database: {}\nmonitoring: {}\n",
        &expect![[r#"
            databaseFreeStorage: Minimum FreeStorageSpace < 5120 for 15 min !
            databaseFreeMemory: Average FreeableMemory < 204 for 15 min !
            databaseCpuCredits: Average CPUSurplusCreditBalance > 288 for 10 min !
        "#]],
    );
    check(
        "prod",
        "database: { storageGiB: 100, instanceClass: db.r6g.large, readReplicas: 1 }\nmonitoring: {}\n",
        &expect![[r#"
            databaseFreeStorage: Minimum FreeStorageSpace < 10240 for 15 min !
            databaseFreeMemory: Average FreeableMemory < 1638 for 15 min !
            databaseReplica1FreeStorage: Minimum FreeStorageSpace < 10240 for 15 min !
            databaseReplica1FreeMemory: Average FreeableMemory < 1638 for 15 min !
            databaseReplica1Lag: Average ReplicaLag > 300 for 10 min !
        "#]],
    );
}

#[test]
fn a_number_is_the_threshold_and_false_leaves_an_alarm_out() {
    check(
        "prod",
        "database: { instanceClass: db.t2.small, readReplicas: 1 }
monitoring:
  alarms: { databaseFreeStorageGiB: 7, databaseFreeMemoryMiB: false, databaseCpuCredits: 40, databaseReplicaLagSeconds: false }
",
        &expect![[r#"
            databaseFreeStorage: Minimum FreeStorageSpace < 7168 for 15 min
            databaseCpuCredits: Average CPUCreditBalance < 40 for 10 min
            databaseReplica1FreeStorage: Minimum FreeStorageSpace < 7168 for 15 min
            databaseReplica1CpuCredits: Average CPUCreditBalance < 40 for 10 min
        "#]],
    );
    check(
        "prod",
        "database: { instanceClass: db.x2g.large }\nmonitoring: { alarms: { databaseFreeStorageGiB: false } }\n",
        &expect![[r#"
            databaseFreeMemory: Average FreeableMemory < 256 for 15 min !
        "#]],
    );
}

#[test]
fn any_alarm_can_be_switched_off() {
    let file = "database: {}
services: { web: { port: 80, default: true, image: '1.0', alarms: { cpuPercent: false } } }
loadBalancer: {}
monitoring:
  alarms: { databaseCpuPercent: false, databaseConnectionsPercent: 70, responseTimeSeconds: false, errors: false }
";
    let names: Vec<String> = expansion("dev", file)
        .resources
        .iter()
        .filter(|resource| resource.urn.token() == "aws:cloudwatch:MetricAlarm")
        .map(|resource| resource.urn.name().to_owned())
        .collect();
    assert_eq!(
        names,
        [
            "monitoring/databaseConnections",
            "monitoring/webUnhealthyTargets"
        ]
    );
}

/// The dashboard changes with its alarms if the file says nothing, and so it reports what keeps it.
#[test]
fn the_dashboard_says_which_alarms_came_with_it() {
    let kept = |sections: &str| -> Vec<String> {
        let resources = expansion("staging", sections).resources;
        let board = resources
            .iter()
            .find(|resource| resource.urn.token() == "aws:cloudwatch:Dashboard");
        let new = &board.unwrap().options.new_defaults;
        new.iter().map(|new| new.keep.clone()).collect()
    };
    assert_eq!(
        kept("database: {}\nmonitoring: {}\n"),
        [
            "monitoring.alarms: { databaseFreeStorageGiB: false, databaseFreeMemoryMiB: false, databaseCpuCredits: false }"
        ]
    );
    assert_eq!(kept("monitoring: {}\n"), [""; 0]);
    let said = "database: {}\nmonitoring: { alarms: { databaseFreeStorageGiB: false, databaseFreeMemoryMiB: 100, databaseCpuCredits: true } }\n";
    assert_eq!(kept(said), [""; 0]);
}

#[test]
fn what_would_always_ring_or_never_is_refused() {
    let faults = |text: &str, expected: &Expect| expected.assert_eq(&faults_of(text));
    faults(
        "network: {}
database: { instanceClass: db.m6g.large }
monitoring:
  alarms:
    databaseFreeStorageGiB: 20
    databaseFreeMemoryMiB: 8192
    databaseCpuCredits: true
    databaseReplicaLagSeconds: 60
",
        &expect![[r#"
            5:29 out_of_range `20`: the database has 20 GiB in all, so that this would always ring
                help: a tenth of it, 2, is the default
            6:28 out_of_range `8192`: `db.m6g.large` has 8192 MiB in all, so that this would always ring
                help: a tenth of it, 819, is the default
            7:25 value `true`: `db.m6g.large` is not burstable, and has no CPU credits
                help: take it out, or write `false`
            8:32 value `60`: the database has no read replica
                help: take it out, or write `false`; `readReplicas` under `database:` makes some
        "#]],
    );
    faults(
        "network: {}\ndatabase: {}\nmonitoring: { alarms: { databaseCpuCredits: false, databaseReplicaLagSeconds: false } }\n",
        &expect!["fine"],
    );
    faults(
        "monitoring:\n  alarms:\n    databaseFreeMemoryMiB: 0\n    errors: few\n    responseTimeSeconds: 0\n",
        &expect![[r#"
            3:28 out_of_range `0`: `monitoring.alarms.databaseFreeMemoryMiB` takes `true`, `false` or a whole number from 1 to 1048576
            4:13 wrong_type `few`: `monitoring.alarms.errors` takes `true`, `false` or a whole number from 1 to 1000000, not a text
            5:26 out_of_range `0`: `monitoring.alarms.responseTimeSeconds` takes `true`, `false` or a number from 0.01 to 300
        "#]],
    );
}
