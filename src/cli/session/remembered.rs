//! The record of earlier runs, as it was last read.

use tokio::time::Instant;

use crate::deployment::Whereabouts;

/// The last reading of the record of earlier runs.
#[derive(Clone)]
pub struct Remembered {
    pub whereabouts: Whereabouts,
    pub read_at: Instant,
}
