//! R9: a run that could succeed does, whatever the weather, and at what cost in calls.
//!
//! Random faults cost at most twice the calls. While *nothing* is answered, one caller of each operation asks again and
//! again. On the reference stack that is less than the run itself (the lab holds it to twice); here a run makes some seventy
//! calls in all, so that the same questions weigh more.

use std::time::Duration;

use fde_infra::graph::ResourceGraph;
use fde_infra::plan::Goal;
use fde_infra::testing::fake::Rate;
use fde_infra::testing::faults::FaultProfile;
use fde_infra::testing::generate::{catalog, edited, elaborate, graph_of, resources};
use fde_infra::testing::{FakeAccount, ForeignActor, Random};

use crate::oracle::{self, Held};
use crate::promise::Shown;
use crate::run::{Ended, Records, Run, World, run};
use crate::seeds::{Recorder, alone, each, up_to};

const STACKS: u64 = 50;

/// Resources per stack: about as many as the reference stack has.
const RESOURCES: usize = 80;

struct Case {
    what: &'static str,
    weather: FaultProfile,
    rate: Option<Rate>,
    /// The most calls, relative to those of a quiet day.
    at_most: f64,
}

const QUIET: FaultProfile = FaultProfile {
    throttled: 0,
    unanswered: 0,
    storm: None,
};

const CASES: &[Case] = &[
    Case {
        what: "30 % of all calls throttled",
        weather: FaultProfile {
            throttled: 30,
            ..QUIET
        },
        rate: None,
        at_most: 2.0,
    },
    Case {
        what: "10 % of all answers lost or hung",
        weather: FaultProfile {
            unanswered: 10,
            ..QUIET
        },
        rate: None,
        at_most: 2.0,
    },
    Case {
        what: "all calls refused for 60 s",
        weather: FaultProfile {
            storm: Some((Duration::from_millis(700), Duration::from_millis(60_700))),
            ..QUIET
        },
        rate: None,
        at_most: 3.0,
    },
    Case {
        what: "rates of 5 calls a second, bursts of 10",
        weather: QUIET,
        rate: Some(Rate {
            burst: 10.0,
            per_second: 5.0,
        }),
        at_most: 2.0,
    },
];

/// `up` from nothing, an edit, and `destroy`; answers with the calls made.
async fn lifetime(
    account: &FakeAccount,
    versions: [&ResourceGraph; 2],
    seed: u64,
    weather: FaultProfile,
) -> Held<u64> {
    let world = World {
        account,
        foreign_actor: &ForeignActor::new(account, seed),
        records: &Records::default(),
        flaw: None,
    };
    let [first, second] = versions;
    let mut calls = 0;
    for (graph, goal) in [
        (first, Goal::Up),
        (second, Goal::Up),
        (second, Goal::Destroy),
    ] {
        let mut stormy = Run::calm("stormy", goal, seed);
        stormy.weather = weather;
        let told = run(world, graph, &stormy).await?;
        match &told.ended {
            Ended::Ran(plan, outcome) => oracle::next_run_ends_well(plan, outcome)?,
            _ => return Err("the run does not run".to_owned()),
        }
        if goal == Goal::Up {
            oracle::stands_as_wanted(account, graph, &[])?;
        } else {
            oracle::destroy_leaves_theirs(account, &[])?;
        }
        calls += told.calls;
    }
    Ok(calls)
}

/// The calls of a stack's life on a quiet day, and in the weather of a case.
///
/// # Errors
/// The promise that did not hold, with all that led there.
pub async fn compared(seed: u64, number: usize) -> Held<(u64, u64)> {
    let case = &CASES[number];
    let mut random = Random::new(seed);
    let mut first = resources(&mut random, RESOURCES);
    elaborate(&mut random, &mut first);
    let mut second = edited(&mut random, &first);
    elaborate(&mut random, &mut second);
    let graph = |resources| graph_of(resources).map_err(|errors| format!("{errors:?}"));
    let (first, second) = (graph(first)?, graph(second)?);
    let versions = [&first, &second];
    let heard = Recorder {
        seed,
        filter: "storm",
        call: format!("crate::storm::compared({seed}, {number})"),
    };
    let mut calls = [0; 2];
    for (calls, (weather, rate)) in calls
        .iter_mut()
        .zip([(QUIET, None), (case.weather, case.rate)])
    {
        // Everything is ready at once, so that no calls spent on waiting hide what the weather costs.
        let account = FakeAccount::new(catalog());
        account.limit(rate);
        account.tell(format!("{}: {weather:?}, {rate:?}", case.what));
        let ended = lifetime(&account, versions, seed, weather).await;
        *calls = heard.end(&account, ended)?;
    }
    let [quiet, stormy] = calls;
    Ok((quiet, stormy))
}

#[test]
fn a_run_that_could_succeed_does() {
    let mut dear = Vec::new();
    for (number, case) in CASES.iter().enumerate() {
        let told = each(up_to(STACKS), |seed| alone(compared(seed, number)));
        let seeds = told.len();
        let (mut quiet, mut stormy) = (0, 0);
        let mut failed = Vec::new();
        for (seed, told) in told {
            match told {
                Ok((calm, wild)) => {
                    quiet += calm;
                    stormy += wild;
                }
                Err(what) => failed.push(format!("{}: seed {seed}: {what}", case.what)),
            }
        }
        let shown = Shown {
            promise: "R9",
            level: "simulation",
            what: case.what,
            runs: 3 * seeds,
            seeds: Some(seeds),
            failures: failed.len(),
        };
        shown.tell();
        let times = stormy as f64 / quiet as f64;
        println!("  {stormy} calls against {quiet}: {times:.2} times");
        assert!(failed.is_empty(), "{}", failed.join("\n"));
        // One stack by itself may cost more than all together.
        if times > case.at_most && seeds as u64 == STACKS {
            dear.push(format!("{}: {times:.2}", case.what));
        }
    }
    assert!(dear.is_empty(), "too many calls: {dear:?}");
}
