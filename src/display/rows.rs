//! A plan as rows: an object each, with what happens to it and why, in words.

use std::borrow::Cow;
use std::collections::BTreeMap;

use crate::plan::{
    Action, Because, Goal, Op, Plan, Refusal, ReplaceOrder, RetainReason, Retained, Step, StepId,
};
use crate::resource::desired::Comparison;
use crate::resource::diff::compare;
use crate::resource::path::Segment;
use crate::resource::provider::DataPolicy;
use crate::resource::{Catalog, Change, ChangeKind, Interruption, Urn, Value};

/// One row of a plan: an object and what happens to it. A replacement's two steps are one row.
pub struct PlanRow<'a> {
    pub urn: &'a Urn,
    pub op: Op,
    /// True if the change makes a new revision, which destroys nothing.
    pub is_revision: bool,
    /// The step that says the most about it.
    pub step: Option<&'a Step>,
    pub steps: Vec<StepId>,
    pub retained: Option<&'a Retained>,
    /// The refusal that stands in its way.
    pub refusal: Option<&'a Refusal>,
}

impl<'a> PlanRow<'a> {
    /// A row without steps.
    fn of(urn: &'a Urn, op: Op) -> Self {
        Self {
            urn,
            op,
            is_revision: false,
            step: None,
            steps: Vec::new(),
            retained: None,
            refusal: None,
        }
    }

    /// The operation as the third column has it.
    pub fn word(&self) -> &'static str {
        if self.is_revision {
            REVISION
        } else {
            word(self.op)
        }
    }

    /// The id of the object that goes, if one does, or would if that were not refused: of an ARN the part after account and
    /// region.
    pub fn goes(&self) -> Option<&str> {
        let id = self.id_that_goes()?;
        let resource = id
            .strip_prefix("arn:")
            .and_then(|rest| rest.splitn(5, ':').nth(4));
        Some(resource.unwrap_or(id))
    }

    /// The same id, as AWS has it.
    pub fn id_that_goes(&self) -> Option<&str> {
        if !matches!(self.op, Op::Delete | Op::Replace) {
            return None;
        }
        let observed = self.step.and_then(Step::observed);
        let id = observed.map(|observed| observed.id.as_str());
        id.or_else(|| self.refusal.and_then(would_go))
    }

    /// `[diff: ~cidrBlock,+tags]`, or of a new revision its only change; empty where nothing differs.
    pub fn differences(&self, comparison: &Comparison) -> String {
        if let Some(change) = only_change(comparison.changes()).filter(|_| self.is_revision) {
            return change;
        }
        match changed(comparison.changes()).as_str() {
            "" => String::new(),
            changed => format!("[diff: {changed}]"),
        }
    }

    /// The effect of the row's step on those who are served.
    pub fn interruption(&self, plan: &Plan, catalog: &Catalog) -> Option<Cow<'static, str>> {
        interruption(plan, catalog, self.step?)
    }
}

/// The id of the object that goes unless that is refused.
fn would_go(refusal: &Refusal) -> Option<&str> {
    match refusal {
        Refusal::Protected { id, .. }
        | Refusal::Retained { id, .. }
        | Refusal::HoldsData { id, .. }
        | Refusal::Guarded { id, .. }
        | Refusal::InUse { id, .. }
        | Refusal::HeldByOthers { id, .. }
        | Refusal::Interrupts { id, .. } => Some(id),
        _ => None,
    }
}

/// The rows of a plan: first those with steps, in their order, then those that stay.
pub fn rows(plan: &Plan) -> Vec<PlanRow<'_>> {
    let mut replaced: BTreeMap<&Urn, usize> = BTreeMap::new();
    let mut rows: Vec<PlanRow<'_>> = Vec::new();
    for (id, step) in plan.steps.iter().enumerate() {
        let tells_most = matches!(step.action, Action::CreateReplacement { .. });
        if step.op() == Op::Replace {
            if let Some(&row) = replaced.get(&step.urn) {
                rows[row].steps.push(id);
                if tells_most {
                    rows[row].step = Some(step);
                }
                continue;
            }
            replaced.insert(&step.urn, rows.len());
        }
        rows.push(PlanRow {
            is_revision: step.is_revision,
            step: Some(step),
            steps: vec![id],
            ..PlanRow::of(&step.urn, step.shown_op())
        });
    }
    for refusal in &plan.refusals {
        let is_beside = matches!(refusal, Refusal::TagsAlone { .. });
        // A deletion that is refused is no step; one that has the same URN is of another object.
        let is_deletion = matches!(
            refusal,
            Refusal::Protected { op: Op::Delete, .. }
                | Refusal::HoldsData { op: Op::Delete, .. }
                | Refusal::Guarded { op: Op::Delete, .. }
        );
        match rows.iter_mut().find(|row| row.urn == refusal.urn()) {
            // An object that others have made is not the one that the row tells of.
            _ if is_beside => rows.push(PlanRow {
                refusal: Some(refusal),
                ..PlanRow::of(refusal.urn(), Op::Retain)
            }),
            Some(row) if !is_deletion => row.refusal = Some(refusal),
            _ => rows.push(PlanRow {
                refusal: Some(refusal),
                ..PlanRow::of(refusal.urn(), Op::Delete)
            }),
        }
    }
    rows.extend(plan.retained.iter().map(|retained| PlanRow {
        retained: Some(retained),
        ..PlanRow::of(&retained.urn, Op::Retain)
    }));
    rows.extend(
        plan.kept
            .iter()
            .map(|kept| PlanRow::of(&kept.urn, Op::Same)),
    );
    rows
}

/// Returns whether a row is shown: one that stays as it is is hidden, and so is one out of the reach of a target.
pub fn is_shown(row: &PlanRow<'_>) -> bool {
    match row.op {
        Op::Same => false,
        Op::Retain if row.refusal.is_some() => true,
        Op::Retain => row
            .retained
            .is_some_and(|retained| retained.reason != RetainReason::NotTargeted),
        _ => true,
    }
}

/// A change that makes a new revision, as the third column has it.
pub const REVISION: &str = "new revision";

/// An operation as the third column has it.
pub fn word(op: Op) -> &'static str {
    match op {
        Op::Same => "",
        Op::Create => "create",
        Op::Update => "update",
        Op::Replace => "replace",
        Op::Delete => "delete",
        Op::Retain => "retain",
    }
}

/// `~cidrBlock,+tags`: the properties that change, each with what happens to it.
///
/// Those that ask for a new object come first: where room is short, they are what is left.
pub fn changed<'a>(changes: impl Iterator<Item = &'a Change>) -> String {
    let mut properties: Vec<(&str, char)> = Vec::new();
    let (replacing, others): (Vec<_>, Vec<_>) = changes.partition(|change| change.replaces);
    for change in replacing.into_iter().chain(others) {
        let symbol = match change.kind {
            ChangeKind::Add if change.path.len() == 1 => '+',
            ChangeKind::Delete if change.path.len() == 1 => '-',
            _ => '~',
        };
        if !properties
            .iter()
            .any(|(name, _)| *name == change.property())
        {
            properties.push((change.property(), symbol));
        }
    }
    let properties: Vec<String> = properties
        .into_iter()
        .map(|(name, symbol)| format!("{symbol}{name}"))
        .collect();
    properties.join(",")
}

/// `image 1.27 → 1.28`: the change where it is the only one, and short; of two images that differ in their tag alone, the tags.
fn only_change<'a>(mut changes: impl Iterator<Item = &'a Change>) -> Option<String> {
    /// The longest value that is shown.
    const LONGEST: usize = 30;
    let (change, None) = (changes.next()?, changes.next()) else {
        return None;
    };
    let (Some(Segment::Key(name)), Value::String(before), Value::String(after)) =
        (change.path.segments().last(), &change.before, &change.after)
    else {
        return None;
    };
    let (before, after) = match (before.rsplit_once(':'), after.rsplit_once(':')) {
        (Some((there, before)), Some((here, after))) if there == here => (before, after),
        _ => (before.as_str(), after.as_str()),
    };
    let is_short = before.len().max(after.len()) <= LONGEST;
    is_short.then(|| format!("{name} {before} → {after}"))
}

/// Op and reason in words: `replace, new one first: cidrBlock cannot change in place`.
pub fn headline(step: &Step) -> String {
    if step.is_revision {
        return match &step.because {
            Because::CannotChange(_) => REVISION.to_owned(),
            _ => format!("{REVISION}: {}", reason(step)),
        };
    }
    let mut text = word(step.op()).to_owned();
    if let Action::CreateReplacement { order, .. } = &step.action {
        text.push_str(match order {
            ReplaceOrder::CreateFirst => ", new one first",
            ReplaceOrder::DeleteFirst => ", old one first",
        });
    }
    match &step.because {
        Because::Missing | Because::Destroy => text,
        Because::Edited if step.op() == Op::Update => text,
        _ => format!("{text}: {}", reason(step)),
    }
}

/// The reason, in words: `cidrBlock cannot change in place`.
pub fn reason(step: &Step) -> String {
    match (&step.because, step.comparison()) {
        (Because::CannotChange(properties), _) => {
            format!("{} cannot change in place", properties.join(", "))
        }
        // A replacement that drift asks for should say what drifted.
        (Because::Drifted, Some(comparison)) if step.op() == Op::Replace => {
            let replacing = comparison.changes().filter(|change| change.replaces);
            format!("drift in {}", changed(replacing))
        }
        (because, _) => because.to_string(),
    }
}

/// The effect of a deletion, or an update, on data, where there is any, in the words of the type.
pub fn fate_of_data(catalog: &Catalog, step: &Step) -> Option<String> {
    let schema = catalog.get(step.urn.token())?;
    if let (
        Action::Update {
            observed,
            comparison,
            ..
        },
        Some(discards),
    ) = (&step.action, schema.discards)
    {
        return discards(&observed.inputs, &comparison.inputs).map(str::to_owned);
    }
    if !schema.stateful {
        return None;
    }
    let (observed, data) = match &step.action {
        Action::Delete { observed, data } | Action::DeleteReplaced { observed, data } => {
            (observed, *data)
        }
        // Its deletion is a step of its own, with the same answer.
        Action::CreateReplacement { replaced, .. } => (replaced, DataPolicy::Snapshot),
        _ => return None,
    };
    let left = schema
        .left_of(observed)
        .filter(|_| data == DataPolicy::Snapshot);
    Some(left.unwrap_or_else(|| "its data is lost".to_owned()))
}

/// The effect of a step on those who are served at the time.
pub fn interruption(plan: &Plan, catalog: &Catalog, step: &Step) -> Option<Cow<'static, str>> {
    let interruption = catalog.get(step.urn.token())?.interruption?;
    if let Action::Update {
        desired,
        observed,
        comparison,
    } = &step.action
        && let Some(updated) = interruption.updated
    {
        return updated(&comparison.diff, &desired.inputs, observed).map(Cow::from);
    }
    of_traffic(plan, catalog, step, interruption).map(Cow::from)
}

/// The effect of a step, whatever the values are.
fn of_traffic(
    plan: &Plan,
    catalog: &Catalog,
    step: &Step,
    interruption: Interruption,
) -> Option<&'static str> {
    match &step.action {
        Action::CreateReplacement {
            order: ReplaceOrder::CreateFirst,
            ..
        } => interruption.create_first,
        Action::CreateReplacement {
            order: ReplaceOrder::DeleteFirst,
            ..
        } => Some(interruption.delete_first),
        // `destroy` ends all service, which needs no row to say so.
        Action::Delete { .. } if plan.goal == Goal::Up && step.because == Because::NotInFile => {
            interruption.deleted
        }
        // Under another name, it takes over from one that goes.
        Action::Create {
            desired,
            comparison,
        } => {
            let property = interruption.sends_to?;
            let schema = catalog.get(step.urn.token())?;
            let takes_over = plan.steps.iter().any(|other| match &other.action {
                Action::Delete { observed, .. } if observed.token == step.urn.token() => {
                    let diff = compare(schema, &comparison.inputs, &observed.inputs);
                    let mut changed = diff.changes.iter().map(Change::property);
                    changed.all(|name| name == property || schema.key.contains(&name))
                }
                _ => false,
            });
            (takes_over && sends_to_new(plan, desired.inputs.get(property)?))
                .then_some(UNREGISTERED)
        }
        Action::Update {
            desired,
            comparison,
            ..
        } => {
            let property = interruption.sends_to?;
            let is_sent_elsewhere = comparison.diff.touches(property);
            let wanted = desired.inputs.get(property).filter(|_| is_sent_elsewhere)?;
            sends_to_new(plan, wanted).then_some(UNREGISTERED)
        }
        _ => None,
    }
}

/// The effect of sending traffic to a target group that is yet to be made.
const UNREGISTERED: &str =
    "requests fail until tasks have registered in the new target group and are healthy";

/// Returns whether traffic goes to something that the plan makes.
fn sends_to_new(plan: &Plan, sends_to: &Value) -> bool {
    let mut targets = sends_to.references().into_iter();
    targets.any(|target| {
        let mut steps = plan.steps.iter();
        steps.any(|step| step.urn == target.urn && step.op() == Op::Create)
    })
}

/// The reason why a step that creates has nothing to make yet: its parent is made by the same run.
pub fn idle(plan: &Plan, catalog: &Catalog, step: &Step) -> Option<&'static str> {
    let Action::Create { comparison, .. } = &step.action else {
        return None;
    };
    let schema = catalog.get(step.urn.token())?;
    let reason = schema.idle_at_first?;
    let is_new = schema.parents.iter().any(|parent| {
        let name = catalog.get(parent.token).and_then(|schema| schema.name);
        let wanted = comparison.inputs.get(parent.property);
        plan.steps.iter().any(|other| match &other.action {
            Action::Create { comparison, .. } if other.urn.token() == parent.token => {
                name.and_then(|rule| comparison.inputs.get(rule.property)) == wanted
            }
            _ => false,
        })
    });
    is_new.then_some(reason)
}

/// The number of rows for each operation; refused ones have none.
pub fn tally(plan: &Plan) -> BTreeMap<Op, usize> {
    let mut tally = BTreeMap::new();
    for row in rows(plan) {
        let in_scope = row
            .retained
            .is_none_or(|retained| retained.reason != RetainReason::NotTargeted);
        if row.refusal.is_none() && in_scope {
            *tally.entry(row.op).or_insert(0) += 1;
        }
    }
    tally
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::resource::path::Path;

    fn change(path: &str, before: &str, after: &str) -> Change {
        Change {
            path: Path::parse(path).unwrap(),
            kind: ChangeKind::Update,
            before: before.into(),
            after: after.into(),
            replaces: true,
            may_replace: false,
            rewrites: false,
        }
    }

    #[test]
    fn the_only_change_of_a_revision_is_shown_with_its_values() {
        let shown = |changes: &[Change]| only_change(changes.iter());
        let image = |before, after| change("containerDefinitions[0].image", before, after);
        assert_eq!(
            shown(&[image(
                "public.ecr.aws/shop/api:1.27",
                "public.ecr.aws/shop/api:1.28"
            )]),
            Some("image 1.27 → 1.28".to_owned())
        );
        assert_eq!(
            shown(&[image("shop/api:1", "store/api:1")]),
            Some("image shop/api:1 → store/api:1".to_owned())
        );
        assert_eq!(
            shown(&[change("cpu", "256", "512")]),
            Some("cpu 256 → 512".to_owned())
        );
        let long = "x".repeat(31);
        assert_eq!(shown(&[change("cpu", "256", &long)]), None);
        assert_eq!(
            shown(&[change("cpu", "256", "512"), image("a:1", "a:2")]),
            None
        );
        assert_eq!(shown(&[]), None);
    }
}
