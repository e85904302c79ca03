//! `database:`, described in `resources.rs`.

pub mod access;
mod checks;
pub mod instance_class;
mod logs;
mod parameters;
mod resources;

pub use resources::{
    Database, DatabaseSpec, KEY, instance, parameter_group, replica, resolve_defaults,
};
