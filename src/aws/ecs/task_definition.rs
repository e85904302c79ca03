//! ECS task definition: revisions of a family, which never change once they are registered.
//!
//! - Every registration makes a revision. There is neither token nor natural key, so it is never retried blindly.
//! - AWS fills in defaults and empty lists, and keeps its own order of containers, variables and secrets; the canonical
//!   forms below undo all of that.
//! - A deregistered revision becomes INACTIVE. It stays, and no longer counts as ours.
//! - Only Describe shows tags, one revision per call.

mod canonical;
mod checks;
mod container_checks;
mod container_definition;
mod form;
mod mirror;
mod model;
mod search;

use aws_sdk_ecs::types::{
    Compatibility, CpuArchitecture, EphemeralStorage as EcsStorage, NetworkMode, OsFamily,
    RuntimePlatform as EcsPlatform, Volume as EcsVolume,
};
use futures_util::future::{join_all, try_join_all};

pub use self::model::{EphemeralStorage, Inputs, Outputs, RuntimePlatform, Volume};
pub(super) use self::search::describe;

use self::form::{live, to_volume};
use self::mirror::Mirror;
use self::model::SERVICE;
use self::search::{active, families, is_gone, of_family};
use crate::aws::context::Context;
use crate::aws::error::{AwsResult, expected};
use crate::aws::resource_type::{Change, Live, LiveOf, New, Old, ResourceType};
use crate::resource::provider::Query;
use crate::resource::{CreateClass, ErrorKind, ProviderError, Schema};

pub struct TaskDefinition;

impl ResourceType for TaskDefinition {
    type Inputs = Inputs;
    type Outputs = Outputs;

    fn schema(&self) -> Schema {
        Schema::of::<Inputs, Outputs>("aws:ecs:TaskDefinition", CreateClass::TagsOnly)
            .found_by_name()
            .checks(checks::checks)
            // A service shows which revision is in use.
            .reads_after(&[SERVICE])
            .follows_use()
            .revision_of(Inputs::FAMILY)
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
