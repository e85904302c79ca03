//! What commands cost: P4, P5, P10 and P17 of `promises.md`. Counts are judged, times are told.

use std::time::Duration;

use crate::fault::Fault;
use crate::job::{MOVE, UP};
use crate::world::{World, judge};

/// Who it is, the index, and what is read in rounds, of which some need two calls.
const MOST_TRIPS: u64 = 7;

/// P4, P5: a preview at 100 and 200 ms a call. How many calls it makes one after the other shows at a second a call.
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
    // So long that what the processor takes of it, on a busy machine, is less than a trip.
    let trip = Duration::from_secs(4);
    let (elapsed, calls) = preview(trip);
    let trips = elapsed.as_secs() / trip.as_secs();
    for call in &calls {
        println!("{:>4.1} s  {}", call.at.as_secs_f64(), call.name);
    }
    let calls = calls.len();
    for (promise, latency) in [("P4", 100), ("P5", 200)] {
        let (elapsed, _) = preview(Duration::from_millis(latency));
        let what = format!(
            "no-change preview at {latency} ms a call: {calls} calls, {trips} one after the other, {:.2} s",
            elapsed.as_secs_f64()
        );
        let failures = if trips > MOST_TRIPS {
            vec![what.clone()]
        } else {
            Vec::new()
        };
        judge(promise, &what, None, (1, failures));
    }
}

/// P10, with a twentieth of the times: of what takes its time, the longest chain is the database.
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

/// P17: nobody who keeps to the published rates throttles a preview. An `up` that goes by the same rates for minutes
/// may meet AWS's clock the other side of a second now and then.
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
