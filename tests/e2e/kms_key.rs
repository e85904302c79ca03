//! `aws:kms:Key`, and `kmsKey` at the head of the file.

use async_trait::async_trait;
use aws_sdk_kms::types::KeyState;
use serde_json::{Value as Json, json};

use crate::common::World;
use crate::common::program::Program;
use crate::common::resource_type::{Edit, ResourceTypeTest, check};
use crate::common::sdk::Sdk;

struct Key;

#[async_trait]
impl ResourceTypeTest for Key {
    fn token(&self) -> &'static str {
        "aws:kms:Key"
    }

    fn base(&self) -> &'static str {
        "{}"
    }

    fn edits(&self) -> Vec<Edit> {
        let policy = |sid: &str| {
            format!(
                "policy: {{ Version: '2012-10-17', Statement: [{{ Sid: {sid}, Effect: Allow, Principal: {{ AWS: \
                 'arn:aws:iam::123456789012:root' }}, Action: 'kms:*', Resource: '*' }}] }}"
            )
        };
        let (one, two) = (policy("One").leak(), policy("Two").leak());
        vec![
            Edit::in_place(
                "/description",
                ("description: one", "one"),
                ("description: two", "two"),
            )
            .removed(""),
            Edit::in_place("/policy", (one, "One"), (two, "Two"))
                .removed("Enable IAM User Permissions"),
            Edit::in_place(
                "/enabled",
                ("isEnabled: false", false),
                ("isEnabled: true", true),
            )
            .removed(true),
            Edit::in_place(
                "/rotation",
                ("enableKeyRotation: false", json!([false, null])),
                (
                    "enableKeyRotation: true\nrotationPeriodInDays: 100",
                    json!([true, 100]),
                ),
            )
            .removed(json!([false, null])),
            Edit::in_place(
                "/rotation",
                (
                    "enableKeyRotation: true\nrotationPeriodInDays: 90",
                    json!([true, 90]),
                ),
                (
                    "enableKeyRotation: true\nrotationPeriodInDays: 2560",
                    json!([true, 2560]),
                ),
            ),
        ]
    }

    fn without_a_row(&self) -> &'static [(&'static str, &'static str)] {
        &[("deletionWindowInDays", "AWS is told it with the deletion")]
    }

    async fn look(&self, sdk: &Sdk, id: &str) -> Option<Json> {
        let kms = &sdk.kms;
        let key = kms.describe_key().key_id(id).send().await.ok()?;
        let key = key.key_metadata?;
        if key.key_state() == Some(&KeyState::PendingDeletion) {
            return None;
        }
        let policy = kms.get_key_policy().key_id(id).policy_name("default");
        let policy = policy.send().await.ok()?.policy?;
        let policy: Json = serde_json::from_str(&policy).ok()?;
        let rotation = kms.get_key_rotation_status().key_id(id).send().await.ok()?;
        Some(json!({
            "description": key.description(),
            "policy": policy["Statement"][0]["Sid"],
            "enabled": key.enabled(),
            "rotation": [rotation.key_rotation_enabled(), rotation.rotation_period_in_days()],
        }))
    }

    async fn vanish(&self, sdk: &Sdk, id: &str) -> bool {
        let deleted = sdk.kms.schedule_key_deletion().key_id(id).send().await;
        deleted.is_ok()
    }

    /// AWS lists it until the day on which it goes.
    async fn is_left_on_purpose(&self, sdk: &Sdk, arn: &str) -> bool {
        is_about_to_go(sdk, arn).await
    }

    async fn drift(&self, sdk: &Sdk, id: &str) -> bool {
        let set = sdk.kms.update_key_description().key_id(id);
        set.description("changed by hand").send().await.is_ok()
    }

    async fn foreign_tag(&self, sdk: &Sdk, id: &str, set: bool) -> Option<bool> {
        let arn = format!("arn:aws:kms:eu-south-2:123456789012:key/{id}");
        sdk.foreign_tag(&arn, set).await
    }
}

/// Returns whether the deletion of a key is scheduled.
pub async fn is_about_to_go(sdk: &Sdk, arn: &str) -> bool {
    let key = sdk.kms.describe_key().key_id(arn).send().await;
    let key = key.ok().and_then(|key| key.key_metadata);
    key.and_then(|key| key.key_state) == Some(KeyState::PendingDeletion)
}

#[tokio::test]
async fn key() {
    check("e2e-kms-key", &Key).await;
}

/// A key that others have scheduled for deletion is neither made again, which would make all that it encrypts again, nor is
/// its deletion cancelled unasked.
#[tokio::test]
async fn a_key_whose_deletion_others_have_scheduled_is_said_with_the_way_back() {
    const FILE: &str = "\
key: { type: aws:kms:Key, properties: { deletionWindowInDays: 9 } }
name: { type: aws:kms:Alias, properties: { name: alias/e2e-kms-scheduled, targetKeyId: '${key.keyId}' } }
";
    let world = World::new("e2e-kms-scheduled").await;
    let kms = &world.sdk.kms;
    world.up(FILE).await;
    let id = world.id(FILE, "key").await;
    let schedule = kms.schedule_key_deletion().key_id(&id);
    schedule.send().await.expect("it is scheduled");
    let program = Program::of(&world);
    let ended = program.run_file(&world.file(FILE), "up", &["--yes"]);
    assert_eq!(ended.status, Some(4), "{}", ended.screen);
    let way = format!("aws kms cancel-key-deletion --key-id {id}");
    assert!(ended.raw.contains(&way), "{}", ended.screen);
    let cancel = kms.cancel_key_deletion().key_id(&id);
    cancel.send().await.expect("it is cancelled");
    // Then it is disabled, as AWS leaves it.
    world.up(FILE).await;
    let state = |key: &str| {
        let asked = kms.describe_key().key_id(key).send();
        async { asked.await.expect("a key").key_metadata.expect("a key") }
    };
    let enabled = state(&id).await;
    assert_eq!(enabled.key_state(), Some(&KeyState::Enabled));
    assert_eq!(world.id(FILE, "key").await, id);
    world.destroy(FILE).await;
    let gone = state(&id).await;
    assert_eq!(gone.key_state(), Some(&KeyState::PendingDeletion));
    let left =
        gone.deletion_date().expect("a date").secs() - gone.creation_date().expect("a date").secs();
    assert_eq!(left / 86_400, 9);
    // A key that we have let go is no key: the next one is another.
    world.up(FILE).await;
    assert_ne!(world.id(FILE, "key").await, id);
    world.destroy(FILE).await;
}

const PLATFORM: &str = "\
name: e2e-kms-platform
environment: dev
region: eu-south-2
account: '123456789012'
kmsKey: create
network: { natGateways: none }
database: {}
services: { api: { port: 8000, default: true, secrets: { DATABASE_URL: '${database.url}' } } }
loadBalancer: { allowHttp: true, accessLogs: {} }
monitoring: {}
";

/// AWS reports this key for everything that the sections make and that takes a key.
#[tokio::test]
async fn the_key_of_the_file_encrypts_what_the_sections_make() {
    let world = World::new("e2e-kms-platform").await;
    let sdk = &world.sdk;
    let program = Program::of(&world);
    let ended = program.run_file(PLATFORM, "up", &["--yes"]);
    assert_eq!(ended.status, Some(0), "{}", ended.screen);
    let named = sdk.kms.describe_key().key_id("alias/e2e-kms-platform-dev");
    let named = named.send().await.expect("the key has its name");
    let arn = named.key_metadata.expect("a key").arn.expect("an ARN");
    let key = Some(arn.as_str());

    let prefix = "e2e-kms-platform-dev";
    let databases = sdk.rds.describe_db_instances().send().await.expect("RDS");
    let mut databases = databases.db_instances().iter();
    let database = databases.find(|found| {
        let id = found.db_instance_identifier().unwrap_or_default();
        id.starts_with(prefix)
    });
    let database = database.expect("a database");
    assert_eq!(database.kms_key_id(), key);
    assert_eq!(database.performance_insights_kms_key_id(), key);
    let secrets = sdk.secrets.list_secrets().send().await.expect("secrets");
    let mut secrets = secrets.secret_list().iter();
    let secret = secrets.find(|found| found.name().is_some_and(|name| name.starts_with(prefix)));
    assert_eq!(secret.expect("a secret").kms_key_id(), key);
    let groups = sdk.logs.describe_log_groups();
    let groups = groups
        .log_group_name_pattern(prefix)
        .send()
        .await
        .expect("logs");
    let groups = groups.log_groups();
    assert!(groups.len() >= 2, "{groups:?}");
    for group in groups {
        assert_eq!(group.kms_key_id(), key, "{:?}", group.log_group_name());
    }
    let repositories = sdk.ecr.describe_repositories().send().await.expect("ECR");
    let mut repositories = repositories.repositories().iter();
    let repository = repositories.find(|found| {
        let name = found.repository_name().unwrap_or_default();
        name.starts_with(prefix)
    });
    let encryption = repository.and_then(|found| found.encryption_configuration());
    assert_eq!(encryption.expect("its encryption").kms_key(), key);
    let topic = format!("arn:aws:sns:eu-south-2:123456789012:{prefix}-monitoring-topic");
    let topic = sdk.sns.get_topic_attributes().topic_arn(topic).send().await;
    let attributes = topic.expect("a topic").attributes.expect("its attributes");
    assert_eq!(attributes.get("KmsMasterKeyId").map(String::as_str), key);

    // A database goes on with the key that it has: the key cannot go, even with consent to that alone.
    let off = PLATFORM.replace("kmsKey: create\n", "");
    let words = [
        "--yes",
        "--allow-delete",
        "kmsKey/key",
        "--allow-delete",
        "services/api/repository",
    ];
    let refused = program.run_file(&off, "up", &words);
    assert_eq!(refused.status, Some(5), "{}", refused.screen);
    assert!(
        refused.raw.contains("database/instance"),
        "{}",
        refused.screen
    );
    let again = program.run_file(PLATFORM, "preview", &["--expect-no-changes"]);
    assert_eq!(again.status, Some(0), "{}", again.screen);
    let gone = program.run_file(PLATFORM, "destroy", &["--yes"]);
    assert_eq!(gone.status, Some(0), "{}", gone.screen);
    let key = sdk.kms.describe_key().key_id(&arn).send().await;
    let key = key.expect("a key").key_metadata.expect("a key");
    assert_eq!(key.key_state(), Some(&KeyState::PendingDeletion));
}
