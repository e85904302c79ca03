//! The inputs and outputs of a subscription.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::endpoint::{as_shown, holds_password};
use crate::aws::policy::canonical_json;
use crate::resource::{OutputTable, PropertyTable};

pub(super) const BY_ATTRIBUTES: &str = "MessageAttributes";

pub(super) const BY_BODY: &str = "MessageBody";

/// A receiver of the messages of a topic.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema, PropertyTable)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Inputs {
    /// The topic's ARN.
    #[property(required, replaces, regional)]
    pub topic: String,
    /// The protocol: `email`, `email-json`, `http`, `https`, `sms`, `sqs`, `lambda`, `application` or `firehose`.
    #[property(required, replaces)]
    pub protocol: String,
    /// The mail address, URL, telephone number or ARN, depending on the protocol.
    #[property(required, replaces, canonical(as_shown), secret_if(holds_password))]
    pub endpoint: String,
    /// True if messages are delivered without SNS's envelope; for `sqs`, `http`, `https` and `firehose`.
    #[property(default(false))]
    pub raw_message_delivery: Option<bool>,
    /// The filter of messages to deliver, as an object or as JSON text. Unset: all.
    #[property(canonical(canonical_json))]
    pub filter_policy: Option<serde_json::Value>,
    /// The part of a message that the filter applies to, `MessageAttributes` or `MessageBody`.
    #[property(default(BY_ATTRIBUTES))]
    pub filter_policy_scope: Option<String>,
    /// The ARN of the role by which SNS writes to the stream; only for `firehose`, which requires it.
    pub subscription_role_arn: Option<String>,
}

#[derive(Debug, Clone, Serialize, Deserialize, OutputTable)]
#[serde(rename_all = "camelCase")]
pub struct Outputs {
    /// True if the subscription still has to be confirmed.
    pub pending_confirmation: bool,
}
