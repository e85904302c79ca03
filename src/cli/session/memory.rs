//! The record of earlier runs as a command knows it: read once there is anything to be done, since it proves what is ours.

use std::sync::{MutexGuard, PoisonError};
use std::time::Duration;

use tokio::time::{Instant, timeout};

use super::{Remembered, Session, whereabouts};
use crate::cli::report::Failure;
use crate::cli::{Invocation, report};
use crate::deployment::{History, Whereabouts};
use crate::display::seconds;
use crate::live;
use crate::plan::Request;
use crate::resource::{ErrorKind, LastRun, LiveSnapshot, Proof, Provider, ProviderError};

/// The time that reading the record may take.
const FOR_RECORD: Duration = Duration::from_secs(10);

impl Session {
    /// Sorts the live objects by the record of earlier runs. Where the record cannot be read, nothing is proven.
    ///
    /// The record is read after the live objects: whatever a run has made by then, it has announced.
    pub async fn proven(
        &self,
        invocation: &mut Invocation,
        live: &LiveSnapshot,
        request: &Request,
    ) -> Result<LiveSnapshot, Failure> {
        if live.proof != Proof::Unknown && live.claimed.is_empty() {
            return Ok(live.clone());
        }
        let asking = timeout(FOR_RECORD, self.remember());
        let asked = invocation.interrupts.guard(asking).await?;
        let read = asked.unwrap_or_else(|_| {
            let text = format!("no answer within {}", seconds(FOR_RECORD));
            let kind = ErrorKind::TimedOut;
            Err(ProviderError::new(kind, "ssm:GetParameters", text))
        });
        let (proof, left, unread) = match read {
            Ok(whereabouts) => (whereabouts.proof, whereabouts.left, None),
            Err(error) => (Proof::nothing(), LastRun::default(), Some(error)),
        };
        let proof = proof.trusting(&request.trust);
        self.provider.context().go_by(&proof);
        let graph = &self.offline.graph;
        let mut proven = live::sorted_again(live, graph, self.provider.catalog(), proof);
        proven.last_run = left;
        if let Some(error) = unread.filter(|_| !proven.claimed.is_empty()) {
            report::show(&[whereabouts::unproven(&error)], &mut invocation.terminal);
        }
        Ok(proven)
    }

    /// Reads the record of earlier runs.
    pub async fn remember(&self) -> Result<Whereabouts, ProviderError> {
        let stack = &self.offline.graph.stack;
        let history = History::of(stack, self.provider.context());
        let read = history.whereabouts().await;
        let remembered = read.as_ref().ok().map(|whereabouts| Remembered {
            whereabouts: whereabouts.clone(),
            read_at: Instant::now(),
        });
        *self.memory() = remembered;
        read
    }

    /// The last reading of the record of earlier runs; `None` where it could not be read.
    pub fn remembered(&self) -> Option<Remembered> {
        self.memory().clone()
    }

    fn memory(&self) -> MutexGuard<'_, Option<Remembered>> {
        self.remembered
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}
