//! Alias: the name of a key.
//!
//! - It has no tags, and belongs to the key that it names. A name is unique in the region and the account: one that names a
//!   key of another owner belongs to that owner, and is never moved (`AlreadyExistsException`).
//! - It outlives its key for the whole waiting period, and holds its name for that time:
//!   hashicorp/terraform-provider-aws#35161, terraform-aws-modules/terraform-aws-eks#2346. So it is deleted before its key;
//!   and a key that is scheduled for deletion and still has an alias was not deleted by us (see [`super::key`]).
//! - Objects that name a key by its alias, policies included, lose the key with the alias: aws/aws-cdk#38217. An alias stays
//!   with a key that stays.

use aws_sdk_kms::types::AliasListEntry;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{KEY, OF_AWS, aliases, canonical_key, key};
use crate::aws::context::Context;
use crate::aws::error::AwsResult;
use crate::aws::resource_type::{Change, Live, LiveOf, New, NoOutputs, Old, ResourceType};
use crate::aws::wait::until_visible;
use crate::resource::provider::Query;
use crate::resource::text_rule::is_plain;
use crate::resource::{
    Condition, CreateClass, ErrorKind, PropertyTable, ProviderError, Schema, Tags, TextRule,
};

/// A name for a key.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema, PropertyTable)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Inputs {
    /// The name: `alias/`, and up to 250 letters, digits and `/_-`. `alias/aws/` is AWS's own. A change replaces the alias.
    #[schemars(example = &"alias/shop")]
    #[property(required, replaces, text(NAME))]
    pub name: String,
    /// The id or ARN of the key. A change moves the alias at once, with no time in which it names no key.
    #[property(required, canonical(canonical_key), regional)]
    pub target_key_id: String,
}

const NAME: TextRule = TextRule::new(7..=256)
    .of(
        |c| is_plain(c) || "/_-".contains(c),
        "letters, digits and `/_-`",
    )
    .must("begin with `alias/`, and not with `alias/aws/`", |name| {
        name.starts_with("alias/") && !name.starts_with(OF_AWS)
    });

pub struct Alias;

impl ResourceType for Alias {
    type Inputs = Inputs;
    type Outputs = NoOutputs;

    fn schema(&self) -> Schema {
        Schema::of::<Inputs, NoOutputs>("aws:kms:Alias", CreateClass::PartOfParent)
            .key(&[Inputs::NAME])
            .reads_after(&[KEY])
            .child_of(Inputs::TARGET_KEY_ID, KEY)
    }

    async fn ahead(&self, context: &Context, query: Query<'_>) {
        drop(aliases(context, query.session).await);
    }

    async fn read(&self, context: &Context, query: Query<'_>) -> AwsResult<Vec<LiveOf<Self>>> {
        let keys = query.parents_of_parts(KEY, "targetKeyId");
        let wanted = query.wanted_names("name");
        let all = aliases(context, query.session).await?;
        let found = all.iter().filter_map(live);
        let found = found.filter(|alias| {
            keys.contains(&alias.inputs.target_key_id)
                || wanted.contains(alias.inputs.name.as_str())
        });
        Ok(found.collect())
    }

    async fn create(&self, context: &Context, new: New<'_, Self>) -> AwsResult<LiveOf<Self>> {
        let inputs = new.inputs;
        let created = until_visible(|| {
            let request = context
                .kms
                .create_alias()
                .alias_name(&inputs.name)
                .target_key_id(&inputs.target_key_id);
            context.send(request)
        })
        .await;
        match created {
            Err(error) if error.is(ErrorKind::AlreadyExists) => {
                let name = &inputs.name;
                let key = key::search::describe(context, name).await?;
                if canonical_key(inputs.target_key_id.as_str().into()) != key.key_id().into() {
                    let message =
                        format!("`{name}` exists and names another key, {}", key.key_id());
                    return Err(ProviderError {
                        kind: ErrorKind::NotOurs,
                        message,
                        ..error
                    });
                }
            }
            other => drop(other?),
        }
        let arn = context.arn("kms", &inputs.name);
        Ok(of(Some(arn), inputs.clone()))
    }

    async fn update(&self, context: &Context, change: Change<'_, Self>) -> AwsResult<LiveOf<Self>> {
        until_visible(|| {
            let request = context
                .kms
                .update_alias()
                .alias_name(&change.wanted.name)
                .target_key_id(&change.wanted.target_key_id);
            context.send(request)
        })
        .await?;
        Ok(change.applied())
    }

    async fn delete(&self, context: &Context, old: Old<'_, Self>) -> AwsResult<()> {
        context
            .send(context.kms.delete_alias().alias_name(&old.live.id))
            .await?;
        Ok(())
    }
}

fn of(arn: Option<String>, inputs: Inputs) -> LiveOf<Alias> {
    Live {
        id: inputs.name.clone(),
        arn,
        inputs,
        outputs: NoOutputs {},
        tags: Tags::default(),
        condition: Condition::Ready,
    }
}

/// Converts an alias as KMS lists it; one of AWS's may have no key yet.
fn live(alias: &AliasListEntry) -> Option<LiveOf<Alias>> {
    let inputs = Inputs {
        name: alias.alias_name()?.to_owned(),
        target_key_id: alias.target_key_id()?.to_owned(),
    };
    Some(of(alias.alias_arn().map(str::to_owned), inputs))
}
