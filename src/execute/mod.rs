//! Running a plan: ready steps at once, bounded; forward only, no rollback.
//!
//! The plan is the only input of this module. A failed step takes its dependents with it, and independent branches go on,
//! unless it is the credentials that failed: then nothing else could succeed, and nothing new is started. The first
//! cancellation starts nothing new and gives what is under way a moment; the second lets go. Every started step has exactly
//! one ending event.

mod cancel;
pub mod event;
mod schedule;
mod step;

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use futures_util::StreamExt;
use futures_util::stream::FuturesUnordered;
use tokio::sync::mpsc::UnboundedSender;
use tokio::time::Instant;

pub use cancel::Cancel;
pub use event::{Event, Skipped, Work};

use crate::plan::{Action, Plan, Step, StepId};
use crate::resource::provider::{DataPolicy, Progress};
use crate::resource::tags::mark_of_part;
use crate::resource::{
    Catalog, ErrorKind, Made, Observed, OutputReference, Proof, Provider, ProviderError, Urn, Value,
};
use schedule::Schedule;
use step::{Ended, Known};

/// The time that steps under way get after a cancellation before they are let go: CI systems kill after 7.5 s.
const GRACE: Duration = Duration::from_secs(5);

/// The outcome of a run.
#[derive(Debug)]
pub enum Outcome {
    /// Every step succeeded.
    Done(Report),
    /// At least one step failed.
    Failed(Report),
    /// It was cancelled.
    Cancelled(Report),
}

impl Outcome {
    pub fn report(&self) -> &Report {
        match self {
            Self::Done(report) | Self::Failed(report) | Self::Cancelled(report) => report,
        }
    }
}

impl Outcome {
    /// The proof that all that is there now, as far as the run knows, is ours. `proof` is what the plan was made with, `key`
    /// that of the stack.
    pub fn made(&self, plan: &Plan, catalog: &Catalog, key: &str, proof: &Proof) -> Made {
        let report = self.report();
        // An object that the run let go, or that failed, may exist without being known: its mark still proves something.
        let proof = match (self, &plan.run) {
            (Self::Failed(_) | Self::Cancelled(_), Some(run)) => &proof.clone().with_run(run),
            _ => proof,
        };
        let mut made = Made::new(key);
        let mut insert = |urn: &Urn, object: &Observed| {
            let Some(earlier) = object.tags.owner() else {
                return;
            };
            // It may have another name in the file by now, and not in its tags.
            for urn in [urn, &earlier] {
                proof.record(&mut made, urn, object);
                // Only the tags of its parent name a part that no step touches.
                for mark in object.tags.parts().into_iter().flatten() {
                    if proof.holds_part(urn, &mark) {
                        made.insert_part(urn, &mark);
                    }
                }
            }
        };
        let retained = plan.retained.iter();
        let retained = retained.map(|retained| (&retained.urn, &retained.observed));
        let steps = plan.steps.iter();
        let steps = steps.filter_map(|step| Some((&step.urn, step.observed()?)));
        let there = report.objects.iter().chain(retained).chain(steps);
        for (urn, object) in there {
            insert(urn, object);
        }
        made.extend(&plan.parts(key), usize::MAX);
        if let Proof::Known { made: before, .. } = proof {
            // An object that no run has seen for a long time was removed outside of our runs.
            made.extend(before, before.len().min(made.len() + SPARE));
        }
        for id in &report.succeeded {
            let step = &plan.steps[*id];
            let Some(gone) = step.observed().filter(|_| step.is_delete()) else {
                continue;
            };
            let now = report.objects.get(&step.urn);
            // An object that a creation can bring back stays proven.
            let schema = catalog.get(step.urn.token());
            let comes_back = schema.is_some_and(|schema| {
                // A type that leaves nothing behind waits whatever becomes of its data.
                let waits =
                    step.data_policy() == Some(DataPolicy::Snapshot) || schema.leaves.is_none();
                schema.comes_back && waits
            });
            if !comes_back && now.is_none_or(|now| now.id != gone.id) {
                let earlier = gone.tags.owner();
                for urn in [Some(&step.urn), earlier.as_ref()].into_iter().flatten() {
                    made.remove_object(urn, &gone.id);
                }
            }
            // Its parent's tags go on naming it until something else changes, and others may put one of their own there.
            let schema = catalog.get(step.urn.token());
            if let Some(schema) = schema.filter(|schema| !schema.taggable && now.is_none())
                && let Some(mark) = mark_of_part(schema, &gone.inputs)
                && let Some(first) = schema.parents.first()
                && let Some(name) = gone.inputs.get(first.property).and_then(Value::as_str)
            {
                for (urn, parent) in &report.objects {
                    if parent.id == name || parent.arn.as_deref() == Some(name) {
                        made.remove_part(urn, &mark);
                    }
                }
            }
        }
        made
    }
}

/// The number of entries of an earlier record that are kept beyond the number that a run has itself.
const SPARE: usize = 100;

/// The outcome of each step.
#[derive(Debug, Default)]
pub struct Report {
    pub succeeded: Vec<StepId>,
    pub failed: Vec<(StepId, ProviderError)>,
    pub skipped: Vec<(StepId, Skipped)>,
    /// Let go while under way: their outcome is not known, and the next run finds out.
    pub interrupted: Vec<StepId>,
    /// The outputs that the stack prints, as far as they are known now.
    pub outputs: Vec<(String, Value)>,
    /// The live objects now, of those that the plan wants.
    pub objects: BTreeMap<Urn, Observed>,
    pub elapsed: Duration,
}

impl Report {
    /// The state before any step runs: the whole report of a plan without steps.
    pub fn before(plan: &Plan) -> Self {
        let mut report = Self {
            objects: initial_objects(plan),
            ..Self::default()
        };
        report.outputs = report.outputs_of(plan);
        report
    }

    fn outputs_of(&self, plan: &Plan) -> Vec<(String, Value)> {
        let outputs = plan.outputs.iter();
        outputs
            .map(|output| (output.name.clone(), self.resolve(plan, &output.expression)))
            .collect()
    }

    /// A value with its references resolved, as far as the end of the run allows.
    pub fn resolve(&self, plan: &Plan, value: &Value) -> Value {
        value.resolve(&|reference| self.lookup(plan, reference))
    }

    /// The value that a reference leads to at the end of the run, if it is known.
    pub fn lookup(&self, plan: &Plan, reference: &OutputReference) -> Option<Value> {
        step::lookup(&plan.facts, &self.objects, reference)
    }
}

/// Runs a plan.
pub async fn run(
    plan: &Plan,
    provider: &dyn Provider,
    parallel: usize,
    cancel: &Cancel,
    events: &UnboundedSender<Event>,
) -> Outcome {
    let started = Instant::now();
    let known = Known {
        run: plan.run.as_ref(),
        facts: &plan.facts,
        objects: Mutex::new(initial_objects(plan)),
        leaving: leaving(plan),
        staying: Mutex::default(),
    };
    let recorder = Recorder { events, started };
    let mut run = Run {
        plan,
        recorder: &recorder,
        schedule: Schedule::new(&plan.steps),
        report: Report::default(),
        expired: false,
        cancelled: false,
    };
    let mut running = FuturesUnordered::new();
    loop {
        while !cancel.is_requested()
            && !run.expired
            && run.schedule.in_flight() < parallel.max(1)
            && let Some(id) = run.schedule.start()
        {
            recorder.started(id, &plan.steps[id]);
            running.push(attempt(provider, plan, id, &known, cancel, &recorder));
        }
        tokio::select! {
            biased;
            next = running.next() => match next {
                Some(attempt) => run.ended(attempt),
                None => break,
            },
            () = cancel.requested(), if !run.cancelled => run.cancel(),
        }
    }
    drop(running);
    run.finish(known, cancel.is_requested())
}

/// A step that was tried.
struct Attempt {
    id: StepId,
    ended: Result<Ended, ProviderError>,
    elapsed: Duration,
    /// The last status that was reported.
    status: Option<String>,
}

async fn attempt(
    provider: &dyn Provider,
    plan: &Plan,
    id: StepId,
    known: &Known<'_>,
    cancel: &Cancel,
    recorder: &Recorder<'_>,
) -> Attempt {
    let step = &plan.steps[id];
    let began = Instant::now();
    let progress = StepProgress {
        step: id,
        recorder,
        last: Mutex::new(None),
        ends: step.within.map(|within| began + within),
    };
    // Let go at once on the second request; after the first, once the grace has passed.
    let deadline = async {
        cancel.requested().await;
        tokio::select! {
            () = tokio::time::sleep(GRACE) => {}
            () = cancel.let_go() => {}
        }
    };
    let ended = tokio::select! {
        biased;
        ended = step::run(provider, step, known, cancel, &progress) => ended,
        () = deadline => Ok(Ended::Interrupted),
    };
    Attempt {
        id,
        ended,
        elapsed: began.elapsed(),
        status: progress.take(),
    }
}

/// A plan that runs.
struct Run<'a> {
    plan: &'a Plan,
    recorder: &'a Recorder<'a>,
    schedule: Schedule<'a>,
    report: Report,
    /// True if the credentials are no longer accepted.
    expired: bool,
    cancelled: bool,
}

impl Run<'_> {
    fn cancel(&mut self) {
        self.cancelled = true;
        self.recorder.send(Event::Cancelling {
            in_flight: self.schedule.in_flight(),
            at: self.recorder.started.elapsed(),
        });
    }

    /// Records the one ending of a step, and skips the steps that cannot go on without it.
    fn ended(&mut self, attempt: Attempt) {
        let Attempt {
            id: step,
            ended,
            elapsed,
            status,
        } = attempt;
        let (urn, work) = (
            self.plan.steps[step].urn.clone(),
            work(&self.plan.steps[step]),
        );
        let at = self.recorder.started.elapsed();
        match ended {
            Ok(Ended::Done(id)) => {
                self.recorder.send(Event::Succeeded {
                    step,
                    urn,
                    work,
                    id,
                    elapsed,
                    at,
                });
                self.schedule.succeeded(step);
                self.report.succeeded.push(step);
                return;
            }
            Ok(Ended::Interrupted) => {
                self.recorder.send(Event::Interrupted {
                    step,
                    urn,
                    work,
                    status,
                    elapsed,
                    at,
                });
                self.report.interrupted.push(step);
            }
            Err(error) => {
                self.recorder.send(Event::Failed {
                    step,
                    urn,
                    work,
                    error: Box::new(error.clone()),
                    elapsed,
                    at,
                });
                self.expired |= error.is(ErrorKind::Credentials);
                self.report.failed.push((step, error));
            }
        }
        for (skipped, because) in self.schedule.failed(step) {
            self.skip(skipped, because);
        }
    }

    fn skip(&mut self, id: StepId, because: Skipped) {
        let step = &self.plan.steps[id];
        self.recorder.skipped(id, step, because.clone());
        self.report.skipped.push((id, because));
    }

    /// Skips the steps that have not started, and returns the outcome of the run.
    fn finish(mut self, known: Known<'_>, is_cancelled: bool) -> Outcome {
        let because = if is_cancelled {
            Skipped::Cancelled
        } else {
            Skipped::NoCredentials
        };
        for id in self.schedule.stop() {
            self.skip(id, because.clone());
        }
        let mut report = self.report;
        report.objects = known
            .objects
            .into_inner()
            .unwrap_or_else(PoisonError::into_inner);
        report.outputs = report.outputs_of(self.plan);
        report.elapsed = self.recorder.started.elapsed();
        // A request may come at the very end of a step: then no step under way could receive it, and none was started after
        // it.
        let stopped = report
            .skipped
            .iter()
            .any(|(_, because)| matches!(because, Skipped::Cancelled));
        if self.cancelled || stopped || !report.interrupted.is_empty() {
            Outcome::Cancelled(report)
        } else if report.failed.is_empty() {
            Outcome::Done(report)
        } else {
            Outcome::Failed(report)
        }
    }
}

/// Live objects that references can lead to before any step has run.
fn initial_objects(plan: &Plan) -> BTreeMap<Urn, Observed> {
    let kept = plan
        .kept
        .iter()
        .map(|kept| (kept.urn.clone(), kept.observed.clone()));
    let updated = plan.steps.iter().filter_map(|step| match &step.action {
        Action::Update { observed, .. } => Some((step.urn.clone(), observed.clone())),
        _ => None,
    });
    kept.chain(updated).collect()
}

/// Ids of the live objects that the plan does not build on, by URN.
fn leaving(plan: &Plan) -> BTreeMap<&Urn, Vec<String>> {
    let mut leaving: BTreeMap<&Urn, Vec<String>> = BTreeMap::new();
    let deleted = plan.steps.iter().filter(|step| step.is_delete());
    let deleted = deleted.filter_map(|step| Some((&step.urn, step.observed()?)));
    let retained = plan.retained.iter().map(|kept| (&kept.urn, &kept.observed));
    for (urn, observed) in deleted.chain(retained) {
        leaving.entry(urn).or_default().push(observed.id.clone());
    }
    leaving
}

/// The work that a step does, in a word.
pub fn work(step: &Step) -> Work {
    match step.action {
        Action::Create { .. } => Work::Create,
        Action::Update { .. } => Work::Update,
        Action::CreateReplacement { .. } => Work::CreateReplacement,
        Action::DeleteReplaced { .. } => Work::DeleteReplaced,
        Action::Delete { .. } => Work::Delete,
    }
}

struct Recorder<'a> {
    events: &'a UnboundedSender<Event>,
    started: Instant,
}

impl Recorder<'_> {
    fn send(&self, event: Event) {
        // A missing listener is no reason to stop.
        let _ = self.events.send(event);
    }

    fn started(&self, id: StepId, step: &Step) {
        self.send(Event::Started {
            step: id,
            urn: step.urn.clone(),
            work: work(step),
            at: self.started.elapsed(),
        });
    }

    fn skipped(&self, id: StepId, step: &Step, because: Skipped) {
        self.send(Event::Skipped {
            step: id,
            urn: step.urn.clone(),
            work: work(step),
            because,
            at: self.started.elapsed(),
        });
    }
}

struct StepProgress<'a> {
    step: StepId,
    recorder: &'a Recorder<'a>,
    last: Mutex<Option<String>>,
    /// The end of the time that the author allows.
    ends: Option<Instant>,
}

impl StepProgress<'_> {
    fn take(self) -> Option<String> {
        self.last
            .into_inner()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

impl Progress for StepProgress<'_> {
    fn status(&self, text: &str) {
        let mut last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        if last.as_deref() != Some(text) {
            *last = Some(text.to_owned());
            self.recorder.send(Event::Waiting {
                step: self.step,
                status: text.to_owned(),
                at: self.recorder.started.elapsed(),
            });
        }
    }

    fn time_left(&self) -> Option<Duration> {
        let ends = self.ends?;
        Some(ends.saturating_duration_since(Instant::now()))
    }
}

#[cfg(test)]
mod tests;
