//! The plan itself: what is done, what stays, and what stands against it.

use std::collections::{BTreeMap, BTreeSet};

use super::reason::Because;
use super::refusal::{Refusal, Unmarked};
use super::request::Goal;
use super::retained::Retained;
use super::step::{Kept, Op, Step};
use crate::resource::proof::RunMark;
use crate::resource::{LastRun, Observed, StackId, Urn, Value};

/// An addition of others to an object of ours that the plan leaves in place.
#[derive(Debug, Clone, PartialEq)]
pub struct Added {
    /// The object that it hangs on.
    pub parent: Urn,
    pub observed: Observed,
    /// True if it widens access or changes where traffic goes, and the file does not accept it: it counts as drift.
    pub is_drift: bool,
    /// True if the object that it hangs on is deleted, and it with that.
    pub goes: bool,
}

/// Something that the stack prints.
#[derive(Debug, Clone, PartialEq)]
pub struct PlannedOutput {
    pub name: String,
    pub expression: Value,
    /// The expression's value as far as it is known before the plan runs.
    pub known: Value,
}

/// Everything that `up` will do, and everything that it will leave.
#[derive(Debug, Clone, PartialEq)]
pub struct Plan {
    pub stack: StackId,
    pub goal: Goal,
    /// The steps, in an order in which each comes after what it waits for.
    pub steps: Vec<Step>,
    pub kept: Vec<Kept>,
    pub retained: Vec<Retained>,
    pub refusals: Vec<Refusal>,
    /// Additions of others that stay.
    pub added: Vec<Added>,
    /// Resources of which the file takes the protection off: `protect: false`. Their tag in AWS stands until then.
    pub released: BTreeSet<Urn>,
    pub outputs: Vec<PlannedOutput>,
    /// The facts of the account, for references in steps.
    pub facts: crate::resource::Properties,
    /// The record to keep if nothing runs.
    pub left: LastRun,
    /// Objects that stay when the stack is destroyed, because their tags are missing.
    pub unmarked: Vec<Unmarked>,
    /// The untaggable parts that it makes: what each is part of, and its mark.
    pub made_parts: Vec<(Urn, String)>,
    /// The run that carries it out, once there is one: the objects it makes bear its mark.
    pub run: Option<RunMark>,
}

impl Plan {
    /// True if running it would change nothing.
    pub fn is_empty(&self) -> bool {
        self.steps.is_empty()
    }

    /// True if live AWS is as the file wants it, including the additions of others. What has lapsed can be offered again,
    /// and does not count as a difference that another party has made.
    pub fn is_in_sync(&self) -> bool {
        let mut steps = self.steps.iter();
        steps.all(|step| step.because == Because::Lapsed)
            && !self.added.iter().any(|added| added.is_drift)
    }

    /// The operation on each resource, by URN.
    pub fn operations(&self) -> BTreeMap<&Urn, Op> {
        let mut operations: BTreeMap<&Urn, Op> = BTreeMap::new();
        for kept in &self.kept {
            operations.insert(&kept.urn, Op::Same);
        }
        for retained in &self.retained {
            operations.insert(&retained.urn, Op::Retain);
        }
        for step in &self.steps {
            let op = operations.entry(&step.urn).or_insert(step.op());
            // What stays of it is an old object.
            *op = match *op {
                Op::Retain => step.op(),
                op => op.max(step.op()),
            };
        }
        operations
    }
}
