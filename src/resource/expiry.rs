//! What an object takes from what another one holds, as soon as it is set there: a policy under which images expire.

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
    /// What goes that stayed until now, by the inputs before and after; before it is made there are none.
    pub takes: fn(&Properties, &Properties) -> Option<String>,
}
