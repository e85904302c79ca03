//! Whose a live object is.
//!
//! - A tagged object is ours if it says so: `fde:stack` names the stack and `fde:urn` the resource.
//! - One without our tags that has a wanted name stands in the way: it is kept as foreign, and never touched.
//! - An untaggable object belongs to its parent. It is the wanted one with the same key, or else a leftover of ours.

use std::collections::BTreeMap;

use super::lookup;
use crate::graph::ResourceGraph;
use crate::resource::value::resolve_properties;
use crate::resource::{LiveSnapshot, Observed, OutputReference, Schema, Urn, Value};

/// Sorts the observed objects of one type into the snapshot.
pub(super) fn assign(
    live: &mut LiveSnapshot,
    schema: &Schema,
    graph: &ResourceGraph,
    observed: Vec<Observed>,
) {
    if schema.taggable {
        for object in observed {
            assign_tagged(live, schema, graph, object);
        }
    } else {
        assign_children(live, schema, graph, observed);
    }
}

fn assign_tagged(
    live: &mut LiveSnapshot,
    schema: &Schema,
    graph: &ResourceGraph,
    observed: Observed,
) {
    let owner = observed
        .tags
        .owner()
        .filter(|urn| observed.tags.belongs_to(&graph.stack) && urn.token() == schema.token);
    if let Some(urn) = owner {
        live.ours.entry(urn).or_default().push(observed);
        return;
    }
    let Some(rule) = schema.name else {
        return;
    };
    let name = |value: Option<&Value>| value.and_then(Value::as_str).map(str::to_lowercase);
    let taken = name(observed.inputs.get(rule.property));
    let wanted_by = graph.iter().find(|resource| {
        resource.urn.token() == schema.token
            && taken.is_some()
            && name(resource.inputs.get(rule.property)) == taken
    });
    if let Some(resource) = wanted_by {
        live.foreign.insert(resource.urn.clone(), observed);
    }
}

fn assign_children(
    live: &mut LiveSnapshot,
    schema: &Schema,
    graph: &ResourceGraph,
    observed: Vec<Observed>,
) {
    let mut wanted: BTreeMap<String, Urn> = BTreeMap::new();
    for resource in graph.iter() {
        if resource.urn.token() == schema.token {
            let inputs = resolve_properties(&resource.inputs, &|reference: &OutputReference| {
                lookup(live, graph, reference)
            });
            if let Some(key) = schema.key_of(&inputs) {
                wanted.insert(text(&key), resource.urn.clone());
            }
        }
    }
    for object in observed {
        let Some(key) = schema.key_of(&object.inputs) else {
            continue;
        };
        let urn = match wanted.get(&text(&key)) {
            Some(urn) => urn.clone(),
            None => leftover(live, schema, graph, &key),
        };
        live.ours.entry(urn).or_default().push(object);
    }
}

/// The URN of a child that nobody wants: named after its parent and what tells it apart.
fn leftover(live: &LiveSnapshot, schema: &Schema, graph: &ResourceGraph, key: &[Value]) -> Urn {
    let mut parent = None;
    let mut rest = Vec::new();
    for part in key {
        let part = part
            .as_str()
            .map_or_else(|| serde_json::Value::from(part).to_string(), str::to_owned);
        let owner = live.ours.iter().find(|(_, objects)| {
            objects
                .iter()
                .any(|object| object.id == part || object.arn.as_deref() == Some(part.as_str()))
        });
        match owner {
            Some((urn, _)) if parent.is_none() => parent = Some(urn.name().to_owned()),
            _ => rest.push(part),
        }
    }
    let name: Vec<String> = parent.into_iter().chain(rest).collect();
    Urn::new(&graph.stack, schema.token, name.join("/"))
}

fn text(key: &[Value]) -> String {
    serde_json::Value::from(&Value::List(key.to_vec())).to_string()
}
