//! SNS topic, of the standard kind. FIFO topics are not supported.
//!
//! - The name is unique in account and region. `CreateTopic` returns the topic of that name if it has the same tags, which
//!   tell the owner, and `InvalidParameter` if it has others.
//! - Deleting a topic deletes its subscriptions, even those of other owners: they are not listed and ended one by one, which
//!   needs permissions and time (aws-cloudformation/aws-cloudformation-resource-providers-sns#53).

use std::collections::HashMap;

use futures_util::future::try_join_all;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Attributes, attributes, set_attribute};
use crate::aws::context::Context;
use crate::aws::error::{AwsResult, expected};
use crate::aws::resource_type::{Change, Live, LiveOf, New, NoOutputs, Old, ResourceType, adopt};
use crate::aws::sdk_tag::{from_sdk, to_sdk};
use crate::aws::wait::until_visible;
use crate::resource::provider::Query;
use crate::resource::text_rule::is_plain;
use crate::resource::{Condition, CreateClass, PropertyTable, ReadSession, Schema, Tags, TextRule};

/// A channel that messages are published to.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema, PropertyTable)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schemars(extend("x-parts" = { "policy": "aws:sns:TopicPolicy", "subscriptions": "aws:sns:TopicSubscription", "subscription": "aws:sns:TopicSubscription" }))]
pub struct Inputs {
    /// The name: 1 to 256 letters, digits, hyphens and underscores.
    #[property(replaces, text(NAME))]
    pub name: String,
    /// The sender's name in mails and text messages; at most 100 characters.
    #[property(text(TextRule::new(0..=100)))]
    pub display_name: Option<String>,
    /// The id, ARN or alias of the KMS key that encrypts messages at rest. Unset: not encrypted. Alarms need a key whose
    /// policy allows `cloudwatch.amazonaws.com`; with `alias/aws/sns` they are lost silently.
    #[property(regional)]
    pub kms_master_key_id: Option<String>,
}

const NAME: TextRule = TextRule::new(1..=256).of(
    |c| is_plain(c) || "_-".contains(c),
    "letters, digits, `_` and `-`",
);

pub struct Topic;

impl ResourceType for Topic {
    type Inputs = Inputs;
    type Outputs = NoOutputs;

    fn schema(&self) -> Schema {
        Schema::of::<Inputs, NoOutputs>(super::TOPIC, CreateClass::NaturalKey)
            .found_by_name()
            .named(Inputs::NAME, 256)
            .blockers(&[])
    }

    fn id_in<'a>(&self, arn: &'a str) -> Option<&'a str> {
        Some(arn)
    }

    async fn read(&self, context: &Context, query: Query<'_>) -> AwsResult<Vec<LiveOf<Self>>> {
        let names = query.candidate_names("name");
        let wanted = query.wanted_names("name");
        let reads = names.iter().map(|name| async move {
            let arn = context.arn("sns", name);
            let tags = query.settled_tags(&arn).cloned();
            find(context, query.session, name, tags).await
        });
        let topics = try_join_all(reads).await?;
        Ok(topics
            .into_iter()
            .flatten()
            .filter(|topic| {
                topic.tags.belongs_to(query.stack) || wanted.contains(topic.inputs.name.as_str())
            })
            .collect())
    }

    async fn create(&self, context: &Context, new: New<'_, Self>) -> AwsResult<LiveOf<Self>> {
        let inputs = new.inputs;
        let settings: HashMap<String, String> = settings(inputs)
            .into_iter()
            .filter_map(|(_, attribute, value)| Some((attribute.to_owned(), value.clone()?)))
            .collect();
        let request = context
            .sns
            .create_topic()
            .name(&inputs.name)
            .set_attributes(Some(settings.clone()))
            .set_tags(Some(to_sdk(new.tags)));
        let created = context.send(request).await;
        match created {
            Ok(answer) => Ok(Live {
                id: expected("sns:CreateTopic", answer.topic_arn.clone(), "an ARN")?,
                arn: answer.topic_arn,
                inputs: inputs.clone(),
                outputs: NoOutputs {},
                tags: new.tags.clone(),
                condition: Condition::Ready,
            }),
            // AWS has no code of its own for it.
            Err(error)
                if error.code.starts_with("InvalidParameter")
                    && error.message.contains("already exists") =>
            {
                let session = ReadSession::default();
                match find(context, &session, &inputs.name, None).await? {
                    Some(met) => adopt(new.tags, met, error),
                    None => Err(error),
                }
            }
            Err(error) => Err(error),
        }
    }

    async fn update(&self, context: &Context, change: Change<'_, Self>) -> AwsResult<LiveOf<Self>> {
        for (property, attribute, value) in settings(change.wanted) {
            if change.touches(property) {
                let value = value.as_deref().unwrap_or_default();
                set_attribute(context, &change.observed.id, attribute, value).await?;
            }
        }
        Ok(change.applied())
    }

    async fn delete(&self, context: &Context, old: Old<'_, Self>) -> AwsResult<()> {
        context
            .send(context.sns.delete_topic().topic_arn(&old.live.id))
            .await?;
        Ok(())
    }
}

/// Returns the settings by property, as the attributes that they are in SNS.
fn settings(inputs: &Inputs) -> [(&'static str, &'static str, &Option<String>); 2] {
    let Inputs {
        display_name,
        kms_master_key_id,
        ..
    } = inputs;
    [
        (Inputs::DISPLAY_NAME, "DisplayName", display_name),
        (
            Inputs::KMS_MASTER_KEY_ID,
            "KmsMasterKeyId",
            kms_master_key_id,
        ),
    ]
}

/// Returns the topic of a name, with its tags: those given, or those from a call.
async fn find(
    context: &Context,
    session: &ReadSession,
    name: &str,
    tags: Option<Tags>,
) -> AwsResult<Option<LiveOf<Topic>>> {
    let arn = context.arn("sns", name);
    let answer = attributes(context, session, &arn).await?;
    let Some(attributes) = answer.as_ref() else {
        return Ok(None);
    };
    let tags = match tags {
        Some(tags) => tags,
        None => list_tags(context, &arn).await?,
    };
    Ok(Some(live(name, arn, attributes, tags)))
}

fn live(name: &str, arn: String, attributes: &Attributes, tags: Tags) -> LiveOf<Topic> {
    let setting = |name: &str| {
        attributes
            .get(name)
            .filter(|value| !value.is_empty())
            .cloned()
    };
    Live {
        id: arn.clone(),
        arn: Some(arn),
        inputs: Inputs {
            name: name.to_owned(),
            display_name: setting("DisplayName"),
            kms_master_key_id: setting("KmsMasterKeyId"),
        },
        outputs: NoOutputs {},
        tags,
        condition: Condition::Ready,
    }
}

async fn list_tags(context: &Context, arn: &str) -> AwsResult<Tags> {
    let answer =
        until_visible(|| context.send(context.sns.list_tags_for_resource().resource_arn(arn)))
            .await?;
    Ok(from_sdk(answer.tags()))
}
