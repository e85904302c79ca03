//! The sources of write-only values.
//!
//! AWS never returns a password, so it cannot be compared. What can be compared is its source: the identity of the secret it
//! was read from, and the version that was in force. Both are in the tag `fde:written` of the object that took the value, as
//! short hashes of names that many may read anyway; nothing in them is derived from the value. An object without the tag is
//! unknown: it gets the tag with its next write, and is not written for the tag's sake.

use std::collections::BTreeMap;

use super::tags::{KEY_SEPARATOR, WRITTEN, short_hash, without_secrets};
use super::{OutputReference, Properties, Schema, Tags, Value};

/// The output in which a resource returns the version of its content that is in force.
pub(super) const VERSION: &str = "contentVersion";

/// Digits of a hash.
const DIGITS: usize = 12;

/// The sources of an object's remembered properties.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Sources {
    known: BTreeMap<String, Source>,
    /// The properties whose source is still to be made.
    to_come: Vec<String>,
}

#[derive(Debug, PartialEq)]
struct Source {
    identity: String,
    /// `None` where the source does not say, or changes its content by rules of its own.
    version: Option<String>,
}

impl Sources {
    /// Collects the sources of the inputs as they are written, and as they are resolved.
    pub(super) fn of(
        schema: &Schema,
        written: &Properties,
        resolved: &Properties,
        lookup: &dyn Fn(&OutputReference) -> Option<Value>,
    ) -> Self {
        let mut sources = Self::default();
        for property in schema.properties.iter().filter(|p| p.remembered) {
            let Some(value) = resolved.get(property.name).filter(|value| !value.is_null()) else {
                continue;
            };
            if !value.is_known() {
                sources.to_come.push(property.name.to_owned());
                continue;
            }
            let references = written.get(property.name).map(Value::references);
            let version = references.into_iter().flatten().find_map(|reference| {
                let version = OutputReference {
                    urn: reference.urn.clone(),
                    path: vec![VERSION.to_owned()],
                };
                lookup(&version)?
                    .as_str()
                    .map(|text| short_hash(text, DIGITS))
            });
            // What stands in a list beside secrets is remembered without them.
            let text = serde_json::Value::from(&without_secrets(value)).to_string();
            let identity = short_hash(&text, DIGITS);
            let source = Source { identity, version };
            sources.known.insert(property.name.to_owned(), source);
        }
        sources
    }

    /// The properties that have a source.
    pub(super) fn properties(&self) -> impl Iterator<Item = &str> {
        let known = self.known.keys().map(String::as_str);
        known.chain(self.to_come.iter().map(String::as_str))
    }

    /// The text of the tag; `None` if nothing is known.
    pub(super) fn to_tag(&self) -> Option<String> {
        let entries: Vec<String> = self
            .known
            .iter()
            .map(|(name, source)| match &source.version {
                Some(version) => format!("{name}={}.{version}", source.identity),
                None => format!("{name}={}", source.identity),
            })
            .collect();
        (!entries.is_empty()).then(|| entries.join(KEY_SEPARATOR))
    }

    /// The properties that the object took from another source than the one they would come from now.
    pub(super) fn moved(&self, live: &Tags) -> Vec<&str> {
        let before: BTreeMap<&str, (&str, Option<&str>)> = live
            .get(WRITTEN)
            .unwrap_or_default()
            .split(KEY_SEPARATOR)
            .filter_map(|entry| {
                let (name, source) = entry.split_once('=')?;
                Some(match source.split_once('.') {
                    Some((identity, version)) => (name, (identity, Some(version))),
                    None => (name, (source, None)),
                })
            })
            .collect();
        let known = self.known.iter().filter(|(name, source)| {
            before
                .get(name.as_str())
                .is_some_and(|(identity, version)| {
                    let versions = source.version.as_deref().zip(*version);
                    *identity != source.identity || versions.is_some_and(|(now, then)| now != then)
                })
        });
        // A source that is still to be made is another source, whatever is remembered.
        let to_come = self.to_come.iter().map(String::as_str);
        known
            .map(|(name, _)| name.as_str())
            .chain(to_come)
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::resource::value::properties;
    use crate::resource::{CreateClass, Property, StackId, Urn};

    #[derive(schemars::JsonSchema)]
    struct Inputs {}

    fn schema() -> Schema {
        Schema::new::<Inputs>("t:t:T", CreateClass::NaturalKey).properties([
            Property::new("source").remembered(),
            Property::new("word").write_only(),
        ])
    }

    fn secret() -> Urn {
        let stack = StackId {
            name: "shop".into(),
            environment: "dev".into(),
        };
        Urn::new(&stack, "t:t:Secret", "secret")
    }

    #[test]
    fn no_hash_of_a_secret_is_remembered() {
        let of = |password: &str| {
            let users = Value::list([Value::object([
                ("name", "shop".into()),
                ("password", Value::Secret(Box::new(password.into()))),
            ])]);
            let written = properties([("source", users)]);
            Sources::of(&schema(), &written, &written, &|_| None).to_tag()
        };
        assert!(of("one").is_some());
        assert_eq!(of("one"), of("two"));
    }

    /// The sources where the secret answers with an ARN and a version.
    fn sources(arn: Option<&str>, version: Option<&str>) -> Sources {
        let written = properties([
            ("source", Value::output(&secret(), "arn")),
            ("word", "hunter2".into()),
        ]);
        let lookup = |reference: &OutputReference| match reference.path[0].as_str() {
            "arn" => arn.map(Value::from),
            VERSION => version.map(Value::from),
            _ => None,
        };
        let resolved = crate::resource::value::resolve_properties(&written, &lookup);
        Sources::of(&schema(), &written, &resolved, &lookup)
    }

    fn tags(of: &Sources) -> Tags {
        of.to_tag()
            .map(|text| (WRITTEN.to_owned(), text))
            .into_iter()
            .collect()
    }

    #[test]
    fn what_comes_from_another_source_or_version_has_moved() {
        let before = sources(Some("arn:one"), Some("1"));
        for (now, expected) in [
            (sources(Some("arn:one"), Some("1")), &[][..]),
            (sources(Some("arn:two"), Some("1")), &["source"]),
            (sources(Some("arn:one"), Some("2")), &["source"]),
            // It has come to change its content by itself.
            (sources(Some("arn:one"), None), &[]),
            (sources(None, None), &["source"]),
        ] {
            assert_eq!(now.moved(&tags(&before)), expected, "{now:?}");
        }
    }

    #[test]
    fn what_is_not_remembered_is_not_written_for_that() {
        let now = sources(Some("arn:one"), Some("1"));
        assert_eq!(now.moved(&Tags::default()), [] as [&str; 0]);
        // A version that was not remembered is not another one.
        let without = sources(Some("arn:one"), None);
        assert_eq!(now.moved(&tags(&without)), [] as [&str; 0]);
        // But a value from a source that is still to be made is always new.
        assert_eq!(sources(None, None).moved(&Tags::default()), ["source"]);
    }

    #[test]
    fn the_tag_is_what_aws_takes_and_holds_no_value() {
        let tag = sources(Some("arn:one"), Some("1")).to_tag().unwrap();
        assert!(tag.len() < 100, "{tag}");
        let takes = |c: char| c.is_ascii_alphanumeric() || " +-=._:/@".contains(c);
        assert!(tag.chars().all(takes), "{tag}");
        assert!(!tag.contains("word") && !tag.contains("hunter2"), "{tag}");
    }
}
