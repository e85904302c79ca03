//! The evidence of a test for a safety promise: a line on standard output, and a row of the table in `docs/promises.md`.

use std::fmt;
use std::fs::OpenOptions;
use std::io::Write;

/// The file that rows are added to; `.ci/promises` sets it, and makes the table of them.
const TABLE: &str = "FDE_INFRA_PROMISES";

/// One way in which a promise was put to the test.
#[derive(Debug, Clone, Copy)]
pub struct Shown<'a> {
    /// `R1`
    pub promise: &'a str,
    /// `simulation`, `lab`, or `end to end`.
    pub level: &'a str,
    /// The action that was tried: `killed at every tenth call of up`.
    pub what: &'a str,
    /// The number of times.
    pub runs: usize,
    /// The number of different seeds, where chance had a part.
    pub seeds: Option<usize>,
    pub failures: usize,
}

impl Shown<'_> {
    /// Says it, before the test judges it.
    pub fn tell(&self) {
        println!("{self}");
        let Some(path) = std::env::var_os(TABLE) else {
            return;
        };
        let Self {
            promise,
            level,
            what,
            runs,
            failures,
            ..
        } = self;
        let seeds = self
            .seeds
            .map_or_else(String::new, |seeds| seeds.to_string());
        let row = format!("{promise}\t{level}\t{what}\t{runs}\t{seeds}\t{failures}\n");
        let file = OpenOptions::new().create(true).append(true).open(path);
        // One write, so that rows of tests that run at once do not mix.
        let written = file.and_then(|mut file| file.write_all(row.as_bytes()));
        written.expect("the table of promises can be written");
    }
}

impl fmt::Display for Shown<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            promise,
            level,
            what,
            runs,
            failures,
            ..
        } = self;
        write!(formatter, "{promise} | {level} | {what} | {runs} runs")?;
        if let Some(seeds) = self.seeds {
            write!(formatter, ", {seeds} seeds")?;
        }
        write!(formatter, " | {failures} failures")
    }
}
