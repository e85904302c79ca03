//! Checks of the names, paths and policy documents that IAM accepts.
//!
//! - Ids of statements are letters and digits (hashicorp/terraform-provider-aws#10771, #33102), each once in a document
//!   (kubernetes/kops#4951): "Statement IDs (SID) in a single policy must be unique."
//! - A managed policy has a version, an inline one may have none: "Policy document must be version 2012-10-17 or greater."
//!   (Meteor-Community-Packages/Meteor-CollectionFS#630).
//! - An effect has a capital letter, or "the policy failed legacy parsing" (hashicorp/terraform#10057).

use std::collections::BTreeSet;

use crate::resource::arn::{self, unmatched};
use crate::resource::text_rule::is_plain;
use crate::resource::{InvalidInput, Properties, TextRule, Value};

use crate::aws::policy::{canonical_json, check_form, least_size};

/// The rule for paths of roles and policies.
pub(super) const PATH: TextRule = TextRule::new(1..=512)
    .of(
        |c| matches!(c, '!'..='~'),
        "printable characters of ASCII without spaces",
    )
    .must("begin and end with `/`", |path| {
        path.starts_with('/') && path.ends_with('/')
    });

/// The rule for descriptions of roles: Latin-1 text.
pub(super) const ROLE_DESCRIPTION: TextRule = TextRule::new(0..=1000).of(
    |c| matches!(c, '\t' | '\n' | '\r' | ' '..='~' | '\u{a1}'..='\u{ff}'),
    "the characters of Latin-1",
);

/// Returns the rule for names of at most `longest` characters.
pub(super) const fn name(longest: usize) -> TextRule {
    TextRule::new(1..=longest).of(
        |c| is_plain(c) || "_+=,.@-".contains(c),
        "letters, digits and `_+=,.@-`",
    )
}

/// Returns the flaws of the policy document under a property: its form, its size, its characters, and statements of identity
/// policies that IAM does not accept or that allow nothing.
pub(super) fn check(inputs: &Properties, property: &str, most: usize) -> Vec<InvalidInput> {
    let mut invalid_inputs = check_trust(inputs, property, most);
    if let Some(document) = inputs.get(property) {
        invalid_inputs.extend(check_statements(document, property));
    }
    invalid_inputs
}

/// Does the same as [`check`], without the statements: a trust policy has no resources.
pub(super) fn check_trust(inputs: &Properties, property: &str, most: usize) -> Vec<InvalidInput> {
    let Some(document) = inputs.get(property) else {
        return Vec::new();
    };
    let mut invalid_inputs = check_form(inputs, property);
    invalid_inputs.extend(check_size(document, property, most));
    invalid_inputs.extend(check_characters(document, property));
    invalid_inputs.extend(check_ids(document, property));
    invalid_inputs.extend(check_effects(document, property));
    invalid_inputs
}

/// Returns the flaw of a managed policy's version.
pub(super) fn check_version(inputs: &Properties, property: &str) -> Option<InvalidInput> {
    let document = canonical_json(inputs.get(property)?.clone());
    let (at, reason) = match document.as_object()?.get("Version") {
        None | Some(Value::Null) => (
            property.to_owned(),
            "lacks `Version`, which a managed policy must have",
        ),
        Some(Value::String(version)) if version != VERSION => (
            format!("{property}.Version"),
            "is not the version that managed policies have",
        ),
        _ => return None,
    };
    let help = format!("write `Version: \"{VERSION}\"`");
    Some(InvalidInput::new(at, reason).decided_by([]).help(help))
}

/// The version of the language in which managed policies are written.
const VERSION: &str = "2012-10-17";

/// Returns ids that several statements have.
fn check_ids(document: &Value, property: &str) -> Vec<InvalidInput> {
    let document = canonical_json(document.clone());
    let mut seen = BTreeSet::new();
    let indexed = statements(&document).iter().enumerate();
    let repeated = indexed.filter_map(|(index, statement)| {
        let id = id_of(statement)?;
        (!seen.insert(id)).then(|| {
            let reason = format!("`{id}` is the id of a statement before it, too");
            of_id(property, index, reason)
        })
    });
    repeated.collect()
}

/// Returns invalid effects.
fn check_effects(document: &Value, property: &str) -> Vec<InvalidInput> {
    let document = canonical_json(document.clone());
    let indexed = statements(&document).iter().enumerate();
    let wrong = indexed.filter_map(|(index, statement)| {
        let effect = statement.as_object()?.get("Effect")?.as_str()?;
        (!matches!(effect, "Allow" | "Deny")).then(|| {
            let at = format!("{property}.Statement[{index}].Effect");
            let reason = format!("takes `Allow` or `Deny`, and is `{effect}`");
            InvalidInput::new(at, reason).decided_by([])
        })
    });
    wrong.collect()
}

/// Returns the id of a statement; an empty one counts as none.
fn id_of(statement: &Value) -> Option<&str> {
    let id = statement.as_object()?.get("Sid")?.as_str()?;
    (!id.is_empty()).then_some(id)
}

fn of_id(property: &str, index: usize, reason: String) -> InvalidInput {
    let at = format!("{property}.Statement[{index}].Sid");
    InvalidInput::new(at, reason)
        .decided_by([])
        .help("give the statement another id, or none")
}

/// Returns the statements of a document, which may be a single one.
fn statements(document: &Value) -> &[Value] {
    let document = document.as_object();
    one_or_many(document.and_then(|document| document.get("Statement")))
}

fn check_size(document: &Value, property: &str, most: usize) -> Vec<InvalidInput> {
    let size = least_size(document);
    if size <= most {
        return Vec::new();
    }
    let reason = format!("has {size} characters, white space not counted; AWS takes {most}");
    let help =
        "share it out among several policies, or say with `*` what many statements say one by one";
    vec![
        InvalidInput::new(property, reason)
            .decided_by([])
            .help(help),
    ]
}

fn check_characters(document: &Value, property: &str) -> Vec<InvalidInput> {
    let wrong = wrong_character(document);
    let reason = wrong
        .map(|wrong| format!("takes the characters of Latin-1, and `{wrong}` is none of these"));
    reason
        .map(|reason| InvalidInput::new(property, reason).decided_by([]))
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

fn check_statements(document: &Value, property: &str) -> Vec<InvalidInput> {
    let document = canonical_json(document.clone());
    let mut invalid_inputs = Vec::new();
    for (index, statement) in statements(&document).iter().enumerate() {
        let mut characters = id_of(statement).unwrap_or_default().chars();
        if let Some(wrong) = characters.find(|character| !character.is_ascii_alphanumeric()) {
            let reason = format!("takes letters and digits, and `{wrong}` is none of these");
            invalid_inputs.push(of_id(property, index, reason));
        }
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
            invalid_inputs.push(
                InvalidInput::new(at, found.reason)
                    .decided_by([])
                    .help(found.help),
            );
        }
    }
    invalid_inputs
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
        let invalid_inputs = check(&inputs, "policy", 10_240);
        invalid_inputs.iter().map(InvalidInput::to_string).collect()
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
            said(json!({"Statement": [{"Resource": "Größe"}]})),
            Vec::<String>::new()
        );
        let said = said(json!({"Statement": [{"Resource": "the shop\u{2019}s"}]}));
        assert!(said[0].contains('\u{2019}'), "{said:?}");
    }

    #[test]
    fn ids_of_statements_are_letters_and_digits_and_each_is_there_once() {
        let none = Vec::<String>::new();
        let ids = |ids: [&str; 2]| json!({"Statement": [{"Sid": ids[0]}, {"Sid": ids[1]}]});
        assert_eq!(said(ids(["Read", "Write2"])), none);
        assert_eq!(said(ids(["", ""])), none);
        let twice = said(ids(["Read", "Read"]));
        assert!(
            twice.len() == 1 && twice[0].starts_with("`policy.Statement[1].Sid`"),
            "{twice:?}"
        );
        assert_eq!(said(json!(ids(["Read", "Read"]).to_string())), twice);
        let hyphen = said(ids(["Read", "read-all"]));
        assert!(hyphen[0].contains("`-` is none of these"), "{hyphen:?}");
        // About trust policies, AWS only says that ids are unique.
        let trust = |document: serde_json::Value| {
            let inputs = Properties::from([("trust".to_owned(), Value::from(document))]);
            check_trust(&inputs, "trust", 2048).len()
        };
        assert_eq!(trust(ids(["a-b", "a-c"])), 0);
        assert_eq!(trust(ids(["a", "a"])), 1);
    }

    #[test]
    fn an_effect_allows_or_denies_in_these_letters() {
        let effect = |effect: &str| said(json!({"Statement": {"Effect": effect}}));
        for right in ["Allow", "Deny"] {
            assert_eq!(effect(right), Vec::<String>::new());
        }
        for wrong in ["allow", "DENY", ""] {
            let said = effect(wrong);
            assert!(
                said.len() == 1 && said[0].starts_with("`policy.Statement[0].Effect`"),
                "{said:?}"
            );
        }
    }

    #[test]
    fn what_is_no_document_is_refused() {
        for wrong in [json!("see policy.json"), json!([]), json!("[]"), json!(1)] {
            let said = said(wrong.clone());
            assert_eq!(said, ["`policy`: is not a JSON object"], "{wrong}");
        }
        let inputs = Properties::from([("policy".to_owned(), Value::Join(Vec::new()))]);
        assert_eq!(check(&inputs, "policy", 10_240), []);
    }

    #[test]
    fn a_managed_policy_has_a_version() {
        let at = |document: serde_json::Value| {
            let inputs = Properties::from([("policy".to_owned(), Value::from(document))]);
            check_version(&inputs, "policy").map(|invalid_input| invalid_input.at)
        };
        let with = |version: &str| json!({"Version": version, "Statement": []});
        assert_eq!(at(with("2012-10-17")), None);
        assert_eq!(at(json!(with("2012-10-17").to_string())), None);
        assert_eq!(at(json!({"Statement": []})).as_deref(), Some("policy"));
        assert_eq!(at(with("2008-10-17")).as_deref(), Some("policy.Version"));
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
        // The same, as text.
        let text = statement(arn).to_string();
        assert_eq!(said(json!(text)).len(), 1);
    }
}
