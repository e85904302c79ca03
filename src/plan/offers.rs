//! Options that a region offers or not, which only AWS can tell: it is asked about what is to be made or changed, before anything is.

use super::{Action, Plan, Refusal};
use crate::resource::Urn;
use crate::resource::offer::{NotOffered, Order, Standing};

impl Plan {
    /// The resources that are to be made or changed.
    pub fn orders(&self) -> Vec<Order<'_>> {
        let steps = self.steps.iter();
        let orders = steps.filter_map(|step| {
            let (comparison, live) = match &step.action {
                Action::Create { comparison, .. }
                | Action::CreateReplacement { comparison, .. } => (comparison, None),
                Action::Update {
                    comparison,
                    observed,
                    ..
                } => (comparison, Some(&observed.inputs)),
                Action::DeleteReplaced { .. } | Action::Delete { .. } => return None,
            };
            Some(Order {
                urn: &step.urn,
                inputs: &comparison.inputs,
                live,
                changed: comparison.diff.properties(),
            })
        });
        orders.collect()
    }

    /// Everything that the stack has once the plan has run.
    pub fn standing(&self) -> Vec<Standing<'_>> {
        let kept = self.kept.iter().map(|kept| Standing {
            urn: &kept.urn,
            id: Some(&kept.observed.id),
            inputs: &kept.observed.inputs,
        });
        let steps = self.steps.iter().filter_map(|step| {
            let id = match &step.action {
                Action::Update { observed, .. } => Some(observed.id.as_str()),
                _ => None,
            };
            Some(Standing {
                urn: &step.urn,
                id,
                inputs: &step.comparison()?.inputs,
            })
        });
        kept.chain(steps).collect()
    }

    /// Refuses to make what AWS does not offer; `found` is about [`Plan::orders`], one by one. The rest is returned: it is
    /// about objects that exist, and what AWS offers, it offers to new ones. An object that runs may go on with a version
    /// that is closed to others, so about a change of it only AWS has the last word.
    pub fn refuse_not_offered(&mut self, found: Vec<Vec<NotOffered>>) -> Vec<(Urn, NotOffered)> {
        let mut refusals = Vec::new();
        let mut doubtful = Vec::new();
        for (order, found) in self.orders().into_iter().zip(found) {
            let urn = order.urn.clone();
            if order.live.is_some() {
                doubtful.extend(found.into_iter().map(|found| (urn.clone(), found)));
            } else if !found.is_empty() {
                refusals.push(Refusal::NotOffered { urn, found });
            }
        }
        self.refusals.extend(refusals);
        doubtful
    }
}
