//! The account behind the proxy, asked with clients of its own.

use std::collections::BTreeMap;
use std::process::{Command, Stdio};

use aws_config::{BehaviorVersion, Region};
use aws_credential_types::Credentials;
use aws_sdk_resourcegroupstagging::types::{Tag, TagFilter};

/// The account that only the lab uses.
const INSTANCE: &str = "lab";

pub struct Account {
    pub endpoint: String,
    tagging: aws_sdk_resourcegroupstagging::Client,
    iam: aws_sdk_iam::Client,
    ecs: aws_sdk_ecs::Client,
}

impl Account {
    /// An empty account.
    pub async fn start() -> Self {
        sandbox(&["--sandbox", "preview", "dev"]);
        let status = sandbox(&["sandbox", "status"]);
        let start = status.find("http://").expect("status names the endpoint");
        let end = status[start..]
            .find(' ')
            .map_or(status.len(), |at| start + at);
        let endpoint = status[start..end].trim().to_owned();
        let config = aws_config::defaults(BehaviorVersion::latest())
            .region(Region::new("eu-south-2"))
            .endpoint_url(&endpoint)
            .credentials_provider(Credentials::new("looking", "test", None, None, "test"))
            .load()
            .await;
        let account = Self {
            endpoint,
            tagging: aws_sdk_resourcegroupstagging::Client::new(&config),
            iam: aws_sdk_iam::Client::new(&config),
            ecs: aws_sdk_ecs::Client::new(&config),
        };
        account.reset();
        account
    }

    #[expect(clippy::unused_self, reason = "what is reset is this account")]
    pub fn reset(&self) {
        sandbox(&["sandbox", "reset"]);
    }

    /// Everything that carries the stack's tag, by its owner tag: the ARNs of each. Revisions of task definitions that are
    /// deregistered stay on record in AWS for good.
    pub async fn owned(&self, stack: &str) -> BTreeMap<String, Vec<String>> {
        let mut owned: BTreeMap<String, Vec<String>> = BTreeMap::new();
        let filter = TagFilter::builder().key("fde:stack").values(stack).build();
        let mut pages = self
            .tagging
            .get_resources()
            .tag_filters(filter)
            .into_paginator()
            .send();
        while let Some(page) = pages.next().await {
            let page = page.expect("the tagging API answers");
            for mapping in page.resource_tag_mapping_list() {
                let arn = mapping.resource_arn().unwrap_or_default().to_owned();
                if !self.is_inactive(&arn).await {
                    owned.entry(owner(mapping.tags())).or_default().push(arn);
                }
            }
        }
        let roles = self.iam.list_roles().send().await.expect("IAM answers");
        for role in roles.roles() {
            let tags = self.iam.list_role_tags().role_name(role.role_name());
            let tags = tags.send().await.expect("IAM answers");
            let tags: BTreeMap<&str, &str> = tags
                .tags()
                .iter()
                .map(|tag| (tag.key(), tag.value()))
                .collect();
            if tags.get("fde:stack") == Some(&stack) {
                let owner = tags.get("fde:urn").copied().unwrap_or("nobody").to_owned();
                owned.entry(owner).or_default().push(role.arn().to_owned());
            }
        }
        owned
    }

    async fn is_inactive(&self, arn: &str) -> bool {
        if !arn.contains(":task-definition/") {
            return false;
        }
        let answer = self.ecs.describe_task_definition().task_definition(arn);
        let answer = answer.send().await.expect("ECS answers");
        answer
            .task_definition()
            .and_then(|definition| definition.status())
            .is_some_and(|status| status.as_str() == "INACTIVE")
    }
}

fn owner(tags: &[Tag]) -> String {
    let owner = tags.iter().find(|tag| tag.key() == "fde:urn");
    owner.map_or("nobody", Tag::value).to_owned()
}

fn sandbox(arguments: &[&str]) -> String {
    let output = Command::new(env!("CARGO_BIN_EXE_fde-infra"))
        .args(arguments)
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .env("FDE_INFRA_SANDBOX_NAME", INSTANCE)
        .stdin(Stdio::null())
        .output()
        .expect("the program starts");
    assert!(output.status.success(), "{output:?}");
    String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr)
}
