//! The choice of the steps that may start now: a plain state machine, without time or tasks.
//!
//! A step is ready once everything it waits for has succeeded. Once one of those has failed, or has itself been skipped,
//! it is skipped, and so on down the line; independent branches go on.

use std::collections::BTreeSet;

use super::event::Skipped;
use crate::plan::{Step, StepId};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    /// Waits for this many steps.
    Waiting(usize),
    Ready,
    InFlight,
    Ended,
}

/// The states of all steps of a plan.
pub struct Schedule<'a> {
    steps: &'a [Step],
    states: Vec<State>,
    waited_for_by: Vec<Vec<StepId>>,
    ready: BTreeSet<StepId>,
    in_flight: usize,
}

impl<'a> Schedule<'a> {
    pub fn new(steps: &'a [Step]) -> Self {
        let mut waited_for_by = vec![Vec::new(); steps.len()];
        let mut states = Vec::with_capacity(steps.len());
        let mut ready = BTreeSet::new();
        for (id, step) in steps.iter().enumerate() {
            for &on in &step.waits_for {
                waited_for_by[on].push(id);
            }
            if step.waits_for.is_empty() {
                ready.insert(id);
                states.push(State::Ready);
            } else {
                states.push(State::Waiting(step.waits_for.len()));
            }
        }
        Self {
            steps,
            states,
            waited_for_by,
            ready,
            in_flight: 0,
        }
    }

    /// Starts the next ready step, if there is one.
    pub fn start(&mut self) -> Option<StepId> {
        let id = self.ready.pop_first()?;
        self.states[id] = State::InFlight;
        self.in_flight += 1;
        Some(id)
    }

    pub fn in_flight(&self) -> usize {
        self.in_flight
    }

    pub fn succeeded(&mut self, id: StepId) {
        self.end(id);
        for index in 0..self.waited_for_by[id].len() {
            let dependent = self.waited_for_by[id][index];
            if let State::Waiting(count) = self.states[dependent] {
                if count == 1 {
                    self.states[dependent] = State::Ready;
                    self.ready.insert(dependent);
                } else {
                    self.states[dependent] = State::Waiting(count - 1);
                }
            }
        }
    }

    /// Ends a step that did not succeed, and everything that waits for it. Returns what is skipped, and why.
    pub fn failed(&mut self, id: StepId) -> Vec<(StepId, Skipped)> {
        self.end(id);
        let mut skipped = Vec::new();
        let mut open = vec![id];
        while let Some(cause) = open.pop() {
            for &dependent in &self.waited_for_by[cause] {
                if matches!(self.states[dependent], State::Waiting(_)) {
                    self.states[dependent] = State::Ended;
                    skipped.push((dependent, Skipped::Needs(self.steps[cause].urn.clone())));
                    open.push(dependent);
                }
            }
        }
        skipped.sort_by_key(|(id, _)| *id);
        skipped
    }

    /// Ends everything that has not started. Returns what is skipped.
    pub fn stop(&mut self) -> Vec<StepId> {
        self.ready.clear();
        let mut skipped = Vec::new();
        for (id, state) in self.states.iter_mut().enumerate() {
            if matches!(state, State::Waiting(_) | State::Ready) {
                *state = State::Ended;
                skipped.push(id);
            }
        }
        skipped
    }

    fn end(&mut self, id: StepId) {
        debug_assert_eq!(self.states[id], State::InFlight);
        self.states[id] = State::Ended;
        self.in_flight -= 1;
    }
}
