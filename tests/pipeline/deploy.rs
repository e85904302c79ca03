//! The path of a change: from a pull request to the running services, and on to production.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{Read, Write};
use std::net::TcpListener;
use std::sync::OnceLock;

use serde_json::{Value as Json, json};

use super::repository::project;
use super::runner::{Event, Job, Repository, git, result};

const DEPLOYER: &str = "arn:aws:iam::123456789012:role/deployer";
const READER: &str = "arn:aws:iam::123456789012:role/reader";
const PREVIEWER: &str = "arn:aws:iam::123456789012:role/previewer";

/// A stack of this project, under the name of the test's own.
fn stack(file: &str, name: &str) -> String {
    let text = std::fs::read_to_string(project(&format!("stacks/{file}.yaml"))).expect("readable");
    let text = text.replace("happyrobot", name).replace("HappyRobot", name);
    text.replace("/aws/ecs/", &format!("/aws/{name}/"))
}

/// The platform: two folders with what is built, and their stacks.
pub fn platform(name: &str) -> Repository {
    platform_of(name, |file| stack(file, name))
}

/// Like [`platform`], with repositories in which every tag can be moved.
pub fn platform_with_mutable_tags(name: &str) -> Repository {
    platform_of(name, |file| {
        let text = stack(file, name);
        let own = "    repository: ";
        let mutable = text.replace(own, &format!("    imageTags: mutable\n{own}"));
        assert_ne!(mutable, text);
        mutable
    })
}

fn platform_of(name: &str, stack: impl Fn(&str) -> String) -> Repository {
    let mut repository = Repository::new(
        name,
        &[
            ("stacks/staging.yaml", &stack("staging")),
            ("stacks/prod.yaml", &stack("prod")),
            ("api/Dockerfile", "FROM python:3.12\n"),
            ("api/requirements.txt", "fastapi\n"),
            ("web/Dockerfile", "FROM node:22\n"),
        ],
    );
    repository.vars = json!({
        "AWS_ROLE_STAGING": DEPLOYER, "AWS_PREVIEW_ROLE_STAGING": PREVIEWER, "AWS_READ_ROLE_STAGING": READER,
        "AWS_ROLE_PROD": DEPLOYER, "AWS_READ_ROLE_PROD": READER,
    });
    // As `docs/ci.md` has it: no branch is enough for the role that deploys.
    let main = "refs/heads/main";
    let staging = ("repo:happyrobot/platform:environment:staging", main);
    let production = ("repo:happyrobot/platform:environment:production", main);
    let branch = ("repo:happyrobot/platform:ref:refs/heads/main", main);
    let request = ("repo:happyrobot/platform:pull_request", "refs/pull/7/merge");
    repository.trust = BTreeMap::from([
        (DEPLOYER, vec![staging, production]),
        (READER, vec![branch, production]),
        (PREVIEWER, vec![request]),
    ]);
    repository
}

/// Answers with these statuses, one after the other, and with the last from then on.
pub fn health(statuses: &'static [u16]) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").expect("there is a free port");
    let url = format!(
        "http://{}/health",
        listener.local_addr().expect("the port is known")
    );
    std::thread::spawn(move || {
        let last = statuses.last().expect("a status");
        for (index, client) in listener.incoming().enumerate() {
            let mut client = client.expect("a client is connected");
            drop(client.read(&mut [0; 4096]));
            let status = statuses.get(index).unwrap_or(last);
            let answer = format!(
                "HTTP/1.1 {status} Answer\r\ncontent-length: 0\r\nconnection: close\r\n\r\n"
            );
            drop(client.write_all(answer.as_bytes()));
        }
    });
    url
}

/// The key under which the calls of a role are logged.
fn key(role: &str) -> String {
    role.replace([':', '/'], "-")
}

fn results(jobs: &BTreeMap<String, Vec<Job>>) -> BTreeMap<&str, &'static str> {
    jobs.iter()
        .map(|(name, jobs)| (name.as_str(), result(jobs)))
        .collect()
}

fn log(jobs: &BTreeMap<String, Vec<Job>>) -> String {
    let all = jobs
        .iter()
        .flat_map(|(name, jobs)| jobs.iter().map(move |job| (name, job)));
    all.map(|(name, job)| format!("──── {name}: {}\n{}\n", job.result, job.log))
        .collect()
}

/// The commit that last changed a folder.
pub fn commit(repository: &Repository, folder: &str) -> String {
    let origin = repository.directory.join("origin");
    git(&origin, &["log", "-1", "--format=%H", "--", folder])
}

/// The tag that a folder's image has: when and by which commit it was changed.
pub fn tag(repository: &Repository, folder: &str) -> String {
    let origin = repository.directory.join("origin");
    let commit = commit(repository, folder);
    let time = git(
        &origin,
        &[
            "log",
            "-1",
            "--format=%cd",
            "--date=format:%Y%m%d%H%M%S",
            &commit,
        ],
    );
    format!("{time}-{}", &commit[..12])
}

pub fn image(repository: &Repository, environment: &str, folder: &str) -> String {
    let name = &repository.name;
    let kind = if folder == "api" { "api" } else { "frontend" };
    let tag = tag(repository, folder);
    format!("123456789012.dkr.ecr.eu-south-2.amazonaws.com/{name}-{kind}-{environment}:{tag}")
}

/// The same by its digest, which is how it is deployed.
pub fn pinned(repository: &Repository, environment: &str, folder: &str) -> String {
    by_digest(repository, &image(repository, environment, folder))
}

/// An image with a tag, by its digest.
pub fn by_digest(repository: &Repository, image: &str) -> String {
    let (name, _) = image.rsplit_once(':').expect("a tag");
    let digest = repository.account.digest(image);
    format!("{name}@{}", digest.expect("the image is there"))
}

/// The images that the services of an environment run, by folder.
pub fn running(repository: &Repository, environment: &str) -> BTreeMap<&'static str, String> {
    let account = &repository.account;
    let clusters = account.clusters();
    let cluster = clusters
        .iter()
        .find(|arn| arn.contains(environment))
        .expect("there is a cluster");
    let services = account.services(cluster);
    let of = |kind: &str| {
        let service = services
            .iter()
            .find(|service| service.contains(kind))
            .expect("the service is there");
        account.running(cluster, service)
    };
    BTreeMap::from([("api", of("api")), ("web", of("web"))])
}

/// The scripts that this story runs.
pub fn told() -> &'static BTreeSet<String> {
    static TOLD: OnceLock<BTreeSet<String>> = OnceLock::new();
    TOLD.get_or_init(|| {
        let mut repository = platform("way");
        repository.vars["HEALTH_URL_PROD"] = Json::from(health(&[200]));
        let (caller, reader) = (key(DEPLOYER), key(READER));
        let mutating = || repository.account.mutating(&caller);

        // A pull request: a comment, by a role that reads, and nothing else.
        let jobs = repository.workflow("deploy.yml", &Event::pull_request(7));
        let expected = BTreeMap::from([
            ("scope", "success"),
            ("test-api", "success"),
            ("test-web", "success"),
            ("pull-request", "success"),
            ("tested", "skipped"),
            ("repositories", "skipped"),
            ("images", "skipped"),
            ("preview", "skipped"),
            ("deploy", "skipped"),
            ("verify", "skipped"),
            ("verified", "skipped"),
        ]);
        assert_eq!(results(&jobs), expected, "{}", log(&jobs));
        let [comment] = &repository.github.comments(7)[..] else {
            panic!("{}", log(&jobs))
        };
        assert!(
            comment.body.contains("### Preview: `way-fde/staging`"),
            "{}",
            comment.body
        );
        assert_eq!(mutating(), [] as [&str; 0]);
        assert_eq!(repository.account.calls(&reader), 0);
        let previewer = key(PREVIEWER);
        assert!(repository.account.calls(&previewer) > 0);
        assert_eq!(repository.account.mutating(&previewer), [] as [&str; 0]);
        let tests: Vec<String> = repository
            .calls()
            .into_iter()
            .filter(|call| !call.starts_with("gh "))
            .collect();
        let tools = project(".github/actions/python-tools/requirements.txt");
        let tools = format!(
            "python -m pip install --require-hashes --no-deps --only-binary :all: --requirement {}",
            tools.display()
        );
        let expected = [
            "npm ci",
            "npx --no-install eslint .",
            "npx --no-install jest --ci",
            "npx --no-install tsc --noEmit",
            "python -m mypy .",
            "python -m pip install --requirement requirements.txt",
            tools.as_str(),
            "python -m pytest",
            "python -m ruff check .",
        ];
        assert_eq!(
            tests.iter().map(String::as_str).collect::<BTreeSet<_>>(),
            BTreeSet::from(expected)
        );

        // It is merged: the images are built, the plan is saved and applied, and what runs is asked until it works.
        let (works, sick) = (health(&[503, 200]), health(&[500]));
        let asking = |url: &str, attempts: usize| {
            let inputs =
                json!({ "health-url": url, "health-attempts": attempts, "health-pause": 0 });
            repository.workflow("deploy.yml", &Event::push().called(inputs))
        };
        let push = || asking(&works, 30);
        let jobs = push();
        let deployed = BTreeMap::from([
            ("scope", "success"),
            ("test-api", "success"),
            ("test-web", "success"),
            ("pull-request", "skipped"),
            ("tested", "skipped"),
            ("repositories", "success"),
            ("images", "success"),
            ("preview", "success"),
            ("deploy", "success"),
            ("verify", "success"),
            ("verified", "success"),
        ]);
        assert_eq!(results(&jobs), deployed, "{}", log(&jobs));
        let steps = ["repositories", "images", "images", "deploy", "verified"];
        assert_eq!(
            *repository.asked.borrow(),
            steps.map(|job| format!("{job}: staging"))
        );
        let first = running(&repository, "staging");
        for folder in ["api", "web"] {
            assert_eq!(first[folder], pinned(&repository, "staging", folder));
        }
        assert!(jobs["deploy"][0].log.contains("Outputs"), "{}", log(&jobs));
        assert!(
            jobs["deploy"][0].outputs["host"]
                .as_str()
                .is_some_and(|host| host.contains(".elb.")),
            "{jobs:?}"
        );
        assert!(
            jobs["verify"][0].log.contains("Attempt 1 of 30: "),
            "{}",
            log(&jobs)
        );

        let marked = |folder: &str| {
            let image = image(&repository, "staging", folder);
            let (name, tag) = image.rsplit_once(':').expect("a tag");
            let mark = format!("{name}:verified-{tag}");
            let found = repository.account.manifest(&mark);
            found.is_some() && found == repository.account.manifest(&image)
        };
        assert!(marked("api") && marked("web"), "{}", log(&jobs));

        // Nothing of it has changed: nothing is built or deployed, and what runs is asked again.
        repository.commit("Describe", &[("README.md", "The platform.\n")]);
        let (before, pushed) = (mutating().len(), log(&jobs).matches("pushed ").count());
        let jobs = push();
        let mut nothing = deployed.clone();
        nothing.insert("deploy", "skipped");
        assert_eq!(results(&jobs), nothing, "{}", log(&jobs));
        let host = jobs["preview"][0].outputs["host"].as_str();
        assert!(host.is_some_and(|host| host.contains(".elb.")), "{jobs:?}");
        assert_eq!((pushed, log(&jobs).matches("pushed ").count()), (2, 0));
        assert_eq!(mutating()[before..], [] as [&str; 0]);
        assert_eq!(running(&repository, "staging"), first);

        // One of two has changed: the other runs on.
        repository.commit("Faster", &[("api/Dockerfile", "FROM python:3.13\n")]);
        let jobs = asking(&sick, 1);
        let failed = [("verify", "failure"), ("verified", "skipped")];
        let mut unhealthy = deployed.clone();
        unhealthy.extend(failed);
        assert_eq!(results(&jobs), unhealthy, "{}", log(&jobs));
        let second = running(&repository, "staging");
        assert_eq!(second["api"], pinned(&repository, "staging", "api"));
        assert_ne!(second["api"], first["api"]);
        assert_eq!(second["web"], first["web"]);

        // It does not answer, and does not do so either when the run is repeated and finds nothing to deploy. Production
        // does not take it, and no one is asked.
        let jobs = asking(&sick, 1);
        nothing.extend(failed);
        assert_eq!(results(&jobs), nothing, "{}", log(&jobs));
        assert!(!marked("api"), "{}", log(&jobs));
        let promote = || {
            repository.asked.borrow_mut().clear();
            repository.workflow("deploy.yml", &Event::dispatch(json!({ "stack": "prod" })))
        };
        let jobs = promote();
        assert_eq!(result(&jobs["tested"]), "failure", "{}", log(&jobs));
        let expected = format!(
            "::error title=Not verified::staging has no image verified-{} of api, and production runs what ran and answered there",
            tag(&repository, "api")
        );
        assert!(jobs["tested"][0].log.contains(&expected), "{}", log(&jobs));
        assert_eq!(*repository.asked.borrow(), [] as [&str; 0]);

        // At last it answers.
        let jobs = push();
        nothing.extend([("verify", "success"), ("verified", "success")]);
        assert_eq!(results(&jobs), nothing, "{}", log(&jobs));
        assert!(marked("api"), "{}", log(&jobs));

        // Production takes what ran in staging, when a person approves: before images go there, and before it is deployed.
        // Staging is read with its own role.
        let (before, logins) = (repository.account.calls(&reader), repository.logins().len());
        let jobs = promote();
        let mut promoted = deployed.clone();
        promoted.extend([
            ("tested", "success"),
            ("images", "skipped"),
            ("verified", "skipped"),
        ]);
        assert_eq!(results(&jobs), promoted, "{}", log(&jobs));
        assert_eq!(
            *repository.asked.borrow(),
            ["repositories: production", "deploy: production"]
        );
        assert!(repository.account.calls(&reader) > before);
        let [reading, writing] = [&reader, &caller].map(|key| format!("login to eu-south-2 as {key}"));
        assert_eq!(
            repository.logins()[logins..],
            [reading.clone(), reading, writing]
        );
        assert!(!log(&jobs).contains("pushed "), "{}", log(&jobs));
        let production = running(&repository, "prod");
        for folder in ["api", "web"] {
            let (tested, promoted) = (
                image(&repository, "staging", folder),
                image(&repository, "prod", folder),
            );
            assert_eq!(production[folder], pinned(&repository, "prod", folder));
            assert_eq!(
                repository.account.manifest(&promoted),
                repository.account.manifest(&tested)
            );
        }
        repository.told()
    })
}

#[test]
fn from_a_pull_request_to_what_runs() {
    told();
}

/// The annotation that a run of the workflow ends with.
fn annotation(repository: &Repository, event: &Event) -> (&'static str, String) {
    let jobs = repository.workflow("deploy.yml", event);
    let all = log(&jobs);
    let said = all
        .lines()
        .find(|line| line.starts_with("::error") || line.starts_with("::notice"));
    for job in ["repositories", "images", "preview", "deploy"] {
        assert_eq!(result(&jobs[job]), "skipped", "{all}");
    }
    let failed = results(&jobs).values().any(|result| *result == "failure");
    let result = if failed { "failure" } else { "success" };
    (result, said.unwrap_or_default().to_owned())
}

#[test]
fn what_must_not_be_deployed_is_not() {
    let mut repository = platform("guard");
    let prod = || Event::dispatch(json!({ "stack": "prod" }));
    let at = |event: Event, reference: &str| Event {
        reference: reference.to_owned(),
        ..event
    };
    let staging = || Event::dispatch(json!({ "stack": "staging" }));
    let mut bot = Event::pull_request(7);
    bot.payload["pull_request"]["user"]["login"] = json!("dependabot[bot]");
    for (event, result, expected) in [
        (
            Event::push().called(json!({ "stack": "prod" })),
            "failure",
            "production is deployed by hand",
        ),
        (
            at(prod(), "refs/heads/feature"),
            "failure",
            "prod is deployed from the branch main alone",
        ),
        // The tag has the name of the branch.
        (
            at(prod(), "refs/tags/main"),
            "failure",
            "prod is deployed from the branch main alone",
        ),
        (
            at(staging(), "refs/heads/feature"),
            "failure",
            "staging is deployed from the branch main alone",
        ),
        (
            at(Event::push(), "refs/heads/feature"),
            "success",
            "staging is deployed from the branch main alone",
        ),
        (
            at(Event::push(), "refs/tags/main"),
            "success",
            "staging is deployed from the branch main alone",
        ),
        (
            Event::schedule(),
            "success",
            "a push to main and Run workflow deploy; schedule does not",
        ),
        (
            Event::dispatch(json!({ "stack": "prod", "promote-from": "a b" })),
            "failure",
            "promote-from has to be the name of a file in stacks/",
        ),
        (
            Event::dispatch(json!({ "stack": "prod-eu" })),
            "failure",
            "prod-eu has no environment",
        ),
        (
            Event::dispatch(json!({ "stack": "../x" })),
            "failure",
            "the name of a file in stacks/",
        ),
        (
            Event::push().called(json!({ "api": "-x" })),
            "failure",
            "the folder of api has a name that cannot be",
        ),
        (
            Event::pull_request_from(7, "mallory/platform"),
            "success",
            "or the pull request is from a fork",
        ),
        (bot, "success", "or from Dependabot"),
    ] {
        let (ended, said) = annotation(&repository, &event);
        assert_eq!(ended, result, "{said}");
        assert!(said.contains(expected), "{said}");
    }
    repository.vars = json!({});
    let (ended, said) = annotation(&repository, &Event::push());
    assert!(
        ended == "success" && said.contains("neither a role for staging is set nor access keys"),
        "{said}"
    );
    let (ended, said) = annotation(&repository, &prod());
    assert!(
        ended == "failure" && said.contains("neither a role for prod is set nor access keys"),
        "{said}"
    );
    assert_eq!(repository.github.comments(7).len(), 0);
}

#[test]
fn access_keys_do_where_there_are_no_roles() {
    let mut repository = platform("keys");
    repository.vars = json!({});
    repository.secrets =
        json!({ "AWS_ACCESS_KEY_ID": "AKIAKEYS", "AWS_SECRET_ACCESS_KEY": "test" });
    let jobs = repository.workflow("deploy.yml", &Event::pull_request(7));
    assert_eq!(result(&jobs["pull-request"]), "success", "{}", log(&jobs));
    assert_eq!(repository.github.comments(7).len(), 1);
}

#[test]
fn a_failing_test_stops_the_deployment() {
    let repository = platform("red");
    repository.fail("python");
    let jobs = repository.workflow("deploy.yml", &Event::push());
    assert_eq!(result(&jobs["test-api"]), "failure");
    for job in ["repositories", "images", "preview", "deploy", "verify"] {
        assert_eq!(result(&jobs[job]), "skipped", "{}", log(&jobs));
    }
}

#[test]
fn what_does_not_end_in_time_is_not_deployed() {
    for test in ["test-api", "test-web"] {
        let mut repository = platform("slow");
        repository.too_slow = vec![test];
        let jobs = repository.workflow("deploy.yml", &Event::push());
        assert_eq!(result(&jobs[test]), "cancelled");
        for job in ["repositories", "images", "preview", "deploy", "verify"] {
            assert_eq!(result(&jobs[job]), "skipped", "{}", log(&jobs));
        }
    }
}

#[test]
fn nothing_is_written_to_production_before_a_yes() {
    let mut repository = platform("refused");
    repository.refused = Some("production");
    let event = Event::dispatch(json!({ "stack": "prod", "promote-from": "" }));
    let jobs = repository.workflow("deploy.yml", &event);
    assert_eq!(result(&jobs["repositories"]), "failure", "{}", log(&jobs));
    for job in ["images", "preview", "deploy", "verify", "verified"] {
        assert_eq!(result(&jobs[job]), "skipped", "{}", log(&jobs));
    }
    assert_eq!(*repository.asked.borrow(), ["repositories: production"]);
    assert_eq!(repository.account.mutating(&key(DEPLOYER)), [] as [&str; 0]);
    assert!(!log(&jobs).contains("pushed "), "{}", log(&jobs));
}

#[test]
fn a_stack_has_variables_of_its_own() {
    let mut repository = Repository::new("names", &[]);
    repository.vars = json!({
        "OF_OTHERS": "not for logs", "AWS_ROLE_OTHER": "of another stack",
        "AWS_ROLE_MY_STACK": DEPLOYER, "AWS_PREVIEW_ROLE_MY_STACK": READER, "AWS_REGION": "eu-west-1",
        "AWS_REGION_MY_STACK": "eu-central-1", "HEALTH_URL_MY_STACK": "https://example.com/",
    });
    let scope = |repository: &Repository, inputs: Json| {
        let event = Event::pull_request_from(7, "mallory/platform");
        let jobs = repository.workflow("deploy.yml", &event.called(inputs));
        let outputs = &jobs["scope"][0].outputs;
        ["role", "preview-role", "region", "health-url"]
            .map(|name| outputs[name].as_str().expect("a text").to_owned())
    };
    assert_eq!(
        scope(&repository, json!({ "stack": "my-stack" })),
        [DEPLOYER, READER, "eu-central-1", "https://example.com/"]
    );
    // GitHub prints what a step has in its environment.
    for secret in ["not for logs", "of another stack"] {
        let shown = repository.shown.borrow();
        assert!(!shown.iter().any(|line| line.contains(secret)), "{shown:?}");
    }
    let of_all = ["of another stack", "", "eu-west-1", ""];
    assert_eq!(scope(&repository, json!({ "stack": "other" })), of_all);
    let given = json!({
        "stack": "my-stack", "role-to-assume": "a", "preview-role-to-assume": "b", "aws-region": "c", "health-url": "d",
    });
    assert_eq!(scope(&repository, given), ["a", "b", "c", "d"]);
    repository.vars = json!({});
    let none = ["", "", "eu-south-2", ""];
    assert_eq!(scope(&repository, json!({ "stack": "other" })), none);
}

#[test]
fn production_does_not_run_what_staging_has_not() {
    let repository = platform("untested");
    let jobs = repository.workflow("deploy.yml", &Event::dispatch(json!({ "stack": "prod" })));
    // Staging is not there at all.
    assert_eq!(result(&jobs["deploy"]), "skipped", "{}", log(&jobs));
    assert!(
        results(&jobs).values().any(|result| *result == "failure"),
        "{}",
        log(&jobs)
    );
    assert_eq!(repository.account.clusters(), [] as [&str; 0]);
    assert_eq!(*repository.asked.borrow(), [] as [&str; 0]);
}

/// The job that verifies, alone.
fn verify(repository: &Repository, inputs: &Json) -> Job {
    let mut workflow = super::runner::read(&project(".github/workflows/deploy.yml"));
    let mut verify = workflow["jobs"]["verify"].take();
    verify["needs"] = json!([]);
    verify["if"] = json!(true);
    verify["steps"][0]["env"]["URL"] = json!("${{ inputs.health-url }}");
    workflow["jobs"] = json!({ "verify": verify });
    let mut jobs = repository.run("a test", &workflow, &Event::push().called(inputs.clone()));
    jobs.remove("verify")
        .and_then(|mut jobs| jobs.pop())
        .expect("it ran")
}

#[test]
fn what_stays_unhealthy_is_said() {
    let repository = Repository::new("sick", &[]);
    let url = health(&[500]);
    let job = verify(
        &repository,
        &json!({ "health-url": url, "health-attempts": 3, "health-pause": 0 }),
    );
    assert_eq!(job.result, "failure");
    assert_eq!(job.log.matches("answers 500").count(), 3, "{}", job.log);
    let expected =
        format!("::error title=Not healthy::{url} answered 500 at the last of 3 attempts.");
    assert!(job.log.contains(&expected), "{}", job.log);
}
