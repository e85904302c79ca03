//! `aws:ec2:NatGateway`.

use async_trait::async_trait;
use aws_sdk_ec2::types::NatGatewayState;
use serde_json::{Value as Json, json};

use crate::common::resource_type::{Edit, ResourceTypeTest, check};
use crate::common::sdk::Sdk;

/// No property of a gateway names the way out of its VPC, which a public one needs: its subnet depends on it instead.
const NETWORK: &str = "\
vpc: { type: aws:ec2:Vpc, properties: { cidrBlock: 10.0.0.0/16 } }
wayOut: { type: aws:ec2:InternetGateway, properties: { vpcId: '${vpc.id}' } }
first:
  type: aws:ec2:Subnet
  properties: { vpcId: '${vpc.id}', cidrBlock: 10.0.1.0/24 }
  options: { dependsOn: [wayOut] }
second:
  type: aws:ec2:Subnet
  properties: { vpcId: '${vpc.id}', cidrBlock: 10.0.2.0/24 }
  options: { dependsOn: [wayOut] }
firstAddress: { type: aws:ec2:Eip }
secondAddress: { type: aws:ec2:Eip }
";

struct NatGateway;

#[async_trait]
impl ResourceTypeTest for NatGateway {
    fn token(&self) -> &'static str {
        "aws:ec2:NatGateway"
    }

    fn needs(&self) -> &'static str {
        NETWORK
    }

    fn base(&self) -> &'static str {
        "{ subnetId: '${first.id}', connectivityType: private }"
    }

    fn edits(&self) -> Vec<Edit> {
        vec![
            Edit::replaces(
                "/subnet",
                ("subnetId: ${first.id}", "first"),
                ("subnetId: ${second.id}", "second"),
            ),
            Edit::replaces(
                "/address",
                (
                    "{ allocationId: '${firstAddress.allocationId}', connectivityType: public }",
                    "firstAddress",
                ),
                (
                    "{ allocationId: '${secondAddress.allocationId}', connectivityType: public }",
                    "secondAddress",
                ),
            )
            .removed(Json::Null),
            // An address serves one gateway at a time: the old gateway gives it back before the new one takes it.
            Edit::replaces(
                "/subnet",
                (
                    "{ allocationId: '${firstAddress.id}', connectivityType: public }",
                    "first",
                ),
                (
                    "{ allocationId: '${firstAddress.id}', connectivityType: public, subnetId: '${second.id}' }",
                    "second",
                ),
            ),
            Edit::replaces(
                "/connectivity",
                ("connectivityType: private", "private"),
                (
                    // The default.
                    "{ allocationId: '${firstAddress.id}', connectivityType: null }",
                    "public",
                ),
            ),
        ]
    }

    async fn look(&self, sdk: &Sdk, id: &str) -> Option<Json> {
        let answer = sdk
            .ec2
            .describe_nat_gateways()
            .nat_gateway_ids(id)
            .send()
            .await
            .ok()?;
        let gateway = answer.nat_gateways().first()?;
        let address = gateway.nat_gateway_addresses().first();
        let allocation = address.and_then(|address| address.allocation_id());
        // It stays listed for an hour.
        if gateway.state() == Some(&NatGatewayState::Deleted) {
            return None;
        }
        Some(json!({
            "subnet": sdk.ec2_name(gateway.subnet_id()).await,
            "address": sdk.ec2_name(allocation).await,
            "connectivity": gateway.connectivity_type().map(|kind| kind.as_str()),
        }))
    }

    async fn vanish(&self, sdk: &Sdk, id: &str) -> bool {
        let deleted = sdk.ec2.delete_nat_gateway().nat_gateway_id(id).send().await;
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
async fn nat_gateway() {
    check("e2e-ec2-nat-gateway", &NatGateway).await;
}
