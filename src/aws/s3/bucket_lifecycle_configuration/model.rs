//! The inputs of the lifecycle rules of a bucket.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::canonical::canonical;
use crate::resource::PropertyTable;

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

pub(super) const DEFAULT_MINIMUM: &str = "all_storage_classes_128K";

impl Transition {
    /// The days that apply, `None` if a date does.
    pub(super) fn days_in_force(&self) -> Option<i32> {
        self.days.or_else(|| self.date.is_none().then_some(0))
    }
}
