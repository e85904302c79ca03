//! The places where a run has left objects, for a `destroy` that comes before the tag index has heard of them.
//!
//! The record of the last run is a hint and no more: whatever it names is looked at, and belongs to the stack by its tags or
//! not at all. A run without the right to read it goes by file and index, as all others do.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use super::Session;
use crate::cli::Invocation;
use crate::deployment::{Whereabouts, history};
use crate::display::Message;
use crate::execute::Report;
use crate::live::Hints;
use crate::plan::{Op, Plan};
use crate::resource::provider::Indexed;
use crate::resource::{
    Catalog, ErrorKind, LastRun, LiveSnapshot, Observed, OutputReference, ProviderError, Tags, Urn,
    tags,
};

/// The time by which the index may be behind, generously.
const BEHIND: Duration = Duration::from_secs(60 * 60);

/// The objects that a run leaves, as its record has them.
#[derive(Debug, Default)]
pub struct Left {
    pub types: Vec<String>,
    pub objects: BTreeMap<String, Vec<String>>,
    pub last_run: LastRun,
}

/// The objects that may exist after a run.
pub fn after(plan: &Plan, report: &Report, catalog: &Catalog) -> Left {
    let there = report
        .objects
        .iter()
        .map(|(urn, observed)| (urn, Some(observed)));
    let retained = plan.retained.iter();
    let retained = retained.map(|retained| (&retained.urn, Some(&retained.observed)));
    let open = plan.steps.iter().enumerate();
    let open = open.filter(|(id, _)| !report.succeeded.contains(id));
    let open = open.map(|(_, step)| (&step.urn, step.observed()));
    let mut types = BTreeSet::new();
    let mut objects: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    let all = there.chain(retained).chain(open);
    for (urn, observed) in all.filter(|(urn, observed)| !is_gone(plan, report, urn, *observed)) {
        // An object without tags is found through the one that it is part of.
        let Some(schema) = catalog.get(urn.token()).filter(|schema| schema.taggable) else {
            continue;
        };
        let token = history::short(urn.token());
        if schema.found_by_name
            && let Some(arn) = observed.and_then(|observed| observed.arn.clone())
        {
            objects.entry(token.clone()).or_default().insert(arn);
        }
        types.insert(token);
    }
    Left {
        types: types.into_iter().collect(),
        objects: objects
            .into_iter()
            .map(|(token, arns)| (token, arns.into_iter().collect()))
            .collect(),
        last_run: last_run(plan, report, catalog),
    }
}

/// The objects of the file that exist, and their inputs where no tags tell those.
fn last_run(plan: &Plan, report: &Report, catalog: &Catalog) -> LastRun {
    let mut left = plan.left.clone();
    for id in &report.succeeded {
        let step = &plan.steps[*id];
        let Some((desired, comparison)) = step.desired().zip(step.comparison()) else {
            if step.op() == Op::Delete && !report.objects.contains_key(&step.urn) {
                left.remove(&step.urn);
            }
            continue;
        };
        let schema = catalog.get(step.urn.token());
        let hash = schema.filter(|schema| !schema.taggable).and_then(|schema| {
            let lookup = |reference: &OutputReference| report.lookup(plan, reference);
            let made = desired.as_planned(schema, &comparison.inputs, &lookup, step.observed());
            made.hash
        });
        left.insert(&step.urn, hash.as_deref());
    }
    left
}

/// Returns whether the run has deleted an object that it knew.
fn is_gone(plan: &Plan, report: &Report, urn: &Urn, observed: Option<&Observed>) -> bool {
    let Some(observed) = observed else {
        return false;
    };
    plan.steps.iter().enumerate().any(|(id, step)| {
        let is_it = step.observed().is_some_and(|other| other.id == observed.id);
        step.urn == *urn && step.is_delete() && is_it && report.succeeded.contains(&id)
    })
}

/// The places where the last run has left objects, as hints for reading.
pub fn hints(session: &Session, left: &Whereabouts) -> Hints {
    let stack = &session.offline.graph.stack;
    let entry = |token: &str, arn: &String| {
        let pairs = [
            (tags::STACK, stack.to_string()),
            (tags::URN, Urn::new(stack, token, "recorded").to_string()),
        ];
        let pairs = pairs
            .into_iter()
            .map(|(key, value)| (key.to_owned(), value));
        Indexed {
            arn: arn.clone(),
            tags: pairs.collect::<Tags>(),
        }
    };
    let objects = left.objects.iter();
    Hints {
        tokens: left.tokens.clone(),
        objects: objects
            .flat_map(|(token, arns)| arns.iter().map(|arn| entry(token, arn)))
            .collect(),
        last_run: left.left.clone(),
        proof: left.proof.clone(),
    }
}

/// The objects that may be left of types that the record names without their ids, and of which nothing is to be seen.
pub fn doubt(
    invocation: &Invocation,
    session: &Session,
    left: &Whereabouts,
    live: &LiveSnapshot,
) -> Option<Message> {
    let catalog = &session.offline.catalog;
    let is_dark = |token: &&String| {
        catalog
            .get(token)
            .is_some_and(|schema| schema.found_by_name)
            && !left.objects.contains_key(*token)
            && live.of_type(token).next().is_none()
    };
    let dark: Vec<&str> = left
        .tokens
        .iter()
        .filter(is_dark)
        .map(String::as_str)
        .collect();
    if dark.is_empty() || left.age.is_none_or(|age| age > BEHIND) {
        return None;
    }
    let message = Message::warning("some objects may not be visible yet")
        .fact("types", dark.join(", "))
        .fact(
            "because",
            "the last run left such objects, and AWS's tag index lags behind by minutes",
        );
    let message = message.help("in a few minutes, run");
    Some(message.command(invocation.retry_command()))
}

/// The message where the record cannot be read.
pub fn unread(error: &ProviderError) -> Message {
    Message::warning("the record of the last run could not be read")
        .answer(error)
        .fact(
            "now",
            "resources removed from the file within the last minutes may not be in AWS's tag index yet, and would stay",
        )
}

/// The message where the record is needed to prove what is the stack's, and cannot be read.
pub fn unproven(error: &ProviderError) -> Message {
    let message = Message::warning(
        "it cannot be proven which objects are the stack's: the record of its runs could not be read",
    )
    .answer(error)
    .fact(
        "now",
        "objects with its tags that would be changed or deleted need your confirmation (`--trust`)",
    );
    match error.kind {
        ErrorKind::Denied => message.help("allow ssm:GetParameters on parameter/fde-infra/*"),
        _ => message,
    }
}
