//! Objects as they travel, and as the engine has them.
//!
//! AWS's model of an object holds inputs, outputs and tags in one document, in CloudFormation's spelling.

use serde_json::{Map, Value as Json, json};

use super::rules::MIRRORS;
use crate::facts::{Shape, Spelling, TypeFacts};
use crate::resource::{Properties, Tags, Value};

/// An object in CloudFormation's spelling.
pub(super) type Model = Map<String, Json>;

/// A live object, taken apart.
pub(super) struct Parts {
    pub inputs: Properties,
    pub outputs: Properties,
    /// `None` if the answer leaves the tags out altogether.
    pub tags: Option<Tags>,
    pub arn: Option<String>,
}

/// Returns a value of the engine's as it travels, at a shape.
pub(super) fn sent(shape: Shape, value: &Value) -> Json {
    let json = shape.respelled(
        &Json::from(value),
        Spelling::Native,
        Spelling::CloudFormation,
    );
    in_form(shape, json)
}

/// Brings a document to the form that the type takes: text, or an object.
fn in_form(shape: Shape, json: Json) -> Json {
    match json {
        Json::String(text) if shape.takes("object") && !shape.takes("string") => {
            serde_json::from_str(&text).unwrap_or(Json::String(text))
        }
        Json::Object(_) | Json::Array(_) if shape.kinds() == ["string"] => {
            Json::String(json.to_string())
        }
        Json::Object(entries) => {
            let entries = entries.into_iter().map(|(key, value)| {
                let named = shape.property(&key, Spelling::CloudFormation);
                let inner = named.map(|(_, shape)| shape).or_else(|| shape.others());
                let value = match inner {
                    Some(inner) => in_form(inner, value),
                    None => value,
                };
                (key, value)
            });
            // Some handlers fail at a `null`, which means the same as nothing.
            Json::Object(entries.filter(|(_, value)| !value.is_null()).collect())
        }
        Json::Array(values) => match shape.items() {
            Some(items) => values
                .into_iter()
                .map(|value| in_form(items, value))
                .collect(),
            None => Json::Array(values),
        },
        other => other,
    }
}

/// Returns the model of an object that is to be made.
pub(super) fn desired(facts: &'static TypeFacts, inputs: &Properties, tags: &Tags) -> Model {
    let mut model = match sent(facts.shape(), &Value::Object(inputs.clone())) {
        Json::Object(model) => model,
        _ => Model::new(),
    };
    if let Some(property) = facts.tag_property() {
        model.insert(property.to_owned(), tags_in(facts, property, tags));
    }
    model
}

/// Returns tags in the form in which a type has them: a list of pairs, or a map.
pub(super) fn tags_in(facts: &'static TypeFacts, property: &str, tags: &Tags) -> Json {
    let shape = facts.shape().property(property, Spelling::CloudFormation);
    let is_list = shape.is_none_or(|(_, shape)| shape.takes("array"));
    if is_list {
        let pairs = tags.iter();
        pairs
            .map(|(key, value)| json!({ "Key": key, "Value": value }))
            .collect()
    } else {
        let pairs = tags.iter();
        let pairs = pairs.map(|(key, value)| (key.to_owned(), Json::from(value)));
        Json::Object(pairs.collect())
    }
}

/// Returns the tags of a model.
fn tags_of(value: &Json) -> Tags {
    let text = |value: &Json| value.as_str().map(str::to_owned);
    match value {
        Json::Array(pairs) => pairs
            .iter()
            .filter_map(|pair| {
                Some((
                    text(&pair["Key"])?,
                    text(&pair["Value"]).unwrap_or_default(),
                ))
            })
            .collect(),
        Json::Object(pairs) => pairs
            .iter()
            .filter_map(|(key, value)| Some((key.clone(), text(value)?)))
            .collect(),
        _ => Tags::default(),
    }
}

/// Takes a model apart.
pub(super) fn parts(facts: &'static TypeFacts, model: &Model) -> Parts {
    let tag_property = facts.tag_property();
    let (mut inputs, mut outputs) = (Model::new(), Model::new());
    for (_, name, shown) in MIRRORS.iter().filter(|(of, _, _)| *of == facts.name) {
        let text = model.get(*shown).and_then(Json::as_str);
        if let Some(Ok(document)) = text.map(serde_json::from_str::<Json>) {
            inputs.insert((*name).to_owned(), document);
        }
    }
    for (name, value) in model {
        if Some(name.as_str()) == tag_property || value.is_null() {
            continue;
        }
        let to = if facts.is_read_only(name) {
            &mut outputs
        } else {
            &mut inputs
        };
        to.insert(name.clone(), value.clone());
    }
    let properties = |model: Model| {
        let json = facts.shape().respelled(
            &Json::Object(model),
            Spelling::CloudFormation,
            Spelling::Native,
        );
        match Value::from(json) {
            Value::Object(properties) => properties,
            _ => Properties::new(),
        }
    };
    Parts {
        inputs: properties(inputs),
        outputs: properties(outputs),
        tags: tag_property.and_then(|name| model.get(name)).map(tags_of),
        arn: arn(facts, model),
    }
}

/// Returns the ARN of an object: the property called so, or after the type.
fn arn(facts: &TypeFacts, model: &Model) -> Option<String> {
    let type_name = facts.name.rsplit("::").next().unwrap_or_default();
    let of_type = format!("{type_name}Arn");
    let names = ["Arn", "ARN", "ResourceARN", "ResourceArn", of_type.as_str()];
    let named = names.into_iter().filter_map(|name| model.get(name));
    // The last that is made by AWS: a name such as `ClusterArn` for a type `CacheCluster`.
    let ending = model.iter().filter(|(name, _)| {
        facts.is_read_only(name)
            && (name.ends_with("Arn") || name.ends_with("ARN"))
            && type_name.ends_with(name[..name.len() - 3].trim_end_matches("Resource"))
    });
    let identifier = facts.identifier.iter().filter_map(|name| model.get(name));
    named
        .chain(ending.map(|(_, value)| value))
        .chain(identifier)
        .filter_map(Json::as_str)
        .find(|text| text.starts_with("arn:"))
        .map(str::to_owned)
}
