//! ECS task definition: revisions of a family, which never change once they are registered.
//!
//! - Every registration makes a revision. There is neither token nor natural key, so it is never retried blindly.
//! - AWS fills in defaults and empty lists, and keeps its own order of containers, variables and secrets; the canonical
//!   forms below undo all of that.
//! - A deregistered revision becomes INACTIVE. It stays, and no longer counts as ours.
//! - Only Describe shows tags, one revision per call.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use aws_sdk_ecs::types::{
    Compatibility, CpuArchitecture, EphemeralStorage as EcsStorage, HostVolumeProperties,
    NetworkMode, OsFamily, RuntimePlatform as EcsPlatform, SortOrder,
    TaskDefinition as EcsTaskDefinition, TaskDefinitionField, TaskDefinitionStatus,
    Volume as EcsVolume,
};
use futures_util::future::{join_all, try_join, try_join_all};
use schemars::{JsonSchema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, Serialize};

use super::canonical;
use super::container_definition::{ContainerDefinition, Mirror};
use crate::aws::answer::text;
use crate::aws::context::Context;
use crate::aws::error::{AwsResult, expected};
use crate::aws::pages::pages;
use crate::aws::resource_type::{Change, Live, LiveOf, New, Old, ResourceType};
use crate::aws::states;
use crate::resource::provider::Query;
use crate::resource::{
    Condition, CreateClass, ErrorKind, OutputTable, PropertyTable, ProviderError, Schema, Tags,
    Value,
};

/// The definition of a task.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema, PropertyTable)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Inputs {
    /// The name that revisions share: 1 to 255 letters, digits, `_` and `-`.
    #[property(required, replaces, text(super::NAME))]
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
    #[property(replaces, canonical(super::by_role))]
    pub execution_role_arn: Option<String>,
    /// The name or ARN of the role that the containers have.
    #[property(replaces, canonical(super::by_role))]
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
    pub revision: i32,
    /// The ARN that names the latest revision, whichever that is.
    pub arn_without_revision: String,
}

pub struct TaskDefinition;

impl ResourceType for TaskDefinition {
    type Inputs = Inputs;
    type Outputs = Outputs;

    fn schema(&self) -> Schema {
        Schema::of::<Inputs, Outputs>("aws:ecs:TaskDefinition", CreateClass::TagsOnly)
            .found_by_name()
            .checks(super::checks::checks)
            // A service shows which revision is in use.
            .reads_after(&[SERVICE])
            .follows_use()
            // Revisions of two definitions would look like those of one.
            .unique(&[&[Inputs::FAMILY]])
            // A service keeps the revision that it runs, deregistered or not.
            .blockers(&[])
    }

    async fn ahead(&self, context: &Context, query: Query<'_>) {
        let asked = families(query)
            .into_iter()
            .map(|family| active(context, query, family));
        drop(join_all(asked).await);
    }

    async fn read(&self, context: &Context, query: Query<'_>) -> AwsResult<Vec<LiveOf<Self>>> {
        let found = families(query)
            .into_iter()
            .map(|family| of_family(context, query, family));
        Ok(try_join_all(found).await?.into_iter().flatten().collect())
    }

    async fn create(&self, context: &Context, new: New<'_, Self>) -> AwsResult<LiveOf<Self>> {
        const OPERATION: &str = "ecs:RegisterTaskDefinition";
        let inputs = new.inputs;
        let containers = inputs
            .container_definitions
            .to_sdk()
            .map_err(super::invalid(OPERATION))?;
        let compatibilities: Vec<Compatibility> = inputs
            .requires_compatibilities
            .iter()
            .map(|name| Compatibility::from(name.as_str()))
            .collect();
        let platform = &inputs.runtime_platform;
        let platform = EcsPlatform::builder()
            .cpu_architecture(CpuArchitecture::from(platform.cpu_architecture.as_str()))
            .operating_system_family(OsFamily::from(platform.operating_system_family.as_str()))
            .build();
        let storage = inputs.ephemeral_storage.as_ref().map(|storage| {
            EcsStorage::builder()
                .size_in_gib(storage.size_in_gib)
                .build()
        });
        let volumes: Vec<EcsVolume> = inputs.volumes.iter().map(to_volume).collect();
        let request = context
            .ecs
            .register_task_definition()
            .family(&inputs.family)
            .set_container_definitions(Some(containers.clone()))
            .set_cpu(inputs.cpu.clone())
            .set_memory(inputs.memory.clone())
            .network_mode(NetworkMode::from(inputs.network_mode.as_str()))
            .set_requires_compatibilities(
                (!compatibilities.is_empty()).then(|| compatibilities.clone()),
            )
            .set_execution_role_arn(inputs.execution_role_arn.clone())
            .set_task_role_arn(inputs.task_role_arn.clone())
            .runtime_platform(platform.clone())
            .set_ephemeral_storage(storage.clone())
            .set_volumes((!volumes.is_empty()).then(|| volumes.clone()))
            .set_tags(Some(super::to_sdk(new.tags)));
        let answer = context.send_once(request).await?;
        let tags = super::from_sdk(answer.tags());
        let registered = expected(OPERATION, answer.task_definition, "a task definition")?;
        Ok(Live {
            inputs: inputs.clone(),
            ..live(&registered, tags)
        })
    }

    /// Returns true: a revision that nothing runs costs nothing, and is deregistered like any other.
    fn twin_is_harmless(&self) -> bool {
        true
    }

    async fn update(
        &self,
        _context: &Context,
        change: Change<'_, Self>,
    ) -> AwsResult<LiveOf<Self>> {
        Err(ProviderError::new(
            ErrorKind::Bug,
            "ecs:RegisterTaskDefinition",
            format!(
                "revision `{}` cannot change in place: {}",
                change.observed.id,
                change.diff.properties().join(", ")
            ),
        ))
    }

    async fn delete(&self, context: &Context, old: Old<'_, Self>) -> AwsResult<()> {
        let request = context
            .ecs
            .deregister_task_definition()
            .task_definition(&old.live.id);
        let deregistered = context.send(request).await;
        match deregistered {
            Ok(_) => Ok(()),
            Err(error) if is_gone(&error) => Ok(()),
            Err(error) => Err(error),
        }
    }
}

const SERVICE: &str = "aws:ecs:Service";

const X86_64: &str = "X86_64";
const LINUX: &str = "LINUX";

/// The time by which the tag index may lag behind: minutes on AWS, a day to be safe, whatever our clock says.
const INDEX_LAG: Duration = Duration::from_hours(24);

/// Returns the families that file and index name.
fn families(query: Query<'_>) -> BTreeSet<&str> {
    let indexed = query.indexed.iter();
    let indexed = indexed.filter_map(|entry| Some(revision_of(&entry.arn)?.0));
    let wanted = query.wanted_names("family").into_iter();
    wanted.chain(indexed).collect()
}

/// The ACTIVE revisions of a family.
struct Active {
    latest: (EcsTaskDefinition, Tags),
    /// The ARNs of the others, newest first.
    older: Vec<String>,
}

/// Returns the ACTIVE revisions of a family, asked for once per reading; `None` if it has none.
async fn active(
    context: &Context,
    query: Query<'_>,
    family: &str,
) -> AwsResult<Arc<Option<Active>>> {
    let key = format!("ecs:DescribeTaskDefinition {family}");
    query
        .session
        .once(&key, || async {
            // A family's name means its latest ACTIVE revision.
            let Some(latest) = describe(context, family).await? else {
                return Ok(None);
            };
            // Revisions are counted from 1 and never reused, so the first has no others beside it.
            let mut older = if latest.0.revision() == 1 {
                Vec::new()
            } else {
                list(context, family).await?
            };
            older.retain(|older| latest.0.task_definition_arn() != Some(older.as_str()));
            Ok(Some(Active { latest, older }))
        })
        .await
}

/// Returns the ACTIVE revisions of a family that carry our stack's tag, or that a service of the stack runs: most deploy
/// tools register revisions without tags.
async fn of_family(
    context: &Context,
    query: Query<'_>,
    family: &str,
) -> AwsResult<Vec<LiveOf<TaskDefinition>>> {
    let active = active(context, query, family).await?;
    let Some(Active { latest, older }) = active.as_ref() else {
        return Ok(Vec::new());
    };
    let running: BTreeSet<&str> = query
        .parents(SERVICE)
        .filter_map(|service| service.inputs.get("taskDefinition")?.as_str())
        .collect();
    let (indexed, others): (Vec<&String>, Vec<&String>) = older
        .iter()
        .partition(|arn| query.is_indexed(arn) || running.contains(arn.as_str()));
    let indexed = try_join_all(indexed.iter().map(|arn| describe(context, arn)));
    // A revision that is not in the index has another owner, or is too new to be in it. Newest first, so that a family with
    // many foreign revisions costs one call.
    let others = async {
        let mut recent = vec![Some(latest.clone())];
        if registered_before(&latest.0, SystemTime::now() - INDEX_LAG) {
            return Ok(recent);
        }
        for arn in &others {
            let Some(found) = describe(context, arn).await? else {
                continue;
            };
            let is_old = registered_before(&found.0, SystemTime::now() - INDEX_LAG);
            recent.push(Some(found));
            if is_old {
                break;
            }
        }
        Ok(recent)
    };
    let (indexed, recent) = try_join(indexed, others).await?;
    Ok(indexed
        .into_iter()
        .chain(recent)
        .flatten()
        .filter(|(found, tags)| {
            let is_running = || {
                let arn = found.task_definition_arn();
                arn.is_some_and(|arn| running.contains(arn))
            };
            let status = found.status().map(TaskDefinitionStatus::as_str);
            let lost = status.is_none_or(|status| states::is_lost(states::TASK_DEFINITION, status));
            !lost && (tags.belongs_to(query.stack) || is_running())
        })
        .map(|(found, tags)| live(&found, tags))
        .collect())
}

/// Returns the ARNs of a family's ACTIVE revisions, newest first.
async fn list(context: &Context, family: &str) -> AwsResult<Vec<String>> {
    const OPERATION: &str = "ecs:ListTaskDefinitions";
    let mut arns = pages(OPERATION, |token| async move {
        let request = context
            .ecs
            .list_task_definitions()
            .family_prefix(family)
            .status(TaskDefinitionStatus::Active)
            .sort(SortOrder::Desc)
            .max_results(100)
            .set_next_token(token.clone());
        let page = context.send(request).await?;
        let arns = expected(OPERATION, page.task_definition_arns, "`taskDefinitionArns`")?;
        Ok((Some(arns), page.next_token))
    })
    .await?;
    // Other families have the prefix, too.
    arns.retain(|arn| revision_of(arn).is_some_and(|(found, _)| found == family));
    Ok(arns)
}

/// Returns one revision, with its tags.
pub(super) async fn describe(
    context: &Context,
    arn: &str,
) -> AwsResult<Option<(EcsTaskDefinition, Tags)>> {
    const OPERATION: &str = "ecs:DescribeTaskDefinition";
    let request = context
        .ecs
        .describe_task_definition()
        .task_definition(arn)
        .include(TaskDefinitionField::Tags);
    let answer = context.send(request).await;
    match answer {
        Ok(answer) => {
            let tags = super::from_sdk(answer.tags());
            let found = expected(OPERATION, answer.task_definition, "`taskDefinition`")?;
            Ok(Some((found, tags)))
        }
        Err(error) if is_gone(&error) => Ok(None),
        Err(error) => Err(error),
    }
}

/// Returns whether a revision does not exist, or is INACTIVE already. ECS has no code of its own for that.
fn is_gone(error: &ProviderError) -> bool {
    error.is(ErrorKind::NotFound)
        || error.code == "ClientException"
            && [
                "Unable to describe task definition",
                "does not exist",
                "inactive",
            ]
            .iter()
            .any(|text| error.message.contains(text))
}

fn registered_before(definition: &EcsTaskDefinition, time: SystemTime) -> bool {
    definition
        .registered_at()
        .and_then(|registered| SystemTime::try_from(*registered).ok())
        .is_some_and(|registered| registered < time)
}

/// Returns family and revision of an ARN.
fn revision_of(arn: &str) -> Option<(&str, &str)> {
    arn.split_once(":task-definition/")?.1.rsplit_once(':')
}

fn live(definition: &EcsTaskDefinition, tags: Tags) -> LiveOf<TaskDefinition> {
    let arn = text(definition.task_definition_arn());
    let platform = definition.runtime_platform();
    Live {
        id: arn.clone(),
        outputs: Outputs {
            revision: definition.revision(),
            arn_without_revision: arn
                .rsplit_once(':')
                .map_or(arn.as_str(), |(arn, _)| arn)
                .to_owned(),
        },
        arn: Some(arn),
        inputs: Inputs {
            family: text(definition.family()),
            container_definitions: definition
                .container_definitions()
                .iter()
                .map(ContainerDefinition::from_sdk)
                .collect(),
            cpu: definition.cpu().map(str::to_owned),
            memory: definition.memory().map(str::to_owned),
            network_mode: definition
                .network_mode()
                // This is AWS's own default if none was given.
                .map_or("bridge", NetworkMode::as_str)
                .to_owned(),
            requires_compatibilities: definition
                .requires_compatibilities()
                .iter()
                .map(|name| name.as_str().to_owned())
                .collect(),
            execution_role_arn: definition.execution_role_arn().map(str::to_owned),
            task_role_arn: definition.task_role_arn().map(str::to_owned),
            runtime_platform: RuntimePlatform {
                cpu_architecture: platform
                    .and_then(EcsPlatform::cpu_architecture)
                    .map_or(X86_64, CpuArchitecture::as_str)
                    .to_owned(),
                operating_system_family: platform
                    .and_then(EcsPlatform::operating_system_family)
                    .map_or(LINUX, OsFamily::as_str)
                    .to_owned(),
            },
            ephemeral_storage: definition
                .ephemeral_storage()
                .map(|storage| EphemeralStorage {
                    size_in_gib: storage.size_in_gib(),
                }),
            volumes: definition.volumes().iter().map(from_volume).collect(),
        },
        tags,
        condition: Condition::Ready,
    }
}

fn to_volume(volume: &Volume) -> EcsVolume {
    let host = volume.host_path.as_ref().map(|path| {
        HostVolumeProperties::builder()
            .source_path(path.as_str())
            .build()
    });
    EcsVolume::builder()
        .name(&volume.name)
        .set_host(host)
        .build()
}

fn from_volume(volume: &EcsVolume) -> Volume {
    let host = volume.host().and_then(HostVolumeProperties::source_path);
    Volume {
        name: text(volume.name()),
        host_path: host.map(str::to_owned),
    }
}

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

    #[test]
    fn arns_tell_family_and_revision() {
        assert_eq!(
            revision_of("arn:aws:ecs:eu-south-2:1:task-definition/api:12"),
            Some(("api", "12"))
        );
    }
}
