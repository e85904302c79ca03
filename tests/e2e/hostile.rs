//! A hostile stack file cannot hurt (`promises.md` R14): the program says what is wrong with it, asks nothing of AWS, does
//! not panic, and takes neither long nor much memory.

use std::fs;
use std::process::{Command, Stdio};
use std::time::Duration;

use crate::common::World;
use crate::common::commands::USAGE;
use crate::common::program::{Ended, Program, STACK};
use crate::hostile_files::{ALL, HEAD, Hostile};
use crate::promise::Shown;

/// The most time that a release may take.
const LONGEST: Duration = Duration::from_millis(100);

/// The factor that is allowed without optimisation. `tests/benchmark.rs` times the release.
const SLOWER: u32 = if cfg!(debug_assertions) { 20 } else { 1 };

/// The runs of which the quickest counts: neighbours that fill the caches make a processor slower, too, and never faster.
const RUNS: usize = 5;

/// 50 MB, in the kilobytes that the kernel counts in.
const MOST_MEMORY: u64 = 50_000_000 / 1024;

/// A file that has to be read takes what a sound one of its length takes: 10,000 topics.
const MOST_MEMORY_FULL: u64 = 128_000_000 / 1024;

/// The part of that which is left to a file. Without optimisation the program itself, which grows with its types, takes too
/// much of it to be counted.
const MOST_OF_FILE: u64 = 12_000_000 / 1024;

/// The most memory that a run may take, where one with nothing in its file takes `own`.
fn most_memory(own: u64, full: bool) -> u64 {
    let most = if full { MOST_MEMORY_FULL } else { MOST_MEMORY };
    if cfg!(debug_assertions) {
        own + MOST_OF_FILE + (most - MOST_MEMORY)
    } else {
        most
    }
}

/// The most output on a screen: no one reads more than this, and a terminal shows it at once.
const LONGEST_SCREEN: usize = 200_000;

/// Commands that read the file for themselves.
const COMMANDS: [&str; 2] = ["validate", "preview"];

/// Runs a command, and writes down what it took: microseconds of a processor, and kilobytes at its peak. The standard
/// library knows neither of a child that has ended. On a busy machine the clock would tell what the neighbours do.
const MEASURE: &str = "
import os, sys

process = os.posix_spawn(sys.argv[2], sys.argv[2:], os.environ)
_, status, used = os.wait4(process, 0)
with open(sys.argv[1], 'w') as file:
    kilobytes = used.ru_maxrss // (1024 if sys.platform == 'darwin' else 1)
    print(int((used.ru_utime + used.ru_stime) * 1e6), kilobytes, file=file)
sys.exit(os.WEXITSTATUS(status) if os.WIFEXITED(status) else 128 + os.WTERMSIG(status))
";

/// The resources that a run has taken.
struct Taken {
    time: Duration,
    kilobytes: u64,
}

fn measured(program: &Program<'_>, words: &[&str]) -> (Ended, Taken) {
    let measures = program.directory().join("measures");
    let output = Command::new("python3")
        .args(["-I", "-S", "-c", MEASURE])
        .arg(&measures)
        .arg(env!("CARGO_BIN_EXE_fde-infra"))
        .args(words)
        .current_dir(program.directory())
        .env_clear()
        .envs(program.environment())
        .env("PATH", std::env::var_os("PATH").unwrap_or_default())
        .stdin(Stdio::null())
        .output()
        .expect("Python starts");
    let measures = fs::read_to_string(measures).expect("it has measured");
    let measures: Vec<u64> = measures
        .split_whitespace()
        .map(|number| number.parse().expect("a number"))
        .collect();
    let taken = Taken {
        time: Duration::from_micros(measures[0]),
        kilobytes: measures[1],
    };
    (program.ended(words, &output, 0), taken)
}

/// The promises broken by a run that was to refuse the file.
fn faults(hostile: &Hostile, ended: &Ended, taken: &Taken, own: u64) -> Vec<String> {
    let mut faults = Vec::new();
    let mut expect = |holds: bool, what: String| {
        if !holds {
            faults.push(what);
        }
    };
    expect(
        ended.status == USAGE,
        format!("exit status {:?}", ended.status),
    );
    let said = format!("error[fde::stack::{}]", hostile.code);
    expect(ended.raw.contains(&said), format!("no {said}"));
    let is_control = |character: char| character.is_control() && character != '\n';
    expect(
        !ended.raw.contains(is_control),
        "a control character on the screen".to_owned(),
    );
    expect(
        ended.raw.len() <= LONGEST_SCREEN,
        format!("{} bytes on the screen", ended.raw.len()),
    );
    expect(ended.calls.is_empty(), format!("calls {:?}", ended.calls));
    expect(
        taken.time <= LONGEST * SLOWER,
        format!("took {:?} of a processor", taken.time),
    );
    expect(
        taken.kilobytes <= most_memory(own, hostile.full),
        format!("{} kilobytes at its peak", taken.kilobytes),
    );
    faults
}

#[tokio::test]
async fn a_hostile_file_is_refused_at_once() {
    let world = World::new("e2e-hostile").await;
    let program = Program::of(&world);
    program.write("stacks/dev.yaml", &format!("{HEAD}resources: {{}}\n"));
    let (_, Taken { kilobytes: own, .. }) = measured(&program, &["validate", STACK]);
    println!("the program itself: {own} kB");
    let mut problems = Vec::new();
    let mut runs = 0;
    for hostile in ALL {
        for (name, text) in hostile.files() {
            let path = program.directory().join("stacks").join(name);
            fs::write(path, text).expect("the file can be written");
        }
        for command in COMMANDS {
            let (ended, mut taken) = measured(&program, &[command, STACK]);
            for _ in 1..RUNS {
                if taken.time <= LONGEST * SLOWER {
                    break;
                }
                taken.time = taken.time.min(measured(&program, &[command, STACK]).1.time);
            }
            let below = if hostile.below { ", below another" } else { "" };
            let what = format!("{command}, {}{below}", hostile.name);
            println!("{what}: {:?}, {} kB", taken.time, taken.kilobytes);
            runs += 1;
            let found = faults(hostile, &ended, &taken, own);
            if !found.is_empty() {
                let screen: String = ended.screen.chars().take(1_000).collect();
                problems.push(format!("{what}: {}\n{screen}", found.join(", ")));
            }
        }
    }
    Shown {
        promise: "R14",
        level: "end to end",
        what: "hostile files: refused with a reason, in time, in little memory",
        runs,
        seeds: None,
        failures: problems.len(),
    }
    .tell();
    assert!(problems.is_empty(), "{}", problems.join("\n\n"));
}

/// Around a fault a file is shown: one that is not the stack's own could hold another party's credentials.
#[tokio::test]
async fn what_is_not_a_file_of_the_stack_is_neither_read_nor_shown() {
    let world = World::new("e2e-hostile-layers").await;
    let program = Program::of(&world);
    let outside = program.directory().with_extension("outside");
    fs::write(&outside, "CANARY: [").expect("the file can be written");
    let stacks = program.directory().join("stacks");
    let name = outside.file_name().and_then(|name| name.to_str());
    let name = name.expect("a name");
    std::os::unix::fs::symlink(&outside, stacks.join("link.yaml")).expect("a link can be made");
    let pipe = std::process::Command::new("mkfifo")
        .arg(stacks.join("pipe.yaml"))
        .status();
    assert!(pipe.is_ok_and(|status| status.success()));
    let elsewhere = "lies outside of the repository and the working directory";
    for (extends, said) in [
        (format!("../../{name}"), elsewhere),
        ("link.yaml".to_owned(), elsewhere),
        (
            "../../../../../../../../proc/self/environ".to_owned(),
            elsewhere,
        ),
        ("pipe.yaml".to_owned(), "is not a regular file"),
    ] {
        program.write(
            "stacks/dev.yaml",
            &format!("{HEAD}extends: {extends}\nresources: {{}}\n"),
        );
        let ended = program.run_words(&["validate", STACK]);
        assert_eq!(ended.status, Some(2), "{extends}: {}", ended.screen);
        assert!(ended.stderr.contains(said), "{extends}: {}", ended.screen);
        assert!(!ended.screen.contains("CANARY"), "{}", ended.screen);
        assert!(!ended.screen.contains("PATH="), "{}", ended.screen);
    }
    // The stack itself, by its name and by its path.
    for stack in ["pipe", "stacks/pipe.yaml"] {
        for command in ["validate", "preview"] {
            let ended = program.run_words(&[command, stack]);
            assert_eq!(ended.status, USAGE, "{stack}: {}", ended.screen);
            assert!(
                ended.stderr.contains("is not a regular file"),
                "{stack}: {}",
                ended.screen
            );
            assert_eq!(ended.calls, [] as [String; 0], "{}", ended.screen);
        }
    }
    let ended = program.run_words(&["validate", "link"]);
    assert_eq!(ended.status, Some(2), "{}", ended.screen);
    assert!(ended.stderr.contains(elsewhere), "{}", ended.screen);
    assert!(!ended.screen.contains("CANARY"), "{}", ended.screen);

    // From wherever the program is started, the layers of a stack are those around it.
    program.write("base.yaml", "tags: { team: x }\n");
    program.write(
        "stacks/dev.yaml",
        &format!("{HEAD}extends: ../base.yaml\nresources: {{}}\n"),
    );
    let path = stacks.join("dev.yaml");
    let path = path.to_str().expect("a path");
    let ended = Program::of(&world).run_words(&["validate", path]);
    assert_eq!(ended.status, Some(0), "{}", ended.screen);
    fs::remove_file(outside).expect("it is there");
}
