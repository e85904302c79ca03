//! R1: killed at any call, the next run finishes the job, with nothing twice and nothing left over.

use std::collections::BTreeSet;

use crate::fault::{Fault, When};
use crate::job::{DESTROY, EVERY_TYPE, Job, MOVE, UP};
use crate::world::{World, campaign, each, judge};

/// An ordinary run kills at every fifteenth call; a campaign at every one, and also with one step at a time.
const STRIDE: usize = 15;

fn kill_at_every_call(job: &'static Job) {
    let calls = job.undisturbed().mutating();
    let parallel: &[&'static str] = match campaign() {
        Some(_) => &["1", "16"],
        None => &["16"],
    };
    let mut cases = Vec::new();
    // Two runs differ in which of a hundred calls comes at which place, so these are samples of all calls.
    for at in (0..calls).step_by(campaign().unwrap_or(STRIDE)) {
        for when in [When::Before, When::After] {
            let fault = Fault::Kill(when, at);
            cases.extend(parallel.iter().map(|parallel| (fault.clone(), *parallel)));
        }
    }
    let results = each(&cases, |(fault, parallel)| killed(job, fault, parallel));
    let what = format!("{}, killed at one of {calls} calls", job.name);
    assert!(
        results.0 * 10 >= cases.len() * 8,
        "only {} kills",
        results.0
    );
    judge("R1", &what, None, results);
}

/// The promises broken after a kill. None if the run was through before: two runs differ in the number of their calls.
fn killed(job: &'static Job, fault: &Fault, parallel: &'static str) -> Option<Vec<String>> {
    let mut world = World::of(job);
    let ran = world.run_with(std::slice::from_ref(fault), parallel);
    let struck = ran.struck.clone()?;
    world.keep(ran);
    let mut problems = world.verdict();
    if problems.is_empty() {
        problems.extend(world.destroyed());
    }
    let what = format!(
        "{}, {fault:?} ({}), {parallel} at once",
        job.name, struck.call
    );
    let problems = problems.into_iter();
    Some(
        problems
            .map(|problem| format!("{what}: {problem}"))
            .collect(),
    )
}

/// Every type is made by calls of its own.
#[test]
fn an_up_of_every_type_that_is_killed_is_finished_by_the_next() {
    let undisturbed = EVERY_TYPE.undisturbed();
    let mutating = undisturbed.calls.iter().filter(|call| call.mutating);
    // Buckets have no operations but paths, and their parts are asked for in the query.
    let operations: BTreeSet<&str> = mutating.map(|call| call.name.as_str()).collect();
    let mut cases = Vec::new();
    for (index, operation) in operations.into_iter().enumerate() {
        let whens = [When::Before, When::After];
        let whens = match campaign() {
            Some(_) => &whens[..],
            None => &whens[index % 2..=index % 2],
        };
        for when in whens {
            cases.push(Fault::KillFirst(*when, operation.to_owned()));
        }
    }
    let results = each(&cases, |fault| killed(&EVERY_TYPE, fault, "16"));
    let what = format!(
        "{}, killed at the first call of each operation",
        EVERY_TYPE.name
    );
    judge("R1", &what, None, results);
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
