//! The documentation of a key or of a resource type, from the schema that editors use.

use std::collections::BTreeMap;

use serde_json::Value as Json;

use super::line::{Line, wrap};
use super::style::Style;
use crate::resource::nearest::nearest;
use crate::resource::schema::InputSchema;
use crate::resource::{Catalog, Schema};

/// The longest line of prose, however wide the terminal is.
const PROSE: usize = 96;

/// The name of an entry that an author chooses.
const NAME: &str = "<name>";

/// The documentation of one key.
#[derive(Debug)]
pub struct Page<'a> {
    root: &'a Json,
    /// The path as it is shown: `services.<name>.port`.
    path: String,
    /// The path as it was typed: `services.api.port`.
    typed: String,
    /// The schema of the value, with what is said of the key in front of it.
    key: &'a Json,
    /// The resource type, and its property if the page is about one.
    resource: Option<(&'a Schema, Option<String>)>,
}

/// A key that the schema does not have.
#[derive(Debug, PartialEq, Eq)]
pub struct Unknown {
    /// The part that is known, as it is shown; empty for the file itself.
    pub known: String,
    /// The same as it was typed, for a line to copy: a shell would take `<name>` for a redirection.
    pub typed: String,
    pub word: String,
    pub nearest: Option<String>,
}

/// Finds what a path is about: empty for the file, `services.port` or `services.api.port` for a key, a type, or a property
/// of one.
///
/// # Errors
/// The first word that is not there.
pub fn find<'a>(root: &'a Json, catalog: &'a Catalog, path: &str) -> Result<Page<'a>, Unknown> {
    let (token, rest) = split_token(path);
    let mut page = match token {
        None => Page {
            root,
            path: String::new(),
            typed: String::new(),
            key: root,
            resource: None,
        },
        Some(token) => {
            let schema = catalog.get(token).ok_or_else(|| {
                let tokens = catalog.iter().map(|schema| schema.token);
                Unknown {
                    known: String::new(),
                    typed: String::new(),
                    word: token.to_owned(),
                    nearest: nearest(token, tokens),
                }
            })?;
            // Editors have the types that are written by hand; the others bring their schemas.
            let (root, key) = match schema.input_schema {
                InputSchema::Given(own) => (own, own),
                InputSchema::Derived(_) => (root, &root["$defs"][token.replace(':', ".")]),
            };
            Page {
                root,
                path: token.to_owned(),
                typed: token.to_owned(),
                key,
                resource: Some((schema, None)),
            }
        }
    };
    let mut words = rest.split('.').filter(|word| !word.is_empty()).peekable();
    while let Some(word) = words.next() {
        page = page.enter(word, words.peek().is_none())?;
    }
    Ok(page)
}

/// Splits `aws:ec2:Vpc.cidrBlock` into type and property.
fn split_token(path: &str) -> (Option<&str>, &str) {
    if !path.contains(':') {
        return (None, path);
    }
    match path.split_once('.') {
        Some((token, rest)) => (Some(token), rest),
        None => (Some(path), ""),
    }
}

impl<'a> Page<'a> {
    fn enter(mut self, word: &str, is_last: bool) -> Result<Self, Unknown> {
        let value = self.value();
        if let Some(key) = value["properties"].get(word) {
            if let Some((_, property)) = &mut self.resource {
                property.get_or_insert_with(|| word.to_owned());
            }
            push(&mut self.path, word);
            push(&mut self.typed, word);
            self.key = key;
            return Ok(self);
        }
        // A name that the author chooses may be given, or left out.
        if value["additionalProperties"].is_object() {
            push(&mut self.path, NAME);
            self.key = &value["additionalProperties"];
            let below = value_of(self.root, self.key);
            if below["properties"].get(word).is_some() {
                return self.enter(word, is_last);
            }
            if !is_name(word, value) || is_last && mistyped(word, below).is_some() {
                return Err(self.unknown(word));
            }
            push(&mut self.typed, word);
            return Ok(self);
        }
        if value["items"].is_object() {
            self.path.push_str("[]");
            self.key = &value["items"];
            return self.enter(word, is_last);
        }
        Err(self.unknown(word))
    }

    fn unknown(self, word: &str) -> Unknown {
        Unknown {
            nearest: nearest(word, keys_of(self.value())),
            known: self.path,
            typed: self.typed,
            word: word.to_owned(),
        }
    }

    fn value(&self) -> &'a Json {
        value_of(self.root, self.key)
    }

    /// The page as JSON Schema.
    pub fn json(&self) -> &'a Json {
        self.value()
    }

    pub fn render(&self, width: Option<usize>) -> Vec<Line> {
        let prose = Some(width.unwrap_or(PROSE).min(PROSE));
        let value = self.value();
        let title = match self.path.as_str() {
            "" => "a stack file",
            path => path,
        };
        let head = Line::styled(Style::Bold, title);
        let kind = kind(self.root, self.key);
        let mut lines = vec![if self.path.is_empty() {
            head
        } else {
            head.and("  ").with(Style::Faint, kind)
        }];
        let said = text(self.key, "description").or_else(|| text(value, "description"));
        for line in wrap(
            &said.unwrap_or_default().replace('\n', " "),
            prose.map(|width| width - 2),
        ) {
            lines.push(Line::plain(format!("  {line}")));
        }
        for (name, fact) in self.facts() {
            lines.push(Line::styled(Style::Faint, format!("  {name:<8}  ")).and(fact));
        }
        lines.extend(self.keys(prose));
        if let Some((schema, None)) = &self.resource
            && !schema.outputs.is_empty()
        {
            lines.push(Line::new());
            lines.push(Line::plain("Outputs:"));
            let outputs = schema.outputs.join(", ");
            let outputs = wrap(&outputs, prose.map(|width| width - 2));
            lines.extend(outputs.iter().map(|line| Line::plain(format!("  {line}"))));
        }
        lines
    }

    fn facts(&self) -> Vec<(&'static str, String)> {
        let value = self.value();
        let mut facts = Vec::new();
        if let Some(default) = self.key.get("default").or_else(|| value.get("default")) {
            facts.push(("default", inline(default)));
        }
        let examples = self.key.get("examples").or_else(|| value.get("examples"));
        if let Some(example) = examples.and_then(|all| all.get(0)) {
            facts.push(("example", inline(example)));
        }
        if let Some((schema, Some(name))) = &self.resource
            && let Some(property) = schema.property(name)
        {
            if property.replaces {
                facts.push(("change", "needs a new object".to_owned()));
            }
            if property.secret {
                facts.push(("secret", "never shown".to_owned()));
            }
        }
        facts
    }

    /// The keys below, each with the first sentence about it.
    fn keys(&self, width: Option<usize>) -> Vec<Line> {
        let mut value = self.value();
        let mut head = "Keys:".to_owned();
        if !value["properties"].is_object() && value["additionalProperties"].is_object() {
            value = value_of(self.root, &value["additionalProperties"]);
            head = format!("Keys of each {NAME}:");
        }
        let Some(properties) = value["properties"].as_object() else {
            return Vec::new();
        };
        let required: Vec<&str> = value["required"]
            .as_array()
            .or_else(|| value["else"]["required"].as_array())
            .into_iter()
            .flatten()
            .filter_map(Json::as_str)
            .collect();
        let longest = properties.keys().map(|key| key.len()).max().unwrap_or(0);
        let mut lines = vec![Line::new(), Line::plain(head)];
        for (key, schema) in properties {
            let said = text(schema, "description")
                .or_else(|| text(value_of(self.root, schema), "description"));
            let said = first_sentence(&said.unwrap_or_default());
            let said = if required.contains(&key.as_str()) {
                format!("Required. {said}")
            } else {
                said
            };
            let room = width.map(|width| width.saturating_sub(longest + 4).max(20));
            let mut wrapped = wrap(&said, room).into_iter();
            let first = wrapped.next().unwrap_or_default();
            lines.push(
                Line::plain("  ")
                    .with(Style::Bold, format!("{key:<longest$}"))
                    .and(format!("  {first}")),
            );
            lines.extend(wrapped.map(|line| Line::plain(format!("  {:longest$}  {line}", ""))));
        }
        lines
    }
}

/// Appends a word to a path.
fn push(path: &mut String, word: &str) {
    if !path.is_empty() {
        path.push('.');
    }
    path.push_str(word);
}

/// The keys of a map that are known beforehand.
fn keys_of(value: &Json) -> impl Iterator<Item = &str> {
    let keys = value["properties"].as_object().into_iter();
    keys.flat_map(|keys| keys.keys().map(String::as_str))
}

/// Returns whether an author may choose this name for an entry of the map. A capital letter is the mark of a key where the
/// names of entries have none.
fn is_name(word: &str, map: &Json) -> bool {
    let names = &map["propertyNames"];
    let longest = names["maxLength"].as_u64();
    let takes_capitals = names["pattern"]
        .as_str()
        .is_none_or(|pattern| pattern.contains("A-Z"));
    let fits = longest.is_none_or(|longest| word.chars().count() as u64 <= longest);
    let is_capital = |character: char| character.is_ascii_uppercase();
    word == NAME || fits && (takes_capitals || !word.contains(is_capital))
}

/// The key that a word is a slip of. A name may begin with a key: `image-resizer`.
fn mistyped(word: &str, value: &Json) -> Option<String> {
    /// Letters too many, or too few.
    const SLIPS: usize = 2;
    nearest(word, keys_of(value)).filter(|key| word.len().abs_diff(key.len()) <= SLIPS)
}

/// The actions of IAM that operations take, by operation.
pub fn rights(operations: &[(&str, String)], width: Option<usize>) -> Vec<Line> {
    let width = width.unwrap_or(PROSE).min(PROSE);
    let mut lines = vec![
        Line::new(),
        Line::plain("Rights, beside those of Cloud Control:"),
    ];
    for (name, actions) in operations {
        let wrapped = wrap(actions, Some(width.saturating_sub(10)));
        for (index, text) in wrapped.iter().enumerate() {
            let name = if index == 0 { name } else { "" };
            lines.push(
                Line::plain("  ")
                    .with(Style::Bold, format!("{name:<6}"))
                    .and(format!("  {text}")),
            );
        }
    }
    lines
}

/// The schema of a value: behind references, and without the alternatives that say nothing of their own.
fn value_of<'a>(root: &'a Json, schema: &'a Json) -> &'a Json {
    if let Some(name) = schema["$ref"]
        .as_str()
        .and_then(|path| path.strip_prefix("#/$defs/"))
    {
        return value_of(root, &root["$defs"][name]);
    }
    let alternatives = schema["anyOf"].as_array();
    // What is beside them says more: they are about combinations of its keys.
    if schema["properties"].is_object() {
        return schema;
    }
    let worth = |one: &&Json| one["type"] != "null" && one["$ref"] != "#/$defs/Reference";
    match alternatives.and_then(|all| all.iter().find(worth)) {
        Some(one) => value_of(root, one),
        None => schema,
    }
}

/// The kind of a value, in words.
fn kind(root: &Json, schema: &Json) -> String {
    let value = value_of(root, schema);
    if let Some(values) = value["enum"].as_array() {
        let values: Vec<String> = values
            .iter()
            .filter(|value| !value.is_null())
            .map(inline)
            .collect();
        return values.join(" | ");
    }
    if let Some(values) = value["oneOf"].as_array() {
        let values: Vec<String> = values
            .iter()
            .filter_map(|one| one.get("const"))
            .map(inline)
            .collect();
        if !values.is_empty() {
            return values.join(" | ");
        }
    }
    let kinds = match &value["type"] {
        Json::String(kind) => vec![kind.as_str()],
        Json::Array(kinds) => kinds.iter().filter_map(Json::as_str).collect(),
        _ => Vec::new(),
    };
    let is = |kind: &str| kinds.contains(&kind);
    let range = match (value["minimum"].as_f64(), value["maximum"].as_f64()) {
        (Some(low), Some(high)) => format!(" from {low} to {high}"),
        (Some(low), None) => format!(" of at least {low}"),
        (None, Some(high)) => format!(" of at most {high}"),
        (None, None) => String::new(),
    };
    if is("boolean") {
        "true | false".to_owned()
    } else if is("string") {
        "text".to_owned()
    } else if is("integer") {
        format!("whole number{range}")
    } else if is("number") {
        format!("number{range}")
    } else if is("array") {
        match kind(root, &value["items"]).as_str() {
            "" => "list".to_owned(),
            of => format!("list of {of}"),
        }
    } else if is("object") {
        "map".to_owned()
    } else {
        String::new()
    }
}

fn text(schema: &Json, key: &str) -> Option<String> {
    schema.get(key).and_then(Json::as_str).map(str::to_owned)
}

fn first_sentence(text: &str) -> String {
    let text = text.replace('\n', " ");
    let end = text
        .match_indices(". ")
        .map(|(at, _)| at + 1)
        .find(|at| !text[..*at].ends_with("e.g."));
    text[..end.unwrap_or(text.len())].to_owned()
}

/// A value on one line, as YAML would have it.
fn inline(value: &Json) -> String {
    match value {
        Json::String(text) => text.clone(),
        Json::Array(items) => {
            let items: Vec<String> = items.iter().map(inline).collect();
            format!("[{}]", items.join(", "))
        }
        Json::Object(entries) => {
            let entries: BTreeMap<_, _> = entries
                .iter()
                .map(|(key, value)| (key, inline(value)))
                .collect();
            let entries: Vec<String> = entries
                .iter()
                .map(|(key, value)| format!("{key}: {value}"))
                .collect();
            format!("{{ {} }}", entries.join(", "))
        }
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    /// Sections as the schema of stack files has them.
    fn schema() -> Json {
        let service = json!({
            "properties": {
                "port": { "type": "integer" },
                "image": { "type": "string" },
                "environment": { "type": "object", "additionalProperties": { "type": "string" } },
                "healthCheck": { "$ref": "#/$defs/HealthCheck" },
                "permissions": { "type": "array", "items": { "properties": { "actions": {} } } },
            },
        });
        let services = json!({
            "type": "object",
            "additionalProperties": { "$ref": "#/$defs/Service" },
            "propertyNames": { "maxLength": 20, "pattern": "^[a-z]([a-z0-9]|-[a-z0-9])*$" },
        });
        json!({
            "properties": {
                "services": { "anyOf": [services, { "type": "null" }] },
                "database": { "properties": { "backupRetentionDays": { "type": "integer" } } },
            },
            "$defs": {
                "Service": service,
                "HealthCheck": { "properties": { "path": { "type": "string" } } },
            },
        })
    }

    /// The path that is found, or how it is refused.
    fn found(path: &str) -> String {
        match find(&schema(), &Catalog::default(), path) {
            Ok(page) => page.path,
            Err(unknown) => format!(
                "`{}` has no `{}`: {} in {}",
                unknown.known,
                unknown.word,
                unknown.nearest.unwrap_or_else(|| "nothing near".to_owned()),
                unknown.typed
            ),
        }
    }

    #[test]
    fn a_name_may_be_given_or_left_out() {
        for path in ["services.port", "services.api.port", "services.<name>.port"] {
            assert_eq!(found(path), "services.<name>.port");
        }
        // Names may begin as keys do.
        for path in ["services.api", "services.image-resizer", "services.<name>"] {
            assert_eq!(found(path), "services.<name>");
        }
        assert_eq!(found("services.portt.port"), "services.<name>.port");
        assert_eq!(
            found("services.api.environment.LOG_LEVEL"),
            "services.<name>.environment.<name>"
        );
    }

    #[test]
    fn a_mistyped_key_is_no_name() {
        for (path, refused) in [
            (
                "services.portt",
                "`services.<name>` has no `portt`: port in services",
            ),
            (
                "services.healthcheck",
                "`services.<name>` has no `healthcheck`: healthCheck in services",
            ),
            (
                "services.memoryMb.x",
                "`services.<name>` has no `memoryMb`: nothing near in services",
            ),
            (
                "services.a-name-that-no-service-can-have",
                "`services.<name>` has no `a-name-that-no-service-can-have`: nothing near in services",
            ),
            (
                "services.api.portt",
                "`services.<name>` has no `portt`: port in services.api",
            ),
            (
                "services.healthCheck.pth",
                "`services.<name>.healthCheck` has no `pth`: path in services.healthCheck",
            ),
            (
                "services.api.port.number",
                "`services.<name>.port` has no `number`: nothing near in services.api.port",
            ),
            (
                "services.permissions.action",
                "`services.<name>.permissions[]` has no `action`: actions in services.permissions",
            ),
            (
                "services.api.environment.LEVEL.deeper",
                "`services.<name>.environment.<name>` has no `deeper`: nothing near in services.api.environment.LEVEL",
            ),
            (
                "database.backups.retention",
                "`database` has no `backups`: nothing near in database",
            ),
            (
                "database.backupRetention",
                "`database` has no `backupRetention`: backupRetentionDays in database",
            ),
        ] {
            assert_eq!(found(path), refused, "{path}");
        }
    }
}
