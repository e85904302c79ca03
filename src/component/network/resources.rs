//! `network:`: a VPC with a public and a private subnet in each zone, the way out of them, and the security groups of what
//! runs in it.
//!
//! ```yaml
//! network:
//!   cidr: 10.0.0.0/16
//!   availabilityZones: 2
//!   natGateways: perZone
//!   publicAddresses: false
//!   defaultSecurityGroup: closed
//! ```
//!
//! Offers `${network.vpcId}`, `cidr`, `availabilityZones`, `publicSubnetIds`, `privateSubnetIds`, `natPublicIps`, and
//! `albSecurityGroupId`, `ecsSecurityGroupId` and `rdsSecurityGroupId` where there is something for them to guard. The
//! groups are made in `security_groups.rs`; `address_ranges.rs` checks and carves the ranges.

use std::collections::BTreeMap;

use ipnet::Ipv4Net;
use schemars::JsonSchema;
use serde::Deserialize;

use crate::graph::{self, Resource};
use crate::resource::value::properties;
use crate::resource::{Path, StackId, Urn, Value};
use crate::stack::Fault;

use super::flow_logs::{FlowLogs, FlowLogsSpec};
use super::{address_ranges, flow_logs, security_groups};
use crate::component::Platform;
use crate::component::context::Context;
use crate::component::lookup::Export;

pub const KEY: &str = "network";

const DEFAULT_CIDR: &str = "10.0.0.0/16";
const DEFAULT_ZONES: usize = 2;
/// No region has more zones than this.
const MAX_ZONES: usize = 6;

/// The network of the platform: a VPC with a public and a private subnet per availability zone.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
#[schemars(rename = "Network")]
pub struct NetworkSpec {
    /// The address range of the VPC, `/16` to `/28`. Default: `10.0.0.0/16`.
    #[schemars(example = &"10.0.0.0/16")]
    pub cidr: Option<String>,
    /// The number of zones, or their names. A load balancer and a database need two. Default: as many as there are subnets
    /// in the lists below, else 2.
    #[schemars(example = 2)]
    pub availability_zones: Option<Zones>,
    /// The address ranges of the public subnets, one per zone. Default: carved from `cidr`.
    #[schemars(example = ["10.0.101.0/24", "10.0.102.0/24"])]
    pub public_subnets: Option<Vec<String>>,
    /// The address ranges of the private subnets, one per zone. Default: carved from `cidr`.
    #[schemars(example = ["10.0.1.0/24", "10.0.2.0/24"])]
    pub private_subnets: Option<Vec<String>>,
    /// The NAT gateways through which the private subnets reach the internet. Default: `single` in dev, `perZone` in staging
    /// and prod.
    pub nat_gateways: Option<NatGateways>,
    /// A record of all traffic, accepted and refused: `true`, `false`, or where it goes. Default: true in prod.
    #[schemars(example = serde_json::json!({ "to": "logs", "retentionDays": 14 }))]
    pub flow_logs: Option<FlowLogsSpec>,
    /// Gives what is started in the public subnets a public address unless it says otherwise. Nothing that a section makes
    /// needs it: services without NAT ask for theirs, NAT gateways have elastic ones, and load balancers get theirs from
    /// AWS. Default: false.
    pub public_addresses: Option<bool>,
    /// The traffic allowed by the security group that AWS makes with the VPC, and that applies to everything that names
    /// none. The sections never use it. Default: `closed`.
    pub default_security_group: Option<DefaultSecurityGroup>,
}

/// A number of zones, or their names.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(untagged)]
#[schemars(inline)]
pub enum Zones {
    Count(#[schemars(range(min = 1, max = 6))] u8),
    Names(#[schemars(length(min = 1, max = 6))] Vec<String>),
}

/// The NAT gateways through which private subnets reach the internet.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(extend("x-synonyms" = { "one": "single", "perAz": "perZone", "multi": "perZone", "all": "perZone", "off": "none" }))]
pub enum NatGateways {
    /// A NAT gateway in each zone: the failure of a zone stays there.
    PerZone,
    /// One NAT gateway for all zones, for a fraction of the price.
    Single,
    /// No NAT gateway. Services then run in the public subnets, with public addresses, behind their security group.
    None,
}

/// The traffic that the default security group of the VPC allows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum DefaultSecurityGroup {
    /// Nothing. Rules that other parties add to it are removed; those that a stack has made stay.
    Closed,
    /// The default of AWS: everything from the group itself, and everything out. Rules of other parties stay.
    Open,
}

/// A network, settled.
#[derive(Debug, Clone, PartialEq)]
pub struct Network {
    pub cidr: Ipv4Net,
    /// The zones, one per public and per private subnet; facts of the account if the author gave a number.
    pub zones: Vec<Value>,
    pub public: Vec<Ipv4Net>,
    pub private: Vec<Ipv4Net>,
    pub nat: NatGateways,
    pub flow_logs: Option<FlowLogs>,
    /// The value in the file.
    public_addresses: Option<bool>,
    /// The value in the file.
    default_group: Option<DefaultSecurityGroup>,
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

/// The route of a private subnet to the internet, counted from 1.
fn private_route(stack: &StackId, zone: usize) -> Urn {
    Urn::new(
        stack,
        "aws:ec2:Route",
        format!("network/privateRoute{zone}"),
    )
}

/// Fills in the defaults and checks the section. `None` if it is absent or at fault.
pub fn resolve_defaults(context: &mut Context<'_>) -> Option<Network> {
    let spec: NetworkSpec = context.spec(KEY)?;
    let faults = context.errors.len();
    let cidr = match &spec.cidr {
        Some(text) => address_ranges::range(context, text, &"network.cidr".into()),
        None => DEFAULT_CIDR.parse().ok(),
    };
    let zones = zones(context, &spec);
    let flow_logs = flow_logs::resolve_defaults(context, spec.flow_logs.as_ref());
    let public = spec
        .public_subnets
        .as_deref()
        .map(|given| address_ranges::ranges(context, given, &"network.publicSubnets".into()));
    let private = spec
        .private_subnets
        .as_deref()
        .map(|given| address_ranges::ranges(context, given, &"network.privateSubnets".into()));
    let (Some(cidr), true) = (cidr, context.errors.len() == faults) else {
        return None;
    };
    address_ranges::check_subnets(
        context,
        cidr,
        zones.len(),
        public.as_deref(),
        private.as_deref(),
    );
    let mut taken: Vec<Ipv4Net> = public.iter().chain(&private).flatten().copied().collect();
    let private = private.or_else(|| {
        address_ranges::carve(
            context,
            cidr,
            zones.len(),
            0,
            &mut taken,
            &"network.privateSubnets".into(),
        )
    });
    let public = public.or_else(|| {
        let first = address_ranges::FIRST_PUBLIC_BLOCK;
        address_ranges::carve(
            context,
            cidr,
            zones.len(),
            first,
            &mut taken,
            &"network.publicSubnets".into(),
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
        flow_logs,
        public_addresses: spec.public_addresses,
        default_group: spec.default_security_group,
    })
}

/// Returns the zones by name. A number stands for the first ones that the account has.
fn zones(context: &mut Context<'_>, spec: &NetworkSpec) -> Vec<Value> {
    let count = match &spec.availability_zones {
        Some(Zones::Names(names)) => {
            let region = context.stack.region.clone();
            for (index, name) in names.iter().enumerate() {
                let place = Path::from("network.availabilityZones").index(index);
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

impl Network {
    /// A network to go on with where the real one is at fault, so that the faults of what runs in it are reported too.
    pub fn placeholder() -> Option<Self> {
        let cidr: Ipv4Net = DEFAULT_CIDR.parse().ok()?;
        Some(Self {
            cidr,
            zones: Vec::new(),
            public: Vec::new(),
            private: Vec::new(),
            nat: NatGateways::None,
            flow_logs: None,
            public_addresses: None,
            default_group: None,
        })
    }

    /// The number of NAT gateways.
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

    /// The resources that must exist for a task in the network to reach what lies outside it.
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

    /// The outputs that `${network.…}` can ask for.
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
        self.add_vpc(context, &stack);
        context.add_named(
            KEY,
            internet_gateway(&stack),
            properties([("vpcId", vpc_id())]),
        );
        self.expand_public(context, &stack);
        self.expand_private(context, &stack);
        if let Some(flow_logs) = &self.flow_logs {
            flow_logs.expand(context);
        }
        for (name, value) in [
            ("vpcId", vpc_id()),
            ("publicSubnetIds", self.public_subnet_ids(&stack)),
            ("privateSubnetIds", self.private_subnet_ids(&stack)),
        ] {
            context.outputs.push((name.to_owned(), value));
        }
    }

    fn add_vpc(&self, context: &mut Context<'_>, stack: &StackId) {
        let group = match self.default_group {
            Some(DefaultSecurityGroup::Open) => "open",
            Some(DefaultSecurityGroup::Closed) | None => "closed",
        };
        let inputs = properties([
            ("cidrBlock", self.cidr.to_string().into()),
            ("enableDnsSupport", true.into()),
            ("enableDnsHostnames", true.into()),
            ("defaultSecurityGroup", group.into()),
        ]);
        let vpc = context.add_named(KEY, vpc(stack), inputs);
        if self.default_group.is_none() {
            let before = Value::from("open");
            vpc.new_default(
                "defaultSecurityGroup",
                before,
                "network.defaultSecurityGroup: open",
            );
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
            let addresses = self.public_addresses.unwrap_or(false);
            let added = add_subnet(context, &subnet, *net, zone, addresses);
            added.origin.name_key = Some(Path::from(KEY).key("publicSubnets"));
            if self.public_addresses.is_none() {
                added.new_default(
                    "mapPublicIpOnLaunch",
                    Value::from(true),
                    "network.publicAddresses: true",
                );
            }
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
        // There is a table per zone even with a single gateway: then a change between the two is a change of routes alone.
        for (index, (net, zone)) in self.private.iter().zip(&self.zones).enumerate() {
            let number = index + 1;
            let subnet = private_subnet(stack, number);
            let added = add_subnet(context, &subnet, *net, zone, false);
            added.origin.name_key = Some(Path::from(KEY).key("privateSubnets"));
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

fn add_subnet<'c>(
    context: &'c mut Context<'_>,
    subnet: &Urn,
    net: Ipv4Net,
    zone: &Value,
    maps_addresses: bool,
) -> &'c mut Resource {
    let inputs = properties([
        ("vpcId", Value::output(&vpc(&context.id), "id")),
        ("cidrBlock", net.to_string().into()),
        ("availabilityZone", zone.clone()),
        ("mapPublicIpOnLaunch", maps_addresses.into()),
    ]);
    context.add_named(KEY, subnet.clone(), inputs)
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
    use crate::component::testing::{expand_text, render_text};
    use crate::resource::NewDefault;

    /// The defaults of a network that are reported as new: the place, the value before, and what keeps it.
    fn told(sections: &str) -> Vec<(String, NewDefault)> {
        let made = expand_text(sections).unwrap().resources.into_iter();
        made.flat_map(|resource| {
            let name = resource.urn.name().to_owned();
            let defaults = resource.options.new_defaults.into_iter();
            defaults
                .map(|told| (name.clone(), told))
                .collect::<Vec<_>>()
        })
        .collect()
    }

    fn maps(sections: &str) -> [usize; 2] {
        let made = render_text(sections);
        [true, false].map(|maps| {
            made.matches(&format!("mapPublicIpOnLaunch: {maps}\n"))
                .count()
        })
    }

    #[test]
    fn public_subnets_map_no_addresses_unless_the_file_says_so() {
        for network in ["", "natGateways: none", "availabilityZones: 2"] {
            assert_eq!(maps(&format!("network: {{ {network} }}\n")), [0, 4]);
        }
        assert_eq!(maps("network: { publicAddresses: true }\n"), [2, 2]);
        assert_eq!(maps("network: { publicAddresses: false }\n"), [0, 4]);
    }

    #[test]
    fn the_default_security_group_is_closed_unless_the_file_says_so() {
        for (network, expected) in [
            ("{}", "closed"),
            ("{ defaultSecurityGroup: closed }", "closed"),
            ("{ defaultSecurityGroup: open }", "open"),
        ] {
            let made = render_text(&format!("network: {network}\n"));
            let line = format!("  defaultSecurityGroup: {expected:?}\n");
            assert_eq!(made.matches(&line).count(), 1, "{network}: {made}");
        }
    }

    #[test]
    fn a_silent_file_is_told_what_is_new_and_how_to_keep_what_was() {
        let subnet = |number: usize| {
            let default = NewDefault {
                path: Some("mapPublicIpOnLaunch".into()),
                before: Some(true.into()),
                keep: "network.publicAddresses: true".to_owned(),
            };
            (format!("network/publicSubnet{number}"), default)
        };
        let group = NewDefault {
            path: Some("defaultSecurityGroup".into()),
            before: Some("open".into()),
            keep: "network.defaultSecurityGroup: open".to_owned(),
        };
        let vpc = ("network/vpc".to_owned(), group);
        assert_eq!(told("network: {}\n"), [vpc.clone(), subnet(1), subnet(2)]);
        assert_eq!(
            told("network: { publicAddresses: false }\n"),
            std::slice::from_ref(&vpc)
        );
        assert_eq!(
            told("network: { defaultSecurityGroup: open }\n"),
            [subnet(1), subnet(2)]
        );
        let said = "network: { publicAddresses: false, defaultSecurityGroup: closed }\n";
        assert!(told(said).is_empty());
    }
}
