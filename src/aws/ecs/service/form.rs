//! A service in our form and in the SDK's.

use aws_sdk_ecs::types::{
    AssignPublicIp, AwsVpcConfiguration, DeploymentCircuitBreaker, DeploymentConfiguration,
    LoadBalancer as EcsLoadBalancer, NetworkConfiguration as EcsNetwork, PropagateTags,
    Service as EcsService,
};

use super::deployment;
use super::model::{
    CircuitBreaker, Inputs, LATEST, LoadBalancer, NONE, NetworkConfiguration, Outputs,
};
use crate::aws::answer::text;
use crate::aws::ecs::{from_sdk, invalid};
use crate::aws::error::AwsResult;
use crate::aws::resource_type::Live;
use crate::aws::states;
use crate::resource::Condition;

pub(super) fn live(service: &EcsService) -> Live<Inputs, Outputs> {
    let arn = text(service.service_arn());
    let configuration = service.deployment_configuration();
    let breaker = configuration.and_then(DeploymentConfiguration::deployment_circuit_breaker);
    let primary = deployment::primary(service);
    let outputs = Outputs {
        deployment: primary.and_then(|primary| primary.id().map(str::to_owned)),
        deployment_task_definition: primary
            .and_then(|primary| primary.task_definition().map(str::to_owned)),
        failed: deployment::has_failed(service),
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
        tags: from_sdk(service.tags()),
        condition: match service.status() {
            // Its name is free only once it is gone, so it is deleted completely and made again.
            Some(status) if states::is_lost(states::SERVICE, status) => {
                Condition::Broken(status.to_lowercase())
            }
            _ => deployment::condition(service),
        },
        outputs,
    }
}

pub(super) fn deployment_configuration(inputs: &Inputs) -> DeploymentConfiguration {
    DeploymentConfiguration::builder()
        .deployment_circuit_breaker(inputs.deployment_circuit_breaker.to_sdk())
        .maximum_percent(inputs.deployment_maximum_percent)
        .minimum_healthy_percent(inputs.deployment_minimum_healthy_percent)
        .build()
}

impl CircuitBreaker {
    fn to_sdk(&self) -> DeploymentCircuitBreaker {
        DeploymentCircuitBreaker::builder()
            .enable(self.enable)
            .rollback(self.rollback)
            .build()
    }
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
        .map_err(invalid(operation))?;
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
