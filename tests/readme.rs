//! The README and the pages of `docs/` match what the program needs and has: policies, commands, stack files, links.

#![allow(
    clippy::expect_used,
    clippy::panic,
    reason = "a test that cannot go on fails where it stands, and says what it saw"
)]

#[path = "readme/commands.rs"]
mod commands;
#[path = "common/documents.rs"]
#[allow(dead_code, reason = "the end-to-end tests use the rest")]
mod documents;
#[path = "readme/pages.rs"]
mod pages;
#[path = "common/rights.rs"]
#[allow(dead_code, reason = "the end-to-end tests use the rest")]
mod rights;

use std::fs;
use std::process::Command;

use rights::{
    ALSO, CLOUD_CONTROL, MOST_CHARACTERS, OF_CREDENTIALS, PAGE, PUSHES, RENAMED, STAGING, action,
    is_read, operations, policies, root,
};
use serde_json::Value as Json;

fn page(path: &str) -> String {
    fs::read_to_string(root().join(path)).expect("the page is readable")
}

/// Every policy on a page.
fn policies_of(path: &str) -> Vec<Json> {
    let blocks = documents::blocks(&(path.to_owned(), page(path)));
    let blocks = blocks.iter().filter(|block| block.language == "json");
    blocks
        .map(|block| serde_json::from_str(&block.text).expect("a policy is JSON"))
        .collect()
}

/// The statements of the policy whose first one has this name.
fn policy(first: &str) -> Vec<Json> {
    let mut found = policies_of(PAGE);
    found.retain(|document| document["Statement"][0]["Sid"] == first);
    assert_eq!(found.len(), 1, "one policy begins with {first}");
    let statements = found[0]["Statement"].as_array();
    statements.expect("statements").clone()
}

/// A text, or a list of texts.
fn texts(value: &Json) -> Vec<String> {
    match value {
        Json::String(one) => vec![one.clone()],
        many => serde_json::from_value(many.clone()).expect("texts"),
    }
}

/// The actions of the statements that allow, or of those that deny.
fn actions(statements: &[Json], effect: &str) -> Vec<String> {
    let of_effect = statements
        .iter()
        .filter(|statement| statement["Effect"] == effect);
    of_effect
        .flat_map(|statement| texts(&statement["Action"]))
        .collect()
}

fn allows(actions: &[String], operation: &str) -> bool {
    let action = action(operation);
    actions
        .iter()
        .any(|allowed| match allowed.strip_suffix('*') {
            Some(start) => action.starts_with(start),
            None => allowed == action,
        })
}

/// `UPDATE_EXPECT=1` writes them.
#[test]
fn the_policies_are_those_of_the_calls() {
    let policies = policies(&STAGING);
    let mut text = page(PAGE);
    let mut behind = Vec::new();
    for policy in [
        &policies.preview,
        &policies.read,
        &policies.change,
        &policies.own,
        &policies.read_key,
        &policies.own_key,
        &policies.keys,
    ] {
        let first = policy.first();
        let at = text.find(&format!("\"Sid\": \"{first}\""));
        let at = at.unwrap_or_else(|| panic!("{PAGE} has a policy that begins with {first}"));
        let start = text[..at].rfind("```json\n").expect("a block") + "```json\n".len();
        let end = start + text[start..].find("```").expect("a block ends");
        let wanted = policy.text();
        if text[start..end] != wanted {
            behind.push(first);
            text.replace_range(start..end, &wanted);
        }
        let length = wanted.chars().filter(|c| !c.is_whitespace()).count();
        assert!(length <= MOST_CHARACTERS, "{first}: {length}");
    }
    if std::env::var_os("UPDATE_EXPECT").is_some() {
        fs::write(root().join(PAGE), text).expect("the page can be written");
        return;
    }
    assert_eq!(behind, [] as [&str; 0], "UPDATE_EXPECT=1 writes them");
}

/// The tables that name actions are about calls that exist.
#[test]
fn the_names_of_actions_are_those_of_calls() {
    let operations = operations();
    let named = RENAMED.iter().map(|(operation, _)| *operation);
    let also = ALSO.iter().map(|(operation, _)| *operation);
    for operation in named.chain(also) {
        assert!(operations.contains(operation), "{operation}");
    }
}

#[test]
fn the_policies_allow_every_call() {
    // Only a request that changes something is followed.
    const FOLLOWED: &str = "cloudformation:GetResourceRequestStatus";
    let preview = actions(&policy("PreviewReads"), "Allow");
    // A preview that may not compare values says so, and goes on.
    let compare = actions(&policy("ReadLogsIn"), "Allow");
    let preview = [&preview[..], &compare[..]].concat();
    let change = actions(&policy("DeployChanges"), "Allow");
    let own = actions(&policy("DeployItsOwn"), "Allow");
    let key = actions(&policy("DeployMakesItsKey"), "Allow");
    let both = [&preview[..], &change[..], &own[..], &key[..]].concat();
    let through_reads = actions(&policy("PreviewThroughCloudControl"), "Allow");
    let through = actions(&policy("DeployThroughCloudControl"), "Allow");
    let operations = operations();
    assert!(operations.len() > 200, "{operations:?}");
    let mut denied = Vec::new();
    for operation in operations {
        let allowed = if operation.starts_with(CLOUD_CONTROL) {
            let of = if is_read(action(&operation)) && operation != FOLLOWED {
                &through_reads
            } else {
                &through
            };
            allows(of, &operation)
        } else if is_read(action(&operation)) && operation != "ssm:GetParameter" {
            allows(&preview, &operation)
        } else {
            allows(&both, &operation)
        };
        if !allowed && !OF_CREDENTIALS.contains(&operation.as_str()) {
            denied.push(operation);
        }
    }
    assert_eq!(denied, [] as [String; 0]);
    // The pipeline pushes images as the role that deploys.
    for action in PUSHES {
        assert!(allows(&own, action), "{action}");
    }
}

/// No statement that allows has a wildcard for actions: what the program will call one day is not allowed today.
#[test]
fn every_action_is_allowed_by_its_name() {
    for first in [
        "PreviewReads",
        "ReadLogsIn",
        "DeployChanges",
        "DeployItsOwn",
    ] {
        for action in actions(&policy(first), "Allow") {
            assert!(!action.contains('*'), "{action}");
        }
    }
}

/// Only objects without a name are allowed wherever they are.
#[test]
fn what_has_a_name_is_changed_by_its_name() {
    let by_id = ["application-autoscaling", "ec2", "sts", "tag"];
    let unnamed = [
        "ecs:DeregisterTaskDefinition",
        // The calls that a service makes in the caller's name, where logs are delivered.
        "logs:CreateLogDelivery",
        "logs:DeleteLogDelivery",
        "logs:DescribeResourcePolicies",
        "logs:PutResourcePolicy",
        "secretsmanager:GetRandomPassword",
        "sns:SetSubscriptionAttributes",
        "sns:Unsubscribe",
    ];
    for first in ["DeployChanges", "DeployItsOwn"] {
        for statement in policy(first) {
            let resources = texts(&statement["Resource"]);
            if statement["Effect"] != "Allow" || resources != ["*"] {
                continue;
            }
            for action in texts(&statement["Action"]) {
                let (service, _) = action.split_once(':').expect("a service");
                let has_no_name = by_id.contains(&service) || unnamed.contains(&action.as_str());
                assert!(has_no_name, "{action}");
            }
        }
    }
}

/// Actions that give away what others keep, or take control of it: never allowed on everything.
const OF_THE_STACK_ALONE: &[&str] = &[
    "ecr:BatchGetImage",
    "ecr:GetDownloadUrlForLayer",
    "iam:AttachRolePolicy",
    "iam:CreatePolicy",
    "iam:CreatePolicyVersion",
    "iam:CreateRole",
    "iam:DeleteRole",
    "iam:DeleteRolePolicy",
    "iam:DetachRolePolicy",
    "iam:PassRole",
    "iam:PutRolePermissionsBoundary",
    "iam:PutRolePolicy",
    "iam:TagRole",
    "iam:UpdateAssumeRolePolicy",
    "logs:FilterLogEvents",
    "logs:GetLogEvents",
    "logs:StartQuery",
    "s3:DeleteObject",
    "s3:GetObject",
    "s3:ListBucket",
    "s3:PutObject",
    "secretsmanager:GetSecretValue",
    "secretsmanager:PutSecretValue",
    "ssm:GetParameter",
    "ssm:GetParameterHistory",
    "ssm:GetParameters",
    "ssm:PutParameter",
];

#[test]
fn what_is_secret_or_powerful_is_allowed_on_the_stack_alone() {
    for first in [
        "PreviewReads",
        "ReadLogsIn",
        "DeployChanges",
        "DeployItsOwn",
    ] {
        for statement in policy(first) {
            if statement["Effect"] != "Allow" {
                continue;
            }
            let allowed = texts(&statement["Action"]);
            for operation in OF_THE_STACK_ALONE {
                let (service, _) = operation.split_once(':').expect("a service");
                let mut resources = texts(&statement["Resource"]);
                resources.retain(|arn| arn == "*" || arn.split(':').nth(2) == Some(service));
                let is_narrow = resources.iter().all(|resource| {
                    resource.contains("happyrobot") || resource.contains("/staging")
                });
                assert!(
                    is_narrow || !allows(&allowed, operation),
                    "{operation}: {statement}"
                );
            }
        }
    }
}

/// A branch is enough to take on the role for pull requests.
#[test]
fn pull_requests_read_neither_logs_nor_data() {
    let statements = policy("PreviewReads");
    let preview = actions(&statements, "Allow");
    for operation in [
        "ecr:BatchGetImage",
        "ecr:GetAuthorizationToken",
        "logs:FilterLogEvents",
        "logs:GetLogEvents",
        "logs:StartQuery",
        "s3:GetObject",
        "secretsmanager:BatchGetSecretValue",
        "secretsmanager:GetSecretValue",
        "ssm:GetParametersByPath",
        "sts:AssumeRole",
    ] {
        assert!(!allows(&preview, operation), "{operation}");
    }
    let statements = policy("ReadLogsIn");
    let secrets = statements
        .iter()
        .find(|statement| statement["Action"] == "secretsmanager:GetSecretValue")
        .expect("values are compared");
    let tag = &secrets["Condition"]["StringEquals"]["aws:ResourceTag/fde:stack"];
    assert_eq!(*tag, "happyrobot-fde/staging");
}

#[test]
fn the_role_that_deploys_cannot_change_itself() {
    let statements = policy("DeployChanges");
    let denied = statements
        .iter()
        .find(|statement| statement["Effect"] == "Deny")
        .expect("something is denied");
    let own = [
        "arn:aws:iam::*:role/fde-infra-*",
        "arn:aws:iam::*:policy/fde-infra-*",
    ];
    assert_eq!(texts(&denied["Resource"]), own);
    let denied = texts(&denied["Action"]);
    let others = [
        "iam:AddRoleToInstanceProfile",
        "iam:PassRole",
        "iam:SetDefaultPolicyVersion",
    ];
    let all = operations();
    let writes = all.iter().map(String::as_str).filter(|operation| {
        operation
            .strip_prefix("iam:")
            .is_some_and(|name| !name.starts_with("Get") && !name.starts_with("List"))
    });
    let mut count = 0;
    for operation in writes.chain(others) {
        assert!(allows(&denied, operation), "{operation}");
        count += 1;
    }
    assert!(count > 15, "{count}");
}

#[test]
fn roles_are_passed_to_named_services_and_kept_in_their_boundary() {
    for statement in policy("DeployChanges") {
        let services = match statement["Action"].as_str() {
            Some("iam:PassRole") => &statement["Condition"]["StringEquals"]["iam:PassedToService"],
            Some("iam:CreateServiceLinkedRole") => {
                &statement["Condition"]["StringEquals"]["iam:AWSServiceName"]
            }
            _ => continue,
        };
        let services = texts(services);
        assert!(
            services
                .iter()
                .all(|service| service.ends_with(".amazonaws.com") && !service.contains('*')),
            "{services:?}"
        );
    }
    let boundary = policy("BoundaryAlways");
    let key = &boundary[0]["Condition"]["StringNotEquals"]["iam:PermissionsBoundary"];
    assert_eq!(*key, "arn:aws:iam::123456789012:policy/fde-infra-boundary");
    assert!(actions(&boundary, "Allow").is_empty());
    assert!(allows(
        &actions(&boundary, "Deny"),
        "iam:DeleteRolePermissionsBoundary"
    ));
}

#[test]
fn the_tags_of_ownership_are_the_deploying_role_s() {
    let [statement] = &policy("TagsOfOwnership")[..] else {
        panic!("one statement")
    };
    assert_eq!(statement["Effect"], "Deny");
    assert_eq!(statement["Action"], "*");
    let condition = &statement["Condition"];
    assert_eq!(condition["ForAnyValue:StringLike"]["aws:TagKeys"], "fde:*");
    let except = &condition["ArnNotLike"]["aws:PrincipalArn"];
    assert_eq!(*except, "arn:aws:iam::*:role/fde-infra-deploy-*");
}

#[test]
fn roles_trust_subjects_to_the_letter() {
    let mut trusts = policies_of("docs/ci.md");
    trusts.retain(|document| document["Statement"][0]["Principal"].is_object());
    assert_eq!(trusts.len(), 1);
    let condition = &trusts[0]["Statement"][0]["Condition"];
    let operators = condition.as_object().expect("conditions");
    assert!(operators.keys().eq(["StringEquals"]), "{condition}");
    // No branch is enough for the role that deploys, and no environment without the branch.
    let claim = |name: &str| {
        texts(&condition["StringEquals"][format!("token.actions.githubusercontent.com:{name}")])
    };
    assert_eq!(claim("ref"), ["refs/heads/main"]);
    assert_eq!(
        claim("sub"),
        ["repo:happyrobot@123456/platform@456789:environment:production"]
    );
    let text = page("docs/ci.md").replace('\n', " ");
    for row in [
        "for pull requests | the first | `…:pull_request` |",
        "for plans, drift and promotion | the first two | `…:ref:refs/heads/main`, `…:environment:production` |",
        "`fde-infra-deploy-staging` | all four | `…:environment:staging` |",
        "`fde-infra-deploy-prod` | all four | `…:environment:production` |",
    ] {
        assert!(text.contains(row), "{row}");
    }
    // On GitLab, too.
    assert!(text.contains(
        "`project_path:<group>/<project>:ref_type:branch:ref:main` alone, as `StringEquals`"
    ));
    assert!(text.contains("the role Reporter and the scope `api`"));
}

#[test]
fn every_command_is_described() {
    let output = Command::new(env!("CARGO_BIN_EXE_fde-infra"))
        .arg("--help")
        .output()
        .expect("the program starts");
    let help = String::from_utf8_lossy(&output.stdout).into_owned();
    let (_, commands) = help.split_once("Commands:\n").expect("commands");
    let text = page("README.md");
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
