//! The terms on which a run goes ahead: what it was asked for, and whom it asks.

use crate::cli::arguments::LockArguments;
use crate::cli::saved_plan::{RetryHint, SavedPlan};
use crate::cli::session::ShowOptions;
use crate::live::Hints;
use crate::plan::Request;

/// The terms of a run.
pub struct Terms<'a> {
    pub request: &'a Request,
    /// True if the user is not asked.
    pub yes: bool,
    /// The plan that was consented to elsewhere: no other may take its place.
    pub saved: Option<&'a (SavedPlan, RetryHint)>,
    pub show: ShowOptions,
    pub lock: &'a LockArguments,
    /// Places to look in besides those that file and index name.
    pub hints: &'a Hints,
}
