//! Objects that others have made with our tags on them: copied from an object of ours, or invented. The right to tag is
//! enough for that. They are shown, never touched, and refuse the run.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicUsize, Ordering};

use aws_sdk_iam::types::Tag as IamTag;

use crate::common::commands::{DONE, REFUSED, json};
use crate::common::program::{Ended, Program};
use crate::common::proxy::{Answer, Proxy, Refusal};
use crate::common::sdk::Tags;
use crate::common::showing::Showing;
use crate::common::{World, endpoint};

const TRUST: &str = "{ Version: '2012-10-17', Statement: [{ Effect: Allow, Principal: { Service: ecs-tasks.amazonaws.com }, Action: 'sts:AssumeRole' }] }";

/// One of each way to make something: by tags alone, by a token, by a name; with data and without.
fn shop(name: &str) -> String {
    format!(
        "vpc: {{ type: aws:ec2:Vpc, properties: {{ cidrBlock: 10.84.0.0/16 }} }}
gateway: {{ type: aws:ec2:InternetGateway, properties: {{ vpcId: '${{vpc.id}}' }} }}
subnet: {{ type: aws:ec2:Subnet, properties: {{ vpcId: '${{vpc.id}}', cidrBlock: 10.84.0.0/24 }} }}
table: {{ type: aws:ec2:RouteTable, properties: {{ vpcId: '${{vpc.id}}' }} }}
address: {{ type: aws:ec2:Eip, options: {{ dependsOn: [gateway] }} }}
group: {{ type: aws:ec2:SecurityGroup, properties: {{ description: of the shop, vpcId: '${{vpc.id}}' }} }}
role: {{ type: aws:iam:Role, properties: {{ name: {name}, assumeRolePolicy: {TRUST} }} }}
topic: {{ type: aws:sns:Topic, properties: {{ name: {name} }} }}
alarm: {{ type: aws:cloudwatch:MetricAlarm, properties: {{ name: {name}, namespace: AWS/ECS, metricName: CPUUtilization, comparisonOperator: GreaterThanThreshold, evaluationPeriods: 1, period: 60, statistic: Average, threshold: 80 }} }}
log: {{ type: aws:cloudwatch:LogGroup, properties: {{ name: /{name} }} }}
secret: {{ type: aws:secretsmanager:Secret, properties: {{ name: {name}, generateSecretString: {{ secretStringTemplate: {{ username: app }}, generateStringKey: password, excludePunctuation: true }} }} }}
store: {{ type: aws:rds:Instance, properties: {{ identifier: {name}, engine: postgres, engineVersion: '15', instanceClass: db.t3.micro, allocatedStorage: 20, username: app, masterPasswordSecretArn: '${{secret.arn}}' }} }}"
    )
}

/// The objects of others: by the name that the file has for its like, the ARN, and the id by which messages call it.
type Strangers = BTreeMap<&'static str, (String, String)>;

/// Something of others of each type, with the same inputs where AWS lets that be.
async fn strangers(world: &World, name: &str) -> Strangers {
    let sdk = &world.sdk;
    let other = format!("{name}-of-others");
    let ec2 = |kind: &str, id: &str| format!("arn:aws:ec2:eu-south-2:123456789012:{kind}/{id}");
    let mut found = Strangers::new();
    let vpc = sdk.ec2.create_vpc().cidr_block("10.84.0.0/16").send().await;
    let vpc = vpc.unwrap().vpc.unwrap().vpc_id.unwrap();
    found.insert("vpc", (ec2("vpc", &vpc), vpc.clone()));
    let gateway = sdk.ec2.create_internet_gateway().send().await.unwrap();
    let gateway = gateway
        .internet_gateway
        .unwrap()
        .internet_gateway_id
        .unwrap();
    found.insert("gateway", (ec2("internet-gateway", &gateway), gateway));
    let subnet = sdk
        .ec2
        .create_subnet()
        .vpc_id(&vpc)
        .cidr_block("10.84.0.0/24");
    let subnet = subnet
        .send()
        .await
        .unwrap()
        .subnet
        .unwrap()
        .subnet_id
        .unwrap();
    found.insert("subnet", (ec2("subnet", &subnet), subnet));
    let table = sdk.ec2.create_route_table().vpc_id(&vpc).send().await;
    let table = table.unwrap().route_table.unwrap().route_table_id.unwrap();
    found.insert("table", (ec2("route-table", &table), table));
    let address = sdk.ec2.allocate_address().send().await.unwrap();
    let address = address.allocation_id.unwrap();
    found.insert("address", (ec2("elastic-ip", &address), address));
    let group = sdk.ec2.create_security_group().group_name(&other);
    let group = group.description("of the shop").vpc_id(&vpc).send().await;
    let group = group.unwrap().group_id.unwrap();
    found.insert("group", (ec2("security-group", &group), group));
    let trust = r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"Service":"ecs-tasks.amazonaws.com"},"Action":"sts:AssumeRole"}]}"#;
    let role = sdk.iam.create_role().role_name(&other);
    let role = role
        .assume_role_policy_document(trust)
        .send()
        .await
        .unwrap();
    found.insert("role", (role.role.unwrap().arn, other.clone()));
    let topic = sdk.sns.create_topic().name(&other).send().await.unwrap();
    let topic = topic.topic_arn.unwrap();
    found.insert("topic", (topic.clone(), topic));
    let alarm = sdk.cloudwatch.put_metric_alarm().alarm_name(&other);
    let alarm = alarm.namespace("AWS/ECS").metric_name("CPUUtilization");
    let alarm = alarm.comparison_operator("GreaterThanThreshold".into());
    let alarm = alarm.evaluation_periods(1).period(60).threshold(80.0);
    alarm.statistic("Average".into()).send().await.unwrap();
    let arn = format!("arn:aws:cloudwatch:eu-south-2:123456789012:alarm:{other}");
    found.insert("alarm", (arn, other.clone()));
    let log = format!("/{other}");
    sdk.logs
        .create_log_group()
        .log_group_name(&log)
        .send()
        .await
        .unwrap();
    let arn = format!("arn:aws:logs:eu-south-2:123456789012:log-group:{log}");
    found.insert("log", (arn, log));
    let secret = sdk.secrets.create_secret().name(&other).secret_string("x");
    let secret = secret.send().await.unwrap().arn.unwrap();
    found.insert("secret", (secret.clone(), secret));
    let store = sdk.rds.create_db_instance().db_instance_identifier(&other);
    let store = store.engine("postgres").db_instance_class("db.t3.micro");
    let store = store
        .allocated_storage(20)
        .master_username("app")
        .master_user_password("not-a-secret-1");
    let store = store.send().await.unwrap().db_instance.unwrap();
    found.insert("store", (store.db_instance_arn.unwrap(), other));
    found
}

async fn tags_of(world: &World, arn: &str) -> Tags {
    if let Some((_, role)) = arn.split_once(":role/") {
        let answer = world.sdk.iam.list_role_tags().role_name(role).send().await;
        let tags = answer.unwrap().tags;
        return tags.into_iter().map(|tag| (tag.key, tag.value)).collect();
    }
    let answer = world.sdk.tagging.get_resources().resource_arn_list(arn);
    let answer = answer.send().await.unwrap();
    let found = answer
        .resource_tag_mapping_list()
        .iter()
        .flat_map(|found| found.tags());
    found
        .map(|tag| (tag.key().to_owned(), tag.value().to_owned()))
        .collect()
}

async fn tag(world: &World, arn: &str, tags: &Tags) {
    if let Some((_, role)) = arn.split_once(":role/") {
        let tag = |(key, value): (&String, &String)| {
            IamTag::builder().key(key).value(value).build().unwrap()
        };
        let tagging = world.sdk.iam.tag_role().role_name(role);
        tagging
            .set_tags(Some(tags.iter().map(tag).collect()))
            .send()
            .await
            .unwrap();
        return;
    }
    let tagging = world.sdk.tagging.tag_resources().resource_arn_list(arn);
    let answer = tagging
        .set_tags(Some(tags.clone().into_iter().collect()))
        .send()
        .await
        .unwrap();
    assert!(
        answer
            .failed_resources_map()
            .is_none_or(|failed| failed.is_empty()),
        "{answer:?}"
    );
}

async fn untag(world: &World, arn: &str) {
    let keys = Some(vec!["fde:stack".to_owned(), "fde:urn".to_owned()]);
    if let Some((_, role)) = arn.split_once(":role/") {
        let untag = world.sdk.iam.untag_role().role_name(role);
        untag.set_tag_keys(keys).send().await.unwrap();
        return;
    }
    let untag = world.sdk.tagging.untag_resources().resource_arn_list(arn);
    untag.set_tag_keys(keys).send().await.unwrap();
}

/// The ARN of the stack's object of each name.
async fn ours(world: &World, role: &str, strangers: &Strangers) -> BTreeMap<String, String> {
    let mut found = BTreeMap::new();
    let mut arns = world.sdk.tagged(&world.stack_tag()).await;
    arns.push(format!("arn:aws:iam::123456789012:role/{role}"));
    arns.retain(|arn| !strangers.values().any(|(other, _)| other == arn));
    for arn in arns {
        let tags = tags_of(world, &arn).await;
        let name = tags["fde:urn"].rsplit("::").next().unwrap().to_owned();
        found.insert(name, arn);
    }
    found
}

/// Runs the commands in the message that take copied tags away.
async fn take_away(world: &World, ended: &Ended) -> usize {
    let lines = ended.raw.lines().map(str::trim);
    let mut count = 0;
    for line in lines.filter(|line| line.starts_with("aws ")) {
        let words: Vec<&str> = line
            .split(' ')
            .map(|word| word.trim_matches('\''))
            .collect();
        let sdk = &world.sdk;
        let keys = ["fde:stack".to_owned(), "fde:urn".to_owned()];
        assert!(
            line.contains("fde:stack") && line.contains("fde:urn"),
            "{line}"
        );
        match words[1..4] {
            ["iam", "untag-role", "--role-name"] => {
                let untag = sdk.iam.untag_role().role_name(words[4]);
                untag.set_tag_keys(Some(keys.into())).send().await.unwrap();
            }
            ["cloudwatch", "untag-resource", "--resource-arn"] => {
                let untag = sdk.cloudwatch.untag_resource().resource_arn(words[4]);
                untag.set_tag_keys(Some(keys.into())).send().await.unwrap();
            }
            [
                "resourcegroupstaggingapi",
                "untag-resources",
                "--resource-arn-list",
            ] => {
                let untag = sdk.tagging.untag_resources().resource_arn_list(words[4]);
                untag.set_tag_keys(Some(keys.into())).send().await.unwrap();
            }
            _ => panic!("{line}"),
        }
        count += 1;
    }
    count
}

/// Refused, with each of these objects named, and nothing changed.
fn assert_refused(ended: &Ended, strangers: &Strangers) {
    assert_eq!(ended.status, REFUSED, "{}", ended.screen);
    assert_eq!(ended.mutating, [] as [String; 0], "{}", ended.screen);
    for (name, (_, id)) in strangers {
        assert!(ended.raw.contains(id), "{name} `{id}`: {}", ended.screen);
    }
}

async fn remove(world: &World, strangers: &Strangers) {
    let sdk = &world.sdk;
    let id = |name: &str| strangers[name].1.as_str();
    sdk.ec2
        .release_address()
        .allocation_id(id("address"))
        .send()
        .await
        .unwrap();
    sdk.ec2
        .delete_security_group()
        .group_id(id("group"))
        .send()
        .await
        .unwrap();
    sdk.ec2
        .delete_route_table()
        .route_table_id(id("table"))
        .send()
        .await
        .unwrap();
    sdk.ec2
        .delete_subnet()
        .subnet_id(id("subnet"))
        .send()
        .await
        .unwrap();
    sdk.ec2
        .delete_internet_gateway()
        .internet_gateway_id(id("gateway"))
        .send()
        .await
        .unwrap();
    sdk.ec2.delete_vpc().vpc_id(id("vpc")).send().await.unwrap();
    sdk.iam
        .delete_role()
        .role_name(id("role"))
        .send()
        .await
        .unwrap();
    sdk.sns
        .delete_topic()
        .topic_arn(id("topic"))
        .send()
        .await
        .unwrap();
    sdk.cloudwatch
        .delete_alarms()
        .alarm_names(id("alarm"))
        .send()
        .await
        .unwrap();
    sdk.logs
        .delete_log_group()
        .log_group_name(id("log"))
        .send()
        .await
        .unwrap();
    let secret = sdk.secrets.delete_secret().secret_id(id("secret"));
    secret
        .force_delete_without_recovery(true)
        .send()
        .await
        .unwrap();
    let store = sdk
        .rds
        .delete_db_instance()
        .db_instance_identifier(id("store"));
    store.skip_final_snapshot(true).send().await.unwrap();
}

#[tokio::test]
async fn what_bears_copies_of_our_tags_is_shown_and_never_touched() {
    let _shown = Showing::of("R19", "our tags, copied to what others have made", 12);
    let name = "e2e-copied-tags";
    let world = World::new(name).await;
    let program = Program::of(&world);
    let resources = shop(name);
    let up = program.run(&resources, "up", &["--yes"]);
    assert_eq!(up.status, DONE, "{}", up.screen);
    let mut file = world.file(&resources);
    file.push_str("outputs:\n");
    for name in ["vpc", "gateway", "subnet", "table", "group", "topic"] {
        file.push_str(&format!("  {name}: '${{{name}.id}}'\n"));
    }
    let outputs = json(&program.run_file(&file, "output", &["--json"]));
    let strangers = strangers(&world, name).await;
    for (key, arn) in ours(&world, name, &strangers).await {
        tag(
            &world,
            &strangers[key.as_str()].0,
            &tags_of(&world, &arn).await,
        )
        .await;
    }

    let given = program.run_file(&file, "output", &["--json"]);
    assert_eq!(json(&given), outputs, "{}", given.screen);
    let all = ["--allow-delete", "*"];
    assert_refused(&program.run(&resources, "preview", &[]), &strangers);
    let document = json(&program.run(&resources, "preview", &["--json"]));
    let refusals = document["refusals"].as_array().unwrap();
    let alone = refusals
        .iter()
        .filter(|refusal| refusal["because"] == "tagsAlone");
    assert_eq!(alone.count(), strangers.len(), "{document:#}");
    assert_refused(
        &program.run(&resources, "preview", &["--markdown"]),
        &strangers,
    );
    let up = program.run(&resources, "up", &[&["--yes"][..], &all].concat());
    assert_refused(&up, &strangers);
    let destroy = program.run(&resources, "destroy", &[&["--yes"][..], &all].concat());
    assert_refused(&destroy, &strangers);

    // Once done as the message says, all is well, and the objects of others outlive the stack.
    assert_eq!(
        take_away(&world, &up).await,
        strangers.len(),
        "{}",
        up.screen
    );
    let again = program.run(&resources, "up", &["--yes"]);
    assert_eq!(
        (again.status, again.mutating.len()),
        (DONE, 0),
        "{}",
        again.screen
    );
    let gone = program.run(&resources, "destroy", &[&["--yes"][..], &all].concat());
    assert_eq!(gone.status, DONE, "{}", gone.screen);
    remove(&world, &strangers).await;
}

#[tokio::test]
async fn what_bears_invented_tags_is_not_left_over() {
    let _shown = Showing::of("R19", "our tags, invented for what others have made", 12);
    let name = "e2e-invented-tags";
    let world = World::new(name).await;
    // An account outlives its tests, and this one is about a stack that has no record.
    for what in ["deployments", "run"] {
        let parameter = format!("/fde-infra/{}/{what}", world.stack_tag());
        drop(
            world
                .sdk
                .ssm
                .delete_parameter()
                .name(parameter)
                .send()
                .await,
        );
    }
    let program = Program::of(&world);
    let strangers = strangers(&world, name).await;
    // The copied tags name a resource that the file has never had, before the first run of all.
    for (key, (arn, _)) in &strangers {
        let like = shop(name);
        let like = like
            .lines()
            .find_map(|line| line.strip_prefix(&format!("{key}: {{ type: ")));
        let token = like.unwrap().split([',', ' ']).next().unwrap();
        let urn = format!("urn:fde:{}::{token}::old", world.stack_tag());
        let pairs = [
            ("fde:stack", world.stack_tag()),
            ("fde:urn", urn),
            ("fde:applied", "0123456789ab".to_owned()),
            ("fde:region", "eu-south-2".to_owned()),
        ];
        tag(
            &world,
            arn,
            &pairs.map(|(key, value)| (key.to_owned(), value)).into(),
        )
        .await;
    }
    let topic = "topic: { type: aws:sns:Topic, properties: { displayName: Shop } }";
    let first = program.run(topic, "up", &["--yes", "--allow-delete", "*"]);
    assert_refused(&first, &strangers);
    assert!(first.raw.contains("--trust '*'"), "{}", first.screen);
    for (arn, _) in strangers.values() {
        untag(&world, arn).await;
    }
    let up = program.run(topic, "up", &["--yes"]);
    assert_eq!(up.status, DONE, "{}", up.screen);

    // The user's word is enough, and for one object alone.
    let (arn, id) = &strangers["address"];
    let urn = format!("urn:fde:{}::aws:ec2:Eip::old", world.stack_tag());
    let pairs = [("fde:stack", world.stack_tag()), ("fde:urn", urn)];
    tag(
        &world,
        arn,
        &pairs.map(|(key, value)| (key.to_owned(), value)).into(),
    )
    .await;
    let alone: Strangers = [("address", (arn.clone(), id.clone()))].into();
    assert_refused(
        &program.run(topic, "up", &["--yes", "--trust", "eipalloc-0"]),
        &alone,
    );
    let trusted = program.run(topic, "up", &["--yes", "--trust", id]);
    assert_eq!(trusted.status, DONE, "{}", trusted.screen);
    assert!(
        trusted.mutating.contains(&"ec2:ReleaseAddress".to_owned()),
        "{}",
        trusted.screen
    );
    world.sdk.ec2.allocate_address().send().await.unwrap();
    let gone = program.run(topic, "destroy", &["--yes"]);
    assert_eq!(gone.status, DONE, "{}", gone.screen);
    let address = world.sdk.ec2.allocate_address().send().await.unwrap();
    let mut strangers = strangers;
    strangers.insert("address", (String::new(), address.allocation_id.unwrap()));
    remove(&world, &strangers).await;
}

#[tokio::test]
async fn parts_of_others_do_not_become_ours_by_a_tag() {
    let _shown = Showing::of("R19", "parts of others, recorded as ours by a tag", 1);
    let name = "e2e-claimed-parts";
    let world = World::new(name).await;
    let program = Program::of(&world);
    let role = format!(
        "role: {{ type: aws:iam:Role, properties: {{ name: {name}, assumeRolePolicy: {TRUST} }} }}
own: {{ type: aws:iam:RolePolicy, properties: {{ role: '${{role.name}}', name: own, policy: {{ Version: '2012-10-17', Statement: [{{ Effect: Allow, Action: 's3:ListAllMyBuckets', Resource: '*' }}] }} }} }}"
    );
    let up = program.run(&role, "up", &["--yes"]);
    assert_eq!(up.status, DONE, "{}", up.screen);
    let policy =
        r#"{"Version":"2012-10-17","Statement":[{"Effect":"Deny","Action":"*","Resource":"*"}]}"#;
    let put = world
        .sdk
        .iam
        .put_role_policy()
        .role_name(name)
        .policy_name("theirs");
    put.policy_document(policy).send().await.unwrap();
    // The tag has the marks that a run would write if it had made both.
    let catalog = fde_infra::resource::Provider::catalog(&world.provider);
    let schema = catalog.get("aws:iam:RolePolicy").unwrap();
    let marks: Vec<String> = ["own", "theirs"]
        .map(|part| {
            let inputs = fde_infra::resource::value::properties([
                ("role", name.into()),
                ("name", part.into()),
            ]);
            fde_infra::resource::tags::mark_of_part(schema, &inputs).unwrap()
        })
        .into();
    let arn = format!("arn:aws:iam::123456789012:role/{name}");
    tag(
        &world,
        &arn,
        &Tags::from([("fde:parts".to_owned(), marks.concat())]),
    )
    .await;

    let again = program.run(&role, "up", &["--yes", "--allow-delete", "*"]);
    assert_eq!(again.status, DONE, "{}", again.screen);
    assert!(again.raw.contains("theirs"), "{}", again.screen);
    let left = world
        .sdk
        .iam
        .list_role_policies()
        .role_name(name)
        .send()
        .await
        .unwrap();
    assert_eq!(left.policy_names(), ["own", "theirs"]);
    let gone = program.run(&role, "destroy", &["--yes"]);
    assert_eq!(gone.status, DONE, "{}", gone.screen);
}

#[tokio::test]
async fn a_record_that_is_lost_costs_one_flag() {
    let name = "e2e-lost-record";
    let world = World::new(name).await;
    let program = Program::of(&world);
    let topic = "topic: { type: aws:sns:Topic, properties: { displayName: Shop } }
log: { type: aws:cloudwatch:LogGroup, properties: {} }";
    let up = program.run(topic, "up", &["--yes"]);
    assert_eq!(up.status, DONE, "{}", up.screen);
    for what in ["deployments", "run"] {
        let parameter = format!("/fde-infra/{}/{what}", world.stack_tag());
        let delete = world.sdk.ssm.delete_parameter().name(parameter);
        delete.send().await.unwrap();
    }
    // Nothing is to be done, and nothing is asked.
    let same = program.run(topic, "up", &["--yes"]);
    assert_eq!(
        (same.status, same.mutating.len()),
        (DONE, 0),
        "{}",
        same.screen
    );
    let edited = topic.replace("Shop", "Store");
    let refused = program.run(&edited, "up", &["--yes"]);
    assert_eq!(refused.status, REFUSED, "{}", refused.screen);
    assert_eq!(refused.mutating, [] as [String; 0], "{}", refused.screen);
    let trusted = program.run(&edited, "up", &["--yes", "--trust", "*"]);
    assert_eq!(trusted.status, DONE, "{}", trusted.screen);
    // From there on it is on record.
    let gone = program.run(&edited, "destroy", &["--yes", "--allow-delete", "*"]);
    assert_eq!(gone.status, DONE, "{}", gone.screen);
}

/// A killed run has put nothing on record, and yet the next one knows what it has made.
#[tokio::test]
async fn what_a_killed_run_has_made_is_ours() {
    let name = "e2e-killed-and-ours";
    let world = World::new(name).await;
    let program = Program::of(&world);
    let addresses = "first: { type: aws:ec2:Eip }
second: { type: aws:ec2:Eip, options: { dependsOn: [first] } }";
    program.write("stacks/dev.yaml", &world.file(addresses));
    let count = AtomicUsize::new(0);
    let proxy = Proxy::before(endpoint(), move |call| {
        // The first address is made, and the second one hangs.
        let is_second =
            call.operation == "AllocateAddress" && count.fetch_add(1, Ordering::Relaxed) > 0;
        is_second.then_some(Answer::Hang { acts: false })
    });
    let killed = Program::of(&world).with("AWS_ENDPOINT_URL", &proxy.endpoint);
    killed.write("stacks/dev.yaml", &world.file(addresses));
    let mut child = killed.start(&["up", "dev", "--yes"]);
    while proxy.calls("AllocateAddress") < 2 {
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
    child.kill().unwrap();
    child.wait().unwrap();
    let unlocked = program.run_words(&["unlock", "dev", "--yes"]);
    assert_eq!(unlocked.status, DONE, "{}", unlocked.screen);
    // Without the first one in the file it is a leftover of ours, and goes.
    let topic = "topic: { type: aws:sns:Topic, properties: { displayName: Shop } }";
    let next = program.run(topic, "up", &["--yes"]);
    assert_eq!(next.status, DONE, "{}", next.screen);
    let released = next
        .mutating
        .iter()
        .filter(|call| *call == "ec2:ReleaseAddress");
    assert_eq!(released.count(), 1, "{}", next.screen);
    let gone = program.run(topic, "destroy", &["--yes"]);
    assert_eq!(gone.status, DONE, "{}", gone.screen);
}

/// The tags of what a killed run has made are moved to something of others: a name cannot be.
#[tokio::test]
async fn tags_that_are_moved_after_a_kill_do_not_take_what_has_another_name() {
    let name = "e2e-moved-tags";
    let world = World::new(name).await;
    let program = Program::of(&world);
    let resources = format!(
        "role: {{ type: aws:iam:Role, properties: {{ name: {name}, assumeRolePolicy: {TRUST} }} }}
address: {{ type: aws:ec2:Eip, options: {{ dependsOn: [role] }} }}"
    );
    let other = format!("{name}-of-others");
    let trust = r#"{"Version":"2012-10-17","Statement":[]}"#;
    let made = world.sdk.iam.create_role().role_name(&other);
    made.assume_role_policy_document(trust)
        .send()
        .await
        .unwrap();
    program.write("stacks/dev.yaml", &world.file(&resources));
    let proxy = Proxy::before(endpoint(), |call| {
        (call.operation == "AllocateAddress").then_some(Answer::Hang { acts: false })
    });
    let killed = Program::of(&world).with("AWS_ENDPOINT_URL", &proxy.endpoint);
    let mut child = killed.start(&["up", "dev", "--yes"]);
    while proxy.calls("AllocateAddress") < 1 {
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
    child.kill().unwrap();
    child.wait().unwrap();
    let own = format!("arn:aws:iam::123456789012:role/{name}");
    let theirs = format!("arn:aws:iam::123456789012:role/{other}");
    let tags = tags_of(&world, &own).await;
    tag(&world, &theirs, &tags).await;
    untag(&world, &own).await;

    for command in ["up", "destroy"] {
        let ended = program.run(&resources, command, &["--yes", "--allow-delete", "*"]);
        assert_eq!(ended.status, REFUSED, "{}", ended.screen);
        assert_eq!(ended.mutating, [] as [String; 0], "{}", ended.screen);
        assert!(ended.raw.contains(&other), "{}", ended.screen);
    }
    untag(&world, &theirs).await;
    tag(&world, &own, &tags).await;
    let up = program.run(&resources, "up", &["--yes"]);
    assert_eq!(up.status, DONE, "{}", up.screen);
    let gone = program.run(&resources, "destroy", &["--yes"]);
    assert_eq!(gone.status, DONE, "{}", gone.screen);
    let left = world.sdk.iam.delete_role().role_name(&other).send().await;
    left.expect("it is still there");
}

#[tokio::test]
async fn nothing_goes_by_tags_alone_where_the_record_cannot_be_read() {
    let name = "e2e-unread-record";
    let world = World::new(name).await;
    let plain = Program::of(&world);
    let topic = "topic: { type: aws:sns:Topic, properties: { displayName: Shop } }";
    let up = plain.run(topic, "up", &["--yes"]);
    assert_eq!(up.status, DONE, "{}", up.screen);
    let made = world.sdk.sns.create_topic().name("e2e-unread-of-others");
    let theirs = made.send().await.unwrap().topic_arn.unwrap();
    let urn = format!("urn:fde:{}::aws:sns:Topic::old", world.stack_tag());
    let pairs = [("fde:stack", world.stack_tag()), ("fde:urn", urn)];
    let pairs = pairs.map(|(key, value)| (key.to_owned(), value));
    tag(&world, &theirs, &pairs.into()).await;
    for status in [400, 500] {
        let refusal = Refusal {
            status,
            code: "AccessDeniedException",
            message: "User: arn:aws:iam::123456789012:user/ci is not authorized to perform: ssm:GetParameters",
        };
        let proxy = Proxy::before(endpoint(), move |call| {
            (call.operation == "GetParameters").then(|| refusal.into())
        });
        let program = Program::of(&world).with("AWS_ENDPOINT_URL", &proxy.endpoint);
        for command in ["up", "destroy"] {
            let ended = program.run(topic, command, &["--yes", "--allow-delete", "*"]);
            assert_eq!(ended.status, REFUSED, "{}", ended.screen);
            assert_eq!(ended.mutating, [] as [String; 0], "{}", ended.screen);
            assert!(
                ended.stderr.contains("could not be read"),
                "{}",
                ended.screen
            );
        }
    }
    // It has taken nothing from the objects that are on record.
    untag(&world, &theirs).await;
    let plain = Program::of(&world);
    let gone = plain.run(topic, "destroy", &["--yes"]);
    assert_eq!(gone.status, DONE, "{}", gone.screen);
    let left = world.sdk.sns.delete_topic().topic_arn(theirs).send().await;
    left.expect("it is still there");
}

/// The tag of the role goes on naming the policy that is gone.
#[tokio::test]
async fn what_others_put_where_a_part_of_ours_was_is_theirs() {
    let name = "e2e-part-again";
    let world = World::new(name).await;
    let program = Program::of(&world);
    let role = format!(
        "role: {{ type: aws:iam:Role, properties: {{ name: {name}, assumeRolePolicy: {TRUST} }} }}"
    );
    let both = format!(
        "{role}
own: {{ type: aws:iam:RolePolicy, properties: {{ role: '${{role.name}}', name: extra, policy: {{ Version: '2012-10-17', Statement: [{{ Effect: Allow, Action: 's3:ListAllMyBuckets', Resource: '*' }}] }} }} }}"
    );
    for file in [&both, &role] {
        let up = program.run(file, "up", &["--yes"]);
        assert_eq!(up.status, DONE, "{}", up.screen);
    }
    let policy =
        r#"{"Version":"2012-10-17","Statement":[{"Effect":"Deny","Action":"*","Resource":"*"}]}"#;
    let put = world.sdk.iam.put_role_policy().role_name(name);
    let put = put.policy_name("extra").policy_document(policy);
    put.send().await.unwrap();
    let again = program.run(&role, "up", &["--yes"]);
    assert_eq!(again.status, DONE, "{}", again.screen);
    assert!(again.raw.contains("Added by others"), "{}", again.screen);
    let left = world.sdk.iam.list_role_policies().role_name(name).send();
    assert_eq!(left.await.unwrap().policy_names(), ["extra"]);
    let gone = program.run(&role, "destroy", &["--yes"]);
    assert_eq!(gone.status, DONE, "{}", gone.screen);
}

/// The record knows an object by its id, whatever its tags say by now.
#[tokio::test]
async fn an_object_whose_tags_were_changed_is_named_with_its_own() {
    let world = World::new("e2e-changed-tags").await;
    let program = Program::of(&world);
    let topic = "topic: { type: aws:sns:Topic, properties: { displayName: Shop } }";
    let up = program.run(topic, "up", &["--yes"]);
    assert_eq!(up.status, DONE, "{}", up.screen);
    let arn = world.sdk.tagged(&world.stack_tag()).await.remove(0);
    let before = tags_of(&world, &arn).await;
    let urn = format!("urn:fde:{}::aws:sns:Topic::old", world.stack_tag());
    tag(&world, &arn, &Tags::from([("fde:urn".to_owned(), urn)])).await;
    for command in ["up", "destroy"] {
        let ended = program.run(topic, command, &["--yes", "--allow-delete", "*"]);
        assert_eq!(ended.status, REFUSED, "{}", ended.screen);
        assert_eq!(ended.mutating, [] as [String; 0], "{}", ended.screen);
        let said = "the tags of `topic` were changed: they say that it is `old`";
        assert!(ended.stderr.contains(said), "{}", ended.screen);
        let own = format!("\"fde:urn\":\"{}\"", before["fde:urn"]);
        assert!(ended.raw.contains(&own), "{}", ended.screen);
    }
    tag(&world, &arn, &before).await;
    let gone = program.run(topic, "destroy", &["--yes"]);
    assert_eq!(gone.status, DONE, "{}", gone.screen);
}
