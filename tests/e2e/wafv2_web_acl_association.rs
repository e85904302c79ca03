//! `aws:wafv2:WebAclAssociation`.

use async_trait::async_trait;
use serde_json::{Value as Json, json};

use crate::common::program::Program;
use crate::common::proxy::{Proxy, Refusal};
use crate::common::resource_type::{Edit, ResourceTypeTest, check};
use crate::common::sdk::Sdk;
use crate::common::{World, endpoint};

struct WebAclAssociation;

#[async_trait]
impl ResourceTypeTest for WebAclAssociation {
    fn token(&self) -> &'static str {
        "aws:wafv2:WebAclAssociation"
    }

    fn needs(&self) -> &'static str {
        "vpc: { type: aws:ec2:Vpc, properties: { cidrBlock: 10.0.0.0/16 } }
left: { type: aws:ec2:Subnet, properties: { vpcId: '${vpc.id}', cidrBlock: 10.0.0.0/24, availabilityZone: eu-south-2a } }
right: { type: aws:ec2:Subnet, properties: { vpcId: '${vpc.id}', cidrBlock: 10.0.1.0/24, availabilityZone: eu-south-2b } }
first: { type: aws:lb:LoadBalancer, properties: { name: e2e-waf-first, internal: true, subnets: ['${left.id}', '${right.id}'] } }
second: { type: aws:lb:LoadBalancer, properties: { name: e2e-waf-second, internal: true, subnets: ['${left.id}', '${right.id}'] } }
guard: { type: aws:wafv2:WebAcl, properties: { name: e2e-guard, defaultAction: { allow: {} }, visibilityConfig: { cloudwatchMetricsEnabled: true, metricName: guard, sampledRequestsEnabled: true } } }
keeper: { type: aws:wafv2:WebAcl, properties: { name: e2e-keeper, defaultAction: { allow: {} }, visibilityConfig: { cloudwatchMetricsEnabled: true, metricName: keeper, sampledRequestsEnabled: true } } }"
    }

    fn base(&self) -> &'static str {
        "{ resourceArn: '${first.arn}', webAclArn: '${guard.arn}' }"
    }

    fn edits(&self) -> Vec<Edit> {
        vec![
            Edit::in_place(
                "/acl",
                ("webAclArn: ${guard.arn}", "e2e-guard"),
                ("webAclArn: ${keeper.arn}", "e2e-keeper"),
            ),
            Edit::moves(
                "/acl",
                ("resourceArn: ${first.arn}", "e2e-guard"),
                ("resourceArn: ${second.arn}", "e2e-guard"),
            ),
        ]
    }

    async fn look(&self, sdk: &Sdk, id: &str) -> Option<Json> {
        let asked = sdk.wafv2.get_web_acl_for_resource().resource_arn(id).send();
        let answer = asked.await.ok()?;
        Some(json!({ "acl": answer.web_acl()?.name() }))
    }

    async fn vanish(&self, sdk: &Sdk, id: &str) -> bool {
        sdk.wafv2
            .disassociate_web_acl()
            .resource_arn(id)
            .send()
            .await
            .is_ok()
    }

    async fn drift(&self, _sdk: &Sdk, _id: &str) -> bool {
        false
    }

    async fn foreign_tag(&self, _sdk: &Sdk, _id: &str, _set: bool) -> Option<bool> {
        None
    }
}

#[tokio::test]
async fn web_acl_association() {
    check("e2e-wafv2-web-acl-association", &WebAclAssociation).await;
}

/// A load balancer that was made a moment ago is not there yet for WAF.
#[tokio::test]
async fn a_load_balancer_that_waf_does_not_know_yet_is_waited_for() {
    let world = World::new("e2e-wafv2-not-yet").await;
    let proxy = Proxy::before(endpoint(), |call| {
        let not_yet = Refusal {
            status: 400,
            code: "WAFNonexistentItemException",
            message: "AWS WAF couldn't perform the operation because your resource doesn't exist.",
        };
        let asked = ["GetWebACLForResource", "AssociateWebACL"].contains(&call.operation);
        (asked && call.turn <= 2).then(|| not_yet.into())
    });
    let program = Program::of(&world).with("AWS_ENDPOINT_URL", &proxy.endpoint);
    let resources = WebAclAssociation
        .needs()
        .replace("e2e-waf-", "e2e-waf-not-yet-")
        .replace("e2e-guard", "e2e-guard-not-yet")
        .replace("e2e-keeper", "e2e-keeper-not-yet")
        + "\ntested: { type: aws:wafv2:WebAclAssociation, properties: { resourceArn: '${first.arn}', webAclArn: '${guard.arn}' } }";
    let ended = program.run(&resources, "up", &["--yes"]);
    assert_eq!(ended.status, Some(0), "{}", ended.screen);
    let id = world.id(&resources, "tested").await;
    let looked = WebAclAssociation.look(&world.sdk, &id).await;
    assert_eq!(looked, Some(json!({ "acl": "e2e-guard-not-yet" })));
    world.destroy(&resources).await;
}
