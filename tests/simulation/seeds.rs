//! Many seeds, on all processors, each with a clock of its own.

use std::ops::Range;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;

use fde_infra::testing::FakeAccount;

/// Names the one seed that is to be heard again, call by call.
const SEED: &str = "FDE_INFRA_SEED";

/// The number that a variable of the environment holds.
pub fn number(variable: &str) -> Option<u64> {
    let text = std::env::var(variable).ok()?;
    let number = text.parse();
    Some(number.unwrap_or_else(|_| panic!("{variable} is a number")))
}

/// The range of this number of seeds, or the one that is to be run again.
pub fn up_to(count: u64) -> Range<u64> {
    number(SEED).map_or(0..count, |seed| seed..seed + 1)
}

/// A test of one seed, for hearing its story again.
pub struct Recorder<'a> {
    pub seed: u64,
    /// The filter by which `cargo test` finds it.
    pub filter: &'a str,
    /// The call that a test in `found.rs` makes to hear the same.
    pub call: String,
}

impl Recorder<'_> {
    /// Adds to what did not hold everything that led there, and how to hear it again.
    pub fn end<T>(&self, account: &FakeAccount, ended: Result<T, String>) -> Result<T, String> {
        let Self { seed, filter, call } = self;
        if std::env::var_os(SEED).is_some() {
            println!("{}", account.journal().join("\n"));
        }
        ended.map_err(|what| {
            let journal = account.journal().join("\n");
            format!(
                "{what}\n\n{journal}\n\n{what}\n\n\
                 to hear it again: {SEED}={seed} cargo test --test simulation -- {filter} --nocapture\n\
                 to keep it, in tests/simulation/found.rs:\n\n\
                 #[test]\nfn {filter}_{seed}() {{\n    \
                 alone({call}).unwrap_or_else(|told| panic!(\"{{told}}\"));\n}}\n"
            )
        })
    }
}

/// Runs a future by itself, on a paused clock that begins now: told again, it takes the same course.
pub fn alone<T>(future: impl Future<Output = T>) -> T {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .start_paused(true)
        .build();
    runtime.expect("a runtime can be made").block_on(future)
}

/// The result of `tell` for each seed, in the order of the seeds.
pub fn each<T: Send>(
    seeds: Range<u64>,
    tell: impl Fn(u64) -> Result<T, String> + Sync,
) -> Vec<(u64, Result<T, String>)> {
    let next = AtomicU64::new(seeds.start);
    let told = Mutex::new(Vec::new());
    let threads = thread::available_parallelism().map_or(1, usize::from);
    thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| {
                loop {
                    let seed = next.fetch_add(1, Ordering::Relaxed);
                    if seed >= seeds.end {
                        break;
                    }
                    let result = catch_unwind(AssertUnwindSafe(|| tell(seed)))
                        .unwrap_or_else(|_| Err(format!("seed {seed} panicked")));
                    told.lock().expect("nobody panics").push((seed, result));
                }
            });
        }
    });
    let mut told = told.into_inner().expect("nobody panics");
    told.sort_by_key(|(seed, _)| *seed);
    told
}
