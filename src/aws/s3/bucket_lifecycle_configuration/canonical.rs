//! The canonical form of lifecycle rules.

use aws_smithy_types::DateTime;
use aws_smithy_types::date_time::Format;

use crate::aws::policy::{compact, ordered_by};
use crate::resource::diff::sorted;
use crate::resource::{Properties, Value};

/// Rules in the order of their ids, without parts that say nothing.
pub(super) fn canonical(rules: Value) -> Value {
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
    use crate::aws::s3::bucket_lifecycle_configuration::rule::from_sdk;

    fn equal(left: serde_json::Value, right: serde_json::Value) -> bool {
        canonical(left.into()) == canonical(right.into())
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
