//! `aws:wafv2:WebAclAssociation`.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

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

/// A load balancer that is gone, or not there yet, has no ACL: WAF refuses to say so, and the preview does not end with
/// that.
#[tokio::test]
async fn a_load_balancer_that_is_gone_is_no_error_of_the_preview() {
    let world = World::new("e2e-wafv2-gone").await;
    let asked = Arc::new(AtomicBool::new(false));
    let is_asked = Arc::clone(&asked);
    let proxy = Proxy::before(endpoint(), move |call| {
        let gone = Refusal {
            status: 400,
            code: "WAFNonexistentItemException",
            message: "AWS WAF couldn't perform the operation because your resource doesn't exist.",
        };
        (call.operation == "GetWebACLForResource").then(|| {
            is_asked.store(true, Ordering::Relaxed);
            gone.into()
        })
    });
    let program = Program::of(&world).with("AWS_ENDPOINT_URL", &proxy.endpoint);
    let resources = "guard: { type: aws:wafv2:WebAcl, properties: { name: e2e-guard-gone, defaultAction: { allow: {} }, visibilityConfig: { cloudwatchMetricsEnabled: true, metricName: guard, sampledRequestsEnabled: true } } }
tested: { type: aws:wafv2:WebAclAssociation, properties: { resourceArn: 'arn:aws:elasticloadbalancing:eu-south-2:123456789012:loadbalancer/app/e2e-gone/50dc6c495c0c9188', webAclArn: '${guard.arn}' } }";
    let ended = program.run(resources, "preview", &[]);
    assert_eq!(ended.status, Some(0), "{}", ended.screen);
    assert!(asked.load(Ordering::Relaxed), "{}", ended.screen);
}

/// An association that others have made with their ACL is not taken over unasked.
#[tokio::test]
async fn an_acl_of_others_on_our_load_balancer_is_seen_in_the_preview() {
    let world = World::new("e2e-wafv2-theirs").await;
    let needs = WebAclAssociation
        .needs()
        .replace("e2e-waf-", "e2e-waf-theirs-")
        .replace("e2e-guard", "e2e-guard-theirs")
        .replace("e2e-keeper", "e2e-keeper-theirs");
    let both = format!(
        "{needs}\ntested: {{ type: aws:wafv2:WebAclAssociation, properties: {{ resourceArn: '${{first.arn}}', webAclArn: '${{guard.arn}}' }} }}"
    );
    let program = Program::of(&world);
    let ended = program.run(&needs, "up", &["--yes"]);
    assert_eq!(ended.status, Some(0), "{}", ended.screen);
    let balancer = world.id(&needs, "first").await;
    let theirs = aws_sdk_wafv2::types::VisibilityConfig::builder()
        .cloud_watch_metrics_enabled(false)
        .sampled_requests_enabled(false)
        .metric_name("theirs")
        .build()
        .expect("complete");
    let allow = aws_sdk_wafv2::types::AllowAction::builder().build();
    let allow = aws_sdk_wafv2::types::DefaultAction::builder().allow(allow);
    let made = world.sdk.wafv2.create_web_acl().name("e2e-wafv2-strangers");
    let made = made
        .scope(aws_sdk_wafv2::types::Scope::Regional)
        .default_action(allow.build())
        .visibility_config(theirs);
    let made = made.send().await.expect("it is made");
    let made = made.summary().expect("a summary");
    let theirs = made.arn().expect("an ARN");
    let associate = async || {
        let put = world.sdk.wafv2.associate_web_acl().web_acl_arn(theirs);
        put.resource_arn(&balancer).send().await.expect("it is put");
    };
    associate().await;
    for command in [&["preview"] as &[&str], &["up", "--yes"]] {
        let refused = program.run(&both, command[0], &command[1..]);
        assert_eq!(refused.status, Some(5), "{}", refused.screen);
        assert_eq!(refused.mutating, [] as [String; 0], "{}", refused.screen);
        let said = "`tested` cannot be put in its place: others are there";
        assert!(refused.stderr.contains(said), "{}", refused.screen);
    }
    let free = world.sdk.wafv2.disassociate_web_acl();
    let freed = free.resource_arn(&balancer).send().await;
    freed.expect("it is taken off");
    let ended = program.run(&both, "up", &["--yes"]);
    assert_eq!(ended.status, Some(0), "{}", ended.screen);

    // Theirs goes if that is said.
    associate().await;
    let refused = program.run(&both, "up", &["--yes"]);
    assert_eq!(refused.status, Some(5), "{}", refused.screen);
    let (_, named) = refused.raw.rsplit_once("--remove ").expect("a way");
    let named = named.split_whitespace().next().expect("an id");
    let named = named.trim_matches('\'').to_owned();
    let ended = program.run(&both, "up", &["--yes", "--remove", &named]);
    assert_eq!(ended.status, Some(0), "{}", ended.screen);
    let again = program.run(&both, "preview", &["--expect-no-changes"]);
    assert_eq!(again.status, Some(0), "{}", again.screen);
    world.destroy(&both).await;
    let gone = world.sdk.wafv2.delete_web_acl().name("e2e-wafv2-strangers");
    let gone = gone.scope(aws_sdk_wafv2::types::Scope::Regional);
    let gone = gone.id(made.id().expect("an id"));
    let gone = gone.lock_token(made.lock_token().expect("a token"));
    gone.send().await.expect("it goes");
}
