//! The inputs of a parameter group, and its parameters by name.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::aws::rds::NAME;
use crate::aws::resource_type::{Live, NoOutputs};
use crate::resource::path::{Path, Segment};
use crate::resource::{PropertyTable, Value};

/// Settings of a database engine.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema, PropertyTable)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Inputs {
    /// The name: 1 to 255 letters, digits and hyphens, a letter first; lower-cased by AWS.
    #[property(replaces, lower_cased, text(NAME))]
    pub name: String,
    /// The engine and its major version: `postgres15`.
    #[property(required, replaces, lower_cased)]
    pub family: String,
    /// The description. AWS cannot change it: another description is another group.
    #[property(default("Managed by fde-infra"), replaces)]
    pub description: String,
    /// The differences from the family's defaults.
    #[property(canonical(values_by_name))]
    pub parameters: Option<Vec<Parameter>>,
}

/// One setting.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Parameter {
    pub name: String,
    /// The value: text, a number, or a truth value, which RDS writes as `1` and `0`.
    pub value: Setting,
    /// The method: `immediate` or `pending-reboot`. Default: `pending-reboot` for static parameters, else `immediate`. A
    /// change of only this has no effect.
    pub apply_method: Option<String>,
}

/// A parameter's value as authors write it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(untagged)]
pub enum Setting {
    Truth(bool),
    Number(f64),
    Text(String),
}

impl Setting {
    /// Returns the text that RDS accepts.
    pub(super) fn text(&self) -> String {
        match self {
            Self::Truth(true) => "1".to_owned(),
            Self::Truth(false) => "0".to_owned(),
            Self::Number(number) => number.to_string(),
            Self::Text(text) => text.clone(),
        }
    }
}

/// A group as it is in AWS.
pub(super) type LiveGroup = Live<Inputs, NoOutputs>;

/// Returns values by parameter: the list's order and the ways of applying mean nothing. A list with a name that is not known
/// yet stays as it is.
pub(super) fn values_by_name(parameters: Value) -> Value {
    let entry = |parameter: &Value| {
        let fields = parameter.as_object()?;
        let name = fields.get("name")?.as_str()?.to_lowercase();
        let value = match fields.get("value")? {
            Value::Number(number) => Setting::Number(*number).text().into(),
            Value::Bool(truth) => Setting::Truth(*truth).text().into(),
            other => other.clone(),
        };
        Some((name, value))
    };
    parameters
        .as_list()
        .and_then(|list| list.iter().map(entry).collect::<Option<_>>())
        .map_or(parameters, Value::Object)
}

/// Returns the parameter that a path leads to.
pub(in crate::aws::rds) fn parameter_at(path: &Path) -> Option<&str> {
    match path.segments() {
        [Segment::Key(property), Segment::Key(name)] if property == "parameters" => Some(name),
        _ => None,
    }
}

/// Returns parameters by name, in lower case.
pub(super) fn by_name(parameters: Option<&[Parameter]>) -> BTreeMap<String, &Parameter> {
    parameters
        .unwrap_or_default()
        .iter()
        .map(|parameter| (parameter.name.to_lowercase(), parameter))
        .collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn only_names_and_values_count() {
        let wanted = json!([
            {"name": "max_connections", "value": 200},
            {"name": "rds.force_ssl", "value": true, "applyMethod": "immediate"},
        ]);
        let live = json!([
            {"name": "rds.force_ssl", "value": "1", "applyMethod": "pending-reboot"},
            {"name": "max_connections", "value": "200", "applyMethod": "pending-reboot"},
        ]);
        assert_eq!(values_by_name(wanted.into()), values_by_name(live.into()));
    }

    #[test]
    fn what_is_not_known_yet_is_left_alone() {
        let unknown = Value::list([Value::object([("name", Value::join(["a".into()]))])]);
        assert_eq!(values_by_name(unknown.clone()), unknown);
        assert_eq!(values_by_name(Value::Null), Value::Null);
    }
}
