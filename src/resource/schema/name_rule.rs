//! The physical names of a type.

/// The rule for a type's physical name.
#[derive(Debug, Clone, Copy)]
pub struct NameRule {
    /// The property that carries it.
    pub property: &'static str,
    /// The longest name AWS takes.
    pub max_length: usize,
    /// True if names that we derive carry a short hash of the replace-only inputs, so that a replacement can be created
    /// before its predecessor is deleted.
    pub generated: bool,
    /// Names that AWS takes, but advises against: none of this form is derived.
    pub avoided: Option<fn(&str) -> bool>,
}
