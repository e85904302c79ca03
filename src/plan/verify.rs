//! What any plan must satisfy. Runs in production before a plan does, and is the oracle of the property tests.

use std::collections::BTreeSet;

use super::{Action, Plan};
use crate::resource::Urn;

/// A plan that must not run: always a bug in fde-infra.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Violation {
    #[error("step {step} waits for step {on}, which comes later")]
    OutOfOrder { step: usize, on: usize },
    #[error("`{}` is brought up by two steps", .0.name())]
    TwoVerdicts(Urn),
    #[error("`{}` is both kept and changed", .0.name())]
    KeptAndChanged(Urn),
    #[error("`{}` is protected and would be deleted", .0.name())]
    ProtectedDeleted(Urn),
    #[error("`{}` is not ours and would be touched", .0.name())]
    ForeignTouched(Urn),
}

/// Checks a plan.
///
/// # Errors
/// The first rule that it breaks.
pub fn verify(plan: &Plan) -> Result<(), Violation> {
    let mut brought_up: BTreeSet<&Urn> = BTreeSet::new();
    let kept: BTreeSet<&Urn> = plan.kept.iter().map(|kept| &kept.urn).collect();
    for (id, step) in plan.steps.iter().enumerate() {
        if let Some(&on) = step.waits_for.iter().find(|on| **on >= id) {
            return Err(Violation::OutOfOrder { step: id, on });
        }
        if !step.is_delete() {
            if !brought_up.insert(&step.urn) {
                return Err(Violation::TwoVerdicts(step.urn.clone()));
            }
            if kept.contains(&step.urn) {
                return Err(Violation::KeptAndChanged(step.urn.clone()));
            }
        }
        if let Action::Delete { observed, .. } | Action::DeleteReplaced { observed, .. } =
            &step.action
            && plan.refusals.is_empty()
            && observed.tags.is_protected()
            && !plan.released.contains(&step.urn)
        {
            return Err(Violation::ProtectedDeleted(step.urn.clone()));
        }
        if let Some(observed) = step.observed()
            && let Some(stack) = observed.tags.get(crate::resource::tags::STACK)
            && stack != plan.stack.to_string()
        {
            return Err(Violation::ForeignTouched(step.urn.clone()));
        }
    }
    Ok(())
}
