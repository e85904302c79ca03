//! R10: reads that lag behind make nothing twice, take nothing for gone, and show no difference that there is not.

use std::time::Duration;

use crate::fault::Fault;
use crate::job::{DESTROY, Job, MOVE, UP};
use crate::world::{campaign, each, judge, weathers};

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
            // Of several copies some are up to date.
            for flaps in [None, Some(7)] {
                cases.push((*job, Fault::Stale { lag, flaps }));
            }
        }
    }
    let results = each(&cases, |(job, fault)| {
        Some(weathers(job, std::slice::from_ref(fault)))
    });
    let what = format!("reads of EC2, IAM, ECS and the tag index that lag by {lags:?} s");
    judge("R10", &what, None, results);
}
