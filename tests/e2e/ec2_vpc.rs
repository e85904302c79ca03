//! `aws:ec2:Vpc`.

use async_trait::async_trait;
use aws_sdk_ec2::types::{
    AttributeBooleanValue, Filter, IpPermission, IpRange, ResourceType, SecurityGroup, Tag,
    TagSpecification, VpcAttributeName,
};
use fde_infra::plan::Because;
use serde_json::{Value as Json, json};

use crate::common::program::{Ended, Program};
use crate::common::proxy::{Answer, Proxy, Refusal};
use crate::common::resource_type::{Edit, ResourceTypeTest, check};
use crate::common::sdk::Sdk;
use crate::common::{World, endpoint};

struct Vpc;

#[async_trait]
impl ResourceTypeTest for Vpc {
    fn token(&self) -> &'static str {
        "aws:ec2:Vpc"
    }

    fn base(&self) -> &'static str {
        "cidrBlock: 10.0.0.0/16"
    }

    fn edits(&self) -> Vec<Edit> {
        vec![
            Edit::in_place(
                "/hostnames",
                ("enableDnsHostnames: true", true),
                ("enableDnsHostnames: false", false),
            )
            .removed(false),
            Edit::in_place(
                "/support",
                ("enableDnsSupport: true", true),
                ("enableDnsSupport: false", false),
            )
            .removed(true),
            // Host names need support: it comes first and goes last.
            Edit::in_place(
                "/hostnames",
                ("{ enableDnsHostnames: true, enableDnsSupport: true }", true),
                (
                    "{ enableDnsHostnames: false, enableDnsSupport: false }",
                    false,
                ),
            )
            .removed(false),
            Edit::replaces(
                "/cidr",
                ("cidrBlock: 10.1.0.0/16", "10.1.0.0/16"),
                ("cidrBlock: 10.2.0.0/16", "10.2.0.0/16"),
            ),
            Edit::replaces(
                "/tenancy",
                ("instanceTenancy: default", "default"),
                ("instanceTenancy: dedicated", "dedicated"),
            )
            .removed("default"),
            // A rule of the group that is not wanted any more stays as it is.
            Edit::in_place(
                "/group",
                ("defaultSecurityGroup: closed", nothing()),
                ("defaultSecurityGroup: open", as_made()),
            )
            .removed(as_made()),
        ]
    }

    async fn look(&self, sdk: &Sdk, id: &str) -> Option<Json> {
        let answer = sdk.ec2.describe_vpcs().vpc_ids(id).send().await.ok()?;
        let vpc = answer.vpcs().first()?;
        let attribute = async |name: VpcAttributeName| {
            let answer = sdk
                .ec2
                .describe_vpc_attribute()
                .vpc_id(id)
                .attribute(name)
                .send()
                .await
                .expect("attributes can be read");
            answer
                .enable_dns_support()
                .or(answer.enable_dns_hostnames())
                .and_then(AttributeBooleanValue::value)
        };
        Some(json!({
            "cidr": vpc.cidr_block(),
            "tenancy": vpc.instance_tenancy().map(|tenancy| tenancy.as_str()),
            "support": attribute(VpcAttributeName::EnableDnsSupport).await,
            "hostnames": attribute(VpcAttributeName::EnableDnsHostnames).await,
            "group": said(&default_group(sdk, id).await),
        }))
    }

    async fn vanish(&self, sdk: &Sdk, id: &str) -> bool {
        sdk.ec2.delete_vpc().vpc_id(id).send().await.is_ok()
    }

    async fn drift(&self, sdk: &Sdk, id: &str) -> bool {
        let on = AttributeBooleanValue::builder().value(true).build();
        sdk.ec2
            .modify_vpc_attribute()
            .vpc_id(id)
            .enable_dns_hostnames(on)
            .send()
            .await
            .is_ok()
    }

    async fn foreign_tag(&self, sdk: &Sdk, id: &str, set: bool) -> Option<bool> {
        sdk.ec2_foreign_tag(id, set).await
    }
}

#[tokio::test]
async fn vpc() {
    check("e2e-ec2-vpc", &Vpc).await;
}

const CLOSED: &str = "vpc: { type: aws:ec2:Vpc, properties: { cidrBlock: 10.0.0.0/16, defaultSecurityGroup: closed } }";

/// The group that AWS has made with a VPC.
async fn default_group(sdk: &Sdk, vpc: &str) -> SecurityGroup {
    let filter = |name: &str, value: &str| Filter::builder().name(name).values(value).build();
    let answer = sdk
        .ec2
        .describe_security_groups()
        .filters(filter("vpc-id", vpc))
        .filters(filter("group-name", "default"))
        .send()
        .await
        .expect("groups can be listed");
    let [group] = answer.security_groups() else {
        panic!("{answer:?}");
    };
    group.clone()
}

/// The traffic that a group lets in and out: protocol, and the other end.
fn said(group: &SecurityGroup) -> Json {
    let peers = |permissions: &[IpPermission]| -> Vec<String> {
        let of = |permission: &IpPermission| {
            let protocol = permission.ip_protocol().unwrap_or_default().to_owned();
            let ranges = permission.ip_ranges().iter();
            let ranges = ranges.filter_map(|range| range.cidr_ip().map(str::to_owned));
            let pairs = permission.user_id_group_pairs().iter();
            let groups = pairs.map(|pair| {
                let is_itself = pair.group_id() == group.group_id();
                let name = if is_itself { "itself" } else { "another" };
                name.to_owned()
            });
            let peers = ranges.chain(groups);
            peers
                .map(|peer| format!("{protocol} {peer}"))
                .collect::<Vec<_>>()
        };
        permissions.iter().flat_map(of).collect()
    };
    json!({
        "in": peers(group.ip_permissions()),
        "out": peers(group.ip_permissions_egress()),
    })
}

fn nothing() -> Json {
    json!({ "in": [], "out": [] })
}

fn as_made() -> Json {
    json!({ "in": ["-1 itself"], "out": ["-1 0.0.0.0/0"] })
}

/// Allows SSH into a group from anywhere; with an owner, as a rule of that owner.
async fn let_in(sdk: &Sdk, group: &SecurityGroup, owner: Option<&str>) {
    let anywhere = IpRange::builder().cidr_ip("0.0.0.0/0").build();
    let ssh = IpPermission::builder()
        .ip_protocol("tcp")
        .from_port(22)
        .to_port(22)
        .ip_ranges(anywhere)
        .build();
    let tags = owner.map(|urn| {
        let tag = Tag::builder().key("fde:urn").value(urn).build();
        let kind = ResourceType::SecurityGroupRule;
        let tags = TagSpecification::builder().resource_type(kind).tags(tag);
        vec![tags.build()]
    });
    sdk.ec2
        .authorize_security_group_ingress()
        .set_group_id(group.group_id().map(str::to_owned))
        .ip_permissions(ssh)
        .set_tag_specifications(tags)
        .send()
        .await
        .expect("a rule can be added");
}

#[tokio::test]
async fn a_default_group_is_left_alone_unless_it_is_wanted_otherwise() {
    let world = World::new("e2e-ec2-default-group-alone").await;
    let resources = "vpc: { type: aws:ec2:Vpc, properties: { cidrBlock: 10.0.0.0/16 } }";
    world.up(resources).await;
    let id = world.id(resources, "vpc").await;
    let group = default_group(&world.sdk, &id).await;
    assert_eq!(said(&group), as_made());
    let_in(&world.sdk, &group, None).await;
    assert!(world.preview(resources).await.is_empty());
    world.destroy(resources).await;
}

#[tokio::test]
async fn a_rule_that_is_added_to_a_closed_default_group_is_shown_and_removed() {
    let world = World::new("e2e-ec2-default-group-drift").await;
    world.up(CLOSED).await;
    let id = world.id(CLOSED, "vpc").await;
    let group = default_group(&world.sdk, &id).await;
    assert_eq!(said(&group), nothing());
    let_in(&world.sdk, &group, None).await;
    let plan = world.preview(CLOSED).await;
    let because: Vec<_> = plan.steps.iter().map(|step| &step.because).collect();
    assert_eq!(because, [&Because::Drifted]);
    world.up(CLOSED).await;
    assert_eq!(said(&default_group(&world.sdk, &id).await), nothing());
    assert!(world.preview(CLOSED).await.is_empty());
    world.destroy(CLOSED).await;
}

#[tokio::test]
async fn a_rule_of_a_stack_stays_in_a_closed_default_group() {
    let world = World::new("e2e-ec2-default-group-others").await;
    world.up(CLOSED).await;
    let id = world.id(CLOSED, "vpc").await;
    let group = default_group(&world.sdk, &id).await;
    let owner = "urn:fde:other/dev::aws:vpc:SecurityGroupIngressRule::ssh";
    let_in(&world.sdk, &group, Some(owner)).await;
    assert!(world.preview(CLOSED).await.is_empty());
    // The rules beside it go.
    let everything = IpPermission::builder()
        .ip_protocol("-1")
        .ip_ranges(IpRange::builder().cidr_ip("10.0.0.0/8").build());
    world
        .sdk
        .ec2
        .authorize_security_group_egress()
        .set_group_id(group.group_id().map(str::to_owned))
        .ip_permissions(everything.build())
        .send()
        .await
        .expect("a rule can be added");
    world.up(CLOSED).await;
    let left = said(&default_group(&world.sdk, &id).await);
    assert_eq!(left, json!({ "in": ["tcp 0.0.0.0/0"], "out": [] }));
    assert!(world.preview(CLOSED).await.is_empty());
    world.destroy(CLOSED).await;
}

/// The calls about groups and rules, sorted.
fn about_groups(ended: &Ended) -> Vec<&str> {
    assert_eq!(ended.status, Some(0), "{}", ended.screen);
    let calls = ended.calls.iter().map(String::as_str);
    let mut calls: Vec<&str> = calls
        .filter(|call| call.contains("SecurityGroup"))
        .collect();
    calls.sort_unstable();
    calls
}

/// The other parts of the network are listed in the same call, where they would be listed anyway.
#[tokio::test]
async fn closing_a_default_group_takes_three_calls_and_looking_at_it_none_of_its_own() {
    let world = World::new("e2e-ec2-default-group-calls").await;
    let program = Program::of(&world);
    let group = "group: { type: aws:ec2:SecurityGroup, properties: { vpcId: '${vpc.id}' } }";
    let both = format!("{CLOSED}\n{group}");
    let up = program.run(CLOSED, "up", &["--yes"]);
    let preview = program.run(CLOSED, "preview", &["--expect-no-changes"]);
    let again = program.run(CLOSED, "up", &["--yes"]);
    // Another account than the local one keeps no log of calls.
    if !up.calls.is_empty() {
        assert_eq!(
            about_groups(&up),
            [
                "ec2:DescribeSecurityGroups",
                "ec2:RevokeSecurityGroupEgress",
                "ec2:RevokeSecurityGroupIngress",
            ]
        );
        assert_eq!(about_groups(&preview), ["ec2:DescribeSecurityGroups"]);
        world.up(&both).await;
        let preview = program.run(&both, "preview", &["--expect-no-changes"]);
        assert_eq!(
            about_groups(&preview),
            [
                "ec2:DescribeSecurityGroupRules",
                "ec2:DescribeSecurityGroups"
            ]
        );
        world.up(CLOSED).await;
    }
    assert_eq!(again.mutating, [] as [String; 0], "{}", again.screen);
    let id = world.id(CLOSED, "vpc").await;
    assert_eq!(said(&default_group(&world.sdk, &id).await), nothing());
    world.destroy(CLOSED).await;
}

/// A group that is not listed yet, one that is not there for rules yet, and a rule that another party has already taken away
/// (aws/aws-cdk#26390).
#[tokio::test]
async fn a_default_group_that_does_not_show_yet_is_waited_for() {
    const NONE: &str = "<DescribeSecurityGroupsResponse xmlns=\"http://ec2.amazonaws.com/doc/2016-11-15/\">\
                        <requestId>none</requestId><securityGroupInfo/></DescribeSecurityGroupsResponse>";
    let world = World::new("e2e-ec2-default-group-unseen").await;
    let account = Proxy::before(endpoint(), |call| {
        let refused = |code, message| {
            let status = 400;
            let refusal = Refusal {
                status,
                code,
                message,
            };
            Some(Answer::from(refusal))
        };
        if call.turn > 1 {
            return None;
        }
        match call.operation {
            "DescribeSecurityGroups" => {
                let length = NONE.len();
                let head = format!(
                    "HTTP/1.1 200 OK\r\nContent-Type: text/xml\r\nContent-Length: {length}\r\n\r\n"
                );
                Some(Answer::Raw((head + NONE).into_bytes()))
            }
            "RevokeSecurityGroupIngress" => refused(
                "InvalidGroup.NotFound",
                "The security group 'sg-0a' does not exist",
            ),
            "RevokeSecurityGroupEgress" => refused(
                "InvalidPermission.NotFound",
                "The specified rule does not exist in this security group.",
            ),
            _ => None,
        }
    });
    let program = Program::of(&world).with("AWS_ENDPOINT_URL", &account.endpoint);
    let ended = program.run(CLOSED, "up", &["--yes"]);
    assert_eq!(ended.status, Some(0), "{}", ended.screen);
    for operation in [
        "DescribeSecurityGroups",
        "RevokeSecurityGroupIngress",
        "RevokeSecurityGroupEgress",
    ] {
        assert!(account.calls(operation) > 1, "{operation} was not repeated");
    }
    let id = world.id(CLOSED, "vpc").await;
    assert_eq!(said(&default_group(&world.sdk, &id).await), nothing());
    assert!(world.preview(CLOSED).await.is_empty());
    world.destroy(CLOSED).await;
}

/// The groups of a closed network are listed with it; one of the stack's elsewhere is found nevertheless.
#[tokio::test]
async fn a_group_in_a_network_of_others_is_found_beside_a_closed_network() {
    let world = World::new("e2e-ec2-default-group-elsewhere").await;
    let vpc = world.sdk.ec2.create_vpc().cidr_block("10.9.0.0/16").send();
    let vpc = vpc.await.expect("a VPC can be made").vpc;
    let vpc = vpc.and_then(|vpc| vpc.vpc_id).expect("it has an id");
    let both = format!(
        "{CLOSED}\ngroup: {{ type: aws:ec2:SecurityGroup, properties: {{ vpcId: {vpc} }} }}"
    );
    world.up(&both).await;
    let id = world.id(&both, "group").await;
    world.up(CLOSED).await;
    let group = world.sdk.ec2.describe_security_groups().group_ids(&id);
    assert!(group.send().await.is_err(), "{id} is still there");
    world.destroy(CLOSED).await;
    let deleted = world.sdk.ec2.delete_vpc().vpc_id(&vpc).send().await;
    assert!(deleted.is_ok(), "{deleted:?}");
}
