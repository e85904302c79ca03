//! `aws:ec2:Subnet`.

use async_trait::async_trait;
use aws_sdk_ec2::types::AttributeBooleanValue;
use serde_json::{Value as Json, json};

use crate::common::needs::TWO_VPCS;
use crate::common::resource_type::{Edit, ResourceTypeTest, check};
use crate::common::sdk::Sdk;

struct Subnet;

#[async_trait]
impl ResourceTypeTest for Subnet {
    fn token(&self) -> &'static str {
        "aws:ec2:Subnet"
    }

    fn needs(&self) -> &'static str {
        TWO_VPCS
    }

    fn base(&self) -> &'static str {
        "{ vpcId: '${first.id}', cidrBlock: 10.0.1.0/24 }"
    }

    fn edits(&self) -> Vec<Edit> {
        vec![
            Edit::replaces(
                "/vpc",
                ("vpcId: ${first.id}", "first"),
                (
                    "{ vpcId: '${second.id}', cidrBlock: 10.1.1.0/24 }",
                    "second",
                ),
            ),
            Edit::replaces(
                "/cidr",
                ("cidrBlock: 10.0.2.0/24", "10.0.2.0/24"),
                // Host bits are no difference to AWS.
                ("cidrBlock: 10.0.3.7/24", "10.0.3.0/24"),
            ),
            Edit::replaces(
                "/zone",
                ("availabilityZone: eu-south-2a", "eu-south-2a"),
                ("availabilityZone: eu-south-2b", "eu-south-2b"),
            ),
            Edit::in_place(
                "/mapsPublicIp",
                ("mapPublicIpOnLaunch: true", true),
                ("mapPublicIpOnLaunch: false", false),
            )
            .removed(false),
            Edit::in_place(
                "/mapsPublicIp",
                ("mapPublicIpOnLaunch: false", false),
                ("mapPublicIpOnLaunch: true", true),
            )
            .removed(false),
        ]
    }

    async fn look(&self, sdk: &Sdk, id: &str) -> Option<Json> {
        let answer = sdk
            .ec2
            .describe_subnets()
            .subnet_ids(id)
            .send()
            .await
            .ok()?;
        let subnet = answer.subnets().first()?;
        Some(json!({
            "vpc": sdk.ec2_name(subnet.vpc_id()).await,
            "cidr": subnet.cidr_block(),
            "zone": subnet.availability_zone(),
            "mapsPublicIp": subnet.map_public_ip_on_launch(),
        }))
    }

    async fn vanish(&self, sdk: &Sdk, id: &str) -> bool {
        sdk.ec2.delete_subnet().subnet_id(id).send().await.is_ok()
    }

    async fn drift(&self, sdk: &Sdk, id: &str) -> bool {
        let on = AttributeBooleanValue::builder().value(true).build();
        sdk.ec2
            .modify_subnet_attribute()
            .subnet_id(id)
            .map_public_ip_on_launch(on)
            .send()
            .await
            .is_ok()
    }

    async fn foreign_tag(&self, sdk: &Sdk, id: &str, set: bool) -> Option<bool> {
        sdk.ec2_foreign_tag(id, set).await
    }
}

#[tokio::test]
async fn subnet() {
    check("e2e-ec2-subnet", &Subnet).await;
}
