//! The shape of a value: a node of a type's schema, with references followed.

use serde_json::{Map, Value as Json};

use super::spelling::Spelling;
use super::type_facts::TypeFacts;

/// The shape of a value of a type.
#[derive(Debug, Clone, Copy)]
pub struct Shape {
    facts: &'static TypeFacts,
    node: &'static Json,
}

impl TypeFacts {
    /// The shape of an object with all of its properties.
    pub fn shape(&'static self) -> Shape {
        Shape::of(self, &self.root)
    }
}

impl Shape {
    fn of(facts: &'static TypeFacts, node: &'static Json) -> Self {
        /// Deeper than definitions refer to each other.
        const DEEPEST: usize = 20;
        let mut node = node;
        for _ in 0..DEEPEST {
            let Some(name) = node["$ref"]
                .as_str()
                .and_then(|path| path.strip_prefix("#/definitions/"))
            else {
                break;
            };
            let Some(definition) = facts.definitions.get(name) else {
                break;
            };
            node = definition;
        }
        Self { facts, node }
    }

    pub fn facts(self) -> &'static TypeFacts {
        self.facts
    }

    pub fn node(self) -> &'static Json {
        self.node
    }

    /// The alternatives, if it has any, of which each says more about a value.
    fn alternatives(self) -> impl Iterator<Item = Self> {
        let keys = ["oneOf", "anyOf", "allOf"].into_iter();
        let nodes = keys.filter_map(|key| self.node[key].as_array()).flatten();
        nodes.map(move |node| Self::of(self.facts, node))
    }

    fn own_properties(self) -> impl Iterator<Item = (&'static String, &'static Json)> {
        self.node["properties"].as_object().into_iter().flatten()
    }

    /// The properties of an object, by CloudFormation's names.
    pub fn properties(self) -> Vec<(&'static str, Self)> {
        let mut all: Vec<(&'static str, Self)> = self
            .own_properties()
            .map(|(name, node)| (name.as_str(), Self::of(self.facts, node)))
            .collect();
        for alternative in self.alternatives() {
            for (name, shape) in alternative.properties() {
                // An alternative may say of a property of the whole only that it has to be there.
                if !all.iter().any(|(known, _)| *known == name) {
                    all.push((name, shape));
                }
            }
        }
        all
    }

    /// The property of a name in a spelling, with CloudFormation's name.
    pub fn property(self, name: &str, spelling: Spelling) -> Option<(&'static str, Self)> {
        let mut properties = self.properties().into_iter();
        properties.find(|(known, _)| match spelling {
            Spelling::CloudFormation => *known == name,
            Spelling::Native => super::property_name(known) == name,
        })
    }

    /// The shape of what stands under keys that the author chooses.
    pub fn others(self) -> Option<Self> {
        let patterns = self.node["patternProperties"].as_object();
        let node = patterns
            .and_then(|patterns| patterns.values().next())
            .or_else(|| {
                self.node
                    .get("additionalProperties")
                    .filter(|node| node.is_object())
            })?;
        Some(Self::of(self.facts, node))
    }

    /// The shape of the elements of a list.
    pub fn items(self) -> Option<Self> {
        let node = self.node.get("items").filter(|node| node.is_object());
        let own = node.map(|node| Self::of(self.facts, node));
        own.or_else(|| self.alternatives().find_map(Self::items))
    }

    /// The kinds of values that it takes: `string`, `object`. None are named where the schema does not say.
    pub fn kinds(self) -> Vec<&'static str> {
        match &self.node["type"] {
            Json::String(kind) => vec![kind],
            Json::Array(kinds) => kinds.iter().filter_map(Json::as_str).collect(),
            _ if self.node["properties"].is_object() => vec!["object"],
            _ => self.alternatives().flat_map(Self::kinds).collect(),
        }
    }

    pub fn takes(self, kind: &str) -> bool {
        self.kinds().contains(&kind)
    }

    /// Returns whether a value is a JSON document of the author's own: an object without named keys, or one that may be
    /// written as text.
    pub fn is_document(self) -> bool {
        let kinds = self.kinds();
        let is_object = kinds.contains(&"object");
        let is_named = !self.properties().is_empty() || self.others().is_some();
        is_object && (!is_named || kinds.contains(&"string"))
    }

    /// Returns whether the order of a list has no meaning.
    pub fn is_set(self) -> bool {
        self.node["insertionOrder"] == false || self.node["uniqueItems"] == true
    }

    /// The value that it has if none is given.
    pub fn default(self) -> Option<&'static Json> {
        self.node.get("default")
    }

    /// The words that it takes; AWS's schemas do not always have the newest.
    pub fn words(self) -> Option<&'static Vec<Json>> {
        self.node["enum"].as_array()
    }

    /// The required properties of an object.
    pub fn required(self) -> impl Iterator<Item = &'static str> {
        let names = self.node["required"].as_array().into_iter().flatten();
        names.filter_map(Json::as_str)
    }

    /// A member of the schema: `maxLength`.
    pub fn bound(self, name: &str) -> Option<u64> {
        self.node[name].as_u64()
    }

    /// Returns whether a text fits the pattern. One that this program cannot read is AWS's to check.
    pub fn fits(self, text: &str) -> bool {
        let Some(pattern) = self.node["pattern"].as_str() else {
            return true;
        };
        let schema = serde_json::json!({ "type": "string", "pattern": pattern });
        let validator = jsonschema::validator_for(&schema);
        validator.map_or(true, |validator| validator.is_valid(&text.into()))
    }

    /// A JSON value with its keys in another spelling. Keys that the author chooses stay as they are, and so do documents.
    pub fn respelled(self, value: &Json, from: Spelling, to: Spelling) -> Json {
        match value {
            Json::Object(_) if self.is_document() && self.properties().is_empty() => value.clone(),
            Json::Object(entries) => {
                let entries = entries.iter().map(|(key, value)| {
                    if let Some((name, shape)) = self.property(key, from) {
                        return (to.property(name), shape.respelled(value, from, to));
                    }
                    let others = self.others();
                    let value = others
                        .map_or_else(|| value.clone(), |others| others.respelled(value, from, to));
                    (key.clone(), value)
                });
                Json::Object(entries.collect::<Map<_, _>>())
            }
            Json::Array(values) => match self.items() {
                Some(items) => values
                    .iter()
                    .map(|value| items.respelled(value, from, to))
                    .collect(),
                None => value.clone(),
            },
            other => other.clone(),
        }
    }
}
