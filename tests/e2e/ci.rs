//! The output for CI systems: annotations at file and line, sections that fold, lines with the time; and standard output,
//! which stays clean for scripts.

use expect_test::expect_file;

use crate::common::World;
use crate::common::commands::{DONE, REFUSED, RESOURCE_FAILED, UNEXPECTED_CHANGES, USAGE, json};
use crate::common::program::{Ended, Program, STACK};
use crate::common::proxy::{Proxy, Refusal};

/// A program started the way GitHub starts a step, in a repository that is the program's directory.
fn on_github(world: &World) -> Program<'_> {
    let program = Program::of(world);
    let workspace = program.directory().to_string_lossy().into_owned();
    program
        .with("CI", "true")
        .with("GITHUB_ACTIONS", "true")
        .with("GITHUB_WORKSPACE", &workspace)
}

/// The commands in both streams.
fn commands(ended: &Ended) -> Vec<&str> {
    let lines = ended.raw.lines();
    lines.filter(|line| line.starts_with("::")).collect()
}

/// Sections are ended in the stream in which they were begun, before the next one begins.
fn assert_balanced(ended: &Ended) {
    let mut open = false;
    for line in ended.stdout.lines() {
        if line.starts_with("::group::") {
            assert!(!open, "{}", ended.screen);
            open = true;
        } else if line == "::endgroup::" {
            assert!(open, "{}", ended.screen);
            open = false;
        }
    }
    assert!(!open, "{}", ended.screen);
}

#[tokio::test]
async fn a_mistake_in_a_file_is_shown_at_its_place() {
    let world = World::new("e2e-ci-file").await;
    let program = on_github(&world);
    program.write("stacks/base.yaml", "network:\n  natGateway: none\n");
    let text = "\
extends: base.yaml
name: e2e-ci-file
environment: dev
region: eu-south-2
services:
  api: { port: 8000, cpu: 256, memoryMiB: 4096, default: true }
  web: { port: 3000, default: true, secrets: { URL: 'größe, 100%: ${databse.url}' } }
loadBalancer: {}
";
    program.write("stacks/dev.yaml", text);
    let faulty = program.run_words(&["validate", STACK]);
    assert_eq!(faulty.status, USAGE);
    let flag = program.run_words(&["validate", STACK, "--set", "services.api.prot=1"]);
    let slip = program.run_words(&["validate", "--stack", STACK]);
    let screens = [&faulty, &flag, &slip].map(|ended| ended.screen.as_str());
    expect_file!["../snapshots/ci/faulty_file.txt"].assert_eq(&screens.join("\n"));

    // The same place, from wherever in the repository, and however the file is named.
    let path = program.directory().join("stacks/dev.yaml");
    let by_path = program.run_words(&["validate", &path.to_string_lossy()]);
    let places = |ended: &Ended| -> Vec<String> {
        let heads = ended
            .raw
            .lines()
            .filter_map(|line| line.strip_prefix("::error file="));
        let heads = heads.map(|rest| rest.split(",title=").next().unwrap_or_default().to_owned());
        heads.collect()
    };
    assert!(places(&faulty).len() >= 4, "{}", faulty.screen);
    assert_eq!(places(&by_path), places(&faulty));
    // The characters that the place covers are those at fault.
    for place in places(&faulty) {
        let mut parts = place.split(',');
        let file = parts.next().expect("a file");
        let numbers: Vec<usize> = parts
            .map(|part| {
                part.split_once('=')
                    .expect("a number")
                    .1
                    .parse()
                    .expect("a number")
            })
            .collect();
        let [line, column, end] = numbers[..] else {
            panic!("{place}");
        };
        let text = std::fs::read_to_string(program.directory().join(file)).expect("readable");
        let line: Vec<char> = text
            .lines()
            .nth(line - 1)
            .expect("a line")
            .chars()
            .collect();
        let covered: String = line[column - 1..end - 1].iter().collect();
        let known = [
            "natGateway",
            "4096",
            "true",
            "'größe, 100%: ${databse.url}'",
        ];
        assert!(known.contains(&covered.as_str()), "{place}: {covered}");
    }
}

#[tokio::test]
async fn a_resource_that_fails_is_shown_where_it_is_declared() {
    let world = World::new("e2e-ci-failed").await;
    let proxy = Proxy::before(crate::common::endpoint(), |call| {
        let refusal = Refusal {
            status: 403,
            code: "AuthorizationError",
            message: "User: arn:aws:iam::123456789012:user/ci is not authorized, 100%: no",
        };
        (call.operation == "CreateTopic").then(|| refusal.into())
    });
    let program = on_github(&world).with("AWS_ENDPOINT_URL", &proxy.endpoint);
    let resources = "\
logs: { type: aws:cloudwatch:LogGroup, properties: { name: /e2e/ci-failed } }
topic: { type: aws:sns:Topic, properties: { name: e2e-ci-failed } }
";
    let text = world.file(resources) + "outputs: { group: '${logs.arn}' }\n";
    let arguments = ["--yes", "--parallel", "1"];
    let ended = program.run_file(&text, "up", &arguments);
    assert_eq!(ended.status, RESOURCE_FAILED, "{}", ended.screen);
    assert_balanced(&ended);
    expect_file!["../snapshots/ci/failed_resource.txt"].assert_eq(&ended.screen);
    let line = text
        .lines()
        .position(|line| line.trim_start().starts_with("topic:"));
    let place = format!(
        "line={},col=3,endColumn=8",
        line.expect("it is declared") + 1
    );
    assert!(
        ended
            .raw
            .contains(&format!("::error file=stacks/dev.yaml,{place},"))
    );

    // Outside of GitHub not one command, and the time on every line.
    let program = Program::of(&world).with("CI", "true");
    let plain = program.run_file(&text, "up", &arguments);
    assert_eq!(plain.status, DONE, "{}", plain.screen);
    assert_eq!(commands(&plain), [] as [&str; 0]);
    let timed = plain
        .screen
        .lines()
        .filter(|line| line.starts_with("[clock] "))
        .count();
    assert_eq!(timed, 2, "{}", plain.screen);

    // GitLab has marks of its own, each of which ends.
    let program = program.with("GITLAB_CI", "true");
    let gitlab = program.run_file(&text, "up", &["--yes", "--replace", "topic"]);
    assert_eq!(gitlab.status, DONE, "{}", gitlab.screen);
    assert_eq!(commands(&gitlab), [] as [&str; 0]);
    let marks: Vec<(String, String)> = gitlab
        .raw
        .split("\u{1b}[0Ksection_")
        .skip(1)
        .map(|mark| {
            let (mark, after) = mark.split_once('\r').expect("a mark ends");
            assert!(after.starts_with("\u{1b}[0K"), "{mark:?}");
            let parts: Vec<&str> = mark.split(':').collect();
            let [what, time, name] = parts[..] else {
                panic!("{mark:?}");
            };
            assert!(time.parse::<u64>().is_ok(), "{mark:?}");
            let section = name.rsplit('_').next().expect("a name");
            (what.to_owned(), section.to_owned())
        })
        .collect();
    let marks: Vec<(&str, &str)> = marks
        .iter()
        .map(|(a, b)| (a.as_str(), b.as_str()))
        .collect();
    let both = |name| [("start", name), ("end", name)];
    assert_eq!(
        marks,
        [both("preview"), both("progress"), both("outputs")].concat()
    );
    world.destroy(resources).await;
}

#[tokio::test]
async fn drift_is_shown_where_it_is_declared() {
    let world = World::new("e2e-ci-drift").await;
    let resources = "\
topic: { type: aws:sns:Topic, properties: { displayName: Shop } }
other: { type: aws:sns:Topic }
bucket: { type: aws:s3:Bucket, properties: { bucket: e2e-ci-drift } }
";
    let outputs = "outputs: { topic: '${topic.arn}' }\n";
    world.up(resources).await;
    let topic = world.id(resources, "topic").await;
    let named = world.sdk.sns.set_topic_attributes().topic_arn(&topic);
    let named = named
        .attribute_name("DisplayName")
        .attribute_value("Market");
    named.send().await.expect("the topic can be named");
    let program = on_github(&world);
    program.write("stacks/dev.yaml", &(world.file(resources) + outputs));
    let drift = program.run_words(&["preview", STACK, "--expect-no-changes"]);
    assert_eq!(drift.status, UNEXPECTED_CHANGES, "{}", drift.screen);
    // The obstacle is shown at its place, too.
    let refused = program.run_words(&["up", STACK, "--yes", "--replace", "bucket"]);
    assert_eq!(refused.status, REFUSED, "{}", refused.screen);
    assert_balanced(&drift);
    assert_balanced(&refused);
    let screens = [&drift, &refused].map(|ended| ended.screen.as_str());
    expect_file!["../snapshots/ci/drift.txt"].assert_eq(&screens.join("\n"));

    // Output for scripts is the same as elsewhere, and the warning is beside it.
    let plain = Program::of(&world);
    for words in [
        &["preview", STACK, "--json"][..],
        &["preview", STACK, "--markdown"],
        &["output", STACK],
        &["output", STACK, "topic"],
        &["output", STACK, "--json"],
        &["output", STACK, "--shell"],
        &["validate", STACK],
        &["schema"],
        &["history", STACK],
        &["--version"],
    ] {
        let (here, there) = (program.run_words(words), plain.run_words(words));
        assert_eq!(here.status, DONE, "{}", here.screen);
        assert_eq!(here.stdout, there.stdout, "{words:?}");
        assert!(!here.stdout.contains("::error") && !here.stdout.contains("::group"));
        let warned = here
            .raw
            .contains("::warning file=stacks/dev.yaml,line=6,col=3,");
        assert_eq!(warned, words[0] == "preview", "{}", here.screen);
    }
    assert_eq!(
        json(&program.run_words(&["preview", STACK, "--json"]))["summary"]["drift"],
        1
    );
    world.destroy(resources).await;
}
