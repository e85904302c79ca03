//! `up --json` and `destroy --json`: a run as a stream of events, one JSON object per line.
//!
//! [`model`] has the events, in types for the stream alone, so that the inner ones stay free to change; [`stream`] puts them
//! on their way and sees to it that the first and the last are there. `docs/events.md` describes each of them for users.

mod model;
mod stream;

pub use model::{
    JsonChanges, JsonEvent, changes, diagnostic, happened, lock_state, lock_waiting, of_plan,
    outputs,
};
pub use stream::{Ending, EventStream};
