//! What has been decided of a live object and is not in force yet.

/// One setting that waits.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pending {
    /// The setting with its value, in the words of the type: `instanceClass db.t3.large`.
    pub what: String,
    pub until: Until,
}

/// What a setting waits for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Until {
    /// Nothing but a reboot, which nobody does unasked.
    Reboot,
    /// The weekly window, as AWS writes it, or any update that is to happen at once.
    Window(Option<String>),
}
