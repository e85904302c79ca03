//! The order of lock holders, on a clock that jumps.

mod record;

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use tokio::sync::watch;
use tokio::time::{Instant, sleep, timeout};

use super::lease::LENGTH;
use super::{History, Hold, Known, Lease, Lock, Loss, Taking};
use crate::resource::{ErrorKind, StackId};
use crate::testing::FakeStore;

const NAME: &str = "/fde-infra/shop/dev/lock";

fn stack() -> StackId {
    StackId {
        name: "shop".into(),
        environment: "dev".into(),
    }
}

fn lease(id: &str) -> Lease {
    Lease {
        id: id.into(),
        holder: format!("arn:aws:iam::123456789012:user/{id}"),
        ..Lease::default()
    }
}

async fn take(store: &FakeStore, id: &str, patience: u64) -> Taking {
    let patience = Duration::from_secs(patience);
    let lock = Lock::of(&stack(), store);
    lock.take(&lease(id), None, patience, |_, _| {}).await
}

/// Takes the lock as a run does that has read the history a moment ago.
async fn take_as_read(store: &FakeStore, id: &str) -> Taking {
    let stack = stack();
    let read = History::of(&stack, store).whereabouts().await.unwrap();
    let known = known(read.lock);
    let lock = Lock::of(&stack, store);
    lock.take(&lease(id), known, Duration::ZERO, |_, _| {})
        .await
}

fn known(seen: Option<super::Seen>) -> Option<Known> {
    let read_at = Instant::now();
    seen.map(|seen| Known { seen, read_at })
}

/// The lock is there, and no run holds it: it is not deleted.
fn assert_free(store: &FakeStore) {
    let text = store.value(NAME).expect("it was taken once");
    assert!(Lease::from_text(&text).released, "{text}");
}

fn is_held(store: &FakeStore) -> bool {
    let text = store.value(NAME);
    text.is_some_and(|text| !Lease::from_text(&text).released)
}

fn assert_held_by(store: &FakeStore, id: &str) {
    let text = store.value(NAME).expect("somebody holds it");
    assert_eq!(Lease::from_text(&text).id, id);
}

#[tokio::test(start_paused = true)]
async fn a_free_lock_costs_one_call_to_take_and_one_to_release() {
    let store = FakeStore::default();
    let Taking::Taken(mut hold) = take(&store, "anna", 0).await else {
        panic!("it was free");
    };
    assert!(!hold.came_after_others);
    assert_held_by(&store, "anna");
    Lock::of(&stack(), &store).release(&mut hold).await.unwrap();
    assert_free(&store);
    assert_eq!(*store.calls.lock().unwrap(), ["create", "overwrite"]);
}

/// "After deleting a parameter, wait for at least 30 seconds to create a parameter with the same name." And it costs no more
/// than a lock that is made and deleted: what stands in it was read with the history.
#[tokio::test(start_paused = true)]
async fn a_lock_that_was_given_back_is_written_over_at_once_and_never_deleted() {
    let store = FakeStore::default();
    let stack = stack();
    let lock = Lock::of(&stack, &store);
    for (run, id) in ["anna", "ben", "anna"].into_iter().enumerate() {
        store.calls.lock().unwrap().clear();
        let Taking::Taken(mut hold) = take_as_read(&store, id).await else {
            panic!("it was free");
        };
        assert!(!hold.came_after_others);
        assert_held_by(&store, id);
        assert_eq!(lock.look().await.unwrap().unwrap().lease.id, id);
        lock.release(&mut hold).await.unwrap();
        assert_free(&store);
        assert_eq!(lock.look().await.unwrap(), None);
        let first = if run == 0 { "create" } else { "overwrite" };
        let calls = ["read_all", first, "read", "overwrite", "read"];
        assert_eq!(*store.calls.lock().unwrap(), calls);
    }
}

/// A user thinks about a preview, and another run begins and ends, or goes on.
#[tokio::test(start_paused = true)]
async fn what_was_read_of_a_lock_long_ago_is_looked_at_again() {
    let store = FakeStore::default();
    let stack = stack();
    let lock = Lock::of(&stack, &store);
    let Taking::Taken(mut hold) = take(&store, "anna", 0).await else {
        panic!("it was free");
    };
    lock.release(&mut hold).await.unwrap();
    let read = History::of(&stack, &store).whereabouts().await.unwrap();
    let known = known(read.lock);
    sleep(Duration::from_secs(600)).await;
    let Taking::Taken(mut hold) = lock
        .take(&lease("ben"), known.clone(), Duration::ZERO, |_, _| {})
        .await
    else {
        panic!("it was free");
    };
    assert!(!hold.came_after_others, "nobody came between");
    lock.release(&mut hold).await.unwrap();
    let Taking::Taken(mut hold) = lock
        .take(&lease("cleo"), known.clone(), Duration::ZERO, |_, _| {})
        .await
    else {
        panic!("it was free");
    };
    assert!(hold.came_after_others, "ben did");
    // It is held: nothing is written over it.
    store.calls.lock().unwrap().clear();
    let taken = lock
        .take(&lease("dora"), known, Duration::ZERO, |_, _| {})
        .await;
    assert!(matches!(taken, Taking::InVain(seen) if seen.lease.id == "cleo"));
    assert_eq!(*store.calls.lock().unwrap(), ["read"]);
    lock.release(&mut hold).await.unwrap();
    assert_free(&store);
}

/// Two runs have read that it is free, and one comes later than the other: while that one holds it, and after it has given
/// it back.
#[tokio::test(start_paused = true)]
async fn of_two_that_have_read_it_free_one_has_it() {
    for is_over in [false, true] {
        let store = FakeStore::default();
        let stack = stack();
        let lock = Lock::of(&stack, &store);
        let Taking::Taken(mut hold) = take(&store, "anna", 0).await else {
            panic!("it was free");
        };
        lock.release(&mut hold).await.unwrap();
        let read = History::of(&stack, &store).whereabouts().await.unwrap();
        let both = known(read.lock);
        let (ben, cleo) = (lease("ben"), lease("cleo"));
        let taken = lock.take(&ben, both.clone(), Duration::ZERO, |_, _| {});
        let Taking::Taken(mut ben) = taken.await else {
            panic!("it was free");
        };
        if is_over {
            lock.release(&mut ben).await.unwrap();
        }
        let taken = lock.take(&cleo, both, Duration::ZERO, |_, _| {});
        match taken.await {
            Taking::Taken(mut cleo) => {
                assert!(is_over && cleo.came_after_others);
                assert!(store.value(NAME).unwrap().contains("cleo"));
                lock.release(&mut cleo).await.unwrap();
            }
            Taking::InVain(seen) => {
                assert!(!is_over && seen.lease.id == "ben");
                assert_held_by(&store, "ben");
                lock.release(&mut ben).await.unwrap();
                assert_eq!(ben.lost, None);
            }
            Taking::Failed { error, .. } => panic!("{error}"),
        }
        assert_free(&store);
    }
}

/// A run that was killed when it had just come too late has left its lease over that of the holder.
#[tokio::test(start_paused = true)]
async fn a_lease_that_came_too_late_does_not_take_the_lock_away() {
    for settles in [false, true] {
        let store = FakeStore::default();
        let stack = stack();
        let lock = Lock::of(&stack, &store);
        let mut hold = if settles {
            held_long(&store).await
        } else {
            let Taking::Taken(hold) = take(&store, "anna", 0).await else {
                panic!("it was free");
            };
            hold
        };
        store.write(NAME, r#"{"id": "late", "after": 0, "leaseSeconds": 60}"#);
        let (end, ended) = watch::channel(false);
        let is_over = async {
            sleep(Duration::from_secs(45)).await;
            end.send_replace(true);
        };
        tokio::join!(lock.keep(&mut hold, ended), is_over);
        assert_eq!(hold.lost, None, "{settles}");
        assert_held_by(&store, "anna");
        lock.release(&mut hold).await.unwrap();
        assert_free(&store);
    }
}

/// A run that is interrupted when it has just come too late gives back nothing that is not its.
#[tokio::test(start_paused = true)]
async fn what_came_too_late_is_taken_away_from_over_the_lock_of_another() {
    let store = FakeStore::default();
    let stack = stack();
    let lock = Lock::of(&stack, &store);
    let Taking::Taken(mut hold) = take(&store, "anna", 0).await else {
        panic!("it was free");
    };
    store.write(NAME, r#"{"id": "late.1", "after": 0, "leaseSeconds": 60}"#);
    assert!(lock.remove(&lease("late")).await.unwrap());
    assert_held_by(&store, "anna");
    lock.release(&mut hold).await.unwrap();
    assert_eq!(hold.lost, None);
    // A lease over a lock that was given back is itself given back.
    store.write(NAME, r#"{"id": "late.2", "after": 0, "leaseSeconds": 60}"#);
    assert!(lock.remove(&lease("late")).await.unwrap());
    assert_free(&store);
}

#[tokio::test(start_paused = true)]
async fn without_patience_nobody_waits() {
    let store = FakeStore::default();
    take(&store, "anna", 0).await;
    let started = Instant::now();
    let Taking::InVain(seen) = take(&store, "ben", 0).await else {
        panic!("anna holds it");
    };
    assert_eq!(seen.lease.id, "anna");
    assert_eq!(started.elapsed(), Duration::ZERO);
    assert_held_by(&store, "anna");
}

#[tokio::test(start_paused = true)]
async fn patience_ends_when_it_was_to_end() {
    let store = FakeStore::default();
    let stack = stack();
    let lock = Lock::of(&stack, &store);
    let Taking::Taken(mut hold) = take(&store, "anna", 0).await else {
        panic!("it was free");
    };
    let (_end, ended) = watch::channel(false);
    let started = Instant::now();
    tokio::select! {
        () = lock.keep(&mut hold, ended) => panic!("anna goes on"),
        taking = take(&store, "ben", 100) => assert!(matches!(taking, Taking::InVain(_))),
    }
    assert_eq!(started.elapsed(), Duration::from_secs(100));
}

#[tokio::test(start_paused = true)]
async fn a_lock_that_is_given_back_goes_to_who_waits() {
    let store = FakeStore::default();
    let Taking::Taken(mut hold) = take(&store, "anna", 0).await else {
        panic!("it was free");
    };
    let release = async {
        sleep(Duration::from_secs(30)).await;
        Lock::of(&stack(), &store).release(&mut hold).await.unwrap();
    };
    let started = Instant::now();
    let (taking, ()) = tokio::join!(take(&store, "ben", 120), release);
    let Taking::Taken(hold) = taking else {
        panic!("it was given back");
    };
    assert!(hold.came_after_others);
    assert!(started.elapsed() <= Duration::from_secs(35));
    assert_held_by(&store, "ben");
}

#[tokio::test(start_paused = true)]
async fn a_dead_holders_lock_is_taken_over_when_its_lease_has_run_out() {
    let store = FakeStore::default();
    take(&store, "anna", 0).await;
    let started = Instant::now();
    let Taking::Taken(hold) = take(&store, "ben", 120).await else {
        panic!("anna is dead");
    };
    assert!(hold.came_after_others);
    let waited = started.elapsed().as_secs();
    assert!((60..=65).contains(&waited), "{waited} s");
    assert_held_by(&store, "ben");
}

#[cfg(target_os = "linux")]
#[tokio::test(start_paused = true)]
async fn a_dead_holder_of_this_machine_is_not_waited_for() {
    let store = FakeStore::default();
    let mut child = std::process::Command::new("true").spawn().unwrap();
    let mut process = serde_json::json!(super::Process::this().unwrap());
    process["id"] = child.id().into();
    child.wait().unwrap();
    let dead = serde_json::json!({ "id": "anna", "process": process });
    store.write(NAME, &dead.to_string());
    let started = Instant::now();
    assert!(matches!(take(&store, "ben", 0).await, Taking::Taken(_)));
    assert_eq!(started.elapsed(), Duration::ZERO);
    assert_held_by(&store, "ben");
}

#[tokio::test(start_paused = true)]
async fn a_holder_who_goes_on_keeps_its_lock() {
    let store = FakeStore::default();
    let stack = stack();
    let lock = Lock::of(&stack, &store);
    let Taking::Taken(mut hold) = take(&store, "anna", 0).await else {
        panic!("it was free");
    };
    let (end, ended) = watch::channel(false);
    let others = async {
        for _ in 0..60 {
            sleep(Duration::from_secs(10)).await;
            assert!(matches!(take(&store, "ben", 0).await, Taking::InVain(_)));
        }
        // The store may be out for the time between a renewal and the end of the lease.
        *store.refusal.lock().unwrap() = Some(ErrorKind::Transient);
        sleep(Duration::from_secs(55)).await;
        *store.refusal.lock().unwrap() = None;
        sleep(Duration::from_secs(4)).await;
        assert!(matches!(take(&store, "ben", 0).await, Taking::InVain(_)));
        end.send_replace(true);
    };
    tokio::join!(lock.keep(&mut hold, ended), others);
    assert_eq!(hold.lost, None);
    lock.release(&mut hold).await.unwrap();
    assert_free(&store);
}

/// Neither is written over by the run that has lost it.
#[tokio::test(start_paused = true)]
async fn a_lock_that_was_taken_away_is_left_alone() {
    for successor in [None, Some("ben")] {
        let store = FakeStore::default();
        let stack = stack();
        let lock = Lock::of(&stack, &store);
        let Taking::Taken(mut hold) = take(&store, "anna", 0).await else {
            panic!("it was free");
        };
        assert!(!lock.remove(&lease("somebody")).await.unwrap());
        assert!(lock.remove(&lease("anna")).await.unwrap());
        if let Some(successor) = successor {
            take(&store, successor, 0).await;
        }
        let (_end, ended) = watch::channel(false);
        lock.keep(&mut hold, ended).await;
        match successor {
            None => assert_eq!(hold.lost, Some(Loss::Removed)),
            Some(_) => {
                assert!(matches!(&hold.lost, Some(Loss::TakenBy(lease)) if lease.id == "ben"));
            }
        }
        lock.release(&mut hold).await.unwrap();
        assert_eq!(is_held(&store), successor.is_some());
    }
}

/// A lock that has been held for 310 s: renewed ten times.
async fn held_long(store: &FakeStore) -> Box<Hold> {
    let Taking::Taken(mut hold) = take(store, "anna", 0).await else {
        panic!("it was free");
    };
    let (end, ended) = watch::channel(false);
    let stack = stack();
    let lock = Lock::of(&stack, store);
    let is_over = async {
        sleep(Duration::from_secs(310)).await;
        end.send_replace(true);
    };
    tokio::join!(lock.keep(&mut hold, ended), is_over);
    hold
}

#[tokio::test(start_paused = true)]
async fn a_lock_that_is_held_for_long_costs_one_call_each_half_minute() {
    let store = FakeStore::default();
    let hold = held_long(&store).await;
    assert_eq!(hold.lost, None);
    let calls = |name| {
        store
            .calls
            .lock()
            .unwrap()
            .iter()
            .filter(|call| **call == name)
            .count()
    };
    assert_eq!((calls("overwrite"), calls("read")), (10, 4));
}

/// The same applies, although no one looks at a lock that has been held for long.
#[tokio::test(start_paused = true)]
async fn a_lock_that_was_taken_away_after_long_is_left_alone() {
    // The number of times that the successor has renewed its lock meanwhile; and the time for which ours was suspended.
    for (renewals, suspended) in [(0, 0), (1, 0), (10, 61)] {
        let store = FakeStore::default();
        let mut hold = held_long(&store).await;
        let stack = stack();
        let lock = Lock::of(&stack, &store);
        assert!(lock.remove(&lease("anna")).await.unwrap());
        take(&store, "ben", 0).await;
        let text = store.value(NAME).unwrap();
        (0..renewals).for_each(|_| store.write(NAME, &text));
        hold.renewed.1 -= Duration::from_secs(suspended);
        let (_end, ended) = watch::channel(false);
        let finds_out = timeout(Duration::from_secs(60), lock.keep(&mut hold, ended));
        finds_out.await.expect("with the next renewal");
        let ben = |loss: &Loss| matches!(loss, Loss::TakenBy(lease) if lease.id == "ben");
        assert!(hold.lost.as_ref().is_some_and(ben), "{renewals}");
        assert_held_by(&store, "ben");
    }
}

#[tokio::test(start_paused = true)]
async fn a_holder_that_was_out_for_too_long_gives_nothing_back_that_is_not_its() {
    let store = FakeStore::default();
    let Taking::Taken(mut hold) = take(&store, "anna", 0).await else {
        panic!("it was free");
    };
    sleep(Duration::from_secs(61)).await;
    take(&store, "ben", 0).await;
    Lock::of(&stack(), &store).release(&mut hold).await.unwrap();
    assert!(matches!(hold.lost, Some(Loss::TakenBy(_))));
    assert_held_by(&store, "ben");
}

#[tokio::test(start_paused = true)]
async fn a_store_that_does_not_answer_is_given_up() {
    let store = FakeStore::slow(1, Duration::from_secs(3600));
    let started = Instant::now();
    let taken = Lock::of(&stack(), &store)
        .take(&lease("anna"), None, Duration::from_secs(600), |_, _| {})
        .await;
    let Taking::Failed { error, met_others } = taken else {
        panic!("nobody has answered");
    };
    assert_eq!((error.kind, met_others), (ErrorKind::TimedOut, false));
    assert_eq!(started.elapsed(), Duration::from_secs(10));
}

/// A run that has met a holder does not go on beside it because of a short failure of the store.
#[tokio::test(start_paused = true)]
async fn a_store_that_fails_is_waited_for_once_somebody_holds_the_lock() {
    for recovers in [true, false] {
        let store = FakeStore::default();
        let Taking::Taken(mut hold) = take(&store, "anna", 0).await else {
            panic!("it was free");
        };
        let trouble = async {
            sleep(Duration::from_secs(10)).await;
            *store.refusal.lock().unwrap() = Some(ErrorKind::Throttled);
            sleep(Duration::from_secs(10)).await;
            if recovers {
                *store.refusal.lock().unwrap() = None;
                let stack = stack();
                let lock = Lock::of(&stack, &store);
                lock.release(&mut hold).await.unwrap();
            }
        };
        let started = Instant::now();
        let (taking, ()) = tokio::join!(take(&store, "ben", 40), trouble);
        match taking {
            Taking::Taken(hold) => assert!(recovers && hold.came_after_others),
            Taking::InVain(seen) => {
                assert!(!recovers && seen.lease.id == "anna");
                assert_eq!(started.elapsed(), Duration::from_secs(40));
            }
            Taking::Failed { error, .. } => panic!("{error}"),
        }
    }
}

/// `unlock` has given the lock to another run, and the run that had it does not know that yet.
#[tokio::test(start_paused = true)]
async fn a_fresh_lock_of_somebody_else_is_not_given_back() {
    let store = FakeStore::default();
    let stack = stack();
    let lock = Lock::of(&stack, &store);
    let Taking::Taken(mut hold) = take(&store, "anna", 0).await else {
        panic!("it was free");
    };
    assert!(lock.remove(&lease("anna")).await.unwrap());
    take(&store, "ben", 0).await;
    // The same on a machine that was suspended meanwhile, whose steady clock stood still.
    hold.renewed.1 -= Duration::from_secs(10);
    lock.release(&mut hold).await.unwrap();
    assert!(matches!(hold.lost, Some(Loss::TakenBy(_))));
    assert_held_by(&store, "ben");
}

/// A run that saw a dead holder writes over the lock when it has long been taken over, given back and taken again.
#[tokio::test(start_paused = true)]
async fn a_takeover_that_comes_too_late_is_taken_back() {
    let store = FakeStore::default();
    store.write(NAME, r#"{"id": "dead", "leaseSeconds": 1}"#);
    sleep(Duration::from_secs(2)).await;
    let stack = stack();
    let lock = Lock::of(&stack, &store);
    store
        .late
        .lock()
        .unwrap()
        .push((Duration::from_secs(5), "overwrite"));
    let late = take(&store, "ben", 0);
    let others = async {
        sleep(Duration::from_secs(1)).await;
        let Taking::Taken(mut hold) = take(&store, "anna", 0).await else {
            panic!("its holder is dead");
        };
        lock.release(&mut hold).await.unwrap();
        let Taking::Taken(hold) = take(&store, "cleo", 0).await else {
            panic!("it is free");
        };
        hold
    };
    let (late, mut hold) = tokio::join!(late, others);
    assert!(matches!(late, Taking::InVain(seen) if seen.lease.id == "cleo"));
    assert_held_by(&store, "cleo");
    lock.release(&mut hold).await.unwrap();
    assert_eq!(hold.lost, None);
    assert_free(&store);
}

/// Many at once, with a slow store, from a free lock and from that of a dead holder: never two at a time, and each of them
/// has a turn.
#[tokio::test(start_paused = true)]
async fn never_two_at_a_time() {
    const RUNS: usize = 8;
    for seed in 0..500 {
        let mut store = FakeStore::slow(seed, Duration::from_millis(400));
        // Then some that saw a dead holder come to write when others have come and gone.
        store.straggles = seed % 4 >= 2;
        let work = Duration::from_millis(if store.straggles { 10 } else { 3000 });
        let store = Arc::new(store);
        let dead = seed % 2 == 1;
        if dead {
            store.write(NAME, r#"{"id": "dead", "leaseSeconds": 1}"#);
            sleep(Duration::from_secs(2)).await;
        }
        let at_work = Arc::new(AtomicUsize::new(0));
        let runs = (0..RUNS).map(|number| {
            let (store, at_work) = (Arc::clone(&store), Arc::clone(&at_work));
            tokio::spawn(async move {
                let stack = stack();
                let id = format!("run-{number}");
                let Taking::Taken(mut hold) = take(&store, &id, 3600).await else {
                    panic!("seed {seed}: {id} had no turn");
                };
                assert_eq!(at_work.fetch_add(1, Ordering::SeqCst), 0, "seed {seed}");
                sleep(work).await;
                assert_eq!(at_work.fetch_sub(1, Ordering::SeqCst), 1, "seed {seed}");
                let lock = Lock::of(&stack, &*store);
                lock.release(&mut hold).await.unwrap();
                // It may look like another run's at the moment when one comes too late: then it lapses.
                assert!(hold.lost.is_none() || store.straggles, "seed {seed}");
            })
        });
        for run in runs.collect::<Vec<_>>() {
            run.await.unwrap();
        }
        // The lease that a late one has left lapses, and is in the way of no one that comes after.
        assert!(!is_held(&store) || store.straggles, "seed {seed}");
        let next = take(&store, "next", 2 * LENGTH.as_secs()).await;
        assert!(matches!(next, Taking::Taken(_)), "seed {seed}: {next:?}");
    }
}
