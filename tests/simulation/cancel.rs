//! R8: Ctrl-C once and twice at every call of a run, and how long it takes to be out.

use std::time::Duration;

use fde_infra::execute::Outcome;
use fde_infra::graph::ResourceGraph;
use fde_infra::plan::Goal;
use fde_infra::testing::faults::Fault;
use fde_infra::testing::generate::{catalog, elaborate, graph_of, resources};
use fde_infra::testing::{FakeAccount, ForeignActor, Random};

use crate::oracle::{self, Held};
use crate::promise::Shown;
use crate::run::{Ended, Records, Run, World, run};
use crate::seeds::{Recorder, alone, each, up_to};

const STACKS: u64 = 12;

/// The number of times that a stack was cancelled, and the longest time that it took to be out after one request.
type Exits = (usize, Duration);

/// Cancelled at every call of `up` from nothing, each time followed by a run in peace.
///
/// # Errors
/// The promise that did not hold, with all that led there.
pub async fn at_every_call(seed: u64, fault: Fault) -> Held<Exits> {
    let mut random = Random::new(seed);
    let mut resources = resources(&mut random, 12);
    elaborate(&mut random, &mut resources);
    let graph = graph_of(resources).map_err(|errors| format!("{errors:?}"))?;
    let mut exits = (0, Duration::ZERO);
    for call in 0..graph.len() {
        let account = FakeAccount::with_provisioning(catalog(), |_| Duration::from_secs(40));
        account.tell(format!("{fault:?} at call {call}"));
        let ended = at_call(&account, &graph, seed, (call, fault)).await;
        let heard = Recorder {
            seed,
            filter: "cancel",
            call: format!(
                "crate::cancel::at_every_call({seed}, fde_infra::testing::faults::Fault::{fault:?})"
            ),
        };
        let took = heard.end(&account, ended)?;
        exits.0 += 1;
        exits.1 = exits.1.max(took);
    }
    Ok(exits)
}

async fn at_call(
    account: &FakeAccount,
    graph: &ResourceGraph,
    seed: u64,
    (call, fault): (usize, Fault),
) -> Held<Duration> {
    let world = World {
        account,
        foreign_actor: &ForeignActor::new(account, seed),
        records: &Records::default(),
        flaw: None,
    };
    let mut first = Run::calm("cancelled", Goal::Up, seed);
    first.faults.insert(call, fault);
    let told = run(world, graph, &first).await?;
    let cancelled = matches!(&told.ended, Ended::Ran(_, Outcome::Cancelled(_)));
    // After the last call there may be nothing left to cancel.
    if !cancelled && !told.ended.is_well() {
        return Err(format!("call {call}: neither cancelled nor done"));
    }
    let took = told.exit_took.unwrap_or_default();
    let told = run(world, graph, &Run::calm("next", Goal::Up, seed)).await?;
    let Ended::Ran(plan, outcome) = &told.ended else {
        return Err(format!("call {call}: the next run does not run"));
    };
    oracle::next_run_ends_well(plan, outcome)?;
    oracle::stands_as_wanted(account, graph, &[])?;
    Ok(took)
}

#[test]
fn ctrl_c_ends_a_run_in_time() {
    for (fault, what, limit) in [
        (
            Fault::Cancelled,
            "Ctrl-C once at every call",
            Duration::from_secs(7),
        ),
        (
            Fault::CancelledTwice,
            "Ctrl-C twice at every call",
            Duration::ZERO,
        ),
    ] {
        let told = each(up_to(STACKS), |seed| alone(at_every_call(seed, fault)));
        let seeds = told.len();
        let mut runs = 0;
        let mut longest = Duration::ZERO;
        let mut failed = Vec::new();
        for (seed, told) in told {
            match told {
                Ok((count, took)) => {
                    runs += count;
                    longest = longest.max(took);
                }
                Err(what) => failed.push(format!("seed {seed}: {what}")),
            }
        }
        let shown = Shown {
            promise: "R8",
            level: "simulation",
            what,
            runs,
            seeds: Some(seeds),
            failures: failed.len(),
        };
        shown.tell();
        println!("  out after {longest:?} at most");
        assert!(failed.is_empty(), "{}", failed.join("\n"));
        assert!(longest <= limit, "{longest:?}");
    }
}
