//! The filter that decides which of the requests that a web ACL sees are logged.

use aws_sdk_wafv2::types as sdk;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::aws::error::AwsResult;
use crate::aws::wafv2::action::change;
use crate::aws::wafv2::place::LOGGING;
use crate::resource::Value;
use crate::resource::diff::sorted;

/// The selection of the requests that are logged.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct LoggingFilter {
    /// The behavior for a request that no filter is about.
    #[schemars(extend("enum" = ["KEEP", "DROP"]))]
    pub default_behavior: String,
    /// At least one, in any order.
    pub filters: Vec<Filter>,
}

/// The behavior for the requests that conditions select.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Filter {
    #[schemars(extend("enum" = ["KEEP", "DROP"]))]
    pub behavior: String,
    /// The conditions that have to be met: all of them, or one.
    #[schemars(extend("enum" = ["MEETS_ALL", "MEETS_ANY"]))]
    pub requirement: String,
    /// At least one, in any order.
    pub conditions: Vec<FilterCondition>,
}

/// Exactly one of these.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct FilterCondition {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub action_condition: Option<ActionCondition>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub label_name_condition: Option<LabelNameCondition>,
}

/// The action that was taken on the request.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ActionCondition {
    /// `ALLOW`, `BLOCK`, `COUNT`, `CAPTCHA`, `CHALLENGE` or `EXCLUDED_AS_COUNT`.
    pub action: String,
}

/// A label that a rule has put on the request.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct LabelNameCondition {
    /// The whole name of the label: `awswaf:managed:aws:core-rule-set:NoUserAgent_Header`.
    pub label_name: String,
}

const BEHAVIORS: &[&str] = &["KEEP", "DROP"];
const REQUIREMENTS: &[&str] = &["MEETS_ALL", "MEETS_ANY"];

impl LoggingFilter {
    pub(super) fn to_sdk(&self) -> AwsResult<sdk::LoggingFilter> {
        let filters = self.filters.iter().map(Filter::to_sdk);
        let default = one_of("defaultBehavior", &self.default_behavior, BEHAVIORS)?;
        LOGGING.built(
            sdk::LoggingFilter::builder()
                .default_behavior(default.into())
                .set_filters(Some(filters.collect::<AwsResult<_>>()?))
                .build(),
        )
    }

    pub(super) fn from_sdk(filter: &sdk::LoggingFilter) -> Self {
        Self {
            default_behavior: filter.default_behavior().as_str().to_owned(),
            filters: filter.filters().iter().map(Filter::from_sdk).collect(),
        }
    }
}

impl Filter {
    fn to_sdk(&self) -> AwsResult<sdk::Filter> {
        let conditions = self.conditions.iter().map(FilterCondition::to_sdk);
        let behavior = one_of("behavior", &self.behavior, BEHAVIORS)?;
        let requirement = one_of("requirement", &self.requirement, REQUIREMENTS)?;
        LOGGING.built(
            sdk::Filter::builder()
                .behavior(behavior.into())
                .requirement(requirement.into())
                .set_conditions(Some(conditions.collect::<AwsResult<_>>()?))
                .build(),
        )
    }

    fn from_sdk(filter: &sdk::Filter) -> Self {
        Self {
            behavior: filter.behavior().as_str().to_owned(),
            requirement: filter.requirement().as_str().to_owned(),
            conditions: filter
                .conditions()
                .iter()
                .map(FilterCondition::from_sdk)
                .collect(),
        }
    }
}

impl FilterCondition {
    fn to_sdk(&self) -> AwsResult<sdk::Condition> {
        let condition = sdk::Condition::builder();
        Ok(match (&self.action_condition, &self.label_name_condition) {
            (Some(of), None) => {
                let action = one_of("action", &of.action, sdk::ActionValue::values())?;
                let action = sdk::ActionCondition::builder().action(action.into());
                condition.action_condition(LOGGING.built(action.build())?)
            }
            (None, Some(of)) => {
                let label = sdk::LabelNameCondition::builder().label_name(&of.label_name);
                condition.label_name_condition(LOGGING.built(label.build())?)
            }
            _ => {
                return Err(LOGGING
                    .refuse("a condition is either `actionCondition` or `labelNameCondition`"));
            }
        }
        .build())
    }

    fn from_sdk(condition: &sdk::Condition) -> Self {
        Self {
            action_condition: condition.action_condition().map(|of| ActionCondition {
                action: of.action().as_str().to_owned(),
            }),
            label_name_condition: condition
                .label_name_condition()
                .map(|of| LabelNameCondition {
                    label_name: of.label_name().to_owned(),
                }),
        }
    }
}

/// Returns the word if it is one that AWS knows.
fn one_of<'w>(key: &str, word: &'w str, words: &[&str]) -> AwsResult<&'w str> {
    if words.contains(&word) {
        return Ok(word);
    }
    let words: Vec<String> = words.iter().map(|word| format!("`{word}`")).collect();
    let reason = format!("`{key}` is one of {}; `{word}` is none", words.join(", "));
    Err(LOGGING.refuse(&reason))
}

/// The canonical form: the order of filters and conditions means nothing.
pub(super) fn canonical(filter: Value) -> Value {
    let Value::Object(mut filter) = filter else {
        return filter;
    };
    if let Some(Value::List(filters)) = filter.get_mut("filters") {
        for one in filters {
            if let Value::Object(one) = one {
                change(one, "conditions", sorted);
            }
        }
    }
    change(&mut filter, "filters", sorted);
    Value::Object(filter)
}

#[cfg(test)]
pub(super) mod tests {
    use serde_json::{Value as Json, json};

    use super::*;

    pub(in crate::aws::wafv2) fn filter() -> Json {
        let conditions = json!([
            {"actionCondition": {"action": "BLOCK"}},
            {"labelNameCondition": {"labelName": "awswaf:managed:aws:core-rule-set:NoUserAgent_Header"}},
        ]);
        json!({"defaultBehavior": "DROP", "filters": [
            {"behavior": "KEEP", "requirement": "MEETS_ANY", "conditions": conditions},
            {"behavior": "DROP", "requirement": "MEETS_ALL", "conditions": [{"actionCondition": {"action": "COUNT"}}]},
        ]})
    }

    #[test]
    fn filters_in_another_order_are_the_same() {
        let mut turned = filter();
        turned["filters"].as_array_mut().unwrap().reverse();
        let conditions = &mut turned["filters"][1]["conditions"];
        conditions.as_array_mut().unwrap().reverse();
        assert_ne!(turned, filter());
        assert_eq!(canonical(turned.into()), canonical(filter().into()));
    }
}
