//! `resources:`, described in `resources.rs`.

pub mod inputs;
mod resources;

pub use resources::{KEY, declared, expand, has_listener, schema};
