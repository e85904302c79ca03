//! `fde-infra`: Pulumi-style infrastructure as code for the HappyRobot FDE platform, with live AWS as its only state.
//!
//! ```text
//! stack YAML ─ stack::parse ─▶ Stack ─ component::expand ─▶ ResourceGraph ─┐
//!                                                                          ├─ plan::build ─▶ Plan ─ execute::run ─▶ Events + Outcome
//!                               AWS ─ live::read ─▶ LiveSnapshot ──────────┘                    │                        │
//!                                                                                      display::preview       display::progress
//! ```
//!
//! Everything up to the [`plan::Plan`] is the same for `preview` and `up`, so what was shown is what runs.
//!
//! | room | what it is for | what it leaves to others |
//! |---|---|---|
//! | [`cli`] | arguments, wiring, exit status, turning errors into reports | decisions |
//! | [`stack`] | YAML text into spanned values, every problem at once | AWS, graph |
//! | [`component`] | author-level building blocks into resources | AWS calls, ordering |
//! | [`graph`] | unique URNs, resolved references, no cycles | where it came from |
//! | [`resource`] | the shared words: `Urn`, `Value`, `Schema`, `Diff`, `Catalog`, the `Provider` trait | concrete types |
//! | [`live`] | which of our objects exist in AWS now | what should exist |
//! | [`plan`] | which steps, in which order, and because of what | time, network, YAML, SDK |
//! | [`execute`] | running steps, concurrency, cancelling, events | what the steps mean |
//! | [`aws`] | every SDK call, retry, waiting, tags; one file per resource type | plans, terminals |
//! | [`display`] | events and plans into text; one small writer at the end | providers |
//! | [`deployment`] | who works on a stack, who did, and what runs have made: lock, run and history (three SSM parameters) | what a run does |
//! | [`sandbox`] | a local AWS account: starting it, and filling its gaps | everything else |
//! | [`regular_file`] | reading files: regular ones, of bounded size, without waiting | which files |
//!
//! # Invariants
//!
//! - The pure rooms (`stack component graph resource plan`, and `display` except for its writer) have no `async`, clock,
//!   environment or files. [`resource::session`] alone holds a cell that is filled once, for the providers.
//! - Planning is a function of graph and snapshot: same input, same plan, byte for byte.
//! - The plan is the only thing the executor is given.
//! - Nothing outside [`aws`] names an SDK type; nothing outside [`sandbox`] knows that a local account exists.
//! - Identity is the [`resource::Urn`], everywhere.
//! - AccessDenied is an error, never "absent"; so is an answer without what AWS always sends.
//! - What exists is read from AWS alone. The record of [`deployment`] decides one thing, which of it is ours
//!   ([`resource::Proof`]): tags are a claim, and where the record does not bear them out, nothing is touched. The lock is a
//!   courtesy: a run is correct without it.
//!
//! # Deliberately absent
//!
//! No state file: ownership tags are part of the create call, and the record holds hashes that only prove them. No rollback:
//! forward only. No plugins: a resource type is a file in [`aws`] and a line in its registry.

pub mod aws;
pub mod cli;
pub mod component;
pub mod deployment;
pub mod display;
pub mod execute;
pub mod fingerprint;
pub mod graph;
pub mod live;
pub mod plan;
pub mod regular_file;
pub mod resource;
pub mod sandbox;
pub mod stack;
#[doc(hidden)]
pub mod testing;
pub mod version;
