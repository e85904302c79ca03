//! The engine against an account in memory, on a paused clock: how long it takes, and what it makes of everything that
//! can go wrong.

#![allow(
    clippy::expect_used,
    clippy::panic,
    clippy::print_stderr,
    clippy::print_stdout,
    clippy::unwrap_used,
    reason = "a test that cannot go on fails where it stands, and says what it saw"
)]

mod critical_path;
#[path = "../common/promise.rs"]
mod promise;
mod story;
mod teeth;
