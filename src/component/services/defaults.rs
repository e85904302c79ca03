//! The defaults of `services:`.

use std::collections::BTreeMap;

use super::model::{Health, Image, Repository, Scaling, Service, Services, derived_name};
use super::spec::{Architecture, ServiceSpec};
use super::urns::KEY;
use super::{checks, images};
use crate::component::context::Context;
use crate::component::key::SectionKey;
use crate::component::text::Text;
use crate::component::threshold::Threshold;
use crate::resource::Path;
use crate::stack::Fault;
use crate::stack::reference::holds_reference;

/// Fills in the defaults and checks the section. `None` if it is absent or structurally at fault.
pub fn resolve_defaults(context: &mut Context<'_>) -> Option<Services> {
    let specs: BTreeMap<String, ServiceSpec> = context.specs(KEY);
    if specs.is_empty() {
        return None;
    }
    context.need_section(KEY, SectionKey::Network, "services live in a network");
    let only = specs.values().filter(|spec| spec.port.is_some()).count() == 1
        && !context.stack.is_unsound(KEY);
    let all: Vec<Service> = specs
        .into_iter()
        .map(|(key, spec)| settle_one(context, key, spec, only))
        .collect();
    checks::check_exposure(context, &all);
    checks::check_apart(context, &all);
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
            .unwrap_or(alone && context.is_declared(SectionKey::LoadBalancer)),
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
    checks::check(context, &service);
    service
}

/// Returns whether a text is an address: it has a path or is one by reference; a tag has neither.
fn is_address(image: &str) -> bool {
    image.contains('/') || holds_reference(image)
}
