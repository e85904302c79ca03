//! Renders events and plans as text.
//!
//! Pure, but for [`terminal`], which alone writes: everything else takes values and a width and returns [`Line`]s. No
//! clock (times are in the events), no environment, no providers. Start with [`preview`], then [`progress`].

pub mod added;
pub mod aftermath;
pub mod annotation;
pub mod compared;
mod consequences;
pub mod diff;
pub mod estimate;
pub mod events;
pub mod explain;
pub mod history;
pub mod json;
pub mod line;
pub mod list;
pub mod lock;
pub mod markdown;
pub mod message;
mod new_defaults;
pub mod next;
pub mod outputs;
pub mod overview;
pub mod pending;
pub mod preview;
pub mod progress;
mod rows;
pub mod sanitize;
pub mod secrets;
mod select;
mod severity;
pub mod style;
pub mod summary;
pub mod terminal;
mod tree;
mod value;
mod view;

use std::time::Duration;

pub use annotation::{Annotation, Place};
pub use estimate::Estimate;
pub use events::EventStream;
pub use line::Line;
pub use message::Message;
pub use progress::Progress;
pub use secrets::Secrets;
pub use severity::Severity;
pub use style::{ColorChoice, Style};
pub use terminal::{Section, Terminal};
pub use value::SECRET;
pub use view::View;

/// A time as a person reads it: `0.3s`, `12s`, `4m05s`, `1h02m`.
pub fn seconds(time: Duration) -> String {
    let whole = time.as_secs();
    match whole {
        0..10 => format!("{:.1}s", time.as_secs_f64()),
        10..60 => format!("{whole}s"),
        60..3600 => format!("{}m{:02}s", whole / 60, whole % 60),
        _ => format!("{}h{:02}m", whole / 3600, whole % 3600 / 60),
    }
}

/// The text for a case that should never happen.
pub fn bug() -> String {
    format!(
        "this is a bug in fde-infra, version {}; please report it with these lines",
        crate::version::VERSION
    )
}

#[cfg(test)]
mod fixtures;
#[cfg(test)]
mod tests;
