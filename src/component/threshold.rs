//! The threshold of an alarm, as authors write it.

use std::borrow::Cow;

use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::Deserialize;
use serde_json::json;

/// A number, or a switch that turns the alarm on or off.
///
/// ```yaml
/// databaseCpuPercent: 90
/// databaseCpuPercent: false
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Deserialize)]
#[serde(untagged)]
pub enum Threshold<Number> {
    Switch(bool),
    At(Number),
}

impl<Number> Threshold<Number> {
    /// Returns whether the file asks for the alarm.
    pub fn is_asked(threshold: Option<&Self>) -> bool {
        !matches!(threshold, None | Some(Self::Switch(false)))
    }
}

impl<Number: Copy> Threshold<Number> {
    /// Returns the threshold of an alarm with this default; `None` for no alarm.
    pub fn or(threshold: Option<Self>, default: Number) -> Option<Number> {
        match threshold {
            None | Some(Self::Switch(true)) => Some(default),
            Some(Self::Switch(false)) => None,
            Some(Self::At(number)) => Some(number),
        }
    }
}

impl<Number: JsonSchema> JsonSchema for Threshold<Number> {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        format!("Threshold_{}", Number::schema_name()).into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let mut schema = Number::json_schema(generator);
        let number = schema.get("type").cloned();
        schema.insert("type".to_owned(), json!(["boolean", number]));
        schema
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn false_is_no_alarm_and_true_is_the_default() {
        let read = |text: &str| {
            let threshold: Option<Threshold<u32>> = serde_json::from_str(text).unwrap();
            Threshold::or(threshold, 80)
        };
        assert_eq!(read("null"), Some(80));
        assert_eq!(read("true"), Some(80));
        assert_eq!(read("false"), None);
        assert_eq!(read("95"), Some(95));
        let seconds: Threshold<f64> = serde_json::from_str("2").unwrap();
        assert_eq!(seconds, Threshold::At(2.0));
    }
}
