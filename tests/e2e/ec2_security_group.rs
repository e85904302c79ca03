//! `aws:ec2:SecurityGroup`.

use async_trait::async_trait;
use aws_sdk_ec2::types::{IpPermission, IpRange};
use serde_json::{Value as Json, json};

use crate::common::needs::TWO_VPCS;
use crate::common::resource_type::{Edit, ResourceTypeTest, check};
use crate::common::sdk::Sdk;

struct SecurityGroup;

#[async_trait]
impl ResourceTypeTest for SecurityGroup {
    fn token(&self) -> &'static str {
        "aws:ec2:SecurityGroup"
    }

    fn needs(&self) -> &'static str {
        TWO_VPCS
    }

    fn base(&self) -> &'static str {
        "vpcId: ${first.id}"
    }

    fn edits(&self) -> Vec<Edit> {
        vec![
            Edit::replaces("/name", ("name: one", "one"), ("name: two", "two")),
            Edit::replaces(
                "/description",
                ("description: One", "One"),
                ("description: Two", "Two"),
            )
            .removed("Managed by fde-infra"),
            // The name cannot be used twice: delete first.
            Edit::replaces(
                "/description",
                ("{ name: mine, description: One }", "One"),
                ("{ name: mine, description: Two }", "Two"),
            ),
            Edit::replaces(
                "/vpc",
                ("vpcId: ${first.id}", "first"),
                ("vpcId: ${second.id}", "second"),
            ),
            Edit::in_place(
                "/out",
                ("defaultEgress: false", json!([])),
                ("defaultEgress: true", json!(["0.0.0.0/0"])),
            )
            .removed(json!([])),
        ]
    }

    async fn look(&self, sdk: &Sdk, id: &str) -> Option<Json> {
        let answer = sdk
            .ec2
            .describe_security_groups()
            .group_ids(id)
            .send()
            .await
            .ok()?;
        let group = answer.security_groups().first()?;
        let out: Vec<&str> = group
            .ip_permissions_egress()
            .iter()
            .flat_map(IpPermission::ip_ranges)
            .filter_map(IpRange::cidr_ip)
            .collect();
        Some(json!({
            "name": group.group_name(),
            "description": group.description(),
            "vpc": sdk.ec2_name(group.vpc_id()).await,
            "out": out,
        }))
    }

    async fn vanish(&self, sdk: &Sdk, id: &str) -> bool {
        let deleted = sdk.ec2.delete_security_group().group_id(id).send().await;
        deleted.is_ok()
    }

    /// Opens it to everywhere, as the console's button does.
    async fn drift(&self, sdk: &Sdk, id: &str) -> bool {
        let everywhere = IpRange::builder().cidr_ip("0.0.0.0/0").build();
        let permission = IpPermission::builder()
            .ip_protocol("-1")
            .ip_ranges(everywhere)
            .build();
        sdk.ec2
            .authorize_security_group_egress()
            .group_id(id)
            .ip_permissions(permission)
            .send()
            .await
            .is_ok()
    }

    async fn foreign_tag(&self, sdk: &Sdk, id: &str, set: bool) -> Option<bool> {
        sdk.ec2_foreign_tag(id, set).await
    }
}

#[tokio::test]
async fn security_group() {
    check("e2e-ec2-security-group", &SecurityGroup).await;
}
