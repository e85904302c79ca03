//! A stack of an earlier version goes on under this one: without replacement, without a flag.
//!
//! `earlier/calls.json` holds the calls by which the version of commit 71b2c88 made the `stacks/dev.yaml` of that commit
//! (`earlier/dev.yaml`); `earlier/record.py` says how it was recorded. Made again on an empty account, they leave what that
//! version left: its tags, its names, its properties.

use std::collections::BTreeMap;
use std::io::{Read, Write};
use std::net::TcpStream;

use serde_json::Value as Json;

use crate::common::program::{Ended, Program};
use crate::common::{World, http};

const CALLS: &str = include_str!("earlier/calls.json");
const FILE: &str = include_str!("earlier/dev.yaml");
const STACK: &str = "happyrobot-fde/dev";

/// A copy of the local account that no other test knows.
fn account() -> String {
    let model = fde_infra::sandbox::ensure_running(&mut |line| eprintln!("sandbox: {line}"));
    let model = model.expect("the sandbox starts").endpoint;
    http::post(&model, "/_account/checks");
    let answer = http::post(&model, "/_account/fork");
    let answer: Json = serde_json::from_str(&answer).expect("JSON");
    format!("http://127.0.0.1:{}", answer["port"])
}

/// Makes the recorded calls, with the ids that this account chooses in the place of those recorded.
fn load(endpoint: &str) {
    let calls: Vec<Json> = serde_json::from_str(CALLS).expect("JSON");
    let mut ids: BTreeMap<String, String> = BTreeMap::new();
    for call in &calls {
        let answer = make(endpoint, call, &ids);
        let recorded = call["chosen"].as_array().expect("a list");
        let recorded = recorded.iter().filter_map(Json::as_str);
        let chosen = chosen(&answer);
        assert!(
            chosen.len() >= recorded.clone().count(),
            "{}: {answer}",
            call["operation"]
        );
        ids.extend(recorded.map(str::to_owned).zip(chosen));
    }
}

fn make(endpoint: &str, call: &Json, ids: &BTreeMap<String, String>) -> String {
    let text = |key: &str| call[key].as_str().expect("a text");
    let kind = call["headers"]["content-type"].as_str().unwrap_or_default();
    let mut body = match &call["request"] {
        Json::String(body) => body.clone(),
        Json::Object(fields) if kind.starts_with("application/x-www-form-urlencoded") => {
            let pairs = fields.iter().map(|(name, value)| {
                let value = value.as_str().expect("a text");
                format!("{}={}", escaped(name), escaped(value))
            });
            pairs.collect::<Vec<_>>().join("&")
        }
        document => document.to_string(),
    };
    for (recorded, id) in ids {
        body = body.replace(recorded, id);
    }
    let host = endpoint.trim_start_matches("http://");
    let scope = format!(
        "20260101/{}/{}/aws4_request",
        text("region"),
        text("service")
    );
    let mut head = format!(
        "{} {} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\nContent-Length: {}\r\n\
         Authorization: AWS4-HMAC-SHA256 Credential=earlier/{scope}, SignedHeaders=host, Signature=0\r\n",
        text("method"),
        text("path"),
        body.len(),
    );
    for (name, value) in call["headers"].as_object().expect("headers") {
        head += &format!("{name}: {}\r\n", value.as_str().expect("a text"));
    }
    let mut stream = TcpStream::connect(host).expect("the account listens");
    write!(stream, "{head}\r\n{body}").expect("the request is sent");
    let mut answer = String::new();
    stream
        .read_to_string(&mut answer)
        .expect("the account answers");
    let status = answer.split(' ').nth(1).unwrap_or_default();
    assert!(status.starts_with('2'), "{}: {answer}", call["operation"]);
    let (_, body) = answer.split_once("\r\n\r\n").expect("an HTTP answer");
    body.to_owned()
}

/// A text as it is encoded in a form.
fn escaped(text: &str) -> String {
    let mut escaped = String::new();
    for byte in text.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'~' => {
                escaped.push(char::from(byte));
            }
            other => escaped += &format!("%{other:02X}"),
        }
    }
    escaped
}

/// The ids in an answer that the account has chosen, each once: as `CHOSEN` in `record.py` finds them.
fn chosen(answer: &str) -> Vec<String> {
    let is_part = |character: char| character.is_ascii_alphanumeric() || character == '-';
    let mut found: Vec<String> = Vec::new();
    let mut rest = answer;
    while let Some(at) = rest.find(is_part) {
        let before = &answer[..answer.len() - rest.len() + at];
        let token = &rest[at..];
        let end = token.find(|character| !is_part(character));
        let (token, after) = token.split_at(end.unwrap_or(token.len()));
        let after_region = after
            .strip_prefix('.')
            .and_then(|after| after.split_once('.'));
        let is_host = before.ends_with('.')
            && token.len() == 12
            && after_region.is_some_and(|(_, after)| after.starts_with("rds."));
        let is_chosen = is_id(token)
            || is_host
            || before.ends_with('/') && is_hexadecimal(token, 16..=16)
            || before.ends_with(":secret:")
            || before.ends_with("scalable-target/");
        if is_chosen && !found.iter().any(|other| other == token) {
            found.push(token.to_owned());
        }
        rest = after;
    }
    found
}

fn is_id(token: &str) -> bool {
    let kinds = [
        "vpc", "subnet", "igw", "eipalloc", "nat", "rtb", "rtbassoc", "sg", "sgr", "vpce",
    ];
    token
        .rsplit_once('-')
        .is_some_and(|(kind, number)| kinds.contains(&kind) && is_hexadecimal(number, 8..=17))
}

fn is_hexadecimal(text: &str, length: std::ops::RangeInclusive<usize>) -> bool {
    let is_digit = |character: char| matches!(character, '0'..='9' | 'a'..='f');
    length.contains(&text.len()) && text.chars().all(is_digit)
}

/// Runs the program on a file, and returns the calls that changed something.
fn run(program: &Program<'_>, endpoint: &str, file: &str, words: &[&str]) -> (Ended, Vec<String>) {
    drop(http::post(endpoint, "/_account/calls/reset"));
    let (command, arguments) = words.split_first().expect("a command");
    let ended = program.run_file(file, command, arguments);
    let log: Json = serde_json::from_str(&http::get(endpoint, "/_account/calls")).expect("JSON");
    let calls = log["calls"].as_array().expect("a list of calls").iter();
    let mutating = calls.filter(|call| call["mutating"] == true);
    let names = mutating.filter_map(|call| call["operation"].as_str());
    // Lock and history are written by every run that does something.
    let names = names.filter(|name| !matches!(*name, "PutParameter" | "DeleteParameter"));
    let names: Vec<String> = names.map(str::to_owned).collect();
    assert_eq!(ended.status, Some(0), "{words:?}\n{}", ended.screen);
    (ended, names)
}

/// The steps that a preview in JSON shows, by name, that make, replace or delete.
fn steps(program: &Program<'_>, endpoint: &str, file: &str) -> Vec<String> {
    let (shown, mutating) = run(program, endpoint, file, &["preview", "--json"]);
    assert_eq!(mutating, [] as [String; 0]);
    let document: Json = serde_json::from_str(&shown.stdout).expect("a document");
    let count = |what: &str| document["summary"][what].as_u64().expect("a count");
    let there = count("same") + count("update");
    assert!(there > 70, "most of it is there: {}", shown.stdout);
    let steps = document["steps"].as_array().expect("steps").iter();
    let steps = steps.filter(|step| !matches!(step["op"].as_str(), Some("same" | "update")));
    steps.map(Json::to_string).collect()
}

#[tokio::test]
async fn a_stack_of_an_earlier_version_goes_on_without_replacement_or_flag() {
    let world = World::new("e2e-earlier").await;
    let endpoint = account();
    load(&endpoint);
    let program = Program::of(&world).with("AWS_ENDPOINT_URL", &endpoint);
    let is_made_or_gone = |call: &String| {
        !call.ends_with("Tags")
            && ["Create", "Delete", "Register", "Run", "Allocate", "Release"]
                .iter()
                .any(|verb| call.starts_with(verb))
    };

    // A default that has come since is a row that says so.
    let (shown, _) = run(&program, &endpoint, FILE, &["preview"]);
    let words: Vec<&str> = shown.stdout.split_whitespace().collect();
    let told = "sslMode require is the default now";
    assert!(words.join(" ").contains(told), "{}", shown.screen);

    // With the file of that version, whose names were derived, and with that of this one, which says them.
    let today = std::fs::read_to_string(format!("{}/stacks/dev.yaml", env!("CARGO_MANIFEST_DIR")));
    for file in [FILE, &today.expect("the file is there")] {
        assert_eq!(steps(&program, &endpoint, file), [] as [String; 0]);
        let (up, mutating) = run(&program, &endpoint, file, &["up", "--yes"]);
        let wrong: Vec<&String> = mutating
            .iter()
            .filter(|call| is_made_or_gone(call))
            .collect();
        assert_eq!(wrong, [] as [&String; 0], "{}", up.screen);
        let (up, mutating) = run(&program, &endpoint, file, &["up", "--yes"]);
        assert_eq!(mutating, [] as [String; 0], "{}", up.screen);
        run(
            &program,
            &endpoint,
            file,
            &["preview", "--expect-no-changes"],
        );
    }

    // The first change gives everything the tags that it lacks.
    let edited = FILE.replace("cpuPercent: 80", "cpuPercent: 85");
    assert_eq!(steps(&program, &endpoint, &edited), [] as [String; 0]);
    let (up, mutating) = run(&program, &endpoint, &edited, &["up", "--yes"]);
    let wrong: Vec<&String> = mutating
        .iter()
        .filter(|call| is_made_or_gone(call))
        .collect();
    assert_eq!(wrong, [] as [&String; 0], "{}", up.screen);
    run(
        &program,
        &endpoint,
        &edited,
        &["preview", "--expect-no-changes"],
    );

    run(
        &program,
        &endpoint,
        &edited,
        &["destroy", "--yes", "--allow-delete", "*"],
    );
    let left = crate::common::sdk::Sdk::new(&endpoint)
        .await
        .tagged(STACK)
        .await;
    assert_eq!(left, [] as [String; 0]);
}
