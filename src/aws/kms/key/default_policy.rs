//! The policy that AWS gives to a key made without one.

use serde_json::json;

use crate::aws::context::Context;
use crate::aws::policy::canonical_policy;

/// Returns the policy that AWS gives to a key made without one.
/// <https://docs.aws.amazon.com/kms/latest/developerguide/key-policy-default.html>
pub(super) fn default_policy(partition: &str, account: &str) -> serde_json::Value {
    json!({
        "Version": "2012-10-17",
        "Id": "key-default-1",
        "Statement": [{
            "Sid": "Enable IAM User Permissions",
            "Effect": "Allow",
            "Principal": {"AWS": format!("arn:{partition}:iam::{account}:root")},
            "Action": "kms:*",
            "Resource": "*",
        }],
    })
}

/// Returns whether a policy says no more than the one that AWS gives to a key made without one.
pub(super) fn is_default(context: &Context, policy: &str) -> bool {
    let default = default_policy(&context.partition, &context.account_id);
    canonical_policy(policy.into()) == canonical_policy(default.into())
}
