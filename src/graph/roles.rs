//! The policies of a role come before the resources that use the role.
//!
//! An object names a role, but not the policies of the role. RDS looks at them when it makes an instance, and refuses one
//! whose monitoring role may not write yet ("IAM role ARN value is invalid or does not include the required permissions for:
//! `ENHANCED_MONITORING`", hashicorp/terraform-provider-aws#315); the first tasks of an ECS service fail without theirs. IAM
//! is also eventually consistent, and takes longer in regions that an account has to enable: that time begins with the
//! policy, not with the role.

use std::collections::{BTreeMap, BTreeSet};

use super::{Resource, dependencies};
use crate::resource::{Catalog, Urn, Value};

const ROLE: &str = "aws:iam:Role";

/// The types that grant permissions to the role in `role`.
const POLICIES: [&str; 2] = ["aws:iam:RolePolicy", "aws:iam:RolePolicyAttachment"];

/// Makes resources that assume a role at their creation wait for the policies of that role.
pub fn complete(resources: &mut BTreeMap<Urn, Resource>, catalog: &Catalog) {
    let mut policies: BTreeMap<&Urn, Vec<&Urn>> = BTreeMap::new();
    for policy in resources.values() {
        if POLICIES.contains(&policy.urn.token()) {
            for role in policy.inputs.get("role").map(roles_in).unwrap_or_default() {
                policies.entry(role).or_default().push(&policy.urn);
            }
        }
    }
    if policies.is_empty() {
        return;
    }
    let mut needs: BTreeMap<&Urn, BTreeSet<&Urn>> = resources
        .values()
        .map(|resource| (&resource.urn, dependencies(resource)))
        .collect();
    let mut added: Vec<(Urn, Urn)> = Vec::new();
    for resource in resources.values() {
        let schema = catalog.get(resource.urn.token());
        let properties = schema.map_or(&[][..], |schema| schema.assumes);
        let named = properties
            .iter()
            .filter_map(|property| resource.inputs.get(*property));
        let roles: BTreeSet<&Urn> = named.flat_map(|value| roles_of(value, resources)).collect();
        for policy in roles
            .iter()
            .filter_map(|role| policies.get(*role))
            .flatten()
        {
            // A policy may name the resource that it is for; then it comes after that.
            if !reaches(&needs, policy, &resource.urn) {
                needs.entry(&resource.urn).or_default().insert(policy);
                added.push((resource.urn.clone(), (*policy).clone()));
            }
        }
    }
    for (urn, policy) in added {
        if let Some(resource) = resources.get_mut(&urn) {
            resource.options.depends_on.insert(policy);
        }
    }
}

/// The roles that a value refers to.
fn roles_in(value: &Value) -> Vec<&Urn> {
    let references = value.references().into_iter();
    references
        .map(|reference| &reference.urn)
        .filter(|urn| urn.token() == ROLE)
        .collect()
}

/// The same, including the roles of what the value refers to: those of a service by its task definition.
fn roles_of<'a>(value: &'a Value, resources: &'a BTreeMap<Urn, Resource>) -> Vec<&'a Urn> {
    let mut roles = roles_in(value);
    for reference in value.references() {
        if let Some(other) = resources.get(&reference.urn)
            && other.urn.token() != ROLE
        {
            roles.extend(other.inputs.values().flat_map(roles_in));
        }
    }
    roles
}

/// Returns whether one needs the other, however many steps away.
fn reaches(needs: &BTreeMap<&Urn, BTreeSet<&Urn>>, from: &Urn, to: &Urn) -> bool {
    let mut seen = BTreeSet::from([from]);
    let mut left = vec![from];
    while let Some(urn) = left.pop() {
        if urn == to {
            return true;
        }
        for need in needs.get(urn).into_iter().flatten() {
            if seen.insert(need) {
                left.push(need);
            }
        }
    }
    false
}
