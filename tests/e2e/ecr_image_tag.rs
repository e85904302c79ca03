//! `aws:ecr:ImageTag`, as the section `services:` makes it: the image that a service runs never expires.

use serde_json::json;

use crate::common::program::{Ended, Program};
use crate::common::{REGION, World};

/// A platform with one service, as small as it gets.
fn platform(name: &str, service: &str) -> String {
    format!(
        "name: {name}\nenvironment: dev\nregion: {REGION}\nnetwork: {{ natGateways: none }}\n\
         services: {{ api: {{ name: {name}, port: 8000, repository: {name}, logGroup: /e2e/{name}{service} }} }}\n\
         loadBalancer: {{ accessLogs: {{ enabled: false }} }}\n"
    )
}

fn succeeded(ended: Ended) -> Ended {
    assert_eq!(ended.status, Some(0), "{}", ended.screen);
    ended
}

/// Puts an image, told from others by its number, under a tag, and returns its digest.
async fn push(world: &World, repository: &str, tag: &str, number: u32) -> String {
    let digest = format!("sha256:{number:064x}");
    let manifest = json!({
        "schemaVersion": 2,
        "mediaType": "application/vnd.docker.distribution.manifest.v2+json",
        "config": { "mediaType": "application/vnd.docker.container.image.v1+json", "size": number, "digest": digest },
        "layers": [],
    });
    let put = world.sdk.ecr.put_image().repository_name(repository);
    let put = put.image_tag(tag).image_manifest(manifest.to_string());
    let put = put.image_digest(&digest).send().await;
    put.expect("an image can be put");
    digest
}

/// The tags of the images in a repository, by digest and in order; untagged ones have an empty tag.
async fn images(world: &World, repository: &str) -> Vec<(String, String)> {
    let asked = world.sdk.ecr.list_images().repository_name(repository);
    let answer = asked.send().await.expect("ECR answers");
    let all = answer.image_ids().iter().map(|id| {
        let text = |text: Option<&str>| text.unwrap_or_default().to_owned();
        (text(id.image_tag()), text(id.image_digest()))
    });
    let mut all: Vec<_> = all.collect();
    all.sort();
    all
}

/// The digest of the image that is kept.
async fn kept(world: &World, repository: &str) -> Option<String> {
    let all = images(world, repository).await;
    let mut kept = all.into_iter().filter(|(tag, _)| tag == "fde-live-api");
    kept.next().map(|(_, digest)| digest)
}

/// The stack's only service, by ARN.
async fn service(world: &World) -> Option<String> {
    let services = world.sdk.tagged(&world.stack_tag()).await;
    let mut services = services.into_iter();
    services.find(|arn| arn.contains(":service/"))
}

/// The number of tasks that the service is to run.
async fn desired(world: &World) -> i32 {
    let service = service(world).await.expect("the service is tagged");
    let cluster = service.split('/').nth(1).expect("an ARN with its cluster");
    let asked = world.sdk.ecs.describe_services();
    let answer = asked.cluster(cluster).services(&service).send().await;
    answer.expect("ECS answers").services()[0].desired_count()
}

/// The permissions of the role with which the service's tasks are started.
async fn execution_policies(world: &World) -> String {
    let service = service(world).await.expect("the service is tagged");
    let cluster = service.split('/').nth(1).expect("an ARN with its cluster");
    let asked = world.sdk.ecs.describe_services();
    let answer = asked.cluster(cluster).services(&service).send().await;
    let answer = answer.expect("ECS answers");
    let revision = answer.services()[0].task_definition().expect("a revision");
    let asked = world.sdk.ecs.describe_task_definition();
    let answer = asked.task_definition(revision).send().await;
    let answer = answer.expect("ECS answers");
    let role = answer
        .task_definition()
        .and_then(|found| found.execution_role_arn());
    let role = role.and_then(|arn| arn.rsplit('/').next()).expect("a role");
    let iam = &world.sdk.iam;
    let listed = iam.list_role_policies().role_name(role).send().await;
    let mut documents = String::new();
    for name in listed.expect("IAM answers").policy_names() {
        let asked = iam.get_role_policy().role_name(role).policy_name(name);
        let answer = asked.send().await.expect("IAM answers");
        documents += &answer.policy_document().replace("%3A", ":");
    }
    documents
}

/// Takes images out of the repository.
async fn delete(world: &World, repository: &str, digests: &[&str]) {
    let ids = digests.iter().map(|digest| {
        let id = aws_sdk_ecr::types::ImageIdentifier::builder();
        id.image_digest(*digest).build()
    });
    let gone = world.sdk.ecr.batch_delete_image();
    let gone = gone
        .repository_name(repository)
        .set_image_ids(Some(ids.collect()));
    gone.send().await.expect("images can be deleted");
}

/// Another deployment of the image that the service's revision names, as people make it by hand, until it is complete.
async fn deploy_again(world: &World) {
    let service = service(world).await.expect("the service is tagged");
    let cluster = service.split('/').nth(1).expect("an ARN with its cluster");
    let ecs = &world.sdk.ecs;
    let again = ecs.update_service().cluster(cluster).service(&service);
    let again = again.force_new_deployment(true).send().await;
    again.expect("a deployment can be forced");
    for _ in 0..10 {
        let asked = ecs.describe_services().cluster(cluster).services(&service);
        let answer = asked.send().await.expect("ECS answers");
        let mut deployments = answer.services()[0].deployments().iter();
        if deployments.all(|one| {
            one.rollout_state()
                .is_some_and(|state| state.as_str() == "COMPLETED")
        }) {
            return;
        }
    }
    panic!("the deployment is not complete");
}

#[tokio::test]
async fn the_image_that_runs_is_kept_whatever_its_tag_does() {
    let name = "e2e-kept-image";
    let world = World::new(name).await;
    let program = Program::of(&world);
    let file = platform(name, "");
    let unchanged = || succeeded(program.run_file(&file, "preview", &["--expect-no-changes"]));
    // Nothing can run yet.
    let ended = succeeded(program.run_file(&file, "up", &["--yes"]));
    assert_eq!(images(&world, name).await, []);
    let mut lines = ended
        .screen
        .lines()
        .filter(|line| line.contains("liveImage"));
    let says = |line: &str| line.contains("nothing to keep yet");
    assert!(lines.clone().any(says), "{}", ended.screen);
    assert!(
        !lines.any(|line| line.contains("liveImage created")),
        "{}",
        ended.screen
    );
    unchanged();

    let first = push(&world, name, "latest", 1).await;
    succeeded(program.run_file(&file, "up", &["--yes"]));
    assert_eq!(kept(&world, name).await, Some(first.clone()));
    unchanged();

    // An image that is pushed and not deployed is not the one that runs.
    let second = push(&world, name, "latest", 2).await;
    unchanged();
    assert_eq!(kept(&world, name).await, Some(first.clone()));

    deploy_again(&world).await;
    let shown = succeeded(program.run_file(&file, "preview", &["--diff"]));
    assert!(
        shown.stdout.contains("aws:ecr:ImageTag"),
        "{}",
        shown.stdout
    );
    succeeded(program.run_file(&file, "up", &["--yes"]));
    assert_eq!(kept(&world, name).await, Some(second.clone()));
    unchanged();
    let left = images(&world, name).await;
    assert!(left.contains(&(String::new(), first)), "{left:?}");

    // One that cannot be moved, by its tag and by its digest.
    let third = push(&world, name, "v3", 3).await;
    let fourth = push(&world, name, "v4", 4).await;
    for (image, digest) in [("v3", &third), (&fourth, &fourth)] {
        let set = format!("services.api.image={image}");
        succeeded(program.run_file(&file, "up", &["--yes", "--set", &set]));
        assert_eq!(kept(&world, name).await.as_ref(), Some(digest));
        succeeded(program.run_file(&file, "preview", &["--expect-no-changes", "--set", &set]));
    }
    // The file names none, and keeps what was deployed.
    unchanged();

    // Taken away by hand, and moved by hand.
    let gone = world.sdk.ecr.batch_delete_image().repository_name(name);
    let id = aws_sdk_ecr::types::ImageIdentifier::builder().image_tag("fde-live-api");
    let gone = gone.image_ids(id.build()).send().await;
    gone.expect("a tag can be taken away");
    succeeded(program.run_file(&file, "up", &["--yes"]));
    assert_eq!(kept(&world, name).await.as_ref(), Some(&fourth));
    push(&world, name, "fde-live-api", 3).await;
    succeeded(program.run_file(&file, "up", &["--yes"]));
    assert_eq!(kept(&world, name).await.as_ref(), Some(&fourth));
    succeeded(program.run_file(&file, "destroy", &["--yes"]));
}

#[tokio::test]
async fn a_rollout_that_fails_leaves_the_image_that_runs_kept() {
    // Elsewhere there is no such image.
    if std::env::var_os("AWS_ENDPOINT_URL").is_some() {
        return;
    }
    let name = "e2e-kept-failed";
    let world = World::new(name).await;
    let program = Program::of(&world);
    let file = platform(name, "");
    succeeded(program.run_file(&file, "up", &["--yes"]));
    let first = push(&world, name, "v1", 1).await;
    push(&world, name, "unhealthy", 2).await;
    succeeded(program.run_file(&file, "up", &["--yes", "--set", "services.api.image=v1"]));
    let ended = program.run_file(
        &file,
        "up",
        &["--yes", "--set", "services.api.image=unhealthy"],
    );
    assert_eq!(ended.status, Some(4), "{}", ended.screen);
    assert_eq!(kept(&world, name).await, Some(first.clone()));
    // Nor does it lose the right to pull that image, where the one that fails needs none.
    let set = "services.api.image=public.ecr.aws/x/y:1-unhealthy";
    let ended = program.run_file(&file, "up", &["--yes", "--set", set]);
    assert_eq!(ended.status, Some(4), "{}", ended.screen);
    let may = execution_policies(&world).await;
    assert!(may.contains("ecr:BatchGetImage"), "{may}");
    let set = "services.api.image=public.ecr.aws/x/y:1";
    succeeded(program.run_file(&file, "up", &["--yes", "--set", set]));
    let may = execution_policies(&world).await;
    assert!(!may.contains("ecr:BatchGetImage"), "{may}");
    // Back to the first.
    succeeded(program.run_file(&file, "up", &["--yes", "--set", "services.api.image=v1"]));
    assert_eq!(kept(&world, name).await, Some(first));
    succeeded(program.run_file(&file, "destroy", &["--yes"]));
}

/// The rules by which images of the repository expire: what each selects, and how many it keeps.
async fn rules(world: &World, repository: &str) -> Vec<serde_json::Value> {
    let asked = world.sdk.ecr.get_lifecycle_policy();
    let answer = asked.repository_name(repository).send().await;
    let answer = answer.expect("there is a policy");
    let text = answer.lifecycle_policy_text().expect("a document");
    let policy: serde_json::Value = serde_json::from_str(text).expect("JSON");
    let rules = policy["rules"].as_array().expect("rules").iter();
    rules
        .map(|rule| {
            let selection = &rule["selection"];
            json!([
                rule["rulePriority"],
                selection["tagStatus"],
                selection["countNumber"]
            ])
        })
        .collect()
}

/// Consent to what expires earlier than before.
const ALLOWED: [&str; 3] = ["--yes", "--allow-delete", "services/api/lifecyclePolicy"];

#[tokio::test]
async fn what_expires_is_for_the_file_to_say() {
    let name = "e2e-kept-rules";
    let world = World::new(name).await;
    let program = Program::of(&world);
    let file = platform(name, "");
    succeeded(program.run_file(&file, "up", &["--yes"]));
    let by_default = [json!([1, "tagged", 10_000]), json!([2, "any", 10])];
    assert_eq!(rules(&world, name).await, by_default);

    let edited = platform(name, ", keepUntaggedDays: 3, keepImages: 20");
    let refused = program.run_file(&edited, "up", &["--yes"]);
    assert_eq!(refused.status, Some(5), "{}", refused.screen);
    succeeded(program.run_file(&edited, "up", &ALLOWED));
    let all = [
        json!([1, "tagged", 10_000]),
        json!([2, "untagged", 3]),
        json!([3, "any", 20]),
    ];
    assert_eq!(rules(&world, name).await, all);

    let off = platform(name, ", keepLiveImage: false, keepImages: 20");
    let refused = program.run_file(&off, "up", &["--yes"]);
    assert_eq!(refused.status, Some(5), "{}", refused.screen);
    succeeded(program.run_file(&off, "up", &ALLOWED));
    assert_eq!(rules(&world, name).await, [json!([1, "any", 20])]);
    push(&world, name, "latest", 1).await;
    succeeded(program.run_file(&off, "up", &["--yes"]));
    assert_eq!(kept(&world, name).await, None);

    // Nor is there anything to keep here where the image comes from elsewhere.
    let elsewhere = platform(name, ", image: public.ecr.aws/nginx/nginx:1.27");
    succeeded(program.run_file(&elsewhere, "up", &ALLOWED));
    assert_eq!(kept(&world, name).await, None);
    succeeded(program.run_file(&elsewhere, "preview", &["--expect-no-changes"]));
    succeeded(program.run_file(&elsewhere, "destroy", &["--yes"]));
}

#[tokio::test]
async fn what_runs_goes_on_where_its_image_is_gone() {
    let name = "e2e-kept-gone";
    let world = World::new(name).await;
    let program = Program::of(&world);
    let file = platform(name, "");
    let unchanged = || succeeded(program.run_file(&file, "preview", &["--expect-no-changes"]));
    succeeded(program.run_file(&file, "up", &["--yes"]));
    let first = push(&world, name, "v1", 1).await;
    let second = push(&world, name, "v2", 2).await;
    let deploy = |image: &str| {
        let set = format!("services.api.image={image}");
        succeeded(program.run_file(&file, "up", &["--yes", "--set", &set]))
    };
    deploy("v1");
    assert_eq!(desired(&world).await, 1);

    // There is nothing to keep, and nothing that a run could mend.
    delete(&world, name, &[&first]).await;
    unchanged();
    delete(&world, name, &[&second]).await;
    unchanged();
    assert_eq!(desired(&world).await, 1);
    let edited = platform(name, ", environment: { A: b }");
    succeeded(program.run_file(&edited, "up", &["--yes"]));
    assert_eq!(desired(&world).await, 1);

    // From elsewhere, into a repository that is empty.
    let elsewhere = platform(name, ", image: public.ecr.aws/nginx/nginx:1.27");
    succeeded(program.run_file(&elsewhere, "up", &["--yes"]));
    succeeded(program.run_file(&file, "up", &["--yes"]));
    assert_eq!(desired(&world).await, 1);
    let third = push(&world, name, "v3", 3).await;
    deploy("v3");
    assert_eq!(kept(&world, name).await, Some(third));
    assert_eq!(desired(&world).await, 1);
    succeeded(program.run_file(&file, "destroy", &["--yes"]));
}

#[tokio::test]
async fn what_runs_does_not_stay_for_the_sake_of_its_image() {
    let name = "e2e-kept-destroyed";
    let world = World::in_environment(name, "staging").await;
    let program = Program::of(&world);
    let file = platform(name, "").replace("environment: dev", "environment: staging");
    succeeded(program.run_file(&file, "up", &["--yes"]));
    push(&world, name, "latest", 1).await;
    succeeded(program.run_file(&file, "up", &["--yes"]));
    assert!(kept(&world, name).await.is_some());

    // The repository holds data, and stays.
    let ended = program.run_file(&file, "destroy", &["--yes"]);
    assert_eq!(ended.status, Some(5), "{}", ended.screen);
    assert!(kept(&world, name).await.is_some());
    assert_eq!(service(&world).await, None);
    succeeded(program.run_file(&file, "destroy", &["--yes", "--allow-delete", "*"]));
}

#[tokio::test]
async fn an_image_is_kept_again_once_the_file_says_so() {
    let name = "e2e-kept-again";
    let world = World::new(name).await;
    let program = Program::of(&world);
    let file = platform(name, "");
    succeeded(program.run_file(&file, "up", &["--yes"]));
    let first = push(&world, name, "latest", 1).await;
    succeeded(program.run_file(&file, "up", &["--yes"]));
    assert_eq!(kept(&world, name).await, Some(first));
    let off = platform(name, ", keepLiveImage: false");
    let shown = succeeded(program.run_file(&off, "preview", &ALLOWED[1..]));
    // It is the author's own edit.
    assert!(!shown.stdout.contains("New defaults"), "{}", shown.stdout);
    succeeded(program.run_file(&off, "up", &ALLOWED));

    let second = push(&world, name, "latest", 2).await;
    deploy_again(&world).await;
    succeeded(program.run_file(&file, "up", &["--yes"]));
    assert_eq!(kept(&world, name).await, Some(second));
    succeeded(program.run_file(&file, "preview", &["--expect-no-changes"]));
    succeeded(program.run_file(&file, "destroy", &["--yes"]));
}

/// Images that are there go with a policy that comes, or is set back: only with a word to it.
#[tokio::test]
async fn images_expire_by_no_policy_that_comes_back_without_consent() {
    let name = "e2e-kept-policy";
    let world = World::new(name).await;
    let program = Program::of(&world);
    let file = platform(name, "");
    succeeded(program.run_file(&file, "up", &["--yes"]));
    let by_default = rules(&world, name).await;
    let ecr = &world.sdk.ecr;
    let take_away = || async {
        let gone = ecr.delete_lifecycle_policy().repository_name(name);
        gone.send().await.expect("a policy can be deleted");
    };
    // Nothing is there that could go.
    take_away().await;
    succeeded(program.run_file(&file, "up", &["--yes"]));
    assert_eq!(rules(&world, name).await, by_default);

    // As many as stay.
    for number in 1..=10 {
        push(&world, name, &format!("v{number}"), number).await;
    }
    take_away().await;
    succeeded(program.run_file(&file, "up", &["--yes"]));
    assert_eq!(rules(&world, name).await, by_default);

    push(&world, name, "latest", 11).await;
    take_away().await;
    let refused = program.run_file(&file, "up", &["--yes"]);
    assert_eq!(refused.status, Some(5), "{}", refused.screen);
    assert!(
        refused.raw.contains("newest 10 images"),
        "{}",
        refused.screen
    );
    let asked = ecr
        .get_lifecycle_policy()
        .repository_name(name)
        .send()
        .await;
    assert!(asked.is_err(), "{asked:?}");
    succeeded(program.run_file(&file, "up", &ALLOWED));
    assert_eq!(rules(&world, name).await, by_default);

    let set = |kept: u32| async move {
        let policy = json!({ "rules": [{
            "rulePriority": 1,
            "selection": { "tagStatus": "any", "countType": "imageCountMoreThan", "countNumber": kept },
            "action": { "type": "expire" },
        }] });
        let put = ecr.put_lifecycle_policy().repository_name(name);
        let put = put.lifecycle_policy_text(policy.to_string()).send().await;
        put.expect("a policy can be put");
    };
    set(99).await;
    let refused = program.run_file(&file, "up", &["--yes"]);
    assert_eq!(refused.status, Some(5), "{}", refused.screen);
    assert_eq!(rules(&world, name).await, [json!([1, "any", 99])]);
    succeeded(program.run_file(&file, "up", &ALLOWED));
    assert_eq!(rules(&world, name).await, by_default);
    succeeded(program.run_file(&file, "preview", &["--expect-no-changes"]));
    succeeded(program.run_file(&file, "destroy", &["--yes", "--allow-delete", "*"]));
}

/// A service that is gone was used by its image's tag alone, which keeps its name: that is no sign of it.
#[tokio::test]
async fn a_service_that_was_deleted_by_hand_is_made_again() {
    let name = "e2e-kept-service";
    let world = World::new(name).await;
    let program = Program::of(&world);
    let file = platform(name, "");
    succeeded(program.run_file(&file, "up", &["--yes"]));
    push(&world, name, "latest", 1).await;
    succeeded(program.run_file(&file, "up", &["--yes"]));
    let ecs = &world.sdk.ecs;
    let before = service(&world).await.expect("the service is tagged");
    let cluster = before.split('/').nth(1).expect("an ARN with its cluster");
    let delete = ecs.delete_service().cluster(cluster).service(&before);
    delete.force(true).send().await.expect("it can be deleted");
    succeeded(program.run_file(&file, "up", &["--yes"]));
    assert!(service(&world).await.is_some());
    succeeded(program.run_file(&file, "preview", &["--expect-no-changes"]));
    succeeded(program.run_file(&file, "destroy", &["--yes"]));
}
