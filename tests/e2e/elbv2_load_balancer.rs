//! `aws:lb:LoadBalancer`.

use async_trait::async_trait;
use aws_sdk_elasticloadbalancingv2::types::LoadBalancerAttribute;
use serde_json::{Value as Json, json};

use crate::common::resource_type::{Edit, ResourceTypeTest, check};
use crate::common::sdk::Sdk;

struct LoadBalancer;

#[async_trait]
impl ResourceTypeTest for LoadBalancer {
    fn token(&self) -> &'static str {
        "aws:lb:LoadBalancer"
    }

    fn needs(&self) -> &'static str {
        "vpc: { type: aws:ec2:Vpc, properties: { cidrBlock: 10.0.0.0/16 } }
left: { type: aws:ec2:Subnet, properties: { vpcId: '${vpc.id}', cidrBlock: 10.0.0.0/24, availabilityZone: eu-south-2a } }
middle: { type: aws:ec2:Subnet, properties: { vpcId: '${vpc.id}', cidrBlock: 10.0.1.0/24, availabilityZone: eu-south-2b } }
right: { type: aws:ec2:Subnet, properties: { vpcId: '${vpc.id}', cidrBlock: 10.0.2.0/24, availabilityZone: eu-south-2c } }
blue: { type: aws:ec2:SecurityGroup, properties: { vpcId: '${vpc.id}' } }
red: { type: aws:ec2:SecurityGroup, properties: { vpcId: '${vpc.id}' } }
logs: { type: aws:s3:Bucket }
delivery:
  type: aws:s3:BucketPolicy
  properties:
    bucket: ${logs.bucket}
    policy:
      Version: '2012-10-17'
      Statement: [{ Effect: Allow, Principal: { Service: logdelivery.elasticloadbalancing.amazonaws.com }, Action: 's3:PutObject', Resource: '${logs.arn}/*' }]"
    }

    fn base(&self) -> &'static str {
        "{ internal: true, subnets: ['${left.id}', '${middle.id}'] }"
    }

    fn edits(&self) -> Vec<Edit> {
        vec![
            Edit::replaces(
                "/scheme",
                ("internal: true", "internal"),
                ("internal: false", "internet-facing"),
            ),
            Edit::replaces(
                "/name",
                ("name: e2e-balancer-one", "e2e-balancer-one"),
                ("name: e2e-balancer-two", "e2e-balancer-two"),
            ),
            Edit::in_place(
                "/zones",
                (
                    "subnets: ['${left.id}', '${middle.id}']",
                    json!(["eu-south-2a", "eu-south-2b"]),
                ),
                (
                    "subnets: ['${middle.id}', '${right.id}']",
                    json!(["eu-south-2b", "eu-south-2c"]),
                ),
            )
            .removed(json!(["eu-south-2a", "eu-south-2b"])),
            Edit::in_place(
                "/groups",
                ("securityGroups: ['${blue.id}']", 1),
                ("securityGroups: ['${blue.id}', '${red.id}']", 2),
            ),
            Edit::in_place(
                "/addresses",
                ("ipAddressType: dualstack", "dualstack"),
                ("ipAddressType: ipv4", "ipv4"),
            )
            .removed("ipv4"),
            Edit::in_place(
                "/logs",
                (
                    "accessLogs: { enabled: true, bucket: '${delivery.bucket}' }",
                    json!(["true", ""]),
                ),
                (
                    "accessLogs: { enabled: true, bucket: '${delivery.bucket}', prefix: web }",
                    json!(["true", "web"]),
                ),
            ),
            Edit::in_place(
                "/logs/0",
                (
                    "accessLogs: { enabled: true, bucket: '${delivery.bucket}' }",
                    "true",
                ),
                ("accessLogs: { enabled: false }", "false"),
            )
            .removed("false"),
            Edit::in_place(
                "/idle",
                ("idleTimeout: 30", "30"),
                ("idleTimeout: 90", "90"),
            )
            .removed("60"),
            Edit::in_place(
                "/alive",
                ("clientKeepAlive: 60", "60"),
                ("clientKeepAlive: 120", "120"),
            )
            .removed("3600"),
            Edit::in_place(
                "/protected",
                ("enableDeletionProtection: true", "true"),
                ("enableDeletionProtection: false", "false"),
            )
            .removed("false"),
            Edit::in_place(
                "/drops",
                ("dropInvalidHeaderFields: false", "false"),
                ("dropInvalidHeaderFields: true", "true"),
            )
            .removed("false"),
            Edit::in_place(
                "/http2",
                ("enableHttp2: true", "true"),
                ("enableHttp2: false", "false"),
            )
            .removed("true"),
            Edit::in_place(
                "/desync",
                ("desyncMitigationMode: monitor", "monitor"),
                ("desyncMitigationMode: strictest", "strictest"),
            )
            .removed("defensive"),
            Edit::in_place(
                "/host",
                ("preserveHostHeader: false", "false"),
                ("preserveHostHeader: true", "true"),
            )
            .removed("false"),
            Edit::in_place(
                "/forwarded",
                ("xffHeaderProcessingMode: preserve", "preserve"),
                ("xffHeaderProcessingMode: remove", "remove"),
            )
            .removed("append"),
        ]
    }

    fn without_a_row(&self) -> &'static [(&'static str, &'static str)] {
        &[
            ("loadBalancerType", "has one value"),
            (
                "vpcId",
                "changes with the subnets: `stacks.rs` moves a platform",
            ),
        ]
    }

    async fn look(&self, sdk: &Sdk, id: &str) -> Option<Json> {
        let asked = sdk
            .elbv2
            .describe_load_balancers()
            .load_balancer_arns(id)
            .send();
        let answer = asked.await.ok()?;
        let balancer = answer.load_balancers().first()?;
        let asked = sdk
            .elbv2
            .describe_load_balancer_attributes()
            .load_balancer_arn(id)
            .send();
        let attributes = asked.await.ok()?;
        let attribute = |key: &str| {
            attributes
                .attributes()
                .iter()
                .find(|one| one.key() == Some(key))
                .and_then(|one| one.value())
        };
        let mut zones: Vec<_> = balancer
            .availability_zones()
            .iter()
            .map(|zone| zone.zone_name())
            .collect();
        zones.sort_unstable();
        Some(json!({
            "name": balancer.load_balancer_name(),
            "scheme": balancer.scheme().map(|scheme| scheme.as_str()),
            "zones": zones,
            "groups": balancer.security_groups().len(),
            "addresses": balancer.ip_address_type().map(|kind| kind.as_str()),
            "logs": [attribute("access_logs.s3.enabled"), attribute("access_logs.s3.prefix")],
            "idle": attribute("idle_timeout.timeout_seconds"),
            "alive": attribute("client_keep_alive.seconds"),
            "protected": attribute("deletion_protection.enabled"),
            "drops": attribute("routing.http.drop_invalid_header_fields.enabled"),
            "http2": attribute("routing.http2.enabled"),
            "desync": attribute("routing.http.desync_mitigation_mode"),
            "host": attribute("routing.http.preserve_host_header.enabled"),
            "forwarded": attribute("routing.http.xff_header_processing.mode"),
        }))
    }

    async fn vanish(&self, sdk: &Sdk, id: &str) -> bool {
        sdk.elbv2
            .delete_load_balancer()
            .load_balancer_arn(id)
            .send()
            .await
            .is_ok()
    }

    async fn drift(&self, sdk: &Sdk, id: &str) -> bool {
        let idle = LoadBalancerAttribute::builder()
            .key("idle_timeout.timeout_seconds")
            .value("9")
            .build();
        sdk.elbv2
            .modify_load_balancer_attributes()
            .load_balancer_arn(id)
            .attributes(idle)
            .send()
            .await
            .is_ok()
    }

    async fn foreign_tag(&self, sdk: &Sdk, id: &str, set: bool) -> Option<bool> {
        sdk.foreign_tag(id, set).await
    }
}

#[tokio::test]
async fn load_balancer() {
    check("e2e-elbv2-load-balancer", &LoadBalancer).await;
}
