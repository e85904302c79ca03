//! The settings of a bucket that are resources of their own: what all of them have in common.
//!
//! A part says how it is read, put and reset; from that follows the rest. It is identified by the bucket's name, carries no
//! tags, and is ours when its bucket is.

use std::collections::HashSet;
use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use futures_util::future::{join_all, try_join_all};
use schemars::JsonSchema;
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::BUCKET;
use crate::aws::context::Context;
use crate::aws::error::{AwsResult, if_there};
use crate::aws::resource_type::{Change, Live, LiveOf, New, NoOutputs, Old, ResourceType};
use crate::aws::wait::{until_visible, while_in_use};
use crate::resource::provider::{Progress, Query};
use crate::resource::{Condition, CreateClass, PropertyTable, ReadSession, Schema, Tags};

/// A setting of a bucket. Its inputs have the property `bucket`.
pub trait Part: Send + Sync + 'static {
    type Inputs: Clone + Serialize + DeserializeOwned + JsonSchema + PropertyTable + Send + Sync;

    const TOKEN: &'static str;

    /// Adds the type's own facts to those that all parts share.
    fn describe(common: Schema) -> Schema;

    /// Reads the part; `None` where the bucket has none.
    fn get(
        context: &Context,
        session: &ReadSession,
        bucket: &str,
    ) -> impl Future<Output = AwsResult<Option<Self::Inputs>>> + Send;

    fn put(context: &Context, inputs: &Self::Inputs) -> impl Future<Output = AwsResult<()>> + Send;

    /// Brings back what a new bucket has.
    fn reset(context: &Context, bucket: &str) -> impl Future<Output = AwsResult<()>> + Send;

    /// Returns whether a new bucket has the part in this form. Then it is read as present only where it is wanted.
    fn is_default(_inputs: &Self::Inputs) -> bool {
        false
    }

    fn bucket(inputs: &Self::Inputs) -> &str;
}

impl<T: Part> ResourceType for T {
    type Inputs = T::Inputs;
    type Outputs = NoOutputs;

    fn schema(&self) -> Schema {
        T::describe(
            Schema::of::<T::Inputs, NoOutputs>(T::TOKEN, CreateClass::PartOfParent)
                .key(&["bucket"])
                .reads_after(&[BUCKET])
                .child_of("bucket", BUCKET),
        )
    }

    async fn ahead(&self, context: &Context, query: Query<'_>) {
        let buckets = query.parents_of_parts(BUCKET, "bucket").into_iter();
        let asked = buckets.map(|bucket| async move {
            kept::<T>(context, query.session, &bucket).await.map(drop)
        });
        // The read meets the same failure.
        drop(join_all(asked).await);
    }

    /// Reads the part of each bucket of ours. "Not found", of the part or of its bucket, means that there is none.
    async fn read(&self, context: &Context, query: Query<'_>) -> AwsResult<Vec<LiveOf<Self>>> {
        let wanted: HashSet<&str> = query
            .wanted
            .iter()
            .filter_map(|wanted| wanted.inputs.get("bucket")?.as_str())
            .collect();
        let wanted = &wanted;
        let buckets = query.parents_of_parts(BUCKET, "bucket").into_iter();
        let reads = buckets.map(|bucket| async move {
            let found = if_there(kept::<T>(context, query.session, &bucket).await)?;
            let inputs = found.and_then(|found| found.as_ref().clone());
            Ok(inputs
                .filter(|inputs| wanted.contains(bucket.as_str()) || !T::is_default(inputs))
                .map(live::<T>))
        });
        Ok(try_join_all(reads).await?.into_iter().flatten().collect())
    }

    async fn create(&self, context: &Context, new: New<'_, Self>) -> AwsResult<LiveOf<Self>> {
        // The bucket may be new.
        let bucket = T::bucket(new.inputs);
        in_turn(context, bucket, new.progress, || {
            until_visible(|| T::put(context, new.inputs))
        })
        .await?;
        Ok(live::<T>(new.inputs.clone()))
    }

    async fn update(&self, context: &Context, change: Change<'_, Self>) -> AwsResult<LiveOf<Self>> {
        in_turn(context, &change.observed.id, change.progress, || {
            until_visible(|| T::put(context, change.wanted))
        })
        .await?;
        Ok(change.applied())
    }

    async fn delete(&self, context: &Context, old: Old<'_, Self>) -> AwsResult<()> {
        if T::is_default(&old.live.inputs) {
            return Ok(());
        }
        let bucket = &old.live.id;
        in_turn(context, bucket, old.progress, || T::reset(context, bucket)).await
    }
}

/// Returns what [`Part::get`] returns, requested once per read session.
async fn kept<T: Part>(
    context: &Context,
    session: &ReadSession,
    bucket: &str,
) -> AwsResult<Arc<Option<T::Inputs>>> {
    let key = format!("{} {bucket}", T::TOKEN);
    session
        .once(&key, || T::get(context, session, bucket))
        .await
}

fn live<T: Part>(inputs: T::Inputs) -> LiveOf<T> {
    Live {
        id: T::bucket(&inputs).to_owned(),
        arn: None,
        inputs,
        outputs: NoOutputs {},
        tags: Tags::default(),
        condition: Condition::Ready,
    }
}

/// Changes a part: in turn with the other parts of the bucket.
async fn in_turn<F, Fut>(
    context: &Context,
    bucket: &str,
    progress: &dyn Progress,
    attempt: F,
) -> AwsResult<()>
where
    F: Fn() -> Fut,
    Fut: Future<Output = AwsResult<()>>,
{
    let _turn = context.turn(&format!("{BUCKET} {bucket}")).await;
    while_in_use(Duration::from_mins(2), progress, attempt).await
}
