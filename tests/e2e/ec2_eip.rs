//! `aws:ec2:Eip`. Nothing of it can be chosen: its one property has one value.

use async_trait::async_trait;
use serde_json::{Value as Json, json};

use crate::common::resource_type::{Edit, ResourceTypeTest, check};
use crate::common::sdk::Sdk;

struct Eip;

#[async_trait]
impl ResourceTypeTest for Eip {
    fn token(&self) -> &'static str {
        "aws:ec2:Eip"
    }

    fn base(&self) -> &'static str {
        "domain: vpc"
    }

    fn edits(&self) -> Vec<Edit> {
        Vec::new()
    }

    fn without_a_row(&self) -> &'static [(&'static str, &'static str)] {
        &[("domain", "has one value")]
    }

    async fn look(&self, sdk: &Sdk, id: &str) -> Option<Json> {
        let answer = sdk
            .ec2
            .describe_addresses()
            .allocation_ids(id)
            .send()
            .await
            .ok()?;
        let address = answer.addresses().first()?;
        Some(json!({ "domain": address.domain().map(|domain| domain.as_str()) }))
    }

    async fn vanish(&self, sdk: &Sdk, id: &str) -> bool {
        let released = sdk.ec2.release_address().allocation_id(id).send().await;
        released.is_ok()
    }

    async fn drift(&self, _sdk: &Sdk, _id: &str) -> bool {
        false
    }

    async fn foreign_tag(&self, sdk: &Sdk, id: &str, set: bool) -> Option<bool> {
        sdk.ec2_foreign_tag(id, set).await
    }
}

#[tokio::test]
async fn eip() {
    check("e2e-ec2-eip", &Eip).await;
}
