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

mod canonical;
mod checks;
mod model;
mod rule;

use std::collections::BTreeMap;

use aws_sdk_s3::types::{
    BucketLifecycleConfiguration as SdkConfiguration, TransitionDefaultMinimumObjectSize,
};

pub use self::model::{
    AbortIncompleteMultipartUpload, And, Expiration, Filter, FilterTag, Inputs,
    NoncurrentVersionExpiration, NoncurrentVersionTransition, Rule, Transition,
};

use self::canonical::canonical;
use self::checks::fit;
use self::model::DEFAULT_MINIMUM;
use self::rule::{PUT, from_sdk, to_sdk};
use super::part::Part;
use crate::aws::context::Context;
use crate::aws::error::AwsResult;
use crate::aws::resource_type::check;
use crate::resource::{Properties, ReadSession, Schema, Value};

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

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

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
}
