//! `${name.output}` inside texts: the grammar, not what the names mean.
//!
//! The grammar is that of Pulumi YAML: `${name.output}`, `${name.list[0]}`, `${name.map["key"]}`, and `$$` for a literal
//! `$`. A `$` in front of anything else stands for itself. Names may hold slashes, so that what a section made can be named
//! too: `${network/vpc.id}`.

use std::ops::Range;

use crate::resource::path::{self, Path};

/// A piece of a text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Part {
    Text(String),
    Reference(Reference),
}

/// One `${…}`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reference {
    /// A section, a raw resource, a resource that a section made, or `aws`.
    pub name: String,
    /// The output, then keys and indices into it. Empty for the bare `${name}` that `dependsOn` takes.
    pub path: Vec<String>,
    /// Bytes of the text, `${` and `}` included.
    pub range: Range<usize>,
}

/// A `${…}` that is no valid reference.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Malformed {
    pub range: Range<usize>,
    pub reason: &'static str,
}

/// True if a text holds a reference, well-formed or not.
pub fn holds_reference(text: &str) -> bool {
    let mut rest = text;
    while let Some(at) = rest.find('$') {
        match rest.as_bytes().get(at + 1) {
            Some(b'{') => return true,
            // `$$` is a literal; the scan starts again after it.
            Some(b'$') => rest = &rest[at + 2..],
            _ => rest = &rest[at + 1..],
        }
    }
    false
}

/// Splits a text into literal pieces and references, the malformed ones apart.
pub fn split(text: &str) -> (Vec<Part>, Vec<Malformed>) {
    let mut parts = Vec::new();
    let mut malformed = Vec::new();
    let mut literal = String::new();
    let mut at = 0;
    while let Some(found) = text[at..].find('$') {
        let dollar = at + found;
        literal.push_str(&text[at..dollar]);
        match text.as_bytes().get(dollar + 1) {
            Some(b'$') => {
                literal.push('$');
                at = dollar + 2;
            }
            Some(b'{') => {
                let (end, outcome) = reference(text, dollar);
                match outcome {
                    Ok(reference) => {
                        if !literal.is_empty() {
                            parts.push(Part::Text(std::mem::take(&mut literal)));
                        }
                        parts.push(Part::Reference(reference));
                    }
                    Err(reason) => malformed.push(Malformed {
                        range: dollar..end,
                        reason,
                    }),
                }
                at = end;
            }
            _ => {
                literal.push('$');
                at = dollar + 1;
            }
        }
    }
    literal.push_str(&text[at..]);
    if !literal.is_empty() {
        parts.push(Part::Text(literal));
    }
    (parts, malformed)
}

/// Reads the reference that starts at `start`, and returns its end with it.
fn reference(text: &str, start: usize) -> (usize, Result<Reference, &'static str>) {
    let body = &text[start + 2..];
    let (path, rest) = match Path::scan(body, is_plain) {
        Ok((path, rest)) => (Ok(path), rest),
        Err(path::EMPTY) if body.starts_with(is_plain) => (Err("a name must follow `.`"), body),
        Err(path::EMPTY) => (Err("a name must follow `${`"), body),
        Err(reason) => (Err(reason), body),
    };
    let Some(length) = rest.find('}') else {
        return (text.len(), Err("the closing `}` is missing"));
    };
    let end = text.len() - rest.len() + length + 1;
    let outcome = path.and_then(|path| {
        if length > 0 && rest.len() < body.len() {
            return Err("only letters, digits, `_`, `-`, `/`, `.` and `[…]` can stand here");
        }
        let mut keys = path.into_keys().into_iter();
        let name = keys
            .next()
            .filter(|_| length == 0 && !body.starts_with('['));
        Ok(Reference {
            name: name.ok_or("a name must follow `${`")?,
            path: keys.collect(),
            range: start..end,
        })
    });
    (end, outcome)
}

/// The characters of a name or key without quotes.
fn is_plain(character: char) -> bool {
    character.is_ascii_alphanumeric() || "_-/".contains(character)
}

#[cfg(test)]
mod tests {
    use expect_test::{Expect, expect};

    use super::*;
    use crate::testing::random::Random;

    fn check(text: &str, expected: &Expect) {
        let (parts, malformed) = split(text);
        let shown = if malformed.is_empty() {
            parts
                .iter()
                .map(|part| match part {
                    Part::Text(text) => format!("{text:?}"),
                    Part::Reference(found) => {
                        format!("{}:{:?}@{:?}", found.name, found.path, found.range)
                    }
                })
                .collect::<Vec<_>>()
                .join(" ")
        } else {
            malformed
                .iter()
                .map(|fault| format!("{:?}: {}", fault.range, fault.reason))
                .collect::<Vec<_>>()
                .join("\n")
        };
        expected.assert_eq(&shown);
    }

    #[test]
    fn grammar() {
        check("plain", &expect![[r#""plain""#]]);
        check("", &expect![""]);
        check("$5 and $$5", &expect![[r#""$5 and $5""#]]);
        check("$${not.one}", &expect![[r#""${not.one}""#]]);
        check(
            "${network/vpc.id}",
            &expect![[r#"network/vpc:["id"]@0..17"#]],
        );
        check(
            "http://${lb.dnsName}/${x.list[0].y}",
            &expect![[r#""http://" lb:["dnsName"]@7..20 "/" x:["list", "0", "y"]@21..35"#]],
        );
        check(
            r#"${x.tags["a.b"]}"#,
            &expect![[r#"x:["tags", "a.b"]@0..16"#]],
        );
        check("${bucket}", &expect![[r#"bucket:[]@0..9"#]]);
    }

    #[test]
    fn malformed() {
        check("a${b", &expect!["1..4: the closing `}` is missing"]);
        check("${}", &expect!["0..3: a name must follow `${`"]);
        check("${a.}", &expect!["0..5: a name must follow `.`"]);
        check("${a[0}", &expect!["0..6: the closing `]` is missing"]);
        check(
            "${a[x]}",
            &expect![[r#"0..7: `[…]` takes an index or a "key""#]],
        );
        check(
            "${a b} ${.c}",
            &expect![[r#"
                0..6: only letters, digits, `_`, `-`, `/`, `.` and `[…]` can stand here
                7..12: a name must follow `${`"#]],
        );
    }

    #[test]
    fn any_text_is_read_or_refused() {
        let pieces = [
            "$", "{", "}", "[", "]", ".", "a", "z", "0", "9", "é", "/", "\"",
        ];
        for text in Random::texts(&pieces, 24) {
            let (_, malformed) = split(&text);
            assert!(holds_reference(&text) || malformed.is_empty(), "{text}");
            for fault in malformed {
                assert!(text.get(fault.range).is_some(), "{text}");
            }
        }
    }
}
