//! SIGTERM and SIGINT end any wait within the 7 s that CI systems allow (`promises.md` R8), whatever it is for: files that
//! never come, an account that never answers, a reader that takes no more.

use std::fs;
use std::io::Read;
use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt;
use std::process::{Child, Command, ExitStatus};
use std::time::{Duration, Instant};

use crate::common::World;
use crate::common::commands::{CANCELLED, ERROR};
use crate::common::program::{Program, STACK};
use crate::up::signal;

/// The time that CI systems allow between asking a program to end and killing it.
const ALLOWED: Duration = Duration::from_secs(7);

/// By then the program has come to the place where it waits.
const BEGINNING: Duration = Duration::from_secs(2);

const TOPIC: &str = "topic: { type: aws:sns:Topic }";

/// The exit status of a program that was asked to end; it is killed if it does not.
fn asked_to_end(mut child: Child, name: &str) -> Result<ExitStatus, String> {
    std::thread::sleep(BEGINNING);
    if let Ok(Some(status)) = child.try_wait() {
        return Err(format!("it did not wait: {status}"));
    }
    signal(&child, name);
    let asked = Instant::now();
    while asked.elapsed() < ALLOWED {
        if let Ok(Some(status)) = child.try_wait() {
            return Ok(status);
        }
        std::thread::sleep(Duration::from_millis(20));
    }
    drop(child.kill());
    drop(child.wait());
    Err(format!("it goes on after {name}"))
}

/// A pipe without a writer, in the program's directory.
fn pipe(program: &Program<'_>, name: &str) {
    let path = program.directory().join(name);
    // Each program of a test has the same directory.
    drop(fs::remove_file(&path));
    let made = Command::new("mkfifo").arg(path).status();
    assert!(made.is_ok_and(|status| status.success()));
}

#[tokio::test]
async fn a_signal_ends_any_wait() {
    let world = World::new("e2e-interrupts").await;
    // It takes connections, and says nothing.
    let silent = TcpListener::bind("127.0.0.1:0").expect("there is a free port");
    let silent = format!("http://{}", silent.local_addr().expect("an address"));
    let preview = &["preview", STACK][..];
    let configuration = ("AWS_CONFIG_FILE", "pipe");
    let account = ("AWS_ENDPOINT_URL", silent.as_str());
    let detailed = &["preview", STACK, "--detailed-exitcode"][..];
    let mut faults = Vec::new();
    for (words, variable, status) in [
        (preview, configuration, CANCELLED),
        (preview, account, CANCELLED),
        // 8 would be none of its three.
        (detailed, configuration, ERROR),
    ] {
        for name in ["-TERM", "-INT"] {
            let program = Program::of(&world).with(variable.0, variable.1);
            program.write("stacks/dev.yaml", &world.file(TOPIC));
            pipe(&program, "pipe");
            let mut child = program.start(words);
            let mut stderr = child.stderr.take().expect("it is piped");
            match asked_to_end(child, name) {
                Ok(ended) => {
                    let mut said = String::new();
                    stderr.read_to_string(&mut said).expect("text");
                    let is_said = said.contains("cancelled; nothing was changed");
                    if ended.code() != status || !is_said {
                        faults.push(format!("{words:?} {variable:?}: {ended}\n{said}"));
                    }
                }
                Err(fault) => faults.push(format!("{words:?} {variable:?}: {fault}")),
            }
        }
    }
    assert_eq!(faults, [] as [String; 0], "{}", faults.join("\n"));
}

/// Output beyond the capacity of a pipe is written once the pipe is read.
#[tokio::test]
async fn a_signal_ends_a_program_that_has_no_reader() {
    let world = World::new("e2e-interrupts-reader").await;
    let child = Program::of(&world).start(&["schema"]);
    let ended = asked_to_end(child, "-TERM").expect("it ends");
    assert_eq!(ended.code(), CANCELLED);
}

/// The local account is installed and started by other programs, which may hang.
#[tokio::test]
async fn a_signal_ends_the_start_of_the_sandbox() {
    let world = World::new("e2e-interrupts-sandbox").await;
    let program = Program::of(&world);
    let tools = program.directory().join("tools");
    fs::create_dir_all(&tools).expect("a directory can be made");
    for name in ["python3", "uv"] {
        let path = tools.join(name);
        fs::write(&path, "#!/bin/sh\nexec /bin/sleep 20\n").expect("a file can be written");
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).expect("it is ours");
    }
    let (tools, place) = (tools.to_string_lossy().into_owned(), program.directory());
    let place = place.join("sandbox").to_string_lossy().into_owned();
    let program = Program::of(&world)
        .without("AWS_ENDPOINT_URL")
        .with("PATH", &tools)
        .with("FDE_INFRA_SANDBOX_DIR", &place);
    program.write("stacks/dev.yaml", &world.file(TOPIC));
    let child = program.start(&["preview", STACK, "--sandbox"]);
    let ended = asked_to_end(child, "-TERM").expect("it ends");
    assert_eq!(ended.code(), CANCELLED);
}
