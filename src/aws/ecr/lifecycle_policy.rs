//! ECR lifecycle policy: part of its repository, one at most, put whole.
//!
//! AWS stores the document re-serialised, with its rules in the order of their priorities.

use std::collections::BTreeMap;
use std::sync::Arc;

use async_trait::async_trait;
use futures_util::future::{join_all, try_join_all};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::aws::context::Context;
use crate::aws::error::{AwsResult, expected};
use crate::aws::policy::{canonical_json, to_text};
use crate::aws::resource_type::{Change, Live, LiveOf, New, ResourceType};
use crate::aws::wait::until_visible;
use crate::resource::diff::sorted;
use crate::resource::provider::{DataPolicy, Progress, Query};
use crate::resource::{
    Condition, CreateClass, ErrorKind, Properties, Property, Schema, Tags, Value,
};

/// Which images of a repository expire.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Inputs {
    /// Name of the repository.
    pub repository: String,
    /// The policy document, `{"rules": [...]}`, as an object or as JSON text.
    pub policy: serde_json::Value,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Outputs {
    pub registry_id: Option<String>,
}

pub struct LifecyclePolicy;

#[async_trait]
impl ResourceType for LifecyclePolicy {
    type Inputs = Inputs;
    type Outputs = Outputs;

    fn schema(&self) -> Schema {
        Schema::new::<Inputs>("aws:ecr:LifecyclePolicy", CreateClass::PartOfParent)
            .properties([
                Property::new("repository").required().replaces(),
                Property::new("policy").required().canonical(canonical),
            ])
            .outputs(&["registryId"])
            .discards(discards)
            .key(&["repository"])
            .reads_after(&["aws:ecr:Repository"])
            .hangs_on("repository", "aws:ecr:Repository")
    }

    async fn ahead(&self, context: &Context, query: Query<'_>) {
        let repositories = query.parents_of_parts("aws:ecr:Repository", "repository");
        let asked = repositories
            .iter()
            .map(|repository| policy_of(context, query, repository));
        drop(join_all(asked).await);
    }

    async fn read(&self, context: &Context, query: Query<'_>) -> AwsResult<Vec<LiveOf<Self>>> {
        let repositories = query.parents_of_parts("aws:ecr:Repository", "repository");
        let policies = repositories
            .iter()
            .map(|repository| policy_of(context, query, repository));
        let policies = try_join_all(policies).await?;
        let policies = policies.iter().filter_map(|policy| policy.as_ref().clone());
        Ok(policies.collect())
    }

    async fn create(
        &self,
        context: &Context,
        new: New<'_, Self::Inputs>,
    ) -> AwsResult<LiveOf<Self>> {
        put(context, new.inputs).await
    }

    async fn update(&self, context: &Context, change: Change<'_, Self>) -> AwsResult<LiveOf<Self>> {
        put(context, change.wanted).await
    }

    async fn delete(
        &self,
        context: &Context,
        live: &LiveOf<Self>,
        _data: DataPolicy,
        _progress: &dyn Progress,
    ) -> AwsResult<()> {
        context
            .call("ecr:DeleteLifecyclePolicy", || {
                context
                    .ecr
                    .delete_lifecycle_policy()
                    .repository_name(&live.inputs.repository)
                    .send()
            })
            .await?;
        Ok(())
    }
}

/// The policy of one repository, asked for once per reading.
async fn policy_of(
    context: &Context,
    query: Query<'_>,
    repository: &str,
) -> AwsResult<Arc<Option<LiveOf<LifecyclePolicy>>>> {
    let key = format!("ecr:GetLifecyclePolicy {repository}");
    query.session.once(&key, || get(context, repository)).await
}

async fn get(context: &Context, repository: &str) -> AwsResult<Option<LiveOf<LifecyclePolicy>>> {
    const OPERATION: &str = "ecr:GetLifecyclePolicy";
    let answer = context
        .call(OPERATION, || {
            context
                .ecr
                .get_lifecycle_policy()
                .repository_name(repository)
                .send()
        })
        .await;
    match answer {
        Ok(answer) => {
            let text = answer.lifecycle_policy_text();
            let text = expected(OPERATION, text, "`lifecyclePolicyText`")?;
            let policy = serde_json::from_str(text)
                .unwrap_or_else(|_| serde_json::Value::String(text.to_owned()));
            Ok(Some(live(
                repository,
                policy,
                answer.registry_id().map(str::to_owned),
            )))
        }
        Err(error) if error.is(ErrorKind::NotFound) => Ok(None),
        Err(error) => Err(error),
    }
}

async fn put(context: &Context, inputs: &Inputs) -> AwsResult<LiveOf<LifecyclePolicy>> {
    let answer = until_visible(|| {
        context.call("ecr:PutLifecyclePolicy", || {
            context
                .ecr
                .put_lifecycle_policy()
                .repository_name(&inputs.repository)
                .lifecycle_policy_text(to_text(&inputs.policy))
                .send()
        })
    })
    .await?;
    Ok(live(
        &inputs.repository,
        inputs.policy.clone(),
        answer.registry_id().map(str::to_owned),
    ))
}

fn live(
    repository: &str,
    policy: serde_json::Value,
    registry_id: Option<String>,
) -> LiveOf<LifecyclePolicy> {
    Live {
        // It has none of its own, and the repository's is the repository's.
        id: format!("{repository}/lifecycle-policy"),
        arn: None,
        inputs: Inputs {
            repository: repository.to_owned(),
            policy,
        },
        outputs: Outputs { registry_id },
        tags: Tags::default(),
        condition: Condition::Ready,
    }
}

/// Rules in the order of their priorities, tag lists as sets.
fn canonical(document: Value) -> Value {
    let mut policy = match canonical_json(document) {
        Value::Object(policy) => policy,
        other => return other,
    };
    if let Some(Value::List(rules)) = policy.remove("rules") {
        let mut rules: Vec<Value> = rules.into_iter().map(canonical_rule).collect();
        rules.sort_by(|left, right| priority(left).total_cmp(&priority(right)));
        policy.insert("rules".to_owned(), Value::List(rules));
    }
    Value::Object(policy)
}

/// Whether images expire that did not before, or earlier than before.
fn discards(observed: &Properties, wanted: &Properties) -> Option<&'static str> {
    let (before, after) = (expirations(observed), expirations(wanted));
    let mut after = after.iter();
    let is_earlier =
        after.any(|(what, count)| before.get(what).is_none_or(|before| count < before));
    is_earlier.then_some("images beyond that go for good")
}

/// How many images, or days, are kept, by what the rule selects.
fn expirations(inputs: &Properties) -> BTreeMap<String, f64> {
    let policy = inputs.get("policy").cloned().map(canonical);
    let rules = policy
        .as_ref()
        .and_then(|policy| policy.as_object()?.get("rules"));
    let Some(Value::List(rules)) = rules else {
        return BTreeMap::new();
    };
    let selections = rules.iter().filter_map(|rule| {
        let mut selection = rule.as_object()?.get("selection")?.as_object()?.clone();
        let count = selection.remove("countNumber")?.as_number()?;
        Some((format!("{selection:?}"), count))
    });
    selections.collect()
}

fn priority(rule: &Value) -> f64 {
    rule.as_object()
        .and_then(|rule| rule.get("rulePriority")?.as_number())
        .unwrap_or(f64::INFINITY)
}

fn canonical_rule(rule: Value) -> Value {
    let Value::Object(mut rule) = rule else {
        return rule;
    };
    if let Some(Value::Object(selection)) = rule.get_mut("selection") {
        for list in ["tagPrefixList", "tagPatternList"] {
            if let Some(tags) = selection.remove(list) {
                selection.insert(list.to_owned(), sorted(tags));
            }
        }
    }
    Value::Object(rule)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn order_of_rules_and_tags_means_nothing() {
        let rule = |priority: u32, tags: &[&str]| {
            json!({"rulePriority": priority, "selection": {"tagStatus": "tagged", "tagPrefixList": tags,
                "countType": "imageCountMoreThan", "countNumber": 10}, "action": {"type": "expire"}})
        };
        let written = json!({"rules": [rule(2, &["b", "a"]), rule(1, &["c"])]});
        let stored = json!({"rules": [rule(1, &["c"]), rule(2, &["a", "b"])]});
        assert_eq!(
            canonical(written.into()),
            canonical(Value::from(stored.to_string()))
        );
    }
}
