//! The costs of commands: P4, P5, P10 and P17 of `promises.md`. Counts and chains are judged, times are reported.

use std::time::Duration;

use crate::fault::Fault;
use crate::job::{MOVE, UP};
use crate::proxy::Logged;
use crate::world::{World, judge};

/// The identity, with the index beside it; then what is listed or looked up by name; and then what takes a second call.
const MOST_TRIPS: usize = 4;

/// P4 and P5: milliseconds per call, and the most time that the preview may take.
const PROMISED: [(&str, u64, Duration); 2] = [
    ("P4", 100, Duration::from_millis(600)),
    ("P5", 200, Duration::from_secs(1)),
];

/// P4, P5: a preview at 100 and 200 ms a call. Its round trips are the longest chain of calls in which each was made after
/// the one before had been answered: the proxy records those times, and every call takes so long that it does not matter how
/// busy the machine is.
#[test]
fn a_preview_makes_few_round_trips() {
    let world = World::of(&MOVE);
    let preview = |latency: Duration| {
        let ran = world.run_words(
            &[Fault::Slow(latency)],
            &["preview", "dev", "--expect-no-changes"],
        );
        assert_eq!(ran.status, Some(0), "{}", ran.last_words());
        (ran.elapsed, ran.calls)
    };
    let (_, calls) = preview(TRIP);
    let chain = longest_chain(&calls);
    tell(&calls, &chain);
    for (promise, latency, most) in PROMISED {
        let (elapsed, _) = preview(Duration::from_millis(latency));
        let what = format!(
            "no-change preview at {latency} ms a call: {} calls, {} one after the other, {:.2} s of {:.2}",
            calls.len(),
            chain.len(),
            elapsed.as_secs_f64(),
            most.as_secs_f64()
        );
        let failures = if chain.len() > MOST_TRIPS {
            vec![what.clone()]
        } else {
            Vec::new()
        };
        judge(promise, &what, None, (1, failures));
    }
}

/// In a file that names an account, nothing else is asked until the account is known to be right; then the rest is asked.
#[test]
fn a_named_account_is_known_before_anything_else_is_asked() {
    let file = std::env::temp_dir().join(format!("fde-infra-account-{}.yaml", std::process::id()));
    let dev = format!("{}/stacks/dev.yaml", env!("CARGO_MANIFEST_DIR"));
    let dev = std::fs::read_to_string(dev).expect("the stack is there");
    let named = format!("account: \"123456789012\"\n{dev}");
    std::fs::write(&file, named).expect("the file can be written");
    let path = file.to_string_lossy().into_owned();
    let world = World::of(&MOVE);
    let words = ["preview", &path, "--expect-no-changes"];
    let ran = world.run_words(&[Fault::Slow(TRIP)], &words);
    std::fs::remove_file(&file).expect("the file can be removed");
    assert_eq!(ran.status, Some(0), "{}", ran.last_words());
    let chain = longest_chain(&ran.calls);
    tell(&ran.calls, &chain);
    let [identity, others @ ..] = ran.calls.as_slice() else {
        panic!("nothing was asked");
    };
    assert_eq!(identity.name, "sts:GetCallerIdentity");
    let known = identity.until.expect("it was answered");
    let mut early = others.iter().filter(|call| call.at < known);
    assert!(early.next().is_none(), "something was asked before");
    assert!(chain.len() <= MOST_TRIPS, "{} round trips", chain.len());
}

/// So long that the processor's share of it, on a busy machine, is smaller.
const TRIP: Duration = Duration::from_secs(3);

/// The longest chain of calls in which each came after the one before had been answered.
fn longest_chain(calls: &[Logged]) -> Vec<&Logged> {
    let mut answered: Vec<&Logged> = calls.iter().collect();
    answered.sort_by_key(|call| call.until);
    let mut chain: Vec<&Logged> = Vec::new();
    for call in answered {
        if chain
            .last()
            .is_none_or(|last| last.until.is_some_and(|until| call.at >= until))
        {
            chain.push(call);
        }
    }
    chain
}

fn tell(calls: &[Logged], chain: &[&Logged]) {
    for call in calls {
        let until = call.until.unwrap_or_default();
        println!(
            "{:>5.1} to {:>5.1} s  {}",
            call.at.as_secs_f64(),
            until.as_secs_f64(),
            call.name
        );
    }
    let chain: Vec<&str> = chain.iter().map(|call| call.name.as_str()).collect();
    println!("the longest chain: {}", chain.join(" → "));
}

/// P10, with a twentieth of the times: of all provisioning, the database is the longest chain.
#[test]
fn an_up_is_as_long_as_its_longest_wait() {
    const PART: f64 = 1.0 / 20.0;
    let mut world = World::of(&UP);
    let ran = world.run_with(&[Fault::Provisioning(PART)], "32");
    assert_eq!(ran.status, Some(0), "{}", ran.last_words());
    let what = format!(
        "up with a twentieth of AWS's times: {:.1} s, the database alone {:.1} s",
        ran.elapsed.as_secs_f64(),
        229.0 * PART
    );
    judge("P10", &what, None, (1, Vec::new()));
}

/// P17: an account that keeps to the published rates never throttles a preview. An `up` that goes by the same rates for
/// minutes may meet AWS's clock the other side of a second now and then.
#[test]
fn published_rates_are_kept() {
    let file = std::env::temp_dir().join(format!("fde-infra-rates-{}.yaml", std::process::id()));
    let dev = format!("{}/stacks/dev.yaml", env!("CARGO_MANIFEST_DIR"));
    let dev = std::fs::read_to_string(dev).expect("the stack is there");
    let mut alarms = String::from("resources:\n");
    for number in 0..900 {
        alarms.push_str(&format!(
            "  alarm{number}: {{ type: aws:cloudwatch:MetricAlarm, properties: {{ comparisonOperator: \
             GreaterThanThreshold, evaluationPeriods: 1, metricName: CPUUtilization, namespace: AWS/ECS, period: 60, \
             statistic: Average, threshold: {number} }} }}\n"
        ));
    }
    let text = dev.replace("resources: {}\n", &alarms);
    std::fs::write(&file, text).expect("the file can be written");
    let mut world = World::of(&MOVE);
    let path = file.to_string_lossy().into_owned();
    let many = world.run_words(&[Fault::Rates], &["preview", &path]);
    std::fs::remove_file(&file).expect("the file can be removed");
    assert_eq!(many.status, Some(0), "{}", many.last_words());
    let up = world.run_with(&[Fault::Rates], "32");
    assert_eq!(up.status, Some(0), "{}", up.last_words());
    for (what, ran, most) in [
        ("a preview of 981 resources", many, 0),
        ("an up that replaces the network", up, 3),
    ] {
        let throttled = ran.harmed;
        let what = format!("{what}: {} calls, {throttled} throttled", ran.calls.len());
        let failures = if throttled > most {
            vec![what.clone()]
        } else {
            Vec::new()
        };
        judge("P17", &what, None, (1, failures));
    }
}
