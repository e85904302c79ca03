//! EC2 networking. Ids are assigned by AWS and the name is only a tag, so objects are found by tag.

pub mod vpc;

use aws_sdk_ec2::types::{Filter, ResourceType, Tag, TagSpecification};

use crate::resource::{StackId, Tags, Value, tags};

/// The filter that finds a stack's objects.
fn of_stack(stack: &StackId) -> Filter {
    Filter::builder()
        .name(format!("tag:{}", tags::STACK))
        .values(stack.to_string())
        .build()
}

/// Tags for a create call.
fn on_create(kind: ResourceType, tags: &Tags) -> TagSpecification {
    let tags = tags
        .iter()
        .map(|(key, value)| Tag::builder().key(key).value(value).build())
        .collect();
    TagSpecification::builder()
        .resource_type(kind)
        .set_tags(Some(tags))
        .build()
}

fn from_sdk(tags: &[Tag]) -> Tags {
    tags.iter()
        .filter_map(|tag| {
            Some((
                tag.key()?.to_owned(),
                tag.value().unwrap_or_default().to_owned(),
            ))
        })
        .collect()
}

/// A CIDR block with its host bits cleared, as AWS stores it.
fn network_address(value: Value) -> Value {
    match value.as_str().map(str::parse::<ipnet::IpNet>) {
        Some(Ok(block)) => block.trunc().to_string().into(),
        _ => value,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn host_bits_are_no_difference() {
        assert_eq!(
            network_address("10.0.0.5/16".into()),
            Value::from("10.0.0.0/16")
        );
        assert_eq!(
            network_address("2001:DB8::/32".into()),
            Value::from("2001:db8::/32")
        );
    }
}
