//! `monitoring:`, described in `resources.rs`.

mod alarms;
mod dashboard;
mod database_alarms;
mod database_events;
mod resources;

pub use resources::{
    KEY, Monitoring, MonitoringSpec, check_retention, default_log_retention, earlier_log_retention,
    resolve_defaults,
};
