//! What commands cost: P4, P5, P10 and P17 of `promises.md`. Counts are judged, times are told.

use std::time::Duration;

use crate::fault::Fault;
use crate::job::{MOVE, UP};
use crate::world::{World, judge};

/// P4, P5: a preview at 100 and 200 ms a call, in round trips one after the other.
#[test]
fn a_preview_makes_few_round_trips() {
    for (promise, latency) in [("P4", 100), ("P5", 200)] {
        let world = World::of(&MOVE);
        let words = ["preview", "dev", "--expect-no-changes"];
        let fast = world.run_words(&[], &words);
        let slow = world.run_words(&[Fault::Slow(Duration::from_millis(latency))], &words);
        assert_eq!(slow.status, Some(0), "{}", slow.last_words());
        let trips =
            (slow.elapsed.saturating_sub(fast.elapsed)).as_secs_f64() * 1000.0 / latency as f64;
        let what = format!(
            "no-change preview at {latency} ms a call: {} calls, {:.2} s, {trips:.1} round trips",
            slow.calls.len(),
            slow.elapsed.as_secs_f64()
        );
        // One for who it is, three to read, and what two of each cost on a busy machine.
        let failures = if trips > 8.0 {
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

/// P17: nobody who keeps to the published rates throttles a preview; nor an `up`, where they are published.
#[test]
fn published_rates_are_kept() {
    let file = std::env::temp_dir().join(format!("fde-infra-rates-{}.yaml", std::process::id()));
    let mut text = "extends: STACKS/dev.yaml\nresources:\n"
        .replace("STACKS", &format!("{}/stacks", env!("CARGO_MANIFEST_DIR")));
    for number in 0..900 {
        text.push_str(&format!(
            "  alarm{number}: {{ type: aws:cloudwatch:MetricAlarm, properties: {{ comparisonOperator: \
             GreaterThanThreshold, evaluationPeriods: 1, metricName: CPUUtilization, namespace: AWS/ECS, period: 60, \
             statistic: Average, threshold: {number} }} }}\n"
        ));
    }
    std::fs::write(&file, text).expect("the file can be written");
    let mut world = World::of(&MOVE);
    let path = file.to_string_lossy().into_owned();
    let many = world.run_words(&[Fault::Rates], &["preview", &path]);
    std::fs::remove_file(&file).expect("the file can be removed");
    assert_eq!(many.status, Some(0), "{}", many.last_words());
    let up = world.run_with(&[Fault::Rates], "32");
    assert_eq!(up.status, Some(0), "{}", up.last_words());
    for (what, ran) in [
        ("a preview of 981 resources", many),
        ("an up that replaces the network", up),
    ] {
        let throttled = ran.harmed;
        let what = format!("{what}: {} calls, {throttled} throttled", ran.calls.len());
        let failures = if throttled > 0 {
            vec![what.clone()]
        } else {
            Vec::new()
        };
        judge("P17", &what, None, (1, failures));
    }
}
