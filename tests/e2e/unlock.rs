//! `unlock`: who holds a stack's lock, and taking it away.

use expect_test::expect_file;

use crate::common::commands::{DONE, ERROR, USAGE, assert_fits, assert_plain, screens};
use crate::common::program::{Program, STACK};
use crate::common::proxy::{Proxy, Refusal};
use crate::lock::{hold, read, unlocked};

#[tokio::test]
async fn held_and_free() {
    let world = unlocked("e2e-unlock").await;
    let program = Program::of(&world);
    let resources = "topic: { type: aws:sns:Topic }";
    let free = program.run(resources, "unlock", &["--yes"]);
    assert_eq!(free.status, DONE, "{}", free.screen);
    hold(&world, 60).await;
    // There is no one to say yes.
    let unasked = program.run(resources, "unlock", &[]);
    assert_eq!(unasked.status, USAGE, "{}", unasked.screen);
    assert_eq!(unasked.calls, [] as [String; 0]);
    assert!(read(&world, "lock").await.is_some());
    let removed = program.run(resources, "unlock", &["--yes"]);
    assert_eq!(removed.status, DONE, "{}", removed.screen);
    assert_eq!(read(&world, "lock").await, None);
    // A lock of a dead run means that no run is at work.
    hold(&world, 1).await;
    tokio::time::sleep(std::time::Duration::from_secs(2)).await;
    let dead = program.run(resources, "unlock", &["--yes"]);
    assert_eq!(dead.status, DONE, "{}", dead.screen);
    assert_eq!(read(&world, "lock").await, None);
    let all = [free, unasked, removed, dead];
    for ended in &all {
        assert_plain(ended);
        assert_fits(ended);
    }
    expect_file!["../snapshots/commands/unlock.txt"].assert_eq(&screens(&all));
}

/// A lock that cannot be read is not taken for free.
#[tokio::test]
async fn a_lock_that_cannot_be_seen() {
    let world = unlocked("e2e-unlock-denied").await;
    let refusal = Refusal {
        status: 400,
        code: "AccessDeniedException",
        message: "User: arn:aws:iam::123456789012:user/ci is not authorized to perform: ssm:GetParameter",
    };
    let proxy = Proxy::before(crate::common::endpoint(), move |call| {
        (call.service == "ssm").then(|| refusal.into())
    });
    let program = Program::of(&world).with("AWS_ENDPOINT_URL", &proxy.endpoint);
    program.write("stacks/dev.yaml", &world.file(""));
    let ended = program.run_words(&["unlock", STACK, "--yes"]);
    assert_eq!(ended.status, ERROR, "{}", ended.screen);
    assert!(
        ended.stderr.contains("allow ssm:GetParameter"),
        "{}",
        ended.screen
    );
}
