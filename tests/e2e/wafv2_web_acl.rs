//! `aws:wafv2:WebAcl`.

use async_trait::async_trait;
use aws_sdk_wafv2::types::{Scope, WebAclSummary};
use serde_json::{Value as Json, json};

use crate::common::resource_type::{Edit, ResourceTypeTest, check};
use crate::common::sdk::Sdk;

/// An ACL is looked up by name and id together.
async fn find(sdk: &Sdk, id: &str) -> Option<WebAclSummary> {
    let answer = sdk
        .wafv2
        .list_web_acls()
        .scope(Scope::Regional)
        .limit(100)
        .send()
        .await
        .ok()?;
    answer
        .web_acls
        .unwrap_or_default()
        .into_iter()
        .find(|acl| acl.id() == Some(id))
}

struct WebAcl;

#[async_trait]
impl ResourceTypeTest for WebAcl {
    fn token(&self) -> &'static str {
        "aws:wafv2:WebAcl"
    }

    fn base(&self) -> &'static str {
        "{ defaultAction: { allow: {} }, visibilityConfig: { \
         cloudwatchMetricsEnabled: true, metricName: acl, \
         sampledRequestsEnabled: true } }"
    }

    fn edits(&self) -> Vec<Edit> {
        vec![
            Edit::replaces(
                "/name",
                ("name: e2e-acl-one", "e2e-acl-one"),
                ("name: e2e-acl-two", "e2e-acl-two"),
            ),
            Edit::in_place(
                "/blocks",
                ("defaultAction: { allow: {} }", false),
                ("defaultAction: { block: {} }", true),
            )
            .removed(false),
            Edit::in_place(
                "/description",
                ("description: one", "one"),
                ("description: two", "two"),
            ),
            Edit::in_place(
                "/metric",
                (
                    "visibilityConfig: { cloudwatchMetricsEnabled: true, metricName: \
                     one, sampledRequestsEnabled: true }",
                    "one",
                ),
                (
                    "visibilityConfig: { cloudwatchMetricsEnabled: true, metricName: \
                     two, sampledRequestsEnabled: true }",
                    "two",
                ),
            )
            .removed("acl"),
            Edit::in_place(
                "/action",
                (
                    "rules: [{ name: one, priority: 1, action: { block: {} }, \
                     statement: { geoMatchStatement: { countryCodes: [ES] } }, \
                     visibilityConfig: { cloudwatchMetricsEnabled: true, metricName: \
                     one, sampledRequestsEnabled: true } }]",
                    "block",
                ),
                (
                    "rules: [{ name: one, priority: 1, action: { count: {} }, \
                     statement: { geoMatchStatement: { countryCodes: [ES] } }, \
                     visibilityConfig: { cloudwatchMetricsEnabled: true, metricName: \
                     one, sampledRequestsEnabled: true } }]",
                    "count",
                ),
            )
            .removed(Json::Null),
            Edit::in_place(
                "/countries",
                (
                    "rules: [{ name: one, priority: 1, action: { block: {} }, \
                     statement: { geoMatchStatement: { countryCodes: [ES, FR] } }, \
                     visibilityConfig: { cloudwatchMetricsEnabled: true, metricName: \
                     one, sampledRequestsEnabled: true } }]",
                    json!(["ES", "FR"]),
                ),
                (
                    "rules: [{ name: one, priority: 1, action: { block: {} }, \
                     statement: { geoMatchStatement: { countryCodes: [IT] } }, \
                     visibilityConfig: { cloudwatchMetricsEnabled: true, metricName: \
                     one, sampledRequestsEnabled: true } }]",
                    json!(["IT"]),
                ),
            ),
            Edit::in_place(
                "/limit",
                (
                    "rules: [{ name: one, priority: 1, action: { block: {} }, \
                     statement: { rateBasedStatement: { limit: 100 } }, \
                     visibilityConfig: { cloudwatchMetricsEnabled: true, metricName: \
                     one, sampledRequestsEnabled: true } }]",
                    100,
                ),
                (
                    "rules: [{ name: one, priority: 1, action: { block: {} }, \
                     statement: { rateBasedStatement: { limit: 200 } }, \
                     visibilityConfig: { cloudwatchMetricsEnabled: true, metricName: \
                     one, sampledRequestsEnabled: true } }]",
                    200,
                ),
            ),
            Edit::in_place(
                "/group",
                (
                    "rules: [{ name: one, priority: 1, overrideAction: { none: {} }, \
                     statement: { managedRuleGroupStatement: { vendorName: AWS, name: \
                     AWSManagedRulesCommonRuleSet } }, visibilityConfig: { \
                     cloudwatchMetricsEnabled: true, metricName: one, \
                     sampledRequestsEnabled: true } }]",
                    "AWSManagedRulesCommonRuleSet",
                ),
                (
                    "rules: [{ name: one, priority: 1, overrideAction: { none: {} }, \
                     statement: { managedRuleGroupStatement: { vendorName: AWS, name: \
                     AWSManagedRulesSQLiRuleSet } }, visibilityConfig: { \
                     cloudwatchMetricsEnabled: true, metricName: one, \
                     sampledRequestsEnabled: true } }]",
                    "AWSManagedRulesSQLiRuleSet",
                ),
            ),
        ]
    }

    fn without_a_row(&self) -> &'static [(&'static str, &'static str)] {
        &[("scope", "has one value")]
    }

    async fn look(&self, sdk: &Sdk, id: &str) -> Option<Json> {
        let summary = find(sdk, id).await?;
        let asked = sdk
            .wafv2
            .get_web_acl()
            .scope(Scope::Regional)
            .id(id)
            .name(summary.name()?)
            .send();
        let answer = asked.await.ok()?;
        let acl = answer.web_acl()?;
        let rule = acl.rules().first();
        let statement = rule.and_then(|rule| rule.statement());
        let action = rule
            .and_then(|rule| rule.action())
            .map(|action| match action {
                action if action.block().is_some() => "block",
                action if action.count().is_some() => "count",
                _ => "allow",
            });
        Some(json!({
            "arn": acl.arn(),
            "name": acl.name(),
            "description": acl.description(),
            "blocks": acl.default_action().is_some_and(|action| action.block().is_some()),
            "metric": acl.visibility_config().map(|visibility| visibility.metric_name()),
            "action": action,
            "countries": statement.and_then(|statement| statement.geo_match_statement()).map(|geo| {
                geo.country_codes().iter().map(|code| code.as_str()).collect::<Vec<_>>()
            }),
            "limit": statement.and_then(|statement| statement.rate_based_statement()).map(|rate| rate.limit()),
            "group": statement.and_then(|statement| statement.managed_rule_group_statement()).map(|group| group.name()),
        }))
    }

    async fn vanish(&self, sdk: &Sdk, id: &str) -> bool {
        let Some(summary) = find(sdk, id).await else {
            return false;
        };
        sdk.wafv2
            .delete_web_acl()
            .scope(Scope::Regional)
            .id(id)
            .name(summary.name().unwrap_or_default())
            .lock_token(summary.lock_token().unwrap_or_default())
            .send()
            .await
            .is_ok()
    }

    async fn drift(&self, sdk: &Sdk, id: &str) -> bool {
        let Some(summary) = find(sdk, id).await else {
            return false;
        };
        let name = summary.name().unwrap_or_default();
        let asked = sdk
            .wafv2
            .get_web_acl()
            .scope(Scope::Regional)
            .id(id)
            .name(name)
            .send();
        let answer = asked.await.expect("the ACL can be read");
        let acl = answer.web_acl.expect("an ACL");
        let mut visibility = acl.visibility_config.expect("visibility");
        "drifted".clone_into(&mut visibility.metric_name);
        sdk.wafv2
            .update_web_acl()
            .scope(Scope::Regional)
            .id(id)
            .name(name)
            .lock_token(answer.lock_token.unwrap_or_default())
            .set_default_action(acl.default_action)
            .set_rules(acl.rules)
            .visibility_config(visibility)
            .send()
            .await
            .is_ok()
    }

    async fn foreign_tag(&self, sdk: &Sdk, id: &str, set: bool) -> Option<bool> {
        let summary = find(sdk, id).await?;
        sdk.foreign_tag(summary.arn()?, set).await
    }
}

#[tokio::test]
async fn web_acl() {
    check("e2e-wafv2-web-acl", &WebAcl).await;
}
