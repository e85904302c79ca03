//! `aws:cloudwatch:LogGroup`.

use async_trait::async_trait;
use serde_json::{Value as Json, json};

use crate::common::resource_type::{Edit, ResourceTypeTest, check};
use crate::common::sdk::Sdk;

struct LogGroup;

#[async_trait]
impl ResourceTypeTest for LogGroup {
    fn token(&self) -> &'static str {
        "aws:cloudwatch:LogGroup"
    }

    fn base(&self) -> &'static str {
        "{}"
    }

    fn edits(&self) -> Vec<Edit> {
        vec![
            Edit::in_place(
                "/retention",
                ("retentionInDays: 7", 7),
                ("retentionInDays: 30", 30),
            )
            .removed(Json::Null),
            Edit::in_place(
                "/key",
                (
                    "kmsKeyId: arn:aws:kms:eu-south-2:123456789012:key/11111111-2222-3333-4444-555555555555",
                    "arn:aws:kms:eu-south-2:123456789012:key/11111111-2222-3333-4444-555555555555",
                ),
                (
                    "kmsKeyId: arn:aws:kms:eu-south-2:123456789012:key/66666666-2222-3333-4444-555555555555",
                    "arn:aws:kms:eu-south-2:123456789012:key/66666666-2222-3333-4444-555555555555",
                ),
            )
            .removed(Json::Null),
            Edit::replaces(
                "/name",
                ("name: /e2e/logs-log-group/one", "/e2e/logs-log-group/one"),
                ("name: /e2e/logs-log-group/two", "/e2e/logs-log-group/two"),
            ),
        ]
    }

    async fn look(&self, sdk: &Sdk, id: &str) -> Option<Json> {
        let answer = sdk
            .logs
            .describe_log_groups()
            .log_group_name_prefix(id)
            .send()
            .await
            .expect("log groups can be listed");
        let group = answer
            .log_groups()
            .iter()
            .find(|group| group.log_group_name() == Some(id))?;
        Some(json!({
            "name": id,
            "retention": group.retention_in_days(),
            "key": group.kms_key_id(),
        }))
    }

    async fn vanish(&self, sdk: &Sdk, id: &str) -> bool {
        let deleted = sdk.logs.delete_log_group().log_group_name(id).send().await;
        deleted.is_ok()
    }

    async fn drift(&self, sdk: &Sdk, id: &str) -> bool {
        sdk.logs
            .put_retention_policy()
            .log_group_name(id)
            .retention_in_days(365)
            .send()
            .await
            .is_ok()
    }

    async fn foreign_tag(&self, sdk: &Sdk, id: &str, set: bool) -> Option<bool> {
        let answer = sdk
            .logs
            .describe_log_groups()
            .log_group_name_prefix(id)
            .send()
            .await
            .expect("log groups can be listed");
        let arn = answer.log_groups().first()?.arn()?;
        sdk.foreign_tag(arn.trim_end_matches(":*"), set).await
    }
}

#[tokio::test]
async fn log_group() {
    check("e2e-logs-log-group", &LogGroup).await;
}
