//! Types of Cloud Control in the local account: what is read is not what was written, and twelve of them stand in the backends
//! of their services.

use serde_json::{Value as Json, json};

use crate::common::cloud_control::{Account, QUEUE, VAULT, failed, refused};
use crate::common::{REGION, http};

/// The additions of AWS, the omissions, and the values in another form.
#[test]
fn a_read_is_not_what_was_written() {
    let Some(account) = Account::new() else {
        return;
    };
    // Names in lower case, lists in another order.
    let proxy = json!({
        "DBProxyName": "Front", "EngineFamily": "POSTGRESQL", "RoleArn": "arn:aws:iam::123456789012:role/a",
        "VpcSubnetIds": ["subnet-1", "subnet-2"],
    });
    let identifier = account.made("AWS::RDS::DBProxy", &proxy);
    assert_eq!(identifier, "front");
    let read = account.read("AWS::RDS::DBProxy", "front").expect("a model");
    assert_eq!(read["VpcSubnetIds"], json!(["subnet-2", "subnet-1"]));
    // Defaults, one in each element of a list; a map of tags.
    let plan = json!({
        "BackupPlan": { "BackupPlanName": "front", "BackupPlanRule": [{ "RuleName": "a", "TargetBackupVault": "b" }] },
        "BackupPlanTags": { "a": "1" },
    });
    let identifier = account.made("AWS::Backup::BackupPlan", &plan);
    let read = account
        .read("AWS::Backup::BackupPlan", &identifier)
        .expect("a model");
    let rule = &read["BackupPlan"]["BackupPlanRule"][0];
    assert_eq!(rule["StartWindowMinutes"], 480, "{read}");
    let arn = read["BackupPlanArn"].as_str().expect("an ARN");
    assert_eq!(account.tags(arn), json!({ "a": "1" }));
    account.retag(
        "TagResources",
        &json!({ "ResourceARNList": [arn], "Tags": { "b": "2" } }),
    );
    account.retag(
        "UntagResources",
        &json!({ "ResourceARNList": [arn], "TagKeys": ["a"] }),
    );
    let read = account
        .read("AWS::Backup::BackupPlan", &identifier)
        .expect("a model");
    assert_eq!(read["BackupPlanTags"], json!({ "b": "2" }));
    // A schedule of another group cannot be read: go-to-k/cdkd#961.
    let schedule = json!({
        "Name": "front", "GroupName": "other", "ScheduleExpression": "rate(1 day)",
        "FlexibleTimeWindow": { "Mode": "OFF" },
        "Target": { "Arn": "arn:aws:sqs:eu-south-2:123456789012:a", "RoleArn": "arn:aws:iam::123456789012:role/a" },
    });
    account.made("AWS::Scheduler::Schedule", &schedule);
    refused(
        account.read("AWS::Scheduler::Schedule", "front"),
        "ResourceNotFoundException",
        "",
    );
    // What is write-only is never read, inside of lists too.
    let database = json!({
        "DBInstanceIdentifier": "front", "DBInstanceClass": "db.t3.micro", "MasterUserPassword": "hidden",
    });
    account.made("AWS::RDS::DBInstance", &database);
    let read = account
        .read("AWS::RDS::DBInstance", "front")
        .expect("a model");
    assert_eq!(read["DBInstanceClass"], "db.t3.micro");
    assert_eq!(read["MasterUserPassword"], Json::Null);
    let key = "arn:aws:kms:eu-south-1:123456789012:alias/a";
    let files = json!({
        "ReplicationConfiguration": { "Destinations": [{ "Region": "eu-south-1", "KmsKeyId": key }] },
    });
    let identifier = account.made("AWS::EFS::FileSystem", &files);
    let read = account
        .read("AWS::EFS::FileSystem", &identifier)
        .expect("a model");
    let replicas = &read["ReplicationConfiguration"]["Destinations"];
    assert_eq!(replicas, &json!([{ "Region": "eu-south-1" }]));
    // It is lost by an update that does not send it again.
    let parameter =
        json!({ "Name": "/front", "Type": "String", "Value": "v", "Description": "said" });
    account.made("AWS::SSM::Parameter", &parameter);
    let described = || {
        let answer = account
            .call("ssm", "AmazonSSM.DescribeParameters", &json!({}))
            .expect("a list");
        answer["Parameters"][0]["Description"].clone()
    };
    assert_eq!(described(), "said");
    let read = account
        .read("AWS::SSM::Parameter", "/front")
        .expect("a model");
    assert_eq!(read["Description"], Json::Null);
    account.set("AWS::SSM::Parameter", "/front", "Value", &json!("w"));
    assert_ne!(described(), "said");
}

/// The ARN is one of a service that has tags of its own.
#[test]
fn an_object_that_no_service_has_is_tagged_by_its_arn() {
    let Some(account) = Account::new() else {
        return;
    };
    account.send(
        "ec2",
        "Content-Type: application/x-www-form-urlencoded",
        "Action=CreateVpc&Version=2016-11-15&CidrBlock=10.0.0.0%2F16",
    );
    let model = json!({
        "ResourceId": "vpc-1", "ResourceType": "VPC", "TrafficType": "ALL", "Tags": [{ "Key": "a", "Value": "1" }],
    });
    let kind = "AWS::EC2::FlowLog";
    let identifier = account.made(kind, &model);
    let arn = format!("arn:aws:ec2:{REGION}:123456789012:vpc-flow-log/{identifier}");
    account.retag(
        "TagResources",
        &json!({ "ResourceARNList": [arn], "Tags": { "b": "2" } }),
    );
    assert_eq!(account.tags(&arn), json!({ "a": "1", "b": "2" }));
    account.retag(
        "UntagResources",
        &json!({ "ResourceARNList": [arn], "TagKeys": ["a"] }),
    );
    let read = account.read(kind, &identifier).expect("a model");
    assert_eq!(read["Tags"], json!([{ "Key": "b", "Value": "2" }]));
    account.delete(kind, &identifier);
    assert_eq!(account.tags(&arn), json!({}));
}

/// Types whose objects stand in moto: what is made by Cloud Control is seen by the service's API, and the other way round.
#[test]
fn a_queue_is_a_queue() {
    let Some(account) = Account::new() else {
        return;
    };
    let sqs = |operation: &str, body: Json| {
        account
            .call("sqs", &format!("AmazonSQS.{operation}"), &body)
            .expect("an answer")
    };
    let tags = json!([{ "Key": "a", "Value": "1" }, { "Key": "b", "Value": "2" }]);
    let url = account.made(
        QUEUE,
        &json!({ "QueueName": "front", "DelaySeconds": 5, "Tags": tags }),
    );
    assert_eq!(
        url,
        format!("https://sqs.{REGION}.amazonaws.com/123456789012/front")
    );
    let found = sqs(
        "GetQueueAttributes",
        json!({ "QueueUrl": url, "AttributeNames": ["All"] }),
    );
    assert_eq!(found["Attributes"]["DelaySeconds"], "5");
    let read = account.read(QUEUE, &url).expect("a model");
    // Numbers are texts in a read; an update takes them as they were.
    assert_eq!(read["DelaySeconds"], "5");
    assert_eq!(read["SqsManagedSseEnabled"], true);
    assert_eq!(read["MaximumMessageSize"], "1048576");
    let changes = json!({ "QueueUrl": url, "Attributes": { "VisibilityTimeout": "60" } });
    sqs("SetQueueAttributes", changes);
    assert_eq!(
        account.read(QUEUE, &url).expect("a model")["VisibilityTimeout"],
        "60"
    );
    let event = account.set(QUEUE, &url, "DelaySeconds", &json!(7));
    assert_eq!(event["OperationStatus"], "SUCCESS", "{event}");
    let found = sqs(
        "GetQueueAttributes",
        json!({ "QueueUrl": url, "AttributeNames": ["All"] }),
    );
    assert_eq!(found["Attributes"]["DelaySeconds"], "7");
    assert_eq!(found["Attributes"]["VisibilityTimeout"], "60");
    let arn = read["Arn"].as_str().expect("an ARN");
    assert_eq!(account.tags(arn), json!({ "a": "1", "b": "2" }));
    sqs("DeleteQueue", json!({ "QueueUrl": url }));
    refused(account.read(QUEUE, &url), "ResourceNotFoundException", "");
    failed(&account.delete(QUEUE, &url), "NotFound", "");
}

/// One row for each type: a model, a change, and where its ARN is.
#[test]
fn types_that_stand_in_their_services_are_made_changed_and_removed() {
    let Some(account) = Account::new() else {
        return;
    };
    let group = json!({ "logGroupName": "front" });
    account
        .call("logs", "Logs_20140328.CreateLogGroup", &group)
        .expect("a group");
    let queue = account.made(QUEUE, &json!({ "QueueName": "target" }));
    let target = account.read(QUEUE, &queue).expect("a model")["Arn"].clone();
    let files = account.made("AWS::EFS::FileSystem", &json!({ "Encrypted": true }));
    let (_, vpc) = account.send(
        "ec2",
        "Content-Type: application/x-www-form-urlencoded",
        "Action=CreateVpc&Version=2016-11-15&CidrBlock=10.0.0.0%2F16",
    );
    let vpc = vpc.split("<vpcId>").nth(1).expect("a VPC");
    let vpc = vpc.split('<').next().expect("an id");
    let filter =
        |value: &str| json!([{ "MetricName": "m", "MetricNamespace": "n", "MetricValue": value }]);
    let rows = [
        (
            "AWS::SNS::Topic",
            json!({ "TopicName": "front", "DisplayName": "a", "Tags": [] }),
            ("DisplayName", json!("b")),
            "TopicArn",
        ),
        (
            "AWS::DynamoDB::Table",
            json!({
                "TableName": "front", "BillingMode": "PAY_PER_REQUEST", "Tags": [],
                "KeySchema": [{ "AttributeName": "id", "KeyType": "HASH" }],
                "AttributeDefinitions": [{ "AttributeName": "id", "AttributeType": "S" }],
            }),
            (
                "TimeToLiveSpecification",
                json!({ "Enabled": true, "AttributeName": "until" }),
            ),
            "Arn",
        ),
        (
            "AWS::Logs::MetricFilter",
            json!({
                "LogGroupName": "front", "FilterName": "f", "FilterPattern": "x", "MetricTransformations": filter("1"),
            }),
            ("MetricTransformations", filter("2")),
            "",
        ),
        (
            "AWS::EFS::FileSystem",
            json!({ "FileSystemTags": [], "ThroughputMode": "bursting" }),
            ("ThroughputMode", json!("elastic")),
            "Arn",
        ),
        (
            "AWS::EFS::AccessPoint",
            json!({ "FileSystemId": files, "AccessPointTags": [] }),
            ("AccessPointTags", json!([{ "Key": "c", "Value": "3" }])),
            "Arn",
        ),
        (
            "AWS::Events::Rule",
            json!({
                "Name": "front", "EventPattern": r#"{"source":["a"]}"#, "Tags": [],
                "Targets": [{ "Id": "1", "Arn": target }],
            }),
            ("EventPattern", json!(r#"{"source":["b"]}"#)),
            "Arn",
        ),
        (
            "AWS::EC2::VPCEndpoint",
            json!({
                "VpcId": vpc, "ServiceName": format!("com.amazonaws.{REGION}.sqs"), "VpcEndpointType": "Interface",
                "Tags": [],
            }),
            ("PrivateDnsEnabled", json!(true)),
            "",
        ),
        (
            "AWS::SSM::Parameter",
            json!({ "Name": "/front", "Type": "String", "Value": "a", "Tags": {} }),
            ("Value", json!("b")),
            "Arn",
        ),
        (
            "AWS::KMS::Key",
            json!({ "Description": "a", "Tags": [] }),
            ("Description", json!("b")),
            "Arn",
        ),
        (
            "AWS::SecretsManager::Secret",
            json!({ "Name": "front", "SecretString": "hidden", "Tags": [] }),
            ("Description", json!("b")),
            "Id",
        ),
        (
            "AWS::Kinesis::Stream",
            json!({ "Name": "front", "ShardCount": 1, "Tags": [] }),
            ("RetentionPeriodHours", json!(48)),
            "Arn",
        ),
    ];
    for (kind, mut model, (name, value), arn) in rows {
        let tagged = model
            .as_object()
            .expect("an object")
            .keys()
            .find(|key| key.ends_with("Tags"))
            .cloned();
        if let Some(tags) = &tagged {
            model[tags] = match &model[tags] {
                Json::Object(_) => json!({ "a": "1" }),
                _ => json!([{ "Key": "a", "Value": "1" }]),
            };
        }
        let identifier = account.made(kind, &model);
        let read = account.read(kind, &identifier).expect("a model");
        assert_eq!(read["SecretString"], Json::Null);
        let listed = account
            .control("ListResources", &json!({ "TypeName": kind }))
            .expect("a list");
        assert!(
            listed["ResourceDescriptions"]
                .as_array()
                .expect("a list")
                .iter()
                .any(|found| found["Identifier"] == identifier.as_str()),
            "{kind}: {listed}"
        );
        if tagged.is_some() && !arn.is_empty() {
            let arn = read[arn].as_str().expect("an ARN");
            assert_eq!(account.tags(arn), json!({ "a": "1" }), "{kind}");
            account.retag(
                "TagResources",
                &json!({ "ResourceARNList": [arn], "Tags": { "a": "2" } }),
            );
            assert_eq!(account.tags(arn), json!({ "a": "2" }), "{kind}");
        }
        let event = account.set(kind, &identifier, name, &value);
        assert_eq!(event["OperationStatus"], "SUCCESS", "{kind}: {event}");
        let read = account.read(kind, &identifier).expect("a model");
        assert_eq!(read[name], value, "{kind}");
        let event = account.delete(kind, &identifier);
        assert_eq!(event["OperationStatus"], "SUCCESS", "{kind}: {event}");
        refused(
            account.read(kind, &identifier),
            "ResourceNotFoundException",
            kind,
        );
    }
}

/// Handlers act with the rights of the one who asks.
#[test]
fn a_handler_has_the_rights_of_its_caller() {
    let Some(mut account) = Account::new() else {
        return;
    };
    let give = |account: &Account, actions: Json, resource: &str| {
        let statement = json!({ "Effect": "Allow", "Action": actions, "Resource": resource });
        let own =
            json!({ "Effect": "Allow", "Action": "cloudformation:*Resource*", "Resource": "*" });
        let document = json!({ "Version": "2012-10-17", "Statement": [statement, own] });
        let body = json!({ "caller": "held", "documents": [document] });
        http::send(&account.endpoint, "/_account/policies", &body.to_string());
    };
    let plain = json!({ "caller": "held", "documents": [] });
    http::send(&account.endpoint, "/_account/policies", &plain.to_string());
    account.caller = "held";
    let vault = json!({ "BackupVaultName": "front" });
    let body = json!({ "TypeName": VAULT, "DesiredState": vault.to_string() });
    refused(
        account.begin("CreateResource", &body),
        "AccessDeniedException",
        "cloudformation:CreateResource",
    );
    give(&account, json!(["sqs:*"]), "arn:aws:sqs:*:*:front");
    account.made(QUEUE, &json!({ "QueueName": "front" }));
    let event = account.create(QUEUE, &json!({ "QueueName": "other" }));
    failed(&event, "AccessDenied", "not authorized to perform: sqs:");
    let event = account.create(VAULT, &vault);
    failed(&event, "AccessDenied", "not authorized to perform: backup:");
    give(
        &account,
        json!(["backup:*"]),
        "arn:aws:backup:*:*:backup-vault:front",
    );
    account.made(VAULT, &vault);
    let url = format!("https://sqs.{REGION}.amazonaws.com/123456789012/front");
    refused(account.read(QUEUE, &url), "AccessDeniedException", "sqs:");
}
