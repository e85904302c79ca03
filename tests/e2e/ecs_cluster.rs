//! `aws:ecs:Cluster`.

use async_trait::async_trait;
use aws_sdk_ecs::types::{ClusterField, ClusterSetting, ClusterSettingName};
use serde_json::{Value as Json, json};

use crate::common::resource_type::{Edit, ResourceTypeTest, check};
use crate::common::sdk::Sdk;

struct Cluster;

#[async_trait]
impl ResourceTypeTest for Cluster {
    fn token(&self) -> &'static str {
        "aws:ecs:Cluster"
    }

    fn base(&self) -> &'static str {
        "settings: [{ name: containerInsights, value: enabled }]"
    }

    fn edits(&self) -> Vec<Edit> {
        vec![
            Edit::in_place(
                "/insights",
                (
                    "settings: [{ name: containerInsights, value: enabled }]",
                    "enabled",
                ),
                (
                    "settings: [{ name: containerInsights, value: disabled }]",
                    "disabled",
                ),
            ),
            Edit::replaces(
                "/name",
                ("name: e2e-cluster-one", "e2e-cluster-one"),
                ("name: e2e-cluster-two", "e2e-cluster-two"),
            ),
        ]
    }

    async fn look(&self, sdk: &Sdk, id: &str) -> Option<Json> {
        let answer = sdk
            .ecs
            .describe_clusters()
            .clusters(id)
            .include(ClusterField::Settings)
            .send()
            .await
            .ok()?;
        let cluster = answer
            .clusters()
            .first()
            .filter(|cluster| cluster.status() == Some("ACTIVE"))?;
        Some(json!({
            "name": cluster.cluster_name(),
            "insights": cluster.settings().first().and_then(|setting| setting.value()),
        }))
    }

    async fn vanish(&self, sdk: &Sdk, id: &str) -> bool {
        sdk.ecs.delete_cluster().cluster(id).send().await.is_ok()
    }

    async fn drift(&self, sdk: &Sdk, id: &str) -> bool {
        let disabled = ClusterSetting::builder()
            .name(ClusterSettingName::ContainerInsights)
            .value("disabled")
            .build();
        sdk.ecs
            .update_cluster_settings()
            .cluster(id)
            .settings(disabled)
            .send()
            .await
            .is_ok()
    }

    async fn foreign_tag(&self, sdk: &Sdk, id: &str, set: bool) -> Option<bool> {
        sdk.foreign_tag(id, set).await
    }
}

#[tokio::test]
async fn cluster() {
    check("e2e-ecs-cluster", &Cluster).await;
}
