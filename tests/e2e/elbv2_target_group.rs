//! `aws:lb:TargetGroup`.

use async_trait::async_trait;
use aws_sdk_elasticloadbalancingv2::types::TargetGroupAttribute;
use serde_json::{Value as Json, json};

use crate::common::resource_type::{Edit, ResourceTypeTest, check};
use crate::common::sdk::Sdk;

struct TargetGroup;

#[async_trait]
impl ResourceTypeTest for TargetGroup {
    fn token(&self) -> &'static str {
        "aws:lb:TargetGroup"
    }

    fn needs(&self) -> &'static str {
        "first: { type: aws:ec2:Vpc, properties: { cidrBlock: 10.0.0.0/16 } }
second: { type: aws:ec2:Vpc, properties: { cidrBlock: 10.1.0.0/16 } }"
    }

    fn base(&self) -> &'static str {
        "{ port: 80, protocol: HTTP, vpcId: '${first.id}' }"
    }

    fn edits(&self) -> Vec<Edit> {
        vec![
            Edit::replaces("/port", ("port: 8080", 8080), ("port: 8081", 8081)),
            Edit::replaces(
                "/protocol",
                ("protocol: HTTP", "HTTP"),
                ("protocol: HTTPS", "HTTPS"),
            ),
            Edit::replaces(
                "/version",
                ("protocolVersion: HTTP1", "HTTP1"),
                ("protocolVersion: HTTP2", "HTTP2"),
            )
            .removed("HTTP1"),
            Edit::replaces(
                "/kind",
                ("targetType: instance", "instance"),
                ("targetType: ip", "ip"),
            )
            .removed("instance"),
            Edit::replaces(
                "/name",
                ("name: e2e-group-one", "e2e-group-one"),
                ("name: e2e-group-two", "e2e-group-two"),
            ),
            Edit::replaces(
                "/network",
                ("vpcId: ${first.id}", "10.0.0.0/16"),
                ("vpcId: ${second.id}", "10.1.0.0/16"),
            ),
            Edit::in_place(
                "/check",
                (
                    "healthCheck: { path: /health, matcher: '200-299', interval: 15, \
                     timeout: 5, healthyThreshold: 3, unhealthyThreshold: 4 }",
                    json!(["/health", "200-299", 15, 5, 3, 4]),
                ),
                (
                    "healthCheck: { path: /ready, matcher: '200', interval: 20, \
                     timeout: 10, healthyThreshold: 2, unhealthyThreshold: 3 }",
                    json!(["/ready", "200", 20, 10, 2, 3]),
                ),
            )
            .removed(json!(["/", "200", 30, 5, 5, 2])),
            Edit::in_place(
                "/delay",
                ("deregistrationDelay: 30", "30"),
                ("deregistrationDelay: 60", "60"),
            )
            .removed("300"),
            Edit::in_place(
                "/slowStart",
                ("slowStart: 30", "30"),
                ("slowStart: 60", "60"),
            )
            .removed("0"),
            Edit::in_place(
                "/algorithm",
                ("loadBalancingAlgorithmType: round_robin", "round_robin"),
                (
                    "loadBalancingAlgorithmType: least_outstanding_requests",
                    "least_outstanding_requests",
                ),
            )
            .removed("round_robin"),
            Edit::in_place(
                "/sticky",
                (
                    "stickiness: { cookieDuration: 100 }",
                    json!(["true", "100"]),
                ),
                (
                    "stickiness: { cookieDuration: 200 }",
                    json!(["true", "200"]),
                ),
            ),
            Edit::in_place(
                "/sticky/0",
                ("stickiness: { enabled: true, type: lb_cookie }", "true"),
                ("stickiness: { enabled: false }", "false"),
            )
            .removed("false"),
        ]
    }

    async fn look(&self, sdk: &Sdk, id: &str) -> Option<Json> {
        let asked = sdk
            .elbv2
            .describe_target_groups()
            .target_group_arns(id)
            .send();
        let answer = asked.await.ok()?;
        let group = answer.target_groups().first()?;
        let asked = sdk
            .elbv2
            .describe_target_group_attributes()
            .target_group_arn(id)
            .send();
        let attributes = asked.await.ok()?;
        let attribute = |key: &str| {
            attributes
                .attributes()
                .iter()
                .find(|one| one.key() == Some(key))
                .and_then(|one| one.value())
        };
        let vpc = sdk
            .ec2
            .describe_vpcs()
            .vpc_ids(group.vpc_id()?)
            .send()
            .await
            .ok()?;
        Some(json!({
            "name": group.target_group_name(),
            "port": group.port(),
            "protocol": group.protocol().map(|protocol| protocol.as_str()),
            "version": group.protocol_version(),
            "kind": group.target_type().map(|kind| kind.as_str()),
            "network": vpc.vpcs().first()?.cidr_block(),
            "check": [
                group.health_check_path(),
                group.matcher().and_then(|matcher| matcher.http_code()),
                group.health_check_interval_seconds(),
                group.health_check_timeout_seconds(),
                group.healthy_threshold_count(),
                group.unhealthy_threshold_count(),
            ],
            "delay": attribute("deregistration_delay.timeout_seconds"),
            "slowStart": attribute("slow_start.duration_seconds"),
            "algorithm": attribute("load_balancing.algorithm.type"),
            "sticky": [attribute("stickiness.enabled"), attribute("stickiness.lb_cookie.duration_seconds")],
        }))
    }

    async fn vanish(&self, sdk: &Sdk, id: &str) -> bool {
        sdk.elbv2
            .delete_target_group()
            .target_group_arn(id)
            .send()
            .await
            .is_ok()
    }

    async fn drift(&self, sdk: &Sdk, id: &str) -> bool {
        let delay = TargetGroupAttribute::builder()
            .key("deregistration_delay.timeout_seconds")
            .value("9")
            .build();
        sdk.elbv2
            .modify_target_group_attributes()
            .target_group_arn(id)
            .attributes(delay)
            .send()
            .await
            .is_ok()
    }

    async fn foreign_tag(&self, sdk: &Sdk, id: &str, set: bool) -> Option<bool> {
        sdk.foreign_tag(id, set).await
    }
}

#[tokio::test]
async fn target_group() {
    check("e2e-elbv2-target-group", &TargetGroup).await;
}
