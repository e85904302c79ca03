//! Networks and security groups.

use aws_sdk_ec2::types::{NatGatewayState, Tag, VpcAttributeName};

use super::reader::{ANSWERS, Thing, of_each};
use crate::sdk::{Sdk, Tags};

pub async fn network(sdk: &Sdk) -> Vec<Thing> {
    let ec2 = &sdk.ec2;
    let (vpcs, subnets, internet, addresses, nat, tables, logs) = tokio::join!(
        ec2.describe_vpcs().send(),
        ec2.describe_subnets().send(),
        ec2.describe_internet_gateways().send(),
        ec2.describe_addresses().send(),
        ec2.describe_nat_gateways().send(),
        ec2.describe_route_tables().send(),
        ec2.describe_flow_logs().send(),
    );
    let vpcs = vpcs.expect(ANSWERS);
    let mut things = of_each(vpcs.vpcs(), async |vpc| {
        let attribute = |name| {
            let attribute = ec2.describe_vpc_attribute().attribute(name);
            attribute.set_vpc_id(vpc.vpc_id.clone()).send()
        };
        let (names, support) = tokio::join!(
            attribute(VpcAttributeName::EnableDnsHostnames),
            attribute(VpcAttributeName::EnableDnsSupport),
        );
        let names = names.expect(ANSWERS).enable_dns_hostnames;
        let support = support.expect(ANSWERS).enable_dns_support;
        let thing = Thing::new("vpc", vpc.vpc_id(), &(vpc, names, support));
        vec![thing.tags(tags(vpc.tags()))]
    })
    .await;
    for subnet in subnets.expect(ANSWERS).subnets() {
        // Addresses come and go with tasks and gateways.
        let mut whole = subnet.clone();
        whole.available_ip_address_count = None;
        let thing = Thing::new("subnet", subnet.subnet_id(), &whole)
            .key(subnet.cidr_block().unwrap_or_default())
            .within([subnet.vpc_id()]);
        things.push(thing.tags(tags(subnet.tags())));
    }
    for gateway in internet.expect(ANSWERS).internet_gateways() {
        let attached = gateway.attachments().iter();
        let thing = Thing::new("internet gateway", gateway.internet_gateway_id(), gateway)
            .within(attached.map(|one| one.vpc_id()));
        things.push(thing.tags(tags(gateway.tags())));
    }
    for address in addresses.expect(ANSWERS).addresses() {
        let is_used = address.association_id().is_some();
        let thing = Thing::new("address", address.allocation_id(), address).key(if is_used {
            "in use"
        } else {
            ""
        });
        things.push(thing.tags(tags(address.tags())));
    }
    for gateway in nat.expect(ANSWERS).nat_gateways() {
        if gateway.state() == Some(&NatGatewayState::Deleted) {
            continue;
        }
        let addresses = gateway.nat_gateway_addresses().iter();
        let thing = Thing::new("NAT gateway", gateway.nat_gateway_id(), gateway)
            .within(addresses.map(|one| one.allocation_id()))
            .within([gateway.subnet_id()]);
        things.push(thing.tags(tags(gateway.tags())));
    }
    for log in logs.expect(ANSWERS).flow_logs() {
        let destination = log.log_destination().unwrap_or_default();
        let thing = Thing::new("flow log", log.flow_log_id(), log)
            .key(destination)
            .within([log.resource_id()]);
        things.push(thing.tags(tags(log.tags())));
    }
    for table in tables.expect(ANSWERS).route_tables() {
        let id = table.route_table_id();
        // Routes and associations are things of their own.
        let mut whole = table.clone();
        (whole.routes, whole.associations) = (None, None);
        let thing = Thing::new("route table", id, &whole).within([table.vpc_id()]);
        things.push(thing.tags(tags(table.tags())));
        for route in table.routes() {
            let target = route.gateway_id().or(route.nat_gateway_id());
            let key = route.destination_cidr_block().unwrap_or_default();
            let own = format!("{id:?} {key}");
            let thing = Thing::new("route", own.as_str(), route);
            things.push(thing.key(key).within([id, target]));
        }
        for association in table.associations() {
            let own = association.route_table_association_id();
            let thing = Thing::new("association", own, association);
            things.push(thing.within([id, association.subnet_id()]));
        }
    }
    things
}

pub async fn security_groups(sdk: &Sdk) -> Vec<Thing> {
    let (groups, rules) = tokio::join!(
        sdk.ec2.describe_security_groups().send(),
        sdk.ec2.describe_security_group_rules().send(),
    );
    let mut things = Vec::new();
    for group in groups.expect(ANSWERS).security_groups() {
        // Rules are things of their own.
        let mut whole = group.clone();
        (whole.ip_permissions, whole.ip_permissions_egress) = (None, None);
        let thing = Thing::new("group", group.group_id(), &whole).within([group.vpc_id()]);
        things.push(thing.tags(tags(group.tags())));
    }
    for rule in rules.expect(ANSWERS).security_group_rules() {
        let peer = rule.referenced_group_info();
        let peer = peer.and_then(|info| info.group_id());
        let direction = if rule.is_egress() == Some(true) {
            "out"
        } else {
            "in"
        };
        let (protocol, from) = (rule.ip_protocol(), rule.from_port());
        let key = format!("{direction} {protocol:?} {from:?} {:?}", rule.cidr_ipv4());
        let thing = Thing::new("group rule", rule.security_group_rule_id(), rule)
            .key(key)
            .within([rule.group_id(), peer]);
        things.push(thing.tags(tags(rule.tags())));
    }
    things
}

fn tags(tags: &[Tag]) -> Tags {
    tags.iter()
        .filter_map(|tag| Some((tag.key()?.to_owned(), tag.value()?.to_owned())))
        .collect()
}
