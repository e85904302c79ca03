//! Combinations that ECR does not accept in a repository.

use super::model::Inputs;
use crate::resource::InvalidInput;

pub(super) fn fit(inputs: &Inputs) -> Vec<InvalidInput> {
    if let Some(invalid_input) = fit_filters(inputs) {
        return vec![invalid_input];
    }
    let configurations = &inputs.encryption_configurations;
    if configurations.len() > 1 {
        let reason = "a repository has one encryption configuration";
        return vec![InvalidInput::new("encryptionConfigurations", reason).decided_by([])];
    }
    let mut keys = configurations.iter().filter_map(|one| one.kms_key.as_ref());
    if keys.any(|key| key.starts_with("alias/") || key.contains(":alias/")) {
        let reason = "must be the ARN or id of a key: AWS returns the key that an alias stands for, so that the two \
             cannot be compared";
        return vec![InvalidInput::new(
            "encryptionConfigurations[0].kmsKey",
            reason,
        )];
    }
    Vec::new()
}

/// Checks the limits of filters: <https://docs.aws.amazon.com/AmazonECR/latest/userguide/image-tag-mutability.html>.
fn fit_filters(inputs: &Inputs) -> Option<InvalidInput> {
    const PROPERTY: &str = "imageTagMutabilityExclusionFilters";
    let filters = &inputs.image_tag_mutability_exclusion_filters;
    let mutability = inputs.image_tag_mutability.as_str();
    let both = ["imageTagMutability", PROPERTY];
    if mutability.ends_with("_WITH_EXCLUSION") == filters.is_empty() {
        let reason = if filters.is_empty() {
            format!("must be given where `imageTagMutability` is `{mutability}`")
        } else {
            format!(
                "goes with `IMMUTABLE_WITH_EXCLUSION` or `MUTABLE_WITH_EXCLUSION`, and `imageTagMutability` is `{mutability}`"
            )
        };
        return Some(InvalidInput::new(PROPERTY, reason).decided_by(both));
    }
    if filters.len() > 5 {
        let reason = format!("has {} filters; AWS takes 5", filters.len());
        return Some(InvalidInput::new(PROPERTY, reason).decided_by([]));
    }
    let is_sound = |filter: &str| {
        (1..=128).contains(&filter.len())
            && filter.matches('*').count() <= 2
            && filter
                .chars()
                .all(|c| c.is_ascii_alphanumeric() || "._*-".contains(c))
    };
    let wrong = filters.iter().position(|one| !is_sound(&one.filter))?;
    let reason = "takes 1 to 128 letters, digits and `._-`, and at most two `*` for any text";
    Some(InvalidInput::new(
        format!("{PROPERTY}[{wrong}].filter"),
        reason,
    ))
}
