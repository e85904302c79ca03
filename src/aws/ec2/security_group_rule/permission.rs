//! The content of a security group rule, in the terms of AWS's calls. Pure: the modules of the rules send and compare it.

use aws_sdk_ec2::types::{
    IpPermission, IpRange, Ipv6Range, PrefixListId, SecurityGroupRuleRequest, UserIdGroupPair,
};

use super::canonical::{port, protocol};
use super::model::Inputs;
use crate::aws::ec2::network_address;
use crate::resource::{InvalidInput, Value};

/// Returns whether AWS takes two rules of one group and direction for the same rule.
pub(super) fn lets_the_same_through(left: &Inputs, right: &Inputs) -> bool {
    let range = |range: Option<&String>| network_address(range.cloned().into());
    let way = |inputs: &Inputs| {
        (
            protocol(inputs.ip_protocol.as_str().into()),
            port(inputs.from_port.into()),
            port(inputs.to_port.into()),
            range(inputs.cidr_ipv4.as_ref()),
            range(inputs.cidr_ipv6.as_ref()),
        )
    };
    way(left) == way(right)
        && left.prefix_list_id == right.prefix_list_id
        && left.referenced_security_group_id == right.referenced_security_group_id
}

/// The ways to name a peer, of which a rule has one, and the properties for them.
pub(super) fn peers(inputs: &Inputs) -> [(&'static str, Option<&String>); 4] {
    let of_group = inputs.referenced_security_group_id.as_ref();
    [
        (Inputs::CIDR_IPV4, inputs.cidr_ipv4.as_ref()),
        (Inputs::CIDR_IPV6, inputs.cidr_ipv6.as_ref()),
        (Inputs::PREFIX_LIST_ID, inputs.prefix_list_id.as_ref()),
        (Inputs::REFERENCED_SECURITY_GROUP_ID, of_group),
    ]
}

/// Checks that there is one peer, and that there are ports where the protocol has them. AWS would ignore what it does not
/// know, or answer vaguely.
pub(super) fn fit(inputs: &Inputs) -> Vec<InvalidInput> {
    const PEERS: &str = "a rule has exactly one of `cidrIpv4`, `cidrIpv6`, `prefixListId` and \
         `referencedSecurityGroupId`";
    let mut given = peers(inputs).into_iter().filter(|(_, peer)| peer.is_some());
    if given.clone().count() != 1 {
        let at = given
            .next_back()
            .map_or(Inputs::CIDR_IPV4, |(name, _)| name);
        // Their number is known, whatever their values are.
        return vec![InvalidInput::new(at, PEERS).decided_by([])];
    }
    let (protocol, from, to) = sent(inputs);
    let (at, reason) = match (protocol.as_str(), from, to) {
        ("tcp" | "udp", None, _) => ("fromPort", "is required for TCP and UDP"),
        ("tcp" | "udp", _, None) => ("toPort", "is required for TCP and UDP"),
        ("tcp" | "udp", Some(from), Some(to)) if from > to => {
            let reason = format!("is {from}, and `toPort` is {to}");
            let invalid_input =
                InvalidInput::new("fromPort", reason).decided_by(["fromPort", "toPort"]);
            return vec![invalid_input];
        }
        // AWS takes such a rule, and it lets nothing through (hashicorp/terraform-provider-aws#9569).
        ("icmp", ..) if inputs.cidr_ipv6.is_some() => {
            let reason = "is ICMP of IPv4, which never comes from or goes to an IPv6 range";
            return vec![InvalidInput::new("ipProtocol", reason).help("write `icmpv6`")];
        }
        ("icmpv6", ..) if inputs.cidr_ipv4.is_some() => {
            let reason = "is ICMP of IPv6, which never comes from or goes to an IPv4 range";
            return vec![InvalidInput::new("ipProtocol", reason).help("write `icmp`")];
        }
        ("tcp" | "udp" | "icmp" | "icmpv6", ..) | (_, None, None) => return Vec::new(),
        (_, from, _) => (
            if from.is_some() { "fromPort" } else { "toPort" },
            "means nothing for this `ipProtocol`: AWS would let all ports through",
        ),
    };
    vec![InvalidInput::new(at, reason).decided_by(["ipProtocol"])]
}

/// Protocol and ports as AWS takes them.
fn sent(inputs: &Inputs) -> (String, Option<i32>, Option<i32>) {
    let protocol = match protocol(inputs.ip_protocol.as_str().into()) {
        Value::String(protocol) => protocol,
        _ => inputs.ip_protocol.clone(),
    };
    let given = |port: Option<i32>| port.filter(|port| *port != -1);
    let (from, to) = (given(inputs.from_port), given(inputs.to_port));
    if matches!(protocol.as_str(), "icmp" | "icmpv6") {
        return (protocol, from.or(Some(-1)), to.or(Some(-1)));
    }
    (protocol, from, to)
}

/// A rule as the create calls take it.
pub(super) fn permission(inputs: &Inputs) -> IpPermission {
    let (protocol, from, to) = sent(inputs);
    let description = || inputs.description.clone();
    IpPermission::builder()
        .ip_protocol(protocol)
        .set_from_port(from)
        .set_to_port(to)
        .set_ip_ranges(inputs.cidr_ipv4.as_ref().map(|range| {
            vec![
                IpRange::builder()
                    .cidr_ip(range)
                    .set_description(description())
                    .build(),
            ]
        }))
        .set_ipv6_ranges(inputs.cidr_ipv6.as_ref().map(|range| {
            vec![
                Ipv6Range::builder()
                    .cidr_ipv6(range)
                    .set_description(description())
                    .build(),
            ]
        }))
        .set_prefix_list_ids(inputs.prefix_list_id.as_ref().map(|id| {
            vec![
                PrefixListId::builder()
                    .prefix_list_id(id)
                    .set_description(description())
                    .build(),
            ]
        }))
        .set_user_id_group_pairs(inputs.referenced_security_group_id.as_ref().map(|id| {
            vec![
                UserIdGroupPair::builder()
                    .group_id(id)
                    .set_description(description())
                    .build(),
            ]
        }))
        .build()
}

/// A rule as the modify call takes it: whole.
pub(super) fn request(inputs: &Inputs) -> SecurityGroupRuleRequest {
    let (protocol, from, to) = sent(inputs);
    SecurityGroupRuleRequest::builder()
        .ip_protocol(protocol)
        .set_from_port(from)
        .set_to_port(to)
        .set_cidr_ipv4(inputs.cidr_ipv4.clone())
        .set_cidr_ipv6(inputs.cidr_ipv6.clone())
        .set_prefix_list_id(inputs.prefix_list_id.clone())
        .set_referenced_group_id(inputs.referenced_security_group_id.clone())
        .set_description(inputs.description.clone())
        .build()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rule(protocol: &str, from: Option<i32>, to: Option<i32>) -> Inputs {
        Inputs {
            security_group_id: "sg-1".into(),
            ip_protocol: protocol.into(),
            from_port: from,
            to_port: to,
            cidr_ipv4: Some("10.0.0.0/8".into()),
            cidr_ipv6: None,
            prefix_list_id: None,
            referenced_security_group_id: None,
            description: None,
        }
    }

    #[test]
    fn ports_are_sent_as_aws_takes_them() {
        let sent = |inputs| fit(&inputs).is_empty().then(|| sent(&inputs));
        let (some, all) = (Some(443), Some(-1));
        assert_eq!(
            sent(rule("6", some, some)),
            Some(("tcp".into(), some, some))
        );
        assert_eq!(sent(rule("tcp", some, None)), None);
        assert_eq!(
            sent(rule("icmp", None, None)),
            Some(("icmp".into(), all, all))
        );
        assert_eq!(
            sent(rule("-1", None, None)),
            Some(("-1".into(), None, None))
        );
        assert_eq!(sent(rule("-1", all, all)), Some(("-1".into(), None, None)));
        assert_eq!(sent(rule("-1", Some(0), Some(0))), None);
    }

    #[test]
    fn icmp_is_of_the_kind_of_its_range() {
        let said = |protocol: &str, six: bool| {
            let mut inputs = rule(protocol, None, None);
            if six {
                inputs.cidr_ipv4 = None;
                inputs.cidr_ipv6 = Some("::/0".into());
            }
            let mut invalid_inputs = fit(&inputs).into_iter();
            invalid_inputs
                .next()
                .and_then(|invalid_input| invalid_input.help)
        };
        assert_eq!(said("icmp", false), None);
        assert_eq!(said("58", true), None);
        assert_eq!(said("1", true).as_deref(), Some("write `icmpv6`"));
        assert_eq!(said("58", false).as_deref(), Some("write `icmp`"));
        let mut of_group = rule("icmpv6", None, None);
        of_group.cidr_ipv4 = None;
        of_group.referenced_security_group_id = Some("sg-2".into());
        assert!(fit(&of_group).is_empty());
    }

    #[test]
    fn a_rule_has_one_peer() {
        let mut inputs = rule("-1", None, None);
        inputs.prefix_list_id = Some("pl-1".into());
        assert!(!fit(&inputs).is_empty());
        inputs.cidr_ipv4 = None;
        assert!(fit(&inputs).is_empty());
        inputs.prefix_list_id = None;
        assert!(!fit(&inputs).is_empty());
    }

    #[test]
    fn spellings_of_one_rule_are_the_same() {
        let mut other = rule("all", Some(-1), None);
        other.cidr_ipv4 = Some("10.1.2.3/8".into());
        other.description = Some("x".into());
        assert!(lets_the_same_through(&rule("-1", None, None), &other));
        assert!(!lets_the_same_through(
            &rule("tcp", Some(1), Some(1)),
            &other
        ));
    }
}
