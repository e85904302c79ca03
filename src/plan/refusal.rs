//! The reasons why a plan must not run.

use super::reason::Held;
use super::step::Op;
use crate::resource::Urn;
use crate::resource::offer::NotOffered;
use crate::resource::provider::Holder;

/// The owner of an object that stands in the way, as far as its tags say.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Owner {
    /// Another resource of ours, or of another stack.
    Resource(String),
    /// It has tags, and none of ours.
    Others,
    /// It has no tags at all, as if they had been lost.
    Untagged,
}

impl Owner {
    /// The resource that it is, according to its tags.
    pub fn resource(&self) -> Option<&str> {
        match self {
            Self::Resource(owner) => Some(owner),
            Self::Others | Self::Untagged => None,
        }
    }
}

/// The reason why a plan must not run as it stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Refusal {
    /// The name is taken by something that is not ours.
    NameTaken {
        urn: Urn,
        id: String,
        arn: Option<String>,
        owner: Owner,
    },
    /// It is protected, by its tag or in the file.
    Protected { urn: Urn, id: String, op: Op },
    /// It would be replaced, and the old object is to be retained: two of one kind, of which the stack wants one.
    Retained { urn: Urn, id: String },
    /// It holds data, and its deletion has not been consented to.
    HoldsData {
        urn: Urn,
        id: String,
        op: Op,
        /// The AWS setting that keeps it from being deleted, if that is on.
        guard: Option<&'static str>,
    },
    /// It holds no data; but the AWS setting that keeps it from being deleted is on, and its deletion has not been consented
    /// to.
    Guarded {
        urn: Urn,
        id: String,
        op: Op,
        guard: &'static str,
    },
    /// AWS does not delete it while these use it, and they cannot let go of it before.
    InUse {
        urn: Urn,
        id: String,
        users: Vec<Urn>,
        because: Held,
        /// The properties that say which place it has, or which place is wanted of it.
        place: Vec<String>,
    },
    /// Another object of the stack has the place that it is to have, and does not leave it before.
    PlaceHeld {
        urn: Urn,
        by: Urn,
        id: String,
        place: Vec<String>,
    },
    /// Drift alone would replace a resource that serves traffic.
    Interrupts {
        urn: Urn,
        id: String,
        properties: Vec<String>,
        /// The effect that it would have.
        effect: &'static str,
    },
    /// AWS does not allow this change.
    Forbidden {
        urn: Urn,
        id: String,
        /// The reason, and what to do instead.
        reason: String,
    },
    /// It would be attached to something that is not of this stack.
    ParentNotOurs {
        urn: Urn,
        /// The identifier of the parent in AWS.
        parent: String,
    },
    /// One is there and in use, without the tags that identify it, and would be made a second time.
    TagsLost(Unmarked),
    /// Its tags say that it is ours, but no run of ours has made it, as far as the record goes.
    TagsAlone {
        urn: Urn,
        id: String,
        arn: Option<String>,
        /// True if it would be the second one of its resource.
        is_second: bool,
    },
    /// Others have put theirs where it is to be.
    PlaceTaken {
        urn: Urn,
        id: String,
        arn: Option<String>,
        owner: Owner,
    },
    /// The stack stands in other regions already, and in this one nothing of it does.
    Elsewhere {
        urn: Urn,
        id: String,
        /// The regions that are known.
        regions: Vec<String>,
        /// The region in which it would be set up, too.
        here: String,
    },
    /// AWS does not delete it as long as others use it.
    HeldByOthers {
        urn: Urn,
        id: String,
        holders: Vec<Holder>,
    },
    /// Data would be lost for good without an object being deleted: data that was there before us, or that an update
    /// removes.
    Shortens {
        urn: Urn,
        id: String,
        what: Option<String>,
    },
    /// AWS does not offer it in the region as it is asked for.
    NotOffered { urn: Urn, found: Vec<NotOffered> },
}

impl Refusal {
    pub fn urn(&self) -> &Urn {
        match self {
            Self::TagsLost(Unmarked { urn, .. })
            | Self::NameTaken { urn, .. }
            | Self::Protected { urn, .. }
            | Self::Retained { urn, .. }
            | Self::HoldsData { urn, .. }
            | Self::Guarded { urn, .. }
            | Self::InUse { urn, .. }
            | Self::PlaceHeld { urn, .. }
            | Self::Interrupts { urn, .. }
            | Self::Forbidden { urn, .. }
            | Self::ParentNotOurs { urn, .. }
            | Self::TagsAlone { urn, .. }
            | Self::PlaceTaken { urn, .. }
            | Self::Elsewhere { urn, .. }
            | Self::HeldByOthers { urn, .. }
            | Self::Shortens { urn, .. }
            | Self::NotOffered { urn, .. } => urn,
        }
    }
}

/// An object that seems to be one of ours without its tags.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unmarked {
    pub urn: Urn,
    pub id: String,
    pub arn: Option<String>,
    /// The objects of ours that use it.
    pub users: Vec<Urn>,
}
