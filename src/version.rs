//! The build of the program.

/// Number, commit and date of the commit: `0.1.0 (abc1234 2026-11-23)`; the number alone where the commit is not known.
///
/// A saved plan is bound to it, and the lock and the history name it: two commits with one number may plan differently.
pub const VERSION: &str = env!("FDE_INFRA_VERSION");
