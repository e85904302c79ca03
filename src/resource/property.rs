//! One property of a resource type: its value when left out, and what a change of it takes.

use std::fmt;

use super::rule::Locality;
use super::text_rule::TextRule;
use super::{Change, Properties, Value};

/// The meaning of a property that the author leaves out.
#[derive(Debug, Clone, PartialEq)]
pub enum Unset {
    /// It must be given.
    Required,
    /// It is then wanted to be this; so deleting the line converges, and drift from it shows.
    Default(Value),
    /// AWS or another owner chooses; then it is not compared.
    ServerChooses,
}

/// The inputs of a resource type, of which each field is a property.
///
/// Derived: what is to be said of a property stands once, on its field, as a list of methods of [`Property`]:
/// `#[property(default("/"), replaces)]`. Its name is a constant of the struct besides: `Inputs::PATH`.
pub trait PropertyTable {
    fn properties() -> Vec<Property>;
}

/// The outputs of a resource type: what AWS decides, and references can ask for. Derived.
pub trait OutputTable {
    /// Their names. A field with `#[output(internal)]` is for the type itself.
    const NAMES: &'static [&'static str];
    /// Their doc comments, in the order of the names.
    const DESCRIPTIONS: &'static [&'static str];
}

/// The comparison of the values of a property whose meaning its type alone knows.
pub trait Compare: fmt::Debug + Send + Sync {
    /// The changes from what is there to what is wanted, each with whether it needs a new object.
    fn compare(&self, wanted: &Value, found: &Value) -> Vec<Change>;
}

/// One property of a resource type.
#[derive(Debug, Clone)]
pub struct Property {
    pub name: &'static str,
    pub unset: Unset,
    /// True if a change needs a new object.
    pub replaces: bool,
    /// True if a first value, where there was none, needs no new object.
    pub fills_in_place: bool,
    /// True if AWS never returns it, so that it cannot be compared.
    pub write_only: bool,
    /// True if it is made from something else, whose identity is remembered in a tag: see [`super::written`].
    pub remembered: bool,
    /// True if its value must not be shown.
    pub secret: bool,
    /// Some of its values must not be shown: a URL with a password in it.
    pub secret_if: Option<fn(&Value) -> bool>,
    /// True if only the keys the author wrote are compared; AWS fills in the others.
    pub declared_keys_only: bool,
    /// Brings equal meanings to one form, on the desired and on the observed side.
    pub canonical: Option<fn(Value) -> Value>,
    /// Compares its values instead of the rules for all values.
    pub comparison: Option<&'static dyn Compare>,
    /// True if AWS keeps it in lower case, whatever it is sent.
    pub lower_cased: bool,
    /// The texts that AWS takes.
    pub text: Option<TextRule>,
    /// The location of its values: in the region of the stack, or anywhere.
    pub locality: Locality,
}

impl Property {
    /// A property that is wanted absent when unset, changes in place, and is compared as it stands.
    pub const fn new(name: &'static str) -> Self {
        Self {
            name,
            unset: Unset::Default(Value::Null),
            replaces: false,
            fills_in_place: false,
            write_only: false,
            remembered: false,
            secret: false,
            secret_if: None,
            declared_keys_only: false,
            canonical: None,
            comparison: None,
            lower_cased: false,
            text: None,
            locality: Locality::Anywhere,
        }
    }

    /// The texts that AWS takes.
    #[must_use]
    pub fn text(mut self, rule: TextRule) -> Self {
        self.text = Some(rule);
        self
    }

    /// Returns whether an empty text means the same as none: AWS answers one for the other. Not where an empty text would be
    /// refused, since the refusal says more, nor where an omitted value is replaced by something other than nothing.
    pub fn empty_is_unset(&self) -> bool {
        let is_none = match &self.unset {
            Unset::Default(default) => default.is_null(),
            Unset::ServerChooses => true,
            Unset::Required => false,
        };
        is_none && self.text.is_none_or(|rule| rule.check_text("").is_none())
    }

    /// Names availability zones.
    #[must_use]
    pub fn zone(mut self) -> Self {
        self.locality = Locality::Zone;
        self
    }

    /// Holds ARNs of things that have to be in the region of the stack.
    #[must_use]
    pub fn regional(mut self) -> Self {
        self.locality = Locality::Region;
        self
    }

    #[must_use]
    pub fn required(mut self) -> Self {
        self.unset = Unset::Required;
        self
    }

    /// The value that an unset property is wanted to have. For an object, each of its missing keys is filled in by itself.
    #[must_use]
    pub fn default(mut self, value: impl Into<Value>) -> Self {
        self.unset = Unset::Default(value.into());
        self
    }

    #[must_use]
    pub fn server_chooses(mut self) -> Self {
        self.unset = Unset::ServerChooses;
        self
    }

    #[must_use]
    pub fn replaces(mut self) -> Self {
        self.replaces = true;
        self
    }

    /// Can be set in place where it was unset; any other change needs a new object.
    #[must_use]
    pub fn replaces_once_set(mut self) -> Self {
        self.fills_in_place = true;
        self.replaces()
    }

    #[must_use]
    pub fn write_only(mut self) -> Self {
        self.write_only = true;
        self
    }

    /// Marks the property as [`Property::write_only`] does; what AWS took from there is sent again once the source is
    /// another.
    #[must_use]
    pub fn remembered(mut self) -> Self {
        self.remembered = true;
        self.write_only()
    }

    #[must_use]
    pub fn secret(mut self) -> Self {
        self.secret = true;
        self
    }

    #[must_use]
    pub fn secret_if(mut self, is_secret: fn(&Value) -> bool) -> Self {
        self.secret_if = Some(is_secret);
        self
    }

    /// Returns whether a value of the author's must not be shown.
    pub fn hides(&self, value: &Value) -> bool {
        self.secret || self.secret_if.is_some_and(|is_secret| is_secret(value))
    }

    #[must_use]
    pub fn declared_keys_only(mut self) -> Self {
        self.declared_keys_only = true;
        self
    }

    #[must_use]
    pub fn canonical(mut self, form: fn(Value) -> Value) -> Self {
        self.canonical = Some(form);
        self
    }

    #[must_use]
    pub fn compared_by(mut self, comparison: &'static dyn Compare) -> Self {
        self.comparison = Some(comparison);
        self
    }

    /// Marks a property that AWS keeps in lower case. Its value is passed on in lower case from the beginning, too: a
    /// dimension of an alarm, for one, is another with other letters.
    #[must_use]
    pub fn lower_cased(mut self) -> Self {
        self.lower_cased = true;
        self.canonical(lower_case)
    }

    /// A list whose order means nothing.
    #[must_use]
    pub fn set(self) -> Self {
        self.canonical(super::diff::sorted)
    }
}

/// A text in lower case; anything else as it is.
pub fn lower_case(value: Value) -> Value {
    match value {
        Value::String(text) => Value::String(text.to_lowercase()),
        other => other,
    }
}

/// Adds the default of every key that is missing, at all depths.
pub(super) fn fill(given: &mut Properties, defaults: &Properties) {
    for (name, default) in defaults {
        match (given.get_mut(name), default) {
            (Some(Value::Object(given)), Value::Object(defaults)) => fill(given, defaults),
            (Some(_), _) => {}
            (None, default) => {
                given.insert(name.clone(), default.clone());
            }
        }
    }
}
