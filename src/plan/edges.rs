//! Last pass: decisions become steps, and steps wait for each other.
//!
//! - What brings a resource up waits for what brings up the things it needs.
//! - The old object of a create-first replacement goes after the new one stands and all dependents have moved over.
//! - What goes waits for everything that lives and uses it, be that deleted, replaced or updated.
//! - A new object waits for the departure of one that has its name or key under another URN: a rename in the file.

use std::collections::{BTreeMap, BTreeSet};

use super::deletes::{ObjectKey, key};
use super::{
    Action, Because, Draft, Kept, Op, Plan, ReplaceOrder, Step, StepId, compare, others, protect,
};
use crate::graph::{dependencies, topological};
use crate::resource::{Properties, Schema, Urn};

pub(super) fn into_plan(draft: Draft<'_>) -> Plan {
    let outputs = compare::outputs(&draft);
    let mut nodes = Nodes::of(&draft);
    nodes.connect(&draft);
    let order = nodes.order();
    let position: BTreeMap<usize, StepId> = order
        .iter()
        .enumerate()
        .map(|(position, node)| (*node, position))
        .collect();
    let waits: Vec<BTreeSet<StepId>> = order
        .iter()
        .map(|node| {
            nodes.waits[node]
                .iter()
                .map(|wait| position[wait])
                .collect()
        })
        .collect();

    let graph = draft.graph;
    let live = draft.live;
    let mut kept = Vec::new();
    let mut actions: BTreeMap<usize, Step> = BTreeMap::new();
    for (urn, verdict) in draft.verdicts {
        let step = |action| Step {
            urn: urn.clone(),
            action,
            because: verdict.because.clone(),
            waits_for: BTreeSet::new(),
        };
        match (verdict.op, verdict.observed) {
            (Op::Create, _) => {
                let action = Action::Create {
                    desired: verdict.desired,
                    comparison: verdict.comparison,
                };
                actions.insert(nodes.up[urn], step(action));
            }
            (Op::Update, Some(observed)) => {
                let action = Action::Update {
                    desired: verdict.desired,
                    observed,
                    comparison: verdict.comparison,
                };
                actions.insert(nodes.up[urn], step(action));
            }
            (Op::Replace, Some(observed)) => {
                // What others have deployed in the place of ours stays theirs.
                if let Some(down) = nodes.down.get(&key(urn, &observed)) {
                    let delete = Action::DeleteReplaced {
                        observed: observed.clone(),
                        data: protect::data_of_replaced(draft.catalog.get(urn.token()), &observed),
                    };
                    actions.insert(*down, step(delete));
                }
                let create = Action::CreateReplacement {
                    desired: verdict.desired,
                    replaced: observed,
                    comparison: verdict.comparison,
                    order: verdict.order,
                };
                actions.insert(nodes.up[urn], step(create));
            }
            (_, Some(observed)) => kept.push(Kept {
                urn: urn.clone(),
                observed,
            }),
            (_, None) => {}
        }
    }
    for removal in draft.removals {
        let node = nodes.down[&key(&removal.urn, &removal.observed)];
        let step = Step {
            urn: removal.urn,
            action: Action::Delete {
                observed: removal.observed,
                data: removal.data,
            },
            because: removal.because,
            waits_for: BTreeSet::new(),
        };
        actions.insert(node, step);
    }
    let steps = order
        .iter()
        .zip(waits)
        .filter_map(|(node, waits_for)| {
            let step = actions.remove(node)?;
            Some(Step { waits_for, ..step })
        })
        .collect();
    let mut retained = draft.retained;
    retained.sort_by(|left, right| {
        (&left.urn, &left.observed.id).cmp(&(&right.urn, &right.observed.id))
    });
    let mut refusals = draft.refusals;
    refusals.sort_by(|left, right| left.urn().cmp(right.urn()));
    Plan {
        stack: graph.stack.clone(),
        goal: draft.request.goal,
        steps,
        kept,
        retained,
        refusals,
        added: draft.added,
        released: graph
            .iter()
            .filter(|resource| resource.options.protect == Some(false))
            .map(|resource| resource.urn.clone())
            .collect(),
        outputs,
        facts: live.facts.clone(),
    }
}

/// Steps as numbers, before they are steps.
#[derive(Default)]
struct Nodes {
    /// What brings a resource up, or brings it up to date.
    up: BTreeMap<Urn, usize>,
    /// What takes an object away.
    down: BTreeMap<ObjectKey, usize>,
    waits: BTreeMap<usize, BTreeSet<usize>>,
    /// Edges that only order deletions by what was found in properties; dropped where they would close a cycle.
    soft: BTreeSet<(usize, usize)>,
}

impl Nodes {
    fn of(draft: &Draft<'_>) -> Self {
        let mut nodes = Self::default();
        let mut count = 0;
        let mut next = || {
            count += 1;
            count - 1
        };
        for (urn, verdict) in &draft.verdicts {
            if matches!(verdict.op, Op::Create | Op::Update | Op::Replace) {
                nodes.up.insert((*urn).clone(), next());
            }
            if let (Op::Replace, Some(observed)) = (verdict.op, &verdict.observed)
                && !others::is_deployed(draft.catalog, observed)
            {
                nodes.down.insert(key(urn, observed), next());
            }
        }
        for removal in &draft.removals {
            nodes
                .down
                .insert(key(&removal.urn, &removal.observed), next());
        }
        nodes.waits = (0..count).map(|node| (node, BTreeSet::new())).collect();
        nodes
    }

    fn wait(&mut self, node: usize, on: usize) {
        if node != on {
            self.waits.entry(node).or_default().insert(on);
        }
    }

    fn connect(&mut self, draft: &Draft<'_>) {
        for (urn, verdict) in &draft.verdicts {
            let Some(&up) = self.up.get(*urn) else {
                continue;
            };
            let resource = draft.graph.get(urn);
            for needed in resource.map(dependencies).unwrap_or_default() {
                if let Some(&on) = self.up.get(needed) {
                    if reboots_before(draft, urn, needed) {
                        self.wait(on, up);
                    } else {
                        self.wait(up, on);
                    }
                }
            }
            let (Op::Replace, Some(observed)) = (verdict.op, &verdict.observed) else {
                continue;
            };
            let Some(&down) = self.down.get(&key(urn, observed)) else {
                continue;
            };
            match verdict.order {
                ReplaceOrder::CreateFirst => self.wait(down, up),
                ReplaceOrder::DeleteFirst => self.wait(up, down),
            }
        }
        self.connect_departures(draft);
        self.connect_additions(draft);
        self.connect_renames(draft);
    }

    /// What goes waits for its users: for their own departure, and for the step that moves them off it.
    fn connect_departures(&mut self, draft: &Draft<'_>) {
        let downs: Vec<(ObjectKey, usize)> = self
            .down
            .iter()
            .map(|(object, node)| (object.clone(), *node))
            .collect();
        for (object, down) in downs {
            let delete_first = draft.verdicts.get(&object.0).is_some_and(|verdict| {
                verdict.op == Op::Replace
                    && verdict.order == ReplaceOrder::DeleteFirst
                    && verdict.observed.as_ref().is_some_and(|o| o.id == object.1)
            });
            for user in draft.uses.needed_by(&object) {
                if let Some(&on) = self.down.get(user) {
                    self.soft.insert((down, on));
                    self.wait(down, on);
                }
                // Under delete-first, users are moved once the new object stands, not before.
                if !delete_first && let Some(&on) = self.up.get(&user.0) {
                    self.soft.insert((down, on));
                    self.wait(down, on);
                }
            }
        }
    }

    /// What others have added goes before what it hangs on, which AWS would not delete otherwise.
    fn connect_additions(&mut self, draft: &Draft<'_>) {
        for removal in &draft.removals {
            if !matches!(removal.because, Because::WithParent | Because::Removed) {
                continue;
            }
            let parent = others::parent_of(draft, &removal.observed);
            if let Some(&parent) = parent.and_then(|parent| self.down.get(&parent)) {
                let part = self.down[&key(&removal.urn, &removal.observed)];
                self.wait(parent, part);
            }
        }
    }

    fn connect_renames(&mut self, draft: &Draft<'_>) {
        let mut leaving: BTreeMap<String, Vec<usize>> = BTreeMap::new();
        for removal in &draft.removals {
            let schema = draft.catalog.get(removal.urn.token());
            if let Some(place) = schema.and_then(|schema| place(schema, &removal.observed.inputs)) {
                let down = self.down[&key(&removal.urn, &removal.observed)];
                leaving.entry(place).or_default().push(down);
            }
        }
        for (urn, verdict) in &draft.verdicts {
            if !matches!(verdict.op, Op::Create | Op::Replace) {
                continue;
            }
            let schema = draft.catalog.get(urn.token());
            let place = schema.and_then(|schema| place(schema, &verdict.comparison.inputs));
            for &down in place
                .and_then(|place| leaving.get(&place))
                .into_iter()
                .flatten()
            {
                let up = self.up[*urn];
                self.wait(up, down);
                // The departing object cannot wait for what waits for it.
                self.soft.insert((down, up));
            }
        }
    }

    /// Topological, with soft edges dropped where they close a cycle.
    fn order(&mut self) -> Vec<usize> {
        loop {
            match topological(&self.waits) {
                Ok(order) => return order,
                Err(cyclic) => {
                    let pairs: Vec<(usize, usize)> =
                        cyclic.0.windows(2).map(|pair| (pair[0], pair[1])).collect();
                    let dropped = pairs
                        .iter()
                        .find(|pair| self.soft.contains(pair))
                        .or_else(|| pairs.first());
                    if let Some((node, on)) = dropped
                        && let Some(waits) = self.waits.get_mut(node)
                    {
                        waits.remove(on);
                    }
                }
            }
        }
    }
}

/// Whether both are rebooted, and the one that needs the other has to be first: a replica whose parameters grow.
fn reboots_before(draft: &Draft<'_>, urn: &Urn, needed: &Urn) -> bool {
    let is_rebooted = |urn: &Urn| {
        let verdict = draft.verdicts.get(urn);
        verdict.is_some_and(|verdict| verdict.op == Op::Update && verdict.desired.reboot)
    };
    let schema = draft.catalog.get(urn.token());
    let Some(order) = schema.and_then(|schema| schema.reboots) else {
        return false;
    };
    if urn.token() != needed.token() || !is_rebooted(urn) || !is_rebooted(needed) {
        return false;
    }
    let uses = draft.graph.get(needed).map(dependencies);
    let used = uses.iter().flatten();
    let mut changes = used
        .filter_map(|used| draft.verdicts.get(*used))
        .flat_map(|verdict| verdict.comparison.diff.changes.iter());
    order(&mut changes)
}

/// The place that only one object of a type can take at a time, as text.
fn place(schema: &Schema, inputs: &Properties) -> Option<String> {
    Some(format!("{} {:?}", schema.token, schema.place_of(inputs)?))
}
