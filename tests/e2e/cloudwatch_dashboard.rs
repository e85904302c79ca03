//! `aws:cloudwatch:Dashboard`.

use async_trait::async_trait;
use serde_json::{Value as Json, json};

use crate::common::resource_type::{Edit, ResourceTypeTest, check};
use crate::common::sdk::Sdk;

struct Dashboard;

async fn put(sdk: &Sdk, name: &str, body: &Json) -> bool {
    sdk.cloudwatch
        .put_dashboard()
        .dashboard_name(name)
        .dashboard_body(body.to_string())
        .send()
        .await
        .is_ok()
}

#[async_trait]
impl ResourceTypeTest for Dashboard {
    fn token(&self) -> &'static str {
        "aws:cloudwatch:Dashboard"
    }

    fn base(&self) -> &'static str {
        "dashboardBody: { widgets: [{ type: text, properties: { markdown: base } }] }"
    }

    fn edits(&self) -> Vec<Edit> {
        let text = |text: &str| json!([{ "type": "text", "properties": { "markdown": text }, "width": 6 }]);
        vec![
            Edit::replaces(
                "/name",
                ("dashboardName: e2e-dashboard-one", "e2e-dashboard-one"),
                ("dashboardName: e2e-dashboard-two", "e2e-dashboard-two"),
            ),
            Edit::in_place(
                "/widgets",
                (
                    "dashboardBody: { widgets: [{ type: text, width: 6, properties: { markdown: one } }] }",
                    text("one"),
                ),
                (
                    // As JSON text.
                    r#"dashboardBody: '{"widgets": [{"width": 6, "type": "text", "properties": {"markdown": "two"}}]}'"#,
                    text("two"),
                ),
            )
            .removed(json!([{ "type": "text", "properties": { "markdown": "base" } }])),
        ]
    }

    async fn look(&self, sdk: &Sdk, id: &str) -> Option<Json> {
        let asked = sdk.cloudwatch.get_dashboard().dashboard_name(id).send();
        let answer = asked.await.ok()?;
        let body: Json = serde_json::from_str(answer.dashboard_body()?).expect("it is JSON");
        Some(json!({ "name": answer.dashboard_name(), "widgets": body["widgets"] }))
    }

    async fn vanish(&self, sdk: &Sdk, id: &str) -> bool {
        let deleted = sdk.cloudwatch.delete_dashboards().dashboard_names(id);
        deleted.send().await.is_ok()
    }

    async fn drift(&self, sdk: &Sdk, id: &str) -> bool {
        put(sdk, id, &json!({ "widgets": [] })).await
    }

    async fn foreign_tag(&self, sdk: &Sdk, id: &str, set: bool) -> Option<bool> {
        let asked = sdk.cloudwatch.get_dashboard().dashboard_name(id).send();
        let answer = asked.await.expect("the dashboard is there");
        sdk.foreign_tag(answer.dashboard_arn()?, set).await
    }
}

#[tokio::test]
async fn dashboard() {
    check("e2e-cloudwatch-dashboard", &Dashboard).await;
}
