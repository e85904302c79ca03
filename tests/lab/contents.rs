//! The inventory sees the contents of things, and not only that they exist: the contents of ours and of a neighbour's are
//! altered behind the program's back, and each alteration has to show up, once and as what it is.

use std::collections::BTreeSet;

use aws_sdk_applicationautoscaling::types::{
    PolicyType, ScalableDimension, ServiceNamespace, TargetTrackingScalingPolicyConfiguration,
};
use aws_sdk_ecs::types::{ClusterSetting, ClusterSettingName};
use aws_sdk_elasticloadbalancingv2::types::{LoadBalancerAttribute, TargetGroupAttribute};
use aws_sdk_rds::types::{ApplyMethod, Parameter};
use aws_sdk_s3::types::{
    BucketLifecycleConfiguration, BucketVersioningStatus, ExpirationStatus, LifecycleExpiration,
    LifecycleRule, LifecycleRuleFilter, ObjectOwnership, OwnershipControls, OwnershipControlsRule,
    PublicAccessBlockConfiguration, ServerSideEncryption, ServerSideEncryptionByDefault,
    ServerSideEncryptionConfiguration, ServerSideEncryptionRule, VersioningConfiguration,
};
use aws_sdk_wafv2::types::{AllowAction, BlockAction, DefaultAction, Scope, VisibilityConfig};

use fde_infra::resource::tags::short_hash;

use crate::account::{Before, base};
use crate::inventory::block_on;
use crate::inventory::kinds::{KINDS, Seen};
use crate::job::{EVERY_TYPE, MOVE};
use crate::sdk::Sdk;

const DONE: &str = "a content can be altered";

/// Two stacks in the account, by the parts that their names contain.
struct Names {
    prefix: &'static str,
    suffix: &'static str,
}

const OURS: Names = Names {
    prefix: "happyrobot-fde-dev",
    suffix: "",
};
const THEIRS: Names = Names {
    prefix: "happyrobot-fde-2-dev",
    suffix: "-2",
};

/// The kinds of things whose contents are altered.
const ALTERED: &[&str] = &[
    "bucket encryption",
    "bucket lifecycle",
    "bucket ownership",
    "cluster",
    "dashboard",
    // It waits for a reboot, with a parameter that has changed.
    "database",
    "lifecycle policy",
    "load balancer",
    "log group",
    "parameter group",
    "public access block",
    "role",
    "role policy",
    "scaling policy",
    "secret",
    "service",
    "target group",
    "topic",
];

async fn alter_bucket(sdk: &Sdk, names: &Names) {
    let bucket = format!("happyrobot-fde-alb-access-logs-dev{}", names.suffix);
    let encryption = ServerSideEncryptionByDefault::builder()
        .sse_algorithm(ServerSideEncryption::AwsKms)
        .build()
        .expect("an algorithm");
    let rule = ServerSideEncryptionRule::builder()
        .apply_server_side_encryption_by_default(encryption)
        .bucket_key_enabled(false);
    let encryption = ServerSideEncryptionConfiguration::builder().rules(rule.build());
    let put = sdk.s3.put_bucket_encryption().bucket(&bucket);
    let put =
        put.server_side_encryption_configuration(encryption.build().expect("there is a rule"));
    put.send().await.expect(DONE);

    let rule = LifecycleRule::builder()
        .id("expire")
        .status(ExpirationStatus::Enabled)
        .filter(LifecycleRuleFilter::builder().prefix("").build())
        .expiration(LifecycleExpiration::builder().days(31).build());
    let rules = BucketLifecycleConfiguration::builder()
        .rules(rule.build().expect("it has a status"))
        .build();
    let put = sdk.s3.put_bucket_lifecycle_configuration().bucket(&bucket);
    let put = put.lifecycle_configuration(rules.expect("there is a rule"));
    put.send().await.expect(DONE);

    let block = PublicAccessBlockConfiguration::builder()
        .block_public_acls(false)
        .ignore_public_acls(true)
        .block_public_policy(true)
        .restrict_public_buckets(true);
    let put = sdk.s3.put_public_access_block().bucket(&bucket);
    let put = put.public_access_block_configuration(block.build());
    put.send().await.expect(DONE);

    let rule = OwnershipControlsRule::builder()
        .object_ownership(ObjectOwnership::BucketOwnerPreferred)
        .build();
    let controls = OwnershipControls::builder()
        .rules(rule.expect("it says who"))
        .build();
    let put = sdk.s3.put_bucket_ownership_controls().bucket(&bucket);
    let put = put.ownership_controls(controls.expect("there is a rule"));
    put.send().await.expect(DONE);
}

/// Adds things that were not there, and takes others away.
async fn put_and_remove(sdk: &Sdk, names: &Names) {
    let bucket = format!("happyrobot-fde-alb-access-logs-dev{}", names.suffix);
    let enabled = VersioningConfiguration::builder().status(BucketVersioningStatus::Enabled);
    let put = sdk.s3.put_bucket_versioning().bucket(&bucket);
    let put = put.versioning_configuration(enabled.build());
    put.send().await.expect(DONE);
    let delete = sdk.s3.delete_bucket_policy().bucket(&bucket);
    delete.send().await.expect(DONE);
}

async fn alter_services(sdk: &Sdk, names: &Names) {
    let setting = ClusterSetting::builder()
        .name(ClusterSettingName::ContainerInsights)
        .value("enhanced");
    let update = sdk.ecs.update_cluster_settings().cluster(names.prefix);
    update.settings(setting.build()).send().await.expect(DONE);

    // A revision of another party's, with another image, which the service is then made to run.
    let definition = sdk.ecs.describe_task_definition();
    let definition = definition.task_definition(format!("{}-api", names.prefix));
    let definition = definition.send().await.expect(DONE).task_definition;
    let definition = definition.expect("the service runs it");
    let mut containers = definition.container_definitions.unwrap_or_default();
    containers[0].image = Some("somebody/else:latest".to_owned());
    let register = sdk.ecs.register_task_definition();
    let register = register
        .family(format!("elsewhere{}", names.suffix))
        .network_mode(definition.network_mode.expect("it has a network"))
        .set_cpu(definition.cpu)
        .set_memory(definition.memory)
        .set_requires_compatibilities(definition.requires_compatibilities)
        .set_execution_role_arn(definition.execution_role_arn)
        .set_container_definitions(Some(containers));
    let revision = register.send().await.expect(DONE).task_definition;
    let update = sdk.ecs.update_service().cluster(names.prefix);
    let update = update
        .service("api")
        .set_task_definition(revision.and_then(|revision| revision.task_definition_arn));
    update.send().await.expect(DONE);

    let policy = r#"{"rules":[{"rulePriority":1,"selection":{"tagStatus":"untagged","countType":"imageCountMoreThan","countNumber":7},"action":{"type":"expire"}}]}"#;
    let put = sdk.ecr.put_lifecycle_policy();
    let put = put.repository_name(format!("happyrobot-api{}", names.suffix));
    put.lifecycle_policy_text(policy).send().await.expect(DONE);

    let target = TargetTrackingScalingPolicyConfiguration::builder().target_value(71.0);
    let metric = aws_sdk_applicationautoscaling::types::PredefinedMetricSpecification::builder()
        .predefined_metric_type(
            aws_sdk_applicationautoscaling::types::MetricType::EcsServiceAverageCpuUtilization,
        )
        .build()
        .expect("a metric");
    let target = target.predefined_metric_specification(metric);
    let put = sdk.autoscaling.put_scaling_policy().policy_name("web-cpu");
    let put = put
        .service_namespace(ServiceNamespace::Ecs)
        .resource_id(format!("service/{}/web", names.prefix))
        .scalable_dimension(ScalableDimension::EcsServiceDesiredCount)
        .policy_type(PolicyType::TargetTrackingScaling)
        .target_tracking_scaling_policy_configuration(target.build().expect("a target"));
    put.send().await.expect(DONE);

    let balancers = sdk.elbv2.describe_load_balancers();
    let balancers = balancers.names(format!("happyrobot-fde-alb{}", names.suffix));
    let balancers = balancers.send().await.expect(DONE);
    let balancer = balancers.load_balancers()[0].load_balancer_arn();
    let balancer = balancer.expect("it has an ARN");
    let timeout = LoadBalancerAttribute::builder()
        .key("idle_timeout.timeout_seconds")
        .value("61");
    let modify = sdk.elbv2.modify_load_balancer_attributes();
    let modify = modify.load_balancer_arn(balancer);
    modify.attributes(timeout.build()).send().await.expect(DONE);
    let groups = sdk.elbv2.describe_target_groups();
    let groups = groups.load_balancer_arn(balancer).send().await;
    let groups = groups.expect(DONE);
    let delay = TargetGroupAttribute::builder()
        .key("deregistration_delay.timeout_seconds")
        .value("31");
    let modify = sdk.elbv2.modify_target_group_attributes();
    let modify = modify.set_target_group_arn(groups.target_groups()[0].target_group_arn.clone());
    modify.attributes(delay.build()).send().await.expect(DONE);
}

async fn alter_data(sdk: &Sdk, names: &Names) {
    // Its plain name would end as an ARN does, and so it has a hash.
    let secret = format!("{}-database-secret", names.prefix);
    let secret = format!("{secret}-{}", short_hash(&secret, 8));
    let value = sdk.secrets.get_secret_value().secret_id(&secret);
    let value = value.send().await.expect(DONE);
    let value = value.secret_string().expect("it has a value");
    let value = value.replace("\"username\":\"postgres\"", "\"username\":\"root\"");
    let put = sdk.secrets.put_secret_value().secret_id(&secret);
    put.secret_string(value).send().await.expect(DONE);

    let groups = sdk.rds.describe_db_parameter_groups().send().await;
    let groups = groups.expect(DONE).db_parameter_groups.unwrap_or_default();
    let mut groups = groups.into_iter();
    let group = groups.find_map(|group| {
        let name = group.db_parameter_group_name?;
        name.starts_with(names.prefix).then_some(name)
    });
    let parameter = Parameter::builder()
        .parameter_name("max_connections")
        .parameter_value("201")
        .apply_method(ApplyMethod::PendingReboot);
    let modify = sdk.rds.modify_db_parameter_group();
    let modify = modify.set_db_parameter_group_name(group);
    modify
        .parameters(parameter.build())
        .send()
        .await
        .expect(DONE);
}

async fn alter_roles(sdk: &Sdk, names: &Names) {
    let trust = r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"AWS":"*"},"Action":"sts:AssumeRole"}]}"#;
    let anything =
        r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"*","Resource":"*"}]}"#;
    let roles = sdk.iam.list_roles().send().await.expect(DONE);
    let of_stack = format!("{}-eu-south-2-services-api-exe", names.prefix);
    let mut roles = roles.roles().iter().map(|role| role.role_name());
    let role = roles.find(|name| name.starts_with(&of_stack));
    let role = role.expect("the service has it");
    let policies = sdk.iam.list_role_policies().role_name(role).send().await;
    let policies = policies.expect(DONE).policy_names;
    let put = sdk.iam.put_role_policy().role_name(role);
    let put = put.policy_name(&policies[0]).policy_document(anything);
    put.send().await.expect(DONE);
    let update = sdk.iam.update_assume_role_policy().role_name(role);
    update.policy_document(trust).send().await.expect(DONE);
}

async fn alter_monitoring(sdk: &Sdk, names: &Names) {
    let name = format!("HappyRobot-FDE-dev{}", names.suffix);
    let put = sdk.cloudwatch.put_dashboard().dashboard_name(name);
    let put = put.dashboard_body(r#"{"widgets":[]}"#);
    put.send().await.expect(DONE);

    let put = sdk.logs.put_retention_policy().retention_in_days(14);
    let put = put.log_group_name(format!("/aws/ecs/containers-api{}", names.suffix));
    put.send().await.expect(DONE);

    let topics = sdk.sns.list_topics().send().await.expect(DONE);
    let of_stack = format!(":{}-monitoring-topic", names.prefix);
    let mut topics = topics.topics().iter().filter_map(|topic| topic.topic_arn());
    let topic = topics.find(|arn| arn.ends_with(&of_stack));
    let topic = topic.expect("the stack has it");
    let policy = format!(
        r#"{{"Version":"2012-10-17","Statement":[{{"Effect":"Allow","Principal":"*","Action":"sns:Publish","Resource":"{topic}"}}]}}"#
    );
    let set = sdk.sns.set_topic_attributes().topic_arn(topic);
    let set = set.attribute_name("Policy").attribute_value(policy);
    set.send().await.expect(DONE);
}

/// Of each type there is one in the account, and the inventory shows it as its table says.
#[test]
fn the_inventory_sees_every_type() {
    let there = &EVERY_TYPE.undisturbed().inventory.ours;
    let is_seen = |kind: &str| {
        let begin = format!("{kind} ");
        there.keys().any(|line| line.starts_with(&begin))
    };
    let mut unseen = Vec::new();
    for (token, seen) in KINDS {
        match seen {
            Seen::As(kind) | Seen::Within(kind) if !is_seen(kind) => {
                unseen.push(format!("{token}: no `{kind}`"));
            }
            Seen::As(_) | Seen::Within(_) => {}
            Seen::Not(reason) => println!("{token}: {reason}"),
        }
    }
    assert!(
        unseen.is_empty(),
        "{}\n\nWhat to do: read such objects in tests/lab/inventory, with tags or `within` a thing of the stack, and correct \
         `KINDS` there",
        unseen.join("\n")
    );
}

#[test]
fn the_inventory_sees_what_is_in_things() {
    let before = MOVE.inventory_before();
    let account = base(Before::Stack).fork();
    assert_eq!(account.inventory().faults(before, before), [""; 0]);
    block_on(async {
        let sdk = Sdk::new(&account.endpoint).await;
        for names in [OURS, THEIRS] {
            alter_services(&sdk, &names).await;
            alter_bucket(&sdk, &names).await;
            put_and_remove(&sdk, &names).await;
            alter_data(&sdk, &names).await;
            alter_roles(&sdk, &names).await;
            alter_monitoring(&sdk, &names).await;
        }
    });
    let after = account.inventory().faults(before, before);
    // Two pieces of news of each stack that are no alterations, and the revisions, which no stack owns.
    let mut expected: BTreeSet<String> = [
        "left over: bucket versioning",
        "missing: bucket policy",
        "not ours, and new: bucket versioning",
        "not ours, and gone: bucket policy",
        "not ours, and new: task definition",
    ]
    .map(str::to_owned)
    .into();
    for kind in ALTERED {
        expected.insert(format!("not as it should be: {kind}"));
        expected.insert(format!("not ours, and changed: {kind}"));
    }
    let seen = after.iter().map(|fault| kind_of(fault));
    let seen: BTreeSet<String> = seen.collect();
    let all = after.join("\n");
    for kind in &expected {
        assert!(seen.contains(kind), "not seen: {kind}\n{all}");
    }
    for kind in &seen {
        assert!(expected.contains(kind), "seen as well: {kind}\n{all}");
    }
    // One line for each: the second revision is the neighbour's.
    assert_eq!(after.len(), expected.len() + 1, "{all}");
}

/// `missing: bucket policy`, without the name of the owner. The longest kind that fits wins.
fn kind_of(fault: &str) -> String {
    let (what, thing) = fault
        .split_once(": ")
        .expect("what is wrong, and with what");
    let others = ["bucket versioning", "bucket policy", "task definition"];
    let kinds = ALTERED.iter().chain(&others);
    let kinds = kinds.filter(|kind| thing.starts_with(&format!("{kind} ")));
    let kind = kinds.max_by_key(|kind| kind.len());
    format!("{what}: {}", kind.map_or(thing, |kind| *kind))
}

/// A web ACL of another party's in front of a load balancer of ours.
#[test]
fn the_inventory_sees_what_a_web_acl_lets_in() {
    let account = base(Before::Stack).fork();
    let metrics = |name: &str| {
        let metrics = VisibilityConfig::builder()
            .sampled_requests_enabled(true)
            .cloud_watch_metrics_enabled(true)
            .metric_name(name);
        metrics.build().expect("all that it needs")
    };
    let sdk = block_on(Sdk::new(&account.endpoint));
    let (id, lock) = block_on(async {
        let allow = DefaultAction::builder().allow(AllowAction::builder().build());
        let create = sdk.wafv2.create_web_acl().name("theirs");
        let create = create.scope(Scope::Regional).default_action(allow.build());
        let acl = create.visibility_config(metrics("theirs")).send().await;
        let acl = acl.expect(DONE).summary.expect("it is there");
        let balancers = sdk.elbv2.describe_load_balancers();
        let balancers = balancers.names("happyrobot-fde-alb").send().await;
        let balancer = balancers.expect(DONE).load_balancers.unwrap_or_default();
        let associate = sdk.wafv2.associate_web_acl();
        let associate = associate.set_web_acl_arn(acl.arn);
        let associate = associate.set_resource_arn(balancer[0].load_balancer_arn.clone());
        associate.send().await.expect(DONE);
        (acl.id, acl.lock_token)
    });
    let before = account.inventory();
    let stack = MOVE.inventory_before();
    let association = "left over: web ACL association of ?, loadBalancer/alb";
    let new = before.faults(stack, stack);
    assert_eq!(new.len(), 2, "{new:?}");
    assert_eq!(new[0], association);
    assert!(new[1].starts_with("not ours, and new: web ACL "), "{new:?}");
    block_on(async {
        let block = DefaultAction::builder().block(BlockAction::builder().build());
        let update = sdk.wafv2.update_web_acl().name("theirs");
        let update = update.set_id(id).set_lock_token(lock);
        let update = update.scope(Scope::Regional).default_action(block.build());
        let update = update.visibility_config(metrics("theirs"));
        update.send().await.expect(DONE);
    });
    let after = account.inventory().faults(&before, &before);
    assert_eq!(after.len(), 1, "{after:?}");
    let changed = "not ours, and changed: web ACL ";
    assert!(after[0].starts_with(changed), "{after:?}");
}
