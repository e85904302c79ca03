//! Each step sends the inputs of the plan: a preview shows what runs.

use serde_json::json;

use aws_sdk_ecs::types::{ContainerDefinition, TaskDefinition};

use crate::common::commands::REFUSED;
use crate::common::program::{Ended, Program};
use crate::common::showing::Showing;
use crate::common::{REGION, World};

/// A platform with one service, as small as it gets.
fn platform(name: &str, service: &str) -> String {
    format!(
        "name: {name}\nenvironment: dev\nregion: {REGION}\nnetwork: {{ natGateways: none }}\n\
         services: {{ api: {{ port: 8000, repository: {name}, logGroup: /e2e/{name}{service} }} }}\n\
         loadBalancer: {{ accessLogs: {{ enabled: false }} }}\n"
    )
}

fn succeeded(ended: Ended) -> Ended {
    assert_eq!(ended.status, Some(0), "{}", ended.screen);
    ended
}

async fn push(world: &World, repository: &str, tag: &str) {
    let manifest = json!({
        "schemaVersion": 2,
        "mediaType": "application/vnd.docker.distribution.manifest.v2+json",
        "config": { "mediaType": "application/vnd.docker.container.image.v1+json", "size": 7, "digest": "sha256:44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a" },
        "layers": [],
    });
    let put = world.sdk.ecr.put_image().repository_name(repository);
    let put = put.image_tag(tag).image_manifest(manifest.to_string());
    put.send().await.expect("an image can be put");
}

/// The stack's only service, by cluster and ARN, and the revision that it runs.
async fn service(world: &World) -> (String, String, TaskDefinition) {
    let ecs = &world.sdk.ecs;
    let services = world.sdk.tagged(&world.stack_tag()).await;
    let mut services = services.into_iter();
    let service = services.find(|arn| arn.contains(":service/"));
    let service = service.expect("the service is tagged");
    let cluster = service.split('/').nth(1).expect("an ARN with its cluster");
    let asked = ecs.describe_services().cluster(cluster).services(&service);
    let answer = asked.send().await.expect("ECS answers");
    let revision = answer.services()[0].task_definition().expect("a revision");
    let asked = ecs.describe_task_definition().task_definition(revision);
    let answer = asked.send().await.expect("ECS answers");
    let definition = answer.task_definition.expect("a definition");
    (cluster.to_owned(), service, definition)
}

/// The container of the revision that the stack's only service runs.
async fn running(world: &World) -> ContainerDefinition {
    let (.., definition) = service(world).await;
    definition.container_definitions()[0].clone()
}

/// `up` of the platform until its service runs the tag `v9` of its own repository.
async fn with_image(program: &Program<'_>, world: &World, name: &str) {
    let file = platform(name, "");
    succeeded(program.run_file(&file, "up", &["--yes"]));
    push(world, name, "latest").await;
    succeeded(program.run_file(&file, "up", &["--yes"]));
    succeeded(program.run_file(&file, "preview", &["--expect-no-changes"]));
    // What is not there yet could not run.
    let set = ["--yes", "--set", "services.api.image=v9"];
    let refused = program.run_file(&file, "up", &set);
    assert_eq!(refused.status, REFUSED, "{}", refused.screen);
    assert_eq!(refused.mutating, [] as [String; 0], "{}", refused.screen);
    push(world, name, "v9").await;
    succeeded(program.run_file(&file, "up", &set));
}

#[tokio::test]
async fn a_new_revision_keeps_the_image_that_the_preview_shows() {
    let _shown = Showing::of("R18", "the image of the preview is registered", 1);
    let name = "e2e-shown-image";
    let world = World::new(name).await;
    let program = Program::of(&world);
    with_image(&program, &world, name).await;
    let edited = platform(name, ", environment: { A: b }");
    let shown = succeeded(program.run_file(&edited, "preview", &["--json"]));
    assert!(!shown.stdout.contains(":latest"), "{}", shown.stdout);
    succeeded(program.run_file(&edited, "up", &["--yes"]));
    let container = running(&world).await;
    let image = container.image().expect("an image");
    assert!(image.ends_with(":v9"), "{image}");
    assert_eq!(container.environment().len(), 1);
    succeeded(program.run_file(&edited, "destroy", &["--yes"]));
}

#[tokio::test]
async fn a_saved_plan_keeps_the_image_that_it_shows() {
    let _shown = Showing::of("R18", "the image of a saved plan is registered", 1);
    let name = "e2e-shown-saved";
    let world = World::new(name).await;
    let program = Program::of(&world);
    with_image(&program, &world, name).await;
    let edited = platform(name, ", environment: { A: b }");
    succeeded(program.run_file(&edited, "preview", &["--save-plan", "plan.json"]));
    succeeded(program.run_words(&["up", "--plan", "plan.json"]));
    let image = running(&world).await.image().map(str::to_owned);
    let image = image.expect("an image");
    assert!(image.ends_with(":v9"), "{image}");
    succeeded(program.run_file(&edited, "destroy", &["--yes"]));
}

#[tokio::test]
async fn changes_are_ignored_from_the_second_run_on() {
    let _shown = Showing::of("R18", "ignored changes are made at first and not again", 1);
    let world = World::new("e2e-shown-ignored").await;
    let file = "vpc:\n  type: aws:ec2:Vpc\n  properties: { cidrBlock: 10.77.0.0/16, enableDnsHostnames: true }\n  \
                options: { ignoreChanges: [enableDnsHostnames] }";
    let hostnames = async |id: &str| {
        let name = aws_sdk_ec2::types::VpcAttributeName::EnableDnsHostnames;
        let asked = world.sdk.ec2.describe_vpc_attribute().vpc_id(id);
        let answer = asked.attribute(name).send().await.expect("EC2 answers");
        let value = answer
            .enable_dns_hostnames()
            .and_then(|value| value.value());
        value.expect("the attribute has a value")
    };
    world.up(file).await;
    let id = world.id(file, "vpc").await;
    assert!(hostnames(&id).await, "the file's value is in force");

    // AWS's default is another, so this is what `ignoreChanges` must leave alone.
    let off = aws_sdk_ec2::types::AttributeBooleanValue::builder().value(false);
    let modify = world.sdk.ec2.modify_vpc_attribute().vpc_id(&id);
    let modify = modify.enable_dns_hostnames(off.build());
    modify.send().await.expect("the attribute can be set");
    world.up(file).await;
    assert!(!hostnames(&id).await, "somebody else's value stays");
    world.destroy(file).await;
}

/// The state after a run that ended between the call that makes a network and the one that sets its attribute.
#[tokio::test]
async fn an_ignored_input_that_a_killed_run_did_not_set_is_set_by_the_next() {
    let _shown = Showing::of("R18", "ignored changes of a killed run", 1);
    let world = World::new("e2e-shown-killed").await;
    let file = "vpc:\n  type: aws:ec2:Vpc\n  properties: { cidrBlock: 10.78.0.0/16, enableDnsHostnames: true }\n  \
                options: { ignoreChanges: [enableDnsHostnames] }";
    let plan = world.preview(file).await;
    let step = &plan.steps[0];
    let (Some(desired), Some(planned)) = (step.desired(), step.comparison()) else {
        panic!("{step:?} makes nothing");
    };
    let catalog = fde_infra::aws::registry::catalog();
    let schema = catalog.get(step.urn.token()).expect("a type");
    let tags = desired.tags_at_creation(schema, &planned.tags, None, None);
    let specification = aws_sdk_ec2::types::TagSpecification::builder()
        .resource_type(aws_sdk_ec2::types::ResourceType::Vpc)
        .set_tags(Some(
            tags.iter()
                .map(|(key, value)| {
                    let tag = aws_sdk_ec2::types::Tag::builder();
                    tag.key(key).value(value).build()
                })
                .collect(),
        ));
    let create = world.sdk.ec2.create_vpc().cidr_block("10.78.0.0/16");
    let create = create.tag_specifications(specification.build());
    let made = create.send().await.expect("a network can be made");
    let id = made.vpc().and_then(|vpc| vpc.vpc_id()).expect("an id");

    world.up(file).await;
    let name = aws_sdk_ec2::types::VpcAttributeName::EnableDnsHostnames;
    let asked = world.sdk.ec2.describe_vpc_attribute().vpc_id(id);
    let answer = asked.attribute(name).send().await.expect("EC2 answers");
    let value = answer
        .enable_dns_hostnames()
        .and_then(|value| value.value());
    assert_eq!(value, Some(true));
    assert!(world.preview(file).await.is_empty());
    world.destroy(file).await;
}

/// The treatment of the running revision's tags by a deploy tool.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Tagging {
    Drops,
    /// GitHub's action does it so from version 1.7 on, and `ecs-deploy --copy-task-definition-tags`.
    Copies,
}

/// Deploys the way a deploy tool does: a revision like the one that runs, with another image, and the service on it.
async fn deploy(world: &World, image: &str, tagging: Tagging) -> String {
    let ecs = &world.sdk.ecs;
    let (cluster, service, runs) = service(world).await;
    let mut container = runs.container_definitions()[0].clone();
    container.image = Some(image.to_owned());
    let register = ecs
        .register_task_definition()
        .family(runs.family().expect("a family"))
        .container_definitions(container)
        .set_cpu(runs.cpu().map(str::to_owned))
        .set_memory(runs.memory().map(str::to_owned))
        .network_mode(runs.network_mode().expect("a mode").clone())
        .set_requires_compatibilities(Some(runs.requires_compatibilities().to_vec()))
        .set_execution_role_arn(runs.execution_role_arn().map(str::to_owned))
        .set_task_role_arn(runs.task_role_arn().map(str::to_owned))
        .set_runtime_platform(runs.runtime_platform().cloned());
    let asked = ecs.describe_task_definition();
    let asked = asked.task_definition(runs.task_definition_arn().expect("an ARN"));
    let asked = asked.include(aws_sdk_ecs::types::TaskDefinitionField::Tags);
    let tags = asked.send().await.expect("ECS answers").tags;
    let register = register.set_tags(tags.filter(|_| tagging == Tagging::Copies));
    let made = register.send().await.expect("a revision can be registered");
    let made = made
        .task_definition()
        .and_then(|made| made.task_definition_arn());
    let made = made.expect("an ARN").to_owned();
    let update = ecs.update_service().cluster(cluster).service(service);
    let update = update.task_definition(&made).send().await;
    update.expect("the service can be updated");
    made
}

#[tokio::test]
async fn what_a_deploy_tool_has_registered_stays_until_the_file_wants_something_else() {
    let _shown = Showing::of("R18", "revisions of deploy tools", 1);
    check_deployed("e2e-shown-deployed", Tagging::Drops).await;
}

/// With our tags on it, it is theirs nevertheless.
#[tokio::test]
async fn what_a_deploy_tool_has_registered_with_our_tags_stays_as_well() {
    let _shown = Showing::of("R18", "revisions of deploy tools that copy tags", 1);
    check_deployed("e2e-shown-copied", Tagging::Copies).await;
}

async fn check_deployed(name: &str, tagging: Tagging) {
    let world = World::new(name).await;
    let program = Program::of(&world);
    let file = platform(name, "");
    succeeded(program.run_file(&file, "up", &["--yes"]));
    push(&world, name, "latest").await;
    succeeded(program.run_file(&file, "up", &["--yes"]));
    let deployed = deploy(&world, "public.ecr.aws/shop/api:v5", tagging).await;

    // The file names no image: what runs is right, tags or not.
    succeeded(program.run_file(&file, "preview", &["--expect-no-changes"]));
    let edited = platform(name, ", environment: { A: b }");
    succeeded(program.run_file(&edited, "up", &["--yes"]));
    let container = running(&world).await;
    assert_eq!(container.image(), Some("public.ecr.aws/shop/api:v5"));
    assert_eq!(container.environment().len(), 1);
    // It is theirs, so it is not deregistered.
    let asked = world
        .sdk
        .ecs
        .describe_task_definition()
        .task_definition(&deployed);
    let answer = asked.send().await.expect("ECS answers");
    let status = answer.task_definition().and_then(|found| found.status());
    assert_eq!(
        status,
        Some(&aws_sdk_ecs::types::TaskDefinitionStatus::Active)
    );
    succeeded(program.run_file(&edited, "preview", &["--expect-no-changes"]));

    // The file names one: the preview says what goes and what comes.
    deploy(&world, "public.ecr.aws/shop/api:v6", tagging).await;
    let pinned = platform(
        name,
        ", image: public.ecr.aws/shop/api:v5, environment: { A: b }",
    );
    let shown = succeeded(program.run_file(&pinned, "preview", &["--json"]));
    for words in ["deployed by others", "api:v6 goes", "api:v5 comes"] {
        assert!(shown.stdout.contains(words), "{words}: {}", shown.stdout);
    }
    succeeded(program.run_file(&pinned, "up", &["--yes"]));
    let container = running(&world).await;
    assert_eq!(container.image(), Some("public.ecr.aws/shop/api:v5"));
    succeeded(program.run_file(&pinned, "destroy", &["--yes"]));
}
