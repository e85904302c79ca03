//! Access logs of a load balancer.
//!
//! AWS writes a test file as soon as they are enabled, and refuses to enable them while the bucket's policy does not allow
//! it. The last settings stay in the attributes after the logs are disabled.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::attribute::{Attributes, Settings};
use crate::resource::Value;

/// Access logs in a bucket.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct AccessLogs {
    /// Default: false, even with a bucket.
    #[serde(default)]
    pub enabled: bool,
    /// A bucket in the same region, encrypted with S3's own keys, whose policy lets the service
    /// `logdelivery.elasticloadbalancing.amazonaws.com` write.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub bucket: Option<String>,
    /// The prefix of the logs' keys; must not contain `AWSLogs`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub prefix: Option<String>,
}

impl AccessLogs {
    pub(super) fn add_to(&self, settings: &mut Settings) {
        settings.insert(ENABLED, self.enabled.to_string());
        if self.enabled {
            settings.insert(BUCKET, self.bucket.clone().unwrap_or_default());
            settings.insert(PREFIX, self.prefix.clone().unwrap_or_default());
        }
    }

    pub(super) fn from_attributes(attributes: &Attributes) -> Self {
        Self {
            enabled: attributes.parsed(ENABLED, false),
            bucket: attributes.optional(BUCKET),
            prefix: attributes.optional(PREFIX),
        }
    }
}

const ENABLED: &str = "access_logs.s3.enabled";
const BUCKET: &str = "access_logs.s3.bucket";
const PREFIX: &str = "access_logs.s3.prefix";

/// The canonical form: disabled logs are the same, whatever their destination.
pub(super) fn canonical(logs: Value) -> Value {
    match logs {
        Value::Object(mut logs) => {
            if logs.get("enabled").and_then(Value::as_bool) == Some(false) {
                logs.retain(|name, _| name == "enabled");
            }
            logs.retain(|_, value| value.as_str() != Some(""));
            Value::Object(logs)
        }
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn logs_that_are_off_are_alike() {
        let off = Value::object([("enabled", false.into())]);
        let left_over = Value::object([("enabled", false.into()), ("bucket", "logs".into())]);
        assert_eq!(canonical(left_over), off);
        let on = |prefix: &str| {
            Value::object([
                ("enabled", true.into()),
                ("bucket", "logs".into()),
                ("prefix", prefix.into()),
            ])
        };
        assert_ne!(canonical(on("")), canonical(on("web")));
    }
}
