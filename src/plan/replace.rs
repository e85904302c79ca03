//! Pass 2: the order of each replacement.
//!
//! ```text
//! create first           new ─▶ dependents move over ─▶ old goes
//! delete first           old goes ─▶ new ─▶ dependents
//! ```
//!
//! Create first wherever both can stand side by side; delete first where a name or key would collide. A delete-first
//! replacement spreads to its dependents that are replaced as well: their old objects hold the old one, and their new
//! objects need the new one, so creating them first would wait for itself. Where replacements want each other's places,
//! one of them goes first: `edges.rs` finds out which.

use std::collections::BTreeMap;

use super::uses::key;
use super::{Because, Decision, DeleteFirst, Draft, Op, ReplaceOrder, Verdict};
use crate::graph::{Resource, dependencies};
use crate::resource::{Observed, Schema, Urn, Value};

pub(super) fn choose_order(draft: &mut Draft<'_>) {
    let mut causes = BTreeMap::new();
    for resource in draft.graph.in_order() {
        let Some(schema) = draft.catalog.get(resource.urn.token()) else {
            continue;
        };
        let Some(verdict) = draft.verdicts.get(&resource.urn) else {
            continue;
        };
        let Decision::Replace { observed, .. } = &verdict.decision else {
            continue;
        };
        let dragged = dependencies(resource)
            .into_iter()
            .find(|urn| causes.contains_key(*urn));
        let cause = if resource.options.delete_before_replace {
            DeleteFirst::Asked
        } else if schema.collides(&verdict.comparison.inputs, &observed.inputs)
            || would_meet_itself(draft, resource, schema, verdict)
            || gets_place_back(draft, resource, schema, verdict)
        {
            DeleteFirst::SamePlace
        } else if let Some(urn) = dragged {
            DeleteFirst::With(urn.clone())
        } else {
            continue;
        };
        causes.insert(resource.urn.clone(), cause);
    }
    for urn in causes.keys() {
        let verdict = draft.verdicts.get_mut(urn);
        if let Some(Decision::Replace { order, .. }) = verdict.map(|verdict| &mut verdict.decision)
        {
            *order = ReplaceOrder::DeleteFirst;
        }
    }
    draft.delete_first = causes;
}

/// True of a broken object whose parent is gone. Once the parent is back under its old name, the new object would have the
/// place of the broken one, and AWS would answer the create call with the latter.
fn would_meet_itself(
    draft: &Draft<'_>,
    resource: &Resource,
    schema: &Schema,
    verdict: &Verdict,
) -> bool {
    let Decision::Replace {
        observed,
        because: Because::Broken(_),
        ..
    } = &verdict.decision
    else {
        return false;
    };
    let place = schema.place_properties().into_iter();
    let mut place = place.chain(schema.scope.iter().copied());
    let is_made_again = |property: &str| {
        let value = verdict.comparison.inputs.get(property);
        let references = value.map(|value| value.references()).unwrap_or_default();
        references.into_iter().any(|reference| {
            let parent = draft.verdicts.get(&reference.urn);
            parent.is_some_and(|parent| parent.op() == Op::Create)
        })
    };
    place.any(is_made_again) && !is_used(draft, resource, observed)
}

/// True of an object that outlives its parent: once that is back under its old name, the new object would have the place of the
/// old one, and AWS would refuse it. The flow log of a log group that was deleted by hand is such a one.
fn gets_place_back(
    draft: &Draft<'_>,
    resource: &Resource,
    schema: &Schema,
    verdict: &Verdict,
) -> bool {
    let Some(observed) = verdict.observed() else {
        return false;
    };
    let mut wanted = verdict.comparison.inputs.clone();
    let mut comes_back = false;
    for property in schema.place_properties() {
        let (Some(value), Some(held)) = (wanted.get(property), observed.inputs.get(property))
        else {
            continue;
        };
        let parents = value.references();
        let mut parents = parents.iter().map(|parent| &parent.urn);
        if parents.any(|parent| is_made_again_as(draft, parent, held)) {
            wanted.insert(property.to_owned(), held.clone());
            comes_back = true;
        }
    }
    comes_back && schema.collides(&wanted, &observed.inputs) && !is_used(draft, resource, observed)
}

/// Returns whether a resource does not exist, and is to have the name in a value: its id or its ARN.
fn is_made_again_as(draft: &Draft<'_>, urn: &Urn, value: &Value) -> bool {
    let verdict = draft.verdicts.get(urn);
    let schema = draft.catalog.get(urn.token());
    let name = schema
        .and_then(|schema| schema.name)
        .zip(verdict.filter(|verdict| verdict.op() == Op::Create))
        .and_then(|(rule, verdict)| verdict.comparison.inputs.get(rule.property)?.as_str());
    let (Some(name), Some(text)) = (name, value.as_str()) else {
        return false;
    };
    let is_end = |character: Option<char>| character.is_none_or(|end| ":/".contains(end));
    text.match_indices(name).any(|(at, _)| {
        let (before, after) = (&text[..at], &text[at + name.len()..]);
        is_end(before.chars().next_back()) && is_end(after.chars().next())
    })
}

/// Returns whether a live object depends on the old one.
fn is_used(draft: &Draft<'_>, resource: &Resource, observed: &Observed) -> bool {
    let object = key(&resource.urn, observed);
    !draft.uses.child_of(&object).is_empty()
}
