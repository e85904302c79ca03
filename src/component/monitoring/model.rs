//! Monitoring, defaults filled in.

use super::database_alarms;
use super::spec::MonitoringSpec;
use super::thresholds::Thresholds;
use super::urns::KEY;
use crate::component::context::Context;
use crate::component::database::Database;
use crate::component::key::SectionKey;
use crate::component::log_retention;
use crate::component::threshold::Threshold;
use crate::resource::Path;
use crate::stack::{Environment, Fault};

/// Monitoring, settled.
#[derive(Debug, Clone, PartialEq)]
pub struct Monitoring {
    pub dashboard: String,
    /// The name that an earlier version derived, where the file gives none.
    pub(super) earlier_dashboard: Option<String>,
    pub log_retention_days: u32,
    pub(super) emails: Vec<String>,
    pub(super) database_events: Option<Events>,
    pub thresholds: Thresholds,
}

/// The settings of the events, if they are sent.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Events {
    /// True if the file does not say so.
    pub(super) by_default: bool,
}

/// Fills in the defaults and checks the section. `None` if it is absent or structurally at fault.
pub fn resolve_defaults(
    context: &mut Context<'_>,
    database: Option<&Database>,
) -> Option<Monitoring> {
    let spec: MonitoringSpec = context.spec(KEY)?;
    check(context, &spec);
    if let Some(database) = database {
        database_alarms::check(context, &spec.alarms, database);
    }
    let environment = context.environment();
    let id = &context.id;
    // Names are unique in the account, whatever the region.
    let earlier = format!("{}-{}", id.name, id.environment);
    let derived = format!("{earlier}-{}", context.stack.region);
    Some(Monitoring {
        earlier_dashboard: spec.dashboard.is_none().then_some(earlier),
        dashboard: spec.dashboard.unwrap_or(derived),
        log_retention_days: spec
            .log_retention_days
            .unwrap_or_else(|| log_retention::by_default(context.environment())),
        emails: spec.alarm_emails,
        database_events: spec
            .database_events
            .unwrap_or(environment != Environment::Dev)
            .then_some(Events {
                by_default: spec.database_events.is_none(),
            }),
        thresholds: Thresholds::resolve_defaults(&spec.alarms, environment),
    })
}

fn check(context: &mut Context<'_>, spec: &MonitoringSpec) {
    if let Some(name) = &spec.dashboard
        && !name
            .chars()
            .all(|c| c.is_ascii_alphanumeric() || "-_".contains(c))
    {
        let label = "takes letters, digits, `-` and `_`";
        context.refuse(Fault::Name, "monitoring.dashboard", label);
    }
    check_watched(context, spec);
    if let Some(days) = spec.log_retention_days {
        log_retention::check(context, days, "monitoring.logRetentionDays");
    }
    for (index, address) in spec.alarm_emails.iter().enumerate() {
        let path = Path::from("monitoring.alarmEmails").index(index);
        let sound = address.split_once('@').is_some_and(|(user, host)| {
            !user.is_empty() && host.contains('.') && !address.contains(char::is_whitespace)
        });
        if !sound {
            context.refuse(Fault::Value, &path, "is not an e-mail address");
        } else if spec.alarm_emails[..index].contains(address) {
            context.refuse(Fault::Duplicate, &path, "is given twice");
        }
    }
}

/// Refuses an alarm on, or events of, something that the stack does not have: it would never ring, and nothing would say so.
fn check_watched(context: &mut Context<'_>, spec: &MonitoringSpec) {
    let alarms = &spec.alarms;
    let is_asked = |threshold: &Option<Threshold<u32>>| Threshold::is_asked(threshold.as_ref());
    for (key, is_asked) in [
        ("databaseCpuPercent", is_asked(&alarms.database_cpu_percent)),
        (
            "databaseConnectionsPercent",
            is_asked(&alarms.database_connections_percent),
        ),
        (
            "databaseFreeStorageGiB",
            is_asked(&alarms.database_free_storage_gib),
        ),
        (
            "databaseFreeMemoryMiB",
            is_asked(&alarms.database_free_memory_mib),
        ),
        ("databaseCpuCredits", is_asked(&alarms.database_cpu_credits)),
        (
            "databaseReplicaLagSeconds",
            is_asked(&alarms.database_replica_lag_seconds),
        ),
    ] {
        if is_asked {
            let path = Path::from("monitoring.alarms").key(key);
            context.need_section(path, SectionKey::Database, "watches a database");
        }
    }
    if spec.database_events == Some(true) {
        let path = "monitoring.databaseEvents";
        context.need_section(path, SectionKey::Database, "reports on a database");
    }
    let response_time = Threshold::is_asked(alarms.response_time_seconds.as_ref());
    for (key, is_asked) in [
        ("responseTimeSeconds", response_time),
        ("errors", is_asked(&alarms.errors)),
    ] {
        if is_asked {
            let path = Path::from("monitoring.alarms").key(key);
            context.need_section(path, SectionKey::LoadBalancer, "watches a load balancer");
        }
    }
}

impl Monitoring {
    /// Returns whether RDS notifies the topic of events of the database.
    pub fn has_database_events(&self) -> bool {
        self.database_events.is_some()
    }
}
