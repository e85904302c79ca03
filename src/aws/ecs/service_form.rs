//! A service in our form and in the SDK's, and the canonical forms of its properties.

use aws_sdk_ecs::types::{
    AssignPublicIp, AwsVpcConfiguration, DeploymentCircuitBreaker, DeploymentConfiguration,
    LoadBalancer as EcsLoadBalancer, NetworkConfiguration as EcsNetwork, PropagateTags,
    Service as EcsService,
};

use super::rollout::{self, Awaited};
use super::service::{
    CircuitBreaker, Inputs, LATEST, LoadBalancer, NONE, NetworkConfiguration, Outputs, Service,
};
use crate::aws::answer::text;
use crate::aws::error::AwsResult;
use crate::aws::resource_type::{Live, LiveOf};
use crate::aws::states;
use crate::resource::diff::sorted;
use crate::resource::{Condition, Properties, Value};

pub(super) fn awaited(outputs: &Outputs) -> Awaited<'_> {
    Awaited {
        deployment: outputs.deployment.as_deref(),
        task_definition: outputs.deployment_task_definition.as_deref(),
        instead_of: outputs.instead_of.as_deref(),
    }
}

pub(super) fn live(service: &EcsService) -> LiveOf<Service> {
    let arn = text(service.service_arn());
    let configuration = service.deployment_configuration();
    let breaker = configuration.and_then(DeploymentConfiguration::deployment_circuit_breaker);
    let primary = rollout::primary(service);
    let outputs = Outputs {
        deployment: primary.and_then(|primary| primary.id().map(str::to_owned)),
        deployment_task_definition: primary
            .and_then(|primary| primary.task_definition().map(str::to_owned)),
        failed: rollout::has_failed(service),
        instead_of: None,
    };
    Live {
        id: arn.clone(),
        arn: Some(arn),
        inputs: Inputs {
            name: text(service.service_name()),
            cluster: text(service.cluster_arn()),
            task_definition: text(service.task_definition()),
            desired_count: Some(service.desired_count()),
            desired_count_range: None,
            launch_type: service.launch_type().map(|kind| kind.as_str().to_owned()),
            platform_version: service.platform_version().unwrap_or(LATEST).to_owned(),
            network_configuration: service
                .network_configuration()
                .and_then(EcsNetwork::awsvpc_configuration)
                .map(|network| NetworkConfiguration {
                    subnets: network.subnets().to_vec(),
                    security_groups: network.security_groups().to_vec(),
                    assign_public_ip: network.assign_public_ip() == Some(&AssignPublicIp::Enabled),
                }),
            load_balancers: service
                .load_balancers()
                .iter()
                .map(|entry| LoadBalancer {
                    target_group_arn: text(entry.target_group_arn()),
                    container_name: text(entry.container_name()),
                    container_port: entry.container_port().unwrap_or_default(),
                })
                .collect(),
            deployment_circuit_breaker: CircuitBreaker {
                enable: breaker.is_some_and(DeploymentCircuitBreaker::enable),
                rollback: breaker.is_some_and(DeploymentCircuitBreaker::rollback),
            },
            deployment_maximum_percent: configuration
                .and_then(DeploymentConfiguration::maximum_percent)
                .unwrap_or(200),
            deployment_minimum_healthy_percent: configuration
                .and_then(DeploymentConfiguration::minimum_healthy_percent)
                .unwrap_or(100),
            health_check_grace_period_seconds: service
                .health_check_grace_period_seconds()
                .unwrap_or(0),
            enable_execute_command: service.enable_execute_command(),
            enable_ecs_managed_tags: service.enable_ecs_managed_tags(),
            propagate_tags: service
                .propagate_tags()
                .map_or(NONE, PropagateTags::as_str)
                .to_owned(),
            force_new_deployment: None,
            wait_for_steady_state: None,
        },
        tags: super::from_sdk(service.tags()),
        condition: match service.status() {
            // Its name is free only once it is gone, so it is deleted completely and made again.
            Some(status) if states::is_lost(states::SERVICE, status) => {
                Condition::Broken(status.to_lowercase())
            }
            _ => rollout::condition(service),
        },
        outputs,
    }
}

pub(super) fn deployment_configuration(inputs: &Inputs) -> DeploymentConfiguration {
    let breaker = DeploymentCircuitBreaker::builder()
        .enable(inputs.deployment_circuit_breaker.enable)
        .rollback(inputs.deployment_circuit_breaker.rollback)
        .build();
    DeploymentConfiguration::builder()
        .deployment_circuit_breaker(breaker)
        .maximum_percent(inputs.deployment_maximum_percent)
        .minimum_healthy_percent(inputs.deployment_minimum_healthy_percent)
        .build()
}

pub(super) fn to_network(operation: &str, network: &NetworkConfiguration) -> AwsResult<EcsNetwork> {
    let configuration = AwsVpcConfiguration::builder()
        .set_subnets(Some(network.subnets.clone()))
        .set_security_groups(Some(network.security_groups.clone()))
        .assign_public_ip(if network.assign_public_ip {
            AssignPublicIp::Enabled
        } else {
            AssignPublicIp::Disabled
        })
        .build()
        .map_err(super::invalid(operation))?;
    Ok(EcsNetwork::builder()
        .awsvpc_configuration(configuration)
        .build())
}

pub(super) fn to_load_balancers(inputs: &Inputs) -> Vec<EcsLoadBalancer> {
    inputs
        .load_balancers
        .iter()
        .map(|entry| {
            EcsLoadBalancer::builder()
                .target_group_arn(&entry.target_group_arn)
                .container_name(&entry.container_name)
                .container_port(entry.container_port)
                .build()
        })
        .collect()
}

/// Returns the canonical form of a network: subnets and groups are sets; there is no public address unless asked for.
pub(super) fn canonical_network(value: Value) -> Value {
    let Value::Object(mut network) = value else {
        return value;
    };
    for list in ["subnets", "securityGroups"] {
        if let Some(values) = network.remove(list) {
            network.insert(list.to_owned(), sorted(values));
        }
    }
    network
        .entry("assignPublicIp".to_owned())
        .or_insert(Value::Bool(false));
    Value::Object(network)
}

/// Keeps the live number of tasks, brought within the limits, where autoscaling owns it.
///
/// A count of 0 outside the limits switches the service off; a service that is off starts with the count of the file.
pub(super) fn keep_scaled_count(desired: &mut Properties, observed: &Properties) {
    let limits = desired
        .get("desiredCountRange")
        .and_then(Value::as_object)
        .and_then(|range| {
            Some((
                range.get("min")?.as_number()?,
                range.get("max")?.as_number()?,
            ))
        })
        .filter(|(min, max)| min <= max);
    let live = observed.get("desiredCount").and_then(Value::as_number);
    let count = match (desired.get("desiredCount"), limits, live) {
        (None | Some(Value::Null), None, _) => 0.0,
        (None | Some(Value::Null), Some((min, max)), Some(live)) => live.clamp(min, max),
        (Some(Value::Number(wanted)), Some((min, max)), Some(live)) => {
            if *wanted == 0.0 && min > 0.0 {
                0.0
            } else if live == 0.0 && min > 0.0 {
                wanted.clamp(min, max)
            } else {
                live.clamp(min, max)
            }
        }
        _ => return,
    };
    desired.insert("desiredCount".to_owned(), count.into());
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::resource::value::properties;

    fn kept(desired: serde_json::Value, live: i32) -> Option<Value> {
        let Value::Object(mut desired) = Value::from(desired) else {
            return None;
        };
        keep_scaled_count(&mut desired, &properties([("desiredCount", live.into())]));
        desired.remove("desiredCount")
    }

    #[test]
    fn the_count_of_autoscaling_stays_between_its_limits() {
        let range = json!({"min": 1, "max": 3});
        let scaled = |count: i32| json!({"desiredCount": count, "desiredCountRange": range});
        assert_eq!(kept(scaled(1), 2), Some(2.into()));
        assert_eq!(kept(scaled(1), 5), Some(3.into()));
        // It is switched off, and on again.
        assert_eq!(kept(scaled(0), 2), Some(0.into()));
        assert_eq!(kept(scaled(2), 0), Some(2.into()));
        // Without a range, the file decides.
        assert_eq!(kept(json!({"desiredCount": 1}), 2), Some(1.into()));
        assert_eq!(kept(json!({}), 2), Some(0.into()));
        assert_eq!(kept(json!({"desiredCountRange": range}), 2), Some(2.into()));
        // A scheduled zero inside the range belongs to autoscaling, too.
        assert_eq!(
            kept(
                json!({"desiredCount": 1, "desiredCountRange": {"min": 0, "max": 3}}),
                0
            ),
            Some(0.into())
        );
    }

    #[test]
    fn order_of_subnets_means_nothing() {
        assert_eq!(
            canonical_network(json!({"subnets": ["b", "a"]}).into()),
            canonical_network(json!({"subnets": ["a", "b"], "assignPublicIp": false}).into())
        );
    }
}
