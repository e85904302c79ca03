//! Ctrl-C and SIGTERM.

use std::future::Future;

use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::watch;

use super::report::Failure;

/// What has been heard so far.
#[derive(Debug, Clone, Copy, Default)]
pub struct Heard {
    /// How often.
    pub count: usize,
    /// What was heard last.
    pub last: Option<&'static str>,
}

/// Hears the signals that ask the program to end.
#[derive(Clone)]
pub struct Interrupts {
    heard: watch::Receiver<Heard>,
}

impl Interrupts {
    /// Starts to listen; from here on signals no longer end the program by themselves.
    pub fn listen() -> Self {
        let (sender, heard) = watch::channel(Heard::default());
        let forward = |name: &'static str, mut signal: Signal, sender: watch::Sender<Heard>| async move {
            while signal.recv().await.is_some() {
                sender.send_modify(|heard| {
                    heard.count += 1;
                    heard.last = Some(name);
                });
            }
        };
        for (name, kind) in [
            ("^C", SignalKind::interrupt()),
            ("SIGTERM", SignalKind::terminate()),
        ] {
            // Where a signal cannot be listened to, it keeps its default effect: the program ends.
            if let Ok(signal) = signal(kind) {
                tokio::spawn(forward(name, signal, sender.clone()));
            }
        }
        Self { heard }
    }

    /// Runs something that changes nothing: the first signal ends it at once.
    ///
    /// # Errors
    /// [`Failure::cancelled`].
    pub async fn guard<T>(&self, work: impl Future<Output = T>) -> Result<T, Failure> {
        let mut heard = self.heard.clone();
        tokio::select! {
            biased;
            Ok(_) = heard.wait_for(|heard| heard.count > 0) => Err(Failure::cancelled()),
            done = work => Ok(done),
        }
    }

    /// How often a signal has been heard.
    pub fn count(&self) -> usize {
        self.heard.borrow().count
    }

    /// The next signal. Never returns if there will be none.
    pub async fn next(&mut self) -> Heard {
        match self.heard.changed().await {
            Ok(()) => *self.heard.borrow_and_update(),
            Err(_) => std::future::pending().await,
        }
    }

    /// Returns once more than so many signals have been heard. Never returns if there will be none.
    pub async fn beyond(&self, count: usize) {
        let mut heard = self.heard.clone();
        if heard.wait_for(|heard| heard.count > count).await.is_err() {
            std::future::pending::<()>().await;
        }
    }
}
