//! `aws:s3:BucketLifecycleConfiguration`.

use async_trait::async_trait;
use aws_sdk_s3::types::{
    BucketLifecycleConfiguration as Configuration, ExpirationStatus, LifecycleExpiration,
    LifecycleRule, LifecycleRuleFilter, Tag,
};
use serde_json::{Value as Json, json};

use crate::common::needs::TWO_BUCKETS;
use crate::common::resource_type::{Edit, ResourceTypeTest, check};
use crate::common::sdk::Sdk;

struct BucketLifecycleConfiguration;

fn tag(tag: &Tag) -> String {
    format!("{}={}", tag.key(), tag.value())
}

fn filter(filter: &LifecycleRuleFilter) -> Json {
    json!({
        "prefix": filter.prefix(),
        "tag": filter.tag().map(tag),
        "over": filter.object_size_greater_than(),
        "under": filter.object_size_less_than(),
        "and": filter.and().map(|and| json!({
            "prefix": and.prefix(),
            "tags": and.tags().iter().map(tag).collect::<Vec<_>>(),
            "over": and.object_size_greater_than(),
            "under": and.object_size_less_than(),
        })),
    })
}

/// A rule in brief: empty fields are left out.
fn shown(rule: &LifecycleRule) -> Json {
    let class = |class: Option<&aws_sdk_s3::types::TransitionStorageClass>| {
        class.map(|class| class.as_str().to_owned())
    };
    let mut json = json!({
        "status": rule.status().as_str(),
        "filter": rule.filter().map(filter),
        "expiration": rule.expiration().map(|expiration| json!([
            expiration.date().map(aws_smithy_types::DateTime::secs),
            expiration.days(),
            expiration.expired_object_delete_marker(),
        ])),
        "transitions": rule.transitions().iter().map(|transition| json!([
            transition.date().map(aws_smithy_types::DateTime::secs),
            transition.days(),
            class(transition.storage_class()),
        ])).collect::<Vec<_>>(),
        "noncurrentExpiration": rule.noncurrent_version_expiration().map(|expiration| json!([
            expiration.noncurrent_days(),
            expiration.newer_noncurrent_versions(),
        ])),
        "noncurrentTransitions": rule.noncurrent_version_transitions().iter().map(|transition| json!([
            transition.noncurrent_days(),
            transition.newer_noncurrent_versions(),
            class(transition.storage_class()),
        ])).collect::<Vec<_>>(),
        "abort": rule.abort_incomplete_multipart_upload().map(|abort| abort.days_after_initiation()),
    });
    strip(&mut json);
    json
}

fn strip(json: &mut Json) {
    if let Json::Object(fields) = json {
        fields.values_mut().for_each(strip);
        fields.retain(|_, value| !value.is_null() && *value != json!([]));
    }
}

#[async_trait]
impl ResourceTypeTest for BucketLifecycleConfiguration {
    fn token(&self) -> &'static str {
        "aws:s3:BucketLifecycleConfiguration"
    }

    fn needs(&self) -> &'static str {
        TWO_BUCKETS
    }

    fn base(&self) -> &'static str {
        "
bucket: ${first.bucket}
rules: [{ id: a, status: Enabled, expiration: { days: 30 } }]
"
    }

    fn edits(&self) -> Vec<Edit> {
        vec![
            Edit::moves(
                "/bucket",
                ("bucket: ${first.bucket}", "first"),
                ("bucket: ${second.bucket}", "second"),
            ),
            Edit::in_place(
                "/minimum",
                (
                    "transitionDefaultMinimumObjectSize: all_storage_classes_128K",
                    "all_storage_classes_128K",
                ),
                (
                    "transitionDefaultMinimumObjectSize: varies_by_storage_class",
                    "varies_by_storage_class",
                ),
            )
            .removed("all_storage_classes_128K"),
            Edit::in_place(
                "/rules",
                (
                    "
rules:
  - { id: b, status: Disabled, filter: { prefix: logs/ }, expiration: { date: '2040-01-01T00:00:00Z' } }
  - { id: a, status: Enabled, filter: { and: { tags: { kind: draft } } }, expiration: { days: 30, expiredObjectDeleteMarker: false } }
",
                    json!({
                        "a": { "status": "Enabled", "filter": { "tag": "kind=draft" }, "expiration": [null, 30, null] },
                        "b": { "status": "Disabled", "filter": { "prefix": "logs/" }, "expiration": [2_208_988_800_u32, null, null] },
                    }),
                ),
                (
                    "
rules:
  - id: c
    status: Enabled
    filter: { and: { prefix: big/, tags: { a: x, b: y }, objectSizeGreaterThan: 500, objectSizeLessThan: 64000 } }
    transitions: [{ days: 60, storageClass: GLACIER }, { days: 30, storageClass: STANDARD_IA }]
",
                    json!({
                        "c": {
                            "status": "Enabled",
                            "filter": { "and": { "prefix": "big/", "tags": ["a=x", "b=y"], "over": 500, "under": 64000 } },
                            "transitions": [[null, 60, "GLACIER"], [null, 30, "STANDARD_IA"]],
                        },
                    }),
                ),
            )
            .removed(json!({
                "a": { "status": "Enabled", "filter": { "prefix": "" }, "expiration": [null, 30, null] },
            })),
            Edit::in_place(
                "/rules",
                (
                    "
rules:
  - id: a
    status: Enabled
    filter: { objectSizeGreaterThan: 500 }
    noncurrentVersionExpiration: { noncurrentDays: 7, newerNoncurrentVersions: 2 }
    noncurrentVersionTransitions: [{ noncurrentDays: 3, newerNoncurrentVersions: 1, storageClass: GLACIER_IR }]
    abortIncompleteMultipartUpload: { daysAfterInitiation: 5 }
",
                    json!({
                        "a": {
                            "status": "Enabled",
                            "filter": { "over": 500 },
                            "noncurrentExpiration": [7, 2],
                            "noncurrentTransitions": [[3, 1, "GLACIER_IR"]],
                            "abort": 5,
                        },
                    }),
                ),
                (
                    "
rules:
  - id: a
    status: Enabled
    filter: { objectSizeLessThan: 900 }
    noncurrentVersionExpiration: { noncurrentDays: 8 }
  - { id: b, status: Enabled, expiration: { expiredObjectDeleteMarker: true } }
  - { id: c, status: Enabled, transitions: [{ date: '2040-01-01T00:00:00Z', storageClass: DEEP_ARCHIVE }] }
  - { id: d, status: Enabled, filter: { tag: { key: kind, value: draft } }, transitions: [{ storageClass: INTELLIGENT_TIERING }] }
",
                    json!({
                        "a": { "status": "Enabled", "filter": { "under": 900 }, "noncurrentExpiration": [8, null] },
                        "b": { "status": "Enabled", "filter": { "prefix": "" }, "expiration": [null, null, true] },
                        "c": { "status": "Enabled", "filter": { "prefix": "" }, "transitions": [[2_208_988_800_u32, null, "DEEP_ARCHIVE"]] },
                        "d": { "status": "Enabled", "filter": { "tag": "kind=draft" }, "transitions": [[null, 0, "INTELLIGENT_TIERING"]] },
                    }),
                ),
            ),
        ]
    }

    async fn look(&self, sdk: &Sdk, id: &str) -> Option<Json> {
        let asked = sdk.s3.get_bucket_lifecycle_configuration().bucket(id);
        let answer = asked.send().await.ok()?;
        let rules: serde_json::Map<String, Json> = answer
            .rules()
            .iter()
            .map(|rule| (rule.id().unwrap_or_default().to_owned(), shown(rule)))
            .collect();
        let minimum = answer.transition_default_minimum_object_size();
        Some(json!({
            "bucket": sdk.name_of(&format!("arn:aws:s3:::{id}")).await,
            "rules": rules,
            "minimum": minimum.map(|minimum| minimum.as_str()),
        }))
    }

    async fn vanish(&self, sdk: &Sdk, id: &str) -> bool {
        let deleted = sdk.s3.delete_bucket_lifecycle().bucket(id).send().await;
        deleted.is_ok()
    }

    async fn drift(&self, sdk: &Sdk, id: &str) -> bool {
        let rule = LifecycleRule::builder()
            .id("a")
            .status(ExpirationStatus::Enabled)
            .filter(LifecycleRuleFilter::builder().prefix("").build())
            .expiration(LifecycleExpiration::builder().days(1).build())
            .build()
            .expect("the rule is whole");
        let configuration = Configuration::builder().rules(rule).build();
        sdk.s3
            .put_bucket_lifecycle_configuration()
            .bucket(id)
            .lifecycle_configuration(configuration.expect("there is a rule"))
            .send()
            .await
            .is_ok()
    }

    async fn foreign_tag(&self, _sdk: &Sdk, _id: &str, _set: bool) -> Option<bool> {
        None
    }
}

#[tokio::test]
async fn bucket_lifecycle_configuration() {
    check("e2e-s3-bucket-lifecycle", &BucketLifecycleConfiguration).await;
}
