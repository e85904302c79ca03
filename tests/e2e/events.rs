//! `up --json` and `destroy --json`: standard output is a stream of events, and nothing else, however a run ends.
//!
//! What users of such streams have met elsewhere, and is held here:
//!
//! | what | where |
//! |---|---|
//! | text about the lock among the JSON | <https://github.com/hashicorp/terraform/issues/29252> |
//! | warnings among the JSON | <https://github.com/pulumi/pulumi/issues/4082> |
//! | lines that are no JSON, and get lost | <https://github.com/terrakube-io/terrakube/pull/3362> |
//! | an event in pieces | <https://github.com/pulumi/pulumi/issues/6768> |
//! | no summary at the end of some runs | <https://github.com/pulumi/pulumi/issues/9269> |
//! | a step without its start or its end | <https://github.com/pulumi/pulumi/issues/7773> |
//! | an error over several lines | <https://github.com/hashicorp/terraform/issues/24405> |
//! | no list at the end of what did not succeed | <https://github.com/hashicorp/terraform/issues/34448> |
//! | secrets in the summary | <https://github.com/pulumi/pulumi/issues/9776> |
//! | refusals that the JSON does not have | <https://github.com/pulumi/pulumi/issues/18851> |
//! | either JSON or a log for people, not both | <https://github.com/gruntwork-io/terragrunt/issues/2965> |
//! | a question where none can be answered | <https://github.com/hashicorp/terraform/pull/34886> |

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::io::{BufRead, BufReader, Read};

use expect_test::expect_file;
use serde_json::{Value as Json, json};

use crate::common::World;
use crate::common::commands::{
    CANCELLED, DONE, NO_STACK, REFUSED, RESOURCE_FAILED, SHOP, TIMED_OUT, USAGE,
};
use crate::common::program::{Ended, Program, STACK};
use crate::common::proxy::{Proxy, Refusal};
use crate::lock::{hold, unlocked};
use crate::up::{chain, signal};

const UP: [&str; 6] = ["up", STACK, "--json", "--yes", "--parallel", "1"];
const DESTROY: [&str; 6] = ["destroy", STACK, "--json", "--yes", "--parallel", "1"];

/// The events of a run. Each line of standard output is one; the first says the version, the last how it ended.
fn events(ended: &Ended) -> Vec<Json> {
    let lines = ended.stdout.lines().map(|line| {
        serde_json::from_str::<Json>(line)
            .unwrap_or_else(|error| panic!("{error}: {line}\n{}", ended.screen))
    });
    let events: Vec<Json> = lines.collect();
    let first = events.first().unwrap_or_else(|| panic!("{}", ended.screen));
    assert_eq!(
        (&first["event"], &first["version"]),
        (&json!("start"), &json!(1))
    );
    let last = &events[events.len() - 1];
    assert_eq!(last["event"], "summary", "{}", ended.screen);
    assert_eq!(last["exitCode"], json!(ended.status), "{}", ended.screen);
    let both = ["start", "summary"].map(json::<&str>);
    let count = events
        .iter()
        .filter(|event| both.contains(&event["event"]))
        .count();
    assert_eq!(count, 2, "{}", ended.screen);
    check_steps(&events);
    events
}

fn json<T: Into<Json>>(value: T) -> Json {
    value.into()
}

/// A step that starts ends once; one that is skipped does not start.
fn check_steps(events: &[Json]) {
    let mut states: BTreeMap<u64, Vec<&str>> = BTreeMap::new();
    for event in events.iter().filter(|event| event["event"] == "step") {
        let step = event["step"].as_u64().expect("a number");
        let state = event["state"].as_str().expect("a word");
        if state != "waiting" {
            states.entry(step).or_default().push(state);
        }
    }
    for (step, states) in states {
        let ok = matches!(
            states.as_slice(),
            ["started", "finished" | "failed" | "interrupted"] | ["skipped"]
        );
        assert!(ok, "step {step}: {states:?}");
    }
}

/// A stream in a few words for each line, without what another run would have otherwise.
fn told(events: &[Json]) -> String {
    let mut text = String::new();
    for event in events {
        let word = |key: &str| event[key].as_str().unwrap_or_default().to_owned();
        let line = match word("event").as_str() {
            "start" => format!("start {}", word("command")),
            "plan" => format!(
                "plan {} {}",
                event["plan"]["goal"], event["plan"]["summary"]
            ),
            "lock" => format!("lock {}", word("state")),
            "step" => format!(
                "step {} {} {} {} {}{}",
                word("state"),
                word("op"),
                word("type"),
                word("name"),
                event["error"],
                word("needs")
            )
            .replace(" null", ""),
            "outputs" => format!("outputs {}", event["outputs"]),
            "diagnostic" => format!(
                "diagnostic {} {} {} {}",
                word("severity"),
                word("code"),
                word("summary"),
                event["commands"]
            ),
            "summary" => format!(
                "summary {} {} {} {} {}",
                word("result"),
                event["exitCode"],
                event["changes"],
                event["unfinished"],
                event["next"]
            ),
            other => other.to_owned(),
        };
        writeln!(text, "{line}").expect("a string takes it");
    }
    text
}

fn last(events: &[Json]) -> &Json {
    &events[events.len() - 1]
}

/// The fields that have been seen of each event, and of what it holds.
#[derive(Default)]
struct Seen(BTreeSet<(String, String)>);

impl Seen {
    fn add(&mut self, events: &[Json]) {
        for event in events {
            let name = event["event"].as_str().expect("a word").to_owned();
            self.fields(&name, event);
        }
    }

    fn fields(&mut self, name: &str, value: &Json) {
        match value {
            Json::Object(fields) => {
                for (field, value) in fields {
                    self.0.insert((name.to_owned(), field.clone()));
                    // Described with `preview --json`, and names of the user's own.
                    if field != "plan" && field != "outputs" {
                        self.fields(name, value);
                    }
                }
            }
            Json::Array(values) => values.iter().for_each(|value| self.fields(name, value)),
            _ => {}
        }
    }

    /// Each is described in the section of its event, or among those of all events.
    fn are_described(&self) {
        let page = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/events.md");
        let page = std::fs::read_to_string(page).expect("the page is readable");
        let section = |name: &str| {
            let (_, after) = page
                .split_once(&format!("\n### `{name}`\n"))
                .unwrap_or_else(|| panic!("docs/events.md has no section of `{name}`"));
            after.split("\n##").next().unwrap_or_default().to_owned()
        };
        let (_, of_all) = page.split_once("\n## Every event\n").expect("a section");
        let of_all = of_all.split("\n##").next().unwrap_or_default();
        let missing: Vec<_> = self
            .0
            .iter()
            .filter(|(name, field)| {
                let field = format!("`{field}`");
                !section(name).contains(&field) && !of_all.contains(&field)
            })
            .collect();
        assert!(missing.is_empty(), "not in docs/events.md: {missing:?}");
    }
}

const OUTPUTS: &str =
    "outputs: { name: '${topic.displayName}', secret: '${value.secretString}' }\n";

const SECRET: &str = "\
value: { type: aws:secretsmanager:SecretVersion, properties: { secretId: '${password.arn}', secretString: Canary-7 } }
";

#[tokio::test]
async fn a_run_from_beginning_to_end() {
    let world = unlocked("e2e-events").await;
    let program = Program::of(&world);
    let resources = format!("{SHOP}{SECRET}");
    program.write("stacks/dev.yaml", &(world.file(&resources) + OUTPUTS));
    let refuse = Proxy::before(crate::common::endpoint(), |call| {
        let refusal = Refusal {
            status: 400,
            code: "InvalidParameterException",
            message: "Canary-7 is not ##[error]valid",
        };
        (call.operation == "PutSecretValue" || call.operation == "CreateTopic")
            .then(|| refusal.into())
    });
    let refused = Program::of(&world).with("AWS_ENDPOINT_URL", &refuse.endpoint);
    refused.write("stacks/dev.yaml", &(world.file(&resources) + OUTPUTS));
    let mut seen = Seen::default();
    let mut text = String::new();
    for (program, words, status) in [
        (&refused, &UP, RESOURCE_FAILED),
        (&program, &UP, DONE),
        (&program, &UP, DONE),
        (&program, &DESTROY, DONE),
        (&program, &DESTROY, DONE),
    ] {
        let ended = program.run_words(words);
        assert_eq!(ended.status, status, "{}", ended.screen);
        let events = events(&ended);
        seen.add(&events);
        writeln!(text, "{}", told(&events)).expect("a string takes it");
        assert!(!ended.raw.contains("Canary-7"), "{}", ended.screen);
        // People read the same beside it.
        assert!(ended.stderr.contains("Previewing") || ended.stderr.contains("nothing of"));
    }
    seen.are_described();
    if std::env::var_os("AWS_ENDPOINT_URL").is_none() {
        expect_file!["../snapshots/commands/events.txt"].assert_eq(&text);
    }
}

/// However early a run ends, its stream has a first and a last line.
#[tokio::test]
async fn an_early_end_is_told_as_well() {
    let world = World::new("e2e-events-early").await;
    let program = Program::of(&world);
    let topic = world.file("topic: { type: aws:sns:Topic }");
    let other_account = format!("account: '999999999999'\n{topic}");
    let faulty = topic.replace("aws:sns:Topic", "aws:sns:Topik");
    let mut seen = Seen::default();
    for (file, words, status, says) in [
        (
            &topic,
            &["up", STACK, "--json"][..],
            USAGE,
            "--yes must be passed in to proceed with `up` when running with --json",
        ),
        (
            &topic,
            &["update", STACK, "--json", "--bogus"],
            USAGE,
            "unexpected argument",
        ),
        (
            &topic,
            &["up", STACK, "--json", "--yes", "--plan", "none.json"],
            USAGE,
            "saved plan",
        ),
        (
            &topic,
            &["down", "nowhere", "--json", "--yes"],
            NO_STACK,
            "no stack `nowhere`",
        ),
        (&faulty, &UP, USAGE, "type"),
        (&other_account, &UP, REFUSED, "not the stack's account"),
        (&other_account, &DESTROY, REFUSED, "not the stack's account"),
    ] {
        program.write("stacks/dev.yaml", file);
        let ended = program.run_words(words);
        assert_eq!(ended.status, status, "{}", ended.screen);
        assert_eq!(ended.mutating, [] as [String; 0]);
        let events = events(&ended);
        seen.add(&events);
        let of_error = events.iter().find(|event| event["severity"] == "error");
        let summary = of_error.map(|event| event["summary"].to_string());
        let summary = summary.unwrap_or_else(|| panic!("{}", ended.screen));
        assert!(summary.contains(says), "{says}: {}", ended.screen);
        // A line to type next tells events again, and asks nothing.
        let next = last(&events)["next"].as_array().expect("a list");
        let mut again = next.iter().filter_map(Json::as_str);
        let is_same = |line: &str| {
            ["up", "destroy"]
                .iter()
                .any(|it| line.contains(&format!("fde-infra {it} ")))
        };
        assert!(
            again.all(|line| !is_same(line) || line.contains(" --json --yes ")),
            "{next:?}"
        );
    }
    seen.are_described();
    // The variable means the same, and a misspelt one is an error as well.
    let program = program.with("FDE_INFRA_JSON", "true");
    program.write("stacks/dev.yaml", &topic);
    let ended = program.run_words(&["up", STACK]);
    assert_eq!(last(&events(&ended))["result"], "failed");
    let program = program.with("FDE_INFRA_EXCLUDES", "x");
    let ended = program.run_words(&["up", STACK, "--yes"]);
    assert_eq!(ended.status, USAGE, "{}", ended.screen);
    events(&ended);
    // Help is help.
    let ended = program.run_words(&["up", "--json", "--help"]);
    assert!(ended.stdout.contains("Usage:"), "{}", ended.screen);
    assert_eq!(
        world.sdk.tagged(&world.stack_tag()).await,
        [] as [String; 0]
    );
}

#[tokio::test]
async fn a_refusal_and_a_held_lock() {
    let world = unlocked("e2e-events-refused").await;
    let program = Program::of(&world);
    let text = world.file("vpc: { type: aws:ec2:Vpc, properties: { cidrBlock: 10.0.0.0/16 }, options: { protect: true } }");
    program.write("stacks/dev.yaml", &text);
    let mut seen = Seen::default();
    hold(&world, 60).await;
    let ended = program.run_words(&[&UP[..], &["--lock-timeout", "1s"]].concat());
    assert_eq!(ended.status, TIMED_OUT, "{}", ended.screen);
    let waited = events(&ended);
    seen.add(&waited);
    let of_lock = waited.iter().find(|event| event["event"] == "lock");
    let of_lock = of_lock.unwrap_or_else(|| panic!("{}", ended.screen));
    assert_eq!(
        (&of_lock["state"], &of_lock["holder"]["host"]),
        (&json!("waiting"), &json!("runner-7"))
    );
    assert_eq!(last(&waited)["next"], json!(["fde-infra unlock dev"]));

    let program = program.with("FDE_INFRA_NO_LOCK", "true");
    let ended = program.run_words(&UP);
    assert_eq!(ended.status, DONE, "{}", ended.screen);
    let ended = program.run_words(&DESTROY);
    assert_eq!(ended.status, REFUSED, "{}", ended.screen);
    let refused = events(&ended);
    seen.add(&refused);
    seen.are_described();
    let plan = refused.iter().find(|event| event["event"] == "plan");
    let plan = plan.unwrap_or_else(|| panic!("{}", ended.screen));
    assert_eq!(plan["plan"]["refusals"][0]["because"], "protected");
    assert_eq!(last(&refused)["result"], "refused");
    let open = text.replace("protect: true", "protect: false");
    program.write("stacks/dev.yaml", &open);
    for words in [UP, DESTROY] {
        assert_eq!(program.run_words(&words).status, DONE);
    }
}

#[tokio::test]
async fn an_interruption_is_an_event() {
    const LENGTH: usize = 60;
    let world = unlocked("e2e-events-interrupted").await;
    let program = Program::of(&world);
    let resources = chain(LENGTH);
    program.write("stacks/dev.yaml", &world.file(&resources));
    let mut child = program.start(&UP);
    let mut stdout = BufReader::new(child.stdout.take().expect("it is piped"));
    let mut read = String::new();
    while !read.contains("\"finished\"") {
        assert_ne!(stdout.read_line(&mut read).expect("lines"), 0, "{read}");
    }
    signal(&child, "-INT");
    stdout.read_to_string(&mut read).expect("the rest");
    let mut output = child.wait_with_output().expect("the program ends");
    output.stdout = read.into_bytes();
    let ended = program.ended(&UP, &output, 0);
    assert_eq!(ended.status, CANCELLED, "{}", ended.screen);
    let events = events(&ended);
    let mut seen = Seen::default();
    seen.add(&events);
    seen.are_described();
    let interrupted = events.iter().find(|event| event["event"] == "interrupted");
    let interrupted = interrupted.unwrap_or_else(|| panic!("{}", ended.screen));
    assert_eq!(
        (&interrupted["signal"], &interrupted["count"]),
        (&json!("SIGINT"), &json!(1))
    );
    let end = last(&events);
    assert_eq!(end["result"], "cancelled");
    let created = end["changes"]["created"].as_u64().expect("a number");
    let skipped = end["changes"]["skipped"].as_u64().expect("a number");
    assert_eq!(created + skipped, LENGTH as u64, "{end}");
    assert_eq!(
        end["unfinished"].as_array().map(Vec::len),
        Some(skipped as usize)
    );
    assert_eq!(end["next"], json!(["fde-infra up --json --yes dev"]));
    let there = world.sdk.tagged(&world.stack_tag()).await.len();
    assert_eq!(there as u64, created);
    world.destroy(&resources).await;
}
