//! The texts that AWS takes for a property: their length, their characters, their form.
//!
//! A text is judged as far as it is known: of `"${aws.accountId}-Uploads"` the letter `U` is refused before anything
//! exists, and so is a text whose known part alone is too long.

use std::ops::RangeInclusive;

use super::urn::FACTS_TOKEN;
use super::{OutputReference, Value};

/// The digits of an account number.
const ACCOUNT_ID: usize = 12;

/// Characters that word processors put in the place of others, and those that they stand for.
const TYPOGRAPHIC: [(char, &str); 14] = [
    ('\u{2018}', "'"),
    ('\u{2019}', "'"),
    ('\u{201c}', "\""),
    ('\u{201d}', "\""),
    ('\u{201e}', "\""),
    ('\u{2013}', "-"),
    ('\u{2014}', "-"),
    ('\u{2026}', "..."),
    ('\u{a0}', " "),
    ('\u{2192}', "to"),
    ('ä', "ae"),
    ('ö', "oe"),
    ('ü', "ue"),
    ('ß', "ss"),
];

/// The reason why a text is refused, and a text that would do, if one is near.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unfit {
    pub reason: String,
    pub instead: Option<String>,
}

/// The texts that AWS takes for a property.
#[derive(Debug, Clone, Copy)]
pub struct TextRule {
    shortest: usize,
    longest: usize,
    /// True if AWS counts the length in bytes, not in characters.
    in_bytes: bool,
    takes: fn(char) -> bool,
    /// The characters in words: "letters, digits, `_` and `-`".
    alphabet: &'static str,
    form: Option<Form>,
}

/// A condition on a text beyond its length and its characters.
#[derive(Debug, Clone, Copy)]
struct Form {
    fits: fn(&str) -> bool,
    words: &'static str,
}

impl TextRule {
    /// Texts of any characters.
    pub const fn new(length: RangeInclusive<usize>) -> Self {
        Self {
            shortest: *length.start(),
            longest: *length.end(),
            in_bytes: false,
            takes: |_| true,
            alphabet: "",
            form: None,
        }
    }

    /// The characters that it takes, and their description in words.
    #[must_use]
    pub const fn of(mut self, takes: fn(char) -> bool, alphabet: &'static str) -> Self {
        self.takes = takes;
        self.alphabet = alphabet;
        self
    }

    /// A condition on the whole text, in words that follow "must": "begin with a letter".
    #[must_use]
    pub const fn must(mut self, words: &'static str, fits: fn(&str) -> bool) -> Self {
        self.form = Some(Form { fits, words });
        self
    }

    /// The same, of fewer characters.
    #[must_use]
    pub const fn at_most(mut self, longest: usize) -> Self {
        self.longest = longest;
        self
    }

    /// Counts bytes instead of characters.
    #[must_use]
    pub const fn in_bytes(mut self) -> Self {
        self.in_bytes = true;
        self
    }

    /// The problem with a value, as far as it is known. Values of other kinds are not judged.
    pub fn check(&self, value: &Value) -> Option<Unfit> {
        match value {
            Value::String(text) => self.check_text(text),
            Value::Secret(inner) => self.check(inner).map(|unfit| Unfit {
                instead: None,
                ..unfit
            }),
            Value::Join(parts) => self.check_parts(parts),
            _ => None,
        }
    }

    /// The problem with a text.
    pub fn check_text(&self, text: &str) -> Option<Unfit> {
        let reason = self.reason_against(text)?;
        let replaced = replaced(text);
        let would_do = replaced != text && self.reason_against(&replaced).is_none();
        Some(Unfit {
            reason,
            instead: would_do.then_some(replaced),
        })
    }

    fn reason_against(&self, text: &str) -> Option<String> {
        if let Some(wrong) = text.chars().find(|character| !(self.takes)(*character)) {
            return Some(self.against(wrong));
        }
        let length = self.length(text);
        if length < self.shortest || length > self.longest {
            return Some(self.against_length(&length.to_string()));
        }
        let form = self.form?;
        (!(form.fits)(text)).then(|| format!("must {}", form.words))
    }

    fn check_parts(&self, parts: &[Value]) -> Option<Unfit> {
        let known = parts.iter().filter_map(Value::as_str);
        let wrong = known
            .flat_map(str::chars)
            .find(|character| !(self.takes)(*character));
        let length: usize = parts.iter().map(|part| self.least_length(part)).sum();
        let reason = match wrong {
            Some(wrong) => self.against(wrong),
            None if length > self.longest => self.against_length(&format!("at least {length}")),
            None => return None,
        };
        Some(Unfit {
            reason,
            instead: None,
        })
    }

    fn against(&self, wrong: char) -> String {
        format!("takes {}, and `{wrong}` is none of these", self.alphabet)
    }

    fn against_length(&self, found: &str) -> String {
        let unit = if self.in_bytes { "bytes" } else { "characters" };
        match self.shortest {
            0 => format!("takes at most {} {unit}, and has {found}", self.longest),
            shortest => format!(
                "takes {shortest} to {} {unit}, and has {found}",
                self.longest
            ),
        }
    }

    fn length(&self, text: &str) -> usize {
        if self.in_bytes {
            text.len()
        } else {
            text.chars().count()
        }
    }

    /// The shortest possible length of a part of a text.
    fn least_length(&self, part: &Value) -> usize {
        match part {
            Value::Output(reference) if is_account_id(reference) => ACCOUNT_ID,
            other => other.as_str().map_or(0, |text| self.length(text)),
        }
    }
}

/// Returns whether a reference is to the number of the account, whose length is known before the number is.
fn is_account_id(reference: &OutputReference) -> bool {
    reference.urn.token() == FACTS_TOKEN
        && reference
            .path
            .first()
            .is_some_and(|name| name == "accountId")
}

/// The text with plain characters in the place of typographic ones.
fn replaced(text: &str) -> String {
    let plain = |character: char| {
        let found = TYPOGRAPHIC.iter().find(|(from, _)| *from == character);
        found.map_or_else(|| character.to_string(), |(_, to)| (*to).to_owned())
    };
    text.chars().map(plain).collect()
}

/// `A-Z`, `a-z`, `0-9`.
pub const fn is_plain(character: char) -> bool {
    character.is_ascii_alphanumeric()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::resource::{StackId, Urn};

    const NAME: TextRule = TextRule::new(2..=16)
        .of(
            |c| is_plain(c) || " '-".contains(c),
            "letters, digits, spaces, `'` and `-`",
        )
        .must("begin with a letter", |text| {
            text.starts_with(|c: char| c.is_ascii_alphabetic())
        });

    fn reason(value: &Value) -> String {
        NAME.check(value)
            .map_or_else(String::new, |unfit| unfit.reason)
    }

    #[test]
    fn texts_are_measured_and_spelled() {
        assert_eq!(reason(&"shop".into()), "");
        assert_eq!(reason(&"a".into()), "takes 2 to 16 characters, and has 1");
        assert_eq!(
            reason(&"shop_1".into()),
            "takes letters, digits, spaces, `'` and `-`, and `_` is none of these"
        );
        assert_eq!(reason(&"1shop".into()), "must begin with a letter");
    }

    #[test]
    fn a_typographic_character_is_replaced_by_the_plain_one() {
        let unfit = NAME.check(&"the shop\u{2019}s".into()).unwrap();
        assert_eq!(unfit.instead.as_deref(), Some("the shop's"));
        // Nothing near would do.
        assert_eq!(NAME.check(&"shop\u{2019}_".into()).unwrap().instead, None);
    }

    #[test]
    fn what_is_known_of_a_text_is_judged_before_the_rest_is() {
        let stack = StackId {
            name: "shop".to_owned(),
            environment: "dev".to_owned(),
        };
        let account = || Value::output(&Urn::new(&stack, FACTS_TOKEN, "aws"), "accountId");
        let joined = |text: &str| Value::join([text.into(), account()]);
        assert_eq!(reason(&joined("log-")), "");
        assert_eq!(
            reason(&joined("logs-")),
            "takes 2 to 16 characters, and has at least 17"
        );
        assert!(reason(&joined("_")).contains("`_` is none of these"));
        // The beginning of the text is not known.
        assert_eq!(reason(&Value::join([account(), "-log".into()])), "");
        assert_eq!(reason(&account()), "");
    }
}
