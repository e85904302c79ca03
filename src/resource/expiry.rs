//! Contents of one object that another one expires as soon as it is set there: a policy under which images expire.

use super::Properties;

/// By what the object is part of.
#[derive(Debug, Clone, Copy)]
pub struct Expiry {
    /// The property that names what it is part of.
    pub part_of: &'static str,
    /// The type of that.
    pub token: &'static str,
    /// The output of that which says whether it holds anything.
    pub filled: &'static str,
    /// The contents that expire and stayed until now, by the inputs before and after; before it is made there are none.
    pub takes: fn(&Properties, &Properties) -> Option<String>,
}
