use aws_sdk_rds::types::AvailabilityZone;
use aws_sdk_rds::types::builders::OrderableDbInstanceOptionBuilder;

use super::*;
use crate::aws::rds::instance::Instance;
use crate::aws::resource_type::ResourceType;
use crate::resource::diff::compare;
use crate::resource::value::properties;
use crate::resource::{StackId, Urn};

fn urn(token: &str, name: &str) -> Urn {
    let stack = StackId {
        name: "shop".into(),
        environment: "dev".into(),
    };
    Urn::new(&stack, token, name)
}

fn instance() -> Properties {
    properties([
        ("identifier", "shop".into()),
        ("engine", "Postgres".into()),
        ("engineVersion", "16.4".into()),
        ("instanceClass", "db.t4g.micro".into()),
        ("storageType", "gp3".into()),
        ("allocatedStorage", 20.into()),
    ])
}

fn with<const N: usize>(inputs: [(&str, Value); N]) -> Properties {
    let mut all = instance();
    all.extend(properties(inputs));
    all
}

/// A row of AWS: gp3 from 20 GiB on, and no more than the tests change.
fn row(version: &str, kind: &str) -> OrderableDbInstanceOptionBuilder {
    Row::builder()
        .engine_version(version)
        .storage_type(kind)
        .min_storage_size(20)
        .max_storage_size(16384)
        .multi_az_capable(true)
        .supports_performance_insights(true)
        .availability_zones(AvailabilityZone::builder().name("eu-south-2a").build())
        .availability_zones(AvailabilityZone::builder().name("eu-south-2b").build())
}

/// The inputs of a new instance that these rows do not have, in words.
fn lacks(inputs: &Properties, rows: &[Row], standing: &[Standing<'_>]) -> Vec<String> {
    lacks_of(inputs, None, rows, standing)
}

fn lacks_of(
    inputs: &Properties,
    live: Option<&Properties>,
    rows: &[Row],
    standing: &[Standing<'_>],
) -> Vec<String> {
    let urn = urn("aws:rds:Instance", "db");
    let empty = Properties::new();
    let diff = compare(&Instance.schema(), inputs, live.unwrap_or(&empty));
    let order = &Order {
        urn: &urn,
        inputs,
        live,
        changed: diff.properties(),
    };
    let Some(wish) = Wish::of(order, standing) else {
        return vec!["is not asked".to_owned()];
    };
    let rows: Vec<&Row> = rows.iter().filter(|row| wish.is_of_version(row)).collect();
    let found = wish.lacks(&rows, "eu-south-2", standing).into_iter();
    let texts = found.map(|found| {
        let offered = found.offered.join(", ");
        format!("{} {}: {offered}", found.property, found.wanted)
    });
    texts.collect()
}

const NONE: [&str; 0] = [];

#[test]
fn a_combination_that_is_offered_lacks_nothing() {
    let rows = [row("16.4", "gp2").build(), row("16.4", "gp3").build()];
    assert_eq!(lacks(&instance(), &rows, &[]), NONE);
    let all = with([
        ("multiAz", true.into()),
        ("performanceInsightsEnabled", true.into()),
        // The rows do not say whether they have this.
        ("iamDatabaseAuthenticationEnabled", true.into()),
        ("monitoringInterval", 60.into()),
        ("maxAllocatedStorage", 16384.into()),
        ("availabilityZone", "eu-south-2b".into()),
    ]);
    assert_eq!(lacks(&all, &rows, &[]), NONE);
}

#[test]
fn what_no_row_has_is_lacking() {
    let rows = [
        row("16.4", "gp2").multi_az_capable(false).build(),
        row("16.4", "gp3")
            .multi_az_capable(false)
            .supports_performance_insights(false)
            .supports_iam_database_authentication(false)
            .supports_storage_encryption(false)
            .supports_enhanced_monitoring(false)
            .build(),
    ];
    for (input, expected) in [
        (("storageType", "io2".into()), "storageType io2: gp2, gp3"),
        (
            ("allocatedStorage", 10.into()),
            "allocatedStorage 10 GiB: 20 to 16384 GiB",
        ),
        (
            ("allocatedStorage", 20000.into()),
            "allocatedStorage 20000 GiB: 20 to 16384 GiB",
        ),
        (
            ("maxAllocatedStorage", 20000.into()),
            "maxAllocatedStorage 20000 GiB: 20 to 16384 GiB",
        ),
        (("multiAz", true.into()), "multiAz true: "),
        (
            ("performanceInsightsEnabled", true.into()),
            "performanceInsightsEnabled true: ",
        ),
        (
            ("iamDatabaseAuthenticationEnabled", true.into()),
            "iamDatabaseAuthenticationEnabled true: ",
        ),
        (("storageEncrypted", true.into()), "storageEncrypted true: "),
        (("monitoringInterval", 15.into()), "monitoringInterval 15: "),
        (
            ("availabilityZone", "eu-south-2c".into()),
            "availabilityZone eu-south-2c: eu-south-2a, eu-south-2b",
        ),
    ] {
        let (name, value) = input;
        let inputs = with([(name, value)]);
        assert_eq!(lacks(&inputs, &rows, &[]), [expected], "{name}");
    }
    // With gp2 it has Performance Insights, which is what is asked for then.
    let slower = with([
        ("storageType", "gp2".into()),
        ("performanceInsightsEnabled", true.into()),
    ]);
    assert_eq!(lacks(&slower, &rows, &[]), NONE);
}

/// A file may name a major version alone: <https://github.com/aws-cloudformation/cfn-lint/issues/3849>.
#[test]
fn a_major_version_is_any_of_its_minor_ones() {
    let rows = [
        row("1.9", "io1").build(),
        row("15.9", "gp2").build(),
        row("16.4", "gp3").build(),
        row("16.8", "io2").build(),
    ];
    let of = |version: &str| {
        let inputs = with([
            ("engineVersion", version.into()),
            ("storageType", "none".into()),
        ]);
        lacks(&inputs, &rows, &[])
    };
    assert_eq!(of("16"), ["storageType none: gp3, io2"]);
    assert_eq!(of("16.4"), ["storageType none: gp3"]);
    assert_eq!(of("1"), ["storageType none: io1"]);
    let mut inputs = with([("storageType", "none".into())]);
    inputs.remove("engineVersion");
    let expected = ["storageType none: gp2, gp3, io1, io2"];
    assert_eq!(lacks(&inputs, &rows, &[]), expected);
}

/// An instance that runs goes on, whatever is closed to new ones: only a change of the combination is asked about.
#[test]
fn only_another_combination_is_asked_about() {
    let live = with([("allocatedStorage", 10.into())]);
    let rows = [row("16.4", "gp3").build()];
    let change = |name: &str, value: Value| {
        let wanted = with([("allocatedStorage", 10.into()), (name, value)]);
        lacks_of(&wanted, Some(&live), &rows, &[])
    };
    for (name, value) in [
        ("allocatedStorage", 12.into()),
        ("multiAz", true.into()),
        ("deletionProtection", true.into()),
    ] {
        assert_eq!(change(name, value), ["is not asked"], "{name}");
    }
    // The size is as it was when the instance was made, and smaller ones were sold.
    assert_eq!(change("instanceClass", "db.t4g.small".into()), NONE);
    let expected = ["storageType gp2: gp3"];
    assert_eq!(change("storageType", "gp2".into()), expected);
}

#[test]
fn other_types_and_what_is_not_known_yet_are_not_asked_about() {
    let rows = [row("16.4", "gp3").build()];
    for name in ["engine", "instanceClass"] {
        let unknown = Value::output(&urn("aws:ssm:Parameter", "choice"), "value");
        let inputs = with([(name, unknown)]);
        assert_eq!(lacks(&inputs, &rows, &[]), ["is not asked"], "{name}");
    }
    let other = urn("aws:ec2:Vpc", "vpc");
    let inputs = instance();
    let order = &Order {
        urn: &other,
        inputs: &inputs,
        live: None,
        changed: Vec::new(),
    };
    assert!(Wish::of(order, &[]).is_none());
}

#[test]
fn a_replica_has_engine_and_version_of_its_source() {
    let source = urn("aws:rds:Instance", "source");
    let inputs = instance();
    let standing = [Standing {
        urn: &source,
        id: None,
        inputs: &inputs,
    }];
    let rows = [row("16.4", "gp3").build()];
    for by in [
        Value::output(&source, "identifier"),
        "shop".into(),
        "arn:aws:rds:eu-south-2:1:db:Shop".into(),
    ] {
        let replica = properties([
            ("identifier", "copy".into()),
            ("instanceClass", "db.t4g.micro".into()),
            ("storageType", "io1".into()),
            ("replicateSourceDb", by),
        ]);
        let expected = ["storageType io1: gp3"];
        assert_eq!(lacks(&replica, &rows, &standing), expected);
        assert_eq!(lacks(&replica, &rows, &[]), ["is not asked"]);
    }
}

#[test]
fn a_subnet_group_has_a_zone_with_the_class() {
    let (group, a, c) = (
        urn("aws:rds:SubnetGroup", "group"),
        urn("aws:ec2:Subnet", "a"),
        urn("aws:ec2:Subnet", "c"),
    );
    let subnet = |zone: &str| properties([("availabilityZone", zone.into())]);
    let subnets = [subnet("eu-south-2a"), subnet("eu-south-2c")];
    let of = |wanted: [(&str, Value); 1], ids: Vec<Value>, knows: bool| {
        let members = properties([("name", "shop".into()), ("subnetIds", Value::list(ids))]);
        let mut standing = vec![Standing {
            urn: &group,
            id: None,
            inputs: &members,
        }];
        if knows {
            standing.extend(
                [(&a, "subnet-a", 0), (&c, "subnet-c", 1)].map(|(urn, id, at)| Standing {
                    urn,
                    id: Some(id),
                    inputs: &subnets[at],
                }),
            );
        }
        let mut inputs = with(wanted);
        inputs.insert("dbSubnetGroupName".to_owned(), "shop".into());
        lacks(&inputs, &[row("16.4", "gp3").build()], &standing)
    };
    let one = || ("multiAz", false.into());
    let two = || ("multiAz", true.into());
    let both = || vec!["subnet-a".into(), Value::output(&c, "id")];
    assert_eq!(of([one()], both(), true), NONE);
    let lacking = "dbSubnetGroupName subnets in eu-south-2a, eu-south-2c: eu-south-2a, eu-south-2b";
    assert_eq!(of([two()], both(), true), [lacking]);
    let lacking = "dbSubnetGroupName subnets in eu-south-2c: eu-south-2a, eu-south-2b";
    assert_eq!(of([one()], vec!["subnet-c".into()], true), [lacking]);
    // Subnets of others, whose zones are not known here.
    assert_eq!(of([two()], both(), false), NONE);
    assert_eq!(
        of([two()], vec!["subnet-x".into(), "subnet-a".into()], true),
        NONE
    );
}
