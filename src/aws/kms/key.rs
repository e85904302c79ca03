//! Key: symmetric, for encryption, in one region, with material that KMS generates.
//!
//! - `CreateKey` takes neither token nor name: a retry makes a duplicate, so it is never retried blindly.
//! - Its policy is the only access to it, even for IAM: `CreateKey` and `PutKeyPolicy` refuse one that would lock the caller
//!   out. Principals that were made a moment ago make it malformed: hashicorp/terraform-provider-aws#24696.
//! - A deletion is scheduled, 7 to 30 days ahead, and makes all data that the key has encrypted unreadable, snapshots
//!   included. Until then it can be cancelled; the tag index goes on listing the key. A key that we delete has lost its
//!   aliases before: so the deletion of a key with an alias was scheduled by another party, and is to be cancelled by hand;
//!   a key without one counts as gone (crossplane-contrib/provider-aws#849).
//! - Changes take seconds until all of KMS sees them (hashicorp/terraform#8562), and until the services that call it do: the
//!   creation of objects with a new key is retried.
//! - Rotation can only be switched for an enabled key; a disabled one does not rotate, and keeps the setting.
//!   <https://docs.aws.amazon.com/kms/latest/developerguide/rotate-keys.html>

mod default_policy;
mod model;
pub(super) mod search;

use std::collections::BTreeSet;

use aws_sdk_kms::types::KeyState;
use futures_util::future::{try_join, try_join_all};

pub use self::model::{Inputs, Outputs};

use self::default_policy::default_policy;
use self::model::WINDOW_DAYS;
use self::search::{POLICY, describe, list, list_tags, look, outputs, state_of, tags_of_others};
use super::{KEY, OF_AWS, aliases};
use crate::aws::context::Context;
use crate::aws::error::{AwsResult, expected, if_there};
use crate::aws::policy::{check_form, to_policy_text};
use crate::aws::resource_type::{Change, Live, LiveOf, New, Old, ResourceType, check};
use crate::aws::sdk_tag::to_sdk;
use crate::aws::states::{self, KMS_KEY};
use crate::aws::wait::{Poll, Wait, until_visible};
use crate::resource::provider::{DataPolicy, Progress, Query};
use crate::resource::{
    Condition, CreateClass, ErrorKind, InvalidInput, Observed, ProviderError, Schema, Value,
};

/// The default rotation period: <https://docs.aws.amazon.com/kms/latest/APIReference/API_EnableKeyRotation.html>
const ROTATION_DAYS: i64 = 365;

pub struct Key;

impl ResourceType for Key {
    type Inputs = Inputs;
    type Outputs = Outputs;

    fn schema(&self) -> Schema {
        Schema::of::<Inputs, Outputs>(KEY, CreateClass::TagsOnly)
            .stateful()
            .comes_back()
            .aftermath(until_it_goes)
            .checks(|inputs| [check(inputs, fit), check_form(inputs, Inputs::POLICY)].concat())
    }

    fn id_in<'a>(&self, arn: &'a str) -> Option<&'a str> {
        super::key_in(arn)
    }

    async fn read(&self, context: &Context, query: Query<'_>) -> AwsResult<Vec<LiveOf<Self>>> {
        let indexed = query.indexed.iter();
        let indexed: BTreeSet<&str> = indexed.filter_map(|one| super::key_in(&one.arn)).collect();
        let aliases = aliases(context, query.session);
        let (aliases, all) = try_join(aliases, async {
            if query.is_settled() {
                return Ok(Vec::new());
            }
            list(context).await
        })
        .await?;
        let of_aws: BTreeSet<&str> = aliases
            .iter()
            .filter(|alias| alias.alias_name().unwrap_or_default().starts_with(OF_AWS))
            .filter_map(|alias| alias.target_key_id())
            .collect();
        let named: BTreeSet<&str> = aliases
            .iter()
            .filter_map(|alias| alias.target_key_id())
            .collect();
        let others = all.iter().map(String::as_str);
        let others = others.filter(|id| !indexed.contains(id) && !of_aws.contains(id));
        let looked = others.map(|id| async move {
            let tags = tags_of_others(context, id).await?;
            let tags = tags.filter(|tags| tags.belongs_to(query.stack));
            Ok(tags.map(|tags| (id, tags)))
        });
        let known = indexed.iter().map(|id| async move {
            let arn = context.arn("kms", &format!("key/{id}"));
            let tags = match query.settled_tags(&arn) {
                Some(tags) => Some(tags.clone()),
                None => if_there(list_tags(context, id).await)?,
            };
            Ok::<_, ProviderError>(tags.map(|tags| (*id, tags)))
        });
        let (known, looked) = try_join(try_join_all(known), try_join_all(looked)).await?;
        let found = known.into_iter().chain(looked).flatten();
        let named = &named;
        let read = found.map(|(id, tags)| async move {
            let found = if_there(look(context, id, tags).await)?;
            Ok(found.filter(|(state, live)| {
                *state != KeyState::PendingDeletion || named.contains(live.id.as_str())
            }))
        });
        let read: Vec<Option<(KeyState, LiveOf<Self>)>> = try_join_all(read).await?;
        let mut keys: Vec<LiveOf<Self>> = read.into_iter().flatten().map(|(_, key)| key).collect();
        for key in &mut keys {
            let owner = key.tags.owner();
            let mut wanted = query.wanted.iter();
            let wanted = wanted.find(|wanted| Some(&wanted.urn) == owner.as_ref());
            // AWS gets the window when the key is deleted.
            if let Some(days) = wanted
                .and_then(|wanted| wanted.inputs.get("deletionWindowInDays"))
                .and_then(Value::as_number)
            {
                key.inputs.deletion_window_in_days = days as i64;
            }
        }
        Ok(keys)
    }

    async fn create(&self, context: &Context, new: New<'_, Self>) -> AwsResult<LiveOf<Self>> {
        const OPERATION: &str = "kms:CreateKey";
        let inputs = new.inputs;
        let tags = to_sdk(new.tags);
        let request = context
            .kms
            .create_key()
            .set_description(inputs.description.clone())
            .set_policy(inputs.policy.as_ref().map(to_policy_text))
            .set_tags(Some(tags.clone()));
        let answer = context.send_once(request).await?;
        let key = expected(OPERATION, answer.key_metadata, "`KeyMetadata`")?;
        Ok(Live {
            id: key.key_id.clone(),
            arn: key.arn.clone(),
            inputs: Inputs {
                is_enabled: true,
                enable_key_rotation: false,
                rotation_period_in_days: None,
                ..inputs.clone()
            },
            outputs: outputs(&key),
            tags: new.tags.clone(),
            condition: states::condition(KMS_KEY, state_of(&key).as_str()),
        })
    }

    /// Updates the key. A change of the rotation requires an enabled key: so it is enabled before and disabled after.
    async fn update(&self, context: &Context, change: Change<'_, Self>) -> AwsResult<LiveOf<Self>> {
        let Change {
            wanted,
            observed,
            diff,
            ..
        } = &change;
        let (kms, id) = (&context.kms, &observed.id);
        if diff.touches(Inputs::DESCRIPTION) {
            let text = wanted.description.clone().unwrap_or_default();
            until_visible(|| {
                context.send(kms.update_key_description().key_id(id).description(&text))
            })
            .await?;
        }
        if diff.touches(Inputs::POLICY) {
            let policy = wanted.policy.as_ref().map_or_else(
                || default_policy(&context.partition, &context.account_id).to_string(),
                to_policy_text,
            );
            until_visible(|| {
                let request = kms
                    .put_key_policy()
                    .key_id(id)
                    .policy_name(POLICY)
                    .policy(&policy);
                context.send(request)
            })
            .await?;
        }
        if diff.touches(Inputs::IS_ENABLED) && wanted.is_enabled {
            until_visible(|| context.send(kms.enable_key().key_id(id))).await?;
        }
        if diff.touches(Inputs::ENABLE_KEY_ROTATION)
            || diff.touches(Inputs::ROTATION_PERIOD_IN_DAYS)
        {
            if wanted.enable_key_rotation {
                let days = wanted.rotation_period_in_days.unwrap_or(ROTATION_DAYS);
                once_enabled("kms:EnableKeyRotation", change.progress, || {
                    let request = kms
                        .enable_key_rotation()
                        .key_id(id)
                        .rotation_period_in_days(days as i32);
                    context.send(request)
                })
                .await?;
            } else if observed.inputs.enable_key_rotation {
                once_enabled("kms:DisableKeyRotation", change.progress, || {
                    context.send(kms.disable_key_rotation().key_id(id))
                })
                .await?;
            }
        }
        if diff.touches(Inputs::IS_ENABLED) && !wanted.is_enabled {
            until_visible(|| context.send(kms.disable_key().key_id(id))).await?;
        }
        Ok(change.applied())
    }

    async fn wait(
        &self,
        context: &Context,
        live: LiveOf<Self>,
        progress: &dyn Progress,
    ) -> AwsResult<LiveOf<Self>> {
        const OPERATION: &str = "kms:DescribeKey";
        let stuck = |state: &str| {
            let message = format!("the key `{}` is {state}", live.id);
            ProviderError::new(ErrorKind::Failed, OPERATION, message)
        };
        Wait::short(OPERATION, 5, progress)
            .until(|| async {
                let key = until_visible(|| describe(context, &live.id)).await?;
                match states::condition(KMS_KEY, state_of(&key).as_str()) {
                    Condition::Ready | Condition::Busy(_) => Ok(Poll::Ready(())),
                    Condition::Settling(state) => match states::hand(KMS_KEY, &state, &live.id) {
                        None => Ok(Poll::Pending(state)),
                        remedy => Err(ProviderError {
                            remedy,
                            ..stuck(&state)
                        }),
                    },
                    Condition::Broken(state) => Err(stuck(&state)),
                }
            })
            .await?;
        Ok(Live {
            condition: Condition::Ready,
            ..live
        })
    }

    async fn delete(&self, context: &Context, old: Old<'_, Self>) -> AwsResult<()> {
        let live = old.live;
        let days = live.inputs.deletion_window_in_days;
        let request = context
            .kms
            .schedule_key_deletion()
            .key_id(&live.id)
            .pending_window_in_days(days as i32);
        let scheduled = context.send(request).await;
        match scheduled {
            // It is scheduled already.
            Err(error) if error.code == "KMSInvalidStateException" => {
                let key = describe(context, &live.id).await?;
                match state_of(&key) {
                    KeyState::PendingDeletion => Ok(()),
                    _ => Err(error),
                }
            }
            other => other.map(drop),
        }
    }
}

/// Makes a call that requires an enabled key, which perhaps was enabled only a moment ago: hashicorp/terraform#5688.
async fn once_enabled<T, F, Fut>(
    operation: &'static str,
    progress: &dyn Progress,
    attempt: F,
) -> AwsResult<()>
where
    F: Fn() -> Fut,
    Fut: Future<Output = AwsResult<T>>,
{
    let attempt = &attempt;
    Wait::short(operation, 2, progress)
        .until(|| async move {
            match until_visible(attempt).await {
                Err(error) if error.code == "DisabledException" => {
                    Ok(Poll::Pending("until it is enabled everywhere".to_owned()))
                }
                answer => answer.map(|_| Poll::Ready(())),
            }
        })
        .await
}

fn fit(inputs: &Inputs) -> Vec<InvalidInput> {
    let mut invalid_inputs = Vec::new();
    if inputs.rotation_period_in_days.is_some() && !inputs.enable_key_rotation {
        let reason = "goes with `enableKeyRotation: true`";
        let invalid_input = InvalidInput::new("rotationPeriodInDays", reason);
        invalid_inputs.push(invalid_input.decided_by(["enableKeyRotation"]));
    }
    invalid_inputs
}

fn until_it_goes(key: &Observed, _data: DataPolicy) -> Vec<String> {
    let days = key.inputs.get("deletionWindowInDays");
    let days = days
        .and_then(Value::as_number)
        .unwrap_or(WINDOW_DAYS as f64);
    vec![format!(
        "the key `{id}` for {days} days, in which it can be kept: aws kms cancel-key-deletion --key-id {id}; then nothing can \
         read what it has encrypted",
        id = key.id
    )]
}
