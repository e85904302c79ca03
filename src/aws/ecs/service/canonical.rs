//! The canonical forms of a service's properties, and the number of tasks that autoscaling keeps.

use crate::resource::diff::sorted;
use crate::resource::{Properties, Value};

/// Returns the canonical form of a network: subnets and groups are sets; there is no public address unless asked for.
pub(super) fn canonical_network(value: Value) -> Value {
    let Value::Object(mut network) = value else {
        return value;
    };
    for list in ["subnets", "securityGroups"] {
        if let Some(values) = network.remove(list) {
            network.insert(list.to_owned(), sorted(values));
        }
    }
    network
        .entry("assignPublicIp".to_owned())
        .or_insert(Value::Bool(false));
    Value::Object(network)
}

/// Keeps the live number of tasks, brought within the limits, where autoscaling owns it.
///
/// A count of 0 outside the limits switches the service off; a service that is off starts with the count of the file.
pub(super) fn keep_scaled_count(desired: &mut Properties, observed: &Properties) {
    let limits = desired
        .get("desiredCountRange")
        .and_then(Value::as_object)
        .and_then(|range| {
            Some((
                range.get("min")?.as_number()?,
                range.get("max")?.as_number()?,
            ))
        })
        .filter(|(min, max)| min <= max);
    let live = observed.get("desiredCount").and_then(Value::as_number);
    let count = match (desired.get("desiredCount"), limits, live) {
        (None | Some(Value::Null), None, _) => 0.0,
        (None | Some(Value::Null), Some((min, max)), Some(live)) => live.clamp(min, max),
        (Some(Value::Number(wanted)), Some((min, max)), Some(live)) => {
            if *wanted == 0.0 && min > 0.0 {
                0.0
            } else if live == 0.0 && min > 0.0 {
                wanted.clamp(min, max)
            } else {
                live.clamp(min, max)
            }
        }
        _ => return,
    };
    desired.insert("desiredCount".to_owned(), count.into());
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::resource::value::properties;

    fn kept(desired: serde_json::Value, live: i32) -> Option<Value> {
        let Value::Object(mut desired) = Value::from(desired) else {
            return None;
        };
        keep_scaled_count(&mut desired, &properties([("desiredCount", live.into())]));
        desired.remove("desiredCount")
    }

    #[test]
    fn the_count_of_autoscaling_stays_between_its_limits() {
        let range = json!({"min": 1, "max": 3});
        let scaled = |count: i32| json!({"desiredCount": count, "desiredCountRange": range});
        assert_eq!(kept(scaled(1), 2), Some(2.into()));
        assert_eq!(kept(scaled(1), 5), Some(3.into()));
        // It is switched off, and on again.
        assert_eq!(kept(scaled(0), 2), Some(0.into()));
        assert_eq!(kept(scaled(2), 0), Some(2.into()));
        // Without a range, the file decides.
        assert_eq!(kept(json!({"desiredCount": 1}), 2), Some(1.into()));
        assert_eq!(kept(json!({}), 2), Some(0.into()));
        assert_eq!(kept(json!({"desiredCountRange": range}), 2), Some(2.into()));
        // A scheduled zero inside the range belongs to autoscaling, too.
        assert_eq!(
            kept(
                json!({"desiredCount": 1, "desiredCountRange": {"min": 0, "max": 3}}),
                0
            ),
            Some(0.into())
        );
    }

    #[test]
    fn order_of_subnets_means_nothing() {
        assert_eq!(
            canonical_network(json!({"subnets": ["b", "a"]}).into()),
            canonical_network(json!({"subnets": ["a", "b"], "assignPublicIp": false}).into())
        );
    }
}
