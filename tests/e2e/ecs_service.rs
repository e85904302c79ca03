//! `aws:ecs:Service`.

use async_trait::async_trait;
use fde_infra::execute::Outcome;
use serde_json::{Value as Json, json};

use crate::common::program::Program;
use crate::common::resource_type::{Edit, ResourceTypeTest, check};
use crate::common::sdk::Sdk;
use crate::common::{REGION, World};

/// A service by its ARN, which names its cluster.
fn cluster_of(arn: &str) -> Option<&str> {
    arn.rsplit('/').nth(1)
}

struct Service;

#[async_trait]
impl ResourceTypeTest for Service {
    fn token(&self) -> &'static str {
        "aws:ecs:Service"
    }

    fn needs(&self) -> &'static str {
        "vpc: { type: aws:ec2:Vpc, properties: { cidrBlock: 10.0.0.0/16 } }
left: { type: aws:ec2:Subnet, properties: { vpcId: '${vpc.id}', cidrBlock: 10.0.0.0/24, availabilityZone: eu-south-2a } }
right: { type: aws:ec2:Subnet, properties: { vpcId: '${vpc.id}', cidrBlock: 10.0.1.0/24, availabilityZone: eu-south-2b } }
blue: { type: aws:ecs:Cluster, properties: { name: e2e-service-blue } }
red: { type: aws:ecs:Cluster, properties: { name: e2e-service-red } }
one: { type: aws:ecs:TaskDefinition, properties: { family: e2e-service-one, cpu: 256, memory: 512, requiresCompatibilities: [FARGATE], containerDefinitions: [{ name: web, image: 'public.ecr.aws/nginx/nginx:1.27' }] } }
two: { type: aws:ecs:TaskDefinition, properties: { family: e2e-service-two, cpu: 256, memory: 512, requiresCompatibilities: [FARGATE], containerDefinitions: [{ name: web, image: 'public.ecr.aws/nginx/nginx:1.27' }] } }
ports: { type: aws:ecs:TaskDefinition, properties: { family: e2e-service-ports, cpu: 256, memory: 512, requiresCompatibilities: [FARGATE], containerDefinitions: [{ name: web, image: 'public.ecr.aws/nginx/nginx:1.27', portMappings: [{ containerPort: 80 }] }] } }
instances: { type: aws:ecs:TaskDefinition, properties: { family: e2e-service-instances, cpu: 256, memory: 512, requiresCompatibilities: [EC2], containerDefinitions: [{ name: web, image: 'public.ecr.aws/nginx/nginx:1.27' }] } }
balancer: { type: aws:lb:LoadBalancer, properties: { name: e2e-service, internal: true, subnets: ['${left.id}', '${right.id}'] } }
green: { type: aws:lb:TargetGroup, properties: { name: e2e-service-green, port: 80, protocol: HTTP, targetType: ip, vpcId: '${vpc.id}' } }
amber: { type: aws:lb:TargetGroup, properties: { name: e2e-service-amber, port: 80, protocol: HTTP, targetType: ip, vpcId: '${vpc.id}' } }
on80: { type: aws:lb:Listener, properties: { loadBalancerArn: '${balancer.arn}', port: 80, defaultActions: [{ type: forward, targetGroupArn: '${green.arn}' }] } }
on81: { type: aws:lb:Listener, properties: { loadBalancerArn: '${balancer.arn}', port: 81, defaultActions: [{ type: forward, targetGroupArn: '${amber.arn}' }] } }"
    }

    fn base(&self) -> &'static str {
        "{ cluster: '${blue.arn}', taskDefinition: '${one.arn}', \
         launchType: FARGATE, desiredCount: 1, networkConfiguration: { \
         subnets: ['${left.id}'] } }"
    }

    fn edits(&self) -> Vec<Edit> {
        vec![
            Edit::replaces(
                "/name",
                ("name: e2e-service-a", "e2e-service-a"),
                ("name: e2e-service-b", "e2e-service-b"),
            ),
            Edit::replaces(
                "/cluster",
                ("cluster: ${blue.arn}", "e2e-service-blue"),
                ("cluster: ${red.arn}", "e2e-service-red"),
            ),
            Edit::in_place(
                "/task",
                ("taskDefinition: ${one.arn}", "e2e-service-one"),
                ("taskDefinition: ${two.arn}", "e2e-service-two"),
            )
            .removed("e2e-service-one"),
            Edit::in_place("/count", ("desiredCount: 2", 2), ("desiredCount: 3", 3)).removed(1),
            // The live number is brought between the limits of autoscaling, and otherwise left alone.
            Edit::in_place(
                "/count",
                ("desiredCountRange: { min: 2, max: 5 }", 2),
                ("desiredCountRange: { min: 3, max: 5 }", 3),
            )
            .removed(1),
            Edit::replaces(
                "/launch",
                ("launchType: FARGATE", "FARGATE"),
                (
                    "{ launchType: EC2, taskDefinition: '${instances.arn}', desiredCount: 0 }",
                    "EC2",
                ),
            )
            .removed("FARGATE"),
            Edit::in_place(
                "/groups",
                (
                    "{ taskDefinition: '${ports.arn}', loadBalancers: [{ targetGroupArn: \
                     '${on80.defaultActions[0].targetGroupArn}', containerName: web, containerPort: 80 }] }",
                    json!([["e2e-service-green", "web", 80]]),
                ),
                (
                    "{ taskDefinition: '${ports.arn}', loadBalancers: [{ targetGroupArn: \
                     '${on81.defaultActions[0].targetGroupArn}', containerName: web, containerPort: 80 }] }",
                    json!([["e2e-service-amber", "web", 80]]),
                ),
            )
            .removed(json!([])),
            Edit::in_place(
                "/grace",
                (
                    "{ taskDefinition: '${ports.arn}', healthCheckGracePeriodSeconds: 30, loadBalancers: [{ targetGroupArn: \
                     '${on80.defaultActions[0].targetGroupArn}', containerName: web, containerPort: 80 }] }",
                    30,
                ),
                (
                    "{ taskDefinition: '${ports.arn}', healthCheckGracePeriodSeconds: 60, loadBalancers: [{ targetGroupArn: \
                     '${on80.defaultActions[0].targetGroupArn}', containerName: web, containerPort: 80 }] }",
                    60,
                ),
            )
            .removed(0),
            Edit::in_place(
                "/platform",
                ("platformVersion: 1.4.0", "1.4.0"),
                ("platformVersion: LATEST", "LATEST"),
            )
            .removed("LATEST"),
            Edit::in_place(
                "/subnets",
                ("networkConfiguration: { subnets: ['${left.id}'] }", 1),
                (
                    "networkConfiguration: { subnets: ['${left.id}', '${right.id}'] }",
                    2,
                ),
            )
            .removed(1),
            Edit::in_place(
                "/public",
                (
                    "networkConfiguration: { subnets: ['${left.id}'], assignPublicIp: false }",
                    "DISABLED",
                ),
                (
                    "networkConfiguration: { subnets: ['${left.id}'], assignPublicIp: true }",
                    "ENABLED",
                ),
            )
            .removed("DISABLED"),
            Edit::in_place(
                "/breaker",
                (
                    "deploymentCircuitBreaker: { enable: true, rollback: false }",
                    json!([true, false]),
                ),
                (
                    "deploymentCircuitBreaker: { enable: true, rollback: true }",
                    json!([true, true]),
                ),
            )
            .removed(json!([false, false])),
            Edit::in_place(
                "/most",
                ("deploymentMaximumPercent: 150", 150),
                ("deploymentMaximumPercent: 250", 250),
            )
            .removed(200),
            Edit::in_place(
                "/least",
                ("deploymentMinimumHealthyPercent: 50", 50),
                ("deploymentMinimumHealthyPercent: 75", 75),
            )
            .removed(100),
            Edit::in_place(
                "/commands",
                ("enableExecuteCommand: false", false),
                ("enableExecuteCommand: true", true),
            )
            .removed(false),
            Edit::in_place(
                "/managed",
                ("enableEcsManagedTags: false", false),
                ("enableEcsManagedTags: true", true),
            )
            .removed(false),
            Edit::in_place(
                "/propagates",
                ("propagateTags: SERVICE", "SERVICE"),
                ("propagateTags: TASK_DEFINITION", "TASK_DEFINITION"),
            )
            .removed("NONE"),
        ]
    }

    fn without_a_row(&self) -> &'static [(&'static str, &'static str)] {
        &[
            (
                "forceNewDeployment",
                "nothing AWS keeps: `an_update_deploys_by_force`",
            ),
            (
                "waitForSteadyState",
                "nothing AWS keeps: `what_never_gets_steady_need_not_be_waited_for`",
            ),
        ]
    }

    async fn look(&self, sdk: &Sdk, id: &str) -> Option<Json> {
        let asked = sdk
            .ecs
            .describe_services()
            .cluster(cluster_of(id)?)
            .services(id)
            .send();
        let answer = asked.await.ok()?;
        let service = answer
            .services()
            .first()
            .filter(|service| service.status() == Some("ACTIVE"))?;
        let configuration = service.deployment_configuration();
        let breaker = configuration.and_then(|one| one.deployment_circuit_breaker());
        let network = service
            .network_configuration()
            .and_then(|one| one.awsvpc_configuration());
        Some(json!({
            "name": service.service_name(),
            "cluster": service.cluster_arn().and_then(|arn| arn.rsplit('/').next()),
            "task": service
                .task_definition()
                .and_then(|arn| arn.rsplit('/').next())
                .and_then(|revision| revision.split(':').next()),
            "launch": service.launch_type().map(|one| one.as_str()),
            "groups": service
                .load_balancers()
                .iter()
                .map(|one| json!([
                    one.target_group_arn().and_then(|arn| arn.rsplit('/').nth(1)),
                    one.container_name(),
                    one.container_port(),
                ]))
                .collect::<Vec<_>>(),
            "grace": service.health_check_grace_period_seconds(),
            "count": service.desired_count(),
            "platform": service.platform_version().unwrap_or("LATEST"),
            "subnets": network.map(|one| one.subnets().len()),
            "public": network.and_then(|one| one.assign_public_ip()).map(|one| one.as_str()),
            "breaker": [
                breaker.is_some_and(|one| one.enable()),
                breaker.is_some_and(|one| one.rollback()),
            ],
            "most": configuration.and_then(|one| one.maximum_percent()),
            "least": configuration.and_then(|one| one.minimum_healthy_percent()),
            "commands": service.enable_execute_command(),
            "managed": service.enable_ecs_managed_tags(),
            "propagates": service.propagate_tags().map_or("NONE", |one| one.as_str()),
        }))
    }

    async fn vanish(&self, sdk: &Sdk, id: &str) -> bool {
        let cluster = cluster_of(id).expect("an ARN of a service");
        sdk.ecs
            .delete_service()
            .cluster(cluster)
            .service(id)
            .force(true)
            .send()
            .await
            .is_ok()
    }

    async fn drift(&self, sdk: &Sdk, id: &str) -> bool {
        let cluster = cluster_of(id).expect("an ARN of a service");
        sdk.ecs
            .update_service()
            .cluster(cluster)
            .service(id)
            .enable_execute_command(true)
            .send()
            .await
            .is_ok()
    }

    async fn foreign_tag(&self, sdk: &Sdk, id: &str, set: bool) -> Option<bool> {
        sdk.foreign_tag(id, set).await
    }
}

#[tokio::test]
async fn service() {
    check("e2e-ecs-service", &Service).await;
}

/// A small stack with one service: more properties of it, and the tag of its image.
fn one_service(properties: &str, image: &str) -> String {
    format!(
        "\
vpc: {{ type: aws:ec2:Vpc, properties: {{ cidrBlock: 10.0.0.0/16 }} }}
subnet: {{ type: aws:ec2:Subnet, properties: {{ vpcId: '${{vpc.id}}', cidrBlock: 10.0.0.0/24, availabilityZone: eu-south-2a }} }}
cluster: {{ type: aws:ecs:Cluster }}
task: {{ type: aws:ecs:TaskDefinition, properties: {{ family: e2e-{image}, cpu: 256, memory: 512, requiresCompatibilities: [FARGATE], containerDefinitions: [{{ name: web, image: 'public.ecr.aws/nginx/nginx:{image}' }}] }} }}
tested: {{ type: aws:ecs:Service, properties: {{ cluster: '${{cluster.arn}}', taskDefinition: '${{task.arn}}', launchType: FARGATE, desiredCount: 1, networkConfiguration: {{ subnets: ['${{subnet.id}}'] }}, {properties} }} }}"
    )
}

/// The id of the deployment in force.
async fn deployment(world: &World, resources: &str) -> String {
    let id = world.id(resources, "tested").await;
    let asked = world
        .sdk
        .ecs
        .describe_services()
        .cluster(cluster_of(&id).expect("an ARN of a service"))
        .services(&id)
        .send();
    let answer = asked.await.expect("ECS answers");
    let service = answer.services().first().expect("the service is there");
    let primary = service
        .deployments()
        .iter()
        .find(|deployment| deployment.status() == Some("PRIMARY"));
    let id = primary.and_then(|deployment| deployment.id());
    id.expect("a deployment is in force").to_owned()
}

#[tokio::test]
async fn an_update_deploys_by_force() {
    let world = World::new("e2e-ecs-force").await;
    let first = one_service("enableEcsManagedTags: false", "forced");
    world.up(&first).await;
    let before = deployment(&world, &first).await;

    let second = one_service("enableEcsManagedTags: true", "forced");
    world.up(&second).await;
    let unforced = deployment(&world, &second).await;
    assert_eq!(unforced, before, "tasks are made of the same");

    let third = one_service("forceNewDeployment: true", "forced");
    world.up(&third).await;
    assert_ne!(deployment(&world, &third).await, before);
    world.destroy(&third).await;
}

/// Puts an image into a repository under all these tags.
async fn push(world: &World, repository: &str, size: u32, tags: &[&str]) {
    let manifest = json!({
        "schemaVersion": 2,
        "mediaType": "application/vnd.docker.distribution.manifest.v2+json",
        "config": { "mediaType": "application/vnd.docker.container.image.v1+json", "size": size, "digest": "sha256:44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a" },
        "layers": [],
    });
    for tag in tags {
        world
            .sdk
            .ecr
            .put_image()
            .repository_name(repository)
            .image_tag(*tag)
            .image_manifest(manifest.to_string())
            .send()
            .await
            .expect("an image can be put");
    }
}

/// The deployments of the service of that name in the cluster of that name: id, status and how far it got.
async fn deployments(world: &World, name: &str) -> Vec<[String; 3]> {
    let asked = world
        .sdk
        .ecs
        .describe_services()
        .cluster(name)
        .services(name)
        .send();
    let answer = asked.await.expect("ECS answers");
    let service = answer.services().first().expect("the service is there");
    let told = service.deployments().iter().map(|deployment| {
        [
            deployment.id(),
            deployment.status(),
            deployment.rollout_state().map(|state| state.as_str()),
        ]
        .map(|text| text.unwrap_or_default().to_owned())
    });
    told.collect()
}

/// The image is fixed and pushed under the same tag, so that nothing differs that AWS could be asked about.
#[tokio::test]
async fn a_first_deployment_that_failed_is_tried_again_by_the_next_run() {
    // Elsewhere there is no such image.
    if std::env::var_os("AWS_ENDPOINT_URL").is_some() {
        return;
    }
    let name = "e2e-ecs-again";
    let world = World::new(name).await;
    let repository = format!(
        "repository: {{ type: aws:ecr:Repository, properties: {{ name: {name}, forceDelete: true }} }}\n"
    );
    world.up(&repository).await;
    push(&world, name, 1, &["latest", "unhealthy"]).await;
    let breaker =
        format!("name: {name}, deploymentCircuitBreaker: {{ enable: true, rollback: true }}");
    let service = one_service(&breaker, "again")
        .replace(
            "public.ecr.aws/nginx/nginx:again",
            "${repository.repositoryUrl}:latest",
        )
        .replace(
            "cluster: { type: aws:ecs:Cluster }",
            &format!("cluster: {{ type: aws:ecs:Cluster, properties: {{ name: {name} }} }}"),
        );
    let resources = repository + &service;
    let ran = world.run(world.preview(&resources).await).await;
    assert!(!matches!(ran.outcome, Outcome::Done(_)), "{ran:#?}");
    let [[failed, status, state]] = &deployments(&world, name).await[..] else {
        panic!("there is one deployment");
    };
    assert_eq!([status.as_str(), state], ["PRIMARY", "FAILED"]);

    // Nothing is fixed yet: the run tries once more, and no more than once.
    let plan = world.preview(&resources).await;
    let because = plan.steps.iter().map(|step| step.because.to_string());
    let because: Vec<_> = because.collect();
    let expected = format!(
        "unfinished: deployment {failed} failed: ECS deployment circuit breaker: tasks failed to start; a new one is due"
    );
    assert_eq!(because, [expected]);
    let ran = world.run(plan).await;
    assert!(!matches!(ran.outcome, Outcome::Done(_)), "{ran:#?}");
    let now = deployments(&world, name).await;
    assert_eq!(now.len(), 2, "{now:?}");
    assert_eq!(now[1][0], *failed);

    push(&world, name, 2, &["latest"]).await;
    world.up(&resources).await;
    let [[mended, _, state]] = &deployments(&world, name).await[..] else {
        panic!("the earlier ones are gone");
    };
    assert_eq!(state, "COMPLETED");
    assert!(now.iter().all(|[id, ..]| id != mended), "{now:?}");
    let plan = world.preview(&resources).await;
    assert!(plan.is_empty(), "{:#?}", plan.steps);
    world.destroy(&resources).await;
}

/// A number of tasks starts no deployment by itself, and only in one does the circuit breaker count.
#[tokio::test]
async fn the_first_tasks_of_a_service_are_a_deployment() {
    let world = World::new("e2e-ecs-starts").await;
    let started = one_service("enableExecuteCommand: false", "starts");
    let stopped = started.replace("desiredCount: 1", "desiredCount: 0");
    world.up(&stopped).await;
    let before = deployment(&world, &stopped).await;
    world.up(&started).await;
    let first = deployment(&world, &started).await;
    assert_ne!(first, before);
    let more = started.replace("desiredCount: 1", "desiredCount: 2");
    world.up(&more).await;
    assert_eq!(deployment(&world, &more).await, first);
    world.up(&stopped).await;
    assert_eq!(deployment(&world, &stopped).await, first);
    world.destroy(&started).await;
}

#[tokio::test]
async fn a_service_that_cannot_start_is_given_up() {
    // Elsewhere there is no such image.
    if std::env::var_os("AWS_ENDPOINT_URL").is_some() {
        return;
    }
    let world = World::new("e2e-ecs-stops").await;
    let breaker = "deploymentCircuitBreaker: { enable: true, rollback: false }";
    let started = one_service(breaker, "unhealthy-starts");
    world
        .up(&started.replace("desiredCount: 1", "desiredCount: 0"))
        .await;
    let ran = world.run(world.preview(&started).await).await;
    assert!(!matches!(ran.outcome, Outcome::Done(_)), "{ran:#?}");
    world.destroy(&started).await;
}

#[tokio::test]
async fn what_never_gets_steady_need_not_be_waited_for() {
    let world = World::new("e2e-ecs-unsteady").await;
    // `World::up` expects success.
    let unsteady = one_service("waitForSteadyState: false", "unhealthy");
    world.up(&unsteady).await;
    world.destroy(&unsteady).await;
}

#[tokio::test]
async fn the_count_of_autoscaling_is_left_alone() {
    let world = World::new("e2e-ecs-scaled").await;
    let scaled = one_service("desiredCountRange: { min: 1, max: 4 }", "scaled");
    world.up(&scaled).await;
    let id = world.id(&scaled, "tested").await;
    for (count, stays) in [(3, true), (9, false)] {
        world
            .sdk
            .ecs
            .update_service()
            .cluster(cluster_of(&id).expect("an ARN of a service"))
            .service(&id)
            .desired_count(count)
            .send()
            .await
            .expect("the service can be scaled");
        let plan = world.preview(&scaled).await;
        assert_eq!(plan.is_empty(), stays, "{count}: {:#?}", plan.steps);
    }
    world.destroy(&scaled).await;
}

/// ECS knows a role seconds after IAM has made it, and three tasks in a row that cannot be started end a deployment.
#[tokio::test]
async fn a_role_that_ecs_does_not_know_yet_takes_one_more_deployment_and_no_more_runs() {
    // Elsewhere roles take their own time.
    if std::env::var_os("AWS_ENDPOINT_URL").is_some() {
        return;
    }
    let name = "e2e-ecs-assumed-late";
    let world = World::new(name).await;
    for (case, breaker) in [
        ("broken", "{ enable: true, rollback: true }"),
        ("unbroken", "{ enable: false, rollback: false }"),
    ] {
        let own = format!("{name}-{case}");
        let role = format!(
            "role: {{ type: aws:iam:Role, properties: {{ name: {own}, assumeRolePolicy: {{ Version: '2012-10-17', Statement: [{{ Effect: Allow, Principal: {{ Service: ecs-tasks.amazonaws.com }}, Action: 'sts:AssumeRole' }}] }} }} }}\n"
        );
        let properties = format!("name: {own}, deploymentCircuitBreaker: {breaker}");
        let service = one_service(&properties, case)
            .replace(
                "requiresCompatibilities",
                "taskRoleArn: '${role.arn}', requiresCompatibilities",
            )
            .replace(
                "cluster: { type: aws:ecs:Cluster }",
                &format!("cluster: {{ type: aws:ecs:Cluster, properties: {{ name: {own} }} }}"),
            );
        let resources = role + &service;
        world.up(&resources).await;
        let [[_, status, state]] = &deployments(&world, &own).await[..] else {
            panic!("the one that failed is gone");
        };
        assert_eq!([status.as_str(), state], ["PRIMARY", "COMPLETED"], "{case}");
        let asked = world.sdk.ecs.describe_services();
        let answer = asked.cluster(&own).services(&own).send().await;
        let answer = answer.expect("ECS answers");
        let mut events = answer.services()[0].events().iter();
        let refused = events.any(|event| {
            event
                .message()
                .is_some_and(|message| message.contains("unable to assume the role"))
        });
        assert!(refused, "{case}: the first deployment had no role");
        let plan = world.preview(&resources).await;
        assert!(plan.is_empty(), "{case}: {:#?}", plan.steps);
        world.destroy(&resources).await;
    }
}

/// AWS copies them to each task, so that the tag index names tasks as the service's URN.
#[tokio::test]
async fn tasks_bear_the_tags_of_their_service_and_are_no_object_of_the_stack() {
    // Elsewhere the index is minutes behind.
    if std::env::var_os("AWS_ENDPOINT_URL").is_some() {
        return;
    }
    let world = World::new("e2e-ecs-propagated").await;
    let first = one_service("propagateTags: NONE", "propagated");
    world.up(&first).await;
    let before = deployment(&world, &first).await;
    // In place: tasks that start later have them.
    let resources = one_service("propagateTags: SERVICE", "propagated");
    world.up(&resources).await;
    assert_eq!(deployment(&world, &resources).await, before);
    let id = world.id(&resources, "tested").await;
    let cluster = cluster_of(&id).expect("an ARN of a service");
    let restart = world.sdk.ecs.update_service().cluster(cluster).service(&id);
    let restart = restart.force_new_deployment(true).send().await;
    restart.expect("ECS answers");
    assert!(world.preview(&resources).await.is_empty());

    let stack = async || {
        let filter = aws_sdk_resourcegroupstagging::types::TagFilter::builder()
            .key("fde:stack")
            .values(world.stack_tag())
            .build();
        let asked = world.sdk.tagging.get_resources().tag_filters(filter);
        let answer = asked.send().await.expect("the tagging API answers");
        let arns = answer.resource_tag_mapping_list().iter();
        let arns = arns.filter_map(|one| one.resource_arn().map(str::to_owned));
        arns.collect::<Vec<_>>()
    };
    let is_task = |arn: &String| arn.contains(":task/");
    let tasks: Vec<String> = stack().await.into_iter().filter(is_task).collect();
    assert!(!tasks.is_empty());
    let asked = world.sdk.ecs.describe_tasks().cluster(cluster);
    let asked = asked
        .tasks(&tasks[0])
        .include(aws_sdk_ecs::types::TaskField::Tags);
    let answer = asked.send().await.expect("ECS answers");
    let urn = answer.tasks()[0].tags().iter();
    let urn = urn.filter(|tag| tag.key() == Some("fde:urn"));
    let urn: Vec<_> = urn.filter_map(|tag| tag.value()).collect();
    assert!(urn[0].ends_with("::aws:ecs:Service::tested"), "{urn:?}");

    // We do not count them as the stack's, neither while they run nor once they have stopped.
    let index = world.index().await;
    assert!(index.iter().any(|entry| entry.arn == id));
    assert!(index.iter().all(|entry| !is_task(&entry.arn)), "{index:#?}");
    world.destroy(&resources).await;
    assert!(
        stack().await.iter().any(is_task),
        "stopped tasks stay listed"
    );
    let index = world.index().await;
    assert!(index.iter().all(|entry| !is_task(&entry.arn)), "{index:#?}");
    assert!(world.preview("").await.is_empty());
}

/// An unchanged file that meets a new version: the old file is what the section decided then.
#[tokio::test]
async fn safer_defaults_of_a_service_are_told_and_can_be_set_back() {
    let name = "e2e-ecs-defaults";
    let world = World::new(name).await;
    let program = Program::of(&world);
    let file = |keys: &str| {
        format!(
            "name: {name}\nenvironment: dev\nregion: {REGION}\nnetwork: {{ natGateways: none }}\n\
             services: {{ api: {{ repository: {name}, logGroup: /e2e/{name}{keys} }} }}\n"
        )
    };
    let run = |file: &str, command: &str, arguments: &[&str]| {
        let ended = program.run_file(file, command, arguments);
        assert_eq!(ended.status, Some(0), "{}", ended.screen);
        ended
    };
    let mutability = async || {
        let asked = world.sdk.ecr.describe_repositories().repository_names(name);
        let answer = asked.send().await.expect("ECR answers");
        let repository = answer.repositories().first().expect("it is there");
        let mutability = repository.image_tag_mutability();
        mutability.map(|one| one.as_str().to_owned())
    };
    let before = file(", imageTags: mutable, propagateTags: false");
    let silent = file("");
    run(&before, "up", &["--yes"]);
    assert_eq!(mutability().await.as_deref(), Some("MUTABLE"));

    // A line that the author takes out is no news to them.
    let shown = run(&silent, "preview", &[]);
    assert!(!shown.stdout.contains("default now"), "{}", shown.screen);
    world.was_made_by_an_earlier_version().await;
    let shown = run(&silent, "preview", &[]);
    let words: Vec<&str> = shown.stdout.split_whitespace().collect();
    let words = words.join(" ");
    for told in [
        "imageTagMutability \"IMMUTABLE_WITH_EXCLUSION\" is the default now; `services.api.imageTags: mutable` in the file keeps what it was",
        "propagateTags \"SERVICE\" is the default now; `services.api.propagateTags: false` in the file keeps what it was",
    ] {
        assert!(words.contains(told), "{told}\n{}", shown.screen);
    }
    run(&before, "preview", &["--expect-no-changes"]);

    run(&silent, "up", &["--yes"]);
    let safer = "IMMUTABLE_WITH_EXCLUSION";
    assert_eq!(mutability().await.as_deref(), Some(safer));
    run(&silent, "preview", &["--expect-no-changes"]);
    run(&silent, "destroy", &["--yes"]);
}
