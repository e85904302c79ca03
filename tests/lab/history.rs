//! An account as it was a while ago: AWS answers reads from a copy that lags.

use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::{Duration, Instant};

use crate::account::Account;

/// Forks of an account, made one after the other for as long as this value exists.
pub struct History {
    lag: Duration,
    /// With the time when each was made, oldest first. The first one is of before the run.
    forks: Mutex<Vec<(Instant, Account)>>,
}

impl History {
    /// Begins to record an account that is to show itself as it was this long ago.
    pub fn of(account: &Account, lag: Duration) -> Arc<Self> {
        /// A tenth of the lag says "so long ago" well enough, and not too many forks are kept.
        const FINENESS: u32 = 10;
        const FINEST: Duration = Duration::from_millis(100);
        let history = Arc::new(Self {
            lag,
            forks: Mutex::new(vec![(Instant::now(), account.fork())]),
        });
        let recorded: Weak<Self> = Arc::downgrade(&history);
        let endpoint = account.endpoint.clone();
        std::thread::spawn(move || {
            loop {
                std::thread::sleep((lag / FINENESS).max(FINEST));
                let Some(history) = recorded.upgrade() else {
                    break;
                };
                history.record(&endpoint);
            }
        });
        history
    }

    fn record(&self, endpoint: &str) {
        let fork = (Instant::now(), Account::fork_of(endpoint));
        let mut forks = self.forks.lock().unwrap_or_else(PoisonError::into_inner);
        forks.push(fork);
        // A fork older than the newest that is old enough is of no use any more.
        let old_enough = forks.iter().filter(|(made, _)| made.elapsed() > self.lag);
        let useless = old_enough.count().saturating_sub(1);
        let ended: Vec<_> = forks.drain(..useless).collect();
        drop(forks);
        drop(ended);
    }

    /// The endpoint of the account as it was.
    pub fn endpoint(&self) -> String {
        let forks = self.forks.lock().unwrap_or_else(PoisonError::into_inner);
        let old_enough = forks
            .iter()
            .rev()
            .find(|(made, _)| made.elapsed() > self.lag);
        let (_, account) = old_enough.unwrap_or(&forks[0]);
        account.endpoint.clone()
    }
}
