//! ECR lifecycle policy: part of its repository, one at most, put whole.
//!
//! AWS stores the document re-serialised, with its rules in the order of their priorities.

use std::collections::BTreeMap;
use std::future::Future;
use std::sync::Arc;

use futures_util::future::{join_all, try_join_all};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::aws::context::Context;
use crate::aws::error::{AwsResult, expected, if_there};
use crate::aws::policy::{canonical_json, to_text};
use crate::aws::resource_type::{Change, Live, LiveOf, New, Old, ResourceType};
use crate::aws::wait::until_visible;
use crate::resource::diff::sorted;
use crate::resource::provider::Query;
use crate::resource::{
    Condition, CreateClass, Expiry, OutputTable, Properties, PropertyTable, Schema, Tags, Value,
};

/// Which images of a repository expire.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema, PropertyTable)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Inputs {
    /// Name of the repository.
    #[property(required, replaces)]
    pub repository: String,
    /// The policy document, `{"rules": [...]}`, as an object or as JSON text.
    #[property(required, canonical(canonical))]
    pub policy: serde_json::Value,
}

#[derive(Debug, Clone, Serialize, Deserialize, OutputTable)]
#[serde(rename_all = "camelCase")]
pub struct Outputs {
    /// The account that the registry belongs to.
    pub registry_id: Option<String>,
}

pub struct LifecyclePolicy;

impl ResourceType for LifecyclePolicy {
    type Inputs = Inputs;
    type Outputs = Outputs;

    fn schema(&self) -> Schema {
        Schema::of::<Inputs, Outputs>("aws:ecr:LifecyclePolicy", CreateClass::PartOfParent)
            .discards(discards)
            .expires(Expiry {
                part_of: Inputs::REPOSITORY,
                token: "aws:ecr:Repository",
                takes,
            })
            .key(&[Inputs::REPOSITORY])
            .reads_after(&["aws:ecr:Repository"])
            .child_of(Inputs::REPOSITORY, "aws:ecr:Repository")
    }

    async fn ahead(&self, context: &Context, query: Query<'_>) {
        drop(join_all(policies(context, query)).await);
    }

    async fn read(&self, context: &Context, query: Query<'_>) -> AwsResult<Vec<LiveOf<Self>>> {
        let policies = try_join_all(policies(context, query)).await?;
        let policies = policies.iter().filter_map(|policy| policy.as_ref().clone());
        Ok(policies.collect())
    }

    async fn create(&self, context: &Context, new: New<'_, Self>) -> AwsResult<LiveOf<Self>> {
        put(context, new.inputs).await
    }

    async fn update(&self, context: &Context, change: Change<'_, Self>) -> AwsResult<LiveOf<Self>> {
        put(context, change.wanted).await
    }

    async fn delete(&self, context: &Context, old: Old<'_, Self>) -> AwsResult<()> {
        let request = context
            .ecr
            .delete_lifecycle_policy()
            .repository_name(&old.live.inputs.repository);
        context.send(request).await?;
        Ok(())
    }
}

/// The requests for the policies of the repositories, each of them made once per reading.
fn policies<'a>(
    context: &'a Context,
    query: Query<'a>,
) -> impl Iterator<Item = impl Future<Output = AwsResult<Arc<Option<LiveOf<LifecyclePolicy>>>>>> {
    let repositories = query.parents_of_parts("aws:ecr:Repository", "repository");
    repositories.into_iter().map(move |repository| async move {
        let key = format!("ecr:GetLifecyclePolicy {repository}");
        query.session.once(&key, || get(context, &repository)).await
    })
}

async fn get(context: &Context, repository: &str) -> AwsResult<Option<LiveOf<LifecyclePolicy>>> {
    const OPERATION: &str = "ecr:GetLifecyclePolicy";
    let request = context
        .ecr
        .get_lifecycle_policy()
        .repository_name(repository);
    let Some(answer) = if_there(context.send(request).await)? else {
        return Ok(None);
    };
    let text = answer.lifecycle_policy_text();
    let text = expected(OPERATION, text, "`lifecyclePolicyText`")?;
    let policy =
        serde_json::from_str(text).unwrap_or_else(|_| serde_json::Value::String(text.to_owned()));
    let registry = answer.registry_id().map(str::to_owned);
    let inputs = Inputs {
        repository: repository.to_owned(),
        policy,
    };
    Ok(Some(live(inputs, registry)))
}

async fn put(context: &Context, inputs: &Inputs) -> AwsResult<LiveOf<LifecyclePolicy>> {
    let answer = until_visible(|| {
        let request = context
            .ecr
            .put_lifecycle_policy()
            .repository_name(&inputs.repository)
            .lifecycle_policy_text(to_text(&inputs.policy));
        context.send(request)
    })
    .await?;
    let registry = answer.registry_id().map(str::to_owned);
    Ok(live(inputs.clone(), registry))
}

fn live(inputs: Inputs, registry_id: Option<String>) -> LiveOf<LifecyclePolicy> {
    Live {
        // It has none of its own, and the repository's is the repository's.
        id: format!("{}/lifecycle-policy", inputs.repository),
        arn: None,
        inputs,
        outputs: Outputs { registry_id },
        tags: Tags::default(),
        condition: Condition::Ready,
    }
}

/// Rules in the order of their priorities, tag lists as sets.
fn canonical(document: Value) -> Value {
    let document = canonical_json(document);
    let Value::Object(mut policy) = document else {
        return document;
    };
    if let Some(Value::List(rules)) = policy.remove("rules") {
        let mut rules: Vec<Value> = rules.into_iter().map(canonical_rule).collect();
        rules.sort_by(|left, right| priority(left).total_cmp(&priority(right)));
        policy.insert("rules".to_owned(), Value::List(rules));
    }
    Value::Object(policy)
}

/// Returns whether images expire that did not before, or earlier than before.
fn discards(observed: &Properties, wanted: &Properties) -> Option<&'static str> {
    let (before, after) = (expirations(observed), expirations(wanted));
    let mut came = after.iter();
    let mut gone = before.iter();
    let is_earlier = came.any(|rule| is_earlier(&before, rule))
        || gone.any(|rule| kept_by(&after, rule).is_some_and(|after| after < rule.most));
    is_earlier.then_some("more images expire and are lost")
}

/// How many images, or days, the rules keep of what a rule selects. Without a rule of their own, images fall under the rule for
/// all, if there is one.
fn kept_by(rules: &[Expiration], rule: &Expiration) -> Option<f64> {
    let of_all = || rules.iter().find(|other| other.is_of_all());
    let same = rules.iter().find(|other| other.selects == rule.selects);
    same.or_else(of_all)
        .filter(|other| other.counts == rule.counts)
        .map(|other| other.most)
}

/// Returns whether images that a rule selects go earlier than by these rules.
fn is_earlier(before: &[Expiration], rule: &Expiration) -> bool {
    kept_by(before, rule).is_none_or(|before| rule.most < before)
}

/// Returns which images expire that did not before, or earlier than before. A rule that keeps as many as there are takes none.
fn takes(observed: &Properties, wanted: &Properties, held: &Properties) -> Option<String> {
    discards(observed, wanted)?;
    let (before, mut after) = (expirations(observed), expirations(wanted));
    after.retain(|rule| !rule.keeps_all(held));
    let came = after.iter().filter(|rule| is_earlier(&before, rule));
    let mut texts: Vec<String> = came.filter_map(Expiration::text).collect();
    if texts.is_empty() {
        texts = after.iter().filter_map(Expiration::text).collect();
    }
    // A policy that only keeps takes nothing.
    let text = Some(texts.join(", ")).filter(|text| !text.is_empty())?;
    Some(format!("there are images that would be deleted: {text}"))
}

/// How many images, or days, a rule keeps of what it selects.
struct Expiration {
    selects: BTreeMap<String, Value>,
    /// The unit that is counted: images, or days since something.
    counts: Option<Value>,
    most: f64,
}

impl Expiration {
    /// Returns whether a repository holds too few images for it to take any.
    fn keeps_all(&self, held: &Properties) -> bool {
        let count = match self.status() {
            Some("untagged") => "untaggedImageCount",
            _ => "imageCount",
        };
        let count = held.get(count).and_then(Value::as_number).unwrap_or(0.0);
        let is_by_count = self.counts == Some("imageCountMoreThan".into());
        count == 0.0 || is_by_count && count <= self.most
    }

    fn is_of_all(&self) -> bool {
        self.status() == Some("any")
    }

    fn status(&self) -> Option<&str> {
        self.selects.get("tagStatus").and_then(Value::as_str)
    }

    /// The images that expire by it. `None` of the rule that keeps what services run.
    fn text(&self) -> Option<String> {
        let lists = ["tagPrefixList", "tagPatternList"].into_iter();
        let tags = lists.filter_map(|list| self.selects.get(list)?.as_list());
        let tags: Vec<&str> = tags.flatten().filter_map(Value::as_str).collect();
        if tags == [super::image_tag::PREFIX] {
            return None;
        }
        let images = match self.status() {
            Some("any") => "images".to_owned(),
            Some("untagged") => "untagged images".to_owned(),
            _ => format!("images tagged {}", tags.join(", ")),
        };
        let most = self.most;
        Some(match self.counts.as_ref().and_then(Value::as_str) {
            Some("imageCountMoreThan") => format!("all but the newest {most} {images}"),
            Some("sinceImagePushed") => format!("{images} that were pushed over {most} days ago"),
            other => format!("{images} by {} {most}", other.unwrap_or_default()),
        })
    }
}

fn expirations(inputs: &Properties) -> Vec<Expiration> {
    let policy = inputs.get("policy").cloned().map(canonical);
    let rules = policy.as_ref().and_then(Value::as_object);
    let Some(Value::List(rules)) = rules.and_then(|rules| rules.get("rules")) else {
        return Vec::new();
    };
    let expirations = rules.iter().filter_map(|rule| {
        let mut selects = rule.as_object()?.get("selection")?.as_object()?.clone();
        selects.remove("countUnit");
        Some(Expiration {
            most: selects.remove("countNumber")?.as_number()?,
            counts: selects.remove("countType"),
            selects: selects.into_iter().collect(),
        })
    });
    expirations.collect()
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
    use crate::resource::value::properties;

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

    #[test]
    fn what_goes_is_said_in_words() {
        let rule = |selection: serde_json::Value| json!({ "selection": selection });
        let policy = |rules: &[serde_json::Value]| {
            properties([("policy", json!({ "rules": rules }).into())])
        };
        let any =
            rule(json!({"tagStatus": "any", "countType": "imageCountMoreThan", "countNumber": 10}));
        let live = rule(
            json!({"tagStatus": "tagged", "tagPrefixList": ["fde-live-"],
            "countType": "imageCountMoreThan", "countNumber": 10_000}),
        );
        let old = rule(
            json!({"tagStatus": "untagged", "countType": "sinceImagePushed", "countUnit": "days",
            "countNumber": 3}),
        );
        let wanted = policy(&[live.clone(), old, any.clone()]);
        let said = "there are images that would be deleted: untagged images that were pushed over 3 days ago, \
                    all but the newest 10 images";
        let held = |all: u32, untagged: u32| {
            properties([
                ("imageCount", all.into()),
                ("untaggedImageCount", untagged.into()),
            ])
        };
        let none = Properties::new();
        let many = held(20, 1);
        assert_eq!(takes(&none, &wanted, &many).as_deref(), Some(said));
        // There are no more images than stay.
        assert_eq!(takes(&none, &wanted, &held(10, 0)), None);
        assert_eq!(takes(&none, &wanted, &held(0, 0)), None);
        let newer = "there are images that would be deleted: untagged images that were pushed over 3 days ago";
        assert_eq!(
            takes(&policy(&[any]), &wanted, &many).as_deref(),
            Some(newer)
        );
        assert_eq!(takes(&none, &policy(&[live]), &many), None);
    }

    #[test]
    fn a_rule_that_keeps_more_than_the_one_for_all_takes_nothing() {
        let tagged = |count: u32| {
            json!({"selection": {"tagStatus": "tagged", "tagPrefixList": ["live-"],
                "countType": "imageCountMoreThan", "countNumber": count}})
        };
        let any = json!({"selection": {"tagStatus": "any", "countType": "imageCountMoreThan", "countNumber": 10}});
        let old = json!({"selection": {"tagStatus": "untagged", "countType": "sinceImagePushed", "countUnit": "days",
            "countNumber": 1}});
        let policy =
            |rules: &[&serde_json::Value]| properties([("policy", json!({"rules": rules}).into())]);
        let discards = |before: &[&serde_json::Value], after: &[&serde_json::Value]| {
            discards(&policy(before), &policy(after)).is_some()
        };
        let (many, few) = (&tagged(100), &tagged(3));
        assert!(!discards(&[&any], &[many, &any]));
        assert!(!discards(&[few, &any], &[&any]));
        assert!(!discards(&[&any], &[]));
        assert!(discards(&[&any], &[few, &any]));
        assert!(discards(&[many, &any], &[&any]));
        assert!(discards(&[many], &[few]));
        assert!(discards(&[&any], &[&old, &any]));
        assert!(discards(&[], &[&any]));
    }
}
