//! Runs workflows as GitHub's runner does: jobs in the order of their needs, scripts with bash and the variables that GitHub
//! sets, composite actions within their own scope, permissions as the job states them. Actions of others are replaced by
//! what can be observed of them ([`stand_ins`](super::stand_ins)).

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use serde_json::{Map, Value as Json, json};

use super::account::Account;
use super::expression::{Scope, as_text, asks_for_status};
use super::github::{Github, REPOSITORY};
use super::stand_ins;

/// A repository on GitHub, with the runner of its workflows.
pub struct Repository {
    /// The name, unique to the test.
    pub name: String,
    /// Holds everything of this repository, and goes with it.
    pub directory: PathBuf,
    pub github: Github,
    pub account: Account,
    pub vars: Json,
    pub secrets: Json,
    /// Further variables in the environment of the runner's machine.
    pub variables: BTreeMap<String, String>,
    /// Jobs that do not end in time. GitHub gives them the result `cancelled`, which is no failure.
    pub too_slow: Vec<&'static str>,
    /// The environment whose reviewers say no. All others say yes.
    pub refused: Option<&'static str>,
    /// The subjects and references of the tokens that each role trusts. A role that is not listed trusts every token.
    pub trust: BTreeMap<&'static str, Vec<(&'static str, &'static str)>>,
    /// The replacement of an artifact, by its name, before another job takes it.
    pub replaced: BTreeMap<&'static str, &'static str>,
    /// The reference by which a workflow of another repository asks for the actions of this project.
    pub action_ref: String,
    /// The parts of each step that the log shows besides its output: its environment and its inputs.
    pub shown: RefCell<Vec<String>>,
    /// The jobs and the environments that they asked for, in turn.
    pub asked: RefCell<Vec<String>>,
    /// The place of every script that was run.
    pub executed: RefCell<BTreeSet<String>>,
}

/// The event for which a workflow is run.
#[derive(Clone)]
pub struct Event {
    pub name: &'static str,
    /// The full reference: `refs/heads/main`.
    pub reference: String,
    pub payload: Json,
    /// The inputs of `workflow_dispatch`, or those of the workflow that calls.
    pub inputs: Json,
}

/// The outcome of a job.
#[derive(Debug)]
pub struct Job {
    pub result: &'static str,
    pub outputs: Json,
    /// The output of its steps, to both streams.
    pub log: String,
    pub summary: String,
}

/// A job while it runs.
pub struct Running<'a> {
    pub repository: &'a Repository,
    pub directory: PathBuf,
    pub permissions: BTreeMap<String, String>,
    /// The subject of the job's token for OIDC.
    pub subject: String,
    /// The variables that steps have set for those after them.
    pub variables: BTreeMap<String, String>,
    path: Vec<String>,
    contexts: Json,
    log: String,
    event: &'a Event,
}

/// Steps of a job or of an action, and what they can see of each other.
struct Frame<'a> {
    /// The place of the steps: the file, and the job.
    place: String,
    steps: &'a [Json],
    inputs: Json,
    action: Option<PathBuf>,
    done: Map<String, Json>,
    failed: bool,
}

pub fn read(path: &Path) -> Json {
    let text =
        fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    serde_yaml::from_str(&text).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

pub fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

impl Repository {
    /// Runs a workflow of this project.
    pub fn workflow(&self, name: &str, event: &Event) -> BTreeMap<String, Vec<Job>> {
        let file = format!(".github/workflows/{name}");
        self.run(&file, &read(&root().join(&file)), event)
    }

    /// Runs a workflow.
    pub fn run(&self, file: &str, workflow: &Json, event: &Event) -> BTreeMap<String, Vec<Job>> {
        let jobs = workflow["jobs"].as_object().expect("a workflow has jobs");
        let inputs = inputs(workflow, event);
        let mut ended: BTreeMap<String, Vec<Job>> = BTreeMap::new();
        while ended.len() < jobs.len() {
            let is_next = |(name, job): &(&String, &Json)| {
                let needs = names(&job["needs"]);
                !ended.contains_key(*name) && needs.iter().all(|need| ended.contains_key(need))
            };
            let (name, job) = jobs
                .iter()
                .find(is_next)
                .expect("jobs need each other in a circle");
            let place = format!("{file} {name}");
            let ran = self.job(&place, workflow, job, event, &inputs, jobs, &ended);
            ended.insert(name.clone(), ran);
        }
        ended
    }

    #[allow(clippy::too_many_arguments, reason = "a job sees all of this")]
    fn job(
        &self,
        place: &str,
        workflow: &Json,
        job: &Json,
        event: &Event,
        inputs: &Json,
        jobs: &Map<String, Json>,
        ended: &BTreeMap<String, Vec<Job>>,
    ) -> Vec<Job> {
        let needs: Map<String, Json> = names(&job["needs"])
            .into_iter()
            .map(|need| {
                let result = result(&ended[&need]);
                let outputs = outputs(&ended[&need]);
                (need, json!({ "result": result, "outputs": outputs }))
            })
            .collect();
        let before = ancestors(job, jobs);
        let is = |name: &String, results: &[&str]| results.contains(&result(&ended[name]));
        let may_write = may_write(workflow, job, event);
        let token = self.github.token(may_write);
        let mut contexts = self.contexts(event, &token);
        contexts["needs"] = needs.into();
        contexts["inputs"] = inputs.clone();
        let mut scope = Scope {
            contexts,
            failed: before.iter().any(|name| is(name, &["failure"])),
        };
        let condition = job.get("if");
        let skipped = before
            .iter()
            .any(|name| is(name, &["skipped", "cancelled"]));
        if !scope.holds(condition) || (skipped && !condition.is_some_and(asks_for_status)) {
            return vec![Job::without_steps("skipped")];
        }
        scope.failed = false;
        let combinations = match job.pointer("/strategy/matrix") {
            Some(matrix) => combinations(&scope.value(matrix)),
            None => vec![json!({})],
        };
        assert!(
            !combinations.is_empty(),
            "{place}: a matrix without combinations"
        );
        let runs = combinations.into_iter().map(|matrix| {
            scope.contexts["matrix"] = matrix;
            self.combination(place, workflow, job, event, &scope)
        });
        runs.collect()
    }

    fn combination(
        &self,
        place: &str,
        workflow: &Json,
        job: &Json,
        event: &Event,
        scope: &Scope,
    ) -> Job {
        let count = fs::read_dir(&self.directory).expect("readable").count();
        let directory = self.directory.join(format!("job-{count}"));
        for name in ["workspace", "temp", "commands"] {
            fs::create_dir_all(directory.join(name)).expect("a directory");
        }
        fs::write(directory.join("event.json"), event.payload.to_string()).expect("written");
        let mut contexts = scope.contexts.clone();
        contexts["runner"] =
            json!({ "os": "Linux", "arch": "X64", "temp": directory.join("temp") });
        contexts["job"] = json!({ "status": "success" });
        contexts["strategy"] = json!({});
        let scope = Scope {
            contexts: contexts.clone(),
            failed: false,
        };
        // They are evaluated, as GitHub does, if only to find what is misspelt.
        for key in ["name", "timeout-minutes", "runs-on"] {
            scope.value(&job[key]);
        }
        scope.value(&workflow["concurrency"]);
        let (_, name) = place.rsplit_once(' ').expect("a file and a job");
        let environment = as_text(&scope.value(&job["environment"]));
        if !environment.is_empty() {
            let asked = format!("{name}: {environment}");
            self.asked.borrow_mut().push(asked);
            if self.refused == Some(environment.as_str()) {
                return Job::without_steps("failure");
            }
        }
        if self.too_slow.contains(&name) {
            return Job::without_steps("cancelled");
        }
        let variables = texts(&scope.value(&job["env"]));
        let variables = variables.as_object().into_iter().flatten();
        let inputs = contexts["inputs"].clone();
        let mut running = Running {
            repository: self,
            directory,
            permissions: permissions(workflow, job),
            subject: event.subject(&environment),
            variables: variables
                .map(|(name, value)| (name.clone(), as_text(value)))
                .collect(),
            path: Vec::new(),
            contexts,
            log: String::new(),
            event,
        };
        let mut frame = Frame {
            place: place.to_owned(),
            steps: job["steps"].as_array().expect("a job has steps"),
            inputs,
            action: None,
            done: Map::new(),
            failed: false,
        };
        running.steps(&mut frame);
        let outputs = running.scope(&frame).value(&job["outputs"]);
        let summary = fs::read_to_string(running.file("summary")).unwrap_or_default();
        Job {
            result: if frame.failed { "failure" } else { "success" },
            outputs: texts(&outputs),
            log: running.log,
            summary,
        }
    }

    fn contexts(&self, event: &Event, token: &str) -> Json {
        json!({
            "github": {
                "event_name": event.name, "event": event.payload, "ref_name": event.name_of_reference(), "ref": event.reference,
                "ref_type": event.ref_type(),
                "repository": REPOSITORY, "token": token, "sha": self.sha(), "action_ref": self.action_ref,
            },
            "vars": self.vars, "secrets": self.secrets, "matrix": {}, "env": {}, "steps": {}, "needs": {},
            "inputs": {}, "job": {}, "runner": {}, "strategy": {},
        })
    }

    /// The newest commit of the default branch.
    pub fn sha(&self) -> String {
        let origin = self.directory.join("origin");
        if !origin.is_dir() {
            return "0".repeat(40);
        }
        git(&origin, &["rev-parse", "HEAD"])
    }
}

impl Drop for Repository {
    fn drop(&mut self) {
        // Leftovers in the temporary directory do no harm.
        drop(fs::remove_dir_all(&self.directory));
    }
}

pub fn git(directory: &Path, arguments: &[&str]) -> String {
    let output = Command::new("git")
        .args([
            "-c",
            "user.name=Ada",
            "-c",
            "user.email=ada@example.com",
            "-c",
            "commit.gpgsign=false",
        ])
        .args(arguments)
        .current_dir(directory)
        .env("GIT_CONFIG_GLOBAL", "/dev/null")
        .env("TZ", "UTC")
        .output()
        .expect("git runs");
    assert!(
        output.status.success(),
        "git {arguments:?}: {}",
        String::from_utf8_lossy(&output.stderr)
    );
    String::from_utf8_lossy(&output.stdout).trim().to_owned()
}

impl Job {
    /// A job that has not come to its steps, or not to an end of them.
    fn without_steps(result: &'static str) -> Self {
        Self {
            result,
            outputs: json!({}),
            log: String::new(),
            summary: String::new(),
        }
    }
}

impl Event {
    /// The name of the branch or the tag.
    fn name_of_reference(&self) -> &str {
        let mut parts = self.reference.splitn(3, '/');
        parts.nth(2).expect("a reference has three parts")
    }

    /// The subject of a token of this run
    /// (<https://docs.github.com/en/actions/reference/security/oidc>).
    fn subject(&self, environment: &str) -> String {
        let about = match (environment, self.name) {
            ("", "pull_request") => "pull_request".to_owned(),
            ("", _) => format!("ref:{}", self.reference),
            (environment, _) => format!("environment:{environment}"),
        };
        format!("repo:{REPOSITORY}:{about}")
    }
}

impl Running<'_> {
    pub fn workspace(&self) -> PathBuf {
        self.directory.join("workspace")
    }

    /// The reference in the job's token for OIDC.
    pub fn reference(&self) -> &str {
        &self.event.reference
    }

    pub fn say(&mut self, text: &str) {
        self.log.push_str(text);
        self.log.push('\n');
    }

    fn file(&self, name: &str) -> PathBuf {
        self.directory.join("commands").join(name)
    }

    fn scope(&self, frame: &Frame<'_>) -> Scope {
        let mut contexts = self.contexts.clone();
        contexts["inputs"] = frame.inputs.clone();
        contexts["steps"] = frame.done.clone().into();
        contexts["env"] = json!(self.variables);
        Scope {
            contexts,
            failed: frame.failed,
        }
    }

    fn steps(&mut self, frame: &mut Frame<'_>) {
        for (index, step) in frame.steps.iter().enumerate() {
            let scope = self.scope(frame);
            let place = format!("{} step {}", frame.place, index + 1);
            let (outcome, outputs) = if scope.holds(step.get("if")) {
                let (succeeded, outputs) = self.step(&place, step, &scope, frame);
                (if succeeded { "success" } else { "failure" }, outputs)
            } else {
                ("skipped", json!({}))
            };
            let goes_on = step["continue-on-error"] == true;
            frame.failed |= outcome == "failure" && !goes_on;
            if let Some(id) = step["id"].as_str() {
                let conclusion = if goes_on { "success" } else { outcome };
                let done =
                    json!({ "outcome": outcome, "conclusion": conclusion, "outputs": outputs });
                frame.done.insert(id.to_owned(), done);
            }
        }
    }

    fn step(&mut self, place: &str, step: &Json, scope: &Scope, frame: &Frame<'_>) -> (bool, Json) {
        let Some(uses) = step["uses"].as_str() else {
            return self.script(place, step, scope, frame);
        };
        let with = texts(&scope.value(&step["with"]));
        self.repository.shown.borrow_mut().push(with.to_string());
        if let Some(path) = uses.strip_prefix("$/") {
            return self.action(path, &with);
        }
        let (name, version) = uses.split_once('@').expect("an action has a version");
        let is_commit =
            version.len() == 40 && version.chars().all(|digit| digit.is_ascii_hexdigit());
        assert!(is_commit, "{place}: {uses} is not pinned");
        match stand_ins::run(name, &with, self) {
            Ok(outputs) => (true, outputs),
            Err(error) => {
                self.say(&format!("::error::{name}: {error}"));
                (false, json!({}))
            }
        }
    }

    /// A composite action of this project.
    fn action(&mut self, path: &str, with: &Json) -> (bool, Json) {
        let directory = root().join(path);
        let action = read(&directory.join("action.yml"));
        assert_eq!(action["runs"]["using"], "composite");
        let none = Map::new();
        let declared = action["inputs"].as_object().unwrap_or(&none);
        for name in with.as_object().into_iter().flatten().map(|(name, _)| name) {
            assert!(declared.contains_key(name), "{path} has no input `{name}`");
        }
        let outside = Scope {
            contexts: self.contexts.clone(),
            failed: false,
        };
        let inputs = declared.iter().map(|(name, input)| {
            let value = with.get(name).cloned().unwrap_or_else(|| {
                assert_ne!(input["required"], true, "{path} needs `{name}`");
                outside.value(&input["default"])
            });
            (name.clone(), Json::from(as_text(&value)))
        });
        let mut frame = Frame {
            place: format!("{path}/action.yml"),
            steps: action["runs"]["steps"].as_array().expect("steps"),
            inputs: inputs.collect::<Map<_, _>>().into(),
            action: Some(directory),
            done: Map::new(),
            failed: false,
        };
        self.steps(&mut frame);
        let scope = self.scope(&frame);
        let declared = action["outputs"].as_object().into_iter().flatten();
        let outputs = declared.map(|(name, output)| {
            (
                name.clone(),
                Json::from(as_text(&scope.value(&output["value"]))),
            )
        });
        (!frame.failed, outputs.collect::<Map<_, _>>().into())
    }

    fn script(
        &mut self,
        place: &str,
        step: &Json,
        scope: &Scope,
        frame: &Frame<'_>,
    ) -> (bool, Json) {
        let run = step["run"]
            .as_str()
            .unwrap_or_else(|| panic!("{place} does nothing"));
        // Values from outside would be code there.
        assert!(!run.contains("${{"), "{place}: an expression in a script");
        self.repository
            .executed
            .borrow_mut()
            .insert(place.to_owned());
        let file = self.file("script.sh");
        fs::write(&file, run).expect("the script is written");
        for name in ["output", "env", "path"] {
            fs::write(self.file(name), "").expect("written");
        }
        let mut command = Command::new("bash");
        match step["shell"].as_str() {
            Some("bash") => command.args(["--noprofile", "--norc", "-eo", "pipefail"]),
            None if frame.action.is_none() => command.arg("-e"),
            shell => panic!("{place}: shell {shell:?}"),
        };
        let directory = step["working-directory"].as_str().unwrap_or(".");
        command
            .arg(&file)
            .current_dir(self.workspace().join(scope.text(directory)))
            .env_clear()
            .envs(self.environment(frame))
            .stdin(Stdio::null());
        for (name, value) in step["env"].as_object().into_iter().flatten() {
            let value = as_text(&scope.value(value));
            let mut shown = self.repository.shown.borrow_mut();
            shown.push(format!("{name}: {value}"));
            command.env(name, value);
        }
        // Both streams into one file, as they come.
        let log = fs::File::create(self.file("log")).expect("a file");
        command.stdout(log.try_clone().expect("a file")).stderr(log);
        let status = command.status().expect("bash runs");
        let log = fs::read(self.file("log")).expect("the log is readable");
        self.say(&String::from_utf8_lossy(&log));
        let outputs = assignments(&fs::read_to_string(self.file("output")).expect("readable"));
        let set = assignments(&fs::read_to_string(self.file("env")).expect("readable"));
        self.variables.extend(set);
        let path = fs::read_to_string(self.file("path")).expect("readable");
        self.path.extend(path.lines().map(str::to_owned));
        (status.success(), json!(outputs))
    }

    /// The variables of a script, and no others.
    fn environment(&self, frame: &Frame<'_>) -> BTreeMap<String, String> {
        let repository = self.repository;
        let text = |path: PathBuf| path.to_string_lossy().into_owned();
        let mut path = vec![text(repository.directory.join("bin"))];
        path.extend(self.path.iter().rev().cloned());
        path.push(std::env::var("PATH").unwrap_or_default());
        let url = &repository.github.url;
        let mut variables: BTreeMap<String, String> = [
            ("PATH", path.join(":")),
            ("HOME", text(repository.directory.join("home"))),
            ("LANG", "C.UTF-8".to_owned()),
            ("CI", "true".to_owned()),
            ("GITHUB_ACTIONS", "true".to_owned()),
            ("GITHUB_API_URL", url.clone()),
            ("GITHUB_GRAPHQL_URL", format!("{url}/graphql")),
            ("GITHUB_SERVER_URL", "https://github.com".to_owned()),
            ("GITHUB_REPOSITORY", REPOSITORY.to_owned()),
            ("GITHUB_EVENT_NAME", self.event.name.to_owned()),
            ("GITHUB_EVENT_PATH", text(self.directory.join("event.json"))),
            ("GITHUB_REF", self.event.reference.clone()),
            ("GITHUB_REF_NAME", self.event.name_of_reference().to_owned()),
            ("GITHUB_REF_TYPE", self.event.ref_type().to_owned()),
            ("GITHUB_SHA", repository.sha()),
            ("GITHUB_RUN_ID", "4711".to_owned()),
            ("GITHUB_RUN_ATTEMPT", "1".to_owned()),
            ("GITHUB_WORKSPACE", text(self.workspace())),
            ("GITHUB_OUTPUT", text(self.file("output"))),
            ("GITHUB_ENV", text(self.file("env"))),
            ("GITHUB_PATH", text(self.file("path"))),
            ("GITHUB_STEP_SUMMARY", text(self.file("summary"))),
            ("RUNNER_TEMP", text(self.directory.join("temp"))),
            ("RUNNER_OS", "Linux".to_owned()),
            ("RUNNER_ARCH", "X64".to_owned()),
        ]
        .into_iter()
        .map(|(name, value)| (name.to_owned(), value))
        .collect();
        if let Some(action) = &frame.action {
            variables.insert("GITHUB_ACTION_PATH".to_owned(), text(action.clone()));
        }
        variables.extend(repository.variables.clone());
        variables.extend(self.variables.clone());
        variables
    }
}

/// The joint result of all combinations of a job.
pub fn result(jobs: &[Job]) -> &'static str {
    let of = |wanted: &str| {
        jobs.iter()
            .map(|job| job.result)
            .find(|result| *result == wanted)
    };
    of("failure")
        .or(of("cancelled"))
        .or(of("success"))
        .unwrap_or("skipped")
}

/// The outputs of all combinations of a job: an empty one takes the place of none.
fn outputs(jobs: &[Job]) -> Json {
    let mut merged = Map::new();
    let all = jobs.iter().filter_map(|job| job.outputs.as_object());
    for (name, value) in all.flatten() {
        if value.as_str() != Some("") || !merged.contains_key(name) {
            merged.insert(name.clone(), value.clone());
        }
    }
    merged.into()
}

/// The inputs that a workflow is given, or has by default.
fn inputs(workflow: &Json, event: &Event) -> Json {
    let trigger = match event.name {
        "workflow_dispatch" => "workflow_dispatch",
        _ if event.inputs.is_object() => "workflow_call",
        _ => return json!({}),
    };
    let declared = workflow["on"][trigger]["inputs"].as_object();
    let mut inputs = Map::new();
    for (name, input) in declared.into_iter().flatten() {
        inputs.insert(name.clone(), input["default"].clone());
    }
    for (name, value) in event.inputs.as_object().into_iter().flatten() {
        assert!(inputs.contains_key(name), "{trigger} has no input `{name}`");
        inputs.insert(name.clone(), value.clone());
    }
    inputs.into()
}

fn names(value: &Json) -> Vec<String> {
    match value {
        Json::String(name) => vec![name.clone()],
        Json::Array(names) => names.iter().map(as_text).collect(),
        _ => Vec::new(),
    }
}

/// All jobs that have to end before it.
fn ancestors(job: &Json, jobs: &Map<String, Json>) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    let mut open = names(&job["needs"]);
    while let Some(name) = open.pop() {
        open.extend(names(&jobs[&name]["needs"]));
        found.insert(name);
    }
    found
}

/// The permissions of a job: its own, or those that the workflow gives to all.
fn permissions(workflow: &Json, job: &Json) -> BTreeMap<String, String> {
    let stated = job.get("permissions").or(workflow.get("permissions"));
    let stated = stated
        .and_then(Json::as_object)
        .expect("permissions are stated one by one");
    stated
        .iter()
        .map(|(name, level)| (name.clone(), as_text(level)))
        .collect()
}

/// The permissions to write of a job's token. One of a pull request from a fork can only read.
fn may_write(workflow: &Json, job: &Json, event: &Event) -> Vec<String> {
    let head = event.payload.pointer("/pull_request/head/repo/full_name");
    if head.is_some_and(|head| head != REPOSITORY) {
        return Vec::new();
    }
    let permissions = permissions(workflow, job).into_iter();
    permissions
        .filter(|(_, level)| level == "write")
        .map(|(name, _)| name)
        .collect()
}

/// Every combination of a matrix that has one dimension, or lists them.
fn combinations(matrix: &Json) -> Vec<Json> {
    let dimensions = matrix.as_object().expect("a matrix has dimensions");
    let (name, values) = dimensions.iter().next().expect("a matrix has a dimension");
    assert_eq!(dimensions.len(), 1, "not known here: {matrix}");
    let values = values.as_array().expect("a dimension is a list").iter();
    match name.as_str() {
        "include" => values.cloned().collect(),
        name => values.map(|value| json!({ name: value })).collect(),
    }
}

/// Values as texts: everything that is handed on is text.
fn texts(values: &Json) -> Json {
    let values = values.as_object().into_iter().flatten();
    values
        .map(|(name, value)| (name.clone(), Json::from(as_text(value))))
        .collect::<Map<_, _>>()
        .into()
}

/// A file of outputs or of variables: `name=value`, and `name<<end` with lines up to that.
fn assignments(text: &str) -> BTreeMap<String, String> {
    let mut found = BTreeMap::new();
    let mut lines = text.lines();
    while let Some(line) = lines.next() {
        let heredoc = line
            .split_once("<<")
            .filter(|(name, _)| !name.contains('='));
        if let Some((name, end)) = heredoc {
            let value: Vec<&str> = lines.by_ref().take_while(|line| *line != end).collect();
            found.insert(name.to_owned(), value.join("\n"));
        } else {
            let (name, value) = line
                .split_once('=')
                .unwrap_or_else(|| panic!("`{line}` is no assignment"));
            found.insert(name.to_owned(), value.to_owned());
        }
    }
    found
}
