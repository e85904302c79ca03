//! What is wanted of one resource, and how it compares with what is there.
//!
//! The planner compares before anything runs, the executor again once the references are known: both through here, so
//! that what was shown is what is done.

use std::collections::BTreeMap;

use super::diff::{compare, compare_tags};
use super::names::same_but_for_generation;
use super::tags::{Marks, applied_hash};
use super::value::resolve_properties;
use super::{Change, Diff, Observed, OutputReference, Properties, Schema, Tags, Urn, Value};

/// What is wanted of one resource.
#[derive(Debug, Clone, PartialEq)]
pub struct Desired {
    pub urn: Urn,
    /// Name and defaults filled in; may hold references.
    pub inputs: Properties,
    /// The author's tags.
    pub tags: BTreeMap<String, String>,
    /// `None` keeps the protection that the live object has.
    pub protect: Option<bool>,
    /// It stays where the stack would delete it.
    pub retain: bool,
    /// Paths at which live wins once the object exists.
    pub ignore_changes: Vec<String>,
    /// The name is ours to generate: a live object of another generation has a right name, too.
    pub generated_name: bool,
}

/// Desired against observed.
#[derive(Debug, Clone, PartialEq)]
pub struct Comparison {
    /// The inputs, with references resolved as far as they are known and with live values where others decide.
    pub inputs: Properties,
    /// All tags the object is to carry.
    pub tags: Tags,
    pub diff: Diff,
    pub tag_changes: Vec<Change>,
    /// The author wants what was applied last, so every difference is somebody else's doing.
    pub drift: bool,
}

impl Comparison {
    pub fn is_same(&self) -> bool {
        self.diff.is_empty() && self.tag_changes.is_empty()
    }

    /// All changes, tags last.
    pub fn changes(&self) -> impl Iterator<Item = &Change> {
        self.diff.changes.iter().chain(&self.tag_changes)
    }
}

impl Desired {
    /// The inputs without a name that is ours to generate: another generation is no edit.
    fn authored(&self, schema: &Schema, inputs: &Properties) -> Properties {
        let mut authored = inputs.clone();
        if let Some(rule) = schema.name.filter(|_| self.generated_name) {
            authored.remove(rule.property);
        }
        authored
    }

    /// Resolves the references and compares with the live object, or with nothing.
    pub fn against(
        &self,
        schema: &Schema,
        lookup: &dyn Fn(&OutputReference) -> Option<Value>,
        observed: Option<&Observed>,
    ) -> Comparison {
        let mut inputs = resolve_properties(&self.inputs, lookup);
        inputs.retain(|_, value| !value.is_null());
        // The hash is over what the author wants, before live values are taken over: these change by themselves.
        let applied = applied_hash(schema, &self.authored(schema, &inputs), &self.tags);
        let known = inputs.values().all(Value::is_known);
        let protect = self
            .protect
            .unwrap_or_else(|| observed.is_some_and(|live| live.tags.is_protected()));
        let tags = if schema.taggable {
            let marks = Marks {
                protect,
                retain: self.retain,
            };
            Tags::owned(&self.urn, &self.tags, &applied, marks)
        } else {
            Tags::default()
        };
        let nothing = Properties::new();
        if let Some(observed) = observed {
            if self.generated_name {
                keep_generation(schema, &mut inputs, &observed.inputs);
            }
            for path in &self.ignore_changes {
                take_over(&mut inputs, &observed.inputs, path);
            }
            if let Some(defer) = schema.defers {
                defer(&mut inputs, &observed.inputs);
            }
        }
        let live = observed.map_or(&nothing, |observed| &observed.inputs);
        let diff = compare(schema, &inputs, live);
        let tag_changes =
            observed.map_or_else(Vec::new, |observed| compare_tags(&tags, &observed.tags));
        let drift = known
            && observed
                .is_some_and(|live| live.tags.get(super::tags::APPLIED) == Some(applied.as_str()));
        Comparison {
            inputs,
            tags,
            diff,
            tag_changes,
            drift,
        }
    }
}

/// What makes a replacement necessary shows in the inputs themselves, so the generation in a live name is never wrong.
fn keep_generation(schema: &Schema, desired: &mut Properties, live: &Properties) {
    let Some(rule) = schema.name else { return };
    let name = |inputs: &Properties| inputs.get(rule.property)?.as_str().map(str::to_owned);
    if let (Some(wanted), Some(found)) = (name(desired), name(live))
        && same_but_for_generation(&wanted, &found)
    {
        desired.insert(rule.property.to_owned(), found.into());
    }
}

/// Copies the live value at a path such as `containerDefinitions[0].image` over the desired one.
fn take_over(desired: &mut Properties, live: &Properties, path: &str) {
    let segments = Value::segments(path);
    let (Some((first, rest)), Some(live)) = (segments.split_first(), Value::at_path(live, path))
    else {
        return;
    };
    if rest.is_empty() {
        desired.insert(first.clone(), live.clone());
    } else if let Some(slot) = desired
        .get_mut(first)
        .and_then(|value| slot_at(value, rest))
    {
        *slot = live.clone();
    }
}

fn slot_at<'a>(value: &'a mut Value, path: &[String]) -> Option<&'a mut Value> {
    let Some((first, rest)) = path.split_first() else {
        return Some(value);
    };
    match value {
        Value::Object(values) => {
            if rest.is_empty() {
                values.entry(first.clone()).or_insert(Value::Null);
            }
            slot_at(values.get_mut(first)?, rest)
        }
        Value::List(values) => slot_at(values.get_mut(first.parse::<usize>().ok()?)?, rest),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::resource::value::properties;

    #[test]
    fn ignored_paths_take_the_live_value() {
        let container = |image: &str| {
            Value::list([Value::object([
                ("name", "api".into()),
                ("image", image.into()),
            ])])
        };
        let mut desired = properties([("containers", container("api:latest"))]);
        let live = properties([("containers", container("api:42"))]);
        take_over(&mut desired, &live, "containers[0].image");
        assert_eq!(desired, live);
    }
}
