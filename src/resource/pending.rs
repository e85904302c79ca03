//! Settings of a live object that have been decided and are not in force yet.

use super::Change;

/// Returns whether objects of the type that depend on another one are rebooted before it, given what changes in this run in
/// the settings that it uses.
pub type RebootOrder = fn(changes: &mut dyn Iterator<Item = &Change>) -> bool;

/// One setting that waits.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pending {
    /// The setting with its value, in the words of the type: `instanceClass db.t3.large`.
    pub what: String,
    pub until: Until,
}

/// The event that a setting waits for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Until {
    /// Nothing but a reboot, which never happens unless it is asked for.
    Reboot,
    /// The weekly window, as AWS writes it, or any update that is to happen at once.
    Window(Option<String>),
    /// The day from which on the cloud does it in the weekly window, and the day on which it does it anyway.
    Maintenance {
        planned: Option<String>,
        forced: Option<String>,
    },
    /// Any update: it is a default that the object was made without.
    NewDefault,
    /// A confirmation by its receiver.
    Confirmation,
    /// The pending settings could not be read.
    Unknown,
}
