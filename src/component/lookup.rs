//! The meaning of the names in `${name.output}`.
//!
//! | name | meaning |
//! |---|---|
//! | `aws` | a fact of the account: `${aws.accountId}`, `${aws.availabilityZones[0]}` |
//! | a section | what the section offers: `${network.vpcId}`, `${services.api.repositoryUrl}` |
//! | a key under `resources:` | an output or input of that resource: `${bucket.arn}` |
//! | `section/…` | one of the resources that a section made: `${network/vpc.id}`, in `resources:` and `outputs:` |

use std::cell::Cell;
use std::collections::{BTreeMap, HashMap};

use crate::facts;
use crate::graph::{self, FACTS};
use crate::resource::nearest::nearest;
use crate::resource::{Catalog, OutputReference, Path, Schema, StackId, Urn, Value};
use crate::stack::reference::Reference;
use crate::stack::{Stack, list_of};

use super::key::SectionKey;
use super::raw;

/// The name of the account's facts.
pub const ACCOUNT: &str = "aws";

/// The value or values that a section offers under one name.
#[derive(Debug, Clone, PartialEq)]
pub enum Export {
    Value(Value),
    SecretKey(SecretKey),
    /// More names below.
    Group(BTreeMap<String, Export>),
}

/// A key of a secret's JSON, which only the inside of a container may see.
#[derive(Debug, Clone, PartialEq)]
pub struct SecretKey {
    pub arn: Value,
    /// The same ARN, known once the key has been written.
    pub written_arn: Value,
    pub key: &'static str,
}

/// The target of a reference.
#[derive(Debug, Clone, PartialEq)]
pub enum Found {
    Value(Value),
    SecretKey(SecretKey),
}

/// The reason why a reference leads nowhere.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unresolved {
    pub reason: String,
    pub help: Option<String>,
}

impl Unresolved {
    fn new(reason: String, nearest: Option<String>) -> Self {
        Self {
            reason,
            help: nearest.map(|nearest| format!("did you mean `{nearest}`?")),
        }
    }
}

/// All names of a stack.
pub struct Lookup<'a> {
    stack: &'a Stack,
    id: StackId,
    catalog: &'a Catalog,
    exports: BTreeMap<&'static str, Export>,
    resources: HashMap<String, Urn>,
    /// The number of suggestions still worth their time: each looks at every name there is.
    suggestions: Cell<usize>,
}

const MOST_SUGGESTIONS: usize = 100;

impl<'a> Lookup<'a> {
    pub fn new(stack: &'a Stack, id: StackId, catalog: &'a Catalog) -> Self {
        let resources = raw::declared(stack)
            .map(|(key, token)| (key.to_owned(), Urn::new(&id, token, key)))
            .collect();
        Self {
            stack,
            id,
            catalog,
            exports: BTreeMap::new(),
            resources,
            suggestions: Cell::new(MOST_SUGGESTIONS),
        }
    }

    pub fn export(&mut self, section: SectionKey, exports: BTreeMap<String, Export>) {
        self.exports
            .insert(section.as_str(), Export::Group(exports));
    }

    /// All that the sections offer.
    #[cfg(test)]
    pub fn exports(&self) -> &BTreeMap<&'static str, Export> {
        &self.exports
    }

    pub fn add_resource(&mut self, urn: &Urn) {
        self.resources.insert(urn.name().to_owned(), urn.clone());
    }

    /// The resource of a logical name.
    pub fn resource(&self, name: &str) -> Option<&Urn> {
        self.resources.get(name)
    }

    /// The name that was most likely meant by an unknown one.
    pub fn nearest_name(&self, name: &str) -> Option<String> {
        self.suggestions.set(self.suggestions.get().checked_sub(1)?);
        let sections = self.exports.keys().copied();
        let resources = self.resources.keys().map(String::as_str);
        nearest(name, sections.chain(resources).chain([ACCOUNT]))
    }

    /// Follows a reference. `Ok(None)` where it leads to something that is itself at fault.
    pub fn find(&self, reference: &Reference) -> Result<Option<Found>, Unresolved> {
        let name = reference.name.as_str();
        let path = reference.path.as_slice();
        if name == ACCOUNT {
            return self.fact(path).map(Some);
        }
        if let Some(export) = self.exports.get(name) {
            return match follow(&Path::default().key(name), export, path) {
                // An entry of the section is at fault, and with it what it would have offered.
                Err(_) if self.is_unsound_entry(name, path) => Ok(None),
                outcome => outcome.map(Some),
            };
        }
        if let Some(urn) = self.resources.get(name) {
            return self.output(urn, path);
        }
        if self.stack.is_unsound(Path::default().key(name))
            || self
                .stack
                .is_unsound(Path::from(SectionKey::Resources.as_str()).key(name))
        {
            return Ok(None);
        }
        if SectionKey::of(name).is_some_and(SectionKey::is_component) {
            // A section that is there but offers nothing is at fault itself.
            if self.stack.document().root.get(name).is_some() {
                return Ok(None);
            }
            let help = if self.stack.document().root.entry(name).is_some() {
                format!("a layer says `{name}: null`: write `{name}: {{}}` there, or take this out")
            } else {
                format!("add `{name}: {{}}` for one with the defaults")
            };
            return Err(Unresolved {
                reason: format!("the stack has no `{name}` section"),
                help: Some(help),
            });
        }
        Err(Unresolved::new(
            format!("there is no section or resource `{name}`"),
            self.nearest_name(name),
        ))
    }

    fn is_unsound_entry(&self, section: &str, path: &[String]) -> bool {
        path.first().is_some_and(|entry| {
            self.stack
                .is_unsound(Path::default().key(section).key(entry))
        })
    }

    fn fact(&self, path: &[String]) -> Result<Found, Unresolved> {
        let Some(first) = path.first() else {
            return Err(name_an_output(ACCOUNT, FACTS));
        };
        if !FACTS.contains(&first.as_str()) {
            let reason = format!("`{ACCOUNT}` has no output `{first}`");
            return Err(Unresolved::new(
                reason,
                nearest(first, FACTS.iter().copied()),
            ));
        }
        Ok(Found::Value(Value::Output(OutputReference {
            urn: graph::facts_urn(&self.id),
            path: path.to_vec(),
        })))
    }

    fn output(&self, urn: &Urn, path: &[String]) -> Result<Option<Found>, Unresolved> {
        // An unknown type is reported where it is declared.
        let Some(schema) = self.catalog.get(urn.token()) else {
            return Ok(None);
        };
        let known = outputs_of(schema);
        let native = native_path(schema, &known, path);
        let path = native.as_deref().unwrap_or(path);
        let Some(first) = path.first() else {
            return Err(name_an_output(urn.name(), &known));
        };
        if !known.contains(&first.as_str()) {
            let reason = format!("`{}` has no output `{first}`", urn.token());
            return Err(Unresolved::new(reason, nearest(first, known.into_iter())));
        }
        Ok(Some(Found::Value(Value::Output(OutputReference {
            urn: urn.clone(),
            path: path.to_vec(),
        }))))
    }
}

/// Everything that a reference can ask of a resource of a type.
fn outputs_of(schema: &Schema) -> Vec<&'static str> {
    let mut outputs = vec!["id", "arn", "urn"];
    let own = schema.outputs.iter().copied();
    let own = own.chain(schema.properties.iter().map(|property| property.name));
    for name in own {
        if !outputs.contains(&name) {
            outputs.push(name);
        }
    }
    outputs
}

/// The path to an output that was given with CloudFormation's names: `Endpoint.Address`.
fn native_path(schema: &Schema, known: &[&str], path: &[String]) -> Option<Vec<String>> {
    let first = path.first()?;
    let is_native = facts::Spelling::of(schema.token).is_some();
    if !is_native || known.contains(&first.as_str()) {
        return None;
    }
    let is_known = known.contains(&facts::property_name(first).as_str());
    is_known.then(|| path.iter().map(|name| facts::property_name(name)).collect())
}

fn name_an_output(name: &str, outputs: &[&str]) -> Unresolved {
    Unresolved {
        reason: format!("does not say which output of `{name}` is meant"),
        help: Some(format!("add one of {}", list_of(outputs))),
    }
}

/// Walks down what a section offers.
fn follow(place: &Path, export: &Export, path: &[String]) -> Result<Found, Unresolved> {
    match export {
        Export::Group(group) => {
            let keys: Vec<&str> = group.keys().map(String::as_str).collect();
            let Some((first, rest)) = path.split_first() else {
                return Err(name_an_output(&place.to_string(), &keys));
            };
            if let Some(inner) = group.get(first) {
                return follow(&place.key(first), inner, rest);
            }
            let help = match nearest(first, keys.iter().copied()) {
                Some(nearest) => format!("did you mean `{nearest}`?"),
                None => format!("it offers {}", list_of(&keys)),
            };
            Err(Unresolved {
                reason: format!("`{place}` has no output `{first}`"),
                help: Some(help),
            })
        }
        Export::Value(value) => descend(place, value, path).map(Found::Value),
        Export::SecretKey(key) if path.is_empty() => Ok(Found::SecretKey(key.clone())),
        Export::SecretKey(_) => Err(nothing_below(place)),
    }
}

fn descend(place: &Path, value: &Value, path: &[String]) -> Result<Value, Unresolved> {
    if path.is_empty() {
        return Ok(value.clone());
    }
    if let Value::Output(reference) = value {
        let mut reference = reference.clone();
        reference.path.extend_from_slice(path);
        return Ok(Value::Output(reference));
    }
    match (value, value.at(&path[..1])) {
        (Value::List(_), Some(inner)) => {
            let place = place.index(path[0].parse().unwrap_or_default());
            descend(&place, inner, &path[1..])
        }
        (_, Some(inner)) => descend(&place.key(&*path[0]), inner, &path[1..]),
        (Value::List(values), None) => Err(Unresolved {
            reason: format!("`{place}` has {} entries, counted from 0", values.len()),
            help: None,
        }),
        _ => Err(nothing_below(place)),
    }
}

fn nothing_below(place: &Path) -> Unresolved {
    Unresolved {
        reason: format!("`{place}` is a single value; nothing can follow it"),
        help: None,
    }
}
