//! The options that the author sets for a resource: `options:` on a raw resource, and for what a section made.
//!
//! ```yaml
//! options:
//!   database: { protect: true }              # everything the section made
//!   services/api: { ignoreChanges: [tags] }  # everything below a name
//!   network/vpc: { retainOnDelete: true }    # one resource
//! ```

use std::collections::BTreeSet;

use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::Deserialize;
use serde_json::json;

use crate::graph::{ResourceOptions, Timeouts};
use crate::resource::nearest::nearest;
use crate::resource::{Path, Schema as SchemaOf, Urn};
use crate::stack::reference::Part;
use crate::stack::{Fault, Node, StackError};

use super::context::Context;
use super::key::SectionKey;
use super::text::Text;
use timeouts::TimeoutsSpec;

mod timeouts;

const KEY: &str = SectionKey::Options.as_str();

/// Options of a resource, with Pulumi's names.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
#[schemars(extend("x-unsupported" = unsupported()))]
pub struct OptionsSpec {
    /// The resources or sections that must exist before this, beyond what its properties refer to, as `${name}` or plain
    /// names.
    #[schemars(example = ["${bucket}"])]
    pub depends_on: Option<DependsOn>,
    /// Refuses to delete or replace it. It outlives this line: only `protect: false` takes it off again.
    pub protect: Option<bool>,
    /// Leaves it in AWS when it leaves the file or the stack is destroyed. What AWS cannot tag stays with what it is part of.
    pub retain_on_delete: bool,
    /// Properties, or places in them, whose live value is kept once the resource exists.
    #[schemars(example = ["desiredCount", "containerDefinitions[0].image"])]
    pub ignore_changes: Vec<String>,
    /// Deletes the old one before the new one is made, if it has to be replaced.
    pub delete_before_replace: bool,
    /// Properties whose change replaces it even where an update would do; `*` for all.
    pub replace_on_changes: Vec<String>,
    /// The id of something that is not of this stack, for a part of it (a policy, a setting, a route). It is then changed as
    /// the file says.
    pub import: Option<String>,
    /// Additions by other parties that may stay without counting as drift: ids, or names as `preview` shows them, with `*`,
    /// but not all there may ever be.
    #[schemars(example = ["sgr-0a1b2c3d4e5f60718"])]
    pub accept: Vec<String>,
    /// The time that an operation may take, if that is not as long as AWS may take.
    #[schemars(example = serde_json::json!({ "create": "90m" }))]
    pub custom_timeouts: Option<TimeoutsSpec>,
}

/// One name or several.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(untagged)]
#[schemars(inline)]
#[expect(dead_code, reason = "read from the document, with its places")]
pub enum DependsOn {
    One(Text),
    Several(Vec<Text>),
}

fn unsupported() -> serde_json::Value {
    json!({
        "aliases": "a resource under another key that keeps its name, or is the only one like it, is renamed by itself",
        "parent": "resources have no parents; use `dependsOn` for order",
        "provider": "everything in a stack goes to one account and region",
        "providers": "everything in a stack goes to one account and region",
        "version": "resource types are part of fde-infra; there are no provider versions",
        "pluginDownloadURL": "resource types are part of fde-infra; there are no plugins",
        "additionalSecretOutputs": "which outputs are secret is known for every type",
        "deletedWith": "deletions are not skipped",
        "replaceWith": "use `replaceOnChanges` on this resource",
        "replacementTrigger": "use `replaceOnChanges` on this resource",
        "hideDiffs": "every difference is shown",
        "envVarMappings": "there are no provider processes to pass variables to",
    })
}

pub fn schema(generator: &mut SchemaGenerator) -> Schema {
    let options = generator.subschema_for::<OptionsSpec>();
    schemars::json_schema!({
        "description": "Options for what the sections made, by section, by name, or by the beginning of names: \
                        `database`, `services/api`, `network/vpc`.",
        "type": "object",
        "additionalProperties": options,
        "examples": [{ "database": { "protect": true } }],
    })
}

/// The parts of an `options:` that have to be read with their places.
pub struct Asked {
    pub dependencies: BTreeSet<Urn>,
    ignore_changes: Vec<Path>,
    replace_on_changes: Vec<Path>,
    timeouts: Timeouts,
}

impl Asked {
    /// Reads it; `node` is its place in the file, if it has one.
    pub fn read(context: &mut Context<'_>, node: Option<&Node>) -> Self {
        Self {
            dependencies: dependencies(context, node),
            ignore_changes: paths(context, node, "ignoreChanges"),
            replace_on_changes: paths(context, node, "replaceOnChanges"),
            timeouts: timeouts::read(context, node),
        }
    }
}

impl OptionsSpec {
    /// Adds what the author asks for to the options of a resource.
    pub fn add_to(&self, options: &mut ResourceOptions, asked: &Asked) {
        options
            .depends_on
            .extend(asked.dependencies.iter().cloned());
        if self.protect.is_some() {
            options.protect = self.protect;
        }
        options.retain_on_delete |= self.retain_on_delete;
        options.delete_before_replace |= self.delete_before_replace;
        options
            .ignore_changes
            .extend(asked.ignore_changes.iter().cloned());
        options
            .replace_on_changes
            .extend(asked.replace_on_changes.iter().cloned());
        options.import = self.import.clone().or_else(|| options.import.take());
        options.accept.extend(self.accept.iter().cloned());
        options.timeouts = asked.timeouts.over(options.timeouts);
    }
}

/// The paths under a key; texts that are not paths are recorded as faults.
fn paths(context: &mut Context<'_>, node: Option<&Node>, key: &str) -> Vec<Path> {
    let items = node.and_then(|node| node.get(key)?.as_list());
    let mut paths = Vec::new();
    for item in items.unwrap_or_default() {
        match item.as_text().map(Path::parse) {
            Some(Ok(path)) => paths.push(path),
            Some(Err(reason)) => {
                let help = "write it as in `parameters[\"log.level\"]` or `rules[0].action`";
                let error = StackError::new(Fault::Value, item.span, reason).help(help);
                context.errors.push(error);
            }
            // A value that is not a text has been reported.
            None => {}
        }
    }
    paths
}

/// Refuses what would have no effect: properties that none of these types has, and an import of something that is not a
/// part.
pub fn check(context: &mut Context<'_>, node: Option<&Node>, tokens: &BTreeSet<String>) {
    let schemas: Vec<&SchemaOf> = tokens
        .iter()
        .filter_map(|token| context.catalog.get(token))
        .collect();
    let Some(node) = node.filter(|_| !schemas.is_empty()) else {
        return;
    };
    let of = match schemas.as_slice() {
        [schema] => format!("`{}`", schema.token),
        _ => "any of these resources".to_owned(),
    };
    let mut errors = Vec::new();
    for (key, all) in [("ignoreChanges", None), ("replaceOnChanges", Some("*"))] {
        for item in node.get(key).and_then(Node::as_list).unwrap_or_default() {
            let Some(Ok(path)) = item.as_text().map(Path::parse) else {
                continue;
            };
            let first = path.first().unwrap_or_default();
            let is_tags = first == "tags" && schemas.iter().any(|schema| schema.taggable);
            if is_tags
                || Some(first) == all
                || schemas
                    .iter()
                    .any(|schema| schema.property(first).is_some())
            {
                continue;
            }
            let names = schemas.iter().flat_map(|schema| &schema.properties);
            let near = nearest(first, names.map(|property| property.name));
            let label = format!("`{first}` is not a property of {of}");
            errors.push(StackError::new(Fault::Value, item.span, label).suggest(near));
        }
    }
    if let Some(import) = node.get("import")
        && schemas.iter().all(|schema| schema.parents.is_empty())
    {
        let label = "only parts of other resources, such as policies and routes, can be imported";
        let help = "take `import` out; a whole resource is adopted by its tags";
        errors.push(StackError::new(Fault::Value, import.span, label).help(help));
    }
    context.errors.extend(errors);
}

/// The resources that a `dependsOn` names; names of sections stand for all that they made.
fn dependencies(context: &mut Context<'_>, node: Option<&Node>) -> BTreeSet<Urn> {
    let Some(node) = node.and_then(|node| node.get("dependsOn")) else {
        return BTreeSet::new();
    };
    let items = match node.as_list() {
        Some(items) => items,
        None => std::slice::from_ref(node),
    };
    let mut found = BTreeSet::new();
    for item in items {
        let Some(text) = item.as_text() else { continue };
        let known = context.errors.len();
        let parts = context.parts(text, item);
        if context.errors.len() > known {
            continue;
        }
        let name = match parts.as_slice() {
            [Part::Reference(reference)] if reference.path.is_empty() => reference.name.clone(),
            [Part::Text(name)] => name.clone(),
            _ => {
                let label = "takes names of resources, `${bucket}` or `bucket`";
                let error = StackError::new(Fault::MalformedReference, item.span, label);
                context.errors.push(error);
                continue;
            }
        };
        let before = found.len();
        found.extend(context.lookup().resource(&name).cloned());
        found.extend(made_below(context, &name));
        if found.len() == before && !is_known(context, &name) {
            let error = StackError::new(
                Fault::BrokenReference,
                item.span,
                format!("there is no section or resource `{name}`"),
            );
            let nearest = context.lookup().nearest_name(&name);
            context.errors.push(error.suggest(nearest));
        }
    }
    found
}

/// True for names that exist but made nothing, or are at fault themselves.
fn is_known(context: &Context<'_>, name: &str) -> bool {
    context.lookup().resource(name).is_some()
        || SectionKey::of(name)
            .is_some_and(|section| section.is_component() && context.is_declared(section))
        || context
            .stack
            .is_unsound(Path::from(SectionKey::Resources.as_str()).key(name))
        || made_below(context, name).next().is_some()
}

fn made_below<'c>(context: &'c Context<'_>, name: &str) -> impl Iterator<Item = Urn> + use<'c> {
    let prefix = format!("{name}/");
    context
        .resources
        .iter()
        .map(|resource| &resource.urn)
        .filter(move |urn| urn.name().starts_with(&prefix))
        .cloned()
}

/// Applies `options:` to what the sections made; the longer name has the last word.
pub fn apply(context: &mut Context<'_>) {
    let stack = context.stack;
    let Some(section) = stack.document().root.get(KEY) else {
        return;
    };
    let specs = context.specs::<OptionsSpec>(KEY);
    // In the order of the map, `services` comes before `services/api`.
    for (name, spec) in specs {
        let prefix = format!("{name}/");
        let entry = section.entry(&name);
        let mut asked = Asked::read(context, entry.map(|entry| &entry.value));
        let mut hit = false;
        let mut tokens = BTreeSet::new();
        for resource in &mut context.resources {
            let own = resource.urn.name();
            if own == name || own.starts_with(&prefix) {
                // A section that waits for itself waits for its other parts.
                let itself = asked.dependencies.take(&resource.urn);
                spec.add_to(&mut resource.options, &asked);
                asked.dependencies.extend(itself);
                tokens.insert(resource.urn.token().to_owned());
                hit = true;
            }
        }
        check(context, entry.map(|entry| &entry.value), &tokens);
        if !hit && !is_known(context, &name) {
            let span = entry.map(|entry| entry.key_span).unwrap_or_default();
            let label = format!("nothing in the stack is called `{name}`");
            let nearest = context.lookup().nearest_name(&name);
            context
                .errors
                .push(StackError::new(Fault::UnknownResource, span, label).suggest(nearest));
        }
    }
}
