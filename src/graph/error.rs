//! The faults of a graph.

use super::origin::Origin;
use crate::resource::InvalidInput;

/// A fault in the desired state that no single section can detect.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum GraphError {
    #[error("`{name}` is declared twice")]
    DuplicateName { name: String, origin: Box<Origin> },
    #[error("`{token}` is not a resource type of fde-infra")]
    UnknownType { token: String, origin: Box<Origin> },
    #[error("`{token}` has no property `{property}`")]
    UnknownProperty {
        token: String,
        property: String,
        nearest: Option<String>,
        origin: Box<Origin>,
    },
    #[error("`{token}` needs `{property}`")]
    MissingProperty {
        token: String,
        property: String,
        origin: Box<Origin>,
    },
    #[error("{invalid_input}")]
    InvalidInput {
        resource: String,
        invalid_input: InvalidInput,
        origin: Box<Origin>,
    },
    #[error(
        "AWS takes `{first}` and `{second}` for one: they have the same {same}{}",
        if *ignores_case { " (case is ignored)" } else { "" }
    )]
    Twice {
        /// The inputs that are the same, in words.
        same: String,
        ignores_case: bool,
        /// The resources with the same inputs, the one to point at first.
        at: Vec<String>,
        first: String,
        second: String,
        first_origin: Box<Origin>,
        origin: Box<Origin>,
    },
    #[error("`{range}` overlaps `{other}` of `{first}`")]
    Overlap {
        range: String,
        other: String,
        first: String,
        at: String,
        first_origin: Box<Origin>,
        origin: Box<Origin>,
    },
    #[error("`{range}` lies outside its network, `{network}`")]
    Outside {
        range: String,
        network: String,
        at: String,
        origin: Box<Origin>,
    },
    #[error("{total} {what}; AWS takes {most}")]
    TooMuch {
        what: &'static str,
        total: usize,
        most: usize,
        /// The property that names what they belong to.
        by: String,
        help: &'static str,
        first_origin: Option<Box<Origin>>,
        origin: Box<Origin>,
    },
    #[error("{reason}")]
    Tags {
        /// `None` for all of them.
        key: Option<String>,
        reason: String,
        origin: Box<Origin>,
    },
    #[error("`${{{reference}}}` refers to nothing: {reason}")]
    BrokenReference {
        reference: String,
        reason: String,
        nearest: Option<String>,
        origin: Box<Origin>,
    },
    #[error("these need each other: {}", path.join(" → "))]
    Cycle {
        path: Vec<String>,
        origin: Box<Origin>,
    },
}

impl GraphError {
    pub fn origin(&self) -> &Origin {
        match self {
            Self::DuplicateName { origin, .. }
            | Self::UnknownType { origin, .. }
            | Self::UnknownProperty { origin, .. }
            | Self::MissingProperty { origin, .. }
            | Self::InvalidInput { origin, .. }
            | Self::Twice { origin, .. }
            | Self::Overlap { origin, .. }
            | Self::Outside { origin, .. }
            | Self::TooMuch { origin, .. }
            | Self::Tags { origin, .. }
            | Self::BrokenReference { origin, .. }
            | Self::Cycle { origin, .. } => origin,
        }
    }
}
