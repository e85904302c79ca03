//! What a stack file says about the stack as a whole: everything but the sections.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::Deserialize;

use super::document::Document;
use super::error::{Fault, Span, StackError};

/// The tags we set ourselves on everything; AWS takes 50 per object, and one more may be a `Name`.
const OWN_TAGS: usize = 6;
const MAX_TAGS: usize = 50 - OWN_TAGS;
const MAX_TAG_KEY: usize = 128;
const MAX_TAG_VALUE: usize = 256;
/// All keys together travel in one tag value.
const MAX_TAG_KEYS: usize = 200;

/// Which kind of environment this is. Every default depends on it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Environment {
    /// Cheap, and easy to throw away.
    Dev,
    /// Like production in shape, smaller in size.
    Staging,
    /// Available, protected, and keeping its data.
    Prod,
}

impl Environment {
    /// As it is written in the file.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Dev => "dev",
            Self::Staging => "staging",
            Self::Prod => "prod",
        }
    }

    /// The default of a key in each environment.
    pub fn choose<T>(self, dev: T, staging: T, prod: T) -> T {
        match self {
            Self::Dev => dev,
            Self::Staging => staging,
            Self::Prod => prod,
        }
    }
}

/// The head of a stack file.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Header {
    /// The JSON Schema of this file, for editors that look for it here.
    #[serde(rename = "$schema", default)]
    #[expect(dead_code, reason = "for editors alone")]
    schema: Option<String>,
    /// Another stack file, relative to this one, that this one is laid over: maps merge, lists and single values
    /// replace.
    #[serde(default)]
    #[schemars(example = &"base.yaml")]
    #[expect(dead_code, reason = "followed before the layers are merged")]
    extends: Option<String>,
    /// The name of the platform. With the environment it is the identity of the stack and the beginning of every name
    /// in AWS: 2 to 40 lower-case letters, digits and single hyphens, a letter first.
    #[schemars(example = &"happyrobot-fde", length(min = 2, max = 40))]
    pub name: String,
    /// A sentence for readers of the file.
    #[serde(default)]
    pub description: Option<String>,
    /// Which kind of environment this is. Every default depends on it.
    #[schemars(example = &"dev")]
    pub environment: Environment,
    /// The AWS region of everything in the stack.
    #[schemars(example = &"eu-south-2")]
    pub region: String,
    /// The AWS account that the stack belongs to, 12 digits in quotes. Any other is refused before anything is read or
    /// changed.
    #[serde(default)]
    #[schemars(example = &"123456789012")]
    pub account: Option<String>,
    /// Tags on everything that can carry them: at most 44, without the prefixes `aws:` and `fde:`.
    #[serde(default)]
    #[schemars(example = BTreeMap::from([("project", "happyrobot-fde")]))]
    pub tags: BTreeMap<String, String>,
}

impl Header {
    /// Checks what its schema cannot say.
    pub fn check(&self, document: &Document, errors: &mut Vec<StackError>) {
        let place = |path: &str| document.place(path);
        if !is_stack_name(&self.name) {
            let label = "takes lower-case letters, digits and single hyphens, a letter first";
            errors.push(StackError::new(Fault::Name, place("name"), label));
        }
        if !is_region(&self.region) {
            let label = "is not of the form `eu-south-2`";
            errors.push(StackError::new(Fault::Region, place("region"), label));
        }
        if let Some(account) = &self.account
            && !(account.len() == 12 && account.bytes().all(|byte| byte.is_ascii_digit()))
        {
            let label = "an account number has 12 digits";
            errors.push(StackError::new(Fault::Account, place("account"), label));
        }
        self.check_tags(document, errors);
    }

    fn check_tags(&self, document: &Document, errors: &mut Vec<StackError>) {
        let tags = document.root.get("tags");
        for (key, value) in &self.tags {
            let (key_span, value_span) = tags
                .and_then(|tags| tags.entry(key))
                .map(|entry| (entry.key_span, entry.value.span))
                .unwrap_or_default();
            check_tag(key, value, key_span, value_span, errors);
        }
        let joined: usize = self.tags.keys().map(|key| key.len() + 3).sum();
        if self.tags.len() > MAX_TAGS {
            let label = format!("at most {MAX_TAGS} tags; fde-infra adds its own to AWS's 50");
            errors.push(StackError::new(Fault::Tag, document.place("tags"), label));
        } else if joined > MAX_TAG_KEYS + 3 {
            let label = format!("the keys together have more than {MAX_TAG_KEYS} characters");
            let help = "fde-infra keeps the list of your keys in a tag of its own";
            errors.push(StackError::new(Fault::Tag, document.place("tags"), label).help(help));
        }
    }
}

/// Checks one tag of the author's.
pub fn check_tag(
    key: &str,
    value: &str,
    key_span: Span,
    value_span: Span,
    errors: &mut Vec<StackError>,
) {
    let lower = key.to_ascii_lowercase();
    let key_fault = if lower.starts_with("aws:") {
        Some("the prefix `aws:` belongs to AWS")
    } else if lower.starts_with("fde:") {
        Some("the prefix `fde:` belongs to fde-infra")
    } else if key.is_empty() || key.chars().count() > MAX_TAG_KEY {
        Some("a key has 1 to 128 characters")
    } else if key.contains(" + ") {
        Some("a key must not hold ` + `, which fde-infra puts between keys")
    } else if !key.chars().all(is_tag_character) || key.trim() != key {
        Some("a key takes letters, digits, inner spaces and `_ . : / = + - @`")
    } else {
        None
    };
    if let Some(label) = key_fault {
        errors.push(StackError::new(Fault::Tag, key_span, label));
    }
    let value_fault = if value.chars().count() > MAX_TAG_VALUE {
        Some("a value has at most 256 characters")
    } else if !value.chars().all(is_tag_character) {
        Some("a value takes letters, digits, spaces and `_ . : / = + - @`")
    } else {
        None
    };
    if let Some(label) = value_fault {
        errors.push(StackError::new(Fault::Tag, value_span, label));
    }
}

/// The alphabet that all services share.
fn is_tag_character(character: char) -> bool {
    character.is_alphanumeric() || " _.:/=+-@".contains(character)
}

fn is_stack_name(name: &str) -> bool {
    let alphabet = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    name.bytes().all(alphabet)
        && name.starts_with(|first: char| first.is_ascii_lowercase())
        && !name.ends_with('-')
        && !name.contains("--")
}

/// `eu-south-2`, `us-gov-west-1`.
fn is_region(region: &str) -> bool {
    let parts: Vec<&str> = region.split('-').collect();
    let [area, middle @ .., number] = parts.as_slice() else {
        return false;
    };
    let word = |text: &&str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_lowercase());
    (2..=4).contains(&area.len())
        && word(area)
        && (1..=2).contains(&middle.len())
        && middle.iter().all(word)
        && matches!(number.as_bytes(), [b'1'..=b'9'])
}
