//! R8: asked to end, the program does so before a CI system would kill it; asked twice, at once. The next run goes on.

use std::time::Duration;

use crate::fault::{BETWEEN_SIGNALS, Fault, Moment, Signal};
use crate::job::{DESTROY, Job, MOVE, UP};
use crate::world::{World, campaign, each_in_time, judge};

/// CI systems kill after 7.5 s.
const IN_TIME: Duration = Duration::from_secs(7);
/// Counted from the first of two signals. This includes ending a process, with another run on the same processors.
const AT_ONCE: Duration = Duration::from_secs(1).saturating_add(BETWEEN_SIGNALS);
const CANCELLED: Option<i32> = Some(8);

struct Case {
    job: &'static Job,
    faults: Vec<Fault>,
    times: usize,
}

/// A signal at a call; every call in turn gets another signal, once or twice, and the call an answer or none.
fn at_call(job: &'static Job, at: usize, turn: usize, hangs: bool) -> Case {
    let signal = if turn.is_multiple_of(2) {
        Signal::Interrupt
    } else {
        Signal::Terminate
    };
    let times = 1 + turn / 2 % 2;
    let fault = Fault::Signal {
        signal,
        times,
        at: Moment::Change(at),
        hangs,
    };
    Case {
        job,
        faults: vec![fault],
        times,
    }
}

/// A signal while everything that takes its time is on its way.
fn while_waiting(signal: Signal, times: usize) -> Case {
    let at = Moment::After(Duration::from_secs(4));
    let signal = Fault::Signal {
        signal,
        times,
        at,
        hangs: false,
    };
    Case {
        job: &UP,
        faults: vec![signal, Fault::Provisioning(1.0)],
        times,
    }
}

fn interrupted(case: &Case) -> Option<Vec<String>> {
    let mut world = World::of(case.job);
    let ran = world.run_with(&case.faults, "16");
    let struck = ran.struck.clone()?;
    let what = format!("{}, {:?} ({})", case.job.name, case.faults, struck.call);
    let took = ran.ended - struck.at;
    let allowed = if case.times == 1 { IN_TIME } else { AT_ONCE };
    let mut problems = Vec::new();
    if ran.status != CANCELLED {
        problems.push(format!("{:?}\n    {}", ran.status, ran.last_words()));
    }
    if took > allowed {
        problems.push(format!("ended after {:.1} s", took.as_secs_f64()));
    }
    world.keep(ran);
    problems.extend(world.verdict());
    let problems = problems.into_iter();
    Some(
        problems
            .map(|problem| format!("{what}: {problem}"))
            .collect(),
    )
}

#[test]
fn a_signal_ends_a_run_in_time() {
    let mut cases = Vec::new();
    for job in [&UP, &MOVE, &DESTROY] {
        // The last calls may be under way with the one that it comes with.
        let calls = job.undisturbed().mutating() - 5;
        let stride = campaign().unwrap_or(calls / 4);
        let turns: &[usize] = match campaign() {
            Some(_) => &[0, 1, 2, 3],
            None => &[0],
        };
        for (index, at) in (0..calls).step_by(stride).enumerate() {
            cases.extend(
                turns
                    .iter()
                    .map(|turn| at_call(job, at, index + turn, false)),
            );
        }
    }
    judge(
        "R8",
        "interrupted or terminated at a call, once or twice",
        None,
        each_in_time(&cases, interrupted),
    );
}

#[test]
fn a_call_that_gets_no_answer_and_a_wait_are_cut_short() {
    let mut cases = vec![
        while_waiting(Signal::Interrupt, 1),
        while_waiting(Signal::Terminate, 2),
    ];
    let calls = UP.undisturbed().mutating() - 5;
    for (index, at) in (2..calls)
        .step_by(campaign().unwrap_or(calls / 2))
        .enumerate()
    {
        // Once, and twice.
        cases.push(at_call(&UP, at, 2 * index, true));
    }
    judge(
        "R8",
        "interrupted or terminated in a wait, or at a call without an answer",
        None,
        each_in_time(&cases, interrupted),
    );
}
