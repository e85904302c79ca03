//! Raw SDK clients: how the tests read the account, and how they change it.

use std::collections::BTreeMap;

use aws_config::{BehaviorVersion, Region};
use aws_credential_types::Credentials;
use aws_sdk_ec2::types::{Filter, Tag};

use super::REGION;

pub type Tags = BTreeMap<String, String>;

/// The tag that tests set behind our back.
pub const FOREIGN: (&str, &str) = ("cost-centre", "42");

pub struct Sdk {
    pub ec2: aws_sdk_ec2::Client,
    pub ecr: aws_sdk_ecr::Client,
    pub ecs: aws_sdk_ecs::Client,
    pub rds: aws_sdk_rds::Client,
    pub elbv2: aws_sdk_elasticloadbalancingv2::Client,
    pub cloudcontrol: aws_sdk_cloudcontrol::Client,
    pub cloudwatch: aws_sdk_cloudwatch::Client,
    pub iam: aws_sdk_iam::Client,
    pub kms: aws_sdk_kms::Client,
    pub s3: aws_sdk_s3::Client,
    pub logs: aws_sdk_cloudwatchlogs::Client,
    pub secrets: aws_sdk_secretsmanager::Client,
    pub sns: aws_sdk_sns::Client,
    pub ssm: aws_sdk_ssm::Client,
    pub sts: aws_sdk_sts::Client,
    pub autoscaling: aws_sdk_applicationautoscaling::Client,
    pub wafv2: aws_sdk_wafv2::Client,
    pub tagging: aws_sdk_resourcegroupstagging::Client,
}

impl Sdk {
    pub async fn new(endpoint: &str) -> Self {
        let config = aws_config::defaults(BehaviorVersion::latest())
            .region(Region::new(REGION))
            .endpoint_url(endpoint)
            .credentials_provider(Credentials::new("looking", "test", None, None, "test"))
            .load()
            .await;
        let s3 = aws_sdk_s3::config::Builder::from(&config)
            .force_path_style(true)
            .build();
        Self {
            ec2: aws_sdk_ec2::Client::new(&config),
            ecr: aws_sdk_ecr::Client::new(&config),
            ecs: aws_sdk_ecs::Client::new(&config),
            rds: aws_sdk_rds::Client::new(&config),
            elbv2: aws_sdk_elasticloadbalancingv2::Client::new(&config),
            cloudcontrol: aws_sdk_cloudcontrol::Client::new(&config),
            cloudwatch: aws_sdk_cloudwatch::Client::new(&config),
            iam: aws_sdk_iam::Client::new(&config),
            kms: aws_sdk_kms::Client::new(&config),
            s3: aws_sdk_s3::Client::from_conf(s3),
            logs: aws_sdk_cloudwatchlogs::Client::new(&config),
            secrets: aws_sdk_secretsmanager::Client::new(&config),
            sns: aws_sdk_sns::Client::new(&config),
            ssm: aws_sdk_ssm::Client::new(&config),
            sts: aws_sdk_sts::Client::new(&config),
            autoscaling: aws_sdk_applicationautoscaling::Client::new(&config),
            wafv2: aws_sdk_wafv2::Client::new(&config),
            tagging: aws_sdk_resourcegroupstagging::Client::new(&config),
        }
    }

    /// ARNs of everything tagged as a stack's, IAM roles excepted, and tasks, which have their tags from their service and
    /// stay listed for a while once they have stopped.
    pub async fn tagged(&self, stack: &str) -> Vec<String> {
        let filter = aws_sdk_resourcegroupstagging::types::TagFilter::builder()
            .key("fde:stack")
            .values(stack)
            .build();
        let mut pages = self
            .tagging
            .get_resources()
            .tag_filters(filter)
            .into_paginator()
            .send();
        let mut arns = Vec::new();
        while let Some(page) = pages.next().await {
            let page = page.expect("the tagging API answers");
            arns.extend(
                page.resource_tag_mapping_list()
                    .iter()
                    .filter_map(|mapping| mapping.resource_arn().map(str::to_owned))
                    .filter(|arn| !arn.contains(":task/")),
            );
        }
        arns
    }

    /// The tags of an ARN, from the tagging API.
    pub async fn tags_of(&self, arn: &str) -> Tags {
        let answer = self
            .tagging
            .get_resources()
            .resource_arn_list(arn)
            .send()
            .await
            .expect("the tagging API answers");
        answer
            .resource_tag_mapping_list()
            .iter()
            .flat_map(|mapping| mapping.tags())
            .map(|tag| (tag.key().to_owned(), tag.value().to_owned()))
            .collect()
    }

    /// [`ResourceTypeTest::foreign_tag`](super::resource_type::ResourceTypeTest::foreign_tag) by ARN.
    pub async fn foreign_tag(&self, arn: &str, set: bool) -> Option<bool> {
        if set {
            let answer = self
                .tagging
                .tag_resources()
                .resource_arn_list(arn)
                .tags(FOREIGN.0, FOREIGN.1)
                .send()
                .await
                .expect("the tagging API answers");
            assert!(
                answer
                    .failed_resources_map()
                    .is_none_or(|map| map.is_empty()),
                "{answer:?}"
            );
        }
        Some(self.tags_of(arn).await.get(FOREIGN.0).map(String::as_str) == Some(FOREIGN.1))
    }

    /// The logical name of the object that a stack made under this ARN.
    pub async fn name_of(&self, arn: &str) -> Option<String> {
        logical_name(&self.tags_of(arn).await)
    }

    /// The tags of anything in EC2.
    pub async fn ec2_tags(&self, id: &str) -> Tags {
        let of_it = Filter::builder().name("resource-id").values(id).build();
        let answer = self
            .ec2
            .describe_tags()
            .filters(of_it)
            .send()
            .await
            .expect("EC2 answers");
        answer
            .tags()
            .iter()
            .filter_map(|tag| Some((tag.key()?.to_owned(), tag.value()?.to_owned())))
            .collect()
    }

    /// The logical name of something in EC2 that a stack made: ids are AWS's choice, names are the test's.
    pub async fn ec2_name(&self, id: Option<&str>) -> Option<String> {
        logical_name(&self.ec2_tags(id?).await)
    }

    /// [`ResourceTypeTest::foreign_tag`](super::resource_type::ResourceTypeTest::foreign_tag) in EC2.
    pub async fn ec2_foreign_tag(&self, id: &str, set: bool) -> Option<bool> {
        if set {
            let tag = Tag::builder().key(FOREIGN.0).value(FOREIGN.1).build();
            self.ec2
                .create_tags()
                .resources(id)
                .tags(tag)
                .send()
                .await
                .expect("tags can be set");
        }
        Some(self.ec2_tags(id).await.get(FOREIGN.0).map(String::as_str) == Some(FOREIGN.1))
    }
}

fn logical_name(tags: &Tags) -> Option<String> {
    let (_, name) = tags.get("fde:urn")?.rsplit_once("::")?;
    Some(name.to_owned())
}
