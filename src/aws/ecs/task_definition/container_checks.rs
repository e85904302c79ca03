//! Combinations that ECS does not accept in the containers of a task definition.

use std::collections::HashSet;

use super::container_definition::{ContainerDefinition, HealthCheck, Secret};
use super::model::Inputs;
use crate::aws::ecs::NAME;
use crate::resource::InvalidInput;

const CONTAINERS: &str = Inputs::CONTAINER_DEFINITIONS;

/// The most containers of a task.
const MOST_CONTAINERS: usize = 10;

pub(super) fn fit_containers(inputs: &Inputs, invalid_inputs: &mut Vec<InvalidInput>) {
    let containers = &inputs.container_definitions;
    if containers.len() > MOST_CONTAINERS {
        let count = containers.len();
        let reason = format!("has {count} containers; AWS takes {MOST_CONTAINERS}");
        invalid_inputs.push(InvalidInput::new(CONTAINERS, reason).decided_by([]));
    }
    if !containers.is_empty()
        && containers
            .iter()
            .all(|container| container.essential == Some(false))
    {
        let reason = "at least one container must be `essential`";
        invalid_inputs.push(InvalidInput::new(CONTAINERS, reason));
    }
    let mut names = HashSet::new();
    let mut ports = HashSet::new();
    for (index, container) in containers.iter().enumerate() {
        let at = |part: &str| format!("{CONTAINERS}[{index}]{part}");
        if let Some(name) = &container.name {
            if let Some(unfit) = NAME.check_text(name) {
                invalid_inputs.push(InvalidInput::new(at(".name"), unfit.reason));
            }
            if !names.insert(name) {
                let reason = format!("`{name}` is the name of another container");
                invalid_inputs.push(InvalidInput::new(at(".name"), reason));
            }
        }
        for (number, port) in container.port_mappings.iter().flatten().enumerate() {
            let at_port = at(&format!(".portMappings[{number}]"));
            let Some(own) = port.container_port else {
                continue;
            };
            let is_other = |host: &i32| *host != 0 && *host != own;
            if inputs.network_mode != "none" && port.host_port.as_ref().is_some_and(is_other) {
                let reason = format!("must be {own}, as `containerPort`, or be left out");
                invalid_inputs.push(InvalidInput::new(format!("{at_port}.hostPort"), reason));
            }
            let protocol = port.protocol.clone().unwrap_or_else(|| "tcp".to_owned());
            if !ports.insert((own, protocol)) {
                let reason = format!(
                    "{own} is a port of the task already: its containers share one address"
                );
                invalid_inputs.push(InvalidInput::new(
                    format!("{at_port}.containerPort"),
                    reason,
                ));
            }
        }
        fit_variables(container, &at, inputs, invalid_inputs);
        if let Some(check) = &container.health_check {
            fit_health_check(check, &at(".healthCheck"), invalid_inputs);
        }
        if let (Some(soft), Some(hard)) = (container.memory_reservation, container.memory)
            && soft > hard
        {
            let reason = format!("is {soft}, and `memory` is {hard}");
            invalid_inputs.push(InvalidInput::new(at(".memoryReservation"), reason));
        }
    }
    fit_dependencies(containers, invalid_inputs);
}

fn fit_variables(
    container: &ContainerDefinition,
    at: &impl Fn(&str) -> String,
    inputs: &Inputs,
    invalid_inputs: &mut Vec<InvalidInput>,
) {
    let secrets = container.secrets.as_deref().unwrap_or_default();
    let environment = container.environment.as_deref().unwrap_or_default();
    let mut names: HashSet<&str> = HashSet::new();
    for (number, variable) in environment.iter().enumerate() {
        let place = at(&format!(".environment[{number}]"));
        let name = variable.name.as_deref().unwrap_or_default();
        if name.is_empty() {
            let reason = "must name a variable: ECS drops what has no name";
            invalid_inputs.push(InvalidInput::new(format!("{place}.name"), reason));
        } else if !names.insert(name) {
            let reason = format!("`{name}` is another variable, too; ECS keeps one of them");
            invalid_inputs.push(InvalidInput::new(format!("{place}.name"), reason));
        }
        if variable.value.is_none() {
            let reason = "must be given: ECS drops a variable without a value";
            let invalid_input = InvalidInput::new(format!("{place}.value"), reason);
            invalid_inputs
                .push(invalid_input.help("`\"\"` for an empty value, or take the variable out"));
        }
    }
    for (number, secret) in secrets.iter().enumerate() {
        let place = at(&format!(".secrets[{number}]"));
        fit_secret(secret, &place, invalid_inputs);
        if !secret.name.is_empty() && !names.insert(&secret.name) {
            let reason = format!("`{}` is another variable, too; ECS takes one", secret.name);
            invalid_inputs.push(InvalidInput::new(format!("{place}.name"), reason));
        }
    }
    let log = container.log_configuration.as_ref();
    let options = log.and_then(|log| log.secret_options.as_deref());
    let mut options_named: HashSet<&str> = HashSet::new();
    for (number, option) in options.unwrap_or_default().iter().enumerate() {
        let place = at(&format!(".logConfiguration.secretOptions[{number}]"));
        fit_secret(option, &place, invalid_inputs);
        let is_plain = log
            .and_then(|log| log.options.as_ref())
            .is_some_and(|options| options.contains_key(&option.name));
        if !option.name.is_empty() && (is_plain || !options_named.insert(&option.name)) {
            let reason = format!("`{}` is another option of the log, too", option.name);
            invalid_inputs.push(InvalidInput::new(format!("{place}.name"), reason));
        }
    }
    if !secrets.is_empty() && inputs.execution_role_arn.is_none() {
        let reason = "must be given where containers have `secrets`, which it reads";
        invalid_inputs.push(InvalidInput::new("executionRoleArn", reason).decided_by([]));
    }
}

/// Checks an entry. One without a name or a source is refused by ECS as "The secret name must not be empty", or dropped.
fn fit_secret(secret: &Secret, place: &str, invalid_inputs: &mut Vec<InvalidInput>) {
    for (part, text) in [("name", &secret.name), ("valueFrom", &secret.value_from)] {
        if text.is_empty() {
            let reason = "must not be empty";
            invalid_inputs.push(InvalidInput::new(format!("{place}.{part}"), reason));
        }
    }
}

fn fit_health_check(check: &HealthCheck, at: &str, invalid_inputs: &mut Vec<InvalidInput>) {
    for (name, value, range) in [
        ("interval", check.interval, 5..=300),
        ("timeout", check.timeout, 2..=120),
        ("retries", check.retries, 1..=10),
        ("startPeriod", check.start_period, 0..=300),
    ] {
        if let Some(value) = value
            && !range.contains(&value)
        {
            let reason = format!("takes {} to {}", range.start(), range.end());
            invalid_inputs.push(InvalidInput::new(format!("{at}.{name}"), reason));
        }
    }
    let first = check.command.first().map_or("", String::as_str);
    if !["CMD", "CMD-SHELL", "NONE"].contains(&first) && !first.starts_with("${") {
        let reason = "must begin with `CMD` or `CMD-SHELL`";
        let invalid_input = InvalidInput::new(format!("{at}.command"), reason);
        invalid_inputs.push(
            invalid_input.help("`[CMD-SHELL, \"curl -f http://localhost/ || exit 1\"]`, for one"),
        );
    }
}

/// Checks that each container waits for one that exists, that can reach the condition, and that does not wait for it in
/// turn.
fn fit_dependencies(containers: &[ContainerDefinition], invalid_inputs: &mut Vec<InvalidInput>) {
    let named = |name: &str| {
        containers
            .iter()
            .find(|container| container.name.as_deref() == Some(name))
    };
    for (index, container) in containers.iter().enumerate() {
        for (number, dependency) in container.depends_on.iter().flatten().enumerate() {
            let at = format!("{CONTAINERS}[{index}].dependsOn[{number}]");
            let name = &dependency.container_name;
            let condition = dependency.condition.as_str();
            let reason = match named(name) {
                _ if Some(name) == container.name.as_ref() => {
                    format!("`{name}` cannot wait for itself")
                }
                None => format!("there is no container `{name}`"),
                Some(other) if condition == "HEALTHY" && other.health_check.is_none() => {
                    format!("`{name}` has no `healthCheck`, and is never `HEALTHY`")
                }
                Some(other)
                    if ["SUCCESS", "COMPLETE"].contains(&condition)
                        && other.essential != Some(false) =>
                {
                    format!(
                        "`{name}` is `essential`: the task stops when it does, and is never waited for \
                         with `{condition}`"
                    )
                }
                Some(_) => continue,
            };
            let decide = format!("{at}.containerName");
            invalid_inputs.push(InvalidInput::new(at, reason).decided_by([&decide]));
        }
    }
}
