//! The sections that a file can have. Which there are is handed in: this room knows the form of a section, and those that
//! make resources of it list them.

use schemars::generate::SchemaSettings;
use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde_json::{Value as Json, json};

use super::header::Header;

/// A key of the file that is more than a line of its head.
pub struct Section {
    /// The key as it is written in the file.
    pub key: &'static str,
    /// True for a map whose entries are independent, each checked alone.
    pub of_entries: bool,
    /// True if what is written there becomes resources.
    pub makes_resources: bool,
    /// The schema of its value.
    pub schema: fn(&mut SchemaGenerator) -> Schema,
    /// Keys that other tools have for it.
    pub synonyms: &'static [&'static str],
}

/// All sections.
pub struct Sections {
    /// In the order in which a file reads best.
    pub all: &'static [Section],
    /// Keys of other tools that no section is the counterpart of, each with what to do instead.
    pub unsupported: &'static [(&'static str, &'static str)],
}

impl Sections {
    /// The section with a key.
    pub(super) fn get(&self, key: &str) -> Option<&Section> {
        self.all.iter().find(|section| section.key == key)
    }
}

/// The schema that files are checked against, resource types apart.
pub fn schema_of(sections: &Sections) -> Json {
    let mut generator = SchemaSettings::draft2020_12().into_generator();
    let head = Header::json_schema(&mut generator);
    let schemas: Vec<Schema> = sections
        .all
        .iter()
        .map(|section| (section.schema)(&mut generator))
        .collect();
    let mut root = head.to_value();
    for (section, schema) in sections.all.iter().zip(schemas) {
        root["properties"][section.key] = schema.to_value();
        for synonym in section.synonyms {
            root["x-synonyms"][synonym] = json!(section.key);
        }
    }
    for (key, answer) in sections.unsupported {
        root["x-unsupported"][key] = json!(answer);
    }
    root["$defs"] = Json::Object(generator.take_definitions(true));
    root
}
