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
        let mut schema = root["properties"][section.key].take();
        // An editor shows what is said of the key, not what is said of an alternative.
        if let Some(name) = schema["$ref"]
            .as_str()
            .and_then(|path| path.rsplit('/').next())
        {
            schema["description"] = root["$defs"][name]["description"].clone();
        }
        root["properties"][section.key] = or_null(schema);
    }
    let tokens: Vec<&str> = catalog.iter().map(|schema| schema.token).collect();
    let resource = &mut root["$defs"]["Resource"];
    resource["properties"]["type"]["anyOf"] = json!([
        { "enum": tokens },
        { "pattern": "^[a-z]+:[a-z0-9]+/[A-Za-z0-9]+:[A-Za-z0-9]+$" },
        { "pattern": "^(aws-native:[a-z0-9]+:|AWS::[A-Za-z0-9]+::)[A-Za-z0-9]+$" },
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
    // A file that extends another may have from there what it needs.
    let required = root["required"].take();
    if let Some(root) = root.as_object_mut() {
        root.remove("required");
    }
    root["if"] = json!({ "required": ["extends"] });
    root["else"] = json!({ "required": required });
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
        take_numbers_for_text(object);
        // Our own check says of these what is wrong in better words than "does not match the pattern".
        for (ours, keyword) in [("x-pattern", "pattern"), ("x-names", "propertyNames")] {
            if let Some(value) = object.remove(ours) {
                object.insert(keyword.to_owned(), value);
            }
        }
        if let Some(pattern) = object.remove("x-item-pattern") {
            object["items"]["pattern"] = pattern;
        }
        object.retain(|keyword, _| !keyword.starts_with("x-"));
        // YAML's language server offers none of the keys beside one whose default is null.
        if object.get("default").is_some_and(Json::is_null) {
            object.remove("default");
        }
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

/// Lets a number stand for a text, as `engineVersion: 15` does: the file is read by what its keys take.
fn take_numbers_for_text(object: &mut Map<String, Json>) {
    let is_bound = ["enum", "const", "pattern"]
        .iter()
        .any(|keyword| object.contains_key(*keyword));
    if is_bound {
        return;
    }
    match object.get_mut("type") {
        Some(kind) if *kind == "string" => *kind = json!(["string", "number"]),
        Some(Json::Array(kinds))
            if kinds.contains(&json!("string")) && !kinds.contains(&json!("number")) =>
        {
            kinds.insert(1, json!("number"));
        }
        _ => {}
    }
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
    use crate::component::stack_graph;
    use crate::component::testing::{faults as said, load};

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

    /// The faults that `validate` finds.
    fn refused(text: &str) -> String {
        let stack = load(&[("dev.yaml", text)], &[]);
        let graph = stack.and_then(|stack| stack_graph(&stack, &catalog()));
        graph.map_or_else(|errors| said(&errors, 0), |_| String::new())
    }

    const HEAD: &str = "name: shop\nenvironment: dev\nregion: eu-south-2\n";

    #[test]
    fn an_editor_takes_what_we_take() {
        for sound in [
            "database: null\nresources:\n  a:\n    type: aws:ec2:Vpc\n    properties: { cidrBlock: \"${b.c}\", enableDnsSupport: \"${b.d}\", tags: { a: b } }\n",
            "services: { web-1: { port: 80, healthCheck: { path: /health } } }\n",
            "database: { backupWindow: 03:00-04:00, maintenanceWindow: sun:04:30-sun:05:30 }\n",
            "monitoring: { alarmEmails: [oncall@example.com] }\n",
            "account: \"123456789012\"\nrolePath: /\nclusterName: Shop_1\n",
            "network: {}\nloadBalancer: {}\n",
            "account: 123456789012\nnetwork: {}\ndatabase: { engineVersion: 15 }\n",
        ] {
            assert_eq!(faults(&format!("{HEAD}{sound}")), [""; 0], "{sound}");
        }
        for taken in [
            "account: 123456789012\nnetwork: {}\ndatabase: { engineVersion: 15 }\n",
            "network: {}\n",
        ] {
            assert_eq!(refused(&format!("{HEAD}{taken}")), "", "{taken}");
        }
        // What a layer leaves out it has from the file that it extends.
        assert_eq!(faults("extends: base.yaml\nnetwork: {}\n"), [""; 0]);
        assert_ne!(faults("name: shop\nregion: eu-south-2\n"), [""; 0]);
    }

    /// Files that `validate` refuses. Each is marked in an editor, too, where JSON Schema can say why.
    #[test]
    fn an_editor_marks_what_we_refuse() {
        let marked = [
            "databse: {}\n",
            "database: { storageGiB: many }\n",
            "database: { backupWindow: at night }\n",
            "database: { maintenanceWindow: on sundays }\n",
            "network: { cidrr: 10.0.0.0/16 }\n",
            "network: { natGateways: many }\n",
            "services: { web: { prot: 80 } }\n",
            "services: { web: { port: 80, cpu: some } }\n",
            "services: { Web: { port: 80 } }\n",
            "services: { web-: { port: 80 } }\n",
            "services: { a-name-of-21-letters-x: { port: 80 } }\n",
            "services: { web: { port: 80, healthCheck: { path: health } } }\n",
            "services: { web: { port: 80, scaling: { cpuPercent: 500 } } }\n",
            "loadBalancer: { waf: { enabled: yes please } }\n",
            "loadBalancer: { idleTimeoutSeconds: 0 }\n",
            "monitoring: 5\n",
            "monitoring: { alarmEmails: [oncall] }\n",
            "account: \"123\"\n",
            "rolePath: fde\n",
            "clusterName: a cluster\n",
            "resources: { a: { type: aws:ec2:Vcp } }\n",
            "resources: { a: { type: aws:ec2:Vpc, properties: { cidrBlok: x } } }\n",
            "resources: { a: { type: aws:ec2:Vpc, properties: { enableDnsSupport: maybe } } }\n",
        ];
        // It takes the account, another section, or a look at the whole to know.
        let unmarked = [
            "services: { web: { port: 80, routes: [/a], scaling: { min: 3, max: 2 } } }\nnetwork: {}\n",
            "network: { cidr: 10.0.0.0/8 }\n",
            "database: {}\n",
            "monitoring: { logRetentionDays: 8 }\n",
        ];
        for (texts, is_marked) in [(&marked[..], true), (&unmarked[..], false)] {
            for text in texts {
                let text = format!("{HEAD}{text}");
                assert_ne!(refused(&text), "", "{text}");
                assert_eq!(!faults(&text).is_empty(), is_marked, "{text}");
            }
        }
        for head in [
            "name: Shop\nenvironment: dev\nregion: eu-south-2\n",
            "name: shop\nenvironment: test\nregion: eu-south-2\n",
            "name: shop\nenvironment: dev\nregion: Milan\n",
        ] {
            assert_ne!(refused(head), "", "{head}");
            assert_ne!(faults(head), [""; 0], "{head}");
        }
    }

    /// The keys beside one whose default is null are not offered by YAML's language server.
    #[test]
    fn no_default_is_null() {
        let nulls = schema_text()
            .lines()
            .filter(|line| line.contains("\"default\": null"))
            .count();
        assert_eq!(nulls, 0);
    }
}
