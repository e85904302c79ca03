//! `aws:sns:Topic`.

use async_trait::async_trait;
use serde_json::{Value as Json, json};

use crate::common::resource_type::{Edit, ResourceTypeTest, check};
use crate::common::sdk::Sdk;

struct Topic;

#[async_trait]
impl ResourceTypeTest for Topic {
    fn token(&self) -> &'static str {
        "aws:sns:Topic"
    }

    fn base(&self) -> &'static str {
        "{}"
    }

    fn edits(&self) -> Vec<Edit> {
        vec![
            Edit::replaces(
                "/name",
                ("name: e2e-sns-topic-one", "e2e-sns-topic-one"),
                ("name: e2e-sns-topic-two", "e2e-sns-topic-two"),
            ),
            Edit::in_place(
                "/displayName",
                ("displayName: One", "One"),
                ("displayName: Two", "Two"),
            )
            .removed(Json::Null),
            Edit::in_place(
                "/key",
                ("kmsMasterKeyId: alias/aws/sns", "alias/aws/sns"),
                ("kmsMasterKeyId: alias/mine", "alias/mine"),
            )
            .removed(Json::Null),
        ]
    }

    async fn look(&self, sdk: &Sdk, id: &str) -> Option<Json> {
        let asked = sdk.sns.get_topic_attributes().topic_arn(id).send();
        let answer = asked.await.ok()?;
        let set = |name: &str| {
            let value = answer.attributes()?.get(name)?;
            Some(value.clone()).filter(|value| !value.is_empty())
        };
        Some(json!({
            "name": id.rsplit(':').next(),
            "displayName": set("DisplayName"),
            "key": set("KmsMasterKeyId"),
        }))
    }

    async fn vanish(&self, sdk: &Sdk, id: &str) -> bool {
        sdk.sns.delete_topic().topic_arn(id).send().await.is_ok()
    }

    async fn drift(&self, sdk: &Sdk, id: &str) -> bool {
        sdk.sns
            .set_topic_attributes()
            .topic_arn(id)
            .attribute_name("DisplayName")
            .attribute_value("Somebody else's")
            .send()
            .await
            .is_ok()
    }

    async fn foreign_tag(&self, sdk: &Sdk, id: &str, set: bool) -> Option<bool> {
        sdk.foreign_tag(id, set).await
    }
}

#[tokio::test]
async fn topic() {
    check("e2e-sns-topic", &Topic).await;
}
