//! The address ranges of a VPC and its subnets: read, checked against each other, and carved where none are given.

use ipnet::Ipv4Net;

use crate::resource::Path;
use crate::stack::{Fault, StackError};

use crate::component::context::Context;
use crate::component::key::SectionKey;

/// The prefixes that AWS takes for a VPC and for a subnet alike.
const PREFIXES: std::ops::RangeInclusive<u8> = 16..=28;
/// A VPC is carved into 16 blocks: the first half for private subnets, the second for public ones.
const CARVED_BITS: u8 = 4;
pub const FIRST_PUBLIC_BLOCK: usize = 8;

/// Reads a list of address ranges.
pub fn ranges(context: &mut Context<'_>, texts: &[String], path: &Path) -> Vec<Ipv4Net> {
    texts
        .iter()
        .enumerate()
        .filter_map(|(index, text)| range(context, text, &path.index(index)))
        .collect()
}

/// Reads an address range of a size that AWS takes.
pub fn range(context: &mut Context<'_>, text: &str, path: &Path) -> Option<Ipv4Net> {
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

/// Checks the given subnets against the VPC, the zones and each other.
pub fn check_subnets(
    context: &mut Context<'_>,
    cidr: Ipv4Net,
    zones: usize,
    public: Option<&[Ipv4Net]>,
    private: Option<&[Ipv4Net]>,
) {
    let lists = [("publicSubnets", public), ("privateSubnets", private)];
    let mut seen: Vec<(Ipv4Net, Path)> = Vec::new();
    for (key, nets) in lists {
        let Some(nets) = nets else { continue };
        if nets.len() != zones {
            let label = format!(
                "{} subnets for {zones} zones; each zone has one",
                nets.len()
            );
            context.refuse(Fault::Zones, Path::from("network").key(key), label);
        }
        for (index, net) in nets.iter().enumerate() {
            let place = Path::from("network").key(key).index(index);
            if !cidr.contains(net) {
                let label = format!("`{net}` lies outside the VPC, `{cidr}`");
                context.refuse(Fault::Cidr, &place, label);
            }
            let overlaps = |other: &Ipv4Net| other.contains(net) || net.contains(other);
            if let Some((other, first)) = seen.iter().find(|(other, _)| overlaps(other)) {
                let label = format!("`{net}` overlaps `{other}`");
                let error = StackError::new(Fault::CidrOverlap, context.place(&place), label)
                    .also(context.place(first), format!("`{other}` is given here"));
                context.errors.push(error);
            }
            seen.push((*net, place));
        }
    }
    let needs_two = [SectionKey::LoadBalancer, SectionKey::Database]
        .into_iter()
        .find(|section| context.is_declared(*section));
    if let Some(section) = needs_two
        && zones < 2
    {
        let label = format!("`{}` needs two zones", section.as_str());
        context.refuse(Fault::Zones, "network.availabilityZones", label);
    }
}

/// Takes free blocks of the VPC, one per zone, from a block on.
pub fn carve(
    context: &mut Context<'_>,
    cidr: Ipv4Net,
    zones: usize,
    first: usize,
    taken: &mut Vec<Ipv4Net>,
    path: &Path,
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
              defaultSecurityGroup: "closed"
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
              mapPublicIpOnLaunch: false
              vpcId: ${network/vpc.id}
            network/publicAssociation1 aws:ec2:RouteTableAssociation
              routeTableId: ${network/publicRouteTable.id}
              subnetId: ${network/publicSubnet1.id}
            network/publicSubnet2 aws:ec2:Subnet
              availabilityZone: ${aws.availabilityZones[1]}
              cidrBlock: "10.0.144.0/20"
              mapPublicIpOnLaunch: false
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
            .map(|line| line.trim_start().to_owned())
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
