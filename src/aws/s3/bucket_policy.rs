//! Policy of a bucket.
//!
//! - A principal that was made a moment ago is refused for some seconds (`MalformedPolicy`); the call is retried.
//! - A policy that grants public access is refused while the public access block forbids it: if a stack wants both, the
//!   policy has to depend on the block (hashicorp/terraform-provider-aws#31363). S3 says only that access is denied, so the
//!   remedy says more.
//! - A principal that is deleted comes back as its id, `AROA…` (cloud-custodian/cloud-custodian#9879): a difference.

use std::sync::Arc;

use async_trait::async_trait;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::aws::context::Context;
use crate::aws::error::AwsResult;
use crate::aws::policy::{canonical_policy, check_form, least_size, to_policy_text};
use crate::aws::resource_type::{Change, LiveOf, New, ResourceType};
use crate::resource::provider::{DataPolicy, Progress, Query};
use crate::resource::{CreateClass, InvalidInput, Properties, Property, ReadSession, Schema};

/// The policy of who may do what with a bucket and its objects.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Inputs {
    /// The bucket's name.
    pub bucket: String,
    /// A policy document of at most 20 KB, as an object or as JSON text.
    pub policy: serde_json::Value,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Outputs {}

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

#[async_trait]
impl ResourceType for BucketPolicy {
    type Inputs = Inputs;
    type Outputs = Outputs;

    fn schema(&self) -> Schema {
        Schema::new::<Inputs>("aws:s3:BucketPolicy", CreateClass::PartOfParent)
            .properties([
                Property::new("bucket").required().replaces(),
                Property::new("policy")
                    .required()
                    .canonical(canonical_policy),
            ])
            .key(&["bucket"])
            .checks(|inputs| [check_form(inputs, "policy"), check_size(inputs)].concat())
            .reads_after(&[super::BUCKET])
            .child_of("bucket", super::BUCKET)
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

    async fn create(
        &self,
        context: &Context,
        new: New<'_, Self::Inputs>,
    ) -> AwsResult<LiveOf<Self>> {
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

    async fn delete(
        &self,
        context: &Context,
        live: &LiveOf<Self>,
        _data: DataPolicy,
        progress: &dyn Progress,
    ) -> AwsResult<()> {
        super::in_turn(context, &live.id, progress, || async {
            context
                .call("s3:DeleteBucketPolicy", || {
                    context.s3.delete_bucket_policy().bucket(&live.id).send()
                })
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
        .call("s3:GetBucketPolicy", || {
            context.s3.get_bucket_policy().bucket(bucket).send()
        })
        .await?;
    Ok(answer.policy)
}

fn live(bucket: &str, policy: serde_json::Value) -> LiveOf<BucketPolicy> {
    let inputs = Inputs {
        bucket: bucket.to_owned(),
        policy,
    };
    super::part(bucket, inputs, Outputs {})
}

async fn put(context: &Context, bucket: &str, policy: &serde_json::Value) -> AwsResult<()> {
    context
        .call("s3:PutBucketPolicy", || {
            context
                .s3
                .put_bucket_policy()
                .bucket(bucket)
                .policy(to_policy_text(policy))
                .send()
        })
        .await?;
    Ok(())
}
