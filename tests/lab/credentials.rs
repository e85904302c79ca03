//! R11: credentials that expire, and rights that are taken away, stop a run cleanly, and the next one goes on. R12: a clock
//! that is an hour off disturbs no run.

use crate::fault::{Fault, Moment};
use crate::job::{DESTROY, Job, MOVE, UP};
use crate::proxy::Logged;
use crate::world::{Ran, World, campaign, each, judge, weathers};

const BAD_CREDENTIALS: Option<i32> = Some(3);
const RESOURCE_FAILED: Option<i32> = Some(4);

/// Steps at a time.
const PARALLEL: (&str, usize) = ("8", 8);

/// Cases at moments of each job, of which it has as many as `moments` says.
fn cases(
    moments: impl Fn(&'static Job) -> usize,
    fault: impl Fn(usize) -> Fault,
) -> Vec<(&'static Job, Fault)> {
    let mut cases = Vec::new();
    for job in [&UP, &MOVE, &DESTROY] {
        let moments = moments(job);
        let stride = campaign().unwrap_or(moments.div_ceil(2));
        cases.extend((0..moments).step_by(stride).map(|at| (job, fault(at))));
    }
    cases
}

/// The changes of a job, but for those that may be under way with its last one.
fn changes(job: &'static Job) -> usize {
    job.undisturbed().mutating() - 5
}

/// The calls of a job before it changes anything.
fn first_reading(job: &'static Job) -> usize {
    let mut calls = job.undisturbed().calls.iter();
    let first = calls.position(changes_something);
    first.expect("a job changes something")
}

/// Returns whether a call is more than taking the lock, giving it back, or noting in the history how a run ended.
fn changes_something(call: &Logged) -> bool {
    call.mutating && !call.name.starts_with("ssm:")
}

/// The changes that a run tried, including the one that was struck first.
fn tried_late(ran: &Ran) -> usize {
    let from = ran.struck.as_ref().map_or(0, |struck| struck.number);
    let late = ran.calls[from..].iter();
    late.filter(|call| changes_something(call)).count()
}

/// The ends of runs that are struck at a call: with this status, with these words, and with at most this number of changes
/// still tried.
fn stops(
    cases: &[(&'static Job, Fault)],
    (status, words): (Option<i32>, &str),
    most: Option<usize>,
    what: &str,
) {
    let results = each(cases, |(job, fault)| {
        let mut world = World::of(job);
        let ran = world.run_with(std::slice::from_ref(fault), PARALLEL.0);
        let struck = ran.struck.clone()?;
        let mut problems = Vec::new();
        if ran.status != status || !ran.screen.contains(words) {
            problems.push(format!("{:?}\n    {}", ran.status, ran.last_words()));
        }
        let late = tried_late(&ran);
        if most.is_some_and(|most| late > most) {
            let late: Vec<&str> = ran.mutating();
            problems.push(format!("changes are begun without credentials: {late:?}"));
        }
        world.keep(ran);
        problems.extend(world.verdict());
        let what = format!(
            "{}, {fault:?} ({}), {late} changes tried after it",
            job.name, struck.call
        );
        println!("{what}");
        let problems = problems.into_iter();
        Some(
            problems
                .map(|problem| format!("{what}: {problem}"))
                .collect(),
        )
    });
    judge("R11", what, None, results);
}

/// A call under way may be tried once; nothing new is begun.
#[test]
fn expired_credentials_stop_a_run_and_the_next_goes_on() {
    let cases = cases(changes, |at| Fault::Expired(Moment::Change(at)));
    let ends = (BAD_CREDENTIALS, "expired");
    let what = "credentials that expire at a change";
    stops(&cases, ends, Some(PARALLEL.1), what);
}

/// Nothing was under way.
#[test]
fn credentials_that_expire_in_the_first_reading_change_nothing() {
    let cases = cases(first_reading, |at| Fault::Expired(Moment::Call(at)));
    let ends = (BAD_CREDENTIALS, "expired");
    let what = "credentials that expire in the first reading";
    stops(&cases, ends, Some(0), what);
}

#[test]
fn rights_that_are_taken_away_stop_a_run_and_the_next_goes_on() {
    let cases = cases(changes, Fault::Denied);
    let ends = (RESOURCE_FAILED, "not authorized");
    // Another step may be allowed what this one was not, so that each of them is tried.
    stops(&cases, ends, None, "nothing is allowed from a change on");
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
