//! Stories from seeds: a stack is brought up, changed and taken down while faults are met; what must hold afterwards is
//! `promises.md` §4.
//!
//! `FDE_INFRA_SEED=<seed> cargo test --test simulation -- stories` hears one again, call by call if it ends badly;
//! `FDE_INFRA_SEEDS=<count>` has that many.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use fde_infra::execute::{self, Cancel, Outcome};
use fde_infra::graph::{Resource, ResourceGraph};
use fde_infra::live;
use fde_infra::plan::{self, Goal, Plan, Request};
use fde_infra::resource::value::properties;
use fde_infra::resource::{Condition, LiveSnapshot, Observed, Properties, Tags};
use fde_infra::testing::faults::{Fault, FaultyAccount};
use fde_infra::testing::generate::{catalog, edited, graph_of, resources, stack};
use fde_infra::testing::{FakeAccount, Random};

use crate::promise::Shown;
use crate::teeth::{Flaw, Flawed};

/// Seeds of an ordinary run.
const SEEDS: u64 = 2_000;

/// What was met, and how often.
type Tally = BTreeMap<String, usize>;

/// What does not hold, and everything that led there.
type Told<T = ()> = Result<T, String>;

pub struct Story {
    seed: u64,
    random: Random,
    account: FakeAccount,
    /// A mistake in the program, to see it caught.
    flaw: Option<Flaw>,
    /// What is not ours, as it was put there.
    foreign: Vec<Observed>,
    calls: Vec<String>,
    tally: Tally,
}

impl Story {
    pub fn new(seed: u64, flaw: Option<Flaw>) -> Self {
        let account = FakeAccount::with_provisioning(catalog(), |token| {
            Duration::from_secs(match token {
                "t:net:Gateway" => 100,
                "t:data:Store" => 230,
                "t:app:Service" => 60,
                _ => 0,
            })
        });
        let foreign = vec![somebodys("network-foreign"), somebodys("network-other")];
        for object in &foreign {
            account.insert(object.clone());
        }
        Self {
            seed,
            random: Random::new(seed),
            account,
            flaw,
            foreign,
            calls: Vec::new(),
            tally: Tally::new(),
        }
    }

    /// From nothing to a stack, to another version of it, and back.
    pub async fn tell(mut self) -> Told<Tally> {
        let count = 4 + self.random.below(9);
        let first = resources(&mut self.random, count);
        let second = edited(&mut self.random, &first);
        for version in [&first, &second] {
            let graph = graph_of(version.clone()).expect("the generator makes sound stacks");
            for _ in 0..=self.random.below(2) {
                self.suffer(&graph, Goal::Up).await?;
                self.check_foreign()?;
            }
            self.recover(&graph, Goal::Up).await?;
            self.check_up(&graph, version).await?;
        }
        let graph = graph_of(second).expect("the generator makes sound stacks");
        self.suffer(&graph, Goal::Destroy).await?;
        self.recover(&graph, Goal::Destroy).await?;
        let left = self.ids();
        let foreign: Vec<&String> = self.foreign.iter().map(|object| &object.id).collect();
        self.expect(left.iter().eq(foreign), || format!("destroy left {left:?}"))?;
        self.check_foreign()?;
        Ok(self.tally)
    }

    fn expect(&self, holds: bool, what: impl FnOnce() -> String) -> Told {
        if holds {
            return Ok(());
        }
        Err(format!(
            "{}\n\n{}\n\nto hear it again: FDE_INFRA_SEED={} cargo test --test simulation -- stories",
            what(),
            self.calls.join("\n"),
            self.seed,
        ))
    }

    fn plan(&self, live: &LiveSnapshot, graph: &ResourceGraph, goal: Goal) -> Told<Plan> {
        let request = Request {
            goal,
            allow_delete: vec!["*".to_owned()],
            ..Request::default()
        };
        let plan = plan::build(graph, live, &catalog(), &request);
        let verdict = plan::verify::verify(&plan);
        self.expect(verdict.is_ok(), || {
            format!("the plan is wrong: {verdict:?}")
        })?;
        Ok(plan)
    }

    /// One run with faults. What comes of it is not the point, but it must not look like a success.
    async fn suffer(&mut self, graph: &ResourceGraph, goal: Goal) -> Told {
        let calls = graph.len();
        let mut faults = BTreeMap::new();
        for _ in 0..=self.random.below(3) {
            let at = self.random.below(calls + calls / 4 + 1);
            let fault = *self.random.pick(Fault::ALL).expect("there are faults");
            faults.insert(at, fault);
        }
        let tokens: Vec<&str> = graph.iter().map(|resource| resource.urn.token()).collect();
        let denied = if self.random.once_in(10) {
            self.random.pick(&tokens).map(|token| (*token).to_owned())
        } else {
            None
        };
        let parallel = if self.random.once_in(3) { 1 } else { 16 };
        let cancel = Cancel::default();
        let seed = Random::new(self.random.number());
        let faulty =
            FaultyAccount::new(&self.account, faults, cancel.clone(), seed).denying(denied.clone());
        let provider = Flawed::new(&faulty, self.flaw);
        let live = live::read(&provider, graph).await;
        let Ok(live) = live else {
            *self.tally.entry("denied read".to_owned()).or_default() += 1;
            return self.expect(denied.is_some(), || "reading failed by itself".to_owned());
        };
        self.expect(denied.is_none(), || {
            format!("{denied:?} may not be read, and that was taken for \"there is none\"")
        })?;
        let plan = self.plan(&live, graph, goal)?;
        let (events, _listener) = tokio::sync::mpsc::unbounded_channel();
        let outcome = tokio::select! {
            biased;
            () = faulty.killed() => None,
            outcome = execute::run(&plan, &provider, parallel, &cancel, &events) => Some(outcome),
        };
        let (calls, met) = (faulty.calls(), faulty.met());
        self.calls
            .push(format!("{goal:?} with {parallel} at once:"));
        self.calls
            .extend(calls.into_iter().map(|call| format!("  {call}")));
        for fault in &met {
            *self.tally.entry(format!("{fault:?}")).or_default() += 1;
        }
        let heard = met.iter().any(|fault| fault.is_heard());
        let is_well = matches!(outcome, Some(Outcome::Done(_)));
        self.expect(!(heard && is_well), || {
            "a run that heard of an error ended as if all were well".to_owned()
        })
    }

    /// A run in which nothing goes wrong, and which must succeed.
    async fn recover(&mut self, graph: &ResourceGraph, goal: Goal) -> Told {
        let cancel = Cancel::default();
        let random = Random::new(self.seed);
        let faulty = FaultyAccount::new(&self.account, BTreeMap::new(), cancel.clone(), random);
        let provider = Flawed::new(&faulty, self.flaw);
        let live = live::read(&provider, graph)
            .await
            .expect("nothing is denied");
        let plan = self.plan(&live, graph, goal)?;
        self.expect(plan.refusals.is_empty(), || {
            format!("the next run is refused: {:?}", plan.refusals)
        })?;
        let (events, _listener) = tokio::sync::mpsc::unbounded_channel();
        let outcome = execute::run(&plan, &provider, 16, &cancel, &events).await;
        let calls = faulty.calls();
        self.calls.push(format!("{goal:?} again:"));
        self.calls
            .extend(calls.into_iter().map(|call| format!("  {call}")));
        self.expect(matches!(outcome, Outcome::Done(_)), || {
            let failed = outcome.report().failed.iter();
            let failed: Vec<String> = failed
                .map(|(id, error)| format!("{}: {error}", plan.steps[*id].urn.name()))
                .collect();
            format!("the next run does not succeed: {failed:#?}")
        })
    }

    /// What must hold once a run without faults has brought a stack up: what is wanted is there, once, as it is wanted,
    /// and nothing besides.
    async fn check_up(&self, graph: &ResourceGraph, wanted: &[Resource]) -> Told {
        let objects = self.account.objects();
        let ours = objects
            .iter()
            .filter(|object| object.tags.belongs_to(&stack()));
        let mut owners: Vec<String> = ours
            .filter_map(|object| object.tags.owner())
            .map(|urn| urn.name().to_owned())
            .collect();
        owners.sort();
        let tagged = |resource: &&Resource| {
            catalog()
                .get(resource.urn.token())
                .is_some_and(|schema| schema.taggable)
        };
        let wanted: BTreeSet<String> = wanted
            .iter()
            .filter(tagged)
            .map(|resource| resource.urn.name().to_owned())
            .collect();
        self.expect(owners.iter().eq(&wanted), || {
            format!("wanted are {wanted:?}, and there are {owners:?}")
        })?;
        let ids = self.ids();
        self.expect(ids.len() == graph.len() + self.foreign.len(), || {
            format!("{} are wanted, and there are {ids:?}", graph.len())
        })?;
        self.check_foreign()?;
        // Seen as it is, and not as a flawed program sees it.
        let live = live::read(&self.account, graph)
            .await
            .expect("nothing is denied");
        let plan = self.plan(&live, graph, Goal::Up)?;
        self.expect(plan.is_empty(), || {
            format!("something is left to do: {:?}", plan.operations())
        })
    }

    fn check_foreign(&self) -> Told {
        let objects = self.account.objects();
        let touched = self.foreign.iter().find(|object| !objects.contains(object));
        self.expect(touched.is_none(), || {
            format!("what is somebody else's was touched: {touched:?}")
        })
    }

    fn ids(&self) -> Vec<String> {
        let objects = self.account.objects();
        objects.into_iter().map(|object| object.id).collect()
    }
}

/// An object of another stack.
fn somebodys(id: &str) -> Observed {
    Observed {
        token: "t:net:Network".to_owned(),
        id: id.to_owned(),
        arn: None,
        inputs: properties([("range", "10.0.0.0/16".into())]),
        outputs: Properties::new(),
        tags: Tags::from_iter([("fde:stack".to_owned(), "other/dev".to_owned())]),
        condition: Condition::Ready,
    }
}

fn number(variable: &str) -> Option<u64> {
    let text = std::env::var(variable).ok()?;
    Some(
        text.parse()
            .unwrap_or_else(|_| panic!("{variable} is a number")),
    )
}

#[tokio::test(start_paused = true)]
async fn stories_end_well() {
    let seeds = match number("FDE_INFRA_SEED") {
        Some(seed) => seed..seed + 1,
        None => 0..number("FDE_INFRA_SEEDS").unwrap_or(SEEDS),
    };
    let mut tally = Tally::new();
    for seed in seeds.clone() {
        let story = Story::new(seed, None).tell().await;
        for (fault, count) in story.unwrap_or_else(|told| panic!("{told}")) {
            *tally.entry(fault).or_default() += count;
        }
    }
    let stories = usize::try_from(seeds.end - seeds.start).expect("not that many");
    for (promise, what) in [
        ("R1", "killed before or after a call"),
        ("R8", "cancelled once or twice at a call"),
        ("R9", "calls and answers lost, refused and throttled"),
    ] {
        let shown = Shown {
            promise,
            level: "simulation",
            what,
            runs: stories,
            seeds: Some(stories),
            failures: 0,
        };
        shown.tell();
    }
    for (fault, count) in &tally {
        println!("  {count:>6} {fault}");
    }
    if seeds.end - seeds.start >= SEEDS {
        for fault in Fault::ALL {
            assert!(
                tally.contains_key(&format!("{fault:?}")),
                "{fault:?} never happened"
            );
        }
    }
}
