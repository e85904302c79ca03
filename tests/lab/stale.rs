//! R10: reads that lag behind make nothing twice, take nothing for gone, and show no difference that does not exist.

use std::time::Duration;

use crate::fault::Fault;
use crate::job::{DESTROY, Job, MOVE, UP};
use crate::proxy::Logged;
use crate::world::{Ran, campaign, each, gets_through, judge, more_often};

/// The things that were made twice; if there are none, the calls beyond the limit of twice the usual number. With reads that
/// lag by minutes there may be one more call each second: waits look every five seconds at what takes time, and everything
/// that is under way looks that way.
fn is_too_much(lag: Duration, ran: &Ran, usual: &[Logged]) -> Option<String> {
    let made = more_often(&creates(&ran.calls), &creates(usual));
    if !made.is_empty() {
        return Some(format!("made twice: {made}"));
    }
    let looks = if lag < Duration::from_mins(1) {
        0
    } else {
        usize::try_from(ran.elapsed.as_secs()).unwrap_or(usize::MAX)
    };
    (ran.calls.len() > 2 * usual.len() + looks).then(|| more_often(&ran.calls, usual))
}

fn creates(calls: &[Logged]) -> Vec<Logged> {
    const VERBS: [&str; 3] = [":Create", ":Allocate", ":Register"];
    let makes = |call: &&Logged| VERBS.iter().any(|verb| call.name.contains(verb));
    calls.iter().filter(makes).cloned().collect()
}

#[test]
fn reads_that_lag_lead_nobody_astray() {
    let lags: &[f64] = match campaign() {
        Some(_) => &[120.0, 30.0, 5.0, 0.5],
        None => &[5.0, 0.5],
    };
    let jobs: &[&'static Job] = match campaign() {
        Some(_) => &[&UP, &MOVE, &DESTROY],
        None => &[&UP],
    };
    let mut cases = Vec::new();
    for lag in lags.iter().map(|lag| Duration::from_secs_f64(*lag)) {
        for job in jobs {
            // Some of several copies are up to date.
            for flaps in [None, Some(7)] {
                cases.push((*job, lag, Fault::Stale { lag, flaps }));
            }
        }
    }
    let results = each(&cases, |(job, lag, fault)| {
        let is_too_much = |ran: &Ran, usual: &[Logged]| is_too_much(*lag, ran, usual);
        Some(gets_through(job, std::slice::from_ref(fault), is_too_much))
    });
    let what = format!("reads of EC2, IAM, ECS and the tag index that lag by {lags:?} s");
    judge("R10", &what, None, results);
}
