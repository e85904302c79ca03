//! Constraints of AWS on several resources together, or on one in this place, as far as a schema can express them.

use super::{InvalidInput, Properties};

/// The required location of the things that a property names.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Locality {
    /// Anywhere, or it names nothing that is somewhere.
    #[default]
    Anywhere,
    /// It names availability zones, which are those of the region.
    Zone,
    /// Its ARNs, at any depth, are of things in the region.
    Region,
}

/// Inputs that no two resources can have in common: AWS has one name, one priority, one policy of a bucket.
#[derive(Debug, Clone)]
pub struct Claim {
    /// The type, or what several types claim alike: `value of a secret`.
    pub space: &'static str,
    /// The inputs that tell one from another.
    pub by: Vec<&'static str>,
    /// True if AWS takes two texts that differ in case alone for the same.
    pub ignores_case: bool,
}

/// A range of addresses that overlaps no other one in the same network.
#[derive(Debug, Clone, Copy)]
pub struct RangeRule {
    /// The property with the range.
    pub property: &'static str,
    /// The property that names the network; its type has the network's range under the same name.
    pub within: &'static str,
}

/// A limit that AWS sets to several resources together.
#[derive(Debug, Clone, Copy)]
pub struct Limit {
    /// The inputs that name what they have in common: `role`.
    pub by: &'static [&'static str],
    /// The amount that one of them takes of it, at least.
    pub measure: fn(&Properties) -> usize,
    /// The amount that there is.
    pub most: usize,
    /// The amount that there is without a request to AWS for more, where one can be made.
    pub quota: Option<usize>,
    /// The counted unit, in words: "characters of inline policies".
    pub what: &'static str,
    /// The remedy for an exceeded limit.
    pub help: &'static str,
}

/// A check of a resource beside another one of the stack, which one of its inputs refers to.
#[derive(Debug, Clone, Copy)]
pub struct Beside {
    /// The input with the reference.
    pub by: &'static str,
    /// The type of the other one.
    pub token: &'static str,
    /// Returns the inputs of the two that do not fit together.
    pub check: fn(own: &Properties, other: &Properties) -> Vec<InvalidInput>,
}

/// Counts a resource as one.
pub fn one(_inputs: &Properties) -> usize {
    1
}
