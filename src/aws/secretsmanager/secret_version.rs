//! The value of a secret that the author gives.
//!
//! - It has no tags and cannot be deleted: it belongs to its secret and is deleted with it. A secret has one version in
//!   force; a new value is a new version, and the former stays as `AWSPREVIOUS`. Two resources that write one secret would
//!   overwrite each other (hashicorp/terraform#27781), so it is a claim.
//! - It is compared by reading it, and shows as `[secret]` everywhere.
//! - A secret keeps about a hundred versions and prunes none younger than a day (localstack/localstack#10086): an equal value
//!   is never written again.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Current, SecretText};
use crate::aws::context::Context;
use crate::aws::error::AwsResult;
use crate::aws::resource_type::{Change, Live, LiveOf, New, Old, ResourceType};
use crate::resource::provider::Query;
use crate::resource::{
    Condition, CreateClass, ErrorKind, OutputTable, PropertyTable, Schema, Tags, TextRule,
};

/// The value of a secret.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema, PropertyTable)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Inputs {
    /// The ARN or name of the secret.
    #[property(required, replaces)]
    pub secret_id: String,
    /// The value, at most 65,536 bytes.
    #[property(required, secret, text(TextRule::new(1..=65_536).in_bytes()))]
    pub secret_string: SecretText,
}

#[derive(Debug, Clone, Serialize, Deserialize, OutputTable)]
#[serde(rename_all = "camelCase")]
pub struct Outputs {
    /// The id of the version.
    pub version_id: String,
}

pub struct SecretVersion;

impl ResourceType for SecretVersion {
    type Inputs = Inputs;
    type Outputs = Outputs;

    fn schema(&self) -> Schema {
        Schema::of::<Inputs, Outputs>(
            "aws:secretsmanager:SecretVersion",
            CreateClass::PartOfParent,
        )
        .key(&[Inputs::SECRET_ID])
        .shared_claim("value of a secret", Inputs::SECRET_ID)
        .reads_after(&["aws:secretsmanager:Secret"])
        .goes_with_parent()
        .child_of(Inputs::SECRET_ID, "aws:secretsmanager:Secret")
    }

    /// Reads ahead only if the author gives the value: a generated value is never compared.
    async fn ahead(&self, context: &Context, query: Query<'_>) {
        drop(super::wanted_values(context, &query).await);
    }

    async fn read(&self, context: &Context, query: Query<'_>) -> AwsResult<Vec<LiveOf<Self>>> {
        let values = match super::wanted_values(context, &query).await {
            Err(error) => {
                let assumed = super::assumed::<Inputs>(context, &query, error)?.into_iter();
                let assumed = assumed.map(|inputs| {
                    let (version_id, text) = (String::new(), inputs.secret_string);
                    live(&inputs.secret_id, Current { version_id, text })
                });
                return Ok(assumed.collect());
            }
            values => values?,
        };
        Ok(values
            .into_iter()
            .map(|(id, value)| live(&id, value))
            .collect())
    }

    async fn create(&self, context: &Context, new: New<'_, Self>) -> AwsResult<LiveOf<Self>> {
        let id = &new.inputs.secret_id;
        let before = match super::current(context, id).await {
            // There is no value yet, or the secret was made a moment ago.
            Err(error) if error.is(ErrorKind::NotFound) => None,
            answer => answer?,
        };
        let text = &new.inputs.secret_string;
        if let Some(before) = before.clone().filter(|before| before.text == *text) {
            return Ok(live(id, before));
        }
        let token = super::next_version(new.urn, id, before.as_ref());
        let version_id = super::put_value(context, id, &token, text).await?;
        let text = text.clone();
        Ok(live(id, Current { version_id, text }))
    }

    async fn update(&self, context: &Context, change: Change<'_, Self>) -> AwsResult<LiveOf<Self>> {
        let id = &change.wanted.secret_id;
        let before = Current {
            version_id: change.observed.outputs.version_id.clone(),
            text: change.observed.inputs.secret_string.clone(),
        };
        let text = change.wanted.secret_string.clone();
        let token = super::next_version(change.urn, id, Some(&before));
        let version_id = super::put_value(context, id, &token, &text).await?;
        Ok(live(id, Current { version_id, text }))
    }

    async fn delete(&self, _context: &Context, _old: Old<'_, Self>) -> AwsResult<()> {
        Ok(())
    }
}

fn live(secret_id: &str, value: Current) -> LiveOf<SecretVersion> {
    Live {
        id: format!("{secret_id}|{}", value.version_id),
        arn: None,
        inputs: Inputs {
            secret_id: secret_id.to_owned(),
            secret_string: value.text,
        },
        outputs: Outputs {
            version_id: value.version_id,
        },
        tags: Tags::default(),
        condition: Condition::Ready,
    }
}
