//! `fde:secretsmanager:TargetAttachment`.

use async_trait::async_trait;
use serde_json::{Value as Json, json};

use crate::common::resource_type::{Edit, Effect, ResourceTypeTest, check};
use crate::common::sdk::Sdk;

struct TargetAttachment;

/// The JSON that a secret holds.
async fn fields(sdk: &Sdk, secret: &str) -> Option<Json> {
    let answer = sdk
        .secrets
        .get_secret_value()
        .secret_id(secret)
        .send()
        .await
        .ok()?;
    Some(serde_json::from_str(answer.secret_string()?).expect("the secret holds JSON"))
}

fn edit(set: &'static str, change: &'static str, shows: &'static str, values: [Json; 2]) -> Edit {
    let [after_set, after_change] = values;
    Edit {
        set,
        change,
        effect: Effect::InPlace,
        shows,
        after_set,
        after_change,
        after_removal: None,
    }
}

#[async_trait]
impl ResourceTypeTest for TargetAttachment {
    fn token(&self) -> &'static str {
        "fde:secretsmanager:TargetAttachment"
    }

    fn needs(&self) -> &'static str {
        "
secret:
  type: aws:secretsmanager:Secret
  properties:
    generateSecretString: { secretStringTemplate: { username: app, theirs: kept }, generateStringKey: password, excludePunctuation: true }
other:
  type: aws:secretsmanager:Secret
  properties:
    generateSecretString: { secretStringTemplate: { username: app, theirs: kept }, generateStringKey: password, excludePunctuation: true }
"
    }

    fn base(&self) -> &'static str {
        "{ secretId: '${secret.arn}', engine: postgres, host: db.example, port: 5432, dbname: shop }"
    }

    fn edits(&self) -> Vec<Edit> {
        vec![
            Edit::moves(
                "/secret",
                ("secretId: ${secret.arn}", "secret"),
                ("secretId: ${other.arn}", "other"),
            )
            .removed("secret"),
            edit(
                "engine: postgres",
                "engine: mysql",
                "/engine",
                [json!("postgres"), json!("mysql")],
            ),
            edit(
                "host: one.example",
                "host: two.example",
                "/host",
                [json!("one.example"), json!("two.example")],
            ),
            edit("port: 1", "port: 2", "/port", [json!(1), json!(2)]),
            edit(
                "dbname: one",
                "dbname: two",
                "/dbname",
                [json!("one"), json!("two")],
            ),
            edit(
                "username: one",
                "username: two",
                "/username",
                [json!("one"), json!("two")],
            ),
            Edit {
                after_removal: Some(json!("require")),
                ..edit(
                    "sslMode: require",
                    "sslMode: disable",
                    "/mode",
                    [json!("require"), json!("disable")],
                )
            },
            edit(
                "{ sslMode: verify-full, sslRootCert: /etc/one.pem }",
                "{ sslMode: verify-full, sslRootCert: /etc/two.pem }",
                "/certificates",
                [json!("/etc/one.pem"), json!("/etc/two.pem")],
            ),
            Edit {
                after_removal: Some(json!(true)),
                ..edit(
                    "url: true",
                    "url: false",
                    "/fits",
                    [json!(true), Json::Null],
                )
            },
        ]
    }

    async fn look(&self, sdk: &Sdk, id: &str) -> Option<Json> {
        let fields = fields(sdk, id).await?;
        assert_eq!(fields["theirs"], "kept");
        let text = |key: &str| fields[key].as_str().expect("it is text").to_owned();
        let scheme = match fields["engine"].as_str() {
            Some("postgres") => "postgresql",
            _ => "mysql",
        };
        let expected = format!(
            "{scheme}://{}:{}@{}:{}/{}",
            text("username"),
            text("password"),
            text("host"),
            fields["port"],
            text("dbname"),
        );
        let url = fields["url"].as_str();
        let (base, query) = url.map_or(("", ""), |url| url.split_once('?').unwrap_or((url, "")));
        let asked = |name: &str| {
            let mut parts = query.split('&').filter_map(|part| part.split_once('='));
            parts.find(|(key, _)| *key == name).map(|(_, value)| value)
        };
        Some(json!({
            "secret": sdk.name_of(id).await,
            "engine": fields["engine"],
            "host": fields["host"],
            "port": fields["port"],
            "dbname": fields["dbname"],
            "username": fields["username"],
            "fits": url.map(|_| base == expected),
            "mode": asked("sslmode"),
            "certificates": asked("sslrootcert"),
        }))
    }

    fn goes_with_its_parent(&self) -> bool {
        true
    }

    async fn vanish(&self, _sdk: &Sdk, _id: &str) -> bool {
        false
    }

    /// A rotation that forgets the connection string.
    async fn drift(&self, sdk: &Sdk, id: &str) -> bool {
        let mut fields = fields(sdk, id).await.expect("the secret is there");
        fields["password"] = json!("rotated");
        sdk.secrets
            .put_secret_value()
            .secret_id(id)
            .secret_string(fields.to_string())
            .send()
            .await
            .is_ok()
    }

    async fn foreign_tag(&self, _sdk: &Sdk, _id: &str, _set: bool) -> Option<bool> {
        None
    }
}

#[tokio::test]
async fn target_attachment() {
    check("e2e-secretsmanager-target-attachment", &TargetAttachment).await;
}
