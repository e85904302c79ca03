//! The operations of every resource type, and the bridge from its typed form to the engine's values.
//!
//! A type is a unit struct with an implementation of [`ResourceType`]: typed inputs and outputs, a [`Schema`], and five
//! operations. The contract, operation by operation:
//!
//! - **read** finds everything of the type that carries our stack's tag, is part of a parent of ours, or has a wanted
//!   name; in bulk wherever AWS has a bulk form. "Not there" is an empty answer; a failed sub-read is an error, for
//!   reading it as empty would look like drift.
//! - **ahead** is for objects that are read after their parents: it makes the requests of the read in advance, as far as
//!   they are known without the parents, and leaves the answers in the session of the query, where the read finds them. It
//!   asks for nothing else.
//! - **create** makes the one call that brings the thing into being, ownership tags in it, and returns at once. The inputs
//!   it returns are those in force right after that call, so that the engine sees what is left for `update`; the same holds
//!   for the tags, where the answer shows them. Tags that were lost are set at once.
//! - **update** brings every changeable aspect from observed to wanted, and sends only the difference. The engine also
//!   runs it right after `create`. Tags are not its business.
//! - **wait** polls a settling object until it is ready.
//! - **delete** succeeds if the object is already gone, and returns once it is. The engine repeats it while it is in use.

use std::collections::{BTreeMap, BTreeSet};
use std::future::{Future, ready};
use std::time::Duration;

use async_trait::async_trait;
use schemars::JsonSchema;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use super::context::Context;
use super::error::AwsResult;
use super::lost_response;
use super::tags::retag;
use super::wait::{Pauses, retry_while_in_use};
use crate::resource::provider::{
    Creation, DataPolicy, Deletion, Holder, Progress, Query, Remedy, Update, Wanted,
};
use crate::resource::{
    Condition, Diff, ErrorKind, InvalidInput, LiveSnapshot, Observed, OutputTable, Properties,
    PropertyTable, ProviderError, ReadSession, Schema, Tags, Urn, Value, schema::Unset,
    tags::short_hash,
};

/// The means to ask what holds objects.
pub struct Asking<'a> {
    /// The answers shared by several of them.
    pub session: &'a ReadSession,
    /// The ids and ARNs that are known to belong to the stack, and need no second look.
    pub ours: &'a BTreeSet<&'a str>,
}

/// A live object in its type's own terms.
#[derive(Debug, Clone)]
pub struct Live<Inputs, Outputs> {
    /// AWS's identifier, by which the type finds the object again.
    pub id: String,
    pub arn: Option<String>,
    pub inputs: Inputs,
    pub outputs: Outputs,
    pub tags: Tags,
    pub condition: Condition,
}

/// A live object of type `T`.
pub type LiveOf<T> = Live<<T as ResourceType>::Inputs, <T as ResourceType>::Outputs>;

/// Decides about an object that a create call found under the name it wanted: our own is adopted as half-finished work, that
/// of another owner stops the run. Another region of the same stack counts as another owner here.
///
/// # Errors
/// [`ErrorKind::NotOurs`], naming the owner.
pub fn adopt<Inputs, Outputs>(
    wanted: &Tags,
    met: Live<Inputs, Outputs>,
    error: ProviderError,
) -> AwsResult<Live<Inputs, Outputs>> {
    if met.tags.is_earlier_self_of(wanted) {
        return Ok(met);
    }
    Err(not_ours(wanted, &met, error))
}

/// Returns the error of a call that has met an object of another owner.
pub fn not_ours<Inputs, Outputs>(
    wanted: &Tags,
    met: &Live<Inputs, Outputs>,
    mut error: ProviderError,
) -> ProviderError {
    error.kind = ErrorKind::NotOurs;
    let region = met.tags.region();
    let region = region.map_or_else(String::new, |region| format!(" in {region}"));
    error.message = match met.tags.owner() {
        Some(owner) => format!("`{}` exists and belongs to {owner}{region}", met.id),
        None if met.tags.is_empty() => format!("`{}` exists and has no tags at all", met.id),
        None => format!("`{}` exists and carries no owner tag of fde-infra", met.id),
    };
    if met.tags.is_empty()
        && let Some(urn) = wanted.owner()
        && let Some(command) = super::tags::command(
            &urn,
            &met.id,
            met.arn.as_deref(),
            wanted.region(),
            wanted.get(crate::resource::tags::RUN),
        )
    {
        let text = "if this stack made it and its tags were lost, give them back; else give it another name in the stack \
                    file; then run";
        error.remedy = Some(Remedy::new(text).command(command));
    }
    error
}

/// Refuses a VPC that the file names for an object whose subnets are in another one.
pub fn in_vpc(operation: &str, wanted: Option<&str>, found: Option<&str>) -> AwsResult<()> {
    match (wanted, found) {
        (Some(wanted), Some(found)) if wanted != found => Err(ProviderError::new(
            ErrorKind::Invalid,
            operation,
            format!("`vpcId` is {wanted}, but the subnets are in {found}"),
        )),
        _ => Ok(()),
    }
}

/// Checks inputs in the type's own terms, for [`Schema::checks`]. Where a reference stands for a number or a switch, the
/// inputs cannot be checked in this form yet.
pub fn check<Inputs: DeserializeOwned>(
    inputs: &Properties,
    check: impl FnOnce(&Inputs) -> Vec<InvalidInput>,
) -> Vec<InvalidInput> {
    let json = serde_json::Value::from(&Value::Object(inputs.clone()));
    serde_json::from_value(json).map_or_else(|_| Vec::new(), |inputs| check(&inputs))
}

/// The outputs of a type that has none.
#[derive(Debug, Clone, Serialize, Deserialize, OutputTable)]
pub struct NoOutputs {}

/// A request to create, in the type's own terms.
pub struct New<'a, T: ResourceType> {
    pub urn: &'a Urn,
    pub inputs: &'a T::Inputs,
    pub tags: &'a Tags,
    /// The ids of the live objects that this one replaces.
    pub instead_of: &'a [String],
    pub progress: &'a dyn Progress,
    fingerprint: String,
}

impl<T: ResourceType> New<'_, T> {
    /// Returns the client token: the same across retries and across runs, for the same resource with the same inputs.
    ///
    /// `generation` counts deleted predecessors that AWS still returns for a token, since a token outlives its object. The
    /// token has 32 hexadecimal digits, which every AWS token accepts.
    pub fn client_token(&self, generation: u32) -> String {
        short_hash(
            &format!("{}\n{generation}\n{}", self.urn, self.fingerprint),
            32,
        )
    }
}

/// A request to update, in the type's own terms.
pub struct Change<'a, T: ResourceType> {
    pub urn: &'a Urn,
    pub wanted: &'a T::Inputs,
    pub observed: &'a LiveOf<T>,
    /// The difference; never empty.
    pub diff: &'a Diff,
    pub progress: &'a dyn Progress,
}

impl<T: ResourceType> Change<'_, T> {
    /// Returns whether a property changes.
    pub fn touches(&self, property: &str) -> bool {
        self.diff.touches(property)
    }
}

impl<T: ResourceType> Change<'_, T>
where
    T::Inputs: Clone,
    T::Outputs: Clone,
{
    /// Returns the object once the change is applied: the wanted inputs on the observed identity.
    pub fn applied(&self) -> LiveOf<T> {
        Live {
            inputs: self.wanted.clone(),
            ..self.observed.clone()
        }
    }
}

/// A request to delete, in the type's own terms.
pub struct Old<'a, T: ResourceType> {
    pub live: &'a LiveOf<T>,
    pub data: DataPolicy,
    pub progress: &'a dyn Progress,
}

/// One AWS resource type.
pub trait ResourceType: Sized + Send + Sync + 'static {
    type Inputs: Serialize + DeserializeOwned + JsonSchema + PropertyTable + Send + Sync;
    type Outputs: Serialize + DeserializeOwned + OutputTable + Send + Sync;

    fn schema(&self) -> Schema;

    fn read(
        &self,
        context: &Context,
        query: Query<'_>,
    ) -> impl Future<Output = AwsResult<Vec<LiveOf<Self>>>> + Send;

    /// Returns the id of the object that an ARN names, where the ARN contains it.
    fn id_in<'a>(&self, _arn: &'a str) -> Option<&'a str> {
        None
    }

    /// Makes the requests of the read in advance; see the head of this file. Its parents are those of the index.
    fn ahead(&self, _context: &Context, _query: Query<'_>) -> impl Future<Output = ()> + Send {
        ready(())
    }

    fn create(
        &self,
        context: &Context,
        new: New<'_, Self>,
    ) -> impl Future<Output = AwsResult<LiveOf<Self>>> + Send;

    fn update(
        &self,
        context: &Context,
        change: Change<'_, Self>,
    ) -> impl Future<Output = AwsResult<LiveOf<Self>>> + Send;

    /// Polls a settling object until it is ready. Types that are ready at once leave it out.
    fn wait(
        &self,
        _context: &Context,
        live: LiveOf<Self>,
        _progress: &dyn Progress,
    ) -> impl Future<Output = AwsResult<LiveOf<Self>>> + Send {
        ready(Ok(live))
    }

    fn delete(
        &self,
        context: &Context,
        old: Old<'_, Self>,
    ) -> impl Future<Output = AwsResult<()>> + Send;

    /// Returns what holds an object whose change or deletion is refused because something still uses it, or because of its
    /// state. Called before anything is deleted, to find others that would hold it permanently; at the first refusal; and
    /// again while refusals go on.
    fn blockers_of(
        &self,
        _context: &Context,
        _live: &LiveOf<Self>,
        _asking: &Asking<'_>,
    ) -> impl Future<Output = AwsResult<Vec<Holder>>> + Send {
        ready(Ok(Vec::new()))
    }

    /// Returns whether a second object made by the same request does no harm and costs nothing, so that a create without an
    /// answer is retried at once, and surplus objects are removed.
    fn twin_is_harmless(&self) -> bool {
        false
    }

    /// Returns how long a deletion is retried while something still uses the object.
    fn delete_patience(&self) -> Duration {
        Duration::from_secs(20 * 60)
    }
}

/// A resource type in the engine's terms.
#[async_trait]
pub(super) trait AnyResourceType: Send + Sync {
    fn id_in<'a>(&self, arn: &'a str) -> Option<&'a str>;
    async fn ahead(&self, context: &Context, query: Query<'_>);
    async fn read(&self, context: &Context, query: Query<'_>) -> AwsResult<Vec<Observed>>;
    async fn create(&self, context: &Context, request: Creation<'_>) -> AwsResult<Observed>;
    async fn update(&self, context: &Context, request: Update<'_>) -> AwsResult<Observed>;
    async fn wait(
        &self,
        context: &Context,
        observed: Observed,
        progress: &dyn Progress,
    ) -> AwsResult<Observed>;
    async fn delete(&self, context: &Context, request: Deletion<'_>) -> AwsResult<()>;
    async fn blockers_of(
        &self,
        context: &Context,
        observed: &Observed,
        asking: &Asking<'_>,
    ) -> AwsResult<Vec<Holder>>;
}

/// The bridge from [`ResourceType`] to [`AnyResourceType`]. Keeps the schema, so that it is built once.
pub(super) struct Bridge<T> {
    pub resource_type: T,
    pub schema: Schema,
}

impl<T: ResourceType> Bridge<T> {
    /// Returns what holds an object at this moment.
    async fn blockers_now(&self, context: &Context, live: &LiveOf<T>) -> AwsResult<Vec<Holder>> {
        let asking = Asking {
            session: &ReadSession::default(),
            ours: &BTreeSet::new(),
        };
        self.resource_type.blockers_of(context, live, &asking).await
    }
}

#[async_trait]
impl<T: ResourceType> AnyResourceType for Bridge<T> {
    fn id_in<'a>(&self, arn: &'a str) -> Option<&'a str> {
        self.resource_type.id_in(arn)
    }

    async fn ahead(&self, context: &Context, query: Query<'_>) {
        self.resource_type.ahead(context, query).await;
    }

    /// Reads the objects. One that is listed may be gone when it is asked for by itself. Then the read is repeated without
    /// the lists that an earlier call has left in the session: an object that is gone does not exist.
    async fn read(&self, context: &Context, query: Query<'_>) -> AwsResult<Vec<Observed>> {
        let mut found = self.resource_type.read(context, query).await;
        let mut pauses = Pauses::within(GONE, Duration::from_millis(500));
        while found
            .as_ref()
            .is_err_and(|error| error.is(ErrorKind::NotFound))
        {
            if !pauses.pause().await {
                break;
            }
            let again = Query {
                session: &ReadSession::default(),
                ..query
            };
            found = self.resource_type.read(context, again).await;
        }
        found?.into_iter().map(|live| self.observed(live)).collect()
    }

    async fn create(&self, context: &Context, request: Creation<'_>) -> AwsResult<Observed> {
        self.check(request.inputs)?;
        let inputs: T::Inputs = self.typed(request.inputs)?;
        let new = || New {
            urn: request.urn,
            inputs: &inputs,
            tags: request.tags,
            instead_of: request.instead_of,
            progress: request.progress,
            fingerprint: serde_json::Value::from(&Value::Object(request.inputs.clone()))
                .to_string(),
        };
        let make = || async { self.observed(self.resource_type.create(context, new()).await?) };
        if self.resource_type.twin_is_harmless() {
            let (made, tries) = lost_response::create_again(request.progress, make).await?;
            if tries > 1 {
                self.remove_twins(context, request, &made).await;
            }
            return self.with_tags(context, request, made).await;
        }
        let made = lost_response::create(self.schema.create_class, request.progress, make, || {
            self.find(context, request)
        });
        self.with_tags(context, request, made.await?).await
    }

    async fn update(&self, context: &Context, request: Update<'_>) -> AwsResult<Observed> {
        let mut live: LiveOf<T> = self.live(request.observed)?;
        if !request.diff.is_empty() {
            // Values that were not known when the plan was made are known by now.
            if let Some(immutable) = self.schema.immutable
                && let Some(reason) =
                    immutable(request.diff, request.inputs, &request.observed.inputs)
            {
                return Err(ProviderError::new(
                    ErrorKind::Invalid,
                    self.schema.token,
                    reason,
                ));
            }
            self.check(request.inputs)?;
            let wanted: T::Inputs = self.typed(request.inputs)?;
            let change = || Change {
                urn: request.urn,
                wanted: &wanted,
                observed: &live,
                diff: request.diff,
                progress: request.progress,
            };
            let patience = Duration::from_secs(10 * 60);
            live = retry_while_in_use(
                patience,
                request.progress,
                || self.resource_type.update(context, change()),
                || self.blockers_now(context, &live),
            )
            .await?;
        }
        if self.schema.taggable {
            let (set, remove) = live.tags.changes_to(request.tags);
            if !set.is_empty() || !remove.is_empty() {
                retag(
                    context,
                    self.schema.token,
                    live.arn.as_deref(),
                    &set,
                    &remove,
                )
                .await
                .map_err(|error| error.after(done(request.diff)))?;
                let kept = live
                    .tags
                    .iter()
                    .filter(|(key, _)| !remove.iter().any(|removed| removed == key))
                    .chain(set.iter())
                    .map(|(key, value)| (key.to_owned(), value.to_owned()))
                    .collect();
                live.tags = kept;
            }
        }
        let mut updated = self.observed(live)?;
        // Properties that are left to AWS stay as they were.
        for property in &self.schema.properties {
            let chosen = request.observed.inputs.get(property.name);
            if property.unset == Unset::ServerChooses
                && let Some(chosen) = chosen
                && updated.inputs.get(property.name).is_none_or(Value::is_null)
            {
                updated
                    .inputs
                    .insert(property.name.to_owned(), chosen.clone());
            }
        }
        Ok(updated)
    }

    async fn wait(
        &self,
        context: &Context,
        observed: Observed,
        progress: &dyn Progress,
    ) -> AwsResult<Observed> {
        let live = self.live(&observed)?;
        let live = self.resource_type.wait(context, live, progress).await?;
        self.observed(live)
    }

    async fn delete(&self, context: &Context, request: Deletion<'_>) -> AwsResult<()> {
        let live = self.live(request.observed)?;
        let patience = self.resource_type.delete_patience();
        let deleted = retry_while_in_use(
            patience,
            request.progress,
            || {
                let old = Old {
                    live: &live,
                    data: request.data,
                    progress: request.progress,
                };
                self.resource_type.delete(context, old)
            },
            || self.blockers_now(context, &live),
        )
        .await;
        match deleted {
            Err(error) if error.is(ErrorKind::NotFound) => Ok(()),
            other => other,
        }
    }

    async fn blockers_of(
        &self,
        context: &Context,
        observed: &Observed,
        asking: &Asking<'_>,
    ) -> AwsResult<Vec<Holder>> {
        let live = self.live(observed)?;
        match self.resource_type.blockers_of(context, &live, asking).await {
            Err(error) if error.is(ErrorKind::NotFound) => Ok(Vec::new()),
            other => other,
        }
    }
}

/// The time for which AWS may list deleted objects, and may not see new ones.
const GONE: Duration = Duration::from_secs(15);

/// Describes what a change has done, and what of it is left: its tags.
fn done(diff: &Diff) -> String {
    let changed = match diff.properties().as_slice() {
        [] => return String::new(),
        [one] => format!("{one} is changed"),
        [firsts @ .., last] => format!("{} and {last} are changed", firsts.join(", ")),
    };
    format!("{changed}; its tags are as they were")
}

/// Returns the error about an object that was made, and whose tags were lost and cannot be set.
fn untagged(request: Creation<'_>, made: &Observed, error: ProviderError) -> ProviderError {
    let done = format!(
        "`{}` is there, without the tags that say whose it is",
        made.id
    );
    let arn = made.arn.as_deref();
    let command = {
        let run = request.tags.get(crate::resource::tags::RUN);
        super::tags::command(request.urn, &made.id, arn, request.tags.region(), run)
    };
    let error = error.after(done);
    let Some(command) = command else {
        return error;
    };
    let allow = match error.kind {
        ErrorKind::Denied => format!("allow {}; ", error.operation),
        _ => String::new(),
    };
    let text = format!(
        "{allow}tag it, or delete it, since the next run does not know it without its tags; then run"
    );
    error.with_remedy(Remedy::new(text).command(command))
}

impl<T: ResourceType> Bridge<T> {
    /// Returns the new object with its ownership tags. An answer that shows none of them may leave them out, so the object
    /// is read; where the tags were lost, they are set, for without them the next run would not recognize the object as its
    /// own.
    async fn with_tags(
        &self,
        context: &Context,
        request: Creation<'_>,
        mut made: Observed,
    ) -> AwsResult<Observed> {
        if !self.schema.taggable || made.tags.owner().is_some() {
            return Ok(made);
        }
        let found = self.all_of(context, request).await?.into_iter();
        let found = found.filter(|found| found.id == made.id);
        for found in found {
            match found.tags.owner() {
                Some(owner) if owner != *request.urn => {
                    return adopt(
                        request.tags,
                        self.live(&found)?,
                        ProviderError::new(ErrorKind::NotOurs, self.schema.token, ""),
                    )
                    .and_then(|live| self.observed(live));
                }
                _ => made.tags = found.tags,
            }
        }
        let (set, _) = made.tags.changes_to(request.tags);
        if made.tags.owner().is_some() {
            return Ok(made);
        }
        let live = self.live(&made)?;
        // Not every service has a code of its own for what it does not see yet.
        let mut pauses = Pauses::within(GONE, Duration::from_millis(500));
        loop {
            let tagged = retag(context, self.schema.token, live.arn.as_deref(), &set, &[]).await;
            let Err(error) = tagged else { break };
            let may_pass = !matches!(error.kind, ErrorKind::Denied | ErrorKind::Credentials);
            if !(may_pass && pauses.pause().await) {
                return Err(untagged(request, &made, error));
            }
        }
        for (key, value) in set.iter() {
            made.tags.insert(key, value);
        }
        Ok(made)
    }

    /// Removes additional objects that calls with a lost response have made. One that does not show yet, or cannot be
    /// deleted, does no harm and is left for the next run to remove.
    async fn remove_twins(&self, context: &Context, request: Creation<'_>, made: &Observed) {
        let Ok(found) = self.all_of(context, request).await else {
            return;
        };
        let kept = [request.instead_of, std::slice::from_ref(&made.id)].concat();
        let request = Creation {
            instead_of: &kept,
            ..request
        };
        for twin in lost_response::all_made_by(request, found) {
            if let Ok(live) = self.live(&twin) {
                let old = Old {
                    live: &live,
                    data: DataPolicy::Discard,
                    progress: request.progress,
                };
                // See above.
                drop(self.resource_type.delete(context, old).await);
            }
        }
    }

    /// Returns the object that an earlier create call for the same request may have made.
    async fn find(&self, context: &Context, request: Creation<'_>) -> AwsResult<Option<Observed>> {
        let found = self.all_of(context, request).await?;
        Ok(lost_response::made_by(request, found))
    }

    /// Returns all objects of the type that concern a request.
    async fn all_of(&self, context: &Context, request: Creation<'_>) -> AwsResult<Vec<Observed>> {
        let wanted = [Wanted {
            urn: request.urn.clone(),
            inputs: request.inputs.clone(),
            tags: request.tags.clone(),
            is_imported: false,
        }];
        self.read(
            context,
            Query {
                token: self.schema.token,
                stack: request.urn.stack(),
                wanted: &wanted,
                indexed: &[],
                live: &LiveSnapshot::default(),
                session: &ReadSession::default(),
            },
        )
        .await
    }

    /// Checks the inputs again: values that were not known when the graph was built are known by now.
    fn check(&self, inputs: &Properties) -> AwsResult<()> {
        let invalid_inputs = self.schema.invalid_inputs(inputs);
        if invalid_inputs.is_empty() {
            return Ok(());
        }
        let reasons: Vec<String> = invalid_inputs.iter().map(InvalidInput::to_string).collect();
        Err(ProviderError::new(
            ErrorKind::Invalid,
            self.schema.token,
            reasons.join("; "),
        ))
    }

    fn typed<D: DeserializeOwned>(&self, properties: &Properties) -> AwsResult<D> {
        let json = serde_json::Value::from(&Value::Object(properties.clone()));
        serde_json::from_value(json).map_err(|error| {
            ProviderError::new(
                ErrorKind::Invalid,
                self.schema.token,
                format!("a property has a value that the type does not take: {error}"),
            )
        })
    }

    fn live(&self, observed: &Observed) -> AwsResult<LiveOf<T>> {
        Ok(Live {
            id: observed.id.clone(),
            arn: observed.arn.clone(),
            inputs: self.typed(&observed.inputs)?,
            outputs: self.typed(&observed.outputs)?,
            tags: observed.tags.clone(),
            condition: observed.condition.clone(),
        })
    }

    fn observed(&self, live: LiveOf<T>) -> AwsResult<Observed> {
        Ok(Observed {
            token: self.schema.token.to_owned(),
            id: live.id,
            arn: live.arn,
            inputs: self.properties(&live.inputs)?,
            outputs: self.properties(&live.outputs)?,
            tags: live.tags,
            condition: live.condition,
        })
    }

    fn properties(&self, typed: &impl Serialize) -> AwsResult<Properties> {
        let json = serde_json::to_value(typed).map_err(|error| {
            ProviderError::new(ErrorKind::Bug, self.schema.token, error.to_string())
        })?;
        let mut properties = match Value::from(json) {
            Value::Object(properties) => properties,
            _ => BTreeMap::new(),
        };
        properties.retain(|_, value| !value.is_null());
        for (name, value) in &mut properties {
            let property = self.schema.property(name);
            let secret = property.is_some_and(|property| property.hides(value));
            if secret {
                *value = Value::Secret(Box::new(std::mem::replace(value, Value::Null)));
            }
        }
        Ok(properties)
    }
}
