//! The offers of a region: some resources are combinations of options that AWS sells in one region and not in another.

use super::{Properties, Urn};

/// A resource that is to be made or changed.
#[derive(Debug, Clone)]
pub struct Order<'a> {
    pub urn: &'a Urn,
    /// The inputs, with references resolved as far as they are known.
    pub inputs: &'a Properties,
    /// The inputs of the object that is to be changed; `None` for a new object.
    pub live: Option<&'a Properties>,
    /// The properties that are to be changed.
    pub changed: Vec<&'a str>,
}

impl Order<'_> {
    pub fn changes(&self, property: &str) -> bool {
        self.changed.contains(&property)
    }
}

/// An object that the stack has once its plan has run.
#[derive(Debug, Clone, Copy)]
pub struct Standing<'a> {
    pub urn: &'a Urn,
    /// AWS's identifier, where it exists already.
    pub id: Option<&'a str>,
    pub inputs: &'a Properties,
}

/// An input that asks for something that AWS does not offer in the region.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NotOffered {
    /// The property: `instanceClass`.
    pub property: &'static str,
    /// Its value, as a text.
    pub wanted: String,
    /// The rest of the combination: `postgres 16.4 in eu-south-2`.
    pub with: String,
    /// The values that are offered in its place, the nearest first. None if no other value helps.
    pub offered: Vec<String>,
    /// The way to get it as it is: `postgres 16.6 and 17.2 have it`.
    pub otherwise: Option<String>,
}
