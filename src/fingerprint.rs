//! Hashes of what a plan was made from: enough to say later which part of it has changed since.
//!
//! A saved plan travels as an artifact that many may read. So no secret enters a hash: an attacker who knows the rest could
//! try passwords until the hash fits, and a salt in the same file would not hinder them. The fact that a secret *changes* is
//! part of the plan itself; its new value is not, and the preview does not show it either.

use std::collections::BTreeMap;

use crate::graph::{Resource, ResourceGraph};
use crate::resource::tags::short_hash;
use crate::resource::{Catalog, LiveSnapshot, Observed, Properties, Urn};

/// Digits of a hash: 128 bits.
const DIGITS: usize = 32;

/// The key of the stack's outputs; no URN looks like it.
const OUTPUTS: &str = "outputs";

/// The key of the facts of the account.
const FACTS: &str = "account";

/// Hashes by the key of their subject.
pub type Hashes = BTreeMap<String, String>;

/// The hash of a text.
pub fn hash(text: &str) -> String {
    short_hash(text, DIGITS)
}

/// The hashes of what the stack file asks for, with its layers and flags, by URN.
pub fn inputs(graph: &ResourceGraph) -> Hashes {
    let outputs = (OUTPUTS.to_owned(), hash(&format!("{:?}", graph.outputs)));
    graph
        .iter()
        .map(|resource| (resource.urn.to_string(), wanted(resource)))
        .chain([outputs])
        .collect()
}

/// The debug print of a resource: it leaves no field out, is in a stable order, and shows no secrets. Another version may
/// print otherwise, which does no harm: a saved plan is bound to the version, too.
fn wanted(resource: &Resource) -> String {
    let Resource {
        urn: _,
        inputs,
        tags,
        options,
        // Its position in the file means nothing.
        origin: _,
        generated_name,
    } = resource;
    hash(&format!(
        "{inputs:?} {tags:?} {options:?} {generated_name:?}"
    ))
}

/// The hashes of the live objects that the plan was made from, by URN and id.
pub fn live(live: &LiveSnapshot, graph: &ResourceGraph, catalog: &Catalog) -> Hashes {
    let facts = (FACTS.to_owned(), hash(&format!("{:?}", live.facts)));
    let ours = live
        .ours
        .iter()
        .flat_map(|(urn, objects)| objects.iter().map(move |object| (urn, object)));
    ours.chain(&live.foreign)
        .map(|(urn, object)| {
            let seen = settled(object, graph.get(urn), catalog);
            (format!("{urn} {}", object.id), hash(&format!("{seen:?}")))
        })
        .chain([facts])
        .collect()
}

/// The object without the values that change by themselves and are not compared: a count that autoscaling owns would make
/// every plan stale within minutes.
fn settled(object: &Observed, wanted: Option<&Resource>, catalog: &Catalog) -> Observed {
    let mut settled = object.clone();
    let server_managed = catalog
        .get(&object.token)
        .and_then(|schema| schema.server_managed);
    if let (Some(wanted), Some(defer)) = (wanted, server_managed) {
        let decided_by = |live: &Properties| {
            let mut inputs = wanted.inputs.clone();
            defer(&mut inputs, live);
            inputs
        };
        let (there, nowhere) = (
            decided_by(&object.inputs),
            decided_by(&Properties::default()),
        );
        settled
            .inputs
            .retain(|name, _| there.get(name) == nowhere.get(name));
    }
    settled
}

/// The differences between two sets of hashes, by key.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Differences {
    pub changed: Vec<String>,
    pub new: Vec<String>,
    pub gone: Vec<String>,
}

impl Differences {
    pub fn between(then: &Hashes, now: &Hashes) -> Self {
        let mut differences = Self::default();
        for (key, hash) in then {
            match now.get(key) {
                None => differences.gone.push(key.clone()),
                Some(other) if other != hash => differences.changed.push(key.clone()),
                Some(_) => {}
            }
        }
        let new = now.keys().filter(|key| !then.contains_key(*key));
        differences.new.extend(new.cloned());
        differences
    }

    pub fn is_empty(&self) -> bool {
        self.changed.is_empty() && self.new.is_empty() && self.gone.is_empty()
    }
}

/// The URN in a key, and the id behind it if the key is of a live object.
pub fn subject(key: &str) -> (Option<Urn>, Option<&str>) {
    let (urn, id) = match key.split_once(' ') {
        Some((urn, id)) => (urn, Some(id)),
        None => (key, None),
    };
    (urn.parse().ok(), id)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn differences_are_told_apart() {
        let hashes = |pairs: &[(&str, &str)]| -> Hashes {
            pairs
                .iter()
                .map(|(key, hash)| ((*key).to_owned(), (*hash).to_owned()))
                .collect()
        };
        let then = hashes(&[("a", "1"), ("b", "1"), ("c", "1")]);
        let now = hashes(&[("a", "1"), ("b", "2"), ("d", "1")]);
        let differences = Differences::between(&then, &now);
        assert_eq!(differences.changed, ["b"]);
        assert_eq!(differences.new, ["d"]);
        assert_eq!(differences.gone, ["c"]);
        assert!(Differences::between(&then, &then).is_empty());
    }
}
