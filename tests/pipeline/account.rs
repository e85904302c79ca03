//! The account that is deployed to, as the SDK sees it: a copy of the local account that nobody else knows.

use std::sync::OnceLock;

use aws_config::{BehaviorVersion, Region};
use aws_credential_types::Credentials;
use serde_json::{Value as Json, json};
use sha2::{Digest, Sha256};
use tokio::runtime::Runtime;

use super::http;

const REGION: &str = "eu-south-2";

pub struct Account {
    pub endpoint: String,
    ecr: aws_sdk_ecr::Client,
    ecs: aws_sdk_ecs::Client,
    sns: aws_sdk_sns::Client,
}

fn runtime() -> &'static Runtime {
    static RUNTIME: OnceLock<Runtime> = OnceLock::new();
    RUNTIME.get_or_init(|| Runtime::new().expect("a runtime"))
}

impl Account {
    pub fn new() -> Self {
        // Asked each time: somebody else's tests may have replaced it with that of their version.
        let model = fde_infra::sandbox::ensure_running(&mut |line| eprintln!("sandbox: {line}"));
        let model = model.expect("the sandbox starts").endpoint;
        let answer: Json =
            serde_json::from_str(&http::post(&model, "/_account/fork")).expect("JSON");
        let endpoint = format!("http://127.0.0.1:{}", answer["port"]);
        let config = aws_config::defaults(BehaviorVersion::latest())
            .region(Region::new(REGION))
            .endpoint_url(&endpoint)
            .credentials_provider(Credentials::new("looking", "test", None, None, "test"));
        let config = runtime().block_on(config.load());
        Self {
            endpoint,
            ecr: aws_sdk_ecr::Client::new(&config),
            ecs: aws_sdk_ecs::Client::new(&config),
            sns: aws_sdk_sns::Client::new(&config),
        }
    }

    /// Puts an image into its repository, as `docker push` does; `content` makes its digest.
    pub fn push(&self, image: &str, content: &str) {
        let (repository, tag) = parts(image);
        let digest = Sha256::digest(content.as_bytes());
        let digest: String = digest.iter().map(|byte| format!("{byte:02x}")).collect();
        let manifest = json!({
            "schemaVersion": 2,
            "mediaType": "application/vnd.docker.distribution.manifest.v2+json",
            "config": {
                "mediaType": "application/vnd.docker.container.image.v1+json",
                "size": 2,
                "digest": format!("sha256:{digest}"),
            },
            "layers": [],
        });
        let put = self
            .ecr
            .put_image()
            .repository_name(repository)
            .image_tag(tag);
        let put = put.image_manifest(manifest.to_string()).send();
        runtime().block_on(put).expect("an image can be put");
    }

    /// The manifest of an image, if it is there.
    pub fn manifest(&self, image: &str) -> Option<String> {
        let (repository, tag) = parts(image);
        let id = aws_sdk_ecr::types::ImageIdentifier::builder()
            .image_tag(tag)
            .build();
        let get = self
            .ecr
            .batch_get_image()
            .repository_name(repository)
            .image_ids(id)
            .send();
        let answer = runtime().block_on(get).expect("the repository is there");
        answer.images().first()?.image_manifest().map(str::to_owned)
    }

    /// The image that the tasks of a service run.
    pub fn running(&self, cluster: &str, service: &str) -> String {
        let describe = self
            .ecs
            .describe_services()
            .cluster(cluster)
            .services(service)
            .send();
        let answer = runtime().block_on(describe).expect("ECS answers");
        let found = answer.services().first().expect("the service is there");
        assert_eq!(found.running_count(), found.desired_count());
        let family = found.task_definition().expect("it runs something");
        let describe = self
            .ecs
            .describe_task_definition()
            .task_definition(family)
            .send();
        let answer = runtime().block_on(describe).expect("ECS answers");
        let task = answer.task_definition().expect("a task definition");
        let container = task.container_definitions().first().expect("a container");
        container.image().expect("an image").to_owned()
    }

    /// The names of the services in a cluster.
    pub fn services(&self, cluster: &str) -> Vec<String> {
        let list = self.ecs.list_services().cluster(cluster).send();
        let answer = runtime().block_on(list).expect("the cluster is there");
        let mut names: Vec<String> = answer
            .service_arns()
            .iter()
            .filter_map(|arn| arn.rsplit('/').next().map(str::to_owned))
            .collect();
        names.sort();
        names
    }

    pub fn clusters(&self) -> Vec<String> {
        let answer = runtime()
            .block_on(self.ecs.list_clusters().send())
            .expect("ECS answers");
        answer.cluster_arns().to_vec()
    }

    /// The ARN of the only topic whose name contains this.
    pub fn topic(&self, name: &str) -> String {
        let answer = runtime()
            .block_on(self.sns.list_topics().send())
            .expect("SNS answers");
        let mut arns = answer.topics().iter().filter_map(|topic| topic.topic_arn());
        arns.find(|arn| arn.contains(name))
            .expect("the topic is there")
            .to_owned()
    }

    pub fn set_display_name(&self, topic: &str, name: &str) {
        let set = self.sns.set_topic_attributes().topic_arn(topic);
        let set = set
            .attribute_name("DisplayName")
            .attribute_value(name)
            .send();
        runtime().block_on(set).expect("the name can be set");
    }

    /// How often whoever has this key has called so far.
    pub fn calls(&self, caller: &str) -> usize {
        let log: Json =
            serde_json::from_str(&http::get(&self.endpoint, "/_account/calls")).expect("JSON");
        let calls = log["calls"].as_array().expect("a list").iter();
        calls.filter(|call| call["caller"] == caller).count()
    }

    /// The calls so far that were to change something, of whoever has this key.
    pub fn mutating(&self, caller: &str) -> Vec<String> {
        let log: Json =
            serde_json::from_str(&http::get(&self.endpoint, "/_account/calls")).expect("JSON");
        let calls = log["calls"].as_array().expect("a list").iter();
        calls
            .filter(|call| call["caller"] == caller && call["mutating"] == true)
            .map(|call| format!("{}:{}", call["service"], call["operation"]).replace('"', ""))
            .collect()
    }
}

impl Drop for Account {
    fn drop(&mut self) {
        http::tell(&self.endpoint, "/_account/stop");
    }
}

/// The repository and the tag of an image's whole address.
fn parts(image: &str) -> (&str, &str) {
    let (_, name) = image.split_once('/').expect("an address");
    name.rsplit_once(':').expect("a tag")
}
