//! `services:`, described in `spec.rs`.

mod checks;
mod images;
mod resources;
pub mod scaled;
mod spec;
mod task_roles;

pub use resources::camel_case;
pub use spec::{KEY, Service, Services, cluster, cluster_name, resolve_defaults, schema};
