//! The network, defaults filled in.

use ipnet::Ipv4Net;

use super::address_ranges;
use super::flow_logs::{self, FlowLogs};
use super::spec::{DefaultSecurityGroup, NatGateways, NetworkSpec, Zones};
use super::urns::{KEY, private_route, private_subnet, public_subnet};
use crate::component::context::Context;
use crate::graph;
use crate::resource::{Path, StackId, Urn, Value};
use crate::stack::Fault;

const DEFAULT_CIDR: &str = "10.0.0.0/16";
const DEFAULT_ZONES: usize = 2;
/// No region has more zones than this.
const MAX_ZONES: usize = 6;

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
    pub(super) public_addresses: Option<bool>,
    /// The value in the file.
    pub(super) default_group: Option<DefaultSecurityGroup>,
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
    pub fn nat_gateways(&self) -> usize {
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
}
