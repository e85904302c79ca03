//! `aws:ec2:InternetGateway`.

use async_trait::async_trait;
use serde_json::{Value as Json, json};

use crate::common::needs::TWO_VPCS;
use crate::common::resource_type::{Edit, ResourceTypeTest, check};
use crate::common::sdk::Sdk;

struct InternetGateway;

async fn vpc_of(sdk: &Sdk, id: &str) -> Option<Option<String>> {
    let answer = sdk
        .ec2
        .describe_internet_gateways()
        .internet_gateway_ids(id)
        .send()
        .await
        .ok()?;
    let attachment = answer.internet_gateways().first()?.attachments().first();
    Some(attachment.and_then(|attachment| attachment.vpc_id().map(str::to_owned)))
}

async fn detach(sdk: &Sdk, id: &str) -> bool {
    let vpc = vpc_of(sdk, id).await.flatten();
    sdk.ec2
        .detach_internet_gateway()
        .internet_gateway_id(id)
        .set_vpc_id(vpc)
        .send()
        .await
        .is_ok()
}

#[async_trait]
impl ResourceTypeTest for InternetGateway {
    fn token(&self) -> &'static str {
        "aws:ec2:InternetGateway"
    }

    fn needs(&self) -> &'static str {
        TWO_VPCS
    }

    fn base(&self) -> &'static str {
        "vpcId: ${first.id}"
    }

    fn edits(&self) -> Vec<Edit> {
        vec![
            Edit::replaces(
                "/vpc",
                ("vpcId: ${first.id}", "first"),
                ("vpcId: ${second.id}", "second"),
            )
            .removed("first"),
            Edit::replaces(
                "/vpc",
                ("vpcId: ${second.id}", json!("second")),
                ("vpcId: null", Json::Null),
            ),
            Edit::in_place(
                "/vpc",
                ("vpcId: null", Json::Null),
                ("vpcId: ${second.id}", json!("second")),
            ),
        ]
    }

    async fn look(&self, sdk: &Sdk, id: &str) -> Option<Json> {
        let vpc = vpc_of(sdk, id).await?;
        Some(json!({ "vpc": sdk.ec2_name(vpc.as_deref()).await }))
    }

    async fn vanish(&self, sdk: &Sdk, id: &str) -> bool {
        let deleted = sdk.ec2.delete_internet_gateway().internet_gateway_id(id);
        detach(sdk, id).await && deleted.send().await.is_ok()
    }

    async fn drift(&self, sdk: &Sdk, id: &str) -> bool {
        detach(sdk, id).await
    }

    async fn foreign_tag(&self, sdk: &Sdk, id: &str, set: bool) -> Option<bool> {
        sdk.ec2_foreign_tag(id, set).await
    }
}

#[tokio::test]
async fn internet_gateway() {
    check("e2e-ec2-internet-gateway", &InternetGateway).await;
}
