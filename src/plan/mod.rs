//! The steps that bring a stack from what is there to what is wanted, their order, and their reasons.
//!
//! A pure function: [`build`] takes the graph and the snapshot and returns the [`Plan`] that `preview` shows and `up`
//! runs. It reads as a list of passes, one file each. No time, network, YAML or SDK here.

mod announced;
mod compare;
mod deletes;
mod draft;
mod edges;
mod exclusive;
mod held;
mod model;
mod offers;
mod others;
mod parts;
mod pattern;
mod places;
mod protect;
mod reason;
mod refusal;
mod replace;
mod request;
mod retained;
mod step;
mod target;
mod unmarked;
mod uses;
mod verdict;
pub mod verify;

use crate::graph::ResourceGraph;
use crate::resource::{Catalog, LiveSnapshot};
use draft::{Draft, Removal};
pub use model::{Added, Plan, PlannedOutput};
pub use others::{boundless_accepts, idle_accepts, names_an_addition, names_of_additions};
pub use pattern::matches_any;
pub use reason::{Because, DeleteFirst, Held};
pub use refusal::{Owner, Refusal, Unmarked};
pub use request::{Goal, Request};
pub use retained::{RetainReason, Retained};
pub use step::{Action, Kept, Op, ReplaceOrder, Step, StepId};
use verdict::{Decision, Verdict};

/// Plans.
pub fn build(
    graph: &ResourceGraph,
    live: &LiveSnapshot,
    catalog: &Catalog,
    request: &Request,
) -> Plan {
    let mut draft = Draft::new(graph, live, catalog, request);
    // Before the verdicts, which take the places that others have left.
    others::choose_places(&mut draft);
    // First, because everything else works on verdicts; in dependency order, because a new object makes its dependents'
    // inputs unknown.
    compare::verdicts(&mut draft);
    // A resource that can only be used in one place follows what uses it. It is judged again, for a new object makes its
    // dependents' inputs unknown, too.
    compare::verdicts_with_followers(&mut draft);
    exclusive::refuse_shared(&mut draft);
    // After all verdicts stand: a delete-first replacement drags replaced dependents along.
    replace::choose_order(&mut draft);
    // Objects that live and are not wanted. Needs to know which objects the verdicts have taken.
    deletes::leftovers(&mut draft);
    others::additions(&mut draft);
    // As soon as anything else changes, tags record more than those of earlier versions did.
    others::mark(&mut draft);
    others::refuse(&mut draft);
    unmarked::refuse_claims(&mut draft);
    let unmarked = unmarked::find(&draft);
    if request.goal == Goal::Up {
        let refusals = unmarked.into_iter().map(Refusal::TagsLost);
        draft.refusals.extend(refusals);
    } else {
        draft.unmarked = unmarked;
    }
    // Before targeting, so that what is out of reach refuses nothing.
    draft.left = compare::left(&draft);
    target::restrict(&mut draft);
    // Last of the decisions: it turns some deletions into retentions, and these hold what they need.
    protect::guard(&mut draft);
    edges::into_plan(draft)
}
