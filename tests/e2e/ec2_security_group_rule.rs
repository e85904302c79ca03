//! The common parts of the tables of `aws:vpc:SecurityGroupIngressRule` and `aws:vpc:SecurityGroupEgressRule`: everything
//! but the direction.

use aws_sdk_ec2::types::{
    Filter, SecurityGroupRule, SecurityGroupRuleRequest, SecurityGroupRuleUpdate,
};
use serde_json::{Value as Json, json};

use crate::common::resource_type::Edit;
use crate::common::sdk::Sdk;
use crate::common::{REGION, endpoint};

pub const GROUPS: &str = "\
vpc: { type: aws:ec2:Vpc, properties: { cidrBlock: 10.0.0.0/16 } }
first: { type: aws:ec2:SecurityGroup, properties: { vpcId: '${vpc.id}' } }
second: { type: aws:ec2:SecurityGroup, properties: { vpcId: '${vpc.id}' } }
third: { type: aws:ec2:SecurityGroup, properties: { vpcId: '${vpc.id}' } }
";

pub const BASE: &str = "{ securityGroupId: '${first.id}', ipProtocol: tcp, fromPort: 443, toPort: 443, cidrIpv4: 10.0.0.0/8 }";

/// AWS's own prefix lists: of S3 and of `DynamoDB`. Their ids differ by region.
pub struct PrefixLists {
    s3: String,
    dynamodb: String,
}

impl PrefixLists {
    pub async fn find() -> Self {
        let sdk = Sdk::new(endpoint()).await;
        let find = async |service: &str| {
            let name = format!("com.amazonaws.{REGION}.{service}");
            let by_name = Filter::builder().name("prefix-list-name").values(&name);
            let answer = sdk
                .ec2
                .describe_managed_prefix_lists()
                .filters(by_name.build())
                .send()
                .await
                .expect("EC2 answers");
            let list = answer
                .prefix_lists()
                .iter()
                .find(|list| list.prefix_list_name() == Some(&name));
            list.and_then(|list| list.prefix_list_id().map(str::to_owned))
                .unwrap_or_else(|| panic!("AWS has no prefix list {name}"))
        };
        Self {
            s3: find("s3").await,
            dynamodb: find("dynamodb").await,
        }
    }
}

pub fn edits(lists: &PrefixLists) -> Vec<Edit> {
    // Lines of a table live as long as the program; the ids are known only now.
    let from = |list: &str| -> &'static str {
        format!("{{ cidrIpv4: null, prefixListId: {list} }}").leak()
    };
    vec![
        Edit::replaces(
            "/group",
            ("securityGroupId: ${first.id}", "first"),
            ("securityGroupId: ${second.id}", "second"),
        ),
        Edit::in_place(
            "/protocol",
            ("ipProtocol: udp", "udp"),
            // A number that has a name comes back as the name.
            ("ipProtocol: '6'", "tcp"),
        ),
        Edit::in_place(
            "/protocol",
            ("ipProtocol: tcp", "tcp"),
            ("{ ipProtocol: '-1', fromPort: null, toPort: null }", "-1"),
        ),
        Edit::in_place(
            "/ports",
            (
                "{ ipProtocol: icmp, fromPort: 8, toPort: 0 }",
                json!([8, 0]),
            ),
            (
                "{ ipProtocol: icmp, fromPort: -1, toPort: -1 }",
                json!([-1, -1]),
            ),
        )
        .removed(json!([443, 443])),
        Edit::in_place(
            "/ports",
            ("fromPort: 80", json!([80, 443])),
            ("fromPort: 90", json!([90, 443])),
        )
        .removed(json!([443, 443])),
        Edit::in_place(
            "/ports",
            ("toPort: 500", json!([443, 500])),
            ("toPort: 600", json!([443, 600])),
        )
        .removed(json!([443, 443])),
        Edit::in_place(
            "/peer",
            ("cidrIpv4: 10.1.0.0/16", "10.1.0.0/16"),
            ("cidrIpv4: 10.2.0.0/16", "10.2.0.0/16"),
        )
        .removed("10.0.0.0/8"),
        Edit::in_place(
            "/peer",
            (
                "{ cidrIpv4: null, cidrIpv6: '2001:db8::/32' }",
                "2001:db8::/32",
            ),
            (
                "{ cidrIpv4: null, cidrIpv6: '2001:DB9::1/32' }",
                "2001:db9::/32",
            ),
        )
        .removed("10.0.0.0/8"),
        Edit::in_place(
            "/peer",
            (from(&lists.s3), lists.s3.clone()),
            (from(&lists.dynamodb), lists.dynamodb.clone()),
        )
        .removed("10.0.0.0/8"),
        Edit::in_place(
            "/peer",
            (
                "{ cidrIpv4: null, referencedSecurityGroupId: '${second.id}' }",
                "second",
            ),
            (
                "{ cidrIpv4: null, referencedSecurityGroupId: '${third.id}' }",
                "third",
            ),
        )
        .removed("10.0.0.0/8"),
        Edit::in_place(
            "/description",
            ("description: one", "one"),
            ("description: two", "two"),
        )
        .removed(Json::Null),
    ]
}

async fn find(sdk: &Sdk, id: &str) -> Option<SecurityGroupRule> {
    let answer = sdk
        .ec2
        .describe_security_group_rules()
        .security_group_rule_ids(id)
        .send()
        .await
        .ok()?;
    answer.security_group_rules().first().cloned()
}

pub async fn look(sdk: &Sdk, id: &str) -> Option<Json> {
    let rule = find(sdk, id).await?;
    let referenced = rule
        .referenced_group_info()
        .and_then(|group| group.group_id());
    let peer = rule
        .cidr_ipv4()
        .or(rule.cidr_ipv6())
        .or(rule.prefix_list_id())
        .map(str::to_owned);
    Some(json!({
        "group": sdk.ec2_name(rule.group_id()).await,
        "isEgress": rule.is_egress(),
        "protocol": rule.ip_protocol(),
        "ports": [rule.from_port(), rule.to_port()],
        "peer": peer.or(sdk.ec2_name(referenced).await),
        "description": rule.description().filter(|text| !text.is_empty()),
    }))
}

pub async fn vanish(sdk: &Sdk, id: &str) -> bool {
    let Some(rule) = find(sdk, id).await else {
        return false;
    };
    let group = rule.group_id().unwrap_or_default();
    if rule.is_egress() == Some(true) {
        let revoke = sdk.ec2.revoke_security_group_egress().group_id(group);
        revoke.security_group_rule_ids(id).send().await.is_ok()
    } else {
        let revoke = sdk.ec2.revoke_security_group_ingress().group_id(group);
        revoke.security_group_rule_ids(id).send().await.is_ok()
    }
}

/// Opens it to everyone.
pub async fn drift(sdk: &Sdk, id: &str) -> bool {
    let Some(rule) = find(sdk, id).await else {
        return false;
    };
    let open = SecurityGroupRuleRequest::builder()
        .set_ip_protocol(rule.ip_protocol().map(str::to_owned))
        .set_from_port(rule.from_port())
        .set_to_port(rule.to_port())
        .cidr_ipv4("0.0.0.0/0")
        .build();
    let update = SecurityGroupRuleUpdate::builder()
        .security_group_rule_id(id)
        .security_group_rule(open)
        .build();
    sdk.ec2
        .modify_security_group_rules()
        .group_id(rule.group_id().unwrap_or_default())
        .security_group_rules(update)
        .send()
        .await
        .is_ok()
}
