//! Objects whose tags do not tell whose they are: those that have lost their owner tags, and those to which such tags have
//! been copied.
//!
//! The first would be planned as creations, and a second one made; objects of ours that
//! still use them show that they exist.

use std::collections::{BTreeMap, BTreeSet};

use super::{Draft, Goal, Op, Refusal, Unmarked, Verdict, matches_any};
use crate::resource::diff::compare;
use crate::resource::{Change, Observed, Urn, Value};

/// Refuses to touch objects that only their tags claim to be ours.
pub(super) fn refuse_claims(draft: &mut Draft<'_>) {
    let live = draft.live;
    let refusals = live
        .claimed
        .iter()
        .map(|(urn, observed)| Refusal::TagsAlone {
            urn: urn.clone(),
            id: observed.id.clone(),
            arn: observed.arn.clone(),
            is_second: !live.of(urn).is_empty(),
        });
    draft.refusals.extend(refusals);
}

/// Objects that seem to be gone, although an object of ours still uses them and AWS refuses to delete them while it does.
pub(super) fn find(draft: &Draft<'_>) -> Vec<Unmarked> {
    let missing = missing(draft);
    let mut unmarked = stripped(draft);
    unmarked.extend(elsewhere(draft, &missing));
    if missing.is_empty() {
        return unmarked;
    }
    let ours: BTreeSet<&str> = draft
        .live
        .ours
        .values()
        .flatten()
        .flat_map(|observed| [Some(observed.id.as_str()), observed.arn.as_deref()])
        .flatten()
        .collect();
    let mut found: BTreeMap<(&Urn, &str), BTreeSet<&Urn>> = BTreeMap::new();
    for resource in draft.graph.iter() {
        let user = &resource.urn;
        let foreign = draft.live.foreign.get(user);
        for observed in draft.live.of(user).iter().chain(foreign) {
            let schema = draft.catalog.get(user.token());
            for (property, wanted) in &resource.inputs {
                // A value that AWS does not return is no evidence of what exists.
                let told = schema.and_then(|schema| schema.property(property));
                if told.is_some_and(|property| property.write_only) {
                    continue;
                }
                let Some(live) = observed.inputs.get(property) else {
                    continue;
                };
                for (used, id) in named(wanted, live) {
                    if missing.contains(used)
                        && !ours.contains(id)
                        && keeps(draft, used, user)
                        && was_so(draft, used, user, observed)
                    {
                        found.entry((used, id)).or_default().insert(user);
                    }
                }
            }
        }
    }
    unmarked.extend(found.into_iter().map(|((urn, id), users)| Unmarked {
        urn: urn.clone(),
        id: id.to_owned(),
        arn: id.starts_with("arn:").then(|| id.to_owned()),
        users: users.into_iter().cloned().collect(),
    }));
    unmarked
}

/// For `destroy`: untagged objects with the name or place of a resource that the last run left. `up` refuses them as in the
/// way.
fn stripped(draft: &Draft<'_>) -> Vec<Unmarked> {
    if draft.request.goal != Goal::Destroy {
        return Vec::new();
    }
    let live = draft.live;
    let stripped = live.foreign.iter().filter(|(urn, observed)| {
        observed.tags.is_empty() && live.of(urn).is_empty() && live.last_run.has(urn)
    });
    stripped
        .map(|(urn, observed)| Unmarked {
            urn: urn.clone(),
            id: observed.id.clone(),
            arn: observed.arn.clone(),
            users: Vec::new(),
        })
        .collect()
}

/// Untagged objects that match a resource in all but a place that was chosen freely: a listener rule and its priority.
fn elsewhere(draft: &Draft<'_>, missing: &BTreeSet<&Urn>) -> Vec<Unmarked> {
    let found = missing.iter().filter_map(|urn| {
        let (resource, schema) = draft.graph.get(urn).zip(draft.catalog.get(urn.token()))?;
        let verdict = draft.verdicts.get(*urn)?;
        let free = resource.options.any_free?;
        let there = draft.live.additions.iter().find(|addition| {
            let observed = &addition.observed;
            let diff = compare(schema, &verdict.comparison.inputs, &observed.inputs);
            let mut changed = diff.changes.iter().map(Change::property);
            observed.token == urn.token()
                && observed.tags.is_empty()
                && changed.all(|property| property == free)
        })?;
        verdict.is_gone().then(|| Unmarked {
            urn: (*urn).clone(),
            id: there.observed.id.clone(),
            arn: there.observed.arn.clone(),
            users: Vec::new(),
        })
    });
    found.collect()
}

/// Resources of the file without a live object, and with nothing else known in their place.
fn missing<'a>(draft: &Draft<'a>) -> BTreeSet<&'a Urn> {
    let (graph, live, request) = (draft.graph, draft.live, draft.request);
    let missing = graph.iter().filter(|resource| {
        let urn = &resource.urn;
        let is_missing = match request.goal {
            Goal::Destroy => live.of(urn).is_empty() && live.last_run.has(urn),
            Goal::Up => draft
                .verdicts
                .get(urn)
                .is_some_and(|verdict| verdict.op() == Op::Create),
        };
        is_missing
            && resource.options.import.is_none()
            && !live.foreign.contains_key(urn)
            && !live.claimed.iter().any(|(claimed, _)| claimed == urn)
            && !matches_any(&request.replace, urn.name())
    });
    missing.map(|resource| &resource.urn).collect()
}

/// True if AWS refuses to delete `used` while `user` exists. An untaggable part is deleted together with its parent.
fn keeps(draft: &Draft<'_>, used: &Urn, user: &Urn) -> bool {
    let schema = |urn: &Urn| draft.catalog.get(urn.token());
    schema(user).is_some_and(|schema| !schema.taggable)
        || schema(used).is_some_and(|schema| schema.is_blocked_by(user.token()))
}

/// True if the file had the reference when `user` was last applied. A newer reference may replace another object on purpose.
fn was_so(draft: &Draft<'_>, used: &Urn, user: &Urn, observed: &Observed) -> bool {
    if draft.request.goal == Goal::Destroy {
        return true;
    }
    let used = draft.verdicts.get(used);
    let user = draft.verdicts.get(user);
    used.is_some_and(Verdict::is_gone)
        || user.is_some_and(|verdict| verdict.comparison.drift && verdict.is_about(&observed.id))
}

/// The references to ids in a wanted value, each with what is live in its place. Of a list, whose order AWS may not keep,
/// that is known where it has one element.
fn named<'v>(wanted: &'v Value, live: &'v Value) -> Vec<(&'v Urn, &'v str)> {
    match (wanted, live) {
        (Value::Output(reference), Value::String(live)) => {
            let output = reference.path.split_first();
            let is_id = output.is_some_and(|(output, rest)| {
                rest.is_empty() && (output == "arn" || output == "id" || output.ends_with("Id"))
            });
            is_id
                .then_some((&reference.urn, live.as_str()))
                .into_iter()
                .collect()
        }
        (Value::Object(wanted), Value::Object(live)) => wanted
            .iter()
            .filter_map(|(name, wanted)| Some(named(wanted, live.get(name)?)))
            .flatten()
            .collect(),
        (Value::List(wanted), Value::List(live)) if live.len() == 1 => match &**wanted {
            [only @ (Value::Output(_) | Value::Object(_))] => named(only, &live[0]),
            _ => Vec::new(),
        },
        _ => Vec::new(),
    }
}
