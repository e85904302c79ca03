//! The lock of a stack: taken, waited for, taken over, given back; and that nothing depends on it (R7).

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Read};
use std::process::{Child, Output};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::mpsc::channel;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use aws_sdk_ssm::types::ParameterType;
use expect_test::expect_file;
use serde_json::{Value as Json, json};

use crate::common::World;
use crate::common::commands::{CANCELLED, DONE, REFUSED, TIMED_OUT, assert_fits, assert_plain};
use crate::common::program::{Ended, Program, STACK};
use crate::common::proxy::{Answer, Call, Proxy, Refusal};
use crate::promise::Shown;
use crate::up::{chain, interrupted, signal, signal_process};

/// An object that has neither a token nor a name, one that needs it, and one that has a name.
const SMALL: &str = "\
vpc: { type: aws:ec2:Vpc, properties: { cidrBlock: 10.0.0.0/16 } }
subnet: { type: aws:ec2:Subnet, properties: { vpcId: '${vpc.id}', cidrBlock: 10.0.1.0/24 } }
topic: { type: aws:sns:Topic, properties: { displayName: Shop } }
";

const UP: [&str; 5] = ["up", STACK, "--yes", "--parallel", "1"];

/// A world whose stack has no lock holder and no record.
pub async fn unlocked(name: &str) -> World {
    let world = World::new(name).await;
    // Most have none.
    let name = parameter(&world, "deployments");
    drop(world.sdk.ssm.delete_parameter().name(name).send().await);
    give_back(&world).await;
    world
}

pub fn parameter(world: &World, what: &str) -> String {
    format!("/fde-infra/{}/{what}", world.stack_tag())
}

/// Overwrites the lock with the text that says that it is free; it must have been taken once.
pub async fn give_back(world: &World) -> bool {
    let name = parameter(world, "lock");
    let lease = json!({ "released": true, "leaseSeconds": 1 }).to_string();
    let put = world.sdk.ssm.put_parameter().name(name).value(lease);
    put.overwrite(true).send().await.is_ok()
}

/// The content of a parameter of the stack; nothing if that is a lock that was given back.
pub async fn read(world: &World, what: &str) -> Option<Json> {
    let name = parameter(world, what);
    let answer = world.sdk.ssm.get_parameter().name(name).send().await.ok()?;
    let text = answer.parameter?.value?;
    let json: Json = serde_json::from_str(&text).expect("it is JSON");
    Some(json).filter(|json| json["released"] != true)
}

/// Holds the lock of the stack, from a machine that is unknown here.
pub async fn hold(world: &World, seconds: u64) {
    let lease = json!({
        "id": "0123456789abcdef",
        "holder": "arn:aws:sts::123456789012:assumed-role/deploy/GitHubActions",
        "host": "runner-7",
        "process": { "machine": "elsewhere", "id": 1, "started": 1 },
        "command": "up",
        "since": "2026-01-31T09:15:00Z",
        "runUrl": "https://github.com/happyrobot/platform/actions/runs/4711",
        "leaseSeconds": seconds,
    });
    world
        .sdk
        .ssm
        .put_parameter()
        .name(parameter(world, "lock"))
        .value(lease.to_string())
        .r#type(ParameterType::String)
        .overwrite(true)
        .send()
        .await
        .expect("it can be written");
}

async fn release(world: &World) {
    assert!(give_back(world).await, "it is held");
}

/// Reads what a run writes to standard error until it says something.
fn wait_for(child: &mut Child, text: &str) -> (BufReader<std::process::ChildStderr>, String) {
    let mut stderr = BufReader::new(child.stderr.take().expect("it is piped"));
    let mut read = String::new();
    while !read.contains(text) {
        assert_ne!(stderr.read_line(&mut read).expect("lines"), 0, "{read}");
    }
    (stderr, read)
}

fn end(child: Child, mut stderr: impl Read, mut read: String) -> Output {
    stderr.read_to_string(&mut read).expect("the rest");
    let mut output = child.wait_with_output().expect("the program ends");
    output.stderr = read.into_bytes();
    output
}

fn check_failure(name: &str, ended: &Ended) {
    assert_plain(ended);
    assert_fits(ended);
    // Another account has another number, and other words.
    if std::env::var_os("AWS_ENDPOINT_URL").is_none() {
        let file = format!("../snapshots/failures/{name}.txt");
        expect_file![file].assert_eq(&ended.screen);
    }
}

/// The number of objects of each URN, by the tags of what is there.
async fn objects(world: &World) -> BTreeMap<String, usize> {
    let mut objects = BTreeMap::new();
    for arn in world.sdk.tagged(&world.stack_tag()).await {
        let tags = world.sdk.tags_of(&arn).await;
        let urn = tags.get("fde:urn").cloned().unwrap_or(arn);
        *objects.entry(urn).or_default() += 1;
    }
    objects
}

#[tokio::test]
async fn it_is_held_while_the_stack_is_changed() {
    let world = unlocked("e2e-lock").await;
    let program = Program::of(&world);
    let first = program.run(SMALL, "up", &UP[2..]);
    assert_eq!(first.status, DONE, "{}", first.screen);
    assert_eq!(read(&world, "lock").await, None);
    if std::env::var_os("AWS_ENDPOINT_URL").is_none() {
        let changes: Vec<&str> = first.mutating.iter().map(String::as_str).collect();
        assert_eq!(changes.first(), Some(&"ssm:PutParameter"));
        let last = &changes[changes.len() - 2..];
        assert_eq!(last, ["ssm:PutParameter", "ssm:PutParameter"]);
    }
    assert!(!first.calls.iter().any(|call| call.contains("Delete")));
    // Commands that change nothing need no lock, and neither do those that only read.
    hold(&world, 60).await;
    for (command, arguments) in [
        ("up", &UP[2..]),
        ("preview", &[]),
        ("output", &[]),
        ("validate", &[]),
    ] {
        let ended = program.run(SMALL, command, arguments);
        assert_eq!(ended.status, DONE, "{}", ended.screen);
        let mut asked = ended.calls.iter().filter(|call| call.starts_with("ssm:"));
        // Outputs of the stack have to be proven to be its own.
        assert!(
            asked.all(|call| command == "output" && call == "ssm:GetParameters"),
            "{}",
            ended.screen
        );
    }
    // It can be passed over, and then it is left alone.
    let free = program.run(SMALL, "destroy", &["--yes", "--no-lock"]);
    assert_eq!(free.status, DONE, "{}", free.screen);
    assert!(read(&world, "lock").await.is_some());
    release(&world).await;
}

#[tokio::test]
async fn a_live_holder_is_waited_for() {
    let world = unlocked("e2e-lock-wait").await;
    let program = Program::of(&world);
    program.write("stacks/dev.yaml", &world.file(SMALL));
    hold(&world, 60).await;
    let mut child = program.start(&UP);
    let (stderr, read_so_far) = wait_for(&mut child, "actions/runs/4711");
    assert_eq!(objects(&world).await, BTreeMap::new());
    // Meanwhile the other run has made the objects that this one was about to make.
    world
        .up("topic: { type: aws:sns:Topic, properties: { displayName: Shop } }")
        .await;
    release(&world).await;
    let ended = program.ended(&UP, &end(child, stderr, read_so_far), 0);
    assert_eq!(ended.status, DONE, "{}", ended.screen);
    check_failure("lock_waited", &ended);
    assert_eq!(objects(&world).await.len(), 3);
    assert_eq!(read(&world, "lock").await, None);
    world.destroy(SMALL).await;
}

#[tokio::test]
async fn a_wait_in_vain_says_who_and_what_to_do() {
    let world = unlocked("e2e-lock-vain").await;
    let program = Program::of(&world);
    hold(&world, 60).await;
    let started = Instant::now();
    let refused = program.run(SMALL, "up", &["--yes", "--lock-timeout", "0"]);
    assert!(started.elapsed() < Duration::from_secs(20));
    assert_eq!(refused.status, TIMED_OUT, "{}", refused.screen);
    assert_eq!(objects(&world).await, BTreeMap::new());
    check_failure("lock_held", &refused);

    // A user who does not want to wait any longer leaves the lock to its holder.
    let program = program.with("FDE_INFRA_LOCK_TIMEOUT", "10m");
    let mut child = program.start(&UP);
    let (stderr, read_so_far) = wait_for(&mut child, "waiting for another run");
    signal(&child, "-INT");
    let ended = program.ended(&UP, &end(child, stderr, read_so_far), 0);
    assert_eq!(ended.status, CANCELLED, "{}", ended.screen);
    assert_eq!(objects(&world).await, BTreeMap::new());
    let lease = read(&world, "lock").await.expect("it is still held");
    assert_eq!(lease["host"], "runner-7");
    release(&world).await;
}

#[tokio::test]
async fn a_dead_holders_lock_is_taken_over() {
    let world = unlocked("e2e-lock-dead").await;
    let program = Program::of(&world);
    let resources = chain(20);
    program.write("stacks/dev.yaml", &world.file(&resources));
    let killed = interrupted(&program, &UP, "-KILL");
    assert_eq!(killed.status, None, "{}", killed.screen);
    let left = read(&world, "lock").await;
    assert_eq!(
        left.as_ref().map(|lease| &lease["command"]),
        Some(&json!("up"))
    );
    // On the same machine it is known to be dead.
    let started = Instant::now();
    let next = program.run_words(&UP);
    let at_once = next.status == DONE && started.elapsed() < Duration::from_secs(30);
    let given_back = read(&world, "lock").await.is_none();

    // On another one its lease has to run out.
    hold(&world, 3).await;
    let held = Instant::now();
    let destroyed = program.run_words(&["destroy", STACK, "--yes"]);
    let waited = held.elapsed() >= Duration::from_secs(3);
    let gone = destroyed.status == DONE && objects(&world).await.is_empty();
    let given_back_again = read(&world, "lock").await.is_none();
    let results = [at_once && given_back, waited && gone && given_back_again];
    Shown {
        promise: "R7",
        level: "end to end",
        what: "a killed holder's lock is taken over: at once on its machine, elsewhere when its lease has run out",
        runs: results.len(),
        seeds: None,
        failures: results.iter().filter(|result| !**result).count(),
    }
    .tell();
    assert_eq!(
        results,
        [true, true],
        "{}\n{}",
        next.screen,
        destroyed.screen
    );
}

#[tokio::test]
async fn an_interrupt_gives_it_back() {
    for name in ["-INT", "-TERM"] {
        let world = unlocked(&format!("e2e-lock{}", name.to_lowercase())).await;
        let program = Program::of(&world);
        let resources = chain(60);
        program.write("stacks/dev.yaml", &world.file(&resources));
        let ended = interrupted(&program, &UP, name);
        assert_eq!(ended.status, CANCELLED, "{}", ended.screen);
        assert_eq!(read(&world, "lock").await, None);
        let record = read(&world, "deployments").await.expect("it is on record");
        assert_eq!(record["outcome"], "cancelled");
        world.destroy(&resources).await;
    }
}

/// Interrupts a run once, at the first call that is picked after its process is known.
fn interrupting(picks: fn(&Call) -> bool) -> (Proxy, Arc<AtomicU32>) {
    let process = Arc::new(AtomicU32::new(0));
    let known = Arc::clone(&process);
    let proxy = Proxy::before(crate::common::endpoint(), move |call| {
        if picks(call) {
            let process = known.swap(0, Ordering::SeqCst);
            if process != 0 {
                signal_process(process, "-INT");
            }
        }
        None
    });
    (proxy, process)
}

/// A run that had to wait reads again, with the lock.
#[tokio::test]
async fn an_interrupt_while_it_reads_anew_gives_it_back() {
    let world = unlocked("e2e-lock-again").await;
    let (proxy, process) = interrupting(|call| call.operation == "DescribeVpcs");
    hold(&world, 600).await;
    let program = Program::of(&world).with("AWS_ENDPOINT_URL", &proxy.endpoint);
    program.write("stacks/dev.yaml", &world.file(SMALL));
    let mut child = program.start(&UP);
    let (stderr, read_so_far) = wait_for(&mut child, "waiting for another run to end");
    process.store(child.id(), Ordering::SeqCst);
    release(&world).await;
    let output = end(child, stderr, read_so_far);
    assert_eq!(output.status.code(), CANCELLED, "{output:?}");
    assert_eq!(process.load(Ordering::SeqCst), 0, "it was interrupted");
    assert_eq!(read(&world, "lock").await, None);
    assert_eq!(objects(&world).await, BTreeMap::new());
}

/// The run is over, and is being put on record.
#[tokio::test]
async fn an_interrupt_at_the_end_costs_neither_the_record_nor_the_lock() {
    let world = unlocked("e2e-lock-end").await;
    let (proxy, process) = interrupting(|call| {
        let body = String::from_utf8_lossy(call.request.body());
        call.operation == "PutParameter" && body.contains("/deployments\"")
    });
    let program = Program::of(&world).with("AWS_ENDPOINT_URL", &proxy.endpoint);
    program.write("stacks/dev.yaml", &world.file(SMALL));
    let child = program.start(&UP);
    process.store(child.id(), Ordering::SeqCst);
    let output = child.wait_with_output().expect("the program ends");
    assert_eq!(output.status.code(), DONE, "{output:?}");
    assert_eq!(process.load(Ordering::SeqCst), 0, "it was interrupted");
    let record = read(&world, "deployments").await.expect("it is on record");
    assert_eq!(record["outcome"], "succeeded");
    assert_eq!(read(&world, "lock").await, None);
    world.destroy(SMALL).await;
}

/// The run hears of it with its next renewal, and says so then, although a step of it is under way.
#[tokio::test]
async fn a_lock_that_is_taken_away_is_told_of_at_once() {
    let lost = "the lock was removed during this run";
    let world = unlocked("e2e-lock-lost").await;
    let (came, comes) = channel();
    // Dropped, it lets go of every attempt: the program gives up on one that is held for as long as a renewal can take.
    let (let_go, is_let_go) = channel::<()>();
    let is_let_go = Mutex::new(is_let_go);
    let proxy = Proxy::before(crate::common::endpoint(), move |call| {
        if call.operation == "CreateTopic" {
            came.send(()).expect("the test waits for it");
            let is_let_go = is_let_go.lock().expect("nobody panics");
            is_let_go.recv().expect_err("nothing is sent");
        }
        None
    });
    let program = Program::of(&world).with("AWS_ENDPOINT_URL", &proxy.endpoint);
    program.write("stacks/dev.yaml", &world.file(SMALL));
    let mut child = program.start(&UP);
    comes.recv().expect("the call comes");
    release(&world).await;
    let (stderr, read_so_far) = wait_for(&mut child, lost);
    drop(let_go);
    let output = end(child, stderr, read_so_far);
    assert_eq!(output.status.code(), DONE, "{output:?}");
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(said.matches(lost).count(), 1, "{said}");
    assert_eq!(read(&world, "lock").await, None);
    assert_eq!(objects(&world).await.len(), 3);
    world.destroy(SMALL).await;
}

const DENIED: Refusal = Refusal {
    status: 400,
    code: "AccessDeniedException",
    message: "User: arn:aws:iam::123456789012:user/ci is not authorized to perform: ssm:PutParameter",
};

#[tokio::test]
async fn without_the_right_to_it_the_run_goes_on() {
    let world = unlocked("e2e-lock-denied").await;
    let proxy = Proxy::before(crate::common::endpoint(), |call| {
        (call.service == "ssm").then(|| DENIED.into())
    });
    let program = Program::of(&world).with("AWS_ENDPOINT_URL", &proxy.endpoint);
    let ended = program.run(SMALL, "up", &UP[2..]);
    assert_eq!(ended.status, DONE, "{}", ended.screen);
    check_failure("lock_denied", &ended);
    assert_eq!(objects(&world).await.len(), 3);
    // Nothing proves that these are the stack's, and so they go by the user's word.
    let unproven = program.run(SMALL, "destroy", &["--yes"]);
    assert_eq!(unproven.status, REFUSED, "{}", unproven.screen);
    let destroyed = program.run(SMALL, "destroy", &["--yes", "--trust", "*"]);
    assert_eq!(destroyed.status, DONE, "{}", destroyed.screen);
    assert_eq!(objects(&world).await, BTreeMap::new());
}

#[tokio::test]
async fn without_an_answer_the_run_goes_on() {
    let world = unlocked("e2e-lock-silent").await;
    // The account does what it is asked, and the response is lost.
    let proxy = Proxy::before(crate::common::endpoint(), |call| {
        (call.service == "ssm").then_some(Answer::Lost)
    });
    let program = Program::of(&world).with("AWS_ENDPOINT_URL", &proxy.endpoint);
    let ended = program.run(SMALL, "up", &UP[2..]);
    assert_eq!(ended.status, DONE, "{}", ended.screen);
    assert!(
        ended.stderr.contains("going on without a lock"),
        "{}",
        ended.screen
    );
    assert_eq!(objects(&world).await.len(), 3);
    world.destroy(SMALL).await;
    release(&world).await;
}

/// Several at once: what there is afterwards, and whether one more run leaves it at that.
async fn at_once(name: &str, count: usize, lock: bool) {
    let world = unlocked(name).await;
    let program = Program::of(&world);
    program.write("stacks/dev.yaml", &world.file(SMALL));
    let mut words = vec!["up", STACK, "--yes"];
    if !lock {
        words.push("--no-lock");
    }
    let running: Vec<Child> = (0..count).map(|_| program.start(&words)).collect();
    let mut failures = Vec::new();
    let started = Instant::now();
    for mut child in running {
        // Without the lock one may wait for what another has put into a twin that it would delete: its user loses patience.
        while !lock && child.try_wait().expect("its status").is_none() {
            if started.elapsed() > Duration::from_secs(20) {
                signal(&child, "-INT");
                break;
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        let output = child.wait_with_output().expect("the program ends");
        let ended = program.ended(&words, &output, 0);
        // Without the lock one may fail where another was quicker.
        if lock && ended.status != DONE {
            failures.push(ended.screen);
        }
    }
    if !lock {
        let settled = program.run_words(&words);
        if settled.status != DONE {
            failures.push(settled.screen);
        }
    }
    let there = objects(&world).await;
    if there.len() != 3 || there.values().any(|count| *count != 1) {
        failures.push(format!("{there:#?}"));
    }
    let again = program.run_words(&words);
    if again.status != DONE || !again.mutating.is_empty() {
        failures.push(again.screen);
    }
    if read(&world, "lock").await.is_some() {
        failures.push("the lock is still there".to_owned());
    }
    let what = if lock {
        format!("{count} `up`s at once, with the lock")
    } else {
        format!("{count} `up`s at once without the lock, and one after them")
    };
    Shown {
        promise: "R7",
        level: "end to end",
        what: &what,
        runs: count,
        seeds: None,
        failures: failures.len(),
    }
    .tell();
    assert_eq!(failures, [] as [String; 0]);
    world.destroy(SMALL).await;
}

#[tokio::test]
async fn two_at_once() {
    at_once("e2e-lock-two", 2, true).await;
}

#[tokio::test]
async fn eight_at_once() {
    at_once("e2e-lock-eight", 8, true).await;
}

#[tokio::test]
async fn two_at_once_without_it() {
    at_once("e2e-lock-off-two", 2, false).await;
}

#[tokio::test]
async fn eight_at_once_without_it() {
    at_once("e2e-lock-off-eight", 8, false).await;
}
