//! `preview --all`: every stack file, one after the other, and the worst exit status.

use serde_json::{Value as Json, json as value};

use crate::common::World;
use crate::common::commands::{DONE, NO_STACK, UNEXPECTED_CHANGES, USAGE, json};
use crate::common::program::Program;

const TOPIC: &str = "topic: { type: aws:sns:Topic }\n";

#[tokio::test]
async fn every_file_is_previewed_and_the_worst_counts() {
    let here = World::new("e2e-preview-all-here").await;
    let missing = World::new("e2e-preview-all-missing").await;
    let program = Program::of(&here);
    let run = |words: &[&str]| program.run_words(&[&["preview", "--all"], words].concat());
    let none = run(&[]);
    assert_eq!(none.status, NO_STACK, "{}", none.screen);
    here.up(TOPIC).await;
    program.write(
        "stacks/a.yaml",
        &here
            .file(TOPIC)
            .replace("region:", "extends: base.yaml\nregion:"),
    );
    // A layer is no stack.
    program.write("stacks/base.yaml", "description: of all\n");
    for (flags, status) in [
        (&[][..], DONE),
        (&["--expect-no-changes"], DONE),
        (&["--detailed-exitcode"], DONE),
    ] {
        let ended = run(flags);
        assert_eq!(ended.status, status, "{}", ended.screen);
    }
    program.write("stacks/b.yaml", &missing.file(TOPIC));
    for (flags, status) in [
        (&[][..], DONE),
        (&["--expect-no-changes"], UNEXPECTED_CHANGES),
        (&["--detailed-exitcode"], Some(2)),
    ] {
        let ended = run(flags);
        assert_eq!(ended.status, status, "{}", ended.screen);
        assert_eq!(ended.mutating, [] as [String; 0]);
        let (_, table) = ended.stdout.split_once("\nStacks:\n").expect("a table");
        let rows: Vec<&str> = table.lines().map(str::trim).collect();
        assert_eq!(rows.len(), 2, "{}", ended.screen);
        assert!(rows[0].starts_with("stacks/a.yaml") && rows[0].ends_with("1 unchanged"));
        assert!(rows[1].starts_with("stacks/b.yaml") && rows[1].ends_with("1 to create"));
    }
    program.write(
        "stacks/c.yaml",
        &missing.file("topic: { type: aws:sns:Topik }\n"),
    );
    for (flags, status) in [
        (&[][..], USAGE),
        (&["--expect-no-changes"], USAGE),
        (&["--detailed-exitcode"], Some(1)),
    ] {
        assert_eq!(run(flags).status, status, "{flags:?}");
    }
    let ended = run(&["--json"]);
    assert_eq!(ended.status, USAGE, "{}", ended.screen);
    let document = json(&ended);
    let stacks = document.as_array().expect("a list");
    let brief: Vec<Json> = stacks
        .iter()
        .map(|it| value!([it["file"], it["exitCode"], it["plan"]["summary"]["create"]]))
        .collect();
    assert_eq!(
        brief,
        [
            value!(["stacks/a.yaml", 0, 0]),
            value!(["stacks/b.yaml", 0, 1]),
            value!(["stacks/c.yaml", 2, null]),
        ]
    );
    for words in [&["--save-plan", "plan"][..], &["--markdown"], &["a"]] {
        let ended = run(words);
        assert_eq!(ended.status, USAGE, "{}", ended.screen);
        assert!(ended.stderr.contains("--all and "), "{}", ended.screen);
    }
    here.destroy(TOPIC).await;
}
