//! The inputs and outputs of a rule.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::canonical::{port, protocol};
use crate::aws::ec2::network_address;
use crate::aws::ec2::security_group::model::DESCRIPTION;
use crate::aws::resource_type::Live;
use crate::resource::{OutputTable, PropertyTable};

/// The traffic that a security group lets through.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema, PropertyTable)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Inputs {
    /// Id of the group.
    #[property(required, replaces)]
    pub security_group_id: String,
    /// `tcp`, `udp`, `icmp`, `icmpv6`, the number of another protocol, or `-1` for all.
    #[property(required, canonical(protocol))]
    pub ip_protocol: String,
    /// First port, 0 to 65535; for ICMP the type, -1 for all. Left out for other protocols, which have no ports.
    #[schemars(range(min = -1, max = 65535))]
    #[property(canonical(port))]
    pub from_port: Option<i32>,
    /// Last port, 0 to 65535; for ICMP the code, -1 for all. Left out for other protocols, which have no ports.
    #[schemars(range(min = -1, max = 65535))]
    #[property(canonical(port))]
    pub to_port: Option<i32>,
    /// The peer, as an IPv4 range in CIDR notation. Exactly one peer is given.
    #[property(canonical(network_address))]
    pub cidr_ipv4: Option<String>,
    /// The peer, as an IPv6 range in CIDR notation. Exactly one peer is given.
    #[property(canonical(network_address))]
    pub cidr_ipv6: Option<String>,
    /// The peer, as the id of a prefix list. Exactly one peer is given.
    pub prefix_list_id: Option<String>,
    /// The peer, as the id of a security group of this account. Exactly one peer is given.
    pub referenced_security_group_id: Option<String>,
    /// At most 255 letters, digits, spaces and `._-:/()#,@[]+=&;{}!$*`.
    #[property(text(DESCRIPTION))]
    pub description: Option<String>,
}

#[derive(Debug, Clone, Serialize, Deserialize, OutputTable)]
#[serde(rename_all = "camelCase")]
pub struct Outputs {
    /// `sgr-…`, the same as the id.
    pub security_group_rule_id: String,
}

pub(super) type Rule = Live<Inputs, Outputs>;

pub(super) const GROUP: &str = "aws:ec2:SecurityGroup";
