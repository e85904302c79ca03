//! Buckets that services of AWS write logs to: private, encrypted, emptied by age.

use crate::component::context::Context;
use crate::component::policy;
use crate::graph::Resource;
use crate::resource::tags::short_hash;
use crate::resource::value::properties;
use crate::resource::{Properties, StackId, Urn, Value};

/// A bucket that a service of AWS writes logs to.
pub struct LogBucket {
    /// The section that it comes from.
    pub origin: &'static str,
    /// Its logical name, with which those of its parts begin.
    pub name: &'static str,
    /// Days after which logs are deleted.
    pub days: u32,
}

impl LogBucket {
    pub fn urn(&self, stack: &StackId) -> Urn {
        Urn::new(stack, "aws:s3:Bucket", self.name)
    }

    /// The derived name of a bucket. Names are unique in all of AWS, and the same stack is set up in many accounts.
    pub fn derived_name(context: &Context<'_>, what: &str) -> Value {
        let (stack, region) = (&context.id, &context.stack.region);
        Value::join([
            format!("{}-{what}-", short(stack, region, what)).into(),
            policy::account_id(stack),
            format!("-{region}").into(),
        ])
    }

    /// Adds the bucket itself.
    pub fn add<'a>(&self, context: &'a mut Context<'_>, name: Value) -> &'a mut Resource {
        let urn = self.urn(&context.id);
        context.add(self.origin, urn, properties([("bucket", name)]))
    }

    /// Adds the settings that keep it private, encrypted, and from growing without limit.
    pub fn guard(&self, context: &mut Context<'_>) {
        let bucket = Value::output(&self.urn(&context.id), "bucket");
        let mut part = |token: &str, name: &str, mut inputs: Properties| {
            inputs.insert("bucket".to_owned(), bucket.clone());
            let part = context.urn(token, &format!("{}{name}", self.name));
            context.add(self.origin, part, inputs);
        };
        part(
            "aws:s3:BucketPublicAccessBlock",
            "PublicAccess",
            properties([
                ("blockPublicAcls", true.into()),
                ("blockPublicPolicy", true.into()),
                ("ignorePublicAcls", true.into()),
                ("restrictPublicBuckets", true.into()),
            ]),
        );
        // Access logs can be written with the bucket's own keys only, not with KMS.
        let algorithm = Value::object([("sseAlgorithm", "AES256".into())]);
        let encryption = Value::object([("applyServerSideEncryptionByDefault", algorithm)]);
        part(
            "aws:s3:BucketServerSideEncryptionConfiguration",
            "Encryption",
            properties([("rules", Value::list([encryption]))]),
        );
        let expiry = Value::object([
            ("id", "expire".into()),
            ("status", "Enabled".into()),
            ("expiration", Value::object([("days", self.days.into())])),
            (
                "abortIncompleteMultipartUpload",
                Value::object([("daysAfterInitiation", 1.into())]),
            ),
        ]);
        part(
            "aws:s3:BucketLifecycleConfiguration",
            "Lifecycle",
            properties([("rules", Value::list([expiry]))]),
        );
    }
}

/// The statement of a bucket's policy that refuses unencrypted calls.
pub fn encrypted_transport(bucket_arn: &Value) -> Value {
    Value::object([
        ("Sid", "EncryptedTransport".into()),
        ("Effect", "Deny".into()),
        ("Principal", Value::object([("AWS", "*".into())])),
        ("Action", "s3:*".into()),
        (
            "Resource",
            Value::list([
                bucket_arn.clone(),
                Value::join([bucket_arn.clone(), "/*".into()]),
            ]),
        ),
        (
            "Condition",
            Value::object([(
                "Bool",
                Value::object([("aws:SecureTransport", "false".into())]),
            )]),
        ),
    ])
}

/// The stack in the name of a bucket, which has 63 characters with account and region in it.
fn short(stack: &StackId, region: &str, what: &str) -> String {
    /// A name without hyphens, the number of the account, and the hyphen before the region.
    const ROOM: usize = 63 - 2 - 12 - 1;
    let whole = format!("{}-{}", stack.name, stack.environment);
    let room = ROOM.saturating_sub(what.len() + region.len());
    if whole.len() <= room {
        return whole;
    }
    let hash = short_hash(&whole, 6);
    let kept = whole.get(..room.saturating_sub(7)).unwrap_or_default();
    format!("{}-{hash}", kept.trim_end_matches('-'))
}
