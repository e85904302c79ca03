//! Network interfaces as holders.

use aws_sdk_ec2::types::{Filter, NetworkInterface, NetworkInterfaceStatus, NetworkInterfaceType};

use crate::aws::answer::text;
use crate::aws::context::Context;
use crate::aws::error::AwsResult;
use crate::resource::provider::{Holder, Remedy};

/// The longest page of interfaces, subnets and groups.
pub(super) const PAGE: i32 = 1000;

pub(super) async fn interfaces<const N: usize>(
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

/// The remedy for an object in our network that others have made.
pub(super) fn stranger(what: &str, delete: &str, id: &str) -> Remedy {
    Remedy::new(format!(
        "{what} is not of this stack, and stays until it is deleted; if nothing needs it, delete it, then run"
    ))
    .command(format!("aws ec2 delete-{delete} {id}"))
}

/// `network interface eni-0a1b (load_balancer of amazon-elb: ELB app/web/50dc)`.
pub(super) fn interface(interface: &NetworkInterface) -> Holder {
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
    use aws_sdk_ec2::types::NetworkInterfaceAttachment;

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
