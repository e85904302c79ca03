//! Figures of `promises.md`, printed with the machine they were seen on: `cargo test --release --test benchmark`.
//!
//! Absolute times are for reading; what must hold on any machine (calls, the clock of the simulation, growth) is judged by
//! the ordinary tests.

#[path = "e2e/hostile_files.rs"]
#[allow(dead_code, reason = "the end-to-end test uses the rest")]
mod hostile_files;

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
    hostile();
    engine();
    program();
}

/// P12: reading stack files.
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
            let stack =
                fde_infra::stack::load("many.yaml", &read, &[], &fde_infra::component::SECTIONS)
                    .expect("a sound stack");
            let graph = fde_infra::component::stack_graph(&stack, &catalog);
            assert_eq!(graph.expect("a sound graph").0.len(), count);
            began.elapsed()
        });
        println!("P12 validate, {count} resources: {} ms", took.as_millis());
    }
}

/// The promise about a hostile file.
const REFUSED_IN: Duration = Duration::from_millis(100);
const REFUSED_WITHIN_KILOBYTES: u64 = 50_000_000 / 1024;

/// R14: the program on hostile stack files.
fn hostile() {
    let directory = format!("fde-infra-benchmark-{}", std::process::id());
    let directory = std::env::temp_dir().join(directory);
    std::fs::create_dir_all(directory.join("stacks")).expect("the directory can be made");
    let validate = ["validate", "dev"];
    for hostile in hostile_files::ALL {
        for (name, text) in hostile.files() {
            let path = directory.join("stacks").join(name);
            std::fs::write(path, text).expect("the file can be written");
        }
        let took = median(5, || {
            let began = Instant::now();
            let status = program_with(&validate)
                .current_dir(&directory)
                .stderr(Stdio::null())
                .status();
            let status = status.expect("the program starts");
            assert_eq!(status.code(), Some(2), "{}", hostile.name);
            began.elapsed()
        });
        let memory = peak_memory(&validate, &directory);
        let memory_over = memory.is_some_and(|peak| peak > REFUSED_WITHIN_KILOBYTES);
        println!(
            "R14 {}{}: refused in {} ms{}, {} MB{}",
            hostile.name,
            if hostile.below { ", below another" } else { "" },
            took.as_millis(),
            over(took > REFUSED_IN),
            memory.map_or_else(|| "?".to_owned(), |peak| (peak / 1024).to_string()),
            over(memory_over)
        );
    }
    // Leftovers in the temporary directory do no harm.
    drop(std::fs::remove_dir_all(&directory));
}

/// Marks a figure that exceeds its promise.
fn over(is_over: bool) -> &'static str {
    if is_over { " (OVER)" } else { "" }
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
            let root = Path::new(env!("CARGO_MANIFEST_DIR"));
            if let Some(kilobytes) = peak_memory(&["--sandbox", "preview", "dev"], root) {
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

/// Peak resident size of a run in kilobytes, as GNU time tells it.
fn peak_memory(arguments: &[&str], directory: &Path) -> Option<u64> {
    let output = Command::new("/usr/bin/time")
        .args(["--format", "%M"])
        .arg(env!("CARGO_BIN_EXE_fde-infra"))
        .args(arguments)
        .current_dir(directory)
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
