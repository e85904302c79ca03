//! R1: killed at any call, the next run finishes the job, with nothing twice and nothing left over.

use crate::fault::{Fault, When};
use crate::job::{DESTROY, Job, MOVE, UP};
use crate::promise::Shown;
use crate::world::{World, each};

/// An ordinary run kills at every tenth call; a campaign at every one, and also with one step at a time.
const TENTH: usize = 10;

/// Every so many-th call is tried; set by `FDE_INFRA_LAB`.
pub fn stride() -> Option<usize> {
    let stride = std::env::var("FDE_INFRA_LAB").ok()?;
    Some(stride.parse().expect("FDE_INFRA_LAB is a number from 1"))
}

fn kill_at_every_call(job: &'static Job) {
    let stride = stride();
    let calls = job.undisturbed().mutating();
    let parallel: &[&str] = if stride.is_some() {
        &["1", "16"]
    } else {
        &["16"]
    };
    let mut cases = Vec::new();
    // Which of a hundred calls is the tenth differs from run to run, so these are samples of all calls.
    for at in (0..calls).step_by(stride.unwrap_or(TENTH)) {
        for when in [When::Before, When::After] {
            cases.extend(
                parallel
                    .iter()
                    .map(|parallel| (Fault::Kill(when, at), *parallel)),
            );
        }
    }
    let (runs, failures) = each(&cases, |(fault, parallel)| {
        let mut world = World::of(job);
        let ran = world.run_with(fault, parallel);
        // The calls of two runs are not the same in number: this one was through before.
        let struck = ran.struck.clone()?;
        world.keep(ran);
        let mut faults = world.verdict();
        if faults.is_empty() {
            faults.extend(world.destroyed());
        }
        let what = format!(
            "{}, {fault:?} ({}), {parallel} at once",
            job.name, struck.call
        );
        Some(
            faults
                .into_iter()
                .map(|fault| format!("{what}: {fault}"))
                .collect(),
        )
    });
    let shown = Shown {
        promise: "R1",
        level: "lab",
        what: &format!("{}, killed at one of {calls} calls", job.name),
        runs,
        seeds: None,
        failures: failures.len(),
    };
    shown.tell();
    assert!(failures.is_empty(), "\n{}", failures.join("\n"));
    assert!(runs * 10 >= cases.len() * 8, "only {runs} kills");
}

#[test]
fn up_that_is_killed_is_finished_by_the_next() {
    kill_at_every_call(&UP);
}

#[test]
fn a_move_that_is_killed_is_finished_by_the_next() {
    kill_at_every_call(&MOVE);
}

#[test]
fn destroy_that_is_killed_is_finished_by_the_next() {
    kill_at_every_call(&DESTROY);
}
