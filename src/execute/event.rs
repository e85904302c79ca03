//! The events of a running plan, in the order in which they happen.

use std::time::Duration;

use crate::plan::StepId;
use crate::resource::{ProviderError, Urn};

/// The work that a step is doing, or has done.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Work {
    Create,
    Update,
    /// The new object of a replacement.
    CreateReplacement,
    /// The old object of a replacement.
    DeleteReplaced,
    Delete,
}

/// The reason why a step was not started.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Skipped {
    /// A step it needs failed, or was skipped itself.
    Needs(Urn),
    /// The run was cancelled before it started came.
    Cancelled,
    /// The credentials ceased to be accepted before its turn came.
    NoCredentials,
}

/// One thing that happened. Times are counted from the start of the run, so that rendering needs no clock.
#[derive(Debug, Clone)]
pub enum Event {
    Started {
        step: StepId,
        urn: Urn,
        work: Work,
        at: Duration,
    },
    /// The status that a started step is waiting on, in AWS's own words.
    Waiting {
        step: StepId,
        status: String,
        at: Duration,
    },
    Succeeded {
        step: StepId,
        urn: Urn,
        work: Work,
        /// AWS's identifier of the object.
        id: String,
        elapsed: Duration,
        at: Duration,
    },
    Failed {
        step: StepId,
        urn: Urn,
        work: Work,
        error: Box<ProviderError>,
        elapsed: Duration,
        at: Duration,
    },
    /// Let go while it was under way: its outcome is not known.
    Interrupted {
        step: StepId,
        urn: Urn,
        work: Work,
        /// The status that it was waiting on last.
        status: Option<String>,
        elapsed: Duration,
        at: Duration,
    },
    Skipped {
        step: StepId,
        urn: Urn,
        work: Work,
        because: Skipped,
        at: Duration,
    },
    /// The first interrupt was heard: nothing new starts.
    Cancelling { in_flight: usize, at: Duration },
}
