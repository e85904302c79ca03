//! The commands, one file for each.

pub mod destroy;
pub mod history;
pub mod output;
pub mod preview;
pub mod sandbox;
pub mod schema;
pub mod unlock;
pub mod up;
pub mod validate;
