//! The local account holds what reaches it to AWS's own models: requests that AWS would refuse are refused here, with the
//! operation, the member and the constraint, and no test makes such a request by mistake.
//!
//! The requests here are raw, for no SDK makes them. None changes anything.

use std::io::{Read, Write};
use std::net::TcpStream;

use serde_json::Value as Json;

use crate::common::{endpoint, http};

/// A request that is not counted as a mistake of the product's.
const ON_PURPOSE: &str = "X-Broken-On-Purpose: refuse";

/// The form of a request.
enum Wire {
    /// `Action=…&Version=…`
    Form(&'static str),
    /// The target, and a document.
    Json(&'static str, &'static str),
    /// Method, address, and a body.
    Rest(&'static str, &'static str, &'static str),
    /// The operation, and a map in CBOR.
    Cbor(&'static str, &'static [u8]),
}

use Wire::{Cbor, Form, Rest};

/// The service as it is signed, the request, and what is said about it: the code, then the words of its message; nothing if
/// the model has nothing against it.
type Case = (&'static str, Wire, &'static [&'static str]);

/// <https://smithy.io/2.0/aws/protocols/aws-query-protocol.html>
const QUERY: &[Case] = &[
    (
        "iam",
        Form("Action=GetRole&Version=2010-05-08&RoleName=a_B-1"),
        &[],
    ),
    (
        "iam",
        Form("Action=GetRole&Version=2010-05-08"),
        &[
            "ValidationError",
            "iam:GetRole",
            "null at 'RoleName'",
            "must not be null",
        ],
    ),
    (
        "iam",
        Form("Action=GetRole&Version=2010-05-08&RoleName=a%20b"),
        &[
            "ValidationError",
            "'a b' at 'RoleName'",
            "regular expression pattern: [\\w+=,.@-]+",
        ],
    ),
    (
        "iam",
        Form(
            "Action=GetRole&Version=2010-05-08&RoleName=a123456789b123456789c123456789d123456789e123456789f123456789g1234",
        ),
        &[
            "ValidationError",
            "at 'RoleName'",
            "length less than or equal to 64",
        ],
    ),
    (
        "iam",
        Form("Action=GetRole&Version=2010-05-08&RoleName=a&Rolename=a"),
        &["ValidationError", "'Rolename' is unknown"],
    ),
    (
        "iam",
        Form("Action=GetRole&Version=2014-05-08&RoleName=a"),
        &[
            "ValidationError",
            "'2014-05-08' at 'Version'",
            "must be 2010-05-08",
        ],
    ),
    (
        "iam",
        Form("Action=ListPolicies&Version=2010-05-08&Scope=Everything"),
        &[
            "ValidationError",
            "'Everything' at 'Scope'",
            "enum value set: [AWS, All, Local]",
        ],
    ),
    (
        "iam",
        Form("Action=ListRoles&Version=2010-05-08&MaxItems=0"),
        &[
            "ValidationError",
            "'0' at 'MaxItems'",
            "value greater than or equal to 1",
        ],
    ),
    (
        "iam",
        Form("Action=ListRoles&Version=2010-05-08&MaxItems=many"),
        &["ValidationError", "'many' at 'MaxItems'", "of type integer"],
    ),
    // A list has its `member`, and a map its `entry`.
    (
        "elasticloadbalancing",
        Form("Action=DescribeTargetGroups&Version=2015-12-01&Names.member.1=none-of-this-name"),
        &[],
    ),
    (
        "elasticloadbalancing",
        Form("Action=DescribeTargetGroups&Version=2015-12-01&Names.1=none-of-this-name"),
        &["ValidationError", "'Names.1' is unknown"],
    ),
    (
        "elasticloadbalancing",
        Form("Action=DescribeTargetGroups&Version=2015-12-01&Names.member.2=none-of-this-name"),
        &["ValidationError", "at 'Names'", "numbered from 1 on"],
    ),
    (
        "elasticloadbalancing",
        Form("Action=AddTags&Version=2015-12-01&ResourceArns.member.1=a&Tags="),
        &[
            "ValidationError",
            "at 'Tags'",
            "length greater than or equal to 1",
        ],
    ),
    (
        "rds",
        Form(
            "Action=DescribeDBInstances&Version=2014-10-31&Filters.Filter.1.Name=engine&Filters.Filter.1.Values.Value.1=mysql",
        ),
        &[],
    ),
    (
        "rds",
        Form("Action=DescribeDBInstances&Version=2014-10-31&Filters.member.1.Name=engine"),
        &["ValidationError", "'Filters.member' is unknown"],
    ),
    (
        "rds",
        Form("Action=DescribeDBInstances&Version=2014-10-31&Filters.Filter.1.Name=engine"),
        &[
            "MissingParameter",
            "at 'Filters.1.Values'",
            "must not be null",
        ],
    ),
    (
        "sns",
        Form("Action=CreateTopic&Version=2010-03-31&Name=a&Attributes.entry.1.key=DisplayName"),
        &[
            "ValidationError",
            "at 'Attributes'",
            "must have key and value",
        ],
    ),
];

/// Lists have nothing between their name and their number: <https://smithy.io/2.0/aws/protocols/aws-ec2-query-protocol.html>
const EC2: &[Case] = &[
    (
        "ec2",
        Form("Action=DescribeVpcs&Version=2016-11-15&Filter.1.Name=vpc-id&Filter.1.Value.1=vpc-1"),
        &[],
    ),
    (
        "ec2",
        Form("Action=DescribeVpcs&Version=2016-11-15&Filter.1.Name=vpc-id&Filter.1.Values.1=vpc-1"),
        &["UnknownParameter", "'Filters.1.Values' is unknown"],
    ),
    (
        "ec2",
        Form("Action=DescribeVpcs&Version=2016-11-15&VpcId=vpc-1"),
        &["InvalidParameterValue", "at 'VpcIds'", "of type list"],
    ),
    (
        "ec2",
        Form("Action=DescribeVpcs&Version=2016-11-15&MaxResults=1001"),
        &[
            "InvalidParameterValue",
            "at 'MaxResults'",
            "less than or equal to 1000",
        ],
    ),
    (
        "ec2",
        Form("Action=DescribeVpcs&Version=2016-11-15&DryRun=perhaps"),
        &[
            "InvalidParameterValue",
            "'perhaps' at 'DryRun'",
            "of type boolean",
        ],
    ),
    (
        "ec2",
        Form("Action=CreateSubnet&Version=2016-11-15&CidrBlock=10.0.0.0%2F24"),
        &["MissingParameter", "ec2:CreateSubnet", "null at 'VpcId'"],
    ),
    (
        "ec2",
        Form("Action=CreateVpc&Version=2016-11-15&CidrBlock=10.0.0.0%2F24&InstanceTenancy=shared"),
        &[
            "InvalidParameterValue",
            "'shared' at 'InstanceTenancy'",
            "enum value set",
        ],
    ),
];

const JSON: &[Case] = &[
    (
        "logs",
        Wire::Json(
            "Logs_20140328.DescribeLogGroups",
            r#"{"logGroupNamePrefix": "none", "limit": 50}"#,
        ),
        &[],
    ),
    (
        "logs",
        Wire::Json("Logs_20140328.DescribeLogGroups", r#"{"limit": 51}"#),
        &[
            "InvalidParameterException",
            "logs:DescribeLogGroups",
            "'51' at 'limit'",
        ],
    ),
    (
        "logs",
        Wire::Json("Logs_20140328.DescribeLogGroups", r#"{"limit": "50"}"#),
        &["InvalidParameterException", "at 'limit'", "of type integer"],
    ),
    (
        "logs",
        Wire::Json("Logs_20140328.DescribeLogGroups", r#"{"limit": true}"#),
        &["InvalidParameterException", "at 'limit'", "of type integer"],
    ),
    (
        "logs",
        Wire::Json("Logs_20140328.DescribeLogGroups", r#"{"Limit": 50}"#),
        &["InvalidParameterException", "'Limit' is unknown"],
    ),
    (
        "logs",
        Wire::Json(
            "Logs_20140328.DescribeLogGroups",
            r#"{"accountIdentifiers": ["12345678901"]}"#,
        ),
        &[
            "InvalidParameterException",
            "'12345678901' at 'accountIdentifiers.1'",
            "12",
        ],
    ),
    (
        "logs",
        Wire::Json("Logs_20140328.DescribeLogGroups", "{limit: 50}"),
        &["InvalidParameterException", "must be JSON"],
    ),
    // One of several.
    (
        "logs",
        Wire::Json(
            "Logs_20140328.PutIntegration",
            r#"{"integrationName": "a", "integrationType": "OPENSEARCH", "resourceConfig": {}}"#,
        ),
        &[
            "InvalidParameterException",
            "at 'resourceConfig'",
            "Exactly one member",
        ],
    ),
    // Letters of any alphabet in a tag, and no `{`: a pattern of Java's.
    (
        "logs",
        Wire::Json(
            "Logs_20140328.TagResource",
            r#"{"resourceArn": "arn:aws:logs:eu-south-2:123456789012:log-group:none", "tags": {"größe": "ÄÖ 1"}}"#,
        ),
        &[],
    ),
    (
        "logs",
        Wire::Json(
            "Logs_20140328.TagResource",
            r#"{"resourceArn": "arn:aws:logs:eu-south-2:123456789012:log-group:none", "tags": {"größe": "{"}}"#,
        ),
        &[
            "InvalidParameterException",
            "'{' at 'tags.",
            "regular expression pattern",
        ],
    ),
    (
        "ecs",
        Wire::Json(
            "AmazonEC2ContainerServiceV20141113.DescribeServices",
            r#"{"services": ["none"], "include": null}"#,
        ),
        &[],
    ),
    (
        "ecs",
        Wire::Json(
            "AmazonEC2ContainerServiceV20141113.DescribeServices",
            r#"{"services": ["none"], "include": ["TAGS", "ALL"]}"#,
        ),
        &[
            "InvalidParameterException",
            "'ALL' at 'include.2'",
            "enum value set: [TAGS]",
        ],
    ),
    (
        "ecs",
        Wire::Json("AmazonEC2ContainerServiceV20141113.DescribeServices", "{}"),
        &["InvalidParameterException", "null at 'services'"],
    ),
    (
        "ecs",
        Wire::Json(
            "AmazonEC2ContainerService.DescribeServices",
            r#"{"services": ["none"]}"#,
        ),
        &["InvalidParameterException", "'X-Amz-Target' is unknown"],
    ),
];

/// Smithy RPC v2: `MaxRecords` is 5, or 0, or `x`.
const CBOR: &[Case] = &[
    (
        "monitoring",
        Cbor("DescribeAlarms", b"\xa1\x6aMaxRecords\x05"),
        &[],
    ),
    (
        "monitoring",
        Cbor("DescribeAlarms", b"\xa1\x6aMaxRecords\x00"),
        &[
            "ValidationError",
            "cloudwatch:DescribeAlarms",
            "'0' at 'MaxRecords'",
        ],
    ),
    (
        "monitoring",
        Cbor("DescribeAlarms", b"\xa1\x6aMaxRecords\x61x"),
        &["ValidationError", "at 'MaxRecords'", "of type integer"],
    ),
    (
        "monitoring",
        Cbor("DescribeAlarms", b"\xa1\x6amaxRecords\x05"),
        &["ValidationError", "'maxRecords' is unknown"],
    ),
];

const REST: &[Case] = &[
    (
        "s3",
        Rest(
            "GET",
            "/no-such-bucket-of-ours?list-type=2&max-keys=5&x-id=ListObjectsV2",
            "",
        ),
        &[],
    ),
    (
        "s3",
        Rest(
            "GET",
            "/no-such-bucket-of-ours?list-type=2&max-keys=five",
            "",
        ),
        &[
            "InvalidArgument",
            "s3:ListObjectsV2",
            "'five' at 'MaxKeys'",
            "of type integer",
        ],
    ),
    (
        "s3",
        Rest("GET", "/no-such-bucket-of-ours?list-type=2&maximum=5", ""),
        &["MalformedXML", "'maximum' is unknown"],
    ),
    (
        "s3",
        Rest(
            "PUT",
            "/no-such-bucket-of-ours?versioning",
            "<VersioningConfiguration xmlns='http://s3.amazonaws.com/doc/2006-03-01/'><Status>Enabled</Status></VersioningConfiguration>",
        ),
        &[],
    ),
    (
        "s3",
        Rest(
            "PUT",
            "/no-such-bucket-of-ours?versioning",
            "<VersioningConfiguration><Status>On</Status></VersioningConfiguration>",
        ),
        &[
            "InvalidArgument",
            "'On' at 'VersioningConfiguration.Status'",
            "enum value set: [Enabled, Suspended]",
        ],
    ),
    (
        "s3",
        Rest(
            "PUT",
            "/no-such-bucket-of-ours?versioning",
            "<VersioningConfiguration><State>Enabled</State></VersioningConfiguration>",
        ),
        &["MalformedXML", "'VersioningConfiguration.State' is unknown"],
    ),
    (
        "s3",
        Rest(
            "PUT",
            "/no-such-bucket-of-ours?versioning",
            "<Versioning><Status>Enabled</Status></Versioning>",
        ),
        &[
            "MalformedXML",
            "'Versioning' is unknown",
            "VersioningConfiguration",
        ],
    ),
    (
        "s3",
        Rest(
            "PUT",
            "/no-such-bucket-of-ours?versioning",
            "<VersioningConfiguration>",
        ),
        &["InvalidArgument", "must be XML"],
    ),
    // A flattened list, and one in a list.
    (
        "s3",
        Rest(
            "PUT",
            "/no-such-bucket-of-ours?lifecycle",
            "<LifecycleConfiguration><Rule><Status>Enabled</Status><Filter><Prefix/></Filter><Expiration><Days>9</Days></Expiration></Rule></LifecycleConfiguration>",
        ),
        &[],
    ),
    (
        "s3",
        Rest(
            "PUT",
            "/no-such-bucket-of-ours?lifecycle",
            "<LifecycleConfiguration><Rule><Expiration><Days>a week</Days></Expiration></Rule></LifecycleConfiguration>",
        ),
        &[
            "InvalidArgument",
            "'a week' at 'LifecycleConfiguration.Rules.1.Expiration.Days'",
            "null at 'LifecycleConfiguration.Rules.1.Status'",
        ],
    ),
    ("eks", Rest("GET", "/clusters?maxResults=5", ""), &[]),
    (
        "eks",
        Rest("GET", "/clusters?maxResults=101", ""),
        &[
            "ValidationException",
            "eks:ListClusters",
            "'101' at 'maxResults'",
        ],
    ),
    (
        "eks",
        Rest(
            "POST",
            "/clusters",
            r#"{"name": "a", "resourcesVpcConfig": {"subnets": []}}"#,
        ),
        &[
            "ValidationException",
            "null at 'roleArn'",
            "'resourcesVpcConfig.subnets' is unknown",
        ],
    ),
];

/// Status and body of the answer to a request that is signed as a service's.
fn answer(service: &str, wire: &Wire) -> (String, String) {
    let (first, kind, body) = match wire {
        Form(body) => (
            "POST / HTTP/1.1".to_owned(),
            "Content-Type: application/x-www-form-urlencoded".to_owned(),
            body.as_bytes(),
        ),
        Wire::Json(target, body) => (
            "POST / HTTP/1.1".to_owned(),
            format!("Content-Type: application/x-amz-json-1.1\r\nX-Amz-Target: {target}"),
            body.as_bytes(),
        ),
        Rest(method, address, body) => (
            format!("{method} {address} HTTP/1.1"),
            "Content-Type: application/xml".to_owned(),
            body.as_bytes(),
        ),
        Cbor(operation, body) => (
            format!("POST /service/GraniteServiceVersion20100801/operation/{operation} HTTP/1.1"),
            "Content-Type: application/cbor\r\nSmithy-Protocol: rpc-v2-cbor".to_owned(),
            *body,
        ),
    };
    let host = endpoint().trim_start_matches("http://");
    let host = host.trim_end_matches('/');
    let mut stream = TcpStream::connect(host).expect("the account listens");
    let head = format!(
        "{first}\r\nHost: {host}\r\n{kind}\r\n{ON_PURPOSE}\r\nContent-Length: {}\r\nConnection: close\r\nAuthorization: \
         AWS4-HMAC-SHA256 Credential=broken/20260101/eu-south-2/{service}/aws4_request, SignedHeaders=host, Signature=0\r\n\r\n",
        body.len()
    );
    let request = [head.as_bytes(), body].concat();
    stream.write_all(&request).expect("the request is sent");
    let mut bytes = Vec::new();
    stream.read_to_end(&mut bytes).expect("the account answers");
    let text = String::from_utf8_lossy(&bytes);
    let (head, body) = text.split_once("\r\n\r\n").expect("an HTTP answer");
    let status = head.split(' ').nth(1).unwrap_or_default();
    // In JSON the backslashes of a pattern are doubled.
    (status.to_owned(), body.replace("\\\\", "\\"))
}

fn check(cases: &[Case]) {
    if std::env::var_os("AWS_ENDPOINT_URL").is_some() {
        // Another account than the local one has its own wording.
        return;
    }
    for (service, wire, expected) in cases {
        let (status, body) = answer(service, wire);
        let says_so = body.contains("breaks its service model");
        assert_eq!(says_so, !expected.is_empty(), "{service} {status}: {body}");
        if says_so {
            assert_eq!(status, "400", "{body}");
        }
        for part in *expected {
            assert!(body.contains(part), "{part}: {body}");
        }
    }
}

#[test]
fn a_form_is_held_to_its_model() {
    check(QUERY);
}

#[test]
fn a_form_of_ec2_is_held_to_its_model() {
    check(EC2);
}

#[test]
fn a_document_is_held_to_its_model() {
    check(JSON);
}

#[test]
fn cbor_is_held_to_its_model() {
    check(CBOR);
}

#[test]
fn addresses_headers_and_xml_are_held_to_their_model() {
    check(REST);
}

/// A request that is broken on purpose is not counted; every other one is, and is read.
#[test]
fn requests_are_counted() {
    if std::env::var_os("AWS_ENDPOINT_URL").is_some() {
        return;
    }
    let status = || -> Json {
        serde_json::from_str(&http::get(endpoint(), "/_account/checks")).expect("JSON")
    };
    let broken = Form("Action=GetRole&Version=2010-05-08&RoleName=counted%20not");
    let (_, body) = answer("iam", &broken);
    assert!(body.contains("counted not"), "{body}");
    let after = status();
    assert_eq!(after["on"], true, "{after}");
    let texts = after["texts"].to_string();
    assert!(!texts.contains("counted not"), "{texts}");
    // A fork goes on with what its account was told, and its count is the account's.
    let fork: Json = serde_json::from_str(&http::post(endpoint(), "/_account/fork")).expect("JSON");
    let fork = format!("http://127.0.0.1:{}", fork["port"]);
    let of_fork: Json = serde_json::from_str(&http::get(&fork, "/_account/checks")).expect("JSON");
    assert_eq!(of_fork["on"], true, "{of_fork}");
    http::tell(&fork, "/_account/stop");
}
