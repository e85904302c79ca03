//! The lab: the program itself, a proxy that numbers its calls and makes some of them go wrong, and a local account behind
//! it. What came of it is asked of the account, never of the program.
//!
//! `cargo test --test lab -- --nocapture` kills at every tenth call of the reference stack; `FDE_INFRA_LAB=1` at every one.

#![allow(
    clippy::expect_used,
    clippy::panic,
    clippy::print_stderr,
    clippy::print_stdout,
    clippy::unwrap_used,
    reason = "a test that cannot go on fails where it stands, and says what it saw"
)]

mod account;
mod kill;
#[path = "../common/promise.rs"]
mod promise;
mod proxy;
