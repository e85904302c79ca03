//! The outputs that references can name: what they lead to, and what that is.

use serde_json::Value as Json;

use super::keys::first_sentence;
use crate::component::lookup::Export;
use crate::graph::FACTS_TOKEN;
use crate::resource::{Catalog, OutputReference, Schema, Value};

/// The outputs below a name, as rows: the reference, and what it is.
pub fn rows(catalog: &Catalog, name: &str, export: &Export) -> Vec<[String; 2]> {
    let what = match export {
        Export::Group(group) => {
            let entries = group.iter();
            return entries
                .flat_map(|(key, export)| rows(catalog, &format!("{name}.{key}"), export))
                .collect();
        }
        Export::Value(value) => describe(catalog, value),
        Export::SecretKey(secret) => format!(
            "the key `{}` of the secret {}; only under `secrets:` of a service",
            secret.key,
            owner(&secret.arn)
        ),
    };
    vec![[format!("`${{{name}}}`"), what]]
}

/// The resource that a value is an output of.
fn owner(value: &Value) -> String {
    match value.references().first() {
        Some(reference) => format!("`{}`", reference.urn.name()),
        None => String::new(),
    }
}

/// The meaning of a value.
pub fn describe(catalog: &Catalog, value: &Value) -> String {
    match value {
        Value::Output(reference) if reference.urn.token() == FACTS_TOKEN => {
            format!("`{}`", plain(value))
        }
        Value::Output(reference) => {
            let schema = catalog.get(reference.urn.token()).unwrap();
            format!("{} (`{}`)", meaning(schema, reference), plain(value))
        }
        Value::List(values) => match values.first() {
            Some(first) => format!("list: {}, …", describe(catalog, first)),
            None => "a list, which may be empty".to_owned(),
        },
        other if other.is_known() => format!("`{}`, known before anything is made", plain(other)),
        other => format!("`{}`", plain(other)),
    }
}

/// A value as an author would write it.
fn plain(value: &Value) -> String {
    match value {
        Value::Output(reference) => format!("${{{reference}}}"),
        Value::Join(parts) => parts.iter().map(plain).collect(),
        Value::String(text) => text.clone(),
        other => format!("{other:?}"),
    }
}

/// The description of an output, which may be an input.
fn meaning(schema: &Schema, reference: &OutputReference) -> String {
    let name = reference.path[0].as_str();
    let root = schema.input_schema.to_value();
    // A key of something nested is described with the type that has it.
    let last = reference.path.last().unwrap();
    let nested = root["$defs"].as_object().into_iter().flatten();
    let mut inputs = [&root].into_iter().chain(nested.map(|(_, inner)| inner));
    let of_input = inputs.find_map(|inputs| inputs["properties"][last]["description"].as_str());
    // What follows says which values an author may give.
    let of_input = of_input.map(|text| text.replace('\n', " "));
    let of_input = of_input.and_then(|text| Some(text.split([':', ';']).next()?.to_owned()));
    let text = match (name, schema.output_description(name)) {
        ("id", _) => "the id".to_owned(),
        ("arn", _) => "the ARN".to_owned(),
        (_, Some(text)) => text.to_owned(),
        (_, None) => of_input.unwrap_or_default(),
    };
    let (first, _) = first_sentence(&text);
    let text = first.trim_end_matches('.');
    // A description begins as a sentence does.
    let lower = |letter: char| letter.to_lowercase().collect::<String>();
    let mut letters = text.chars();
    match letters.next() {
        Some(letter) if letters.clone().next().is_some_and(char::is_lowercase) => {
            lower(letter) + letters.as_str()
        }
        _ => text.to_owned(),
    }
}

/// The first sentence about a resource type.
pub fn about(schema: &Schema) -> String {
    let root: Json = schema.input_schema.to_value();
    let text = root["description"]
        .as_str()
        .unwrap_or_default()
        .replace('\n', " ");
    first_sentence(&text).0.to_owned()
}
