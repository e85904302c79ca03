//! `aws:appautoscaling:Target`.

use async_trait::async_trait;
use aws_sdk_applicationautoscaling::types::{ScalableDimension, ServiceNamespace};
use serde_json::{Value as Json, json};

use crate::common::World;
use crate::common::resource_type::{Edit, ResourceTypeTest, check};
use crate::common::sdk::{FOREIGN, Sdk, Tags};
use fde_infra::resource::Observed;

struct Target;

const NEEDS: &str = "\
vpc: { type: aws:ec2:Vpc, properties: { cidrBlock: 10.0.0.0/16 } }
left: { type: aws:ec2:Subnet, properties: { vpcId: '${vpc.id}', cidrBlock: 10.0.0.0/24, availabilityZone: eu-south-2a } }
cluster: { type: aws:ecs:Cluster }
task:
  type: aws:ecs:TaskDefinition
  properties:
    family: e2e-scaled
    cpu: 256
    memory: 512
    requiresCompatibilities: [FARGATE]
    containerDefinitions: [{ name: web, image: public.ecr.aws/nginx/nginx:1.27 }]
first:
  type: aws:ecs:Service
  properties:
    cluster: ${cluster.arn}
    taskDefinition: ${task.arn}
    launchType: FARGATE
    desiredCountRange: { min: 0, max: 9 }
    networkConfiguration: { subnets: ['${left.id}'] }
second:
  type: aws:ecs:Service
  properties:
    cluster: ${cluster.arn}
    taskDefinition: ${task.arn}
    launchType: FARGATE
    desiredCountRange: { min: 0, max: 9 }
    networkConfiguration: { subnets: ['${left.id}'] }
";

async fn tags_of(sdk: &Sdk, arn: &str) -> Tags {
    let answer = sdk
        .autoscaling
        .list_tags_for_resource()
        .resource_arn(arn)
        .send()
        .await
        .expect("the target has tags");
    answer.tags.unwrap_or_default().into_iter().collect()
}

#[async_trait]
impl ResourceTypeTest for Target {
    fn token(&self) -> &'static str {
        "aws:appautoscaling:Target"
    }

    fn needs(&self) -> &'static str {
        NEEDS
    }

    fn base(&self) -> &'static str {
        "{ serviceNamespace: ecs, resourceId: \
         'service/${cluster.name}/${first.name}', scalableDimension: \
         'ecs:service:DesiredCount', minCapacity: 0, maxCapacity: 4 }"
    }

    fn edits(&self) -> Vec<Edit> {
        vec![
            Edit::in_place("/least", ("minCapacity: 1", 1), ("minCapacity: 2", 2)).removed(0),
            Edit::in_place("/most", ("maxCapacity: 5", 5), ("maxCapacity: 6", 6)).removed(4),
            Edit::replaces(
                "/service",
                (
                    "resourceId: 'service/${cluster.name}/${first.name}'",
                    "first",
                ),
                (
                    "resourceId: 'service/${cluster.name}/${second.name}'",
                    "second",
                ),
            )
            .removed("first"),
        ]
    }

    fn without_a_row(&self) -> &'static [(&'static str, &'static str)] {
        &[
            ("serviceNamespace", "has one value"),
            ("scalableDimension", "has one value"),
        ]
    }

    async fn look(&self, sdk: &Sdk, id: &str) -> Option<Json> {
        let answer = sdk
            .autoscaling
            .describe_scalable_targets()
            .service_namespace(ServiceNamespace::Ecs)
            .resource_ids(id)
            .send()
            .await
            .ok()?;
        let target = answer.scalable_targets().first()?;
        // Which of the two: their names are derived, so the tags are asked.
        let (_, place) = id.split_once('/')?;
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
            "arn": target.scalable_target_arn(),
            "service": service,
            "least": target.min_capacity(),
            "most": target.max_capacity(),
        }))
    }

    async fn vanish(&self, sdk: &Sdk, id: &str) -> bool {
        sdk.autoscaling
            .deregister_scalable_target()
            .service_namespace(ServiceNamespace::Ecs)
            .resource_id(id)
            .scalable_dimension(ScalableDimension::EcsServiceDesiredCount)
            .send()
            .await
            .is_ok()
    }

    async fn drift(&self, sdk: &Sdk, id: &str) -> bool {
        sdk.autoscaling
            .register_scalable_target()
            .service_namespace(ServiceNamespace::Ecs)
            .resource_id(id)
            .scalable_dimension(ScalableDimension::EcsServiceDesiredCount)
            .max_capacity(9)
            .send()
            .await
            .is_ok()
    }

    async fn foreign_tag(&self, sdk: &Sdk, id: &str, set: bool) -> Option<bool> {
        let looked = self.look(sdk, id).await?;
        let arn = looked["arn"].as_str()?;
        if set {
            sdk.autoscaling
                .tag_resource()
                .resource_arn(arn)
                .tags(FOREIGN.0, FOREIGN.1)
                .send()
                .await
                .expect("tags can be set");
        }
        Some(tags_of(sdk, arn).await.get(FOREIGN.0).map(String::as_str) == Some(FOREIGN.1))
    }

    async fn tags(&self, sdk: &Sdk, live: &Observed) -> Tags {
        tags_of(sdk, live.arn.as_deref().expect("it has an ARN")).await
    }
}

#[tokio::test]
async fn target() {
    check("e2e-autoscaling-target", &Target).await;
}

/// AWS takes the target of a service away with it, and its policies, also where another service of the same name comes.
#[tokio::test]
async fn a_service_that_is_replaced_under_its_name_keeps_its_scaling() {
    let name = "e2e-autoscaling-replaced";
    let world = World::new(name).await;
    let resources = format!(
        "\
vpc: {{ type: aws:ec2:Vpc, properties: {{ cidrBlock: 10.0.0.0/16 }} }}
subnet: {{ type: aws:ec2:Subnet, properties: {{ vpcId: '${{vpc.id}}', cidrBlock: 10.0.0.0/24, availabilityZone: eu-south-2a }} }}
cluster: {{ type: aws:ecs:Cluster, properties: {{ name: {name} }} }}
task: {{ type: aws:ecs:TaskDefinition, properties: {{ family: {name}, cpu: 256, memory: 512, containerDefinitions: [{{ name: web, image: 'public.ecr.aws/nginx/nginx:1.27' }}] }} }}
service: {{ type: aws:ecs:Service, properties: {{ name: {name}, cluster: '${{cluster.arn}}', taskDefinition: '${{task.arn}}', launchType: FARGATE, networkConfiguration: {{ subnets: ['${{subnet.id}}'] }} }} }}
target: {{ type: aws:appautoscaling:Target, properties: {{ serviceNamespace: ecs, resourceId: 'service/${{cluster.name}}/${{service.name}}', scalableDimension: 'ecs:service:DesiredCount', minCapacity: 0, maxCapacity: 4 }} }}
policy: {{ type: aws:appautoscaling:Policy, properties: {{ name: cpu, serviceNamespace: ecs, resourceId: '${{target.resourceId}}', scalableDimension: 'ecs:service:DesiredCount', targetTrackingScalingPolicyConfiguration: {{ predefinedMetricSpecification: {{ predefinedMetricType: ECSServiceAverageCPUUtilization }}, targetValue: 50 }} }} }}"
    );
    world.up(&resources).await;
    let replaced = resources.replace("launchType: FARGATE", "launchType: EC2");
    world.up(&replaced).await;
    let policies = world.sdk.autoscaling.describe_scaling_policies();
    let policies = policies
        .service_namespace(ServiceNamespace::Ecs)
        .resource_id(format!("service/{name}/{name}"))
        .send()
        .await
        .expect("policies can be listed");
    assert_eq!(policies.scaling_policies().len(), 1);
    world.destroy(&replaced).await;
}
