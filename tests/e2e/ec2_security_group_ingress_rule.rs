//! `aws:vpc:SecurityGroupIngressRule`.

use async_trait::async_trait;
use serde_json::Value as Json;

use crate::common::resource_type::{Edit, ResourceTypeTest, check};
use crate::common::sdk::Sdk;
use crate::ec2_security_group_rule::{self as rule, PrefixLists};

struct IngressRule {
    lists: PrefixLists,
}

#[async_trait]
impl ResourceTypeTest for IngressRule {
    fn token(&self) -> &'static str {
        "aws:vpc:SecurityGroupIngressRule"
    }

    fn needs(&self) -> &'static str {
        rule::GROUPS
    }

    fn base(&self) -> &'static str {
        rule::BASE
    }

    fn edits(&self) -> Vec<Edit> {
        rule::edits(&self.lists)
    }

    async fn look(&self, sdk: &Sdk, id: &str) -> Option<Json> {
        let looked = rule::look(sdk, id).await?;
        assert_eq!(looked["isEgress"], false);
        Some(looked)
    }

    async fn vanish(&self, sdk: &Sdk, id: &str) -> bool {
        rule::vanish(sdk, id).await
    }

    async fn drift(&self, sdk: &Sdk, id: &str) -> bool {
        rule::drift(sdk, id).await
    }

    async fn foreign_tag(&self, sdk: &Sdk, id: &str, set: bool) -> Option<bool> {
        sdk.ec2_foreign_tag(id, set).await
    }
}

#[tokio::test]
async fn security_group_ingress_rule() {
    let lists = PrefixLists::find().await;
    check(
        "e2e-ec2-security-group-ingress-rule",
        &IngressRule { lists },
    )
    .await;
}
