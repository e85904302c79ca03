//! The content of a property: JSON-like data, plus references to other resources' outputs that are resolved as these become
//! known.
//!
//! A value is *known* when no reference is left in it. `preview` resolves what live AWS already answers and shows the
//! rest in words; `up` resolves the rest while it runs.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use super::urn::FACTS_TOKEN;
use super::{Path, Urn};

/// The properties of a resource, by name, in a stable order.
pub type Properties = BTreeMap<String, Value>;

/// A property's value.
#[derive(Clone, PartialEq)]
pub enum Value {
    Null,
    Bool(bool),
    /// Integers and floats alike; compared as numbers, so `1` equals `1.0`.
    Number(f64),
    String(String),
    List(Vec<Value>),
    Object(Properties),
    /// A value that must never be printed.
    Secret(Box<Value>),
    /// An output of another resource, not known yet.
    Output(OutputReference),
    /// Text around references: `"http://${loadBalancer.dnsName}/api"`. Concatenates strings, numbers and booleans.
    Join(Vec<Value>),
    /// One of two values, by the truth of a condition that only live AWS can answer. Made by components, not written in
    /// stack files.
    If(Box<Conditional>),
}

/// A choice between two values.
#[derive(Debug, Clone, PartialEq)]
pub struct Conditional {
    pub condition: Value,
    /// The condition in words: `the repository has an image`.
    pub says: String,
    pub then: Value,
    pub otherwise: Value,
}

/// A reference to an output of a resource: `${network/vpc.id}`, `${x.list[0]}`.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct OutputReference {
    pub urn: Urn,
    /// Output name first, then keys and indices into it.
    pub path: Vec<String>,
}

impl OutputReference {
    /// The value that it leads to: a fact of the account, the resource's URN, or what `output` returns for this
    /// resource and that name.
    pub fn resolve(
        &self,
        facts: &Properties,
        output: impl FnOnce(&Urn, &str) -> Option<Value>,
    ) -> Option<Value> {
        let (name, rest) = self.path.split_first()?;
        let value = if self.urn.token() == FACTS_TOKEN {
            facts.get(name)?.clone()
        } else if name == "urn" {
            self.urn.to_string().into()
        } else {
            output(&self.urn, name)?
        };
        value.at(rest).cloned()
    }
}

impl fmt::Display for OutputReference {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut path = Path::default().key(self.urn.name());
        for key in &self.path {
            path = match key.parse() {
                Ok(index) => path.index(index),
                Err(_) => path.key(key),
            };
        }
        write!(formatter, "{path}")
    }
}

impl fmt::Debug for OutputReference {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "${{{self}}}")
    }
}

/// Prints as JSON would, with `[secret]` in place of secrets, so that no debug print can leak one.
impl fmt::Debug for Value {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Null => formatter.write_str("null"),
            Self::Bool(value) => write!(formatter, "{value}"),
            Self::Number(value) => write!(formatter, "{value}"),
            Self::String(value) => write!(formatter, "{value:?}"),
            Self::List(values) => formatter.debug_list().entries(values).finish(),
            Self::Object(values) => formatter.debug_map().entries(values).finish(),
            Self::Secret(_) => formatter.write_str("[secret]"),
            Self::Output(reference) => write!(formatter, "{reference:?}"),
            Self::Join(parts) => formatter.debug_tuple("Join").field(parts).finish(),
            Self::If(choice) => fmt::Debug::fmt(choice, formatter),
        }
    }
}

impl Value {
    pub fn output(urn: &Urn, output: &str) -> Self {
        Self::Output(OutputReference {
            urn: urn.clone(),
            path: vec![output.to_owned()],
        })
    }

    pub fn output_at<const N: usize>(urn: &Urn, path: [&str; N]) -> Self {
        Self::Output(OutputReference {
            urn: urn.clone(),
            path: path.map(str::to_owned).to_vec(),
        })
    }

    /// Text made of parts, some of which may be references.
    pub fn join<const N: usize>(parts: [Self; N]) -> Self {
        Self::Join(parts.to_vec())
    }

    pub fn list(values: impl IntoIterator<Item = Self>) -> Self {
        Self::List(values.into_iter().collect())
    }

    pub fn object<const N: usize>(entries: [(&str, Self); N]) -> Self {
        Self::Object(properties(entries))
    }

    pub fn is_null(&self) -> bool {
        matches!(self, Self::Null)
    }

    /// True if no reference is left anywhere inside.
    pub fn is_known(&self) -> bool {
        match self {
            Self::Output(_) | Self::Join(_) | Self::If(_) => false,
            Self::List(values) => values.iter().all(Self::is_known),
            Self::Object(values) => values.values().all(Self::is_known),
            Self::Secret(value) => value.is_known(),
            Self::Null | Self::Bool(_) | Self::Number(_) | Self::String(_) => true,
        }
    }

    pub fn as_str(&self) -> Option<&str> {
        match self {
            Self::String(value) => Some(value),
            Self::Secret(value) => value.as_str(),
            _ => None,
        }
    }

    pub fn as_bool(&self) -> Option<bool> {
        match self {
            Self::Bool(value) => Some(*value),
            _ => None,
        }
    }

    pub fn as_number(&self) -> Option<f64> {
        match self {
            Self::Number(value) => Some(*value),
            _ => None,
        }
    }

    pub fn as_list(&self) -> Option<&[Self]> {
        match self {
            Self::List(values) => Some(values),
            _ => None,
        }
    }

    pub fn as_object(&self) -> Option<&Properties> {
        match self {
            Self::Object(values) => Some(values),
            _ => None,
        }
    }

    /// The value at a path of keys and indices; `None` where the path leads nowhere.
    pub fn at(&self, path: &[String]) -> Option<&Self> {
        let Some((first, rest)) = path.split_first() else {
            return Some(self);
        };
        match self {
            Self::Object(values) => values.get(first)?.at(rest),
            Self::List(values) => values.get(first.parse::<usize>().ok()?)?.at(rest),
            Self::Secret(value) => value.at(path),
            _ => None,
        }
    }

    /// The content of a secret; any other value as it is.
    pub fn revealed(&self) -> &Self {
        match self {
            Self::Secret(value) => value.revealed(),
            other => other,
        }
    }

    /// Every reference inside, once each.
    pub fn references(&self) -> BTreeSet<&OutputReference> {
        let mut found = BTreeSet::new();
        self.collect_references(&mut found);
        found
    }

    fn collect_references<'a>(&'a self, found: &mut BTreeSet<&'a OutputReference>) {
        match self {
            Self::Output(reference) => {
                found.insert(reference);
            }
            Self::List(values) | Self::Join(values) => {
                for value in values {
                    value.collect_references(found);
                }
            }
            Self::Object(values) => {
                for value in values.values() {
                    value.collect_references(found);
                }
            }
            Self::Secret(value) => value.collect_references(found),
            Self::If(choice) => {
                choice.condition.collect_references(found);
                choice.then.collect_references(found);
                choice.otherwise.collect_references(found);
            }
            Self::Null | Self::Bool(_) | Self::Number(_) | Self::String(_) => {}
        }
    }

    /// Replaces every reference that `lookup` can answer; the others stay, and with them the joins and choices around
    /// them.
    #[must_use]
    pub fn resolve(&self, lookup: &dyn Fn(&OutputReference) -> Option<Self>) -> Self {
        match self {
            Self::Output(reference) => lookup(reference).unwrap_or_else(|| self.clone()),
            Self::List(values) => Self::List(values.iter().map(|v| v.resolve(lookup)).collect()),
            Self::Object(values) => Self::Object(resolve_properties(values, lookup)),
            Self::Secret(value) => Self::Secret(Box::new(value.resolve(lookup))),
            Self::Join(parts) => {
                let parts: Vec<_> = parts.iter().map(|part| part.resolve(lookup)).collect();
                if parts.iter().all(Self::is_known) {
                    let text = parts.iter().map(Self::to_text).collect();
                    if parts.iter().any(|part| matches!(part, Self::Secret(_))) {
                        Self::Secret(Box::new(Self::String(text)))
                    } else {
                        Self::String(text)
                    }
                } else {
                    Self::Join(parts)
                }
            }
            Self::If(choice) => {
                let condition = choice.condition.resolve(lookup);
                if !condition.is_known() {
                    return Self::If(Box::new(Conditional {
                        condition,
                        says: choice.says.clone(),
                        then: choice.then.resolve(lookup),
                        otherwise: choice.otherwise.resolve(lookup),
                    }));
                }
                let truth = !matches!(condition, Self::Null | Self::Bool(false));
                let chosen = if truth {
                    &choice.then
                } else {
                    &choice.otherwise
                };
                chosen.resolve(lookup)
            }
            Self::Null | Self::Bool(_) | Self::Number(_) | Self::String(_) => self.clone(),
        }
    }

    /// The value with every choice spelled out: a hash of it tells two choices apart that have a branch in common.
    pub(super) fn spelled_out(&self) -> Self {
        match self {
            Self::If(choice) => Self::object([
                ("if", choice.condition.spelled_out()),
                ("then", choice.then.spelled_out()),
                ("otherwise", choice.otherwise.spelled_out()),
            ]),
            Self::List(values) => Self::list(values.iter().map(Self::spelled_out)),
            Self::Join(parts) => Self::Join(parts.iter().map(Self::spelled_out).collect()),
            Self::Object(values) => {
                let values = values.iter();
                Self::Object(
                    values
                        .map(|(name, v)| (name.clone(), v.spelled_out()))
                        .collect(),
                )
            }
            Self::Secret(value) => Self::Secret(Box::new(value.spelled_out())),
            known => known.clone(),
        }
    }

    /// The plain text of a scalar, as string interpolation shows it.
    fn to_text(&self) -> String {
        match self {
            Self::String(text) => text.clone(),
            Self::Number(number) => number.to_string(),
            Self::Bool(value) => value.to_string(),
            Self::Null => String::new(),
            Self::Secret(value) => value.to_text(),
            other => serde_json::Value::from(other).to_string(),
        }
    }
}

/// Properties from pairs.
pub fn properties<const N: usize>(entries: [(&str, Value); N]) -> Properties {
    entries
        .into_iter()
        .map(|(name, value)| (name.to_owned(), value))
        .collect()
}

/// Every text in properties, at all depths, in order.
pub fn texts(properties: &Properties) -> Vec<&str> {
    let mut found = Vec::new();
    let mut open: Vec<&Value> = properties.values().rev().collect();
    while let Some(value) = open.pop() {
        match value {
            Value::String(text) => found.push(text.as_str()),
            Value::List(values) => open.extend(values.iter().rev()),
            Value::Object(values) => open.extend(values.values().rev()),
            _ => {}
        }
    }
    found
}

/// [`Value::resolve`] over all properties.
pub fn resolve_properties(
    values: &Properties,
    lookup: &dyn Fn(&OutputReference) -> Option<Value>,
) -> Properties {
    values
        .iter()
        .map(|(name, value)| (name.clone(), value.resolve(lookup)))
        .collect()
}

impl From<bool> for Value {
    fn from(value: bool) -> Self {
        Self::Bool(value)
    }
}

impl From<&str> for Value {
    fn from(value: &str) -> Self {
        Self::String(value.to_owned())
    }
}

impl From<String> for Value {
    fn from(value: String) -> Self {
        Self::String(value)
    }
}

impl From<u32> for Value {
    fn from(value: u32) -> Self {
        Self::Number(f64::from(value))
    }
}

impl From<i32> for Value {
    fn from(value: i32) -> Self {
        Self::Number(f64::from(value))
    }
}

impl From<f64> for Value {
    fn from(value: f64) -> Self {
        Self::Number(value)
    }
}

impl<T: Into<Self>> From<Vec<T>> for Value {
    fn from(values: Vec<T>) -> Self {
        Self::List(values.into_iter().map(Into::into).collect())
    }
}

impl<T: Into<Self>> From<Option<T>> for Value {
    fn from(value: Option<T>) -> Self {
        value.map_or(Self::Null, Into::into)
    }
}

impl From<serde_json::Value> for Value {
    fn from(value: serde_json::Value) -> Self {
        match value {
            serde_json::Value::Null => Self::Null,
            serde_json::Value::Bool(value) => Self::Bool(value),
            // Every number AWS or a stack file can hold fits a double; one that does not is kept as text.
            serde_json::Value::Number(number) => number
                .as_f64()
                .map_or_else(|| Self::String(number.to_string()), Self::Number),
            serde_json::Value::String(value) => Self::String(value),
            serde_json::Value::Array(values) => {
                Self::List(values.into_iter().map(Self::from).collect())
            }
            serde_json::Value::Object(values) => Self::Object(
                values
                    .into_iter()
                    .map(|(name, value)| (name, Self::from(value)))
                    .collect(),
            ),
        }
    }
}

/// Plain JSON of a known value, secrets in clear: for the AWS calls alone. For the checks before these, a reference stands
/// as its `${…}` text, and a choice as its first branch.
impl From<&Value> for serde_json::Value {
    fn from(value: &Value) -> Self {
        match value {
            Value::Null => Self::Null,
            Value::Bool(value) => Self::Bool(*value),
            Value::Number(number) => json_number(*number),
            Value::String(value) => Self::String(value.clone()),
            Value::List(values) => Self::Array(values.iter().map(Self::from).collect()),
            Value::Object(values) => Self::Object(
                values
                    .iter()
                    .map(|(name, value)| (name.clone(), Self::from(value)))
                    .collect(),
            ),
            Value::Secret(value) => Self::from(value.as_ref()),
            Value::Output(reference) => Self::String(format!("{reference:?}")),
            Value::Join(parts) => Self::String(
                parts
                    .iter()
                    .map(|part| match part {
                        Value::Output(reference) => format!("{reference:?}"),
                        known => known.to_text(),
                    })
                    .collect(),
            ),
            Value::If(choice) => Self::from(&choice.then),
        }
    }
}

fn json_number(number: f64) -> serde_json::Value {
    // Whole numbers print and decode as integers.
    #[expect(
        clippy::cast_possible_truncation,
        reason = "only whole numbers of at most 2^53 are cast"
    )]
    if number.fract() == 0.0 && number.abs() <= 9_007_199_254_740_992.0 {
        serde_json::Value::from(number as i64)
    } else {
        serde_json::Value::from(number)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::resource::StackId;

    fn vpc() -> Urn {
        let stack = StackId {
            name: "shop".into(),
            environment: "dev".into(),
        };
        Urn::new(&stack, "aws:ec2:Vpc", "network/vpc")
    }

    #[test]
    fn a_join_becomes_text_once_its_references_are_known() {
        let value = Value::join(["http://".into(), Value::output(&vpc(), "id"), "/api".into()]);
        assert!(!value.resolve(&|_| None).is_known());
        assert_eq!(
            value.resolve(&|_| Some("vpc-1".into())),
            Value::from("http://vpc-1/api")
        );
    }

    #[test]
    fn a_choice_follows_its_condition() {
        let value = Value::If(Box::new(Conditional {
            condition: Value::output(&vpc(), "ready"),
            says: "the network is ready".into(),
            then: 1.into(),
            otherwise: 0.into(),
        }));
        assert_eq!(value.resolve(&|_| Some(true.into())), Value::from(1));
        assert_eq!(value.resolve(&|_| Some(false.into())), Value::from(0));
        assert!(!value.resolve(&|_| None).is_known());
    }

    #[test]
    fn secrets_taint_what_they_are_joined_into_and_never_print() {
        let secret = Value::Secret(Box::new("hunter2".into()));
        let value = Value::join(["password=".into(), secret]).resolve(&|_| None);
        assert_eq!(format!("{value:?}"), "[secret]");
        assert_eq!(value.as_str(), Some("password=hunter2"));
    }

    #[test]
    fn paths_lead_through_objects_and_lists() {
        let value = Value::object([("subnets", vec!["a", "b"].into())]);
        let path = ["subnets".to_owned(), "1".to_owned()];
        assert_eq!(value.at(&path), Some(&"b".into()));
        assert_eq!(value.at(&["subnets".to_owned(), "2".to_owned()]), None);
    }
}
