//! Paths into values: keys and list indices, from the outside in.
//!
//! A path is a list everywhere, and text only where an author writes or reads one: in `--set`, in `ignoreChanges`, in
//! `${…}`, in messages. All of these share one grammar. Dots separate keys; a key that holds a dot is quoted.
//!
//! ```text
//! services.api.environment["spring.datasource.url"]
//! containerDefinitions[0].image
//! ```

use std::fmt::{self, Write as _};

use super::{Properties, Value};

/// The reason why a text is no path: two dots in a row, or one at an end.
pub const EMPTY: &str = "has an empty key";

/// A path. Text does not become one by joining: only literals convert, so that a key from a stack file cannot be taken
/// for several.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Path(Vec<Segment>);

/// One step of a path.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Segment {
    Key(String),
    Index(usize),
}

impl Path {
    /// Reads a path as authors write it.
    ///
    /// # Errors
    /// The reason why it is none.
    pub fn parse(text: &str) -> Result<Self, &'static str> {
        match Self::scan(text, is_plain)? {
            (path, "") => Ok(path),
            _ => Err("takes keys with dots between them, `[…]` around an index or a \"key\""),
        }
    }

    /// Reads the path that a text begins with; also returns what follows it. `plain` tells the characters of a key without
    /// quotes. A backslash makes the next character part of the key.
    ///
    /// # Errors
    /// The reason why there is none.
    pub fn scan(text: &str, plain: fn(char) -> bool) -> Result<(Self, &str), &'static str> {
        let mut path = Self::default();
        let mut rest = text;
        let mut wants_key = !rest.starts_with('[');
        loop {
            if wants_key {
                let (key, after) = plain_key(rest, plain)?;
                path.0.push(Segment::Key(key));
                rest = after;
            }
            if let Some(after) = rest.strip_prefix('.') {
                rest = after;
                wants_key = true;
            } else if let Some(after) = rest.strip_prefix('[') {
                let (segment, after) = subscript(after)?;
                path.0.push(segment);
                rest = after;
                wants_key = false;
            } else {
                return Ok((path, rest));
            }
        }
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub fn len(&self) -> usize {
        self.0.len()
    }

    pub fn segments(&self) -> &[Segment] {
        &self.0
    }

    /// Keys and indices as text, as references hold them.
    pub fn into_keys(self) -> Vec<String> {
        self.0
            .into_iter()
            .map(|segment| segment.into_key())
            .collect()
    }

    /// The path with one more key.
    #[must_use]
    pub fn key(&self, key: impl Into<String>) -> Self {
        self.with(Segment::Key(key.into()))
    }

    /// The path with one more list index.
    #[must_use]
    pub fn index(&self, index: usize) -> Self {
        self.with(Segment::Index(index))
    }

    #[must_use]
    pub fn with(&self, segment: Segment) -> Self {
        let mut path = self.clone();
        path.0.push(segment);
        path
    }

    /// The path with another one behind it.
    #[must_use]
    pub fn join(&self, inner: impl Into<Self>) -> Self {
        let mut path = self.clone();
        path.0.extend(inner.into().0);
        path
    }

    /// The key that it begins with.
    pub fn first(&self) -> Option<&str> {
        match self.0.first()? {
            Segment::Key(key) => Some(key),
            Segment::Index(_) => None,
        }
    }

    pub fn split_last(&self) -> Option<(&Segment, &[Segment])> {
        self.0.split_last()
    }

    /// True if it is the other path, or leads to a place inside it.
    pub fn starts_with(&self, outer: &Self) -> bool {
        self.0.starts_with(&outer.0)
    }

    /// The value that it leads to.
    pub fn find<'a>(&self, properties: &'a Properties) -> Option<&'a Value> {
        let (first, rest) = self.0.split_first()?;
        let mut value = properties.get(first.as_key().as_ref())?;
        for segment in rest {
            value = match value.revealed() {
                Value::Object(values) => values.get(segment.as_key().as_ref())?,
                Value::List(values) => values.get(segment.as_index()?)?,
                _ => return None,
            };
        }
        Some(value)
    }
}

impl Segment {
    /// The segment as a key of a map.
    pub fn as_key(&self) -> std::borrow::Cow<'_, str> {
        match self {
            Self::Key(key) => key.into(),
            Self::Index(index) => index.to_string().into(),
        }
    }

    /// The segment as an index of a list.
    pub fn as_index(&self) -> Option<usize> {
        match self {
            Self::Key(key) => key.parse().ok(),
            Self::Index(index) => Some(*index),
        }
    }

    fn into_key(self) -> String {
        match self {
            Self::Key(key) => key,
            Self::Index(index) => index.to_string(),
        }
    }
}

/// A path that the program itself names. A text that is no path is a key.
impl From<&'static str> for Path {
    fn from(literal: &'static str) -> Self {
        Self::parse(literal).unwrap_or_else(|_| Self::default().key(literal))
    }
}

impl From<&Self> for Path {
    fn from(path: &Self) -> Self {
        path.clone()
    }
}

impl From<&[Segment]> for Path {
    fn from(segments: &[Segment]) -> Self {
        Self(segments.to_vec())
    }
}

/// Prints a path as an author would write it: what it prints is read as the same path.
impl fmt::Display for Path {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, segment) in self.0.iter().enumerate() {
            match segment {
                Segment::Index(index) => write!(formatter, "[{index}]")?,
                Segment::Key(key) if !key.is_empty() && key.chars().all(is_plain) => {
                    if index > 0 {
                        formatter.write_char('.')?;
                    }
                    formatter.write_str(key)?;
                }
                Segment::Key(key) => {
                    formatter.write_str("[\"")?;
                    for character in key.chars() {
                        if matches!(character, '"' | '\\') {
                            formatter.write_char('\\')?;
                        }
                        formatter.write_char(character)?;
                    }
                    formatter.write_str("\"]")?;
                }
            }
        }
        Ok(())
    }
}

/// The characters of a key that needs no quotes.
pub fn is_plain(character: char) -> bool {
    !matches!(character, '.' | '[' | ']' | '"' | '\'' | '=' | '\\') && !character.is_whitespace()
}

fn plain_key(text: &str, plain: fn(char) -> bool) -> Result<(String, &str), &'static str> {
    let mut key = String::new();
    let mut characters = text.chars();
    loop {
        let rest = characters.as_str();
        match characters.next() {
            Some('\\') => key.push(escaped(characters.next())?),
            Some(character) if plain(character) => key.push(character),
            _ if key.is_empty() => return Err(EMPTY),
            _ => return Ok((key, rest)),
        }
    }
}

/// Letters and digits need no backslash; with one, a word in a path could not be found by its letters.
fn escaped(character: Option<char>) -> Result<char, &'static str> {
    character
        .filter(|character| !character.is_alphanumeric())
        .ok_or("a backslash stands before `.`, `[` or another mark")
}

/// The text between brackets, and the text that follows these.
fn subscript(text: &str) -> Result<(Segment, &str), &'static str> {
    const WRONG: &str = "`[…]` takes an index or a \"key\"";
    let Some(quote @ ('"' | '\'')) = text.chars().next() else {
        let (index, rest) = text.split_once(']').ok_or("the closing `]` is missing")?;
        let sound = (1..=6).contains(&index.len()) && index.bytes().all(|b| b.is_ascii_digit());
        let index = index.parse().ok().filter(|_| sound).ok_or(WRONG)?;
        return Ok((Segment::Index(index), rest));
    };
    let mut key = String::new();
    let mut characters = text[1..].chars();
    loop {
        match characters.next() {
            Some('\\') => key.push(escaped(characters.next())?),
            Some(character) if character == quote => break,
            Some(character) => key.push(character),
            None => return Err("the closing quote is missing"),
        }
    }
    let rest = characters.as_str();
    let rest = rest.strip_prefix(']').ok_or("the closing `]` is missing")?;
    if key.is_empty() {
        return Err(WRONG);
    }
    Ok((Segment::Key(key), rest))
}

#[cfg(test)]
mod tests {
    use expect_test::{Expect, expect};

    use super::*;
    use crate::testing::random::Random;

    fn check(texts: &[&str], expected: &Expect) {
        let lines: Vec<String> = texts
            .iter()
            .map(|text| match Path::parse(text) {
                Ok(path) => format!("{text} => {path} {:?}", path.segments()),
                Err(reason) => format!("{text} => {reason}"),
            })
            .collect();
        expected.assert_eq(&lines.join("\n"));
    }

    #[test]
    fn keys_with_dots_are_quoted() {
        check(
            &[
                "a.b",
                "a[0].b",
                "a.0",
                r#"a["b.c"].d"#,
                "a['b.c'].d",
                r"a.b\.c",
                r#"["a.b"].c"#,
                r#"a["\"\\"]"#,
                "tags.fde:urn",
                "options.services/api.protect",
                "*",
            ],
            &expect![[r#"
                a.b => a.b [Key("a"), Key("b")]
                a[0].b => a[0].b [Key("a"), Index(0), Key("b")]
                a.0 => a.0 [Key("a"), Key("0")]
                a["b.c"].d => a["b.c"].d [Key("a"), Key("b.c"), Key("d")]
                a['b.c'].d => a["b.c"].d [Key("a"), Key("b.c"), Key("d")]
                a.b\.c => a["b.c"] [Key("a"), Key("b.c")]
                ["a.b"].c => ["a.b"].c [Key("a.b"), Key("c")]
                a["\"\\"] => a["\"\\"] [Key("a"), Key("\"\\")]
                tags.fde:urn => tags.fde:urn [Key("tags"), Key("fde:urn")]
                options.services/api.protect => options.services/api.protect [Key("options"), Key("services/api"), Key("protect")]
                * => * [Key("*")]"#]],
        );
    }

    #[test]
    fn refusals() {
        check(
            &[
                "", ".a", "a.", "a..b", "a[", "a[x]", "a[1", "a[\"\"]", "a[\"b]", "a[\"b\"", "a]",
                "a b", r"a\", "a[0]b",
            ],
            &expect![[r#"
                 => has an empty key
                .a => has an empty key
                a. => has an empty key
                a..b => has an empty key
                a[ => the closing `]` is missing
                a[x] => `[…]` takes an index or a "key"
                a[1 => the closing `]` is missing
                a[""] => `[…]` takes an index or a "key"
                a["b] => the closing quote is missing
                a["b" => the closing `]` is missing
                a] => takes keys with dots between them, `[…]` around an index or a "key"
                a b => takes keys with dots between them, `[…]` around an index or a "key"
                a\ => a backslash stands before `.`, `[` or another mark
                a[0]b => takes keys with dots between them, `[…]` around an index or a "key""#]],
        );
    }

    #[test]
    fn what_is_printed_is_read_as_the_same_path() {
        let pieces = [
            "a", ".", "[", "]", "\"", "\\", "'", "=", " ", "0", "ä", "}", "$",
        ];
        for text in Random::texts(&pieces, 4) {
            if text.is_empty() {
                continue;
            }
            let path = Path::from("first").key(text.clone()).index(7).key(text);
            assert_eq!(Path::parse(&path.to_string()), Ok(path));
        }
    }
}
