//! Untaggable parts of resources, and what is recorded of them in the tags of their parents.

use super::{Resource, ResourceGraph};
use crate::resource::schema::Parent;
use crate::resource::tags::mark_of_part;
use crate::resource::value::resolve_properties;
use crate::resource::{OutputReference, Properties, Schema, Urn};

/// The resource on which an untaggable part is recorded, and the mark that records it. `None` for what has tags of its own,
/// has no parent in the file, or is known only while it is made.
pub fn record_of<'g>(
    graph: &'g ResourceGraph,
    facts: &Properties,
    schema: &Schema,
    resource: &Resource,
) -> Option<(&'g Urn, String)> {
    let parent = schema.parents.first().filter(|_| !schema.taggable)?;
    let urn = wanted_parent(graph, resource, *parent)?;
    let mark = mark_of_part(schema, &standing(graph, facts, resource))?;
    Some((urn, mark))
}

/// The inputs of a resource, with its references resolved by the file and the account alone: the same on every run.
fn standing(graph: &ResourceGraph, facts: &Properties, resource: &Resource) -> Properties {
    resolve_properties(&resource.inputs, &|reference: &OutputReference| {
        reference.resolve(facts, |urn, output| {
            let value = graph.get(urn)?.inputs.get(output)?;
            value.is_known().then(|| value.clone())
        })
    })
}

/// The resource of the file that is the parent of a wanted object.
pub fn wanted_parent<'g>(
    graph: &'g ResourceGraph,
    resource: &Resource,
    parent: Parent,
) -> Option<&'g Urn> {
    let value = resource.inputs.get(parent.property)?;
    let references = value.references();
    let referred = references
        .into_iter()
        .find(|reference| reference.urn.token() == parent.token)
        .and_then(|reference| graph.get(&reference.urn));
    let named = || {
        let name = value.as_str()?;
        graph.iter().find(|other| {
            let mut inputs = other.inputs.values();
            other.urn.token() == parent.token && inputs.any(|value| value.as_str() == Some(name))
        })
    };
    referred.or_else(named).map(|resource| &resource.urn)
}
