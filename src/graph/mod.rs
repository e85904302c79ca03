//! The desired state of a stack as a graph: unique URNs, references that lead somewhere, no cycles.
//!
//! The place that a resource came from (a section, a raw entry) is its [`Origin`] and nothing more. Start with [`build`].

mod claims;
mod limits;
mod order;
pub mod parts;
mod roles;
mod spread;

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use crate::resource::nearest::nearest;
use crate::resource::schema::Unset;
use crate::resource::{
    Catalog, Earlier, InvalidInput, NewDefault, OutputReference, Path, Properties, StackId, Urn,
    Value, names,
};

pub use crate::resource::urn::FACTS_TOKEN;
pub use order::{Cyclic, topological};

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

/// The place in the stack file that a resource comes from.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Origin {
    /// The section or raw entry: `services.api`, `resources.bucket`.
    pub path: Path,
    /// Byte offset and length in the source of the file, where there is one.
    pub span: Option<(usize, usize)>,
    /// The key of a section that sets the name of the resource, or its range: `services.api.logGroup`.
    pub name_key: Option<Path>,
}

/// One wanted resource.
#[derive(Debug, Clone, PartialEq)]
pub struct Resource {
    pub urn: Urn,
    /// The inputs that the author or a component wrote; after [`build`], with name and defaults filled in.
    pub inputs: Properties,
    /// All the author's tags of this resource: the stack's, and its own.
    pub tags: BTreeMap<String, String>,
    pub options: ResourceOptions,
    pub origin: Origin,
    /// True if the author gave no name, and the derived one carries a generation. Set by [`build`].
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
    resources: BTreeMap<Urn, Resource>,
    /// Resources in an order in which each comes after what it needs.
    order: Vec<Urn>,
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

/// A fault in the desired state that no single section can detect.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum GraphError {
    #[error("`{name}` is declared twice")]
    DuplicateName { name: String, origin: Box<Origin> },
    #[error("`{token}` is not a resource type of fde-infra")]
    UnknownType { token: String, origin: Box<Origin> },
    #[error("`{token}` has no property `{property}`")]
    UnknownProperty {
        token: String,
        property: String,
        nearest: Option<String>,
        origin: Box<Origin>,
    },
    #[error("`{token}` needs `{property}`")]
    MissingProperty {
        token: String,
        property: String,
        origin: Box<Origin>,
    },
    #[error("{invalid_input}")]
    InvalidInput {
        resource: String,
        invalid_input: InvalidInput,
        origin: Box<Origin>,
    },
    #[error(
        "AWS takes `{first}` and `{second}` for one: they have the same {same}{}",
        if *ignores_case { " (case is ignored)" } else { "" }
    )]
    Twice {
        /// The inputs that are the same, in words.
        same: String,
        ignores_case: bool,
        /// The resources with the same inputs, the one to point at first.
        at: Vec<String>,
        first: String,
        second: String,
        first_origin: Box<Origin>,
        origin: Box<Origin>,
    },
    #[error("`{range}` overlaps `{other}` of `{first}`")]
    Overlap {
        range: String,
        other: String,
        first: String,
        at: String,
        first_origin: Box<Origin>,
        origin: Box<Origin>,
    },
    #[error("`{range}` lies outside its network, `{network}`")]
    Outside {
        range: String,
        network: String,
        at: String,
        origin: Box<Origin>,
    },
    #[error("{total} {what}; AWS takes {most}")]
    TooMuch {
        what: &'static str,
        total: usize,
        most: usize,
        /// The property that names what they belong to.
        by: String,
        help: &'static str,
        first_origin: Option<Box<Origin>>,
        origin: Box<Origin>,
    },
    #[error("{reason}")]
    Tags {
        /// `None` for all of them.
        key: Option<String>,
        reason: String,
        origin: Box<Origin>,
    },
    #[error("`${{{reference}}}` refers to nothing: {reason}")]
    BrokenReference {
        reference: String,
        reason: String,
        nearest: Option<String>,
        origin: Box<Origin>,
    },
    #[error("these need each other: {}", path.join(" → "))]
    Cycle {
        path: Vec<String>,
        origin: Box<Origin>,
    },
}

impl GraphError {
    pub fn origin(&self) -> &Origin {
        match self {
            Self::DuplicateName { origin, .. }
            | Self::UnknownType { origin, .. }
            | Self::UnknownProperty { origin, .. }
            | Self::MissingProperty { origin, .. }
            | Self::InvalidInput { origin, .. }
            | Self::Twice { origin, .. }
            | Self::Overlap { origin, .. }
            | Self::Outside { origin, .. }
            | Self::TooMuch { origin, .. }
            | Self::Tags { origin, .. }
            | Self::BrokenReference { origin, .. }
            | Self::Cycle { origin, .. } => origin,
        }
    }
}

/// Checks the resources against each other and against their schemas, derives the physical names that the author left
/// out, and fills in defaults.
///
/// # Errors
/// Every fault found, in the order of the resources.
pub fn build(
    stack: &StackId,
    resources: Vec<Resource>,
    outputs: Vec<(String, Value)>,
    catalog: &Catalog,
) -> Result<ResourceGraph, Vec<GraphError>> {
    let mut errors = Vec::new();
    let mut by_urn: BTreeMap<Urn, Resource> = BTreeMap::new();
    for mut resource in resources {
        complete(stack, &mut resource, catalog, &mut errors);
        if by_urn.contains_key(&resource.urn) {
            errors.push(GraphError::DuplicateName {
                name: resource.urn.name().to_owned(),
                origin: Box::new(resource.origin),
            });
        } else {
            by_urn.insert(resource.urn.clone(), resource);
        }
    }
    for resource in by_urn.values() {
        for reference in resource.inputs.values().flat_map(Value::references) {
            check_reference(reference, &by_urn, catalog, &resource.origin, &mut errors);
        }
        for urn in &resource.options.depends_on {
            if !by_urn.contains_key(urn) {
                errors.push(GraphError::BrokenReference {
                    reference: urn.name().to_owned(),
                    reason: "there is no such resource".to_owned(),
                    nearest: None,
                    origin: Box::new(resource.origin.clone()),
                });
            }
        }
    }
    for (name, value) in &outputs {
        let origin = Origin {
            path: Path::from("outputs").key(name),
            ..Origin::default()
        };
        for reference in value.references() {
            check_reference(reference, &by_urn, catalog, &origin, &mut errors);
        }
    }
    for resource in by_urn.values() {
        check_beside(resource, &by_urn, catalog, &mut errors);
    }
    spread::complete(&mut by_urn, catalog);
    roles::complete(&mut by_urn, catalog);
    spread::check(&by_urn, catalog, &mut errors);
    claims::check(&by_urn, catalog, &mut errors);
    let mut warnings = Vec::new();
    limits::check(&by_urn, catalog, &mut errors, &mut warnings);
    if !errors.is_empty() {
        return Err(errors);
    }
    let needs: BTreeMap<&Urn, BTreeSet<&Urn>> = by_urn
        .values()
        .map(|resource| (&resource.urn, dependencies(resource)))
        .collect();
    let order = match topological(&needs) {
        Ok(order) => order.into_iter().cloned().collect(),
        Err(Cyclic(cycle)) => {
            let origin = by_urn
                .get(cycle[0])
                .map(|resource| resource.origin.clone())
                .unwrap_or_default();
            return Err(vec![GraphError::Cycle {
                path: cycle.iter().map(|urn| urn.name().to_owned()).collect(),
                origin: Box::new(origin),
            }]);
        }
    };
    Ok(ResourceGraph {
        stack: stack.clone(),
        region: None,
        resources: by_urn,
        order,
        outputs,
        warnings,
    })
}

/// Checks property names, derives the physical name, and fills in defaults.
fn complete(
    stack: &StackId,
    resource: &mut Resource,
    catalog: &Catalog,
    errors: &mut Vec<GraphError>,
) {
    let origin = || Box::new(resource.origin.clone());
    let token = resource.urn.token().to_owned();
    let Some(schema) = catalog.get(&token) else {
        errors.push(GraphError::UnknownType {
            token,
            origin: origin(),
        });
        return;
    };
    for name in resource.inputs.keys() {
        if schema.property(name).is_none() {
            let nearest = nearest(name, schema.properties.iter().map(|property| property.name));
            errors.push(GraphError::UnknownProperty {
                token: token.clone(),
                property: name.clone(),
                nearest,
                origin: origin(),
            });
        }
    }
    let mut inputs = schema.with_defaults(std::mem::take(&mut resource.inputs));
    if let Some(rule) = schema.name
        && !inputs.contains_key(rule.property)
    {
        let generation = names::generation(schema, &inputs);
        let logical = resource.urn.name();
        let region = resource.options.region.as_deref();
        if let Some(region) = region.filter(|_| schema.global) {
            let former = names::derive(stack, logical, rule, &generation);
            resource.options.earlier_names.push(former.into());
            let logical = format!("{region}/{logical}");
            let name = names::derive(stack, &logical, rule, &generation);
            inputs.insert(rule.property.to_owned(), name.into());
        } else {
            let name = names::derive(stack, logical, rule, &generation);
            let former = names::derive_plainly(stack, logical, rule, &generation);
            if former != name {
                resource.options.earlier_names.push(former.into());
            }
            inputs.insert(rule.property.to_owned(), name.into());
        }
        resource.generated_name = rule.generated;
    }
    for property in &schema.properties {
        if property.unset == Unset::Required && !inputs.contains_key(property.name) {
            errors.push(GraphError::MissingProperty {
                token: token.clone(),
                property: property.name.to_owned(),
                origin: Box::new(resource.origin.clone()),
            });
        }
        // From here on it cannot be printed by accident, whatever it is joined into.
        if let Some(value) = inputs.get_mut(property.name)
            && property.hides(value)
            && !matches!(value, Value::Secret(_))
        {
            *value = Value::Secret(Box::new(std::mem::replace(value, Value::Null)));
        }
    }
    for invalid_input in schema.invalid_inputs(&inputs) {
        errors.push(GraphError::InvalidInput {
            resource: resource.urn.name().to_owned(),
            invalid_input,
            origin: Box::new(resource.origin.clone()),
        });
    }
    resource.inputs = inputs;
}

/// Checks a resource against those that it refers to.
fn check_beside(
    resource: &Resource,
    resources: &BTreeMap<Urn, Resource>,
    catalog: &Catalog,
    errors: &mut Vec<GraphError>,
) {
    let beside = catalog
        .get(resource.urn.token())
        .map_or(&[][..], |schema| schema.beside);
    for beside in beside {
        let Some(Value::Output(reference)) = resource.inputs.get(beside.by) else {
            continue;
        };
        let Some(other) = resources.get(&reference.urn) else {
            continue;
        };
        if other.urn.token() != beside.token {
            continue;
        }
        for invalid_input in (beside.check)(&resource.inputs, &other.inputs) {
            errors.push(GraphError::InvalidInput {
                resource: resource.urn.name().to_owned(),
                invalid_input,
                origin: Box::new(resource.origin.clone()),
            });
        }
    }
}

fn check_reference(
    reference: &OutputReference,
    resources: &BTreeMap<Urn, Resource>,
    catalog: &Catalog,
    origin: &Origin,
    errors: &mut Vec<GraphError>,
) {
    let broken = |reason: String, nearest| GraphError::BrokenReference {
        reference: reference.to_string(),
        reason,
        nearest,
        origin: Box::new(origin.clone()),
    };
    let output = reference.path.first().map_or("", String::as_str);
    if reference.urn.token() == FACTS_TOKEN {
        if !FACTS.contains(&output) {
            let reason = format!("`aws` has no output `{output}`");
            errors.push(broken(reason, nearest(output, FACTS.iter().copied())));
        }
        return;
    }
    if !resources.contains_key(&reference.urn) {
        let reason = format!("there is no resource `{}`", reference.urn.name());
        let names = resources.keys().map(Urn::name);
        errors.push(broken(reason, nearest(reference.urn.name(), names)));
        return;
    }
    // An unknown type has been reported where it is declared.
    let Some(schema) = catalog.get(reference.urn.token()) else {
        return;
    };
    let always = ["id", "arn", "urn"];
    let known = || {
        always
            .into_iter()
            .chain(schema.outputs.iter().copied())
            .chain(schema.properties.iter().map(|property| property.name))
    };
    if !known().any(|name| name == output) {
        let reason = format!("`{}` has no output `{output}`", reference.urn.token());
        errors.push(broken(reason, nearest(output, known())));
    }
}
