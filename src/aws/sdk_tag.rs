//! Key-value pairs in the types of each service's SDK: tags, and attributes of load balancers. A dozen types of one form.

use std::collections::HashMap;

use crate::resource::Tags;

/// A key and its value in the words of one service.
pub(super) trait SdkTag: Sized {
    fn of(key: &str, value: &str) -> Option<Self>;

    fn pair(&self) -> Option<(&str, &str)>;
}

pub(super) fn to_sdk<Tag: SdkTag>(tags: &Tags) -> Vec<Tag> {
    let tags = tags.iter();
    tags.filter_map(|(key, value)| Tag::of(key, value))
        .collect()
}

pub(super) fn from_sdk<Tag: SdkTag>(tags: &[Tag]) -> Tags {
    let pairs = tags.iter().filter_map(SdkTag::pair);
    pairs
        .map(|(key, value)| (key.to_owned(), value.to_owned()))
        .collect()
}

/// Tags as a map, as some services take them.
pub(super) fn to_map(tags: &Tags) -> HashMap<String, String> {
    let tags = tags.iter();
    tags.map(|(key, value)| (key.to_owned(), value.to_owned()))
        .collect()
}

/// Implements [`SdkTag`] for types whose models call key and value optional.
macro_rules! optional {
    ($($tag:ty),+ $(,)?) => {$(
        impl SdkTag for $tag {
            fn of(key: &str, value: &str) -> Option<Self> {
                Some(Self::builder().key(key).value(value).build())
            }

            fn pair(&self) -> Option<(&str, &str)> {
                Some((self.key()?, self.value().unwrap_or_default()))
            }
        }
    )+};
}

/// Implements [`SdkTag`] for types whose models require both: `build` fails only without one of them.
macro_rules! required {
    ($($tag:ty),+ $(,)?) => {$(
        impl SdkTag for $tag {
            fn of(key: &str, value: &str) -> Option<Self> {
                Self::builder().key(key).value(value).build().ok()
            }

            fn pair(&self) -> Option<(&str, &str)> {
                Some((self.key(), self.value()))
            }
        }
    )+};
}

optional!(
    aws_sdk_cloudwatch::types::Tag,
    aws_sdk_ec2::types::Tag,
    aws_sdk_ecs::types::Tag,
    aws_sdk_elasticloadbalancingv2::types::LoadBalancerAttribute,
    aws_sdk_elasticloadbalancingv2::types::Tag,
    aws_sdk_elasticloadbalancingv2::types::TargetGroupAttribute,
    aws_sdk_rds::types::Tag,
    aws_sdk_secretsmanager::types::Tag,
);

required!(
    aws_sdk_ecr::types::Tag,
    aws_sdk_iam::types::Tag,
    aws_sdk_resourcegroupstagging::types::Tag,
    aws_sdk_s3::types::Tag,
    aws_sdk_sns::types::Tag,
    aws_sdk_wafv2::types::Tag,
);

/// KMS has its own names for both.
impl SdkTag for aws_sdk_kms::types::Tag {
    fn of(key: &str, value: &str) -> Option<Self> {
        Self::builder().tag_key(key).tag_value(value).build().ok()
    }

    fn pair(&self) -> Option<(&str, &str)> {
        Some((self.tag_key(), self.tag_value()))
    }
}
