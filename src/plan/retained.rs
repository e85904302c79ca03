//! Objects that stay although they would be deleted, and the reasons.

use std::fmt;

use crate::resource::{Observed, Urn};

/// An object that stays although the goal would have it gone.
#[derive(Debug, Clone, PartialEq)]
pub struct Retained {
    pub urn: Urn,
    pub observed: Observed,
    pub reason: RetainReason,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RetainReason {
    /// `onDelete: retain`; `--allow-delete` overrides.
    OnDelete,
    /// `onDelete: snapshot`, and there is no snapshot of it, or anything like one; `--allow-delete` overrides.
    LeavesNothing,
    /// `retainOnDelete: true`: leaves the stack without being deleted.
    RetainOnDelete,
    /// Something that stays needs it.
    NeededBy(Urn),
    /// It is part of something that stays.
    PartOf(Urn),
    /// It is not a target, or excluded.
    NotTargeted,
    /// Its successor stands, and what uses it is not a target, or excluded.
    UsedOutOfReach(Urn),
}

impl fmt::Display for RetainReason {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::OnDelete => formatter.write_str("holds data: onDelete is retain"),
            Self::LeavesNothing => formatter
                .write_str("holds data, of which nothing could be left: onDelete is snapshot"),
            Self::RetainOnDelete => formatter.write_str("retainOnDelete"),
            Self::NeededBy(urn) => write!(formatter, "needed by {}", urn.name()),
            Self::PartOf(urn) => write!(formatter, "part of {}", urn.name()),
            Self::NotTargeted => formatter.write_str("not a target"),
            Self::UsedOutOfReach(urn) => write!(
                formatter,
                "{} is left out and uses it: goes with the next full `up`",
                urn.name()
            ),
        }
    }
}
