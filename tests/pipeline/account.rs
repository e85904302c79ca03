//! The account that is deployed to, as the SDK sees it: a copy of the local account that no other test knows.

use std::collections::BTreeMap;
use std::sync::OnceLock;

use aws_config::{BehaviorVersion, Region};
use aws_credential_types::Credentials;
use aws_sdk_ecr::operation::put_image::PutImageError;
use aws_sdk_ecr::types::Image;
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
        // Asked each time: the tests of another party may have replaced it with that of their version.
        let model = fde_infra::sandbox::ensure_running(&mut |line| eprintln!("sandbox: {line}"));
        let model = model.expect("the sandbox starts").endpoint;
        // Requests are checked against AWS's models, in its forks too.
        http::post(&model, "/_account/checks");
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

    /// Puts an image into its repository, as `docker push` does, and returns its digest, which content and labels make.
    pub fn push(&self, image: &str, content: &str, labels: &[(&str, &str)]) -> String {
        let (repository, tag) = parts(image);
        let labels: BTreeMap<&str, &str> = labels.iter().copied().collect();
        let digest = Sha256::digest(json!([content, labels]).to_string());
        let digest: String = digest.iter().map(|byte| format!("{byte:02x}")).collect();
        let manifest = json!({
            "schemaVersion": 2,
            "mediaType": "application/vnd.docker.distribution.manifest.v2+json",
            "config": {
                "mediaType": "application/vnd.docker.container.image.v1+json",
                "size": 2,
                "digest": format!("sha256:{digest}"),
            },
            // They are the configuration's, which has no place of its own here.
            "annotations": labels,
            // The local account makes the digest of these alone.
            "layers": [{
                "mediaType": "application/vnd.docker.image.rootfs.diff.tar.gzip",
                "size": 2,
                "digest": format!("sha256:{digest}"),
            }],
        });
        let put = self
            .ecr
            .put_image()
            .repository_name(repository)
            .image_tag(tag);
        let put = put.image_manifest(manifest.to_string()).send();
        let answer = match runtime().block_on(put) {
            Ok(answer) => answer,
            // Docker takes that for a success.
            Err(error)
                if error
                    .as_service_error()
                    .is_some_and(PutImageError::is_image_already_exists_exception) =>
            {
                return self.digest(image).expect("it is there");
            }
            Err(error) => panic!("the image cannot be put: {error:?}"),
        };
        let id = answer.image().and_then(|image| image.image_id());
        let digest = id.and_then(|id| id.image_digest());
        digest.expect("it has a digest").to_owned()
    }

    /// Puts another tag on an image that is known by its digest.
    pub fn retag(&self, image: &str, tag: &str) {
        let (name, digest) = image.rsplit_once('@').expect("a digest");
        let (_, repository) = name.split_once('/').expect("an address");
        let id = aws_sdk_ecr::types::ImageIdentifier::builder().image_digest(digest);
        let get = self.ecr.batch_get_image().repository_name(repository);
        let answer = runtime().block_on(get.image_ids(id.build()).send());
        let answer = answer.expect("the repository is there");
        let manifest = answer.images().first().and_then(Image::image_manifest);
        let put = self
            .ecr
            .put_image()
            .repository_name(repository)
            .image_tag(tag)
            .image_manifest(manifest.expect("the image is there"));
        runtime().block_on(put.send()).expect("a tag can be put");
    }

    /// The manifest of an image, if it is there.
    pub fn manifest(&self, image: &str) -> Option<String> {
        let found = self.image(image)?;
        found.image_manifest().map(str::to_owned)
    }

    /// The digest of an image, if it is there.
    pub fn digest(&self, image: &str) -> Option<String> {
        let found = self.image(image)?;
        let id = found.image_id()?;
        id.image_digest().map(str::to_owned)
    }

    fn image(&self, image: &str) -> Option<Image> {
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
        answer.images().first().cloned()
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

    /// The number of calls that the holder of this key has made so far.
    pub fn calls(&self, caller: &str) -> usize {
        let log: Json =
            serde_json::from_str(&http::get(&self.endpoint, "/_account/calls")).expect("JSON");
        let calls = log["calls"].as_array().expect("a list").iter();
        calls.filter(|call| call["caller"] == caller).count()
    }

    /// The calls so far that were to change something, made by the holder of this key.
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
