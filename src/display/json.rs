//! `preview --json`: types for it alone, so that the inner ones stay free to change.
//!
//! The number in `version` grows when something is taken away or changes its meaning; an addition does not change it.

use std::borrow::Cow;

use serde::Serialize;
use serde_json::Value as Json;

use super::added;
use super::diff::masked;
use super::estimate::Estimate;
use super::new_defaults;
use super::outputs::json;
use super::pending;
use super::rows::{headline, interruption, rows, tally};
use crate::plan::{Action, Because, Goal, Op, Plan, Refusal, ReplaceOrder, RetainReason, Step};
use crate::resource::provider::DataPolicy;
use crate::resource::{Catalog, Change, ChangeKind, Properties, Value};

/// The version of this format.
const VERSION: u32 = 1;

/// The words for the steps.
pub const CREATE: &str = "create";
pub const UPDATE: &str = "update";
pub const CREATE_REPLACEMENT: &str = "create-replacement";
pub const DELETE_REPLACED: &str = "delete-replaced";
pub const DELETE: &str = "delete";

/// A plan.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Document {
    version: u32,
    stack: String,
    goal: &'static str,
    account: String,
    region: String,
    steps: Vec<JsonStep>,
    summary: Summary,
    /// The time that the plan usually takes; left out below a minute, and where the plan is refused.
    #[serde(skip_serializing_if = "Option::is_none")]
    estimate: Option<JsonEstimate>,
    refusals: Vec<JsonRefusal>,
    retained: Vec<JsonRetained>,
    added: Vec<JsonAdded>,
    /// Settings that are decided and not in force, and stay so unless the plan says otherwise.
    pending: Vec<JsonPending>,
    /// Changes that come because a default is another one than it was.
    new_defaults: Vec<JsonNewDefault>,
    outputs: Json,
}

/// An object that others have added, and that stays.
#[derive(Debug, Serialize)]
struct JsonAdded {
    /// The URN of the object that it hangs on.
    parent: String,
    #[serde(rename = "type")]
    kind: String,
    id: String,
    what: String,
    drift: bool,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct JsonStep {
    urn: String,
    #[serde(rename = "type")]
    kind: String,
    name: String,
    op: &'static str,
    /// A word for machines.
    because: &'static str,
    /// A sentence for people.
    reason: String,
    drift: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    replace_order: Option<&'static str>,
    /// The live object that it starts from.
    #[serde(skip_serializing_if = "Option::is_none")]
    id: Option<String>,
    /// The fate of data that only this object holds.
    #[serde(skip_serializing_if = "Option::is_none")]
    data: Option<&'static str>,
    /// The effect of a replacement on those who are served.
    #[serde(skip_serializing_if = "Option::is_none")]
    interrupts: Option<Cow<'static, str>>,
    /// The inputs that a new object is made with.
    #[serde(skip_serializing_if = "Option::is_none")]
    inputs: Option<Json>,
    diff: Vec<JsonChange>,
    /// Positions in `steps` of those that have to be done before.
    waits_for: Vec<usize>,
}

#[derive(Debug, Serialize)]
struct JsonChange {
    path: String,
    kind: &'static str,
    before: Json,
    after: Json,
    replaces: bool,
    /// True if AWS does not say what it is; it is written again because its source is another.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    rewrites: bool,
}

#[derive(Debug, Serialize)]
struct Summary {
    create: usize,
    update: usize,
    replace: usize,
    delete: usize,
    retain: usize,
    same: usize,
    drift: usize,
    /// Changes that interrupt traffic, or lose addresses.
    interrupts: usize,
}

/// The time that a plan usually takes on AWS.
#[derive(Debug, Serialize)]
struct JsonEstimate {
    seconds: u64,
    longest: JsonLongest,
    /// A sentence for people.
    text: String,
}

/// The step of the longest chain that takes longest.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct JsonLongest {
    urn: String,
    name: String,
    least_seconds: u64,
    most_seconds: u64,
}

#[derive(Debug, Serialize)]
struct JsonRefusal {
    urn: String,
    name: String,
    because: &'static str,
    id: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    owner: Option<String>,
}

#[derive(Debug, Serialize)]
struct JsonRetained {
    urn: String,
    name: String,
    id: String,
    because: &'static str,
    reason: String,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct JsonNewDefault {
    urn: String,
    name: String,
    /// The property with its value; empty if the whole resource comes with the default.
    what: String,
    /// The key in the file that keeps what there was.
    keep: Option<String>,
    /// A sentence for people.
    reason: String,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct JsonPending {
    urn: String,
    name: String,
    what: String,
    /// A word for machines.
    until: &'static str,
    /// A sentence for people.
    reason: String,
}

impl Document {
    /// The same with the time that the plan usually takes. A saved plan is the same plan without it.
    #[must_use]
    pub fn with_estimate(mut self, estimate: Option<&Estimate>) -> Self {
        self.estimate = estimate.map(|estimate| {
            let (urn, usual) = &estimate.longest;
            JsonEstimate {
                seconds: estimate.total.as_secs(),
                longest: JsonLongest {
                    urn: urn.to_string(),
                    name: urn.name().to_owned(),
                    least_seconds: usual.least.as_secs(),
                    most_seconds: usual.most.as_secs(),
                },
                text: estimate.text(urn.name()),
            }
        });
        self
    }

    /// The number of resources for each kind of change, in a sentence.
    pub fn summary(&self) -> String {
        let Summary {
            create,
            update,
            replace,
            delete,
            retain,
            same,
            drift: _,
            interrupts,
        } = self.summary;
        let counts = [
            (create, "to create"),
            (update, "to update"),
            (replace, "to replace"),
            (delete, "to delete"),
            (retain, "to retain"),
            (same, "unchanged"),
            (interrupts, "interrupting"),
        ];
        let counts = counts.iter().filter(|(count, _)| *count > 0);
        let counts: Vec<String> = counts
            .map(|(count, word)| format!("{count} {word}"))
            .collect();
        counts.join(", ")
    }
}

/// The plan as a document.
pub fn document(plan: &Plan, catalog: &Catalog) -> Document {
    let fact = |name| plan.facts.get(name).and_then(Value::as_str);
    let tally = tally(plan);
    let count = |op| tally.get(&op).copied().unwrap_or(0);
    let drift = rows(plan)
        .iter()
        .filter(|row| row.step.is_some_and(|step| step.because.is_drift()))
        .count();
    Document {
        version: VERSION,
        stack: plan.stack.to_string(),
        goal: match plan.goal {
            Goal::Up => "up",
            Goal::Destroy => "destroy",
        },
        account: fact("accountId").unwrap_or_default().to_owned(),
        region: fact("region").unwrap_or_default().to_owned(),
        steps: plan
            .steps
            .iter()
            .map(|step| json_step(plan, step, catalog))
            .collect(),
        summary: Summary {
            create: count(Op::Create),
            update: count(Op::Update),
            replace: count(Op::Replace),
            delete: count(Op::Delete),
            retain: count(Op::Retain),
            same: count(Op::Same),
            drift: drift + added::drifting(plan),
            interrupts: rows(plan)
                .iter()
                .filter(|row| row.interruption(plan, catalog).is_some())
                .count(),
        },
        estimate: None,
        refusals: plan.refusals.iter().map(refusal).collect(),
        retained: plan
            .retained
            .iter()
            .map(|retained| JsonRetained {
                urn: retained.urn.to_string(),
                name: retained.urn.name().to_owned(),
                id: retained.observed.id.clone(),
                because: match retained.reason {
                    RetainReason::OnDelete => "onDelete",
                    RetainReason::LeavesNothing => "leavesNothing",
                    RetainReason::RetainOnDelete => "retainOnDelete",
                    RetainReason::NeededBy(_) => "needed",
                    RetainReason::NotTargeted => "notTargeted",
                    RetainReason::UsedOutOfReach(_) => "usedOutOfReach",
                    RetainReason::PartOf(_) => "partOf",
                },
                reason: retained.reason.to_string(),
            })
            .collect(),
        added: plan
            .added
            .iter()
            .map(|added| JsonAdded {
                parent: added.parent.to_string(),
                kind: added.observed.token.clone(),
                id: added.observed.id.clone(),
                what: added::text(added),
                drift: added.is_drift,
            })
            .collect(),
        pending: pending::of_plan(plan, catalog)
            .iter()
            .map(|waiting| JsonPending {
                urn: waiting.urn.to_string(),
                name: waiting.urn.name().to_owned(),
                what: waiting.what.clone(),
                until: waiting.word(),
                reason: waiting.sentence(),
            })
            .collect(),
        new_defaults: new_defaults::of_plan(plan, catalog)
            .iter()
            .map(|new| JsonNewDefault {
                urn: new.urn.to_string(),
                name: new.urn.name().to_owned(),
                what: new.what.clone(),
                keep: new.keep.map(str::to_owned),
                reason: new.sentence(),
            })
            .collect(),
        outputs: plan
            .outputs
            .iter()
            .map(|output| (output.name.clone(), json(&output.known, false)))
            .collect::<serde_json::Map<_, _>>()
            .into(),
    }
}

fn json_step(plan: &Plan, step: &Step, catalog: &Catalog) -> JsonStep {
    let changes = match (&step.action, step.comparison()) {
        (Action::Create { .. }, _) | (_, None) => Vec::new(),
        (_, Some(comparison)) => comparison.changes().map(json_change).collect(),
    };
    let inputs = match (&step.action, step.comparison()) {
        (Action::Create { .. } | Action::CreateReplacement { .. }, Some(comparison)) => {
            let shown: Properties = masked(&comparison.inputs, step.urn.token(), catalog);
            Some(json(&Value::Object(shown), false))
        }
        _ => None,
    };
    let stateful = catalog
        .get(step.urn.token())
        .is_some_and(|schema| schema.stateful);
    JsonStep {
        urn: step.urn.to_string(),
        kind: step.urn.token().to_owned(),
        name: step.urn.name().to_owned(),
        op: op(&step.action),
        because: because(&step.because),
        reason: headline(step),
        drift: step.because.is_drift(),
        replace_order: match &step.action {
            Action::CreateReplacement { order, .. } => Some(match order {
                ReplaceOrder::CreateFirst => "create-first",
                ReplaceOrder::DeleteFirst => "delete-first",
            }),
            _ => None,
        },
        id: step.observed().map(|observed| observed.id.clone()),
        data: match &step.action {
            Action::Delete { data, .. } | Action::DeleteReplaced { data, .. } if stateful => {
                Some(match data {
                    DataPolicy::Discard => "discard",
                    DataPolicy::Snapshot => "snapshot",
                })
            }
            _ => None,
        },
        interrupts: interruption(plan, catalog, step),
        inputs,
        diff: changes,
        waits_for: step.waits_for.iter().copied().collect(),
    }
}

/// A step's word.
pub fn op(action: &Action) -> &'static str {
    match action {
        Action::Create { .. } => CREATE,
        Action::Update { .. } => UPDATE,
        Action::CreateReplacement { .. } => CREATE_REPLACEMENT,
        Action::DeleteReplaced { .. } => DELETE_REPLACED,
        Action::Delete { .. } => DELETE,
    }
}

fn because(because: &Because) -> &'static str {
    match because {
        Because::Missing => "missing",
        Because::Gone => "gone",
        Because::Lapsed => "lapsed",
        Because::Edited => "edited",
        Because::Drifted => "drifted",
        Because::Renewed => "renewed",
        Because::Unfinished(_) => "unfinished",
        Because::Broken(_) => "broken",
        Because::CannotChange(_) => "cannotChange",
        Because::GoesWith(_) => "goesWith",
        Because::Requested => "requested",
        Because::Reboot => "reboot",
        Because::NotInFile => "notInFile",
        Because::Destroy => "destroy",
        Because::Superseded => "superseded",
        Because::Deployed(_) => "deployed",
        Because::TakenOver => "takenOver",
        Because::Renamed(_) => "renamed",
        Because::Removed => "removed",
        Because::WithParent => "withParent",
        Because::Unmarked => "unmarked",
        Because::Behind => "behind",
    }
}

fn json_change(change: &Change) -> JsonChange {
    JsonChange {
        path: change.path.to_string(),
        kind: match change.kind {
            ChangeKind::Add => "add",
            ChangeKind::Update => "update",
            ChangeKind::Delete => "delete",
        },
        before: json(&change.before, false),
        after: json(&change.after, false),
        replaces: change.replaces,
        rewrites: change.rewrites,
    }
}

fn refusal(refusal: &Refusal) -> JsonRefusal {
    let (because, id, owner) = match refusal {
        Refusal::NameTaken { id, owner, .. } => {
            ("nameTaken", id, owner.resource().map(str::to_owned))
        }
        Refusal::TagsLost(unmarked) => ("tagsLost", &unmarked.id, None),
        Refusal::TagsAlone { id, .. } => ("tagsAlone", id, None),
        Refusal::Protected { id, .. } => ("protected", id, None),
        Refusal::Retained { id, .. } => ("retained", id, None),
        Refusal::HoldsData { id, .. } => ("holdsData", id, None),
        Refusal::Guarded { id, .. } => ("guarded", id, None),
        Refusal::InUse { id, .. } => ("inUse", id, None),
        Refusal::PlaceHeld { id, .. } => ("placeHeld", id, None),
        Refusal::Interrupts { id, .. } => ("interrupts", id, None),
        Refusal::Forbidden { id, .. } => ("forbidden", id, None),
        Refusal::ParentNotOurs { parent, .. } => ("parentNotOurs", parent, None),
        Refusal::PlaceTaken { id, owner, .. } => {
            ("placeTaken", id, owner.resource().map(str::to_owned))
        }
        Refusal::HeldByOthers { id, .. } => ("heldByOthers", id, None),
        Refusal::Elsewhere { id, .. } => ("elsewhere", id, None),
        Refusal::Shortens { id, .. } => ("shortens", id, None),
        // There is no object in the way: what is asked for stands in for it.
        Refusal::NotOffered { found, .. } => {
            let wanted: Vec<&str> = found.iter().map(|found| found.wanted.as_str()).collect();
            ("notOffered", &wanted.join(", "), None)
        }
    };
    JsonRefusal {
        urn: refusal.urn().to_string(),
        name: refusal.urn().name().to_owned(),
        because,
        id: id.clone(),
        owner,
    }
}
