//! What stands in for the actions of others: the part of them that can be observed. Another action fails the test.

use std::fs;
use std::path::PathBuf;

use serde_json::{Value as Json, json};

use super::runner::{Running, git};

/// Does what an action does; the outputs of its step.
///
/// # Errors
/// What the action would fail with.
pub fn run(name: &str, with: &Json, job: &mut Running<'_>) -> Result<Json, String> {
    let input = |name: &str| with[name].as_str().unwrap_or_default().to_owned();
    match name {
        "actions/checkout" => {
            assert_eq!(
                input("persist-credentials"),
                "false",
                "a token would stay in the workspace"
            );
            assert!(
                job.permissions.contains_key("contents"),
                "checkout reads the contents"
            );
            let origin = job
                .repository
                .directory
                .join("origin")
                .to_string_lossy()
                .into_owned();
            let depth = input("fetch-depth");
            let mut words = vec!["clone", "--quiet"];
            if depth != "0" {
                words.extend(["--depth", "1"]);
            }
            let origin = format!("file://{origin}");
            git(&job.workspace(), &[&words[..], &[&origin, "."]].concat());
        }
        "actions/setup-python" | "actions/setup-node" | "docker/setup-buildx-action" => {}
        "aws-actions/configure-aws-credentials" => {
            assert!(!input("aws-region").is_empty(), "a region is required");
            let (role, key) = (input("role-to-assume"), input("aws-access-key-id"));
            if role.is_empty() && key.is_empty() {
                return Err("Could not load credentials from any providers".to_owned());
            }
            if key.is_empty() {
                let level = job.permissions.get("id-token").map(String::as_str);
                if level != Some("write") {
                    return Err("Unable to get ACTIONS_ID_TOKEN_REQUEST_URL".to_owned());
                }
                let trusted = job.repository.trust.get(role.as_str());
                if trusted.is_some_and(|trusted| !trusted.contains(&job.subject.as_str())) {
                    let why = "Not authorized to perform sts:AssumeRoleWithWebIdentity";
                    return Err(format!("{why}: {role} does not trust {}", job.subject));
                }
            }
            // The account takes any key, and logs calls by it.
            let key = if key.is_empty() { role } else { key };
            let key = key.replace([':', '/'], "-");
            let variables = [
                ("AWS_ACCESS_KEY_ID", key),
                ("AWS_SECRET_ACCESS_KEY", "test".to_owned()),
                ("AWS_REGION", input("aws-region")),
            ];
            let variables = variables.map(|(name, value)| (name.to_owned(), value));
            job.variables.extend(variables);
        }
        "aws-actions/amazon-ecr-login" => {
            let Some(key) = job.variables.get("AWS_ACCESS_KEY_ID") else {
                return Err("Could not load credentials from any providers".to_owned());
            };
            let line = format!("login to {} as {key}", job.variables["AWS_REGION"]);
            job.repository.called(&line);
        }
        "docker/build-push-action" => {
            let context = job.workspace().join(input("context"));
            let dockerfile = fs::read_to_string(context.join("Dockerfile"));
            let dockerfile = dockerfile.map_err(|error| format!("no Dockerfile: {error}"))?;
            assert_eq!(input("platforms"), "linux/amd64");
            assert_eq!(input("push"), "true");
            job.repository.account.push(&input("tags"), &dockerfile);
            job.say(&format!("pushed {}", input("tags")));
        }
        "actions/upload-artifact" => {
            let from = job.workspace().join(input("path"));
            let to = artifact(job, &input("name"));
            fs::create_dir_all(&to).expect("a directory");
            let name = from.file_name().expect("a file");
            fs::copy(&from, to.join(name))
                .map_err(|error| format!("no {}: {error}", from.display()))?;
        }
        "actions/download-artifact" => {
            let from = artifact(job, &input("name"));
            let files = fs::read_dir(&from).map_err(|error| format!("no artifact: {error}"))?;
            for file in files {
                let file = file.expect("an entry");
                fs::copy(file.path(), job.workspace().join(file.file_name())).expect("copied");
            }
        }
        other => panic!("{other} is not known here"),
    }
    Ok(json!({}))
}

fn artifact(job: &Running<'_>, name: &str) -> PathBuf {
    job.repository.directory.join("artifacts").join(name)
}
