//! The desired state of one resource, and its comparison with what is there.
//!
//! The planner compares before anything runs, the executor again once the references are known. Both use this module, so
//! that the run does what was shown.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};

use super::diff::{TAGS, compare, compare_tags};
use super::kept;
use super::names::same_but_for_generation;
use super::path::Segment;
use super::proof::RunMark;
use super::tags::{
    ADOPTED, APPLIED, Marks, PROTECT, REGION, RETAIN, RUN, WRITTEN, applied, applied_hash,
    source_hash,
};
use super::value::resolve_properties;
use super::written::Sources;
use super::{
    Change, Diff, Earlier, NewDefault, Observed, OutputReference, Path, Properties, Schema, Tags,
    Urn, Value,
};

/// The desired state of one resource.
#[derive(Debug, Clone, PartialEq)]
pub struct Desired {
    pub urn: Urn,
    /// Name and defaults filled in; may hold references.
    pub inputs: Properties,
    /// The author's tags.
    pub tags: BTreeMap<String, String>,
    /// `None` keeps the protection that the live object has.
    pub protect: Option<bool>,
    /// True if it stays where the stack would delete it.
    pub retain: bool,
    /// Paths at which live wins from the run on after the one that made the object.
    pub ignore_changes: Vec<Path>,
    /// The inputs from which these paths take their values if the live object takes the place of another one that is still
    /// there, and the run that made it was over before it had set them.
    pub instead_of: Option<Properties>,
    /// Write-only properties that the plan has found to come from another source now. They are written again, whatever is
    /// remembered once that source is there.
    pub rewrites: Vec<String>,
    /// True if it is to be rebooted once it is as wanted.
    pub reboot: bool,
    /// True if the name is ours to generate: a live object of another generation has a right name, too.
    pub generated_name: bool,
    /// The region of the stack.
    pub region: Option<String>,
    /// The defaults that came later and apply to it: see [`NewDefault`].
    pub new_defaults: Vec<NewDefault>,
    /// Names that a live object may keep, though another would be derived now.
    pub earlier_names: Vec<Value>,
    /// Other values that it may keep: see [`Earlier`].
    pub earlier_values: Vec<Earlier>,
    /// The marks of the untaggable parts to be recorded; `None` for a type that has none.
    pub parts: Option<BTreeSet<String>>,
    /// The content of the file, as [`source_of`] has it.
    pub source: String,
}

/// A short hash of what the file says of a resource, except for what it leaves to others: `ignored`, and a name that is ours
/// to generate.
pub fn source_of(
    schema: &Schema,
    inputs: &Properties,
    author_tags: &BTreeMap<String, String>,
    generated_name: bool,
    ignored: &[Path],
    marks: Marks,
) -> String {
    let mut inputs = inputs.clone();
    if let Some(rule) = schema.name.filter(|_| generated_name) {
        inputs.remove(rule.property);
    }
    for path in ignored {
        let Some((first, rest)) = path.segments().split_first() else {
            continue;
        };
        let value = inputs.get_mut(first.as_key().as_ref());
        if let Some(slot) = value.and_then(|value| slot_at(value, rest)) {
            *slot = Value::Null;
        }
    }
    let mut source = source_hash(schema, &inputs, author_tags);
    if marks.protect {
        source.push('p');
    }
    if marks.retain {
        source.push('r');
    }
    source
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
    /// The hash of the inputs as the author wants them, once all are known.
    pub hash: Option<String>,
    /// True if the author wants what was applied last, so that every difference was made by another party.
    pub drift: bool,
    /// True if the run that made the object was over before all inputs were set.
    pub unfinished: bool,
    /// True if the tags do not record what was applied last.
    pub behind: bool,
}

impl Comparison {
    pub fn is_same(&self) -> bool {
        self.diff.is_empty() && self.tag_changes.is_empty() && !self.unfinished
    }

    /// All changes, tags last.
    pub fn changes(&self) -> impl Iterator<Item = &Change> {
        self.diff.changes.iter().chain(&self.tag_changes)
    }
}

impl Desired {
    /// The inputs without a name that is ours to generate: another generation is no edit.
    fn without_generation(&self, schema: &Schema, inputs: &Properties) -> Properties {
        let mut authored = inputs.clone();
        if let Some(rule) = schema.name.filter(|_| self.generated_name) {
            authored.remove(rule.property);
        }
        authored
    }

    /// Resolves the references as far as they are known, and compares with the live object, or with nothing.
    pub fn against(
        &self,
        schema: &Schema,
        lookup: &dyn Fn(&OutputReference) -> Option<Value>,
        observed: Option<&Observed>,
    ) -> Comparison {
        let authored = self.authored(schema, lookup, observed);
        let mut inputs = authored.clone();
        if let Some(observed) = observed {
            if self.generated_name {
                keep_generation(schema, &mut inputs, &observed.inputs);
            }
            self.keep_live(schema, &mut inputs, observed);
        }
        let sources = Sources::of(schema, &self.inputs, &authored, lookup);
        self.compared(schema, &authored, inputs, &sources, observed)
    }

    /// The content of the file, with what an earlier version chose where the live object has it: its name, and other values.
    fn authored(
        &self,
        schema: &Schema,
        lookup: &dyn Fn(&OutputReference) -> Option<Value>,
        observed: Option<&Observed>,
    ) -> Properties {
        let mut authored = resolved(&self.inputs, lookup);
        let Some(observed) = observed else {
            return authored;
        };
        for earlier in &self.earlier_values {
            earlier.keep(&mut authored, &observed.inputs);
        }
        let Some(rule) = schema.name else {
            return authored;
        };
        let live = observed.inputs.get(rule.property).and_then(Value::as_str);
        if let Some(live) = live
            && self.earlier_names.iter().any(|name| {
                let name = name.resolve(lookup);
                name.as_str().is_some_and(|name| {
                    name == live || self.generated_name && same_but_for_generation(name, live)
                })
            })
        {
            authored.insert(rule.property.to_owned(), live.into());
        }
        authored
    }

    /// The planned comparison once more references are known. What the plan knew already stays as it was shown.
    ///
    /// `observed` is the object that the plan was made against: the one to update, or the one that is replaced.
    pub fn as_planned(
        &self,
        schema: &Schema,
        planned: &Properties,
        lookup: &dyn Fn(&OutputReference) -> Option<Value>,
        observed: Option<&Observed>,
    ) -> Comparison {
        let authored = self.authored(schema, lookup, observed);
        let mut inputs = resolved(planned, lookup);
        if let Some(observed) = observed {
            self.keep_live(schema, &mut inputs, observed);
            let shown = planned.iter().filter(|(_, value)| value.is_known());
            inputs.extend(shown.map(|(name, value)| (name.clone(), value.clone())));
        }
        let sources = Sources::of(schema, &self.inputs, &authored, lookup);
        self.compared(schema, &authored, inputs, &sources, observed)
    }

    /// The changes that are still to be made to an object that was made a moment ago with these inputs. All of them are the
    /// author's: what `ignoreChanges` names is left alone from the next run on.
    pub fn after_create(&self, schema: &Schema, sent: Comparison, made: &Observed) -> Comparison {
        let mut inputs = sent.inputs;
        if self.generated_name {
            keep_generation(schema, &mut inputs, &made.inputs);
        }
        if let Some(keep_live) = schema.server_managed {
            keep_live(&mut inputs, &made.inputs);
        }
        // The object may have been there, unseen, with parts that only its own tags record.
        let mut tags = sent.tags;
        if let (Some(mut marks), Some(recorded)) = (tags.parts(), made.tags.parts()) {
            marks.extend(recorded);
            tags.set_parts(&marks);
        }
        Comparison {
            diff: compare(schema, &inputs, &made.inputs),
            tag_changes: compare_tags(&tags, &made.tags),
            inputs,
            tags,
            ..sent
        }
    }

    /// Takes over the values that parties other than the author decide.
    fn keep_live(&self, schema: &Schema, inputs: &mut Properties, observed: &Observed) {
        let kept = if observed.tags.is_unfinished() {
            self.instead_of.as_ref()
        } else {
            Some(&observed.inputs)
        };
        if let Some(kept) = kept {
            for path in &self.ignore_changes {
                keep_live(inputs, kept, path);
            }
        }
        for (path, value) in kept::from_text(observed.tags.kept().unwrap_or_default()) {
            if self.ignore_changes.contains(&path) {
                put(inputs, value, &path);
            }
        }
        if let Some(keep_live) = schema.server_managed {
            keep_live(inputs, &observed.inputs);
        }
    }

    /// The author's tags, except for those whose live values are kept: `tags`, or `tags.team`, among the ignored changes.
    fn author_tags(&self, observed: Option<&Observed>) -> BTreeMap<String, String> {
        let mut tags = self.tags.clone();
        let Some(live) = observed.map(|observed| &observed.tags) else {
            return tags;
        };
        let ignored: Vec<Option<Cow<'_, str>>> = self
            .ignore_changes
            .iter()
            .filter(|path| path.first() == Some(TAGS))
            .map(|path| path.segments().get(1).map(Segment::as_key))
            .collect();
        let given = live.applied_keys().map(str::to_owned);
        let keys: BTreeSet<String> = tags.keys().cloned().chain(given).collect();
        for key in keys {
            let is_it = |of: &Option<Cow<'_, str>>| of.as_ref().is_none_or(|of| **of == key);
            if !ignored.iter().any(is_it) {
                continue;
            }
            match live.get(&key) {
                Some(value) => tags.insert(key, value.to_owned()),
                None => tags.remove(&key),
            };
        }
        tags
    }

    /// The tags for the create call. An input that AWS takes by a later call alone, and that `ignoreChanges` names, would be
    /// left at AWS's default if the run ended between the two; so the object says that it is unfinished until it is not.
    ///
    /// With `kept`, the inputs of a replacement, it also says what it has from the old object. It bears the mark of the run
    /// that makes it, in place of these objects, if there is one.
    pub fn tags_at_creation(
        &self,
        schema: &Schema,
        tags: &Tags,
        kept: Option<&Properties>,
        run: Option<(&RunMark, &[String])>,
    ) -> Tags {
        let mut tags = tags.clone();
        if let Some((run, instead_of)) = run.filter(|_| schema.taggable) {
            let inputs = tags.get(APPLIED).unwrap_or_default();
            let mark = run.on(schema.create_class, &self.urn, inputs, instead_of);
            tags.insert(RUN, mark);
        }
        if let Some(region) = self.region.as_ref().filter(|_| schema.taggable) {
            tags.insert(REGION, region);
        }
        let later = self.ignore_changes.iter().filter(|path| {
            let property = schema.property(path.first().unwrap_or_default());
            // A property that can be had with a new object only is part of the call that makes it.
            property.is_some_and(|property| !property.replaces)
        });
        let is_open = |path: &&Path| {
            let property = schema.property(path.first().unwrap_or_default());
            property.is_some_and(|property| !property.secret && !property.write_only)
        };
        let kept = kept.map(|inputs| kept::to_text(later.clone().filter(is_open), inputs));
        if later.count() > 0 {
            tags.unfinished(&kept.unwrap_or_default())
        } else {
            tags
        }
    }

    fn compared(
        &self,
        schema: &Schema,
        // Hashed instead of `inputs`: live values that were taken over change by themselves.
        authored: &Properties,
        inputs: Properties,
        sources: &Sources,
        observed: Option<&Observed>,
    ) -> Comparison {
        let hash = applied_hash(
            schema,
            &self.without_generation(schema, authored),
            &self.tags,
        );
        let known = authored.values().all(Value::is_known);
        let protect = self
            .protect
            .unwrap_or_else(|| observed.is_some_and(|live| live.tags.is_protected()));
        let tags = if schema.taggable {
            let marks = Marks {
                protect,
                retain: self.retain,
            };
            let applied = applied(&hash, &self.source);
            let finished = observed.filter(|live| !live.tags.is_unfinished());
            let author = self.author_tags(finished);
            let mut tags = Tags::owned(&self.urn, &author, &applied, marks);
            // A region's own object needs the tag to be told from what an earlier version made there, and keeps it from its
            // creation on.
            let is_marked = observed.is_none_or(|live| live.tags.region().is_some());
            if let Some(region) = self.region.as_ref().filter(|_| schema.global || is_marked) {
                tags.insert(REGION, region);
            }
            let was_there = |live: &Observed| {
                schema.adopts_untagged && live.tags.is_empty() || live.tags.is_adopted()
            };
            if observed.is_some_and(was_there) {
                tags.insert(ADOPTED, "true");
            }
            if let Some(parts) = &self.parts {
                tags.set_parts(parts);
            }
            if let Some(written) = sources.to_tag() {
                tags.insert(WRITTEN, written);
            }
            tags
        } else {
            Tags::default()
        };
        let nothing = Properties::new();
        let live = observed.map_or(&nothing, |observed| &observed.inputs);
        let mut diff = compare(schema, &inputs, live);
        if let Some(observed) = observed {
            diff.changes
                .extend(self.rewritten(&inputs, sources, observed));
            diff.changes.extend(self.reboot.then(Change::reboot));
        }
        let tag_changes =
            observed.map_or_else(Vec::new, |observed| compare_tags(&tags, &observed.tags));
        let applied = observed.and_then(|live| live.tags.applied());
        let is_mark = |change: &Change| {
            let key = change.path.segments().last().map(Segment::as_key);
            key.is_some_and(|key| key == PROTECT || key == RETAIN)
        };
        let only_marks = diff.is_empty() && tag_changes.iter().all(is_mark);
        let drift = known
            && applied.is_some_and(|live| {
                // Protection is no part of the inputs. It comes from the file that was applied, or from another party.
                let is_marked_so = live.source.is_some_and(|(_, source)| source == self.source);
                live.inputs == hash && (!only_marks || is_marked_so)
            });
        let behind = known && observed.is_some_and(|live| live.tags.are_behind(&tags));
        Comparison {
            inputs,
            tags,
            diff,
            tag_changes,
            hash: known.then_some(hash),
            drift,
            unfinished: observed.is_some_and(|live| live.tags.is_unfinished()),
            behind,
        }
    }
}

impl Desired {
    /// The write-only properties that are to be written again.
    fn rewritten(
        &self,
        inputs: &Properties,
        sources: &Sources,
        observed: &Observed,
    ) -> Vec<Change> {
        let moved = sources.moved(&observed.tags);
        let due = sources.properties().filter(|name| {
            moved.contains(name) || self.rewrites.iter().any(|property| property == name)
        });
        due.filter_map(|name| Some(Change::rewrite(name, inputs.get(name)?)))
            .collect()
    }
}

fn resolved(inputs: &Properties, lookup: &dyn Fn(&OutputReference) -> Option<Value>) -> Properties {
    let mut inputs = resolve_properties(inputs, lookup);
    inputs.retain(|_, value| !value.is_null());
    inputs
}

/// The property, if there is one, whose value to be sent differs from the planned one. The plan promised nothing about a
/// value that it did not know.
pub fn deviation<'a>(planned: &'a Properties, sent: &'a Properties) -> Option<&'a str> {
    let names = planned.keys().chain(sent.keys());
    let mut differing = names.filter(|name| {
        let wanted = planned.get(*name).unwrap_or(&Value::Null);
        let given = sent.get(*name).unwrap_or(&Value::Null);
        !fits(wanted, given)
    });
    differing.next().map(String::as_str)
}

/// Returns whether a planned value may have become this one when its references were resolved.
fn fits(planned: &Value, sent: &Value) -> bool {
    match (planned, sent) {
        (Value::Output(_) | Value::Join(_) | Value::If(_), _) => true,
        (Value::Secret(planned), Value::Secret(sent)) => fits(planned, sent),
        // A secret may be joined into a text, which is one then.
        (Value::Secret(planned), sent) => !planned.is_known() && fits(planned, sent),
        (Value::List(planned), Value::List(sent)) => {
            planned.len() == sent.len() && planned.iter().zip(sent).all(|(p, s)| fits(p, s))
        }
        (Value::Object(planned), Value::Object(sent)) => {
            planned.len() == sent.len()
                && planned
                    .iter()
                    .all(|(name, value)| sent.get(name).is_some_and(|sent| fits(value, sent)))
        }
        (planned, sent) => planned == sent,
    }
}

/// Keeps the generation in a live name. The cause of a replacement shows in the inputs themselves, so that generation is
/// never wrong.
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
fn keep_live(desired: &mut Properties, live: &Properties, path: &Path) {
    if let Some(live) = path.find(live) {
        put(desired, live.clone(), path);
    }
}

fn put(desired: &mut Properties, value: Value, path: &Path) {
    let Some((first, rest)) = path.segments().split_first() else {
        return;
    };
    let first = first.as_key();
    if rest.is_empty() {
        desired.insert(first.into_owned(), value);
    } else if let Some(slot) = desired
        .get_mut(first.as_ref())
        .and_then(|value| slot_at(value, rest))
    {
        *slot = value;
    }
}

fn slot_at<'a>(value: &'a mut Value, path: &[Segment]) -> Option<&'a mut Value> {
    let Some((first, rest)) = path.split_first() else {
        return Some(value);
    };
    match value {
        Value::Object(values) => {
            let key = first.as_key();
            if rest.is_empty() {
                values
                    .entry(key.clone().into_owned())
                    .or_insert(Value::Null);
            }
            slot_at(values.get_mut(key.as_ref())?, rest)
        }
        Value::List(values) => slot_at(values.get_mut(first.as_index()?)?, rest),
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
        keep_live(&mut desired, &live, &"containers[0].image".into());
        assert_eq!(desired, live);

        let dotted = |value: i32, other: i32| {
            let inner = Value::object([("b", other.into())]);
            properties([(
                "dimensions",
                Value::object([("a.b", value.into()), ("a", inner)]),
            )])
        };
        let mut desired = dotted(1, 1);
        let path = Path::parse("dimensions[\"a.b\"]").unwrap();
        keep_live(&mut desired, &dotted(2, 2), &path);
        assert_eq!(desired, dotted(2, 1));
    }
}
