//! The decision about one wanted resource.

use super::{Because, Op, ReplaceOrder};
use crate::resource::desired::Comparison;
use crate::resource::{Desired, Observed};

/// The decision about a wanted resource: how it compares with what is live, and what is to be done about that.
pub(super) struct Verdict {
    pub desired: Desired,
    pub comparison: Comparison,
    pub decision: Decision,
}

pub(super) enum Decision {
    Create {
        because: Because,
    },
    Keep {
        observed: Observed,
    },
    Update {
        observed: Observed,
        because: Because,
    },
    Replace {
        observed: Observed,
        because: Because,
        order: ReplaceOrder,
    },
}

impl Decision {
    pub fn update(because: Because, observed: Observed) -> Self {
        Self::Update { observed, because }
    }

    /// Create first, until something asks for another order.
    pub fn replace(because: Because, observed: Observed) -> Self {
        Self::Replace {
            observed,
            because,
            order: ReplaceOrder::CreateFirst,
        }
    }
}

impl Verdict {
    pub fn op(&self) -> Op {
        match self.decision {
            Decision::Create { .. } => Op::Create,
            Decision::Keep { .. } => Op::Same,
            Decision::Update { .. } => Op::Update,
            Decision::Replace { .. } => Op::Replace,
        }
    }

    /// The live object that the verdict is about.
    pub fn observed(&self) -> Option<&Observed> {
        match &self.decision {
            Decision::Create { .. } => None,
            Decision::Keep { observed }
            | Decision::Update { observed, .. }
            | Decision::Replace { observed, .. } => Some(observed),
        }
    }

    /// Returns whether this is that object.
    pub fn is_about(&self, id: &str) -> bool {
        self.observed().is_some_and(|observed| observed.id == id)
    }

    /// Returns whether it was there after the last run, and is to be made again.
    pub fn is_gone(&self) -> bool {
        matches!(
            self.decision,
            Decision::Create {
                because: Because::Gone
            }
        )
    }

    /// Returns whether this object is replaced in this order.
    pub fn replaces(&self, with: ReplaceOrder, id: &str) -> bool {
        matches!(&self.decision, Decision::Replace { order, .. } if *order == with)
            && self.is_about(id)
    }

    /// The live object that is to be updated.
    pub fn updated(&self) -> Option<&Observed> {
        match &self.decision {
            Decision::Update { observed, .. } => Some(observed),
            _ => None,
        }
    }

    /// The live object, where it is the resource's in the end as well.
    pub fn kept(&self) -> Option<&Observed> {
        let is_replaced = matches!(self.decision, Decision::Replace { .. });
        self.observed().filter(|_| !is_replaced)
    }
}
