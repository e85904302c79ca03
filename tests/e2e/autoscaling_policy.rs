//! `aws:appautoscaling:Policy`.

use async_trait::async_trait;
use aws_sdk_applicationautoscaling::types::{
    MetricType, PolicyType, PredefinedMetricSpecification, ScalableDimension, ScalingPolicy,
    ServiceNamespace, TargetTrackingScalingPolicyConfiguration,
};
use serde_json::{Value as Json, json};

use crate::common::World;
use crate::common::program::Program;
use crate::common::resource_type::{Edit, ResourceTypeTest, check};
use crate::common::sdk::Sdk;

struct Policy;

const NEEDS: &str = "\
vpc: { type: aws:ec2:Vpc, properties: { cidrBlock: 10.0.0.0/16 } }
left: { type: aws:ec2:Subnet, properties: { vpcId: '${vpc.id}', cidrBlock: 10.0.0.0/24, availabilityZone: eu-south-2a } }
cluster: { type: aws:ecs:Cluster }
task:
  type: aws:ecs:TaskDefinition
  properties:
    family: e2e-scaled-by-policy
    cpu: 256
    memory: 512
    requiresCompatibilities: [FARGATE]
    containerDefinitions: [{ name: web, image: public.ecr.aws/nginx/nginx:1.27 }]
service:
  type: aws:ecs:Service
  properties:
    cluster: ${cluster.arn}
    taskDefinition: ${task.arn}
    launchType: FARGATE
    networkConfiguration: { subnets: ['${left.id}'] }
other:
  type: aws:ecs:Service
  properties:
    cluster: ${cluster.arn}
    taskDefinition: ${task.arn}
    launchType: FARGATE
    networkConfiguration: { subnets: ['${left.id}'] }
second:
  type: aws:appautoscaling:Target
  properties:
    serviceNamespace: ecs
    resourceId: service/${cluster.name}/${other.name}
    scalableDimension: ecs:service:DesiredCount
    minCapacity: 0
    maxCapacity: 4
target:
  type: aws:appautoscaling:Target
  properties:
    serviceNamespace: ecs
    resourceId: service/${cluster.name}/${service.name}
    scalableDimension: ecs:service:DesiredCount
    minCapacity: 0
    maxCapacity: 4
";

async fn find(sdk: &Sdk, id: &str) -> Option<ScalingPolicy> {
    let mut policies = sdk
        .autoscaling
        .describe_scaling_policies()
        .service_namespace(ServiceNamespace::Ecs)
        .into_paginator()
        .items()
        .send();
    while let Some(policy) = policies.next().await {
        let policy = policy.ok()?;
        if policy.policy_arn() == id {
            return Some(policy);
        }
    }
    None
}

#[async_trait]
impl ResourceTypeTest for Policy {
    fn token(&self) -> &'static str {
        "aws:appautoscaling:Policy"
    }

    fn needs(&self) -> &'static str {
        NEEDS
    }

    fn base(&self) -> &'static str {
        "{ serviceNamespace: ecs, resourceId: '${target.resourceId}', \
         scalableDimension: 'ecs:service:DesiredCount', \
         targetTrackingScalingPolicyConfiguration: { \
         predefinedMetricSpecification: { predefinedMetricType: \
         ECSServiceAverageCPUUtilization }, targetValue: 50 } }"
    }

    fn edits(&self) -> Vec<Edit> {
        vec![
            Edit::in_place(
                "/value",
                (
                    "targetTrackingScalingPolicyConfiguration: { \
                     predefinedMetricSpecification: { predefinedMetricType: \
                     ECSServiceAverageCPUUtilization }, targetValue: 60 }",
                    60.0,
                ),
                (
                    "targetTrackingScalingPolicyConfiguration: { \
                     predefinedMetricSpecification: { predefinedMetricType: \
                     ECSServiceAverageCPUUtilization }, targetValue: 70 }",
                    70.0,
                ),
            )
            .removed(50.0),
            Edit::in_place(
                "/metric",
                (
                    "targetTrackingScalingPolicyConfiguration: { \
                     predefinedMetricSpecification: { predefinedMetricType: \
                     ECSServiceAverageCPUUtilization }, targetValue: 60 }",
                    "ECSServiceAverageCPUUtilization",
                ),
                (
                    "targetTrackingScalingPolicyConfiguration: { \
                     predefinedMetricSpecification: { predefinedMetricType: \
                     ECSServiceAverageMemoryUtilization }, targetValue: 60 }",
                    "ECSServiceAverageMemoryUtilization",
                ),
            )
            .removed("ECSServiceAverageCPUUtilization"),
            Edit::in_place(
                "/waits",
                (
                    "targetTrackingScalingPolicyConfiguration: { \
                     predefinedMetricSpecification: { predefinedMetricType: \
                     ECSServiceAverageCPUUtilization }, targetValue: 50, \
                     scaleInCooldown: 60, scaleOutCooldown: 30, disableScaleIn: true }",
                    json!([60, 30, true]),
                ),
                (
                    "targetTrackingScalingPolicyConfiguration: { \
                     predefinedMetricSpecification: { predefinedMetricType: \
                     ECSServiceAverageCPUUtilization }, targetValue: 50, \
                     scaleInCooldown: 90, scaleOutCooldown: 45, disableScaleIn: false }",
                    json!([90, 45, false]),
                ),
            )
            .removed(json!([300, 300, false])),
            Edit::moves(
                "/of",
                ("resourceId: ${target.resourceId}", "service"),
                ("resourceId: ${second.resourceId}", "other"),
            )
            .removed("service"),
            Edit::moves(
                "/name",
                ("name: e2e-policy-one", "e2e-policy-one"),
                ("name: e2e-policy-two", "e2e-policy-two"),
            ),
        ]
    }

    fn without_a_row(&self) -> &'static [(&'static str, &'static str)] {
        &[
            ("policyType", "has one value"),
            ("serviceNamespace", "has one value"),
            ("scalableDimension", "has one value"),
        ]
    }

    async fn look(&self, sdk: &Sdk, id: &str) -> Option<Json> {
        let policy = find(sdk, id).await?;
        let tracking = policy.target_tracking_scaling_policy_configuration()?;
        let metric = tracking.predefined_metric_specification();
        let (_, place) = policy.resource_id().split_once('/')?;
        let (cluster, service) = place.split_once('/')?;
        let asked = sdk
            .ecs
            .describe_services()
            .cluster(cluster)
            .services(service);
        let answer = asked.send().await.ok()?;
        let service = sdk
            .name_of(answer.services().first()?.service_arn()?)
            .await?;
        Some(json!({
            "of": service,
            "name": policy.policy_name(),
            "value": tracking.target_value(),
            "metric": metric.map(|metric| metric.predefined_metric_type().as_str()),
            "waits": [
                tracking.scale_in_cooldown().unwrap_or(300),
                tracking.scale_out_cooldown().unwrap_or(300),
                tracking.disable_scale_in().unwrap_or(false),
            ],
        }))
    }

    async fn vanish(&self, sdk: &Sdk, id: &str) -> bool {
        let Some(policy) = find(sdk, id).await else {
            return false;
        };
        sdk.autoscaling
            .delete_scaling_policy()
            .policy_name(policy.policy_name())
            .service_namespace(ServiceNamespace::Ecs)
            .resource_id(policy.resource_id())
            .scalable_dimension(ScalableDimension::EcsServiceDesiredCount)
            .send()
            .await
            .is_ok()
    }

    async fn drift(&self, sdk: &Sdk, id: &str) -> bool {
        let Some(policy) = find(sdk, id).await else {
            return false;
        };
        let metric = PredefinedMetricSpecification::builder()
            .predefined_metric_type(MetricType::EcsServiceAverageCpuUtilization)
            .build()
            .expect("complete");
        let tracking = TargetTrackingScalingPolicyConfiguration::builder()
            .predefined_metric_specification(metric)
            .target_value(99.0)
            .build()
            .expect("complete");
        sdk.autoscaling
            .put_scaling_policy()
            .policy_name(policy.policy_name())
            .policy_type(PolicyType::TargetTrackingScaling)
            .service_namespace(ServiceNamespace::Ecs)
            .resource_id(policy.resource_id())
            .scalable_dimension(ScalableDimension::EcsServiceDesiredCount)
            .target_tracking_scaling_policy_configuration(tracking)
            .send()
            .await
            .is_ok()
    }

    async fn foreign_tag(&self, _sdk: &Sdk, _id: &str, _set: bool) -> Option<bool> {
        None
    }
}

#[tokio::test]
async fn policy() {
    check("e2e-autoscaling-policy", &Policy).await;
}

/// Puts this many policies of others on a target that they have registered for this service.
async fn policies_of_others(sdk: &Sdk, resource: &str, count: usize) {
    let (ecs, dimension) = (
        ServiceNamespace::Ecs,
        ScalableDimension::EcsServiceDesiredCount,
    );
    sdk.autoscaling
        .register_scalable_target()
        .service_namespace(ecs.clone())
        .resource_id(resource)
        .scalable_dimension(dimension.clone())
        .min_capacity(0)
        .max_capacity(1)
        .send()
        .await
        .expect("others can register a target");
    for number in 0..count {
        let metric = PredefinedMetricSpecification::builder()
            .predefined_metric_type(MetricType::EcsServiceAverageCpuUtilization)
            .build()
            .expect("complete");
        let tracking = TargetTrackingScalingPolicyConfiguration::builder()
            .predefined_metric_specification(metric)
            .target_value(50.0)
            .build()
            .expect("complete");
        sdk.autoscaling
            .put_scaling_policy()
            .policy_name(format!("others-{number}"))
            .policy_type(PolicyType::TargetTrackingScaling)
            .service_namespace(ecs.clone())
            .resource_id(resource)
            .scalable_dimension(dimension.clone())
            .target_tracking_scaling_policy_configuration(tracking)
            .send()
            .await
            .expect("others can put a policy");
    }
}

/// AWS gives ten policies a page: those of a whole account would be as many calls.
#[tokio::test]
async fn policies_are_found_behind_the_first_page_without_reading_all_of_an_account() {
    // Elsewhere the services of others cannot be made so easily.
    if std::env::var_os("AWS_ENDPOINT_URL").is_some() {
        return;
    }
    let name = "e2e-autoscaling-pages";
    let world = World::new(name).await;
    // The services of others: named in the file, so that they go with it, and scaled by another party.
    let services = NEEDS
        .split("second:")
        .next()
        .expect("what comes before the targets")
        .replace("e2e-scaled-by-policy", name)
        .replace(
            "cluster: { type: aws:ecs:Cluster }",
            &format!("cluster: {{ type: aws:ecs:Cluster, properties: {{ name: {name} }} }}"),
        )
        .replace(
            "other:\n  type: aws:ecs:Service\n  properties:\n",
            "other:\n  type: aws:ecs:Service\n  properties:\n    name: e2e-others\n",
        );
    world.up(&services).await;
    let theirs = format!("service/{name}/e2e-others");
    policies_of_others(&world.sdk, &theirs, 32).await;
    let target = NEEDS.rsplit("target:").next().expect("the target");
    let resources = format!(
        "{services}target:{target}tested: {{ type: aws:appautoscaling:Policy, properties: {} }}",
        Policy.base()
    );
    world.up(&resources).await;
    let ended = Program::of(&world).run(&resources, "preview", &["--expect-no-changes"]);
    assert_eq!(ended.status, Some(0), "{}", ended.screen);
    let asked = ended.calls.iter();
    let asked = asked.filter(|call| call.ends_with(":DescribeScalingPolicies"));
    // The first page, and the one target of the stack; all of them would be four pages.
    assert_eq!(asked.count(), 2, "{:?}", ended.calls);
    let gone = world.sdk.autoscaling.deregister_scalable_target();
    gone.service_namespace(ServiceNamespace::Ecs)
        .resource_id(&theirs)
        .scalable_dimension(ScalableDimension::EcsServiceDesiredCount)
        .send()
        .await
        .expect("their target goes");
    world.destroy(&resources).await;
}
