//! The calls that list keys and look at them.

use aws_sdk_kms::types::{KeyMetadata, KeyState};
use futures_util::future::try_join3;

use super::default_policy::is_default;
use super::model::{Inputs, Outputs, WINDOW_DAYS};
use crate::aws::context::Context;
use crate::aws::error::{AwsResult, expected, if_there};
use crate::aws::resource_type::Live;
use crate::aws::sdk_tag::from_sdk;
use crate::aws::states::{self, KMS_KEY};
use crate::resource::{ErrorKind, Tags};

/// The only name that a key policy can have.
pub(super) const POLICY: &str = "default";

/// Returns the ids of all keys of the region, AWS's own among them.
pub(super) async fn list(context: &Context) -> AwsResult<Vec<String>> {
    let keys = context
        .pages(
            |marker| context.kms.list_keys().limit(1000).set_marker(marker),
            |page| (page.keys, page.next_marker),
        )
        .await?;
    Ok(keys.into_iter().filter_map(|key| key.key_id).collect())
}

pub(super) async fn list_tags(context: &Context, id: &str) -> AwsResult<Tags> {
    let tags = context
        .pages(
            |marker| {
                context
                    .kms
                    .list_resource_tags()
                    .key_id(id)
                    .set_marker(marker)
            },
            |page| (page.tags, page.next_marker),
        )
        .await?;
    Ok(from_sdk(&tags))
}

/// Returns the tags of a key that may have any owner. One whose own policy denies these credentials access is not the
/// stack's.
pub(super) async fn tags_of_others(context: &Context, id: &str) -> AwsResult<Option<Tags>> {
    match list_tags(context, id).await {
        Err(error)
            if error.is(ErrorKind::Denied) && error.message.contains("resource-based policy") =>
        {
            Ok(None)
        }
        answer => if_there(answer),
    }
}

/// Returns a key by id, ARN, or alias.
pub(in crate::aws::kms) async fn describe(context: &Context, key: &str) -> AwsResult<KeyMetadata> {
    const OPERATION: &str = "kms:DescribeKey";
    let answer = context.send(context.kms.describe_key().key_id(key)).await?;
    expected(OPERATION, answer.key_metadata, "`KeyMetadata`")
}

pub(super) fn state_of(key: &KeyMetadata) -> KeyState {
    let state = key.key_state.clone();
    state.unwrap_or(KeyState::Enabled)
}

pub(super) fn outputs(key: &KeyMetadata) -> Outputs {
    Outputs {
        key_id: key.key_id.clone(),
    }
}

/// Returns a key with these tags, and its state.
pub(super) async fn look(
    context: &Context,
    id: &str,
    tags: Tags,
) -> AwsResult<(KeyState, Live<Inputs, Outputs>)> {
    const POLICIES: &str = "kms:GetKeyPolicy";
    let policy = context.send(context.kms.get_key_policy().key_id(id).policy_name(POLICY));
    let rotation = context.send(context.kms.get_key_rotation_status().key_id(id));
    let (key, policy, rotation) = try_join3(describe(context, id), policy, rotation).await?;
    let policy = expected(POLICIES, policy.policy, "`Policy`")?;
    let state = state_of(&key);
    let live = Live {
        id: key.key_id.clone(),
        arn: key.arn.clone(),
        inputs: Inputs {
            description: key.description.clone().filter(|text| !text.is_empty()),
            policy: (!is_default(context, &policy)).then_some(serde_json::Value::String(policy)),
            is_enabled: state != KeyState::Disabled,
            enable_key_rotation: rotation.key_rotation_enabled,
            rotation_period_in_days: rotation.rotation_period_in_days.map(i64::from),
            deletion_window_in_days: WINDOW_DAYS,
        },
        outputs: outputs(&key),
        tags,
        condition: states::condition(KMS_KEY, state.as_str()),
    };
    Ok((state, live))
}
