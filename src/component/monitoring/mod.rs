//! `monitoring:`: alarms to a topic, and a dashboard to look at when one rings.
//!
//! ```yaml
//! monitoring:
//!   dashboard: HappyRobot-FDE-dev
//!   alarmEmails: [oncall@example.com]
//! ```
//!
//! The other sections decide what is watched: the CPU of each service, its unhealthy targets, the CPU and the connections of
//! the database and what it may run out of, the response time and the errors of the load balancer. Events of the database go
//! to the same topic. Offers `${monitoring.topicArn}`, `dashboardName` and `dashboardUrl`. Alarms are made in `alarms.rs`
//! and `database_alarms.rs`, subscriptions to events in `database_events.rs`, the dashboard in `dashboard.rs`.

mod alarm;
mod alarms;
mod dashboard;
mod database_alarms;
mod database_events;
mod model;
mod resources;
mod spec;
mod thresholds;
mod urns;

pub use model::{Monitoring, resolve_defaults};
pub use spec::MonitoringSpec;
