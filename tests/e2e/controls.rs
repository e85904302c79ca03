//! The controls of `docs/security-controls.md` as AWS's answers show them, on what `up` has made of `stacks/`: what a
//! scanner would find.

use aws_sdk_ec2::types::Filter;

use crate::common::sdk::Sdk;

/// The controls that a stack of an environment does not meet. It has an account of its own.
pub async fn broken(sdk: &Sdk, environment: &str) -> Vec<String> {
    let mut broken = Broken(Vec::new());
    network(sdk, environment, &mut broken).await;
    database(sdk, environment, &mut broken).await;
    services(sdk, &mut broken).await;
    front(sdk, environment, &mut broken).await;
    broken.0
}

struct Broken(Vec<String>);

impl Broken {
    fn unless(&mut self, holds: bool, control: &str, what: impl std::fmt::Debug) {
        if !holds {
            self.0.push(format!("{control}: {what:?}"));
        }
    }
}

/// A filter of EC2.
fn filter(name: &str, value: &str) -> Filter {
    Filter::builder().name(name).values(value).build()
}

async fn network(sdk: &Sdk, environment: &str, broken: &mut Broken) {
    let stack = format!("happyrobot-fde/{environment}");
    let vpcs = sdk.ec2.describe_vpcs();
    let vpcs = vpcs.filters(filter("tag:fde:stack", &stack)).send().await;
    let vpcs = vpcs.expect("networks can be read");
    let [vpc] = vpcs.vpcs() else {
        panic!("one network: {vpcs:?}");
    };
    let id = vpc.vpc_id().expect("an id");
    let groups = sdk.ec2.describe_security_groups();
    let groups = groups.filters(filter("vpc-id", id)).send().await;
    for group in groups.expect("groups can be read").security_groups() {
        if group.group_name() == Some("default") {
            let is_closed =
                group.ip_permissions().is_empty() && group.ip_permissions_egress().is_empty();
            broken.unless(is_closed, "EC2.2", group);
        }
        for rule in group.ip_permissions() {
            let is_open = rule
                .ip_ranges()
                .iter()
                .any(|range| range.cidr_ip() == Some("0.0.0.0/0"));
            let is_web = matches!(rule.from_port(), Some(80 | 443));
            broken.unless(!is_open || is_web, "EC2.18", rule);
        }
    }
    let subnets = sdk.ec2.describe_subnets();
    let subnets = subnets.filters(filter("vpc-id", id)).send().await;
    for subnet in subnets.expect("subnets can be read").subnets() {
        broken.unless(
            subnet.map_public_ip_on_launch() != Some(true),
            "EC2.15",
            subnet,
        );
    }
    let logs = sdk.ec2.describe_flow_logs();
    let logs = logs.filter(filter("resource-id", id)).send().await;
    let logs = logs.expect("flow logs can be read");
    let is_logged = !logs.flow_logs().is_empty();
    broken.unless(is_logged == (environment == "prod"), "EC2.6", logs);
}

async fn database(sdk: &Sdk, environment: &str, broken: &mut Broken) {
    let instances = sdk.rds.describe_db_instances().send().await;
    for instance in instances.expect("instances can be read").db_instances() {
        let is_replica = instance
            .read_replica_source_db_instance_identifier()
            .is_some();
        let is_tried = environment != "dev" && !is_replica;
        let is_prod = environment == "prod" && !is_replica;
        let holds = instance.publicly_accessible() == Some(false);
        broken.unless(holds, "RDS.2", instance);
        broken.unless(
            instance.storage_encrypted() == Some(true),
            "RDS.3",
            instance,
        );
        broken.unless(
            !is_prod || instance.multi_az() == Some(true),
            "RDS.5",
            instance,
        );
        broken.unless(instance.monitoring_interval() > Some(0), "RDS.6", instance);
        let is_protected = instance.deletion_protection() == Some(true);
        broken.unless(!is_prod || is_protected, "RDS.8", instance);
        let exports = instance.enabled_cloudwatch_logs_exports();
        let has_logs = exports.iter().any(|log| log == "postgresql");
        broken.unless(!is_tried || has_logs, "RDS.9", instance);
        let days = instance.backup_retention_period();
        broken.unless(!is_tried || days >= Some(7), "RDS.11", instance);
        let is_kept_up = instance.auto_minor_version_upgrade() == Some(true);
        broken.unless(is_kept_up, "RDS.13", instance);
        for group in instance.db_parameter_groups() {
            let name = group.db_parameter_group_name().unwrap_or_default();
            let parameters = sdk
                .rds
                .describe_db_parameters()
                .db_parameter_group_name(name);
            let parameters = parameters.source("user").send().await;
            let parameters = parameters.expect("parameters can be read");
            let is_forced = parameters.parameters().iter().any(|parameter| {
                parameter.parameter_name() == Some("rds.force_ssl")
                    && parameter.parameter_value() == Some("1")
            });
            broken.unless(is_forced, "RDS.38", parameters);
        }
    }
    let told = sdk.rds.describe_event_subscriptions().send().await;
    let told = told.expect("subscriptions can be read");
    let is_told = !told.event_subscriptions_list().is_empty();
    broken.unless(is_told == (environment != "dev"), "RDS.20", told);
}

async fn services(sdk: &Sdk, broken: &mut Broken) {
    let repositories = sdk.ecr.describe_repositories().send().await;
    for repository in repositories
        .expect("repositories can be read")
        .repositories()
    {
        let scans = repository.image_scanning_configuration();
        let scans = scans.is_some_and(aws_sdk_ecr::types::ImageScanningConfiguration::scan_on_push);
        broken.unless(scans, "ECR.1", repository);
        let kind = repository.image_tag_mutability().map(|kind| kind.as_str());
        let is_fixed = kind.is_some_and(|kind| kind.starts_with("IMMUTABLE"));
        broken.unless(is_fixed, "ECR.2", repository);
    }
    let clusters = sdk.ecs.list_clusters().send().await;
    for cluster in clusters.expect("clusters can be read").cluster_arns() {
        let arns = sdk.ecs.list_services().cluster(cluster).send().await;
        let arns = arns.expect("services can be read").service_arns().to_vec();
        let services = sdk.ecs.describe_services().cluster(cluster);
        let services = services.set_services(Some(arns)).send().await;
        for service in services.expect("services can be read").services() {
            let network = service.network_configuration();
            let network = network.and_then(|network| network.awsvpc_configuration());
            let public = network.and_then(|network| network.assign_public_ip());
            let is_private = public.is_some_and(|public| public.as_str() == "DISABLED");
            broken.unless(is_private, "ECS.2", service);
            let tags = service.propagate_tags().map(|from| from.as_str());
            broken.unless(tags == Some("SERVICE"), "costs", service);
        }
    }
}

async fn front(sdk: &Sdk, environment: &str, broken: &mut Broken) {
    let balancers = sdk.elbv2.describe_load_balancers().send().await;
    let is_prod = environment == "prod";
    for balancer in balancers
        .expect("load balancers can be read")
        .load_balancers()
    {
        let arn = balancer.load_balancer_arn().unwrap_or_default();
        let attributes = sdk.elbv2.describe_load_balancer_attributes();
        let attributes = attributes.load_balancer_arn(arn).send().await;
        let attributes = attributes.expect("attributes can be read");
        let has = |key: &str| {
            let mut all = attributes.attributes().iter();
            all.any(|one| one.key() == Some(key) && one.value() == Some("true"))
        };
        let drops = has("routing.http.drop_invalid_header_fields.enabled");
        broken.unless(drops, "ELB.4", &attributes);
        broken.unless(has("access_logs.s3.enabled"), "ELB.5", &attributes);
        broken.unless(
            !is_prod || has("deletion_protection.enabled"),
            "ELB.6",
            &attributes,
        );
        broken.unless(balancer.availability_zones().len() > 1, "ELB.13", balancer);
        let acl = sdk.wafv2.get_web_acl_for_resource().resource_arn(arn);
        let acl = acl.send().await.ok().and_then(|answer| answer.web_acl);
        broken.unless(acl.is_some() == is_prod, "ELB.16", balancer);
        if let Some(acl) = acl {
            let logging = sdk.wafv2.get_logging_configuration();
            let logging = logging.resource_arn(acl.arn()).send().await;
            broken.unless(logging.is_ok(), "WAF.11", acl.arn());
        }
    }
    let buckets = sdk.s3.list_buckets().send().await;
    for bucket in buckets.expect("buckets can be read").buckets() {
        let name = bucket.name().unwrap_or_default();
        let block = sdk.s3.get_public_access_block().bucket(name).send().await;
        let block = block
            .ok()
            .and_then(|block| block.public_access_block_configuration);
        let is_closed = block.is_some_and(|block| {
            block.block_public_acls() == Some(true) && block.restrict_public_buckets() == Some(true)
        });
        broken.unless(is_closed, "S3.8", name);
        let policy = sdk.s3.get_bucket_policy().bucket(name).send().await;
        let policy = policy.ok().and_then(|answer| answer.policy);
        let is_encrypted = policy.is_some_and(|text| text.contains("aws:SecureTransport"));
        broken.unless(is_encrypted, "S3.5", name);
    }
}
