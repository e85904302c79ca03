//! P10: how long an `up` takes with AWS-like provisioning times, against the longest chain that its references force.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

use fde_infra::aws::registry::catalog;
use fde_infra::component::{SECTIONS, stack_graph};
use fde_infra::execute::{self, Cancel, Outcome};
use fde_infra::graph::ResourceGraph;
use fde_infra::live;
use fde_infra::plan::{self, Goal, Plan, Request, StepId};
use fde_infra::stack;
use fde_infra::testing::FakeAccount;

/// The time that AWS takes from the create call until the object can be used (`promises.md` §2, middle of each range).
fn aws_like(token: &str) -> Duration {
    Duration::from_secs(match token {
        "aws:ec2:NatGateway" => 105,
        "aws:lb:LoadBalancer" => 118,
        "aws:rds:Instance" => 229,
        "aws:ecs:Service" => 60,
        _ => 2,
    })
}

fn reference_stack(name: &str) -> ResourceGraph {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("stacks");
    let read = |file: &str| std::fs::read_to_string(root.join(file));
    let stack = stack::load(&format!("{name}.yaml"), &read, &[], &SECTIONS)
        .unwrap_or_else(|errors| panic!("{errors:#?}"));
    let (graph, _) = stack_graph(&stack, &catalog()).unwrap_or_else(|errors| panic!("{errors:#?}"));
    graph
}

async fn plan_of(graph: &ResourceGraph, account: &FakeAccount, goal: Goal) -> Plan {
    let live = live::read(account, graph).await.expect("reads");
    let request = Request {
        goal,
        allow_delete: vec!["*".to_owned()],
        ..Request::default()
    };
    let plan = plan::build(graph, &live, &catalog(), &request);
    assert_eq!(plan::verify::verify(&plan, graph, &catalog()), Ok(()));
    plan
}

/// The longest chain of provisioning times that the references force.
fn critical_path(plan: &Plan) -> Duration {
    let mut ends: BTreeMap<StepId, Duration> = BTreeMap::new();
    for (id, step) in plan.steps.iter().enumerate() {
        let begins = step
            .waits_for
            .iter()
            .map(|on| ends[on])
            .max()
            .unwrap_or_default();
        ends.insert(id, begins + aws_like(step.urn.token()));
    }
    ends.into_values().max().unwrap_or_default()
}

#[tokio::test(start_paused = true)]
async fn up_takes_no_longer_than_its_critical_path() {
    for name in ["dev", "staging", "prod"] {
        let graph = reference_stack(name);
        let account = FakeAccount::with_provisioning(catalog(), aws_like);
        let plan = plan_of(&graph, &account, Goal::Up).await;
        let (events, _listener) = tokio::sync::mpsc::unbounded_channel();
        let outcome = execute::run(&plan, &account, 32, &Cancel::default(), &events).await;
        assert!(matches!(outcome, Outcome::Done(_)), "{outcome:#?}");
        let (took, floor) = (outcome.report().elapsed, critical_path(&plan));
        println!(
            "P10 {name}: {} s, critical path {} s",
            took.as_secs(),
            floor.as_secs()
        );
        assert!(took <= floor.mul_f64(1.05), "{took:?} against {floor:?}");
        assert!(plan_of(&graph, &account, Goal::Up).await.is_empty());
    }
}
