//! `loadBalancer:`, described in `resources.rs`.

pub mod access_logs;
mod firewall;
pub mod plain_http;
mod resources;
mod routes;

pub use resources::{
    KEY, LoadBalancer, LoadBalancerSpec, load_balancer, resolve_defaults, target_group,
};
