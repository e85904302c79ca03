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

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::Deserialize;

use crate::resource::value::properties;
use crate::resource::{Path, StackId, Urn, Value};
use crate::stack::{Environment, Fault};

use super::{alarms, dashboard, database_alarms, database_events};
use crate::component::context::Context;
use crate::component::database::{self, Database};
use crate::component::lookup::Export;
use crate::component::threshold::Threshold;
use crate::component::{Platform, load_balancer, policy};

pub const KEY: &str = "monitoring";

/// The days that CloudWatch takes.
const RETENTION_DAYS: &[u32] = &[
    1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922,
    3288, 3653,
];

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

/// Monitoring, settled.
#[derive(Debug, Clone, PartialEq)]
pub struct Monitoring {
    pub dashboard: String,
    /// The name that an earlier version derived, where the file gives none.
    earlier_dashboard: Option<String>,
    pub log_retention_days: u32,
    emails: Vec<String>,
    database_events: Option<Events>,
    pub thresholds: Thresholds,
}

/// The settings of the events, if they are sent.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Events {
    /// True if the file does not say so.
    by_default: bool,
}

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

/// The topic that alarms notify.
pub fn topic(stack: &StackId) -> Urn {
    Urn::new(stack, "aws:sns:Topic", "monitoring/topic")
}

/// The days for which logs are kept by default.
pub fn default_log_retention(environment: Environment) -> u32 {
    environment.choose(7, 14, 365)
}

/// The same, in the first versions.
pub fn earlier_log_retention(environment: Environment) -> u32 {
    environment.choose(7, 14, 30)
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
    let later = |threshold| Later::resolve_defaults(threshold, environment);
    let id = &context.id;
    // Names are unique in the account, whatever the region.
    let earlier = format!("{}-{}", id.name, id.environment);
    let derived = format!("{earlier}-{}", context.stack.region);
    Some(Monitoring {
        earlier_dashboard: spec.dashboard.is_none().then_some(earlier),
        dashboard: spec.dashboard.unwrap_or(derived),
        log_retention_days: spec
            .log_retention_days
            .unwrap_or_else(|| default_log_retention(context.environment())),
        emails: spec.alarm_emails,
        database_events: spec
            .database_events
            .unwrap_or(environment != Environment::Dev)
            .then_some(Events {
                by_default: spec.database_events.is_none(),
            }),
        thresholds: Thresholds {
            database_cpu_percent: Threshold::or(spec.alarms.database_cpu_percent, 80),
            database_connections_percent: Threshold::or(
                spec.alarms.database_connections_percent,
                90,
            ),
            free_storage: later(spec.alarms.database_free_storage_gib),
            free_memory: later(spec.alarms.database_free_memory_mib),
            cpu_credits: later(spec.alarms.database_cpu_credits),
            replica_lag: later(spec.alarms.database_replica_lag_seconds),
            response_time_seconds: Threshold::or(spec.alarms.response_time_seconds, 5.0),
            errors: Threshold::or(spec.alarms.errors, 10),
        },
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
        check_retention(context, days, "monitoring.logRetentionDays");
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
            context.need_section(path, database::KEY, "watches a database");
        }
    }
    if spec.database_events == Some(true) {
        let path = "monitoring.databaseEvents";
        context.need_section(path, database::KEY, "tells of a database");
    }
    let response_time = Threshold::is_asked(alarms.response_time_seconds.as_ref());
    for (key, is_asked) in [
        ("responseTimeSeconds", response_time),
        ("errors", is_asked(&alarms.errors)),
    ] {
        if is_asked {
            let path = Path::from("monitoring.alarms").key(key);
            context.need_section(path, load_balancer::KEY, "watches a load balancer");
        }
    }
}

/// Refuses a number of days for which CloudWatch cannot keep logs.
pub fn check_retention(context: &mut Context<'_>, days: u32, place: &'static str) {
    if days == 0 || RETENTION_DAYS.contains(&days) {
        return;
    }
    let nearest = RETENTION_DAYS.iter().find(|allowed| **allowed > days);
    let nearest = nearest
        .or(RETENTION_DAYS.last())
        .copied()
        .unwrap_or_default();
    let label = format!("CloudWatch does not keep logs for {days} days");
    let help = format!("the next longer time is {nearest}; 0 keeps them indefinitely");
    context.refuse_with_help(Fault::OutOfRange, place, label, help);
}

impl Monitoring {
    /// The outputs that `${monitoring.…}` can ask for.
    pub fn exports(&self, context: &Context<'_>) -> BTreeMap<String, Export> {
        [
            ("topicArn", Value::output(&topic(&context.id), "arn")),
            ("dashboardName", self.dashboard_name(context)),
            ("dashboardUrl", self.dashboard_url(context)),
        ]
        .into_iter()
        .map(|(name, value)| (name.to_owned(), Export::Value(value)))
        .collect()
    }

    /// Returns whether RDS notifies the topic of events of the database.
    pub fn has_database_events(&self) -> bool {
        self.database_events.is_some()
    }

    /// The name in the file, or that of the live dashboard.
    fn dashboard_name(&self, context: &Context<'_>) -> Value {
        match self.earlier_dashboard {
            None => self.dashboard.as_str().into(),
            Some(_) => Value::output(&dashboard::urn(&context.id), "dashboardName"),
        }
    }

    fn dashboard_url(&self, context: &Context<'_>) -> Value {
        let region = &context.stack.region;
        let console = if region.starts_with("cn-") {
            "console.amazonaws.cn"
        } else if region.starts_with("us-gov-") {
            "console.amazonaws-us-gov.com"
        } else {
            "console.aws.amazon.com"
        };
        let page = format!(
            "https://{region}.{console}/cloudwatch/home?region={region}#dashboards/dashboard/"
        );
        match self.dashboard_name(context) {
            Value::String(name) => (page + &name).into(),
            name => Value::join([page.into(), name]),
        }
    }

    /// Adds the resources of the section.
    pub fn expand(&self, context: &mut Context<'_>, platform: &Platform) {
        let stack = context.id.clone();
        let topic = topic(&stack);
        let inputs = properties([("displayName", format!("{stack} alarms").into())]);
        context.add(KEY, topic.clone(), inputs);
        let topic_arn = Value::output(&topic, "arn");
        let database = platform.database.as_ref();
        let events = database.zip(self.database_events);
        let publishes = |sid: &str, service: &str| {
            Value::object([
                ("Sid", sid.into()),
                ("Effect", "Allow".into()),
                ("Principal", Value::object([("Service", service.into())])),
                ("Action", "sns:Publish".into()),
                ("Resource", topic_arn.clone()),
                ("Condition", policy::from_this_account(&stack)),
            ])
        };
        let mut statements = vec![publishes("Alarms", "cloudwatch.amazonaws.com")];
        if events.is_some() {
            // <https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/USER_Events.GrantingPermissions.html>
            statements.push(publishes("DatabaseEvents", "events.rds.amazonaws.com"));
        }
        let topic_policy = context.urn("aws:sns:TopicPolicy", "monitoring/topicPolicy");
        let inputs = properties([
            ("arn", topic_arn.clone()),
            ("policy", policy::document(statements)),
        ]);
        let resource = context.add(KEY, topic_policy.clone(), inputs);
        if events.is_some_and(|(_, events)| events.by_default) {
            resource.new_default("policy", None::<Value>, database_events::KEEP);
        }
        for (index, address) in self.emails.iter().enumerate() {
            let name = format!("monitoring/email{}", index + 1);
            let urn = context.urn("aws:sns:TopicSubscription", &name);
            let inputs = properties([
                ("topic", topic_arn.clone()),
                ("protocol", "email".into()),
                ("endpoint", address.as_str().into()),
            ]);
            context.add(KEY, urn, inputs);
        }
        if let Some((database, events)) = events {
            database_events::expand(context, database, &topic_policy, events.by_default);
        }
        let alarms = alarms::expand(context, platform, &self.thresholds);
        let new = database.map_or_else(Vec::new, |database| {
            database_alarms::by_default(database, &self.thresholds)
        });
        let dashboard = dashboard::expand(context, platform, self, &alarms);
        if !new.is_empty() {
            let keys: Vec<String> = new.iter().map(|key| format!("{key}: false")).collect();
            let keep = format!("monitoring.alarms: {{ {} }}", keys.join(", "));
            dashboard.new_default("dashboardBody", None::<Value>, keep);
        }
        let earlier = self.earlier_dashboard.iter();
        let earlier = earlier.map(|name| name.as_str().into());
        dashboard.options.earlier_names.extend(earlier);
        let url = self.dashboard_url(context);
        context.outputs.push(("dashboardUrl".to_owned(), url));
    }
}

#[cfg(test)]
mod tests {
    use expect_test::{Expect, expect};

    use crate::component::testing::faults_of;

    fn check(text: &str, expected: &Expect) {
        expected.assert_eq(&faults_of(text));
    }

    #[test]
    fn faults() {
        check("monitoring: {}\n", &expect!["fine"]);
        check(
            "monitoring:\n  dashboard: My Dashboard\n  logRetentionDays: 8\n  alarmEmails: [a@b.com, nobody, a@b.com]\n",
            &expect![[r#"
                2:14 name `My Dashboard`: takes letters, digits, `-` and `_`
                3:21 out_of_range `8`: CloudWatch does not keep logs for 8 days
                    help: the next longer time is 14; 0 keeps them indefinitely
                4:26 value `nobody`: is not an e-mail address
                4:34 duplicate `a@b.com`: is given twice
            "#]],
        );
    }
    #[test]
    fn what_the_stack_does_not_have_is_not_watched() {
        check(
            "monitoring:\n  databaseEvents: true\n  alarms: { databaseCpuPercent: 70, databaseCpuCredits: true, databaseFreeMemoryMiB: false, errors: 5, responseTimeSeconds: false }\n",
            &expect![[r#"
                2:3 missing_section `databaseEvents`: tells of a database
                    help: add `database: {}` for one with the defaults
                3:13 missing_section `databaseCpuPercent`: watches a database
                    help: add `database: {}` for one with the defaults
                3:37 missing_section `databaseCpuCredits`: watches a database
                    help: add `database: {}` for one with the defaults
                3:93 missing_section `errors`: watches a load balancer
                    help: add `loadBalancer: {}` for one with the defaults
            "#]],
        );
        let off = "{ databaseCpuPercent: false, errors: false, databaseReplicaLagSeconds: false }";
        let text = format!("monitoring: {{ databaseEvents: false, alarms: {off} }}\n");
        check(&text, &expect!["fine"]);
    }
}
