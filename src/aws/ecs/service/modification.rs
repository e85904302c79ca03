//! The settings that an update of a service sends.

use aws_sdk_ecs::operation::update_service::builders::UpdateServiceFluentBuilder;
use aws_sdk_ecs::types::PropagateTags;

use super::form::{deployment_configuration, to_load_balancers};
use super::model::Inputs;
use crate::resource::Diff;

/// A change of a request, by the wanted inputs.
type Say = fn(UpdateServiceFluentBuilder, &Inputs) -> UpdateServiceFluentBuilder;

/// Properties that are all sent if one of them differs, and how they are sent.
const MODIFICATIONS: &[(&[&str], Say)] = &[
    (&["taskDefinition"], |request, wanted| {
        request.task_definition(&wanted.task_definition)
    }),
    (&["desiredCount"], |request, wanted| {
        request.set_desired_count(wanted.desired_count)
    }),
    (&["platformVersion"], |request, wanted| {
        request.platform_version(&wanted.platform_version)
    }),
    (&["loadBalancers"], |request, wanted| {
        request.set_load_balancers(Some(to_load_balancers(wanted)))
    }),
    (
        &[
            "deploymentCircuitBreaker",
            "deploymentMaximumPercent",
            "deploymentMinimumHealthyPercent",
        ],
        |request, wanted| request.deployment_configuration(deployment_configuration(wanted)),
    ),
    (&["healthCheckGracePeriodSeconds"], |request, wanted| {
        request.health_check_grace_period_seconds(wanted.health_check_grace_period_seconds)
    }),
    (&["enableExecuteCommand"], |request, wanted| {
        request.enable_execute_command(wanted.enable_execute_command)
    }),
    (&["enableEcsManagedTags"], |request, wanted| {
        request.enable_ecs_managed_tags(wanted.enable_ecs_managed_tags)
    }),
    (&["propagateTags"], |request, wanted| {
        request.propagate_tags(PropagateTags::from(wanted.propagate_tags.as_str()))
    }),
];

/// Adds the wanted values of all properties that differ.
pub(super) fn with_changes(
    mut request: UpdateServiceFluentBuilder,
    wanted: &Inputs,
    diff: &Diff,
) -> UpdateServiceFluentBuilder {
    for (names, say) in MODIFICATIONS {
        if names.iter().any(|name| diff.touches(name)) {
            request = say(request, wanted);
        }
    }
    request
}
