//! The way in which a raw resource is written: with keys as the catalog has them, or with CloudFormation's.

use serde_json::Value as Json;

use super::inputs;
use crate::facts::{self, ANY, Shape, Spelling, TypeFacts};
use crate::resource::nearest::nearest;
use crate::resource::{Properties, Schema, Value};
use crate::stack::{Content, Entry, Node};

/// A type as one resource names it.
#[derive(Clone, Copy)]
pub struct Written<'a> {
    pub schema: &'a Schema,
    /// The facts of a type that goes through Cloud Control, and how the file spells it.
    through: Option<(&'static TypeFacts, Spelling)>,
}

impl<'a> Written<'a> {
    pub fn of(name: &str, schema: &'a Schema) -> Self {
        let through = Spelling::of(name).and_then(|spelling| Some((facts::get(name)?, spelling)));
        Self { schema, through }
    }

    /// The schema of the properties.
    pub fn inputs_schema(self) -> Json {
        let Some((facts, Spelling::CloudFormation)) = self.through else {
            return inputs::schema(self.schema);
        };
        let mut schema = facts.author_schema(Spelling::CloudFormation);
        if let Some(derived) = self.schema.name
            && let Some(required) = schema["required"].as_array_mut()
        {
            let derived = self.spelled(derived.property);
            required.retain(|name| *name != *derived);
        }
        schema
    }

    /// A key of the catalog as the file has it.
    pub fn spelled(self, key: &str) -> String {
        let named = self.through.and_then(|(facts, spelling)| {
            let (name, _) = facts.shape().property(key, Spelling::Native)?;
            Some(spelling.property(name))
        });
        named.unwrap_or_else(|| key.to_owned())
    }

    /// The keys under which tags may stand.
    pub fn tags(self) -> Vec<String> {
        let named = self.through.and_then(|(facts, spelling)| {
            let own = spelling.property(facts.tag_property()?);
            Some(vec![own, spelling.property("Tags")])
        });
        named.unwrap_or_else(|| vec!["tags".to_owned()])
    }

    /// The inputs with the keys of the catalog, and with the secrets in them hidden.
    pub fn native(self, inputs: Properties) -> Properties {
        match self.through {
            Some((facts, spelling)) => {
                Reading { facts, spelling }.object(facts.shape(), &[], inputs)
            }
            None => inputs,
        }
    }
}

/// The reading of values of a type.
struct Reading {
    facts: &'static TypeFacts,
    spelling: Spelling,
}

impl Reading {
    fn object(&self, shape: Shape, place: &[&str], entries: Properties) -> Properties {
        let entries = entries.into_iter();
        let entries = entries.map(|(key, inner)| {
            if let Some((name, shape)) = shape.property(&key, self.spelling) {
                let place = [place, &[name]].concat();
                return (facts::property_name(name), self.value(shape, &place, inner));
            }
            match shape.others() {
                Some(others) => (key, self.value(others, &[place, &[ANY]].concat(), inner)),
                None => (key, inner),
            }
        });
        entries.collect()
    }

    fn value(&self, shape: Shape, place: &[&str], written: Value) -> Value {
        let value = match written {
            Value::Object(entries) => Value::Object(self.object(shape, place, entries)),
            Value::List(values) => match shape.items() {
                Some(items) => {
                    let place = [place, &[ANY]].concat();
                    let values = values.into_iter();
                    Value::List(
                        values
                            .map(|inner| self.value(items, &place, inner))
                            .collect(),
                    )
                }
                None => Value::List(values),
            },
            Value::Secret(inner) => *inner,
            other => other,
        };
        if self.facts.is_secret(place) && !matches!(value, Value::Object(_) | Value::List(_)) {
            Value::Secret(Box::new(value))
        } else {
            value
        }
    }
}

/// Turns a list of pairs of `Key` and `Value` into a map, in either spelling. Anything else is left to the check.
pub fn pairs_as_map(node: &mut Node) {
    let Content::List(pairs) = &node.content else {
        return;
    };
    let entries: Option<Vec<Entry>> = pairs
        .iter()
        .map(|pair| {
            let of = |names: [&str; 2]| names.into_iter().find_map(|name| pair.get(name));
            let (key, value) = (of(["Key", "key"])?, of(["Value", "value"])?);
            Some(Entry {
                key: key.as_text()?.to_owned(),
                key_span: key.span,
                value: value.clone(),
            })
        })
        .collect();
    if let Some(entries) = entries {
        node.content = Content::Map(entries);
    }
}

/// The answer for a type of AWS that cannot be managed here, or that is not spelled right; `None` for other names.
pub fn refusal(name: &str) -> Option<String> {
    let spelling = Spelling::of(name)?;
    if let Some(facts) = facts::get(name) {
        return facts.refusal();
    }
    let names: Vec<String> = facts::names()
        .filter_map(|name| match spelling {
            Spelling::CloudFormation => Some(name),
            Spelling::Native => facts::token(&name),
        })
        .collect();
    let near = nearest(name, names.iter().map(String::as_str))?;
    Some(format!("did you mean `{near}`?"))
}
