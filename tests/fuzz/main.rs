//! Hostile input: a fixed number of inputs for each fuzz target, made from the corpus by seeds.
//!
//! `FDE_INFRA_FUZZ=100000 cargo test --test fuzz` runs more of them. `.ci/fuzz` runs the same targets under libFuzzer, which
//! looks for inputs that reach new code; what it finds belongs in `corpus/`. `UPDATE_EXPECT=1` rewrites the part of the
//! corpus that is made from `stacks/`.

#![allow(
    clippy::expect_used,
    clippy::panic,
    clippy::print_stderr,
    clippy::print_stdout,
    clippy::unwrap_used,
    reason = "a test that cannot go on fails where it stands, and says what it saw"
)]

mod checks;
mod mutate;
#[path = "../common/promise.rs"]
mod promise;

use std::fs;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};

use serde_json::{Value as Json, json};

use checks::Target;
use fde_infra::testing::Random;
use promise::Shown;

/// Inputs for each target, besides the corpus itself.
const INPUTS: u64 = 2_000;

fn directory() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fuzz")
}

fn corpus(target: &str) -> Vec<Vec<u8>> {
    let directory = directory().join("corpus").join(target);
    let entries = fs::read_dir(&directory).expect("every target has a corpus");
    let mut paths: Vec<PathBuf> = entries
        .map(|entry| entry.expect("the corpus can be listed").path())
        .collect();
    paths.sort();
    let read = |path| fs::read(path).expect("the corpus can be read");
    paths.into_iter().map(read).collect()
}

/// The words of libFuzzer's dictionary: a quoted text a line, with escapes of bytes.
fn words() -> Vec<Vec<u8>> {
    let text = fs::read_to_string(directory().join("dictionary")).expect("there is a dictionary");
    text.lines()
        .filter(|line| line.starts_with('"'))
        .map(|line| unescaped(line.trim_matches('"')))
        .collect()
}

fn unescaped(text: &str) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut rest = text.as_bytes();
    while let Some((first, after)) = rest.split_first() {
        rest = after;
        match (first, after) {
            (b'\\', [b'x', high, low, after @ ..]) => {
                let digits = [*high, *low];
                let digits = std::str::from_utf8(&digits).expect("two digits");
                bytes.push(u8::from_str_radix(digits, 16).expect("a byte"));
                rest = after;
            }
            (b'\\', [escaped, after @ ..]) => {
                bytes.push(*escaped);
                rest = after;
            }
            _ => bytes.push(*first),
        }
    }
    bytes
}

fn run(name: &str, target: Target) {
    let inputs = corpus(name);
    let words = words();
    let mutated = |random: &mut Random| match name {
        // Bytes that are no JSON would tell nothing about differences.
        "differ" => mutate::json(random, &inputs),
        _ => mutate::bytes(random, &inputs, &words),
    };
    let count = std::env::var("FDE_INFRA_FUZZ").map_or(INPUTS, |count| {
        count.parse().expect("FDE_INFRA_FUZZ is a number")
    });
    let corpus = inputs
        .iter()
        .enumerate()
        .map(|(number, input)| (format!("input {number} of the corpus"), input.clone()));
    let made = (0..count).map(|seed| (format!("seed {seed}"), mutated(&mut Random::new(seed))));
    let mut runs = 0;
    let mut failures = Vec::new();
    for (which, input) in corpus.chain(made) {
        runs += 1;
        if catch_unwind(AssertUnwindSafe(|| target(&input))).is_err() {
            failures.push((which, input));
        }
    }
    let shown = Shown {
        promise: "R14",
        level: "fuzzing",
        what: name,
        runs,
        seeds: Some(count as usize),
        failures: failures.len(),
    };
    shown.tell();
    if let Some((which, input)) = failures.first() {
        panic!(
            "{name}, {which}, and {} more: a file with these bytes in tests/fuzz/corpus/{name} repeats it:\n{}",
            failures.len() - 1,
            input.escape_ascii()
        );
    }
}

#[test]
fn any_text_is_a_stack_file_or_has_faults_that_can_be_shown() {
    run("parser", checks::parser);
}

#[test]
fn any_stack_becomes_a_graph_or_has_faults_that_can_be_shown() {
    run("expander", checks::expander);
}

#[test]
fn any_inputs_compare_with_any_live_object() {
    run("differ", checks::differ);
}

#[test]
fn any_layers_are_a_stack_or_have_faults_that_can_be_shown() {
    run("layers", checks::layers);
}

#[test]
fn any_text_is_a_saved_plan_or_none() {
    run("plans", checks::plans);
}

#[test]
fn any_document_of_aws_can_be_compared() {
    run("documents", checks::documents);
}

/// The file of a type in the corpus.
fn file_of(token: &str) -> String {
    format!("{}.json", token.replace(':', "-"))
}

/// A case for each resource type: its inputs as they would be wanted, against themselves. From the reference stacks, or from
/// the stack of the lab, which has every type.
fn cases() -> Vec<(String, Json)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let catalog = fde_infra::aws::registry::catalog();
    let mut cases: Vec<(String, Json)> = Vec::new();
    for name in [
        "stacks/dev.yaml",
        "stacks/prod.yaml",
        "tests/lab/every-type.yaml",
    ] {
        let path = root.join(name);
        let read = |path: &str| fs::read_to_string(path);
        let stack = fde_infra::stack::load(
            &path.to_string_lossy(),
            &read,
            &[],
            &fde_infra::component::SECTIONS,
        )
        .expect("the stacks are sound");
        let (graph, _) =
            fde_infra::component::stack_graph(&stack, &catalog).expect("the stacks are sound");
        for resource in graph.iter() {
            let token = resource.urn.token();
            let file = file_of(token);
            if cases.iter().any(|(other, _)| *other == file) {
                continue;
            }
            let inputs: serde_json::Map<String, Json> = resource
                .inputs
                .iter()
                .map(|(name, value)| (name.clone(), Json::from(value)))
                .collect();
            let case = json!({ "token": token, "wanted": inputs, "live": inputs });
            cases.push((file, case));
        }
    }
    cases
}

#[test]
fn the_corpus_has_every_type() {
    const TO_DO: &str = "What to do: `UPDATE_EXPECT=1 cargo test --locked --test fuzz the_corpus`; a type that is in none of \
                         the stacks goes into tests/lab/every-type.yaml";
    let cases = cases();
    for (file, case) in &cases {
        let path = directory().join("corpus/differ").join(file);
        let text = format!("{case:#}\n");
        if std::env::var_os("UPDATE_EXPECT").is_some() {
            fs::write(&path, &text).expect("the corpus can be written");
        }
        let found = fs::read_to_string(&path).unwrap_or_default();
        assert_eq!(found, text, "{}\n\n{TO_DO}", path.display());
    }
    for schema in fde_infra::aws::registry::catalog().iter() {
        let file = file_of(schema.token);
        assert!(
            cases.iter().any(|(other, _)| *other == file),
            "no case of {}\n\n{TO_DO}",
            schema.token
        );
    }
}
