//! Lifecycle rules of a bucket.
//!
//! - One call puts all rules; their order means nothing.
//! - A rule without a filter, one with an empty filter and one with the prefix `""` are the same: the whole bucket. S3
//!   requires the filter, and older buckets have the prefix beside it.
//! - S3 returns `MalformedXML`, and no more, for several conditions without `and` (hashicorp/terraform-provider-aws#42373),
//!   for `and` around a single one (#23882) and for a delete marker's setting beside days or a date, even if it is `false`
//!   (crossplane-contrib/provider-aws#2116): so equivalent forms are sent as S3 wants them, and the rest is found offline.
//! - A transition without days or date is one after 0 days (#23117).
//! - Rules that were put are not read back everywhere at once.

use std::collections::{BTreeMap, HashSet};

use aws_sdk_s3::types::{
    BucketLifecycleConfiguration as SdkConfiguration, TransitionDefaultMinimumObjectSize,
};
use aws_smithy_types::DateTime;
use aws_smithy_types::date_time::Format;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::lifecycle_checks::fit_rule;
use super::lifecycle_rule::{from_sdk, to_sdk};
use super::part::Part;
use crate::aws::context::Context;
use crate::aws::error::AwsResult;
use crate::aws::policy::{compact, ordered_by};
use crate::aws::resource_type::check;
use crate::resource::diff::sorted;
use crate::resource::{InvalidInput, Properties, PropertyTable, ReadSession, Schema, Value};

const DEFAULT_MINIMUM: &str = "all_storage_classes_128K";

/// The rules for what happens to objects over time.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema, PropertyTable)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Inputs {
    /// The bucket's name.
    #[property(required, replaces)]
    pub bucket: String,
    /// 1 to 1000 rules.
    #[schemars(length(min = 1, max = 1000))]
    #[property(required, canonical(canonical))]
    pub rules: Vec<Rule>,
    /// The smallest objects that transitions move: `all_storage_classes_128K`, or `varies_by_storage_class`. Default:
    /// `all_storage_classes_128K`.
    #[property(default(DEFAULT_MINIMUM))]
    pub transition_default_minimum_object_size: String,
}

#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Rule {
    /// 1 to 255 characters, unique in the bucket.
    pub id: String,
    /// `Enabled` or `Disabled`.
    pub status: String,
    /// The objects that it applies to. Unset: all.
    pub filter: Option<Filter>,
    /// The time at which objects are deleted; in a versioned bucket, the time at which they become old versions.
    pub expiration: Option<Expiration>,
    /// The times at which objects move to another storage class.
    #[serde(default)]
    pub transitions: Vec<Transition>,
    /// The time at which old versions are deleted.
    pub noncurrent_version_expiration: Option<NoncurrentVersionExpiration>,
    /// The times at which old versions move to another storage class.
    #[serde(default)]
    pub noncurrent_version_transitions: Vec<NoncurrentVersionTransition>,
    /// The time at which the parts of unfinished uploads are deleted.
    pub abort_incomplete_multipart_upload: Option<AbortIncompleteMultipartUpload>,
}

/// One condition; several go under `and`.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Filter {
    /// The prefix of the keys.
    pub prefix: Option<String>,
    pub tag: Option<FilterTag>,
    /// Bytes.
    pub object_size_greater_than: Option<i64>,
    /// Bytes.
    pub object_size_less_than: Option<i64>,
    pub and: Option<And>,
}

#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct FilterTag {
    pub key: String,
    pub value: String,
}

/// Conditions that all hold.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct And {
    pub prefix: Option<String>,
    #[serde(default)]
    pub tags: BTreeMap<String, String>,
    /// Bytes.
    pub object_size_greater_than: Option<i64>,
    /// Bytes.
    pub object_size_less_than: Option<i64>,
}

/// One of the three.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Expiration {
    /// Midnight UTC, as in `2030-01-01T00:00:00Z`.
    pub date: Option<String>,
    /// Days after the object was made; at least 1.
    pub days: Option<i32>,
    /// True if a delete marker is removed once no version is left behind it.
    pub expired_object_delete_marker: Option<bool>,
}

/// `date` or `days`, not both.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Transition {
    /// Midnight UTC, as in `2030-01-01T00:00:00Z`.
    pub date: Option<String>,
    /// Days after the object was made. Default: 0, where there is no date.
    pub days: Option<i32>,
    /// `STANDARD_IA`, `ONEZONE_IA`, `INTELLIGENT_TIERING`, `GLACIER_IR`, `GLACIER` or `DEEP_ARCHIVE`.
    pub storage_class: String,
}

#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct NoncurrentVersionExpiration {
    /// Days after the version was superseded; at least 1.
    pub noncurrent_days: i32,
    /// The number of old versions that stay nevertheless: 1 to 100.
    pub newer_noncurrent_versions: Option<i32>,
}

#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct NoncurrentVersionTransition {
    /// Days after the version was superseded.
    pub noncurrent_days: i32,
    /// The number of old versions that stay nevertheless: 1 to 100.
    pub newer_noncurrent_versions: Option<i32>,
    /// The same as for transitions.
    pub storage_class: String,
}

#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct AbortIncompleteMultipartUpload {
    /// Days after the upload was begun; at least 1.
    pub days_after_initiation: i32,
}

pub struct BucketLifecycleConfiguration;

impl Part for BucketLifecycleConfiguration {
    type Inputs = Inputs;

    const TOKEN: &'static str = "aws:s3:BucketLifecycleConfiguration";

    fn describe(common: Schema) -> Schema {
        common
            .checks(|inputs| check(inputs, fit))
            .discards(discards)
    }

    async fn get(context: &Context, _: &ReadSession, bucket: &str) -> AwsResult<Option<Inputs>> {
        let request = context
            .s3
            .get_bucket_lifecycle_configuration()
            .bucket(bucket);
        let answer = context.send(request).await?;
        Ok(Some(Inputs {
            bucket: bucket.to_owned(),
            rules: answer.rules().iter().map(from_sdk).collect(),
            transition_default_minimum_object_size: answer
                .transition_default_minimum_object_size()
                .map_or(DEFAULT_MINIMUM, TransitionDefaultMinimumObjectSize::as_str)
                .to_owned(),
        }))
    }

    async fn put(context: &Context, inputs: &Inputs) -> AwsResult<()> {
        put(context, inputs).await
    }

    async fn reset(context: &Context, bucket: &str) -> AwsResult<()> {
        let request = context.s3.delete_bucket_lifecycle().bucket(bucket);
        context.send(request).await.map(drop)
    }

    fn bucket(inputs: &Inputs) -> &str {
        &inputs.bucket
    }
}

const PUT: &str = "s3:PutBucketLifecycleConfiguration";

fn fit(inputs: &Inputs) -> Vec<InvalidInput> {
    let mut invalid_inputs: Vec<InvalidInput> = inputs
        .rules
        .iter()
        .filter_map(|rule| to_sdk(PUT, rule).err())
        .map(|error| InvalidInput::new("rules", error.message))
        .collect();
    let mut ids = HashSet::new();
    for (index, rule) in inputs.rules.iter().enumerate() {
        let at = format!("rules[{index}]");
        if !ids.insert(&rule.id) {
            let reason = format!("`{}` is the id of another rule", rule.id);
            invalid_inputs.push(InvalidInput::new(format!("{at}.id"), reason));
        }
        invalid_inputs.extend(fit_rule(&at, rule));
    }
    invalid_inputs
}

async fn put(context: &Context, inputs: &Inputs) -> AwsResult<()> {
    let rules: AwsResult<Vec<_>> = inputs.rules.iter().map(|rule| to_sdk(PUT, rule)).collect();
    let configuration = SdkConfiguration::builder()
        .set_rules(Some(rules?))
        .build()
        .map_err(super::unbuildable(PUT))?;
    let minimum = inputs.transition_default_minimum_object_size.as_str();
    let request = context
        .s3
        .put_bucket_lifecycle_configuration()
        .bucket(&inputs.bucket)
        .lifecycle_configuration(configuration.clone())
        .transition_default_minimum_object_size(TransitionDefaultMinimumObjectSize::from(minimum));
    context.send(request).await?;
    Ok(())
}

/// The data loss of an update: something expires that did not before, or expires earlier.
fn discards(observed: &Properties, wanted: &Properties) -> Option<&'static str> {
    let (before, after) = (expirations(observed), expirations(wanted));
    let mut after = after.iter();
    let is_earlier = after.any(|(what, days)| before.get(what).is_none_or(|before| days < before));
    is_earlier.then_some("older objects are deleted")
}

/// Days until expiration under the enabled rules, by kind of expiration and filter. Each date is a kind of its own.
fn expirations(inputs: &Properties) -> BTreeMap<String, f64> {
    let mut expirations = BTreeMap::new();
    // AWS spells filters and dates in its own way.
    let Some(Value::List(rules)) = inputs.get("rules").cloned().map(canonical) else {
        return expirations;
    };
    for rule in rules.iter().filter_map(Value::as_object) {
        if rule.get("status").and_then(Value::as_str) != Some("Enabled") {
            continue;
        }
        let filter = rule.get("filter");
        let number = |of: &str, name: &str| rule.get(of)?.as_object()?.get(name)?.as_number();
        let date = rule
            .get("expiration")
            .and_then(|of| of.as_object()?.get("date"));
        let found = [
            ("current".to_owned(), number("expiration", "days")),
            (
                "old versions".to_owned(),
                number("noncurrentVersionExpiration", "noncurrentDays"),
            ),
            (format!("{date:?}"), date.map(|_| 0.0)),
        ];
        for (kind, days) in found {
            let Some(days) = days else { continue };
            let earliest: &mut f64 = expirations
                .entry(format!("{kind} {filter:?}"))
                .or_insert(days);
            *earliest = earliest.min(days);
        }
    }
    expirations
}

/// Rules in the order of their ids, without parts that say nothing.
fn canonical(rules: Value) -> Value {
    let rules = match rules {
        Value::List(rules) => Value::List(rules.into_iter().map(canonical_rule).collect()),
        other => other,
    };
    ordered_by("id", compact(rules))
}

fn canonical_rule(rule: Value) -> Value {
    let Value::Object(mut rule) = rule else {
        return rule;
    };
    if let Some(Value::Object(filter)) = rule.get_mut("filter") {
        canonical_filter(filter);
    }
    if let Some(Value::Object(expiration)) = rule.get_mut("expiration") {
        canonical_date(expiration);
        let marker = expiration.get("expiredObjectDeleteMarker");
        if marker.and_then(Value::as_bool) == Some(false) {
            expiration.remove("expiredObjectDeleteMarker");
        }
    }
    for name in ["transitions", "noncurrentVersionTransitions"] {
        if let Some(Value::List(transitions)) = rule.remove(name) {
            let transitions = transitions.into_iter().map(|transition| match transition {
                Value::Object(mut transition) => {
                    canonical_date(&mut transition);
                    if name == "transitions"
                        && !says(&transition, "date")
                        && !says(&transition, "days")
                    {
                        transition.insert("days".to_owned(), 0_u32.into());
                    }
                    Value::Object(transition)
                }
                other => other,
            });
            let transitions = compact(Value::List(transitions.collect()));
            rule.insert(name.to_owned(), sorted(transitions));
        }
    }
    Value::Object(rule)
}

fn says(place: &Properties, name: &str) -> bool {
    place.get(name).is_some_and(|value| !value.is_null())
}

/// Returns whether a condition says anything: an empty prefix does not.
fn speaks(name: &str, value: &Value) -> bool {
    !value.is_null() && (name != "prefix" || value.as_str() != Some(""))
}

/// An empty prefix says nothing, and a single condition under `and` is that condition.
fn canonical_filter(filter: &mut Properties) {
    filter.retain(|name, value| speaks(name, value));
    let Some(Value::Object(and)) = filter.get_mut("and") else {
        return;
    };
    and.retain(|name, value| speaks(name, value));
    let tags = match and.get("tags") {
        None => 0,
        Some(Value::Object(tags)) => tags.len(),
        Some(_) => return,
    };
    let others = and.keys().filter(|name| *name != "tags").count();
    if tags + others > 1 {
        return;
    }
    let only = std::mem::take(and);
    filter.remove("and");
    for (name, value) in only {
        match value {
            Value::Object(tags) if name == "tags" => {
                for (key, value) in tags {
                    let tag = Value::object([("key", key.into()), ("value", value)]);
                    filter.insert("tag".to_owned(), tag);
                }
            }
            value => {
                filter.insert(name, value);
            }
        }
    }
}

/// One spelling of a date.
fn canonical_date(place: &mut Properties) {
    let Some(date) = place.get_mut("date") else {
        return;
    };
    let spelled = date
        .as_str()
        .and_then(|text| DateTime::from_str(text, Format::DateTimeWithOffset).ok())
        .and_then(|parsed| parsed.fmt(Format::DateTime).ok());
    if let Some(spelled) = spelled {
        *date = spelled.into();
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn equal(left: serde_json::Value, right: serde_json::Value) -> bool {
        canonical(left.into()) == canonical(right.into())
    }

    #[test]
    fn only_an_earlier_expiration_takes_data() {
        let rules = |days: u32, filter: serde_json::Value| -> Properties {
            let rule = json!([{"id": "old", "status": "Enabled", "filter": filter,
                "expiration": {"days": days, "date": null, "expiredObjectDeleteMarker": false}}]);
            Properties::from([("rules".to_owned(), rule.into())])
        };
        // As AWS has it, and as an author leaves it out.
        let live = rules(30, json!({"prefix": "", "tag": null}));
        assert_eq!(discards(&live, &rules(90, json!(null))), None);
        assert_eq!(discards(&live, &rules(30, json!({}))), None);
        assert!(discards(&live, &rules(7, json!(null))).is_some());
        assert!(discards(&live, &rules(90, json!({"prefix": "logs/"}))).is_some());
    }

    #[test]
    fn spellings_of_the_same_rules_are_equal() {
        assert!(equal(
            json!([{"id": "b", "status": "Enabled", "expiration": {"days": 30}}, {"id": "a", "filter": {}}]),
            json!([
                {"id": "a", "filter": {"prefix": ""}, "transitions": []},
                {"id": "b", "status": "Enabled", "filter": {"prefix": "", "tag": null},
                 "expiration": {"days": 30, "date": null, "expiredObjectDeleteMarker": false}},
            ]),
        ));
        assert!(equal(
            json!([{"id": "a", "transitions": [
                {"days": 90, "storageClass": "GLACIER"}, {"date": "2030-01-01T00:00:00.000Z", "storageClass": "STANDARD_IA"}]}]),
            json!([{"id": "a", "transitions": [
                {"date": "2030-01-01T00:00:00Z", "storageClass": "STANDARD_IA"}, {"days": 90, "storageClass": "GLACIER"}]}]),
        ));
    }

    /// Rules by date, in every spelling of a date; and rules of others that have no id, which the console allows.
    #[test]
    fn rules_by_date_and_without_an_id_are_compared() {
        let by_date = |date: &str| {
            json!([{"id": "", "status": "Enabled", "filter": null, "expiration": {"date": date}},
                {"id": "b", "transitions": [{"date": date, "storageClass": "GLACIER"}]}])
        };
        for date in ["2030-01-01T00:00:00.000Z", "2030-01-01T02:00:00+02:00"] {
            assert!(
                equal(by_date("2030-01-01T00:00:00Z"), by_date(date)),
                "{date}"
            );
        }
        assert!(!equal(
            by_date("2030-01-01T00:00:00Z"),
            by_date("2030-01-02T00:00:00Z")
        ));
        let rule = aws_sdk_s3::types::LifecycleRule::builder()
            .status(aws_sdk_s3::types::ExpirationStatus::Enabled)
            .expiration(
                aws_sdk_s3::types::LifecycleExpiration::builder()
                    .date(DateTime::from_secs(1_893_456_000))
                    .build(),
            )
            .build()
            .unwrap();
        let read = from_sdk(&rule);
        let date = read.expiration.and_then(|expiration| expiration.date);
        assert_eq!(
            (read.id.as_str(), date.as_deref()),
            ("", Some("2030-01-01T00:00:00Z"))
        );
    }

    #[test]
    fn a_single_condition_is_the_same_under_and() {
        for (under, alone) in [
            (
                json!({"and": {"prefix": "logs/"}}),
                json!({"prefix": "logs/"}),
            ),
            (
                json!({"and": {"prefix": "", "tags": {"kind": "draft"}}}),
                json!({"tag": {"key": "kind", "value": "draft"}}),
            ),
            (
                json!({"and": {"tags": {}, "objectSizeLessThan": 5, "prefix": null}}),
                json!({"objectSizeLessThan": 5}),
            ),
            (json!({"and": {"prefix": ""}}), json!(null)),
        ] {
            assert!(
                equal(
                    json!([{"id": "a", "filter": under}]),
                    json!([{"id": "a", "filter": alone}])
                ),
                "{under}"
            );
        }
        assert!(!equal(
            json!([{"id": "a", "filter": {"and": {"tags": {"a": "b", "c": "d"}}}}]),
            json!([{"id": "a", "filter": {"tag": {"key": "a", "value": "b"}}}]),
        ));
    }

    #[test]
    fn a_transition_without_a_time_is_one_at_once() {
        assert!(equal(
            json!([{"id": "a", "transitions": [{"storageClass": "INTELLIGENT_TIERING"}]}]),
            json!([{"id": "a", "transitions": [{"days": 0, "date": null, "storageClass": "INTELLIGENT_TIERING"}]}]),
        ));
    }

    #[test]
    fn different_rules_differ() {
        assert!(!equal(
            json!([{"id": "a", "filter": {"prefix": "logs/"}}]),
            json!([{"id": "a", "filter": {"prefix": ""}}]),
        ));
    }
}
