//! Combinations that ECS does not accept in a task definition. It says so when the definition is registered, after
//! everything that the definition needs has been made.

use std::collections::HashSet;

use super::container_checks::fit_containers;
use super::model::Inputs;
use crate::aws::ecs::NAME;
use crate::aws::policy::least_characters;
use crate::aws::resource_type::check;
use crate::resource::fargate;
use crate::resource::{InvalidInput, Properties};

/// The limit of a task definition, in bytes.
const LONGEST: usize = 64 * 1024;

const CONTAINERS: &str = Inputs::CONTAINER_DEFINITIONS;

pub(super) fn checks(inputs: &Properties) -> Vec<InvalidInput> {
    let mut invalid_inputs = check_size(inputs);
    invalid_inputs.extend(check(inputs, fit));
    invalid_inputs
}

fn check_size(inputs: &Properties) -> Vec<InvalidInput> {
    let size: usize = inputs.values().map(least_characters).sum();
    if size <= LONGEST {
        return Vec::new();
    }
    let reason =
        format!("has at least {size} characters; AWS takes {LONGEST} in a task definition");
    let help = "move long values of `environment` to a file in S3 or to Parameter Store";
    vec![
        InvalidInput::new(CONTAINERS, reason)
            .decided_by([])
            .help(help),
    ]
}

fn fit(inputs: &Inputs) -> Vec<InvalidInput> {
    let mut invalid_inputs = Vec::new();
    let mode = inputs.network_mode.as_str();
    if !["awsvpc", "host", "none"].contains(&mode) {
        // In `bridge` mode, an omitted port means any, and a given port means that one, so that the canonical form could not
        // tell the two apart.
        let reason = format!("`{mode}` is not supported, only `awsvpc`, `host` and `none` are");
        invalid_inputs.push(InvalidInput::new("networkMode", reason));
    }
    if inputs
        .requires_compatibilities
        .iter()
        .any(|compatibility| compatibility == "FARGATE")
    {
        fit_fargate(inputs, &mut invalid_inputs);
    }
    fit_containers(inputs, &mut invalid_inputs);
    fit_shares(inputs, &mut invalid_inputs);
    fit_volumes(inputs, &mut invalid_inputs);
    invalid_inputs
}

/// Converts text into units; `.25 vCPU` is 256, `0.5GB` is 512.
fn units(text: &str, unit: &str) -> Option<u32> {
    let text = text.trim().to_lowercase();
    match text.strip_suffix(unit) {
        Some(amount) => {
            let units = amount.trim().parse::<f64>().ok()? * 1024.0;
            (units.fract() == 0.0 && (0.0..=1e9).contains(&units)).then_some(units as u32)
        }
        None => text.parse().ok(),
    }
}

fn fit_fargate(inputs: &Inputs, invalid_inputs: &mut Vec<InvalidInput>) {
    if inputs.network_mode != "awsvpc" {
        let reason = "must be `awsvpc` on Fargate";
        invalid_inputs.push(InvalidInput::new("networkMode", reason));
    }
    match (&inputs.cpu, &inputs.memory) {
        (Some(cpu), Some(memory)) => {
            if let (Some(cpu), Some(memory)) = (units(cpu, "vcpu"), units(memory, "gb"))
                && let Err((reason, help)) = fargate::check_size(cpu, memory)
            {
                let invalid_input =
                    InvalidInput::new("memory", reason).decided_by(["cpu", "memory"]);
                invalid_inputs.push(invalid_input.help(help));
            }
        }
        (None, _) => invalid_inputs.push(missing("cpu", "must be given on Fargate")),
        (_, None) => invalid_inputs.push(missing("memory", "must be given on Fargate")),
    }
    if let Some(storage) = &inputs.ephemeral_storage
        && !(21..=200).contains(&storage.size_in_gib)
    {
        let at = "ephemeralStorage.sizeInGib";
        invalid_inputs.push(InvalidInput::new(at, "takes 21 to 200 GiB on Fargate"));
    }
    if inputs.execution_role_arn.is_none() {
        let mut needs = inputs.container_definitions.iter().filter_map(|container| {
            let driver = container.log_configuration.as_ref()?.log_driver.as_str();
            (driver == "awslogs").then_some("the log driver `awslogs` needs one on Fargate")
        });
        if let Some(reason) = needs.next() {
            invalid_inputs.push(missing("executionRoleArn", reason));
        }
    }
}

fn missing(property: &str, reason: &str) -> InvalidInput {
    InvalidInput::new(property, reason).decided_by([])
}

/// Checks that volumes have unique names, and that each mounted volume is one of them.
fn fit_volumes(inputs: &Inputs, invalid_inputs: &mut Vec<InvalidInput>) {
    let is_fargate = inputs
        .requires_compatibilities
        .iter()
        .any(|one| one == "FARGATE");
    let mut names: HashSet<&str> = HashSet::new();
    for (index, volume) in inputs.volumes.iter().enumerate() {
        let at = |part: &str| format!("volumes[{index}].{part}");
        if let Some(unfit) = NAME.check_text(&volume.name) {
            invalid_inputs.push(InvalidInput::new(at("name"), unfit.reason));
        }
        if !names.insert(&volume.name) {
            let reason = format!("`{}` is the name of another volume", volume.name);
            invalid_inputs.push(InvalidInput::new(at("name"), reason));
        }
        if is_fargate && volume.host_path.is_some() {
            let reason = "is not for Fargate: without it, the volume is an empty directory of the task's own";
            invalid_inputs.push(InvalidInput::new(at("hostPath"), reason));
        }
    }
    let platform = inputs.runtime_platform.operating_system_family.as_str();
    for (index, container) in inputs.container_definitions.iter().enumerate() {
        let mut paths: HashSet<&str> = HashSet::new();
        for (number, mount) in container.mount_points.iter().flatten().enumerate() {
            let at = |part: &str| format!("{CONTAINERS}[{index}].mountPoints[{number}].{part}");
            let volume = mount.source_volume.as_deref().unwrap_or_default();
            if !names.contains(volume) {
                let reason = format!("the task has no volume `{volume}` under `volumes`");
                let invalid_input = InvalidInput::new(at("sourceVolume"), reason);
                invalid_inputs.push(invalid_input.decided_by([&at("sourceVolume"), "volumes"]));
            }
            let path = mount.container_path.as_deref().unwrap_or_default();
            if platform == "LINUX" && !path.starts_with('/') {
                let reason = "must be a path from the root, such as `/tmp`";
                invalid_inputs.push(InvalidInput::new(at("containerPath"), reason));
            } else if !paths.insert(path) {
                let reason = format!("`{path}` is the place of another mount");
                invalid_inputs.push(InvalidInput::new(at("containerPath"), reason));
            }
        }
    }
}

/// Checks that the task has what its containers reserve.
fn fit_shares(inputs: &Inputs, invalid_inputs: &mut Vec<InvalidInput>) {
    let containers = &inputs.container_definitions;
    let cpu: i64 = containers.iter().map(|one| i64::from(one.cpu)).sum();
    let memory: i64 = containers
        .iter()
        .filter_map(|one| one.memory_reservation.or(one.memory))
        .map(i64::from)
        .sum();
    for (property, text, unit, reserved) in [
        ("cpu", &inputs.cpu, "vcpu", cpu),
        ("memory", &inputs.memory, "gb", memory),
    ] {
        let whole = text.as_deref().and_then(|text| units(text, unit));
        if let Some(whole) = whole
            && reserved > i64::from(whole)
        {
            let reason = format!("is {whole}, and the containers reserve {reserved} of it");
            invalid_inputs.push(InvalidInput::new(property, reason));
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value as Json, json};

    use super::*;
    use crate::resource::Value;

    fn said(over: Json) -> Vec<String> {
        let mut task = json!({"family": "api", "cpu": "256", "memory": "512", "requiresCompatibilities": ["FARGATE"],
            "networkMode": "awsvpc", "runtimePlatform": {"cpuArchitecture": "ARM64", "operatingSystemFamily": "LINUX"},
            "executionRoleArn": "role", "containerDefinitions": [{"name": "api", "image": "api:1"}]});
        let (Json::Object(task_keys), Json::Object(over)) = (&mut task, over) else {
            panic!("objects");
        };
        task_keys.extend(over);
        let Value::Object(inputs) = Value::from(task) else {
            panic!("an object");
        };
        checks(&inputs)
            .iter()
            .map(InvalidInput::to_string)
            .collect()
    }

    fn containers(containers: Json) -> Vec<String> {
        said(json!({ "containerDefinitions": containers }))
    }

    #[test]
    fn what_is_mounted_is_a_volume_of_the_task() {
        let mounted = |volumes: Json, mounts: Json| {
            let container = json!({"name": "api", "image": "api:1", "mountPoints": mounts});
            said(json!({"volumes": volumes, "containerDefinitions": [container]}))
        };
        let tmp = json!({"sourceVolume": "tmp", "containerPath": "/tmp"});
        assert_eq!(
            mounted(json!([{"name": "tmp"}]), json!([tmp])),
            Vec::<String>::new()
        );
        for (volumes, mounts, expected) in [
            (json!([]), json!([tmp]), "the task has no volume `tmp`"),
            (
                json!([{"name": "tmp"}, {"name": "tmp"}]),
                json!([tmp]),
                "`tmp` is the name of another volume",
            ),
            (
                json!([{"name": "tmp", "hostPath": "/var"}]),
                json!([tmp]),
                "is not for Fargate",
            ),
            (
                json!([{"name": "tmp"}]),
                json!([{"sourceVolume": "tmp", "containerPath": "tmp"}]),
                "must be a path from the root",
            ),
            (
                json!([{"name": "tmp"}]),
                json!([tmp, tmp]),
                "`/tmp` is the place of another mount",
            ),
        ] {
            let invalid_inputs = mounted(volumes, mounts);
            assert_eq!(invalid_inputs.len(), 1, "{invalid_inputs:?}");
            assert!(invalid_inputs[0].contains(expected), "{invalid_inputs:?}");
        }
    }

    #[test]
    fn a_plain_task_is_fine() {
        assert_eq!(said(json!({})), Vec::<String>::new());
        assert_eq!(
            said(json!({"cpu": ".25 vCPU", "memory": "0.5GB"})),
            Vec::<String>::new()
        );
    }

    #[test]
    fn fargate_has_certain_sizes() {
        assert_eq!(
            said(json!({"memory": "8192"})),
            ["`memory`: 256 CPU units do not go with 8192 MiB"]
        );
        assert_eq!(
            said(json!({"cpu": null})),
            ["`cpu`: must be given on Fargate"]
        );
        assert_eq!(
            said(json!({"ephemeralStorage": {"sizeInGib": 500}})),
            ["`ephemeralStorage.sizeInGib`: takes 21 to 200 GiB on Fargate"]
        );
        let logs = json!([{"name": "api", "image": "api:1", "logConfiguration": {"logDriver": "awslogs"}}]);
        assert_eq!(
            said(json!({"executionRoleArn": null, "containerDefinitions": logs})),
            ["`executionRoleArn`: the log driver `awslogs` needs one on Fargate"]
        );
    }

    #[test]
    fn containers_go_together() {
        let said = containers(json!([
            {"name": "api", "image": "a", "portMappings": [{"containerPort": 80}], "cpu": 200, "memory": 600,
                "environment": [{"name": "A", "value": "1"}], "secrets": [{"name": "A", "valueFrom": "arn"}],
                "dependsOn": [{"containerName": "db", "condition": "HEALTHY"}, {"containerName": "log", "condition": "START"}]},
            {"name": "api", "image": "b", "portMappings": [{"containerPort": 80, "hostPort": 8080}], "cpu": 200},
            {"name": "db", "image": "c", "healthCheck": {"command": ["curl"], "interval": 1}},
            {"name": "m", "image": "d", "dependsOn": [{"containerName": "db", "condition": "SUCCESS"}]},
        ]));
        for part in [
            "[1].name`: `api` is the name of another container",
            "[1].portMappings[0].hostPort`: must be 80",
            "[1].portMappings[0].containerPort`: 80 is a port of the task already",
            "[0].secrets[0].name`: `A` is another variable, too",
            "[0].dependsOn[1]`: there is no container `log`",
            "[2].healthCheck.interval`: takes 5 to 300",
            "[2].healthCheck.command`: must begin with `CMD`",
            "[3].dependsOn[0]`: `db` is `essential`",
            "`cpu`: is 256, and the containers reserve 400 of it",
            "`memory`: is 512, and the containers reserve 600 of it",
        ] {
            assert!(
                said.iter().any(|line| line.contains(part)),
                "{part}: {said:#?}"
            );
        }
        assert_eq!(said.len(), 10, "{said:#?}");
    }

    /// <https://github.com/hashicorp/terraform-provider-aws/issues/39533>: an entry that ECS drops is a difference in each
    /// preview.
    #[test]
    fn what_ecs_would_drop_or_keep_one_of_is_refused() {
        let said = containers(json!([{"name": "api", "image": "a",
            "environment": [{"name": "A", "value": ""}, {"name": "B"}, {"name": "A", "value": "2"}, {"value": "3"},
                {"name": "", "value": "4"}, {"name": "C", "value": null}],
            "secrets": [{"name": "", "valueFrom": "arn"}, {"name": "S", "valueFrom": ""}, {"name": "B", "valueFrom": "arn"}],
            "logConfiguration": {"logDriver": "splunk", "options": {"splunk-url": "u"}, "secretOptions": [
                {"name": "splunk-token", "valueFrom": ""}, {"name": "splunk-url", "valueFrom": "arn"}]}}]));
        let expected = [
            "environment[1].value`: must be given: ECS drops a variable without a value",
            "environment[2].name`: `A` is another variable, too; ECS keeps one of them",
            "environment[3].name`: must name a variable: ECS drops what has no name",
            "environment[4].name`: must name a variable: ECS drops what has no name",
            "environment[5].value`: must be given: ECS drops a variable without a value",
            "secrets[0].name`: must not be empty",
            "secrets[1].valueFrom`: must not be empty",
            "secrets[2].name`: `B` is another variable, too; ECS takes one",
            "logConfiguration.secretOptions[0].valueFrom`: must not be empty",
            "logConfiguration.secretOptions[1].name`: `splunk-url` is another option of the log, too",
        ];
        for part in expected {
            let hit = said.iter().any(|line| line.contains(part));
            assert!(hit, "{part}: {said:#?}");
        }
        assert_eq!(said.len(), expected.len(), "{said:#?}");
    }

    #[test]
    fn a_definition_has_at_most_64_kilobytes() {
        let value = "x".repeat(70_000);
        let said = containers(
            json!([{"name": "api", "image": "a", "environment": [{"name": "A", "value": value}]}]),
        );
        assert!(said[0].contains("AWS takes 65536"), "{said:?}");
    }
}
