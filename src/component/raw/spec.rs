//! The keys of a raw resource.

use std::collections::BTreeMap;

use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::Deserialize;
use serde_json::{Value as Json, json};

use crate::component::options::OptionsSpec;

/// A resource as Pulumi YAML writes it.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schemars(rename = "Resource", extend("x-unsupported" = unsupported()))]
pub struct RawSpec {
    /// The type token, as Pulumi spells it.
    #[schemars(example = &"aws:s3:Bucket")]
    pub r#type: String,
    /// The inputs of the type, as Pulumi names them. `${…}` may stand in place of any value.
    #[serde(default)]
    #[schemars(extend("x-checked-later" = true))]
    #[expect(dead_code, reason = "read from the document, with its places")]
    properties: Option<BTreeMap<String, Json>>,
    /// The options of this resource.
    #[serde(default)]
    pub options: Option<OptionsSpec>,
}

fn unsupported() -> Json {
    json!({
        "get": "what exists outside the stack is not read: write its id or ARN where it is needed, and take the key out",
        "name": "the key is the name; the name in AWS is a property, such as `name` or `bucket`",
        "defaultProvider": "everything in a stack goes to one account and region",
        "condition": "lay another file over this one with `extends` instead",
    })
}

pub fn schema(generator: &mut SchemaGenerator) -> Schema {
    let resource = generator.subschema_for::<RawSpec>();
    schemars::json_schema!({
        "description": "Anything that no section covers, by logical name, in Pulumi YAML's form.",
        "type": "object",
        "additionalProperties": resource,
    })
}
