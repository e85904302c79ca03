//! Every call to AWS: the [`Provider`] that the engine works with on a real account.
//!
//! One file per resource type, listed in [`registry`]. To add one, start from the exemplars: `iam/role.rs` (found by
//! name) and `ec2/vpc.rs` (found by id), and read [`resource_type`] for the contract. Calls go through
//! [`Context::call`], which paces, repeats and names them; waiting goes through [`wait`].
//!
//! This room must not know plans or terminals, nor that an emulator exists.

mod context;
pub mod ec2;
pub mod error;
pub mod iam;
pub mod policy;
mod provider;
mod rate;
pub mod registry;
pub mod resource_type;
pub mod retry;
mod tags;
pub mod wait;

pub use context::{ConnectError, Connection, Context, connect};
pub use provider::AwsProvider;
