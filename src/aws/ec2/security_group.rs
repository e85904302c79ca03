//! Security group. Its rules are resources of their own.
//!
//! - The name is unique in the VPC, regardless of case: a repeated create fails with `InvalidGroup.Duplicate`
//!   (chef-boneyard/chef-provisioning-aws#452).
//! - AWS gives every new group a rule that lets everything out (two, in a VPC with IPv6), without any tag. It has to go
//!   unless the author says otherwise, because an egress rule of the stack that lets everything out would collide with it.
//!   `create` is one call, so it returns a group that has the rule, and `update` revokes it: a run that stops between the
//!   two leaves a difference for the next one to see.
//! - Deletion is refused while an interface is in the group, or a rule of another group refers to it.

use std::collections::BTreeSet;
use std::sync::Arc;

use aws_sdk_ec2::types::{
    Filter, IpPermission, IpRange, ResourceType as Ec2Type, SecurityGroup as SdkSecurityGroup,
    SecurityGroupRule,
};
use futures_util::future::try_join_all;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::security_group_rule;
use crate::aws::answer::text;
use crate::aws::context::Context;
use crate::aws::error::{AwsResult, expected};
use crate::aws::resource_type::{
    Asking, Change, Live, LiveOf, New, NoOutputs, Old, ResourceType, adopt,
};
use crate::aws::wait::{Poll, Wait, until_visible};
use crate::resource::provider::{Holder, Indexed, Progress, Query};
use crate::resource::{
    Condition, CreateClass, ErrorKind, PropertyTable, ProviderError, ReadSession, Schema, StackId,
    Tags, TextRule,
};

const EVERYWHERE: &str = "0.0.0.0/0";
const VPC: &str = "aws:ec2:Vpc";
const EVERYWHERE_IPV6: &str = "::/0";

/// A virtual firewall around network interfaces.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema, PropertyTable)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schemars(extend("x-parts" = { "ingress": "aws:vpc:SecurityGroupIngressRule", "egress": "aws:vpc:SecurityGroupEgressRule" }))]
pub struct Inputs {
    /// 1 to 255 letters, digits, spaces and `._-:/()#,@[]+=&;{}!$*`; does not begin with `sg-`. Unique in the VPC,
    /// regardless of case.
    #[property(replaces, text(NAME))]
    pub name: String,
    /// At most 255 characters, of the same kinds.
    #[property(default("Managed by fde-infra"), replaces, text(DESCRIPTION))]
    pub description: String,
    /// Id of the VPC.
    #[property(required, replaces)]
    pub vpc_id: String,
    /// True if the rule stays that AWS gives every new group, and that lets everything out. Default: false, as in Pulumi,
    /// which has no way to keep it.
    #[property(default(false))]
    pub default_egress: bool,
}

/// The characters that EC2 takes in names and descriptions of groups, and in descriptions of rules.
const ALPHABET: &str = "letters, digits, spaces and `._-:/()#,@[]+=&;{}!$*`";

const fn is_taken(character: char) -> bool {
    matches!(character, 'a'..='z' | 'A'..='Z' | '0'..='9' | ' ' | '.' | '_' | '-' | ':' | '/' | '(' | ')' | '#' | ','
        | '@' | '[' | ']' | '+' | '=' | '&' | ';' | '{' | '}' | '!' | '$' | '*')
}

const NAME: TextRule = TextRule::new(1..=255).of(is_taken, ALPHABET).must(
    "not begin with `sg-`, nor be `default`",
    |name| {
        let name = name.to_lowercase();
        !name.starts_with("sg-") && name != "default"
    },
);

/// Descriptions of groups and of rules.
pub(super) const DESCRIPTION: TextRule = TextRule::new(0..=255).of(is_taken, ALPHABET);

pub struct SecurityGroup;

impl ResourceType for SecurityGroup {
    type Inputs = Inputs;
    type Outputs = NoOutputs;

    fn schema(&self) -> Schema {
        Schema::of::<Inputs, NoOutputs>("aws:ec2:SecurityGroup", CreateClass::NaturalKey)
            .generated_name(Inputs::NAME, 255)
            .named_within(&[Inputs::VPC_ID])
            .name_ignores_case()
            .reads_after(&["aws:ec2:Vpc"])
    }

    /// Also requests the rules, which take a call of their own.
    async fn ahead(&self, context: &Context, query: Query<'_>) {
        if let Ok(groups) = of_stack(context, query).await {
            let ids = groups.iter().filter_map(|group| group.group_id());
            drop(security_group_rule::of_groups_of_stack(context, query.session, ids).await);
        }
    }

    async fn read(&self, context: &Context, query: Query<'_>) -> AwsResult<Vec<LiveOf<Self>>> {
        let of_stack = of_stack(context, query).await?;
        let mut groups = of_stack.to_vec();
        // A name in a VPC may belong to a group of another owner, or to one that has lost its tags.
        let tags: Vec<Tags> = groups
            .iter()
            .map(|group| super::from_sdk(group.tags()))
            .collect();
        let missing = query.missing(tags.iter()).into_iter();
        let (vpcs, names): (BTreeSet<&str>, BTreeSet<&str>) = missing
            .filter_map(|wanted| Some((wanted.text("vpcId")?, wanted.text("name")?)))
            .unzip();
        if !vpcs.is_empty() {
            let by = [
                super::filter_of("vpc-id", vpcs),
                super::filter_of("group-name", names),
            ];
            let mut others = list(context, &by).await?;
            others.retain(|other| {
                let mut own = groups.iter();
                own.all(|own| own.group_id() != other.group_id())
            });
            groups.append(&mut others);
        }
        let (of_stack, others) = groups.split_at(of_stack.len());
        let [of_stack, others] = [of_stack, others].map(|groups| {
            let ids = groups.iter().filter_map(|group| group.group_id());
            ids.collect::<Vec<_>>()
        });
        // The rules are requested anyway, by the types that are read next.
        let rules =
            security_group_rule::of_all_groups(context, query.session, &of_stack, &others).await?;
        Ok(groups
            .iter()
            .map(|group| {
                let mut rules = rules.iter();
                let open =
                    rules.any(|rule| rule.group_id() == group.group_id() && is_default(rule));
                live(context, group, open)
            })
            .collect())
    }

    async fn create(&self, context: &Context, new: New<'_, Self>) -> AwsResult<LiveOf<Self>> {
        let inputs = new.inputs;
        let created = until_visible(|| {
            let request = context
                .ec2
                .create_security_group()
                .group_name(&inputs.name)
                .description(&inputs.description)
                .vpc_id(&inputs.vpc_id)
                .tag_specifications(super::on_create(Ec2Type::SecurityGroup, new.tags));
            context.send(request)
        })
        .await;
        match created {
            Ok(answer) => {
                let tags = super::from_sdk(answer.tags());
                let id = expected("ec2:CreateSecurityGroup", answer.group_id, "a group id")?;
                let default_egress =
                    inputs.default_egress || !is_closed_as_made(context, &id).await;
                Ok(Live {
                    arn: Some(context.arn("ec2", &format!("security-group/{id}"))),
                    inputs: Inputs {
                        default_egress,
                        ..inputs.clone()
                    },
                    outputs: NoOutputs {},
                    tags,
                    condition: Condition::Ready,
                    id,
                })
            }
            Err(error) if error.is(ErrorKind::AlreadyExists) => met(context, &new, error).await,
            Err(error) => Err(error),
        }
    }

    async fn update(&self, context: &Context, change: Change<'_, Self>) -> AwsResult<LiveOf<Self>> {
        if change.touches(Inputs::DEFAULT_EGRESS) {
            if change.wanted.default_egress {
                let_everything_out(context, &change.observed.id, change.progress).await?;
            } else {
                revoke_default(context, &change.observed.id).await?;
            }
        }
        Ok(change.applied())
    }

    async fn delete(&self, context: &Context, old: Old<'_, Self>) -> AwsResult<()> {
        context
            .send(context.ec2.delete_security_group().group_id(&old.live.id))
            .await?;
        Ok(())
    }

    async fn blockers_of(
        &self,
        context: &Context,
        live: &LiveOf<Self>,
        _asking: &Asking<'_>,
    ) -> AwsResult<Vec<Holder>> {
        super::holders::of_security_group(context, &live.id, &live.tags).await
    }
}

/// Every group of some VPCs: for the VPC type, which looks for the default groups among them, and for the security group
/// type.
pub(super) struct OfVpcs {
    vpcs: BTreeSet<String>,
    pub groups: Vec<SdkSecurityGroup>,
}

impl OfVpcs {
    /// Returns whether these VPCs are among those listed.
    pub(super) fn is_of(&self, vpcs: &[&str]) -> bool {
        vpcs.iter().all(|vpc| self.vpcs.contains(*vpc))
    }

    /// Returns whether all groups of the stack are among them, as far as file and index know. A group that is yet to be
    /// made in a VPC that does not exist yet is nowhere yet.
    fn has_all(&self, query: Query<'_>) -> bool {
        let mut wanted = query.wanted_names("vpcId").into_iter();
        let ids: BTreeSet<&str> = self
            .groups
            .iter()
            .filter_map(SdkSecurityGroup::group_id)
            .collect();
        let mut indexed = query.indexed.iter().map(Indexed::last_segment);
        wanted.all(|vpc| self.vpcs.contains(vpc)) && indexed.all(|id| ids.contains(id))
    }

    fn of_stack(&self, stack: &StackId) -> Vec<SdkSecurityGroup> {
        let groups = self.groups.iter();
        groups
            .filter(|group| super::from_sdk(group.tags()).belongs_to(stack))
            .cloned()
            .collect()
    }
}

/// Lists every group of these VPCs: once, for the first caller.
pub(super) async fn of_vpcs(
    context: &Context,
    session: &ReadSession,
    vpcs: &[&str],
) -> AwsResult<Arc<OfVpcs>> {
    /// The number of values that a filter takes.
    const AT_ONCE: usize = 200;
    let read = || async {
        let reads = vpcs.chunks(AT_ONCE).map(|vpcs| async move {
            let of_these = super::filter_of("vpc-id", vpcs.iter().copied());
            list(context, &[of_these]).await
        });
        let groups = try_join_all(reads).await?;
        Ok(OfVpcs {
            vpcs: vpcs.iter().map(|vpc| (*vpc).to_owned()).collect(),
            groups: groups.into_iter().flatten().collect(),
        })
    };
    session
        .once("ec2:DescribeSecurityGroups, of the VPCs", read)
        .await
}

/// The group that has the wanted name already.
async fn met(
    context: &Context,
    new: &New<'_, SecurityGroup>,
    error: ProviderError,
) -> AwsResult<LiveOf<SecurityGroup>> {
    let wanted = new.inputs;
    let found = until_visible(|| async {
        list(context, &[super::filter("vpc-id", &wanted.vpc_id)])
            .await?
            .into_iter()
            .find(|group| {
                group
                    .group_name()
                    .is_some_and(|name| name.eq_ignore_ascii_case(&wanted.name))
            })
            .ok_or_else(|| super::not_listed("ec2:DescribeSecurityGroups", &wanted.name))
    })
    .await;
    match found {
        Ok(group) => {
            let id = group.group_id().unwrap_or_default();
            let open = !default_rules(context, &[id]).await?.is_empty();
            adopt(new.tags, live(context, &group, open), error)
        }
        Err(unseen) if unseen.is(ErrorKind::NotFound) => Err(error),
        Err(failed) => Err(failed),
    }
}

/// Removes the rule that AWS gives a new group, by its content, since EC2 takes no second rule with the same content. If
/// that does not succeed at once, the group is brought to the wanted state like any other ([`revoke_default`]), and the
/// error is reported then.
async fn is_closed_as_made(context: &Context, id: &str) -> bool {
    let everywhere = IpRange::builder().cidr_ip(EVERYWHERE).build();
    let rule = IpPermission::builder()
        .ip_protocol("-1")
        .ip_ranges(everywhere)
        .build();
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
async fn revoke_default(context: &Context, id: &str) -> AwsResult<()> {
    let found = until_visible(|| async {
        let rules = default_rules(context, &[id]).await?;
        if rules.is_empty() {
            return Err(super::not_listed("ec2:DescribeSecurityGroupRules", id));
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
pub(super) fn is_about_rule(error: &ProviderError) -> bool {
    matches!(
        error.code.as_str(),
        "InvalidSecurityGroupRuleId.NotFound" | "InvalidPermission.NotFound"
    )
}

/// Gives a group the rule that AWS gives new ones. A rule of the stack with the same content may not be deleted yet.
async fn let_everything_out(context: &Context, id: &str, progress: &dyn Progress) -> AwsResult<()> {
    let everywhere = IpRange::builder().cidr_ip(EVERYWHERE).build();
    let permission = IpPermission::builder()
        .ip_protocol("-1")
        .ip_ranges(everywhere)
        .build();
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

/// The stack's groups: found among all groups of its VPCs, which are listed for the default groups in any case, or else by
/// tag.
async fn of_stack(context: &Context, query: Query<'_>) -> AwsResult<Arc<Vec<SdkSecurityGroup>>> {
    let read = || async move {
        let vpcs: Vec<&str> = query.parents(VPC).map(|vpc| vpc.id.as_str()).collect();
        if !vpcs.is_empty() {
            let listed = of_vpcs(context, query.session, &vpcs).await?;
            if listed.has_all(query) {
                return Ok(listed.of_stack(query.stack));
            }
        }
        list(context, &[super::of_stack(query.stack)]).await
    };
    query
        .session
        .once("ec2:DescribeSecurityGroups, of the stack", read)
        .await
}

pub(super) async fn list(context: &Context, by: &[Filter]) -> AwsResult<Vec<SdkSecurityGroup>> {
    context
        .pages(
            |token| {
                context
                    .ec2
                    .describe_security_groups()
                    .set_filters(Some(by.to_vec()))
                    .max_results(1000)
                    .set_next_token(token)
            },
            |page| (page.security_groups, page.next_token),
        )
        .await
}

/// The rules of these groups that AWS made: they let everything out, and no one has tagged them.
async fn default_rules(context: &Context, groups: &[&str]) -> AwsResult<Vec<SecurityGroupRule>> {
    /// The number of values that a filter takes.
    const AT_ONCE: usize = 200;
    let mut defaults = Vec::new();
    for groups in groups.chunks(AT_ONCE) {
        let filter = groups
            .iter()
            .fold(Filter::builder().name("group-id"), |filter, group| {
                filter.values(*group)
            });
        let rules = security_group_rule::list(context, filter.build()).await?;
        defaults.extend(rules.into_iter().filter(is_default));
    }
    Ok(defaults)
}

pub(super) fn is_default(rule: &SecurityGroupRule) -> bool {
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

fn live(
    context: &Context,
    group: &SdkSecurityGroup,
    default_egress: bool,
) -> LiveOf<SecurityGroup> {
    let id = text(group.group_id());
    Live {
        arn: group
            .security_group_arn()
            .map(str::to_owned)
            .or_else(|| Some(context.arn("ec2", &format!("security-group/{id}")))),
        inputs: Inputs {
            name: text(group.group_name()),
            description: text(group.description()),
            vpc_id: text(group.vpc_id()),
            default_egress,
        },
        outputs: NoOutputs {},
        tags: super::from_sdk(group.tags()),
        condition: Condition::Ready,
        id,
    }
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
