//! `network:`: a VPC with a public and a private subnet in each zone, the way out of them, and the security groups of
//! what lives in it.
//!
//! ```yaml
//! network:
//!   cidr: 10.0.0.0/16
//!   availabilityZones: 2
//!   natGateways: perZone
//! ```
//!
//! Offers `${network.vpcId}`, `cidr`, `availabilityZones`, `publicSubnetIds`, `privateSubnetIds`, `natPublicIps`, and
//! `albSecurityGroupId`, `ecsSecurityGroupId` and `rdsSecurityGroupId` where there is something for them to guard. The
//! groups are made in `security_groups.rs`.

use std::collections::BTreeMap;

use ipnet::Ipv4Net;
use schemars::JsonSchema;
use serde::Deserialize;

use crate::graph;
use crate::resource::value::properties;
use crate::resource::{StackId, Urn, Value};
use crate::stack::Fault;

use super::context::Context;
use super::lookup::Export;
use super::{Platform, security_groups};

pub const KEY: &str = "network";

const DEFAULT_CIDR: &str = "10.0.0.0/16";
const DEFAULT_ZONES: usize = 2;
/// No region has more zones than this.
const MAX_ZONES: usize = 6;
/// What AWS takes for a VPC and for a subnet alike.
const PREFIXES: std::ops::RangeInclusive<u8> = 16..=28;
/// A VPC is carved into 16 blocks: the first half for private subnets, the second for public ones.
const CARVED_BITS: u8 = 4;
const FIRST_PUBLIC_BLOCK: usize = 8;

/// The network of the platform: a VPC with a public and a private subnet per availability zone.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
#[schemars(rename = "Network")]
pub struct NetworkSpec {
    /// The address range of the VPC, `/16` to `/28`. Default: `10.0.0.0/16`.
    #[schemars(example = &"10.0.0.0/16")]
    pub cidr: Option<String>,
    /// In how many zones, or in which. A load balancer and a database need two. Default: as many as there are subnets
    /// in the lists below, else 2.
    #[schemars(example = 2)]
    pub availability_zones: Option<Zones>,
    /// The address ranges of the public subnets, one per zone. Default: carved from `cidr`.
    #[schemars(example = ["10.0.101.0/24", "10.0.102.0/24"])]
    pub public_subnets: Option<Vec<String>>,
    /// The address ranges of the private subnets, one per zone. Default: carved from `cidr`.
    #[schemars(example = ["10.0.1.0/24", "10.0.2.0/24"])]
    pub private_subnets: Option<Vec<String>>,
    /// How the private subnets reach the internet. Default: `single` in dev, `perZone` in staging and prod.
    pub nat_gateways: Option<NatGateways>,
}

/// A number of zones, or their names.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(untagged)]
#[schemars(inline)]
pub enum Zones {
    Count(#[schemars(range(min = 1, max = 6))] u8),
    Names(#[schemars(length(min = 1, max = 6))] Vec<String>),
}

/// How private subnets reach the internet.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum NatGateways {
    /// A NAT gateway in each zone: the failure of a zone stays there.
    PerZone,
    /// One NAT gateway for all zones, for a fraction of the price.
    Single,
    /// No NAT gateway. Services then run in the public subnets, with public addresses, behind their security group.
    None,
}

/// A network, settled.
#[derive(Debug, Clone, PartialEq)]
pub struct Network {
    pub cidr: Ipv4Net,
    /// One per public and per private subnet; facts of the account where the author gave a number.
    pub zones: Vec<Value>,
    pub public: Vec<Ipv4Net>,
    pub private: Vec<Ipv4Net>,
    pub nat: NatGateways,
}

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

/// The way of a private subnet to the internet, counted from 1.
fn private_route(stack: &StackId, zone: usize) -> Urn {
    Urn::new(
        stack,
        "aws:ec2:Route",
        format!("network/privateRoute{zone}"),
    )
}

/// Fills in the defaults and checks the section. `None` if it is absent or at fault.
pub fn settle(context: &mut Context<'_>) -> Option<Network> {
    let spec: NetworkSpec = context.spec(KEY)?;
    let faults = context.errors.len();
    let cidr = match &spec.cidr {
        Some(text) => range(context, text, "network.cidr"),
        None => DEFAULT_CIDR.parse().ok(),
    };
    let zones = zones(context, &spec);
    let public = spec
        .public_subnets
        .as_deref()
        .map(|given| ranges(context, given, "network.publicSubnets"));
    let private = spec
        .private_subnets
        .as_deref()
        .map(|given| ranges(context, given, "network.privateSubnets"));
    let (Some(cidr), true) = (cidr, context.errors.len() == faults) else {
        return None;
    };
    check_subnets(
        context,
        cidr,
        zones.len(),
        public.as_deref(),
        private.as_deref(),
    );
    let mut taken: Vec<Ipv4Net> = public.iter().chain(&private).flatten().copied().collect();
    let private = private.or_else(|| {
        carve(
            context,
            cidr,
            zones.len(),
            0,
            &mut taken,
            "network.privateSubnets",
        )
    });
    let public = public.or_else(|| {
        let first = FIRST_PUBLIC_BLOCK;
        carve(
            context,
            cidr,
            zones.len(),
            first,
            &mut taken,
            "network.publicSubnets",
        )
    });
    let (Some(public), Some(private), true) = (public, private, context.errors.len() == faults)
    else {
        return None;
    };
    let nat = spec.nat_gateways.unwrap_or_else(|| {
        context.environment().choose(
            NatGateways::Single,
            NatGateways::PerZone,
            NatGateways::PerZone,
        )
    });
    Some(Network {
        cidr,
        zones,
        public,
        private,
        nat,
    })
}

/// The zones by name. A number stands for the first ones that the account has.
fn zones(context: &mut Context<'_>, spec: &NetworkSpec) -> Vec<Value> {
    let count = match &spec.availability_zones {
        Some(Zones::Names(names)) => {
            let region = context.stack.region.clone();
            for (index, name) in names.iter().enumerate() {
                let place = format!("network.availabilityZones[{index}]");
                let letter = name.strip_prefix(region.as_str()).unwrap_or_default();
                if !matches!(letter.as_bytes(), [b'a'..=b'z']) {
                    let label = format!("is not a zone of {region}, such as `{region}a`");
                    context.refuse(Fault::Zones, &place, label);
                } else if names[..index].contains(name) {
                    context.refuse(Fault::Zones, &place, "is named twice");
                }
            }
            return names.iter().map(|name| name.as_str().into()).collect();
        }
        Some(Zones::Count(count)) => usize::from(*count),
        None => [&spec.public_subnets, &spec.private_subnets]
            .into_iter()
            .flatten()
            .map(Vec::len)
            .next()
            .unwrap_or(DEFAULT_ZONES)
            .min(MAX_ZONES),
    };
    let facts = graph::facts_urn(&context.id);
    (0..count)
        .map(|index| Value::output_at(&facts, ["availabilityZones", &index.to_string()]))
        .collect()
}

fn ranges(context: &mut Context<'_>, texts: &[String], path: &str) -> Vec<Ipv4Net> {
    texts
        .iter()
        .enumerate()
        .filter_map(|(index, text)| range(context, text, &format!("{path}[{index}]")))
        .collect()
}

/// Reads an address range of a size that AWS takes.
fn range(context: &mut Context<'_>, text: &str, path: &str) -> Option<Ipv4Net> {
    let Ok(net) = text.parse::<Ipv4Net>() else {
        let label = "is not an address range such as `10.0.0.0/16`";
        context.refuse(Fault::Cidr, path, label);
        return None;
    };
    if net.trunc() != net {
        let help = format!("did you mean `{}`?", net.trunc());
        let label = "has bits behind its prefix";
        context.refuse_with_help(Fault::Cidr, path, label, help);
        return None;
    }
    if !PREFIXES.contains(&net.prefix_len()) {
        context.refuse(Fault::Cidr, path, "AWS takes `/16` to `/28`");
        return None;
    }
    Some(net)
}

fn check_subnets(
    context: &mut Context<'_>,
    cidr: Ipv4Net,
    zones: usize,
    public: Option<&[Ipv4Net]>,
    private: Option<&[Ipv4Net]>,
) {
    let lists = [("publicSubnets", public), ("privateSubnets", private)];
    let mut seen: Vec<(Ipv4Net, String)> = Vec::new();
    for (key, nets) in lists {
        let Some(nets) = nets else { continue };
        if nets.len() != zones {
            let label = format!(
                "{} subnets for {zones} zones; each zone has one",
                nets.len()
            );
            context.refuse(Fault::Zones, &format!("network.{key}"), label);
        }
        for (index, net) in nets.iter().enumerate() {
            let place = format!("network.{key}[{index}]");
            if !cidr.contains(net) {
                let label = format!("`{net}` lies outside the VPC, `{cidr}`");
                context.refuse(Fault::Cidr, &place, label);
            }
            let overlaps = |other: &Ipv4Net| other.contains(net) || net.contains(other);
            if let Some((other, first)) = seen.iter().find(|(other, _)| overlaps(other)) {
                let label = format!("`{net}` overlaps `{other}`");
                let error =
                    crate::stack::StackError::new(Fault::CidrOverlap, context.place(&place), label)
                        .also(context.place(first), format!("`{other}` is given here"));
                context.errors.push(error);
            }
            seen.push((*net, place));
        }
    }
    let needs_two = ["loadBalancer", "database"]
        .into_iter()
        .find(|key| context.is_declared(key));
    if let Some(section) = needs_two
        && zones < 2
    {
        let label = format!("`{section}` needs two zones");
        context.refuse(Fault::Zones, "network.availabilityZones", label);
    }
}

/// Takes free blocks of the VPC, one per zone, from a block on.
fn carve(
    context: &mut Context<'_>,
    cidr: Ipv4Net,
    zones: usize,
    first: usize,
    taken: &mut Vec<Ipv4Net>,
    path: &str,
) -> Option<Vec<Ipv4Net>> {
    let prefix = cidr.prefix_len() + CARVED_BITS;
    let blocks = cidr
        .subnets(prefix)
        .ok()
        .filter(|_| PREFIXES.contains(&prefix));
    let free: Vec<Ipv4Net> = blocks
        .into_iter()
        .flatten()
        .skip(first)
        .filter(|block| {
            !taken
                .iter()
                .any(|net| net.contains(block) || block.contains(net))
        })
        .take(zones)
        .collect();
    if free.len() < zones {
        let label = format!("`{cidr}` has no room for {zones} more subnets of 1/16 of it");
        context.refuse_with_help(Fault::Cidr, path, label, "give the subnets themselves");
        return None;
    }
    taken.extend(&free);
    Some(free)
}

impl Network {
    /// A network to go on with where the real one is at fault, so that the faults of what lives in it show too.
    pub fn placeholder() -> Option<Self> {
        let cidr: Ipv4Net = DEFAULT_CIDR.parse().ok()?;
        Some(Self {
            cidr,
            zones: Vec::new(),
            public: Vec::new(),
            private: Vec::new(),
            nat: NatGateways::None,
        })
    }

    /// How many NAT gateways there are.
    fn nat_gateways(&self) -> usize {
        match self.nat {
            NatGateways::PerZone => self.zones.len(),
            NatGateways::Single => 1,
            NatGateways::None => 0,
        }
    }

    /// Ids of the public subnets.
    pub fn public_subnet_ids(&self, stack: &StackId) -> Value {
        let ids =
            (1..=self.zones.len()).map(|zone| Value::output(&public_subnet(stack, zone), "id"));
        Value::list(ids)
    }

    /// Ids of the private subnets.
    pub fn private_subnet_ids(&self, stack: &StackId) -> Value {
        let ids =
            (1..=self.zones.len()).map(|zone| Value::output(&private_subnet(stack, zone), "id"));
        Value::list(ids)
    }

    /// What must be there for a task in the network to reach what lies outside it.
    pub fn ways_out(&self, stack: &StackId) -> Vec<Urn> {
        let token = "aws:ec2:RouteTableAssociation";
        let association = |kind: &str, zone: usize| {
            Urn::new(stack, token, format!("network/{kind}Association{zone}"))
        };
        let zones = 1..=self.zones.len();
        if self.nat == NatGateways::None {
            let route = Urn::new(stack, "aws:ec2:Route", "network/publicRoute");
            let associations = zones.map(|zone| association("public", zone));
            return associations.chain([route]).collect();
        }
        zones
            .flat_map(|zone| [private_route(stack, zone), association("private", zone)])
            .collect()
    }

    /// What `${network.…}` can ask for.
    pub fn exports(&self, context: &Context<'_>, platform: &Platform) -> BTreeMap<String, Export> {
        let stack = &context.id;
        let nat_ips =
            (1..=self.nat_gateways()).map(|zone| Value::output(&address(stack, zone), "publicIp"));
        let mut exports = vec![
            ("vpcId", Value::output(&vpc(stack), "id")),
            ("cidr", self.cidr.to_string().into()),
            ("availabilityZones", Value::List(self.zones.clone())),
            ("publicSubnetIds", self.public_subnet_ids(stack)),
            ("privateSubnetIds", self.private_subnet_ids(stack)),
            ("natPublicIps", Value::list(nat_ips)),
        ];
        let groups = security_groups::of(stack, platform)
            .into_iter()
            .map(|(name, group)| (name, Value::output(&group, "id")));
        exports.extend(groups);
        exports
            .into_iter()
            .map(|(name, value)| (name.to_owned(), Export::Value(value)))
            .collect()
    }

    /// Adds the resources of the section.
    pub fn expand(&self, context: &mut Context<'_>) {
        let stack = context.id.clone();
        let vpc_id = || Value::output(&vpc(&stack), "id");
        let vpc_inputs = properties([
            ("cidrBlock", self.cidr.to_string().into()),
            ("enableDnsSupport", true.into()),
            ("enableDnsHostnames", true.into()),
        ]);
        context.add_named(KEY, vpc(&stack), vpc_inputs);
        context.add_named(
            KEY,
            internet_gateway(&stack),
            properties([("vpcId", vpc_id())]),
        );
        self.expand_public(context, &stack);
        self.expand_private(context, &stack);
        for (name, value) in [
            ("vpcId", vpc_id()),
            ("publicSubnetIds", self.public_subnet_ids(&stack)),
            ("privateSubnetIds", self.private_subnet_ids(&stack)),
        ] {
            context.outputs.push((name.to_owned(), value));
        }
    }

    fn expand_public(&self, context: &mut Context<'_>, stack: &StackId) {
        let table = Urn::new(stack, "aws:ec2:RouteTable", "network/publicRouteTable");
        let vpc_id = Value::output(&vpc(stack), "id");
        context.add_named(KEY, table.clone(), properties([("vpcId", vpc_id)]));
        let route = properties([
            ("routeTableId", Value::output(&table, "id")),
            ("destinationCidrBlock", "0.0.0.0/0".into()),
            ("gatewayId", Value::output(&internet_gateway(stack), "id")),
        ]);
        context.add(
            KEY,
            context.urn("aws:ec2:Route", "network/publicRoute"),
            route,
        );
        for (index, (net, zone)) in self.public.iter().zip(&self.zones).enumerate() {
            let number = index + 1;
            let subnet = public_subnet(stack, number);
            add_subnet(context, &subnet, *net, zone, true);
            associate(
                context,
                &format!("network/publicAssociation{number}"),
                &table,
                &subnet,
            );
        }
    }

    fn expand_private(&self, context: &mut Context<'_>, stack: &StackId) {
        for number in 1..=self.nat_gateways() {
            add_nat_gateway(context, stack, number);
        }
        // A table per zone even with a single gateway: then a change between the two is a change of routes alone.
        for (index, (net, zone)) in self.private.iter().zip(&self.zones).enumerate() {
            let number = index + 1;
            let subnet = private_subnet(stack, number);
            add_subnet(context, &subnet, *net, zone, false);
            let name = format!("network/privateRouteTable{number}");
            let table = Urn::new(stack, "aws:ec2:RouteTable", name);
            let vpc_id = Value::output(&vpc(stack), "id");
            context.add_named(KEY, table.clone(), properties([("vpcId", vpc_id)]));
            associate(
                context,
                &format!("network/privateAssociation{number}"),
                &table,
                &subnet,
            );
            if self.nat == NatGateways::None {
                continue;
            }
            let gateway = nat_gateway(stack, number.min(self.nat_gateways()));
            let route = properties([
                ("routeTableId", Value::output(&table, "id")),
                ("destinationCidrBlock", "0.0.0.0/0".into()),
                ("natGatewayId", Value::output(&gateway, "id")),
            ]);
            context.add(KEY, private_route(stack, number), route);
        }
    }
}

fn add_subnet(context: &mut Context<'_>, subnet: &Urn, net: Ipv4Net, zone: &Value, public: bool) {
    let inputs = properties([
        ("vpcId", Value::output(&vpc(&context.id), "id")),
        ("cidrBlock", net.to_string().into()),
        ("availabilityZone", zone.clone()),
        ("mapPublicIpOnLaunch", public.into()),
    ]);
    context.add_named(KEY, subnet.clone(), inputs);
}

fn address(stack: &StackId, zone: usize) -> Urn {
    Urn::new(stack, "aws:ec2:Eip", format!("network/natAddress{zone}"))
}

fn nat_gateway(stack: &StackId, zone: usize) -> Urn {
    Urn::new(
        stack,
        "aws:ec2:NatGateway",
        format!("network/natGateway{zone}"),
    )
}

fn add_nat_gateway(context: &mut Context<'_>, stack: &StackId, number: usize) {
    let address = address(stack, number);
    context.add_named(KEY, address.clone(), properties([("domain", "vpc".into())]));
    let inputs = properties([
        (
            "subnetId",
            Value::output(&public_subnet(stack, number), "id"),
        ),
        ("allocationId", Value::output(&address, "allocationId")),
        ("connectivityType", "public".into()),
    ]);
    let gateway = context.add_named(KEY, nat_gateway(stack, number), inputs);
    // A public NAT gateway fails in a VPC whose internet gateway is not attached yet.
    gateway.options.depends_on.insert(internet_gateway(stack));
}

fn associate(context: &mut Context<'_>, name: &str, table: &Urn, subnet: &Urn) {
    let inputs = properties([
        ("routeTableId", Value::output(table, "id")),
        ("subnetId", Value::output(subnet, "id")),
    ]);
    context.add(
        KEY,
        context.urn("aws:ec2:RouteTableAssociation", name),
        inputs,
    );
}

#[cfg(test)]
mod tests {
    use expect_test::{Expect, expect};

    use crate::component::testing::{faults_of, render_text};

    fn check(text: &str, expected: &Expect) {
        expected.assert_eq(&faults_of(text));
    }

    #[test]
    fn the_smallest_network() {
        expect![[r#"
            network/vpc aws:ec2:Vpc
              cidrBlock: "10.0.0.0/16"
              enableDnsHostnames: true
              enableDnsSupport: true
            network/internetGateway aws:ec2:InternetGateway
              vpcId: ${network/vpc.id}
            network/publicRouteTable aws:ec2:RouteTable
              vpcId: ${network/vpc.id}
            network/publicRoute aws:ec2:Route
              destinationCidrBlock: "0.0.0.0/0"
              gatewayId: ${network/internetGateway.id}
              routeTableId: ${network/publicRouteTable.id}
            network/publicSubnet1 aws:ec2:Subnet
              availabilityZone: ${aws.availabilityZones[0]}
              cidrBlock: "10.0.128.0/20"
              mapPublicIpOnLaunch: true
              vpcId: ${network/vpc.id}
            network/publicAssociation1 aws:ec2:RouteTableAssociation
              routeTableId: ${network/publicRouteTable.id}
              subnetId: ${network/publicSubnet1.id}
            network/publicSubnet2 aws:ec2:Subnet
              availabilityZone: ${aws.availabilityZones[1]}
              cidrBlock: "10.0.144.0/20"
              mapPublicIpOnLaunch: true
              vpcId: ${network/vpc.id}
            network/publicAssociation2 aws:ec2:RouteTableAssociation
              routeTableId: ${network/publicRouteTable.id}
              subnetId: ${network/publicSubnet2.id}
            network/natAddress1 aws:ec2:Eip
              domain: "vpc"
            network/natGateway1 aws:ec2:NatGateway
              allocationId: ${network/natAddress1.allocationId}
              connectivityType: "public"
              subnetId: ${network/publicSubnet1.id}
              after network/internetGateway
            network/privateSubnet1 aws:ec2:Subnet
              availabilityZone: ${aws.availabilityZones[0]}
              cidrBlock: "10.0.0.0/20"
              mapPublicIpOnLaunch: false
              vpcId: ${network/vpc.id}
            network/privateRouteTable1 aws:ec2:RouteTable
              vpcId: ${network/vpc.id}
            network/privateAssociation1 aws:ec2:RouteTableAssociation
              routeTableId: ${network/privateRouteTable1.id}
              subnetId: ${network/privateSubnet1.id}
            network/privateRoute1 aws:ec2:Route
              destinationCidrBlock: "0.0.0.0/0"
              natGatewayId: ${network/natGateway1.id}
              routeTableId: ${network/privateRouteTable1.id}
            network/privateSubnet2 aws:ec2:Subnet
              availabilityZone: ${aws.availabilityZones[1]}
              cidrBlock: "10.0.16.0/20"
              mapPublicIpOnLaunch: false
              vpcId: ${network/vpc.id}
            network/privateRouteTable2 aws:ec2:RouteTable
              vpcId: ${network/vpc.id}
            network/privateAssociation2 aws:ec2:RouteTableAssociation
              routeTableId: ${network/privateRouteTable2.id}
              subnetId: ${network/privateSubnet2.id}
            network/privateRoute2 aws:ec2:Route
              destinationCidrBlock: "0.0.0.0/0"
              natGatewayId: ${network/natGateway1.id}
              routeTableId: ${network/privateRouteTable2.id}
        "#]]
        .assert_eq(&render_text("network: {}\n"));
    }

    #[test]
    fn faults() {
        check(
            "network:\n",
            &expect![[r#"
            1:1 empty_section `network`: `network` has no value
                help: write `network: {}` for the defaults, or `network: null`
        "#]],
        );
        check(
            "network: { cidr: 10.0.0.0/8 }\n",
            &expect![[r#"
            1:18 cidr `10.0.0.0/8`: AWS takes `/16` to `/28`
        "#]],
        );
        check(
            "network: { cidr: 10.0.0.1/16 }\n",
            &expect![[r#"
            1:18 cidr `10.0.0.1/16`: has bits behind its prefix
                help: did you mean `10.0.0.0/16`?
        "#]],
        );
        check(
            "network: { cidr: 10.0.0.0/26 }\n",
            &expect![[r#"
            1:1 cidr `network`: `10.0.0.0/26` has no room for 2 more subnets of 1/16 of it
                help: give the subnets themselves
        "#]],
        );
        check(
            "network: { cidrs: 5, natGateways: one, availabilityZones: 7 }\n",
            &expect![[r#"
                1:12 unknown_key `cidrs`: `network` has no `cidrs`
                    help: did you mean `cidr`?
                1:35 unknown_word `one`: `network.natGateways` takes `perZone`, `single` or `none`
                    help: did you mean `none`?
                1:59 out_of_range `7`: `network.availabilityZones` takes a whole number from 1 to 6
            "#]],
        );
        check(
            "network:\n  publicSubnets: [10.0.1.0/24, 10.1.2.0/24]\n  privateSubnets:\n  - 10.0.0.0/22\n  - 10.0.4.0/24\n  - 10.0.5.0/24\n",
            &expect![[r#"
                2:32 cidr `10.1.2.0/24`: `10.1.2.0/24` lies outside the VPC, `10.0.0.0/16`
                3:3 zones `privateSubnets`: 3 subnets for 2 zones; each zone has one
                4:5 cidr_overlap `10.0.0.0/22`: `10.0.0.0/22` overlaps `10.0.1.0/24`
                2:19   also `10.0.1.0/24`: `10.0.1.0/24` is given here
            "#]],
        );
        check(
            "network: { availabilityZones: [eu-south-2a, us-east-1a, eu-south-2a] }\n",
            &expect![[r#"
                1:45 zones `us-east-1a`: is not a zone of eu-south-2, such as `eu-south-2a`
                1:57 zones `eu-south-2a`: is named twice
            "#]],
        );
    }

    #[test]
    fn free_blocks_are_carved_around_given_ones() {
        let text = "network: { cidr: 10.0.0.0/16, natGateways: none, publicSubnets: [10.0.0.0/24, 10.0.17.0/24] }\n";
        let lines: Vec<String> = render_text(text)
            .lines()
            .filter(|line| line.contains("cidrBlock"))
            .map(str::to_owned)
            .collect();
        expect![[r#"
              cidrBlock: "10.0.0.0/16"
              cidrBlock: "10.0.0.0/24"
              cidrBlock: "10.0.17.0/24"
              cidrBlock: "10.0.32.0/20"
              cidrBlock: "10.0.48.0/20""#]]
        .assert_eq(&lines.join("\n"));
    }
}
