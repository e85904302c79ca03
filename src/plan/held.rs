//! Holds of other parties, which only AWS can report: the account is asked about what is to be deleted, before anything is.

use super::{Plan, Refusal};
use crate::resource::provider::Holder;
use crate::resource::{LiveSnapshot, Observed, Urn};

impl Plan {
    /// The objects that are to be deleted.
    pub fn going(&self) -> Vec<(&Urn, &Observed)> {
        let deletes = self.steps.iter().filter(|step| step.is_delete());
        deletes
            .filter_map(|step| Some((&step.urn, step.observed()?)))
            .collect()
    }

    /// Refuses to delete what others hold and do not let go of by themselves. `holders` are those of [`Plan::going`], one by
    /// one. For holders in the stack itself, the plan already knows when they let go.
    pub fn refuse_held(&mut self, live: &LiveSnapshot, holders: Vec<Vec<Holder>>) {
        let known = live.ours.values().flatten();
        let going = self.going();
        let known: Vec<&Observed> = known
            .chain(going.iter().map(|(_, observed)| *observed))
            .collect();
        let is_ours = |id: &str| {
            known
                .iter()
                .any(|object| object.id == id || object.arn.as_deref() == Some(id))
        };
        let refusals: Vec<Refusal> = going
            .iter()
            .zip(holders)
            .filter_map(|((urn, observed), holders)| {
                let holders: Vec<Holder> = holders
                    .into_iter()
                    .filter(|holder| holder.hand.is_some() && !is_ours(&holder.id))
                    .collect();
                (!holders.is_empty()).then(|| Refusal::HeldByOthers {
                    urn: (*urn).clone(),
                    id: observed.id.clone(),
                    holders,
                })
            })
            .collect();
        self.refusals.extend(refusals);
    }
}
