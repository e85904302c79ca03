//! The inputs and outputs of a secret.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::aws::kms::canonical_key;
use crate::resource::text_rule::is_plain;
use crate::resource::{OutputTable, PropertyTable, TextRule, Value};

/// A secret, with or without a value that is generated once.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema, PropertyTable)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Inputs {
    /// The name: 1 to 512 letters, digits and `/_+=.@-`. AWS advises against names that end in a hyphen and six characters:
    /// an ARN without the characters that AWS adds to it would be taken for a complete one.
    #[property(replaces, text(NAME))]
    pub name: String,
    /// The description: at most 2048 characters.
    #[property(text(TextRule::new(0..=2048)))]
    pub description: Option<String>,
    /// The id, ARN or alias of the KMS key. Default: `alias/aws/secretsmanager`.
    #[property(canonical(named_key), regional)]
    pub kms_key_id: Option<String>,
    /// The days in which a deleted secret can be restored, 7 to 30. Used if data is to be kept on deletion.
    #[schemars(range(min = 7, max = 30))]
    #[property(default(30), write_only)]
    pub recovery_window_in_days: i64,
    /// A value to generate at random when the secret is created or restored. Later changes have no effect.
    #[property(write_only)]
    pub generate_secret_string: Option<GenerateSecretString>,
}

/// The rules for a generated value, as in CloudFormation.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct GenerateSecretString {
    /// A JSON object, or its text, that gets the password under `generateStringKey`. Without it the value is the password.
    pub secret_string_template: Option<serde_json::Value>,
    pub generate_string_key: Option<String>,
    /// The length: 1 to 4096 characters. Default: 32.
    #[schemars(range(min = 1, max = 4096))]
    pub password_length: Option<i64>,
    /// The characters that the password must not have, such as `"@/\`.
    pub exclude_characters: Option<String>,
    /// True if the password has no punctuation. Default: false.
    pub exclude_punctuation: Option<bool>,
    /// True if the password has at least one lower-case letter, upper-case letter, digit and punctuation mark each. Default:
    /// true.
    pub require_each_included_type: Option<bool>,
}

#[derive(Debug, Clone, Serialize, Deserialize, OutputTable)]
#[serde(rename_all = "camelCase")]
pub struct Outputs {
    /// A different text for each password that comes into force; none if the secret rotates by itself, since then the
    /// rotation updates the database. It reveals nothing about the value.
    pub content_version: Option<String>,
}

const NAME: TextRule = TextRule::new(1..=512).of(
    |c| is_plain(c) || "/_+=.@-".contains(c),
    "letters, digits and `/_+=.@-`",
);

/// Returns the key if it is a named one: the key that AWS manages is reported as no key at all.
fn named_key(key: Value) -> Value {
    match canonical_key(key) {
        key if key.as_str() == Some("alias/aws/secretsmanager") => Value::Null,
        key => key,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_key_that_aws_manages_is_no_key() {
        assert!(named_key("alias/aws/secretsmanager".into()).is_null());
        assert_eq!(named_key("arn:aws:kms:r:1:key/k".into()), "k".into());
        // A secret whose key is an alias is described with the alias's ARN.
        let described = named_key("arn:aws:kms:r:1:alias/shop".into());
        assert_eq!(named_key("alias/shop".into()), described);
        assert!(named_key("arn:aws:kms:r:1:alias/aws/secretsmanager".into()).is_null());
    }
}
