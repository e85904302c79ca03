//! The renewal of a lease while a run goes on.

use tokio::sync::watch;
use tokio::task::JoinHandle;

use super::lock_reports::lost;
use crate::cli::session::Session;
use crate::deployment::{Hold, Lock};
use crate::display::Message;

/// Renews the lease of a run, in a task of its own: a slow reader of the output keeps the run waiting, and not its lock.
pub(super) struct Keeper {
    end: watch::Sender<bool>,
    keeping: JoinHandle<Box<Hold>>,
    /// Messages to be shown at once.
    pub(super) notices: watch::Receiver<Option<Message>>,
}

impl Keeper {
    pub(super) fn begin(session: &Session, mut hold: Box<Hold>) -> Self {
        let aws = session.provider.shared_context();
        let stack = session.offline.graph.stack.clone();
        let (end, ended) = watch::channel(false);
        let (notice, notices) = watch::channel(None);
        let keeping = tokio::spawn(async move {
            Lock::of(&stack, &*aws).keep(&mut hold, ended).await;
            if let Some(loss) = &hold.lost {
                notice.send_replace(Some(lost(loss)));
            }
            hold
        });
        Self {
            end,
            keeping,
            notices,
        }
    }

    /// The hold as it is now. `None` if the task broke off, which only a bug can cause: then the lease runs out.
    pub(super) async fn end(self) -> Option<Box<Hold>> {
        self.end.send_replace(true);
        self.keeping.await.ok()
    }
}
