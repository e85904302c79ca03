//! The canonical forms of a repository's properties, and the key that AWS chooses.

use crate::resource::diff::sorted;
use crate::resource::{Properties, Value};

pub(super) const AES256: &str = "AES256";

pub(super) const WILDCARD: &str = "WILDCARD";

/// Fills in the type, and sorts the filters: their order means nothing.
pub(super) fn canonical_filters(value: Value) -> Value {
    let Value::List(filters) = value else {
        return value;
    };
    let filters = filters.into_iter().map(|filter| match filter {
        Value::Object(mut filter) => {
            let kind = filter.entry("filterType".to_owned());
            kind.or_insert_with(|| WILDCARD.into());
            Value::Object(filter)
        }
        other => other,
    });
    sorted(Value::List(filters.collect()))
}

/// Fills in the type, takes a key by its id, the end of its ARN, and drops the key where none is used.
pub(super) fn canonical_encryption(value: Value) -> Value {
    let Value::List(configurations) = value else {
        return value;
    };
    let canonical = |configuration| {
        let Value::Object(mut configuration) = configuration else {
            return configuration;
        };
        let kind = configuration
            .entry("encryptionType".to_owned())
            .or_insert_with(|| AES256.into());
        if kind.as_str() == Some(AES256) {
            configuration.remove("kmsKey");
        }
        if let Some(Value::String(key)) = configuration.get_mut("kmsKey")
            && let Some((_, id)) = key.rsplit_once(":key/")
        {
            *key = id.to_owned();
        }
        Value::Object(configuration)
    };
    Value::List(configurations.into_iter().map(canonical).collect())
}

/// Keeps the key that AWS chose where KMS is wanted and no key is named.
pub(super) fn keep_default_key(desired: &mut Properties, observed: &Properties) {
    let first = |properties: &Properties| {
        let configurations = properties.get("encryptionConfigurations")?.as_list()?;
        configurations.first()?.as_object().cloned()
    };
    let (Some(mut wanted), Some(found)) = (first(desired), first(observed)) else {
        return;
    };
    let names_a_key = wanted.get("kmsKey").is_some_and(|key| !key.is_null());
    if names_a_key || wanted.get("encryptionType") != found.get("encryptionType") {
        return;
    }
    if let Some(key) = found.get("kmsKey") {
        wanted.insert("kmsKey".to_owned(), key.clone());
        desired.insert(
            "encryptionConfigurations".to_owned(),
            Value::list([Value::Object(wanted)]),
        );
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::resource::value::properties;

    #[test]
    fn encryption_is_compared_by_key_id() {
        let canonical = |json: serde_json::Value| canonical_encryption(json.into());
        assert_eq!(
            canonical(
                json!([{"encryptionType": "KMS", "kmsKey": "arn:aws:kms:eu-south-2:1:key/abc"}])
            ),
            canonical(json!([{"encryptionType": "KMS", "kmsKey": "abc"}]))
        );
        assert_eq!(
            canonical(json!([{}])),
            canonical(json!([{"encryptionType": "AES256"}]))
        );
    }

    #[test]
    fn a_key_that_aws_chose_stays() {
        let with = |configuration: serde_json::Value| {
            properties([("encryptionConfigurations", json!([configuration]).into())])
        };
        let observed = with(json!({"encryptionType": "KMS", "kmsKey": "chosen"}));
        let mut desired = with(json!({"encryptionType": "KMS"}));
        keep_default_key(&mut desired, &observed);
        assert_eq!(desired, observed);
        let mut named = with(json!({"encryptionType": "KMS", "kmsKey": "mine"}));
        keep_default_key(&mut named, &observed);
        assert_eq!(
            named,
            with(json!({"encryptionType": "KMS", "kmsKey": "mine"}))
        );
    }
}
