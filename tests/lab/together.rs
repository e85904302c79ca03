//! R7: several runs at once end in one correct stack, whether or not they take turns.

use std::time::Duration;

use crate::job::{DESTROY, Job, MOVE, UP};
use crate::world::{World, campaign, each, judge};

/// Without the lock one may wait for what another has put into a twin that it would delete: its user loses patience.
const PATIENCE: Duration = Duration::from_secs(60);

/// Done, an error, a resource that failed, one that did not become ready in time: where another was quicker. A crash, a
/// bug and a death by a signal are none of these.
const OVERTAKEN: &[i32] = &[0, 1, 4, 9];
/// A stack that another has destroyed already.
const NO_STACK: i32 = 6;
const CANCELLED: i32 = 8;
/// Refused before anything was changed: another has just taken a place, and has not put on record yet that it did.
const REFUSED: i32 = 5;

struct Case {
    job: &'static Job,
    count: usize,
    takes_turns: bool,
}

fn at_once(case: &Case) -> Vec<String> {
    let Case {
        job,
        count,
        takes_turns,
    } = *case;
    let options: &[&str] = if takes_turns { &[] } else { &["--no-lock"] };
    let mut world = World::of(job);
    let mut problems = Vec::new();
    let (all, is_over_patience) = world.run_at_once(count, options, PATIENCE);
    let mut interrupted = 0;
    for ran in all {
        let is_right = ran.status.is_some_and(|status| match status {
            0 => true,
            _ if takes_turns => false,
            NO_STACK => job.command == "destroy",
            CANCELLED => is_over_patience,
            REFUSED => ran.last_words().contains("fde::guard::place_taken"),
            other => OVERTAKEN.contains(&other),
        });
        if !is_right {
            problems.push(format!("{:?}\n    {}", ran.status, ran.last_words()));
        }
        interrupted += usize::from(ran.status == Some(CANCELLED));
        world.keep(ran);
    }
    if !takes_turns {
        println!(
            "{}, {count} at once: {interrupted} had to be interrupted after {} s",
            job.name,
            PATIENCE.as_secs()
        );
    }
    problems.extend(world.verdict());
    if problems.is_empty() {
        problems.extend(world.destroyed());
    }
    let what = format!("{}, {count} at once{}", job.name, options.concat());
    let problems = problems.into_iter();
    problems
        .map(|problem| format!("{what}: {problem}"))
        .collect()
}

fn all_at_once(what: &str, takes_turns: bool) {
    let counts: &[usize] = match campaign() {
        Some(_) => &[2, 3, 5, 8],
        None => &[2, 8],
    };
    let jobs: &[&'static Job] = match campaign() {
        Some(_) => &[&UP, &MOVE, &DESTROY],
        None => &[&UP],
    };
    let mut cases = Vec::new();
    for job in jobs {
        cases.extend(counts.iter().map(|count| Case {
            job,
            count: *count,
            takes_turns,
        }));
    }
    judge("R7", what, None, each(&cases, |case| Some(at_once(case))));
}

#[test]
fn runs_at_once_take_turns() {
    all_at_once("several runs at once, with the lock", true);
}

#[test]
fn runs_that_take_no_turns_end_in_one_stack() {
    all_at_once("several runs at once, without the lock", false);
}
