//! What is in an account, read with clients of our own: what carries the stack's tag or belongs to what does, in terms that
//! two accounts share, and everything else as it is, to the letter.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Debug;

use aws_sdk_ec2::types::{NatGatewayState, ResourceType, TagSpecification, VpcAttributeName};

use crate::sdk::{Sdk, Tags};

/// The stack that runs.
pub const STACK: &str = "happyrobot-fde/dev";

/// What a consented replacement leaves of a database, for good.
pub const FINAL_SNAPSHOT: &str = "snapshot";

/// One thing in the account.
struct Thing {
    kind: &'static str,
    /// What others know it by: an id, a name or an ARN.
    id: String,
    /// What tells it from its siblings, if it has no tags of its own.
    key: String,
    /// The ids of what it belongs to and of what it leads to.
    within: Vec<String>,
    tags: Tags,
    /// All there is to know.
    whole: String,
}

/// Everything in an account.
#[derive(Debug, PartialEq, Eq)]
pub struct Inventory {
    /// How often each thing of the stack is there: `route table: network/public`, `route 0.0.0.0/0 of network/public,
    /// network/internet-gateway`.
    pub ours: BTreeMap<String, usize>,
    /// Our tags without an owner, or with one that is not of our stack.
    pub unclaimed: Vec<String>,
    pub foreign: BTreeSet<String>,
    /// Generated passwords, which no output may show.
    pub secrets: Vec<String>,
}

impl Inventory {
    pub fn of(endpoint: &str) -> Self {
        block_on(async {
            let sdk = Sdk::new(endpoint).await;
            let secrets = secrets(&sdk).await;
            Self::sorted(Reader::read(&sdk).await, secrets)
        })
    }

    fn sorted(things: Vec<Thing>, secrets: Vec<String>) -> Self {
        let is_tagged = |thing: &Thing| thing.tags.get("fde:stack").is_some_and(|tag| tag == STACK);
        let mut ours: BTreeSet<&str> = things
            .iter()
            .filter(|thing| is_tagged(thing))
            .map(|thing| thing.id.as_str())
            .collect();
        // What belongs to ours is ours, and what belongs to that.
        loop {
            let more: Vec<&str> = things
                .iter()
                .filter(|thing| {
                    !ours.contains(thing.id.as_str())
                        && thing.tags.is_empty()
                        && thing.within.iter().any(|id| ours.contains(id.as_str()))
                })
                .map(|thing| thing.id.as_str())
                .collect();
            if more.is_empty() {
                break;
            }
            ours.extend(more);
        }
        let names: BTreeMap<&str, &str> = things
            .iter()
            .filter_map(|thing| Some((thing.id.as_str(), name(thing)?)))
            .collect();
        let mut inventory = Self {
            ours: BTreeMap::new(),
            unclaimed: Vec::new(),
            foreign: BTreeSet::new(),
            secrets,
        };
        for thing in &things {
            if !ours.contains(thing.id.as_str()) {
                inventory
                    .foreign
                    .insert(format!("{} {}: {}", thing.kind, thing.id, thing.whole));
                continue;
            }
            if is_tagged(thing) && name(thing).is_none() {
                inventory
                    .unclaimed
                    .push(format!("{} {}: {:?}", thing.kind, thing.id, thing.tags));
            }
            let within: BTreeSet<&str> = thing
                .within
                .iter()
                .map(|id| *names.get(id.as_str()).unwrap_or(&"?"))
                .collect();
            let within: Vec<&str> = within.into_iter().collect();
            let line = format!(
                "{} {} {}: {}; {}",
                thing.kind,
                name(thing).unwrap_or_default(),
                thing.key,
                within.join(", "),
                comparable(&thing.whole, &names)
            );
            *inventory.ours.entry(line).or_default() += 1;
        }
        inventory
    }

    /// What is wrong in `self`, where `wanted` is how it should be and `before` what was there before the run.
    pub fn faults(&self, wanted: &Self, before: &Self) -> Vec<String> {
        let mut faults = Vec::new();
        for (line, count) in &self.ours {
            let expected = wanted.ours.get(line).copied().unwrap_or_default();
            if *count > expected && expected > 0 {
                faults.push(format!("{count} times instead of {expected}: {line}"));
            } else if *count > expected {
                faults.push(format!("left over: {line}"));
            }
        }
        for (line, expected) in &wanted.ours {
            if self.ours.get(line).copied().unwrap_or_default() < *expected {
                faults.push(format!("missing: {line}"));
            }
        }
        for line in &self.unclaimed {
            faults.push(format!("our tags, and no owner: {line}"));
        }
        for gone in before.foreign.difference(&self.foreign) {
            faults.push(format!("not ours, and changed or gone: {gone:.200}"));
        }
        for new in self.foreign.difference(&before.foreign) {
            faults.push(format!("not ours, and new: {new:.200}"));
        }
        faults
    }

    /// Puts things into an account that carry no tags, or others', and names much like ours.
    pub fn put_strangers(endpoint: &str) {
        block_on(async {
            let sdk = Sdk::new(endpoint).await;
            put_network(&sdk).await;
            let expect = "a stranger can be made";
            let topic = sdk.sns.create_topic().name("happyrobot-fde-dev");
            topic.send().await.expect(expect);
            let group = sdk.logs.create_log_group();
            let group = group.log_group_name("/aws/ecs/containers");
            group.send().await.expect(expect);
            let secret = sdk.secrets.create_secret().name("happyrobot-fde/dev");
            secret.secret_string("theirs").send().await.expect(expect);
            let repository = sdk.ecr.create_repository().repository_name("happyrobot");
            repository.send().await.expect(expect);
            let cluster = sdk.ecs.create_cluster().cluster_name("happyrobot");
            cluster.send().await.expect(expect);
            let trust = r#"{"Version":"2012-10-17","Statement":[]}"#;
            let role = sdk.iam.create_role().role_name("happyrobot-fde");
            let role = role.assume_role_policy_document(trust);
            role.send().await.expect(expect);
        });
    }
}

/// Networks that look like ours: the same ranges of addresses, without tags, and with the tags of another stack.
async fn put_network(sdk: &Sdk) {
    let expect = "a stranger can be made";
    let tag = |key: &str, value: &str| {
        aws_sdk_ec2::types::Tag::builder()
            .key(key)
            .value(value)
            .build()
    };
    let theirs = TagSpecification::builder()
        .resource_type(ResourceType::Vpc)
        .tags(tag("fde:stack", "happyrobot-fde/prod"))
        .tags(tag(
            "fde:urn",
            "urn:fde:happyrobot-fde/prod::aws:ec2:Vpc::network/vpc",
        ))
        .build();
    for tags in [None, Some(theirs)] {
        let vpc = sdk.ec2.create_vpc().cidr_block("10.0.0.0/16");
        let vpc = vpc.set_tag_specifications(tags.map(|tags| vec![tags]));
        let vpc = vpc.send().await.expect(expect).vpc;
        let vpc = vpc.and_then(|vpc| vpc.vpc_id).expect("an id");
        let subnet = sdk
            .ec2
            .create_subnet()
            .vpc_id(&vpc)
            .cidr_block("10.0.1.0/24");
        subnet.send().await.expect(expect);
        let table = sdk.ec2.create_route_table().vpc_id(&vpc);
        table.send().await.expect(expect);
    }
    sdk.ec2
        .create_internet_gateway()
        .send()
        .await
        .expect(expect);
    sdk.ec2.allocate_address().send().await.expect(expect);
}

/// All there is to know of a thing, but for what differs between two that were made alike: what AWS made up, when, and in
/// which order it says so.
fn comparable(whole: &str, names: &BTreeMap<&str, &str>) -> String {
    let is_part = |letter: char| letter.is_ascii_alphanumeric() || "_-.:/".contains(letter);
    let mut words: Vec<&str> = whole
        .split(|letter| !is_part(letter))
        .filter(|word| !matches!(*word, "" | "Some" | "None"))
        .filter_map(|word| match names.get(word) {
            Some(name) => Some(*name),
            None => (!is_made_up(word)).then_some(word),
        })
        .collect();
    words.sort_unstable();
    words.join(" ")
}

/// Ids, dates, addresses and numbers that AWS picks. Ports, sizes and periods are shorter.
fn is_made_up(word: &str) -> bool {
    let digits = word.chars().filter(char::is_ascii_digit).count();
    // `eni-0c32a1…`, `db-J6BBXRH…`, `app/name/50dc6c49…`
    let last = word.rsplit(['-', '/']).next().unwrap_or_default();
    let is_hash = last.len() >= 8 && last.chars().all(|letter| letter.is_ascii_hexdigit());
    let is_id = last.len() >= 16 && !last.chars().any(|letter| letter.is_ascii_lowercase());
    digits > 5 || is_hash || is_id || word.starts_with("arn:") || word.ends_with(".amazonaws.com")
}

/// `network/vpc`, from the tag that names the owner.
fn name(thing: &Thing) -> Option<&str> {
    let urn = thing.tags.get("fde:urn")?;
    let (_, name) = urn.rsplit_once("::")?;
    urn.starts_with(&format!("urn:fde:{STACK}::"))
        .then_some(name)
}

async fn secrets(sdk: &Sdk) -> Vec<String> {
    let answer = sdk.secrets.list_secrets().send().await;
    let mut values = Vec::new();
    for secret in answer.expect("Secrets Manager answers").secret_list() {
        let value = sdk.secrets.get_secret_value();
        let value = value.secret_id(secret.arn().unwrap_or_default());
        // A secret that was made a moment before the program died has no value yet.
        let Ok(value) = value.send().await else {
            continue;
        };
        let text = value.secret_string().unwrap_or_default();
        let json: Option<serde_json::Value> = serde_json::from_str(text).ok();
        let password = json.and_then(|json| Some(json.get("password")?.as_str()?.to_owned()));
        values.extend(password);
    }
    values
}

/// Runs on a runtime of its own.
pub fn block_on<T>(work: impl Future<Output = T>) -> T {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build();
    runtime.expect("a runtime").block_on(work)
}

/// Collects things, service by service.
struct Reader<'a> {
    sdk: &'a Sdk,
    /// What the tagging API knows, for what does not show its tags itself.
    index: BTreeMap<String, Tags>,
    things: Vec<Thing>,
}

const ANSWERS: &str = "the account answers";

impl<'a> Reader<'a> {
    async fn read(sdk: &'a Sdk) -> Vec<Thing> {
        let mut index = BTreeMap::new();
        let mut pages = sdk.tagging.get_resources().into_paginator().send();
        while let Some(page) = pages.next().await {
            for mapping in page.expect(ANSWERS).resource_tag_mapping_list() {
                let tags = mapping.tags().iter();
                let tags = tags.map(|tag| (tag.key().to_owned(), tag.value().to_owned()));
                let arn = mapping.resource_arn().unwrap_or_default().to_owned();
                index.insert(arn, tags.collect());
            }
        }
        let mut reader = Self {
            sdk,
            index,
            things: Vec::new(),
        };
        reader.network().await;
        reader.security_groups().await;
        reader.containers().await;
        reader.balancers().await;
        reader.databases().await;
        reader.identities().await;
        reader.scaling().await;
        reader.monitoring().await;
        reader.storage().await;
        reader.things
    }

    fn put(
        &mut self,
        kind: &'static str,
        id: Option<&str>,
        key: &str,
        within: &[Option<&str>],
        tags: Tags,
        whole: &impl Debug,
    ) {
        self.things.push(Thing {
            kind,
            id: id.unwrap_or_default().to_owned(),
            key: key.to_owned(),
            within: within.iter().flatten().map(|id| (*id).to_owned()).collect(),
            tags,
            whole: format!("{whole:?}"),
        });
    }

    /// What has its tags in the index, under its ARN.
    fn put_arn(
        &mut self,
        kind: &'static str,
        arn: Option<&str>,
        key: &str,
        within: &[Option<&str>],
        whole: &impl Debug,
    ) {
        let tags = self.index.get(arn.unwrap_or_default()).cloned();
        self.put(kind, arn, key, within, tags.unwrap_or_default(), whole);
    }

    async fn network(&mut self) {
        let ec2 = &self.sdk.ec2;
        let vpcs = ec2.describe_vpcs().send().await.expect(ANSWERS);
        for vpc in vpcs.vpcs() {
            let names = ec2.describe_vpc_attribute();
            let names = names.set_vpc_id(vpc.vpc_id.clone());
            let names = names.attribute(VpcAttributeName::EnableDnsHostnames);
            let names = names.send().await.expect(ANSWERS).enable_dns_hostnames;
            self.put(
                "vpc",
                vpc.vpc_id(),
                "",
                &[],
                tags(vpc.tags()),
                &(vpc, names),
            );
        }
        let subnets = ec2.describe_subnets().send().await.expect(ANSWERS);
        for subnet in subnets.subnets() {
            let key = subnet.cidr_block().unwrap_or_default();
            let tags = tags(subnet.tags());
            // Addresses come and go with tasks and gateways.
            let mut whole = subnet.clone();
            whole.available_ip_address_count = None;
            self.put(
                "subnet",
                subnet.subnet_id(),
                key,
                &[subnet.vpc_id()],
                tags,
                &whole,
            );
        }
        let gateways = ec2
            .describe_internet_gateways()
            .send()
            .await
            .expect(ANSWERS);
        for gateway in gateways.internet_gateways() {
            let within: Vec<_> = gateway
                .attachments()
                .iter()
                .map(|one| one.vpc_id())
                .collect();
            let id = gateway.internet_gateway_id();
            self.put(
                "internet gateway",
                id,
                "",
                &within,
                tags(gateway.tags()),
                gateway,
            );
        }
        let addresses = ec2.describe_addresses().send().await.expect(ANSWERS);
        for address in addresses.addresses() {
            let key = if address.association_id().is_some() {
                "in use"
            } else {
                ""
            };
            let id = address.allocation_id();
            self.put("address", id, key, &[], tags(address.tags()), address);
        }
        let gateways = ec2.describe_nat_gateways().send().await.expect(ANSWERS);
        for gateway in gateways.nat_gateways() {
            if gateway.state() == Some(&NatGatewayState::Deleted) {
                continue;
            }
            let addresses = gateway.nat_gateway_addresses().iter();
            let mut within: Vec<_> = addresses.map(|one| one.allocation_id()).collect();
            within.push(gateway.subnet_id());
            let id = gateway.nat_gateway_id();
            self.put(
                "NAT gateway",
                id,
                "",
                &within,
                tags(gateway.tags()),
                gateway,
            );
        }
        let tables = ec2.describe_route_tables().send().await.expect(ANSWERS);
        for table in tables.route_tables() {
            let id = table.route_table_id();
            self.put(
                "route table",
                id,
                "",
                &[table.vpc_id()],
                tags(table.tags()),
                table,
            );
            for route in table.routes() {
                let target = route.gateway_id().or(route.nat_gateway_id());
                let key = route.destination_cidr_block().unwrap_or_default();
                let route_id = format!("{id:?} {key}");
                self.put(
                    "route",
                    Some(&route_id),
                    key,
                    &[id, target],
                    Tags::new(),
                    route,
                );
            }
            for association in table.associations() {
                let within = [id, association.subnet_id()];
                let own = association.route_table_association_id();
                self.put("association", own, "", &within, Tags::new(), association);
            }
        }
    }

    async fn security_groups(&mut self) {
        let ec2 = &self.sdk.ec2;
        let groups = ec2.describe_security_groups().send().await.expect(ANSWERS);
        for group in groups.security_groups() {
            let id = group.group_id();
            self.put(
                "group",
                id,
                "",
                &[group.vpc_id()],
                tags(group.tags()),
                group,
            );
        }
        let rules = ec2.describe_security_group_rules().send().await;
        for rule in rules.expect(ANSWERS).security_group_rules() {
            let peer = rule
                .referenced_group_info()
                .and_then(|info| info.group_id());
            let direction = if rule.is_egress() == Some(true) {
                "out"
            } else {
                "in"
            };
            let key = format!(
                "{direction} {:?} {:?} {:?}",
                rule.ip_protocol(),
                rule.from_port(),
                rule.cidr_ipv4()
            );
            let id = rule.security_group_rule_id();
            self.put(
                "group rule",
                id,
                &key,
                &[rule.group_id(), peer],
                tags(rule.tags()),
                rule,
            );
        }
    }

    async fn containers(&mut self) {
        let ecs = &self.sdk.ecs;
        let clusters = ecs.list_clusters().send().await.expect(ANSWERS);
        for cluster in clusters.cluster_arns() {
            self.put_arn("cluster", Some(cluster), "", &[], &());
            let services = ecs.list_services().cluster(cluster).send().await;
            for service in services.expect(ANSWERS).service_arns() {
                self.put_arn("service", Some(service), "", &[Some(cluster)], &());
            }
        }
        let definitions = ecs.list_task_definitions().send().await.expect(ANSWERS);
        for definition in definitions.task_definition_arns() {
            self.put_arn("task definition", Some(definition), "", &[], &());
        }
        let repositories = self.sdk.ecr.describe_repositories().send().await;
        for repository in repositories.expect(ANSWERS).repositories() {
            let arn = repository.repository_arn();
            self.put_arn("repository", arn, "", &[], repository);
            let policy = self.sdk.ecr.get_lifecycle_policy();
            let policy = policy.repository_name(repository.repository_name().unwrap_or_default());
            if let Ok(policy) = policy.send().await {
                let id = format!("lifecycle of {arn:?}");
                let text = policy.lifecycle_policy_text();
                self.put(
                    "lifecycle policy",
                    Some(&id),
                    "",
                    &[arn],
                    Tags::new(),
                    &text,
                );
            }
        }
    }

    async fn balancers(&mut self) {
        let elbv2 = &self.sdk.elbv2;
        let groups = elbv2.describe_target_groups().send().await.expect(ANSWERS);
        for group in groups.target_groups() {
            let balancers = group.load_balancer_arns().iter();
            let within: Vec<_> = balancers.map(|arn| Some(arn.as_str())).collect();
            self.put_arn("target group", group.target_group_arn(), "", &within, group);
        }
        let balancers = elbv2.describe_load_balancers().send().await.expect(ANSWERS);
        for balancer in balancers.load_balancers() {
            let arn = balancer.load_balancer_arn();
            self.put_arn("load balancer", arn, "", &[balancer.vpc_id()], balancer);
            let listeners = elbv2
                .describe_listeners()
                .set_load_balancer_arn(arn.map(str::to_owned));
            let listeners = listeners.send().await.expect(ANSWERS);
            for listener in listeners.listeners() {
                let key = listener.port().unwrap_or_default().to_string();
                let own = listener.listener_arn();
                self.put_arn("listener", own, &key, &[arn], listener);
                let rules = elbv2
                    .describe_rules()
                    .set_listener_arn(own.map(str::to_owned));
                for rule in rules.send().await.expect(ANSWERS).rules() {
                    let key = rule.priority().unwrap_or_default();
                    self.put_arn("rule", rule.rule_arn(), key, &[own], rule);
                }
            }
        }
    }

    async fn databases(&mut self) {
        let rds = &self.sdk.rds;
        let instances = rds.describe_db_instances().send().await.expect(ANSWERS);
        for instance in instances.db_instances() {
            let key = instance.db_instance_status().unwrap_or_default();
            // This moves on with the clock.
            let mut instance = instance.clone();
            instance.latest_restorable_time = None;
            let instance = &instance;
            self.put_arn("database", instance.db_instance_arn(), key, &[], instance);
        }
        let groups = rds.describe_db_subnet_groups().send().await.expect(ANSWERS);
        for group in groups.db_subnet_groups() {
            let subnets = group.subnets().iter();
            let within: Vec<_> = subnets.map(|subnet| subnet.subnet_identifier()).collect();
            self.put_arn(
                "subnet group",
                group.db_subnet_group_arn(),
                "",
                &within,
                group,
            );
        }
        let groups = rds
            .describe_db_parameter_groups()
            .send()
            .await
            .expect(ANSWERS);
        for group in groups.db_parameter_groups() {
            self.put_arn(
                "parameter group",
                group.db_parameter_group_arn(),
                "",
                &[],
                group,
            );
        }
        let snapshots = rds.describe_db_snapshots().send().await.expect(ANSWERS);
        for snapshot in snapshots.db_snapshots() {
            // Those that AWS makes by itself come and go with their database.
            if snapshot.snapshot_type() == Some("automated") {
                continue;
            }
            let key = snapshot.db_instance_identifier().unwrap_or_default();
            let within = snapshot.db_snapshot_arn().unwrap_or_default();
            let within = within.replacen(":snapshot:", ":db:", 1);
            let within = within.rsplit_once(':').map_or("", |(head, _)| head);
            let database = format!("{within}:{key}");
            let arn = snapshot.db_snapshot_arn();
            self.put_arn(FINAL_SNAPSHOT, arn, key, &[Some(&database)], snapshot);
        }
        let secrets = self.sdk.secrets.list_secrets().send().await.expect(ANSWERS);
        for secret in secrets.secret_list() {
            let tags = secret.tags().iter();
            let tags = tags.map(|tag| {
                let (key, value) = (
                    tag.key().unwrap_or_default(),
                    tag.value().unwrap_or_default(),
                );
                (key.to_owned(), value.to_owned())
            });
            // The rest is when the lab itself looked at it, and a map in no order.
            let whole = (secret.name(), secret.last_changed_date(), secret.tags());
            self.put("secret", secret.arn(), "", &[], tags.collect(), &whole);
        }
    }

    async fn identities(&mut self) {
        let iam = &self.sdk.iam;
        let roles = iam.list_roles().send().await.expect(ANSWERS);
        for role in roles.roles() {
            let name = role.role_name();
            let tags = iam
                .list_role_tags()
                .role_name(name)
                .send()
                .await
                .expect(ANSWERS);
            let tags = tags.tags().iter();
            let tags = tags.map(|tag| (tag.key().to_owned(), tag.value().to_owned()));
            self.put("role", Some(name), "", &[], tags.collect(), role);
            let inline = iam.list_role_policies().role_name(name).send().await;
            for policy in inline.expect(ANSWERS).policy_names() {
                let id = format!("policy {policy} of {name}");
                self.put(
                    "role policy",
                    Some(&id),
                    policy,
                    &[Some(name)],
                    Tags::new(),
                    policy,
                );
            }
            let attached = iam
                .list_attached_role_policies()
                .role_name(name)
                .send()
                .await;
            for policy in attached.expect(ANSWERS).attached_policies() {
                let arn = policy.policy_arn().unwrap_or_default();
                let id = format!("attachment of {arn} to {name}");
                self.put(
                    "attachment",
                    Some(&id),
                    arn,
                    &[Some(name)],
                    Tags::new(),
                    policy,
                );
            }
        }
        let local = aws_sdk_iam::types::PolicyScopeType::Local;
        let policies = iam
            .list_policies()
            .scope(local)
            .send()
            .await
            .expect(ANSWERS);
        for policy in policies.policies() {
            let tags = iam.list_policy_tags().set_policy_arn(policy.arn.clone());
            let tags = tags.send().await.expect(ANSWERS);
            let tags = tags.tags().iter();
            let tags = tags.map(|tag| (tag.key().to_owned(), tag.value().to_owned()));
            self.put("policy", policy.arn(), "", &[], tags.collect(), policy);
        }
    }

    async fn scaling(&mut self) {
        let scaling = &self.sdk.autoscaling;
        let ecs = aws_sdk_applicationautoscaling::types::ServiceNamespace::Ecs;
        let targets = scaling
            .describe_scalable_targets()
            .service_namespace(ecs.clone());
        for target in targets.send().await.expect(ANSWERS).scalable_targets() {
            let tags = self
                .index
                .get(target.scalable_target_arn().unwrap_or_default());
            let tags = tags.cloned().unwrap_or_default();
            let id = Some(target.resource_id());
            self.put("scalable target", id, "", &[], tags, target);
        }
        let policies = scaling.describe_scaling_policies().service_namespace(ecs);
        for policy in policies.send().await.expect(ANSWERS).scaling_policies() {
            let within = [Some(policy.resource_id())];
            let arn = Some(policy.policy_arn());
            self.put(
                "scaling policy",
                arn,
                policy.policy_name(),
                &within,
                Tags::new(),
                policy,
            );
        }
    }

    async fn monitoring(&mut self) {
        let cloudwatch = &self.sdk.cloudwatch;
        let alarms = cloudwatch.describe_alarms().send().await.expect(ANSWERS);
        for alarm in alarms.metric_alarms() {
            // Those of a scaling policy are called `TargetTracking-service/cluster/service-AlarmHigh-id`.
            let name = alarm.alarm_name().unwrap_or_default();
            let tracked = name.strip_prefix("TargetTracking-");
            let tracked = tracked.and_then(|name| name.split_once("-Alarm"));
            let tracked = tracked.map(|(target, _)| target);
            self.put_arn("alarm", alarm.alarm_arn(), "", &[tracked], alarm);
        }
        let dashboards = cloudwatch.list_dashboards().send().await.expect(ANSWERS);
        for dashboard in dashboards.dashboard_entries() {
            self.put_arn("dashboard", dashboard.dashboard_arn(), "", &[], dashboard);
        }
        let groups = self
            .sdk
            .logs
            .describe_log_groups()
            .send()
            .await
            .expect(ANSWERS);
        for group in groups.log_groups() {
            let arn = group.arn().unwrap_or_default().trim_end_matches(":*");
            self.put_arn("log group", Some(arn), "", &[], group);
        }
        let topics = self.sdk.sns.list_topics().send().await.expect(ANSWERS);
        for topic in topics.topics() {
            self.put_arn("topic", topic.topic_arn(), "", &[], topic);
        }
        let subscriptions = self
            .sdk
            .sns
            .list_subscriptions()
            .send()
            .await
            .expect(ANSWERS);
        for subscription in subscriptions.subscriptions() {
            let key = subscription.endpoint().unwrap_or_default();
            let within = [subscription.topic_arn()];
            let id = format!("{within:?} {key}");
            self.put(
                "subscription",
                Some(&id),
                key,
                &within,
                Tags::new(),
                subscription,
            );
        }
    }

    async fn storage(&mut self) {
        let buckets = self.sdk.s3.list_buckets().send().await.expect(ANSWERS);
        for bucket in buckets.buckets() {
            let name = bucket.name().unwrap_or_default();
            let arn = format!("arn:aws:s3:::{name}");
            self.put_arn("bucket", Some(&arn), "", &[], bucket);
            let policy = self.sdk.s3.get_bucket_policy().bucket(name).send().await;
            if let Ok(policy) = policy {
                let id = format!("policy of {arn}");
                self.put(
                    "bucket policy",
                    Some(&id),
                    "",
                    &[Some(&arn)],
                    Tags::new(),
                    &policy.policy,
                );
            }
        }
        let regional = aws_sdk_wafv2::types::Scope::Regional;
        let lists = self.sdk.wafv2.list_web_acls().scope(regional).send().await;
        for list in lists.expect(ANSWERS).web_acls() {
            self.put_arn("web ACL", list.arn(), "", &[], list);
        }
    }
}

fn tags(tags: &[aws_sdk_ec2::types::Tag]) -> Tags {
    tags.iter()
        .filter_map(|tag| Some((tag.key()?.to_owned(), tag.value()?.to_owned())))
        .collect()
}
