//! Policy of a bucket.
//!
//! - A principal that was made a moment ago is refused for some seconds (`MalformedPolicy`); the call is retried.
//! - A policy that grants public access is refused while the public access block forbids it: if a stack wants both, the
//!   policy has to depend on the block (hashicorp/terraform-provider-aws#31363). S3 says only that access is denied, so the
//!   remedy says more.
//! - A principal that is deleted comes back as its id, `AROA…` (cloud-custodian/cloud-custodian#9879): a difference.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::part::Part;
use crate::aws::context::Context;
use crate::aws::error::AwsResult;
use crate::aws::policy::{canonical_policy, check_form, least_size, to_policy_text};
use crate::resource::{InvalidInput, Properties, PropertyTable, ReadSession, Schema};

/// The policy of who may do what with a bucket and its objects.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema, PropertyTable)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Inputs {
    /// The bucket's name.
    #[property(required, replaces)]
    pub bucket: String,
    /// A policy document of at most 20 KB, as an object or as JSON text.
    #[property(required, canonical(canonical_policy))]
    pub policy: serde_json::Value,
}

/// The most bytes of a bucket's policy.
const LONGEST: usize = 20 * 1024;

fn check_size(inputs: &Properties) -> Vec<InvalidInput> {
    let size = inputs.get("policy").map_or(0, least_size);
    if size <= LONGEST {
        return Vec::new();
    }
    let reason = format!("has {size} characters; AWS takes {LONGEST}");
    let help = "say with `*` and conditions what many statements say one by one";
    vec![
        InvalidInput::new("policy", reason)
            .decided_by([])
            .help(help),
    ]
}

pub struct BucketPolicy;

impl Part for BucketPolicy {
    type Inputs = Inputs;

    const TOKEN: &'static str = "aws:s3:BucketPolicy";

    fn describe(common: Schema) -> Schema {
        common
            .checks(|inputs| [check_form(inputs, Inputs::POLICY), check_size(inputs)].concat())
            .opens()
    }

    async fn get(context: &Context, _: &ReadSession, bucket: &str) -> AwsResult<Option<Inputs>> {
        let answer = context
            .send(context.s3.get_bucket_policy().bucket(bucket))
            .await?;
        Ok(answer.policy.map(|policy| Inputs {
            bucket: bucket.to_owned(),
            policy: serde_json::Value::String(policy),
        }))
    }

    async fn put(context: &Context, inputs: &Inputs) -> AwsResult<()> {
        let request = context.s3.put_bucket_policy().bucket(&inputs.bucket);
        context
            .send(request.policy(to_policy_text(&inputs.policy)))
            .await
            .map(drop)
    }

    async fn reset(context: &Context, bucket: &str) -> AwsResult<()> {
        let request = context.s3.delete_bucket_policy().bucket(bucket);
        context.send(request).await.map(drop)
    }

    fn bucket(inputs: &Inputs) -> &str {
        &inputs.bucket
    }
}
