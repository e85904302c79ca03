//! The steps that bring a stack from what is there to what is wanted, their order, and their reasons.
//!
//! A pure function: [`build`] takes the graph and the snapshot and returns the [`Plan`] that `preview` shows and `up`
//! runs. It reads as a list of passes, one file each. No time, network, YAML or SDK here.

mod announced;
mod compare;
mod deletes;
mod edges;
mod exclusive;
mod held;
mod others;
mod places;
mod protect;
mod replace;
mod retained;
mod target;
mod unmarked;
mod verdict;
pub mod verify;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::time::Duration;

pub use others::{boundless_accepts, idle_accepts, names_an_addition, names_of_additions};
pub use retained::{RetainReason, Retained};
pub use target::matches_any;
pub use unmarked::Unmarked;
use verdict::{Decision, Verdict};

use crate::graph::ResourceGraph;
use crate::resource::desired::Comparison;
use crate::resource::proof::RunMark;
use crate::resource::provider::{DataPolicy, Holder};
use crate::resource::{Catalog, Desired, LastRun, LiveSnapshot, Observed, StackId, Urn, Value};

/// The request of the user.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Request {
    pub goal: Goal,
    /// Only these, and their dependencies. Names, sections or globs.
    pub targets: Vec<String>,
    /// All but these and their dependents.
    pub excludes: Vec<String>,
    /// Replaced although nothing asks for it.
    pub replace: Vec<String>,
    /// Rebooted, once they are as wanted.
    pub reboot: Vec<String>,
    /// Data that may be deleted, by logical or physical name.
    pub allow_delete: Vec<String>,
    /// Additions of others to objects of ours that are to be removed: ids or names.
    pub remove: Vec<String>,
    /// Objects that are the stack's, although nothing but their tags says so: ids, ARNs, or `*`.
    pub trust: Vec<String>,
    /// The regions in which the stack may be set up besides those in which it is already.
    pub allow_regions: Vec<String>,
    /// True if the run takes no lock: other runs may be at work on the stack, and what they have recorded stays on record.
    pub takes_no_lock: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Goal {
    #[default]
    Up,
    Destroy,
}

/// The index of a step in its plan.
pub type StepId = usize;

/// The work of a step.
#[derive(Debug, Clone, PartialEq)]
pub enum Action {
    Create {
        desired: Desired,
        comparison: Comparison,
    },
    Update {
        desired: Desired,
        observed: Observed,
        comparison: Comparison,
    },
    /// The new object of a replacement.
    CreateReplacement {
        desired: Desired,
        replaced: Observed,
        comparison: Comparison,
        order: ReplaceOrder,
    },
    /// The old object of a replacement.
    DeleteReplaced {
        observed: Observed,
        data: DataPolicy,
    },
    Delete {
        observed: Observed,
        data: DataPolicy,
    },
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ReplaceOrder {
    /// The new object stands before the old one goes.
    CreateFirst,
    /// Both cannot stand side by side.
    DeleteFirst,
}

/// The reason for a step.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Because {
    /// It does not exist.
    Missing,
    /// It was there after the last run.
    Gone,
    /// The same as [`Self::Gone`], for an object that goes by itself where a person does not do their part.
    Lapsed,
    /// The file wants something else than before.
    Edited,
    /// Another party changed it.
    Drifted,
    /// A value of it that AWS never returns now comes from another source.
    Renewed,
    /// An earlier run left it unfinished.
    Unfinished(String),
    /// It will never be usable.
    Broken(String),
    /// These properties can only be had with a new object.
    CannotChange(Vec<String>),
    /// The resource with this URN is replaced, and this one cannot serve both.
    GoesWith(Urn),
    /// `--replace` names it.
    Requested,
    /// `--reboot` names it, and nothing else is to be done.
    Reboot,
    /// The file no longer has it.
    NotInFile,
    /// `destroy`.
    Destroy,
    /// A newer object has taken its place.
    Superseded,
    /// Other tools have deployed it in the place of ours; these images are removed, and these replace them.
    Deployed(Vec<(String, String)>),
    /// An AWS service has made it, and it is ours from now on.
    TakenOver,
    /// The file has another name for the object with this one.
    Renamed(String),
    /// `--remove` names it.
    Removed,
    /// Others have added it to an object that is deleted.
    WithParent,
    /// Its tags do not yet name its region, or the parts of it that are ours.
    Unmarked,
    /// Its tags record inputs that are no longer in force: an earlier run changed it, and could not tag it.
    Behind,
}

impl Because {
    /// Returns whether it was changed or deleted outside this program.
    pub fn is_drift(&self) -> bool {
        matches!(self, Self::Drifted | Self::Gone)
    }
}

impl fmt::Display for Because {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Missing => formatter.write_str("not there"),
            Self::Gone => formatter.write_str("drift: gone"),
            Self::Lapsed => formatter
                .write_str("lapsed: never confirmed, or cancelled by its receiver; offered again"),
            Self::Edited => formatter.write_str("edited"),
            Self::Drifted => formatter.write_str("drift"),
            Self::Renewed => formatter.write_str("written again, its source is new"),
            Self::Unfinished(status) => write!(formatter, "unfinished: {status}"),
            Self::Broken(reason) => write!(formatter, "broken: {reason}"),
            Self::CannotChange(properties) => {
                write!(
                    formatter,
                    "cannot change in place: {}",
                    properties.join(", ")
                )
            }
            Self::GoesWith(urn) => write!(formatter, "goes with {}", urn.name()),
            Self::Requested => formatter.write_str("--replace"),
            Self::Reboot => formatter.write_str("--reboot"),
            Self::NotInFile => formatter.write_str("no longer in the file"),
            Self::Destroy => formatter.write_str("destroy"),
            Self::Superseded => formatter.write_str("left over from a replacement"),
            Self::Deployed(images) => {
                formatter.write_str("deployed by others; the file wants something else")?;
                for (before, after) in images {
                    write!(formatter, ": image {before} goes, {after} comes")?;
                }
                Ok(())
            }
            Self::TakenOver => formatter.write_str("takes over what is there"),
            Self::Renamed(before) => write!(formatter, "renamed from {before}"),
            Self::Removed => formatter.write_str("--remove"),
            Self::WithParent => formatter.write_str("added by others to what goes"),
            Self::Unmarked => formatter.write_str("records what is ours"),
            Self::Behind => formatter.write_str("records what is in force"),
        }
    }
}

/// The reason why the old object of a replacement goes before the new one stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum DeleteFirst {
    /// `deleteBeforeReplace`.
    Asked,
    /// Both have the same name, key or range.
    SamePlace,
    /// It needs this one, which goes first as well.
    With(Urn),
    /// This one is to have its place.
    PlaceWanted(Urn),
    /// Others that are to come or to go wait for it.
    InTheWay,
}

/// The reason why an object cannot be deleted when it would have to be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Held {
    /// It would have to go before its users can move to its successor.
    DeleteFirst(DeleteFirst),
    /// Its user would move, but is no target, or excluded.
    OutOfReach,
    /// Its user goes on using it.
    Stays,
}

/// One thing to do.
#[derive(Debug, Clone, PartialEq)]
pub struct Step {
    pub urn: Urn,
    pub action: Action,
    pub because: Because,
    /// Steps that must have succeeded before.
    pub waits_for: BTreeSet<StepId>,
    /// The time that it may take, where the author says so.
    pub within: Option<Duration>,
}

/// The operation on one resource, in a word: the symbol and the row of the preview.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Op {
    Same,
    Create,
    Update,
    Replace,
    Delete,
    /// Stays, although it would otherwise be deleted.
    Retain,
}

impl Step {
    /// The operation of the resource that this step is part of.
    pub fn op(&self) -> Op {
        match self.action {
            Action::Create { .. } => Op::Create,
            Action::Update { .. } => Op::Update,
            Action::CreateReplacement { .. } | Action::DeleteReplaced { .. } => Op::Replace,
            Action::Delete { .. } => Op::Delete,
        }
    }

    /// The live object the step works on, where there is one.
    pub fn observed(&self) -> Option<&Observed> {
        match &self.action {
            Action::Create { .. } => None,
            Action::Update { observed, .. }
            | Action::DeleteReplaced { observed, .. }
            | Action::Delete { observed, .. } => Some(observed),
            Action::CreateReplacement { replaced, .. } => Some(replaced),
        }
    }

    pub fn comparison(&self) -> Option<&Comparison> {
        match &self.action {
            Action::Create { comparison, .. }
            | Action::Update { comparison, .. }
            | Action::CreateReplacement { comparison, .. } => Some(comparison),
            Action::DeleteReplaced { .. } | Action::Delete { .. } => None,
        }
    }

    pub fn desired(&self) -> Option<&Desired> {
        match &self.action {
            Action::Create { desired, .. }
            | Action::Update { desired, .. }
            | Action::CreateReplacement { desired, .. } => Some(desired),
            Action::DeleteReplaced { .. } | Action::Delete { .. } => None,
        }
    }

    /// The treatment of the data of an object that it deletes.
    pub fn data_policy(&self) -> Option<DataPolicy> {
        match self.action {
            Action::DeleteReplaced { data, .. } | Action::Delete { data, .. } => Some(data),
            _ => None,
        }
    }

    pub fn is_delete(&self) -> bool {
        matches!(
            self.action,
            Action::DeleteReplaced { .. } | Action::Delete { .. }
        )
    }
}

/// A resource that stays as it is.
#[derive(Debug, Clone, PartialEq)]
pub struct Kept {
    pub urn: Urn,
    pub observed: Observed,
}

/// The owner of an object that stands in the way, as far as its tags say.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Owner {
    /// Another resource of ours, or of another stack.
    Resource(String),
    /// It has tags, and none of ours.
    Others,
    /// It has no tags at all, as if they had been lost.
    Untagged,
}

impl Owner {
    /// The resource that it is, according to its tags.
    pub fn resource(&self) -> Option<&str> {
        match self {
            Self::Resource(owner) => Some(owner),
            Self::Others | Self::Untagged => None,
        }
    }
}

/// The reason why a plan must not run as it stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Refusal {
    /// The name is taken by something that is not ours.
    NameTaken {
        urn: Urn,
        id: String,
        arn: Option<String>,
        owner: Owner,
    },
    /// It is protected, by its tag or in the file.
    Protected { urn: Urn, id: String, op: Op },
    /// It would be replaced, and the old object is to be retained: two of one kind, of which the stack wants one.
    Retained { urn: Urn, id: String },
    /// It holds data, and its deletion has not been consented to.
    HoldsData {
        urn: Urn,
        id: String,
        op: Op,
        /// The AWS setting that keeps it from being deleted, if that is on.
        guard: Option<&'static str>,
    },
    /// It holds no data; but the AWS setting that keeps it from being deleted is on, and its deletion has not been consented
    /// to.
    Guarded {
        urn: Urn,
        id: String,
        op: Op,
        guard: &'static str,
    },
    /// AWS does not delete it while these use it, and they cannot let go of it before.
    InUse {
        urn: Urn,
        id: String,
        users: Vec<Urn>,
        because: Held,
        /// The properties that say which place it has, or which place is wanted of it.
        place: Vec<String>,
    },
    /// Another object of the stack has the place that it is to have, and does not leave it before.
    PlaceHeld {
        urn: Urn,
        by: Urn,
        id: String,
        place: Vec<String>,
    },
    /// Drift alone would replace a resource that serves traffic.
    Interrupts {
        urn: Urn,
        id: String,
        properties: Vec<String>,
        /// The effect that it would have.
        effect: &'static str,
    },
    /// AWS does not allow this change.
    Forbidden {
        urn: Urn,
        id: String,
        /// The reason, and what to do instead.
        reason: String,
    },
    /// It would be attached to something that is not of this stack.
    ParentNotOurs {
        urn: Urn,
        /// The identifier of the parent in AWS.
        parent: String,
    },
    /// One is there and in use, without the tags that identify it, and would be made a second time.
    TagsLost(Unmarked),
    /// Its tags say that it is ours, but no run of ours has made it, as far as the record goes.
    TagsAlone {
        urn: Urn,
        id: String,
        arn: Option<String>,
        /// True if it would be the second one of its resource.
        is_second: bool,
    },
    /// Others have put theirs where it is to be.
    PlaceTaken {
        urn: Urn,
        id: String,
        arn: Option<String>,
        owner: Owner,
    },
    /// The stack stands in other regions already, and in this one nothing of it does.
    Elsewhere {
        urn: Urn,
        id: String,
        /// The regions that are known.
        regions: Vec<String>,
        /// The region in which it would be set up, too.
        here: String,
    },
    /// AWS does not delete it as long as others use it.
    HeldByOthers {
        urn: Urn,
        id: String,
        holders: Vec<Holder>,
    },
    /// Data would be lost for good without an object being deleted: data that was there before us, or that an update
    /// removes.
    Shortens {
        urn: Urn,
        id: String,
        what: Option<String>,
    },
}

impl Refusal {
    pub fn urn(&self) -> &Urn {
        match self {
            Self::TagsLost(Unmarked { urn, .. })
            | Self::NameTaken { urn, .. }
            | Self::Protected { urn, .. }
            | Self::Retained { urn, .. }
            | Self::HoldsData { urn, .. }
            | Self::Guarded { urn, .. }
            | Self::InUse { urn, .. }
            | Self::PlaceHeld { urn, .. }
            | Self::Interrupts { urn, .. }
            | Self::Forbidden { urn, .. }
            | Self::ParentNotOurs { urn, .. }
            | Self::TagsAlone { urn, .. }
            | Self::PlaceTaken { urn, .. }
            | Self::Elsewhere { urn, .. }
            | Self::HeldByOthers { urn, .. }
            | Self::Shortens { urn, .. } => urn,
        }
    }
}

/// An addition of others to an object of ours that the plan leaves in place.
#[derive(Debug, Clone, PartialEq)]
pub struct Added {
    /// The object that it hangs on.
    pub parent: Urn,
    pub observed: Observed,
    /// True if it widens access or changes where traffic goes, and the file does not accept it: it counts as drift.
    pub is_drift: bool,
    /// True if the object that it hangs on is deleted, and it with that.
    pub goes: bool,
}

/// Something that the stack prints.
#[derive(Debug, Clone, PartialEq)]
pub struct PlannedOutput {
    pub name: String,
    pub expression: Value,
    /// The expression's value as far as it is known before the plan runs.
    pub known: Value,
}

/// Everything that `up` will do, and everything that it will leave.
#[derive(Debug, Clone, PartialEq)]
pub struct Plan {
    pub stack: StackId,
    pub goal: Goal,
    /// The steps, in an order in which each comes after what it waits for.
    pub steps: Vec<Step>,
    pub kept: Vec<Kept>,
    pub retained: Vec<Retained>,
    pub refusals: Vec<Refusal>,
    /// Additions of others that stay.
    pub added: Vec<Added>,
    /// Resources of which the file takes the protection off: `protect: false`. Their tag in AWS stands until then.
    pub released: BTreeSet<Urn>,
    pub outputs: Vec<PlannedOutput>,
    /// The facts of the account, for references in steps.
    pub facts: crate::resource::Properties,
    /// The record to keep if nothing runs.
    pub left: LastRun,
    /// Objects that stay when the stack is destroyed, because their tags are missing.
    pub unmarked: Vec<Unmarked>,
    /// The untaggable parts that it makes: what each is part of, and its mark.
    pub made_parts: Vec<(Urn, String)>,
    /// The run that carries it out, once there is one: the objects it makes bear its mark.
    pub run: Option<RunMark>,
}

impl Plan {
    /// True if running it would change nothing.
    pub fn is_empty(&self) -> bool {
        self.steps.is_empty()
    }

    /// True if live AWS is as the file wants it, including the additions of others. What has lapsed can be offered again,
    /// and does not count as a difference that another party has made.
    pub fn is_in_sync(&self) -> bool {
        let mut steps = self.steps.iter();
        steps.all(|step| step.because == Because::Lapsed)
            && !self.added.iter().any(|added| added.is_drift)
    }

    /// The operation on each resource, by URN.
    pub fn operations(&self) -> BTreeMap<&Urn, Op> {
        let mut operations: BTreeMap<&Urn, Op> = BTreeMap::new();
        for kept in &self.kept {
            operations.insert(&kept.urn, Op::Same);
        }
        for retained in &self.retained {
            operations.insert(&retained.urn, Op::Retain);
        }
        for step in &self.steps {
            let op = operations.entry(&step.urn).or_insert(step.op());
            // What stays of it is an old object.
            *op = match *op {
                Op::Retain => step.op(),
                op => op.max(step.op()),
            };
        }
        operations
    }
}

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

/// An object that is to go.
struct Removal {
    urn: Urn,
    observed: Observed,
    because: Because,
    data: DataPolicy,
}

/// A plan in the making.
struct Draft<'a> {
    graph: &'a ResourceGraph,
    live: &'a LiveSnapshot,
    catalog: &'a Catalog,
    request: &'a Request,
    verdicts: BTreeMap<&'a Urn, Verdict>,
    removals: Vec<Removal>,
    retained: Vec<Retained>,
    refusals: Vec<Refusal>,
    /// The resources that must be replaced along with another one, and with which.
    followers: BTreeMap<Urn, Urn>,
    /// Replacements whose old object goes first, and why.
    delete_first: BTreeMap<Urn, DeleteFirst>,
    /// The references among live objects: dependents of an object, by the object's id and type.
    uses: deletes::Uses,
    /// The record of the untaggable parts of each resource.
    parts: others::Parts,
    /// The free places that were found for resources, instead of those they want.
    places: BTreeMap<Urn, Value>,
    added: Vec<Added>,
    left: LastRun,
    unmarked: Vec<Unmarked>,
}

impl<'a> Draft<'a> {
    fn new(
        graph: &'a ResourceGraph,
        live: &'a LiveSnapshot,
        catalog: &'a Catalog,
        request: &'a Request,
    ) -> Self {
        Self {
            graph,
            live,
            catalog,
            request,
            verdicts: BTreeMap::new(),
            removals: Vec::new(),
            retained: Vec::new(),
            refusals: Vec::new(),
            followers: BTreeMap::new(),
            delete_first: BTreeMap::new(),
            uses: deletes::Uses::of(live, graph, catalog),
            parts: others::Parts::of(live, graph, catalog, request),
            places: BTreeMap::new(),
            added: Vec::new(),
            left: LastRun::default(),
            unmarked: Vec::new(),
        }
    }
}
