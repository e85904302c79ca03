//! Subnet.
//!
//! - `CreateSubnet` takes no client token, but its range makes a second subnet impossible: `InvalidSubnet.Conflict` means
//!   that something in this VPC overlaps it. A subnet with the same range and our owner tag is our own half-finished work.
//! - Attributes are not part of the create call, and each takes a call of its own.
//! - Deletion is refused until every network interface is gone; services take minutes to release theirs.

use std::collections::BTreeSet;

use aws_sdk_ec2::types::{AttributeBooleanValue, Filter, ResourceType as Ec2Type, SubnetState};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::aws::answer::text;
use crate::aws::context::Context;
use crate::aws::error::{AwsResult, expected};
use crate::aws::resource_type::{Asking, Change, Live, LiveOf, New, Old, ResourceType, adopt};
use crate::aws::states;
use crate::aws::wait::{Poll, Wait, until_visible};
use crate::resource::provider::{Holder, Progress, Query, Wanted};
use crate::resource::{
    Condition, CreateClass, ErrorKind, OutputTable, Properties, PropertyTable, ProviderError,
    Schema,
};

/// A part of a VPC, in one availability zone.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema, PropertyTable)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Inputs {
    /// Id of the VPC.
    #[property(required, replaces)]
    pub vpc_id: String,
    /// IPv4 range in CIDR notation, /16 to /28, inside the VPC's and apart from those of its other subnets. AWS keeps the
    /// first four addresses and the last one for itself.
    #[property(required, replaces, canonical(super::network_address))]
    pub cidr_block: String,
    /// Name of the zone: `eu-west-1a`. If left out, AWS chooses.
    #[property(server_chooses, replaces, zone)]
    pub availability_zone: Option<String>,
    /// True if network interfaces get a public address when they are made.
    #[property(default(false))]
    pub map_public_ip_on_launch: bool,
}

#[derive(Debug, Clone, Serialize, Deserialize, OutputTable)]
#[serde(rename_all = "camelCase")]
pub struct Outputs {
    /// `euw1-az1`: the same place for every account, whatever the zone is called there.
    pub availability_zone_id: Option<String>,
}

pub struct Subnet;

impl ResourceType for Subnet {
    type Inputs = Inputs;
    type Outputs = Outputs;

    fn schema(&self) -> Schema {
        Schema::of::<Inputs, Outputs>("aws:ec2:Subnet", CreateClass::NaturalKey)
            .key(&[Inputs::VPC_ID, Inputs::CIDR_BLOCK])
            .reads_after(&["aws:ec2:Vpc"])
            .range(Inputs::CIDR_BLOCK, Inputs::VPC_ID)
            .checks(|inputs| super::check_block(inputs, Inputs::CIDR_BLOCK))
            .overlaps(ranges_overlap)
    }

    async fn ahead(&self, context: &Context, query: Query<'_>) {
        drop(of_stack(context, query).await);
    }

    async fn read(&self, context: &Context, query: Query<'_>) -> AwsResult<Vec<LiveOf<Self>>> {
        let mut subnets = of_stack(context, query).await?;
        // A range that none of them has may belong to a subnet of another owner, or to one that has lost its tags.
        let is_there = |wanted: &&Wanted| {
            let cidr = wanted.text("cidrBlock");
            let mut subnets = subnets.iter();
            subnets.any(|subnet| {
                subnet.tags.owner().as_ref() == Some(&wanted.urn)
                    && cidr == Some(subnet.inputs.cidr_block.as_str())
            })
        };
        let missing = query.wanted.iter().filter(|wanted| !is_there(wanted));
        let vpcs: BTreeSet<&str> = missing.filter_map(|wanted| wanted.text("vpcId")).collect();
        if !vpcs.is_empty() {
            let mut others = list(context, super::filter_of("vpc-id", vpcs)).await?;
            others.retain(|other| subnets.iter().all(|subnet| subnet.id != other.id));
            subnets.append(&mut others);
        }
        Ok(subnets)
    }

    async fn create(&self, context: &Context, new: New<'_, Self>) -> AwsResult<LiveOf<Self>> {
        let inputs = new.inputs;
        let created = until_visible(|| {
            let request = context
                .ec2
                .create_subnet()
                .vpc_id(&inputs.vpc_id)
                .cidr_block(&inputs.cidr_block)
                .set_availability_zone(inputs.availability_zone.clone())
                .tag_specifications(super::on_create(Ec2Type::Subnet, new.tags));
            context.send(request)
        })
        .await;
        match created {
            Ok(answer) => {
                let subnet = expected("ec2:CreateSubnet", answer.subnet, "a subnet")?;
                Ok(live(context, &subnet))
            }
            Err(error) if error.is(ErrorKind::AlreadyExists) => met(context, &new, error).await,
            Err(error) => Err(error),
        }
    }

    async fn update(&self, context: &Context, change: Change<'_, Self>) -> AwsResult<LiveOf<Self>> {
        if change.touches(Inputs::MAP_PUBLIC_IP_ON_LAUNCH) {
            let value = AttributeBooleanValue::builder()
                .value(change.wanted.map_public_ip_on_launch)
                .build();
            until_visible(|| {
                let request = context
                    .ec2
                    .modify_subnet_attribute()
                    .subnet_id(&change.observed.id)
                    .map_public_ip_on_launch(value.clone());
                context.send(request)
            })
            .await?;
        }
        Ok(change.applied())
    }

    async fn wait(
        &self,
        context: &Context,
        live: LiveOf<Self>,
        progress: &dyn Progress,
    ) -> AwsResult<LiveOf<Self>> {
        Wait::short("ec2:DescribeSubnets", 10, progress)
            .until(|| async {
                let found = list(context, super::filter("subnet-id", &live.id)).await?;
                match found.first().map(|subnet| &subnet.condition) {
                    Some(Condition::Ready | Condition::Busy(_)) => Ok(Poll::Ready(())),
                    Some(Condition::Broken(reason)) => Err(ProviderError::new(
                        ErrorKind::Failed,
                        "ec2:DescribeSubnets",
                        format!("the subnet is `{reason}`"),
                    )),
                    Some(Condition::Settling(state)) => Ok(Poll::Pending(state.clone())),
                    // Just created, and not yet visible everywhere.
                    None => Ok(Poll::Pending("pending".to_owned())),
                }
            })
            .await?;
        Ok(Live {
            condition: Condition::Ready,
            ..live
        })
    }

    async fn delete(&self, context: &Context, old: Old<'_, Self>) -> AwsResult<()> {
        context
            .send(context.ec2.delete_subnet().subnet_id(&old.live.id))
            .await?;
        Ok(())
    }

    async fn blockers_of(
        &self,
        context: &Context,
        live: &LiveOf<Self>,
        _asking: &Asking<'_>,
    ) -> AwsResult<Vec<Holder>> {
        super::holders::of_subnet(context, &live.id).await
    }
}

/// The existing subnet that overlaps the wanted range.
async fn met(
    context: &Context,
    new: &New<'_, Subnet>,
    mut error: ProviderError,
) -> AwsResult<LiveOf<Subnet>> {
    let wanted = new.inputs;
    let found = until_visible(|| async {
        list(context, super::filter("vpc-id", &wanted.vpc_id))
            .await?
            .into_iter()
            .find(|subnet| overlap(&subnet.inputs.cidr_block, &wanted.cidr_block))
            .ok_or_else(|| super::not_listed("ec2:DescribeSubnets", "the conflicting subnet"))
    })
    .await;
    match found {
        Ok(subnet) if super::same_range(&subnet.inputs.cidr_block, &wanted.cidr_block) => {
            adopt(new.tags, subnet, error)
        }
        Ok(subnet) => {
            let range = &subnet.inputs.cidr_block;
            error.kind = ErrorKind::Invalid;
            error.details.push(match subnet.tags.owner() {
                Some(owner) => format!("`cidrBlock` overlaps {range} of {owner}"),
                None => format!("`cidrBlock` overlaps {range} of {}", subnet.id),
            });
            Err(error)
        }
        Err(unseen) if unseen.is(ErrorKind::NotFound) => Err(error),
        Err(failed) => Err(failed),
    }
}

/// The stack's subnets.
async fn of_stack(context: &Context, query: Query<'_>) -> AwsResult<Vec<LiveOf<Subnet>>> {
    let by = super::of_stack(query.stack);
    let list = || list(context, by);
    let subnets = query.session.once("ec2:DescribeSubnets", list).await?;
    Ok(subnets.to_vec())
}

async fn list(context: &Context, by: Filter) -> AwsResult<Vec<LiveOf<Subnet>>> {
    let by = &by;
    let subnets = context
        .pages(
            |token| {
                context
                    .ec2
                    .describe_subnets()
                    .filters(by.clone())
                    .max_results(1000)
                    .set_next_token(token)
            },
            |page| (page.subnets, page.next_token),
        )
        .await?;
    Ok(subnets.iter().map(|subnet| live(context, subnet)).collect())
}

/// Ranges of one VPC must not overlap: `InvalidSubnet.Conflict`.
fn ranges_overlap(wanted: &Properties, held: &Properties) -> bool {
    let text = |inputs: &'_ Properties, name: &str| inputs.get(name)?.as_str().map(str::to_owned);
    let pair = |name: &str| text(wanted, name).zip(text(held, name));
    pair("vpcId").is_some_and(|(wanted, held)| wanted == held)
        && pair("cidrBlock").is_some_and(|(wanted, held)| overlap(&wanted, &held))
}

fn overlap(left: &str, right: &str) -> bool {
    match (left.parse::<ipnet::IpNet>(), right.parse::<ipnet::IpNet>()) {
        (Ok(left), Ok(right)) => left.contains(&right.network()) || right.contains(&left.network()),
        _ => left == right,
    }
}

fn live(context: &Context, subnet: &aws_sdk_ec2::types::Subnet) -> LiveOf<Subnet> {
    let id = text(subnet.subnet_id());
    Live {
        arn: subnet
            .subnet_arn()
            .map(str::to_owned)
            .or_else(|| Some(context.arn("ec2", &format!("subnet/{id}")))),
        inputs: Inputs {
            vpc_id: text(subnet.vpc_id()),
            cidr_block: text(subnet.cidr_block()),
            availability_zone: subnet.availability_zone().map(str::to_owned),
            map_public_ip_on_launch: subnet.map_public_ip_on_launch().unwrap_or(false),
        },
        outputs: Outputs {
            availability_zone_id: subnet.availability_zone_id().map(str::to_owned),
        },
        tags: super::from_sdk(subnet.tags()),
        condition: states::condition_of(
            states::SUBNET,
            subnet.state().map_or("available", SubnetState::as_str),
            subnet.available_ip_address_count() > Some(0),
        ),
        id,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_overlap_when_one_holds_the_other() {
        assert!(overlap("10.0.0.0/16", "10.0.3.0/24"));
        assert!(overlap("10.0.3.0/24", "10.0.0.0/16"));
        assert!(!overlap("10.0.0.0/24", "10.0.1.0/24"));
    }
}
