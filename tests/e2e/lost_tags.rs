//! Objects that AWS has, without the tags that the stack gave them: an account drops them, or another party takes them away.

use std::collections::BTreeMap;

use expect_test::expect_file;

use crate::common::program::{Ended, Program};
use crate::common::proxy::{Answer, Proxy, Refusal};
use crate::common::sdk::Sdk;
use crate::common::{World, endpoint};

const TRUST: &str = "{ Version: '2012-10-17', Statement: [{ Effect: Allow, Principal: { Service: ecs-tasks.amazonaws.com }, Action: 'sts:AssumeRole' }] }";

/// The creations whose answers show tags, or that are looked at afterwards anyway.
const SHOWN: [&str; 16] = [
    "AuthorizeSecurityGroupIngress",
    "CreateCluster",
    "CreateDBInstance",
    "CreateFlowLogs",
    "CreateInternetGateway",
    "CreateListener",
    "CreateNatGateway",
    "CreatePolicy",
    "CreateRole",
    "CreateRouteTable",
    "CreateSecurityGroup",
    "CreateService",
    "CreateSubnet",
    "CreateTargetGroup",
    "CreateVpc",
    "RegisterTaskDefinition",
];

/// Everything of [`SHOWN`], with what it needs.
fn platform(name: &str) -> String {
    format!(
        "vpc: {{ type: aws:ec2:Vpc, properties: {{ cidrBlock: 10.0.0.0/16 }} }}
gateway: {{ type: aws:ec2:InternetGateway, properties: {{ vpcId: '${{vpc.id}}' }} }}
left: {{ type: aws:ec2:Subnet, properties: {{ vpcId: '${{vpc.id}}', cidrBlock: 10.0.0.0/24, availabilityZone: eu-south-2a }} }}
right: {{ type: aws:ec2:Subnet, properties: {{ vpcId: '${{vpc.id}}', cidrBlock: 10.0.1.0/24, availabilityZone: eu-south-2b }} }}
table: {{ type: aws:ec2:RouteTable, properties: {{ vpcId: '${{vpc.id}}' }} }}
address: {{ type: aws:ec2:Eip, options: {{ dependsOn: [gateway] }} }}
nat: {{ type: aws:ec2:NatGateway, properties: {{ subnetId: '${{left.id}}', allocationId: '${{address.allocationId}}' }} }}
records: {{ type: aws:cloudwatch:LogGroup, properties: {{ name: /e2e/{name} }} }}
writer: {{ type: aws:iam:Role, properties: {{ name: {name}-writer, assumeRolePolicy: {{ Version: '2012-10-17', Statement: [{{ Effect: Allow, Principal: {{ Service: vpc-flow-logs.amazonaws.com }}, Action: 'sts:AssumeRole' }}] }} }} }}
log: {{ type: aws:ec2:FlowLog, properties: {{ vpcId: '${{vpc.id}}', logDestination: '${{records.arn}}', iamRoleArn: '${{writer.arn}}' }} }}
group: {{ type: aws:ec2:SecurityGroup, properties: {{ name: {name}, description: x, vpcId: '${{vpc.id}}' }} }}
rule: {{ type: aws:vpc:SecurityGroupIngressRule, properties: {{ securityGroupId: '${{group.id}}', ipProtocol: tcp, fromPort: 80, toPort: 80, cidrIpv4: 10.0.0.0/8 }} }}
role: {{ type: aws:iam:Role, properties: {{ name: {name}, assumeRolePolicy: {TRUST} }} }}
policy: {{ type: aws:iam:Policy, properties: {{ name: {name}, policy: {{ Version: '2012-10-17', Statement: [{{ Effect: Allow, Action: 's3:ListAllMyBuckets', Resource: '*' }}] }} }} }}
cluster: {{ type: aws:ecs:Cluster, properties: {{ name: {name} }} }}
task: {{ type: aws:ecs:TaskDefinition, properties: {{ family: {name}, cpu: 256, memory: 512, requiresCompatibilities: [FARGATE], containerDefinitions: [{{ name: web, image: 'public.ecr.aws/nginx/nginx:1.27' }}] }} }}
service: {{ type: aws:ecs:Service, properties: {{ name: {name}, cluster: '${{cluster.arn}}', taskDefinition: '${{task.arn}}', launchType: FARGATE, desiredCount: 1, networkConfiguration: {{ subnets: ['${{left.id}}'] }} }} }}
balancer: {{ type: aws:lb:LoadBalancer, properties: {{ name: {name}, internal: true, subnets: ['${{left.id}}', '${{right.id}}'] }} }}
targets: {{ type: aws:lb:TargetGroup, properties: {{ name: {name}, port: 80, protocol: HTTP, targetType: ip, vpcId: '${{vpc.id}}' }} }}
listener: {{ type: aws:lb:Listener, properties: {{ loadBalancerArn: '${{balancer.arn}}', port: 80, defaultActions: [{{ type: forward, targetGroupArn: '${{targets.arn}}' }}] }} }}
subnets: {{ type: aws:rds:SubnetGroup, properties: {{ name: {name}, subnetIds: ['${{left.id}}', '${{right.id}}'] }} }}
secret: {{ type: aws:secretsmanager:Secret, properties: {{ name: {name}, generateSecretString: {{ secretStringTemplate: {{ username: app }}, generateStringKey: password, excludePunctuation: true }} }} }}
store: {{ type: aws:rds:Instance, properties: {{ identifier: {name}, engine: postgres, engineVersion: '15', instanceClass: db.t3.micro, allocatedStorage: 20, username: app, masterPasswordSecretArn: '${{secret.arn}}', dbSubnetGroupName: '${{subnets.name}}' }} }}"
    )
}

/// The number of objects of each kind that carry the stack's tag: `ec2:vpc`, `iam:role`.
async fn tagged(world: &World, role: &str) -> BTreeMap<String, usize> {
    let mut kinds = BTreeMap::new();
    for arn in world.sdk.tagged(&world.stack_tag()).await {
        let parts: Vec<&str> = arn.splitn(6, ':').collect();
        let kind = parts[5].split(['/', ':']).next().unwrap_or_default();
        *kinds.entry(format!("{}:{kind}", parts[2])).or_default() += 1;
    }
    let tags = world.sdk.iam.list_role_tags().role_name(role).send().await;
    let stack = world.stack_tag();
    let is_ours = tags.is_ok_and(|tags| tags.tags().iter().any(|tag| tag.value() == stack));
    kinds.insert("iam:role".to_owned(), usize::from(is_ours));
    kinds
}

#[tokio::test]
async fn what_an_account_creates_without_its_tags_gets_them_in_the_same_run() {
    let name = "e2e-lost-at-creation";
    let world = World::new(name).await;
    let resources = platform(name);
    let plain = Program::of(&world);
    let ended = plain.run(&resources, "up", &["--yes"]);
    assert_eq!(ended.status, Some(0), "{}", ended.screen);
    let with_tags = ended.calls.len();
    let expected = tagged(&world, name).await;
    world.destroy(&resources).await;

    let proxy = Proxy::before(endpoint(), |call| {
        SHOWN.contains(&call.operation).then_some(Answer::Untagged)
    });
    let program = Program::of(&world).with("AWS_ENDPOINT_URL", &proxy.endpoint);
    let ended = program.run(&resources, "up", &["--yes"]);
    assert_eq!(ended.status, Some(0), "{}", ended.screen);
    for operation in SHOWN {
        assert!(proxy.calls(operation) > 0, "{operation} was not called");
    }
    assert_eq!(tagged(&world, name).await, expected);
    assert!(ended.calls.len() > with_tags, "{:#?}", ended.calls);
    let again = program.run(&resources, "up", &["--yes"]);
    assert_eq!(again.status, Some(0), "{}", again.screen);
    assert_eq!(again.mutating, [] as [String; 0], "{}", again.screen);
    world.destroy(&resources).await;
}

/// The object is there, and no run would know it: so the message names it, and what gives it its tags.
#[tokio::test]
async fn an_object_whose_tags_were_lost_and_cannot_be_set_is_named() {
    let world = World::new("e2e-lost-for-good").await;
    let resources = "vpc: { type: aws:ec2:Vpc, properties: { cidrBlock: 10.97.0.0/16 } }
subnet: { type: aws:ec2:Subnet, properties: { vpcId: '${vpc.id}', cidrBlock: 10.97.0.0/24 } }";
    let proxy = Proxy::before(endpoint(), |call| match call.operation {
        "CreateVpc" => Some(Answer::Untagged),
        "CreateTags" => Some(Answer::Refusal(Refusal {
            status: 403,
            code: "UnauthorizedOperation",
            message: "You are not authorized to perform this operation. User: arn:aws:iam::123456789012:user/deployer is not authorized to perform: ec2:CreateTags because no identity-based policy allows the ec2:CreateTags action",
        })),
        _ => None,
    });
    let program = Program::of(&world).with("AWS_ENDPOINT_URL", &proxy.endpoint);
    let ended = program.run(resources, "up", &["--yes", "--parallel", "1"]);
    assert_eq!(ended.status, Some(4), "{}", ended.screen);
    if std::env::var_os("AWS_ENDPOINT_URL").is_none() {
        expect_file!["../snapshots/failures/lost_tags.txt"].assert_eq(&ended.screen);
    }
    // Done as it says, the next run goes on with what is there.
    for command in commands(&ended) {
        run(&world.sdk, &command).await;
    }
    let plain = Program::of(&world);
    let again = plain.run(resources, "up", &["--yes"]);
    assert_eq!(again.status, Some(0), "{}", again.screen);
    let made = |name: &&String| name.ends_with(":CreateVpc");
    assert_eq!(again.mutating.iter().find(made), None, "{}", again.screen);
    world.destroy(resources).await;
}

#[tokio::test]
async fn what_has_lost_all_of_its_tags_is_told_from_a_strangers() {
    let name = "e2e-lost-later";
    let world = World::new(name).await;
    let resources = format!(
        "topic: {{ type: aws:sns:Topic, properties: {{ name: {name} }} }}
repository: {{ type: aws:ecr:Repository, properties: {{ name: {name} }} }}
bucket: {{ type: aws:s3:Bucket, properties: {{ bucket: {name}-123456789012 }} }}
secret: {{ type: aws:secretsmanager:Secret, properties: {{ name: {name}, generateSecretString: {{ secretStringTemplate: {{ username: app }}, generateStringKey: password }} }} }}
alarm: {{ type: aws:cloudwatch:MetricAlarm, properties: {{ name: {name}, namespace: AWS/ECS, metricName: CPUUtilization, statistic: Average, period: 60, evaluationPeriods: 1, threshold: 90, comparisonOperator: GreaterThanThreshold }} }}
dashboard: {{ type: aws:cloudwatch:Dashboard, properties: {{ dashboardName: {name}, dashboardBody: {{ widgets: [] }} }} }}
parameters: {{ type: aws:rds:ParameterGroup, properties: {{ name: {name}, family: postgres15 }} }}
role: {{ type: aws:iam:Role, properties: {{ name: {name}, assumeRolePolicy: {TRUST} }} }}
policy: {{ type: aws:iam:Policy, properties: {{ name: {name}, policy: {{ Version: '2012-10-17', Statement: [{{ Effect: Allow, Action: 's3:ListAllMyBuckets', Resource: '*' }}] }} }} }}
cluster: {{ type: aws:ecs:Cluster, properties: {{ name: {name} }} }}"
    );
    let names: Vec<&str> = resources
        .lines()
        .filter_map(|line| Some(line.split_once(':')?.0))
        .collect();
    lost_and_found(&world, &resources, &names, &|_| true).await;
}

/// On a parent that has its tags, such an object looks like what others have added.
#[tokio::test]
async fn what_has_lost_all_of_its_tags_in_a_place_of_ours_is_told_from_a_strangers() {
    let name = "e2e-lost-place";
    let world = World::new(name).await;
    let resources = format!(
        "vpc: {{ type: aws:ec2:Vpc, properties: {{ cidrBlock: 10.0.0.0/16 }} }}
left: {{ type: aws:ec2:Subnet, properties: {{ vpcId: '${{vpc.id}}', cidrBlock: 10.0.0.0/24, availabilityZone: eu-south-2a }} }}
right: {{ type: aws:ec2:Subnet, properties: {{ vpcId: '${{vpc.id}}', cidrBlock: 10.0.1.0/24, availabilityZone: eu-south-2b }} }}
group: {{ type: aws:ec2:SecurityGroup, properties: {{ name: {name}, description: x, vpcId: '${{vpc.id}}' }} }}
rule: {{ type: aws:vpc:SecurityGroupIngressRule, properties: {{ securityGroupId: '${{group.id}}', ipProtocol: tcp, fromPort: 80, toPort: 80, cidrIpv4: 10.0.0.0/8 }} }}
balancer: {{ type: aws:lb:LoadBalancer, properties: {{ name: {name}, internal: true, subnets: ['${{left.id}}', '${{right.id}}'] }} }}
targets: {{ type: aws:lb:TargetGroup, properties: {{ name: {name}, port: 80, protocol: HTTP, targetType: ip, vpcId: '${{vpc.id}}' }} }}
listener: {{ type: aws:lb:Listener, properties: {{ loadBalancerArn: '${{balancer.arn}}', port: 80, defaultActions: [{{ type: forward, targetGroupArn: '${{targets.arn}}' }}] }} }}
shop: {{ type: aws:lb:ListenerRule, properties: {{ listenerArn: '${{listener.arn}}', priority: 7, conditions: [{{ pathPattern: {{ values: ['/shop'] }} }}], actions: [{{ type: forward, targetGroupArn: '${{targets.arn}}' }}] }} }}"
    );
    let lost = |arn: &str| {
        [":security-group-rule/", ":listener-rule/", ":targetgroup/"]
            .iter()
            .any(|kind| arn.contains(kind))
    };
    lost_and_found(&world, &resources, &["rule", "shop", "targets"], &lost).await;
}

/// An object without a name of its own is known by its users, or by the place that it holds: nothing is made a second time,
/// and nothing of a running network is exchanged for it.
#[tokio::test]
async fn a_network_that_has_lost_tags_is_not_made_a_second_time() {
    let name = "e2e-lost-network";
    let world = World::new(name).await;
    let resources = "vpc: { type: aws:ec2:Vpc, properties: { cidrBlock: 10.0.0.0/16 } }
gateway: { type: aws:ec2:InternetGateway, properties: { vpcId: '${vpc.id}' } }
left: { type: aws:ec2:Subnet, properties: { vpcId: '${vpc.id}', cidrBlock: 10.0.0.0/24, availabilityZone: eu-south-2a } }
right: { type: aws:ec2:Subnet, properties: { vpcId: '${vpc.id}', cidrBlock: 10.0.1.0/24, availabilityZone: eu-south-2b } }
table: { type: aws:ec2:RouteTable, properties: { vpcId: '${vpc.id}' } }
association: { type: aws:ec2:RouteTableAssociation, properties: { routeTableId: '${table.id}', subnetId: '${left.id}' } }
out: { type: aws:ec2:Route, properties: { routeTableId: '${table.id}', destinationCidrBlock: 0.0.0.0/0, gatewayId: '${gateway.id}' } }
address: { type: aws:ec2:Eip, options: { dependsOn: [gateway] } }
nat: { type: aws:ec2:NatGateway, properties: { subnetId: '${left.id}', allocationId: '${address.allocationId}' } }
group: { type: aws:ec2:SecurityGroup, properties: { name: shop, description: x, vpcId: '${vpc.id}' } }";
    let program = Program::of(&world);
    let ended = program.run(resources, "up", &["--yes"]);
    assert_eq!(ended.status, Some(0), "{}", ended.screen);
    let arns = world.sdk.tagged(&world.stack_tag()).await;
    let mut told = Vec::new();
    for stripped in [
        "vpc", "gateway", "left", "right", "table", "address", "nat", "group",
    ] {
        let id = world.id(resources, stripped).await;
        let arn = arns.iter().find(|arn| arn.ends_with(&format!("/{id}")));
        untag(&world.sdk, arn.expect("it is tagged")).await;
        for command in [&["preview"] as &[&str], &["up", "--yes"]] {
            let refused = program.run(resources, command[0], &command[1..]);
            assert_eq!(refused.status, Some(5), "{stripped}: {}", refused.screen);
            assert_eq!(refused.mutating, [] as [String; 0], "{}", refused.screen);
            let codes = refused.stderr.matches("error[fde::guard::").count();
            assert_eq!(codes, 1, "{stripped}: {}", refused.screen);
            told = commands(&refused);
        }
        assert_eq!(told.len(), 1, "{stripped}: {told:?}");
        assert!(told[0].iter().any(|word| word.contains(&id)), "{told:?}");
        run(&world.sdk, &told[0]).await;
        let mended = program.run(resources, "up", &["--yes"]);
        assert_eq!(mended.status, Some(0), "{stripped}: {}", mended.screen);
        let made = mended.mutating.iter().filter(|call| {
            let alters = ["CreateTags", "TagResources"]
                .iter()
                .any(|tag| call.ends_with(tag));
            !alters && !call.starts_with("ssm:")
        });
        let made: Vec<&String> = made.collect();
        assert_eq!(made, [] as [&String; 0], "{stripped}: {}", mended.screen);
        assert_eq!(world.sdk.tagged(&world.stack_tag()).await, arns);
    }

    // A second one can be requested, by name; and the one that stays behind is reported when the stack goes.
    let id = world.id(resources, "address").await;
    let arn = arns.iter().find(|arn| arn.ends_with(&format!("/{id}")));
    untag(&world.sdk, arn.expect("it is tagged")).await;
    let other = program.run(resources, "preview", &["--replace", "address"]);
    assert_eq!(other.status, Some(0), "{}", other.screen);
    let gone = program.run(resources, "destroy", &["--yes"]);
    assert_eq!(gone.status, Some(0), "{}", gone.screen);
    assert!(
        gone.stderr.contains("`address` stays: its tags are lost"),
        "{}",
        gone.screen
    );
    assert!(gone.stderr.contains(&id), "{}", gone.screen);
    let release = world.sdk.ec2.release_address().allocation_id(&id);
    release.send().await.expect("it was left");
}

/// A change whose tags could not be set is recorded by the next run, once, and as the change that it is.
#[tokio::test]
async fn a_change_that_could_not_be_recorded_is_recorded_by_the_next_run_that_changes_anything() {
    let world = World::new("e2e-lost-record").await;
    let resources = |name: &str| {
        format!("topic: {{ type: aws:sns:Topic, properties: {{ displayName: {name} }} }}")
    };
    let plain = Program::of(&world);
    let ended = plain.run(&resources("before"), "up", &["--yes"]);
    assert_eq!(ended.status, Some(0), "{}", ended.screen);
    let arn = world.id(&resources("before"), "topic").await;
    let before = world.sdk.tags_of(&arn).await["fde:applied"].clone();

    let proxy = Proxy::before(endpoint(), |call| {
        let refusal = Refusal {
            status: 403,
            code: "AuthorizationError",
            message: "not authorized to perform: SNS:TagResource",
        };
        (call.operation == "TagResource").then_some(Answer::Refusal(refusal))
    });
    let program = Program::of(&world).with("AWS_ENDPOINT_URL", &proxy.endpoint);
    let ended = program.run(&resources("after"), "up", &["--yes"]);
    assert_eq!(ended.status, Some(4), "{}", ended.screen);
    let told = "displayName is changed; its tags are as they were";
    assert!(ended.stderr.contains(told), "{}", ended.screen);
    assert_eq!(world.sdk.tags_of(&arn).await["fde:applied"], before);

    // Alone it is no change.
    let same = plain.run(&resources("after"), "up", &["--yes"]);
    assert_eq!(same.mutating, [] as [String; 0], "{}", same.screen);
    let more = format!("{}\nother: {{ type: aws:sns:Topic }}", resources("after"));
    let mended = plain.run(&more, "up", &["--yes"]);
    assert_eq!(mended.status, Some(0), "{}", mended.screen);
    assert!(!mended.screen.contains("drift"), "{}", mended.screen);
    let told = "records what is in force";
    assert!(mended.screen.contains(told), "{}", mended.screen);
    assert_ne!(world.sdk.tags_of(&arn).await["fde:applied"], before);
    let again = plain.run(&more, "up", &["--yes"]);
    assert_eq!(again.mutating, [] as [String; 0], "{}", again.screen);
    // Back again, it is an edit.
    let back = plain.run(&resources("before"), "preview", &["--diff"]);
    assert!(!back.screen.contains("drift"), "{}", back.screen);
    world.destroy(&more).await;
}

/// A record of another build is no reason to write: that build may have read the same file otherwise.
#[tokio::test]
async fn records_of_other_builds_are_left_as_they_are() {
    let world = World::new("e2e-lost-builds").await;
    let resources = "topic: { type: aws:sns:Topic, properties: { displayName: shop } }";
    let program = Program::of(&world);
    program.run(resources, "up", &["--yes"]);
    let arn = world.id(resources, "topic").await;
    for record in ["0123456789ab", "0123456789ab 0a0a0a 01234567"] {
        let tagging = world.sdk.tagging.tag_resources().resource_arn_list(&arn);
        tagging.tags("fde:applied", record).send().await.unwrap();
        let ended = program.run(resources, "up", &["--yes"]);
        assert_eq!(ended.status, Some(0), "{}", ended.screen);
        assert_eq!(ended.mutating, [] as [String; 0], "{}", ended.screen);
    }
    world.destroy(resources).await;
}

/// Takes all tags away from what a stack has made; the program refuses, and says for each what gives them back.
async fn lost_and_found(
    world: &World,
    resources: &str,
    names: &[&str],
    lost: &dyn Fn(&str) -> bool,
) {
    let program = Program::of(world);
    let ended = program.run(resources, "up", &["--yes"]);
    assert_eq!(ended.status, Some(0), "{}", ended.screen);
    let arns = world.sdk.tagged(&world.stack_tag()).await;
    for arn in arns.iter().filter(|arn| lost(arn)) {
        untag(&world.sdk, arn).await;
    }
    if names.contains(&"role") {
        let role = resources
            .lines()
            .find_map(|line| line.strip_prefix("role: { type: aws:iam:Role, properties: { name: "));
        let role = role.and_then(|rest| rest.split(',').next()).unwrap();
        let keys = [
            "fde:stack",
            "fde:urn",
            "fde:applied",
            "fde:tags",
            "fde:region",
            "fde:parts",
            "fde:run",
            "project",
        ];
        let untag = world.sdk.iam.untag_role().role_name(role);
        let untag = untag.set_tag_keys(Some(keys.map(str::to_owned).to_vec()));
        untag.send().await.expect("the role is there");
        let policy = format!("arn:aws:iam::123456789012:policy/{role}");
        let untag = world.sdk.iam.untag_policy().policy_arn(policy);
        let untag = untag.set_tag_keys(Some(keys.map(str::to_owned).to_vec()));
        untag.send().await.expect("the policy is there");
    }

    let refused = program.run(resources, "up", &["--yes"]);
    assert_eq!(refused.status, Some(5), "{}", refused.screen);
    assert_eq!(refused.mutating, [] as [String; 0], "{}", refused.screen);
    let told = refused.screen.matches("it has no tags at all").count();
    assert_eq!(told, names.len(), "{}", refused.screen);
    let commands = commands(&refused);
    assert_eq!(commands.len(), names.len(), "{}", refused.screen);
    for command in &commands {
        run(&world.sdk, command).await;
    }

    // It is the same objects, with all of their tags again.
    let found = program.run(resources, "up", &["--yes"]);
    assert_eq!(found.status, Some(0), "{}", found.screen);
    let made = |call: &&String| call.contains(":Create") || call.contains(":Put");
    let made: Vec<&String> = found.mutating.iter().filter(made).collect();
    let made: Vec<&&String> = made
        .iter()
        .filter(|call| !call.starts_with("ssm:") && call.as_str() != "ec2:CreateTags")
        .collect();
    assert!(made.is_empty(), "{made:?} {}", found.screen);
    assert!(!found.screen.contains("drift"), "{}", found.screen);
    assert_eq!(world.sdk.tagged(&world.stack_tag()).await, arns);
    let again = program.run(resources, "up", &["--yes"]);
    assert_eq!(again.mutating, [] as [String; 0], "{}", again.screen);
    world.destroy(resources).await;
}

async fn untag(sdk: &Sdk, arn: &str) {
    let keys: Vec<String> = sdk.tags_of(arn).await.keys().cloned().collect();
    let untagged = sdk
        .tagging
        .untag_resources()
        .resource_arn_list(arn)
        .set_tag_keys(Some(keys))
        .send()
        .await
        .expect("the tagging API answers");
    let failed = untagged.failed_resources_map();
    assert!(
        failed.is_none_or(|failed| failed.is_empty()),
        "{arn}: {untagged:?}"
    );
}

/// The tagging commands of a screen, as a shell takes them.
fn commands(ended: &Ended) -> Vec<Vec<String>> {
    let lines = ended.raw.lines().map(str::trim);
    let lines = lines.filter(|line| line.starts_with("aws ") && line.contains(" --tags "));
    lines.map(words).collect()
}

fn words(line: &str) -> Vec<String> {
    let mut words = vec![String::new()];
    let mut is_quoted = false;
    for character in line.chars() {
        match character {
            '\'' => is_quoted = !is_quoted,
            ' ' if !is_quoted => words.push(String::new()),
            other => words.last_mut().unwrap().push(other),
        }
    }
    words
}

/// Does what an AWS CLI command would do.
async fn run(sdk: &Sdk, command: &[String]) {
    let after = |flag: &str| {
        let at = command.iter().position(|word| word == flag).unwrap();
        command[at + 1].clone()
    };
    let tags: serde_json::Value = serde_json::from_str(&after("--tags")).unwrap();
    let pairs: Vec<(String, String)> = match &tags {
        serde_json::Value::Object(map) => map
            .iter()
            .map(|(key, value)| (key.clone(), value.as_str().unwrap().to_owned()))
            .collect(),
        list => list
            .as_array()
            .unwrap()
            .iter()
            .map(|tag| {
                let text = |name: &str| tag[name].as_str().unwrap().to_owned();
                (text("Key"), text("Value"))
            })
            .collect(),
    };
    let iam = || {
        let pairs = pairs.clone().into_iter();
        let tag = |(key, value): (String, String)| {
            let tag = aws_sdk_iam::types::Tag::builder().key(key).value(value);
            tag.build().unwrap()
        };
        Some(pairs.map(tag).collect())
    };
    let call: Vec<&str> = command[1..3].iter().map(String::as_str).collect();
    match call.as_slice() {
        ["iam", "tag-role"] => {
            let tagging = sdk.iam.tag_role().role_name(after("--role-name"));
            tagging.set_tags(iam()).send().await.unwrap();
        }
        ["iam", "tag-policy"] => {
            let tagging = sdk.iam.tag_policy().policy_arn(after("--policy-arn"));
            tagging.set_tags(iam()).send().await.unwrap();
        }
        ["cloudwatch", "tag-resource"] => {
            let tag = |(key, value): (String, String)| {
                let tag = aws_sdk_cloudwatch::types::Tag::builder();
                tag.key(key).value(value).build()
            };
            let tags = pairs.clone().into_iter().map(tag).collect();
            let tagging = sdk.cloudwatch.tag_resource();
            let tagging = tagging.resource_arn(after("--resource-arn"));
            tagging.set_tags(Some(tags)).send().await.unwrap();
        }
        ["ec2", "create-tags"] => {
            let tag = |(key, value): (String, String)| {
                let tag = aws_sdk_ec2::types::Tag::builder();
                tag.key(key).value(value).build()
            };
            let tagging = sdk.ec2.create_tags().resources(after("--resources"));
            let tags = pairs.clone().into_iter().map(tag).collect();
            tagging.set_tags(Some(tags)).send().await.unwrap();
        }
        ["resourcegroupstaggingapi", "tag-resources"] => {
            let tagging = sdk.tagging.tag_resources();
            let tagging = tagging.resource_arn_list(after("--resource-arn-list"));
            let tags = pairs.into_iter().collect();
            let answer = tagging.set_tags(Some(tags)).send().await.unwrap();
            let failed = answer.failed_resources_map();
            assert!(failed.is_none_or(|failed| failed.is_empty()), "{answer:?}");
        }
        other => panic!("{other:?} is not a command of the AWS CLI that this knows"),
    }
}
