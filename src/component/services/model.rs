//! The services, defaults filled in.

use std::collections::BTreeMap;

use super::spec::{Architecture, ImageTags};
use super::urns::KEY;
use crate::component::text::Text;
use crate::resource::{Path, StackId, Urn};

/// All services, settled.
#[derive(Debug, Clone, PartialEq)]
pub struct Services {
    pub all: Vec<Service>,
}

/// One service, settled.
#[derive(Debug, Clone, PartialEq)]
pub struct Service {
    /// Its key in the file, and the name of its container.
    pub key: String,
    /// Its name in the cluster.
    pub name: String,
    /// `None` for a derived one.
    pub task_family: Option<String>,
    /// `None` if it needs no repository of its own.
    pub repository: Option<Repository>,
    pub image: Image,
    pub user: Option<String>,
    pub read_only: bool,
    pub port: Option<u16>,
    pub cpu: u32,
    pub memory: u32,
    pub architecture: Architecture,
    pub command: Option<Vec<Text>>,
    pub routes: Vec<String>,
    pub default: bool,
    pub health: Health,
    pub scaling: Scaling,
    pub cpu_alarm_percent: Option<u32>,
    pub environment: BTreeMap<String, Text>,
    pub secrets: BTreeMap<String, Text>,
    /// `None` for the default, which is true.
    pub propagate_tags: Option<bool>,
    pub permissions: Vec<(Vec<String>, Vec<Text>)>,
    pub log_group: String,
    /// The name that an earlier version derived, where the file gives none.
    pub earlier_log_group: Option<String>,
}

/// A repository that the stack makes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Repository {
    /// `None` for a derived name.
    pub name: Option<String>,
    /// The number of images that do not expire.
    pub keeps: u32,
    /// True if the image that runs does not expire, either.
    pub keeps_live: bool,
    /// Days after which images without a tag expire; `None` for as long as the others.
    pub untagged_days: Option<u32>,
    /// `None` for the default, which is immutable.
    pub tags: Option<ImageTags>,
}

/// The source of the image that runs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Image {
    /// The one that was last deployed; we start with the tag `latest` of the service's own repository.
    Deployed,
    /// A tag or `sha256:` digest in the service's own repository.
    Own(Text),
    /// The whole address of an image.
    Address(Text),
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Health {
    pub path: String,
    pub matcher: String,
    pub interval: u32,
    pub timeout: u32,
    pub healthy: u32,
    pub unhealthy: u32,
    pub grace_period: u32,
    /// `None` for the default command.
    pub command: Option<String>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Scaling {
    pub min: u32,
    pub max: u32,
    pub cpu_percent: u32,
    pub memory_percent: Option<u32>,
    pub requests_per_task: Option<u32>,
    pub scale_out_cooldown: u32,
    pub scale_in_cooldown: u32,
}

impl Scaling {
    /// A fixed number of tasks needs no autoscaling.
    pub fn is_fixed(&self) -> bool {
        self.min == self.max
    }
}

impl Service {
    /// True if the load balancer sends it traffic.
    pub fn is_exposed(&self) -> bool {
        self.default || !self.routes.is_empty()
    }

    /// The logical name of one of its resources.
    pub fn name_of(&self, what: &str) -> String {
        format!("{KEY}/{}/{what}", self.key)
    }

    pub fn urn(&self, stack: &StackId, token: &str, what: &str) -> Urn {
        Urn::new(stack, token, self.name_of(what))
    }

    pub fn repository_urn(&self, stack: &StackId) -> Urn {
        self.urn(stack, "aws:ecr:Repository", "repository")
    }

    pub fn log_group_urn(&self, stack: &StackId) -> Urn {
        self.urn(stack, "aws:cloudwatch:LogGroup", "logGroup")
    }

    pub fn service_urn(&self, stack: &StackId) -> Urn {
        self.urn(stack, "aws:ecs:Service", "service")
    }

    /// The path of the service, or of a place in it.
    pub fn path(&self, inside: &'static str) -> Path {
        let path = Path::from(KEY).key(&*self.key);
        match inside {
            "" => path,
            inside => path.join(inside),
        }
    }

    /// Its key as it is in the names of outputs and alarms: `my-api` as `myApi`.
    pub fn camel_case(&self) -> String {
        camel_case(&self.key)
    }
}

impl Services {
    /// The services that the load balancer sends traffic to.
    pub fn exposed(&self) -> impl Iterator<Item = &Service> {
        self.all.iter().filter(|service| service.is_exposed())
    }
}

/// The base of names that are not given.
pub fn derived_name(stack: &StackId) -> String {
    format!("{}-{}", stack.name, stack.environment)
}

fn camel_case(key: &str) -> String {
    let mut words = key.split('-');
    let mut name = words.next().unwrap_or_default().to_owned();
    for word in words {
        let mut letters = word.chars();
        name.extend(letters.next().map(|first| first.to_ascii_uppercase()));
        name.push_str(letters.as_str());
    }
    name
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_become_names_of_outputs() {
        assert_eq!(camel_case("api"), "api");
        assert_eq!(camel_case("my-web-2"), "myWeb2");
    }
}
