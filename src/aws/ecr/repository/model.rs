//! The inputs and outputs of a repository.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::canonical::{AES256, WILDCARD, canonical_encryption, canonical_filters};
use crate::resource::{OutputTable, PropertyTable, TextRule, Value};

/// A place for container images.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema, PropertyTable)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schemars(extend("x-parts" = { "lifecyclePolicy": "aws:ecr:LifecyclePolicy" }))]
pub struct Inputs {
    /// The name: 2 to 256 lower-case letters and digits, with `.`, `_`, `-` and `/` between them; unique in account and
    /// region.
    #[property(replaces, text(NAME))]
    pub name: String,
    /// The mutability of tags, that is whether a tag can be moved to another image: `MUTABLE`, `IMMUTABLE`, or one of
    /// these except for the tags of `imageTagMutabilityExclusionFilters`: `IMMUTABLE_WITH_EXCLUSION`,
    /// `MUTABLE_WITH_EXCLUSION`.
    #[schemars(extend("enum" = ["MUTABLE", "IMMUTABLE", "IMMUTABLE_WITH_EXCLUSION", "MUTABLE_WITH_EXCLUSION"]))]
    #[property(default("MUTABLE"))]
    pub image_tag_mutability: String,
    /// The tags for which the opposite holds: one to five filters.
    #[serde(default)]
    #[property(canonical(canonical_filters))]
    pub image_tag_mutability_exclusion_filters: Vec<ExclusionFilter>,
    /// The scanning of images. Default: no scanning. A registry-wide scanning configuration overrides it.
    #[property(default(Value::object([("scanOnPush", false.into())])))]
    pub image_scanning_configuration: Scanning,
    /// The encryption: one element. Default: `AES256`. A change replaces the repository.
    #[property(default(Value::list([Value::object([( "encryptionType", AES256.into(), )])])), replaces, canonical(canonical_encryption))]
    pub encryption_configurations: Vec<Encryption>,
    /// True if the repository may be deleted with its images.
    #[property(default(false), write_only)]
    pub force_delete: Option<bool>,
}

/// Tags that are exempt from the mutability of a repository.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ExclusionFilter {
    /// A tag, with at most two `*` for any text: 1 to 128 letters, digits and `._*-`.
    pub filter: String,
    /// `WILDCARD`, the only type.
    #[serde(default = "wildcard")]
    #[schemars(extend("enum" = ["WILDCARD"]))]
    pub filter_type: String,
}

/// The scanning of images for known vulnerabilities.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Scanning {
    /// True if each image is scanned once it is pushed.
    pub scan_on_push: bool,
}

/// The encryption of images at rest.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Encryption {
    /// `AES256`, `KMS` or `KMS_DSSE`.
    #[serde(default = "aes256")]
    #[schemars(extend("enum" = ["AES256", "KMS", "KMS_DSSE"]))]
    pub encryption_type: String,
    /// The ARN or id of the KMS key. Default, for KMS: AWS's own key for ECR.
    pub kms_key: Option<String>,
}

#[derive(Debug, Clone, Serialize, Deserialize, OutputTable)]
#[serde(rename_all = "camelCase")]
pub struct Outputs {
    /// The address to push to: `<account>.dkr.ecr.<region>.amazonaws.com/<name>`.
    pub repository_url: Option<String>,
    /// The account that the registry belongs to.
    pub registry_id: Option<String>,
    /// True if there is an image to run.
    pub has_images: bool,
    /// All tags and digests of its images; unset if there are more than one listing has room for.
    #[output(internal)]
    pub images: Option<Vec<String>>,
    /// The number of images, up to 1000.
    pub image_count: usize,
    /// The number of those without a tag.
    pub untagged_image_count: usize,
}

const NAME: TextRule = TextRule::new(2..=256)
    .of(
        |c| c.is_ascii_lowercase() || c.is_ascii_digit() || "._-/".contains(c),
        "lower-case letters, digits and `._-/`",
    )
    .must(
        "have a letter or a digit on both sides of each `.`, `_`, `-` and `/`",
        |name| {
            // There may be several hyphens in a row, and two underscores.
            let parts = name.replace("__", "_");
            let is_plain = |part: &str| !part.is_empty();
            parts
                .split(['.', '_', '/'])
                .all(|part| is_plain(part) && !part.starts_with('-') && !part.ends_with('-'))
        },
    );

fn wildcard() -> String {
    WILDCARD.to_owned()
}

fn aes256() -> String {
    AES256.to_owned()
}
