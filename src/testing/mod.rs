//! A world to test the engine in: an account in memory, and stacks made from a seed.
//!
//! Part of the library so that property tests, simulation and benchmarks share it; nothing in the product uses it.

pub mod fake;
pub mod faults;
pub mod foreign_actor;
pub mod generate;
pub mod parameters;
pub mod random;
pub mod visibility;

pub use fake::FakeAccount;
pub use foreign_actor::ForeignActor;
pub use parameters::FakeStore;
pub use random::Random;
pub use visibility::{Lag, Staleness};
