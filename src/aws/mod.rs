//! Every call to AWS: the [`Provider`](crate::resource::Provider) that the engine works with on a real account.
//!
//! One file per resource type, listed in [`registry`]. To add one, start from the exemplars: `iam/role.rs` (found by
//! name) and `ec2/vpc.rs` (found by id), and read [`resource_type`] for the contract. Calls go through
//! [`Clients::send`], which paces and repeats them; waiting goes through [`wait`].
//!
//! This module must not know of plans or terminals, or that an emulator exists.

mod answer;
pub mod autoscaling;
pub mod cloudcontrol;
pub mod cloudwatch;
mod connection;
mod context;
mod credentials;
pub mod ec2;
pub mod ecr;
pub mod ecs;
pub mod elbv2;
mod endpoints;
pub mod error;
mod hands;
mod http;
pub mod iam;
mod keyed_lock;
mod kms;
pub mod logs;
pub mod lost_response;
mod opt_in;
mod pages;
pub mod policy;
mod provider;
pub mod rate;
pub mod rds;
pub mod registry;
mod request;
pub mod resource_type;
pub mod retry;
pub mod s3;
mod sdk_tag;
pub mod secretsmanager;
pub mod sns;
mod ssm;
mod states;
pub mod tag_index;
pub mod tags;
mod usual;
pub mod wafv2;
pub mod wait;

pub use connection::Connection;
pub use context::{Clients, ConnectError, Context, connect};
pub use credentials::is_about_time;
pub use endpoints::Endpoint;
pub use http::BundleError;
pub use provider::AwsProvider;

#[cfg(test)]
mod fixtures;
