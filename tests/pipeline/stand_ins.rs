//! Stand-ins for the actions of others: the part of each that can be observed. An unknown action fails the test.

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};

use serde_json::{Value as Json, json};

use super::runner::{Running, git};

/// Does what an action does, and returns the outputs of its step.
///
/// # Errors
/// The error with which the action would fail.
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
                let (subject, reference) = (job.subject.as_str(), job.reference());
                let trusted = job.repository.trust.get(role.as_str());
                if trusted.is_some_and(|trusted| !trusted.contains(&(subject, reference))) {
                    let why = "Not authorized to perform sts:AssumeRoleWithWebIdentity";
                    return Err(format!(
                        "{why}: {role} does not trust {subject} at {reference}"
                    ));
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
            for cache in ["cache-from", "cache-to"] {
                assert_eq!(input(cache), "", "the jobs that test can write to a cache");
            }
            let label = input("labels");
            let label = label.split_once('=').expect("a label");
            let account = &job.repository.account;
            let digest = account.push(&input("tags"), &dockerfile, &[label]);
            job.say(&format!("pushed {}", input("tags")));
            return Ok(json!({ "digest": digest }));
        }
        "actions/upload-artifact" => {
            let to = artifact(job, &input("name"));
            for file in files(&job.workspace(), &input("path"))? {
                copy(&file, &to);
            }
            let name = input("name");
            if let Some(text) = job.repository.replaced.get(name.as_str()) {
                for file in files(&to, "*")? {
                    fs::write(file, text).expect("written");
                }
            }
        }
        "actions/download-artifact" => {
            let to = job.workspace().join(input("path"));
            for from in artifacts(job, &with["name"], &with["pattern"]) {
                for file in files(&from, "*").map_err(|_| "no artifact".to_owned())? {
                    copy(&file, &to);
                }
            }
        }
        "actions/attest-build-provenance" => {
            for file in files(&job.workspace(), &input("subject-path"))? {
                attest(job, "provenance", &file)?;
            }
        }
        "actions/attest" => {
            let sbom = fs::read(job.workspace().join(input("sbom-path")));
            let sbom = sbom.map_err(|error| format!("no SBOM: {error}"))?;
            let sbom: Json = serde_json::from_slice(&sbom).map_err(|error| error.to_string())?;
            // The fields that `parseSBOMFromPath` looks at, in the action's src/sbom.ts.
            let is_there = |key: &str| sbom[key].as_str().is_some_and(|text| !text.is_empty());
            if !["bomFormat", "serialNumber", "specVersion"]
                .into_iter()
                .all(is_there)
            {
                return Err(
                    "Unsupported SBOM format. Must be valid SPDX or CycloneDX JSON.".to_owned(),
                );
            }
            for file in files(&job.workspace(), &input("subject-path"))? {
                attest(job, "sbom", &file)?;
            }
        }
        other => panic!("{other} is not known here"),
    }
    Ok(json!({}))
}

fn artifact(job: &Running<'_>, name: &str) -> PathBuf {
    job.repository.directory.join("artifacts").join(name)
}

/// The artifact of a name, or those whose names fit a pattern.
fn artifacts(job: &Running<'_>, name: &Json, pattern: &Json) -> Vec<PathBuf> {
    match (name.as_str(), pattern.as_str()) {
        (Some(name), None) => vec![artifact(job, name)],
        (None, Some(pattern)) => {
            let all = job.repository.directory.join("artifacts");
            files(&all, pattern).unwrap_or_default()
        }
        _ => panic!("a name or a pattern: {name}, {pattern}"),
    }
}

/// The files that fit a path whose last part may have one `*`, in order; there has to be at least one.
fn files(directory: &Path, path: &str) -> Result<Vec<PathBuf>, String> {
    let path = directory.join(path);
    let Some(folder) = path.parent() else {
        return Err(format!("{} is no file", path.display()));
    };
    let pattern = path.file_name().unwrap_or_default().to_string_lossy();
    let (start, end) = pattern.split_once('*').unwrap_or((&pattern, ""));
    let fits = |name: &str| match pattern.contains('*') {
        true => {
            name.len() >= start.len() + end.len() && name.starts_with(start) && name.ends_with(end)
        }
        false => name == pattern,
    };
    let entries =
        fs::read_dir(folder).map_err(|error| format!("no {}: {error}", folder.display()))?;
    let mut found: Vec<PathBuf> = entries
        .map(|entry| entry.expect("an entry").path())
        .filter(|path| fits(&path.file_name().unwrap_or_default().to_string_lossy()))
        .collect();
    found.sort();
    match found.is_empty() {
        true => Err(format!("nothing fits {}", path.display())),
        false => Ok(found),
    }
}

fn copy(file: &Path, to: &Path) {
    fs::create_dir_all(to).expect("a directory");
    fs::copy(file, to.join(file.file_name().expect("a file"))).expect("copied");
}

/// Signs that a file was made here, with the identity of the job.
fn attest(job: &Running<'_>, what: &str, file: &Path) -> Result<(), String> {
    for permission in ["id-token", "attestations"] {
        if job
            .permissions
            .get(permission)
            .is_none_or(|level| level != "write")
        {
            return Err(format!("missing \"{permission}\" permission"));
        }
    }
    let name = file.file_name().unwrap_or_default().to_string_lossy();
    let path = job.repository.directory.join("attested");
    let mut list = fs::OpenOptions::new()
        .create(true)
        .append(true)
        .open(path)
        .expect("a file");
    writeln!(list, "{what} {name}").expect("written");
    Ok(())
}
