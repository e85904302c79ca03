//! Security group. Its rules are resources of their own.
//!
//! - The name is unique in the VPC, regardless of case: a repeated create fails with `InvalidGroup.Duplicate`
//!   (chef-boneyard/chef-provisioning-aws#452).
//! - AWS gives every new group a rule that lets everything out (two, in a VPC with IPv6), without any tag. It has to go
//!   unless the author says otherwise, because an egress rule of the stack that lets everything out would collide with it.
//!   `create` is one call, so it returns a group that has the rule, and `update` revokes it: a run that stops between the
//!   two leaves a difference for the next one to see.
//! - Deletion is refused while an interface is in the group, or a rule of another group refers to it.

pub(super) mod default_egress;
pub(super) mod listing;
pub(super) mod model;

use std::collections::BTreeSet;

use aws_sdk_ec2::types::{ResourceType as Ec2Type, SecurityGroup as SdkSecurityGroup};

pub use self::model::Inputs;

use self::default_egress::{
    default_rules, is_closed_as_made, is_default, let_everything_out, revoke_default,
};
use self::listing::{list, of_stack};
use super::security_group_rule::listing as rules;
use crate::aws::answer::text;
use crate::aws::context::Context;
use crate::aws::error::{AwsResult, expected};
use crate::aws::resource_type::{
    Asking, Change, Live, LiveOf, New, NoOutputs, Old, ResourceType, adopt,
};
use crate::aws::wait::until_visible;
use crate::resource::provider::{Holder, Query};
use crate::resource::{Condition, CreateClass, ErrorKind, ProviderError, Schema, Tags};

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
            drop(rules::of_groups_of_stack(context, query.session, ids).await);
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
        let rules = rules::of_all_groups(context, query.session, &of_stack, &others).await?;
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
            let open = !default_rules(context, id).await?.is_empty();
            adopt(new.tags, live(context, &group, open), error)
        }
        Err(unseen) if unseen.is(ErrorKind::NotFound) => Err(error),
        Err(failed) => Err(failed),
    }
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
