//! The alarms of `monitoring:`.
//!
//! A metric that is missing means different things: a service that reports no CPU runs no task, which other alarms tell;
//! a load balancer that reports no errors had none. Neither is to ring, so missing data never does.

use crate::resource::value::properties;
use crate::resource::{Path, Properties, StackId, Urn, Value};

use super::context::Context;
use super::monitoring::{KEY, Thresholds, topic};
use super::services::{Service, Services, cluster};
use super::tasks::camel_case;
use super::{Platform, database, load_balancer};

/// One alarm: a metric, or the sum of several, and when it rings.
struct Alarm<'a> {
    /// The last part of its logical name.
    name: String,
    description: String,
    namespace: &'a str,
    metrics: Vec<&'a str>,
    statistic: &'a str,
    dimensions: Properties,
    threshold: f64,
    /// Seconds that one reading spans.
    period: u32,
    /// Readings in a row that ring.
    readings: u32,
}

/// Adds the alarms for what the platform has, and answers with them.
pub fn expand(context: &mut Context<'_>, platform: &Platform, thresholds: &Thresholds) -> Vec<Urn> {
    let stack = context.id.clone();
    let mut urns = Vec::new();
    if let Some(services) = &platform.services {
        for service in &services.all {
            let alarm = service_cpu(&stack, service);
            urns.push(add(context, service.path("alarms"), &alarm));
        }
    }
    if let Some(settled) = &platform.database {
        let connections =
            f64::from(settled.max_connections * thresholds.database_connections_percent) / 100.0;
        let percent = thresholds.database_connections_percent;
        let most = settled.max_connections;
        for alarm in [
            database_alarm(
                &stack,
                "databaseCpu",
                "CPUUtilization",
                format!(
                    "The CPU of the database is above {} %",
                    thresholds.database_cpu_percent
                ),
                f64::from(thresholds.database_cpu_percent),
            ),
            database_alarm(
                &stack,
                "databaseConnections",
                "DatabaseConnections",
                format!(
                    "More than {percent} % of the {most} connections of the database are in use"
                ),
                connections,
            ),
        ] {
            urns.push(add(context, KEY, &alarm));
        }
    }
    if platform.load_balancer.is_some() {
        let balancer = Value::output(&load_balancer::load_balancer(&stack), "arnSuffix");
        let dimensions = || properties([("LoadBalancer", balancer.clone())]);
        let time = thresholds.response_time_seconds;
        let errors = thresholds.errors;
        let alarms = [
            Alarm {
                name: "responseTime".to_owned(),
                description: format!("Answers take longer than {time} s on average"),
                namespace: "AWS/ApplicationELB",
                metrics: vec!["TargetResponseTime"],
                statistic: "Average",
                dimensions: dimensions(),
                threshold: time,
                period: 60,
                readings: 5,
            },
            Alarm {
                name: "errors".to_owned(),
                description: format!("More than {errors} answers in 5 minutes had a 5XX code"),
                namespace: "AWS/ApplicationELB",
                // What a service answers, and what the load balancer answers where no service does.
                metrics: vec!["HTTPCode_Target_5XX_Count", "HTTPCode_ELB_5XX_Count"],
                statistic: "Sum",
                dimensions: dimensions(),
                threshold: f64::from(errors),
                period: 300,
                readings: 1,
            },
        ];
        for alarm in alarms {
            urns.push(add(context, KEY, &alarm));
        }
        for service in platform.services.iter().flat_map(Services::exposed) {
            let mut dimensions = dimensions();
            let group = load_balancer::target_group(&stack, &service.key);
            dimensions.insert("TargetGroup".to_owned(), Value::output(&group, "arnSuffix"));
            let alarm = Alarm {
                name: format!("{}UnhealthyTargets", camel_case(&service.key)),
                description: format!("A task of `{}` fails its health check", service.key),
                namespace: "AWS/ApplicationELB",
                metrics: vec!["UnHealthyHostCount"],
                statistic: "Maximum",
                dimensions,
                threshold: 0.0,
                period: 60,
                // Shorter than this, a deployment would ring.
                readings: 3,
            };
            urns.push(add(context, service.path(""), &alarm));
        }
    }
    urns
}

fn service_cpu(stack: &StackId, service: &Service) -> Alarm<'static> {
    let percent = service.cpu_alarm_percent;
    Alarm {
        name: format!("{}Cpu", camel_case(&service.key)),
        description: format!("The CPU of `{}` is above {percent} %", service.key),
        namespace: "AWS/ECS",
        metrics: vec!["CPUUtilization"],
        statistic: "Average",
        dimensions: properties([
            ("ClusterName", Value::output(&cluster(stack), "name")),
            (
                "ServiceName",
                Value::output(&service.service_urn(stack), "name"),
            ),
        ]),
        threshold: f64::from(percent),
        period: 300,
        readings: 2,
    }
}

fn database_alarm<'a>(
    stack: &StackId,
    name: &str,
    metric: &'a str,
    description: String,
    threshold: f64,
) -> Alarm<'a> {
    let identifier = Value::output(&database::instance(stack), "identifier");
    Alarm {
        name: name.to_owned(),
        description,
        namespace: "AWS/RDS",
        metrics: vec![metric],
        statistic: "Average",
        dimensions: properties([("DBInstanceIdentifier", identifier)]),
        threshold,
        period: 300,
        readings: 2,
    }
}

fn add(context: &mut Context<'_>, origin: impl Into<Path>, alarm: &Alarm<'_>) -> Urn {
    let name = format!("{KEY}/{}", alarm.name);
    let urn = context.urn("aws:cloudwatch:MetricAlarm", &name);
    let actions = Value::list([Value::output(&topic(&context.id), "arn")]);
    let mut inputs = properties([
        ("alarmDescription", alarm.description.as_str().into()),
        ("comparisonOperator", "GreaterThanThreshold".into()),
        ("threshold", alarm.threshold.into()),
        ("evaluationPeriods", alarm.readings.into()),
        ("datapointsToAlarm", alarm.readings.into()),
        ("treatMissingData", "notBreaching".into()),
        ("alarmActions", actions.clone()),
        ("okActions", actions),
    ]);
    inputs.extend(match alarm.metrics.as_slice() {
        [metric] => properties([
            ("namespace", alarm.namespace.into()),
            ("metricName", (*metric).into()),
            ("statistic", alarm.statistic.into()),
            ("dimensions", Value::Object(alarm.dimensions.clone())),
            ("period", alarm.period.into()),
        ]),
        metrics => properties([("metricQueries", sum(alarm, metrics))]),
    });
    context.add(origin, urn.clone(), inputs);
    urn
}

/// Several metrics as one. A metric that has no data counts as nothing: it would take the others with it.
fn sum(alarm: &Alarm<'_>, metrics: &[&str]) -> Value {
    let ids: Vec<String> = (1..=metrics.len()).map(|n| format!("m{n}")).collect();
    let filled: Vec<String> = ids.iter().map(|id| format!("FILL({id}, 0)")).collect();
    let queries = metrics.iter().zip(&ids).map(|(metric, id)| {
        let metric = Value::object([
            ("namespace", alarm.namespace.into()),
            ("metricName", (*metric).into()),
            ("dimensions", Value::Object(alarm.dimensions.clone())),
            ("period", alarm.period.into()),
            ("stat", alarm.statistic.into()),
        ]);
        Value::object([("id", id.as_str().into()), ("metric", metric)])
    });
    let total = Value::object([
        ("id", "total".into()),
        ("expression", format!("SUM([{}])", filled.join(", ")).into()),
        ("label", alarm.name.as_str().into()),
        ("returnData", true.into()),
    ]);
    Value::list(queries.chain([total]))
}
