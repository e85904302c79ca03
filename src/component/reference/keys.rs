//! The keys of a section as its schema describes them.

use serde_json::Value as Json;

use super::defaults::{self, ENVIRONMENTS};
use crate::stack::takes;

/// The name of an entry that an author chooses.
const NAME: &str = "NAME";

/// The start of the sentence with the default, in the description of a key.
const DEFAULT: &str = "Default: ";

/// A map with known keys: a section, or what is nested in one.
pub struct Group {
    /// Its path in the file: `services.NAME.healthCheck`.
    pub path: String,
    pub keys: Vec<Key>,
}

/// One key.
pub struct Key {
    pub name: String,
    /// Its path in the file.
    pub path: String,
    pub meaning: String,
    /// The values that it takes, in words.
    pub takes: String,
    /// The default as the description has it.
    pub default: Option<String>,
    /// A value as an example, as YAML.
    example: Option<String>,
    /// The words that it takes, each with its meaning.
    words: Vec<(String, String)>,
    is_required: bool,
    /// The path of the keys below it.
    pub below: Option<String>,
}

impl Key {
    /// The default in each environment; `None` if the description gives none that can be told apart.
    pub fn by_environment(&self) -> Option<[String; ENVIRONMENTS.len()]> {
        let otherwise = if self.takes.contains("`true`") {
            "false"
        } else {
            "none"
        };
        defaults::by_environment(self.default.as_deref()?, otherwise)
    }

    /// The key as an item of a list in Markdown, on one line, with the words that it takes below.
    pub fn item(&self) -> (String, Vec<String>) {
        let mut text = format!("**`{}`**:", self.name);
        if self.is_required {
            text += " Required.";
        }
        if !self.meaning.is_empty() {
            text += &format!(" {}", self.meaning);
        }
        match &self.below {
            Some(below) => {
                text += &format!(
                    " Takes {}; keys: [`{below}`](#{}).",
                    self.takes,
                    anchor(below)
                );
            }
            None => text += &format!(" Takes {}.", self.takes),
        }
        if let Some(default) = &self.default {
            text += &format!(" Default: {default}.");
        }
        if let Some(example) = &self.example {
            text += &format!(" Example: `{example}`.");
        }
        let words = self.words.iter();
        let words = words.map(|(word, meaning)| format!("`{word}`: {meaning}"));
        (text, words.collect())
    }
}

/// The anchor that GitHub gives a heading which is a path in backticks.
pub fn anchor(path: &str) -> String {
    let kept = path.chars().filter(|c| c.is_alphanumeric() || *c == '-');
    kept.collect::<String>().to_lowercase()
}

/// The keys of a schema and of all that is nested in it, each map a group of its own.
pub fn groups(root: &Json, path: &str, schema: &Json) -> Vec<Group> {
    let Some((path, map)) = map_below(root, path, schema) else {
        return Vec::new();
    };
    let required = map["required"].as_array().into_iter().flatten();
    let required: Vec<&str> = required.filter_map(Json::as_str).collect();
    let mut group = Group {
        path: path.clone(),
        keys: Vec::new(),
    };
    let mut nested = Vec::new();
    for (name, schema) in map["properties"].as_object().into_iter().flatten() {
        let inner = match path.as_str() {
            "" => name.clone(),
            path => format!("{path}.{name}"),
        };
        let below = map_below(root, &inner, schema).map(|(path, _)| path);
        nested.extend(groups(root, &inner, schema));
        let (meaning, default) = split(&description(root, schema));
        // A default that is a part of the schema is a default in each environment.
        let own = schema["default"]
            .as_bool()
            .map(|default| default.to_string());
        let default = default.or(own);
        group.keys.push(Key {
            takes: kind(root, schema),
            words: words(root, schema),
            example: example(root, schema),
            is_required: required.contains(&name.as_str()),
            name: name.clone(),
            path: inner,
            meaning,
            default,
            below,
        });
    }
    [group].into_iter().chain(nested).collect()
}

/// The schemas of which one must fit.
fn options<'a>(root: &'a Json, schema: &'a Json) -> Vec<&'a Json> {
    if let Some(pointer) = schema["$ref"]
        .as_str()
        .and_then(|path| path.strip_prefix('#'))
    {
        return options(root, root.pointer(pointer).unwrap());
    }
    let several = schema["anyOf"].as_array().or(schema["oneOf"].as_array());
    match several {
        Some(several) => several.iter().flat_map(|one| options(root, one)).collect(),
        None => vec![schema],
    }
}

/// The map with known keys that a value is, or holds by name or in a list, with its path.
fn map_below<'a>(root: &'a Json, path: &str, schema: &'a Json) -> Option<(String, &'a Json)> {
    let options = options(root, schema);
    options.into_iter().find_map(|option| {
        if option["properties"].is_object() {
            return Some((path.to_owned(), option));
        }
        let inside = |key: &str, path: String| {
            let schema = option.get(key).filter(|schema| schema.is_object())?;
            map_below(root, &path, schema)
        };
        inside("additionalProperties", format!("{path}.{NAME}"))
            .or_else(|| inside("items", format!("{path}[]")))
    })
}

/// The values that a key takes, and those of the entries of a list or a map.
fn kind(root: &Json, schema: &Json) -> String {
    let kind = takes(root, schema);
    let options = options(root, schema);
    let entries = |key: &str| {
        let mut entries = options.iter().filter_map(|option| option.get(key));
        let entry = entries.find(|schema| schema.is_object())?;
        Some(takes(root, entry))
    };
    if let Some(of) = entries("items") {
        return format!("{kind}, each {of}");
    }
    match entries("additionalProperties") {
        Some(of) if of != "another value" => format!("{kind} by name, each {of}"),
        _ => kind,
    }
}

/// The first example of a key; none where the words that it takes say as much.
fn example(root: &Json, schema: &Json) -> Option<String> {
    let example = schema["examples"].get(0)?;
    words(root, schema).is_empty().then(|| inline(example))
}

/// A value on one line of YAML.
fn inline(value: &Json) -> String {
    match value {
        Json::String(text) => text.clone(),
        Json::Array(items) => {
            let items: Vec<String> = items.iter().map(quoted).collect();
            format!("[{}]", items.join(", "))
        }
        Json::Object(entries) => {
            let entries = entries.iter();
            let entries: Vec<String> = entries
                .map(|(key, value)| format!("{key}: {}", quoted(value)))
                .collect();
            format!("{{ {} }}", entries.join(", "))
        }
        other => other.to_string(),
    }
}

/// A value inside another one: in quotes where YAML would take it for something else.
fn quoted(value: &Json) -> String {
    match value {
        Json::String(text)
            if !text
                .chars()
                .all(|c| c.is_alphanumeric() || ".-_/".contains(c)) =>
        {
            value.to_string()
        }
        other => inline(other),
    }
}

/// The words of an enumeration that say what they mean.
fn words(root: &Json, schema: &Json) -> Vec<(String, String)> {
    let described = |option: &Json| {
        let word = option["const"].as_str()?;
        Some((
            word.to_owned(),
            option["description"].as_str()?.replace('\n', " "),
        ))
    };
    let all = options(root, schema).into_iter();
    all.flat_map(|option| match option.get("items") {
        Some(items) => options(root, items),
        None => vec![option],
    })
    .filter_map(described)
    .collect()
}

/// The description of a key on one line: its own, or that of its type.
pub fn description(root: &Json, schema: &Json) -> String {
    let own = schema["description"].as_str();
    let of_type = || {
        let mut options = options(root, schema).into_iter();
        options.find_map(|option| option["description"].as_str())
    };
    own.or_else(of_type).unwrap_or_default().replace('\n', " ")
}

/// Splits a description into its meaning and the default, whose sentence can stand anywhere in it.
fn split(description: &str) -> (String, Option<String>) {
    let Some((before, after)) = description.split_once(DEFAULT) else {
        return (description.to_owned(), None);
    };
    let (default, rest) = first_sentence(after);
    let meaning = format!("{} {rest}", before.trim()).trim().to_owned();
    (meaning, Some(default.trim_end_matches('.').to_owned()))
}

/// Splits a text behind its first sentence.
pub fn first_sentence(text: &str) -> (&str, &str) {
    let end = text.match_indices(". ").map(|(at, _)| at).find(|at| {
        let next = text[at + 2..].chars().next();
        next.is_some_and(|next| next.is_uppercase() || next == '`')
    });
    match end {
        Some(end) => (&text[..=end], &text[end + 2..]),
        None => (text, ""),
    }
}
