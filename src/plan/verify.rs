//! The rules that any plan must satisfy. Checked in production before a plan runs, and the oracle of the property tests.
//!
//! The order is derived here once more, from the file and from what the plan deletes, and not from the planner's edges.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use super::uses::foreign_texts;
use super::{Action, Op, Plan, ReplaceOrder, Step, StepId};
use crate::graph::{Cyclic, ResourceGraph, dependencies, topological};
use crate::resource::{Catalog, Properties, Urn};

/// A plan that must not run: always a bug in fde-infra.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Violation {
    #[error("step {step} waits for step {on}, which comes later")]
    OutOfOrder { step: StepId, on: StepId },
    #[error("steps wait for each other in a circle: {}", names(.0))]
    Cycle(Vec<Urn>),
    #[error("step {step}, `{}`, does not wait for step {on}, `{}`: {because}", .urns.0, .urns.1)]
    Unordered {
        step: StepId,
        on: StepId,
        urns: Box<(Urn, Urn)>,
        because: &'static str,
    },
    #[error("`{}` would be deleted while `{}` uses it", .0.name(), .1.name())]
    DeletedInUse(Urn, Urn),
    #[error("`{}` is brought up by two steps", .0.name())]
    TwoVerdicts(Urn),
    #[error("`{}` is both kept and changed", .0.name())]
    KeptAndChanged(Urn),
    #[error("`{}` is protected and would be deleted", .0.name())]
    ProtectedDeleted(Urn),
    #[error("`{}` is not ours and would be touched", .0.name())]
    ForeignTouched(Urn),
}

fn names(urns: &[Urn]) -> String {
    let names: Vec<String> = urns.iter().map(|urn| format!("`{}`", urn.name())).collect();
    names.join(", ")
}

/// Checks a plan.
///
/// # Errors
/// The first rule that it breaks.
pub fn verify(plan: &Plan, graph: &ResourceGraph, catalog: &Catalog) -> Result<(), Violation> {
    check_steps(plan)?;
    // A refused plan does not run, and its order may be the reason for the refusal.
    if !plan.refusals.is_empty() {
        return Ok(());
    }
    let steps = Steps::of(plan);
    check_needs(plan, graph, catalog, &steps)?;
    check_replacements(plan, &steps)?;
    check_places(plan, catalog)?;
    check_deletions(plan, catalog, &steps)
}

fn check_steps(plan: &Plan) -> Result<(), Violation> {
    let mut brought_up: BTreeSet<&Urn> = BTreeSet::new();
    let kept: BTreeSet<&Urn> = plan.kept.iter().map(|kept| &kept.urn).collect();
    for (id, step) in plan.steps.iter().enumerate() {
        if let Some(&on) = step.waits_for.iter().find(|on| **on >= id) {
            return Err(cycle(plan).unwrap_or(Violation::OutOfOrder { step: id, on }));
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

/// The steps that can never begin, because each waits for the next.
fn cycle(plan: &Plan) -> Option<Violation> {
    let waits = plan.steps.iter().map(|step| step.waits_for.clone());
    let Cyclic(cycle) = topological(&waits.enumerate().collect()).err()?;
    let urns = cycle.into_iter().map(|id| plan.steps[id].urn.clone());
    Some(Violation::Cycle(urns.collect()))
}

/// The steps by their subject.
struct Steps<'a> {
    up: BTreeMap<&'a Urn, StepId>,
    /// The deleting steps, by URN and id.
    down: BTreeMap<(&'a Urn, &'a str), StepId>,
}

impl<'a> Steps<'a> {
    fn of(plan: &'a Plan) -> Self {
        let mut steps = Self {
            up: BTreeMap::new(),
            down: BTreeMap::new(),
        };
        for (id, step) in plan.steps.iter().enumerate() {
            match step.observed().filter(|_| step.is_delete()) {
                Some(observed) => {
                    steps.down.insert((&step.urn, &observed.id), id);
                }
                None => {
                    steps.up.insert(&step.urn, id);
                }
            }
        }
        steps
    }
}

fn unordered(plan: &Plan, step: StepId, on: StepId, because: &'static str) -> Violation {
    let urn = |id: StepId| plan.steps[id].urn.clone();
    Violation::Unordered {
        step,
        on,
        urns: Box::new((urn(step), urn(on))),
        because,
    }
}

fn must_wait(
    plan: &Plan,
    step: StepId,
    on: StepId,
    because: &'static str,
) -> Result<(), Violation> {
    if plan.steps[step].waits_for.contains(&on) {
        Ok(())
    } else {
        Err(unordered(plan, step, on, because))
    }
}

/// Checks that a resource comes after what it needs, except for updates that are for what comes after it.
fn check_needs(
    plan: &Plan,
    graph: &ResourceGraph,
    catalog: &Catalog,
    steps: &Steps<'_>,
) -> Result<(), Violation> {
    for (urn, &id) in &steps.up {
        let needed = graph.get(urn).map(dependencies).unwrap_or_default();
        for needed in needed {
            let Some(&on) = steps.up.get(needed) else {
                continue;
            };
            let schema = catalog.get(needed.token());
            let harms = schema.and_then(|schema| schema.updates_after_rollout);
            let update = &plan.steps[on];
            let change = update.observed().zip(update.comparison());
            let may_be_late = update.op() == Op::Update
                && harms
                    .zip(change)
                    .is_some_and(|(harms, (observed, comparison))| {
                        harms(&observed.inputs, &comparison.inputs)
                    });
            if reboots_before(plan, graph, catalog, steps, (id, on)) {
                must_wait(plan, on, id, "it is rebooted after it")?;
            } else if !may_be_late {
                must_wait(plan, id, on, "it needs it")?;
            }
        }
    }
    Ok(())
}

/// Returns whether the one that needs the other is rebooted first: see [`crate::resource::Schema::reboots`].
fn reboots_before(
    plan: &Plan,
    graph: &ResourceGraph,
    catalog: &Catalog,
    steps: &Steps<'_>,
    (user, needed): (StepId, StepId),
) -> bool {
    let (user, needed) = (&plan.steps[user], &plan.steps[needed]);
    let is_rebooted = |step: &Step| {
        let desired = step.desired().filter(|_| step.op() == Op::Update);
        desired.is_some_and(|desired| desired.reboot)
    };
    let schema = catalog.get(user.urn.token());
    let Some(order) = schema.and_then(|schema| schema.reboots) else {
        return false;
    };
    let used = graph.get(&needed.urn).map(dependencies).unwrap_or_default();
    let used = used.into_iter().filter_map(|urn| steps.up.get(urn));
    let comparisons = used.filter_map(|id| plan.steps[*id].comparison());
    let mut changes = comparisons.flat_map(|comparison| &comparison.diff.changes);
    user.urn.token() == needed.urn.token()
        && is_rebooted(user)
        && is_rebooted(needed)
        && order(&mut changes)
}

fn check_replacements(plan: &Plan, steps: &Steps<'_>) -> Result<(), Violation> {
    for (id, step) in plan.steps.iter().enumerate() {
        let Action::CreateReplacement {
            replaced, order, ..
        } = &step.action
        else {
            continue;
        };
        let Some(&down) = steps.down.get(&(&step.urn, replaced.id.as_str())) else {
            continue;
        };
        match order {
            ReplaceOrder::CreateFirst => must_wait(plan, down, id, "the new one comes first")?,
            ReplaceOrder::DeleteFirst => must_wait(plan, id, down, "the old one goes first")?,
        }
    }
    Ok(())
}

/// Checks that a resource that takes the place of another object comes after that one has gone.
fn check_places(plan: &Plan, catalog: &Catalog) -> Result<(), Violation> {
    let mut leaving: BTreeMap<String, Vec<StepId>> = BTreeMap::new();
    let place = |urn: &Urn, inputs: &Properties| {
        let place = catalog.get(urn.token())?.place_of(inputs)?;
        Some(format!("{} {place:?}", urn.token()))
    };
    for (id, step) in plan.steps.iter().enumerate() {
        if let Some(observed) = step.observed().filter(|_| step.is_delete())
            && let Some(place) = place(&step.urn, &observed.inputs)
        {
            leaving.entry(place).or_default().push(id);
        }
    }
    for (id, step) in plan.steps.iter().enumerate() {
        let is_new = matches!(
            step.action,
            Action::Create { .. } | Action::CreateReplacement { .. }
        );
        let Some(comparison) = step.comparison().filter(|_| is_new) else {
            continue;
        };
        let place = place(&step.urn, &comparison.inputs);
        for &on in place
            .and_then(|place| leaving.get(&place))
            .into_iter()
            .flatten()
        {
            must_wait(plan, id, on, "it has its place")?;
        }
    }
    Ok(())
}

/// Checks that nothing is deleted before all that AWS wants off it is gone or has moved.
fn check_deletions(plan: &Plan, catalog: &Catalog, steps: &Steps<'_>) -> Result<(), Violation> {
    let mut deleted: HashMap<&str, Vec<(&Step, StepId)>> = HashMap::new();
    for (id, step) in plan.steps.iter().enumerate() {
        if let Some(observed) = step.observed().filter(|_| step.is_delete()) {
            let long = Some(observed.id.as_str()).filter(|id| id.len() > 3);
            for name in long.into_iter().chain(observed.arn.as_deref()) {
                deleted.entry(name).or_default().push((step, id));
            }
        }
    }
    let kept = plan.kept.iter().map(|kept| (&kept.urn, &kept.observed));
    let retained = plan.retained.iter();
    let retained = retained.map(|retained| (&retained.urn, &retained.observed));
    let moved = plan.steps.iter().filter_map(|step| {
        let observed = step.observed()?;
        Some((&step.urn, observed))
    });
    for (user, observed) in kept.chain(retained).chain(moved) {
        let named = foreign_texts(catalog, user, observed).into_iter();
        let named = named.filter_map(|text| deleted.get(text)).flatten();
        for &(step, id) in named {
            let schema = catalog.get(step.urn.token());
            let blocks = schema.is_some_and(|schema| schema.is_blocked_by(user.token()));
            if !blocks || step.urn == *user {
                continue;
            }
            let gone = steps.down.get(&(user, observed.id.as_str()));
            // A replacement leaves its old object where it is until that is deleted.
            let mover = steps.up.get(user).filter(|_| gone.is_none());
            let before = gone.or(mover);
            if !before.is_some_and(|on| step.waits_for.contains(on)) {
                return Err(match before {
                    Some(&on) => unordered(plan, id, on, "it is used until then"),
                    None => Violation::DeletedInUse(step.urn.clone(), user.clone()),
                });
            }
        }
    }
    Ok(())
}
