//! `list`: what is live, with a file or without, and what has only a file.

use serde_json::{Value as Json, json as value};

use crate::common::commands::{DONE, ERROR, assert_plain, json};
use crate::common::program::{Ended, Program};
use crate::common::proxy::{Proxy, Refusal};
use crate::common::{REGION, World, endpoint};
use crate::lock::unlocked;

const RESOURCES: &str = "\
vpc: { type: aws:ec2:Vpc, properties: { cidrBlock: 10.0.0.0/16 } }
topic: { type: aws:sns:Topic }
";

/// The entries of a stack. Other tests have theirs in the account.
fn of(ended: &Ended, stack: &str) -> Vec<Json> {
    assert_eq!(ended.status, DONE, "{}", ended.screen);
    assert_eq!(ended.mutating, [] as [String; 0]);
    let document = json(ended);
    assert_eq!(document["version"], 1);
    let stacks = document["stacks"].as_array().expect("a list");
    let own = stacks.iter().filter(|it| it["stack"] == stack);
    own.cloned().collect()
}

#[tokio::test]
async fn what_is_live_is_listed_with_its_last_run() {
    let world = unlocked("e2e-list").await;
    let program = Program::of(&world);
    let stack = world.stack_tag();
    program.write("stacks/dev.yaml", &world.file(RESOURCES));
    let list = || program.run_words(&["list", "--json"]);
    let before = of(&list(), &stack);
    assert_eq!(
        before,
        [value!({
            "stack": stack, "region": REGION, "state": "notDeployed", "resources": 0,
            "lastRun": null, "file": "stacks/dev.yaml", "account": "123456789012",
        })]
    );
    let up = program.run_words(&["up", "dev", "--yes"]);
    assert_eq!(up.status, DONE, "{}", up.screen);
    let live = of(&list(), &stack);
    let [live] = live.as_slice() else {
        panic!("{live:?}");
    };
    assert_eq!(
        (&live["state"], &live["resources"]),
        (&value!("live"), &value!(2))
    );
    let last = &live["lastRun"];
    assert_eq!(
        (&last["command"], &last["outcome"]),
        (&value!("up"), &value!("succeeded"))
    );
    assert!(
        last["by"]
            .as_str()
            .is_some_and(|by| by.starts_with("arn:aws:"))
    );
    assert!(last["age"].as_u64().is_some_and(|age| age < 600), "{last}");

    // What has no file here is what no other command finds.
    std::fs::remove_file(program.directory().join("stacks/dev.yaml")).expect("it is there");
    let program = program.with("AWS_REGION", REGION);
    let orphan = of(&program.run_words(&["list", "--json"]), &stack);
    assert_eq!(
        (&orphan[0]["file"], &orphan[0]["resources"]),
        (&Json::Null, &value!(2))
    );
    let table = program.run_words(&["list"]);
    assert_eq!(table.status, DONE, "{}", table.screen);
    assert_plain(&table);
    assert!(
        table
            .stdout
            .starts_with(&format!("Stacks (123456789012, {REGION}):\n"))
    );
    let row = table.stdout.lines().find(|line| line.contains(&stack));
    let row = row.unwrap_or_else(|| panic!("{}", table.screen));
    let words: Vec<&str> = row.split_whitespace().collect();
    assert_eq!(
        words[1..6],
        ["2", "up", "succeeded", "just", "now"],
        "{row}"
    );

    program.write("stacks/dev.yaml", &world.file(RESOURCES));
    let destroyed = program.run_words(&["destroy", "dev", "--yes"]);
    assert_eq!(destroyed.status, DONE, "{}", destroyed.screen);
    let gone = of(&program.run_words(&["list", "--json"]), &stack);
    assert_eq!(gone[0]["state"], "destroyed");
}

#[tokio::test]
async fn files_that_are_no_stack_here_do_not_hide_the_others() {
    let world = World::new("e2e-list-files").await;
    let program = Program::of(&world);
    let file = world.file(RESOURCES);
    let layered = file.replace("region:", "extends: base.yaml\nregion:");
    program.write("stacks/dev.yaml", &layered);
    program.write("stacks/base.yaml", "tags: { team: shop }\n");
    program.write("stacks/faulty.yaml", "name: [\n");
    let elsewhere = file.replace("environment: dev", "environment: prod");
    program.write(
        "stacks/prod.yaml",
        &format!("account: '999999999999'\n{elsewhere}"),
    );
    let ended = program.run_words(&["list", "--json"]);
    assert_eq!(of(&ended, &world.stack_tag()).len(), 1, "{}", ended.screen);
    let prod = of(&ended, &world.stack_tag().replace("/dev", "/prod"));
    assert_eq!(
        (&prod[0]["state"], &prod[0]["account"]),
        (&value!("otherAccount"), &value!("999999999999"))
    );
    assert!(
        ended.stderr.contains("stacks/faulty.yaml has faults"),
        "{}",
        ended.screen
    );
    // The layer of another file is no stack.
    assert!(!ended.stderr.contains("base.yaml"), "{}", ended.screen);
}

#[tokio::test]
async fn a_region_that_is_refused_is_named_and_left_out() {
    let world = World::new("e2e-list-regions").await;
    world.up(RESOURCES).await;
    let denied = Refusal {
        status: 400,
        code: "AccessDeniedException",
        message: "not authorized to perform: tag:GetResources",
    };
    let program = Program::of(&world);
    program.write("stacks/dev.yaml", &world.file(RESOURCES));
    let proxy = Proxy::before(endpoint(), move |call| {
        let signature = call.request.header("authorization");
        let is_there = signature.contains("/sa-east-1/");
        (is_there && call.operation == "GetResources").then(|| denied.into())
    });
    let program = program.with("AWS_ENDPOINT_URL", &proxy.endpoint);
    let ended = program.run_words(&["list", "--all-regions", "--json"]);
    assert_eq!(of(&ended, &world.stack_tag()).len(), 1, "{}", ended.screen);
    let document = json(&ended);
    let regions = document["regions"].as_array().expect("a list");
    assert!(
        regions.len() > 20 && regions.contains(&value!(REGION)),
        "{regions:?}"
    );
    assert!(!regions.contains(&value!("sa-east-1")) && !regions.contains(&value!("cn-north-1")));
    let unread = document["unread"].as_array().expect("a list");
    let refused = unread.iter().find(|it| it["region"] == "sa-east-1");
    let reason = refused.map(|it| it["reason"].to_string());
    assert!(
        reason.is_some_and(|it| it.contains("AccessDenied")),
        "{unread:?}"
    );
    assert!(
        ended.stderr.contains("some regions could not be read"),
        "{}",
        ended.screen
    );

    // If it is the only one, there is no list.
    let only = program.run_words(&["list", "--region", "sa-east-1"]);
    assert_eq!(only.status, ERROR, "{}", only.screen);
    assert!(
        only.stderr.contains("allow tag:GetResources"),
        "{}",
        only.screen
    );
    world.destroy(RESOURCES).await;
}
