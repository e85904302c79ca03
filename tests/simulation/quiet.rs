//! R3: when nothing goes wrong, a second `up` changes nothing.

use fde_infra::plan::Goal;
use fde_infra::testing::generate::{catalog, graph_of, resources};
use fde_infra::testing::{FakeAccount, Random, Somebody};

use crate::oracle;
use crate::promise::Shown;
use crate::run::{Ended, Run, World, run};
use crate::seeds::{alone, each};

const STACKS: u64 = 1_000;

async fn up_twice(seed: u64) -> Result<(), String> {
    let mut random = Random::new(seed);
    let count = 4 + random.below(40);
    let graph = graph_of(resources(&mut random, count)).map_err(|errors| format!("{errors:?}"))?;
    let account = FakeAccount::new(catalog());
    let world = World {
        account: &account,
        somebody: &Somebody::new(&account, seed),
        flaw: None,
    };
    run(world, &graph, &Run::calm("first", Goal::Up, seed)).await?;
    oracle::one_object_per_urn(&account, &graph)?;
    oracle::nothing_unclaimed(&account, &graph, &[])?;
    let before = account.mutations();
    let told = run(world, &graph, &Run::calm("second", Goal::Up, seed)).await?;
    match told.ended {
        Ended::Ran(plan, _) => {
            oracle::further_run_changes_nothing(&plan, account.mutations() - before)
        }
        _ => Err("the second run does not run".to_owned()),
    }
}

#[test]
fn a_second_up_changes_nothing() {
    let told = each(0..STACKS, |seed| alone(up_twice(seed)));
    let failed: Vec<String> = told
        .into_iter()
        .filter_map(|(seed, told)| Some(format!("seed {seed}: {}", told.err()?)))
        .collect();
    let shown = Shown {
        promise: "R3",
        level: "simulation",
        what: "up twice",
        runs: STACKS as usize,
        seeds: Some(STACKS as usize),
        failures: failed.len(),
    };
    shown.tell();
    assert!(failed.is_empty(), "{}", failed.join("\n"));
}
