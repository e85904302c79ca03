//! A document against a JSON Schema, with words for authors: unknown and missing keys, wrong types, values out of range.
//!
//! The schemas are those that `schemars` derives from the specs of the sections and from the inputs of the resource
//! types, so what editors complete is what is checked here. The walk also turns nodes into JSON for `serde`. Beyond the
//! standard it knows some keywords of ours:
//!
//! | keyword | meaning |
//! |---|---|
//! | `x-references` | the text may hold `${…}` |
//! | `x-scalar` | a text, as which numbers and booleans are taken too, for editors to know |
//! | `x-checked-later` | what is inside is checked by a schema of its own |
//! | `x-synonyms` | keys or words of other tools, each with the one that is meant |
//! | `x-parts` | keys of other tools that are resources of their own here, each with its type |
//! | `x-outputs` | keys that AWS decides, and no author |
//! | `x-unsupported` | keys that a reader may expect, each with the reason why it is refused |

use serde_json::Value as Json;

use super::document::Document;
use super::error::{Fault, Span, StackError};
use super::keywords::{alternatives, has_type, resolve, words};
use super::node::{Content, Entry, Node};
use super::reference::{self, Part};
use crate::resource::Path;
use crate::resource::nearest::nearest;

/// The places in which `${…}` may stand.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum References {
    /// In place of any value.
    Everywhere,
    /// In texts whose schema says `x-references`.
    WhereMarked,
}

/// The greatest whole number up to which a double keeps each exactly.
const MAX_WHOLE_NUMBER: f64 = 9_007_199_254_740_992.0;

/// The most faults of one document: beyond these the rest adds nothing, and only costs time.
const MOST_FAULTS: usize = 1000;

/// One walk, or several over parts of one document.
pub struct Check<'a> {
    document: &'a Document,
    /// The schema that `$ref` points into.
    root: &'a Json,
    references: References,
    pub errors: Vec<StackError>,
}

impl<'a> Check<'a> {
    pub fn new(document: &'a Document, root: &'a Json, references: References) -> Self {
        Self {
            document,
            root,
            references,
            errors: Vec::new(),
        }
    }

    /// Checks one value, whose scalars have been settled, and turns it into JSON. `place` is its path, for messages;
    /// `anchor` is where to point when something is missing in it. What is at fault is left out of the JSON.
    pub fn value(&mut self, node: &Node, schema: &'a Json, place: &Path, anchor: Span) -> Json {
        if self.references == References::Everywhere && node.as_text().is_some_and(is_one_reference)
        {
            return Json::Null;
        }
        let options = alternatives(self.root, schema);
        if let Some(words) = words(&options) {
            return self.word(node, &options, &words, place);
        }
        let Some(schema) = options.iter().find(|option| fits(node, option)) else {
            self.wrong_type(node, &options, place);
            return Json::Null;
        };
        match &node.content {
            Content::Null => Json::Null,
            Content::Bool(value) => Json::Bool(*value),
            Content::Number(number) => self.number(node, *number, schema, place),
            Content::Text(text) => self.text(node, text, schema, place),
            Content::List(items) => self.list(node, items, schema, place),
            Content::Map(entries) => self.map(entries, schema, place, anchor),
        }
    }

    fn refuse(&mut self, error: StackError) {
        if self.errors.len() < MOST_FAULTS {
            self.errors.push(error);
        }
    }

    fn resolve(&self, schema: &'a Json) -> &'a Json {
        resolve(self.root, schema)
    }

    fn word(&mut self, node: &Node, options: &[&Json], words: &[&str], place: &Path) -> Json {
        match &node.content {
            Content::Null if options.iter().any(|option| has_type(option, "null")) => {}
            Content::Text(text) if words.contains(&text.as_str()) => {
                return Json::String(text.clone());
            }
            Content::Text(text) => {
                let label = format!("`{place}` takes {}", list_of(words));
                let mut synonyms = options.iter();
                let meant = synonyms.find_map(|option| option["x-synonyms"][text].as_str());
                let meant = meant.map(str::to_owned);
                self.refuse(
                    StackError::new(Fault::UnknownWord, node.span, label)
                        .suggest(meant.or_else(|| nearest(text, words.iter().copied()))),
                );
            }
            _ => self.wrong_type(node, options, place),
        }
        Json::Null
    }

    fn number(&mut self, node: &Node, number: f64, schema: &Json, place: &Path) -> Json {
        if !self.is_exact(node, number, schema.get("type").is_none()) {
            return Json::Null;
        }
        let bound = |key: &str| schema[key].as_f64();
        let below = bound("minimum").is_some_and(|minimum| number < minimum)
            || bound("exclusiveMinimum").is_some_and(|minimum| number <= minimum);
        let above = bound("maximum").is_some_and(|maximum| number > maximum);
        let uneven = bound("multipleOf").is_some_and(|step| (number / step).fract() != 0.0);
        if below || above || uneven {
            let label = format!("`{place}` takes {}", expected(schema));
            self.refuse(StackError::new(Fault::OutOfRange, node.span, label));
            return Json::Null;
        }
        if number.fract() == 0.0 {
            Json::from(number as i64)
        } else {
            Json::from(number)
        }
    }

    /// Refuses a number that a double does not keep exactly.
    fn is_exact(&mut self, node: &Node, number: f64, may_be_text: bool) -> bool {
        let exact = number.is_finite() && number.abs() <= MAX_WHOLE_NUMBER;
        if !exact {
            let label = "is too large, or no number at all";
            let mut error = StackError::new(Fault::Number, node.span, label);
            if may_be_text {
                error = error.help("put it in quotes if it is text");
            }
            self.refuse(error);
        }
        exact
    }

    fn text(&mut self, node: &Node, text: &str, schema: &Json, place: &Path) -> Json {
        if self.references == References::WhereMarked && reference::holds_reference(text) {
            if schema["x-references"] != true {
                let label = format!("`{place}` must be known before anything exists");
                self.refuse(
                    StackError::new(Fault::MisplacedReference, node.span, label)
                        .help("write the value itself; `$$` stands for a literal `$`"),
                );
                return Json::Null;
            }
            return Json::String(text.to_owned());
        }
        let length = text.chars().count() as u64;
        let short = schema["minLength"].as_u64().is_some_and(|min| length < min);
        let long = schema["maxLength"].as_u64().is_some_and(|max| length > max);
        if short || long {
            let label = format!("`{place}` takes {}; this has {length}", expected(schema));
            self.refuse(StackError::new(Fault::OutOfRange, node.span, label));
            return Json::Null;
        }
        Json::String(text.to_owned())
    }

    fn list(&mut self, node: &Node, items: &[Node], schema: &'a Json, place: &Path) -> Json {
        let count = items.len() as u64;
        let few = schema["minItems"].as_u64().is_some_and(|min| count < min);
        let many = schema["maxItems"].as_u64().is_some_and(|max| count > max);
        if few || many {
            let label = format!("`{place}` takes {}; this has {count}", expected(schema));
            self.refuse(StackError::new(Fault::OutOfRange, node.span, label));
        }
        let Some(item_schema) = schema.get("items") else {
            return self.plain(node, place);
        };
        let values: Vec<Json> = items
            .iter()
            .enumerate()
            .map(|(index, item)| self.value(item, item_schema, &place.index(index), item.span))
            .collect();
        // A list with holes would mean something else.
        if few || many || values.contains(&Json::Null) {
            return Json::Null;
        }
        Json::Array(values)
    }

    fn map(&mut self, entries: &[Entry], schema: &'a Json, place: &Path, anchor: Span) -> Json {
        let properties = schema["properties"].as_object();
        let others = schema
            .get("additionalProperties")
            .filter(|others| others.is_object());
        let open =
            properties.is_none() && others.is_none() || schema["additionalProperties"] == true;
        let mut result = serde_json::Map::new();
        for entry in entries {
            let inner = place.key(&*entry.key);
            let known = properties.and_then(|properties| properties.get(&entry.key));
            let schema_inside = known.or(others);
            if self.is_blank(&entry.value) && (schema_inside.is_some() || open) {
                self.no_value(entry, schema_inside, &inner);
                continue;
            }
            match schema_inside {
                // Leaving a key out and writing `null` mean the same.
                Some(_) if entry.value.is_null() => {}
                Some(schema) => {
                    let value = self.value(&entry.value, schema, &inner, entry.key_span);
                    if !value.is_null() {
                        result.insert(entry.key.clone(), value);
                    }
                }
                None if open => {
                    let value = if schema["x-checked-later"] == true {
                        json(&entry.value)
                    } else {
                        self.plain(&entry.value, &inner)
                    };
                    result.insert(entry.key.clone(), value);
                }
                None => self.unknown_key(entry, schema, place),
            }
        }
        for name in schema["required"].as_array().into_iter().flatten() {
            let Some(name) = name.as_str() else { continue };
            let given = |entry: &Entry| {
                let is_missing = entry.value.is_null() && !self.is_blank(&entry.value);
                entry.key == name && !is_missing
            };
            if !entries.iter().any(given) {
                let label = format!("{} needs `{name}`", subject(place));
                let mut error = StackError::new(Fault::MissingKey, anchor, label);
                let schema = properties.and_then(|properties| properties.get(name));
                let example = schema.and_then(|schema| {
                    let own = schema["examples"].get(0);
                    own.or_else(|| self.resolve(schema)["examples"].get(0))
                });
                if let Some(example) = example {
                    error = error.help(format!("add `{name}: {example}`, for example"));
                }
                self.refuse(error);
            }
        }
        Json::Object(result)
    }

    /// True where nothing at all is written.
    fn is_blank(&self, node: &Node) -> bool {
        node.is_null() && self.document.text(node.span).is_empty()
    }

    /// Refuses a key with nothing behind it: more likely an accident than a way to leave it out.
    fn no_value(&mut self, entry: &Entry, schema: Option<&'a Json>, place: &Path) {
        let key = &entry.key;
        let options = schema.map_or_else(Vec::new, |schema| alternatives(self.root, schema));
        let wants = |kind: &str| options.iter().any(|option| has_type(option, kind));
        let help = if words(&options).is_some() {
            "write the value, or leave the key out".to_owned()
        } else if wants("string") || options.is_empty() {
            format!("write `{key}: \"\"` for an empty text, or `{key}: null` to leave it out")
        } else if wants("number") || wants("integer") || wants("boolean") {
            "write the value, or leave the key out".to_owned()
        } else if wants("array") {
            format!("write `{key}: []` for an empty list, or `{key}: null` to leave it out")
        } else {
            format!("write `{key}: {{}}` for the defaults, or `{key}: null` to leave it out")
        };
        let label = format!("`{place}` has no value");
        self.refuse(StackError::new(Fault::NoValue, entry.key_span, label).help(help));
    }

    /// A node as JSON, for which there is no more specific schema.
    fn plain(&mut self, node: &Node, place: &Path) -> Json {
        match &node.content {
            Content::Number(number) if !self.is_exact(node, *number, true) => Json::Null,
            Content::List(items) => items
                .iter()
                .enumerate()
                .map(|(index, item)| self.plain(item, &place.index(index)))
                .collect(),
            Content::Map(entries) => {
                let mut result = serde_json::Map::new();
                for entry in entries {
                    let inner = place.key(&*entry.key);
                    if self.is_blank(&entry.value) {
                        self.no_value(entry, None, &inner);
                    } else {
                        result.insert(entry.key.clone(), self.plain(&entry.value, &inner));
                    }
                }
                Json::Object(result)
            }
            _ => json(node),
        }
    }

    fn unknown_key(&mut self, entry: &Entry, schema: &Json, place: &Path) {
        if self.errors.len() >= MOST_FAULTS {
            return;
        }
        if let Some(reason) = schema["x-unsupported"][&entry.key].as_str() {
            let label = format!("`{}` is not supported yet", entry.key);
            self.refuse(StackError::new(Fault::Unsupported, entry.key_span, label).help(reason));
            return;
        }
        let outputs = schema["x-outputs"].as_array().into_iter().flatten();
        if outputs.into_iter().any(|output| *output == *entry.key) {
            let label = format!("`{}` is decided by AWS", entry.key);
            let help = "take the key out; where it is needed, `${…}` asks for it";
            self.refuse(StackError::new(Fault::UnknownKey, entry.key_span, label).help(help));
            return;
        }
        let label = format!("{} has no `{}`", subject(place), entry.key);
        let error = StackError::new(Fault::UnknownKey, entry.key_span, label);
        if let Some(meant) = schema["x-synonyms"][&entry.key].as_str() {
            self.refuse(error.suggest(Some(meant.to_owned())));
            return;
        }
        if let Some(part) = schema["x-parts"][&entry.key].as_str() {
            let help = format!("take it out, and declare it as a resource of its own: `{part}`");
            self.refuse(error.help(help));
            return;
        }
        let mut keys: Vec<&str> = schema["properties"]
            .as_object()
            .into_iter()
            .flatten()
            .map(|(key, _)| key.as_str())
            .filter(|key| !key.starts_with('$'))
            .collect();
        keys.sort_unstable();
        self.refuse(match nearest(&entry.key, keys.iter().copied()) {
            Some(nearest) => error.suggest(Some(nearest)),
            None if keys.is_empty() => error,
            None => error.help(format!("it takes {}", list_of_all(&keys))),
        });
    }

    /// The spelling of a key whose dots a flag took for separators.
    fn split_key(&self, node: &Node, place: &Path) -> Option<String> {
        if !self.document.is_flag(node.span) {
            return None;
        }
        let (last, parent) = place.split_last()?;
        let mut key = last.as_key().into_owned();
        let mut inner = node;
        while let [entry] = inner.entries() {
            key = format!("{key}.{}", entry.key);
            inner = &entry.value;
        }
        let path = Path::from(parent).key(key);
        Some(format!(
            "if the key has dots of its own, quote it: `--set '{path}=…'`"
        ))
    }

    fn wrong_type(&mut self, node: &Node, options: &[&Json], place: &Path) {
        let wanted = wanted(options);
        let source = self.document.text(node.span);
        let found = match &node.content {
            Content::Null => "nothing".to_owned(),
            Content::Bool(_) => format!("`{source}`"),
            Content::Number(_) => format!("the number `{source}`"),
            Content::Text(_) => "a text".to_owned(),
            Content::List(_) => "a list".to_owned(),
            Content::Map(_) => "a map".to_owned(),
        };
        let wanted_text = options.iter().any(|option| is_text(option));
        let wants = |kind: &str| options.iter().any(|option| has_type(option, kind));
        let help = match &node.content {
            Content::Text(text) if wants("boolean") => {
                spoken_boolean(text).map(|truth| format!("write `{truth}`, without quotes"))
            }
            Content::Text(text) if wants("integer") || wants("number") => {
                let digits = text.replace('_', "");
                let number = digits
                    .parse::<f64>()
                    .ok()
                    .filter(|number| number.is_finite());
                number.map(|number| format!("write it as a plain number: {number}"))
            }
            Content::Text(text) if wants("array") => Some(format!(
                "write it as a list: [{}]",
                Json::from(text.as_str())
            )),
            Content::Number(_) if wants("array") => Some(format!("write it as a list: [{source}]")),
            Content::Map(_) if wanted_text => self.split_key(node, place),
            _ => None,
        };
        let label = format!("{} takes {wanted}, not {found}", subject(place));
        let span = match node.content {
            // A list or map may be a page long; its first line says enough.
            Content::List(_) | Content::Map(_) => first_line(node.span, source),
            _ => node.span,
        };
        let mut error = StackError::new(Fault::WrongType, span, label);
        error.help = help;
        self.refuse(error);
    }
}

fn fits(node: &Node, schema: &Json) -> bool {
    match &node.content {
        Content::Null => has_type(schema, "null"),
        Content::Bool(_) => has_type(schema, "boolean"),
        Content::Number(number) => {
            has_type(schema, "number") || number.fract() == 0.0 && has_type(schema, "integer")
        }
        Content::Text(_) => is_text(schema),
        Content::List(_) => has_type(schema, "array"),
        Content::Map(_) => has_type(schema, "object"),
    }
}

fn first_line(span: Span, source: &str) -> Span {
    let length = source.lines().next().map_or(0, str::len) as u32;
    Span { length, ..span }
}

fn subject(place: &Path) -> String {
    if place.is_empty() {
        "a stack".to_owned()
    } else {
        format!("`{place}`")
    }
}

fn is_text(schema: &Json) -> bool {
    has_type(schema, "string")
}

fn is_scalar(schema: &Json) -> bool {
    schema["x-scalar"] == true
}

/// The values that a key takes, in plain words: `a whole number from 20 to 65536`. `root` is the schema that `$ref` points
/// into.
pub fn takes(root: &Json, schema: &Json) -> String {
    let options = alternatives(root, schema);
    words(&options).map_or_else(|| wanted(&options), |words| list_of(&words))
}

/// The values that one of several schemas takes.
fn wanted(options: &[&Json]) -> String {
    let wanted: Vec<String> = options
        .iter()
        .filter(|option| option["type"] != "null")
        .map(|option| expected(option))
        .collect();
    wanted.join(", or ")
}

/// The values that a schema takes.
fn expected(schema: &Json) -> String {
    let range =
        |low: &str, high: &str, unit: &str| match (schema[low].as_f64(), schema[high].as_f64()) {
            (Some(low), Some(high)) if low >= high => format!(" with {low}{unit}"),
            (Some(low), Some(high)) => format!(" from {low} to {high}{unit}"),
            (Some(low), None) => format!(" of at least {low}{unit}"),
            (None, Some(high)) => format!(" of at most {high}{unit}"),
            (None, None) => String::new(),
        };
    let known = |kind: &str| schema.get("type").is_some() && has_type(schema, kind);
    if let Some(words) = words(&[schema]) {
        list_of(&words)
    } else if is_scalar(schema) {
        "a text, a number or a boolean".to_owned()
    } else if known("boolean") && (known("integer") || known("number")) {
        let kind = if known("integer") {
            "whole number"
        } else {
            "number"
        };
        format!(
            "`true`, `false` or a {kind}{}",
            range("minimum", "maximum", "")
        )
    } else if known("string") {
        format!("a text{}", range("minLength", "maxLength", " characters"))
    } else if known("integer") {
        let step = schema["multipleOf"]
            .as_f64()
            .map_or_else(String::new, |step| format!(" in steps of {step}"));
        format!("a whole number{}{step}", range("minimum", "maximum", ""))
    } else if known("number") {
        format!("a number{}", range("minimum", "maximum", ""))
    } else if known("boolean") {
        "`true` or `false`".to_owned()
    } else if known("array") {
        format!("a list{}", range("minItems", "maxItems", " entries"))
    } else if known("object") {
        "a map".to_owned()
    } else {
        "another value".to_owned()
    }
}

/// `` `a`, `b` or `c` ``.
pub fn list_of(words: &[&str]) -> String {
    enumerate(words, "or")
}

fn list_of_all(words: &[&str]) -> String {
    enumerate(words, "and")
}

fn enumerate(words: &[&str], last: &str) -> String {
    let quoted: Vec<String> = words.iter().map(|word| format!("`{word}`")).collect();
    match quoted.split_last() {
        Some((only, [])) => only.clone(),
        Some((end, rest)) => format!("{} {last} {end}", rest.join(", ")),
        None => String::new(),
    }
}

/// The boolean that old YAML, or an author who quotes it, means.
fn spoken_boolean(text: &str) -> Option<bool> {
    match text.to_ascii_lowercase().as_str() {
        "yes" | "on" | "true" | "y" => Some(true),
        "no" | "off" | "false" | "n" => Some(false),
        _ => None,
    }
}

fn is_one_reference(text: &str) -> bool {
    text.starts_with("${")
        && matches!(reference::split(text), (parts, malformed)
            if malformed.is_empty() && matches!(parts[..], [Part::Reference(_)]))
}

/// A node as JSON, unchecked.
fn json(node: &Node) -> Json {
    match &node.content {
        Content::Null => Json::Null,
        Content::Bool(value) => Json::Bool(*value),
        Content::Number(number) if number.fract() == 0.0 => Json::from(*number as i64),
        Content::Number(number) => Json::from(*number),
        Content::Text(text) => Json::String(text.clone()),
        Content::List(items) => items.iter().map(json).collect(),
        Content::Map(entries) => entries
            .iter()
            .map(|entry| (entry.key.clone(), json(&entry.value)))
            .collect::<serde_json::Map<_, _>>()
            .into(),
    }
}

#[cfg(test)]
mod tests;
