//! `aws:iam:Role`.

use async_trait::async_trait;
use aws_sdk_iam::types::Tag;
use fde_infra::resource::Observed;
use serde_json::{Value as Json, json};

use crate::common::World;
use crate::common::commands::{DONE, REFUSED};
use crate::common::program::Program;
use crate::common::resource_type::{Edit, ResourceTypeTest, check};
use crate::common::sdk::{FOREIGN, Sdk, Tags};

struct Role;

async fn tags(sdk: &Sdk, name: &str) -> Tags {
    let answer = sdk.iam.list_role_tags().role_name(name).send().await;
    let answer = answer.expect("tags can be listed");
    answer
        .tags()
        .iter()
        .map(|tag| (tag.key().to_owned(), tag.value().to_owned()))
        .collect()
}

#[async_trait]
impl ResourceTypeTest for Role {
    fn token(&self) -> &'static str {
        "aws:iam:Role"
    }

    fn base(&self) -> &'static str {
        "
assumeRolePolicy:
  Version: '2012-10-17'
  Statement: [{ Effect: Allow, Principal: { Service: ecs-tasks.amazonaws.com }, Action: sts:AssumeRole }]
"
    }

    fn edits(&self) -> Vec<Edit> {
        vec![
            Edit::replaces(
                "/name",
                ("name: e2e-iam-role-one", "e2e-iam-role-one"),
                ("name: e2e-iam-role-two", "e2e-iam-role-two"),
            ),
            Edit::replaces("/path", ("path: /one/", "/one/"), ("path: /two/", "/two/"))
                .removed("/"),
            // The name cannot be used twice: delete first.
            Edit::replaces(
                "/path",
                ("{ name: e2e-iam-role-fixed, path: /one/ }", "/one/"),
                ("{ name: e2e-iam-role-fixed, path: /two/ }", "/two/"),
            ),
            Edit::in_place(
                "/description",
                ("description: One", "One"),
                ("description: Two", "Two"),
            )
            .removed(Json::Null),
            Edit::in_place(
                "/trusted",
                (
                    r#"assumeRolePolicy: '{"Version": "2012-10-17", "Statement": {"Effect": "Allow", "Principal": {"Service": "rds.amazonaws.com"}, "Action": ["sts:AssumeRole"]}}'"#,
                    json!("rds.amazonaws.com"),
                ),
                (
                    "
assumeRolePolicy:
  Version: '2012-10-17'
  Statement:
    - Effect: Allow
      Principal: { Service: [ecs.amazonaws.com, ecs-tasks.amazonaws.com] }
      Action: sts:AssumeRole
      Condition: { StringEquals: { aws:SourceAccount: '${aws.accountId}' } }
",
                    json!(["ecs.amazonaws.com", "ecs-tasks.amazonaws.com"]),
                ),
            )
            .removed("ecs-tasks.amazonaws.com"),
            Edit::in_place(
                "/session",
                ("maxSessionDuration: 7200", 7200),
                ("maxSessionDuration: 43200", 43200),
            )
            .removed(3600),
            Edit::in_place(
                "/boundary",
                (
                    "permissionsBoundary: arn:aws:iam::aws:policy/PowerUserAccess",
                    "arn:aws:iam::aws:policy/PowerUserAccess",
                ),
                (
                    "permissionsBoundary: arn:aws:iam::aws:policy/ReadOnlyAccess",
                    "arn:aws:iam::aws:policy/ReadOnlyAccess",
                ),
            )
            .removed(Json::Null),
        ]
    }

    async fn look(&self, sdk: &Sdk, id: &str) -> Option<Json> {
        let answer = sdk.iam.get_role().role_name(id).send().await.ok()?;
        let role = answer.role()?;
        let trust = percent_encoding::percent_decode_str(role.assume_role_policy_document()?);
        let trust: Json = serde_json::from_str(&trust.decode_utf8_lossy()).expect("it is JSON");
        let statement = &trust["Statement"];
        let statement = statement.get(0).unwrap_or(statement);
        let boundary = role.permissions_boundary();
        Some(json!({
            "name": role.role_name(),
            "path": role.path(),
            "description": role.description().filter(|text| !text.is_empty()),
            "trusted": statement["Principal"]["Service"],
            "session": role.max_session_duration(),
            "boundary": boundary.and_then(|boundary| boundary.permissions_boundary_arn()),
        }))
    }

    async fn vanish(&self, sdk: &Sdk, id: &str) -> bool {
        sdk.iam.delete_role().role_name(id).send().await.is_ok()
    }

    async fn drift(&self, sdk: &Sdk, id: &str) -> bool {
        let update = sdk.iam.update_role().role_name(id);
        let update = update.description("Somebody else's");
        update.max_session_duration(7200).send().await.is_ok()
    }

    async fn foreign_tag(&self, sdk: &Sdk, id: &str, set: bool) -> Option<bool> {
        if set {
            let tag = Tag::builder().key(FOREIGN.0).value(FOREIGN.1).build();
            let tag = tag.expect("the tag is whole");
            let tagged = sdk.iam.tag_role().role_name(id).tags(tag).send().await;
            tagged.expect("tags can be set");
        }
        Some(tags(sdk, id).await.get(FOREIGN.0).map(String::as_str) == Some(FOREIGN.1))
    }

    /// The tagging API does not know roles.
    async fn tags(&self, sdk: &Sdk, live: &Observed) -> Tags {
        tags(sdk, &live.id).await
    }
}

#[tokio::test]
async fn role() {
    check("e2e-iam-role", &Role).await;
}

/// An account is one principal as a number and as a text, and IAM takes texts alone.
#[tokio::test]
async fn an_account_may_be_written_as_a_number() {
    let world = World::new("e2e-iam-role-account").await;
    let resources = |account: &str| {
        format!(
            "tested: {{ type: aws:iam:Role, properties: {{ name: e2e-role-account, assumeRolePolicy: {{ Version: '2012-10-17', Statement: [{{ Effect: Allow, Principal: {{ AWS: {account} }}, Action: sts:AssumeRole, Condition: {{ StringEquals: {{ 'aws:PrincipalAccount': [{account}, 7] }} }} }}] }} }} }}"
        )
    };
    world.up(&resources("123456789012")).await;
    let role = world.sdk.iam.get_role().role_name("e2e-role-account");
    let role = role.send().await.expect("the role is there");
    let document = role
        .role()
        .and_then(|role| role.assume_role_policy_document());
    let document = document.unwrap_or_default().replace("%22", "\"");
    assert!(document.contains("\"123456789012\""), "{document}");
    for same in [
        "123456789012",
        "'123456789012'",
        "'arn:aws:iam::123456789012:root'",
    ] {
        let plan = world.preview(&resources(same)).await;
        let shown: Vec<_> = plan.steps.iter().map(|step| step.urn.name()).collect();
        // The condition compares texts, so only the principal has a third spelling.
        assert_eq!(shown.is_empty(), !same.contains("arn:"), "{same}");
    }
    world.destroy(&resources("123456789012")).await;
}

/// "Names are not distinguished by case": <https://docs.aws.amazon.com/IAM/latest/APIReference/API_CreateRole.html>
#[tokio::test]
async fn names_that_differ_in_case_alone_are_one() {
    let world = World::new("e2e-iam-role-case").await;
    let program = Program::of(&world);
    let trust = r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"Service":"ecs-tasks.amazonaws.com"},"Action":"sts:AssumeRole"}]}"#;
    let file = |name: &str| {
        format!(
            "role: {{ type: aws:iam:Role, properties: {{ name: {name}, assumeRolePolicy: '{trust}' }} }}"
        )
    };
    let id = async |name: &str| {
        let role = world.sdk.iam.get_role().role_name(name).send().await.ok()?;
        Some(role.role()?.role_id().to_owned())
    };
    // A role of another party is seen before anything is done.
    let theirs = world.sdk.iam.create_role().role_name("E2E-Iam-Role-Case");
    let theirs = theirs.assume_role_policy_document(trust).send().await;
    theirs.expect("it is made");
    let refused = program.run(&file("e2e-iam-role-case"), "up", &["--yes"]);
    assert_eq!(refused.status, REFUSED, "{}", refused.screen);
    assert_eq!(refused.mutating, [] as [String; 0], "{}", refused.screen);
    let gone = world.sdk.iam.delete_role().role_name("E2E-Iam-Role-Case");
    gone.send().await.expect("it is as it was");

    // A role of ours stays: IAM keeps the case in which it was made.
    let made = program.run(&file("E2e-iam-role-case"), "up", &["--yes"]);
    assert_eq!(made.status, DONE, "{}", made.screen);
    let before = id("E2e-iam-role-case").await.expect("it is there");
    let other = file("e2e-iam-role-CASE");
    let same = program.run(&other, "up", &["--yes"]);
    assert_eq!(same.status, DONE, "{}", same.screen);
    assert_eq!(same.mutating, [] as [String; 0], "{}", same.screen);
    assert_eq!(id("E2e-iam-role-case").await, Some(before));
    world.destroy(&other).await;
}
