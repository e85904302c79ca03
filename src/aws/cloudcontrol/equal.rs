//! Texts that AWS writes otherwise than it was told to, and that mean the same.

use std::net::IpAddr;

use ipnet::IpNet;

use super::rules::Rule;
use crate::facts::TypeFacts;

/// Returns whether two texts at a place of a type are the same to AWS.
pub(super) fn is_same_text(
    facts: &TypeFacts,
    place: &[&str],
    rule: Option<Rule>,
    wanted: &str,
    found: &str,
) -> bool {
    let is_by_rule = match rule {
        Some(Rule::AnyCase) => wanted.eq_ignore_ascii_case(found),
        Some(Rule::Prefixed(prefix)) => found.strip_prefix(prefix) == Some(wanted),
        Some(Rule::Followed(end)) => found.strip_suffix(end) == Some(wanted),
        Some(Rule::Either(one, other)) => (wanted, found) == (one, other),
        _ => false,
    };
    is_by_rule
        || is_transformed(facts, place, wanted, found)
        || is_of_arn(wanted, found)
        || is_of_arn(found, wanted)
        || is_behind_alias(wanted, found)
        || is_later_version(place, wanted, found)
        || is_same_address(wanted, found)
}

/// Returns whether the schema says that AWS rewrites the one into the other. Of its expressions, the simple ones are
/// understood: those that change the case, and those that replace a word.
fn is_transformed(facts: &TypeFacts, place: &[&str], wanted: &str, found: &str) -> bool {
    let Some(expression) = facts.transform.get(&place.join("/")) else {
        return false;
    };
    let replaced = expression.split("$replace(").skip(1).any(|call| {
        let words: Vec<&str> = call.split('"').collect();
        matches!(words.as_slice(), [_, from, _, to, ..] if wanted.replace(from, to) == found)
    });
    replaced
        || expression.contains("$lowercase(") && wanted.to_lowercase() == found
        || expression.contains("$uppercase(") && wanted.to_uppercase() == found
}

/// Returns whether a text is the id or the name at the end of an ARN.
fn is_of_arn(text: &str, arn: &str) -> bool {
    let is_end = |rest: &str| rest.is_empty() || rest.ends_with(['/', ':']);
    arn.starts_with("arn:")
        && !text.is_empty()
        && !text.starts_with("arn:")
        && arn.strip_suffix(text).is_some_and(is_end)
}

/// Returns whether a key is named by an alias: AWS returns the key that stood behind it when it was set.
fn is_behind_alias(wanted: &str, found: &str) -> bool {
    let is_alias = wanted.starts_with("alias/") || wanted.contains(":alias/");
    let is_key = |text: &str| text.len() == 36 && text.matches('-').count() == 4;
    is_alias && (found.contains(":key/") || is_key(found))
}

/// Returns whether a version is one of those that the wanted one stands for: `7.1.0` for `7.1`.
fn is_later_version(place: &[&str], wanted: &str, found: &str) -> bool {
    let is_version = place.last().is_some_and(|name| name.ends_with("Version"));
    is_version
        && found
            .strip_prefix(wanted)
            .is_some_and(|rest| rest.starts_with('.'))
}

/// Returns whether both are the same address or network: those of version 6 can be written in several ways.
fn is_same_address(wanted: &str, found: &str) -> bool {
    if !wanted.contains(':') {
        return false;
    }
    let address = |text: &str| text.parse::<IpAddr>().ok();
    let network = |text: &str| text.parse::<IpNet>().ok();
    address(wanted).is_some_and(|wanted| address(found) == Some(wanted))
        || network(wanted).is_some_and(|wanted| network(found) == Some(wanted))
}

/// Returns whether a text is a template with something in the place of each `${…}`.
pub(super) fn fits_template(template: &str, text: &str) -> bool {
    let mut pieces = template.split("${");
    let first = pieces.next().unwrap_or_default();
    let Some(mut rest) = text.strip_prefix(first) else {
        return false;
    };
    let mut is_open = false;
    for piece in pieces {
        let piece = piece.split_once('}').map_or(piece, |(_, after)| after);
        let Some(at) = rest.find(piece) else {
            return false;
        };
        rest = &rest[at + piece.len()..];
        is_open = piece.is_empty();
    }
    rest.is_empty() || is_open
}
