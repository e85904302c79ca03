//! The engine against an account in memory, on a paused clock: how long it takes, and what it makes of everything that
//! can go wrong.
//!
//! `FDE_INFRA_SEED=<seed> cargo test --test simulation -- stories --nocapture` hears one story again, call by call (so do
//! `storm`, `quiet` and `cancel`, each its own); `FDE_INFRA_SEEDS=<count>` has that many of them.

#![allow(
    clippy::expect_used,
    clippy::panic,
    clippy::print_stderr,
    clippy::print_stdout,
    clippy::unwrap_used,
    reason = "a test that cannot go on fails where it stands, and says what it saw"
)]

mod beside;
mod cancel;
mod critical_path;
mod found;
mod mutations;
mod oracle;
#[path = "../common/promise.rs"]
mod promise;
mod provider;
mod quiet;
mod run;
mod seeds;
mod stories;
mod storm;
mod story;
mod wanted;
