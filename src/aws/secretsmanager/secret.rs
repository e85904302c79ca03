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

mod generated_value;
mod model;
mod search;

use futures_util::future::try_join_all;

pub use self::model::{GenerateSecretString, Inputs, Outputs};

use self::generated_value::{fit, generate};
use self::search::{describe, find, live, name_in};
use super::{Current, SecretText};
use crate::aws::context::Context;
use crate::aws::error::{AwsResult, expected};
use crate::aws::resource_type::{Change, Live, LiveOf, New, Old, ResourceType, adopt, check};
use crate::aws::wait::{Poll, Wait, until_visible};
use crate::resource::provider::{DataPolicy, Query, Remedy};
use crate::resource::{Condition, CreateClass, ErrorKind, Observed, ProviderError, Schema, Value};

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
        // An empty text means the key that AWS manages; an omitted one would keep the former key
        // (hashicorp/terraform-provider-aws#21623).
        let changed = |property: &str, text: &Option<String>| {
            let text = || text.clone().unwrap_or_default();
            change.touches(property).then(text)
        };
        until_visible(|| {
            let request = context
                .secrets
                .update_secret()
                .secret_id(&change.observed.id)
                .set_description(changed(Inputs::DESCRIPTION, &wanted.description))
                .set_kms_key_id(changed(Inputs::KMS_KEY_ID, &wanted.kms_key_id));
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

/// Restores a secret of the stack that is scheduled for deletion, even if it had another name in the file; one of another
/// owner stops the run. While a forced deletion goes on there is nothing left to restore, and the name becomes free in a
/// moment.
async fn restore(
    context: &Context,
    new: &New<'_, Secret>,
    value: Option<&str>,
    error: ProviderError,
) -> AwsResult<Poll<LiveOf<Secret>>> {
    let purged = || Poll::Pending("the former secret is being deleted".to_owned());
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
            "{id} is scheduled for deletion, has the tags of this secret, and was made by no run of this stack"
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

#[cfg(test)]
mod tests {
    use super::*;

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
}
