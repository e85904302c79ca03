//! Two stacks side by side, as their files say: resources by logical name, and the properties in which they differ.

use std::collections::BTreeMap;

use serde_json::{Value as Json, json};

use super::diff::{changes, masked, title};
use super::line::Line;
use super::outputs;
use super::style::Style;
use crate::graph::{OnDelete, Resource, ResourceGraph};
use crate::plan::Op;
use crate::resource::diff::{TAGS, compare_values};
use crate::resource::value::resolve_properties;
use crate::resource::{Catalog, Change, ChangeKind, OutputReference, Path, Properties, Urn, Value};

/// The version of the JSON: it grows when something is taken away or changes its meaning.
const VERSION: u32 = 1;

/// The differences between two stacks.
#[derive(Debug, Default)]
pub struct Compared {
    /// In name, environment, region and account.
    head: Vec<Change>,
    /// Resources of the first alone.
    gone: Vec<Urn>,
    /// Resources of the second alone.
    new: Vec<Urn>,
    changed: Vec<(Urn, Vec<Change>)>,
    outputs: Vec<Change>,
    same: usize,
}

/// The head of a stack.
pub fn head(graph: &ResourceGraph, region: &str, account: Option<&str>) -> Properties {
    let account = account.map_or(Value::Null, Value::from);
    [
        ("name", graph.stack.name.as_str().into()),
        ("environment", graph.stack.environment.as_str().into()),
        ("region", region.into()),
        ("account", account),
    ]
    .map(|(name, value)| (name.to_owned(), value))
    .into()
}

/// Compares two stacks, each with its head.
pub fn compare(
    (left, left_head): (&ResourceGraph, Properties),
    (right, right_head): (&ResourceGraph, Properties),
    catalog: &Catalog,
) -> Compared {
    let mut compared = Compared {
        head: differences(left_head, right_head),
        outputs: differences(outputs_of(left), outputs_of(right)),
        ..Compared::default()
    };
    let (before, after) = (resources(left), resources(right));
    for (key, resource) in &before {
        let Some(other) = after.get(key) else {
            compared.gone.push(resource.urn.clone());
            continue;
        };
        let changes = differences(properties(resource, catalog), properties(other, catalog));
        if changes.is_empty() {
            compared.same += 1;
        } else {
            compared.changed.push((other.urn.clone(), changes));
        }
    }
    let new = after.iter().filter(|(key, _)| !before.contains_key(key));
    compared.new = new.map(|(_, resource)| resource.urn.clone()).collect();
    compared
}

/// The resources by logical name and type.
fn resources(graph: &ResourceGraph) -> BTreeMap<(String, String), &Resource> {
    let key = |urn: &Urn| (urn.name().to_owned(), urn.token().to_owned());
    graph.iter().map(|it| (key(&it.urn), it)).collect()
}

fn differences(before: Properties, after: Properties) -> Vec<Change> {
    let mut changes = Vec::new();
    let (before, after) = (Value::Object(before), Value::Object(after));
    compare_values(&Path::default(), &before, &after, &mut changes);
    changes
}

/// The text of a reference as the file has it: two stacks that refer to the same logical name are alike in that.
#[allow(
    clippy::unnecessary_wraps,
    reason = "a lookup may find nothing, and this one always finds"
)]
fn as_written(reference: &OutputReference) -> Option<Value> {
    Some(format!("${{{reference}}}").into())
}

fn outputs_of(graph: &ResourceGraph) -> Properties {
    let outputs = graph.outputs.iter();
    outputs
        .map(|(name, value)| (name.clone(), value.resolve(&as_written)))
        .collect()
}

/// All that a file says of a resource, in the forms in which values are compared.
fn properties(resource: &Resource, catalog: &Catalog) -> Properties {
    let token = resource.urn.token();
    let schema = catalog.get(token);
    let inputs = resolve_properties(&resource.inputs, &as_written);
    let inputs = inputs.into_iter().filter(|(_, value)| !value.is_null());
    let canonical = inputs.map(|(name, value)| {
        let property = schema.and_then(|schema| schema.property(&name));
        let form = property.and_then(|property| property.canonical);
        let value = form.map_or_else(|| value.clone(), |form| form(value.clone()));
        (name, value)
    });
    let mut all = masked(&canonical.collect(), token, catalog);
    let tags = resource.tags.iter();
    let tags: Properties = tags
        .map(|(name, value)| (name.clone(), value.as_str().into()))
        .collect();
    if !tags.is_empty() {
        all.insert(TAGS.to_owned(), Value::Object(tags));
    }
    let options = options(resource, schema.is_some_and(|schema| schema.stateful));
    if !options.is_empty() {
        all.insert("options".to_owned(), Value::Object(options));
    }
    all
}

/// The options that the author, or a section, has set.
fn options(resource: &Resource, holds_data: bool) -> Properties {
    let options = &resource.options;
    let list = |texts: Vec<String>| {
        let texts: Vec<Value> = texts.into_iter().map(Value::from).collect();
        (!texts.is_empty()).then_some(Value::List(texts))
    };
    let paths = |paths: &[Path]| list(paths.iter().map(ToString::to_string).collect());
    let on = |switch: bool| switch.then_some(Value::Bool(true));
    let seconds = |time: Option<std::time::Duration>| time.map(|it| Value::from(it.as_secs_f64()));
    let names = options.depends_on.iter().map(|urn| urn.name().to_owned());
    [
        ("dependsOn", list(names.collect())),
        ("protect", options.protect.map(Value::Bool)),
        ("retainOnDelete", on(options.retain_on_delete)),
        ("ignoreChanges", paths(&options.ignore_changes)),
        ("deleteBeforeReplace", on(options.delete_before_replace)),
        ("replaceOnChanges", paths(&options.replace_on_changes)),
        (
            "onDelete",
            match options.on_delete {
                // Of others, the option says nothing.
                _ if !holds_data => None,
                OnDelete::Delete => None,
                OnDelete::Snapshot => Some("snapshot".into()),
                OnDelete::Retain => Some("retain".into()),
            },
        ),
        ("import", options.import.as_deref().map(Value::from)),
        ("accept", list(options.accept.clone())),
        ("createTimeout", seconds(options.timeouts.create)),
        ("updateTimeout", seconds(options.timeouts.update)),
        ("deleteTimeout", seconds(options.timeouts.delete)),
    ]
    .into_iter()
    .filter_map(|(name, value)| Some((name.to_owned(), value?)))
    .collect()
}

impl Compared {
    pub fn is_equal(&self) -> bool {
        let changes = self.head.len() + self.outputs.len();
        changes + self.gone.len() + self.new.len() + self.changed.len() == 0
    }

    /// The differences, then the counts. Each side has its name.
    pub fn render(&self, left: &str, right: &str, width: Option<usize>) -> Vec<Line> {
        let between = format!(" {left} with {right}:");
        let mut lines = vec![
            Line::styled(Style::Heading, "Comparing").and(between),
            Line::new(),
        ];
        let part = |name: &str, differences: &[Change], lines: &mut Vec<Line>| {
            if !differences.is_empty() {
                title(Op::Update, name, "", "", width, lines);
                changes(differences.iter(), width, lines);
                lines.push(Line::new());
            }
        };
        part("stack", &self.head, &mut lines);
        for (urn, differences) in &self.changed {
            title(Op::Update, urn.name(), urn.token(), "", width, &mut lines);
            changes(differences.iter(), width, &mut lines);
            lines.push(Line::new());
        }
        for (op, urns) in [(Op::Delete, &self.gone), (Op::Create, &self.new)] {
            for urn in urns {
                title(op, urn.name(), urn.token(), "", width, &mut lines);
            }
            if !urns.is_empty() {
                lines.push(Line::new());
            }
        }
        part("outputs", &self.outputs, &mut lines);
        lines.push(Line::styled(Style::Heading, "Resources:"));
        let counts = [
            (self.changed.len(), Style::Update, "~ ", "differ".to_owned()),
            (
                self.gone.len(),
                Style::Delete,
                "- ",
                format!("only in {left}"),
            ),
            (
                self.new.len(),
                Style::Create,
                "+ ",
                format!("only in {right}"),
            ),
            (self.same, Style::Plain, "  ", "the same".to_owned()),
        ];
        for (count, style, symbol, words) in counts {
            if count > 0 {
                let text = format!("{symbol}{count} {words}");
                lines.push(Line::plain("    ").with(style, text));
            }
        }
        lines
    }

    /// The same for scripts, secrets masked.
    pub fn document(&self, left: &str, right: &str) -> Json {
        let changes = |changes: &[Change]| -> Json { changes.iter().map(of_change).collect() };
        let of_urn = |urn: &Urn| json!({ "name": urn.name(), "type": urn.token() });
        let changed = self.changed.iter().map(|(urn, differences)| {
            let mut resource = of_urn(urn);
            resource["diff"] = changes(differences);
            resource
        });
        json!({
            "version": VERSION,
            "left": left,
            "right": right,
            "equal": self.is_equal(),
            "stack": changes(&self.head),
            "changed": changed.collect::<Json>(),
            "onlyLeft": self.gone.iter().map(of_urn).collect::<Json>(),
            "onlyRight": self.new.iter().map(of_urn).collect::<Json>(),
            "outputs": changes(&self.outputs),
            "same": self.same,
        })
    }
}

fn of_change(change: &Change) -> Json {
    json!({
        "path": change.path.to_string(),
        "kind": match change.kind {
            ChangeKind::Add => "add",
            ChangeKind::Update => "update",
            ChangeKind::Delete => "delete",
        },
        "left": outputs::json(&change.before, false),
        "right": outputs::json(&change.after, false),
    })
}
