//! The wrong account or region cannot be touched, whatever the command (`promises.md` R5).

use std::collections::BTreeSet;
use std::sync::{Condvar, Mutex};
use std::time::{Duration, Instant};

use crate::common::commands::{DONE, REFUSED};
use crate::common::program::{Program, STACK};
use crate::common::proxy::{Answer, Proxy, Refusal};
use crate::common::{World, endpoint};
use crate::promise::Shown;

/// The account that a command goes to.
#[derive(Clone, Copy, PartialEq)]
enum Goes {
    /// That of the stack, and no other.
    ToStack,
    /// Whichever it is: it is about no stack, and reads.
    Anywhere,
    Nowhere,
}

/// Every command in the form that would do most, and where it goes.
const COMMANDS: [(&[&str], Goes); 13] = [
    (&["preview", STACK], Goes::ToStack),
    (&["up", STACK, "--yes"], Goes::ToStack),
    (&["destroy", STACK, "--yes"], Goes::ToStack),
    (&["output", STACK], Goes::ToStack),
    (&["list"], Goes::Anywhere),
    (&["history", STACK], Goes::ToStack),
    (&["unlock", STACK, "--yes"], Goes::ToStack),
    (&["validate", STACK], Goes::Nowhere),
    (&["diff", STACK, STACK], Goes::Nowhere),
    (&["explain", "network"], Goes::Nowhere),
    (&["schema"], Goes::Nowhere),
    (&["completions", "bash"], Goes::Nowhere),
    (&["sandbox", "status"], Goes::Nowhere),
];

/// Commands of no account and no region, which write files of their own.
const WRITES_FILES: [&str; 1] = ["init"];

#[tokio::test]
async fn the_wrong_account_or_region_is_left_alone() {
    let world = World::new("e2e-guards").await;
    // `sandbox` looks into the user's cache directory.
    let home = std::env::temp_dir();
    let home = home.to_string_lossy();
    let program = Program::of(&world).with("HOME", &home);
    let commands = COMMANDS.iter().map(|(words, _)| words[0]);
    let tested: BTreeSet<&str> = commands.chain(WRITES_FILES).collect();
    let there = fde_infra::cli::COMMANDS.iter();
    assert_eq!(
        tested,
        there.map(|command| command.name).collect(),
        "\nWhat to do: a row in `COMMANDS` of tests/e2e/guards.rs for each command, and no other"
    );

    let text = world.file("topic: { type: aws:sns:Topic }");
    let (mut runs, mut faults) = (0, Vec::new());
    for (words, goes) in COMMANDS {
        program.write(
            "stacks/dev.yaml",
            &format!("account: '999999999999'\n{text}"),
        );
        let account = program.run_words(words);
        program.write("stacks/dev.yaml", &text);
        let flag = program.run_words(&[words, &["--region", "eu-west-1"]].concat());
        for (ended, allowed) in [(account, &["sts:GetCallerIdentity"][..]), (flag, &[])] {
            runs += 1;
            let status = if goes == Goes::ToStack { REFUSED } else { DONE };
            let allowed = if goes == Goes::ToStack { allowed } else { &[] };
            // Another account than the local one keeps no log.
            let counted = std::env::var_os("AWS_ENDPOINT_URL").is_none();
            let is_right = match goes {
                Goes::Anywhere => ended.mutating.is_empty(),
                _ => ended.calls == allowed,
            };
            if ended.status != status || counted && !is_right {
                faults.push(format!("{:?}\n{}", ended.calls, ended.screen));
            }
        }
    }
    Shown {
        promise: "R5",
        level: "end to end",
        what: "every command, with credentials of another account and in another region",
        runs,
        seeds: None,
        failures: faults.len(),
    }
    .tell();
    assert_eq!(faults, [] as [String; 0]);
    assert_eq!(
        world.sdk.tagged(&world.stack_tag()).await,
        [] as [String; 0]
    );
}

const TOPIC: &str = "topic: { type: aws:sns:Topic }";

/// The refusal of expired credentials.
const EXPIRED: Refusal = Refusal {
    status: 403,
    code: "ExpiredToken",
    message: "The security token included in the request is expired",
};

/// Any account is right then.
#[tokio::test]
async fn a_preview_whose_file_names_no_account_asks_who_it_is_beside_the_index() {
    let world = World::new("e2e-guards-beside").await;
    let (asked, told) = (Mutex::new(false), Condvar::new());
    let proxy = Proxy::before(endpoint(), move |call| match call.operation {
        "GetResources" => {
            *asked.lock().expect("no thread failed in here") = true;
            told.notify_all();
            None
        }
        // The identity is told once the index has been asked.
        "GetCallerIdentity" => {
            let before = asked.lock().expect("no thread failed in here");
            let patience = Duration::from_secs(20);
            let waited = told.wait_timeout_while(before, patience, |asked| !*asked);
            let (asked, _) = waited.expect("no thread failed in here");
            (!*asked).then(|| EXPIRED.into())
        }
        _ => None,
    });
    let program = Program::of(&world).with("AWS_ENDPOINT_URL", &proxy.endpoint);
    let ended = program.run(TOPIC, "preview", &[]);
    assert_eq!(ended.status, DONE, "{}", ended.screen);
    assert_eq!(proxy.calls("GetCallerIdentity"), 1);
    assert_eq!(proxy.calls("GetResources"), 1);
    assert_eq!(proxy.calls("DescribeAvailabilityZones"), 1);
}

/// Other reads may be on their way: without an identity, nothing is used or waited for.
#[tokio::test]
async fn without_an_identity_a_preview_ends_at_once_and_says_so() {
    let world = World::new("e2e-guards-nobody").await;
    let proxy = Proxy::before(endpoint(), |call| match call.operation {
        "GetCallerIdentity" => Some(EXPIRED.into()),
        "GetResources" | "DescribeAvailabilityZones" => Some(Answer::Hang { acts: false }),
        _ => None,
    });
    let program = Program::of(&world).with("AWS_ENDPOINT_URL", &proxy.endpoint);
    let started = Instant::now();
    let ended = program.run(TOPIC, "preview", &[]);
    let elapsed = started.elapsed();
    assert_eq!(ended.status, Some(3), "{}", ended.screen);
    let says = "AWS does not accept the credentials";
    assert!(ended.stderr.contains(says), "{}", ended.screen);
    assert!(elapsed < Duration::from_secs(20), "{elapsed:?}");
    for read in ["GetTopicAttributes", "ListTagsForResource"] {
        assert_eq!(proxy.calls(read), 0, "{read}");
    }
}

/// It is an error, as it is where the identity comes first: what cannot be read is not absent.
#[tokio::test]
async fn an_index_that_is_refused_ends_a_preview() {
    let world = World::new("e2e-guards-index").await;
    for operation in ["GetResources", "DescribeAvailabilityZones"] {
        let proxy = Proxy::before(endpoint(), move |call| {
            let refused = Refusal {
                status: 403,
                code: "AccessDenied",
                message: "not authorized",
            };
            (call.operation == operation).then(|| refused.into())
        });
        let program = Program::of(&world).with("AWS_ENDPOINT_URL", &proxy.endpoint);
        let ended = program.run(TOPIC, "preview", &[]);
        assert_eq!(ended.status, Some(1), "{}", ended.screen);
        assert!(ended.stderr.contains(operation), "{}", ended.screen);
        assert_eq!(proxy.calls(operation), 1, "{operation}");
    }
}
