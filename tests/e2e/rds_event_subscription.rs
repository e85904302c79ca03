//! `aws:rds:EventSubscription`.

use async_trait::async_trait;
use serde_json::{Value as Json, json};

use fde_infra::plan::Because;

use crate::common::World;
use crate::common::resource_type::{Edit, ResourceTypeTest, check};
use crate::common::sdk::Sdk;

struct EventSubscription;

#[async_trait]
impl ResourceTypeTest for EventSubscription {
    fn token(&self) -> &'static str {
        "aws:rds:EventSubscription"
    }

    fn needs(&self) -> &'static str {
        "
first: { type: aws:sns:Topic, properties: { name: e2e-events-first } }
second: { type: aws:sns:Topic, properties: { name: e2e-events-second } }
one: { type: aws:rds:ParameterGroup, properties: { name: e2e-events-one, family: postgres16 } }
two: { type: aws:rds:ParameterGroup, properties: { name: e2e-events-two, family: postgres16 } }
"
    }

    fn base(&self) -> &'static str {
        "snsTopic: '${first.arn}'"
    }

    fn edits(&self) -> Vec<Edit> {
        vec![
            Edit::replaces(
                "/name",
                ("name: E2E-Events-One", "e2e-events-one"),
                ("name: e2e-events-two", "e2e-events-two"),
            ),
            Edit::in_place(
                "/topic",
                ("snsTopic: '${second.arn}'", "e2e-events-second"),
                ("snsTopic: '${first.arn}'", "e2e-events-first"),
            ),
            Edit::replaces(
                "/sourceType",
                ("sourceType: db-parameter-group", "db-parameter-group"),
                ("sourceType: db-instance", "db-instance"),
            ),
            Edit::in_place(
                "/sourceIds",
                (
                    "{ sourceType: db-parameter-group, sourceIds: ['${one.name}'] }",
                    json!(["e2e-events-one"]),
                ),
                (
                    "{ sourceType: db-parameter-group, sourceIds: [E2E-Events-Two] }",
                    json!(["e2e-events-two"]),
                ),
            ),
            Edit::in_place(
                "/eventCategories",
                (
                    "{ sourceType: db-instance, eventCategories: [low storage, failure] }",
                    json!(["failure", "low storage"]),
                ),
                (
                    "{ sourceType: db-instance, eventCategories: [failure, failover] }",
                    json!(["failover", "failure"]),
                ),
            ),
            Edit::in_place(
                "/enabled",
                ("enabled: false", false),
                ("enabled: true", true),
            )
            .removed(true),
        ]
    }

    async fn look(&self, sdk: &Sdk, id: &str) -> Option<Json> {
        let answer = sdk
            .rds
            .describe_event_subscriptions()
            .subscription_name(id)
            .send()
            .await
            .ok()?;
        let found = answer.event_subscriptions_list().first()?;
        let sorted = |list: &[String]| {
            let mut list = list.to_vec();
            list.sort_unstable();
            list
        };
        Some(json!({
            "name": found.cust_subscription_id(),
            "topic": found.sns_topic_arn()?.rsplit(':').next(),
            "sourceType": found.source_type(),
            "sourceIds": sorted(found.source_ids_list()),
            "eventCategories": sorted(found.event_categories_list()),
            "enabled": found.enabled(),
            "status": found.status(),
        }))
    }

    async fn vanish(&self, sdk: &Sdk, id: &str) -> bool {
        let gone = sdk.rds.delete_event_subscription().subscription_name(id);
        gone.send().await.is_ok()
    }

    async fn drift(&self, sdk: &Sdk, id: &str) -> bool {
        let modify = sdk.rds.modify_event_subscription().subscription_name(id);
        modify.enabled(false).send().await.is_ok()
    }

    async fn foreign_tag(&self, sdk: &Sdk, id: &str, set: bool) -> Option<bool> {
        let arn = format!("arn:aws:rds:eu-south-2:123456789012:es:{id}");
        sdk.foreign_tag(&arn, set).await
    }
}

#[tokio::test]
async fn event_subscription() {
    check("e2e-rds-event-subscription", &EventSubscription).await;
}

/// A replaced source is taken out, and its replacement is put in, in place.
#[tokio::test]
async fn the_subscription_of_a_group_that_is_replaced_follows_it() {
    let world = World::new("e2e-events-follow").await;
    let file = |family: &str| {
        format!(
            "topic: {{ type: aws:sns:Topic }}
group: {{ type: aws:rds:ParameterGroup, properties: {{ family: {family} }} }}
events: {{ type: aws:rds:EventSubscription, properties: {{ snsTopic: '${{topic.arn}}', sourceType: db-parameter-group, sourceIds: ['${{group.name}}'] }} }}
"
        )
    };
    let sources = async |resources: &str| {
        let id = world.id(resources, "events").await;
        let looked = EventSubscription.look(&world.sdk, &id).await;
        looked.expect("it is there")["sourceIds"].clone()
    };
    world.up(&file("postgres16")).await;
    let before = world.id(&file("postgres16"), "group").await;
    assert_eq!(sources(&file("postgres16")).await, json!([before]));
    world.up(&file("postgres17")).await;
    let after = world.id(&file("postgres17"), "group").await;
    assert_ne!(after, before);
    assert_eq!(sources(&file("postgres17")).await, json!([after]));
    assert!(world.preview(&file("postgres17")).await.is_empty());
    world.destroy(&file("postgres17")).await;
}

const WITH_POLICY: &str = "
topic: { type: aws:sns:Topic }
policy:
  type: aws:sns:TopicPolicy
  properties:
    arn: '${topic.arn}'
    policy:
      Version: '2012-10-17'
      Statement:
        - { Sid: Alarms, Effect: Allow, Principal: { Service: cloudwatch.amazonaws.com }, Action: 'sns:Publish', Resource: '${topic.arn}' }
        - { Sid: Events, Effect: Allow, Principal: { Service: events.rds.amazonaws.com }, Action: 'sns:Publish', Resource: '${topic.arn}' }
events: { type: aws:rds:EventSubscription, properties: { snsTopic: '${topic.arn}' }, options: { dependsOn: [policy] } }
";

/// A topic whose policy names other services alone is none that RDS publishes to: it takes no subscription to it, and one
/// that is there is of no use until RDS is told to look again.
#[tokio::test]
async fn a_subscription_delivers_again_once_its_topic_lets_rds_publish() {
    let world = World::new("e2e-events-policy").await;
    world.up(WITH_POLICY).await;
    let id = world.id(WITH_POLICY, "events").await;
    let topic = world.id(WITH_POLICY, "topic").await;
    let status = async || {
        let looked = EventSubscription.look(&world.sdk, &id).await;
        looked.expect("it is there")["status"].clone()
    };
    assert_eq!(status().await, "active");

    let alarms_alone = json!({
        "Version": "2012-10-17",
        "Statement": [{
            "Sid": "Alarms", "Effect": "Allow", "Principal": { "Service": "cloudwatch.amazonaws.com" },
            "Action": "sns:Publish", "Resource": topic,
        }],
    });
    let set = world.sdk.sns.set_topic_attributes().topic_arn(&topic);
    let set = set.attribute_name("Policy");
    let set = set.attribute_value(alarms_alone.to_string()).send().await;
    set.expect("a policy can be set");
    let other = world.sdk.rds.create_event_subscription();
    let other = other.subscription_name("e2e-events-other");
    let refused = other.sns_topic_arn(&topic).send().await;
    let refused = refused
        .expect_err("RDS may not publish")
        .into_service_error();
    assert!(refused.is_sns_no_authorization_fault(), "{refused:?}");
    assert_eq!(status().await, "no-permission");

    let plan = world.preview(WITH_POLICY).await;
    let step = plan.steps.iter().find(|step| step.urn.name() == "events");
    let because = step.map(|step| step.because.clone());
    assert_eq!(
        because,
        Some(Because::Unfinished("no-permission".to_owned()))
    );
    world.up(WITH_POLICY).await;
    assert_eq!(status().await, "active");
    assert!(world.preview(WITH_POLICY).await.is_empty());
    world.destroy(WITH_POLICY).await;
}
