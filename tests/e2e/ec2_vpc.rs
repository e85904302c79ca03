//! `aws:ec2:Vpc`.

use async_trait::async_trait;
use aws_sdk_ec2::types::{AttributeBooleanValue, Tag, VpcAttributeName};
use serde_json::{Value as Json, json};

use crate::common::resource_type::{Edit, Effect, ResourceTypeTest, check};
use crate::common::sdk::Sdk;

struct Vpc;

#[async_trait]
impl ResourceTypeTest for Vpc {
    fn token(&self) -> &'static str {
        "aws:ec2:Vpc"
    }

    fn base(&self) -> &'static str {
        "cidrBlock: 10.0.0.0/16"
    }

    fn edits(&self) -> Vec<Edit> {
        vec![
            Edit {
                set: "enableDnsHostnames: true",
                change: "enableDnsHostnames: false",
                effect: Effect::InPlace,
                shows: "/hostnames",
                after_set: json!(true),
                after_change: json!(false),
                after_removal: Some(json!(false)),
            },
            Edit {
                set: "enableDnsSupport: true",
                change: "enableDnsSupport: false",
                effect: Effect::InPlace,
                shows: "/support",
                after_set: json!(true),
                after_change: json!(false),
                after_removal: Some(json!(true)),
            },
            Edit {
                set: "cidrBlock: 10.1.0.0/16",
                change: "cidrBlock: 10.2.0.0/16",
                effect: Effect::Replaces,
                shows: "/cidr",
                after_set: json!("10.1.0.0/16"),
                after_change: json!("10.2.0.0/16"),
                after_removal: None,
            },
            Edit {
                set: "instanceTenancy: default",
                change: "instanceTenancy: dedicated",
                effect: Effect::Replaces,
                shows: "/tenancy",
                after_set: json!("default"),
                after_change: json!("dedicated"),
                after_removal: Some(json!("default")),
            },
        ]
    }

    async fn look(&self, sdk: &Sdk, id: &str) -> Option<Json> {
        let answer = sdk.ec2.describe_vpcs().vpc_ids(id).send().await.ok()?;
        let vpc = answer.vpcs().first()?;
        let attribute = async |name: VpcAttributeName| {
            let answer = sdk
                .ec2
                .describe_vpc_attribute()
                .vpc_id(id)
                .attribute(name)
                .send()
                .await
                .expect("attributes can be read");
            answer
                .enable_dns_support()
                .or(answer.enable_dns_hostnames())
                .and_then(AttributeBooleanValue::value)
        };
        Some(json!({
            "cidr": vpc.cidr_block(),
            "tenancy": vpc.instance_tenancy().map(|tenancy| tenancy.as_str()),
            "support": attribute(VpcAttributeName::EnableDnsSupport).await,
            "hostnames": attribute(VpcAttributeName::EnableDnsHostnames).await,
        }))
    }

    async fn vanish(&self, sdk: &Sdk, id: &str) -> bool {
        sdk.ec2.delete_vpc().vpc_id(id).send().await.is_ok()
    }

    async fn drift(&self, sdk: &Sdk, id: &str) -> bool {
        let on = AttributeBooleanValue::builder().value(true).build();
        sdk.ec2
            .modify_vpc_attribute()
            .vpc_id(id)
            .enable_dns_hostnames(on)
            .send()
            .await
            .is_ok()
    }

    async fn foreign_tag(&self, sdk: &Sdk, id: &str, set: bool) -> Option<bool> {
        if set {
            let tag = Tag::builder().key("cost-centre").value("42").build();
            sdk.ec2
                .create_tags()
                .resources(id)
                .tags(tag)
                .send()
                .await
                .expect("tags can be set");
        }
        let answer = sdk.ec2.describe_vpcs().vpc_ids(id).send().await.ok()?;
        Some(
            answer
                .vpcs()
                .first()?
                .tags()
                .iter()
                .any(|tag| tag.key() == Some("cost-centre")),
        )
    }
}

#[tokio::test]
async fn vpc() {
    check("e2e-ec2-vpc", &Vpc).await;
}
