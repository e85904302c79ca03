//! Policy of a topic.
//!
//! - A topic always has one. Without ours it is AWS's default for its owner, which reads as "no policy"; a deletion puts the
//!   default back, since the attribute cannot be removed.
//! - A topic has one policy, and a second one takes its place (aws/aws-cdk#20661): two resources for one topic are refused.
//! - A deleted principal is returned as its id, `AROA…`, which is a difference (hashicorp/terraform-provider-aws#38178).
//! - Topics can only be called in their own region: SNS says `Invalid parameter: TopicArn` elsewhere (aws/aws-cdk#7044).
//! - Action names are the same in any case: `sns:Publish` can be returned as `SNS:Publish`.

use futures_util::future::{join_all, try_join_all};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::{attributes, set_attribute};
use crate::aws::context::Context;
use crate::aws::error::AwsResult;
use crate::aws::policy::{canonical_json, canonical_policy, check_form, to_policy_text};
use crate::aws::resource_type::{Change, Live, LiveOf, New, NoOutputs, Old, ResourceType};
use crate::resource::provider::Query;
use crate::resource::{Condition, CreateClass, PropertyTable, Schema, Tags, Value};

const DEFAULT_ID: &str = "__default_policy_ID";
const DEFAULT_STATEMENT: &str = "__default_statement_ID";

/// The policy that says who may do what with a topic.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema, PropertyTable)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Inputs {
    /// The topic's ARN.
    #[property(required, replaces, regional)]
    pub arn: String,
    /// The policy document, as an object or as JSON text.
    #[property(required, canonical(canonical))]
    pub policy: serde_json::Value,
}

pub struct TopicPolicy;

impl ResourceType for TopicPolicy {
    type Inputs = Inputs;
    type Outputs = NoOutputs;

    fn schema(&self) -> Schema {
        Schema::of::<Inputs, NoOutputs>("aws:sns:TopicPolicy", CreateClass::PartOfParent)
            .key(&[Inputs::ARN])
            .checks(|inputs| check_form(inputs, Inputs::POLICY))
            .reads_after(&[super::TOPIC])
            .child_of(Inputs::ARN, super::TOPIC)
            .opens()
    }

    async fn ahead(&self, context: &Context, query: Query<'_>) {
        let topics = query.parents_of_parts(super::TOPIC, "arn");
        let asked = topics
            .iter()
            .map(|topic| attributes(context, query.session, topic));
        drop(join_all(asked).await);
    }

    async fn read(&self, context: &Context, query: Query<'_>) -> AwsResult<Vec<LiveOf<Self>>> {
        let topics = query.parents_of_parts(super::TOPIC, "arn");
        let reads = topics.iter().map(|topic| async move {
            let attributes = attributes(context, query.session, topic).await?;
            let policy = attributes
                .as_ref()
                .as_ref()
                .and_then(|all| all.get("Policy"));
            Ok(policy
                .map(|policy| serde_json::Value::String(policy.clone()))
                .filter(|policy| !is_default(policy.clone().into()))
                .map(|policy| {
                    let arn = topic.clone();
                    live(Inputs { arn, policy })
                }))
        });
        Ok(try_join_all(reads).await?.into_iter().flatten().collect())
    }

    async fn create(&self, context: &Context, new: New<'_, Self>) -> AwsResult<LiveOf<Self>> {
        let Inputs { arn, policy } = new.inputs;
        set_attribute(context, arn, "Policy", &to_policy_text(policy)).await?;
        Ok(live(new.inputs.clone()))
    }

    async fn update(&self, context: &Context, change: Change<'_, Self>) -> AwsResult<LiveOf<Self>> {
        let policy = to_policy_text(&change.wanted.policy);
        set_attribute(context, &change.observed.id, "Policy", &policy).await?;
        Ok(change.applied())
    }

    async fn delete(&self, context: &Context, old: Old<'_, Self>) -> AwsResult<()> {
        let policy = default_policy(&old.live.id, &context.account_id).to_string();
        let request = context
            .sns
            .set_topic_attributes()
            .topic_arn(&old.live.id)
            .attribute_name("Policy")
            .attribute_value(&policy);
        context.send(request).await?;
        Ok(())
    }
}

fn live(inputs: Inputs) -> LiveOf<TopicPolicy> {
    Live {
        id: inputs.arn.clone(),
        arn: None,
        inputs,
        outputs: NoOutputs {},
        tags: Tags::default(),
        condition: Condition::Ready,
    }
}

/// Returns the policy that AWS gives to a new topic: its account may do everything.
fn default_policy(arn: &str, account: &str) -> serde_json::Value {
    json!({
        "Version": "2008-10-17",
        "Id": DEFAULT_ID,
        "Statement": [{
            "Sid": DEFAULT_STATEMENT,
            "Effect": "Allow",
            "Principal": {"AWS": "*"},
            "Action": [
                "SNS:GetTopicAttributes",
                "SNS:SetTopicAttributes",
                "SNS:AddPermission",
                "SNS:RemovePermission",
                "SNS:DeleteTopic",
                "SNS:Subscribe",
                "SNS:ListSubscriptionsByTopic",
                "SNS:Publish",
            ],
            "Resource": arn,
            "Condition": {"StringEquals": {"AWS:SourceOwner": account}},
        }],
    })
}

/// Returns whether a policy is the default. It is recognized by its ids: its list of actions has changed over the years.
fn is_default(policy: Value) -> bool {
    let policy = canonical_policy(policy);
    let text = |value: &Value, name: &str| {
        let text = value.as_object()?.get(name)?.as_str()?;
        Some(text.to_owned())
    };
    let statements = policy
        .as_object()
        .and_then(|policy| policy.get("Statement"));
    let only = match statements.and_then(Value::as_list) {
        Some([only]) => text(only, "Sid"),
        _ => None,
    };
    text(&policy, "Id").as_deref() == Some(DEFAULT_ID) && only.as_deref() == Some(DEFAULT_STATEMENT)
}

/// Returns the canonical form of policies, with action names in lower case.
fn canonical(policy: Value) -> Value {
    let mut policy = canonical_json(policy);
    if let Value::Object(policy) = &mut policy {
        match policy.get_mut("Statement") {
            Some(Value::List(statements)) => statements.iter_mut().for_each(lower_actions),
            Some(statement) => lower_actions(statement),
            None => {}
        }
    }
    canonical_policy(policy)
}

fn lower_actions(statement: &mut Value) {
    let Value::Object(statement) = statement else {
        return;
    };
    for name in ["Action", "NotAction"] {
        match statement.get_mut(name) {
            Some(Value::List(actions)) => actions.iter_mut().for_each(lower),
            Some(action) => lower(action),
            None => {}
        }
    }
}

fn lower(action: &mut Value) {
    if let Value::String(name) = action {
        name.make_ascii_lowercase();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_case_of_actions_means_nothing() {
        let one = json!({"Statement": {"Action": "sns:Publish", "Resource": "A"}});
        let other = json!({"Statement": [{"Action": ["SNS:Publish"], "Resource": "A"}]});
        assert_eq!(canonical(one.clone().into()), canonical(other.into()));
        assert_eq!(canonical(one.to_string().into()), canonical(one.into()));
    }

    #[test]
    fn the_default_counts_as_no_policy_until_somebody_adds_to_it() {
        let mut policy = default_policy("arn:aws:sns:eu-south-2:1:t", "1");
        assert!(is_default(policy.to_string().into()));
        let mut second = policy["Statement"][0].clone();
        second["Sid"] = "mine".into();
        policy["Statement"].as_array_mut().unwrap().push(second);
        assert!(!is_default(policy.into()));
    }
}
