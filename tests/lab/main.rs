//! The lab: the program itself, a proxy that numbers its calls and makes some of them go wrong, and a local account behind
//! it. The outcome is read from the account, never from the program.
//!
//! `cargo test --test lab -- --nocapture` takes samples; `FDE_INFRA_LAB=1` takes every call there is, and takes hours.
//! `FDE_INFRA_LAB_PROGRAM` names another build of the program than the one that was built with the tests.
//!
//! Start reading at [`world`]: a run of the program in an account of its own, and what must hold after it.

#![allow(
    clippy::expect_used,
    clippy::panic,
    clippy::print_stderr,
    clippy::print_stdout,
    clippy::unwrap_used,
    reason = "a test that cannot go on fails where it stands, and says what it saw"
)]

mod account;
mod answers;
mod api_faults;
mod attempts;
mod cancel;
mod contents;
mod cost;
mod credentials;
mod crowd;
mod fault;
mod history;
#[path = "../common/http.rs"]
#[allow(dead_code, reason = "the end-to-end tests use the rest")]
mod http;
mod inventory;
mod job;
mod kill;
mod phrases;
#[path = "../common/promise.rs"]
mod promise;
#[path = "../common/proxy/mod.rs"]
#[allow(
    dead_code,
    unused_imports,
    reason = "the end-to-end tests use the rest"
)]
mod proxy;
#[path = "../e2e/common/sdk.rs"]
#[allow(dead_code, reason = "the end-to-end tests use the rest")]
mod sdk;
mod stale;
mod together;

mod world;

/// The region in which the tests run. Spain is where the platform runs.
pub const REGION: &str = "eu-south-2";
