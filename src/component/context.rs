//! The context in which a section expands: the stack, the resources made so far, and the faults found.

use std::collections::BTreeMap;
use std::ops::Range;

use serde::de::DeserializeOwned;
use serde_json::Value as Json;

use crate::graph::{OnDelete, Origin, Resource, ResourceOptions};
use crate::resource::{Catalog, Path, Properties, StackId, Urn, Value};
use crate::stack::reference::{self, Part, Reference};
use crate::stack::{Environment, Fault, Node, Span, Stack, StackError, StackErrors};

use super::expansion::{Expansion, Note};
use super::key::SectionKey;
use super::lookup::{Export, Found, Lookup};
use super::text::Text;

/// One expansion under way.
pub struct Context<'a> {
    pub stack: &'a Stack,
    pub id: StackId,
    pub catalog: &'a Catalog,
    pub resources: Vec<Resource>,
    pub notes: Vec<Note>,
    pub errors: Vec<StackError>,
    lookup: Lookup<'a>,
    /// The standard outputs, in the order of the sections.
    pub outputs: Vec<(String, Value)>,
}

impl<'a> Context<'a> {
    pub fn new(stack: &'a Stack, catalog: &'a Catalog) -> Self {
        let id = stack.id();
        Self {
            stack,
            id: id.clone(),
            catalog,
            resources: Vec::new(),
            notes: Vec::new(),
            errors: stack.faults().to_vec(),
            lookup: Lookup::new(stack, id, catalog),
            outputs: Vec::new(),
        }
    }

    pub fn environment(&self) -> Environment {
        self.stack.environment
    }

    /// A section as its author wrote it, without the values that are structurally at fault; `None` if it is absent or makes
    /// no sense without these values.
    pub fn spec<Spec: DeserializeOwned>(&mut self, key: &str) -> Option<Spec> {
        let section = self.stack.section(key)?;
        self.decode(section, Path::default().key(key))
    }

    /// The entries of a section whose entries are independent.
    pub fn specs<Spec: DeserializeOwned>(&mut self, key: &str) -> BTreeMap<String, Spec> {
        let entries = self.stack.section(key).and_then(Json::as_object);
        entries
            .into_iter()
            .flatten()
            .filter_map(|(name, entry)| {
                let spec = self.decode(entry, Path::default().key(key).key(name))?;
                Some((name.clone(), spec))
            })
            .collect()
    }

    fn decode<Spec: DeserializeOwned>(&mut self, value: &Json, path: Path) -> Option<Spec> {
        match Spec::deserialize(value) {
            Ok(spec) => Some(spec),
            Err(_) if self.stack.is_unsound(&path) => None,
            // The structure has been checked against the schema of the same type.
            Err(error) => {
                self.refuse(Fault::Value, path, error.to_string());
                None
            }
        }
    }

    /// True if the section is written in the file, sound or not.
    pub fn is_declared(&self, section: SectionKey) -> bool {
        self.stack.document().root.get(section.as_str()).is_some()
    }

    /// The place of the value at a path in the file.
    pub fn place(&self, path: impl Into<Path>) -> Span {
        self.stack.document().place(&path.into())
    }

    /// Records a fault at a path.
    pub fn refuse(&mut self, fault: Fault, path: impl Into<Path>, label: impl Into<String>) {
        let span = self.place(path);
        self.errors.push(StackError::new(fault, span, label));
    }

    /// Records a fault at a path, with what to do about it.
    pub fn refuse_with_help(
        &mut self,
        fault: Fault,
        path: impl Into<Path>,
        label: impl Into<String>,
        help: impl Into<String>,
    ) {
        let span = self.place(path);
        self.errors
            .push(StackError::new(fault, span, label).help(help));
    }

    /// Records a fault of the key at a path, whatever its value.
    pub fn refuse_key(&mut self, fault: Fault, path: impl Into<Path>, label: impl Into<String>) {
        let span = self.stack.document().key_place(&path.into());
        self.errors.push(StackError::new(fault, span, label));
    }

    /// True if there is a value at a path.
    pub fn has(&self, path: impl Into<Path>) -> bool {
        self.node_at(&path.into()).is_some()
    }

    /// Records that one section needs another, unless the other is there and merely unsound.
    pub fn need_section(&mut self, path: impl Into<Path>, needed: SectionKey, reason: &str) {
        let key = needed.as_str();
        if self.is_declared(needed) || self.stack.is_unsound(key) {
            return;
        }
        let path = path.into();
        // A layer that takes the section out is what is wrong, and not one below it that has a use for it.
        if let Some(taken_out) = self.stack.document().root.entry(key) {
            let label = format!("`{path}` needs it: {reason}");
            let help =
                format!("write `{key}: {{}}` for one with the defaults, or take out what needs it");
            let error = StackError::new(Fault::MissingSection, taken_out.place(), label);
            self.errors.push(error.help(help));
            return;
        }
        let help = if needed == SectionKey::Services {
            "add `services:` with one at least, such as `web: { port: 3000 }`".to_owned()
        } else {
            format!("add `{key}: {{}}` for one with the defaults")
        };
        let span = self.stack.document().key_place(&path);
        self.errors
            .push(StackError::new(Fault::MissingSection, span, reason).help(help));
    }

    pub fn urn(&self, token: &str, name: &str) -> Urn {
        Urn::new(&self.id, token, name)
    }

    /// Adds a resource. `origin` is the path in the file that it comes from.
    pub fn add(&mut self, origin: impl Into<Path>, urn: Urn, inputs: Properties) -> &mut Resource {
        let origin = origin.into();
        let span = self.place(&origin);
        self.add_at(origin, span, urn, inputs)
    }

    /// Does the same as [`Context::add`], for a caller that knows the place: looking it up takes a walk through the file.
    pub fn add_at(
        &mut self,
        origin: Path,
        span: Span,
        urn: Urn,
        inputs: Properties,
    ) -> &mut Resource {
        let on_delete =
            self.environment()
                .choose(OnDelete::Delete, OnDelete::Snapshot, OnDelete::Retain);
        let index = self.resources.len();
        self.resources.push(Resource {
            urn,
            inputs: without_nulls(inputs),
            tags: self.stack.tags.clone(),
            options: ResourceOptions {
                on_delete,
                region: Some(self.stack.region.clone()),
                ..ResourceOptions::default()
            },
            origin: Origin {
                path: origin,
                span: (span.source == 0).then_some((span.offset as usize, span.length as usize)),
                name_key: None,
            },
            generated_name: false,
        });
        &mut self.resources[index]
    }

    /// Adds a resource whose kind the console lists by its `Name` tag.
    pub fn add_named(
        &mut self,
        origin: impl Into<Path>,
        urn: Urn,
        inputs: Properties,
    ) -> &mut Resource {
        let short = urn.name().replace('/', "-");
        let name = format!("{}-{}-{short}", self.id.name, self.id.environment);
        let resource = self.add(origin, urn, inputs);
        resource.tags.entry("Name".to_owned()).or_insert(name);
        resource
    }

    /// Makes a section's outputs known to `${section.…}`.
    pub fn export(&mut self, section: SectionKey, exports: BTreeMap<String, Export>) {
        self.lookup.export(section, exports);
    }

    /// Makes the resources of the sections known by logical name, as in `${network/vpc.id}`.
    pub fn name_what_sections_made(&mut self) {
        for resource in &self.resources {
            self.lookup.add_resource(&resource.urn);
        }
    }

    pub fn lookup(&self) -> &Lookup<'a> {
        &self.lookup
    }

    /// The value of a text at a path.
    pub fn text(&mut self, text: &Text, path: impl Into<Path>) -> Value {
        match self.node_at(&path.into()) {
            Some(node) => self.interpolate(&text.0, &node),
            None => text.0.as_str().into(),
        }
    }

    /// The node at a path; `None` for a default.
    pub fn node_at(&self, path: &Path) -> Option<Node> {
        self.stack.document().root.find(path.segments()).cloned()
    }

    /// The value of a node as it stands, references resolved.
    pub fn value(&mut self, node: &Node) -> Value {
        use crate::stack::Content;
        match &node.content {
            Content::Null => Value::Null,
            Content::Bool(value) => Value::Bool(*value),
            Content::Number(number) => Value::Number(*number),
            Content::Text(text) => self.interpolate(text, node),
            Content::List(items) => {
                Value::List(items.iter().map(|item| self.value(item)).collect())
            }
            Content::Map(entries) => Value::Object(
                entries
                    .iter()
                    .map(|entry| (entry.key.clone(), self.value(&entry.value)))
                    .collect(),
            ),
        }
    }

    /// The value of a text with `${…}` in it; `node` is the place of the text.
    pub fn interpolate(&mut self, text: &str, node: &Node) -> Value {
        let parts = self.parts(text, node);
        let mut values: Vec<Value> = Vec::with_capacity(parts.len());
        for part in parts {
            values.push(match part {
                Part::Text(text) => text.into(),
                Part::Reference(reference) => self.open_value(&reference, text, node),
            });
        }
        match values.len() {
            0 => "".into(),
            1 => values.remove(0),
            _ => Value::Join(values),
        }
    }

    /// The value that a reference stands for where any user may see it.
    fn open_value(&mut self, reference: &Reference, text: &str, node: &Node) -> Value {
        match self.find(reference, text, node) {
            Some(Found::Value(value)) => value,
            Some(Found::SecretKey(_)) => {
                let label = format!("`{}` holds a password", &text[reference.range.clone()]);
                let span = self.piece(node, text, &reference.range);
                let help = "use it under `secrets:` of a service, which hands it to the container without showing it";
                self.errors
                    .push(StackError::new(Fault::SecretInTheOpen, span, label).help(help));
                Value::Null
            }
            None => Value::Null,
        }
    }

    /// The sound parts of a text; the others are recorded as faults.
    pub fn parts(&mut self, text: &str, node: &Node) -> Vec<Part> {
        let (parts, malformed) = reference::split(text);
        for fault in malformed {
            let span = self.piece(node, text, &fault.range);
            self.errors.push(
                StackError::new(Fault::MalformedReference, span, fault.reason)
                    .help("write `${name.output}`, or `$$` for a literal `$`"),
            );
        }
        parts
    }

    /// The target of a reference; one that leads nowhere is recorded as a fault. `None` also if it leads to something that
    /// is at fault itself.
    pub fn find(&mut self, found: &Reference, text: &str, node: &Node) -> Option<Found> {
        match self.lookup.find(found) {
            Ok(found) => found,
            Err(unresolved) => {
                let span = self.piece(node, text, &found.range);
                let mut error = StackError::new(Fault::BrokenReference, span, unresolved.reason);
                error.help = unresolved.help;
                self.errors.push(error);
                None
            }
        }
    }

    /// The place of a part of a text.
    fn piece(&self, node: &Node, text: &str, range: &Range<usize>) -> Span {
        let piece = &text[range.clone()];
        let before = text[..range.start].matches(piece).count();
        self.stack.document().piece(node, piece, before)
    }

    /// Drops the faults that may exist only because a value at fault was left out: those that point at a whole section or
    /// entry, instead of at something that is written in it.
    fn forget_consequences(&mut self) {
        let document = self.stack.document();
        let wholes: Vec<Span> = self
            .stack
            .unsound()
            .map(|path| document.key_place(path))
            .collect();
        let known = self.stack.faults().len();
        let mut index = 0;
        self.errors.retain(|error| {
            index += 1;
            index <= known || !wholes.contains(&error.place())
        });
    }

    /// The result, or the faults.
    pub fn finish(mut self, authors: Vec<(String, Value)>) -> Result<Expansion, StackErrors> {
        self.forget_consequences();
        if !self.errors.is_empty() {
            return Err(StackErrors::new(self.stack.sources(), self.errors));
        }
        let mut outputs = self.outputs;
        for (name, value) in authors {
            match outputs.iter_mut().find(|(standard, _)| *standard == name) {
                Some(standard) => standard.1 = value,
                None => outputs.push((name, value)),
            }
        }
        Ok(Expansion {
            resources: self.resources,
            outputs,
            notes: self.notes,
        })
    }
}

/// Leaves out null values, at all depths of maps.
fn without_nulls(inputs: Properties) -> Properties {
    inputs
        .into_iter()
        .filter(|(_, value)| !value.is_null())
        .map(|(name, value)| match value {
            Value::Object(inner) => (name, Value::Object(without_nulls(inner))),
            other => (name, other),
        })
        .collect()
}
