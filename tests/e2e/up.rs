//! `up`: what it says while it works, what there is afterwards, and how it is interrupted.

use std::io::{BufRead, BufReader, Read};
use std::process::{Child, Command};

use expect_test::expect_file;

use crate::common::World;
use crate::common::commands::{CANCELLED, DONE, SHOP, USAGE, assert_fits, assert_plain, screens};
use crate::common::program::{Ended, Program, STACK};
use crate::common::sdk::Sdk;

/// One after the other, so that the lines come in the same order every time.
const YES: [&str; 3] = ["--yes", "--parallel", "1"];

const OUTPUTS: &str = "\
outputs:
  vpcId: ${vpc.id}
  subnets: ['${subnet.id}']
  topicArn: ${topic.arn}
";

/// The logical names of the stack's objects in AWS.
async fn there(world: &World) -> Vec<String> {
    let mut names = Vec::new();
    for arn in world.sdk.tagged(&world.stack_tag()).await {
        // A secret that an earlier run has deleted is listed through its recovery window.
        let secret = world.sdk.secrets.describe_secret().secret_id(&arn);
        if arn.contains(":secret:")
            && secret
                .send()
                .await
                .is_ok_and(|s| s.deleted_date().is_some())
        {
            continue;
        }
        let id = arn.rsplit('/').next().unwrap_or_default();
        let name = match world.sdk.name_of(&arn).await {
            Some(name) => Some(name),
            None => world.sdk.ec2_name(Some(id)).await,
        };
        names.push(name.unwrap_or(arn));
    }
    names.sort();
    names
}

async fn display_name(sdk: &Sdk, topic: &str) -> Option<String> {
    let answer = sdk.sns.get_topic_attributes().topic_arn(topic).send().await;
    let attributes = answer
        .expect("the topic is there")
        .attributes
        .unwrap_or_default();
    attributes.get("DisplayName").cloned()
}

#[tokio::test]
async fn from_nothing_and_again() {
    let world = World::new("e2e-up").await;
    let program = Program::of(&world);
    let file = format!("{}{OUTPUTS}", world.file(SHOP));
    let first = program.run_file(&file, "up", &YES);
    assert_eq!(first.status, DONE, "{}", first.screen);
    let names = ["group", "password", "subnet", "topic", "vpc"];
    assert_eq!(there(&world).await, names);
    let topic = world.id(SHOP, "topic").await;
    assert_eq!(
        display_name(&world.sdk, &topic).await.as_deref(),
        Some("Shop")
    );

    let second = program.run_file(&file, "up", &YES);
    assert_eq!(second.status, DONE, "{}", second.screen);
    assert_eq!(second.mutating, [] as [String; 0]);

    let set = [
        &YES[..],
        &["--set", "resources.topic.properties.displayName=Market"],
    ]
    .concat();
    let third = program.run_file(&file, "up", &set);
    assert_eq!(third.status, DONE, "{}", third.screen);
    assert_eq!(
        display_name(&world.sdk, &topic).await.as_deref(),
        Some("Market")
    );
    assert_eq!(there(&world).await, names);

    let all = [first, second, third];
    for ended in &all {
        assert_plain(ended);
        assert_fits(ended);
    }
    expect_file!["../snapshots/commands/up.txt"].assert_eq(&screens(&all));
    world.destroy(SHOP).await;
}

#[tokio::test]
async fn a_part_of_it() {
    let world = World::new("e2e-up-part").await;
    let program = Program::of(&world);
    let mut all = Vec::new();
    let mut run = |flags: &[&str]| {
        let ended = program.run(SHOP, "up", &[&YES[..], flags].concat());
        assert_eq!(ended.status, DONE, "{}", ended.screen);
        assert_fits(&ended);
        all.push(ended);
    };
    run(&["--target", "subnet"]);
    assert_eq!(there(&world).await, ["subnet", "vpc"]);
    run(&["--exclude", "topic", "--exclude", "pass*"]);
    assert_eq!(there(&world).await, ["group", "subnet", "vpc"]);
    run(&[]);
    assert_eq!(
        there(&world).await,
        ["group", "password", "subnet", "topic", "vpc"]
    );
    let (group, vpc) = (world.id(SHOP, "group").await, world.id(SHOP, "vpc").await);
    run(&["--replace", "group"]);
    assert_ne!(world.id(SHOP, "group").await, group);
    assert_eq!(world.id(SHOP, "vpc").await, vpc);
    assert_eq!(
        there(&world).await,
        ["group", "password", "subnet", "topic", "vpc"]
    );
    expect_file!["../snapshots/commands/up_part.txt"].assert_eq(&screens(&all));
    world.destroy(SHOP).await;
}

/// There is no one to say yes, unless it is said in the environment.
#[tokio::test]
async fn consent_is_asked_for() {
    let world = World::new("e2e-up-consent").await;
    let program = Program::of(&world);
    let resources = "topic: { type: aws:sns:Topic }";
    let unasked = program.run(resources, "up", &["--target", "top*"]);
    assert_eq!(unasked.status, USAGE, "{}", unasked.screen);
    assert_eq!(unasked.calls, [] as [String; 0]);
    let none = program.run(resources, "up", &["--yes", "--parallel", "none"]);
    assert_eq!(none.status, USAGE, "{}", none.screen);
    expect_file!["../snapshots/commands/up_consent.txt"].assert_eq(&screens([&unasked, &none]));
    assert_eq!(there(&world).await, [] as [String; 0]);

    let program = program
        .with("FDE_INFRA_STACK", STACK)
        .with("FDE_INFRA_YES", "true")
        .with(
            "FDE_INFRA_SET",
            "resources.topic.properties.displayName=Twin",
        );
    let ended = program.run_words(&["up"]);
    assert_eq!(ended.status, DONE, "{}", ended.screen);
    assert_eq!(there(&world).await, ["topic"]);
    let topic = "topic: { type: aws:sns:Topic, properties: { displayName: Twin } }";
    let topic = world.id(topic, "topic").await;
    assert_eq!(
        display_name(&world.sdk, &topic).await.as_deref(),
        Some("Twin")
    );
    world.destroy(resources).await;
}

/// Topics that are made one after the other, each because of the one before.
pub fn chain(length: usize) -> String {
    let mut text = "t000: { type: aws:sns:Topic }\n".to_owned();
    for number in 1..length {
        let before = number - 1;
        text.push_str(&format!(
            "t{number:03}: {{ type: aws:sns:Topic, options: {{ dependsOn: ['${{t{before:03}}}'] }} }}\n"
        ));
    }
    text
}

/// Sends a signal as soon as the first resource is being created.
pub fn interrupted(program: &Program<'_>, words: &[&str], signal: &str) -> Ended {
    let mut child = program.start(words);
    let mut stdout = BufReader::new(child.stdout.take().expect("it is piped"));
    let mut read = String::new();
    while !read.contains("creating") {
        assert_ne!(stdout.read_line(&mut read).expect("lines"), 0, "{read}");
    }
    self::signal(&child, signal);
    stdout.read_to_string(&mut read).expect("the rest");
    let mut output = child.wait_with_output().expect("the program ends");
    output.stdout = read.into_bytes();
    program.ended(words, &output, 0)
}

pub fn signal(child: &Child, signal: &str) {
    signal_process(child.id(), signal);
}

pub fn signal_process(id: u32, signal: &str) {
    let killed = Command::new("kill")
        .args([signal, &id.to_string()])
        .status()
        .expect("kill runs");
    assert!(killed.success());
}

/// Steps under way are finished, nothing new is begun, and the next run goes on.
async fn check_signal(name: &str, signal: &str, again: &str) {
    const LENGTH: usize = 60;
    let world = World::new(name).await;
    let program = Program::of(&world);
    let resources = chain(LENGTH);
    program.write("stacks/dev.yaml", &world.file(&resources));
    let words = ["up", STACK, "--yes", "--target", "t*"];
    let ended = interrupted(&program, &words, signal);
    assert_eq!(ended.status, CANCELLED, "{}", ended.screen);
    let heard = format!("up to 7 s; {again} again stops at once");
    assert!(ended.stdout.contains(&heard), "{}", ended.screen);
    // Said once, and last.
    assert_eq!(
        ended.raw.matches("nterrupted").count(),
        1,
        "{}",
        ended.screen
    );
    assert!(
        ended
            .stderr
            .ends_with("To go on, run fde-infra up dev --target 't*'"),
        "{}",
        ended.screen
    );
    assert_plain(&ended);
    assert_fits(&ended);
    let count = async || world.sdk.tagged(&world.stack_tag()).await.len();
    let made = count().await;
    assert!((1..LENGTH).contains(&made), "{made} of {LENGTH} were made");
    assert!(
        ended
            .stderr
            .contains(&format!("+ {made} created {} not begun", LENGTH - made)),
        "{made}: {}",
        ended.screen
    );

    let again = program.run_words(&words);
    assert_eq!(again.status, DONE, "{}", again.screen);
    assert_eq!(count().await, LENGTH);
    let preview = program.run_words(&["preview", STACK, "--expect-no-changes"]);
    assert_eq!(preview.status, DONE, "{}", preview.screen);
    world.destroy(&resources).await;
}

#[tokio::test]
async fn an_interrupt() {
    check_signal("e2e-up-sigint", "-INT", "Ctrl-C").await;
}

#[tokio::test]
async fn a_request_to_terminate() {
    check_signal("e2e-up-sigterm", "-TERM", "SIGTERM").await;
}
