//! Stories by the thousand, and what they have shown.

use std::collections::BTreeMap;
use std::time::Instant;

use fde_infra::testing::faults::Fault;

use crate::beside::{MET_ELSEWHERE as ELSEWHERE, RENAMED, STRANGE};
use crate::promise::Shown;
use crate::seeds::{alone, each, number, up_to};
use crate::story::{AT_ONCE, MISLED, SPARED, Scenario, Tally, tell};

/// Seeds of an ordinary run.
const SEEDS: u64 = 2_000;

/// The number of failing stories that are told.
const TOLD: usize = 3;

/// A way of putting a promise to the test: a story counts for it if it has met one of these.
struct Trial {
    promise: &'static str,
    what: &'static str,
    /// Words of a story's tally.
    meets: &'static [&'static str],
}

const fn trial(promise: &'static str, what: &'static str, meets: &'static [&'static str]) -> Trial {
    Trial {
        promise,
        what,
        meets,
    }
}

const TRIALS: &[Trial] = &[
    trial(
        "R1",
        "killed before or after a call",
        &["KilledBefore", "KilledAfter"],
    ),
    trial(
        "R6",
        "data replaced, removed, destroyed without consent",
        &[SPARED],
    ),
    trial("R7", "two to four runs at once", &["2", "3", "4"]),
    trial("R7", "five to eight runs at once", &["5", "6", "7", "8"]),
    trial(
        "R8",
        "cancelled once or twice at a call",
        &["Cancelled", "CancelledTwice"],
    ),
    trial(
        "R9",
        "calls and answers lost, hung, refused",
        &[
            "Lost",
            "AnswerLost",
            "Hung",
            "Refused(Transient)",
            "Refused(Throttled)",
        ],
    ),
    trial(
        "R9",
        "throttles, storms, answers lost at random",
        &["Throttled", "Stormed", "Unanswered"],
    ),
    trial("R10", "reads 0.5, 5, 30, 120 s behind", &[MISLED]),
    trial("R11", "credentials expired at a call", &["Expired"]),
    trial(
        "R19",
        "parts and tags that others put on ours",
        &[
            "ForeignActor(Hangs)",
            "ForeignActor(Tags)",
            "ForeignActor(Rewrites)",
        ],
    ),
    trial(
        "R19",
        "what looks like ours, or has the place that ours wants",
        &["ForeignActor(Owns)", "ForeignActor(Takes)"],
    ),
    trial(
        "R19",
        "our tags on what others have made",
        &["ForeignActor(Forges)", "ForeignActor(Copies)"],
    ),
    trial("R19", "a part on what others own", &[STRANGE]),
    trial("R19", "renamed in the file", &[RENAMED]),
    trial("R19", "the same stack in another region", &[ELSEWHERE]),
];

impl Trial {
    fn is_met_in(&self, tally: &Tally) -> bool {
        let mut met = tally.keys();
        met.any(|met| {
            let met = met.strip_suffix(AT_ONCE).unwrap_or(met);
            self.meets.contains(&met)
        })
    }
}

/// The outcome of a seed. If a story could not be told to its end, it is not known what it met.
struct Told {
    seed: u64,
    tally: Tally,
    failure: Option<String>,
}

fn told(seeds: std::ops::Range<u64>) -> Vec<Told> {
    let told = each(seeds, |seed| {
        Ok(alone(tell(seed, Scenario::of(seed), None)))
    });
    let told = told.into_iter().map(|(seed, told)| {
        let (tally, ended) = told.unwrap_or_else(|panic| (Tally::new(), Err(panic)));
        Told {
            seed,
            tally,
            failure: ended.err(),
        }
    });
    told.collect()
}

/// A row for each trial. A failure that has met none of them counts for the first promise, that whatever happens the next
/// run finishes the job.
fn show(told: &[Told]) -> Vec<&'static str> {
    let mut never = Vec::new();
    for (index, trial) in TRIALS.iter().enumerate() {
        let counts = |told: &&Told| {
            let is_nothing_met = || !TRIALS.iter().any(|trial| trial.is_met_in(&told.tally));
            trial.is_met_in(&told.tally) || index == 0 && told.failure.is_some() && is_nothing_met()
        };
        let met: Vec<&Told> = told.iter().filter(counts).collect();
        if met.is_empty() {
            never.push(trial.what);
            continue;
        }
        let shown = Shown {
            promise: trial.promise,
            level: "simulation",
            what: trial.what,
            runs: met.len(),
            seeds: Some(met.len()),
            failures: met.iter().filter(|told| told.failure.is_some()).count(),
        };
        shown.tell();
    }
    // Every story compares what is sent with what was planned.
    let deviates = |told: &&Told| {
        let failure = told.failure.as_ref();
        failure.is_some_and(|failure| failure.contains("R18: "))
    };
    let shown = Shown {
        promise: "R18",
        level: "simulation",
        what: "each step sends what the plan has for it",
        runs: told.len(),
        seeds: Some(told.len()),
        failures: told.iter().filter(deviates).count(),
    };
    shown.tell();
    never
}

#[test]
fn stories_end_well() {
    let seeds = up_to(number("FDE_INFRA_SEEDS").unwrap_or(SEEDS));
    let count = seeds.end - seeds.start;
    let began = Instant::now();
    let told = told(seeds);
    let took = began.elapsed();
    let never = show(&told);
    let mut tally = Tally::new();
    let mut scenarios: BTreeMap<Scenario, usize> = BTreeMap::new();
    for told in &told {
        *scenarios.entry(Scenario::of(told.seed)).or_default() += 1;
        for (what, count) in &told.tally {
            *tally.entry(what.clone()).or_default() += count;
        }
    }
    for (scenario, count) in scenarios {
        println!("  {count:>7} stories of {scenario:?}");
    }
    for (what, count) in &tally {
        println!("  {count:>7} {what}");
    }
    let rate = count as f64 / took.as_secs_f64();
    println!("{count} stories in {took:.1?}, {rate:.0} a second");
    let failed = told.iter().filter(|told| told.failure.is_some());
    for what in failed
        .clone()
        .filter_map(|told| told.failure.as_ref())
        .take(TOLD)
    {
        println!("{what}");
    }
    let failed: Vec<u64> = failed.map(|told| told.seed).collect();
    assert!(failed.is_empty(), "{} fail: {failed:?}", failed.len());
    if count >= SEEDS {
        assert!(never.is_empty(), "never met: {never:?}");
        let faults = Fault::OURS.iter().chain(Fault::THEIRS);
        for fault in faults.chain(Fault::BESIDE) {
            assert!(
                tally.contains_key(&format!("{fault:?}")),
                "{fault:?} never happened"
            );
        }
    }
}
