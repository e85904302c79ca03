//! Cancelling: the first request is graceful, the second takes effect at once.

use tokio::sync::watch;

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Level {
    Run,
    Stop,
    LetGo,
}

/// Asks a run to end. All clones refer to the same run.
#[derive(Debug, Clone)]
pub struct Cancel {
    level: watch::Sender<Level>,
}

impl Default for Cancel {
    fn default() -> Self {
        Self {
            level: watch::Sender::new(Level::Run),
        }
    }
}

impl Cancel {
    /// Starts nothing new and waits for what is under way, but not for long. A second request lets it go at once.
    pub fn request(&self) {
        self.level.send_modify(|level| {
            *level = match level {
                Level::Run => Level::Stop,
                Level::Stop | Level::LetGo => Level::LetGo,
            };
        });
    }

    pub fn is_requested(&self) -> bool {
        *self.level.borrow() >= Level::Stop
    }

    /// Returns once the run has been asked to end.
    pub async fn requested(&self) {
        self.reached(Level::Stop).await;
    }

    /// Returns once the run has been asked twice.
    pub async fn let_go(&self) {
        self.reached(Level::LetGo).await;
    }

    async fn reached(&self, level: Level) {
        let mut receiver = self.level.subscribe();
        // The sender lives as long as `self`, so this cannot fail before the level is reached.
        let _ = receiver.wait_for(|now| *now >= level).await;
    }
}
