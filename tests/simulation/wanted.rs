//! The state of the account against the wishes of the file, property by property and tag by tag.
//!
//! It reads the file's wishes and the account for itself: were the engine's own comparison used here, its blind spots would
//! not show here either.

use std::collections::{BTreeMap, BTreeSet};

use fde_infra::graph::{Resource, ResourceGraph};
use fde_infra::resource::schema::Unset;
use fde_infra::resource::{
    Condition, Observed, OutputReference, Properties, Property, Schema, Tags, Urn, Value,
};
use fde_infra::testing::FakeAccount;
use fde_infra::testing::foreign_actor::THEIR_TAGS;
use fde_infra::testing::generate::known;
use tokio::time::Instant;

use crate::oracle::Held;

/// By these words a test knows that it was this that failed.
pub const AS_WANTED: &str = "is not as wanted";

/// The objects that the stack's resources lead to, so far.
type Live<'a> = BTreeMap<&'a Urn, &'a Observed>;

/// Every wanted resource stands, is ready, and is as the file wants it.
///
/// # Errors
/// The first thing that is otherwise.
pub fn stands_as_wanted(account: &FakeAccount, graph: &ResourceGraph, theirs: &[Observed]) -> Held {
    let mut objects = account.objects();
    objects.retain(|object| !theirs.iter().any(|other| other.id == object.id));
    let mut live = Live::new();
    for resource in graph.in_order() {
        let schema = known().get(resource.urn.token());
        let schema = schema.ok_or_else(|| format!("the stack has a {}", resource.urn))?;
        let object = check(account, &objects, &live, resource, schema)
            .map_err(|what| format!("1: {} {AS_WANTED}: {what}", resource.urn.name()))?;
        live.insert(&resource.urn, object);
    }
    Ok(())
}

fn check<'a>(
    account: &FakeAccount,
    objects: &'a [Observed],
    live: &Live<'_>,
    resource: &Resource,
    schema: &Schema,
) -> Held<&'a Observed> {
    let mut wanted = Properties::new();
    for property in &schema.properties {
        let value = resource.inputs.get(property.name);
        let value = value.map_or(Ok(Value::Null), |value| answered(value, live))?;
        wanted.insert(property.name.to_owned(), value);
    }
    let object = objects
        .iter()
        .find(|object| object.token == schema.token && is_it(object, resource, schema, &wanted))
        .ok_or("it is not there")?;
    if object.condition != Condition::Ready {
        return Err(format!("{} is {:?}", object.id, object.condition));
    }
    let unanswered = account.unanswered(&object.id);
    for property in &schema.properties {
        let found = if property.write_only {
            unanswered.get(property.name)
        } else {
            object.inputs.get(property.name)
        };
        let wish = &wanted[property.name];
        check_property(property, resource, wish, found.unwrap_or(&Value::Null))
            .map_err(|what| format!("{}, {}: {what}", object.id, property.name))?;
    }
    if schema.taggable {
        check_tags(resource, &object.tags).map_err(|what| format!("{}: {what}", object.id))?;
    }
    Ok(object)
}

/// Returns whether an object is the resource's: by its owner tag, or by its key where there are no tags.
fn is_it(object: &Observed, resource: &Resource, schema: &Schema, wanted: &Properties) -> bool {
    if schema.taggable {
        return object.tags.get("fde:urn") == Some(resource.urn.to_string().as_str());
    }
    let mut key = schema.key.iter();
    key.all(|name| object.inputs.get(*name) == wanted.get(*name))
}

fn check_property(property: &Property, resource: &Resource, wish: &Value, found: &Value) -> Held {
    let (mut wish, mut found) = (open(wish), open(found));
    if *wish == Value::Null {
        match &property.unset {
            Unset::Default(default) => wish = default,
            // Whatever is there is right.
            Unset::ServerChooses => return Ok(()),
            Unset::Required => return Err("the file has no value".to_owned()),
        }
    }
    let ignored = resource.options.ignore_changes.iter();
    let mut inner: Vec<String> = Vec::new();
    for path in ignored.filter(|path| path.first() == Some(property.name)) {
        match path.segments() {
            [_] => return Ok(()),
            [_, rest, ..] => inner.push(rest.as_key().into_owned()),
            [] => {}
        }
    }
    let (left, right);
    if let (Value::Object(wanted), Value::Object(there)) = (wish, found) {
        let mut wanted = wanted.clone();
        wanted.retain(|name, _| !inner.contains(name));
        let mut there = there.clone();
        there.retain(|name, _| {
            let is_declared = !property.declared_keys_only || wanted.contains_key(name);
            is_declared && !inner.contains(name)
        });
        (left, right) = (Value::Object(wanted), Value::Object(there));
        (wish, found) = (&left, &right);
    }
    let is_so = match (wish, found) {
        // The only canonical form of these types is that of a set.
        (Value::List(wish), Value::List(found)) if property.canonical.is_some() => {
            wish.iter().all(|one| found.contains(one)) && found.iter().all(|one| wish.contains(one))
        }
        // A list without elements is as good as none.
        (Value::Null, Value::List(list)) | (Value::List(list), Value::Null) => list.is_empty(),
        // A name that we generate ends in a generation, and a successor has another one.
        (Value::String(wish), Value::String(found)) if is_generated(property, resource) => {
            without_generation(wish) == without_generation(found)
        }
        _ => wish == found,
    };
    match is_so {
        true => Ok(()),
        // Secrets are wanted and found bare here.
        false if property.secret => Err("another secret is wanted".to_owned()),
        false => Err(format!("wanted is {wish:?}, and there is {found:?}")),
    }
}

fn is_generated(property: &Property, resource: &Resource) -> bool {
    let rule = known().get(resource.urn.token()).and_then(|it| it.name);
    resource.generated_name && rule.is_some_and(|rule| rule.property == property.name)
}

fn without_generation(name: &str) -> &str {
    name.rsplit_once('-').map_or(name, |(stem, _)| stem)
}

/// AWS knows nothing of what we hide.
fn open(value: &Value) -> &Value {
    match value {
        Value::Secret(value) => open(value),
        value => value,
    }
}

/// A wish with its references answered by what stands.
fn answered(value: &Value, live: &Live<'_>) -> Held<Value> {
    Ok(match value {
        Value::Output(reference) => referred(reference, live)?,
        Value::Join(parts) => {
            let mut text = String::new();
            for part in parts {
                match answered(part, live)? {
                    Value::String(part) => text += &part,
                    other => return Err(format!("{other:?} is no text")),
                }
            }
            text.into()
        }
        Value::Secret(value) => answered(open(value), live)?,
        Value::If(_) => return Err("the generator makes no choices".to_owned()),
        known => known.clone(),
    })
}

fn referred(reference: &OutputReference, live: &Live<'_>) -> Held<Value> {
    let object = live.get(&reference.urn);
    let object = object.ok_or_else(|| format!("{reference} is not there"))?;
    let value = match reference.path.as_slice() {
        [name] if name == "id" => Some(object.id.clone().into()),
        [name] if name == "arn" => object.arn.clone().map(Value::from),
        [name] => object.outputs.get(name).cloned(),
        _ => None,
    };
    value.ok_or_else(|| format!("{reference} leads nowhere"))
}

/// Checks the author's tags, with no others but another party's; and those by which we know our own.
fn check_tags(resource: &Resource, tags: &Tags) -> Held {
    let (ours, authors): (BTreeMap<&str, &str>, BTreeMap<&str, &str>) = tags
        .iter()
        .filter(|(key, _)| !THEIR_TAGS.iter().any(|theirs| key.starts_with(theirs)))
        .partition(|(key, _)| key.starts_with("fde:"));
    let wanted = resource.tags.iter();
    let wanted: BTreeMap<&str, &str> = wanted
        .map(|(key, value)| (key.as_str(), value.as_str()))
        .collect();
    if authors != wanted {
        return Err(format!("wanted are tags {wanted:?}, there are {authors:?}"));
    }
    let keys = ours.get("fde:tags").copied().unwrap_or_default();
    // One that another party has taken away before we did may stay in the list.
    let is_there = |key: &&str| tags.get(key).is_some() || wanted.contains_key(key);
    let keys: BTreeSet<&str> = keys.split(" + ").filter(is_there).collect();
    if !keys.iter().eq(wanted.keys()) {
        return Err(format!("fde:tags has {keys:?}"));
    }
    let stack = resource.urn.stack().to_string();
    if ours.get("fde:stack") != Some(&stack.as_str()) {
        return Err(format!("the stack is {:?}", ours.get("fde:stack")));
    }
    let applied = ours.get("fde:applied").map(|applied| applied.split(' '));
    if applied.is_none_or(|mut words| words.next().is_none_or(|hash| hash.len() != 12)) {
        return Err(format!("applied was {:?}", ours.get("fde:applied")));
    }
    for (key, wish) in [
        ("fde:protect", resource.options.protect),
        ("fde:retain", Some(resource.options.retain_on_delete)),
    ] {
        if wish.is_some_and(|wish| wish != ours.contains_key(key)) {
            return Err(format!("{key} is {:?}", ours.get(key)));
        }
    }
    Ok(())
}

/// The value that another party writes into what it edits.
const BY_SOMEBODY: &str = "somebody's";

/// At ignored paths an object stays as it was before a run.
///
/// # Errors
/// The first object that does not.
pub fn ignored_stays(
    (began, before): (Instant, &[Observed]),
    account: &FakeAccount,
    graph: &ResourceGraph,
) -> Held {
    for now in account.objects() {
        let was = before.iter().find(|was| was.id == now.id);
        let is_new = account.born_at(&now.id).is_none_or(|at| at >= began);
        let mut resources = graph.iter();
        let owner = resources.find(|it| now.tags.get("fde:urn") == Some(&it.urn.to_string()));
        let (Some(was), Some(resource), false) = (was, owner, is_new) else {
            continue;
        };
        for path in &resource.options.ignore_changes {
            let at = |inputs: &Properties| path.find(inputs).cloned();
            let (before, after) = (at(&was.inputs), at(&now.inputs));
            // Until all of its inputs have been set once, the author's word counts, except for values that a replacement has
            // from its predecessor.
            let applied = was.tags.get("fde:applied").unwrap_or_default();
            let is_kept = applied.contains(&format!(" {path}="));
            let by_somebody = before == Some(BY_SOMEBODY.into());
            let is_early = was.tags.is_unfinished() && (!is_kept || by_somebody);
            // An empty value leaves nothing to keep.
            if before.is_some() && before != after && !is_early {
                return Err(format!(
                    "1: {} {AS_WANTED}: {path} was to be left alone at {before:?}, and is {after:?}",
                    now.id
                ));
            }
        }
    }
    Ok(())
}
