//! The default security group of a VPC, which AWS makes and deletes with it: its state, and the calls that change it.
//!
//! - AWS gives it two rules: everything comes in from the group itself, and everything goes out. Everything that names no
//!   security group is in it. <https://docs.aws.amazon.com/vpc/latest/userguide/default-security-group.html>
//! - It has no tags, and is found by its VPC and its name, which no other group can have.
//! - It is listed with the content of its rules, without their ids and tags. These are requested for groups that have
//!   rules.
//! - A rule that a stack has made in it is left to that stack to show and to remove: it does not count, and stays.

use std::collections::{BTreeMap, BTreeSet};

use aws_sdk_ec2::types::{
    IpPermission, IpRange, SecurityGroup, SecurityGroupRule, UserIdGroupPair,
};

use super::security_group::default_egress::is_about_rule;
use super::{security_group, security_group_rule};
use crate::aws::context::Context;
use crate::aws::error::AwsResult;
use crate::aws::wait::{Poll, Wait, until_visible};
use crate::resource::provider::Progress;
use crate::resource::{ErrorKind, ReadSession};

/// It has no rules.
pub(super) const CLOSED: &str = "closed";
/// It has the rules that AWS gives it.
pub(super) const OPEN: &str = "open";
/// It has rules, but not all of AWS's: this can be read, but not wanted.
pub(super) const CHANGED: &str = "changed";

/// The name of the default group of each VPC, and of no other group.
const NAME: &str = "default";
const LIST: &str = "ec2:DescribeSecurityGroups";
const EVERYWHERE: &str = "0.0.0.0/0";

/// The state of the default group of each of these VPCs, by the id of the VPC. A group that is not listed yet is left out.
/// The other groups of the VPCs are listed with them, for their own type, which is read next.
pub(super) async fn standings(
    context: &Context,
    session: &ReadSession,
    vpcs: &[&str],
) -> AwsResult<BTreeMap<String, &'static str>> {
    if vpcs.is_empty() {
        return Ok(BTreeMap::new());
    }
    let listed = security_group::listing::of_vpcs(context, session, vpcs).await?;
    // A VPC that the index did not know comes too late for the shared list.
    let missed = if listed.is_of(vpcs) {
        Vec::new()
    } else {
        let of_these = super::filter_of("vpc-id", vpcs.iter().copied());
        let by_name = super::filter("group-name", NAME);
        security_group::listing::list(context, &[of_these, by_name]).await?
    };
    let groups = if missed.is_empty() {
        &listed.groups
    } else {
        &missed
    };
    let groups: Vec<&SecurityGroup> = groups
        .iter()
        .filter(|group| group.group_name() == Some(NAME))
        .collect();
    let filled = groups.iter().filter(|group| !is_empty(group));
    let filled: BTreeSet<String> = filled
        .filter_map(|group| group.group_id().map(str::to_owned))
        .collect();
    let rules = security_group_rule::listing::of_groups(context, filled).await?;
    let standings = groups.iter().filter_map(|group| {
        let own = rules
            .iter()
            .filter(|rule| rule.group_id() == group.group_id());
        let own: Vec<&SecurityGroupRule> = own.collect();
        Some((group.vpc_id()?.to_owned(), standing(&own)))
    });
    Ok(standings.collect())
}

/// Removes from the default group all rules that no stack has made.
pub(super) async fn close(context: &Context, vpc: &str, progress: &dyn Progress) -> AwsResult<()> {
    Wait::short("ec2:RevokeSecurityGroupIngress", 5, progress)
        .until(|| async {
            let Some(group) = filled(context, vpc).await? else {
                return Ok(Poll::Ready(()));
            };
            let id = group.group_id().unwrap_or_default();
            let _turn = context.turn(id).await;
            let (into, out) = if is_as_made(&group) {
                let said = |permissions: &[IpPermission]| Rules {
                    permissions: permissions.to_vec(),
                    ids: Vec::new(),
                };
                (
                    said(group.ip_permissions()),
                    said(group.ip_permissions_egress()),
                )
            } else {
                let rules =
                    security_group_rule::listing::list(context, super::filter("group-id", id))
                        .await?;
                (Rules::of(&rules, false), Rules::of(&rules, true))
            };
            let into = revoke_ingress(context, id, &into).await?;
            let out = revoke_egress(context, id, &out).await?;
            Ok(if into && out {
                Poll::Ready(())
            } else {
                Poll::Pending("the rules of the default security group are changing".to_owned())
            })
        })
        .await
}

/// Restores the rules that AWS gives the default group, in addition to those that it has.
pub(super) async fn open(context: &Context, vpc: &str) -> AwsResult<()> {
    let group = until_visible(|| listed(context, vpc)).await?;
    let id = group.group_id().unwrap_or_default();
    let _turn = context.turn(id).await;
    let itself = UserIdGroupPair::builder().group_id(id).build();
    let from_itself = IpPermission::builder()
        .ip_protocol("-1")
        .user_id_group_pairs(itself);
    let from_itself = from_itself.build();
    let into = until_visible(|| {
        let request = context
            .ec2
            .authorize_security_group_ingress()
            .group_id(id)
            .ip_permissions(from_itself.clone());
        context.send(request)
    });
    is_there(into.await)?;
    let everywhere = IpRange::builder().cidr_ip(EVERYWHERE).build();
    let to_everywhere = IpPermission::builder()
        .ip_protocol("-1")
        .ip_ranges(everywhere);
    let to_everywhere = to_everywhere.build();
    let out = until_visible(|| {
        let request = context
            .ec2
            .authorize_security_group_egress()
            .group_id(id)
            .ip_permissions(to_everywhere.clone());
        context.send(request)
    });
    is_there(out.await)
}

/// Counts a rule that already exists as success.
fn is_there<T>(answer: AwsResult<T>) -> AwsResult<()> {
    match answer {
        Err(error) if error.is(ErrorKind::AlreadyExists) => Ok(()),
        other => other.map(|_| ()),
    }
}

/// Rules of one direction, as the call that revokes them takes them: by their content, or by their ids.
struct Rules {
    permissions: Vec<IpPermission>,
    ids: Vec<String>,
}

impl Rules {
    /// The rules that no stack has made.
    fn of(rules: &[SecurityGroupRule], is_egress: bool) -> Self {
        let own = rules
            .iter()
            .filter(|rule| rule.is_egress() == Some(is_egress) && !is_of_a_stack(rule));
        Self {
            permissions: Vec::new(),
            ids: own
                .filter_map(|rule| rule.security_group_rule_id().map(str::to_owned))
                .collect(),
        }
    }

    fn is_empty(&self) -> bool {
        self.permissions.is_empty() && self.ids.is_empty()
    }

    fn permissions(&self) -> Option<Vec<IpPermission>> {
        (!self.permissions.is_empty()).then(|| self.permissions.clone())
    }

    fn ids(&self) -> Option<Vec<String>> {
        (!self.ids.is_empty()).then(|| self.ids.clone())
    }
}

/// Revokes rules that let traffic in. Returns false if one of them did not exist: AWS may then have left the others.
async fn revoke_ingress(context: &Context, group: &str, rules: &Rules) -> AwsResult<bool> {
    if rules.is_empty() {
        return Ok(true);
    }
    until_visible(|| async {
        let request = context
            .ec2
            .revoke_security_group_ingress()
            .group_id(group)
            .set_ip_permissions(rules.permissions())
            .set_security_group_rule_ids(rules.ids());
        let answer = context.send(request).await;
        were_there(answer.map(|answer| answer.unknown_ip_permissions().is_empty()))
    })
    .await
}

/// Revokes rules that let traffic out, as [`revoke_ingress`] does for the other direction.
async fn revoke_egress(context: &Context, group: &str, rules: &Rules) -> AwsResult<bool> {
    if rules.is_empty() {
        return Ok(true);
    }
    until_visible(|| async {
        let request = context
            .ec2
            .revoke_security_group_egress()
            .group_id(group)
            .set_ip_permissions(rules.permissions())
            .set_security_group_rule_ids(rules.ids());
        let answer = context.send(request).await;
        were_there(answer.map(|answer| answer.unknown_ip_permissions().is_empty()))
    })
    .await
}

/// Returns false if a rule was missing, which is no error (aws/aws-cdk#26390: its rules were removed by hand, or the call
/// was repeated). A missing group only means that the group is new.
fn were_there(answer: AwsResult<bool>) -> AwsResult<bool> {
    match answer {
        Err(error) if is_about_rule(&error) => Ok(false),
        other => other,
    }
}

/// The default group, once it is listed with rules; `None` if others have removed them.
async fn filled(context: &Context, vpc: &str) -> AwsResult<Option<SecurityGroup>> {
    let found = until_visible(|| async {
        let group = listed(context, vpc).await?;
        if is_empty(&group) {
            return Err(super::not_listed(LIST, "what its default group allows"));
        }
        Ok(group)
    })
    .await;
    match found {
        Ok(group) => Ok(Some(group)),
        Err(error) if error.is(ErrorKind::NotFound) => {
            listed(context, vpc).await?;
            Ok(None)
        }
        Err(error) => Err(error),
    }
}

/// The default group of a VPC. A VPC that was made a moment ago may not show it yet.
async fn listed(context: &Context, vpc: &str) -> AwsResult<SecurityGroup> {
    let by = [
        super::filter("vpc-id", vpc),
        super::filter("group-name", NAME),
    ];
    let groups = security_group::listing::list(context, &by).await?;
    groups
        .into_iter()
        .next()
        .ok_or_else(|| super::not_listed(LIST, &format!("the default security group of {vpc}")))
}

fn is_empty(group: &SecurityGroup) -> bool {
    group.ip_permissions().is_empty() && group.ip_permissions_egress().is_empty()
}

/// Returns whether a group has AWS's own two rules and no others, judged by their content.
fn is_as_made(group: &SecurityGroup) -> bool {
    let ([into], [out]) = (group.ip_permissions(), group.ip_permissions_egress()) else {
        return false;
    };
    let is_all = |permission: &IpPermission| {
        permission.ip_protocol() == Some("-1") && permission.prefix_list_ids().is_empty()
    };
    let from_itself = matches!(into.user_id_group_pairs(), [pair] if pair.group_id() == group.group_id())
        && into.ip_ranges().is_empty()
        && into.ipv6_ranges().is_empty();
    let to_everywhere = matches!(out.ip_ranges(), [range] if range.cidr_ip() == Some(EVERYWHERE))
        && out.ipv6_ranges().is_empty()
        && out.user_id_group_pairs().is_empty();
    is_all(into) && is_all(out) && from_itself && to_everywhere
}

fn standing(rules: &[&SecurityGroupRule]) -> &'static str {
    if rules.iter().all(|rule| is_of_a_stack(rule)) {
        return CLOSED;
    }
    let has = |is_it: fn(&SecurityGroupRule) -> bool| rules.iter().any(|rule| is_it(rule));
    if has(lets_itself_in) && has(lets_everything_out) {
        OPEN
    } else {
        CHANGED
    }
}

fn is_of_a_stack(rule: &SecurityGroupRule) -> bool {
    super::from_sdk(rule.tags()).owner().is_some()
}

fn lets_itself_in(rule: &SecurityGroupRule) -> bool {
    let peer = rule
        .referenced_group_info()
        .and_then(|group| group.group_id());
    rule.is_egress() == Some(false)
        && rule.ip_protocol() == Some("-1")
        && peer.is_some()
        && peer == rule.group_id()
}

fn lets_everything_out(rule: &SecurityGroupRule) -> bool {
    rule.is_egress() == Some(true)
        && rule.ip_protocol() == Some("-1")
        && rule.cidr_ipv4() == Some(EVERYWHERE)
}

#[cfg(test)]
mod tests {
    use aws_sdk_ec2::types::builders::SecurityGroupRuleBuilder;
    use aws_sdk_ec2::types::{ReferencedSecurityGroup, Tag};

    use super::*;

    fn way_in() -> SecurityGroupRuleBuilder {
        let itself = ReferencedSecurityGroup::builder().group_id("sg-1").build();
        SecurityGroupRule::builder()
            .group_id("sg-1")
            .is_egress(false)
            .ip_protocol("-1")
            .referenced_group_info(itself)
    }

    fn way_out() -> SecurityGroupRuleBuilder {
        SecurityGroupRule::builder()
            .group_id("sg-1")
            .is_egress(true)
            .ip_protocol("-1")
            .cidr_ipv4(EVERYWHERE)
    }

    fn ssh() -> SecurityGroupRuleBuilder {
        SecurityGroupRule::builder()
            .group_id("sg-1")
            .is_egress(false)
            .ip_protocol("tcp")
            .from_port(22)
            .to_port(22)
            .cidr_ipv4(EVERYWHERE)
    }

    fn of_a_stack(rule: SecurityGroupRuleBuilder) -> SecurityGroupRuleBuilder {
        let urn = "urn:fde:shop/dev::aws:vpc:SecurityGroupIngressRule::rule";
        let tag = |key: &str, value: &str| Tag::builder().key(key).value(value).build();
        rule.tags(tag("fde:urn", urn))
            .tags(tag("fde:stack", "shop/dev"))
    }

    fn standing_of<const N: usize>(rules: [SecurityGroupRuleBuilder; N]) -> &'static str {
        let rules = rules.map(SecurityGroupRuleBuilder::build);
        standing(&rules.iter().collect::<Vec<_>>())
    }

    #[test]
    fn what_has_any_rule_that_no_stack_has_made_is_not_closed() {
        assert_eq!(standing_of([]), CLOSED);
        assert_eq!(standing_of([way_in(), way_out()]), OPEN);
        assert_eq!(standing_of([way_in(), way_out(), ssh()]), OPEN);
        assert_eq!(standing_of([ssh()]), CHANGED);
        assert_eq!(standing_of([way_in()]), CHANGED);
        assert_eq!(standing_of([way_out()]), CHANGED);
    }

    #[test]
    fn a_rule_of_a_stack_leaves_it_closed() {
        assert_eq!(standing_of([of_a_stack(ssh())]), CLOSED);
        assert_eq!(standing_of([of_a_stack(ssh()), way_out()]), CHANGED);
        let rules = [of_a_stack(ssh()).security_group_rule_id("sgr-1").build()];
        assert!(Rules::of(&rules, false).is_empty());
        let rules = [ssh().security_group_rule_id("sgr-2").build()];
        assert_eq!(Rules::of(&rules, false).ids, ["sgr-2"]);
        assert!(Rules::of(&rules, true).is_empty());
    }

    #[test]
    fn only_the_two_rules_of_aws_are_taken_for_them() {
        let itself = || UserIdGroupPair::builder().group_id("sg-1").build();
        let all = || IpPermission::builder().ip_protocol("-1");
        let range = |range: &str| IpRange::builder().cidr_ip(range).build();
        let group = |into: IpPermission, out: IpPermission| {
            SecurityGroup::builder()
                .group_id("sg-1")
                .ip_permissions(into)
                .ip_permissions_egress(out)
                .build()
        };
        let into = || all().user_id_group_pairs(itself());
        let out = || all().ip_ranges(range(EVERYWHERE));
        assert!(is_as_made(&group(into().build(), out().build())));
        let ranges = into().ip_ranges(range("10.0.0.0/8")).build();
        assert!(!is_as_made(&group(ranges, out().build())));
        let narrower = all().ip_ranges(range("10.0.0.0/8")).build();
        assert!(!is_as_made(&group(into().build(), narrower)));
        let of_another = UserIdGroupPair::builder().group_id("sg-2").build();
        let of_another = all().user_id_group_pairs(of_another).build();
        assert!(!is_as_made(&group(of_another, out().build())));
    }
}
