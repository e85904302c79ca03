//! IAM managed policy, owned by the account.
//!
//! - A policy keeps up to five versions and cannot be edited: a change adds a version, after the oldest one has been
//!   removed.
//! - The bulk read has everything but the tags, and the tagging API knows policies only in IAM's home region. Where a
//!   guardrail of the organization forbids calls there, the tags of every policy of the account are asked for.
//! - A deletion requires that every other version and every attachment is gone; a role that has the policy as its boundary
//!   holds it as well (gruntwork-io/cloud-nuke#972).

mod holders;

use std::collections::HashMap;
use std::time::Duration;

use aws_sdk_iam::types::{ManagedPolicyDetail, PolicyVersion};
use futures_util::future::try_join_all;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use self::holders::holders_of;
use super::document;
use crate::aws::answer::text;
use crate::aws::context::Context;
use crate::aws::error::{AwsResult, expected, if_there};
use crate::aws::policy::{canonical_policy, decode, to_policy_text};
use crate::aws::resource_type::{Asking, Change, Live, LiveOf, New, Old, ResourceType, adopt};
use crate::aws::tag_index::tagged;
use crate::aws::wait::until_visible;
use crate::resource::names::may_be_derived;
use crate::resource::provider::{Holder, Query};
use crate::resource::{
    Condition, CreateClass, ErrorKind, OutputTable, PropertyTable, Schema, StackId, Tags, TextRule,
};

/// A policy that can be attached to several roles.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema, PropertyTable)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Inputs {
    /// The name: 1 to 128 letters, digits and `_+=,.@-`; unique in the account, regardless of case.
    #[property(replaces, canonical(super::lower_case), text(document::name(128)))]
    pub name: String,
    /// The path, which begins and ends with `/`.
    #[property(default("/"), replaces, text(document::PATH))]
    pub path: String,
    /// The description: at most 1000 characters. AWS cannot change it: another description is another policy.
    #[property(replaces, text(TextRule::new(0..=1000)))]
    pub description: Option<String>,
    /// The policy document, as an object or as JSON text. At most 6144 characters.
    #[property(required, canonical(canonical_policy))]
    pub policy: serde_json::Value,
}

#[derive(Debug, Clone, Serialize, Deserialize, OutputTable)]
#[serde(rename_all = "camelCase")]
pub struct Outputs {
    /// The unique id, `ANPA…`; a policy made again under the same name has another.
    pub policy_id: Option<String>,
}

/// The most policies of an account whose tags are all asked for, a call each, if the index may not be read. If there are
/// more, only those are asked for whose names the stack could have given.
const MOST_ASKED: usize = 100;

/// The most characters of a policy, white space not counted.
const LONGEST: usize = 6144;

pub struct Policy;

impl ResourceType for Policy {
    type Inputs = Inputs;
    type Outputs = Outputs;

    fn schema(&self) -> Schema {
        Schema::of::<Inputs, Outputs>("aws:iam:Policy", CreateClass::NaturalKey)
            .generated_name(Inputs::NAME, 128)
            .name_ignores_case()
            .tag_keys_ignore_case()
            .blockers(&["aws:iam:RolePolicyAttachment"])
            .unindexed()
            .global()
            .checks(|inputs| {
                let mut invalid_inputs = document::check(inputs, Inputs::POLICY, LONGEST);
                invalid_inputs.extend(document::check_version(inputs, Inputs::POLICY));
                invalid_inputs
            })
    }

    async fn read(&self, context: &Context, query: Query<'_>) -> AwsResult<Vec<LiveOf<Self>>> {
        let account = super::account(context, query.session).await?;
        if account.policies.is_empty() {
            return Ok(Vec::new());
        }
        let index = match index(context, query.stack).await {
            Ok(index) => Some(index),
            Err(error) if error.is(ErrorKind::Denied) => None,
            Err(error) => return Err(error),
        };
        let is_wanted = |name: &str| super::is_wanted(&query, name);
        let asks_all = index.is_none() && account.policies.len() <= MOST_ASKED;
        let found = try_join_all(account.policies.iter().map(|policy| async {
            let name = policy.policy_name().unwrap_or_default();
            let arn = policy.arn().unwrap_or_default();
            let indexed = index.as_ref().and_then(|index| index.get(arn));
            let tags = match indexed {
                Some(tags) => Some(tags.clone()),
                // The index lags behind, so the tags are asked for of a policy that may well be ours.
                None if asks_all
                    || is_wanted(name)
                    || query.is_indexed(arn)
                    || may_be_derived(query.stack, name) =>
                {
                    tags_of(context, arn).await?
                }
                None => None,
            };
            Ok(tags
                .filter(|tags| tags.belongs_to(query.stack) || is_wanted(name))
                .map(|tags| live(policy, tags)))
        }))
        .await?;
        Ok(found.into_iter().flatten().collect())
    }

    async fn create(&self, context: &Context, new: New<'_, Self>) -> AwsResult<LiveOf<Self>> {
        let inputs = new.inputs;
        let request = context
            .iam
            .create_policy()
            .policy_name(&inputs.name)
            .path(&inputs.path)
            .set_description(inputs.description.clone())
            .policy_document(to_policy_text(&inputs.policy))
            .set_tags(Some(super::to_sdk(new.tags)));
        let created = context.send(request).await;
        match created {
            Ok(answer) => {
                let policy = expected("iam:CreatePolicy", answer.policy, "a policy")?;
                let arn = expected("iam:CreatePolicy", policy.arn(), "an ARN")?.to_owned();
                let tags = super::from_sdk(policy.tags());
                Ok(of(arn, inputs.clone(), policy.policy_id, tags))
            }
            Err(error) if error.is(ErrorKind::AlreadyExists) => {
                adopt(new.tags, get(context, inputs).await?, error)
            }
            Err(error) => Err(error),
        }
    }

    async fn update(&self, context: &Context, change: Change<'_, Self>) -> AwsResult<LiveOf<Self>> {
        let arn = &change.observed.id;
        let add = || {
            let request = context
                .iam
                .create_policy_version()
                .policy_arn(arn)
                .policy_document(to_policy_text(&change.wanted.policy))
                .set_as_default(true);
            context.send(request)
        };
        match until_visible(add).await {
            Ok(_) => {}
            Err(error) if error.is(ErrorKind::Quota) => {
                let mut spare = other_versions(context, arn).await?;
                spare.sort_by_key(|version| {
                    version
                        .create_date()
                        .map(aws_smithy_types::DateTime::as_nanos)
                });
                let Some(oldest) = spare.first() else {
                    return Err(error);
                };
                delete_version(context, arn, oldest).await?;
                add().await?;
            }
            Err(error) => return Err(error),
        }
        Ok(change.applied())
    }

    async fn delete(&self, context: &Context, old: Old<'_, Self>) -> AwsResult<()> {
        let live = old.live;
        for version in other_versions(context, &live.id).await? {
            delete_version(context, &live.id, &version).await?;
        }
        context
            .send(context.iam.delete_policy().policy_arn(&live.id))
            .await?;
        Ok(())
    }

    async fn blockers_of(
        &self,
        context: &Context,
        live: &LiveOf<Self>,
        asking: &Asking<'_>,
    ) -> AwsResult<Vec<Holder>> {
        holders_of(context, &live.id, &live.tags, asking).await
    }

    /// Returns how long a deletion is retried. Detaching shows at once; an attachment that stays has another owner.
    fn delete_patience(&self) -> Duration {
        super::PATIENCE
    }
}

/// Returns the policies that carry the stack's tag, by ARN, as the tagging API knows them in IAM's home region.
async fn index(context: &Context, stack: &StackId) -> AwsResult<HashMap<String, Tags>> {
    let home = match context.partition.as_str() {
        "aws-cn" => "cn-north-1",
        "aws-us-gov" => "us-gov-west-1",
        _ => "us-east-1",
    };
    let found = tagged(context, stack, Some("iam:policy"), Some(home)).await?;
    Ok(found.into_iter().collect())
}

/// Returns a policy's tags; `None` if the policy has been deleted meanwhile.
async fn tags_of(context: &Context, arn: &str) -> AwsResult<Option<Tags>> {
    let answer = context
        .send(context.iam.list_policy_tags().policy_arn(arn))
        .await;
    // A policy carries at most 50 tags, which is one page.
    Ok(if_there(answer)?.map(|answer| super::from_sdk(answer.tags())))
}

fn live(policy: &ManagedPolicyDetail, tags: Tags) -> LiveOf<Policy> {
    let document = policy
        .policy_version_list()
        .iter()
        .find(|version| version.is_default_version())
        .and_then(PolicyVersion::document);
    let inputs = Inputs {
        name: text(policy.policy_name()),
        path: policy.path().unwrap_or("/").to_owned(),
        description: policy.description.clone().filter(|text| !text.is_empty()),
        policy: decode(document.unwrap_or_default()),
    };
    of(text(policy.arn()), inputs, policy.policy_id.clone(), tags)
}

fn of(arn: String, inputs: Inputs, policy_id: Option<String>, tags: Tags) -> LiveOf<Policy> {
    Live {
        id: arn.clone(),
        arn: Some(arn),
        inputs,
        outputs: Outputs { policy_id },
        tags,
        condition: Condition::Ready,
    }
}

/// Returns the existing policy that a create call met.
async fn get(context: &Context, inputs: &Inputs) -> AwsResult<LiveOf<Policy>> {
    // Names are unique regardless of the path, so the existing one may have another path; then it is not ours, and not found.
    let arn = format!(
        "arn:{}:iam::{}:policy{}{}",
        context.partition, context.account_id, inputs.path, inputs.name
    );
    let answer = until_visible(|| context.send(context.iam.get_policy().policy_arn(&arn))).await?;
    let policy = expected("iam:GetPolicy", answer.policy, "a policy")?;
    let request = context
        .iam
        .get_policy_version()
        .policy_arn(&arn)
        .version_id(policy.default_version_id().unwrap_or_default());
    let version = context.send(request).await?;
    let document = version.policy_version().and_then(PolicyVersion::document);
    let met = Inputs {
        description: policy.description.clone().filter(|text| !text.is_empty()),
        policy: decode(document.unwrap_or_default()),
        ..inputs.clone()
    };
    let tags = super::from_sdk(policy.tags());
    Ok(of(arn, met, policy.policy_id, tags))
}

/// Returns all versions except the one in force.
async fn other_versions(context: &Context, arn: &str) -> AwsResult<Vec<PolicyVersion>> {
    let answer = context
        .send(context.iam.list_policy_versions().policy_arn(arn))
        .await?;
    // There are at most five, which is one page.
    Ok(answer
        .versions
        .unwrap_or_default()
        .into_iter()
        .filter(|version| !version.is_default_version())
        .collect())
}

async fn delete_version(context: &Context, arn: &str, version: &PolicyVersion) -> AwsResult<()> {
    let request = context
        .iam
        .delete_policy_version()
        .policy_arn(arn)
        .version_id(version.version_id().unwrap_or_default());
    let deleted = context.send(request).await;
    match deleted {
        Err(error) if !error.is(ErrorKind::NotFound) => Err(error),
        _ => Ok(()),
    }
}
