//! The property of others: other regions in which the stack stands, additions of others to objects of ours, the places that
//! they hold, and the objects of theirs to which the file would attach something.

use std::collections::{BTreeMap, BTreeSet};

use super::protect::consented;
use super::{Added, Because, Decision, Draft, Goal, Op, Owner, Refusal, Removal, matches_any};
use crate::graph::parts::{record_of, wanted_parent};
use crate::graph::{Resource, ResourceGraph};
use crate::resource::provider::DataPolicy;
use crate::resource::tags;
use crate::resource::{Addition, Catalog, LiveSnapshot, Observed, Properties, Schema, Urn, Value};

/// The owner of an object, according to its tags.
pub(super) fn owner(observed: &Observed) -> Owner {
    match (observed.tags.owner(), observed.tags.region()) {
        (Some(owner), Some(region)) => Owner::Resource(format!("{owner} in {region}")),
        (Some(owner), None) => Owner::Resource(owner.to_string()),
        (None, _) if observed.tags.is_empty() => Owner::Untagged,
        (None, _) => Owner::Others,
    }
}

/// The logical name under which a live object was made, if the file calls it by another one now.
pub(super) fn name_before(urn: &Urn, observed: &Observed) -> Option<String> {
    let before = observed.tags.owner()?;
    (before != *urn).then(|| before.name().to_owned())
}

/// Returns whether other tools have put an object in the place of ours. It is used, and it is theirs.
pub(super) fn is_deployed(catalog: &Catalog, observed: &Observed) -> bool {
    let schema = catalog.get(&observed.token);
    schema.is_some_and(|schema| schema.follows_use) && observed.tags.owner().is_none()
}

/// Returns whether the objects of this URN that are ours are out of use, and one that others have deployed stays in it.
pub(super) fn gives_way(draft: &Draft<'_>, urn: &Urn) -> bool {
    draft.verdicts.get(urn).is_some_and(|verdict| {
        matches!(&verdict.decision, Decision::Keep { observed } if is_deployed(draft.catalog, observed))
    })
}

/// The untaggable parts that are to be made. Their parents may record already that they are ours, from an earlier part that
/// is gone, and have no step of their own then.
pub(super) fn made_parts(draft: &Draft<'_>) -> Vec<(Urn, String)> {
    let made = draft.verdicts.iter();
    let made = made.filter(|(_, verdict)| matches!(verdict.op(), Op::Create | Op::Replace));
    made.filter_map(|(urn, _)| {
        let schema = draft.catalog.get(urn.token())?;
        let resource = draft.graph.get(urn)?;
        let (parent, mark) = record_of(draft.graph, &draft.live.facts, schema, resource)?;
        Some((parent.clone(), mark))
    })
    .collect()
}

/// Finds free places for resources that accept any place, such as the priorities of listener rules that a section makes: in
/// the wanted order, past those that others hold.
pub(super) fn choose_places(draft: &mut Draft<'_>) {
    let mut by_parent: BTreeMap<(&str, String), Vec<(&Resource, f64)>> = BTreeMap::new();
    for resource in draft.graph.iter() {
        let schema = draft.catalog.get(resource.urn.token());
        let parent = schema.and_then(|schema| schema.parents.first());
        if let (Some(name), Some(parent)) = (resource.options.any_free, parent)
            && let Some(wanted) = resource.inputs.get(name).and_then(Value::as_number)
        {
            let of = format!("{:?}", resource.inputs.get(parent.property));
            let group = by_parent.entry((name, of)).or_default();
            group.push((resource, wanted));
        }
    }
    let mut places = BTreeMap::new();
    for ((name, _), mut resources) in by_parent {
        resources.sort_by(|(left, one), (right, other)| {
            one.total_cmp(other).then_with(|| left.urn.cmp(&right.urn))
        });
        let owner = resources.first().and_then(|(resource, _)| {
            let schema = draft.catalog.get(resource.urn.token())?;
            wanted_parent(draft.graph, resource, *schema.parents.first()?)
        });
        let held = draft.live.additions.iter().filter(|addition| {
            let mut tokens = resources.iter().map(|(resource, _)| resource.urn.token());
            Some(&addition.parent) == owner && tokens.any(|token| token == addition.observed.token)
        });
        let held: Vec<f64> = held
            .filter_map(|addition| addition.observed.inputs.get(name)?.as_number())
            .collect();
        // Where no other party holds a place, the file's own places are right.
        if held.is_empty() {
            continue;
        }
        let wanted: Vec<f64> = resources.iter().map(|(_, wanted)| *wanted).collect();
        let live: Vec<Option<f64>> = resources
            .iter()
            .map(|(resource, _)| {
                let live = draft.live.of(&resource.urn).first()?;
                live.inputs.get(name)?.as_number()
            })
            .collect();
        let found =
            past(&held, &wanted, &live).or_else(|| past(&held, &wanted, &vec![None; wanted.len()]));
        let found = found.into_iter().flatten();
        places.extend(
            resources
                .iter()
                .zip(found)
                .map(|((resource, _), place)| (resource.urn.clone(), Value::Number(place))),
        );
    }
    draft.places = places;
}

/// Places past those held, in the wanted order: the live one where there is one, else the next that is free. `None` if the
/// live ones leave no room.
fn past(held: &[f64], wanted: &[f64], live: &[Option<f64>]) -> Option<Vec<f64>> {
    let mut places = Vec::new();
    let mut next = 0.0_f64;
    for (wanted, live) in wanted.iter().zip(live) {
        let mut place = live.unwrap_or(wanted.max(next));
        while live.is_none() && held.contains(&place) {
            place += 1.0;
        }
        if place < next {
            return None;
        }
        next = place + 1.0;
        places.push(place);
    }
    Some(places)
}

/// Collects the additions of others: shown, and left in place, unless they are named or go with what they hang on.
pub(super) fn additions(draft: &mut Draft<'_>) {
    for addition in &draft.live.additions {
        let observed = &addition.observed;
        let name = name_of(draft.catalog, addition);
        let request = draft.request;
        let is_named = request.remove.contains(&observed.id) || matches_any(&request.remove, &name);
        let schema = draft.catalog.get(&observed.token);
        let goes = goes(draft, observed);
        if is_named || goes && schema.is_some_and(|schema| schema.holds_parent) {
            let because = if is_named {
                Because::Removed
            } else {
                Because::WithParent
            };
            draft.removals.push(Removal {
                urn: Urn::new(&draft.graph.stack, observed.token.clone(), name),
                observed: observed.clone(),
                because,
                data: DataPolicy::Discard,
            });
            continue;
        }
        let accepted = draft.graph.get(&addition.parent).is_some_and(|parent| {
            let accept = &parent.options.accept;
            accept.contains(&observed.id) || matches_any(accept, &name)
        });
        let opens = schema.is_some_and(|schema| schema.opens);
        draft.added.push(Added {
            parent: addition.parent.clone(),
            observed: observed.clone(),
            is_drift: opens && !accepted && !goes,
            goes,
        });
    }
}

/// The URN and id of the object that an addition hangs on.
pub(super) fn parent_of(draft: &Draft<'_>, observed: &Observed) -> Option<super::uses::ObjectKey> {
    let schema = draft.catalog.get(&observed.token)?;
    schema.parents.iter().find_map(|parent| {
        let name = observed.inputs.get(parent.property)?.as_str()?;
        let mut ours = draft.live.of_type(parent.token);
        let (urn, own) =
            ours.find(|(_, own)| own.id == name || own.arn.as_deref() == Some(name))?;
        Some((urn.clone(), own.id.clone()))
    })
}

/// The name of an addition: after what it hangs on, and what tells it from others there.
pub(super) fn name_of(catalog: &Catalog, addition: &Addition) -> String {
    let observed = &addition.observed;
    let schema = catalog.get(&observed.token);
    let key = schema.and_then(|schema| {
        let parent = schema.parents.first()?.property;
        let rest = schema.key.iter().filter(|name| **name != parent);
        let values = rest.filter_map(|name| observed.inputs.get(*name));
        let texts: Vec<String> = values
            .map(|value| {
                let json = serde_json::Value::from(value);
                json.as_str()
                    .map_or_else(|| json.to_string(), str::to_owned)
            })
            .collect();
        (!texts.is_empty() && !schema.taggable).then(|| texts.join("/"))
    });
    let last = key.unwrap_or_else(|| observed.id.clone());
    format!("{}/{last}", addition.parent.name())
}

/// Returns whether a pattern of `--remove` names something that others have added.
pub fn names_an_addition(catalog: &Catalog, live: &LiveSnapshot, pattern: &str) -> bool {
    let patterns = [pattern.to_owned()];
    live.additions.iter().any(|addition| {
        let name = name_of(catalog, addition);
        addition.observed.id == pattern || matches_any(&patterns, &name)
    })
}

/// The names of the additions of others.
pub fn names_of_additions(catalog: &Catalog, live: &LiveSnapshot) -> Vec<String> {
    let additions = live.additions.iter();
    additions
        .map(|addition| name_of(catalog, addition))
        .collect()
}

/// Entries of `accept` that match no addition while another one is not accepted, probably typos. Each comes with the names
/// of the additions that are not accepted.
pub fn idle_accepts<'a>(
    graph: &'a ResourceGraph,
    catalog: &Catalog,
    live: &LiveSnapshot,
) -> Vec<(&'a Urn, &'a str, Vec<String>)> {
    let mut idle = Vec::new();
    for resource in graph
        .iter()
        .filter(|resource| !resource.options.accept.is_empty())
    {
        let accept = &resource.options.accept;
        let there = live.additions.iter();
        let there = there.filter(|addition| addition.parent == resource.urn);
        let there: Vec<(&str, String)> = there
            .map(|addition| {
                let name = name_of(catalog, addition);
                (addition.observed.id.as_str(), name)
            })
            .collect();
        let is_named = |patterns: &[String], (id, name): &(&str, String)| {
            patterns.iter().any(|pattern| pattern == id) || matches_any(patterns, name)
        };
        let open = there.iter().filter(|it| !is_named(accept, it));
        let open: Vec<String> = open.map(|(_, name)| name.clone()).collect();
        if open.is_empty() {
            continue;
        }
        for pattern in accept {
            let alone = std::slice::from_ref(pattern);
            if !there.iter().any(|it| is_named(alone, it)) {
                idle.push((&resource.urn, pattern.as_str(), open.clone()));
            }
        }
    }
    idle
}

/// Entries of `accept` that take whatever others add to a resource, now and later. Each comes once, with the first resource
/// that has it.
pub fn boundless_accepts(graph: &ResourceGraph) -> Vec<(&Urn, &str)> {
    /// Names that nothing has. Ids of rules, and ARNs, all begin like the last three.
    const NOTHING: [&str; 4] = ["\0", "sgr-\0", "arn:\0", "arn:aws:\0"];
    let mut seen = BTreeSet::new();
    let mut boundless = Vec::new();
    for resource in graph.iter() {
        for pattern in &resource.options.accept {
            let alone = std::slice::from_ref(pattern);
            let takes_all = NOTHING.iter().any(|nothing| {
                let name = format!("{}/{nothing}", resource.urn.name());
                matches_any(alone, &name)
            });
            if takes_all && seen.insert(pattern.as_str()) {
                boundless.push((&resource.urn, pattern.as_str()));
            }
        }
    }
    boundless
}

/// Returns whether the object of ours that an addition hangs on is deleted for good. Its successor, of the same URN, stays
/// with all that others have hung on that already.
fn goes(draft: &Draft<'_>, addition: &Observed) -> bool {
    if draft.request.goal == Goal::Destroy {
        return true;
    }
    let Some((urn, id)) = parent_of(draft, addition) else {
        return false;
    };
    let mut removals = draft.removals.iter();
    let replaced = draft.verdicts.get(&urn);
    let replaced = replaced.filter(|verdict| verdict.op() == Op::Replace);
    removals.any(|removal| removal.urn == urn && removal.observed.id == id)
        || replaced.is_some_and(|verdict| verdict.is_about(&id))
}

/// Adds the missing tags to objects of earlier versions, as soon as anything else is to be done.
pub(super) fn mark(draft: &mut Draft<'_>) {
    let is_empty = draft.removals.is_empty()
        && draft
            .verdicts
            .values()
            .all(|verdict| verdict.op() == Op::Same);
    if is_empty {
        return;
    }
    let (catalog, parts) = (draft.catalog, &draft.parts);
    for (urn, verdict) in &mut draft.verdicts {
        let Decision::Keep { observed } = &verdict.decision else {
            continue;
        };
        let Some(schema) = catalog.get(urn.token()) else {
            continue;
        };
        if !schema.taggable || is_deployed(catalog, observed) {
            continue;
        }
        let lacks = |key: &str| {
            observed.tags.get(key).is_none() && verdict.comparison.tags.get(key).is_some()
        };
        let is_unmarked =
            schema.global && lacks(tags::REGION) || parts.of_wanted(urn) && lacks(tags::PARTS);
        let because = if is_unmarked {
            Because::Unmarked
        } else if verdict.comparison.behind {
            // Alone, it would be a change for every new spelling of the settings in force.
            Because::Behind
        } else {
            continue;
        };
        verdict.decision = Decision::update(because, observed.clone());
    }
}

/// Pushes the refusals for objects that others own.
pub(super) fn refuse(draft: &mut Draft<'_>) {
    if draft.request.goal == Goal::Destroy {
        return;
    }
    let mut refusals = Vec::new();
    for (urn, verdict) in &draft.verdicts {
        let Some((schema, resource)) = draft.catalog.get(urn.token()).zip(draft.graph.get(urn))
        else {
            continue;
        };
        let inputs = &verdict.comparison.inputs;
        // A taggable object states its own owner, once it is there.
        let is_asked = !schema.taggable || verdict.op() == Op::Create;
        if is_asked
            && !schema.parents.is_empty()
            && resource.options.import.is_none()
            && let Some(parent) = strange_parent(draft, schema, resource, inputs)
        {
            let urn = (*urn).clone();
            refusals.push(Refusal::ParentNotOurs { urn, parent });
            continue;
        }
        let moves = match &verdict.decision {
            Decision::Create { .. } => true,
            Decision::Keep { .. } => false,
            Decision::Update { observed, .. } | Decision::Replace { observed, .. } => {
                schema.place_of(inputs) != schema.place_of(&observed.inputs)
            }
        };
        let hung = draft.live.additions.iter();
        let hung = hung.map(|addition| &addition.observed);
        let goes = |observed: &Observed| {
            let mut removals = draft.removals.iter();
            removals.any(|removal| removal.observed.id == observed.id)
        };
        let hung = hung.filter(|observed| !goes(observed));
        // A resource that is to be created and finds another in its place has been refused with its verdict.
        let foreign = draft.live.foreign.get(*urn);
        let foreign = foreign.filter(|_| verdict.op() != Op::Create);
        let holder = hung
            .filter(|observed| observed.token == schema.token)
            .chain(foreign)
            .find(|observed| moves && schema.collides(inputs, &observed.inputs));
        if let Some(holder) = holder {
            refusals.push(Refusal::PlaceTaken {
                urn: (*urn).clone(),
                id: holder.id.clone(),
                arn: holder.arn.clone(),
                owner: owner(holder),
            });
        }
        if let Decision::Update {
            observed,
            because: Because::TakenOver,
        } = &verdict.decision
            && schema.stateful
            && !verdict.comparison.diff.is_empty()
            && !consented(draft, urn, observed)
        {
            refusals.push(Refusal::Shortens {
                urn: (*urn).clone(),
                id: observed.id.clone(),
                what: None,
            });
        }
    }
    refusals.extend(elsewhere(draft));
    draft.refusals.extend(refusals);
}

/// The parent that a part would be attached to, if none of the candidates is of this stack.
fn strange_parent(
    draft: &Draft<'_>,
    schema: &Schema,
    resource: &Resource,
    inputs: &Properties,
) -> Option<String> {
    let mut named = None;
    for parent in &schema.parents {
        if wanted_parent(draft.graph, resource, *parent).is_some() {
            return None;
        }
        // A value that is not known yet is an output of something in the file.
        let name = inputs.get(parent.property)?.as_str()?;
        let mut ours = draft.live.of_type(parent.token);
        if ours.any(|(_, own)| own.id == name || own.arn.as_deref() == Some(name)) {
            return None;
        }
        named = named.or_else(|| Some(name.to_owned()));
    }
    named
}

/// The refusal to set up a second platform because the region in the file was edited.
fn elsewhere(draft: &Draft<'_>) -> Option<Refusal> {
    let here = draft.graph.region.as_ref()?;
    let first = draft.live.elsewhere.first()?;
    if !draft.live.ours.is_empty() || draft.request.allow_regions.contains(here) {
        return None;
    }
    let regions: BTreeSet<&str> = draft
        .live
        .elsewhere
        .iter()
        .filter_map(|observed| observed.tags.region())
        .collect();
    Some(Refusal::Elsewhere {
        urn: first.tags.owner()?,
        id: first.id.clone(),
        regions: regions.into_iter().map(str::to_owned).collect(),
        here: here.clone(),
    })
}
