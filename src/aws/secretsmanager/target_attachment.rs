//! Where a database is, written into the secret that holds its password: CloudFormation's `SecretTargetAttachment`.
//!
//! - It has no tags: it is part of the secret's JSON, and goes with the secret. Deleting it alone leaves the keys there.
//! - `url` is made of the other keys, the password among them. It never leaves this file: what is compared is whether it
//!   is there and fits, so that a rotated password shows as a `url` to be written anew.
//! - Keys of others in the JSON stay.

use async_trait::async_trait;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::SecretText;
use crate::aws::context::Context;
use crate::aws::error::AwsResult;
use crate::aws::resource_type::{Change, Live, LiveOf, New, ResourceType};
use crate::aws::wait::until_visible;
use crate::resource::provider::{DataPolicy, Progress, Query};
use crate::resource::{
    Condition, CreateClass, ErrorKind, Property, ProviderError, Schema, Tags, Urn,
};

/// What a URL's user, password and path may hold as they are.
const ENCODED: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~');

/// The keys that a database's secret gets beside its password.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Inputs {
    /// ARN or name of the secret. It must hold a JSON object with `password`, and with `username` unless that is given.
    pub secret_id: String,
    /// The database's engine: `postgres`, `mysql`, `mariadb` or another.
    pub engine: String,
    pub host: String,
    pub port: u16,
    pub dbname: String,
    /// Default: what the secret holds.
    pub username: Option<String>,
    /// Whether to keep a connection string under `url`, such as `postgresql://user:password@host:5432/name`. Default:
    /// true.
    pub url: Option<bool>,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Outputs {}

pub struct TargetAttachment;

#[async_trait]
impl ResourceType for TargetAttachment {
    type Inputs = Inputs;
    type Outputs = Outputs;

    fn schema(&self) -> Schema {
        Schema::new::<Inputs>(
            "fde:secretsmanager:TargetAttachment",
            CreateClass::PartOfParent,
        )
        .key(&["secretId"])
        .shared_claim("value of a secret", "secretId")
        .reads_after(&["aws:secretsmanager:Secret"])
        .made_by_aws()
        .goes_with_parent()
        .hangs_on("secretId", "aws:secretsmanager:Secret")
        .properties([
            Property::new("secretId").required().replaces(),
            Property::new("engine").required(),
            Property::new("host").required(),
            Property::new("port").required(),
            Property::new("dbname").required(),
            Property::new("username").server_chooses(),
            Property::new("url").default(true),
        ])
    }

    async fn read(&self, context: &Context, query: Query<'_>) -> AwsResult<Vec<LiveOf<Self>>> {
        let values = super::wanted_values(context, &query).await?;
        Ok(values
            .iter()
            .filter_map(|(id, value)| Some(live(observed(id, &value.text.fields()?)?)))
            .collect())
    }

    async fn create(
        &self,
        context: &Context,
        new: New<'_, Self::Inputs>,
    ) -> AwsResult<LiveOf<Self>> {
        write(context, new.urn, new.inputs).await
    }

    async fn update(&self, context: &Context, change: Change<'_, Self>) -> AwsResult<LiveOf<Self>> {
        write(context, change.urn, change.wanted).await
    }

    async fn delete(
        &self,
        _context: &Context,
        _live: &LiveOf<Self>,
        _data: DataPolicy,
        _progress: &dyn Progress,
    ) -> AwsResult<()> {
        Ok(())
    }
}

/// Brings the secret's keys to what is wanted, as they are at this moment.
async fn write(
    context: &Context,
    urn: &Urn,
    wanted: &Inputs,
) -> AwsResult<LiveOf<TargetAttachment>> {
    let id = &wanted.secret_id;
    let current = until_visible(|| super::current(context, id)).await?;
    let before = current
        .as_ref()
        .and_then(|value| value.text.fields())
        .ok_or_else(|| invalid(format!("the secret `{id}` holds no JSON object")))?;
    let after = merged(before.clone(), wanted)?;
    if after != before {
        let text = SecretText(Value::from(after.clone()).to_string());
        let token = super::same_password(urn, id, current.as_ref());
        super::put_value(context, id, &token, &text).await?;
    }
    Ok(live(observed(id, &after).unwrap_or_else(|| wanted.clone())))
}

/// The secret's keys with the wanted ones among them.
fn merged(mut fields: Map<String, Value>, wanted: &Inputs) -> AwsResult<Map<String, Value>> {
    fields.insert("engine".to_owned(), wanted.engine.clone().into());
    fields.insert("host".to_owned(), wanted.host.clone().into());
    fields.insert("port".to_owned(), wanted.port.into());
    fields.insert("dbname".to_owned(), wanted.dbname.clone().into());
    if let Some(username) = &wanted.username {
        fields.insert("username".to_owned(), username.clone().into());
    }
    if wanted.url == Some(false) {
        fields.remove("url");
        return Ok(fields);
    }
    let url = url(&fields).ok_or_else(|| {
        let id = &wanted.secret_id;
        match scheme(&wanted.engine) {
            Some(_) => invalid(format!(
                "the secret `{id}` lacks a text under `username` or `password`, which `url` is made of"
            )),
            None => invalid(format!(
                "no `url` is known for the engine `{}`; set `url: false`",
                wanted.engine
            )),
        }
    })?;
    fields.insert("url".to_owned(), url.into());
    Ok(fields)
}

/// The connection string that fits the other keys.
fn url(fields: &Map<String, Value>) -> Option<String> {
    let text = |key: &str| fields.get(key).and_then(Value::as_str);
    let encoded = |key: &str| Some(utf8_percent_encode(text(key)?, ENCODED).to_string());
    Some(format!(
        "{}://{}:{}@{}:{}/{}",
        scheme(text("engine")?)?,
        encoded("username")?,
        encoded("password")?,
        text("host")?,
        port(fields)?,
        encoded("dbname")?
    ))
}

fn scheme(engine: &str) -> Option<&'static str> {
    match engine {
        "postgres" | "postgresql" | "aurora-postgresql" => Some("postgresql"),
        "mysql" | "mariadb" | "aurora-mysql" => Some("mysql"),
        _ => None,
    }
}

/// Rotation functions write the port as a number or as text.
fn port(fields: &Map<String, Value>) -> Option<u16> {
    match fields.get("port")? {
        Value::Number(number) => number.as_u64()?.try_into().ok(),
        Value::String(text) => text.parse().ok(),
        _ => None,
    }
}

/// The open keys of a secret's JSON; `None` if no database was ever written into it.
fn observed(secret_id: &str, fields: &Map<String, Value>) -> Option<Inputs> {
    let text = |key: &str| fields.get(key).and_then(Value::as_str).map(str::to_owned);
    Some(Inputs {
        secret_id: secret_id.to_owned(),
        host: text("host")?,
        engine: text("engine").unwrap_or_default(),
        port: port(fields).unwrap_or_default(),
        dbname: text("dbname").unwrap_or_default(),
        username: text("username"),
        // One that does not fit is neither: it has to be written anew, or to go.
        url: match fields.get("url") {
            None => Some(false),
            found => (found.and_then(Value::as_str) == url(fields).as_deref()).then_some(true),
        },
    })
}

fn live(inputs: Inputs) -> LiveOf<TargetAttachment> {
    Live {
        id: inputs.secret_id.clone(),
        arn: None,
        inputs,
        outputs: Outputs {},
        tags: Tags::default(),
        condition: Condition::Ready,
    }
}

fn invalid(message: String) -> ProviderError {
    ProviderError::new(
        ErrorKind::Invalid,
        "fde:secretsmanager:TargetAttachment",
        message,
    )
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn wanted() -> Inputs {
        Inputs {
            secret_id: "s".to_owned(),
            engine: "postgres".to_owned(),
            host: "db.example".to_owned(),
            port: 5432,
            dbname: "shop".to_owned(),
            username: None,
            url: Some(true),
        }
    }

    fn fields(value: serde_json::Value) -> Map<String, Value> {
        serde_json::from_value(value).unwrap()
    }

    #[test]
    fn the_keys_join_those_of_others() {
        let before = fields(json!({"username": "app", "password": "p@ss/1", "note": 1}));
        let after = merged(before, &wanted()).unwrap();
        assert_eq!(
            after["url"],
            "postgresql://app:p%40ss%2F1@db.example:5432/shop"
        );
        assert_eq!((&after["note"], &after["port"]), (&json!(1), &json!(5432)));
        let read = observed("s", &after).unwrap();
        assert_eq!(read.url, Some(true));
        assert_eq!(read.username.as_deref(), Some("app"));
    }

    #[test]
    fn a_url_that_no_longer_fits_is_seen() {
        let before = fields(json!({"username": "app", "password": "one"}));
        let mut after = merged(before, &wanted()).unwrap();
        after.insert("password".to_owned(), "two".into());
        assert_eq!(observed("s", &after).unwrap().url, None);
        after.remove("url");
        assert_eq!(observed("s", &after).unwrap().url, Some(false));
        after.remove("host");
        assert_eq!(observed("s", &after), None);
    }

    #[test]
    fn what_cannot_be_composed_is_refused() {
        assert!(merged(fields(json!({"username": "app"})), &wanted()).is_err());
        let other = Inputs {
            engine: "db2".to_owned(),
            ..wanted()
        };
        let complete = json!({"username": "app", "password": "one"});
        assert!(merged(fields(complete.clone()), &other).is_err());
        let without = Inputs {
            url: Some(false),
            ..other
        };
        assert!(merged(fields(complete), &without).is_ok());
    }
}
