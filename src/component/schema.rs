//! The JSON Schema of stack files for editors, with the inputs of all resource types.

use serde_json::{Map, Value as Json, json};

use super::raw;
use super::sections::SECTIONS;
use crate::resource::Catalog;
use crate::stack;

/// The name of the schema of a `${…}` text.
const REFERENCE: &str = "Reference";

/// Keywords that hold one schema each, lists of schemas, and schemas by name.
const INNER: &[&str] = &["items", "additionalProperties", "not", "if", "then", "else"];
const INNER_LISTS: &[&str] = &["anyOf", "oneOf", "allOf", "prefixItems"];
const INNER_MAPS: &[&str] = &["properties", "patternProperties", "$defs"];

/// The schema of stack files for editors.
pub fn json_schema(catalog: &Catalog) -> Json {
    let mut root = stack::schema_of(&SECTIONS);
    for section in SECTIONS.all {
        let schema = root["properties"][section.key].take();
        root["properties"][section.key] = or_null(schema);
    }
    let tokens: Vec<&str> = catalog.iter().map(|schema| schema.token).collect();
    let resource = &mut root["$defs"]["Resource"];
    resource["properties"]["type"]["anyOf"] = json!([
        { "enum": tokens },
        { "pattern": "^[a-z]+:[a-z0-9]+/[A-Za-z0-9]+:[A-Za-z0-9]+$" },
    ]);
    resource["allOf"] = catalog
        .iter()
        .map(|schema| {
            let inputs = format!("#/$defs/{}", definition(schema.token));
            json!({
                "if": { "properties": { "type": { "const": schema.token } } },
                "then": { "properties": { "properties": { "$ref": inputs } } },
            })
        })
        .collect();
    for schema in catalog.iter() {
        add_inputs(&mut root, schema.token, raw::inputs_schema(schema));
    }
    root["$defs"][REFERENCE] = json!({
        "description": "`${name.output}`: an output of a section or of another resource.",
        "type": "string",
        "pattern": "\\$\\{",
    });
    tidy(&mut root);
    root["$schema"] = json!("https://json-schema.org/draft/2020-12/schema");
    root["title"] = json!("fde-infra stack");
    root
}

/// The name of a type among the definitions: a `:` would have to be escaped in some readers of references.
fn definition(token: &str) -> String {
    token.replace(':', ".")
}

/// Lets a section be `null`: leaving it out and writing `null` mean the same.
fn or_null(mut schema: Json) -> Json {
    let description = schema.get("description").cloned();
    if let Some(schema) = schema.as_object_mut() {
        schema.remove("description");
    }
    let mut either = json!({ "anyOf": [schema, { "type": "null" }] });
    if let Some(description) = description {
        either["description"] = description;
    }
    either
}

/// Adds the inputs of a resource type, with definitions of its own, and lets `${…}` stand for any value in them.
fn add_inputs(root: &mut Json, token: &str, mut schema: Json) {
    let name = definition(token);
    let own = schema
        .as_object_mut()
        .and_then(|schema| schema.remove("$defs"));
    point_to(&mut schema, &name);
    loosen_inside(&mut schema);
    if let Some(schema) = schema.as_object_mut() {
        schema.remove("$schema");
        schema.remove("title");
        // Pulumi has the tags among the properties; here they are the engine's.
        if let Some(Json::Object(properties)) = schema.get_mut("properties") {
            properties.entry("tags").or_insert_with(|| {
                json!({
                    "description": "Tags of this resource, beside those of the stack.",
                    "type": "object",
                    "additionalProperties": { "type": "string" },
                })
            });
        }
    }
    root["$defs"][&name] = schema;
    if let Some(Json::Object(own)) = own {
        for (inner, mut schema) in own {
            point_to(&mut schema, &name);
            loosen_inside(&mut schema);
            root["$defs"][format!("{name}.{inner}")] = schema;
        }
    }
}

/// Points references at definitions that carry the name of the type.
fn point_to(schema: &mut Json, name: &str) {
    if let Some(Json::String(target)) = schema.get_mut("$ref")
        && let Some(inner) = target.strip_prefix("#/$defs/")
    {
        *target = format!("#/$defs/{name}.{inner}");
    }
    each_inner(schema, &mut |inner| point_to(inner, name));
}

/// Lets a reference stand in place of every property and entry of a list.
fn loosen_inside(schema: &mut Json) {
    each_inner(schema, &mut loosen_inside);
    for key in ["items", "additionalProperties"] {
        if let Some(inner) = schema.get_mut(key).filter(|inner| inner.is_object()) {
            loosen(inner);
        }
    }
    if let Some(Json::Object(properties)) = schema.get_mut("properties") {
        properties.values_mut().for_each(loosen);
    }
}

fn loosen(schema: &mut Json) {
    let Some(object) = schema.as_object_mut() else {
        return;
    };
    let restricts = [
        "enum",
        "const",
        "$ref",
        "anyOf",
        "oneOf",
        "minLength",
        "maxLength",
        "pattern",
    ];
    let plain_text = object.get("type").is_none_or(|kind| {
        kind == "string"
            || kind
                .as_array()
                .is_some_and(|all| all.contains(&json!("string")))
    }) && !restricts
        .iter()
        .any(|keyword| object.contains_key(*keyword));
    if plain_text {
        return;
    }
    let mut either = Map::new();
    for keyword in ["description", "default", "examples"] {
        if let Some(value) = object.remove(keyword) {
            either.insert(keyword.to_owned(), value);
        }
    }
    let reference = json!({ "$ref": format!("#/$defs/{REFERENCE}") });
    either.insert("anyOf".to_owned(), json!([schema, reference]));
    *schema = Json::Object(either);
}

/// Takes out what only our own check and Rust understand.
fn tidy(schema: &mut Json) {
    if let Some(object) = schema.as_object_mut() {
        object.retain(|keyword, _| !keyword.starts_with("x-"));
        let rust_number = |format: &Json| {
            let name = format.as_str().unwrap_or_default();
            ["int", "uint", "float", "double"]
                .iter()
                .any(|kind| name.starts_with(kind))
        };
        if object.get("format").is_some_and(rust_number) {
            object.remove("format");
        }
    }
    each_inner(schema, &mut tidy);
}

fn each_inner(schema: &mut Json, visit: &mut dyn FnMut(&mut Json)) {
    let Some(object) = schema.as_object_mut() else {
        return;
    };
    for (keyword, value) in object {
        let keyword = keyword.as_str();
        match value {
            Json::Object(inner) if INNER_MAPS.contains(&keyword) => {
                inner.values_mut().for_each(&mut *visit);
            }
            Json::Array(inner) if INNER_LISTS.contains(&keyword) => {
                inner.iter_mut().for_each(&mut *visit);
            }
            inner if INNER.contains(&keyword) => visit(inner),
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use expect_test::expect_file;

    use super::*;
    use crate::aws::registry::catalog;

    fn schema_text() -> String {
        format!("{:#}\n", json_schema(&catalog()))
    }

    #[test]
    fn the_committed_schema_is_current() {
        expect_file!["../../stacks/schema.json"].assert_eq(&schema_text());
    }

    fn faults(text: &str) -> Vec<String> {
        let schema = json_schema(&catalog());
        let validator = jsonschema::validator_for(&schema).unwrap();
        let file: Json = serde_yaml::from_str(text).unwrap();
        validator
            .iter_errors(&file)
            .map(|fault| format!("{}: {fault}", fault.instance_path()))
            .collect()
    }

    #[test]
    fn an_editor_finds_nothing_in_the_reference_stacks() {
        for text in [
            include_str!("../../stacks/dev.yaml"),
            include_str!("../../stacks/staging.yaml"),
            include_str!("../../stacks/prod.yaml"),
        ] {
            assert_eq!(faults(text), Vec::<String>::new());
        }
    }

    #[test]
    fn an_editor_finds_what_we_find() {
        let head = "name: shop\nenvironment: dev\nregion: eu-south-2\n";
        let sound = "database: null\nresources:\n  a:\n    type: aws:ec2:Vpc\n    properties: { cidrBlock: \"${b.c}\", enableDnsSupport: \"${b.d}\", tags: { a: b } }\n";
        assert_eq!(faults(&format!("{head}{sound}")), Vec::<String>::new());
        for unsound in [
            "databse: {}\n",
            "database: { storageGiB: many }\n",
            "resources: { a: { type: aws:ec2:Vcp } }\n",
            "resources: { a: { type: aws:ec2:Vpc, properties: { cidrBlok: x } } }\n",
            "resources: { a: { type: aws:ec2:Vpc, properties: { enableDnsSupport: maybe } } }\n",
        ] {
            assert_ne!(
                faults(&format!("{head}{unsound}")),
                Vec::<String>::new(),
                "{unsound}"
            );
        }
    }
}
