//! A task definition in our form and in the SDK's.

use aws_sdk_ecs::types::{
    CpuArchitecture, HostVolumeProperties, NetworkMode, OsFamily, RuntimePlatform as EcsPlatform,
    TaskDefinition as EcsTaskDefinition, Volume as EcsVolume,
};

use super::container_definition::ContainerDefinition;
use super::mirror::Mirror;
use super::model::{EphemeralStorage, Inputs, LINUX, Outputs, RuntimePlatform, Volume, X86_64};
use crate::aws::answer::text;
use crate::aws::resource_type::Live;
use crate::resource::{Condition, Tags};

pub(super) fn live(definition: &EcsTaskDefinition, tags: Tags) -> Live<Inputs, Outputs> {
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

pub(super) fn to_volume(volume: &Volume) -> EcsVolume {
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
