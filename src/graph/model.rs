//! The resources of a stack, the options that its author set, and the graph that they make.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use super::error::GraphError;
use super::origin::Origin;
use crate::resource::urn::FACTS_TOKEN;
use crate::resource::{Earlier, NewDefault, Path, Properties, StackId, Urn, Value};

/// The names that `${aws.…}` may ask for.
pub const FACTS: &[&str] = &["accountId", "region", "partition", "availabilityZones"];

/// The URN behind `${aws.…}`.
pub fn facts_urn(stack: &StackId) -> Urn {
    Urn::new(stack, FACTS_TOKEN, "aws")
}

/// The action that `destroy` takes on a resource that holds data.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum OnDelete {
    /// Deletes it permanently.
    #[default]
    Delete,
    /// Deletes it, and leaves a final snapshot or a recovery window.
    Snapshot,
    /// Keeps it.
    Retain,
}

/// The options that the author set for one resource.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct ResourceOptions {
    pub depends_on: BTreeSet<Urn>,
    /// `None` leaves the protection of the live object as it is, so that protection outlives its line in the file.
    pub protect: Option<bool>,
    /// True if it leaves the stack without being deleted.
    pub retain_on_delete: bool,
    /// Paths (`desiredCount`, `containerDefinitions[0].image`) at which the live value wins once the object exists.
    pub ignore_changes: Vec<Path>,
    pub delete_before_replace: bool,
    /// Properties whose change replaces the resource although it need not; `*` for all.
    pub replace_on_changes: Vec<Path>,
    pub on_delete: OnDelete,
    /// The id in AWS of the object to adopt, or of the object that is not ours and that this one is a part of.
    pub import: Option<String>,
    /// The additions by other parties that are accepted: ids, or words for what they are.
    pub accept: Vec<String>,
    /// The region of the stack: part of the name and of the ownership of objects that do not belong to a region.
    pub region: Option<String>,
    /// Names that earlier versions derived where the file gives none. An object that has one keeps it.
    pub earlier_names: Vec<Value>,
    /// Other values that earlier versions gave. An object that has them keeps them.
    pub earlier_values: Vec<Earlier>,
    /// The property in which any other free value will do, if the one wanted is taken.
    pub any_free: Option<&'static str>,
    pub timeouts: Timeouts,
    /// The properties that a section decides since a later version, where the file does not say.
    pub new_defaults: Vec<NewDefault>,
}

/// The author's time limits for the operations on a resource; `None` is as long as AWS may take.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Timeouts {
    pub create: Option<Duration>,
    pub update: Option<Duration>,
    pub delete: Option<Duration>,
}

impl Timeouts {
    /// Returns these limits where they are set, and those of `others` where they are not.
    #[must_use]
    pub fn over(self, others: Self) -> Self {
        Self {
            create: self.create.or(others.create),
            update: self.update.or(others.update),
            delete: self.delete.or(others.delete),
        }
    }
}

/// One wanted resource.
#[derive(Debug, Clone, PartialEq)]
pub struct Resource {
    pub urn: Urn,
    /// The inputs that the author or a component wrote; after [`super::build`], with name and defaults filled in.
    pub inputs: Properties,
    /// All the author's tags of this resource: the stack's, and its own.
    pub tags: BTreeMap<String, String>,
    pub options: ResourceOptions,
    pub origin: Origin,
    /// True if the author gave no name, and the derived one carries a generation. Set by [`super::build`].
    pub generated_name: bool,
}

impl Resource {
    /// Records that the default of a property has changed. `keep` is what the file can say to keep the old one, such as
    /// `network.publicAddresses: true`.
    pub fn new_default(
        &mut self,
        path: impl Into<Path>,
        before: impl Into<Option<Value>>,
        keep: impl Into<String>,
    ) {
        self.options.new_defaults.push(NewDefault {
            path: Some(path.into()),
            before: before.into(),
            keep: keep.into(),
        });
    }

    /// Records that stacks did not have the resource by default before. `keep` is what the file can say to stay without it,
    /// such as `network.flowLogs: false`.
    pub fn new_by_default(&mut self, keep: impl Into<String>) {
        self.options.new_defaults.push(NewDefault {
            path: None,
            before: None,
            keep: keep.into(),
        });
    }
}

/// The desired state of a stack.
#[derive(Debug, Clone, PartialEq)]
pub struct ResourceGraph {
    pub stack: StackId,
    /// The region of the stack; `None` where that means nothing.
    pub region: Option<String>,
    pub(super) resources: BTreeMap<Urn, Resource>,
    /// Resources in an order in which each comes after what it needs.
    pub(super) order: Vec<Urn>,
    /// The outputs that are printed at the end, in the author's order.
    pub outputs: Vec<(String, Value)>,
    /// The faults that AWS may or may not refuse.
    pub warnings: Vec<GraphError>,
}

impl ResourceGraph {
    pub fn get(&self, urn: &Urn) -> Option<&Resource> {
        self.resources.get(urn)
    }

    pub fn contains(&self, urn: &Urn) -> bool {
        self.resources.contains_key(urn)
    }

    pub fn len(&self) -> usize {
        self.resources.len()
    }

    pub fn is_empty(&self) -> bool {
        self.resources.is_empty()
    }

    /// Resources by URN.
    pub fn iter(&self) -> impl Iterator<Item = &Resource> {
        self.resources.values()
    }

    /// Resources, each after everything it needs.
    pub fn in_order(&self) -> impl Iterator<Item = &Resource> {
        self.order.iter().filter_map(|urn| self.resources.get(urn))
    }
}

/// Resources of the graph that `resource` needs, by reference or by `dependsOn`.
pub fn dependencies(resource: &Resource) -> BTreeSet<&Urn> {
    resource
        .inputs
        .values()
        .flat_map(Value::references)
        .map(|reference| &reference.urn)
        .filter(|urn| urn.token() != FACTS_TOKEN)
        .chain(&resource.options.depends_on)
        .collect()
}
