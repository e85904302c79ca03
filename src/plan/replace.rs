//! Pass 2: the order of each replacement.
//!
//! ```text
//! create first           new ─▶ dependents move over ─▶ old goes
//! delete first           old goes ─▶ new ─▶ dependents
//! ```
//!
//! Create first wherever both can stand side by side; delete first where a name or key would collide. A delete-first
//! replacement spreads to its dependents that are replaced as well: their old objects hold the old one, and their new
//! objects need the new one, so creating them first would wait for itself.

use std::collections::BTreeSet;

use super::{Draft, Op, ReplaceOrder, Verdict};
use crate::graph::dependencies;
use crate::resource::{Schema, Urn};

pub(super) fn orders(draft: &mut Draft<'_>) {
    let mut delete_first: BTreeSet<Urn> = BTreeSet::new();
    for resource in draft.graph.in_order() {
        let Some(schema) = draft.catalog.get(resource.urn.token()) else {
            continue;
        };
        let Some(verdict) = draft.verdicts.get_mut(&resource.urn) else {
            continue;
        };
        if verdict.op != Op::Replace {
            continue;
        }
        let dragged = dependencies(resource)
            .into_iter()
            .any(|urn| delete_first.contains(urn));
        if resource.options.delete_before_replace || dragged || collides(schema, verdict) {
            verdict.order = ReplaceOrder::DeleteFirst;
            delete_first.insert(resource.urn.clone());
        }
    }
}

/// True if old and new would have the same name or key.
fn collides(schema: &Schema, verdict: &Verdict) -> bool {
    let Some(observed) = &verdict.observed else {
        return false;
    };
    // No place at all, or one that depends on an object still to come: nothing to collide with.
    let wanted = schema.place_of(&verdict.comparison.inputs);
    wanted.is_some() && wanted == schema.place_of(&observed.inputs)
}
