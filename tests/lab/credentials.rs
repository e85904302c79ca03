//! R11: credentials that expire, and rights that are taken away, stop a run cleanly, and the next one goes on. R12: a clock
//! that is an hour off disturbs nobody.

use crate::fault::Fault;
use crate::job::{DESTROY, Job, MOVE, UP};
use crate::world::{World, campaign, each, judge, weathers};

const BAD_CREDENTIALS: Option<i32> = Some(3);
const RESOURCE_FAILED: Option<i32> = Some(4);

/// The ends of a run from some call on: with this status, and with these words.
fn stops(
    make: impl Fn(usize) -> Fault,
    status: Option<i32>,
    words: &str,
    promise: &str,
    what: &str,
) {
    let mut cases: Vec<(&'static Job, Fault)> = Vec::new();
    for job in [&UP, &MOVE, &DESTROY] {
        let calls = job.undisturbed().mutating() - 5;
        let stride = campaign().unwrap_or(calls / 2);
        cases.extend((0..calls).step_by(stride).map(|at| (job, make(at))));
    }
    let results = each(&cases, |(job, fault)| {
        let mut world = World::of(job);
        let ran = world.run_with(std::slice::from_ref(fault), "16");
        let struck = ran.struck.clone()?;
        let mut problems = Vec::new();
        if ran.status != status || !ran.screen.contains(words) {
            problems.push(format!("{:?}\n    {}", ran.status, ran.last_words()));
        }
        // Nothing new is begun without a right to it; what was under way may try once.
        let late = ran.calls.iter().filter(|call| call.mutating).count();
        world.keep(ran);
        problems.extend(world.verdict());
        let what = format!("{}, {fault:?} ({}), {late} changes", job.name, struck.call);
        let problems = problems.into_iter();
        Some(
            problems
                .map(|problem| format!("{what}: {problem}"))
                .collect(),
        )
    });
    judge(promise, what, None, results);
}

#[test]
fn expired_credentials_stop_a_run_and_the_next_goes_on() {
    let what = "credentials that expire at a call";
    stops(Fault::Expired, BAD_CREDENTIALS, "expired", "R11", what);
}

#[test]
fn rights_that_are_taken_away_stop_a_run_and_the_next_goes_on() {
    let what = "nothing is allowed from a call on";
    stops(
        Fault::Denied,
        RESOURCE_FAILED,
        "not authorized",
        "R11",
        what,
    );
}

#[test]
fn a_clock_that_is_an_hour_off_disturbs_nobody() {
    let cases: Vec<(&'static Job, Fault)> = vec![
        (&UP, Fault::Skewed(3600)),
        (&UP, Fault::Skewed(-3600)),
        (&DESTROY, Fault::Skewed(3600)),
    ];
    let results = each(&cases, |(job, fault)| {
        Some(weathers(job, std::slice::from_ref(fault)))
    });
    judge("R12", "AWS's clock an hour ahead or behind", None, results);
}
