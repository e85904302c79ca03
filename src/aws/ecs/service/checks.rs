//! Combinations that ECS does not accept in a service, by itself and beside the task definition that it runs.

use super::model::Inputs;
use crate::aws::ecs::name_of;
use crate::resource::{InvalidInput, Properties, Value};

/// Checks the inputs. A family alone would mean another revision each time.
pub(super) fn fit(inputs: &Inputs) -> Vec<InvalidInput> {
    let mut invalid_inputs = Vec::new();
    let reference = inputs.task_definition.as_str();
    if !name_of(reference).contains(':') {
        let reason = format!("`{reference}` must name a revision, as `{reference}:1` does");
        invalid_inputs.push(InvalidInput::new("taskDefinition", reason));
    }
    let (fewest, most) = (
        inputs.deployment_minimum_healthy_percent,
        inputs.deployment_maximum_percent,
    );
    if most <= fewest || most <= 100 && fewest >= 100 {
        let reason = format!(
            "is {most}, and `deploymentMinimumHealthyPercent` is {fewest}: no task could be replaced"
        );
        let decide = [
            "deploymentMaximumPercent",
            "deploymentMinimumHealthyPercent",
        ];
        invalid_inputs
            .push(InvalidInput::new("deploymentMaximumPercent", reason).decided_by(decide));
    }
    if inputs.health_check_grace_period_seconds > 0 && inputs.load_balancers.is_empty() {
        let reason = "goes with `loadBalancers` alone";
        invalid_inputs.push(InvalidInput::new("healthCheckGracePeriodSeconds", reason));
    }
    if let Some(range) = &inputs.desired_count_range
        && range.min > range.max
    {
        let reason = format!("`min` is {}, `max` is {}", range.min, range.max);
        invalid_inputs.push(InvalidInput::new("desiredCountRange", reason));
    }
    let is_fargate = inputs.launch_type.as_deref() == Some("FARGATE");
    match &inputs.network_configuration {
        None if is_fargate => {
            let reason = "must be given for the launch type `FARGATE`";
            let invalid_input = InvalidInput::new("networkConfiguration", reason);
            invalid_inputs.push(invalid_input.decided_by(["launchType"]));
        }
        Some(network) => {
            for (list, count, most) in [
                ("subnets", network.subnets.len(), 16),
                ("securityGroups", network.security_groups.len(), 5),
            ] {
                if count > most {
                    let at = format!("networkConfiguration.{list}");
                    let reason = format!("names {count}; AWS takes {most}");
                    // Their number is known, whichever they are.
                    invalid_inputs.push(InvalidInput::new(at, reason).decided_by([]));
                }
            }
        }
        None => {}
    }
    invalid_inputs
}

/// Returns conflicts between a service and the task definition that it runs.
pub(super) fn beside_service(service: &Properties, task: &Properties) -> Vec<InvalidInput> {
    let texts = |value: Option<&Value>| -> Vec<String> {
        let items = value.and_then(Value::as_list).unwrap_or_default();
        let texts = items.iter().filter_map(Value::as_str);
        texts.map(str::to_owned).collect()
    };
    let mut invalid_inputs = Vec::new();
    let launch = service.get("launchType").and_then(Value::as_str);
    let runs_on = texts(task.get("requiresCompatibilities"));
    if let Some(launch) = launch
        && !runs_on.is_empty()
        && !runs_on.iter().any(|one| one == launch)
    {
        let reason = format!(
            "is `{launch}`, and the task definition is made for `{}`",
            runs_on.join("`, `")
        );
        invalid_inputs.push(InvalidInput::new("launchType", reason));
    }
    let mode = task.get("networkMode").and_then(Value::as_str);
    let is_given = service.contains_key("networkConfiguration");
    if mode == Some("awsvpc") && !is_given {
        let reason = "must be given for tasks in the network mode `awsvpc`";
        invalid_inputs.push(InvalidInput::new("networkConfiguration", reason).decided_by([]));
    }
    let Some(Value::List(containers)) = task.get("containerDefinitions") else {
        return invalid_inputs;
    };
    let balanced = service.get("loadBalancers").and_then(Value::as_list);
    for (index, target) in balanced.unwrap_or_default().iter().enumerate() {
        let Some(target) = target.as_object() else {
            continue;
        };
        let Some(name) = target.get("containerName").and_then(Value::as_str) else {
            continue;
        };
        let named = |container: &&Value| {
            let own = container.as_object().and_then(|one| one.get("name"));
            own.is_none_or(|own| own.as_str().is_none_or(|own| own == name))
        };
        let Some(container) = containers.iter().find(named) else {
            let reason = format!("the task definition has no container `{name}`");
            invalid_inputs.push(InvalidInput::new(
                format!("loadBalancers[{index}].containerName"),
                reason,
            ));
            continue;
        };
        let port = target.get("containerPort").and_then(Value::as_number);
        let ports = container
            .as_object()
            .and_then(|container| container.get("portMappings"))
            .and_then(Value::as_list)
            .unwrap_or_default();
        let maps = |mapping: &Value| {
            let own = mapping.as_object().and_then(|one| one.get("containerPort"));
            // A range, or a value that is not known yet, may contain it.
            own.is_none_or(|own| own.as_number().is_none() || own.as_number() == port)
        };
        if let Some(port) = port
            && !ports.iter().any(maps)
        {
            let reason = format!("the container `{name}` maps no port {port}");
            invalid_inputs.push(InvalidInput::new(
                format!("loadBalancers[{index}].containerPort"),
                reason,
            ));
        }
    }
    invalid_inputs
}

#[cfg(test)]
mod tests {
    use aws_sdk_ecs::types::Service as EcsService;

    use super::*;
    use crate::aws::ecs::service::form::live;

    #[test]
    fn a_family_alone_is_refused() {
        let mut inputs = live(&EcsService::builder().build()).inputs;
        inputs.task_definition = "api".to_owned();
        assert!(fit(&inputs)[0].reason.contains("`api:1`"));
        inputs.task_definition = "arn:aws:ecs:eu-south-2:1:task-definition/api:3".to_owned();
        assert_eq!(fit(&inputs), []);
    }
}
