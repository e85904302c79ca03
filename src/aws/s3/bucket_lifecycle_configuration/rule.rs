//! A lifecycle rule in our words and in the SDK's.

use aws_sdk_s3::types as sdk;
use aws_smithy_types::DateTime;
use aws_smithy_types::date_time::Format;

use super::model::{
    AbortIncompleteMultipartUpload, And, Expiration, Filter, FilterTag,
    NoncurrentVersionExpiration, NoncurrentVersionTransition, Rule, Transition,
};
use crate::aws::answer::text;
use crate::aws::error::AwsResult;
use crate::aws::s3::unbuildable;
use crate::resource::{ErrorKind, ProviderError};

pub(super) const PUT: &str = "s3:PutBucketLifecycleConfiguration";

pub(super) fn from_sdk(rule: &sdk::LifecycleRule) -> Rule {
    Rule {
        id: text(rule.id()),
        status: rule.status().as_str().to_owned(),
        filter: filter_from_sdk(rule),
        expiration: rule.expiration().map(|expiration| Expiration {
            date: expiration.date().and_then(date_to_text),
            days: expiration.days(),
            expired_object_delete_marker: expiration.expired_object_delete_marker(),
        }),
        transitions: rule
            .transitions()
            .iter()
            .map(|transition| Transition {
                date: transition.date().and_then(date_to_text),
                days: transition.days(),
                storage_class: storage_class(transition.storage_class()),
            })
            .collect(),
        noncurrent_version_expiration: rule.noncurrent_version_expiration().map(|expiration| {
            NoncurrentVersionExpiration {
                noncurrent_days: expiration.noncurrent_days().unwrap_or_default(),
                newer_noncurrent_versions: expiration.newer_noncurrent_versions(),
            }
        }),
        noncurrent_version_transitions: rule
            .noncurrent_version_transitions()
            .iter()
            .map(|transition| NoncurrentVersionTransition {
                noncurrent_days: transition.noncurrent_days().unwrap_or_default(),
                newer_noncurrent_versions: transition.newer_noncurrent_versions(),
                storage_class: storage_class(transition.storage_class()),
            })
            .collect(),
        abort_incomplete_multipart_upload: rule
            .abort_incomplete_multipart_upload()
            .and_then(sdk::AbortIncompleteMultipartUpload::days_after_initiation)
            .map(|days_after_initiation| AbortIncompleteMultipartUpload {
                days_after_initiation,
            }),
    }
}

fn filter_from_sdk(rule: &sdk::LifecycleRule) -> Option<Filter> {
    let Some(filter) = rule.filter() else {
        #[expect(deprecated, reason = "rules of old still carry their prefix there")]
        let prefix = rule.prefix();
        return prefix.map(|prefix| Filter {
            prefix: Some(prefix.to_owned()),
            tag: None,
            object_size_greater_than: None,
            object_size_less_than: None,
            and: None,
        });
    };
    Some(Filter {
        prefix: filter.prefix().map(str::to_owned),
        tag: filter.tag().map(|tag| FilterTag {
            key: tag.key().to_owned(),
            value: tag.value().to_owned(),
        }),
        object_size_greater_than: filter.object_size_greater_than(),
        object_size_less_than: filter.object_size_less_than(),
        and: filter.and().map(|and| And {
            prefix: and.prefix().map(str::to_owned),
            tags: and
                .tags()
                .iter()
                .map(|tag| (tag.key().to_owned(), tag.value().to_owned()))
                .collect(),
            object_size_greater_than: and.object_size_greater_than(),
            object_size_less_than: and.object_size_less_than(),
        }),
    })
}

fn storage_class(class: Option<&sdk::TransitionStorageClass>) -> String {
    class
        .map_or("", sdk::TransitionStorageClass::as_str)
        .to_owned()
}

fn date_to_text(date: &DateTime) -> Option<String> {
    date.fmt(Format::DateTime).ok()
}

/// # Errors
/// [`ErrorKind::Invalid`] for a date that is none.
pub(super) fn to_sdk(operation: &'static str, rule: &Rule) -> AwsResult<sdk::LifecycleRule> {
    let date = |text: Option<&String>| {
        let parse = |text: &String| {
            DateTime::from_str(text, Format::DateTimeWithOffset).map_err(|error| {
                ProviderError::new(
                    ErrorKind::Invalid,
                    operation,
                    format!("`{text}` in the rule `{}`: {error}", rule.id),
                )
            })
        };
        text.map(parse).transpose()
    };
    let expiration = match &rule.expiration {
        None => None,
        Some(expiration) => Some(
            sdk::LifecycleExpiration::builder()
                .set_date(date(expiration.date.as_ref())?)
                .set_days(expiration.days)
                .set_expired_object_delete_marker(marker_of(expiration))
                .build(),
        ),
    };
    let mut transitions = Vec::new();
    for transition in &rule.transitions {
        transitions.push(
            sdk::Transition::builder()
                .set_date(date(transition.date.as_ref())?)
                .set_days(transition.days_in_force())
                .storage_class(transition.storage_class.as_str().into())
                .build(),
        );
    }
    let noncurrent_expiration = rule.noncurrent_version_expiration.as_ref();
    let noncurrent_transitions = rule.noncurrent_version_transitions.iter();
    let abort = rule.abort_incomplete_multipart_upload.as_ref();
    sdk::LifecycleRule::builder()
        .id(&rule.id)
        .status(rule.status.as_str().into())
        .filter(filter_to_sdk(operation, rule.filter.as_ref())?)
        .set_expiration(expiration)
        .set_transitions(some_of(transitions))
        .set_noncurrent_version_expiration(noncurrent_expiration.map(|expiration| {
            sdk::NoncurrentVersionExpiration::builder()
                .noncurrent_days(expiration.noncurrent_days)
                .set_newer_noncurrent_versions(expiration.newer_noncurrent_versions)
                .build()
        }))
        .set_noncurrent_version_transitions(some_of(
            noncurrent_transitions
                .map(|transition| {
                    sdk::NoncurrentVersionTransition::builder()
                        .noncurrent_days(transition.noncurrent_days)
                        .set_newer_noncurrent_versions(transition.newer_noncurrent_versions)
                        .storage_class(transition.storage_class.as_str().into())
                        .build()
                })
                .collect(),
        ))
        .set_abort_incomplete_multipart_upload(abort.map(|abort| {
            sdk::AbortIncompleteMultipartUpload::builder()
                .days_after_initiation(abort.days_after_initiation)
                .build()
        }))
        .build()
        .map_err(unbuildable(operation))
}

/// The setting for delete markers. S3 does not take it beside days or a date, not even `false`, which says nothing.
fn marker_of(expiration: &Expiration) -> Option<bool> {
    let stands_alone = expiration.days.is_none() && expiration.date.is_none();
    expiration
        .expired_object_delete_marker
        .filter(|removes| *removes || stands_alone)
}

/// The condition under `and`, if it is one at most: S3 wants that one alone.
fn alone(and: &And) -> Option<Filter> {
    let prefix = and.prefix.clone().filter(|prefix| !prefix.is_empty());
    let (over, under) = (and.object_size_greater_than, and.object_size_less_than);
    let others = [prefix.is_some(), over.is_some(), under.is_some()];
    let others = others.into_iter().filter(|is_given| *is_given).count();
    let tag = and.tags.iter().next().map(|(key, value)| FilterTag {
        key: key.clone(),
        value: value.clone(),
    });
    (and.tags.len() + others <= 1).then_some(Filter {
        prefix,
        tag,
        object_size_greater_than: over,
        object_size_less_than: under,
        and: None,
    })
}

/// The filter that S3 wants in every rule: without a condition, it is the prefix that all keys have.
fn filter_to_sdk(
    operation: &'static str,
    filter: Option<&Filter>,
) -> AwsResult<sdk::LifecycleRuleFilter> {
    let tag = |key: &str, value: &str| {
        sdk::Tag::builder()
            .key(key)
            .value(value)
            .build()
            .map_err(unbuildable(operation))
    };
    let whole_bucket = sdk::LifecycleRuleFilter::builder().prefix("").build();
    let Some(filter) = filter else {
        return Ok(whole_bucket);
    };
    let alone = filter.and.as_ref().and_then(alone);
    let filter = alone.as_ref().unwrap_or(filter);
    let and = match &filter.and {
        None => None,
        Some(and) => {
            let tags: AwsResult<Vec<_>> = and
                .tags
                .iter()
                .map(|(key, value)| tag(key, value))
                .collect();
            Some(
                sdk::LifecycleRuleAndOperator::builder()
                    .set_prefix(and.prefix.clone().filter(|prefix| !prefix.is_empty()))
                    .set_tags(some_of(tags?))
                    .set_object_size_greater_than(and.object_size_greater_than)
                    .set_object_size_less_than(and.object_size_less_than)
                    .build(),
            )
        }
    };
    let one = filter.tag.as_ref();
    let converted = sdk::LifecycleRuleFilter::builder()
        .set_prefix(filter.prefix.clone())
        .set_tag(one.map(|one| tag(&one.key, &one.value)).transpose()?)
        .set_object_size_greater_than(filter.object_size_greater_than)
        .set_object_size_less_than(filter.object_size_less_than)
        .set_and(and)
        .build();
    if converted == sdk::LifecycleRuleFilter::builder().build() {
        return Ok(whole_bucket);
    }
    Ok(converted)
}

/// The list, or `None` if it is empty: S3 takes no empty lists.
fn some_of<T>(list: Vec<T>) -> Option<Vec<T>> {
    (!list.is_empty()).then_some(list)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_rule_survives_the_way_to_the_sdk_and_back() {
        let given = json!({
            "id": "logs", "status": "Enabled",
            "filter": {"and": {"prefix": "a/", "tags": {"k": "v"}, "objectSizeGreaterThan": 5}},
            "expiration": {"date": "2030-01-01T00:00:00Z"},
            "transitions": [{"days": 30, "storageClass": "GLACIER"}],
            "noncurrentVersionExpiration": {"noncurrentDays": 7, "newerNoncurrentVersions": 2},
            "noncurrentVersionTransitions": [{"noncurrentDays": 3, "storageClass": "STANDARD_IA"}],
            "abortIncompleteMultipartUpload": {"daysAfterInitiation": 1},
        });
        let rule: Rule = serde_json::from_value(given).unwrap();
        let there = to_sdk("s3:Put", &rule).unwrap();
        let back = from_sdk(&there);
        assert_eq!(
            serde_json::to_value(back).unwrap(),
            serde_json::to_value(rule).unwrap()
        );
    }

    #[test]
    fn a_rule_is_sent_in_the_form_that_s3_takes() {
        let sent = |rest: serde_json::Value| {
            let mut given = json!({"id": "a", "status": "Enabled"});
            let rest = rest.as_object().unwrap().clone();
            given.as_object_mut().unwrap().extend(rest);
            let rule: Rule = serde_json::from_value(given).unwrap();
            to_sdk("s3:Put", &rule).unwrap()
        };
        let rule = sent(
            json!({"expiration": {"days": 5, "expiredObjectDeleteMarker": false},
            "transitions": [{"storageClass": "INTELLIGENT_TIERING"}], "filter": {"and": {"prefix": "a/"}}}),
        );
        assert_eq!(
            rule.expiration().unwrap().expired_object_delete_marker(),
            None
        );
        assert_eq!(rule.transitions()[0].days(), Some(0));
        let filter = rule.filter().unwrap();
        assert_eq!((filter.prefix(), filter.and()), (Some("a/"), None));
        let rule = sent(json!({"expiration": {"expiredObjectDeleteMarker": true},
            "transitions": [{"storageClass": "GLACIER", "date": "2030-01-01T00:00:00Z"}],
            "filter": {"and": {"prefix": "", "tags": {"k": "v"}}}}));
        assert_eq!(
            rule.expiration().unwrap().expired_object_delete_marker(),
            Some(true)
        );
        assert_eq!(rule.transitions()[0].days(), None);
        let filter = rule.filter().unwrap();
        assert_eq!(filter.tag().map(sdk::Tag::key), Some("k"));
        assert_eq!(filter.and(), None);
    }

    #[test]
    fn a_rule_without_filter_covers_the_whole_bucket() {
        for given in [
            json!({"id": "a", "status": "Enabled"}),
            json!({"id": "a", "status": "Enabled", "filter": {}}),
        ] {
            let rule: Rule = serde_json::from_value(given).unwrap();
            let filter = to_sdk("s3:Put", &rule).unwrap().filter;
            assert_eq!(filter.unwrap().prefix(), Some(""));
        }
    }

    #[test]
    fn a_wrong_date_is_refused_by_name() {
        let given = json!({"id": "a", "status": "Enabled", "expiration": {"date": "tomorrow"}});
        let rule: Rule = serde_json::from_value(given).unwrap();
        let error = to_sdk("s3:Put", &rule).unwrap_err();
        assert!(error.is(ErrorKind::Invalid) && error.message.contains("tomorrow"));
    }
}
