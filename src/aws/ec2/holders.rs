//! What holds a piece of network that will not go.
//!
//! AWS refuses with `DependencyViolation` and does not say who it is. It is a network interface almost always, kept by a
//! service (load balancer, NAT gateway, database, task, function) that takes minutes to let go, or by somebody outside
//! the stack. `GuardDuty` puts an endpoint and a security group of its own into every VPC it watches.

use aws_sdk_ec2::types::{Filter, NetworkInterface};
use futures_util::future::{try_join, try_join3};

use super::filter;
use crate::aws::context::Context;
use crate::aws::error::AwsResult;

/// More would not be read.
const LONGEST: i32 = 20;

pub(super) async fn of_subnet(context: &Context, id: &str) -> AwsResult<Vec<String>> {
    let interfaces = interfaces(context, [filter("subnet-id", id)]).await?;
    Ok(interfaces.iter().map(interface).collect())
}

/// Interfaces in the group, and other groups whose rules refer to it.
pub(super) async fn of_security_group(context: &Context, id: &str) -> AwsResult<Vec<String>> {
    let (interfaces, (ingress, egress)) = try_join(
        interfaces(context, [filter("group-id", id)]),
        try_join(
            groups(context, filter("ip-permission.group-id", id)),
            groups(context, filter("egress.ip-permission.group-id", id)),
        ),
    )
    .await?;
    let mut referring: Vec<String> = ingress
        .into_iter()
        .chain(egress)
        .filter(|(group, _)| group != id)
        .map(|(group, name)| format!("a rule of security group {group} (`{name}`)"))
        .collect();
    referring.sort();
    referring.dedup();
    Ok(interfaces.iter().map(interface).chain(referring).collect())
}

/// Interfaces, subnets, and security groups other than the VPC's own.
pub(super) async fn of_vpc(context: &Context, id: &str) -> AwsResult<Vec<String>> {
    let (interfaces, subnets, groups) = try_join3(
        interfaces(context, [filter("vpc-id", id)]),
        context.call("ec2:DescribeSubnets", || {
            context
                .ec2
                .describe_subnets()
                .filters(filter("vpc-id", id))
                .max_results(LONGEST)
                .send()
        }),
        groups(context, filter("vpc-id", id)),
    )
    .await?;
    let subnets = subnets.subnets.unwrap_or_default();
    let subnets = subnets
        .iter()
        .filter_map(|subnet| Some(format!("subnet {}", subnet.subnet_id()?)));
    let groups = groups
        .into_iter()
        .filter(|(_, name)| name != "default")
        .map(|(group, name)| format!("security group {group} (`{name}`)"));
    Ok(interfaces
        .iter()
        .map(interface)
        .chain(subnets)
        .chain(groups)
        .collect())
}

/// Interfaces with public addresses, which keep the internet gateway attached.
pub(super) async fn of_attachment(context: &Context, vpc: &str) -> AwsResult<Vec<String>> {
    let with_address = [filter("vpc-id", vpc), filter("association.public-ip", "*")];
    let interfaces = interfaces(context, with_address).await?;
    Ok(interfaces.iter().map(interface).collect())
}

async fn interfaces<const N: usize>(
    context: &Context,
    by: [Filter; N],
) -> AwsResult<Vec<NetworkInterface>> {
    let answer = context
        .call("ec2:DescribeNetworkInterfaces", || {
            context
                .ec2
                .describe_network_interfaces()
                .set_filters(Some(by.to_vec()))
                .max_results(LONGEST)
                .send()
        })
        .await?;
    Ok(answer.network_interfaces.unwrap_or_default())
}

/// Ids and names.
async fn groups(context: &Context, by: Filter) -> AwsResult<Vec<(String, String)>> {
    let answer = context
        .call("ec2:DescribeSecurityGroups", || {
            context
                .ec2
                .describe_security_groups()
                .filters(by.clone())
                .max_results(LONGEST)
                .send()
        })
        .await?;
    Ok(answer
        .security_groups
        .unwrap_or_default()
        .into_iter()
        .map(|group| {
            (
                group.group_id.unwrap_or_default(),
                group.group_name.unwrap_or_default(),
            )
        })
        .collect())
}

/// `network interface eni-0a1b (load_balancer of amazon-elb: ELB app/web/50dc)`.
fn interface(interface: &NetworkInterface) -> String {
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
            interface(&kept),
            "network interface eni-1 (load_balancer of amazon-elb: ELB app/web/50dc)"
        );
        let bare = NetworkInterface::builder()
            .network_interface_id("eni-2")
            .build();
        assert_eq!(interface(&bare), "network interface eni-2 (interface)");
    }
}
