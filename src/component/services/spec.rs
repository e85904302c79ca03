//! The keys of `services:`.

use std::collections::BTreeMap;

use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::Deserialize;

use crate::component::elsewhere;
use crate::component::text::{ScalarText, Text};
use crate::component::threshold::Threshold;

/// A container that is kept running on Fargate.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
#[schemars(
    rename = "Service",
    extend("x-synonyms" = elsewhere::service_synonyms(), "x-unsupported" = elsewhere::service_unsupported())
)]
pub struct ServiceSpec {
    /// The name of the ECS service, unique in the cluster: letters, digits, `_` and `-`. Default: its key here.
    #[schemars(example = &"happyrobot-api", length(min = 1, max = 255))]
    pub name: Option<String>,
    /// The family of its task definitions: letters, digits, `_` and `-`. Default: name and environment of the stack, and
    /// the service's key, with hyphens between.
    #[schemars(example = &"happyrobot-api", length(min = 1, max = 255))]
    pub task_family: Option<String>,
    /// The name of its ECR repository, which the stack makes. Default: derived from the stack; none where `image` is a
    /// whole address.
    #[schemars(example = &"happyrobot-api", length(min = 2, max = 256))]
    pub repository: Option<String>,
    /// The number of images that the repository keeps: older ones expire, all but the one that the service runs. Default:
    /// 10.
    #[schemars(range(min = 1, max = 10_000))]
    pub keep_images: Option<u32>,
    /// Lets `up` put the tag `fde-live-NAME` on the image that the service runs, which keeps it from expiring; after other
    /// deployments, the next `up` moves it. Default: true.
    pub keep_live_image: Option<bool>,
    /// Days after its push for which an image without a tag is kept. Default: as long as `keepImages` says, for such an
    /// image may run: a tag that is pushed again, as `latest` can be, leaves the image that had it.
    #[schemars(range(min = 1, max = 3650))]
    pub keep_untagged_days: Option<u32>,
    /// The mutability of the repository's tags: with `immutable` no tag but `latest` can be pushed again with another image,
    /// with `mutable` every tag can. Default: `immutable`.
    pub image_tags: Option<ImageTags>,
    /// The image to run: a tag or digest in its own repository, or the whole address of an image. A colon in front,
    /// `":nginx"`, makes a tag of what would be taken for an image elsewhere. `${services.api.image}` is the image that another
    /// service runs. Unset, it starts with the tag `latest`, and what is deployed later by other means stays.
    #[schemars(example = &"2024-06-01-abc123")]
    pub image: Option<Text>,
    /// The user that the container runs as, instead of the image's own: a user or its number, and a group behind a colon.
    #[schemars(example = &"1000:1000", length(min = 1, max = 255))]
    pub user: Option<String>,
    /// Makes the container's own files read-only, all but what is under `/tmp`: an empty directory that is removed with the
    /// task. It belongs to the user root alone, unless the image has `VOLUME /tmp`, whose owner and rights it then has: so
    /// an image that does not run as root needs that line. `aws ecs execute-command` does not work then. Default: false.
    pub read_only: Option<bool>,
    /// The port it listens on. Without one it takes no traffic.
    #[schemars(example = 8000, range(min = 1, max = 65535))]
    pub port: Option<u16>,
    /// CPU units, 1024 to a virtual CPU: 256, 512, 1024, 2048, 4096, 8192 or 16384. Default: 256.
    pub cpu: Option<u32>,
    /// Memory in MiB; Fargate takes some pairs with `cpu` only. Default: twice `cpu`.
    #[serde(rename = "memoryMiB")]
    #[schemars(rename = "memoryMiB")]
    pub memory_mib: Option<u32>,
    /// The processor that the image is built for. Default: `x86_64`.
    pub architecture: Option<Architecture>,
    /// The command, instead of the image's own.
    #[schemars(example = ["node", "server.js"])]
    pub command: Option<Vec<Text>>,
    /// The paths of the load balancer that lead here: up to 128 characters, `*` and `?` for any text and any character.
    #[schemars(example = ["/api/*", "/health"])]
    pub routes: Vec<String>,
    /// Takes what no route of another service takes. Only one service does. Default: true for the only service with a port.
    pub default: Option<bool>,
    /// The health check of a task.
    pub health_check: HealthCheckSpec,
    /// The number of tasks that run.
    pub scaling: ScalingSpec,
    /// The thresholds of its alarms.
    pub alarms: ServiceAlarmsSpec,
    /// Environment variables.
    pub environment: BTreeMap<String, ScalarText>,
    /// Environment variables whose values are secrets: `${database.url}`, or the ARN of a secret or an SSM parameter,
    /// with `:key::` behind it for a key of its JSON.
    #[schemars(example = serde_json::json!({"DATABASE_URL": "${database.url}"}))]
    pub secrets: BTreeMap<String, Text>,
    /// Gives its tasks the tags of the ECS service, so that the bill shows which service costs what. A change applies to
    /// tasks that start later. Default: true.
    pub propagate_tags: Option<bool>,
    /// The actions that its code may take in AWS. Default: nothing.
    pub permissions: Vec<PermissionSpec>,
    /// The name of its log group, which no other stack of the account and region can have. Default:
    /// `/aws/ecs/<stack>-<environment>/<service>`; a stack that was made when the default was
    /// `/aws/ecs/containers-<service>` keeps that.
    #[schemars(length(min = 1, max = 512))]
    pub log_group: Option<String>,
}

/// The mutability of a repository's tags: whether they can be moved to another image.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum ImageTags {
    /// Only `latest` can be moved.
    Immutable,
    /// Every tag can be moved.
    Mutable,
}

/// A processor.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
pub enum Architecture {
    /// Intel and AMD.
    #[serde(rename = "x86_64")]
    X86,
    /// Graviton.
    #[serde(rename = "arm64")]
    Arm,
}

/// The health check of a task: by the load balancer, and inside the container.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
#[schemars(rename = "HealthCheck")]
pub struct HealthCheckSpec {
    /// The path to request. Default: `/`.
    #[schemars(example = &"/health", length(min = 1, max = 1024))]
    #[schemars(extend("x-pattern" = "^/"))]
    pub path: Option<String>,
    /// The answers that are healthy, as codes and ranges. Default: `200-399`, redirects among them.
    #[schemars(example = &"200-299")]
    pub matcher: Option<String>,
    /// Seconds between two checks by the load balancer. Default: 5.
    #[schemars(range(min = 5, max = 300))]
    pub interval_seconds: Option<u32>,
    /// Seconds to wait for an answer, fewer than between two checks. Default: 4.
    #[schemars(range(min = 2, max = 120))]
    pub timeout_seconds: Option<u32>,
    /// Good answers in a row that make a task healthy. Default: 2.
    #[schemars(range(min = 2, max = 10))]
    pub healthy_threshold: Option<u32>,
    /// Bad answers in a row that make a task unhealthy. Default: 3.
    #[schemars(range(min = 2, max = 10))]
    pub unhealthy_threshold: Option<u32>,
    /// Seconds after its start in which a task may be unhealthy. Default: 60.
    #[schemars(range(min = 0, max = 300))]
    pub grace_period_seconds: Option<u32>,
    /// The command that checks a task, run inside the container by its shell; an empty text for none. An image without
    /// `/bin/sh`, as distroless ones are, never passes a check and needs the empty text. Default: `curl` or `wget` on the
    /// path, whichever the image has, and content where it has neither.
    pub command: Option<String>,
}

/// The number of tasks that run.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
#[schemars(rename = "Scaling")]
pub struct ScalingSpec {
    /// The minimum number of tasks. Default: 1 in dev, 2 in staging and prod.
    #[schemars(range(min = 0, max = 1000))]
    pub min: Option<u32>,
    /// The maximum number of tasks. Default: twice `min` in dev and staging, five times `min` in
    /// prod.
    #[schemars(range(min = 1, max = 1000))]
    pub max: Option<u32>,
    /// The average CPU, in percent, that the number of tasks is kept around. Default: 70.
    #[schemars(range(min = 1, max = 100))]
    pub cpu_percent: Option<u32>,
    /// The average memory, in percent, that the number of tasks is kept around. Default: memory does not count.
    #[schemars(range(min = 1, max = 100))]
    pub memory_percent: Option<u32>,
    /// The requests per minute and task that the number of tasks is kept around. Default: requests do not count.
    #[schemars(range(min = 1, max = 1_000_000))]
    pub requests_per_task: Option<u32>,
    /// Seconds between two additions. Default: 60.
    #[schemars(range(min = 0, max = 3600))]
    pub scale_out_cooldown_seconds: Option<u32>,
    /// Seconds between two removals. Default: 300.
    #[schemars(range(min = 0, max = 3600))]
    pub scale_in_cooldown_seconds: Option<u32>,
}

/// The thresholds of the alarms on a service.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
#[schemars(rename = "ServiceAlarms")]
pub struct ServiceAlarmsSpec {
    /// The average CPU, in percent, above which to raise one; `false` for no such alarm. Default: 80.
    #[schemars(range(min = 1, max = 100))]
    pub cpu_percent: Option<Threshold<u32>>,
}

/// A statement of the policy of a service's role.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schemars(rename = "Permission")]
pub struct PermissionSpec {
    /// The actions that it may take.
    #[schemars(example = ["s3:GetObject"], length(min = 1))]
    pub actions: Vec<String>,
    /// The resources of these actions, by ARN.
    #[schemars(example = ["${uploads.arn}/*"], length(min = 1))]
    pub resources: Vec<Text>,
}

/// A map of services by key.
pub fn schema(generator: &mut SchemaGenerator) -> Schema {
    let service = generator.subschema_for::<ServiceSpec>();
    schemars::json_schema!({
        "description": "The containers that are kept running on Fargate, by name: up to 20 lower-case letters, digits \
                        and hyphens.",
        "type": "object",
        "x-names": { "pattern": "^[a-z]([a-z0-9]|-[a-z0-9])*$", "maxLength": 20 },
        "additionalProperties": service,
    })
}
