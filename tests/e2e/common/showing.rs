//! The row of a promise that a whole test shows.

use crate::promise::Shown;

/// Tells what a test has shown once it ends, however it ends.
pub struct Showing(Shown<'static>);

impl Showing {
    /// `runs` is the number of times that the promise is tried.
    pub fn of(promise: &'static str, what: &'static str, runs: usize) -> Self {
        Self(Shown {
            promise,
            level: "end to end",
            what,
            runs,
            seeds: None,
            failures: 0,
        })
    }
}

impl Drop for Showing {
    fn drop(&mut self) {
        let failures = usize::from(std::thread::panicking());
        Shown { failures, ..self.0 }.tell();
    }
}
