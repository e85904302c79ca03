//! The limits that the account enforces as AWS does, whatever is asked of it: the local one has learnt them, another one
//! knows them.

use aws_sdk_ec2::types::IpPermission;
use aws_sdk_elasticloadbalancingv2::types::{
    Action, ActionTypeEnum, PathPatternConditionConfig, ProtocolEnum, RuleCondition,
};
use aws_smithy_types::error::metadata::ProvideErrorMetadata;

use crate::common::World;

/// The code and the words of a refusal.
fn refusal<T, E: ProvideErrorMetadata + std::fmt::Debug>(answer: Result<T, E>) -> (String, String) {
    let Err(error) = answer else {
        panic!("it was not refused");
    };
    let text = |text: Option<&str>| text.unwrap_or_default().to_owned();
    (text(error.code()), text(error.message()))
}

fn forward(group: &str) -> Action {
    Action::builder()
        .r#type(ActionTypeEnum::Forward)
        .target_group_arn(group)
        .build()
}

fn paths(patterns: &[&str]) -> RuleCondition {
    let patterns = patterns.iter().map(|pattern| (*pattern).to_owned());
    let config = PathPatternConditionConfig::builder().set_values(Some(patterns.collect()));
    RuleCondition::builder()
        .field("path-pattern")
        .path_pattern_config(config.build())
        .build()
}

#[tokio::test]
async fn a_target_group_serves_one_load_balancer_and_a_rule_takes_five_values() {
    let world = World::new("e2e-limits-balancers").await;
    let resources = "\
vpc: { type: aws:ec2:Vpc, properties: { cidrBlock: 10.99.0.0/16 } }
a: { type: aws:ec2:Subnet, properties: { vpcId: '${vpc.id}', cidrBlock: 10.99.1.0/24, availabilityZone: eu-south-2a } }
b: { type: aws:ec2:Subnet, properties: { vpcId: '${vpc.id}', cidrBlock: 10.99.2.0/24, availabilityZone: eu-south-2b } }
one: { type: aws:lb:LoadBalancer, properties: { name: e2e-limits-one, internal: true, subnets: ['${a.id}', '${b.id}'] } }
two: { type: aws:lb:LoadBalancer, properties: { name: e2e-limits-two, internal: true, subnets: ['${a.id}', '${b.id}'] } }
targets: { type: aws:lb:TargetGroup, properties: { name: e2e-limits, port: 80, protocol: HTTP, vpcId: '${vpc.id}' } }
listener: { type: aws:lb:Listener, properties: { loadBalancerArn: '${one.arn}', port: 80, defaultActions: [{ type: forward, targetGroupArn: '${targets.arn}' }] } }
";
    world.up(resources).await;
    let elbv2 = &world.sdk.elbv2;
    let second = world.id(resources, "two").await;
    let group = world.id(resources, "targets").await;
    let listener = world.id(resources, "listener").await;
    let shared = elbv2
        .create_listener()
        .load_balancer_arn(&second)
        .protocol(ProtocolEnum::Http)
        .port(80)
        .default_actions(forward(&group))
        .send();
    let shared = shared.await.map_err(|error| error.into_service_error());
    let (code, _) = refusal(shared);
    assert_eq!(code, "TargetGroupAssociationLimit");
    for (patterns, says) in [
        (
            &["/1", "/2", "/3", "/4", "/5", "/6"][..],
            "condition values",
        ),
        (&["/*/*/*", "/?/?/?"][..], "condition wildcards"),
    ] {
        let made = elbv2
            .create_rule()
            .listener_arn(&listener)
            .priority(10)
            .conditions(paths(patterns))
            .actions(forward(&group))
            .send();
        let made = made.await.map_err(|error| error.into_service_error());
        let (code, message) = refusal(made);
        assert_eq!(code, "ValidationError", "{message}");
        assert!(message.contains(says), "{message}");
    }
    let fits = elbv2
        .create_rule()
        .listener_arn(&listener)
        .priority(10)
        .conditions(paths(&["/*", "/*/a", "/?", "/4/*", "/5/*"]))
        .actions(forward(&group))
        .send();
    let fits = fits.await.expect("five of each are taken");
    let rule = fits.rules()[0].rule_arn().expect("it has an ARN");
    let gone = elbv2.delete_rule().rule_arn(rule).send().await;
    gone.expect("it can be deleted");
    world.destroy(resources).await;
}

#[tokio::test]
async fn descriptions_of_groups_and_rules_have_an_alphabet() {
    let world = World::new("e2e-limits-texts").await;
    let resources = "\
vpc: { type: aws:ec2:Vpc, properties: { cidrBlock: 10.100.0.0/16 } }
group: { type: aws:ec2:SecurityGroup, properties: { vpcId: '${vpc.id}', description: 'of a-z, 0-9 & others (+=;{}!*)' } }
";
    world.up(resources).await;
    let ec2 = &world.sdk.ec2;
    let vpc = world.id(resources, "vpc").await;
    let group = world.id(resources, "group").await;
    for description in ["the owner's", "café", "a -> b"] {
        let made = ec2
            .create_security_group()
            .group_name("e2e-limits-texts")
            .description(description)
            .vpc_id(&vpc)
            .send();
        let made = made.await.map_err(|error| error.into_service_error());
        let (code, message) = refusal(made);
        assert_eq!(code, "InvalidParameterValue", "{description}: {message}");
        let range = aws_sdk_ec2::types::IpRange::builder()
            .cidr_ip("10.0.0.0/8")
            .description(description)
            .build();
        let permission = IpPermission::builder()
            .ip_protocol("-1")
            .ip_ranges(range)
            .build();
        let let_in = ec2
            .authorize_security_group_ingress()
            .group_id(&group)
            .ip_permissions(permission)
            .send();
        let let_in = let_in.await.map_err(|error| error.into_service_error());
        let (code, message) = refusal(let_in);
        assert_eq!(code, "InvalidParameterValue", "{description}: {message}");
        assert!(message.contains("Invalid rule description"), "{message}");
    }
    world.destroy(resources).await;
}
