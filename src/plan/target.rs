//! Pass 4: the part of the plan that `--target` and `--exclude` leave.
//!
//! A target brings along what it needs; an exclusion takes along what needs it. Deletions follow the opposite rule: to
//! delete a target, everything that uses it has to go first. What is out of reach keeps the objects that it uses: they are
//! deleted once it has moved.

use std::collections::{BTreeMap, BTreeSet};

use super::uses::{ObjectKey, key};
use super::{
    Decision, Draft, Op, ReplaceOrder, RetainReason, Retained, deletes, matches_any, others,
};
use crate::graph::dependencies;
use crate::resource::{Observed, Urn};

pub(super) fn restrict(draft: &mut Draft<'_>) {
    let request = draft.request;
    if request.targets.is_empty() && request.excludes.is_empty() {
        return;
    }
    let wanted = wanted(draft);
    draft.verdicts.retain(|urn, verdict| {
        if wanted.contains(*urn) {
            return true;
        }
        // Out of reach: an existing object stays as it is, a missing one is not made.
        let Some(observed) = verdict.observed().cloned() else {
            return false;
        };
        verdict.decision = Decision::Keep { observed };
        true
    });
    draft
        .refusals
        .retain(|refusal| wanted.contains(refusal.urn()));

    let going = going(draft);
    let (removals, kept) = std::mem::take(&mut draft.removals)
        .into_iter()
        .partition(|removal| going.contains(&key(&removal.urn, &removal.observed)));
    draft.removals = removals;
    draft
        .retained
        .extend(kept.into_iter().map(|removal| Retained {
            urn: removal.urn,
            observed: removal.observed,
            reason: RetainReason::NotTargeted,
        }));
    leave_what_is_used(draft, &wanted);
}

/// Leaves objects that would go although something out of reach uses them, and what these use in turn: a revision that an
/// excluded service runs, with its role. Where AWS does not delete what is in use, the plan is refused instead.
fn leave_what_is_used(draft: &mut Draft<'_>, wanted: &BTreeSet<Urn>) {
    let mut going: BTreeMap<ObjectKey, Observed> = BTreeMap::new();
    for removal in &draft.removals {
        let object = key(&removal.urn, &removal.observed);
        going.insert(object, removal.observed.clone());
    }
    for (urn, verdict) in &draft.verdicts {
        if let Decision::Replace {
            observed,
            order: ReplaceOrder::CreateFirst,
            ..
        } = &verdict.decision
            && !others::is_deployed(draft.catalog, observed)
            && !deletes::stays_in_use(draft, urn, observed)
        {
            going.insert(key(urn, observed), observed.clone());
        }
    }
    let out_of_reach = draft
        .verdicts
        .iter()
        .filter(|(urn, _)| !wanted.contains(**urn));
    let out_of_reach = out_of_reach
        .filter_map(|(urn, verdict)| Some(key(urn, verdict.observed()?)))
        .chain(
            draft
                .retained
                .iter()
                .map(|retained| key(&retained.urn, &retained.observed)),
        );
    let mut open: Vec<(ObjectKey, bool)> = out_of_reach.map(|user| (user, false)).collect();
    let mut left: BTreeMap<ObjectKey, RetainReason> = BTreeMap::new();
    while let Some((user, is_left)) = open.pop() {
        let named = draft
            .uses
            .named_by_it(&user)
            .filter(|used| is_left || !draft.uses.blockers_of(used, draft.catalog).contains(&user));
        let named = named.map(|used| {
            let reason = if is_left {
                RetainReason::NeededBy(user.0.clone())
            } else {
                RetainReason::UsedOutOfReach(user.0.clone())
            };
            (used, reason)
        });
        // What it uses it uses with all that is set there.
        let parts = draft.uses.needed_by(&user).filter(|part| {
            let schema = draft.catalog.get(part.0.token());
            is_left
                && schema.is_some_and(|schema| {
                    !schema.taggable && schema.reads_after.contains(&user.0.token())
                })
        });
        let parts = parts.map(|part| (part, RetainReason::PartOf(user.0.clone())));
        for (object, reason) in named.chain(parts) {
            if going.contains_key(object) && !left.contains_key(object) {
                left.insert(object.clone(), reason);
                open.push((object.clone(), true));
            }
        }
    }
    draft
        .removals
        .retain(|removal| !left.contains_key(&key(&removal.urn, &removal.observed)));
    for (object, reason) in left {
        if let Some(observed) = going.remove(&object) {
            draft.retained.push(Retained {
                urn: object.0,
                observed,
                reason,
            });
        }
    }
}

/// True of the old object of a replacement that something out of reach goes on using.
pub(super) fn is_left(draft: &Draft<'_>, urn: &Urn, observed: &Observed) -> bool {
    let mut retained = draft.retained.iter();
    retained.any(|left| left.urn == *urn && left.observed.id == observed.id)
}

/// Wanted resources within reach.
fn wanted(draft: &Draft<'_>) -> BTreeSet<Urn> {
    let request = draft.request;
    let mut wanted: BTreeSet<Urn> = BTreeSet::new();
    let mut needed: BTreeSet<&Urn> = BTreeSet::new();
    let order: Vec<_> = draft.graph.in_order().collect();
    // Backwards, so that a resource is seen after everything that needs it.
    for resource in order.iter().rev() {
        let named =
            request.targets.is_empty() || matches_any(&request.targets, resource.urn.name());
        if named || needed.contains(&resource.urn) {
            wanted.insert(resource.urn.clone());
            needed.extend(dependencies(resource));
        }
    }
    let mut excluded: BTreeSet<&Urn> = BTreeSet::new();
    for resource in &order {
        let by_name = matches_any(&request.excludes, resource.urn.name());
        // Only what would have to be made or moved drags its dependents along.
        let by_need = dependencies(resource).iter().any(|urn| {
            excluded.contains(*urn)
                && draft
                    .verdicts
                    .get(*urn)
                    .is_some_and(|verdict| matches!(verdict.op(), Op::Create | Op::Replace))
        });
        if by_name || by_need {
            excluded.insert(&resource.urn);
            wanted.remove(&resource.urn);
        }
    }
    wanted
}

/// Objects to be deleted within reach.
fn going(draft: &Draft<'_>) -> BTreeSet<ObjectKey> {
    let request = draft.request;
    let mut going: BTreeSet<ObjectKey> = BTreeSet::new();
    let mut open: Vec<ObjectKey> = draft
        .removals
        .iter()
        .filter(|removal| {
            request.targets.is_empty() || matches_any(&request.targets, removal.urn.name())
        })
        .map(|removal| key(&removal.urn, &removal.observed))
        .collect();
    let removable: BTreeSet<ObjectKey> = draft
        .removals
        .iter()
        .map(|removal| key(&removal.urn, &removal.observed))
        .collect();
    while let Some(object) = open.pop() {
        if going.insert(object.clone()) {
            open.extend(
                draft
                    .uses
                    .needed_by(&object)
                    .filter(|user| removable.contains(user))
                    .cloned(),
            );
        }
    }
    // The dependencies of an excluded object stay with it.
    let mut staying: Vec<ObjectKey> = removable
        .iter()
        .filter(|(urn, _)| matches_any(&request.excludes, urn.name()))
        .cloned()
        .collect();
    while let Some(object) = staying.pop() {
        if going.remove(&object) || matches_any(&request.excludes, object.0.name()) {
            let needed: Vec<_> = draft
                .uses
                .needs(&object)
                .filter(|used| going.contains(used))
                .cloned()
                .collect();
            staying.extend(needed);
        }
    }
    going
}
