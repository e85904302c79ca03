//! The conditions under which a rule applies to a request.
//!
//! AWS returns the values of path patterns and host names twice, in an old form and in a new one
//! (hashicorp/terraform-provider-aws#11323); the values are sets.

use aws_sdk_elasticloadbalancingv2::types as sdk;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::aws::answer::text;
use crate::resource::{InvalidInput, Value, diff::sorted};

/// One condition that must hold: exactly one of these. It holds if any of its values matches.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Condition {
    /// The path, with `*` and `?` as wildcards; case matters.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub path_pattern: Option<Values>,
    /// The host name, with `*` and `?` as wildcards.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub host_header: Option<Values>,
    /// Another header.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub http_header: Option<HttpHeader>,
    /// The method: `GET`, `POST`, …
    #[serde(skip_serializing_if = "Option::is_none")]
    pub http_request_method: Option<Values>,
    /// Parts of the query string.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub query_strings: Option<Vec<QueryString>>,
    /// The address that the request comes from, as CIDR blocks.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub source_ip: Option<Values>,
}

/// Any of several values.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Values {
    /// A rule takes five in all.
    pub values: Vec<String>,
}

/// A header with any of several values.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct HttpHeader {
    /// 1 to 40 characters, regardless of case.
    pub http_header_name: String,
    /// With `*` and `?` as wildcards.
    pub values: Vec<String>,
}

/// A key with a value, or a value of any key.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct QueryString {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub key: Option<String>,
    /// With `*` and `?` as wildcards.
    pub value: String,
}

const PATH: &str = "path-pattern";
const HOST: &str = "host-header";
const HEADER: &str = "http-header";
const METHOD: &str = "http-request-method";
const QUERY: &str = "query-string";
const SOURCE: &str = "source-ip";

/// Checks that each condition is one test.
pub(super) fn fit(property: &str, conditions: &[Condition]) -> Vec<InvalidInput> {
    let mut invalid_inputs: Vec<InvalidInput> = conditions
        .iter()
        .enumerate()
        .filter(|(_, condition)| tests(condition).len() != 1)
        .map(|(index, _)| {
            let at = format!("{property}[{index}]");
            // Their number is known, whatever their values are.
            InvalidInput::new(at, "must hold exactly one test").decided_by([])
        })
        .collect();
    let values: Vec<&str> = conditions.iter().flat_map(values_of).collect();
    if values.len() > MOST_VALUES {
        let reason = format!(
            "has {} values; AWS takes {MOST_VALUES} in all conditions of a rule together",
            values.len()
        );
        let invalid_input = InvalidInput::new(property, reason).decided_by([]);
        invalid_inputs.push(invalid_input.help("make several rules of it with the same action"));
    }
    let wildcards: usize = conditions
        .iter()
        .flat_map(patterns_of)
        .map(|pattern| pattern.matches(['*', '?']).count())
        .sum();
    if wildcards > MOST_WILDCARDS {
        let reason = format!(
            "has {wildcards} wildcards; AWS takes {MOST_WILDCARDS} in all conditions of a rule together"
        );
        let invalid_input = InvalidInput::new(property, reason);
        invalid_inputs.push(invalid_input.help("make several rules of it with the same action"));
    }
    invalid_inputs
}

/// The most values that AWS takes in one rule:
/// <https://docs.aws.amazon.com/elasticloadbalancing/latest/application/load-balancer-limits.html>
const MOST_VALUES: usize = 5;
const MOST_WILDCARDS: usize = 5;

/// The values that a condition compares with.
fn values_of(condition: &Condition) -> Vec<&str> {
    let lists = [
        condition.http_request_method.as_ref(),
        condition.source_ip.as_ref(),
    ];
    let plain = lists.into_iter().flatten().flat_map(|list| &list.values);
    plain
        .map(String::as_str)
        .chain(patterns_of(condition))
        .collect()
}

/// The values of a condition in which `*` and `?` are wildcards.
fn patterns_of(condition: &Condition) -> Vec<&str> {
    let lists = [
        condition.path_pattern.as_ref(),
        condition.host_header.as_ref(),
    ];
    let lists = lists.into_iter().flatten().flat_map(|list| &list.values);
    let headers = condition
        .http_header
        .iter()
        .flat_map(|header| &header.values);
    let queries = condition
        .query_strings
        .iter()
        .flatten()
        .map(|pair| &pair.value);
    lists
        .chain(headers)
        .chain(queries)
        .map(String::as_str)
        .collect()
}

/// The conditions to send.
pub(super) fn to_sdk(conditions: &[Condition]) -> Vec<sdk::RuleCondition> {
    conditions.iter().flat_map(tests).collect()
}

fn tests(condition: &Condition) -> Vec<sdk::RuleCondition> {
    let Condition {
        path_pattern,
        host_header,
        http_header,
        http_request_method,
        query_strings,
        source_ip,
    } = condition;
    let values = |values: &Values| Some(values.values.clone());
    let mut built = Vec::new();
    if let Some(paths) = path_pattern {
        let config = sdk::PathPatternConditionConfig::builder().set_values(values(paths));
        built.push((
            PATH,
            sdk::RuleCondition::builder().path_pattern_config(config.build()),
        ));
    }
    if let Some(hosts) = host_header {
        let config = sdk::HostHeaderConditionConfig::builder().set_values(values(hosts));
        built.push((
            HOST,
            sdk::RuleCondition::builder().host_header_config(config.build()),
        ));
    }
    if let Some(header) = http_header {
        let config = sdk::HttpHeaderConditionConfig::builder()
            .http_header_name(&header.http_header_name)
            .set_values(Some(header.values.clone()));
        built.push((
            HEADER,
            sdk::RuleCondition::builder().http_header_config(config.build()),
        ));
    }
    if let Some(methods) = http_request_method {
        let config = sdk::HttpRequestMethodConditionConfig::builder().set_values(values(methods));
        built.push((
            METHOD,
            sdk::RuleCondition::builder().http_request_method_config(config.build()),
        ));
    }
    if let Some(pairs) = query_strings {
        let pairs = pairs
            .iter()
            .map(|pair| {
                sdk::QueryStringKeyValuePair::builder()
                    .set_key(pair.key.clone())
                    .value(&pair.value)
                    .build()
            })
            .collect();
        let config = sdk::QueryStringConditionConfig::builder().set_values(Some(pairs));
        built.push((
            QUERY,
            sdk::RuleCondition::builder().query_string_config(config.build()),
        ));
    }
    if let Some(blocks) = source_ip {
        let config = sdk::SourceIpConditionConfig::builder().set_values(values(blocks));
        built.push((
            SOURCE,
            sdk::RuleCondition::builder().source_ip_config(config.build()),
        ));
    }
    built
        .into_iter()
        .map(|(field, condition)| condition.field(field).build())
        .collect()
}

/// The conditions as AWS has them. One that has no form here, such as a regular expression, is empty, so that it differs
/// from whatever is wanted.
pub(super) fn from_sdk(conditions: &[sdk::RuleCondition]) -> Vec<Condition> {
    conditions.iter().map(one_from_sdk).collect()
}

fn one_from_sdk(condition: &sdk::RuleCondition) -> Condition {
    // The old form is missing where the new one was sent.
    let values = |new: Option<&[String]>| {
        let new = new.unwrap_or_default();
        let values = if new.is_empty() {
            condition.values()
        } else {
            new
        };
        (!values.is_empty()).then(|| Values {
            values: values.to_vec(),
        })
    };
    let mut read = Condition::default();
    match condition.field().unwrap_or_default() {
        PATH => {
            let config = condition.path_pattern_config();
            read.path_pattern = values(config.map(sdk::PathPatternConditionConfig::values));
        }
        HOST => {
            let config = condition.host_header_config();
            read.host_header = values(config.map(sdk::HostHeaderConditionConfig::values));
        }
        HEADER => {
            let config = condition.http_header_config();
            read.http_header = config
                .filter(|config| !config.values().is_empty())
                .map(|config| HttpHeader {
                    http_header_name: text(config.http_header_name()),
                    values: config.values().to_vec(),
                });
        }
        METHOD => {
            let config = condition.http_request_method_config();
            read.http_request_method =
                values(config.map(sdk::HttpRequestMethodConditionConfig::values));
        }
        QUERY => {
            read.query_strings = condition.query_string_config().map(|config| {
                config
                    .values()
                    .iter()
                    .map(|pair| QueryString {
                        key: pair.key().map(str::to_owned),
                        value: text(pair.value()),
                    })
                    .collect()
            });
        }
        SOURCE => {
            let config = condition.source_ip_config();
            read.source_ip = values(config.map(sdk::SourceIpConditionConfig::values));
        }
        _ => {}
    }
    read
}

/// Conditions and their values as sets.
pub(super) fn canonical(conditions: Value) -> Value {
    let Value::List(mut conditions) = conditions else {
        return conditions;
    };
    for condition in &mut conditions {
        let Value::Object(tests) = condition else {
            continue;
        };
        tests.retain(|_, test| !test.is_null());
        for test in tests.values_mut() {
            if let Value::Object(test) = test {
                if let Some(values) = test.get_mut("values") {
                    *values = sorted(std::mem::replace(values, Value::Null));
                }
            } else {
                *test = sorted(std::mem::replace(test, Value::Null));
            }
        }
    }
    sorted(Value::List(conditions))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn wanted(json: serde_json::Value) -> Value {
        canonical(json.into())
    }

    fn read(conditions: &[sdk::RuleCondition]) -> Value {
        canonical(serde_json::to_value(from_sdk(conditions)).unwrap().into())
    }

    #[test]
    fn every_test_reads_back_as_it_was_sent_in_any_order() {
        let given = json!([
            {"pathPattern": {"values": ["/health", "/api/*"]}},
            {"hostHeader": {"values": ["example.com"]}},
            {"httpHeader": {"httpHeaderName": "X-Team", "values": ["blue"]}},
            {"httpRequestMethod": {"values": ["GET"]}},
            {"queryStrings": [{"key": "v", "value": "2"}, {"value": "beta"}]},
            {"sourceIp": {"values": ["10.0.0.0/8"]}},
        ]);
        let conditions: Vec<Condition> = serde_json::from_value(given.clone()).unwrap();
        let mut sent = to_sdk(&conditions);
        sent.reverse();
        assert_eq!(read(&sent), wanted(given));
        assert_eq!(
            wanted(json!([{"pathPattern": {"values": ["b", "a"]}}])),
            wanted(json!([{"pathPattern": {"values": ["a", "b"]}}])),
        );
    }

    #[test]
    fn methods_pairs_and_addresses_are_sets() {
        let written = json!([
            {"httpRequestMethod": {"values": ["POST", "GET"]}},
            {"queryStrings": [{"value": "beta"}, {"key": "v", "value": "2"}, {"key": "a", "value": "2"}]},
            {"sourceIp": {"values": ["192.0.2.0/24", "10.0.0.0/8"]}},
        ]);
        let answered = json!([
            {"sourceIp": {"values": ["10.0.0.0/8", "192.0.2.0/24"]}},
            {"queryStrings": [{"key": "a", "value": "2"}, {"key": "v", "value": "2"}, {"value": "beta"}]},
            {"httpRequestMethod": {"values": ["GET", "POST"]}},
        ]);
        let conditions: Vec<Condition> = serde_json::from_value(answered).unwrap();
        assert_eq!(read(&to_sdk(&conditions)), wanted(written.clone()));
        let other = json!([
            {"httpRequestMethod": {"values": ["POST", "GET"]}},
            {"queryStrings": [{"value": "beta"}, {"key": "v", "value": "2"}, {"key": "a", "value": "3"}]},
            {"sourceIp": {"values": ["192.0.2.0/24", "10.0.0.0/8"]}},
        ]);
        assert_ne!(wanted(other), wanted(written));
    }

    #[test]
    fn the_old_form_is_read_and_a_regular_expression_is_a_difference() {
        let path = || sdk::RuleCondition::builder().field(PATH);
        let old = path().values("/a").build();
        assert_eq!(
            read(&[old]),
            wanted(json!([{"pathPattern": {"values": ["/a"]}}]))
        );
        let regex = sdk::PathPatternConditionConfig::builder().regex_values("/a.*");
        let regex = path().path_pattern_config(regex.build()).build();
        assert_ne!(
            read(&[regex]),
            wanted(json!([{"pathPattern": {"values": ["/a.*"]}}]))
        );
    }

    #[test]
    fn a_condition_holds_one_test() {
        for wrong in [
            json!([{}]),
            json!([{"sourceIp": {"values": []}, "hostHeader": {"values": []}}]),
        ] {
            let conditions: Vec<Condition> = serde_json::from_value(wrong).unwrap();
            assert!(!fit("conditions", &conditions).is_empty());
        }
    }
}
