//! The schema of a type that goes through Cloud Control, made from its facts when it is first asked for.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use super::compare::Comparison;
use super::data;
use super::rules::is_mirrored;
use crate::facts::{self, Handler, Shape, Spelling, TypeFacts};
use crate::resource::schema::{InputSchema, NameRule};
use crate::resource::{CreateClass, Properties, Property, Schema, Value};

/// The longest name that we derive where the facts name no limit: shorter than that of any service.
const SHORT_NAME: usize = 63;

/// Returns the schema of a type; `None` for a token that is not one of these, and for types that cannot be managed.
pub fn schema(token: &str) -> Option<&'static Schema> {
    static MADE: Mutex<BTreeMap<&'static str, &'static Schema>> = Mutex::new(BTreeMap::new());
    if Spelling::of(token) != Some(Spelling::Native) {
        return None;
    }
    let facts = facts::get(token).filter(|facts| facts.refusal().is_none())?;
    let mut made = MADE.lock().unwrap_or_else(PoisonError::into_inner);
    let schema = made
        .entry(facts.token.as_str())
        .or_insert_with(|| Box::leak(Box::new(make(facts))));
    Some(*schema)
}

pub(super) fn make(facts: &'static TypeFacts) -> Schema {
    let shape = facts.shape();
    let rule = match facts.identifier.as_slice() {
        [only] if facts.is_identified_by_inputs() => name_rule(shape, only),
        _ => None,
    };
    let class = if rule.is_some() || is_named_by_author(facts) {
        CreateClass::NaturalKey
    } else {
        CreateClass::Token
    };
    let mut schema = Schema::bare(&facts.token, class);
    let tags = facts.tag_property();
    let required: Vec<&str> = shape.required().collect();
    let properties = shape.properties().into_iter();
    let (outputs, inputs): (Vec<_>, Vec<_>) =
        properties.partition(|(name, _)| facts.is_read_only(name));
    schema.properties = inputs
        .into_iter()
        .filter(|(name, _)| Some(*name) != tags)
        .map(|(name, shape)| property(facts, name, shape, required.contains(&name)))
        .collect();
    schema.outputs = kept(outputs.iter().map(|(name, _)| facts::property_name(name)));
    schema.input_schema = InputSchema::Given(keep(facts.author_schema(Spelling::Native)));
    schema.name = rule;
    if rule.is_none() && class == CreateClass::NaturalKey {
        schema.key = kept(
            facts
                .identifier
                .iter()
                .map(|name| facts::property_name(name)),
        );
    }
    schema.stateful = data::holds_data(&facts.name);
    schema.guard = guard(shape);
    schema.assumes = kept(roles(facts, shape));
    schema.global = data::is_global(&facts.name);
    if facts.name == "AWS::StepFunctions::StateMachine" {
        schema.server_managed = Some(substituted);
    }
    schema.unindexed = data::is_unindexed(&facts.name);
    schema
}

fn property(
    facts: &'static TypeFacts,
    name: &'static str,
    shape: Shape,
    is_required: bool,
) -> Property {
    let key: &'static str = keep(facts::property_name(name)).as_str();
    let mut property = Property::new(key).server_chooses();
    if is_required {
        property = property.required();
    }
    let fixed = facts.create_only.iter().any(|place| place.holds(&[name]));
    if fixed || !facts.has(Handler::Update) {
        property = property.replaces();
    }
    let is_hidden = facts.write_only.iter().any(|place| place.holds(&[name]));
    if is_hidden && !is_mirrored(&facts.name, &[name]) {
        property = if facts.is_secret(&[name]) {
            property.secret().write_only()
        } else {
            property.remembered()
        };
    } else if facts.write_only.iter().any(|place| place.is_below(&[name])) {
        // A part of it cannot be compared, and is sent again once it is another.
        property.remembered = true;
    }
    property.compared_by(keep(Comparison { name, key, shape }))
}

/// Returns whether the author gives all that identifies an object.
fn is_named_by_author(facts: &'static TypeFacts) -> bool {
    let required: Vec<&str> = facts.shape().required().collect();
    let mut identifier = facts.identifier.iter();
    identifier.all(|name| !facts.is_read_only(name) && required.contains(&name.as_str()))
}

/// The rule for names that are derived, where the identifier is a name that takes what we derive.
fn name_rule(shape: Shape, name: &str) -> Option<NameRule> {
    let (_, shape) = shape.property(name, Spelling::CloudFormation)?;
    let longest = shape
        .bound("maxLength")
        .map_or(SHORT_NAME, |longest| longest as usize);
    let is_name = name.ends_with("Name") || name.ends_with("Identifier") || name.ends_with("Id");
    let takes = shape.takes("string") && shape.fits("shop-production-orders-0a1b2c");
    (is_name && takes && longest >= 16).then(|| NameRule {
        property: keep(facts::property_name(name)),
        max_length: longest,
        generated: true,
        avoided: None,
    })
}

/// Fills in the substitutions of a state machine, as AWS does: it returns the definition with their values in it.
fn substituted(desired: &mut Properties, _observed: &Properties) {
    let substitutions = desired
        .get("definitionSubstitutions")
        .and_then(Value::as_object);
    let substitutions = substitutions.cloned().unwrap_or_default();
    if let Some(Value::String(text)) = desired.get_mut("definitionString") {
        for (name, value) in &substitutions {
            if let Some(value) = value.as_str() {
                *text = text.replace(&format!("${{{name}}}"), value);
            }
        }
    }
}

/// The switch by which AWS refuses to delete an object.
fn guard(shape: Shape) -> Option<&'static str> {
    const SWITCHES: [&str; 3] = [
        "DeletionProtection",
        "DeletionProtectionEnabled",
        "TerminationProtectionEnabled",
    ];
    let switch = SWITCHES.into_iter().find(|name| {
        let property = shape.property(name, Spelling::CloudFormation);
        property.is_some_and(|(_, shape)| shape.takes("boolean"))
    })?;
    Some(keep(facts::property_name(switch)))
}

/// The properties that name a role which AWS assumes.
fn roles(facts: &TypeFacts, shape: Shape) -> Vec<String> {
    let properties = shape.properties().into_iter();
    let roles = properties.filter(|(name, _)| {
        !facts.is_read_only(name) && (name.ends_with("RoleArn") || *name == "Role")
    });
    roles.map(|(name, _)| facts::property_name(name)).collect()
}

/// Keeps a value until the process ends: a stack uses a few types, and each is made once.
fn keep<T>(value: T) -> &'static T {
    Box::leak(Box::new(value))
}

fn kept(names: impl IntoIterator<Item = String>) -> &'static [&'static str] {
    let names = names.into_iter().map(|name| keep(name).as_str());
    keep(names.collect::<Vec<&'static str>>()).as_slice()
}
