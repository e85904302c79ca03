//! `fde-infra`: Pulumi-style infrastructure as code for the HappyRobot FDE platform, with live AWS as its only state.
//!
//! ```text
//! stack YAML ─ stack::load ─▶ Stack ─ component::stack_graph ─▶ ResourceGraph ─┐
//!                                                                              ├─ plan::build ─▶ Plan ─ execute::run ─▶ Events + Outcome
//!                              AWS ─ live::read_with ─▶ LiveSnapshot ──────────┘                   │                        │
//!                                                                                          display::preview        display::progress
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
//! | [`fingerprint`] | hashes of what a plan was made from, to which a saved plan is bound | what becomes of a plan that no longer fits |
//! | [`execute`] | running steps, concurrency, cancelling, events | what the steps mean |
//! | [`aws`] | every SDK call, retry, waiting, tags; one file per resource type | plans, terminals |
//! | [`display`] | events and plans into text; one small writer at the end | providers |
//! | [`deployment`] | who works on a stack, who did, and what runs have made: lock, run and history (three SSM parameters) | what a run does |
//! | [`sandbox`] | a local AWS account: starting it, and filling its gaps | everything else |
//! | [`facts`] | AWS's own resource types, from the schemas of its registry | what a stack makes of them |
//! | [`regular_file`] | reading files: regular ones, of bounded size, without waiting | which files |
//!
//! # Invariants
//!
//! - A room knows the rooms below it and none above; the list is in `tests/tidy.rs`. No files use each other in a circle,
//!   but for those that are listed there with a reason.
//! - The pure rooms (`stack component graph resource plan`, and `display` except for its writer) have no `async`, clock,
//!   environment or files. [`resource::session`] alone holds a cell that is filled once, for the providers.
//! - [`stack`] knows the form of a section, and is handed the list of those there are; [`component`] has it. A section sees
//!   of another what its `mod.rs` hands out.
//! - Planning is a function of graph, snapshot and request: same input, same plan, byte for byte.
//! - Of what is wanted and what is there, the executor is given the plan alone.
//! - Nothing outside [`aws`] names a type of the SDK; nothing outside [`sandbox`] knows what the local account is made of.
//! - The environment of the process is read in the few files that `tests/tidy.rs` lists.
//! - Identity is the [`resource::Urn`], everywhere.
//! - AccessDenied is an error, never "absent"; so is an answer without what AWS always sends.
//! - What exists is read from AWS alone. The record of [`deployment`] decides one thing, which of it is ours
//!   ([`resource::Proof`]): tags are a claim, and where the record does not bear them out, nothing is touched. The lock is a
//!   courtesy: a run is correct without it.
//!
//! # Deliberately absent
//!
//! No state file: ownership tags are part of the create call, and the record holds hashes that only prove them. No rollback:
//! forward only. No plugins: a resource type is a file in [`aws`] and a line in its registry, or one of those of AWS that go
//! through Cloud Control as [`facts`] describes them.

pub mod aws;
pub mod cli;
pub mod component;
pub mod deployment;
pub mod display;
pub mod execute;
pub mod facts;
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
