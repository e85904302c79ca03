//! `sandbox` and `--sandbox`: a local account that the program looks after itself.

use expect_test::expect_file;

use crate::common::World;
use crate::common::commands::{DONE, USAGE, assert_fits, assert_plain, json, screens};
use crate::common::program::{Ended, Program, STACK};
use crate::common::sdk::Sdk;

const TOPIC: &str = "topic: { type: aws:sns:Topic }";

/// The program where nothing but `--sandbox` leads to an account: one of the test's own.
fn program<'a>(world: &'a World, instance: &str) -> Program<'a> {
    let mut program = Program::of(world)
        .without("AWS_ENDPOINT_URL")
        .without("AWS_ACCESS_KEY_ID")
        .without("AWS_SECRET_ACCESS_KEY")
        .with("FDE_INFRA_SANDBOX_NAME", instance);
    // The variables through which the installation that all instances share is found.
    for variable in ["HOME", "PATH", "XDG_CACHE_HOME", "FDE_INFRA_SANDBOX_DIR"] {
        if let Ok(value) = std::env::var(variable) {
            program = program.with(variable, &value);
        }
    }
    program
}

/// The screens without the directory of this machine's caches.
fn without_cache(all: &[Ended]) -> String {
    let mut text = String::new();
    for line in screens(all).lines() {
        match (line.find("log  "), line.find("/instances/")) {
            (Some(log), Some(instance)) => {
                let (lead, end) = (&line[..log], &line[instance..]);
                text.push_str(&format!("{lead}log      [cache]{end}\n"));
            }
            _ => text.push_str(&format!("{line}\n")),
        }
    }
    text
}

fn endpoint_of(status: &Ended) -> String {
    let word = status
        .stdout
        .split_whitespace()
        .find(|word| word.starts_with("http://"));
    word.unwrap_or_else(|| panic!("{}", status.screen))
        .to_owned()
}

/// Nothing runs, it is started by a command, emptied, and stopped.
#[tokio::test]
async fn an_account_comes_and_goes() {
    if std::env::var_os("AWS_ENDPOINT_URL").is_some() {
        // Another account is under test, and this machine need not have one.
        return;
    }
    let world = World::new("e2e-sandbox").await;
    // The variables of a machine behind a proxy, and those that would lead to an account elsewhere.
    let nowhere = "http://127.0.0.1:1";
    let program = program(&world, "e2e-sandbox")
        .with("HTTP_PROXY", nowhere)
        .with("HTTPS_PROXY", nowhere)
        .with("all_proxy", nowhere)
        .with("AWS_ENDPOINT_URL_SNS", nowhere)
        .with("AWS_USE_FIPS_ENDPOINT", "true")
        .with("AWS_USE_DUALSTACK_ENDPOINT", "true")
        .with("AWS_CA_BUNDLE", "/nowhere.pem");
    // A leftover of a run that died here.
    program.run_words(&["sandbox", "stop"]);

    let mut all = vec![
        program.run_words(&["sandbox", "status"]),
        program.run_words(&["sandbox", "stop"]),
        program.run_words(&["sandbox", "reset"]),
    ];
    for ended in &all {
        assert!(ended.stdout.contains("not running"), "{}", ended.screen);
    }
    let up = program.run(TOPIC, "up", &["--sandbox", "--yes"]);
    assert!(
        up.stderr.contains("starting the local account"),
        "{}",
        up.screen
    );
    let status = program.run_words(&["sandbox", "status"]);
    let endpoint = endpoint_of(&status);
    let sdk = Sdk::new(&endpoint).await;
    assert_eq!(sdk.tagged(&world.stack_tag()).await.len(), 1);
    let again = program.run(TOPIC, "preview", &["--sandbox", "--expect-no-changes"]);
    let quiet = program.run(TOPIC, "preview", &["--sandbox", "--json"]);
    assert_eq!(json(&quiet)["summary"]["same"], 1);

    let reset = program.run_words(&["sandbox", "reset"]);
    assert_eq!(sdk.tagged(&world.stack_tag()).await, [] as [String; 0]);
    let after = program.run_words(&["sandbox", "status"]);
    assert_eq!(endpoint_of(&after), endpoint, "a reset starts nothing anew");
    all.extend([up, status, again, reset, after]);
    all.push(program.run_words(&["sandbox", "stop"]));
    let address = endpoint.trim_start_matches("http://");
    assert!(
        std::net::TcpStream::connect(address).is_err(),
        "it still listens"
    );
    all.push(program.run_words(&["sandbox", "status"]));
    for ended in &all {
        assert_eq!(ended.status, DONE, "{}", ended.screen);
        assert_plain(ended);
        assert_fits(ended);
    }
    expect_file!["../snapshots/commands/sandbox.txt"].assert_eq(&without_cache(&all));
}

#[tokio::test]
async fn what_makes_no_sense() {
    let world = World::new("e2e-sandbox-usage").await;
    let named = program(&world, "../elsewhere").run_words(&["sandbox", "status"]);
    let both = Program::of(&world).run(
        TOPIC,
        "preview",
        &["--sandbox", "--endpoint-url", "http://localhost:1"],
    );
    let without = program(&world, "e2e-sandbox-usage").run_words(&["sandbox"]);
    let other = program(&world, "e2e-sandbox-usage").run_words(&["sandbox", "start", STACK]);
    let all = [named, both, without, other];
    for ended in &all {
        assert_ne!(ended.status, DONE, "{}", ended.screen);
        assert_eq!(ended.calls, [] as [String; 0], "{}", ended.screen);
        assert_fits(ended);
    }
    assert_eq!(all[1].status, USAGE);
    expect_file!["../snapshots/commands/sandbox_usage.txt"].assert_eq(&screens(&all));
}
