//! `outputs:`: what `up` and `output` print in addition to the standard outputs of the sections.

use schemars::{Schema, SchemaGenerator, json_schema};

use crate::resource::{Path, Value};
use crate::stack::Fault;

use super::context::Context;
use super::key::SectionKey;

const KEY: &str = SectionKey::Outputs.as_str();

pub fn schema(_: &mut SchemaGenerator) -> Schema {
    json_schema!({
        "description": "Values to print after `up`, by name, beside the standard ones. Texts may hold `${…}`.",
        "type": "object",
        "additionalProperties": { "x-references": true },
        "examples": [{ "apiUrl": "http://${loadBalancer.dnsName}/api" }],
    })
}

/// The author's outputs, in the order of the file.
pub fn expand(context: &mut Context<'_>) -> Vec<(String, Value)> {
    let stack = context.stack;
    let Some(outputs) = stack.document().root.get(KEY) else {
        return Vec::new();
    };
    let mut values = Vec::new();
    for entry in outputs.entries() {
        let alphabet = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '-';
        if entry.key.is_empty() || !entry.key.chars().all(alphabet) {
            let label = "the name of an output takes letters, digits, `_` and `-`";
            context.refuse(Fault::Name, Path::from(KEY).key(&*entry.key), label);
        }
        values.push((entry.key.clone(), context.value(&entry.value)));
    }
    values
}
