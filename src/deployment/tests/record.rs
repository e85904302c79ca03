//! The record of runs, and what it proves.

use std::collections::BTreeSet;
use std::time::Duration;

use tokio::time::sleep;

use super::stack;
use crate::deployment::{Before, Begun, History, Record, history};
use crate::resource::tags::short_hash;
use crate::resource::{LastRun, Made, Proof, StackId, Urn};
use crate::testing::FakeStore;

/// The record of a run is a hint for the next, as far as there is room, and by whole types: half a list would pass for a
/// whole.
#[tokio::test(start_paused = true)]
async fn a_record_says_where_to_look() {
    let store = FakeStore::default();
    let stack = stack();
    let history = History::of(&stack, &store);
    let nothing = history.whereabouts().await.unwrap();
    assert_eq!((nothing.age, nothing.versions), (None, [0, 0]));
    assert!(matches!(nothing.proof, Proof::Known { .. }));
    let arns = |kind: &str, count: usize| {
        let arn = |n| format!("arn:aws:{kind}:eu-south-2:123456789012:shop-dev-{n}");
        (0..count).map(arn).collect::<Vec<_>>()
    };
    let record = Record {
        command: "up".into(),
        types: vec![
            "sns:Topic".into(),
            "cloudwatch:MetricAlarm".into(),
            "fde:x:Y".into(),
        ],
        objects: [
            ("sns:Topic".to_owned(), arns("sns", 3)),
            ("cloudwatch:MetricAlarm".to_owned(), arns("cloudwatch", 200)),
        ]
        .into(),
        run_url: Some("u".repeat(1000)),
        set: (0..500).map(|n| format!("services.api{n}.image")).collect(),
        ..Record::default()
    };
    history.add(&record, None).await.unwrap();
    let text = store.value("/fde-infra/shop/dev/deployments").unwrap();
    assert!(text.len() <= 4096, "{}", text.len());
    sleep(Duration::from_secs(7)).await;
    let left = history.whereabouts().await.unwrap();
    let tokens = ["aws:cloudwatch:MetricAlarm", "aws:sns:Topic", "fde:x:Y"];
    assert_eq!(left.tokens, tokens.map(str::to_owned).into());
    let topics = [("aws:sns:Topic".to_owned(), arns("sns", 3))];
    assert_eq!(left.objects, topics.into());
    assert_eq!(left.age, Some(Duration::from_secs(7)));
    // A record of an earlier version proves nothing.
    assert_eq!(left.proof, Proof::Unknown);
}

#[tokio::test(start_paused = true)]
async fn a_run_is_kept_whatever_was_set() {
    let store = FakeStore::default();
    let stack = stack();
    let history = History::of(&stack, &store);
    let record = Record {
        command: "up".into(),
        created: 81,
        set: (0..500).map(|n| format!("services.api{n}.image")).collect(),
        ..Record::default()
    };
    history.add(&record, None).await.unwrap();
    let text = store.value("/fde-infra/shop/dev/deployments").unwrap();
    assert!(text.len() <= 4096, "{}", text.len());
    // An entry that another version wrote in another form is still a run.
    store.write(
        "/fde-infra/shop/dev/deployments",
        "{\"outcome\": \"partly\"}",
    );
    let listed = history.list().await.unwrap();
    let numbers: Vec<i64> = listed.iter().map(|run| run.number).collect();
    assert_eq!(numbers, [2, 1]);
    let kept = &listed[1].record;
    assert_eq!((kept.command.as_str(), kept.created), ("up", 81));
    assert_eq!(kept.set.len() + kept.set_besides, 500);
}

/// The objects that a run has made are proven by its announcement until they are on record, whatever runs come between.
#[tokio::test(start_paused = true)]
async fn what_a_run_has_made_is_proven_by_its_announcement_until_it_is_on_record() {
    let store = FakeStore::default();
    let stack = stack();
    let history = History::of(&stack, &store);
    let urn = Urn::new(&stack, "aws:ec2:Eip", "address");
    let runs = async || {
        let left = history.whereabouts().await.unwrap();
        let Proof::Known { made, runs, .. } = left.proof else {
            panic!("{left:?}");
        };
        (left.unfinished, made, runs)
    };
    let mut parts = Made::new("key");
    parts.insert_part(&urn, "012345");
    let mut first = Begun::new("first", "key", &parts, &[]);
    assert!(history.begin(&mut first, 0, &Made::new).await.unwrap());
    // It was killed, and so was the next one.
    let (unfinished, made, ids) = runs().await;
    assert!(made.has_part(&urn, "012345"));
    assert_eq!(ids, ["first"]);
    let mut second = Begun::new("second", "key", &Made::new("key"), &unfinished);
    assert!(history.begin(&mut second, 1, &Made::new).await.unwrap());
    let (unfinished, made, ids) = runs().await;
    assert!(made.has_part(&urn, "012345"));
    assert_eq!(ids, ["second", "first"]);
    // The third run ends well, and the objects of the first may not have been seen yet.
    let mut third = Begun::new("third", "key", &Made::new("key"), &unfinished);
    assert!(history.begin(&mut third, 2, &Made::new).await.unwrap());
    let mut made = Made::new("key");
    made.insert_object(&urn, "eipalloc-1");
    let record = Record {
        made: history::made_text(&made),
        key: "key".into(),
        over: vec!["third".into(), "second".into()],
        ..Record::default()
    };
    history.add(&record, None).await.unwrap();
    let (_, made, ids) = runs().await;
    assert!(made.has_object(&urn, "eipalloc-1") && made.has_part(&urn, "012345"));
    assert_eq!(ids, ["first"]);
}

/// The proof of what is ours is kept, even if there is no room for anything else.
#[tokio::test(start_paused = true)]
async fn a_record_keeps_the_proof_of_six_hundred_objects() {
    let store = FakeStore::default();
    let stack = stack();
    let history = History::of(&stack, &store);
    let urn = Urn::new(&stack, "aws:ec2:Eip", "address");
    let mut made = Made::new("key");
    for number in 0..600 {
        made.insert_object(&urn, &format!("eipalloc-{number}"));
    }
    let record = Record {
        made: history::made_text(&made),
        key: "key".into(),
        left: "0033837d:e90f3f ".repeat(200),
        set: (0..500).map(|n| format!("services.api{n}.image")).collect(),
        over: (0..100).map(|n| format!("{n:016x}")).collect(),
        types: (0..30)
            .map(|n| format!("elasticloadbalancing:T{n}"))
            .collect(),
        run_url: Some("u".repeat(1000)),
        ..Record::default()
    };
    history.add(&record, None).await.unwrap();
    let text = store.value("/fde-infra/shop/dev/deployments").unwrap();
    assert!(text.len() <= 4096, "{}", text.len());
    let Proof::Known { made, .. } = history.whereabouts().await.unwrap().proof else {
        panic!("{text}");
    };
    let has = |number: usize| made.has_object(&urn, &format!("eipalloc-{number}"));
    assert!((0..600).all(has) && !has(600));
}

/// SSM has no "write if unchanged": without a lock, the version shows that one run has written over another's record, which
/// is then put beside it.
#[tokio::test(start_paused = true)]
async fn runs_without_a_lock_keep_what_the_others_have_announced_and_put_on_record() {
    let stack = stack();
    for seed in 0..50 {
        let store = FakeStore::slow(seed, Duration::from_millis(200));
        let history = History::of(&stack, &store);
        let urn = Urn::new(&stack, "aws:ec2:Eip", "address");
        let ids: Vec<String> = (0..4).map(|number| format!("eipalloc-{number}")).collect();
        let announce = |id: &String| {
            // None knows of a key yet, and each finds one of its own.
            let mut run = Begun::new(id, id, &Made::new(id), &[]);
            let history = &history;
            async move {
                let is_next = history.begin(&mut run, 0, &Made::new).await.unwrap();
                (is_next, run.key)
            }
        };
        let announced = futures_util::future::join_all(ids.iter().map(announce)).await;
        assert!(announced.iter().filter(|(is_next, _)| *is_next).count() <= 1);
        let keys: BTreeSet<&String> = announced.iter().map(|(_, key)| key).collect();
        assert_eq!(keys.len(), 1, "seed {seed}: {keys:?}");
        let left = history.whereabouts().await.unwrap();
        let unfinished: BTreeSet<&String> = left.unfinished.iter().map(|run| &run.id).collect();
        assert_eq!(unfinished, ids.iter().collect(), "seed {seed}");
        let end = |id: &String| {
            let mut made = Made::new("key");
            made.insert_object(&urn, id);
            let record = Record {
                made: history::made_text(&made),
                key: "key".into(),
                over: left.over_after(id, true),
                ..Record::default()
            };
            let history = &history;
            async move { history.add(&record, Some(Before::default())).await.unwrap() }
        };
        futures_util::future::join_all(ids.iter().map(end)).await;
        let left = history.whereabouts().await.unwrap();
        assert_eq!(left.unfinished, [], "seed {seed}");
        let Proof::Known { made, .. } = left.proof else {
            panic!("{left:?}");
        };
        assert!(
            ids.iter().all(|id| made.has_object(&urn, id)),
            "seed {seed}"
        );
    }
}

/// A run without the right to read the proof leaves it where it is.
#[tokio::test(start_paused = true)]
async fn a_run_that_could_not_read_the_record_takes_nothing_from_it() {
    let store = FakeStore::default();
    let stack = stack();
    let history = History::of(&stack, &store);
    let urn = Urn::new(&stack, "aws:ec2:Eip", "address");
    let mut made = Made::new("key");
    made.insert_object(&urn, "eipalloc-1");
    let known = Record {
        made: history::made_text(&made),
        key: "key".into(),
        over: vec!["first".into()],
        ..Record::default()
    };
    history.add(&known, None).await.unwrap();
    let unread = Record {
        unread: true,
        key: "another".into(),
        ..Record::default()
    };
    for _ in 0..3 {
        history.add(&unread, None).await.unwrap();
    }
    let left = history.whereabouts().await.unwrap();
    let Proof::Known { made, .. } = left.proof else {
        panic!("{left:?}");
    };
    assert!(made.has_object(&urn, "eipalloc-1") && !made.has_object(&urn, "eipalloc-2"));
    assert_eq!(left.over, ["first"]);
    assert_eq!(left.key.as_deref(), Some("key"));
    // Where none has ever been able to, nothing is proven, and nothing is taken for an earlier version's.
    let other = FakeStore::default();
    let history = History::of(&stack, &other);
    history.add(&unread, None).await.unwrap();
    let left = history.whereabouts().await.unwrap();
    assert!(matches!(left.proof, Proof::Known { .. }), "{left:?}");
}

/// An accident, or a user with the right to write the parameter, would otherwise have the tags decide.
#[tokio::test(start_paused = true)]
async fn what_is_no_record_is_not_one_of_an_earlier_version() {
    let stack = stack();
    let urn = Urn::new(&stack, "aws:ec2:Eip", "address");
    let mut made = Made::new("key");
    made.insert_object(&urn, "eipalloc-1");
    let known = Record {
        made: history::made_text(&made),
        key: "key".into(),
        ..Record::default()
    };
    let name = "/fde-infra/shop/dev/deployments";
    for text in [
        "x",
        "{}",
        "null",
        "[]",
        " ",
        r#"{"left":"zzz"}"#,
        r#"{"released":true}"#,
        &"[".repeat(4000),
    ] {
        let store = FakeStore::default();
        let history = History::of(&stack, &store);
        store.write(name, text);
        let left = history.whereabouts().await.unwrap();
        assert_eq!(left.proof, Proof::nothing(), "{text}");
        // The record that stood there before it counts.
        let store = FakeStore::default();
        let history = History::of(&stack, &store);
        history.add(&known, None).await.unwrap();
        store.write(name, text);
        let left = history.whereabouts().await.unwrap();
        let Proof::Known { made, .. } = left.proof else {
            panic!("{text}");
        };
        assert!(made.has_object(&urn, "eipalloc-1"), "{text}");
    }
    // One of an earlier version had no proof.
    let store = FakeStore::default();
    store.write(name, r#"{"command":"up","outcome":"succeeded"}"#);
    let left = History::of(&stack, &store).whereabouts().await.unwrap();
    assert_eq!(left.proof, Proof::Unknown);
}

/// The record of a run of a number of resources, of which each third has no tags. Other runs leave other inputs.
fn large(stack: &StackId, count: usize, run: &str) -> Record {
    let mut made = Made::new("key");
    let mut left = LastRun::default();
    let mut objects = Vec::new();
    for number in 0..count {
        let (urn, inputs) = large_one(stack, number, run);
        if inputs.is_some() {
            made.insert_part(&urn, &format!("{number:06}"));
        } else {
            made.insert_object(&urn, &format!("eipalloc-{number:017x}"));
        }
        if number.is_multiple_of(20) {
            made.insert_mark(&format!("{number:016x}"));
        }
        left.insert(&urn, inputs.as_deref());
        if number.is_multiple_of(50) {
            objects.push(format!(
                "arn:aws:cloudwatch:eu-south-2:123456789012:alarm:shop-dev-services-{number}-cpu"
            ));
        }
    }
    Record {
        command: "up".into(),
        started: "2026-11-29T12:00:00Z".into(),
        file: "bbdb132dbd66".into(),
        types: (0..25).map(|n| format!("ec2:Type{n}")).collect(),
        objects: [("cloudwatch:MetricAlarm".to_owned(), objects)].into(),
        made: history::made_text(&made),
        key: "key".into(),
        over: (0..3).map(|n| format!("{n:016x}")).collect(),
        left: left.to_string(),
        run_url: Some("https://github.com/happyrobot/fde/actions/runs/12345678901".into()),
        tool_version: "0.1.0 (71b2c88 2026-11-27)".into(),
        ..Record::default()
    }
}

/// One of these resources, with the hash of its inputs where it has no tags.
fn large_one(stack: &StackId, number: usize, run: &str) -> (Urn, Option<String>) {
    let urn = Urn::new(
        stack,
        "aws:ec2:Route",
        format!("services/api{number}/route"),
    );
    let inputs = number
        .is_multiple_of(3)
        .then(|| short_hash(&format!("{run} {number}"), 12));
    (urn, inputs)
}

/// Returns whether all of these resources are known to stand as a run has left them.
fn knows(left: &LastRun, stack: &StackId, count: usize, run: &str) -> bool {
    (0..count).all(|number| {
        let (urn, inputs) = large_one(stack, number, run);
        let stands = inputs.is_none_or(|inputs| left.applied(&urn, &inputs));
        left.has(&urn) && stands
    })
}

/// A parameter holds 4,096 characters. How objects stood is known of large stacks as well, and costs no further call to read.
#[tokio::test(start_paused = true)]
async fn how_three_hundred_objects_stood_is_known() {
    let stack = stack();
    for count in [50, 100, 200, 300, 400] {
        let store = FakeStore::default();
        let history = History::of(&stack, &store);
        let record = large(&stack, count, "first");
        history.add(&record, None).await.unwrap();
        store.calls.lock().unwrap().clear();
        let read = history.whereabouts().await.unwrap();
        assert_eq!(store.calls.lock().unwrap().len(), 1, "{count}");
        assert!(knows(&read.left, &stack, count, "first"), "{count}");
        assert!(!knows(&read.left, &stack, count, "second"), "{count}");
        let mut objects = read.objects.into_values();
        assert_eq!(objects.next(), record.objects.into_values().next());
        let Proof::Known { made, .. } = read.proof else {
            panic!("{count}");
        };
        assert!(made.has_part(&large_one(&stack, 3, "first").0, "000003"));
        for name in store.names() {
            let text = store.value(&name).unwrap();
            assert!(text.len() <= 4096, "{name}: {}", text.len());
        }
    }
}

/// A run that is over between two writes, and two runs at once, leave parts of one record with another: these are not mixed.
#[tokio::test(start_paused = true)]
async fn parts_of_two_records_are_not_taken_for_one() {
    let stack = stack();
    let store = FakeStore::default();
    let history = History::of(&stack, &store);
    let (head, part) = (
        "/fde-infra/shop/dev/deployments",
        "/fde-infra/shop/dev/deployments-2",
    );
    history
        .add(&large(&stack, 300, "first"), None)
        .await
        .unwrap();
    let before = [head, part].map(|name| store.value(name).unwrap());
    history
        .add(&large(&stack, 300, "second"), None)
        .await
        .unwrap();
    let after = [head, part].map(|name| store.value(name).unwrap());
    for (texts, known) in [
        ([&before[0], &before[1]], Some("first")),
        ([&after[0], &after[1]], Some("second")),
        ([&before[0], &after[1]], None),
        ([&after[0], &before[1]], None),
    ] {
        store.write(head, texts[0]);
        store.write(part, texts[1]);
        let read = history.whereabouts().await.unwrap();
        for run in ["first", "second"] {
            let (urn, inputs) = large_one(&stack, 3, run);
            let is_known = read.left.applied(&urn, &inputs.unwrap());
            assert_eq!(is_known, known == Some(run), "{known:?}");
        }
        // What proves something is in the first.
        let Proof::Known { made, .. } = read.proof else {
            panic!("{known:?}");
        };
        assert!(made.has_part(&large_one(&stack, 3, "first").0, "000003"));
    }
}

/// Nothing is written that is not needed, and what is no longer needed does not stay.
#[tokio::test(start_paused = true)]
async fn a_record_goes_on_elsewhere_only_as_long_as_it_has_to() {
    let stack = stack();
    let store = FakeStore::default();
    let history = History::of(&stack, &store);
    let part = "/fde-infra/shop/dev/deployments-2";
    let puts = || {
        let mut calls = store.calls.lock().unwrap();
        let made = std::mem::take(&mut *calls);
        made.into_iter().filter(|call| *call == "put").count()
    };
    let before = async || Some(history.whereabouts().await.unwrap().before());
    history
        .add(&large(&stack, 20, "small"), before().await)
        .await
        .unwrap();
    assert_eq!((store.value(part), puts()), (None, 1));
    history
        .add(&large(&stack, 300, "large"), before().await)
        .await
        .unwrap();
    assert!(store.value(part).unwrap().len() > 100);
    assert_eq!(puts(), 2);
    // As `destroy` leaves it.
    history
        .add(&large(&stack, 0, "gone"), before().await)
        .await
        .unwrap();
    assert_eq!((store.value(part).as_deref(), puts()), (Some("-"), 2));
    history
        .add(&large(&stack, 0, "gone"), before().await)
        .await
        .unwrap();
    assert_eq!(puts(), 1);
}

/// Drift is told from an edit after the first run of this version, too.
#[tokio::test(start_paused = true)]
async fn how_objects_stood_is_read_as_an_earlier_version_has_written_it() {
    let stack = stack();
    let store = FakeStore::default();
    let history = History::of(&stack, &store);
    let [route, vpc] = ["route", "vpc"].map(|name| Urn::new(&stack, "aws:ec2:Route", name));
    let hash = |urn: &Urn| short_hash(&urn.to_string(), 8);
    let left = format!("{} {}:0123cd", hash(&vpc), hash(&route));
    let record = Record {
        command: "up".into(),
        left,
        ..Record::default()
    };
    history.add(&record, None).await.unwrap();
    let left = history.whereabouts().await.unwrap().left;
    assert!(left.has(&vpc) && left.applied(&route, "0123cd456789"));
    assert!(left.applied_others(&route, "0123ce456789"));
}
