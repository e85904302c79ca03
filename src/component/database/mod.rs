//! `database:`: a PostgreSQL instance in the private subnets, reached by the services alone, with a password that no one
//! sees.
//!
//! ```yaml
//! database:
//!   engineVersion: "15"
//!   instanceClass: db.t3.micro
//!   parameters: { max_connections: 200 }
//! ```
//!
//! Secrets Manager generates the password; RDS gets it from there, and services through `secrets:`. Offers
//! `${database.endpoint}`, `host`, `port`, `databaseName`, `username`, `identifier`, `arn`, `secretArn`, `replicaHosts`,
//! `resourceId`, and, for `secrets:` of a service alone, `${database.url}` and `${database.password}`. The section is
//! checked in `checks.rs`; its logs are in `logs.rs`, and logins without a password in `access.rs`.

mod access;
mod checks;
mod instance_class;
mod logs;
mod model;
mod parameters;
mod resources;
mod spec;
mod urns;

pub use instance_class::Credits;
pub use model::{Database, resolve_defaults};
pub use spec::DatabaseSpec;
pub use spec::key_of;
pub use urns::{instance, parameter_group, replica};
