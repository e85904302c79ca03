//! The result of expanding a stack.

use crate::graph::Resource;
use crate::resource::Value;

/// The result of expanding a stack.
#[derive(Debug, Clone, PartialEq)]
pub struct Expansion {
    pub resources: Vec<Resource>,
    /// The standard outputs of the sections, then the author's, in the order of the file.
    pub outputs: Vec<(String, Value)>,
    pub notes: Notes,
}

/// The notes that the user is shown after `up`.
pub type Notes = Vec<Note>;

/// Something for the user to do that depends on what is live: it is shown where `unless` is not true.
#[derive(Debug, Clone, PartialEq)]
pub struct Note {
    pub unless: Value,
    pub text: String,
    /// The lines to copy for it.
    pub commands: Vec<Value>,
}
