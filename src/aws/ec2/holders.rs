//! The holders of a network resource that cannot be deleted.
//!
//! AWS refuses with `DependencyViolation` and does not name the holder. It is almost always a network interface, kept by a
//! service (load balancer, NAT gateway, database, task, function) that takes minutes to release it, or by another party
//! outside the stack. `GuardDuty` puts an endpoint and a security group of its own into every VPC that it watches
//! (hashicorp/terraform-provider-aws#46747).

use std::collections::BTreeSet;

use aws_sdk_ec2::types::{
    Filter, NetworkInterface, NetworkInterfaceStatus, NetworkInterfaceType, RouteTable,
    RouteTableAssociationStateCode,
};
use futures_util::future::{try_join, try_join5};

use super::filter;
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

/// The longest page of interfaces, subnets and groups.
const PAGE: i32 = 1000;

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
        super::route_table::list(context, filter("vpc-id", id)),
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
    let gateway = super::internet_gateway::of_vpc(context, vpc).await?;
    let gateway = gateway.filter(|gateway| !gateway.tags.are_of_one_stack(tags));
    Ok(gateway.map(|gateway| {
        let id = gateway.id;
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

/// Returns whether a table belongs to the same stack as the object that carries these tags.
fn is_of(table: &RouteTable, tags: &Tags) -> bool {
    super::from_sdk(table.tags()).are_of_one_stack(tags)
}

/// The id of the association by which a table is the main one of its network.
fn main_association(table: &RouteTable) -> Option<&str> {
    let mut associations = table.associations().iter();
    let main = associations.find(|association| association.main() == Some(true))?;
    main.route_table_association_id()
}

/// A table that can become the main one instead: the earlier main table has no tags of ours.
fn spare<'a>(table: &RouteTable, all: &'a [RouteTable]) -> Option<&'a str> {
    let mut others = all.iter().filter(|other| {
        let is_owned = super::from_sdk(other.tags()).owner().is_some();
        !is_owned && other.route_table_id() != table.route_table_id()
    });
    others.find_map(RouteTable::route_table_id)
}

/// The network as the holder of a table of ours that others have made its main one: AWS deletes no main table by itself,
/// and the network only after its other tables (hashicorp/vault#659). `all` are the tables of the network.
fn as_main(table: &RouteTable, all: &[RouteTable]) -> Option<Holder> {
    let association = main_association(table)?;
    let (id, vpc) = (table.route_table_id()?, table.vpc_id()?);
    let text = format!("{vpc}, which has {id} as its main route table");
    let remedy = Remedy::new(format!(
        "others have made route table {id} the main one of {vpc}, and AWS keeps it as long as it is; make another table \
         the main one, then run"
    ));
    let other = spare(table, all).map_or_else(
        || format!("$(aws ec2 create-route-table --vpc-id {vpc} --query RouteTable.RouteTableId --output text)"),
        str::to_owned,
    );
    let hand = remedy.command(format!(
        "aws ec2 replace-route-table-association --association-id {association} --route-table-id {other}"
    ));
    Some(Holder::lasting(association.to_owned(), text, hand))
}

/// Subnets that others have associated with a route table, gateways whose traffic it routes, and the network whose main
/// table it is.
pub(super) async fn of_route_table(
    context: &Context,
    id: &str,
    tags: &Tags,
) -> AwsResult<Vec<Holder>> {
    let table = super::route_table::find(context, id).await?;
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
            let all = super::route_table::list(context, filter("vpc-id", vpc)).await?;
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

async fn interfaces<const N: usize>(
    context: &Context,
    by: [Filter; N],
) -> AwsResult<Vec<NetworkInterface>> {
    let request = context
        .ec2
        .describe_network_interfaces()
        .set_filters(Some(by.to_vec()))
        .max_results(PAGE);
    let answer = context.send(request).await?;
    Ok(answer.network_interfaces.unwrap_or_default())
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

/// The remedy for an object in our network that others have made.
fn stranger(what: &str, delete: &str, id: &str) -> Remedy {
    Remedy::new(format!(
        "{what} is not of this stack, and stays until it is deleted; if nothing needs it, delete it, then run"
    ))
    .command(format!("aws ec2 delete-{delete} {id}"))
}

/// `network interface eni-0a1b (load_balancer of amazon-elb: ELB app/web/50dc)`.
fn interface(interface: &NetworkInterface) -> Holder {
    Holder {
        id: text(interface.network_interface_id()),
        text: described(interface),
        hand: hand(interface),
    }
}

/// The remedy for an interface that does not go away by itself.
///
/// Services release their interfaces within minutes (load balancers, NAT gateways, databases, tasks, functions), and mark
/// them by `requesterManaged`, by a type of their own, or by the description. The interface of an instance goes with the
/// instance, that of an endpoint with the endpoint, and one that a person has made when it is deleted.
fn hand(interface: &NetworkInterface) -> Option<Remedy> {
    let id = interface.network_interface_id()?;
    if interface.interface_type() == Some(&NetworkInterfaceType::VpcEndpoint) {
        return Some(
            Remedy::new(format!(
                "{} is part of a VPC endpoint, and goes with it; if nothing needs the endpoint, delete it, then run",
                described(interface)
            ))
            .command(format!(
                "aws ec2 describe-vpc-endpoints --query \"VpcEndpoints[?contains(NetworkInterfaceIds, '{id}')].VpcEndpointId\""
            )),
        );
    }
    let description = interface.description().unwrap_or_default();
    let of_service = [
        "ELB ",
        "AWS ",
        "Interface for NAT",
        "RDS",
        "arn:aws",
        "attached to",
    ]
    .iter()
    .any(|start| description.starts_with(start));
    let of_person = interface.requester_managed() == Some(false)
        && interface.interface_type() == Some(&NetworkInterfaceType::Interface)
        && !of_service;
    if !of_person {
        return None;
    }
    let instance = interface
        .attachment()
        .and_then(|attachment| attachment.instance_id());
    match instance {
        Some(instance) => Some(
            Remedy::new(format!(
                "{}, which is not of this stack, has {}; move it, or terminate it if nothing needs it, then run",
                instance_of(interface, instance),
                described(interface)
            ))
            .command(format!(
                "aws ec2 terminate-instances --instance-ids {instance}"
            )),
        ),
        None if interface.status() == Some(&NetworkInterfaceStatus::Available) => Some(stranger(
            &described(interface),
            "network-interface --network-interface-id",
            id,
        )),
        None => None,
    }
}

/// `instance i-0a1b of account 123456789012`.
fn instance_of(interface: &NetworkInterface, instance: &str) -> String {
    let attachment = interface.attachment();
    match attachment.and_then(|attachment| attachment.instance_owner_id()) {
        Some(owner) => format!("instance {instance} of account {owner}"),
        None => format!("instance {instance}"),
    }
}

fn described(interface: &NetworkInterface) -> String {
    let id = interface.network_interface_id().unwrap_or_default();
    let kind = interface
        .interface_type()
        .map_or("interface", |kind| kind.as_str());
    let requester = interface
        .requester_id()
        .map(|requester| format!(" of {requester}"))
        .unwrap_or_default();
    let description = interface
        .description()
        .filter(|text| !text.is_empty())
        .map(|text| format!(": {text}"))
        .unwrap_or_default();
    format!("network interface {id} ({kind}{requester}{description})")
}

#[cfg(test)]
mod tests {
    use aws_sdk_ec2::types::{NetworkInterfaceAttachment, RouteTableAssociation, Tag};

    use super::*;

    #[test]
    fn an_interface_is_named_with_its_keeper() {
        let kept = NetworkInterface::builder()
            .network_interface_id("eni-1")
            .interface_type("load_balancer".into())
            .requester_id("amazon-elb")
            .description("ELB app/web/50dc")
            .build();
        assert_eq!(
            described(&kept),
            "network interface eni-1 (load_balancer of amazon-elb: ELB app/web/50dc)"
        );
        let bare = NetworkInterface::builder()
            .network_interface_id("eni-2")
            .build();
        assert_eq!(described(&bare), "network interface eni-2 (interface)");
    }

    #[test]
    fn a_table_that_others_have_made_the_main_one_gives_that_place_back() {
        let table = |id: &str, main: Option<&str>| {
            let main = main.map(|id| {
                RouteTableAssociation::builder()
                    .route_table_association_id(id)
                    .main(true)
                    .build()
            });
            RouteTable::builder()
                .route_table_id(id)
                .vpc_id("vpc-1")
                .set_associations(main.map(|main| vec![main]))
        };
        let owned = |key: &str, value: &str| Tag::builder().key(key).value(value).build();
        let ours = table("rtb-1", Some("rtbassoc-1")).build();
        let sibling = table("rtb-2", None)
            .tags(owned("fde:stack", "shop/dev"))
            .tags(owned(
                "fde:urn",
                "urn:fde:shop/dev::aws:ec2:RouteTable::table",
            ))
            .build();
        let former = table("rtb-3", None).build();
        let command = |all: &[RouteTable]| {
            let held = as_main(&ours, all).expect("it is held");
            assert_eq!(held.id, "rtbassoc-1");
            let commands = held.hand.expect("a hand").commands;
            assert_eq!(commands.len(), 1, "{commands:?}");
            commands[0].clone()
        };
        let way =
            "aws ec2 replace-route-table-association --association-id rtbassoc-1 --route-table-id ";
        let all = [ours.clone(), sibling.clone(), former.clone()];
        assert_eq!(command(&all), format!("{way}rtb-3"));
        let made = command(&all[..2]);
        let made = made.strip_prefix(way).expect("the same way");
        assert!(made.contains("create-route-table --vpc-id vpc-1"), "{made}");
        assert!(as_main(&sibling, &[former]).is_none());
    }

    #[test]
    fn only_what_a_person_has_made_waits_for_one() {
        let of = |kind: &str, managed: bool, description: &str| {
            NetworkInterface::builder()
                .network_interface_id("eni-1")
                .interface_type(kind.into())
                .requester_managed(managed)
                .description(description)
                .status(NetworkInterfaceStatus::Available)
        };
        for passing in [
            of("load_balancer", true, "ELB app/web/50dc"),
            of("nat_gateway", true, "Interface for NAT Gateway nat-1"),
            of("interface", true, "RDSNetworkInterface"),
            of("interface", false, "ELB app/web/50dc"),
            of("interface", false, "AWS Lambda VPC ENI-x"),
            of("interface", false, "arn:aws:ecs:eu-south-2:1:attachment/x"),
        ] {
            let passing = passing.build();
            assert_eq!(hand(&passing), None, "{passing:?}");
        }
        let command = |interface: NetworkInterface| {
            let remedy = hand(&interface).expect("a hand");
            assert!(remedy.text.ends_with("then run"), "{}", remedy.text);
            assert!(!remedy.text.contains("  "), "{}", remedy.text);
            assert!(!remedy.text.contains("somebody"), "{}", remedy.text);
            let is_named = remedy.text.contains(&described(&interface));
            assert!(is_named, "{}", remedy.text);
            remedy.commands[0].clone()
        };
        assert_eq!(
            command(of("interface", false, "made by hand").build()),
            "aws ec2 delete-network-interface --network-interface-id eni-1"
        );
        let attachment = NetworkInterfaceAttachment::builder()
            .instance_id("i-1")
            .build();
        let attached = of("interface", false, "").attachment(attachment);
        assert_eq!(
            command(attached.status(NetworkInterfaceStatus::InUse).build()),
            "aws ec2 terminate-instances --instance-ids i-1"
        );
        let endpoint = of("vpc_endpoint", true, "VPC Endpoint Interface vpce-1").build();
        assert!(command(endpoint).contains("describe-vpc-endpoints"));
    }
}
