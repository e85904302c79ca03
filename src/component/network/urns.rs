//! The resources of `network:` that more than one file speaks of.

use crate::component::key::SectionKey;
use crate::resource::{StackId, Urn};

/// The key of the section.
pub const KEY: &str = SectionKey::Network.as_str();

/// The VPC.
pub fn vpc(stack: &StackId) -> Urn {
    Urn::new(stack, "aws:ec2:Vpc", "network/vpc")
}

/// The way in and out of the VPC. An internet-facing load balancer can only be made once it is attached.
pub fn internet_gateway(stack: &StackId) -> Urn {
    Urn::new(stack, "aws:ec2:InternetGateway", "network/internetGateway")
}

/// The public subnet of a zone, counted from 1.
pub fn public_subnet(stack: &StackId, zone: usize) -> Urn {
    Urn::new(
        stack,
        "aws:ec2:Subnet",
        format!("network/publicSubnet{zone}"),
    )
}

/// The private subnet of a zone, counted from 1.
pub fn private_subnet(stack: &StackId, zone: usize) -> Urn {
    Urn::new(
        stack,
        "aws:ec2:Subnet",
        format!("network/privateSubnet{zone}"),
    )
}

/// The route of a private subnet to the internet, counted from 1.
pub fn private_route(stack: &StackId, zone: usize) -> Urn {
    Urn::new(
        stack,
        "aws:ec2:Route",
        format!("network/privateRoute{zone}"),
    )
}

/// The address of a NAT gateway, counted from 1.
pub fn address(stack: &StackId, zone: usize) -> Urn {
    Urn::new(stack, "aws:ec2:Eip", format!("network/natAddress{zone}"))
}

/// A NAT gateway, counted from 1.
pub fn nat_gateway(stack: &StackId, zone: usize) -> Urn {
    Urn::new(
        stack,
        "aws:ec2:NatGateway",
        format!("network/natGateway{zone}"),
    )
}
