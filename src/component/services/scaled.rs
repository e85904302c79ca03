//! Services, raw or of a section, whose number of tasks is decided by autoscaling: a raw service that does not say so would
//! be reset to its count with every `up`, and scaled again.

use crate::graph::Resource;
use crate::resource::{Urn, Value};

const SERVICE: &str = "aws:ecs:Service";
const TARGET: &str = "aws:appautoscaling:Target";
const RANGE: &str = "desiredCountRange";

/// Gives services that are scalable targets the limits of these targets, if they do not set them themselves.
pub fn tell_limits(resources: &mut [Resource]) {
    let targets = resources
        .iter()
        .filter(|resource| resource.urn.token() == TARGET);
    let limits: Vec<(Urn, Value)> = targets
        .filter_map(|target| {
            let service = service_of(target, resources)?;
            let limit = |name| target.inputs.get(name).cloned();
            let range = Value::object([
                ("min", limit("minCapacity")?),
                ("max", limit("maxCapacity")?),
            ]);
            Some((service, range))
        })
        .collect();
    for (service, range) in limits {
        let mut found = resources.iter_mut();
        if let Some(service) = found.find(|resource| resource.urn == service) {
            service.inputs.entry(RANGE.to_owned()).or_insert(range);
        }
    }
}

/// The service of a target: the one that `resourceId` refers to, or names.
fn service_of(target: &Resource, resources: &[Resource]) -> Option<Urn> {
    let id = target.inputs.get("resourceId")?;
    let referred = id
        .references()
        .into_iter()
        .map(|reference| &reference.urn)
        .find(|urn| urn.token() == SERVICE);
    let named = || {
        let name = id.as_str()?.strip_prefix("service/")?.rsplit('/').next()?;
        let mut services = resources
            .iter()
            .filter(|resource| resource.urn.token() == SERVICE);
        let service = services
            .find(|service| service.inputs.get("name").and_then(Value::as_str) == Some(name))?;
        Some(&service.urn)
    };
    referred.or_else(named).cloned()
}
