//! Places that only one object at a time can have: names, keys, ranges; and the present holders, in the stack or about to
//! go.

use std::collections::BTreeMap;

use super::uses::{ObjectKey, key};
use super::{Draft, Removal};
use crate::resource::{Catalog, LiveSnapshot, Properties, Schema, Urn};

/// The live objects of a stack, and the additions of others that are to be removed, by the places that they have.
pub(super) struct Places<'a> {
    catalog: &'a Catalog,
    by_place: BTreeMap<String, Vec<ObjectKey>>,
    /// Objects whose places can overlap, by type.
    by_type: BTreeMap<&'a str, Vec<(ObjectKey, &'a Properties)>>,
}

impl<'a> Places<'a> {
    pub(super) fn of(
        live: &'a LiveSnapshot,
        removals: &'a [Removal],
        catalog: &'a Catalog,
    ) -> Self {
        let mut places = Self {
            catalog,
            by_place: BTreeMap::new(),
            by_type: BTreeMap::new(),
        };
        let ours = live.ours.iter();
        let ours = ours.flat_map(|(urn, objects)| objects.iter().map(move |object| (urn, object)));
        // Leftovers of ours are among both.
        let added = removals.iter().filter(|removal| {
            let mut ours = live.of(&removal.urn).iter();
            ours.all(|own| own.id != removal.observed.id)
        });
        for (urn, observed) in ours.chain(added.map(|removal| (&removal.urn, &removal.observed))) {
            let Some(schema) = catalog.get(urn.token()) else {
                continue;
            };
            let object = key(urn, observed);
            if schema.overlaps.is_some() {
                let of_type = places.by_type.entry(schema.token).or_default();
                of_type.push((object, &observed.inputs));
            } else if let Some(place) = place(schema, &observed.inputs) {
                places.by_place.entry(place).or_default().push(object);
            }
        }
        places
    }

    /// The objects that are in the way of one with these inputs.
    pub(super) fn holders(&self, urn: &Urn, wanted: &Properties) -> Vec<&ObjectKey> {
        let Some(schema) = self.catalog.get(urn.token()) else {
            return Vec::new();
        };
        if schema.overlaps.is_some() {
            let of_type = self.by_type.get(schema.token).into_iter().flatten();
            return of_type
                .filter(|(_, held)| schema.collides(wanted, held))
                .map(|(object, _)| object)
                .collect();
        }
        place(schema, wanted)
            .and_then(|place| self.by_place.get(&place))
            .into_iter()
            .flatten()
            .collect()
    }
}

/// A place as text.
fn place(schema: &Schema, inputs: &Properties) -> Option<String> {
    Some(format!("{} {:?}", schema.token, schema.place_of(inputs)?))
}

/// The properties that a refusal about a place speaks of: those of the place that the author gives by themselves.
pub(super) fn properties_of(draft: &Draft<'_>, urn: &Urn) -> Vec<String> {
    let Some(schema) = draft.catalog.get(urn.token()) else {
        return Vec::new();
    };
    let inputs = draft.graph.get(urn).map(|resource| &resource.inputs);
    let all = schema.place_properties();
    let own: Vec<String> = all
        .iter()
        .filter(|name| {
            inputs
                .and_then(|inputs| inputs.get(**name))
                .is_some_and(|value| value.references().is_empty())
        })
        .map(|name| (*name).to_owned())
        .collect();
    if own.is_empty() {
        all.into_iter().map(str::to_owned).collect()
    } else {
        own
    }
}
