//! Default encryption of a bucket.
//!
//! - S3 encrypts everything: a bucket without this configuration, or with it deleted, uses S3's own keys (`AES256`). Old
//!   buckets answer 404 for it (crossplane-contrib/provider-aws#380).
//! - KMS keys come back as they were given, whether by id, ARN or alias (cloud-custodian/cloud-custodian#6829).
//! - Buckets made since April 2026 have customers' own keys blocked (hashicorp/terraform-provider-aws#47359): that is
//!   neither compared nor sent, and a put without it leaves it as it is.
//! - S3 returns `MalformedXML` for any other algorithm (aws-controllers-k8s/community#1505), and takes no key with its own
//!   algorithm.

use aws_sdk_s3::types::{
    ServerSideEncryption, ServerSideEncryptionByDefault, ServerSideEncryptionConfiguration,
    ServerSideEncryptionRule,
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::part::Part;
use crate::aws::context::Context;
use crate::aws::error::AwsResult;
use crate::aws::policy::compact;
use crate::aws::resource_type::check;
use crate::resource::{InvalidInput, PropertyTable, ReadSession, Schema, Value};

const PUT: &str = "s3:PutBucketEncryption";
const DEFAULT_ALGORITHM: &str = "AES256";

/// The encryption of objects that are written without an encryption setting of their own.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema, PropertyTable)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Inputs {
    /// The bucket's name.
    #[property(required, replaces)]
    pub bucket: String,
    /// One rule.
    #[schemars(length(min = 1, max = 1))]
    #[property(required, canonical(canonical))]
    pub rules: Vec<Rule>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Rule {
    pub apply_server_side_encryption_by_default: ByDefault,
    /// True if a key of the bucket stands in for most calls to KMS, at a fraction of their price.
    #[serde(default)]
    pub bucket_key_enabled: bool,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ByDefault {
    /// `AES256`, `aws:kms` or `aws:kms:dsse`.
    pub sse_algorithm: String,
    /// Id, ARN or alias of the KMS key. With `aws:kms` and unset: AWS's own key for S3.
    pub kms_master_key_id: Option<String>,
}

pub struct BucketServerSideEncryptionConfiguration;

impl Part for BucketServerSideEncryptionConfiguration {
    type Inputs = Inputs;

    const TOKEN: &'static str = "aws:s3:BucketServerSideEncryptionConfiguration";

    fn describe(common: Schema) -> Schema {
        common.checks(|inputs| check(inputs, fit)).made_by_aws()
    }

    async fn get(context: &Context, _: &ReadSession, bucket: &str) -> AwsResult<Option<Inputs>> {
        let answer = context
            .send(context.s3.get_bucket_encryption().bucket(bucket))
            .await;
        let rules = match answer {
            Err(error) if error.code == "ServerSideEncryptionConfigurationNotFoundError" => {
                vec![Rule::default()]
            }
            answer => answer?
                .server_side_encryption_configuration()
                .map(ServerSideEncryptionConfiguration::rules)
                .unwrap_or_default()
                .iter()
                .map(Rule::from_sdk)
                .collect(),
        };
        let bucket = bucket.to_owned();
        Ok(Some(Inputs { bucket, rules }))
    }

    async fn put(context: &Context, inputs: &Inputs) -> AwsResult<()> {
        let rules: AwsResult<Vec<_>> = inputs.rules.iter().map(Rule::to_sdk).collect();
        let configuration = ServerSideEncryptionConfiguration::builder()
            .set_rules(Some(rules?))
            .build()
            .map_err(super::unbuildable(PUT))?;
        let request = context
            .s3
            .put_bucket_encryption()
            .bucket(&inputs.bucket)
            .server_side_encryption_configuration(configuration.clone());
        context.send(request).await?;
        Ok(())
    }

    async fn reset(context: &Context, bucket: &str) -> AwsResult<()> {
        let request = context.s3.delete_bucket_encryption().bucket(bucket);
        context.send(request).await.map(drop)
    }

    fn is_default(inputs: &Inputs) -> bool {
        inputs.rules == [Rule::default()]
    }

    fn bucket(inputs: &Inputs) -> &str {
        &inputs.bucket
    }
}

impl Default for Rule {
    /// The encryption of a new bucket.
    fn default() -> Self {
        Self {
            apply_server_side_encryption_by_default: ByDefault {
                sse_algorithm: DEFAULT_ALGORITHM.to_owned(),
                kms_master_key_id: None,
            },
            bucket_key_enabled: false,
        }
    }
}

impl Rule {
    fn from_sdk(rule: &ServerSideEncryptionRule) -> Self {
        let default = rule.apply_server_side_encryption_by_default();
        Self {
            apply_server_side_encryption_by_default: ByDefault {
                sse_algorithm: default
                    .map_or(DEFAULT_ALGORITHM, |default| {
                        default.sse_algorithm().as_str()
                    })
                    .to_owned(),
                kms_master_key_id: default
                    .and_then(ServerSideEncryptionByDefault::kms_master_key_id)
                    .map(str::to_owned),
            },
            bucket_key_enabled: rule.bucket_key_enabled().unwrap_or(false),
        }
    }

    fn to_sdk(&self) -> AwsResult<ServerSideEncryptionRule> {
        let default = &self.apply_server_side_encryption_by_default;
        let default = ServerSideEncryptionByDefault::builder()
            .sse_algorithm(ServerSideEncryption::from(default.sse_algorithm.as_str()))
            .set_kms_master_key_id(default.kms_master_key_id.clone())
            .build()
            .map_err(super::unbuildable(PUT))?;
        Ok(ServerSideEncryptionRule::builder()
            .apply_server_side_encryption_by_default(default)
            .bucket_key_enabled(self.bucket_key_enabled)
            .build())
    }
}

fn fit(inputs: &Inputs) -> Vec<InvalidInput> {
    let rules = inputs.rules.iter().enumerate();
    let invalid_inputs = rules.filter_map(|(index, rule)| {
        let default = &rule.apply_server_side_encryption_by_default;
        let at = format!("rules[{index}].applyServerSideEncryptionByDefault");
        let at_algorithm = format!("{at}.sseAlgorithm");
        match default.sse_algorithm.as_str() {
            "aws:kms" | "aws:kms:dsse" => None,
            DEFAULT_ALGORITHM => default.kms_master_key_id.as_ref().map(|_| {
                let reason = "goes with `aws:kms` or `aws:kms:dsse`; `AES256` means the keys of S3";
                InvalidInput::new(format!("{at}.kmsMasterKeyId"), reason)
                    .decided_by([&at_algorithm])
            }),
            other => {
                let reason = format!("`{other}` is none of `AES256`, `aws:kms` and `aws:kms:dsse`");
                Some(InvalidInput::new(at_algorithm, reason))
            }
        }
    });
    invalid_inputs.collect()
}

/// Every rule with its default filled in.
fn canonical(rules: Value) -> Value {
    match compact(rules) {
        Value::List(rules) => Value::List(rules.into_iter().map(canonical_rule).collect()),
        other => other,
    }
}

fn canonical_rule(rule: Value) -> Value {
    let Value::Object(mut rule) = rule else {
        return rule;
    };
    rule.entry("bucketKeyEnabled".to_owned())
        .or_insert(Value::Bool(false));
    Value::Object(rule)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::aws::fixtures::places;

    #[test]
    fn a_key_wants_an_algorithm_that_has_one() {
        let invalid_inputs = |algorithm: &str, key: Option<&str>| -> Vec<String> {
            let given = json!({"bucket": "b", "rules": [{"applyServerSideEncryptionByDefault": {
                "sseAlgorithm": algorithm, "kmsMasterKeyId": key}}]});
            places(fit(&serde_json::from_value(given).unwrap()))
        };
        let at = "rules[0].applyServerSideEncryptionByDefault";
        for algorithm in ["aws:kms", "aws:kms:dsse"] {
            assert_eq!(invalid_inputs(algorithm, Some("alias/own")), [""; 0]);
            assert_eq!(invalid_inputs(algorithm, None), [""; 0]);
        }
        assert_eq!(invalid_inputs("AES256", None), [""; 0]);
        assert_eq!(
            invalid_inputs("AES256", Some("alias/own")),
            [format!("{at}.kmsMasterKeyId")]
        );
        assert_eq!(
            invalid_inputs("SSE-KMS", Some("alias/own")),
            [format!("{at}.sseAlgorithm")]
        );
    }

    #[test]
    fn what_is_left_out_is_the_default() {
        let given = json!([{"applyServerSideEncryptionByDefault": {"sseAlgorithm": "AES256"}}]);
        let read = serde_json::to_value([Rule::default()]).unwrap();
        assert_eq!(canonical(given.into()), canonical(read.into()));
    }
}
