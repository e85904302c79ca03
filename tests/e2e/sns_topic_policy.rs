//! `aws:sns:TopicPolicy`.

use async_trait::async_trait;
use serde_json::{Value as Json, json};

use crate::common::needs::TWO_TOPICS;
use crate::common::resource_type::{Edit, ResourceTypeTest, check};
use crate::common::sdk::Sdk;

struct TopicPolicy;

async fn set(sdk: &Sdk, topic: &str, policy: &Json) -> bool {
    sdk.sns
        .set_topic_attributes()
        .topic_arn(topic)
        .attribute_name("Policy")
        .attribute_value(policy.to_string())
        .send()
        .await
        .is_ok()
}

/// A topic always has a policy; this one is AWS's own.
fn is_default(looked: &Json) -> bool {
    looked["statements"] == json!(["__default_statement_ID"])
}

#[async_trait]
impl ResourceTypeTest for TopicPolicy {
    fn token(&self) -> &'static str {
        "aws:sns:TopicPolicy"
    }

    fn needs(&self) -> &'static str {
        TWO_TOPICS
    }

    fn base(&self) -> &'static str {
        "
arn: ${first.arn}
policy:
  Version: '2012-10-17'
  Statement:
    - Sid: base
      Effect: Allow
      Principal: { Service: cloudwatch.amazonaws.com }
      Action: sns:Publish
      Resource: ${first.arn}
"
    }

    fn edits(&self) -> Vec<Edit> {
        vec![
            Edit::moves(
                "/topic",
                ("arn: ${first.arn}", "first"),
                (
                    "
arn: ${second.arn}
policy:
  Version: '2012-10-17'
  Statement:
    - { Effect: Allow, Principal: { Service: cloudwatch.amazonaws.com }, Action: sns:Publish, Resource: '${second.arn}' }
",
                    "second",
                ),
            ),
            Edit::in_place(
                "/statements",
                (
                    // As JSON text.
                    r#"policy: '{"Version": "2012-10-17", "Statement": {"Sid": "text", "Effect": "Allow", "Principal": "*", "Action": "SNS:Publish", "Resource": "${first.arn}", "Condition": {"StringEquals": {"aws:SourceAccount": "${aws.accountId}"}}}}'"#,
                    json!(["text"]),
                ),
                (
                    "
policy:
  Version: '2012-10-17'
  Statement:
    - Sid: alarms
      Effect: Allow
      Principal: { Service: [cloudwatch.amazonaws.com, events.amazonaws.com] }
      Action: sns:Publish
      Resource: ${first.arn}
    - Sid: account
      Effect: Allow
      Principal: { AWS: '${aws.accountId}' }
      Action: [sns:Publish, sns:Subscribe]
      Resource: ${first.arn}
",
                    json!(["alarms", "account"]),
                ),
            )
            .removed(json!(["base"])),
        ]
    }

    async fn look(&self, sdk: &Sdk, id: &str) -> Option<Json> {
        let asked = sdk.sns.get_topic_attributes().topic_arn(id).send();
        let answer = asked.await.ok()?;
        let policy = answer.attributes()?.get("Policy")?;
        let policy: Json = serde_json::from_str(policy).expect("a policy is JSON");
        let statements = match &policy["Statement"] {
            Json::Array(statements) => statements.clone(),
            single => vec![single.clone()],
        };
        let ids: Vec<&Json> = statements.iter().map(|one| &one["Sid"]).collect();
        Some(json!({ "topic": sdk.name_of(id).await, "statements": ids }))
    }

    async fn is_gone(&self, sdk: &Sdk, id: &str) -> bool {
        let looked = self.look(sdk, id).await;
        looked.is_none_or(|looked| is_default(&looked))
    }

    /// Puts AWS's own policy back, as the console does.
    async fn vanish(&self, sdk: &Sdk, id: &str) -> bool {
        let policy = json!({
            "Version": "2008-10-17",
            "Id": "__default_policy_ID",
            "Statement": [{
                "Sid": "__default_statement_ID", "Effect": "Allow", "Principal": { "AWS": "*" },
                "Action": ["SNS:Publish", "SNS:Subscribe"], "Resource": id,
            }],
        });
        set(sdk, id, &policy).await
    }

    async fn drift(&self, sdk: &Sdk, id: &str) -> bool {
        let policy = json!({
            "Version": "2012-10-17",
            "Statement": [{
                "Sid": "drift", "Effect": "Allow", "Principal": { "AWS": "*" },
                "Action": "SNS:Publish", "Resource": id,
            }],
        });
        set(sdk, id, &policy).await
    }

    async fn foreign_tag(&self, _sdk: &Sdk, _id: &str, _set: bool) -> Option<bool> {
        None
    }
}

#[tokio::test]
async fn topic_policy() {
    check("e2e-sns-topic-policy", &TopicPolicy).await;
}
