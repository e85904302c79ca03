//! Resources in several subnets at once: the subnets belong to one VPC, and AWS wants them in two zones.

use std::collections::{BTreeMap, BTreeSet};

use super::{GraphError, Resource};
use crate::resource::{Catalog, InvalidInput, Urn, Value};

const SUBNET: &str = "aws:ec2:Subnet";
const VPC: &str = "vpcId";

/// Fills in the VPC, if the subnets tell which it is: this is how a change of VPC is told from one of subnets, and AWS moves
/// neither a load balancer nor a subnet group to another VPC.
pub fn complete(resources: &mut BTreeMap<Urn, Resource>, catalog: &Catalog) {
    let derived: Vec<(Urn, Value)> = resources
        .values()
        .filter(|resource| !resource.inputs.contains_key(VPC))
        .filter_map(|resource| {
            let (_, subnets) = subnets(resource, resources, catalog)?;
            let vpc = subnets.first()?.inputs.get(VPC)?;
            let has_vpc = catalog.get(resource.urn.token())?.property(VPC).is_some();
            has_vpc.then(|| (resource.urn.clone(), vpc.clone()))
        })
        .collect();
    for (urn, vpc) in derived {
        if let Some(resource) = resources.get_mut(&urn) {
            resource.inputs.insert(VPC.to_owned(), vpc);
        }
    }
}

/// Refuses subnets that lie in one zone.
pub fn check(resources: &BTreeMap<Urn, Resource>, catalog: &Catalog, errors: &mut Vec<GraphError>) {
    for resource in resources.values() {
        let Some((property, subnets)) = subnets(resource, resources, catalog) else {
            continue;
        };
        let zone = |subnet: &&Resource| {
            let zone = subnet.inputs.get("availabilityZone")?;
            zone.as_str().map(str::to_owned)
        };
        let Some(zones) = subnets.iter().map(zone).collect::<Option<BTreeSet<_>>>() else {
            continue;
        };
        let (Some(zone), 1) = (zones.first(), zones.len()) else {
            continue;
        };
        if subnets.len() < 2 {
            continue;
        }
        let names: Vec<String> = subnets
            .iter()
            .map(|subnet| format!("`{}`", subnet.urn.name()))
            .collect();
        let reason = format!(
            "names subnets in at least two availability zones, and {} are in {zone}",
            names.join(" and ")
        );
        let last = subnets.last().map_or("", |subnet| subnet.urn.name());
        let help = format!("give `{last}` another `availabilityZone`");
        errors.push(GraphError::InvalidInput {
            resource: resource.urn.name().to_owned(),
            invalid_input: InvalidInput::new(property, reason)
                .decided_by([])
                .help(help),
            origin: Box::new(resource.origin.clone()),
        });
    }
}

/// The property that lists the subnets of a resource, and the subnets, if all are resources of the stack.
fn subnets<'a>(
    resource: &Resource,
    resources: &'a BTreeMap<Urn, Resource>,
    catalog: &Catalog,
) -> Option<(&'static str, Vec<&'a Resource>)> {
    let property = catalog.get(resource.urn.token())?.spreads_over?;
    let listed = resource.inputs.get(property)?.as_list()?.iter();
    let subnets = listed.map(|value| match value {
        Value::Output(reference) if reference.urn.token() == SUBNET => {
            resources.get(&reference.urn)
        }
        _ => None,
    });
    Some((property, subnets.collect::<Option<_>>()?))
}
