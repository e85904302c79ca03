//! `network:`, described in `resources.rs`.

mod address_ranges;
mod flow_logs;
mod resources;
pub mod security_groups;

pub use resources::{
    KEY, NatGateways, Network, NetworkSpec, internet_gateway, resolve_defaults, vpc,
};
