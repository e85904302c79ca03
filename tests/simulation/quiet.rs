//! R3: when nothing goes wrong, a second `up` changes nothing.

use fde_infra::plan::Goal;
use fde_infra::testing::generate::{catalog, elaborate, graph_of, resources};
use fde_infra::testing::{FakeAccount, ForeignActor, Random};

use crate::oracle::{self, Held};
use crate::promise::Shown;
use crate::run::{Ended, Records, Run, World, run};
use crate::seeds::{Recorder, alone, each, up_to};

const STACKS: u64 = 1_000;

/// `up` from nothing, and again.
///
/// # Errors
/// The changes of the second run, or what the first did not do.
pub async fn up_twice(seed: u64) -> Held {
    let account = FakeAccount::new(catalog());
    let ended = up_twice_in(&account, seed).await;
    let heard = Recorder {
        seed,
        filter: "quiet",
        call: format!("crate::quiet::up_twice({seed})"),
    };
    heard.end(&account, ended)
}

async fn up_twice_in(account: &FakeAccount, seed: u64) -> Held {
    let mut random = Random::new(seed);
    let count = 4 + random.below(40);
    let mut resources = resources(&mut random, count);
    elaborate(&mut random, &mut resources);
    let graph = graph_of(resources).map_err(|errors| format!("{errors:?}"))?;
    let world = World {
        account,
        foreign_actor: &ForeignActor::new(account, seed),
        records: &Records::default(),
        flaw: None,
    };
    run(world, &graph, &Run::calm("first", Goal::Up, seed)).await?;
    oracle::stands_as_wanted(account, &graph, &[])?;
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
    let told = each(up_to(STACKS), |seed| alone(up_twice(seed)));
    let runs = told.len();
    let failed: Vec<String> = told
        .into_iter()
        .filter_map(|(seed, told)| Some(format!("seed {seed}: {}", told.err()?)))
        .collect();
    let shown = Shown {
        promise: "R3",
        level: "simulation",
        what: "up twice",
        runs,
        seeds: Some(runs),
        failures: failed.len(),
    };
    shown.tell();
    assert!(failed.is_empty(), "{}", failed.join("\n"));
}
