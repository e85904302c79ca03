//! KMS: keys and their aliases, and the forms in which other services name them: by id, by ARN, or by an alias of either
//! form.

pub mod alias;
pub mod key;

use fde_infra_derive::operations;
use std::sync::Arc;

use aws_sdk_kms::types::AliasListEntry;

use super::context::Context;
use super::error::AwsResult;
use crate::resource::{ReadSession, Value};

operations! {
    aws_sdk_kms, "kms":
    CreateAlias,
    CreateKey,
    DeleteAlias,
    DescribeKey,
    DisableKey,
    DisableKeyRotation,
    EnableKey,
    EnableKeyRotation,
    GetKeyPolicy,
    GetKeyRotationStatus,
    ListAliases,
    ListKeys,
    ListResourceTags,
    PutKeyPolicy,
    ScheduleKeyDeletion,
    TagResource,
    UntagResource,
    UpdateAlias,
    UpdateKeyDescription,
}

const KEY: &str = "aws:kms:Key";

/// The prefix of the aliases that AWS makes for its own keys.
const OF_AWS: &str = "alias/aws/";

/// Returns every alias of the region: no call asks for one by its name, and a key does not say which it has.
async fn aliases(context: &Context, session: &ReadSession) -> AwsResult<Arc<Vec<AliasListEntry>>> {
    const OPERATION: &str = "kms:ListAliases";
    session
        .once(OPERATION, || async {
            context
                .pages(
                    |marker| context.kms.list_aliases().limit(100).set_marker(marker),
                    |page| (page.aliases, page.next_marker),
                )
                .await
        })
        .await
}

/// Returns the canonical form of a reference to a key: its id, or its alias without the account's part.
///
/// An alias and the key behind it cannot be recognized as the same without asking KMS; see [`is_alias`].
pub fn canonical_key(key: Value) -> Value {
    let short = key.as_str().and_then(|text| {
        let resource = text.strip_prefix("arn:")?.splitn(5, ':').last()?;
        let id = resource.strip_prefix("key/").unwrap_or(resource);
        Some(Value::from(id))
    });
    short.unwrap_or(key)
}

/// Returns the id in the ARN of a key.
pub fn key_in(arn: &str) -> Option<&str> {
    let (head, id) = arn.split_once(":key/")?;
    head.contains(":kms:").then_some(id)
}

/// Returns whether a key is named by an alias. AWS then returns another name for it, which cannot be compared.
pub fn is_alias(key: &Value) -> bool {
    canonical_key(key.clone())
        .as_str()
        .is_some_and(|text| text.starts_with("alias/"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn forms_of_one_key_are_equal() {
        for (given, expected) in [
            ("1234-abcd", "1234-abcd"),
            ("arn:aws:kms:eu-south-2:1:key/1234-abcd", "1234-abcd"),
            ("alias/aws/rds", "alias/aws/rds"),
            ("arn:aws:kms:eu-south-2:1:alias/shop", "alias/shop"),
        ] {
            assert_eq!(canonical_key(given.into()), expected.into(), "{given}");
        }
        assert!(is_alias(&"arn:aws:kms:eu-south-2:1:alias/shop".into()));
        assert!(!is_alias(&"1234-abcd".into()));
    }
}
