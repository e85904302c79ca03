//! Cloud Control in the local account: requests are held to the types' schemas, and answered as AWS does, one look after the
//! other.

use serde_json::{Value as Json, json};

use crate::common::cloud_control::{Account, QUEUE, Refused, VAULT, failed, refused};
use crate::common::{REGION, http};

const FLOW_LOG: &str = "AWS::EC2::FlowLog";

/// A flow log has an identifier of AWS's making, a vault is called by its name.
fn flow_log() -> Json {
    json!({ "ResourceId": "vpc-1", "ResourceType": "VPC", "TrafficType": "ALL" })
}

#[test]
fn a_write_is_through_after_some_looks() {
    let Some(account) = Account::new() else {
        return;
    };
    let body = json!({ "TypeName": FLOW_LOG, "DesiredState": flow_log().to_string() });
    let first = account.begin("CreateResource", &body).expect("an event");
    assert_eq!(first["OperationStatus"], "IN_PROGRESS", "{first}");
    assert_eq!(first["Operation"], "CREATE", "{first}");
    assert_eq!(first["TypeName"], FLOW_LOG, "{first}");
    assert!(first["EventTime"].is_number(), "{first}");
    assert_eq!(first["Identifier"], Json::Null, "{first}");
    let second = account.look(&first);
    assert_eq!(second["OperationStatus"], "IN_PROGRESS", "{second}");
    let identifier = second["Identifier"].as_str().expect("an identifier");
    assert!(identifier.starts_with("fl-"), "{second}");
    let third = account.look(&first);
    assert_eq!(third["OperationStatus"], "SUCCESS", "{third}");

    // One that is made of inputs is there at once.
    let model = json!({ "BackupVaultName": "front" });
    let body = json!({ "TypeName": VAULT, "DesiredState": model.to_string() });
    let first = account.begin("CreateResource", &body).expect("an event");
    assert_eq!(first["Identifier"], "front", "{first}");

    refused(
        account.control(
            "GetResourceRequestStatus",
            &json!({ "RequestToken": "none" }),
        ),
        "RequestTokenNotFoundException",
        "none",
    );
    let all = account
        .control("ListResourceRequests", &json!({}))
        .expect("a list");
    let all = all["ResourceRequestStatusSummaries"]
        .as_array()
        .expect("a list");
    assert_eq!(all.len(), 2, "{all:?}");
    assert_eq!(all[0]["RequestToken"], first["RequestToken"]);
    let filter = json!({ "ResourceRequestStatusFilter": { "OperationStatuses": ["SUCCESS"] }, "MaxResults": 1 });
    let some = account
        .control("ListResourceRequests", &filter)
        .expect("a list");
    let some = some["ResourceRequestStatusSummaries"]
        .as_array()
        .expect("a list");
    assert_eq!(some.len(), 1, "{some:?}");
    assert_eq!(some[0]["RequestToken"], third["RequestToken"]);
}

/// The words of hashicorp/terraform-provider-awscc#1000 and pulumi/pulumi-aws-native#581, #1866.
#[test]
fn a_model_is_held_to_its_schema() {
    let Some(account) = Account::new() else {
        return;
    };
    for (kind, model, words) in [
        (
            VAULT,
            json!({}),
            "(#: required key [BackupVaultName] not found)",
        ),
        (
            VAULT,
            json!({ "BackupVaultName": "front", "Name": 1 }),
            "#: extraneous key [Name] is not permitted",
        ),
        (
            VAULT,
            json!({ "BackupVaultName": "a b" }),
            "#/BackupVaultName: failed validation constraint for keyword [pattern]",
        ),
        (
            VAULT,
            json!({ "BackupVaultName": 1 }),
            "#/BackupVaultName: expected type: String, found: Integer",
        ),
        (
            QUEUE,
            json!({ "DelaySeconds": 901 }),
            "#/DelaySeconds: failed validation constraint for keyword [maximum]",
        ),
        (
            QUEUE,
            json!({ "DelaySeconds": "5" }),
            "expected type: Integer, found: String",
        ),
        (
            QUEUE,
            json!({ "Tags": [{ "Key": "a" }] }),
            "#/Tags/0: required key [Value] not found",
        ),
        (
            QUEUE,
            json!({ "RedrivePolicy": { "maxReceiveCount": true } }),
            "#/RedrivePolicy/maxReceiveCount: expected type: Integer, found: Boolean",
        ),
        (
            FLOW_LOG,
            json!({ "ResourceId": "a", "ResourceType": "Vpc" }),
            "#/ResourceType: failed validation constraint for keyword [enum]",
        ),
    ] {
        let body = json!({ "TypeName": kind, "DesiredState": model.to_string() });
        let answer = account.begin("CreateResource", &body);
        let Err(Refused(_, message)) = &answer else {
            panic!("{model}: {answer:?}");
        };
        assert!(
            message.starts_with("Model validation failed (#"),
            "{message}"
        );
        refused(answer, "ValidationException", words);
    }
    // hashicorp/terraform-provider-awscc#2394
    let event = account.create(QUEUE, &json!({ "Arn": "arn:aws:sqs:::a" }));
    failed(&event, "InvalidRequest", "using ReadOnly properties");

    for (kind, code) in [
        ("AWS::SQS::Topic", "TypeNotFoundException"),
        // In the registry, and not in Cloud Control.
        ("AWS::SQS::QueuePolicy", "UnsupportedActionException"),
    ] {
        let body = json!({ "TypeName": kind, "DesiredState": "{}" });
        refused(account.begin("CreateResource", &body), code, kind);
    }
}

#[test]
fn a_patch_is_applied_to_what_is_read() {
    let Some(account) = Account::new() else {
        return;
    };
    let mut model = flow_log();
    model["Tags"] = json!([{ "Key": "a", "Value": "1" }, { "Key": "b", "Value": "2" }]);
    let identifier = account.made(FLOW_LOG, &model);
    for (patch, code, words) in [
        // hashicorp/terraform-provider-awscc#3235
        (
            json!([{ "op": "replace", "path": "/DeliverLogsPermissionArn", "value": "a" }]),
            "ValidationException",
            "[REPLACE Operation] noSuchPath in source, path provided : //DeliverLogsPermissionArn",
        ),
        (
            json!([{ "op": "remove", "path": "/Tags/2" }]),
            "ValidationException",
            "[REMOVE Operation] noSuchPath",
        ),
        (
            json!([{ "op": "add", "path": "/Tags/3", "value": { "Key": "c", "Value": "" } }]),
            "ValidationException",
            "[ADD Operation] noSuchPath",
        ),
        (
            json!([{ "op": "test", "path": "/TrafficType", "value": "REJECT" }]),
            "ValidationException",
            "[TEST Operation]",
        ),
        // pulumi/pulumi-aws-native#2936
        (
            json!([{ "op": "replace", "path": "/TrafficType", "value": "REJECT" }]),
            "NotUpdatableException",
            "createOnlyProperties [/properties/TrafficType] cannot be updated",
        ),
        (
            json!([{ "op": "add", "path": "/Id", "value": "fl-1" }]),
            "NotUpdatableException",
            "readOnlyProperties [/properties/Id]",
        ),
        (
            json!([{ "op": "add", "path": "/Tags/-", "value": { "Key": "c" } }]),
            "ValidationException",
            "Model validation failed (#/Tags/2: required key [Value] not found)",
        ),
    ] {
        refused(account.update(FLOW_LOG, &identifier, &patch), code, words);
    }
    // All of a patch, or none of it.
    let before = account.read(FLOW_LOG, &identifier).expect("a model");
    let patch = json!([
        { "op": "remove", "path": "/Tags/0" },
        { "op": "test", "path": "/TrafficType", "value": "REJECT" },
    ]);
    refused(
        account.update(FLOW_LOG, &identifier, &patch),
        "ValidationException",
        "",
    );
    let after = account.read(FLOW_LOG, &identifier).expect("a model");
    assert_eq!(before, after);

    let patch = json!([
        { "op": "test", "path": "/TrafficType", "value": "ALL" },
        { "op": "copy", "from": "/Tags/0", "path": "/Tags/-" },
        { "op": "replace", "path": "/Tags/2/Key", "value": "c" },
        { "op": "move", "from": "/Tags/1", "path": "/Tags/0" },
        { "op": "remove", "path": "/Tags/1" },
    ]);
    let event = account
        .update(FLOW_LOG, &identifier, &patch)
        .expect("a good patch");
    assert_eq!(event["OperationStatus"], "SUCCESS", "{event}");
    let after = account.read(FLOW_LOG, &identifier).expect("a model");
    assert_eq!(
        after["Tags"],
        json!([{ "Key": "c", "Value": "2" }, { "Key": "a", "Value": "1" }])
    );

    // Below a path that is create-only, and above it.
    let body = json!({ "CidrBlock": "10.0.0.0/16" });
    let vpc = account.made("AWS::EC2::VPC", &body);
    let kind = "AWS::EC2::VPC";
    let patch = json!([{ "op": "add", "path": "/CidrBlock", "value": "10.0.0.0/16" }]);
    refused(
        account.update(kind, &vpc, &patch),
        "NotUpdatableException",
        "CidrBlock",
    );
    let endpoint = "AWS::VpcLattice::ServiceNetwork";
    let network = account.made(endpoint, &json!({ "Name": "front" }));
    refused(
        account.update(
            endpoint,
            &network,
            &json!([{ "op": "replace", "path": "", "value": {} }]),
        ),
        "ValidationException",
        "the whole model",
    );

    // Types without the operation, and objects that are gone.
    let kind = "AWS::CloudFront::MonitoringSubscription";
    let body = json!({ "TypeName": kind, "Identifier": "E1", "PatchDocument": "[]" });
    refused(
        account.begin("UpdateResource", &body),
        "UnsupportedActionException",
        "does not support UPDATE action",
    );
    failed(&account.delete(FLOW_LOG, "fl-0"), "NotFound", "fl-0");
    let patch = json!([{ "op": "add", "path": "/Tags", "value": [] }]);
    let event = account.update(FLOW_LOG, "fl-0", &patch).expect("an event");
    failed(&event, "NotFound", "fl-0");
    refused(
        account.read(FLOW_LOG, "fl-0"),
        "ResourceNotFoundException",
        "Resource of type 'AWS::EC2::FlowLog' with identifier 'fl-0' was not found.",
    );
}

#[test]
fn a_client_token_stands_for_one_request() {
    let Some(account) = Account::new() else {
        return;
    };
    let body = |name: &str| {
        json!({
            "TypeName": VAULT,
            "DesiredState": json!({ "BackupVaultName": name }).to_string(),
            "ClientToken": "token",
        })
    };
    let first = account
        .begin("CreateResource", &body("front"))
        .expect("an event");
    let again = account
        .begin("CreateResource", &body("front"))
        .expect("an event");
    assert_eq!(first["RequestToken"], again["RequestToken"]);
    refused(
        account.begin("CreateResource", &body("other")),
        "ClientTokenConflictException",
        "token",
    );
    account.settled(first.clone());
    let event = account.delete(VAULT, "front");
    assert_eq!(event["OperationStatus"], "SUCCESS", "{event}");
    // The old event says that it was made, and it is not there.
    let last = account
        .begin("CreateResource", &body("front"))
        .expect("an event");
    assert_eq!(last["RequestToken"], first["RequestToken"]);
    assert_eq!(last["OperationStatus"], "SUCCESS", "{last}");
    refused(
        account.read(VAULT, "front"),
        "ResourceNotFoundException",
        "",
    );

    // One that has failed is not tried again.
    account.prepare(&json!({
        "type": VAULT, "operation": "CREATE", "error": "Throttling", "message": "Rate exceeded",
    }));
    let mut body = body("front");
    body["ClientToken"] = json!("second");
    let first = account.begin("CreateResource", &body).expect("an event");
    failed(
        &account.settled(first.clone()),
        "Throttling",
        "Rate exceeded",
    );
    let again = account.begin("CreateResource", &body).expect("an event");
    assert_eq!(again["RequestToken"], first["RequestToken"]);
    failed(&again, "Throttling", "Rate exceeded");
}

#[test]
fn an_object_has_one_operation_at_a_time() {
    let Some(account) = Account::new() else {
        return;
    };
    let model = json!({ "BackupVaultName": "front" });
    let create = json!({ "TypeName": VAULT, "DesiredState": model.to_string() });
    let delete = json!({ "TypeName": VAULT, "Identifier": "front" });
    account.begin("CreateResource", &create).expect("an event");
    // Time passes for those who ask, too.
    for _ in 0..2 {
        refused(
            account.begin("DeleteResource", &delete),
            "ConcurrentOperationException",
            "front",
        );
    }
    let again = account.create(VAULT, &model);
    failed(&again, "AlreadyExists", "front");
    assert_eq!(again["Identifier"], "front");
    let event = account.delete(VAULT, "front");
    assert_eq!(event["OperationStatus"], "SUCCESS", "{event}");

    let event = account.begin("CreateResource", &create).expect("an event");
    let token = json!({ "RequestToken": event["RequestToken"] });
    let cancelled = account
        .begin("CancelResourceRequest", &token)
        .expect("an event");
    assert_eq!(cancelled["OperationStatus"], "CANCEL_IN_PROGRESS");
    assert_eq!(
        account.settled(cancelled)["OperationStatus"],
        "CANCEL_COMPLETE"
    );
    refused(
        account.begin("CancelResourceRequest", &token),
        "ConcurrentModificationException",
        "CANCEL_COMPLETE",
    );
}

/// The next operation of a type fails as a test wants it to, or takes its time.
#[test]
fn an_operation_comes_to_what_a_test_wants() {
    let Some(account) = Account::new() else {
        return;
    };
    for (name, leaves) in [("with", true), ("without", false)] {
        account.prepare(&json!({
            "type": VAULT, "operation": "CREATE", "error": "NotStabilized", "message": "Exceeded attempts to wait",
            "leaves": leaves, "looks": 3,
        }));
        let model = json!({ "BackupVaultName": name });
        let body = json!({ "TypeName": VAULT, "DesiredState": model.to_string() });
        let mut event = account.begin("CreateResource", &body).expect("an event");
        for _ in 0..3 {
            event = account.look(&event);
            assert_eq!(event["OperationStatus"], "IN_PROGRESS", "{event}");
        }
        let event = account.look(&event);
        failed(&event, "NotStabilized", "Exceeded attempts");
        assert_eq!(event["Identifier"], name);
        assert_eq!(account.read(VAULT, name).is_ok(), leaves);
    }
    // Once, and no other type.
    account.made(VAULT, &json!({ "BackupVaultName": "third" }));
}

#[test]
fn an_identifier_is_made_of_values_in_their_order() {
    let Some(account) = Account::new() else {
        return;
    };
    let kind = "AWS::WAFv2::IPSet";
    let model = json!({
        "Name": "front", "Scope": "REGIONAL", "IPAddressVersion": "IPV4", "Addresses": ["1.0.0.0/8", "2.0.0.0/8"],
    });
    let identifier = account.made(kind, &model);
    let parts: Vec<_> = identifier.split('|').collect();
    assert_eq!((parts[0], parts[2]), ("front", "REGIONAL"), "{identifier}");
    let read = account.read(kind, &identifier).expect("a model");
    assert_eq!(read["Id"], parts[1]);
    let arn = format!(
        "arn:aws:wafv2:{REGION}:123456789012:regional/ipset/front/{}",
        parts[1]
    );
    assert_eq!(read["Arn"], arn.as_str());
    // As JSON in any order.
    let document = json!({ "Scope": "REGIONAL", "Name": "front", "Id": parts[1] });
    assert_eq!(
        account.read(kind, &document.to_string()).expect("a model"),
        read
    );
    refused(
        account.read(kind, "front"),
        "ValidationException",
        "is not valid for identifier [/properties/Name, /properties/Id, /properties/Scope]",
    );
    let list = |body: Json| account.control("ListResources", &body);
    refused(
        list(json!({ "TypeName": kind })),
        "InvalidRequestException",
        "Required property: [Scope]",
    );
    let parent = json!({ "Scope": "REGIONAL" }).to_string();
    let found = list(json!({ "TypeName": kind, "ResourceModel": parent })).expect("a list");
    assert_eq!(
        found["ResourceDescriptions"][0]["Identifier"],
        identifier.as_str()
    );

    for name in ["one", "two", "three"] {
        account.made(VAULT, &json!({ "BackupVaultName": name }));
    }
    let first = list(json!({ "TypeName": VAULT, "MaxResults": 2 })).expect("a page");
    let next = list(json!({ "TypeName": VAULT, "MaxResults": 2, "NextToken": first["NextToken"] }));
    let next = next.expect("a page");
    assert_eq!(next["NextToken"], Json::Null);
    assert_eq!(
        next["ResourceDescriptions"][0]["Identifier"], "two",
        "{first} {next}"
    );
}

#[test]
fn the_registry_says_what_can_be_done_with_a_type() {
    let Some(account) = Account::new() else {
        return;
    };
    let describe = |name: &str| {
        account.send(
            "cloudformation",
            "Content-Type: application/x-www-form-urlencoded",
            &format!("Action=DescribeType&Version=2010-05-15&Type=RESOURCE&TypeName={name}"),
        )
    };
    for (kind, wanted) in [
        (QUEUE, "FULLY_MUTABLE"),
        ("AWS::SQS::QueuePolicy", "NON_PROVISIONABLE"),
        ("AWS::CloudFront::MonitoringSubscription", "IMMUTABLE"),
    ] {
        let (status, body) = describe(kind);
        assert_eq!(status, "200", "{body}");
        let part = format!("<ProvisioningType>{wanted}</ProvisioningType>");
        assert!(body.contains(&part), "{kind}: {body}");
        let schema = body.split("<Schema>").nth(1).expect("a schema");
        let schema = schema.split("</Schema>").next().expect("its end");
        let schema = schema
            .replace("&lt;", "<")
            .replace("&gt;", ">")
            .replace("&amp;", "&");
        let schema: Json = serde_json::from_str(&schema).expect("JSON");
        assert_eq!(schema["typeName"], kind);
        assert!(schema["primaryIdentifier"][0].is_string(), "{schema}");
    }
    let (status, body) = describe("AWS::SQS::Topic");
    assert_eq!(status, "404", "{body}");
    assert!(body.contains("TypeNotFoundException"), "{body}");
}

/// A fork has what its account had, and goes its own way; a reset takes all of it.
#[test]
fn forks_and_resets_have_cloud_control_too() {
    let Some(account) = Account::new() else {
        return;
    };
    account.made(VAULT, &json!({ "BackupVaultName": "front" }));
    let answer: Json =
        serde_json::from_str(&http::post(&account.endpoint, "/_account/fork")).expect("JSON");
    let fork = Account {
        endpoint: format!("http://127.0.0.1:{}", answer["port"]),
        caller: "front",
    };
    fork.delete(VAULT, "front");
    refused(fork.read(VAULT, "front"), "ResourceNotFoundException", "");
    account.read(VAULT, "front").expect("a model");
    http::post(&account.endpoint, "/_account/reset");
    refused(
        account.read(VAULT, "front"),
        "ResourceNotFoundException",
        "",
    );
    let all = account
        .control("ListResourceRequests", &json!({}))
        .expect("a list");
    assert_eq!(all["ResourceRequestStatusSummaries"], json!([]));
}
