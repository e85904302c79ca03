//! Places inside a type's properties, as its facts name them: `Parent/Child/*/Name`.

use serde::Deserialize;

/// The stand-in for the index of a list, and for the key of a map.
pub const ANY: &str = "*";

/// A place in the properties of a type, with CloudFormation's names.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(from = "String")]
pub struct Place(Vec<String>);

impl From<String> for Place {
    fn from(text: String) -> Self {
        Self(text.split('/').map(str::to_owned).collect())
    }
}

impl Place {
    pub fn names(&self) -> &[String] {
        &self.0
    }

    /// The property that it is in.
    pub fn property(&self) -> &str {
        self.0.first().map_or("", String::as_str)
    }

    /// Returns whether the place is a whole property, and not something inside of one.
    pub fn is_property(&self) -> bool {
        self.0.len() == 1
    }

    /// Returns whether a place is this one, or inside of it.
    pub fn holds(&self, place: &[&str]) -> bool {
        self.0.len() <= place.len() && self.agrees_with(place)
    }

    /// Returns whether this place is inside of another, and not the same.
    pub fn is_below(&self, place: &[&str]) -> bool {
        self.0.len() > place.len() && self.agrees_with(place)
    }

    /// Returns whether the two are the same as far as the shorter one goes.
    fn agrees_with(&self, place: &[&str]) -> bool {
        let pairs = self.0.iter().zip(place);
        pairs
            .into_iter()
            .all(|(own, other)| own == other || own == ANY || *other == ANY)
    }
}
