//! The rule that AWS gives every new group.

use aws_sdk_ec2::types::{IpPermission, IpRange, SecurityGroupRule};

use crate::aws::context::Context;
use crate::aws::ec2::security_group_rule::listing;
use crate::aws::error::AwsResult;
use crate::aws::wait::{Poll, Wait, until_visible};
use crate::resource::provider::Progress;
use crate::resource::{ErrorKind, ProviderError};

const EVERYWHERE: &str = "0.0.0.0/0";

const EVERYWHERE_IPV6: &str = "::/0";

/// Removes the rule that AWS gives a new group, by its content, since EC2 takes no second rule with the same content. If
/// that does not succeed at once, the group is brought to the wanted state like any other ([`revoke_default`]), and the
/// error is reported then.
pub(super) async fn is_closed_as_made(context: &Context, id: &str) -> bool {
    let rule = everything();
    let revoked = until_visible(|| async {
        let request = context
            .ec2
            .revoke_security_group_egress()
            .group_id(id)
            .ip_permissions(rule.clone());
        let revoked = context.send(request).await;
        match revoked {
            // The rule does not exist: the response to the previous call may have been lost.
            Err(error) if is_about_rule(&error) => Ok(()),
            other => other.map(|_| ()),
        }
    });
    revoked.await.is_ok()
}

/// Removes AWS's own rules, by their ids: a rule of another owner with the same content stays.
pub(super) async fn revoke_default(context: &Context, id: &str) -> AwsResult<()> {
    let found = until_visible(|| async {
        let rules = default_rules(context, id).await?;
        if rules.is_empty() {
            return Err(crate::aws::ec2::not_listed(
                "ec2:DescribeSecurityGroupRules",
                id,
            ));
        }
        Ok(rules)
    })
    .await;
    let rules: Vec<String> = match found {
        Ok(rules) => rules
            .into_iter()
            .filter_map(|rule| rule.security_group_rule_id)
            .collect(),
        // Another party was faster.
        Err(error) if error.is(ErrorKind::NotFound) => return Ok(()),
        Err(error) => return Err(error),
    };
    until_visible(|| async {
        let request = context
            .ec2
            .revoke_security_group_egress()
            .group_id(id)
            .set_security_group_rule_ids(Some(rules.clone()));
        let revoked = context.send(request).await;
        match revoked {
            // Others have removed it. A missing group only means that the group is new: its rules have just been listed.
            Err(error) if is_about_rule(&error) => Ok(()),
            other => other.map(|_| ()),
        }
    })
    .await
}

/// Returns whether a rule is missing, and not the group.
pub(in crate::aws::ec2) fn is_about_rule(error: &ProviderError) -> bool {
    matches!(
        error.code.as_str(),
        "InvalidSecurityGroupRuleId.NotFound" | "InvalidPermission.NotFound"
    )
}

/// Gives a group the rule that AWS gives new ones. A rule of the stack with the same content may not be deleted yet.
pub(super) async fn let_everything_out(
    context: &Context,
    id: &str,
    progress: &dyn Progress,
) -> AwsResult<()> {
    let permission = everything();
    Wait::short("ec2:AuthorizeSecurityGroupEgress", 2, progress)
        .until(|| async {
            let authorized = until_visible(|| {
                let request = context
                    .ec2
                    .authorize_security_group_egress()
                    .group_id(id)
                    .ip_permissions(permission.clone());
                context.send(request)
            })
            .await;
            match authorized {
                Ok(_) => Ok(Poll::Ready(())),
                Err(error) if error.is(ErrorKind::AlreadyExists) => {
                    Ok(Poll::Pending("another rule lets everything out".to_owned()))
                }
                Err(error) => Err(error),
            }
        })
        .await
}

/// The content of the rule that AWS gives new groups.
fn everything() -> IpPermission {
    let everywhere = IpRange::builder().cidr_ip(EVERYWHERE).build();
    IpPermission::builder()
        .ip_protocol("-1")
        .ip_ranges(everywhere)
        .build()
}

/// The rules of a group that AWS made: they let everything out, and no one has tagged them.
pub(super) async fn default_rules(
    context: &Context,
    group: &str,
) -> AwsResult<Vec<SecurityGroupRule>> {
    let mut rules = listing::list(context, crate::aws::ec2::filter("group-id", group)).await?;
    rules.retain(is_default);
    Ok(rules)
}

pub(in crate::aws::ec2) fn is_default(rule: &SecurityGroupRule) -> bool {
    let untagged = rule
        .tags()
        .iter()
        .all(|tag| tag.key().is_some_and(|key| key.starts_with("aws:")));
    untagged && lets_everything_out(rule)
}

fn lets_everything_out(rule: &SecurityGroupRule) -> bool {
    rule.is_egress() == Some(true)
        && rule.ip_protocol() == Some("-1")
        && (rule.cidr_ipv4() == Some(EVERYWHERE) || rule.cidr_ipv6() == Some(EVERYWHERE_IPV6))
}

#[cfg(test)]
mod tests {
    use aws_sdk_ec2::types::Tag;

    use super::*;

    fn rule() -> aws_sdk_ec2::types::builders::SecurityGroupRuleBuilder {
        SecurityGroupRule::builder()
            .is_egress(true)
            .ip_protocol("-1")
            .cidr_ipv4(EVERYWHERE)
    }

    #[test]
    fn only_an_untagged_way_out_is_the_default() {
        assert!(is_default(&rule().build()));
        let tag = |key: &str| Tag::builder().key(key).value("x").build();
        assert!(is_default(
            &rule().tags(tag("aws:cloudformation:stack")).build()
        ));
        assert!(!is_default(&rule().tags(tag("fde:urn")).build()));
        assert!(!is_default(&rule().is_egress(false).build()));
        assert!(!is_default(&rule().ip_protocol("tcp").build()));
        assert!(!is_default(&rule().cidr_ipv4("10.0.0.0/8").build()));
    }
}
