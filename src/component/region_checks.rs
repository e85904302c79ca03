//! Zones and ARNs of a region other than the stack's. For most of them AWS answers that there is no such thing.

use crate::graph::{GraphError, Resource};
use crate::resource::rule::Locality;
use crate::resource::{Catalog, InvalidInput, Value};
use crate::stack::region::REGIONS;

/// Finds everything that resources name in other regions, although it has to be in their own.
pub fn check(region: &str, resources: &[Resource], catalog: &Catalog) -> Vec<GraphError> {
    let mut errors = Vec::new();
    for resource in resources {
        let Some(schema) = catalog.get(resource.urn.token()) else {
            continue;
        };
        for property in &schema.properties {
            let Some(value) = resource.inputs.get(property.name) else {
                continue;
            };
            let mut texts = Vec::new();
            collect_texts(value, &mut texts);
            let reason = texts.into_iter().find_map(|text| match property.locality {
                Locality::Anywhere => None,
                Locality::Zone => against_zone(region, text),
                Locality::Region => against_arn(region, text),
            });
            if let Some(reason) = reason {
                errors.push(GraphError::InvalidInput {
                    resource: resource.urn.name().to_owned(),
                    invalid_input: InvalidInput::new(property.name, reason),
                    origin: Box::new(resource.origin.clone()),
                });
            }
        }
    }
    errors
}

/// Collects the texts in a value, and the beginnings of joined ones.
fn collect_texts<'a>(value: &'a Value, texts: &mut Vec<&'a str>) {
    match value {
        Value::String(text) => texts.push(text),
        Value::Secret(inner) => collect_texts(inner, texts),
        Value::List(items) => items.iter().for_each(|item| collect_texts(item, texts)),
        Value::Object(entries) => entries
            .values()
            .for_each(|value| collect_texts(value, texts)),
        Value::Join(parts) => parts
            .iter()
            .take(1)
            .for_each(|part| collect_texts(part, texts)),
        _ => {}
    }
}

/// `eu-south-2a`; local zones go on behind a hyphen.
fn against_zone(region: &str, zone: &str) -> Option<String> {
    let rest = zone.strip_prefix(region);
    let is_own =
        rest.is_some_and(|rest| rest.starts_with('-') || matches!(rest.as_bytes(), [b'a'..=b'z']));
    if is_own {
        return None;
    }
    let other = REGIONS
        .iter()
        .filter(|known| **known != region && zone.starts_with(**known))
        .max_by_key(|known| known.len());
    Some(match other {
        Some(other) => format!("`{zone}` is a zone of {other}, and the stack is in {region}"),
        None => format!("`{zone}` is not a zone of {region}, such as `{region}a`"),
    })
}

fn against_arn(region: &str, text: &str) -> Option<String> {
    let parts: Vec<&str> = text.splitn(6, ':').collect();
    match parts.as_slice() {
        ["arn", _, _, other, ..] if parts.len() > 4 && !other.is_empty() && *other != region => {
            Some(format!("is in {other}, and the stack is in {region}"))
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use expect_test::expect;

    use crate::component::testing::faults_of;

    #[test]
    fn what_is_in_another_region_is_refused_where_it_stands() {
        let faults = faults_of(
            r#"resources:
  vpc: { type: aws:ec2:Vpc, properties: { cidrBlock: 10.0.0.0/16 } }
  a: { type: aws:ec2:Subnet, properties: { vpcId: "${vpc.id}", cidrBlock: 10.0.0.0/24, availabilityZone: us-east-1a } }
  b: { type: aws:ec2:Subnet, properties: { vpcId: "${vpc.id}", cidrBlock: 10.0.1.0/24, availabilityZone: eu-suoth-2a } }
  c: { type: aws:ec2:Subnet, properties: { vpcId: "${vpc.id}", cidrBlock: 10.0.2.0/24, availabilityZone: eu-south-2a } }
  log: { type: aws:cloudwatch:LogGroup, properties: { kmsKeyId: "arn:aws:kms:eu-west-1:123456789012:key/1" } }
"#,
        );
        expect![[r#"
            3:106 value `us-east-1a`: `availabilityZone`: `us-east-1a` is a zone of us-east-1, and the stack is in eu-south-2
            4:106 value `eu-suoth-2a`: `availabilityZone`: `eu-suoth-2a` is not a zone of eu-south-2, such as `eu-south-2a`
            6:65 value `"arn:aws:kms:eu-west-1:123456789012:key/1"`: `kmsKeyId`: is in eu-west-1, and the stack is in eu-south-2
        "#]]
        .assert_eq(&faults);
    }

    /// SNS says no more about it than `Invalid parameter: TopicArn`.
    #[test]
    fn a_topic_of_another_region_gets_no_subscription_and_no_policy() {
        let faults = faults_of(
            r#"resources:
  mail: { type: aws:sns:TopicSubscription, properties: { topic: "arn:aws:sns:eu-west-1:123456789012:t", protocol: email, endpoint: a@shop.example } }
  policy: { type: aws:sns:TopicPolicy, properties: { arn: "arn:aws:sns:eu-west-1:123456789012:t", policy: {} } }
"#,
        );
        let said = "is in eu-west-1, and the stack is in eu-south-2";
        assert_eq!(faults.matches(said).count(), 2, "{faults}");
    }
}
