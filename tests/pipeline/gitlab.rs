//! The pipeline for GitLab of `docs/ci.md`, run as it stands there: stage by stage, with the variables and artifacts
//! that GitLab hands on, against a local account and a stand-in for GitLab's notes. What is installed before a script is
//! not.

use std::collections::BTreeMap;
use std::fs;
use std::io::Write;
use std::net::TcpListener;
use std::path::Path;
use std::process::Command;
use std::sync::{Arc, Mutex, PoisonError};

use serde_json::{Map, Value as Json, json};

use super::deploy::{by_digest, health, image, pinned, platform, running};
use super::github::Request;
use super::images::smuggled;
use super::repository::project;
use super::runner::{Repository, git};

const ME: usize = 1;
const TOKEN: &str = "glpat-test";

/// A note on the merge request: who wrote it, and what.
type Note = (usize, String);

/// GitLab's API, as far as notes go.
struct Gitlab {
    url: String,
    notes: Arc<Mutex<Vec<Note>>>,
}

impl Gitlab {
    fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("there is a free port");
        let url = format!("http://{}", listener.local_addr().expect("a port"));
        let notes = Arc::new(Mutex::new(Vec::new()));
        let kept = Arc::clone(&notes);
        std::thread::spawn(move || {
            for client in listener.incoming() {
                let mut client = client.expect("a client is connected");
                let Ok(request) = Request::read(&client) else {
                    continue;
                };
                let mut notes = kept.lock().unwrap_or_else(PoisonError::into_inner);
                let (status, body) = answer(&request, &mut notes);
                let head = format!(
                    "HTTP/1.1 {status} Answer\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{body}",
                    body.len()
                );
                drop(client.write_all(head.as_bytes()));
            }
        });
        Self { url, notes }
    }

    fn notes(&self) -> Vec<Note> {
        let notes = self.notes.lock();
        notes.unwrap_or_else(PoisonError::into_inner).clone()
    }
}

fn answer(request: &Request, notes: &mut Vec<Note>) -> (u16, String) {
    let body = || {
        let text = String::from_utf8_lossy(&request.body).into_owned();
        let text = text
            .strip_prefix("body=")
            .expect("a body")
            .replace('+', " ");
        let decoded = percent_encoding::percent_decode_str(&text).decode_utf8_lossy();
        decoded.into_owned()
    };
    let parts: Vec<&str> = request.path.trim_start_matches('/').split('/').collect();
    match (request.method.as_str(), &parts[..]) {
        _ if request.token != TOKEN => (401, "{}".to_owned()),
        ("GET", ["user"]) => (200, json!({ "id": ME }).to_string()),
        ("GET", ["projects", "5", "merge_requests", "7", "notes"]) => {
            let all = notes.iter().enumerate();
            let all = all.map(|(id, (author, body))| {
                json!({ "id": id, "author": { "id": author }, "body": body })
            });
            (200, request.page(all.collect()).to_string())
        }
        ("POST", ["projects", "5", "merge_requests", "7", "notes"]) => {
            notes.push((ME, body()));
            (201, "{}".to_owned())
        }
        ("PUT", ["projects", "5", "merge_requests", "7", "notes", id]) => {
            let note = &mut notes[id.parse::<usize>().expect("a number")];
            assert_eq!(note.0, ME, "a note of another");
            note.1 = body();
            (200, "{}".to_owned())
        }
        _ => (404, "{}".to_owned()),
    }
}

/// The pipeline file of the page.
fn file() -> Map<String, Json> {
    let text = fs::read_to_string(project("docs/ci.md")).expect("the page is readable");
    let (_, block) = text
        .split_once("```yaml\n# .gitlab-ci.yml\n")
        .expect("a block");
    let (block, _) = block.split_once("\n```").expect("it ends");
    let file: Json = serde_yaml::from_str(block).expect("YAML");
    file.as_object().expect("a map").clone()
}

/// Maps are merged key by key; of anything else the later counts.
fn merge(into: &mut Json, other: &Json) {
    match (into, other) {
        (Json::Object(into), Json::Object(other)) => {
            for (key, value) in other {
                merge(into.entry(key).or_insert(Json::Null), value);
            }
        }
        (into, other) => *into = other.clone(),
    }
}

/// A job with what it extends.
fn resolved(file: &Map<String, Json>, name: &str) -> Json {
    let own = &file[name];
    let mut job = json!({});
    let bases = match &own["extends"] {
        Json::String(one) => vec![one.as_str()],
        Json::Array(many) => many.iter().filter_map(Json::as_str).collect(),
        _ => Vec::new(),
    };
    for base in bases {
        merge(&mut job, &resolved(file, base));
    }
    merge(&mut job, own);
    job
}

/// A text with its `$NAME`s replaced.
fn expanded(text: &str, variables: &BTreeMap<String, String>) -> String {
    let mut parts = text.split('$');
    let mut whole = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let end =
            part.find(|character: char| !character.is_ascii_alphanumeric() && character != '_');
        let (name, rest) = part.split_at(end.unwrap_or(part.len()));
        whole.push_str(variables.get(name).map_or("", String::as_str));
        whole.push_str(rest);
    }
    whole
}

/// Returns whether a condition of a rule holds: comparisons with `&&` and `||`.
fn holds(condition: &str, variables: &BTreeMap<String, String>) -> bool {
    let value = |word: &str| expanded(word.trim().trim_matches('"'), variables);
    condition.split("||").any(|all| {
        all.split("&&").all(|comparison| {
            let unequal = comparison.split_once("!=");
            let (left, right) = unequal
                .or(comparison.split_once("=="))
                .expect("a comparison");
            (value(left) == value(right)) != unequal.is_some()
        })
    })
}

struct Pipeline<'a> {
    repository: &'a Repository,
    gitlab: &'a Gitlab,
    /// The source of the pipeline, which says what kind it is.
    source: &'a str,
    health: &'a str,
    /// The job whose artifacts are replaced by something else.
    replaced: Option<&'a str>,
}

impl Pipeline<'_> {
    /// Runs it up to the first stage in which something failed or waits for a click that does not come: returns the names of
    /// the jobs that succeeded, and the output of the failed one.
    fn run(&self, clicked: &[&str]) -> (Vec<String>, Option<String>) {
        let file = file();
        let artifacts = self
            .repository
            .directory
            .join(format!("artifacts-{}", self.source));
        // Nothing comes from an earlier pipeline.
        drop(fs::remove_dir_all(&artifacts));
        fs::create_dir_all(&artifacts).expect("a directory");
        let mut done = Vec::new();
        for stage in file["stages"].as_array().expect("stages") {
            for name in file.keys().filter(|name| !name.starts_with('.')) {
                let job = resolved(&file, name);
                if job["stage"] != *stage {
                    continue;
                }
                let variables = self.variables(&file["variables"], &job["variables"]);
                let mut rules = job["rules"].as_array().expect("rules").iter();
                let Some(rule) =
                    rules.find(|rule| holds(rule["if"].as_str().expect("a condition"), &variables))
                else {
                    continue;
                };
                if rule["when"] == "manual" && !clicked.contains(&name.as_str()) {
                    return (done, None);
                }
                if let Err(said) = self.script(name, &job, &variables, &artifacts) {
                    return (done, Some(format!("{name}: {said}")));
                }
                if self.replaced == Some(name.as_str()) {
                    for file in fs::read_dir(artifacts.join(name)).expect("readable") {
                        fs::write(file.expect("an entry").path(), "{}").expect("written");
                    }
                }
                done.push(name.clone());
            }
        }
        (done, None)
    }

    fn variables(&self, global: &Json, own: &Json) -> BTreeMap<String, String> {
        let (branch, request) = match self.source {
            "merge_request_event" => ("", "7"),
            _ => ("main", ""),
        };
        let given = [
            ("CI", "true"),
            ("GITLAB_CI", "true"),
            ("CI_PIPELINE_SOURCE", self.source),
            ("CI_COMMIT_BRANCH", branch),
            ("CI_DEFAULT_BRANCH", "main"),
            ("CI_PIPELINE_ID", "4711"),
            ("CI_JOB_ID", "4712"),
            ("CI_PROJECT_ID", "5"),
            ("CI_MERGE_REQUEST_IID", request),
            ("CI_API_V4_URL", &self.gitlab.url),
            ("NOTE_TOKEN", TOKEN),
            ("HEALTH_URL", self.health),
        ];
        let mut variables: BTreeMap<String, String> = given
            .into_iter()
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .collect();
        for declared in [global, own] {
            for (name, value) in declared.as_object().into_iter().flatten() {
                let value = match value {
                    Json::String(text) => expanded(text, &variables),
                    other => other.to_string(),
                };
                variables.insert(name.clone(), value);
            }
        }
        variables
    }

    fn script(
        &self,
        name: &str,
        job: &Json,
        variables: &BTreeMap<String, String>,
        artifacts: &Path,
    ) -> Result<(), String> {
        let directory = &self.repository.directory;
        let workspace = directory.join(format!("{}-{name}", self.source));
        drop(fs::remove_dir_all(&workspace));
        let origin = format!("file://{}", directory.join("origin").display());
        let clone = workspace.to_string_lossy().into_owned();
        git(directory, &["clone", "--quiet", &origin, &clone]);
        let mut variables = variables.clone();
        // Only of the jobs that it names: of others a job would take what they have put in the place of theirs.
        let dependencies = job["dependencies"].as_array();
        for of in dependencies.into_iter().flatten().filter_map(Json::as_str) {
            for file in fs::read_dir(artifacts.join(of)).expect("readable") {
                let file = file.expect("an entry");
                fs::copy(file.path(), workspace.join(file.file_name())).expect("copied");
            }
            let reported = fs::read_to_string(artifacts.join(format!("{of}.env")));
            for line in reported.unwrap_or_default().lines() {
                let (key, value) = line.split_once('=').expect("an assignment");
                variables.insert(key.to_owned(), value.to_owned());
            }
        }
        let lines = job["script"].as_array().expect("a script").iter();
        let lines: Vec<&str> = lines.map(|line| line.as_str().expect("a line")).collect();
        let path = std::env::var("PATH").unwrap_or_default();
        let output = Command::new("sh")
            .args(["-e", "-c", &lines.join("\n")])
            .current_dir(&workspace)
            .env_clear()
            .envs(&self.repository.variables)
            .envs(&variables)
            .env(
                "PATH",
                format!("{}:{path}", directory.join("bin").display()),
            )
            .env("HOME", directory.join("home"))
            .output()
            .expect("sh runs");
        let said = [output.stdout, output.stderr].concat();
        if !output.status.success() {
            return Err(String::from_utf8_lossy(&said).into_owned());
        }
        let own = artifacts.join(name);
        fs::create_dir_all(&own).expect("a directory");
        for path in job
            .pointer("/artifacts/paths")
            .and_then(Json::as_array)
            .into_iter()
            .flatten()
        {
            let name = expanded(path.as_str().expect("a path"), &variables);
            fs::copy(workspace.join(&name), own.join(&name)).expect("the artifact is there");
        }
        let report = job.pointer("/artifacts/reports/dotenv");
        if let Some(report) = report.and_then(Json::as_str) {
            let to = artifacts.join(format!("{name}.env"));
            fs::copy(workspace.join(report), to).expect("the report is there");
        }
        Ok(())
    }
}

/// In a role that a token was traded for, so to speak.
const PROGRAM: &str = "#!/usr/bin/env bash\nexport AWS_ACCESS_KEY_ID=${AWS_ROLE_ARN//[:\\/]/-} AWS_SECRET_ACCESS_KEY=test\n\
                       unset AWS_ROLE_ARN AWS_WEB_IDENTITY_TOKEN_FILE\nexec \"${0%/*}/built\" \"$@\"\n";

#[test]
fn a_plan_that_is_replaced_between_jobs_is_refused() {
    let repository = platform("gitreplaced");
    repository.script("fde-infra", PROGRAM);
    let gitlab = Gitlab::start();
    let pipeline = Pipeline {
        repository: &repository,
        gitlab: &gitlab,
        source: "push",
        health: "http://127.0.0.1:9/",
        replaced: Some("plan"),
    };
    let (done, said) = pipeline.run(&[]);
    assert_eq!(done.last().map(String::as_str), Some("plan"));
    let said = said.expect("it is refused");
    assert!(said.starts_with("staging: "), "{said}");
    assert!(said.contains("staging.json: FAILED"), "{said}");
    assert_eq!(repository.account.clusters(), [] as [&str; 0]);
}

#[test]
fn a_tag_that_is_there_before_the_image_is_built_is_not_deployed() {
    let repository = platform("gitsmuggled");
    repository.script("fde-infra", PROGRAM);
    let gitlab = Gitlab::start();
    let health = health(&[200]);
    let pipeline = Pipeline {
        repository: &repository,
        gitlab: &gitlab,
        source: "push",
        health: &health,
        replaced: None,
    };
    assert_eq!(pipeline.run(&[]).1, None);
    let first = running(&repository, "staging");
    repository.commit("Faster", &[("api/Dockerfile", "FROM python:3.13\n")]);
    let theirs = smuggled(&repository, &image(&repository, "staging", "api"));
    assert_eq!(pinned(&repository, "staging", "api"), theirs);
    assert_eq!(pipeline.run(&[]).1, None);
    let second = running(&repository, "staging");
    assert!(
        second["api"] != theirs && second["api"] != first["api"],
        "{second:?}"
    );
    let ours = format!("{}-4712", image(&repository, "staging", "api"));
    assert_eq!(second["api"], by_digest(&repository, &ours));
    assert_eq!(second["web"], first["web"]);
}

/// A job without it takes the artifacts of all jobs before, those of the tests among them.
#[test]
fn every_job_names_whose_artifacts_it_takes() {
    let file = file();
    let jobs = file
        .keys()
        .filter(|name| file[*name]["stage"].is_string() && !name.starts_with("test-"));
    for name in jobs {
        let job = resolved(&file, name);
        assert!(job["dependencies"].is_array(), "{name}: {job}");
    }
}

#[test]
fn the_pipeline_of_the_documents_goes_all_the_way() {
    let repository = platform("gitlab");
    repository.script("fde-infra", PROGRAM);
    let gitlab = Gitlab::start();
    let health = health(&[200]);
    let pipeline = |source| Pipeline {
        repository: &repository,
        gitlab: &gitlab,
        source,
        health: &health,
        replaced: None,
    };
    let account = &repository.account;
    let (previewer, reader, production) = (
        "arn-aws-iam--123456789012-role-fde-infra-preview-staging",
        "arn-aws-iam--123456789012-role-fde-infra-read-staging",
        "arn-aws-iam--210987654321-role-fde-infra-deploy-prod",
    );

    // Others can write the marker, too; the note that is ours is edited, and nothing is changed.
    let marker = "<!-- fde-infra: staging -->\n";
    let mallory = (ME + 1, marker.to_owned());
    gitlab
        .notes
        .lock()
        .expect("nobody panicked")
        .push(mallory.clone());
    for _ in 0..2 {
        let ran = pipeline("merge_request_event").run(&[]);
        let expected = ["test-api", "test-web", "merge-request"].map(str::to_owned);
        assert_eq!(ran, (expected.to_vec(), None));
        let notes = gitlab.notes();
        assert_eq!((notes.len(), &notes[0]), (2, &mallory));
        assert!(notes[1].1.starts_with(marker), "{}", &notes[1].1[..200]);
        assert!(
            notes[1].1.contains("### Preview: `gitlab-fde/staging`"),
            "{}",
            &notes[1].1[..200]
        );
    }
    assert!(account.calls(previewer) > 0);
    assert_eq!(account.mutating(previewer), [] as [&str; 0]);
    assert_eq!(account.calls(reader), 0);

    // Staging follows by itself, and production waits.
    let by_itself = [
        "test-api", "test-web", "images", "plan", "staging", "verify",
    ]
    .map(str::to_owned);
    let push = pipeline("push");
    assert_eq!(push.run(&[]), (by_itself.to_vec(), None));
    let first = running(&repository, "staging");
    for folder in ["api", "web"] {
        assert_eq!(first[folder], pinned(&repository, "staging", folder));
    }
    assert_eq!(account.mutating(production), [] as [&str; 0]);

    // Once more, and there is nothing to build; one click brings the images, the other the plan.
    let built = || {
        let calls = repository.calls();
        calls
            .iter()
            .filter(|call| call.starts_with("docker buildx build"))
            .count()
    };
    assert_eq!(built(), 2);
    let (done, said) = push.run(&["promote"]);
    assert_eq!(said, None);
    assert_eq!(done.last().map(String::as_str), Some("plan-production"));
    assert_eq!((built(), account.clusters().len()), (2, 1));
    let (done, said) = push.run(&["promote", "production"]);
    assert_eq!(said, None);
    assert_eq!(done.last().map(String::as_str), Some("verify-production"));
    let promoted = running(&repository, "prod");
    for folder in ["api", "web"] {
        assert_eq!(promoted[folder], pinned(&repository, "prod", folder));
        assert_eq!(
            account.manifest(&image(&repository, "prod", folder)),
            account.manifest(&image(&repository, "staging", folder))
        );
    }
    assert_eq!(account.mutating(reader), [] as [&str; 0]);

    // In the night it is as its file says.
    assert_eq!(
        pipeline("schedule").run(&[]),
        (vec!["drift".to_owned()], None)
    );

    // A test that fails ends it.
    repository.fail("pytest");
    let (done, said) = push.run(&[]);
    assert_eq!((done, said.is_some()), (vec![], true));
}
