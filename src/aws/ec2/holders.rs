//! The holders of a network resource that cannot be deleted.
//!
//! AWS refuses with `DependencyViolation` and does not name the holder. It is almost always a network interface, kept by a
//! service (load balancer, NAT gateway, database, task, function) that takes minutes to release it, or by another party
//! outside the stack. `GuardDuty` puts an endpoint and a security group of its own into every VPC that it watches
//! (hashicorp/terraform-provider-aws#46747).

mod interface;
mod main_table;

use std::collections::BTreeSet;

use aws_sdk_ec2::types::{Filter, InternetGateway, RouteTableAssociationStateCode};
use futures_util::future::{try_join, try_join5};

use self::interface::{PAGE, interface, interfaces, stranger};
use self::main_table::{as_main, is_of, main_association, spare};
use super::filter;
use super::internet_gateway::listing as gateways;
use super::route_table::listing as route_tables;
use crate::aws::answer::text;
use crate::aws::context::Context;
use crate::aws::error::AwsResult;
use crate::resource::Tags;
use crate::resource::provider::{Holder, Remedy};

/// The types of resources in a network that are held only by what holds the network as well.
pub(in crate::aws) const PIECES: [&str; 4] = [
    "aws:ec2:RouteTable",
    "aws:ec2:Subnet",
    "aws:ec2:SecurityGroup",
    "aws:ec2:InternetGateway",
];

pub(super) async fn of_subnet(context: &Context, id: &str) -> AwsResult<Vec<Holder>> {
    let interfaces = interfaces(context, [filter("subnet-id", id)]).await?;
    Ok(interfaces.iter().map(interface).collect())
}

/// Interfaces in the group, and other groups whose rules refer to it.
pub(super) async fn of_security_group(
    context: &Context,
    id: &str,
    tags: &Tags,
) -> AwsResult<Vec<Holder>> {
    let (interfaces, (ingress, egress)) = try_join(
        interfaces(context, [filter("group-id", id)]),
        try_join(
            groups(context, filter("ip-permission.group-id", id), tags),
            groups(context, filter("egress.ip-permission.group-id", id), tags),
        ),
    )
    .await?;
    let mut referring: Vec<Group> = ingress
        .into_iter()
        .chain(egress)
        .filter(|group| group.id != id)
        .collect();
    referring.sort();
    referring.dedup();
    let referring = referring.into_iter().map(|group| Holder {
        id: group.id.clone(),
        text: format!("a rule of security group {} (`{}`)", group.id, group.name),
        hand: group.is_foreign.then(|| {
            Remedy::new(format!(
                "a rule of {}, which is not of this stack, refers to {id}; remove the rule, then run",
                group.id
            ))
            .command(format!(
                "aws ec2 describe-security-group-rules --filters Name=group-id,Values={}",
                group.id
            ))
        }),
    });
    Ok(interfaces.iter().map(interface).chain(referring).collect())
}

/// Interfaces, subnets, gateways, endpoints, and security groups and route tables other than the VPC's own.
pub(super) async fn of_vpc(
    context: &Context,
    id: &str,
    tags: &Tags,
    ours: &BTreeSet<&str>,
) -> AwsResult<Vec<Holder>> {
    let (interfaces, subnets, groups, tables, gateway) = try_join5(
        interfaces(context, [filter("vpc-id", id)]),
        context.send(
            context
                .ec2
                .describe_subnets()
                .filters(filter("vpc-id", id))
                .max_results(PAGE),
        ),
        groups(context, filter("vpc-id", id), tags),
        route_tables::list(context, filter("vpc-id", id)),
        strange_gateway(context, id, tags, ours),
    )
    .await?;
    // A gateway endpoint has no interface; it shows in the tables that lead to it.
    let routes = tables.iter().flat_map(|table| table.routes());
    let endpoints = routes.filter_map(|route| route.gateway_id());
    let endpoints: BTreeSet<&str> = endpoints.filter(|id| id.starts_with("vpce-")).collect();
    let endpoints = endpoints.into_iter().map(|id| {
        let text = format!("VPC endpoint {id}");
        let hand = stranger(&text, "vpc-endpoints --vpc-endpoint-ids", id);
        Holder::lasting(id.to_owned(), text, hand)
    });
    let mut of_stack = tables.iter().filter(|table| is_of(table, tags));
    let main = of_stack.find(|table| main_association(table).is_some());
    let made_main = main.and_then(|table| as_main(table, &tables));
    let spare = main.and_then(|table| spare(table, &tables));
    let tables = tables.iter().filter_map(|table| {
        let id = table.route_table_id()?;
        // The network's own main table goes with it.
        let is_main = main_association(table).is_some() || spare == Some(id);
        let is_foreign = !is_of(table, tags);
        let text = format!("route table {id}");
        let hand = is_foreign.then(|| stranger(&text, "route-table --route-table-id", id));
        let id = id.to_owned();
        (!is_main).then_some(Holder { id, text, hand })
    });
    let subnets = subnets.subnets.unwrap_or_default();
    let subnets = subnets.iter().filter_map(|subnet| {
        let id = subnet.subnet_id()?;
        let is_foreign = !super::from_sdk(subnet.tags()).are_of_one_stack(tags);
        Some(Holder {
            id: id.to_owned(),
            text: format!("subnet {id}"),
            hand: is_foreign.then(|| stranger(&format!("subnet {id}"), "subnet --subnet-id", id)),
        })
    });
    let groups = groups
        .into_iter()
        .filter(|group| group.name != "default")
        .map(
            |Group {
                 id,
                 name,
                 is_foreign,
             }| {
                let text = format!("security group {id} (`{name}`)");
                let hand = is_foreign.then(|| stranger(&text, "security-group --group-id", &id));
                Holder { id, text, hand }
            },
        );
    Ok(interfaces
        .iter()
        .map(interface)
        .chain(subnets)
        .chain(groups)
        .chain(tables)
        .chain(made_main)
        .chain(gateway)
        .chain(endpoints)
        .collect())
}

/// The internet gateway of a VPC, if it does not belong to the stack. A VPC has one, so no call is made if that one is
/// known to be ours.
async fn strange_gateway(
    context: &Context,
    vpc: &str,
    tags: &Tags,
    ours: &BTreeSet<&str>,
) -> AwsResult<Option<Holder>> {
    if ours.iter().any(|id| id.starts_with("igw-")) {
        return Ok(None);
    }
    let gateway = gateways::of_vpc(context, vpc).await?;
    let is_foreign =
        |gateway: &InternetGateway| !super::from_sdk(gateway.tags()).are_of_one_stack(tags);
    let gateway = gateway.filter(is_foreign);
    Ok(gateway.map(|gateway| {
        let id = text(gateway.internet_gateway_id());
        let text = format!("internet gateway {id}");
        let hand = Remedy::new(format!(
            "{text} is not of this stack, and stays attached; if nothing needs it, detach it, then run"
        ))
        .command(format!(
            "aws ec2 detach-internet-gateway --internet-gateway-id {id} --vpc-id {vpc}"
        ));
        Holder::lasting(id, text, hand)
    }))
}

/// Subnets that others have associated with a route table, gateways whose traffic it routes, and the network whose main
/// table it is.
pub(super) async fn of_route_table(
    context: &Context,
    id: &str,
    tags: &Tags,
) -> AwsResult<Vec<Holder>> {
    let table = route_tables::find(context, id).await?;
    let associations = table.associations().iter().filter(|association| {
        association
            .association_state()
            .and_then(|state| state.state())
            .is_none_or(|state| *state != RouteTableAssociationStateCode::Disassociated)
    });
    let users: Vec<(String, String)> = associations
        .filter_map(|association| {
            let user = association.subnet_id().or(association.gateway_id())?;
            let id = association.route_table_association_id()?;
            Some((user.to_owned(), id.to_owned()))
        })
        .collect();
    let made_main = match table
        .vpc_id()
        .filter(|_| main_association(&table).is_some())
    {
        Some(vpc) => {
            let all = route_tables::list(context, filter("vpc-id", vpc)).await?;
            as_main(&table, &all)
        }
        None => None,
    };
    let subnets = users.iter().filter(|(user, _)| user.starts_with("subnet-"));
    let subnets: Vec<String> = subnets.map(|(user, _)| user.clone()).collect();
    let ours: Vec<String> = if subnets.is_empty() {
        Vec::new()
    } else {
        let request = context.ec2.describe_subnets().filters(
            Filter::builder()
                .name("subnet-id")
                .set_values(Some(subnets.clone()))
                .build(),
        );
        let answer = context.send(request).await?;
        let subnets = answer.subnets.unwrap_or_default();
        let ours = subnets
            .iter()
            .filter(|subnet| super::from_sdk(subnet.tags()).are_of_one_stack(tags));
        ours.filter_map(|subnet| Some(subnet.subnet_id()?.to_owned()))
            .collect()
    };
    Ok(users
        .into_iter()
        .map(|(user, association)| {
            if ours.contains(&user) {
                return Holder::passing(user.clone(), user);
            }
            let text = format!("the association of {user}");
            let hand = Remedy::new(format!(
                "{user}, which is not of this stack, uses route table {id}; give it another one, then run"
            ))
            .command(format!(
                "aws ec2 disassociate-route-table --association-id {association}"
            ));
            Holder::lasting(user, text, hand)
        })
        .chain(made_main)
        .collect())
}

/// Interfaces with public addresses, which keep the internet gateway attached.
pub(super) async fn of_attachment(context: &Context, vpc: &str) -> AwsResult<Vec<Holder>> {
    let with_address = [filter("vpc-id", vpc), filter("association.public-ip", "*")];
    let interfaces = interfaces(context, with_address).await?;
    Ok(interfaces.iter().map(interface).collect())
}

#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Group {
    id: String,
    name: String,
    /// True if no tag says that it belongs to this stack, so that no run of the stack will delete it.
    is_foreign: bool,
}

async fn groups(context: &Context, by: Filter, tags: &Tags) -> AwsResult<Vec<Group>> {
    let request = context
        .ec2
        .describe_security_groups()
        .filters(by.clone())
        .max_results(PAGE);
    let answer = context.send(request).await?;
    Ok(answer
        .security_groups
        .unwrap_or_default()
        .into_iter()
        .map(|group| Group {
            is_foreign: !super::from_sdk(group.tags()).are_of_one_stack(tags),
            id: group.group_id.unwrap_or_default(),
            name: group.group_name.unwrap_or_default(),
        })
        .collect())
}
