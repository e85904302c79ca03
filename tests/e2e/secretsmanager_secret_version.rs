//! `aws:secretsmanager:SecretVersion`.

use async_trait::async_trait;
use fde_infra::plan::Because;
use serde_json::{Value as Json, json};

use crate::common::commands::DONE;
use crate::common::program::Program;
use crate::common::proxy::{Proxy, Refusal};
use crate::common::resource_type::{Edit, Effect, ResourceTypeTest, check};
use crate::common::sdk::Sdk;
use crate::common::{World, endpoint};

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

/// AWS returns another error than for a secret that is not there, and the value is not available either way.
#[tokio::test]
async fn a_secret_in_its_recovery_window_has_no_value() {
    let world = World::new("e2e-secret-in-window").await;
    let name = "e2e/secret-in-window";
    let created = world.sdk.secrets.create_secret().name(name);
    let created = created.secret_string("theirs").send().await;
    let arn = created.expect("a secret can be made").arn.expect("an ARN");
    let deleted = world.sdk.secrets.delete_secret().secret_id(&arn);
    let deleted = deleted.recovery_window_in_days(7).send().await;
    deleted.expect("a secret can be deleted");
    for more in [
        "",
        "also: { type: aws:secretsmanager:SecretVersion, properties: { secretId: e2e/no-such-secret, secretString: ours } }",
    ] {
        let resources = format!(
            "value: {{ type: aws:secretsmanager:SecretVersion, properties: {{ secretId: '{name}', secretString: ours }} }}\n{more}"
        );
        let plan = world.preview(&resources).await;
        assert!(
            plan.steps
                .iter()
                .all(|step| step.because == Because::Missing),
            "{:#?}",
            plan.steps
        );
    }
    let purged = world.sdk.secrets.delete_secret().secret_id(&arn);
    let purged = purged.force_delete_without_recovery(true).send().await;
    purged.expect("a secret can be purged");
}

/// The role that previews a pull request has no right to the value, and needs none.
#[tokio::test]
async fn a_preview_says_which_value_it_may_not_read() {
    let name = "e2e-secret-value-unread";
    let world = World::new(name).await;
    let plain = Program::of(&world);
    let resources = format!(
        "secret: {{ type: aws:secretsmanager:Secret, properties: {{ name: {name} }} }}
value: {{ type: aws:secretsmanager:SecretVersion, properties: {{ secretId: '${{secret.arn}}', secretString: not-a-secret-0 }} }}"
    );
    let denied = Refusal {
        status: 400,
        code: "AccessDeniedException",
        message: "User: arn:aws:iam::123456789012:user/ci is not authorized to perform: secretsmanager:GetSecretValue",
    };
    let proxy = Proxy::before(endpoint(), move |call| {
        (call.operation == "GetSecretValue").then(|| denied.into())
    });
    let program = Program::of(&world).with("AWS_ENDPOINT_URL", &proxy.endpoint);
    let first = program.run(&resources, "preview", &[]);
    assert_eq!(first.status, DONE, "{}", first.screen);
    assert!(first.stdout.contains("+ 2 to create"), "{}", first.screen);
    assert_eq!(plain.run(&resources, "up", &["--yes"]).status, DONE);

    let preview = program.run(&resources, "preview", &["--expect-no-changes"]);
    assert_eq!(preview.status, DONE, "{}", preview.screen);
    assert!(
        preview.stderr.contains("value not compared"),
        "{}",
        preview.screen
    );
    assert!(preview.stderr.contains(name), "{}", preview.screen);
    let up = program.run(&resources, "up", &["--yes"]);
    assert_ne!(up.status, DONE, "{}", up.screen);
    assert_eq!(up.mutating, [] as [String; 0], "{}", up.screen);
    world.destroy(&resources).await;
}
