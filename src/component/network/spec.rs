//! The keys of `network:`.

use schemars::JsonSchema;
use serde::Deserialize;

use super::flow_logs::FlowLogsSpec;
use crate::component::elsewhere;

/// The network of the platform: a VPC with a public and a private subnet per availability zone.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
#[schemars(rename = "Network", extend("x-unsupported" = elsewhere::network_unsupported()))]
pub struct NetworkSpec {
    /// The address range of the VPC, `/16` to `/28`. Default: `10.0.0.0/16`.
    #[schemars(example = &"10.0.0.0/16")]
    pub cidr: Option<String>,
    /// The number of zones, or their names. A load balancer and a database need two. Default: as many as there are subnets
    /// in the lists below, else 2.
    #[schemars(example = 2)]
    pub availability_zones: Option<Zones>,
    /// The address ranges of the public subnets, one per zone. Default: carved from `cidr`.
    #[schemars(example = ["10.0.101.0/24", "10.0.102.0/24"])]
    pub public_subnets: Option<Vec<String>>,
    /// The address ranges of the private subnets, one per zone. Default: carved from `cidr`.
    #[schemars(example = ["10.0.1.0/24", "10.0.2.0/24"])]
    pub private_subnets: Option<Vec<String>>,
    /// The NAT gateways through which the private subnets reach the internet. Default: `single` in dev, `perZone` in staging
    /// and prod.
    pub nat_gateways: Option<NatGateways>,
    /// A record of all traffic, accepted and refused: `true`, `false`, or where it goes. Default: true in prod.
    #[schemars(example = serde_json::json!({ "to": "logs", "retentionDays": 14 }))]
    pub flow_logs: Option<FlowLogsSpec>,
    /// Gives what is started in the public subnets a public address unless it says otherwise. Nothing that a section makes
    /// needs it: services without NAT ask for theirs, NAT gateways have elastic ones, and load balancers get theirs from
    /// AWS. Default: false.
    pub public_addresses: Option<bool>,
    /// The traffic allowed by the security group that AWS makes with the VPC, and that applies to everything that names
    /// none. The sections never use it. Default: `closed`.
    pub default_security_group: Option<DefaultSecurityGroup>,
}

/// A number of zones, or their names.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(untagged)]
#[schemars(inline)]
pub enum Zones {
    Count(#[schemars(range(min = 1, max = 6))] u8),
    Names(#[schemars(length(min = 1, max = 6))] Vec<String>),
}

/// The NAT gateways through which private subnets reach the internet.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(extend("x-synonyms" = { "one": "single", "perAz": "perZone", "multi": "perZone", "all": "perZone", "off": "none" }))]
pub enum NatGateways {
    /// A NAT gateway in each zone: the failure of a zone stays there.
    PerZone,
    /// One NAT gateway for all zones, for a fraction of the price.
    Single,
    /// No NAT gateway. Services then run in the public subnets, with public addresses, behind their security group.
    None,
}

/// The traffic that the default security group of the VPC allows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum DefaultSecurityGroup {
    /// Nothing. Rules that other parties add to it are removed; those that a stack has made stay.
    Closed,
    /// The default of AWS: everything from the group itself, and everything out. Rules of other parties stay.
    Open,
}
