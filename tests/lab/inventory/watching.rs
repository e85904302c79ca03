//! Resources that watch the rest: alarms, dashboards, logs and topics.

use std::collections::BTreeMap;

use super::reader::{ANSWERS, Thing, of_each};
use crate::sdk::Sdk;

pub async fn alarms(sdk: &Sdk) -> Vec<Thing> {
    let alarms = sdk.cloudwatch.describe_alarms().send().await;
    let alarms = alarms.expect(ANSWERS);
    let things = alarms.metric_alarms().iter().map(|alarm| {
        // Those of a scaling policy are called `TargetTracking-service/cluster/service-AlarmHigh-id`.
        let name = alarm.alarm_name().unwrap_or_default();
        let tracked = name.strip_prefix("TargetTracking-");
        let tracked = tracked.and_then(|name| name.split_once("-Alarm"));
        let tracked = tracked.map(|(target, _)| target);
        Thing::new("alarm", alarm.alarm_arn(), alarm).within([tracked])
    });
    things.collect()
}

pub async fn dashboards(sdk: &Sdk) -> Vec<Thing> {
    let dashboards = sdk.cloudwatch.list_dashboards().send().await;
    of_each(
        dashboards.expect(ANSWERS).dashboard_entries(),
        async |dashboard| {
            let body = sdk.cloudwatch.get_dashboard();
            let body = body.set_dashboard_name(dashboard.dashboard_name.clone());
            let body = body.send().await.expect(ANSWERS);
            // Its size is that of ids which differ in length.
            let mut whole = dashboard.clone();
            whole.size = None;
            let thing = Thing::new("dashboard", dashboard.dashboard_arn(), &whole);
            vec![thing.document("body", body.dashboard_body())]
        },
    )
    .await
}

pub async fn log_groups(sdk: &Sdk) -> Vec<Thing> {
    let groups = sdk.logs.describe_log_groups().send().await.expect(ANSWERS);
    let things = groups.log_groups().iter().map(|group| {
        let arn = group.arn().unwrap_or_default().trim_end_matches(":*");
        Thing::new("log group", arn, group)
    });
    things.collect()
}

pub async fn topics(sdk: &Sdk) -> Vec<Thing> {
    let (topics, subscriptions) = tokio::join!(
        sdk.sns.list_topics().send(),
        sdk.sns.list_subscriptions().send(),
    );
    let topics = topics.expect(ANSWERS);
    let mut things = of_each(topics.topics(), async |topic| {
        let arn = topic.topic_arn();
        let attributes = sdk.sns.get_topic_attributes();
        let attributes = attributes.set_topic_arn(topic.topic_arn.clone());
        let attributes = attributes.send().await.expect(ANSWERS).attributes;
        let mut attributes: BTreeMap<_, _> = attributes.into_iter().flatten().collect();
        // A memory of what was there before.
        attributes.remove("SubscriptionsDeleted");
        vec![Thing::new("topic", arn, &attributes)]
    })
    .await;
    let subscriptions = subscriptions.expect(ANSWERS);
    let read = of_each(subscriptions.subscriptions(), async |subscription| {
        let key = subscription.endpoint().unwrap_or_default();
        let within = [subscription.topic_arn()];
        let arn = subscription.subscription_arn().unwrap_or_default();
        // One that waits for its confirmation has no name yet, by which its attributes could be asked for.
        let attributes = if arn.starts_with("arn:") {
            let attributes = sdk.sns.get_subscription_attributes();
            let attributes = attributes.subscription_arn(arn).send().await;
            attributes.expect(ANSWERS).attributes
        } else {
            None
        };
        let id = format!("{within:?} {key}");
        let thing = Thing::new("subscription", id.as_str(), &(subscription, attributes));
        vec![thing.key(key).within(within)]
    });
    things.extend(read.await);
    things
}
