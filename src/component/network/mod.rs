//! `network:`: a VPC with a public and a private subnet in each zone, the way out of them, and the security groups of what
//! runs in it.
//!
//! ```yaml
//! network:
//!   cidr: 10.0.0.0/16
//!   availabilityZones: 2
//!   natGateways: perZone
//!   publicAddresses: false
//!   defaultSecurityGroup: closed
//! ```
//!
//! Offers `${network.vpcId}`, `cidr`, `availabilityZones`, `publicSubnetIds`, `privateSubnetIds`, `natPublicIps`, and
//! `albSecurityGroupId`, `ecsSecurityGroupId` and `rdsSecurityGroupId` where there is something for them to guard. The
//! groups are made in `security_groups.rs`; `address_ranges.rs` checks and carves the ranges.

mod address_ranges;
mod flow_logs;
mod model;
mod resources;
pub mod security_groups;
mod spec;
mod urns;

pub use model::{Network, resolve_defaults};
pub use spec::{NatGateways, NetworkSpec};
pub use urns::{internet_gateway, vpc};
