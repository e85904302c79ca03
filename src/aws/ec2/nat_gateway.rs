//! NAT gateway.
//!
//! - Failures show only after creation, as state `failed` with a message: the address is in use elsewhere, the internet
//!   gateway is not attached, the subnet is full. Depend on the internet gateway, which no input names.
//! - It holds its address and its interface until it is `deleted`, some 40 to 60 seconds after the call, and stays listed
//!   for about an hour after that (kubernetes-sigs/cluster-api-provider-aws#791). A gateway that is `deleting` will never
//!   be usable, and is reported as such.

use std::collections::BTreeSet;

use aws_sdk_ec2::types::{
    ConnectivityType, Filter, NatGateway as SdkNatGateway, NatGatewayState, ResourceType as Ec2Type,
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{ByToken, Creation};
use crate::aws::answer::text;
use crate::aws::context::Context;
use crate::aws::error::{AwsResult, expected};
use crate::aws::resource_type::{Change, Live, LiveOf, New, Old, ResourceType};
use crate::aws::states::{self, Standing};
use crate::aws::wait::{Poll, Wait};
use crate::resource::provider::{Progress, Query};
use crate::resource::{
    Condition, CreateClass, ErrorKind, Interruption, OutputTable, PropertyTable, ProviderError,
    Schema,
};

/// A gateway through which a private subnet reaches out, and no one reaches in.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema, PropertyTable)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Inputs {
    /// Id of the subnet that it is in: a public subnet for a public gateway.
    #[property(required, replaces)]
    pub subnet_id: String,
    /// Allocation id of the Elastic IP address of a public gateway. A private one has none.
    #[property(replaces)]
    pub allocation_id: Option<String>,
    /// `public`: to the internet. `private`: to other networks.
    #[property(default("public"), replaces)]
    pub connectivity_type: Connectivity,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(inline)]
pub enum Connectivity {
    Public,
    Private,
}

#[derive(Debug, Clone, Serialize, Deserialize, OutputTable)]
#[serde(rename_all = "camelCase")]
pub struct Outputs {
    /// The Elastic IP address. A private gateway has none.
    pub public_ip: Option<String>,
    /// Its address in the subnet.
    pub private_ip: Option<String>,
    /// `eni-…`
    pub network_interface_id: Option<String>,
}

pub struct NatGateway;

impl ResourceType for NatGateway {
    type Inputs = Inputs;
    type Outputs = Outputs;

    fn schema(&self) -> Schema {
        Schema::of::<Inputs, Outputs>("aws:ec2:NatGateway", CreateClass::Token)
            // An address serves one gateway at a time.
            .key(&[Inputs::ALLOCATION_ID])
            .reads_after(&["aws:ec2:Subnet", "aws:ec2:Eip"])
            // A route that leads to one may stay, and then leads nowhere.
            .blockers(&[])
            .interrupts(
                Interruption::new(
                    "its subnets cannot reach the internet until the new one is ready",
                )
                .create_first("open connections end, and new ones leave by another address")
                .deleted("open connections end, and new ones take another route or none"),
            )
    }

    async fn ahead(&self, context: &Context, query: Query<'_>) {
        drop(of_stack(context, query).await);
    }

    async fn read(&self, context: &Context, query: Query<'_>) -> AwsResult<Vec<LiveOf<Self>>> {
        let mut gateways = of_stack(context, query).await?;
        // An address serves one gateway: that may belong to another owner, or be ours without its tags.
        let missing = query.missing(gateways.iter().map(|gateway| &gateway.tags));
        let missing = missing.into_iter();
        let missing = missing.filter(|wanted| wanted.text("allocationId").is_some());
        let subnets: BTreeSet<&str> = missing
            .filter_map(|wanted| wanted.text("subnetId"))
            .collect();
        if !subnets.is_empty() {
            let mut others = list(context, super::filter_of("subnet-id", subnets)).await?;
            others.retain(|other| gateways.iter().all(|own| own.id != other.id));
            gateways.append(&mut others);
        }
        Ok(gateways)
    }

    async fn create(&self, context: &Context, new: New<'_, Self>) -> AwsResult<LiveOf<Self>> {
        let creation = Creation { context, new: &new };
        let live = super::create_by_token(new.instead_of, &creation).await?;
        // With the tags that it has: a gateway whose token is ours is ours, even if its tags were removed.
        Ok(Live {
            inputs: new.inputs.clone(),
            ..live
        })
    }

    /// Nothing changes in place.
    async fn update(
        &self,
        _context: &Context,
        change: Change<'_, Self>,
    ) -> AwsResult<LiveOf<Self>> {
        Ok(change.applied())
    }

    async fn wait(
        &self,
        context: &Context,
        live: LiveOf<Self>,
        progress: &dyn Progress,
    ) -> AwsResult<LiveOf<Self>> {
        let now = Wait::long("ec2:DescribeNatGateways", 10, progress)
            .until(|| async {
                let now = match find(context, &live.id).await {
                    Ok(gateway) => self::live(context, &gateway),
                    Err(error) if error.is(ErrorKind::NotFound) => {
                        return Ok(Poll::Pending("pending".to_owned()));
                    }
                    Err(error) => return Err(error),
                };
                match now.condition.clone() {
                    Condition::Ready | Condition::Busy(_) => Ok(Poll::Ready(now)),
                    Condition::Settling(status) => Ok(Poll::Pending(status)),
                    Condition::Broken(reason) => Err(ProviderError::new(
                        ErrorKind::Failed,
                        "ec2:DescribeNatGateways",
                        reason,
                    )),
                }
            })
            .await?;
        Ok(Live {
            outputs: now.outputs,
            condition: Condition::Ready,
            ..live
        })
    }

    async fn delete(&self, context: &Context, old: Old<'_, Self>) -> AwsResult<()> {
        context
            .send(
                context
                    .ec2
                    .delete_nat_gateway()
                    .nat_gateway_id(&old.live.id),
            )
            .await?;
        Wait::long("ec2:DescribeNatGateways", 10, old.progress)
            .until(|| async {
                match find(context, &old.live.id).await {
                    Ok(gateway) if gateway.state() == Some(&NatGatewayState::Deleted) => {
                        Ok(Poll::Ready(()))
                    }
                    Ok(_) => Ok(Poll::Pending("deleting".to_owned())),
                    Err(error) if error.is(ErrorKind::NotFound) => Ok(Poll::Ready(())),
                    Err(error) => Err(error),
                }
            })
            .await
    }
}

impl ByToken for Creation<'_, NatGateway> {
    type Made = LiveOf<NatGateway>;

    async fn make(&self, generation: u32) -> AwsResult<String> {
        let (context, new, inputs) = (self.context, self.new, self.new.inputs);
        let request = context
            .ec2
            .create_nat_gateway()
            .subnet_id(&inputs.subnet_id)
            .set_allocation_id(inputs.allocation_id.clone())
            .connectivity_type(match inputs.connectivity_type {
                Connectivity::Public => ConnectivityType::Public,
                Connectivity::Private => ConnectivityType::Private,
            })
            .client_token(new.client_token(generation))
            .tag_specifications(super::on_create(Ec2Type::Natgateway, new.tags));
        let answer = context.send(request).await?;
        let id = answer
            .nat_gateway
            .and_then(|gateway| gateway.nat_gateway_id);
        expected("ec2:CreateNatGateway", id, "a NAT gateway")
    }

    async fn look(&self, id: &str) -> AwsResult<Option<Self::Made>> {
        let gateway = find(self.context, id).await?;
        let gone = matches!(
            gateway.state(),
            Some(NatGatewayState::Deleting | NatGatewayState::Deleted)
        );
        Ok((!gone).then(|| live(self.context, &gateway)))
    }

    async fn touch(&self, id: &str) -> AwsResult<()> {
        super::tag(self.context, id, self.new.tags).await
    }
}

async fn find(context: &Context, id: &str) -> AwsResult<SdkNatGateway> {
    let answer = context
        .send(context.ec2.describe_nat_gateways().nat_gateway_ids(id))
        .await?;
    answer
        .nat_gateways
        .unwrap_or_default()
        .into_iter()
        .next()
        .ok_or_else(|| super::not_listed("ec2:DescribeNatGateways", id))
}

/// The stack's gateways.
async fn of_stack(context: &Context, query: Query<'_>) -> AwsResult<Vec<LiveOf<NatGateway>>> {
    let by = super::of_stack(query.stack);
    let list = || list(context, by);
    let gateways = query.session.once("ec2:DescribeNatGateways", list).await?;
    Ok(gateways.to_vec())
}

/// The gateways that are not deleted: a deleted one is listed for an hour.
async fn list(context: &Context, by: Filter) -> AwsResult<Vec<LiveOf<NatGateway>>> {
    let by = &by;
    let gateways = context
        .pages(
            |token| {
                context
                    .ec2
                    .describe_nat_gateways()
                    .filter(by.clone())
                    .max_results(1000)
                    .set_next_token(token)
            },
            |page| (page.nat_gateways, page.next_token),
        )
        .await?;
    Ok(gateways
        .iter()
        .filter(|gateway| gateway.state() != Some(&NatGatewayState::Deleted))
        .map(|gateway| live(context, gateway))
        .collect())
}

fn live(context: &Context, gateway: &SdkNatGateway) -> LiveOf<NatGateway> {
    let id = text(gateway.nat_gateway_id());
    let addresses = gateway.nat_gateway_addresses();
    let address = addresses
        .iter()
        .find(|address| address.is_primary() == Some(true))
        .or_else(|| addresses.first());
    let known = |value: Option<&str>| value.map(str::to_owned);
    Live {
        arn: Some(context.arn("ec2", &format!("natgateway/{id}"))),
        inputs: Inputs {
            subnet_id: text(gateway.subnet_id()),
            allocation_id: known(address.and_then(|address| address.allocation_id())),
            connectivity_type: match gateway.connectivity_type() {
                Some(ConnectivityType::Private) => Connectivity::Private,
                _ => Connectivity::Public,
            },
        },
        outputs: Outputs {
            public_ip: known(address.and_then(|address| address.public_ip())),
            private_ip: known(address.and_then(|address| address.private_ip())),
            network_interface_id: known(address.and_then(|address| address.network_interface_id())),
        },
        tags: super::from_sdk(gateway.tags()),
        condition: condition(gateway),
        id,
    }
}

fn condition(gateway: &SdkNatGateway) -> Condition {
    let state = gateway.state().map_or("available", NatGatewayState::as_str);
    match states::standing(states::NAT_GATEWAY, state) {
        Some(Standing::Usable) => Condition::Ready,
        Some(Standing::Lost) if gateway.state() == Some(&NatGatewayState::Failed) => {
            let code = gateway.failure_code().unwrap_or("failed");
            let message = gateway.failure_message().unwrap_or("AWS gives no reason");
            Condition::Broken(format!("{code}: {message}"))
        }
        Some(Standing::Lost) => Condition::Broken(format!("it is {state}")),
        // It has its address in the subnet, which traffic goes through.
        _ => {
            let mut addresses = gateway.nat_gateway_addresses().iter();
            let serves = addresses.any(|address| address.private_ip().is_some());
            states::condition_of(states::NAT_GATEWAY, state, serves)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_state_that_aws_has_added_since_is_usable_where_there_is_an_address() {
        let of = |address: Option<&str>| {
            let address = aws_sdk_ec2::types::NatGatewayAddress::builder()
                .set_private_ip(address.map(str::to_owned))
                .build();
            let gateway = SdkNatGateway::builder().state("something-new".into());
            condition(&gateway.nat_gateway_addresses(address).build())
        };
        assert!(of(Some("10.0.0.5")).is_usable());
        assert_eq!(of(None), Condition::Settling("something-new".into()));
    }

    #[test]
    fn a_gateway_that_fails_or_goes_is_broken() {
        let of = |state: &str| {
            condition(
                &SdkNatGateway::builder()
                    .state(state.into())
                    .failure_code("Gateway.NotAttached")
                    .failure_message("Network vpc-1 has no Internet gateway attached")
                    .build(),
            )
        };
        assert_eq!(of("available"), Condition::Ready);
        assert_eq!(of("pending"), Condition::Settling("pending".into()));
        assert_eq!(of("deleting"), Condition::Broken("it is deleting".into()));
        assert_eq!(
            of("failed"),
            Condition::Broken(
                "Gateway.NotAttached: Network vpc-1 has no Internet gateway attached".into()
            )
        );
    }
}
