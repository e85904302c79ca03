//! The places of secrets in a text that may not be a valid stack file.
//!
//! An excerpt around a fault shows the lines beside it, and a command line to be copied shows its flags: either may carry a
//! secret. Nothing has been parsed at this point, so the search goes by the letters: what follows a secret key is hidden to
//! the end of its line, and with it the lines that are indented deeper; and so is what an alias there stands for. It hides
//! too much rather than too little.

use std::collections::BTreeSet;
use std::ops::Range;

/// The text shown in place of a secret.
pub const HIDDEN: &str = "[secret]";

/// The bytes of a text that hold secrets, in order and without overlaps. `keys` are the names of secret properties.
pub fn ranges(text: &str, keys: &[&str]) -> Vec<Range<usize>> {
    let mut places: Vec<(usize, &str)> = keys
        .iter()
        .flat_map(|key| text.match_indices(key))
        .collect();
    places.sort_unstable();
    // A value that is already hidden is not searched again: a hostile text would take far too long.
    let mut aliases = BTreeSet::new();
    let mut ranges = disjoint(places, |at, key| {
        let value = value_after(text, at, at + key.len())?;
        let range = value..end_of_value(text, at, value);
        aliases.extend(alias(&text[range.clone()]));
        Some(range)
    });
    if !aliases.is_empty() {
        ranges.extend(disjoint(text.match_indices('&').collect(), |at, _| {
            let name = word(&text[at + 1..]);
            let value = at + 1 + name.len();
            let named = aliases.contains(name);
            named.then(|| value..end_of_value(text, at, value))
        }));
    }
    ranges.extend(passwords(text));
    ranges.retain(|range| !text[range.clone()].trim().is_empty());
    ranges.sort_by_key(|range| (range.start, range.end));
    let mut joined: Vec<Range<usize>> = Vec::new();
    for range in ranges {
        match joined.last_mut() {
            Some(last) if range.start <= last.end => last.end = last.end.max(range.end),
            _ => joined.push(range),
        }
    }
    joined
}

/// The ranges that `find` makes of places, except for places that lie in the range before.
fn disjoint<'a>(
    places: Vec<(usize, &'a str)>,
    mut find: impl FnMut(usize, &'a str) -> Option<Range<usize>>,
) -> Vec<Range<usize>> {
    let mut found: Vec<Range<usize>> = Vec::new();
    for (at, piece) in places {
        let is_covered = found.last().is_some_and(|range| at < range.end);
        if !is_covered {
            found.extend(find(at, piece));
        }
    }
    found
}

/// The text with a mark in place of each secret.
pub fn hide(text: &str, keys: &[&str]) -> String {
    let mut shown = String::new();
    let mut rest = 0;
    for range in ranges(text, keys) {
        shown.push_str(&text[rest..range.start]);
        shown.push_str(HIDDEN);
        rest = range.end;
    }
    shown.push_str(&text[rest..]);
    shown
}

/// The text with each secret made illegible in place, so that positions stay what they are.
pub fn cover(text: &str, keys: &[&str]) -> String {
    let mut covered = text.to_owned();
    for range in ranges(text, keys) {
        let stars = text[range.clone()].bytes();
        let stars = stars.map(|byte| if byte == b'\n' { '\n' } else { '*' });
        covered.replace_range(range.clone(), &stars.collect::<String>());
    }
    covered
}

/// The texts that are secret, line by line and without quotes, to be found where other texts quote them.
pub fn texts(text: &str, keys: &[&str]) -> Vec<String> {
    let quotes = |character: char| "'\"{}[],".contains(character) || character.is_whitespace();
    ranges(text, keys)
        .into_iter()
        .flat_map(|range| text[range].lines().map(str::to_owned).collect::<Vec<_>>())
        .map(|line| line.trim_matches(quotes).to_owned())
        .filter(|line| !line.is_empty())
        .collect()
}

/// The start of the value of a key, if these letters are a key.
fn value_after(text: &str, start: usize, end: usize) -> Option<usize> {
    let before = text[..start].chars().next_back();
    if before.is_some_and(|character| character.is_alphanumeric() || character == '_') {
        return None;
    }
    let after = text[end..].trim_start_matches(['"', '\'', ']']);
    let after = after.trim_start();
    // The path of a flag may go on, to a place in the value.
    let value = if after.starts_with(['.', '[']) {
        after[end_of_path(after)?..].strip_prefix('=')?
    } else {
        after.strip_prefix([':', '='])?
    };
    Some(text.len() - value.len())
}

/// The end of the path of a flag. Quoted keys may hold characters that would end it.
fn end_of_path(text: &str) -> Option<usize> {
    let mut quote = None;
    let end = text.find(|character: char| {
        if let Some(open) = quote {
            if character == open {
                quote = None;
            }
            false
        } else {
            if matches!(character, '"' | '\'') {
                quote = Some(character);
            }
            character == '=' || character.is_whitespace()
        }
    });
    // If a quote is never closed, too much is hidden rather than too little.
    end.or_else(|| text.find('='))
}

/// The end of a value's line, or of the last line that is indented deeper than its key.
fn end_of_value(text: &str, key: usize, value: usize) -> usize {
    let line_start = text[..key].rfind('\n').map_or(0, |newline| newline + 1);
    let indent = |line: &str| line.len() - line.trim_start_matches([' ', '-', '?']).len();
    let depth = indent(&text[line_start..]);
    let mut end = value;
    for (index, line) in text[value..].split_inclusive('\n').enumerate() {
        if index > 0 && !line.trim().is_empty() && indent(line) <= depth {
            break;
        }
        end += line.len();
    }
    end - usize::from(text[..end].ends_with('\n'))
}

/// The passwords in URLs: `https://user:password@host`.
fn passwords(text: &str) -> impl Iterator<Item = Range<usize>> {
    text.match_indices("://").filter_map(|(at, scheme)| {
        let start = at + scheme.len();
        let authority = &text[start..];
        let end = authority
            .find(|character: char| character.is_whitespace() || "/?#'\"".contains(character));
        let authority = &authority[..end.unwrap_or(authority.len())];
        let (credentials, _) = authority.rsplit_once('@')?;
        let (user, password) = credentials.split_once(':')?;
        let start = start + user.len() + 1;
        Some(start..start + password.len())
    })
}

/// The name in `*name`.
fn alias(value: &str) -> Option<&str> {
    value.trim_start().strip_prefix('*').map(word)
}

/// The name of an anchor that a text begins with.
fn word(text: &str) -> &str {
    let end = text.find(|character: char| character.is_whitespace() || ",[]{}".contains(character));
    &text[..end.unwrap_or(text.len())]
}

#[cfg(test)]
mod tests {
    use super::*;
    use expect_test::{Expect, expect};

    const KEYS: [&str; 1] = ["secretString"];

    fn check(text: &str, expected: Expect) {
        expected.assert_eq(&hide(text, &KEYS));
        assert_eq!(cover(text, &KEYS).len(), text.len());
    }

    #[test]
    fn values_of_secret_keys_are_hidden_however_they_are_written() {
        check(
            "a: 1\nsecretString: hunter2\nb: 2\n",
            expect![[r#"
                a: 1
                secretString:[secret]
                b: 2
            "#]],
        );
        check(
            "v: { id: 1, \"secretString\" : hunter2, x: y }\n",
            expect![[r#"
                v: { id: 1, "secretString" :[secret]
            "#]],
        );
        check(
            "a:\n  secretString: |\n    hunter2\n\n    hunter3\n  b: 2",
            expect![[r#"
                a:
                  secretString:[secret]
                  b: 2"#]],
        );
        check(
            "x: &pw hunter2\nsecretString: *pw\nb: *pwd",
            expect![[r#"
                x: &pw[secret]
                secretString:[secret]
                b: *pwd"#]],
        );
        check(
            "? secretString\n: hunter2\nb: 2",
            expect![[r#"
                ? secretString
                :[secret]
                b: 2"#]],
        );
        check(
            "resources.v.properties.secretString=hunter2",
            expect!["resources.v.properties.secretString=[secret]"],
        );
        check(
            "resources.v.properties.secretString.x[0]=hunter2",
            expect!["resources.v.properties.secretString.x[0]=[secret]"],
        );
        for flag in [
            "resources[\"v\"].properties[\"secretString\"]=hunter2",
            "resources.v.properties.secretString[\"a = b\"].c=hunter2",
            "resources.v.properties.secretString[\"a=hunter2",
        ] {
            assert!(!hide(flag, &KEYS).contains("hunter2"), "{flag}");
        }
        check(
            "endpoint: https://ada:hunter2@shop.example/x@y # http://a:b",
            expect!["endpoint: https://ada:[secret]@shop.example/x@y # http://a:b"],
        );
        check(
            "my_secretString: open\nsecretStringTemplate: open",
            expect![[r#"
                my_secretString: open
                secretStringTemplate: open"#]],
        );
    }

    #[test]
    fn a_hostile_text_takes_no_longer_than_another() {
        for text in [
            "secretString: ".repeat(70_000),
            "secretString: *a\n".repeat(60_000) + &"&a ".repeat(10_000),
            "secretString: 1\n  secretString: 2\n".repeat(25_000),
            "://".repeat(300_000),
        ] {
            let started = std::time::Instant::now();
            cover(&text, &KEYS);
            let elapsed = started.elapsed();
            assert!(elapsed.as_secs() < 10, "{elapsed:?}");
        }
    }

    #[test]
    fn quoted_texts_are_found() {
        let text = "secretString: \"hunter2\"\nb: 2";
        assert_eq!(texts(text, &KEYS), ["hunter2"]);
    }
}
