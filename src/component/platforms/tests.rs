//! Platforms that people ask for, each as a stack file: those that can be had are valid, and of the others `validate` says how
//! to do it today.

use expect_test::{Expect, expect};

use super::stack_graph;
use super::testing::{catalog, faults, faults_of, load, with_head};

const PLATFORM: &str = "\
network: {}
services: { web: { port: 3000, default: true } }
loadBalancer: {}
";

fn is_valid(sections: &str) {
    assert_eq!(faults_of(sections), "fine", "{sections}");
}

/// The faults of the platform with more keys of the file, or of its only service.
fn refused(file: &str, service: &str, expected: Expect) {
    let platform = PLATFORM.replace("default: true", &format!("default: true{service}"));
    expected.assert_eq(&faults_of(&format!("{platform}{file}")));
}

#[test]
fn a_worker_and_an_api_share_an_image() {
    for image in [
        "${services.api.image}",
        "${services.api.repositoryUrl}:latest",
    ] {
        is_valid(&format!(
            "network: {{}}
services:
  api: {{ port: 8000, default: true }}
  worker: {{ image: \"{image}\", command: [python, worker.py] }}
loadBalancer: {{}}
"
        ));
    }
}

#[test]
fn services_have_paths_and_hosts_take_a_rule() {
    is_valid(
        "network: {}
services:
  api: { port: 8000, routes: [\"/api/*\", /health] }
  web: { port: 3000, default: true }
loadBalancer: {}
",
    );
    refused(
        "",
        ", routes: [\"admin.example.com/*\"]",
        expect![[r#"
        2:56 route `"admin.example.com/*"`: begins with a host, and a route is a path
            help: take the host out, or declare an `aws:lb:ListenerRule` with a `hostHeader` under `resources:`
    "#]],
    );
    is_valid(
        "network: {}
services:
  admin: { port: 8000, routes: [/admin] }
  web: { port: 3000, default: true }
loadBalancer: {}
resources:
  adminHost:
    type: aws:lb:ListenerRule
    properties:
      listenerArn: ${loadBalancer/httpListener.arn}
      priority: 1000
      conditions: [{ hostHeader: { values: [admin.example.com] } }]
      actions: [{ type: forward, targetGroupArn: \"${loadBalancer/admin/targetGroup.arn}\" }]
",
    );
}

#[test]
fn buckets_and_topics_are_resources_and_queues_come_from_elsewhere() {
    is_valid(&format!(
        "{PLATFORM}resources:
  uploads: {{ type: aws:s3:Bucket }}
  events: {{ type: aws:sns:Topic }}
"
    ));
    is_valid(
        "network: {}
services:
  web:
    port: 3000
    default: true
    environment: { QUEUE_URL: \"https://sqs.eu-south-2.amazonaws.com/123456789012/mail\" }
    permissions: [{ actions: [\"sqs:SendMessage\"], resources: [\"arn:aws:sqs:eu-south-2:123456789012:mail\"] }]
loadBalancer: {}
",
    );
    refused(
        "buckets: { uploads: {} }\n",
        "",
        expect![[r#"
        4:1 unsupported `buckets`: `buckets` is not supported yet
            help: a bucket is an aws:s3:Bucket under `resources:`
    "#]],
    );
    refused(
        "queues: { mail: {} }\n",
        "",
        expect![[r#"
            4:1 unsupported `queues`: `queues` is not supported yet
                help: a queue is an aws-native:sqs:Queue under `resources:`
        "#]],
    );
    refused(
        "resources: { mail: { type: aws:sqs:Queue } }\n",
        "",
        expect![[r#"
            4:28 unknown_type `aws:sqs:Queue`: `aws:sqs:Queue` is not a resource type of fde-infra
                help: declare an `aws-native:sqs:Queue`: what is not written by hand goes through AWS Cloud Control
        "#]],
    );
}

#[test]
fn seven_lines_without_a_database() {
    let text = with_head(
        "network: {}\nservices: { web: { port: 3000 } }\nloadBalancer: {}\nmonitoring: {}\n",
    );
    assert_eq!(text.lines().count(), 7);
    let stack = load(&[("dev.yaml", &text)], &[]);
    let graph = stack.and_then(|stack| stack_graph(&stack, &catalog()));
    let (graph, _) = graph.map_err(|errors| faults(&errors, 3)).unwrap();
    let databases = graph
        .iter()
        .filter(|made| made.urn.token().starts_with("aws:rds:"));
    assert_eq!(databases.count(), 0);
    assert!(graph.len() > 40, "{}", graph.len());
}

#[test]
fn environments_lie_over_a_base() {
    let base = "name: shop\nregion: eu-south-2\nnetwork: {}\nservices: { web: { port: 3000 } }\nloadBalancer: {}\n";
    for (environment, web) in [
        ("dev", "cpu: 256"),
        ("prod", "cpu: 1024, scaling: { min: 4, max: 8 }"),
    ] {
        let text = format!(
            "extends: base.yaml\nenvironment: {environment}\nservices: {{ web: {{ {web} }} }}\n"
        );
        let stack = load(&[("dev.yaml", &text), ("base.yaml", base)], &[]);
        let graph = stack.and_then(|stack| stack_graph(&stack, &catalog()));
        let errors = graph.map_err(|errors| faults(&errors, 0)).err();
        assert_eq!(errors, None, "{environment}");
    }
}

#[test]
fn the_vpc_of_a_customer_takes_raw_resources() {
    let existing = "network: { existing: { vpc: vpc-0a1b2c3d } }\n";
    expect![[r#"
        1:12 unsupported `existing`: `existing` is not supported yet
            help: the section makes a VPC of its own: take the key out, and declare what belongs into another VPC under `resources:`, with the ids of its subnets
    "#]].assert_eq(&faults_of(existing));
    is_valid(
        "resources:
  group:
    type: aws:ec2:SecurityGroup
    properties: { vpcId: vpc-0a1b2c3d4e5f60718, description: of the shop }
  cluster: { type: aws:ecs:Cluster }
  task:
    type: aws:ecs:TaskDefinition
    properties:
      family: shop
      cpu: \"256\"
      memory: \"512\"
      networkMode: awsvpc
      requiresCompatibilities: [FARGATE]
      containerDefinitions: [{ name: web, image: public.ecr.aws/docker/library/nginx:1.27 }]
  web:
    type: aws:ecs:Service
    properties:
      cluster: ${cluster.arn}
      taskDefinition: ${task.arn}
      launchType: FARGATE
      desiredCount: 1
      networkConfiguration: { subnets: [subnet-0a1b2c3d4e5f60718], securityGroups: [\"${group.id}\"] }
",
    );
}

#[test]
fn https_takes_a_certificate_and_a_domain_is_pointed_by_hand() {
    is_valid(&PLATFORM.replace(
        "loadBalancer: {}",
        "loadBalancer: { certificateArn: \"arn:aws:acm:eu-south-2:123456789012:certificate/11111111-2222-3333-4444-555555555555\" }",
    ));
    refused(
        "domain: { name: app.example.com }\n",
        "",
        expect![[r#"
        4:1 unsupported `domain`: `domain` is not supported yet
            help: DNS records are made with another tool: take the key out
    "#]],
    );
    let inside = PLATFORM.replace(
        "loadBalancer: {}",
        "loadBalancer: { domain: app.example.com }",
    );
    expect![[r#"
        3:17 unsupported `domain`: `domain` is not supported yet
            help: certificates and DNS records are not made yet: request the certificate in ACM, set `certificateArn`, and point the domain at the output `loadBalancerDnsName`
    "#]].assert_eq(&faults_of(&inside));
}

#[test]
fn jobs_on_a_schedule_are_made_elsewhere() {
    refused(
        "jobs: { nightly: { schedule: \"cron(0 3 * * ? *)\" } }\n",
        "",
        expect![[r#"
            4:1 unsupported `jobs`: `jobs` is not supported yet
                help: tasks on a schedule are made with another tool: take the key out
        "#]],
    );
    refused(
        "",
        ", schedule: \"cron(0 3 * * ? *)\"",
        expect![[r#"
        2:47 unsupported `schedule`: `schedule` is not supported yet
            help: tasks on a schedule are made with another tool: take the key out
    "#]],
    );
}

#[test]
fn several_containers_are_a_raw_task_definition() {
    refused(
        "",
        ", containers: { proxy: { image: a/b:1 } }",
        expect![[r#"
            2:47 unsupported `containers`: `containers` is not supported yet
                help: a service is one container: take the key out, and for several declare an aws:ecs:TaskDefinition and an aws:ecs:Service under `resources:`
        "#]],
    );
    is_valid(&format!(
        "{PLATFORM}resources:
  task:
    type: aws:ecs:TaskDefinition
    properties:
      family: shop-with-proxy
      cpu: \"256\"
      memory: \"512\"
      networkMode: awsvpc
      requiresCompatibilities: [FARGATE]
      executionRoleArn: ${{services/web/executionRole.arn}}
      containerDefinitions:
        - {{ name: web, image: \"${{services.web.image}}\" }}
        - {{ name: proxy, image: \"public.ecr.aws/docker/library/nginx:1.27\", essential: false }}
  withProxy:
    type: aws:ecs:Service
    properties:
      cluster: ${{services.clusterArn}}
      taskDefinition: ${{task.arn}}
      launchType: FARGATE
      desiredCount: 1
      networkConfiguration: {{ subnets: \"${{network.privateSubnetIds}}\", securityGroups: [\"${{network.ecsSecurityGroupId}}\"] }}
"
    ));
}

#[test]
fn migrations_run_as_the_container_starts() {
    refused(
        "",
        ", beforeDeploy: { command: [alembic, upgrade, head] }",
        expect![[r#"
            2:47 unsupported `beforeDeploy`: `beforeDeploy` is not supported yet
                help: nothing runs before a deployment: take the key out, and run the migration as the container starts, or in the pipeline before `up`
        "#]],
    );
    is_valid(&PLATFORM.replace(
        "default: true",
        "default: true, command: [sh, -c, \"alembic upgrade head && exec uvicorn app:app\"]",
    ));
}
