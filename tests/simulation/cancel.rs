//! R8: Ctrl-C once and twice at every call of a run, and how long it takes to be out.

use std::time::Duration;

use fde_infra::execute::Outcome;
use fde_infra::plan::Goal;
use fde_infra::testing::faults::Fault;
use fde_infra::testing::generate::{catalog, graph_of, resources};
use fde_infra::testing::{FakeAccount, Random, Somebody};

use crate::oracle;
use crate::promise::Shown;
use crate::run::{Ended, Run, World, run};
use crate::seeds::{alone, each};

const STACKS: u64 = 12;

/// How often a stack was cancelled, and the longest that it took to be out after one request.
type Exits = (usize, Duration);

async fn at_every_call(seed: u64, fault: Fault) -> Result<Exits, String> {
    let graph = graph_of(resources(&mut Random::new(seed), 12)).map_err(|e| format!("{e:?}"))?;
    let mut exits = (0, Duration::ZERO);
    for call in 0..graph.len() {
        let account = FakeAccount::with_provisioning(catalog(), |_| Duration::from_secs(40));
        let world = World {
            account: &account,
            somebody: &Somebody::new(&account, seed),
            flaw: None,
        };
        let mut first = Run::calm("cancelled", Goal::Up, seed);
        first.faults.insert(call, fault);
        let told = run(world, &graph, &first).await?;
        let cancelled = matches!(&told.ended, Ended::Ran(_, Outcome::Cancelled(_)));
        // After the last call there may be nothing left to cancel.
        if !cancelled && !told.ended.is_well() {
            return Err(format!("call {call}: neither cancelled nor done"));
        }
        exits.0 += 1;
        exits.1 = exits.1.max(told.exit_took.unwrap_or_default());
        let told = run(world, &graph, &Run::calm("next", Goal::Up, seed)).await?;
        let Ended::Ran(plan, outcome) = &told.ended else {
            return Err(format!("call {call}: the next run does not run"));
        };
        oracle::next_run_ends_well(plan, outcome)?;
        oracle::one_object_per_urn(&account, &graph)?;
    }
    Ok(exits)
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
        let told = each(0..STACKS, |seed| alone(at_every_call(seed, fault)));
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
            seeds: Some(STACKS as usize),
            failures: failed.len(),
        };
        shown.tell();
        println!("  out after {longest:?} at most");
        assert!(failed.is_empty(), "{}", failed.join("\n"));
        assert!(longest <= limit, "{longest:?}");
    }
}
