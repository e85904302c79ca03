//! The inputs and outputs of a task definition.

use schemars::{JsonSchema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, Serialize};

use super::canonical;
use super::container_definition::ContainerDefinition;
use crate::aws::ecs::{NAME, by_role};
use crate::resource::{OutputTable, PropertyTable, Value};

/// The definition of a task.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema, PropertyTable)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Inputs {
    /// The name that revisions share: 1 to 255 letters, digits, `_` and `-`.
    #[property(required, replaces, text(NAME))]
    pub family: String,
    /// The list of containers with ECS's own keys, or that list as JSON text.
    #[serde(deserialize_with = "containers")]
    #[schemars(schema_with = "containers_schema")]
    #[property(required, replaces, canonical(canonical::containers))]
    pub container_definitions: Vec<ContainerDefinition>,
    /// The CPU units of the whole task: `256`, or `.25 vCPU`. Fargate accepts 256 to 16384.
    #[serde(default, deserialize_with = "size")]
    #[schemars(schema_with = "size_schema")]
    #[property(replaces, canonical(canonical::cpu))]
    pub cpu: Option<String>,
    /// The memory of the whole task in MiB: `512`, or `0.5GB`. Fargate accepts certain values for each value of `cpu`.
    #[serde(default, deserialize_with = "size")]
    #[schemars(schema_with = "size_schema")]
    #[property(replaces, canonical(canonical::memory))]
    pub memory: Option<String>,
    /// The network mode: `awsvpc`, `host` or `none`. Default: `awsvpc`, which Fargate requires.
    #[schemars(extend("enum" = ["awsvpc", "host", "none"]))]
    #[property(default("awsvpc"), replaces)]
    pub network_mode: String,
    /// The launch types that AWS checks the definition against: `FARGATE`, `EC2`, `EXTERNAL`.
    #[serde(default)]
    #[property(replaces, set)]
    pub requires_compatibilities: Vec<String>,
    /// The name or ARN of the role that pulls images, reads secrets and writes logs.
    #[property(replaces, canonical(by_role))]
    pub execution_role_arn: Option<String>,
    /// The name or ARN of the role that the containers have.
    #[property(replaces, canonical(by_role))]
    pub task_role_arn: Option<String>,
    /// The platform. Default: `LINUX` on `X86_64`.
    #[property(default(Value::object([ ("cpuArchitecture", X86_64.into()), ("operatingSystemFamily", LINUX.into()), ])), replaces)]
    pub runtime_platform: RuntimePlatform,
    /// The task's own disk. Default: AWS's, 20 GiB on Fargate.
    #[property(replaces)]
    pub ephemeral_storage: Option<EphemeralStorage>,
    /// The volumes that `mountPoints` of the containers name. The order means nothing.
    #[serde(default)]
    #[property(replaces, canonical(canonical::volumes))]
    pub volumes: Vec<Volume>,
}

/// A place for files that containers of a task share, and that is deleted with the task.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Volume {
    /// The name: 1 to 255 letters, digits, `_` and `-`; unique in the task.
    pub name: String,
    /// A directory of the instance that the task runs on. Not on Fargate. Default: an empty directory of the task's own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub host_path: Option<String>,
}

/// The platform that the containers are built for.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct RuntimePlatform {
    /// The architecture: `X86_64` or `ARM64`. Default: `X86_64`.
    pub cpu_architecture: String,
    /// The operating system: `LINUX` or a Windows Server edition. Default: `LINUX`.
    pub operating_system_family: String,
}

/// The task's own disk.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct EphemeralStorage {
    /// The size in GiB, 21 to 200.
    pub size_in_gib: i32,
}

#[derive(Debug, Clone, Serialize, Deserialize, OutputTable)]
#[serde(rename_all = "camelCase")]
pub struct Outputs {
    /// The number of the revision, which AWS counts up in the family.
    pub revision: i32,
    /// The ARN that names the latest revision, whichever that is.
    pub arn_without_revision: String,
}

pub(super) const SERVICE: &str = "aws:ecs:Service";
pub(super) const X86_64: &str = "X86_64";

pub(super) const LINUX: &str = "LINUX";

/// Reads a list, or the JSON text of one.
fn containers<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Vec<ContainerDefinition>, D::Error> {
    use serde::de::Error;
    match serde_json::Value::deserialize(deserializer)? {
        serde_json::Value::String(text) => serde_json::from_str(&text),
        value => serde_json::from_value(value),
    }
    .map_err(|error| D::Error::custom(format!("`containerDefinitions`: {error}")))
}

fn containers_schema(generator: &mut SchemaGenerator) -> schemars::Schema {
    let list = generator.subschema_for::<Vec<ContainerDefinition>>();
    json_schema!({"anyOf": [list, {"type": "string"}]})
}

/// Reads a size: `256` and `"256"` alike.
fn size<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<String>, D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Size {
        Number(u32),
        Text(String),
    }
    Ok(
        Option::<Size>::deserialize(deserializer)?.map(|size| match size {
            Size::Number(number) => number.to_string(),
            Size::Text(text) => text,
        }),
    )
}

fn size_schema(_: &mut SchemaGenerator) -> schemars::Schema {
    json_schema!({"type": ["string", "integer", "null"]})
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn containers_are_taken_as_list_and_as_text() {
        let inputs = |containers: serde_json::Value| {
            serde_json::from_value::<Inputs>(json!({
                "family": "api", "containerDefinitions": containers, "cpu": 256, "memory": "512", "networkMode": "awsvpc",
                "runtimePlatform": {"cpuArchitecture": "X86_64", "operatingSystemFamily": "LINUX"},
            }))
        };
        let list = inputs(json!([{"name": "api", "image": "a:1"}])).unwrap();
        let text = inputs(json!(r#"[{"name": "api", "image": "a:1"}]"#)).unwrap();
        assert_eq!(list.container_definitions, text.container_definitions);
        assert_eq!(list.cpu.as_deref(), Some("256"));
        let refused = inputs(json!([{"name": "api", "imgae": "a:1"}])).unwrap_err();
        assert!(refused.to_string().contains("`imgae`"));
    }
}
