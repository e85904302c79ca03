//! The facts of one type.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::{Map, Value as Json, json};

use super::place::Place;
use super::spelling;

/// An operation of a type's handler, for which AWS names the permissions and the longest time that it takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Handler {
    Create,
    Read,
    Update,
    Delete,
    List,
}

/// How objects of a type are tagged.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Tagging {
    pub taggable: bool,
    /// True if tags can be in the call that creates.
    pub tag_on_create: bool,
    pub tag_updatable: bool,
    /// The property that holds them.
    pub tag_property: Option<Place>,
}

/// A type, as AWS publishes it.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct TypeFacts {
    /// `AWS::SQS::Queue`.
    #[serde(skip)]
    pub name: String,
    /// `aws-native:sqs:Queue`.
    #[serde(skip)]
    pub token: String,
    /// False for types that are not known to work through Cloud Control, although they have handlers.
    pub supported: bool,
    properties: Map<String, Json>,
    #[serde(default)]
    required: Vec<String>,
    #[serde(default)]
    pub definitions: Map<String, Json>,
    /// The schema of an object with all of its properties.
    #[serde(skip)]
    pub(super) root: Json,
    /// The properties that together identify an object, in their order.
    pub identifier: Vec<String>,
    #[serde(default)]
    pub other_identifiers: Vec<Vec<String>>,
    /// The places that cannot change without a new object.
    #[serde(default)]
    pub create_only: Vec<Place>,
    /// The places that may need a new object, by AWS's decision.
    #[serde(default)]
    pub conditional_create_only: Vec<Place>,
    #[serde(default)]
    pub read_only: Vec<Place>,
    /// The places that are never returned.
    #[serde(default)]
    pub write_only: Vec<Place>,
    #[serde(default)]
    pub deprecated: Vec<Place>,
    #[serde(default)]
    pub tagging: Tagging,
    /// The permissions that each operation takes; an operation that is not among them does not exist.
    #[serde(default)]
    pub handlers: BTreeMap<Handler, Vec<String>>,
    /// The longest time of an operation, in minutes, where it is not two hours.
    #[serde(default)]
    pub minutes: BTreeMap<Handler, u64>,
    /// The way in which AWS rewrites values, as an expression.
    #[serde(default)]
    pub transform: BTreeMap<String, String>,
    /// True if a replacement can only be made once its predecessor is gone.
    #[serde(default)]
    pub delete_first: bool,
    /// The properties without which objects cannot be listed.
    #[serde(default)]
    pub list_needs: Vec<String>,
}

impl TypeFacts {
    pub(super) fn parse(name: &str, line: &str) -> Option<Self> {
        let mut facts: Self = serde_json::from_str(line).ok()?;
        name.clone_into(&mut facts.name);
        facts.token = spelling::token(name)?;
        facts.root = json!({
            "type": "object",
            "properties": std::mem::take(&mut facts.properties),
            "required": std::mem::take(&mut facts.required),
            "additionalProperties": false,
        });
        Some(facts)
    }

    /// Returns whether a property is decided by AWS alone.
    pub fn is_read_only(&self, property: &str) -> bool {
        let mut whole = self.read_only.iter().filter(|place| place.is_property());
        whole.any(|place| place.property() == property)
    }

    /// Returns whether what is at a place must not be shown: a text that AWS never returns, with the name of a secret.
    pub fn is_secret(&self, place: &[&str]) -> bool {
        const WORDS: [&str; 8] = [
            "Password",
            "Passphrase",
            "Secret",
            "Token",
            "PrivateKey",
            "AccessKey",
            "ApiKey",
            "Credential",
        ];
        let is_hidden = self.write_only.iter().any(|hidden| hidden.holds(place));
        let mut names = place.iter();
        is_hidden && names.any(|name| WORDS.iter().any(|word| name.contains(word)))
    }

    /// Returns whether the identifier is made of properties that the author gives.
    pub fn is_identified_by_inputs(&self) -> bool {
        let mut identifier = self.identifier.iter();
        identifier.all(|property| !self.is_read_only(property))
    }

    /// Returns whether an operation exists.
    pub fn has(&self, handler: Handler) -> bool {
        self.handlers.contains_key(&handler)
    }

    /// The longest time that an operation takes, in minutes.
    pub fn minutes(&self, handler: Handler) -> u64 {
        // <https://docs.aws.amazon.com/cloudformation-cli/latest/userguide/resource-type-schema.html>, `timeoutInMinutes`
        const UNLESS_SAID: u64 = 120;
        self.minutes.get(&handler).copied().unwrap_or(UNLESS_SAID)
    }
}
