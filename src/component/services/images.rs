//! The values that a service's `image:` may have.

use crate::resource::Path;
use crate::stack::Fault;

use super::model::{Image, Service, Services};
use super::urns::KEY;
use crate::component::context::Context;
use crate::stack::reference::{self, Part};

/// The beginning of the tags that keep the images of services from expiring: those of `aws:ecr:ImageTag`.
pub const LIVE_TAG: &str = "fde-live-";

/// The output of a service that is the address of the image that it runs.
pub const OUTPUT: &str = "image";

/// Images of Docker Hub that have no owner in front of their names, as people write them.
const OFFICIAL: &[&str] = &[
    "adminer",
    "alpine",
    "amazonlinux",
    "bash",
    "busybox",
    "caddy",
    "cassandra",
    "centos",
    "clickhouse",
    "composer",
    "consul",
    "couchdb",
    "debian",
    "docker",
    "eclipse-temurin",
    "elasticsearch",
    "elixir",
    "erlang",
    "fedora",
    "flink",
    "fluentd",
    "ghost",
    "golang",
    "gradle",
    "groovy",
    "haproxy",
    "haskell",
    "hello-world",
    "httpd",
    "influxdb",
    "jenkins",
    "jetty",
    "kibana",
    "kong",
    "logstash",
    "mariadb",
    "maven",
    "memcached",
    "mongo",
    "mongo-express",
    "mysql",
    "nats",
    "neo4j",
    "nextcloud",
    "nginx",
    "node",
    "openjdk",
    "perl",
    "php",
    "postgres",
    "python",
    "rabbitmq",
    "redis",
    "registry",
    "rockylinux",
    "ruby",
    "rust",
    "solr",
    "sonarqube",
    "swift",
    "telegraf",
    "tomcat",
    "traefik",
    "ubuntu",
    "valkey",
    "varnish",
    "vault",
    "wordpress",
    "zookeeper",
];

/// Refuses a text that could be a tag, but was hardly meant to be one: the name of an image elsewhere.
pub fn is_elsewhere(context: &mut Context<'_>, service: &str, image: &str) -> bool {
    let name = image.split([':', '@']).next().unwrap_or_default();
    let tag = image
        .strip_prefix(name)
        .and_then(|rest| rest.strip_prefix(':'));
    let is_official = OFFICIAL.contains(&name);
    let (label, own) = match tag {
        Some(tag) if !name.is_empty() && name != "sha256" => {
            ("is an image without the registry that it comes from", tag)
        }
        None if is_official => (
            "is the name of an image elsewhere, and here would be a tag",
            image,
        ),
        _ => return false,
    };
    let address = if is_official {
        format!("public.ecr.aws/docker/library/{image}")
    } else {
        format!("docker.io/OWNER/{image}")
    };
    let help = format!(
        "write `{address}` for that image, or `\":{own}\"` for the tag in the repository of the service"
    );
    let path = Path::from(KEY).key(service).key("image");
    context.refuse_with_help(Fault::Value, path, label, help);
    true
}

impl Services {
    /// The service whose image a service runs: itself, or the one at the end of `image: ${services.api.image}`.
    pub fn source<'a>(&'a self, service: &'a Service) -> &'a Service {
        let mut source = service;
        // A circle is reported as one of the graph.
        for _ in &self.all {
            let key = shared_with(&source.image);
            match self
                .all
                .iter()
                .find(|other| Some(&other.key) == key.as_ref())
            {
                Some(other) => source = other,
                None => break,
            }
        }
        source
    }
}

/// The key of the service whose image this one runs too: that of `${services.api.image}`.
fn shared_with(image: &Image) -> Option<String> {
    let Image::Address(text) = image else {
        return None;
    };
    let (parts, _) = reference::split(&text.0);
    match parts.as_slice() {
        [Part::Reference(reference)] if reference.name == KEY => match reference.path.as_slice() {
            [key, output] if output == OUTPUT => Some(key.clone()),
            _ => None,
        },
        _ => None,
    }
}

/// Checks a tag or digest in the service's own repository.
pub fn check(context: &mut Context<'_>, service: &Service) {
    if let Image::Own(tag) = &service.image {
        let digest = tag.0.strip_prefix("sha256:");
        let tag_alphabet = |c: char| c.is_ascii_alphanumeric() || "_.-".contains(c);
        let sound = match digest {
            Some(digest) => digest.len() == 64 && digest.bytes().all(|b| b.is_ascii_hexdigit()),
            None => {
                (1..=128).contains(&tag.0.len())
                    && tag.0.chars().all(tag_alphabet)
                    && !tag.0.starts_with(['.', '-'])
            }
        };
        if tag.0.starts_with(LIVE_TAG) {
            let label = "is a tag that `up` moves to the image that a service runs";
            context.refuse(Fault::Value, service.path("image"), label);
        }
        if !sound {
            let label = "is neither a tag, nor a `sha256:` digest, nor the address of an image";
            context.refuse(Fault::Value, service.path("image"), label);
        }
    }
}

#[cfg(test)]
mod tests {
    use expect_test::expect;

    use crate::component::testing::faults_of;

    #[test]
    fn what_looks_like_an_image_elsewhere_is_asked_about() {
        let with = |image: &str| {
            faults_of(&format!(
                "network: {{}}\nservices: {{ api: {{ port: 1, default: true, image: {image} }} }}\nloadBalancer: {{}}\n"
            ))
        };
        let shown: Vec<String> = [
            "nginx",
            "nginx:1.27",
            "shop:v9",
            "redis@sha256:0",
            "':nginx'",
        ]
        .into_iter()
        .map(|image| format!("{image}: {}", with(image)))
        .collect();
        expect![[r#"
            nginx: 2:51 value `nginx`: is the name of an image elsewhere, and here would be a tag
                help: write `public.ecr.aws/docker/library/nginx` for that image, or `":nginx"` for the tag in the repository of the service

            nginx:1.27: 2:51 value `nginx:1.27`: is an image without the registry that it comes from
                help: write `public.ecr.aws/docker/library/nginx:1.27` for that image, or `":1.27"` for the tag in the repository of the service

            shop:v9: 2:51 value `shop:v9`: is an image without the registry that it comes from
                help: write `docker.io/OWNER/shop:v9` for that image, or `":v9"` for the tag in the repository of the service

            redis@sha256:0: 2:51 value `redis@sha256:0`: is the name of an image elsewhere, and here would be a tag
                help: write `public.ecr.aws/docker/library/redis@sha256:0` for that image, or `":redis@sha256:0"` for the tag in the repository of the service

            ':nginx': fine"#]].assert_eq(&shown.join("\n"));
        for image in [
            "6063e25",
            "v9",
            "2024-06-01-abc123",
            "latest",
            "main",
            "1.27",
            "'1'",
            "0777",
            "nginx-2024",
            "nginx/nginx",
            "public.ecr.aws/docker/library/nginx",
            "sha256:0000000000000000000000000000000000000000000000000000000000000000",
        ] {
            assert_eq!(with(image), "fine", "{image}");
        }
        let ours = with("fde-live-api");
        assert!(ours.contains("is a tag that `up` moves"), "{ours}");
    }
}
