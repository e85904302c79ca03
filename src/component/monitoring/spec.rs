//! The keys of `monitoring:`.

use schemars::JsonSchema;
use serde::Deserialize;

use crate::component::threshold::Threshold;

/// Alarms to a topic, and a dashboard.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
#[schemars(rename = "Monitoring", extend("x-synonyms" = { "events": "databaseEvents" }))]
pub struct MonitoringSpec {
    /// The name of the dashboard, unique in the account: up to 255 letters, digits, `-` and `_`. Default: derived from
    /// stack and region.
    #[schemars(example = &"HappyRobot-FDE-dev", length(min = 1, max = 255))]
    pub dashboard: Option<String>,
    /// Days that the logs of the services are kept: 1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096,
    /// 1827, 2192, 2557, 2922, 3288 or 3653; 0 keeps them indefinitely. Default: 7 in dev, 14 in staging, 365
    /// in prod.
    #[schemars(example = 7)]
    pub log_retention_days: Option<u32>,
    /// The addresses that are written to when an alarm rings. Each has to confirm the mail that AWS sends it first.
    #[schemars(example = ["oncall@example.com"])]
    #[schemars(extend("x-item-pattern" = "^[^@ ]+@[^@ ]+\\.[^@ ]+$"))]
    pub alarm_emails: Vec<String>,
    /// Sends the events of the database to the same addresses: failures, failovers, restarts, maintenance, low storage, and
    /// changes of its configuration or its parameters. Default: true in staging and prod.
    pub database_events: Option<bool>,
    /// The thresholds of the alarms.
    pub alarms: AlarmsSpec,
}

/// The thresholds of the alarms: a number, `false` for no such alarm, or `true` for the default number where there would be
/// none. The CPU of a service is set with the service.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
#[schemars(
    rename = "Alarms",
    extend("x-synonyms" = {
        "storage": "databaseFreeStorageGiB", "freeStorage": "databaseFreeStorageGiB",
        "memory": "databaseFreeMemoryMiB", "freeMemory": "databaseFreeMemoryMiB",
        "credits": "databaseCpuCredits", "cpuCredits": "databaseCpuCredits",
        "lag": "databaseReplicaLagSeconds", "replicaLag": "databaseReplicaLagSeconds",
    })
)]
pub struct AlarmsSpec {
    /// The CPU of the database, in percent, for 10 minutes. Default: 80.
    #[schemars(range(min = 1, max = 100))]
    pub database_cpu_percent: Option<Threshold<u32>>,
    /// The connections of the database, in percent of `max_connections`, for 10 minutes. Default: 90.
    #[schemars(range(min = 1, max = 100))]
    pub database_connections_percent: Option<Threshold<u32>>,
    /// Less free storage than this many GiB, of the database or a read replica, for 10 minutes; for 15 with `maxStorageGiB`,
    /// so that RDS has time to add some. Default: a tenth of `storageGiB` in staging and prod.
    #[schemars(
        rename = "databaseFreeStorageGiB",
        example = 10,
        range(min = 1, max = 65536)
    )]
    #[serde(rename = "databaseFreeStorageGiB")]
    pub database_free_storage_gib: Option<Threshold<u32>>,
    /// Less free memory than this many MiB, of the database or a read replica, for 15 minutes. Default: a tenth of what its
    /// class has in staging and prod, or 256 where that is not known.
    #[schemars(
        rename = "databaseFreeMemoryMiB",
        example = 400,
        range(min = 1, max = 1_048_576)
    )]
    #[serde(rename = "databaseFreeMemoryMiB")]
    pub database_free_memory_mib: Option<Threshold<u32>>,
    /// CPU credits of burstable classes, whose CPU is free only up to a baseline: more than this are borrowed, for 10
    /// minutes; of `db.t2`, which cannot borrow, fewer are left. Default: half of what a day earns, and AWS charges for what
    /// is more than a day earns, in staging and prod; of `db.t2` 20.
    #[schemars(example = 288, range(min = 1, max = 100_000))]
    pub database_cpu_credits: Option<Threshold<u32>>,
    /// The data of a read replica is older than this many seconds, for 10 minutes. Without writes it is up to 5 minutes old.
    /// Default: 300 in staging and prod.
    #[schemars(example = 300, range(min = 1, max = 86400))]
    pub database_replica_lag_seconds: Option<Threshold<u32>>,
    /// The average response time of the load balancer, in seconds, for 5 minutes. Default: 5.
    #[schemars(range(min = 0.01, max = 300))]
    pub response_time_seconds: Option<Threshold<f64>>,
    /// Answers with a 5XX code within 5 minutes. Default: 10.
    #[schemars(range(min = 1, max = 1_000_000))]
    pub errors: Option<Threshold<u32>>,
}
