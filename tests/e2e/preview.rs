//! `preview`: what it shows, how it ends, and that it changes nothing.

use aws_sdk_ec2::types::Tag;
use expect_test::expect_file;

use crate::common::World;
use crate::common::commands::{
    DONE, ERROR, SHOP, UNEXPECTED_CHANGES, USAGE, assert_fits, assert_plain, json, screens,
};
use crate::common::program::{Ended, Program, STACK};

/// The status with which `--detailed-exitcode` reports changes, and the one that it leaves to every error.
const CHANGES: Option<i32> = Some(2);
const DETAILED_ERROR: Option<i32> = Some(1);

fn assert_changed_nothing(ended: &Ended) {
    assert_eq!(ended.mutating, [] as [String; 0], "{}", ended.screen);
    if std::env::var_os("AWS_ENDPOINT_URL").is_none() {
        assert!(!ended.calls.is_empty(), "the log of calls is of use");
    }
}

#[tokio::test]
async fn a_stack_that_is_not_there_yet() {
    let world = World::new("e2e-preview-new").await;
    let program = Program::of(&world);
    let plain = program.run(SHOP, "preview", &[]);
    let diff = program.run(SHOP, "preview", &["--diff"]);
    for ended in [&plain, &diff] {
        assert_eq!(ended.status, DONE, "{}", ended.screen);
        assert_changed_nothing(ended);
        assert_plain(ended);
        assert_fits(ended);
    }
    expect_file!["../snapshots/commands/preview_new.txt"].assert_eq(&screens([&plain, &diff]));
    assert_eq!(
        world.sdk.tagged(&world.stack_tag()).await,
        [] as [String; 0]
    );
}

/// The documents that a pipeline takes from one preview: all are of the same plan.
#[tokio::test]
async fn documents_go_into_files() {
    let world = World::new("e2e-preview-into").await;
    let program = Program::of(&world);
    let into = [
        "--json-into=plan.json",
        "--markdown-into=page.md",
        "--markdown-into=short.md=2000",
    ];
    let shown = program.run(SHOP, "preview", &into);
    let plain = program.run(SHOP, "preview", &[]);
    assert_eq!((shown.status, &shown.stdout), (DONE, &plain.stdout));
    let read = |name: &str| std::fs::read_to_string(program.directory().join(name)).expect(name);
    let json = program.run(SHOP, "preview", &["--json"]).stdout;
    let markdown = program.run(SHOP, "preview", &["--markdown"]).stdout;
    assert_eq!(read("plan.json").trim_end(), json.trim_end());
    assert_eq!(read("page.md").trim_end(), markdown.trim_end());
    let short = read("short.md");
    assert!(short.len() <= 2_000 && short.len() < markdown.len() && short.contains("5 to create"));
    let lost = program.run(SHOP, "preview", &["--json-into", "nowhere/plan.json"]);
    assert_eq!(lost.status, ERROR, "{}", lost.screen);
    assert!(
        lost.stderr.contains("could not write nowhere/plan.json"),
        "{}",
        lost.screen
    );
    assert_changed_nothing(&lost);
}

/// An edit, a replacement, a deletion, and a change by another party, all in one.
#[tokio::test]
async fn everything_at_once() {
    let world = World::new("e2e-preview-mixed").await;
    let program = Program::of(&world);
    let first = format!("{SHOP}spare: {{ type: aws:sns:Topic }}\n");
    world.up(&first).await;
    let vpc = world.id(&first, "vpc").await;
    let drift = world
        .sdk
        .ec2
        .modify_vpc_attribute()
        .vpc_id(&vpc)
        .enable_dns_hostnames(
            aws_sdk_ec2::types::AttributeBooleanValue::builder()
                .value(true)
                .build(),
        );
    drift.send().await.expect("the network can be changed");
    let edited = SHOP
        .replace("displayName: Shop", "displayName: Market")
        .replace("10.0.1.0/24", "10.0.2.0/24");
    let plain = program.run(&edited, "preview", &[]);
    let diff = program.run(&edited, "preview", &["--diff"]);
    let sames = program.run(&edited, "preview", &["--show-sames"]);
    for ended in [&plain, &diff, &sames] {
        assert_eq!(ended.status, DONE, "{}", ended.screen);
        assert_changed_nothing(ended);
        assert_plain(ended);
        assert_fits(ended);
    }
    expect_file!["../snapshots/commands/preview_mixed.txt"]
        .assert_eq(&screens([&plain, &diff, &sames]));

    let document = program.run_words(&["preview", STACK, "--json"]);
    assert_eq!(document.status, DONE, "{}", document.screen);
    assert_changed_nothing(&document);
    expect_file!["../snapshots/commands/preview_json.txt"].assert_eq(&document.screen);
    let parsed = json(&document);
    assert_eq!(parsed["version"], 1);
    assert_eq!(parsed["stack"], "e2e-preview-mixed/dev");
    assert_eq!(parsed["summary"]["drift"], 1, "{parsed}");
    assert_eq!(parsed["summary"]["replace"], 1, "{parsed}");
    assert_eq!(parsed["summary"]["delete"], 1, "{parsed}");

    let parts: Vec<Ended> = [
        &["--target", "topic"][..],
        &["--exclude", "vpc"],
        &["--replace", "group"],
        &["--target", "tpoic"],
    ]
    .iter()
    .map(|flags| program.run(&edited, "preview", flags))
    .collect();
    for ended in &parts {
        assert_changed_nothing(ended);
        assert_fits(ended);
    }
    assert_eq!(parts[3].status, USAGE);
    expect_file!["../snapshots/commands/preview_selection.txt"].assert_eq(&screens(&parts));
}

/// The question of a pipeline: is there anything to do?
#[tokio::test]
async fn the_statuses() {
    let world = World::new("e2e-preview-status").await;
    let program = Program::of(&world);
    let before: Vec<Ended> = [
        &["--expect-no-changes"][..],
        &["--detailed-exitcode"],
        &["--expect-no-changes", "--target", "topic"],
        &["--expect-no-changes", "--json", "--target", "topic"],
        &["--detailed-exitcode", "--target", "nothing"],
    ]
    .iter()
    .map(|flags| program.run(SHOP, "preview", flags))
    .collect();
    let statuses: Vec<Option<i32>> = before.iter().map(|ended| ended.status).collect();
    assert_eq!(
        statuses,
        [
            UNEXPECTED_CHANGES,
            CHANGES,
            UNEXPECTED_CHANGES,
            UNEXPECTED_CHANGES,
            DETAILED_ERROR
        ]
    );
    assert_eq!(json(&before[3])["summary"]["create"], 1);
    world.up(SHOP).await;
    let after: Vec<Ended> = ["--expect-no-changes", "--detailed-exitcode"]
        .iter()
        .map(|flag| program.run(SHOP, "preview", &[flag]))
        .collect();
    for ended in &after {
        assert_eq!(ended.status, DONE, "{}", ended.screen);
    }
    // Another party's tag does not matter here.
    let vpc = world.id(SHOP, "vpc").await;
    let tag = Tag::builder().key("cost-centre").value("42").build();
    let tagging = world.sdk.ec2.create_tags().resources(&vpc).tags(tag);
    tagging.send().await.expect("tags can be set");
    let tagged = program.run(SHOP, "preview", &["--expect-no-changes"]);
    assert_eq!(tagged.status, DONE, "{}", tagged.screen);
    let both = program.run(
        SHOP,
        "preview",
        &["--detailed-exitcode", "--expect-no-changes"],
    );
    assert_eq!(both.status, DETAILED_ERROR, "{}", both.screen);
    expect_file!["../snapshots/commands/preview_statuses.txt"]
        .assert_eq(&screens(before.iter().chain(&after).chain([&both])));
}

/// Colour is for a terminal, or for users who insist; and every flag has its twin in the environment.
#[tokio::test]
async fn colour_and_the_environment() {
    let world = World::new("e2e-preview-colour").await;
    let program = Program::of(&world);
    let escape = '\u{1b}';
    for (flags, coloured) in [
        (&[][..], false),
        (&["--color", "never"], false),
        (&["--color", "always"], true),
    ] {
        let ended = program.run(SHOP, "preview", flags);
        assert_eq!(ended.raw.contains(escape), coloured, "{flags:?}");
    }
    // Without `NO_COLOR`, a pipe is still no terminal.
    let program = program.without("NO_COLOR");
    assert_plain(&program.run(SHOP, "preview", &[]));
    let program = program.with("FDE_INFRA_COLOR", "always");
    let coloured = program.run(SHOP, "preview", &[]);
    assert!(coloured.raw.contains(escape), "{}", coloured.screen);

    let program = program
        .without("FDE_INFRA_COLOR")
        .with("FDE_INFRA_STACK", STACK)
        .with("FDE_INFRA_JSON", "1")
        .with("FDE_INFRA_TARGET", "vpc,topic")
        .with("FDE_INFRA_EXPECT_NO_CHANGES", "yes");
    let ended = program.run_words(&["preview"]);
    assert_eq!(ended.status, UNEXPECTED_CHANGES, "{}", ended.screen);
    assert_eq!(json(&ended)["summary"]["create"], 2);
    let ended = program
        .with("FDE_INFRA_EXPECT_NO_CHANGES", "perhaps")
        .run_words(&["preview"]);
    assert_eq!(ended.status, USAGE, "{}", ended.screen);
}

/// The time that a plan usually takes is the same one in each form. A plan that is refused takes none.
#[tokio::test]
async fn the_usual_time_is_in_every_form() {
    let world = World::new("e2e-preview-time").await;
    let program = Program::of(&world);
    let database = "\
password:
  type: aws:secretsmanager:Secret
  properties: { generateSecretString: { secretStringTemplate: { username: app }, generateStringKey: password } }
main:
  type: aws:rds:Instance
  properties:
    identifier: e2e-preview-time
    engine: postgres
    engineVersion: '16'
    instanceClass: db.t3.micro
    allocatedStorage: 20
    username: app
    masterPasswordSecretArn: '${password.arn}'
";
    program.write("stacks/dev.yaml", &world.file(database));
    let shown = |flags: &[&str]| {
        let ended = program.run_words(&[&["preview", STACK], flags].concat());
        assert_eq!(ended.status, DONE, "{}", ended.screen);
        ended
    };
    let text = shown(&[]).stdout;
    let time = text.lines().find_map(|line| line.strip_prefix("Time: "));
    let time = time.unwrap_or_else(|| panic!("{text}"));
    assert!(
        time.ends_with("; the longest step is main, usually 5–15 min"),
        "{time}"
    );
    let estimate = &json(&shown(&["--json"]))["estimate"];
    assert_eq!(estimate["text"], time);
    let longest = &estimate["longest"];
    assert_eq!(
        (&longest["name"], &longest["leastSeconds"]),
        (&"main".into(), &300.into())
    );
    assert!(estimate["seconds"].as_u64() >= Some(300), "{estimate}");
    let page = shown(&["--markdown"]).stdout;
    let line = format!("\n**Time:** {}\n", time.replace(" main,", " `main`,"));
    assert!(page.contains(&line), "{page}");
}
