//! Stories by the thousand, and what they have shown.

use std::collections::BTreeMap;
use std::ops::Range;
use std::time::Instant;

use fde_infra::testing::faults::Fault;

use crate::promise::Shown;
use crate::seeds::{alone, each};
use crate::story::{Scenario, Tally, tell};

/// Seeds of an ordinary run.
const SEEDS: u64 = 2_000;

/// How many of the stories that do not end well are told.
const TOLD: usize = 3;

fn number(variable: &str) -> Option<u64> {
    let text = std::env::var(variable).ok()?;
    let number = text.parse();
    Some(number.unwrap_or_else(|_| panic!("{variable} is a number")))
}

fn seeds() -> Range<u64> {
    match number("FDE_INFRA_SEED") {
        Some(seed) => seed..seed + 1,
        None => 0..number("FDE_INFRA_SEEDS").unwrap_or(SEEDS),
    }
}

#[test]
fn stories_end_well() {
    let seeds = seeds();
    let began = Instant::now();
    let told = each(seeds.clone(), |seed| {
        alone(tell(seed, Scenario::of(seed), None))
    });
    let took = began.elapsed();
    let mut tally = Tally::new();
    let mut stories: BTreeMap<Scenario, (usize, usize)> = BTreeMap::new();
    let mut failed = Vec::new();
    for (seed, told) in told {
        let (count, failures) = stories.entry(Scenario::of(seed)).or_default();
        *count += 1;
        match told {
            Ok(met) => {
                for (what, count) in met {
                    *tally.entry(what).or_default() += count;
                }
            }
            Err(what) => {
                *failures += 1;
                failed.push((seed, what));
            }
        }
    }
    for (promise, what, scenarios) in [
        (
            "R1",
            "killed before or after a call",
            &[Scenario::Faults] as &[Scenario],
        ),
        (
            "R6",
            "data replaced, removed, destroyed without consent",
            &[Scenario::Data],
        ),
        ("R7", "two runs at once", &[Scenario::Crowd(2)]),
        ("R7", "eight runs at once", &[Scenario::Crowd(8)]),
        (
            "R8",
            "cancelled once or twice at a call",
            &[Scenario::Faults],
        ),
        (
            "R9",
            "calls and answers lost, hung, refused",
            &[Scenario::Faults],
        ),
        ("R10", "reads 0.5, 5, 30, 120 s behind", &[Scenario::Stale]),
        ("R11", "credentials expired at a call", &[Scenario::Faults]),
        (
            "R1",
            "somebody edits, deletes, copies, strips",
            &[Scenario::Somebody],
        ),
    ] {
        let counts = scenarios
            .iter()
            .filter_map(|scenario| stories.get(scenario));
        let (runs, failures) = counts.fold((0, 0), |sum, (count, failures)| {
            (sum.0 + count, sum.1 + failures)
        });
        let shown = Shown {
            promise,
            level: "simulation",
            what,
            runs,
            seeds: Some(runs),
            failures,
        };
        shown.tell();
    }
    for (what, count) in &tally {
        println!("  {count:>7} {what}");
    }
    let count = seeds.end - seeds.start;
    let rate = count as f64 / took.as_secs_f64();
    println!("{count} stories in {took:.1?}, {rate:.0} a second");
    for (_, what) in failed.iter().take(TOLD) {
        println!("{what}");
    }
    let failed: Vec<u64> = failed.iter().map(|(seed, _)| *seed).collect();
    assert!(failed.is_empty(), "{} fail: {failed:?}", failed.len());
    if count >= SEEDS {
        for fault in Fault::OURS.iter().chain(Fault::THEIRS) {
            assert!(
                tally.contains_key(&format!("{fault:?}")),
                "{fault:?} never happened"
            );
        }
    }
}
