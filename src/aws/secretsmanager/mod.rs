//! Secrets Manager. Values are fetched by the types that need them, and kept in [`SecretText`], which never prints.

pub mod secret;
pub mod secret_version;
pub mod target_attachment;

use fde_infra_derive::operations;
use std::collections::{BTreeSet, HashMap};
use std::fmt;

use schemars::JsonSchema;
use serde::de::{DeserializeOwned, Error};
use serde::{Deserialize, Deserializer, Serialize};

use super::context::Context;
use super::error::{AwsResult, expected, expected_or_failed, kind};
use super::sdk_tag::{from_sdk, to_sdk};
use super::wait::until_visible;
use crate::resource::provider::Query;
use crate::resource::tags::short_hash;
use crate::resource::{ErrorKind, ProviderError, Urn, Value};

operations! {
    aws_sdk_secretsmanager, "secretsmanager":
    BatchGetSecretValue,
    CreateSecret,
    DeleteSecret,
    DescribeSecret,
    GetRandomPassword,
    GetSecretValue,
    PutSecretValue,
    RestoreSecret,
    TagResource,
    UntagResource,
    UpdateSecret,
}

/// Text that never prints.
#[derive(Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(transparent)]
pub struct SecretText(String);

/// Implemented by hand, because serde's own errors quote the text that they refuse.
impl<'de> Deserialize<'de> for SecretText {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        match serde_json::Value::deserialize(deserializer)? {
            serde_json::Value::String(text) => Ok(Self(text)),
            _ => Err(D::Error::custom("a secret must be text")),
        }
    }
}

impl fmt::Debug for SecretText {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("[secret]")
    }
}

impl SecretText {
    /// Returns the text itself, only for AWS calls.
    pub(super) fn expose(&self) -> &str {
        &self.0
    }

    /// Returns the fields of the JSON object in the text; `None` for anything else.
    fn fields(&self) -> Option<serde_json::Map<String, serde_json::Value>> {
        serde_json::from_str(&self.0).ok()
    }
}

/// The value of a secret that is in force.
#[derive(Debug, Clone)]
struct Current {
    version_id: String,
    text: SecretText,
}

/// Returns one secret's value; `None` if it has none yet, or holds bytes.
async fn current(context: &Context, id: &str) -> AwsResult<Option<Current>> {
    const OPERATION: &str = "secretsmanager:GetSecretValue";
    let answer = context
        .send(context.secrets.get_secret_value().secret_id(id))
        .await?;
    // A value may be binary, and then it has no text; the ARN is always there.
    expected(OPERATION, answer.arn, "`ARN`")?;
    Ok(answer.secret_string.map(|text| {
        context.hide(&text);
        Current {
            version_id: answer.version_id.unwrap_or_default(),
            text: SecretText(text),
        }
    }))
}

/// Returns the values of the secrets that the query's resources are part of, by their `secretId` in the file. Secrets
/// without a value are left out. Asked for once per reading.
async fn wanted_values(
    context: &Context,
    query: &Query<'_>,
) -> AwsResult<HashMap<String, Current>> {
    let ids: BTreeSet<&str> = query.wanted_names("secretId").into_iter().collect();
    let ids: Vec<&str> = ids.into_iter().collect();
    let key = format!("secretsmanager:GetSecretValue {}", ids.join(" "));
    let values = query.session.once(&key, || values(context, &ids)).await?;
    Ok(values.as_ref().clone())
}

async fn values(context: &Context, ids: &[&str]) -> AwsResult<HashMap<String, Current>> {
    const OPERATION: &str = "secretsmanager:BatchGetSecretValue";
    let mut values = HashMap::new();
    if let [id] = *ids {
        // The single call needs no permission besides the one that deployments have.
        let value = match current(context, id).await {
            Err(error) if error.is(ErrorKind::NotFound) => None,
            answer => answer?,
        };
        values.extend(value.map(|value| (id.to_owned(), value)));
        return Ok(values);
    }
    for ids in ids.chunks(20) {
        let request = context
            .secrets
            .batch_get_secret_value()
            .set_secret_id_list(Some(ids.iter().map(|id| (*id).to_owned()).collect()));
        let answer = context.send(request).await?;
        // A 200 answer may carry failures.
        for failure in answer.errors() {
            let code = failure.error_code().unwrap_or_default();
            let message = failure.message().unwrap_or_default();
            let kind = kind(code, message, 400);
            if kind != ErrorKind::NotFound {
                let mut error = ProviderError::new(kind, OPERATION, message);
                code.clone_into(&mut error.code);
                return Err(error);
            }
        }
        let has_failures = !answer.errors().is_empty();
        let found = answer.secret_values;
        for entry in expected_or_failed(OPERATION, found, has_failures, "`SecretValues`")? {
            let (arn, name) = (entry.arn, entry.name);
            let id = ids
                .iter()
                .find(|id| arn.as_deref() == Some(**id) || name.as_deref() == Some(**id));
            if let (Some(id), Some(text)) = (id, entry.secret_string) {
                context.hide(&text);
                let value = Current {
                    version_id: entry.version_id.unwrap_or_default(),
                    text: SecretText(text),
                };
                values.insert((*id).to_owned(), value);
            }
        }
    }
    Ok(values)
}

/// Returns the wanted inputs as live objects, for a preview that may not read the values.
fn assumed<Inputs: DeserializeOwned>(
    context: &Context,
    query: &Query<'_>,
    error: ProviderError,
) -> AwsResult<Vec<Inputs>> {
    let mut assumed = Vec::new();
    for wanted in query.wanted {
        let inputs = serde_json::Value::from(&Value::Object(wanted.inputs.clone()));
        let id = wanted.inputs.get("secretId").and_then(Value::as_str);
        // An object that refers to one that does not exist yet does not exist either.
        if let (Some(id), Ok(inputs)) = (id, serde_json::from_value(inputs)) {
            if !error.is(ErrorKind::Denied) || !context.pass_uncompared(id) {
                return Err(error);
            }
            assumed.push(inputs);
        }
    }
    if assumed.is_empty() {
        Err(error)
    } else {
        Ok(assumed)
    }
}

/// Puts a value in force. Returns the id of its version.
///
/// The token names the version, so a repeat of the call changes nothing. See [`next_version`] and [`same_password`].
async fn put_value(
    context: &Context,
    id: &str,
    token: &str,
    text: &SecretText,
) -> AwsResult<String> {
    context.hide(text.expose());
    let answer = until_visible(|| {
        let request = context
            .secrets
            .put_secret_value()
            .secret_id(id)
            .client_request_token(token)
            .secret_string(text.expose());
        context.send(request)
    })
    .await?;
    Ok(answer.version_id.unwrap_or_else(|| token.to_owned()))
}

/// The digits of each of the two parts of a version id; AWS accepts 32 to 64 characters.
const VERSION_DIGITS: usize = 32;

/// Returns the version that follows another. It is derived from the replaced version and not from the value: a version id,
/// which many callers may read, reveals nothing about the value.
fn next_version(urn: &Urn, id: &str, previous: Option<&Current>) -> String {
    let previous = previous.map_or("", |value| value.version_id.as_str());
    short_hash(&format!("{urn}\n{id}\n{previous}"), VERSION_DIGITS)
}

/// Does the same as [`next_version`], for a change that keeps the password: [`content_version`] is the same.
fn same_password(urn: &Urn, id: &str, previous: Option<&Current>) -> String {
    let content = previous.map(|value| content_version(&value.version_id));
    format!(
        "{}{}",
        content.unwrap_or_else(|| content_version("")),
        next_version(urn, id, previous)
    )
}

/// Returns the part of a version id that stays the same from one version of a secret to the next as long as the password
/// does, as far as this program writes the versions.
fn content_version(version_id: &str) -> String {
    let is_ours = version_id.len() == 2 * VERSION_DIGITS
        && version_id.bytes().all(|byte| byte.is_ascii_hexdigit());
    if is_ours {
        version_id[..VERSION_DIGITS].to_owned()
    } else {
        short_hash(version_id, VERSION_DIGITS)
    }
}

/// Returns one key of a secret that holds a JSON object. The secret may have been made a moment ago.
///
/// # Errors
/// [`ErrorKind::Invalid`] if the secret has no such key.
pub(super) async fn key_of(context: &Context, id: &str, key: &str) -> AwsResult<SecretText> {
    let value = until_visible(|| current(context, id)).await?;
    value
        .and_then(|value| value.text.fields())
        .and_then(|fields| fields.get(key)?.as_str().map(str::to_owned))
        .map(|text| {
            context.hide(&text);
            SecretText(text)
        })
        .ok_or_else(|| {
            ProviderError::new(
                ErrorKind::Invalid,
                "secretsmanager:GetSecretValue",
                format!("the secret `{id}` holds no JSON object with a text under `{key}`"),
            )
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_version_with_the_same_password_is_told_from_another() {
        let stack = crate::resource::StackId {
            name: "shop".into(),
            environment: "dev".into(),
        };
        let urn = Urn::new(&stack, "t:t:T", "x");
        let current = |version_id: String| Current {
            version_id,
            text: SecretText(String::new()),
        };
        let first = current("0a1b2c3d-0000-1111-2222-333344445555".into());
        let second = current(same_password(&urn, "s", Some(&first)));
        let third = current(same_password(&urn, "s", Some(&second)));
        assert_ne!(second.version_id, third.version_id);
        for other in [&second, &third] {
            assert_eq!(
                content_version(&first.version_id),
                content_version(&other.version_id)
            );
            assert!(other.version_id.len() <= 64);
        }
        let changed = next_version(&urn, "s", Some(&third));
        assert_ne!(
            content_version(&changed),
            content_version(&third.version_id)
        );
    }

    #[test]
    fn secret_text_never_prints() {
        let text = SecretText(r#"{"password": "hunter2"}"#.to_owned());
        assert_eq!(format!("{text:?}"), "[secret]");
        assert_eq!(text.fields().unwrap()["password"], "hunter2");
        assert!(SecretText("hunter2".to_owned()).fields().is_none());
        let refused = serde_json::from_str::<SecretText>("424242").unwrap_err();
        assert!(!refused.to_string().contains("424242"));
    }
}
