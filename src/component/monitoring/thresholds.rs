//! The thresholds of the alarms, defaults filled in.

use super::spec::AlarmsSpec;
use crate::component::threshold::Threshold;
use crate::stack::Environment;

/// The thresholds of the alarms; `None` for no such alarm.
#[derive(Debug, Clone, PartialEq)]
pub struct Thresholds {
    pub database_cpu_percent: Option<u32>,
    pub database_connections_percent: Option<u32>,
    pub free_storage: Option<Later>,
    pub free_memory: Option<Later>,
    pub cpu_credits: Option<Later>,
    pub replica_lag: Option<Later>,
    pub response_time_seconds: Option<f64>,
    pub errors: Option<u32>,
}

impl Thresholds {
    /// Fills in the defaults.
    pub fn resolve_defaults(spec: &AlarmsSpec, environment: Environment) -> Self {
        let later = |threshold| Later::resolve_defaults(threshold, environment);
        Self {
            database_cpu_percent: Threshold::or(spec.database_cpu_percent, 80),
            database_connections_percent: Threshold::or(spec.database_connections_percent, 90),
            free_storage: later(spec.database_free_storage_gib),
            free_memory: later(spec.database_free_memory_mib),
            cpu_credits: later(spec.database_cpu_credits),
            replica_lag: later(spec.database_replica_lag_seconds),
            response_time_seconds: Threshold::or(spec.response_time_seconds, 5.0),
            errors: Threshold::or(spec.errors, 10),
        }
    }
}

/// An alarm that dev has only if its file says so.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Later {
    /// `None` for a value that suits the database.
    pub at: Option<u32>,
    /// True if the file does not say so.
    pub by_default: bool,
}

impl Later {
    fn resolve_defaults(
        threshold: Option<Threshold<u32>>,
        environment: Environment,
    ) -> Option<Self> {
        let said = |at| Self {
            at,
            by_default: false,
        };
        match threshold {
            None => (environment != Environment::Dev).then_some(Self {
                at: None,
                by_default: true,
            }),
            Some(Threshold::Switch(is_on)) => is_on.then_some(said(None)),
            Some(Threshold::At(number)) => Some(said(Some(number))),
        }
    }
}
