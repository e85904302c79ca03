//! Tests of what counts as a difference of a flow log, what AWS refuses, and what its failures mean.

use aws_sdk_ec2::types::FlowLog as SdkFlowLog;

use super::*;
use crate::aws::ec2::flow_log::canonical::DEFAULT_FORMAT;
use crate::aws::ec2::flow_log::form::condition;
use crate::aws::error::patience;
use crate::aws::fixtures::places;
use crate::resource::Condition;
use crate::resource::Properties;
use crate::resource::Value;
use crate::resource::diff::compare;

const GROUP: &str = "arn:aws:logs:eu-south-2:123456789012:log-group:/aws/vpc/shop-prod/flow-logs";

fn inputs() -> Inputs {
    Inputs {
        vpc_id: Some("vpc-1".to_owned()),
        subnet_id: None,
        eni_id: None,
        traffic_type: Traffic::All,
        log_destination_type: Destination::CloudWatchLogs,
        log_destination: GROUP.to_owned(),
        log_format: None,
        max_aggregation_interval: 600,
        iam_role_arn: Some("arn:aws:iam::123456789012:role/shop".to_owned()),
        destination_options: None,
    }
}

fn failure(code: &str, message: &str) -> UnsuccessfulItem {
    let error = aws_sdk_ec2::types::UnsuccessfulItemError::builder()
        .code(code)
        .message(message)
        .build();
    UnsuccessfulItem::builder()
        .resource_id("vpc-1")
        .error(error)
        .build()
}

#[test]
fn a_failure_inside_a_success_is_what_the_call_would_have_failed_with() {
    assert!(all_done(CREATE, &[]).is_ok());
    for (code, message, expected) in [
        (
            "400",
            "Access Denied for LogDestination: shop-logs. Please check LogDestination permission",
            ErrorKind::NotVisibleYet,
        ),
        (
            "400",
            "LogDestination: shop-logs does not exist.",
            ErrorKind::NotVisibleYet,
        ),
        (
            "400",
            "Unable to assume given IAM role: 'arn:aws:iam::123456789012:role/shop'",
            ErrorKind::NotVisibleYet,
        ),
        ("400", "Unsupported region", ErrorKind::Invalid),
        ("500", "Internal error", ErrorKind::Transient),
        ("InvalidFlowLogId.NotFound", "gone", ErrorKind::NotFound),
        ("FlowLogAlreadyExists", "Error.", ErrorKind::AlreadyExists),
    ] {
        let error = all_done(CREATE, &[failure(code, message)]).unwrap_err();
        assert_eq!(error.kind, expected, "{code}: {message}");
        assert_eq!(
            (error.code.as_str(), error.message.as_str()),
            (code, message)
        );
    }
    let role = failure("400", "Unable to assume given IAM role");
    let role = all_done(CREATE, &[role]).unwrap_err();
    assert_eq!(patience(&role).as_secs(), 120);
}

fn written(lines: serde_json::Value) -> Properties {
    match Value::from(lines) {
        Value::Object(fields) => fields,
        other => panic!("{other:?}"),
    }
}

#[test]
fn what_aws_fills_in_is_no_difference() {
    let schema = FlowLog.schema();
    let differs = |wanted: serde_json::Value, found: serde_json::Value| {
        let wanted = schema.with_defaults(written(wanted));
        let diff = compare(&schema, &wanted, &schema.with_defaults(written(found)));
        diff.properties().join(" ")
    };
    let starred = format!("{GROUP}:*");
    let found = serde_json::json!({
        "vpcId": "vpc-1", "trafficType": "ALL", "logDestination": GROUP, "logFormat": DEFAULT_FORMAT,
        "destinationOptions": { "fileFormat": "plain-text", "hiveCompatiblePartitions": false, "perHourPartition": false },
    });
    let wanted = serde_json::json!({ "vpcId": "vpc-1", "logDestination": starred });
    assert_eq!(differs(wanted, found.clone()), "");
    let by_hour = serde_json::json!({
        "vpcId": "vpc-1", "logDestination": GROUP, "destinationOptions": { "perHourPartition": true },
    });
    assert_eq!(
        differs(by_hour.clone(), found.clone()),
        "destinationOptions"
    );
    // And back: an option that is no longer given has its default again.
    assert_eq!(differs(found.clone(), by_hour), "destinationOptions");
    let short = serde_json::json!({
        "vpcId": "vpc-1", "logDestination": GROUP, "logFormat": "${srcaddr} ${dstaddr}",
    });
    assert_eq!(differs(short, found), "logFormat");
}

#[test]
fn two_that_are_alike_do_not_stand_side_by_side() {
    let schema = FlowLog.schema();
    let of = |more: serde_json::Value| {
        let mut fields = written(serde_json::json!({ "vpcId": "vpc-1", "logDestination": GROUP }));
        fields.extend(written(more));
        schema.with_defaults(fields)
    };
    let first = of(serde_json::json!({}));
    let alike =
        of(serde_json::json!({ "maxAggregationInterval": 60, "logFormat": DEFAULT_FORMAT }));
    assert!(schema.collides(&alike, &first));
    for other in [
        serde_json::json!({ "trafficType": "REJECT" }),
        serde_json::json!({ "logDestination": format!("{GROUP}-2") }),
        serde_json::json!({ "logFormat": "${srcaddr}" }),
        serde_json::json!({ "vpcId": "vpc-2" }),
    ] {
        assert!(!schema.collides(&of(other.clone()), &first), "{other}");
    }
    assert!(inputs().is_like(&Inputs {
        max_aggregation_interval: 60,
        log_format: Some(DEFAULT_FORMAT.to_owned()),
        ..inputs()
    }));
}

#[test]
fn what_aws_would_refuse_is_said_beforehand() {
    let of = |inputs: &Inputs| places(fit(inputs));
    let bucket = || Inputs {
        log_destination_type: Destination::S3,
        log_destination: "arn:aws:s3:::shop-logs/folder".to_owned(),
        iam_role_arn: None,
        destination_options: Some(DestinationOptions {
            file_format: Some(FileFormat::Parquet),
            hive_compatible_partitions: None,
            per_hour_partition: Some(true),
        }),
        ..inputs()
    };
    assert_eq!(of(&inputs()), [""; 0]);
    assert_eq!(of(&bucket()), [""; 0]);
    for (wrong, at) in [
        (
            Inputs {
                subnet_id: Some("subnet-1".to_owned()),
                ..inputs()
            },
            vec!["vpcId"],
        ),
        (
            Inputs {
                vpc_id: None,
                ..inputs()
            },
            vec!["vpcId"],
        ),
        (
            Inputs {
                max_aggregation_interval: 300,
                ..inputs()
            },
            vec!["maxAggregationInterval"],
        ),
        (
            Inputs {
                iam_role_arn: None,
                ..inputs()
            },
            vec!["iamRoleArn"],
        ),
        (
            Inputs {
                log_destination_type: Destination::CloudWatchLogs,
                ..bucket()
            },
            vec!["logDestination", "iamRoleArn", "destinationOptions"],
        ),
        (
            Inputs {
                log_destination_type: Destination::S3,
                ..inputs()
            },
            vec!["logDestination", "iamRoleArn"],
        ),
    ] {
        assert_eq!(of(&wrong), at, "{wrong:?}");
    }
}

#[test]
fn records_that_do_not_arrive_are_told_and_nothing_is_replaced_for_them() {
    let of = |status: Option<&str>| {
        let log = SdkFlowLog::builder()
            .set_deliver_logs_status(status.map(str::to_owned))
            .deliver_logs_error_message("Access error");
        condition(&log.build())
    };
    assert_eq!(of(None), Condition::Ready);
    assert_eq!(of(Some("SUCCESS")), Condition::Ready);
    let failed = of(Some("FAILED"));
    assert!(failed.is_usable());
    let says = "`FAILED`: no record arrives (Access error); ";
    assert!(
        matches!(&failed, Condition::Busy(text) if text.starts_with(says)),
        "{failed:?}"
    );
}
