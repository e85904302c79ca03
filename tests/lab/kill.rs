//! R1: killed at any call, the next run finishes the job, with nothing twice and nothing left over.

use std::collections::BTreeMap;
use std::process::{Child, Command, Output, Stdio};

use crate::account::Account;
use crate::promise::Shown;
use crate::proxy::{Kill, Proxy};

const STACK: &str = "happyrobot-fde/dev";
/// Another range of addresses: everything in the network is replaced.
const MOVED: &[&str] = &[
    "--set=network.cidr=10.7.0.0/16",
    "--set=network.publicSubnets=[10.7.101.0/24, 10.7.102.0/24]",
    "--set=network.privateSubnets=[10.7.1.0/24, 10.7.2.0/24]",
    "--allow-delete=database/instance",
];

/// An ordinary run kills at every tenth call.
const TENTH: usize = 10;

struct Lab {
    account: Account,
    proxy: Proxy,
    /// What was made wrong, a line each.
    failures: Vec<String>,
    runs: usize,
}

/// One thing that the program is asked to do.
#[derive(Clone, Copy)]
struct Job {
    name: &'static str,
    /// What stands before.
    before: Option<&'static [&'static str]>,
    command: &'static str,
    arguments: &'static [&'static str],
}

const JOBS: &[Job] = &[
    Job {
        name: "up from nothing",
        before: None,
        command: "up",
        arguments: &[],
    },
    Job {
        name: "up to another network",
        before: Some(&[]),
        command: "up",
        arguments: MOVED,
    },
    Job {
        name: "destroy",
        before: Some(&[]),
        command: "destroy",
        arguments: &[],
    },
];

impl Lab {
    async fn new() -> Self {
        let account = Account::start().await;
        let proxy = Proxy::before(&account.endpoint);
        Self {
            account,
            proxy,
            failures: Vec::new(),
            runs: 0,
        }
    }

    fn spawn(&self, command: &str, arguments: &[&str], parallel: &str) -> Child {
        Command::new(env!("CARGO_BIN_EXE_fde-infra"))
            .args([command, "dev", "--yes", "--parallel", parallel])
            .args(arguments)
            .current_dir(env!("CARGO_MANIFEST_DIR"))
            .env_clear()
            .env("PATH", std::env::var_os("PATH").unwrap_or_default())
            .env("AWS_ENDPOINT_URL", &self.proxy.endpoint)
            .env("AWS_ACCESS_KEY_ID", "test")
            .env("AWS_SECRET_ACCESS_KEY", "test")
            .env("NO_COLOR", "1")
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("the program starts")
    }

    fn run(&self, kill: Option<Kill>, command: &str, arguments: &[&str], parallel: &str) -> Output {
        self.proxy.begin(kill);
        let child = self.spawn(command, arguments, parallel);
        self.proxy.process(child.id());
        child.wait_with_output().expect("the program ends")
    }

    fn fails(&mut self, what: &str, output: &Output) {
        let errors = String::from_utf8_lossy(&output.stderr);
        let lines: Vec<&str> = errors.lines().filter(|line| !line.is_empty()).collect();
        let lines = lines[..lines.len().min(12)].join("\n    ");
        self.failures
            .push(format!("{what}: {}\n    {lines}", output.status));
    }

    fn prepare(&self, job: Job) {
        self.account.reset();
        if let Some(arguments) = job.before {
            let output = self.run(None, "up", arguments, "32");
            assert!(output.status.success(), "{output:?}");
        }
    }

    /// Kills the program at a call; then it has to get there by itself. False if the program was through before.
    async fn killed(
        &mut self,
        job: Job,
        kill: Kill,
        parallel: &str,
        wanted: &BTreeMap<String, Vec<String>>,
    ) -> bool {
        self.prepare(job);
        self.run(Some(kill), job.command, job.arguments, parallel);
        if !self.proxy.has_killed() {
            return false;
        }
        self.runs += 1;
        let at = self.proxy.mutating().last().cloned().unwrap_or_default();
        let what = format!("{}, killed {kill:?} ({at}), {parallel} at once", job.name);
        let next = self.run(None, job.command, job.arguments, "32");
        if !next.status.success() {
            self.fails(&format!("{what}: the next run"), &next);
            return true;
        }
        let owned = self.account.owned(STACK).await;
        for (urn, arns) in owned.iter().filter(|(_, arns)| arns.len() > 1) {
            self.failures
                .push(format!("{what}: {urn} stands twice: {arns:?}"));
        }
        if !owned.keys().eq(wanted.keys()) {
            let missing: Vec<_> = wanted
                .keys()
                .filter(|urn| !owned.contains_key(*urn))
                .collect();
            let more: Vec<_> = owned
                .keys()
                .filter(|urn| !wanted.contains_key(*urn))
                .collect();
            self.failures
                .push(format!("{what}: missing {missing:?}, left over {more:?}"));
        }
        let third = self.run(None, job.command, job.arguments, "32");
        let mutating = self.proxy.mutating();
        if !third.status.success() || !mutating.is_empty() {
            self.fails(&format!("{what}: the third run calls {mutating:?}"), &third);
        }
        true
    }

    /// Every so many calls of a job, before and after the account acts; with every call, one at a time, too.
    async fn kill_at_every_call(&mut self, job: Job, step: usize) {
        self.prepare(job);
        let whole = self.run(None, job.command, job.arguments, "32");
        assert!(whole.status.success(), "{whole:?}");
        let calls = self.proxy.mutating().len();
        let wanted = self.account.owned(STACK).await;
        let (before, failures) = (self.runs, self.failures.len());
        // Which of a hundred calls is the tenth differs from run to run, so these are samples of all calls.
        for at in (0..calls).step_by(step) {
            for kill in [Kill::Before(at), Kill::After(at)] {
                for parallel in if step == 1 { &["1", "16"][..] } else { &["16"] } {
                    self.killed(job, kill, parallel, &wanted).await;
                }
            }
        }
        let shown = Shown {
            promise: "R1",
            level: "lab",
            what: &format!("{}, killed at one of {calls} calls", job.name),
            runs: self.runs - before,
            seeds: None,
            failures: self.failures.len() - failures,
        };
        shown.tell();
    }
}

#[tokio::test]
async fn killed_at_any_call_the_next_run_finishes_the_job() {
    let mut lab = Lab::new().await;
    let step = std::env::var("FDE_INFRA_LAB").map_or(TENTH, |step| {
        step.parse().expect("FDE_INFRA_LAB is a number from 1")
    });
    for job in JOBS {
        lab.kill_at_every_call(*job, step).await;
    }
    assert_eq!(
        lab.failures,
        [] as [String; 0],
        "\n{}",
        lab.failures.join("\n")
    );
    assert!(lab.runs > 20, "only {} kills", lab.runs);
}
