//! `aws:secretsmanager:SecretVersion`.

use async_trait::async_trait;
use serde_json::{Value as Json, json};

use crate::common::resource_type::{Edit, Effect, ResourceTypeTest, check};
use crate::common::sdk::Sdk;

struct SecretVersion;

#[async_trait]
impl ResourceTypeTest for SecretVersion {
    fn token(&self) -> &'static str {
        "aws:secretsmanager:SecretVersion"
    }

    fn needs(&self) -> &'static str {
        "secret: { type: aws:secretsmanager:Secret }
other: { type: aws:secretsmanager:Secret }"
    }

    fn base(&self) -> &'static str {
        "{ secretId: '${secret.arn}', secretString: zero }"
    }

    fn edits(&self) -> Vec<Edit> {
        vec![
            // The version before stays with its secret: AWS deletes no version by itself.
            Edit::moves(
                "/of",
                ("secretId: ${secret.arn}", "secret"),
                ("secretId: ${other.arn}", "other"),
            ),
            Edit {
                set: "secretString: one",
                change: "secretString: two",
                effect: Effect::InPlace,
                shows: "/value",
                after_set: json!("one"),
                after_change: json!("two"),
                after_removal: Some(json!("zero")),
            },
        ]
    }

    async fn look(&self, sdk: &Sdk, id: &str) -> Option<Json> {
        let (secret, _) = id.split_once('|').expect("a secret and a version");
        let answer = sdk
            .secrets
            .get_secret_value()
            .secret_id(secret)
            .send()
            .await
            .ok()?;
        Some(json!({
            "of": sdk.name_of(secret).await,
            "value": answer.secret_string(),
        }))
    }

    fn goes_with_its_parent(&self) -> bool {
        true
    }

    async fn vanish(&self, _sdk: &Sdk, _id: &str) -> bool {
        false
    }

    async fn drift(&self, sdk: &Sdk, id: &str) -> bool {
        let (secret, _) = id.split_once('|').expect("a secret and a version");
        sdk.secrets
            .put_secret_value()
            .secret_id(secret)
            .secret_string("somebody's")
            .send()
            .await
            .is_ok()
    }

    async fn foreign_tag(&self, _sdk: &Sdk, _id: &str, _set: bool) -> Option<bool> {
        None
    }
}

#[tokio::test]
async fn secret_version() {
    check("e2e-secretsmanager-secret-version", &SecretVersion).await;
}
