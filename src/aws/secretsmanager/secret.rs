//! Secret.
//!
//! - A deleted secret keeps its name through its recovery window. One of ours in that state is restored, with the value that
//!   another party has put there. A generated value is generated again: tags and names can be forged, and the value found
//!   may be known to the party that put it there. The former value stays as `AWSPREVIOUS`; a database with that password
//!   gets the new one.
//! - A forced deletion goes on for a while after its answer, and holds the name until it ends.
//! - The ARN ends in six random characters: a secret made again under the same name has another.
//! - `ListSecrets` lags by up to five minutes: it does not have secrets that `up` has just made, and still has those that
//!   `destroy` has deleted. `DescribeSecret` costs a call per secret, of which AWS allows thousands per second, and is up to
//!   date. <https://docs.aws.amazon.com/secretsmanager/latest/apireference/API_ListSecrets.html>

use aws_sdk_secretsmanager::operation::describe_secret::DescribeSecretOutput;
use futures_util::future::try_join_all;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Current, SecretText};
use crate::aws::answer::text;
use crate::aws::context::Context;
use crate::aws::error::{AwsResult, expected, if_there};
use crate::aws::kms::canonical_key;
use crate::aws::policy::to_text;
use crate::aws::resource_type::{Change, Live, LiveOf, New, Old, ResourceType, adopt, check};
use crate::aws::wait::{Poll, Wait, until_visible};
use crate::resource::provider::{DataPolicy, Query, Remedy};
use crate::resource::text_rule::is_plain;
use crate::resource::{
    Condition, CreateClass, ErrorKind, InvalidInput, Observed, OutputTable, PropertyTable,
    ProviderError, Schema, StackId, TextRule, Value,
};

/// A secret, with or without a value that is generated once.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema, PropertyTable)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Inputs {
    /// The name: 1 to 512 letters, digits and `/_+=.@-`. AWS advises against names that end in a hyphen and six characters:
    /// an ARN without the characters that AWS adds to it would be taken for a complete one.
    #[property(replaces, text(NAME))]
    pub name: String,
    /// The description: at most 2048 characters.
    #[property(text(TextRule::new(0..=2048)))]
    pub description: Option<String>,
    /// The id, ARN or alias of the KMS key. Default: `alias/aws/secretsmanager`.
    #[property(canonical(named_key), regional)]
    pub kms_key_id: Option<String>,
    /// The days in which a deleted secret can be restored, 7 to 30. Used if data is to be kept on deletion.
    #[schemars(range(min = 7, max = 30))]
    #[property(default(30), write_only)]
    pub recovery_window_in_days: i64,
    /// A value to generate at random when the secret is created or restored. Later changes have no effect.
    #[property(write_only)]
    pub generate_secret_string: Option<GenerateSecretString>,
}

/// The rules for a generated value, as in CloudFormation.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct GenerateSecretString {
    /// A JSON object, or its text, that gets the password under `generateStringKey`. Without it the value is the password.
    pub secret_string_template: Option<serde_json::Value>,
    pub generate_string_key: Option<String>,
    /// The length: 1 to 4096 characters. Default: 32.
    #[schemars(range(min = 1, max = 4096))]
    pub password_length: Option<i64>,
    /// The characters that the password must not have, such as `"@/\`.
    pub exclude_characters: Option<String>,
    /// True if the password has no punctuation. Default: false.
    pub exclude_punctuation: Option<bool>,
    /// True if the password has at least one lower-case letter, upper-case letter, digit and punctuation mark each. Default:
    /// true.
    pub require_each_included_type: Option<bool>,
}

#[derive(Debug, Clone, Serialize, Deserialize, OutputTable)]
#[serde(rename_all = "camelCase")]
pub struct Outputs {
    /// A different text for each password that comes into force; `None` if the secret rotates by itself, since then the
    /// rotation updates the database. It reveals nothing about the value.
    pub content_version: Option<String>,
}

const NAME: TextRule = TextRule::new(1..=512).of(
    |c| is_plain(c) || "/_+=.@-".contains(c),
    "letters, digits and `/_+=.@-`",
);

pub struct Secret;

impl ResourceType for Secret {
    type Inputs = Inputs;
    type Outputs = Outputs;

    fn schema(&self) -> Schema {
        Schema::of::<Inputs, Outputs>("aws:secretsmanager:Secret", CreateClass::Token)
            .found_by_name()
            .named(Inputs::NAME, 512)
            .avoids(ends_like_an_arn)
            .leaves(left)
            .comes_back()
            .blockers(&[])
            .checks(|inputs| check(inputs, fit))
    }

    fn id_in<'a>(&self, arn: &'a str) -> Option<&'a str> {
        Some(arn)
    }

    async fn read(&self, context: &Context, query: Query<'_>) -> AwsResult<Vec<LiveOf<Self>>> {
        let names = query.wanted_names("name");
        // Under a name of the file, the index may still have a deleted secret.
        let others = query.indexed.iter().map(|entry| entry.arn.as_str());
        let others = others.filter(|arn| !names.contains(name_in(arn)));
        let asked = names.iter().copied().chain(others);
        let found = try_join_all(asked.map(|id| find(context, id, query.stack))).await?;
        let mut found: Vec<LiveOf<Self>> = found
            .into_iter()
            .flatten()
            .filter(|secret| {
                secret.tags.belongs_to(query.stack) || names.contains(secret.inputs.name.as_str())
            })
            .collect();
        for secret in &mut found {
            let owner = secret.tags.owner();
            let wanted = query
                .wanted
                .iter()
                .find(|wanted| Some(&wanted.urn) == owner.as_ref());
            // AWS does not store the window; it is needed when the secret is deleted.
            if let Some(days) = wanted
                .and_then(|wanted| wanted.inputs.get("recoveryWindowInDays"))
                .and_then(Value::as_number)
            {
                secret.inputs.recovery_window_in_days = days as i64;
            }
        }
        Ok(found)
    }

    async fn create(&self, context: &Context, new: New<'_, Self>) -> AwsResult<LiveOf<Self>> {
        let inputs = new.inputs;
        let value = match &inputs.generate_secret_string {
            Some(rules) => Some(generate(context, rules).await?),
            None => None,
        };
        let (new, value) = (&new, &value);
        Wait::short("secretsmanager:CreateSecret", 2, new.progress)
            .until(|| async move {
                let request = context
                    .secrets
                    .create_secret()
                    .name(&inputs.name)
                    .client_request_token(new.client_token(0))
                    .set_description(inputs.description.clone())
                    .set_kms_key_id(inputs.kms_key_id.clone())
                    .set_secret_string(value.clone())
                    .set_tags(Some(super::to_sdk(new.tags)));
                let created = context.send(request).await;
                match created {
                    Ok(answer) => {
                        let version = answer.version_id.as_deref();
                        let content_version = version.map(super::content_version);
                        let arn = expected("secretsmanager:CreateSecret", answer.arn, "an ARN")?;
                        Ok(Poll::Ready(Live {
                            id: arn.clone(),
                            arn: Some(arn),
                            inputs: inputs.clone(),
                            outputs: Outputs { content_version },
                            tags: new.tags.clone(),
                            condition: Condition::Ready,
                        }))
                    }
                    Err(error) if error.is(ErrorKind::AlreadyExists) => {
                        // With our token and our value it would have been a success: another party has made the secret since
                        // the read.
                        let met = until_visible(|| describe(context, &inputs.name)).await?;
                        let met = adopt(new.tags, live(&met), error)?;
                        let met = with_value(context, new, met, value.as_deref()).await?;
                        Ok(Poll::Ready(met))
                    }
                    // The name is held by a secret that is scheduled for deletion.
                    Err(error) if error.is(ErrorKind::InUse) => {
                        restore(context, new, value.as_deref(), error).await
                    }
                    Err(error) => Err(error),
                }
            })
            .await
    }

    async fn update(&self, context: &Context, change: Change<'_, Self>) -> AwsResult<LiveOf<Self>> {
        let wanted = change.wanted;
        let description = change
            .diff
            .touches(Inputs::DESCRIPTION)
            .then(|| wanted.description.clone().unwrap_or_default());
        // An empty text means the key that AWS manages; an omitted one would keep the former key
        // (hashicorp/terraform-provider-aws#21623).
        let key = change
            .diff
            .touches(Inputs::KMS_KEY_ID)
            .then(|| wanted.kms_key_id.clone().unwrap_or_default());
        until_visible(|| {
            let request = context
                .secrets
                .update_secret()
                .secret_id(&change.observed.id)
                .set_description(description.clone())
                .set_kms_key_id(key.clone());
            context.send(request)
        })
        .await?;
        Ok(change.applied())
    }

    async fn delete(&self, context: &Context, old: Old<'_, Self>) -> AwsResult<()> {
        let request = context.secrets.delete_secret().secret_id(&old.live.id);
        let request = match old.data {
            DataPolicy::Snapshot => {
                request.recovery_window_in_days(old.live.inputs.recovery_window_in_days)
            }
            DataPolicy::Discard => request.force_delete_without_recovery(true),
        };
        let deleted = context.send(request).await;
        match deleted {
            // It is scheduled for deletion already.
            Err(error) if !error.is(ErrorKind::InUse) => Err(error),
            _ => Ok(()),
        }
    }
}

/// Returns whether a name ends in a hyphen and six characters, as a secret's ARN does.
/// <https://docs.aws.amazon.com/secretsmanager/latest/apireference/API_CreateSecret.html>
fn ends_like_an_arn(name: &str) -> bool {
    name.rsplit_once('-').is_some_and(|(_, end)| {
        end.len() == 6 && end.bytes().all(|byte| byte.is_ascii_alphanumeric())
    })
}

/// Returns what stays of a secret that is deleted with its data kept.
fn left(secret: &Observed) -> Option<String> {
    let days = secret.inputs.get("recoveryWindowInDays")?.as_number()?;
    Some(format!("it can be restored for {days} days"))
}

/// Returns the key if it is a named one: the key that AWS manages is reported as no key at all.
fn named_key(key: Value) -> Value {
    match canonical_key(key) {
        key if key.as_str() == Some("alias/aws/secretsmanager") => Value::Null,
        key => key,
    }
}

/// Returns the name in a secret's ARN, which ends in a hyphen and six characters.
fn name_in(arn: &str) -> &str {
    let name = arn.split_once(":secret:").map_or(arn, |(_, name)| name);
    name.rsplit_once('-').map_or(name, |(name, _)| name)
}

/// Returns one secret by name or ARN, whether it is scheduled for deletion or not.
async fn describe(context: &Context, id: &str) -> AwsResult<DescribeSecretOutput> {
    const OPERATION: &str = "secretsmanager:DescribeSecret";
    let answer = context
        .send(context.secrets.describe_secret().secret_id(id))
        .await?;
    // Without them, it would be a secret of another owner, or none.
    expected(OPERATION, answer.arn(), "`ARN`")?;
    expected(OPERATION, answer.name(), "`Name`")?;
    Ok(answer)
}

/// Returns one secret by name or ARN. One of ours that is scheduled for deletion is left out: the create restores it. One
/// that does not belong to the stack holds the name until AWS deletes it.
async fn find(context: &Context, id: &str, stack: &StackId) -> AwsResult<Option<LiveOf<Secret>>> {
    let Some(secret) = if_there(describe(context, id).await)? else {
        return Ok(None);
    };
    let live = live(&secret);
    let is_held = secret.deleted_date().is_some();
    Ok(Some(live).filter(|live| !is_held || !live.tags.belongs_to(stack)))
}

fn live(secret: &DescribeSecretOutput) -> LiveOf<Secret> {
    Live {
        id: text(secret.arn()),
        arn: secret.arn().map(str::to_owned),
        inputs: Inputs {
            name: text(secret.name()),
            description: secret
                .description()
                .filter(|text| !text.is_empty())
                .map(str::to_owned),
            kms_key_id: secret.kms_key_id().map(str::to_owned),
            recovery_window_in_days: 30,
            generate_secret_string: None,
        },
        outputs: Outputs {
            content_version: version_in_force(secret),
        },
        tags: super::from_sdk(secret.tags()),
        condition: Condition::Ready,
    }
}

/// Returns the version in force: <https://docs.aws.amazon.com/secretsmanager/latest/apireference/API_DescribeSecret.html>
fn version_in_force(secret: &DescribeSecretOutput) -> Option<String> {
    if secret.rotation_enabled() == Some(true) {
        return None;
    }
    let is_in_force = |stages: &Vec<String>| stages.iter().any(|stage| stage == "AWSCURRENT");
    secret
        .version_ids_to_stages()?
        .iter()
        .find(|(_, stages)| is_in_force(stages))
        .map(|(id, _)| super::content_version(id))
}

/// Restores a secret of the stack that is scheduled for deletion, even if it had another name in the file; one of another
/// owner stops the run. While a forced deletion goes on there is nothing left to restore, and the name becomes free in a
/// moment.
async fn restore(
    context: &Context,
    new: &New<'_, Secret>,
    value: Option<&str>,
    error: ProviderError,
) -> AwsResult<Poll<LiveOf<Secret>>> {
    let purged = || Poll::Pending("its former self is being deleted".to_owned());
    let met = describe(context, &new.inputs.name).await;
    let met = match met.map(|met| live(&met)) {
        Ok(met) if met.tags.belongs_to(new.urn.stack()) => {
            if !context.has_made(new.urn, &met.id) {
                return Err(of_others(&met.id, error));
            }
            met
        }
        Ok(met) => adopt(new.tags, met, error)?,
        Err(gone) if gone.is(ErrorKind::NotFound) => return Ok(purged()),
        Err(error) => return Err(error),
    };
    let restored = context
        .send(context.secrets.restore_secret().secret_id(&met.id))
        .await;
    match restored {
        Ok(_) => {
            let id = met.id.clone();
            match with_value(context, new, met, value).await {
                Ok(met) => Ok(Poll::Ready(met)),
                // With its former value, the next run would take it for one that we have made.
                Err(error) => Err(hold_again(context, new, &id, error).await),
            }
        }
        Err(gone) if gone.is(ErrorKind::NotFound) => Ok(purged()),
        Err(error) => Err(error),
    }
}

/// Returns the refusal to restore a secret whose tags are the only evidence that it is the stack's.
fn of_others(id: &str, error: ProviderError) -> ProviderError {
    let remedy = format!(
        "if others made it, give yours another name, or wait until it is gone; if the stack made it and its record is lost, \
         add `--trust {id}`; then run"
    );
    ProviderError {
        kind: ErrorKind::NotOurs,
        message: format!(
            "{id} is scheduled for deletion, bears the tags of this secret, and was made by no run of this stack"
        ),
        remedy: Some(Remedy::new(remedy)),
        ..error
    }
}

/// Schedules the deletion of a secret that was restored and could not be filled, and adds the reason to the error if that
/// fails as well.
async fn hold_again(
    context: &Context,
    new: &New<'_, Secret>,
    id: &str,
    error: ProviderError,
) -> ProviderError {
    let days = new.inputs.recovery_window_in_days;
    let request = context
        .secrets
        .delete_secret()
        .secret_id(id)
        .recovery_window_in_days(days);
    let again = context.send(request).await;
    match again {
        Ok(_) => error,
        Err(left) => ProviderError {
            message: format!(
                "{}; the secret is restored with its former value, and could not be deleted again: {}",
                error.message, left.message
            ),
            ..error
        },
    }
}

/// Puts the generated value, if there is to be one, into an existing secret that this run has met.
async fn with_value(
    context: &Context,
    new: &New<'_, Secret>,
    mut met: LiveOf<Secret>,
    value: Option<&str>,
) -> AwsResult<LiveOf<Secret>> {
    let Some(value) = value else {
        return Ok(met);
    };
    let before = Current {
        version_id: met.outputs.content_version.take().unwrap_or_default(),
        text: SecretText(String::new()),
    };
    let token = super::next_version(new.urn, &met.id, Some(&before));
    let value = SecretText(value.to_owned());
    let version = super::put_value(context, &met.id, &token, &value).await?;
    met.outputs.content_version = Some(super::content_version(&version));
    Ok(met)
}

/// Generates a new value. It goes into the call that makes or fills the secret, and nowhere else.
async fn generate(context: &Context, rules: &GenerateSecretString) -> AwsResult<String> {
    let request = context
        .secrets
        .get_random_password()
        .set_password_length(rules.password_length)
        .set_exclude_characters(rules.exclude_characters.clone())
        .set_exclude_punctuation(rules.exclude_punctuation)
        .set_require_each_included_type(rules.require_each_included_type);
    let answer = context.send(request).await?;
    let password = expected(
        "secretsmanager:GetRandomPassword",
        answer.random_password,
        "a password",
    )?;
    Ok(compose(rules, password))
}

fn fit(inputs: &Inputs) -> Vec<InvalidInput> {
    const PROPERTY: &str = "generateSecretString";
    if !(7..=30).contains(&inputs.recovery_window_in_days) {
        return vec![InvalidInput::new("recoveryWindowInDays", "takes 7 to 30")];
    }
    let Some(rules) = &inputs.generate_secret_string else {
        return Vec::new();
    };
    match (&rules.secret_string_template, &rules.generate_string_key) {
        (Some(template), Some(_)) if fields_of(template).is_none() => {
            let at = format!("{PROPERTY}.secretStringTemplate");
            vec![InvalidInput::new(at, "is not a JSON object")]
        }
        (Some(_), Some(_)) | (None, None) => Vec::new(),
        _ => {
            let reason = "`secretStringTemplate` and `generateStringKey` need each other";
            vec![InvalidInput::new(PROPERTY, reason).decided_by([])]
        }
    }
}

type Fields = serde_json::Map<String, serde_json::Value>;

fn fields_of(template: &serde_json::Value) -> Option<Fields> {
    serde_json::from_str(&to_text(template)).ok()
}

/// Puts the password in its place in the template.
fn compose(rules: &GenerateSecretString, password: String) -> String {
    let template = rules.secret_string_template.as_ref().and_then(fields_of);
    let (Some(mut fields), Some(key)) = (template, &rules.generate_string_key) else {
        return password;
    };
    fields.insert(key.clone(), password.into());
    serde_json::Value::from(fields).to_string()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn composed(rules: serde_json::Value) -> Result<String, InvalidInput> {
        let inputs = json!({"name": "n", "recoveryWindowInDays": 7, "generateSecretString": rules});
        let inputs: Inputs = serde_json::from_value(inputs).unwrap();
        if let Some(invalid_input) = fit(&inputs).pop() {
            return Err(invalid_input);
        }
        let rules = inputs.generate_secret_string.unwrap();
        Ok(compose(&rules, "pa\"ss".to_owned()))
    }

    #[test]
    fn a_password_goes_where_the_template_wants_it() {
        assert_eq!(composed(json!({})).unwrap(), "pa\"ss");
        for template in [json!({"username": "app"}), json!("{\"username\": \"app\"}")] {
            let rules = json!({"secretStringTemplate": template, "generateStringKey": "password"});
            assert_eq!(
                composed(rules).unwrap(),
                r#"{"password":"pa\"ss","username":"app"}"#
            );
        }
        assert!(composed(json!({"generateStringKey": "password"})).is_err());
        let list = json!({"secretStringTemplate": [], "generateStringKey": "password"});
        assert!(composed(list).is_err());
    }

    #[test]
    fn a_name_that_ends_as_an_arn_does_is_told() {
        assert!(ends_like_an_arn("shop-dev-database-secret"));
        for name in [
            "shop-dev-password",
            "secret",
            "shop/secret",
            "shop-dev-secret-1a2b3c4d",
        ] {
            assert!(!ends_like_an_arn(name), "{name}");
        }
    }

    #[test]
    fn an_arn_holds_the_name() {
        let arn = "arn:aws:secretsmanager:r:1:secret:shop/dev-db-AbCdEf";
        assert_eq!(name_in(arn), "shop/dev-db");
    }

    #[test]
    fn the_key_that_aws_manages_is_no_key() {
        assert!(named_key("alias/aws/secretsmanager".into()).is_null());
        assert_eq!(named_key("arn:aws:kms:r:1:key/k".into()), "k".into());
        // A secret whose key is an alias is described with the alias's ARN.
        let described = named_key("arn:aws:kms:r:1:alias/shop".into());
        assert_eq!(named_key("alias/shop".into()), described);
        assert!(named_key("arn:aws:kms:r:1:alias/aws/secretsmanager".into()).is_null());
    }
}
