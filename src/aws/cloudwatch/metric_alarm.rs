//! CloudWatch metric alarm, of one metric or of an expression over several.
//!
//! - `PutMetricAlarm` creates and updates, and overwrites the whole alarm: a setting that is not given falls back to its
//!   default. The alarm keeps its state.
//! - Unset, `datapointsToAlarm` is as many as `evaluationPeriods`.
//! - Names can hold `/` and `:`. `TargetTracking-…` alarms belong to autoscaling.

use std::collections::{BTreeMap, BTreeSet};

use aws_sdk_cloudwatch::types::{AlarmType, MetricAlarm as SdkAlarm};
use futures_util::future::try_join_all;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::metric_query::{self, MetricQuery, dimensions_from_sdk, dimensions_to_sdk};
use super::{tags_of, to_sdk};
use crate::aws::answer::text;
use crate::aws::context::Context;
use crate::aws::error::AwsResult;
use crate::aws::resource_type::{Change, Live, LiveOf, New, NoOutputs, Old, ResourceType, check};
use crate::resource::provider::Query;
use crate::resource::{
    Condition, CreateClass, InvalidInput, Properties, PropertyTable, Schema, Tags, TextRule, Value,
};

/// The number of names that `DescribeAlarms` takes.
const PAGE: usize = 100;

/// A condition on a metric, and who is notified.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema, PropertyTable)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Inputs {
    /// The name: 1 to 255 characters; unique in account and region.
    #[property(replaces, text(TextRule::new(1..=255)))]
    pub name: String,
    /// The description: at most 1024 characters.
    #[property(text(TextRule::new(0..=1024)))]
    pub alarm_description: Option<String>,
    /// `GreaterThanThreshold`, `GreaterThanOrEqualToThreshold`, `LessThanThreshold`, `LessThanOrEqualToThreshold`, or one
    /// of the three of anomaly detection.
    #[property(required)]
    pub comparison_operator: String,
    /// The number of most recent periods that are evaluated.
    #[property(required)]
    pub evaluation_periods: i32,
    /// The number of these that have to be beyond the threshold. Default: all of them.
    pub datapoints_to_alarm: Option<i32>,
    /// The metric's name. Not allowed together with `metricQueries`.
    pub metric_name: Option<String>,
    /// The metric's namespace, as in `AWS/ECS`.
    pub namespace: Option<String>,
    /// The period in seconds: 10, 20, 30, or a multiple of 60.
    pub period: Option<i32>,
    /// `Average`, `Sum`, `Minimum`, `Maximum` or `SampleCount`.
    pub statistic: Option<String>,
    /// A percentile, as in `p99`. Not allowed together with `statistic`.
    pub extended_statistic: Option<String>,
    /// The value that the metric is compared with, in its unit.
    pub threshold: Option<f64>,
    /// The id of the query that computes the band of anomaly detection, in place of a threshold.
    pub threshold_metric_id: Option<String>,
    /// The meaning of a period without data: `missing`, `ignore`, `breaching` or `notBreaching`.
    #[property(default("missing"))]
    pub treat_missing_data: String,
    /// The treatment of percentiles over few samples: `evaluate` or `ignore`. Default: `evaluate`.
    pub evaluate_low_sample_count_percentiles: Option<String>,
    /// Up to 30 dimensions, by name.
    pub dimensions: Option<BTreeMap<String, String>>,
    /// ARNs of up to 5 topics, scaling policies or functions that are notified of the alarm.
    #[property(set, regional)]
    pub alarm_actions: Option<Vec<String>>,
    /// The same, for when the metric is back to normal.
    #[property(set, regional)]
    pub ok_actions: Option<Vec<String>>,
    /// The same, for when there is too little data to tell.
    #[property(set, regional)]
    pub insufficient_data_actions: Option<Vec<String>>,
    /// True if the actions are in effect at all.
    #[property(default(true))]
    pub actions_enabled: bool,
    /// `Seconds`, `Percent`, `Count` and so on. Unset: whatever unit the metric has.
    pub unit: Option<String>,
    /// Up to 20 metrics and expressions, one of which the alarm watches.
    #[property(canonical(metric_query::canonical))]
    pub metric_queries: Option<Vec<MetricQuery>>,
}

/// Returns combinations of settings that AWS does not accept in an alarm:
/// <https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_PutMetricAlarm.html>
fn fit(inputs: &Inputs) -> Vec<InvalidInput> {
    const DAY: i64 = 24 * 60 * 60;
    let mut invalid_inputs = Vec::new();
    // The presence and the number of values are known before the values are.
    let by_presence = |at: &str, reason: &str| InvalidInput::new(at, reason).decided_by([]);
    let mut refuse = |invalid_input: InvalidInput| invalid_inputs.push(invalid_input);
    match (&inputs.metric_name, &inputs.metric_queries) {
        (Some(_), Some(_)) => {
            refuse(by_presence(
                "metricQueries",
                "does not go with `metricName`",
            ));
        }
        (None, None) => refuse(by_presence(
            "metricName",
            "must be given, or `metricQueries`",
        )),
        (Some(_), None) => {
            for (property, is_given) in [
                ("namespace", inputs.namespace.is_some()),
                ("period", inputs.period.is_some()),
            ] {
                if !is_given {
                    refuse(by_presence(property, "must be given with `metricName`"));
                }
            }
            if inputs.statistic.is_some() == inputs.extended_statistic.is_some() {
                let reason =
                    "exactly one of `statistic` and `extendedStatistic` goes with `metricName`";
                refuse(by_presence("statistic", reason));
            }
        }
        (None, Some(queries)) => {
            // A band of anomaly detection is returned beside its metric.
            let returned = queries.iter().filter(|query| query.return_data).count();
            if returned != 1 && inputs.threshold_metric_id.is_none() {
                let reason = "exactly one query has `returnData`";
                refuse(InvalidInput::new("metricQueries", reason));
            }
        }
    }
    if let Some(period) = inputs.period {
        if ![10, 20, 30].contains(&period) && (period <= 0 || period % 60 != 0) {
            let reason = "takes 10, 20, 30, or a multiple of 60 seconds";
            refuse(InvalidInput::new("period", reason));
        }
        let span = i64::from(period) * i64::from(inputs.evaluation_periods);
        let most = if period >= 3600 { 7 * DAY } else { DAY };
        if span > most {
            let reason = "spans, with `period`, more than a day; with periods of an hour or more, than seven days";
            let decide = ["evaluationPeriods", "period"];
            refuse(InvalidInput::new("evaluationPeriods", reason).decided_by(decide));
        }
    }
    if inputs.datapoints_to_alarm > Some(inputs.evaluation_periods) {
        let reason = "is more than `evaluationPeriods`";
        let decide = ["datapointsToAlarm", "evaluationPeriods"];
        refuse(InvalidInput::new("datapointsToAlarm", reason).decided_by(decide));
    }
    if inputs.threshold.is_some() == inputs.threshold_metric_id.is_some() {
        let reason = "exactly one of `threshold` and `thresholdMetricId` is given";
        refuse(by_presence("threshold", reason));
    }
    for (list, actions) in [
        ("alarmActions", &inputs.alarm_actions),
        ("okActions", &inputs.ok_actions),
        ("insufficientDataActions", &inputs.insufficient_data_actions),
    ] {
        if actions.as_ref().is_some_and(|actions| actions.len() > 5) {
            refuse(by_presence(list, "takes five actions"));
        }
    }
    if inputs.dimensions.iter().flatten().count() > 30 {
        refuse(by_presence("dimensions", "takes 30 dimensions"));
    }
    invalid_inputs
}

pub struct MetricAlarm;

impl ResourceType for MetricAlarm {
    type Inputs = Inputs;
    type Outputs = NoOutputs;

    fn schema(&self) -> Schema {
        Schema::of::<Inputs, NoOutputs>("aws:cloudwatch:MetricAlarm", CreateClass::NaturalKey)
            .blockers(&[])
            .found_by_name()
            .named(Inputs::NAME, 255)
            .checks(|inputs| check(inputs, fit))
            .server_managed(datapoints_of_all_periods)
    }

    async fn read(&self, context: &Context, query: Query<'_>) -> AwsResult<Vec<LiveOf<Self>>> {
        let wanted = query.wanted_names("name");
        let indexed = query.indexed.iter();
        let names: BTreeSet<&str> = indexed
            .filter_map(|entry| Some(entry.arn.split_once(":alarm:")?.1))
            .chain(wanted.iter().copied())
            .collect();
        let names: Vec<&str> = names.into_iter().collect();
        let pages = try_join_all(names.chunks(PAGE).map(|names| describe(context, names))).await?;
        let alarms = pages.iter().flatten().map(|alarm| async move {
            let tags = tags_of(context, query, alarm.alarm_arn().unwrap_or_default()).await?;
            Ok(live(alarm, tags))
        });
        Ok(try_join_all(alarms)
            .await?
            .into_iter()
            .filter(|alarm| {
                alarm.tags.belongs_to(query.stack) || wanted.contains(alarm.id.as_str())
            })
            .collect())
    }

    async fn create(&self, context: &Context, new: New<'_, Self>) -> AwsResult<LiveOf<Self>> {
        // A put overwrites an existing alarm. The read right before has shown that there is none of another owner: it asks
        // for every wanted name, and the plan refuses a name that is taken.
        put(context, new.inputs, Some(new.tags)).await?;
        let arn = context.arn("cloudwatch", &format!("alarm:{}", new.inputs.name));
        Ok(of(Some(arn), new.inputs.clone(), new.tags.clone()))
    }

    async fn update(&self, context: &Context, change: Change<'_, Self>) -> AwsResult<LiveOf<Self>> {
        put(context, change.wanted, None).await?;
        Ok(change.applied())
    }

    async fn delete(&self, context: &Context, old: Old<'_, Self>) -> AwsResult<()> {
        context
            .send(context.cloudwatch.delete_alarms().alarm_names(&old.live.id))
            .await?;
        Ok(())
    }
}

/// Returns the metric alarms of these names, at most [`PAGE`].
async fn describe(context: &Context, names: &[&str]) -> AwsResult<Vec<SdkAlarm>> {
    let names: Vec<String> = names.iter().copied().map(str::to_owned).collect();
    let request = context
        .cloudwatch
        .describe_alarms()
        .alarm_types(AlarmType::MetricAlarm)
        .set_alarm_names(Some(names.clone()))
        .max_records(PAGE as i32);
    let answer = context.send(request).await?;
    Ok(answer.metric_alarms.unwrap_or_default())
}

async fn put(context: &Context, inputs: &Inputs, tags: Option<&Tags>) -> AwsResult<()> {
    let dimensions = inputs.dimensions.as_ref().map(dimensions_to_sdk);
    let queries = inputs.metric_queries.as_ref();
    let queries: Option<Vec<_>> =
        queries.map(|queries| queries.iter().map(MetricQuery::to_sdk).collect());
    let request = context
        .cloudwatch
        .put_metric_alarm()
        .alarm_name(&inputs.name)
        .set_alarm_description(inputs.alarm_description.clone())
        .comparison_operator(inputs.comparison_operator.as_str().into())
        .evaluation_periods(inputs.evaluation_periods)
        .set_datapoints_to_alarm(inputs.datapoints_to_alarm)
        .set_metric_name(inputs.metric_name.clone())
        .set_namespace(inputs.namespace.clone())
        .set_period(inputs.period)
        .set_statistic(inputs.statistic.as_deref().map(Into::into))
        .set_extended_statistic(inputs.extended_statistic.clone())
        .set_threshold(inputs.threshold)
        .set_threshold_metric_id(inputs.threshold_metric_id.clone())
        .treat_missing_data(&inputs.treat_missing_data)
        .set_evaluate_low_sample_count_percentile(
            inputs.evaluate_low_sample_count_percentiles.clone(),
        )
        .set_dimensions(dimensions.clone())
        .set_alarm_actions(inputs.alarm_actions.clone())
        .set_ok_actions(inputs.ok_actions.clone())
        .set_insufficient_data_actions(inputs.insufficient_data_actions.clone())
        .actions_enabled(inputs.actions_enabled)
        .set_unit(inputs.unit.as_deref().map(Into::into))
        .set_metrics(queries.clone())
        .set_tags(tags.map(to_sdk));
    context.send(request).await?;
    Ok(())
}

fn live(alarm: &SdkAlarm, tags: Tags) -> LiveOf<MetricAlarm> {
    let evaluation_periods = alarm.evaluation_periods().unwrap_or_default();
    let inputs = Inputs {
        name: text(alarm.alarm_name()),
        alarm_description: alarm.alarm_description().map(str::to_owned),
        comparison_operator: alarm
            .comparison_operator()
            .map(|operator| operator.as_str().to_owned())
            .unwrap_or_default(),
        evaluation_periods,
        datapoints_to_alarm: alarm.datapoints_to_alarm().or(Some(evaluation_periods)),
        metric_name: alarm.metric_name().map(str::to_owned),
        namespace: alarm.namespace().map(str::to_owned),
        period: alarm.period(),
        statistic: alarm.statistic().map(|s| s.as_str().to_owned()),
        extended_statistic: alarm.extended_statistic().map(str::to_owned),
        threshold: alarm.threshold(),
        threshold_metric_id: alarm.threshold_metric_id().map(str::to_owned),
        treat_missing_data: alarm.treat_missing_data().unwrap_or("missing").to_owned(),
        evaluate_low_sample_count_percentiles: alarm
            .evaluate_low_sample_count_percentile()
            .map(str::to_owned),
        dimensions: Some(dimensions_from_sdk(alarm.dimensions())),
        alarm_actions: alarm.alarm_actions.clone(),
        ok_actions: alarm.ok_actions.clone(),
        insufficient_data_actions: alarm.insufficient_data_actions.clone(),
        actions_enabled: alarm.actions_enabled().unwrap_or(true),
        unit: alarm.unit().map(|unit| unit.as_str().to_owned()),
        metric_queries: Some(alarm.metrics().iter().map(MetricQuery::from_sdk).collect()),
    };
    of(alarm.alarm_arn().map(str::to_owned), inputs, tags)
}

fn of(arn: Option<String>, inputs: Inputs, tags: Tags) -> LiveOf<MetricAlarm> {
    Live {
        id: inputs.name.clone(),
        arn,
        inputs,
        outputs: NoOutputs {},
        tags,
        condition: Condition::Ready,
    }
}

/// Fills in the number of an unset property as AWS does: all periods.
fn datapoints_of_all_periods(desired: &mut Properties, _observed: &Properties) {
    let given = desired.get("datapointsToAlarm");
    if given.is_none_or(Value::is_null)
        && let Some(periods) = desired.get("evaluationPeriods").cloned()
    {
        desired.insert("datapointsToAlarm".to_owned(), periods);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::resource::diff::compare;
    use crate::resource::value::properties;

    #[test]
    fn unset_datapoints_follow_the_periods() {
        let mut desired = properties([("evaluationPeriods", 3.into())]);
        datapoints_of_all_periods(&mut desired, &Properties::new());
        assert_eq!(desired["datapointsToAlarm"], 3.into());
        let mut desired = properties([
            ("evaluationPeriods", 3.into()),
            ("datapointsToAlarm", 2.into()),
        ]);
        datapoints_of_all_periods(&mut desired, &Properties::new());
        assert_eq!(desired["datapointsToAlarm"], 2.into());
    }

    #[test]
    fn what_aws_fills_in_is_no_difference() {
        let schema = MetricAlarm.schema();
        let mut desired = schema.with_defaults(properties([
            ("name", "a".into()),
            ("comparisonOperator", "GreaterThanThreshold".into()),
            ("evaluationPeriods", 1.into()),
            ("threshold", 80.into()),
            ("alarmActions", vec!["b", "a"].into()),
        ]));
        let observed = SdkAlarm::builder()
            .alarm_name("a")
            .comparison_operator("GreaterThanThreshold".into())
            .evaluation_periods(1)
            .threshold(80.0)
            .alarm_actions("a")
            .alarm_actions("b")
            .set_ok_actions(Some(Vec::new()))
            .build();
        let observed = live(&observed, Tags::default()).inputs;
        let observed = match Value::from(serde_json::to_value(observed).unwrap()) {
            Value::Object(observed) => observed,
            _ => Properties::new(),
        };
        datapoints_of_all_periods(&mut desired, &observed);
        assert_eq!(compare(&schema, &desired, &observed).changes, []);
    }
}
