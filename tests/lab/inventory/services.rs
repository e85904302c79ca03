//! Containers, their images, their load balancing and their scaling.

use std::collections::BTreeMap;

use aws_sdk_applicationautoscaling::types::ServiceNamespace;
use aws_sdk_ecs::types::{ClusterField, TaskDefinitionField};

use super::reader::{ANSWERS, Thing, if_there, of_each};
use crate::sdk::Sdk;

pub async fn containers(sdk: &Sdk) -> Vec<Thing> {
    let (mut things, definitions) = tokio::join!(clusters(sdk), task_definitions(sdk));
    things.extend(definitions);
    things
}

async fn clusters(sdk: &Sdk) -> Vec<Thing> {
    let arns = sdk.ecs.list_clusters().send().await.expect(ANSWERS);
    let clusters = sdk.ecs.describe_clusters().set_clusters(arns.cluster_arns);
    let clusters = clusters.include(ClusterField::Settings);
    let clusters = clusters.send().await.expect(ANSWERS);
    of_each(clusters.clusters(), async |cluster| {
        let arn = cluster.cluster_arn();
        // The content of a cluster comes and goes.
        let mut whole = cluster.clone();
        whole.running_tasks_count = 0;
        whole.pending_tasks_count = 0;
        let mut things = vec![Thing::new("cluster", arn, &whole)];
        let named = sdk.ecs.list_services().set_cluster(arn.map(str::to_owned));
        let named = named.send().await.expect(ANSWERS);
        // This many can be described at once.
        for names in named.service_arns().chunks(10) {
            let services = sdk.ecs.describe_services();
            let services = services.set_cluster(arn.map(str::to_owned));
            let services = services.set_services(Some(names.to_vec())).send().await;
            for service in services.expect(ANSWERS).services() {
                // Its tasks progress, and it reports that whenever it is read.
                let mut whole = service.clone();
                (whole.running_count, whole.pending_count) = (0, 0);
                (whole.events, whole.deployments) = (None, None);
                let thing = Thing::new("service", service.service_arn(), &whole);
                things.push(thing.within([arn]));
            }
        }
        things
    })
    .await
}

async fn task_definitions(sdk: &Sdk) -> Vec<Thing> {
    let arns = sdk.ecs.list_task_definitions().send().await.expect(ANSWERS);
    of_each(arns.task_definition_arns(), async |arn| {
        let definition = sdk.ecs.describe_task_definition().task_definition(arn);
        let definition = definition.include(TaskDefinitionField::Tags).send().await;
        let definition = definition.expect(ANSWERS);
        let tags = definition.tags().iter();
        let tags = tags.filter_map(|tag| Some((tag.key()?.to_owned(), tag.value()?.to_owned())));
        let tags = tags.collect();
        let thing = Thing::new("task definition", arn.as_str(), &definition.task_definition);
        vec![thing.tags(tags)]
    })
    .await
}

pub async fn repositories(sdk: &Sdk) -> Vec<Thing> {
    let repositories = sdk.ecr.describe_repositories().send().await;
    of_each(
        repositories.expect(ANSWERS).repositories(),
        async |repository| {
            let arn = repository.repository_arn();
            let mut things = vec![Thing::new("repository", arn, repository)];
            let policy = sdk.ecr.get_lifecycle_policy();
            let policy = policy.set_repository_name(repository.repository_name.clone());
            if let Some(policy) = if_there(policy.send().await) {
                let id = format!("lifecycle of {}", arn.unwrap_or_default());
                let thing = Thing::new("lifecycle policy", id.as_str(), &"")
                    .document("policy", policy.lifecycle_policy_text())
                    .within([arn]);
                things.push(thing);
            }
            things
        },
    )
    .await
}

pub async fn balancers(sdk: &Sdk) -> Vec<Thing> {
    let (groups, balancers) = tokio::join!(
        sdk.elbv2.describe_target_groups().send(),
        sdk.elbv2.describe_load_balancers().send(),
    );
    let (groups, balancers) = (groups.expect(ANSWERS), balancers.expect(ANSWERS));
    let groups = of_each(groups.target_groups(), async |group| {
        let arn = group.target_group_arn();
        let attributes = sdk.elbv2.describe_target_group_attributes();
        let attributes = attributes.set_target_group_arn(arn.map(str::to_owned));
        let attributes = attributes.send().await.expect(ANSWERS);
        let attributes = attributes.attributes().iter();
        let attributes = attributes.filter_map(|one| Some((one.key()?, one.value()?)));
        let attributes: BTreeMap<&str, &str> = attributes.collect();
        let balancers = group.load_balancer_arns().iter();
        let thing = Thing::new("target group", arn, &(group, attributes));
        vec![thing.within(balancers.map(|arn| Some(arn.as_str())))]
    });
    let balancers = of_each(balancers.load_balancers(), async |balancer| {
        let arn = balancer.load_balancer_arn();
        let attributes = sdk.elbv2.describe_load_balancer_attributes();
        let attributes = attributes.set_load_balancer_arn(arn.map(str::to_owned));
        let (attributes, listeners) = tokio::join!(attributes.send(), listeners(sdk, arn));
        let attributes = attributes.expect(ANSWERS);
        let attributes = attributes.attributes().iter();
        let attributes = attributes.filter_map(|one| Some((one.key()?, one.value()?)));
        let attributes: BTreeMap<&str, &str> = attributes.collect();
        let thing = Thing::new("load balancer", arn, &(balancer, attributes));
        let mut things = vec![thing.within([balancer.vpc_id()])];
        things.extend(listeners);
        things
    });
    let (mut things, balancers) = tokio::join!(groups, balancers);
    things.extend(balancers);
    things
}

async fn listeners(sdk: &Sdk, balancer: Option<&str>) -> Vec<Thing> {
    let listeners = sdk.elbv2.describe_listeners();
    let listeners = listeners.set_load_balancer_arn(balancer.map(str::to_owned));
    let listeners = listeners.send().await.expect(ANSWERS);
    of_each(listeners.listeners(), async |listener| {
        let own = listener.listener_arn();
        let thing = Thing::new("listener", own, listener)
            .key(listener.port().unwrap_or_default())
            .within([balancer]);
        let mut things = vec![thing];
        let rules = sdk.elbv2.describe_rules();
        let rules = rules.set_listener_arn(own.map(str::to_owned)).send().await;
        for rule in rules.expect(ANSWERS).rules() {
            let thing = Thing::new("rule", rule.rule_arn(), rule)
                .key(rule.priority().unwrap_or_default())
                .within([own]);
            things.push(thing);
        }
        things
    })
    .await
}

pub async fn scaling(sdk: &Sdk) -> Vec<Thing> {
    let (ecs, scaling) = (ServiceNamespace::Ecs, &sdk.autoscaling);
    let targets = scaling.describe_scalable_targets();
    // Ten a page.
    let policies = scaling
        .describe_scaling_policies()
        .service_namespace(ecs.clone())
        .into_paginator()
        .items()
        .send();
    let (targets, policies) = tokio::join!(
        targets.service_namespace(ecs).send(),
        policies.collect::<Result<Vec<_>, _>>(),
    );
    let mut things = Vec::new();
    for target in targets.expect(ANSWERS).scalable_targets() {
        let thing = Thing::new("scalable target", target.resource_id(), target);
        things.push(thing.indexed(target.scalable_target_arn()));
    }
    for policy in &policies.expect(ANSWERS) {
        let thing = Thing::new("scaling policy", policy.policy_arn(), policy)
            .key(policy.policy_name())
            .within([Some(policy.resource_id())]);
        things.push(thing);
    }
    things
}
