//! Objects that AWS makes in one service and does not see in the next one yet, or does not find a moment after it has made
//! them: asked again, and never an error.

use std::time::{Duration, Instant};

use aws_sdk_wafv2::types::Scope;

use crate::common::commands::{DONE, REFUSED, json};
use crate::common::program::Program;
use crate::common::proxy::{Answer, Call, Proxy, Refusal, Rule};
use crate::common::{World, endpoint};

/// A way in: a firewall, a load balancer with access logs, a group with settings of its own, a listener and a rule.
fn way_in(name: &str, seconds: u32) -> String {
    format!(
        "\
vpc: {{ type: aws:ec2:Vpc, properties: {{ cidrBlock: 10.97.0.0/16 }} }}
gateway: {{ type: aws:ec2:InternetGateway, properties: {{ vpcId: '${{vpc.id}}' }} }}
a: {{ type: aws:ec2:Subnet, properties: {{ vpcId: '${{vpc.id}}', cidrBlock: 10.97.1.0/24, availabilityZone: eu-south-2a }} }}
b: {{ type: aws:ec2:Subnet, properties: {{ vpcId: '${{vpc.id}}', cidrBlock: 10.97.2.0/24, availabilityZone: eu-south-2b }} }}
group: {{ type: aws:ec2:SecurityGroup, properties: {{ vpcId: '${{vpc.id}}' }} }}
logs: {{ type: aws:s3:Bucket, properties: {{ bucket: fde-{name}, forceDestroy: true }} }}
delivery: {{ type: aws:s3:BucketPolicy, properties: {{ bucket: '${{logs.bucket}}', policy: {{ Version: '2012-10-17', Statement: [{{ Effect: Allow, Principal: {{ Service: logdelivery.elasticloadbalancing.amazonaws.com }}, Action: 's3:PutObject', Resource: '${{logs.arn}}/*' }}] }} }} }}
balancer: {{ type: aws:lb:LoadBalancer, properties: {{ name: {name}, subnets: ['${{a.id}}', '${{b.id}}'], securityGroups: ['${{group.id}}'], idleTimeout: {seconds}, accessLogs: {{ enabled: true, bucket: '${{delivery.bucket}}' }} }}, options: {{ dependsOn: ['${{gateway}}'] }} }}
targets: {{ type: aws:lb:TargetGroup, properties: {{ name: {name}, port: 80, protocol: HTTP, targetType: ip, vpcId: '${{vpc.id}}', deregistrationDelay: {seconds}, healthCheck: {{ interval: {seconds} }} }} }}
listener: {{ type: aws:lb:Listener, properties: {{ loadBalancerArn: '${{balancer.arn}}', port: 80, defaultActions: [{{ type: forward, targetGroupArn: '${{targets.arn}}' }}] }} }}
rule: {{ type: aws:lb:ListenerRule, properties: {{ listenerArn: '${{listener.arn}}', priority: 10, conditions: [{{ pathPattern: {{ values: [/api/*] }} }}], actions: [{{ type: forward, targetGroupArn: '${{targets.arn}}' }}] }} }}
firewall: {{ type: aws:wafv2:WebAcl, properties: {{ name: {name}, defaultAction: {{ allow: {{}} }}, visibilityConfig: {{ metricName: {name}, cloudwatchMetricsEnabled: true, sampledRequestsEnabled: true }} }} }}
"
    )
}

/// Operation, code, message, of the first answer.
type Unseen = (&'static str, &'static str, &'static str);

async fn comes_about(name: &str, unseen: &'static [Unseen]) {
    let world = World::new(name).await;
    let resources = way_in(name, 20);
    let account = Proxy::before(endpoint(), move |call| {
        let &(_, code, message) = unseen
            .iter()
            .find(|(operation, ..)| call.operation == *operation)?;
        let status = 400;
        (call.turn == 1).then(|| {
            Refusal {
                status,
                code,
                message,
            }
            .into()
        })
    });
    let program = Program::of(&world).with("AWS_ENDPOINT_URL", &account.endpoint);
    let ended = program.run(&resources, "up", &["--yes"]);
    assert_eq!(ended.status, DONE, "{}", ended.screen);
    for (operation, ..) in unseen {
        assert!(
            account.calls(operation) > 1,
            "{operation} was never refused"
        );
    }
    assert!(world.preview(&resources).await.is_empty());
    world.destroy(&resources).await;
}

#[tokio::test]
async fn a_load_balancer_waits_for_what_ec2_has_just_made() {
    comes_about(
        "e2e-unseen-network",
        &[
            (
                "CreateLoadBalancer",
                "InvalidSubnet",
                "VPC vpc-0a has no internet gateway",
            ),
            (
                "CreateTargetGroup",
                "ValidationError",
                "The VPC ID 'vpc-0a' is not found",
            ),
            (
                "ModifyLoadBalancerAttributes",
                "InvalidConfigurationRequest",
                "S3Bucket validation transient issue",
            ),
        ],
    )
    .await;
    comes_about(
        "e2e-unseen-subnet",
        &[(
            "CreateLoadBalancer",
            "SubnetNotFound",
            "The subnet ID 'subnet-0a' does not exist",
        )],
    )
    .await;
    comes_about(
        "e2e-unseen-group",
        &[(
            "CreateLoadBalancer",
            "InvalidSecurityGroup",
            "The security group 'sg-0a' does not exist",
        )],
    )
    .await;
}

#[tokio::test]
async fn what_was_made_a_moment_ago_is_changed_once_it_is_found() {
    comes_about(
        "e2e-unseen-made",
        &[
            (
                "ModifyTargetGroupAttributes",
                "TargetGroupNotFound",
                "One or more target groups not found",
            ),
            (
                "ModifyLoadBalancerAttributes",
                "LoadBalancerNotFound",
                "One or more load balancers not found",
            ),
            (
                "CreateListener",
                "TargetGroupNotFound",
                "One or more target groups not found",
            ),
            (
                "CreateRule",
                "ListenerNotFound",
                "One or more listeners not found",
            ),
            (
                "RevokeSecurityGroupEgress",
                "InvalidGroup.NotFound",
                "The security group 'sg-0a' does not exist",
            ),
            (
                "CreateWebACL",
                "WAFUnavailableEntityException",
                "AWS WAF couldn’t retrieve the resource that you requested. Retry your request.",
            ),
        ],
    )
    .await;
}

/// Changes of what another run has just made.
#[tokio::test]
async fn changes_wait_for_what_they_change() {
    let name = "e2e-unseen-changed";
    let world = World::new(name).await;
    world.up(&way_in(name, 20)).await;
    let account = Proxy::before(endpoint(), |call| {
        let code = match call.operation {
            "ModifyTargetGroup" | "ModifyTargetGroupAttributes" => "TargetGroupNotFound",
            "ModifyLoadBalancerAttributes" => "LoadBalancerNotFound",
            _ => return None,
        };
        let (status, message) = (400, "not found");
        (call.turn == 1).then(|| {
            Refusal {
                status,
                code,
                message,
            }
            .into()
        })
    });
    let program = Program::of(&world).with("AWS_ENDPOINT_URL", &account.endpoint);
    let changed = way_in(name, 25);
    let ended = program.run(&changed, "up", &["--yes"]);
    assert_eq!(ended.status, DONE, "{}", ended.screen);
    let groups = world.sdk.elbv2.describe_target_groups().names(name).send();
    let groups = groups.await.expect("the group can be read");
    let interval = groups.target_groups()[0].health_check_interval_seconds();
    assert_eq!(interval, Some(25));
    assert!(world.preview(&changed).await.is_empty());
    world.destroy(&changed).await;
}

/// A gateway that finds its address only on the second try: hashicorp/terraform-provider-aws#27087.
#[tokio::test]
async fn a_nat_gateway_waits_for_its_address() {
    let world = World::new("e2e-unseen-address").await;
    let resources = "\
vpc: { type: aws:ec2:Vpc, properties: { cidrBlock: 10.98.0.0/16 } }
gateway: { type: aws:ec2:InternetGateway, properties: { vpcId: '${vpc.id}' } }
subnet: { type: aws:ec2:Subnet, properties: { vpcId: '${vpc.id}', cidrBlock: 10.98.1.0/24 } }
address: { type: aws:ec2:Eip }
nat: { type: aws:ec2:NatGateway, properties: { subnetId: '${subnet.id}', allocationId: '${address.allocationId}' }, options: { dependsOn: ['${gateway}'] } }
";
    let account = Proxy::before(endpoint(), |call| {
        let refused = Refusal {
            status: 400,
            code: "InvalidElasticIpID.NotFound",
            message: "The elasticIp ID 'eipalloc-0a' does not exist",
        };
        (call.operation == "CreateNatGateway" && call.turn == 1).then(|| refused.into())
    });
    let program = Program::of(&world).with("AWS_ENDPOINT_URL", &account.endpoint);
    let ended = program.run(resources, "up", &["--yes"]);
    assert_eq!(ended.status, DONE, "{}", ended.screen);
    assert_eq!(account.calls("CreateNatGateway"), 2);
    world.destroy(resources).await;
}

/// The list of web ACLs in pages shorter than they were asked to be: one ACL of others, then ours, and a marker with each,
/// the last of which leads to nothing.
struct ShortPages {
    ours: &'static str,
    /// The index does not know of ours yet, so that the list alone does.
    is_ahead_of_index: bool,
}

impl Rule for ShortPages {
    fn before(&self, call: &Call) -> Option<Answer> {
        if call.operation == "GetResources" && self.is_ahead_of_index {
            let nothing = r#"{"PaginationToken":"","ResourceTagMappingList":[]}"#;
            return Some(Answer::Json(nothing));
        }
        if call.operation != "ListWebACLs" {
            return None;
        }
        Some(Answer::Json(match call.turn {
            1 => {
                r#"{"NextMarker":"theirs","WebACLs":[{"Name":"theirs","Id":"0a","LockToken":"0b","ARN":"arn:aws:wafv2:eu-south-2:123456789012:regional/webacl/theirs/0a"}]}"#
            }
            2 => self.ours,
            _ => r#"{"NextMarker":"ours","WebACLs":[]}"#,
        }))
    }
}

#[tokio::test]
async fn a_short_page_of_firewalls_with_a_marker_is_not_the_last() {
    let name = "e2e-unseen-pages";
    let world = World::new(name).await;
    let acl = format!(
        "firewall: {{ type: aws:wafv2:WebAcl, properties: {{ name: {name}, defaultAction: {{ allow: {{}} }}, visibilityConfig: {{ metricName: {name}, cloudwatchMetricsEnabled: true, sampledRequestsEnabled: true }} }} }}"
    );
    world.up(&acl).await;
    let listed = world.sdk.wafv2.list_web_acls().scope(Scope::Regional);
    let listed = listed.limit(100).send().await.expect("ACLs can be listed");
    let mut listed = listed.web_acls().iter();
    let ours = listed
        .find(|acl| acl.name() == Some(name))
        .expect("it is there");
    let ours = serde_json::json!({
        "NextMarker": "ours",
        "WebACLs": [{
            "Name": name,
            "Id": ours.id(),
            "LockToken": ours.lock_token(),
            "ARN": ours.arn(),
        }],
    });
    let ours: &str = ours.to_string().leak();
    let account = Proxy::before(endpoint(), |_| None);
    let program = Program::of(&world).with("AWS_ENDPOINT_URL", &account.endpoint);
    // An ACL that the index has as it is wanted is not looked for on further pages.
    for (is_ahead_of_index, pages) in [(true, 3), (false, 1)] {
        let rule = ShortPages {
            ours,
            is_ahead_of_index,
        };
        account.begin(endpoint(), rule);
        let ended = program.run(&acl, "preview", &["--json"]);
        assert_eq!(ended.status, DONE, "{}", ended.screen);
        assert_eq!(json(&ended)["summary"]["create"], 0, "{}", ended.screen);
        assert_eq!(account.calls("ListWebACLs"), pages);
    }
    world.destroy(&acl).await;
}

/// AWS's own switch is not switched off in passing.
#[tokio::test]
async fn a_load_balancer_under_deletion_protection_is_not_destroyed_in_passing() {
    let name = "e2e-unseen-guarded";
    let world = World::new(name).await;
    let resources = way_in(name, 20).replace(
        "idleTimeout:",
        "enableDeletionProtection: true, idleTimeout:",
    );
    world.up(&resources).await;
    let program = Program::of(&world);
    let started = Instant::now();
    for command in ["destroy", "up"] {
        let file = match command {
            "up" => "",
            _ => resources.as_str(),
        };
        let refused = program.run(file, command, &["--yes", "--allow-delete", "logs"]);
        assert_eq!(refused.status, REFUSED, "{}", refused.screen);
        assert_eq!(refused.mutating, [] as [String; 0], "{}", refused.screen);
        for word in ["`enableDeletionProtection`", "--allow-delete balancer"] {
            assert!(refused.stderr.contains(word), "{word}\n{}", refused.screen);
        }
    }
    assert!(started.elapsed() < Duration::from_secs(60));
    let balancers = world.sdk.elbv2.describe_load_balancers().names(name).send();
    assert!(balancers.await.is_ok(), "it is there");
    let consents = [
        "--yes",
        "--allow-delete",
        "balancer",
        "--allow-delete",
        "logs",
    ];
    let gone = program.run(&resources, "destroy", &consents);
    assert_eq!(gone.status, DONE, "{}", gone.screen);
    let balancers = world.sdk.elbv2.describe_load_balancers().names(name).send();
    assert!(balancers.await.is_err(), "it is gone");
}
