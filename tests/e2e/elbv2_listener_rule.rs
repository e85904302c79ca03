//! `aws:lb:ListenerRule`.

use async_trait::async_trait;
use aws_sdk_elasticloadbalancingv2::types::{Action, ActionTypeEnum, FixedResponseActionConfig};
use serde_json::{Value as Json, json};

use crate::common::resource_type::{Edit, ResourceTypeTest, check};
use crate::common::sdk::Sdk;

/// The name in the ARN of a target group.
fn name_of(arn: &str) -> Option<&str> {
    arn.rsplit('/').nth(1)
}

struct ListenerRule;

#[async_trait]
impl ResourceTypeTest for ListenerRule {
    fn token(&self) -> &'static str {
        "aws:lb:ListenerRule"
    }

    fn needs(&self) -> &'static str {
        "vpc: { type: aws:ec2:Vpc, properties: { cidrBlock: 10.0.0.0/16 } }
left: { type: aws:ec2:Subnet, properties: { vpcId: '${vpc.id}', cidrBlock: 10.0.0.0/24, availabilityZone: eu-south-2a } }
right: { type: aws:ec2:Subnet, properties: { vpcId: '${vpc.id}', cidrBlock: 10.0.1.0/24, availabilityZone: eu-south-2b } }
blue: { type: aws:lb:TargetGroup, properties: { name: e2e-rule-blue, port: 80, protocol: HTTP, vpcId: '${vpc.id}' } }
red: { type: aws:lb:TargetGroup, properties: { name: e2e-rule-red, port: 80, protocol: HTTP, vpcId: '${vpc.id}' } }
first: { type: aws:lb:LoadBalancer, properties: { name: e2e-rule-first, internal: true, subnets: ['${left.id}', '${right.id}'] } }
lower: { type: aws:lb:Listener, properties: { loadBalancerArn: '${first.arn}', port: 80, defaultActions: [{ type: forward, targetGroupArn: '${blue.arn}' }] } }
upper: { type: aws:lb:Listener, properties: { loadBalancerArn: '${first.arn}', port: 81, defaultActions: [{ type: forward, targetGroupArn: '${blue.arn}' }] } }"
    }

    fn base(&self) -> &'static str {
        "{ listenerArn: '${lower.arn}', priority: 10, conditions: [{ \
         pathPattern: { values: [/api/*] } }], actions: [{ type: forward, \
         targetGroupArn: '${blue.arn}' }] }"
    }

    fn edits(&self) -> Vec<Edit> {
        vec![
            Edit::in_place("/priority", ("priority: 20", "20"), ("priority: 30", "30"))
                .removed("10"),
            Edit::replaces(
                "/priority",
                ("listenerArn: ${lower.arn}", "10"),
                ("listenerArn: ${upper.arn}", "10"),
            ),
            Edit::in_place(
                "/forward",
                (
                    "actions: [{ type: forward, targetGroupArn: '${blue.arn}' }]",
                    "e2e-rule-blue",
                ),
                (
                    "actions: [{ type: forward, targetGroupArn: '${red.arn}' }]",
                    "e2e-rule-red",
                ),
            ),
            Edit::in_place(
                "/answer",
                (
                    "actions: [{ type: fixed-response, fixedResponse: { contentType: \
                     text/plain, statusCode: 503, messageBody: closed } }]",
                    json!(["503", "closed"]),
                ),
                (
                    "actions: [{ type: fixed-response, fixedResponse: { contentType: \
                     text/plain, statusCode: 404, messageBody: none } }]",
                    json!(["404", "none"]),
                ),
            ),
            Edit::in_place(
                "/redirect",
                (
                    "actions: [{ type: redirect, redirect: { statusCode: HTTP_302, \
                     protocol: HTTPS, port: 443 } }]",
                    json!(["HTTP_302", "HTTPS", "443"]),
                ),
                (
                    "actions: [{ type: redirect, redirect: { statusCode: HTTP_301, \
                     protocol: HTTPS, port: 8443 } }]",
                    json!(["HTTP_301", "HTTPS", "8443"]),
                ),
            ),
            Edit::in_place(
                "/conditions",
                (
                    "conditions: [{ pathPattern: { values: [/a, /b] } }]",
                    json!([["path-pattern", ["/a", "/b"]]]),
                ),
                (
                    "conditions: [{ pathPattern: { values: [/c] } }]",
                    json!([["path-pattern", ["/c"]]]),
                ),
            ),
            Edit::in_place(
                "/conditions",
                (
                    "conditions: [{ hostHeader: { values: [one.example.com] } }]",
                    json!([["host-header", ["one.example.com"]]]),
                ),
                (
                    "conditions: [{ hostHeader: { values: [two.example.com] } }]",
                    json!([["host-header", ["two.example.com"]]]),
                ),
            ),
            Edit::in_place(
                "/conditions",
                (
                    "conditions: [{ httpRequestMethod: { values: [GET] } }]",
                    json!([["http-request-method", ["GET"]]]),
                ),
                (
                    "conditions: [{ httpRequestMethod: { values: [PUT] } }]",
                    json!([["http-request-method", ["PUT"]]]),
                ),
            ),
            Edit::in_place(
                "/conditions",
                (
                    "conditions: [{ sourceIp: { values: [10.0.0.0/8] } }]",
                    json!([["source-ip", ["10.0.0.0/8"]]]),
                ),
                (
                    "conditions: [{ sourceIp: { values: [192.168.0.0/16] } }]",
                    json!([["source-ip", ["192.168.0.0/16"]]]),
                ),
            ),
            Edit::in_place(
                "/conditions",
                (
                    "conditions: [{ httpHeader: { httpHeaderName: X-Key, values: [one] } }]",
                    json!([["http-header", ["one"]]]),
                ),
                (
                    "conditions: [{ httpHeader: { httpHeaderName: X-Key, values: [two] } }]",
                    json!([["http-header", ["two"]]]),
                ),
            ),
        ]
    }

    async fn look(&self, sdk: &Sdk, id: &str) -> Option<Json> {
        let answer = sdk.elbv2.describe_rules().rule_arns(id).send().await.ok()?;
        let rule = answer.rules().first()?;
        let action = rule.actions().first()?;
        let conditions: Vec<Json> = rule
            .conditions()
            .iter()
            .map(|condition| {
                let mut values = [
                    condition
                        .path_pattern_config()
                        .map(|config| config.values()),
                    condition.host_header_config().map(|config| config.values()),
                    condition
                        .http_request_method_config()
                        .map(|config| config.values()),
                    condition.source_ip_config().map(|config| config.values()),
                    condition.http_header_config().map(|config| config.values()),
                ]
                .into_iter()
                .flatten()
                .flatten()
                .collect::<Vec<_>>();
                values.sort_unstable();
                json!([condition.field(), values])
            })
            .collect();
        Some(json!({
            "priority": rule.priority(),
            "conditions": conditions,
            "forward": action.target_group_arn().and_then(name_of),
            "answer": action.fixed_response_config().map(|response| json!([response.status_code(), response.message_body()])),
            "redirect": action.redirect_config().map(|redirect| json!([
                redirect.status_code().map(|code| code.as_str()),
                redirect.protocol(),
                redirect.port(),
            ])),
        }))
    }

    async fn vanish(&self, sdk: &Sdk, id: &str) -> bool {
        sdk.elbv2.delete_rule().rule_arn(id).send().await.is_ok()
    }

    async fn drift(&self, sdk: &Sdk, id: &str) -> bool {
        let response = FixedResponseActionConfig::builder()
            .content_type("text/plain")
            .status_code("418")
            .build();
        let action = Action::builder()
            .r#type(ActionTypeEnum::FixedResponse)
            .fixed_response_config(response)
            .build();
        sdk.elbv2
            .modify_rule()
            .rule_arn(id)
            .actions(action)
            .send()
            .await
            .is_ok()
    }

    async fn foreign_tag(&self, sdk: &Sdk, id: &str, set: bool) -> Option<bool> {
        sdk.foreign_tag(id, set).await
    }
}

#[tokio::test]
async fn listener_rule() {
    check("e2e-elbv2-listener-rule", &ListenerRule).await;
}
