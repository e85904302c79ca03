//! The resources of `network:`, and the outputs that others can ask it for.

use std::collections::BTreeMap;

use ipnet::Ipv4Net;

use super::model::Network;
use super::security_groups;
use super::spec::{DefaultSecurityGroup, NatGateways};
use super::urns::{
    KEY, address, internet_gateway, nat_gateway, private_route, private_subnet, public_subnet, vpc,
};
use crate::component::context::Context;
use crate::component::lookup::Export;
use crate::component::platform::Platform;
use crate::graph::Resource;
use crate::resource::value::properties;
use crate::resource::{Path, StackId, Urn, Value};

impl Network {
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
