//! The change of an object as a list of operations on its model (RFC 6902).
//!
//! - What changes is set with `add`, which also replaces: `replace` fails where nothing is. The smallest thing that is set
//!   is what changes; a list is set as a whole, since its elements may have moved.
//! - What AWS never returns has to be sent again, or the handler would get a model without it; except for what cannot change.
//! - Nothing is removed that the file does not have: keys of a map that was declared, and nothing else.

use serde_json::{Value as Json, json};

use super::model::{Model, sent};
use crate::facts::{Shape, Spelling, TypeFacts};
use crate::resource::path::Segment;
use crate::resource::{Change, Diff, Path, Properties};

/// Returns the operations that bring an object from its model to the wanted inputs.
pub(super) fn patch(
    facts: &'static TypeFacts,
    diff: &Diff,
    wanted: &Properties,
    live: &Model,
) -> Vec<Json> {
    let mut places: Vec<Place> = Vec::new();
    for change in &diff.changes {
        if let Some(place) = Place::of(facts, change, wanted, live) {
            add(&mut places, place);
        }
    }
    for fixed in &facts.write_only {
        let is_fixed = |name: &str| {
            let mut all = facts
                .create_only
                .iter()
                .chain(&facts.conditional_create_only);
            all.any(|place| place.holds(&[name]))
        };
        let Some((name, shape)) = facts
            .shape()
            .property(fixed.property(), Spelling::CloudFormation)
        else {
            continue;
        };
        if let Some(value) = wanted.get(&crate::facts::property_name(name))
            && !is_fixed(name)
        {
            add(
                &mut places,
                Place {
                    names: vec![name.to_owned()],
                    value: Some(sent(shape, value)),
                },
            );
        }
    }
    places.into_iter().map(Place::operation).collect()
}

/// A place in the model, and the value that it gets; `None` if it goes.
struct Place {
    names: Vec<String>,
    value: Option<Json>,
}

/// Adds a place. One that holds another stands for both.
fn add(places: &mut Vec<Place>, place: Place) {
    if places
        .iter()
        .any(|known| place.names.starts_with(&known.names))
    {
        return;
    }
    places.retain(|known| !known.names.starts_with(&place.names));
    places.push(place);
}

impl Place {
    /// The place that a change is in: as deep as it goes without entering a list, or an object that is not there yet.
    fn of(
        facts: &'static TypeFacts,
        change: &Change,
        wanted: &Properties,
        live: &Model,
    ) -> Option<Self> {
        let mut names = Vec::new();
        let mut path = Path::default();
        let mut shape = facts.shape();
        let whole = Json::Object(live.clone());
        let mut present = Some(&whole);
        for segment in change.path.segments() {
            let Segment::Key(key) = segment else { break };
            if shape.is_document() && !names.is_empty() {
                break;
            }
            let Some(inside) = present.filter(|present| present.is_object()) else {
                break;
            };
            let (name, inner) = entered(shape, key);
            path = path.key(key);
            present = inside.get(&name);
            names.push(name);
            match inner {
                Some(inner) => shape = inner,
                None => break,
            }
        }
        if names.is_empty() {
            return None;
        }
        let value = path.find(wanted).filter(|value| !value.is_null());
        if value.is_none() && present.is_none() {
            return None;
        }
        Some(Self {
            names,
            value: value.map(|value| sent(shape, value)),
        })
    }

    fn operation(self) -> Json {
        let names = self.names.iter();
        let path: String = names
            .map(|name| format!("/{}", name.replace('~', "~0").replace('/', "~1")))
            .collect();
        match self.value {
            Some(value) => json!({ "op": "add", "path": path, "value": value }),
            None => json!({ "op": "remove", "path": path }),
        }
    }
}

/// The name and the shape of what stands under a key.
fn entered(shape: Shape, key: &str) -> (String, Option<Shape>) {
    match shape.property(key, Spelling::Native) {
        Some((name, inner)) => (name.to_owned(), Some(inner)),
        None => (key.to_owned(), shape.others()),
    }
}
