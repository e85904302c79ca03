//! The reading of objects: which there are, and what they are like.
//!
//! Each object costs a call. Which to ask for is known from the file, where the identifier is made of inputs; from the tag
//! index; and, for what was made a moment ago, from the list of recent requests. A list of all objects of the account is
//! asked for only where an identifier is in no ARN.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use aws_sdk_cloudcontrol::types::{
    Operation, OperationStatus, ProgressEvent, ResourceRequestStatusFilter,
};
use futures_util::future::{join_all, try_join_all};
use serde_json::Value as Json;

use super::model::{self, Model};
use super::request::status;
use super::{data, identifier};
use crate::aws::context::Context;
use crate::aws::error::{AwsResult, expected, if_there};
use crate::aws::wait::Pauses;
use crate::facts::{self, Shape, Spelling, TypeFacts};
use crate::resource::provider::{Indexed, Query, Wanted};
use crate::resource::{Condition, ErrorKind, Observed, ProviderError, ReadSession};

const GET: &str = "cloudformation:GetResource";

/// Returns every object of a type that is the stack's by its tags, or has a wanted name.
pub(super) async fn read(
    context: &Context,
    facts: &'static TypeFacts,
    query: Query<'_>,
) -> AwsResult<Vec<Observed>> {
    let named = query.wanted.iter();
    let named = named.filter_map(|wanted| identifier::of_inputs(facts, &wanted.inputs));
    let named: BTreeSet<String> = named.collect();
    let found = by_identifier(context, facts, &named).await?;
    let mut found = Found {
        facts,
        objects: found,
    };
    let indexed = query.indexed.iter().filter(|entry| !found.has(entry));
    let indexed = indexed.map(|entry| of_entry(context, facts, query, entry));
    for observed in try_join_all(indexed).await?.into_iter().flatten() {
        found.objects.insert(observed.id.clone(), observed);
    }
    if data::is_unindexed(&facts.name) {
        let listed = listed(context, facts, query).await?;
        let listed = listed.iter().filter(|id| !found.objects.contains_key(*id));
        let listed = listed.cloned().collect();
        found
            .objects
            .extend(by_identifier(context, facts, &listed).await?);
    }
    let missing = query.missing(found.objects.values().map(|object| &object.tags));
    // Where the file says the identifier, it has been asked for already.
    let is_open = |wanted: &&Wanted| identifier::of_inputs(facts, &wanted.inputs).is_none();
    if missing.into_iter().any(|wanted| is_open(&wanted)) {
        let recent = recent(context, query.session).await?;
        let recent = recent.iter();
        let recent = recent.filter(|event| event.type_name() == Some(&facts.name));
        let recent = recent.filter_map(|event| event.identifier());
        let recent = recent.filter(|id| !found.objects.contains_key(*id));
        let recent = recent.map(str::to_owned).collect();
        found
            .objects
            .extend(by_identifier(context, facts, &recent).await?);
    }
    // A run that was broken off may have left requests that go on.
    if query.live.proof.has_open_runs() && !found.objects.is_empty() {
        let recent = recent(context, query.session).await?;
        for event in recent.iter().filter(|event| is_running(facts, event)) {
            let object = event.identifier().and_then(|id| found.objects.get_mut(id));
            if let Some(object) = object {
                object.condition = Condition::Settling(status(event));
            }
        }
    }
    let concerns =
        |object: &Observed| object.tags.belongs_to(query.stack) || named.contains(&object.id);
    let objects = found.objects.into_values().filter(concerns);
    Ok(objects.collect())
}

/// The objects that have been read, by identifier.
struct Found {
    facts: &'static TypeFacts,
    objects: BTreeMap<String, Observed>,
}

impl Found {
    /// Returns whether the object of an entry in the index has been read already.
    fn has(&self, entry: &Indexed) -> bool {
        self.objects.values().any(|object| match &object.arn {
            Some(arn) => *arn == entry.arn,
            None => {
                object.tags.owner() == entry.tags.owner()
                    && identifier::of_arn(self.facts, &entry.arn).contains(&object.id)
            }
        })
    }
}

async fn by_identifier(
    context: &Context,
    facts: &'static TypeFacts,
    identifiers: &BTreeSet<String>,
) -> AwsResult<BTreeMap<String, Observed>> {
    let asked = identifiers.iter().map(|id| async move {
        let found = get(context, facts, id).await?;
        AwsResult::Ok(found.map(|(model, _)| (id.clone(), observed(facts, id, &model))))
    });
    Ok(try_join_all(asked).await?.into_iter().flatten().collect())
}

/// Returns the object of an entry in the index; `None` if it is gone, as the index goes on listing objects for a while.
async fn of_entry(
    context: &Context,
    facts: &'static TypeFacts,
    query: Query<'_>,
    entry: &Indexed,
) -> AwsResult<Option<Observed>> {
    // One with another ARN is another object. Not every type returns its tags.
    let is_it = |object: &Observed| match &object.arn {
        Some(arn) => *arn == entry.arn,
        None if object.tags.is_empty() => identifier::is_named_by(&object.id, &entry.arn),
        None => object.tags.owner() == entry.tags.owner(),
    };
    let with_tags = |mut object: Observed| {
        // Not every type returns its tags.
        if object.tags.is_empty() {
            object.tags = entry.tags.clone();
        }
        object.arn.get_or_insert_with(|| entry.arn.clone());
        object
    };
    for id in identifier::of_arn(facts, &entry.arn) {
        let found = match get(context, facts, &id).await {
            // Not even the form of an identifier of this type.
            Err(error) if error.is(ErrorKind::Invalid) => continue,
            found => found?,
        };
        if let Some((model, _)) = found {
            let object = observed(facts, &id, &model);
            if is_it(&object) {
                return Ok(Some(with_tags(object)));
            }
        }
    }
    let listed = listed(context, facts, query).await?;
    for id in listed
        .iter()
        .filter(|id| identifier::may_be_of(id, &entry.arn))
    {
        if let Some((model, _)) = get(context, facts, id).await? {
            let object = observed(facts, id, &model);
            if is_it(&object) {
                return Ok(Some(with_tags(object)));
            }
        }
    }
    Ok(None)
}

/// Returns the model of an object, and its identifier as AWS has it; `None` if it does not exist.
pub(super) async fn get(
    context: &Context,
    facts: &TypeFacts,
    id: &str,
) -> AwsResult<Option<(Model, String)>> {
    let request = context.cloudcontrol.get_resource();
    let request = request.type_name(&facts.name).identifier(id);
    let Some(answer) = if_there(context.send(request).await)? else {
        return Ok(None);
    };
    let description = expected(GET, answer.resource_description, "`ResourceDescription`")?;
    let text = expected(GET, description.properties, "`Properties`")?;
    match serde_json::from_str(&text) {
        Ok(Json::Object(model)) => {
            let id = description.identifier.unwrap_or_else(|| id.to_owned());
            Ok(Some((model, id)))
        }
        _ => Err(ProviderError::new(
            ErrorKind::Bug,
            GET,
            format!("AWS returned properties of {id} that are no JSON object"),
        )),
    }
}

/// Returns an object that was made a moment ago, once AWS shows it.
pub(super) async fn get_new(
    context: &Context,
    facts: &TypeFacts,
    id: &str,
) -> AwsResult<Option<(Model, String)>> {
    /// Reads may say for some seconds that a new object does not exist.
    const VISIBLE: Duration = Duration::from_secs(15);
    let mut pauses = Pauses::within(VISIBLE, Duration::from_millis(500));
    loop {
        match get(context, facts, id).await? {
            Some(found) => return Ok(Some(found)),
            None if pauses.pause().await => {}
            None => return Ok(None),
        }
    }
}

/// Returns an object in the engine's words.
pub(super) fn observed(facts: &'static TypeFacts, id: &str, model: &Model) -> Observed {
    let parts = model::parts(facts, model);
    Observed {
        token: facts.token.clone(),
        id: id.to_owned(),
        arn: parts.arn,
        inputs: parts.inputs,
        outputs: parts.outputs,
        tags: parts.tags.unwrap_or_default(),
        condition: Condition::Ready,
    }
}

/// Returns the identifiers of all objects of a type in the account, asked for once per reading.
async fn listed(
    context: &Context,
    facts: &'static TypeFacts,
    query: Query<'_>,
) -> AwsResult<Arc<BTreeSet<String>>> {
    let name = facts.name.as_str();
    let key = format!("cloudformation:ListResources {name}");
    let ask = || async {
        let scopes = scopes(facts, query);
        let lists = scopes.iter().map(|scope| {
            context.pages(
                move |token| {
                    let request = context.cloudcontrol.list_resources();
                    let request = request.type_name(name).set_next_token(token);
                    request.max_results(100).set_resource_model(scope.clone())
                },
                |page| {
                    (
                        Some(page.resource_descriptions.unwrap_or_default()),
                        page.next_token,
                    )
                },
            )
        });
        let mut identifiers = BTreeSet::new();
        for list in join_all(lists).await {
            let list = list?.into_iter();
            identifiers.extend(list.filter_map(|description| description.identifier));
        }
        Ok(identifiers)
    };
    query.session.once(&key, ask).await
}

/// The models that a list needs: none for most types; else one for each value that the file, or the schema, has of the
/// properties without which nothing is listed.
fn scopes(facts: &'static TypeFacts, query: Query<'_>) -> Vec<Option<String>> {
    if facts.list_needs.is_empty() {
        return vec![None];
    }
    let mut scopes = BTreeSet::new();
    for wanted in query.wanted {
        let known = facts.list_needs.iter().map(|name| {
            let value = wanted.inputs.get(&facts::property_name(name))?;
            Some((name.clone(), Json::from(value.as_str()?)))
        });
        if let Some(known) = known.collect::<Option<Model>>() {
            scopes.insert(Json::Object(known).to_string());
        }
    }
    if let [only] = facts.list_needs.as_slice() {
        let shape = facts.shape().property(only, Spelling::CloudFormation);
        let words = shape.and_then(|(_, shape)| Shape::words(shape));
        for word in words.into_iter().flatten() {
            let model = Model::from_iter([(only.clone(), word.clone())]);
            scopes.insert(Json::Object(model).to_string());
        }
    }
    scopes.into_iter().map(Some).collect()
}

/// Returns whether a request still makes an object of a type.
pub(super) fn is_running(facts: &TypeFacts, event: &ProgressEvent) -> bool {
    let is_open = matches!(
        event.operation_status(),
        Some(OperationStatus::Pending | OperationStatus::InProgress)
    );
    is_open && event.type_name() == Some(&facts.name)
}

/// Returns the requests to create of the last seven days, of all types, asked for once per reading.
pub(super) async fn recent(
    context: &Context,
    session: &ReadSession,
) -> AwsResult<Arc<Vec<ProgressEvent>>> {
    let ask = || async {
        let filter = ResourceRequestStatusFilter::builder()
            .operations(Operation::Create)
            .operation_statuses(OperationStatus::Pending)
            .operation_statuses(OperationStatus::InProgress)
            .operation_statuses(OperationStatus::Success)
            .operation_statuses(OperationStatus::Failed)
            .build();
        let page = |token| {
            let request = context.cloudcontrol.list_resource_requests();
            let request = request.max_results(100).set_next_token(token);
            request.resource_request_status_filter(filter.clone())
        };
        context
            .pages(page, |page| {
                let events = page.resource_request_status_summaries;
                (Some(events.unwrap_or_default()), page.next_token)
            })
            .await
    };
    session
        .once("cloudformation:ListResourceRequests", ask)
        .await
}
