//! `aws:secretsmanager:Secret`.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::SystemTime;

use async_trait::async_trait;
use aws_sdk_secretsmanager::types::Tag;
use serde_json::{Value as Json, json};

use crate::common::program::Program;
use crate::common::proxy::{Answer, Call, Proxy, Refusal, Rule, nothing};
use crate::common::resource_type::{Edit, ResourceTypeTest, check};
use crate::common::sdk::Sdk;
use crate::common::{World, endpoint};

/// `recoveryWindowInDays` and `generateSecretString` are written and cannot be read, so a change of them is no difference:
/// they have tests of their own.
struct Secret;

const KEYS: [&str; 2] = [
    "arn:aws:kms:eu-south-2:123456789012:key/11111111-2222-3333-4444-555555555555",
    "arn:aws:kms:eu-south-2:123456789012:key/66666666-2222-3333-4444-555555555555",
];

#[async_trait]
impl ResourceTypeTest for Secret {
    fn token(&self) -> &'static str {
        "aws:secretsmanager:Secret"
    }

    fn base(&self) -> &'static str {
        "
recoveryWindowInDays: 7
generateSecretString: { secretStringTemplate: { username: app }, generateStringKey: password, passwordLength: 20, excludePunctuation: true }
"
    }

    fn edits(&self) -> Vec<Edit> {
        vec![
            Edit::in_place(
                "/description",
                ("description: one", "one"),
                ("description: two", "two"),
            )
            .removed(""),
            Edit::in_place(
                "/key",
                (
                    "kmsKeyId: arn:aws:kms:eu-south-2:123456789012:key/11111111-2222-3333-4444-555555555555",
                    KEYS[0],
                ),
                (
                    "kmsKeyId: arn:aws:kms:eu-south-2:123456789012:key/66666666-2222-3333-4444-555555555555",
                    KEYS[1],
                ),
            )
            .removed(""),
            Edit::replaces(
                "/name",
                ("name: e2e/secret/one", "e2e/secret/one"),
                ("name: e2e/secret/two", "e2e/secret/two"),
            ),
        ]
    }

    fn without_a_row(&self) -> &'static [(&'static str, &'static str)] {
        &[
            (
                "recoveryWindowInDays",
                "shows when it is deleted: a test of its own",
            ),
            (
                "generateSecretString",
                "makes the first value only: a test of its own",
            ),
        ]
    }

    async fn look(&self, sdk: &Sdk, id: &str) -> Option<Json> {
        let secret = sdk
            .secrets
            .describe_secret()
            .secret_id(id)
            .send()
            .await
            .ok()
            .filter(|secret| secret.deleted_date().is_none())?;
        let value = sdk
            .secrets
            .get_secret_value()
            .secret_id(id)
            .send()
            .await
            .expect("the value was made");
        let value: Json = serde_json::from_str(value.secret_string().expect("it is text"))
            .expect("the template is JSON");
        assert_eq!(value["username"], "app");
        assert_eq!(value["password"].as_str().map(str::len), Some(20));
        Some(json!({
            "name": secret.name(),
            "description": secret.description().unwrap_or_default(),
            "key": secret.kms_key_id().unwrap_or_default(),
        }))
    }

    /// Its predecessors keep their tags through their recovery windows.
    async fn is_left_on_purpose(&self, sdk: &Sdk, arn: &str) -> bool {
        deletion_day(sdk, arn).await.is_some()
    }

    async fn vanish(&self, sdk: &Sdk, id: &str) -> bool {
        sdk.secrets
            .delete_secret()
            .secret_id(id)
            .force_delete_without_recovery(true)
            .send()
            .await
            .is_ok()
    }

    async fn drift(&self, sdk: &Sdk, id: &str) -> bool {
        sdk.secrets
            .update_secret()
            .secret_id(id)
            .description("somebody's")
            .send()
            .await
            .is_ok()
    }

    async fn foreign_tag(&self, sdk: &Sdk, id: &str, set: bool) -> Option<bool> {
        sdk.foreign_tag(id, set).await
    }
}

/// The number of days from now until it will be gone; `None` if it is there to stay.
async fn deletion_day(sdk: &Sdk, id: &str) -> Option<i64> {
    let secret = sdk
        .secrets
        .describe_secret()
        .secret_id(id)
        .send()
        .await
        .ok()?;
    let left =
        secret.deleted_date()?.secs() - aws_smithy_types::DateTime::from(SystemTime::now()).secs();
    Some((left + 43_200) / 86_400)
}

async fn value(sdk: &Sdk, id: &str) -> String {
    let answer = sdk
        .secrets
        .get_secret_value()
        .secret_id(id)
        .send()
        .await
        .expect("the value can be read");
    answer.secret_string().expect("it is text").to_owned()
}

#[tokio::test]
async fn secret() {
    check("e2e-secretsmanager-secret", &Secret).await;
}

#[tokio::test]
async fn a_value_is_made_as_its_rules_say_and_never_again() {
    let world = World::new("e2e-secret-rules").await;
    let resources = |rules: &str| {
        format!(
            "made: {{ type: aws:secretsmanager:Secret, properties: {{ name: e2e/secret-rules, recoveryWindowInDays: 7, generateSecretString: {rules} }} }}"
        )
    };
    let rules = "{ passwordLength: 24, excludePunctuation: true, excludeCharacters: aeiouAEIOU0123, requireEachIncludedType: false }";
    world.up(&resources(rules)).await;
    let id = world.id(&resources(rules), "made").await;
    let made = value(&world.sdk, &id).await;
    assert_eq!(made.len(), 24);
    assert!(
        made.chars()
            .all(|character| character.is_ascii_alphanumeric()
                && !"aeiouAEIOU0123".contains(character)),
        "{made}"
    );

    let ran = world.up(&resources("{ passwordLength: 40 }")).await;
    assert!(ran.plan.is_empty(), "a value is made once");
    assert_eq!(value(&world.sdk, &id).await, made);
    world.destroy(&resources(rules)).await;
}

#[tokio::test]
async fn a_secret_goes_after_the_window_that_the_file_gives_it() {
    let world = World::in_environment("e2e-secret-window", "staging").await;
    let resources = "kept: { type: aws:secretsmanager:Secret, properties: { name: e2e/secret-window, recoveryWindowInDays: 9 } }";
    world.up(resources).await;
    let id = world.id(resources, "kept").await;
    world.destroy(resources).await;
    assert_eq!(deletion_day(&world.sdk, &id).await, Some(9));
}

/// AWS's lists stay for minutes as they were when they were first asked for.
#[derive(Default)]
struct Behind(Mutex<BTreeMap<String, Vec<u8>>>);

impl Behind {
    fn is_list(call: &Call) -> bool {
        ["GetResources", "ListSecrets"].contains(&call.operation)
    }
}

impl Rule for Behind {
    fn before(&self, call: &Call) -> Option<Answer> {
        let answers = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        answers.get(call.operation).cloned().map(Answer::Raw)
    }

    fn after(&self, call: &Call, answer: Vec<u8>) -> Option<Vec<u8>> {
        if Self::is_list(call) {
            let mut answers = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            answers.insert(call.operation.to_owned(), answer.clone());
        }
        Some(answer)
    }
}

const LISTED: &str =
    "kept: { type: aws:secretsmanager:Secret, properties: { name: e2e/secret-listed } }";

#[tokio::test]
async fn a_secret_is_there_before_the_list_has_it() {
    let world = World::new("e2e-secret-not-listed").await;
    let resources = LISTED.replace("listed", "not-listed");
    world.up(&resources).await;
    let proxy = Proxy::before(endpoint(), |call| {
        let empty = Answer::Json(r#"{"SecretList":[]}"#);
        (call.operation == "ListSecrets").then_some(empty)
    });
    let program = Program::of(&world).with("AWS_ENDPOINT_URL", &proxy.endpoint);
    let ended = program.run(&resources, "preview", &["--expect-no-changes"]);
    assert_eq!(ended.status, Some(0), "{}", ended.screen);
    world.destroy(&resources).await;
}

#[tokio::test]
async fn a_secret_is_gone_although_the_lists_have_it() {
    let world = World::new("e2e-secret-listed").await;
    world.up(LISTED).await;
    let proxy = Proxy::before(endpoint(), nothing);
    proxy.begin(endpoint(), Behind::default());
    let program = Program::of(&world).with("AWS_ENDPOINT_URL", &proxy.endpoint);
    let ended = program.run(LISTED, "preview", &["--expect-no-changes"]);
    assert_eq!(ended.status, Some(0), "{}", ended.screen);

    let before = world.id(LISTED, "kept").await;
    assert!(Secret.vanish(&world.sdk, &before).await);
    let ended = program.run(LISTED, "up", &["--yes"]);
    assert_eq!(ended.status, Some(0), "{}", ended.screen);
    let after = world.id(LISTED, "kept").await;
    assert_ne!(after, before);
    world.destroy(LISTED).await;
}

/// AWS keeps the name for the old one: the request is for another value.
#[tokio::test]
async fn a_secret_that_is_replaced_on_request_has_another_value() {
    let world = World::new("e2e-secret-replaced").await;
    let resources = "kept: { type: aws:secretsmanager:Secret, properties: { name: e2e/secret-replaced, generateSecretString: { passwordLength: 32 } } }";
    world.up(resources).await;
    let id = world.id(resources, "kept").await;
    let value = async || {
        let asked = world.sdk.secrets.get_secret_value().secret_id(&id);
        let answer = asked.send().await.expect("it has a value");
        answer.secret_string.expect("a text")
    };
    let before = value().await;
    let program = Program::of(&world);
    let again = ["--yes", "--replace", "kept", "--allow-delete", "kept"];
    for _ in 0..2 {
        let ended = program.run(resources, "up", &again);
        assert_eq!(ended.status, Some(0), "{}", ended.screen);
    }
    let after = value().await;
    assert_ne!(after, before);
    let same = program.run(resources, "up", &["--yes"]);
    assert_eq!(same.mutating, [] as [String; 0], "{}", same.screen);
    assert_eq!(value().await, after);
    world.destroy(resources).await;
}

const GENERATED: &str = "made: { type: aws:secretsmanager:Secret, properties: { name: e2e/secret-made, recoveryWindowInDays: 7, generateSecretString: { passwordLength: 32 } } }";

/// Tags and names can be forged: what is found in the recovery window need not be of our making.
#[tokio::test]
async fn a_value_of_our_making_is_made_again_when_the_secret_is_restored() {
    let world = World::in_environment("e2e-secret-restored", "staging").await;
    let resources = GENERATED.replace("secret-made", "secret-restored");
    world.up(&resources).await;
    let id = world.id(&resources, "made").await;
    let before = value(&world.sdk, &id).await;
    world.destroy(&resources).await;
    assert_eq!(deletion_day(&world.sdk, &id).await, Some(7));
    world.up(&resources).await;
    assert_eq!(world.id(&resources, "made").await, id);
    let after = value(&world.sdk, &id).await;
    assert_ne!(after, before);
    assert_eq!(after.len(), 32);
    let again = world.up(&resources).await;
    assert!(again.plan.is_empty(), "{:#?}", again.plan);
    assert_eq!(value(&world.sdk, &id).await, after);
    world.destroy(&resources).await;
}

/// Its tags can be copied, and creation would bring it back and give it a value.
#[tokio::test]
async fn a_secret_of_others_that_is_scheduled_for_deletion_is_not_restored_by_its_tags() {
    let world = World::new("e2e-secret-foreign").await;
    let resources = GENERATED.replace("secret-made", "secret-foreign");
    let program = Program::of(&world);
    let ended = program.run(&resources, "up", &["--yes"]);
    assert_eq!(ended.status, Some(0), "{}", ended.screen);
    let id = world.id(&resources, "made").await;
    let described = world.sdk.secrets.describe_secret().secret_id(&id);
    let tags = described.send().await.expect("it is there").tags;
    world
        .sdk
        .secrets
        .delete_secret()
        .secret_id(&id)
        .force_delete_without_recovery(true)
        .send()
        .await
        .expect("it goes");
    let create = world.sdk.secrets.create_secret().name("e2e/secret-foreign");
    let theirs = create.secret_string("theirs").set_tags(tags).send().await;
    let theirs = theirs.expect("the name is free").arn.expect("an ARN");
    let delete = world.sdk.secrets.delete_secret().secret_id(&theirs);
    delete
        .recovery_window_in_days(7)
        .send()
        .await
        .expect("it is scheduled");
    let ended = program.run(&resources, "up", &["--yes"]);
    assert_eq!(ended.status, Some(5), "{}", ended.screen);
    assert!(
        ended.stderr.contains("made by no run of this stack"),
        "{}",
        ended.screen
    );
    assert_eq!(deletion_day(&world.sdk, &theirs).await, Some(7));
    let ended = program.run(&resources, "up", &["--yes", "--trust", &theirs]);
    assert_eq!(ended.status, Some(0), "{}", ended.screen);
    assert_ne!(value(&world.sdk, &theirs).await, "theirs");
    world.destroy(&resources).await;
}

#[tokio::test]
async fn a_restored_secret_whose_new_value_was_refused_gets_one_in_the_next_run() {
    let world = World::in_environment("e2e-secret-half", "staging").await;
    let resources = GENERATED.replace("secret-made", "secret-half");
    world.up(&resources).await;
    let id = world.id(&resources, "made").await;
    let before = value(&world.sdk, &id).await;
    world.destroy(&resources).await;
    let ended = {
        let denied = Refusal {
            status: 400,
            code: "AccessDeniedException",
            message: "User is not authorized to perform: secretsmanager:PutSecretValue",
        };
        let proxy = Proxy::before(endpoint(), move |call| {
            (call.operation == "PutSecretValue").then(|| denied.into())
        });
        let program = Program::of(&world).with("AWS_ENDPOINT_URL", &proxy.endpoint);
        program.run(&resources, "up", &["--yes"])
    };
    assert_eq!(ended.status, Some(4), "{}", ended.screen);
    assert_eq!(deletion_day(&world.sdk, &id).await, Some(7));
    let program = Program::of(&world);
    let ended = program.run(&resources, "up", &["--yes"]);
    assert_eq!(ended.status, Some(0), "{}", ended.screen);
    let after = value(&world.sdk, &id).await;
    assert_ne!(after, before);
    let ended = program.run(&resources, "up", &["--yes"]);
    assert_eq!(ended.status, Some(0), "{}", ended.screen);
    assert_eq!(ended.mutating, [] as [String; 0], "{}", ended.screen);
    assert_eq!(value(&world.sdk, &id).await, after);
    world.destroy(&resources).await;
}

/// A database's password would be known to the one who has put it there.
#[tokio::test]
async fn a_value_that_others_made_between_reading_and_creation_is_not_used() {
    let world = World::new("e2e-secret-between").await;
    let resources = GENERATED.replace("secret-made", "secret-between");
    let tag = |key: &str, value: String| Tag::builder().key(key).value(value).build();
    let stack = world.stack_tag();
    let urn = format!("urn:fde:{stack}::aws:secretsmanager:Secret::made");
    let create = world.sdk.secrets.create_secret();
    let create = create.name("e2e/secret-between").secret_string("known");
    let create = create
        .tags(tag("fde:stack", stack))
        .tags(tag("fde:urn", urn));
    create.send().await.expect("the secret is made");
    // It is not there yet when the run looks.
    let is_made = AtomicBool::new(false);
    let proxy = Proxy::before(endpoint(), move |call| {
        let none = Refusal {
            status: 400,
            code: "ResourceNotFoundException",
            message: "Secrets Manager can't find the specified secret.",
        };
        if call.operation == "CreateSecret" {
            is_made.store(true, Ordering::Relaxed);
        }
        let is_looked_for = call.operation == "DescribeSecret";
        (is_looked_for && !is_made.load(Ordering::Relaxed)).then(|| none.into())
    });
    let program = Program::of(&world).with("AWS_ENDPOINT_URL", &proxy.endpoint);
    let ended = program.run(&resources, "up", &["--yes"]);
    assert_eq!(ended.status, Some(0), "{}", ended.screen);
    let made = value(&world.sdk, "e2e/secret-between").await;
    assert_ne!(made, "known");
    assert_eq!(made.len(), 32);
    world.destroy(&resources).await;
}
