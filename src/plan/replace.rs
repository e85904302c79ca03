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

use super::{DeleteFirst, Draft, Op, ReplaceOrder};
use crate::graph::dependencies;

pub(super) fn orders(draft: &mut Draft<'_>) {
    let mut causes = BTreeMap::new();
    for resource in draft.graph.in_order() {
        let Some(schema) = draft.catalog.get(resource.urn.token()) else {
            continue;
        };
        let Some(verdict) = draft.verdicts.get_mut(&resource.urn) else {
            continue;
        };
        let (Op::Replace, Some(observed)) = (verdict.op, &verdict.observed) else {
            continue;
        };
        let dragged = dependencies(resource)
            .into_iter()
            .find(|urn| causes.contains_key(*urn));
        let cause = if resource.options.delete_before_replace {
            DeleteFirst::Asked
        } else if schema.collides(&verdict.comparison.inputs, &observed.inputs) {
            DeleteFirst::SamePlace
        } else if let Some(urn) = dragged {
            DeleteFirst::With(urn.clone())
        } else {
            continue;
        };
        verdict.order = ReplaceOrder::DeleteFirst;
        causes.insert(resource.urn.clone(), cause);
    }
    draft.delete_first = causes;
}
