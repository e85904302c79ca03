//! `monitoring:`: alarms to a topic, and a dashboard to look at when one rings.
//!
//! ```yaml
//! monitoring:
//!   dashboard: HappyRobot-FDE-dev
//!   alarmEmails: [oncall@example.com]
//! ```
//!
//! What is watched follows from the other sections: the CPU of each service, its unhealthy targets, the CPU and the
//! connections of the database, the response time and the errors of the load balancer. Offers
//! `${monitoring.topicArn}`, `dashboardName` and `dashboardUrl`. Alarms are made in `alarms.rs`, the dashboard in
//! `dashboard.rs`.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::Deserialize;

use crate::resource::value::properties;
use crate::resource::{Path, StackId, Urn, Value};
use crate::stack::{Environment, Fault};

use super::context::Context;
use super::lookup::Export;
use super::{Platform, alarms, dashboard, policy};

pub const KEY: &str = "monitoring";

/// The days that CloudWatch takes.
const RETENTION_DAYS: &[u32] = &[
    1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922,
    3288, 3653,
];

/// Alarms to a topic, and a dashboard.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
#[schemars(rename = "Monitoring")]
pub struct MonitoringSpec {
    /// The name of the dashboard, unique in the account: up to 255 letters, digits, `-` and `_`. Default: derived from
    /// stack and region.
    #[schemars(example = &"HappyRobot-FDE-dev", length(min = 1, max = 255))]
    pub dashboard: Option<String>,
    /// Days that the logs of the services are kept: 1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096,
    /// 1827, 2192, 2557, 2922, 3288 or 3653; 0 keeps them indefinitely. Default: 7 in dev, 14 in staging, 30 in prod.
    #[schemars(example = 7)]
    pub log_retention_days: Option<u32>,
    /// Who is written to when an alarm rings. Each address has to confirm the mail that AWS sends it first.
    #[schemars(example = ["oncall@example.com"])]
    pub alarm_emails: Vec<String>,
    /// When to raise an alarm.
    pub alarms: AlarmsSpec,
}

/// When to raise an alarm. The CPU of a service is set with the service.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
#[schemars(rename = "Alarms")]
pub struct AlarmsSpec {
    /// The CPU of the database, in percent, for 10 minutes. Default: 80.
    #[schemars(range(min = 1, max = 100))]
    pub database_cpu_percent: Option<u32>,
    /// The connections of the database, in percent of `max_connections`, for 10 minutes. Default: 90.
    #[schemars(range(min = 1, max = 100))]
    pub database_connections_percent: Option<u32>,
    /// The average response time of the load balancer, in seconds, for 5 minutes. Default: 5.
    #[schemars(range(min = 0.01, max = 300))]
    pub response_time_seconds: Option<f64>,
    /// Answers with a 5XX code within 5 minutes. Default: 10.
    #[schemars(range(min = 1, max = 1_000_000))]
    pub errors: Option<u32>,
}

/// Monitoring, settled.
#[derive(Debug, Clone, PartialEq)]
pub struct Monitoring {
    pub dashboard: String,
    /// The name that an earlier version derived, where the file gives none.
    earlier_dashboard: Option<String>,
    pub log_retention_days: u32,
    emails: Vec<String>,
    pub thresholds: Thresholds,
}

/// When to raise an alarm.
#[derive(Debug, Clone, PartialEq)]
pub struct Thresholds {
    pub database_cpu_percent: u32,
    pub database_connections_percent: u32,
    pub response_time_seconds: f64,
    pub errors: u32,
}

/// The topic that alarms are told to.
pub fn topic(stack: &StackId) -> Urn {
    Urn::new(stack, "aws:sns:Topic", "monitoring/topic")
}

/// How long logs are kept where nothing is said.
pub fn default_log_retention(environment: Environment) -> u32 {
    environment.choose(7, 14, 30)
}

/// Fills in the defaults and checks the section. `None` if it is absent or structurally at fault.
pub fn settle(context: &mut Context<'_>) -> Option<Monitoring> {
    let spec: MonitoringSpec = context.spec(KEY)?;
    check(context, &spec);
    let id = &context.id;
    // Names are the account's, whatever the region.
    let earlier = format!("{}-{}", id.name, id.environment);
    let derived = format!("{earlier}-{}", context.stack.region);
    Some(Monitoring {
        earlier_dashboard: spec.dashboard.is_none().then_some(earlier),
        dashboard: spec.dashboard.unwrap_or(derived),
        log_retention_days: spec
            .log_retention_days
            .unwrap_or_else(|| default_log_retention(context.environment())),
        emails: spec.alarm_emails,
        thresholds: Thresholds {
            database_cpu_percent: spec.alarms.database_cpu_percent.unwrap_or(80),
            database_connections_percent: spec.alarms.database_connections_percent.unwrap_or(90),
            response_time_seconds: spec.alarms.response_time_seconds.unwrap_or(5.0),
            errors: spec.alarms.errors.unwrap_or(10),
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
    if let Some(days) = spec.log_retention_days
        && days != 0
        && !RETENTION_DAYS.contains(&days)
    {
        let nearest = RETENTION_DAYS.iter().find(|allowed| **allowed > days);
        let nearest = nearest
            .or(RETENTION_DAYS.last())
            .copied()
            .unwrap_or_default();
        let label = format!("CloudWatch does not keep logs for {days} days");
        let help = format!("the next longer time is {nearest}; 0 keeps them indefinitely");
        context.refuse_with_help(
            Fault::OutOfRange,
            "monitoring.logRetentionDays",
            label,
            help,
        );
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

impl Monitoring {
    /// What `${monitoring.…}` can ask for.
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
        let policy = policy::document(vec![Value::object([
            ("Sid", "Alarms".into()),
            ("Effect", "Allow".into()),
            (
                "Principal",
                Value::object([("Service", "cloudwatch.amazonaws.com".into())]),
            ),
            ("Action", "sns:Publish".into()),
            ("Resource", topic_arn.clone()),
            ("Condition", policy::from_this_account(&stack)),
        ])]);
        let topic_policy = context.urn("aws:sns:TopicPolicy", "monitoring/topicPolicy");
        let inputs = properties([("arn", topic_arn.clone()), ("policy", policy)]);
        context.add(KEY, topic_policy, inputs);
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
        let alarms = alarms::expand(context, platform, &self.thresholds);
        let dashboard = dashboard::expand(context, platform, &self.dashboard, &alarms);
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
}
