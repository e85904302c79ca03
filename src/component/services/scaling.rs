//! Autoscaling of a service that the section makes.

use super::model::Service;
use super::urns::cluster;
use crate::component::context::Context;
use crate::component::load_balancer;
use crate::resource::value::properties;
use crate::resource::{Urn, Value};

/// Lets the number of a service's tasks follow their load; `least` is the number it never goes below.
pub fn add(context: &mut Context<'_>, service: &Service, least: Value) {
    let stack = &context.id.clone();
    let resource_id = Value::join([
        "service/".into(),
        Value::output(&cluster(stack), "name"),
        "/".into(),
        Value::output(&service.service_urn(stack), "name"),
    ]);
    let target = service.urn(stack, "aws:appautoscaling:Target", "scalingTarget");
    let inputs = properties([
        ("serviceNamespace", "ecs".into()),
        ("resourceId", resource_id),
        ("scalableDimension", "ecs:service:DesiredCount".into()),
        ("minCapacity", least),
        ("maxCapacity", service.scaling.max.into()),
    ]);
    context.add(service.path(""), target.clone(), inputs);
    let policy = Policy { service, target };
    let cpu = service.scaling.cpu_percent;
    policy.add(context, "cpu", "ECSServiceAverageCPUUtilization", cpu, None);
    if let Some(memory) = service.scaling.memory_percent {
        let metric = "ECSServiceAverageMemoryUtilization";
        policy.add(context, "memory", metric, memory, None);
    }
    if let Some(requests) = service.scaling.requests_per_task {
        // `app/<name>/<id>/targetgroup/<name>/<id>`
        let label = Value::join([
            Value::output(&load_balancer::load_balancer(stack), "arnSuffix"),
            "/".into(),
            Value::output(
                &load_balancer::target_group(stack, &service.key),
                "arnSuffix",
            ),
        ]);
        let metric = "ALBRequestCountPerTarget";
        policy.add(context, "requests", metric, requests, Some(label));
    }
}

/// The parts that the policies of a service have in common.
struct Policy<'a> {
    service: &'a Service,
    /// The scalable target.
    target: Urn,
}

impl Policy<'_> {
    fn add(
        &self,
        context: &mut Context<'_>,
        name: &str,
        metric: &str,
        value: u32,
        label: Option<Value>,
    ) {
        let scaling = &self.service.scaling;
        let mut specification = properties([("predefinedMetricType", metric.into())]);
        if let Some(label) = label {
            specification.insert("resourceLabel".to_owned(), label);
        }
        let inputs = properties([
            ("name", format!("{}-{name}", self.service.key).into()),
            ("policyType", "TargetTrackingScaling".into()),
            (
                "serviceNamespace",
                Value::output(&self.target, "serviceNamespace"),
            ),
            ("resourceId", Value::output(&self.target, "resourceId")),
            (
                "scalableDimension",
                Value::output(&self.target, "scalableDimension"),
            ),
            (
                "targetTrackingScalingPolicyConfiguration",
                Value::object([
                    (
                        "predefinedMetricSpecification",
                        Value::Object(specification),
                    ),
                    ("targetValue", value.into()),
                    ("scaleInCooldown", scaling.scale_in_cooldown.into()),
                    ("scaleOutCooldown", scaling.scale_out_cooldown.into()),
                    ("disableScaleIn", false.into()),
                ]),
            ),
        ]);
        let urn = self.service.urn(
            &context.id,
            "aws:appautoscaling:Policy",
            &format!("{name}Scaling"),
        );
        context.add(self.service.path(""), urn, inputs);
    }
}
