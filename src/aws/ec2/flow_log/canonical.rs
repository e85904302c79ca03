//! The canonical forms of a flow log's properties.

use crate::resource::Value;
use crate::resource::value::properties;

/// The format that AWS uses if none is given. It is sent nevertheless, so that later records have the format that was asked
/// for.
/// <https://docs.aws.amazon.com/vpc/latest/userguide/flow-log-records.html>
pub(super) const DEFAULT_FORMAT: &str = "${version} ${account-id} ${interface-id} ${srcaddr} ${dstaddr} ${srcport} ${dstport} ${protocol} \
     ${packets} ${bytes} ${start} ${end} ${action} ${log-status}";

/// The ARN of a log group without the `:*` behind it that policies want, and flow logs do not.
pub(super) fn bare(arn: &str) -> &str {
    arn.strip_suffix(":*").unwrap_or(arn)
}

pub(super) fn bare_arn(arn: Value) -> Value {
    match arn.as_str() {
        Some(text) => bare(text).into(),
        None => arn,
    }
}

/// A format other than AWS's own.
pub(super) fn unusual_format(format: Value) -> Value {
    if format.as_str() == Some(DEFAULT_FORMAT) {
        return Value::Null;
    }
    format
}

/// The options that differ from the defaults.
pub(super) fn unusual_options(options: Value) -> Value {
    let Value::Object(mut fields) = options else {
        return options;
    };
    let usual = properties([
        ("fileFormat", "plain-text".into()),
        ("hiveCompatiblePartitions", false.into()),
        ("perHourPartition", false.into()),
    ]);
    fields.retain(|name, value| !value.is_null() && usual.get(name) != Some(value));
    if fields.is_empty() {
        return Value::Null;
    }
    Value::Object(fields)
}
