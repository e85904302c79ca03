//! Plans as they read: a stack file on an account in memory that holds what another file made, and what would happen.
//!
//! `UPDATE_EXPECT=1 cargo test --test plans` writes them anew; read the difference.

#![allow(
    clippy::expect_used,
    clippy::panic,
    reason = "a test that cannot go on fails where it stands, and says what it saw"
)]

use std::collections::BTreeSet;
use std::fmt::Write as _;

use expect_test::{Expect, expect};

use fde_infra::aws::registry::catalog;
use fde_infra::component::stack_graph;
use fde_infra::execute::{self, Cancel, Outcome};
use fde_infra::graph::ResourceGraph;
use fde_infra::plan::{self, Action, Goal, Plan, Request, StepId};
use fde_infra::resource::{Condition, Observed, Tags};
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
    let mut text = "name: shop\nenvironment: dev\nregion: eu-south-2\nresources:\n".to_owned();
    for line in resources.trim().lines() {
        let _ = writeln!(text, "  {line}");
    }
    let read = |_: &str| Ok(text.clone());
    let stack = stack::load("dev.yaml", &read, &[]).unwrap_or_else(|errors| panic!("{errors:#?}"));
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
        assert_eq!(plan::verify::verify(&plan), Ok(()));
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

/// A line for each step, with what it waits for; then what stays, and what stands in the way.
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
        refused: NameTaken { urn: urn:fde:shop/dev::aws:s3:Bucket::bucket, id: "shop-reports", owner: None }
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
