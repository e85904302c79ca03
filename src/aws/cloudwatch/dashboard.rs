//! CloudWatch dashboard.
//!
//! - Names are unique in the account, across regions: a dashboard's ARN has none. Two regions that want one name collide.
//! - `PutDashboard` refuses a body with errors, and returns messages when it accepts one with flaws.

use std::collections::BTreeSet;

use futures_util::future::try_join_all;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{list_tags, standing, tags_of, to_sdk};
use crate::aws::context::Context;
use crate::aws::error::{AwsResult, if_there};
use crate::aws::policy::{canonical_json, to_text};
use crate::aws::resource_type::{Change, Live, LiveOf, New, Old, ResourceType, adopt};
use crate::resource::provider::{Progress, Query};
use crate::resource::text_rule::is_plain;
use crate::resource::{Condition, CreateClass, OutputTable, PropertyTable, Schema, Tags, TextRule};

/// A page of graphs.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema, PropertyTable)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Inputs {
    /// The name: 1 to 255 letters, digits, hyphens and underscores; unique in the account.
    #[property(replaces, text(NAME))]
    pub dashboard_name: String,
    /// The dashboard's source: up to 500 widgets, as an object or as JSON text.
    #[property(required, canonical(canonical_json))]
    pub dashboard_body: serde_json::Value,
}

#[derive(Debug, Clone, Serialize, Deserialize, OutputTable)]
#[serde(rename_all = "camelCase")]
pub struct Outputs {
    /// The ARN, which names no region.
    pub dashboard_arn: String,
}

const NAME: TextRule = TextRule::new(1..=255).of(
    |c| is_plain(c) || "_-".contains(c),
    "letters, digits, `_` and `-`",
);

pub struct Dashboard;

impl ResourceType for Dashboard {
    type Inputs = Inputs;
    type Outputs = Outputs;

    fn schema(&self) -> Schema {
        Schema::of::<Inputs, Outputs>("aws:cloudwatch:Dashboard", CreateClass::NaturalKey)
            .blockers(&[])
            .found_by_name()
            .named(Inputs::DASHBOARD_NAME, 255)
            .global()
    }

    async fn read(&self, context: &Context, query: Query<'_>) -> AwsResult<Vec<LiveOf<Self>>> {
        let names: BTreeSet<String> = query.candidate_names("dashboardName");
        let wanted = query.wanted_names("dashboardName");
        let reads = names.iter().map(|name| async move {
            let Some(body) = get(context, name).await? else {
                return Ok(None);
            };
            let tags = tags_of(context, query, &arn(context, name)).await?;
            Ok(Some(live(context, name, body, tags)))
        });
        Ok(try_join_all(reads)
            .await?
            .into_iter()
            .flatten()
            .filter(|dashboard| {
                dashboard.tags.belongs_to(query.stack) || wanted.contains(dashboard.id.as_str())
            })
            .collect())
    }

    async fn create(&self, context: &Context, new: New<'_, Self>) -> AwsResult<LiveOf<Self>> {
        let Inputs {
            dashboard_name: name,
            dashboard_body: body,
        } = new.inputs;
        if let Some(met) = get(context, name).await? {
            let tags = list_tags(context, &arn(context, name)).await?;
            let conflict = standing(context, "cloudwatch:PutDashboard");
            return adopt(new.tags, live(context, name, met, tags), conflict);
        }
        put(context, new.inputs, Some(new.tags), new.progress).await?;
        Ok(live(context, name, body.clone(), new.tags.clone()))
    }

    async fn update(&self, context: &Context, change: Change<'_, Self>) -> AwsResult<LiveOf<Self>> {
        put(context, change.wanted, None, change.progress).await?;
        Ok(change.applied())
    }

    async fn delete(&self, context: &Context, old: Old<'_, Self>) -> AwsResult<()> {
        let request = context
            .cloudwatch
            .delete_dashboards()
            .dashboard_names(&old.live.id);
        context.send(request).await?;
        Ok(())
    }
}

/// Returns the body of a dashboard, `None` if there is no such dashboard.
async fn get(context: &Context, name: &str) -> AwsResult<Option<serde_json::Value>> {
    let answer = context
        .send(context.cloudwatch.get_dashboard().dashboard_name(name))
        .await;
    let body = if_there(answer)?.map(|answer| answer.dashboard_body.unwrap_or_default());
    Ok(body.map(serde_json::Value::String))
}

async fn put(
    context: &Context,
    inputs: &Inputs,
    tags: Option<&Tags>,
    progress: &dyn Progress,
) -> AwsResult<()> {
    let request = context
        .cloudwatch
        .put_dashboard()
        .dashboard_name(&inputs.dashboard_name)
        .dashboard_body(to_text(&inputs.dashboard_body))
        .set_tags(tags.map(to_sdk));
    let answer = context.send(request).await?;
    for flaw in answer.dashboard_validation_messages() {
        progress.status(&format!(
            "taken with a warning: {}: {}",
            flaw.data_path().unwrap_or_default(),
            flaw.message().unwrap_or_default()
        ));
    }
    Ok(())
}

fn arn(context: &Context, name: &str) -> String {
    format!(
        "arn:{}:cloudwatch::{}:dashboard/{name}",
        context.partition, context.account_id
    )
}

fn live(context: &Context, name: &str, body: serde_json::Value, tags: Tags) -> LiveOf<Dashboard> {
    let arn = arn(context, name);
    Live {
        id: name.to_owned(),
        arn: Some(arn.clone()),
        inputs: Inputs {
            dashboard_name: name.to_owned(),
            dashboard_body: body,
        },
        outputs: Outputs { dashboard_arn: arn },
        tags,
        condition: Condition::Ready,
    }
}
