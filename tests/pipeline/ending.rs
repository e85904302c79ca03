//! The end of a step of the action: it ends as the program did, in whatever way that was.

use std::fs;
use std::io::{BufRead, BufReader, Read};
use std::process::{Command, Stdio};

use serde_json::json;

use super::comment::assert_nothing_gets_out;
use super::repository::project;
use super::runner::{Event, Repository};

/// The step of the action, with a program in the place of `fde-infra`.
fn step(repository: &Repository, command: &str, program: &str) -> Command {
    repository.script("program", program);
    let file = |name: &str| repository.directory.join(name);
    // Bash cannot trap what it was started to ignore, and what is started in the background ignores this.
    let mut step = Command::new("env");
    step.args([
        "--default-signal=INT",
        "bash",
        "--noprofile",
        "--norc",
        "-eo",
        "pipefail",
        "-c",
        "exec \"$GITHUB_ACTION_PATH/run.sh\"",
    ])
    .env("GITHUB_ACTION_PATH", project(".github/actions/fde-infra"))
    .env("GITHUB_OUTPUT", file("output"))
    .env("GITHUB_STEP_SUMMARY", file("summary"))
    .env("RUNNER_TEMP", &repository.directory)
    .env("PROGRAM", file("bin/program"))
    .envs([
        ("COMMAND", command),
        ("STACK", "dev"),
        ("SET", ""),
        ("SET_NEW", ""),
    ])
    .envs([("TARGET", ""), ("ALLOW_DELETE", ""), ("PLAN", "")])
    .env("EXPECT_NO_CHANGES", "false")
    .current_dir(&repository.directory)
    .stdout(Stdio::piped());
    step
}

/// The report of the step on how the command ended.
fn exit_code(repository: &Repository) -> String {
    let text = fs::read_to_string(repository.directory.join("output")).expect("outputs");
    let mut lines = text
        .lines()
        .skip_while(|line| !line.starts_with("exit-code<<"));
    lines.nth(1).expect("an exit code").to_owned()
}

#[test]
fn a_cancelled_run_tells_the_program() {
    let repository = Repository::new("cancel", &[]);
    let program = "#!/usr/bin/env bash\ntrap 'cat hostile; kill $!; exit 8' TERM\nsleep 60 >/dev/null &\necho ready\nwait\n";
    let hostile = "told\n::group::Steps\n```\n````\n</details>\n# Heading\n<script>\n";
    fs::write(repository.directory.join("hostile"), hostile).expect("written");
    let mut child = step(&repository, "up", program).spawn().expect("bash runs");
    let mut said = BufReader::new(child.stdout.take().expect("a pipe"));
    let mut line = String::new();
    said.read_line(&mut line).expect("it says something");
    assert_eq!(line, "ready\n");
    // GitHub's runner signals the process that a step began with, and no other.
    let kill = Command::new("kill")
        .args(["-INT", &child.id().to_string()])
        .status();
    assert!(kill.expect("kill runs").success());
    let status = child.wait().expect("it ends");
    let mut rest = String::new();
    said.read_to_string(&mut rest).expect("readable");
    assert_eq!((status.code(), rest.as_str()), (Some(8), hostile));
    assert_eq!(exit_code(&repository), "8");
    let summary = fs::read_to_string(repository.directory.join("summary")).expect("a summary");
    assert!(
        summary.contains("up of <code>dev</code> failed: exit code 8"),
        "{summary}"
    );
    assert!(!summary.contains("::group"), "{summary}");
    assert_nothing_gets_out(&summary);
}

#[test]
fn a_killed_program_ends_the_step() {
    let repository = Repository::new("kill", &[]);
    // As the kernel does where memory is short, and as the program itself may end.
    for (program, expected) in [
        ("kill -KILL $$", 137),
        ("kill -TERM $$", 143),
        ("exit 200", 200),
    ] {
        let program = format!("#!/usr/bin/env bash\necho ready\n{program}\n");
        let step = step(&repository, "up", &program);
        let mut bounded = Command::new("timeout");
        bounded
            .args(["--signal=KILL", "30"])
            .arg(step.get_program())
            .args(step.get_args());
        let variables = step.get_envs();
        bounded.envs(variables.filter_map(|(name, value)| Some((name, value?))));
        bounded.current_dir(&repository.directory);
        drop(fs::remove_file(repository.directory.join("output")));
        let ended = bounded.output().expect("bash runs");
        assert_eq!(ended.status.code(), Some(expected), "{ended:?}");
        assert_eq!(exit_code(&repository), expected.to_string());
    }
}

#[test]
fn outputs_that_cannot_be_read_fail_the_step() {
    let program = "#!/usr/bin/env bash\n[[ $1 == up ]] || { echo 'no answer' >&2; exit 4; }\n";
    for (command, expected) in [
        (
            "up",
            "the stack is up, but its outputs could not be read: exit code 4",
        ),
        ("output", ""),
    ] {
        let repository = Repository::new("unread", &[]);
        let ended = step(&repository, command, program)
            .output()
            .expect("bash runs");
        let said = String::from_utf8_lossy(&ended.stdout).into_owned();
        assert_eq!(ended.status.code(), Some(4), "{said}");
        assert_eq!(exit_code(&repository), "4");
        assert!(said.contains(expected), "{said}");
    }
}

#[test]
fn an_output_that_is_not_there_is_empty() {
    let stack = "name: outputs\nenvironment: dev\nregion: eu-south-2\nresources:\n  \
                 topic: { type: aws:sns:Topic, properties: {} }\n";
    let repository = Repository::new("outputs", &[("stacks/dev.yaml", stack)]);
    let job = repository.action(&Event::push(), &json!({ "command": "up" }));
    assert_eq!(job.result, "success", "{}", job.log);
    for name in ["vpcId", "publicSubnetIds"] {
        assert_eq!(job.outputs[name], "", "{name}");
    }
    let list = "outputs: { publicSubnetIds: [a, b] }\n";
    repository.commit("Say", &[("stacks/dev.yaml", &format!("{stack}{list}"))]);
    let job = repository.action(&Event::push(), &json!({ "command": "up" }));
    let ids = job.outputs["publicSubnetIds"].as_str().expect("a text");
    assert_eq!(
        serde_json::from_str::<Vec<String>>(ids).expect("JSON"),
        ["a", "b"],
        "{}",
        job.log
    );
}
