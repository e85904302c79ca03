//! The operations of the engine, on objects of all of these types.

use std::collections::HashMap;
use std::sync::{Mutex, OnceLock, PoisonError};
use std::time::{Duration, SystemTime};

use async_trait::async_trait;
use aws_sdk_cloudcontrol::types::ProgressEvent;
use serde_json::{Value as Json, json};

use super::create::{CREATE, Made, create, hide};
use super::data::is_global;
use super::model::{self, Model};
use super::patch::patch;
use super::read::{self, get, get_new, is_running, observed, recent};
use super::request::{follow, is_old, may_pass, pauses, with_remedy};
use super::schema::schema;
use crate::aws::context::Context;
use crate::aws::error::{AwsResult, expected};
use crate::aws::lost_response;
use crate::aws::resource_type::{AnyResourceType, Asking};
use crate::aws::tags::retag;
use crate::aws::wait::while_in_use;
use crate::facts::{self, Handler, TypeFacts};
use crate::resource::provider::{Creation, Deletion, Holder, Progress, Query, Update};
use crate::resource::tags::short_hash;
use crate::resource::{CreateClass, ErrorKind, Observed, ProviderError, ReadSession, Tags, Value};

const UPDATE: &str = "cloudformation:UpdateResource";
const DELETE: &str = "cloudformation:DeleteResource";

/// The time for which an operation on an object is repeated while another one goes on.
const BUSY: Duration = Duration::from_secs(20 * 60);

/// The most requests of earlier runs, with the same change from the same state, that are passed over.
const MOST_ATTEMPTS: u32 = 100;

/// All types that go through Cloud Control.
#[derive(Default)]
pub struct ThroughCloudControl {
    /// The requests that make objects which have an identifier already, by type and identifier.
    making: Mutex<HashMap<(String, String), ProgressEvent>>,
}

/// Returns the facts of a type.
fn facts_of(token: &str) -> AwsResult<&'static TypeFacts> {
    let unknown = || {
        ProviderError::new(
            ErrorKind::Invalid,
            token,
            "this version of fde-infra does not know the type",
        )
    };
    schema(token)
        .and_then(|_| facts::get(token))
        .ok_or_else(unknown)
}

#[async_trait]
impl AnyResourceType for ThroughCloudControl {
    fn id_in<'a>(&self, _arn: &'a str) -> Option<&'a str> {
        None
    }

    async fn ahead(&self, _context: &Context, _query: Query<'_>) {}

    async fn read(&self, context: &Context, query: Query<'_>) -> AwsResult<Vec<Observed>> {
        read::read(context, facts_of(query.token)?, query).await
    }

    async fn create(&self, context: &Context, request: Creation<'_>) -> AwsResult<Observed> {
        let facts = facts_of(request.urn.token())?;
        let class = schema(&facts.token).map_or(CreateClass::Token, |schema| schema.create_class);
        let make = || create(context, facts, request);
        let looked = || async { Ok(None) };
        let made = lost_response::create(class, request.progress, make, looked).await?;
        let Made {
            mut observed,
            request: under_way,
        } = made;
        if let Some(event) = under_way {
            self.remember(&observed, event);
            return Ok(observed);
        }
        // Some handlers tag in a second call, or not at all where they may not.
        if observed.tags.owner().is_none() && observed.condition.is_usable() {
            let tags = request.tags;
            set_tags(context, facts, &observed, tags, &[]).await?;
            for (key, value) in tags.iter() {
                observed.tags.insert(key, value);
            }
        }
        Ok(observed)
    }

    async fn update(&self, context: &Context, request: Update<'_>) -> AwsResult<Observed> {
        let facts = facts_of(request.urn.token())?;
        let mut result = request.observed.clone();
        if !request.diff.is_empty() {
            while_in_use(BUSY, request.progress, || changed(context, facts, request)).await?;
            result = current(context, facts, &request.observed.id).await?;
            if result.tags.is_empty() {
                result.tags = request.observed.tags.clone();
            }
            if result.arn.is_none() {
                result.arn.clone_from(&request.observed.arn);
            }
        }
        let (set, remove) = result.tags.changes_to(request.tags);
        if !set.is_empty() || !remove.is_empty() {
            set_tags(context, facts, &result, &set, &remove).await?;
            result.tags = retagged(&result.tags, &set, &remove);
        }
        Ok(result)
    }

    async fn wait(
        &self,
        context: &Context,
        observed: Observed,
        progress: &dyn Progress,
    ) -> AwsResult<Observed> {
        let facts = facts_of(&observed.token)?;
        let event = match self.making(&observed) {
            Some(event) => Some(event),
            // Another run has begun it.
            None => begun_by_another(context, facts, &observed).await?,
        };
        if let Some(event) = event {
            follow(context, facts, Handler::Create, CREATE, event, progress).await?;
        }
        let tags = observed.tags.clone();
        let mut observed = current(context, facts, &observed.id).await?;
        if observed.tags.owner().is_none() {
            set_tags(context, facts, &observed, &tags, &[]).await?;
            observed.tags = tags;
        }
        Ok(observed)
    }

    async fn delete(&self, context: &Context, request: Deletion<'_>) -> AwsResult<()> {
        let facts = facts_of(&request.observed.token)?;
        let deleted = while_in_use(BUSY, request.progress, || deleted(context, facts, request));
        match deleted.await {
            // A handler may look in another place than where the object is: that would be no deletion.
            Err(error) if error.is(ErrorKind::NotFound) => {
                match get(context, facts, &request.observed.id).await? {
                    Some(_) => Err(ProviderError {
                        kind: ErrorKind::Invalid,
                        ..error
                    }),
                    None => Ok(()),
                }
            }
            other => other,
        }
    }

    async fn blockers_of(
        &self,
        _context: &Context,
        _observed: &Observed,
        _asking: &Asking<'_>,
    ) -> AwsResult<Vec<Holder>> {
        Ok(Vec::new())
    }
}

impl ThroughCloudControl {
    fn remember(&self, observed: &Observed, event: ProgressEvent) {
        let mut making = self.making.lock().unwrap_or_else(PoisonError::into_inner);
        making.insert((observed.token.clone(), observed.id.clone()), event);
    }

    fn making(&self, observed: &Observed) -> Option<ProgressEvent> {
        let mut making = self.making.lock().unwrap_or_else(PoisonError::into_inner);
        making.remove(&(observed.token.clone(), observed.id.clone()))
    }
}

/// Returns the request of an earlier run that still makes an object.
async fn begun_by_another(
    context: &Context,
    facts: &TypeFacts,
    observed: &Observed,
) -> AwsResult<Option<ProgressEvent>> {
    let recent = recent(context, &ReadSession::default()).await?;
    let mut running = recent.iter().filter(|event| is_running(facts, event));
    let own = running.find(|event| event.identifier() == Some(&observed.id));
    Ok(own.cloned())
}

/// Returns an object as it is, once AWS shows it.
async fn current(context: &Context, facts: &'static TypeFacts, id: &str) -> AwsResult<Observed> {
    let gone = || {
        ProviderError::new(
            ErrorKind::NotFound,
            "cloudformation:GetResource",
            format!("`{id}` is not there"),
        )
    };
    let (model, id) = get_new(context, facts, id).await?.ok_or_else(gone)?;
    Ok(observed(facts, &id, &model))
}

/// Brings an object to the wanted inputs.
async fn changed(
    context: &Context,
    facts: &'static TypeFacts,
    request: Update<'_>,
) -> AwsResult<()> {
    let id = &request.observed.id;
    let gone = || ProviderError::new(ErrorKind::NotFound, UPDATE, format!("`{id}` is not there"));
    let (live, _) = get(context, facts, id).await?.ok_or_else(gone)?;
    hide(context, request.inputs.values());
    let operations = patch(facts, request.diff, request.inputs, &live);
    send_patch(
        context,
        facts,
        id,
        request.urn.to_string(),
        operations,
        &live,
        request.progress,
    )
    .await
}

/// A text that no other process has: changes are sent again by another run, and never believed to be done.
fn this_run() -> &'static str {
    static RUN: OnceLock<String> = OnceLock::new();
    RUN.get_or_init(|| format!("{} {:?}", std::process::id(), SystemTime::now()))
}

/// Sends a patch, and follows it to its end.
async fn send_patch(
    context: &Context,
    facts: &'static TypeFacts,
    id: &str,
    what: String,
    operations: Vec<Json>,
    live: &Model,
    progress: &dyn Progress,
) -> AwsResult<()> {
    if operations.is_empty() {
        return Ok(());
    }
    let document = Json::Array(operations).to_string();
    // A hash of what is sent would be one of the secrets in it.
    let run = this_run();
    let before = Json::Object(live.clone());
    settled(
        facts,
        Handler::Update,
        UPDATE,
        context,
        progress,
        |attempt| {
            let token = short_hash(&format!("{what}\n{id}\n{attempt}\n{before}\n{run}"), 64);
            let request = context
                .cloudcontrol
                .update_resource()
                .type_name(&facts.name)
                .identifier(id)
                .client_token(token)
                .patch_document(&document);
            async move {
                let answer = context.send(request).await.map_err(with_remedy)?;
                Ok(answer.progress_event)
            }
        },
    )
    .await
}

async fn deleted(
    context: &Context,
    facts: &'static TypeFacts,
    request: Deletion<'_>,
) -> AwsResult<()> {
    let id = &request.observed.id;
    let Some((live, _)) = get(context, facts, id).await? else {
        return Ok(());
    };
    if let Some(guard) = schema(&facts.token).and_then(|schema| schema.guard)
        && request.observed.inputs.get(guard).and_then(Value::as_bool) == Some(true)
    {
        let shape = facts.shape();
        if let Some((name, _)) = shape.property(guard, facts::Spelling::Native) {
            let off = vec![json!({ "op": "add", "path": format!("/{name}"), "value": false })];
            let what = request.urn.to_string();
            send_patch(context, facts, id, what, off, &live, request.progress).await?;
        }
    }
    let before = Json::Object(live);
    settled(
        facts,
        Handler::Delete,
        DELETE,
        context,
        request.progress,
        |attempt| {
            let token = short_hash(
                &format!("{}\n{id}\n{attempt}\n{before}\n{}", request.urn, this_run()),
                64,
            );
            let request = context
                .cloudcontrol
                .delete_resource()
                .type_name(&facts.name)
                .identifier(id)
                .client_token(token);
            async move { Ok(context.send(request).await?.progress_event) }
        },
    )
    .await
}

/// Makes a request and follows it to its end. The event of an earlier request with the same token is not believed: then the
/// object was brought there and back since, and the request is made with another token.
async fn settled<F, Fut>(
    facts: &'static TypeFacts,
    handler: Handler,
    operation: &'static str,
    context: &Context,
    progress: &dyn Progress,
    send: F,
) -> AwsResult<()>
where
    F: Fn(u32) -> Fut + Sync,
    Fut: Future<Output = AwsResult<Option<ProgressEvent>>> + Send,
{
    let mut attempt = 0;
    let mut pauses = pauses();
    loop {
        let began = SystemTime::now();
        let event = expected(operation, send(attempt).await?, "`ProgressEvent`")?;
        if is_old(operation, &event, began) && attempt < MOST_ATTEMPTS {
            attempt += 1;
            continue;
        }
        let followed = follow(context, facts, handler, operation, event, progress).await;
        match followed {
            Err(error) if may_pass(&error) && pauses.pause().await => attempt += 1,
            followed => return followed.map(drop),
        }
    }
}

/// The tags of an object once some are removed and others set.
fn retagged(tags: &Tags, set: &Tags, remove: &[String]) -> Tags {
    let kept = tags
        .iter()
        .filter(|(key, _)| !remove.iter().any(|removed| removed == key));
    let all = kept.chain(set.iter());
    all.map(|(key, value)| (key.to_owned(), value.to_owned()))
        .collect()
}

/// Sets and removes tags: by the tagging API, which touches nothing else, where the ARN is known.
async fn set_tags(
    context: &Context,
    facts: &'static TypeFacts,
    observed: &Observed,
    set: &Tags,
    remove: &[String],
) -> AwsResult<()> {
    // The tagging API of a region does not reach what is in none.
    if observed.arn.is_some() && !is_global(&facts.name) {
        return retag(context, &facts.token, observed.arn.as_deref(), set, remove).await;
    }
    let Some(property) = facts.tag_property() else {
        return Ok(());
    };
    let gone = || {
        ProviderError::new(
            ErrorKind::NotFound,
            UPDATE,
            format!("`{}` is not there", observed.id),
        )
    };
    let (live, _) = get(context, facts, &observed.id).await?.ok_or_else(gone)?;
    // Tags of others stay. AWS's own are neither sent nor removed.
    let there = model::parts(facts, &live).tags.unwrap_or_default();
    let own = there.iter().filter(|(key, _)| !key.starts_with("aws:"));
    let own = own.map(|(key, value)| (key.to_owned(), value.to_owned()));
    let tags = retagged(&own.collect(), set, remove);
    let value = model::tags_in(facts, property, &tags);
    let operations = vec![json!({ "op": "add", "path": format!("/{property}"), "value": value })];
    let what = format!("tags of {}", observed.id);
    send_patch(
        context,
        facts,
        &observed.id,
        what,
        operations,
        &live,
        &crate::resource::provider::Silent,
    )
    .await
}
