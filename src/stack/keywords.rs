//! The keywords of a JSON Schema by which a file is checked and its scalars are read.

use serde_json::Value as Json;

/// The schema that a chain of references leads to.
pub fn resolve<'a>(root: &'a Json, mut schema: &'a Json) -> &'a Json {
    while let Some(pointer) = schema["$ref"].as_str() {
        let target = pointer
            .strip_prefix('#')
            .and_then(|pointer| root.pointer(pointer));
        match target {
            Some(target) => schema = target,
            None => break,
        }
    }
    schema
}

/// The schemas of which one must fit, that of `null` among them where a key may be left out.
pub fn alternatives<'a>(root: &'a Json, schema: &'a Json) -> Vec<&'a Json> {
    let schema = resolve(root, schema);
    match schema["anyOf"]
        .as_array()
        .or_else(|| schema["oneOf"].as_array())
    {
        Some(options) => options
            .iter()
            .flat_map(|option| alternatives(root, option))
            .collect(),
        None => vec![schema],
    }
}

/// Returns whether a schema takes values of a type.
pub fn has_type(schema: &Json, name: &str) -> bool {
    match &schema["type"] {
        Json::String(kind) => kind == name,
        Json::Array(kinds) => kinds.iter().any(|kind| kind == name),
        // A schema that names no type takes everything.
        _ => schema.get("enum").is_none() && schema.get("const").is_none(),
    }
}

/// The words of an enumeration, if that is all the schemas allow.
pub fn words<'a>(options: &[&'a Json]) -> Option<Vec<&'a str>> {
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
