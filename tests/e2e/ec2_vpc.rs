//! `aws:ec2:Vpc`.

use async_trait::async_trait;
use aws_sdk_ec2::types::{AttributeBooleanValue, VpcAttributeName};
use serde_json::{Value as Json, json};

use crate::common::resource_type::{Edit, ResourceTypeTest, check};
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
            Edit::in_place(
                "/hostnames",
                ("enableDnsHostnames: true", true),
                ("enableDnsHostnames: false", false),
            )
            .removed(false),
            Edit::in_place(
                "/support",
                ("enableDnsSupport: true", true),
                ("enableDnsSupport: false", false),
            )
            .removed(true),
            // Host names need support: it comes first and goes last.
            Edit::in_place(
                "/hostnames",
                ("{ enableDnsHostnames: true, enableDnsSupport: true }", true),
                (
                    "{ enableDnsHostnames: false, enableDnsSupport: false }",
                    false,
                ),
            )
            .removed(false),
            Edit::replaces(
                "/cidr",
                ("cidrBlock: 10.1.0.0/16", "10.1.0.0/16"),
                ("cidrBlock: 10.2.0.0/16", "10.2.0.0/16"),
            ),
            Edit::replaces(
                "/tenancy",
                ("instanceTenancy: default", "default"),
                ("instanceTenancy: dedicated", "dedicated"),
            )
            .removed("default"),
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
        sdk.ec2_foreign_tag(id, set).await
    }
}

#[tokio::test]
async fn vpc() {
    check("e2e-ec2-vpc", &Vpc).await;
}
