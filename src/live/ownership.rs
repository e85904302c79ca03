//! The ownership of live objects.
//!
//! - A tagged object is ours if it says so: `fde:stack` names the stack, `fde:urn` the same one and the resource; and
//!   `fde:region` the region, where the name is not a region's own. If that resource has left the file, and another has come
//!   that wants the same place, it is that one. Where our runs are on record ([`crate::resource::Proof`]), tags alone are
//!   only a claim.
//! - One without our tags that has a wanted name or place stands in the way: it is kept as foreign, and never touched. One
//!   that hangs on an object of ours has been added by others.
//! - An untaggable object belongs to its parent, and is another party's where the parent is not ours. It is the wanted one
//!   with the same key, unless the parent's tags record its parts and not this one, and it is not as wanted; or a leftover
//!   of ours, if they do or all that it ties together is ours; or else it has been added by others.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use super::lookup::lookup;
use crate::graph::parts::{record_of, wanted_parent};
use crate::graph::{Resource, ResourceGraph};
use crate::resource::diff::compare;
use crate::resource::proof::Bearers;
use crate::resource::tags::mark_of_part;
use crate::resource::value::resolve_properties;
use crate::resource::{
    Addition, Catalog, LiveSnapshot, Observed, OutputReference, Properties, Schema, Tags, Urn,
    Value,
};

/// Sorts the observed objects of one type into the snapshot.
pub(super) fn assign(
    live: &mut LiveSnapshot,
    schema: &Schema,
    graph: &ResourceGraph,
    observed: Vec<Observed>,
    unmarked: Unmarked,
) {
    let sorted: Vec<(Whose, Observed)> = if schema.taggable {
        let owners = Owners::of(live, schema);
        let bearers = Bearers::of(&observed);
        let sorted = observed.into_iter().map(|object| {
            let object = as_proven(live, schema, graph, object, &bearers);
            let whose = tagged(live, schema, graph, &owners, &object, unmarked, &bearers);
            (whose, object)
        });
        sorted.collect()
    } else {
        children(live, schema, graph, observed)
    };
    for (whose, observed) in sorted {
        match whose {
            Whose::Ours(urn) => live.ours.entry(urn).or_default().push(observed),
            Whose::Claimed(urn) => live.claimed.push((urn, observed)),
            Whose::Elsewhere(wanted_by) => {
                live.elsewhere.push(observed.clone());
                live.foreign.extend(wanted_by.map(|urn| (urn, observed)));
            }
            Whose::Added(parent) => live.additions.push(Addition { parent, observed }),
            Whose::InTheWay(urn) => {
                live.foreign.insert(urn, observed);
            }
            Whose::Unowned => {}
        }
    }
}

/// Matches objects of all types to their new names in the file. In whatever order the file has them, a resource that refers
/// to a renamed one may be renamed as well.
pub(super) fn rename_all(live: &mut LiveSnapshot, catalog: &Catalog, graph: &ResourceGraph) {
    loop {
        let left = live.ours.keys().filter(|urn| !graph.contains(urn));
        let tokens: BTreeSet<String> = left.map(|urn| urn.token().to_owned()).collect();
        let schemas = tokens.iter().filter_map(|token| catalog.get(token));
        let renamed = schemas.filter(|schema| rename(live, schema, graph));
        if renamed.count() == 0 {
            return;
        }
    }
}

/// Matches objects whose URN has left the file to the resource that has come in their stead: the file calls them by another
/// name now, and so does everything that refers to them. An object without a place of its own must match in all else, and be
/// the only one that does. Returns whether there were any.
fn rename(live: &mut LiveSnapshot, schema: &Schema, graph: &ResourceGraph) -> bool {
    if !schema.taggable || schema.follows_use {
        return false;
    }
    let left: Vec<Urn> = live
        .ours
        .keys()
        .filter(|urn| urn.token() == schema.token && !graph.contains(urn))
        .cloned()
        .collect();
    if left.is_empty() {
        return false;
    }
    let has_no_place = schema.place_properties().is_empty();
    let mut claims: BTreeMap<&Urn, Vec<&Urn>> = BTreeMap::new();
    for resource in graph.iter() {
        if resource.urn.token() != schema.token || live.ours.contains_key(&resource.urn) {
            continue;
        }
        let inputs = resolve_properties(&resource.inputs, &|reference: &OutputReference| {
            lookup(live, graph, reference)
        });
        let inputs = schema.with_defaults(inputs);
        let place = schema.place_of(&inputs);
        let is_it = |object: &Observed| match &place {
            Some(place) => schema.place_of(&object.inputs).as_ref() == Some(place),
            None => has_no_place && compare(schema, &inputs, &object.inputs).is_empty(),
        };
        for urn in &left {
            if live.of(urn).iter().any(is_it) {
                claims.entry(urn).or_default().push(&resource.urn);
            }
        }
    }
    let mut times_taken: BTreeMap<&Urn, usize> = BTreeMap::new();
    for now in claims.values().flatten() {
        *times_taken.entry(now).or_default() += 1;
    }
    let mut is_renamed = false;
    for (before, now) in claims {
        if let [now] = now.as_slice()
            && times_taken[now] == 1
            && let Some(objects) = live.ours.remove(before)
        {
            live.ours.insert((*now).clone(), objects);
            is_renamed = true;
        }
    }
    is_renamed
}

/// The classification of an object.
enum Whose {
    Ours(Urn),
    /// Its tags say so, but nothing proves it.
    Claimed(Urn),
    /// It belongs to the same stack in another region, and perhaps has a name that is wanted here.
    Elsewhere(Option<Urn>),
    /// An addition to an object of ours.
    Added(Urn),
    /// It has the name, or the place, that this resource wants.
    InTheWay(Urn),
    Unowned,
}

/// The owner of an object that has its name in all regions and was made before its tags named the region.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Unmarked {
    /// Something else of the stack was made here at that time, or nothing of it is in any region.
    Ours,
    Elsewhere,
}

impl Unmarked {
    /// Judges by the tags of the stack's objects in this region alone.
    pub(super) fn judge<'t>(
        graph: &ResourceGraph,
        catalog: &Catalog,
        mut here: impl Iterator<Item = &'t Tags>,
    ) -> Self {
        let regional = |token: &str| {
            let schema = catalog.get(token);
            schema.is_some_and(|schema| schema.taggable && !schema.global)
        };
        let is_regional = graph.iter().any(|resource| regional(resource.urn.token()));
        if here.any(|tags| tags.region().is_none()) || !is_regional {
            Self::Ours
        } else {
            Self::Elsewhere
        }
    }
}

/// The resource of this stack that an object is by its tags.
fn owner(schema: &Schema, graph: &ResourceGraph, observed: &Observed) -> Option<Urn> {
    let owner = observed.tags.owner();
    owner
        .filter(|urn| *urn.stack() == graph.stack && urn.token() == schema.token)
        .filter(|_| observed.tags.belongs_to(&graph.stack))
}

/// The object as it is to be judged: a deploy tool that copies a revision copies its tags as well, and made it nevertheless.
fn as_proven(
    live: &LiveSnapshot,
    schema: &Schema,
    graph: &ResourceGraph,
    mut observed: Observed,
    bearers: &Bearers,
) -> Observed {
    if schema.follows_use
        && let Some(urn) = owner(schema, graph, &observed)
        && !is_proven(live, schema, &urn, &observed, bearers)
    {
        let tags = observed.tags.iter();
        let others = tags.filter(|(key, _)| !key.starts_with("fde:"));
        let others = others.map(|(key, value)| (key.to_owned(), value.to_owned()));
        observed.tags = others.collect();
    }
    observed
}

fn is_proven(
    live: &LiveSnapshot,
    schema: &Schema,
    urn: &Urn,
    observed: &Observed,
    bearers: &Bearers,
) -> bool {
    let name = schema
        .name
        .and_then(|rule| observed.inputs.get(rule.property));
    let name = name.and_then(Value::as_str);
    live.proof.holds(urn, observed, name, bearers)
}

fn tagged(
    live: &LiveSnapshot,
    schema: &Schema,
    graph: &ResourceGraph,
    owners: &Owners<'_>,
    observed: &Observed,
    unmarked: Unmarked,
    bearers: &Bearers,
) -> Whose {
    if let Some(urn) = owner(schema, graph, observed) {
        let is_here = match observed.tags.region() {
            _ if !schema.global => true,
            Some(region) => graph.region.as_deref().is_none_or(|here| here == region),
            None => unmarked == Unmarked::Ours,
        };
        return if is_here && is_proven(live, schema, &urn, observed, bearers) {
            Whose::Ours(urn)
        } else if is_here {
            Whose::Claimed(urn)
        } else {
            Whose::Elsewhere(wanted_by_name(live, schema, graph, observed))
        };
    }
    if let Some((parent, _)) = owners.parent(schema, &observed.inputs) {
        return Whose::Added(parent.clone());
    }
    if let Some(urn) = used_as(live, schema, graph, observed) {
        return Whose::Ours(urn);
    }
    wanted_by_name(live, schema, graph, observed)
        .or_else(|| wanted_by_place(live, schema, graph, observed))
        .map_or(Whose::Unowned, Whose::InTheWay)
}

/// The resource whose wanted place, other than a name, is taken by an object.
fn wanted_by_place(
    live: &LiveSnapshot,
    schema: &Schema,
    graph: &ResourceGraph,
    observed: &Observed,
) -> Option<Urn> {
    if schema.name.is_some() {
        return None;
    }
    let lookup = |reference: &OutputReference| lookup(live, graph, reference);
    let wanted_by = graph.iter().find(|resource| {
        resource.urn.token() == schema.token
            && schema.collides(
                &resolve_properties(&resource.inputs, &lookup),
                &observed.inputs,
            )
    })?;
    Some(wanted_by.urn.clone())
}

/// The resource that wants the name that an object has.
fn wanted_by_name(
    live: &LiveSnapshot,
    schema: &Schema,
    graph: &ResourceGraph,
    observed: &Observed,
) -> Option<Urn> {
    let rule = schema.name?;
    let name = |value: Option<&Value>| value.and_then(Value::as_str).map(str::to_lowercase);
    let taken = name(observed.inputs.get(rule.property))?;
    // The account's number is part of some names.
    let lookup = |reference: &OutputReference| lookup(live, graph, reference);
    let wanted_by = graph.iter().find(|resource| {
        resource.urn.token() == schema.token
            && name(resolve_properties(&resource.inputs, &lookup).get(rule.property)).as_ref()
                == Some(&taken)
    })?;
    Some(wanted_by.urn.clone())
}

/// The resource as which a live object of ours uses an object without our tags, where other tools make new ones: the
/// revision of a task definition that the service runs.
fn used_as(
    live: &LiveSnapshot,
    schema: &Schema,
    graph: &ResourceGraph,
    observed: &Observed,
) -> Option<Urn> {
    if !schema.follows_use || observed.tags.owner().is_some() {
        return None;
    }
    let names = [Some(observed.id.as_str()), observed.arn.as_deref()];
    let uses = |value: &Value| {
        value
            .as_str()
            .is_some_and(|text| names.contains(&Some(text)))
    };
    graph.iter().find_map(|user| {
        let (property, _) = live
            .of(&user.urn)
            .iter()
            .flat_map(|user| &user.inputs)
            .find(|(_, value)| uses(value))?;
        let references = user.inputs.get(property)?.references();
        let used = references
            .into_iter()
            .find(|used| used.urn.token() == schema.token)?;
        Some(used.urn.clone())
    })
}

fn children(
    live: &LiveSnapshot,
    schema: &Schema,
    graph: &ResourceGraph,
    observed: Vec<Observed>,
) -> Vec<(Whose, Observed)> {
    let mut wanted: BTreeMap<String, (&Resource, Properties)> = BTreeMap::new();
    for resource in graph.iter() {
        if resource.urn.token() == schema.token {
            let inputs = resolve_properties(&resource.inputs, &|reference: &OutputReference| {
                lookup(live, graph, reference)
            });
            if let Some(key) = schema.key_of(&inputs) {
                wanted.insert(text(&key), (resource, inputs));
            }
        }
    }
    let owners = Owners::of(live, schema);
    let whose = |object: &Observed| {
        let Some(key) = schema.key_of(&object.inputs) else {
            return Whose::Unowned;
        };
        let wanted = wanted.get(&text(&key));
        let Some((parent, tags)) = owners.parent(schema, &object.inputs) else {
            return wanted.map_or(Whose::Unowned, |(wanted, inputs)| {
                of_no_owner(live, schema, graph, wanted, inputs, object)
            });
        };
        let recorded = tags.parts();
        let has = |mark: &String| has_part(live, parent, tags, mark);
        let ties = || owners.tie(schema, &object.inputs);
        if let Some((wanted, inputs)) = wanted {
            // Parts are recorded before they are made. A part that is not on record was there when the file came to name it,
            // or a run beside ours has forgotten it; nothing is overwritten where it is as the file wants it.
            let record = record_of(graph, &live.facts, schema, wanted);
            let inputs = || {
                let mut inputs = schema.with_defaults(inputs.clone());
                if let Some(server_managed) = schema.server_managed {
                    server_managed(&mut inputs, &object.inputs);
                }
                inputs
            };
            let is_ours = schema.made_by_aws
                || wanted.options.import.is_some()
                || match record {
                    Some((on, mark)) if on == parent => has(&mark),
                    // A part that names its parent, but is not identified by it, is moved from one to the other.
                    Some((on, mark)) => {
                        is_recorded(live, on, &mark)
                            || mark_of_part(schema, &object.inputs)
                                .as_ref()
                                .is_some_and(has)
                    }
                    // Its key is known only after creation, so it is never on record: it is ours if its first parent is.
                    None => {
                        owners.is_on_first(schema, &object.inputs) || {
                            let first = schema.parents.first();
                            first.is_none_or(|first| wanted_parent(graph, wanted, *first).is_none())
                        }
                    }
                }
                || ties()
                || compare(schema, &inputs(), &object.inputs).is_empty();
            return if is_ours {
                Whose::Ours(wanted.urn.clone())
            } else {
                Whose::Added(parent.clone())
            };
        }
        let mark = mark_of_part(schema, &object.inputs);
        if recorded.is_some() && mark.as_ref().is_some_and(has) || ties() {
            Whose::Ours(leftover(schema, graph, &owners, parent, &key))
        } else {
            Whose::Added(parent.clone())
        }
    };
    let sorted = observed.into_iter().map(|object| (whose(&object), object));
    sorted.collect()
}

/// Ownership of a wanted part whose live parent is not ours. On a parent of others it is theirs, unless the file imports it.
/// If it belongs on a parent of ours, it has been moved where it is on record there, and is in the way otherwise.
fn of_no_owner(
    live: &LiveSnapshot,
    schema: &Schema,
    graph: &ResourceGraph,
    wanted: &Resource,
    inputs: &Properties,
    object: &Observed,
) -> Whose {
    let urn = wanted.urn.clone();
    let is_recorded = || {
        let record = record_of(graph, &live.facts, schema, wanted);
        record.is_some_and(|(on, mark)| is_recorded(live, on, &mark))
    };
    let mut parents = schema.parents.iter();
    let is_there = parents.any(|parent| {
        let of = |inputs: &Properties| inputs.get(parent.property).cloned();
        of(inputs) == of(&object.inputs)
    });
    let hangs_on_ours = || hangs_on_ours(live, schema, wanted);
    if wanted.options.import.is_some()
        || schema.parents.is_empty()
        || is_there && hangs_on_ours()
        || is_recorded()
    {
        return Whose::Ours(urn);
    }
    let mut parents = schema.parents.iter();
    if parents.any(|parent| wanted_parent(graph, wanted, *parent).is_some()) {
        Whose::InTheWay(urn)
    } else {
        Whose::Unowned
    }
}

/// Returns whether a part is on record with the resource it belongs to; before there were records, all were taken for ours.
fn is_recorded(live: &LiveSnapshot, on: &Urn, mark: &str) -> bool {
    let mut parents = live.of(on).iter();
    parents.any(|parent| has_part(live, on, &parent.tags, mark))
}

/// Returns whether the tags of an object of ours say that a part is ours, and that is proven.
fn has_part(live: &LiveSnapshot, named: &Urn, tags: &Tags, mark: &str) -> bool {
    let has = tags.parts().is_none_or(|marks| marks.contains(mark));
    // It may have another name in the file by now.
    let parent = tags.owner();
    let parent = parent.as_ref().unwrap_or(named);
    has && live.proof.holds_part(parent, mark)
}

/// Returns whether the file attaches a resource to a live object of ours, whatever it calls that: a secret by its name or
/// ARN.
fn hangs_on_ours(live: &LiveSnapshot, schema: &Schema, resource: &Resource) -> bool {
    schema.parents.iter().any(|parent| {
        let Some(value) = resource.inputs.get(parent.property) else {
            return false;
        };
        let mut referred = value.references().into_iter();
        referred.any(|reference| {
            reference.urn.token() == parent.token && !live.of(&reference.urn).is_empty()
        }) || value.as_str().is_some_and(|name| {
            live.of_type(parent.token).any(|(_, own)| {
                let mut names = own.inputs.values().filter_map(Value::as_str);
                own.id == name || own.arn.as_deref() == Some(name) || names.any(|it| it == name)
            })
        })
    })
}

/// The taggable objects of ours that objects of a type may hang on or tie together, by what others call them.
struct Owners<'a>(HashMap<&'a str, (&'a Urn, &'a Tags)>);

impl<'a> Owners<'a> {
    fn of(live: &'a LiveSnapshot, schema: &Schema) -> Self {
        let mut owners = HashMap::new();
        if schema.parents.is_empty() {
            return Self(owners);
        }
        for (urn, objects) in &live.ours {
            for object in objects.iter().filter(|object| !object.tags.is_empty()) {
                let names = [Some(object.id.as_str()), object.arn.as_deref()];
                let names = names.into_iter().flatten();
                // Names are told apart from each other by type alone.
                let names = names.filter(|name| {
                    !owners.contains_key(name)
                        || schema
                            .parents
                            .iter()
                            .any(|parent| parent.token == urn.token())
                });
                owners.extend(
                    names
                        .map(|name| (name, (urn, &object.tags)))
                        .collect::<Vec<_>>(),
                );
            }
        }
        Self(owners)
    }

    /// The parent of an object, if one of its parents is ours.
    fn parent(&self, schema: &Schema, inputs: &Properties) -> Option<(&'a Urn, &'a Tags)> {
        schema.parents.iter().find_map(|parent| {
            let name = inputs.get(parent.property)?.as_str()?;
            let owner = self.0.get(name).copied();
            owner.filter(|(urn, _)| urn.token() == parent.token)
        })
    }

    /// Returns whether the object that this one is recorded on is ours.
    fn is_on_first(&self, schema: &Schema, inputs: &Properties) -> bool {
        let first = schema.parents.first();
        let on = first.and_then(|first| inputs.get(first.property)?.as_str());
        on.is_some_and(|on| self.0.contains_key(on))
    }

    /// Returns whether the object that this one is recorded on is ours, and all that tells it from others there: then it
    /// ties these together.
    fn tie(&self, schema: &Schema, inputs: &Properties) -> bool {
        let parent = schema.parents.first().map(|parent| parent.property);
        let mut rest = schema.key.iter().filter(|name| Some(**name) != parent);
        let is_ours = |name: &&str| {
            let value = inputs.get(*name).and_then(Value::as_str);
            value.is_some_and(|value| self.0.contains_key(value))
        };
        self.is_on_first(schema, inputs) && rest.clone().next().is_some() && rest.all(is_ours)
    }
}

/// The URN of a part that is not wanted any more: named after its parent, which part of it it is, and what tells it apart, by
/// its name where that is one of ours.
fn leftover(
    schema: &Schema,
    graph: &ResourceGraph,
    owners: &Owners<'_>,
    parent: &Urn,
    key: &[Value],
) -> Urn {
    let own = schema.parents.first().map(|parent| parent.property);
    let rest = schema.key.iter().zip(key);
    let rest = rest.filter(|(name, _)| Some(**name) != own);
    let rest = rest.map(|(_, part)| match part.as_str() {
        Some(text) => owners
            .0
            .get(text)
            .map_or(text, |(urn, _)| urn.name())
            .to_owned(),
        None => serde_json::Value::from(part).to_string(),
    });
    let part = part_name(schema.token, parent.token());
    let name = [parent.name().to_owned(), part].into_iter().chain(rest);
    Urn::new(
        &graph.stack,
        schema.token,
        name.collect::<Vec<_>>().join("/"),
    )
}

/// The name of a part in relation to its parent: `aws:s3:BucketOwnershipControls` is the `ownershipControls` of a bucket.
fn part_name(token: &str, parent: &str) -> String {
    let last = |token: &str| token.rsplit(':').next().unwrap_or_default().to_owned();
    let (whole, parent) = (last(token), last(parent));
    let rest = whole.strip_prefix(&parent).filter(|rest| !rest.is_empty());
    let mut letters = rest.unwrap_or(&whole).chars();
    let first = letters.next().map(|letter| letter.to_ascii_lowercase());
    first.into_iter().chain(letters).collect()
}

fn text(key: &[Value]) -> String {
    serde_json::Value::from(&Value::List(key.to_vec())).to_string()
}

#[cfg(test)]
mod tests {
    use super::part_name;

    #[test]
    fn a_part_is_named_after_what_it_is_of_its_parent() {
        for (token, parent, expected) in [
            (
                "aws:s3:BucketOwnershipControls",
                "aws:s3:Bucket",
                "ownershipControls",
            ),
            (
                "aws:iam:RolePolicyAttachment",
                "aws:iam:Role",
                "policyAttachment",
            ),
            ("aws:sns:TopicSubscription", "aws:sns:Topic", "subscription"),
            (
                "aws:ecr:LifecyclePolicy",
                "aws:ecr:Repository",
                "lifecyclePolicy",
            ),
            ("aws:ec2:Route", "aws:ec2:RouteTable", "route"),
        ] {
            assert_eq!(part_name(token, parent), expected);
        }
    }
}
