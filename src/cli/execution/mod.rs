//! Running a plan in front of an audience: progress, signals, and the end.
//!
//! Begin with [`agreement::agree`], which leads from a plan to a [`locked_run::LockedRun`]; [`execute()`] is its middle and
//! [`finish`] its end.

pub mod agreement;
mod keeper;
mod lock_reports;
pub mod locked_run;
pub mod terms;

use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use tokio::sync::mpsc::unbounded_channel;
use tokio::sync::watch;

use crate::cli::interrupt::Signals;
use crate::cli::report::show;
use crate::cli::session::{Offline, Session};
use crate::cli::{Exit, Invocation, refusal};
use crate::display::events::JsonEvent;
use crate::display::line::wrap;
use crate::display::{
    Line, Message, Progress, Secrets, Section, Style, events, message, outputs, summary,
};
use crate::execute::{self, Cancel, Outcome, Report};
use crate::plan::{Goal, Plan};
use crate::resource::{ErrorKind, Urn, Value};

/// The time between two frames.
const FRAME: Duration = Duration::from_millis(100);

/// Runs a plan and shows what happens. Messages that come in by `notices` are shown at once.
pub async fn execute(
    invocation: &mut Invocation,
    session: &Session,
    plan: &Plan,
    parallel: usize,
    mut notices: Option<watch::Receiver<Option<Message>>>,
) -> Outcome {
    let title = match plan.goal {
        Goal::Up => "Updating",
        Goal::Destroy => "Destroying",
    };
    let title = Line::styled(Style::Heading, title).and(format!(" ({}):", session.place()));
    invocation.terminal.begin(Section::Progress, &title);
    invocation.terminal.print(&[Line::new()]);
    let sections = Offline::sections();
    let mut progress = Progress::new(plan, &sections).with_idle(&session.offline.catalog);
    if invocation.environment.is_ci() {
        let now = SystemTime::now().duration_since(UNIX_EPOCH);
        progress = progress.begun(now.unwrap_or_default());
    }
    let secrets = Secrets::of(plan, &session.offline.catalog);
    let cancel = Cancel::default();
    let can_animate = invocation.can_animate();
    let (sender, mut receiver) = unbounded_channel();
    let running = {
        let cancel = &cancel;
        // The sender goes with the run, and its end tells the audience that there is no more to come.
        async move { execute::run(plan, &session.provider, parallel, cancel, &sender).await }
    };
    let terminal = &mut invocation.terminal;
    let interrupts = &mut invocation.interrupts;
    let showing = async {
        let started = Instant::now();
        let mut ticker = tokio::time::interval(FRAME);
        let mut tick = 0;
        loop {
            tokio::select! {
                biased;
                heard = interrupts.next() => {
                    cancel.request();
                    terminal.event(&heard.event());
                    let width = terminal.width();
                    terminal.report(&notice(heard, width));
                }
                message = next(&mut notices) => show(&[message], terminal),
                event = receiver.recv() => match event {
                    None => break,
                    Some(mut event) => {
                        secrets.mask_event(&mut event);
                        terminal.event(&events::happened(plan, &event));
                        progress.on_event(&event);
                        if !can_animate {
                            terminal.print(progress.plain(&event).as_slice());
                        }
                    }
                },
                _ = ticker.tick(), if can_animate => {
                    tick += 1;
                    let (width, height) = terminal.window();
                    terminal.draw(&progress.frame(started.elapsed(), tick, width - 1, height));
                }
            }
        }
        terminal.clear_frame();
    };
    let (outcome, ()) = tokio::join!(running, showing);
    let mut lines = Vec::new();
    if can_animate {
        lines = progress.end(invocation.terminal.width());
    }
    lines.push(Line::new());
    invocation.terminal.print(&lines);
    invocation.terminal.end();
    outcome
}

/// The next message. Never returns if there will be none.
async fn next(notices: &mut Option<watch::Receiver<Option<Message>>>) -> Message {
    if let Some(receiver) = notices
        && receiver.changed().await.is_ok()
        && let Some(message) = receiver.borrow_and_update().clone()
    {
        return message;
    }
    *notices = None;
    std::future::pending().await
}

fn notice(heard: Signals, width: Option<usize>) -> Vec<Line> {
    let signal = heard.last.unwrap_or("a signal");
    let repeat = match signal {
        "^C" => "press ^C",
        _ => "send it",
    };
    let text = if heard.count == 1 {
        format!(
            "{signal} received; cancelling. Calls under way are finished, no new ones are started. To stop at once, \
             {repeat} again; the next run resumes."
        )
    } else {
        format!("{signal} received again; terminating.")
    };
    wrap(&text, width)
        .into_iter()
        .map(|line| Line::styled(Style::Warning, line))
        .collect()
}

/// Shows how a run ended, and returns the exit status of the program.
pub fn finish(
    invocation: &mut Invocation,
    session: &Session,
    plan: &Plan,
    outcome: &Outcome,
) -> Exit {
    let catalog = &session.offline.catalog;
    let secrets = Secrets::of(plan, catalog).and(outcome.report().objects.values(), catalog);
    let place = |urn: &Urn| session.offline.place(urn);
    let retry = invocation.retry_command();
    let mut messages = summary::diagnostics(plan, outcome, &secrets, &place, &retry.to_string());
    messages.extend(refusal::left_alone(plan, outcome.report(), catalog, retry));
    if !messages.is_empty() {
        invocation
            .terminal
            .report(&[Line::styled(Style::Heading, "Diagnostics:")]);
        show(&messages, &mut invocation.terminal);
        invocation.terminal.report(&[Line::new()]);
    }
    tell(invocation, session, plan, outcome.report());
    let width = invocation.terminal.width();
    if plan.goal == Goal::Up {
        let outputs = outcome.report().outputs.iter().cloned();
        let (known, unknown): (Vec<_>, Vec<_>) = outputs.partition(|(_, value)| value.is_known());
        if !known.is_empty() {
            show_outputs(invocation, &known);
            invocation.terminal.print(&[Line::new()]);
        }
        if !unknown.is_empty() {
            let names: Vec<&str> = unknown.iter().map(|(name, _)| name.as_str()).collect();
            let text = format!(
                "not known yet, because their resources do not exist: {}",
                names.join(", ")
            );
            invocation.terminal.print(&message::note(&text, width));
            invocation.terminal.print(&[Line::new()]);
        }
    }
    let mut lines = summary::render(plan, outcome, catalog, width);
    if plan.goal == Goal::Up {
        lines.extend(notes(session, plan, outcome.report(), width));
    }
    invocation.terminal.print(&lines);
    exit(outcome)
}

/// Tells those who read events what the run has come to.
pub fn tell(invocation: &mut Invocation, session: &Session, plan: &Plan, report: &Report) {
    let terminal = &mut invocation.terminal;
    if !terminal.streams() {
        return;
    }
    if plan.goal == Goal::Up {
        terminal.event(&events::outputs(&report.outputs));
        for text in note_texts(session, plan, report) {
            terminal.event(&JsonEvent::Note { text });
        }
    }
    let changes = events::changes(plan, report);
    terminal.events().set_changes(changes);
}

/// Prints the outputs of a stack.
pub fn show_outputs(invocation: &mut Invocation, outputs: &[(String, Value)]) {
    let lines = outputs::section(outputs, invocation.terminal.width());
    let Some((title, lines)) = lines.split_first() else {
        return;
    };
    invocation.terminal.begin(Section::Outputs, title);
    invocation.terminal.print(lines);
    invocation.terminal.end();
}

/// Notes on what the user still has to do, going by what is live now.
pub fn notes(session: &Session, plan: &Plan, report: &Report, width: Option<usize>) -> Vec<Line> {
    let mut lines = Vec::new();
    for text in note_texts(session, plan, report) {
        lines.push(Line::new());
        lines.extend(message::note(&text, width));
    }
    lines
}

/// The texts of the notes.
fn note_texts(session: &Session, plan: &Plan, report: &Report) -> Vec<String> {
    let mut texts = Vec::new();
    for note in &session.offline.notes {
        let done = report.resolve(plan, &note.unless);
        let text = report.resolve(plan, &note.text);
        // A note that depends on something this run did not reach is not worth a word.
        if done.is_known()
            && done.as_bool() != Some(true)
            && let Some(text) = text.as_str()
        {
            texts.push(text.to_owned());
        }
    }
    texts
}

fn exit(outcome: &Outcome) -> Exit {
    match outcome {
        Outcome::Done(_) => Exit::Done,
        Outcome::Cancelled(_) => Exit::Cancelled,
        Outcome::Failed(report) => {
            let mut kinds = report.failed.iter().map(|(_, error)| error.kind);
            let any = |kind| kinds.clone().any(|found| found == kind);
            if any(ErrorKind::Bug) {
                Exit::Bug
            } else if any(ErrorKind::Credentials) {
                Exit::Credentials
            } else if kinds.clone().all(|kind| kind == ErrorKind::TimedOut) {
                Exit::TimedOut
            } else if kinds.all(|kind| matches!(kind, ErrorKind::NotOurs | ErrorKind::Guarded)) {
                Exit::Refused
            } else {
                Exit::ResourceFailed
            }
        }
    }
}
