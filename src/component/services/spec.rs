//! `services:`: containers on Fargate, each with its image repository, logs, roles, scaling and health check.
//!
//! ```yaml
//! services:
//!   api:
//!     port: 8000
//!     routes: ["/api/*"]
//!     environment: { LOG_LEVEL: info }
//!     secrets: { DATABASE_URL: "${database.url}" }
//! ```
//!
//! The image is up to the author (`image: 2024-06-01`) or to the pipeline: without `image`, the service starts with the tag
//! `latest` of its own repository, and later keeps whatever was deployed since. While that repository is empty the service
//! is kept at zero tasks, so that the first `up` does not wait for an image that no one can have pushed yet.
//!
//! Offers `${services.clusterName}`, `${services.clusterArn}`, and for each service `serviceName`, `repositoryUrl`,
//! `repositoryName`, `logGroupName` and `taskRoleArn`: `${services.api.repositoryUrl}`. This file is the spec and what it
//! settles to; it is checked in `service_checks.rs`, and the resources are made in `tasks.rs`.

use std::collections::BTreeMap;

use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::Deserialize;

use crate::resource::{Path, StackId, Urn, Value};
use crate::stack::{Fault, Stack};

use super::{checks as service_checks, images};
use crate::component::context::Context;
use crate::component::lookup::Export;
use crate::component::threshold::Threshold;
use crate::component::{ScalarText, Text, elsewhere, load_balancer, network};

pub const KEY: &str = "services";

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
    /// `":nginx"`, makes a tag of what would be taken for an image elsewhere. Unset, it starts with the tag `latest`, and
    /// what is deployed later by other means stays.
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
    /// The maximum number of tasks. Default: twice `min` in dev and staging, five times in prod.
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

/// All services, settled.
#[derive(Debug, Clone, PartialEq)]
pub struct Services {
    pub all: Vec<Service>,
}

/// One service, settled.
#[derive(Debug, Clone, PartialEq)]
pub struct Service {
    /// Its key in the file, and the name of its container.
    pub key: String,
    /// Its name in the cluster.
    pub name: String,
    /// `None` for a derived one.
    pub task_family: Option<String>,
    /// `None` if it needs no repository of its own.
    pub repository: Option<Repository>,
    pub image: Image,
    pub user: Option<String>,
    pub read_only: bool,
    pub port: Option<u16>,
    pub cpu: u32,
    pub memory: u32,
    pub architecture: Architecture,
    pub command: Option<Vec<Text>>,
    pub routes: Vec<String>,
    pub default: bool,
    pub health: Health,
    pub scaling: Scaling,
    pub cpu_alarm_percent: Option<u32>,
    pub environment: BTreeMap<String, Text>,
    pub secrets: BTreeMap<String, Text>,
    /// `None` for the default, which is true.
    pub propagate_tags: Option<bool>,
    pub permissions: Vec<(Vec<String>, Vec<Text>)>,
    pub log_group: String,
    /// The name that an earlier version derived, where the file gives none.
    pub earlier_log_group: Option<String>,
}

/// A repository that the stack makes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Repository {
    /// `None` for a derived name.
    pub name: Option<String>,
    /// The number of images that do not expire.
    pub keeps: u32,
    /// True if the image that runs does not expire, either.
    pub keeps_live: bool,
    /// Days after which images without a tag expire; `None` for as long as the others.
    pub untagged_days: Option<u32>,
    /// `None` for the default, which is immutable.
    pub tags: Option<ImageTags>,
}

/// The source of the image that runs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Image {
    /// The one that was last deployed; we start with the tag `latest` of the service's own repository.
    Deployed,
    /// A tag or `sha256:` digest in the service's own repository.
    Own(Text),
    /// The whole address of an image.
    Address(Text),
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Health {
    pub path: String,
    pub matcher: String,
    pub interval: u32,
    pub timeout: u32,
    pub healthy: u32,
    pub unhealthy: u32,
    pub grace_period: u32,
    /// `None` for the default command.
    pub command: Option<String>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Scaling {
    pub min: u32,
    pub max: u32,
    pub cpu_percent: u32,
    pub memory_percent: Option<u32>,
    pub requests_per_task: Option<u32>,
    pub scale_out_cooldown: u32,
    pub scale_in_cooldown: u32,
}

impl Scaling {
    /// A fixed number of tasks needs no autoscaling.
    pub fn is_fixed(&self) -> bool {
        self.min == self.max
    }
}

impl Service {
    /// True if the load balancer sends it traffic.
    pub fn is_exposed(&self) -> bool {
        self.default || !self.routes.is_empty()
    }

    /// The logical name of one of its resources.
    pub fn name_of(&self, what: &str) -> String {
        format!("{KEY}/{}/{what}", self.key)
    }

    pub fn urn(&self, stack: &StackId, token: &str, what: &str) -> Urn {
        Urn::new(stack, token, self.name_of(what))
    }

    pub fn repository_urn(&self, stack: &StackId) -> Urn {
        self.urn(stack, "aws:ecr:Repository", "repository")
    }

    pub fn log_group_urn(&self, stack: &StackId) -> Urn {
        self.urn(stack, "aws:cloudwatch:LogGroup", "logGroup")
    }

    pub fn service_urn(&self, stack: &StackId) -> Urn {
        self.urn(stack, "aws:ecs:Service", "service")
    }

    /// The path of the service, or of a place in it.
    pub fn path(&self, inside: &'static str) -> Path {
        let path = Path::from(KEY).key(&*self.key);
        match inside {
            "" => path,
            inside => path.join(inside),
        }
    }
}

/// A map of services by key.
pub fn schema(generator: &mut SchemaGenerator) -> Schema {
    let service = generator.subschema_for::<ServiceSpec>();
    schemars::json_schema!({
        "description": "The containers that are kept running on Fargate, by name: up to 20 lower-case letters, digits \
                        and hyphens.",
        "type": "object",
        "additionalProperties": service,
    })
}

/// The cluster that all services run in.
pub fn cluster(stack: &StackId) -> Urn {
    Urn::new(stack, "aws:ecs:Cluster", "services/cluster")
}

/// The name of the cluster.
pub fn cluster_name(stack: &Stack) -> String {
    let named = stack.cluster_name.clone();
    named.unwrap_or_else(|| derived_name(&stack.id()))
}

/// The base of names that are not given.
pub fn derived_name(stack: &StackId) -> String {
    format!("{}-{}", stack.name, stack.environment)
}

/// Fills in the defaults and checks the section. `None` if it is absent or structurally at fault.
pub fn resolve_defaults(context: &mut Context<'_>) -> Option<Services> {
    let specs: BTreeMap<String, ServiceSpec> = context.specs(KEY);
    if specs.is_empty() {
        return None;
    }
    context.need_section(KEY, network::KEY, "services live in a network");
    let only = specs.values().filter(|spec| spec.port.is_some()).count() == 1
        && !context.stack.is_unsound(KEY);
    let all: Vec<Service> = specs
        .into_iter()
        .map(|(key, spec)| settle_one(context, key, spec, only))
        .collect();
    service_checks::check_exposure(context, &all);
    service_checks::check_apart(context, &all);
    Some(Services { all })
}

fn settle_one(context: &mut Context<'_>, key: String, spec: ServiceSpec, only: bool) -> Service {
    let environment = context.environment();
    let min = spec.scaling.min.unwrap_or(environment.choose(1, 2, 2));
    let max = spec
        .scaling
        .max
        .unwrap_or((min * environment.choose(2, 2, 5)).max(1));
    let image = match spec.image {
        None => Image::Deployed,
        Some(text) if is_address(&text.0) => Image::Address(text),
        Some(Text(text)) => match text.strip_prefix(':') {
            Some(tag) => Image::Own(Text(tag.to_owned())),
            None if images::is_elsewhere(context, &key, &text) => Image::Deployed,
            None => Image::Own(Text(text)),
        },
    };
    let needs_repository = spec.repository.is_some() || !matches!(image, Image::Address(_));
    for (name, is_given) in [
        ("keepImages", spec.keep_images.is_some()),
        ("keepLiveImage", spec.keep_live_image.is_some()),
        ("keepUntaggedDays", spec.keep_untagged_days.is_some()),
        ("imageTags", spec.image_tags.is_some()),
    ] {
        if is_given && !needs_repository {
            let path = Path::from(KEY).key(&key).key(name);
            let label = "is for the repository of the service, and this one has none";
            context.refuse(Fault::Value, path, label);
        }
    }
    let cpu = spec.cpu.unwrap_or(256);
    let alone = only && spec.port.is_some();
    let service = Service {
        name: spec.name.unwrap_or_else(|| key.clone()),
        task_family: spec.task_family,
        repository: needs_repository.then_some(Repository {
            name: spec.repository,
            keeps: spec.keep_images.unwrap_or(10),
            keeps_live: spec.keep_live_image.unwrap_or(true),
            untagged_days: spec.keep_untagged_days,
            tags: spec.image_tags,
        }),
        image,
        user: spec.user,
        read_only: spec.read_only.unwrap_or(false),
        port: spec.port,
        cpu,
        memory: spec.memory_mib.unwrap_or(cpu * 2),
        architecture: spec.architecture.unwrap_or(Architecture::X86),
        command: spec.command,
        default: spec
            .default
            .unwrap_or(alone && context.is_declared(load_balancer::KEY)),
        routes: spec.routes,
        health: Health {
            path: spec.health_check.path.unwrap_or_else(|| "/".to_owned()),
            matcher: spec
                .health_check
                .matcher
                .unwrap_or_else(|| "200-399".to_owned()),
            interval: spec.health_check.interval_seconds.unwrap_or(5),
            timeout: spec.health_check.timeout_seconds.unwrap_or(4),
            healthy: spec.health_check.healthy_threshold.unwrap_or(2),
            unhealthy: spec.health_check.unhealthy_threshold.unwrap_or(3),
            grace_period: spec.health_check.grace_period_seconds.unwrap_or(60),
            command: spec.health_check.command,
        },
        scaling: Scaling {
            min,
            max,
            cpu_percent: spec.scaling.cpu_percent.unwrap_or(70),
            memory_percent: spec.scaling.memory_percent,
            requests_per_task: spec.scaling.requests_per_task,
            scale_out_cooldown: spec.scaling.scale_out_cooldown_seconds.unwrap_or(60),
            scale_in_cooldown: spec.scaling.scale_in_cooldown_seconds.unwrap_or(300),
        },
        cpu_alarm_percent: Threshold::or(spec.alarms.cpu_percent, 80),
        environment: spec
            .environment
            .into_iter()
            .map(|(name, value)| (name, value.0))
            .collect(),
        secrets: spec.secrets,
        propagate_tags: spec.propagate_tags,
        permissions: spec
            .permissions
            .into_iter()
            .map(|permission| (permission.actions, permission.resources))
            .collect(),
        earlier_log_group: spec
            .log_group
            .is_none()
            .then(|| format!("/aws/ecs/containers-{key}")),
        log_group: spec
            .log_group
            .unwrap_or_else(|| format!("/aws/ecs/{}/{key}", derived_name(&context.id))),
        key,
    };
    service_checks::check(context, &service);
    service
}

/// Returns whether a text is an address: it has a path or is one by reference; a tag has neither.
fn is_address(image: &str) -> bool {
    image.contains('/') || crate::stack::reference::holds_reference(image)
}

impl Services {
    /// The services that the load balancer sends traffic to.
    pub fn exposed(&self) -> impl Iterator<Item = &Service> {
        self.all.iter().filter(|service| service.is_exposed())
    }

    /// The outputs that `${services.…}` can ask for.
    pub fn exports(&self, context: &Context<'_>) -> BTreeMap<String, Export> {
        let stack = &context.id;
        let cluster = cluster(stack);
        let mut exports = BTreeMap::from([
            (
                "clusterName".to_owned(),
                Export::Value(Value::output(&cluster, "name")),
            ),
            (
                "clusterArn".to_owned(),
                Export::Value(Value::output(&cluster, "arn")),
            ),
        ]);
        for service in &self.all {
            let mut values = vec![
                (
                    "serviceName",
                    Value::output(&service.service_urn(stack), "name"),
                ),
                (
                    "logGroupName",
                    Value::output(&service.log_group_urn(stack), "name"),
                ),
                (
                    "taskRoleArn",
                    Value::output(&service.urn(stack, "aws:iam:Role", "taskRole"), "arn"),
                ),
            ];
            if service.repository.is_some() {
                let repository = service.repository_urn(stack);
                values.push(("repositoryUrl", Value::output(&repository, "repositoryUrl")));
                values.push(("repositoryName", Value::output(&repository, "name")));
            }
            let group = values
                .into_iter()
                .map(|(name, value)| (name.to_owned(), Export::Value(value)))
                .collect();
            exports.insert(service.key.clone(), Export::Group(group));
        }
        exports
    }
}
