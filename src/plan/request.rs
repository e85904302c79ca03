//! The request of the user, which a plan answers.

/// The request of the user.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Request {
    pub goal: Goal,
    /// Only these, and their dependencies. Names, sections or globs.
    pub targets: Vec<String>,
    /// All but these and their dependents.
    pub excludes: Vec<String>,
    /// Replaced although nothing asks for it.
    pub replace: Vec<String>,
    /// Rebooted, once they are as wanted.
    pub reboot: Vec<String>,
    /// Data that may be deleted, by logical or physical name.
    pub allow_delete: Vec<String>,
    /// Additions of others to objects of ours that are to be removed: ids or names.
    pub remove: Vec<String>,
    /// Objects that are the stack's, although nothing but their tags says so: ids, ARNs, or `*`.
    pub trust: Vec<String>,
    /// The regions in which the stack may be set up besides those in which it is already.
    pub allow_regions: Vec<String>,
    /// True if the run takes no lock: other runs may be at work on the stack, and what they have recorded stays on record.
    pub takes_no_lock: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Goal {
    #[default]
    Up,
    Destroy,
}
