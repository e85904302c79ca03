//! Figures of `promises.md`, printed with the machine they were seen on: `cargo test --release --test benchmark`.
//!
//! Absolute times are for reading; what must hold on any machine (calls, the clock of the simulation, growth) is judged by
//! the ordinary tests.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use fde_infra::execute::{self, Cancel, Outcome};
use fde_infra::graph::{Origin, Resource, ResourceOptions};
use fde_infra::live;
use fde_infra::plan::{self, Request};
use fde_infra::resource::value::properties;
use fde_infra::resource::{Urn, Value};
use fde_infra::testing::FakeAccount;
use fde_infra::testing::generate::{catalog, graph_of, stack};

fn main() {
    println!("machine: {}", machine());
    stack_files();
    engine();
    program();
}

/// P12 and R14: reading stack files.
fn stack_files() {
    let catalog = fde_infra::aws::registry::catalog();
    let head = "name: shop\nenvironment: dev\nregion: eu-south-2\n";
    for count in [5_000, 10_000] {
        let mut text = format!("{head}resources:\n");
        for number in 0..count {
            let label = match number {
                0 => "first".to_owned(),
                _ => format!("\"${{r{}.name}}\"", number / 2),
            };
            text.push_str(&format!(
                " r{number}: {{ type: aws:sns:Topic, properties: {{ displayName: {label} }} }}\n"
            ));
        }
        let took = median(5, || {
            let began = Instant::now();
            let read = |_: &str| Ok(text.clone());
            let stack = fde_infra::stack::load("many.yaml", &read, &[]).expect("a sound stack");
            let graph = fde_infra::component::stack_graph(&stack, &catalog);
            assert_eq!(graph.expect("a sound graph").0.len(), count);
            began.elapsed()
        });
        println!("P12 validate, {count} resources: {} ms", took.as_millis());
    }
    let mut laughs = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n".to_owned();
    for level in 1..10 {
        let inner = vec![format!("*a{}", level - 1); 10].join(", ");
        laughs.push_str(&format!("a{level}: &a{level} [{inner}]\n"));
    }
    let broken: String = (0..15_000)
        .map(|n| format!("  r{n}: {{ type: x, properties: {{ a: \"${{b{n}.c}}\" }} }}\n"))
        .collect();
    for (name, text) in [
        ("aliases that multiply", laughs),
        ("100,000 levels", "[".repeat(100_000)),
        ("1 MiB of entries", format!("a: [{}]", "1,".repeat(500_000))),
        (
            "60,000 duplicate keys",
            (0..60_000)
                .map(|n| format!("key{}: 1\n", n % 30_000))
                .collect(),
        ),
        (
            "60,000 unknown keys",
            (0..60_000).map(|n| format!("k{n}: 1\n")).collect(),
        ),
        (
            "15,000 broken resources",
            format!("{head}resources:\n{broken}"),
        ),
        ("bidirectional controls", "\u{202e}".repeat(300_000)),
    ] {
        let read = |_: &str| Ok(text.clone());
        let began = Instant::now();
        let refused = match fde_infra::stack::load("hostile.yaml", &read, &[]) {
            Ok(stack) => fde_infra::component::stack_graph(&stack, &catalog).is_err(),
            Err(_) => true,
        };
        assert!(refused, "{name}");
        println!("R14 {name}: refused in {} ms", began.elapsed().as_millis());
    }
}

/// A network with groups, rules, stores and services, as wide as it has to be.
fn resources(count: usize) -> Vec<Resource> {
    let urn = |token: &str, number: usize| Urn::new(&stack(), token, format!("r{number}"));
    (0..count)
        .map(|number| {
            let id = |token: &str, of: usize| Value::output(&urn(token, of), "id");
            let family = number - number % 10;
            let (token, inputs) = match number % 10 {
                0 => (
                    "t:net:Network",
                    properties([("range", "10.0.0.0/16".into())]),
                ),
                1 => (
                    "t:net:Group",
                    properties([("network", id("t:net:Network", family))]),
                ),
                2..=6 => (
                    "t:net:Rule",
                    properties([
                        ("group", id("t:net:Group", family + 1)),
                        ("port", (number as f64).into()),
                    ]),
                ),
                _ => (
                    "t:app:Service",
                    properties([("group", id("t:net:Group", family + 1))]),
                ),
            };
            Resource {
                urn: urn(token, number),
                inputs,
                tags: BTreeMap::new(),
                options: ResourceOptions::default(),
                origin: Origin::default(),
                generated_name: false,
            }
        })
        .collect()
}

/// P14 and P15: the engine alone, against an account in memory.
fn engine() {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .expect("a runtime");
    for count in [5_000, 10_000] {
        let graph = graph_of(resources(count)).expect("a sound stack");
        let account = FakeAccount::new(catalog());
        let empty = runtime
            .block_on(live::read(&account, &graph))
            .expect("reads");
        let began = Instant::now();
        let plan = plan::build(&graph, &empty, &catalog(), &Request::default());
        let create = began.elapsed();
        runtime.block_on(apply(&plan, &account));
        let full = runtime
            .block_on(live::read(&account, &graph))
            .expect("reads");
        let began = Instant::now();
        let plan = plan::build(&graph, &full, &catalog(), &Request::default());
        assert!(plan.is_empty(), "{} steps left", plan.steps.len());
        println!(
            "P14 planning {count} resources: {} ms from nothing, {} ms without changes",
            create.as_millis(),
            began.elapsed().as_millis()
        );
    }
    for count in [1_000, 5_000] {
        let graph = graph_of(resources(count)).expect("a sound stack");
        let account = FakeAccount::new(catalog());
        let live = runtime
            .block_on(live::read(&account, &graph))
            .expect("reads");
        let plan = plan::build(&graph, &live, &catalog(), &Request::default());
        let began = Instant::now();
        runtime.block_on(apply(&plan, &account));
        println!(
            "P15 applying {count} resources: {} ms",
            began.elapsed().as_millis()
        );
    }
}

async fn apply(plan: &plan::Plan, account: &FakeAccount) {
    let (events, _listener) = tokio::sync::mpsc::unbounded_channel();
    let outcome = execute::run(plan, account, 32, &Cancel::default(), &events).await;
    assert!(matches!(outcome, Outcome::Done(_)), "{outcome:?}");
}

/// P3, P6, P7, P11, P12, P13: the program on the reference stack, in the warm sandbox.
fn program() {
    let version = median(21, || run(&["--version"]));
    println!(
        "P11 --version: {:.1} ms, of at most 10",
        version.as_secs_f64() * 1_000.0
    );
    let validate = median(11, || run(&["validate", "dev"]));
    println!("P12 validate, reference stack: {} ms", validate.as_millis());
    run(&["--sandbox", "destroy", "dev", "--yes"]);
    let mut up = Vec::new();
    let mut destroy = Vec::new();
    for round in 0..3 {
        up.push(run(&["--sandbox", "up", "dev", "--yes"]));
        if round == 0 {
            let preview = median(11, || {
                run(&["--sandbox", "preview", "dev", "--expect-no-changes"])
            });
            println!("P3 preview without changes: {} ms", preview.as_millis());
            if let Some(kilobytes) = peak_memory() {
                println!("P13 peak memory of that preview: {} MB", kilobytes / 1024);
            }
        }
        destroy.push(run(&["--sandbox", "destroy", "dev", "--yes"]));
    }
    println!("P6 up from nothing: {} ms", middle(up).as_millis());
    println!("P7 destroy: {} ms", middle(destroy).as_millis());
    if let Ok(file) = std::fs::metadata(env!("CARGO_BIN_EXE_fde-infra")) {
        println!(
            "P16 the program: {:.1} MB, of at most 40",
            file.len() as f64 / 1e6
        );
    }
}

fn program_with(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_fde-infra"));
    command
        .args(arguments)
        .current_dir(Path::new(env!("CARGO_MANIFEST_DIR")))
        .env("FDE_INFRA_SANDBOX_NAME", "benchmark")
        .stdin(Stdio::null())
        .stdout(Stdio::null());
    command
}

fn run(arguments: &[&str]) -> Duration {
    let began = Instant::now();
    let status = program_with(arguments)
        .stderr(Stdio::null())
        .status()
        .expect("the program starts");
    assert!(status.success(), "{arguments:?}: {status}");
    began.elapsed()
}

/// Peak resident size of a preview in kilobytes, as GNU time tells it.
fn peak_memory() -> Option<u64> {
    let output = Command::new("/usr/bin/time")
        .args(["--format", "%M"])
        .arg(env!("CARGO_BIN_EXE_fde-infra"))
        .args(["--sandbox", "preview", "dev"])
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .env("FDE_INFRA_SANDBOX_NAME", "benchmark")
        .stdin(Stdio::null())
        .output()
        .ok()?;
    String::from_utf8(output.stderr)
        .ok()?
        .lines()
        .last()?
        .trim()
        .parse()
        .ok()
}

fn median(times: usize, mut measure: impl FnMut() -> Duration) -> Duration {
    middle((0..times).map(|_| measure()).collect())
}

fn middle(mut times: Vec<Duration>) -> Duration {
    times.sort_unstable();
    times[times.len() / 2]
}

fn machine() -> String {
    let cores = std::thread::available_parallelism().map_or(0, usize::from);
    let model = std::fs::read_to_string("/proc/cpuinfo")
        .ok()
        .and_then(|text| {
            let line = text.lines().find(|line| line.starts_with("model name"))?;
            Some(line.split_once(':')?.1.trim().to_owned())
        })
        .unwrap_or_else(|| std::env::consts::ARCH.to_owned());
    format!("{cores} cores, {model}")
}
