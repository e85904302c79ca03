//! What IAM takes as names, paths and policy documents.

use crate::resource::arn::{self, unmatched};
use crate::resource::text_rule::is_plain;
use crate::resource::{Misfit, Properties, TextRule, Value};

use crate::aws::policy::{canonical_json, least_size};

/// Paths of roles and policies.
pub(super) const PATH: TextRule = TextRule::new(1..=512)
    .of(
        |c| matches!(c, '!'..='~'),
        "printable characters of ASCII without spaces",
    )
    .must("begin and end with `/`", |path| {
        path.starts_with('/') && path.ends_with('/')
    });

/// Descriptions of roles: Latin-1 text.
pub(super) const ROLE_DESCRIPTION: TextRule = TextRule::new(0..=1000).of(
    |c| matches!(c, '\t' | '\n' | '\r' | ' '..='~' | '\u{a1}'..='\u{ff}'),
    "the characters of Latin-1",
);

/// Names of at most so many characters.
pub(super) const fn name(longest: usize) -> TextRule {
    TextRule::new(1..=longest).of(
        |c| is_plain(c) || "_+=,.@-".contains(c),
        "letters, digits and `_+=,.@-`",
    )
}

/// What is wrong with the policy document under a property: its size, its characters, and statements of identity
/// policies that allow nothing.
pub(super) fn check(inputs: &Properties, property: &str, most: usize) -> Vec<Misfit> {
    let Some(document) = inputs.get(property) else {
        return Vec::new();
    };
    let mut misfits = check_size(document, property, most);
    misfits.extend(check_characters(document, property));
    misfits.extend(check_statements(document, property));
    misfits
}

/// As [`check`], without the statements: a trust policy has no resources.
pub(super) fn check_trust(inputs: &Properties, property: &str, most: usize) -> Vec<Misfit> {
    let Some(document) = inputs.get(property) else {
        return Vec::new();
    };
    let mut misfits = check_size(document, property, most);
    misfits.extend(check_characters(document, property));
    misfits
}

fn check_size(document: &Value, property: &str, most: usize) -> Vec<Misfit> {
    let size = least_size(document);
    if size <= most {
        return Vec::new();
    }
    let reason = format!("has {size} characters, white space not counted; AWS takes {most}");
    let help =
        "share it out among several policies, or say with `*` what many statements say one by one";
    vec![Misfit::new(property, reason).decided_by([]).help(help)]
}

fn check_characters(document: &Value, property: &str) -> Vec<Misfit> {
    let wrong = wrong_character(document);
    let reason = wrong
        .map(|wrong| format!("takes the characters of Latin-1, and `{wrong}` is none of these"));
    reason
        .map(|reason| Misfit::new(property, reason).decided_by([]))
        .into_iter()
        .collect()
}

fn wrong_character(value: &Value) -> Option<char> {
    let is_wrong = |c: &char| !matches!(c, '\t' | '\n' | '\r' | ' '..='\u{ff}');
    match value {
        Value::String(text) => text.chars().find(is_wrong),
        Value::Secret(inner) => wrong_character(inner),
        Value::List(values) | Value::Join(values) => values.iter().find_map(wrong_character),
        Value::Object(entries) => entries.iter().find_map(|(key, value)| {
            key.chars()
                .find(is_wrong)
                .or_else(|| wrong_character(value))
        }),
        _ => None,
    }
}

fn check_statements(document: &Value, property: &str) -> Vec<Misfit> {
    let document = canonical_json(document.clone());
    let statements = document
        .as_object()
        .and_then(|document| document.get("Statement"));
    let statements = match statements {
        Some(Value::List(statements)) => statements.as_slice(),
        Some(single) => std::slice::from_ref(single),
        None => &[],
    };
    let mut misfits = Vec::new();
    for (index, statement) in statements.iter().enumerate() {
        let Some(statement) = statement.as_object() else {
            continue;
        };
        let allows = statement.get("Effect").and_then(Value::as_str) == Some("Allow");
        let actions = one_or_many(statement.get("Action"));
        let resources: Vec<Option<String>> = one_or_many(statement.get("Resource"))
            .iter()
            .map(arn::written)
            .collect();
        if !allows {
            continue;
        }
        if let Some(found) = unmatched(actions.iter().filter_map(Value::as_str), &resources) {
            let at = format!("{property}.Statement[{index}].Resource");
            misfits.push(
                Misfit::new(at, found.reason)
                    .decided_by([])
                    .help(found.help),
            );
        }
    }
    misfits
}

fn one_or_many(value: Option<&Value>) -> &[Value] {
    match value {
        Some(Value::List(values)) => values,
        Some(single) => std::slice::from_ref(single),
        None => &[],
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn said(document: serde_json::Value) -> Vec<String> {
        let inputs = Properties::from([("policy".to_owned(), Value::from(document))]);
        let misfits = check(&inputs, "policy", 10_240);
        misfits.iter().map(Misfit::to_string).collect()
    }

    #[test]
    fn white_space_does_not_count() {
        let long = "x".repeat(9_000);
        assert_eq!(
            said(json!({"Statement": [{"Sid": long}]})),
            Vec::<String>::new()
        );
        let spaced = format!("{{\n{}\"Statement\": []}}", " ".repeat(20_000));
        assert_eq!(said(json!(spaced)), Vec::<String>::new());
        let said = said(json!({"Statement": [{"Sid": "x".repeat(10_300)}]}));
        assert!(said[0].contains("AWS takes 10240"), "{said:?}");
    }

    #[test]
    fn documents_are_latin_1() {
        assert_eq!(
            said(json!({"Statement": [{"Sid": "Größe"}]})),
            Vec::<String>::new()
        );
        let said = said(json!({"Statement": [{"Sid": "the shop\u{2019}s"}]}));
        assert!(said[0].contains('\u{2019}'), "{said:?}");
    }

    #[test]
    fn a_secret_without_its_random_characters_is_refused_where_it_stands() {
        let arn = "arn:aws:secretsmanager:eu-south-2:123456789012:secret:prod/db";
        let statement = |resource: &str| {
            json!({"Version": "2012-10-17", "Statement": {"Effect": "Allow",
                "Action": "secretsmanager:GetSecretValue", "Resource": resource}})
        };
        let wrong = said(statement(arn));
        assert!(
            wrong[0].starts_with("`policy.Statement[0].Resource`"),
            "{wrong:?}"
        );
        assert_eq!(
            said(statement(&format!("{arn}-??????"))),
            Vec::<String>::new()
        );
        // The same as text.
        let text = statement(arn).to_string();
        assert_eq!(said(json!(text)).len(), 1);
    }
}
