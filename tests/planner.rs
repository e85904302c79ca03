//! Properties that every plan has, over stacks and accounts made from seeds (`src/testing/generate.rs`).
//!
//! A failing seed is in the panic message; `FDE_INFRA_SEED=<seed> cargo test --test planner` runs it alone.

#![allow(
    clippy::expect_used,
    clippy::panic,
    clippy::print_stderr,
    clippy::print_stdout,
    clippy::unwrap_used,
    reason = "a test that cannot go on fails where it stands, and says what it saw"
)]

use std::collections::{BTreeMap, BTreeSet};

use fde_infra::execute::{self, Cancel, Outcome};
use fde_infra::graph::{Resource, ResourceGraph};
use fde_infra::live;
use fde_infra::plan::{self, Goal, Plan, Request};
use fde_infra::resource::{Observed, Tags, Urn};
use fde_infra::testing::generate::{cascaded, catalog, edited, graph_of, resources, stack};
use fde_infra::testing::{FakeAccount, Random};

/// Every promise below holds for all of these.
fn seeds() -> Vec<u64> {
    match std::env::var("FDE_INFRA_SEED") {
        Ok(seed) => vec![seed.parse().expect("FDE_INFRA_SEED is a number")],
        Err(_) => (0..200).collect(),
    }
}

struct World {
    account: FakeAccount,
}

impl World {
    fn new() -> Self {
        Self {
            account: FakeAccount::new(catalog()),
        }
    }

    async fn plan(&self, graph: &ResourceGraph, request: &Request) -> Plan {
        let live = live::read(&self.account, graph).await.expect("reads");
        let plan = plan::build(graph, &live, &catalog(), request);
        assert_eq!(plan::verify::verify(&plan, graph, &catalog()), Ok(()));
        plan
    }

    async fn run(&self, plan: &Plan) -> Outcome {
        let (events, _listener) = tokio::sync::mpsc::unbounded_channel();
        execute::run(plan, &self.account, 16, &Cancel::default(), &events).await
    }

    async fn up(&self, graph: &ResourceGraph) {
        let plan = self.plan(graph, &consenting(Goal::Up)).await;
        assert_eq!(plan.refusals, []);
        let outcome = self.run(&plan).await;
        assert!(matches!(outcome, Outcome::Done(_)), "{outcome:#?}");
    }

    /// Everything there is, without the ids and generations that differ with an object's history.
    fn shape(&self) -> BTreeSet<String> {
        let objects = self.account.objects();
        let name_of = |id: &str| {
            objects
                .iter()
                .find(|object| object.id == id)
                .and_then(|object| object.tags.owner())
                .map(|urn| urn.to_string())
        };
        objects
            .iter()
            .map(|object| {
                let mut inputs = object.inputs.clone();
                if object.token == "t:net:Group" {
                    inputs.remove("name");
                }
                let mut text = format!("{} {inputs:?}", object.token);
                for other in &objects {
                    if let Some(name) = name_of(&other.id) {
                        text = text.replace(&other.id, &name);
                    }
                }
                text
            })
            .collect()
    }
}

fn consenting(goal: Goal) -> Request {
    Request {
        goal,
        allow_delete: vec!["*".to_owned()],
        ..Request::default()
    }
}

fn graph(resources: Vec<Resource>) -> ResourceGraph {
    graph_of(resources).expect("the generator makes sound stacks")
}

async fn for_each_seed<F: Future<Output = ()>>(check: impl Fn(Random) -> F) {
    for seed in seeds() {
        eprintln!("seed {seed}");
        check(Random::new(seed)).await;
    }
}

#[tokio::test(start_paused = true)]
async fn after_up_nothing_is_left_to_do() {
    for_each_seed(|mut random| async move {
        let world = World::new();
        let graph = graph(resources(&mut random, 12));
        world.up(&graph).await;
        let mutations = world.account.mutations();
        assert!(world.plan(&graph, &Request::default()).await.is_empty());
        world.up(&graph).await;
        assert_eq!(world.account.mutations(), mutations);
        assert_eq!(world.account.objects().len(), graph.len());
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn an_edit_arrives_where_a_fresh_stack_would() {
    for_each_seed(|mut random| async move {
        let first = resources(&mut random, 12);
        let second = edited(&mut random, &first);
        let world = World::new();
        world.up(&graph(first)).await;
        let second = graph(second);
        world.up(&second).await;
        let fresh = World::new();
        fresh.up(&second).await;
        assert_eq!(world.shape(), fresh.shape());
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn replacements_and_other_edits_go_together() {
    // The order is stated independently here, so this also checks the result of the planner's own passes.
    let mut seen: BTreeMap<&str, usize> = BTreeMap::new();
    for seed in seeds() {
        eprintln!("seed {seed}");
        let mut random = Random::new(seed);
        let first = resources(&mut random, 16);
        let second = cascaded(&mut random, &first);
        let third = cascaded(&mut random, &second);
        let world = World::new();
        world.up(&graph(first)).await;
        for version in [second, third] {
            let version = graph(version);
            let plan = world.plan(&version, &consenting(Goal::Up)).await;
            let live = world.account.objects();
            check_order(&plan, &live, &version);
            for (what, is_there) in situations(&plan) {
                *seen.entry(what).or_default() += usize::from(is_there);
            }
            // The account refuses to delete objects in use, and to make objects whose place is taken.
            let outcome = world.run(&plan).await;
            assert!(matches!(outcome, Outcome::Done(_)), "{outcome:#?}");
            let fresh = World::new();
            fresh.up(&version).await;
            assert_eq!(world.shape(), fresh.shape());
            assert!(world.plan(&version, &Request::default()).await.is_empty());
        }
    }
    println!("{seen:?}");
    if seeds().len() > 1 {
        assert!(seen.values().all(|count| *count > 10), "{seen:?}");
    }
}

/// Returns which of the situations that these tests are about occur in a plan.
fn situations(plan: &Plan) -> [(&'static str, bool); 4] {
    use fde_infra::plan::{Action, ReplaceOrder};
    let replaced = |wanted: ReplaceOrder| {
        let mut steps = plan.steps.iter();
        steps.any(|step| {
            matches!(&step.action, Action::CreateReplacement { order, .. } if *order == wanted)
        })
    };
    let removes = plan
        .steps
        .iter()
        .any(|step| matches!(step.action, Action::Delete { .. }));
    let create_first = replaced(ReplaceOrder::CreateFirst);
    let delete_first = replaced(ReplaceOrder::DeleteFirst);
    [
        ("create first, with removals", create_first && removes),
        ("delete first, with removals", delete_first && removes),
        ("both orders", create_first && delete_first),
        (
            "waiting deletions",
            plan.steps
                .iter()
                .any(|step| step.is_delete() && step.waits_for.len() > 2),
        ),
    ]
}

/// Checks the order of steps, stated from the references alone.
fn check_order(plan: &Plan, live: &[Observed], graph: &ResourceGraph) {
    // The steps that each step has to wait for, directly or not.
    let mut before: Vec<BTreeSet<usize>> = Vec::new();
    for step in &plan.steps {
        let mut all = step.waits_for.clone();
        for on in &step.waits_for {
            all.extend(before[*on].iter().copied());
        }
        before.push(all);
    }
    let brings_up = |urn: &Urn| {
        let mut steps = plan.steps.iter().enumerate();
        steps.find(|(_, step)| !step.is_delete() && step.urn == *urn)
    };
    let deletes = |id: &str| {
        let mut steps = plan.steps.iter().enumerate();
        steps.find(|(_, step)| {
            step.is_delete() && step.observed().is_some_and(|observed| observed.id == id)
        })
    };
    let place = |observed: &Observed| {
        let catalog = catalog();
        let schema = catalog.get(&observed.token)?;
        schema.place_of(&observed.inputs)
    };
    for (id, step) in plan.steps.iter().enumerate() {
        if let Some(desired) = step.desired() {
            // The objects that a resource refers to are there first.
            for needed in fde_infra::graph::dependencies(graph.get(&step.urn).expect("wanted")) {
                if let Some((on, _)) = brings_up(needed) {
                    assert!(before[id].contains(&on), "{} before {needed}", desired.urn);
                }
            }
            // Its place is free.
            let comparison = step.comparison().expect("what is wanted is compared");
            let catalog = catalog();
            let schema = catalog.get(step.urn.token()).expect("a known type");
            let wanted = schema.place_of(&comparison.inputs);
            let taken = live.iter().find(|other| {
                other.token == step.urn.token() && wanted.is_some() && place(other) == wanted
            });
            if let Some(other) = taken
                && let Some((on, _)) = deletes(&other.id)
            {
                assert!(
                    before[id].contains(&on),
                    "{} in the place of {}",
                    step.urn,
                    other.id
                );
            }
            continue;
        }
        // A deleted object is used by no resource any more: its users are gone, or have moved.
        let object = step.observed().expect("deletes work on something");
        for user in live {
            let uses = user.id != object.id
                && user
                    .inputs
                    .values()
                    .any(|value| value.as_str() == Some(&object.id));
            if !uses {
                continue;
            }
            let is_gone = deletes(&user.id).is_some_and(|(on, _)| before[id].contains(&on));
            let owner = user.tags.owner();
            let mover = owner.and_then(|urn| brings_up(&urn));
            let has_moved = mover.is_some_and(|(on, _)| before[id].contains(&on));
            assert!(
                is_gone || has_moved,
                "{} goes while {} uses it",
                object.id,
                user.id
            );
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_run_that_stops_anywhere_is_finished_by_the_next() {
    for_each_seed(|mut random| async move {
        let first = resources(&mut random, 10);
        let second = graph(edited(&mut random, &first));
        let fresh = World::new();
        fresh.up(&second).await;
        let first = graph(first);
        let world = World::new();
        world.up(&first).await;
        let whole = world.plan(&second, &consenting(Goal::Up)).await;
        // Each step comes after those that it waits for, so every prefix is a consistent part.
        let stop = random.below(whole.steps.len() + 1);
        let part = Plan {
            steps: whole.steps[..stop].to_vec(),
            ..whole
        };
        let outcome = world.run(&part).await;
        assert!(matches!(outcome, Outcome::Done(_)), "{outcome:#?}");
        world.up(&second).await;
        assert_eq!(world.shape(), fresh.shape());
        assert!(world.plan(&second, &Request::default()).await.is_empty());
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn planning_is_a_function_and_input_order_does_not_matter() {
    for_each_seed(|mut random| async move {
        let first = resources(&mut random, 12);
        let second = edited(&mut random, &first);
        let world = World::new();
        world.up(&graph(first)).await;
        let mut shuffled = second.clone();
        shuffled.reverse();
        let plan = world.plan(&graph(second), &consenting(Goal::Up)).await;
        let again = world.plan(&graph(shuffled), &consenting(Goal::Up)).await;
        assert_eq!(plan, again);
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn destroy_leaves_nothing_of_ours_and_everything_of_others() {
    for_each_seed(|mut random| async move {
        let world = World::new();
        let graph = graph(resources(&mut random, 12));
        world.up(&graph).await;
        let foreign = foreign();
        world.account.insert(foreign.clone());
        let plan = world.plan(&graph, &consenting(Goal::Destroy)).await;
        let outcome = world.run(&plan).await;
        assert!(matches!(outcome, Outcome::Done(_)), "{outcome:#?}");
        assert_eq!(world.account.objects(), [foreign]);
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn data_is_never_deleted_without_consent_and_protection_always_holds() {
    for_each_seed(|mut random| async move {
        let first = resources(&mut random, 12);
        let second = graph(edited(&mut random, &first));
        let first = graph(first);
        let world = World::new();
        world.up(&first).await;
        let protected: BTreeSet<String> = world
            .account
            .objects()
            .iter()
            .filter(|object| !object.tags.is_empty() && random.once_in(3))
            .map(|object| object.id.clone())
            .collect();
        for id in &protected {
            world
                .account
                .edit(id, |object| object.tags.insert("fde:protect", "true"));
        }
        let request = Request::default();
        let plan = world.plan(&second, &request).await;
        let refused: BTreeSet<&Urn> = plan.refusals.iter().map(plan::Refusal::urn).collect();
        for step in &plan.steps {
            let Some(observed) = step.observed().filter(|_| step.is_delete()) else {
                continue;
            };
            if observed.token == "t:data:Store" || protected.contains(&observed.id) {
                assert!(refused.contains(&step.urn), "{step:#?}");
            }
        }
        for goal in [Goal::Up, Goal::Destroy] {
            let plan = world.plan(&second, &consenting(goal)).await;
            let refused: BTreeSet<&Urn> = plan.refusals.iter().map(plan::Refusal::urn).collect();
            for step in plan.steps.iter().filter(|step| step.is_delete()) {
                let id = &step.observed().expect("deletes work on something").id;
                assert!(
                    !protected.contains(id) || refused.contains(&step.urn),
                    "{step:#?}"
                );
            }
        }
    })
    .await;
}

/// Another party's network.
fn foreign() -> Observed {
    Observed {
        token: "t:net:Network".to_owned(),
        id: "network-foreign".to_owned(),
        arn: None,
        inputs: fde_infra::resource::value::properties([("range", "10.0.0.0/16".into())]),
        outputs: fde_infra::resource::Properties::new(),
        tags: Tags::from_iter([("fde:stack".to_owned(), "other/dev".to_owned())]),
        condition: fde_infra::resource::Condition::Ready,
    }
}

#[tokio::test(start_paused = true)]
async fn the_stack_in_use_is_the_generated_one() {
    // Guards the other properties: a generator that made empty stacks would let them all pass.
    let mut types: BTreeSet<String> = BTreeSet::new();
    for seed in 0..50 {
        for resource in resources(&mut Random::new(seed), 12) {
            assert_eq!(resource.urn.stack(), &stack());
            types.insert(resource.urn.token().to_owned());
        }
    }
    assert_eq!(types.len(), 7);
}
