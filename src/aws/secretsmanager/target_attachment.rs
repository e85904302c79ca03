//! The address of a database, written into the secret that holds its password: CloudFormation's `SecretTargetAttachment`.
//!
//! - It has no tags: it is part of the secret's JSON, and is deleted with the secret. Deleting only the attachment leaves
//!   the keys there. It is read from there each time, so that keys that a change of the secret has removed come back
//!   (aws/aws-cdk#10800).
//! - `url` is made of the other keys, the password among them. It never leaves this file: the comparison is whether it
//!   exists and fits, so that a rotated password shows as a `url` to be written again. Its parts are percent-encoded:
//!   passwords have `#` and `%` in them (aws-amplify/amplify-category-api#2624,
//!   terraform-aws-modules/terraform-aws-rds#533).
//! - `url` says how a connection is to be secured: from version 15 on, PostgreSQL on RDS refuses connections without TLS,
//!   and not every client tries TLS by itself (pgbouncer/pgbouncer#812).
//!   <https://www.postgresql.org/docs/current/libpq-connect.html#LIBPQ-PARAMKEYWORDS>
//! - Keys of other owners in the JSON stay, the rotated password among them (hashicorp/terraform-provider-aws#31635).

mod url;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use self::url::{MODES, POSTGRES, Tls, VERIFY, default_mode, port, scheme, tls_of, url};
use super::SecretText;
use crate::aws::context::Context;
use crate::aws::error::AwsResult;
use crate::aws::resource_type::{Change, Live, LiveOf, New, NoOutputs, Old, ResourceType, check};
use crate::aws::wait::until_visible;
use crate::resource::provider::Query;
use crate::resource::{
    Condition, CreateClass, ErrorKind, InvalidInput, Observed, Pending, Properties, PropertyTable,
    ProviderError, Schema, Tags, Until, Urn, Value as Input,
};

/// The keys that a database's secret gets besides its password.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema, PropertyTable)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Inputs {
    /// The ARN or name of the secret. It must hold a JSON object with `password`, and with `username` unless that is given.
    #[property(required, replaces)]
    pub secret_id: String,
    /// The database's engine: `postgres`, `mysql`, `mariadb` or another.
    #[property(required)]
    pub engine: String,
    #[property(required)]
    pub host: String,
    #[property(required)]
    pub port: u16,
    #[property(required)]
    pub dbname: String,
    /// The user name. Default: the one in the secret.
    #[property(server_chooses)]
    pub username: Option<String>,
    /// True if a connection string is kept under `url`, such as `postgresql://user:password@host:5432/name`.
    #[property(default(true))]
    pub url: Option<bool>,
    /// The mode that `url` requires of a connection to PostgreSQL: `disable`, `require`, or `verify-full`, which needs
    /// `sslRootCert`. Other engines have no parameter for it that their clients share. Default: `require` for PostgreSQL.
    pub ssl_mode: Option<String>,
    /// The path of the certificates that the server's certificate is checked with, where the application runs. With
    /// `verify-full`.
    pub ssl_root_cert: Option<String>,
}

impl Inputs {
    /// Returns the same inputs, with the engine's default mode if none is given.
    fn settled(mut self) -> Self {
        if self.ssl_mode.is_none() && self.url != Some(false) {
            self.ssl_mode = default_mode(&self.engine).map(str::to_owned);
        }
        self
    }
}

/// Fills in the mode, which the engine decides; without a URL, there is none.
fn keep_live(desired: &mut Properties, _observed: &Properties) {
    if desired.get("url") == Some(&false.into()) {
        desired.remove("sslMode");
        desired.remove("sslRootCert");
        return;
    }
    let engine = desired.get("engine").and_then(Input::as_str);
    if !desired.contains_key("sslMode")
        && let Some(mode) = engine.and_then(default_mode)
    {
        desired.insert("sslMode".to_owned(), mode.into());
    }
}

/// Returns the pending change of an old URL without a mode, which gets the present default.
fn new_default(live: &Observed) -> Vec<Pending> {
    let engine = live.inputs.get("engine").and_then(Input::as_str);
    let is_plain = live.inputs.get("url") == Some(&true.into())
        && live.inputs.get("sslMode").is_none_or(Input::is_null);
    let mode = engine.and_then(default_mode).filter(|_| is_plain);
    let pending = mode.map(|mode| Pending {
        what: format!("sslMode {mode}"),
        until: Until::NewDefault,
    });
    pending.into_iter().collect()
}

fn fit(inputs: &Inputs) -> Vec<InvalidInput> {
    let mut invalid_inputs = Vec::new();
    let decide = ["sslMode", "sslRootCert", "engine"];
    let mode = inputs.ssl_mode.as_deref();
    let mut refuse = |property: &'static str, reason: &str| {
        invalid_inputs.push(InvalidInput::new(property, reason).decided_by(decide));
    };
    match mode {
        Some(mode) if !MODES.contains(&mode) => {
            refuse("sslMode", "takes `disable`, `require` or `verify-full`");
        }
        Some(_) if scheme(&inputs.engine) != Some(POSTGRES) => refuse(
            "sslMode",
            "is for PostgreSQL; clients of other engines each have a setting of their own for it",
        ),
        Some(VERIFY) if inputs.ssl_root_cert.is_none() => {
            refuse("sslMode", "`verify-full` needs `sslRootCert`");
        }
        _ => {}
    }
    if inputs.ssl_root_cert.is_some() && mode != Some(VERIFY) {
        refuse("sslRootCert", "goes with `sslMode: verify-full`");
    }
    invalid_inputs
}

pub struct TargetAttachment;

impl ResourceType for TargetAttachment {
    type Inputs = Inputs;
    type Outputs = NoOutputs;

    fn schema(&self) -> Schema {
        Schema::of::<Inputs, NoOutputs>(
            "fde:secretsmanager:TargetAttachment",
            CreateClass::PartOfParent,
        )
        .key(&[Inputs::SECRET_ID])
        .shared_claim("value of a secret", Inputs::SECRET_ID)
        .reads_after(&["aws:secretsmanager:Secret"])
        .made_by_aws()
        .goes_with_parent()
        .child_of(Inputs::SECRET_ID, "aws:secretsmanager:Secret")
        .checks(|inputs| check(inputs, fit))
        .server_managed(keep_live)
        .pending(new_default)
    }

    async fn ahead(&self, context: &Context, query: Query<'_>) {
        drop(super::wanted_values(context, &query).await);
    }

    async fn read(&self, context: &Context, query: Query<'_>) -> AwsResult<Vec<LiveOf<Self>>> {
        let values = match super::wanted_values(context, &query).await {
            Err(error) => {
                let assumed = super::assumed::<Inputs>(context, &query, error)?;
                return Ok(assumed.into_iter().map(Inputs::settled).map(live).collect());
            }
            values => values?,
        };
        Ok(values
            .iter()
            .filter_map(|(id, value)| Some(live(observed(id, &value.text.fields()?)?)))
            .collect())
    }

    async fn create(&self, context: &Context, new: New<'_, Self>) -> AwsResult<LiveOf<Self>> {
        write(context, new.urn, new.inputs).await
    }

    async fn update(&self, context: &Context, change: Change<'_, Self>) -> AwsResult<LiveOf<Self>> {
        write(context, change.urn, change.wanted).await
    }

    async fn delete(&self, _context: &Context, _old: Old<'_, Self>) -> AwsResult<()> {
        Ok(())
    }
}

/// Updates the secret's keys, as they are at this moment, to the wanted ones.
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

/// Returns the secret's keys with the wanted ones among them.
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
    let tls = Tls {
        mode: wanted
            .ssl_mode
            .as_deref()
            .or_else(|| default_mode(&wanted.engine)),
        root_cert: wanted.ssl_root_cert.as_deref(),
    };
    let url = url(&fields).map(|url| url + &tls.query()).ok_or_else(|| {
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

/// Returns the non-secret keys of a secret's JSON; `None` if no database was ever written into it.
fn observed(secret_id: &str, fields: &Map<String, Value>) -> Option<Inputs> {
    let text = |key: &str| fields.get(key).and_then(Value::as_str).map(str::to_owned);
    // A URL that does not fit counts as neither: it has to be written again, or removed.
    let (url, (ssl_mode, ssl_root_cert)) = match fields.get("url") {
        None => (Some(false), (None, None)),
        Some(found) => {
            let fitting = found.as_str().zip(url(fields));
            match fitting.and_then(|(found, fitting)| tls_of(found, &fitting)) {
                Some(tls) => (Some(true), tls),
                None => (None, (None, None)),
            }
        }
    };
    Some(Inputs {
        secret_id: secret_id.to_owned(),
        host: text("host")?,
        engine: text("engine").unwrap_or_default(),
        port: port(fields).unwrap_or_default(),
        dbname: text("dbname").unwrap_or_default(),
        username: text("username"),
        url,
        ssl_mode,
        ssl_root_cert,
    })
}

fn live(inputs: Inputs) -> LiveOf<TargetAttachment> {
    Live {
        id: inputs.secret_id.clone(),
        arn: None,
        inputs,
        outputs: NoOutputs {},
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
    use crate::resource::value::properties;

    fn wanted() -> Inputs {
        Inputs {
            secret_id: "s".to_owned(),
            engine: "postgres".to_owned(),
            host: "db.example".to_owned(),
            port: 5432,
            dbname: "shop".to_owned(),
            username: None,
            url: Some(true),
            ssl_mode: None,
            ssl_root_cert: None,
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
            "postgresql://app:p%40ss%2F1@db.example:5432/shop?sslmode=require"
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
    fn a_url_says_how_the_connection_is_secured_and_is_read_back_so() {
        let secret = || fields(json!({"username": "app", "password": "one"}));
        let plain = "postgresql://app:one@db.example:5432/shop";
        for (mode, path, query) in [
            (None, None, "?sslmode=require"),
            (Some("require"), None, "?sslmode=require"),
            (Some("disable"), None, "?sslmode=disable"),
            (
                Some("verify-full"),
                Some("/etc/ssl/rds ca.pem"),
                "?sslmode=verify-full&sslrootcert=/etc/ssl/rds%20ca.pem",
            ),
        ] {
            let wanted = Inputs {
                ssl_mode: mode.map(str::to_owned),
                ssl_root_cert: path.map(str::to_owned),
                ..wanted()
            };
            let after = merged(secret(), &wanted).unwrap();
            assert_eq!(after["url"], format!("{plain}{query}"));
            let read = observed("s", &after).unwrap();
            assert_eq!(read.url, Some(true), "{query}");
            assert_eq!(read.ssl_mode.as_deref(), mode.or(Some("require")));
            assert_eq!(read.ssl_root_cert.as_deref(), path);
        }
        let mysql = Inputs {
            engine: "mysql".to_owned(),
            ..wanted()
        };
        let after = merged(secret(), &mysql).unwrap();
        assert_eq!(after["url"], "mysql://app:one@db.example:5432/shop");
        assert_eq!(observed("s", &after).unwrap().ssl_mode, None);
    }

    /// Additions of another party are not kept, and an older stack has a row that says why the URL is written again.
    #[test]
    fn a_url_of_others_does_not_fit_and_an_old_one_gets_the_default() {
        let mut after = merged(
            fields(json!({"username": "app", "password": "one"})),
            &wanted(),
        )
        .unwrap();
        let plain = "postgresql://app:one@db.example:5432/shop";
        for query in [
            "?sslmode=prefer",
            "?sslmode=require&connect_timeout=5",
            "?connect_timeout=5",
            "x",
        ] {
            after.insert("url".to_owned(), format!("{plain}{query}").into());
            assert_eq!(observed("s", &after).unwrap().url, None, "{query}");
        }
        after.insert("url".to_owned(), plain.into());
        let old = observed("s", &after).unwrap();
        assert_eq!((old.url, &old.ssl_mode), (Some(true), &None));
        assert_eq!(old.settled().ssl_mode.as_deref(), Some("require"));
        let live = |mode: Input| Observed {
            token: "fde:secretsmanager:TargetAttachment".to_owned(),
            id: "s".to_owned(),
            arn: None,
            inputs: properties([
                ("engine", "postgres".into()),
                ("url", true.into()),
                ("sslMode", mode),
            ]),
            outputs: Properties::new(),
            tags: Tags::default(),
            condition: Condition::Ready,
        };
        let told = new_default(&live(Input::Null));
        assert_eq!(told[0].what, "sslMode require");
        assert_eq!(new_default(&live("disable".into())), []);
    }

    #[test]
    fn a_mode_goes_with_postgresql_and_with_certificates() {
        for (engine, mode, path, refused) in [
            ("postgres", None, None, None),
            ("postgres", Some("disable"), None, None),
            ("postgres", Some("verify-full"), Some("/ca.pem"), None),
            ("postgres", Some("verify-full"), None, Some("sslMode")),
            (
                "postgres",
                Some("require"),
                Some("/ca.pem"),
                Some("sslRootCert"),
            ),
            ("postgres", Some("prefer"), None, Some("sslMode")),
            ("mysql", Some("require"), None, Some("sslMode")),
            ("mysql", None, None, None),
        ] {
            let inputs = Inputs {
                engine: engine.to_owned(),
                ssl_mode: mode.map(str::to_owned),
                ssl_root_cert: path.map(str::to_owned),
                ..wanted()
            };
            let invalid_inputs = fit(&inputs);
            let found = invalid_inputs
                .first()
                .map(|invalid_input| invalid_input.at.clone());
            assert_eq!(found.as_deref(), refused, "{engine} {mode:?} {path:?}");
        }
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
