//! Pass 1: the change that each wanted resource needs, found by comparing it with its live object.

use std::cmp::Reverse;

use super::protect::is_stateful;
use super::uses::key;
use super::{
    Because, Decision, Draft, Goal, Op, PlannedOutput, Refusal, Verdict, exclusive, matches_any,
    others,
};
use crate::graph::{Resource, dependencies};
use crate::resource::desired::{Comparison, source_of};
use crate::resource::diff::{REBOOT, TAGS, compare};
use crate::resource::path::Segment;
use crate::resource::tags::{Marks, PARTS};
use crate::resource::{
    Change, Condition, Desired, Diff, LastRun, Observed, OutputReference, Path, Properties, Schema,
    Urn, Value, names,
};

/// Fills `draft.verdicts`. Under `destroy` nothing is wanted, so there is none.
pub(super) fn verdicts(draft: &mut Draft<'_>) {
    if draft.request.goal == Goal::Destroy {
        return;
    }
    let graph = draft.graph;
    for resource in graph.in_order() {
        // `graph::build` has refused types that the catalog does not have.
        let Some(schema) = draft.catalog.get(resource.urn.token()) else {
            continue;
        };
        let verdict = verdict(draft, resource, schema);
        draft.verdicts.insert(&resource.urn, verdict);
    }
}

/// Judges again with the resources that must be replaced along with others, until nothing follows any more.
pub(super) fn verdicts_with_followers(draft: &mut Draft<'_>) {
    loop {
        let followers = exclusive::followers(draft);
        let known = draft.followers.len();
        draft.followers.extend(followers);
        if draft.followers.len() == known {
            return;
        }
        draft.verdicts.clear();
        // The refusals that verdicts lead to.
        let of_verdict = |refusal: &Refusal| {
            matches!(
                refusal,
                Refusal::NameTaken { .. } | Refusal::PlaceTaken { .. }
            )
        };
        draft.refusals.retain(|refusal| !of_verdict(refusal));
        verdicts(draft);
    }
}

fn verdict(draft: &mut Draft<'_>, resource: &Resource, schema: &Schema) -> Verdict {
    let mut desired = desired(draft, resource, schema);
    desired.reboot =
        schema.reboots.is_some() && matches_any(&draft.request.reboot, resource.urn.name());
    let (observed, comparison) = {
        let lookup = |reference: &OutputReference| known(draft, reference);
        best(
            draft.live.of(&resource.urn),
            &desired,
            schema,
            &lookup,
            &resource.options.replace_on_changes,
            &|observed| {
                let object = key(&resource.urn, observed);
                let users = draft.uses.child_of(&object);
                let data = users.iter().filter(|(urn, _)| is_stateful(draft, urn));
                (data.count(), users.len())
            },
        )
    };
    let Some(observed) = observed else {
        if let Some(foreign) = draft.live.foreign.get(&resource.urn) {
            if schema.adopts_untagged && foreign.tags.is_empty() {
                return taken_over(draft, desired, schema, foreign.clone());
            }
            let urn = resource.urn.clone();
            let (id, arn) = (foreign.id.clone(), foreign.arn.clone());
            let owner = others::owner(foreign);
            draft.refusals.push(match schema.name {
                Some(_) => Refusal::NameTaken {
                    urn,
                    id,
                    arn,
                    owner,
                },
                None => Refusal::PlaceTaken {
                    urn,
                    id,
                    arn,
                    owner,
                },
            });
        }
        let hash = comparison.hash.as_deref();
        let is_edited =
            hash.is_some_and(|hash| draft.live.last_run.applied_others(&resource.urn, hash));
        let because = match schema.lapses {
            _ if !draft.live.last_run.has(&resource.urn) => Because::Missing,
            // The resource that the file has now was never there.
            Some(_) if is_edited => Because::Missing,
            Some(lapses) if lapses(&resource.inputs) => Because::Lapsed,
            _ => Because::Gone,
        };
        return Verdict {
            desired,
            comparison,
            decision: Decision::Create { because },
        };
    };
    let requested = matches_any(&draft.request.replace, resource.urn.name());
    let mut comparison = comparison;
    let is_deployed = schema.follows_use && observed.tags.owner().is_none();
    if is_deployed {
        // It belongs to others, and does not get our tags.
        comparison.tag_changes.clear();
    }
    if !schema.taggable {
        let last_run = &draft.live.last_run;
        let hash = comparison.hash.as_deref();
        comparison.drift = hash.is_some_and(|hash| last_run.applied(&resource.urn, hash));
    }
    desired.rewrites = rewrites(&comparison);
    let is_secret = |change: &Change| {
        let mut values = [&change.before, &change.after].into_iter();
        values.any(|value| matches!(value, Value::Secret(_)))
    };
    if !comparison.is_same() && comparison.changes().all(is_secret) {
        // No hash of a secret is kept, so nothing shows who has changed it.
        comparison.drift = false;
    }
    let is_all = |of: fn(&Change) -> bool| !comparison.is_same() && comparison.changes().all(of);
    let changed = if is_deployed {
        Because::Deployed(images(&comparison))
    } else if is_all(|change| change.path == REBOOT.into()) {
        Because::Reboot
    } else if is_all(|change| change.rewrites || change.path == REBOOT.into()) {
        Because::Renewed
    } else if is_all(|change| change.path == Path::from(TAGS).key(PARTS)) {
        Because::Unmarked
    } else if comparison.drift {
        Because::Drifted
    } else {
        Because::Edited
    };
    let decision = match &observed.condition {
        Condition::Broken(reason) => Decision::replace(Because::Broken(reason.clone()), observed),
        _ if requested => Decision::replace(Because::Requested, observed),
        _ if comparison.diff.replaces() => {
            let properties = comparison
                .diff
                .changes
                .iter()
                .filter(|change| change.replaces)
                .map(|change| change.property().to_owned())
                .collect::<std::collections::BTreeSet<_>>();
            let because = match changed {
                Because::Drifted | Because::Deployed(_) => changed,
                _ => Because::CannotChange(properties.into_iter().collect()),
            };
            Decision::replace(because, observed)
        }
        _ if let Some(with) = draft.followers.get(&resource.urn) => {
            Decision::replace(Because::GoesWith(with.clone()), observed)
        }
        _ if let Some(whole) = replaced_whole(draft, resource, schema) => {
            Decision::replace(Because::GoesWith(whole), observed)
        }
        _ if comparison.unfinished => {
            let status = "made, and not all of it set".to_owned();
            Decision::update(Because::Unfinished(status), observed)
        }
        _ if let Some(before) = others::name_before(&desired.urn, &observed) => {
            Decision::update(Because::Renamed(before), observed)
        }
        _ if !comparison.is_same() => Decision::update(changed, observed),
        Condition::Settling(status) => {
            Decision::update(Because::Unfinished(status.clone()), observed)
        }
        Condition::Ready | Condition::Busy(_) => Decision::Keep { observed },
    };
    if let Decision::Replace { observed, .. } = &decision
        && desired.generated_name
        && let Some(rule) = schema.name
        && let Some(name) = desired.inputs.get(rule.property).and_then(Value::as_str)
    {
        // The parent may be new while the inputs read as before, and with them the name.
        let others = draft.live.of(&resource.urn);
        let name = Value::from(free_successor(name, &observed.id, others, rule.property));
        desired
            .inputs
            .insert(rule.property.to_owned(), name.clone());
        comparison.inputs.insert(rule.property.to_owned(), name);
    }
    Verdict {
        desired,
        comparison,
        decision,
    }
}

/// The name of a successor that no other object of the resource has: one that an earlier run has made may be in use.
fn free_successor(name: &str, replaced: &str, others: &[Observed], property: &str) -> String {
    let mut successor = names::successor(name, replaced);
    let mut left: Vec<&Observed> = others.iter().filter(|other| other.id != replaced).collect();
    while let Some(at) = left.iter().position(|other| {
        other.inputs.get(property).and_then(Value::as_str) == Some(successor.as_str())
    }) {
        successor = names::successor(name, &left.swap_remove(at).id);
    }
    successor
}

/// The object that a part is replaced together with, although it refers to it by a name that stays: the old object takes its
/// parts along, and what AWS counts among them.
fn replaced_whole(draft: &Draft<'_>, resource: &Resource, schema: &Schema) -> Option<Urn> {
    let is_part = !schema.taggable;
    let takes_it = |token: &str| {
        is_part && schema.reads_after.contains(&token) || schema.goes_with.contains(&token)
    };
    let needed = dependencies(resource).into_iter();
    let mut wholes = needed.filter(|urn| takes_it(urn.token()));
    let whole = wholes.find(|urn| {
        let verdict = draft.verdicts.get(*urn);
        verdict.is_some_and(|verdict| verdict.op() == Op::Replace)
    });
    whole.cloned()
}

/// Returns an object that an AWS service has made by itself, and that has no tags.
fn taken_over(
    draft: &mut Draft<'_>,
    desired: Desired,
    schema: &Schema,
    observed: Observed,
) -> Verdict {
    let comparison = {
        let lookup = |reference: &OutputReference| known(draft, reference);
        desired.against(schema, &lookup, Some(&observed))
    };
    Verdict {
        desired,
        comparison,
        decision: Decision::update(Because::TakenOver, observed),
    }
}

/// The images that are removed, and those that replace them.
fn images(comparison: &Comparison) -> Vec<(String, String)> {
    let changes = comparison.diff.changes.iter();
    let is_image = |segment: &Segment| *segment == Segment::Key("image".to_owned());
    let images = changes.filter(|change| change.path.segments().last().is_some_and(is_image));
    let text = |value: &Value| value.as_str().map(str::to_owned);
    images
        .filter_map(|change| Some((text(&change.before)?, text(&change.after)?)))
        .collect()
}

/// The write-only properties that now come from another source.
fn rewrites(comparison: &Comparison) -> Vec<String> {
    let changes = comparison.diff.changes.iter();
    changes
        .filter(|change| change.rewrites)
        .map(|change| change.property().to_owned())
        .collect()
}

/// The wanted state of a resource, as the executor takes it.
fn desired(draft: &Draft<'_>, resource: &Resource, schema: &Schema) -> Desired {
    let mut inputs = resource.inputs.clone();
    if let (Some(name), Some(place)) = (
        resource.options.any_free,
        draft.places.get(&resource.urn).cloned(),
    ) {
        inputs.insert(name.to_owned(), place);
    }
    Desired {
        region: resource.options.region.clone(),
        earlier_names: resource.options.earlier_names.clone(),
        earlier_values: resource.options.earlier_values.clone(),
        new_defaults: if draft.live.last_run.is_of_this_version {
            Vec::new()
        } else {
            resource.options.new_defaults.clone()
        },
        source: source_of(
            schema,
            &resource.inputs,
            &resource.tags,
            resource.generated_name,
            &resource.options.ignore_changes,
            Marks {
                protect: resource.options.protect == Some(true),
                retain: resource.options.retain_on_delete,
            },
        ),
        parts: draft.parts.of_resource(&resource.urn, schema),
        urn: resource.urn.clone(),
        inputs,
        tags: resource.tags.clone(),
        protect: resource.options.protect,
        retain: resource.options.retain_on_delete,
        ignore_changes: resource.options.ignore_changes.clone(),
        instead_of: instead_of(draft.live.of(&resource.urn)),
        rewrites: Vec::new(),
        reboot: false,
        generated_name: resource.generated_name,
    }
}

/// The inputs of the object whose place an unfinished one takes.
fn instead_of(objects: &[Observed]) -> Option<Properties> {
    let is_unfinished = |object: &&Observed| object.tags.is_unfinished();
    let replaced = objects.iter().find(|object| !is_unfinished(object))?;
    let is_replaced = objects.iter().any(|object| is_unfinished(&object));
    is_replaced.then(|| replaced.inputs.clone())
}

/// The live object that comes closest to what is wanted, with its comparison. Others of the same URN are left over from
/// an interrupted replacement, or twins.
fn best(
    candidates: &[Observed],
    desired: &Desired,
    schema: &Schema,
    lookup: &dyn Fn(&OutputReference) -> Option<Value>,
    replace_on_changes: &[Path],
    // Returns how many objects that hold data depend on it, and how many in all.
    hang_on: &dyn Fn(&Observed) -> (usize, usize),
) -> (Option<Observed>, Comparison) {
    let compared = candidates.iter().map(|observed| {
        let mut comparison = desired.against(schema, lookup, Some(observed));
        for change in &mut comparison.diff.changes {
            change.replaces |= replace_on_changes
                .iter()
                .any(|path| path.first() == Some("*") || change.path.starts_with(path));
        }
        // Most often there is one only.
        let users = if candidates.len() > 1 {
            hang_on(observed)
        } else {
            (0, 0)
        };
        (observed, comparison, users)
    });
    if let Some(running) = in_use(candidates, schema, hang_on) {
        return following(candidates, running, desired, schema, lookup);
    }
    let closest = compared.min_by_key(|(observed, comparison, (data, users))| {
        (
            matches!(observed.condition, Condition::Broken(_)),
            comparison.diff.replaces(),
            // Of two networks the one with the database, which cannot move.
            Reverse(*data),
            comparison.diff.changes.len(),
            // Of two revisions that are equally right, the one that a service runs.
            Reverse(*users),
            !observed.condition.is_usable(),
            observed.id.clone(),
        )
    });
    match closest {
        Some((observed, comparison, _)) => (Some(observed.clone()), comparison),
        None => (None, desired.against(schema, lookup, None)),
    }
}

/// Returns, of several objects in place of each other, the one that something live uses.
fn in_use<'o>(
    candidates: &'o [Observed],
    schema: &Schema,
    hang_on: &dyn Fn(&Observed) -> (usize, usize),
) -> Option<&'o Observed> {
    let is_choice = schema.follows_use && candidates.len() > 1;
    let mut used = candidates.iter().filter(|object| hang_on(object).1 > 0);
    used.next().filter(|_| is_choice)
}

/// Takes the object in use as the live one, unless a run of ours has made its successor already and was over
/// before that came into use.
fn following(
    candidates: &[Observed],
    running: &Observed,
    desired: &Desired,
    schema: &Schema,
    lookup: &dyn Fn(&OutputReference) -> Option<Value>,
) -> (Option<Observed>, Comparison) {
    let comparison = desired.against(schema, lookup, Some(running));
    if comparison.diff.is_empty() {
        return (Some(running.clone()), comparison);
    }
    let revision = |object: &Observed| object.outputs.get("revision").and_then(Value::as_number);
    let successor = candidates.iter().find(|object| {
        object.tags.owner().as_ref() == Some(&desired.urn)
            && revision(object) > revision(running)
            && compare(schema, &comparison.inputs, &object.inputs).is_empty()
    });
    match successor {
        Some(successor) => {
            let comparison = Comparison {
                diff: Diff::default(),
                tag_changes: Vec::new(),
                ..comparison
            };
            (Some(successor.clone()), comparison)
        }
        None => (Some(running.clone()), comparison),
    }
}

/// The remaining state if nothing runs: the live objects of what the file wants, and what was there after the last run.
pub(super) fn left(draft: &Draft<'_>) -> LastRun {
    let before = &draft.live.last_run;
    let mut left = LastRun::default();
    for (urn, verdict) in &draft.verdicts {
        let is_untaggable = draft
            .catalog
            .get(urn.token())
            .is_some_and(|schema| !schema.taggable);
        match verdict.decision {
            Decision::Keep { .. } if is_untaggable => {
                left.insert(urn, verdict.comparison.hash.as_deref());
            }
            Decision::Create { .. } if !before.has(urn) => {}
            Decision::Create { .. }
            | Decision::Keep { .. }
            | Decision::Update { .. }
            | Decision::Replace { .. } => left.insert_as_in(urn, before),
        }
    }
    left
}

/// The value of a reference before anything runs: live outputs of what stays, written inputs of what is to come.
pub(super) fn known(draft: &Draft<'_>, reference: &OutputReference) -> Option<Value> {
    let value = reference.resolve(&draft.live.facts, |urn, output| {
        let verdict = draft.verdicts.get(urn)?;
        let Comparison { inputs, diff, .. } = &verdict.comparison;
        // An input is known from the file, in the form it will have; an output from AWS.
        match &verdict.decision {
            Decision::Create { .. } | Decision::Replace { .. } => inputs.get(output).cloned(),
            Decision::Keep { observed } => observed.output(output),
            Decision::Update { observed, .. } => match inputs.get(output) {
                Some(value) if diff.touches(output) => Some(value.clone()),
                _ => observed.output(output),
            },
        }
    })?;
    value.is_known().then_some(value)
}

/// The outputs of the stack, as far as they are known before the plan runs.
pub(super) fn outputs(draft: &Draft<'_>) -> Vec<PlannedOutput> {
    let lookup = |reference: &OutputReference| known(draft, reference);
    draft
        .graph
        .outputs
        .iter()
        .map(|(name, expression)| PlannedOutput {
            name: name.clone(),
            expression: expression.clone(),
            known: expression.resolve(&lookup),
        })
        .collect()
}
