//! A type as its authors meet it: whether it can be managed, and the JSON Schema of its properties.

use serde_json::{Map, Value as Json, json};

use super::spelling::Spelling;
use super::type_facts::{Handler, TypeFacts};

impl TypeFacts {
    /// The reason why objects of a type cannot be managed here, with what to do instead.
    pub fn refusal(&self) -> Option<String> {
        let name = &self.name;
        if !self.supported || !self.has(Handler::Create) || !self.has(Handler::Delete) {
            return Some(format!(
                "{name} is not known to work through Cloud Control; make it with another tool"
            ));
        }
        if !self.has(Handler::Read) {
            return Some(format!(
                "AWS does not return the settings of {name}, so that they cannot be compared; make it with another tool"
            ));
        }
        if !self.tagging.taggable || self.tag_property().is_none() {
            return Some(format!(
                "an object of {name} carries no tags that would say whose it is; make it with another tool"
            ));
        }
        None
    }

    /// The property that holds the tags; `None` if a type has none, or keeps them inside of something else.
    pub fn tag_property(&self) -> Option<&str> {
        let place = self.tagging.tag_property.as_ref()?;
        place.is_property().then(|| place.property())
    }

    /// The JSON Schema of what an author writes under `properties:`, in one of the spellings.
    ///
    /// Words and patterns are told to editors, and not held against the author: AWS takes new words before its schemas have
    /// them.
    pub fn author_schema(&'static self, spelling: Spelling) -> Json {
        let mut root = respelled(self.shape().node(), spelling);
        let is_fixed = |name: &str| self.is_read_only(name) || self.tag_property() == Some(name);
        let mut outputs: Vec<Json> = Vec::new();
        for (name, _) in self.shape().properties() {
            if !is_fixed(name) {
                continue;
            }
            let spelled = spelling.property(name);
            if let Some(properties) = root["properties"].as_object_mut() {
                properties.remove(&spelled);
                if self.tag_property() == Some(name) {
                    properties.insert(spelled.clone(), tags());
                }
            }
            if self.is_read_only(name) {
                outputs.push(spelled.into());
            }
        }
        if let Some(required) = root["required"].as_array_mut() {
            let fixed: Vec<String> = self
                .shape()
                .required()
                .filter(|name| is_fixed(name))
                .map(|name| spelling.property(name))
                .collect();
            required.retain(|name| !fixed.iter().any(|fixed| name == fixed));
        }
        root["x-outputs"] = Json::Array(outputs);
        let definitions = self.definitions.iter();
        let definitions = definitions.map(|(name, node)| (name.clone(), respelled(node, spelling)));
        root["$defs"] = Json::Object(definitions.collect());
        root
    }
}

/// The schema of tags, which are the engine's.
fn tags() -> Json {
    json!({
        "description": "Tags of this resource, beside those of the stack: a map, or a list of keys and values.",
        "type": ["object", "array"],
        "additionalProperties": { "type": "string" },
    })
}

/// A node of the published schema as one of ours: `definitions` are called `$defs`, and keys are spelled as the author does.
fn respelled(node: &Json, spelling: Spelling) -> Json {
    let Some(members) = node.as_object() else {
        return node.clone();
    };
    let mut result = Map::new();
    for (name, member) in members {
        let member = match name.as_str() {
            "properties" => {
                let properties = member.as_object().into_iter().flatten();
                let properties = properties
                    .map(|(key, node)| (spelling.property(key), respelled(node, spelling)));
                Json::Object(properties.collect())
            }
            "required" => {
                let names = member.as_array().into_iter().flatten();
                let names = names.filter_map(Json::as_str);
                names
                    .map(|name| Json::from(spelling.property(name)))
                    .collect()
            }
            "$ref" => {
                let path = member.as_str().unwrap_or_default();
                json!(path.replace("#/definitions/", "#/$defs/"))
            }
            "items" | "additionalProperties" => respelled(member, spelling),
            // One shape for all keys that the author chooses.
            "patternProperties" => {
                let patterns = member.as_object();
                if let Some(node) = patterns.and_then(|patterns| patterns.values().next()) {
                    result.insert("additionalProperties".to_owned(), respelled(node, spelling));
                }
                continue;
            }
            // An alternative that only demands keys is AWS's to check.
            "oneOf" | "anyOf" | "allOf" => {
                let nodes = member.as_array().into_iter().flatten();
                let nodes: Vec<Json> = nodes
                    .filter(|node| {
                        node.get("type").is_some()
                            || node.get("$ref").is_some()
                            || node.get("properties").is_some()
                    })
                    .map(|node| respelled(node, spelling))
                    .collect();
                if nodes.is_empty() {
                    continue;
                }
                result.insert("anyOf".to_owned(), Json::Array(nodes));
                continue;
            }
            "enum" => {
                result.insert("examples".to_owned(), member.clone());
                continue;
            }
            "pattern" | "format" | "dependencies" | "const" => continue,
            "additionalItems" | "insertionOrder" | "uniqueItems" => continue,
            _ => member.clone(),
        };
        // A pattern has said it already.
        result.entry(name.clone()).or_insert(member);
    }
    Json::Object(result)
}
