//! The identifiers of objects: of inputs, and of ARNs.

use crate::facts::{self, TypeFacts};
use crate::resource::{Properties, Value};

/// The character between the parts of an identifier.
const SEPARATOR: &str = "|";

/// Returns the identifier of an object with these inputs, where they say all of it.
pub(super) fn of_inputs(facts: &TypeFacts, inputs: &Properties) -> Option<String> {
    let parts: Option<Vec<String>> = facts
        .identifier
        .iter()
        .map(|name| text(inputs.get(&facts::property_name(name))?))
        .collect();
    parts.map(|parts| parts.join(SEPARATOR))
}

fn text(value: &Value) -> Option<String> {
    match value.revealed() {
        Value::String(text) => Some(text.clone()).filter(|text| !text.is_empty()),
        Value::Number(number) => Some(number.to_string()),
        _ => None,
    }
}

/// Returns the identifiers that an object of this ARN may have, the likeliest first.
pub(super) fn of_arn(facts: &TypeFacts, arn: &str) -> Vec<String> {
    // `arn:aws:service:region:account:` and then a kind, mostly, and a name, which may have a path.
    let resource = arn.splitn(6, ':').nth(5).unwrap_or_default();
    let [name] = facts.identifier.as_slice() else {
        let segments: Vec<&str> = resource
            .split(['/', ':'])
            .filter(|part| !part.is_empty())
            .collect();
        let parts = choices(&segments, facts.identifier.len());
        return parts
            .into_iter()
            .map(|parts| parts.join(SEPARATOR))
            .collect();
    };
    let mut all: Vec<String> = Vec::new();
    if !name.to_lowercase().ends_with("arn") && !name.ends_with("Url") {
        let after_kind = resource
            .split_once(['/', ':'])
            .map_or(resource, |(_, name)| name);
        let last = resource.rsplit(['/', ':']).next().unwrap_or_default();
        for one in [
            after_kind.to_owned(),
            format!("/{after_kind}"),
            last.to_owned(),
            resource.to_owned(),
        ] {
            if !one.is_empty() && one != "/" && !all.contains(&one) {
                all.push(one);
            }
        }
    }
    // Some call it an id.
    all.push(arn.to_owned());
    all
}

/// Returns the choices of that many segments, each in their order; none of them if there are more than it is worth to try.
fn choices<'s>(segments: &[&'s str], count: usize) -> Vec<Vec<&'s str>> {
    const MOST: usize = 20;
    let Some((first, rest)) = segments.split_first() else {
        return if count == 0 {
            vec![Vec::new()]
        } else {
            Vec::new()
        };
    };
    if count == 0 {
        return vec![Vec::new()];
    }
    let mut all: Vec<Vec<&str>> = choices(rest, count - 1)
        .into_iter()
        .map(|chosen| [&[*first], chosen.as_slice()].concat())
        .collect();
    all.extend(choices(rest, count));
    all.truncate(MOST);
    all
}

/// Returns whether an ARN names an object by the whole of its identifier, and by nothing beside it.
pub(super) fn is_named_by(identifier: &str, arn: &str) -> bool {
    let resource = arn.splitn(6, ':').nth(5).unwrap_or_default();
    let after_kind = resource.split_once(['/', ':']).map(|(_, name)| name);
    let name = identifier.trim_start_matches('/');
    identifier == arn || name == resource || Some(name) == after_kind
}

/// Returns whether an identifier may be that of an ARN: one of its parts, or the end of one, is the name at the end of the
/// ARN.
pub(super) fn may_be_of(identifier: &str, arn: &str) -> bool {
    let last = arn.rsplit(['/', ':']).next().unwrap_or_default();
    !last.is_empty()
        && identifier
            .split(SEPARATOR)
            .any(|part| part == last || part.rsplit(['/', ':']).next() == Some(last))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_arn_names_its_object() {
        let first = |name: &str, arn: &str| {
            let facts = facts::get(name).unwrap();
            of_arn(facts, arn).first().cloned()
        };
        let arn = "arn:aws:dynamodb:eu-south-2:1:table/orders";
        assert_eq!(
            first("AWS::DynamoDB::Table", arn).as_deref(),
            Some("orders")
        );
        let arn = "arn:aws:elasticfilesystem:eu-south-2:1:file-system/fs-1";
        assert_eq!(first("AWS::EFS::FileSystem", arn).as_deref(), Some("fs-1"));
        let arn = "arn:aws:sns:eu-south-2:1:news";
        assert_eq!(first("AWS::SNS::Topic", arn).as_deref(), Some(arn));
        // Neither a URL nor a name of several parts is in an ARN as it is.
        let arn = "arn:aws:sqs:eu-south-2:1:mails";
        assert_eq!(first("AWS::SQS::Queue", arn).as_deref(), Some(arn));
        assert!(may_be_of(
            "https://sqs.eu-south-2.amazonaws.com/1/mails",
            arn
        ));
        assert!(!may_be_of(
            "https://sqs.eu-south-2.amazonaws.com/1/all-mails",
            arn
        ));
        let arn = "arn:aws:wafv2:eu-south-2:1:regional/ipset/office/0a1b";
        assert!(may_be_of("office|0a1b|REGIONAL", arn));
        // Several parts, with the kinds of objects between them.
        let stage = facts::get("AWS::ApiGatewayV2::Stage").unwrap();
        let all = of_arn(
            stage,
            "arn:aws:apigateway:eu-south-2::/apis/a1b2/stages/live",
        );
        assert!(all.contains(&"a1b2|live".to_owned()), "{all:?}");
        // An ARN that is called an id.
        let secret = facts::get("AWS::SecretsManager::Secret").unwrap();
        let arn = "arn:aws:secretsmanager:eu-south-2:1:secret:url-a1b2c3";
        assert!(of_arn(secret, arn).contains(&arn.to_owned()));
        // A name with a path.
        let parameter = facts::get("AWS::SSM::Parameter").unwrap();
        let all = of_arn(parameter, "arn:aws:ssm:eu-south-2:1:parameter/shop/url");
        assert!(all.contains(&"/shop/url".to_owned()), "{all:?}");
        // Another party may have one that is called as the end of it.
        let arn = "arn:aws:ssm:eu-south-2:1:parameter/shop/url";
        assert!(is_named_by("/shop/url", arn) && !is_named_by("url", arn));
    }

    #[test]
    fn an_identifier_has_all_of_its_parts() {
        let set = facts::get("AWS::Logs::MetricFilter").unwrap();
        let mut inputs = Properties::from([("logGroupName".to_owned(), "/shop".into())]);
        assert_eq!(of_inputs(set, &inputs), None);
        inputs.insert("filterName".to_owned(), "errors".into());
        assert_eq!(of_inputs(set, &inputs).as_deref(), Some("/shop|errors"));
    }
}
