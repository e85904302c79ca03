//! The inputs and outputs of a key.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::aws::policy::canonical_policy;
use crate::resource::{OutputTable, PropertyTable, TextRule};

/// A key that encrypts the data of other services.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema, PropertyTable)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Inputs {
    /// The description: at most 8192 characters.
    #[property(text(TextRule::new(0..=8192)))]
    pub description: Option<String>,
    /// The key policy, as an object or as JSON text: at most 32,768 bytes. Default: AWS's own, by which IAM decides who in
    /// the account may do what.
    #[property(canonical(canonical_policy))]
    pub policy: Option<serde_json::Value>,
    /// True if the key can be used.
    #[property(default(true))]
    pub is_enabled: bool,
    /// True if AWS generates new key material at intervals; the former material still decrypts.
    #[property(default(false))]
    pub enable_key_rotation: bool,
    /// The days between two rotations, 90 to 2560. Default: 365.
    #[schemars(range(min = 90, max = 2560))]
    #[property(server_chooses)]
    pub rotation_period_in_days: Option<i64>,
    /// The days in which its deletion can be cancelled, 7 to 30.
    #[schemars(range(min = 7, max = 30))]
    #[property(default(30), write_only)]
    pub deletion_window_in_days: i64,
}

#[derive(Debug, Clone, Serialize, Deserialize, OutputTable)]
#[serde(rename_all = "camelCase")]
pub struct Outputs {
    /// The same as the id.
    pub key_id: String,
}

/// The default deletion window: <https://docs.aws.amazon.com/kms/latest/APIReference/API_ScheduleKeyDeletion.html>
pub(super) const WINDOW_DAYS: i64 = 30;
