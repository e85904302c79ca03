//! R9: faults between the program and AWS fail no run that could succeed, and make nothing twice. This test takes longest,
//! so it begins early: tests run in the order of their names.

use std::io::{ErrorKind, Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use crate::fault::{Fault, Harm};
use crate::job::{DESTROY, Job, MOVE, UP};
use crate::proxy::{Answer, Proxy};
use crate::world::{World, campaign, each, judge, weathers};

pub type Case = (&'static Job, Fault);

pub fn all_weathered(what: &str, seeds: Option<usize>, cases: &[Case]) {
    let results = each(cases, |(job, fault)| {
        Some(weathers(job, std::slice::from_ref(fault)))
    });
    judge("R9", what, seeds, results);
}

#[test]
fn random_throttles_are_waited_out() {
    let seeds = if campaign().is_some() { 30 } else { 2 };
    let throttled = |seed| Fault::Throttled { percent: 30, seed };
    let mut cases: Vec<Case> = (0..seeds).map(|seed| (&UP, throttled(seed))).collect();
    cases.push((&MOVE, throttled(seeds)));
    cases.push((&DESTROY, throttled(seeds + 1)));
    all_weathered("three of ten calls throttled", Some(cases.len()), &cases);
}

#[test]
fn a_storm_is_waited_out() {
    let lasts = Duration::from_secs(if campaign().is_some() { 60 } else { 10 });
    let jobs: &[&'static Job] = match campaign() {
        Some(_) => &[&UP, &MOVE, &DESTROY],
        None => &[&UP],
    };
    let cases: Vec<Case> = jobs
        .iter()
        .flat_map(|job| [2, 20].map(|at| (*job, Fault::Storm { at, lasts })))
        .collect();
    let what = format!("every call throttled for {} s", lasts.as_secs());
    all_weathered(&what, None, &cases);
}

/// A storm has to be visible on the row of each step that it holds up. The first calls take the lock and announce the run.
#[test]
fn a_storm_is_shown() {
    let mut world = World::of(&UP);
    let lasts = Duration::from_secs(8);
    let ran = world.run_with(&[Fault::Storm { at: 2, lasts }], "16");
    assert_eq!(ran.status, Some(0), "{}", ran.last_words());
    let shown = "creating: AWS throttles logs:CreateLogGroup: waiting, attempt 4";
    assert!(ran.screen.contains(shown), "{}", ran.screen);
}

#[test]
fn answers_that_do_not_arrive_are_made_up_for() {
    let harms = [
        Harm::Lost,
        Harm::Half,
        Harm::Cut,
        Harm::Reset { acts: true },
        Harm::Reset { acts: false },
        Harm::Failed(500),
        Harm::Failed(503),
        Harm::Page(502),
        Harm::Page(504),
    ];
    let mut cases: Vec<Case> = Vec::new();
    let spares_twins = campaign().is_none();
    for (index, harm) in harms.into_iter().enumerate() {
        let every = |nth| Fault::Every {
            nth,
            harm,
            spares_twins,
        };
        if campaign().is_some() {
            for job in [&UP, &MOVE, &DESTROY] {
                cases.extend([4, 5, 7, 11].map(|nth| (job, every(nth))));
            }
        } else {
            let job: &'static Job = [&UP, &MOVE, &DESTROY][index % 3];
            cases.push((job, every(5 + index)));
        }
    }
    cases.push((
        &UP,
        Fault::First {
            operations: &["CreateVpc", "AllocateAddress", "RegisterTaskDefinition"],
            harm: Harm::Lost,
        },
    ));
    let what = "answers lost, cut, reset, 5xx, or pages of HTML";
    all_weathered(what, None, &cases);
}

/// A line that is cut has come to an end; one that is reset is a system error, which programs meet elsewhere.
#[test]
fn a_reset_is_no_end() {
    let world = World::of(&UP);
    let read = |answer: fn() -> Answer| {
        let proxy = Proxy::before(&world.account.endpoint, move |_| Some(answer()));
        let address = proxy.endpoint.trim_start_matches("http://");
        let mut client = TcpStream::connect(address).expect("the proxy listens");
        let head = "POST / HTTP/1.1\r\nhost: account\r\ncontent-length: 2\r\n\r\n";
        client.write_all(head.as_bytes()).expect("it is sent");
        client.write_all(b"{}").expect("it is sent");
        client.read(&mut [0]).map_err(|error| error.kind())
    };
    let reset = Err(ErrorKind::ConnectionReset);
    assert_eq!(read(|| Answer::Reset { acts: false }), reset);
    assert_eq!(read(|| Answer::Reset { acts: true }), reset);
    assert_eq!(read(|| Answer::Cut), Ok(0));
    assert_eq!(read(|| Answer::Lost), Ok(0));
}
