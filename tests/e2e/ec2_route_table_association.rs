//! `aws:ec2:RouteTableAssociation`.

use async_trait::async_trait;
use aws_sdk_ec2::types::{Filter, RouteTable, RouteTableAssociation as Association};
use serde_json::{Value as Json, json};

use crate::common::resource_type::{Edit, ResourceTypeTest, check};
use crate::common::sdk::Sdk;

const NETWORK: &str = "\
vpc: { type: aws:ec2:Vpc, properties: { cidrBlock: 10.0.0.0/16 } }
here: { type: aws:ec2:Subnet, properties: { vpcId: '${vpc.id}', cidrBlock: 10.0.1.0/24 } }
there: { type: aws:ec2:Subnet, properties: { vpcId: '${vpc.id}', cidrBlock: 10.0.2.0/24 } }
first: { type: aws:ec2:RouteTable, properties: { vpcId: '${vpc.id}' } }
second: { type: aws:ec2:RouteTable, properties: { vpcId: '${vpc.id}' } }
";

struct RouteTableAssociation;

async fn find(sdk: &Sdk, id: &str) -> Option<Association> {
    let answer = sdk
        .ec2
        .describe_route_tables()
        .filters(
            Filter::builder()
                .name("association.route-table-association-id")
                .values(id)
                .build(),
        )
        .send()
        .await
        .expect("EC2 answers");
    answer
        .route_tables()
        .iter()
        .flat_map(RouteTable::associations)
        .find(|association| association.route_table_association_id() == Some(id))
        .cloned()
}

#[async_trait]
impl ResourceTypeTest for RouteTableAssociation {
    fn token(&self) -> &'static str {
        "aws:ec2:RouteTableAssociation"
    }

    fn needs(&self) -> &'static str {
        NETWORK
    }

    fn base(&self) -> &'static str {
        "{ routeTableId: '${first.id}', subnetId: '${here.id}' }"
    }

    fn edits(&self) -> Vec<Edit> {
        vec![
            Edit::in_place(
                "/table",
                ("routeTableId: ${first.id}", "first"),
                ("routeTableId: ${second.id}", "second"),
            ),
            Edit::moves(
                "/subnet",
                ("subnetId: ${here.id}", "here"),
                ("subnetId: ${there.id}", "there"),
            ),
        ]
    }

    async fn look(&self, sdk: &Sdk, id: &str) -> Option<Json> {
        let association = find(sdk, id).await?;
        Some(json!({
            "table": sdk.ec2_name(association.route_table_id()).await,
            "subnet": sdk.ec2_name(association.subnet_id()).await,
        }))
    }

    async fn vanish(&self, sdk: &Sdk, id: &str) -> bool {
        let gone = sdk.ec2.disassociate_route_table().association_id(id);
        gone.send().await.is_ok()
    }

    /// A change would give it another id, by which it could not be looked at: moving to another table is an edit above.
    async fn drift(&self, _sdk: &Sdk, _id: &str) -> bool {
        false
    }

    async fn foreign_tag(&self, _sdk: &Sdk, _id: &str, _set: bool) -> Option<bool> {
        None
    }
}

#[tokio::test]
async fn route_table_association() {
    check("e2e-ec2-route-table-association", &RouteTableAssociation).await;
}
