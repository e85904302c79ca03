//! A run while it goes on: a tree that is redrawn on a terminal, and one line per change of state elsewhere.

use std::collections::BTreeMap;
use std::time::Duration;

use super::estimate::{self, MINUTE, usually};
use super::line::Line;
use super::preview;
use super::rows::{PlanRow, REVISION, idle, is_shown, rows};
use super::seconds;
use super::style::{self, Style};
use super::tree::{Cells, Row, Tree};
use crate::execute::{Event, Skipped, Work};
use crate::plan::{Action, Op, Plan, StepId};
use crate::resource::usual::UsualTime;
use crate::resource::{Catalog, Urn};

const SPINNER: [&str; 10] = ["⠋", "⠙", "⠹", "⠸", "⠼", "⠴", "⠦", "⠧", "⠇", "⠏"];

/// The picture of a moment, for what moves.
pub fn spinner(tick: usize) -> &'static str {
    SPINNER[tick % SPINNER.len()]
}

/// Lines that a frame keeps for the column titles, the stack, a blank line and the footer.
const FRAME: usize = 4;

/// Lines for what a row waits for, or why it failed; the report says the rest.
const INFO_LINES: usize = 2;

/// The time from a signal to the end of the program at the latest: CI systems allow no more.
const TO_THE_END: Duration = Duration::from_secs(7);

/// The state of a row.
#[derive(Debug, Clone, PartialEq)]
enum State {
    Waiting,
    Running {
        work: Work,
        since: Duration,
        status: Option<String>,
        usual: Option<UsualTime>,
    },
    /// Some of its steps are done, others are to come.
    Between(Work),
    Done {
        work: Work,
        elapsed: Duration,
        at: Duration,
    },
    Failed {
        work: Work,
        elapsed: Duration,
        message: String,
    },
    Interrupted {
        work: Work,
        status: Option<String>,
    },
    Skipped(Skipped),
}

struct Track {
    urn: Urn,
    op: Op,
    is_revision: bool,
    diff: String,
    /// Why there is nothing to make of it.
    idle: Option<&'static str>,
    steps_left: usize,
    elapsed: Duration,
    state: State,
}

/// Follows a run, event by event.
pub struct Progress<'a> {
    plan: &'a Plan,
    sections: &'a [&'a str],
    tracks: Vec<Track>,
    track_of: BTreeMap<StepId, usize>,
    /// The usual times of the steps that take their time.
    usual: BTreeMap<StepId, UsualTime>,
    /// The time at which the run was asked to end.
    cancelled: Option<Duration>,
    /// The name of a signal that stops the run at once once it has been asked to end.
    again: &'static str,
    /// The time since 1970, where lines are to say what time it was.
    begun: Option<Duration>,
}

impl<'a> Progress<'a> {
    pub fn new(plan: &'a Plan, sections: &'a [&'a str]) -> Self {
        let mut tracks = Vec::new();
        let mut track_of = BTreeMap::new();
        for row in rows(plan) {
            if row.steps.is_empty() {
                continue;
            }
            for step in &row.steps {
                track_of.insert(*step, tracks.len());
            }
            tracks.push(Track::of(&row));
        }
        Self {
            plan,
            sections,
            tracks,
            track_of,
            usual: BTreeMap::new(),
            cancelled: None,
            again: "Ctrl-C",
            begun: None,
        }
    }

    /// Lets lines say what time it was, in UTC: a log is read beside others. `at` is the start of the run, since 1970.
    #[must_use]
    pub fn begun(mut self, at: Duration) -> Self {
        self.begun = Some(at);
        self
    }

    /// Lets rows say why there is nothing to make yet.
    #[must_use]
    pub fn with_idle(mut self, catalog: &Catalog) -> Self {
        for (step, track) in &self.track_of {
            self.tracks[*track].idle = idle(self.plan, catalog, &self.plan.steps[*step]);
        }
        self
    }

    /// Lets rows say how long they usually take.
    #[must_use]
    pub fn with_usual_times(mut self, catalog: &Catalog) -> Self {
        let steps = self.plan.steps.iter().enumerate();
        let times = steps.filter_map(|(id, step)| Some((id, *estimate::usual(step, catalog)?)));
        self.usual = times.collect();
        self
    }

    /// Takes in a signal that asks the run to end.
    pub fn on_signal(&mut self, name: &'static str) {
        self.again = if name == "^C" { "Ctrl-C" } else { name };
    }

    /// Takes in an event.
    pub fn on_event(&mut self, event: &Event) {
        let step = match event {
            Event::Started { step, .. }
            | Event::Waiting { step, .. }
            | Event::Succeeded { step, .. }
            | Event::Failed { step, .. }
            | Event::Interrupted { step, .. }
            | Event::Skipped { step, .. } => *step,
            Event::Cancelling { at, .. } => {
                self.cancelled = Some(*at);
                return;
            }
        };
        let Some(track) = self.track_of.get(&step).map(|row| &mut self.tracks[*row]) else {
            return;
        };
        match event {
            Event::Started { work, at, .. } => {
                track.state = State::Running {
                    work: *work,
                    since: *at,
                    status: None,
                    usual: self.usual.get(&step).copied(),
                };
            }
            Event::Waiting { status, .. } => {
                if let State::Running { status: now, .. } = &mut track.state {
                    *now = Some(status.clone());
                }
            }
            Event::Succeeded {
                work, elapsed, at, ..
            } => {
                track.elapsed += *elapsed;
                track.steps_left = track.steps_left.saturating_sub(1);
                track.state = if track.steps_left == 0 {
                    State::Done {
                        work: *work,
                        elapsed: track.elapsed,
                        at: *at,
                    }
                } else {
                    State::Between(*work)
                };
            }
            Event::Failed {
                work,
                elapsed,
                error,
                ..
            } => {
                let message = match error.code.as_str() {
                    "" => error.message.clone(),
                    code => format!("{code}: {}", error.message),
                };
                track.state = State::Failed {
                    work: *work,
                    elapsed: track.elapsed + *elapsed,
                    message,
                };
            }
            Event::Interrupted { work, status, .. } => {
                track.state = State::Interrupted {
                    work: *work,
                    status: status.clone(),
                };
            }
            Event::Skipped { because, .. } => {
                // The failed step says more than one that was skipped after it.
                if !matches!(
                    track.state,
                    State::Failed { .. } | State::Interrupted { .. }
                ) {
                    track.state = State::Skipped(because.clone());
                }
            }
            Event::Cancelling { .. } => {}
        }
    }

    /// The rows that fit a window: what fails and runs always, then what ended last, then what is to come; and a line of
    /// counts.
    pub fn frame(&self, now: Duration, tick: usize, width: usize, height: usize) -> Vec<Line> {
        let room = height.saturating_sub(FRAME + 1);
        // After a signal nothing is to come any more.
        let is_left = |track: &&Track| self.cancelled.is_none() || track.state != State::Waiting;
        let mut ranked: Vec<&Track> = self.tracks.iter().filter(is_left).collect();
        ranked.sort_by_key(|track| track.rank());
        let spinner = spinner(tick);
        // Sections take lines too, and which ones depends on the rows: take away until it fits.
        let mut count = ranked.len().min(room);
        let mut lines = loop {
            let shown: Vec<Row> = ranked[..count]
                .iter()
                .map(|track| track.row(now, Some(spinner)))
                .collect();
            let lines = self.tree(shown, self.to_come(spinner), Some(width));
            if lines.len() <= room + 2 || count == 0 {
                break lines;
            }
            count -= 1;
        };
        let running = |track: &&&Track| matches!(track.state, State::Running { .. });
        let hidden = ranked[count..].iter().filter(running).count();
        lines.push(Line::new());
        lines.push(self.footer(now, spinner, hidden));
        // A line that wraps would scroll the frame away.
        lines.into_iter().map(|line| line.cut(width)).collect()
    }

    /// The whole tree, once the run is over, without what a signal kept from beginning: the end counts that.
    pub fn end(&self, width: Option<usize>) -> Vec<Line> {
        let begun = |track: &&Track| track.state != State::Skipped(Skipped::Cancelled);
        let rows = self
            .tracks
            .iter()
            .filter(begun)
            .map(|track| track.row(Duration::ZERO, None))
            .collect();
        self.tree(rows, Vec::new(), width)
    }

    /// Every row at its widest, for less than an hour.
    fn to_come(&self, spinner: &str) -> Vec<Row> {
        let time = seconds(Duration::from_secs(59 * 60 + 59));
        let rows = self.tracks.iter().map(|track| {
            let work = match track.op {
                _ if track.is_revision => Work::CreateReplacement,
                Op::Update => Work::Update,
                Op::Replace => Work::CreateReplacement,
                Op::Delete => Work::Delete,
                _ => Work::Create,
            };
            let text = format!("{} ({time}) {spinner}", track.doing(work));
            Row {
                urn: track.urn.clone(),
                cells: Cells {
                    op: Some(track.op),
                    status: Line::plain(text),
                    info: Line::new(),
                },
            }
        });
        rows.collect()
    }

    fn tree(&self, mut shown: Vec<Row>, to_come: Vec<Row>, width: Option<usize>) -> Vec<Line> {
        shown.extend(
            rows(self.plan)
                .iter()
                .filter(|row| row.op == Op::Retain && is_shown(row))
                .map(|row| Row {
                    urn: row.urn.clone(),
                    cells: Cells {
                        op: Some(Op::Retain),
                        status: Line::styled(style::of(Op::Retain), "retained"),
                        info: Line::plain(
                            row.retained
                                .map_or_else(String::new, |retained| retained.reason.to_string()),
                        ),
                    },
                }),
        );
        let mut stack_cells = preview::stack_cells(self.plan);
        stack_cells.status = Line::new();
        let failed = self.count(|state| matches!(state, State::Failed { .. }));
        if failed > 0 {
            stack_cells.status = Line::styled(Style::Error, "**failed**");
        } else if self.cancelled.is_some() {
            stack_cells.status = Line::styled(Style::Warning, "interrupted");
        }
        Tree {
            status_title: "Status",
            stack: self.plan.stack.to_string(),
            stack_cells,
            rows: shown,
            to_come,
            sections: self.sections,
            info_lines: INFO_LINES,
        }
        .render(width)
    }

    fn count(&self, which: impl Fn(&State) -> bool) -> usize {
        let states = self.tracks.iter().map(|track| &track.state);
        states.filter(|state| which(state)).count()
    }

    fn footer(&self, now: Duration, spinner: &str, hidden: usize) -> Line {
        let done = self.count(|state| matches!(state, State::Done { .. }));
        let running = self.count(|state| matches!(state, State::Running { .. }));
        let failed = self.count(|state| matches!(state, State::Failed { .. }));
        let mut line = Line::plain(" ").with(Style::Heading, spinner).and("  ");
        // What a user may do now comes first: the end is cut where there is too little room.
        if let Some(since) = self.cancelled {
            let left = TO_THE_END.saturating_sub(now.saturating_sub(since));
            line.push(Style::Warning, self.finishing(running, left));
            line.push(Style::Plain, "; ");
        }
        line.push(
            Style::Plain,
            format!("{done} of {} done", self.tracks.len()),
        );
        if running > 0 && self.cancelled.is_none() {
            line.push(Style::Plain, format!(", {running} running"));
        }
        if hidden > 0 {
            line.push(Style::Faint, format!(" ({hidden} not shown)"));
        }
        if failed > 0 {
            line.push(Style::Plain, ", ");
            line.push(Style::Error, format!("{failed} failed"));
        }
        if self.cancelled.is_none() {
            line.push(Style::Plain, format!("  {}", seconds(now)));
        }
        line
    }

    /// The calls that go on after a signal, and for how long.
    fn finishing(&self, running: usize, left: Duration) -> String {
        let calls = match running {
            0 => "finishing".to_owned(),
            1 => "finishing 1 call".to_owned(),
            count => format!("finishing {count} calls"),
        };
        let left = left.as_millis().div_ceil(1000);
        format!(
            "{calls}, up to {left} s; {} again stops at once",
            self.again
        )
    }

    /// The line for an event where nothing can be drawn over: one line per change of state.
    pub fn plain(&self, event: &Event) -> Option<Line> {
        let (step, at, status) = match event {
            Event::Started { step, at, work, .. } => {
                let doing = self.track(*step)?.doing(*work);
                (*step, *at, Line::plain(doing))
            }
            Event::Waiting { step, at, status } => {
                let track = self.track(*step)?;
                let State::Running { work, .. } = &track.state else {
                    return None;
                };
                let line =
                    Line::plain(track.doing(*work)).with(Style::Faint, format!(": {status}"));
                (*step, *at, line)
            }
            Event::Succeeded {
                step,
                at,
                work,
                elapsed,
                id,
                ..
            } => {
                let track = self.track(*step)?;
                let line = Line::styled(of(*work), track.idle.unwrap_or(track.done(*work)))
                    .and(format!(" ({})", seconds(*elapsed)))
                    .with(Style::Faint, format!(" {id}"));
                (*step, *at, line)
            }
            Event::Failed {
                step,
                at,
                work,
                elapsed,
                error,
                ..
            } => {
                let doing = self.track(*step)?.doing(*work);
                let line = Line::styled(Style::Error, format!("**{doing} failed**"))
                    .and(format!(" ({}) {error}", seconds(*elapsed)));
                (*step, *at, line)
            }
            Event::Interrupted {
                step,
                at,
                work,
                status,
                ..
            } => {
                let line = Line::styled(Style::Warning, format!("still {}", doing(*work))).and(
                    status
                        .as_ref()
                        .map_or_else(String::new, |s| format!(": {s}")),
                );
                (*step, *at, line)
            }
            // There may be many, and all for the same reason: the end counts them.
            Event::Skipped {
                because: Skipped::Cancelled,
                ..
            } => return None,
            Event::Skipped {
                step, at, because, ..
            } => {
                let line =
                    Line::styled(Style::Warning, "skipped").and(format!(": {}", skipped(because)));
                (*step, *at, line)
            }
            Event::Cancelling { in_flight, at } => {
                let text = self.finishing(*in_flight, TO_THE_END);
                return Some(self.stamp(*at).with(Style::Warning, text));
            }
        };
        let track = self.track(step)?;
        let mut line = self
            .stamp(at)
            .with(style::of(track.op), style::symbol(track.op))
            .and(" ")
            .with(Style::Faint, track.urn.token())
            .and(" ")
            .with(Style::Bold, track.urn.name())
            .and(" ")
            .then(status);
        if matches!(event, Event::Started { .. }) && !track.diff.is_empty() {
            line.push(Style::Plain, format!(" {}", track.diff));
        }
        if let Event::Started { step, .. } = event
            && let Some(time) = self.usual.get(step)
            && time.most >= MINUTE
        {
            line.push(Style::Faint, format!(" ({})", usually(time)));
        }
        Some(line)
    }

    fn track(&self, step: StepId) -> Option<&Track> {
        self.tracks.get(*self.track_of.get(&step)?)
    }

    /// The time of an event: since the run began, and by the clock.
    fn stamp(&self, at: Duration) -> Line {
        let since = format!("{:>7.1}s", at.as_secs_f64());
        let text = match self.begun {
            None => since,
            Some(begun) => {
                let second = (begun + at).as_secs() % 86_400;
                let (hour, minute, second) = (second / 3600, second / 60 % 60, second % 60);
                format!("{hour:02}:{minute:02}:{second:02}Z {since}")
            }
        };
        Line::styled(Style::Faint, text).and("  ")
    }
}

impl Track {
    fn of(row: &PlanRow<'_>) -> Self {
        let comparison = row.step.and_then(|step| step.comparison());
        let diff = comparison
            .filter(|_| row.op != Op::Create)
            .map(|comparison| row.differences(comparison))
            .unwrap_or_default();
        Self {
            urn: row.urn.clone(),
            op: row.op,
            is_revision: row.is_revision,
            diff,
            idle: None,
            steps_left: row.steps.len(),
            elapsed: Duration::ZERO,
            state: State::Waiting,
        }
    }

    fn doing(&self, work: Work) -> &'static str {
        match work {
            Work::CreateReplacement if self.is_revision => "creating revision",
            Work::DeleteReplaced if self.is_revision => "retiring old revision",
            work => doing(work),
        }
    }

    fn done(&self, work: Work) -> &'static str {
        match work {
            Work::CreateReplacement if self.is_revision => "created revision",
            Work::DeleteReplaced if self.is_revision => "retired old revision",
            work => done(work),
        }
    }

    /// The order in which a window shows rows, first ones first.
    fn rank(&self) -> (u8, Duration) {
        match &self.state {
            State::Failed { .. } | State::Interrupted { .. } => (0, Duration::ZERO),
            State::Running { since, .. } => (1, *since),
            State::Between(_) => (2, Duration::ZERO),
            // Latest first.
            State::Done { at, .. } => (3, Duration::MAX.saturating_sub(*at)),
            State::Skipped(_) => (4, Duration::ZERO),
            State::Waiting => (5, Duration::ZERO),
        }
    }

    fn row(&self, now: Duration, spinner: Option<&str>) -> Row {
        let diff = || Line::plain(&self.diff);
        let (status, info) = match &self.state {
            State::Waiting => (Line::styled(Style::Faint, "pending"), Line::new()),
            State::Running {
                work,
                since,
                status,
                usual,
            } => {
                let taken = now.saturating_sub(*since);
                let time = seconds(taken);
                let mut line = Line::styled(of(*work), format!("{} ({time})", self.doing(*work)));
                if let Some(spinner) = spinner {
                    line = line.and(" ").with(of(*work), spinner);
                }
                let mut info = status.as_ref().map_or_else(diff, Line::plain);
                if let Some(usual) = usual.filter(|_| taken >= MINUTE) {
                    if !info.is_empty() {
                        info = info.and("; ");
                    }
                    info = info.with(Style::Faint, usually(&usual));
                }
                (line, info)
            }
            State::Between(work) => (Line::styled(of(*work), self.done(*work)), diff()),
            State::Done { work, elapsed, .. } => {
                let (word, info) = match (self.op, self.idle) {
                    (Op::Replace, _) => ("replaced", diff()),
                    _ if self.is_revision => (REVISION, diff()),
                    // A frame has no room for more than what a row that runs takes.
                    (_, Some(idle)) if spinner.is_some() => ("done", Line::plain(idle)),
                    (_, idle) => (idle.unwrap_or(self.done(*work)), diff()),
                };
                let line = Line::styled(
                    style::of(self.op),
                    format!("{word} ({})", seconds(*elapsed)),
                );
                (line, info)
            }
            State::Failed {
                work,
                elapsed,
                message,
            } => {
                let what = match spinner {
                    Some(_) => "failed".to_owned(),
                    None => format!("{} failed", self.doing(*work)),
                };
                let text = format!("**{what}** ({})", seconds(*elapsed));
                (Line::styled(Style::Error, text), Line::plain(message))
            }
            State::Interrupted { work, status } => (
                Line::styled(Style::Warning, format!("still {}", self.doing(*work))),
                status.as_ref().map_or_else(Line::new, Line::plain),
            ),
            State::Skipped(Skipped::Cancelled) => {
                (Line::styled(Style::Warning, "not begun"), Line::new())
            }
            State::Skipped(because) => (
                Line::styled(Style::Warning, "skipped"),
                Line::plain(skipped(because)),
            ),
        };
        Row {
            urn: self.urn.clone(),
            cells: Cells {
                op: Some(self.op),
                status,
                info,
            },
        }
    }
}

fn skipped(because: &Skipped) -> String {
    match because {
        Skipped::Needs(urn) => format!("needs {}", urn.name()),
        Skipped::Cancelled => "cancelled before it started".to_owned(),
        Skipped::NoCredentials => "the credentials are not accepted any more".to_owned(),
    }
}

/// The words for a work under way.
pub(super) fn doing(work: Work) -> &'static str {
    match work {
        Work::Create => "creating",
        Work::Update => "updating",
        Work::CreateReplacement => "creating replacement",
        Work::DeleteReplaced => "deleting original",
        Work::Delete => "deleting",
    }
}

/// The words for a work that is done.
fn done(work: Work) -> &'static str {
    match work {
        Work::Create => "created",
        Work::Update => "updated",
        Work::CreateReplacement => "created replacement",
        Work::DeleteReplaced => "deleted original",
        Work::Delete => "deleted",
    }
}

fn of(work: Work) -> Style {
    match work {
        Work::Create => Style::Create,
        Work::Update => Style::Update,
        Work::CreateReplacement => Style::CreateReplacement,
        Work::DeleteReplaced => Style::DeleteReplaced,
        Work::Delete => Style::Delete,
    }
}

/// The verb for "could not … it".
pub(super) fn verb(step: &crate::plan::Step) -> &'static str {
    match step.action {
        Action::Create { .. } => "create",
        Action::Update { .. } => "update",
        Action::CreateReplacement { .. } => "replace",
        Action::DeleteReplaced { .. } => "delete the replaced",
        Action::Delete { .. } => "delete",
    }
}
