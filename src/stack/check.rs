//! A document against a JSON Schema, with words for authors: unknown and missing keys, wrong types, values out of range.
//!
//! The schemas are those that `schemars` derives from the specs of the sections and from the inputs of the resource
//! types, so what editors complete is what is checked here. The walk also turns nodes into JSON for `serde`. Beyond the
//! standard it knows three keywords of ours:
//!
//! | keyword | meaning |
//! |---|---|
//! | `x-references` | the text may hold `${…}` |
//! | `x-scalar` | numbers and booleans are taken as the text they were written as |
//! | `x-unsupported` | keys that a reader may expect, each with the reason why it is refused |

use serde_json::Value as Json;

use super::document::Document;
use super::error::{Fault, Span, StackError};
use super::node::{Content, Entry, Node};
use super::reference::{self, Part};
use crate::resource::nearest::nearest;

/// Where `${…}` may stand.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum References {
    /// In place of any value.
    Everywhere,
    /// In texts whose schema says `x-references`.
    WhereMarked,
}

/// After so many faults of one document the rest is no news, and only costs time.
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

    /// Checks one value and turns it into JSON. `place` is its path, for messages; `anchor` is where to point when
    /// something is missing in it. What is at fault is left out of the JSON.
    pub fn value(&mut self, node: &Node, schema: &'a Json, place: &str, anchor: Span) -> Json {
        if self.references == References::Everywhere && node.as_text().is_some_and(is_one_reference)
        {
            return Json::Null;
        }
        let options = self.alternatives(self.resolve(schema));
        if let Some(words) = words(&options) {
            return self.word(node, &options, &words, place);
        }
        let Some(schema) = options.iter().find(|option| self.fits(node, option)) else {
            self.wrong_type(node, &options, place);
            return Json::Null;
        };
        match &node.content {
            Content::Null => Json::Null,
            // Either the schema takes any scalar as text, or a flag gave one.
            Content::Bool(_) | Content::Number(_) if is_text(schema) => {
                self.text(node, self.document.text(node.span), schema, place)
            }
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

    fn resolve(&self, mut schema: &'a Json) -> &'a Json {
        while let Some(pointer) = schema["$ref"].as_str() {
            let target = pointer
                .strip_prefix('#')
                .and_then(|pointer| self.root.pointer(pointer));
            match target {
                Some(target) => schema = target,
                None => break,
            }
        }
        schema
    }

    /// The schemas of which one must fit, that of `null` among them where a key may be left out.
    fn alternatives(&self, schema: &'a Json) -> Vec<&'a Json> {
        match schema["anyOf"]
            .as_array()
            .or_else(|| schema["oneOf"].as_array())
        {
            Some(options) => options
                .iter()
                .flat_map(|option| self.alternatives(self.resolve(option)))
                .collect(),
            None => vec![schema],
        }
    }

    fn fits(&self, node: &Node, schema: &Json) -> bool {
        let as_text = || is_text(schema) && (is_scalar(schema) || self.document.is_flag(node.span));
        match &node.content {
            Content::Null => has_type(schema, "null"),
            Content::Bool(_) => has_type(schema, "boolean") || as_text(),
            Content::Number(number) => {
                has_type(schema, "number")
                    || number.fract() == 0.0 && has_type(schema, "integer")
                    || as_text()
            }
            Content::Text(_) => is_text(schema),
            Content::List(_) => has_type(schema, "array"),
            Content::Map(_) => has_type(schema, "object"),
        }
    }

    fn word(&mut self, node: &Node, options: &[&Json], words: &[&str], place: &str) -> Json {
        match &node.content {
            Content::Null if options.iter().any(|option| has_type(option, "null")) => {}
            Content::Text(text) if words.contains(&text.as_str()) => {
                return Json::String(text.clone());
            }
            Content::Text(text) => {
                let label = format!("`{place}` takes {}", list_of(words));
                self.refuse(
                    StackError::new(Fault::UnknownWord, node.span, label)
                        .suggest(nearest(text, words.iter().copied())),
                );
            }
            _ => self.wrong_type(node, options, place),
        }
        Json::Null
    }

    fn number(&mut self, node: &Node, number: f64, schema: &Json, place: &str) -> Json {
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

    fn text(&mut self, node: &Node, text: &str, schema: &Json, place: &str) -> Json {
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

    fn list(&mut self, node: &Node, items: &[Node], schema: &'a Json, place: &str) -> Json {
        let count = items.len() as u64;
        let few = schema["minItems"].as_u64().is_some_and(|min| count < min);
        let many = schema["maxItems"].as_u64().is_some_and(|max| count > max);
        if few || many {
            let label = format!("`{place}` takes {}; this has {count}", expected(schema));
            self.refuse(StackError::new(Fault::OutOfRange, node.span, label));
        }
        let Some(item_schema) = schema.get("items") else {
            return plain(node);
        };
        let values: Vec<Json> = items
            .iter()
            .enumerate()
            .map(|(index, item)| {
                self.value(item, item_schema, &format!("{place}[{index}]"), item.span)
            })
            .collect();
        // A list with holes would mean something else.
        if few || many || values.contains(&Json::Null) {
            return Json::Null;
        }
        Json::Array(values)
    }

    fn map(&mut self, entries: &[Entry], schema: &'a Json, place: &str, anchor: Span) -> Json {
        let properties = schema["properties"].as_object();
        let others = schema
            .get("additionalProperties")
            .filter(|others| others.is_object());
        let open =
            properties.is_none() && others.is_none() || schema["additionalProperties"] == true;
        let mut result = serde_json::Map::new();
        for entry in entries {
            let inner = match place {
                "" => entry.key.clone(),
                _ => format!("{place}.{}", entry.key),
            };
            let known = properties.and_then(|properties| properties.get(&entry.key));
            match known.or(others) {
                // Leaving a key out and writing `null` mean the same.
                Some(_) if entry.value.is_null() => {}
                Some(schema) => {
                    let value = self.value(&entry.value, schema, &inner, entry.key_span);
                    if !value.is_null() {
                        result.insert(entry.key.clone(), value);
                    }
                }
                None if open => {
                    result.insert(entry.key.clone(), plain(&entry.value));
                }
                None => self.unknown_key(entry, schema, place),
            }
        }
        for name in schema["required"].as_array().into_iter().flatten() {
            let Some(name) = name.as_str() else { continue };
            let given = |entry: &Entry| entry.key == name && !entry.value.is_null();
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

    fn unknown_key(&mut self, entry: &Entry, schema: &Json, place: &str) {
        if self.errors.len() >= MOST_FAULTS {
            return;
        }
        if let Some(reason) = schema["x-unsupported"][&entry.key].as_str() {
            let label = format!("`{}` is not supported yet", entry.key);
            self.refuse(StackError::new(Fault::Unsupported, entry.key_span, label).help(reason));
            return;
        }
        let label = format!("{} has no `{}`", subject(place), entry.key);
        let error = StackError::new(Fault::UnknownKey, entry.key_span, label);
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

    fn wrong_type(&mut self, node: &Node, options: &[&Json], place: &str) {
        let wanted: Vec<String> = options
            .iter()
            .filter(|option| option["type"] != "null")
            .map(|option| expected(option))
            .collect();
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
            Content::Bool(_) | Content::Number(_) if wanted_text => {
                Some(format!("put it in quotes: \"{source}\""))
            }
            Content::Text(text) if wants("boolean") && is_spoken_boolean(text) => {
                Some("write `true` or `false`".to_owned())
            }
            Content::Text(text)
                if (wants("integer") || wants("number")) && text.parse::<f64>().is_ok() =>
            {
                Some(format!("write it without quotes: {text}"))
            }
            Content::Text(_) | Content::Number(_) if wants("array") => {
                Some(format!("write it as a list: [{source}]"))
            }
            _ => None,
        };
        let label = format!(
            "{} takes {}, not {found}",
            subject(place),
            wanted.join(", or ")
        );
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

fn first_line(span: Span, source: &str) -> Span {
    let length = source.lines().next().map_or(0, str::len) as u32;
    Span { length, ..span }
}

fn subject(place: &str) -> String {
    if place.is_empty() {
        "a stack".to_owned()
    } else {
        format!("`{place}`")
    }
}

fn has_type(schema: &Json, name: &str) -> bool {
    match &schema["type"] {
        Json::String(kind) => kind == name,
        Json::Array(kinds) => kinds.iter().any(|kind| kind == name),
        // A schema that names no type takes everything.
        _ => schema.get("enum").is_none() && schema.get("const").is_none(),
    }
}

fn is_text(schema: &Json) -> bool {
    has_type(schema, "string")
}

fn is_scalar(schema: &Json) -> bool {
    schema["x-scalar"] == true
}

/// The words of an enumeration, if that is all the schemas allow.
fn words<'a>(options: &[&'a Json]) -> Option<Vec<&'a str>> {
    let mut words = Vec::new();
    for option in options.iter().filter(|option| option["type"] != "null") {
        match (&option["const"], &option["enum"]) {
            (Json::String(word), _) => words.push(word.as_str()),
            (_, Json::Array(all)) => words.extend(all.iter().filter_map(Json::as_str)),
            _ => return None,
        }
    }
    (!words.is_empty()).then_some(words)
}

/// What a schema takes, in plain words.
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

fn is_spoken_boolean(text: &str) -> bool {
    ["yes", "no", "on", "off", "true", "false"].contains(&text.to_ascii_lowercase().as_str())
}

fn is_one_reference(text: &str) -> bool {
    text.starts_with("${")
        && matches!(reference::split(text), (parts, malformed)
            if malformed.is_empty() && matches!(parts[..], [Part::Reference(_)]))
}

/// A node as JSON, where no schema says more.
fn plain(node: &Node) -> Json {
    match &node.content {
        Content::Null => Json::Null,
        Content::Bool(value) => Json::Bool(*value),
        Content::Number(number) if number.fract() == 0.0 => Json::from(*number as i64),
        Content::Number(number) => Json::from(*number),
        Content::Text(text) => Json::String(text.clone()),
        Content::List(items) => items.iter().map(plain).collect(),
        Content::Map(entries) => entries
            .iter()
            .map(|entry| (entry.key.clone(), plain(&entry.value)))
            .collect::<serde_json::Map<_, _>>()
            .into(),
    }
}
