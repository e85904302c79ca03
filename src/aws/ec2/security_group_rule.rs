//! The common part of ingress and egress rules of security groups: everything but the direction.
//!
//! - A rule is distinguished from others of its group by direction, protocol, ports and peer; its description does not
//!   count. A repeated create fails with `InvalidPermission.Duplicate`.
//! - All but group and direction changes in place, under the same id, except for the kind of peer: a range stays a range.
//!   To change the kind, a new rule is made before the old one is deleted, so that no traffic is cut.
//! - AWS returns protocol numbers as names where they have one (hashicorp/terraform-provider-aws#9569), and ports of -1 for
//!   protocols without ports.
//! - Concurrent changes to one group interfere with each other, so they take turns.

mod canonical;
pub(super) mod listing;
mod model;
mod permission;

use aws_sdk_ec2::types::{
    ResourceType as Ec2Type, SecurityGroupRule as SdkRule, SecurityGroupRuleDescription,
    SecurityGroupRuleUpdate,
};

pub use self::model::{Inputs, Outputs};

use self::listing::{list, of_other_groups, of_our_groups};
use self::model::{GROUP, Rule};
use self::permission::{fit, lets_the_same_through, peers, permission, request};
use super::security_group::default_egress::is_default;
use crate::aws::answer::text;
use crate::aws::context::Context;
use crate::aws::error::{AwsResult, expected};
use crate::aws::resource_type::{Live, adopt, check};
use crate::aws::wait::until_visible;
use crate::resource::provider::Query;
use crate::resource::rule::{Limit, one};
use crate::resource::{Condition, CreateClass, ErrorKind, ProviderError, Schema, Tags};

/// The direction of the traffic that a rule lets through.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Direction {
    Ingress,
    Egress,
}

pub(super) fn schema(token: &'static str) -> Schema {
    Schema::of::<Inputs, Outputs>(token, CreateClass::NaturalKey)
        .reads_after(&[GROUP])
        .child_of(Inputs::SECURITY_GROUP_ID, GROUP)
        .opens()
        .checks(|inputs| check(inputs, fit))
        .limits(&[Limit {
            by: &[Inputs::SECURITY_GROUP_ID],
            measure: one,
            most: 1000,
            quota: Some(60),
            what: "rules of one security group in one direction",
            help: "name groups or prefix lists instead of single ranges, or ask AWS to raise the quota of rules per group",
        }])
        .key(&[
            Inputs::SECURITY_GROUP_ID,
            Inputs::IP_PROTOCOL,
            Inputs::FROM_PORT,
            Inputs::TO_PORT,
            Inputs::CIDR_IPV4,
            Inputs::CIDR_IPV6,
            Inputs::PREFIX_LIST_ID,
            Inputs::REFERENCED_SECURITY_GROUP_ID,
        ])
}

pub(super) async fn read(
    context: &Context,
    query: Query<'_>,
    direction: Direction,
) -> AwsResult<Vec<Rule>> {
    let groups = query.parents(GROUP).map(|group| group.id.as_str());
    let ours = of_our_groups(context, query.session, groups).await?;
    let others = of_other_groups(context, query, &ours).await?;
    Ok(ours
        .iter()
        .chain(&others)
        .filter(|rule| direction.is_of(rule))
        // Part of the group: its `defaultEgress`.
        .filter(|rule| !is_default(rule))
        .map(|rule| live(context, rule))
        .collect())
}

/// Makes a rule, or adopts our own earlier one.
pub(super) async fn create(
    context: &Context,
    direction: Direction,
    inputs: &Inputs,
    tags: &Tags,
) -> AwsResult<Rule> {
    let permission = permission(inputs);
    let group = &inputs.security_group_id;
    let tagged = || super::on_create(Ec2Type::SecurityGroupRule, tags);
    let turn = context.turn(group).await;
    let created = until_visible(|| async {
        Ok(match direction {
            Direction::Ingress => {
                let request = context
                    .ec2
                    .authorize_security_group_ingress()
                    .group_id(group)
                    .ip_permissions(permission.clone())
                    .tag_specifications(tagged());
                context.send(request).await?.security_group_rules
            }
            Direction::Egress => {
                let request = context
                    .ec2
                    .authorize_security_group_egress()
                    .group_id(group)
                    .ip_permissions(permission.clone())
                    .tag_specifications(tagged());
                context.send(request).await?.security_group_rules
            }
        })
    })
    .await;
    drop(turn);
    match created {
        Ok(rules) => {
            let rule = rules.unwrap_or_default().into_iter().next();
            let rule = expected(direction.authorize(), rule, "the rule")?;
            let made = super::from_sdk(rule.tags());
            let id = rule.security_group_rule_id;
            let id = expected(direction.authorize(), id, "the id of the rule")?;
            Ok(of(context, id, inputs.clone(), made))
        }
        Err(error) if error.is(ErrorKind::AlreadyExists) => {
            met(context, direction, tags, inputs, error).await
        }
        Err(error) => Err(error),
    }
}

pub(super) async fn update(
    context: &Context,
    direction: Direction,
    wanted: &Inputs,
    observed: &Rule,
) -> AwsResult<Rule> {
    if peers(wanted).map(|(_, peer)| peer.is_some())
        != peers(&observed.inputs).map(|(_, peer)| peer.is_some())
    {
        let successor = create(context, direction, wanted, &observed.tags).await?;
        revoke(context, direction, observed).await?;
        return Ok(successor);
    }
    let _turn = context.turn(&wanted.security_group_id).await;
    let update = SecurityGroupRuleUpdate::builder()
        .security_group_rule_id(&observed.id)
        .security_group_rule(request(wanted))
        .build();
    until_visible(|| {
        let request = context
            .ec2
            .modify_security_group_rules()
            .group_id(&wanted.security_group_id)
            .security_group_rules(update.clone());
        context.send(request)
    })
    .await?;
    if wanted.description.is_none() && observed.inputs.description.is_some() {
        take_description_away(context, direction, observed).await?;
    }
    Ok(Live {
        inputs: wanted.clone(),
        ..observed.clone()
    })
}

/// Removes the description by leaving it out: AWS documents that for these calls, and not for `ModifySecurityGroupRules`.
async fn take_description_away(
    context: &Context,
    direction: Direction,
    rule: &Rule,
) -> AwsResult<()> {
    let group = &rule.inputs.security_group_id;
    let none = SecurityGroupRuleDescription::builder()
        .security_group_rule_id(&rule.id)
        .build();
    match direction {
        Direction::Ingress => {
            until_visible(|| {
                let request = context
                    .ec2
                    .update_security_group_rule_descriptions_ingress()
                    .group_id(group)
                    .security_group_rule_descriptions(none.clone());
                context.send(request)
            })
            .await?;
        }
        Direction::Egress => {
            until_visible(|| {
                let request = context
                    .ec2
                    .update_security_group_rule_descriptions_egress()
                    .group_id(group)
                    .security_group_rule_descriptions(none.clone());
                context.send(request)
            })
            .await?;
        }
    }
    Ok(())
}

/// Revokes a rule; succeeds if it is already gone.
pub(super) async fn revoke(context: &Context, direction: Direction, rule: &Rule) -> AwsResult<()> {
    let group = &rule.inputs.security_group_id;
    let _turn = context.turn(group).await;
    let revoked = match direction {
        Direction::Ingress => context
            .send(
                context
                    .ec2
                    .revoke_security_group_ingress()
                    .group_id(group)
                    .security_group_rule_ids(&rule.id),
            )
            .await
            .map(|_| ()),
        Direction::Egress => context
            .send(
                context
                    .ec2
                    .revoke_security_group_egress()
                    .group_id(group)
                    .security_group_rule_ids(&rule.id),
            )
            .await
            .map(|_| ()),
    };
    match revoked {
        Err(error) if error.is(ErrorKind::NotFound) => Ok(()),
        other => other,
    }
}

impl Direction {
    fn authorize(self) -> &'static str {
        match self {
            Self::Ingress => "ec2:AuthorizeSecurityGroupIngress",
            Self::Egress => "ec2:AuthorizeSecurityGroupEgress",
        }
    }

    fn is_of(self, rule: &SdkRule) -> bool {
        rule.is_egress() == Some(self == Self::Egress)
    }
}

/// The existing rule that lets the same traffic through.
async fn met(
    context: &Context,
    direction: Direction,
    tags: &Tags,
    wanted: &Inputs,
    error: ProviderError,
) -> AwsResult<Rule> {
    let found = until_visible(|| async {
        let group = super::filter("group-id", &wanted.security_group_id);
        list(context, group)
            .await?
            .iter()
            .filter(|rule| direction.is_of(rule))
            .map(|rule| live(context, rule))
            .find(|rule| lets_the_same_through(&rule.inputs, wanted))
            .ok_or_else(|| super::not_listed("ec2:DescribeSecurityGroupRules", "the rule"))
    })
    .await;
    match found {
        Ok(rule) => adopt(tags, rule, error),
        Err(unseen) if unseen.is(ErrorKind::NotFound) => Err(error),
        Err(failed) => Err(failed),
    }
}

fn live(context: &Context, rule: &SdkRule) -> Rule {
    let id = text(rule.security_group_rule_id());
    of(context, id, inputs_of(rule), super::from_sdk(rule.tags()))
}

fn inputs_of(rule: &SdkRule) -> Inputs {
    let given = |value: Option<&str>| value.filter(|text| !text.is_empty()).map(str::to_owned);
    Inputs {
        security_group_id: text(rule.group_id()),
        ip_protocol: text(rule.ip_protocol()),
        from_port: rule.from_port(),
        to_port: rule.to_port(),
        cidr_ipv4: given(rule.cidr_ipv4()),
        cidr_ipv6: given(rule.cidr_ipv6()),
        prefix_list_id: given(rule.prefix_list_id()),
        referenced_security_group_id: given(
            rule.referenced_group_info()
                .and_then(|group| group.group_id()),
        ),
        description: given(rule.description()),
    }
}

fn of(context: &Context, id: String, inputs: Inputs, tags: Tags) -> Rule {
    Live {
        arn: Some(context.arn("ec2", &format!("security-group-rule/{id}"))),
        inputs,
        outputs: Outputs {
            security_group_rule_id: id.clone(),
        },
        tags,
        condition: Condition::Ready,
        id,
    }
}

#[cfg(test)]
mod tests {
    use aws_sdk_ec2::types::ReferencedSecurityGroup;
    use aws_sdk_ec2::types::builders::SecurityGroupRuleBuilder;
    use serde_json::{Value as Json, json};

    use super::*;
    use crate::resource::Value;

    /// The compared form of inputs, property by property.
    fn compared(inputs: &Inputs) -> Vec<(&'static str, Value)> {
        let json = serde_json::to_value(inputs).unwrap();
        let properties = schema("aws:vpc:SecurityGroupIngressRule").properties;
        properties
            .into_iter()
            .map(|property| {
                let value = Value::from(json.get(property.name).cloned().unwrap_or_default());
                let form = property.canonical.unwrap_or(|value| value);
                (property.name, form(value))
            })
            .collect()
    }

    /// The rules as authors write them, and as EC2 returns them.
    #[test]
    fn eight_kinds_of_ingress_read_back_as_they_were_written() {
        let answered = |protocol: &str, from: i32, to: i32| {
            SdkRule::builder()
                .group_id("sg-1")
                .is_egress(false)
                .ip_protocol(protocol)
                .from_port(from)
                .to_port(to)
        };
        let group = |id: &str| {
            ReferencedSecurityGroup::builder()
                .group_id(id)
                .user_id("123456789012")
                .build()
        };
        let kinds: [(Json, SecurityGroupRuleBuilder); 8] = [
            (
                json!({"ipProtocol": "tcp", "fromPort": 443, "toPort": 443, "cidrIpv4": "0.0.0.0/0", "description": "web"}),
                answered("tcp", 443, 443)
                    .cidr_ipv4("0.0.0.0/0")
                    .description("web"),
            ),
            (
                json!({"ipProtocol": "6", "fromPort": 80, "toPort": 81, "cidrIpv4": "10.0.0.7/8"}),
                answered("tcp", 80, 81).cidr_ipv4("10.0.0.0/8"),
            ),
            (
                json!({"ipProtocol": "UDP", "fromPort": 53, "toPort": 53, "cidrIpv6": "2001:DB8::/32"}),
                answered("udp", 53, 53).cidr_ipv6("2001:db8::/32"),
            ),
            (
                json!({"ipProtocol": "tcp", "fromPort": 5432, "toPort": 5432, "referencedSecurityGroupId": "sg-2"}),
                answered("tcp", 5432, 5432).referenced_group_info(group("sg-2")),
            ),
            // The group itself as the peer.
            (
                json!({"ipProtocol": "tcp", "fromPort": 0, "toPort": 65535, "referencedSecurityGroupId": "sg-1"}),
                answered("tcp", 0, 65535).referenced_group_info(group("sg-1")),
            ),
            (
                json!({"ipProtocol": "tcp", "fromPort": 443, "toPort": 443, "prefixListId": "pl-1"}),
                answered("tcp", 443, 443).prefix_list_id("pl-1"),
            ),
            (
                json!({"ipProtocol": "all", "cidrIpv4": "10.0.0.0/8"}),
                answered("-1", -1, -1)
                    .cidr_ipv4("10.0.0.0/8")
                    .description(""),
            ),
            // Protocol 58 has a name; echo requests of any code.
            (
                json!({"ipProtocol": "58", "fromPort": 128, "toPort": -1, "cidrIpv6": "::/0"}),
                answered("icmpv6", 128, -1).cidr_ipv6("::/0"),
            ),
        ];
        for (mut written, answered) in kinds {
            written["securityGroupId"] = "sg-1".into();
            let wanted: Inputs = serde_json::from_value(written.clone()).unwrap();
            let read = inputs_of(&answered.build());
            assert_eq!(compared(&read), compared(&wanted), "{written}");
        }
    }
}
