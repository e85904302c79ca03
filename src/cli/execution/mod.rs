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

use crate::cli::report::show;
use crate::cli::session::{Offline, Session};
use crate::cli::{Exit, Invocation, refusal};
use crate::display::events::JsonEvent;
use crate::display::next::{self, Todo};
use crate::display::{
    Line, Message, Progress, Secrets, Section, Style, events, message, outputs, pending, summary,
};
use crate::execute::{self, Cancel, Outcome, Report};
use crate::plan::{Goal, Plan};
use crate::resource::shell::quoted;
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
    if !invocation.global.sandbox {
        progress = progress.with_usual_times(&session.offline.catalog);
    }
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
                    let signal = heard.last.unwrap_or("a signal");
                    progress.on_signal(signal);
                    if heard.count > 1 {
                        let text = format!("{signal} received again; stopping at once");
                        terminal.report(&[Line::styled(Style::Warning, text)]);
                    }
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

/// Shows how a run ended, and returns the exit status of the program. `others` is what went wrong besides the plan, `stays`
/// what AWS keeps.
pub fn finish(
    invocation: &mut Invocation,
    session: &Session,
    plan: &Plan,
    outcome: &Outcome,
    stays: &[Line],
    others: &[Message],
) -> Exit {
    let catalog = &session.offline.catalog;
    let report = outcome.report();
    let secrets = Secrets::of(plan, catalog).and(report.objects.values(), catalog);
    let place = |urn: &Urn| session.offline.place(urn);
    let retry = invocation.retry_command();
    let again = retry.to_string();
    let mut messages = summary::diagnostics(plan, report, &secrets, &place, &again);
    messages.extend(refusal::left_alone(plan, report, catalog, retry));
    if !messages.is_empty() {
        invocation
            .terminal
            .report(&[Line::styled(Style::Heading, "Diagnostics:")]);
        show(&messages, &mut invocation.terminal);
        invocation.terminal.report(&[Line::new()]);
    }
    tell(invocation, session, plan, outcome.report());
    let width = invocation.terminal.width();
    let estimate = session.estimate(invocation, plan);
    let estimate = estimate.as_ref();
    if !matches!(outcome, Outcome::Done(_)) {
        if !stays.is_empty() {
            invocation.terminal.print(stays);
            invocation.terminal.print(&[Line::new()]);
        }
        if !others.is_empty() {
            show(others, &mut invocation.terminal);
            invocation.terminal.report(&[Line::new()]);
        }
        invocation.terminal.events().set_next(again.clone());
        // What a user sees last is what they go by.
        let lines = summary::stopped(plan, outcome, estimate, &again, width);
        invocation.terminal.report(&lines);
        return exit(outcome);
    }
    if plan.goal == Goal::Up {
        let outputs = report.outputs.iter().cloned();
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
    let mut lines = summary::render(plan, report, catalog, estimate, width);
    if !stays.is_empty() {
        lines.push(Line::new());
        lines.extend_from_slice(stays);
    }
    invocation.terminal.print(&lines);
    show(others, &mut invocation.terminal);
    if plan.goal == Goal::Up {
        let waiting = pending::of_report(plan, report, catalog);
        let waiting = waiting.iter().filter(|waiting| waiting.is_for_the_user());
        let waiting = waiting.map(|waiting| {
            let reboots = waiting.to_reboot();
            let reboot = || invocation.stack_command("up").with("--reboot", &reboots);
            Todo {
                text: format!("{}: {}", waiting.urn.name(), waiting.event()),
                commands: (!reboots.is_empty())
                    .then(|| reboot().to_string())
                    .into_iter()
                    .collect(),
            }
        });
        let mut todos = images(invocation, session, plan, report);
        todos.extend(waiting);
        show_next(invocation, report, todos);
    }
    exit(outcome)
}

/// Tells those who read events what the run has come to.
pub fn tell(invocation: &mut Invocation, session: &Session, plan: &Plan, report: &Report) {
    if !invocation.terminal.streams() {
        return;
    }
    let todos = images(invocation, session, plan, report);
    let terminal = &mut invocation.terminal;
    if plan.goal == Goal::Up {
        terminal.event(&events::outputs(&report.outputs));
        for Todo { text, commands } in todos {
            terminal.event(&JsonEvent::Note { text, commands });
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

/// The images that services wait for, and how to push them, going by what is live now.
pub fn images(
    invocation: &Invocation,
    session: &Session,
    plan: &Plan,
    report: &Report,
) -> Vec<Todo> {
    let mut todos = Vec::new();
    for note in &session.offline.notes {
        // What depends on something that this run did not reach is not worth a word.
        let done = report.resolve(plan, &note.unless);
        if !done.is_known() || done.as_bool() == Some(true) {
            continue;
        }
        let commands = note.commands.iter().map(|command| {
            let command = report.resolve(plan, command);
            Some(with_profile(command.as_str()?, invocation))
        });
        if let Some(commands) = commands.collect() {
            todos.push(Todo {
                text: note.text.clone(),
                commands,
            });
        }
    }
    if !todos.is_empty() {
        if invocation.global.sandbox {
            let text = "The services start no tasks: the sandbox takes no images. On AWS, the commands that push \
                        them stand here.";
            return vec![Todo {
                text: text.to_owned(),
                commands: Vec::new(),
            }];
        }
        todos.push(Todo {
            text: "Then run:".to_owned(),
            commands: vec![invocation.stack_command("up").to_string()],
        });
    }
    todos
}

/// A command of AWS's own tool, with the profile of the run.
fn with_profile(command: &str, invocation: &Invocation) -> String {
    match (&invocation.global.profile, command.strip_prefix("aws ")) {
        (Some(profile), Some(rest)) => format!("aws --profile {} {rest}", quoted(profile)),
        _ => command.to_owned(),
    }
}

/// Prints what there is to do now, and where the stack answers.
pub fn show_next(invocation: &mut Invocation, report: &Report, mut todos: Vec<Todo>) {
    let url = report.outputs.iter().find(|(name, _)| name == "url");
    let url = url.and_then(|(_, value)| value.as_str());
    // No name server knows the addresses of the local account.
    if let Some(url) = url.filter(|_| !invocation.global.sandbox) {
        todos.push(Todo {
            text: format!("The stack answers at {url}"),
            commands: Vec::new(),
        });
    }
    let lines = next::section(&todos, invocation.terminal.width());
    if !lines.is_empty() {
        invocation.terminal.print(&[Line::new()]);
        invocation.terminal.print(&lines);
    }
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
