//! The JSON Schema of what an author writes under `properties:`.
//!
//! The schema derived from the Rust type of a resource's inputs describes them with all defaults filled in. An author may
//! leave out what has a default, so only what the engine requires stays required here.

use serde_json::{Value as Json, json};

use crate::resource::schema::Unset;
use crate::resource::{Schema, Value};

/// The schema of the properties of a raw resource.
pub fn schema(of: &Schema) -> Json {
    let mut root = of.input_schema.to_value();
    let derived = of.name.map(|rule| rule.property);
    let required: Vec<&str> = of
        .properties
        .iter()
        .filter(|property| property.unset == Unset::Required && Some(property.name) != derived)
        .map(|property| property.name)
        .collect();
    root["required"] = json!(required);
    for property in &of.properties {
        let Unset::Default(default) = &property.unset else {
            continue;
        };
        if !default.is_null() {
            root["properties"][property.name]["default"] = default.into();
        }
        make_optional(
            &mut root,
            &format!("/properties/{}", property.name),
            default,
        );
    }
    root
}

/// Takes what a default fills in out of the required keys of an object, at all depths.
fn make_optional(root: &mut Json, pointer: &str, default: &Value) {
    let Value::Object(defaults) = default else {
        return;
    };
    let Some(pointer) = object_at(root, pointer) else {
        return;
    };
    if let Some(object) = root.pointer_mut(&pointer)
        && let Some(required) = object.get_mut("required").and_then(Json::as_array_mut)
    {
        required.retain(|name| {
            !name
                .as_str()
                .is_some_and(|name| defaults.contains_key(name))
        });
    }
    for (name, inner) in defaults {
        make_optional(root, &format!("{pointer}/properties/{name}"), inner);
    }
}

/// Follows references and options to the schema of an object.
fn object_at(root: &Json, pointer: &str) -> Option<String> {
    let schema = root.pointer(pointer)?;
    if let Some(target) = schema["$ref"].as_str() {
        return object_at(root, target.strip_prefix('#')?);
    }
    if let Some(options) = schema["anyOf"].as_array() {
        return (0..options.len())
            .find_map(|index| object_at(root, &format!("{pointer}/anyOf/{index}")));
    }
    schema["properties"].is_object().then(|| pointer.to_owned())
}

#[cfg(test)]
mod tests {
    use schemars::JsonSchema;

    use super::*;
    use crate::resource::{CreateClass, Property};

    #[derive(JsonSchema)]
    #[expect(dead_code, reason = "for its schema alone")]
    struct Inner {
        given: u32,
        filled: u32,
    }

    #[derive(JsonSchema)]
    #[expect(dead_code, reason = "for its schema alone")]
    struct Inputs {
        name: String,
        must: String,
        inner: Option<Inner>,
    }

    #[test]
    fn what_has_a_default_may_be_left_out() {
        let of = Schema::new::<Inputs>("t:t:T", CreateClass::NaturalKey)
            .named("name", 10)
            .properties([
                Property::new("name").required(),
                Property::new("must").required(),
                Property::new("inner").default(Value::object([("filled", 1.into())])),
            ]);
        let schema = schema(&of);
        assert_eq!(schema["required"], json!(["must"]));
        assert_eq!(schema["$defs"]["Inner"]["required"], json!(["given"]));
    }
}
