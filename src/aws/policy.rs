//! JSON documents as AWS keeps them: policies that mean the same in many spellings.

use std::collections::BTreeSet;

use percent_encoding::percent_decode_str;

use crate::resource::{InvalidInput, Properties, Value, diff::sorted};

/// Returns the canonical form of an IAM-style policy document (`aws-resources.md` §1.8).
///
/// Text is parsed; single strings become lists where AWS allows either; lists are sets; `"Principal": "*"` becomes
/// `{"AWS": "*"}`; an account's root ARN becomes its number; statements are ordered.
pub fn canonical_policy(document: Value) -> Value {
    match canonical_json(document) {
        Value::Object(mut policy) => {
            policy
                .entry("Version".to_owned())
                .or_insert_with(|| "2008-10-17".into());
            if let Some(statements) = policy.remove("Statement") {
                let statements = match statements {
                    Value::List(statements) => statements,
                    single => vec![single],
                };
                let statements = statements.into_iter().map(canonical_statement).collect();
                policy.insert("Statement".to_owned(), sorted(Value::List(statements)));
            }
            policy.retain(|name, value| name != "Id" || !value.is_null());
            Value::Object(policy)
        }
        other => other,
    }
}

/// Checks the form of the policy document under a property. Text with references may become a document; plain text that holds
/// none does not.
pub fn check_form(inputs: &Properties, property: &str) -> Vec<InvalidInput> {
    let document = inputs.get(property).cloned().map(canonical_json);
    let is_none = matches!(
        document,
        Some(Value::String(_) | Value::List(_) | Value::Number(_) | Value::Bool(_))
    );
    let help = "a policy is an object, or the text of one, with `Version` and `Statement`";
    let invalid = is_none.then(|| {
        InvalidInput::new(property, "is not a JSON object")
            .decided_by([])
            .help(help)
    });
    invalid.into_iter().collect()
}

/// Returns whether a policy allows nothing that another one does not.
pub fn is_narrowed(before: &Value, after: &Value) -> bool {
    let (before, after) = (Grants::of(before), Grants::of(after));
    before.allowed.is_superset(&after.allowed) && before.denied.is_subset(&after.denied)
}

/// The statements of a policy, as texts: for a plain statement that allows, each of its actions on each of its resources.
#[derive(Default)]
struct Grants {
    allowed: BTreeSet<String>,
    denied: BTreeSet<String>,
}

impl Grants {
    fn of(policy: &Value) -> Self {
        let mut grants = Self::default();
        let policy = canonical_policy(policy.clone());
        let statements = policy
            .as_object()
            .and_then(|policy| policy.get("Statement")?.as_list());
        for statement in statements.unwrap_or_default() {
            let mut statement = statement.as_object().cloned().unwrap_or_default();
            statement.remove("Sid");
            let is_denial = statement.get("Effect") == Some(&"Deny".into());
            // Effect, actions and resources.
            let is_plain = !is_denial && statement.len() == 3;
            let list = |name: &str| statement.get(name).and_then(Value::as_list);
            match (list("Action"), list("Resource")) {
                (Some(actions), Some(resources)) if is_plain => {
                    let pairs = actions.iter().flat_map(|action| {
                        resources
                            .iter()
                            .map(move |resource| format!("{action:?} {resource:?}"))
                    });
                    grants.allowed.extend(pairs);
                }
                _ => {
                    let whole = format!("{statement:?}");
                    if is_denial {
                        grants.denied.insert(whole);
                    } else {
                        grants.allowed.insert(whole);
                    }
                }
            }
        }
        grants
    }
}

/// Parses text that holds JSON into its value. Anything else stays as it is.
pub fn canonical_json(document: Value) -> Value {
    match &document {
        Value::String(text) => parse(text).unwrap_or(document),
        _ => document,
    }
}

/// Returns a value without its empty parts: nulls, empty lists and empty objects as properties, at all depths. AWS returns
/// these for what was left out.
pub fn compact(value: Value) -> Value {
    match value {
        Value::List(values) => Value::List(values.into_iter().map(compact).collect()),
        Value::Object(values) => Value::Object(
            values
                .into_iter()
                .map(|(name, value)| (name, compact(value)))
                .filter(|(_, value)| match value {
                    Value::Null => false,
                    Value::List(values) => !values.is_empty(),
                    Value::Object(values) => !values.is_empty(),
                    _ => true,
                })
                .collect(),
        ),
        other => other,
    }
}

/// Sorts a list of objects by one of their keys, where AWS keeps an order of its own.
pub fn ordered_by(key: &str, value: Value) -> Value {
    match value {
        Value::List(mut values) => {
            values.sort_by_cached_key(|value| {
                let key = value.as_object().and_then(|value| value.get(key));
                key.map(|key| serde_json::Value::from(key).to_string())
            });
            Value::List(values)
        }
        other => other,
    }
}

/// Decodes a document of IAM, which returns its documents URL-encoded.
pub fn decode(document: &str) -> serde_json::Value {
    let decoded = percent_decode_str(document).decode_utf8_lossy();
    serde_json::from_str(&decoded)
        .unwrap_or_else(|_| serde_json::Value::String(decoded.into_owned()))
}

/// Returns the least number of characters of a document, without white space; references are not known yet, and count as the
/// shortest ARN.
pub fn least_characters(document: &Value) -> usize {
    const SHORTEST_ARN: usize = "arn:aws:s3:::abc".len();
    let dense = |text: &str| text.chars().filter(|c| !c.is_whitespace()).count();
    // In quotes, as in JSON.
    let quoted = |text: &str| dense(&serde_json::Value::from(text).to_string());
    match document {
        Value::Null => 4,
        Value::Bool(value) => value.to_string().len(),
        Value::Number(_) => serde_json::Value::from(document).to_string().len(),
        Value::String(text) => quoted(text),
        Value::Secret(inner) => least_characters(inner),
        Value::Output(reference) => {
            let is_arn = reference.path.last().is_some_and(|name| name == "arn");
            2 + if is_arn { SHORTEST_ARN } else { 1 }
        }
        Value::Join(parts) => {
            let inner = |part: &Value| least_characters(part).saturating_sub(2);
            2 + parts.iter().map(inner).sum::<usize>()
        }
        Value::If(choice) => {
            least_characters(&choice.then).min(least_characters(&choice.otherwise))
        }
        Value::List(values) => {
            let commas = values.len().saturating_sub(1);
            2 + commas + values.iter().map(least_characters).sum::<usize>()
        }
        Value::Object(entries) => {
            let commas = entries.len().saturating_sub(1);
            let inner = entries
                .iter()
                .map(|(key, value)| quoted(key) + 1 + least_characters(value));
            2 + commas + inner.sum::<usize>()
        }
    }
}

/// Does the same as [`least_characters`], for a document that may be given as text, which then counts as it stands.
pub fn least_size(document: &Value) -> usize {
    match document {
        Value::String(text) => text.chars().filter(|c| !c.is_whitespace()).count(),
        other => least_characters(other),
    }
}

/// Returns the text to send for a policy given as text or as a value. IAM has no numbers, so an account that is written as
/// one is sent as text. IAM wants the version "before the Statement element" (99designs/iamy#65 met "The policy failed
/// legacy parsing"): <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_version.html>.
pub fn to_policy_text(document: &serde_json::Value) -> String {
    fn without_numbers(value: &serde_json::Value) -> serde_json::Value {
        match value {
            serde_json::Value::Number(number) => number.to_string().into(),
            serde_json::Value::Array(values) => values.iter().map(without_numbers).collect(),
            serde_json::Value::Object(values) => values
                .iter()
                .map(|(name, value)| (name.clone(), without_numbers(value)))
                .collect::<serde_json::Map<_, _>>()
                .into(),
            other => other.clone(),
        }
    }
    let mut document = without_numbers(document);
    let version = document
        .as_object_mut()
        .and_then(|document| document.remove("Version"));
    let text = to_text(&document);
    match (version, text.strip_prefix('{')) {
        (Some(version), Some("}")) => format!("{{\"Version\":{version}}}"),
        (Some(version), Some(rest)) => format!("{{\"Version\":{version},{rest}"),
        _ => text,
    }
}

/// Returns the text to send for a document given as text or as a value.
pub fn to_text(document: &serde_json::Value) -> String {
    match document {
        serde_json::Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

fn parse(text: &str) -> Option<Value> {
    serde_json::from_str::<serde_json::Value>(text)
        .ok()
        .filter(|value| value.is_object() || value.is_array())
        .map(Value::from)
}

fn canonical_statement(statement: Value) -> Value {
    let Value::Object(statement) = statement else {
        return statement;
    };
    let mut canonical = Properties::new();
    for (name, value) in statement {
        let value = match name.as_str() {
            "Action" | "NotAction" | "Resource" | "NotResource" => set(value),
            "Principal" | "NotPrincipal" => canonical_principal(value),
            "Condition" => canonical_condition(value),
            _ => value,
        };
        if name == "Sid" && value.as_str() == Some("") {
            continue;
        }
        canonical.insert(name, value);
    }
    Value::Object(canonical)
}

fn canonical_principal(principal: Value) -> Value {
    match principal {
        Value::String(everyone) => Value::object([("AWS", Value::list([everyone.into()]))]),
        Value::Object(kinds) => Value::Object(
            kinds
                .into_iter()
                .map(|(kind, names)| {
                    let names = match set(names) {
                        Value::List(names) => sorted(Value::List(
                            names.into_iter().map(root_as_account).collect(),
                        )),
                        other => other,
                    };
                    (kind, names)
                })
                .collect(),
        ),
        other => other,
    }
}

/// Replaces a root ARN by its account: `arn:aws:iam::123456789012:root` and `123456789012` are the same principal.
fn root_as_account(principal: Value) -> Value {
    let account = principal.as_str().and_then(|arn| {
        let mut parts = arn.split(':');
        let account = parts.clone().nth(4)?;
        (parts.next() == Some("arn") && arn.ends_with(":root") && arn.contains(":iam::"))
            .then(|| Value::from(account))
    });
    account.unwrap_or(principal)
}

fn canonical_condition(condition: Value) -> Value {
    let Value::Object(operators) = condition else {
        return condition;
    };
    Value::Object(
        operators
            .into_iter()
            .map(|(operator, keys)| {
                let keys = match keys {
                    Value::Object(keys) => Value::Object(
                        keys.into_iter()
                            .map(|(key, values)| (key, set(values)))
                            .collect(),
                    ),
                    other => other,
                };
                (operator, keys)
            })
            .collect(),
    )
}

/// Converts a value into a set: a single value is a list of one, and the order of a list means nothing. Booleans and numbers
/// equal their texts: an account may be written as a number.
fn set(value: Value) -> Value {
    let values = match value {
        Value::List(values) => values,
        single => vec![single],
    };
    sorted(Value::List(values.into_iter().map(text).collect()))
}

fn text(value: Value) -> Value {
    match value {
        Value::Bool(value) => value.to_string().into(),
        Value::Number(value) => value.to_string().into(),
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn equal(left: serde_json::Value, right: serde_json::Value) -> bool {
        canonical_policy(left.into()) == canonical_policy(right.into())
    }

    /// Every type with a policy of its own refuses what is none.
    #[test]
    fn a_text_that_is_no_document_is_no_policy() {
        let catalog = crate::aws::registry::catalog();
        for (token, property) in [
            ("aws:iam:Policy", "policy"),
            ("aws:iam:Role", "assumeRolePolicy"),
            ("aws:iam:RolePolicy", "policy"),
            ("aws:kms:Key", "policy"),
            ("aws:s3:BucketPolicy", "policy"),
            ("aws:sns:TopicPolicy", "policy"),
        ] {
            let schema = catalog.get(token).unwrap();
            let faults = |policy: Value| {
                let inputs = crate::resource::value::properties([(property, policy)]);
                let faults = schema.checks.map(|checks| checks(&inputs)).unwrap();
                let texts = faults.iter().map(ToString::to_string);
                texts.collect::<Vec<_>>().join("; ")
            };
            let found = faults("notjson".into());
            assert!(found.contains("is not a JSON object"), "{token}: {found}");
            let found = faults(r#"{"Version": "2012-10-17", "Statement": []}"#.into());
            assert!(!found.contains("is not a JSON object"), "{token}: {found}");
        }
    }

    #[test]
    fn a_policy_is_narrowed_where_nothing_new_is_allowed() {
        let allow = |actions: &[&str], resources: &[&str]| json!({"Effect": "Allow", "Action": actions, "Resource": resources});
        let deny = &json!({"Effect": "Deny", "Action": "s3:*", "Resource": "*"});
        let policy = |statements: &[&serde_json::Value]| -> Value {
            json!({"Version": "2012-10-17", "Statement": statements}).into()
        };
        let narrowed = |before: &[&serde_json::Value], after: &[&serde_json::Value]| {
            is_narrowed(&policy(before), &policy(after))
        };
        let logs = &allow(&["logs:Put"], &["a"]);
        let images = &allow(&["ecr:Get", "ecr:Pull"], &["r"]);
        let fewer = &allow(&["ecr:Get"], &["r"]);
        let others = &allow(&["ecr:Get"], &["other"]);
        assert!(narrowed(&[logs, images], &[logs]));
        assert!(narrowed(&[logs, images], &[logs, fewer]));
        assert!(narrowed(&[logs], &[logs, deny]));
        assert!(!narrowed(&[logs], &[logs, images]));
        assert!(!narrowed(&[logs, images], &[logs, others]));
        assert!(!narrowed(&[logs, deny], &[logs]));
    }

    #[test]
    fn spellings_of_one_policy_are_equal() {
        assert!(equal(
            json!({"Version": "2012-10-17", "Statement": {"Effect": "Allow", "Action": "s3:*", "Resource": ["b", "a"],
                "Principal": {"AWS": "arn:aws:iam::123456789012:root"}, "Condition": {"Bool": {"x": true}}}}),
            json!({"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": ["s3:*"], "Resource": ["a", "b"],
                "Principal": {"AWS": ["123456789012"]}, "Condition": {"Bool": {"x": ["true"]}}}]}),
        ));
        assert!(equal(
            json!({"Statement": [{"Principal": "*"}]}),
            json!("{\"Version\":\"2008-10-17\",\"Statement\":[{\"Principal\":{\"AWS\":\"*\"}}]}"),
        ));
    }

    #[test]
    fn an_account_is_the_same_as_a_number_and_as_a_text() {
        let policy = |account: serde_json::Value| {
            json!({"Statement": [{
                "Principal": {"AWS": [account, "arn:aws:iam::000000000007:root"]},
                "Condition": {"StringEquals": {"aws:SourceAccount": [account, "1", true]}},
            }]})
        };
        assert!(equal(
            policy(json!(123_456_789_012_u64)),
            policy(json!("123456789012"))
        ));
        assert!(!equal(
            policy(json!(123_456_789_012_u64)),
            policy(json!("123456789013"))
        ));
        assert_eq!(
            to_policy_text(&policy(json!(123_456_789_012_u64))),
            to_text(&policy(json!("123456789012")))
        );
    }

    #[test]
    fn the_version_goes_before_the_statements() {
        let document = json!({"Id": "a", "Statement": [], "Version": "2012-10-17"});
        let text = to_policy_text(&document);
        assert_eq!(text, r#"{"Version":"2012-10-17","Id":"a","Statement":[]}"#);
        assert_eq!(
            to_policy_text(&json!({"Version": "x"})),
            r#"{"Version":"x"}"#
        );
        // Text is kept as the author wrote it.
        let written = r#"{"Statement":[],"Version":"2012-10-17"}"#;
        assert_eq!(to_policy_text(&json!(written)), written);
    }

    #[test]
    fn different_policies_differ() {
        assert!(!equal(
            json!({"Statement": [{"Action": "s3:Get*"}]}),
            json!({"Statement": [{"Action": "s3:Put*"}]}),
        ));
    }

    #[test]
    fn a_document_may_be_nested_however_deep() {
        for depth in [100, 1_000, 1_000_000] {
            let text = "[".repeat(depth) + &"]".repeat(depth);
            assert_eq!(to_text(&decode(&text)), text);
        }
    }

    #[test]
    fn what_says_nothing_is_left_out() {
        let value = json!({"a": null, "b": {"c": []}, "d": [{"e": null, "f": 0}]});
        assert_eq!(compact(value.into()), json!({"d": [{"f": 0}]}).into());
        let value = json!([{"id": "b"}, {"id": "a"}, {}]);
        let ordered = json!([{}, {"id": "a"}, {"id": "b"}]);
        assert_eq!(ordered_by("id", value.into()), ordered.into());
    }

    #[test]
    fn iam_text_is_decoded() {
        assert_eq!(decode("%7B%22a%22%3A1%7D"), json!({"a": 1}));
    }
}
