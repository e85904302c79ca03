//! `aws:cloudwatch:MetricAlarm`.

use async_trait::async_trait;
use aws_sdk_cloudwatch::types::{Dimension, MetricAlarm as SdkAlarm};
use serde_json::{Value as Json, json};

use crate::common::needs::TWO_TOPICS;
use crate::common::resource_type::{Edit, ResourceTypeTest, check};
use crate::common::sdk::Sdk;

struct MetricAlarm;

/// An alarm on a band of anomaly detection, which has no threshold.
const BAND_ONE: &str = "
{ metricName: null, namespace: null, period: null, statistic: null, threshold: null,
  comparisonOperator: LessThanLowerOrGreaterThanUpperThreshold, thresholdMetricId: one,
  metricQueries: [
    { id: cpu, returnData: true, metric: { metricName: CPUUtilization, namespace: AWS/ECS, period: 60, stat: Average } },
    { id: one, returnData: true, expression: 'ANOMALY_DETECTION_BAND(cpu, 2)', label: band }] }
";
const BAND_TWO: &str = "
{ metricName: null, namespace: null, period: null, statistic: null, threshold: null,
  comparisonOperator: LessThanLowerOrGreaterThanUpperThreshold, thresholdMetricId: two,
  metricQueries: [
    { id: two, returnData: true, expression: 'ANOMALY_DETECTION_BAND(cpu, 3)', label: band },
    { id: cpu, returnData: true, metric: { metricName: CPUUtilization, namespace: AWS/ECS, period: 60, stat: Average } }] }
";

const RATE: &str = "
{ metricName: null, namespace: null, period: null, statistic: null,
  metricQueries: [
    { id: rate, returnData: true, expression: errors / all * 100, label: Error rate, period: 60 },
    { id: all, metric: { metricName: RequestCount, namespace: AWS/ApplicationELB, period: 60, stat: Sum, dimensions: { LoadBalancer: app/x/1 } } },
    { id: errors, metric: { metricName: 5XX, namespace: AWS/ApplicationELB, period: 60, stat: p99, unit: Count } }] }
";
const SUM: &str = "
{ metricName: null, namespace: null, period: null, statistic: null,
  metricQueries: [
    { id: all, metric: { metricName: RequestCount, namespace: AWS/ApplicationELB, period: 300, stat: Maximum } },
    { id: total, returnData: true, expression: SUM(METRICS()), period: 300 }] }
";

fn dimensions(dimensions: &[Dimension]) -> Json {
    let pairs = dimensions.iter().filter_map(|dimension| {
        let value = Json::from(dimension.value()?);
        Some((dimension.name()?.to_owned(), value))
    });
    Json::Object(pairs.collect())
}

/// The queries by id, each with all that it says.
fn queries(alarm: &SdkAlarm) -> Json {
    let shown = alarm.metrics().iter().map(|query| {
        let metric = query.metric_stat().map(|stat| {
            let metric = stat.metric().expect("a statistic is of a metric");
            json!([
                metric.namespace(),
                metric.metric_name(),
                stat.period(),
                stat.stat(),
                stat.unit().map(|unit| unit.as_str()),
                dimensions(metric.dimensions()),
            ])
        });
        let text = json!([
            query.expression(),
            query.label(),
            query.period(),
            query.return_data(),
            metric,
        ]);
        (query.id().unwrap_or_default().to_owned(), text)
    });
    Json::Object(shown.collect())
}

#[async_trait]
impl ResourceTypeTest for MetricAlarm {
    fn token(&self) -> &'static str {
        "aws:cloudwatch:MetricAlarm"
    }

    fn needs(&self) -> &'static str {
        TWO_TOPICS
    }

    fn base(&self) -> &'static str {
        "
comparisonOperator: GreaterThanThreshold
evaluationPeriods: 3
metricName: CPUUtilization
namespace: AWS/ECS
period: 60
statistic: Average
threshold: 80
"
    }

    fn edits(&self) -> Vec<Edit> {
        vec![
            Edit::replaces(
                "/name",
                ("name: 'e2e/alarm: one'", "e2e/alarm: one"),
                ("name: 'e2e/alarm: two'", "e2e/alarm: two"),
            ),
            Edit::in_place(
                "/description",
                ("alarmDescription: One", "One"),
                ("alarmDescription: Two", "Two"),
            )
            .removed(Json::Null),
            Edit::in_place(
                "/operator",
                (
                    "comparisonOperator: LessThanThreshold",
                    "LessThanThreshold",
                ),
                (
                    "comparisonOperator: GreaterThanOrEqualToThreshold",
                    "GreaterThanOrEqualToThreshold",
                ),
            ),
            Edit::in_place(
                "/periods",
                ("evaluationPeriods: 4", 4),
                ("evaluationPeriods: 5", 5),
            ),
            Edit::in_place(
                "/datapoints",
                ("datapointsToAlarm: 1", 1),
                ("datapointsToAlarm: 2", 2),
            )
            .removed(3),
            Edit::in_place(
                "/metric",
                ("metricName: MemoryUtilization", "MemoryUtilization"),
                ("metricName: Other", "Other"),
            ),
            Edit::in_place(
                "/namespace",
                ("namespace: AWS/RDS", "AWS/RDS"),
                ("namespace: Mine", "Mine"),
            ),
            Edit::in_place("/period", ("period: 300", 300), ("period: 10", 10)),
            Edit::in_place(
                "/statistic",
                ("statistic: Maximum", "Maximum"),
                ("statistic: SampleCount", "SampleCount"),
            ),
            Edit::in_place(
                "/percentile",
                ("{ statistic: null, extendedStatistic: p99 }", "p99"),
                ("{ statistic: null, extendedStatistic: p90.5 }", "p90.5"),
            )
            .removed(Json::Null),
            Edit::in_place("/threshold", ("threshold: 0", 0.0), ("threshold: 1.5", 1.5)),
            Edit::in_place("/band", (BAND_ONE, "one"), (BAND_TWO, "two")).removed(Json::Null),
            Edit::in_place(
                "/missing",
                ("treatMissingData: ignore", "ignore"),
                ("treatMissingData: notBreaching", "notBreaching"),
            )
            .removed("missing"),
            Edit::in_place(
                "/lowSamples",
                (
                    "{ statistic: null, extendedStatistic: p99, evaluateLowSampleCountPercentiles: ignore }",
                    "ignore",
                ),
                (
                    "{ statistic: null, extendedStatistic: p99, evaluateLowSampleCountPercentiles: evaluate }",
                    "evaluate",
                ),
            )
            .removed(Json::Null),
            Edit::in_place(
                "/dimensions",
                (
                    "dimensions: { ServiceName: api, ClusterName: shop }",
                    json!({ "ClusterName": "shop", "ServiceName": "api" }),
                ),
                (
                    "dimensions: { ClusterName: other }",
                    json!({ "ClusterName": "other" }),
                ),
            )
            .removed(json!({})),
            Edit::in_place(
                "/alarm",
                (
                    "alarmActions: ['${second.arn}', '${first.arn}']",
                    json!(["first", "second"]),
                ),
                ("alarmActions: ['${second.arn}']", json!(["second"])),
            )
            .removed(json!([])),
            Edit::in_place(
                "/ok",
                ("okActions: ['${first.arn}']", json!(["first"])),
                ("okActions: ['${second.arn}']", json!(["second"])),
            )
            .removed(json!([])),
            Edit::in_place(
                "/insufficient",
                (
                    "insufficientDataActions: ['${first.arn}']",
                    json!(["first"]),
                ),
                (
                    "insufficientDataActions: ['${second.arn}']",
                    json!(["second"]),
                ),
            )
            .removed(json!([])),
            Edit::in_place(
                "/enabled",
                ("actionsEnabled: true", true),
                ("actionsEnabled: false", false),
            )
            .removed(true),
            Edit::in_place(
                "/unit",
                ("unit: Percent", "Percent"),
                ("unit: Count/Second", "Count/Second"),
            )
            .removed(Json::Null),
            Edit::in_place(
                "/queries",
                (
                    RATE,
                    json!({
                        "rate": ["errors / all * 100", "Error rate", 60, true, null],
                        "all": [null, null, null, false,
                            ["AWS/ApplicationELB", "RequestCount", 60, "Sum", null, { "LoadBalancer": "app/x/1" }]],
                        "errors": [null, null, null, false,
                            ["AWS/ApplicationELB", "5XX", 60, "p99", "Count", {}]],
                    }),
                ),
                (
                    SUM,
                    json!({
                        "all": [null, null, null, false,
                            ["AWS/ApplicationELB", "RequestCount", 300, "Maximum", null, {}]],
                        "total": ["SUM(METRICS())", null, 300, true, null],
                    }),
                ),
            )
            .removed(json!({})),
        ]
    }

    async fn look(&self, sdk: &Sdk, id: &str) -> Option<Json> {
        let asked = sdk.cloudwatch.describe_alarms().alarm_names(id).send();
        let answer = asked.await.expect("alarms can be described");
        let alarm = answer.metric_alarms().first()?;
        let topics = async |arns: &[String]| {
            let mut names = Vec::new();
            for arn in arns {
                names.push(sdk.name_of(arn).await);
            }
            names.sort();
            names
        };
        Some(json!({
            "name": alarm.alarm_name(),
            "description": alarm.alarm_description(),
            "operator": alarm.comparison_operator().map(|operator| operator.as_str()),
            "periods": alarm.evaluation_periods(),
            // Unset means all periods.
            "datapoints": alarm.datapoints_to_alarm().or(alarm.evaluation_periods()),
            "metric": alarm.metric_name(),
            "namespace": alarm.namespace(),
            "period": alarm.period(),
            "statistic": alarm.statistic().map(|statistic| statistic.as_str()),
            "percentile": alarm.extended_statistic(),
            "threshold": alarm.threshold(),
            "band": alarm.threshold_metric_id(),
            // Unset means `missing`.
            "missing": alarm.treat_missing_data().unwrap_or("missing"),
            "lowSamples": alarm.evaluate_low_sample_count_percentile(),
            "dimensions": dimensions(alarm.dimensions()),
            "alarm": topics(alarm.alarm_actions()).await,
            "ok": topics(alarm.ok_actions()).await,
            "insufficient": topics(alarm.insufficient_data_actions()).await,
            "enabled": alarm.actions_enabled(),
            "unit": alarm.unit().map(|unit| unit.as_str()),
            "queries": queries(alarm),
        }))
    }

    async fn vanish(&self, sdk: &Sdk, id: &str) -> bool {
        let deleted = sdk.cloudwatch.delete_alarms().alarm_names(id).send().await;
        deleted.is_ok()
    }

    async fn drift(&self, sdk: &Sdk, id: &str) -> bool {
        let disabled = sdk.cloudwatch.disable_alarm_actions().alarm_names(id);
        disabled.send().await.is_ok()
    }

    async fn foreign_tag(&self, sdk: &Sdk, id: &str, set: bool) -> Option<bool> {
        let asked = sdk.cloudwatch.describe_alarms().alarm_names(id).send();
        let answer = asked.await.expect("alarms can be described");
        let arn = answer.metric_alarms().first()?.alarm_arn()?;
        sdk.foreign_tag(arn, set).await
    }
}

#[tokio::test]
async fn metric_alarm() {
    check("e2e-cloudwatch-metric-alarm", &MetricAlarm).await;
}
