//! Container definitions: conversion of ECS's own JSON, key by key, to the SDK and back.
//!
//! Authors and AWS's documentation share the key names, so each part is declared once, and `part!` makes the parsed struct
//! and the conversions of it; see `mirror.rs`. A key that is not declared here is refused by name.

use std::collections::HashMap;

use aws_sdk_ecs::types;
use aws_smithy_types::error::operation::BuildError;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::mirror::{Mirror, part};

part! {
    /// One container of a task.
    ContainerDefinition, blank: types::ContainerDefinition::builder().build(),
    {
        /// The CPU units reserved for the container; 1024 are one vCPU. Default: 0, a share of the task's.
        #[serde(default)]
        cpu: i32,
    }
    {
        /// The name: 1 to 255 letters, digits, `_` and `-`; unique in the task.
        name: String,
        /// The image: `repository:tag` or `repository@sha256:…`.
        image: String,
        repository_credentials: RepositoryCredentials,
        /// The memory in MiB at which the container is killed.
        memory: i32,
        /// The memory in MiB that is kept free for the container.
        memory_reservation: i32,
        port_mappings: Vec<PortMapping>,
        /// True if the task stops when this container does. Default: true.
        essential: bool,
        restart_policy: ContainerRestartPolicy,
        entry_point: Vec<String>,
        command: Vec<String>,
        /// Environment variables. The order means nothing.
        environment: Vec<KeyValuePair>,
        environment_files: Vec<EnvironmentFile>,
        /// Mounted volumes. The order means nothing.
        mount_points: Vec<MountPoint>,
        volumes_from: Vec<VolumeFrom>,
        linux_parameters: LinuxParameters,
        /// Environment variables from Secrets Manager and Parameter Store. The order means nothing.
        secrets: Vec<Secret>,
        depends_on: Vec<ContainerDependency>,
        /// The seconds that other containers wait for this one to come up.
        start_timeout: i32,
        /// The seconds between the request to stop and the kill, at most 120 on Fargate. AWS's default is 30.
        stop_timeout: i32,
        /// The version consistency: `enabled` or `disabled`. Default: `enabled`.
        version_consistency: String,
        hostname: String,
        user: String,
        working_directory: String,
        disable_networking: bool,
        privileged: bool,
        readonly_root_filesystem: bool,
        dns_servers: Vec<String>,
        dns_search_domains: Vec<String>,
        extra_hosts: Vec<HostEntry>,
        docker_security_options: Vec<String>,
        interactive: bool,
        pseudo_terminal: bool,
        docker_labels: HashMap<String, String>,
        ulimits: Vec<Ulimit>,
        log_configuration: LogConfiguration,
        health_check: HealthCheck,
        system_controls: Vec<SystemControl>,
        resource_requirements: Vec<ResourceRequirement>,
        firelens_configuration: FirelensConfiguration,
        credential_specs: Vec<String>,
    }
}

part! {
    /// A private registry's credentials.
    RepositoryCredentials,
    blank: types::RepositoryCredentials::builder().credentials_parameter("").build()?,
    {
        /// The ARN of the secret.
        credentials_parameter: String,
    }
    {}
}

part! {
    /// A port of a container.
    PortMapping, blank: types::PortMapping::builder().build(),
    {}
    {
        container_port: i32,
        /// The host's port; it must equal the container's port, or be left out.
        host_port: i32,
        /// `tcp` or `udp`. Default: `tcp`.
        protocol: String,
        name: String,
        app_protocol: String,
        container_port_range: String,
    }
}

part! {
    /// The policy by which a container is restarted in place.
    ContainerRestartPolicy, blank: types::ContainerRestartPolicy::builder().enabled(false).build()?,
    { enabled: bool, }
    { ignored_exit_codes: Vec<i32>, restart_attempt_period: i32, }
}

part! {
    /// An environment variable in clear text.
    KeyValuePair, blank: types::KeyValuePair::builder().build(),
    {}
    { name: String, value: String, }
}

part! {
    /// A file of environment variables in S3.
    EnvironmentFile,
    blank: types::EnvironmentFile::builder().value("").r#type(types::EnvironmentFileType::S3).build()?,
    {
        /// The ARN of the S3 object.
        value: String,
        /// `s3`.
        r#type: String,
    }
    {}
}

part! {
    /// A volume of the task, in the file system of a container.
    MountPoint, blank: types::MountPoint::builder().build(),
    {}
    {
        /// The name of the volume.
        source_volume: String,
        /// The absolute path in the container.
        container_path: String,
        /// True if the volume is read-only. Default: false.
        read_only: bool,
    }
}

part! {
    /// Volumes taken over from another container.
    VolumeFrom, blank: types::VolumeFrom::builder().build(),
    {}
    { source_container: String, read_only: bool, }
}

part! {
    /// Linux kernel options.
    LinuxParameters, blank: types::LinuxParameters::builder().build(),
    {}
    {
        capabilities: KernelCapabilities,
        devices: Vec<Device>,
        init_process_enabled: bool,
        shared_memory_size: i32,
        tmpfs: Vec<Tmpfs>,
        max_swap: i32,
        swappiness: i32,
    }
}

part! {
    /// Linux capabilities to add to or drop from the default set.
    KernelCapabilities, blank: types::KernelCapabilities::builder().build(),
    {}
    { add: Vec<String>, drop: Vec<String>, }
}

part! {
    /// A device of the host.
    Device, blank: types::Device::builder().host_path("").build()?,
    { host_path: String, }
    { container_path: String, permissions: Vec<String>, }
}

part! {
    /// A file system in memory.
    Tmpfs, blank: types::Tmpfs::builder().container_path("").size(0).build()?,
    {
        container_path: String,
        /// The size in MiB.
        size: i32,
    }
    { mount_options: Vec<String>, }
}

part! {
    /// An environment variable, or log option, whose value is a secret.
    Secret, blank: types::Secret::builder().name("").value_from("").build()?,
    {
        name: String,
        /// The ARN of the secret or parameter.
        value_from: String,
    }
    {}
}

part! {
    /// Another container that must have reached a condition before this one starts.
    ContainerDependency,
    blank: types::ContainerDependency::builder()
        .container_name("").condition(types::ContainerCondition::Start).build()?,
    {
        container_name: String,
        /// `START`, `COMPLETE`, `SUCCESS` or `HEALTHY`.
        condition: String,
    }
    {}
}

part! {
    /// A line of `/etc/hosts`.
    HostEntry, blank: types::HostEntry::builder().hostname("").ip_address("").build()?,
    { hostname: String, ip_address: String, }
    {}
}

part! {
    /// A resource limit of the container.
    Ulimit,
    blank: types::Ulimit::builder().name(types::UlimitName::Core).soft_limit(0).hard_limit(0).build()?,
    { name: String, soft_limit: i32, hard_limit: i32, }
    {}
}

part! {
    /// The destination of the container's output.
    LogConfiguration, blank: types::LogConfiguration::builder().log_driver(types::LogDriver::Awslogs).build()?,
    {
        /// `awslogs`, `awsfirelens` or `splunk` on Fargate.
        log_driver: String,
    }
    { options: HashMap<String, String>, secret_options: Vec<Secret>, }
}

part! {
    /// The check of the container's health.
    HealthCheck, blank: types::HealthCheck::builder().command("").build()?,
    {
        /// The command, such as `["CMD-SHELL", "curl -f http://localhost/ || exit 1"]`.
        command: Vec<String>,
    }
    {
        /// The interval in seconds, 5 to 300. Default: 30.
        interval: i32,
        /// The timeout in seconds, 2 to 60. Default: 5.
        timeout: i32,
        /// The retries, 1 to 10. Default: 3.
        retries: i32,
        /// The seconds in which failures do not count, 0 to 300. Default: 0.
        start_period: i32,
    }
}

part! {
    /// A kernel parameter of the container.
    SystemControl, blank: types::SystemControl::builder().build(),
    {}
    { namespace: String, value: String, }
}

part! {
    /// A GPU, or another special resource.
    ResourceRequirement,
    blank: types::ResourceRequirement::builder().value("").r#type(types::ResourceType::Gpu).build()?,
    {
        value: String,
        /// `GPU`.
        r#type: String,
    }
    { sharing_strategy: SharingStrategy, }
}

/// The way in which a GPU is shared between containers: exactly one way.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct SharingStrategy {
    pub nvidia_mps: Option<NvidiaMpsAllocation>,
}

impl Mirror<types::SharingStrategy> for SharingStrategy {
    fn from_sdk(sdk: &types::SharingStrategy) -> Self {
        Self {
            nvidia_mps: sdk.as_nvidia_mps().ok().map(Mirror::from_sdk),
        }
    }

    fn to_sdk(&self) -> Result<types::SharingStrategy, BuildError> {
        let allocation = self.nvidia_mps.as_ref().ok_or_else(|| {
            BuildError::missing_field("nvidiaMps", "`sharingStrategy` needs exactly one strategy")
        })?;
        Ok(types::SharingStrategy::NvidiaMps(allocation.to_sdk()?))
    }
}

part! {
    /// A share of a GPU.
    NvidiaMpsAllocation, blank: types::NvidiaMpsAllocation::builder().memory(0).build()?,
    {
        /// The GPU's memory in MiB.
        memory: i32,
    }
    {
        /// The most computing power of the GPU, in percent.
        max_compute_percent: i32,
    }
}

part! {
    /// Makes the container the log router of the task.
    FirelensConfiguration,
    blank: types::FirelensConfiguration::builder().r#type(types::FirelensConfigurationType::Fluentbit).build()?,
    {
        /// `fluentd` or `fluentbit`.
        r#type: String,
    }
    { options: HashMap<String, String>, }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn every_part_survives_the_way_to_the_sdk_and_back() {
        let json = json!({
            "name": "api", "image": "repo:1", "cpu": 128, "memory": 256, "essential": false,
            "portMappings": [{"containerPort": 8000, "hostPort": 8000, "protocol": "udp", "appProtocol": "http"}],
            "environment": [{"name": "LOG_LEVEL", "value": "info"}],
            "environmentFiles": [{"value": "arn:aws:s3:::b/env", "type": "s3"}],
            "secrets": [{"name": "DATABASE_URL", "valueFrom": "arn:aws:secretsmanager:…"}],
            "logConfiguration": {"logDriver": "awslogs", "options": {"awslogs-group": "/g"},
                "secretOptions": [{"name": "n", "valueFrom": "v"}]},
            "healthCheck": {"command": ["CMD", "true"], "interval": 10, "startPeriod": 5},
            "dependsOn": [{"containerName": "db", "condition": "HEALTHY"}],
            "linuxParameters": {"capabilities": {"add": ["SYS_PTRACE"]}, "initProcessEnabled": true,
                "devices": [{"hostPath": "/dev/x", "permissions": ["read"]}],
                "tmpfs": [{"containerPath": "/tmp", "size": 64}]},
            "ulimits": [{"name": "nofile", "softLimit": 1, "hardLimit": 2}],
            "extraHosts": [{"hostname": "h", "ipAddress": "10.0.0.1"}],
            "mountPoints": [{"sourceVolume": "tmp", "containerPath": "/tmp", "readOnly": true}],
            "volumesFrom": [{"sourceContainer": "c", "readOnly": true}],
            "systemControls": [{"namespace": "net.core.somaxconn", "value": "1"}],
            "resourceRequirements": [{"value": "1", "type": "GPU", "sharingStrategy": {"nvidiaMps": {"memory": 512}}}],
            "firelensConfiguration": {"type": "fluentbit", "options": {"a": "b"}},
            "repositoryCredentials": {"credentialsParameter": "arn"},
            "restartPolicy": {"enabled": true, "ignoredExitCodes": [0]},
            "dockerLabels": {"a": "b"}, "readonlyRootFilesystem": true, "versionConsistency": "disabled",
        });
        let definition: ContainerDefinition = serde_json::from_value(json.clone()).unwrap();
        let sdk = definition.to_sdk().unwrap();
        let back = serde_json::to_value(ContainerDefinition::from_sdk(&sdk)).unwrap();
        assert_eq!(back, json);
    }

    #[test]
    fn an_unknown_key_is_refused_by_name() {
        let refused = serde_json::from_value::<ContainerDefinition>(json!({"imgae": "x"}));
        assert!(refused.unwrap_err().to_string().contains("`imgae`"));
    }
}
