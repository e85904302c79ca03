//! The present and past users of a stack: its lock, the run that has begun last, and the history of its runs, three SSM
//! parameters; for large stacks, up to two more in which a record goes on.
//!
//! None is state. The lock is a courtesy: it keeps two people from changing a stack at the same time without knowing it. The
//! engine is correct without it (a run that finds its plan overtaken fails or makes a twin, and the next one sets that
//! right). The history is for people, and with the run that has begun last it proves what is ours ([`Proof`]): tags can be
//! copied. A user without the right to use SSM loses the lock, the history and that proof, and nothing else.
//!
//! All bear the stack's name and no tags: `fde:stack` would make them part of what the stack owns, which `destroy`
//! deletes, and the history is to outlive that: it is the record of it.
//!
//! This module knows no SSM: [`ParameterStore`] is what it needs of it, and [`crate::aws`] implements that. Start with
//! [`lock`].

mod continuation;
pub mod history;
mod latest_run;
pub mod lease;
pub mod lock;
pub mod moment;
mod process;
mod store;

pub use history::{Before, Deployment, Ending, History, Record, Whereabouts};
pub use latest_run::Begun;
pub use lease::{Lease, Seen};
pub use lock::{Hold, Known, Lock, Loss, Taking};
pub use process::Process;
pub use store::{Parameter, ParameterStore, Version};

#[cfg(doc)]
use crate::resource::Proof;
use crate::resource::StackId;

/// The longest text of a standard parameter.
const LONGEST: usize = 4096;

/// The path of a stack's parameters: `/fde-infra/<name>/<environment>/<what>`.
fn parameter(stack: &StackId, what: &str) -> String {
    format!("/fde-infra/{stack}/{what}")
}

/// JSON in a form that SSM takes: it refuses `{{`, as it would be a reference to another parameter. Outside texts JSON
/// has none, and in them an escape says the same.
fn acceptable(json: String) -> String {
    if json.contains("{{") {
        json.replace("{{", "{\\u007b")
    } else {
        json
    }
}

#[cfg(test)]
mod tests;
