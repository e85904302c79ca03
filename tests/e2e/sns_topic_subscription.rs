//! `aws:sns:TopicSubscription`.

use async_trait::async_trait;
use serde_json::{Value as Json, json};

use crate::common::World;
use crate::common::commands::DONE;
use crate::common::needs::TWO_TOPICS;
use crate::common::program::Program;
use crate::common::resource_type::{Edit, ResourceTypeTest, check};
use crate::common::sdk::Sdk;

struct TopicSubscription;

#[async_trait]
impl ResourceTypeTest for TopicSubscription {
    fn token(&self) -> &'static str {
        "aws:sns:TopicSubscription"
    }

    fn needs(&self) -> &'static str {
        TWO_TOPICS
    }

    /// A queue, since queues need no confirmation. AWS does not check whether it is there.
    fn base(&self) -> &'static str {
        "
topic: ${first.arn}
protocol: sqs
endpoint: arn:aws:sqs:${aws.region}:${aws.accountId}:one
"
    }

    fn edits(&self) -> Vec<Edit> {
        vec![
            Edit::moves(
                "/topic",
                ("topic: ${first.arn}", "first"),
                ("topic: ${second.arn}", "second"),
            ),
            Edit::moves(
                "/protocol",
                ("protocol: sqs", "sqs"),
                (
                    "{ protocol: lambda, endpoint: 'arn:aws:lambda:${aws.region}:${aws.accountId}:function:two' }",
                    "lambda",
                ),
            ),
            Edit::moves(
                "/endpoint",
                (
                    "endpoint: arn:aws:sqs:${aws.region}:${aws.accountId}:two",
                    "two",
                ),
                (
                    "endpoint: arn:aws:sqs:${aws.region}:${aws.accountId}:three",
                    "three",
                ),
            ),
            Edit::in_place(
                "/raw",
                ("rawMessageDelivery: true", "true"),
                ("rawMessageDelivery: false", "false"),
            )
            .removed("false"),
            Edit::in_place(
                "/filter",
                (
                    "filterPolicy: { kind: [order, { prefix: urgent- }] }",
                    json!({ "kind": ["order", { "prefix": "urgent-" }] }),
                ),
                (
                    r#"filterPolicy: '{"kind": ["return"]}'"#,
                    json!({ "kind": ["return"] }),
                ),
            )
            .removed(Json::Null),
            Edit::in_place(
                "/scope",
                (
                    "{ filterPolicy: { kind: [order] }, filterPolicyScope: MessageAttributes }",
                    "MessageAttributes",
                ),
                (
                    "{ filterPolicy: { order: { kind: [new] } }, filterPolicyScope: MessageBody }",
                    "MessageBody",
                ),
            )
            .removed(Json::Null),
            Edit::in_place(
                "/role",
                (
                    "{ protocol: firehose, endpoint: 'arn:aws:firehose:${aws.region}:${aws.accountId}:deliverystream/four', \
                     subscriptionRoleArn: 'arn:aws:iam::${aws.accountId}:role/e2e-one' }",
                    "e2e-one",
                ),
                (
                    "{ protocol: firehose, endpoint: 'arn:aws:firehose:${aws.region}:${aws.accountId}:deliverystream/four', \
                     subscriptionRoleArn: 'arn:aws:iam::${aws.accountId}:role/e2e-two' }",
                    "e2e-two",
                ),
            ),
        ]
    }

    async fn look(&self, sdk: &Sdk, id: &str) -> Option<Json> {
        let asked = sdk.sns.get_subscription_attributes().subscription_arn(id);
        let answer = asked.send().await.ok()?;
        let attribute = |name: &str| answer.attributes()?.get(name).map(String::as_str);
        let filter = attribute("FilterPolicy").filter(|policy| *policy != "{}");
        let filter: Option<Json> =
            filter.map(|policy| serde_json::from_str(policy).expect("a filter is JSON"));
        // Lists show what the attributes leave out.
        let topic = attribute("TopicArn")?;
        let listed = sdk.sns.list_subscriptions_by_topic().topic_arn(topic);
        let listed = listed.send().await.expect("subscriptions can be listed");
        let entry = listed
            .subscriptions()
            .iter()
            .find(|entry| entry.subscription_arn() == Some(id));
        Some(json!({
            "topic": sdk.name_of(topic).await,
            "protocol": entry.and_then(|entry| entry.protocol()),
            "endpoint": entry.and_then(|entry| entry.endpoint()?.rsplit(':').next()),
            "raw": attribute("RawMessageDelivery").unwrap_or("false"),
            "role": attribute("SubscriptionRoleArn").and_then(|role| role.rsplit('/').next()),
            "filter": filter,
            // Without a filter, its scope says nothing.
            "scope": filter.as_ref().and_then(|_| attribute("FilterPolicyScope")),
        }))
    }

    async fn vanish(&self, sdk: &Sdk, id: &str) -> bool {
        let gone = sdk.sns.unsubscribe().subscription_arn(id).send().await;
        gone.is_ok()
    }

    async fn drift(&self, sdk: &Sdk, id: &str) -> bool {
        sdk.sns
            .set_subscription_attributes()
            .subscription_arn(id)
            .attribute_name("RawMessageDelivery")
            .attribute_value("true")
            .send()
            .await
            .is_ok()
    }

    async fn foreign_tag(&self, _sdk: &Sdk, _id: &str, _set: bool) -> Option<bool> {
        None
    }
}

#[tokio::test]
async fn topic_subscription() {
    check("e2e-sns-topic-subscription", &TopicSubscription).await;
}

#[tokio::test]
async fn a_subscription_that_waits_for_a_person_is_left_to_wait() {
    let world = World::new("e2e-sns-subscription-pending").await;
    let with = |properties: &str| {
        format!(
            "{TWO_TOPICS}
tested:
  type: aws:sns:TopicSubscription
  properties: {{ topic: '${{first.arn}}', protocol: email, endpoint: nobody@example.com, {properties} }}"
        )
    };
    let listed = async || {
        let topic = world.id(TWO_TOPICS, "first").await;
        let asked = world.sdk.sns.list_subscriptions_by_topic().topic_arn(topic);
        let answer = asked.send().await.expect("subscriptions can be listed");
        let subscriptions = answer.subscriptions().iter();
        subscriptions
            .map(|one| one.subscription_arn().unwrap_or_default().to_owned())
            .collect::<Vec<_>>()
    };
    world.up(TWO_TOPICS).await;
    world.up(&with("")).await;
    assert_eq!(listed().await, ["PendingConfirmation"]);
    assert!(world.preview(&with("")).await.is_empty());

    // A subscription that cannot be read yet is not compared, and nothing can be taken back.
    let filtered = with("filterPolicy: { kind: [order] }");
    assert!(world.preview(&filtered).await.is_empty());
    assert!(world.preview(TWO_TOPICS).await.is_empty());

    // It stays until it lapses, and is still ours when its line comes back.
    world.up(TWO_TOPICS).await;
    world.up(&with("")).await;
    assert_eq!(listed().await, ["PendingConfirmation"]);

    world.destroy(&with("")).await;
    let left = world.sdk.tagged(&world.stack_tag()).await;
    assert_eq!(left, [] as [String; 0]);
}

/// The ARNs of a topic's subscriptions, or what stands in their place, by protocol.
async fn listed(world: &World, topic: &str, protocol: &str) -> Vec<String> {
    let asked = world.sdk.sns.list_subscriptions_by_topic().topic_arn(topic);
    let answer = asked.send().await.expect("subscriptions can be listed");
    let subscriptions = answer.subscriptions().iter();
    subscriptions
        .filter(|one| one.protocol() == Some(protocol))
        .map(|one| one.subscription_arn().unwrap_or_default().to_owned())
        .collect()
}

/// AWS forgets it after some days; then nothing reaches its receiver, and a drift job does not go red for that.
#[tokio::test]
async fn a_subscription_that_is_never_confirmed_is_told_of_and_offered_again_apart_from_drift() {
    let world = World::new("e2e-sns-subscription-lapsed").await;
    let program = Program::of(&world);
    let file = "
topic: { type: aws:sns:Topic }
mail:
  type: aws:sns:TopicSubscription
  properties: { topic: '${topic.arn}', protocol: email, endpoint: oncall@example.com }
queue:
  type: aws:sns:TopicSubscription
  properties: { topic: '${topic.arn}', protocol: sqs, endpoint: 'arn:aws:sqs:${aws.region}:${aws.accountId}:one' }
";
    let unconfirmed = "1 subscription is not confirmed yet";
    let made = program.run(file, "up", &["--yes"]);
    assert_eq!(made.status, DONE, "{}", made.screen);
    let waits = "oncall@example.com gets nothing until its receiver follows";
    assert!(made.stdout.contains(waits), "{}", made.screen);
    let waiting = program.run(file, "preview", &["--expect-no-changes"]);
    assert_eq!(waiting.status, DONE, "{}", waiting.screen);
    assert!(waiting.stdout.contains(unconfirmed), "{}", waiting.screen);
    let output = program.run(file, "output", &[]);
    assert_eq!(output.status, DONE, "{}", output.screen);
    assert!(output.stderr.contains(unconfirmed), "{}", output.screen);

    let topic = world.id(file, "topic").await;
    let subscribe = world.sdk.sns.subscribe().topic_arn(&topic);
    let subscribe = subscribe.protocol("email").endpoint("oncall@example.com");
    let mail = subscribe.return_subscription_arn(true).send().await;
    let mail = mail.expect("it answers with the one that is there");
    let mail = mail.subscription_arn().expect("it has an ARN");
    let gone = world.sdk.sns.unsubscribe().subscription_arn(mail);
    gone.send().await.expect("it is forgotten");
    assert_eq!(listed(&world, &topic, "email").await, [""; 0]);
    for flag in ["--expect-no-changes", "--detailed-exitcode"] {
        let lapsed = program.run(file, "preview", &[flag]);
        assert_eq!(lapsed.status, DONE, "{}", lapsed.screen);
        assert!(lapsed.stdout.contains("lapsed"), "{}", lapsed.screen);
        assert!(!lapsed.stdout.contains("drift"), "{}", lapsed.screen);
    }

    // One that needs no confirmation does not go by itself.
    let queue = listed(&world, &topic, "sqs").await;
    let gone = world.sdk.sns.unsubscribe().subscription_arn(&queue[0]);
    gone.send().await.expect("somebody takes it away");
    let drift = program.run(file, "preview", &["--expect-no-changes"]);
    assert_eq!(drift.status, Some(7), "{}", drift.screen);
    let again = program.run(file, "up", &["--yes"]);
    assert_eq!(again.status, DONE, "{}", again.screen);
    assert_eq!(
        listed(&world, &topic, "email").await,
        ["PendingConfirmation"]
    );
    world.destroy(file).await;
}
