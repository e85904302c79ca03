//! Resources that hold data: databases and what belongs to them, secrets, buckets.

use std::collections::BTreeMap;

use super::FINAL_SNAPSHOT;
use super::reader::{ANSWERS, Thing, if_there, of_each};
use crate::sdk::Sdk;

pub async fn databases(sdk: &Sdk) -> Vec<Thing> {
    let rds = &sdk.rds;
    let (instances, subnets, parameters, snapshots, subscriptions) = tokio::join!(
        rds.describe_db_instances().send(),
        rds.describe_db_subnet_groups().send(),
        rds.describe_db_parameter_groups().send(),
        rds.describe_db_snapshots().send(),
        rds.describe_event_subscriptions().send(),
    );
    let parameters = parameters.expect(ANSWERS);
    let mut things = of_each(parameters.db_parameter_groups(), async |group| {
        let arn = group.db_parameter_group_arn();
        let name = group.db_parameter_group_name().unwrap_or_default();
        // Those that AWS makes cannot be changed.
        if name.starts_with("default.") {
            return vec![Thing::new("parameter group", arn, group)];
        }
        let parameters = rds.describe_db_parameters().source("user");
        let parameters = parameters.db_parameter_group_name(name);
        let mut pages = parameters.into_paginator().send();
        let mut set = BTreeMap::new();
        while let Some(page) = pages.next().await {
            for parameter in page.expect(ANSWERS).parameters() {
                let value = parameter.parameter_value().map(str::to_owned);
                let name = parameter.parameter_name().unwrap_or_default();
                // The engine's own default (PostgreSQL 15): one that is as it was asked for need not be set.
                if name == "rds.force_ssl" && value.as_deref() == Some("1") {
                    continue;
                }
                // Not by which method it was set last: that depends on whether an instance used the group by then, and
                // is of no further effect.
                set.insert(name.to_owned(), value);
            }
        }
        vec![Thing::new("parameter group", arn, &(group, set))]
    })
    .await;
    for instance in instances.expect(ANSWERS).db_instances() {
        // This moves on with the clock.
        let mut whole = instance.clone();
        whole.latest_restorable_time = None;
        let thing = Thing::new("database", instance.db_instance_arn(), &whole);
        things.push(thing.key(instance.db_instance_status().unwrap_or_default()));
    }
    for group in subnets.expect(ANSWERS).db_subnet_groups() {
        let within = group.subnets().iter();
        let thing = Thing::new("subnet group", group.db_subnet_group_arn(), group)
            .within(within.map(|subnet| subnet.subnet_identifier()));
        things.push(thing);
    }
    for subscription in subscriptions.expect(ANSWERS).event_subscriptions_list() {
        let arn = subscription.event_subscription_arn();
        let thing = Thing::new("event subscription", arn, subscription)
            .within([subscription.sns_topic_arn()]);
        things.push(thing);
    }
    for snapshot in snapshots.expect(ANSWERS).db_snapshots() {
        // Those that AWS makes by itself come and go with their database.
        if snapshot.snapshot_type() == Some("automated") {
            continue;
        }
        let key = snapshot.db_instance_identifier().unwrap_or_default();
        let within = snapshot.db_snapshot_arn().unwrap_or_default();
        let within = within.replacen(":snapshot:", ":db:", 1);
        let within = within.rsplit_once(':').map_or("", |(head, _)| head);
        let database = format!("{within}:{key}");
        // Tags come after it. A run that is killed before leaves it without.
        let mut whole = snapshot.clone();
        whole.tag_list = None;
        let thing = Thing::new(FINAL_SNAPSHOT, snapshot.db_snapshot_arn(), &whole)
            .indexed(None)
            .key(key)
            .within([Some(database.as_str())]);
        things.push(thing);
    }
    things
}

pub async fn secrets(sdk: &Sdk) -> Vec<Thing> {
    let secrets = sdk.secrets.list_secrets().send().await.expect(ANSWERS);
    // Those in their recovery window have no value to show.
    let arns = secrets
        .secret_list()
        .iter()
        .filter_map(|secret| secret.arn());
    let arns: Vec<String> = arns.map(str::to_owned).collect();
    let mut values = BTreeMap::new();
    // This many are returned at once. A secret that was made a moment before the program died has no value yet.
    for arns in arns.chunks(20) {
        let batch = sdk.secrets.batch_get_secret_value();
        let batch = batch.set_secret_id_list(Some(arns.to_vec())).send().await;
        for value in batch.expect(ANSWERS).secret_values() {
            let text = value.secret_string().unwrap_or_default().to_owned();
            values.insert(value.arn().unwrap_or_default().to_owned(), text);
        }
    }
    let things = secrets.secret_list().iter().map(|secret| {
        let value = values.get(secret.arn().unwrap_or_default());
        let json = value.and_then(|text| serde_json::from_str::<serde_json::Value>(text).ok());
        let tags = secret.tags().iter();
        let tags = tags.filter_map(|tag| Some((tag.key()?.to_owned(), tag.value()?.to_owned())));
        // The rest is when the lab itself looked at it, and which versions there were before.
        let whole = (
            (secret.name(), secret.description(), secret.kms_key_id()),
            (secret.last_changed_date(), secret.deleted_date()),
        );
        let mut thing = Thing::new("secret", secret.arn(), &whole)
            .tags(tags.collect())
            .document("value", value.map(String::as_str));
        thing.password = json.and_then(|json| Some(json.get("password")?.as_str()?.to_owned()));
        thing
    });
    things.collect()
}

pub async fn buckets(sdk: &Sdk) -> Vec<Thing> {
    let s3 = &sdk.s3;
    let buckets = s3.list_buckets().send().await.expect(ANSWERS);
    of_each(buckets.buckets(), async |bucket| {
        let name = bucket.name().unwrap_or_default();
        let arn = format!("arn:aws:s3:::{name}");
        let (encryption, lifecycle, access, ownership, versioning, policy) = tokio::join!(
            s3.get_bucket_encryption().bucket(name).send(),
            s3.get_bucket_lifecycle_configuration().bucket(name).send(),
            s3.get_public_access_block().bucket(name).send(),
            s3.get_bucket_ownership_controls().bucket(name).send(),
            s3.get_bucket_versioning().bucket(name).send(),
            s3.get_bucket_policy().bucket(name).send(),
        );
        let part = |kind, whole: Option<String>| {
            let id = format!("{kind} of {arn}");
            let mut thing = Thing::new(kind, id.as_str(), &"").within([Some(arn.as_str())]);
            thing.whole = whole?;
            Some(thing)
        };
        let encryption =
            if_there(encryption).map(|is| format!("{:?}", is.server_side_encryption_configuration));
        let lifecycle = if_there(lifecycle).map(|is| {
            format!(
                "{:?}",
                (is.rules, is.transition_default_minimum_object_size)
            )
        });
        let access =
            if_there(access).map(|is| format!("{:?}", is.public_access_block_configuration));
        let ownership = if_there(ownership).map(|is| format!("{:?}", is.ownership_controls));
        let versioning = versioning.expect(ANSWERS);
        let versioning = versioning
            .status
            .map(|is| format!("{:?}", (is, versioning.mfa_delete)));
        let policy = if_there(policy).and_then(|is| is.policy);
        let parts = [
            part("bucket encryption", encryption),
            part("bucket lifecycle", lifecycle),
            part("public access block", access),
            part("bucket ownership", ownership),
            part("bucket versioning", versioning),
            part("bucket policy", policy),
        ];
        let mut things = vec![Thing::new("bucket", arn.as_str(), bucket)];
        things.extend(parts.into_iter().flatten());
        things
    })
    .await
}
