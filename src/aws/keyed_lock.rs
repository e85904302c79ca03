//! Turns with objects that take one change at a time (`aws-resources.md` §1.3). AWS refuses a second, concurrent change, or
//! loses the first; waiting here costs neither a failed call nor a pause.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::OwnedMutexGuard;

/// One queue per object that has been changed.
#[derive(Default)]
pub struct KeyedLocks {
    queues: Mutex<HashMap<String, Arc<tokio::sync::Mutex<()>>>>,
}

impl KeyedLocks {
    /// Waits for all earlier callers, and holds the turn until the guard is dropped.
    pub async fn take(&self, object: &str) -> OwnedMutexGuard<()> {
        let queue = {
            let mut queues = self.queues.lock().unwrap_or_else(PoisonError::into_inner);
            Arc::clone(queues.entry(object.to_owned()).or_default())
        };
        queue.lock_owned().await
    }
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt;

    use super::*;

    #[tokio::test]
    async fn turns_are_kept_apart_by_object() {
        let turns = KeyedLocks::default();
        let first = turns.take("a").await;
        let _other = turns.take("b").await;
        assert!(turns.take("a").now_or_never().is_none());
        drop(first);
        assert!(turns.take("a").now_or_never().is_some());
    }
}
