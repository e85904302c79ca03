//! `services:`: containers on Fargate, each with its image repository, logs, roles, scaling and health check.
//!
//! ```yaml
//! services:
//!   api:
//!     port: 8000
//!     routes: ["/api/*"]
//!     environment: { LOG_LEVEL: info }
//!     secrets: { DATABASE_URL: "${database.url}" }
//! ```
//!
//! The image is up to the author (`image: 2024-06-01`) or to the pipeline: without `image`, the service starts with the tag
//! `latest` of its own repository, and later keeps whatever was deployed since. While that repository is empty the service
//! is kept at zero tasks, so that the first `up` does not wait for an image that no one can have pushed yet.
//!
//! Offers `${services.clusterName}`, `${services.clusterArn}`, and for each service `serviceName`, `repositoryUrl`,
//! `repositoryName`, `logGroupName`, `taskRoleArn` and `image`, the image that it runs: another service runs the same with
//! `image: ${services.api.image}`. Roles and secrets are made in `task_roles.rs`.

mod checks;
mod defaults;
mod images;
mod model;
mod resources;
mod scaled;
mod scaling;
mod spec;
mod task_roles;
mod urns;

pub use defaults::resolve_defaults;
pub use model::{Service, Services};
pub use scaled::tell_limits;
pub use spec::schema;
pub use urns::cluster;
