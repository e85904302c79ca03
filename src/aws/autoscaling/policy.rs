//! Scaling policy: part of its scalable target, written as a whole.
//!
//! It makes CloudWatch alarms named `TargetTracking-<resource id>-AlarmHigh|Low-…`, which are created and deleted with it
//! and are no one's leftovers. A target registered a moment ago may not be visible yet.

use aws_sdk_applicationautoscaling::types::{
    MetricType, PolicyType, PredefinedMetricSpecification, ScalableDimension, ScalingPolicy,
    ServiceNamespace, TargetTrackingScalingPolicyConfiguration,
};
use aws_smithy_types::error::operation::BuildError;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::aws::answer::text;
use crate::aws::context::Context;
use crate::aws::error::AwsResult;
use crate::aws::resource_type::{Change, Live, LiveOf, New, NoOutputs, Old, ResourceType, check};
use crate::aws::wait::{until_visible, while_in_use};
use crate::resource::provider::{Progress, Query};
use crate::resource::{
    Condition, CreateClass, ErrorKind, InvalidInput, PropertyTable, ProviderError, Schema, Tags,
    TextRule, Value,
};

/// The rule by which autoscaling changes the number of tasks.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema, PropertyTable)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Inputs {
    /// 1 to 256 characters; unique for the target.
    #[property(replaces, text(NAME))]
    pub name: String,
    /// `TargetTrackingScaling`.
    #[schemars(extend("enum" = ["TargetTrackingScaling"]))]
    #[property(default(TARGET_TRACKING))]
    pub policy_type: String,
    /// The target's.
    #[schemars(extend("enum" = ["ecs"]))]
    #[property(required, replaces)]
    pub service_namespace: String,
    /// The target's: `service/<cluster name>/<service name>`.
    #[property(required, replaces)]
    pub resource_id: String,
    /// The target's.
    #[schemars(extend("enum" = ["ecs:service:DesiredCount"]))]
    #[property(required, replaces)]
    pub scalable_dimension: String,
    #[property(required, canonical(canonical))]
    pub target_tracking_scaling_policy_configuration: TargetTracking,
}

/// Keeps a metric at a value.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct TargetTracking {
    pub predefined_metric_specification: Metric,
    /// The value to keep the metric at: percent, or requests per target.
    pub target_value: f64,
    /// True if tasks are only ever added.
    #[serde(default)]
    pub disable_scale_in: bool,
    /// Seconds between two steps down.
    #[serde(default = "five_minutes")]
    pub scale_in_cooldown: i32,
    /// Seconds between two steps up.
    #[serde(default = "five_minutes")]
    pub scale_out_cooldown: i32,
}

/// The metric that is tracked.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Metric {
    /// `ECSServiceAverageCPUUtilization`, `ECSServiceAverageMemoryUtilization` or `ALBRequestCountPerTarget`.
    pub predefined_metric_type: String,
    /// For `ALBRequestCountPerTarget`: `app/<load balancer>/<id>/targetgroup/<target group>/<id>`.
    pub resource_label: Option<String>,
}

const NAME: TextRule = TextRule::new(1..=256).of(|c| !c.is_control(), "printable characters");

pub struct Policy;

impl ResourceType for Policy {
    type Inputs = Inputs;
    type Outputs = NoOutputs;

    fn schema(&self) -> Schema {
        Schema::of::<Inputs, NoOutputs>("aws:appautoscaling:Policy", CreateClass::PartOfParent)
            .named(Inputs::NAME, 256)
            // AWS: "Only one TargetTrackingScaling policy for a given metric specification is allowed."
            .unique(&[&[
                Inputs::SERVICE_NAMESPACE,
                Inputs::RESOURCE_ID,
                Inputs::SCALABLE_DIMENSION,
                "targetTrackingScalingPolicyConfiguration.predefinedMetricSpecification",
            ]])
            .key(&[
                Inputs::SERVICE_NAMESPACE,
                Inputs::RESOURCE_ID,
                Inputs::SCALABLE_DIMENSION,
                Inputs::NAME,
            ])
            .checks(|inputs| check(inputs, fit))
            .reads_after(&["aws:appautoscaling:Target"])
            .child_of(Inputs::RESOURCE_ID, "aws:appautoscaling:Target")
    }

    async fn read(&self, context: &Context, query: Query<'_>) -> AwsResult<Vec<LiveOf<Self>>> {
        let parents: Vec<&str> = query
            .parents("aws:appautoscaling:Target")
            .map(|target| target.id.as_str())
            .collect();
        if parents.is_empty() {
            return Ok(Vec::new());
        }
        let policies = super::policies(context, query.session, &parents).await?;
        Ok(policies.iter().map(live).collect())
    }

    async fn create(&self, context: &Context, new: New<'_, Self>) -> AwsResult<LiveOf<Self>> {
        put(context, new.inputs, new.progress).await
    }

    async fn update(&self, context: &Context, change: Change<'_, Self>) -> AwsResult<LiveOf<Self>> {
        put(context, change.wanted, change.progress).await
    }

    async fn delete(&self, context: &Context, old: Old<'_, Self>) -> AwsResult<()> {
        let request = context
            .autoscaling
            .delete_scaling_policy()
            .policy_name(&old.live.inputs.name)
            .service_namespace(ServiceNamespace::Ecs)
            .resource_id(&old.live.inputs.resource_id)
            .scalable_dimension(ScalableDimension::EcsServiceDesiredCount);
        context.send(request).await?;
        Ok(())
    }
}

const TARGET_TRACKING: &str = "TargetTrackingScaling";
const CONFIGURATION: &str = Inputs::TARGET_TRACKING_SCALING_POLICY_CONFIGURATION;

fn five_minutes() -> i32 {
    300
}

fn fit(inputs: &Inputs) -> Vec<InvalidInput> {
    let mut invalid_inputs = super::fit(&inputs.service_namespace, &inputs.scalable_dimension);
    let kind = inputs.policy_type.as_str();
    if kind != TARGET_TRACKING {
        let reason = format!("`{kind}` is not supported, only `{TARGET_TRACKING}` is");
        invalid_inputs.push(InvalidInput::new("policyType", reason));
    }
    let tracking = &inputs.target_tracking_scaling_policy_configuration;
    if tracking.target_value <= 0.0 {
        let at = format!("{CONFIGURATION}.targetValue");
        invalid_inputs.push(InvalidInput::new(at, "must be above 0"));
    }
    let metric = &tracking.predefined_metric_specification;
    let counts_requests = metric.predefined_metric_type == "ALBRequestCountPerTarget";
    if counts_requests != metric.resource_label.is_some() {
        let at = format!("{CONFIGURATION}.predefinedMetricSpecification");
        let kind = format!("{at}.predefinedMetricType");
        let reason = "`resourceLabel` goes with `ALBRequestCountPerTarget`, which needs it";
        invalid_inputs.push(InvalidInput::new(at, reason).decided_by([&kind]));
    }
    invalid_inputs
}

async fn put(
    context: &Context,
    inputs: &Inputs,
    progress: &dyn Progress,
) -> AwsResult<LiveOf<Policy>> {
    const OPERATION: &str = "application-autoscaling:PutScalingPolicy";
    let invalid = |message: String| ProviderError::new(ErrorKind::Invalid, OPERATION, message);
    let configuration = to_sdk(&inputs.target_tracking_scaling_policy_configuration)
        .map_err(|error| invalid(error.to_string()))?;
    let answer = while_in_use(super::PATIENCE, progress, || {
        until_visible(|| {
            let request = context
                .autoscaling
                .put_scaling_policy()
                .policy_name(&inputs.name)
                .policy_type(PolicyType::TargetTrackingScaling)
                .service_namespace(ServiceNamespace::Ecs)
                .resource_id(&inputs.resource_id)
                .scalable_dimension(ScalableDimension::EcsServiceDesiredCount)
                .target_tracking_scaling_policy_configuration(configuration.clone());
            context.send(request)
        })
    })
    .await?;
    Ok(Live {
        id: answer.policy_arn().to_owned(),
        arn: Some(answer.policy_arn().to_owned()),
        inputs: inputs.clone(),
        outputs: NoOutputs {},
        tags: Tags::default(),
        condition: Condition::Ready,
    })
}

/// Everything is sent: a setting that is left out of an update stays as it was.
fn to_sdk(
    configuration: &TargetTracking,
) -> Result<TargetTrackingScalingPolicyConfiguration, BuildError> {
    let metric = &configuration.predefined_metric_specification;
    let metric = PredefinedMetricSpecification::builder()
        .predefined_metric_type(MetricType::from(metric.predefined_metric_type.as_str()))
        .set_resource_label(metric.resource_label.clone())
        .build()?;
    TargetTrackingScalingPolicyConfiguration::builder()
        .predefined_metric_specification(metric)
        .target_value(configuration.target_value)
        .disable_scale_in(configuration.disable_scale_in)
        .scale_in_cooldown(configuration.scale_in_cooldown)
        .scale_out_cooldown(configuration.scale_out_cooldown)
        .build()
}

fn live(policy: &ScalingPolicy) -> LiveOf<Policy> {
    let configuration = policy.target_tracking_scaling_policy_configuration();
    let metric = configuration
        .and_then(TargetTrackingScalingPolicyConfiguration::predefined_metric_specification);
    Live {
        id: policy.policy_arn().to_owned(),
        arn: Some(policy.policy_arn().to_owned()),
        inputs: Inputs {
            name: policy.policy_name().to_owned(),
            policy_type: policy.policy_type().as_str().to_owned(),
            service_namespace: policy.service_namespace().as_str().to_owned(),
            resource_id: policy.resource_id().to_owned(),
            scalable_dimension: policy.scalable_dimension().as_str().to_owned(),
            // A policy of another type shows as one that tracks nothing, which differs from whatever is wanted.
            target_tracking_scaling_policy_configuration: TargetTracking {
                predefined_metric_specification: Metric {
                    predefined_metric_type: text(
                        metric.map(|metric| metric.predefined_metric_type().as_str()),
                    ),
                    resource_label: metric
                        .and_then(|metric| metric.resource_label().map(str::to_owned)),
                },
                target_value: configuration
                    .map_or(0.0, TargetTrackingScalingPolicyConfiguration::target_value),
                disable_scale_in: configuration
                    .and_then(TargetTrackingScalingPolicyConfiguration::disable_scale_in)
                    .unwrap_or(false),
                scale_in_cooldown: configuration
                    .and_then(TargetTrackingScalingPolicyConfiguration::scale_in_cooldown)
                    .unwrap_or_else(five_minutes),
                scale_out_cooldown: configuration
                    .and_then(TargetTrackingScalingPolicyConfiguration::scale_out_cooldown)
                    .unwrap_or_else(five_minutes),
            },
        },
        outputs: NoOutputs {},
        tags: Tags::default(),
        condition: Condition::Ready,
    }
}

/// Fills in the defaults.
fn canonical(value: Value) -> Value {
    let Value::Object(mut configuration) = value else {
        return value;
    };
    for (name, default) in [
        ("disableScaleIn", Value::Bool(false)),
        ("scaleInCooldown", five_minutes().into()),
        ("scaleOutCooldown", five_minutes().into()),
    ] {
        let given = configuration.entry(name.to_owned()).or_insert(Value::Null);
        if given.is_null() {
            *given = default;
        }
    }
    Value::Object(configuration)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn defaults_are_no_difference() {
        let metric = json!({"predefinedMetricType": "ECSServiceAverageCPUUtilization"});
        assert_eq!(
            canonical(
                json!({"predefinedMetricSpecification": metric, "targetValue": 70}).into()
            ),
            canonical(
                json!({"predefinedMetricSpecification": metric, "targetValue": 70.0, "disableScaleIn": false,
                    "scaleInCooldown": 300, "scaleOutCooldown": 300})
                .into()
            )
        );
    }

    #[test]
    fn another_kind_of_metric_is_refused() {
        let inputs = serde_json::from_value::<TargetTracking>(
            json!({"customizedMetricSpecification": {}, "targetValue": 1}),
        );
        assert!(
            inputs
                .unwrap_err()
                .to_string()
                .contains("customizedMetricSpecification")
        );
    }
}
