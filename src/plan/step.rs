//! The steps of a plan: what each does to which object.

use std::collections::BTreeSet;
use std::time::Duration;

use super::reason::Because;
use crate::graph::ResourceGraph;
use crate::resource::desired::Comparison;
use crate::resource::provider::DataPolicy;
use crate::resource::{Desired, Observed, Urn};

/// The index of a step in its plan.
pub type StepId = usize;

/// The work of a step.
#[derive(Debug, Clone, PartialEq)]
pub enum Action {
    Create {
        desired: Desired,
        comparison: Comparison,
    },
    Update {
        desired: Desired,
        observed: Observed,
        comparison: Comparison,
    },
    /// The new object of a replacement.
    CreateReplacement {
        desired: Desired,
        replaced: Observed,
        comparison: Comparison,
        order: ReplaceOrder,
    },
    /// The old object of a replacement.
    DeleteReplaced {
        observed: Observed,
        data: DataPolicy,
    },
    Delete {
        observed: Observed,
        data: DataPolicy,
    },
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ReplaceOrder {
    /// The new object stands before the old one goes.
    CreateFirst,
    /// Both cannot stand side by side.
    DeleteFirst,
}

/// One thing to do.
#[derive(Debug, Clone, PartialEq)]
pub struct Step {
    pub urn: Urn,
    pub action: Action,
    pub because: Because,
    /// Steps that must have succeeded before.
    pub waits_for: BTreeSet<StepId>,
    /// The time that it may take, where the author says so.
    pub within: Option<Duration>,
    /// True if it is a part of a replacement that makes a new revision, and so loses nothing.
    pub is_revision: bool,
}

/// The operation on one resource, in a word: the symbol and the row of the preview.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Op {
    Same,
    Create,
    Update,
    Replace,
    Delete,
    /// Stays, although it would otherwise be deleted.
    Retain,
}

impl Step {
    /// A step that waits for nothing yet, within the author's limit for it; there is no limit for what is not in the file.
    pub(super) fn of(graph: &ResourceGraph, urn: &Urn, action: Action, because: Because) -> Self {
        let resource = graph.get(urn);
        let timeouts = resource.map(|resource| resource.options.timeouts);
        let timeouts = timeouts.unwrap_or_default();
        Self {
            urn: urn.clone(),
            within: match action {
                Action::Create { .. } | Action::CreateReplacement { .. } => timeouts.create,
                Action::Update { .. } => timeouts.update,
                Action::Delete { .. } | Action::DeleteReplaced { .. } => timeouts.delete,
            },
            is_revision: false,
            action,
            because,
            waits_for: BTreeSet::new(),
        }
    }

    /// The operation of the resource that this step is part of.
    pub fn op(&self) -> Op {
        match self.action {
            Action::Create { .. } => Op::Create,
            Action::Update { .. } => Op::Update,
            Action::CreateReplacement { .. } | Action::DeleteReplaced { .. } => Op::Replace,
            Action::Delete { .. } => Op::Delete,
        }
    }

    /// The operation as it is shown: a new revision is one more change, and destroys nothing.
    pub fn shown_op(&self) -> Op {
        if self.is_revision {
            Op::Update
        } else {
            self.op()
        }
    }

    /// The live object the step works on, where there is one.
    pub fn observed(&self) -> Option<&Observed> {
        match &self.action {
            Action::Create { .. } => None,
            Action::Update { observed, .. }
            | Action::DeleteReplaced { observed, .. }
            | Action::Delete { observed, .. } => Some(observed),
            Action::CreateReplacement { replaced, .. } => Some(replaced),
        }
    }

    pub fn comparison(&self) -> Option<&Comparison> {
        match &self.action {
            Action::Create { comparison, .. }
            | Action::Update { comparison, .. }
            | Action::CreateReplacement { comparison, .. } => Some(comparison),
            Action::DeleteReplaced { .. } | Action::Delete { .. } => None,
        }
    }

    pub fn desired(&self) -> Option<&Desired> {
        match &self.action {
            Action::Create { desired, .. }
            | Action::Update { desired, .. }
            | Action::CreateReplacement { desired, .. } => Some(desired),
            Action::DeleteReplaced { .. } | Action::Delete { .. } => None,
        }
    }

    /// The treatment of the data of an object that it deletes.
    pub fn data_policy(&self) -> Option<DataPolicy> {
        match self.action {
            Action::DeleteReplaced { data, .. } | Action::Delete { data, .. } => Some(data),
            _ => None,
        }
    }

    pub fn is_delete(&self) -> bool {
        matches!(
            self.action,
            Action::DeleteReplaced { .. } | Action::Delete { .. }
        )
    }
}

/// A resource that stays as it is.
#[derive(Debug, Clone, PartialEq)]
pub struct Kept {
    pub urn: Urn,
    pub observed: Observed,
}
