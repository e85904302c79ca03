//! The alarms of `monitoring:`. Those on the database are in `database_alarms.rs`.
//!
//! A missing metric means different things: a service that reports no CPU runs no task, which other alarms report; a load
//! balancer that reports no errors had none. Neither should ring, so missing data never does.

use crate::resource::value::properties;
use crate::resource::{Path, Properties, StackId, Urn, Value};

use super::database_alarms;
use super::resources::{KEY, Thresholds, topic};
use crate::component::context::Context;
use crate::component::services::{Service, Services, camel_case, cluster};
use crate::component::{Platform, load_balancer};

/// The side of its threshold on which an alarm rings.
#[derive(Clone, Copy)]
pub enum Rings {
    Above,
    Below,
}

/// The meaning of missing readings.
#[derive(Clone, Copy)]
pub enum Missing {
    /// All is well.
    NotBreaching,
    /// The alarm stays as it is.
    Ignore,
}

/// One alarm: a metric, or the sum of several, and when it rings.
pub struct Alarm<'a> {
    /// The last part of its logical name.
    pub name: String,
    pub description: String,
    pub namespace: &'a str,
    pub metrics: Vec<&'a str>,
    pub statistic: &'a str,
    pub dimensions: Properties,
    pub rings: Rings,
    pub threshold: f64,
    /// Seconds that one reading spans.
    pub period: u32,
    /// The number of readings in a row that make it ring.
    pub readings: u32,
    pub missing: Missing,
    /// Its key under `alarms:`, if it comes with a default that earlier versions did not have.
    pub came_later: Option<&'static str>,
}

/// Adds the alarms for what the platform has, and returns them.
pub fn expand(context: &mut Context<'_>, platform: &Platform, thresholds: &Thresholds) -> Vec<Urn> {
    let stack = context.id.clone();
    let mut urns = Vec::new();
    if let Some(services) = &platform.services {
        for service in &services.all {
            if let Some(alarm) = service_cpu(&stack, service) {
                urns.push(add(context, service.path("alarms"), &alarm));
            }
        }
    }
    if let Some(database) = &platform.database {
        urns.extend(database_alarms::expand(context, database, thresholds));
    }
    if platform.load_balancer.is_some() {
        let balancer = Value::output(&load_balancer::load_balancer(&stack), "arnSuffix");
        let dimensions = || properties([("LoadBalancer", balancer.clone())]);
        let time = thresholds.response_time_seconds.map(|time| Alarm {
            name: "responseTime".to_owned(),
            description: format!("Answers take longer than {time} s on average"),
            namespace: "AWS/ApplicationELB",
            metrics: vec!["TargetResponseTime"],
            statistic: "Average",
            dimensions: dimensions(),
            rings: Rings::Above,
            threshold: time,
            period: 60,
            readings: 5,
            missing: Missing::NotBreaching,
            came_later: None,
        });
        let errors = thresholds.errors.map(|errors| Alarm {
            name: "errors".to_owned(),
            description: format!("More than {errors} answers in 5 minutes had a 5XX code"),
            namespace: "AWS/ApplicationELB",
            // The answers of a service, and those of the load balancer where no service answers.
            metrics: vec!["HTTPCode_Target_5XX_Count", "HTTPCode_ELB_5XX_Count"],
            statistic: "Sum",
            dimensions: dimensions(),
            rings: Rings::Above,
            threshold: f64::from(errors),
            period: 300,
            readings: 1,
            missing: Missing::NotBreaching,
            came_later: None,
        });
        for alarm in [time, errors].into_iter().flatten() {
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
                rings: Rings::Above,
                threshold: 0.0,
                period: 60,
                // With fewer, a deployment would make it ring.
                readings: 3,
                missing: Missing::NotBreaching,
                came_later: None,
            };
            urns.push(add(context, service.path(""), &alarm));
        }
    }
    urns
}

fn service_cpu(stack: &StackId, service: &Service) -> Option<Alarm<'static>> {
    let percent = service.cpu_alarm_percent?;
    Some(Alarm {
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
        rings: Rings::Above,
        threshold: f64::from(percent),
        period: 300,
        readings: 2,
        missing: Missing::NotBreaching,
        came_later: None,
    })
}

/// Adds an alarm that notifies the topic.
pub fn add(context: &mut Context<'_>, origin: impl Into<Path>, alarm: &Alarm<'_>) -> Urn {
    let name = format!("{KEY}/{}", alarm.name);
    let urn = context.urn("aws:cloudwatch:MetricAlarm", &name);
    let actions = Value::list([Value::output(&topic(&context.id), "arn")]);
    let comparison = match alarm.rings {
        Rings::Above => "GreaterThanThreshold",
        Rings::Below => "LessThanThreshold",
    };
    let missing = match alarm.missing {
        Missing::NotBreaching => "notBreaching",
        Missing::Ignore => "ignore",
    };
    let mut inputs = properties([
        ("alarmDescription", alarm.description.as_str().into()),
        ("comparisonOperator", comparison.into()),
        ("threshold", alarm.threshold.into()),
        ("evaluationPeriods", alarm.readings.into()),
        ("datapointsToAlarm", alarm.readings.into()),
        ("treatMissingData", missing.into()),
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
    let resource = context.add(origin, urn.clone(), inputs);
    if let Some(key) = alarm.came_later {
        resource.new_by_default(format!("{KEY}.alarms.{key}: false"));
    }
    urn
}

/// Several metrics as one. A metric that has no data counts as zero: otherwise the sum would have none either.
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
