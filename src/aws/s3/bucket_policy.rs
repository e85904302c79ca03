//! Policy of a bucket.
//!
//! - A principal that was made a moment ago is refused for some seconds (`MalformedPolicy`); the call is retried.
//! - A policy that grants public access is refused while the public access block forbids it: if a stack wants both, the
//!   policy has to depend on the block (hashicorp/terraform-provider-aws#31363). S3 says only that access is denied, so the
//!   remedy says more.
//! - A principal that is deleted comes back as its id, `AROA…` (cloud-custodian/cloud-custodian#9879): a difference.

use std::sync::Arc;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::aws::context::Context;
use crate::aws::error::AwsResult;
use crate::aws::policy::{canonical_policy, check_form, least_size, to_policy_text};
use crate::aws::resource_type::{Change, LiveOf, New, NoOutputs, Old, ResourceType};
use crate::resource::provider::Query;
use crate::resource::{CreateClass, InvalidInput, Properties, PropertyTable, ReadSession, Schema};

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

impl ResourceType for BucketPolicy {
    type Inputs = Inputs;
    type Outputs = NoOutputs;

    fn schema(&self) -> Schema {
        Schema::of::<Inputs, NoOutputs>("aws:s3:BucketPolicy", CreateClass::PartOfParent)
            .key(&[Inputs::BUCKET])
            .checks(|inputs| [check_form(inputs, Inputs::POLICY), check_size(inputs)].concat())
            .reads_after(&[super::BUCKET])
            .child_of(Inputs::BUCKET, super::BUCKET)
            .opens()
    }

    async fn ahead(&self, context: &Context, query: Query<'_>) {
        super::ahead(query, |bucket| async move {
            kept(context, query.session, &bucket).await
        })
        .await;
    }

    async fn read(&self, context: &Context, query: Query<'_>) -> AwsResult<Vec<LiveOf<Self>>> {
        super::parts(query, |bucket| async move {
            let policy = kept(context, query.session, &bucket).await?;
            let policy = policy.as_ref().clone();
            Ok(policy.map(|policy| live(&bucket, serde_json::Value::String(policy))))
        })
        .await
    }

    async fn create(&self, context: &Context, new: New<'_, Self>) -> AwsResult<LiveOf<Self>> {
        let Inputs { bucket, policy } = new.inputs;
        super::change(context, bucket, new.progress, || {
            put(context, bucket, policy)
        })
        .await?;
        Ok(live(bucket, policy.clone()))
    }

    async fn update(&self, context: &Context, change: Change<'_, Self>) -> AwsResult<LiveOf<Self>> {
        let bucket = &change.observed.id;
        super::change(context, bucket, change.progress, || {
            put(context, bucket, &change.wanted.policy)
        })
        .await?;
        Ok(change.applied())
    }

    async fn delete(&self, context: &Context, old: Old<'_, Self>) -> AwsResult<()> {
        super::in_turn(context, &old.live.id, old.progress, || async {
            context
                .send(context.s3.delete_bucket_policy().bucket(&old.live.id))
                .await?;
            Ok(())
        })
        .await
    }
}

/// Returns what [`get`] returns, requested once per read session.
async fn kept(
    context: &Context,
    session: &ReadSession,
    bucket: &str,
) -> AwsResult<Arc<Option<String>>> {
    let key = format!("s3:GetBucketPolicy {bucket}");
    session.once(&key, || get(context, bucket)).await
}

/// The text of a bucket's policy.
async fn get(context: &Context, bucket: &str) -> AwsResult<Option<String>> {
    let answer = context
        .send(context.s3.get_bucket_policy().bucket(bucket))
        .await?;
    Ok(answer.policy)
}

fn live(bucket: &str, policy: serde_json::Value) -> LiveOf<BucketPolicy> {
    let inputs = Inputs {
        bucket: bucket.to_owned(),
        policy,
    };
    super::part(bucket, inputs, NoOutputs {})
}

async fn put(context: &Context, bucket: &str, policy: &serde_json::Value) -> AwsResult<()> {
    let request = context
        .s3
        .put_bucket_policy()
        .bucket(bucket)
        .policy(to_policy_text(policy));
    context.send(request).await?;
    Ok(())
}
