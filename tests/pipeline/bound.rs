//! The reviewed plan is what runs, in the place where it was meant to: a plan that is replaced on its way between two jobs,
//! a stack that no environment protects, an image whose tag is pushed again.

use std::fs;

use serde_json::{Value as Json, json};
use sha2::{Digest, Sha256};

use super::repository::project;
use super::runner::{Event, Job, Repository, read, result};

const DEPLOYER: &str = "arn:aws:iam::123456789012:role/deployer";

/// A stack that is there in a moment, in a repository that builds no images.
fn small(name: &str, file: &str) -> Repository {
    let stack = format!(
        "name: {name}\nenvironment: dev\nregion: eu-south-2\nresources:\n  \
         topic: {{ type: aws:sns:Topic, properties: {{ displayName: Shop }} }}\n"
    );
    let mut repository = Repository::new(name, &[(file, stack.as_str())]);
    repository.vars = json!({
        "AWS_ROLE_STAGING": DEPLOYER, "AWS_ROLE_PROD_EU": DEPLOYER,
    });
    repository
}

/// The calls of the deploying role that were to change something.
fn changes(repository: &Repository) -> Vec<String> {
    let caller = DEPLOYER.replace([':', '/'], "-");
    repository.account.mutating(&caller)
}

fn output(job: &Job, name: &str) -> String {
    job.outputs[name].as_str().expect("a text").to_owned()
}

#[test]
fn the_plan_that_was_shown_is_applied() {
    let repository = small("shown", "stacks/staging.yaml");
    let jobs = repository.workflow("deploy.yml", &Event::push());
    let preview = &jobs["preview"][0];
    assert_eq!(result(&jobs["deploy"]), "success", "{}", preview.log);
    let sum = output(preview, "plan-sha256");
    assert_eq!(sum.len(), 64, "{sum}");
    // The approver sees it.
    assert!(preview.summary.contains(&sum), "{}", preview.summary);
    repository.account.topic("shown-dev-topic");
}

#[test]
fn a_plan_that_is_replaced_between_jobs_is_refused() {
    let mut repository = small("replaced", "stacks/staging.yaml");
    repository.replaced.insert("plan-staging", "{}\n");
    let jobs = repository.workflow("deploy.yml", &Event::push());
    let deploy = &jobs["deploy"][0];
    assert_eq!(deploy.result, "failure", "{}", deploy.log);
    let expected = "plan.json is not the plan that was previewed: its SHA-256 is ";
    assert!(deploy.log.contains(expected), "{}", deploy.log);
    let sum = output(&jobs["preview"][0], "plan-sha256");
    assert!(deploy.log.contains(&sum), "{}", deploy.log);
    assert_eq!(changes(&repository), [] as [&str; 0]);
}

#[test]
fn a_plan_wants_its_sum() {
    let repository = small("sums", "stacks/dev.yaml");
    repository.commit("Plan", &[("plan.json", "{}\n")]);
    let digest = Sha256::digest(b"{}\n");
    let sum: String = digest.iter().map(|byte| format!("{byte:02x}")).collect();
    let other = "0".repeat(64);
    for (plan, sum, expected) in [
        ("plan.json", "", "`plan` wants `plan-sha256`"),
        ("plan.json", "0", "`plan` wants `plan-sha256`"),
        ("plan.json", other.as_str(), "is not the plan that was"),
        ("other.json", sum.as_str(), "there is no plan other.json"),
    ] {
        let with = json!({ "command": "up", "plan": plan, "plan-sha256": sum });
        let job = repository.action(&Event::push(), &with);
        assert_eq!(job.result, "failure", "{with}");
        assert!(job.log.contains(expected), "{with}: {}", job.log);
    }
    assert_eq!(repository.account.mutating("tester"), [] as [&str; 0]);
}

#[test]
fn a_stack_goes_to_the_environment_that_is_named_for_it() {
    let mut repository = small("mapped", "stacks/prod-eu.yaml");
    let inputs = json!({ "stack": "prod-eu", "promote-from": "" });
    let deploy = |repository: &Repository| {
        repository.asked.borrow_mut().clear();
        repository.workflow("deploy.yml", &Event::dispatch(inputs.clone()))
    };
    let map = |repository: &mut Repository, text: &str| {
        repository.vars["FDE_INFRA_ENVIRONMENTS"] = Json::from(text);
    };

    for (text, expected) in [
        ("{}", "prod-eu has no environment"),
        // GitHub would make it, and it would ask for nothing.
        (
            "{\"prod-eu\": \"prod-eu\"}",
            "the environment prod-eu of prod-eu is not protected",
        ),
        // There it is, and it asks for nothing.
        (
            "{\"prod-eu\": \"open\"}",
            "the environment open of prod-eu is not protected",
        ),
        (
            "{\"prod-eu\": \"staging\"}",
            "the environment staging of prod-eu is not protected",
        ),
        ("[]", "FDE_INFRA_ENVIRONMENTS has to be like"),
        (
            "{\"prod-eu\": \"../x\"}",
            "FDE_INFRA_ENVIRONMENTS has to be like",
        ),
    ] {
        repository.protect("open", &[]);
        map(&mut repository, text);
        let jobs = deploy(&repository);
        let scope = &jobs["scope"][0];
        assert_eq!(scope.result, "failure", "{text}: {}", scope.log);
        assert!(scope.log.contains(expected), "{text}: {}", scope.log);
        assert_eq!(result(&jobs["deploy"]), "skipped", "{text}");
        assert_eq!(*repository.asked.borrow(), [] as [&str; 0]);
        assert_eq!(changes(&repository), [] as [&str; 0]);
    }

    map(&mut repository, "{\"prod-eu\": \"production\"}");
    let jobs = deploy(&repository);
    let scope = &jobs["scope"][0];
    assert_eq!(output(scope, "environment"), "production", "{}", scope.log);
    assert_eq!(output(scope, "production"), "true");
    assert_eq!(*repository.asked.borrow(), ["deploy: production"]);
    // Never by a push.
    let push = Event::push().called(json!({ "stack": "prod-eu" }));
    let jobs = repository.workflow("deploy.yml", &push);
    assert_eq!(result(&jobs["scope"]), "failure");
}

#[test]
fn an_environment_without_reviewers_is_said() {
    let mut repository = small("unasked", "stacks/prod.yaml");
    repository.vars["AWS_ROLE_PROD"] = Json::from(DEPLOYER);
    repository.protect("production", &["branch_policy"]);
    let inputs = json!({ "stack": "prod", "promote-from": "" });
    let jobs = repository.workflow("deploy.yml", &Event::dispatch(inputs));
    let scope = &jobs["scope"][0];
    assert_eq!(scope.result, "success", "{}", scope.log);
    let expected = "::warning title=Without a question::the environment production has no";
    assert!(scope.log.contains(expected), "{}", scope.log);
}

#[test]
fn no_job_prints_all_variables_and_no_image_comes_from_a_cache() {
    for file in fs::read_dir(project(".github/workflows")).expect("readable") {
        let path = file.expect("an entry").path();
        let text = fs::read_to_string(&path).expect("readable");
        for wrong in ["toJSON(vars)", "toJSON(secrets)", "type=gha"] {
            assert!(!text.contains(wrong), "{}: {wrong}", path.display());
        }
    }
    let workflow = read(&project(".github/workflows/deploy.yml"));
    let steps = workflow["jobs"]["images"]["steps"].as_array();
    let mut steps = steps.expect("steps").iter();
    let buildx = steps.find(|step| {
        let uses = step["uses"].as_str().unwrap_or_default();
        uses.starts_with("docker/setup-buildx-action@")
    });
    assert_eq!(
        buildx.expect("buildx is set up")["with"]["cache-binary"],
        false
    );
}

#[test]
fn every_tool_is_installed_by_its_hash() {
    for path in [
        ".ci/lint-requirements.txt",
        ".github/actions/python-tools/requirements.txt",
    ] {
        let text = fs::read_to_string(project(path)).expect("readable");
        let packages = text.lines().filter(|line| line.contains("=="));
        let with_hashes = text.split("==").skip(1);
        let with_hashes = with_hashes.filter(|rest| rest.contains("--hash=sha256:"));
        let count = packages.count();
        assert!(count > 2, "{path}");
        assert_eq!(with_hashes.count(), count, "{path}");
    }
    for path in [
        ".ci/lint-workflows",
        ".github/workflows/deploy.yml",
        ".github/actions/python-tools/action.yml",
        "docs/ci.md",
    ] {
        let text = fs::read_to_string(project(path)).expect("readable");
        let joined = text.replace("\\\n", " ");
        for line in joined.lines().filter(|line| line.contains("pip install")) {
            // The install command of the project itself, if it has no hashes: with a warning.
            let of_the_project = line.trim() == "python -m pip install --requirement \"$file\"";
            assert!(
                of_the_project || line.contains("--require-hashes"),
                "{path}: {line}"
            );
        }
    }
}
