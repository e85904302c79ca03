//! The creation of objects, which a run that was killed may have begun.
//!
//! The client token of a call is a hash of the resource and its inputs, so that the same wish meets the same request, for 36
//! hours. That is what finds the request of a run that was killed; and it is a trap: after `up`, `destroy`, `up` the token
//! is the same, and AWS answers with the event of the first request, while nothing is done. So the event of a request that
//! had ended before the call is not believed. The object that it names is looked at, and where there is none, or none that is
//! ours, the next attempt has a token of its own.

use std::time::SystemTime;

use aws_sdk_cloudcontrol::types::{OperationStatus, ProgressEvent};

use super::model::{Model, desired};
use super::read::{get, get_new, observed, recent};
use super::request::{self, State, follow, is_old, may_pass, pauses};
use crate::aws::context::Context;
use crate::aws::error::{AwsResult, expected};
use crate::aws::resource_type::{Live, adopt};
use crate::facts::{Handler, TypeFacts};
use crate::resource::provider::Creation;
use crate::resource::tags::{short_hash, without_secrets};
use crate::resource::{
    Condition, ErrorKind, Observed, Properties, ProviderError, ReadSession, Value,
};

pub(super) const CREATE: &str = "cloudformation:CreateResource";

/// The most requests of earlier runs, for the same resource with the same inputs, that are passed over.
const MOST_ATTEMPTS: u32 = 100;

/// The object of a create call, and the request that still makes it.
pub(super) struct Made {
    pub observed: Observed,
    pub request: Option<ProgressEvent>,
}

/// Creates an object, and returns as soon as it has an identifier.
pub(super) async fn create(
    context: &Context,
    facts: &'static TypeFacts,
    creation: Creation<'_>,
) -> AwsResult<Made> {
    hide(context, creation.inputs.values());
    let model = desired(facts, creation.inputs, creation.tags);
    let body = serde_json::Value::Object(model).to_string();
    let mut pauses = pauses();
    for attempt in 0..MOST_ATTEMPTS {
        let began = SystemTime::now();
        let request = context
            .cloudcontrol
            .create_resource()
            .type_name(&facts.name)
            .client_token(client_token(creation, attempt))
            .desired_state(&body);
        let event = match context.send(request).await {
            Ok(answer) => expected(CREATE, answer.progress_event, "`ProgressEvent`")?,
            // An earlier run of ours has used the token, with other tags: the mark of a run is among them.
            Err(error) if error.code == "ClientTokenConflictException" => {
                match of_earlier_run(context, facts, creation).await? {
                    Some(made) => return Ok(made),
                    None => continue,
                }
            }
            Err(error) => return Err(error),
        };
        if is_old(CREATE, &event, began) {
            match earlier(context, facts, creation, &event).await? {
                Some(made) => return Ok(made),
                None => continue,
            }
        }
        match begun(context, facts, creation, event).await {
            Err(error) if may_pass(&error) && error.done.is_none() && pauses.pause().await => {}
            begun => return begun,
        }
    }
    Err(ProviderError::new(
        ErrorKind::Bug,
        CREATE,
        format!("AWS answers with the requests of {MOST_ATTEMPTS} earlier runs"),
    ))
}

/// Remembers the secrets among values, so that no error shows them: AWS quotes what it refuses.
pub(super) fn hide<'v>(context: &Context, values: impl IntoIterator<Item = &'v Value>) {
    for value in values {
        match value {
            Value::Secret(inner) => {
                if let Some(text) = inner.as_str() {
                    context.hide(text);
                }
            }
            Value::List(values) => hide(context, values),
            Value::Object(entries) => hide(context, entries.values()),
            _ => {}
        }
    }
}

/// The client token: 64 hexadecimal digits, the same for the same resource with the same inputs.
fn client_token(creation: Creation<'_>, attempt: u32) -> String {
    let inputs = without_secrets(&Value::Object(creation.inputs.clone()));
    let inputs = serde_json::Value::from(&inputs);
    let instead_of = creation.instead_of.join("\n");
    short_hash(
        &format!("{}\n{attempt}\n{instead_of}\n{inputs}", creation.urn),
        64,
    )
}

fn is_running(event: &ProgressEvent) -> bool {
    matches!(request::state(CREATE, event), State::Running)
}

/// Follows a request until the object has an identifier.
async fn begun(
    context: &Context,
    facts: &'static TypeFacts,
    creation: Creation<'_>,
    event: ProgressEvent,
) -> AwsResult<Made> {
    if let Some(id) = event.identifier()
        && is_running(&event)
    {
        let observed = on_its_way(facts, id, creation, &event);
        return Ok(Made {
            observed,
            request: Some(event),
        });
    }
    let progress = creation.progress;
    let followed = follow(
        context,
        facts,
        Handler::Create,
        CREATE,
        event.clone(),
        progress,
    )
    .await;
    match followed {
        Ok(event) => finished(context, facts, creation, &event).await,
        Err(error) => failed(context, facts, creation, &event, error).await,
    }
}

/// Returns the object that a request has made.
async fn finished(
    context: &Context,
    facts: &'static TypeFacts,
    creation: Creation<'_>,
    event: &ProgressEvent,
) -> AwsResult<Made> {
    let id = expected(CREATE, event.identifier(), "`Identifier`")?;
    match get_new(context, facts, id).await? {
        Some((model, id)) => Ok(Made {
            observed: observed(facts, &id, &model),
            request: None,
        }),
        // It exists, and reads do not show it yet.
        None => Ok(Made {
            observed: on_its_way(facts, id, creation, event),
            request: None,
        }),
    }
}

/// An object of which nothing is known yet but what was asked for.
fn on_its_way(
    facts: &TypeFacts,
    id: &str,
    creation: Creation<'_>,
    event: &ProgressEvent,
) -> Observed {
    Observed {
        token: facts.token.clone(),
        id: id.to_owned(),
        arn: None,
        inputs: creation.inputs.clone(),
        outputs: Properties::new(),
        tags: creation.tags.clone(),
        condition: Condition::Settling(request::status(event)),
    }
}

/// Looks at what a failed request has left: AWS does not take back what it has done. What is ours is the object, and the
/// next step of this run or of the next one brings it to what is wanted. What is not ours is in the way.
async fn failed(
    context: &Context,
    facts: &'static TypeFacts,
    creation: Creation<'_>,
    event: &ProgressEvent,
    error: ProviderError,
) -> AwsResult<Made> {
    let named = super::identifier::of_inputs(facts, creation.inputs);
    let Some(id) = event.identifier().map(str::to_owned).or(named) else {
        return Err(error);
    };
    let Some((model, id)) = get(context, facts, &id).await? else {
        return Err(error);
    };
    if !error.is(ErrorKind::AlreadyExists) {
        return Err(left(error, &id));
    }
    own(facts, creation, &id, &model, error).map(|observed| Made {
        observed,
        request: None,
    })
}

/// Adds to an error that the object is there.
fn left(error: ProviderError, id: &str) -> ProviderError {
    error.after(format!(
        "`{id}` is there, and the next run looks at what it is like"
    ))
}

/// Returns an object that stands where one is to be made, if it is ours.
fn own(
    facts: &'static TypeFacts,
    creation: Creation<'_>,
    id: &str,
    model: &Model,
    error: ProviderError,
) -> AwsResult<Observed> {
    let met = observed(facts, id, model);
    if creation.instead_of.contains(&met.id) {
        return Err(error);
    }
    let live = Live {
        id: met.id.clone(),
        arn: met.arn.clone(),
        inputs: (),
        outputs: (),
        tags: met.tags.clone(),
        condition: met.condition.clone(),
    };
    adopt(creation.tags, live, error).map(|_| met)
}

/// Returns the object of a request that was made before this call; `None` if it has none any more.
async fn earlier(
    context: &Context,
    facts: &'static TypeFacts,
    creation: Creation<'_>,
    event: &ProgressEvent,
) -> AwsResult<Option<Made>> {
    let Some(id) = event.identifier() else {
        return Ok(None);
    };
    let Some((model, id)) = get(context, facts, id).await? else {
        return Ok(None);
    };
    let met = observed(facts, &id, &model);
    let is_own = met.tags.is_earlier_self_of(creation.tags) && !creation.instead_of.contains(&id);
    let made = is_own.then_some(Made {
        observed: met,
        request: None,
    });
    Ok(made)
}

/// Returns the object that an earlier run of ours has made, or is still making: its request is among the recent ones.
async fn of_earlier_run(
    context: &Context,
    facts: &'static TypeFacts,
    creation: Creation<'_>,
) -> AwsResult<Option<Made>> {
    let events = recent(context, &ReadSession::default()).await?;
    let events = events.iter();
    let events = events.filter(|event| event.type_name() == Some(&facts.name));
    let urn = creation.urn.to_string();
    // The model has the tags, where AWS returns it.
    let may_be_own = |event: &&ProgressEvent| {
        let model = event.resource_model();
        model.is_none_or(|model| model.contains(&urn))
    };
    for event in events.filter(may_be_own) {
        // One that is running may be ours, and its tags tell once it is done. One of others takes no harm from being waited for.
        let event = match event.operation_status() {
            Some(OperationStatus::Pending | OperationStatus::InProgress) => {
                let progress = creation.progress;
                let event = event.clone();
                match follow(
                    context,
                    facts,
                    Handler::Create,
                    CREATE,
                    event.clone(),
                    progress,
                )
                .await
                {
                    Ok(event) => event,
                    Err(error) if error.is(ErrorKind::TimedOut) => return Err(error),
                    Err(_) => event,
                }
            }
            _ => event.clone(),
        };
        if let Some(made) = earlier(context, facts, creation, &event).await? {
            return Ok(Some(made));
        }
    }
    Ok(None)
}
