//! Combinations that S3 does not accept in lifecycle rules.

use std::collections::HashSet;

use super::model::{Inputs, Rule};
use super::rule::{PUT, to_sdk};
use crate::resource::InvalidInput;

pub(super) fn fit(inputs: &Inputs) -> Vec<InvalidInput> {
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

/// The combinations in a rule that S3 does not take:
/// <https://docs.aws.amazon.com/AmazonS3/latest/userguide/lifecycle-transition-general-considerations.html>
fn fit_rule(at: &str, rule: &Rule) -> Vec<InvalidInput> {
    let mut invalid_inputs = Vec::new();
    let expires = rule
        .expiration
        .as_ref()
        .and_then(|expiration| expiration.days);
    for (index, transition) in rule.transitions.iter().enumerate() {
        let Some(days) = transition.days_in_force() else {
            continue;
        };
        let at_days = format!("{at}.transitions[{index}].days");
        let decide = format!("{at}.expiration.days");
        if let Some(expires) = expires.filter(|expires| *expires <= days) {
            let reason =
                format!("objects are deleted after {expires} days, before or as they would move");
            invalid_inputs
                .push(InvalidInput::new(&at_days, reason).decided_by([&at_days, &decide]));
        }
        if days < 30 && ["STANDARD_IA", "ONEZONE_IA"].contains(&transition.storage_class.as_str()) {
            let reason = format!(
                "objects move to `{}` after 30 days at the earliest",
                transition.storage_class
            );
            invalid_inputs.push(InvalidInput::new(&at_days, reason));
        }
    }
    let is_by_tag = rule.filter.as_ref().is_some_and(|filter| {
        filter.tag.is_some() || filter.and.as_ref().is_some_and(|and| !and.tags.is_empty())
    });
    if is_by_tag && rule.abort_incomplete_multipart_upload.is_some() {
        let reason = "does not go with a filter by tags, which unfinished uploads do not have";
        let at = format!("{at}.abortIncompleteMultipartUpload");
        invalid_inputs.push(InvalidInput::new(at, reason).decided_by([]));
    }
    invalid_inputs.extend(fit_form(at, rule));
    invalid_inputs
}

/// The forms that S3 does not take as a rule at all: `MalformedXML` is all that it says of most of them.
fn fit_form(at: &str, rule: &Rule) -> Vec<InvalidInput> {
    let mut invalid_inputs = Vec::new();
    if !["Enabled", "Disabled"].contains(&rule.status.as_str()) {
        let reason = "is neither `Enabled` nor `Disabled`";
        invalid_inputs.push(InvalidInput::new(format!("{at}.status"), reason));
    }
    let mut refuse = |at: String, reason: &str| {
        invalid_inputs.push(InvalidInput::new(at, reason).decided_by([]));
    };
    let conditions = rule.filter.as_ref().map_or(0, |filter| {
        let given = [
            filter.prefix.is_some(),
            filter.tag.is_some(),
            filter.object_size_greater_than.is_some(),
            filter.object_size_less_than.is_some(),
            filter.and.is_some(),
        ];
        given.into_iter().filter(|is_given| *is_given).count()
    });
    if conditions > 1 {
        refuse(
            format!("{at}.filter"),
            "takes one condition; several go under `and`",
        );
    }
    let expiration = rule.expiration.as_ref();
    let by_days = expiration.is_some_and(|expiration| expiration.days.is_some());
    let by_date = expiration.is_some_and(|expiration| expiration.date.is_some());
    let of_markers =
        expiration.is_some_and(|expiration| expiration.expired_object_delete_marker == Some(true));
    if [by_days, by_date, of_markers]
        .into_iter()
        .filter(|is_given| *is_given)
        .count()
        > 1
    {
        refuse(
            format!("{at}.expiration"),
            "takes one of `days`, `date` and `expiredObjectDeleteMarker`; another one takes a rule of its own",
        );
    }
    for (index, transition) in rule.transitions.iter().enumerate() {
        if transition.date.is_some() && transition.days.is_some() {
            refuse(
                format!("{at}.transitions[{index}]"),
                "takes `date` or `days`, not both",
            );
        }
    }
    let moves = |by_date: bool| {
        let mut transitions = rule.transitions.iter();
        transitions.any(|transition| transition.date.is_some() == by_date)
    };
    if by_date && moves(false) || by_days && moves(true) || moves(true) && moves(false) {
        refuse(
            at.to_owned(),
            "counts days and names a date: a rule does the one or the other",
        );
    }
    let acts = expiration.is_some()
        || !rule.transitions.is_empty()
        || rule.noncurrent_version_expiration.is_some()
        || !rule.noncurrent_version_transitions.is_empty()
        || rule.abort_incomplete_multipart_upload.is_some();
    if !acts {
        refuse(
            at.to_owned(),
            "does nothing: a rule has an expiration, a transition or `abortIncompleteMultipartUpload`",
        );
    }
    invalid_inputs
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::aws::fixtures::places;

    /// Each of these is `MalformedXML` or `InvalidRequest` on AWS.
    #[test]
    fn what_is_no_rule_to_s3_is_found_offline() {
        let invalid_inputs = |rule: serde_json::Value| -> Vec<String> {
            let rule: Rule = serde_json::from_value(rule).unwrap();
            places(fit_rule("rules[0]", &rule))
        };
        let moves = json!([{"storageClass": "GLACIER", "date": "2030-01-01T00:00:00Z"}]);
        for (rule, at) in [
            (
                json!({"id": "a", "status": "enabled", "expiration": {"days": 1}}),
                "rules[0].status",
            ),
            (
                json!({"id": "a", "status": "Enabled", "expiration": {"days": 1},
                    "filter": {"prefix": "a/", "objectSizeGreaterThan": 5}}),
                "rules[0].filter",
            ),
            (
                json!({"id": "a", "status": "Enabled", "expiration": {"days": 1, "expiredObjectDeleteMarker": true}}),
                "rules[0].expiration",
            ),
            (
                json!({"id": "a", "status": "Enabled", "transitions": [
                    {"storageClass": "GLACIER", "days": 1, "date": "2030-01-01T00:00:00Z"}]}),
                "rules[0].transitions[0]",
            ),
            (
                json!({"id": "a", "status": "Enabled", "transitions": moves, "expiration": {"days": 90}}),
                "rules[0]",
            ),
            (json!({"id": "a", "status": "Enabled"}), "rules[0]"),
        ] {
            assert_eq!(invalid_inputs(rule), [at]);
        }
        for rule in [
            json!({"id": "a", "status": "Disabled", "expiration": {"days": 1, "expiredObjectDeleteMarker": false}}),
            json!({"id": "a", "status": "Enabled", "transitions": moves, "expiration": {"expiredObjectDeleteMarker": true}}),
            json!({"id": "a", "status": "Enabled", "transitions": [{"storageClass": "INTELLIGENT_TIERING"}],
                "filter": {"and": {"prefix": "a/", "objectSizeGreaterThan": 5}}}),
        ] {
            assert_eq!(invalid_inputs(rule), [""; 0]);
        }
    }
}
