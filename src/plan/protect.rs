//! Pass 5: forbidden changes. Changes that AWS refuses, protection, data without consent, what AWS itself is to protect, and
//! what stays because something that stays needs it.

use std::collections::{BTreeMap, BTreeSet};

use super::uses::{ObjectKey, key};
use super::{
    Because, Decision, Draft, Goal, Op, Refusal, Removal, ReplaceOrder, RetainReason, Retained,
    matches_any,
};
use crate::graph::OnDelete;
use crate::resource::desired::Comparison;
use crate::resource::provider::DataPolicy;
use crate::resource::{Observed, Properties, Schema, Urn, Value};

pub(super) fn guard(draft: &mut Draft<'_>) {
    guard_updates(draft);
    guard_contents(draft);
    guard_subnets(draft);
    guard_replacements(draft);
    let removals = std::mem::take(&mut draft.removals);
    for removal in removals {
        guard_removal(draft, removal);
    }
    hold_what_retained_objects_need(draft);
}

fn guard_updates(draft: &mut Draft<'_>) {
    for (urn, verdict) in &draft.verdicts {
        let Decision::Update { observed, because } = &verdict.decision else {
            continue;
        };
        let schema = draft.catalog.get(urn.token());
        let immutable = schema.and_then(|schema| schema.immutable);
        let Comparison { diff, inputs, .. } = &verdict.comparison;
        let discards = schema.and_then(|schema| schema.discards);
        let discarded = discards.and_then(|discards| discards(&observed.inputs, inputs));
        if let Some(what) = discarded
            // A property that a killed run did not get to set, or that others have set, is only brought back to what was
            // agreed to.
            && *because == Because::Edited
            && !consented(draft, urn, observed)
        {
            draft.refusals.push(Refusal::Shortens {
                urn: (*urn).clone(),
                id: observed.id.clone(),
                what: Some(what.to_owned()),
            });
        }
        if let Some(reason) =
            immutable.and_then(|immutable| immutable(diff, inputs, &observed.inputs))
        {
            draft.refusals.push(Refusal::Forbidden {
                urn: (*urn).clone(),
                id: observed.id.clone(),
                reason,
            });
        }
    }
}

/// Asks for consent where objects expire under a rule that is created, or set back after others have changed it: they stayed
/// until now. An edit asks in any case.
fn guard_contents(draft: &mut Draft<'_>) {
    let mut refusals = Vec::new();
    for (urn, verdict) in &draft.verdicts {
        let schema = draft.catalog.get(urn.token());
        let Some(expiry) = schema.and_then(|schema| schema.expiry) else {
            continue;
        };
        let before = match &verdict.decision {
            Decision::Create { .. } | Decision::Replace { .. } => Properties::new(),
            Decision::Update { observed, because } if *because != Because::Edited => {
                observed.inputs.clone()
            }
            Decision::Keep { .. } | Decision::Update { .. } => continue,
        };
        let inputs = &verdict.comparison.inputs;
        let whole = inputs.get(expiry.part_of).and_then(Value::as_str);
        let mut wholes = draft.live.of_type(expiry.token);
        let whole = wholes.find(|(_, live)| Some(live.id.as_str()) == whole);
        let whole = whole.filter(|(urn, _)| {
            let stays = draft.verdicts.get(urn);
            stays.is_some_and(|verdict| verdict.kept().is_some())
        });
        let Some((_, whole)) = whole else {
            continue;
        };
        let object = verdict.observed().unwrap_or(whole);
        if let Some(what) = (expiry.takes)(&before, inputs, &whole.outputs)
            && !consented(draft, urn, object)
        {
            refusals.push(Refusal::Shortens {
                urn: (*urn).clone(),
                id: object.id.clone(),
                what: Some(what),
            });
        }
    }
    draft.refusals.extend(refusals);
}

/// Keeps an object in several subnets from leaving a subnet that holds an object which lies in it and stays.
fn guard_subnets(draft: &mut Draft<'_>) {
    let mut refusals = Vec::new();
    for (urn, verdict) in &draft.verdicts {
        let Decision::Update { observed, .. } = &verdict.decision else {
            continue;
        };
        let Some(schema) = draft.catalog.get(urn.token()) else {
            continue;
        };
        let Some(property) = schema.spreads_over else {
            continue;
        };
        let listed = |inputs: &Properties| {
            let list = inputs.get(property).and_then(Value::as_list);
            let texts = list.into_iter().flatten().filter_map(Value::as_str);
            texts.map(str::to_owned).collect::<BTreeSet<_>>()
        };
        let (before, after) = (listed(&observed.inputs), listed(&verdict.comparison.inputs));
        let object = key(urn, observed);
        let mut holds = draft.uses.needed_by(&object);
        let held = holds.find_map(|held| {
            if !schema.is_blocked_by(held.0.token()) {
                return None;
            }
            let stays = !draft
                .removals
                .iter()
                .any(|removal| removal.urn == held.0 && removal.observed.id == held.1);
            let inside = draft.live.of(&held.0).iter();
            let inside = inside.filter(|_| stays).find(|live| live.id == held.1)?;
            let is_in = |zone: &Value| {
                inside.inputs.get("availabilityZone") == Some(zone)
                    || inside.inputs.get("multiAz") == Some(&Value::Bool(true))
            };
            let mut subnets = draft.live.of_type("aws:ec2:Subnet");
            let (subnet, live) = subnets.find(|(_, subnet)| {
                let zone = subnet.inputs.get("availabilityZone");
                before.contains(&subnet.id)
                    && !after.contains(&subnet.id)
                    && zone.is_some_and(is_in)
            })?;
            Some((held, subnet, live))
        });
        if let Some((held, subnet, live)) = held {
            refusals.push(Refusal::Forbidden {
                urn: (*urn).clone(),
                id: observed.id.clone(),
                reason: format!(
                    "`{}` (`{}`) would leave it, in the zone of `{}`, and AWS keeps a subnet in the group as long as one is \
                     there: keep the subnet as it is, or move the database first, by a snapshot",
                    subnet.name(),
                    live.id,
                    held.0.name()
                ),
            });
        }
    }
    draft.refusals.extend(refusals);
}

fn guard_replacements(draft: &mut Draft<'_>) {
    let mut refusals = Vec::new();
    for (urn, verdict) in &draft.verdicts {
        let Decision::Replace {
            observed,
            because,
            order,
        } = &verdict.decision
        else {
            continue;
        };
        let protect = verdict.desired.protect;
        if is_protected(observed, protect) {
            refusals.push(protected(urn, observed, Op::Replace));
        } else if verdict.desired.retain && is_taggable(draft, urn) {
            refusals.push(Refusal::Retained {
                urn: (*urn).clone(),
                id: observed.id.clone(),
            });
        } else if is_stateful(draft, urn) && !consented(draft, urn, observed) {
            refusals.push(holds_data(draft, urn, observed, Op::Replace));
        } else if let Some(guard) = guard_of(draft, urn, observed)
            && !consented(draft, urn, observed)
        {
            refusals.push(guarded(urn, observed, Op::Replace, guard));
        } else if *because == Because::Drifted
            && let Some(effect) = interruption(draft, urn, *order)
        {
            let replacing = verdict.comparison.diff.changes.iter();
            let replacing = replacing.filter(|change| change.replaces);
            let properties: BTreeSet<String> = replacing
                .map(|change| change.property().to_owned())
                .collect();
            refusals.push(Refusal::Interrupts {
                urn: (*urn).clone(),
                id: observed.id.clone(),
                properties: properties.into_iter().collect(),
                effect,
            });
        }
    }
    draft.refusals.extend(refusals);
}

fn guard_removal(draft: &mut Draft<'_>, mut removal: Removal) {
    let urn = &removal.urn;
    let observed = &removal.observed;
    let options = draft.graph.get(urn).map(|resource| &resource.options);
    if is_protected(observed, options.and_then(|options| options.protect)) {
        draft.refusals.push(protected(urn, observed, Op::Delete));
        return;
    }
    let is_retained = options.map_or_else(
        || observed.tags.is_retained(),
        |options| options.retain_on_delete,
    );
    if is_retained {
        draft.retained.push(Retained {
            urn: removal.urn,
            observed: removal.observed,
            reason: RetainReason::RetainOnDelete,
        });
        return;
    }
    let is_second = removal.because == Because::Superseded;
    let consented =
        consented_by_id(draft, observed) || !is_second && consented(draft, urn, observed);
    let guard = guard_of(draft, urn, observed);
    if let Some(guard) = guard
        && !is_stateful(draft, urn)
        && !consented
    {
        draft
            .refusals
            .push(guarded(urn, observed, Op::Delete, guard));
        return;
    }
    if is_stateful(draft, urn) {
        let on_delete = match draft.request.goal {
            // `destroy` is an explicit act and follows the file; an object that the file does not know stays.
            Goal::Destroy => options.map_or(OnDelete::Retain, |options| options.on_delete),
            // A side effect of an edit: only with consent, and never without a snapshot where there can be one.
            Goal::Up if consented => OnDelete::Snapshot,
            Goal::Up => {
                let refusal = holds_data(draft, urn, observed, Op::Delete);
                draft.refusals.push(refusal);
                return;
            }
        };
        // The party that switched it on wants to be asked, whatever the file says of `destroy`. Nor does the file decide
        // about objects that were there before us.
        let is_guarded = guard.is_some() || observed.tags.is_adopted();
        if on_delete != OnDelete::Retain && !consented && is_guarded {
            let refusal = holds_data(draft, urn, observed, Op::Delete);
            draft.refusals.push(refusal);
            return;
        }
        let schema = draft.catalog.get(urn.token());
        let leaves_something = schema.is_some_and(|schema| schema.left_of(observed).is_some());
        let reason = match on_delete {
            OnDelete::Retain if !consented => Some(RetainReason::OnDelete),
            OnDelete::Snapshot if !leaves_something && !consented && !is_forced(draft, urn) => {
                Some(RetainReason::LeavesNothing)
            }
            _ => None,
        };
        if let Some(reason) = reason {
            draft.retained.push(Retained {
                urn: removal.urn,
                observed: removal.observed,
                reason,
            });
            return;
        }
        removal.data = if leaves_something && on_delete != OnDelete::Delete {
            DataPolicy::Snapshot
        } else {
            DataPolicy::Discard
        };
    }
    draft.removals.push(removal);
}

/// Holds what retained objects need: a database that stays keeps its subnet group, its subnets, its network; a bucket that
/// stays keeps its settings.
fn hold_what_retained_objects_need(draft: &mut Draft<'_>) {
    let mut open: Vec<ObjectKey> = draft
        .retained
        .iter()
        .filter(|retained| retained.reason != RetainReason::NotTargeted)
        .map(|retained| key(&retained.urn, &retained.observed))
        .collect();
    let mut held: BTreeMap<ObjectKey, RetainReason> = BTreeMap::new();
    while let Some(object) = open.pop() {
        // A part that goes with its parent keeps nothing else alive.
        let schema = draft.catalog.get(object.0.token());
        let is_for_itself = schema.is_none_or(|schema| !schema.goes_with_parent);
        let needed = draft.uses.needs(&object).filter(|_| is_for_itself);
        let needed = needed.map(|needed| (needed, RetainReason::NeededBy(object.0.clone())));
        let parts = draft.uses.needed_by(&object).filter(|part| {
            draft.catalog.get(part.0.token()).is_some_and(|schema| {
                !schema.taggable && schema.reads_after.contains(&object.0.token())
            })
        });
        let parts = parts.map(|part| (part, RetainReason::PartOf(object.0.clone())));
        for (other, reason) in needed.chain(parts) {
            if !held.contains_key(other) {
                held.insert(other.clone(), reason);
                open.push(other.clone());
            }
        }
    }
    let (kept, going): (Vec<Removal>, Vec<Removal>) = std::mem::take(&mut draft.removals)
        .into_iter()
        .partition(|removal| held.contains_key(&key(&removal.urn, &removal.observed)));
    draft.removals = going;
    for removal in kept {
        if let Some(reason) = held.remove(&key(&removal.urn, &removal.observed)) {
            draft.retained.push(Retained {
                urn: removal.urn,
                observed: removal.observed,
                reason,
            });
        }
    }
}

/// The effect of a replacement in this order on those who are served, if any.
fn interruption(draft: &Draft<'_>, urn: &Urn, order: ReplaceOrder) -> Option<&'static str> {
    let interruption = draft.catalog.get(urn.token())?.interruption?;
    match order {
        ReplaceOrder::CreateFirst => interruption.create_first,
        ReplaceOrder::DeleteFirst => Some(interruption.delete_first),
    }
}

/// The treatment of the data of the old object in a replacement: it has been consented to, and leaves a snapshot where there
/// can be one.
pub(super) fn data_of_replaced(schema: Option<&Schema>, replaced: &Observed) -> DataPolicy {
    if schema.is_some_and(|schema| schema.left_of(replaced).is_some()) {
        DataPolicy::Snapshot
    } else {
        DataPolicy::Discard
    }
}

/// The file's word, and where it has none, the live tag.
fn is_protected(observed: &Observed, protect: Option<bool>) -> bool {
    protect.unwrap_or_else(|| observed.tags.is_protected())
}

/// Returns whether the file says, in the type's own words, that the object may go with all that is in it.
fn is_forced(draft: &Draft<'_>, urn: &Urn) -> bool {
    let property = draft
        .catalog
        .get(urn.token())
        .and_then(|schema| schema.forced_by);
    let resource = draft.graph.get(urn);
    let said = property.and_then(|property| resource?.inputs.get(property)?.as_bool());
    said == Some(true)
}

/// Returns whether the object can be tagged. An untaggable one is a setting of its parent, and a new value leaves nothing
/// behind to keep.
fn is_taggable(draft: &Draft<'_>, urn: &Urn) -> bool {
    draft
        .catalog
        .get(urn.token())
        .is_some_and(|schema| schema.taggable)
}

pub(super) fn is_stateful(draft: &Draft<'_>, urn: &Urn) -> bool {
    draft
        .catalog
        .get(urn.token())
        .is_some_and(|schema| schema.stateful)
}

/// Returns whether `--allow-delete` names an object, by its logical or physical name, as one that may go, with the data in
/// it.
pub(super) fn consented(draft: &Draft<'_>, urn: &Urn, observed: &Observed) -> bool {
    let allowed = &draft.request.allow_delete;
    matches_any(allowed, urn.name()) || consented_by_id(draft, observed)
}

/// Returns whether `--allow-delete` names an object by its physical name: the logical one is that of its successor, too. `*`
/// names every object that needs consent as well.
fn consented_by_id(draft: &Draft<'_>, observed: &Observed) -> bool {
    let mut allowed = draft.request.allow_delete.iter();
    allowed.any(|name| *name == observed.id || name == "*")
}

fn protected(urn: &Urn, observed: &Observed, op: Op) -> Refusal {
    Refusal::Protected {
        urn: urn.clone(),
        id: observed.id.clone(),
        op,
    }
}

fn holds_data(draft: &Draft<'_>, urn: &Urn, observed: &Observed, op: Op) -> Refusal {
    Refusal::HoldsData {
        urn: urn.clone(),
        id: observed.id.clone(),
        op,
        guard: guard_of(draft, urn, observed),
    }
}

fn guarded(urn: &Urn, observed: &Observed, op: Op, guard: &'static str) -> Refusal {
    Refusal::Guarded {
        urn: urn.clone(),
        id: observed.id.clone(),
        op,
        guard,
    }
}

/// The AWS setting that keeps this object from being deleted, if it is on.
fn guard_of(draft: &Draft<'_>, urn: &Urn, observed: &Observed) -> Option<&'static str> {
    let guard = draft.catalog.get(urn.token())?.guard?;
    let on = observed.inputs.get(guard).and_then(Value::as_bool);
    (on == Some(true)).then_some(guard)
}
