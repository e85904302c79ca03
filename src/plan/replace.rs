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

use super::deletes::key;
use super::{Because, Decision, DeleteFirst, Draft, Op, ReplaceOrder, Verdict};
use crate::graph::{Resource, dependencies};
use crate::resource::Schema;

pub(super) fn orders(draft: &mut Draft<'_>) {
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
    let object = key(&resource.urn, observed);
    place.any(is_made_again) && draft.uses.hangs_on(&object).is_empty()
}
