//! The conditions that are waited for, and those that are not: states that only a person ends, things that go between two
//! calls, answers that are lost, and tags that are refused.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use aws_sdk_ec2::types::Filter;
use aws_sdk_ecs::types::TaskDefinitionStatus;

use crate::common::commands::{DONE, REFUSED, assert_fits, json};
use crate::common::program::{Ended, Program};
use crate::common::proxy::{Answer, Call, Proxy, Refusal, Rule, body_of, with_body};
use crate::common::sdk::Sdk;
use crate::common::{World, endpoint};

const RESOURCE_FAILED: Option<i32> = Some(4);

/// A run that takes longer than this has waited.
const AT_ONCE: Duration = Duration::from_secs(40);

fn refusal(status: u16, code: &'static str, message: &'static str) -> Refusal {
    Refusal {
        status,
        code,
        message,
    }
}

fn told(ended: &Ended, words: &[&str]) {
    for word in words {
        assert!(ended.stderr.contains(word), "{word}\n{}", ended.screen);
    }
}

fn database(name: &str, days: u32) -> String {
    format!(
        "password: {{ type: aws:secretsmanager:Secret, properties: {{ generateSecretString: {{ passwordLength: 20, secretStringTemplate: '{{}}', generateStringKey: password }} }} }}
store: {{ type: aws:rds:Instance, properties: {{ identifier: {name}, engine: postgres, engineVersion: '16', instanceClass: db.t3.micro, allocatedStorage: 40, username: app, backupRetentionPeriod: {days}, masterPasswordSecretArn: '${{password.arn}}' }} }}"
    )
}

#[tokio::test]
async fn a_database_that_somebody_has_stopped_is_not_waited_for() {
    let name = "e2e-waits-stopped";
    let world = World::new(name).await;
    world.up(&database(name, 1)).await;
    let rds = &world.sdk.rds;
    let stopping = rds.stop_db_instance().db_instance_identifier(name).send();
    stopping.await.expect("the database can be stopped");
    let account = Proxy::before(endpoint(), |call| {
        let refused = refusal(
            400,
            "InvalidDBInstanceState",
            "Database instance is not in available state.",
        );
        (call.operation == "ModifyDBInstance").then(|| refused.into())
    });
    let program = Program::of(&world).with("AWS_ENDPOINT_URL", &account.endpoint);
    let started = Instant::now();
    let ended = program.run(&database(name, 2), "up", &["--yes"]);
    assert!(started.elapsed() < AT_ONCE, "{:?}", started.elapsed());
    assert_eq!(ended.status, RESOURCE_FAILED, "{}", ended.screen);
    let start = format!("aws rds start-db-instance --db-instance-identifier {name}");
    told(&ended, &["is stopped", &start]);
    assert_eq!(account.calls("ModifyDBInstance"), 1);
    // The advice in the message helps.
    let starting = rds.start_db_instance().db_instance_identifier(name).send();
    starting.await.expect("the database can be started");
    world.up(&database(name, 2)).await;
    world.destroy(&database(name, 2)).await;
}

const NETWORK: &str = "\
vpc: { type: aws:ec2:Vpc, properties: { cidrBlock: 10.90.0.0/16 } }
subnet: { type: aws:ec2:Subnet, properties: { vpcId: '${vpc.id}', cidrBlock: 10.90.1.0/24 } }
";

/// Removes the leftovers of a run that died here, which no stack owns.
async fn remove_strangers(sdk: &Sdk) {
    let theirs = Filter::builder()
        .name("description")
        .values(BASTION)
        .build();
    let found = sdk.ec2.describe_network_interfaces().filters(theirs).send();
    for interface in found
        .await
        .expect("interfaces can be listed")
        .network_interfaces()
    {
        let gone = sdk.ec2.delete_network_interface();
        let gone = gone.set_network_interface_id(interface.network_interface_id.clone());
        gone.send().await.expect("it goes");
    }
}

/// Description of the interface that a stranger has.
const BASTION: &str = "a bastion's";

#[tokio::test]
async fn a_subnet_that_a_strangers_interface_holds_is_not_waited_for() {
    remove_strangers(&Sdk::new(endpoint()).await).await;
    let world = World::new("e2e-waits-interface").await;
    world.up(NETWORK).await;
    let ours = Filter::builder()
        .name("tag:fde:stack")
        .values(world.stack_tag())
        .build();
    let subnets = world.sdk.ec2.describe_subnets().filters(ours).send().await;
    let subnets = subnets.expect("subnets can be listed");
    let subnet = subnets.subnets()[0].subnet_id().expect("it has an id");
    let made = world.sdk.ec2.create_network_interface().subnet_id(subnet);
    let made = made.description(BASTION).send().await;
    let made = made.expect("an interface can be made");
    let interface = made.network_interface().expect("it is answered");
    let interface = interface.network_interface_id().expect("it has an id");
    let delete = format!("aws ec2 delete-network-interface --network-interface-id {interface}");
    let program = Program::of(&world);
    let refused = program.run(NETWORK, "destroy", &["--yes"]);
    assert_eq!(refused.status, REFUSED, "{}", refused.screen);
    assert_eq!(refused.mutating, [] as [String; 0], "{}", refused.screen);
    told(&refused, &[BASTION, &delete]);
    // If it cannot be seen beforehand, it is seen once the deletion is refused.
    let asked = Arc::new(AtomicBool::new(false));
    let account = Proxy::before(endpoint(), move |call| match call.operation {
        "DescribeNetworkInterfaces" if !asked.swap(true, Ordering::Relaxed) => {
            Some(refusal(403, "UnauthorizedOperation", "You are not authorized.").into())
        }
        "DeleteSubnet" => Some(
            refusal(
                400,
                "DependencyViolation",
                "The subnet has dependencies and cannot be deleted.",
            )
            .into(),
        ),
        _ => None,
    });
    let program = Program::of(&world).with("AWS_ENDPOINT_URL", &account.endpoint);
    let started = Instant::now();
    let ended = program.run(NETWORK, "destroy", &["--yes"]);
    assert!(started.elapsed() < AT_ONCE, "{:?}", started.elapsed());
    assert_eq!(ended.status, RESOURCE_FAILED, "{}", ended.screen);
    let unknown = "it is unknown whether others use what will be deleted";
    told(&ended, &[unknown, BASTION, &delete]);
    let gone = world.sdk.ec2.delete_network_interface();
    gone.network_interface_id(interface)
        .send()
        .await
        .expect("it goes");
    world.destroy(NETWORK).await;
}

/// No certificate is made meanwhile.
#[tokio::test]
async fn a_certificate_that_is_not_there_is_not_waited_for() {
    let world = World::new("e2e-waits-certificate").await;
    let resources = "\
vpc: { type: aws:ec2:Vpc, properties: { cidrBlock: 10.93.0.0/16 } }
gateway: { type: aws:ec2:InternetGateway, properties: { vpcId: '${vpc.id}' } }
a: { type: aws:ec2:Subnet, properties: { vpcId: '${vpc.id}', cidrBlock: 10.93.1.0/24, availabilityZone: eu-south-2a } }
b: { type: aws:ec2:Subnet, properties: { vpcId: '${vpc.id}', cidrBlock: 10.93.2.0/24, availabilityZone: eu-south-2b } }
balancer: { type: aws:lb:LoadBalancer, properties: { name: e2e-waits-cert, subnets: ['${a.id}', '${b.id}'] } }
listener:
  type: aws:lb:Listener
  properties:
    loadBalancerArn: ${balancer.arn}
    port: 443
    protocol: HTTPS
    certificateArn: arn:aws:acm:eu-south-2:123456789012:certificate/0f0f0f0f-0000-4000-8000-000000000000
    defaultActions: [{ type: fixed-response, fixedResponse: { statusCode: '404', contentType: text/plain } }]
";
    let account = Proxy::before(endpoint(), |call| {
        let refused = refusal(400, "CertificateNotFound", "Certificate not found");
        (call.operation == "CreateListener").then(|| refused.into())
    });
    let program = Program::of(&world).with("AWS_ENDPOINT_URL", &account.endpoint);
    let started = Instant::now();
    let ended = program.run(resources, "up", &["--yes"]);
    assert!(started.elapsed() < AT_ONCE, "{:?}", started.elapsed());
    assert_eq!(ended.status, RESOURCE_FAILED, "{}", ended.screen);
    told(&ended, &["aws acm list-certificates --region eu-south-2"]);
    assert_eq!(account.calls("CreateListener"), 1);
    world.destroy(resources).await;
}

/// A stack of resources that take more than one call to read.
fn many(name: &str) -> String {
    format!(
        "dashboard: {{ type: aws:cloudwatch:Dashboard, properties: {{ dashboardName: {name}, dashboardBody: {{ widgets: [] }} }} }}
topic: {{ type: aws:sns:Topic, properties: {{ name: {name} }} }}
access: {{ type: aws:sns:TopicPolicy, properties: {{ arn: '${{topic.arn}}', policy: {{ Version: '2012-10-17', Statement: [{{ Effect: Allow, Principal: {{ Service: cloudwatch.amazonaws.com }}, Action: sns:Publish, Resource: '${{topic.arn}}' }}] }} }} }}
logs: {{ type: aws:cloudwatch:LogGroup, properties: {{ name: /e2e/{name} }} }}
secret: {{ type: aws:secretsmanager:Secret, properties: {{ name: {name} }} }}
bucket: {{ type: aws:s3:Bucket, properties: {{ bucket: {name} }} }}
versioning: {{ type: aws:s3:BucketVersioning, properties: {{ bucket: '${{bucket.bucket}}', versioningConfiguration: {{ status: Enabled }} }} }}
repository: {{ type: aws:ecr:Repository, properties: {{ name: {name} }} }}
firewall: {{ type: aws:wafv2:WebAcl, properties: {{ name: {name}, scope: REGIONAL, defaultAction: {{ allow: {{}} }}, visibilityConfig: {{ metricName: {name}, cloudwatchMetricsEnabled: true, sampledRequestsEnabled: true }} }} }}
vpc: {{ type: aws:ec2:Vpc, properties: {{ cidrBlock: 10.94.0.0/16 }} }}
targets: {{ type: aws:lb:TargetGroup, properties: {{ name: {name}, port: 80, protocol: HTTP, targetType: ip, vpcId: '${{vpc.id}}' }} }}
"
    )
}

/// A listed object is gone when it is asked for by itself: the first time, so that the second finds it there.
#[tokio::test]
async fn what_goes_between_two_calls_does_not_end_a_preview() {
    let name = "e2e-waits-gone";
    let world = World::new(name).await;
    world.up(&many(name)).await;
    let mut never_asked = Vec::new();
    for (operation, code) in [
        ("ListTagsForResource", "ResourceNotFoundException"),
        ("GetDashboard", "DashboardNotFoundError"),
        ("GetTopicAttributes", "NotFound"),
        ("DescribeSecret", "ResourceNotFoundException"),
        ("GetSecretValue", "ResourceNotFoundException"),
        ("GetWebACL", "WAFNonexistentItemException"),
        ("DescribeTargetGroupAttributes", "TargetGroupNotFound"),
        ("DescribeTags", "TargetGroupNotFound"),
        ("DescribeVpcAttribute", "InvalidVpcID.NotFound"),
        ("GetLifecyclePolicy", "RepositoryNotFoundException"),
        ("DescribeLogGroups", "ResourceNotFoundException"),
        (&format!("GET /{name}/?versioning"), "NoSuchBucket"),
        (&format!("GET /{name}/?tagging"), "NoSuchBucket"),
    ] {
        let wanted = operation.to_owned();
        let account = Proxy::before(endpoint(), move |call| {
            let refused = refusal(404, code, "it is gone");
            (call.operation == wanted && call.turn == 1).then(|| refused.into())
        });
        let program = Program::of(&world).with("AWS_ENDPOINT_URL", &account.endpoint);
        let ended = program.run(&many(name), "preview", &[]);
        assert_eq!(ended.status, DONE, "{operation} {code}\n{}", ended.screen);
        if account.calls(operation) == 0 {
            never_asked.push(operation.to_owned());
        }
    }
    assert!(never_asked.len() < 6, "{never_asked:?}");
    world.destroy(&many(name)).await;
}

/// A dashboard that goes for good after its body was read, before its tags are.
#[tokio::test]
async fn a_dashboard_that_goes_while_it_is_read_is_made_again() {
    let name = "e2e-waits-dashboard";
    let world = World::new(name).await;
    let dashboard = format!(
        "dashboard: {{ type: aws:cloudwatch:Dashboard, properties: {{ dashboardName: {name}, dashboardBody: {{ widgets: [] }} }} }}"
    );
    world.up(&dashboard).await;
    let account = Proxy::before(endpoint(), |call| match call.operation {
        "ListTagsForResource" => Some(refusal(404, "ResourceNotFoundException", "").into()),
        "GetDashboard" if call.turn > 1 => Some(refusal(404, "DashboardNotFoundError", "").into()),
        // The tags that the index has would do.
        "GetResources" => Some(Answer::Json(r#"{"ResourceTagMappingList":[]}"#)),
        _ => None,
    });
    let program = Program::of(&world).with("AWS_ENDPOINT_URL", &account.endpoint);
    let ended = program.run(&dashboard, "preview", &["--json"]);
    assert_eq!(ended.status, DONE, "{}", ended.screen);
    assert_eq!(json(&ended)["summary"]["create"], 1, "{}", ended.screen);
    assert_eq!(account.calls("ListTagsForResource"), 1);
    world.destroy(&dashboard).await;
}

/// A second revision costs nothing, so that there is no need to look for the first one for minutes.
#[tokio::test]
async fn a_task_definition_whose_answer_is_lost_is_made_again_at_once() {
    let name = "e2e-waits-revision";
    let world = World::new(name).await;
    let task = format!(
        "task: {{ type: aws:ecs:TaskDefinition, properties: {{ family: {name}, containerDefinitions: [{{ name: web, image: 'public.ecr.aws/nginx/nginx:1.27', memory: 128 }}] }} }}"
    );
    // Whether the account has heard of it or not.
    for lost in [Answer::Lost, Answer::Cut] {
        let account = Proxy::before(endpoint(), move |call| {
            (call.operation == "RegisterTaskDefinition" && call.turn == 1).then(|| lost.clone())
        });
        let program = Program::of(&world).with("AWS_ENDPOINT_URL", &account.endpoint);
        let started = Instant::now();
        let ended = program.run(&task, "up", &["--yes"]);
        assert!(started.elapsed() < AT_ONCE, "{:?}", started.elapsed());
        assert_eq!(ended.status, DONE, "{}", ended.screen);
        assert_eq!(account.calls("RegisterTaskDefinition"), 2);
        let revisions = world.sdk.ecs.list_task_definitions();
        let revisions = revisions
            .family_prefix(name)
            .status(TaskDefinitionStatus::Active)
            .send()
            .await
            .expect("revisions can be listed");
        assert_eq!(revisions.task_definition_arns().len(), 1, "{revisions:?}");
        assert!(world.preview(&task).await.is_empty());
        world.destroy(&task).await;
    }
}

/// The property has changed by then, and the next run has nothing left but the tags.
#[tokio::test]
async fn tags_that_are_refused_after_a_change_say_what_is_changed() {
    let name = "e2e-waits-tags";
    let world = World::new(name).await;
    let topic = |label: &str| {
        format!(
            "topic: {{ type: aws:sns:Topic, properties: {{ name: {name}, displayName: {label} }} }}"
        )
    };
    world.up(&topic("before")).await;
    let account = Proxy::before(endpoint(), |call| {
        let refused = refusal(
            403,
            "AuthorizationError",
            "not authorized to perform: SNS:TagResource",
        );
        (call.operation == "TagResource").then(|| refused.into())
    });
    let program = Program::of(&world).with("AWS_ENDPOINT_URL", &account.endpoint);
    let ended = program.run(&topic("after"), "up", &["--yes"]);
    assert_eq!(ended.status, RESOURCE_FAILED, "{}", ended.screen);
    told(
        &ended,
        &["displayName is changed; its tags are as they were"],
    );
    assert!(!ended.stderr.contains("as it was"), "{}", ended.screen);
    let live = world.sdk.sns.get_topic_attributes();
    let arn = format!("arn:aws:sns:eu-south-2:123456789012:{name}");
    let live = live
        .topic_arn(arn)
        .send()
        .await
        .expect("the topic is there");
    let label = live.attributes().and_then(|all| all.get("DisplayName"));
    assert_eq!(label.map(String::as_str), Some("after"));
    // The live state is the one in the file; and the next edit is an edit.
    let program = Program::of(&world);
    let next = program.run(&topic("after"), "preview", &["--expect-no-changes"]);
    assert_eq!(next.status, DONE, "{}", next.screen);
    let edited = program.run(&topic("third"), "preview", &["--json"]);
    let counts = &json(&edited)["summary"];
    assert_eq!(counts["update"], 1, "{}", edited.screen);
    assert_eq!(counts["drift"], 0, "{}", edited.screen);
    world.up(&topic("third")).await;
    assert!(world.preview(&topic("third")).await.is_empty());
    world.destroy(&topic("third")).await;
}

/// The name of an internal thing is no value.
#[tokio::test]
async fn outputs_of_what_was_not_made_are_not_shown_as_values() {
    let world = World::new("e2e-waits-outputs").await;
    let resources = "\
topic: { type: aws:sns:Topic, properties: { name: e2e-waits-outputs } }
vpc: { type: aws:ec2:Vpc, properties: { cidrBlock: 10.95.0.0/16 } }
";
    let outputs = "outputs:\n  vpcId: ${vpc.id}\n  topic: ${topic.arn}\n";
    let account = Proxy::before(endpoint(), |call| {
        let refused = refusal(
            400,
            "VpcLimitExceeded",
            "The maximum number of VPCs has been reached.",
        );
        (call.operation == "CreateVpc").then(|| refused.into())
    });
    let program = Program::of(&world).with("AWS_ENDPOINT_URL", &account.endpoint);
    let file = format!("{}{outputs}", world.file(resources));
    let part = program.run_file(&file, "up", &["--yes", "--target", "topic"]);
    assert_eq!(part.status, DONE, "{}", part.screen);
    assert!(!part.raw.contains("output<"), "{}", part.screen);
    assert!(
        part.stdout.contains(":e2e-waits-outputs"),
        "{}",
        part.screen
    );
    assert!(
        part.stdout.contains("do not exist: vpcId"),
        "{}",
        part.screen
    );
    // A run that fails says what there is to do, and nothing else.
    let ended = program.run_file(&file, "up", &["--yes"]);
    assert_eq!(ended.status, RESOURCE_FAILED, "{}", ended.screen);
    assert!(!ended.raw.contains("output<"), "{}", ended.screen);
    assert!(!ended.stdout.contains("Outputs:"), "{}", ended.screen);
    world.destroy(resources).await;
}

/// A service without circuit breaker, whose tasks fail one after the other.
fn failing(name: &str) -> String {
    format!(
        "\
vpc: {{ type: aws:ec2:Vpc, properties: {{ cidrBlock: 10.96.0.0/16 }} }}
subnet: {{ type: aws:ec2:Subnet, properties: {{ vpcId: '${{vpc.id}}', cidrBlock: 10.96.0.0/24, availabilityZone: eu-south-2a }} }}
cluster: {{ type: aws:ecs:Cluster, properties: {{ name: {name} }} }}
task: {{ type: aws:ecs:TaskDefinition, properties: {{ family: {name}, cpu: 256, memory: 512, requiresCompatibilities: [FARGATE], containerDefinitions: [{{ name: web, image: 'public.ecr.aws/nginx/nginx:unhealthy' }}] }} }}
service: {{ type: aws:ecs:Service, properties: {{ name: {name}, cluster: '${{cluster.arn}}', taskDefinition: '${{task.arn}}', launchType: FARGATE, desiredCount: 1, networkConfiguration: {{ subnets: ['${{subnet.id}}'] }} }} }}
"
    )
}

/// AWS would go on starting one task after the other without end.
#[tokio::test]
async fn tasks_that_keep_failing_end_the_wait_where_no_circuit_breaker_does() {
    let name = "e2e-waits-failing";
    let world = World::new(name).await;
    let program = Program::of(&world);
    let started = Instant::now();
    let ended = program.run(&failing(name), "up", &["--yes"]);
    assert!(started.elapsed() < AT_ONCE, "{:?}", started.elapsed());
    assert_eq!(ended.status, RESOURCE_FAILED, "{}", ended.screen);
    let says = [
        "3 tasks have failed, and no circuit breaker",
        "Essential container in task exited",
        "a container exits by itself",
    ];
    told(&ended, &says);
    world.destroy(&failing(name)).await;
}

/// The account's answers about services, in which ECS says of the deployment that it cannot assume the role, minutes after
/// it has begun; and a deployment that has a state which is still unknown.
struct CannotAssume;

impl Rule for CannotAssume {
    fn before(&self, _: &Call) -> Option<Answer> {
        None
    }

    fn after(&self, call: &Call, answer: Vec<u8>) -> Option<Vec<u8>> {
        if call.operation != "DescribeServices" {
            return Some(answer);
        }
        let mut body: serde_json::Value =
            serde_json::from_slice(body_of(&answer)).expect("the answer is JSON");
        for service in body["services"].as_array_mut().into_iter().flatten() {
            let Some(began) = service["deployments"][0]["createdAt"].as_f64() else {
                continue;
            };
            service["deployments"][0]["failedTasks"] = 0.into();
            service["deployments"][0]["rolloutState"] = "REVIEWING".into();
            service["events"] = serde_json::json!([{
                "id": "1",
                "createdAt": began + 120.0,
                "message": "(service api) failed to launch a task with (error ECS was unable to assume the role 'arn:aws:iam::123456789012:role/api' that was provided for this task.).",
            }]);
        }
        Some(with_body(&answer, body.to_string().as_bytes()))
    }
}

#[tokio::test]
async fn a_role_that_ecs_cannot_assume_is_not_waited_for() {
    let name = "e2e-waits-role";
    let world = World::new(name).await;
    let account = Proxy::before(endpoint(), |_| None);
    account.begin(endpoint(), CannotAssume);
    let program = Program::of(&world).with("AWS_ENDPOINT_URL", &account.endpoint);
    let started = Instant::now();
    let ended = program.run(&failing(name), "up", &["--yes"]);
    assert!(started.elapsed() < AT_ONCE, "{:?}", started.elapsed());
    assert_eq!(ended.status, RESOURCE_FAILED, "{}", ended.screen);
    let describe = format!("aws ecs describe-task-definition --task-definition {name}:");
    told(&ended, &["ecs-tasks.amazonaws.com", &describe]);
    // The subject of the wait is named, with the state that is new.
    let preview = program.run(&failing(name), "preview", &[]);
    assert!(preview.stdout.contains("REVIEWING"), "{}", preview.screen);
    assert_fits(&preview);
    world.destroy(&failing(name)).await;
}

/// ECS asks EC2 and IAM for what a service refers to, and either may not know yet what was made a moment ago.
#[tokio::test]
async fn a_service_waits_until_ecs_sees_its_subnet_its_group_and_its_role() {
    let name = "e2e-waits-unseen";
    let world = World::new(name).await;
    let account = Proxy::before(endpoint(), |call| {
        let message = match (call.operation, call.turn) {
            ("CreateService", 1) => {
                "Error retrieving subnet information for [subnet-1]: The subnet ID 'subnet-1' does not exist (ErrorCode: InvalidSubnetID.NotFound)"
            }
            ("CreateService", 2) => {
                "Error retrieving security group information for [sg-1]: The security group 'sg-1' does not exist (ErrorCode: InvalidGroup.NotFound)"
            }
            ("CreateService", 3) => {
                "ECS was unable to assume the role 'arn:aws:iam::123456789012:role/api' that was provided for this task."
            }
            _ => return None,
        };
        Some(refusal(400, "InvalidParameterException", message).into())
    });
    let program = Program::of(&world).with("AWS_ENDPOINT_URL", &account.endpoint);
    let resources = failing(name).replace("nginx:unhealthy", "nginx:1.27");
    let ended = program.run(&resources, "up", &["--yes"]);
    assert_eq!(ended.status, DONE, "{}", ended.screen);
    assert_eq!(account.calls("CreateService"), 4);
    world.destroy(&resources).await;
}
