//! `aws:ec2:RouteTable`.

use async_trait::async_trait;
use serde_json::{Value as Json, json};

use crate::common::needs::TWO_VPCS;
use crate::common::resource_type::{Edit, ResourceTypeTest, check};
use crate::common::sdk::Sdk;

struct RouteTable;

#[async_trait]
impl ResourceTypeTest for RouteTable {
    fn token(&self) -> &'static str {
        "aws:ec2:RouteTable"
    }

    fn needs(&self) -> &'static str {
        TWO_VPCS
    }

    fn base(&self) -> &'static str {
        "vpcId: ${first.id}"
    }

    fn edits(&self) -> Vec<Edit> {
        vec![Edit::replaces(
            "/vpc",
            ("vpcId: ${first.id}", "first"),
            ("vpcId: ${second.id}", "second"),
        )]
    }

    async fn look(&self, sdk: &Sdk, id: &str) -> Option<Json> {
        let answer = sdk
            .ec2
            .describe_route_tables()
            .route_table_ids(id)
            .send()
            .await
            .ok()?;
        let table = answer.route_tables().first()?;
        Some(json!({ "vpc": sdk.ec2_name(table.vpc_id()).await }))
    }

    async fn vanish(&self, sdk: &Sdk, id: &str) -> bool {
        let deleted = sdk.ec2.delete_route_table().route_table_id(id).send().await;
        deleted.is_ok()
    }

    async fn drift(&self, _sdk: &Sdk, _id: &str) -> bool {
        false
    }

    async fn foreign_tag(&self, sdk: &Sdk, id: &str, set: bool) -> Option<bool> {
        sdk.ec2_foreign_tag(id, set).await
    }
}

#[tokio::test]
async fn route_table() {
    check("e2e-ec2-route-table", &RouteTable).await;
}
