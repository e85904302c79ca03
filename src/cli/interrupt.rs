//! Ctrl-C and SIGTERM.
//!
//! They are heard on a thread of their own, since the rest may be blocked: by a file on a network drive that does not
//! answer, a pipe that has no writer, a reader that takes no more. As long as nothing has been changed there is nothing to
//! finish either, and the program ends without what is blocked.

use std::future::{Future, pending};
use std::sync::mpsc;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;

use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::watch;
use tokio::time::{Instant, sleep_until};

use super::Exit;
use super::report::Failure;
use crate::display::events::JsonEvent;
use crate::display::{ColorChoice, EventStream, Terminal};

/// The time that the program may take to end by itself after a signal. CI systems allow 7 s.
const PATIENCE: Duration = Duration::from_secs(3);

/// The time that it may take to say why it ends.
const FOR_WORDS: Duration = Duration::from_secs(1);

/// The signals that have been heard so far.
#[derive(Debug, Clone, Copy, Default)]
pub struct Signals {
    /// The number of signals.
    pub count: usize,
    /// The signal that was heard last.
    pub last: Option<&'static str>,
}

impl Signals {
    /// The event that tells of them.
    pub fn event(self) -> JsonEvent {
        JsonEvent::Interrupted {
            signal: match self.last {
                Some("^C") => "SIGINT".to_owned(),
                other => other.unwrap_or_default().to_owned(),
            },
            count: self.count,
        }
    }
}

/// The phase in which a signal finds the program.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Phase {
    /// Nothing has been changed.
    Reading,
    /// Changes are under way that have to be finished.
    Changing,
    /// Nothing may be begun any more.
    Ending,
}

/// Hears the signals that ask the program to end.
#[derive(Clone)]
pub struct Interrupts {
    heard: watch::Receiver<Signals>,
    phase: Arc<Mutex<Phase>>,
}

impl Interrupts {
    /// Starts to listen; from here on signals no longer end the program by themselves. `cancelled` is the exit status of a
    /// program that a signal has ended.
    pub fn listen(cancelled: Exit, color: ColorChoice, events: &EventStream) -> Self {
        let (sender, heard) = watch::channel(Signals::default());
        let phase = Arc::new(Mutex::new(Phase::Reading));
        let listener = Listener {
            sender,
            phase: Arc::clone(&phase),
            cancelled,
            color,
            events: events.clone(),
        };
        let (ready, is_ready) = mpsc::channel();
        let listening = thread::Builder::new()
            .name("signals".to_owned())
            .spawn(move || listener.listen(&ready));
        // Without a thread, signals keep their default effect: the program ends.
        if listening.is_ok() {
            // Nothing comes from a thread that has failed, and its end of the channel is gone.
            let _ = is_ready.recv();
        }
        Self { heard, phase }
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

    /// Says that something is about to be changed: from here on a signal ends nothing by force.
    ///
    /// # Errors
    /// [`Failure::cancelled`], if a signal came before.
    pub fn begin_changes(&self) -> Result<(), Failure> {
        let mut phase = lock(&self.phase);
        if self.count() > 0 || *phase == Phase::Ending {
            return Err(Failure::cancelled());
        }
        *phase = Phase::Changing;
        Ok(())
    }

    /// The signals that have been heard.
    pub fn heard(&self) -> Signals {
        *self.heard.borrow()
    }

    /// The number of signals that have been heard.
    pub fn count(&self) -> usize {
        self.heard.borrow().count
    }

    /// The next signal. Never returns if there will be none.
    pub async fn next(&mut self) -> Signals {
        match self.heard.changed().await {
            Ok(()) => *self.heard.borrow_and_update(),
            Err(_) => pending().await,
        }
    }

    /// Returns once more than `count` signals have been heard. Never returns if there will be none.
    pub async fn beyond(&self, count: usize) {
        let mut heard = self.heard.clone();
        if heard.wait_for(|heard| heard.count > count).await.is_err() {
            pending::<()>().await;
        }
    }
}

/// The thread that hears the signals.
struct Listener {
    sender: watch::Sender<Signals>,
    phase: Arc<Mutex<Phase>>,
    cancelled: Exit,
    color: ColorChoice,
    events: EventStream,
}

impl Listener {
    /// Listens to the end of the program.
    fn listen(&self, ready: &mpsc::Sender<()>) {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build();
        if let Ok(runtime) = runtime {
            runtime.block_on(self.hear(ready));
        }
    }

    async fn hear(&self, ready: &mpsc::Sender<()>) {
        // A signal that cannot be listened to keeps its default effect: the program ends.
        let mut interrupt = signal(SignalKind::interrupt()).ok();
        let mut terminate = signal(SignalKind::terminate()).ok();
        let _ = ready.send(());
        let mut end: Option<Instant> = None;
        loop {
            let name = tokio::select! {
                () = next(&mut interrupt) => "^C",
                () = next(&mut terminate) => "SIGTERM",
                () = sleep_until(end.unwrap_or_else(Instant::now)), if end.is_some() => {
                    self.end();
                    end = None;
                    continue;
                }
            };
            self.sender.send_modify(|heard| {
                heard.count += 1;
                heard.last = Some(name);
            });
            end.get_or_insert_with(|| Instant::now() + PATIENCE);
        }
    }

    /// Ends the program, unless it is at work on something.
    fn end(&self) {
        {
            let mut phase = lock(&self.phase);
            if *phase == Phase::Changing {
                return;
            }
            *phase = Phase::Ending;
        }
        let (said, is_said) = mpsc::channel();
        let color = self.color;
        let (events, cancelled) = (self.events.clone(), self.cancelled);
        let heard = *self.sender.borrow();
        // The stream that the words go to may be the one that is blocked.
        let saying = thread::Builder::new().spawn(move || {
            let mut terminal = Terminal::new(color).with_events(&events);
            terminal.leave_question();
            terminal.event(&heard.event());
            Failure::cancelled().report(&mut terminal);
            // The program ends without those who cannot be told.
            drop(terminal.end_events(cancelled.ending()));
            let _ = said.send(());
        });
        if saying.is_ok() {
            let _ = is_said.recv_timeout(FOR_WORDS);
        }
        std::process::exit(self.cancelled.status().into());
    }
}

/// The next signal of a kind. Never returns if there will be none.
async fn next(signal: &mut Option<Signal>) {
    if let Some(signal) = signal
        && signal.recv().await.is_some()
    {
        return;
    }
    pending::<()>().await;
}

fn lock(phase: &Mutex<Phase>) -> MutexGuard<'_, Phase> {
    phase.lock().unwrap_or_else(PoisonError::into_inner)
}
