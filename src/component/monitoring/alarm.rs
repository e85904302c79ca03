//! An alarm, and the resource that it becomes.

use super::urns::{KEY, topic};
use crate::component::context::Context;
use crate::resource::value::properties;
use crate::resource::{Path, Properties, Urn, Value};

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
