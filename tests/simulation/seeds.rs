//! Many seeds, on all processors, each with a clock of its own.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;

/// Runs a future by itself, on a paused clock that begins now: told again, it takes the same course.
pub fn alone<T>(future: impl Future<Output = T>) -> T {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .start_paused(true)
        .build();
    runtime.expect("a runtime can be made").block_on(future)
}

/// What `tell` makes of each seed, in the order of the seeds.
pub fn each<T: Send>(
    seeds: std::ops::Range<u64>,
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
