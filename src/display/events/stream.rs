//! The stream itself: one line for each event, the first and the last one among them, whatever happens in between.

use std::io::{self, Write};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, UNIX_EPOCH};

use serde::Serialize;

use super::super::sanitize;
use super::model::{JsonChanges, JsonEvent, JsonSummary, VERSION, rounded};
use crate::deployment::moment;

/// The stream of a run. Off unless it is begun; all copies are of one stream.
///
/// Several threads write to it: the one that works, the one that hears signals, and one that panics. Each line is written
/// as a whole, and none comes after the last one.
#[derive(Clone)]
pub struct EventStream {
    /// The time since 1970.
    clock: fn() -> Duration,
    state: Arc<Mutex<State>>,
}

#[derive(Default)]
struct State {
    phase: Phase,
    begun: Duration,
    /// The error that kept a line from being written. A reader that has gone away is none.
    failed: Option<io::Error>,
    interrupted: bool,
    changes: JsonChanges,
    /// Commands that errors advise, and those that warnings advise.
    next: [Vec<String>; 2],
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
enum Phase {
    #[default]
    Off,
    On,
    Ended,
}

/// The end of the program.
#[derive(Debug, Clone, Copy)]
pub struct Ending {
    pub result: &'static str,
    pub exit_code: u8,
    pub is_success: bool,
}

#[derive(Serialize)]
struct Stamped<'a> {
    time: String,
    #[serde(flatten)]
    event: &'a JsonEvent,
}

impl EventStream {
    pub fn new(clock: fn() -> Duration) -> Self {
        Self {
            clock,
            state: Arc::default(),
        }
    }

    /// A stream that stays off.
    pub fn off() -> Self {
        Self::new(|| Duration::ZERO)
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Returns whether events are wanted.
    pub fn is_on(&self) -> bool {
        self.lock().phase != Phase::Off
    }

    /// Begins the stream, with its first event.
    pub fn begin(&self, command: &str, out: &mut dyn Write) {
        let mut state = self.lock();
        if state.phase == Phase::Off {
            state.phase = Phase::On;
            state.begun = (self.clock)();
            let event = JsonEvent::Start {
                version: VERSION,
                tool_version: crate::version::VERSION,
                command: command.to_owned(),
            };
            self.write(&mut state, &event, out);
        }
    }

    /// Writes an event, if events are wanted.
    pub fn send(&self, event: &JsonEvent, out: &mut dyn Write) {
        let mut state = self.lock();
        if state.phase != Phase::On {
            return;
        }
        match event {
            JsonEvent::Diagnostic(diagnostic) => {
                let next = &mut state.next[usize::from(diagnostic.severity != "error")];
                for command in &diagnostic.commands {
                    if !next.contains(command) {
                        next.push(command.clone());
                    }
                }
            }
            JsonEvent::Interrupted { .. } => state.interrupted = true,
            _ => {}
        }
        self.write(&mut state, event, out);
    }

    /// Keeps what the run has come to, for the last event.
    pub fn set_changes(&self, changes: JsonChanges) {
        self.lock().changes = changes;
    }

    /// Keeps the command that goes on with a run that has stopped.
    pub fn set_next(&self, command: String) {
        let mut state = self.lock();
        if !state.next[0].contains(&command) {
            state.next[0].push(command);
        }
    }

    /// Returns whether an interruption has been told.
    pub fn is_interrupted(&self) -> bool {
        self.lock().interrupted
    }

    /// Ends the stream, with its last event.
    ///
    /// # Errors
    /// The error that kept this or an earlier line from being written: a reader must not take part of it for all.
    pub fn end(&self, ending: Ending, out: &mut dyn Write) -> io::Result<()> {
        let mut state = self.lock();
        if state.phase != Phase::On {
            return Ok(());
        }
        let [of_errors, of_warnings] = std::mem::take(&mut state.next);
        let next = match ending.is_success {
            true => Vec::new(),
            false if of_errors.is_empty() => of_warnings,
            false => of_errors,
        };
        let summary = JsonEvent::Summary(JsonSummary {
            result: ending.result,
            exit_code: ending.exit_code,
            seconds: rounded((self.clock)().saturating_sub(state.begun)),
            changes: std::mem::take(&mut state.changes),
            next,
        });
        self.write(&mut state, &summary, out);
        state.phase = Phase::Ended;
        state.failed.take().map_or(Ok(()), Err)
    }

    /// Writes one line, with the time.
    fn write(&self, state: &mut State, event: &JsonEvent, out: &mut dyn Write) {
        let stamped = Stamped {
            time: precise((self.clock)()),
            event,
        };
        let written = serde_json::to_string(&stamped)
            .map_err(io::Error::from)
            .and_then(|text| {
                let line = sanitize::json(&text) + "\n";
                out.write_all(line.as_bytes()).and_then(|()| out.flush())
            });
        if let Err(error) = written
            && error.kind() != io::ErrorKind::BrokenPipe
        {
            state.failed.get_or_insert(error);
        }
    }
}

/// A time since 1970, in UTC, to the millisecond: `2026-01-31T09:15:00.250Z`.
fn precise(since_1970: Duration) -> String {
    let whole = moment::utc(UNIX_EPOCH + since_1970);
    let whole = whole.trim_end_matches('Z');
    format!("{whole}.{:03}Z", since_1970.subsec_millis())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::display::Message;
    use crate::display::events::diagnostic;

    const DONE: Ending = Ending {
        result: "succeeded",
        exit_code: 0,
        is_success: true,
    };
    const FAILED: Ending = Ending {
        result: "failed",
        exit_code: 4,
        is_success: false,
    };

    fn stream() -> EventStream {
        EventStream::new(|| Duration::from_millis(1_769_850_900_250))
    }

    fn lines(written: &[u8]) -> Vec<serde_json::Value> {
        let text = std::str::from_utf8(written).expect("text");
        let lines = text.lines().map(serde_json::from_str);
        lines.collect::<Result<_, _>>().expect("each line is JSON")
    }

    #[test]
    fn the_first_and_the_last_are_there_once() {
        let (stream, mut out) = (stream(), Vec::new());
        let note = JsonEvent::Note {
            text: "x".into(),
            commands: Vec::new(),
        };
        stream.send(&note, &mut out);
        assert!(out.is_empty() && !stream.is_on());
        stream.begin("up", &mut out);
        stream.begin("up", &mut out);
        stream.send(&note, &mut out);
        for _ in 0..2 {
            stream.end(DONE, &mut out).expect("it can be written");
        }
        stream.send(&note, &mut out);
        let lines = lines(&out);
        let words = |key: &str| {
            lines
                .iter()
                .map(|line| line[key].clone())
                .collect::<Vec<_>>()
        };
        assert_eq!(words("event"), ["start", "note", "summary"]);
        assert_eq!(words("time"), ["2026-01-31T09:15:00.250Z"; 3]);
        assert_eq!(
            (&lines[0]["version"], &lines[2]["exitCode"]),
            (&1.into(), &0.into())
        );
    }

    /// Foreign text ends no line, moves no cursor and gives a CI system no orders.
    #[test]
    fn texts_are_harmless_and_mean_the_same() {
        let (stream, mut out) = (stream(), Vec::new());
        stream.begin("up", &mut out);
        let text = "a\nb\r::error::x ##[group]\u{1b}[31m\u{202e}";
        stream.send(
            &JsonEvent::Note {
                text: text.into(),
                commands: Vec::new(),
            },
            &mut out,
        );
        assert_eq!(lines(&out)[1]["text"], text);
        let written = String::from_utf8(out).expect("text");
        assert_eq!(sanitize::tests::danger(&written), None);
    }

    #[test]
    fn the_last_one_says_what_to_run_next() {
        let next = |ending, messages: &[Message]| {
            let (stream, mut out) = (stream(), Vec::new());
            stream.begin("up", &mut out);
            for message in messages {
                stream.send(&diagnostic(message), &mut out);
            }
            stream.end(ending, &mut out).expect("it can be written");
            lines(&out).pop().expect("a last line")["next"].clone()
        };
        let error = Message::error("x").command("fde-infra up dev");
        let warning = Message::warning("y").command("fde-infra unlock dev");
        let of_error = serde_json::json!(["fde-infra up dev"]);
        let all = [warning.clone(), error.clone(), error];
        assert_eq!(next(FAILED, &all), of_error);
        let of_warning = serde_json::json!(["fde-infra unlock dev"]);
        assert_eq!(next(FAILED, std::slice::from_ref(&warning)), of_warning);
        assert_eq!(next(DONE, &[warning]), serde_json::json!([]));
    }

    /// A writer that takes nothing more.
    struct Broken(io::ErrorKind);

    impl Write for Broken {
        fn write(&mut self, _: &[u8]) -> io::Result<usize> {
            Err(self.0.into())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn lost_lines_are_told_and_a_reader_may_go() {
        for (kind, is_lost) in [
            (io::ErrorKind::StorageFull, true),
            (io::ErrorKind::BrokenPipe, false),
        ] {
            let stream = stream();
            stream.begin("up", &mut Broken(kind));
            assert_eq!(stream.end(DONE, &mut Vec::new()).is_err(), is_lost);
        }
    }
}
