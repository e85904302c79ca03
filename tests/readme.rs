//! What the README promises about permissions and commands is what the program needs and has.

#![allow(
    clippy::expect_used,
    clippy::panic,
    reason = "a test that cannot go on fails where it stands, and says what it saw"
)]

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value as Json;

/// Operations whose permission has another name (Service Authorization Reference).
const RENAMED: &[(&str, &str)] = &[
    ("s3:DeleteBucketEncryption", "s3:PutEncryptionConfiguration"),
    ("s3:DeleteBucketLifecycle", "s3:PutLifecycleConfiguration"),
    ("s3:DeleteObjects", "s3:DeleteObjectVersion"),
    ("s3:GetBucketEncryption", "s3:GetEncryptionConfiguration"),
    (
        "s3:GetBucketLifecycleConfiguration",
        "s3:GetLifecycleConfiguration",
    ),
    ("s3:GetPublicAccessBlock", "s3:GetBucketPublicAccessBlock"),
    ("s3:HeadBucket", "s3:ListBucket"),
    ("s3:ListBuckets", "s3:ListAllMyBuckets"),
    ("s3:ListMultipartUploads", "s3:ListBucketMultipartUploads"),
    ("s3:ListObjectVersions", "s3:ListBucketVersions"),
    ("s3:ListObjectsV2", "s3:ListBucket"),
];

/// Operations that only read, but only `up` and `destroy` call.
const ONLY_WHEN_CHANGING: &[&str] = &[
    "s3:ListMultipartUploads",
    "s3:ListObjectVersions",
    "secretsmanager:GetRandomPassword",
    // The lock, and whether a run has ended since.
    "ssm:GetParameter",
    "ssm:GetParameters",
];

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn readme() -> String {
    fs::read_to_string(root().join("README.md")).expect("the README is readable")
}

fn files(folder: PathBuf, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).expect("the folder is readable") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            files(path, found);
        } else {
            found.push(path);
        }
    }
}

/// Every `service:Operation` that the product calls.
fn operations() -> BTreeSet<String> {
    let mut paths = Vec::new();
    files(root().join("src/aws"), &mut paths);
    let mut operations = BTreeSet::new();
    for path in paths {
        let text = fs::read_to_string(path).expect("source is readable");
        let product = text.split("#[cfg(test)]").next().unwrap_or_default();
        for literal in product.split('"').skip(1).step_by(2) {
            let Some((service, operation)) = literal.split_once(':') else {
                continue;
            };
            let is_service = !service.is_empty()
                && service
                    .chars()
                    .all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-');
            let is_operation = operation.starts_with(|c: char| c.is_ascii_uppercase())
                && operation.chars().all(|c| c.is_ascii_alphanumeric());
            if is_service && is_operation {
                operations.insert(literal.to_owned());
            }
        }
    }
    operations
}

/// The actions of each policy in the README, in order: what `preview` needs, what `up` and `destroy` need besides.
fn policies() -> Vec<Vec<String>> {
    let text = readme();
    let blocks = text.split("```json\n").skip(1);
    blocks
        .map(|block| {
            let (document, _) = block.split_once("```").expect("a block ends");
            serde_json::from_str(document).expect("a policy is JSON")
        })
        // Who may take on a role is another kind of policy.
        .filter(|document: &Json| document.pointer("/Statement/0/Principal").is_none())
        .map(|document| {
            let statements = document["Statement"].as_array().expect("statements");
            statements
                .iter()
                .flat_map(|statement| match &statement["Action"] {
                    Json::String(one) => vec![one.clone()],
                    many => serde_json::from_value(many.clone()).expect("actions"),
                })
                .collect()
        })
        .collect()
}

/// What the chain of credentials calls, as another identity than the program's own.
const OF_CREDENTIALS: &[&str] = &["sts:AssumeRole", "sts:AssumeRoleWithWebIdentity"];

fn allows(actions: &[String], operation: &str) -> bool {
    let renamed = RENAMED.iter().find(|(from, _)| *from == operation);
    let action = renamed.map_or(operation, |(_, to)| to);
    actions
        .iter()
        .any(|allowed| match allowed.strip_suffix('*') {
            Some(start) => action.starts_with(start),
            None => allowed == action,
        })
}

#[test]
fn the_policies_allow_every_call() {
    let [preview, change] = policies().try_into().expect("two policies");
    let both = [&preview[..], &change[..]].concat();
    let operations = operations();
    assert!(operations.len() > 150, "{operations:?}");
    let mut denied = Vec::new();
    for operation in operations {
        let (_, name) = operation.split_once(':').expect("a service");
        let reads = ["Describe", "Get", "List", "BatchGet", "Head", "Filter"]
            .iter()
            .any(|verb| name.starts_with(verb))
            && !ONLY_WHEN_CHANGING.contains(&operation.as_str());
        let allowed = if reads {
            allows(&preview, &operation)
        } else {
            allows(&both, &operation)
        };
        if !allowed && !OF_CREDENTIALS.contains(&operation.as_str()) {
            denied.push(operation);
        }
    }
    assert_eq!(denied, [] as [String; 0]);
}

#[test]
fn every_command_is_described() {
    let output = Command::new(env!("CARGO_BIN_EXE_fde-infra"))
        .arg("--help")
        .output()
        .expect("the program starts");
    let help = String::from_utf8_lossy(&output.stdout).into_owned();
    let (_, commands) = help.split_once("Commands:\n").expect("commands");
    let text = readme();
    let (_, table) = text.split_once("| command |").expect("a table");
    let (table, _) = table.split_once("\n\n").expect("the table ends");
    let mut count = 0;
    for line in commands.lines().take_while(|line| !line.is_empty()) {
        // A description that goes on is set in further.
        if !line.starts_with("  ") || line.starts_with("   ") {
            continue;
        }
        let name = line.split_whitespace().next().expect("a command");
        if name != "help" {
            assert!(table.contains(&format!("`{name}`")), "{name}");
            count += 1;
        }
    }
    assert!(count > 5, "{help}");
}
