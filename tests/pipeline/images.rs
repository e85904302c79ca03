//! A party that can push to ECR, and no more, does not decide what runs: neither in staging, by a tag that is there before
//! the image is built, nor in production, by a mark on another image.

use std::collections::BTreeMap;
use std::fs;

use serde_json::{Value as Json, json};

use super::deploy::{
    by_digest, commit, health, image, pinned, platform, platform_with_mutable_tags, running, tag,
};
use super::repository::project;
use super::runner::{Event, Job, Repository, read, result};

const DEPLOYER: &str = "arn:aws:iam::123456789012:role/deployer";

/// The label that names the commit from which an image is built.
const REVISION: &str = "org.opencontainers.image.revision";

fn push(repository: &Repository, health: &str) -> BTreeMap<String, Vec<Job>> {
    let inputs = json!({ "health-url": health, "health-attempts": 1, "health-pause": 0 });
    repository.workflow("deploy.yml", &Event::push().called(inputs))
}

fn promote(repository: &Repository) -> BTreeMap<String, Vec<Job>> {
    repository.asked.borrow_mut().clear();
    repository.workflow("deploy.yml", &Event::dispatch(json!({ "stack": "prod" })))
}

fn log(jobs: &BTreeMap<String, Vec<Job>>) -> String {
    jobs.values()
        .flatten()
        .map(|job| job.log.as_str())
        .collect::<Vec<_>>()
        .join("\n")
}

/// Pushes an image as a party that may push to ECR, and that knows which tag is looked for and how images are labelled.
/// Returns its address by digest.
pub fn smuggled(repository: &Repository, image: &str) -> String {
    let commit = commit(repository, "api");
    let labels = [(REVISION, commit.as_str())];
    let digest = repository.account.push(image, "not ours", &labels);
    let (name, _) = image.rsplit_once(':').expect("a tag");
    format!("{name}@{digest}")
}

/// The image with another tag, in its place.
fn tagged(image: &str, prefix: &str) -> String {
    let (name, tag) = image.rsplit_once(':').expect("a tag");
    format!("{name}:{prefix}{tag}")
}

#[test]
fn a_tag_that_is_there_before_the_image_is_built_is_not_deployed() {
    let repository = platform("smuggled");
    let works = health(&[200]);
    let jobs = push(&repository, &works);
    assert_eq!(result(&jobs["verified"]), "success", "{}", log(&jobs));
    let first = running(&repository, "staging");

    // The tag of the next commit is known as soon as there is that commit.
    repository.commit("Faster", &[("api/Dockerfile", "FROM python:3.13\n")]);
    let address = image(&repository, "staging", "api");
    let theirs = smuggled(&repository, &address);
    assert_eq!(pinned(&repository, "staging", "api"), theirs);
    let jobs = push(&repository, &works);
    assert_eq!(result(&jobs["deploy"]), "success", "{}", log(&jobs));
    // Theirs stays where it is: ours goes beside it.
    let ours = format!("{address}-4711-1");
    assert!(
        log(&jobs).contains(&format!("pushed {ours}")),
        "{}",
        log(&jobs)
    );
    let second = running(&repository, "staging");
    assert!(
        second["api"] != theirs && second["api"] != first["api"],
        "{second:?}"
    );
    assert_eq!(second["api"], by_digest(&repository, &ours));
    assert_eq!(pinned(&repository, "staging", "api"), theirs);
    assert_eq!(second["web"], first["web"]);

    // Nor is it once the image runs, and nothing is built a second time for it.
    smuggled(&repository, &address);
    repository.commit("Describe", &[("README.md", "The platform.\n")]);
    let jobs = push(&repository, &works);
    assert_eq!(result(&jobs["deploy"]), "skipped", "{}", log(&jobs));
    assert!(!log(&jobs).contains("pushed "), "{}", log(&jobs));
    assert_eq!(running(&repository, "staging"), second);
}

#[test]
fn an_image_of_another_commit_is_not_taken_for_that_of_this_one() {
    let repository = platform("older");
    let works = health(&[200]);
    push(&repository, &works);
    let first = running(&repository, "staging");
    // To keep the running image, another party gives it the tag of the one to come.
    repository.commit("Safer", &[("api/Dockerfile", "FROM python:3.14\n")]);
    let address = image(&repository, "staging", "api");
    repository
        .account
        .retag(&first["api"], &tag(&repository, "api"));
    assert_eq!(pinned(&repository, "staging", "api"), first["api"]);
    let jobs = push(&repository, &works);
    let ours = format!("{address}-4711-1");
    assert!(
        log(&jobs).contains(&format!("pushed {ours}")),
        "{}",
        log(&jobs)
    );
    let second = running(&repository, "staging");
    assert_ne!(second["api"], first["api"]);
    assert_eq!(second["api"], by_digest(&repository, &ours));
}

/// Another party has marked an image of its own before the one that is built; production still gets what staging runs.
#[test]
fn a_mark_that_is_taken_does_not_stop_what_was_verified() {
    let repository = platform("taken");
    let works = health(&[200]);
    push(&repository, &works);
    repository.commit("Faster", &[("api/Dockerfile", "FROM python:3.13\n")]);
    let address = image(&repository, "staging", "api");
    let mark = tagged(&address, "verified-");
    let theirs = smuggled(&repository, &mark);
    let jobs = push(&repository, &works);
    assert_eq!(result(&jobs["verified"]), "success", "{}", log(&jobs));
    let tested = running(&repository, "staging");
    assert_eq!(tested["api"], pinned(&repository, "staging", "api"));
    // A tag cannot be moved: theirs stays, and ours has a mark of its own.
    assert_eq!(by_digest(&repository, &mark), theirs);
    let (_, digest) = tested["api"].rsplit_once("@sha256:").expect("a digest");
    let own = format!("{mark}-{}", &digest[..12]);
    assert_eq!(by_digest(&repository, &own), tested["api"]);

    // Once more, and nothing is marked that is marked already.
    let jobs = push(&repository, &works);
    assert!(
        log(&jobs).contains(&format!("{} was verified before.", tested["api"])),
        "{}",
        log(&jobs)
    );
    let jobs = promote(&repository);
    assert_eq!(result(&jobs["deploy"]), "success", "{}", log(&jobs));
    let production = running(&repository, "prod");
    let promoted = production["api"].rsplit_once("@sha256:").expect("a digest");
    assert_eq!(promoted.1, digest);
}

#[test]
fn production_takes_what_staging_runs_and_no_other_image_that_is_marked() {
    let repository = platform_with_mutable_tags("marked");
    let (works, sick) = (health(&[200]), health(&[500]));
    let jobs = push(&repository, &works);
    assert_eq!(result(&jobs["verified"]), "success", "{}", log(&jobs));
    let tested = running(&repository, "staging");
    let address = image(&repository, "staging", "api");
    let refused = |expected: &str| {
        let jobs = promote(&repository);
        let job = &jobs["tested"][0];
        assert_eq!(job.result, "failure", "{}", log(&jobs));
        assert!(
            job.log.contains("::error title=Not verified::"),
            "{}",
            job.log
        );
        assert!(job.log.contains(expected), "{}", job.log);
        assert_eq!(*repository.asked.borrow(), [] as [&str; 0]);
    };

    // The mark is moved to another image, label and all.
    let mark = tagged(&address, "verified-");
    let theirs = smuggled(&repository, &mark);
    let (_, digest) = theirs.rsplit_once('@').expect("a digest");
    refused(&format!(
        "staging runs {} as api, and verified-{} is {digest}",
        tested["api"],
        tag(&repository, "api")
    ));

    // With the mark where it was, a tag that is pushed again changes nothing: neither in staging, nor in production.
    let mark = |image: &str| {
        let mark = format!("verified-{}", tag(&repository, "api"));
        repository.account.retag(image, &mark);
    };
    mark(&tested["api"]);
    smuggled(&repository, &address);
    let jobs = promote(&repository);
    assert_eq!(result(&jobs["deploy"]), "success", "{}", log(&jobs));
    let production = running(&repository, "prod");
    for folder in ["api", "web"] {
        let digest = |image: &str| image.rsplit_once('@').expect("a digest").1.to_owned();
        assert_eq!(digest(&production[folder]), digest(&tested[folder]));
    }
    smuggled(&repository, &image(&repository, "prod", "api"));
    let jobs = promote(&repository);
    assert_eq!(result(&jobs["preview"]), "success", "{}", log(&jobs));
    assert_eq!(result(&jobs["deploy"]), "skipped", "{}", log(&jobs));
    let there = "is there already.";
    assert_eq!(log(&jobs).matches(there).count(), 2, "{}", log(&jobs));
    assert_eq!(running(&repository, "prod"), production);

    // A later commit that runs and has not answered is not marked by putting its tag on what was verified before.
    repository.commit("Sick", &[("api/Dockerfile", "FROM python:3.15\n")]);
    push(&repository, &sick);
    mark(&tested["api"]);
    refused(" as api, and verified-");
    // The running image has to be of the commit that production is to run.
    repository.commit("Next", &[("api/Dockerfile", "FROM python:3.16\n")]);
    refused(&format!("and not from {}", commit(&repository, "api")));
}

/// The roles of [`platform`] trust what `docs/ci.md` says.
#[test]
fn no_branch_is_enough_for_the_role_that_deploys() {
    let repository = platform("trusted");
    let takes = |environment: &str, reference: &str| {
        let zeros = "0".repeat(40);
        let mut job = json!({
            "steps": [{
                "uses": format!("aws-actions/configure-aws-credentials@{zeros}"),
                "with": { "role-to-assume": DEPLOYER, "aws-region": "eu-south-2" },
            }],
        });
        if !environment.is_empty() {
            job["environment"] = json!(environment);
        }
        let workflow = json!({ "permissions": { "id-token": "write" }, "jobs": { "one": job } });
        let event = Event {
            reference: reference.to_owned(),
            ..Event::push()
        };
        let jobs = repository.run("a test", &workflow, &event);
        result(&jobs["one"])
    };
    let (main, branch) = ("refs/heads/main", "refs/heads/feature");
    for (environment, reference, expected) in [
        ("", main, "failure"),
        ("", branch, "failure"),
        ("staging", branch, "failure"),
        ("production", branch, "failure"),
        ("production", "refs/tags/main", "failure"),
        ("other", main, "failure"),
        ("staging", main, "success"),
        ("production", main, "success"),
    ] {
        let took = takes(environment, reference);
        assert_eq!(took, expected, "{environment} at {reference}");
    }

    // So every job of the pipeline that takes it on runs in the environment, but the plan where no role reads.
    let workflow = read(&project(".github/workflows/deploy.yml"));
    let jobs = workflow["jobs"].as_object().expect("jobs");
    let deploying: Vec<&str> = jobs
        .iter()
        .filter(|(_, job)| job.to_string().contains("${{ needs.scope.outputs.role }}"))
        .map(|(name, job)| {
            let environment = "${{ needs.scope.outputs.environment }}";
            assert_eq!(job["environment"], environment, "{name}");
            name.as_str()
        })
        .collect();
    assert_eq!(deploying.len(), 4, "{deploying:?}");
}

#[test]
fn without_a_role_that_reads_the_one_that_deploys_makes_the_plan() {
    let mut repository = platform("unread");
    repository.vars["AWS_READ_ROLE_STAGING"] = json!("");
    let works = health(&[200]);
    let jobs = push(&repository, &works);
    let preview = &jobs["preview"][0];
    assert_eq!(preview.result, "failure", "{}", log(&jobs));
    let expected = "does not trust repo:happyrobot/platform:ref:refs/heads/main";
    assert!(preview.log.contains(expected), "{}", preview.log);
    let scope = &jobs["scope"][0];
    assert!(
        scope
            .log
            .contains("::notice title=Plan::there is no role that reads staging"),
        "{}",
        scope.log
    );

    repository.trust.remove(DEPLOYER);
    let jobs = push(&repository, &works);
    assert_eq!(result(&jobs["deploy"]), "success", "{}", log(&jobs));
}

/// It is `up` that compares the names; here they have to get that far.
#[test]
fn the_plan_names_the_role_that_deploys() {
    let repository = platform("named");
    let jobs = push(&repository, &health(&[200]));
    assert_eq!(result(&jobs["deploy"]), "success", "{}", log(&jobs));
    let plan = repository
        .directory
        .join("artifacts/plan-staging/plan.json");
    let plan: Json = serde_json::from_slice(&fs::read(plan).expect("a plan")).expect("JSON");
    assert_eq!(plan["appliedBy"], DEPLOYER);
}
