//! Last pass: decisions become steps, and steps wait for each other.
//!
//! - The step that brings a resource up waits for the steps that bring up the things it needs.
//! - The old object of a create-first replacement goes after the new one stands and all dependents have moved over.
//! - The deletion of an object waits for everything that lives and uses it, be that deleted, replaced or updated.
//! - A new object waits for the departure of one that has its place: its name, its key, its range.
//! - An object that is deleted and is in no one's way goes after the rollouts: what runs until then may need it.
//!
//! Such edges can contradict each other. Two replacements may want each other's places: one of them then goes before its
//! successor comes. An object may not be deletable before its users have moved, while these cannot move before its successor
//! has come: that is refused, before anything is done.

use std::collections::{BTreeMap, BTreeSet};

use super::places::{self, Places};
use super::uses::{ObjectKey, key};
use super::{
    Action, Because, Decision, DeleteFirst, Draft, Held, Kept, Op, Plan, Refusal, ReplaceOrder,
    Step, StepId, Verdict, compare, deletes, exclusive, others, protect, target,
};
use crate::graph::{dependencies, topological};
use crate::resource::{Urn, Value};

pub(super) fn into_plan(mut draft: Draft<'_>) -> Plan {
    let outputs = compare::outputs(&draft);
    let made_parts = others::made_parts(&draft);
    let mut nodes = Nodes::of(&draft);
    nodes.connect(&mut draft);
    let order = nodes.order(&mut draft);
    nodes.refuse(&mut draft);
    let (mut steps, kept) = arrivals(&mut draft, &nodes);
    departures(&mut draft, &nodes, &mut steps);
    let mut retained = draft.retained;
    retained.sort_by(|left, right| {
        (&left.urn, &left.observed.id).cmp(&(&right.urn, &right.observed.id))
    });
    let mut refusals = draft.refusals;
    refusals.sort_by(|left, right| left.urn().cmp(right.urn()));
    let resources = draft.graph.iter();
    let released = resources.filter(|resource| resource.options.protect == Some(false));
    Plan {
        stack: draft.graph.stack.clone(),
        goal: draft.request.goal,
        steps: nodes.in_order(&order, steps),
        kept,
        retained,
        refusals,
        added: draft.added,
        released: released.map(|resource| resource.urn.clone()).collect(),
        outputs,
        facts: draft.live.facts.clone(),
        left: draft.left,
        unmarked: draft.unmarked,
        made_parts,
        run: None,
    }
}

/// Steps that bring resources up, each with the one that takes away the object it replaces; and the resources that stay as
/// they are.
fn arrivals(draft: &mut Draft<'_>, nodes: &Nodes) -> (BTreeMap<usize, Step>, Vec<Kept>) {
    let mut steps = BTreeMap::new();
    let mut kept = Vec::new();
    for (urn, verdict) in std::mem::take(&mut draft.verdicts) {
        let Verdict {
            desired,
            comparison,
            decision,
        } = verdict;
        let mut is_revision = false;
        let (action, because) = match decision {
            Decision::Keep { observed } => {
                let urn = urn.clone();
                kept.push(Kept { urn, observed });
                continue;
            }
            Decision::Create { because } => {
                let create = Action::Create {
                    desired,
                    comparison,
                };
                (create, because)
            }
            Decision::Update { observed, because } => {
                let update = Action::Update {
                    desired,
                    observed,
                    comparison,
                };
                (update, because)
            }
            Decision::Replace {
                observed,
                because,
                order,
            } => {
                let schema = draft.catalog.get(urn.token());
                is_revision = schema.is_some_and(|schema| schema.makes_revision(&comparison.diff));
                // An object that others have deployed in the place of ours stays theirs.
                if let Some(down) = nodes.down.get(&key(urn, &observed)) {
                    let delete = Action::DeleteReplaced {
                        observed: observed.clone(),
                        data: protect::data_of_replaced(schema, &observed),
                    };
                    let mut step = Step::of(draft.graph, urn, delete, because.clone());
                    step.is_revision = is_revision;
                    steps.insert(*down, step);
                }
                let create = Action::CreateReplacement {
                    desired,
                    replaced: observed,
                    comparison,
                    order,
                };
                (create, because)
            }
        };
        let mut step = Step::of(draft.graph, urn, action, because);
        step.is_revision = is_revision;
        steps.insert(nodes.up[urn], step);
    }
    (steps, kept)
}

/// Steps that delete objects without a successor.
fn departures(draft: &mut Draft<'_>, nodes: &Nodes, steps: &mut BTreeMap<usize, Step>) {
    for removal in std::mem::take(&mut draft.removals) {
        let node = nodes.down[&key(&removal.urn, &removal.observed)];
        let delete = Action::Delete {
            observed: removal.observed,
            data: removal.data,
        };
        let step = Step::of(draft.graph, &removal.urn, delete, removal.because);
        steps.insert(node, step);
    }
}

/// The strength of an edge.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Bond {
    /// It only keeps things tidy, and gives way to any other.
    Tidy,
    /// AWS does not delete an object that is in use.
    Use,
    /// A place is free only once another has left it.
    Place,
    /// Without it the plan is wrong.
    Must,
}

/// The meaning of a node.
#[derive(Debug, Clone)]
enum Node {
    Up(Urn),
    Down(ObjectKey),
}

/// The steps as numbers, before they are steps.
#[derive(Default)]
struct Nodes {
    all: Vec<Node>,
    /// The nodes that create a resource, or update it.
    up: BTreeMap<Urn, usize>,
    /// The nodes that delete an object.
    down: BTreeMap<ObjectKey, usize>,
    waits: BTreeMap<usize, BTreeSet<usize>>,
    /// Edges that give way to others; those that are not in here must hold.
    bonds: BTreeMap<(usize, usize), Bond>,
    /// The resources that want the place of an object that goes.
    wanted_by: BTreeMap<ObjectKey, Urn>,
    /// The objects that cannot be deleted because of their users.
    held: BTreeMap<ObjectKey, BTreeSet<Urn>>,
}

impl Nodes {
    fn of(draft: &Draft<'_>) -> Self {
        let mut nodes = Self::default();
        for (urn, verdict) in &draft.verdicts {
            if verdict.op() != Op::Same {
                let node = nodes.add(Node::Up((*urn).clone()));
                nodes.up.insert((*urn).clone(), node);
            }
            if let Decision::Replace { observed, .. } = &verdict.decision
                && !others::is_deployed(draft.catalog, observed)
                && !deletes::stays_in_use(draft, urn, observed)
                && !target::is_left(draft, urn, observed)
            {
                nodes.add_down(key(urn, observed));
            }
        }
        for removal in &draft.removals {
            nodes.add_down(key(&removal.urn, &removal.observed));
        }
        nodes
    }

    fn add(&mut self, node: Node) -> usize {
        let number = self.all.len();
        self.all.push(node);
        self.waits.insert(number, BTreeSet::new());
        number
    }

    fn add_down(&mut self, object: ObjectKey) {
        let node = self.add(Node::Down(object.clone()));
        self.down.insert(object, node);
    }

    fn wait(&mut self, node: usize, on: usize, bond: Bond) {
        if node == on {
            return;
        }
        let edge = (node, on);
        let is_new = self.waits.entry(node).or_default().insert(on);
        let before = if is_new { Bond::Tidy } else { self.bond(edge) };
        match before.max(bond) {
            Bond::Must => self.bonds.remove(&edge),
            stronger => self.bonds.insert(edge, stronger),
        };
    }

    fn bond(&self, edge: (usize, usize)) -> Bond {
        self.bonds.get(&edge).copied().unwrap_or(Bond::Must)
    }

    fn part(&mut self, (node, on): (usize, usize)) {
        if let Some(waits) = self.waits.get_mut(&node) {
            waits.remove(&on);
        }
        self.bonds.remove(&(node, on));
    }

    fn connect(&mut self, draft: &mut Draft<'_>) {
        for (urn, verdict) in &draft.verdicts {
            let Some(&up) = self.up.get(*urn) else {
                continue;
            };
            let resource = draft.graph.get(urn);
            for needed in resource.map(dependencies).unwrap_or_default() {
                let Some(&on) = self.up.get(needed) else {
                    continue;
                };
                if reboots_before(draft, urn, needed) {
                    self.wait(on, up, Bond::Must);
                } else if !is_deferred(draft, needed) {
                    self.wait(up, on, Bond::Must);
                } else if rolls_out(draft, urn) {
                    self.wait(on, up, Bond::Tidy);
                }
            }
            let Decision::Replace {
                observed, order, ..
            } = &verdict.decision
            else {
                continue;
            };
            let Some(&down) = self.down.get(&key(urn, observed)) else {
                continue;
            };
            match order {
                ReplaceOrder::CreateFirst => self.wait(down, up, Bond::Must),
                ReplaceOrder::DeleteFirst => self.wait(up, down, Bond::Must),
            }
        }
        self.connect_departures(draft);
        self.connect_additions(draft);
        self.connect_places(draft);
        self.connect_rollouts(draft);
    }

    /// Makes deletions wait for the users of the object: for their own deletion, and for the step that moves them off it.
    fn connect_departures(&mut self, draft: &Draft<'_>) {
        let downs: Vec<(ObjectKey, usize)> = self
            .down
            .iter()
            .map(|(object, node)| (object.clone(), *node))
            .collect();
        for (object, down) in downs {
            let delete_first = draft
                .verdicts
                .get(&object.0)
                .is_some_and(|verdict| verdict.replaces(ReplaceOrder::DeleteFirst, &object.1));
            let blockers = draft.uses.blockers_of(&object, draft.catalog);
            for user in draft.uses.needed_by(&object) {
                let bond = if blockers.contains(user) {
                    Bond::Use
                } else {
                    Bond::Tidy
                };
                if let Some(&on) = self.down.get(user) {
                    self.wait(down, on, bond);
                    // Once it is gone, nothing of it has to be moved.
                    if !delete_first && let Some(&on) = self.up.get(&user.0) {
                        self.wait(down, on, Bond::Tidy);
                    }
                    continue;
                }
                // Under delete-first, users are moved once the new object stands, unless AWS wants them off before.
                if (!delete_first || bond == Bond::Use)
                    && let Some(&on) = self.up.get(&user.0)
                {
                    self.wait(down, on, bond);
                }
                if bond == Bond::Use && stays(draft, &user.0, user, &object) {
                    self.hold(&object, &user.0);
                }
            }
        }
    }

    /// Orders the deletion of additions of others before that of the object they hang on, which AWS would not delete
    /// otherwise.
    fn connect_additions(&mut self, draft: &Draft<'_>) {
        for removal in &draft.removals {
            if !matches!(removal.because, Because::WithParent | Because::Removed) {
                continue;
            }
            let parent = others::parent_of(draft, &removal.observed);
            if let Some(&parent) = parent.and_then(|parent| self.down.get(&parent)) {
                let part = self.down[&key(&removal.urn, &removal.observed)];
                self.wait(parent, part, Bond::Use);
            }
        }
    }

    fn hold(&mut self, object: &ObjectKey, user: &Urn) {
        let users = self.held.entry(object.clone()).or_default();
        users.insert(user.clone());
    }

    /// Orders a resource that is to have a place after the holder that leaves it, and refuses it where no holder does.
    fn connect_places(&mut self, draft: &mut Draft<'_>) {
        for turn in exclusive::turns(draft) {
            if let (Some(&up), Some(&down)) = (self.up.get(&turn.user), self.down.get(&turn.old)) {
                self.wait(up, down, Bond::Place);
                if let Some(&under) = self.up.get(&turn.under) {
                    self.wait(down, under, Bond::Tidy);
                }
                self.wanted_by.insert(turn.old, turn.user);
            }
        }
        let places = Places::of(draft.live, &draft.removals, draft.catalog);
        let mut refusals = Vec::new();
        for (urn, verdict) in &draft.verdicts {
            let Some(&up) = self.up.get(*urn) else {
                continue;
            };
            let Some(schema) = draft.catalog.get(urn.token()) else {
                continue;
            };
            let wanted = &verdict.comparison.inputs;
            if let Decision::Update { observed, .. } = &verdict.decision
                && (schema.trades_places || schema.collides(wanted, &observed.inputs))
            {
                continue;
            }
            for holder in places.holders(urn, wanted) {
                if holder.0 == **urn && verdict.is_about(&holder.1) {
                    continue;
                }
                if let Some(&down) = self.down.get(holder) {
                    self.wait(up, down, Bond::Place);
                    if holder.0 != **urn {
                        self.wanted_by.insert(holder.clone(), (*urn).clone());
                    }
                    continue;
                }
                let leaves = draft.verdicts.get(&holder.0).is_some_and(|other| {
                    let stays_there = schema.collides(wanted, &other.comparison.inputs);
                    other.op() == Op::Update && other.is_about(&holder.1) && !stays_there
                });
                match self.up.get(&holder.0) {
                    Some(&on) if leaves => self.wait(up, on, Bond::Place),
                    _ if is_refused(draft, &holder.0) => {}
                    _ => refusals.push(place_taken(draft, urn, holder)),
                }
            }
        }
        draft.refusals.extend(refusals);
    }

    /// Makes deletions of objects in no one's way wait for the rollouts: routes, rules, roles that the running tasks need
    /// until others have taken over.
    fn connect_rollouts(&mut self, draft: &Draft<'_>) {
        let rollouts: Vec<usize> = self
            .up
            .iter()
            .filter(|(urn, _)| rolls_out(draft, urn))
            .map(|(_, up)| *up)
            .collect();
        if rollouts.is_empty() {
            return;
        }
        let mut in_the_way: BTreeSet<usize> = BTreeSet::new();
        let mut open: Vec<usize> = self.up.values().copied().collect();
        while let Some(node) = open.pop() {
            let needed = self.waits[&node].iter();
            open.extend(needed.filter(|on| in_the_way.insert(**on)));
        }
        let downs: Vec<usize> = self.down.values().copied().collect();
        for down in downs {
            if !in_the_way.contains(&down) {
                for &rollout in &rollouts {
                    self.wait(down, rollout, Bond::Tidy);
                }
            }
        }
    }

    /// A topological order; edges that contradict each other give way, the weakest first. Those that must hold, and close a
    /// circle, are put back in the end, so that `verify` finds the circle and the plan does not run.
    fn order(&mut self, draft: &mut Draft<'_>) -> Vec<usize> {
        let mut contradictions = Vec::new();
        loop {
            let cycle = match topological(&self.waits) {
                Ok(order) => {
                    for (node, on) in contradictions {
                        self.wait(node, on, Bond::Must);
                    }
                    return order;
                }
                Err(cyclic) => cyclic.0,
            };
            let edges: Vec<(usize, usize)> =
                cycle.windows(2).map(|pair| (pair[0], pair[1])).collect();
            let weak = |bond: Bond| edges.iter().copied().find(|edge| self.bond(*edge) == bond);
            if let Some(edge) = weak(Bond::Tidy) {
                self.part(edge);
            } else if let Some(urn) = self.to_go_first(draft, &edges) {
                self.go_first(draft, &urn);
            } else if let Some(edge) = weak(Bond::Use) {
                self.hold_by(edge);
                self.part(edge);
            } else if let Some(edge) = weak(Bond::Place) {
                let refusal = self.exchange(draft, edge);
                draft.refusals.extend(refusal);
                self.part(edge);
            } else if let Some(&edge) = edges.first() {
                self.part(edge);
                contradictions.push(edge);
            }
        }
    }

    /// The steps in their order, each with the steps it waits for.
    fn in_order(&self, order: &[usize], mut steps: BTreeMap<usize, Step>) -> Vec<Step> {
        let positions: BTreeMap<usize, StepId> = order
            .iter()
            .enumerate()
            .map(|(position, node)| (*node, position))
            .collect();
        let steps = order.iter().filter_map(|node| {
            let waits = self.waits[node].iter();
            let waits_for = waits.map(|wait| positions[wait]).collect();
            Some(Step {
                waits_for,
                ..steps.remove(node)?
            })
        });
        steps.collect()
    }

    /// Returns, of the create-first replacements in a cycle, the one whose old object can best go before the new one stands.
    fn to_go_first(&self, draft: &Draft<'_>, edges: &[(usize, usize)]) -> Option<Urn> {
        let turning = edges.iter().filter_map(|(node, on)| {
            let (Node::Down(object), Node::Up(urn)) = (&self.all[*node], &self.all[*on]) else {
                return None;
            };
            let verdict = draft.verdicts.get(urn)?;
            let turns = verdict.replaces(ReplaceOrder::CreateFirst, &object.1);
            (turns && object.0 == *urn).then_some((object, urn))
        });
        let best = turning.min_by_key(|(object, urn)| {
            let blockers = draft.uses.blockers_of(object, draft.catalog);
            let stuck = blockers.iter().filter(|user| {
                let waits = self.up.get(&user.0).zip(self.up.get(*urn));
                !self.down.contains_key(**user)
                    && waits.is_none_or(|(&user, &up)| self.reaches(user, up))
            });
            let schema = draft.catalog.get(urn.token());
            let interrupts = schema.is_some_and(|schema| schema.interruption.is_some());
            let is_data = schema.is_some_and(|schema| schema.stateful);
            (stuck.count(), is_data, interrupts, (*urn).clone())
        });
        best.map(|(_, urn)| urn.clone())
    }

    fn reaches(&self, from: usize, to: usize) -> bool {
        let mut seen = BTreeSet::from([from]);
        let mut open = vec![from];
        while let Some(node) = open.pop() {
            if node == to {
                return true;
            }
            let needed = self.waits[&node].iter();
            open.extend(needed.filter(|on| seen.insert(**on)));
        }
        false
    }

    /// Turns a create-first replacement into a delete-first one.
    fn go_first(&mut self, draft: &mut Draft<'_>, urn: &Urn) {
        let verdict = draft.verdicts.get_mut(urn);
        let Some(Decision::Replace {
            observed, order, ..
        }) = verdict.map(|verdict| &mut verdict.decision)
        else {
            return;
        };
        *order = ReplaceOrder::DeleteFirst;
        let object = key(urn, observed);
        let cause = self
            .wanted_by
            .get(&object)
            .map(|by| DeleteFirst::PlaceWanted(by.clone()));
        let cause = cause.or_else(|| {
            let needed = draft.graph.get(urn).map(dependencies).unwrap_or_default();
            let first = |urn: &&&Urn| draft.delete_first.contains_key(**urn);
            let with = needed.iter().find(first);
            with.map(|urn| DeleteFirst::With((*urn).clone()))
        });
        let cause = cause.unwrap_or(DeleteFirst::InTheWay);
        draft.delete_first.insert(urn.clone(), cause);
        let (up, down) = (self.up[urn], self.down[&object]);
        self.part((down, up));
        self.wait(up, down, Bond::Must);
    }

    /// An object that would have to go before its user has moved.
    fn hold_by(&mut self, (node, on): (usize, usize)) {
        let user = match &self.all[on] {
            Node::Up(urn) | Node::Down((urn, _)) => urn.clone(),
        };
        if let Node::Down(object) = self.all[node].clone() {
            self.hold(&object, &user);
        }
    }

    /// A place that is free only once its next holder has it.
    fn exchange(&self, draft: &Draft<'_>, (node, on): (usize, usize)) -> Option<Refusal> {
        let Node::Up(urn) = &self.all[node] else {
            return None;
        };
        let by = match &self.all[on] {
            Node::Down(object) => object.clone(),
            Node::Up(by) => key(by, draft.verdicts.get(by)?.observed()?),
        };
        Some(place_taken(draft, urn, &by))
    }

    /// Refuses the deletions that were found to be held.
    fn refuse(&self, draft: &mut Draft<'_>) {
        for (object, users) in &self.held {
            if is_refused(draft, &object.0) {
                continue;
            }
            let (urn, id) = object;
            let cause = draft.delete_first.get(urn).filter(|_| {
                let verdict = draft.verdicts.get(urn);
                verdict.is_some_and(|verdict| verdict.is_about(id))
            });
            let out_of_reach = users.iter().any(|user| {
                let verdict = draft.verdicts.get(user);
                verdict.is_some_and(|verdict| {
                    verdict.op() == Op::Same && !verdict.comparison.is_same()
                })
            });
            let because = match (cause, self.wanted_by.get(object)) {
                _ if out_of_reach => Held::OutOfReach,
                (Some(cause), _) => Held::DeleteFirst(cause.clone()),
                (None, Some(by)) => Held::DeleteFirst(DeleteFirst::PlaceWanted(by.clone())),
                (None, None) => Held::Stays,
            };
            let because = match because {
                Held::DeleteFirst(cause) => Held::DeleteFirst(root(draft, cause)),
                other => other,
            };
            let place = match &because {
                Held::DeleteFirst(DeleteFirst::PlaceWanted(by) | DeleteFirst::With(by)) => {
                    places::properties_of(draft, by)
                }
                _ => places::properties_of(draft, urn),
            };
            draft.refusals.push(Refusal::InUse {
                urn: urn.clone(),
                id: id.clone(),
                users: users.iter().cloned().collect(),
                because,
                place,
            });
        }
    }
}

/// Returns whether both are rebooted, and the one that needs the other has to be first: a replica whose parameters grow.
fn reboots_before(draft: &Draft<'_>, urn: &Urn, needed: &Urn) -> bool {
    let is_rebooted = |urn: &Urn| {
        let verdict = draft.verdicts.get(urn);
        verdict.is_some_and(|verdict| verdict.op() == Op::Update && verdict.desired.reboot)
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

/// True if a live object of the stack goes on referring to another one for all that the plan does.
fn stays(draft: &Draft<'_>, urn: &Urn, user: &ObjectKey, object: &ObjectKey) -> bool {
    if is_refused(draft, urn) {
        return false;
    }
    let Some(verdict) = draft.verdicts.get(urn) else {
        return true;
    };
    // Once it is updated or replaced, it has the value from the file: that may be the same object still.
    !verdict.is_about(&user.1)
        || verdict.op() == Op::Same
        || draft.uses.names(&verdict.comparison.inputs, object)
}

/// The first cause in a chain of objects that go first along with each other.
fn root(draft: &Draft<'_>, mut cause: DeleteFirst) -> DeleteFirst {
    // Each is needed by the one before, so this ends.
    while let DeleteFirst::With(urn) = &cause
        && let Some(above @ DeleteFirst::With(_)) = draft.delete_first.get(urn)
    {
        cause = above.clone();
    }
    cause
}

fn is_refused(draft: &Draft<'_>, urn: &Urn) -> bool {
    draft.refusals.iter().any(|refusal| refusal.urn() == urn)
}

fn place_taken(draft: &Draft<'_>, urn: &Urn, holder: &ObjectKey) -> Refusal {
    Refusal::PlaceHeld {
        urn: urn.clone(),
        by: holder.0.clone(),
        id: holder.1.clone(),
        place: places::properties_of(draft, urn),
    }
}

/// True if a step of it brings new code into service beside the old.
fn rolls_out(draft: &Draft<'_>, urn: &Urn) -> bool {
    let schema = draft.catalog.get(urn.token());
    schema.is_some_and(|schema| schema.rolls_out)
}

/// True if a change is meant for the new code that comes into service, and harms the code in service now: it waits. Where
/// nothing is in service, or a rollout is stuck, the rollout may need the change.
fn is_deferred(draft: &Draft<'_>, urn: &Urn) -> bool {
    let schema = draft.catalog.get(urn.token());
    let harms = schema.and_then(|schema| schema.updates_after_rollout);
    let does_harm = harms
        .zip(draft.verdicts.get(urn))
        .is_some_and(|(harms, verdict)| {
            let observed = verdict.updated();
            observed.is_some_and(|observed| harms(&observed.inputs, &verdict.comparison.inputs))
        });
    if !does_harm {
        return false;
    }
    let uses_it = |user: &Urn| {
        let user = draft.graph.get(user);
        user.is_some_and(|user| dependencies(user).contains(urn))
    };
    draft.verdicts.iter().any(|(user, verdict)| {
        let serves = verdict.updated().is_some_and(|observed| {
            let count = observed.inputs.get("desiredCount");
            let runs = count.and_then(Value::as_number) != Some(0.0);
            observed.condition.is_usable() && runs
        });
        serves && rolls_out(draft, user) && uses_it(user)
    })
}
