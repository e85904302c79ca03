//! The resources of `services:`: cluster, repositories, logs, task definitions, services. Roles and secrets are in
//! `task_roles.rs`, autoscaling in `scaling.rs`.

use std::collections::BTreeMap;

use super::images::{self, LIVE_TAG};
use super::model::{Image, Repository, Service, Services, derived_name};
use super::scaling;
use super::spec::{Architecture, ImageTags};
use super::task_roles::{self, Secret};
use super::urns::{KEY, cluster};
use crate::component::context::Context;
use crate::component::expansion::Note;
use crate::component::lookup::Export;
use crate::component::network::{NatGateways, Network, security_groups};
use crate::component::platform::Platform;
use crate::component::{load_balancer, log_retention, policy};
use crate::resource::value::{Conditional, properties};
use crate::resource::{Path, StackId, Urn, Value};
use crate::stack::Stack;

/// The tag that is deployed where the author names no image.
const FIRST_TAG: &str = "latest";

/// A number of images that no repository reaches: more than services run from one, and not fewer than `keepImages` takes.
const NEVER: u32 = 10_000;

/// The volume that a container with read-only files writes to.
const SCRATCH: &str = "tmp";

/// The value by which tasks get no tags from anything.
const NO_TAGS: &str = "NONE";

impl Services {
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
                (images::OUTPUT, running_image(stack, service)),
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

    /// Adds the resources of the section.
    pub fn expand(&self, context: &mut Context<'_>, platform: &Platform, network: &Network) {
        let stack = context.id.clone();
        add_cluster(context, &stack);
        let log_days = platform.log_retention_days(context);
        let cluster_name = Value::output(&cluster(&stack), "name");
        context
            .outputs
            .push(("ecsClusterName".to_owned(), cluster_name));
        for service in &self.all {
            let source = self.source(service);
            let add = Addition {
                stack: &stack,
                service,
                source,
                platform,
            };
            add.repository(context);
            let group = properties([
                ("name", service.log_group.as_str().into()),
                ("retentionInDays", log_days.into()),
            ]);
            let origin = service.path("");
            let was = log_retention::earlier_default(context);
            let group = context.add(&origin, service.log_group_urn(&stack), group);
            group.origin.name_key = Some(service.path("logGroup"));
            if let Some(days) = was.filter(|days| *days != log_days) {
                group.new_default(
                    "retentionInDays",
                    Value::from(days),
                    log_retention::setting(days),
                );
            }
            let earlier = service.earlier_log_group.iter();
            let earlier = earlier.map(|name| name.as_str().into());
            group.options.earlier_names.extend(earlier);
            let secrets = task_roles::secrets(context, service);
            let database = platform.database.as_ref();
            let access =
                database.map_or_else(Vec::new, |database| database.access_of(context, service));
            task_roles::expand(context, service, source, &secrets, access);
            let definition = add.task_definition(context, &secrets);
            add.service(context, network, &definition);
            add.live_tag(context);
            if !service.scaling.is_fixed() {
                let least = add.once_there_is_an_image(service.scaling.min, Value::Null);
                scaling::add(context, service, least);
            }
        }
    }
}

fn add_cluster(context: &mut Context<'_>, stack: &StackId) {
    let insights = Urn::new(
        stack,
        "aws:cloudwatch:LogGroup",
        "services/insightsLogGroup",
    );
    let cluster_name = cluster_name(context.stack);
    // Container Insights would make this group itself, and keep its logs permanently.
    let name = format!("/aws/ecs/containerinsights/{cluster_name}/performance");
    let group = properties([("name", name.into()), ("retentionInDays", 1.into())]);
    context.add(KEY, insights.clone(), group);
    let inputs = properties([
        ("name", cluster_name.into()),
        (
            "settings",
            Value::list([Value::object([
                ("name", "containerInsights".into()),
                ("value", "enabled".into()),
            ])]),
        ),
    ]);
    let resource = context.add(KEY, cluster(stack), inputs);
    resource.origin.name_key = Some("clusterName".into());
    resource.options.depends_on.insert(insights);
}

/// The address of the image that a service runs, tag or digest included.
fn running_image(stack: &StackId, service: &Service) -> Value {
    let definition = service.urn(stack, "aws:ecs:TaskDefinition", "taskDefinition");
    Value::output_at(&definition, ["containerDefinitions", "0", "image"])
}

/// The name of the cluster.
fn cluster_name(stack: &Stack) -> String {
    let named = stack.cluster_name.clone();
    named.unwrap_or_else(|| derived_name(&stack.id()))
}

/// The context from which the resources of one service are made.
struct Addition<'a> {
    stack: &'a StackId,
    service: &'a Service,
    /// The service whose image it runs: itself, or another one.
    source: &'a Service,
    platform: &'a Platform,
}

impl Addition<'_> {
    fn origin(&self) -> Path {
        self.service.path("")
    }

    fn repository(&self, context: &mut Context<'_>) {
        let Some(repository) = &self.service.repository else {
            return;
        };
        let urn = self.service.repository_urn(self.stack);
        let (mutability, movable) = match repository.tags {
            Some(ImageTags::Mutable) => ("MUTABLE", Value::Null),
            Some(ImageTags::Immutable) | None => {
                let live = repository.keeps_live.then(|| format!("{LIVE_TAG}*"));
                let movable = [FIRST_TAG.to_owned()].into_iter().chain(live);
                let filters = movable.map(|tag| {
                    Value::object([("filter", tag.into()), ("filterType", "WILDCARD".into())])
                });
                ("IMMUTABLE_WITH_EXCLUSION", Value::List(filters.collect()))
            }
        };
        let inputs = properties([
            ("name", repository.name.as_deref().into()),
            ("imageTagMutability", mutability.into()),
            ("imageTagMutabilityExclusionFilters", movable),
            (
                "imageScanningConfiguration",
                Value::object([("scanOnPush", true.into())]),
            ),
        ]);
        let resource = context.add(self.origin(), urn.clone(), inputs);
        resource.origin.name_key = Some(self.service.path("repository"));
        if repository.tags.is_none() {
            let keep = format!("{}: mutable", self.service.path("imageTags"));
            resource.new_default("imageTagMutability", Value::from("MUTABLE"), &*keep);
            resource.new_default("imageTagMutabilityExclusionFilters", Value::Null, keep);
        }
        self.expiry(context, repository);
        let output = format!("{}RepositoryUrl", self.service.camel_case());
        let url = Value::output(&urn, "repositoryUrl");
        context.outputs.push((output, url));
        // A pipeline that promotes the image has to go by this output: a tag of the repository can be pushed again.
        let output = format!("{}Image", self.service.camel_case());
        let image = running_image(self.stack, self.service);
        context.outputs.push((output, image));
        if let Some(tag) = self.own_tag() {
            context.notes.push(self.push_note(context, &urn, tag));
        }
    }

    /// The note that a first image has to be pushed.
    fn push_note(&self, context: &Context<'_>, repository: &Urn, tag: String) -> Note {
        let region = &context.stack.region;
        let domain = if region.starts_with("cn-") {
            "amazonaws.com.cn"
        } else {
            "amazonaws.com"
        };
        let platform = match self.service.architecture {
            Architecture::X86 => "linux/amd64",
            Architecture::Arm => "linux/arm64",
        };
        // <https://docs.aws.amazon.com/AmazonECR/latest/userguide/docker-push-ecr-image.html>
        let login = Value::join([
            format!(
                "aws ecr get-login-password --region {region} | docker login --username AWS --password-stdin "
            )
            .into(),
            policy::account_id(self.stack),
            format!(".dkr.ecr.{region}.{domain}").into(),
        ]);
        let key = &self.service.key;
        let waits = format!("`{key}` starts no tasks until its repository has an image");
        // The digest of an image follows from its contents, and a push names a tag.
        let (text, push) = if let Some(digest) = tag.strip_prefix('@') {
            let text = format!("{waits}; push the one with the digest {digest}:");
            (text, None)
        } else {
            let push = Value::join([
                "docker push ".into(),
                Value::output(repository, "repositoryUrl"),
                tag.into(),
            ]);
            (format!("{waits}; push one for {platform}:"), Some(push))
        };
        Note {
            unless: Value::output(repository, "hasImages"),
            text,
            commands: std::iter::once(login).chain(push).collect(),
        }
    }

    /// Adds the policy for expiring images: never the one that the service runs, and others once there are more than are
    /// kept.
    fn expiry(&self, context: &mut Context<'_>, repository: &Repository) {
        let mut rules = Vec::new();
        if repository.keeps_live {
            // Images that a rule selects are not expired by any later rule.
            let selection = Value::object([
                ("tagStatus", "tagged".into()),
                ("tagPrefixList", Value::list([LIVE_TAG.into()])),
                ("countType", "imageCountMoreThan".into()),
                ("countNumber", NEVER.into()),
            ]);
            rules.push(("Keep what services run".to_owned(), selection));
        }
        if let Some(days) = repository.untagged_days {
            let selection = Value::object([
                ("tagStatus", "untagged".into()),
                ("countType", "sinceImagePushed".into()),
                ("countUnit", "days".into()),
                ("countNumber", days.into()),
            ]);
            rules.push((format!("Days without a tag: {days}"), selection));
        }
        let selection = Value::object([
            ("tagStatus", "any".into()),
            ("countType", "imageCountMoreThan".into()),
            ("countNumber", repository.keeps.into()),
        ]);
        rules.push((
            format!("Keep the last {} images", repository.keeps),
            selection,
        ));
        let rules = (1..).zip(rules).map(|(priority, (what, selection))| {
            Value::object([
                ("rulePriority", Value::from(priority)),
                ("description", what.into()),
                ("selection", selection),
                ("action", Value::object([("type", "expire".into())])),
            ])
        });
        let policy = Value::object([("rules", Value::List(rules.collect()))]);
        let policy = properties([("repository", self.repository_name()), ("policy", policy)]);
        let urn = self
            .service
            .urn(self.stack, "aws:ecr:LifecyclePolicy", "lifecyclePolicy");
        let resource = context.add(self.origin(), urn, policy);
        if repository.keeps_live {
            let path = "policy.rules[0].selection.tagPrefixList";
            let keep = format!("{}: false", self.service.path("keepLiveImage"));
            resource.new_default(path, Value::Null, keep);
        }
    }

    fn repository_name(&self) -> Value {
        Value::output(&self.service.repository_urn(self.stack), "name")
    }

    /// The tag that keeps what the service runs from expiring, once it runs.
    fn live_tag(&self, context: &mut Context<'_>) {
        let (stack, service) = (self.stack, self.service);
        let Some(repository) = &service.repository else {
            return;
        };
        if !repository.keeps_live {
            return;
        }
        let running = Value::output(&service.service_urn(stack), "taskDefinition");
        let tag = properties([
            ("repository", self.repository_name()),
            ("tag", format!("{LIVE_TAG}{}", service.key).into()),
            ("service", Value::output(&service.service_urn(stack), "arn")),
            (
                "taskDefinition",
                self.once_there_is_an_image(running, Value::Null),
            ),
        ]);
        let urn = service.urn(stack, "aws:ecr:ImageTag", "liveImage");
        context.add(self.origin(), urn, tag);
    }

    /// `:tag` or `@digest`, if the image comes from the repository of the service.
    fn own_tag(&self) -> Option<String> {
        own_tag(self.service)
    }

    fn image(&self, context: &mut Context<'_>) -> Value {
        match (&self.service.image, self.own_tag()) {
            (Image::Address(text), _) => context.text(text, self.service.path("image")),
            (_, tag) => Value::join([
                Value::output(&self.service.repository_urn(self.stack), "repositoryUrl"),
                tag.into(),
            ]),
        }
    }

    fn task_definition(&self, context: &mut Context<'_>, secrets: &[Secret]) -> Urn {
        let service = self.service;
        let urn = service.urn(self.stack, "aws:ecs:TaskDefinition", "taskDefinition");
        let execution_role = service.urn(self.stack, "aws:iam:Role", "executionRole");
        let task_role = service.urn(self.stack, "aws:iam:Role", "taskRole");
        let container = self.container(context, secrets);
        let architecture = match service.architecture {
            Architecture::X86 => "X86_64",
            Architecture::Arm => "ARM64",
        };
        let mut inputs = properties([
            (
                "family",
                service
                    .task_family
                    .clone()
                    .unwrap_or_else(|| format!("{}-{}", derived_name(self.stack), service.key))
                    .into(),
            ),
            ("cpu", service.cpu.to_string().into()),
            ("memory", service.memory.to_string().into()),
            ("networkMode", "awsvpc".into()),
            ("requiresCompatibilities", Value::list(["FARGATE".into()])),
            ("executionRoleArn", Value::output(&execution_role, "arn")),
            ("taskRoleArn", Value::output(&task_role, "arn")),
            ("containerDefinitions", Value::list([container])),
            (
                "runtimePlatform",
                Value::object([
                    ("cpuArchitecture", architecture.into()),
                    ("operatingSystemFamily", "LINUX".into()),
                ]),
            ),
        ]);
        if service.read_only {
            let volume = Value::object([("name", SCRATCH.into())]);
            inputs.insert("volumes".to_owned(), Value::list([volume]));
        }
        let resource = context.add(self.origin(), urn.clone(), inputs);
        resource.origin.name_key = Some(service.path("taskFamily"));
        if service.image == Image::Deployed {
            let image = "containerDefinitions[0].image".into();
            resource.options.ignore_changes.push(image);
        }
        urn
    }

    fn container(&self, context: &mut Context<'_>, secrets: &[Secret]) -> Value {
        let service = self.service;
        let mut container = properties([
            ("name", service.key.as_str().into()),
            ("image", self.image(context)),
            ("essential", true.into()),
            ("logConfiguration", self.logs(context)),
        ]);
        let mut set = |name: &str, value: Value| {
            container.insert(name.to_owned(), value);
        };
        if let Some(user) = &service.user {
            set("user", user.as_str().into());
        }
        if service.read_only {
            set("readonlyRootFilesystem", true.into());
            let mount = Value::object([
                ("sourceVolume", SCRATCH.into()),
                ("containerPath", "/tmp".into()),
            ]);
            set("mountPoints", Value::list([mount]));
        }
        if let Some(port) = service.port {
            let mapping = Value::object([
                ("containerPort", u32::from(port).into()),
                ("protocol", "tcp".into()),
            ]);
            set("portMappings", Value::list([mapping]));
        }
        if let Some(command) = &service.command {
            let words = command
                .iter()
                .enumerate()
                .map(|(index, word)| context.text(word, service.path("command").index(index)));
            set("command", Value::list(words.collect::<Vec<_>>()));
        }
        let environment: Vec<Value> = service
            .environment
            .iter()
            .map(|(name, text)| {
                let value = context.text(text, service.path("environment").key(name));
                Value::object([("name", name.as_str().into()), ("value", value)])
            })
            .collect();
        if !environment.is_empty() {
            set("environment", Value::List(environment));
        }
        if !secrets.is_empty() {
            let secrets = secrets.iter().map(|secret| {
                Value::object([
                    ("name", secret.variable.as_str().into()),
                    ("valueFrom", secret.value_from.clone()),
                ])
            });
            set("secrets", Value::list(secrets));
        }
        if let Some(check) = self.container_check() {
            set("healthCheck", check);
        }
        Value::Object(container)
    }

    fn logs(&self, context: &Context<'_>) -> Value {
        let group = self.service.log_group_urn(self.stack);
        Value::object([
            ("logDriver", "awslogs".into()),
            (
                "options",
                Value::object([
                    ("awslogs-group", Value::output(&group, "name")),
                    ("awslogs-region", context.stack.region.as_str().into()),
                    ("awslogs-stream-prefix", self.service.key.as_str().into()),
                ]),
            ),
        ])
    }

    /// The health check inside the container.
    fn container_check(&self) -> Option<Value> {
        let health = &self.service.health;
        let command = match (&health.command, self.service.port) {
            (Some(command), _) if command.is_empty() => return None,
            (Some(command), _) => command.clone(),
            (None, Some(port)) => {
                let url = format!("http://localhost:{port}{}", health.path);
                // An image with neither tool has nothing to check with; the load balancer still checks.
                format!(
                    "if command -v curl >/dev/null; then curl -fsS -o /dev/null '{url}'; \
                     elif command -v wget >/dev/null; then wget -q -O /dev/null '{url}'; fi || exit 1"
                )
            }
            (None, None) => return None,
        };
        Some(Value::object([
            ("command", Value::list(["CMD-SHELL".into(), command.into()])),
            ("interval", 10.into()),
            ("timeout", 5.into()),
            ("retries", 3.into()),
            ("startPeriod", health.grace_period.into()),
        ]))
    }

    /// A value, or another one while there is nothing to start. A service that runs nevertheless has an image from
    /// elsewhere, or one that is gone from the repository, and is left alone.
    fn once_there_is_an_image(&self, then: impl Into<Value>, otherwise: impl Into<Value>) -> Value {
        if own_tag(self.source).is_none() {
            return then.into();
        }
        let repository = self.source.repository_urn(self.stack);
        Value::If(Box::new(Conditional {
            condition: Value::output(&repository, "hasImages"),
            says: "the repository has an image".to_owned(),
            then: then.into(),
            otherwise: otherwise.into(),
        }))
    }

    fn service(&self, context: &mut Context<'_>, network: &Network, definition: &Urn) {
        let (stack, service) = (self.stack, self.service);
        let public = network.nat == NatGateways::None;
        let subnets = if public {
            network.public_subnet_ids(stack)
        } else {
            network.private_subnet_ids(stack)
        };
        let group = Value::output(&security_groups::services(stack), "id");
        let propagated = match service.propagate_tags {
            Some(false) => NO_TAGS,
            Some(true) | None => "SERVICE",
        };
        let mut inputs = properties([
            ("name", service.name.as_str().into()),
            ("cluster", Value::output(&cluster(stack), "arn")),
            ("taskDefinition", Value::output(definition, "arn")),
            (
                "desiredCount",
                self.once_there_is_an_image(service.scaling.min, Value::Null),
            ),
            (
                "desiredCountRange",
                Value::object([
                    ("min", self.once_there_is_an_image(service.scaling.min, 0)),
                    ("max", service.scaling.max.into()),
                ]),
            ),
            ("launchType", "FARGATE".into()),
            ("platformVersion", "LATEST".into()),
            (
                "networkConfiguration",
                Value::object([
                    ("subnets", subnets),
                    ("securityGroups", Value::list([group])),
                    ("assignPublicIp", public.into()),
                ]),
            ),
            (
                "deploymentCircuitBreaker",
                Value::object([("enable", true.into()), ("rollback", true.into())]),
            ),
            ("deploymentMaximumPercent", 200.into()),
            ("deploymentMinimumHealthyPercent", 100.into()),
            ("enableEcsManagedTags", true.into()),
            ("propagateTags", propagated.into()),
            ("waitForSteadyState", true.into()),
        ]);
        let exposed = self.platform.load_balancer.is_some() && service.is_exposed();
        if let (true, Some(port)) = (exposed, service.port) {
            let target = Value::object([
                (
                    "targetGroupArn",
                    Value::output(&load_balancer::target_group(stack, &service.key), "arn"),
                ),
                ("containerName", service.key.as_str().into()),
                ("containerPort", u32::from(port).into()),
            ]);
            inputs.insert("loadBalancers".to_owned(), Value::list([target]));
            let grace = service.health.grace_period.into();
            inputs.insert("healthCheckGracePeriodSeconds".to_owned(), grace);
        }
        let first_needs = self.needed_to_start(context, network, exposed);
        let resource = context.add(self.origin(), service.service_urn(stack), inputs);
        resource.origin.name_key = Some(service.path("name"));
        resource.options.depends_on.extend(first_needs);
        if service.propagate_tags.is_none() {
            let keep = format!("{}: false", service.path("propagateTags"));
            resource.new_default("propagateTags", Value::from(NO_TAGS), keep);
        }
    }

    /// The resources that must exist before the first task starts, although no input refers to them.
    fn needed_to_start(&self, context: &Context<'_>, network: &Network, exposed: bool) -> Vec<Urn> {
        let (stack, service) = (self.stack, self.service);
        let mut needs = vec![service.urn(stack, "aws:iam:RolePolicy", "executionPolicy")];
        let policy = service.urn(stack, "aws:iam:RolePolicy", "taskPolicy");
        if context.resources.iter().any(|made| made.urn == policy) {
            needs.push(policy);
        }
        // Images, secrets and logs lie outside the subnets.
        needs.extend(network.ways_out(stack));
        needs.extend(security_groups::prerequisites_of(
            stack,
            self.platform,
            service,
        ));
        if exposed && let Some(balancer) = &self.platform.load_balancer {
            // ECS refuses a target group that no listener forwards to yet.
            needs.extend(balancer.prerequisites_of(stack, &service.key));
        }
        needs
    }
}

/// `:tag` or `@digest`, if the image of a service comes from its own repository.
fn own_tag(service: &Service) -> Option<String> {
    match &service.image {
        Image::Deployed => Some(format!(":{FIRST_TAG}")),
        Image::Own(text) if text.0.starts_with("sha256:") => Some(format!("@{}", text.0)),
        Image::Own(text) => Some(format!(":{}", text.0)),
        Image::Address(_) => None,
    }
}

#[cfg(test)]
mod tests;
