//! One experiment: an account of its own, a proxy before it, runs of the program, and what must hold in the end.

use std::collections::BTreeSet;
use std::ffi::OsString;
use std::process::{Child, Command, Output, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{RecvTimeoutError, Sender, channel};
use std::sync::{Condvar, Mutex};
use std::time::{Duration, Instant};

use crate::account::{Account, base};
use crate::fault::{self, Fault, Struck};
use crate::inventory::FINAL_SNAPSHOT;
use crate::job::{DATA, Job, UP};
use crate::promise::Shown;
use crate::proxy::{Logged, Proxy, nothing};

/// Steps at a time in runs that nothing disturbs.
const MANY: &str = "32";

/// The words of the program when it panics.
const PANIC: &str = "internal error in fde-infra";

/// The program under test.
pub fn program() -> OsString {
    std::env::var_os("FDE_INFRA_LAB_PROGRAM")
        .unwrap_or_else(|| env!("CARGO_BIN_EXE_fde-infra").into())
}

/// The program with these arguments, against an endpoint.
fn command(endpoint: &str, words: &[&str]) -> Command {
    let mut command = Command::new(program());
    command
        .args(words)
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .env_clear()
        .env("PATH", std::env::var_os("PATH").unwrap_or_default())
        .env("AWS_ENDPOINT_URL", endpoint)
        .env("AWS_ACCESS_KEY_ID", "test")
        .env("AWS_SECRET_ACCESS_KEY", "test")
        // A machine in EC2 or in Azure would tell its identity.
        .env("AWS_EC2_METADATA_DISABLED", "true")
        .env("NO_COLOR", "1")
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    command
}

/// Runs the program with nothing between it and the account, and expects it to succeed.
pub fn run_plainly(endpoint: &str, words: &[&str]) {
    let output = command(endpoint, words)
        .output()
        .expect("the program starts");
    assert!(output.status.success(), "{}", screen(&output));
}

/// The peak memory of a process so far, in megabytes.
fn peak(status: &str) -> Option<u64> {
    let status = std::fs::read_to_string(status).ok()?;
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix("VmHWM:"))?;
    let kilobytes: u64 = line.trim().strip_suffix(" kB")?.parse().ok()?;
    Some(kilobytes / 1024)
}

fn screen(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr)
}

/// The outcome of one run of the program.
#[derive(Debug)]
pub struct Ran {
    /// None if it was killed.
    pub status: Option<i32>,
    /// Both streams.
    pub screen: String,
    pub calls: Vec<Logged>,
    /// The moment at which the fault came about, if it did.
    pub struck: Option<Struck>,
    /// The calls that were not answered by the account itself.
    pub harmed: usize,
    pub ended: Instant,
    pub elapsed: Duration,
}

impl Ran {
    pub fn mutating(&self) -> Vec<&str> {
        let mutating = self.calls.iter().filter(|call| call.mutating);
        mutating.map(|call| call.name.as_str()).collect()
    }

    /// The last lines of output, for a failure's line.
    pub fn last_words(&self) -> String {
        let lines: Vec<&str> = self
            .screen
            .lines()
            .filter(|line| !line.is_empty())
            .collect();
        lines[lines.len().saturating_sub(25)..].join("\n    ")
    }
}

/// An account of its own, and what has been done in it.
pub struct World {
    job: &'static Job,
    pub account: Account,
    proxy: Proxy,
    ran: Vec<Ran>,
}

impl World {
    /// A world in the state before the job.
    pub fn of(job: &'static Job) -> Self {
        let account = base(job.before).fork();
        let proxy = Proxy::before(&account.endpoint, nothing);
        Self {
            job,
            account,
            proxy,
            ran: Vec::new(),
        }
    }

    /// Runs the job with this number of steps at a time, and nothing goes wrong.
    pub fn run(&mut self, parallel: &'static str) -> Ran {
        self.run_with(&[], parallel)
    }

    /// Runs the job with these faults.
    pub fn run_with(&mut self, faults: &[Fault], parallel: &'static str) -> Ran {
        self.run_words(faults, &self.words(parallel))
    }

    fn words(&self, parallel: &'static str) -> Vec<&'static str> {
        let Job {
            command,
            stack,
            arguments,
            ..
        } = self.job;
        let words = [
            &[*command, *stack, "--yes", "--parallel", parallel],
            *arguments,
        ];
        words.concat()
    }

    /// Runs the job this number of times at once, with these options, and asks the runs to end that take longer than
    /// `patience`; returns also whether there were any. The calls of all of them are kept with the first.
    pub fn run_at_once(
        &self,
        count: usize,
        options: &[&str],
        patience: Duration,
    ) -> (Vec<Ran>, bool) {
        let (rule, subject) = fault::rule(&[], &self.account);
        self.proxy.begin(&self.account.endpoint, rule);
        let words = [&self.words("16")[..], options].concat();
        let started = Instant::now();
        let start = || command(&self.proxy.endpoint, &words).spawn();
        let running: Vec<Child> = (0..count)
            .map(|_| start().expect("the program starts"))
            .collect();
        let is_over = Mutex::new(false);
        let ended = Condvar::new();
        let is_over_patience = AtomicBool::new(false);
        let outputs: Vec<Output> = std::thread::scope(|scope| {
            let ids: Vec<u32> = running.iter().map(Child::id).collect();
            scope.spawn(|| {
                let over = is_over.lock().expect("no thread failed in here");
                let waited = ended.wait_timeout_while(over, patience, |over| !*over);
                if waited.expect("no thread failed in here").1.timed_out() {
                    is_over_patience.store(true, Ordering::Relaxed);
                    for id in ids {
                        fault::signal("INT", id);
                    }
                }
            });
            let outputs = running.into_iter();
            let outputs = outputs.map(|child| child.wait_with_output().expect("the program ends"));
            let outputs = outputs.collect();
            *is_over.lock().expect("no thread failed in here") = true;
            ended.notify_all();
            outputs
        });
        let mut calls = self.proxy.log();
        let ran = |output: &Output| Ran {
            status: output.status.code(),
            screen: screen(output),
            calls: std::mem::take(&mut calls),
            struck: None,
            harmed: subject.harmed(),
            ended: Instant::now(),
            elapsed: started.elapsed(),
        };
        let all = outputs.iter().map(ran).collect();
        (all, is_over_patience.into_inner())
    }

    pub fn run_words(&self, faults: &[Fault], words: &[&str]) -> Ran {
        self.run_watched(faults, words, |child| {
            child.wait_with_output().expect("the program ends")
        })
    }

    /// Runs the program, and returns its peak memory in megabytes; `None` where the system does not tell.
    pub fn run_measured(&self, words: &[&str]) -> (Ran, Option<u64>) {
        let mut most = None;
        let ran = self.run_watched(&[], words, |child| {
            let status = format!("/proc/{}/status", child.id());
            let (ending, ended) = channel();
            std::thread::scope(|scope| {
                let watching = scope.spawn(move || {
                    let mut most = None;
                    loop {
                        // The peak stands there for as long as the process runs.
                        most = most.max(peak(&status));
                        let waited = ended.recv_timeout(Duration::from_millis(5));
                        if waited != Err(RecvTimeoutError::Timeout) {
                            return most;
                        }
                    }
                });
                let output = child.wait_with_output().expect("the program ends");
                drop::<Sender<()>>(ending);
                most = watching.join().expect("memory is watched to the end");
                output
            })
        });
        (ran, most)
    }

    fn run_watched(
        &self,
        faults: &[Fault],
        words: &[&str],
        wait: impl FnOnce(Child) -> Output,
    ) -> Ran {
        let (rule, subject) = fault::rule(faults, &self.account);
        self.proxy.begin(&self.account.endpoint, rule);
        let started = Instant::now();
        let child = command(&self.proxy.endpoint, words).spawn();
        let child = child.expect("the program starts");
        subject.is_process(child.id());
        let output = wait(child);
        let ended = Instant::now();
        Ran {
            status: output.status.code(),
            screen: screen(&output),
            calls: self.proxy.log(),
            struck: subject.struck(),
            harmed: subject.harmed(),
            ended,
            elapsed: started.elapsed(),
        }
    }

    /// Keeps a run for the verdict.
    pub fn keep(&mut self, ran: Ran) -> &Ran {
        self.ran.push(ran);
        self.ran.last().expect("it was kept just now")
    }

    /// The promises that must hold after any fault, as `promises.md` states them: an undisturbed run does the job, then
    /// there is what there should be and nothing else, what is not ours is as it was, nothing holding data was deleted
    /// without consent, no password was printed, and one more run changes nothing. Returns what does not hold, a line each.
    pub fn verdict(&mut self) -> Vec<String> {
        let next = self.run(MANY);
        if next.status != Some(0) {
            let faults = format!("the next run: {:?}\n    {}", next.status, next.last_words());
            return vec![faults];
        }
        self.keep(next);
        self.verdict_as_it_is()
    }

    /// Like [`World::verdict`], for a run that did the job itself.
    pub fn verdict_as_it_is(&mut self) -> Vec<String> {
        let inventory = self.account.inventory();
        let undisturbed = &self.job.undisturbed().inventory;
        let mut faults = inventory.faults(undisturbed, self.job.inventory_before());
        let last = self.run(MANY);
        if last.status != Some(0) || !last.mutating().is_empty() {
            faults.push(format!(
                "the run after that: {:?}, and it calls {:?}\n    {}",
                last.status,
                last.mutating(),
                last.last_words()
            ));
        }
        self.keep(last);
        let deleted: BTreeSet<&str> = self
            .ran
            .iter()
            .flat_map(|ran| ran.mutating())
            .filter(|name| DATA.iter().any(|data| name.starts_with(data)))
            .filter(|name| !self.job.may_delete.iter().any(|may| name.starts_with(may)))
            .collect();
        if !deleted.is_empty() {
            faults.push(format!("data deleted without consent: {deleted:?}"));
        }
        for ran in &self.ran {
            if ran.screen.contains(PANIC) {
                faults.push(format!("a panic\n    {}", ran.last_words()));
            }
            for secret in &inventory.secrets {
                if ran.screen.contains(secret.as_str()) {
                    faults.push("a password was printed".to_owned());
                }
            }
        }
        faults
    }

    /// Checks that a destroy leaves nothing of ours, and everything that is not.
    pub fn destroyed(&mut self) -> Vec<String> {
        let words = ["destroy", self.job.stack, "--yes"];
        let ran = self.run_words(&[], &words);
        if ran.status != Some(0) {
            return vec![format!(
                "destroy in the end: {:?}\n    {}",
                ran.status,
                ran.last_words()
            )];
        }
        let nothing = UP.inventory_before();
        let after = self.account.inventory();
        let faults = after.faults(nothing, nothing).into_iter();
        // Its database is gone, so that it looks like an object without an owner.
        let snapshot = format!("not ours, and new: {FINAL_SNAPSHOT} ");
        faults
            .filter(|fault| !fault.starts_with(&snapshot))
            .map(|fault| format!("after destroy: {fault}"))
            .collect()
    }
}

/// One run with all of these faults, which has to do the job nevertheless, with at most twice the calls.
pub fn weathers(job: &'static Job, faults: &[Fault]) -> Vec<String> {
    gets_through(job, faults, |ran, usual| {
        let is_twice = ran.calls.len() > 2 * usual.len();
        is_twice.then(|| more_often(&ran.calls, usual))
    })
}

/// One run with all of these faults, which has to do the job nevertheless. `is_too_much` compares its calls with the usual
/// ones, and says what there is too much of.
pub fn gets_through(
    job: &'static Job,
    faults: &[Fault],
    is_too_much: impl Fn(&Ran, &[Logged]) -> Option<String>,
) -> Vec<String> {
    let mut world = World::of(job);
    let ran = world.run_with(faults, "16");
    let what = format!("{}, {faults:?}", job.name);
    let usual = &job.undisturbed().calls;
    let calls = format!("{} calls instead of {}", ran.calls.len(), usual.len());
    println!(
        "{what}: {calls}, {} of them harmed, {:.1} s",
        ran.harmed,
        ran.elapsed.as_secs_f64()
    );
    let mut problems = Vec::new();
    if ran.status == Some(0) {
        let too_much = is_too_much(&ran, usual);
        problems.extend(too_much.map(|too_much| format!("{calls}: {too_much}")));
        world.keep(ran);
        problems.extend(world.verdict_as_it_is());
    } else {
        problems.push(format!("{:?}\n    {}", ran.status, ran.last_words()));
    }
    let problems = problems.into_iter();
    problems
        .map(|problem| format!("{what}: {problem}"))
        .collect()
}

/// The calls that were made more often than usual: `24 (2) ec2:DescribeVpcs`, the worst first. Empty if there were none.
pub fn more_often(calls: &[Logged], usual: &[Logged]) -> String {
    let count =
        |calls: &[Logged], name: &str| calls.iter().filter(|call| call.name == name).count();
    let names: BTreeSet<&str> = calls.iter().map(|call| call.name.as_str()).collect();
    let counted = names
        .into_iter()
        .map(|name| (count(calls, name), count(usual, name), name));
    let mut more: Vec<_> = counted.filter(|(now, usual, _)| now > usual).collect();
    more.sort_by_key(|(now, usual, _)| std::cmp::Reverse(now - usual));
    let lines = more
        .iter()
        .map(|(now, usual, name)| format!("{now} ({usual}) {name}"));
    lines.collect::<Vec<_>>().join(", ")
}

/// Reports the outcome of many cases, and fails if something does not hold.
pub fn judge(
    promise: &str,
    what: &str,
    seeds: Option<usize>,
    (runs, failures): (usize, Vec<String>),
) {
    let shown = Shown {
        promise,
        level: "lab",
        what,
        runs,
        seeds,
        failures: failures.len(),
    };
    shown.tell();
    assert!(failures.is_empty(), "\n{}", failures.join("\n"));
    assert!(runs > 0, "nothing was tried");
}

/// The stride of a campaign, which `FDE_INFRA_LAB` asks for: every call at this distance is tried.
pub fn campaign() -> Option<usize> {
    let stride = std::env::var("FDE_INFRA_LAB").ok()?;
    Some(stride.parse().expect("FDE_INFRA_LAB is a number from 1"))
}

/// Tries every case, several at once, and gives back how many came about and what does not hold.
///
/// The work of the account and of the program is the most of it, and each has a process of its own; but a run also waits
/// for its own next look, so that there is work for more of them than there are processors.
pub fn each<C: Sync>(
    cases: &[C],
    experiment: impl Fn(&C) -> Option<Vec<String>> + Sync,
) -> (usize, Vec<String>) {
    each_at_once(cases, 2 * processors(), experiment)
}

/// Like [`each`], for experiments that a clock judges.
pub fn each_in_time<C: Sync>(
    cases: &[C],
    experiment: impl Fn(&C) -> Option<Vec<String>> + Sync,
) -> (usize, Vec<String>) {
    each_at_once(cases, processors(), experiment)
}

fn processors() -> usize {
    std::thread::available_parallelism().map_or(1, usize::from)
}

fn each_at_once<C: Sync>(
    cases: &[C],
    workers: usize,
    experiment: impl Fn(&C) -> Option<Vec<String>> + Sync,
) -> (usize, Vec<String>) {
    let next = Mutex::new(cases.iter());
    let results: Mutex<(usize, Vec<String>)> = Mutex::default();
    std::thread::scope(|scope| {
        for _ in 0..workers {
            scope.spawn(|| {
                loop {
                    let case = next.lock().expect("no thread failed in here").next();
                    let Some(case) = case else { break };
                    let Some(faults) = experiment(case) else {
                        continue;
                    };
                    for fault in &faults {
                        println!("{fault}");
                    }
                    let mut results = results.lock().expect("no thread failed in here");
                    results.0 += 1;
                    results.1.extend(faults);
                    if results.0.is_multiple_of(50) {
                        println!("{} of {} tried", results.0, cases.len());
                    }
                }
            });
        }
    });
    results.into_inner().expect("no thread failed in here")
}
