//! Plans in readable form: a stack file on an account in memory that holds what another file made, and what would happen.
//!
//! `UPDATE_EXPECT=1 cargo test --test plans` rewrites them; read the difference.

#![allow(
    clippy::expect_used,
    clippy::panic,
    reason = "a test that cannot go on fails where it stands, and says what it saw"
)]

use std::collections::BTreeSet;
use std::fmt::Write as _;

use expect_test::{Expect, expect};

use fde_infra::aws::registry::catalog;
use fde_infra::component::{SECTIONS, stack_graph};
use fde_infra::execute::{self, Cancel, Outcome};
use fde_infra::graph::ResourceGraph;
use fde_infra::plan::{self, Action, Goal, Plan, Request, StepId};
use fde_infra::resource::value::properties;
use fde_infra::resource::{Condition, Observed, Properties, Tags, Value};
use fde_infra::testing::FakeAccount;
use fde_infra::{live, stack};

const NETWORK: &str = "
vpc: { type: aws:ec2:Vpc, properties: { cidrBlock: 10.0.0.0/16 } }
subnet: { type: aws:ec2:Subnet, properties: { vpcId: '${vpc.id}', cidrBlock: 10.0.0.0/24 } }
group: { type: aws:ec2:SecurityGroup, properties: { vpcId: '${vpc.id}', description: web } }
";

const DATA: &str = "
bucket: { type: aws:s3:Bucket, properties: { bucket: shop-reports } }
policy: { type: aws:s3:BucketPolicy, properties: { bucket: '${bucket.id}', policy: '{}' } }
";

fn graph(resources: &str) -> ResourceGraph {
    let mut text = "name: shop\nenvironment: dev\nregion: eu-south-2\n".to_owned();
    // A file with sections begins with one.
    let sections = resources.trim_start().starts_with("network:");
    if !sections {
        text.push_str("resources:\n");
    }
    for line in resources.trim().lines() {
        let _ = writeln!(text, "{}{line}", if sections { "" } else { "  " });
    }
    let read = |_: &str| Ok(text.clone());
    let stack = stack::load("dev.yaml", &read, &[], &SECTIONS)
        .unwrap_or_else(|errors| panic!("{errors:#?}"));
    let graph = stack_graph(&stack, &catalog());
    graph.unwrap_or_else(|errors| panic!("{errors:#?}")).0
}

/// An account in which a file has been applied.
struct World {
    account: FakeAccount,
}

impl World {
    async fn with(resources: &str) -> Self {
        let world = Self {
            account: FakeAccount::new(catalog()),
        };
        let plan = world.plan(resources, &Request::default()).await;
        let (events, _listener) = tokio::sync::mpsc::unbounded_channel();
        let outcome = execute::run(&plan, &world.account, 1, &Cancel::default(), &events).await;
        assert!(matches!(outcome, Outcome::Done(_)), "{outcome:#?}");
        world
    }

    async fn plan(&self, resources: &str, request: &Request) -> Plan {
        let graph = graph(resources);
        let live = live::read(&self.account, &graph).await.expect("reads");
        let plan = plan::build(&graph, &live, &catalog(), request);
        assert_eq!(plan::verify::verify(&plan, &graph, &catalog()), Ok(()));
        plan
    }

    async fn check(&self, resources: &str, request: &Request, expected: Expect) {
        expected.assert_eq(&text(&self.plan(resources, request).await));
    }

    /// The one object of a resource.
    fn object(&self, name: &str) -> Observed {
        let owned = |object: &Observed| object.tags.owner().is_some_and(|urn| urn.name() == name);
        let found = self.account.objects().into_iter().find(owned);
        found.unwrap_or_else(|| panic!("nothing is called {name}"))
    }

    /// The one object of a type that the file calls so: what has no tags does not say its name.
    fn part(&self, name: &str) -> Observed {
        let token = match name {
            "rights" => "aws:iam:RolePolicy",
            "policy" => "aws:ecr:LifecyclePolicy",
            _ => return self.object(name),
        };
        let mut objects = self.account.objects().into_iter();
        let found = objects.find(|object| object.token == token);
        found.unwrap_or_else(|| panic!("nothing is of {token}"))
    }
}

fn up() -> Request {
    Request::default()
}

fn destroy() -> Request {
    Request {
        goal: Goal::Destroy,
        ..Request::default()
    }
}

fn names(names: &[&str]) -> Vec<String> {
    names.iter().map(|&name| name.to_owned()).collect()
}

/// A line for each step, with the steps that it waits for; then what stays, and what stands in the way.
fn text(plan: &Plan) -> String {
    let mut text = String::new();
    let after = |steps: &BTreeSet<StepId>| {
        if steps.is_empty() {
            return String::new();
        }
        let steps: Vec<String> = steps.iter().map(ToString::to_string).collect();
        format!(" after {}", steps.join(","))
    };
    for (id, step) in plan.steps.iter().enumerate() {
        let action = match &step.action {
            Action::Create { .. } => "create",
            Action::Update { .. } => "update",
            Action::CreateReplacement { .. } => "create replacement of",
            Action::DeleteReplaced { .. } => "delete replaced",
            Action::Delete { .. } => "delete",
        };
        let changes: Vec<&str> = step
            .comparison()
            .map(|comparison| comparison.diff.properties())
            .unwrap_or_default();
        let changes = match step.action {
            Action::Update { .. } => format!(" {}", changes.join(",")),
            _ => String::new(),
        };
        let _ = writeln!(
            text,
            "{id} {action} {}{changes}: {}{}",
            step.urn.name(),
            step.because,
            after(&step.waits_for)
        );
    }
    for retained in &plan.retained {
        let _ = writeln!(text, "stays: {}: {}", retained.urn.name(), retained.reason);
    }
    for refusal in &plan.refusals {
        let _ = writeln!(text, "refused: {refusal:?}");
    }
    text
}

#[tokio::test(start_paused = true)]
async fn what_is_needed_is_made_first() {
    let world = World {
        account: FakeAccount::new(catalog()),
    };
    world
        .check(
            NETWORK,
            &up(),
            expect![[r#"
        0 create vpc: not there
        1 create group: not there after 0
        2 create subnet: not there after 0
    "#]],
        )
        .await;
}

#[tokio::test(start_paused = true)]
async fn nothing_to_do() {
    let world = World::with(NETWORK).await;
    world.check(NETWORK, &up(), expect![[""]]).await;
}

#[tokio::test(start_paused = true)]
async fn an_edit_in_place() {
    let world = World::with(NETWORK).await;
    let edited = NETWORK.replace("10.0.0.0/24 }", "10.0.0.0/24, mapPublicIpOnLaunch: true }");
    world
        .check(
            &edited,
            &up(),
            expect![[r#"
        0 update subnet mapPublicIpOnLaunch: edited
    "#]],
        )
        .await;
}

/// New network, what stands in it, then the old ones from the inside out.
#[tokio::test(start_paused = true)]
async fn a_replacement_takes_its_dependents_with_it() {
    let world = World::with(NETWORK).await;
    let edited = NETWORK.replace("10.0.0.0", "10.1.0.0");
    world
        .check(
            &edited,
            &up(),
            expect![[r#"
        0 create replacement of vpc: cannot change in place: cidrBlock
        1 create replacement of group: cannot change in place: vpcId after 0
        2 delete replaced group: cannot change in place: vpcId after 1
        3 create replacement of subnet: cannot change in place: cidrBlock, vpcId after 0
        4 delete replaced subnet: cannot change in place: cidrBlock, vpcId after 3
        5 delete replaced vpc: cannot change in place: cidrBlock after 0,1,2,3,4
    "#]],
        )
        .await;
}

#[tokio::test(start_paused = true)]
async fn the_author_can_have_the_old_one_deleted_first() {
    let world = World::with(NETWORK).await;
    let edited = NETWORK.replace("10.0.0.0", "10.1.0.0").replace(
        "10.1.0.0/16 }",
        "10.1.0.0/16 }, options: { deleteBeforeReplace: true }",
    );
    world
        .check(
            &edited,
            &up(),
            expect![[r#"
        0 delete replaced group: cannot change in place: vpcId
        1 delete replaced subnet: cannot change in place: cidrBlock, vpcId
        2 delete replaced vpc: cannot change in place: cidrBlock after 0,1
        3 create replacement of vpc: cannot change in place: cidrBlock after 2
        4 create replacement of group: cannot change in place: vpcId after 0,3
        5 create replacement of subnet: cannot change in place: cidrBlock, vpcId after 1,3
    "#]],
        )
        .await;
}

/// Two buckets of one name cannot stand side by side.
#[tokio::test(start_paused = true)]
async fn a_taken_name_has_the_old_one_deleted_first() {
    let world = World::with(DATA).await;
    let request = Request {
        replace: names(&["bucket"]),
        allow_delete: names(&["bucket"]),
        ..up()
    };
    world
        .check(
            DATA,
            &request,
            expect![[r#"
        0 delete replaced policy: cannot change in place: bucket
        1 delete replaced bucket: --replace after 0
        2 create replacement of bucket: --replace after 1
        3 create replacement of policy: cannot change in place: bucket after 0,2
    "#]],
        )
        .await;
}

#[tokio::test(start_paused = true)]
async fn data_wants_consent() {
    let world = World::with(DATA).await;
    let replaced = Request {
        replace: names(&["bucket"]),
        ..up()
    };
    world.check(DATA, &replaced, expect![[r#"
        0 delete replaced policy: cannot change in place: bucket
        1 delete replaced bucket: --replace after 0
        2 create replacement of bucket: --replace after 1
        3 create replacement of policy: cannot change in place: bucket after 0,2
        refused: HoldsData { urn: urn:fde:shop/dev::aws:s3:Bucket::bucket, id: "shop-reports", op: Replace, guard: None }
    "#]]).await;
    let without = NETWORK;
    world.check(without, &up(), expect![[r#"
        0 create vpc: not there
        1 create group: not there after 0
        2 create subnet: not there after 0
        3 delete bucket/policy: no longer in the file
        refused: HoldsData { urn: urn:fde:shop/dev::aws:s3:Bucket::bucket, id: "shop-reports", op: Delete, guard: None }
    "#]]).await;
    let consent = Request {
        allow_delete: names(&["bucket"]),
        ..up()
    };
    world
        .check(
            without,
            &consent,
            expect![[r#"
        0 create vpc: not there
        1 create group: not there after 0
        2 create subnet: not there after 0
        3 delete bucket/policy: no longer in the file
        4 delete bucket: no longer in the file after 3
    "#]],
        )
        .await;
}

#[tokio::test(start_paused = true)]
async fn what_leaves_the_file_goes_after_what_needs_it() {
    let world = World::with(NETWORK).await;
    let rest = "group: { type: aws:sns:Topic }";
    world
        .check(
            rest,
            &up(),
            expect![[r#"
        0 create group: not there
        1 delete group: no longer in the file
        2 delete subnet: no longer in the file
        3 delete vpc: no longer in the file after 1,2
    "#]],
        )
        .await;
}

#[tokio::test(start_paused = true)]
async fn protection_outlives_its_line() {
    let protected = NETWORK.replace("10.0.0.0/16 }", "10.0.0.0/16 }, options: { protect: true }");
    let world = World::with(&protected).await;
    let rest = "topic: { type: aws:sns:Topic }";
    world
        .check(
            rest,
            &up(),
            expect![[r#"
        0 create topic: not there
        1 delete group: no longer in the file
        2 delete subnet: no longer in the file
        refused: Protected { urn: urn:fde:shop/dev::aws:ec2:Vpc::vpc, id: "vpc-000001", op: Delete }
    "#]],
        )
        .await;
    world
        .check(
            NETWORK,
            &destroy(),
            expect![[r#"
        0 delete group: destroy
        1 delete subnet: destroy
        refused: Protected { urn: urn:fde:shop/dev::aws:ec2:Vpc::vpc, id: "vpc-000001", op: Delete }
    "#]],
        )
        .await;
}

#[tokio::test(start_paused = true)]
async fn a_name_of_somebody_else_stops_the_run() {
    let world = World::with(NETWORK).await;
    world.account.insert(Observed {
        token: "aws:s3:Bucket".to_owned(),
        id: "shop-reports".to_owned(),
        arn: None,
        inputs: [("bucket".to_owned(), "shop-reports".into())].into(),
        outputs: fde_infra::resource::Properties::new(),
        tags: Tags::default(),
        condition: Condition::Ready,
    });
    let both = format!("{NETWORK}{}", DATA.trim_start());
    world.check(&both, &up(), expect![[r#"
        0 create bucket: not there
        1 create policy: not there after 0
        refused: NameTaken { urn: urn:fde:shop/dev::aws:s3:Bucket::bucket, id: "shop-reports", arn: None, owner: Untagged }
    "#]]).await;
}

#[tokio::test(start_paused = true)]
async fn drift_is_told_from_an_edit() {
    let world = World::with(NETWORK).await;
    let id = world.object("subnet").id;
    world.account.edit(&id, |subnet| {
        let key = "mapPublicIpOnLaunch".to_owned();
        subnet.inputs.insert(key, true.into());
    });
    world
        .check(
            NETWORK,
            &up(),
            expect![[r#"
        0 update subnet mapPublicIpOnLaunch: drift
    "#]],
        )
        .await;
    let ignored = NETWORK.replace(
        "10.0.0.0/24 }",
        "10.0.0.0/24 }, options: { ignoreChanges: [mapPublicIpOnLaunch] }",
    );
    world.check(&ignored, &up(), expect![[""]]).await;
}

/// A bot that puts tags on everything is left alone by a file that leaves tags to it; our own tags stay ours.
#[tokio::test(start_paused = true)]
async fn tags_can_be_left_to_others() {
    let with = |tags: &str, ignored: &str| {
        format!(
            "topic: {{ type: aws:sns:Topic, properties: {{ displayName: shop, tags: {{ {tags} }} }}, options: {{ ignoreChanges: [{ignored}] }} }}\n"
        )
    };
    let world = World::with(&with("team: blue, stage: one", "tags")).await;
    let id = world.object("topic").id;
    assert_eq!(world.object("topic").tags.get("team"), Some("blue"));
    world
        .account
        .edit(&id, |topic| topic.tags.insert("team", "red"));
    let changed = with("team: green, more: x", "tags");
    world.check(&changed, &up(), expect![[""]]).await;
    let one = with("team: green, stage: two", "tags.team");
    world
        .check(
            &one,
            &up(),
            expect![[r#"
        0 update topic : edited
    "#]],
        )
        .await;
    world.arrives(&one, &up()).await;
    let now = world.object("topic").tags;
    assert_eq!(
        (now.get("team"), now.get("stage")),
        (Some("red"), Some("two"))
    );
    // Along with another change they stay as well.
    let renamed = with("team: green", "tags").replace("displayName: shop", "displayName: other");
    world.arrives(&renamed, &up()).await;
    let now = world.object("topic").tags;
    assert_eq!(
        (now.get("team"), now.get("stage")),
        (Some("red"), Some("two"))
    );
}

/// Protection is no input, and still the file's to give and to take.
#[tokio::test(start_paused = true)]
async fn protection_that_the_file_gives_is_an_edit_and_what_others_took_is_drift() {
    let world = World::with(NETWORK).await;
    let guarded = NETWORK.replace("10.0.0.0/24 }", "10.0.0.0/24 }, options: { protect: true }");
    world
        .check(
            &guarded,
            &up(),
            expect![[r#"
        0 update subnet : edited
    "#]],
        )
        .await;
    world.arrives(&guarded, &up()).await;
    let id = world.object("subnet").id;
    world.account.edit(&id, |subnet| {
        subnet.tags = subnet
            .tags
            .iter()
            .filter(|(key, _)| *key != "fde:protect")
            .map(|(key, value)| (key.to_owned(), value.to_owned()))
            .collect();
    });
    world
        .check(
            &guarded,
            &up(),
            expect![[r#"
        0 update subnet : drift
    "#]],
        )
        .await;
}

#[tokio::test(start_paused = true)]
async fn what_disappeared_comes_back_and_what_needs_it_follows() {
    let world = World::with(NETWORK).await;
    world.account.remove(&world.object("vpc").id);
    world
        .check(
            NETWORK,
            &up(),
            expect![[r#"
        0 create vpc: not there
        1 create replacement of group: cannot change in place: vpcId after 0
        2 delete replaced group: cannot change in place: vpcId after 1
        3 create replacement of subnet: cannot change in place: vpcId after 0
        4 delete replaced subnet: cannot change in place: vpcId after 3
    "#]],
        )
        .await;
}

#[tokio::test(start_paused = true)]
async fn what_is_unfinished_is_finished_and_what_is_broken_replaced() {
    let world = World::with(NETWORK).await;
    let condition = |name: &str, condition: Condition| {
        let id = world.object(name).id;
        world
            .account
            .edit(&id, |object| object.condition = condition);
    };
    condition("subnet", Condition::Settling("pending".to_owned()));
    world
        .check(
            NETWORK,
            &up(),
            expect![[r#"
        0 update subnet : unfinished: pending
    "#]],
        )
        .await;
    condition("subnet", Condition::Broken("failed".to_owned()));
    world
        .check(
            NETWORK,
            &up(),
            expect![[r#"
        0 delete replaced subnet: broken: failed
        1 create replacement of subnet: broken: failed after 0
    "#]],
        )
        .await;
}

/// Two objects of one resource: the replacement stands, the run ended before its predecessor was deleted.
#[tokio::test(start_paused = true)]
async fn an_interrupted_replacement_is_finished() {
    let world = World::with(NETWORK).await;
    let mut old = world.object("vpc");
    old.id = "old".to_owned();
    old.inputs
        .insert("cidrBlock".to_owned(), "10.9.0.0/16".into());
    world.account.insert(old);
    world
        .check(
            NETWORK,
            &up(),
            expect![[r#"
        0 delete vpc: left over from a replacement
    "#]],
        )
        .await;
}

/// Two runs at once have made a network each, and the database, which has a name, stands in one of them.
#[tokio::test(start_paused = true)]
async fn of_two_networks_the_one_with_the_data_stays() {
    const DATABASE: &str = "
subnetGroup: { type: aws:rds:SubnetGroup, properties: { subnetIds: ['${subnet.id}', subnet-0a1b2c3d] } }
postgres: { type: aws:rds:Instance, properties: { dbSubnetGroupName: '${subnetGroup.id}', engine: postgres, instanceClass: db.t4g.micro } }
";
    let resources = format!("{}{DATABASE}", NETWORK.trim_end());
    // Of both, the one that comes first by its id would do as well, but for the database.
    for id in ["000-twin", "zzz-twin"] {
        let world = World::with(&resources).await;
        let ours = world.object("vpc").id;
        for name in ["vpc", "subnet"] {
            let mut twin = world.object(name);
            twin.id = format!("{id}-{name}");
            if name == "subnet" {
                twin.inputs
                    .insert("vpcId".to_owned(), format!("{id}-vpc").into());
            }
            world.account.insert(twin);
        }
        let plan = world.plan(&resources, &up()).await;
        let deleted = plan.steps.iter().map(|step| match &step.action {
            Action::Delete { observed, .. } => observed.id.clone(),
            other => panic!("{other:?}"),
        });
        let deleted: Vec<String> = deleted.collect();
        assert_eq!(
            deleted,
            [format!("{id}-subnet"), format!("{id}-vpc")],
            "{ours}"
        );
    }
}

#[tokio::test(start_paused = true)]
async fn targets_bring_what_they_need_and_exclusions_take_what_needs_them() {
    let world = World {
        account: FakeAccount::new(catalog()),
    };
    let target = Request {
        targets: names(&["subnet"]),
        ..up()
    };
    world
        .check(
            NETWORK,
            &target,
            expect![[r#"
        0 create vpc: not there
        1 create subnet: not there after 0
    "#]],
        )
        .await;
    let exclude = Request {
        excludes: names(&["vpc"]),
        ..up()
    };
    world.check(NETWORK, &exclude, expect![[""]]).await;
}

/// Its tag in AWS still says that it is protected; the file has the last word.
#[tokio::test(start_paused = true)]
async fn what_is_no_longer_protected_can_be_destroyed_at_once() {
    let options = |protect: bool| {
        NETWORK.replace(
            "10.0.0.0/16 }",
            &format!("10.0.0.0/16 }}, options: {{ protect: {protect} }}"),
        )
    };
    let world = World::with(&options(true)).await;
    world
        .check(
            &options(false),
            &destroy(),
            expect![[r#"
        0 delete group: destroy
        1 delete subnet: destroy
        2 delete vpc: destroy after 0,1
    "#]],
        )
        .await;
}

#[tokio::test(start_paused = true)]
async fn destroy_goes_from_the_inside_out() {
    let world = World::with(NETWORK).await;
    world
        .check(
            NETWORK,
            &destroy(),
            expect![[r#"
        0 delete group: destroy
        1 delete subnet: destroy
        2 delete vpc: destroy after 0,1
    "#]],
        )
        .await;
}

#[tokio::test(start_paused = true)]
async fn what_is_retained_keeps_what_it_needs() {
    let world = World::with(NETWORK).await;
    let retained = NETWORK.replace(
        "10.0.0.0/24 }",
        "10.0.0.0/24 }, options: { retainOnDelete: true }",
    );
    world
        .check(
            &retained,
            &destroy(),
            expect![[r#"
        0 delete group: destroy
        stays: subnet: retainOnDelete
        stays: vpc: needed by subnet
    "#]],
        )
        .await;
}

const RANGES: &str = "
vpc: { type: aws:ec2:Vpc, properties: { cidrBlock: 10.0.0.0/16 } }
left: { type: aws:ec2:Subnet, properties: { vpcId: '${vpc.id}', cidrBlock: 10.0.1.0/24 } }
right: { type: aws:ec2:Subnet, properties: { vpcId: '${vpc.id}', cidrBlock: 10.0.2.0/24 } }
third: { type: aws:ec2:Subnet, properties: { vpcId: '${vpc.id}', cidrBlock: 10.0.3.0/24 } }
";

/// A load balancer in two subnets, with a target group and a security group of the author's names.
const WAY_IN: &str = "
group: { type: aws:ec2:SecurityGroup, properties: { name: shop-in, vpcId: '${vpc.id}', description: in } }
balancer: { type: aws:lb:LoadBalancer, properties: { name: shop-one, subnets: ['${left.id}', '${right.id}'], securityGroups: ['${group.id}'] } }
targets: { type: aws:lb:TargetGroup, properties: { port: 80, protocol: HTTP, targetType: ip, vpcId: '${vpc.id}', healthCheck: { enabled: true, path: /, port: traffic-port, protocol: HTTP, matcher: '200', interval: 30, timeout: 5, healthyThreshold: 5, unhealthyThreshold: 2 } } }
listener: { type: aws:lb:Listener, properties: { loadBalancerArn: '${balancer.arn}', port: 80, defaultActions: [{ type: forward, targetGroupArn: '${targets.arn}' }] } }
";

/// A service behind the way in.
const SERVICE: &str = "
cluster: { type: aws:ecs:Cluster, properties: { name: shop } }
task: { type: aws:ecs:TaskDefinition, properties: { family: api, requiresCompatibilities: [FARGATE], cpu: '256', memory: '512', containerDefinitions: [{ name: api, image: 'api:1', portMappings: [{ containerPort: 80 }] }] } }
service: { type: aws:ecs:Service, properties: { name: api, cluster: '${cluster.arn}', taskDefinition: '${task.arn}', launchType: FARGATE, desiredCount: 1, networkConfiguration: { subnets: ['${left.id}'], securityGroups: ['${group.id}'] }, loadBalancers: [{ targetGroupArn: '${targets.arn}', containerName: api, containerPort: 80 }] } }
";

fn all(parts: &[&str]) -> String {
    parts.concat().replace("\n\n", "\n")
}

impl World {
    /// Runs what is planned, and finds nothing left to do.
    async fn arrives(&self, resources: &str, request: &Request) {
        let plan = self.plan(resources, request).await;
        assert_eq!(plan.refusals, []);
        let (events, _listener) = tokio::sync::mpsc::unbounded_channel();
        let outcome = execute::run(&plan, &self.account, 4, &Cancel::default(), &events).await;
        assert!(matches!(outcome, Outcome::Done(_)), "{outcome:#?}");
        self.check(resources, &up(), expect![[""]]).await;
    }
}

#[tokio::test(start_paused = true)]
async fn two_subnets_exchange_their_ranges() {
    let world = World::with(RANGES).await;
    let exchanged = RANGES
        .replace("10.0.1.0", "10.0.9.0")
        .replace("10.0.2.0", "10.0.1.0")
        .replace("10.0.9.0", "10.0.2.0");
    world
        .check(
            &exchanged,
            &up(),
            expect![[r#"
        0 delete replaced left: cannot change in place: cidrBlock
        1 create replacement of right: cannot change in place: cidrBlock after 0
        2 delete replaced right: cannot change in place: cidrBlock after 1
        3 create replacement of left: cannot change in place: cidrBlock after 0,2
    "#]],
        )
        .await;
    world.arrives(&exchanged, &up()).await;
}

#[tokio::test(start_paused = true)]
async fn three_subnets_hand_their_ranges_around() {
    let world = World::with(RANGES).await;
    let around = RANGES
        .replace("10.0.1.0", "10.0.9.0")
        .replace("10.0.2.0", "10.0.1.0")
        .replace("10.0.3.0", "10.0.2.0")
        .replace("10.0.9.0", "10.0.3.0");
    world
        .check(
            &around,
            &up(),
            expect![[r#"
        0 delete replaced left: cannot change in place: cidrBlock
        1 create replacement of right: cannot change in place: cidrBlock after 0
        2 delete replaced right: cannot change in place: cidrBlock after 1
        3 create replacement of third: cannot change in place: cidrBlock after 2
        4 delete replaced third: cannot change in place: cidrBlock after 3
        5 create replacement of left: cannot change in place: cidrBlock after 0,4
    "#]],
        )
        .await;
    world.arrives(&around, &up()).await;
}

#[tokio::test(start_paused = true)]
async fn a_range_that_another_subnet_leaves_is_taken_over() {
    let world = World::with(RANGES).await;
    let moved = RANGES
        .replace("10.0.2.0", "10.0.7.0")
        .replace("10.0.1.0", "10.0.2.0");
    world
        .check(
            &moved,
            &up(),
            expect![[r#"
        0 create replacement of right: cannot change in place: cidrBlock
        1 delete replaced right: cannot change in place: cidrBlock after 0
        2 create replacement of left: cannot change in place: cidrBlock after 1
        3 delete replaced left: cannot change in place: cidrBlock after 2
    "#]],
        )
        .await;
    world.arrives(&moved, &up()).await;
}

/// `InvalidSubnet.Conflict`: old and new would overlap.
#[tokio::test(start_paused = true)]
async fn a_range_that_shrinks_has_the_old_subnet_deleted_first() {
    let world = World::with(RANGES).await;
    let smaller = RANGES.replace("10.0.1.0/24", "10.0.1.0/25");
    world
        .check(
            &smaller,
            &up(),
            expect![[r#"
        0 delete replaced left: cannot change in place: cidrBlock
        1 create replacement of left: cannot change in place: cidrBlock after 0
    "#]],
        )
        .await;
    world.arrives(&smaller, &up()).await;
    // One that grows into the range of another comes once that has gone.
    let (left, _) = smaller.split_once("third:").expect("the third is the last");
    let wider = left.replace("10.0.2.0/24", "10.0.2.0/23");
    world
        .check(
            &wider,
            &up(),
            expect![[r#"
        0 delete replaced right: cannot change in place: cidrBlock
        1 delete third: no longer in the file
        2 create replacement of right: cannot change in place: cidrBlock after 0,1
    "#]],
        )
        .await;
    world.arrives(&wider, &up()).await;
}

#[tokio::test(start_paused = true)]
async fn two_roles_exchange_their_names() {
    const ROLES: &str = "
one: { type: aws:iam:Role, properties: { name: shop-one, assumeRolePolicy: { Version: '2012-10-17', Statement: [] } } }
inline: { type: aws:iam:RolePolicy, properties: { role: '${one.id}', name: inline, policy: { Version: '2012-10-17', Statement: [] } } }
two: { type: aws:iam:Role, properties: { name: shop-two, assumeRolePolicy: { Version: '2012-10-17', Statement: [] } } }
";
    let world = World::with(ROLES).await;
    let exchanged = ROLES
        .replace("name: shop-one", "name: shop-three")
        .replace("name: shop-two", "name: shop-one")
        .replace("name: shop-three", "name: shop-two");
    world
        .check(
            &exchanged,
            &up(),
            expect![[r#"
        0 delete replaced inline: cannot change in place: role
        1 delete replaced one: cannot change in place: name after 0
        2 create replacement of two: cannot change in place: name after 1
        3 delete replaced two: cannot change in place: name after 2
        4 create replacement of one: cannot change in place: name after 1,3
        5 create replacement of inline: cannot change in place: role after 0,4
    "#]],
        )
        .await;
    world.arrives(&exchanged, &up()).await;
}

/// The load balancer holds both, and can move to neither before the other has gone.
#[tokio::test(start_paused = true)]
async fn ranges_in_use_are_not_exchanged() {
    let before = all(&[RANGES, WAY_IN]);
    let world = World::with(&before).await;
    let exchanged = before
        .replace("10.0.1.0", "10.0.9.0")
        .replace("10.0.2.0", "10.0.1.0")
        .replace("10.0.9.0", "10.0.2.0");
    world.refused(&exchanged, &up(), expect![[r#"
        InUse { urn: aws:ec2:Subnet::left, id: "subnet-000003", users: [aws:lb:LoadBalancer::balancer], because: DeleteFirst(PlaceWanted(aws:ec2:Subnet::right)), place: ["cidrBlock"] }
        InUse { urn: aws:ec2:Subnet::right, id: "subnet-000004", users: [aws:lb:LoadBalancer::balancer], because: DeleteFirst(PlaceWanted(aws:ec2:Subnet::left)), place: ["cidrBlock"] }
    "#]]).await;
}

/// Two rules that are changed in place and want each other's ports: neither can be first.
#[tokio::test(start_paused = true)]
async fn rules_do_not_exchange_their_ports_in_place() {
    const RULES: &str = "
one: { type: aws:vpc:SecurityGroupIngressRule, properties: { securityGroupId: '${group.id}', ipProtocol: tcp, fromPort: 80, toPort: 80, cidrIpv4: 0.0.0.0/0, description: one } }
two: { type: aws:vpc:SecurityGroupIngressRule, properties: { securityGroupId: '${group.id}', ipProtocol: tcp, fromPort: 81, toPort: 81, cidrIpv4: 0.0.0.0/0, description: two } }
";
    let before = all(&[NETWORK, RULES]);
    let world = World::with(&before).await;
    let exchanged = before
        .replace("Port: 80", "Port: 90")
        .replace("Port: 81", "Port: 80")
        .replace("Port: 90", "Port: 81");
    world.refused(&exchanged, &up(), expect![[r#"
        PlaceHeld { urn: aws:vpc:SecurityGroupIngressRule::one, by: aws:vpc:SecurityGroupIngressRule::two, id: "securitygroupingressrule-000005", place: ["ipProtocol", "fromPort", "toPort", "cidrIpv4"] }
    "#]]).await;
    // One that moves on makes room.
    let moved = before
        .replace("Port: 81", "Port: 82")
        .replace("Port: 80", "Port: 81");
    world
        .check(
            &moved,
            &up(),
            expect![[r#"
        0 update two fromPort,toPort: edited
        1 update one fromPort,toPort: edited after 0
    "#]],
        )
        .await;
    world.arrives(&moved, &up()).await;
}

impl World {
    /// The conflicts that stand in the way of the plan.
    async fn refused(&self, resources: &str, request: &Request, expected: Expect) {
        let plan = self.plan(resources, request).await;
        let mut text = String::new();
        for refusal in &plan.refusals {
            let _ = writeln!(text, "{refusal:?}");
        }
        expected.assert_eq(&text.replace("urn:fde:shop/dev::", ""));
    }
}

/// The zone is another, the range stays: the load balancer holds the subnet that would have to go first.
#[tokio::test(start_paused = true)]
async fn a_subnet_in_use_does_not_change_its_zone_while_its_range_stays() {
    let before = all(&[RANGES, WAY_IN]).replace(
        "10.0.2.0/24 }",
        "10.0.2.0/24, availabilityZone: eu-south-2b }",
    );
    let world = World::with(&before).await;
    let moved = before.replace("eu-south-2b", "eu-south-2c");
    world.refused(&moved, &up(), expect![[r#"
        InUse { urn: aws:ec2:Subnet::right, id: "subnet-000004", users: [aws:lb:LoadBalancer::balancer], because: DeleteFirst(SamePlace), place: ["cidrBlock"] }
    "#]]).await;
    // With another range the new one stands first, and the load balancer moves over.
    let moved = moved.replace("10.0.2.0", "10.0.8.0");
    world.arrives(&moved, &up()).await;
}

#[tokio::test(start_paused = true)]
async fn a_group_with_a_fixed_name_is_not_replaced_under_its_users() {
    let before = all(&[RANGES, WAY_IN]).replace(
        "targets: { type: aws:lb:TargetGroup, properties: {",
        "targets: { type: aws:lb:TargetGroup, properties: { name: shop-fixed,",
    );
    let world = World::with(&before).await;
    let described = before.replace("description: in", "description: way in");
    world.refused(&described, &up(), expect![[r#"
        InUse { urn: aws:ec2:SecurityGroup::group, id: "securitygroup-000002", users: [aws:lb:LoadBalancer::balancer], because: DeleteFirst(SamePlace), place: ["name"] }
    "#]]).await;
    let other_port = before.replace(
        "{ name: shop-fixed, port: 80",
        "{ name: shop-fixed, port: 81",
    );
    world.refused(&other_port, &up(), expect![[r#"
        InUse { urn: aws:lb:TargetGroup::targets, id: "targetgroup-000007", users: [aws:lb:Listener::listener], because: DeleteFirst(SamePlace), place: ["name"] }
    "#]]).await;
    // Under another name both stand side by side.
    let renamed = other_port.replace("shop-fixed", "shop-other");
    world.arrives(&renamed, &up()).await;
}

/// Users that stop using the subnet by the same edit let go first.
#[tokio::test(start_paused = true)]
async fn users_that_let_go_are_moved_before_what_they_used_goes() {
    let before = all(&[RANGES, WAY_IN]);
    let world = World::with(&before).await;
    let moved = before.replace("'${right.id}'", "'${third.id}'").replace(
        "10.0.2.0/24 }",
        "10.0.2.0/24, availabilityZone: eu-south-2c }",
    );
    world
        .check(
            &moved,
            &up(),
            expect![[r#"
        0 update balancer subnets: edited
        1 delete replaced right: cannot change in place: availabilityZone after 0
        2 create replacement of right: cannot change in place: availabilityZone after 1
    "#]],
        )
        .await;
    world.arrives(&moved, &up()).await;
}

#[tokio::test(start_paused = true)]
async fn what_is_held_by_something_out_of_reach_is_not_replaced() {
    let before = all(&[RANGES, WAY_IN]);
    let world = World::with(&before).await;
    let moved = before.replace("10.0.2.0", "10.0.8.0");
    let request = Request {
        targets: names(&["right"]),
        ..up()
    };
    world.refused(&moved, &request, expect![[r#"
        InUse { urn: aws:ec2:Subnet::right, id: "subnet-000004", users: [aws:lb:LoadBalancer::balancer], because: OutOfReach, place: ["cidrBlock"] }
    "#]]).await;
    // It leaves the file, and its user is left out.
    let gone = before.replace("'${right.id}'", "'${third.id}'");
    let gone: Vec<&str> = gone
        .lines()
        .filter(|line| !line.starts_with("right"))
        .collect();
    let request = Request {
        excludes: names(&["balancer"]),
        ..up()
    };
    world.refused(&gone.join("\n"), &request, expect![[r#"
        InUse { urn: aws:ec2:Subnet::right, id: "subnet-000004", users: [aws:lb:LoadBalancer::balancer], because: OutOfReach, place: ["vpcId", "cidrBlock"] }
    "#]]).await;
}

/// A target group belongs to one load balancer: it gets a successor, as the listener does.
#[tokio::test(start_paused = true)]
async fn a_load_balancer_with_another_name_takes_its_target_groups_along() {
    let before = all(&[RANGES, WAY_IN, SERVICE]);
    let world = World::with(&before).await;
    let renamed = before.replace("shop-one", "shop-two");
    world
        .check(
            &renamed,
            &up(),
            expect![[r#"
        0 create replacement of balancer: cannot change in place: name
        1 create replacement of targets: goes with balancer
        2 update service loadBalancers: edited after 1
        3 create replacement of listener: cannot change in place: loadBalancerArn after 0,1
        4 delete replaced listener: cannot change in place: loadBalancerArn after 2,3
        5 delete replaced balancer: cannot change in place: name after 0,2,3,4
        6 delete replaced targets: goes with balancer after 1,2,3,4
    "#]],
        )
        .await;
    world.arrives(&renamed, &up()).await;
}

/// Its name is the author's, so there is no successor to stand beside it: the old listener goes before the new one comes.
#[tokio::test(start_paused = true)]
async fn a_target_group_with_a_fixed_name_changes_hands() {
    let before = all(&[RANGES, WAY_IN]).replace(
        "{ port: 80, protocol",
        "{ name: shop-fixed, port: 80, protocol",
    );
    let world = World::with(&before).await;
    let renamed = before.replace("shop-one", "shop-two");
    world
        .check(
            &renamed,
            &up(),
            expect![[r#"
        0 create replacement of balancer: cannot change in place: name
        1 delete replaced listener: cannot change in place: loadBalancerArn after 0
        2 create replacement of listener: cannot change in place: loadBalancerArn after 0,1
        3 delete replaced balancer: cannot change in place: name after 0,1,2
    "#]],
        )
        .await;
    world.arrives(&renamed, &up()).await;
    let shared = format!(
        "{}{}",
        before,
        "\nother: { type: aws:lb:LoadBalancer, properties: { name: shop-more, subnets: ['${left.id}', '${right.id}'] } }\nmore: { type: aws:lb:Listener, properties: { loadBalancerArn: '${other.arn}', port: 80, defaultActions: [{ type: forward, targetGroupArn: '${targets.arn}' }] } }\n"
    );
    world.refused(&shared, &up(), expect![[r#"
        Forbidden { urn: aws:lb:TargetGroup::targets, id: "targetgroup-000007", reason: "balancer and other would lead to it, and AWS takes one: give each a group of its own" }
    "#]]).await;
}

/// The same where the other load balancer is there already, and keeps its listeners.
#[tokio::test(start_paused = true)]
async fn a_listener_that_moves_to_another_load_balancer_goes_before_it_comes() {
    let other = "\nother: { type: aws:lb:LoadBalancer, properties: { name: shop-more, subnets: ['${left.id}', '${right.id}'] } }\n";
    let before = all(&[RANGES, WAY_IN]).replace(
        "{ port: 80, protocol",
        "{ name: shop-fixed, port: 80, protocol",
    ) + other;
    let world = World::with(&before).await;
    let moved = before.replace("${balancer.arn}", "${other.arn}");
    world
        .check(
            &moved,
            &up(),
            expect![[r#"
        0 delete replaced listener: cannot change in place: loadBalancerArn
        1 create replacement of listener: cannot change in place: loadBalancerArn after 0
    "#]],
        )
        .await;
    world.arrives(&moved, &up()).await;
}

/// `aws ecs update-service --capacity-provider-strategy` by hand: what was a launch type comes back in place.
#[tokio::test(start_paused = true)]
async fn a_service_that_was_moved_to_a_capacity_provider_comes_back_in_place() {
    let before = all(&[RANGES, WAY_IN, SERVICE]);
    let world = World::with(&before).await;
    world.account.edit(&world.object("service").id, |service| {
        service.inputs.remove("launchType");
    });
    world
        .check(
            &before,
            &up(),
            expect![[r#"
        0 update service launchType: drift
    "#]],
        )
        .await;
}

#[tokio::test(start_paused = true)]
async fn drift_alone_does_not_replace_what_serves_traffic() {
    let before = all(&[RANGES, WAY_IN, SERVICE]);
    let world = World::with(&before).await;
    world.account.edit(&world.object("service").id, |service| {
        service.inputs.insert("launchType".to_owned(), "EC2".into());
    });
    world.refused(&before, &up(), expect![[r#"
        Interrupts { urn: aws:ecs:Service::service, id: "api", properties: ["launchType"], effect: "no task runs from the end of the old one until the new one has started" }
    "#]]).await;
    let named = Request {
        replace: names(&["service"]),
        ..up()
    };
    world.arrives(&before, &named).await;
}

/// The same for the resources that bring the traffic in, and those by which it leaves.
#[tokio::test(start_paused = true)]
async fn drift_alone_does_not_replace_a_load_balancer_or_a_gateway() {
    let before = "
vpc: { type: aws:ec2:Vpc, properties: { cidrBlock: 10.0.0.0/16 } }
left: { type: aws:ec2:Subnet, properties: { vpcId: '${vpc.id}', cidrBlock: 10.0.0.0/24, availabilityZone: eu-south-2a } }
right: { type: aws:ec2:Subnet, properties: { vpcId: '${vpc.id}', cidrBlock: 10.0.1.0/24, availabilityZone: eu-south-2b } }
address: { type: aws:ec2:Eip, properties: {} }
nat: { type: aws:ec2:NatGateway, properties: { subnetId: '${left.id}', allocationId: '${address.allocationId}' } }
balancer: { type: aws:lb:LoadBalancer, properties: { name: shop, internal: true, subnets: ['${left.id}', '${right.id}'] } }
";
    let world = World::with(before).await;
    for (name, property, value) in [
        ("nat", "connectivityType", Value::from("private")),
        ("balancer", "internal", false.into()),
    ] {
        let object = world.object(name).id;
        let was = world.object(name).inputs[property].clone();
        world.account.edit(&object, |object| {
            object.inputs.insert(property.to_owned(), value.clone());
        });
        let plan = world.plan(before, &up()).await;
        let refused: Vec<&str> = plan
            .refusals
            .iter()
            .filter(|refusal| matches!(refusal, plan::Refusal::Interrupts { .. }))
            .map(|refusal| refusal.urn().name())
            .collect();
        assert_eq!(refused, [name], "{}", text(&plan));
        world.account.edit(&object, |object| {
            object.inputs.insert(property.to_owned(), was.clone());
        });
    }
}

/// Objects that the running tasks need go after the rollout: the rule of their port, and everything else that has left the
/// file.
#[tokio::test(start_paused = true)]
async fn what_leaves_the_file_goes_after_the_rollout() {
    const RULE: &str = "
old: { type: aws:vpc:SecurityGroupIngressRule, properties: { securityGroupId: '${group.id}', ipProtocol: tcp, fromPort: 80, toPort: 80, cidrIpv4: 0.0.0.0/0 } }
";
    let world = World::with(&all(&[RANGES, WAY_IN, SERVICE, RULE])).await;
    let after = all(&[RANGES, WAY_IN, SERVICE, RULE])
        .replace("\nold:", "\nnew:")
        .replace("Port: 80, toPort: 80", "Port: 81, toPort: 81")
        .replace("api:1", "api:2");
    world
        .check(
            &after,
            &up(),
            expect![[r#"
        0 create replacement of task: cannot change in place: containerDefinitions
        1 update service taskDefinition: edited after 0
        2 delete replaced task: cannot change in place: containerDefinitions after 0,1
        3 create new: not there
        4 delete old: no longer in the file after 1
    "#]],
        )
        .await;
    world.arrives(&after, &up()).await;
}

/// The tasks that run were made for the old health check. Where none is in service, the rollout may need the new one.
#[tokio::test(start_paused = true)]
async fn a_health_check_changes_after_the_rollout_of_what_answers_it() {
    let before = all(&[RANGES, WAY_IN, SERVICE]);
    let world = World::with(&before).await;
    let after = before
        .replace("path: /,", "path: /health,")
        .replace("api:1", "api:2");
    world
        .check(
            &after,
            &up(),
            expect![[r#"
        0 create replacement of task: cannot change in place: containerDefinitions
        1 update service taskDefinition: edited after 0
        2 delete replaced task: cannot change in place: containerDefinitions after 0,1
        3 update targets healthCheck: edited after 1
    "#]],
        )
        .await;
    world.account.edit(&world.object("service").id, |service| {
        service.condition = Condition::Settling("rolling out".to_owned());
    });
    world
        .check(
            &after,
            &up(),
            expect![[r#"
        0 create replacement of task: cannot change in place: containerDefinitions
        1 update targets healthCheck: edited
        2 update service taskDefinition: edited after 0,1
        3 delete replaced task: cannot change in place: containerDefinitions after 0,2
    "#]],
        )
        .await;
    world.account.edit(&world.object("service").id, |service| {
        service.condition = Condition::Ready;
    });
    world.arrives(&after, &up()).await;
}

/// A service with a port, behind a load balancer, with a way out.
const PLATFORM: &str = "
network: { natGateways: single, availabilityZones: [eu-south-2a, eu-south-2b] }
services: { api: { port: 8000, image: '1.0', scaling: { min: 1, max: 1 } } }
loadBalancer: { accessLogs: { enabled: false }, waf: { enabled: false } }
";

impl World {
    /// A platform whose images are there.
    async fn serving(sections: &str) -> Self {
        let world = Self::with(sections).await;
        let id = world.object("services/api/service").id;
        world.account.edit(&id, |service| {
            let count = "desiredCount".to_owned();
            service.inputs.insert(count, 1.into());
        });
        world
    }

    /// The positions of steps, by a part of their names.
    async fn positions(&self, sections: &str, what: &[&str]) -> Vec<usize> {
        let plan = self.plan(sections, &up()).await;
        assert_eq!(plan.refusals, []);
        let text = text(&plan);
        let position = |part: &&str| text.lines().position(|line| line.contains(*part));
        what.iter()
            .map(|part| position(part).unwrap_or_else(|| panic!("no {part} in\n{text}")))
            .collect()
    }
}

/// An object's own name is no reference to another object, of another type, that AWS knows by that name.
#[tokio::test]
async fn things_of_one_name_and_different_types_do_not_wait_for_each_other() {
    let things = "
role: { type: aws:iam:Role, properties: { name: shop-store, assumeRolePolicy: '{}' } }
images: { type: aws:ecr:Repository, properties: { name: shop-store } }
dashboard: { type: aws:cloudwatch:Dashboard, properties: { dashboardName: shop-store, dashboardBody: { widgets: [] } } }
alarm: { type: aws:cloudwatch:MetricAlarm, properties: { name: shop-store, namespace: AWS/ECS, metricName: CPUUtilization, statistic: Average, period: 60, evaluationPeriods: 1, threshold: 90, comparisonOperator: GreaterThanThreshold } }
parameters: { type: aws:rds:ParameterGroup, properties: { name: shop-store, family: postgres15 } }
bucket: { type: aws:s3:Bucket, properties: { bucket: shop-store } }";
    let world = World::with(things).await;
    let plan = world.plan(things, &destroy()).await;
    assert_eq!(plan.steps.len(), 6);
    assert!(plan.steps.iter().all(|step| step.waits_for.is_empty()));
}

fn ascending(positions: &[usize]) -> bool {
    positions.is_sorted()
}

/// The container is asked on another port: the target group stays, and the rules of the old port go last.
#[tokio::test(start_paused = true)]
async fn a_service_changes_its_port_without_a_gap() {
    let world = World::serving(PLATFORM).await;
    let after = PLATFORM.replace("8000", "9000");
    let steps = [
        "create network/albEgress9000",
        "create network/ecsIngress9000",
        "update services/api/service",
        "delete network/albEgress8000",
    ];
    let positions = world.positions(&after, &steps).await;
    assert!(ascending(&positions), "{positions:?}");
    let plan = text(&world.plan(&after, &up()).await);
    assert!(
        !plan.contains("replacement of loadBalancer/api/targetGroup"),
        "{plan}"
    );
    world.arrives(&after, &up()).await;
}

#[tokio::test(start_paused = true)]
async fn the_way_out_goes_after_the_tasks_have_another() {
    let world = World::serving(PLATFORM).await;
    let after = PLATFORM.replace("natGateways: single", "natGateways: none");
    let steps = [
        "update services/api/service",
        "delete network/privateRouteTable1",
        "delete network/natGateway1",
    ];
    let positions = world.positions(&after, &steps).await;
    assert!(ascending(&positions), "{positions:?}");
    world.arrives(&after, &up()).await;
}

#[tokio::test(start_paused = true)]
async fn a_zone_is_not_exchanged_while_the_ranges_stay() {
    let world = World::serving(PLATFORM).await;
    let after = PLATFORM.replace("eu-south-2b", "eu-south-2c");
    world.refused(&after, &up(), expect![[r#"
        InUse { urn: aws:ec2:Subnet::network/privateSubnet2, id: "subnet-00000e", users: [aws:ecs:Service::services/api/service], because: DeleteFirst(SamePlace), place: ["cidrBlock"] }
        InUse { urn: aws:ec2:Subnet::network/publicSubnet2, id: "subnet-000015", users: [aws:lb:LoadBalancer::loadBalancer/alb], because: DeleteFirst(SamePlace), place: ["cidrBlock"] }
    "#]]).await;
}

/// A reference to something that only got another logical name still refers to the same thing.
#[tokio::test(start_paused = true)]
async fn a_renamed_cluster_keeps_its_services() {
    let before = all(&[RANGES, WAY_IN, SERVICE]);
    let world = World::with(&before).await;
    let renamed = before
        .replace("cluster: {", "platform: {")
        .replace("${cluster.arn}", "${platform.arn}");
    world
        .check(
            &renamed,
            &up(),
            expect![[r#"
        0 update platform : renamed from cluster
    "#]],
        )
        .await;
    world.arrives(&renamed, &up()).await;
}

/// A network has no name by which AWS tells it from others. The only one that is as the file wants it is meant.
#[tokio::test(start_paused = true)]
async fn a_renamed_network_is_the_same_network() {
    let before = all(&[RANGES, WAY_IN, SERVICE]);
    let world = World::with(&before).await;
    let renamed = before
        .replace("vpc: {", "land: {")
        .replace("${vpc.id}", "${land.id}");
    world
        .check(
            &renamed,
            &up(),
            expect![[r#"
        0 update land : renamed from vpc
    "#]],
        )
        .await;
    world.arrives(&renamed, &up()).await;
}

/// Of two addresses that are alike it is impossible to tell which is meant.
#[tokio::test(start_paused = true)]
async fn two_that_are_alike_are_not_taken_for_each_other() {
    let addresses = |first: &str, second: &str| {
        format!("{first}: {{ type: aws:ec2:Eip }}\n{second}: {{ type: aws:ec2:Eip }}\n")
    };
    let world = World::with(&addresses("one", "two")).await;
    let renamed = addresses("three", "four");
    world
        .check(
            &renamed,
            &up(),
            expect![[r#"
        0 create four: not there
        1 create three: not there
        2 delete one: no longer in the file
        3 delete two: no longer in the file
    "#]],
        )
        .await;
    let one_renamed = addresses("one", "four");
    world
        .check(
            &one_renamed,
            &up(),
            expect![[r#"
        0 update four : renamed from two
    "#]],
        )
        .await;
    world.arrives(&one_renamed, &up()).await;
}

/// AWS moves no load balancer to another network; which one it is in, its subnets say.
#[tokio::test(start_paused = true)]
async fn a_load_balancer_in_a_new_network_is_a_new_one() {
    let before = all(&[RANGES, WAY_IN]);
    let world = World::with(&before).await;
    let request = Request {
        replace: vec!["vpc".to_owned()],
        ..up()
    };
    let plan = world.plan(&before, &request).await;
    let balancer = plan.steps.iter().find(|step| step.urn.name() == "balancer");
    let op = balancer.map(plan::Step::op);
    assert_eq!(op, Some(plan::Op::Replace));
}

/// RDS keeps a subnet in the group as long as an instance lies in it.
#[tokio::test(start_paused = true)]
async fn a_subnet_does_not_go_from_under_a_database() {
    const DATABASE: &str = "
zoned: { type: aws:ec2:Subnet, properties: { vpcId: '${vpc.id}', cidrBlock: 10.0.5.0/24, availabilityZone: eu-south-2a } }
other: { type: aws:ec2:Subnet, properties: { vpcId: '${vpc.id}', cidrBlock: 10.0.6.0/24, availabilityZone: eu-south-2b } }
subnets: { type: aws:rds:SubnetGroup, properties: { name: shop-subnets, subnetIds: ['${zoned.id}', '${other.id}'] } }
data: { type: aws:rds:Instance, properties: { identifier: shop, engine: postgres, instanceClass: db.t3.micro, allocatedStorage: 20, username: shop, masterPasswordSecretArn: 'arn:aws:secretsmanager:eu-south-2:123456789012:secret:shop-AbCdEf', availabilityZone: eu-south-2a, dbSubnetGroupName: '${subnets.name}' } }
";
    let before = all(&[RANGES, DATABASE]);
    let world = World::with(&before).await;
    let moved = before.replace("10.0.5.0", "10.0.7.0");
    world.refused(&moved, &up(), expect![[r#"
        Forbidden { urn: aws:rds:SubnetGroup::subnets, id: "subnetgroup-000007", reason: "`zoned` (`subnet-000006`) would leave it, in the zone of `data`, and AWS keeps a subnet in the group as long as one is there: keep the subnet as it is, or move the database first, by a snapshot" }
    "#]]).await;
    // In the other zone nothing of it lies.
    let elsewhere = before.replace("10.0.6.0", "10.0.7.0");
    world.arrives(&elsewhere, &up()).await;
}

/// A part that others have made is not overwritten because the file comes to name the same one.
#[tokio::test(start_paused = true)]
async fn a_part_of_others_is_not_taken_over_unasked() {
    let (bucket, _) = DATA.trim().split_once('\n').expect("two resources");
    let world = World::with(bucket).await;
    let id = world.object("bucket").id;
    let theirs = |token: &str, name: &str, inputs: [(&str, Value); 2]| Observed {
        token: token.to_owned(),
        id: name.to_owned(),
        arn: None,
        inputs: properties(inputs),
        outputs: Properties::new(),
        tags: Tags::default(),
        condition: Condition::Ready,
    };
    let policy = [("bucket", id.as_str().into()), ("policy", "theirs".into())];
    let policy = theirs("aws:s3:BucketPolicy", "policy-of-others", policy);
    world.account.insert(policy.clone());
    world.refused(DATA, &up(), expect![[r#"
        PlaceTaken { urn: aws:s3:BucketPolicy::policy, id: "policy-of-others", arn: None, owner: Untagged }
    "#]]).await;
    let taken = DATA.replace(
        "policy: '{}' }",
        "policy: '{}' }, options: { import: shop-reports }",
    );
    world
        .check(
            &taken,
            &up(),
            expect![[r#"
                0 update bucket : records what is ours
                1 update policy policy: edited after 0
            "#]],
        )
        .await;
    // Objects that AWS makes by itself belong to no stack.
    let versioning = [
        ("bucket", id.as_str().into()),
        (
            "versioningConfiguration",
            Value::object([("status", "Suspended".into())]),
        ),
    ];
    world
        .account
        .insert(theirs("aws:s3:BucketVersioning", "versioning", versioning));
    let versioned = format!(
        "{bucket}\nversions: {{ type: aws:s3:BucketVersioning, properties: {{ bucket: '${{bucket.id}}', versioningConfiguration: {{ status: Enabled }} }} }}\n"
    );
    world
        .check(
            &versioned,
            &up(),
            expect![[r#"
                0 update bucket : records what is ours
                1 update versions versioningConfiguration: edited after 0
            "#]],
        )
        .await;
    // Removed by name, it makes room for ours, which stays ours.
    let request = Request {
        remove: vec!["policy-of-others".to_owned()],
        ..up()
    };
    world.arrives(bucket, &request).await;
    world.arrives(DATA, &up()).await;
}

/// The count of a raw service is the number where autoscaling begins, and not one that every `up` restores.
#[tokio::test(start_paused = true)]
async fn a_count_that_autoscaling_has_chosen_stays() {
    let scaled = "
cluster: { type: aws:ecs:Cluster, properties: { name: shop } }
service: { type: aws:ecs:Service, properties: { name: api, cluster: '${cluster.arn}', taskDefinition: 'api:1', desiredCount: 1 } }
target: { type: aws:appautoscaling:Target, properties: { serviceNamespace: ecs, resourceId: 'service/${cluster.name}/${service.name}', scalableDimension: 'ecs:service:DesiredCount', minCapacity: 2, maxCapacity: 10 } }
";
    let world = World::with(scaled).await;
    let service = world.object("service").id;
    for (live, planned) in [
        (2, expect![""]),
        (7, expect![""]),
        (
            1,
            expect![[r#"
            0 update service desiredCount: drift
        "#]],
        ),
    ] {
        world.account.edit(&service, |service| {
            service.inputs.insert("desiredCount".into(), live.into());
        });
        world.check(scaled, &up(), planned).await;
    }
    // Named instead of referred to, it is the same service.
    let named = scaled.replace(
        "service/${cluster.name}/${service.name}",
        "service/shop/api",
    );
    world.account.edit(&service, |service| {
        service.inputs.insert("desiredCount".into(), 7.into());
    });
    world.check(&named, &up(), expect![""]).await;
}

/// An update that takes something away deletes data as well, and needs consent.
#[tokio::test(start_paused = true)]
async fn data_that_an_update_takes_away_wants_consent() {
    let kept = "
events: { type: aws:cloudwatch:LogGroup, properties: { name: shop, retentionInDays: 90 } }
db: { type: aws:rds:Instance, properties: { identifier: shop, engine: postgres, instanceClass: db.t3.micro, allocatedStorage: 20, username: shop, backupRetentionPeriod: 7 } }
";
    let world = World::with(kept).await;
    let less = kept
        .replace("retentionInDays: 90", "retentionInDays: 7")
        .replace("backupRetentionPeriod: 7", "backupRetentionPeriod: 0");
    world.check(&less, &up(), expect![[r#"
        0 update events retentionInDays: edited
        1 update db backupRetentionPeriod: edited
        refused: Shortens { urn: urn:fde:shop/dev::aws:cloudwatch:LogGroup::events, id: "shop", what: Some("older events are deleted") }
        refused: Shortens { urn: urn:fde:shop/dev::aws:rds:Instance::db, id: "instance-000002", what: Some("all automated backups are deleted") }
    "#]]).await;
    let consent = Request {
        allow_delete: names(&["events", "db"]),
        ..up()
    };
    world
        .check(
            &less,
            &consent,
            expect![[r#"
        0 update events retentionInDays: edited
        1 update db backupRetentionPeriod: edited
    "#]],
        )
        .await;
    // A retention that others have made longer, or that a killed run did not set, comes back to the one that was agreed to.
    let events = world.object("events").id;
    world.account.edit(&events, |events| {
        events.inputs.remove("retentionInDays");
    });
    world
        .check(
            kept,
            &up(),
            expect![[r#"
        0 update events retentionInDays: drift
    "#]],
        )
        .await;
    world.account.edit(&events, |events| {
        events.inputs.insert("retentionInDays".into(), 90.into());
    });
    // More is no loss.
    let more = kept
        .replace("retentionInDays: 90", "retentionInDays: 180")
        .replace("backupRetentionPeriod: 7", "backupRetentionPeriod: 14");
    world
        .check(
            &more,
            &up(),
            expect![[r#"
        0 update events retentionInDays: edited
        1 update db backupRetentionPeriod: edited
    "#]],
        )
        .await;
}

/// A new object starts with the values that others had chosen for the old one.
#[tokio::test(start_paused = true)]
async fn a_scaled_out_service_that_is_replaced_starts_with_the_live_count() {
    let scaled = "
cluster: { type: aws:ecs:Cluster, properties: { name: shop } }
service: { type: aws:ecs:Service, properties: { name: api, cluster: '${cluster.arn}', taskDefinition: 'api:1', desiredCount: 1 } }
target: { type: aws:appautoscaling:Target, properties: { serviceNamespace: ecs, resourceId: 'service/${cluster.name}/${service.name}', scalableDimension: 'ecs:service:DesiredCount', minCapacity: 2, maxCapacity: 10 } }
";
    let world = World::with(scaled).await;
    world.account.edit(&world.object("service").id, |service| {
        service.inputs.insert("desiredCount".into(), 7.into());
    });
    let renamed = scaled.replace("name: api", "name: web");
    let request = Request {
        allow_delete: names(&["*"]),
        ..up()
    };
    let plan = world.plan(&renamed, &request).await;
    let planned = plan.steps.iter().find_map(|step| match &step.action {
        Action::CreateReplacement { comparison, .. } if step.urn.name() == "service" => {
            comparison.inputs.get("desiredCount").cloned()
        }
        _ => None,
    });
    assert_eq!(planned, Some(7.into()), "{}", text(&plan));
    let (events, _listener) = tokio::sync::mpsc::unbounded_channel();
    let outcome = execute::run(&plan, &world.account, 1, &Cancel::default(), &events).await;
    assert!(matches!(outcome, Outcome::Done(_)), "{outcome:#?}");
    let made = world.object("service").inputs["desiredCount"].clone();
    assert_eq!(made, 7.into());
}

/// The old revision of a task definition can still be run; one of another family is another object.
#[tokio::test(start_paused = true)]
async fn a_new_revision_destroys_nothing() {
    let before = "
task: { type: aws:ecs:TaskDefinition, properties: { family: api, containerDefinitions: [{ name: api, image: 'shop/api:1.27' }] } }
";
    let world = World::with(before).await;
    let shown = async |text: &str| -> Vec<(plan::Op, bool)> {
        let plan = world.plan(text, &up()).await;
        let steps = plan.steps.iter();
        steps
            .map(|step| (step.shown_op(), step.is_revision))
            .collect()
    };
    let deployed = before.replace("1.27", "1.28");
    assert_eq!(shown(&deployed).await, [(plan::Op::Update, true); 2]);
    let renamed = before.replace("family: api", "family: web");
    assert_eq!(shown(&renamed).await, [(plan::Op::Replace, false); 2]);
}

/// HTTP goes on serving until all of HTTPS does, and HTTPS until HTTP does again.
#[tokio::test(start_paused = true)]
async fn http_redirects_once_https_is_served() {
    let plain = "
network: {}
services:
  api: { port: 8000, routes: ['/api/*'], image: v1 }
  web: { port: 3000, image: v1, default: true }
loadBalancer: {}
";
    let world = World::with(plain).await;
    let arn =
        "arn:aws:acm:eu-south-2:123456789012:certificate/12345678-1234-1234-1234-123456789012";
    let secure = plain.replace(
        "loadBalancer: {}",
        &format!("loadBalancer: {{ certificateArn: '{arn}' }}"),
    );
    world.check(&secure, &up(), expect![[r#"
        0 create loadBalancer/httpsListener: not there
        1 create replacement of loadBalancer/api/routes1: cannot change in place: listenerArn after 0
        2 update loadBalancer/httpListener defaultActions: edited after 0,1
        3 delete replaced loadBalancer/api/routes1: cannot change in place: listenerArn after 1,2
    "#]]).await;
    let world = World::with(&secure).await;
    world.check(plain, &up(), expect![[r#"
        0 update loadBalancer/httpListener defaultActions: edited
        1 create replacement of loadBalancer/api/routes1: cannot change in place: listenerArn after 0
        2 delete replaced loadBalancer/api/routes1: cannot change in place: listenerArn after 1
        3 delete loadBalancer/httpsListener: no longer in the file after 1,2
    "#]]).await;
}

/// No hash of a secret is kept, so nothing tells whether the file or another party has changed it.
#[tokio::test(start_paused = true)]
async fn another_value_of_a_secret_is_not_called_drift() {
    let secret = "
secret: { type: aws:secretsmanager:Secret, properties: { name: shop } }
value: { type: aws:secretsmanager:SecretVersion, properties: { secretId: '${secret.arn}', secretString: one } }
";
    let world = World::with(secret).await;
    let edited = secret.replace("secretString: one", "secretString: two");
    world
        .check(
            &edited,
            &up(),
            expect![[r#"
        0 update value secretString: edited
    "#]],
        )
        .await;
}

/// AWS would let go of a revision in use; what runs goes on running.
#[tokio::test(start_paused = true)]
async fn a_revision_that_ignored_changes_keep_in_use_stays() {
    let pinned = "
cluster: { type: aws:ecs:Cluster, properties: { name: shop } }
task: { type: aws:ecs:TaskDefinition, properties: { family: api, networkMode: host, cpu: 256, memory: 512, containerDefinitions: [{ name: web, image: 'nginx:1' }] } }
service: { type: aws:ecs:Service, properties: { name: api, cluster: '${cluster.arn}', taskDefinition: '${task.arn}' }, options: { ignoreChanges: [taskDefinition] } }
";
    let world = World::with(pinned).await;
    let before = world.object("task");
    let edited = pinned.replace("cpu: 256", "cpu: 512");
    let number_revisions = || {
        let revisions = world.account.objects().into_iter();
        let revisions = revisions.filter(|object| object.token == "aws:ecs:TaskDefinition");
        for (number, revision) in revisions.enumerate() {
            world.account.edit(&revision.id, |revision| {
                let number = Value::from(number as u32 + 1);
                revision.outputs.insert("revision".into(), number);
            });
        }
    };
    for _ in 0..2 {
        number_revisions();
        let plan = world.plan(&edited, &up()).await;
        assert!(
            !plan.steps.iter().any(plan::Step::is_delete),
            "{}",
            text(&plan)
        );
        let (events, _listener) = tokio::sync::mpsc::unbounded_channel();
        let outcome = execute::run(&plan, &world.account, 1, &Cancel::default(), &events).await;
        assert!(matches!(outcome, Outcome::Done(_)), "{outcome:#?}");
    }
    assert!(
        world
            .account
            .objects()
            .iter()
            .any(|object| object.id == before.id)
    );
    world.check(&edited, &up(), expect![""]).await;
    // Once nothing uses it, it goes.
    let free = edited.replace(", options: { ignoreChanges: [taskDefinition] }", "");
    world
        .check(
            &free,
            &up(),
            expect![[r#"
        0 update task : records what is in force
        1 update service taskDefinition: edited after 0
        2 delete task: left over from a replacement after 1
    "#]],
        )
        .await;
}

/// Whatever an update lets expire earlier is data that goes.
#[tokio::test(start_paused = true)]
async fn what_expires_earlier_wants_consent() {
    let kept = "
bucket: { type: aws:s3:Bucket, properties: { bucket: shop-reports } }
rules: { type: aws:s3:BucketLifecycleConfiguration, properties: { bucket: '${bucket.id}', rules: [{ id: old, status: Enabled, expiration: { days: 365 } }] } }
images: { type: aws:ecr:Repository, properties: { name: shop } }
policy: { type: aws:ecr:LifecyclePolicy, properties: { repository: '${images.name}', policy: { rules: [{ rulePriority: 1, selection: { tagStatus: any, countType: imageCountMoreThan, countNumber: 500 }, action: { type: expire } }] } } }
db: { type: aws:rds:Instance, properties: { identifier: shop, engine: postgres, instanceClass: db.t3.micro, allocatedStorage: 20, username: shop, backupRetentionPeriod: 7 } }
";
    let world = World::with(kept).await;
    let less = kept
        .replace("days: 365", "days: 1")
        .replace("countNumber: 500", "countNumber: 1")
        .replace("backupRetentionPeriod: 7", "backupRetentionPeriod: 1");
    world.check(&less, &up(), expect![[r#"
        0 update policy policy: edited
        1 update db backupRetentionPeriod: edited
        2 update rules rules: edited
        refused: Shortens { urn: urn:fde:shop/dev::aws:ecr:LifecyclePolicy::policy, id: "lifecyclepolicy-000002", what: Some("more images expire and are lost") }
        refused: Shortens { urn: urn:fde:shop/dev::aws:rds:Instance::db, id: "instance-000003", what: Some("older automated backups are deleted") }
        refused: Shortens { urn: urn:fde:shop/dev::aws:s3:BucketLifecycleConfiguration::rules, id: "bucketlifecycleconfiguration-000005", what: Some("older objects are deleted") }
    "#]]).await;
    let more = kept
        .replace("days: 365", "days: 366")
        .replace("countNumber: 500", "countNumber: 501")
        .replace("backupRetentionPeriod: 7", "backupRetentionPeriod: 8");
    world
        .check(
            &more,
            &up(),
            expect![[r#"
        0 update policy policy: edited
        1 update db backupRetentionPeriod: edited
        2 update rules rules: edited
    "#]],
        )
        .await;
    let paused = kept.replace("status: Enabled", "status: Disabled");
    world
        .check(
            &paused,
            &up(),
            expect![[r#"
        0 update rules rules: edited
    "#]],
        )
        .await;
}

/// The logical name is that of the object that stays as well.
#[tokio::test]
async fn the_data_of_a_second_object_goes_by_its_id_alone() {
    let file = "
db: { type: aws:rds:Instance, properties: { identifier: shop, engine: postgres, instanceClass: db.t3.micro, allocatedStorage: 20, username: shop } }
";
    let world = World::with(file).await;
    let mut second = world.object("db");
    second.id = "shop-2".to_owned();
    second.arn = Some("arn:aws:rds:eu-south-2:123456789012:db:shop-2".to_owned());
    second.inputs.insert("identifier".into(), "shop-2".into());
    world.account.insert(second);
    let with = |name: &str| Request {
        allow_delete: names(&[name]),
        ..up()
    };
    for named in [up(), with("db"), with("d*")] {
        let plan = world.plan(file, &named).await;
        let [plan::Refusal::HoldsData { id, .. }] = plan.refusals.as_slice() else {
            panic!("{}", text(&plan));
        };
        assert_eq!((id.as_str(), plan.steps.len()), ("shop-2", 0));
    }
    for named in [with("shop-2"), with("*")] {
        let plan = world.plan(file, &named).await;
        let gone: Vec<&str> = plan
            .going()
            .iter()
            .map(|(_, object)| object.id.as_str())
            .collect();
        assert_eq!(gone, ["shop-2"], "{}", text(&plan));
    }
}

/// It holds no data, but the address that others point at goes with it.
#[tokio::test]
async fn a_load_balancer_under_deletion_protection_goes_by_consent_alone() {
    let file = |name: &str, protected: bool| {
        all(&[RANGES, WAY_IN])
            .replace("shop-one", name)
            .replace(
                "balancer: { type: aws:lb:LoadBalancer, properties: {",
                &format!("balancer: {{ type: aws:lb:LoadBalancer, properties: {{ enableDeletionProtection: {protected},"),
            )
    };
    let protected = file("shop-one", true);
    let world = World::with(&protected).await;
    let id = world.object("balancer").id;
    let replaced = file("shop-two", true);
    let renamed_and_unprotected = file("shop-two", false);
    let without = RANGES.trim();
    for (what, resources, request, op) in [
        ("destroyed", protected.as_str(), destroy(), plan::Op::Delete),
        ("replaced", replaced.as_str(), up(), plan::Op::Replace),
        // The live object is the one that is lost.
        (
            "and unprotected",
            renamed_and_unprotected.as_str(),
            up(),
            plan::Op::Replace,
        ),
        ("taken out of the file", without, up(), plan::Op::Delete),
    ] {
        let plan = world.plan(resources, &request).await;
        let [
            plan::Refusal::Guarded {
                urn,
                op: refused,
                guard,
                ..
            },
        ] = plan.refusals.as_slice()
        else {
            panic!("{what}: {}", text(&plan));
        };
        assert_eq!(urn.name(), "balancer", "{what}");
        assert_eq!(
            (*refused, *guard),
            (op, "enableDeletionProtection"),
            "{what}"
        );
        for name in ["balancer", "*", id.as_str()] {
            let consented = Request {
                allow_delete: names(&[name]),
                ..request.clone()
            };
            let plan = world.plan(resources, &consented).await;
            assert_eq!(plan.refusals, [], "{what}, consented to as {name}");
            let going = plan.going();
            let mut going = going.iter().map(|(_, object)| object.id.as_str());
            assert!(going.any(|going| going == id), "{what}: {}", text(&plan));
        }
    }
    // A load balancer whose protection is switched off first goes in passing.
    let open = file("shop-one", false);
    world.arrives(&open, &up()).await;
    assert_eq!(world.plan(&open, &destroy()).await.refusals, []);
}

/// A subscription that lapses because a person does nothing is offered again, and counts as no one's change.
#[tokio::test]
async fn a_subscription_that_lapsed_is_no_drift() {
    let file = |protocol: &str| {
        format!(
            "topic: {{ type: aws:sns:Topic }}\nmail: {{ type: aws:sns:TopicSubscription, properties: {{ topic: '${{topic.arn}}', protocol: {protocol}, endpoint: x }} }}\n"
        )
    };
    for (protocol, lapses) in [
        ("email", true),
        ("https", true),
        ("sqs", false),
        ("lambda", false),
    ] {
        let file = file(protocol);
        let graph = graph(&file);
        let world = World::with(&file).await;
        let mut live = live::read(&world.account, &graph).await.expect("reads");
        let mail = graph.iter().find(|resource| resource.urn.name() == "mail");
        let mail = &mail.expect("it is wanted").urn;
        live.ours.remove(mail).expect("it is there");
        live.last_run.insert(mail, None);
        let plan = plan::build(&graph, &live, &catalog(), &up());
        let because = &plan.steps[0].because;
        assert_eq!(plan.steps.len(), 1, "{}", text(&plan));
        assert_eq!(*because == plan::Because::Lapsed, lapses, "{protocol}");
        assert_eq!(because.is_drift(), !lapses, "{protocol}");
        assert_eq!(plan.is_in_sync(), lapses, "{protocol}");
    }
}

/// Another address has the place of one that lapsed: it was never offered, and is the file's own change.
#[tokio::test]
async fn a_subscription_to_another_address_has_not_lapsed() {
    let file = |endpoint: &str| {
        format!(
            "topic: {{ type: aws:sns:Topic }}\nmail: {{ type: aws:sns:TopicSubscription, properties: {{ topic: '${{topic.arn}}', protocol: email, endpoint: {endpoint} }} }}\n"
        )
    };
    let world = World::with(&file("a@x.example")).await;
    let before = graph(&file("a@x.example"));
    let mut live = live::read(&world.account, &before).await.expect("reads");
    live.last_run = plan::build(&before, &live, &catalog(), &up()).left;
    live.ours.retain(|urn, _| urn.name() != "mail");
    for (endpoint, because) in [
        ("a@x.example", plan::Because::Lapsed),
        ("c@x.example", plan::Because::Missing),
    ] {
        let plan = plan::build(&graph(&file(endpoint)), &live, &catalog(), &up());
        let mail = plan.steps.iter().find(|step| step.urn.name() == "mail");
        let found = &mail.expect("it is made").because;
        assert_eq!(*found, because, "{endpoint}: {}", text(&plan));
    }
}

/// RDS looks at the policies of its monitoring role when it makes the instance; ECS's first tasks need theirs.
#[tokio::test]
async fn what_assumes_a_role_waits_for_the_policies_of_the_role() {
    let trust = r#"'{"Version":"2012-10-17","Statement":[]}'"#;
    let file = format!(
        "
role: {{ type: aws:iam:Role, properties: {{ assumeRolePolicy: {trust} }} }}
managed: {{ type: aws:iam:RolePolicyAttachment, properties: {{ role: '${{role.name}}', policyArn: arn:aws:iam::aws:policy/a }} }}
inline: {{ type: aws:iam:RolePolicy, properties: {{ role: '${{role.name}}', policy: {trust} }} }}
later: {{ type: aws:iam:RolePolicy, properties: {{ role: '${{role.name}}', policy: {{ Version: '2012-10-17', Statement: [{{ Effect: Allow, Action: 'rds:*', Resource: '${{db.arn}}' }}] }} }} }}
db: {{ type: aws:rds:Instance, properties: {{ identifier: shop, engine: postgres, instanceClass: db.t3.micro, allocatedStorage: 20, username: shop, monitoringInterval: 60, monitoringRoleArn: '${{role.arn}}' }} }}
task: {{ type: aws:ecs:TaskDefinition, properties: {{ family: api, executionRoleArn: '${{role.arn}}', containerDefinitions: [{{ name: api, image: nginx }}] }} }}
cluster: {{ type: aws:ecs:Cluster }}
service: {{ type: aws:ecs:Service, properties: {{ cluster: '${{cluster.name}}', taskDefinition: '${{task.arn}}', networkConfiguration: {{ subnets: [subnet-1] }} }} }}
"
    );
    let graph = graph(&file);
    let needs = |name: &str| {
        let resource = graph.iter().find(|resource| resource.urn.name() == name);
        let needs = fde_infra::graph::dependencies(resource.expect("it is wanted"));
        let names = needs.into_iter().map(|urn| urn.name().to_owned());
        names.collect::<BTreeSet<String>>()
    };
    for (name, waits) in [("db", true), ("service", true), ("task", false)] {
        let needs = needs(name);
        assert_eq!(needs.contains("managed"), waits, "{name}: {needs:?}");
        assert_eq!(needs.contains("inline"), waits, "{name}: {needs:?}");
    }
    // One that names the instance comes after it.
    assert!(!needs("db").contains("later") && needs("later").contains("db"));
}

/// CloudWatch adds up what has one name: a new firewall has names of its stack's own, and one that an earlier version made
/// goes on under the names that alarms of others may read.
#[tokio::test(start_paused = true)]
async fn a_firewall_keeps_the_metrics_that_it_was_made_with() {
    let file = |sets: &str| {
        let waf = format!("waf: {{ enabled: true, sets: [{sets}], count: [] }}");
        PLATFORM.replace("waf: { enabled: false }", &waf)
    };
    let acl = "loadBalancer/webAcl";
    let json = |inputs: &Properties| serde_json::Value::from(&Value::Object(inputs.clone()));
    let metrics = |inputs: &Properties| -> Vec<String> {
        let text = json(inputs).to_string();
        let names = text.split("\"metricName\":\"").skip(1);
        let names = names.filter_map(|rest| rest.split('"').next());
        names.map(str::to_owned).collect()
    };
    let world = World::serving(&file("common")).await;
    let object = world.object(acl);
    let own = [
        "shop-dev-RateLimit",
        "shop-dev-CommonRules",
        "shop-dev-WebAcl",
    ];
    assert_eq!(metrics(&object.inputs), own);

    let renamed = |to: &str| {
        let text = json(&object.inputs).to_string();
        let text = text.replace(
            "\"metricName\":\"shop-dev-",
            &format!("\"metricName\":\"{to}"),
        );
        let value: serde_json::Value = serde_json::from_str(&text).expect("it is JSON");
        let value = Value::from(value);
        value.as_object().expect("inputs").clone()
    };
    let planned = async |sets: &str| {
        let plan = world.plan(&file(sets), &up()).await;
        let mut steps = plan.steps.iter();
        let step = steps.find(|step| step.urn.name() == acl)?;
        Some(metrics(&step.comparison()?.inputs))
    };
    let live = |inputs: Properties| world.account.edit(&object.id, |acl| acl.inputs = inputs);

    live(renamed(""));
    assert_eq!(planned("common").await, None);
    let expected = [
        "RateLimit",
        "CommonRules",
        "shop-dev-SqlInjection",
        "WebAcl",
    ];
    let expected = expected.map(str::to_owned).to_vec();
    assert_eq!(planned("common, sqlInjection").await, Some(expected));
    // Names that no version has given are drift.
    live(renamed("of-others-"));
    let own = own.map(str::to_owned).to_vec();
    assert_eq!(planned("common").await, Some(own));
}

/// RDS recreates a group that is gone, and keeps its content without a limit.
#[tokio::test]
async fn a_log_group_goes_once_the_database_writes_no_more_to_it() {
    let file = |exports: &str| {
        format!(
            "network: {{ natGateways: none }}\ndatabase: {{ engineVersion: '15', logExports: [{exports}] }}\n"
        )
    };
    let world = World::with(&file("postgresql, upgrade")).await;
    let request = Request {
        allow_delete: vec!["*".to_owned()],
        ..up()
    };
    let plan = world.plan(&file("postgresql"), &request).await;
    let of = |name: &str| {
        let found = plan.steps.iter().position(|step| step.urn.name() == name);
        found.unwrap_or_else(|| panic!("{name}: {:#?}", plan.steps))
    };
    let group = &plan.steps[of("database/upgradeLogGroup")];
    assert!(group.is_delete(), "{group:#?}");
    assert!(
        group.waits_for.contains(&of("database/instance")),
        "{group:#?}"
    );
}

/// A replica whose parameters grow is rebooted before its source; here it also waits for what waits for the source. Of this
/// circle the order of the reboots would be dropped first.
#[tokio::test]
async fn steps_that_wait_for_each_other_are_a_violation() {
    let file = |connections: u32, topic: u32| {
        format!(
            "
parameters: {{ type: aws:rds:ParameterGroup, properties: {{ name: shop, family: postgres16, parameters: [{{ name: max_connections, value: '{connections}', applyMethod: pending-reboot }}] }} }}
primary: {{ type: aws:rds:Instance, properties: {{ identifier: shop, engine: postgres, instanceClass: db.t3.micro, allocatedStorage: 20, username: shop, parameterGroupName: '${{parameters.name}}' }} }}
topic: {{ type: aws:sns:Topic, properties: {{ displayName: '${{primary.identifier}} {topic}' }} }}
replica: {{ type: aws:rds:Instance, properties: {{ identifier: shop-replica, instanceClass: db.t3.micro, replicateSourceDb: '${{primary.identifier}}', parameterGroupName: '${{parameters.name}}' }}, options: {{ dependsOn: ['${{topic}}'] }} }}
"
        )
    };
    let world = World::with(&file(100, 1)).await;
    let request = Request {
        reboot: names(&["primary", "replica"]),
        ..up()
    };
    let graph = graph(&file(200, 2));
    let live = live::read(&world.account, &graph).await.expect("reads");
    let plan = plan::build(&graph, &live, &catalog(), &request);
    let violation = plan::verify::verify(&plan, &graph, &catalog()).expect_err("there is a circle");
    expect!["steps wait for each other in a circle: `primary`, `replica`, `topic`, `primary`"]
        .assert_eq(&violation.to_string());
}

/// A role and a revision that a service runs.
const RUNNING: &str = "
cluster: { type: aws:ecs:Cluster, properties: { name: shop } }
role: { type: aws:iam:Role, properties: { name: shop-one, assumeRolePolicy: { Version: '2012-10-17', Statement: [] } } }
rights: { type: aws:iam:RolePolicy, properties: { role: '${role.name}', name: read, policy: { Version: '2012-10-17', Statement: [] } } }
task: { type: aws:ecs:TaskDefinition, properties: { family: api, executionRoleArn: '${role.arn}', containerDefinitions: [{ name: api, image: 'api:1' }] } }
service: { type: aws:ecs:Service, properties: { name: api, cluster: '${cluster.arn}', taskDefinition: '${task.arn}', networkConfiguration: { subnets: [subnet-1] } } }
";

/// The revision that an excluded service runs stays, with all that it needs; the next run that includes the service deletes it.
#[tokio::test(start_paused = true)]
async fn what_is_out_of_reach_keeps_what_it_uses() {
    let edited = RUNNING
        .replace("shop-one", "shop-two")
        .replace("api:1", "api:2");
    for request in [
        Request {
            excludes: names(&["service"]),
            ..up()
        },
        Request {
            targets: names(&["task", "rights"]),
            ..up()
        },
    ] {
        let world = World::with(RUNNING).await;
        let before = ["role", "rights", "task"].map(|name| world.part(name).id);
        let number_revisions = || {
            let revisions = world.account.objects().into_iter();
            let revisions = revisions.filter(|object| object.token == "aws:ecs:TaskDefinition");
            for (number, revision) in revisions.enumerate() {
                world.account.edit(&revision.id, |revision| {
                    let number = Value::from(number as u32 + 1);
                    revision.outputs.insert("revision".into(), number);
                });
            }
        };
        // The second time the new ones stand beside the old ones already.
        for turn in 0..2 {
            number_revisions();
            let plan = world.plan(&edited, &request).await;
            assert_eq!(plan.refusals, [], "{}", text(&plan));
            let mut steps = plan.steps.iter();
            assert!(!steps.any(plan::Step::is_delete), "{}", text(&plan));
            let stays = plan.retained.iter().map(|left| left.urn.name());
            let stays: BTreeSet<&str> = stays.collect();
            // Of a part that the file no longer has there, no record says here that it is ours: it stays with what has it.
            let parts: &[&str] = if turn == 0 { &["rights"] } else { &[] };
            let all = ["role", "task"].iter().chain(parts).copied().collect();
            assert_eq!(stays, all, "turn {turn}: {}", text(&plan));
            let (events, _listener) = tokio::sync::mpsc::unbounded_channel();
            let outcome = execute::run(&plan, &world.account, 1, &Cancel::default(), &events).await;
            assert!(matches!(outcome, Outcome::Done(_)), "{outcome:#?}");
            for id in &before {
                assert!(world.account.look(id).is_some(), "turn {turn}: {id}");
            }
        }
        number_revisions();
        world.arrives(&edited, &up()).await;
        let [role, _, task] = &before;
        for id in [role, task] {
            assert!(world.account.look(id).is_none(), "{id}");
        }
    }
}

/// AWS takes no second flow log of one network to one log group: once a group is back that was deleted by hand, its flow log is
/// what the new one would be.
#[tokio::test(start_paused = true)]
async fn what_comes_back_under_its_name_has_the_old_place_again() {
    let file = "
vpc: { type: aws:ec2:Vpc, properties: { cidrBlock: 10.0.0.0/16 } }
group: { type: aws:cloudwatch:LogGroup, properties: { name: /shop/flows } }
log: { type: aws:ec2:FlowLog, properties: { vpcId: '${vpc.id}', logDestination: '${group.arn}', iamRoleArn: 'arn:aws:iam::123456789012:role/shop' } }
";
    let world = World::with(file).await;
    world.account.remove(&world.object("group").id);
    world
        .check(
            file,
            &up(),
            expect![[r#"
                0 create group: not there
                1 delete replaced log: cannot change in place: logDestination
                2 create replacement of log: cannot change in place: logDestination after 0,1
            "#]],
        )
        .await;
    // Under another name it is another place: no record is lost.
    let renamed = file.replace("/shop/flows", "/shop/others");
    let plan = world.plan(&renamed, &up()).await;
    let at = |of: fn(&Action) -> bool| plan.steps.iter().position(|step| of(&step.action));
    let new = at(|action| matches!(action, Action::CreateReplacement { .. }));
    let old = at(|action| matches!(action, Action::DeleteReplaced { .. }));
    assert!(new < old, "{}", text(&plan));
}

/// A policy under which images expire takes those that are there when it comes, and when it comes back.
#[tokio::test(start_paused = true)]
async fn what_expires_once_a_policy_comes_or_comes_back_wants_consent() {
    let repository = "images: { type: aws:ecr:Repository, properties: { name: shop } }\n";
    let policy = |kept: u32| {
        format!(
            "{repository}policy: {{ type: aws:ecr:LifecyclePolicy, properties: {{ repository: '${{images.name}}', policy: {{ rules: [{{ rulePriority: 1, selection: {{ tagStatus: any, countType: imageCountMoreThan, countNumber: {kept} }}, action: {{ type: expire }} }}] }} }} }}\n"
        )
    };
    let file = policy(10);
    let holds = |world: &World, images: u32| {
        world.account.edit("shop", |live| {
            live.outputs.insert("imageCount".into(), images.into());
        });
    };
    let consent = Request {
        allow_delete: names(&["policy"]),
        ..up()
    };
    let asks = async |world: &World, file: &str, request: &Request| {
        let plan = world.plan(file, request).await;
        assert!(!plan.is_empty());
        let refused = plan.refusals.iter();
        refused
            .map(|refusal| format!("{refusal:?}"))
            .collect::<String>()
    };
    let comes = World::with(repository).await;
    holds(&comes, 11);
    let asked = asks(&comes, &file, &up()).await;
    assert!(asked.contains("newest 10 images"), "{asked}");
    assert_eq!(asks(&comes, &file, &consent).await, "");
    // The images of a first deployment are pushed before the policy is there: all of them stay.
    for images in [0, 2, 10] {
        holds(&comes, images);
        assert_eq!(asks(&comes, &file, &up()).await, "", "{images}");
    }

    let world = World::with(&file).await;
    let live = world.part("policy");
    let drifts = |kept: u32| {
        world.account.edit(&live.id, |live| {
            let text = serde_json::Value::from(&live.inputs["policy"]).to_string();
            let (head, tail) = text.split_once("\"countNumber\":").expect("a number");
            let tail = tail.trim_start_matches(|c: char| c.is_ascii_digit());
            let text = format!("{head}\"countNumber\":{kept}{tail}");
            let policy: serde_json::Value = serde_json::from_str(&text).expect("JSON");
            live.inputs.insert("policy".into(), policy.into());
        });
    };
    holds(&world, 11);
    drifts(99);
    let mut seen = fde_infra::resource::LastRun::default();
    let urn =
        fde_infra::resource::Urn::new(&graph(&file).stack, "aws:ecr:LifecyclePolicy", "policy");
    let drifted = async |request: &Request, seen: &fde_infra::resource::LastRun| {
        let graph = graph(&file);
        let mut snapshot = live::read(&world.account, &graph).await.expect("reads");
        snapshot.last_run = seen.clone();
        plan::build(&graph, &snapshot, &catalog(), request)
    };
    // The inputs are those of the last run, so that others have changed it.
    let hash = drifted(&up(), &seen).await.steps[0]
        .comparison()
        .and_then(|comparison| comparison.hash.clone());
    seen.insert(&urn, hash.as_deref());
    let plan = drifted(&up(), &seen).await;
    assert_eq!(plan.steps[0].because, plan::Because::Drifted);
    let asked = format!("{:?}", plan.refusals);
    assert!(asked.contains("newest 10 images"), "{asked}");
    assert_eq!(drifted(&consent, &seen).await.refusals, []);
    holds(&world, 10);
    assert_eq!(drifted(&up(), &seen).await.refusals, []);
    // One that kept fewer: fewer go.
    holds(&world, 11);
    drifts(3);
    assert_eq!(drifted(&up(), &seen).await.refusals, []);
    // One that others have deleted comes back.
    world.account.remove(&live.id);
    let plan = drifted(&up(), &seen).await;
    let asked = format!("{:?}", plan.refusals);
    assert!(asked.contains("newest 10 images"), "{asked}");
    assert_eq!(drifted(&consent, &seen).await.refusals, []);
    holds(&world, 10);
    assert_eq!(drifted(&up(), &seen).await.refusals, []);
}
