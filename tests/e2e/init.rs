//! `init`: a first stack file, which is a whole platform.

use std::fs;

use expect_test::expect_file;

use crate::common::World;
use crate::common::commands::{DONE, REFUSED, USAGE, assert_fits, assert_plain, json, screens};
use crate::common::program::Program;

const SHOP: [&str; 6] = [
    "init",
    "shop",
    "--environment",
    "staging",
    "--region",
    "eu-south-2",
];

#[tokio::test]
async fn a_first_stack_is_written() {
    let world = World::new("e2e-init").await;
    let program = Program::of(&world);
    let unasked = program.run_words(&["init", "shop"]);
    let wrong = program.run_words(&[
        "init",
        "Shop!",
        "--environment",
        "dev",
        "--region",
        "eu-south-2",
    ]);
    let stack = program.directory().join("stacks/staging.yaml");
    let workflow = program.directory().join(".github/workflows/deploy.yml");
    assert!(!stack.exists() && !program.directory().join("stacks/dev.yaml").exists());
    let written = program.run_words(&SHOP);
    assert!(!workflow.exists(), "it was not asked for");
    let text = fs::read_to_string(&stack).expect("it is written");
    let again = program.run_words(&[&SHOP[..], &["--workflow"]].concat());
    assert_eq!(fs::read_to_string(&stack).ok().as_ref(), Some(&text));
    assert!(!workflow.exists(), "all of it is written, or nothing");
    fs::remove_file(&stack).expect("it is there");
    let both = program.run_words(&[&SHOP[..], &["--workflow"]].concat());
    let workflow = fs::read_to_string(&workflow).expect("it is written");
    let valid = program.run_words(&["validate", "staging"]);
    let all = [unasked, wrong, written, again, both, valid];
    let statuses = all.each_ref().map(|ended| ended.status);
    assert_eq!(statuses, [USAGE, USAGE, DONE, REFUSED, DONE, DONE]);
    for ended in &all {
        assert_eq!(ended.calls, [] as [String; 0], "{}", ended.screen);
        assert_plain(ended);
        assert_fits(ended);
    }
    let files = format!("{}\n{text}\n{workflow}", screens(&all));
    expect_file!["../snapshots/commands/init.txt"].assert_eq(&files);
    let plan = json(&program.run_words(&["preview", "staging", "--json"]));
    let creates = plan["summary"]["create"].as_u64().expect("a count");
    assert!(creates > 50, "{creates}");
}
