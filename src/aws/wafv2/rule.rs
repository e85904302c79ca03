//! The rules of a web ACL.

use aws_sdk_wafv2::types as sdk;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::action::{Action, OverrideAction, Plain, canonical_action, change};
use super::place::Place;
use super::statement::{self, Statement};
use crate::aws::error::AwsResult;
use crate::resource::Value;

/// A test, and the action on a request that meets it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Rule {
    /// 1 to 128 letters, digits, `_` and `-`; unique in the ACL.
    pub name: String,
    /// From 0, unique in the ACL; the lowest is tried first.
    pub priority: i32,
    /// The action on a request: for every statement but a managed rule group.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub action: Option<Action>,
    /// The override of the actions of a managed rule group.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub override_action: Option<OverrideAction>,
    /// The test.
    pub statement: Statement,
    pub visibility_config: VisibilityConfig,
}

/// The metrics and samples that can be seen afterwards.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct VisibilityConfig {
    pub cloudwatch_metrics_enabled: bool,
    /// 1 to 128 letters, digits, `_` and `-`.
    pub metric_name: String,
    /// True if samples of matching requests are kept for three hours.
    pub sampled_requests_enabled: bool,
}

impl Rule {
    pub(super) fn to_sdk(&self, token: &'static str) -> AwsResult<sdk::Rule> {
        let place = Place {
            token,
            rule: Some(&self.name),
        };
        let grouped = self.statement.managed_rule_group_statement.is_some();
        let action = match (&self.action, &self.override_action) {
            (Some(action), None) if !grouped => (Some(action.to_sdk(place)?), None),
            (None, Some(action)) if grouped => (None, Some(action.to_sdk(place)?)),
            _ if grouped => {
                return Err(
                    place.refuse("a managed rule group takes `overrideAction`, not `action`")
                );
            }
            _ => return Err(place.refuse("its statement takes `action`, not `overrideAction`")),
        };
        place.built(
            sdk::Rule::builder()
                .name(&self.name)
                .priority(self.priority)
                .set_action(action.0)
                .set_override_action(action.1)
                .statement(self.statement.to_sdk(place)?)
                .visibility_config(self.visibility_config.to_sdk(place)?)
                .build(),
        )
    }

    pub(super) fn from_sdk(rule: &sdk::Rule) -> Self {
        Self {
            name: rule.name().to_owned(),
            priority: rule.priority(),
            action: rule.action().map(Action::from_sdk),
            override_action: rule.override_action().map(|action| OverrideAction {
                count: action.count().map(|_| Plain {}),
                none: action.none().map(|_| Plain {}),
            }),
            statement: rule
                .statement()
                .map(Statement::from_sdk)
                .unwrap_or_default(),
            visibility_config: VisibilityConfig::from_sdk(rule.visibility_config()),
        }
    }
}

impl VisibilityConfig {
    pub(super) fn to_sdk(&self, place: Place<'_>) -> AwsResult<sdk::VisibilityConfig> {
        place.built(
            sdk::VisibilityConfig::builder()
                .cloud_watch_metrics_enabled(self.cloudwatch_metrics_enabled)
                .metric_name(&self.metric_name)
                .sampled_requests_enabled(self.sampled_requests_enabled)
                .build(),
        )
    }

    pub(super) fn from_sdk(config: Option<&sdk::VisibilityConfig>) -> Self {
        Self {
            cloudwatch_metrics_enabled: config
                .is_some_and(sdk::VisibilityConfig::cloud_watch_metrics_enabled),
            metric_name: config
                .map_or("", sdk::VisibilityConfig::metric_name)
                .to_owned(),
            sampled_requests_enabled: config
                .is_some_and(sdk::VisibilityConfig::sampled_requests_enabled),
        }
    }
}

/// Rules in the order of their priorities, with everything that AWS fills in.
pub(super) fn canonical(rules: Value) -> Value {
    let Value::List(mut rules) = rules else {
        return rules;
    };
    for rule in &mut rules {
        let Value::Object(rule) = rule else {
            continue;
        };
        for name in ["action", "overrideAction"] {
            change(rule, name, canonical_action);
        }
        change(rule, "statement", statement::canonical);
    }
    let priority = |rule: &Value| rule.as_object()?.get("priority")?.as_number();
    rules.sort_by(|left, right| match (priority(left), priority(right)) {
        (Some(left), Some(right)) => left.total_cmp(&right),
        _ => std::cmp::Ordering::Equal,
    });
    Value::List(rules)
}

#[cfg(test)]
mod tests {
    use serde_json::{Value as Json, json};

    use super::*;

    fn rule(priority: i32, action: &Json, statement: &Json) -> Json {
        let mut rule = json!({
            "name": format!("rule-{priority}"), "priority": priority, "statement": statement,
            "visibilityConfig": {"cloudwatchMetricsEnabled": true, "metricName": "m", "sampledRequestsEnabled": false},
        });
        for (name, value) in action.as_object().unwrap() {
            rule[name] = value.clone();
        }
        rule
    }

    fn limit() -> Json {
        json!({"rateBasedStatement": {"limit": 1000}})
    }

    fn group() -> Json {
        json!({"managedRuleGroupStatement": {"vendorName": "AWS", "name": "Common", "ruleActionOverrides": [
            {"name": "Size", "actionToUse": {"count": {}}}]}})
    }

    fn wanted(rules: Json) -> Value {
        canonical(rules.into())
    }

    fn read_back(rules: &Json) -> AwsResult<Value> {
        let rules: Vec<Rule> = serde_json::from_value(rules.clone()).unwrap();
        let read = rules
            .iter()
            .map(|rule| Ok(Rule::from_sdk(&rule.to_sdk("t")?)))
            .collect::<AwsResult<Vec<Rule>>>()?;
        Ok(wanted(serde_json::to_value(read).unwrap()))
    }

    #[test]
    fn every_statement_reads_back_as_it_was_sent() {
        let rules = json!([
            rule(
                3,
                &json!({"action": {"count": {}}}),
                &json!({"geoMatchStatement": {"countryCodes": ["FR", "ES"]}})
            ),
            rule(
                2,
                &json!({"action": {"allow": {}}}),
                &json!({"ipSetReferenceStatement": {"arn": "a"}})
            ),
            rule(1, &json!({"action": {"block": {}}}), &limit()),
            rule(0, &json!({"overrideAction": {"none": {}}}), &group()),
        ]);
        assert_eq!(read_back(&rules).unwrap(), wanted(rules));
    }

    /// AWS answers with rules, overrides and countries in an order of its own.
    #[test]
    fn rules_in_another_order_are_the_same_rules() {
        let overrides = |names: [&str; 2]| {
            let overrides = names.map(|name| json!({"name": name, "actionToUse": {"count": {}}}));
            json!({"managedRuleGroupStatement": {"vendorName": "AWS", "name": "Common", "ruleActionOverrides": overrides}})
        };
        let countries = |codes: [&str; 2]| json!({"geoMatchStatement": {"countryCodes": codes}});
        let none = json!({"overrideAction": {"none": {}}});
        let block = json!({"action": {"block": {}}});
        let written = json!([
            rule(1, &block, &limit()),
            rule(
                2,
                &none,
                &overrides(["SizeRestrictions_BODY", "CrossSiteScripting_BODY"])
            ),
            rule(3, &block, &countries(["ES", "FR"])),
        ]);
        let answered = json!([
            rule(3, &block, &countries(["FR", "ES"])),
            rule(1, &block, &limit()),
            rule(
                2,
                &none,
                &overrides(["CrossSiteScripting_BODY", "SizeRestrictions_BODY"])
            ),
        ]);
        assert_eq!(read_back(&answered).unwrap(), wanted(written.clone()));
        let other = json!([
            rule(3, &block, &limit()),
            rule(
                2,
                &none,
                &overrides(["SizeRestrictions_BODY", "CrossSiteScripting_BODY"])
            ),
            rule(1, &block, &countries(["ES", "FR"])),
        ]);
        assert_ne!(wanted(other), wanted(written));
    }

    #[test]
    fn actions_differ_although_their_objects_are_empty() {
        use crate::resource::diff::compare_values;
        let with =
            |action: &str| wanted(json!([rule(1, &json!({"action": {action: {}}}), &limit())]));
        let mut changes = Vec::new();
        compare_values(
            &"rules".into(),
            &with("block"),
            &with("count"),
            &mut changes,
        );
        assert_eq!(changes.len(), 1);
        assert_eq!(changes[0].path, "rules[0].action".into());
        assert_eq!(changes[0].after, Value::from("count"));
    }

    #[test]
    fn what_does_not_fit_together_is_refused() {
        for wrong in [
            rule(0, &json!({"action": {"block": {}}}), &group()),
            rule(0, &json!({"overrideAction": {"none": {}}}), &limit()),
            rule(0, &json!({"action": {"block": {}, "count": {}}}), &limit()),
            rule(0, &json!({"action": {"block": {}}}), &json!({})),
            rule(
                0,
                &json!({"action": {"block": {}}}),
                &json!({"rateBasedStatement": {"limit": 10, "aggregateKeyType": "CONSTANT"}}),
            ),
        ] {
            let error = read_back(&json!([wrong])).unwrap_err();
            assert!(error.message.contains("rule `rule-0`"), "{error}");
        }
    }

    #[test]
    fn unknown_statements_are_refused_by_name() {
        let rule = rule(0, &json!({}), &json!({"xssMatchStatement": {}}));
        let error = serde_json::from_value::<Rule>(rule).unwrap_err();
        assert!(error.to_string().contains("`xssMatchStatement`"));
    }

    #[test]
    fn a_narrowed_limit_is_a_difference() {
        let plain: Rule =
            serde_json::from_value(rule(0, &json!({"action": {"block": {}}}), &limit())).unwrap();
        let mut narrowed = plain.to_sdk("t").unwrap();
        let rate = narrowed.statement.as_mut().unwrap();
        let rate = rate.rate_based_statement.as_mut().unwrap();
        rate.scope_down_statement = Some(Box::new(sdk::Statement::builder().build()));
        assert_eq!(Rule::from_sdk(&narrowed).statement, Statement::default());
    }
}
