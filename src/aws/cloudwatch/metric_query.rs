//! The metrics and expressions of an alarm that watches several.

use std::collections::BTreeMap;

use aws_sdk_cloudwatch::types::{Dimension, Metric as SdkMetric, MetricDataQuery, MetricStat};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::aws::answer::text;
use crate::aws::policy::{compact, ordered_by};
use crate::resource::Value;

/// A metric, or an expression over other queries.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct MetricQuery {
    /// The name of the query in expressions: a lower-case letter, then letters, digits and underscores; at most 255
    /// characters.
    pub id: String,
    /// The account that the metric belongs to. Unset: this one.
    pub account_id: Option<String>,
    /// Metric math over other queries, as in `errors / requests * 100`.
    pub expression: Option<String>,
    /// The label in graphs.
    pub label: Option<String>,
    pub metric: Option<Metric>,
    /// The seconds between the data points of an expression.
    pub period: Option<i32>,
    /// True if this is the one that the alarm watches. Exactly one is.
    #[serde(default)]
    pub return_data: bool,
}

#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Metric {
    pub metric_name: String,
    /// The namespace, such as `AWS/ECS`.
    pub namespace: Option<String>,
    /// The period in seconds: 10, 20, 30, or a multiple of 60.
    pub period: i32,
    /// `Average`, `Sum`, `Minimum`, `Maximum`, `SampleCount`, or a percentile such as `p99`.
    pub stat: String,
    /// `Seconds`, `Percent`, `Count` and so on. Unset: whatever unit the metric has.
    pub unit: Option<String>,
    /// Up to 30 dimensions, by name.
    #[serde(default)]
    pub dimensions: BTreeMap<String, String>,
}

impl MetricQuery {
    pub(super) fn from_sdk(query: &MetricDataQuery) -> Self {
        Self {
            id: text(query.id()),
            account_id: query.account_id().map(str::to_owned),
            expression: query.expression().map(str::to_owned),
            label: query.label().map(str::to_owned),
            metric: query.metric_stat().map(|stat| {
                let metric = stat.metric();
                Metric {
                    metric_name: text(metric.and_then(SdkMetric::metric_name)),
                    namespace: metric.and_then(SdkMetric::namespace).map(str::to_owned),
                    period: stat.period().unwrap_or_default(),
                    stat: text(stat.stat()),
                    unit: stat.unit().map(|unit| unit.as_str().to_owned()),
                    dimensions: dimensions_from_sdk(
                        metric.map(SdkMetric::dimensions).unwrap_or_default(),
                    ),
                }
            }),
            period: query.period(),
            // AWS's own default, unlike that of the input.
            return_data: query.return_data().unwrap_or(true),
        }
    }

    pub(super) fn to_sdk(&self) -> MetricDataQuery {
        let stat = self.metric.as_ref().map(|metric| {
            MetricStat::builder()
                .metric(
                    SdkMetric::builder()
                        .metric_name(&metric.metric_name)
                        .set_namespace(metric.namespace.clone())
                        .set_dimensions(Some(dimensions_to_sdk(&metric.dimensions)))
                        .build(),
                )
                .period(metric.period)
                .stat(&metric.stat)
                .set_unit(metric.unit.as_deref().map(Into::into))
                .build()
        });
        MetricDataQuery::builder()
            .id(&self.id)
            .set_account_id(self.account_id.clone())
            .set_expression(self.expression.clone())
            .set_label(self.label.clone())
            .set_metric_stat(stat)
            .set_period(self.period)
            .return_data(self.return_data)
            .build()
    }
}

pub(super) fn dimensions_from_sdk(dimensions: &[Dimension]) -> BTreeMap<String, String> {
    dimensions
        .iter()
        .filter_map(|dimension| {
            let value = dimension.value().unwrap_or_default();
            Some((dimension.name()?.to_owned(), value.to_owned()))
        })
        .collect()
}

pub(super) fn dimensions_to_sdk(dimensions: &BTreeMap<String, String>) -> Vec<Dimension> {
    dimensions
        .iter()
        .map(|(name, value)| Dimension::builder().name(name).value(value).build())
        .collect()
}

/// Sorts queries by their ids, and fills in their default.
pub(super) fn canonical(queries: Value) -> Value {
    match ordered_by("id", compact(queries)) {
        Value::List(queries) => Value::List(queries.into_iter().map(canonical_query).collect()),
        other => other,
    }
}

fn canonical_query(query: Value) -> Value {
    let Value::Object(mut query) = query else {
        return query;
    };
    query
        .entry("returnData".to_owned())
        .or_insert(Value::Bool(false));
    Value::Object(query)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn queries_come_back_as_they_were_given() {
        let given = json!([
            {"id": "rate", "expression": "errors / all", "label": "rate", "returnData": true},
            {"id": "errors", "metric": {"metricName": "5XX", "namespace": "AWS/ApplicationELB", "period": 60,
                "stat": "Sum", "unit": "Count", "dimensions": {"LoadBalancer": "app/x/1"}}},
        ]);
        let queries: Vec<MetricQuery> = serde_json::from_value(given.clone()).unwrap();
        let back: Vec<MetricQuery> = queries
            .iter()
            .rev()
            .map(|query| MetricQuery::from_sdk(&query.to_sdk()))
            .collect();
        let back = serde_json::to_value(back).unwrap();
        assert_eq!(canonical(back.into()), canonical(given.into()));
    }
}
