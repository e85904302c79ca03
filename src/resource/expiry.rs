//! Contents of one object that another one expires as soon as it is set there: a policy under which images expire.

use super::Properties;

/// The rule of a type under which the contents of its parent expire.
#[derive(Debug, Clone, Copy)]
pub struct Expiry {
    /// The property that names the parent.
    pub part_of: &'static str,
    /// The type of the parent.
    pub token: &'static str,
    /// The contents that expire and stayed until now, by the inputs before and after and by the outputs of the parent, which
    /// say what it holds. Before the object is made there are no inputs.
    pub takes: fn(before: &Properties, after: &Properties, held: &Properties) -> Option<String>,
}
