//! The desired state of a stack as a graph: unique URNs, references that lead somewhere, no cycles.
//!
//! The place that a resource came from (a section, a raw entry) is its [`Origin`] and nothing more. Start with [`build`].

mod claims;
mod error;
mod limits;
mod model;
mod order;
mod origin;
pub mod parts;
mod roles;
mod spread;

use std::collections::{BTreeMap, BTreeSet};

use crate::resource::nearest::nearest;
use crate::resource::schema::Unset;
use crate::resource::{Catalog, OutputReference, Path, StackId, Urn, Value, names};

pub use crate::resource::urn::FACTS_TOKEN;
pub use error::GraphError;
pub use model::{
    FACTS, OnDelete, Resource, ResourceGraph, ResourceOptions, Timeouts, dependencies, facts_urn,
};
pub use order::{Cyclic, topological};
pub use origin::Origin;

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
